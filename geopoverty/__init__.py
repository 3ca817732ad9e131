"""Regional poverty: weights from travel times, spillover models, offline atlases.

Tables come in keyed by ``unit_id``; estimators turn them into one kind of
`Result`; `join` puts results back on geometries; `Atlas` draws them.
"""

from importlib.metadata import version as _version

from geopoverty.atlas import Atlas, CountyMap, MapStyle, choropleth
from geopoverty.covariances import Cluster, Conley
from geopoverty.data import catalog as datasets
from geopoverty.data.boundaries import read_boundaries
from geopoverty.data.travel import (
    Circuity,
    TravelTimes,
    estimate_circuity,
    model_travel_times,
)
from geopoverty.data.travel_files import read_travel_times
from geopoverty.design.sample import Sample
from geopoverty.errors import (
    EstimationError,
    GeoPovertyError,
    GeoPovertyWarning,
    InputError,
    MissingExtraError,
)
from geopoverty.estimators.binary import logit, probit
from geopoverty.estimators.hazard import exit_hazard
from geopoverty.estimators.panel import panel
from geopoverty.estimators.predict import predict
from geopoverty.estimators.spatial_binary import (
    GMM,
    ML,
    LinearGMM,
    RandomEffects,
    spatial_binary,
)
from geopoverty.estimators.spatial_tests import spatial_binary_tests
from geopoverty.join import join
from geopoverty.results import Result, compare
from geopoverty.weights import (
    SpatialWeights,
    as_weights,
    contiguity_weights,
    knn_weights,
    travel_weights,
)

__version__ = _version("geopoverty")

__all__ = [
    "GMM",
    "ML",
    "Atlas",
    "Circuity",
    "Cluster",
    "Conley",
    "CountyMap",
    "EstimationError",
    "GeoPovertyError",
    "GeoPovertyWarning",
    "InputError",
    "LinearGMM",
    "MapStyle",
    "MissingExtraError",
    "RandomEffects",
    "Result",
    "Sample",
    "SpatialWeights",
    "TravelTimes",
    "as_weights",
    "choropleth",
    "compare",
    "contiguity_weights",
    "datasets",
    "estimate_circuity",
    "exit_hazard",
    "join",
    "knn_weights",
    "logit",
    "model_travel_times",
    "panel",
    "predict",
    "probit",
    "read_boundaries",
    "read_travel_times",
    "spatial_binary",
    "spatial_binary_tests",
    "travel_weights",
]

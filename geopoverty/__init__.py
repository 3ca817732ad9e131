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
    "Atlas",
    "Circuity",
    "Cluster",
    "Conley",
    "CountyMap",
    "EstimationError",
    "GeoPovertyError",
    "GeoPovertyWarning",
    "InputError",
    "MapStyle",
    "MissingExtraError",
    "Result",
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
    "probit",
    "read_boundaries",
    "read_travel_times",
    "travel_weights",
]

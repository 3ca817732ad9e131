"""Regional poverty: weights from travel times, spillover models, offline atlases.

Tables come in keyed by ``unit_id``; estimators turn them into one kind of
`Result`; `join` puts results back on geometries; `Atlas` draws them.
"""

from importlib.metadata import version as _version

from geopoverty import plots
from geopoverty.atlas import Atlas, CountyMap, MapStyle, choropleth
from geopoverty.clusters import (
    ClusterRule,
    FirmColumns,
    cluster_sensitivity,
    count_clusters,
    economic_density,
    industry_indices,
    integration_indices,
    location_quotients,
    upgrading_index,
)
from geopoverty.covariances import Cluster, Conley, WildCluster
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
from geopoverty.estimators.control_function import control_function
from geopoverty.estimators.did import Adoption, KernelWeights, did, psm_did
from geopoverty.estimators.dynamic_panel import (
    DynamicGMM,
    Household,
    Instruments,
    dynamic_panel,
)
from geopoverty.estimators.groups import by_group
from geopoverty.estimators.hazard import exit_hazard
from geopoverty.estimators.linear import ols
from geopoverty.estimators.matching import (
    AbadieImbens,
    Bootstrap,
    GivenWeights,
    Kernel,
    Nearest,
    Radius,
    Score,
    match,
    match_all,
)
from geopoverty.estimators.panel import SpatialPanel, panel
from geopoverty.estimators.panel_logit import (
    Neighbors,
    RandomIntercept,
    panel_logit,
)
from geopoverty.estimators.panel_tests import panel_tests
from geopoverty.estimators.predict import predict
from geopoverty.estimators.quantiles import QuantileBootstrap, quantile_regression
from geopoverty.estimators.scan import industry_scan
from geopoverty.estimators.spatial_binary import (
    GMM,
    ML,
    LinearGMM,
    RandomEffects,
    spatial_binary,
)
from geopoverty.estimators.spatial_tests import spatial_binary_tests
from geopoverty.estimators.stepwise import Search, stepwise
from geopoverty.estimators.vulnerability import (
    ClusterBootstrap,
    Floor,
    Profile,
    score_vulnerability,
    validate_vulnerability,
    vulnerability,
)
from geopoverty.join import join
from geopoverty.measures import (
    Relative,
    Survey,
    decompose_change,
    decompose_poverty,
    fgt,
    gini,
    headcount,
    poverty_line,
    sen,
    watts,
)
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
    "AbadieImbens",
    "Adoption",
    "Atlas",
    "Bootstrap",
    "Circuity",
    "Cluster",
    "ClusterBootstrap",
    "ClusterRule",
    "Conley",
    "CountyMap",
    "DynamicGMM",
    "EstimationError",
    "FirmColumns",
    "Floor",
    "GeoPovertyError",
    "GeoPovertyWarning",
    "GivenWeights",
    "Household",
    "InputError",
    "Instruments",
    "Kernel",
    "KernelWeights",
    "LinearGMM",
    "MapStyle",
    "MissingExtraError",
    "Nearest",
    "Neighbors",
    "Profile",
    "QuantileBootstrap",
    "Radius",
    "RandomEffects",
    "RandomIntercept",
    "Relative",
    "Result",
    "Sample",
    "Score",
    "Search",
    "SpatialPanel",
    "SpatialWeights",
    "Survey",
    "TravelTimes",
    "WildCluster",
    "as_weights",
    "by_group",
    "choropleth",
    "cluster_sensitivity",
    "compare",
    "contiguity_weights",
    "control_function",
    "count_clusters",
    "datasets",
    "decompose_change",
    "decompose_poverty",
    "did",
    "dynamic_panel",
    "economic_density",
    "estimate_circuity",
    "exit_hazard",
    "fgt",
    "gini",
    "headcount",
    "industry_indices",
    "industry_scan",
    "integration_indices",
    "join",
    "knn_weights",
    "location_quotients",
    "logit",
    "match",
    "match_all",
    "model_travel_times",
    "ols",
    "panel",
    "panel_logit",
    "panel_tests",
    "plots",
    "poverty_line",
    "predict",
    "probit",
    "psm_did",
    "quantile_regression",
    "read_boundaries",
    "read_travel_times",
    "score_vulnerability",
    "sen",
    "spatial_binary",
    "spatial_binary_tests",
    "stepwise",
    "travel_weights",
    "upgrading_index",
    "validate_vulnerability",
    "vulnerability",
    "watts",
]

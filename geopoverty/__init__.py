"""Regional poverty: weights from travel times, spillover models, offline atlases.

Tables come in keyed by ``unit_id``; estimators turn them into one kind of
`Result`; `join` puts results back on geometries; `Atlas` draws them.
"""

from importlib.metadata import version as _version

from geopoverty import plots
from geopoverty.atlas import Atlas, CountyMap, MapStyle, choropleth
from geopoverty.audit import audit, audit_checks, published_tables
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
from geopoverty.data.exits import read_exits
from geopoverty.data.panel_exits import exits_from_panel
from geopoverty.data.travel import (
    Circuity,
    TravelTimes,
    Within,
    estimate_circuity,
    model_travel_times,
)
from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel_compare import compare_travel_times
from geopoverty.data.travel_files import read_travel_times
from geopoverty.data.travel_fill import Detour, Modelled, Reverse, fill_missing
from geopoverty.data.travel_report import travel_report
from geopoverty.data.travel_write import write_travel_times
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
from geopoverty.estimators.curves import CurveOptions, survival_curves
from geopoverty.estimators.did import Adoption, KernelWeights, did, psm_did
from geopoverty.estimators.dynamic_panel import (
    DynamicGMM,
    Household,
    Instruments,
    dynamic_panel,
)
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard, exit_periods
from geopoverty.estimators.groups import by_group
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
from geopoverty.estimators.targeting import (
    IndexBounds,
    RatingScale,
    SurveyColumns,
    YesNo,
    code_likert,
    code_multiple,
    code_ranked,
    code_yes_no,
    concentration,
    counts_from_percent,
    empowerment_matrix,
    frequencies,
    multiple_response,
    partial_correlation,
    participation_cascade,
    rank_table,
    targeting,
)
from geopoverty.estimators.vulnerability import (
    ClusterBootstrap,
    Floor,
    Profile,
    score_vulnerability,
    validate_vulnerability,
    vulnerability,
)
from geopoverty.join import join
from geopoverty.map_files import write_map
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
from geopoverty.patterns import getis_ord, local_moran
from geopoverty.registers import Register, read_register
from geopoverty.results import Result, compare
from geopoverty.routing import (
    EdgeColumns,
    PopulationPoints,
    Roads,
    Snapping,
    SpeedProfile,
    read_roads,
    route_travel_times,
    snap_places,
)
from geopoverty.routing.services import (
    OSRM,
    Google,
    OpenRouteService,
    Requests,
    Service,
    Valhalla,
)
from geopoverty.scenario import Change, scenario
from geopoverty.study import check_study, run_study, write_example
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
    "OSRM",
    "AbadieImbens",
    "Adoption",
    "Atlas",
    "Bootstrap",
    "Change",
    "Circuity",
    "Cluster",
    "ClusterBootstrap",
    "ClusterRule",
    "Conley",
    "CountyMap",
    "CurveOptions",
    "Detour",
    "DynamicGMM",
    "EdgeColumns",
    "EstimationError",
    "FirmColumns",
    "Floor",
    "GeoPovertyError",
    "GeoPovertyWarning",
    "GivenWeights",
    "Google",
    "Hazard",
    "Household",
    "IndexBounds",
    "InputError",
    "Instruments",
    "Kernel",
    "KernelWeights",
    "LinearGMM",
    "MapStyle",
    "MissingExtraError",
    "Modelled",
    "Nearest",
    "Neighbors",
    "OpenRouteService",
    "PopulationPoints",
    "Profile",
    "QuantileBootstrap",
    "Radius",
    "RandomEffects",
    "RandomIntercept",
    "RatingScale",
    "Register",
    "Relative",
    "Requests",
    "Result",
    "Reverse",
    "Roads",
    "Sample",
    "Score",
    "Search",
    "Service",
    "Snapping",
    "SpatialPanel",
    "SpatialWeights",
    "SpeedProfile",
    "Survey",
    "SurveyColumns",
    "Timeline",
    "TravelFormat",
    "TravelTimes",
    "Valhalla",
    "WildCluster",
    "Within",
    "YesNo",
    "as_weights",
    "audit",
    "audit_checks",
    "by_group",
    "check_study",
    "choropleth",
    "cluster_sensitivity",
    "code_likert",
    "code_multiple",
    "code_ranked",
    "code_yes_no",
    "compare",
    "compare_travel_times",
    "concentration",
    "contiguity_weights",
    "control_function",
    "count_clusters",
    "counts_from_percent",
    "datasets",
    "decompose_change",
    "decompose_poverty",
    "did",
    "dynamic_panel",
    "economic_density",
    "empowerment_matrix",
    "estimate_circuity",
    "exit_hazard",
    "exit_periods",
    "exits_from_panel",
    "fgt",
    "fill_missing",
    "frequencies",
    "getis_ord",
    "gini",
    "headcount",
    "industry_indices",
    "industry_scan",
    "integration_indices",
    "join",
    "knn_weights",
    "local_moran",
    "location_quotients",
    "logit",
    "match",
    "match_all",
    "model_travel_times",
    "multiple_response",
    "ols",
    "panel",
    "panel_logit",
    "panel_tests",
    "partial_correlation",
    "participation_cascade",
    "plots",
    "poverty_line",
    "predict",
    "probit",
    "psm_did",
    "published_tables",
    "quantile_regression",
    "rank_table",
    "read_boundaries",
    "read_exits",
    "read_register",
    "read_roads",
    "read_travel_times",
    "route_travel_times",
    "run_study",
    "scenario",
    "score_vulnerability",
    "sen",
    "snap_places",
    "spatial_binary",
    "spatial_binary_tests",
    "stepwise",
    "survival_curves",
    "targeting",
    "travel_report",
    "travel_weights",
    "upgrading_index",
    "validate_vulnerability",
    "vulnerability",
    "watts",
    "write_example",
    "write_map",
    "write_travel_times",
]

"""How standard errors allow for dependence: the options and what they compute."""

from geopoverty.covariances.compute import (
    FEW,
    Covariance,
    SmallSample,
    Spread,
    covariance,
    few_clusters,
    spread_covariance,
)
from geopoverty.covariances.options import (
    NAMES,
    Cluster,
    Conley,
    Distances,
    Vcov,
    WildCluster,
    columns_of,
    resolved,
)

__all__ = [
    "FEW",
    "NAMES",
    "Cluster",
    "Conley",
    "Covariance",
    "Distances",
    "SmallSample",
    "Spread",
    "Vcov",
    "WildCluster",
    "columns_of",
    "covariance",
    "few_clusters",
    "resolved",
    "spread_covariance",
]

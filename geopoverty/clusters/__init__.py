"""From a firm table to clusters, quotients, densities and indices by county."""

from geopoverty.clusters.counts import ClusterRule, cluster_sensitivity, count_clusters
from geopoverty.clusters.density import economic_density
from geopoverty.clusters.firms import FirmColumns
from geopoverty.clusters.indices import industry_indices
from geopoverty.clusters.quotients import location_quotients
from geopoverty.clusters.upgrading import integration_indices, upgrading_index

__all__ = [
    "ClusterRule",
    "FirmColumns",
    "cluster_sensitivity",
    "count_clusters",
    "economic_density",
    "industry_indices",
    "integration_indices",
    "location_quotients",
    "upgrading_index",
]

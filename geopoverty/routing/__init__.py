"""Travel times over roads: networks, speeds, routing services.

`read_roads` reads a network: `osm` and `tags` from OpenStreetMap, `edge_table` from any
table; `speeds` and `limits` say how fast it is driven. `points` says where trips begin
and end, `snap` ties them to the roads, `minutes` finds the quickest ways, `routes` is
the public function. `services` asks others.
"""

from geopoverty.routing.edge_table import EdgeColumns
from geopoverty.routing.points import PopulationPoints
from geopoverty.routing.reading import read_roads
from geopoverty.routing.roads import Roads
from geopoverty.routing.routes import route_travel_times
from geopoverty.routing.snap import Snapping, snap_places
from geopoverty.routing.speeds import CLASS_KMH, SpeedProfile

__all__ = [
    "CLASS_KMH",
    "EdgeColumns",
    "PopulationPoints",
    "Roads",
    "Snapping",
    "SpeedProfile",
    "read_roads",
    "route_travel_times",
    "snap_places",
]

"""Route Coquimbo's zones anew from its road network, beside the bundled minutes.

Run from the root of the repository, with the wheel of aequilibrae 1.7.2 (pip download
--no-deps aequilibrae==1.7.2)::

    python tests/reference/routing_coquimbo.py FOLDER

The bundled minutes were made by scipy's Dijkstra (tools/coquimbo.py). Here the same
links go through read_roads and route_travel_times. The differences that remain: places
are tied to the nearest node on a sphere and not in UTM, zones at one node are joined
straight.
"""

import json
import sqlite3
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty.data.chile import coquimbo_travel_times
from geopoverty.routing import EdgeColumns, read_roads, route_travel_times

SPEEDS = {
    "motorway": 100.0,
    "trunk": 80.0,
    "primary": 60.0,
    "secondary": 50.0,
    "tertiary": 40.0,
    "unclassified": 40.0,
    "residential": 30.0,
    "living_street": 20.0,
}
OUT = Path(__file__).with_suffix(".json")


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        wheel = next(folder.glob("aequilibrae-1.7.2*"))
        with zipfile.ZipFile(wheel) as archive:
            inner = archive.extract("aequilibrae/reference_files/coquimbo.zip", work)
        with zipfile.ZipFile(inner) as project:
            database = Path(project.extract("project_database.sqlite", work))
        edges, nodes, places = tables(database)
    roads = read_roads(edges, nodes=nodes, columns=EdgeColumns(length_unit="m"))
    ours = route_travel_times(places, network=roads)
    bundled = coquimbo_travel_times().subset(ours.units)
    off = ~np.eye(ours.n, dtype=bool)
    ratio = ours.matrix[off] / bundled.matrix[off]
    step = 7  # a sample of rows is enough to hold the router to
    found = {
        "geopoverty": version("geopoverty"),
        "links": len(edges),
        "roads": repr(roads),
        "pairs": int(off.sum()),
        "ratio_quantiles": np.quantile(ratio, [0, 0.01, 0.5, 0.99, 1]).tolist(),
        "pairs_off_by_1_percent": int((np.abs(ratio - 1) > 0.01).sum()),
        "units": ours.units.tolist(),
        "rows": ours.units[::step].tolist(),
        "minutes": ours.matrix[::step].round(3).tolist(),
    }
    OUT.write_text(json.dumps(found) + "\n", encoding="utf-8")


def tables(database: Path) -> tuple[pd.DataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    query = (
        "select a_node, b_node, direction, distance, link_type, speed_ab, speed_ba "
        "from links where modes like '%c%' and link_type <> 'centroid_connector'"
    )
    with sqlite3.connect(database) as connection:
        links = pd.read_sql(query, connection)
    usual = links["link_type"].map(SPEEDS)
    ways = [
        links.loc[open_, ["distance"]].assign(
            from_node=links[one], to_node=links[other], speed=links[speed].fillna(usual)
        )
        for one, other, speed, open_ in (
            ("a_node", "b_node", "speed_ab", links["direction"] >= 0),
            ("b_node", "a_node", "speed_ba", links["direction"] <= 0),
        )
    ]
    edges = pd.concat(ways, ignore_index=True).rename(columns={"distance": "length"})
    nodes = gpd.read_file(database, layer="nodes", columns=["node_id", "is_centroid"])
    nodes = nodes.rename(columns={"node_id": "node"})
    zones = nodes[nodes["is_centroid"] == 1]
    places = zones.set_index(zones["node"].astype(str))[["geometry"]]
    # A centroid is no road: only nodes that a link names are.
    named = nodes["node"].isin(edges["from_node"]) | nodes["node"].isin(
        edges["to_node"]
    )
    return edges, nodes[named], places


if __name__ == "__main__":
    main(Path(sys.argv[1]))

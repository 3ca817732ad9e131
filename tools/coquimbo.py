"""The zones of Coquimbo and the minutes between them, from an OSM road network."""

import itertools
import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

METRES = "EPSG:32719"
# Kilometres per hour where OpenStreetMap has no posted speed.
CLASS_SPEED = {
    "motorway": 100.0,
    "trunk": 80.0,
    "primary": 60.0,
    "secondary": 50.0,
    "tertiary": 40.0,
    "unclassified": 40.0,
    "residential": 30.0,
    "living_street": 20.0,
}
ACCESS_KMH = 20.0  # between a zone's centroid and the road network


def zone_table(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    table = zones.sort_values("zone_id", ignore_index=True)
    return gpd.GeoDataFrame(
        {
            "unit_id": table["zone_id"].astype(str),
            "population": table["population"].astype("int64"),
            "area_km2": table.to_crs(METRES).area / 1e6,
        },
        geometry=table.geometry,
        crs=4326,
    )


def route_zones(network: Path) -> pd.DataFrame:
    """Route every pair of zones by the quickest way over the road network."""
    nodes = gpd.read_file(network, layer="nodes", columns=["node_id", "is_centroid"])
    nodes = nodes.to_crs(METRES).sort_values("node_id", ignore_index=True)
    minutes = road_minutes(network, nodes["node_id"])
    _, part = connected_components(minutes, connection="strong")
    roads = np.flatnonzero(part == np.bincount(part).argmax())
    xy = np.column_stack([nodes.geometry.x, nodes.geometry.y])
    zones = np.flatnonzero(nodes["is_centroid"] == 1)
    metres, nearest = cKDTree(xy[roads]).query(xy[zones])
    start = roads[nearest]
    access = metres / 1000 / ACCESS_KMH * 60
    times = dijkstra(minutes, indices=start)[:, start]
    times += access[:, None] + access
    np.fill_diagonal(times, 0.0)
    ids = nodes["node_id"].iloc[zones].astype(str).to_list()
    table = pd.DataFrame(itertools.product(ids, ids), columns=["from_id", "to_id"])
    table["travel_time"] = times.round(3).ravel()
    return table


def road_minutes(network: Path, node_ids: pd.Series) -> csr_array:
    query = (
        "select a_node, b_node, direction, distance, link_type, speed_ab, speed_ba "
        "from links where modes like '%c%' and link_type <> 'centroid_connector'"
    )
    with sqlite3.connect(network) as database:
        links = pd.read_sql(query, database)
    place = pd.Series(range(len(node_ids)), index=node_ids)
    start, end = place[links["a_node"]], place[links["b_node"]]
    km, assumed = links["distance"] / 1000, links["link_type"].map(CLASS_SPEED)
    ways = []
    for way, one, other, speed in (
        (1, start, end, links["speed_ab"]),
        (-1, end, start, links["speed_ba"]),
    ):
        open_to_cars = (links["direction"] * way >= 0).to_numpy()
        time = (km / speed.fillna(assumed) * 60).to_numpy()
        pair = {"row": one.to_numpy(), "column": other.to_numpy(), "time": time}
        ways.append(pd.DataFrame(pair)[open_to_cars])
    quickest = pd.concat(ways).groupby(["row", "column"])["time"].min().reset_index()
    n = len(node_ids)
    return csr_array(
        (quickest["time"], (quickest["row"], quickest["column"])), shape=(n, n)
    )

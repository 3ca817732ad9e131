"""County boundaries: read, check, and find each county's centre."""

import os
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio.errors
from pyproj import CRS
from pyproj.exceptions import CRSError

from geopoverty._checks import require, require_columns, unit_ids
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array

LONLAT = "EPSG:4326"
EQUAL_AREA = "EPSG:6933"  # cylindrical equal area: centroids and areas anywhere


def read_boundaries(
    source: str | os.PathLike[str] | gpd.GeoDataFrame,
    *,
    unit_id: str = "unit_id",
    crs: Any = None,
) -> gpd.GeoDataFrame:
    """Read boundaries (or places) and check that they can be worked with.

    Parameters
    ----------
    source : path or GeoDataFrame
        GeoParquet, GeoPackage, GeoJSON, Shapefile, or what else GDAL reads.
    unit_id : str
        The column (or index) that names each unit: text, present, unique.
    crs : optional
        The coordinate system, for a source that does not say its own. It never
        converts: call ``.to_crs`` on what comes back.

    Returns
    -------
    GeoDataFrame
        Indexed by ``unit_id``; every geometry present, not empty, valid.

    Raises
    ------
    InputError
        If the file is not there, ids are missing, repeated or numbers, the
        coordinate system is missing or differs from `crs`, or a geometry is
        missing, empty or invalid.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> table = gpd.GeoDataFrame({"code": ["01"]}, geometry=[box(0, 0, 1, 1)], crs=4326)
    >>> read_boundaries(table, unit_id="code").index.tolist()
    ['01']
    """
    table = source.copy() if isinstance(source, pd.DataFrame) else _read(source)
    require_geometry(table, "The boundaries")
    if unit_id in table.columns:
        table.index = unit_ids(table.pop(unit_id), "The boundaries", unique=True)
    elif table.index.name == unit_id:
        table.index = unit_ids(table.index, "The boundaries", unique=True)
    else:
        require_columns(table, [unit_id], "The boundaries' unit_id")
    table.index.name = "unit_id"
    check_geometry(table)
    return _with_crs(table, crs)


def require_geometry(table: pd.DataFrame, what: str) -> None:
    """Raise `InputError` unless `table` is a GeoDataFrame with a geometry."""
    if isinstance(table, gpd.GeoDataFrame) and table.active_geometry_name is not None:
        return
    raise InputError(
        f"{what} must be a GeoDataFrame with a geometry; this {type(table).__name__} "
        "has none. Read it with read_boundaries, or name the column: "
        "table.set_geometry(...)."
    )


def check_geometry(table: gpd.GeoDataFrame) -> None:
    """Raise `InputError` if a geometry is missing, empty or invalid."""
    require_geometry(table, "The places")
    shapes = table.geometry
    require(
        (~(shapes.isna() | shapes.is_empty)).to_numpy(),
        "Every unit needs a geometry",
        ids=table.index,
        noun="units",
        way_out="Drop these units, or mend their geometry.",
    )
    require(
        shapes.is_valid.to_numpy(),
        "Every geometry must be valid",
        ids=table.index,
        noun="units",
        way_out="Repair them first: table.geometry = table.geometry.make_valid().",
    )


def require_crs(table: gpd.GeoDataFrame, what: str) -> None:
    """Raise `InputError` if the coordinate system is not known."""
    require_geometry(table, what)
    if table.crs is None:
        raise InputError(
            f"{what} must say their coordinate system; none is set. Name it: "
            "read_boundaries(source, crs='EPSG:4326') for longitude and latitude."
        )


def centres(table: gpd.GeoDataFrame) -> tuple[Array, Array]:
    """Return longitude and latitude of each unit's centre of area, in degrees.

    Points stay where they are; polygons give the centroid in an equal-area
    projection.

    Raises
    ------
    InputError
        If the coordinate system is not known, or a geometry is missing, empty
        or invalid, or coordinates lie outside the coordinate system.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> lon, lat = centres(gpd.GeoDataFrame(geometry=[box(9, -1, 11, 1)], crs=4326))
    >>> lon.round(6), abs(lat.round(6))
    (array([10.]), array([0.]))
    """
    require_crs(table, "The places")
    check_geometry(table)
    around = table.geometry.to_crs(LONLAT).bounds.to_numpy()
    require(
        (np.abs(around) <= (360, 90, 360, 90)).all(axis=1),
        f"Coordinates must lie within {table.crs.name}",
        ids=table.index,
        noun="places",
        way_out="Name the system they are in: table.set_crs(..., allow_override=True).",
    )
    if (table.geom_type == "Point").all():
        points = table.geometry.to_crs(LONLAT)
    else:
        points = table.geometry.to_crs(EQUAL_AREA).centroid.to_crs(LONLAT)
    return points.x.to_numpy(), points.y.to_numpy()


def _read(source: str | os.PathLike[str]) -> gpd.GeoDataFrame:
    path = os.fspath(source)
    if not os.path.exists(path):
        raise InputError(f"There is no file '{path}'. Check the path.")
    try:
        if path.endswith((".parquet", ".geoparquet")):
            return gpd.read_parquet(path)
        table = gpd.read_file(path)
    except (ValueError, OSError, pyogrio.errors.DataSourceError) as error:
        raise InputError(
            f"'{path}' cannot be read as boundaries ({error}). Give GeoParquet, "
            "GeoPackage, GeoJSON or a Shapefile."
        ) from error
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError(f"'{path}' holds no geometry. Name the file that does.")
    return table


def _with_crs(table: gpd.GeoDataFrame, crs: Any) -> gpd.GeoDataFrame:
    if crs is None:
        require_crs(table, "The boundaries")
        return table
    try:
        asked = CRS.from_user_input(crs)
    except CRSError as error:
        raise InputError(
            f"crs must name a coordinate system; {crs!r} does not. Try 'EPSG:4326' "
            "for longitude and latitude."
        ) from error
    if table.crs is None:
        return table.set_crs(asked)
    if asked != table.crs:
        raise InputError(
            f"The boundaries are in {table.crs.to_string()}, but crs={crs!r} was "
            "asked for. Leave crs out, then convert: boundaries.to_crs(...)."
        )
    return table


def same_crs(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> None:
    """Raise `InputError` unless both tables share one coordinate system."""
    if left.crs != right.crs:
        raise InputError(
            "Both tables must be in one coordinate system; they are in "
            f"{left.crs} and {right.crs}. Convert one: table.to_crs(other.crs)."
        )


def units_of(table: pd.DataFrame) -> pd.Index:
    """Return the checked unit ids a boundary table is indexed by."""
    return unit_ids(table.index, "The places' index", unique=True)

"""Read a road network, from OpenStreetMap or from a table of edges."""

import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyogrio.errors

from geopoverty._checks import first
from geopoverty.errors import InputError
from geopoverty.routing.edge_table import EdgeColumns, roads_of_table
from geopoverty.routing.osm import roads_of_pbf
from geopoverty.routing.roads import Extent, Roads
from geopoverty.routing.speeds import SpeedProfile

PARQUET = (".parquet", ".geoparquet")
DRAWN = (".gpkg", ".geojson", ".shp", ".fgb")


def read_roads(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    speeds: SpeedProfile | None = None,
    ferries: bool = False,
    within: Extent | None = None,
    columns: EdgeColumns | None = None,
    nodes: str | os.PathLike[str] | pd.DataFrame | None = None,
    crs: Any = None,
) -> Roads:
    """Read a road network for cars.

    Parameters
    ----------
    source : path or DataFrame
        An OpenStreetMap extract (``.osm.pbf``; needs the extra ``routing``), or a table
        of edges: GeoParquet, GeoPackage, GeoJSON, CSV or a DataFrame with a row an
        edge.
    speeds : SpeedProfile, optional
        Speeds by class of road, by country, and the share of them that is driven.
    ferries : bool
        Whether cars take ferries; OpenStreetMap only.
    within : tuple of float, optional
        West, south, east and north in degrees: read no more of an OpenStreetMap
        extract than this. Take it wider than the places, as ways leave it.
    columns : EdgeColumns, optional
        What the columns of a table are called, and their units.
    nodes : path or DataFrame, optional
        Nodes of a table: ids with points, or with columns ``lon, lat``. Not given, the
        ends of its lines count, or its columns ``from_lon, from_lat, to_lon, to_lat``.
    crs : optional
        The coordinate system of a table that does not say its own. It never converts.

    Returns
    -------
    Roads
        Directed ways with minutes. Print it to see how much of it is joined.

    Raises
    ------
    MissingExtraError
        If an OpenStreetMap extract is asked for without pyrosm.
    InputError
        If the file is not there, cannot be read, is cut short, or holds no road; if a
        column or node is missing; if a length, speed or time is not above 0; if an
        option does not apply to the source.

    Warns
    -----
    GeoPovertyWarning
        If lengths, speeds or minutes look as if they were in another unit.

    Notes
    -----
    On OpenStreetMap's roads, ``oneway`` is obeyed (roundabouts and motorways are
    one-way unless they say otherwise), ways closed to cars are left out, and turns cost
    nothing: turn restrictions are not read.

    Examples
    --------
    >>> edges = pd.DataFrame({
    ...     "from_node": ["a", "b"], "to_node": ["b", "c"], "length": [800, 900],
    ...     "speed": ["48", "30 mph"], "oneway": ["no", "yes"]})
    >>> nodes = pd.DataFrame({"node": ["a", "b", "c"], "lon": [0.0, 0.007, 0.015],
    ...                       "lat": [0.0, 0.0, 0.0]})
    >>> roads = read_roads(edges, nodes=nodes)
    >>> roads.minutes.round(2)
    array([1.  , 1.12, 1.  ])
    """
    profile = speeds or SpeedProfile()
    extract = not isinstance(source, pd.DataFrame) and Path(source).suffix == ".pbf"
    for_tables = {"columns": columns, "nodes": nodes, "crs": crs}
    _refuse_idle(
        for_tables if extract else {"ferries": ferries or None, "within": within},
        "a table of edges" if extract else "an OpenStreetMap extract",
    )
    if not isinstance(source, pd.DataFrame) and extract:
        _check_box(within)
        return roads_of_pbf(Path(source), profile, ferries=ferries, within=within)
    names = columns or EdgeColumns()
    table = _table(source, "The roads", crs, names)
    points = None if nodes is None else _table(nodes, "The nodes", crs, names)
    return roads_of_table(table, names, profile, points)


def _refuse_idle(options: dict[str, Any], kind: str) -> None:
    """Refuse options that would do nothing."""
    idle = [name for name, value in options.items() if value is not None]
    if idle:
        raise InputError(
            f"{first(idle)} applies to {kind} only, and this source is none. Leave it "
            "out."
        )


def _check_box(within: Extent | None) -> None:
    if within is None:
        return
    west, south, east, north = within
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise InputError(
            "within must be west, south, east and north in degrees, such as "
            f"(9.4, 47.0, 9.7, 47.3); got {within}."
        )


def _table(
    source: str | os.PathLike[str] | pd.DataFrame,
    what: str,
    crs: Any,
    names: EdgeColumns,
) -> pd.DataFrame:
    held = isinstance(source, pd.DataFrame)
    table = source if held else _read(Path(source), what, names)
    if crs is not None and isinstance(table, gpd.GeoDataFrame) and table.crs is None:
        return table.set_crs(crs)
    return table


def _read(path: Path, what: str, names: EdgeColumns) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"There is no file '{path}'. Check the path.")
    try:
        if path.suffix in PARQUET:
            drawn = b"geo" in (pa.parquet.read_schema(path).metadata or {})
            return gpd.read_parquet(path) if drawn else pd.read_parquet(path)
        if path.suffix in DRAWN:
            return gpd.read_file(path)
        if path.suffix == ".csv":
            # Ids keep their leading zeros.
            ids = (names.from_node, names.to_node, names.node)
            return pd.read_csv(path, dtype=dict.fromkeys(ids, str))
    except (
        ValueError,
        OSError,
        pa.ArrowException,
        pyogrio.errors.DataSourceError,
    ) as e:
        raise InputError(
            f"'{path}' cannot be read ({e}). Check that it is a table."
        ) from e
    raise InputError(
        f"{what} are read from .osm.pbf, .parquet, .gpkg, .geojson or .csv; '{path}' "
        f"ends in '{path.suffix}'. Convert it, or pass a DataFrame."
    )

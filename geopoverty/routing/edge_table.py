"""Roads from any table of edges: names of columns, units, coordinates, checks."""

from dataclasses import dataclass, fields
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns, require_option, warn
from geopoverty.data.boundaries import LONLAT, require_crs
from geopoverty.errors import InputError
from geopoverty.numerics.distances import great_circle_km
from geopoverty.numerics.types import Array, Codes
from geopoverty.routing.limits import KMH_PER_MPH
from geopoverty.routing.roads import Roads
from geopoverty.routing.speeds import FASTEST_KMH, SpeedProfile
from geopoverty.routing.tags import AGAINST, BOTH, ONE_WAY

KM = {"m": 0.001, "km": 1.0, "mi": KMH_PER_MPH}
KMH = {"km/h": 1.0, "mph": KMH_PER_MPH, "m/s": 3.6}
ENDS = ("from_lon", "from_lat", "to_lon", "to_lat")
SLOWEST_KMH = 2.0  # a median below this is no car
CROSSED_KM = 0.001  # shorter edges tell nothing of the unit of length
SHORTEST, LONGEST = 0.9, 3.0  # plausible medians of length over great circle


@dataclass(frozen=True)
class EdgeColumns:
    """What the columns of a table of edges are called, and their units.

    Attributes
    ----------
    from_node, to_node : str
        Ids of the nodes at the ends.
    minutes : str
        Minutes along the edge, above 0. Where the table has no such column, they come
        from the two below.
    length, speed : str
        Above 0. A speed may be text such as ``"30 mph"``.
    length_unit : {"m", "km", "mi"}
    speed_unit : {"km/h", "mph", "m/s"}
    oneway : str
        Where the table has this column, rows marked ``no`` (or 0, False) are driven
        both ways and rows marked ``-1`` against their direction; else each row is one
        direction.
    node : str
        The id in the table of nodes.
    """

    from_node: str = "from_node"
    to_node: str = "to_node"
    minutes: str = "minutes"
    length: str = "length"
    speed: str = "speed"
    length_unit: str = "m"
    speed_unit: str = "km/h"
    oneway: str = "oneway"
    node: str = "node"

    def __post_init__(self) -> None:
        require_option(self.length_unit, tuple(KM), "length_unit")
        require_option(self.speed_unit, tuple(KMH), "speed_unit")
        names = [getattr(self, f.name) for f in fields(self)]
        if not all(isinstance(n, str) and n for n in names):
            raise InputError(f"EdgeColumns needs names of columns; got {names}.")


def roads_of_table(
    edges: pd.DataFrame,
    columns: EdgeColumns,
    speeds: SpeedProfile,
    nodes: pd.DataFrame | None,
) -> Roads:
    """Check a table of edges and turn it into roads.

    Parameters
    ----------
    edges : DataFrame, m rows
        Coordinates of nodes come from `nodes`, or from the ends of its lines, or from
        its columns ``from_lon, from_lat, to_lon, to_lat``.
    columns : EdgeColumns
    speeds : SpeedProfile
        Reads speeds that are text; its factor applies to lengths over speeds.
    nodes : DataFrame, optional
        One row a node: its id, and points or the columns ``lon, lat``.

    Raises
    ------
    InputError
        If a column or a node is missing, or a length, speed or time is not above 0.
    """
    require_columns(edges, [columns.from_node, columns.to_node], "A table of edges")
    if not len(edges):
        raise InputError("The table of edges is empty. Check the file, or the filter.")
    ends = [_ids(edges[name]) for name in (columns.from_node, columns.to_node)]
    ids, lon, lat = _coordinates(edges, ends, nodes, columns)
    start, end = (np.asarray(ids.get_indexer(e), dtype=np.intp) for e in ends)
    for side, at in zip(ends, (start, end), strict=True):
        require(
            at >= 0,
            "Every edge must begin and end at a known node",
            ids=pd.Index(side),
            noun="edges",
            way_out="Add the nodes, or drop these edges.",
        )
    straight = great_circle_km(lon[start], lat[start], lon[end], lat[end])
    minutes, how = _minutes(edges, columns, speeds, straight)
    along, against, ways = _directions(edges, columns)
    return Roads(
        ids,
        lon,
        lat,
        np.concatenate([start[along], end[against]]),
        np.concatenate([end[along], start[against]]),
        np.concatenate([minutes[along], minutes[against]]),
        np.ones(len(ids), dtype=bool),
        (f"Minutes of driving from a table of edges: {how}; {ways}.",),
        {"title": "A road network", **edges.attrs},
    )


def _ids(column: pd.Series) -> pd.Series:
    missing = column.isna().to_numpy()
    require(
        ~missing,
        f"'{column.name}' must name a node in every row",
        ids=column.index,
        noun="edges",
        way_out="Drop these edges.",
    )
    # Tables read from CSV hold numbers where others hold text.
    whole = pd.api.types.is_float_dtype(column) and (column % 1 == 0).all()
    return (column.astype("int64") if whole else column).astype(str)


def _minutes(
    edges: pd.DataFrame, columns: EdgeColumns, speeds: SpeedProfile, straight: Array
) -> tuple[Array, str]:
    both = columns.length in edges and columns.speed in edges
    if columns.minutes in edges:
        minutes = _above_0(edges[columns.minutes], "minutes")
        if columns.length in edges:
            _check_length(_length(edges, columns), straight, columns)
        _check_pace(minutes, straight)
        if both:
            _compare(minutes, _driven(edges, columns, speeds))
        return minutes, f"its column '{columns.minutes}'"
    if not both:
        require_columns(edges, [columns.length, columns.speed], "A table of edges")
    _check_length(_length(edges, columns), straight, columns)
    share = "" if speeds.factor == 1 else f" x {speeds.factor:g}"
    how = (
        f"'{columns.length}' ({columns.length_unit}) over '{columns.speed}' "
        f"({columns.speed_unit}){share}"
    )
    return _driven(edges, columns, speeds), how


def _length(edges: pd.DataFrame, columns: EdgeColumns) -> Array:
    return _above_0(edges[columns.length], "length") * KM[columns.length_unit]


def _driven(edges: pd.DataFrame, columns: EdgeColumns, speeds: SpeedProfile) -> Array:
    speed = edges[columns.speed]
    unit = KMH[columns.speed_unit]
    if not pd.api.types.is_numeric_dtype(speed):
        # Text may say its own unit; a bare number is in the unit of the column.
        bare = pd.to_numeric(speed, errors="coerce")
        said = pd.Series(speeds.read(speed), index=speed.index, name=speed.name)
        speed = bare.mul(unit).where(bare.notna(), said)
        unit = 1.0
    kmh = _above_0(speed, "speed") * unit
    if np.median(kmh) > FASTEST_KMH:
        warn(
            f"Speeds have a median of {np.median(kmh):.0f} km/h with "
            f"speed_unit='{columns.speed_unit}'. Check the unit."
        )
    return np.asarray(60 * _length(edges, columns) / (kmh * speeds.factor))


def _above_0(column: pd.Series, what: str) -> Array:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
    require(
        np.isfinite(numbers) & (numbers > 0),
        f"The {what} of an edge ('{column.name}') must be a number above 0",
        ids=column.index,
        noun="edges",
        way_out="Correct or drop these edges.",
    )
    return np.asarray(numbers)


def _check_length(km: Array, straight: Array, columns: EdgeColumns) -> None:
    """Warn where lengths cannot be in the unit that was named."""
    long = straight > CROSSED_KM
    if not long.any():
        return
    ratio = float(np.median(km[long] / straight[long]))
    if SHORTEST <= ratio <= LONGEST:
        return
    fits = {u: ratio / KM[columns.length_unit] * KM[u] for u in KM}
    likely = [u for u, r in fits.items() if 1 - 1e-2 <= r <= LONGEST / 2]
    hint = f" length_unit='{likely[0]}' would fit." if likely else ""
    warn(
        f"Lengths are {ratio:.3g} times the straight line between nodes (median) with "
        f"length_unit='{columns.length_unit}'; roads are 1 to {LONGEST:g} times as "
        f"long.{hint} Check the unit."
    )


def _check_pace(minutes: Array, straight: Array) -> None:
    """Warn where minutes cannot be minutes."""
    long = straight > CROSSED_KM
    if not long.any():
        return
    kmh = float(np.median(60 * straight[long] / minutes[long]))
    if kmh < SLOWEST_KMH or kmh > FASTEST_KMH:
        unit = "seconds" if kmh < SLOWEST_KMH else "hours"
        warn(
            f"By the straight line, edges are driven at {kmh:.3g} km/h (median), so "
            f"that their minutes look like {unit}. Check the unit."
        )


def _compare(minutes: Array, driven: Array) -> None:
    """Warn where minutes and lengths over speeds speak of different units."""
    ratio = float(np.median(minutes / driven))
    for factor, units in (
        (KMH_PER_MPH, "speeds look like km/h that were taken for mph"),
        (1 / KMH_PER_MPH, "speeds look like mph that were taken for km/h"),
    ):
        if abs(ratio / factor - 1) < _CLOSE:
            warn(
                f"Minutes are {ratio:.3f} times length over speed (median): {units}. "
                "The column of minutes is used; check the units."
            )


_CLOSE = 0.02


def _directions(edges: pd.DataFrame, columns: EdgeColumns) -> tuple[Codes, Codes, str]:
    every = np.arange(len(edges), dtype=np.intp)
    if columns.oneway not in edges:
        return every, every[:0], "each row is one direction"
    said = edges[columns.oneway].astype(str).str.strip().str.lower()
    said = said.str.removesuffix(".0")
    require(
        said.isin((*ONE_WAY, *AGAINST, *BOTH)).to_numpy(),
        f"'{columns.oneway}' must be yes, no or -1",
        ids=edges.index,
        noun="edges",
        way_out="Fill in these edges, or rename the column.",
    )
    back = said.isin(AGAINST).to_numpy(bool)
    both = said.isin(BOTH).to_numpy(bool)
    return every[~back], every[back | both], f"one-ways by '{columns.oneway}'"


def _coordinates(
    edges: pd.DataFrame,
    ends: list[pd.Series],
    nodes: pd.DataFrame | None,
    columns: EdgeColumns,
) -> tuple[pd.Index, Array, Array]:
    if nodes is not None:
        table = _node_table(nodes, columns)
    elif isinstance(edges, gpd.GeoDataFrame):
        table = _ends_of_lines(edges, ends)
    else:
        if not set(ENDS) <= set(edges.columns):
            raise InputError(
                "The roads need coordinates: give nodes= (a table of nodes), lines as "
                f"geometry, or the columns {', '.join(ENDS)}."
            )
        sides = zip(ends, (ENDS[:2], ENDS[2:]), strict=True)
        table = pd.concat(
            [
                pd.DataFrame({"lon": edges[x], "lat": edges[y]}).set_index(side)
                for side, (x, y) in sides
            ]
        )
        table = table[~table.index.duplicated()]
    lon, lat = (pd.to_numeric(table[c], errors="coerce") for c in ("lon", "lat"))
    require(
        (lon.abs().le(180) & lat.abs().le(90)).to_numpy(),
        "Coordinates of nodes must be degrees of longitude and latitude",
        ids=table.index,
        noun="nodes",
        way_out="Give points with their coordinate system, or convert them to degrees.",
    )
    return pd.Index(table.index), lon.to_numpy(float), lat.to_numpy(float)


def _node_table(nodes: pd.DataFrame, columns: EdgeColumns) -> pd.DataFrame:
    table = pd.DataFrame(nodes)
    if columns.node in table:
        ids = _ids(table[columns.node])
    elif table.index.name == columns.node:
        ids = _ids(table.index.to_series())
    else:
        require_columns(table, [columns.node], "A table of nodes")
    again = ids.duplicated()
    if again.any():
        raise InputError(
            f"Each node must stand once; {int(again.sum())} rows repeat one "
            f"({first(ids[again])}). Drop the repeats."
        )
    if isinstance(nodes, gpd.GeoDataFrame):
        require_crs(nodes, "The nodes")
        points = nodes.geometry.to_crs(LONLAT)
        table = pd.DataFrame({"lon": points.x, "lat": points.y})
    require_columns(table, ["lon", "lat"], "A table of nodes")
    return table[["lon", "lat"]].set_index(pd.Index(ids.to_numpy(), dtype=object))


def _ends_of_lines(edges: gpd.GeoDataFrame, ends: list[pd.Series]) -> pd.DataFrame:
    require_crs(edges, "The edges")
    lines = edges.geometry
    require(
        (lines.geom_type == "LineString").to_numpy(),
        "The geometry of an edge must be one line",
        ids=edges.index,
        noun="edges",
        way_out="Split multi-part lines with .explode(), or give nodes=.",
    )
    degrees: Any = lines.to_crs(LONLAT)
    points = degrees.get_coordinates()
    firsts = points[~points.index.duplicated(keep="first")]
    lasts = points[~points.index.duplicated(keep="last")]
    table = pd.concat([firsts.set_axis(ends[0]), lasts.set_axis(ends[1])])
    table = table.rename(columns={"x": "lon", "y": "lat"})
    return table[~table.index.duplicated()]

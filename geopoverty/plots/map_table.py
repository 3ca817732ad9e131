"""What a map takes from a table, or why it cannot."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geopoverty._checks import finite_numbers, first, require, require_columns
from geopoverty.classes import Classes, MapStyle
from geopoverty.data.boundaries import check_geometry, require_crs
from geopoverty.errors import InputError
from geopoverty.projections import choose_projection

FINE = 3000  # the finest bend drawn, as a part of the map's width
POINTS = 100_000  # fewer are drawn as they are
MULTIPLES = 16  # maps on one sheet
Floats = NDArray[np.float64]
Codes = NDArray[np.int8]
NAMED = "Draw named classes with map_classes."


@dataclass(frozen=True)
class MapLook:
    """How a static map looks, besides its classes.

    Attributes
    ----------
    label : str, optional
        What is shown; by default the name of the column.
    unit : str
        Such as ``"%"``, for the legend.
    grey : bool
        Only greys and hatches, which every printer keeps apart.
    source : bool
        Print below where the data come from, as the table's ``attrs`` say.
    projection : "auto", None or anything pyproj reads
        ``"auto"`` is an equal-area projection fit for the place; None draws
        coordinates as they are.

    Examples
    --------
    >>> MapLook(label="Poor families", unit="%").grey
    False
    """

    label: str | None = None
    unit: str = ""
    grey: bool = False
    source: bool = True
    projection: Any = "auto"


def require_map(table: Any, columns: list[str], plot: str) -> None:
    """Raise `InputError` unless `table` is a map with these columns.

    Examples
    --------
    >>> require_map(pd.DataFrame(), ["poor"], "map_plot")
    Traceback (most recent call last):
    geopoverty.errors.InputError: map_plot draws what join returns; got DataFrame. \
Join the table to boundaries first: join(table, boundaries).
    """
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError(
            f"{plot} draws what join returns; got {type(table).__name__}. Join the "
            "table to boundaries first: join(table, boundaries)."
        )
    require_columns(table, columns, plot)
    require_crs(table, "The map")
    if table.empty:
        raise InputError(f"{plot} needs at least one unit; this map has none.")
    check_geometry(table)
    areas = table.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    require(
        areas.to_numpy(),
        "Every unit on a map must be a polygon",
        ids=table.index,
        noun="units",
        way_out="Give areas, not points or lines.",
    )


def require_once(table: gpd.GeoDataFrame, plot: str) -> None:
    """Raise `InputError` unless every unit stands on one row."""
    twice = table.index[table.index.duplicated()].unique()
    if len(twice):
        raise InputError(
            f"{plot} draws one row a unit; {len(twice)} of {table.index.nunique()} "
            f"units have several ({first(twice)}). Choose a period: "
            "table[table['period'] == 1990], or draw all with map_series."
        )


def shapes_of(table: gpd.GeoDataFrame, projection: Any) -> NDArray[np.object_]:
    """Return the polygons as they are drawn: projected, without invisible bends."""
    crs = choose_projection(table, projection)
    shapes = (table.to_crs(crs) if crs is not None else table).geometry.to_numpy()
    require(
        np.isfinite(shapely.bounds(shapes)).all(axis=1),
        "The projection must be able to show every unit",
        ids=table.index,
        noun="units",
        way_out='Name another, or leave it to projection="auto".',
    )
    west, south, east, north = shapely.total_bounds(shapes)
    if shapely.get_num_coordinates(shapes).sum() > POINTS and _meets(shapes):
        detail = max(east - west, north - south) / FINE
        shapes = shapely.coverage_simplify(shapes, detail)
    return np.asarray(shapely.orient_polygons(shapes), dtype=object)


def _meets(shapes: NDArray[np.object_]) -> bool:
    """Return whether borders are shared, so that they can be simplified together."""
    return bool(shapely.coverage_is_valid(shapes))


def numbers(table: pd.DataFrame, column: str) -> Floats:
    """Return a column of numbers; NaN is no data.

    Raises
    ------
    InputError
        If it is not numeric, all missing, or a value is infinite.

    Examples
    --------
    >>> numbers(pd.DataFrame({"poor": [1, None]}), "poor")
    array([ 1., nan])
    """
    found = finite_numbers(table[column], table.index, NAMED)
    if np.isnan(found).all():
        raise InputError(
            f"The column '{column}' must hold at least one value; all {len(found)} are "
            "missing. Check how it was made."
        )
    return found


def unsure(
    table: pd.DataFrame, column: str | None, alpha: float
) -> NDArray[np.bool_] | None:
    """Return which units are "not significant"; None without p-values."""
    if column is None:
        return None
    p = finite_numbers(table[column], table.index, "Name the column of p-values.")
    require(
        np.isnan(p) | ((p >= 0) & (p <= 1)),
        f"p-values in '{column}' must be from 0 to 1",
        ids=table.index,
        way_out="Check the column.",
    )
    return np.asarray(p >= alpha)


def periods_of(table: pd.DataFrame, period: str) -> list[Any]:
    """Return the periods in order; every row needs one, a unit once in each.

    Raises
    ------
    InputError
        If a period is missing, a unit stands twice in one, or there are too many
        for a sheet.
    """
    column = table[period]
    require(
        column.notna().to_numpy(),
        f"Every row needs a period ('{period}')",
        ids=table.index,
        way_out="Fill or drop these rows.",
    )
    twice = pd.MultiIndex.from_arrays([table.index, column]).duplicated()
    require(
        ~twice,
        f"A unit may stand once in each period ('{period}')",
        ids=table.index,
        way_out="Drop or merge the repeated rows.",
    )
    found = sorted(column.unique())
    if len(found) > MULTIPLES:
        raise InputError(
            f"map_series draws at most {MULTIPLES} periods; '{period}' has "
            f"{len(found)}. Choose some: table[table['{period}'].isin([...])]."
        )
    return found


def greyed(style: MapStyle, found: Classes) -> tuple[tuple[str, ...], int]:
    """Return greys for the classes, and how many from the lowest are hatched.

    A diverging map grows darker away from its middle; below it is hatched.

    Examples
    --------
    >>> from geopoverty.classes import classify
    >>> style = MapStyle(breaks=(-1, 0, 1), diverging=True)
    >>> greyed(style, classify(np.array([-2.0, 2.0]), style))
    (('#464646', '#f2f2f2', '#f2f2f2', '#464646'), 2)
    """
    count = len(found.colors)
    if not style.diverging:
        return tuple(_grey(i, count - 1) for i in range(count)), 0
    half = (count - 1) / 2
    steps = [abs(i - half) - (0 if count % 2 else 0.5) for i in range(count)]
    return tuple(_grey(s, max(*steps, 1)) for s in steps), count // 2


def _grey(step: float, most: float) -> str:
    """Return a grey: light at step 0, dark (but not black) at the most."""
    shade = round(242 - 172 * step / most) if most else 212
    return f"#{shade:02x}{shade:02x}{shade:02x}"

"""Static maps of a number: one, or one a period."""

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geopoverty.classes import MapStyle, classify
from geopoverty.plots.canvas import axes_for, figure_for
from geopoverty.plots.map_canvas import (
    BELOW_HATCH,
    LINE,
    NO_DATA,
    NO_DATA_HATCH,
    NO_DATA_INK,
    UNSURE_HATCH,
    UNSURE_INK,
    Fill,
    dot,
    frame,
    ink_on,
    lay,
    paths_of,
    size_of,
    write_legend,
    write_source,
)
from geopoverty.plots.map_table import (
    MapLook,
    greyed,
    numbers,
    periods_of,
    require_map,
    require_once,
    shapes_of,
    unsure,
)
from geopoverty.plots.map_words import counted, heading, ranges, source_line
from geopoverty.plots.style import SMALL, SOFT
from geopoverty.plots.writing import broken, plain, status_in
from geopoverty.provenance import sources_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
MOST_ACROSS = 3  # small maps side by side
Codes = NDArray[np.int8]
Mask = NDArray[np.bool_]


def map_plot(
    table: gpd.GeoDataFrame,
    column: str,
    *,
    style: MapStyle | None = None,
    p_value: str | None = None,
    look: MapLook | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a map of one number for a paper: classes, counts, patterns, sources.

    Parameters
    ----------
    table : GeoDataFrame, n units
        What `join` returns: polygons indexed by unit id, one row a unit; ``attrs``
        say where the numbers come from.
    column : str
        Numbers; NaN is no data, drawn hatched.
    style : MapStyle, optional
        Classes and colours, the same as on the atlas.
    p_value : str, optional
        A column of p-values; units at or above ``style.alpha`` are dotted as not
        significant.
    look : MapLook, optional
        Label, unit, greys, source line, projection.
    ax : Axes, optional
        Where to draw; a new figure when not given. On axes of your own,
        ``layout="constrained"`` makes room for the legend beside them.

    Returns
    -------
    Axes
        One collection a class, one path a unit; the legend has the number of units
        of each class, from the highest. Save it as a picture or as vectors with
        ``ax.figure.savefig``.

    Raises
    ------
    InputError
        If `table` is no map, a unit stands on several rows, `column` is not numeric,
        all missing or infinite, a p-value is not from 0 to 1, or the projection
        cannot show the place.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> towns = gpd.GeoDataFrame({"poor": [10.0, 20, 40]}, index=["a", "b", "c"],
    ...     geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=4326)
    >>> ax = map_plot(towns, "poor", style=MapStyle(breaks=(15,)))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['15 to 40 (2)', '10 to 14 (1)']
    """
    style, look = style or MapStyle(), look or MapLook()
    require_map(table, [column, *([p_value] if p_value else [])], "map_plot")
    require_once(table, "map_plot")
    values = numbers(table, column)
    weak = unsure(table, p_value, style.alpha)
    found = classify(values, style)
    codes = found.codes(values)
    shapes = shapes_of(table, look.projection)
    bounds = shapely.total_bounds(shapes)
    ax = axes_for(ax, size_of(bounds))
    fills = fills_of(found, style, look)
    paint(ax, shapes, codes, fills, weak)
    frame(ax, bounds)
    key = legend_fills(fills, codes, weak, style.alpha)
    write_legend(ax, key, heading(look, column), **BESIDE)
    say_sources(ax, table, look)
    return ax


def map_series(
    table: gpd.GeoDataFrame,
    column: str,
    *,
    period: str = "period",
    style: MapStyle | None = None,
    p_value: str | None = None,
    look: MapLook | None = None,
) -> "list[Axes]":
    """Draw small maps of one number, one a period, with the same classes.

    Parameters
    ----------
    table : GeoDataFrame
        What `join` returns: a row a unit and period.
    column : str
        Numbers; NaN is no data, and so is a unit without a row in a period.
    period : str
        The column that tells periods apart; 16 at most.
    style, p_value, look
        As in `map_plot`; the classes are those of all periods together.

    Returns
    -------
    list of Axes
        In the order of the periods, all of one new figure; its legend counts units
        over all maps.

    Raises
    ------
    InputError
        As `map_plot`; if a row has no period, a unit stands twice in one, or there
        are more than 16.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> squares = [box(0, 0, 1, 1), box(1, 0, 2, 1)]
    >>> towns = gpd.GeoDataFrame({"poor": [10.0, 20, 15, 5], "year": [1980, 1980, 1990,
    ...     1990]}, index=list("abab"), geometry=squares * 2, crs=4326)
    >>> [ax.get_title() for ax in map_series(towns, "poor", period="year")]
    ['1980', '1990']
    """
    style, look = style or MapStyle(), look or MapLook()
    named = [column, period, *([p_value] if p_value else [])]
    require_map(table, named, "map_series")
    periods = periods_of(table, period)
    values = numbers(table, column)
    weak = unsure(table, p_value, style.alpha)
    found = classify(values, style)
    codes = found.codes(values)
    units = table[~table.index.duplicated()]
    shapes = shapes_of(units, look.projection)
    bounds = shapely.total_bounds(shapes)
    place = units.index.get_indexer(table.index)
    fills = fills_of(found, style, look)
    across = 2 if len(periods) in (2, 4) else MOST_ACROSS
    axes, figure = figure_for(len(periods), across, size_of(bounds, 0.0))
    grid_codes, grid_weak = [], []
    for ax, at in zip(axes, periods, strict=True):
        rows = (table[period] == at).to_numpy()
        here = np.full(len(units), -1, dtype=np.int8)
        here[place[rows]] = codes[rows]
        dotted = np.zeros(len(units), dtype=bool)
        if weak is not None:
            dotted[place[rows]] = weak[rows]
        paint(ax, shapes, here, fills, dotted)
        frame(ax, bounds)
        ax.set_title(str(at), **plain(str(at), fontsize=SMALL))
        grid_codes.append(here)
        grid_weak.append(dotted)
    shown = None if weak is None else np.concatenate(grid_weak)
    key = legend_fills(fills, np.concatenate(grid_codes), shown, style.alpha)
    write_legend(figure, key, heading(look, column), loc="outside upper left", ncols=3)
    say_sources(axes[0], table, look, figure)
    return axes


def fills_of(found: Any, style: MapStyle, look: MapLook) -> list[Fill]:
    """Return how each class is drawn, from the lowest."""
    colors, hatched = greyed(style, found) if look.grey else (found.colors, 0)
    return [
        Fill(label, color, BELOW_HATCH if k < hatched else "", ink_on(color))
        for k, (label, color) in enumerate(zip(ranges(found), colors, strict=True))
    ]


def paint(
    ax: "Axes",
    shapes: NDArray[np.object_],
    codes: Codes,
    fills: list[Fill],
    weak: Mask | None = None,
) -> None:
    """Draw all units: classes, no data, and dots where not significant."""
    paths = paths_of(shapes)
    for k, fill in enumerate(fills):
        lay(ax, paths, codes == k, fill)
    lay(ax, paths, codes < 0, Fill("No data", NO_DATA, NO_DATA_HATCH, NO_DATA_INK))
    if weak is not None:
        dot(ax, shapes[weak & (codes >= 0)], shapely.total_bounds(shapes))


def legend_fills(
    fills: list[Fill], codes: Codes, weak: Mask | None, alpha: float
) -> list[Fill]:
    """Return the rows of the legend, from the top, with counts."""
    rows = [
        Fill(counted(f.label, int((codes == k).sum())), f.color, f.hatch, f.ink)
        for k, f in enumerate(fills)
    ][::-1]
    missing = int((codes < 0).sum())
    if missing:
        label = counted("No data", missing)
        rows.append(Fill(label, NO_DATA, NO_DATA_HATCH, NO_DATA_INK))
    if weak is not None:
        label = f"Not significant, p \u2265 {alpha:g}"
        label = counted(label, int((weak & (codes >= 0)).sum()))
        rows.append(Fill(label, "white", UNSURE_HATCH, UNSURE_INK))
    return rows


def say_sources(
    ax: "Axes", table: gpd.GeoDataFrame, look: MapLook, figure: Any = None
) -> None:
    """Print the status of the data above, and below where they come from."""
    status = status_in(sources_in(table.attrs))
    line = source_line(table.attrs) if look.source else ""
    if figure is not None:
        if line or status:
            text = " ".join(t for t in (status and f"{status}.", line) if t)
            figure.supxlabel(
                broken(text, LINE), x=0.01, ha="left",
                **plain(text, fontsize="xx-small", color=SOFT),
            )  # fmt: skip
        return
    if status:
        ax.set_title(
            status,
            loc="right",
            **plain(status, fontsize=SMALL, color=SOFT, style="italic"),
        )
    write_source(ax, line)

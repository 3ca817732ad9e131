"""Static maps of named classes, and of two numbers crossed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from geopoverty.classes import Categories, Crossed, categorise, cross
from geopoverty.classes.categories import ChosenClasses
from geopoverty.errors import InputError
from geopoverty.plots.canvas import axes_for
from geopoverty.plots.map_canvas import (
    EDGE,
    NO_DATA,
    NO_DATA_HATCH,
    NO_DATA_INK,
    Fill,
    frame,
    ink_on,
    size_of,
    write_legend,
)
from geopoverty.plots.map_table import (
    MapLook,
    numbers,
    require_map,
    require_once,
    shapes_of,
)
from geopoverty.plots.map_words import counted, heading, ranges
from geopoverty.plots.maps import BESIDE, Codes, legend_fills, paint, say_sources
from geopoverty.plots.style import SMALL
from geopoverty.plots.writing import broken, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HATCHES = ("", "////", "xx", "\\\\\\\\", "..", "++", "oo", "--", "**")
SQUARE = (1.03, 0.4, 0.3, 0.3)  # of the axes: left, bottom, width, height


def map_classes(
    table: gpd.GeoDataFrame,
    column: str,
    *,
    classes: ChosenClasses = None,
    look: MapLook | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a map of named classes, such as those of `local_moran`.

    Parameters
    ----------
    table : GeoDataFrame, n units
        What `join` returns: polygons indexed by unit id, one row a unit.
    column : str
        Text or categorical, nine classes at most; missing is no data.
    classes : sequence of str, or mapping of str to str, optional
        The classes in order; a mapping says the colour of each. By default the order
        of a categorical, the usual one of clusters, or the alphabet.
    look : MapLook, optional
        Label, greys (with a hatch a class), source line, projection.
    ax : Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    Axes
        One collection a class; the legend has the number of units of each.

    Raises
    ------
    InputError
        If `table` is no map, a unit stands on several rows, or the column is not
        text, all missing, or has more than nine classes.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> towns = gpd.GeoDataFrame({"land": ["wood", "steppe", None]}, index=list("abc"),
    ...     geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=4326)
    >>> ax = map_classes(towns, "land")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['steppe (1)', 'wood (1)', 'No data (1)']
    """
    look = look or MapLook()
    require_map(table, [column], "map_classes")
    require_once(table, "map_classes")
    found = categorise(table[column], classes)
    codes = found.codes(table[column])
    shapes = shapes_of(table, look.projection)
    bounds = shapely.total_bounds(shapes)
    ax = axes_for(ax, size_of(bounds))
    fills = _fills(found, look)
    paint(ax, shapes, codes, fills)
    frame(ax, bounds)
    rows = legend_fills(fills[::-1], _turned(codes, len(fills)), None, 1.0)
    write_legend(ax, rows, heading(look, column), **BESIDE)
    say_sources(ax, table, look)
    return ax


def _turned(codes: Codes, count: int) -> Codes:
    """Count classes from the last: named ones stand in order from the top."""
    return np.where(codes < 0, codes, count - 1 - codes).astype(np.int8)


def _fills(found: Categories, look: MapLook) -> list[Fill]:
    if not look.grey:
        return [Fill(n, c) for n, c in zip(found.names, found.colors, strict=True)]
    shades = np.linspace(242, 150, len(found.names)).round().astype(int)
    return [
        Fill(name, f"#{s:02x}{s:02x}{s:02x}", hatch)
        for name, s, hatch in zip(found.names, shades, HATCHES, strict=False)
    ]


def map_crossed(
    table: gpd.GeoDataFrame,
    columns: tuple[str, str],
    *,
    labels: tuple[str, str] | None = None,
    breaks: Sequence[Sequence[float] | None] | None = None,
    look: MapLook | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw two numbers on one map: three classes of each, crossed.

    Parameters
    ----------
    table : GeoDataFrame, n units
        What `join` returns: polygons indexed by unit id, one row a unit.
    columns : tuple of two str
        Numbers, across and upwards in the legend; where either is missing there is
        no data.
    labels : tuple of two str, optional
        What they are called, with units.
    breaks : pair of (sequence of float, or None), optional
        Own cut points of each, one or two; by default terciles.
    look : MapLook, optional
        Source line and projection; nine classes cannot be told apart in grey.
    ax : Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    Axes
        One collection a class; the legend is a square beside the map, with the
        number of units in each of its cells.

    Raises
    ------
    InputError
        If `table` is no map, a unit stands on several rows, `columns` or `labels`
        are not two, a column is not numeric or all missing, `breaks` are wrong, or
        greys are asked for.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> towns = gpd.GeoDataFrame({"poor": [1.0, 2, 3], "far": [30.0, 20, 10]},
    ...     index=list("abc"), geometry=[box(i, 0, i + 1, 1) for i in range(3)],
    ...     crs=4326)
    >>> ax = map_crossed(towns, ("poor", "far"))
    >>> ax.child_axes[0].get_xlabel(), ax.child_axes[0].get_ylabel()
    ('poor', 'far')
    """
    look = look or MapLook()
    pair = _pair(columns, "columns")
    names = pair if labels is None else _pair(labels, "labels")
    if look.grey:
        raise InputError(
            "Two numbers crossed cannot be told apart in grey. Draw two maps with "
            "map_plot, or leave grey out."
        )
    require_map(table, list(pair), "map_crossed")
    require_once(table, "map_crossed")
    x, y = (numbers(table, name) for name in pair)
    found = cross(x, y, breaks)
    codes = found.codes(x, y)
    shapes = shapes_of(table, look.projection)
    bounds = shapely.total_bounds(shapes)
    ax = axes_for(ax, size_of(bounds))
    paint(ax, shapes, codes, [Fill(str(k), c) for k, c in enumerate(found.colors)])
    frame(ax, bounds)
    _square(ax, found, codes, names)
    missing = int((codes < 0).sum())
    if missing:
        none = Fill(counted("No data", missing), NO_DATA, NO_DATA_HATCH, NO_DATA_INK)
        write_legend(ax, [none], "", loc="upper left", bbox_to_anchor=(1.0, 0.9))
    say_sources(ax, table, look)
    return ax


def _pair(given: Any, name: str) -> tuple[str, str]:
    if isinstance(given, str) or not hasattr(given, "__len__") or len(given) != 2:
        raise InputError(
            f"{name} must be two, one across and one upwards, such as ('poor', 'far'); "
            f"got {given!r}."
        )
    return str(given[0]), str(given[1])


def _square(ax: "Axes", found: Crossed, codes: Codes, names: tuple[str, str]) -> None:
    """Draw the legend: x across, y upwards, how many units in each cell."""
    from matplotlib.patches import Rectangle

    up, across = found.shape
    key = ax.inset_axes(SQUARE)
    for k, color in enumerate(found.colors):
        j, i = divmod(k, across)
        key.add_patch(Rectangle((i, j), 1, 1, facecolor=color, edgecolor=EDGE))
        key.text(
            i + 0.5, j + 0.5, f"{int((codes == k).sum()):,}", ha="center",
            va="center", fontsize=SMALL, color=ink_on(color),
        )  # fmt: skip
    key.set_xlim(0, across)
    key.set_ylim(0, up)
    key.set_aspect("equal", anchor="SW")
    key.set_xticks([i + 0.5 for i in range(across)], ranges(found.x), rotation=90)
    key.set_yticks([j + 0.5 for j in range(up)], ranges(found.y))
    key.yaxis.tick_right()
    key.yaxis.set_label_position("right")
    key.tick_params(length=0, labelsize="x-small")
    for side in key.spines.values():
        side.set_visible(False)
    key.set_xlabel(broken(names[0], 24), **plain(names[0], fontsize=SMALL))
    key.set_ylabel(broken(names[1], 24), **plain(names[1], fontsize=SMALL))

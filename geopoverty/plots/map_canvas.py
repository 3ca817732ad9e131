"""Polygons on axes: a path a unit, a collection a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geopoverty.plots.style import INK, SMALL, SOFT
from geopoverty.plots.writing import broken, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

NO_DATA, NO_DATA_HATCH, NO_DATA_INK = "#eceff1", "//////", "#8b959e"
UNSURE_HATCH, UNSURE_INK = "....", "#3a4651"
DOTS = 110  # across the map
DARK = 128  # mean of red, green and blue
BELOW_HATCH = "\\\\\\\\\\\\"  # the lower half of a diverging map in grey
EDGE, EDGE_WIDTH = "#707c86", 0.25
ACROSS = 6.4  # inches of a map
LINE = 130  # characters of the source line


@dataclass(frozen=True)
class Fill:
    """How a class is drawn, and what the legend says of it.

    Attributes
    ----------
    label : str
    color : str
    hatch : str
        Of matplotlib; empty for none.
    ink : str
        Of the hatch.
    """

    label: str
    color: str
    hatch: str = ""
    ink: str = INK


def paths_of(shapes: NDArray[np.object_]) -> "list[Path]":
    """Return one path a unit: its outer rings and its holes.

    Parameters
    ----------
    shapes : array of oriented polygons, shape (n,)

    Examples
    --------
    >>> ring = shapely.box(0, 0, 3, 3) - shapely.box(1, 1, 2, 2)
    >>> [len(path.vertices) for path in paths_of(np.array([ring]))]
    [10]
    """
    from matplotlib.path import Path

    found = []
    for shape in shapes:
        rings = shapely.get_rings(shapely.get_parts(shape))
        parts = [Path(shapely.get_coordinates(r), closed=True) for r in rings]
        found.append(Path.make_compound_path(*parts))
    return found


def lay(ax: "Axes", paths: "list[Path]", where: NDArray[np.bool_], fill: Fill) -> None:
    """Draw the units of one class; a hatch is laid over the colour."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    chosen = [path for path, there in zip(paths, where, strict=True) if there]
    if not chosen:
        return
    ax.add_collection(
        PathCollection(
            chosen, facecolor=fill.color, edgecolor=EDGE, linewidth=EDGE_WIDTH,
            label=fill.label, zorder=1,
        )
    )  # fmt: skip
    if fill.hatch:
        # All in one path: a hatch takes long to draw, however small its path.
        together = [Path.make_compound_path(*chosen)]
        ax.add_collection(
            PathCollection(
                together, facecolor="none", edgecolor=fill.ink, hatch=fill.hatch,
                linewidth=0, label=f"{fill.label} (hatch)", zorder=2,
            )
        )  # fmt: skip


def dot(ax: "Axes", shapes: NDArray[np.object_], bounds: Sequence[float]) -> None:
    """Lay dots over units; a unit too small for the grid of dots gets one, too.

    Parameters
    ----------
    ax : Axes
    shapes : array of polygons, shape (n,)
    bounds : sequence of float
        West, south, east, north of the whole map.
    """
    if not len(shapes):
        return
    step = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / DOTS
    x = np.arange(bounds[0] + step / 2, bounds[2], step)
    y = np.arange(bounds[1] + step / 2, bounds[3], step)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    at, unit = shapely.STRtree(shapely.points(grid)).query(
        shapes, predicate="contains"
    )[::-1]
    without = np.setdiff1d(np.arange(len(shapes)), unit)
    inside = shapely.get_coordinates(shapely.point_on_surface(shapes[without]))
    points = np.vstack([grid[at], inside])
    for size, color in ((2.2, "#ffffffaa"), (0.9, UNSURE_INK)):
        ax.plot(
            *points.T, "o", markersize=size, color=color, markeredgewidth=0,
            linestyle="none", zorder=3, label="_dots",
        )  # fmt: skip


def ink_on(color: str) -> str:
    """Return white on a dark colour, else ink.

    Examples
    --------
    >>> ink_on("#1a1a1a"), ink_on("#f0f0f0")
    ('white', '#333333')
    """
    mean = sum(int(color[s : s + 2], 16) for s in (1, 3, 5)) / 3
    return "white" if mean < DARK else INK


def frame(ax: "Axes", bounds: Sequence[float]) -> None:
    """Show the whole map and nothing around it."""
    west, south, east, north = bounds
    margin = 0.01 * max(east - west, north - south)
    ax.set_xlim(west - margin, east + margin)
    ax.set_ylim(south - margin, north + margin)
    ax.set_aspect("equal")
    ax.set_axis_off()


def size_of(bounds: Sequence[float], beside: float = 1.9) -> tuple[float, float]:
    """Return inches of a figure for a map of these bounds, with a legend beside it.

    Examples
    --------
    >>> size_of((0, 0, 2, 1), beside=2.0)
    (6.4, 3.0)
    """
    west, south, east, north = bounds
    height = (ACROSS - beside) * (north - south) / (east - west)
    return ACROSS, float(np.clip(height + 0.8, 2.6, 8.0).round(1))


def swatches(fills: Sequence[Fill]) -> list[Any]:
    """Return the marks of a legend."""
    from matplotlib.patches import Patch

    return [
        Patch(
            facecolor=f.color, hatch=f.hatch or None, linewidth=0.5,
            edgecolor=f.ink if f.hatch else EDGE,
        )
        for f in fills
    ]  # fmt: skip


def write_legend(where: Any, fills: Sequence[Fill], title: str, **place: Any) -> Any:
    """Explain the classes on axes or on a figure; names are printed as they are."""
    drawn = where.legend(
        swatches(fills), [broken(f.label) for f in fills], fontsize=SMALL,
        title=broken(title, 30), title_fontsize=SMALL, alignment="left",
        frameon=False, handlelength=1.6, handleheight=1.1, **place,
    )  # fmt: skip
    for text in (*drawn.get_texts(), drawn.get_title()):
        text.update(plain(text.get_text()))
    return drawn


def write_source(ax: "Axes", text: str) -> None:
    """Print below a map where it comes from."""
    if text:
        ax.text(
            0, -0.02, broken(text, LINE), transform=ax.transAxes, va="top",
            **plain(text, fontsize="xx-small", color=SOFT),
        )  # fmt: skip

"""Survival curves: who has not left poverty yet, by group."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geopoverty.numerics.types import Array
from geopoverty.plots.canvas import SIZE, axes_for
from geopoverty.plots.reading import table_of
from geopoverty.plots.style import SMALL, groups_style, tidy
from geopoverty.plots.writing import (
    name_axes,
    name_lines,
    p_in_words,
    plain,
    say_status,
    write,
)
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BELOW, LINE = 42.0, 13.0  # points from the axes to the numbers at risk; a row of them
BESIDE = 24.0  # points from the axes to the names of the rows


def survival_plot(
    result: Result,
    *,
    ax: "Axes | None" = None,
    left: bool = False,
    at_risk: bool = True,
    time: str | None = None,
) -> "Axes":
    """Draw the share that has not left by time, by group.

    Parameters
    ----------
    result : Result
        Of `survival_curves`.
    ax : Axes, optional
        Where to draw; a new figure when not given.
    left : bool
        Draw the share that has left instead.
    at_risk : bool
        Print below how many of each group are still at risk; on axes of your own,
        ``layout="constrained"`` makes room for them.
    time : str, optional
        Unit of time, such as ``"years"``, for the axis.

    Returns
    -------
    Axes
        Steps with intervals as bands, each group's name at its end; the test that
        groups do not differ is printed where it was made. Where exits are known only
        up to intervals the curve falls evenly over each: only its ends are known.

    Raises
    ------
    InputError
        If the result has no curves of groups.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.curves import survival_curves
    >>> counties = pd.DataFrame({"years": [2, 3, 5, 7, 9, 9],
    ...     "left": [1, 1, 1, 1, 0, 0], "road": list("ababab")})
    >>> fit = survival_curves(counties, duration="years", exited="left", by="road")
    >>> survival_plot(fit, time="years").get_ylabel()
    'Have not left (%), with 95 % interval'
    """
    table = table_of(result, "curves", "survival_plot", "survival_curves")
    table_of(result, "restricted_mean", "survival_plot", "survival_curves")
    groups = list(dict.fromkeys(table["group"]))
    rows = len(groups) if at_risk else 0
    ax = axes_for(ax, (SIZE[0], SIZE[1] + 0.2 * rows))
    ends = []
    styles = groups_style(len(groups))
    parts = [table[table["group"] == group] for group in groups]
    names = _names(result, groups)
    for name, part, (color, _, stroke) in zip(names, parts, styles, strict=True):
        at, share, low, high = _path(part, left)
        ax.fill_between(at, low, high, color=color, alpha=0.15, linewidth=0)
        ax.plot(at, share, color=color, linestyle=stroke, linewidth=1.6)
        ends.append((float(share[-1]), name, color))
    last = float(table["time"].max())
    ax.set_xlim(0, last)
    ax.set_ylim(0, 102)
    ticks = [float(t) for t in ax.get_xticks() if 0 <= t <= last]
    ax.set_xticks(ticks)
    unit = time or result.facts.get("time")
    what = "Have left" if left else "Have not left"
    name_axes(
        ax,
        f"Time ({unit})" if unit else "Time",
        f"{what} (%), with {_level(result)} % interval",
    )
    tidy(ax)
    if len(groups) > 1:
        name_lines(ax, ends)
    _test(ax, result, left)
    if at_risk:
        _numbers(ax, list(zip(names, parts, strict=True)), ticks)
    say_status(ax, result)
    return ax


def _path(part: pd.DataFrame, left: bool) -> tuple[Array, Array, Array, Array]:
    """Return corners of a curve and its band, in per cent, from 100 at time 0."""
    end = part["time"].to_numpy(float)
    # Exact exits are steps at a time; others fall from where their interval starts.
    start = part["time_low"].to_numpy(float) if "time_low" in part.columns else end
    at = np.concatenate([[0.0], np.column_stack([start, end]).ravel()])
    lines = []
    for column in ("estimate", "conf_low", "conf_high"):
        value = 100 * part[column].to_numpy(float)
        before = np.concatenate([[100.0], value[:-1]])
        line = np.concatenate([[100.0], np.column_stack([before, value]).ravel()])
        lines.append(100 - line if left else line)
    return at, lines[0], lines[1], lines[2]


def _names(result: Result, groups: list[object]) -> list[str]:
    """Return what groups are called; numbers need the column's name."""
    by = dict(result.provenance.get("options", {})).get("by")
    if by is None or all(isinstance(g, str) and not g.isdigit() for g in groups):
        return [str(g) for g in groups]
    return [f"{by} {g}" for g in groups]


def _level(result: Result) -> str:
    """Return the level of the intervals in per cent, as the options of the fit say."""
    options = str(result.provenance.get("options", ""))
    found = re.search(r"conf_level=(0?\.\d+)", options)
    return f"{100 * float(found.group(1)):g}" if found else "95"


def _test(ax: "Axes", result: Result, left: bool) -> None:
    if "log_rank" not in result.tables:
        return
    row = result.tables["log_rank"].iloc[0]
    name = f"{row['test'][:1].upper()}{row['test'][1:]}"
    y, side = (0.98, "top") if left else (0.03, "bottom")
    text = f"{name} test: {p_in_words(row['p_value'])}"
    write(ax, 0.02, y, text, transform=ax.transAxes, va=side)


def _numbers(
    ax: "Axes", parts: list[tuple[str, pd.DataFrame]], ticks: list[float]
) -> None:
    """Print how many are at risk at each tick, a row a group."""
    look = {"textcoords": "offset points", "annotation_clip": False, "va": "top"}
    corner = ax.transAxes

    def put(text: str, x: float, row: int, *, name: bool) -> None:
        where = {"ha": "right" if name else "center", "fontsize": SMALL}
        ax.annotate(
            text, (0.0 if name else x, 0.0),
            (-BESIDE if name else 0.0, -BELOW - LINE * row),
            xycoords=corner if name else ax.get_xaxis_transform(),
            **plain(text, **look, **where),
        )  # fmt: skip

    put("Still at risk", 0.0, 0, name=True)
    for row, (group, part) in enumerate(parts, 1 if len(parts) > 1 else 0):
        if len(parts) > 1:
            put(group, 0.0, row, name=True)
        for tick, count in zip(ticks, at_risk_at(part, ticks), strict=True):
            put(f"{count:,.0f}", tick, row, name=False)


def at_risk_at(part: pd.DataFrame, times: list[float]) -> list[float]:
    """Return how many are at risk just before each time; none after the last.

    Examples
    --------
    >>> curve = pd.DataFrame({"time": [2.0, 5.0], "at_risk": [10.0, 4.0]})
    >>> at_risk_at(curve, [0.0, 2.0, 3.0, 6.0])
    [10.0, 10.0, 4.0, 0.0]
    """
    counts, end = (part[c].to_numpy(float) for c in ("at_risk", "time"))
    between = "time_low" in part.columns  # who left in an interval has left at its end
    rest = counts[-1] - float(part["events"].iloc[-1]) if between else 0.0
    at = np.searchsorted(end, times, side="right" if between else "left")
    counts = np.append(counts, rest)
    return [float(c) for c in counts[at]]

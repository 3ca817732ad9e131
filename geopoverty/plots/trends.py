"""Parallel trends: mean outcomes of groups over time."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geopoverty.numerics.types import Array
from geopoverty.plots.canvas import axes_for
from geopoverty.plots.reading import table_of
from geopoverty.plots.style import SOFT, groups_style, tidy, whole_ticks
from geopoverty.plots.writing import (
    name_axes,
    name_lines,
    name_ticks,
    say_status,
    write,
)
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 10  # names of periods
WIDE = 1.96  # standard errors on either side of a mean


def parallel_trends(result: Result, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the mean outcome of each group in each period.

    Parameters
    ----------
    result : Result
        Of `did`.
    ax : Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    Axes
        A line a group with 95 % intervals of the means as bands; markers are hollow
        before a group's start and filled from it on. Controls, who never start, stay
        hollow. A dashed line stands before the first period of the programme.

    Raises
    ------
    InputError
        If the result has no table of trends.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.did import did
    >>> homes = pd.DataFrame({"unit_id": list("aabbccdd"), "period": [2014, 2016] * 4,
    ...     "joined": [1, 1, 1, 1, 0, 0, 0, 0],
    ...     "poor": [0.8, 0.4, 0.6, 0.2, 0.5, 0.4, 0.3, 0.4]})
    >>> fit = did("poor ~ 1", homes, treated="joined", vcov="iid")
    >>> parallel_trends(fit).get_ylabel()
    'Mean of poor'
    """
    table = table_of(result, "trends", "parallel_trends", "did")
    periods, at = _places(table["period"])
    ax = axes_for(ax)
    starts = table["started"].to_numpy(bool)
    groups = list(dict.fromkeys(table["group"]))
    ends = []
    for group, style in zip(groups, groups_style(len(groups)), strict=True):
        here = (table["group"] == group).to_numpy()
        end = _line(ax, at[here], table[here], style)
        ends.append((end, str(group), style[0]))
    if starts.any():
        first = at[starts].min()
        before = at[at < first]
        if before.size:
            middle = (before.max() + first) / 2
            ax.axvline(middle, color=SOFT, linestyle="--", linewidth=0.9, zorder=0)
            up = ax.get_xaxis_transform()
            word = " start" if len(groups) <= 2 else " first start"
            write(ax, middle, 0.99, word, transform=up, va="top", color=SOFT)
    if periods:
        # With many, every second or so is named.
        shown = range(0, len(periods), -(-len(periods) // MOST))
        name_ticks(ax, "x", list(shown), [_named(periods[i]) for i in shown])
    else:
        whole_ticks(ax)
    outcome = result.facts.get("outcome", "the outcome")
    name_axes(ax, "Period", f"Mean of {outcome}")
    ax.margins(x=0.03)
    tidy(ax)
    name_lines(ax, ends)
    say_status(ax, result)
    return ax


def _places(period: pd.Series) -> tuple[list[Any], Array]:
    """Return labels and places: numbers stand for themselves, others in order."""
    if pd.api.types.is_numeric_dtype(period):
        return [], period.to_numpy(float)
    codes, labels = pd.factorize(period, sort=True)
    return list(labels), codes.astype(np.float64)


def _named(period: Any) -> str:
    """Write a period; of a day without hours only the day."""
    return str(period).removesuffix(" 00:00:00")


def _line(
    ax: "Axes", at: Array, rows: pd.DataFrame, style: tuple[str, str, str]
) -> float:
    """Draw a group and return where its line ends."""
    color, marker, stroke = style
    order = np.argsort(at, kind="stable")
    at, rows = at[order], rows.iloc[order]
    mean = rows["mean"].to_numpy(float)
    half = WIDE * rows["std_error"].to_numpy(float)
    ax.fill_between(at, mean - half, mean + half, color=color, alpha=0.13, linewidth=0)
    ax.plot(at, mean, color=color, linestyle=stroke, linewidth=1.5, zorder=2)
    on = rows["started"].to_numpy(bool)
    for which, inside in ((~on, "white"), (on, color)):
        ax.plot(
            at[which], mean[which], marker, color=color, markerfacecolor=inside,
            markersize=5.5, zorder=3,
        )  # fmt: skip
    return float(mean[-1])

"""Event study: effects by time since a programme began."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geopoverty.plots.canvas import axes_for
from geopoverty.plots.reading import table_of
from geopoverty.plots.style import INK, MAIN, SMALL, SOFT, room_below, tidy, whole_ticks
from geopoverty.plots.writing import name_axes, p_in_words, say_status, write
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAKERS = "did with more than two periods"


def event_study(result: Result, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the effect in each period before and after the start.

    Parameters
    ----------
    result : Result
        Of `did`, with more than two periods.
    ax : Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    Axes
        Estimates with 95 % intervals by periods since the start (0 is the first
        treated period): hollow before it, where they should be 0, filled from it on;
        a square marks the period the others are compared with. The joint test that
        there is no effect before the start is printed where it was made.

    Raises
    ------
    InputError
        If the result has no event study, as with two periods.
    MissingExtraError
        If matplotlib is not installed.

    References
    ----------
    Sun, L. & Abraham, S. (2021). Estimating dynamic treatment effects in event
    studies with heterogeneous treatment effects. Journal of Econometrics 225, 175-199.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.did import did
    >>> homes = pd.DataFrame({"unit_id": list("aaabbbcccddd"), "period": [1, 2, 3] * 4,
    ...     "joined": [1] * 6 + [0] * 6, "late": [0, 0, 1] * 4,
    ...     "poor": [0.8, 0.7, 0.3, 0.6, 0.7, 0.2, 0.5, 0.6, 0.4, 0.3, 0.2, 0.4]})
    >>> fit = did("poor ~ 1", homes, treated="joined", post="late", vcov="iid")
    >>> event_study(fit).get_xlabel()
    'Periods since the start'
    """
    table = table_of(result, "event_study", "event_study", MAKERS)
    ax = axes_for(ax)
    ax.axhline(0, color=SOFT, linewidth=0.9, zorder=0)
    ax.axvline(-0.5, color=SOFT, linestyle="--", linewidth=0.9, zorder=0)
    # The period that others are compared with is 0 by definition.
    base = table["std_error"].to_numpy(float) == 0
    late = table["relative"].to_numpy(float) >= 0
    for which, look in (
        (~late & ~base, {"marker": "o", "markerfacecolor": "white"}),
        (late & ~base, {"marker": "o"}),
    ):
        _points(ax, table[which], look)
    ax.plot(
        table["relative"][base], table["estimate"][base], "s", color=INK, markersize=5
    )
    outcome = result.facts.get("outcome", "the outcome")
    name_axes(
        ax,
        "Periods since the start",
        f"Effect on {outcome} (in its units; 95 % interval)",
    )
    whole_ticks(ax)
    tidy(ax)
    _words(ax, result, table[base])
    say_status(ax, result)
    return ax


def _points(ax: "Axes", rows: pd.DataFrame, look: dict[str, Any]) -> None:
    value = rows["estimate"].to_numpy(float)
    ends = [
        value - rows["conf_low"].to_numpy(float),
        rows["conf_high"].to_numpy(float) - value,
    ]
    ax.errorbar(
        rows["relative"].to_numpy(float), value, yerr=np.abs(ends), color=MAIN,
        linestyle="none", elinewidth=1.3, capsize=2.5, **look,
    )  # fmt: skip


def _words(ax: "Axes", result: Result, base: pd.DataFrame) -> None:
    """Name the start and the base, and say what the test of leads found."""
    upwards = ax.get_xaxis_transform()
    write(ax, -0.5, 0.99, " start", transform=upwards, va="top", color=SOFT)
    for at in base["relative"]:
        ax.annotate(
            "base", (float(at), 0.0), (0, -6), textcoords="offset points",
            fontsize=SMALL, ha="center", va="top", color=SOFT,
        )  # fmt: skip
    p = result.facts.get("pretrend_p")
    if p is not None:
        room_below(ax)
        shown = p_in_words(float(p))
        write(
            ax, 0.01, 0.02, f"Joint test of no effect before the start: {shown}",
            transform=ax.transAxes, va="bottom",
        )  # fmt: skip

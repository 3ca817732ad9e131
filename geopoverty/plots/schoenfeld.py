"""Schoenfeld plot: whether an effect on exits stays the same over time."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geopoverty._checks import require_option
from geopoverty.numerics.smooth import smooth
from geopoverty.numerics.types import Array
from geopoverty.plots.canvas import axes_for
from geopoverty.plots.reading import chosen, table_of
from geopoverty.plots.style import MAIN, OTHER, PALE, SOFT, room_below, tidy
from geopoverty.plots.writing import (
    ABOVE,
    legend,
    name_axes,
    p_in_words,
    say_status,
    write,
)
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAKER = "exit_hazard (the Cox model)"
GRID = 40  # points of the smooth line, as in R
WIDE = 1.96
TICKS = 7
MANY = 300  # points from which they are drawn fainter


def schoenfeld_plot(
    result: Result,
    term: str | None = None,
    *,
    ax: "Axes | None" = None,
    transform: str = "km",
) -> "Axes":
    """Draw how one coefficient of a Cox model changes over time.

    Parameters
    ----------
    result : Result
        Of `exit_hazard` with ``model="cox"``.
    term : str, optional
        Which coefficient; the first when not given.
    ax : Axes, optional
        Where to draw; a new figure when not given.
    transform : {"km", "identity"}
        ``"km"`` spaces times by the share that has left, so that exits are spread
        evenly; ``"identity"`` is the time itself.

    Returns
    -------
    Axes
        A point an exit: its scaled Schoenfeld residual plus the coefficient [1]_. The
        line is a natural spline with 4 degrees of freedom, with its 95 % band, as R's
        ``plot.cox.zph`` draws it; where hazards are proportional it is flat at the
        dashed line. The test of the same transform is printed.

    Raises
    ------
    InputError
        If the result has no Schoenfeld residuals, or `term` or `transform` is
        unknown.
    MissingExtraError
        If matplotlib is not installed.

    References
    ----------
    .. [1] Grambsch, P. M. & Therneau, T. M. (1994). Proportional hazards tests and
       diagnostics based on weighted residuals. Biometrika 81, 515-526.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.exits import exit_hazard
    >>> counties = pd.DataFrame({"years": [2, 3, 5, 7, 9, 9],
    ...     "left": [1, 1, 1, 1, 0, 0], "density": [5.0, 2.0, 4.0, 3.0, 2.5, 1.0]})
    >>> fit = exit_hazard("density", counties, duration="years", exited="left")
    >>> schoenfeld_plot(fit).get_ylabel()
    'Effect of density (log hazard ratio)'
    """
    table = table_of(result, "schoenfeld", "schoenfeld_plot", MAKER)
    require_option(transform, ("km", "identity"), "transform")
    which = chosen(term, dict.fromkeys(table["term"]), "term")
    rows = table[table["term"] == which]
    column = "transformed" if transform == "km" else "time"
    at, effect = (rows[c].to_numpy(float) for c in (column, "effect"))
    grid = np.linspace(at.min(), at.max(), GRID)
    line = smooth(at, effect, grid)
    # Each point varies by the number of exits times the variance of the coefficient.
    variance = len(at) * float(result.vcov.loc[which, which])
    half = WIDE * np.sqrt(variance * line.leverage)
    ax = axes_for(ax)
    faint = 0.35 if len(at) > MANY else 0.8
    look: dict[str, Any] = {"s": 14, "facecolor": "white", "edgecolor": SOFT}
    dots = ax.scatter(at, effect, linewidth=0.7, alpha=faint, zorder=1, **look)
    band = ax.fill_between(
        grid, line.value - half, line.value + half, color=PALE, alpha=0.8, linewidth=0
    )
    (curve,) = ax.plot(grid, line.value, color=MAIN, linewidth=1.8, zorder=3)
    constant = ax.axhline(
        float(result.estimates[which]), color=OTHER, linestyle="--", linewidth=1.4
    )
    ax.axhline(0, color=SOFT, linewidth=0.9, zorder=0)
    if transform == "km":
        _times(ax, at, rows["time"].to_numpy(float))
    unit = result.facts.get("time")
    spaced = ", spaced by the share that has left" if transform == "km" else ""
    time = f"Time ({unit}{spaced})" if unit else f"Time{spaced}"
    name_axes(ax, time, f"Effect of {which} (log hazard ratio)")
    tidy(ax)
    names = ["Exits", "Effect over time, 95 % band", "Cox estimate"]
    legend(ax, [dots, (band, curve), constant], names, ncols=3, **ABOVE)
    _test(ax, result, which, transform)
    say_status(ax, result)
    return ax


def _times(ax: "Axes", at: Array, time: Array) -> None:
    """Put ticks where exits are, named by their time."""
    order = np.argsort(at, kind="stable")
    at, time = at[order], time[order]
    wanted = np.linspace(at[0], at[-1], TICKS)
    near = np.unique(np.searchsorted(at, wanted).clip(0, len(at) - 1))
    places = pd.Series(at[near], index=time[near]).groupby(level=0).first()
    ax.set_xticks(places.to_numpy(), [f"{t:g}" for t in places.index])


def _test(ax: "Axes", result: Result, term: str, transform: str) -> None:
    tests = result.tables.get("ph_test")
    if tests is None:
        return
    found = tests[(tests["term"] == term) & (tests["transform"] == transform)]
    if len(found):
        room_below(ax)
        p = p_in_words(float(found["p_value"].iloc[0]))
        text = f"Test of proportional hazards: {p}"
        write(ax, 0.01, 0.02, text, transform=ax.transAxes, va="bottom")

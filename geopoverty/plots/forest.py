"""Hazard ratios with their intervals, a row a covariate."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geopoverty.errors import InputError
from geopoverty.plots.canvas import SIZE, axes_for
from geopoverty.plots.reading import chosen, require_result
from geopoverty.plots.style import MAIN, SOFT, tidy
from geopoverty.plots.writing import name_axes, name_ticks, say_status, write
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.3  # inches a covariate
# What the exponent of a coefficient is, by the table that lists the covariates. A
# Weibull model has hazard ratios too, but its coefficients are those of times.
RATIOS = {
    "time_ratios": "Time ratio (above 1: later)",
    "odds_ratios": "Odds ratio of leaving in a period",
    "hazard_ratios": "Hazard ratio",
}


def hazard_forest(
    result: Result,
    *,
    ax: "Axes | None" = None,
    terms: list[str] | None = None,
    conf_level: float = 0.95,
) -> "Axes":
    """Draw hazard ratios with their intervals.

    Parameters
    ----------
    result : Result
        Of `exit_hazard`. Models of time give time ratios, the logit odds ratios: the
        axis says which.
    ax : Axes, optional
        Where to draw; a new figure when not given.
    terms : list of str, optional
        Which, from top to bottom; all covariates when not given.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Axes
        On a logarithmic scale, per unit of each covariate; the line at 1 is no
        effect. Marks are filled where the interval leaves 1 out.

    Raises
    ------
    InputError
        If the result is of another estimator, a term is unknown, or `conf_level` is
        not between 0 and 1.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.exits import exit_hazard
    >>> counties = pd.DataFrame({"years": [2, 3, 5, 7, 9, 9],
    ...     "left": [1, 1, 1, 1, 0, 0], "density": [5.0, 2.0, 4.0, 3.0, 2.5, 1.0]})
    >>> fit = exit_hazard("density", counties, duration="years", exited="left")
    >>> hazard_forest(fit).get_xlabel()
    'Hazard ratio per unit (log scale, 95 % interval)'
    """
    table, kind = _ratios(result, terms, conf_level)
    ratio = table["estimate"].to_numpy(float)
    low, high = (table[c].to_numpy(float) for c in ("conf_low", "conf_high"))
    ax = axes_for(ax, (SIZE[0], max(2.0, 1.0 + ROW * len(table))))
    rows = np.arange(len(table), dtype=float)
    ax.axvline(1, color=SOFT, linewidth=0.9, zorder=0)
    ax.hlines(rows, low, high, color=MAIN, linewidth=1.4)
    sure = (low > 1) | (high < 1)
    for which, inside in ((~sure, "white"), (sure, MAIN)):
        ax.scatter(
            ratio[which], rows[which], marker="s", s=34, edgecolor=MAIN,
            facecolor=inside, linewidth=1.3, zorder=3,
        )  # fmt: skip
    ax.set_xscale("log")
    _ticks(ax)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    name_ticks(ax, "y", rows.tolist(), [str(t) for t in table["term"]])
    beside = ax.get_yaxis_transform()
    for y, values in zip(rows, zip(ratio, low, high, strict=True), strict=True):
        middle, first, last = (_number(v) for v in values)
        text = f"{middle} ({first} to {last})"
        write(ax, 1.02, float(y), text, transform=beside, va="center")
    level = f"{100 * conf_level:g} % interval"
    name_axes(ax, f"{kind} per unit (log scale, {level})", None)
    ax.tick_params(axis="y", length=0)
    tidy(ax)
    say_status(ax, result)
    return ax


def _ratios(
    result: Result, terms: list[str] | None, conf_level: float
) -> tuple[pd.DataFrame, str]:
    """Return the ratios with their ends, and what they are ratios of."""
    found = require_result(result, "hazard_forest", "exit_hazard")
    kinds = [name for name in RATIOS if name in found.tables]
    if not kinds:
        raise InputError(
            f"hazard_forest draws the ratios of a Result of exit_hazard; this one, of "
            f"{found.estimator}, has none. Give it what exit_hazard returned."
        )
    table = found.tidy(conf_level).set_index("term")
    known = list(found.tables[kinds[0]]["term"])
    listed = [terms] if isinstance(terms, str) else terms
    names = known if listed is None else [chosen(t, known, "terms") for t in listed]
    if not names:
        raise InputError("hazard_forest needs at least one covariate to draw.")
    ends = ["estimate", "conf_low", "conf_high"]
    return np.exp(table.loc[names, ends]).reset_index(), RATIOS[kinds[0]]


def _number(value: float) -> str:
    """Write a ratio with three figures, such as 0.23, 1.05 or 12.4."""
    return f"{value:.2f}" if 0.1 <= value < 10 else f"{value:.3g}"


def _ticks(ax: "Axes") -> None:
    """Write 0.5, 1 and 2 rather than powers of ten, and no more than there is room."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = ax.get_xlim()
    steps: tuple[float, ...] = (1.0, 2.0, 5.0) if high / low < 300 else (1.0,)
    if high / low < 4:
        steps = (1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    ax.xaxis.set_major_locator(LogLocator(subs=steps))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())

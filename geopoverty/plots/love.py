"""Love plot: how alike treated and controls are, before and after matching."""

from typing import TYPE_CHECKING

import numpy as np

from geopoverty.errors import InputError
from geopoverty.plots.canvas import SIZE, axes_for
from geopoverty.plots.reading import table_of
from geopoverty.plots.style import FAINT, MAIN, OTHER, SOFT, tidy
from geopoverty.plots.writing import (
    ABOVE,
    legend,
    name_axes,
    name_ticks,
    say_status,
    write,
)
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.3  # inches a covariate


def love_plot(
    result: Result,
    *,
    ax: "Axes | None" = None,
    threshold: float = 10.0,
    signed: bool = False,
) -> "Axes":
    """Draw the bias of each covariate, unmatched and matched.

    Parameters
    ----------
    result : Result
        Of `match`.
    ax : Axes, optional
        Where to draw; a new figure when not given.
    threshold : float
        Bias in per cent below which a covariate counts as balanced, above 0.
    signed : bool
        Show which arm has the larger mean (treated: right of 0), not only the size.

    Returns
    -------
    Axes
        A row a covariate, the most different on top: hollow circles unmatched, filled
        diamonds matched. The bias is the difference of means in per cent of the
        standard deviation [1]_. Covariates without one (all rows alike) have no marks.

    Raises
    ------
    InputError
        If the result has no table of balance, or `threshold` is not above 0.
    MissingExtraError
        If matplotlib is not installed.

    References
    ----------
    .. [1] Rosenbaum, P. R. & Rubin, D. B. (1985). Constructing a control group using
       multivariate matched sampling methods that incorporate the propensity score.
       American Statistician 39, 33-38.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.matching import match
    >>> rng = np.random.default_rng(3)
    >>> land = rng.normal(size=200)
    >>> joined = (land + rng.normal(size=200) > 0).astype(int)
    >>> homes = pd.DataFrame({"joined": joined, "land": land, "income": land + joined})
    >>> fit = match("joined ~ land", homes, outcome="income", method="kernel")
    >>> love_plot(fit).get_xlabel()
    'Absolute bias (% of a standard deviation)'
    """
    order = table_of(result, "love", "love_plot", "match")["term"]
    if not threshold > 0:
        raise InputError(f"threshold must be above 0, in per cent; got {threshold!r}.")
    table = table_of(result, "balance", "love_plot", "match")
    bias = table.set_index(["term", "sample"])["bias"].unstack().loc[order]
    bias = bias[["unmatched", "matched"]].where(np.isfinite)
    values = bias if signed else bias.abs()
    ax = axes_for(ax, (SIZE[0], max(2.0, 1.0 + ROW * len(values))))
    rows = np.arange(len(values))
    before, after = (values[c].to_numpy(float) for c in values)
    ax.hlines(rows, before, after, color=FAINT, linewidth=1.2, zorder=1)
    hollow = ax.scatter(
        before, rows, marker="o", facecolor="white", edgecolor=OTHER, linewidth=1.4
    )
    solid = ax.scatter(after, rows, marker="D", color=MAIN, s=28)
    for at in (-threshold, threshold) if signed else (threshold,):
        ax.axvline(at, color=SOFT, linestyle="--", linewidth=0.9, zorder=0)
    ax.axvline(0, color=SOFT, linewidth=0.9, zorder=0)
    ax.set_ylim(len(rows) - 0.5, -0.9)
    sign = "±" if signed else ""
    write(ax, threshold, -0.88, f" {sign}{threshold:g} %", va="top", color=SOFT)
    name_ticks(ax, "y", rows.tolist(), [str(t) for t in order])
    size = "Bias: treated less controls" if signed else "Absolute bias"
    name_axes(ax, f"{size} (% of a standard deviation)", None)
    if not signed:
        ax.set_xlim(left=min(0.0, -0.02 * ax.get_xlim()[1]))
    ax.tick_params(axis="y", length=0)
    tidy(ax)
    legend(ax, [hollow, solid], ["Unmatched", "Matched"], ncols=2, **ABOVE)
    say_status(ax, result)
    return ax

"""Quantile path: how a coefficient changes from the low to the high end."""

from typing import TYPE_CHECKING, Any

from geopoverty.plots.canvas import axes_for
from geopoverty.plots.reading import chosen, table_of
from geopoverty.plots.style import MAIN, OTHER, PALE, SOFT, tidy
from geopoverty.plots.writing import legend, name_axes, say_status
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 9  # quantiles, up to which each has a tick


def quantile_path(
    result: Result, term: str | None = None, *, ax: "Axes | None" = None
) -> "Axes":
    """Draw one coefficient at each quantile, with least squares beside it.

    Parameters
    ----------
    result : Result
        Of `quantile_regression`.
    term : str, optional
        Which coefficient; the first that is not the intercept when not given. Draw
        several in a loop, each on axes of its own: their units differ.
    ax : Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    Axes
        Estimates with 95 % intervals as a band; the dashed line is least squares (the
        effect on the mean) with its interval dotted.

    Raises
    ------
    InputError
        If the result has no path, or `term` is unknown.
    MissingExtraError
        If matplotlib is not installed.

    References
    ----------
    Koenker, R. & Hallock, K. F. (2001). Quantile regression. Journal of Economic
    Perspectives 15(4), 143-156, figure 4.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from geopoverty.estimators.quantiles import quantile_regression
    >>> homes = pd.DataFrame({"income": np.arange(1.0, 62.0)})
    >>> homes["food"] = homes["income"] * (2 + homes["income"] % 7)
    >>> fit = quantile_regression("food ~ income", homes, quantiles=(0.25, 0.75))
    >>> quantile_path(fit).get_xlabel()
    'Quantile of food'
    """
    table = table_of(result, "path", "quantile_path", "quantile_regression")
    terms = list(dict.fromkeys(table["term"]))
    terms.sort(key=lambda name: name == "Intercept")
    which = chosen(term, terms, "term")
    rows = table[table["term"] == which].sort_values("quantile")
    at, value = rows["quantile"].to_numpy(float), rows["estimate"].to_numpy(float)
    low, high = (rows[c].to_numpy(float) for c in ("conf_low", "conf_high"))
    ax = axes_for(ax)
    ax.axhline(0, color=SOFT, linewidth=0.9, zorder=0)
    band: Any
    if len(at) > 1:
        band = ax.fill_between(at, low, high, color=PALE, linewidth=0, zorder=1)
    else:
        band = ax.vlines(at, low, high, color=PALE, linewidth=6, zorder=1)
    (line,) = ax.plot(at, value, color=MAIN, marker="o", linewidth=1.6, zorder=3)
    mean = ax.axhline(
        rows["ols_estimate"].iloc[0], color=OTHER, linestyle="--", linewidth=1.4
    )
    for column in ("ols_low", "ols_high"):
        edge = ax.axhline(rows[column].iloc[0], color=OTHER, linestyle=":", linewidth=1)
    if len(at) <= FEW:
        ax.set_xticks(at, [f"{q:g}" for q in at])
    ax.set_xlim(*((0, 1) if len(at) == 1 else ()))
    outcome = result.facts.get("outcome", "the outcome")
    name_axes(
        ax,
        f"Quantile of {outcome}",
        f"Change of {outcome} per unit of {which}"
        if which != "Intercept"
        else f"Intercept (in units of {outcome})",
    )
    tidy(ax)
    legend(
        ax,
        [(band, line), mean, edge],
        ["Quantiles, with 95 % interval", "Mean (least squares)", "its 95 % interval"],
        loc="best",
    )
    say_status(ax, result)
    return ax

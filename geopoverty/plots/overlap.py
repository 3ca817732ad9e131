"""Overlap of scores: whether the treated have controls to compare with."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geopoverty.errors import InputError
from geopoverty.numerics.types import Array
from geopoverty.plots.canvas import axes_for
from geopoverty.plots.reading import chosen, require_bins, require_result
from geopoverty.plots.style import FAINT, INK, MAIN, OTHER, tidy
from geopoverty.plots.writing import legend, name_axes, say_status
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAKERS = "match, match_all or psm_did"
BINS = 20


def score_overlap(
    result: Result,
    *,
    ax: "Axes | None" = None,
    bins: int = BINS,
    counts: bool = False,
    method: str | None = None,
) -> "Axes":
    """Draw the scores of treated rows upwards, those of controls downwards.

    Parameters
    ----------
    result : Result
        Of `match`, `match_all` or `psm_did`.
    ax : Axes, optional
        Where to draw; a new figure when not given.
    bins : int
        Bars across the range of scores, at least 2.
    counts : bool
        Numbers of rows rather than per cent of each group.
    method : str, optional
        Of `match_all`: whose weights of controls are drawn, such as ``"1:4"``.

    Returns
    -------
    Axes
        Hatched bars are treated rows outside the range of the controls' scores. The
        line shows controls as they are weighted: as it mirrors the treated, matching
        has made the scores alike.

    Raises
    ------
    InputError
        If the result has no scores, `bins` is below 2, or `method` is unknown.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.matching import match
    >>> rng = np.random.default_rng(3)
    >>> land = rng.normal(size=200)
    >>> joined = (land + rng.normal(size=200) > 0).astype(int)
    >>> homes = pd.DataFrame({"joined": joined, "land": land, "income": land + joined})
    >>> fit = match("joined ~ land", homes, outcome="income", method="kernel")
    >>> score_overlap(fit).get_xlabel()
    'Propensity score (chance of being treated, 0 to 1)'
    """
    rows = _rows(result, bins)
    weight = _weight(rows, method)
    value, treated = rows["score"].to_numpy(float), rows["treated"].to_numpy(bool)
    outside = treated & ~rows["on_support"].to_numpy(bool)
    edges = np.histogram_bin_edges(value, bins)
    unit = [1.0, 1.0] if counts else [100 / treated.sum(), 100 / (~treated).sum()]

    def bars(which: Array) -> Array:
        return np.asarray(np.histogram(value[which], edges)[0], dtype=np.float64)

    on, off = unit[0] * bars(treated & ~outside), unit[0] * bars(outside)
    below = -unit[1] * bars(~treated)
    ax = axes_for(ax)
    look: dict[str, Any] = {"align": "edge", "edgecolor": "white", "linewidth": 0.6}
    wide = np.diff(edges)
    marks: list[Any] = [ax.bar(edges[:-1], on, wide, color=MAIN, **look)]
    names = [f"Treated ({treated.sum():,})"]
    if outside.any():
        marks.append(
            ax.bar(
                edges[:-1], off, wide, bottom=on, align="edge", color=FAINT,
                edgecolor=MAIN, hatch="////", linewidth=0.6,
            )
        )  # fmt: skip
        names.append(f"of them off support: no controls alike ({outside.sum():,})")
    marks.append(ax.bar(edges[:-1], below, wide, color=OTHER, **look))
    names.append(f"Controls ({(~treated).sum():,})")
    if weight is not None:
        shares = np.histogram(value[~treated], edges, weights=weight[~treated])[0]
        scale = 1.0 if counts else 100 / shares.sum()
        marks.append(
            ax.stairs(-scale * shares, edges, color=INK, linewidth=1.4, baseline=None)
        )
        names.append("Controls as weighted")
    # Stacked bars would otherwise touch the frame.
    ax.set_ylim(1.12 * ax.dataLim.y0, 1.12 * (on + off).max())
    _finish(ax, counts)
    legend(ax, marks, names, loc="best")
    say_status(ax, result)
    return ax


def _rows(result: Result, bins: int) -> pd.DataFrame:
    rows = require_result(result, "score_overlap", MAKERS).units
    if not {"score", "treated", "on_support"} <= set(rows.columns):
        raise InputError(
            f"score_overlap draws the scores of a Result of {MAKERS}; this one, of "
            f"{result.estimator}, has none. Give it what {MAKERS} returned."
        )
    require_bins(bins)
    return rows


def _weight(rows: pd.DataFrame, method: str | None) -> Array | None:
    ways = [c[7:-1] for c in rows.columns if c.startswith("weight(")]
    if method is None:
        column = "weight"
    elif ways:
        column = f"weight({chosen(method, ways, 'method')})"
    else:
        raise InputError(
            f"method is for results of match_all; got {method!r}. Leave it out: there "
            "is one set of weights here."
        )
    return rows[column].to_numpy(float) if column in rows.columns else None


def _finish(ax: "Axes", counts: bool) -> None:
    ax.axhline(0, color=INK, linewidth=0.9)
    # Downwards is not negative.
    ax.yaxis.set_major_formatter(lambda y, _: f"{abs(y):,.10g}")
    what = "Rows" if counts else "Rows (% of each group)"
    name_axes(ax, "Propensity score (chance of being treated, 0 to 1)", what)
    tidy(ax)

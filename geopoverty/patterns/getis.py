"""Getis-Ord statistics: hot spots and cold spots."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._progress import progress
from geopoverty.design.sample import Sample
from geopoverty.numerics import local_spatial
from geopoverty.numerics.types import Array, Mask
from geopoverty.patterns.names import (
    GETIS_ORD,
    LEVELS,
    NO_NEIGHBOURS,
    NOT_SIGNIFICANT,
)
from geopoverty.patterns.problem import Draws, Part, read_problem
from geopoverty.patterns.report import (
    adjusted,
    class_counts,
    patterns_result,
    unit_table,
)
from geopoverty.results import Result


def getis_ord(
    column: str,
    data: pd.DataFrame,
    *,
    weights: Any,
    unit: str | Sample | None = "unit_id",
    star: bool = True,
    permutations: int = 999,
    seed: int = 0,
    fdr: bool = False,
) -> Result:
    """Find hot spots, where high values gather, and cold spots, where low ones do.

    Parameters
    ----------
    column : str
        Numbers, also 0/1 or True/False. Missing values are left out and counted.
    data : DataFrame, n rows
        One row a unit (and period). Never modified.
    weights : SpatialWeights, libpysal Graph or W
        Of any kind, without own weights.
    unit : str or Sample
        The column or index of unit ids; ``Sample("unit_id", period="year")`` tests
        each period alone.
    star : bool
        Whether a unit's own value takes part (G*, the usual one for hot spots), or
        only its neighbours' (G). In G* a unit counts as much as its strongest
        neighbour; weights whose rows sum to 1 are made to do so again.
    permutations : int
        How often values are drawn anew; 199 or more.
    seed : int
        The same draws for the same seed, whatever the order of rows.
    fdr : bool
        Whether classes go by p-values adjusted for the false discovery rate, within
        a period.

    Returns
    -------
    Result
        ``units``: a row a unit (and period) in the order of ids with ``value``,
        ``lag`` (of the values; in G* with its own), ``statistic`` (the z-score [1]_),
        ``p_value``, with `fdr` also ``p_adjusted``, and ``class``: "Hot spot 99 %"
        (95, 90), "Cold spot 99 %" (95, 90), "Not significant" or "No neighbours".
        ``tables["classes"]``: how many units each class has. No ``estimates``.

    Raises
    ------
    InputError
        As `local_moran`.

    Notes
    -----
    Z-scores are those of Ord and Getis [1]_ for any weights: their variance has the
    squares of weights. esda's has their sums, which is the same for 0/1 weights only.
    P-values come from permutations and not from the normal law of the z-score, which
    is poor where few neighbours or skewed values meet. For G a unit keeps its value
    and the others are permuted; for G* all are, since its own value is part of what
    is tested (with it held fixed G* could say no more than G). They are two-sided,
    twice the smaller tail, and so are the 90, 95 and 99 %.

    References
    ----------
    .. [1] Ord, J. K. & Getis, A. (1995). Local spatial autocorrelation statistics:
       distributional issues and an application. Geographical Analysis 27, 286-306,
       equation 14.

    Examples
    --------
    >>> from geopoverty.weights import SpatialWeights
    >>> ids = [f"{i:02d}" for i in range(20)]
    >>> ring = (np.roll(np.eye(20), 1, axis=1) + np.roll(np.eye(20), -1, axis=1)) / 2
    >>> w = SpatialWeights(ids, ring, standardize="row")
    >>> poor = pd.DataFrame({"unit_id": ids, "rate": [9.0] * 4 + [1, 2] * 8})
    >>> found = getis_ord("rate", poor, weights=w)
    >>> town = found.units.set_index("unit_id").loc["02"]
    >>> round(float(town["statistic"]), 3), town["class"]
    (3.622, 'Hot spot 99 %')
    """
    draws = Draws(permutations, seed, 1 - LEVELS[0] / 100, 1 - LEVELS[-1] / 100, fdr)
    problem = read_problem(column, data, weights, unit)
    parts = progress(problem.parts, "Permuting periods")
    units = pd.concat([_found(p, draws, star) for p in parts], ignore_index=True)
    counted = units if problem.timed else units.drop(columns="period")
    return patterns_result(
        "getis_ord",
        problem,
        units,
        draws,
        facts={"star": star},
        tables={"classes": class_counts(counted, GETIS_ORD)},
        notes=(),
        options={"unit": unit, "star": star},
    )


def _found(part: Part, draws: Draws, star: bool) -> pd.DataFrame:
    """Test one period: a row a unit."""
    W, x = part.weights.matrix, part.x
    if star:
        row = part.weights.standardize == "row"
        W = local_spatial.with_own_weight(W, row=row)
    chance = local_spatial.drawn_lags(
        x, W, draws=draws.permutations, seed=draws.seed, conditional=not star
    )
    score = local_spatial.getis_ord(x, W, star=star)
    table = unit_table(part, score, chance.p_values, W @ x)
    by = adjusted(table["p_value"].to_numpy(), draws)
    if draws.fdr:
        table["p_adjusted"] = by
    table["class"] = _classes(part, by, chance.high)
    return table


def _classes(part: Part, p_values: Array, high: Mask) -> NDArray[np.object_]:
    named = np.full(len(p_values), NOT_SIGNIFICANT, dtype=object)
    for level in sorted(LEVELS):  # the strictest last
        reached = p_values <= 1 - level / 100 + 1e-12
        named[reached & high] = f"Hot spot {level} %"
        named[reached & ~high] = f"Cold spot {level} %"
    named[~part.linked] = NO_NEIGHBOURS
    return named

"""Local Moran's I: where a unit and its neighbours are alike, or apart."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._progress import progress
from geopoverty.design.sample import Sample
from geopoverty.numerics import local_spatial
from geopoverty.numerics.types import Mask
from geopoverty.patterns.names import MORAN, NO_NEIGHBOURS, NOT_SIGNIFICANT
from geopoverty.patterns.problem import Draws, Part, read_problem
from geopoverty.patterns.report import (
    adjusted,
    chance_facts,
    class_counts,
    patterns_result,
    unit_table,
)
from geopoverty.results import Result


def local_moran(
    column: str,
    data: pd.DataFrame,
    *,
    weights: Any,
    unit: str | Sample | None = "unit_id",
    permutations: int = 999,
    seed: int = 0,
    alpha: float = 0.05,
    fdr: bool = False,
) -> Result:
    """Find clusters of high and of low values, and units unlike their neighbours.

    Parameters
    ----------
    column : str
        Numbers, also 0/1 or True/False. Missing values are left out and counted.
    data : DataFrame, n rows
        One row a unit (and period). Never modified.
    weights : SpatialWeights, libpysal Graph or W
        Of any kind: borders, nearest neighbours or travel times. Units without a
        value take no part; the weights between the others are then standardised anew.
    unit : str or Sample
        The column or index of unit ids; ``Sample("unit_id", period="year")`` tests
        each period alone.
    permutations : int
        How often the values of the other units are drawn anew; 2 / alpha - 1 or more.
    seed : int
        The same draws for the same seed, whatever the order of rows.
    alpha : float
        P-values up to `alpha` count as significant; between 0 and 1.
    fdr : bool
        Whether classes go by p-values adjusted for the false discovery rate [2]_,
        within a period.

    Returns
    -------
    Result
        ``units``: a row a unit (and period) in the order of ids with ``value``,
        ``lag`` (of the values, by the weights), ``statistic`` (local Moran's I),
        ``p_value``, with `fdr` also ``p_adjusted``, and ``class``: "High-High",
        "Low-Low", "Low-High" (low among high), "High-Low", "Not significant" or "No
        neighbours". ``tables["classes"]``: how many units each class has.
        ``tables["global"]``: Moran's I of all units, its expectation without pattern
        and two-sided p. With one period ``facts`` holds it too. No ``estimates``.

    Raises
    ------
    InputError
        If a column is unknown, not numeric, infinite, all missing or constant, an id
        is repeated or not in the weights, no unit has a neighbour, or an option is
        out of its range.

    Notes
    -----
    I_i = z_i sum_j w_ij z_j / m2, with z the distance from the mean and m2 = sum z^2 /
    n [1]_, as R's spdep does it; esda and GeoDa divide by n - 1 (their I_i is (n - 1)
    / n of this one). High and low are above and below the mean, for neighbours by the
    sign of sum_j w_ij z_j. A unit keeps its value while the others are permuted. The
    p-value is two-sided, twice the smaller tail: esda and GeoDa report one tail, so
    that their 0.05 is 0.1 here. Units are drawn in the order of their ids.

    References
    ----------
    .. [1] Anselin, L. (1995). Local indicators of spatial association - LISA.
       Geographical Analysis 27, 93-115, equations 12 and 13.
    .. [2] Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate.
       Journal of the Royal Statistical Society B 57, 289-300; for maps: Caldas de
       Castro, M. & Singer, B. (2006). Geographical Analysis 38, 180-208.

    Examples
    --------
    >>> from geopoverty.weights import SpatialWeights
    >>> ids = [f"{i:02d}" for i in range(20)]
    >>> ring = (np.roll(np.eye(20), 1, axis=1) + np.roll(np.eye(20), -1, axis=1)) / 2
    >>> w = SpatialWeights(ids, ring, standardize="row")
    >>> poor = pd.DataFrame({"unit_id": ids, "rate": [9.0] * 4 + [1, 2] * 8})
    >>> found = local_moran("rate", poor, weights=w)
    >>> found.units.set_index("unit_id")["class"][["02", "10"]].tolist()
    ['High-High', 'Not significant']
    """
    draws = Draws(permutations, seed, alpha, alpha, fdr)
    problem = read_problem(column, data, weights, unit)
    found = [_found(p, draws) for p in progress(problem.parts, "Permuting periods")]
    units = pd.concat([table for table, _ in found], ignore_index=True)
    overall = pd.DataFrame([row for _, row in found])
    if not problem.timed:
        overall = overall.drop(columns="period")
    counted = units if problem.timed else units.drop(columns="period")
    facts = {"alpha": alpha}
    if len(overall) == 1:
        facts |= overall[["morans_i", "p_value"]].iloc[0].to_dict()
        facts["morans_i_p"] = facts.pop("p_value")
    return patterns_result(
        "local_moran",
        problem,
        units,
        draws,
        facts=facts,
        tables={"classes": class_counts(counted, MORAN), "global": overall},
        notes=_binary_note(problem.binary),
        options={"unit": unit, "alpha": alpha},
    )


def _found(part: Part, draws: Draws) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Test one period: a row a unit, and Moran's I of all of them."""
    W, x = part.weights.matrix, part.x
    chance = local_spatial.drawn_lags(
        x, W, draws=draws.permutations, seed=draws.seed, conditional=True
    )
    # A value at the mean has a local I of 0 whatever its neighbours are.
    p_values = np.where(x == x.mean(), 1.0, chance.p_values)
    table = unit_table(part, local_spatial.local_moran(x, W), p_values, W @ x)
    by = adjusted(table["p_value"].to_numpy(), draws)
    if draws.fdr:
        table["p_adjusted"] = by
    table["class"] = _classes(part, by <= draws.level)
    whole = chance_facts(chance, local_spatial.morans_i(x, W), len(x))
    return table, {"period": part.period, **whole}


def _classes(part: Part, significant: Mask) -> NDArray[np.object_]:
    z = part.x - part.x.mean()
    own = np.where(z > 0, "High", "Low")
    near = np.where(part.weights.matrix @ z > 0, "High", "Low")
    named = np.char.add(np.char.add(own, "-"), near).astype(object)
    named[~significant] = NOT_SIGNIFICANT
    named[~part.linked] = NO_NEIGHBOURS
    return named


def _binary_note(binary: bool) -> tuple[str, ...]:
    if not binary:
        return ()
    return (
        "The column is 0/1: a unit is High where it is 1, and its neighbours are High "
        "where the share of 1 among them is above that of all.",
    )

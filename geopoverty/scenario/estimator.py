"""`scenario`: from a fitted model and a change to what it does where."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.design.lags import Weights
from geopoverty.design.recipe import sample_in
from geopoverty.design.sample import Sample
from geopoverty.effects.indices import index_of, recipe_from
from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.scenario import Move, simulate
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.scenario.change import Changes, changed
from geopoverty.scenario.outcome import outcome_of
from geopoverty.scenario.report import Found, report
from geopoverty.weights import as_weights

TRIES = 20


def scenario(
    result: Result,
    data: pd.DataFrame,
    *,
    change: Changes,
    weights: Any = None,
    draws: int = 1000,
    seed: int = 0,
    conf_level: float = 0.95,
) -> Result:
    """Compute what a change in some units would do to all of them.

    Parameters
    ----------
    result : Result
        Of `logit`, `probit`, `ols`, `spatial_binary`, `panel` or `exit_hazard` (Cox).
    data : DataFrame, n rows
        The rows of the fit, or others of the same kind, before the change. Never
        modified.
    change : mapping of column to number, Change or Series
        ``{"clusters": 3}`` adds three everywhere; ``{"clusters": Change(add=3,
        units=["33001"])}`` in one unit; a Series indexed by unit adds its numbers
        there. Lags of a changed column, and what is computed from it, follow.
    weights : SpatialWeights, libpysal Graph or W, optional
        As for the fit; needed by lags and by dependence.
    draws : int
        Of the coefficients from their normal law, for intervals; 0 gives none.
    seed : int
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Result
        ``estimates``: ``change``, ``own``, ``spillover``, means over rows. ``units``:
        a row per unit (and period): ``before`` and ``after`` (not for `panel`, whose
        effects of units stay as they are), ``change`` and its two parts, ``own``, what
        the unit's own change does to it if no other unit changes, and
        ``spillover``, the rest; each with ``_low`` and ``_high``. In probabilities,
        or in units of the outcome. ``tables["most"]``: the units that gain and lose
        most.

    Raises
    ------
    InputError
        If the result or the change does not fit, weights are missing, or lags enter
        in products.
    EstimationError
        If the fit does not identify a coefficient.

    Notes
    -----
    What the model says, with all else equal: associations if the model holds
    associations. Intervals are quantiles over draws of the coefficients, and hold no
    error of the model itself. With an index eta = B(X b), B = (I - rho W)^-1 [1]_, the
    own part of unit i is B_ii of its own change, the spillover part the rest.

    References
    ----------
    .. [1] LeSage, J. & Pace, R. K. (2009). Introduction to Spatial Econometrics,
       chapter 2.

    Examples
    --------
    >>> import geopoverty as gp
    >>> homes = pd.DataFrame({"unit_id": list("abcdef"), "poor": [1, 1, 0, 1, 0, 0],
    ...     "age": [2.0, 4, 3, 1, 5, 6]})
    >>> fit = gp.logit("poor ~ age", homes, vcov="iid")
    >>> older = gp.scenario(fit, homes, change={"age": gp.Change(add=1, units=["a"])})
    >>> older.units.set_index("unit_id")["change"].round(2).to_dict()
    {'a': -0.21, 'b': 0.0, 'c': 0.0, 'd': 0.0, 'e': 0.0, 'f': 0.0}
    """
    _check(draws, conf_level)
    recipe = recipe_from(result)
    outcome = outcome_of(result, recipe)
    held = None if weights is None else as_weights(weights)
    after = changed(data, change, sample_in(recipe["design"], data))
    move, groups = _move(recipe, data, after, held)
    groups["changed"] = _changed(data, after, list(change), move)
    theta = result.estimates.to_numpy()
    point = simulate(move, theta, outcome.curve)[:, :, 0]
    drawn = None
    if draws:
        bounds = _feasible(result)
        values = _draw(result, draws, seed, bounds if move.spatial else None)
        drawn = simulate(move, theta, outcome.curve, values)
    options = {"change": _written(change), "weights": weights, "draws": draws}
    options |= {"seed": seed, "conf_level": conf_level, "of": result.estimator}
    origin = provenance(
        str(result.provenance.get("formula", "")),
        options,
        [move.before.X, move.after.X],
        [*result.provenance.get("data", ()), *sources_of(data, held)],
    )
    dropped = len(data) - len(move.groups)
    found = Found(point, drawn, groups, move, dropped, conf_level)
    return report(result, outcome, found, change, origin)


def _changed(
    data: pd.DataFrame, after: pd.DataFrame, columns: list[str], move: Move
) -> Mask:
    """Say in which units (and periods) a named column changed in any row."""
    rows = (data[columns] != after[columns]).any(axis=1).to_numpy()
    return np.asarray(np.bincount(move.groups, rows[move.rows]) > 0)


def _check(draws: int, conf_level: float) -> None:
    if not 0 < conf_level < 1:
        raise InputError(f"conf_level must be between 0 and 1; got {conf_level}.")
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 0 or draws == 1:
        raise InputError(f"draws must be a whole number, 0 or above 1; got {draws!r}.")


def _written(change: Changes) -> dict[str, str]:
    return {column: str(how) for column, how in change.items()}


def _move(
    recipe: dict[str, Any],
    data: pd.DataFrame,
    after: pd.DataFrame,
    weights: Weights | None,
) -> tuple[Move, pd.DataFrame]:
    """Set the model up before and after, and place rows in units and periods."""
    columns = list(recipe["columns"])
    lags = tuple(j for j, c in enumerate(columns) if "W(" in c)
    products = [columns[j] for j in lags if not _is_lag(columns[j])]
    if products:
        raise InputError(
            f"A scenario needs lags that enter by themselves; {first(products)} is a "
            "product. Change the table yourself, and compare predict before and after."
        )
    kept, start = index_of(recipe, data, weights)
    _, end = index_of(recipe, after, weights)
    if recipe["model"] != "none":
        _require_sources(columns, lags)
    lag_of = {
        j: columns.index(f"W({c})")
        for j, c in enumerate(columns)
        if f"W({c})" in columns and j not in lags
    }
    if "centre" in recipe:  # a hazard is told relative to that of a row at the centre
        start, end = (replace(i, X=i.X - recipe["centre"]) for i in (start, end))
    sample = sample_in(recipe["design"], data)
    groups, codes, w = _groups(data.iloc[kept], sample)
    return Move(start, end, lag_of, lags, codes, w, kept), groups


def _is_lag(column: str) -> bool:
    alone = column.startswith(("W(", "L(")) and column.endswith(")")
    return alone and "):" not in column


def _require_sources(columns: list[str], lags: tuple[int, ...]) -> None:
    """Refuse lags whose own column is not in a model with dependence."""
    bare = [columns[j] for j in lags if columns[j][2:-1] not in columns]
    if bare:
        raise InputError(
            f"{first(bare)} has no column of its own beside it in a model with "
            "dependence, so that what returns to a unit cannot be told apart. Fit with "
            "both."
        )


def _groups(rows: pd.DataFrame, sample: Sample) -> tuple[pd.DataFrame, Codes, Array]:
    """Return units (and periods), which of them each row belongs to, and weights."""
    ids = rows.get(sample.unit, rows.index)
    keys = {"unit_id": np.asarray(ids, dtype=object)}
    if sample.period is not None:
        keys["period"] = rows[sample.period].to_numpy()
    table = pd.DataFrame(keys)
    groups = table.groupby(list(keys), sort=False)
    codes = groups.ngroup().to_numpy()
    w = np.ones(len(rows))
    if sample.sampling_weight is not None:
        w = rows[sample.sampling_weight].to_numpy(np.float64)
    share = np.bincount(codes, w) / w.sum()
    first_rows = table.drop_duplicates().reset_index(drop=True)
    return first_rows.assign(share=share), np.asarray(codes, dtype=np.intp), w


def _feasible(result: Result) -> tuple[float, float]:
    """Return between which values the spatial coefficient must lie."""
    low, high = (result.facts.get(f"feasible_{end}") for end in ("low", "high"))
    return -1.0 if low is None else float(low), 1.0 if high is None else float(high)


def _draw(
    result: Result, draws: int, seed: int, bounds: tuple[float, float] | None
) -> Array:
    """Draw parameters from their normal law; the spatial one inside its bounds."""
    theta = result.estimates.to_numpy()
    vcov = np.nan_to_num(result.vcov.to_numpy())
    rng = np.random.default_rng(seed)
    values = rng.multivariate_normal(theta, vcov, size=draws, method="eigh")
    if bounds is None:
        return np.asarray(values)
    for _ in range(TRIES):
        out = (values[:, -1] <= bounds[0]) | (values[:, -1] >= bounds[1])
        if not out.any():
            return np.asarray(values)
        values[out] = rng.multivariate_normal(
            theta, vcov, size=int(out.sum()), method="eigh"
        )
    raise EstimationError(
        "Nearly all draws of the spatial coefficient lie outside what is feasible: it "
        "is hardly identified. Use draws=0, for the change without intervals."
    )

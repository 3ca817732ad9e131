"""Least squares on a register: sums of products in memory, its rows never."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.covariances import Covariance, Vcov, spread_covariance
from geopoverty.design.columns import ILL, ill
from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import Sample
from geopoverty.effects.quality import holds_constant
from geopoverty.effects.tables import linear_effects_from
from geopoverty.effects.terms import effect_terms
from geopoverty.estimators.linear.checks import (
    LEVERAGED,
    constant_outcome,
    perfect,
    require_leverage,
    require_more_rows,
)
from geopoverty.estimators.linear.report import (
    Core,
    core_facts,
    freedom,
    vif_table,
)
from geopoverty.estimators.linear.summed import (
    AuxiliaryColumns,
    multipliers,
    unit_sums,
    units_from,
    variance_tests,
)
from geopoverty.numerics.covariance import sandwich
from geopoverty.numerics.least_squares import (
    bread_of,
    qr_triangle,
    stacked,
    triangle_of,
)
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.registers.register import Register
from geopoverty.registers.rows import Ask, Batch, RegisterRows
from geopoverty.registers.sampled import (
    counted_units,
    no_units,
    open_sampled,
    unit_keys,
    units_of,
)
from geopoverty.registers.spread import Ways, score_asks, summed_scores, ways_of
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights

SETTLED = 1e-10  # a step, of the coefficients, after which the next is rounding
STEPS = 3


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sums of the first pass; `gram` and `sums` without weights."""

    gram: Array
    sums: Array
    weighted: Array
    cross: Array
    low: Array
    high: Array
    outcome: Array  # weights, their logarithms, w y, y'y


@dataclass(frozen=True, eq=False)
class _Fit:
    """Coefficients, and what the last pass needs."""

    beta: Array
    bread: Array
    constant: bool
    centre: float


def ols_on_register(
    formula: str,
    register: Register,
    sample: Sample,
    vcov: Vcov | None,
    weights: SpatialWeights | None,
    unit_data: pd.DataFrame | None,
) -> Result:
    """Fit least squares on a register.

    Parameters
    ----------
    formula : str
    register : Register
    sample : Sample
        Columns of unit, period and sampling weight.
    vcov : Vcov or None
        Resolved.
    weights : SpatialWeights or None
    unit_data : DataFrame or None

    Returns
    -------
    Result
        As on a table, but for the row-by-row table ``fitted``.

    Raises
    ------
    InputError, EstimationError
        See `ols`; also for `WildCluster`, which needs all rows at hand.
    """
    if vcov is not None and vcov not in LEVERAGED:
        ways_of(vcov, sample.unit)  # before any pass
    rows, chosen, notes = open_sampled(
        formula, register, sample, vcov, weights, unit_data
    )
    require_more_rows(rows.n, rows.names)
    moments = _moments(rows)
    fit = _fitted(rows, moments)
    ways: Ways = () if isinstance(chosen, str) else ways_of(chosen, sample.unit)
    keys = unit_keys(rows, sample)
    for pair in (*ways, keys):
        rows = rows.paired(pair) if len(pair) == 2 else rows
    auxiliary = AuxiliaryColumns.of(moments.sums, moments.gram, rows.n).varying(
        moments.low[1:] < moments.high[1:]
    )
    found = rows.answers(_asks(rows, fit, (chosen, ways, keys), auxiliary))
    core = _core(rows, fit, moments, found)
    flawed = perfect(core.rss, float(moments.outcome[3]))
    cov = _covariance(rows, core, (chosen, ways, sample.unit), found)
    df_t = freedom(core, cov)
    tests, more = variance_tests(core, found["variance"], auxiliary, flawed)
    units, lacking = _units(rows, keys, found, core, (cov.matrix, sample))
    effects = effect_terms(rows.first)
    means = [list(np.asarray(m) / rows.n) for m in found["multipliers"]]
    options = {**vars(sample), "weights": weights, "vcov": vcov}
    arrays = [moments.gram, moments.weighted, moments.cross, moments.outcome]
    sources = sources_of(register, unit_data, weights)
    return Result(
        estimator="ols",
        estimates=pd.Series(fit.beta, index=rows.names),
        vcov=pd.DataFrame(cov.matrix, index=rows.names, columns=rows.names),
        units=units,
        facts=_facts(rows, core, cov, sample),
        tables={
            "effects": linear_effects_from(means, effects, fit.beta, cov.matrix, df_t),
            "vif": vif_table(rows.first, fit.bread),
            "heteroskedasticity": tests,
        },
        notes=(
            *(*rows.notes, *notes, *flawed, *cov.notes, *effects.notes, *more),
            *lacking,
            *(() if weights is None else weights.notes),
        ),
        provenance={
            **provenance(formula, options, arrays, sources),
            "recipe": recipe_of(rows.first, sample, link="identity"),
        },
    )


def _core(
    rows: RegisterRows, fit: _Fit, moments: _Moments, found: Mapping[str, Any]
) -> Core:
    rss, total = found["squares"]
    return Core(
        rows.names,
        fit.beta,
        fit.bread,
        rows.n,
        float(rss),
        float(total),
        float(moments.outcome[1]),
        fit.constant,
    )


def _facts(
    rows: RegisterRows, core: Core, cov: Covariance, sample: Sample
) -> dict[str, Any]:
    return {
        "n_obs": rows.n,
        "n_dropped": rows.scan.dropped,
        "outcome": rows.plan.parsed.outcome,
        **core_facts(core, cov, freedom(core, cov)),
        **counted_units(rows, sample),
    }


def _units(
    rows: RegisterRows,
    keys: tuple[str, ...],
    found: Mapping[str, Any],
    core: Core,
    told: tuple[Array, Sample],
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of units, or say why there is none."""
    vcov, sample = told
    if not keys:
        return pd.DataFrame(), [no_units(rows, sample.unit)]
    table, effects = units_of(rows, keys, sample), effect_terms(rows.first)
    return units_from(table, found["units"], effects, core.beta, vcov), []


def _moments(rows: RegisterRows) -> _Moments:
    def kernel(batch: Batch) -> tuple[Array, ...]:
        X, y, w = batch.block[:3]
        both = np.column_stack([y, X])
        weighed = X if w is None else X * w[:, None]
        once = np.ones(len(y)) if w is None else w
        sums = [once.sum(), np.log(once).sum(), once @ y, y @ y]
        return (
            X.T @ X,
            X.sum(axis=0),
            X.T @ weighed,
            weighed.T @ y,
            np.array(sums),
            both.min(axis=0),
            both.max(axis=0),
        )

    ways = (*(np.add,) * 5, np.minimum, np.maximum)
    gram, sums, weighted, cross, outcome, low, high = rows.total(kernel, ways)
    if low[0] == high[0]:
        raise constant_outcome(rows.plan.parsed.outcome, float(low[0]), rows.n)
    rows.refuse_collinear(gram)
    return _Moments(gram, sums, weighted, cross, low, high, outcome)


def _fitted(rows: RegisterRows, moments: _Moments) -> _Fit:
    gram = moments.gram
    scale = np.sqrt(np.diag(gram))
    root = triangle_of(gram, scale, lambda: _by_qr(rows, scale, weighted=False))
    if float(np.linalg.cond(root)) > ILL:
        mean = moments.sums / rows.n
        spread = np.sqrt(np.maximum(np.diag(gram) / rows.n - mean**2, 0.0))
        raise ill(spread, np.abs(mean), rows.names)
    if rows.weighing is not None:
        root = triangle_of(
            moments.weighted, scale, lambda: _by_qr(rows, scale, weighted=True)
        )
    bread = bread_of(root, scale)
    beta = _refined(rows, bread, moments.cross, scale)
    constant = "Intercept" in rows.names or holds_constant(gram, moments.sums, rows.n)
    mass, _, weighed, _ = moments.outcome
    return _Fit(beta, bread, constant, float(weighed / mass) if constant else 0.0)


def _by_qr(rows: RegisterRows, scale: Array, *, weighted: bool) -> Array:
    def kernel(batch: Batch) -> tuple[Array]:
        return (qr_triangle(batch.design.X, scale, batch.w if weighted else None),)

    found: Array = rows.total(kernel, stacked)[0]
    return found


def _refined(rows: RegisterRows, bread: Array, cross: Array, scale: Array) -> Array:
    """Solve, and add what the solution's own residuals still tell.

    A pass each; done when a step was rounding, so that the next would be nothing.
    """
    beta = bread @ cross

    def kernel(batch: Batch) -> tuple[Array]:
        block = batch.block
        return (block.X.T @ block.weighed(block.y - block.X @ beta),)

    for _ in range(STEPS):
        step = bread @ rows.total(kernel)[0]
        beta = beta + step
        if np.abs(step * scale).max() <= SETTLED * np.abs(beta * scale).max():
            break
    return np.asarray(beta)


def _asks(
    rows: RegisterRows,
    fit: _Fit,
    how: tuple[Vcov, Ways, tuple[str, ...]],
    auxiliary: AuxiliaryColumns,
) -> dict[str, Ask]:
    """Return all that is asked of the rows once the coefficients are known."""
    vcov, ways, keys = how

    def residual(batch: Batch) -> Array:
        found: Array = batch.once(
            "residual", lambda b: b.design.y - b.design.X @ fit.beta
        )
        return found

    def scores(batch: Batch) -> Array:
        block = batch.block
        return block.X * block.weighed(residual(batch))[:, None]

    def squares(batch: Batch) -> tuple[float, float]:
        block, e = batch.block, residual(batch)
        off = block.y - fit.centre
        return float(block.weighed(e) @ e), float(block.weighed(off) @ off)

    def outer(batch: Batch) -> tuple[Array]:
        s = scores(batch)
        if vcov in LEVERAGED:
            s /= _left(batch, fit.bread, str(vcov))[:, None]
        return (s.T @ s,)

    asks = {
        **score_asks(rows, ways, scores),
        "squares": Ask(squares),
        "variance": auxiliary.ask(residual),
        "multipliers": Ask(lambda b: multipliers(b.design)),
    }
    if isinstance(vcov, str) and vcov != "iid":
        asks["outer"] = Ask(outer, finish=lambda sums: sums[0])
    if keys:
        asks["units"] = rows.by_group(keys, lambda b: unit_sums(b, residual(b)))
    return asks


def _left(batch: Batch, bread: Array, kind: str) -> Array:
    """Return what residuals are divided by: 1 - h, or its root."""
    block = batch.block
    h = block.weighed(np.einsum("ij,ij->i", block.X @ bread, block.X))
    require_leverage(h, batch.design.rows.index, kind)
    return np.asarray(np.sqrt(1 - h) if kind == "hc2" else 1 - h)


def _covariance(
    rows: RegisterRows,
    core: Core,
    how: tuple[Vcov, Ways, str],
    found: Mapping[str, Any],
) -> Covariance:
    vcov, ways, unit = how
    if not isinstance(vcov, str):
        spread = summed_scores(rows, ways, found)
        return spread_covariance(vcov, core.bread, spread, unit)
    if vcov == "iid":
        matrix = core.rss / core.df * core.bread
        return Covariance(matrix, {"vcov": "inverse information"}, ())
    factor = core.n / core.df if vcov == "hc1" else 1.0
    matrix = sandwich(core.bread, factor * found["outer"])[0]
    return Covariance(matrix, {"vcov": vcov.upper()}, ())

"""Logit and probit on a register: the sums of the fit in memory, its rows never."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import refuse_separation, require
from geopoverty._progress import stages
from geopoverty.covariances import (
    Covariance,
    Vcov,
    WildCluster,
    columns_of,
    resolved,
    spread_covariance,
)
from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import Sample
from geopoverty.effects.quality import Quality, holds_constant, quality_of
from geopoverty.effects.tables import effect_sums, effects_from, odds_of
from geopoverty.effects.terms import EffectTerms, effect_terms
from geopoverty.effects.units import unit_values, units_from
from geopoverty.errors import InputError
from geopoverty.numerics.binary import BinaryFit, fit_rows, rough_fit
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.links import LINKS, Link
from geopoverty.numerics.rows import InMemory
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.registers.ranked import auc_slack, binned_ranking
from geopoverty.registers.register import Register
from geopoverty.registers.rows import Batch, RegisterRows, RegisterSpread, open_rows
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights


def binary_on_register(
    name: str,
    formula: str,
    register: Register,
    sample: Sample,
    vcov: Vcov | None,
    weights: SpatialWeights | None,
    unit_data: pd.DataFrame | None,
) -> Result:
    """Fit a logit or probit on a register.

    Parameters
    ----------
    name : {"logit", "probit"}
    formula : str
    register : Register
    sample : Sample
        Columns of unit, period and sampling weight.
    vcov : Vcov or None
    weights : SpatialWeights or None
    unit_data : DataFrame or None

    Returns
    -------
    Result
        As on a table, but for the row-by-row table ``fitted``; ranking and calibration
        are of probabilities in fine bins.

    Raises
    ------
    InputError, EstimationError
        See `logit`; also for `WildCluster`, which needs all rows at hand.
    """
    rows, vcov, notes = _opened(formula, register, sample, vcov, weights, unit_data)
    link = LINKS[name]
    sums = _checked(rows)
    rows.refuse_collinear()
    fit = _fitted(rows, link)
    refuse_separation(fit.separating, rows.names, rows.plan.parsed.outcome)
    cov = _covariance(rows, fit, link, vcov, sample.unit)
    effects = effect_terms(rows.first)
    how = _quality(rows, fit, link, sums)
    units, lacking = _units(rows, fit, link, cov.matrix, sample)
    options = {
        "weights": weights, "unit": sample.unit, "period": sample.period, "vcov": vcov,
        "sampling_weight": sample.sampling_weight,
    }  # fmt: skip
    hashed = [sums, rows.gram, fit.information]
    return Result(
        estimator=name,
        estimates=pd.Series(fit.beta, index=rows.names),
        vcov=pd.DataFrame(cov.matrix, index=rows.names, columns=rows.names),
        units=units,
        facts={**_facts(rows, sample), **how.facts, **cov.facts},
        tables={
            "effects": _effects(rows, fit, link, cov.matrix, effects),
            **odds_of(name, rows.names, fit.beta, cov.matrix),
            **how.tables,
        },
        notes=(
            *rows.notes, *notes, *cov.notes, *effects.notes, *how.notes, *lacking,
            *(() if weights is None else weights.notes),
        ),
        provenance={
            **provenance(
                formula, options, hashed, sources_of(register, unit_data, weights)
            ),
            "recipe": recipe_of(rows.first, sample, link=name),
        },
    )  # fmt: skip


def _opened(
    formula: str,
    register: Register,
    sample: Sample,
    vcov: Vcov | None,
    weights: SpatialWeights | None,
    unit_data: pd.DataFrame | None,
) -> tuple[RegisterRows, Vcov, list[str]]:
    if isinstance(vcov, WildCluster):
        raise InputError(
            "WildCluster needs all rows at hand, and a register is read in parts. Use "
            "vcov='cluster', or a table in memory."
        )
    notes: list[str] = []
    chosen: Vcov = "hc1" if vcov is None else vcov
    if vcov is None:
        lagged = "W(" in formula.replace(" ", "")
        if lagged:
            chosen = resolved("cluster", sample.unit)
            notes = [
                f"Rows of one {sample.unit} share its lags, so standard errors are "
                "clustered on it; vcov='hc1' would take them for independent."
            ]
    clusters = columns_of(chosen, sample.unit)
    there = sample.unit in register.columns
    roles = replace(sample.roles, unit=sample.unit if there or clusters else None)
    needed = dict.fromkeys((*clusters, *roles.others))
    rows = open_rows(
        formula,
        register,
        replace(roles, others=tuple(needed)),
        weights=weights,
        unit_data=unit_data,
        groups=[*roles.keys, *clusters],
        weighing=sample.sampling_weight,
    )
    return rows, chosen, notes


def _checked(rows: RegisterRows) -> Array:
    """Return the sums of the columns and of the outcome; refuse what is not 0 or 1."""
    outcome = rows.plan.parsed.outcome

    def kernel(batch: Batch) -> tuple[Array]:
        y = batch.design.y
        require(
            (y == 0) | (y == 1),
            f"The outcome '{outcome}' must be 0 or 1",
            ids=batch.design.rows.index,
            way_out="Code it 0/1, such as (income < poverty_line).",
        )
        return (np.append(batch.design.X.sum(axis=0), y.sum()),)

    sums: Array = rows.total(kernel)[0]
    if sums[-1] in (0, rows.n):
        raise InputError(
            f"The outcome '{outcome}' must vary; it is {int(sums[-1] > 0)} in all "
            f"{rows.n} rows. Nothing can be learnt from a constant outcome: check the "
            "poverty line."
        )
    return sums


def _fitted(rows: RegisterRows, link: Link) -> BinaryFit:
    sample = InMemory(rows.first.X, rows.first.y)
    start = None
    if 0 < sample.y.sum() < len(sample.y):
        start = rough_fit(sample, rows.k, link)
    with stages(f"Fitting {rows.n:,} rows, step") as stepped:
        return fit_rows(rows.feed(), rows.k, link, start, stepped)


def _covariance(
    rows: RegisterRows, fit: BinaryFit, link: Link, vcov: Vcov, unit: str
) -> Covariance:
    beta = fit.beta

    def scores(batch: Batch) -> Array:
        block = batch.block
        residual = link.at(block.X @ beta, block.y).residual
        return block.X * block.weighed(residual)[:, None]

    spread = RegisterSpread(rows, scores)
    return spread_covariance(vcov, inverse(fit.information), spread, unit)


def _effects(
    rows: RegisterRows, fit: BinaryFit, link: Link, vcov: Array, effects: EffectTerms
) -> pd.DataFrame:
    beta = fit.beta
    values, gradients, mass = rows.total(
        lambda b: effect_sums(b.design.X, beta, link, effect_terms(b.design), b.w)
    )
    return effects_from((values, gradients, mass), effects, vcov)


def _quality(rows: RegisterRows, fit: BinaryFit, link: Link, sums: Array) -> Quality:
    beta = fit.beta
    ranking = binned_ranking(rows, lambda b: link.probability(b.design.X @ beta))
    nested = "Intercept" in rows.names or holds_constant(rows.gram, sums[:-1], rows.n)
    found = quality_of(ranking, loglik=fit.loglik, k=rows.k, nested=nested)
    note = (
        "Ranking and calibration are of probabilities in 65,536 bins, so that the area "
        f"under the ROC curve is exact to {auc_slack(ranking):.1g}."
    )
    return replace(found, notes=(*found.notes, note))


def _units(
    rows: RegisterRows, fit: BinaryFit, link: Link, vcov: Array, sample: Sample
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of units, or say why there is none."""
    named = (sample.unit, sample.period)
    keys = [k for k in named if k is not None and k in rows.plan.groups]
    if sample.unit not in keys:
        told = f"The register has no column '{sample.unit}'"
        if sample.unit in rows.register.columns:
            told = f"'{sample.unit}' has too many values to hold a row for each"
        return pd.DataFrame(), [f"{told}: there is no table of units."]
    held = rows if len(keys) == 1 else rows.paired(keys)
    beta = fit.beta

    def values(batch: Batch) -> Array:
        shown = [s.slope for s in effect_terms(batch.design).lagged]
        return unit_values(batch.block, beta, link, shown)

    table = held.table_of_groups(keys).rename(
        columns={sample.unit: "unit_id", sample.period: "period"}
    )
    sums = held.grouped(keys, values)
    return units_from(table, sums, effect_terms(rows.first), vcov), []


def _facts(rows: RegisterRows, sample: Sample) -> Mapping[str, Any]:
    facts: dict[str, Any] = {
        "n_obs": rows.n,
        "n_dropped": rows.scan.dropped,
        "outcome": rows.plan.parsed.outcome,
    }
    for key, name in ((sample.unit, "n_units"), (sample.period, "n_periods")):
        if key is not None and key in rows.plan.groups:
            facts[name] = len(rows.plan.groups[key])
    return facts

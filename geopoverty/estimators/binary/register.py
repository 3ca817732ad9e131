"""Logit and probit on a register: the sums of the fit in memory, its rows never."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import refuse_separation, require
from geopoverty._progress import stages
from geopoverty.covariances import Vcov, spread_covariance
from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import Sample
from geopoverty.effects.quality import Quality, holds_constant, quality_of
from geopoverty.effects.tables import effect_sums, effects_from, odds_of
from geopoverty.effects.terms import effect_terms
from geopoverty.effects.units import unit_values, units_from
from geopoverty.errors import InputError
from geopoverty.numerics.binary import BinaryFit, fit_rows, rough_fit
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.links import LINKS, Link
from geopoverty.numerics.ranking import Ranking
from geopoverty.numerics.rows import InMemory
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.registers.ranked import auc_slack, ranking_ask
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
    rows, vcov, notes = open_sampled(
        formula, register, sample, vcov, weights, unit_data
    )
    link = LINKS[name]
    gram, sums = _moments(rows)
    rows.refuse_collinear(gram)
    fit = _fitted(rows, link)
    refuse_separation(fit.separating, rows.names, rows.plan.parsed.outcome)
    ways, keys = ways_of(vcov, sample.unit), unit_keys(rows, sample)
    for pair in (*ways, keys):
        rows = rows.paired(pair) if len(pair) == 2 else rows
    found = rows.answers(_asks(rows, fit.beta, link, ways, keys))
    spread = summed_scores(rows, ways, found)
    cov = spread_covariance(vcov, inverse(fit.information), spread, sample.unit)
    effects = effect_terms(rows.first)
    how = _quality(rows, fit, found["ranking"], (gram, sums))
    units, lacking = _units(rows, keys, found, cov.matrix, sample)
    options = {**vars(sample), "weights": weights, "vcov": vcov}
    return Result(
        estimator=name,
        estimates=pd.Series(fit.beta, index=rows.names),
        vcov=pd.DataFrame(cov.matrix, index=rows.names, columns=rows.names),
        units=units,
        facts={**_facts(rows, sample), **how.facts, **cov.facts},
        tables={
            "effects": effects_from(found["effects"], effects, cov.matrix),
            **odds_of(name, rows.names, fit.beta, cov.matrix),
            **how.tables,
        },
        notes=(
            *rows.notes,
            *notes,
            *cov.notes,
            *effects.notes,
            *how.notes,
            *lacking,
            *(() if weights is None else weights.notes),
        ),
        provenance={
            **provenance(
                formula,
                options,
                [gram, sums, fit.information],
                sources_of(register, unit_data, weights),
            ),
            "recipe": recipe_of(rows.first, sample, link=name),
        },
    )


def _moments(rows: RegisterRows) -> tuple[Array, Array]:
    """Return X'X and sums of columns and outcome; refuse what is not 0 or 1."""
    outcome = rows.plan.parsed.outcome

    def kernel(batch: Batch) -> tuple[Array, Array]:
        X, y = batch.design.X, batch.design.y
        require(
            (y == 0) | (y == 1),
            f"The outcome '{outcome}' must be 0 or 1",
            ids=batch.design.rows.index,
            way_out="Code it 0/1, such as (income < poverty_line).",
        )
        return X.T @ X, np.append(X.sum(axis=0), y.sum())

    gram, sums = rows.total(kernel)
    if sums[-1] in (0, rows.n):
        raise InputError(
            f"The outcome '{outcome}' must vary; it is {int(sums[-1] > 0)} in all "
            f"{rows.n} rows. Nothing can be learnt from a constant outcome: check the "
            "poverty line."
        )
    return gram, sums


def _fitted(rows: RegisterRows, link: Link) -> BinaryFit:
    sample = InMemory(rows.first.X, rows.first.y)
    start = None
    if 0 < sample.y.sum() < len(sample.y):
        start = rough_fit(sample, rows.k, link)
    with stages(f"Fitting {rows.n:,} rows, step") as stepped:
        return fit_rows(rows.feed(), rows.k, link, start, stepped)


def _asks(
    rows: RegisterRows, beta: Array, link: Link, ways: Ways, keys: tuple[str, ...]
) -> dict[str, Ask]:
    """Return all that is asked of the rows once the coefficients are known."""

    def scores(batch: Batch) -> Array:
        block = batch.block
        residual = link.at(block.X @ beta, block.y).residual
        return block.X * block.weighed(residual)[:, None]

    def effects(batch: Batch) -> tuple[Array, Array, Array]:
        shown = effect_terms(batch.design)
        return effect_sums(batch.design.X, beta, link, shown, batch.w)

    def units(batch: Batch) -> Array:
        slopes = [s.slope for s in effect_terms(batch.design).lagged]
        return unit_values(batch.block, beta, link, slopes)

    def probability(batch: Batch) -> Array:
        return link.probability(batch.design.X @ beta)

    return {
        **score_asks(rows, ways, scores),
        "effects": Ask(effects),
        "ranking": ranking_ask(probability, weighted=rows.weighing is not None),
        **({"units": rows.by_group(keys, units)} if keys else {}),
    }


def _quality(
    rows: RegisterRows,
    fit: BinaryFit,
    ranking: Ranking,
    moments: tuple[Array, Array],
) -> Quality:
    gram, sums = moments
    nested = "Intercept" in rows.names or holds_constant(gram, sums[:-1], rows.n)
    found = quality_of(ranking, loglik=fit.loglik, k=rows.k, nested=nested)
    note = (
        "Ranking and calibration are of probabilities in 65,536 bins, so that the area "
        f"under the ROC curve is exact to {auc_slack(ranking):.1g}."
    )
    return replace(found, notes=(*found.notes, note))


def _units(
    rows: RegisterRows,
    keys: tuple[str, ...],
    found: Mapping[str, Any],
    vcov: Array,
    sample: Sample,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of units, or say why there is none."""
    if not keys:
        return pd.DataFrame(), [no_units(rows, sample.unit)]
    table = units_of(rows, keys, sample)
    return units_from(table, found["units"], effect_terms(rows.first), vcov), []


def _facts(rows: RegisterRows, sample: Sample) -> Mapping[str, Any]:
    return {
        "n_obs": rows.n,
        "n_dropped": rows.scan.dropped,
        "outcome": rows.plan.parsed.outcome,
        **counted_units(rows, sample),
    }

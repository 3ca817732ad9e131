"""What a fitted binary model says, as tables: effects, odds ratios, units."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from geopoverty.design import Design
from geopoverty.effects.terms import EffectTerms
from geopoverty.numerics.binary import BinaryFit
from geopoverty.numerics.effects import (
    average_change,
    average_slopes,
    group_means,
    probability_blocks,
    slope_blocks,
)
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array, Codes
from geopoverty.results import inference_table

Z95 = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, eq=False)
class BinaryModel:
    """A binary model that has been fitted.

    Attributes
    ----------
    design : Design
    link : Link
    w : array, shape (n,), or None
        Sampling weights.
    unit, period : str, str or None
        Columns of `design.rows`; the unit's may be absent.
    fit : BinaryFit
    vcov : array, shape (k, k)
    """

    design: Design
    link: Link
    w: Array | None
    unit: str
    period: str | None
    fit: BinaryFit
    vcov: Array


def effects_table(model: BinaryModel, effects: EffectTerms) -> pd.DataFrame:
    """Return average effects on the probability, one row a term and kind."""
    X, beta, w = model.design.X, model.fit.beta, model.w
    values: list[float] = []
    gradients: list[Array] = []
    labels: list[tuple[str, str]] = []
    slopes = [s.slope for s in effects.slopes]
    if slopes:
        mean, gradient = average_slopes(X, beta, model.link, slopes, w)
        values.extend(mean)
        gradients.extend(gradient)
        labels.extend((s.term, s.kind) for s in effects.slopes)
    for change in effects.changes:
        value, row = average_change(
            X, beta, model.link, (change.dummies, change.level), w
        )
        values.append(value)
        gradients.append(row)
        labels.append((change.term, "direct"))
    errors = [np.sqrt(max(float(g @ model.vcov @ g), 0.0)) for g in gradients]
    return labelled_effects(values, errors, labels)


def odds_ratios(model: BinaryModel) -> pd.DataFrame:
    """Return exp(beta) with 95 % intervals, one row a term."""
    beta, error = model.fit.beta, np.sqrt(np.diag(model.vcov))
    with np.errstate(over="ignore"):
        return pd.DataFrame(
            {
                "term": model.design.names,
                "odds_ratio": np.exp(beta),
                "conf_low": np.exp(beta - Z95 * error),
                "conf_high": np.exp(beta + Z95 * error),
            }
        )


def fitted_table(model: BinaryModel) -> pd.DataFrame:
    """Return outcome and fitted probability of each row used."""
    design = model.design
    probability = model.link.probability(design.X @ model.fit.beta)
    return pd.DataFrame(
        {"outcome": design.y, "probability": probability}, index=design.rows.index
    )


def units_table(model: BinaryModel, effects: EffectTerms) -> pd.DataFrame:
    """Average probabilities and effects over each unit's rows (in each period)."""
    table, codes = _groups(model)
    X, beta, link, groups = model.design.X, model.fit.beta, model.link, len(table)
    w = np.ones(len(codes)) if model.w is None else model.w
    table["rows"] = np.bincount(codes, minlength=groups)
    table["outcome"] = np.bincount(codes, w * model.design.y) / np.bincount(codes, w)
    mean, error = group_means(
        probability_blocks(X, beta, link), model.vcov, codes, groups, model.w
    )
    table["probability"] = mean
    # An interval on the log-odds of the mean stays between 0 and 1.
    middle = special.logit(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z95 * error / (mean * (1 - mean))
    table["probability_low"] = special.expit(middle - half)
    table["probability_high"] = special.expit(middle + half)
    found: dict[str, Array] = {}
    for shown in effects.lagged:
        mean, error = group_means(
            slope_blocks(X, beta, link, shown.slope),
            model.vcov,
            codes,
            groups,
            model.w,
        )
        found |= effect_columns(f"{shown.kind}({shown.term})", mean, error)
    return pd.concat([table, pd.DataFrame(found, index=table.index)], axis=1)


def _groups(model: BinaryModel) -> tuple[pd.DataFrame, Codes]:
    rows = model.design.rows
    if model.unit not in rows.columns:
        return pd.DataFrame({"row": rows.index}), np.arange(len(rows))
    keys = [model.unit] if model.period is None else [model.unit, model.period]
    codes = rows.groupby(keys, sort=True).ngroup().to_numpy()
    firsts = rows[keys].iloc[np.unique(codes, return_index=True)[1]]
    names = {model.unit: "unit_id", model.period: "period"}
    return firsts.rename(columns=names).reset_index(drop=True), codes


def effect_columns(name: str, mean: Array, error: Array) -> dict[str, Array]:
    """Return the columns of an effect of each unit: value, interval and p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.norm.sf(np.abs(mean / error))
    return {
        name: mean,
        f"{name}_low": mean - Z95 * error,
        f"{name}_high": mean + Z95 * error,
        f"{name}_p": p,
    }


def linear_effects_table(
    effects: EffectTerms,
    beta: Array,
    vcov: Array,
    df: float | None = None,
) -> pd.DataFrame:
    """Return average effects on a linear outcome, one row a term and kind."""
    values, errors, labels = [], [], []
    for shown in effects.slopes:
        gradient = np.zeros(len(beta))
        for j, multiplier in shown.slope.parts:
            gradient[j] += 1.0 if multiplier is None else float(multiplier.mean())
        values.append(float(gradient @ beta))
        errors.append(np.sqrt(max(float(gradient @ vcov @ gradient), 0.0)))
        labels.append((shown.term, shown.kind))
    for change in effects.changes:
        values.append(float(beta[change.level]))
        errors.append(float(np.sqrt(vcov[change.level, change.level])))
        labels.append((change.term, "direct"))
    return labelled_effects(values, errors, labels, df)


def labelled_effects(
    values: list[float],
    errors: list[float],
    labels: list[tuple[str, str]],
    df: float | None = None,
) -> pd.DataFrame:
    """Return effects with test and interval, one row a (term, kind)."""
    table = inference_table(
        pd.Series(values, index=[t for t, _ in labels], dtype=np.float64),
        pd.Series(errors, dtype=np.float64),
        df=df,
    )
    table.insert(1, "effect", [k for _, k in labels])
    return table

"""What a fitted binary model says, as tables: effects, odds ratios, fitted rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty.design import Design
from geopoverty.effects.terms import EffectTerms
from geopoverty.numerics.binary import BinaryFit
from geopoverty.numerics.effects import change_sums, slope_sums
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array
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
    sums = effect_sums(model.design.X, model.fit.beta, model.link, effects, model.w)
    return effects_from(sums, effects, model.vcov)


def effect_sums(
    X: Array, beta: Array, link: Link, effects: EffectTerms, w: Array | None
) -> tuple[Array, Array, Array]:
    """Sum effects over rows: values (m,), their gradients (m, k), and the weights.

    First the slopes of `effects`, then its changes.
    """
    values, gradients = slope_sums(X, beta, link, [s.slope for s in effects.slopes], w)
    found = [
        change_sums(X, beta, link, (c.dummies, c.level), w) for c in effects.changes
    ]
    changes = np.array([value for value, _ in found])
    rows = np.reshape([row for _, row in found], (len(found), len(beta)))
    mass = np.asarray(float(len(X)) if w is None else w.sum())
    return np.concatenate([values, changes]), np.vstack([gradients, rows]), mass


def effects_from(
    sums: tuple[Array, Array, Array], effects: EffectTerms, vcov: Array
) -> pd.DataFrame:
    """Return the table of average effects that sums over rows give."""
    values, gradients, mass = sums
    gradients = gradients / mass
    variance = np.einsum("ij,jk,ik->i", gradients, vcov, gradients)
    labels = [(s.term, s.kind) for s in effects.slopes]
    labels += [(c.term, "direct") for c in effects.changes]
    errors = np.sqrt(np.maximum(variance, 0.0))
    return labelled_effects(list(values / mass), list(errors), labels)


def odds_ratios(names: list[str], beta: Array, vcov: Array) -> pd.DataFrame:
    """Return exp(beta) with 95 % intervals, one row a term."""
    error = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    with np.errstate(over="ignore"):
        return pd.DataFrame(
            {
                "term": names,
                "odds_ratio": np.exp(beta),
                "conf_low": np.exp(beta - Z95 * error),
                "conf_high": np.exp(beta + Z95 * error),
            }
        )


def odds_of(
    name: str, names: list[str], beta: Array, vcov: Array
) -> dict[str, pd.DataFrame]:
    """Return the table of odds ratios, which only a logit has."""
    return {"odds_ratios": odds_ratios(names, beta, vcov)} if name == "logit" else {}


def fitted_table(model: BinaryModel) -> pd.DataFrame:
    """Return outcome and fitted probability of each row used."""
    design = model.design
    probability = model.link.probability(design.X @ model.fit.beta)
    return pd.DataFrame(
        {"outcome": design.y, "probability": probability}, index=design.rows.index
    )


def linear_effects_table(
    effects: EffectTerms,
    beta: Array,
    vcov: Array,
    df: float | None = None,
) -> pd.DataFrame:
    """Return average effects on a linear outcome, one row a term and kind."""
    means = [
        [1.0 if m is None else float(m.mean()) for _, m in shown.slope.parts]
        for shown in effects.slopes
    ]
    return linear_effects_from(means, effects, beta, vcov, df)


def linear_effects_from(
    means: Sequence[Sequence[float]],
    effects: EffectTerms,
    beta: Array,
    vcov: Array,
    df: float | None = None,
) -> pd.DataFrame:
    """Return average effects from the means of what slopes multiply.

    Parameters
    ----------
    means : sequence of sequence of float
        For each slope and each part of it.
    effects : EffectTerms
    beta, vcov : array
    df : float, optional
        Of Student's t.
    """
    values, errors, labels = [], [], []
    for shown, own in zip(effects.slopes, means, strict=True):
        gradient = np.zeros(len(beta))
        for (j, _), mean in zip(shown.slope.parts, own, strict=True):
            gradient[j] += mean
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

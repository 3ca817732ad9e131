"""Shares, differences and indices of a survey wrapped up as one `Result`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty.estimators.targeting.rows import FEW, Rows
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.proportions import (
    difference_interval,
    effective_rows,
    wilson,
)
from geopoverty.numerics.survey import GroupTotals
from geopoverty.numerics.types import Array, Mask
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result

STILL = 1e-12  # of a value: a standard error below it is no variation
COLUMNS = ("estimate", "std_error", "conf_low", "conf_high", "rows", "population")
INTERVALS = (
    "Intervals of shares in tables and units are Wilson's, of differences Newcombe's; "
    "tidy() gives estimate and t times the standard error, too short near 0 and 1."
)


@dataclass(frozen=True, eq=False)
class Found:
    """A quantity of each group.

    Attributes
    ----------
    value : array, shape (groups,)
    influence : array, shape (n,)
        Of each row on its own group, weight included; 0 outside the base.
    base : array of bool, shape (n,)
        The rows it is about.
    """

    value: Array
    influence: Array
    base: Mask


Formula = Callable[[Groups], Found]


@dataclass(frozen=True)
class Term:
    """A named quantity.

    Attributes
    ----------
    name : str
    formula : callable
        From groups to `Found`.
    kind : {"share", "difference", "ratio", "index"}
        Which interval it gets: Wilson's, from two shares, of the logarithm, or plain.
    parts : pair of str
        Of a difference: the terms it is made of.
    """

    name: str
    formula: Formula
    kind: str = "share"
    parts: tuple[str, str] = ("", "")


def ratio(top: Array, below: Array, weight: Array, groups: Groups) -> Found:
    """Return a ratio of totals by group, NaN where the lower one is 0.

    Parameters
    ----------
    top, below : array, shape (n,)
    weight : array, shape (n,)
    groups : Groups

    Examples
    --------
    >>> found = ratio(np.array([1.0, 0.0]), np.ones(2), np.ones(2), Groups())
    >>> found.value, found.influence
    (array([0.5]), array([ 0.25, -0.25]))
    """
    total = groups.sum(weight * below)
    some = np.where(total > 0, total, np.nan)
    value = groups.sum(weight * top) / some
    influence = weight * (top - groups.at(value) * below) / groups.at(some)
    return Found(value, influence, below != 0)


def combined(one: Found, other: Found, signs: tuple[float, float]) -> Found:
    """Return a sum of two quantities with these factors."""
    value = signs[0] * one.value + signs[1] * other.value
    influence = signs[0] * one.influence + signs[1] * other.influence
    return Found(value, influence, one.base | other.base)


def divided(one: Found, other: Found, groups: Groups) -> Found:
    """Return one quantity over another; NaN where that is 0."""
    below = np.where(other.value > 0, other.value, np.nan)
    value = one.value / below
    moved = one.influence - groups.at(value) * other.influence
    return Found(value, moved / groups.at(below), one.base | other.base)


def find(terms: Sequence[Term], groups: Groups) -> list[Found]:
    """Return the quantity of each term, by group."""
    return [term.formula(groups) for term in terms]


def estimate(
    terms: Sequence[Term],
    rows: Rows,
    groups: Groups,
    known: Sequence[Found] | None = None,
) -> pd.DataFrame:
    """Return value, standard error and interval of each term and group.

    Parameters
    ----------
    terms : sequence of Term
    rows : Rows
    groups : Groups
    known : sequence of Found, optional
        The terms' quantities, where they are known.

    Returns
    -------
    DataFrame
        Blocks of one row a group, in the order of terms.
    """
    table: dict[str, dict[str, Array]] = {}
    for term, found in zip(terms, known or find(terms, groups), strict=True):
        base = found.base.astype(np.float64)
        variance, df = _variances(found, rows, groups)
        population = groups.sum(base * rows.weight)
        squares = np.maximum(groups.sum(base * rows.weight**2), 1e-300)
        table[term.name] = {
            "estimate": found.value,
            "std_error": np.sqrt(variance),
            "rows": groups.sum(base),
            "population": population,
            "kish": population**2 / squares,
            "df": np.maximum(df, 1),
        }
    return _with_intervals(terms, table, rows)


def _variances(found: Found, rows: Rows, groups: Groups) -> tuple[Array, Array]:
    """Return the variance of each group's value, and its degrees of freedom."""
    # A term that a group lacks is NaN for it, and moves nothing.
    influence = np.nan_to_num(found.influence)
    if groups.codes is None:
        totals = rows.stage.totals(influence)
        raw = np.array([rows.stage.covariance([totals])[0, 0]])
        df, units = np.array([rows.stage.df]), np.array([rows.stage.sizes.sum()])
    else:
        by_unit = GroupTotals(rows.stage, influence, groups)
        raw, df, units = by_unit.variances, by_unit.df, by_unit.units
    # Rounding may leave a little below 0; a constant has nothing to test.
    still = ~(raw > (STILL * found.value) ** 2) | (units < 2) | np.isnan(found.value)
    return np.where(still, np.nan, raw), np.asarray(df, dtype=np.float64)


def _with_intervals(
    terms: Sequence[Term], table: dict[str, dict[str, Array]], rows: Rows
) -> pd.DataFrame:
    for term in terms:
        row = table[term.name]
        row["conf_low"], row["conf_high"] = _interval(term, table, rows)
    count = len(next(iter(table.values()))["estimate"])
    out: dict[str, Any] = {"term": np.repeat([term.name for term in terms], count)}
    for column in COLUMNS:
        out[column] = np.concatenate([table[term.name][column] for term in terms])
    out["term"] = out["term"].astype(object)
    out["rows"] = out["rows"].round().astype(np.int64)
    return pd.DataFrame(out)


def _interval(
    term: Term, table: dict[str, dict[str, Array]], rows: Rows
) -> tuple[Array, Array]:
    row = table[term.name]
    value, se = row["estimate"], row["std_error"]
    if term.kind == "share":
        # Independent rows: Wilson's n is n, without the n / (n - 1) of a variance.
        n = rows.stage.sizes.sum()
        variance = np.nan_to_num(se**2) * ((n - 1) / n if rows.alone else 1.0)
        n_effective = effective_rows(value, variance, row["kish"])
        # One primary unit says nothing of how others differ from it.
        unknown = np.isnan(se) & (value > 0) & (value < 1)
        low, high = wilson(value, n_effective, rows.quantile())
        return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)
    if term.kind == "difference":
        one, other = (table[name] for name in term.parts)
        pair = [(part["estimate"], part["std_error"]) for part in (one, other)]
        together = _correlation(se, pair[0][1], pair[1][1], apart=rows.alone)
        return difference_interval(
            (pair[0][0], pair[1][0]),
            (one["conf_low"], other["conf_low"]),
            (one["conf_high"], other["conf_high"]),
            together,
        )
    wide = stats.t.ppf(0.975, row["df"]) * se
    if term.kind == "ratio":
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.exp(wide / value)
            return value / factor, value * factor
    return value - wide, value + wide


def _correlation(se: Array, one: Array, other: Array, *, apart: bool) -> Array:
    """Return the correlation of two estimates from the error of their difference."""
    if apart:
        return np.zeros(len(se))
    a, b, both = np.nan_to_num(one), np.nan_to_num(other), np.nan_to_num(se)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (a**2 + b**2 - both**2) / (2 * a * b)
    return np.clip(np.where(a * b > 0, found, 0.0), -1, 1)


def wrap_up(
    estimator: str,
    terms: Sequence[Term],
    rows: Rows,
    parts: Mapping[str, Any],
) -> Result:
    """Turn terms into a Result: values for all, a row a group and term in `units`.

    Parameters
    ----------
    estimator : str
    terms : sequence of Term
    rows : Rows
    parts : mapping
        ``formula`` (text), ``options``, ``tables``, ``facts``, ``notes``, ``arrays``.
    """
    found = find(terms, Groups())
    overall = estimate(terms, rows, Groups(), found)
    units = overall
    if rows.groups.codes is not None:
        by_group = estimate(terms, rows, rows.groups)
        keys = pd.concat([rows.keys] * len(terms), ignore_index=True)
        units = pd.concat([keys, by_group], axis=1)
    names = [term.name for term in terms]
    vcov = _covariance(found, rows, overall)
    arrays = [rows.weight, *parts["arrays"]]
    made = provenance(
        parts["formula"], parts["options"], arrays, sources_of(*rows.sources)
    )
    notes = [*rows.notes, *parts["notes"], *_small_groups(rows)]
    if any(term.kind == "share" for term in terms):
        notes.append(INTERVALS)
    return Result(
        estimator=estimator,
        estimates=pd.Series(overall["estimate"].to_numpy(), index=names),
        vcov=pd.DataFrame(vcov, index=names, columns=names),
        units=units,
        facts={**rows.facts, **parts["facts"], "vcov": rows.design},
        tables={"overall": overall, **parts["tables"]},
        notes=tuple(notes),
        provenance=made | {"estimator": estimator},
    )


def _covariance(found: Sequence[Found], rows: Rows, overall: pd.DataFrame) -> Array:
    totals = [rows.stage.totals(np.nan_to_num(f.influence)) for f in found]
    vcov = rows.stage.covariance(totals)
    still = overall["std_error"].isna().to_numpy()
    vcov[still, :] = vcov[:, still] = np.nan
    return np.asarray(vcov)


def _small_groups(rows: Rows) -> list[str]:
    if rows.groups.codes is None:
        return []
    sizes = rows.groups.sum(np.ones(len(rows.weight)))
    small = [name for name, n in zip(rows.labels, sizes, strict=True) if n < FEW]
    if not small:
        return []
    return [
        f"{len(small)} of {len(sizes)} groups have fewer than {FEW} rows "
        f"({first(small)}): their values are rough."
    ]

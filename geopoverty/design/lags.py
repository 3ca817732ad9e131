"""The lag W(x): computed once per unit and period, then joined to rows by key."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, unit_ids
from geopoverty.design.evaluate import evaluate
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes

FLAT, CENTRAL = 0.1, 0.8  # sd(Wx)/sd(x) below, |corr(Wx, row sum)| above: say so


class Weights(Protocol):
    """What a lag needs of spatial weights."""

    @property
    def units(self) -> pd.Index:
        """The units, in order of rows."""

    @property
    def n(self) -> int:
        """Number of units."""

    @property
    def row_sums(self) -> Array:
        """Sum of each row."""

    @property
    def standardize(self) -> str | None:
        """How rows are scaled."""

    def lag(self, values: Any) -> Any:
        """Return W x."""

    def effective_neighbors(self) -> Array:
        """Return how many neighbours count."""


@dataclass(frozen=True)
class Source:
    """Where lagged values come from.

    Attributes
    ----------
    table : DataFrame
        Rows with a unit (and a period).
    unit : str
        Column of unit ids.
    period : str or None
        Column of periods; None lags over all rows at once.
    name : str
        What to call the table in messages.
    columns : frozenset of str
        The columns that are lagged.
    """

    table: pd.DataFrame
    unit: str
    period: str | None
    name: str
    columns: frozenset[str]


@dataclass(frozen=True, eq=False)
class Lagged:
    """The lags of a formula, row by row.

    Attributes
    ----------
    columns : dict of str to array, each of shape (n,)
    row_sums : array, shape (n,)
        Each row's sum of spatial weights.
    notes : list of str
        What a careful reader must know about each lag.
    """

    columns: dict[str, Array]
    row_sums: Array
    notes: list[str]


def lag_columns(
    lags: dict[str, str], weights: Weights, source: Source, rows: pd.DataFrame
) -> Lagged:
    """Compute every lag of a formula for every row.

    Parameters
    ----------
    lags : dict of str to str
        Name of each lag and the expression it lags, inner lags first.
    weights : SpatialWeights
    source : Source
        Where x is taken from. Where a unit has several rows in a period, the
        mean over them is lagged.
    rows : DataFrame, n rows
        With the unit (and period) columns of `source`.

    Returns
    -------
    Lagged

    Raises
    ------
    InputError
        If a unit is not in the weights, or a unit of the weights has no value.
    """
    units = _unit_codes(rows[source.unit], weights, "The rows")
    when, periods = _period_codes(source.table, source)
    given, times = units, when
    if source.table is not rows:
        given = _unit_codes(source.table[source.unit], weights, source.name)
        times = _matched_periods(rows, source, periods)
    table = source.table.copy(deep=False)
    out: dict[str, Array] = {}
    notes: list[str] = []
    for name, expression in lags.items():
        values = evaluate(expression, table)
        _require_finite(values, table, source, name, expression)
        x = _unit_means(values.to_numpy(), given, when, weights.n, len(periods))
        _require_complete(x, weights, periods, name)
        wx = np.asarray(weights.lag(x))
        table[name] = wx[given, when]
        out[name] = wx[units, times]
        notes.extend(_notes(name, x, wx, weights))
    return Lagged(out, weights.row_sums[units], notes)


def _unit_codes(units: pd.Series, weights: Weights, what: str) -> Codes:
    """Return where each row's unit stands in the weights."""
    distinct = pd.Index(units.unique())
    if distinct.hasnans:
        unit_ids(units, what, unique=False)
    unit_ids(distinct, what, unique=True)
    unknown = distinct.difference(weights.units)
    if len(unknown):
        raise InputError(
            f"Every unit needs weights; {len(unknown)} of {len(distinct)} units in "
            f"{what.lower()} have none ({first(unknown)}). Drop their rows, or build "
            "the weights for them too."
        )
    return np.asarray(weights.units.get_indexer(units), dtype=np.intp)


def _period_codes(table: pd.DataFrame, source: Source) -> tuple[Codes, pd.Index]:
    """Return each row's period by number, and the periods."""
    if source.period is None:
        return np.zeros(len(table), dtype=np.intp), pd.Index([None], dtype=object)
    codes, periods = pd.factorize(table[source.period], sort=True)
    require(
        codes >= 0,
        f"{source.name} must all have a '{source.period}'",
        ids=table[source.unit].to_numpy(),
        way_out="Fill or drop these rows.",
    )
    return np.asarray(codes, dtype=np.intp), pd.Index(periods)


def _matched_periods(rows: pd.DataFrame, source: Source, periods: pd.Index) -> Codes:
    if source.period is None:
        return np.zeros(len(rows), dtype=np.intp)
    codes = np.asarray(periods.get_indexer(rows[source.period]), dtype=np.intp)
    if (codes < 0).any():
        unknown = first(rows[source.period][codes < 0].unique())
        raise InputError(
            f"{source.name} must cover every period of the rows; {unknown} "
            "is not there. Add these periods to it."
        )
    return codes


def _require_finite(
    values: pd.Series, table: pd.DataFrame, source: Source, name: str, expression: str
) -> None:
    """Refuse what a transformation made of numbers that are there."""
    given = np.isfinite(values.to_numpy())
    for column in source.columns & set(table.columns):
        given |= table[column].isna().to_numpy()
    require(
        given,
        f"{name}: '{expression}' must be finite",
        ids=table[source.unit].to_numpy(),
        way_out="Transform the column differently, or drop these rows.",
    )


def _unit_means(
    values: Array, units: Codes, periods: Codes, n: int, waves: int
) -> Array:
    """Return the mean of each unit's values in each period, (n, waves)."""
    there = ~np.isnan(values)
    cell = (units * waves + periods)[there]
    counts = np.bincount(cell, minlength=n * waves)
    sums = np.bincount(cell, values[there], minlength=n * waves)
    means = np.full(n * waves, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means.reshape(n, waves)


def _require_complete(x: Array, weights: Weights, periods: pd.Index, name: str) -> None:
    for period, column in zip(periods, x.T, strict=True):
        missing = weights.units[np.isnan(column)]
        if len(missing):
            when = "" if period is None else f" in period {period}"
            raise InputError(
                f"{name} needs a value for every unit of the weights{when}; "
                f"{len(missing)} of {weights.n} units have none "
                f"({first(missing)}). Give them in unit_data=, or use "
                "weights.subset(units)."
            )


def _notes(name: str, x: Array, wx: Array, weights: Weights) -> list[str]:
    spread = x.std(axis=0, ddof=1)
    ratio = float(np.mean(wx.std(axis=0, ddof=1) / np.maximum(spread, 1e-300)))
    sums = weights.row_sums
    alone = float(np.mean(sums == 0))
    neighbours = float(weights.effective_neighbors().mean())
    notes = [
        f"{name}: sd(Wx)/sd(x) is {ratio:.3f}; a unit has {neighbours:.1f} effective "
        f"neighbours on average; {100 * alone:.1f} % of units have none."
    ]
    if ratio < FLAT:
        notes.append(
            f"{name} hardly varies between units, so its coefficient is poorly "
            "identified. Try a cutoff, a steeper decay, or the nearest k."
        )
    if weights.standardize != "row" and np.ptp(sums) > 0:
        corr = float(np.corrcoef(wx.mean(axis=1), sums)[0, 1])
        if abs(corr) > CENTRAL:
            notes.append(
                f"{name} correlates {corr:.2f} with the sum of a unit's weights: it "
                "may stand for how central a unit is. Add that sum (weights.row_sums) "
                "as a covariate, or use row-standardised weights."
            )
    return notes

"""The lag W(x): computed once per unit and period, then joined to rows by key."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, unit_ids
from geopoverty.design.evaluate import evaluate
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes, Mask, Matrix

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
    def matrix(self) -> Matrix:
        """The weights themselves, dense or sparse, (n, n)."""

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
    entity : str or None
        Column of those whose earlier values count, such as households; None is
        the unit.
    """

    table: pd.DataFrame
    unit: str
    period: str | None
    name: str
    entity: str | None = None


@dataclass(frozen=True, eq=False)
class Lag:
    """One lag W(x) to compute.

    Attributes
    ----------
    name, expression : str
        ``"W(x)"`` and ``"x"``.
    uses : frozenset of str
        Columns and inner lags of the expression: where one is missing, so is x.
    late : bool
        Whether it holds an L(...), so that the first periods have no value.
    """

    name: str
    expression: str
    uses: frozenset[str]
    late: bool


class Neighbours:
    """The rows of a source, and those that want a lag, placed in the weights.

    Parameters
    ----------
    weights : SpatialWeights
    source : Source
    rows : DataFrame, n rows
        With the unit (and period) columns of `source`.

    Raises
    ------
    InputError
        If a unit is not in the weights, or a period not in the source.
    """

    def __init__(self, weights: Weights, source: Source, rows: pd.DataFrame) -> None:
        self.weights, self.source = weights, source
        self.units = _unit_codes(rows[source.unit], weights, "The rows")
        self.when, self.periods = _period_codes(source.table, source)
        self.given, self.times = self.units, self.when
        if source.table is not rows:
            self.given = _unit_codes(source.table[source.unit], weights, source.name)
            self.times = _matched_periods(rows, source, self.periods)

    @property
    def row_sums(self) -> Array:
        """Each row's sum of spatial weights."""
        return np.asarray(self.weights.row_sums[self.units])

    def lagged(self, lag: Lag, table: pd.DataFrame) -> tuple[Array, Array, list[str]]:
        """Compute a lag: for rows of the source, for rows that want it, and notes.

        Parameters
        ----------
        lag : Lag
        table : DataFrame
            The source's table, inner lags added. Where a unit has several rows in
            a period, the mean over them is lagged.

        Raises
        ------
        InputError
            If a unit of the weights has no value.
        """
        n, periods = self.weights.n, self.periods
        values = evaluate(lag.expression, table)
        _require_finite(values, table, self.source, lag)
        x = _unit_means(values.to_numpy(), self.given, self.when, n, len(periods))
        there: Mask = np.ones(len(periods), dtype=bool)
        if lag.late:
            there = np.asarray(~np.isnan(x).all(axis=0), dtype=bool)
        _require_complete(x[:, there], self.weights, periods[there], lag.name)
        wx = np.full(x.shape, np.nan)
        wx[:, there] = self.weights.lag(np.ascontiguousarray(x[:, there]))
        notes = _notes(lag.name, x[:, there], wx[:, there], self.weights)
        return wx[self.given, self.when], wx[self.units, self.times], notes


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
    values: pd.Series, table: pd.DataFrame, source: Source, lag: Lag
) -> None:
    """Refuse what a transformation made of numbers that are there."""
    given = np.isfinite(values.to_numpy())
    for column in lag.uses & set(table.columns):
        given |= table[column].isna().to_numpy()
    require(
        given,
        f"{lag.name}: '{lag.expression}' must be finite",
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

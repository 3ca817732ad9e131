"""The lag W(x): computed once per unit and period, then joined to rows by key."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, unit_ids
from geopoverty.design.evaluate import evaluate
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array

FLAT, CENTRAL = 0.1, 0.8  # sd(Wx)/sd(x) below, |corr(Wx, row sum)| above: say so


class Weights(Protocol):
    """What a lag needs of spatial weights."""

    @property
    def units(self) -> pd.Index:
        """The units, in order of rows."""

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


def lagged_columns(
    lags: dict[str, str], weights: Weights, source: Source, rows: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
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
    DataFrame, shape (n, lags)
        Indexed like `rows`.
    list of str
        What a careful reader must know about each lag.

    Raises
    ------
    InputError
        If a unit is not in the weights, or a unit of the weights has no value.
    """
    _check_units(rows[source.unit], weights, "The rows")
    _check_units(source.table[source.unit], weights, source.name)
    table = source.table.copy(deep=False)
    out = pd.DataFrame(index=rows.index)
    notes: list[str] = []
    for name, expression in lags.items():
        values = evaluate(expression, table)
        _require_finite(values, table, source, name, expression)
        x = _unit_values(values, source, weights, name)
        wx = pd.DataFrame({period: weights.lag(values) for period, values in x.items()})
        table[name] = _spread(wx, table, source)
        out[name] = _spread(wx, rows, source)
        notes.extend(_notes(name, x, wx, weights))
    return out, notes


def row_sums(weights: Weights, units: pd.Series) -> Array:
    """Return each row's sum of weights, shape (n,)."""
    return np.asarray(weights.row_sums[weights.units.get_indexer(units)])


def _check_units(units: pd.Series, weights: Weights, what: str) -> None:
    ids = unit_ids(units, what, unique=False)
    unknown = pd.Index(ids.unique()).difference(weights.units)
    if len(unknown):
        raise InputError(
            f"Every unit needs weights; {len(unknown)} of {ids.nunique()} units in "
            f"{what.lower()} have none ({first(unknown)}). Drop their rows, or build "
            "the weights for them too."
        )


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


def _unit_values(
    values: pd.Series, source: Source, weights: Weights, name: str
) -> dict[Any, pd.Series]:
    """Return the mean of values in each unit, for each period."""
    keys = [source.unit] if source.period is None else [source.period, source.unit]
    grouped = values.groupby([source.table[k].to_numpy() for k in keys]).mean()
    periods = {None: grouped}
    if source.period is not None:
        periods = {p: grouped.loc[p] for p in grouped.index.levels[0]}
    for period, series in periods.items():
        complete = series.reindex(weights.units)
        missing = complete.index[complete.isna()]
        if len(missing):
            when = "" if period is None else f" in period {period}"
            raise InputError(
                f"{name} needs a value for every unit of the weights{when}; "
                f"{len(missing)} of {len(weights.units)} units have none "
                f"({first(missing)}). Give them in unit_data=, or use "
                "weights.subset(units)."
            )
        periods[period] = complete
    return periods


def _spread(wx: pd.DataFrame, rows: pd.DataFrame, source: Source) -> Array:
    """Look up each row's lag by its unit and period."""
    unit = wx.index.get_indexer(rows[source.unit])
    if source.period is None:
        return np.asarray(wx.to_numpy()[unit, 0])
    period = wx.columns.get_indexer(rows[source.period])
    if (period < 0).any():
        unknown = first(rows[source.period][period < 0].unique())
        raise InputError(
            f"{source.name} must cover every period of the rows; {unknown} "
            f"is not there. Add these periods to it."
        )
    return np.asarray(wx.to_numpy()[unit, period])


def _notes(
    name: str, x: dict[Any, pd.Series], wx: pd.DataFrame, weights: Weights
) -> list[str]:
    ratio = float(np.mean([wx[p].std() / max(v.std(), 1e-300) for p, v in x.items()]))
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

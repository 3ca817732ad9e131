"""Lags W(x) of a register: computed over units once, then joined to rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require, unit_ids
from geopoverty.design.build import Roles
from geopoverty.design.evaluate import evaluate
from geopoverty.design.formula import ParsedFormula, names_in
from geopoverty.design.lags import Lag, Neighbours, Source, Weights
from geopoverty.errors import InputError
from geopoverty.numerics.scatter import Scattered, gathered
from geopoverty.numerics.types import Array
from geopoverty.registers.joined import Joined, joined_table
from geopoverty.registers.register import Register


def joined_units(
    parsed: ParsedFormula,
    register: Register,
    roles: Roles,
    weights: Weights | None,
    unit_data: pd.DataFrame | None,
) -> tuple[Joined | None, list[str]]:
    """Gather what a formula takes from a table of units, lags included.

    Parameters
    ----------
    parsed : ParsedFormula
    register : Register
        Lags of its own columns are those of unit means, taken in a pass of its own.
    roles : Roles
    weights : SpatialWeights or None
        Needed by ``W(x)``.
    unit_data : DataFrame or None
        One row a unit (and period).

    Returns
    -------
    Joined or None
        None when the register has all the formula needs.
    list of str
        Notes on the lags.

    Raises
    ------
    InputError
        If weights or values of units are missing, or the formula has ``L(x)`` or a
        lag of a lag.
    """
    _refuse(parsed, weights)
    elsewhere = [c for c in sorted(parsed.columns) if c not in register.columns]
    if not elsewhere and not parsed.lags:
        return None, []
    unit = str(roles.unit)
    own = {
        n
        for n in parsed.lags
        if unit_data is None or not _columns_in(parsed, n) <= set(unit_data.columns)
    }
    used = {parsed.lags[n]: _columns_in(parsed, n) for n in sorted(own)}
    cells = _cells(register, roles, unit_data, used)
    columns: dict[str, Any] = {c: _joinable(cells[c]) for c in elsewhere}
    if not parsed.lags or weights is None:
        return joined_table(cells, _keys(roles, cells), columns, None), []
    period = roles.period if roles.period in cells.columns else None
    place = Neighbours(weights, Source(cells, unit, period, "unit_data"), cells)
    notes: list[str] = []
    for name in parsed.order:
        uses = frozenset(_columns_in(parsed, name) & set(cells.columns))
        lag = Lag(name, parsed.lags[name], uses, late=False)
        columns[name], _, told = place.lagged(lag, cells)
        notes += told
    return joined_table(cells, _keys(roles, cells), columns, place.row_sums), notes


def _refuse(parsed: ParsedFormula, weights: Weights | None) -> None:
    if parsed.earlier:
        raise InputError(
            f"{next(iter(parsed.earlier))} needs rows in the order of periods, and a "
            "register is read in parts. Compute that column in the register first."
        )
    nested = [n for n, x in parsed.lags.items() if names_in(x) & set(parsed.order)]
    if nested:
        raise InputError(
            f"{nested[0]} is a lag of a lag, which a register does not take. Compute "
            "the inner one into unit_data first."
        )
    if parsed.lags and weights is None:
        raise InputError(
            f"{next(iter(parsed.lags))} needs spatial weights. Pass weights=, such as "
            "travel_weights(times, cutoff=120)."
        )


def _columns_in(parsed: ParsedFormula, name: str) -> set[str]:
    return names_in(parsed.lags[name]) & set(parsed.lagged_columns)


def _keys(roles: Roles, cells: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that name a row of the table of units."""
    keys = (roles.unit, roles.period)
    return tuple(k for k in keys if k is not None and k in cells.columns)


def _cells(
    register: Register,
    roles: Roles,
    unit_data: pd.DataFrame | None,
    own: Mapping[str, set[str]],
) -> pd.DataFrame:
    """Return the table of units, means of the register's own expressions added."""
    unit = str(roles.unit)
    keys = [k for k in (roles.unit, roles.period) if k is not None]
    if unit_data is None:
        return _means(register, keys, own)
    table = unit_data
    if unit not in table.columns and table.index.name == unit:
        table = table.reset_index()
    if unit not in table.columns:
        raise InputError(f"unit_data needs the column '{unit}', which it lacks.")
    unit_ids(table[unit], "unit_data", unique=False)
    held = [k for k in keys if k in table.columns]
    require(
        ~table.duplicated(held).to_numpy(),
        f"unit_data must have one row for each {' and '.join(held)}",
        ids=table[unit].to_numpy(),
        way_out="Drop or merge the repeats, or name the period column in period=.",
    )
    if not own:
        return table
    means = _means(register, held, own)
    return table.merge(means, on=held, how="left", suffixes=("", " of rows"))


def _means(
    register: Register, keys: Sequence[str], lags: Mapping[str, set[str]]
) -> pd.DataFrame:
    """Return the mean of each expression over the rows of each unit (and period).

    As on a table, a row that lacks a value of one expression still counts in others.
    """
    columns = sorted(set().union(*lags.values()))
    register.must_have([*keys, *columns])
    cells = _distinct(register, keys)
    place = joined_table(cells, (keys[0], *keys[1:]), {}, None)

    def kernel(table: pd.DataFrame) -> tuple[Scattered]:
        rows = table.dropna(subset=list(keys))
        values = np.column_stack([_values(x, rows, used) for x, used in lags.items()])
        there = ~np.isnan(values)
        both = np.hstack([there, np.nan_to_num(values)])
        return (Scattered(place.of(rows), both, len(cells)),)

    found = register.total(kernel, [*keys, *columns], gathered)[0]
    sums = found.sums() if isinstance(found, Scattered) else found
    with np.errstate(invalid="ignore"):
        means = sums[:, len(lags) :] / sums[:, : len(lags)]
    return cells.assign(**dict(zip(lags, means.T, strict=True)))


def _values(expression: str, rows: pd.DataFrame, used: set[str]) -> Array:
    """Return an expression in each row, NaN only where a column has no value."""
    values: Array = evaluate(expression, rows).to_numpy()
    missing = rows[sorted(used)].isna().any(axis=1).to_numpy()
    require(
        np.isfinite(values) | missing,
        f"W({expression}): '{expression}' must be finite",
        ids=rows.index,
        way_out="Transform the column differently, or drop these rows.",
    )
    return np.where(missing, np.nan, values)


def _distinct(register: Register, keys: Sequence[str]) -> pd.DataFrame:
    """Return the distinct keys of the register, in order."""

    def kernel(table: pd.DataFrame) -> tuple[pd.DataFrame]:
        found = table.drop_duplicates().dropna()
        texts = found.select_dtypes("category").columns
        return (found.astype(dict.fromkeys(texts, object)),)

    def merged(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([one, other], ignore_index=True).drop_duplicates()

    found: pd.DataFrame = register.total(kernel, keys, merged)[0]
    return found.sort_values(list(keys), ignore_index=True)


def _joinable(column: pd.Series) -> Any:
    """Return values to join; texts with all their categories, in order."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64)
    return pd.Categorical(column)

"""Rows of a table on the map: whose they are, and of which period."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._checks import (
    finite_numbers,
    first,
    require,
    require_columns,
    unit_ids,
)
from geopoverty.errors import InputError

UNIT = "unit_id"
CONVERT = "Convert it: pd.to_numeric(table[column])."
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """A table of units and periods, aligned with the units of a map.

    Attributes
    ----------
    table : DataFrame, shape (r, p)
        ``unit_id`` is a column, or the index.
    ids : Index, shape (r,)
        The unit of each row.
    periods : tuple of str, shape (t,)
        In order; one empty text when there are no periods.
    place : tuple of two arrays, shape (r,)
        The period and the unit of each row, as positions.
    count : int
        How many units the map has.
    """

    table: pd.DataFrame
    ids: pd.Index
    periods: tuple[str, ...]
    place: tuple[NDArray[np.intp], NDArray[np.intp]]
    count: int

    def numbers(self, column: str) -> Floats:
        """Return a column of numbers as an array, shape (t, n); NaN is no data.

        Raises
        ------
        InputError
            If the column is not numeric, or a value is infinite.
        """
        grid = np.full((len(self.periods), self.count), np.nan)
        grid[self.place] = finite_numbers(self.table[column], self.ids, CONVERT)
        return grid

    def values(self, column: str) -> Floats:
        """Return a column of numbers that holds at least one, as `numbers`.

        Raises
        ------
        InputError
            As `numbers`, and if all are missing.
        """
        found = self.numbers(column)
        if np.isnan(found).all():
            raise InputError(
                f"The column '{column}' must hold at least one value; all "
                f"{len(self.table)} are missing. Check how it was made."
            )
        return found

    def codes(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the code of each row as an array, shape (t, n); -1 is no data."""
        grid = np.full((len(self.periods), self.count), -1, dtype=np.int8)
        grid[self.place] = codes
        return grid


def place_rows(
    table: pd.DataFrame,
    columns: Sequence[str],
    *,
    period: str | None,
    label: str,
    units: pd.Index,
) -> Rows:
    """Check whose rows a table holds, and align them with the units of the map.

    Parameters
    ----------
    table : DataFrame
        One row a unit and period; keyed by a column or index ``unit_id``.
    columns : sequence of str
        Those that will be read.
    period : str, optional
        The column that tells periods apart.
    label : str
        What to call the indicator in messages.
    units : Index, shape (n,)
        The ids of the boundaries, in order.

    Returns
    -------
    Rows

    Raises
    ------
    InputError
        If a column is unknown, an id is unknown to the boundaries or stands twice in
        a period, or a row has no period.

    Examples
    --------
    >>> table = pd.DataFrame({"unit_id": ["b"], "poor": [12.5]})
    >>> rows = place_rows(table, ["poor"], period=None, label="Poor",
    ...                   units=pd.Index(["a", "b"]))
    >>> rows.numbers("poor")
    array([[ nan, 12.5]])
    """
    if isinstance(table.index, pd.MultiIndex) and UNIT in table.index.names:
        table = table.reset_index()
    named = [*columns, *([] if period is None else [period])]
    require_columns(table, named, f"The indicator '{label}'")
    ids = keyed_ids(table, f"The table of '{label}'")
    _require_known(ids, units, label)
    periods, period_of = _periods(table, period, ids)
    _require_once(ids, period_of, None if period is None else periods)
    return Rows(table, ids, periods, (period_of, units.get_indexer(ids)), len(units))


def keyed_ids(table: pd.DataFrame, what: str) -> pd.Index:
    """Return the unit id of each row: the column ``unit_id``, else the index.

    Raises
    ------
    InputError
        If there is neither, or the ids are missing or not text.
    """
    if UNIT in table.columns:
        return unit_ids(table[UNIT], what, unique=False)
    if UNIT in table.index.names:
        return unit_ids(table.index.get_level_values(UNIT), what, unique=False)
    if table.index.name is not None or isinstance(table.index, pd.RangeIndex):
        raise InputError(
            f"{what} must be keyed by a column or index '{UNIT}'; it has neither. "
            f"Rename yours: table.rename(columns={{'fips': '{UNIT}'}})."
        )
    return unit_ids(table.index, what, unique=False)


def letters(codes: NDArray[np.int8]) -> str:
    """Write one character a unit: its class, or a dot for no data.

    Examples
    --------
    >>> letters(np.array([0, -1, 2], dtype=np.int8))
    '0.2'
    """
    return "".join("." if c < 0 else str(c) for c in codes)


def rows_of_numbers(
    values: Floats | None, digits: int
) -> list[list[float | int | None]] | None:
    """Return values for JSON: rounded, missing ones as null, -0 as 0.

    Examples
    --------
    >>> rows_of_numbers(np.array([[1.26, np.nan, -0.01]]), 1)
    [[1.3, None, 0]]
    """
    if values is None:
        return None
    return [[_short(v) for v in row] for row in np.round(values, digits).tolist()]


def _require_known(ids: pd.Index, units: pd.Index, label: str) -> None:
    require(
        ids.isin(units),
        f"Every unit of '{label}' must be in the boundaries",
        ids=ids,
        way_out="Drop these rows, or add the units to the boundaries.",
    )


def _periods(
    table: pd.DataFrame, column: str | None, ids: pd.Index
) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the periods in order, and which one each row belongs to."""
    if column is None:
        return ("",), np.zeros(len(table), dtype=np.intp)
    require(
        table[column].notna().to_numpy(),
        f"Every row needs a period in '{column}'",
        ids=ids,
        way_out="Fill or drop these rows.",
    )
    period_of, found = pd.factorize(table[column], sort=True)
    return tuple(_period_name(p) for p in found), period_of


def _period_name(period: object) -> str:
    if isinstance(period, float | np.floating) and float(period).is_integer():
        return str(int(period))
    if isinstance(period, pd.Timestamp):
        return str(period.date())
    return str(period)


def _require_once(
    ids: pd.Index, period_of: NDArray[np.intp], periods: Sequence[str] | None
) -> None:
    rows = pd.DataFrame({"unit": ids, "period": period_of})
    twice = rows[rows.duplicated()].drop_duplicates()
    if twice.empty:
        return
    if periods is None:
        names = first(twice["unit"])
        way_out = 'Name the column of the periods: period="period".'
    else:
        pairs = zip(twice["unit"], twice["period"], strict=True)
        names = first(f"{unit} in {periods[int(at)]}" for unit, at in pairs)
        way_out = "Drop or merge the repeated rows."
    raise InputError(
        f"A map shows one row a unit{' and period' if periods is not None else ''}; "
        f"{len(twice)} stand more than once ({names}). {way_out}"
    )


def _short(value: float) -> float | int | None:
    if value != value:
        return None
    return int(value) if value.is_integer() else value

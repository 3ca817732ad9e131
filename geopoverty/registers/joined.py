"""Values of units, joined to rows of a register by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.numerics.types import Array, Codes

_FILLING = Lock()


@dataclass(frozen=True, eq=False)
class Joined:
    """Columns of a table of units (and periods), found by key.

    Attributes
    ----------
    unit : str
    units : Index
    period : str or None
    periods : Index or None
    place : array of int, shape (units, periods)
        Where each unit and period stands in the columns; -1 where it does not.
    columns : mapping of str to array
        Each of the table's rows.
    row_sums : array or None
        Sums of spatial weights, in the order of the table's rows.
    """

    unit: str
    units: pd.Index
    period: str | None
    periods: pd.Index | None
    place: Codes
    columns: Mapping[str, Any]
    row_sums: Array | None

    def add(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, Array | None]:
        """Return rows with the columns joined, and each row's sum of weights.

        Raises
        ------
        InputError
            If a row's unit (and period) is not in the table.
        """
        at = self.of(rows)
        require(
            at >= 0,
            "Every row's unit must be in unit_data and the weights",
            ids=rows[self.unit].to_numpy(),
            way_out="Add these units to unit_data, or drop their rows.",
        )
        added = {name: values[at] for name, values in self.columns.items()}
        sums = None if self.row_sums is None else self.row_sums[at]
        rows = rows.copy(deep=False)  # columns are added to it, none is changed
        for name, values in added.items():
            rows[name] = values
        return rows, sums

    def of(self, rows: pd.DataFrame) -> Codes:
        """Return where each row's unit (and period) stands in the table, else -1."""
        unit = codes_in(rows[self.unit], self.units)
        when = np.zeros(len(rows), dtype=np.intp)
        if self.period is not None and self.periods is not None:
            when = codes_in(rows[self.period], self.periods)
        known = (unit >= 0) & (when >= 0)
        return np.asarray(np.where(known, self.place[unit, when], -1), dtype=np.intp)


def joined_table(
    table: pd.DataFrame,
    keys: Sequence[str],
    columns: Mapping[str, Any],
    row_sums: Array | None,
) -> Joined:
    """Lay a table of units out for joining.

    Parameters
    ----------
    table : DataFrame
        One row a unit (and period).
    keys : sequence of str
        Columns of the unit and, if there are periods, of the period.
    columns : mapping of str to array
        What is joined, in the order of the table's rows.
    row_sums : array or None
    """
    unit, period = keys[0], (keys[1] if len(keys) > 1 else None)
    where, units = pd.factorize(table[unit])
    when, periods = np.zeros(len(table), dtype=np.intp), None
    if period is not None:
        when, periods = pd.factorize(table[period])
        periods = pd.Index(periods)
    place = np.full((len(units), 1 if periods is None else len(periods)), -1)
    place[where, when] = np.arange(len(table))
    return Joined(unit, pd.Index(units), period, periods, place, columns, row_sums)


def codes_in(column: pd.Series, values: pd.Index) -> Codes:
    """Return where each value of a column stands among `values`, -1 where nowhere.

    Examples
    --------
    >>> codes_in(pd.Series(["b", "x"], dtype="category"), pd.Index(["a", "b"])).tolist()
    [1, -1]
    """
    with _FILLING:
        # pandas fills an index's table of values at first use, not safely in threads.
        values.get_indexer(values[:1])
    if isinstance(column.dtype, pd.CategoricalDtype):
        # A category is looked up once, not in each of its rows.
        known = values.get_indexer(column.cat.categories)
        return np.asarray(np.append(known, -1)[column.cat.codes], dtype=np.intp)
    return np.asarray(values.get_indexer(column), dtype=np.intp)

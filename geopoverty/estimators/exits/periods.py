"""From one row a unit to a row a unit and period, with who had left by then."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from geopoverty._checks import require, require_columns, unit_ids
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array

MADE = ("start", "stop", "period", "at_risk", "exited", "exited_by_then")


def exit_periods(
    data: pd.DataFrame,
    *,
    left: str,
    periods: Sequence[float],
    entered: str | None = None,
    unit: str = "unit_id",
) -> pd.DataFrame:
    """Return a row for each unit and period, also of units no longer at risk.

    For discrete-time hazards, and for the spillover of exits: ``W(exited_by_then)`` is
    the (weighted) share of units within reach that had left before the period began.

    Parameters
    ----------
    data : DataFrame, n rows
        One row a unit; its other columns are repeated in every period. Never modified.
    left : str
        Column: when the unit left, or by when it was known to have left, in the unit of
        `periods`; missing for those that have not.
    periods : sequence of number, m + 1 of them
        The ends of the periods, ascending: ``(1960, 1970, 1980, 1990)`` are the periods
        (1960, 1970], (1970, 1980], (1980, 1990].
    entered : str, optional
        Column: from when the unit is at risk; missing for those never at risk (such as
        units that were never poor). A unit is at risk in periods that begin then or
        later. When not given, all are at risk from the first period on.
    unit : str
        Column (or the index) of unit ids.

    Returns
    -------
    DataFrame, n x m rows
        Sorted as `data`, then by period: `unit`; ``start`` and ``stop`` since the first
        of `periods`; ``period``, the period's end; ``at_risk`` (True or False);
        ``exited``: 1 if it left in this period; ``exited_by_then``: 1 if it left in an
        earlier one, 0 for units never at risk; and the other columns of `data`.

    Raises
    ------
    InputError
        If ids are not text or stand twice, periods do not ascend, a unit left before
        it was at risk or in the period in which it came to be, or a column would be
        overwritten.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": ["a", "b"], "year": [2017, None]})
    >>> made = exit_periods(units, left="year", periods=(2015, 2016, 2017, 2018))
    >>> made[["unit_id", "period", "at_risk", "exited", "exited_by_then"]]
      unit_id  period  at_risk  exited  exited_by_then
    0       a    2016     True       0               0
    1       a    2017     True       1               0
    2       a    2018    False       0               1
    3       b    2016     True       0               0
    4       b    2017     True       0               0
    5       b    2018     True       0               0
    """
    ends = _ends(periods)
    table = _table(data, unit, [left, *([entered] if entered else [])])
    gone = _numbers(table, left)
    since = np.full(len(table), ends[0])
    if entered is not None:
        since = _numbers(table, entered)
    _check_order(table, unit, gone, since, ends)
    n, m = len(table), len(ends) - 1
    begin, end = ends[:-1], ends[1:]
    never = np.isnan(since)[:, None]
    before = (gone[:, None] <= begin) & ~never
    now = (gone[:, None] > begin) & (gone[:, None] <= end)
    at_risk = ~never & ~before & (since[:, None] <= begin)
    require(
        ~(now & ~at_risk).any(axis=1),
        "Units must be at risk when the period in which they leave begins",
        ids=table[unit].to_numpy(),
        way_out="Use finer periods, or let these units enter with the period.",
    )
    out = table.iloc[np.repeat(np.arange(n), m)].reset_index(drop=True)
    made = {
        "start": np.tile(begin - ends[0], n),
        "stop": np.tile(end - ends[0], n),
        "period": np.tile(_plain(end, periods), n),
        "at_risk": at_risk.ravel(),
        "exited": (now & at_risk).ravel().astype(np.int64),
        "exited_by_then": before.ravel().astype(np.int64),
    }
    others = [c for c in out.columns if c != unit]
    out = pd.concat([out[[unit]], pd.DataFrame(made), out[others]], axis=1)
    out.attrs = dict(data.attrs)
    return out


def _ends(periods: Sequence[float]) -> Array:
    ends = np.asarray(list(periods), dtype=np.float64)
    if ends.ndim != 1 or len(ends) < 2 or not (np.diff(ends) > 0).all():
        raise InputError(
            "periods must be two or more ascending numbers, the ends of the periods; "
            f"got {list(periods)[:5]}. For example: (1960, 1970, 1980, 1990)."
        )
    return ends


def _plain(end: Array, periods: Sequence[float]) -> Array:
    """Return whole periods as whole numbers."""
    whole = all(float(p).is_integer() for p in periods)
    return end.astype(np.int64) if whole else end


def _table(data: pd.DataFrame, unit: str, columns: list[str]) -> pd.DataFrame:
    if not isinstance(data, pd.DataFrame) or not len(data):
        raise InputError("data must be a DataFrame with rows.")
    table = data
    if unit not in data.columns and data.index.name == unit:
        table = data.reset_index()
    require_columns(table, [unit, *columns], "exit_periods")
    unit_ids(table[unit], "data", unique=True)
    taken = [c for c in MADE if c in table.columns]
    if taken:
        raise InputError(
            f"data must not have the columns that are made here; it has "
            f"{', '.join(taken)}. Rename or drop them."
        )
    return table


def _numbers(table: pd.DataFrame, name: str) -> Array:
    column = table[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        raise InputError(
            f"'{name}' holds dates; periods are numbers. Use data['{name}'].dt.year."
        )
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    require(
        ~np.isnan(values) | column.isna().to_numpy(),
        f"'{name}' must hold numbers, or nothing",
        ids=table.index,
        way_out="Give the year, and leave it empty for units that have not left.",
    )
    return np.where(np.isinf(values), np.nan, values)


def _check_order(
    table: pd.DataFrame, unit: str, gone: Array, since: Array, ends: Array
) -> None:
    ids = table[unit].to_numpy()
    require(
        ~(np.isnan(since) & ~np.isnan(gone)),
        "Only units that were at risk can leave",
        ids=ids,
        way_out="Say since when they were at risk, or empty their exit.",
    )
    require(
        ~(gone <= np.maximum(since, ends[0])),
        f"Units must leave after they are at risk, and after {ends[0]:g}",
        ids=ids,
        way_out="Drop units that had left before the origin, or begin periods earlier.",
    )

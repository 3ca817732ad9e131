"""From a table to the durations of groups, checked."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geopoverty._checks import require, require_columns, unit_ids
from geopoverty.design.sample import sampling_weights
from geopoverty.errors import InputError
from geopoverty.estimators.curves.options import CurveOptions
from geopoverty.numerics.hazards.curves import Spells
from geopoverty.numerics.types import Array, Codes, Mask

ALL = "all"


@dataclass(frozen=True, eq=False)
class Columns:
    """Which columns play which part."""

    duration: str | tuple[str, str]
    exited: str | None
    by: str | None
    entry: str | None
    sampling_weight: str | None
    unit: str
    options: CurveOptions

    @property
    def times(self) -> list[str]:
        """The columns of durations: one, or two that enclose the exit."""
        return [self.duration] if isinstance(self.duration, str) else [*self.duration]

    @property
    def needed(self) -> list[str]:
        """The columns that must be there."""
        more = (self.exited, self.by, self.entry, self.sampling_weight)
        return [*self.times, *(c for c in (*more, self.options.strata) if c)]


@dataclass(frozen=True, eq=False)
class Problem:
    """Durations by group.

    Attributes
    ----------
    columns : Columns
    rows : DataFrame, n rows
        Those used.
    dropped : int
    low, high : array, shape (n,)
        The exit lies in (low, high]; `high` is infinite for those not seen to leave,
        and `low` is `high` where the time is known.
    entry : array, shape (n,)
    w : array, shape (n,), or None
    group : array of int, shape (n,)
    groups : list
        What groups are called.
    stratum : array of int, shape (n,), or None
    """

    columns: Columns
    rows: pd.DataFrame
    dropped: int
    low: Array
    high: Array
    entry: Array
    w: Array | None
    group: Codes
    groups: list[object]
    stratum: Codes | None

    @property
    def exited(self) -> Mask:
        """Who has left."""
        return np.asarray(np.isfinite(self.high))

    @property
    def last(self) -> Array:
        """When each was last heard of: the exit's upper end, or the last sight."""
        return np.where(self.exited, self.high, self.low)

    @property
    def between(self) -> bool:
        """Whether some exit is known only up to an interval."""
        return bool((self.exited & (self.low < self.high)).any())

    def spells(self, rows: Codes | slice = slice(None)) -> Spells:
        """Return the durations of some rows."""
        w = None if self.w is None else self.w[rows]
        left = self.exited[rows].astype(np.float64)
        return Spells(self.entry[rows], self.last[rows], left, w)

    def rows_of(self, group: int) -> Codes:
        """Return the positions of a group's rows."""
        return np.flatnonzero(self.group == group)


def problem_of(data: pd.DataFrame, columns: Columns) -> Problem:
    """Check the table and take the durations from it.

    Raises
    ------
    InputError
        If a rule of input is broken; see `survival_curves`.
    """
    if not isinstance(data, pd.DataFrame) or not len(data):
        raise InputError("data must be a DataFrame with rows.")
    _check_columns(data, columns)
    there = data[columns.needed].notna()
    if columns.exited is None and len(columns.times) == 2:
        there[columns.times[1]] = True  # none: not seen to leave
    kept = there.all(axis=1).to_numpy()
    if not kept.any():
        raise InputError(
            f"No row is complete; the columns needed are {', '.join(columns.needed)}. "
            "Check how the tables were joined."
        )
    rows = data[kept]
    low, high = _ends(rows, columns)
    entry = _entries(rows, columns, low, high)
    group, groups = _coded(rows, columns.by)
    stratum = columns.options.strata
    w = columns.sampling_weight
    return Problem(
        columns,
        rows,
        int((~kept).sum()),
        low,
        high,
        entry,
        None if w is None else sampling_weights(rows[w]),
        group,
        groups,
        None if stratum is None else _coded(rows, stratum)[0],
    )


def _check_columns(data: pd.DataFrame, columns: Columns) -> None:
    require_columns(data, columns.needed, "survival_curves")
    pair = not isinstance(columns.duration, str)
    if pair and len(columns.times) != 2:
        raise InputError(
            "duration must be one column, or two that enclose the exit; got "
            f"{columns.duration!r}."
        )
    if pair and columns.exited is not None:
        raise InputError(
            "With two columns of durations, leave out exited=: a missing upper end "
            "says that a unit has not been seen to leave."
        )
    if not pair and columns.exited is None:
        raise InputError("Name the column of exits in exited= (1 left, 0 not yet).")


def _numbers(rows: pd.DataFrame, name: str) -> Array:
    """Return a column as numbers; dates and text are refused with the way out."""
    column = rows[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        raise InputError(
            f"'{name}' holds dates; durations are numbers. Take them from the origin: "
            f"(data['{name}'] - origin).dt.days."
        )
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    require(
        ~np.isnan(values) | column.isna().to_numpy(),
        f"'{name}' must hold numbers",
        ids=rows.index,
        way_out="Turn dates into days since the origin before calling.",
    )
    return np.asarray(values)


def _ends(rows: pd.DataFrame, columns: Columns) -> tuple[Array, Array]:
    low = _numbers(rows, columns.times[0])
    if columns.exited is not None:
        left = _numbers(rows, columns.exited)
        require(
            (left == 0) | (left == 1),
            f"'{columns.exited}' must be 0 (not yet) or 1 (left)",
            ids=rows.index,
            way_out="Code it 0/1.",
        )
        high = np.where(left == 1, low, np.inf)
        positive = low > 0
    else:
        high = _numbers(rows, columns.times[1])
        high = np.where(np.isnan(high), np.inf, high)
        positive = (low >= 0) & (high > 0)
        require(
            low <= high,
            f"'{columns.times[0]}' must not be after '{columns.times[1]}'",
            ids=rows.index,
            way_out="The first is when a unit was last known not to have left.",
        )
    require(
        np.isfinite(low) & positive,
        f"Durations '{columns.times[0]}' must be above 0 and finite",
        ids=rows.index,
        way_out="Drop units that had left before the origin.",
    )
    if not np.isfinite(high).any():
        raise InputError(
            f"Nobody leaves: no exit in {len(rows)} rows. Check the coding of exits, "
            "or the day on which observation ends."
        )
    return low, high


def _entries(rows: pd.DataFrame, columns: Columns, low: Array, high: Array) -> Array:
    if columns.entry is None:
        return np.zeros(len(low))
    entry = _numbers(rows, columns.entry)
    last = np.where(np.isfinite(high), high, low)
    require(
        (entry >= 0) & (entry < last),
        f"'{columns.entry}' must be from 0 and before the exit or last sight",
        ids=rows.index,
        way_out="Drop units that left before they were seen.",
    )
    if (np.isfinite(high) & (low < high)).any():
        raise InputError(
            "Late entry and exits known only up to an interval do not go together in a "
            "curve. Fit exit_hazard(model='weibull'), which takes both, or give the "
            "time of exit."
        )
    return entry


def _coded(rows: pd.DataFrame, name: str | None) -> tuple[Codes, list[object]]:
    if name is None:
        return np.zeros(len(rows), dtype=np.intp), [ALL]
    column = rows[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        return np.asarray(column.cat.codes, dtype=np.intp), list(column.cat.categories)
    if len({isinstance(v, str) for v in column.unique()}) > 1:
        raise InputError(
            f"The groups must be of one type; '{name}' mixes text and others. Make "
            f"them text: data['{name}'].astype(str)."
        )
    codes, levels = pd.factorize(column, sort=True)
    return np.asarray(codes, dtype=np.intp), list(levels)


def ids_of(problem: Problem) -> tuple[str, np.ndarray]:
    """Return what names a row in tables, and these names."""
    rows, unit = problem.rows, problem.columns.unit
    if unit in rows.columns:
        return "unit_id", unit_ids(rows[unit], "data", unique=False).to_numpy()
    if rows.index.name == unit:
        return "unit_id", unit_ids(rows.index, "data", unique=False).to_numpy()
    return "row", rows.index.to_numpy()

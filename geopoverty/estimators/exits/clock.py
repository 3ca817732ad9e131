"""Durations from dates, years or numbers: columns of a table become times."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns
from geopoverty.errors import InputError
from geopoverty.estimators.exits.options import PER_DAY, Moment, Timeline
from geopoverty.numerics.types import Array, Mask

ISO = r"\d{4}-\d{2}-\d{2}"
FIRST_YEAR, LAST_YEAR = 1700, 2200


@dataclass(frozen=True, eq=False)
class Clock:
    """Times of every row of a table, NaN where they are not known.

    Attributes
    ----------
    entry, lower, upper : array, shape (n,)
        For a row that has not left, both `lower` and `upper` are the end of its
        observation.
    exited : array, shape (n,)
        As coded, 0 where the end of observation came first.
    origin : Timestamp or None
        The common origin of dates.
    per : str
        What time is counted in; "" as given.
    notes : tuple of str
    """

    entry: Array
    lower: Array
    upper: Array
    exited: Array
    origin: pd.Timestamp | None
    per: str
    notes: tuple[str, ...]


def clocked(data: pd.DataFrame, line: Timeline, exited: str | None) -> Clock:
    """Turn the columns of a timeline into times since the origin.

    Parameters
    ----------
    data : DataFrame, n rows
    line : Timeline
    exited : str or None
        Column of 0 and 1; None when a known duration is an exit.

    Raises
    ------
    InputError
        If columns are missing, dates cannot be read, or the end of observation lies
        before the origin.
    """
    if not isinstance(data, pd.DataFrame) or data.columns.has_duplicates:
        raise InputError(
            "data must be a DataFrame that names each column once; got "
            f"{type(data).__name__}."
        )
    named = (line.duration, exited, line.entry, line.after, line.individual)
    require_columns(data, [c for c in named if c is not None], "exit_hazard")
    origins = _origins(data, line)
    lower, upper = _span(data, line, origins)
    end = _end(data, line, origins)
    entry = np.zeros(len(data))
    if line.entry is not None:
        entry = _times(data[line.entry], line, origins)
    left = _coded(data, exited, upper, end)
    lower, upper, left, notes = _censored(lower, upper, left, end)
    common = None
    if origins is not None and origins.notna().any():
        one = origins.min() == origins.max()
        common = origins.min() if one else None
    per = "" if origins is None else line.per
    return Clock(entry, lower, upper, left, common, per, notes)


def moment(value: Moment, clock: Clock) -> float:
    """Return a number or a date as time since the common origin.

    Raises
    ------
    InputError
        If it is a date and there is no common origin, or lies before it.
    """
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        found = float(value)
    elif clock.origin is None:
        raise InputError(
            f"A date such as {value!r} needs one origin for all rows. Give a number."
        )
    else:
        days = (_date(value, "by") - clock.origin).days
        found = days * PER_DAY[clock.per]
    if not 0 < found < np.inf:
        raise InputError(f"by must lie after the origin; got {value!r}.")
    return found


def _origins(data: pd.DataFrame, line: Timeline) -> pd.Series | None:
    if line.origin is None:
        return None
    if isinstance(line.origin, str) and line.origin in data.columns:
        return _dates(data[line.origin])
    return pd.Series(_date(line.origin, "origin"), index=data.index)


def _span(
    data: pd.DataFrame, line: Timeline, origins: pd.Series | None
) -> tuple[Array, Array]:
    """Return between what times a row ends."""
    column = data[line.duration]
    if line.precision == "year" and origins is not None:
        return _year(column, line, origins)
    upper = _times(column, line, origins)
    if line.after is None:
        return upper, upper
    return _times(data[line.after], line, origins), upper


def _year(column: pd.Series, line: Timeline, origins: pd.Series) -> tuple[Array, Array]:
    """Return the first and the last moment of each calendar year, since the origin."""
    years = column
    if pd.api.types.is_datetime64_any_dtype(column):
        years = column.dt.year
    numbers = _numbers(years)
    known = np.isnan(numbers)
    require(
        known | ((numbers % 1 == 0) & (numbers >= FIRST_YEAR) & (numbers <= LAST_YEAR)),
        f"Years in '{column.name}' must be whole numbers such as 2018",
        ids=column.index,
        way_out="With dates, leave precision= out.",
    )
    return tuple(  # type: ignore[return-value]
        _since(_january(numbers + ahead, column.index), origins, line)
        for ahead in (0, 1)
    )


def _january(years: Array, index: pd.Index) -> pd.Series:
    text = pd.Series(years, index=index).astype("Int64").astype("string") + "-01-01"
    return pd.to_datetime(text, format="%Y-%m-%d")


def _end(data: pd.DataFrame, line: Timeline, origins: pd.Series | None) -> Array | None:
    if line.censored_on is None:
        return None
    if isinstance(line.censored_on, str) and line.censored_on in data.columns:
        return _times(data[line.censored_on], line, origins)
    if origins is None:
        if isinstance(line.censored_on, bool | str | date):
            raise InputError(
                f"censored_on={line.censored_on!r} is neither a column nor a number. "
                "With dates, give origin=."
            )
        end = np.full(len(data), float(line.censored_on))
    else:
        day = pd.Series(_date(line.censored_on, "censored_on"), index=data.index)
        end = _since(day, origins, line)
    require(
        ~(end <= 0),
        f"The end of observation (censored_on={line.censored_on}) must lie after the "
        "origin",
        ids=data.index,
        way_out="Give a later censored_on, or drop rows that begin after it.",
    )
    return end


def _times(column: pd.Series, line: Timeline, origins: pd.Series | None) -> Array:
    if origins is not None:
        return _since(_dates(column), origins, line)
    if pd.api.types.is_datetime64_any_dtype(column) or not _numeric(column):
        raise InputError(
            f"Durations '{column.name}' must be numbers; these are "
            f"{pd.api.types.infer_dtype(column, skipna=True)} "
            f"({first(column.dropna().iloc[:6])}). For dates, pass "
            f"duration=Timeline({line.duration!r}, origin='2015-11-29')."
        )
    return _numbers(column)


def _numeric(column: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(column):
        return True
    values = column.dropna()
    return bool(pd.to_numeric(values, errors="coerce").notna().all()) and not any(
        isinstance(v, str) for v in values
    )


def _numbers(column: pd.Series) -> Array:
    if not pd.api.types.is_numeric_dtype(column):
        column = pd.to_numeric(column.astype(object), errors="coerce")
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _since(dates: pd.Series, origins: pd.Series, line: Timeline) -> Array:
    days = (dates - origins) / pd.Timedelta(days=1)
    return np.asarray(days.to_numpy(np.float64) * PER_DAY[line.per])


def _dates(column: pd.Series) -> pd.Series:
    """Read a column of dates; text is read one way only, for 03/04 is two days."""
    if pd.api.types.is_datetime64_any_dtype(column):
        if column.dt.tz is not None:
            column = column.dt.tz_localize(None)
        return column
    values = column.astype(object)
    text = values.map(lambda v: isinstance(v, str))
    read = values.map(str, na_action="ignore").where(text, values)
    fine = ~text | read.astype("string").str.fullmatch(ISO).fillna(value=False)
    other = ~text & values.notna()
    fine &= ~other | values.map(lambda v: hasattr(v, "year"))
    found = pd.to_datetime(
        read.where(fine, None).map(_as_text, na_action="ignore"),
        format="%Y-%m-%d",
        errors="coerce",
    )
    require(
        (found.notna() | values.isna()).to_numpy(dtype=bool),
        f"Dates in '{column.name}' must be written one way, as 2020-01-31"
        f"{_example(values, found)}",
        ids=column.index,
        way_out="Read the column with pandas.to_datetime(column, format=...).",
    )
    return found


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:%Y-%m-%d}"


def _example(values: pd.Series, found: pd.Series) -> str:
    broken = values[found.isna() & values.notna()]
    return f" (not {broken.iloc[0]!r})" if len(broken) else ""


def _date(value: Any, name: str) -> pd.Timestamp:
    if isinstance(value, str | pd.Timestamp) or hasattr(value, "year"):
        try:
            text = value if isinstance(value, str) else f"{value:%Y-%m-%d}"
            return pd.to_datetime(text, format="%Y-%m-%d")
        except ValueError:
            pass
    raise InputError(
        f"{name}={value!r} is neither a column nor a date such as '2020-01-31'."
    )


def _coded(
    data: pd.DataFrame, exited: str | None, upper: Array, end: Array | None
) -> Array:
    """Return 1 where a row exits; other codes are kept, to be refused by name."""
    if exited is None:
        return np.where(np.isnan(upper), 0.0 if end is not None else np.nan, 1.0)
    numbers = _numbers(data[exited])
    strange = np.isnan(numbers) & data[exited].notna().to_numpy()
    return np.where(strange, -1.0, numbers)


def _censored(
    lower: Array, upper: Array, left: Array, end: Array | None
) -> tuple[Array, Array, Array, tuple[str, ...]]:
    """Stop observation where it ends."""
    notes: list[str] = []
    stay = left == 0
    if end is not None:
        # Who has not left is seen until the end; without a time of its own, too.
        seen = np.where(np.isnan(upper) & stay, end, upper)
        late: Mask = (left == 1) & (upper > end)
        if late.any():
            notes.append(
                f"{int(late.sum()):,} exits after the end of observation count as not "
                "yet."
            )
        # An exit only known to lie in an interval across the end may be after it.
        cut = np.where(late, np.minimum(lower, end), np.minimum(seen, end))
        upper = np.where(late | stay, cut, upper)
        left = np.where(late, 0.0, left)
        stay = left == 0
    lower = np.where(stay, upper, lower)
    return lower, upper, left, tuple(notes)

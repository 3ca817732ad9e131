"""A user's list of units and when they left poverty."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns, require_option, unit_ids
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array

ISO = r"\d{4}-\d{2}-\d{2}"
YEARS = (1900, 2100)
MISSING = ("", "NA", "NaN", "nan", "None", "null")


def read_exits(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    unit_id: str = "unit_id",
    left: str = "exit_year",
    origin: str = "2015-12-31",
    width: int | None = None,
    repeats: str = "refuse",
) -> pd.DataFrame:
    """Read a list of units with the year or the day on which each left poverty.

    Such as the 832 national-level poor counties of China and the years in which their
    provinces announced that they had left the list (2016 to 2020).

    Parameters
    ----------
    source : path or DataFrame
        CSV (UTF-8) or Parquet, one row a unit.
    unit_id : str
        Column of ids.
    left : str
        Column: calendar years as whole numbers, or days as ``2018-09-25``; empty for
        units that have not left.
    origin : str
        The day from which time runs; exits lie after it.
    width : int, optional
        How many digits an id has. Ids that lost leading zeros on their way (numbers)
        get them back; without it they are refused.
    repeats : {"refuse", "first", "last"}
        What to do where a unit stands more than once (two counties merged into one):
        keep the row that left first, or last.

    Returns
    -------
    DataFrame, one row a unit, in the order of `source`
        ``unit_id`` (text); ``exit_year`` (whole number, or missing) and, where days are
        given, ``exit_date``; ``exited`` (0 or 1); the other columns. For
        ``exit_hazard``, with years: ``duration=Timeline("exit_year", origin=origin,
        precision="year", censored_on=...)``; with days: ``Timeline("exit_date",
        origin=origin, censored_on=...)``. ``attrs``: status "measured", the title and,
        in ``notes``, what was repaired.

    Raises
    ------
    InputError
        If the file cannot be read, ids are missing, numbers without `width`, too long
        or repeated, years are not whole numbers, days are not written year-month-day,
        an exit lies before the origin, or no unit has left.

    Examples
    --------
    >>> left = {"adcode": ["530129", "522632"], "exit_year": [2018, 2020]}
    >>> read_exits(pd.DataFrame(left), unit_id="adcode")
      unit_id  exit_year  exited
    0  530129       2018       1
    1  522632       2020       1
    """
    require_option(repeats, ("refuse", "first", "last"), "repeats")
    table = (
        source.copy() if isinstance(source, pd.DataFrame) else _read(source, unit_id)
    )
    table = table.reset_index(drop=unit_id in table.columns)
    require_columns(table, [unit_id, left], "The list of exits")
    _refuse_taken(table, unit_id, left)
    ids, notes = _ids(table[unit_id], width)
    start = _day(origin)
    when = _exits(table[left], ids, start)
    made = pd.DataFrame({"unit_id": ids, **when})
    others = [c for c in table.columns if c not in (unit_id, left)]
    out = pd.concat([made, table[others]], axis=1)
    out, merged = _once(out, repeats)
    if not out["exited"].any():
        raise InputError(f"No unit has left; '{left}' is empty. Name another column.")
    name = "a table" if isinstance(source, pd.DataFrame) else Path(source).name
    out.attrs = {
        "status": "measured",
        **table.attrs,
        "title": table.attrs.get("title", f"Exits from poverty ({name})"),
        "notes": (*table.attrs.get("notes", ()), *notes, *merged),
    }
    return out


def _read(source: str | os.PathLike[str], unit_id: str) -> pd.DataFrame:
    path = Path(source)
    if not path.is_file():
        raise InputError(f"There is no file '{path}'. Check the path.")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        # All as text, so that no leading zero is lost; numbers are told below.
        text = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{path.name}' must be in UTF-8; it is not. Save it anew as 'CSV UTF-8' "
            "(a Chinese spreadsheet may write GB18030)."
        ) from error
    except (ValueError, OSError) as error:
        raise InputError(
            f"'{path.name}' cannot be read as a table ({error}). Give CSV or Parquet."
        ) from error
    return text.apply(lambda c: _cells(c) if c.name == unit_id else _told(c))


def _told(column: pd.Series) -> pd.Series:
    """Turn a column of text into numbers if all of it is and no zero is lost."""
    known = ~column.isin(MISSING)
    if not known.any() or column[known].str.match(r"0\d").any():
        return _cells(column)
    if column[known].isin(["True", "False"]).all() and known.all():
        return column == "True"
    numbers = pd.to_numeric(column.where(known), errors="coerce")
    return _cells(column) if numbers[known].isna().any() else numbers


def _cells(column: pd.Series) -> pd.Series:
    """Return text with empty cells missing."""
    return column.where(~column.isin(MISSING), None)


def _refuse_taken(table: pd.DataFrame, unit_id: str, left: str) -> None:
    made = {"unit_id", "exit_year", "exit_date", "exited"} - {unit_id, left}
    taken = sorted(made & set(map(str, table.columns)))
    if taken:
        raise InputError(
            f"The list must not have the columns that are made here; it has "
            f"{first(taken)}. Rename or drop them."
        )


def _ids(column: pd.Series, width: int | None) -> tuple[pd.Index, list[str]]:
    """Return ids as text, leading zeros mended, and what was done."""
    if width is None:
        return _as_given(column), []
    require(
        column.notna().to_numpy(),
        "The list of exits: every row needs a unit id",
        ids=[f"row {i}" for i in range(len(column))],
        way_out="Fill or drop these rows.",
    )
    text = column.astype(str).str.strip().str.replace(r"\.0$", "", regex=True)
    require(
        text.str.fullmatch(rf"\d{{1,{width}}}").to_numpy(bool),
        f"Unit ids must be {width} digits",
        ids=text.to_numpy(),
        way_out="Mend these ids, or leave out width=.",
    )
    short = int((text.str.len() < width).sum())
    note = f"{short:,} ids got their leading zeros back ({width} digits)."
    return unit_ids(text.str.zfill(width), "The list of exits", unique=False), (
        [note] if short else []
    )


def _as_given(column: pd.Series) -> pd.Index:
    """Return ids that are text, refusing digits that have lost leading zeros."""
    ids = unit_ids(column, "The list of exits", unique=False)
    lengths = ids.str.len()
    if ids.str.fullmatch(r"\d+").all() and lengths.min() < lengths.max():
        short = ids[lengths < lengths.max()]
        raise InputError(
            f"Unit ids of digits must have one length; {len(short)} of "
            f"{len(ids)} are shorter than {lengths.max()} ({first(short)}), so leading "
            f"zeros are lost. Pass width={lengths.max()} to have them back."
        )
    return ids


def _day(origin: str) -> pd.Timestamp:
    day = pd.to_datetime(origin, format="%Y-%m-%d", errors="coerce")
    if pd.isna(day):
        raise InputError(
            f"origin must be a day such as '2015-12-31'; got {origin!r}. Write year, "
            "month and day."
        )
    return day


def _exits(
    column: pd.Series, ids: pd.Index, origin: pd.Timestamp
) -> dict[str, pd.Series]:
    """Return year (and day) of exits, checked against the origin."""
    if _holds_days(column):
        days = _days(column, ids)
        require(
            ~(days <= origin).to_numpy(),
            f"Exits must lie after the origin, {origin.date()}",
            ids=ids,
            way_out="Drop units that had left before, or name an earlier origin.",
        )
        year = days.dt.year.astype("Int64")
        return _made(year) | {"exit_date": days}
    numbers = pd.to_numeric(column, errors="coerce")
    known = column.notna().to_numpy()
    values: Array = numbers.to_numpy(np.float64, na_value=np.nan)
    fine = (values % 1 == 0) & (values >= YEARS[0]) & (values <= YEARS[1])
    require(
        ~known | fine,
        f"'{column.name}' must hold years such as 2018, or days such as 2018-09-25",
        ids=ids,
        way_out="Write all in one form; leave it empty for units that have not left.",
    )
    end = values + 1  # the year's end must lie after the origin
    require(
        ~known | (end > origin.year + (origin.dayofyear >= 365)),
        f"Exits must lie after the origin, {origin.date()}",
        ids=ids,
        way_out="Drop units that had left before, or name an earlier origin.",
    )
    return _made(numbers.astype("Int64"))


def _made(year: pd.Series) -> dict[str, pd.Series]:
    whole = year if year.isna().any() else year.astype(np.int64)
    return {"exit_year": whole, "exited": year.notna().astype(np.int64)}


def _holds_days(column: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column):
        return False
    text = column.dropna().astype(str)
    return bool(text.str.fullmatch(ISO).any())


def _days(column: pd.Series, ids: pd.Index) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.reset_index(drop=True)
    text = column.where(column.isna(), column.astype(str).str.strip())
    days = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    require(
        (days.notna() | column.isna()).to_numpy(),
        f"Days in '{column.name}' must all be written year-month-day",
        ids=ids,
        way_out="Write them like 2018-09-25; years alone need a list of years.",
    )
    return days.reset_index(drop=True)


def _once(table: pd.DataFrame, repeats: str) -> tuple[pd.DataFrame, list[str]]:
    """Refuse units that stand twice, or keep one row of each."""
    twice = table["unit_id"].duplicated(keep=False)
    if not twice.any():
        return table, []
    named = table.loc[twice, "unit_id"].unique()
    if repeats == "refuse":
        raise InputError(
            f"A unit must stand once in the list of exits; {len(named)} of "
            f"{table['unit_id'].nunique()} units stand more than once "
            f"({first(named)}). Drop the repeats, or pass repeats='first' or "
            "'last' to keep the row that left first or last."
        )
    key = "exit_date" if "exit_date" in table else "exit_year"
    order = table[key].sort_values(kind="stable", na_position="last").index
    kept = table.loc[order].drop_duplicates("unit_id", keep=repeats).index.sort_values()
    note = (
        f"{len(named)} units stood more than once ({first(named)}); the row that left "
        f"{repeats} was kept."
    )
    return table.loc[kept].reset_index(drop=True), [note]

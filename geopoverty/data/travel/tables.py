"""Travel times from a table in memory, long or wide."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._checks import FIRST, first, require, require_same_units, unit_ids
from geopoverty.data.travel.batches import FILLED
from geopoverty.data.travel.checks import broken_error
from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel.gather import MARKED, Gathering
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes, Mask

_COMMA = re.compile(r"\s*-?\d+,\d+\s*")


def is_long(names: list[str], options: TravelFormat) -> bool:
    """Return whether a table has the three columns of a long one."""
    return set(options.columns) <= set(names)


def gather_long(table: pd.DataFrame, options: TravelFormat, held: Gathering) -> None:
    """Take in a long table.

    Raises
    ------
    InputError
        If ids are missing or no text, a pair stands twice, or a time is not a
        number above 0.
    """
    start, start_ids = _codes(table[options.columns[0]])
    end, end_ids = _codes(table[options.columns[1]])
    ids = np.unique(np.concatenate([start_ids, end_ids]).astype(object))
    start = np.searchsorted(ids, start_ids)[start]
    end = np.searchsorted(ids, end_ids)[end]
    minutes = options.minutes(_numbers(table[options.columns[2]]))
    numbers = held.codes(ids).astype(np.int32)
    held.add(numbers[start], numbers[end], minutes, _marks(table))
    known = ~np.isnan(minutes)
    if held.repeats or len(ids) > MARKED:
        _refuse_repeats(ids, start[known], end[known])
    if held.broken:
        bad = known & (start != end) & ~((minutes > 0) & np.isfinite(minutes))
        order = np.lexsort((end[bad], start[bad]))
        pairs = (ids[start[bad][order]], ids[end[bad][order]])
        raise broken_error(*pairs, len(order))


def wide_matrix(
    table: pd.DataFrame, options: TravelFormat, name: str
) -> tuple[pd.Index, Array]:
    """Return the units and the matrix of a wide table.

    Raises
    ------
    InputError
        If it is not wide, ids repeat or are no text, rows and columns differ, or a
        cell is not a number.
    """
    _check_wide(table, options, name)
    ids = unit_ids(table.iloc[:, 0], "The first column", unique=True)
    columns = unit_ids(pd.Index(table.columns[1:]), "The header", unique=True)
    where = columns.get_indexer(ids)
    require(
        where >= 0,
        "Every row of a wide table needs a column of the same id",
        ids=ids,
        noun="units",
        way_out="Correct the header.",
    )
    columns_in_order = [table.iloc[:, 1 + j] for j in where]
    matrix = np.column_stack([_numbers(c) for c in columns_in_order])
    return ids, options.minutes(matrix)


def _check_wide(table: pd.DataFrame, options: TravelFormat, name: str) -> None:
    if len(table.columns) == len(table) + 1:
        return
    names = [str(c) for c in table.columns]
    rows = pd.Index(table.iloc[:, 0]) if names else pd.Index([])
    columns = pd.Index(table.columns[1:])
    if rows.isin(columns).any():
        require_same_units(
            unit_ids(rows, "The first column", unique=True),
            unit_ids(columns, "The header", unique=True),
            names=("the rows", "the columns of a wide table"),
            way_out="Give every unit a row and a column; empty cells are unreachable.",
        )
    if len(names) == 1 and (mark := re.search(r"[;\t|]", names[0])):
        raise InputError(
            f"{name} has one column, '{names[0][:60]}', so its columns seem to be "
            f"separated by {mark[0]!r}. Say so: options=TravelFormat(separator="
            f"{mark[0]!r}), and decimal=',' if numbers are written 30,5."
        )
    raise InputError(
        f"{name} must be long (columns {', '.join(options.columns)}) or wide (ids, "
        f"then one column a unit, {len(table)} of them); it has {len(names)} "
        f"columns: {first(names, 8)}. Rename the columns."
    )


def _codes(column: pd.Series) -> tuple[Codes, NDArray[np.object_]]:
    codes, ids = pd.factorize(column)
    if (codes < 0).any():
        unit_ids(column, f"The column '{column.name}'", unique=False)
    names = unit_ids(pd.Index(ids), f"The column '{column.name}'", unique=True)
    return codes, names.to_numpy(dtype=object)


def _numbers(column: pd.Series) -> Array:
    if pd.api.types.is_numeric_dtype(column):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    numbers = pd.to_numeric(column, errors="coerce")
    kept = (numbers.notna() | column.isna()).to_numpy()
    commas = all(_COMMA.fullmatch(str(v)) for v in column[~kept].iloc[:FIRST])
    require(
        kept,
        f"'{column.name}' must be numbers (minutes)",
        ids=column.index,
        way_out="They look like decimal commas (30,5): read the file with "
        "options=TravelFormat(decimal=',')."
        if commas
        else "Correct or empty these cells.",
    )
    return np.asarray(numbers.to_numpy(float))


def _marks(table: pd.DataFrame) -> Mask | None:
    if FILLED not in table.columns or not pd.api.types.is_bool_dtype(table[FILLED]):
        return None
    return np.asarray(table[FILLED].to_numpy(dtype=bool))


def _refuse_repeats(ids: NDArray[np.object_], start: Codes, end: Codes) -> None:
    key = start.astype(np.int64) * len(ids) + end
    order = np.argsort(key, kind="stable")
    again = order[1:][key[order][1:] == key[order][:-1]]
    if again.size:
        pairs = first(f"{ids[start[i]]} to {ids[end[i]]}" for i in again[: FIRST + 1])
        raise InputError(
            f"Each pair must stand once; {again.size} of {len(key)} rows repeat one "
            f"({pairs}). Drop the repeats, or take the mean over them."
        )

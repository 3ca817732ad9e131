"""From a table or file of any shape to units and their matrix."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from geopoverty.data.travel.batches import (
    Unclear,
    csv_batches,
    csv_names,
    gather,
    long_types,
    parquet_batches,
)
from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel.gather import Gathering
from geopoverty.data.travel.metadata import KEY, Remembered, from_text, read_beside
from geopoverty.data.travel.omx import OMXTable, open_omx
from geopoverty.data.travel.tables import gather_long, is_long, wide_matrix
from geopoverty.data.travel.times import TravelTimes
from geopoverty.data.travel.within import Within
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Matrix

BLOCK = 256  # rows of a matrix
_TORN = re.compile(r"Expected (\d+) columns, got (\d+)")
_UNREADABLE = (pa.ArrowException, ValueError, OSError)


@dataclass(frozen=True)
class Plan:
    """What is asked of a source.

    Attributes
    ----------
    options : TravelFormat
    within : Within
    wanted : Index of str, optional
    """

    options: TravelFormat = field(default_factory=TravelFormat)
    within: Within = field(default_factory=Within)
    wanted: pd.Index | None = None

    def gathering(self, listed: tuple[str, ...] = ()) -> Gathering:
        """Return an empty gathering of what is asked."""
        return Gathering(self.within, self.wanted, listed)

    @property
    def whole(self) -> bool:
        """Whether all units and pairs are asked for."""
        return self.wanted is None and not self.within


@dataclass(frozen=True)
class Read:
    """What was read.

    Attributes
    ----------
    units : Index of str
    matrix : array or CSR array
    filled : CSR array of bool, optional
    n : int
        Units in the source, kept or not.
    said : Remembered
    """

    units: pd.Index
    matrix: Matrix
    filled: Matrix | None
    n: int
    said: Remembered = field(default_factory=Remembered)


def read_table(
    table: pd.DataFrame, name: str, plan: Plan, said: Remembered | None = None
) -> Read:
    """Read a table in memory.

    Parameters
    ----------
    table : DataFrame
    name : str
        What to call it.
    plan : Plan
    said : Remembered, optional
        What its file remembers.
    """
    said = said or Remembered()
    if is_long([str(c) for c in table.columns], plan.options):
        held = plan.gathering(said.units)
        gather_long(table, plan.options, held)
        return _finished(held, said)
    ids, matrix = wide_matrix(table, plan.options, name)
    if plan.whole:
        return Read(ids, matrix, None, len(ids), said)
    parts = ((i, matrix[i : i + BLOCK]) for i in range(0, len(ids), BLOCK))
    return _cut(ids, parts, plan, said)


def read_file(path: Path, plan: Plan) -> Read:
    """Read a file, in batches where that serves.

    Raises
    ------
    InputError
        If it is not there, or of another kind, or holds something else.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet, ".omx": _read_omx}
    if not path.is_file():
        raise InputError(f"There is no file '{path}'. Check the path.")
    if path.suffix.lower() not in readers:
        raise InputError(
            f"Travel times are read from .csv, .parquet or .omx; '{path}' ends in "
            f"'{path.suffix}'. Convert it, or pass a DataFrame."
        )
    return readers[path.suffix.lower()](path, plan)


def _read_parquet(path: Path, plan: Plan) -> Read:
    try:
        schema = pa.parquet.read_schema(path)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    said = from_text((schema.metadata or {}).get(KEY.encode()))

    def whole() -> pa.Table:
        start, end, _ = plan.options.columns
        return pa.parquet.read_table(path, read_dictionary=[start, end])

    if not is_long(schema.names, plan.options):
        return _whole(path, whole, plan, said)
    return _batched(parquet_batches(path, plan.options), path, whole, plan, said)


def _read_csv(path: Path, plan: Plan) -> Read:
    try:
        # Ids must arrive as text, so the header decides before anything is parsed.
        names = csv_names(path, plan.options)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    said, long = read_beside(path), is_long(names, plan.options)
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names[:1], pa.string()),
        decimal_point=plan.options.decimal,
    )
    if long:
        convert = long_types(names, plan.options)

    def whole() -> pa.Table:
        parse = pa.csv.ParseOptions(delimiter=plan.options.separator)
        return pa.csv.read_csv(path, parse_options=parse, convert_options=convert)

    if not long:
        return _whole(path, whole, plan, said)
    return _batched(csv_batches(path, plan.options), path, whole, plan, said)


def _read_omx(path: Path, plan: Plan) -> Read:
    with open_omx(path, plan.options) as table:
        if not plan.whole:
            return _cut(table.units, table.blocks(), plan, table.said)
        return _whole_omx(table)


def _whole_omx(table: OMXTable) -> Read:
    matrix = np.concatenate([block for _, block in table.blocks()])
    return Read(table.units, matrix, table.marks(), len(matrix), table.said)


def _batched(
    batches: Iterator[pa.RecordBatch],
    path: Path,
    whole: Callable[[], pa.Table],
    plan: Plan,
    said: Remembered,
) -> Read:
    held = plan.gathering(said.units)
    try:
        gather(batches, plan.options, held)
        done = _finished(held, said)
    except Unclear:
        # The whole table names every row that breaks a rule, or needs other types.
        return _whole(path, whole, plan, said)
    return done if not held.repeats else _whole(path, whole, plan, said)


def _whole(
    path: Path, whole: Callable[[], pa.Table], plan: Plan, said: Remembered
) -> Read:
    try:
        table = whole().to_pandas()
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    return read_table(table, f"'{path}'", plan, said)


def _cut(
    ids: pd.Index, blocks: Iterator[tuple[int, Array]], plan: Plan, said: Remembered
) -> Read:
    held = plan.gathering(tuple(ids))
    places = np.arange(len(ids), dtype=np.int32)
    for first, block in blocks:
        held.add_rows(places, first, block)
        if held.broken:
            _refuse_block(ids, first, block)
    return _finished(held, said)


def _refuse_block(ids: pd.Index, first: int, block: Array) -> None:
    matrix = np.full((len(ids), len(ids)), np.nan)
    matrix[first : first + len(block)] = block
    TravelTimes(ids, matrix, "measured")


def _finished(held: Gathering, said: Remembered) -> Read:
    units, matrix, filled = held.finish()
    return Read(units, matrix, filled, len(held.names), said)


def _unreadable(path: Path, error: Exception) -> InputError:
    text = str(error)
    way_out = "Check that it is a table."
    if re.search(r"invalid value '-?\d+,\d+'", text):
        way_out = (
            "Numbers seem to have decimal commas: options=TravelFormat(decimal=',')."
        )
    elif (torn := _TORN.search(text)) and int(torn[2]) > int(torn[1]):
        way_out = (
            "Every line must have as many cells as the header; decimal commas (30,5) "
            "need another separator, such as ';'."
        )
    return InputError(f"'{path}' cannot be read ({text}). {way_out}")

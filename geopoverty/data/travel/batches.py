"""Long tables of CSV or Parquet, read in batches and never whole."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel.gather import Gathering
from geopoverty.numerics.types import Array, Mask

FILLED = "filled"  # the column that marks pairs filled by a rule
ROWS = 1 << 17  # of a batch of Parquet
BUFFER = 1 << 20  # bytes read ahead of a column: else all of a row group is
BYTES = 1 << 23  # of a block of CSV
TEXT = pa.dictionary(pa.int32(), pa.string())


class Unclear(Exception):  # noqa: N818 - it never leaves the reader
    """A batch that only the whole table can explain."""


def parquet_batches(path: Path, options: TravelFormat) -> Iterator[pa.RecordBatch]:
    """Yield batches of a long Parquet file, ids as dictionary codes."""
    with pa.parquet.ParquetFile(
        path, read_dictionary=options.columns[:2], pre_buffer=False, buffer_size=BUFFER
    ) as file:
        names = [*options.columns]
        names += [FILLED] if FILLED in file.schema_arrow.names else []
        yield from _ahead(file.iter_batches(ROWS, columns=names))


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches, the next one being read meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def csv_batches(path: Path, options: TravelFormat) -> Iterator[pa.RecordBatch]:
    """Yield batches of a long CSV file, blocks being parsed side by side."""
    names = csv_names(path, options)

    def parse(block: pa.Buffer, head: int) -> list[pa.RecordBatch]:
        read = pa.csv.ReadOptions(
            use_threads=False, column_names=names, skip_rows=head, block_size=block.size
        )
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            read_options=read,
            parse_options=pa.csv.ParseOptions(delimiter=options.separator),
            convert_options=long_types(names, options, only=True),
        )
        return list(table.to_batches())

    threads = os.cpu_count() or 1
    waiting: deque[Future[list[pa.RecordBatch]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for number, block in enumerate(_blocks(path)):
            waiting.append(pool.submit(parse, block, int(number == 0)))
            if len(waiting) > threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def csv_names(path: Path, options: TravelFormat) -> list[str]:
    """Return the header of a CSV file."""
    parse = pa.csv.ParseOptions(delimiter=options.separator)
    with pa.csv.open_csv(path, parse_options=parse) as reader:
        return list(reader.schema.names)


def long_types(
    names: list[str], options: TravelFormat, *, only: bool = False
) -> pa.csv.ConvertOptions:
    """Return how the columns of a long CSV file are to be parsed."""
    start, end, minutes = options.columns
    types = {start: TEXT, end: TEXT, minutes: pa.float64()}
    if FILLED in names:
        types[FILLED] = pa.bool_()
    return pa.csv.ConvertOptions(
        column_types=types,
        include_columns=list(types) if only else None,
        decimal_point=options.decimal,
        check_utf8=not only,
    )


def gather(
    batches: Iterator[pa.RecordBatch], options: TravelFormat, held: Gathering
) -> None:
    """Take all batches in.

    Raises
    ------
    Unclear
        If ids or minutes of a batch break a rule: which, the whole table tells.
    """
    start, end, minutes = options.columns
    known = {start: Ids(), end: Ids()}
    try:
        for batch in batches:
            held.add(
                known[start].places(batch[start], held),
                known[end].places(batch[end], held),
                options.minutes(_numbers(batch[minutes])),
                _marks(batch),
            )
            if held.repeats or held.broken:
                raise Unclear
    except (pa.ArrowException, ValueError, OSError) as error:
        raise Unclear from error


class Ids:
    """From the dictionary codes of one column to the numbers of units."""

    def __init__(self) -> None:
        self._dictionary = pa.array([], pa.string())
        self._numbers = np.empty(0, dtype=np.int32)  # of its entries; -1: not met

    def places(self, column: pa.Array, held: Gathering) -> NDArray[np.int32]:
        """Return the number of each row's unit."""
        if column.null_count or not _is_text(column.type):
            raise Unclear
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        codes = column.indices.to_numpy()
        if not column.dictionary.equals(self._dictionary):
            self._dictionary = column.dictionary
            self._numbers = held.numbers_of(self._dictionary.cast(pa.string()))
        found: NDArray[np.int32] = self._numbers[codes]
        if len(found) and found.min() < 0:
            # Units not met before; a dictionary may hold more than its batch uses.
            new = np.unique(codes[found < 0])
            names = self._dictionary.take(pa.array(new)).to_pylist()
            if not all(names):
                raise Unclear
            self._numbers[new] = held.codes(names)
            found = self._numbers[codes]
        return found


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _numbers(column: pa.Array) -> Array:
    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type):
        raise Unclear
    values = column.cast(pa.float64())
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _marks(batch: pa.RecordBatch) -> Mask | None:
    if FILLED not in batch.schema.names:
        return None
    column = batch[FILLED]
    if not pa.types.is_boolean(column.type):
        raise Unclear
    return np.asarray(column.fill_null(False).to_numpy(zero_copy_only=False))


def _blocks(path: Path) -> Iterator[pa.Buffer]:
    """Yield a text file in blocks that end with a line, without copying them."""
    size, start, room = path.stat().st_size, 0, BYTES
    with path.open("rb") as file:
        while start < size:
            file.seek(start)
            block = file.read(room)
            end = block.rfind(b"\n") + 1
            if start + len(block) >= size:
                end = len(block)  # the last line may lack its end
            if not end:
                room *= 2
                continue
            yield pa.py_buffer(block).slice(0, end)
            start += end

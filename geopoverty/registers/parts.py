"""Parts of a register: each gives its rows in batches, and is never held whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from geopoverty.errors import InputError
from geopoverty.numerics.blocks import blocks

ROWS = 32_768  # of a batch: a few megabytes, many blocks
_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


class Part(Protocol):
    """Some rows of a register, wherever they are.

    Attributes
    ----------
    name : str
        What to call it in messages.
    """

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def batches(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield its rows, these columns only; texts come as categories."""


@dataclass(frozen=True, eq=False)
class FramePart:
    """Rows of a table in memory.

    Attributes
    ----------
    name : str
    table : DataFrame
    """

    name: str
    table: pd.DataFrame = field(repr=False)

    def batches(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield its rows, these columns only; texts come as categories."""
        for rows in blocks(len(self.table), ROWS):
            yield as_categories(self.table.iloc[rows][list(columns)])


@dataclass(frozen=True)
class FilePart:
    """Some row groups of a Parquet file.

    Attributes
    ----------
    path : str
    groups : tuple of int
    name : str
    start : int
        Row of the file that is its first, counted from 0.
    constants : mapping of str to value
        What the names of its folders say, such as ``year=2020``.
    """

    path: str
    groups: tuple[int, ...]
    name: str
    start: int = 0
    constants: Mapping[str, Any] = field(default_factory=dict)

    def batches(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield its rows, these columns only; texts come as categories."""
        held = [c for c in columns if c not in self.constants]
        try:
            with pa.parquet.ParquetFile(
                self.path, read_dictionary=held, pre_buffer=False
            ) as file:
                at = self.start
                for batch in file.iter_batches(
                    ROWS,
                    row_groups=list(self.groups),
                    columns=held,
                    use_threads=False,
                ):
                    table = table_of(batch)
                    table.index = pd.RangeIndex(at, at + len(table))
                    at += len(table)
                    yield self._told(table, columns)
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"{self.name} cannot be read ({str(error).splitlines()[0][:120]}). "
                "Write this part again; nothing was computed from the others."
            ) from error

    def _told(self, table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        for name, value in self.constants.items():
            if name in columns:
                table[name] = _constant(value, len(table))
        return table


@dataclass(frozen=True, eq=False)
class StreamPart:
    """All rows of a DuckDB relation, read as a stream afresh for every pass.

    Attributes
    ----------
    name : str
    relation : duckdb.DuckDBPyRelation
    """

    name: str
    relation: Any = field(repr=False)

    def batches(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield its rows, these columns only; texts come as categories."""
        quoted = ", ".join('"' + c.replace('"', '""') + '"' for c in columns)
        for batch in self.relation.project(quoted).to_arrow_reader(ROWS):
            yield table_of(batch)


def table_of(batch: pa.RecordBatch) -> pd.DataFrame:
    """Return a batch as a table whose columns share its memory where they can.

    Examples
    --------
    >>> batch = pa.record_batch({"age": [1, None], "sex": ["f", "m"]})
    >>> table_of(batch).dtypes.astype(str).to_dict()
    {'age': 'float64', 'sex': 'category'}
    """
    columns = [_column(c) for c in batch.columns]
    table = pa.Table.from_arrays(columns, names=batch.schema.names)
    return table.to_pandas(split_blocks=True, ignore_metadata=True)


def as_categories(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts are categories.

    Examples
    --------
    >>> as_categories(pd.DataFrame({"sex": ["f", "m"]}))["sex"].dtype.name
    'category'
    """
    texts = [
        c
        for c in table.columns
        if pd.api.types.is_object_dtype(table[c])
        or pd.api.types.is_string_dtype(table[c].dtype)
    ]
    return table.astype(dict.fromkeys(texts, "category"))


def _column(column: pa.Array) -> pa.Array:
    kind = column.type
    if any(is_text(kind) for is_text in _TEXT):
        return column.dictionary_encode()
    if pa.types.is_dictionary(kind):  # only texts have categories here
        texts = any(is_text(kind.value_type) for is_text in _TEXT)
        return column if texts else column.dictionary_decode()
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    return column


def _constant(value: Any, rows: int) -> Any:
    if isinstance(value, str):
        return pd.Categorical.from_codes([0] * rows, categories=[value])
    return value

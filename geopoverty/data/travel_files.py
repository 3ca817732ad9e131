"""Travel times from CSV, Parquet or a table, long or wide."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from scipy import sparse

from geopoverty._checks import FIRST, first, require, unit_ids
from geopoverty.data.travel import TravelTimes
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes, Matrix

LONG = ("from_id", "to_id", "travel_time")
DENSE_SHARE = 0.25  # with more of all pairs known, a dense matrix is smaller
_TEXT = pa.dictionary(pa.int32(), pa.string())


def read_travel_times(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    units: Sequence[str] | pd.Index | None = None,
    status: str = "measured",
) -> TravelTimes:
    """Read travel times in minutes, long or wide.

    Parameters
    ----------
    source : path or DataFrame
        CSV or Parquet. Long: columns ``from_id, to_id, travel_time``. Wide: a
        first column of unit ids, then one column a unit, from row to column.
        Unreachable pairs are absent or empty.
    units : sequence of str, optional
        Keep these units, in this order; each must be in the table. All units
        in order of their ids when not given.
    status : {"measured", "routed", "modelled", "simulated"}
        Where the minutes come from; it follows them into every footer.

    Returns
    -------
    TravelTimes
        Dense when at least a quarter of all pairs is known, else sparse.

    Raises
    ------
    InputError
        If the file cannot be read, ids are numbers or missing, a pair stands
        twice, a time off the diagonal is not above 0, or a unit is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"from_id": ["a", "b"], "to_id": ["b", "a"],
    ...                       "travel_time": [30.0, 35.0]})
    >>> read_travel_times(table).matrix
    array([[nan, 30.],
           [35., nan]])
    """
    if isinstance(source, pd.DataFrame):
        table, name, attrs = source, "The table", dict(source.attrs)
    else:
        table, name, attrs = _read(Path(source)), f"'{source}'", {}
    if set(LONG) <= set(table.columns):
        ids, matrix = _from_long(table)
    elif _is_wide(table):
        ids, matrix = _from_wide(table)
    else:
        raise InputError(
            f"{name} must be long (columns {', '.join(LONG)}) or wide (ids, then one "
            f"column a unit, {len(table)} of them); it has {len(table.columns)} "
            f"columns: {first(table.columns, 8)}. Rename the columns."
        )
    times = TravelTimes(ids, matrix, status, (), attrs)
    return times if units is None else times.subset(units)


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"There is no file '{path}'. Check the path.")
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(
            f"Travel times are read from .csv or .parquet; '{path}' ends in "
            f"'{path.suffix}'. Convert it, or pass a DataFrame."
        )
    try:
        if path.suffix == ".parquet":
            table = pa.parquet.read_table(path, read_dictionary=list(LONG[:2]))
        else:
            table = _read_csv(path)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InputError(
            f"'{path}' cannot be read ({error}). Check that it is a table."
        ) from error
    return table.to_pandas()


def _read_csv(path: Path) -> pa.Table:
    # Ids must arrive as text, so the header decides before anything is parsed.
    with pyarrow.csv.open_csv(path) as reader:
        names = reader.schema.names
    types = dict.fromkeys(names[:1], pa.string())
    if set(LONG) <= set(names):
        types = {"from_id": _TEXT, "to_id": _TEXT, "travel_time": pa.float64()}
    return pyarrow.csv.read_csv(
        path, convert_options=pyarrow.csv.ConvertOptions(column_types=types)
    )


def _is_wide(table: pd.DataFrame) -> bool:
    return len(table.columns) == len(table) + 1


def _from_long(table: pd.DataFrame) -> tuple[pd.Index, Matrix]:
    start, start_ids = _codes(table["from_id"])
    end, end_ids = _codes(table["to_id"])
    ids = np.unique(np.concatenate([start_ids, end_ids]).astype(object))
    start = np.searchsorted(ids, start_ids)[start]
    end = np.searchsorted(ids, end_ids)[end]
    minutes = _numbers(table["travel_time"])
    known = ~np.isnan(minutes)
    start, end, minutes = start[known], end[known], minutes[known]
    n = len(ids)
    if len(minutes) >= DENSE_SHARE * n * n:
        matrix = np.full((n, n), np.nan)
        matrix[start, end] = minutes
        held = n * n - int(np.isnan(matrix).sum())
    else:
        matrix = sparse.csr_array((minutes, (start, end)), shape=(n, n))
        held = matrix.nnz
    if held < len(minutes):
        _refuse_repeats(ids, start, end)
    return pd.Index(ids), matrix


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
    require(
        (numbers.notna() | column.isna()).to_numpy(),
        f"'{column.name}' must be numbers (minutes)",
        ids=column.index,
        way_out="Correct or empty these cells.",
    )
    return np.asarray(numbers.to_numpy(float))


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


def _from_wide(table: pd.DataFrame) -> tuple[pd.Index, Matrix]:
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
    return ids, matrix

"""Travel times to CSV, Parquet or OMX, with all that must be read with them."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from geopoverty._checks import require_option
from geopoverty._files import atomic_path, output_path
from geopoverty.data.travel.formats import LONG
from geopoverty.data.travel.metadata import KEY, as_text, write_beside
from geopoverty.data.travel.omx import write_omx
from geopoverty.data.travel.times import TravelTimes
from geopoverty.errors import InputError


def write_travel_times(
    times: TravelTimes, path: str | os.PathLike[str], *, shape: str = "long"
) -> None:
    """Write travel times to a file, whole or not at all.

    `read_travel_times` gives back what was written: minutes, units in their order
    (also those that nobody reaches), status, notes, source and the marks of filled
    pairs.

    Parameters
    ----------
    times : TravelTimes
    path : path
        Ends in .csv, .parquet or .omx.
    shape : {"long", "wide"}
        One row a known pair, ``from_id, to_id, travel_time`` (and ``filled``), or
        one row and one column a unit. OMX is always a matrix.

    Raises
    ------
    InputError
        If the folder is not there or cannot be written, the name ends otherwise, or
        marks of filled pairs would be lost in a wide table.
    MissingExtraError
        If openmatrix is not installed, for OMX.

    Notes
    -----
    Parquet and OMX keep status, notes and source inside. A CSV file has no place for
    them: they stand beside it, in a file of the same name with "-metadata.json"
    at its end, and count as long as the CSV file is not changed. In OMX the matrix
    is called ``travel_time``, its index ``unit_id``; ids that are whole numbers
    without leading zeros are written as numbers.

    Examples
    --------
    >>> import tempfile
    >>> from geopoverty.data.travel_files import read_travel_times
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [35.0, 0.0]], "routed")
    >>> path = Path(tempfile.mkdtemp()) / "times.parquet"
    >>> write_travel_times(times, path)
    >>> read_travel_times(path)
    TravelTimes: 2 units, 2 pairs (100 %), median 32.5 minutes, routed
    """
    require_option(shape, ("long", "wide"), "shape")
    target = writable(path)
    matrix = target.suffix.lower() == ".omx"
    if shape == "wide" and times.filled is not None and not matrix:
        raise InputError(
            f"{times.filled.nnz} of these minutes were filled by a rule, and a wide "
            "table has no place to mark them. Write it long, or as .omx."
        )
    made: Callable[[TravelTimes], pa.Table] = _long if shape == "long" else _wide
    with atomic_path(target) as draft:
        _writers()[target.suffix.lower()](times, made, draft, target)


def writable(path: str | os.PathLike[str]) -> Path:
    """Check that travel times can be written to `path`, before they are made.

    Examples
    --------
    >>> writable("times.omx").suffix
    '.omx'
    """
    target = output_path(path)
    if target.suffix.lower() not in _writers():
        raise InputError(
            f"Travel times are written to .csv, .parquet or .omx; '{target.name}' "
            f"ends in '{target.suffix}'. Name another file."
        )
    return target


def _writers() -> dict[str, Callable[..., None]]:
    return {".csv": _csv, ".parquet": _parquet, ".omx": _omx}


def _csv(
    times: TravelTimes,
    made: Callable[[TravelTimes], pa.Table],
    draft: Path,
    target: Path,
) -> None:
    pa.csv.write_csv(made(times), draft)
    write_beside(times, draft, target)


def _parquet(
    times: TravelTimes, made: Callable[[TravelTimes], pa.Table], draft: Path, _: Path
) -> None:
    table = made(times)
    said = {**(table.schema.metadata or {}), KEY: as_text(times)}
    pa.parquet.write_table(table.replace_schema_metadata(said), draft)


def _omx(
    times: TravelTimes, _: Callable[[TravelTimes], pa.Table], draft: Path, __: Path
) -> None:
    write_omx(times, draft)


def _long(times: TravelTimes) -> pa.Table:
    row, column, minutes = times.pairs()
    ids = pa.array(list(times.units), pa.string())
    ends = [
        pa.DictionaryArray.from_arrays(pa.array(c.astype(np.int32)), ids)
        for c in (row, column)
    ]
    columns = dict(zip(LONG, [*ends, pa.array(minutes)], strict=True))
    if times.filled is not None:
        marks = np.asarray(times.filled[row, column], dtype=bool)
        columns["filled"] = pa.array(marks)
    return pa.table(columns)


def _wide(times: TravelTimes) -> pa.Table:
    full = times.matrix
    if times.is_sparse:
        row, column, minutes = times.pairs()
        full = np.full((times.n, times.n), np.nan)
        full[row, column] = minutes
    cells = [pa.array(full[:, j], from_pandas=True) for j in range(times.n)]
    name = _free_name(times.units)
    return pa.table(
        [pa.array(list(times.units), pa.string()), *cells], names=[name, *times.units]
    )


def _free_name(units: pd.Index) -> str:
    name = "unit_id"
    while name in units:
        name += "_"
    return name

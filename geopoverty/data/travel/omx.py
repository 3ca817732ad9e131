"""Travel times in OMX files, the exchange format of travel models."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, nearest_name, unit_ids
from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel.metadata import KEY, as_text, from_text
from geopoverty.data.travel.times import TravelTimes
from geopoverty.errors import InputError, MissingExtraError
from geopoverty.numerics.types import Array, Matrix

MATRIX, INDEX, MARKS = "travel_time", "unit_id", "filled"
BLOCK = 256  # rows read at a time


class OMXTable:
    """One matrix of an open OMX file.

    Attributes
    ----------
    units : Index of str, shape (n,)
    said : Remembered
        What `write_travel_times` wrote besides minutes.
    """

    def __init__(self, file: Any, path: Path, options: TravelFormat) -> None:
        self._options, self._path = options, path
        self.said = from_text(_remembered(file))
        self._node = _matrix_node(file, path, options)
        self.units = _units(file, path, options, self._node.shape)
        self._marks = file.get_node("/data", MARKS) if _has_marks(file, self) else None

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Yield the first row of each block, and its minutes."""
        for start in range(0, len(self.units), BLOCK):
            rows = np.asarray(self._node[start : start + BLOCK], dtype=np.float64)
            self._refuse_zeros(start, rows)
            yield start, self._options.minutes(rows)

    def _refuse_zeros(self, start: int, rows: Array) -> None:
        if 0 in self._options.unreachable:
            return
        zero = rows == 0
        own = np.arange(len(rows))
        zero[own, start + own] = False
        if not zero.any():
            return
        pairs = zip(*np.nonzero(zero), strict=True)
        some = [f"{self.units[start + i]} to {self.units[j]}" for i, j in pairs]
        raise InputError(
            f"'{self._path.name}' holds 0 minutes between different units ("
            f"{first(some)}). Where 0 means that there is no way, say so: "
            "options=TravelFormat(unreachable=(0,))."
        )

    def marks(self) -> Matrix | None:
        """Return which pairs were filled, as 0 and 1."""
        return None if self._marks is None else self._marks[:] != 0


@contextmanager
def open_omx(path: Path, options: TravelFormat) -> Iterator[OMXTable]:
    """Open one matrix of an OMX file.

    Raises
    ------
    InputError
        If it is no OMX file, or the matrix or the index cannot be told.
    MissingExtraError
        If openmatrix is not installed.
    """
    package = _openmatrix()
    import tables

    try:
        file = package.open_file(str(path), "r")
    except (tables.HDF5ExtError, OSError, ValueError) as error:
        raise InputError(
            f"'{path}' cannot be read (it is no HDF5 file, or a damaged one). OMX "
            "files are HDF5: check the file, or convert it."
        ) from error
    try:
        yield OMXTable(file, path, options)
    except tables.HDF5ExtError as error:
        raise InputError(
            f"'{path}' cannot be read (its numbers are damaged). Copy it anew."
        ) from error
    finally:
        file.close()


def write_omx(times: TravelTimes, draft: Path) -> None:
    """Write travel times to an OMX file: minutes, ids, marks and what it remembers.

    Ids that are whole numbers without leading zeros become numbers, which every
    travel model reads; others are text.
    """
    package = _openmatrix()
    file = package.open_file(str(draft), "w")
    try:
        file.create_matrix(MATRIX, obj=_dense(times), title="minutes")
        if times.filled is not None:
            file.create_matrix(MARKS, obj=times.filled.toarray().astype(np.uint8))
        file.create_array(file.root.lookup, INDEX, obj=_labels(times.units))
        text = as_text(times, {"units": []}).encode()  # the index has them
        file.create_array(file.root, KEY, obj=np.frombuffer(text, np.uint8))
    finally:
        file.close()


def _openmatrix() -> Any:
    try:
        import openmatrix
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "OMX files need the package openmatrix, which is not installed. Install "
            'the extra: pip install "geopoverty[omx]".'
        ) from error
    return openmatrix


def _dense(times: TravelTimes) -> Array:
    if not times.is_sparse:
        return np.ascontiguousarray(times.matrix)
    row, column, minutes = times.pairs()
    full = np.full((times.n, times.n), np.nan)
    full[row, column] = minutes
    return full


def _labels(units: pd.Index) -> Any:
    numbers = [int(u) if u.isascii() and u.isdigit() else -1 for u in units]
    plain = all(
        0 <= i < 2**32 and str(i) == u for i, u in zip(numbers, units, strict=True)
    )
    if plain:
        return np.array(numbers, dtype=np.uint32)
    return np.array([u.encode() for u in units])


def _names(file: Any, group: str) -> list[str]:
    if group not in file.root:
        return []
    return [node.name for node in file.list_nodes(f"/{group}")]


def _remembered(file: Any) -> bytes | None:
    if KEY not in file.root:
        return None
    node = file.get_node("/", KEY)
    plain = getattr(node, "dtype", None) == np.uint8
    return bytes(node[:].tobytes()) if plain else None


def _has_marks(file: Any, table: OMXTable) -> bool:
    return table.said.status is not None and MARKS in _names(file, "data")


def _matrix_node(file: Any, path: Path, options: TravelFormat) -> Any:
    names = _names(file, "data")
    own = from_text(_remembered(file)).status is not None
    choice = options.matrix or (MATRIX if own else None)
    if choice is None and len(names) == 1:
        choice = names[0]
    if choice is None or choice not in names:
        asked = "several matrices" if options.matrix is None else f"no '{choice}'"
        if not names:
            asked = "no matrix"
        hint = nearest_name(choice, names) if choice else ""
        raise InputError(
            f"'{path}' holds {asked}{': ' if names else ''}{first(names, 12)}.{hint} "
            "Name the one with travel times: options=TravelFormat(matrix=...)."
        )
    node = file.get_node("/data", choice)
    shape: tuple[int, ...] = getattr(node, "shape", ())
    if len(shape) != 2 or shape[0] != shape[1] or node.dtype.kind not in "iuf":
        raise InputError(
            f"The matrix '{choice}' of '{path}' must be square and of numbers; it is "
            f"{' x '.join(map(str, shape)) or 'empty'}, {getattr(node, 'dtype', '')}. "
            "Keep the zones that are both origins and destinations."
        )
    return node


def _units(
    file: Any, path: Path, options: TravelFormat, shape: tuple[int, int]
) -> pd.Index:
    given = options.ids is not None
    ids = pd.Index(list(options.ids or ())) if given else _index(file, path, options)
    if len(ids) != shape[0]:
        raise InputError(
            f"The ids of '{path}' must be as many as the rows of its matrix; there "
            f"are {len(ids)} for {shape[0]} rows. Name another index: "
            "options=TravelFormat(index=...), or give ids=."
        )
    return unit_ids(ids, f"The index of '{path.name}'", unique=True)


def _index(file: Any, path: Path, options: TravelFormat) -> pd.Index:
    names = _names(file, "lookup")
    choice = options.index or (INDEX if INDEX in names else None)
    if choice is None and len(names) == 1:
        choice = names[0]
    if not names and choice is None:
        raise InputError(
            f"'{path}' has no index (lookup), so its rows cannot be told apart. Give "
            "the ids in the order of rows: options=TravelFormat(ids=[...])."
        )
    if choice is None or choice not in names:
        asked = "several indices" if options.index is None else f"no index '{choice}'"
        hint = nearest_name(choice, names) if choice else ""
        raise InputError(
            f"'{path}' has {asked}{': ' if names else ''}{first(names, 12)}.{hint} "
            "Name one: options=TravelFormat(index=...)."
        )
    return _labels_of(np.asarray(file.get_node("/lookup", choice)[:]), options)


def _labels_of(values: Any, options: TravelFormat) -> pd.Index:
    if values.dtype.kind in "SU":
        decoded = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
        return pd.Index(decoded)
    if values.dtype.kind not in "iuf" or (values != np.round(values)).any():
        raise InputError(
            "The index of an OMX file must hold whole numbers or text; it holds "
            f"{values.dtype}. Give the ids: options=TravelFormat(ids=[...])."
        )
    width = options.width or 0
    return pd.Index([str(int(v)).zfill(width) for v in values])

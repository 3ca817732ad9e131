"""Travel times between units: one type, dense or sparse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from geopoverty._checks import require, require_option, unit_ids
from geopoverty.data.travel.checks import check_minutes
from geopoverty.data.travel.within import Within
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes, Matrix
from geopoverty.provenance import STATUSES


@dataclass(frozen=True, eq=False, repr=False)
class TravelTimes:
    """Minutes from every unit to every other.

    Attributes
    ----------
    units : Index of str, shape (n,)
        Unique.
    matrix : array, shape (n, n), or CSR array
        Minutes from row to column, above 0 off the diagonal. Unreachable pairs
        are NaN in an array, absent from a CSR array. It need not be symmetric;
        the diagonal is not used.
    status : {"measured", "routed", "modelled", "simulated"}
        Where the minutes come from. It follows them into every footer.
    notes : tuple of str
        What must be read with them.
    attrs : mapping
        Title, source, licence, attribution.
    filled : CSR array of bool, shape (n, n), optional
        The pairs that `fill_missing` filled; their minutes do not have `status`.
    within : Within
        What was left out while reading or routing; by default nothing.

    Raises
    ------
    InputError
        If ids are not text or repeat, shapes differ, a time off the diagonal is
        not above 0, or there is none.

    Examples
    --------
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [35.0, 0.0]], "measured")
    >>> times
    TravelTimes: 2 units, 2 pairs (100 %), median 32.5 minutes, measured
    """

    units: pd.Index
    matrix: Matrix
    status: str
    notes: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    filled: Matrix | None = None
    within: Within = field(default_factory=Within)

    def __post_init__(self) -> None:
        require_option(self.status, STATUSES, "status")
        units = unit_ids(pd.Index(self.units), "The travel times", unique=True)
        matrix = self.matrix
        if sparse.issparse(matrix):
            matrix = sparse.csr_array(matrix, dtype=np.float64)
        else:
            matrix = np.asarray(matrix, dtype=np.float64)
        if matrix.shape != (len(units), len(units)):
            raise InputError(
                f"Travel times between {len(units)} units need a {len(units)} x "
                f"{len(units)} matrix; this one is {matrix.shape}."
            )
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "filled", _marks(self.filled, len(units)))
        check_minutes(units, matrix, self.minutes())

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def is_sparse(self) -> bool:
        """Whether only some pairs are held."""
        return bool(sparse.issparse(self.matrix))

    def minutes(self) -> Array:
        """Return the known minutes off the diagonal, shape (pairs,)."""
        if self.is_sparse:
            table = self.matrix.tocoo()
            return np.asarray(table.data[table.row != table.col])
        # A strided view skips the diagonal of a contiguous square matrix.
        flat = np.ascontiguousarray(self.matrix).ravel()[: self.n**2 - 1]
        values = flat.reshape(self.n - 1, self.n + 1)[:, 1:].ravel()
        return np.asarray(values[np.isfinite(values)])

    def pairs(self) -> tuple[Codes, Codes, Array]:
        """Return where each known pair starts and ends, and its minutes.

        Pairs stand in the order of rows; the diagonal is left out.

        Examples
        --------
        >>> TravelTimes(["a", "b"], [[0.0, 30.0], [np.nan, 0.0]], "measured").pairs()
        (array([0]), array([1]), array([30.]))
        """
        if self.is_sparse:
            table = self.matrix.tocoo()
            row, column, value = table.row, table.col, table.data
        else:
            row, column = np.nonzero(np.isfinite(self.matrix))
            value = self.matrix[row, column]
        off = row != column
        return row[off], column[off], value[off]

    def subset(self, units: Sequence[str] | pd.Index) -> "TravelTimes":
        """Return the times between some of the units, in the order given.

        A note says that units were left out, for whoever uses the times.

        Raises
        ------
        InputError
            If a unit is not held, or only each unit's nearest are held: some of
            a subset would have fewer.
        """
        rows = positions(self.units, units, "the travel times")
        if self.within.nearest is not None and len(rows) < self.n:
            raise InputError(
                f"{self.within}, so that units of a subset would lack some of theirs. "
                "Name the units while reading: read_travel_times(..., units=...)."
            )
        picked = self.matrix[rows][:, rows]
        marks = None if self.filled is None else self.filled[rows][:, rows]
        notes = (*self.notes, *left_out(len(rows), self.n))
        return replace(
            self, units=self.units[rows], matrix=picked, notes=notes, filled=marks
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a known pair: ``from_id, to_id, travel_time``.

        A column ``filled`` marks the pairs that a rule filled, if there are any.
        """
        row, column, value = self.pairs()
        frame = pd.DataFrame(
            {
                "from_id": self.units[row],
                "to_id": self.units[column],
                "travel_time": value,
            }
        )
        if self.filled is not None:
            frame["filled"] = np.asarray(self.filled[row, column], dtype=bool)
        frame.attrs = {**self.attrs, "status": self.status}
        return frame

    def require_all_pairs(self, use: str) -> None:
        """Raise `InputError` if pairs were left out while reading or routing.

        Parameters
        ----------
        use : str
            What needs all of them, such as ``"A comparison"``.
        """
        if self.within:
            raise InputError(
                f"{use} needs all pairs. {self.within}. Take all of them, without "
                "cutoff= and nearest=."
            )

    def __repr__(self) -> str:
        minutes = self.minutes()
        possible = max(self.n * (self.n - 1), 1)
        median = f"{np.median(minutes):.1f}" if minutes.size else "no"
        filled = "" if self.filled is None else f", {self.filled.nnz:,} filled"
        return (
            f"TravelTimes: {self.n} units, {minutes.size:,} pairs "
            f"({100 * minutes.size / possible:.0f} %), median {median} minutes, "
            f"{self.status}{filled}"
        )


def _marks(filled: Matrix | None, n: int) -> Matrix | None:
    if filled is None:
        return None
    marks = sparse.csr_array(filled, dtype=bool)
    if marks.shape != (n, n):
        raise InputError(
            f"The marks of filled pairs must be {n} x {n}; these are {marks.shape}."
        )
    marks.eliminate_zeros()
    return marks if marks.nnz else None


def left_out(kept: int, n: int) -> tuple[str, ...]:
    """Return the note that a subset of units owes its reader.

    Examples
    --------
    >>> left_out(3, 3)
    ()
    """
    if kept == n:
        return ()
    return (
        f"Only {kept:,} of {n:,} units are held; neighbours outside them do not count.",
    )


def positions(units: pd.Index, wanted: Sequence[str] | pd.Index, where: str) -> Codes:
    """Return where each wanted unit stands, or raise `InputError` naming the rest."""
    if isinstance(wanted, str):
        raise InputError(f"units must be a list of ids; got the text '{wanted}'.")
    asked = unit_ids(pd.Index(wanted), "The wanted units", unique=True)
    found = np.asarray(units.get_indexer(asked), dtype=np.intp)
    require(
        found >= 0,
        f"Every wanted unit must be among {where}",
        ids=asked,
        noun="units",
        way_out="Check the ids, or leave these out.",
    )
    return found

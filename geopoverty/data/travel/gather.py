"""Pairs that come in batches, in any order, gathered into one matrix."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from geopoverty._checks import warn
from geopoverty.data.travel.checks import MEDIAN_IMPLAUSIBLE
from geopoverty.data.travel.times import positions
from geopoverty.data.travel.within import Within
from geopoverty.errors import InputError
from geopoverty.numerics.pairs import grown, keep_nearest, sift
from geopoverty.numerics.types import Array, Codes, Mask, Matrix

DENSE_SHARE = 0.25  # with more of all pairs known, a dense matrix is smaller
MARKED = 32_768  # units: with more, repeats are looked for among what is kept
EVERY = 61  # one in so many pairs tells the median of all
Places = NDArray[np.int32]
Part = tuple[NDArray[Any], NDArray[Any], Array]


class Gathering:
    """Pairs within reach, as they come by.

    Parameters
    ----------
    within : Within
        What to keep.
    wanted : sequence of str, optional
        Only pairs between these units count, and this is their order.
    listed : sequence of str
        Units known before the first pair; others follow in the order of ids.

    Attributes
    ----------
    repeats, broken : int
        Pairs that came twice; times that are not above 0 and finite.

    Examples
    --------
    >>> held = Gathering(Within(cutoff=40))
    >>> a, b = held.codes(["a", "b"])
    >>> pairs = np.array([a, b]), np.array([b, a])
    >>> held.add(*pairs, np.array([30.0, 50.0]))
    >>> held.kept
    1
    """

    def __init__(
        self,
        within: Within,
        wanted: Sequence[str] | pd.Index | None = None,
        listed: Sequence[str] = (),
    ) -> None:
        self.within, self.wanted = within, wanted
        self.names: dict[str, int] = {}
        self.listed = list(listed)
        self.repeats = self.broken = self.kept = 0
        self._asked = (
            {} if wanted is None else {str(u): i for i, u in enumerate(wanted)}
        )
        self._place = np.empty(0, dtype=np.int32)
        self._seen = np.zeros((8, 1), dtype=np.uint8)
        self._parts: list[Part] = []
        self._filled: list[Part] = []
        self._sample: list[Array] = []
        self._rank = np.empty(0, dtype=np.int32)
        k = within.nearest or 0
        self._best, self._where = np.empty((0, k)), np.empty((0, k), dtype=np.int32)
        self.codes(self.listed)

    def codes(self, names: Iterable[str]) -> Places:
        """Return a number for each unit; new ones are taken in."""
        known, before = self.names, len(self.names)
        found = np.array([known.setdefault(x, len(known)) for x in names], np.int32)
        if len(known) > before:
            self._make_room()
        return found

    def numbers_of(self, names: pa.Array) -> Places:
        """Return the numbers of units met before, -1 for others."""
        known = pa.array(list(self.names), pa.string())
        found = pc.index_in(names, value_set=known).fill_null(-1)
        return np.array(found.to_numpy(), dtype=np.int32)

    def add(
        self, start: Places, end: Places, minutes: Array, filled: Mask | None = None
    ) -> None:
        """Take in pairs: numbers of units, minutes (NaN: unknown), marks."""
        if self.wanted is not None:
            start, end = self._place[start], self._place[end]
        reach = np.inf if self.within.cutoff is None else float(self.within.cutoff)
        rows, repeats, broken = sift(start, end, minutes, reach, self._seen)
        self.repeats += repeats
        self.broken += broken
        if self.within:
            some = slice(None, None, EVERY)
            self._sample.append(minutes[some][start[some] != end[some]])
        if filled is not None and filled.any():
            marked = rows[filled[rows]]
            self._filled.append((start[marked], end[marked], minutes[marked]))
        start, end, minutes = start[rows], end[rows], minutes[rows]
        self.kept += len(rows)
        if self.within.nearest is not None:
            keep_nearest(start, end, minutes, self._best, self._where, self._rank)
        else:
            self._parts.append((start, end, minutes))

    def add_rows(self, places: Places, first: int, block: Array) -> None:
        """Take in a block of rows of a matrix between units numbered `places`."""
        start = np.repeat(places[first : first + len(block)], block.shape[1])
        self.add(
            start, np.tile(places, len(block)), np.ascontiguousarray(block).ravel()
        )

    def finish(self) -> tuple[pd.Index, Matrix, Matrix | None]:
        """Return the units, their matrix and the marks of filled pairs.

        Raises
        ------
        InputError
            If a wanted unit never came, or no pair is within reach.

        Warns
        -----
        GeoPovertyWarning
            If half of all pairs take implausibly long, kept or not.
        """
        ids, order = self._order()
        self._check_reach()
        parts = self._parts if self.within.nearest is None else [self._nearest()]
        matrix, held = _matrix(parts, order)
        if len(ids) > MARKED:
            self.repeats += sum(len(part[0]) for part in parts) - held
        return ids, matrix, _marked(self._filled, order, matrix)

    def _make_room(self) -> None:
        names = list(self.names)
        if self.wanted is None:
            self._place = np.arange(len(names), dtype=np.int32)
            self._rank = np.argsort(self._sorted()).astype(np.int32)
        else:
            more = [self._asked.get(x, -1) for x in names[len(self._place) :]]
            self._place = np.concatenate([self._place, np.array(more, np.int32)])
            self._rank = np.arange(len(self._asked), dtype=np.int32)
        n = len(self._rank)
        self._seen = grown(self._seen, n) if n <= MARKED else self._seen[:0]
        k, new = self._best.shape[1], n - len(self._best)
        if k and new:
            self._best = np.vstack([self._best, np.full((new, k), np.inf)])
            self._where = np.vstack([self._where, np.full((new, k), -1, np.int32)])

    def _sorted(self) -> Codes:
        """Return the numbers of units: the listed ones, then the others by id."""
        names, start = list(self.names), len(self.listed)
        rest = sorted(range(start, len(names)), key=names.__getitem__)
        return np.array([*range(start), *rest], dtype=np.intp)

    def _order(self) -> tuple[pd.Index, Codes]:
        names = np.array(list(self.names), dtype=object)
        if self.wanted is not None:
            positions(pd.Index(names), self.wanted, "the travel times")
            return pd.Index(self.wanted, dtype=object), np.arange(len(self._asked))
        order = self._sorted()
        return pd.Index(names[order], dtype=object), np.argsort(order)

    def _nearest(self) -> Part:
        row, slot = np.nonzero(self._where >= 0)
        end = self._where[row, slot]
        return row, end, self._best[row, slot]

    def _check_reach(self) -> None:
        minutes = np.concatenate([np.empty(0), *self._sample])
        minutes = minutes[np.isfinite(minutes)]
        if not self.within or not len(minutes):
            return
        median = float(np.median(minutes))
        if not self.kept:
            raise InputError(
                f"No pair is within cutoff={self.within.cutoff:g} minutes; half of "
                f"all pairs are within {median:.3g}. Raise the cutoff, or check that "
                "times are in minutes."
            )
        if median > MEDIAN_IMPLAUSIBLE:
            warn(
                f"Travel times must be in minutes; half of all pairs are within "
                f"{median:.3g}, which looks like seconds. Convert them if they are."
            )


def _joined(parts: list[Part], column: int, dtype: type) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *(part[column] for part in parts)])


def _matrix(parts: list[Part], order: Codes) -> tuple[Matrix, int]:
    """Return minutes, dense if many are known, and how many are."""
    n = len(order)
    if sum(len(part[0]) for part in parts) >= DENSE_SHARE * n * n:
        full = np.full((n, n), np.nan)
        for start, end, minutes in parts:
            full[order[start], order[end]] = minutes
        return full, int(np.isfinite(full).sum())
    ends = order[_joined(parts, 0, np.int32)], order[_joined(parts, 1, np.int32)]
    held = sparse.csr_array((_joined(parts, 2, np.float64), ends), shape=(n, n))
    return held, held.nnz


def _marked(parts: list[Part], order: Codes, matrix: Matrix) -> Matrix | None:
    start, end = order[_joined(parts, 0, np.int32)], order[_joined(parts, 1, np.int32)]
    if not len(start):
        return None
    held = matrix[start, end]  # of those marked, the nearest k may not hold all
    kept = np.isfinite(held) & (held > 0)
    start, end = start[kept], end[kept]
    return sparse.csr_array((np.ones(len(start), bool), (start, end)), matrix.shape)

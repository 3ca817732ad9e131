"""Who is at risk at each time of exit, without looking at every pair.

Distinct times of exit, stratum by stratum, are blocks 0 to G - 1 in ascending order. A
row is at risk in a run of blocks, from the first after its entry to the last not after
its time. A sum over those at risk is then a running sum over blocks, and what a row
gathers over time is a difference of running sums over blocks.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Blocks of tied exits, and in which of them each row is at risk.

    Attributes
    ----------
    first, last : array of int, shape (n,)
        Row i is at risk in blocks ``first[i] <= g < last[i]``.
    exits : array of int, shape (m,)
        Rows that exit, by block.
    starts : array of int, shape (G + 1,)
        Exits of block g are ``exits[starts[g]:starts[g + 1]]``.
    times : array, shape (G,)
    stratum : array of int, shape (G,)

    Examples
    --------
    >>> risk = risk_sets(np.array([1.0, 2, 2, 3]), np.array([True, True, True, False]))
    >>> risk.at_risk(np.ones((4, 1))).ravel(), risk.counts
    (array([4., 3.]), array([1, 2]))
    """

    first: Codes
    last: Codes
    exits: Codes
    starts: Codes
    times: Array
    stratum: Codes

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.first)

    @property
    def blocks(self) -> int:
        """Number of distinct times of exit."""
        return len(self.times)

    @property
    def tied(self) -> bool:
        """Whether any block has several exits."""
        return len(self.exits) > self.blocks

    @cached_property
    def counts(self) -> Codes:
        """Exits in each block, shape (G,)."""
        return np.diff(self.starts)

    @cached_property
    def block(self) -> Codes:
        """Block of each exit, shape (m,), ascending."""
        return np.repeat(np.arange(self.blocks), self.counts)

    @cached_property
    def begins(self) -> Codes:
        """First block of the stratum of each block, shape (G,)."""
        new = np.diff(self.stratum, prepend=-1) != 0
        return np.asarray(np.maximum.accumulate(np.where(new, np.arange(len(new)), 0)))

    @cached_property
    def _layers(self) -> list[slice]:
        """The blocks of each stratum."""
        edges = [*np.unique(self.begins).tolist(), self.blocks]
        return [slice(a, b) for a, b in pairwise(edges)]

    @cached_property
    def _late(self) -> Codes:
        """Rows that are at risk, but not in the first block of their stratum."""
        rows = np.flatnonzero(self.last > self.first)
        return rows[self.first[rows] > self.begins[self.first[rows]]]

    @cached_property
    def _leaving(self) -> tuple[Any, Any | None]:
        """Incidence of rows on their last block, and on the one before their first."""
        rows, late = np.flatnonzero(self.last > self.first), self._late
        leaving = _incidence(self.last[rows] - 1, rows, self.blocks, self.n)
        if not late.size:
            return leaving, None
        return leaving, _incidence(self.first[late] - 1, late, self.blocks, self.n)

    def at_risk(self, values: Array) -> Array:
        """Sum values of rows over those at risk in each block, (n, k) to (G, k)."""
        leaving, entering = self._leaving
        change = leaving @ values
        if entering is not None:
            change -= entering @ values
        # From the last time backwards, so that sums of few do not suffer from sums of
        # many; stratum by stratum, so that none suffers from another's.
        total: Array = np.empty_like(change)
        for part in self._layers:
            np.cumsum(change[part][::-1], axis=0, out=total[part][::-1])
        return total

    def exiting(self, values: Array) -> Array:
        """Sum values of rows, (n, k), over the exits of each block, (G, k)."""
        if not self.tied:
            return np.asarray(values[self.exits])
        return np.asarray(np.add.reduceat(values[self.exits], self.starts[:-1], axis=0))

    def gathered(self, values: Array) -> Array:
        """Sum values of blocks over those where a row is at risk, to (n, ...)."""
        total = np.zeros((self.blocks + 1, *values.shape[1:]))
        total[1:] = self.within(values)
        out = total[np.where(self.last > self.first, self.last, 0)]
        if self._late.size:
            out[self._late] -= total[self.first[self._late]]
        return np.asarray(out)

    def within(self, values: Array) -> Array:
        """Return running sums over blocks that begin anew in each stratum."""
        total = np.empty_like(values)
        for part in self._layers:
            np.cumsum(values[part], axis=0, out=total[part])
        return total


def risk_sets(
    time: Array, exited: Mask, entry: Array | None = None, stratum: Codes | None = None
) -> RiskSets:
    """Find who is at risk when.

    Parameters
    ----------
    time : array, shape (n,)
        End of each row.
    exited : array of bool, shape (n,)
        Whether that is an exit; at least one is.
    entry : array, shape (n,), optional
        A row is at risk in (entry, time].
    stratum : array of int, shape (n,), optional
        From 0.
    """
    layer = np.zeros(len(time), dtype=np.intp) if stratum is None else stratum
    moments, rank = np.unique(time, return_inverse=True)
    width = len(moments) + 1
    key = layer * width + rank
    exits = np.flatnonzero(exited)
    exits = exits[np.argsort(key[exits], kind="stable")]
    keys, starts = np.unique(key[exits], return_index=True)
    before = 0 if entry is None else np.searchsorted(moments, entry, side="right")
    return RiskSets(
        # Blocks of an entry or earlier are passed; none is when there is no entry.
        first=np.searchsorted(keys, layer * width + before, side="left"),
        last=np.searchsorted(keys, key, side="right"),
        exits=exits,
        starts=np.append(starts, len(exits)),
        times=moments[keys % width],
        stratum=keys // width,
    )


def _incidence(block: Codes, rows: Codes, blocks: int, n: int) -> Any:
    order = np.argsort(block, kind="stable")
    starts = np.searchsorted(block[order], np.arange(blocks + 1))
    return sparse.csr_array(
        (np.ones(len(rows)), rows[order], starts), shape=(blocks, n)
    )

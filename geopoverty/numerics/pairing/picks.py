"""Exactly k sources a target: among tied ones, the first in the table."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from geopoverty.numerics.pairing.nearest import Neighbours
from geopoverty.numerics.pairing.sides import Side
from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Picks:
    """Each target is matched with listed sources, all alike.

    Attributes
    ----------
    index : array of int, shape (targets, k)
        -1 where a target has fewer.
    sources : int

    Examples
    --------
    >>> one = Picks(np.array([[0], [0], [-1]]), 2)
    >>> one.forward(np.array([[3.0], [4.0]]))[:, 0].tolist()
    [3.0, 3.0, 0.0]
    """

    index: Codes
    sources: int

    def forward(self, values: Array) -> Array:
        """Return each target's sum over its sources, shape (targets, q)."""
        padded = np.vstack([values, np.zeros((1, values.shape[1]))])
        total = np.zeros((len(self.index), values.shape[1]))
        for column in self.index.T:
            total += padded[column]
        return total

    def adjoint(self, values: Array) -> Array:
        """Return each source's sum over the targets that have it, (sources, q)."""
        out = np.zeros((self.sources + 1, values.shape[1]))
        for column in self.index.T:
            for c in range(values.shape[1]):
                out[:, c] += np.bincount(
                    column % (self.sources + 1),
                    weights=values[:, c],
                    minlength=self.sources + 1,
                )
        return out[:-1]


def first_picks(
    found: Neighbours, sources: Side, k: int, counts: Codes | None = None
) -> Picks:
    """Take k sources a target, the first in the table among tied ones.

    Parameters
    ----------
    found : Neighbours
    sources : Side
    k : int
        As given to `nearest`.
    counts : array of int, shape (sources,), optional
        As given to `nearest`: a source may be picked this often.

    Returns
    -------
    Picks

    Examples
    --------
    >>> from geopoverty.numerics.pairing.nearest import nearest
    >>> from geopoverty.numerics.pairing.sides import side
    >>> score = np.array([0.2, 0.3, 0.1])
    >>> sources = side(score, np.array([1, 2]))
    >>> found = nearest(side(score, np.array([0])), sources, 1)
    >>> sources.rows[first_picks(found, sources, 1).index].tolist()
    [[1]]
    """
    times = np.ones(len(sources), np.intp) if counts is None else counts
    index = _picked(
        (found.all.low, found.all.high), (found.low, found.high), sources.rows, times, k
    )
    return Picks(index, len(sources))


@njit(cache=True, nogil=True)
def _picked(
    outer: tuple[Codes, Codes],
    inner: tuple[Codes, Codes],
    rows: Codes,
    times: Codes,
    k: int,
) -> Codes:
    n = len(outer[0])
    index = np.full((n, k), -1, np.intp)
    for i in range(n):
        filled = 0
        for j in range(inner[0][i], inner[1][i]):
            for _ in range(times[j]):
                index[i, filled] = j
                filled += 1
        left, right = outer[0][i], inner[1][i]
        while filled < k and (left < inner[0][i] or right < outer[1][i]):
            # Tied sources of one side stand in the order of the table.
            if right >= outer[1][i] or (
                left < inner[0][i] and rows[left] < rows[right]
            ):
                j, left = left, left + 1
            else:
                j, right = right, right + 1
            for _ in range(min(times[j], k - filled)):
                index[i, filled] = j
                filled += 1
    return index

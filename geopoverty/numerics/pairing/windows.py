"""Sums over windows of sorted rows, as exact as summing each window by itself."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Windows:
    """Each target is matched with a run of sources, all alike.

    Attributes
    ----------
    low, high : array of int, shape (targets,)
        The run is ``low <= j < high``; empty when they are equal.
    sources : int
        How many sources there are.

    Examples
    --------
    >>> two = Windows(np.array([0, 1]), np.array([2, 3]), 3)
    >>> two.forward(np.array([[1.0], [10.0], [100.0]]))[:, 0].tolist()
    [11.0, 110.0]
    >>> two.adjoint(np.array([[1.0], [5.0]]))[:, 0].tolist()
    [1.0, 6.0, 5.0]
    """

    low: Codes
    high: Codes
    sources: int

    def forward(self, values: Array) -> Array:
        """Return each target's sum over its sources, shape (targets, q)."""
        return _window_sums(self.low, self.high, np.ascontiguousarray(values))

    def adjoint(self, values: Array) -> Array:
        """Return each source's sum over the targets that have it, (sources, q)."""
        sized = np.ascontiguousarray(values)
        return _cover_sums(self.low, self.high, sized, self.sources)

    def sizes(self) -> Codes:
        """Return how many sources each target has."""
        return self.high - self.low


@njit(cache=True, nogil=True)
def _added(high: float, low: float, x: float) -> tuple[float, float]:
    """Add a number to a sum held in two parts, so that nothing is lost (Dekker)."""
    total = high + x
    virtual = total - high
    error = (high - (total - virtual)) + (x - virtual) + low
    new = total + error
    return new, error - (new - total)


@njit(cache=True, nogil=True)
def _window_sums(low: Codes, high: Codes, values: Array) -> Array:
    m, q = values.shape
    out = np.zeros((len(low), q))
    big, small = np.zeros(m + 1), np.zeros(m + 1)
    for c in range(q):
        for j in range(m):
            big[j + 1], small[j + 1] = _added(big[j], small[j], values[j, c])
        for i in range(len(low)):
            a, b = low[i], high[i]
            if b == a + 1:
                out[i, c] = values[a, c]
            elif b > a:
                out[i, c] = (big[b] - big[a]) + (small[b] - small[a])
    return out


@njit(cache=True, nogil=True)
def _cover_sums(low: Codes, high: Codes, values: Array, m: int) -> Array:
    n, q = values.shape
    out = np.zeros((m, q))
    # The change of the running sum at each source, in two parts.
    big, small = np.zeros(m + 1), np.zeros(m + 1)
    change = np.zeros(m + 1, np.int64)
    for i in range(n):
        if high[i] > low[i]:
            change[low[i]] += 1
            change[high[i]] -= 1
    for c in range(q):
        big[:] = 0.0
        small[:] = 0.0
        for i in range(n):
            a, b = low[i], high[i]
            if b > a:
                big[a], small[a] = _added(big[a], small[a], values[i, c])
                big[b], small[b] = _added(big[b], small[b], -values[i, c])
        over, rest, open_windows = 0.0, 0.0, 0
        for j in range(m):
            over, rest = _added(over, rest, big[j])
            over, rest = _added(over, rest, small[j])
            open_windows += change[j]
            if open_windows == 0:
                over, rest = 0.0, 0.0  # a source that nobody has: 0 to the last bit
            out[j, c] = over + rest
    return out

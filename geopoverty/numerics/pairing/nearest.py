"""The k nearest sources of each target, and those tied with the last of them."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from geopoverty.numerics.pairing.sides import Side, same
from geopoverty.numerics.pairing.windows import Windows
from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Runs of sorted sources around each target.

    Attributes
    ----------
    all : Windows
        The k nearest and all that are as near as the k-th.
    low, high : array of int, shape (targets,)
        Those strictly nearer than the k-th: ``low <= j < high``.
    wanted : array of int, shape (targets,)
        How many of the tied are needed to make k.
    tied : array of bool, shape (targets,)
        Whether more are tied than are needed.
    """

    all: Windows
    low: Codes
    high: Codes
    wanted: Codes
    tied: Mask


def nearest(
    targets: Side,
    sources: Side,
    k: int,
    *,
    caliper: float = np.inf,
    counts: Codes | None = None,
) -> Neighbours:
    """Find the k nearest sources of each target, sources used again and again.

    Parameters
    ----------
    targets, sources : Side
    k : int
        At least 1. With fewer sources (within the caliper) all of them are taken.
    caliper : float
        Greatest distance of a match.
    counts : array of int, shape (sources,), optional
        How often each source is there (in a resample); at least 1.

    Returns
    -------
    Neighbours
        Distances that agree to 1e-12 of the range of scores are ties.

    Examples
    --------
    >>> from geopoverty.numerics.pairing.sides import side
    >>> score = np.array([0.2, 0.1, 0.3, 0.3])
    >>> found = nearest(side(score, np.array([0])), side(score, np.array([1, 2, 3])), 1)
    >>> found.all.sizes().tolist(), found.tied.tolist()
    ([3], [True])
    """
    if counts is None:
        before = np.arange(len(sources) + 1, dtype=np.intp)
    else:
        before = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    close = same(targets, sources)
    reach = caliper + close
    low, high, a, b = _walk(
        targets.score, sources.score, sources.starts, before, k, reach, close
    )
    inner = before[b] - before[a]
    there = before[high] - before[low]
    wanted = np.minimum(k, there) - inner
    return Neighbours(
        Windows(low, high, len(sources)), a, b, wanted, there - inner > wanted
    )


@njit(cache=True, nogil=True)
def _walk(
    targets: Array,
    sources: Array,
    starts: Codes,
    before: Codes,
    k: int,
    reach: float,
    close: float,
) -> tuple[Codes, Codes, Codes, Codes]:
    n, groups = len(targets), len(starts) - 1
    low, high = np.empty(n, np.intp), np.empty(n, np.intp)
    inner_low, inner_high = np.empty(n, np.intp), np.empty(n, np.intp)
    at = 0  # first group at or above the target
    for i in range(n):
        x = targets[i]
        if i > 0 and x == targets[i - 1]:
            low[i], high[i] = low[i - 1], high[i - 1]
            inner_low[i], inner_high[i] = inner_low[i - 1], inner_high[i - 1]
            continue
        while at < groups and sources[starts[at]] < x:
            at += 1
        last = _kth_distance(x, sources, starts, before, at, k, reach)
        left, right = at, at  # groups left <= g < right
        while left > 0 and x - sources[starts[left - 1]] < last - close:
            left -= 1
        while right < groups and sources[starts[right]] - x < last - close:
            right += 1
        inner_low[i], inner_high[i] = starts[left], starts[right]
        while left > 0 and x - sources[starts[left - 1]] <= last + close:
            left -= 1
        while right < groups and sources[starts[right]] - x <= last + close:
            right += 1
        low[i], high[i] = starts[left], starts[right]
    return low, high, inner_low, inner_high


@njit(cache=True, nogil=True)
def _kth_distance(
    x: float,
    sources: Array,
    starts: Codes,
    before: Codes,
    at: int,
    k: int,
    reach: float,
) -> float:
    """Return how far the k-th is, or the last within reach; -inf when none is."""
    groups = len(starts) - 1
    left, right = at - 1, at
    found, last = 0, -np.inf
    while found < k:
        below = x - sources[starts[left]] if left >= 0 else np.inf
        above = sources[starts[right]] - x if right < groups else np.inf
        nearer = min(below, above)
        if nearer > reach or nearer == np.inf:
            break
        if below <= above:
            found += before[starts[left + 1]] - before[starts[left]]
            left -= 1
        else:
            found += before[starts[right + 1]] - before[starts[right]]
            right += 1
        last = nearer
    return last

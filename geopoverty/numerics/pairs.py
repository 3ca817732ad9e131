"""Pairs of places as they come by, in any order: which of them to keep."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geopoverty.numerics.types import Array, Codes, Mask

Bits = NDArray[np.uint8]
Places = NDArray[np.int32] | NDArray[np.int64]


def grown(seen: Bits, places: int) -> Bits:
    """Return marks of pairs with room for more places, those set being kept.

    Parameters
    ----------
    seen : array of uint8, shape (m, m / 8)
        One bit a pair.
    places : int

    Examples
    --------
    >>> grown(np.ones((8, 1), np.uint8), 9).shape
    (16, 2)
    """
    room = max(8, 1 << (places - 1).bit_length())
    if room <= len(seen):
        return seen
    wide = np.zeros((room, room // 8), dtype=np.uint8)
    wide[: seen.shape[0], : seen.shape[1]] = seen
    return wide


@njit(cache=True, nogil=True)
def sift(
    start: Places, end: Places, minutes: Array, reach: float, seen: Bits
) -> tuple[Codes, int, int]:
    """Return which pairs lie within reach, and what is wrong with any of them.

    Parameters
    ----------
    start, end : array of int, shape (m,)
        Places; below 0 is a place that is not asked for.
    minutes : array, shape (m,)
        NaN is a pair that is not known.
    reach : float
        Minutes; may be infinite.
    seen : array of uint8, shape (r, r / 8)
        One bit a pair, set here. With no rows, repeats are not looked for.

    Returns
    -------
    kept : array of int
        Positions of known pairs of different places within reach.
    repeats : int
        Known pairs that were seen before.
    broken : int
        Pairs of different places that are not above 0 and finite.
    """
    kept = np.empty(len(minutes), dtype=np.int64)
    count, repeats, broken = 0, 0, 0
    for r in range(len(minutes)):
        i, j, m = start[r], end[r], minutes[r]
        if np.isnan(m) or i < 0 or j < 0:
            continue
        if i != j and not (m > 0 and m < np.inf):
            broken += 1
        if len(seen) > 0:
            bit = np.uint8(1 << (j & 7))
            if seen[i, j >> 3] & bit:
                repeats += 1
            seen[i, j >> 3] |= bit
        if i != j and m <= reach:
            kept[count] = r
            count += 1
    return kept[:count].copy(), repeats, broken


@njit(cache=True, nogil=True)
def keep_nearest(
    start: Places,
    end: Places,
    minutes: Array,
    best: Array,
    where: Places,
    rank: Places,
) -> None:
    """Enter pairs into each place's list of its nearest, in place.

    Parameters
    ----------
    start, end : array of int, shape (m,)
    minutes : array, shape (m,)
        Finite.
    best : array, shape (n, k)
        Minutes, shortest first, infinite where the list has room.
    where : array of int, shape (n, k)
        The places at `best`, -1 where the list has room.
    rank : array of int, shape (n,)
        Among equal minutes the place of least rank comes first.
    """
    last = best.shape[1] - 1
    for r in range(len(minutes)):
        i, j, m = start[r], end[r], minutes[r]
        p = last + 1
        while p > 0:
            held, other = best[i, p - 1], where[i, p - 1]
            if held < m or (held == m and other >= 0 and rank[other] < rank[j]):
                break
            p -= 1
        if p > last:
            continue
        for q in range(last, p, -1):
            best[i, q] = best[i, q - 1]
            where[i, q] = where[i, q - 1]
        best[i, p] = m
        where[i, p] = j


@njit(cache=True, nogil=True)
def shortest_through(row: Array, matrix: Array) -> tuple[Array, Codes]:
    """Return the shortest way from one place to each, through one other place.

    Parameters
    ----------
    row : array, shape (n,)
        Minutes from the place to each; infinite where not known, and to itself.
    matrix : array, shape (n, n)
        Minutes between all, infinite where not known and on the diagonal.

    Returns
    -------
    best : array, shape (n,)
        Infinite where there is no way.
    through : array of int, shape (n,)
        The place in between; -1 where there is none.
    """
    n = len(row)
    best = np.full(n, np.inf)
    through = np.full(n, -1)
    for k in range(n):
        first = row[k]
        if first == np.inf:
            continue
        legs = matrix[k]
        for j in range(n):
            way = first + legs[j]
            if way < best[j]:
                best[j] = way
                through[j] = k
    return best, through


@njit(cache=True, nogil=True)
def shortest_ways(origin: int, matrix: Array, wanted: Mask) -> Array:
    """Return the shortest ways from one place by Dijkstra's method, without a heap.

    Parameters
    ----------
    origin : int
    matrix : array, shape (n, n)
        Minutes, infinite where not known.
    wanted : array of bool, shape (n,)
        The work ends when these are reached.

    Returns
    -------
    array, shape (n,)
        Minutes where wanted; infinite where there is no way.
    """
    n = len(matrix)
    best = np.full(n, np.inf)
    done = np.zeros(n, dtype=np.bool_)
    best[origin] = 0.0
    left = wanted.sum()
    here = origin
    while here >= 0 and left > 0:
        done[here] = True
        if wanted[here]:
            left -= 1
        base, legs = best[here], matrix[here]
        nearest, following = np.inf, -1
        for j in range(n):
            if done[j]:
                continue
            way = base + legs[j]
            if way < best[j]:
                best[j] = way
            if best[j] < nearest:
                nearest, following = best[j], j
        here = following
    return best


def without_gaps(matrix: Any) -> Array:
    """Return minutes as the functions here want them: infinite where not known.

    Parameters
    ----------
    matrix : array, shape (n, n), or CSR array
        NaN, or absent, where not known.

    Examples
    --------
    >>> without_gaps(np.array([[0.0, 5.0], [np.nan, 0.0]]))
    array([[inf,  5.],
           [inf, inf]])
    """
    if isinstance(matrix, np.ndarray):
        full = np.where(np.isnan(matrix), np.inf, matrix)
    else:
        held = matrix.tocoo()
        full = np.full(held.shape, np.inf)
        full[held.row, held.col] = held.data
    np.fill_diagonal(full, np.inf)
    return np.asarray(full)

"""From near the optimum to a vertex of it: the exact answer, and if it is alone."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geopoverty.numerics.types import Array, Codes, Mask

UNIQUE, SEVERAL, UNPROVED = 0, 1, 2
ZERO = 1e-11  # of the typical residual: a row on the plane
FLAT = 1e-12  # of all that is added up to a slope: no descent
PIVOTS = 500


@njit(cache=True, nogil=True)
def to_vertex(X: Array, y: Array, tau: float, b: Array) -> tuple[Array, int]:
    """Move to a plane through k rows that no step along an edge improves.

    If several are as good, to the one with the lowest mean, where edges lead there.

    Parameters
    ----------
    X : array, shape (n, k), C order
        With columns of like size.
    y : array, shape (n,)
    tau : float
    b : array, shape (k,)
        Near the optimum.

    Returns
    -------
    b : array, shape (k,)
    status : int
        0 if the optimum is proved to be the only one, 1 if it may not be (an edge is
        level, or more than k rows lie on the plane), 2 if no proof was found, and
        then `b` is as given.

    References
    ----------
    Koenker, R. & Bassett, G. (1978). Regression quantiles. Econometrica 46, 33-50,
    theorem 3.3. Barrodale, I. & Roberts, F. D. K. (1973). An improved algorithm for
    discrete l1 linear approximation. SIAM Journal on Numerical Analysis 10, 839-848.
    """
    k = X.shape[1]
    start = b
    r = y - X @ b
    total = X.sum(axis=0)
    basis = _nearest(X, r)
    if basis[k - 1] < 0:
        return start, UNPROVED
    zero = ZERO * np.abs(r).mean()
    for _ in range(PIVOTS):
        edges: NDArray[Any] = np.linalg.inv(X[basis])
        b = edges @ y[basis]
        r = y - X @ b
        r[np.abs(r) <= zero] = 0.0
        r[basis] = 0.0
        slopes, error, degenerate = _slopes(X, r, tau, basis, edges)
        if (slopes >= -error).all():
            level = slopes <= error
            at = _lower(level, total @ edges)
            if at < 0:
                several = degenerate or level.any()
                return b, SEVERAL if several else UNIQUE
            slope = 0.0
        else:
            at, slope = _steepest(slopes, error)
        j, sign = at // 2, 1.0 - 2.0 * (at % 2)
        move = X @ (sign * np.ascontiguousarray(edges[:, j]))
        entering = _first_turn(r, move, slope)
        if entering < 0:
            return (start, UNPROVED) if slope < 0.0 else (b, SEVERAL)
        basis[j] = entering
    return start, UNPROVED


@njit(cache=True, nogil=True)
def _nearest(X: Array, r: Array) -> Codes:
    """Return k independent rows with the smallest residuals; -1 where there is none."""
    k = X.shape[1]
    basis = np.full(k, -1)
    base = np.zeros((k, k))
    found = 0
    for i in np.argsort(np.abs(r)):
        rest = X[i].copy()
        size = np.sqrt(np.dot(rest, rest))
        for _ in range(2):
            for f in range(found):
                rest -= np.dot(base[f], rest) * base[f]
        left = np.sqrt(np.dot(rest, rest))
        if left <= 1e-6 * size or size == 0.0:
            continue
        base[found], basis[found] = rest / left, i
        found += 1
        if found == k:
            break
    return basis


@njit(cache=True, nogil=True)
def _slopes(
    X: Array, r: Array, tau: float, basis: Codes, edges: Array
) -> tuple[Array, Array, bool]:
    """Return slopes up and down each edge, their rounding, if more rows are on it."""
    n, k = X.shape
    held = np.zeros(n, dtype=np.bool_)
    held[basis] = True
    psi = np.zeros(n)
    extra = 0
    for i in range(n):
        if r[i] != 0.0:
            psi[i] = tau if r[i] > 0 else tau - 1.0
        elif not held[i]:
            extra += 1
    pull = edges.T @ (X.T @ psi)
    added = np.abs(edges).T @ (np.abs(X).T @ np.abs(psi))
    slopes, error = np.empty((k, 2)), np.empty((k, 2))
    slopes[:, 0] = 1.0 - tau - pull
    slopes[:, 1] = tau + pull
    error[:, 0] = error[:, 1] = FLAT * (1.0 + added)
    if extra:
        for i in range(n):
            if r[i] == 0.0 and not held[i]:
                along = X[i] @ edges
                slopes[:, 0] += np.where(along > 0, 1.0 - tau, -tau) * along
                slopes[:, 1] += np.where(along > 0, tau, tau - 1.0) * along
    return slopes, error, extra > 0


@njit(cache=True, nogil=True)
def _steepest(slopes: Array, error: Array) -> tuple[int, float]:
    """Return the edge and direction of steepest descent, and its slope."""
    at = int(np.argmin(np.where(slopes < -error, slopes, np.inf)))
    return at, slopes[at // 2, at % 2]


@njit(cache=True, nogil=True)
def _lower(level: Mask, rise: Array) -> int:
    """Return the level edge and direction along which fitted values fall most, or -1.

    Of several optima this leads to the one that is lowest on average, which is what
    quantiles just below tau tend to: it does not depend on the order of rows.
    """
    best, at = -1e-9 * (1.0 + np.abs(rise).max()), -1
    for j in range(len(rise)):
        for d in range(2):
            if level[j, d] and rise[j] * (1.0 - 2.0 * d) < best:
                best, at = rise[j] * (1.0 - 2.0 * d), 2 * j + d
    return at


@njit(cache=True, nogil=True)
def _first_turn(r: Array, move: Array, slope: float) -> int:
    """Return the row at which going on stops paying, or -1."""
    ahead = np.flatnonzero(r * move > 0.0)
    when = r[ahead] / move[ahead]
    for at in np.argsort(when):
        slope += abs(move[ahead[at]])
        if slope >= 0.0:
            return int(ahead[at])
    return -1

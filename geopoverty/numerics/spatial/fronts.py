"""Multifrontal Cholesky factor of a sparse matrix, and its selected inverse.

The factor climbs the tree of supernodes with dense fronts; the entries of the
inverse on the factor's pattern come down it, each front from its parent's.
"""

import numpy as np
from numba import njit

from geopoverty.numerics.spatial.elimination import Elimination, Index, Supernodes
from geopoverty.numerics.types import Array

# Sums may be taken in any order, but infinities and NaN keep their meaning.
_MATH = {"reassoc", "contract", "nsz", "arcp"}


def factor(tree: Elimination, values: Array) -> Array | None:
    """Factor a positive definite matrix of the pattern of `tree`.

    Parameters
    ----------
    tree : Elimination
    values : array, shape (nnz,)
        Entries in the order of the pattern that `tree` was found for.

    Returns
    -------
    array or None
        The panels of the factor, end to end; None if the matrix is not
        positive definite.

    References
    ----------
    .. [1] Duff, I. S. & Reid, J. K. (1983). The multifrontal solution of
       indefinite sparse symmetric linear equations. ACM Trans. Math. Softw. 9,
       302-325.

    Examples
    --------
    >>> from scipy import sparse
    >>> from geopoverty.numerics.spatial.elimination import eliminate
    >>> A = sparse.csc_array(np.array([[4.0, 2.0], [2.0, 4.0]]))
    >>> factor(eliminate(A), A.data).round(3)  # one panel, two columns, by rows
    array([2.   , 0.   , 1.   , 1.732])
    """
    nodes = tree.nodes
    panels = np.zeros(nodes.panel_start[-1])
    panels[tree.where] = values
    widest = int(np.diff(nodes.below_start).max(initial=0))
    fine = _factor(panels, nodes, np.empty(tree.up_size), np.empty(widest * widest))
    if not fine:
        return None
    _clear_above(panels, nodes)
    return panels


def solve(tree: Elimination, panels: Array, x: Array) -> Array:
    """Solve with the factored matrix, for x of shape (n,) or (n, m)."""
    moved = np.ascontiguousarray(x[tree.order].reshape(tree.n, -1), dtype=np.float64)
    _substitute(moved, panels, tree.nodes)
    solved = np.empty_like(moved)
    solved[tree.order] = moved
    return solved.reshape(x.shape)


def pivots(tree: Elimination, panels: Array) -> Array:
    """Return what was left of each diagonal entry when its turn came, shape (n,)."""
    left = np.empty(tree.n)
    left[tree.order] = _pivots(panels, tree.nodes) ** 2
    return left


def inverse(tree: Elimination, panels: Array) -> tuple[Array, Array]:
    """Return the diagonal of the inverse, and the inverse in the panels' places.

    Notes
    -----
    Takahashi's equations [1]_, a supernode at a time: with L21 and L11 the
    panel and Y = L21 L11^-1, Z21 = -Z22 Y and Z11 = (L11 L11')^-1 - Y'Z21,
    where Z22 is part of the parent's front.

    References
    ----------
    .. [1] Takahashi, K., Fagan, J. & Chin, M. (1973). Formation of a sparse bus
       impedance matrix. 8th PICA Conference, Minneapolis, 63-69.
    """
    nodes = tree.nodes
    w, r = np.diff(nodes.first), np.diff(nodes.below_start)
    wide, high = int(w.max(initial=0)), int((w * r).max(initial=0))
    room = np.empty(tree.down_size), np.empty(wide * wide), np.empty(high)
    found, entries = np.empty(tree.n), np.empty_like(panels)
    _inverse(panels, nodes, room, found, entries)
    diagonal = np.empty(tree.n)
    diagonal[tree.order] = found
    return diagonal, entries


@njit(cache=True, nogil=True, fastmath=_MATH)
def _factor(panels: Array, nodes: Supernodes, up: Array, square: Array) -> bool:
    count = len(nodes.parent)
    child = np.full(count, -1, dtype=np.int64)
    sibling = np.full(count, -1, dtype=np.int64)
    for s in range(count):
        w, r = _size(nodes, s)
        panel = _panel(panels, nodes, s)
        rest = square[: r * r].reshape(r, r)
        for a in range(r):
            rest[a, : a + 1] = 0.0
        c = child[s]
        while c >= 0:
            into = nodes.within[nodes.below_start[c] : nodes.below_start[c + 1]]
            start = nodes.up_start[c]
            _extend(panel, rest, up[start : start + len(into) ** 2], into)
            c = sibling[c]
        if not _factor_panel(panel):
            return False
        _downdate(rest, panel[w:])
        start, above = nodes.up_start[s], nodes.parent[s]
        for a in range(r):
            up[start + a * r : start + a * r + a + 1] = rest[a, : a + 1]
        if above >= 0:
            sibling[s] = child[above]
            child[above] = s
    return True


@njit(cache=True, nogil=True)
def _size(nodes: Supernodes, s: int) -> tuple[int, int]:
    """Return how many columns a supernode has, and rows below them."""
    columns = nodes.first[s + 1] - nodes.first[s]
    return columns, nodes.below_start[s + 1] - nodes.below_start[s]


@njit(cache=True, nogil=True)
def _panel(panels: Array, nodes: Supernodes, s: int) -> Array:
    """Return the panel of a supernode, shape (w + r, w), not copied."""
    w, r = _size(nodes, s)
    return panels[nodes.panel_start[s] : nodes.panel_start[s + 1]].reshape(w + r, w)


@njit(cache=True, nogil=True, fastmath=_MATH)
def _extend(panel: Array, rest: Array, update: Array, into: Index) -> None:
    k, w = len(into), panel.shape[1]
    own = int(np.searchsorted(into, w))
    for a in range(k):
        row = update[a * k : a * k + a + 1]
        to = into[a]
        for b in range(min(own, a + 1)):
            panel[to, into[b]] += row[b]
        for b in range(own, a + 1):
            rest[to - w, into[b] - w] += row[b]


@njit(cache=True, nogil=True, fastmath=_MATH)
def _factor_panel(panel: Array) -> bool:
    m, w = panel.shape
    for i in range(m):
        for j in range(min(i, w)):
            total = panel[i, j]
            for k in range(j):
                total -= panel[i, k] * panel[j, k]
            panel[i, j] = total / panel[j, j]
        if i < w:
            total = panel[i, i]
            for k in range(i):
                total -= panel[i, k] * panel[i, k]
            if not total > 0.0:
                return False
            panel[i, i] = np.sqrt(total)
    return True


@njit(cache=True, nogil=True, fastmath=_MATH)
def _downdate(rest: Array, rows: Array) -> None:
    """Take rows @ rows.T off the lower triangle, four columns at a time."""
    r, w = rows.shape
    turned = rows.T.copy()
    full = w - w % 4
    for a in range(r):
        target = rest[a]
        for k in range(0, full, 4):
            f0, f1, f2, f3 = rows[a, k], rows[a, k + 1], rows[a, k + 2], rows[a, k + 3]
            c0, c1, c2, c3 = turned[k], turned[k + 1], turned[k + 2], turned[k + 3]
            for b in range(a + 1):
                target[b] -= f0 * c0[b] + f1 * c1[b] + f2 * c2[b] + f3 * c3[b]
        for k in range(full, w):
            f0, c0 = rows[a, k], turned[k]
            for b in range(a + 1):
                target[b] -= f0 * c0[b]


@njit(cache=True, nogil=True)
def _pivots(panels: Array, nodes: Supernodes) -> Array:
    pivots = np.empty(nodes.first[-1])
    for s in range(len(nodes.parent)):
        panel = _panel(panels, nodes, s)
        for k in range(panel.shape[1]):
            pivots[nodes.first[s] + k] = panel[k, k]
    return pivots


@njit(cache=True, nogil=True)
def _clear_above(panels: Array, nodes: Supernodes) -> None:
    """Leave zeros above the diagonal of every panel."""
    for s in range(len(nodes.parent)):
        panel = _panel(panels, nodes, s)
        for k in range(panel.shape[1]):
            panel[k, k + 1 :] = 0.0


@njit(cache=True, nogil=True, fastmath=_MATH)
def _substitute(x: Array, panels: Array, nodes: Supernodes) -> None:
    count = len(nodes.parent)
    for s in range(count):
        rows = nodes.below[nodes.below_start[s] : nodes.below_start[s + 1]]
        _forward(x, _panel(panels, nodes, s), nodes.first[s], rows)
    for s in range(count - 1, -1, -1):
        rows = nodes.below[nodes.below_start[s] : nodes.below_start[s + 1]]
        _backward(x, _panel(panels, nodes, s), nodes.first[s], rows)


@njit(cache=True, nogil=True, fastmath=_MATH)
def _forward(x: Array, panel: Array, first: int, rows: Index) -> None:
    m, w = panel.shape
    for i in range(m):
        to = first + i if i < w else rows[i - w]
        for k in range(min(i, w)):
            for c in range(x.shape[1]):
                x[to, c] -= panel[i, k] * x[first + k, c]
        if i < w:
            for c in range(x.shape[1]):
                x[to, c] /= panel[i, i]


@njit(cache=True, nogil=True, fastmath=_MATH)
def _backward(x: Array, panel: Array, first: int, rows: Index) -> None:
    m, w = panel.shape
    for i in range(m - 1, -1, -1):
        to = first + i if i < w else rows[i - w]
        if i < w:
            for c in range(x.shape[1]):
                x[to, c] /= panel[i, i]
        for k in range(min(i, w)):
            for c in range(x.shape[1]):
                x[first + k, c] -= panel[i, k] * x[to, c]


@njit(cache=True, nogil=True, fastmath=_MATH)
def _inverse(
    panels: Array,
    nodes: Supernodes,
    room: tuple[Array, Array, Array],
    diagonal: Array,
    entries: Array,
) -> None:
    down, corner, steep = room
    for s in range(len(nodes.parent) - 1, -1, -1):
        w, r = _size(nodes, s)
        m, start = w + r, nodes.down_start[s]
        panel = _panel(panels, nodes, s)
        front = down[start : start + m * m].reshape(m, m)
        if r > 0:
            up = nodes.parent[s]
            size, start = sum(_size(nodes, up)), nodes.down_start[up]
            above = down[start : start + size * size].reshape(size, size)
            rows = nodes.within[nodes.below_start[s] : nodes.below_start[s + 1]]
            _gather(front, above, rows, w)
        inner = corner[: w * w].reshape(w, w)
        _invert(inner, panel)
        slopes = steep[: w * r].reshape(w, r)
        _slope(slopes, inner, panel)
        _border(front, slopes)
        _fill_corner(front, inner, slopes)
        _panel(entries, nodes, s)[:] = front[:, :w]
        for k in range(w):
            diagonal[nodes.first[s] + k] = front[k, k]


@njit(cache=True, nogil=True)
def _gather(front: Array, above: Array, rows: Index, w: int) -> None:
    for a in range(len(rows)):
        source, to = above[rows[a]], front[w + a]
        for b in range(len(rows)):
            to[w + b] = source[rows[b]]


@njit(cache=True, nogil=True, fastmath=_MATH)
def _invert(inner: Array, panel: Array) -> None:
    """Invert the lower triangle on top of the panel."""
    w = len(inner)
    inner[:] = 0.0
    for i in range(w):
        for k in range(i):
            for j in range(k + 1):
                inner[i, j] -= panel[i, k] * inner[k, j]
        for j in range(i):
            inner[i, j] /= panel[i, i]
        inner[i, i] = 1.0 / panel[i, i]


@njit(cache=True, nogil=True, fastmath=_MATH)
def _slope(slopes: Array, inner: Array, panel: Array) -> None:
    """Set slopes to Y', Y = L21 L11^-1."""
    w, r = slopes.shape
    for a in range(r):
        for k in range(w):
            slopes[k, a] = panel[w + a, k]
    for j in range(w):
        row = slopes[j]
        row *= inner[j, j]
        for k in range(j + 1, w):
            factor, other = inner[k, j], slopes[k]
            for a in range(r):
                row[a] += factor * other[a]


@njit(cache=True, nogil=True, fastmath=_MATH)
def _border(front: Array, slopes: Array) -> None:
    """Set Z21 and its transpose in a front of which Z22 is known."""
    w, r = slopes.shape
    full = w - w % 4
    for a in range(r):
        known = front[w + a, w:]
        for j in range(0, full, 4):
            s0, s1, s2, s3 = slopes[j], slopes[j + 1], slopes[j + 2], slopes[j + 3]
            t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
            for b in range(r):  # four sums for one reading of Z22
                value = known[b]
                t0 -= value * s0[b]
                t1 -= value * s1[b]
                t2 -= value * s2[b]
                t3 -= value * s3[b]
            front[j, w + a], front[j + 1, w + a] = t0, t1
            front[j + 2, w + a], front[j + 3, w + a] = t2, t3
        for j in range(full, w):
            total, last = 0.0, slopes[j]
            for b in range(r):
                total -= known[b] * last[b]
            front[j, w + a] = total
        for j in range(w):
            front[w + a, j] = front[j, w + a]


@njit(cache=True, nogil=True, fastmath=_MATH)
def _fill_corner(front: Array, inner: Array, slopes: Array) -> None:
    """Set Z11 in a front of which all else is known."""
    w, r = slopes.shape
    for i in range(w):
        front[i, : i + 1] = 0.0
    for k in range(w):
        for i in range(k + 1):
            for j in range(i + 1):
                front[i, j] += inner[k, i] * inner[k, j]
    for i in range(w):
        for j in range(i + 1):
            total = front[i, j]
            for a in range(r):
                total -= slopes[i, a] * front[j, w + a]
            front[i, j] = total
            front[j, i] = total

"""The order in which a sparse symmetric matrix is eliminated, and what fills in.

Found once for a pattern; every matrix of that pattern is then factored along it.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

Index = NDArray[np.int64]


class Supernodes(NamedTuple):
    """Runs of columns of the factor that share their rows.

    The front of a supernode is the dense square of its own `w` columns and the
    `r` rows below them. Its panel is the first `w` columns of the front.

    Attributes
    ----------
    first : array, shape (s + 1,)
        Position of the first column of each supernode.
    below, below_start : array, shape (sum of r,) and (s + 1,)
        Positions of the rows below each supernode, ascending.
    within : array, shape (sum of r,)
        Where each of these rows stands in the front of the parent.
    parent : array, shape (s,)
        Supernode of the first row below; -1 at a root.
    panel_start : array, shape (s + 1,)
        Where each panel begins when they lie end to end.
    up_start, down_start : array, shape (s,)
        Where a supernode's matrix stands in the workspace when the tree is
        climbed (updates of r x r) and descended (fronts).
    """

    first: Index
    below: Index
    below_start: Index
    within: Index
    parent: Index
    panel_start: Index
    up_start: Index
    down_start: Index


@dataclass(frozen=True, eq=False)
class Elimination:
    """How matrices of one pattern are eliminated.

    Attributes
    ----------
    order : array, shape (n,)
        Row of the matrix at each position.
    nodes : Supernodes
    up_size, down_size : int
        Room the two workspaces need.
    where : array, shape (nnz,)
        Place in the panels of each entry of the matrix; both triangles.
    """

    order: Index
    nodes: Supernodes
    up_size: int
    down_size: int
    where: Index

    @property
    def n(self) -> int:
        """Rows of the matrix."""
        return len(self.order)


def eliminate(pattern: Any) -> Elimination:
    """Find a fill-reducing order, the fill and the supernodes.

    Parameters
    ----------
    pattern : CSC array, shape (n, n)
        Symmetric pattern with the whole diagonal; values do not matter.

    Returns
    -------
    Elimination

    Notes
    -----
    Minimum degree (SuperLU's, on the pattern itself), elimination tree and
    postorder [1]_, then supernodes, the small ones merged with their parents
    where that adds few zeros [2]_.

    References
    ----------
    .. [1] Liu, J. W. H. (1990). The role of elimination trees in sparse
       factorization. SIAM J. Matrix Anal. Appl. 11, 134-172.
    .. [2] Ashcraft, C. & Grimes, R. (1989). The influence of relaxed supernode
       partitions on the multifrontal method. ACM Trans. Math. Softw. 15, 291-309.

    Examples
    --------
    >>> found = eliminate(sparse.eye_array(3, format="csc"))
    >>> found.nodes.first  # three columns that have nothing to do with each other
    array([0, 1, 2, 3])
    """
    order = _least_degree(pattern)
    indptr, indices = _moved(pattern, order)
    order = order[_postorder(_tree(indptr, indices))]
    indptr, indices = _moved(pattern, order)
    tree = _tree(indptr, indices)
    counts = _counts(indptr, indices, tree)
    first = _supernodes(tree, counts)
    last = first[1:] - 1
    below_start = np.concatenate([[0], np.cumsum(counts[last])]).astype(np.int64)
    below = _rows_below(indptr, indices, tree, last, below_start)
    parent, within = _parents(first, below, below_start)
    w, r = np.diff(first), np.diff(below_start)
    panel_start = np.concatenate([[0], np.cumsum((w + r) * w)]).astype(np.int64)
    up_start, up_size, down_start, down_size = _room(parent, w, r)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows = place[pattern.indices]
    columns = np.repeat(place, np.diff(pattern.indptr))
    layout = (first, below, below_start, panel_start)
    where = _where(np.minimum(rows, columns), np.maximum(rows, columns), *layout)
    nodes = Supernodes(
        first, below, below_start, within, parent, panel_start, up_start, down_start
    )
    return Elimination(order, nodes, int(up_size), int(down_size), where)


def _least_degree(pattern: Any) -> Index:
    # SuperLU gives its order away only with a factor; on a dominant diagonal
    # that factor is safe to compute.
    n = pattern.shape[0]
    filled = np.full(pattern.nnz, -1.0)
    matrix = sparse.csc_array((filled, pattern.indices, pattern.indptr), (n, n))
    matrix.setdiag(np.diff(pattern.indptr) + 1.0)
    options = {"SymmetricMode": True}
    factor = splu(
        matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
    )
    return np.argsort(factor.perm_c).astype(np.int64)


def _moved(pattern: Any, order: Index) -> tuple[Index, Index]:
    shape = pattern.shape
    ones = np.ones(pattern.nnz, dtype=np.int8)
    whole = sparse.csc_array((ones, pattern.indices, pattern.indptr), shape)
    moved = sparse.csc_array(whole[order][:, order])
    return moved.indptr.astype(np.int64), moved.indices.astype(np.int64)


@njit(cache=True, nogil=True)
def _tree(indptr: Index, indices: Index) -> Index:
    n = len(indptr) - 1
    parent = np.full(n, -1, dtype=np.int64)
    ancestor = np.full(n, -1, dtype=np.int64)
    for j in range(n):
        for p in range(indptr[j], indptr[j + 1]):
            i = indices[p]
            while i != -1 and i < j:
                above = ancestor[i]
                ancestor[i] = j
                if above == -1:
                    parent[i] = j
                i = above
    return parent


@njit(cache=True, nogil=True)
def _postorder(parent: Index) -> Index:
    n = len(parent)
    child = np.full(n + 1, -1, dtype=np.int64)  # slot n (that is, -1) holds roots
    sibling = np.full(n, -1, dtype=np.int64)
    for j in range(n - 1, -1, -1):
        sibling[j] = child[parent[j]]
        child[parent[j]] = j
    order = np.empty(n, dtype=np.int64)
    stack = np.empty(n + 1, dtype=np.int64)
    stack[0], depth, done = n, 1, 0
    while depth > 0:
        top = stack[depth - 1]
        kid = child[top]
        if kid != -1:
            child[top] = sibling[kid]
            stack[depth] = kid
            depth += 1
        else:
            depth -= 1
            if top != n:
                order[done] = top
                done += 1
    return order


@njit(cache=True, nogil=True)
def _counts(indptr: Index, indices: Index, tree: Index) -> Index:
    n = len(tree)
    counts = np.zeros(n, dtype=np.int64)
    seen = np.full(n, -1, dtype=np.int64)
    for i in range(n):
        seen[i] = i
        for p in range(indptr[i], indptr[i + 1]):
            j = indices[p]
            while j < i and seen[j] != i:
                seen[j] = i
                counts[j] += 1
                j = tree[j]
    return counts


@njit(cache=True, nogil=True)
def _supernodes(tree: Index, counts: Index) -> Index:
    """Group columns from the left; return the first of each group, and n."""
    n = len(tree)
    first = np.empty(n + 1, dtype=np.int64)
    zeros = np.zeros(n, dtype=np.int64)
    s = -1
    for j in range(n):
        s += 1
        first[s], zeros[s] = j, 0
        while s > 0:
            w, before = j + 1 - first[s], first[s] - first[s - 1]
            if tree[first[s] - 1] != first[s]:
                break
            gap = w + counts[j] - counts[first[s] - 1]  # zeros in each merged column
            padded = zeros[s - 1] + zeros[s] + before * gap
            wide = before + w
            share = padded / (wide * (wide + counts[j]))
            # A group still growing is judged again when its next column comes.
            if not (gap == 0 or _worth(wide, share)):
                break
            s -= 1
            zeros[s] = padded
    first[s + 1] = n
    return first[: s + 2].copy()


@njit(cache=True, nogil=True)
def _worth(wide: int, share: float) -> bool:
    if wide <= 4:
        return share < 0.9
    if wide <= 16:
        return share < 0.3
    return share < 0.1 if wide <= 48 else share < 0.05


@njit(cache=True, nogil=True)
def _rows_below(
    indptr: Index, indices: Index, tree: Index, last: Index, start: Index
) -> Index:
    n = len(tree)
    slot = np.full(n, -1, dtype=np.int64)
    slot[last] = np.arange(len(last))
    free = start[:-1].copy()
    below = np.empty(start[-1], dtype=np.int64)
    seen = np.full(n, -1, dtype=np.int64)
    for i in range(n):
        seen[i] = i
        for p in range(indptr[i], indptr[i + 1]):
            j = indices[p]
            while j < i and seen[j] != i:
                seen[j] = i
                s = slot[j]
                if s >= 0:
                    below[free[s]] = i
                    free[s] += 1
                j = tree[j]
    return below


@njit(cache=True, nogil=True)
def _parents(first: Index, below: Index, start: Index) -> tuple[Index, Index]:
    count = len(first) - 1
    owner = np.empty(first[-1], dtype=np.int64)
    for s in range(count):
        owner[first[s] : first[s + 1]] = s
    parent = np.full(count, -1, dtype=np.int64)
    within = np.empty(len(below), dtype=np.int64)
    for s in range(count):
        if start[s] == start[s + 1]:
            continue
        up = owner[below[start[s]]]
        parent[s] = up
        q, w = start[up], first[up + 1] - first[up]
        for p in range(start[s], start[s + 1]):
            row = below[p]
            if row < first[up + 1]:
                within[p] = row - first[up]
                continue
            while below[q] != row:
                q += 1
            within[p] = w + q - start[up]
    return parent, within


@njit(cache=True, nogil=True)
def _room(parent: Index, w: Index, r: Index) -> tuple[Index, int, Index, int]:
    """Lay out two stacks: updates on the way up, fronts on the way down."""
    count = len(parent)
    children = np.zeros(count, dtype=np.int64)  # room their updates take
    up = np.empty(count, dtype=np.int64)
    down = np.empty(count, dtype=np.int64)
    top, high, deep = 0, 0, 0
    for s in range(count):
        top -= children[s]
        up[s] = top
        top += r[s] * r[s]
        high = max(high, top)
        if parent[s] >= 0:
            children[parent[s]] += r[s] * r[s]
    for s in range(count - 1, -1, -1):
        above = parent[s]
        size = 0 if above < 0 else w[above] + r[above]
        down[s] = 0 if above < 0 else down[above] + size * size
        deep = max(deep, down[s] + (w[s] + r[s]) ** 2)
    return up, high, down, deep


@njit(cache=True, nogil=True)
def _where(
    low: Index, high: Index, first: Index, below: Index, start: Index, panels: Index
) -> Index:
    found = np.empty(len(low), dtype=np.int64)
    for p in range(len(low)):
        s = np.searchsorted(first, low[p], side="right") - 1
        w = first[s + 1] - first[s]
        if high[p] < first[s + 1]:
            row = high[p] - first[s]
        else:
            row = w + np.searchsorted(below[start[s] : start[s + 1]], high[p])
        found[p] = panels[s] + row * w + low[p] - first[s]
    return found

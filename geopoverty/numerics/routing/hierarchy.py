"""Many quickest ways at once: eliminate nodes as a sparse matrix is factored.

Taking out a node leaves shortcuts between those of its neighbours that are still
there. What has been eliminated forms a tree; a quickest way climbs it and comes down
again. So a table needs no search: each source climbs a few hundred nodes, then one
sweep goes down the part of the tree that leads to targets, for many sources at once.
Road networks are nearly flat, and so few shortcuts arise.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from geopoverty.numerics.routing.digraph import Digraph, Ints
from geopoverty.numerics.routing.tables import Fill
from geopoverty.numerics.spatial.elimination import Supernodes, eliminate
from geopoverty.numerics.types import Array, Codes

SMALL = 2000  # a network so small fills in to no harm
WIDE = 8.0  # times the root of the number of nodes: no flat network is so wide


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Shortcuts from lower to higher nodes, as far as some nodes need them.

    Nodes are numbered in the order in which they were eliminated.

    Attributes
    ----------
    starts : array of int, shape (m + 1,)
        The arcs of node i are ``starts[i]`` to ``starts[i + 1]``.
    higher : array of int, shape (a,)
        The other end of each arc, ascending within a node and above it. The first of
        a node is its parent in the tree.
    up, down : array, shape (a,)
        Minutes to the higher end, and from it; inf without a way.
    """

    starts: Ints
    higher: Ints
    up: Array
    down: Array


def is_flat(graph: Digraph) -> bool:
    """Return whether the network is narrow enough in its order to be eliminated.

    Neighbours must stand close together, as `contracted` leaves them. In a network that
    could be drawn without many crossings they are about the root of the number of nodes
    apart; where they are not, shortcuts would fill the memory.

    Examples
    --------
    >>> from geopoverty.numerics.routing.digraph import digraph
    >>> is_flat(digraph(np.arange(9), np.arange(1, 10), np.ones(9), 10))
    True
    """
    if graph.n <= SMALL:
        return True
    lowest = np.arange(graph.n)
    np.minimum.at(lowest, graph.heads, graph.tails())
    np.minimum.at(lowest, graph.tails(), graph.heads)
    width = float((np.arange(graph.n) - lowest).mean())
    return bool(width <= WIDE * np.sqrt(graph.n))


def hierarchy(graph: Digraph, nodes: Codes) -> tuple[Hierarchy, Codes]:
    """Eliminate all nodes, and keep what ways between some of them need.

    Parameters
    ----------
    graph : Digraph
        At least one node.
    nodes : array of int, shape (k,)

    Returns
    -------
    Hierarchy
    array of int, shape (k,)
        Where each of `nodes` is in it.

    Notes
    -----
    The order is that of sparse Cholesky factors (minimum degree); the shortcuts are
    its fill, with minutes in place of numbers: the least sum for the sum of products.

    References
    ----------
    .. [1] Dibbelt, J., Strasser, B. & Wagner, D. (2016). Customizable contraction
       hierarchies. ACM J. Experimental Algorithmics 21, 1.5.
    .. [2] Delling, D., Goldberg, A. & Werneck, R. (2011). Faster batched shortest paths
       in road networks. ATMOS 2011, 52-63.

    Examples
    --------
    >>> from geopoverty.numerics.routing.digraph import digraph
    >>> from geopoverty.numerics.routing.tables import minutes_between
    >>> ring = digraph(np.array([0, 1, 2]), np.array([1, 2, 0]), np.array([1, 2, 4]), 3)
    >>> made, where = hierarchy(ring, np.array([0, 2]))
    >>> minutes_between(sweeps(made), where, where)
    array([[0., 3.],
           [4., 0.]])
    """
    tail, head = graph.tails().astype(np.int64), graph.heads.astype(np.int64)
    ones = np.ones(len(head), dtype=np.int8)
    shape = (graph.n, graph.n)
    arcs = sparse.coo_array((ones, (tail, head)), shape=shape)
    whole = arcs + arcs.T + sparse.eye_array(graph.n, dtype=np.int8)
    pattern = sparse.csc_array(whole)
    pattern.sort_indices()
    found = eliminate(pattern)
    place = np.empty(graph.n, dtype=np.int64)
    place[found.order] = np.arange(graph.n)
    starts, higher = _columns(found.nodes, graph.n)
    up, down = _entered(starts, higher, place[tail], place[head], graph.minutes)
    _take_out(starts, higher, up, down)
    return _towards(Hierarchy(starts, higher, up, down), place[nodes])


def sweeps(made: Hierarchy) -> Fill:
    """Return what fills a block of minutes by climbing and one sweep down."""
    parts = (made.starts, made.higher, made.up, made.down)

    def fill(sources: Ints, targets: Ints, limits: Array, found: Array) -> None:
        best = np.full((len(made.starts) - 1, len(sources)), np.inf)
        _sweep(parts, sources, best)
        found[:] = best[targets].T
        found[found > limits[:, None]] = np.inf

    return fill


def _columns(nodes: Supernodes, n: int) -> tuple[Ints, Ints]:
    """Return the higher neighbours of each node, the zeros of supernodes included."""
    width, below = np.diff(nodes.first), np.diff(nodes.below_start)
    nth = np.arange(n) - np.repeat(nodes.first[:-1], width)
    counts = np.repeat(below + width - 1, width) - nth
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    higher = np.empty(starts[-1], dtype=np.int64)
    _list_higher(nodes.first, nodes.below, nodes.below_start, starts, higher)
    return starts, higher


@njit(cache=True, nogil=True)
def _list_higher(
    first: Ints, below: Ints, below_start: Ints, starts: Ints, higher: Ints
) -> None:
    for s in range(len(first) - 1):
        for node in range(first[s], first[s + 1]):
            at = starts[node]
            for other in range(node + 1, first[s + 1]):
                higher[at] = other
                at += 1
            for row in range(below_start[s], below_start[s + 1]):
                higher[at] = below[row]
                at += 1


def _entered(
    starts: Ints, higher: Ints, tail: Ints, head: Ints, minutes: Array
) -> tuple[Array, Array]:
    """Return minutes up and down the arcs of the network itself, inf on shortcuts."""
    n = len(starts) - 1
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    keys = np.repeat(np.arange(n), np.diff(starts)) * n + higher
    at = np.searchsorted(keys, low * n + high)
    up, down = np.full(len(higher), np.inf), np.full(len(higher), np.inf)
    climbs = tail < head
    up[at[climbs]], down[at[~climbs]] = minutes[climbs], minutes[~climbs]
    return up, down


@njit(cache=True, nogil=True)
def _take_out(starts: Ints, higher: Ints, up: Array, down: Array) -> None:
    """Join the neighbours of each node by the way over it, from the lowest node."""
    for node in range(len(starts) - 1):
        for one in range(starts[node], starts[node + 1]):
            if up[one] == np.inf and down[one] == np.inf:
                continue
            at = starts[higher[one]]
            for other in range(one + 1, starts[node + 1]):
                while higher[at] != higher[other]:
                    at += 1
                up[at] = min(up[at], down[one] + up[other])
                down[at] = min(down[at], down[other] + up[one])


def _towards(whole: Hierarchy, nodes: Ints) -> tuple[Hierarchy, Codes]:
    """Keep some nodes and all above them in the tree, numbered anew."""
    kept = np.flatnonzero(_above(whole.starts, whole.higher, nodes))
    position = np.full(len(whole.starts) - 1, -1, dtype=np.int64)
    position[kept] = np.arange(len(kept))
    counts = np.diff(whole.starts)
    arcs = np.flatnonzero(np.repeat(position >= 0, counts))
    starts = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64)
    part = Hierarchy(
        starts, position[whole.higher[arcs]], whole.up[arcs], whole.down[arcs]
    )
    return part, position[nodes]


@njit(cache=True, nogil=True)
def _above(starts: Ints, higher: Ints, nodes: Ints) -> Ints:
    seen = np.zeros(len(starts) - 1, dtype=np.bool_)
    for node in nodes:
        at = node
        while not seen[at]:
            seen[at] = True
            if starts[at] == starts[at + 1]:
                break
            at = higher[starts[at]]
    return seen


@njit(cache=True, nogil=True)
def _sweep(
    parts: tuple[Ints, Ints, Array, Array],
    sources: Ints,
    best: Array,
) -> None:
    """Fill in the minutes from each source (column) to each node (row)."""
    starts, higher, _, down = parts
    count = len(sources)
    for k in range(count):
        _climb(parts, sources[k], k, best)
    for node in range(len(starts) - 2, -1, -1):
        row = best[node]
        for arc in range(starts[node], starts[node + 1]):
            minutes = down[arc]
            if minutes < np.inf:
                above = best[higher[arc]]
                for k in range(count):
                    there = above[k] + minutes
                    row[k] = there if there < row[k] else row[k]


@njit(cache=True, nogil=True)
def _climb(
    parts: tuple[Ints, Ints, Array, Array], source: int, k: int, best: Array
) -> None:
    starts, higher, up, _ = parts
    node = source
    best[node, k] = 0.0
    while starts[node] < starts[node + 1]:
        here = best[node, k]
        for arc in range(starts[node], starts[node + 1]):
            above = higher[arc]
            best[above, k] = min(best[above, k], here + up[arc])
        node = higher[starts[node]]

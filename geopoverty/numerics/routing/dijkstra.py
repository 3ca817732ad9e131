"""Quickest ways by Dijkstra's method with a heap of our own.

The heap has four children a node and knows where each node stands in it, so that a
shorter way moves a node up instead of adding it again.
"""

import numpy as np
from numba import njit

from geopoverty.numerics.routing.digraph import Digraph, Ints
from geopoverty.numerics.routing.tables import Fill
from geopoverty.numerics.types import Array, Mask


def searches(graph: Digraph) -> Fill:
    """Return what fills a block of minutes by one search from each source.

    A search ends when every target is settled or its limit is passed.

    References
    ----------
    .. [1] Dijkstra, E. W. (1959). A note on two problems in connexion with graphs.
       Numerische Mathematik 1, 269-271.

    Examples
    --------
    >>> from geopoverty.numerics.routing.digraph import digraph
    >>> from geopoverty.numerics.routing.tables import minutes_between
    >>> ring = digraph(np.array([0, 1, 2]), np.array([1, 2, 0]), np.array([1, 2, 4]), 3)
    >>> minutes_between(searches(ring), np.array([0, 1]), np.array([0, 2]))
    array([[0., 3.],
           [6., 2.]])
    """
    network = (graph.starts, graph.heads, graph.minutes)

    def fill(sources: Ints, targets: Ints, limits: Array, found: Array) -> None:
        _search(network, sources, targets, limits, found)

    return fill


@njit(cache=True, nogil=True)
def _search(
    network: tuple[Ints, Ints, Array],
    sources: Ints,
    targets: Ints,
    limits: Array,
    found: Array,
) -> None:
    n = len(network[0]) - 1
    wanted = np.zeros(n, dtype=np.bool_)
    different = 0
    for node in targets:
        if not wanted[node]:
            wanted[node] = True
            different += 1
    best = np.empty(n, dtype=np.float64)
    place = np.empty(n, dtype=np.int32)  # in the heap; -1 never seen, -2 settled
    heap = np.empty(n, dtype=np.int32)
    for row in range(len(sources)):
        best[:] = np.inf
        place[:] = -1
        _from_one(
            network,
            int(sources[row]),
            limits[row],
            wanted,
            different,
            best,
            place,
            heap,
        )
        for column in range(len(targets)):
            node = targets[column]
            # A node still in the heap may have a shorter way than the one seen.
            found[row, column] = best[node] if place[node] == -2 else np.inf


@njit(cache=True, nogil=True)
def _from_one(
    network: tuple[Ints, Ints, Array],
    source: int,
    limit: float,
    wanted: Mask,
    missing: int,
    best: Array,
    place: Ints,
    heap: Ints,
) -> None:
    starts, heads, minutes = network
    best[source] = 0.0
    heap[0] = source
    place[source] = 0
    size = 1
    while size > 0:
        node = heap[0]
        here = best[node]
        if here > limit:
            return
        size -= 1
        _sink(heap, place, best, heap[size], size)
        place[node] = -2
        if wanted[node]:
            missing -= 1
            if missing == 0:
                return
        for arc in range(starts[node], starts[node + 1]):
            other = heads[arc]
            there = here + minutes[arc]
            if there < best[other]:
                best[other] = there
                if place[other] == -1:
                    place[other] = size
                    size += 1
                _rise(heap, place, best, other)


@njit(cache=True, nogil=True)
def _rise(heap: Ints, place: Ints, best: Array, node: int) -> None:
    """Move a node up from where it stands to where it belongs."""
    at = place[node]
    key = best[node]
    while at > 0:
        parent = (at - 1) >> 2
        above = heap[parent]
        if best[above] <= key:
            break
        heap[at] = above
        place[above] = at
        at = parent
    heap[at] = node
    place[node] = at


@njit(cache=True, nogil=True)
def _sink(heap: Ints, place: Ints, best: Array, node: int, size: int) -> None:
    """Put a node at the top and move it down to where it belongs."""
    at = 0
    key = best[node]
    while True:
        child = 4 * at + 1
        if child >= size:
            break
        least = child
        for other in range(child + 1, min(child + 4, size)):
            if best[heap[other]] < best[heap[least]]:
                least = other
        below = heap[least]
        if best[below] >= key:
            break
        heap[at] = below
        place[below] = at
        at = least
    heap[at] = node
    place[node] = at

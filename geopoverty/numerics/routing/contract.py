"""Leave out what no quickest way between some nodes needs: dead ends and bends."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geopoverty.numerics.routing.digraph import (
    Digraph,
    Ints,
    banded_order,
    digraph,
    quickest,
    renumbered,
)
from geopoverty.numerics.types import Array, Codes, Mask

WORTH = 0.02  # another round must have left out this share of the nodes
ROUNDS = 8


def contracted(graph: Digraph, kept: Codes) -> tuple[Digraph, Codes]:
    """Return a smaller network with the same quickest times between some nodes.

    Dead ends without a kept node go; chains of nodes with two neighbours become one
    arc a direction, if the chain can be driven in it. Parallel arcs that appear keep
    the quickest, which may leave further chains, so this is repeated.

    Parameters
    ----------
    graph : Digraph
    kept : array of int, shape (k,)
        Nodes whose times to each other are wanted; they may repeat.

    Returns
    -------
    Digraph
        Neighbours stand close together in it (Cuthill-McKee).
    array of int, shape (k,)
        Where each kept node is in it.

    Examples
    --------
    >>> path = digraph(np.array([0, 1, 1]), np.array([1, 2, 3]), np.ones(3), 4)
    >>> small, where = contracted(path, np.array([0, 2]))
    >>> small.n, small.minutes.tolist()
    (2, [2.0])
    """
    where = np.asarray(kept, dtype=np.intp)
    for _ in range(ROUNDS):
        before = graph.n
        graph, where = _one_round(graph, where)
        if graph.n > (1 - WORTH) * before:
            break
    order = banded_order(graph)
    position = np.empty(graph.n, dtype=np.intp)
    position[order] = np.arange(graph.n)
    return renumbered(graph, position, graph.n), position[where]


def _one_round(graph: Digraph, where: Codes) -> tuple[Digraph, Codes]:
    wanted = np.zeros(graph.n, dtype=np.bool_)
    wanted[where] = True
    starts, near, along = _neighbours(graph)
    alive, degree = _without_dead_ends(starts, near, wanted)
    junction = alive & (wanted | (degree != 2))
    tail, head, time = _chains(starts, near, along, alive, junction)
    position = np.where(junction, np.cumsum(junction) - 1, -1)
    smaller = digraph(position[tail], position[head], time, int(junction.sum()))
    return smaller, position[where]


def _neighbours(
    graph: Digraph,
) -> tuple[NDArray[np.int64], NDArray[np.int32], Array]:
    """Return whom each node touches, either way, and the minutes to them."""
    tail, head = graph.tails().astype(np.int64), graph.heads.astype(np.int64)
    key = np.concatenate([tail * graph.n + head, head * graph.n + tail])
    time = np.concatenate([graph.minutes, np.full(len(head), np.inf)])
    pairs, least = quickest(key, time[:, None])
    counts = np.bincount(pairs // max(graph.n, 1), minlength=graph.n)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    near = (pairs % max(graph.n, 1)).astype(np.int32)
    return starts, near, np.ascontiguousarray(least[:, 0])


@njit(cache=True, nogil=True)
def _without_dead_ends(starts: Ints, near: Ints, wanted: Mask) -> tuple[Mask, Ints]:
    n = len(starts) - 1
    alive = np.ones(n, dtype=np.bool_)
    degree = np.empty(n, dtype=np.int64)
    queue = np.empty(n, dtype=np.int64)
    length = 0
    for node in range(n):
        degree[node] = starts[node + 1] - starts[node]
        if degree[node] <= 1 and not wanted[node]:
            queue[length] = node
            length += 1
            alive[node] = False
    at = 0
    while at < length:
        node = queue[at]
        at += 1
        for arc in range(starts[node], starts[node + 1]):
            other = near[arc]
            degree[other] -= 1
            if alive[other] and degree[other] <= 1 and not wanted[other]:
                queue[length] = other
                length += 1
                alive[other] = False
    return alive, degree


@njit(cache=True, nogil=True)
def _onward(starts: Ints, near: Ints, alive: Mask, node: int, came: int) -> int:
    """Return the arc out of a bend that does not lead back."""
    for arc in range(starts[node], starts[node + 1]):
        if alive[near[arc]] and near[arc] != came:
            return arc
    return -1


@njit(cache=True, nogil=True)
def _chains(
    starts: Ints,
    near: Ints,
    along: Array,
    alive: Mask,
    junction: Mask,
) -> tuple[Ints, Ints, Array]:
    """Walk every chain from each of its ends: the minutes in that direction."""
    tails = np.empty(len(near), dtype=np.int64)
    heads = np.empty(len(near), dtype=np.int64)
    time = np.empty(len(near), dtype=np.float64)
    count = 0
    for first in np.flatnonzero(junction):
        for start in range(starts[first], starts[first + 1]):
            node, came, total = near[start], first, along[start]
            if not alive[node]:
                continue
            while not junction[node] and total < np.inf:
                arc = _onward(starts, near, alive, int(node), int(came))
                total += along[arc]
                came, node = node, near[arc]
            if total < np.inf and node != first:
                tails[count], heads[count], time[count] = first, node, total
                count += 1
    return tails[:count], heads[:count], time[:count]

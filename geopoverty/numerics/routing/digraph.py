"""Directed networks as compressed rows, and their strongly connected parts."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, reverse_cuthill_mckee

from geopoverty.numerics.types import Array, Codes

Ints: TypeAlias = NDArray[Any]  # of 32 or 64 bits: what compiled loops take


@dataclass(frozen=True, eq=False)
class Digraph:
    """Minutes along the arcs out of each node.

    Attributes
    ----------
    starts : array of int, shape (n + 1,)
        The arcs out of node i are ``starts[i]`` to ``starts[i + 1]``.
    heads : array of int, shape (m,)
        Where each arc leads; ascending within a node, each at most once.
    minutes : array, shape (m,)
        Finite, at least 0.
    """

    starts: NDArray[np.int64]
    heads: NDArray[np.int32]
    minutes: Array

    @property
    def n(self) -> int:
        """Number of nodes."""
        return len(self.starts) - 1

    def tails(self) -> NDArray[np.int32]:
        """Return where each arc begins, shape (m,)."""
        nodes = np.arange(self.n, dtype=np.int32)
        return np.repeat(nodes, np.diff(self.starts))


def digraph(tail: Codes, head: Codes, minutes: Array, n: int) -> Digraph:
    """Return the network of some arcs: the quickest of parallel ones, no loops.

    Parameters
    ----------
    tail, head : array of int, shape (m,)
        Nodes, from 0 to n - 1.
    minutes : array, shape (m,)
        Finite, at least 0.
    n : int
        Number of nodes.

    Examples
    --------
    >>> two = digraph(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]),
    ...               np.array([3.0, 2.0, 5.0, 1.0]), 2)
    >>> two.starts.tolist(), two.heads.tolist(), two.minutes.tolist()
    ([0, 1, 2], [1, 0], [2.0, 5.0])
    """
    start, end = np.asarray(tail, np.int64), np.asarray(head, np.int64)
    apart = start != end
    key = start[apart] * n + end[apart]
    arcs, time = quickest(key, np.asarray(minutes, np.float64)[apart][:, None])
    counts = np.bincount(arcs // max(n, 1), minlength=n)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    heads = (arcs % max(n, 1)).astype(np.int32)
    return Digraph(starts, heads, np.ascontiguousarray(time[:, 0]))


def quickest(key: NDArray[np.int64], minutes: Array) -> tuple[NDArray[np.int64], Array]:
    """Return the different keys in order, and the least of each column at each.

    Examples
    --------
    >>> found, least = quickest(np.array([7, 2, 7]), np.array([[3.0], [1.0], [2.0]]))
    >>> found.tolist(), least.tolist()
    ([2, 7], [[1.0], [2.0]])
    """
    if not key.size:
        return key, minutes
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    first = np.flatnonzero(np.r_[True, sorted_key[1:] != sorted_key[:-1]])
    return sorted_key[first], np.minimum.reduceat(minutes[order], first, axis=0)


def parts(graph: Digraph) -> Codes:
    """Return the part of each node; within a part all nodes reach each other.

    Examples
    --------
    >>> dead_end = digraph(np.array([0, 1, 0]), np.array([1, 0, 2]), np.ones(3), 3)
    >>> part = parts(dead_end)
    >>> bool(part[0] == part[1]), bool(part[0] == part[2])
    (True, False)
    """
    _, part = connected_components(_pattern(graph), connection="strong")
    return np.asarray(part, dtype=np.intp)


def banded_order(graph: Digraph) -> Codes:
    """Return an order of the nodes in which neighbours stand close (Cuthill-McKee).

    A search along roads then finds what it needs next to what it has just read.
    """
    return np.asarray(reverse_cuthill_mckee(_pattern(graph)), dtype=np.intp)


def renumbered(graph: Digraph, position: Codes, n: int) -> Digraph:
    """Return the network with node i at ``position[i]``; -1 leaves a node out.

    Examples
    --------
    >>> path = digraph(np.array([0, 1]), np.array([1, 2]), np.array([1.0, 2.0]), 3)
    >>> renumbered(path, np.array([-1, 1, 0]), 2).minutes.tolist()
    [2.0]
    """
    tail, head = position[graph.tails()], position[graph.heads]
    held = (tail >= 0) & (head >= 0)
    return digraph(tail[held], head[held], graph.minutes[held], n)


def _pattern(graph: Digraph) -> csr_array:
    # Minutes may be 0, and an explicit 0 is no arc to scipy.
    ones = np.ones(len(graph.heads))
    return csr_array((ones, graph.heads, graph.starts), shape=(graph.n, graph.n))

"""Rows of a regression, wherever they are: sums of kernels over blocks of them.

An estimator that only asks for sums runs on rows in memory, in files or on a cluster;
a kernel sees one block and knows nothing of the others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.types import Array, Codes

Parts = tuple[Any, ...]  # arrays, or whatever `combine` knows to put together
Combine = Callable[[Any, Any], Any]
Combines = Combine | tuple[Combine, ...]  # one for all parts, or one for each
NOWHERE: Codes = np.zeros(0, dtype=np.intp)


class Block(NamedTuple):
    """Some rows.

    Attributes
    ----------
    X : array, shape (m, k)
    y : array, shape (m,)
    w : array, shape (m,), or None
        What each row counts.
    codes : array of int, shape (m,)
        Cell of each row, where rows stand in cells; else empty.
    """

    X: Array
    y: Array
    w: Array | None = None
    codes: Codes = NOWHERE

    @property
    def mass(self) -> float:
        """Sum of weights."""
        return float(len(self.y) if self.w is None else self.w.sum())

    def weighed(self, values: Array) -> Array:
        """Return values times the weights of their rows."""
        return values if self.w is None else values * self.w


Kernel = Callable[[Block], Parts]


class Feed(Protocol):
    """Rows that can be summed over, as often as one likes."""

    def total(self, kernel: Kernel, combine: Combines = np.add) -> Parts:
        """Return what a kernel gives for each block, combined over all of them."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """Rows held in arrays.

    Attributes
    ----------
    X : array, shape (n, k), C order
    y : array, shape (n,)
    w : array, shape (n,), or None
    codes : array of int, shape (n,)
        See `Block`.

    Examples
    --------
    >>> rows = InMemory(np.ones((3, 1)), np.array([1.0, 2.0, 4.0]))
    >>> rows.total(lambda block: (block.y.sum(),))[0].item()
    7.0
    """

    X: Array
    y: Array
    w: Array | None = None
    codes: Codes = field(default_factory=lambda: NOWHERE)

    def total(self, kernel: Kernel, combine: Combines = np.add) -> Parts:
        """Return what a kernel gives for each block, combined over all of them."""
        sums: Parts = ()
        for _, block in self.blocks():
            sums = combined(sums, kernel(block), combine)
        return sums

    def blocks(self) -> Iterator[tuple[slice, Block]]:
        """Yield each block with the rows it holds."""
        for rows in blocks(len(self.y)):
            w = None if self.w is None else self.w[rows]
            yield rows, Block(self.X[rows], self.y[rows], w, self.codes[rows])

    def part(self, rows: Codes) -> "InMemory":
        """Return some of the rows, which stand in cells."""
        w = None if self.w is None else self.w[rows]
        X = np.ascontiguousarray(self.X[rows])
        return InMemory(X, self.y[rows], w, self.codes[rows])


def combined(sums: Parts, parts: Parts, combine: Combines = np.add) -> Parts:
    """Return two sets of sums in one; none yet is an empty tuple.

    Examples
    --------
    >>> combined((), (np.array(1.0),)), combined((np.array(1.0),), (np.array(2.0),))
    ((array(1.),), (np.float64(3.0),))
    """
    if not sums:
        return parts
    ways = combine if isinstance(combine, tuple) else (combine,) * len(sums)
    return tuple(way(a, b) for way, a, b in zip(ways, sums, parts, strict=True))


def numbers(*values: object) -> Parts:
    """Return plain numbers as parts of a sum.

    Examples
    --------
    >>> numbers(1, 2.5)
    (array(1.), array(2.5))
    """
    return tuple(np.asarray(v, dtype=np.float64) for v in values)

"""Rows in cells, wherever they are: sums of kernels over blocks of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.rows import Block, Combines, Kernel, Parts, combined
from geopoverty.numerics.types import Array, Codes


class CellBlock(NamedTuple):
    """Some rows and the cell of each.

    Attributes
    ----------
    X : array, shape (m, k)
    y : array, shape (m,)
    w : array, shape (m,), or None
        What each row counts.
    codes : array of int, shape (m,)
        Cell of each row.
    """

    X: Array
    y: Array
    w: Array | None
    codes: Codes

    def weighed(self, values: Array) -> Array:
        """Return values times the weights of their rows."""
        return values if self.w is None else values * self.w


Sums = tuple[Any, ...]  # arrays, or rows on their way into sums by cell
CellKernel = Callable[[CellBlock], Sums]


class CellFeed(Protocol):
    """Rows in cells that can be summed over, as often as one likes."""

    def total(self, kernel: CellKernel, combine: Any = np.add) -> Sums:
        """Return what a kernel gives for each block, combined over all of them."""


@dataclass(frozen=True, eq=False)
class InCells:
    """Rows in cells, held in arrays.

    Attributes
    ----------
    X : array, shape (n, k), C order
    y : array, shape (n,)
    w : array, shape (n,), or None
    codes : array of int, shape (n,)

    Examples
    --------
    >>> rows = InCells(np.ones((2, 1)), np.array([1.0, 2.0]), None, np.array([0, 1]))
    >>> rows.total(lambda block: (block.y.sum(),))[0].item()
    3.0
    """

    X: Array
    y: Array
    w: Array | None
    codes: Codes

    def total(self, kernel: CellKernel, combine: Any = np.add) -> Sums:
        """Return what a kernel gives for each block, combined over all of them."""
        sums: Sums = ()
        for _, block in self.blocks():
            sums = combined(sums, kernel(block), combine)
        return sums

    def blocks(self) -> Iterator[tuple[slice, CellBlock]]:
        """Yield each block with the rows it holds."""
        for rows in blocks(len(self.y)):
            w = None if self.w is None else self.w[rows]
            yield rows, CellBlock(self.X[rows], self.y[rows], w, self.codes[rows])

    def part(self, rows: Codes) -> "InCells":
        """Return some of the rows."""
        w = None if self.w is None else self.w[rows]
        X = np.ascontiguousarray(self.X[rows])
        return InCells(X, self.y[rows], w, self.codes[rows])


@dataclass(frozen=True, eq=False)
class Shifted:
    """Rows whose covariates are moved by something of their cell.

    Attributes
    ----------
    rows : CellFeed
    shift : array, shape (cells, k), or None
        None for no shift.
    """

    rows: CellFeed
    shift: Array | None

    def total(self, kernel: Kernel, combine: Combines = np.add) -> Parts:
        """Return what a kernel of plain rows gives, combined over all blocks."""
        shift = self.shift

        def of_cells(block: CellBlock) -> Parts:
            X = block.X if shift is None else block.X + shift[block.codes]
            return kernel(Block(X, block.y, block.w))

        return self.rows.total(of_cells, combine)

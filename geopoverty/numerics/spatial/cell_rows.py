"""Rows in cells, moved by something of their cell."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.rows import Block, Combines, Feed, Kernel, Parts
from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class Shifted:
    """Rows whose covariates are moved by something of their cell.

    Attributes
    ----------
    rows : Feed
    shift : array, shape (cells, k), or None
        None for no shift.
    """

    rows: Feed
    shift: Array | None

    def total(self, kernel: Kernel, combine: Combines = np.add) -> Parts:
        """Return what a kernel of plain rows gives, combined over all blocks."""
        shift = self.shift

        def of_cells(block: Block) -> Parts:
            X = block.X if shift is None else block.X + shift[block.codes]
            return kernel(Block(X, block.y, block.w))

        return self.rows.total(of_cells, combine)

"""Rows in cells: which unit and period each row belongs to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from geopoverty.numerics.types import Array, Codes


class Layout(ABC):
    """Units in periods: how values of cells lie, wherever their rows are.

    Attributes
    ----------
    units, periods : int
        Cells lie period by period.
    """

    units: int
    periods: int

    @property
    def n(self) -> int:
        """Number of cells."""
        return self.units * self.periods

    @property
    @abstractmethod
    def counts(self) -> Array:
        """Rows of each cell, shape (n_cells,)."""

    @property
    @abstractmethod
    def concentration(self) -> Array:
        """Sum of squared shares of each cell's rows, shape (n_cells,)."""

    @property
    def alone(self) -> bool:
        """Whether every cell has exactly one row."""
        return bool((self.counts == 1).all())

    def by_unit(self, values: Array) -> Array:
        """Lay the periods of (n_cells,) or (n_cells, k) side by side: (units, m)."""
        folded = values.reshape(self.periods, self.units, -1)
        return np.moveaxis(folded, 0, 1).reshape(self.units, -1)

    def by_cell(self, values: Array, like: Array) -> Array:
        """Undo `by_unit`, into the shape of `like`."""
        k = like.size // self.n
        unfolded = values.reshape(self.units, self.periods, k)
        return np.moveaxis(unfolded, 1, 0).reshape(like.shape)


@dataclass(frozen=True, eq=False)
class CellSums(Layout):
    """Cells whose rows have been added up.

    Attributes
    ----------
    units, periods : int
    sums : array, shape (n_cells, 3)
        Of ones, of weights and of squared weights.

    Examples
    --------
    >>> CellSums(2, 1, np.array([[2, 2, 2], [1, 3, 9]])).concentration
    array([0.5, 1. ])
    """

    units: int
    periods: int
    sums: Array

    @property
    def counts(self) -> Array:
        """Rows of each cell, shape (n_cells,)."""
        return self.sums[:, 0]

    @property
    def mass(self) -> Array:
        """Sum of weights of each cell's rows, shape (n_cells,)."""
        return self.sums[:, 1]

    @property
    def concentration(self) -> Array:
        """Sum of squared shares of each cell's rows, shape (n_cells,)."""
        return np.asarray(self.sums[:, 2] / self.sums[:, 1] ** 2)


@dataclass(frozen=True, eq=False)
class Cells(Layout):
    """Which cell (unit in a period) each row belongs to.

    With Z the n_rows x n_cells matrix of 0 and 1 and Zbar its twin whose columns
    take means, weights W between units act on rows as Z W Zbar', never formed.

    Attributes
    ----------
    codes : array of int, shape (n_rows,)
        Cell of each row: ``period * units + unit``. Every cell has a row.
    units, periods : int
        Their product is the number of cells.
    w : array, shape (n_rows,), or None
        Weight of each row in its cell's mean.

    Examples
    --------
    >>> cells = Cells(np.array([0, 0, 1]), units=2, periods=1)
    >>> cells.mean(np.array([1.0, 3.0, 5.0])), cells.counts
    (array([2., 5.]), array([2., 1.]))
    """

    codes: Codes
    units: int
    periods: int
    w: Array | None = None

    @cached_property
    def counts(self) -> Array:
        """Rows of each cell, shape (n_cells,)."""
        return np.bincount(self.codes, minlength=self.n).astype(np.float64)

    @cached_property
    def share(self) -> Array:
        """Share of each row in its cell's mean, shape (n_rows,)."""
        w = np.ones(len(self.codes)) if self.w is None else self.w
        return np.asarray(w / np.bincount(self.codes, w, minlength=self.n)[self.codes])

    @cached_property
    def concentration(self) -> Array:
        """Sum of squared shares of each cell's rows, shape (n_cells,)."""
        squares = np.bincount(self.codes, self.share**2, minlength=self.n)
        return np.asarray(squares, np.float64)

    @cached_property
    def _incidence(self) -> Any:
        rows = np.arange(len(self.codes) + 1)
        ones = np.ones(len(self.codes))
        by_row = sparse.csr_array(
            (ones, self.codes, rows), shape=(len(self.codes), self.n)
        )
        return by_row.T  # CSC, so that adding runs through rows in order

    def add(self, x: Array) -> Array:
        """Return Z'x: the sum over each cell's rows, (n_cells,) or (n_cells, k)."""
        return np.asarray(self._incidence @ x)

    def mean(self, x: Array) -> Array:
        """Return Zbar'x: the mean over each cell's rows, (n_cells,) or (n_cells, k)."""
        share = self.share if x.ndim == 1 else self.share[:, None]
        return self.add(share * x)

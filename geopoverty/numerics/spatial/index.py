"""The index of a spatial binary model: what its probabilities are read off."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from geopoverty.numerics.spatial.cells import Cells, Layout
from geopoverty.numerics.spatial.resolvent import Resolvent, lag_cells
from geopoverty.numerics.spatial.spread import Diagonals, Variances, lay_out
from geopoverty.numerics.types import Array, Matrix

NEARLY_ZERO = 1e-5  # |rho| below which (B_gg - 1) / rho loses digits


@dataclass(frozen=True, eq=False)
class CellIndex:
    """What neighbours add to the index of rows, which may be elsewhere.

    Attributes
    ----------
    means : array, shape (cells, k)
        Of the covariates.
    W : array or CSR array, shape (units, units)
    cells : Layout
    lagged : bool
        Whether the mean carries over to other units: lag, not error.
    """

    means: Array
    W: Matrix
    cells: Layout
    lagged: bool

    @cached_property
    def _diagonals(self) -> Diagonals:
        return Diagonals(self.W, self.cells)

    def at(self, rho: float, *, spread: bool = False) -> "CellIndexAt":
        """Return what cells need of rho, factored once.

        Parameters
        ----------
        rho : float
        spread : bool
            Whether (BMB')_gg is asked for, too.
        """
        cells = self.cells
        if not self.lagged:
            zeros, ones = np.zeros(cells.n), np.ones(cells.n)
            return CellIndexAt(self, None, np.zeros_like(self.means), ones, zeros, None)
        solver = Resolvent(self.W, rho)
        B: Resolvent | Array = solver
        squares: Array | None = None
        if sparse.issparse(self.W):
            own, squares = self._diagonals.diagonals(rho, own=True)
        else:  # of dense weights the inverse itself is the quickest way to all
            B = solver.inverse()
            own = np.ascontiguousarray(np.diag(B))
            if spread:
                M = cells.by_unit(cells.concentration)
                squares = cells.by_cell((B * B) @ M, np.empty(cells.n))
        carried = _times(B, cells, self.means) - self.means
        own = np.tile(own, cells.periods)
        around = _around(self.W, rho, own, cells)
        return CellIndexAt(self, B, carried, own, around, squares)


@dataclass(frozen=True, eq=False)
class CellIndexAt:
    """What neighbours add, at one rho.

    Attributes
    ----------
    of : CellIndex
    B : Resolvent, array of shape (units, units) or None
        The inverse of A; None where nothing carries over.
    carried : array, shape (cells, k)
        (B - I) Xbar.
    own : array, shape (cells,)
        B_gg: what comes back to a unit, itself included.
    around : array, shape (cells,)
        (B W)_gg: what its lag gives a unit of itself.
    squares : array, shape (cells,), or None
        (BMB')_gg, where asked for.
    """

    of: CellIndex
    B: Resolvent | Array | None
    carried: Array
    own: Array
    around: Array
    squares: Array | None

    def through(self, values: Array, *, transposed: bool = False) -> Array:
        """Return B v (or B'v) for values of cells, (cells,) or (cells, m)."""
        if self.B is None:
            return values
        return _times(self.B, self.of.cells, values, transposed=transposed)

    def lag(self, values: Array) -> Array:
        """Return W v for values of cells."""
        return lag_cells(self.of.W, self.of.cells, values)

    def lag_back(self, values: Array) -> Array:
        """Return W'v for values of cells."""
        return lag_cells(self.of.W.T, self.of.cells, values)


@dataclass(frozen=True, eq=False)
class SpatialIndex:
    """How rows' indices follow from covariates, coefficients and rho.

    The index of a row is its mean latent outcome over its standard deviation:
    (A_N^-1 X b)_i / s_i in a lag model, x_i'b / s_i in an error model. The
    log-odds lag has s = 1 by definition.

    Attributes
    ----------
    X : array, shape (n, k)
    W : array or CSR array, shape (units, units)
    cells : Cells
    lagged : bool
        Whether the mean carries over to other units: lag, not error.
    scaled : bool
        Whether dependent errors scale it by s.
    """

    X: Array
    W: Matrix
    cells: Cells
    lagged: bool
    scaled: bool

    @cached_property
    def over(self) -> CellIndex:
        """What neighbours add."""
        return CellIndex(self.cells.mean(self.X), self.W, self.cells, self.lagged)

    @cached_property
    def _variances(self) -> Variances:
        return Variances(self.W, self.cells)

    def at(self, rho: float) -> "IndexAt":
        """Return what the index needs of rho, factored once."""
        scale = np.ones(len(self.X))
        over = self.over.at(rho, spread=self.scaled)
        if self.scaled and over.squares is not None:
            own = over.own[: self.cells.units]
            scale = np.sqrt(lay_out(self.cells, own, over.squares))
        elif self.scaled:
            scale = np.sqrt(self._variances.at(rho).variance)
        return IndexAt(self, over, scale)


@dataclass(frozen=True, eq=False)
class IndexAt:
    """The index at one rho.

    Attributes
    ----------
    of : SpatialIndex
    over : CellIndexAt
    scale : array, shape (n,)
        s, the standard deviation of each row's latent outcome.
    """

    of: SpatialIndex
    over: CellIndexAt
    scale: Array

    @property
    def carried(self) -> Array:
        """(B - I) Xbar, shape (cells, k)."""
        return self.over.carried

    @property
    def own(self) -> Array:
        """B_gg: what comes back to a unit, itself included, shape (cells,)."""
        return self.over.own

    @property
    def around(self) -> Array:
        """(B W)_gg: what its lag gives a unit of itself, shape (cells,)."""
        return self.over.around

    def rows(self, beta: Array) -> Array:
        """Return the index of each row, shape (n,)."""
        codes = self.of.cells.codes
        mean = self.of.X @ beta + (self.carried @ beta)[codes]
        return np.asarray(mean / self.scale)

    def through(self, values: Array) -> Array:
        """Return B v for values of cells, (cells,) or (cells, m)."""
        return self.over.through(values)


def _times(
    B: Resolvent | Array, cells: Layout, values: Array, *, transposed: bool = False
) -> Array:
    if isinstance(B, Resolvent):
        return B.cells(cells, values, transposed=transposed)
    return lag_cells(B.T if transposed else B, cells, values)


def _around(W: Matrix, rho: float, own: Array, cells: Layout) -> Array:
    if abs(rho) > NEARLY_ZERO:
        return np.asarray((own - 1) / rho)  # B W = (B - I) / rho
    returns = np.asarray((W * W.T).sum(axis=1)).ravel()  # the diagonal of W^2
    return np.tile(rho * returns, cells.periods)

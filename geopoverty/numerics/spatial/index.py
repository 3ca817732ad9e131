"""The index of a spatial binary model: what its probabilities are read off."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.resolvent import Resolvent, lag_cells
from geopoverty.numerics.spatial.spread import Variances, spread_of
from geopoverty.numerics.types import Array, Matrix

NEARLY_ZERO = 1e-5  # |rho| below which (B_gg - 1) / rho loses digits


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
    def _variances(self) -> Variances:
        return Variances(self.W, self.cells)

    def at(self, rho: float) -> "IndexAt":
        """Return what the index needs of rho, factored once."""
        cells = self.cells
        scale = np.ones(len(self.X))
        if not self.lagged:
            if self.scaled:
                scale = np.sqrt(self._variances.at(rho).variance)
            zeros, ones = np.zeros(cells.n), np.ones(cells.n)
            carried = np.zeros((cells.n, self.X.shape[1]))
            return IndexAt(self, None, carried, ones, zeros, scale)
        solver = Resolvent(self.W, rho)
        B: Resolvent | Array = solver
        if sparse.issparse(self.W):
            found = self._variances.at(rho)
        else:  # of dense weights the inverse itself is the quickest way to all
            B = solver.inverse()
            found = spread_of(B, cells)
        if self.scaled:
            scale = np.sqrt(found.variance)
        means = cells.mean(self.X)
        carried = _times(B, cells, means) - means
        around = _around(self.W, rho, found.own, cells)
        return IndexAt(self, B, carried, found.own, around, scale)


@dataclass(frozen=True, eq=False)
class IndexAt:
    """The index at one rho.

    Attributes
    ----------
    of : SpatialIndex
    B : Resolvent, array of shape (units, units) or None
        The inverse of A; None where nothing carries over.
    carried : array, shape (cells, k)
        (B - I) Xbar.
    own : array, shape (cells,)
        B_gg: what comes back to a unit, itself included.
    around : array, shape (cells,)
        (B W)_gg: what its lag gives a unit of itself.
    scale : array, shape (n,)
        s, the standard deviation of each row's latent outcome.
    """

    of: SpatialIndex
    B: Resolvent | Array | None
    carried: Array
    own: Array
    around: Array
    scale: Array

    def rows(self, beta: Array) -> Array:
        """Return the index of each row, shape (n,)."""
        codes = self.of.cells.codes
        mean = self.of.X @ beta + (self.carried @ beta)[codes]
        return np.asarray(mean / self.scale)

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


def _times(
    B: Resolvent | Array, cells: Cells, values: Array, *, transposed: bool = False
) -> Array:
    if isinstance(B, Resolvent):
        return B.cells(cells, values, transposed=transposed)
    return lag_cells(B.T if transposed else B, cells, values)


def _around(W: Matrix, rho: float, own: Array, cells: Cells) -> Array:
    if abs(rho) > NEARLY_ZERO:
        return np.asarray((own - 1) / rho)  # B W = (B - I) / rho
    returns = np.asarray((W * W.T).sum(axis=1)).ravel()  # the diagonal of W^2
    return np.tile(rho * returns, cells.periods)

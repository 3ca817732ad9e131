"""How widely the latent errors spread: the diagonal of their covariance.

With B the inverse of A = I - rho W and m_g the sum of squared shares in cell g,
the covariance of rows in cells, Sigma = (A_N'A_N)^-1, has for row i of cell g

    s_i^2 = 1 - 2 share_i + m_g + 2 B_gg (share_i - m_g) + (B M B')_gg

which is 1 - 1/n_g + C_gg, C = (A'NA)^-1, when all rows of a cell weigh the same.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.cells import Cells, Layout
from geopoverty.numerics.spatial.resolvent import Resolvent
from geopoverty.numerics.spatial.selected_inverse import NormalMatrix
from geopoverty.numerics.types import Array, Matrix

BLOCK = 512  # right sides solved at a time
SINGULAR = 1e12  # variances past it are rounding


@dataclass(frozen=True, eq=False)
class Spread:
    """Variances of latent errors, and how much of each unit's shock stays there.

    Attributes
    ----------
    variance : array, shape (n_rows,)
        Diagonal of Sigma: s_i squared.
    own : array, shape (n_cells,)
        B_gg of each cell's unit.
    """

    variance: Array
    own: Array


class Diagonals:
    """B_gg and (BMB')_gg at any rho, what does not change with rho kept.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        Between units. Sparse weights are never made dense.
    layout : Layout
        Of cells, whose rows may be elsewhere.
    """

    def __init__(self, W: Matrix, layout: Layout) -> None:
        self.W, self.layout = W, layout
        M = layout.by_unit(layout.concentration)
        # Periods with the same rows in every unit share a matrix.
        distinct, of_period = np.unique(M, axis=1, return_inverse=True)
        self._M, self._of_period = distinct, of_period.ravel()
        self._normal: list[NormalMatrix] = []
        if sparse.issparse(W) or distinct.shape[1] == 1:
            pattern = None
            for column in distinct.T:
                self._normal.append(NormalMatrix(W, 1 / column, pattern))
                pattern = self._normal[0].pattern

    def diagonals(self, rho: float, *, own: bool) -> tuple[Array, Array]:
        """Return B_gg by unit (zeros unless `own`) and (BMB')_gg by cell."""
        if not self._normal:
            return _diagonals(self.W, rho, self.layout, slope=False)[:2]
        found = [normal.at(rho) for normal in self._normal]
        stay = np.zeros(self.layout.units)
        if own:  # B = C A'N, row by row
            A = _resolved(self.W, rho)
            pattern = self._normal[0].pattern
            parts = pattern.matrix(pattern.lay(A) * found[0].entries())
            stay = np.asarray(parts.sum(axis=1)).ravel() / self._M[:, 0]
        columns = [found[at].diagonal() for at in self._of_period]
        quadratic = np.concatenate(columns)
        if not np.all(quadratic < SINGULAR):
            raise EstimationError(
                f"I - rho W is singular, or nearly so, at rho = {rho:.6g}. Keep rho "
                "between the inverses of the least and greatest eigenvalue of the "
                "weights."
            )
        return stay, quadratic


class Variances(Diagonals):
    """The diagonal of Sigma at any rho, what does not change with rho kept.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        Between units. Sparse weights are never made dense.
    cells : Cells

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.arange(2), units=2, periods=1)
    >>> Variances(W, cells).at(0.5).variance.round(6)  # (1 + .25) / (1 - .25)^2
    array([2.222222, 2.222222])
    """

    def __init__(self, W: Matrix, cells: Cells) -> None:
        super().__init__(W, cells)
        self.cells = cells

    def at(self, rho: float) -> Spread:
        """Return variances and B_gg.

        Raises
        ------
        EstimationError
            If I - rho W is singular.
        """
        own, quadratic = self.diagonals(rho, own=True)
        periods = self.cells.periods
        return Spread(lay_out(self.cells, own, quadratic), np.tile(own, periods))


def spread_of(B: Array, cells: Cells) -> Spread:
    """Return variances and B_gg from the inverse itself, shape (units, units).

    Examples
    --------
    >>> cells = Cells(np.arange(2), units=2, periods=1)
    >>> spread_of(np.array([[4.0, 2.0], [2.0, 4.0]]) / 3, cells).variance.round(6)
    array([2.222222, 2.222222])
    """
    M = cells.by_unit(cells.concentration)
    quadratic = cells.by_cell((B * B) @ M, np.empty(cells.n))
    own = np.ascontiguousarray(np.diag(B))
    return Spread(lay_out(cells, own, quadratic), np.tile(own, cells.periods))


def spread(W: Matrix, rho: float, cells: Cells) -> Spread:
    """Return the variance of every row's latent error.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        Between units. Sparse weights are never made dense.
    rho : float
    cells : Cells

    Returns
    -------
    Spread

    Raises
    ------
    EstimationError
        If I - rho W is singular.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.array([0, 0, 1]), units=2, periods=1)
    >>> found = spread(W, 0.5, cells)
    >>> found.variance.round(4), found.own.round(4)
    (array([1.8333, 1.8333, 2.    ]), array([1.3333, 1.3333]))
    """
    return Variances(W, cells).at(rho)


def spread_slope(W: Matrix, rho: float, cells: Cells) -> tuple[Spread, Array]:
    """Return the variances and their derivatives in rho, both exact.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
    rho : float
    cells : Cells

    Returns
    -------
    Spread
    array, shape (n_rows,)
        Derivative of ``variance`` in rho.

    Raises
    ------
    EstimationError
        If I - rho W is singular.

    Notes
    -----
    The derivative of B is BWB, so with one row per cell the result is
    2 diag(BW Sigma). It needs every column of B: two solves for each unit, in
    blocks of 512. For many rho take a `SpreadCurve`.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.arange(2), units=2, periods=1)
    >>> spread_slope(W, 0.5, cells)[1].round(6)
    array([7.703704, 7.703704])
    """
    own, quadratic, d_own, d_quadratic = _diagonals(W, rho, cells, slope=True)
    here = Spread(lay_out(cells, own, quadratic), np.tile(own, cells.periods))
    return here, lay_out(cells, d_own, d_quadratic, constant=0.0)


def lay_out(cells: Cells, own: Array, quadratic: Array, constant: float = 1.0) -> Array:
    """Return s^2 of every row from B_gg (by unit) and (BMB')_gg (by cell).

    With `constant` 0 and derivatives given, the derivative of s^2.
    """
    share, codes = cells.share, cells.codes
    if cells.w is None:
        return np.asarray(quadratic[codes] + constant * (1 - share))
    concentration = cells.concentration[codes]
    of_row = np.tile(own, cells.periods)[codes]
    return np.asarray(
        constant * (1 - 2 * share + concentration)
        + 2 * of_row * (share - concentration)
        + quadratic[codes]
    )


def _diagonals(
    W: Matrix, rho: float, cells: Layout, *, slope: bool
) -> tuple[Array, Array, Array, Array]:
    """Return B_gg (by unit), (BMB')_gg (by cell) and their derivatives in rho."""
    n = W.shape[0]
    M = cells.by_unit(cells.concentration)
    own, quadratic = np.empty(n), np.empty(M.shape)
    d_own, d_quadratic = np.zeros(n), np.zeros(M.shape)
    solver = Resolvent(W, rho)
    step = BLOCK if sparse.issparse(W) else n
    for start in range(0, n, step):
        at = np.arange(start, min(start + step, n))
        unit = np.zeros((n, len(at)))
        unit[at, at - start] = 1.0
        rows = solver.solve(unit, transposed=True)  # rows of B, as columns
        own[at] = rows[at, at - start]
        quadratic[at] = (rows * rows).T @ M
        if slope:
            moved = solver.solve(np.asarray(W.T @ rows), transposed=True)
            d_own[at] = moved[at, at - start]
            d_quadratic[at] = 2 * (rows * moved).T @ M
    like = np.empty(cells.n)
    by_cell = cells.by_cell
    return own, by_cell(quadratic, like), d_own, by_cell(d_quadratic, like)


def _resolved(W: Matrix, rho: float) -> Matrix:
    n = W.shape[0]
    if sparse.issparse(W):
        return sparse.eye_array(n, format="csr") - rho * W
    return np.eye(n) - rho * W

"""The inverse of I - rho W, applied and never formed."""

from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.cells import Layout
from geopoverty.numerics.types import Array, Matrix


class Resolvent:
    """Solves with A = I - rho W after one factorisation.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        Dense is factored dense, sparse stays sparse.
    rho : float

    Raises
    ------
    EstimationError
        If A is singular.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> b = Resolvent(W, 0.5)
    >>> b.solve(np.array([1.0, 1.0])).round(6), round(b.log_determinant, 6)
    (array([2., 2.]), -0.287682)
    """

    def __init__(self, W: Matrix, rho: float) -> None:
        self.W, self.rho = W, rho
        n = W.shape[0]
        self._factor: Any
        if sparse.issparse(W):
            A = (sparse.eye_array(n, format="csc") - rho * W.tocsc()).tocsc()
            try:
                self._factor = _sparse_lu(A)
            except RuntimeError as error:
                raise _singular(rho) from error
            pivots = self._factor.U.diagonal()
        else:
            A = -rho * W
            A[np.diag_indices(n)] += 1.0
            # LAPACK itself: scipy's lu_factor would warn of what is refused below. Of
            # the transpose, which lies in memory as LAPACK wants it.
            lu, swaps, _ = linalg.lapack.dgetrf(A.T, overwrite_a=True)
            self._factor = (lu, swaps)
            pivots = np.diag(lu)
        if not np.all(pivots):
            raise _singular(rho)
        self.log_determinant = float(np.log(np.abs(pivots)).sum())

    def solve(self, x: Array, *, transposed: bool = False) -> Array:
        """Return B x, or B'x, for x of shape (n,) or (n, m)."""
        if isinstance(self._factor, tuple):
            trans = int(not transposed)
            return np.asarray(
                linalg.lu_solve(self._factor, x, trans=trans, check_finite=False)
            )
        return np.asarray(
            self._factor.solve(np.asfortranarray(x), "T" if transposed else "N")
        )

    def inverse(self) -> Array:
        """Return B itself, of dense weights."""
        # Room for blocks of 64 columns: the default has none, and is five times slower.
        room = 64 * len(self._factor[0])
        inverse, _ = linalg.lapack.dgetri(*self._factor, lwork=room)
        return np.asarray(inverse.T)

    def cells(self, cells: Layout, values: Array, *, transposed: bool = False) -> Array:
        """Return B v for values of cells, period by period, shaped as they came."""
        wide = cells.by_unit(values)
        return cells.by_cell(self.solve(wide, transposed=transposed), values)


def lag_cells(W: Matrix, cells: Layout, values: Array) -> Array:
    """Return W v for values of cells, period by period, shaped as they came."""
    return cells.by_cell(np.asarray(W @ cells.by_unit(values)), values)


def _sparse_lu(A: Any) -> Any:
    # I - rho W is diagonally strong in all that is feasible: pivots need to leave
    # the diagonal only when it is nearly gone, which keeps the fill low.
    options = {"SymmetricMode": True}
    return splu(A, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.01, options=options)


def _singular(rho: float) -> EstimationError:
    return EstimationError(
        f"I - rho W is singular at rho = {rho:.6g}. Keep rho between the inverses of "
        "the least and greatest eigenvalue of the weights."
    )

"""Instruments for the spatial coefficient of a binary model."""

import numpy as np
from scipy import sparse

from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.types import Array, Matrix


def instruments(X: Array, W: Matrix, cells: Cells, order: int = 2) -> Array:
    """Return the covariates and their spatial lags, as far as they are independent.

    Parameters
    ----------
    X : array, shape (n_rows, k)
        The full design; lags of constant columns are left out.
    W : array or CSR array, shape (n, n)
        Between units.
    cells : Cells
    order : int
        The highest power of the weights, at least 1.

    Returns
    -------
    array, shape (n_rows, p)
        (X, WX, ..., W^order X) without the columns that earlier ones determine.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.array([0, 0, 1]), units=2, periods=1)
    >>> instruments(np.array([[1, 1.0], [1, 3.0], [1, 5.0]]), W, cells, order=1)
    array([[1., 1., 5.],
           [1., 3., 5.],
           [1., 5., 2.]])
    """
    columns = [X]
    lag = cells.mean(X[:, np.ptp(X, axis=0) > 0])
    for _ in range(order):
        lag = lag_cells(W, cells, lag)
        columns.append(lag[cells.codes])
    return _independent(np.column_stack(columns))


def variance_instruments(X: Array, W: Matrix, cells: Cells, order: int = 2) -> Array:
    """Return the covariates, and their products with what makes variances differ.

    Parameters
    ----------
    X : array, shape (n_rows, k)
    W : array or CSR array, shape (n, n)
    cells : Cells
    order : int
        One more than the highest power of c below; at least 2.

    Returns
    -------
    array, shape (n_rows, p)
        (X, cX, ..., c^(order - 1) X) without dependent columns.

    Notes
    -----
    In an error model rho moves the index a = Xb / s only through the standard
    deviation s, so lags of X, which shift a mean, say little about it. Here
    c = diag(WW' + 2 W^2), the first term of s^2 - 1 in powers of rho (weights
    without diagonal). Where c does not vary, neither does s, and rho is not
    identified from first moments at all.

    Examples
    --------
    >>> W = np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])
    >>> cells = Cells(np.arange(3), units=3, periods=1)
    >>> variance_instruments(np.ones((3, 1)), W, cells)
    array([[1. , 2. ],
           [1. , 2.5],
           [1. , 2. ]])
    """
    concentration = cells.concentration
    squares = W.multiply(W) if sparse.issparse(W) else W * W
    crossed = W.multiply(W.T) if sparse.issparse(W) else W * W.T
    variance = lag_cells(squares, cells, concentration)[cells.codes]
    there_and_back = np.tile(
        np.asarray(crossed.sum(axis=1), np.float64).ravel(), cells.periods
    )
    c = variance + 2 * cells.share * there_and_back[cells.codes]
    powers = [c[:, None] ** power * X for power in range(order)]
    return _independent(np.column_stack(powers))


def _independent(H: Array) -> Array:
    drop = [column for column, _ in dependent_columns(H)]
    return np.delete(H, drop, axis=1)

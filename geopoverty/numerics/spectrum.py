"""The ends of the spectrum of a weight matrix."""

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigs, eigsh

from geopoverty.numerics.types import Matrix

DENSE_LIMIT = 500  # below this the whole spectrum costs less than a search


def eigenvalue_range(matrix: Matrix) -> tuple[float, float]:
    """Return the least and greatest real part of the eigenvalues.

    Parameters
    ----------
    matrix : array or CSR array, shape (n, n)

    Returns
    -------
    tuple of float
        Least, greatest.

    Examples
    --------
    >>> low, high = eigenvalue_range(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> round(low, 6), round(high, 6)
    (-1.0, 1.0)
    """
    if matrix.shape[0] <= DENSE_LIMIT:
        return _all(matrix)
    symmetric = abs(matrix - matrix.T).max() <= 1e-12 * abs(matrix).max()
    solver, ends = (eigsh, ("SA", "LA")) if symmetric else (eigs, ("SR", "LR"))
    start = np.random.default_rng(0).normal(size=matrix.shape[0])
    try:
        found = [
            solver(
                matrix,
                k=1,
                which=end,
                v0=start,
                tol=1e-8,
                ncv=40,
                return_eigenvectors=False,
            )[0].real
            for end in ends
        ]
    except ArpackNoConvergence:  # exact, only slower
        return _all(matrix)
    return float(found[0]), float(found[1])


def spectral_radius(matrix: Matrix) -> float:
    """Return the largest modulus of the eigenvalues of a non-negative matrix.

    By Perron and Frobenius it is itself an eigenvalue, the greatest.

    Examples
    --------
    >>> round(spectral_radius(np.array([[0.0, 2.0], [2.0, 0.0]])), 6)
    2.0
    """
    return eigenvalue_range(matrix)[1]


def _all(matrix: Matrix) -> tuple[float, float]:
    full = matrix.toarray() if sparse.issparse(matrix) else matrix
    values = linalg.eigvals(full).real
    return float(values.min()), float(values.max())

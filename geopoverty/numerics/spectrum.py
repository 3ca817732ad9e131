"""The ends of the spectrum of a weight matrix."""

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, eigs, eigsh

from geopoverty.numerics.types import Matrix

DENSE_LIMIT = 500  # below this the whole spectrum costs less than a search
RESTARTS = 100  # real weights need about ten; past this the whole spectrum is quicker


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
                maxiter=RESTARTS,
                return_eigenvectors=False,
            )[0].real
            for end in ends
        ]
    except ArpackError:  # no convergence, or no start: exact, only slower
        return _all(matrix)
    return float(found[0]), float(found[1])


def spectral_radius(matrix: Matrix) -> float:
    """Return the largest modulus of the eigenvalues of a non-negative matrix.

    By Perron and Frobenius it is itself an eigenvalue, the greatest. It is 0
    exactly when no chain of links leads back to where it began; there, computed
    eigenvalues would be far from 0.

    Examples
    --------
    >>> round(spectral_radius(np.array([[0.0, 2.0], [2.0, 0.0]])), 6)
    2.0
    >>> spectral_radius(np.array([[0.0, 2.0], [0.0, 0.0]]))
    0.0
    """
    return eigenvalue_range(matrix)[1] if _leads_back(matrix) else 0.0


def _leads_back(matrix: Matrix) -> bool:
    links = matrix > 0
    both = links.multiply(links.T) if sparse.issparse(matrix) else links & links.T
    if both.sum():
        return True
    groups, _ = connected_components(sparse.csr_array(matrix), connection="strong")
    return bool(groups < matrix.shape[0])


def _all(matrix: Matrix) -> tuple[float, float]:
    full = matrix.toarray() if sparse.issparse(matrix) else matrix
    values = linalg.eigvals(full).real
    return float(values.min()), float(values.max())

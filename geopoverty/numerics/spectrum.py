"""The ends of the spectrum of a weight matrix."""

from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, eigs, eigsh

from geopoverty.numerics.types import Matrix

DENSE_LIMIT = 500  # below this the whole spectrum costs less than a search
DENSE_MOST = 5000  # above it the whole spectrum of a sparse matrix is out of reach
RESTARTS = 100  # real weights need about ten; past this the whole spectrum is quicker
THIN = 0.2  # share of entries above 0 up to which a dense matrix is mostly zeros
BEYOND = 1e-4  # how far beyond the largest row sum the inverse is taken


def eigenvalue_range(matrix: Matrix) -> tuple[float, float]:
    """Return the least and greatest real part of the eigenvalues.

    Parameters
    ----------
    matrix : array or CSR array, shape (n, n)
        At least 0.

    Returns
    -------
    tuple of float
        Least, greatest. Where the least cannot be found for a sparse matrix of more
        than 5,000 units, minus the greatest stands for it, which is never above.

    Examples
    --------
    >>> low, high = eigenvalue_range(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> round(low, 6), round(high, 6)
    (-1.0, 1.0)
    """
    n = matrix.shape[0]
    if n <= DENSE_LIMIT:
        return _all(matrix)
    symmetric = abs(matrix - matrix.T).max() <= 1e-12 * abs(matrix).max()
    solver, least, most = (eigsh, "SA", "LA") if symmetric else (eigs, "SR", "LR")
    options = {
        "v0": np.random.default_rng(0).normal(size=n),
        "tol": 1e-8,
        "ncv": 40,
        "maxiter": RESTARTS,
        "return_eigenvectors": False,
    }
    try:
        high = _greatest(matrix, solver, most, options)
    except ArpackError:  # no convergence, or no start: exact, only slower
        return _all(matrix)
    try:
        low = float(solver(_thin(matrix), k=1, which=least, **options)[0].real)
    except ArpackError:
        return (-high, high) if _too_large(matrix) else _all(matrix)
    return low, high


def _thin(matrix: Matrix) -> Matrix:
    """Return a matrix sparse where it is mostly zeros: a search multiplies faster."""
    if sparse.issparse(matrix) or np.count_nonzero(matrix) > THIN * matrix.size:
        return matrix
    return sparse.csr_array(matrix)


def _greatest(matrix: Matrix, solver: Any, most: str, options: dict[str, Any]) -> float:
    """Return the greatest eigenvalue: by Perron and Frobenius, the spectral radius."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    if np.ptp(sums) <= 1e-12 * sums.max():  # then the radius is that sum
        return float(sums.mean())
    if not sparse.issparse(matrix):
        return float(solver(_thin(matrix), k=1, which=most, **options)[0].real)
    # Eigenvalues crowd below the greatest where units are many. Seen from just above
    # the largest row sum, which none surpasses, the nearest one stands out.
    shift = (1 + BEYOND) * float(sums.max())
    found = solver(matrix.tocsc(), k=1, sigma=shift, which="LM", **options)
    return float(found[0].real)


def _too_large(matrix: Matrix) -> bool:
    return bool(sparse.issparse(matrix) and matrix.shape[0] > DENSE_MOST)


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

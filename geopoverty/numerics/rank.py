"""Which columns are linear combinations of others."""

import numpy as np
from scipy import linalg

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.types import Array

TOLERANCE = 1e-9  # of a column's length left after projecting on the ones before it
SAFE_PIVOT = 1e-8  # of a squared length: above it the Gram matrix decides


def dependent_columns(X: Array) -> list[tuple[int, list[int]]]:
    """Find columns that the columns before them determine.

    Parameters
    ----------
    X : array, shape (n, k)
        Finite.

    Returns
    -------
    list of (int, list of int)
        Each dependent column, with the columns it is a combination of. A
        column of zeros has an empty list.

    Notes
    -----
    The Gram matrix of unit-length columns decides in one pass when all its
    pivots are clear of rounding; else a QR decomposition over blocks of rows,
    which keeps twice the digits.

    Examples
    --------
    >>> x = np.arange(4.0)
    >>> dependent_columns(np.column_stack([np.ones(4), x, 2 * x - 3]))
    [(2, [0, 1])]
    """
    length = np.sqrt(np.einsum("ij,ij->j", X, X))
    scale = np.where(length > 0, length, 1.0)
    gram = (X.T @ X) / np.outer(scale, scale)
    if length.all() and _least_pivot(gram) > SAFE_PIVOT:
        return []
    triangle = _triangle(X, scale)
    found: list[tuple[int, list[int]]] = []
    kept: list[int] = []
    for j in range(X.shape[1]):
        column = triangle[:, j]
        basis = triangle[:, kept]
        weight = linalg.lstsq(basis, column)[0] if kept else np.zeros(0)
        rest = np.linalg.norm(column - basis @ weight)
        if length[j] > 0 and rest > TOLERANCE:
            kept.append(j)
            continue
        parts = [i for i, a in zip(kept, weight, strict=True) if abs(a) > 1e-7]
        found.append((j, parts))
    return found


def _least_pivot(gram: Array) -> float:
    try:
        factor = linalg.cholesky(gram)
    except linalg.LinAlgError:
        return 0.0
    return float(np.diag(factor).min() ** 2)


def _triangle(X: Array, scale: Array) -> Array:
    triangle = np.zeros((0, X.shape[1]))
    for rows in blocks(len(X)):
        stacked = np.vstack([triangle, X[rows] / scale])
        triangle = linalg.qr(stacked, mode="r")[0][: X.shape[1]]
    return np.asarray(triangle)

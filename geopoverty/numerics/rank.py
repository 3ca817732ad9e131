"""Which columns are linear combinations of others."""

import numpy as np
from scipy import linalg

from geopoverty.numerics.rows import Feed, InMemory
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

    Examples
    --------
    >>> x = np.arange(4.0)
    >>> dependent_columns(np.column_stack([np.ones(4), x, 2 * x - 3]))
    [(2, [0, 1])]
    """
    return dependent_among(InMemory(X, X[:, 0]), X.T @ X)


def dependent_among(rows: Feed, gram: Array) -> list[tuple[int, list[int]]]:
    """Find dependent columns of rows wherever they are.

    Parameters
    ----------
    rows : Feed
    gram : array, shape (k, k)
        Their X'X, weights left out.

    Returns
    -------
    list of (int, list of int)
        See `dependent_columns`.

    Notes
    -----
    The Gram matrix of unit-length columns decides when all its pivots are clear of
    rounding; else a QR decomposition over blocks of rows, which keeps twice the
    digits.
    """
    length = np.sqrt(np.diag(gram))
    scale = np.where(length > 0, length, 1.0)
    if length.all() and _least_pivot(gram / np.outer(scale, scale)) > SAFE_PIVOT:
        return []
    (whole,) = rows.total(lambda b: (triangle(b.X / scale),), stacked)
    found: list[tuple[int, list[int]]] = []
    kept: list[int] = []
    for j in range(len(gram)):
        column = whole[:, j]
        basis = whole[:, kept]
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


def triangle(X: Array) -> Array:
    """Return R of a QR decomposition, as many rows as there are, at most k."""
    return np.asarray(linalg.qr(X, mode="r")[0][: X.shape[1]])


def stacked(upper: Array, lower: Array) -> Array:
    """Return R of the rows of two blocks, from theirs."""
    return triangle(np.vstack([upper, lower]))

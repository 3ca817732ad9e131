"""Least squares by one pass over the rows, with what covariances need."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import outer_sum, sandwich
from geopoverty.numerics.types import Array

SAFE_PIVOT = 1e-8  # of a squared length: below it X'X has lost too many digits


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """A fit.

    Attributes
    ----------
    beta : array, shape (k,)
    residual : array, shape (n,)
    bread : array, shape (k, k)
        Inverse of X'wX.
    rss : float
        Weighted sum of squared residuals.
    """

    beta: Array
    residual: Array
    bread: Array
    rss: float

    @property
    def df(self) -> int:
        """Rows less coefficients."""
        return len(self.residual) - len(self.beta)

    @property
    def sigma2(self) -> float:
        """Variance of the errors, unbiased."""
        return self.rss / self.df


def least_squares(y: Array, X: Array, w: Array | None = None) -> LeastSquares:
    """Fit y on X, rows weighted by w.

    Parameters
    ----------
    y : array, shape (n,)
    X : array, shape (n, k)
        Of full column rank, n > k.
    w : array, shape (n,), optional
        Above 0.

    Returns
    -------
    LeastSquares

    Notes
    -----
    The normal equations of columns of unit length, and two steps of refinement from
    their own residuals, which bring back the digits that squaring lost. `condition`
    should be below 1e6.

    Examples
    --------
    >>> X = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    >>> least_squares(np.array([1.0, 3.0, 5.0]), X).beta.round(12)
    array([1., 2.])
    """
    scale = np.sqrt(np.einsum("ij,ij->j", X, X))
    bread = bread_of(triangle(X, scale, w), scale)
    beta = _refined(y, X, w, bread)
    residual = y - X @ beta
    weighted = residual if w is None else w * residual
    return LeastSquares(beta, residual, bread, float(weighted @ residual))


def _refined(y: Array, X: Array, w: Array | None, bread: Array) -> Array:
    beta = bread @ _product(X, y[:, None], w)[:, 0]
    for _ in range(2):
        residual = y - X @ beta
        beta = beta + bread @ _product(X, residual[:, None], w)[:, 0]
    return np.asarray(beta)


def bread_of(root: Array, scale: Array) -> Array:
    """Return the inverse of X'wX from its triangle (see `triangle`).

    Examples
    --------
    >>> bread_of(np.array([[2.0]]), np.ones(1))
    array([[0.25]])
    """
    half = linalg.solve_triangular(root, np.eye(len(scale))) / scale[:, None]
    return np.asarray(half @ half.T)


def triangle(X: Array, scale: Array, w: Array | None = None) -> Array:
    """Return the upper triangle R with R'R = Z'wZ, where Z is X / scale.

    Parameters
    ----------
    X : array, shape (n, k)
        Of full column rank.
    scale : array, shape (k,)
        Lengths of the columns, or the like.
    w : array, shape (n,), optional

    Examples
    --------
    >>> triangle(np.ones((4, 1)), np.ones(1))
    array([[2.]])
    """
    gram = _product(X, X, w)
    return triangle_of(gram, scale, lambda: qr_triangle(X, scale, w))


def triangle_of(gram: Array, scale: Array, by_qr: Callable[[], Array]) -> Array:
    """Return `triangle` from X'wX, or by QR where that has lost its digits.

    Examples
    --------
    >>> triangle_of(np.array([[4.0]]), np.ones(1), lambda: np.zeros((1, 1)))
    array([[2.]])
    """
    gram = gram / np.outer(scale, scale)
    size = np.sqrt(np.diag(gram))
    try:
        root = linalg.cholesky(gram / np.outer(size, size))
    except linalg.LinAlgError:
        return by_qr()
    if np.diag(root).min() ** 2 < SAFE_PIVOT:
        return by_qr()
    return np.asarray(root * size)


def condition(X: Array) -> float:
    """Return the condition number of the columns at unit length.

    Examples
    --------
    >>> round(condition(np.array([[1.0, 0.0], [0.0, 7.0]])), 9)
    1.0
    """
    return float(np.linalg.cond(triangle(X, np.sqrt(np.einsum("ij,ij->j", X, X)))))


def stacked(upper: Array, lower: Array) -> Array:
    """Return the triangle of rows whose triangles are known.

    Examples
    --------
    >>> abs(stacked(np.array([[3.0]]), np.array([[4.0]])))
    array([[5.]])
    """
    return qr_triangle(np.vstack([upper, lower]), np.ones(upper.shape[1]))


def qr_triangle(X: Array, scale: Array, w: Array | None = None) -> Array:
    """Return the same from a QR decomposition, which keeps twice the digits.

    Examples
    --------
    >>> abs(qr_triangle(np.ones((4, 1)), np.ones(1)))
    array([[2.]])
    """
    found = np.zeros((0, X.shape[1]))
    for rows in blocks(len(X)):
        block = X[rows] / scale
        if w is not None:
            block *= np.sqrt(w[rows, None])
        stacked = np.vstack([found, block])
        found = linalg.qr(stacked, mode="r")[0][: X.shape[1]]
    return np.asarray(found)


def _product(left: Array, right: Array, w: Array | None) -> Array:
    if w is None:
        return np.asarray(left.T @ right)
    total = np.zeros((left.shape[1], right.shape[1]))
    for rows in blocks(len(left)):
        total += left[rows].T @ (right[rows] * w[rows, None])
    return total


def score_blocks(
    X: Array, residual: Array, w: Array | None = None
) -> Iterator[tuple[slice, Array]]:
    """Yield the rows' scores w e x, block by block.

    Examples
    --------
    >>> [s.tolist() for _, s in score_blocks(np.ones((2, 1)), np.array([3.0, -3.0]))]
    [[[3.0], [-3.0]]]
    """
    weighted = residual if w is None else w * residual
    for rows in blocks(len(X)):
        yield rows, X[rows] * weighted[rows, None]


def leverages(X: Array, bread: Array, w: Array | None = None) -> Array:
    """Return each row's pull on its own fitted value, in [0, 1].

    Parameters
    ----------
    X : array, shape (n, k)
    bread : array, shape (k, k)
        Inverse of X'wX.
    w : array, shape (n,), optional

    Examples
    --------
    >>> leverages(np.ones((4, 1)), np.array([[0.25]]))
    array([0.25, 0.25, 0.25, 0.25])
    """
    out = np.empty(len(X))
    for rows in blocks(len(X)):
        out[rows] = np.einsum("ij,ij->i", X[rows] @ bread, X[rows])
    return out if w is None else out * w


def robust_covariance(
    fit: LeastSquares,
    X: Array,
    kind: str,
    w: Array | None = None,
    leverage: Array | None = None,
) -> Array:
    """Return the covariance under independent errors, shape (k, k).

    Parameters
    ----------
    fit : LeastSquares
    X : array, shape (n, k)
    kind : {"iid", "hc0", "hc1", "hc2", "hc3"}
        One variance of the errors, or each row its own (MacKinnon & White 1985):
        squared residuals as they are, times n/(n-k), over 1 - h, over (1 - h)^2.
    w : array, shape (n,), optional
    leverage : array, shape (n,), optional
        h; computed for HC2 and HC3 when not given.

    References
    ----------
    MacKinnon, J. G. & White, H. (1985). Some heteroskedasticity-consistent
    covariance matrix estimators with improved finite sample properties. Journal of
    Econometrics 29, 305-325.

    Examples
    --------
    >>> X, y = np.ones((4, 1)), np.array([0.0, 0.0, 1.0, 3.0])
    >>> fit = least_squares(y, X)
    >>> [round(float(robust_covariance(fit, X, k)[0, 0]), 3) for k in ("hc0", "hc3")]
    [0.375, 0.667]
    """
    if kind == "iid":
        return np.asarray(fit.sigma2 * fit.bread)
    residual = fit.residual
    if kind in ("hc2", "hc3"):
        h = leverages(X, fit.bread, w) if leverage is None else leverage
        residual = residual / (np.sqrt(1 - h) if kind == "hc2" else 1 - h)
    n, k = X.shape
    factor = n / (n - k) if kind == "hc1" else 1.0
    meat = factor * outer_sum(score_blocks(X, residual, w), k)
    return sandwich(fit.bread, meat)[0]


def log_likelihood(rss: float, n: int, w: Array | None = None) -> float:
    """Return the normal log-likelihood at the best variance.

    Examples
    --------
    >>> round(log_likelihood(4.0, 4), 4)
    -5.6758
    """
    return likelihood_of(rss, n, 0.0 if w is None else float(np.log(w).sum()))


def likelihood_of(rss: float, n: int, log_weights: float) -> float:
    """Return `log_likelihood` from the sum of logarithms of weights.

    Examples
    --------
    >>> round(likelihood_of(4.0, 4, 0.0), 4)
    -5.6758
    """
    weighing = 0.5 * log_weights
    return float(weighing - 0.5 * n * (np.log(2 * np.pi) + 1 + np.log(rss / n)))

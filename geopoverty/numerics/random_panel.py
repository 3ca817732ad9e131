"""Random effects of units: variance components and generalised least squares."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse

from geopoverty.errors import EstimationError
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.types import Array, Codes

FLAT = 1e-9  # of a column's length left net of unit means: it does not vary within


@dataclass(frozen=True, eq=False)
class Groups:
    """Which unit each row belongs to.

    Attributes
    ----------
    codes : array of int, shape (n,)
        From 0 to the number of units - 1; every unit has a row.

    Examples
    --------
    >>> groups = Groups(np.array([0, 0, 1]))
    >>> groups.counts, groups.means(np.array([1.0, 3.0, 5.0]))
    (array([2., 1.]), array([2., 5.]))
    """

    codes: Codes

    @cached_property
    def counts(self) -> Array:
        """Rows of each unit, shape (units,)."""
        return np.bincount(self.codes).astype(np.float64)

    def means(self, values: Array) -> Array:
        """Return the mean of each unit, (units,) or (units, k)."""
        n = len(self.codes)
        parts = (np.ones(n), self.codes, np.arange(n + 1))
        sums = np.asarray(sparse.csr_array(parts, (n, len(self.counts))).T @ values)
        return sums / (self.counts if values.ndim == 1 else self.counts[:, None])

    def without(self, values: Array, share: Array | float = 1.0) -> Array:
        """Return values less a share (of each unit, or one) of their unit's mean."""
        means = self.means(values)
        by_unit = np.broadcast_to(share, len(means))
        scaled = means * (by_unit if values.ndim == 1 else by_unit[:, None])
        return np.asarray(values - scaled[self.codes])


@dataclass(frozen=True, eq=False)
class Components:
    """Variances of what is unobserved: of units, and of rows.

    Attributes
    ----------
    unit, row : float
        Variances, at least 0 and above 0.
    raw : float
        The estimate of `unit` before it was kept from falling below 0.
    """

    unit: float
    row: float
    raw: float

    def theta(self, counts: Array) -> Array:
        """Return which share of a unit's mean to take off, in [0, 1).

        Examples
        --------
        >>> Components(3.0, 1.0, 3.0).theta(np.array([1.0, 5.0]))
        array([0.5 , 0.75])
        """
        return np.asarray(1 - np.sqrt(self.row / (self.row + counts * self.unit)))


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """A regression: coefficients, residuals and (X'X)^-1.

    Attributes
    ----------
    X : array, shape (n, k)
    beta : array, shape (k,)
    residual : array, shape (n,)
    """

    X: Array
    beta: Array
    residual: Array

    @cached_property
    def bread(self) -> Array:
        """(X'X)^-1, shape (k, k)."""
        return inverse(self.X.T @ self.X)

    @property
    def rss(self) -> float:
        """Sum of squared residuals."""
        return float(self.residual @ self.residual)

    @property
    def vcov(self) -> Array:
        """s^2 (X'X)^-1 with s^2 over n - k, shape (k, k)."""
        return np.asarray(self.bread * (self.rss / (len(self.X) - self.X.shape[1])))


def least_squares(X: Array, y: Array) -> LeastSquares:
    """Regress y on X.

    Examples
    --------
    >>> fit = least_squares(np.ones((3, 1)), np.array([1.0, 2.0, 6.0]))
    >>> fit.beta, fit.rss
    (array([3.]), 14.0)
    """
    Q, R = linalg.qr(X, mode="economic")
    beta = linalg.solve_triangular(R, Q.T @ y)
    return LeastSquares(X, np.asarray(beta), y - X @ beta)


def varying(X: Array, groups: Groups) -> tuple[Array, list[int]]:
    """Return X net of unit means, and which of its columns that leaves.

    Parameters
    ----------
    X : array, shape (n, k)
    groups : Groups

    Returns
    -------
    array, shape (n, m)
        Columns that vary within units and do not determine one another.
    list of int
        Which columns of X these are.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 5.0], [1.0, 5.0]])
    >>> varying(X, Groups(np.array([0, 0, 1, 1])))[1]
    [1]
    """
    within = groups.without(X)
    left = np.linalg.norm(within, axis=0) > FLAT * np.linalg.norm(X, axis=0)
    kept = np.flatnonzero(left)
    lost = {j for j, _ in dependent_columns(within[:, kept])} if kept.size else set()
    found = [int(j) for i, j in enumerate(kept) if i not in lost]
    return within[:, found], found


def within_fit(X: Array, y: Array, groups: Groups) -> tuple[LeastSquares, list[int]]:
    """Regress y on X net of unit means; return the fit and the columns it has.

    The fit's residuals have ``n - units - columns`` degrees of freedom.
    """
    within, kept = varying(X, groups)
    return least_squares(within, groups.without(y)), kept


def swamy_arora(X: Array, y: Array, groups: Groups) -> Components:
    """Estimate the variances of random effects, balanced or not.

    Parameters
    ----------
    X : array, shape (n, k)
        With a constant.
    y : array, shape (n,)
    groups : Groups

    Returns
    -------
    Components

    Raises
    ------
    EstimationError
        If there are too few units or rows to estimate a variance.

    Notes
    -----
    The variance of rows is the within regression's. The between regression, of
    unit means weighted by the square roots of their T_i rows, has a residual sum of
    squares of mean ``(N - K) row + (n - tr((X'PX)^-1 X'P T P X)) unit`` [1]_; in a
    balanced panel that is Swamy & Arora's estimator [2]_.

    References
    ----------
    .. [1] Baltagi, B. H. & Chang, Y.-J. (1994). Incomplete panels. Journal of
       Econometrics 62, 67-89, equation 2.13.
    .. [2] Swamy, P. A. V. B. & Arora, S. S. (1972). The exact finite sample
       properties of the estimators of coefficients in the error components
       regression models. Econometrica 40, 261-275.

    Examples
    --------
    >>> y = np.array([1.0, 3.0, 5.0, 7.0, 3.0, 5.0])
    >>> found = swamy_arora(np.ones((6, 1)), y, Groups(np.array([0, 0, 1, 1, 2, 2])))
    >>> round(found.row, 6), round(found.unit, 6)
    (2.0, 3.0)
    """
    within, kept = within_fit(X, y, groups)
    units = len(groups.counts)
    left = len(y) - units - len(kept)
    root = np.sqrt(groups.counts)
    mean_X = root[:, None] * groups.means(X)
    dropped = {j for j, _ in dependent_columns(mean_X)}
    mean_X = mean_X[:, [j for j in range(X.shape[1]) if j not in dropped]]
    _require_spare(units, mean_X.shape[1], left)
    row = within.rss / left
    if row <= 1e-20 * float(y @ y):
        raise EstimationError(
            "Within units the covariates explain the outcome exactly, so nothing is "
            "left to weigh random effects by. Check whether a covariate is made from "
            "the outcome."
        )
    between = least_squares(mean_X, root * groups.means(y))
    # The trace of the between projection times the rows of each unit.
    leverage = np.einsum("ij,ij->i", mean_X @ between.bread, mean_X)
    scale = len(y) - float(leverage @ groups.counts)
    raw = (between.rss - (units - mean_X.shape[1]) * row) / scale
    return Components(max(raw, 0.0), row, raw)


def random_fit(
    X: Array, y: Array, groups: Groups, components: Components
) -> LeastSquares:
    """Return generalised least squares, as a regression of transformed data.

    Examples
    --------
    >>> groups, y = Groups(np.array([0, 0, 1, 1])), np.array([0.0, 2.0, 4.0, 6.0])
    >>> random_fit(np.ones((4, 1)), y, groups, Components(3.0, 2.0, 3.0)).beta
    array([3.])
    """
    theta = components.theta(groups.counts)
    return least_squares(groups.without(X, theta), groups.without(y, theta))


def added_means(X: Array, groups: Groups) -> tuple[Array, list[int]]:
    """Return unit means of X that X does not determine, and of which columns.

    Parameters
    ----------
    X : array, shape (n, k)
    groups : Groups

    Returns
    -------
    array, shape (n, m)
        Mundlak's terms, a unit's in each of its rows.
    list of int
        Which columns of X they are means of.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 5.0], [1.0, 6.0]])
    >>> added_means(X, Groups(np.array([0, 0, 1, 1])))
    (array([[1. ],
           [1. ],
           [5.5],
           [5.5]]), [1])
    """
    _, moving = varying(X, groups)
    means = groups.means(X)[groups.codes][:, moving]
    dropped = {j - X.shape[1] for j, _ in dependent_columns(np.hstack([X, means]))}
    kept = [i for i in range(len(moving)) if i not in dropped]
    return means[:, kept], [moving[i] for i in kept]


def wald(gap: Array, vcov: Array, *, definite: bool = True) -> float:
    """Return gap' vcov^-1 gap, NaN where it is no statistic.

    Parameters
    ----------
    gap : array, shape (m,)
    vcov : array, shape (m, m)
        Symmetric.
    definite : bool
        Whether vcov must be positive definite, or only regular and the statistic
        above 0.

    Examples
    --------
    >>> wald(np.array([2.0]), np.array([[4.0]])), wald(np.ones(1), -np.eye(1))
    (1.0, nan)
    """
    spread = np.sqrt(np.abs(np.diag(vcov)))
    if not len(gap) or not spread.all():
        return float("nan")
    # On the scale of correlations, so that the unit of a covariate does not matter.
    values, vectors = linalg.eigh(vcov / np.outer(spread, spread))
    if (values if definite else np.abs(values)).min() <= FLAT:
        return float("nan")
    statistic = float(np.sum((vectors.T @ (gap / spread)) ** 2 / values))
    return statistic if statistic >= 0 else float("nan")


def is_definite(vcov: Array) -> bool:
    """Return whether a symmetric matrix is positive definite.

    Examples
    --------
    >>> is_definite(np.eye(2)), is_definite(np.diag([1.0, -1.0]))
    (True, False)
    """
    return bool(linalg.eigvalsh(vcov).min() > 0) if len(vcov) else True


def _require_spare(units: int, between: int, within: int) -> None:
    if units <= between:
        raise EstimationError(
            f"Random effects need more units than coefficients: {units} units cannot "
            f"tell {between} coefficients from the effects. Use effects='unit', or "
            "fewer covariates."
        )
    if within < 1:
        raise EstimationError(
            "Random effects need rows to spare within units: units and covariates "
            "explain every row. Use more periods, or fewer covariates."
        )

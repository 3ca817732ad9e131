"""Tests of spatial dependence after a plain logit or probit."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special, stats

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.links import Link
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.types import Array, Matrix

TINY = 1e-7  # of a direction's length left after projecting on others: it is none


@dataclass(frozen=True)
class Verdict:
    """What a test found.

    Attributes
    ----------
    statistic : float
        NaN where the data hold nothing to test.
    df : int
        Degrees of freedom; 0 where there is nothing to test.
    p_value : float
    law : {"chi2", "normal"}
        The law of the statistic without dependence.
    """

    statistic: float
    df: int
    p_value: float
    law: str = "chi2"


@dataclass(frozen=True, eq=False)
class PlainFit:
    """A binary model fitted as if rows were independent.

    Attributes
    ----------
    X : array, shape (n_rows, k)
    y : array, shape (n_rows,)
        0 or 1.
    beta : array, shape (k,)
        The maximum of the likelihood.
    link : Link
    """

    X: Array
    y: Array
    beta: Array
    link: Link

    @cached_property
    def eta(self) -> Array:
        """Linear predictor, shape (n_rows,)."""
        return self.X @ self.beta

    @cached_property
    def residual(self) -> Array:
        """Generalised residual f (y - F) / (F (1 - F)), shape (n_rows,)."""
        return self.link.at(self.eta, self.y).residual

    @cached_property
    def variance(self) -> Array:
        """Variance of the generalised residual, f^2 / (F (1 - F)), (n_rows,)."""
        # The product of both residuals it may take stays exact far in the tail.
        ones = np.ones_like(self.y)
        if_one = self.link.at(self.eta, ones).residual
        return np.asarray(-if_one * self.link.at(self.eta, 0 * ones).residual)

    @cached_property
    def chances(self) -> tuple[Array, Array]:
        """Probability of what was and of what was not observed, (n_rows,) each."""
        sign = 2 * self.y - 1
        seen = self.link.probability(sign * self.eta)
        return seen, self.link.probability(-sign * self.eta)

    @cached_property
    def latent_scale(self) -> float:
        """How many generalised residuals a latent error is, on average.

        For a probit E[e | y] is the generalised residual itself. For a logit it
        is (H / v) u with H the entropy of the outcome; one number stands for H / v.
        """
        if self.link.name == "probit":
            return 1.0
        return float(sum(special.entr(p).sum() for p in self.chances)) / float(
            self.variance.sum()
        )


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of all alternatives, in coordinates that are independent.

    Attributes
    ----------
    z : array, shape (m + r + 1,)
        Standard normal without dependence: first what the m lags of covariates
        explain, then (r is 0 or 1) what the lagged predictor adds to them, last
        u'Wu over its standard deviation.
    lag : array, same shape
        The score of a spatial lag is ``lag @ z``.
    lags : int
        m.
    """

    z: Array
    lag: Array
    lags: int

    @property
    def directions(self) -> Mapping[str, Array]:
        """What each alternative moves, as columns: ``lag``, ``error``, ``slx``."""
        eye = np.eye(len(self.z))
        return {
            "lag": self.lag[:, None],
            "error": eye[:, -1:],
            "slx": eye[:, : self.lags],
        }

    def test(self, of: str, given: str | None = None) -> Verdict:
        """Test alternatives, such as ``"lag error"``, net of what is `given`.

        The statistic is the squared length of `z` in the space that the
        alternatives move, with the space of `given` taken out.
        """
        moved = self.directions
        target = np.hstack([moved[name] for name in of.split()])
        basis = _basis(target, None if given is None else _basis(moved[given]))
        return chi_squared(float(np.sum((basis.T @ self.z) ** 2)), basis.shape[1])


def dependence_tests(
    fit: PlainFit, W: Matrix, cells: Cells, lagged: NDArray[np.intp]
) -> dict[str, Verdict]:
    """Test a plain binary model for spatial dependence of every kind.

    Parameters
    ----------
    fit : PlainFit
    W : array or CSR array, shape (units, units)
        With a diagonal of 0 and at least one link.
    cells : Cells
        Rows of the fit in units (and periods).
    lagged : array of int
        Columns of X whose lags `slx` adds.

    Returns
    -------
    dict of str to Verdict
        ``lag, error, slx, lag_error, durbin, robust_lag, robust_error,
        robust_slx, kelejian_prucha, pinkse, pinkse_slade``.

    Examples
    --------
    >>> from geopoverty.numerics.links import Probit
    >>> W = np.roll(np.eye(4), 1, axis=1)
    >>> y = np.array([1.0, 0.0, 1.0, 0.0])
    >>> fit = PlainFit(np.ones((4, 1)), y, np.zeros(1), Probit)
    >>> cells = Cells(np.arange(4), units=4, periods=1)
    >>> out = dependence_tests(fit, W, cells, np.zeros(0, dtype=np.intp))
    >>> round(out["error"].statistic, 6), out["slx"].df
    (4.0, 0)
    """
    found = scores(fit, W, cells, lagged)
    return {
        "lag": found.test("lag"),
        "error": found.test("error"),
        "slx": found.test("slx"),
        "lag_error": found.test("lag error"),
        "durbin": found.test("lag slx"),
        "robust_lag": found.test("lag", given="error"),
        "robust_error": found.test("error", given="lag"),
        "robust_slx": found.test("slx", given="lag"),
        **residual_tests(fit, W, cells),
    }


def scores(fit: PlainFit, W: Matrix, cells: Cells, lagged: NDArray[np.intp]) -> Scores:
    """Return the scores of lag, error and lagged covariates at no dependence.

    Parameters
    ----------
    fit, W, cells, lagged
        See `dependence_tests`.

    Returns
    -------
    Scores

    Notes
    -----
    With u the generalised residual and c `PlainFit.latent_scale`, the score of a
    lag is (W X b)'u + c u'Wu, of an error u'Wu, of lagged covariates (W X)'u. The
    residuals of two rows are uncorrelated, so u'Wu has no covariance with the
    others and estimating b does not move it; the others are taken net of X.
    """
    u, v = fit.residual, fit.variance
    means = cells.mean(np.column_stack([fit.X[:, lagged], fit.eta]))
    M = np.column_stack([fit.X, lag_cells(W, cells, means)[cells.codes]])
    raw = M.T @ np.column_stack([u, v * M[:, -1]])
    M *= np.sqrt(v)[:, None]
    dropped = {j for j, _ in dependent_columns(M)}
    kept = [j for j in range(M.shape[1]) if j not in dropped]
    z, direction = linalg.solve_triangular(_triangle(M, kept), raw[kept], trans=1).T
    # What is left beside X: lags of covariates, then the lagged predictor.
    own = sum(j < fit.X.shape[1] for j in kept)
    lags = len(kept) - own - (M.shape[1] - 1 not in dropped)
    spread = float(np.sqrt(pair_variance(W, cells, v[:, None])[0]))
    error = lag_product(W, cells, u) / spread
    return Scores(
        np.append(z[own:], error),
        np.append(direction[own:], fit.latent_scale * spread),
        lags,
    )


def residual_tests(fit: PlainFit, W: Matrix, cells: Cells) -> dict[str, Verdict]:
    """Return the tests of Kelejian & Prucha, Pinkse, and Pinkse & Slade.

    Parameters
    ----------
    fit, W, cells
        See `dependence_tests`.

    Returns
    -------
    dict of str to Verdict
        ``kelejian_prucha`` (standard normal, two-sided), ``pinkse``,
        ``pinkse_slade``.

    Notes
    -----
    All three set e'We against its variance: for the residual y - F with its own
    variances, for the generalised residual with their mean, and for the residual
    in standard deviations.
    """
    seen, other = fit.chances
    sign = 2 * fit.y - 1
    spread = np.column_stack([seen * other, np.ones_like(seen)])
    plain, even = pair_variance(W, cells, spread)
    moran = lag_product(W, cells, sign * other) / float(np.sqrt(plain))
    pinkse = lag_product(W, cells, fit.residual) / float(fit.variance.mean())
    slade = lag_product(W, cells, sign * np.sqrt(other / seen))
    return {
        "kelejian_prucha": Verdict(
            moran, 1, float(2 * stats.norm.sf(abs(moran))), "normal"
        ),
        "pinkse": chi_squared(pinkse**2 / float(even), 1),
        "pinkse_slade": chi_squared(slade**2 / float(even), 1),
    }


def fitting_shift(fit: PlainFit, W: Matrix, cells: Cells) -> float:
    """Return how far fitting moves the mean of u'Wu, in its standard deviations.

    Parameters
    ----------
    fit, W, cells
        See `dependence_tests`.

    Returns
    -------
    float
        0 in large samples of units with few neighbours each, the case that the
        tests are made for. About -0.5 for weights over everybody: the tests of
        error then reject too seldom, and less against alike neighbours.

    Notes
    -----
    Residuals of a fit are orthogonal to X. To first order their covariance is
    V - V X (X'V X)^-1 X'V, so that u'Wu has the mean -tr((X'V X)^-1 X'V W V X).
    """
    v = fit.variance
    pulled = fit.X * v[:, None]
    inside = cells.add(pulled).T @ lag_cells(W, cells, cells.mean(pulled))
    trace = np.trace(linalg.solve(fit.X.T @ pulled, inside, assume_a="pos"))
    return -float(trace) / float(np.sqrt(pair_variance(W, cells, v[:, None])[0]))


def lag_product(W: Matrix, cells: Cells, e: Array) -> float:
    """Return e'W_N e, the sum over pairs of rows of different units.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.array([0, 0, 1]), units=2, periods=1)
    >>> lag_product(W, cells, np.array([1.0, 3.0, 5.0]))  # 4 * 5 + 5 * 2
    30.0
    """
    return float(cells.add(e) @ lag_cells(W, cells, cells.mean(e)))


def pair_variance(W: Matrix, cells: Cells, v: Array) -> Array:
    """Return the variance of e'W_N e for independent e of variance v.

    Parameters
    ----------
    W : array or CSR array, shape (units, units)
    cells : Cells
    v : array, shape (n_rows, m)
        One set of variances a column.

    Returns
    -------
    array, shape (m,)
        Sum of (w_ij^2 + w_ij w_ji) v_i v_j over pairs of rows, from sums over
        cells: nothing of the size rows x rows is formed.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.array([0, 1]), units=2, periods=1)
    >>> pair_variance(W, cells, np.array([[2.0], [3.0]]))
    array([24.])
    """
    share = cells.share[:, None]
    mean, squared = cells.add(share * v), cells.add(share**2 * v)
    out = cells.add(v) * lag_cells(W * W, cells, squared)
    out += mean * lag_cells(W * W.T, cells, mean)
    return np.asarray(out.sum(axis=0))


def chi_squared(statistic: float, df: int) -> Verdict:
    """Return the verdict of a chi-squared statistic.

    Examples
    --------
    >>> round(chi_squared(3.841459, 1).p_value, 6)
    0.05
    """
    if df == 0:
        return Verdict(np.nan, 0, np.nan)
    return Verdict(statistic, df, float(stats.chi2.sf(statistic, df)))


def morans_i(W: Matrix, cells: Cells, values: Array) -> float:
    """Return Moran's I of values of cells, neighbours being of the same period.

    Parameters
    ----------
    W : array or CSR array, shape (units, units)
    cells : Cells
    values : array, shape (n_cells,)

    Returns
    -------
    float
        NaN if values do not vary.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> morans_i(W, Cells(np.array([0, 1]), units=2, periods=1), np.array([1.0, 3.0]))
    -1.0
    """
    off = values - values.mean()
    total = float(off @ off)
    if total <= 1e-20 * float(values @ values):
        return np.nan
    links = float(W.sum()) * cells.periods
    return float(cells.n / links * (off @ lag_cells(W, cells, off)) / total)


def _triangle(M: Array, kept: list[int]) -> Array:
    triangle = np.zeros((0, len(kept)))
    for rows in blocks(len(M)):
        stacked = np.vstack([triangle, M[rows][:, kept]])
        triangle = linalg.qr(stacked, mode="r")[0][: len(kept)]
    return np.asarray(triangle)


def _basis(columns: Array, beside: Array | None = None) -> Array:
    """Return an orthonormal basis of what columns span, net of another basis."""
    if not columns.shape[1]:
        return columns
    unit = columns / np.linalg.norm(columns, axis=0)
    if beside is not None:
        unit -= beside @ (beside.T @ unit)
    left, length, _ = linalg.svd(unit, full_matrices=False)
    return np.asarray(left[:, length > TINY])

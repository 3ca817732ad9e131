"""Three-step feasible GLS: a mean and a variance, each linear in the covariates.

Every step is a sum of kernels over blocks of rows, then a small solve. A kernel knows
one block only, so the same fit runs on rows in memory, in files or on a cluster.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.lockstep import Steps, alone
from geopoverty.numerics.lognormal import Lognormal, VarianceRule, inverse_variance
from geopoverty.numerics.rows import Block, Feed, Kernel, Parts, numbers
from geopoverty.numerics.types import Array

SAFE_PIVOT = 1e-13  # of a squared length: below it rounding has eaten the column
NO_SHOCK = 1e-24  # mean squared residual relative to the mean squared outcome
TINY = 1e-12  # least squared residual whose logarithm is taken, relative to their mean


@dataclass(frozen=True, eq=False)
class FirstStep:
    """Least squares, and what all variance rules share.

    Attributes
    ----------
    gram : array, shape (k, k)
        X'X, weighted.
    ols : array, shape (k,)
    square_slopes : array, shape (k,)
        Of squared residuals on X: the first look at the variance.
    mean_square : float
        Mean squared residual.
    rows : int
    weight : float
        Sum of weights.
    """

    gram: Array
    ols: Array
    square_slopes: Array
    mean_square: float
    rows: int
    weight: float


@dataclass(frozen=True, eq=False)
class FGLS(Lognormal):
    """A fitted mean and variance.

    Attributes
    ----------
    first : FirstStep
    information : array, shape (k, k)
        X'X over the variance.
    square_information : array, shape (k, k)
        Of the regression that gave `theta`.
    scale_slopes : array, shape (k,)
        Derivative of log `scale` in `theta`; zeros without it.
    unusable : int
        Rows whose fitted variance is not above 0.
    unusable_first : int
        The same for the first look at the variance, which weighs the second.
    effective_rows : float
        (sum v)^2 / sum v^2 for the weights v of the last step: far fewer than the
        rows when a few with tiny variances decide.
    """

    first: FirstStep
    information: Array
    square_information: Array
    scale_slopes: Array
    unusable: int
    unusable_first: int
    effective_rows: float


def first_step(feed: Feed, known: Parts | None = None) -> FirstStep:
    """Fit least squares, and its squared residuals on the same covariates.

    Parameters
    ----------
    feed : Feed
        The rows; two passes.
    known : tuple of array, optional
        What the first pass finds, the sums of `moments`.

    Returns
    -------
    FirstStep

    Raises
    ------
    EstimationError
        If columns determine one another, or the fit leaves no residuals.
    """
    gram, cross, weight, rows, squares = known or feed.total(moments)
    ols = solve(gram, cross)
    slopes, spread = feed.total(lambda block: _square_moments(block, ols))
    if not float(spread) > NO_SHOCK * float(squares):
        raise EstimationError(
            "The covariates fit the logarithm of the outcome exactly, so there is no "
            "shock whose variance could be estimated. Leave out what the outcome was "
            "made from."
        )
    return FirstStep(
        gram,
        ols,
        solve(gram, slopes),
        float(spread) / float(weight),
        int(rows),
        float(weight),
    )


def fit_fgls(feed: Feed, rule: VarianceRule, first: FirstStep | None = None) -> FGLS:
    """Fit mean and variance by three-step feasible GLS.

    Parameters
    ----------
    feed : Feed
        See `first_step`; two further passes ("log": three).
    rule : VarianceRule
    first : FirstStep, optional
        When it is known.

    Returns
    -------
    FGLS

    Raises
    ------
    EstimationError
        If no fitted variance is above 0, or what is left does not identify the
        coefficients.

    Notes
    -----
    Amemiya (1977): squared residuals e^2 of least squares are regressed on X, again
    with weights 1/(X r0)^2, which gives r; the outcome is then regressed with weights
    1/(X r). "log" regresses ln e^2 on X once (Harvey 1976) and scales exp(X r) so
    that its mean ratio to e^2 is 1 (Duan 1983).

    References
    ----------
    Amemiya, T. (1977). A note on a heteroscedastic model. Journal of Econometrics 6,
    365-370. Harvey, A. C. (1976). Estimating regression models with multiplicative
    heteroscedasticity. Econometrica 44, 461-465. Duan, N. (1983). Smearing estimate:
    a nonparametric retransformation method. JASA 78, 605-610.

    Examples
    --------
    >>> from geopoverty.numerics.rows import InMemory
    >>> X, y = np.ones((4, 1)), np.array([0.0, 0.0, 2.0, 2.0])
    >>> fit = fit_fgls(InMemory(X, y), VarianceRule("drop"))
    >>> fit.beta, fit.theta
    (array([1.]), array([1.]))
    """
    return alone(feed, fgls_steps(rule, first or first_step(feed)))


def fgls_steps(rule: VarianceRule, first: FirstStep) -> Steps[FGLS]:
    """Ask for the sums of `fit_fgls` one pass after another.

    Examples
    --------
    >>> from geopoverty.numerics.rows import InMemory
    >>> rows = InMemory(np.ones((4, 1)), np.array([0.0, 0.0, 2.0, 2.0]))
    >>> alone(rows, fgls_steps(VarianceRule("log"), first_step(rows))).beta
    array([1.])
    """
    if rule.name == "log":
        theta, scale, slopes = yield from _log_variance(first)
        law = Lognormal(rule, 0.0, first.ols, theta, scale)
        return (yield from _last_step(law, (first, first.gram, slopes, 0)))
    floor = rule.floor * first.mean_square if rule.name == "floor" else 0.0
    gram, cross, bad = yield _variance_kernel(first, rule, floor)
    require_rows(first.rows - int(bad) * (rule.name == "drop"), len(gram), first.rows)
    law = Lognormal(rule, floor, first.ols, solve(gram, cross), 1.0)
    return (yield from _last_step(law, (first, gram, np.zeros(len(gram)), int(bad))))


def _last_step(
    law: Lognormal, before: tuple[FirstStep, Array, Array, int]
) -> Steps[FGLS]:
    """Regress the outcome with weights one over the variance."""
    first, gram, slopes, bad_first = before
    information, cross, bad, mass, squared = yield _mean_kernel(law)
    used = first.rows - int(bad) * (law.rule.name == "drop")
    require_rows(used, len(gram), first.rows)
    return FGLS(
        law.rule,
        law.floor,
        solve(information, cross),
        law.theta,
        law.scale,
        first=first,
        information=information,
        square_information=gram,
        scale_slopes=slopes,
        unusable=int(bad),
        unusable_first=bad_first,
        effective_rows=float(mass) ** 2 / float(squared),
    )


def require_rows(kept: int, k: int, rows: int) -> None:
    """Raise `EstimationError` unless more rows than columns have a variance.

    Examples
    --------
    >>> require_rows(3, 2, 10)
    """
    if kept > k:
        return
    few = "All" if kept == 0 else f"{rows - kept}"
    raise EstimationError(
        f"{few} of {rows} fitted variances of the shock are not above 0; the {kept} "
        f"other rows cannot identify {k} coefficients. Use variance='floor' or 'log', "
        "or fewer covariates."
    )


def solve(gram: Array, cross: Array) -> Array:
    """Solve normal equations whose columns may have very different lengths.

    Raises
    ------
    EstimationError
        If a column is a combination of others, to the digits there are.

    Examples
    --------
    >>> solve(np.diag([1.0, 1e12]), np.array([2.0, 1e12]))
    array([2., 1.])
    """
    length = np.sqrt(np.diag(gram))
    if length.all() and np.isfinite(length).all():
        try:
            factor = linalg.cholesky(gram / np.outer(length, length), lower=True)
        except linalg.LinAlgError:
            factor = np.zeros((1, 1))
        if np.diag(factor).min() ** 2 > SAFE_PIVOT:
            return np.asarray(linalg.cho_solve((factor, True), cross / length) / length)
    raise EstimationError(
        "Weighted by their variances, the rows no longer tell the covariates apart: "
        "those with tiny fitted variances swamp all others. Use variance='floor' or "
        "'log', or fewer covariates."
    )


def moments(block: Block) -> Parts:
    """Return X'wX, X'wy, the sum of weights, rows, and y'wy.

    Examples
    --------
    >>> moments(Block(np.ones((2, 1)), np.array([1.0, 3.0])))[1]
    array([4.])
    """
    X, y, w = block.X, block.y, block.w
    Z = X if w is None else X * w[:, None]
    return X.T @ Z, Z.T @ y, *numbers(block.mass, len(y), block.weighed(y * y).sum())


def _square_moments(block: Block, ols: Array) -> Parts:
    squares = block.weighed(residual(block, ols) ** 2)
    return block.X.T @ squares, *numbers(squares.sum())


def _variance_kernel(first: FirstStep, rule: VarianceRule, floor: float) -> Kernel:
    def kernel(block: Block) -> Parts:
        X = block.X
        fitted = X @ first.square_slopes
        _, weight = inverse_variance(fitted, rule, floor)
        weight = block.weighed(weight * weight)
        Z = X * weight[:, None]
        bad = len(fitted) - np.count_nonzero(fitted > 0)
        return X.T @ Z, Z.T @ residual(block, first.ols) ** 2, *numbers(bad)

    return kernel


def _mean_kernel(law: Lognormal) -> Kernel:
    def kernel(block: Block) -> Parts:
        X, y = block.X, block.y
        fitted = law.fitted(X)
        _, weight = inverse_variance(fitted, law.rule, law.floor)
        weight = block.weighed(weight)
        Z = X * weight[:, None]
        bad = len(fitted) - np.count_nonzero(fitted > 0)
        return (
            X.T @ Z,
            Z.T @ y,
            *numbers(bad, weight.sum(), weight @ weight),
        )

    return kernel


def _log_variance(first: FirstStep) -> Steps[tuple[Array, float, Array]]:
    """Return the slopes of the log variance, its scale and the latter's slopes."""

    def logs(block: Block) -> Parts:
        return (block.X.T @ block.weighed(log_squares(block, first)),)

    (cross,) = yield logs
    theta = solve(first.gram, cross)

    def ratios(block: Block) -> Parts:
        squares = residual(block, first.ols) ** 2
        ratio = block.weighed(squares * np.exp(-(block.X @ theta)))
        return block.X.T @ ratio, *numbers(ratio.sum())

    slopes, ratio = yield ratios
    return theta, float(ratio) / first.weight, -slopes / float(ratio)


def residual(block: Block, beta: Array) -> Array:
    """Return the outcome less its linear prediction, shape (m,)."""
    return np.asarray(block.y - block.X @ beta)


def log_squares(block: Block, first: FirstStep) -> Array:
    """Return the logarithms of squared residuals, shape (m,)."""
    squares = residual(block, first.ols) ** 2
    return np.asarray(np.log(np.maximum(squares, TINY * first.mean_square)))

"""Maximum likelihood of a logit or probit, by Newton steps over blocks of rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array, Codes

WARM_START_FROM = 100_000  # rows; below it a subsample saves nothing
DECREMENT = 1e-10  # squared step in standard errors; the next is its square
MAX_STEPS = 50
FAR = 5.0  # without a linear predictor out here there is no separation


@dataclass(frozen=True)
class BinaryFit:
    """A fitted binary model.

    Attributes
    ----------
    beta : array, shape (k,)
    information : array, shape (k, k)
        Observed information at `beta`.
    loglik : float
    steps : int
        Newton steps on all rows.
    separating : array of int
        Columns along which the outcome is perfectly separated; empty if none.
    """

    beta: Array
    information: Array
    loglik: float
    steps: int
    separating: Codes


def fit_binary(
    X: Array,
    y: Array,
    link: Link,
    w: Array | None = None,
    stepped: Callable[[], object] = lambda: None,
) -> BinaryFit:
    """Maximise the likelihood of a binary model.

    Parameters
    ----------
    X : array, shape (n, k), C order
        Full column rank.
    y : array, shape (n,)
        0 or 1, both present.
    link : Link
    w : array, shape (n,), optional
        Weight of each row's log-likelihood, at least 0.
    stepped : callable
        Called after every step, to show that work goes on.

    Returns
    -------
    BinaryFit
        When ``separating`` is not empty there is no finite maximum, and the
        rest is where the search stopped.

    Raises
    ------
    EstimationError
        If the steps do not converge.

    Notes
    -----
    Newton's method with step halving on the concave log-likelihood. More than
    100,000 rows start from the fit of a fixed random subsample, so that three or
    four exact passes over all rows are enough.

    Examples
    --------
    >>> from geopoverty.numerics.links import Logit
    >>> X, y = np.ones((4, 1)), np.array([1.0, 0.0, 0.0, 0.0])
    >>> fit_binary(X, y, Logit).beta.round(6)  # log(1/3)
    array([-1.098612])
    """
    beta = np.zeros(X.shape[1])
    if len(y) > WARM_START_FROM:
        beta = _warm_start(X, y, link, w)
    loglik, score, information = _pass(X, y, beta, link, w)
    for step in range(1, MAX_STEPS + 1):
        direction = _solve(information, score)
        decrement = float(score @ direction)
        beta, loglik, score, information = _halved(
            (X, y, link, w), beta, direction, loglik
        )
        stepped()
        if decrement < DECREMENT:
            columns = separating_columns(X, y, beta, direction)
            return BinaryFit(beta, information, loglik, step, columns)
    columns = separating_columns(X, y, beta, direction)
    if columns.size:
        return BinaryFit(beta, information, loglik, MAX_STEPS, columns)
    raise EstimationError(
        f"The likelihood did not converge in {MAX_STEPS} steps. Rescale covariates "
        "of very different size."
    )


def linear_predictor(X: Array, beta: Array) -> Iterator[tuple[slice, Array]]:
    """Yield each block of rows with its linear predictor."""
    for rows in blocks(len(X)):
        yield rows, X[rows] @ beta


def score_blocks(
    X: Array, y: Array, beta: Array, link: Link, w: Array | None = None
) -> Iterator[tuple[slice, Array]]:
    """Yield each block's derivatives of the log-likelihood, shape (m, k)."""
    for rows, eta in linear_predictor(X, beta):
        residual = link.at(eta, y[rows]).residual
        if w is not None:
            residual = residual * w[rows]
        yield rows, X[rows] * residual[:, None]


def separating_columns(X: Array, y: Array, beta: Array, direction: Array) -> Codes:
    """Name the columns that separate the outcome perfectly.

    Under (quasi-)complete separation Newton steps settle into a direction d
    with (2y - 1) x'd >= 0 for every row and above 0 for some: moving along it
    raises the likelihood for ever [1]_. That inequality is checked row by row,
    so a mere large coefficient is never taken for separation.

    Parameters
    ----------
    X : array, shape (n, k)
    y : array, shape (n,)
    beta : array, shape (k,)
        Where the search stands.
    direction : array, shape (k,)
        The last Newton step.

    Returns
    -------
    array of int
        Columns that make up the direction; empty when nothing is separated.

    References
    ----------
    .. [1] Albert, A. & Anderson, J. A. (1984). On the existence of maximum
       likelihood estimates in logistic regression models. Biometrika 71, 1-10.
    """
    none = np.zeros(0, dtype=np.intp)
    if not any(np.abs(eta).max() > FAR for _, eta in linear_predictor(X, beta)):
        return none
    least, most = np.inf, 0.0
    for rows, move in linear_predictor(X, direction):
        gain = (2 * y[rows] - 1) * move
        least, most = min(least, gain.min()), max(most, gain.max())
    # Rows that are not separated move by less and less; the others by about 1.
    if not (most > 1e-3 and least > -1e-3 * most):
        return none
    size = np.abs(direction) * np.sqrt(np.einsum("ij,ij->j", X, X) / len(X))
    return np.flatnonzero(size > 1e-3 * size.max())


def _warm_start(X: Array, y: Array, link: Link, w: Array | None) -> Array:
    rng = np.random.default_rng(0)
    rows = rng.choice(len(y), size=max(20_000, len(y) // 50), replace=False)
    rows.sort()
    cold = np.zeros(X.shape[1])
    weight = None if w is None else w[rows]
    x, z = np.ascontiguousarray(X[rows]), y[rows]
    try:
        for _ in range(6):
            _, score, information = _pass(x, z, cold, link, weight)
            cold = cold + _solve(information, score)
    except EstimationError:  # the subsample lacks a rare category: start at zero
        return np.zeros(X.shape[1])
    return cold if np.isfinite(cold).all() else np.zeros(X.shape[1])


def _pass(
    X: Array, y: Array, beta: Array, link: Link, w: Array | None
) -> tuple[float, Array, Array]:
    k = X.shape[1]
    loglik, score, information = 0.0, np.zeros(k), np.zeros((k, k))
    for rows, eta in linear_predictor(X, beta):
        here = link.at(eta, y[rows])
        x, weight = X[rows], here.weight
        if w is None:
            loglik += float(here.loglik.sum())
            score += here.residual @ x
        else:
            loglik += float(here.loglik @ w[rows])
            score += (here.residual * w[rows]) @ x
            weight = weight * w[rows]
        information += (x * weight[:, None]).T @ x
    return loglik, score, information


def _halved(
    problem: tuple[Array, Array, Link, Array | None],
    beta: Array,
    direction: Array,
    loglik: float,
) -> tuple[Array, float, Array, Array]:
    X, y, link, w = problem
    size = 1.0
    while True:
        trial = beta + size * direction
        new, score, information = _pass(X, y, trial, link, w)
        if new >= loglik - 1e-9 * (abs(loglik) + 1) or size < 1e-6:
            return trial, new, score, information
        size /= 2


def _solve(information: Array, score: Array) -> Array:
    try:
        return np.asarray(linalg.solve(information, score, assume_a="pos"))
    except linalg.LinAlgError as error:
        raise EstimationError(
            "The information matrix is singular: some covariate does not vary among "
            "the rows that still carry information. Check for perfect separation."
        ) from error

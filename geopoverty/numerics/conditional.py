"""Exact conditional likelihood of a logit with an effect of every individual."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import DECREMENT, FAR, MAX_STEPS
from geopoverty.numerics.strata import Strata
from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class ConditionalPass:
    """The conditional likelihood at one coefficient vector.

    Attributes
    ----------
    loglik : float
    scores : array, shape (groups, k)
        Each individual's derivative.
    information : array, shape (k, k)
        Minus the second derivative.
    """

    loglik: float
    scores: Array
    information: Array


@dataclass(frozen=True, eq=False)
class ConditionalFit:
    """A fitted conditional logit.

    Attributes
    ----------
    beta : array, shape (k,)
    at : ConditionalPass
        The likelihood there.
    loglik_null : float
        Log-likelihood without covariates.
    steps : int
    separating : array of int
        Columns along which the outcome is perfectly separated; empty if none.
    """

    beta: Array
    at: ConditionalPass
    loglik_null: float
    steps: int
    separating: Codes


def fit_conditional(
    X: Array,
    y: Array,
    groups: Strata,
    stepped: Callable[[], object] = lambda: None,
) -> ConditionalFit:
    """Maximise the conditional likelihood, given each individual's number of ones.

    Parameters
    ----------
    X : array, shape (n, k)
        Without a constant; of full rank within individuals.
    y : array, shape (n,)
        0 or 1.
    groups : Strata
        Individuals that have both outcomes.
    stepped : callable
        Called after every step.

    Returns
    -------
    ConditionalFit
        When ``separating`` is not empty there is no finite maximum.

    Raises
    ------
    EstimationError
        If the steps do not converge.

    Notes
    -----
    Newton's method with step halving on the concave log-likelihood [1]_.

    References
    ----------
    .. [1] Chamberlain, G. (1980). Analysis of covariance with qualitative data.
       Review of Economic Studies 47, 225-238, equation 4.

    Examples
    --------
    >>> from geopoverty.numerics.strata import strata
    >>> X = np.array([[1.0], [0.0]] * 4)
    >>> y = np.array([1.0, 0, 1, 0, 1, 0, 0, 1])
    >>> fit_conditional(X, y, strata(np.repeat(np.arange(4), 2))).beta.round(6)
    array([1.098612])
    """
    # What is the same in all rows of an individual cancels: centring costs nothing.
    x, z, starts = groups.centred(X), y[groups.order], groups.starts
    beta = np.zeros(X.shape[1])
    here = _at(x, z, starts, beta)
    null = here.loglik
    columns = np.zeros(0, dtype=np.intp)
    for step in range(1, MAX_STEPS + 1):
        score = here.scores.sum(axis=0)
        direction = _solve(here.information, score)
        decrement = float(score @ direction)
        beta, here = _climb(x, z, starts, (beta, direction, here.loglik))
        stepped()
        if decrement < DECREMENT or step == MAX_STEPS:
            columns = _separating(x, z, starts, beta, direction)
            if decrement < DECREMENT or columns.size:
                return ConditionalFit(beta, here, null, step, columns)
    raise EstimationError(
        f"The conditional likelihood did not converge in {MAX_STEPS} steps. Rescale "
        "covariates of very different size."
    )


def conditional_pass(
    X: Array, y: Array, groups: Strata, beta: Array
) -> ConditionalPass:
    """Return the conditional log-likelihood with its derivatives.

    Parameters
    ----------
    X : array, shape (n, k)
    y : array, shape (n,)
    groups : Strata
    beta : array, shape (k,)

    Notes
    -----
    The probability of outcomes given their sum s is prod_t e_t^y_t / D(T, s), with
    D(t, j) = D(t-1, j) + e_t D(t-1, j-1) and e_t = exp(x_t'b) [1]_. Row t is a one
    with probability q = e_t D(t-1, j-1) / D(t, j) when j of the first t are; so mean
    and covariance of sum_t y_t x_t run through the same recursion by the laws of
    total expectation and variance: sums of positive parts, without overflow.

    References
    ----------
    .. [1] Howard, S. (1972). Discussion of Cox. Journal of the Royal Statistical
       Society B 34, 210-211.

    Examples
    --------
    >>> from geopoverty.numerics.strata import strata
    >>> X, y = np.array([[1.0], [0.0], [0.0]]), np.array([1.0, 0.0, 0.0])
    >>> here = conditional_pass(X, y, strata(np.zeros(3, int)), np.zeros(1))
    >>> round(here.loglik, 4), here.scores.round(4), here.information.round(4)
    (-1.0986, array([[0.6667]]), array([[0.2222]]))
    """
    return _at(groups.centred(X), y[groups.order], groups.starts, beta)


def _at(x: Array, y: Array, starts: Codes, beta: Array) -> ConditionalPass:
    loglik, scores, information = _recursion(x, y, x @ beta, starts)
    return ConditionalPass(float(loglik.sum()), scores, mirrored(information))


def mirrored(lower: Array) -> Array:
    """Return the symmetric matrix with this lower triangle.

    Examples
    --------
    >>> mirrored(np.array([[1.0, 0.0], [2.0, 3.0]])).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    return np.tril(lower) + np.tril(lower, -1).T


@njit(cache=True, nogil=True)
def _recursion(
    X: Array, y: Array, eta: Array, starts: Codes
) -> tuple[Array, Array, Array]:
    """Return log-likelihood and score of each group, and the lower information."""
    groups, k = len(starts) - 1, X.shape[1]
    loglik, scores = np.zeros(groups), np.zeros((groups, k))
    information = np.zeros((k, k))
    longest = (starts[1:] - starts[:-1]).max()
    D, mean = np.zeros(longest + 1), np.zeros((longest + 1, k))
    spread, apart = np.zeros((longest + 1, k, k)), np.zeros(k)
    for g in range(groups):
        first, rows = starts[g], starts[g + 1] - starts[g]
        ones = int(y[first : first + rows].sum())
        D[0] = 0.0
        mean[0] = 0.0
        spread[0] = 0.0
        for t in range(rows):
            x, e = X[first + t], eta[first + t]
            loglik[g] += y[first + t] * e
            scores[g] += y[first + t] * x
            _add_row(x, e, (t, rows, ones), (D, mean, spread, apart))
        loglik[g] -= D[ones]
        scores[g] -= mean[ones]
        information += spread[ones]
    return loglik, scores, information


@njit(cache=True, nogil=True)
def _add_row(
    x: Array,
    eta: float,
    counts: tuple[int, int, int],
    state: tuple[Array, Array, Array, Array],
) -> None:
    """Take row t in; only numbers of ones that can still end at `ones` matter."""
    t, rows, ones = counts
    D, mean, spread, apart = state
    for j in range(min(t + 1, ones), max(1, ones - (rows - 1 - t)) - 1, -1):
        if j == t + 1:  # all rows so far are ones
            D[j] = D[j - 1] + eta
            mean[j] = mean[j - 1] + x
            spread[j] = 0.0
            continue
        gain = D[j - 1] + eta - D[j]
        small = np.exp(-abs(gain))
        D[j] += max(gain, 0.0) + np.log1p(small)
        more, less = 1.0 / (1.0 + small), small / (1.0 + small)
        q, p = (more, less) if gain > 0 else (less, more)
        for a in range(len(x)):
            apart[a] = mean[j - 1, a] + x[a] - mean[j, a]
            mean[j, a] += q * apart[a]
            for b in range(a + 1):
                spread[j, a, b] = (
                    p * spread[j, a, b]
                    + q * spread[j - 1, a, b]
                    + p * q * apart[a] * apart[b]
                )


def _climb(
    x: Array, y: Array, starts: Codes, move: tuple[Array, Array, float]
) -> tuple[Array, ConditionalPass]:
    beta, direction, loglik = move
    size = 1.0
    while True:
        trial = beta + size * direction
        here = _at(x, y, starts, trial)
        if here.loglik >= loglik - 1e-9 * (abs(loglik) + 1) or size < 1e-6:
            return trial, here
        size /= 2


def _solve(information: Array, score: Array) -> Array:
    try:
        return np.asarray(linalg.solve(information, score, assume_a="pos"))
    except linalg.LinAlgError as error:
        raise EstimationError(
            "The information matrix is singular: some covariate does not vary among "
            "the rows that still carry information. Check for perfect separation."
        ) from error


def _separating(x: Array, y: Array, starts: Codes, beta: Array, move: Array) -> Codes:
    """Name the columns along which ones and zeros are apart in every individual.

    As `binary.separating_columns`, but ones need lie above zeros only within
    individuals: then the likelihood rises for ever along `move`.
    """
    none = np.zeros(0, dtype=np.intp)
    if not np.abs(x @ beta).max() > FAR:
        return none
    eta = x @ move
    lowest_one = np.minimum.reduceat(np.where(y > 0, eta, np.inf), starts[:-1])
    highest_zero = np.maximum.reduceat(np.where(y > 0, -np.inf, eta), starts[:-1])
    gain = lowest_one - highest_zero
    if not (gain.max() > 1e-3 and gain.min() > -1e-3 * gain.max()):
        return none
    size = np.abs(move) * np.sqrt(np.einsum("ij,ij->j", x, x) / len(x))
    return np.flatnonzero(size > 1e-3 * size.max())

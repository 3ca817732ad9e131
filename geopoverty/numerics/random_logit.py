"""Logit with a normal intercept of every individual, by adaptive quadrature."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite import hermgauss
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import BinaryFit, fit_binary
from geopoverty.numerics.conditional import mirrored
from geopoverty.numerics.links import Logit
from geopoverty.numerics.random_integrals import integrate_intercepts
from geopoverty.numerics.strata import Strata
from geopoverty.numerics.types import Array

DECREMENT = 1e-10  # squared step in standard errors; the next is far smaller
MAX_STEPS = 100
NO_SPREAD = 1e-5  # a sd of intercepts below it is 0: the likelihood is even in it
START = 1.0  # sd of intercepts, in log-odds


@dataclass(frozen=True, eq=False)
class RandomPass:
    """The likelihood at one (beta, sigma).

    Attributes
    ----------
    loglik : float
    scores : array, shape (groups, k + 1)
        Each individual's derivative, sigma last: exact for these quadrature points.
    information : array, shape (k + 1, k + 1)
        Minus the second derivative, by Louis' identity.
    intercepts, deviations : array, shape (groups,)
        Mean and standard deviation of each individual's intercept, given its
        outcomes.
    """

    loglik: float
    scores: Array
    information: Array
    intercepts: Array
    deviations: Array


@dataclass(frozen=True, eq=False)
class RandomLogitFit:
    """A fitted random-intercept logit.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        Coefficients, then sigma, at least 0.
    at : RandomPass
    pooled : BinaryFit
        The logit without intercepts.
    steps : int
    """

    theta: Array
    at: RandomPass
    pooled: BinaryFit
    steps: int

    @property
    def flat(self) -> bool:
        """Whether sigma is 0: the data show no spread of intercepts."""
        return bool(self.theta[-1] == 0)


def fit_random_logit(
    X: Array,
    y: Array,
    groups: Strata,
    points: int = 12,
    start: Array | None = None,
    stepped: Callable[[], object] = lambda: None,
) -> RandomLogitFit:
    """Maximise the likelihood of a logit with a normal intercept of individuals.

    Parameters
    ----------
    X : array, shape (n, k)
        Full column rank.
    y : array, shape (n,)
        0 or 1.
    groups : Strata
        Some with both outcomes: else sigma has no finite estimate.
    points : int
        Of the quadrature, at least 1 (Laplace's approximation).
    start : array, shape (k + 1,), optional
        Near the maximum.
    stepped : callable
        Called after every step.

    Returns
    -------
    RandomLogitFit
        When ``pooled.separating`` is not empty, the rest is where the search began.

    Raises
    ------
    EstimationError
        If the steps do not converge.

    Notes
    -----
    Newton's method with the information by Louis' identity [1]_ and step halving.
    The likelihood is even in sigma, so that a maximum at 0 is found as any other.

    References
    ----------
    .. [1] Louis, T. A. (1982). Finding the observed information matrix when using
       the EM algorithm. Journal of the Royal Statistical Society B 44, 226-233.

    Examples
    --------
    >>> from geopoverty.numerics.strata import strata
    >>> y = np.array([1.0, 1, 1, 0, 0, 1, 0, 0, 1, 1])
    >>> groups = strata(np.repeat(np.arange(5), 2))
    >>> fit_random_logit(np.ones((10, 1)), y, groups).theta.round(3)
    array([0.488, 0.988])
    """
    pooled = fit_binary(np.ascontiguousarray(X), y, Logit)
    likelihood = _Likelihood(X, y, groups, points)
    theta = np.append(pooled.beta, START) if start is None else start.copy()
    here = likelihood.at(theta)
    if pooled.separating.size:
        return RandomLogitFit(theta, here, pooled, 0)
    for step in range(1, MAX_STEPS + 1):
        score = here.scores.sum(axis=0)
        direction = _direction(here.information, score)
        decrement = float(score @ direction)
        theta, here = _climb(likelihood, theta, direction, here)
        stepped()
        if decrement < DECREMENT:
            if theta[-1] < NO_SPREAD:
                theta = np.append(pooled.beta, 0.0)
                here = likelihood.at(theta)
            return RandomLogitFit(theta, here, pooled, step)
    raise EstimationError(
        f"The likelihood did not converge in {MAX_STEPS} steps. Rescale covariates of "
        "very different size; if almost no individual changes its outcome, the spread "
        "of intercepts cannot be told."
    )


def random_pass(
    X: Array, y: Array, groups: Strata, theta: Array, points: int = 12
) -> RandomPass:
    """Return the log-likelihood by adaptive quadrature, with its derivatives.

    Parameters
    ----------
    X : array, shape (n, k)
    y : array, shape (n,)
    groups : Strata
    theta : array, shape (k + 1,)
        Coefficients, then sigma.
    points : int

    Notes
    -----
    Gauss-Hermite points are moved to the mode of each individual's intercept and
    scaled by the curvature there [1]_. Derivatives follow the points as they move,
    so that they are those of the sum that is computed.

    References
    ----------
    .. [1] Liu, Q. & Pierce, D. A. (1994). A note on Gauss-Hermite quadrature.
       Biometrika 81, 624-629.

    Examples
    --------
    >>> from geopoverty.numerics.strata import strata
    >>> groups = strata(np.zeros(2, int))
    >>> here = random_pass(np.ones((2, 1)), np.array([1.0, 0]), groups, np.zeros(2))
    >>> round(here.loglik, 4)  # log(1/4)
    -1.3863
    """
    return _Likelihood(X, y, groups, points).at(theta)


def random_information(
    X: Array, y: Array, groups: Strata, fit: RandomLogitFit, points: int = 12
) -> Array:
    """Return minus the second derivative of the sum that was maximised.

    Parameters
    ----------
    X, y, groups, points
        As for the fit.
    fit : RandomLogitFit
        With sigma above 0.

    Returns
    -------
    array, shape (k + 1, k + 1)

    Notes
    -----
    Central differences of the exact scores. Louis' identity is as good as the
    integrals; this goes with the points that are there, however few.
    """
    likelihood = _Likelihood(X, y, groups, points)
    # A small part of what each parameter can move by on its own.
    steps = 1e-4 / np.sqrt(np.maximum(np.diag(fit.at.information), 1e-300))
    out = np.zeros((len(steps), len(steps)))
    for j, step in enumerate(steps):
        ahead, behind = fit.theta.copy(), fit.theta.copy()
        ahead[j] += step
        behind[j] -= step
        rise = likelihood.at(ahead).scores.sum(axis=0)
        out[j] = (likelihood.at(behind).scores.sum(axis=0) - rise) / (2 * step)
    return (out + out.T) / 2


class _Likelihood:
    """Rows in order of individuals, and modes from which the next search starts."""

    def __init__(self, X: Array, y: Array, groups: Strata, points: int) -> None:
        self._x = np.ascontiguousarray(X[groups.order])
        self._y, self._starts = y[groups.order], groups.starts
        nodes, weights = hermgauss(points)
        self._rule = nodes, np.log(weights) + nodes**2
        self._modes = np.zeros(groups.groups)

    def at(self, theta: Array) -> RandomPass:
        loglik, scores, information, means, deviations = integrate_intercepts(
            self._x,
            self._y,
            self._starts,
            (self._x @ theta[:-1], theta[-1]),
            self._rule,
            self._modes,
        )
        sigma = theta[-1]
        return RandomPass(
            float(loglik.sum()),
            scores,
            mirrored(information),
            sigma * means,
            abs(sigma) * deviations,
        )


def _direction(information: Array, score: Array) -> Array:
    """Return Newton's step; where the curve is not concave, one that still climbs."""
    scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    values, vectors = linalg.eigh(information * np.outer(scale, scale))
    size = np.maximum(np.abs(values), 1e-8 * np.abs(values).max())
    return np.asarray(scale * (vectors @ ((vectors.T @ (scale * score)) / size)))


def _climb(
    likelihood: _Likelihood, theta: Array, direction: Array, here: RandomPass
) -> tuple[Array, RandomPass]:
    size = 1.0
    while True:
        trial = theta + size * direction
        trial[-1] = abs(trial[-1])
        there = likelihood.at(trial)
        if there.loglik >= here.loglik - 1e-9 * (abs(here.loglik) + 1) or size < 1e-6:
            return trial, there
        size /= 2

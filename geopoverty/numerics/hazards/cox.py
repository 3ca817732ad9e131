"""The maximum of Cox's partial likelihood."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.hazards.partial import CoxData, Moments
from geopoverty.numerics.types import Array, Codes

STEPS, HALVINGS = 100, 30
FARTHEST = 20.0  # what one step may change a log hazard by
DONE = 1e-9  # what a last Newton step may still add to twice the log-likelihood
STILL_MOVING = 0.01  # standard deviations of x, where nothing is left to gain
FLAT = 1e-10  # information about a standardised covariate, a weighted exit


@dataclass(frozen=True, eq=False)
class CoxFit:
    """Where the partial likelihood is highest.

    Attributes
    ----------
    beta : array, shape (k,)
        Log hazard ratios.
    vcov : array, shape (k, k)
        Inverse of the information.
    moments : Moments
        At the maximum; its covariates are centred on `centre`.
    centre : array, shape (k,)
        Means of the covariates.
    log_likelihood, log_likelihood_null : float
    separating : array of int
        Columns whose coefficient has no finite value; then the rest is void.
    steps : int
    """

    beta: Array
    vcov: Array
    moments: Moments
    centre: Array
    log_likelihood: float
    log_likelihood_null: float
    separating: Codes
    steps: int


def fit_cox(data: CoxData, advance: Callable[[], object] | None = None) -> CoxFit:
    """Maximise Cox's partial likelihood by Newton's method.

    Parameters
    ----------
    data : CoxData
        Columns of X are linearly independent of one another and of a constant.
    advance : callable, optional
        Called after each step.

    Returns
    -------
    CoxFit

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal
    Statistical Society B 34, 187-220. Efron, B. (1977). The efficiency of Cox's
    likelihood function for censored data. JASA 72, 557-565. Breslow, N. (1974).
    Covariance analysis of censored survival data. Biometrics 30, 89-99.

    Examples
    --------
    >>> from geopoverty.numerics.hazards.risk import risk_sets
    >>> time, gone = np.array([2.0, 3, 5, 7, 9, 9]), np.array([1, 1, 1, 1, 0, 0]) == 1
    >>> x = np.array([[5.0], [2], [4], [3], [2.5], [1]])
    >>> round(float(fit_cox(CoxData(x, risk_sets(time, gone), np.ones(6))).beta[0]), 4)
    1.0548
    """
    centre = np.average(data.X, axis=0, weights=data.w)
    X = data.X - centre
    sd = np.sqrt(np.average(X**2, axis=0, weights=data.w))
    sd[sd == 0] = 1.0
    scaled = CoxData(X / sd, data.risk, data.w, data.efron)
    theta, null, separating, steps = _climb(scaled, advance or (lambda: None))
    beta = theta / sd
    moments = Moments(CoxData(X, data.risk, data.w, data.efron), X @ beta)
    k = len(beta)
    vcov = np.full((k, k), np.nan)
    if not separating.size:
        vcov = inverse(moments.curvature / np.outer(sd, sd)) / np.outer(sd, sd)
    top = moments.log_likelihood
    return CoxFit(beta, vcov, moments, centre, top, null, separating, steps)


def _climb(
    data: CoxData, advance: Callable[[], object]
) -> tuple[Array, float, Codes, int]:
    """Return the maximum, log-likelihood at 0, columns without maximum, and steps."""
    k = data.X.shape[1]
    theta = np.zeros(k)
    at = Moments(data, data.X @ theta)
    null = at.log_likelihood
    floor = FLAT * float(data.mass.sum())
    for number in range(1, STEPS + 1):
        information, gradient = at.information(), at.gradient
        flat = np.linalg.eigvalsh(information)[0] < floor
        if flat:
            return theta, null, _moving(information), number
        step = linalg.solve(information, gradient, assume_a="pos")
        gain = float(step @ gradient)
        if gain < DONE:
            moving = np.flatnonzero(np.abs(step) > STILL_MOVING)
            return theta + step, null, moving, number
        far = float(np.ptp(data.X @ step))
        if far > FARTHEST:
            step *= FARTHEST / far
        theta, new = _uphill(data, theta, step, at)
        advance()
        if new is at:
            return theta, null, _moving(information), number
        at = new
    return theta, null, _moving(at.information()), STEPS


def _uphill(
    data: CoxData, theta: Array, step: Array, at: Moments
) -> tuple[Array, Moments]:
    before = at.log_likelihood
    for _ in range(HALVINGS):
        new = Moments(data, data.X @ (theta + step))
        if new.log_likelihood >= before - 1e-9 * abs(before):
            return theta + step, new
        step = step / 2
    return theta, at


def _moving(information: Array) -> Codes:
    """Return the columns of the direction about which least is known."""
    values, vectors = np.linalg.eigh(information)
    flat = np.abs(vectors[:, values <= max(10 * values[0], 0.0)]).max(axis=1)
    return np.flatnonzero(flat > 0.1)

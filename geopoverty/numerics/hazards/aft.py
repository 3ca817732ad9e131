"""Maximum likelihood of accelerated failure time models."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.hazards.aft_laws import Law
from geopoverty.numerics.types import Array, Mask

DECREMENT = 1e-14  # squared step in standard errors; the next is its square
MAX_STEPS = 100
LEAST_SCALE = -12.0  # log(scale) below it: times are fitted without error


@dataclass(frozen=True, eq=False)
class Times:
    """From when each row is seen, and when it leaves.

    Attributes
    ----------
    entry, lower, upper : array, shape (n,)
        At risk from `entry`; the exit lies in (lower, upper], is at `lower` where both
        are equal, and has not been seen where `upper` is infinite.
    w : array, shape (n,), or None
        Weights above 0.
    """

    entry: Array
    lower: Array
    upper: Array
    w: Array | None = None

    @property
    def exact(self) -> Mask:
        """Which exits are known exactly, shape (n,)."""
        return np.asarray(self.lower == self.upper)


@dataclass(frozen=True, eq=False)
class AftFit:
    """A fitted accelerated failure time model.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        Coefficients of log time, then the logarithm of the scale.
    information : array, shape (k + 1, k + 1)
        Observed information.
    scores : array, shape (n, k + 1)
        Of each row, times its weight.
    loglik : float
        Of times, not of their logarithms.
    steps : int
    """

    theta: Array
    information: Array
    scores: Array
    loglik: float
    steps: int


@dataclass(frozen=True, eq=False)
class _Rows:
    """Derivatives of each row's log-likelihood in linear predictor and log scale."""

    loglik: Array
    first: Array  # (n, 2)
    second: Array  # (n, 3): both in the predictor, mixed, both in the scale


def fit_aft(
    X: Array, times: Times, law: Law, stepped: Callable[[], object] = lambda: None
) -> AftFit:
    """Maximise the likelihood of ``log t = x'b + scale e``.

    Parameters
    ----------
    X : array, shape (n, k)
        With a constant; full column rank.
    times : Times
    law : Law
        Of e.
    stepped : callable
        Called after every step.

    Returns
    -------
    AftFit

    Raises
    ------
    EstimationError
        If the steps do not converge, or the scale falls to 0.

    Notes
    -----
    Newton steps with analytic derivatives, damped where the log-likelihood is not
    concave and halved where it would fall.

    References
    ----------
    Kalbfleisch, J. & Prentice, R. (2002). The statistical analysis of failure time
    data, chapter 3.

    Examples
    --------
    >>> from geopoverty.numerics.hazards.aft_laws import Normal
    >>> t = np.exp(np.array([1.0, 2.0, 3.0]))
    >>> fit = fit_aft(np.ones((3, 1)), Times(np.zeros(3), t, t), Normal)
    >>> fit.theta.round(4)  # mean, and log of the root mean square
    array([ 2.    , -0.2027])
    """
    theta = _start(X, times)
    here = _rows(X, times, law, theta)
    for step in range(1, MAX_STEPS + 1):
        score, information = _sums(X, times, here)
        direction, concave = _direction(information, score)
        decrement = float(score @ direction)
        theta, here = _climbed(X, times, law, theta, (direction, here))
        stepped()
        if theta[-1] < LEAST_SCALE:
            raise EstimationError(
                "The scale falls to 0: covariates determine every time of exit. Leave "
                "some of them out."
            )
        if concave and decrement < DECREMENT:
            _, information = _sums(X, times, here)
            scores = _scores(X, times, here)
            return AftFit(theta, information, scores, _loglik(times, here), step)
    raise EstimationError(
        f"The likelihood did not converge in {MAX_STEPS} steps: some covariate may "
        "separate exits from the rest, or exits lie in one interval, which does not "
        "tell the shape of the law. Leave covariates out, or use the discrete model."
    )


def row_likelihood(
    X: Array, times: Times, law: Law, theta: Array
) -> tuple[Array, Array]:
    """Return each row's log-likelihood (n,) and its score (n, k + 1), unweighted.

    Examples
    --------
    >>> from geopoverty.numerics.hazards.aft_laws import Weibull
    >>> one = np.ones(1)
    >>> value, score = row_likelihood(one[:, None], Times(one - 1, one, one), Weibull,
    ...                               np.zeros(2))
    >>> value, score + 0.0
    (array([-1.]), array([[ 0., -1.]]))
    """
    here = _rows(X, times, law, theta)
    return here.loglik, np.column_stack([X * here.first[:, :1], here.first[:, 1:]])


def _start(X: Array, times: Times) -> Array:
    """Start from least squares of log time."""
    last = np.where(np.isfinite(times.upper), times.upper, times.lower)
    first = np.where(times.lower > 0, times.lower, last / 2)
    y = (np.log(first) + np.log(last)) / 2
    beta = np.asarray(linalg.lstsq(X, y)[0])
    scale = max(float(np.std(y - X @ beta)), 0.05)
    return np.append(beta, np.log(scale))


def _rows(X: Array, times: Times, law: Law, theta: Array) -> _Rows:
    eta, scale = X @ theta[:-1], np.exp(theta[-1])
    log_lower, log_upper, log_entry = _logs(times)
    low = _standard(log_lower, eta, scale)
    high = _standard(log_upper, eta, scale)
    exact = times.exact
    # An exact exit has no interval: its row is taken from the density below.
    out = _interval(law, low, np.where(exact, np.inf, high), scale)
    if exact.any():
        at_point = _point(law, low[exact], log_lower[exact], scale)
        for whole, part in zip(
            (out.loglik, out.first, out.second),
            (at_point.loglik, at_point.first, at_point.second),
            strict=True,
        ):
            whole[exact] = part
    if (times.entry > 0).any():
        late = _interval(law, _standard(log_entry, eta, scale), _nowhere(eta), scale)
        out = _Rows(
            out.loglik - late.loglik, out.first - late.first, out.second - late.second
        )
    return out


def _logs(times: Times) -> tuple[Array, Array, Array]:
    with np.errstate(divide="ignore"):
        return np.log(times.lower), np.log(times.upper), np.log(times.entry)


def _nowhere(eta: Array) -> Array:
    return np.full(len(eta), np.inf)


def _standard(log_time: Array, eta: Array, scale: float) -> Array:
    return np.asarray((log_time - eta) / scale)


def _point(law: Law, z: Array, log_time: Array, scale: float) -> _Rows:
    """Return the derivatives where exits are known exactly."""
    at = law.at(z)
    value = at.log_density - np.log(scale) - log_time
    return _chained(value, z, at.slope, at.curvature, scale, constant=-1.0)


def _chained(
    value: Array, z: Array, first: Array, second: Array, scale: float, constant: float
) -> _Rows:
    """From derivatives in z to those in the linear predictor and the log scale."""
    return _Rows(
        value,
        np.column_stack([-first / scale, constant - first * z]),
        np.column_stack(
            [
                second / scale**2,
                (second * z + first) / scale,
                second * z * z + first * z,
            ]
        ),
    )


def _interval(law: Law, low: Array, high: Array, scale: float) -> _Rows:
    """Return the derivatives of log(S(low) - S(high)); either end may be infinite."""
    starts, ends = np.isfinite(low), np.isfinite(high)
    u, v = np.where(starts, low, 0.0), np.where(ends, high, 0.0)
    at_low, at_high = law.at(u), law.at(v)
    survived = np.where(starts, at_low.log_survival, 0.0)
    gone = np.where(ends, at_high.log_survival, -np.inf)
    # A step too far may leave no chance at all: its value is -inf, and it is refused.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = survived + np.log(-np.expm1(gone - survived))
        a = np.where(starts, np.exp(at_low.log_density - value), 0.0)
        c = np.where(ends, np.exp(at_high.log_density - value), 0.0)
        uu, vv, uv = -a * (at_low.slope + a), c * (at_high.slope - c), a * c
        first, ends_first = c - a, c * v - a * u
        mixed = uu * u + vv * v + uv * (u + v) + first
        own = uu * u * u + vv * v * v + 2 * uv * u * v + ends_first
        return _Rows(
            value,
            np.column_stack([-first / scale, -ends_first]),
            np.column_stack([(uu + vv + 2 * uv) / scale**2, mixed / scale, own]),
        )


def _scores(X: Array, times: Times, here: _Rows) -> Array:
    scores = np.column_stack([X * here.first[:, :1], here.first[:, 1:]])
    return scores if times.w is None else scores * times.w[:, None]


def _loglik(times: Times, here: _Rows) -> float:
    return float(here.loglik.sum() if times.w is None else here.loglik @ times.w)


def _sums(X: Array, times: Times, here: _Rows) -> tuple[Array, Array]:
    """Return the score and the observed information."""
    second = here.second if times.w is None else here.second * times.w[:, None]
    k = X.shape[1]
    information = np.empty((k + 1, k + 1))
    information[:k, :k] = -(X * second[:, :1]).T @ X
    information[:k, k] = information[k, :k] = -(X.T @ second[:, 1])
    information[k, k] = -second[:, 2].sum()
    return _scores(X, times, here).sum(axis=0), information


def _direction(information: Array, score: Array) -> tuple[Array, bool]:
    """Return a direction of ascent, and whether it is Newton's own."""
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    scaled, damp = information / np.outer(size, size), 0.0
    while damp < 1e8:
        try:
            factor = linalg.cho_factor(scaled + damp * np.eye(len(size)))
            return linalg.cho_solve(factor, score / size) / size, damp == 0
        except (linalg.LinAlgError, ValueError):
            damp = max(4 * damp, 1e-3)
    raise EstimationError(
        "The information of the durations is not finite. Rescale covariates of very "
        "different size."
    )


def _climbed(
    X: Array, times: Times, law: Law, theta: Array, step: tuple[Array, _Rows]
) -> tuple[Array, _Rows]:
    direction, here = step
    now, size = _loglik(times, here), 1.0
    # A scale must not change more than some tenfold at once.
    if abs(direction[-1]) > 2:
        size = 2 / abs(direction[-1])
    while True:
        trial = theta + size * direction
        there = _rows(X, times, law, trial)
        new = _loglik(times, there)
        if new >= now - 1e-10 * (abs(now) + 1):
            return trial, there
        if size < 1e-10:
            return theta, here
        size /= 2

"""Residuals of parametric durations, also where exits are known up to an interval."""

import numpy as np

from geopoverty.numerics.hazards.aft import Times
from geopoverty.numerics.hazards.aft_laws import Law
from geopoverty.numerics.types import Array, Mask


def martingale(X: Array, times: Times, law: Law, theta: Array) -> Array:
    """Return exits less the cumulative hazard since entry, shape (n,).

    Where an exit lies in an interval, the cumulative hazard is the one expected there
    (Lagakos' residual) [1]_. With a constant and the Weibull law they sum to 0 if no
    weights are given.

    References
    ----------
    .. [1] Farrington, C. P. (2000). Residuals for proportional hazards models with
       interval-censored survival data. Biometrics 56, 473-482.

    Examples
    --------
    >>> from geopoverty.numerics.hazards.aft_laws import Weibull
    >>> one = np.ones(2)
    >>> times = Times(0 * one, one, np.array([1.0, np.inf]))
    >>> martingale(one[:, None], times, Weibull, np.zeros(2))
    array([ 0., -1.])
    """
    eta, scale = X @ theta[:-1], np.exp(theta[-1])
    start = _hazard(times.entry, eta, scale, law)
    low = _hazard(times.lower, eta, scale, law)
    high = _hazard(times.upper, eta, scale, law)
    return _residual(low, high, times.exact) + start


def _hazard(time: Array, eta: Array, scale: float, law: Law) -> Array:
    """Return the cumulative hazard at times, 0 at 0 and infinite at infinity."""
    inside = (time > 0) & np.isfinite(time)
    z = (np.log(np.where(inside, time, 1.0)) - eta) / scale
    here = -law.at(z).log_survival
    return np.where(inside, here, np.where(time > 0, np.inf, 0.0))


def _residual(low: Array, high: Array, exact: Mask) -> Array:
    open_ = ~np.isfinite(high)
    end = np.where(open_ | exact, low, high)
    # (S(l) log S(l) - S(u) log S(u)) / (S(l) - S(u)), the survivors of l set to 1.
    width = end - low
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        within = -low + width / np.expm1(width)
    return np.where(open_, -low, np.where(width > 0, within, 1 - low))

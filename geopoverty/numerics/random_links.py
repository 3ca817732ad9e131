"""The logit link averaged over a normal intercept, and how it moves with its spread."""

import numpy as np
from scipy import special

from geopoverty.numerics.types import Array

REACH = 8.5  # standard deviations: beyond it the normal density is below rounding
PRECISE = 36.0  # exponent of the relative error: exp(-36) is rounding, too


class MeanLogit:
    """The logistic link, averaged over normal intercepts: what a population shows.

    The integrals are trapezoidal sums, which for such integrands converge faster than
    any power of the spacing (Trefethen & Weideman 2014, SIAM Review 56, theorem 5.1).

    Parameters
    ----------
    sigma : float
        Standard deviation of the intercepts, at least 0.

    Examples
    --------
    >>> MeanLogit(2.0).probability(np.array([0.0, 1.0])).round(6)
    array([0.5     , 0.647726])
    >>> MeanLogit(0.0).density(np.zeros(1))
    array([0.25])
    """

    name = "logit"

    def __init__(self, sigma: float) -> None:
        spacing = min(0.5, 2 * np.pi**2 / (PRECISE * max(sigma, 1e-300)))
        places = spacing * np.arange(-np.ceil(REACH / spacing), REACH / spacing + 1)
        if sigma == 0:
            places = np.zeros(1)
        weights = np.exp(-0.5 * places**2)
        self.sigma, self._places = sigma, places
        self._weights = weights / weights.sum()

    def _mean(self, eta: Array, order: int) -> Array:
        """Average a derivative of the logistic function."""
        total = np.zeros(np.shape(eta))
        for z, weight in zip(self._places, self._weights, strict=True):
            total += weight * self._each(special.expit(eta + self.sigma * z), z, order)
        return total

    def _each(self, p: Array, z: float, order: int) -> Array:  # noqa: ARG002
        return _derivative(p, order)

    def probability(self, eta: Array) -> Array:
        """Return P(y = 1)."""
        return self._mean(eta, 0)

    def density(self, eta: Array) -> Array:
        """Return the derivative of the probability."""
        return self._mean(eta, 1)

    def slope(self, eta: Array) -> Array:
        """Return the second derivative of the probability."""
        return self._mean(eta, 2)


class MeanLogitInSigma(MeanLogit):
    """The derivatives in sigma of what `MeanLogit` returns.

    Whatever is linear in probabilities or densities has as its derivative in sigma
    the same sum with this link.

    Examples
    --------
    >>> ahead, behind = MeanLogit(2 + 1e-6), MeanLogit(2 - 1e-6)
    >>> eta = np.array([1.0])
    >>> by_hand = (ahead.probability(eta) - behind.probability(eta)) / 2e-6
    >>> bool(abs(MeanLogitInSigma(2.0).probability(eta) - by_hand)[0] < 1e-9)
    True
    """

    def _each(self, p: Array, z: float, order: int) -> Array:
        return z * _derivative(p, order + 1)


def _derivative(p: Array, order: int) -> Array:
    """Return a derivative of the logistic function whose value is p."""
    if order == 0:
        return p
    w = p * (1 - p)
    if order == 1:
        return w
    return w * (1 - 2 * p) if order == 2 else w * (1 - 6 * w)

"""The laws of log time in accelerated failure time models, in standard units."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from geopoverty.numerics.types import Array

TOP = 300.0  # beyond it nobody survives, in any of these laws
_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True)
class Values:
    """A law at standardised log times z, each of shape (n,).

    Attributes
    ----------
    log_survival, log_density : array
    slope, curvature : array
        First and second derivative of the log-density.
    """

    log_survival: Array
    log_density: Array
    slope: Array
    curvature: Array


class Weibull:
    """The smallest extreme value: times are Weibull.

    Examples
    --------
    >>> float(Weibull.at(np.zeros(1)).log_survival[0])
    -1.0
    """

    name = "weibull"

    @staticmethod
    def at(z: Array) -> Values:
        """Return the law at z."""
        z = np.minimum(z, TOP)
        e = np.exp(z)
        return Values(-e, z - e, 1 - e, -e)

    @staticmethod
    def quantile(survival: Array) -> Array:
        """Return z by which survival has fallen to a level."""
        return np.asarray(np.log(-np.log(survival)))


class Logistic:
    """The logistic law: times are log-logistic.

    Examples
    --------
    >>> round(float(np.exp(Logistic.at(np.zeros(1)).log_survival[0])), 3)
    0.5
    """

    name = "loglogistic"

    @staticmethod
    def at(z: Array) -> Values:
        """Return the law at z."""
        z = np.minimum(z, TOP)
        p = special.expit(z)
        grown = np.logaddexp(0, z)
        return Values(-grown, z - 2 * grown, 1 - 2 * p, -2 * p * (1 - p))

    @staticmethod
    def quantile(survival: Array) -> Array:
        """Return z by which survival has fallen to a level."""
        return np.asarray(-special.logit(survival))


class Normal:
    """The normal law: times are log-normal.

    Examples
    --------
    >>> round(float(np.exp(Normal.at(np.zeros(1)).log_survival[0])), 3)
    0.5
    """

    name = "lognormal"

    @staticmethod
    def at(z: Array) -> Values:
        """Return the law at z."""
        z = np.minimum(z, TOP)
        density = -0.5 * z * z - _HALF_LOG_2PI
        return Values(special.log_ndtr(-z), density, -z, np.full_like(z, -1.0))

    @staticmethod
    def quantile(survival: Array) -> Array:
        """Return z by which survival has fallen to a level."""
        return np.asarray(-special.ndtri(survival))


Law = type[Weibull] | type[Logistic] | type[Normal]
LAWS: dict[str, Law] = {law.name: law for law in (Weibull, Normal, Logistic)}

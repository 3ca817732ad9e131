"""The links of a binary model: logit, probit and complementary log-log."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from geopoverty.numerics.types import Array

_ROOT_2PI = np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class Point:
    """The likelihood of rows at one linear predictor, each of shape (m,).

    Attributes
    ----------
    loglik : array
        Log-likelihood of each row.
    residual : array
        Its derivative in the linear predictor: the generalised residual.
    weight : array
        Minus its second derivative: the observed information.
    """

    loglik: Array
    residual: Array
    weight: Array


class Logit:
    """The logistic link.

    Examples
    --------
    >>> float(Logit.probability(np.zeros(1))[0])
    0.5
    """

    name = "logit"

    @staticmethod
    def probability(eta: Array) -> Array:
        """Return P(y = 1)."""
        return np.asarray(special.expit(eta))

    @staticmethod
    def density(eta: Array) -> Array:
        """Return the derivative of the probability."""
        p = special.expit(eta)
        return np.asarray(p * (1 - p))

    @staticmethod
    def slope(eta: Array) -> Array:
        """Return the second derivative of the probability."""
        p = special.expit(eta)
        return np.asarray(p * (1 - p) * (1 - 2 * p))

    @staticmethod
    def at(eta: Array, y: Array) -> Point:
        """Return log-likelihood, residual and information of each row."""
        p = special.expit(eta)
        # log(1 + e^eta) without overflow, from the p that is there already.
        loglik = -np.log1p(np.exp(-np.abs(eta))) + np.where(y > 0, eta, -eta).clip(
            max=0
        )
        return Point(loglik, y - p, p * (1 - p))


class Probit:
    """The normal link.

    Examples
    --------
    >>> float(Probit.probability(np.zeros(1))[0])
    0.5
    """

    name = "probit"

    @staticmethod
    def probability(eta: Array) -> Array:
        """Return P(y = 1)."""
        return np.asarray(special.ndtr(eta))

    @staticmethod
    def density(eta: Array) -> Array:
        """Return the derivative of the probability."""
        return np.asarray(np.exp(-0.5 * eta * eta) / _ROOT_2PI)

    @staticmethod
    def slope(eta: Array) -> Array:
        """Return the second derivative of the probability."""
        return -eta * Probit.density(eta)

    @staticmethod
    def at(eta: Array, y: Array) -> Point:
        """Return log-likelihood, residual and information of each row."""
        sign = 2 * y - 1
        signed = sign * eta
        loglik = special.log_ndtr(signed)
        # Mills' ratio through logs stays exact far in the tail.
        mills = np.exp(-0.5 * eta * eta - loglik) / _ROOT_2PI
        return Point(loglik, sign * mills, mills * (mills + signed))


class Cloglog:
    """The complementary log-log link: an event within a period of constant hazards.

    Proportional hazards in continuous time give it when only the period of an exit is
    known (Prentice & Gloeckler 1978, Biometrics 34, 57-67).

    Examples
    --------
    >>> round(float(Cloglog.probability(np.zeros(1))[0]), 4)  # 1 - exp(-1)
    0.6321
    """

    name = "cloglog"

    @staticmethod
    def probability(eta: Array) -> Array:
        """Return P(y = 1)."""
        return np.asarray(-np.expm1(-_hazard(eta)))

    @staticmethod
    def density(eta: Array) -> Array:
        """Return the derivative of the probability."""
        e = _hazard(eta)
        return np.asarray(e * np.exp(-e))

    @staticmethod
    def slope(eta: Array) -> Array:
        """Return the second derivative of the probability."""
        e = _hazard(eta)
        return np.asarray(e * np.exp(-e) * (1 - e))

    @staticmethod
    def at(eta: Array, y: Array) -> Point:
        """Return log-likelihood, residual and information of each row."""
        e = _hazard(eta)
        small = np.maximum(e, 1e-300)
        gone = np.log(-np.expm1(-small))
        rate = small / np.expm1(np.minimum(small, _FULL))
        # e / (1 - exp(-e)) - 1 loses all digits near 0, where it is e / 2.
        bend = np.where(e < 1e-5, e / 2, small / -np.expm1(-small) - 1)
        return Point(
            np.where(y > 0, gone, -e),
            np.where(y > 0, rate, -e),
            np.where(y > 0, rate * bend, e),
        )


def _hazard(eta: Array) -> Array:
    """Return exp(eta), which a step too far must not make infinite."""
    return np.asarray(np.exp(np.minimum(eta, _FULL)))


_FULL = 600.0
Link = type[Logit] | type[Probit] | type[Cloglog]
# What estimators offer by name; the complementary log-log is for periods of exits.
LINKS: dict[str, Link] = {"logit": Logit, "probit": Probit}

"""Residuals of a Cox model: score, Schoenfeld, deviance."""

import numpy as np
from scipy import special

from geopoverty.numerics.hazards.partial import Moments
from geopoverty.numerics.types import Array


def score_residuals(at: Moments) -> Array:
    """Return each row's part of the score, before its weight, shape (n, k).

    ``sum(w * residuals)`` is 0 at the maximum; ``w * residuals @ vcov`` are the dfbeta
    whose sums of squares by cluster make the robust covariance. Efron's ties are
    taken into account, in time linear in rows.

    References
    ----------
    Lin, D. Y. & Wei, L. J. (1989). The robust inference for the Cox proportional
    hazards model. JASA 84, 1074-1078. Therneau, T. M., Grambsch, P. M. & Fleming,
    T. R. (1990). Martingale-based residuals for survival models. Biometrika 77,
    147-160.
    """
    data, risk = at.data, at.data.risk
    expected = data.died - at.martingale
    out = risk.gathered(at.drift)
    out[risk.exits] -= (at.drift - at.own_drift)[risk.block]
    out *= at.score[:, None]
    out -= data.X * expected[:, None]
    out[risk.exits] += data.X[risk.exits] - at.mean[risk.block]
    return np.asarray(out)


def schoenfeld_residuals(at: Moments) -> Array:
    """Return x less its mean among those at risk, at each exit, shape (m, k).

    In the order of ``risk.exits``; times the weight of the row.

    References
    ----------
    Schoenfeld, D. (1982). Partial residuals for the proportional hazards regression
    model. Biometrika 69, 239-241.
    """
    data, risk = at.data, at.data.risk
    found = data.X[risk.exits] - at.mean[risk.block]
    return np.asarray(found * data.w[risk.exits, None])


def deviance_residuals(martingale: Array, exited: Array) -> Array:
    """Return martingale residuals made more symmetric, shape (n,).

    ``sign(M) sqrt(-2 (M + d log(d - M)))``; d is 1 for an exit.

    References
    ----------
    Therneau, T. M., Grambsch, P. M. & Fleming, T. R. (1990), section 3.

    Examples
    --------
    >>> deviance_residuals(np.array([0.5, -0.5]), np.array([1.0, 0.0])).round(4)
    array([ 0.6215, -1.    ])
    """
    expected = np.maximum(exited - martingale, 0.0)
    inside = martingale + special.xlogy(exited, expected)
    return np.asarray(np.sign(martingale) * np.sqrt(np.maximum(-2 * inside, 0.0)))

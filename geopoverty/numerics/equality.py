"""Wald tests that independent groups share their coefficients."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from geopoverty.numerics.types import Array

# A covariance counts as singular below this share of its greatest eigenvalue, after
# scaling to correlations.
SINGULAR = 1e-10


@dataclass(frozen=True)
class Wald:
    """A Wald test; statistic and p_value are NaN where it cannot be computed."""

    statistic: float
    df: int
    p_value: float


def equality(estimates: Array, vcovs: Array) -> Wald:
    """Test that all groups have the same coefficients.

    Parameters
    ----------
    estimates : array, shape (g, k)
        Of each group; they are independent of each other.
    vcovs : array, shape (g, k, k)
        Their covariances.

    Returns
    -------
    Wald
        With (g - 1) k degrees of freedom; NaN where a covariance is missing, or the
        contrasts' is singular (fewer clusters than coefficients).

    Notes
    -----
    ``d'(V_d)^-1 d`` with d the differences from the first group, whose covariance
    is ``V_g + V_1`` on the diagonal and ``V_1`` beside it; which group is first does
    not matter.

    Examples
    --------
    >>> equality(np.array([[0.0], [2.0]]), np.ones((2, 1, 1))).statistic
    2.0
    """
    g, k = estimates.shape
    df = (g - 1) * k
    missing = Wald(np.nan, df, np.nan)
    if not (np.isfinite(estimates).all() and np.isfinite(vcovs).all()):
        return missing
    d = (estimates[1:] - estimates[0]).ravel()
    V = np.kron(np.ones((g - 1, g - 1)), vcovs[0])
    for i in range(g - 1):
        here = slice(i * k, (i + 1) * k)
        V[here, here] += vcovs[i + 1]
    scale = np.sqrt(np.diag(V))
    if not (scale > 0).all():
        return missing
    values, vectors = np.linalg.eigh(V / np.outer(scale, scale))
    if values[0] <= SINGULAR * values[-1]:
        return missing
    statistic = float(np.sum((vectors.T @ (d / scale)) ** 2 / values))
    return Wald(statistic, df, float(stats.chi2.sf(statistic, df)))

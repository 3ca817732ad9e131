"""How dense outcomes are at a quantile, which its standard error rests on."""

import numpy as np
from scipy import stats

from geopoverty.numerics.quantile.fit import Frame, frame_of, solve
from geopoverty.numerics.types import Array

SMALL = float(np.sqrt(np.finfo(float).eps))
ON_PLANE = float(np.finfo(float).eps ** (2 / 3))


def hall_sheather(tau: float, n: int, alpha: float = 0.05) -> float:
    """Return the bandwidth for densities at a quantile, in probability.

    Parameters
    ----------
    tau : float
    n : int
    alpha : float
        Of the interval that the density is for.

    References
    ----------
    Hall, P. & Sheather, S. (1988). On the distribution of a studentized quantile.
    Journal of the Royal Statistical Society B 50, 381-391.

    Examples
    --------
    >>> round(hall_sheather(0.5, 235), 4)
    0.1574
    """
    x = stats.norm.ppf(tau)
    f = stats.norm.pdf(x)
    wide = stats.norm.ppf(1 - alpha / 2) ** (2 / 3)
    return float(n ** (-1 / 3) * wide * (1.5 * f**2 / (2 * x**2 + 1)) ** (1 / 3))


def local_densities(frame: Frame, tau: float) -> tuple[Array, int]:
    """Return each row's density at its quantile, from the planes just beside it.

    Parameters
    ----------
    frame : Frame
    tau : float

    Returns
    -------
    density : array, shape (n,)
        0 or more, per unit of the user's outcome.
    crossed : int
        Rows in which the planes stand the wrong way round; their density is 0.

    References
    ----------
    Hendricks, W. & Koenker, R. (1992). Hierarchical spline models for conditional
    quantiles and the demand for electricity. Journal of the American Statistical
    Association 87, 58-68.

    Examples
    --------
    >>> even = frame_of(np.ones((999, 1)), np.linspace(0.0, 10.0, 999))
    >>> local_densities(even, 0.5)[0][:2].round(2)
    array([0.1, 0.1])
    """
    h = hall_sheather(tau, len(frame.y))
    while tau - h <= 0 or tau + h >= 1:
        h /= 2
    apart = solve(frame, tau + h).b - solve(frame, tau - h).b
    rise = frame.scale * (frame.X @ apart)
    crossed = rise <= 0
    # As in quantreg, unless outcomes are themselves nearly this small.
    small = SMALL * min(1.0, 1e3 * frame.scale)
    density = np.zeros(len(rise))
    # A rise within rounding of 0 is no density either.
    some = rise > small
    density[some] = 2 * h / (rise[some] - small)
    return density, int(crossed.sum())


def sparsity(residual: Array, tau: float, k: int) -> float:
    """Return one over the density at the quantile, the same in all rows.

    The slope of ordered residuals around the plane in their rank (the median
    regression through them, as in quantreg).

    Parameters
    ----------
    residual : array, shape (n,)
    tau : float
    k : int
        Columns of the fit: as many residuals are 0.

    References
    ----------
    Koenker, R. (2005). Quantile Regression. Cambridge University Press, section 3.4.

    Examples
    --------
    >>> round(sparsity(np.linspace(-5.0, 5.0, 1000), 0.5, 1), 2)
    10.0
    """
    n = len(residual)
    # Great outcomes are rounded to fewer decimals, small ones to more.
    zero = ON_PLANE * float(np.abs(residual).mean())
    zeros = int((np.abs(residual) < zero).sum())
    h = max(k + 1, int(np.ceil(n * hall_sheather(tau, n))))
    ranks = np.arange(zeros + 1, min(h + zeros + 1, n) + 1)
    closest = np.argsort(np.abs(residual), kind="stable")[ranks - 1]
    ordered = np.sort(residual[closest])
    X = np.column_stack([np.ones(len(ranks)), ranks / (n - k)])
    if len(ranks) < 3 or ordered[0] == ordered[-1]:
        return float("nan")
    frame = frame_of(X, ordered)
    return float(frame.given(solve(frame, 0.5).b)[1])

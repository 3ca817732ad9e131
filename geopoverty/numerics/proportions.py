"""Intervals and tests of shares: Wilson, Newcombe, McNemar, Cohen's kappa."""

import numpy as np
from scipy import stats

from geopoverty.numerics.types import Array


def wilson(share: Array, n: Array, quantile: Array | float) -> tuple[Array, Array]:
    """Return the score interval of shares.

    Parameters
    ----------
    share : array, shape (m,)
        In [0, 1]; NaN where there is none.
    n : array, shape (m,)
        Rows, or the effective number of rows; above 0.
    quantile : float or array, shape (m,)
        Of the normal or Student's t: 1.96 for 95 %.

    Returns
    -------
    low, high : array, shape (m,)
        In [0, 1]; of a share of 0 or 1 too the interval has a width.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> low, high = wilson(np.array([0.0, 0.5]), np.array([10.0, 10.0]), 1.96)
    >>> low.round(4), high.round(4)
    (array([0.    , 0.2366]), array([0.2775, 0.7634]))
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.square(quantile) / n
        middle = (share + weight / 2) / (1 + weight)
        inside = share * (1 - share) / n + np.square(quantile) / (4 * n**2)
        half = quantile * np.sqrt(inside) / (1 + weight)
        # At the ends rounding must not leave 1e-18 of nobody.
        low = np.where(share == 0, 0.0, np.maximum(middle - half, 0.0))
        high = np.where(share == 1, 1.0, np.minimum(middle + half, 1.0))
    blank = np.isnan(share)
    return np.where(blank, np.nan, low), np.where(blank, np.nan, high)


def effective_rows(share: Array, variance: Array, weighted: Array) -> Array:
    """Return how many independent rows would tell a share as well.

    Parameters
    ----------
    share, variance : array, shape (m,)
        Of the sample as it was drawn.
    weighted : array, shape (m,)
        The squared sum of weights over the sum of their squares: what counts where
        everybody or nobody is in the share, so that it has no variance.

    Returns
    -------
    array, shape (m,)

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with
    small expected number of positive counts. Survey Methodology 24, 193-201.

    Examples
    --------
    >>> effective_rows(np.array([0.5]), np.array([0.01]), np.array([40.0]))
    array([25.])
    """
    inside = share * (1 - share)
    known = (inside > 1e-12) & (variance > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, inside / variance, weighted)


def difference_interval(
    shares: tuple[Array, Array],
    lows: tuple[Array, Array],
    highs: tuple[Array, Array],
    correlation: Array | float = 0.0,
) -> tuple[Array, Array]:
    """Return the interval of a difference of shares from their own intervals.

    Parameters
    ----------
    shares, lows, highs : pair of array, shape (m,)
        Of the first share and of the one that is taken off.
    correlation : float or array, shape (m,)
        Of the two estimates; 0 when different, independent rows are in them.

    Returns
    -------
    low, high : array, shape (m,)
        In [-1, 1]. From Wilson intervals, without correlation: Newcombe's method 10.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between
    independent proportions. Statistics in Medicine 17, 873-890. Zou, G. Y. &
    Donner, A. (2008). Construction of confidence limits about effect measures: a
    general approach. Statistics in Medicine 27, 1693-1702, equations 3 and 4.

    Examples
    --------
    >>> p, q, n = np.array([56 / 70]), np.array([48 / 80]), np.array([70.0])
    >>> a, b = wilson(p, n, 1.959964), wilson(q, n + 10, 1.959964)
    >>> low, high = difference_interval((p, q), (a[0], b[0]), (a[1], b[1]))
    >>> low.round(4), high.round(4)
    (array([0.0524]), array([0.3339]))
    """
    gap = shares[0] - shares[1]
    down, up = shares[0] - lows[0], highs[1] - shares[1]
    rise, fall = highs[0] - shares[0], shares[1] - lows[1]
    below = down**2 + up**2 - 2 * correlation * down * up
    above = rise**2 + fall**2 - 2 * correlation * rise * fall
    return gap - np.sqrt(np.maximum(below, 0)), gap + np.sqrt(np.maximum(above, 0))


def mcnemar(only_first: float, only_second: float) -> float:
    """Return the exact p-value that two yes/no answers are as often yes.

    Parameters
    ----------
    only_first, only_second : float
        Rows that say yes to one of them only: whole numbers of at least 0.

    Returns
    -------
    float
        Two-sided, from the binomial; 1 when no row differs.

    References
    ----------
    McNemar, Q. (1947). Note on the sampling error of the difference between
    correlated proportions or percentages. Psychometrika 12, 153-157.

    Examples
    --------
    >>> round(mcnemar(1, 7), 6)
    0.070312
    """
    differing = only_first + only_second
    if differing == 0:
        return 1.0
    tail = stats.binom.cdf(min(only_first, only_second), differing, 0.5)
    return float(min(1.0, 2 * tail))


def kappa(table: Array) -> float:
    """Return Cohen's kappa of a square table of weights: agreement beyond chance.

    Parameters
    ----------
    table : array, shape (m, m)
        Sums of weights by first and second answer.

    Returns
    -------
    float
        At most 1; 0 is what chance gives; NaN when chance alone agrees always.

    References
    ----------
    Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and
    Psychological Measurement 20, 37-46.

    Examples
    --------
    >>> kappa(np.array([[20.0, 5.0], [10.0, 15.0]]))
    0.4
    """
    total = table.sum()
    if not total > 0:
        return np.nan
    share = table / total
    chance = float(share.sum(axis=1) @ share.sum(axis=0))
    if chance >= 1 - 1e-12:
        return np.nan
    return float(round((np.trace(share) - chance) / (1 - chance), 14))

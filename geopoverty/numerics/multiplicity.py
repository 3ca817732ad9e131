"""P-values of many tests at once."""

import numpy as np
from scipy import stats

from geopoverty.numerics.types import Array


def holm(p_values: Array) -> Array:
    """Adjust p-values so that the chance of any false discovery is bounded.

    Parameters
    ----------
    p_values : array, shape (m,)
        In [0, 1]; NaN where there was no test, which does not count.

    Returns
    -------
    array, shape (m,)
        At least as large, NaN where there was no test.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure.
    Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm(np.array([0.01, np.nan, 0.04, 0.03]))
    array([0.03,  nan, 0.06, 0.06])
    """
    adjusted, order = p_values.astype(np.float64), np.argsort(p_values)
    order = order[: np.count_nonzero(~np.isnan(p_values))]  # NaN sorts last
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def benjamini_hochberg(p_values: Array) -> Array:
    """Adjust p-values so that the share of false discoveries is bounded on average.

    Parameters
    ----------
    p_values : array, shape (m,)
        In [0, 1]; NaN where there was no test, which does not count.

    Returns
    -------
    array, shape (m,)
        At least as large, NaN where there was no test.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate.
    Journal of the Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, np.nan, 0.04, 0.03]))
    array([0.03,  nan, 0.04, 0.04])
    """
    adjusted, tested = p_values.astype(np.float64), ~np.isnan(p_values)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p_values[tested])
    return adjusted

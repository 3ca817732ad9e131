"""How well probabilities rank and match a binary outcome, from one sort of the rows."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from geopoverty.numerics.types import Array, Codes

SAME = 1e-13  # relative; equal rows get probabilities that differ by rounding
AT_THRESHOLD = 1e-9  # relative; a probability this little below still reaches it
EQUALLY_GOOD = 1e-12  # difference of two values of Youden's index
MAX_STEPS = 25


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows in ascending order of probability, equal ones merged.

    Attributes
    ----------
    value : array, shape (m,)
        The different probabilities, ascending.
    rows : array of int, shape (m,)
        How many rows have each.
    ones, zeros : array, shape (m,)
        Weight of the rows with outcome 1 and 0; their number without weights.
    ones_squared, zeros_squared : array, shape (m,)
        The same for squared weights.
    n_ones, n_zeros : int
        Rows with outcome 1 and 0.
    """

    value: Array
    rows: Codes
    ones: Array
    zeros: Array
    ones_squared: Array
    zeros_squared: Array
    n_ones: int
    n_zeros: int

    @property
    def weighted(self) -> bool:
        """Whether rows came with weights."""
        return self.ones_squared is not self.ones


def rank_rows(y: Array, p: Array, w: Array | None = None) -> Ranking:
    """Sort rows by probability: the only sort that all measures here need.

    Parameters
    ----------
    y : array, shape (n,)
        0 or 1, both present.
    p : array, shape (n,)
        Probabilities of a 1, from 0 to 1. Those within 1e-13 of each other,
        relative, count as equal.
    w : array, shape (n,), optional
        Weights above 0.

    Returns
    -------
    Ranking

    Examples
    --------
    >>> ranking = rank_rows(np.array([1.0, 0.0, 1.0]), np.array([0.7, 0.2, 0.2]))
    >>> ranking.value, ranking.ones, ranking.zeros
    (array([0.2, 0.7]), array([1., 1.]), array([1., 0.]))
    """
    order = np.argsort(p)
    value = p[order]
    starts = np.flatnonzero(
        np.concatenate([[True], value[1:] - value[:-1] > SAME * value[1:]])
    )
    rows = np.diff(starts, append=len(p))
    y_sorted = y[order]
    if w is None:
        ones = ones_squared = np.add.reduceat(y_sorted, starts)
        zeros = zeros_squared = rows - ones
    else:
        weight = w[order]
        of_ones = weight * y_sorted
        of_zeros = weight - of_ones  # exact: 0 or the weight
        ones, zeros, ones_squared, zeros_squared = (
            np.add.reduceat(part, starts)
            for part in (of_ones, of_zeros, of_ones * weight, of_zeros * weight)
        )
    n_ones = int(np.count_nonzero(y))
    return Ranking(
        value[starts],
        rows,
        ones,
        zeros,
        ones_squared,
        zeros_squared,
        n_ones,
        len(y) - n_ones,
    )


def auc(ranking: Ranking) -> tuple[float, float]:
    """Return the area under the ROC curve and its standard error.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    value : float
        From 0 to 1: the chance that a 1 has a higher probability than a 0,
        each drawn by weight; equal probabilities count half.
    std_error : float
        NaN when there is only one row of an outcome.

    Notes
    -----
    The standard error is that of DeLong et al. [1]_, in the form of sorted
    ranks [2]_: rows are independent and their probabilities given. With weights
    it is the same sum over rows with each row's share of weight in place of
    1 / m, as for a sample drawn with replacement.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Comparing
       the areas under two or more correlated receiver operating characteristic
       curves. Biometrics 44, 837-845, equations 4 to 6.
    .. [2] Sun, X. & Xu, W. (2014). Fast implementation of DeLong's algorithm.
       IEEE Signal Processing Letters 21, 1389-1393.

    Examples
    --------
    >>> y, p = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.4, 0.4, 0.1])
    >>> value, std_error = auc(rank_rows(y, p))
    >>> value, round(std_error, 4)
    (0.875, 0.1768)
    """
    share_ones = ranking.ones / ranking.ones.sum()
    share_zeros = ranking.zeros / ranking.zeros.sum()
    # For a 1, the share of zeros it beats; for a 0, of ones that beat it.
    beaten = np.cumsum(share_zeros) - share_zeros / 2
    beating = 1 - np.cumsum(share_ones) + share_ones / 2
    value = float(share_ones @ beaten)
    variance = _variance(
        ranking.ones_squared, beaten - value, ranking.ones.sum(), ranking.n_ones
    ) + _variance(
        ranking.zeros_squared, beating - value, ranking.zeros.sum(), ranking.n_zeros
    )
    return value, float(np.sqrt(variance))


def _variance(squares: Array, deviation: Array, total: float, n: int) -> float:
    if n < 2:
        return np.nan
    return float(squares @ deviation**2) / total**2 * n / (n - 1)


def brier(ranking: Ranking) -> float:
    """Return the mean squared difference of outcome and probability, 0 to 1.

    References
    ----------
    Brier, G. W. (1950). Verification of forecasts expressed in terms of
    probability. Monthly Weather Review 78, 1-3 (half of his sum).

    Examples
    --------
    >>> brier(rank_rows(np.array([1.0, 0.0]), np.array([0.5, 0.5])))
    0.25
    """
    ones, zeros, p = ranking.ones, ranking.zeros, ranking.value
    return float((ones @ (1 - p) ** 2 + zeros @ p**2) / (ones.sum() + zeros.sum()))


def tjur(ranking: Ranking) -> float:
    """Return the mean probability of the ones less that of the zeros, -1 to 1.

    References
    ----------
    Tjur, T. (2009). Coefficients of determination in logistic regression models.
    The American Statistician 63, 366-372.

    Examples
    --------
    >>> tjur(rank_rows(np.array([1.0, 0.0]), np.array([0.75, 0.5])))
    0.25
    """
    ones, zeros, p = ranking.ones, ranking.zeros, ranking.value
    return float(ones @ p / ones.sum() - zeros @ p / zeros.sum())


@dataclass(frozen=True, eq=False)
class CalibrationSums:
    """Rows in groups of rising probability.

    Attributes
    ----------
    rows : array of int, shape (g,)
    predicted, observed : array, shape (g,)
        Mean probability and share of ones.
    effective : array, shape (g,)
        Rows of equal weight that would tell as much [1]_; rows without weights.

    References
    ----------
    .. [1] Kish, L. (1965). Survey Sampling. Wiley, section 11.7.
    """

    rows: Codes
    predicted: Array
    observed: Array
    effective: Array


def calibration_sums(ranking: Ranking, groups: int = 10) -> CalibrationSums:
    """Return mean probability and share of ones in groups of equal weight.

    Parameters
    ----------
    ranking : Ranking
    groups : int
        At least 1. Rows of equal probability stay together, in the group of
        their middle, so there can be fewer.

    Returns
    -------
    CalibrationSums
        Groups without rows are left out.

    Examples
    --------
    >>> y, p = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.125, 0.25, 0.25, 0.5])
    >>> sums = calibration_sums(rank_rows(y, p), groups=2)
    >>> sums.rows, sums.predicted, sums.observed
    (array([1, 3]), array([0.125     , 0.33333333]), array([0.        , 0.66666667]))
    """
    weight = ranking.ones + ranking.zeros
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    group = (middle * groups).astype(np.intp)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    total = np.add.reduceat(weight, starts)
    squares = np.add.reduceat(ranking.ones_squared + ranking.zeros_squared, starts)
    return CalibrationSums(
        np.add.reduceat(ranking.rows, starts),
        np.add.reduceat(weight * ranking.value, starts) / total,
        np.add.reduceat(ranking.ones, starts) / total,
        total**2 / squares,
    )


def calibration_line(ranking: Ranking) -> tuple[float, float]:
    """Return intercept and slope of the outcome's log-odds on the predicted ones.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    intercept, slope : float
        0 and 1 for good probabilities, and exactly so for a logit on its own
        rows; a slope below 1 says that they are too extreme. NaN when all
        probabilities are equal, or separate the outcome.

    References
    ----------
    Cox, D. R. (1958). Two further applications of a model for binary regression.
    Biometrika 45, 562-565.

    Examples
    --------
    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.8, 0.8])
    >>> intercept, slope = calibration_line(rank_rows(y, p))
    >>> round(intercept, 9) + 0, round(slope, 9) + 0
    (0.0, 0.0)
    """
    of_ones, of_zeros = np.flatnonzero(ranking.ones), np.flatnonzero(ranking.zeros)
    if of_zeros[-1] <= of_ones[0] or of_ones[-1] <= of_zeros[0]:
        return np.nan, np.nan  # separated: the slope would grow for ever
    p = ranking.value.clip(1e-300, np.nextafter(1, 0))
    x = np.log(p) - np.log1p(-p)
    ones, weight = ranking.ones, ranking.ones + ranking.zeros
    level = float(special.logit(ones.sum() / weight.sum()))
    starts = (np.array([0.0, 1.0]), np.array([level, 0.0]))
    line = max(starts, key=lambda start: _loglik(start, x, ones, weight))
    here = _loglik(line, x, ones, weight)
    for _ in range(MAX_STEPS):
        step, decrement = _newton(line, x, ones, weight)
        # A full step once it is small: rounding must not stop the last one.
        while decrement > 1e-6 and _loglik(line + step, x, ones, weight) < here:
            step = step / 2
        line = line + step
        if decrement < 1e-10:  # squared step in standard errors
            return float(line[0]), float(line[1])
        here = _loglik(line, x, ones, weight)
    return np.nan, np.nan


def _loglik(line: Array, x: Array, ones: Array, weight: Array) -> float:
    eta = line[0] + line[1] * x
    return float(ones @ eta - weight @ np.logaddexp(0, eta))


def _newton(line: Array, x: Array, ones: Array, weight: Array) -> tuple[Array, float]:
    chance = special.expit(line[0] + line[1] * x)
    residual, curvature = ones - weight * chance, weight * chance * (1 - chance)
    total = curvature.sum()
    # No curvature is left only where no line fits: NaN ends the search.
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = float(curvature @ x / total)
        away = x - middle
        score = np.array([residual.sum(), residual @ away])
        # About the middle of x the information is diagonal.
        step = score / np.array([total, curvature @ away**2])
    return np.array([step[0] - middle * step[1], step[1]]), float(step @ score)


def confusion(ranking: Ranking, threshold: float) -> tuple[float, float, float, float]:
    """Count rows by outcome and by whether their probability reaches a threshold.

    Parameters
    ----------
    ranking : Ranking
    threshold : float
        From 0 to 1. A row whose probability is at least this is taken for a 1.

    Returns
    -------
    true_positive, false_positive, true_negative, false_negative : float
        Sums of weights.

    Examples
    --------
    >>> ranking = rank_rows(np.array([1.0, 0.0, 1.0]), np.array([0.7, 0.2, 0.2]))
    >>> confusion(ranking, 0.5)
    (1.0, 0.0, 1.0, 1.0)
    """
    at = int(np.searchsorted(ranking.value, threshold * (1 - AT_THRESHOLD)))
    ones, zeros = ranking.ones, ranking.zeros
    return (
        float(ones[at:].sum()),
        float(zeros[at:].sum()),
        float(zeros[:at].sum()),
        float(ones[:at].sum()),
    )


def youden_threshold(ranking: Ranking) -> float:
    """Return the probability at which sensitivity + specificity is greatest.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    float
        One of the probabilities; the least of several that are equally good,
        which misses the fewest ones.

    References
    ----------
    Youden, W. J. (1950). Index for rating diagnostic tests. Cancer 3, 32-35.

    Examples
    --------
    >>> ranking = rank_rows(np.array([1.0, 0.0, 0.0]), np.array([0.7, 0.3, 0.2]))
    >>> youden_threshold(ranking)
    0.7
    """
    share_ones = ranking.ones / ranking.ones.sum()
    share_zeros = ranking.zeros / ranking.zeros.sum()
    # What lies below a threshold: zeros rightly, ones wrongly left out.
    gain = np.cumsum(share_zeros - share_ones) - (share_zeros - share_ones)
    return float(ranking.value[np.argmax(gain >= gain.max() - EQUALLY_GOOD)])

"""Rosenbaum's bounds: how large a hidden bias would undo a finding."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import special, stats

from geopoverty.numerics.types import Array

STEPS = 100  # halvings of an interval: more than a double has digits


@dataclass(frozen=True, eq=False)
class Bounds:
    """What is left of a signed-rank test at odds of hidden bias, each (gammas,).

    Attributes
    ----------
    p_above_low, p_above_high : array
        Bounds of the one-sided p-value against an effect above 0.
    p_below_low, p_below_high : array
        Against an effect below 0.
    effect_low, effect_high : array
        Bounds of the Hodges-Lehmann estimate of the effect.
    """

    p_above_low: Array
    p_above_high: Array
    p_below_low: Array
    p_below_high: Array
    effect_low: Array
    effect_high: Array


def rosenbaum_bounds(differences: Array, gammas: Array) -> Bounds:
    """Bound Wilcoxon's signed-rank test and the Hodges-Lehmann estimate.

    Parameters
    ----------
    differences : array, shape (n,)
        Of each treated from its matched control (or the mean of several).
    gammas : array, shape (m,)
        At most how many times the odds of treatment may differ between two rows
        with the same covariates; 1 or more.

    Returns
    -------
    Bounds
        Normal approximation without a correction for continuity; differences of 0
        are left out of the test, ties share their ranks.

    References
    ----------
    Rosenbaum, P. R. (2002). Observational Studies, 2nd ed., section 4.3.

    Examples
    --------
    >>> found = rosenbaum_bounds(np.arange(1.0, 11.0), np.array([1.0, 2.0]))
    >>> found.p_above_high.round(4).tolist(), found.effect_low.round(2).tolist()
    ([0.0025, 0.0237], [5.5, 4.5])
    """
    signed = differences[differences != 0]
    ranks = stats.rankdata(np.abs(signed))
    above = float(ranks[signed > 0].sum())
    total, squares = float(ranks.sum()), float(ranks @ ranks)
    high, low = gammas / (1 + gammas), 1 / (1 + gammas)

    def p_value(statistic: float, chance: Array) -> Array:
        spread = np.sqrt(chance * (1 - chance) * squares)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(special.ndtr(-(statistic - chance * total) / spread))

    ordered = np.sort(differences)
    return Bounds(
        p_value(above, low),
        p_value(above, high),
        p_value(total - above, low),
        p_value(total - above, high),
        np.array([_walsh_quantile(ordered, 1 - p) for p in high]),
        np.array([_walsh_quantile(ordered, 1 - p) for p in low]),
    )


def _walsh_quantile(ordered: Array, share: float) -> float:
    """Return the value below which `share` of all pairwise means lie.

    Halfway between the two ends of a flat stretch, as a median is.
    """
    if not len(ordered):
        return float("nan")
    n = len(ordered)
    # A share of thirds may hit a whole number, but for its last digit.
    target = round(share * n * (n + 1) / 2, 6)
    last, after = np.ceil(target), np.floor(target) + 1
    found = _first_above(ordered, last)
    return found if last == after else 0.5 * (found + _first_above(ordered, after))


@njit(cache=True, nogil=True)
def _first_above(ordered: Array, target: float) -> float:
    """Return the least value with at least `target` pairwise means up to it."""
    low, high = ordered[0], ordered[-1]
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if _up_to(ordered, 2 * middle) >= target:
            high = middle
        else:
            low = middle
    return float(high)


@njit(cache=True, nogil=True)
def _up_to(ordered: Array, total: float) -> float:
    """Count pairs i <= j whose sum is at most `total`."""
    n = len(ordered)
    j, count = n - 1, 0.0
    for i in range(n):
        while j >= 0 and ordered[i] + ordered[j] > total:
            j -= 1
        if j < i:
            break
        count += j - i + 1
    return count

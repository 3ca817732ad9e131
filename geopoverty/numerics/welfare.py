"""Indices of poverty and inequality by group, and what each row adds to them.

Incomes come as ratios to the poverty line, so that the line is 1 everywhere. Each
index gives its value by group and the influence of each row: its weight times the
derivative of the value by that weight, from which sampling variances follow. The
slope is the derivative by the logarithm of the line, for lines that are estimated.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geopoverty.numerics.grouped import (
    Groups,
    density,
    distances,
    running,
    sorted_rows,
)
from geopoverty.numerics.types import Array, Codes


class Index(Protocol):
    """A poverty index: a function of incomes divided by the line."""

    def measure(self, x: Array, w: Array, groups: Groups) -> tuple[Array, Array]:
        """Return the value of each group, and the influence of each row on its own."""

    def slope(self, x: Array, w: Array, groups: Groups) -> Array:
        """Return the derivative of each value by the logarithm of the line."""


class MeanIndex(Index, Protocol):
    """An index that is the mean of what each row has."""

    def each(self, x: Array) -> Array:
        """Return what each row has."""

    def rise(self, x: Array) -> Array | None:
        """Return its derivative by the log of the line; None where it jumps there."""


@dataclass(frozen=True)
class FGT:
    """Mean of (1 - x)^alpha over all, with 0 for those at or above the line.

    Examples
    --------
    >>> x = np.array([0.5, 1.0, 2.0, 0.75])
    >>> FGT(1).measure(x, np.ones(4), Groups())[0]
    array([0.1875])
    """

    alpha: float

    def each(self, x: Array) -> Array:
        """Return what each row has, of which the index is the mean."""
        if self.alpha == 0:
            return (x < 1).astype(np.float64)
        gaps = 1 - x
        np.maximum(gaps, 0, out=gaps)
        if self.alpha == 2:
            gaps *= gaps
        elif self.alpha != 1:
            gaps **= self.alpha
        return np.asarray(gaps)

    def rise(self, x: Array) -> Array | None:
        """Return the derivative of `each` by the log of the line; None for alpha 0."""
        if self.alpha == 0:
            return None
        poor = x < 1
        rise = np.zeros(len(x))
        rise[poor] = self.alpha * (1 - x[poor]) ** (self.alpha - 1) * x[poor]
        return rise

    def measure(self, x: Array, w: Array, groups: Groups) -> tuple[Array, Array]:
        """Return values and influences."""
        return mean(self.each(x), w, groups)

    def slope(self, x: Array, w: Array, groups: Groups) -> Array:
        """Return the derivative by the log of the line; for alpha 0 a density."""
        rise = self.rise(x)
        if rise is None:
            return density(x, w, groups, np.ones(groups.count))
        return mean(rise, w, groups)[0]


class Watts:
    """Mean of log(1 / x) over all, with 0 for those at or above the line."""

    def each(self, x: Array) -> Array:
        """Return what each row has, of which the index is the mean."""
        return np.asarray(-np.log(np.minimum(x, 1)))

    def rise(self, x: Array) -> Array:
        """Return the derivative of `each` by the log of the line."""
        return (x < 1).astype(np.float64)

    def measure(self, x: Array, w: Array, groups: Groups) -> tuple[Array, Array]:
        """Return values and influences; every x is above 0."""
        return mean(self.each(x), w, groups)

    def slope(self, x: Array, w: Array, groups: Groups) -> Array:
        """Return the headcount."""
        return mean(self.rise(x), w, groups)[0]


class Sen:
    """Gap index plus half the poor's mean difference of x, times the headcount.

    That is H (I + (1 - I) G) with headcount H, mean gap I of the poor and the
    Gini coefficient G among the poor.

    Examples
    --------
    >>> Sen().measure(np.array([0.5, 1.0]), np.ones(2), Groups())[0]
    array([0.25])
    """

    def measure(self, x: Array, w: Array, groups: Groups) -> tuple[Array, Array]:
        """Return values and influences."""
        value, influence = FGT(1).measure(x, w, groups)
        poor, own, total, weight, spread = self._among_poor(x, w, groups)
        some = np.where(weight > 0, weight, 1.0)
        extra = spread / (2 * total * some)
        influence -= w * groups.at(extra / total)
        at = groups.of(poor)
        rise = 2 * own / at.at(some) - at.at(spread / some**2)
        influence[poor] += w[poor] * rise / at.at(2 * total)
        return value + extra, influence

    def slope(self, x: Array, w: Array, groups: Groups) -> Array:
        """Return the derivative by the log of the line; it needs a density."""
        _, _, total, weight, spread = self._among_poor(x, w, groups)
        some = np.where(weight > 0, weight, 1.0)
        gap = FGT(1).measure(x, w, groups)[0]
        crossing = FGT(0).slope(x, w, groups)
        return np.asarray(
            FGT(1).slope(x, w, groups)
            - spread / (2 * total * some)
            + crossing * (total * gap / some - spread / (2 * some**2))
        )

    @staticmethod
    def _among_poor(
        x: Array, w: Array, groups: Groups
    ) -> tuple[Codes, Array, Array, Array, Array]:
        poor = np.flatnonzero(x < 1)
        within = groups.of(poor)
        own = distances(x[poor], w[poor], within)
        spread = within.sum(w[poor] * own)
        return poor, own, groups.sum(w), within.sum(w[poor]), spread


class Shorrocks:
    """Mean over all pairs of the greater of two gaps (Sen-Shorrocks-Thon).

    That is the gap index times 1 + G, with the Gini coefficient G of the gaps of
    all, the non-poor included with gap 0.

    Examples
    --------
    >>> Shorrocks().measure(np.array([0.5, 1.0]), np.ones(2), Groups())[0]
    array([0.375])
    """

    def measure(self, x: Array, w: Array, groups: Groups) -> tuple[Array, Array]:
        """Return values and influences."""
        poor, rank, mass = self._ranked(x, w, groups)
        total = groups.sum(w)
        within = groups.of(poor)
        gaps = 1 - x[poor]
        # What a row's gap is, or the other's where that is greater, summed.
        greater = np.array(groups.at(within.sum(w[poor] * gaps))) + np.zeros(len(x))
        greater[poor] = gaps * rank + mass
        value = groups.sum(w * greater) / total**2
        return value, 2 * w * (greater / groups.at(total) - groups.at(value)) / (
            groups.at(total)
        )

    def slope(self, x: Array, w: Array, groups: Groups) -> Array:
        """Return the derivative by the log of the line."""
        poor, rank, _ = self._ranked(x, w, groups)
        own = w[poor] * x[poor] * (rank + w[poor] / 2)
        return np.asarray(2 * groups.of(poor).sum(own) / groups.sum(w) ** 2)

    @staticmethod
    def _ranked(x: Array, w: Array, groups: Groups) -> tuple[Codes, Array, Array]:
        """Return the poor, the weight of smaller gaps, the sum of greater gaps."""
        poor = np.flatnonzero(x < 1)
        within = groups.of(poor)
        order, starts = sorted_rows(x[poor], within)
        ws, gaps = w[poor][order], 1 - x[poor][order]
        rank, mass = np.empty(len(poor)), np.empty(len(poor))
        total = within.at(groups.sum(w)) + np.zeros(len(poor))
        rank[order] = total[order] - running(ws, starts)
        mass[order] = running(ws * gaps, starts)
        return poor, rank, mass


def gini(
    x: Array, w: Array, groups: Groups, rising: Codes | None = None
) -> tuple[Array, Array]:
    """Return the Gini coefficient of each group, and the influence of each row.

    Half the mean difference between all pairs over the mean, as R's laeken. Groups
    whose mean is not above 0 get NaN. `rising` are the rows by rising x, if known.

    Examples
    --------
    >>> gini(np.array([1.0, 3.0]), np.ones(2), Groups())[0]
    array([0.25])
    """
    total = groups.sum(w)
    centre = groups.sum(w * x) / total
    centre = np.where(centre > 0, centre, np.nan)
    own = distances(x, w, groups, rising)
    difference = groups.sum(w * own) / total**2
    value = difference / (2 * centre)
    own /= groups.at(total)
    own -= groups.at(difference)
    own -= groups.at(value) * (x - groups.at(centre))
    own *= w / groups.at(total * centre)
    return value, own


def mean(values: Array, w: Array, groups: Groups) -> tuple[Array, Array]:
    """Return the weighted mean of each group, and the influence of each row.

    Examples
    --------
    >>> mean(np.array([1.0, 4.0]), np.array([2.0, 1.0]), Groups())
    (array([2.]), array([-0.66666667,  0.66666667]))
    """
    total = groups.sum(w)
    value = groups.sum(w * values) / total
    influence = values - groups.at(value)
    influence *= w
    influence /= groups.at(total)
    return value, influence


def log_mean_influence(y: Array, w: Array) -> Array:
    """Return each row's influence on the logarithm of the mean."""
    value, influence = mean(y, w, Groups())
    return np.asarray(influence / value)


def log_median_influence(y: Array, w: Array, median: float, dense: float) -> Array:
    """Return each row's influence on the logarithm of the median.

    Parameters
    ----------
    y, w : array, shape (n,)
    median : float
    dense : float
        The density of y at the median.

    References
    ----------
    Deville, J.-C. (1999). Variance estimation for complex statistics and
    estimators. Survey Methodology 25, 193-203.
    """
    half = 0.5 - (y <= median)
    return np.asarray(w * half / (w.sum() * dense * median))

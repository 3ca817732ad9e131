"""Intervals of numbers, and what a formula makes of them.

An end is a `Fraction` where the arithmetic is exact (sums, products, quotients of
printed numbers) and a float, moved outwards a little, where it is not (exp, p-values).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

Number = Fraction | float

# Outward relative error allowed to functions that are not exact.
SLACK = 1e-9


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, both included.

    Attributes
    ----------
    low, high : Fraction or float
        low <= high; either may be infinite.

    Examples
    --------
    >>> Interval(1, 2).meets(Interval(2, 3)), Interval(1, 2).meets(Interval(3, 4))
    (True, False)
    """

    low: Number
    high: Number

    def meets(self, other: "Interval") -> bool:
        """Say whether a number lies in both."""
        return self.low <= other.high and other.low <= self.high

    def within(self, other: "Interval") -> bool:
        """Say whether the other holds all of this one."""
        return other.low <= self.low and self.high <= other.high

    def clipped(self, low: Number, high: Number = math.inf) -> "Interval":
        """Return the part between two limits; their nearer end if there is none."""
        ends: tuple[Number, Number] = max(self.low, low), min(self.high, high)
        return Interval(min(ends[0], high), max(ends[1], low))

    @property
    def size(self) -> "Interval":
        """The absolute values.

        Examples
        --------
        >>> Interval(-3, 2).size
        Interval(low=0, high=3)
        """
        if self.low >= 0:
            return self
        if self.high <= 0:
            return Interval(-self.high, -self.low)
        return Interval(0, max(-self.low, self.high))

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def corners(formula: Callable[..., Number], *ranges: Interval) -> Interval:
    """Return the range of a formula that is monotone in each of its arguments.

    It then takes its least and greatest value at corners of the box.

    Parameters
    ----------
    formula : callable
        From one number per range to a number.
    *ranges : Interval
        Finite.

    Examples
    --------
    >>> corners(lambda a, b: a - b, Interval(1, 2), Interval(0, 5))
    Interval(low=-4, high=2)
    """
    ends = [formula(*corner) for corner in product(*((r.low, r.high) for r in ranges))]
    return Interval(min(ends), max(ends))


def loose(found: Interval) -> Interval:
    """Return floats moved outwards by the error allowed to them.

    Examples
    --------
    >>> found = loose(Interval(1.0, 2.0))
    >>> found.low < 1.0, found.high > 2.0
    (True, True)
    """
    low, high = float(found.low), float(found.high)
    return Interval(low - SLACK * abs(low), high + SLACK * abs(high))


def quotient(top: Interval, bottom: Interval) -> Interval:
    """Return the range of a quotient whose divisor is 0 or above.

    Where the divisor may be 0 the range is unbounded.

    Examples
    --------
    >>> quotient(Interval(1, 2), Interval(0, 4))
    Interval(low=0.25, high=inf)
    >>> quotient(Interval(-1, 2), Interval(0, 4))
    Interval(low=-inf, high=inf)
    """
    if bottom.low > 0:
        return corners(lambda a, b: a / b, top, bottom)
    if bottom.high <= 0:
        return Interval(-math.inf, math.inf)
    low = top.low / bottom.high if top.low > 0 else -math.inf
    high = top.high / bottom.high if top.high < 0 else math.inf
    return Interval(low, high)


def total(ranges: Iterable[Interval]) -> Interval:
    """Return the range of a sum.

    Examples
    --------
    >>> total([Interval(0, 1), Interval(2, 4)])
    Interval(low=2, high=5)
    """
    listed = list(ranges)
    return Interval(sum(r.low for r in listed), sum(r.high for r in listed))


def weighted_mean(values: list[Interval], weights: list[Interval]) -> Interval | None:
    """Return the range of a weighted mean; None if all weights may be 0.

    For the greatest value, the greater a value the greater the weight it takes: with
    values in order, some first ones take their greatest weights and the rest their
    least.

    Examples
    --------
    >>> weights = [Interval(1, 1), Interval(1, 3)]
    >>> weighted_mean([Interval(0, 0), Interval(1, 1)], weights)
    Interval(low=Fraction(1, 2), high=Fraction(3, 4))
    """
    if sum(w.low for w in weights) <= 0:
        return None
    highest = [r.high for r in values]
    lowest = [-r.low for r in values]
    return Interval(-_greatest(lowest, weights), _greatest(highest, weights))


def _greatest(values: list[Number], weights: list[Interval]) -> Number:
    order = sorted(range(len(values)), key=lambda i: -values[i])
    means = []
    for count in range(len(order) + 1):
        taken = [
            Fraction(weights[i].high if place < count else weights[i].low)
            for place, i in enumerate(order)
        ]
        parts = [w * Fraction(values[i]) for w, i in zip(taken, order, strict=True)]
        means.append(sum(parts) / sum(taken))
    return max(means)

"""One group's curve and mean time, from known times or from intervals."""

from dataclasses import dataclass

import numpy as np

from geopoverty.errors import InputError
from geopoverty.estimators.curves.problem import Problem
from geopoverty.numerics.hazards.curves import (
    Counts,
    Curve,
    Spells,
    fit_curve,
    restricted_mean,
)
from geopoverty.numerics.hazards.turnbull import Masses, survival_after, turnbull
from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class Mean:
    """A mean time up to a horizon.

    Attributes
    ----------
    value, error : float
    least, most : float
        With exits known up to intervals: if all fell on their starts, or their ends.
    """

    value: float
    error: float
    least: float
    most: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """One group's curve.

    Attributes
    ----------
    curve : Curve
        At the ends of intervals, where exits are only known up to intervals.
    spells : Spells
    masses : Masses or None
        Where exits lie, if only known up to intervals.
    starts : array
        The start of each row's interval; the time itself where it is known.
    """

    curve: Curve
    spells: Spells
    masses: Masses | None
    starts: Array

    @property
    def seen_until(self) -> float:
        """Up to when the curve is known; infinite once nobody is left."""
        if self.curve.survival[-1] <= 0:
            return float("inf")
        return self.observed_until

    @property
    def observed_until(self) -> float:
        """The last time of the group."""
        if self.masses is None:
            return float(self.curve.counts.time[-1])
        ends = self.masses.high
        return float(self.masses.low[-1] if np.isinf(ends[-1]) else ends[-1])

    def mean(self, horizon: float) -> Mean:
        """Return the mean time up to a horizon."""
        if self.masses is None:
            value, error = restricted_mean(self.spells, self.curve, horizon)
            return Mean(value, error, value, value)
        m = self.masses
        low, high = np.minimum(m.low, horizon), np.minimum(m.high, horizon)
        # Spread evenly over the interval, and cut off at the horizon.
        wide = np.where(np.isfinite(m.high), m.high - m.low, np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            before = np.where(wide > 0, (high - low) / wide, 1.0)
        middle = before * (low + high) / 2 + (1 - before) * horizon
        error = float(np.sqrt(max(float(middle @ m.vcov @ middle), 0.0)))
        return Mean(
            float(m.mass @ middle), error, float(m.mass @ low), float(m.mass @ high)
        )


def drawn(problem: Problem, group: int) -> Drawn:
    """Estimate one group's curve."""
    rows = problem.rows_of(group)
    spells = problem.spells(rows)
    if not problem.between:
        curve = fit_curve(spells)
        return Drawn(curve, spells, None, curve.counts.time)
    w = None if problem.w is None else problem.w[rows]
    masses = turnbull(problem.low[rows], problem.high[rows], w)
    total = float(spells.weight.sum())
    survival, error = survival_after(masses)
    inside = np.isfinite(masses.high)
    before = np.concatenate([[1.0], survival[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_error = np.where(survival > 0, error / survival, np.nan)
    nothing = np.full(int(inside.sum()), np.nan)
    counts = Counts(
        masses.high[inside],
        total * before[inside],
        total * masses.mass[inside],
        nothing,
        nothing,
    )
    curve = Curve(counts, survival[inside], log_error[inside], nothing, nothing)
    return Drawn(curve, spells, masses, masses.low[inside])


def horizon_of(problem: Problem, groups: list[Drawn]) -> float:
    """Return the horizon, checked against what each group shows.

    Raises
    ------
    InputError
        If it lies beyond the last time of a group that not all have left.
    """
    asked = problem.columns.options.horizon
    if asked is None:
        return min(d.observed_until for d in groups)
    short = [
        f"{g} ends at {d.observed_until:g}"
        for g, d in zip(problem.groups, groups, strict=True)
        if d.seen_until < asked
    ]
    if short:
        raise InputError(
            f"Every group must be observed up to the horizon {asked:g}; "
            f"{'; '.join(short[:5])}. Use an earlier horizon."
        )
    return float(asked)

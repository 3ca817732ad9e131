"""The likelihood of a spatial panel in rho alone, and its maximum."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import Chebyshev
from scipy import optimize

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.logdet import LogDeterminant
from geopoverty.numerics.spatial.panel_profile import (
    ErrorProfile,
    LagProfile,
    Profile,
    Sweep,
)
from geopoverty.numerics.types import Array

COARSE, FINE = 10, 10  # nodes over all that is feasible, and about the optimum
GRID = 101
SHARE, AWAY = 0.025, 0.25  # half a window: of the range, and of the way to its end
MOVES = 60
EDGE = 1e-5  # of the feasible range: an optimum closer to its end is at the end
GAUSS = 16  # nodes of the integral that only the level of the likelihood needs


class Likelihood:
    """The likelihood of a spatial panel, its coefficients and variance at their best.

    With N observations and tau periods left net of effects it is, up to constants,
    ``-N/2 ln e'e + tau (ln|I - rho W| + a(rho))``. Sweeping out periods takes one
    direction from every period, whose part of the determinant `a` gives back: the
    score then has mean 0 (Lee & Yu 2010, whose transformation it is when all rows of
    W have one sum).

    Parameters
    ----------
    profile : LagProfile or ErrorProfile
    determinant : LogDeterminant
    sweep : Sweep
    shape : (int, int)
        Units and periods.
    """

    def __init__(
        self,
        profile: LagProfile | ErrorProfile,
        determinant: LogDeterminant,
        sweep: Sweep,
        shape: tuple[int, int],
    ) -> None:
        self.profile: Profile = profile
        self.determinant, self.sweep = determinant, sweep
        self.size, self.waves = sweep.size(*shape), sweep.waves(shape[1])
        self.given_back = sweep.period and sweep.correct
        self.lagged = isinstance(profile, LagProfile)

    def jacobian(self, low: float, high: float, nodes: int) -> Chebyshev:
        """Return ln|I - rho W| + a(rho), up to a constant, as a polynomial."""
        curve = self.determinant.curve(low, high, nodes)
        if not self.given_back:
            return curve
        if self.lagged:
            return curve + self.determinant.drift(low, high, nodes).integ()
        return curve + Chebyshev.interpolate(
            self._error_part, nodes - 1, domain=[low, high]
        )

    def _error_part(self, rho: Array) -> Array:
        s = 1 - np.multiply.outer(rho, self.determinant.row_sums)
        return np.asarray(-0.5 * np.log((s**2).mean(axis=-1)))

    def score(self, low: float, high: float) -> Callable[[float], float]:
        """Return the derivative of the log-likelihood between two rho."""
        slope = self.jacobian(low, high, FINE).deriv()

        def at(rho: float) -> float:
            value, change = self.profile.squares(rho)
            return float(self.waves * slope(rho) - 0.5 * self.size * change / value)

        return at

    def value(self, rho: float, jacobian: float) -> float:
        """Return the log-likelihood, given the jacobian."""
        sigma2 = self.profile.squares(rho)[0] / self.size
        fit = 0.5 * self.size * (1 + np.log(2 * np.pi * sigma2))
        return float(self.waves * jacobian - fit)

    def given(self, rho: float) -> float:
        """Return a(rho), 0 at rho = 0."""
        if not self.given_back:
            return 0.0
        if not self.lagged:
            return float(self._error_part(np.array(rho)))
        if self.determinant.even:
            return -float(np.log1p(-rho * self.determinant.row_sums[0]))
        nodes, share = np.polynomial.legendre.leggauss(GAUSS)
        drift = [self.determinant.drift_at(float(x)) for x in rho * (nodes + 1) / 2]
        return float(share @ np.array(drift)) * rho / 2


def maximize(
    likelihood: Likelihood, bounds: tuple[float, float]
) -> tuple[float, Chebyshev]:
    """Return the best rho, and ln|I - rho W| about it.

    A coarse curve over the feasible rho finds where it is, a(rho) left out, which
    moves it little and may have a pole at the end of the range. Finer curves, moved
    until the score changes sign within, make it exact.

    Parameters
    ----------
    likelihood : Likelihood
    bounds : (float, float)
        The feasible rho.

    Raises
    ------
    EstimationError
        If the likelihood rises up to the end of what is feasible.
    """
    room = EDGE * (bounds[1] - bounds[0])
    low, high = bounds[0] + room, bounds[1] - room
    # Real dependence is stable; a process beyond -high explodes and is tried last.
    stable = max(low, -high)
    rho = _coarse(likelihood, stable, high)
    if rho == stable and low < stable:
        rho = _coarse(likelihood, low, high)
    for _ in range(MOVES):
        start, end = _window(rho, bounds)
        score = likelihood.score(start, end)
        if score(start) > 0 > score(end):
            best = float(optimize.brentq(score, start, end, xtol=1e-14))
            return best, likelihood.determinant.curve(start, end, FINE)
        rho = start if score(start) <= 0 else end
        if not low < rho < high:
            break
    raise _at_the_end(rho, bounds)


def _window(rho: float, bounds: tuple[float, float]) -> tuple[float, float]:
    near = min(rho - bounds[0], bounds[1] - rho)
    half = min(SHARE * (bounds[1] - bounds[0]), AWAY * near)
    return rho - half, rho + half


def _coarse(likelihood: Likelihood, low: float, high: float) -> float:
    curve = likelihood.determinant.curve(low, high, COARSE)
    grid = np.linspace(low, high, GRID)
    values = [likelihood.value(r, float(curve(r))) for r in grid]
    return float(grid[int(np.argmax(values))])


def _at_the_end(rho: float, bounds: tuple[float, float]) -> EstimationError:
    return EstimationError(
        f"The spatial coefficient runs to the boundary of what is feasible, {rho:.6g} "
        f"in ({bounds[0]:.6g}, {bounds[1]:.6g}): the fit improves up to it, so there "
        "is no estimate. Covariates that explain where the outcome clusters may be "
        "missing; add them, use weights of fewer neighbours, or other effects."
    )

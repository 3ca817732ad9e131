"""What a covariate does: in the unit itself, from the others, to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from geopoverty.numerics.spatial.index import CellIndexAt, IndexAt
from geopoverty.numerics.types import Array, Codes

Parts = Sequence[tuple[int, Array | None]]
KINDS = ("own", "spill_in", "spill_out")
STEP = 1e-3  # of a standard error: small for the curvature, large for rounding
STEP_ASIDE = 1e-5  # on one side the error is of this order, not of its square


class Curve(Protocol):
    """From indices of rows to probabilities: a link, or one averaged per row."""

    def probability(self, eta: Array, /) -> Array:
        """Return P(y = 1)."""

    def density(self, eta: Array, /) -> Array:
        """Return its derivative."""


@dataclass(frozen=True, eq=False)
class Impact:
    """A covariate, or a level of a category, whose effect is asked for.

    Attributes
    ----------
    own : sequence of (int, array of shape (n,) or None)
        Columns the covariate enters by, and what multiplies each coefficient in a
        row; None means 1.
    lagged : the same
        Columns of its lag, with the multipliers of what is lagged.
    level : (sequence of int, sequence of int) or None
        For a level: all columns of the category, and of its lags (in the same
        order, or none). `own` and `lagged` then hold the one of the level.
    """

    own: Parts
    lagged: Parts
    level: tuple[Sequence[int], Sequence[int]] | None = None

    @property
    def varies(self) -> tuple[bool, bool]:
        """Whether its coefficient, and that of its lag, differ between rows."""
        own, lagged = (
            any(m is not None for _, m in p) for p in (self.own, self.lagged)
        )
        return own, lagged

    @property
    def width(self) -> int:
        """How many values of a row must be averaged for it."""
        own, lagged = self.varies
        return 4 if self.level is not None else 2 * own + lagged


class RowsAt(NamedTuple):
    """Rows whose effects are asked for: some, or all.

    Attributes
    ----------
    X : array, shape (n, k)
    codes : array of int, shape (n,)
        Cell of each.
    scale : array, shape (n,), or float
        Standard deviation of the latent outcome.
    """

    X: Array
    codes: Codes
    scale: Array | float


class _Switch(NamedTuple):
    """A category set to one level, and what this carries over to cells."""

    columns: list[int]
    target: float
    alone: Array
    everywhere: Array


@dataclass(frozen=True, eq=False)
class RowImpacts:
    """What effects at one parameter need of rows: means of these in cells.

    Holds arrays only, so that it can be sent to wherever rows are.

    Attributes
    ----------
    beta : array, shape (k,)
    carried : array, shape (cells,)
        What neighbours add to the mean.
    switches : list of list of Switch
        For each impact, none unless it is a level's.
    """

    beta: Array
    carried: Array
    switches: list[list[_Switch]]

    def values(self, rows: RowsAt, link: Curve, asked: Sequence[Impact]) -> Array:
        """Return what must be averaged over the rows of cells, shape (n, width)."""
        mean = rows.X @ self.beta + self.carried[rows.codes]
        index = mean / rows.scale
        density = link.density(index) / rows.scale
        out = [link.probability(index), density]
        for one, switches in zip(asked, self.switches, strict=True):
            own, lagged = one.varies
            for switch in switches:
                out += self._switched(rows, link, mean, switch)
            if own and not switches:
                c = _coefficient(one.own, self.beta)
                out += [c, density * c]
            if lagged and not switches:
                out.append(_coefficient(one.lagged, self.beta))
        return np.column_stack(out)

    def _switched(
        self, rows: RowsAt, link: Curve, mean: Array, switch: _Switch
    ) -> list[Array]:
        """Return probabilities when a cell alone moves, and when all move."""
        now = rows.X[:, switch.columns] @ self.beta[switch.columns]
        moved = mean + (switch.target - now)
        return [
            link.probability((moved + carried[rows.codes]) / rows.scale)
            for carried in (switch.alone, switch.everywhere)
        ]


@dataclass(frozen=True, eq=False)
class ImpactsAt:
    """Effects at one parameter: first of rows, then of cells.

    All that effects need of rows are means in cells, which can be added up wherever
    the rows are; neighbours come in afterwards.

    Attributes
    ----------
    at : CellIndexAt
    beta : array, shape (k,)
    asked : sequence of Impact, length m
        Of any rows: what multiplies coefficients in a row is given with the row.
    """

    at: CellIndexAt
    beta: Array
    asked: Sequence[Impact]

    @property
    def of_rows(self) -> RowImpacts:
        """Say what must be averaged over rows."""
        switches = [self._ends(one) for one in self.asked]
        return RowImpacts(self.beta, self.at.carried @ self.beta, switches)

    @property
    def width(self) -> int:
        """How many values of a row that is."""
        return 2 + sum(one.width for one in self.asked)

    def of_cells(self, means: Array) -> tuple[Array, Array]:
        """Return probability and effects from means in cells; see `impacts`."""
        steep = means[:, 1]
        out = np.full((len(means), len(self.asked), len(KINDS)), np.nan)
        ends = 2 + np.cumsum([one.width for one in self.asked], dtype=np.intp)
        slopes, found = [], []
        for i, (one, end) in enumerate(zip(self.asked, ends, strict=True)):
            here = means[:, end - one.width : end]
            if one.level is None:
                slopes.append(i)
                found.append(self._averages(one, steep, here))
                continue
            own, total = here[:, 0] - here[:, 2], here[:, 1] - here[:, 3]
            out[:, i, 0], out[:, i, 1] = own, total - own
        if slopes:
            lags = any(self.asked[i].lagged for i in slopes)
            c, first, of_lag = (np.column_stack(v) for v in zip(*found, strict=True))
            out[:, slopes] = self._slopes(
                steep[:, None], c, first, of_lag if lags else None
            )
        return means[:, 0], out

    def _ends(self, one: Impact) -> list[_Switch]:
        """Return a level's category set to the level, and to its base."""
        if one.level is None:
            return []
        columns, lags = (list(c) for c in one.level)
        means, beta = self.at.of.means[:, columns], self.beta
        # The lag of a level's column is the lag of its cell means.
        lag = means @ beta[lags] if lags else np.zeros(len(means))
        to = sum((beta[j] for j, _ in one.own), 0.0)
        to_lag = sum((beta[j] for j, _ in one.lagged), 0.0)
        found = []
        for target, target_lag in ((to, to_lag), (0.0, 0.0)):
            own, far = target - means @ beta[columns], target_lag - lag
            alone = (self.at.own - 1) * own + self.at.around * far
            everywhere = self.at.through(own + self.at.lag(far)) - own
            found.append(_Switch(columns, float(target), alone, everywhere))
        return found

    def _averages(
        self, one: Impact, steep: Array, means: Array
    ) -> tuple[Array, Array, Array]:
        """Return a slope's coefficient, its pull, and its lag's, means in cells."""
        own, lagged = one.varies
        c = means[:, 0] if own else steep * 0 + _fixed(one.own, self.beta)
        first = means[:, 1] if own else steep * c
        of_lag = means[:, -1] if lagged else steep * 0 + _fixed(one.lagged, self.beta)
        return c, first, of_lag

    def _slopes(
        self, steep: Array, c: Array, first: Array, lagged: Array | None
    ) -> Array:
        """Return own effect, spill-in and spill-out of slopes, (cells, m, 3)."""
        at = self.at
        back = at.through(steep, transposed=True)
        stays = at.own[:, None]
        here, reach = first + steep * (stays - 1) * c, c
        out = (back - steep * stays) * c
        if lagged is not None:
            around = at.around[:, None]
            here = here + steep * around * lagged
            reach = c + at.lag(lagged)
            out = out + (at.lag_back(back) - steep * around) * lagged
        total = first + steep * (at.through(reach) - c)
        return np.stack([here, total - here, out], axis=2)


def impacts(
    at: IndexAt, beta: Array, link: Curve, asked: Sequence[Impact]
) -> tuple[Array, Array]:
    """Return each cell's probability and effects, means over its rows.

    Parameters
    ----------
    at : IndexAt
    beta : array, shape (k,)
    link : Link or the like
    asked : sequence of Impact, length m

    Returns
    -------
    probability : array, shape (cells,)
    effects : array, shape (cells, m, 3)
        Own, spill-in and spill-out: the change of a cell's mean probability as the
        covariate rises by one in all rows of the cell itself; of all other cells of
        its period; and the sum of changes in those as it rises here. For a level,
        changes from the base category; their spill-out is NaN.

    Notes
    -----
    With c and l the coefficients of x and W x, the index rises by B(c I + l W) in x
    [1]_, and probabilities by f(a)/s times that: leaving out s makes the effects
    too large.

    References
    ----------
    .. [1] LeSage, J. & Pace, R. K. (2009). Introduction to Spatial Econometrics,
       section 2.7 and 10.1.6.
    """
    rows = RowsAt(at.of.X, at.of.cells.codes, at.scale)
    here = ImpactsAt(at.over, beta, asked)
    return here.of_cells(at.of.cells.mean(here.of_rows.values(rows, link, asked)))


class Trial(NamedTuple):
    """A parameter beside the estimate, for a difference.

    Attributes
    ----------
    theta : array, shape (k + 1,)
    parameter : int
        Which of them was moved.
    share : float
        What values there count in the derivative.
    """

    theta: Array
    parameter: int
    share: float


class Gradients:
    """Values and derivatives, from values at the estimate and beside it.

    Parameters
    ----------
    theta : array, shape (k + 1,)
    vcov : array, shape (k + 1, k + 1)
        Only to choose steps; a parameter without a variance is held fixed.
    """

    def __init__(self, theta: Array, vcov: Array) -> None:
        self.theta = theta
        with np.errstate(invalid="ignore"):
            errors = np.sqrt(np.diag(vcov))
        self.trials: list[Trial] = []
        for j in np.flatnonzero(np.isfinite(errors) & (errors > 0)):
            one = np.arange(len(theta)) == j
            if j == len(theta) - 1:  # costs a factor: one side, a step as much smaller
                step = STEP_ASIDE * errors[j]
                self.trials.append(Trial(theta + step * one, int(j), 1 / step))
                continue
            step = STEP * errors[j]
            self.trials += [
                Trial(theta + sign * step * one, int(j), sign / (2 * step))
                for sign in (1, -1)
            ]

    def of(self, values: Array, beside: Sequence[Array]) -> Array:
        """Return derivatives, shape (k + 1, *values.shape).

        Parameters
        ----------
        values : array
            At the estimate.
        beside : sequence of array
            At each trial.
        """
        out = np.zeros((len(self.theta), *values.shape))
        for trial, there in zip(self.trials, beside, strict=True):
            # Less the values themselves, which keeps digits and cancels in pairs.
            out[trial.parameter] += (there - values) * trial.share
        return out


def impact_gradients(
    here: IndexAt,
    theta: Array,
    link: Curve,
    asked: Sequence[Impact],
    vcov: Array,
) -> tuple[Array, Array]:
    """Return probability and effects of each cell, and their derivatives in theta.

    Parameters
    ----------
    here : IndexAt
        At the rho of `theta`.
    theta : array, shape (k + 1,)
        Coefficients, then rho.
    link, asked
        See `impacts`.
    vcov : array, shape (k + 1, k + 1)
        Only to choose steps; a parameter without a variance is held fixed.

    Returns
    -------
    values : array, shape (cells, 1 + 3 m)
        Probability, then own, spill-in and spill-out of each impact.
    gradients : array, shape (k + 1, cells, 1 + 3 m)
        By differences of a small part of a standard error.
    """

    def at(where: Array) -> Array:
        rho = float(where[-1])
        there = here if rho == theta[-1] else here.of.at(rho)
        return flat(*impacts(there, where[:-1], link, asked))

    steps = Gradients(theta, vcov)
    values = at(theta)
    return values, steps.of(values, [at(trial.theta) for trial in steps.trials])


def flat(probability: Array, effects: Array) -> Array:
    """Lay probability and effects of cells side by side, (cells, 1 + 3 m)."""
    return np.column_stack([probability, effects.reshape(len(probability), -1)])


def _coefficient(parts: Parts, beta: Array) -> Array:
    """Return the coefficient of a covariate in each row; a part must vary."""
    out: Array = sum((beta[j] * m for j, m in parts if m is not None), np.zeros(1))
    return out + _fixed(parts, beta)


def _fixed(parts: Parts, beta: Array) -> float:
    """Return the part of a coefficient that is the same in all rows."""
    return float(sum(beta[j] for j, m in parts if m is None))

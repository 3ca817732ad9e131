"""What a covariate does: in the unit itself, from the others, to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geopoverty.numerics.spatial.index import IndexAt
from geopoverty.numerics.types import Array

Parts = Sequence[tuple[int, Array | None]]
KINDS = ("own", "spill_in", "spill_out")
STEP = 1e-3  # of a standard error: small for the curvature, large for rounding
STEP_ASIDE = 1e-5  # on one side the error is of this order, not of its square


class Curve(Protocol):
    """From indices of all rows to probabilities: a link, or one averaged per row."""

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
    cells = at.of.cells
    index = at.rows(beta)
    probability = cells.mean(link.probability(index))
    density = link.density(index) / at.scale
    out = np.full((cells.n, len(asked), len(KINDS)), np.nan)
    slopes = [i for i, one in enumerate(asked) if one.level is None]
    if slopes:
        out[:, slopes] = _slopes(at, beta, [asked[i] for i in slopes], density)
    for i, one in enumerate(asked):
        if one.level is not None:
            out[:, i, :2] = _change(at, beta, link, one)
    return probability, out


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
    beta, rho = theta[:-1], float(theta[-1])
    values = _flat(here, beta, link, asked)
    gradients = np.zeros((len(theta), *values.shape))
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.diag(vcov))
    for j in np.flatnonzero(np.isfinite(errors) & (errors > 0)):
        if j == len(beta):  # costs a factor: one side, and a step as much smaller
            step = STEP_ASIDE * errors[j]
            ahead = _flat(here.of.at(rho + step), beta, link, asked)
            gradients[j] = (ahead - values) / step
            continue
        step = STEP * errors[j] * (np.arange(len(beta)) == j)
        ahead, behind = (_flat(here, beta + s * step, link, asked) for s in (1, -1))
        gradients[j] = (ahead - behind) / (2 * step[j])
    return values, gradients


def _flat(at: IndexAt, beta: Array, link: Curve, asked: Sequence[Impact]) -> Array:
    probability, effects = impacts(at, beta, link, asked)
    return np.column_stack([probability, effects.reshape(len(probability), -1)])


def _slopes(at: IndexAt, beta: Array, asked: Sequence[Impact], density: Array) -> Array:
    """Return own effect, spill-in and spill-out of slopes, (cells, m, 3)."""
    cells, n = at.of.cells, len(density)
    own = np.column_stack([_coefficient(one.own, beta, n) for one in asked])
    steep = cells.mean(density)[:, None]
    back = at.through(steep, transposed=True)
    c = cells.mean(own)
    first = cells.mean(density[:, None] * own)
    here, reach = first + steep * (at.own[:, None] - 1) * c, c
    out = (back - steep * at.own[:, None]) * c
    if any(one.lagged for one in asked):
        of_lag = np.column_stack([_coefficient(one.lagged, beta, n) for one in asked])
        lagged, around = cells.mean(of_lag), at.around[:, None]
        here = here + steep * around * lagged
        reach = c + at.lag(lagged)
        out = out + (at.lag_back(back) - steep * around) * lagged
    total = first + steep * (at.through(reach) - c)
    return np.stack([here, total - here, out], axis=2)


def _change(at: IndexAt, beta: Array, link: Curve, one: Impact) -> Array:
    """Return own change and spill-in from the base category to a level."""
    assert one.level is not None
    columns, lags = (list(c) for c in one.level)
    X, cells = at.of.X, at.of.cells
    now = X[:, columns] @ beta[columns]
    # The lag of a level's column is the lag of its cell means.
    now_lag = cells.mean(X[:, columns] @ beta[lags]) if lags else np.zeros(cells.n)
    to = sum(beta[j] for j, _ in one.own)
    to_lag = sum((beta[j] for j, _ in one.lagged), 0.0)
    mean = at.rows(beta) * at.scale
    ends = []
    for target, target_lag in ((to, to_lag), (0.0, 0.0)):
        ends.append(_switched(at, link, mean, (target - now, target_lag - now_lag)))
    own, total = ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]
    return np.column_stack([own, total - own])


def _switched(
    at: IndexAt, link: Curve, mean: Array, move: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return cells' probabilities when a cell alone moves, and when all move."""
    cells = at.of.cells
    rows, lag = move
    average = cells.mean(rows)
    alone = (at.own - 1) * average + at.around * lag
    everywhere = at.through(average + at.lag(lag)) - average
    probability = [
        cells.mean(link.probability((mean + rows + carried[cells.codes]) / at.scale))
        for carried in (alone, everywhere)
    ]
    return probability[0], probability[1]


def _coefficient(parts: Parts, beta: Array, n: int) -> Array:
    """Return the coefficient of a covariate in each row."""
    out = np.zeros(n)
    for j, multiplier in parts:
        out += beta[j] if multiplier is None else beta[j] * multiplier
    return out

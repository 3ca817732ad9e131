"""The search for the maximum of the EP likelihood, in as few factors as will do."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.ep import EpPoint, EpProblem
from geopoverty.numerics.types import Array

CLOSE = 1e-5  # squared distance, in standard errors, at which the score is differenced
DECREMENT = 1e-8  # squared distance at which the search ends
MAX_STEPS = 60
LONGEST = 1.0  # step of atanh(rho)
EDGE = 1e-4  # so near to an end of the feasible interval rho has no maximum inside
COARSE, FINE = 1e-1, 3e-5  # tolerance of sites, over the root of the number of rows
DIFFERENCE = 3e-2  # standard errors (others held) between score and score
NOISE = 0.02  # in the log-likelihood, of sites not quite settled
PATIENCE = 3  # steps that may fail to come half as near
CERTAIN = -1e-2  # a log-likelihood this near 0 is that of separated outcomes


@dataclass(frozen=True)
class Evaluation:
    """One step of a search: where it stood.

    Attributes
    ----------
    rho, loglik : float
    score : float
        Its largest entry, in absolute value.
    decrement : float
        Squared distance to the maximum, in standard errors.
    sweeps : int
        Of expectation propagation, in all trials of the step.
    """

    rho: float
    loglik: float
    score: float
    decrement: float
    sweeps: int


@dataclass(frozen=True)
class Chart:
    """Maps rho between two bounds to the whole line: rho = middle + half tanh(z).

    Attributes
    ----------
    low, high : float
        The bounds.

    Examples
    --------
    >>> chart = Chart(-1.0, 1.0)
    >>> chart.outwards(chart.inwards(np.array([2.0, 0.5]))).round(6)
    array([2. , 0.5])
    """

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Halfway between the bounds."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> float:
        """Half the distance between the bounds."""
        return (self.high - self.low) / 2

    def inwards(self, theta: Array) -> Array:
        """Return (beta, z) of (beta, rho)."""
        return np.append(theta[:-1], np.arctanh((theta[-1] - self.middle) / self.half))

    def outwards(self, place: Array) -> Array:
        """Return (beta, rho) of (beta, z)."""
        return np.append(place[:-1], self.middle + self.half * np.tanh(place[-1]))

    def carried(
        self, theta: Array, score: Array, information: Array
    ) -> tuple[Array, Array]:
        """Return score and information in (beta, z)."""
        x = (theta[-1] - self.middle) / self.half
        scale = np.ones(len(theta))
        scale[-1] = self.half * (1 - x * x)
        moved = information * np.outer(scale, scale)
        moved[-1, -1] += 2 * x * scale[-1] * score[-1]  # minus the bend of rho in z
        return score * scale, moved

    def at_edge(self, rho: float) -> bool:
        """Tell whether rho is as good as at an end."""
        return min(rho - self.low, self.high - rho) < EDGE * self.half


def in_words(record: list[Evaluation] | tuple[Evaluation, ...]) -> str:
    """Say where the last step of a search stood.

    Examples
    --------
    >>> in_words([Evaluation(0.5, -10.0, 0.1, 1e-3, 6)])
    'step 1 at rho 0.5, log-likelihood -10, largest score 0.1, squared step 0.001'
    """
    if not record:
        return "before the first step"
    last = record[-1]
    return (
        f"step {len(record)} at rho {last.rho:.6g}, log-likelihood {last.loglik:.8g}, "
        f"largest score {last.score:.2g}, squared step {last.decrement:.2g}"
    )


class Search:
    """A search: where it stands, and how it came there.

    Parameters
    ----------
    problem : EpProblem
    chart : Chart
    stepped : callable
        Called after every step.

    Attributes
    ----------
    point : EpPoint
    information : array, shape (k + 1, k + 1)
        While approaching, at fixed sites; in the end, differenced.
    record : list of Evaluation
    correction, score : array, shape (k + 1,)
        The last step, beyond EP, and the corrected score after it.
    """

    point: EpPoint
    information: Array

    def __init__(
        self, problem: EpProblem, chart: Chart, stepped: Callable[[], object]
    ) -> None:
        self.problem, self.chart, self.stepped = problem, chart, stepped
        self.record: list[Evaluation] = []
        self.correction = np.zeros(problem.X.shape[1] + 1)
        self.score = self.correction
        self._before: tuple[Array, Array] | None = None
        self._sweeps = 0

    def begin(self, theta: Array) -> None:
        """Take the first look."""
        self.point = self._at(theta, COARSE, cold=True)

    def run(self) -> bool:
        """Go to the maximum; return False at a boundary of rho."""
        return self._approach() and self._finish()

    def _approach(self) -> bool:
        """Come close to the maximum; return False at a boundary of rho."""
        stuck, last = 0, np.inf
        while len(self.record) < MAX_STEPS:
            if self._at_edge():
                return False
            self.information = -self.problem.curvature(self.point)
            step, decrement = self._step(learn=True)
            stuck += decrement > last / 2
            # Steps that bring nothing near the maximum need exact derivatives.
            if decrement < CLOSE or (stuck >= PATIENCE and decrement < 1):
                return True
            last = decrement
            # Those further off may be lost in the noise of sites not settled.
            accuracy = COARSE * min(max(float(np.sqrt(decrement)), 1e-4), 1.0)
            self._move(step, decrement, max(accuracy / 10**stuck, FINE))
        raise self._lost()

    def _finish(self) -> bool:
        """Difference the score, go the rest, and correct for what EP leaves out."""
        while len(self.record) < MAX_STEPS:
            self.point = self._at(self.point.theta, FINE)
            self.information, lean = self._difference()
            for _ in range(3):
                step, decrement = self._step()
                if decrement < DECREMENT:
                    self._refuse_singular()
                    self._correct(lean)
                    return True
                self._move(step, decrement, FINE)
                if self._at_edge():
                    return False
            # The maximum was further off than it seemed: difference again there.
        raise self._lost()

    def _at_edge(self) -> bool:
        return self.chart.at_edge(float(self.point.theta[-1]))

    def _at(self, theta: Array, accuracy: float, *, cold: bool = False) -> EpPoint:
        sites = None if cold else self.point.sites
        tolerance = accuracy / np.sqrt(len(self.problem.y))
        found = self.problem.at(theta, sites, float(tolerance))
        self._sweeps += found.sweeps
        return found

    def _step(self, *, learn: bool = False) -> tuple[Array, float]:
        point = self.point
        place = self.chart.inwards(point.theta)
        score, information = self.chart.carried(
            point.theta, point.score, self.information
        )
        if learn and self._before is not None:
            information = _updated(
                information, place - self._before[0], self._before[1] - score
            )
        self._before = place, score
        step, decrement = ascent(score, information)
        largest = float(np.abs(point.score).max())
        rho, sweeps = float(point.theta[-1]), self._sweeps
        self.record.append(Evaluation(rho, point.loglik, largest, decrement, sweeps))
        self._sweeps = 0
        self.stepped()
        return step, decrement

    def _move(self, step: Array, decrement: float, accuracy: float) -> None:
        if self.point.loglik > CERTAIN:
            raise EstimationError(
                "Covariates and their lags separate the outcome perfectly: the "
                "likelihood rises for ever and no finite coefficient fits "
                f"({in_words(self.record)}). Leave out or merge categories."
            )
        place = self.chart.inwards(self.point.theta)
        size = min(1.0, LONGEST / max(abs(float(step[-1])), 1e-300))
        allowed = slack(self.point, decrement)
        while size > 1e-4:
            try:
                found = self._at(self.chart.outwards(place + size * step), accuracy)
            except EstimationError:  # A nearly singular, or sites astray: go less far
                size /= 2
                continue
            if found.loglik > self.point.loglik - allowed:
                self.point = found
                return
            size /= 2
        raise self._lost()

    def _difference(self) -> tuple[Array, Array]:
        """Return the information, and the gradient of the correction."""
        k = len(self.point.theta)
        bend = np.abs(np.diag(self.information))
        steps = DIFFERENCE / np.sqrt(np.maximum(bend, 1e-300))
        rho = float(self.point.theta[-1])
        room = min(self.chart.high - rho, rho - self.chart.low)
        steps[-1] = min(steps[-1], 0.1 * room)
        # Sparse factors run outside the interpreter's lock; dense ones use all
        # cores by themselves.
        workers = min(os.cpu_count() or 1, k) if sparse.issparse(self.problem.W) else 1
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(self._slope, np.diag(steps)))
        columns = np.column_stack([column for column, _ in found])
        lean = np.array([slope for _, slope in found])
        return np.asarray(-(columns + columns.T) / 2), lean

    def _slope(self, step: Array) -> tuple[Array, float]:
        """Difference score and correction along one coordinate."""
        point = self.point
        tolerance = FINE / float(np.sqrt(len(self.problem.y)))
        up = self.problem.at(point.theta + step, point.sites, tolerance)
        # Sites are nearly linear in such a step: the other side is known.
        mirrored = point.sites.towards(up.sites, -1.0)
        down = self.problem.at(point.theta - step, mirrored, tolerance)
        width = 2 * float(step.sum())
        column = (up.score - down.score) / width
        return column, (up.correction - down.correction) / width

    def _correct(self, lean: Array) -> None:
        """Go to the maximum of the corrected likelihood, unless that is lower."""
        before = self.point
        self.score = before.score + lean
        step, _ = ascent(
            *self.chart.carried(before.theta, self.score, self.information)
        )
        place = self.chart.inwards(before.theta)
        size = min(1.0, LONGEST / max(abs(float(step[-1])), 1e-300))
        found = self._at(self.chart.outwards(place + size * step), FINE)
        if found.loglik + found.correction > before.loglik + before.correction:
            self.point = found
            self.correction = found.theta - before.theta
            self.score = found.score + lean

    def _refuse_singular(self) -> None:
        size = np.sqrt(np.abs(np.diag(self.information)))
        scaled = self.information / np.maximum(np.outer(size, size), 1e-300)
        values, vectors = linalg.eigh(scaled)
        if values[0] > 1e-10:
            return
        k = len(size) - 1
        loud = np.flatnonzero(np.abs(vectors[:, 0]) > 0.1)
        named = ["rho" if j == k else f"coefficient {j + 1}" for j in loud]
        raise EstimationError(
            "The information at the estimate is singular: the data cannot tell apart "
            f"{', '.join(named)} ({in_words(self.record)}). Leave one of them out, or "
            "use weights of fewer neighbours."
        )

    def _lost(self) -> EstimationError:
        return EstimationError(
            "The likelihood of the spatial probit did not converge: "
            f"{in_words(self.record)}. Rescale covariates of very different size, or "
            "use weights of fewer neighbours."
        )


def ascent(score: Array, information: Array) -> tuple[Array, float]:
    """Return a Newton step uphill and its squared length in standard errors.

    Parameters
    ----------
    score : array, shape (m,)
    information : array, shape (m, m)
        Symmetric. Where it says that the likelihood bends upwards, the step climbs
        as if it bent down as much.

    Examples
    --------
    >>> ascent(np.array([1.0]), np.array([[2.0]]))
    (array([0.5]), 0.5)
    """
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    values, vectors = linalg.eigh(information / np.outer(size, size))
    values = np.maximum(np.abs(values), 1e-8)
    step = vectors @ (vectors.T @ (score / size) / values) / size
    return np.asarray(step), float(score @ step)


def _updated(information: Array, move: Array, fall: Array) -> Array:
    """Return the BFGS update: information that explains how the last score fell."""
    along = information @ move
    if not (move @ along > 0 and move @ fall > 0):
        return information
    return np.asarray(
        information
        - np.outer(along, along) / (move @ along)
        + np.outer(fall, fall) / (move @ fall)
    )


def slack(point: EpPoint, decrement: float) -> float:
    """Return by how much the likelihood may seem to fall in a step.

    Sites that are not quite settled leave some noise in it: what counts is that the
    search gets nearer.
    """
    return min(0.25 * decrement, NOISE) + 1e-9 * abs(point.loglik)

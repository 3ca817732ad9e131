"""The log-odds lag: exact maximum likelihood by Newton steps in (beta, rho)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import BinaryFit, fit_rows
from geopoverty.numerics.covariance import Scores
from geopoverty.numerics.links import Link, Logit
from geopoverty.numerics.rows import Block, Feed, InMemory, Parts
from geopoverty.numerics.scatter import Scattered, dense, gathered
from geopoverty.numerics.spatial.cell_rows import Shifted
from geopoverty.numerics.spatial.cells import Cells, Layout
from geopoverty.numerics.spatial.resolvent import Resolvent, lag_cells
from geopoverty.numerics.types import Array, Codes, Matrix

DECREMENT = 1e-10  # squared step in standard errors; the next is its square
MAX_STEPS = 50
SAMPLE = 20_000  # rows on which starts are compared
EDGE = 1e-6  # so near to the end of the feasible interval rho has no maximum inside
# Starts, as shares of the lower (negative) and upper (positive) bound; the outer ones
# only if the one before them is the best so far. 0 comes first: what separates
# without dependence is named as it is.
STARTS = (
    *((0.0, None), (-0.4, None), (-0.8, -0.4)),
    *((0.3, None), (0.6, None), (0.85, None), (0.95, 0.85)),
)


@dataclass(frozen=True)
class Step:
    """One step of a search: where it stood."""

    rho: float
    loglik: float
    decrement: float


@dataclass(frozen=True)
class LagFit:
    """A fitted log-odds lag model.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        Coefficients, then rho.
    information : array, shape (k + 1, k + 1)
        Observed information.
    loglik : float
    record : tuple of Step
    separating : array of int
        Columns that separate the outcome perfectly; empty if none.
    at_boundary : bool
        Whether the likelihood rises up to the end of what is feasible.
    """

    theta: Array
    information: Array
    loglik: float
    record: tuple[Step, ...]
    separating: Codes
    at_boundary: bool


class LagData(Protocol):
    """Outcome, covariates and weights of a log-odds lag model, wherever rows are.

    Log-odds are A_N^-1 X b with A_N = I - rho Z W Zbar', and outcomes are
    independent given them [1]_; of rows in cells only the means of cells pass
    through W. So one pass over rows gives the likelihood and its derivatives.

    References
    ----------
    .. [1] Krisztin, T. & Piribauer, P. (2021). A Bayesian spatial autoregressive
       logit model with an empirical application to European regional FDI flows.
       Empirical Economics 61, 231-257: the mean of their equation 2.
    """

    @property
    def rows(self) -> Feed:
        """All rows."""

    @property
    def some(self) -> Feed:
        """Enough of them to compare starts on."""

    @property
    def means(self) -> Array:
        """Means of the covariates in cells, shape (cells, k)."""

    @property
    def cells(self) -> Layout:
        """How cells lie."""

    @property
    def W(self) -> Matrix:  # noqa: N802 - what the equations call it
        """Weights between units."""

    @property
    def link(self) -> Link:
        """From log-odds to probabilities."""


@dataclass(frozen=True, eq=False)
class LagProblem:
    """A log-odds lag model of rows in memory.

    Attributes
    ----------
    X : array, shape (n, k), C order
    y : array, shape (n,)
    W : array or CSR array, shape (units, units)
    cells : Cells
    w : array, shape (n,), or None
        Weight of each row's log-likelihood.
    link : Link
    """

    X: Array
    y: Array
    W: Matrix
    cells: Cells
    w: Array | None = None
    link: Link = Logit

    @cached_property
    def rows(self) -> InMemory:
        """All rows."""
        return InMemory(self.X, self.y, self.w, self.cells.codes)

    @cached_property
    def some(self) -> InMemory:
        """Enough of them to compare starts on: a fixed random sample."""
        n = len(self.y)
        if n <= SAMPLE:
            return self.rows
        chosen = np.random.default_rng(0).choice(n, SAMPLE, replace=False)
        return self.rows.part(np.sort(chosen))

    @cached_property
    def means(self) -> Array:
        """Means of the covariates in cells, shape (cells, k)."""
        return self.cells.mean(self.X)


def carried_over(data: LagData, rho: float) -> Array:
    """Return what neighbours add to the covariates, (B - I) Xbar, (cells, k)."""
    solver = Resolvent(data.W, rho)
    return solver.cells(data.cells, data.means) - data.means


def profile(data: LagData, rho: float, rows: Feed | None = None) -> BinaryFit:
    """Maximise the likelihood in beta alone, on all rows or on some."""
    shifted = Shifted(
        data.rows if rows is None else rows, carried_over(data, rho) if rho else None
    )
    return fit_rows(shifted, data.means.shape[1], data.link)


@dataclass(frozen=True, eq=False)
class _Point:
    """Likelihood, score and information at one (beta, rho)."""

    theta: Array
    loglik: float
    score: Array
    observed: Array
    expected: Array


def fit_lag_logit(
    data: LagData,
    bounds: tuple[float, float],
    stepped: Callable[[], object] = lambda: None,
) -> LagFit:
    """Maximise the likelihood of a log-odds lag model.

    Parameters
    ----------
    data : LagData
    bounds : (float, float)
        The feasible interval of rho, around 0.
    stepped : callable
        Called after every step.

    Returns
    -------
    LagFit

    Raises
    ------
    EstimationError
        If the steps do not converge (with the record), or no start has a finite
        likelihood.

    Notes
    -----
    The likelihood need not be concave in rho, so the profile over rho is first
    compared at five to seven starts (on a sample, if rows are many). From the best one,
    Newton steps with the exact observed information are halved until the
    likelihood rises; where that information is not positive definite, the expected
    one takes its place.
    """
    beta, rho, separating = _best_start(data, bounds)
    if separating.size:
        empty = np.full((len(beta) + 1, len(beta) + 1), np.nan)
        return LagFit(np.append(beta, rho), empty, 0.0, (), separating, False)
    point = _point(data, np.append(beta, rho))
    record: list[Step] = []
    for _ in range(MAX_STEPS):
        direction = _ascent(point)
        decrement = float(point.score @ direction)
        record.append(Step(float(point.theta[-1]), point.loglik, decrement))
        point = _halved(data, point, direction, bounds)
        stepped()
        if decrement < DECREMENT:
            return _finished(point, record, at_boundary=False)
        if _at_edge(float(point.theta[-1]), bounds):
            return _finished(point, record, at_boundary=True)
    raise EstimationError(
        f"The likelihood of the lag model did not converge in {MAX_STEPS} steps: "
        f"{in_words(record)}. Rescale covariates of very different size, or use "
        "weights of fewer neighbours."
    )


def in_words(record: list[Step] | tuple[Step, ...]) -> str:
    """Say where the last steps of a search stood.

    Examples
    --------
    >>> in_words([Step(0.5, -10.0, 1e-3)])
    'step 1 at rho 0.5, log-likelihood -10, squared step 0.001'
    """
    first = max(len(record) - 3, 0)
    return "; ".join(
        f"step {first + i + 1} at rho {s.rho:.6g}, log-likelihood {s.loglik:.8g}, "
        f"squared step {s.decrement:.2g}"
        for i, s in enumerate(record[first:])
    )


def score_rows(data: LagData, theta: Array) -> Callable[[Block], Array]:
    """Return what gives a block's derivatives of the log-likelihood, (m, k + 1)."""
    beta, link = theta[:-1], data.link
    carried, slope, _ = _derivatives(data, theta)
    along = slope @ beta

    def scores(block: Block) -> Array:
        M = block.X + carried[block.codes]
        residual = block.weighed(link.at(M @ beta, block.y).residual)
        return np.column_stack([M, along[block.codes]]) * residual[:, None]

    return scores


def lag_scores(problem: LagProblem, theta: Array) -> Scores:
    """Yield each block's derivatives of the log-likelihood, shape (m, k + 1)."""
    scores = score_rows(problem, theta)
    for rows, block in problem.rows.blocks():
        yield rows, scores(block)


def _best_start(
    data: LagData, bounds: tuple[float, float]
) -> tuple[Array, float, Codes]:
    found = _start_on(data, bounds, data.some)
    if found is None or (found[2].size and data.some is not data.rows):
        # Some rows may lack what all of them have, such as a rare category.
        found = _start_on(data, bounds, data.rows)
    if found is not None:
        return found
    raise EstimationError(
        "The lag model has no finite likelihood at any start of rho. Check the "
        "covariates for perfect separation and very different sizes."
    )


def _start_on(
    data: LagData, bounds: tuple[float, float], rows: Feed
) -> tuple[Array, float, Codes] | None:
    best: tuple[float, Array, float] | None = None
    best_share = 0.0
    for share, only_after in STARTS:
        if only_after is not None and best_share != only_after:
            continue
        rho = share * bounds[1] if share >= 0 else -share * bounds[0]
        try:
            fit = profile(data, rho, rows)
        except EstimationError:  # no start: its likelihood has no maximum
            continue
        if fit.separating.size:  # it rises to 0, which nothing surpasses
            return fit.beta, rho, fit.separating
        if best is None or fit.loglik > best[0]:
            best, best_share = (fit.loglik, fit.beta, rho), share
    return None if best is None else (best[1], best[2], np.zeros(0, dtype=np.intp))


def _derivatives(data: LagData, theta: Array) -> tuple[Array, Array, Array]:
    """Return (B - I) Xbar and its first two derivatives in rho, (cells, k) each."""
    cells, W, means = data.cells, data.W, data.means
    solver = Resolvent(W, float(theta[-1]))
    here = solver.cells(cells, means)
    slope = solver.cells(cells, lag_cells(W, cells, here))  # dB = B W B
    bend = 2 * solver.cells(cells, lag_cells(W, cells, slope))
    return here - means, slope, bend


def _point(data: LagData, theta: Array) -> _Point:
    beta, link, cells = theta[:-1], data.link, data.cells.n
    k = len(beta)
    carried, slope, bend = _derivatives(data, theta)
    along, curve = slope @ beta, bend @ beta

    def kernel(block: Block) -> Parts:
        M = block.X + carried[block.codes]
        here = link.at(M @ beta, block.y)
        J = np.column_stack([M, along[block.codes]])
        residual, weight = block.weighed(here.residual), block.weighed(here.weight)
        return (
            np.asarray(block.weighed(here.loglik).sum()),
            residual @ J,
            (J * weight[:, None]).T @ J,
            Scattered(block.codes, residual[:, None], cells),
        )

    ways = (np.add, np.add, np.add, gathered)
    loglik, score, expected, residuals = data.rows.total(kernel, ways)
    # What the index bends in (beta, rho) counts with the residuals of its cells.
    pull = dense(residuals)[:, 0]
    observed = expected.copy()
    observed[:k, k] -= pull @ slope
    observed[k, :k] = observed[:k, k]
    observed[k, k] -= float(pull @ curve)
    return _Point(theta, float(loglik), score, observed, expected)


def _ascent(point: _Point) -> Array:
    for information in (point.observed, point.expected):
        try:
            step = linalg.solve(information, point.score, assume_a="pos")
        except linalg.LinAlgError:
            continue
        if np.isfinite(step).all():
            return np.asarray(step)
    raise EstimationError(
        "The information matrix of the lag model is singular: some covariate, or its "
        "lag, does not vary among the rows that carry information. Leave it out."
    )


def _halved(
    data: LagData, point: _Point, direction: Array, bounds: tuple[float, float]
) -> _Point:
    rho, step = float(point.theta[-1]), float(direction[-1])
    room = bounds[1] - rho if step > 0 else rho - bounds[0]
    size = min(1.0, 0.9 * room / abs(step)) if step else 1.0
    while True:
        trial = _point(data, point.theta + size * direction)
        if trial.loglik >= point.loglik - 1e-9 * (abs(point.loglik) + 1):
            return trial
        if size < 1e-6:
            return point
        size /= 2


def _at_edge(rho: float, bounds: tuple[float, float]) -> bool:
    low, high = bounds
    return min(rho - low, high - rho) < EDGE * (high - low)


def _finished(point: _Point, record: list[Step], *, at_boundary: bool) -> LagFit:
    return LagFit(
        point.theta,
        point.observed,
        point.loglik,
        tuple(record),
        np.zeros(0, dtype=np.intp),
        at_boundary,
    )

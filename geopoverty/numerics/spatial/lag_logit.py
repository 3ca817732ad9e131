"""The log-odds lag: exact maximum likelihood by Newton steps in (beta, rho)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import BinaryFit, fit_binary
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import Scores
from geopoverty.numerics.links import Link, Logit
from geopoverty.numerics.spatial.cells import Cells
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


@dataclass(frozen=True, eq=False)
class LagProblem:
    """Outcome, covariates and weights of a log-odds lag model.

    Log-odds are A_N^-1 X b with A_N = I - rho Z W Zbar', and outcomes are
    independent given them [1]_; of rows in cells only the means of cells pass
    through W.

    Attributes
    ----------
    X : array, shape (n, k), C order
    y : array, shape (n,)
    W : array or CSR array, shape (units, units)
    cells : Cells
    w : array, shape (n,), or None
        Weight of each row's log-likelihood.
    link : Link

    References
    ----------
    .. [1] Krisztin, T. & Piribauer, P. (2021). A Bayesian spatial autoregressive
       logit model with an empirical application to European regional FDI flows.
       Empirical Economics 61, 231-257: the mean of their equation 2.
    """

    X: Array
    y: Array
    W: Matrix
    cells: Cells
    w: Array | None = None
    link: Link = Logit

    def carried(self, rho: float) -> tuple[Resolvent, Array]:
        """Return the solver at rho and (B - I) Xbar, shape (cells, k)."""
        solver = Resolvent(self.W, rho)
        means = self.cells.mean(self.X)
        return solver, solver.cells(self.cells, means) - means

    def profile(self, rho: float, sample: Codes | None = None) -> BinaryFit:
        """Maximise the likelihood in beta alone, on all rows or on a sample."""
        rows = slice(None) if sample is None else sample
        M = self.X[rows]
        if rho:
            M = M + self.carried(rho)[1][self.cells.codes[rows]]
        w = None if self.w is None else self.w[rows]
        return fit_binary(np.ascontiguousarray(M), self.y[rows], self.link, w)


@dataclass(frozen=True, eq=False)
class _Point:
    """Likelihood, score and information at one (beta, rho)."""

    theta: Array
    loglik: float
    score: Array
    observed: Array
    expected: Array


def fit_lag_logit(
    problem: LagProblem,
    bounds: tuple[float, float],
    stepped: Callable[[], object] = lambda: None,
) -> LagFit:
    """Maximise the likelihood of a log-odds lag model.

    Parameters
    ----------
    problem : LagProblem
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
    beta, rho, separating = _best_start(problem, bounds)
    if separating.size:
        empty = np.full((len(beta) + 1, len(beta) + 1), np.nan)
        return LagFit(np.append(beta, rho), empty, 0.0, (), separating, False)
    point = _point(problem, np.append(beta, rho))
    record: list[Step] = []
    for _ in range(MAX_STEPS):
        direction = _ascent(point)
        decrement = float(point.score @ direction)
        record.append(Step(float(point.theta[-1]), point.loglik, decrement))
        point = _halved(problem, point, direction, bounds)
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


def lag_scores(problem: LagProblem, theta: Array) -> Scores:
    """Yield each block's derivatives of the log-likelihood, shape (m, k + 1)."""
    carried, slope, _ = _derivatives(problem, theta)
    for rows, M, eta in _blocks(problem, carried, theta[:-1]):
        residual = problem.link.at(eta, problem.y[rows]).residual
        if problem.w is not None:
            residual = residual * problem.w[rows]
        along = (slope @ theta[:-1])[problem.cells.codes[rows]]
        yield rows, np.column_stack([M, along]) * residual[:, None]


def _best_start(
    problem: LagProblem, bounds: tuple[float, float]
) -> tuple[Array, float, Codes]:
    sample = None
    if len(problem.y) > SAMPLE:
        chosen = np.random.default_rng(0).choice(len(problem.y), SAMPLE, replace=False)
        sample = np.sort(chosen)
    best: tuple[float, Array, float] | None = None
    best_share = 0.0
    for share, only_after in STARTS:
        if only_after is not None and best_share != only_after:
            continue
        rho = share * bounds[1] if share >= 0 else -share * bounds[0]
        try:
            fit = problem.profile(rho, sample)
        except EstimationError:  # no start: its likelihood has no maximum
            continue
        if fit.separating.size:  # it rises to 0, which nothing surpasses
            return fit.beta, rho, fit.separating
        if best is None or fit.loglik > best[0]:
            best, best_share = (fit.loglik, fit.beta, rho), share
    if best is not None:
        return best[1], best[2], np.zeros(0, dtype=np.intp)
    raise EstimationError(
        "The lag model has no finite likelihood at any start of rho. Check the "
        "covariates for perfect separation and very different sizes."
    )


def _derivatives(problem: LagProblem, theta: Array) -> tuple[Array, Array, Array]:
    """Return (B - I) Xbar and its first two derivatives in rho, (cells, k) each."""
    cells, W = problem.cells, problem.W
    solver = Resolvent(W, float(theta[-1]))
    means = cells.mean(problem.X)
    here = solver.cells(cells, means)
    slope = solver.cells(cells, lag_cells(W, cells, here))  # dB = B W B
    bend = 2 * solver.cells(cells, lag_cells(W, cells, slope))
    return here - means, slope, bend


def _blocks(problem: LagProblem, carried: Array, beta: Array):  # type: ignore[no-untyped-def]
    for rows in blocks(len(problem.y)):
        M = problem.X[rows] + carried[problem.cells.codes[rows]]
        yield rows, M, M @ beta


def _point(problem: LagProblem, theta: Array) -> _Point:
    beta = theta[:-1]
    k = len(beta)
    carried, slope, bend = _derivatives(problem, theta)
    along, curve = slope @ beta, bend @ beta
    residual = np.empty(len(problem.y))
    loglik, score, expected = 0.0, np.zeros(k + 1), np.zeros((k + 1, k + 1))
    for rows, M, eta in _blocks(problem, carried, beta):
        here = problem.link.at(eta, problem.y[rows])
        J = np.column_stack([M, along[problem.cells.codes[rows]]])
        weight, residual[rows], values = here.weight, here.residual, here.loglik
        if problem.w is not None:
            w = problem.w[rows]
            weight, values = weight * w, values * w
            residual[rows] *= w
        loglik += float(values.sum())
        score += residual[rows] @ J
        expected += (J * weight[:, None]).T @ J
    # What the index bends in (beta, rho) counts with the residuals of its cells.
    pull = problem.cells.add(residual)
    observed = expected.copy()
    observed[:k, k] -= pull @ slope
    observed[k, :k] = observed[:k, k]
    observed[k, k] -= float(pull @ curve)
    return _Point(theta, loglik, score, observed, expected)


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
    problem: LagProblem, point: _Point, direction: Array, bounds: tuple[float, float]
) -> _Point:
    rho, step = float(point.theta[-1]), float(direction[-1])
    room = bounds[1] - rho if step > 0 else rho - bounds[0]
    size = min(1.0, 0.9 * room / abs(step)) if step else 1.0
    while True:
        trial = _point(problem, point.theta + size * direction)
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

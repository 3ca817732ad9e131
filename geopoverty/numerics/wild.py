"""Wild cluster bootstrap of scores: tests and intervals with few clusters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import separating_columns
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.rows import InMemory
from geopoverty.numerics.types import Array, Codes
from geopoverty.numerics.wild_draws import CLOSE, Draws
from geopoverty.numerics.wild_scores import (
    Gaussian,
    Scored,
    WildProblem,
    clustered_errors,
    information_rows,
    scored,
)

MAX_STEPS = 50
WIDEST = 60.0  # standard errors from the estimate, where a bound is given up


@dataclass(frozen=True, eq=False)
class WildTests:
    """Tests that coefficients are 0, one entry a term tested.

    Attributes
    ----------
    statistic, p_value : array, shape (m,)
    conf_low, conf_high : array, shape (m,)
        All values that are not rejected; infinite where none is, as far as 60
        standard errors from the estimate. NaN when no interval was asked for.
    """

    statistic: Array
    p_value: Array
    conf_low: Array
    conf_high: Array


def wild_tests(
    problem: WildProblem,
    draws: Draws,
    columns: Sequence[int] | None = None,
    conf_level: float | None = 0.95,
    stepped: Callable[[], object] = lambda: None,
) -> WildTests:
    """Test coefficients by the restricted wild cluster bootstrap of scores.

    Parameters
    ----------
    problem : WildProblem
    draws : Draws
    columns : sequence of int, optional
        The terms to test; all when not given.
    conf_level : float, optional
        Of the intervals, by inversion of the test; None leaves them out.
    stepped : callable
        Called after every term.

    Returns
    -------
    WildTests

    Raises
    ------
    EstimationError
        If the likelihood has no maximum under a hypothesis of 0.

    Notes
    -----
    Under the hypothesis b_j = c the model is fitted anew. Its scores, summed by
    cluster, are multiplied by the draw's weights; one Newton step from the restricted
    fit gives the drawn coefficients, and scores moved along that step (by each
    cluster's information) their clustered covariance. For least squares that is
    the WCR bootstrap of Cameron, Gelbach & Miller [1]_; for logits the score bootstrap
    of Kline & Santos [2]_, in the linearised form of MacKinnon, Nielsen & Webb [3]_.

    References
    ----------
    .. [1] Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2008). Bootstrap-based
       improvements for inference with clustered errors. Review of Economics and
       Statistics 90, 414-427.
    .. [2] Kline, P. & Santos, A. (2012). A score based approach to wild bootstrap
       inference. Journal of Econometric Methods 1, 23-41.
    .. [3] MacKinnon, J. G., Nielsen, M. O. & Webb, M. D. (2025). Cluster-robust
       jackknife and bootstrap inference for logistic regression models. Econometric
       Reviews, forthcoming.

    Examples
    --------
    >>> from geopoverty.numerics.wild_draws import cluster_draws
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([np.ones(40), rng.normal(size=40)])
    >>> y, codes = X @ [1.0, 2.0] + rng.normal(size=40), np.repeat(np.arange(8), 5)
    >>> draws = cluster_draws(8, kind="rademacher")
    >>> found = wild_linear(y, X, codes, draws, columns=[1])
    >>> float(found.p_value[0])  # 2 of 256 draws are as far from 0
    0.0078125
    """
    tested = range(problem.X.shape[1]) if columns is None else columns
    error = clustered_errors(problem)
    out = np.full((4, len(tested)), np.nan)
    for i, j in enumerate(tested):
        term = _Term(problem, draws, int(j), float(error[j]))
        out[0, i] = term.statistic(0.0)
        drawn = term.drawn(0.0)
        if drawn is None:
            raise EstimationError(
                "The likelihood has no maximum with one coefficient held at 0, so the "
                "wild bootstrap cannot be run. Leave out covariates that nearly "
                "separate the outcome."
            )
        out[1, i] = draws.p_value(out[0, i], drawn)
        if conf_level is not None:
            out[2, i] = term.bound(-1, 1 - conf_level)
            out[3, i] = term.bound(1, 1 - conf_level)
        stepped()
    return WildTests(*out)


def wild_linear(
    y: Array,
    X: Array,
    codes: Codes,
    draws: Draws,
    columns: Sequence[int] | None = None,
    conf_level: float | None = 0.95,
    factor: float = 1.0,
) -> WildTests:
    """Test coefficients of least squares by the restricted wild cluster bootstrap.

    Parameters
    ----------
    y : array, shape (n,)
        Net of fixed effects that are nested in the clusters.
    X : array, shape (n, k)
        Net of the same effects. Effects that cross clusters (periods) must be columns
        of it: sweeping them out would mix the clusters' errors.
    codes : array of int, shape (n,)
        Cluster of each row, from 0 to the number of clusters - 1.
    draws : Draws
        Of that many clusters.
    columns, conf_level
        See `wild_tests`.
    factor : float
        Small-sample factor of the clustered covariance.

    Returns
    -------
    WildTests

    Examples
    --------
    >>> from geopoverty.numerics.wild_draws import cluster_draws
    >>> y, X = np.array([1.0, 2.0, 3.0, 5.0]), np.ones((4, 1))
    >>> draws = cluster_draws(2, kind="rademacher")
    >>> wild_linear(y, X, np.array([0, 0, 1, 1]), draws).p_value
    array([0.5])
    """
    X = np.ascontiguousarray(X)
    beta = np.asarray(linalg.lstsq(X, y)[0])
    groups = draws.codes.shape[1]
    problem = WildProblem(X, y, Gaussian, codes, groups, beta, factor)
    return wild_tests(problem, draws, columns, conf_level)


class _Term:
    """One coefficient: its statistic at a hypothesis, and the draws there."""

    def __init__(
        self, problem: WildProblem, draws: Draws, column: int, error: float
    ) -> None:
        self._problem, self._draws = problem, draws
        self._column, self._error = column, error
        self._others = [j for j in range(len(problem.beta)) if j != column]
        self._near = problem.beta.copy()

    def statistic(self, value: float) -> float:
        return float((self._problem.beta[self._column] - value) / self._error)

    def drawn(self, value: float) -> Array | None:
        """Return the draws' statistics, or None where there is no restricted fit."""
        fit = self._restricted(value)
        if fit is None:
            return None
        beta, here = fit
        try:
            bread = inverse(here.information)
        except linalg.LinAlgError:
            return None
        a = bread[self._column]
        rows = information_rows(self._problem, beta, a)
        found = _statistics(
            self._draws.codes,
            self._draws.values,
            here.sums @ a,
            np.ascontiguousarray(rows),
            np.ascontiguousarray(here.sums @ bread),
        )
        return np.asarray(found / np.sqrt(self._problem.factor))

    def bound(self, side: int, level: float) -> float:
        """Return where the test begins to reject, going to one side."""
        centre = self._problem.beta[self._column]
        self._near = self._problem.beta.copy()

        def excess(steps: float) -> float:
            """Return how far |t| is above its critical value."""
            drawn = self.drawn(centre + side * steps * self._error)
            # Where no fit is left the hypothesis is out of reach.
            return (
                np.inf if drawn is None else steps - self._draws.critical(drawn, level)
            )

        low, high = 0.0, 2.0
        while excess(high) <= CLOSE * high:
            low, high = high, 1.6 * high
            if high > WIDEST:
                return float(side * np.inf)
        return float(centre + side * self._error * _crossing(excess, low, high))

    def _restricted(self, value: float) -> tuple[Array, Scored] | None:
        """Fit with the coefficient held at `value`, from the last such fit."""
        problem, free = self._problem, self._others
        beta = self._near.copy()
        beta[self._column] = value
        here = scored(problem, beta)
        for _ in range(MAX_STEPS):
            score = here.sums[:, free].sum(axis=0)
            try:
                move = linalg.solve(
                    here.information[np.ix_(free, free)], score, assume_a="pos"
                )
            except linalg.LinAlgError:
                return None
            beta, here = self._stepped(beta, move, here)
            # Judged before the step: Newton's next one is about its square.
            if float(score @ move) < 1e-10:
                if self._separated(beta, move):
                    return None
                self._near = beta
                return beta, here
        return None

    def _separated(self, beta: Array, move: Array) -> bool:
        """Say whether the likelihood rises for ever with the coefficient held."""
        problem, direction = self._problem, np.zeros(len(beta))
        if problem.link is Gaussian:
            return False
        direction[self._others] = move
        rows = InMemory(problem.X, problem.y)
        return bool(separating_columns(rows, beta, direction).size)

    def _stepped(self, beta: Array, move: Array, here: Scored) -> tuple[Array, Scored]:
        """Go up the likelihood, less far where Newton's step would go down."""
        size = 1.0
        while True:
            trial = beta.copy()
            trial[self._others] += size * move
            there = scored(self._problem, trial)
            lowest = here.loglik - 1e-9 * (abs(here.loglik) + 1)
            if there.loglik >= lowest or size < 1e-6:
                return trial, there
            size /= 2


def _crossing(excess: Callable[[float], float], low: float, high: float) -> float:
    """Return where `excess` leaves 0, to 1e-4, by false position with halving."""
    at_low, at_high = excess(low), excess(high)
    for i in range(60):
        if high - low < 1e-4:
            break
        middle = (low + high) / 2
        if np.isfinite(at_high) and i % 3:
            middle = (low * at_high - high * at_low) / (at_high - at_low)
            # Near an end only the other end would move: go a little across.
            edge = 0.02 * (high - low) + 2e-5
            middle = min(max(middle, low + edge), high - edge)
        found = excess(middle)
        if found <= CLOSE * middle:
            low, at_low = middle, found
        else:
            high, at_high = middle, found
    return (low + high) / 2


@njit(cache=True, nogil=True)
def _statistics(
    codes: NDArray[np.int8], values: Array, own: Array, rows: Array, steps: Array
) -> Array:
    """Return sum_g v_g z_g over the clustered standard error, for each draw.

    `own` is z; `steps` what each cluster's score moves the coefficients by; `rows`
    what such a move takes from each cluster's score.
    """
    draws, groups = codes.shape
    k = rows.shape[1]
    out, move = np.empty(draws), np.empty(k)
    for d in range(draws):
        move[:] = 0.0
        total, size = 0.0, 0.0
        for g in range(groups):
            v = values[codes[d, g]]
            total += v * own[g]
            size += abs(v * own[g])
            for a in range(k):
                move[a] += v * steps[g, a]
        square = 0.0
        for g in range(groups):
            left = values[codes[d, g]] * own[g]
            for a in range(k):
                left -= rows[g, a] * move[a]
            square += left * left
        if square > (1e-12 * size) ** 2:
            out[d] = total / np.sqrt(square)
        else:  # no variance is left: as far out as can be, unless nothing moved
            out[d] = np.inf if abs(total) > 1e-12 * size else 0.0
    return out

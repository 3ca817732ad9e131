"""Expectation propagation for probits with spatially dependent latent errors.

Latent y* is Gaussian with precision A_N'A_N and is only known to be above or
below 0. Expectation propagation (EP) replaces each of these half-lines by a
Gaussian site that gives its row the right two moments, so that a probability of
as many dimensions as rows becomes a few sparse factors.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import sparse

from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.ep_posterior import (
    Posterior,
    Sites,
    Tilted,
    cumulants,
    tilt,
)
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.spatial.selected_inverse import (
    NormalMatrix,
    SelectedInverse,
)
from geopoverty.numerics.types import Array, Matrix

MODELS = ("lag", "error")
TOLERANCE = 1e-10  # of an evaluation on its own: below what differences show
MAX_SWEEPS = 300
SHORTEST, LONGEST = 0.2, 2.0  # share of a sweep that is taken
FAR = 0.5  # change of a site beyond which none is taken twice
PROBES = 16  # random signs that estimate a trace


@dataclass(frozen=True, eq=False)
class EpPoint:
    """The EP likelihood at one theta = (beta, rho).

    Attributes
    ----------
    theta : array, shape (k + 1,)
    loglik : float
        Of EP itself.
    score : array, shape (k + 1,)
        Its gradient: exact at the fixed point of the sites.
    correction : float
        What brings `loglik` nearer to the exact one: the leading terms beyond EP.
    mean, variance : array, shape (n_rows,)
        Of latent y* given all outcomes.
    sites : Sites
    sweeps : int
    change : float
        The largest change another sweep would make to a site, in units of the
        row's posterior precision.
    posterior : Posterior
        What all this was read from.
    """

    theta: Array
    loglik: float
    score: Array
    correction: float
    mean: Array
    variance: Array
    sites: Sites
    sweeps: int
    change: float
    posterior: Posterior


class EpProblem:
    """Outcome, covariates and weights of a spatial probit.

    Parameters
    ----------
    X : array, shape (n_rows, k)
        The full design: intercept and, for a Durbin model, lags included.
    y : array, shape (n_rows,)
        0 or 1.
    W : array or CSR array, shape (units, units)
        Sparse is never made dense.
    cells : Cells
        Unweighted: all rows of a cell weigh the same in its mean.
    model : {"lag", "error"}
        ``"lag"``: y* = rho W_N y* + X b + e. ``"error"``: y* = X b + u,
        u = rho W_N u + e. W_N = Z W Zbar', e is standard normal, and y = 1
        where y* is above 0. Periods are independent.

    Raises
    ------
    InputError
        If the model is unknown or cells are weighted.

    Notes
    -----
    The EP log-likelihood [1]_ is stationary in the sites at their fixed point, so
    its gradient is that of a Gaussian with these sites: Fisher's identity with the
    moments of the EP posterior. How near EP comes to the truth is shown by [2]_.

    References
    ----------
    .. [1] Rasmussen, C. E. & Williams, C. K. I. (2006). Gaussian processes for
       machine learning, sections 3.6 and 5.5.2. MIT Press.
    .. [2] Cunningham, J. P., Hennig, P. & Lacoste-Julien, S. (2011). Gaussian
       probabilities and expectation propagation. arXiv 1111.6832.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.arange(2), units=2, periods=1)
    >>> problem = EpProblem(np.ones((2, 1)), np.array([1.0, 0.0]), W, cells)
    >>> loglik, score = problem.objective(np.array([0.0, 0.0]))
    >>> round(loglik, 6), round(float(score[1]), 6)  # log(1/4), -4/pi
    (-1.386294, -1.27324)
    """

    def __init__(
        self, X: Array, y: Array, W: Matrix, cells: Cells, model: str = "lag"
    ) -> None:
        if model not in MODELS:
            raise InputError(f"The model must be lag or error, not {model!r}.")
        if cells.w is not None:
            raise InputError(
                "The spatial probit takes no weights: dependent rows have no sum of "
                "log-likelihoods that could be weighted. Leave the weights out."
            )
        self.X, self.y, self.W, self.cells, self.model = X, y, W, cells, model
        self._sign = 2 * y - 1
        self._prior = NormalMatrix(W)
        counts = cells.counts.reshape(cells.periods, cells.units)
        pattern = self._prior.pattern
        self._normals = tuple(
            self._prior if cells.alone else NormalMatrix(W, each, pattern)
            for each in counts
        )
        self._lagged_X = None if model == "lag" else self._lag(X)
        # Differences of the score in beta share one rho, those in rho need two more.
        kept = 3 if sparse.issparse(W) else 1
        self._prior_at = lru_cache(maxsize=kept)(self._find_prior)

    def objective(self, theta: Array) -> tuple[float, Array]:
        """Return log-likelihood and score at theta, from cold sites.

        Raises
        ------
        EstimationError
            If I - rho W is singular, or the sites do not settle.
        """
        point = self.at(theta)
        return point.loglik, point.score

    def at(
        self, theta: Array, sites: Sites | None = None, tolerance: float = TOLERANCE
    ) -> EpPoint:
        """Sweep the sites to their fixed point, and evaluate the likelihood there.

        Parameters
        ----------
        theta : array, shape (k + 1,)
        sites : Sites, optional
            Where to begin.
        tolerance : float
            Largest change of a site, in units of its row's posterior precision.

        Returns
        -------
        EpPoint

        Raises
        ------
        EstimationError
            If I - rho W is singular, or the sites do not settle in 300 sweeps.
        """
        rho = float(theta[-1])
        pull = self._back(self._design(rho) @ theta[:-1], rho)
        sites = Sites.cold(len(self.y)) if sites is None else sites
        share = 1.0
        before: Tilted | None = None
        for sweep in range(1, MAX_SWEEPS + 1):
            posterior = Posterior(self._normals, self.cells, rho, sites.t)
            mean = posterior.solve(pull + sites.v)
            tilted = tilt(self._sign, mean, posterior.variance, sites)
            if not np.isfinite(tilted.change):
                break
            wanted = _aitken(share, tilted, before)
            # A sweep that creeps ends far from where its small steps lead.
            reach = max(wanted, sites.reach / 2, 1.0)
            if tilted.change * reach < tolerance:
                sites = replace(sites, reach=reach)
                return self._point(theta, posterior, mean, tilted, (sites, sweep))
            longest = LONGEST if tilted.change < FAR else 1.0
            share = min(max(wanted, SHORTEST), longest)
            sites = replace(sites.towards(tilted.sites, share), reach=reach)
            before = tilted
        raise EstimationError(
            f"Expectation propagation did not settle in {sweep} sweeps at rho = "
            f"{rho:.6g}; the last changed a site by {tilted.change:.2g}. Rescale "
            "covariates of very different size, or use weights of fewer neighbours."
        )

    def curvature(self, point: EpPoint) -> Array:
        """Return the second derivatives of the log-likelihood at fixed sites.

        Parameters
        ----------
        point : EpPoint

        Returns
        -------
        array, shape (k + 1, k + 1)
            Within a few per cent of the derivative of the score in beta, and
            within about a third in rho: good enough for Newton steps, and all
            but free. Traces use 16 fixed vectors of random signs (Hutchinson).
        """
        k, rho = self.X.shape[1], float(point.theta[-1])
        posterior, X = point.posterior, self._design(rho)
        residual, lagged = self._residual(point.theta, point.mean)
        turn = self._lag_transposed(residual) + self._back(lagged, rho)
        moved = posterior.solve(np.column_stack([self._back(X, rho), turn]))
        ahead = moved - rho * self._lag(moved)
        ahead[:, :k] -= X
        ahead[:, k] -= lagged
        found = np.empty((k + 1, k + 1))
        found[:k] = X.T @ ahead
        if self._lagged_X is not None:
            found[:k, k] -= self._lagged_X.T @ residual
        found[k, :k] = found[:k, k]
        found[k, k] = ahead[:, k] @ lagged + residual @ self._lag(moved[:, k])
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (self.cells.units, PROBES))
        prior = _bend(self._prior, self._prior_at(rho)[0], rho, signs)
        after = [
            _bend(normal, factor, rho, signs)
            for normal, factor in zip(self._normals, posterior.factors, strict=True)
        ]
        found[k, k] += 0.5 * (self.cells.periods * prior - sum(after))
        return found

    def _point(
        self,
        theta: Array,
        posterior: Posterior,
        mean: Array,
        tilted: Tilted,
        done: tuple[Sites, int],
    ) -> EpPoint:
        rho, periods, (sites, sweeps) = float(theta[-1]), self.cells.periods, done
        X = self._design(rho)
        drawn = X @ theta[:-1]  # A_N times the prior mean
        _, log_determinant, slope = self._prior_at(rho)
        residual, lagged = self._residual(theta, mean)
        loglik = tilted.loglik + 0.5 * (
            periods * log_determinant
            - posterior.log_determinant
            + float(drawn @ residual)
            + float(sites.v @ mean)
        )
        traces = (
            factor.trace(normal.slope(rho))
            for normal, factor in zip(self._normals, posterior.factors, strict=True)
        )
        along = 0.5 * (periods * slope - sum(traces)) + float(residual @ lagged)
        score = np.append(X.T @ residual, along)
        return EpPoint(
            theta,
            loglik,
            score,
            posterior.correction(
                *cumulants(self._sign, mean, posterior.variance, sites)
            ),
            mean,
            posterior.variance,
            sites,
            sweeps,
            tilted.change,
            posterior,
        )

    def _find_prior(self, rho: float) -> tuple[SelectedInverse, float, float]:
        """Return A'A factored, log |A'A| and its derivative."""
        factor = self._prior.at(rho)
        return factor, factor.log_determinant, factor.trace(self._prior.slope(rho))

    def _residual(self, theta: Array, mean: Array) -> tuple[Array, Array]:
        """Return the mean of e given y, and minus its derivative at fixed y*."""
        rho = float(theta[-1])
        residual = mean - rho * self._lag(mean) - self._design(rho) @ theta[:-1]
        lagged = self._lag(mean)
        if self._lagged_X is not None:
            lagged = lagged - self._lagged_X @ theta[:-1]
        return residual, lagged

    def _design(self, rho: float) -> Array:
        """Return the derivative of A_N times the prior mean in beta."""
        return self.X if self._lagged_X is None else self.X - rho * self._lagged_X

    def _back(self, x: Array, rho: float) -> Array:
        """Return A_N'x."""
        return np.asarray(x - rho * self._lag_transposed(x))

    def _lag(self, x: Array) -> Array:
        """Return W_N x, for x of shape (n_rows,) or (n_rows, m)."""
        cells = self.cells
        return np.asarray(lag_cells(self.W, cells, cells.mean(x))[cells.codes])

    def _lag_transposed(self, x: Array) -> Array:
        """Return W_N'x, for x of shape (n_rows,) or (n_rows, m)."""
        cells = self.cells
        moved = lag_cells(self.W.T, cells, cells.add(x))[cells.codes]
        share = cells.share if x.ndim == 1 else cells.share[:, None]
        return np.asarray(share * moved)


def _aitken(share: float, found: Tilted, before: Tilted | None) -> float:
    """Return how many sweeps lead to the fixed point, from how the last turned out.

    Aitken's relaxation: below 1 if sweeps overshoot (rows that repel each other),
    above if they creep (rows that follow each other).
    """
    if before is None:
        return 1.0
    turn = found.step - before.step
    size = float(turn @ turn)
    return -share * float(before.step @ turn) / size if size > 0 else 1.0


def _bend(
    normal: NormalMatrix, factor: SelectedInverse, rho: float, signs: Array
) -> float:
    """Estimate the second derivative of a log determinant in rho."""
    slope = normal.pattern.matrix(normal.slope(rho))
    once = factor.solve(np.asarray(slope @ signs))
    twice = factor.solve(np.asarray(slope @ once))
    mean = float(np.vdot(signs, twice) / signs.shape[1])
    return float(factor.trace(normal.bend()) - mean)

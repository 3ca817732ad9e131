"""Likelihood of a panel with random effects of units and a spatial lag or error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy import linalg, optimize, sparse
from scipy.sparse.linalg import splu

from geopoverty.errors import EstimationError
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.spatial.logdet import LogDeterminant
from geopoverty.numerics.types import Array, Matrix

FLOOR = -14.0  # log of the least weight of unit means: units differ a million times
NEWTON = 12  # steps at most; two or three do, from where the search ends
STEPS = (1e-3, 3e-3)  # of differences: of the room rho has, of the log weight
EDGE = 1e-4  # of the interval that rho has: nearer to its end nothing is estimated


@dataclass(frozen=True, eq=False)
class Layout:
    """A balanced panel, units by periods.

    Attributes
    ----------
    W : array or CSR array, shape (N, N)
    y : array, shape (N, T)
    X : array, shape (N, T, k)
        With a constant.
    """

    W: Matrix
    y: Array
    X: Array

    @property
    def n(self) -> int:
        """Number of rows, N T."""
        return int(self.y.size)

    @property
    def periods(self) -> int:
        """T."""
        return int(self.y.shape[1])

    @cached_property
    def basis(self) -> tuple[Array, Array]:
        """X in columns of length sqrt(n) that are orthogonal, and how: X = Q R."""
        Q, R = linalg.qr(self.X.reshape(self.n, -1), mode="economic")
        return Q.reshape(self.X.shape) * np.sqrt(self.n), R / np.sqrt(self.n)

    def lag(self, values: Array) -> Array:
        """Return W applied within periods to (N, T) or (N, T, m)."""
        flat = values.reshape(len(values), -1)
        return np.asarray(self.W @ flat).reshape(values.shape)

    def net(self, values: Array) -> tuple[Array, Array]:
        """Return least-squares coefficients on the basis, and residuals."""
        Q = self.basis[0]
        coefficients = np.einsum("itk,it->k", Q, values) / self.n
        return coefficients, values - Q @ coefficients


@dataclass(frozen=True, eq=False)
class At:
    """The likelihood at its best for a spatial coefficient and a weight of means.

    Attributes
    ----------
    loglik : float
    beta : array, shape (k,)
    sigma2 : float
        Variance of what is unobserved in a row.
    bread : array, shape (k, k)
        sigma2 times this is the covariance of beta given the other two.
    """

    loglik: float
    beta: Array
    sigma2: float
    bread: Array


class Profile(Protocol):
    """A likelihood as a function of the spatial coefficient and the log weight."""

    layout: Layout

    def at(self, rho: float, eta: float) -> At:
        """Return the rest at its best; eta is the log of 1 / (1 + T unit / row)."""


class LagProfile:
    """``y = rho W y + X b + u + e``, u of units and e of rows.

    References
    ----------
    Elhorst, J. P. (2014). Spatial econometrics: from cross-sectional data to
    spatial panels. Springer, section 3.3.3.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._log_determinant = LogDeterminant(layout.W).at
        own, y = layout.net(layout.y)
        lagged, Wy = layout.net(layout.lag(layout.y))
        self._start = own, lagged
        Z = np.concatenate([layout.basis[0], y[..., None], Wy[..., None]], axis=2)
        self._within, self._between = _moments(Z)

    def at(self, rho: float, eta: float) -> At:
        """Return the likelihood at its best in b and the variance of rows."""
        M = self._within + np.exp(eta) * self._between
        k = len(M) - 2
        turn = np.zeros((k + 2, k + 1))  # from (X, y, Wy) to (X, y - rho Wy)
        turn[:k, :k] = np.eye(k)
        turn[k:, k] = 1.0, -rho
        beta, rest, bread = _solved(turn.T @ M @ turn)
        own, lagged = self._start
        units, periods = self.layout.y.shape
        pulled = periods * self._log_determinant(rho) + 0.5 * units * eta
        return _at(self.layout, own - rho * lagged + beta, rest, bread, pulled)


class ErrorProfile:
    """``y = X b + u + e, e = lambda W e + v``: only what rows have spills over.

    With B = I - lambda W and t = T times the variance of units over that of v, the
    covariance of unit means is proportional to ``t I + (B'B)^-1``, whose inverse is
    ``B' (I + t B B')^-1 B``.

    References
    ----------
    Anselin, L. (1988). Spatial econometrics: methods and models. Kluwer, section
    10.2. Elhorst, J. P. (2003). Specification and estimation of spatial panel data
    models. International Regional Science Review 26, 244-268.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._log_determinant = LogDeterminant(layout.W).at
        self._start, y = layout.net(layout.y)
        Z = np.concatenate([layout.basis[0], y[..., None]], axis=2)
        both = np.concatenate([Z, layout.lag(Z)], axis=2)
        self._within, _ = _moments(both)
        self._means = both.mean(axis=1) * np.sqrt(layout.periods)
        W = layout.W
        self._sum, self._product = W + W.T, W @ W.T

    def at(self, rho: float, eta: float) -> At:
        """Return the likelihood at its best in b and the variance of rows."""
        m = self._means.shape[1] // 2
        turn = np.vstack([np.eye(m), -rho * np.eye(m)])  # B applied to each column
        log_K, solved = self._weighed(rho, np.exp(-eta) - 1, self._means @ turn)
        M = turn.T @ self._within @ turn + solved
        beta, rest, bread = _solved(M)
        pulled = self.layout.periods * self._log_determinant(rho) - 0.5 * log_K
        return _at(self.layout, self._start + beta, rest, bread, pulled)

    def _weighed(self, rho: float, t: float, V: Array) -> tuple[float, Array]:
        """Return log|K| and V'K^-1 V for K = I + t B B'."""
        n = len(V)
        BB = rho**2 * self._product - rho * self._sum
        if sparse.issparse(BB):
            K = ((1 + t) * sparse.eye_array(n, format="csc") + t * BB.tocsc()).tocsc()
            factor = _positive_lu(K)
            log_K = float(np.log(np.abs(factor.U.diagonal())).sum())
            return log_K, np.asarray(V.T @ factor.solve(np.asfortranarray(V)))
        K = t * BB
        K[np.diag_indices(n)] += 1 + t
        lower = linalg.cholesky(K, lower=True, overwrite_a=True, check_finite=False)
        half = linalg.solve_triangular(lower, V, lower=True, check_finite=False)
        return 2 * float(np.log(np.diag(lower)).sum()), half.T @ half


@dataclass(frozen=True, eq=False)
class RandomSpatialFit:
    """What maximum likelihood found.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        Coefficients, the spatial one last.
    vcov : array, shape (k + 1, k + 1)
        From the inverse of the observed information of all parameters.
    loglik, unit, row : float
        Log-likelihood; variances of units and of rows.
    share : float
        Share of a unit's mean that the transformation takes off.
    pooled : bool
        Whether the variance of units is 0, the end of its range.
    """

    theta: Array
    vcov: Array
    loglik: float
    unit: float
    row: float
    share: float
    pooled: bool


def fit_random_spatial(profile: Profile, starts: Sequence[float]) -> RandomSpatialFit:
    """Maximise the likelihood, from several starts.

    Parameters
    ----------
    profile : Profile
    starts : sequence of float
        Log weights of unit means (eta) to start from, at most 0; later ones are used
        where earlier ones lead to the end of the range.

    Returns
    -------
    RandomSpatialFit

    Raises
    ------
    EstimationError
        If the maximum lies at the end of the range of the spatial coefficient.

    Notes
    -----
    A search by quasi-Newton steps ends in Newton steps with differences of the
    fourth order. The covariance is exact for the observed information: with V the
    covariance of the last two parameters, J the derivative of b in them and V0 that
    of b when they are known, that of b is V0 + J V J'.
    """
    low, high = feasible_rho(profile.layout.W)
    room = (low * (1 - 1e-6), high * (1 - 1e-6))

    def cost(point: Array) -> float:
        return -profile.at(float(point[0]), float(point[1])).loglik

    best = _searched(cost, starts, room)
    if min(best[0] - low, high - best[0]) < EDGE * (high - low):
        raise EstimationError(
            f"The spatial coefficient ran to the end of its range ({low:.3g} to "
            f"{high:.3g}), where the likelihood has no maximum. Use other weights, or "
            "fewer covariates that only vary smoothly in space."
        )
    if best[1] < FLOOR + EDGE:
        raise EstimationError(
            "Units differ so much more than the rows within them that unit means tell "
            "nothing: random effects are fixed effects then. Use effects='unit'."
        )
    point, curvature, free = _polished(cost, best, room)
    return _read(profile, point, curvature, free)


def _searched(
    cost: Callable[[Array], float], starts: Sequence[float], room: tuple[float, float]
) -> Array:
    """Search from each start until a minimum lies inside; return the least."""
    tried: list[Any] = []
    for eta in starts:
        start = np.array([0.0, max(min(eta, 0.0), FLOOR)])
        bounds = [room, (FLOOR, 0.0)]
        options: dict[str, Any] = {"jac": "3-point", "bounds": bounds}
        found = optimize.minimize(cost, start, method="L-BFGS-B", **options)
        tried.append(found)
        # Without effects of units the likelihood may have a second maximum.
        if found.success and FLOOR + EDGE < found.x[1] < -EDGE:
            break
    return np.asarray(min(tried, key=lambda found: float(found.fun)).x)


def _polished(
    cost: Callable[[Array], float], point: Array, room: tuple[float, float]
) -> tuple[Array, Array, list[int]]:
    """Take Newton steps; return the minimum, the curvature and what is inside."""
    free = [0, 1]
    for _ in range(NEWTON):
        near = min(point[0] - room[0], room[1] - point[0])
        steps = np.array([STEPS[0] * min(near, 1.0), STEPS[1]])
        slope, curvature = _derivatives(cost, point, steps)
        free = [0] if point[1] >= -1e-9 and slope[1] <= 0 else [0, 1]
        if free == [0, 1] and linalg.eigvalsh(curvature).min() <= 0:
            break
        move = np.zeros(2)
        move[free] = linalg.solve(curvature[np.ix_(free, free)], slope[free])
        move[0] = np.clip(move[0], -0.5 * near, 0.5 * near)
        point = point - move
        point[1] = min(max(point[1], FLOOR), 0.0)
        if np.abs(move).max() < 1e-9:
            break
    inside = curvature[np.ix_(free, free)]
    if linalg.eigvalsh(inside).min() <= 0:
        raise EstimationError(
            "The likelihood is flat in the spatial coefficient or the variance of "
            "units: the data do not tell them. Use fixed effects, or more periods."
        )
    return point, inside, free


def _derivatives(
    cost: Callable[[Array], float], point: Array, steps: Array
) -> tuple[Array, Array]:
    """Return gradient and Hessian by central differences (fourth order, mixed second).

    The mixed one is extrapolated from two steps, so that it is of the fourth, too.
    """
    here = cost(point)
    slope, hessian = np.zeros(2), np.zeros((2, 2))
    for j, h in enumerate(steps):
        move = np.zeros(2)
        move[j] = h
        back2, back, on, on2 = (cost(point + s * move) for s in (-2, -1, 1, 2))
        slope[j] = (back2 - 8 * back + 8 * on - on2) / (12 * h)
        hessian[j, j] = (16 * (back + on) - back2 - on2 - 30 * here) / (12 * h * h)
    crossed = []
    for s in (1.0, 2.0):
        a, b = s * steps
        corners = (np.array([i * a, j * b]) for i, j in ((1, 1), (-1, -1)))
        others = (np.array([i * a, j * b]) for i, j in ((1, -1), (-1, 1)))
        level = sum(cost(point + c) for c in corners)
        level -= sum(cost(point + c) for c in others)
        crossed.append(level / (4 * a * b))
    hessian[0, 1] = hessian[1, 0] = (4 * crossed[0] - crossed[1]) / 3
    return slope, hessian


def _read(
    profile: Profile, point: Array, curvature: Array, free: list[int]
) -> RandomSpatialFit:
    layout = profile.layout
    rho, eta = float(point[0]), float(point[1])
    at = profile.at(rho, eta)
    k = len(at.beta)
    J = np.zeros((k, 2))
    for j, h in enumerate((1e-4, 1e-4)):
        move = np.zeros(2)
        move[j] = h
        on, back = (profile.at(*(point + s * move)).beta for s in (1, -1))
        J[:, j] = (on - back) / (2 * h)
    V = np.zeros((2, 2))
    V[np.ix_(free, free)] = inverse(curvature)
    moved = np.vstack([J, [1.0, 0.0]])  # of (b, rho) with (rho, eta)
    vcov = moved @ V @ moved.T
    vcov[:k, :k] += at.sigma2 * at.bread
    # Back from the orthogonal columns to the covariates.
    back_to = np.eye(k + 1)
    back_to[:k, :k] = linalg.inv(layout.basis[1])
    theta = back_to @ np.append(at.beta, rho)
    vcov = back_to @ vcov @ back_to.T
    return RandomSpatialFit(
        theta,
        (vcov + vcov.T) / 2,
        at.loglik,
        at.sigma2 * float(np.expm1(-eta)) / layout.periods,
        at.sigma2,
        1 - float(np.exp(eta / 2)),
        free == [0],
    )


def _moments(Z: Array) -> tuple[Array, Array]:
    """Return cross products net of unit means, and of unit means times T."""
    means = Z.mean(axis=1)
    within = (Z - means[:, None]).reshape(-1, Z.shape[2])
    return within.T @ within, Z.shape[1] * (means.T @ means)


def _solved(M: Array) -> tuple[Array, float, Array]:
    """Return coefficients, residual sum of squares and (X'X)^-1 from [X, y]'[X, y]."""
    k = len(M) - 1
    bread = inverse(M[:k, :k])
    beta = bread @ M[:k, k]
    return beta, float(M[k, k] - beta @ M[:k, k]), bread


def _at(layout: Layout, beta: Array, rest: float, bread: Array, pulled: float) -> At:
    sigma2 = rest / layout.n
    flat = -0.5 * layout.n * (1 + np.log(2 * np.pi * sigma2))
    return At(pulled + float(flat), beta, sigma2, bread)


def _positive_lu(K: Any) -> Any:
    # Positive definite: the diagonal serves as pivots, which keeps the fill low.
    options = {"SymmetricMode": True}
    return splu(K, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)

"""Error components of a panel whose unobserved parts spill over, by moments."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, optimize

from geopoverty.errors import EstimationError
from geopoverty.numerics.random_panel import least_squares
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.spatial.panel_random import EDGE, Layout
from geopoverty.numerics.types import Array, Matrix

GRID = 41  # points of the range of lambda from which the search starts


@dataclass(frozen=True, eq=False)
class ComponentsFit:
    """What the moments found.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        Coefficients, lambda last.
    vcov : array, shape (k + 1, k + 1)
    residual : array, shape (N, T)
        Outcome less X b.
    row, means : float
        Variance of rows, and of T times the square of unit means: ``row + T unit``.
    share : float
        Share of a unit's mean that the transformation takes off.
    """

    theta: Array
    vcov: Array
    residual: Array
    row: float
    means: float
    share: float


def fit_error_components(layout: Layout, *, full: bool = True) -> ComponentsFit:
    """Fit ``y = X b + u, u = lambda W u + m + v``, m of units and v of rows.

    Parameters
    ----------
    layout : Layout
    full : bool
        Whether moments are weighted by their whole covariance under normality, or
        only by the variances of their components ("partially weighted").

    Returns
    -------
    ComponentsFit

    Raises
    ------
    EstimationError
        If the moments are best met at the end of the range of lambda, or by a
        variance that is not above 0.

    Notes
    -----
    Six moments of least-squares residuals give lambda and both variances; b is
    generalised least squares then. The variance of lambda is that of moments
    weighted by their covariance, which holds for normal errors: [1]_ proves that
    lambda does not move b, and gives no law of its own.

    References
    ----------
    .. [1] Kapoor, M., Kelejian, H. H. & Prucha, I. R. (2007). Panel data models
       with spatially correlated error components. Journal of Econometrics 140,
       97-130, equations 12-13, 16-22.
    """
    X, y = layout.X.reshape(layout.n, -1), layout.y.ravel()
    u = least_squares(X, y).residual.reshape(layout.y.shape)
    scale = float(np.sqrt(np.mean(u**2)))  # so that moments are about 1
    u = u / scale
    moments = _moments(layout, u)
    room = feasible_rho(layout.W)
    # First the three moments net of unit means, unweighted; they give the variances
    # that weigh all six.
    first = _solved([m[:3] for m in moments], np.eye(3), 1, room)
    filtered = (u - first[0] * layout.lag(u)).mean(axis=1)
    means = layout.periods * float(filtered @ filtered) / len(filtered)
    inside = _pair_covariance(layout.W) if full else np.eye(3)
    spread = linalg.block_diag(
        first[1] ** 2 / (layout.periods - 1) * inside, means**2 * inside
    )
    weight = linalg.inv(spread)
    found = _solved(moments, weight, 2, room)
    _require_inside(found, room)
    variance = _variance(layout, moments, found)
    return _generalised(layout, found * [1, scale**2, scale**2], variance)


def _moments(layout: Layout, u: Array) -> tuple[Array, Array, Array]:
    """Return g, G and what multiplies variances: g = G (l, l^2) + D (row, means)."""
    lags = np.stack([u, layout.lag(u), layout.lag(layout.lag(u))])
    means = lags.mean(axis=2)
    inner = lags - means[..., None]
    N, T = u.shape
    squares = _squares(layout.W) / N
    products = (
        np.einsum("ant,bnt->ab", inner, inner) / (N * (T - 1)),
        T * (means @ means.T) / N,
    )
    g = np.concatenate([[P[0, 0], P[1, 1], P[0, 1]] for P in products])
    G = np.vstack(
        [
            [
                [2 * P[0, 1], -P[1, 1]],
                [2 * P[1, 2], -P[2, 2]],
                [P[0, 2] + P[1, 1], -P[1, 2]],
            ]
            for P in products
        ]
    )
    D = linalg.block_diag(*[np.array([[1.0], [squares], [0.0]])] * 2)
    return g, G, D


def _solved(
    moments: Any, weight: Array, variances: int, room: tuple[float, float]
) -> Array:
    """Return lambda and the variances that meet the moments best."""
    g, G, D = moments
    D = D[:, :variances]
    root = linalg.cholesky(weight)
    Q, R = linalg.qr(root @ D, mode="economic")

    def rest(value: float) -> Array:
        return np.asarray(root @ (g - G @ np.array([value, value**2])))

    def cost(value: float) -> float:
        left = rest(value)
        left = left - Q @ (Q.T @ left)
        return float(left @ left)

    low, high = room
    grid = np.linspace(low, high, GRID + 2)[1:-1]
    best = int(np.argmin([cost(v) for v in grid]))
    width = grid[1] - grid[0]
    near = (max(grid[best] - width, low), min(grid[best] + width, high))
    found = optimize.minimize_scalar(
        cost, bounds=near, method="bounded", options={"xatol": 1e-12}
    )
    value = float(found.x)
    return np.append(value, linalg.solve_triangular(R, Q.T @ rest(value)))


def _require_inside(found: Array, room: tuple[float, float]) -> None:
    low, high = room
    if min(found[0] - low, high - found[0]) < EDGE * (high - low):
        raise EstimationError(
            f"The moments are met best at the end of the range of lambda ({low:.3g} to "
            f"{high:.3g}). Use method='ml', or other weights."
        )
    if found[1:].min() <= 0:
        raise EstimationError(
            f"The moments give variances of {found[1]:.3g} (rows) and {found[2]:.3g} "
            "(unit means), which are not above 0. Use method='ml', or more units."
        )


def _variance(
    layout: Layout, moments: tuple[Array, Array, Array], found: Array
) -> float:
    """Return the variance of lambda under normal errors."""
    _, G, D = moments
    value, row, means = (float(v) for v in found)
    inside = _pair_covariance(layout.W)
    spread = linalg.block_diag(
        row**2 / (layout.periods - 1) * inside, means**2 * inside
    )
    slope = np.column_stack([G @ np.array([1.0, 2 * value]), D])
    information = slope.T @ linalg.solve(spread, slope, assume_a="pos")
    return float(linalg.inv(information)[0, 0]) / len(layout.y)


def _generalised(layout: Layout, found: Array, variance: float) -> ComponentsFit:
    """Return generalised least squares for what the moments found."""
    value, row, means = (float(v) for v in found)
    share = max(1 - np.sqrt(row / means), 0.0)

    def transformed(values: Array) -> Array:
        out = values - value * layout.lag(values)
        return np.asarray(out - share * out.mean(axis=1, keepdims=True))

    fit = least_squares(
        transformed(layout.X).reshape(layout.n, -1), transformed(layout.y).ravel()
    )
    k = len(fit.beta)
    vcov = np.zeros((k + 1, k + 1))
    vcov[:k, :k] = fit.vcov
    vcov[k, k] = variance
    residual = layout.y - layout.X @ fit.beta
    theta = np.append(fit.beta, value)
    return ComponentsFit(theta, vcov, residual, row, means, float(share))


def _squares(W: Matrix) -> float:
    """Return tr(W'W)."""
    return float((W * W).sum())


def _pair_covariance(W: Matrix) -> Array:
    """Return N times the covariance of e'e, e'W'We and e'We, each over N.

    For e normal of variance 1.
    """
    n = W.shape[0]
    WW = W.T @ W
    squares = _squares(W)
    cross = float((WW * (W + W.T)).sum())
    fourth = float((WW * WW).sum())
    third = squares + float((W * W.T).sum())
    return np.array(
        [
            [2.0, 2 * squares / n, 0.0],
            [2 * squares / n, 2 * fourth / n, cross / n],
            [0.0, cross / n, third / n],
        ]
    )

"""The Frisch-Newton interior point method for one quantile."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geopoverty.numerics.types import Array

STEP = 0.9995  # of the way to the nearest bound
MOST = 100  # iterations; ten to twenty are usual


@njit(cache=True, nogil=True)
def interior_point(X: Array, y: Array, tau: float, gap: float) -> tuple[Array, int]:
    """Minimise the sum of rho_tau(y - X b), nearly.

    The dual, max y'a over X'a = (1 - tau) X'1 with a in [0, 1], by Mehrotra's
    predictor and corrector. Weights are multiplied into rows before.

    Parameters
    ----------
    X : array, shape (n, k), C order
        Of full column rank, with columns of like size.
    y : array, shape (n,)
    tau : float
        Between 0 and 1.
    gap : float
        Between the values of primal and dual, to stop at.

    Returns
    -------
    b : array, shape (k,)
    iterations : int
        100 if the gap was not reached.

    References
    ----------
    Portnoy, S. & Koenker, R. (1997). The Gaussian hare and the Laplacian tortoise:
    computability of squared-error versus absolute-error estimators. Statistical
    Science 12, 279-300, section 4.
    """
    n = len(y)
    a = np.full(n, 1.0 - tau)  # the dual, and its room below 1
    s = np.full(n, tau)
    b: NDArray[Any] = np.linalg.solve(X.T @ X, X.T @ y)
    r = y - X @ b
    least = 1e-3 * np.abs(r).mean() + 1e-300
    # What a <= 1 and a >= 0 cost: the positive and negative parts of residuals.
    u, v = np.maximum(r, 0.0) + least, np.maximum(-r, 0.0) + least
    for iteration in range(MOST):
        now = np.dot(a, v) + np.dot(s, u)
        if not now > gap:
            return b, iteration
        q = 1.0 / (v / a + u / s)
        gram: NDArray[Any] = (X * q.reshape(-1, 1)).T @ X
        db: NDArray[Any] = np.linalg.solve(gram, X.T @ (q * r))
        da = q * (r - X @ db)
        du, dv = u * (da / s - 1.0), -v * (da / a + 1.0)
        dual, primal = _longest(a, s, u, v, da, du, dv)
        if min(dual, primal) < 1.0:
            # Back towards the centre, allowing for the products just made.
            reached = np.dot(v + primal * dv, a + dual * da)
            reached += np.dot(u + primal * du, s - dual * da)
            centre = now * (reached / now) ** 3 / (2.0 * n)
            to_u, to_v = (centre + da * du) / s, (centre - da * dv) / a
            bent = r + to_v - to_u
            db = np.linalg.solve(gram, X.T @ (q * bent))
            da = q * (bent - X @ db)
            du, dv = to_u + u * (da / s - 1.0), to_v - v * (da / a + 1.0)
            dual, primal = _longest(a, s, u, v, da, du, dv)
        b += primal * db
        a += dual * da
        s -= dual * da
        u += primal * du
        v += primal * dv
        r = y - X @ b
    return b, MOST


@njit(cache=True, nogil=True)
def _longest(
    a: Array, s: Array, u: Array, v: Array, da: Array, du: Array, dv: Array
) -> tuple[float, float]:
    """Return how far the dual and the primal may go before a value is 0."""
    dual, primal = 0.0, 0.0  # the greatest rates of loss
    for i in range(len(a)):
        dual = max(dual, -da[i] / a[i], da[i] / s[i])
        primal = max(primal, -du[i] / u[i], -dv[i] / v[i])
    return min(STEP / max(dual, STEP), 1.0), min(STEP / max(primal, STEP), 1.0)

"""Integrals over the intercept of every individual: compiled loops."""

import numpy as np
from numba import njit

from geopoverty.numerics.types import Array, Codes


@njit(cache=True, nogil=True)
def integrate_intercepts(
    X: Array,
    y: Array,
    starts: Codes,
    index: tuple[Array, float],
    rule: tuple[Array, Array],
    modes: Array,
) -> tuple[Array, Array, Array, Array, Array]:
    """Integrate the intercept of every group out; `modes` are moved on."""
    eta, sigma = index
    nodes, logs = rule
    groups, k, points = len(starts) - 1, X.shape[1], len(nodes)
    loglik, scores = np.zeros(groups), np.zeros((groups, k + 1))
    information = np.zeros((k + 1, k + 1))
    means, deviations = np.zeros(groups), np.zeros(groups)
    height, slope = np.zeros(points), np.zeros((points, k + 1))
    along = np.zeros(points)
    for g in range(groups):
        rows = slice(starts[g], starts[g + 1])
        x, outcome, here = X[rows], y[rows], eta[rows]
        modes[g] = _mode(here, outcome, sigma, modes[g])
        scale, d_mode, d_scale = _moved(x, outcome, here, sigma, modes[g])
        places = modes[g] + np.sqrt(2.0) * scale * nodes
        slope[:] = 0.0
        for q in range(points):
            height[q] = logs[q] + _height(here, outcome, sigma, places[q])
            along[q] = _slope(x, outcome, here, (sigma, places[q]), slope[q])
        top = height.max()
        share = np.exp(height - top)
        loglik[g] = np.log(scale * share.sum() / np.sqrt(np.pi)) + top
        share /= share.sum()
        means[g] = (share * places).sum()
        deviations[g] = np.sqrt((share * (places - means[g]) ** 2).sum())
        scores[g] = d_scale / scale
        for q in range(points):
            shift = d_mode + np.sqrt(2.0) * nodes[q] * d_scale
            scores[g] += share[q] * (slope[q] + along[q] * shift)
        _add_information(x, here, (sigma, places, share), information)
        _less_variance(share, slope, information)
    return loglik, scores, information, means, deviations


@njit(cache=True, nogil=True)
def _slope(
    x: Array, y: Array, eta: Array, at: tuple[float, float], out: Array
) -> float:
    """Add the score in (beta, sigma) at one place to `out`; return that in u."""
    sigma, u = at
    k, total = x.shape[1], 0.0
    for t in range(len(eta)):
        rest = y[t] - _expit(eta[t] + sigma * u)
        total += rest
        for a in range(k):
            out[a] += rest * x[t, a]
    out[k] = u * total
    return sigma * total - u


@njit(cache=True, nogil=True)
def _expit(v: float) -> float:
    small = np.exp(-abs(v))
    return (1.0 if v >= 0 else small) / (1.0 + small)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _height(eta: Array, y: Array, sigma: float, u: float) -> float:
    """Return the log of what is integrated over u, but for its constant."""
    total = -0.5 * u * u
    for t in range(len(eta)):
        v = eta[t] + sigma * u
        total += min(v if y[t] > 0 else -v, 0.0) - np.log1p(np.exp(-abs(v)))
    return total


@njit(cache=True, nogil=True)
def _mode(eta: Array, y: Array, sigma: float, u: float) -> float:
    """Climb to the mode from u by Newton steps; the curve is concave."""
    level = _height(eta, y, sigma, u)
    for _ in range(100):
        first, second = -u, 1.0
        for t in range(len(eta)):
            p = _expit(eta[t] + sigma * u)
            first += sigma * (y[t] - p)
            second += sigma * sigma * p * (1.0 - p)
        move = first / second
        there = _height(eta, y, sigma, u + move)
        while there < level - 1e-12 * (1.0 + abs(level)) and abs(move) > 1e-12:
            move /= 2.0
            there = _height(eta, y, sigma, u + move)
        u += move
        level = there
        if abs(move) < 1e-11:
            break
    return u


@njit(cache=True, nogil=True)
def _moved(
    x: Array, y: Array, eta: Array, sigma: float, u: float
) -> tuple[float, Array, Array]:
    """Return the scale at the mode u, and how mode and scale move with (beta, sigma).

    The mode solves h'(u) = 0 and the scale is (-h''(u))^(-1/2), so both follow from
    the implicit function theorem.
    """
    k = x.shape[1]
    mixed, bent = np.zeros(k + 1), np.zeros(k + 1)  # of h' and h'' in (beta, sigma)
    rest, weight, skew = 0.0, 0.0, 0.0
    for t in range(len(eta)):
        p = _expit(eta[t] + sigma * u)
        w = p * (1.0 - p)
        s = w * (1.0 - 2.0 * p)
        rest += y[t] - p
        weight += w
        skew += s
        for a in range(k):
            mixed[a] -= sigma * w * x[t, a]
            bent[a] -= sigma * sigma * s * x[t, a]
    mixed[k] = rest - sigma * u * weight
    bent[k] = -2.0 * sigma * weight - sigma * sigma * u * skew
    curve = 1.0 + sigma * sigma * weight
    scale = 1.0 / np.sqrt(curve)
    d_mode = mixed / curve
    d_scale = 0.5 * scale**3 * (bent - sigma**3 * skew * d_mode)
    return scale, d_mode, d_scale


@njit(cache=True, nogil=True)
def _add_information(
    x: Array, eta: Array, posterior: tuple[float, Array, Array], information: Array
) -> None:
    """Add one group's mean information to the lower triangle (Louis' first part)."""
    sigma, places, share = posterior
    k = x.shape[1]
    for t in range(len(eta)):
        w0, w1, w2 = 0.0, 0.0, 0.0
        for q in range(len(places)):
            p = _expit(eta[t] + sigma * places[q])
            w = share[q] * p * (1.0 - p)
            w0 += w
            w1 += w * places[q]
            w2 += w * places[q] ** 2
        for a in range(k):
            for b in range(a + 1):
                information[a, b] += w0 * x[t, a] * x[t, b]
            information[k, a] += w1 * x[t, a]
        information[k, k] += w2


@njit(cache=True, nogil=True)
def _less_variance(share: Array, slope: Array, information: Array) -> None:
    """Take the variance of one group's score off (Louis' second part)."""
    points, k = slope.shape
    mean = np.zeros(k)
    for q in range(points):
        mean += share[q] * slope[q]
    for q in range(points):
        for a in range(k):
            left = share[q] * (slope[q, a] - mean[a])
            for b in range(a + 1):
                information[a, b] -= left * (slope[q, b] - mean[b])

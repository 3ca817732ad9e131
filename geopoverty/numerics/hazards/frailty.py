"""A gamma frailty: hazards that groups share and covariates do not explain."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, special

from geopoverty.numerics.hazards.partial import CoxData, Moments
from geopoverty.numerics.types import Array, Codes

STEPS, HALVINGS = 50, 30
DONE = 1e-11  # what a last Newton step may still add to twice the log-likelihood
NONE, MOST = 1e-6, 20.0  # variances of the frailty: below is none


@dataclass(frozen=True, eq=False)
class FrailtyFit:
    """A Cox model whose groups have multipliers with a gamma law of mean 1.

    Attributes
    ----------
    variance : float
        Of the multipliers; 0 if groups differ no more than chance has it.
    beta : array, shape (k + q,)
        Log hazard ratios, then log multipliers of groups.
    vcov : array, shape (k + q, k + q)
        Inverse of the penalised information, at the given variance.
    moments : Moments
        At `beta`; its columns are those of X, then the q groups.
    log_likelihood, log_likelihood_none : float
        With the frailty integrated out, and without any.
    """

    variance: float
    beta: Array
    vcov: Array
    moments: Moments
    log_likelihood: float
    log_likelihood_none: float


def fit_frailty(
    data: CoxData,
    group: Codes,
    start: tuple[Array, float],
    advance: Callable[[], object],
    variance: float | None = None,
) -> FrailtyFit:
    """Fit a Cox model with a gamma frailty by its marginal likelihood.

    Parameters
    ----------
    data : CoxData
        With weights of 1.
    group : array of int, shape (n,)
        From 0 to q - 1.
    start : (array, float)
        Coefficients and log-likelihood without frailty.
    advance : callable
        Called after each variance tried.
    variance : float, optional
        Above 0; the one of greatest likelihood when not given.

    Notes
    -----
    At a given variance 1/v the frailty is a penalty v sum(b - exp(b)) on the log
    multipliers b; with d exits of a group, the marginal log-likelihood is that at the
    maximum plus sum(d + v log v - (v + d) log(v + d) + log Gamma(v + d) - log
    Gamma(v)) + q v.

    References
    ----------
    Therneau, T. M., Grambsch, P. M. & Pankratz, V. S. (2003). Penalized survival
    models and frailty. Journal of Computational and Graphical Statistics 12,
    156-175, section 3.2.
    """
    k, q = data.X.shape[1], int(group.max()) + 1
    both = np.hstack([data.X, np.eye(q)[group]])
    wide = CoxData(both, data.risk, data.w, data.efron)
    exits = np.bincount(group, data.died, minlength=q).astype(np.float64)
    last = np.concatenate([start[0], np.zeros(q)])

    def at(size: float) -> tuple[Array, Moments, float]:
        nonlocal last
        last, moments = _penalised(wide, last, k, 1 / size)
        advance()
        return last, moments, _marginal(moments, last[k:], exits, 1 / size)

    size = variance
    if size is None:
        found = optimize.minimize_scalar(
            lambda s: -at(float(np.exp(s)))[2],
            bounds=(np.log(NONE), np.log(MOST)),
            method="bounded",
            options={"xatol": 1e-6},
        )
        size = float(np.exp(found.x))
    theta, moments, top = at(size)
    vcov = linalg.inv(_information(moments, theta[k:], k, 1 / size))
    none = variance is None and (size < 10 * NONE or top <= start[1])
    return FrailtyFit(
        0.0 if none else size, theta, (vcov + vcov.T) / 2, moments,
        start[1] if none else top, start[1],
    )  # fmt: skip


def _marginal(at: Moments, b: Array, exits: Array, v: float) -> float:
    whole = at.log_likelihood + v * float(np.sum(b - np.expm1(b)))
    total = v + exits
    # log v - log(v + d) and the ratio of gammas, without a difference of large terms.
    ratio = special.gammaln(total) - special.gammaln(v)
    if v > 1e5:  # Stirling, where the difference of gammaln has lost its digits
        ratio = exits * np.log(v) + exits * (exits - 1) / (2 * v)
    part = exits - total * np.log1p(exits / v) - exits * np.log(v) + ratio
    return whole + float(part.sum())


def _information(at: Moments, b: Array, k: int, v: float) -> Array:
    out = at.information()
    out[np.arange(k, len(out)), np.arange(k, len(out))] += v * np.exp(b)
    return out


def _penalised(data: CoxData, theta: Array, k: int, v: float) -> tuple[Array, Moments]:
    """Maximise the log-likelihood less the penalty, by Newton's method."""

    def height(at: Moments, t: Array) -> float:
        return at.log_likelihood + v * float(np.sum(t[k:] - np.exp(t[k:])))

    at = Moments(data, data.X @ theta)
    for _ in range(STEPS):
        gradient = at.gradient.copy()
        gradient[k:] += v * (1 - np.exp(theta[k:]))
        step = linalg.solve(_information(at, theta[k:], k, v), gradient, assume_a="pos")
        before = height(at, theta)
        for _ in range(HALVINGS):
            new = Moments(data, data.X @ (theta + step))
            if height(new, theta + step) >= before - 1e-9 * abs(before):
                break
            step = step / 2
        theta, at = theta + step, new
        if float(step @ gradient) < DONE:
            break
    return theta, at

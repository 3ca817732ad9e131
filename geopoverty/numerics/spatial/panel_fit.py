"""Maximum likelihood of spatial panels with fixed effects."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Chebyshev

from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.spatial.logdet import LogDeterminant
from geopoverty.numerics.spatial.panel_likelihood import Likelihood, maximize
from geopoverty.numerics.spatial.panel_profile import (
    ErrorProfile,
    LagProfile,
    Sweep,
    lag,
)
from geopoverty.numerics.spatial.returns import Returns
from geopoverty.numerics.types import Array, Matrix


@dataclass(frozen=True, eq=False)
class PanelFit:
    """A fitted spatial panel.

    Attributes
    ----------
    beta : array, shape (k,)
    rho : float
        Or lambda, in an error model.
    sigma2 : float
        Variance of the shocks.
    vcov : array, shape (k + 1, k + 1)
        Of coefficients, then rho: the inverse information, sigma2 allowed for.
    residual : array, shape (n, T)
        Net of effects: shocks e in a lag model, u in an error model.
    loglik, loglik_plain : float
        At the optimum, and at the best with rho = 0.
    size : int
        Independent observations net of effects.
    """

    beta: Array
    rho: float
    sigma2: float
    vcov: Array
    residual: Array
    loglik: float
    loglik_plain: float
    size: int


@dataclass(frozen=True, eq=False)
class PanelData:
    """What is fitted.

    Attributes
    ----------
    y : array, shape (n, T)
    X : array, shape (n, T, k)
    W : array or CSR array, shape (n, n)
    sweep : Sweep
    bounds : (float, float)
        The feasible rho.
    """

    y: Array
    X: Array
    W: Matrix
    sweep: Sweep
    bounds: tuple[float, float]


def fit_panel_lag(data: PanelData, returns: Returns) -> PanelFit:
    """Fit y = rho W y + X b + effects + e.

    Parameters
    ----------
    data : PanelData
        X must not be collinear net of effects.
    returns : Returns
        Of the same W.

    Returns
    -------
    PanelFit

    Raises
    ------
    EstimationError
        If rho runs to the boundary of what is feasible.

    Notes
    -----
    The information is the expected one (Anselin 1988, eq. 6.29; Elhorst 2003), with
    the traces of the swept data. Where period effects are swept out and rows of W
    have different sums, the estimating equation is unbiased but no score: the inverse
    of its expected derivative stands for the covariance.

    Examples
    --------
    >>> from geopoverty.numerics.spatial.bounds import feasible_rho
    >>> rng = np.random.default_rng(0)
    >>> W = (np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)) / 2
    >>> X = rng.normal(size=(60, 5, 1))
    >>> y = np.linalg.solve(np.eye(60) - 0.4 * W, X[:, :, 0] + rng.normal(size=(60, 5)))
    >>> data = PanelData(y, X, W, Sweep(unit=True, period=True), feasible_rho(W))
    >>> fit = fit_panel_lag(data, Returns(W))
    >>> fit.beta.round(2), round(fit.rho, 2)
    (array([0.99]), 0.42)
    """
    profile = LagProfile(data.y, data.X, data.W, data.sweep)
    likelihood = _likelihood(profile, data)
    rho, curve = maximize(likelihood, data.bounds)
    solver = returns.solver(rho)
    # The mean of W y net of effects, whatever the effects are: W y less its noise.
    noise = lag(data.W, solver.solve(profile.residual(rho)))
    eta = (profile.lagged - data.sweep(noise)).ravel()
    (t1, t2), t3 = _traces(curve, rho), returns.squares(rho)
    if likelihood.given_back:
        ones = np.ones(len(data.y))
        out = data.W @ solver.solve(ones)
        back = solver.solve(data.W.T @ ones, transposed=True)
        t1 -= float(out.mean())
        t2 -= float(back @ out) / len(ones)
        t3 -= float(back @ back) / len(ones)
    sigma2 = profile.squares(rho)[0] / likelihood.size
    k = profile.X.shape[1]
    information = np.empty((k + 1, k + 1))
    information[:k, :k] = profile.X.T @ profile.X
    information[:k, k] = information[k, :k] = profile.X.T @ eta
    information[k, k] = eta @ eta + sigma2 * _of_rho(likelihood, t1, t2 + t3)
    return _fit(likelihood, rho, float(curve(rho)), sigma2 * inverse(information))


def fit_panel_error(data: PanelData, returns: Returns) -> PanelFit:
    """Fit y = X b + effects + u, u = lambda W u + e.

    Parameters
    ----------
    data : PanelData
        X must not be collinear net of effects.
    returns : Returns
        Of the same W.

    Returns
    -------
    PanelFit
        `residual` is u net of effects.

    Raises
    ------
    EstimationError
        If lambda runs to the boundary of what is feasible.

    Notes
    -----
    Coefficients are those of generalised least squares; their information is apart
    from that of lambda and sigma2 (Anselin 1988, section 6.2.4).

    Examples
    --------
    >>> from geopoverty.numerics.spatial.bounds import feasible_rho
    >>> rng = np.random.default_rng(0)
    >>> W = (np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)) / 2
    >>> X = rng.normal(size=(60, 5, 1))
    >>> u = np.linalg.solve(np.eye(60) - 0.4 * W, rng.normal(size=(60, 5)))
    >>> sweep = Sweep(unit=True, period=True)
    >>> data = PanelData(X[:, :, 0] + u, X, W, sweep, feasible_rho(W))
    >>> fit = fit_panel_error(data, Returns(W))
    >>> fit.beta.round(2), round(fit.rho, 2)
    (array([0.97]), 0.37)
    """
    profile = ErrorProfile(data.y, data.X, data.W, data.sweep)
    likelihood = _likelihood(profile, data)
    rho, curve = maximize(likelihood, data.bounds)
    (t1, t2), t3 = _traces(curve, rho), returns.squares(rho)
    if likelihood.given_back:
        # What the direction s = A 1 of period effects had in them: G s is W 1.
        solver = returns.solver(rho)
        out = profile.row_sums
        s = 1 - rho * out
        back = solver.solve(data.W.T @ s, transposed=True)
        size, share = float(s @ s), float(s @ out) / float(s @ s)
        t1 -= share
        t2 -= 2 * float(back @ out) / size - share**2
        t3 -= float(out @ out + back @ back) / size - share**2
    sigma2 = profile.squares(rho)[0] / likelihood.size
    k = data.X.shape[2]
    vcov = np.zeros((k + 1, k + 1))
    vcov[:k, :k] = sigma2 * inverse(profile.moments(rho)[0][1:, 1:])
    vcov[k, k] = 1 / _of_rho(likelihood, t1, t2 + t3)
    return _fit(likelihood, rho, float(curve(rho)), vcov)


def _likelihood(profile: LagProfile | ErrorProfile, data: PanelData) -> Likelihood:
    units, periods = data.y.shape
    determinant = LogDeterminant(data.W)
    return Likelihood(profile, determinant, data.sweep, (units, periods))


def _traces(curve: Chebyshev, rho: float) -> tuple[float, float]:
    return -float(curve.deriv()(rho)), -float(curve.deriv(2)(rho))


def _of_rho(likelihood: Likelihood, once: float, twice: float) -> float:
    """Return the information on rho that shocks hold, sigma2 allowed for."""
    waves = likelihood.waves
    return waves * twice - 2 * (waves * once) ** 2 / likelihood.size


def _fit(
    likelihood: Likelihood, rho: float, log_determinant: float, vcov: Array
) -> PanelFit:
    profile = likelihood.profile
    return PanelFit(
        beta=profile.coefficients(rho),
        rho=rho,
        sigma2=profile.squares(rho)[0] / likelihood.size,
        vcov=vcov,
        residual=profile.residual(rho),
        loglik=likelihood.value(rho, log_determinant + likelihood.given(rho)),
        loglik_plain=likelihood.value(0.0, 0.0),
        size=likelihood.size,
    )

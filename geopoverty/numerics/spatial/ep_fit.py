"""Maximum likelihood of a spatial probit by expectation propagation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import Probit
from geopoverty.numerics.spatial.ep import EpPoint, EpProblem
from geopoverty.numerics.spatial.ep_search import (
    DECREMENT,
    FINE,
    MAX_STEPS,
    Chart,
    Evaluation,
    Search,
    ascent,
    slack,
)
from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class EpFit:
    """A fitted spatial probit.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        Coefficients, then rho.
    loglik : float
        Corrected for the leading terms beyond EP.
    score : array, shape (k + 1,)
        Of the corrected likelihood at `theta`: next to nothing.
    information : array, shape (k + 1, k + 1)
        Observed information: minus the differenced EP score. NaN at a boundary.
    mean, variance : array, shape (n_rows,)
        Of latent y* given all outcomes.
    record : tuple of Evaluation
        The search for the maximum of the EP likelihood.
    correction : array, shape (k + 1,)
        How far the terms beyond EP moved `theta`.
    separating : array of int
        Columns that separate the outcome perfectly at rho = 0; empty if none.
        Then there is no maximum and the rest means nothing.
    at_boundary : bool
        Whether the likelihood rises up to the end of what is feasible.
    """

    theta: Array
    loglik: float
    score: Array
    information: Array
    mean: Array
    variance: Array
    record: tuple[Evaluation, ...]
    correction: Array
    separating: Codes
    at_boundary: bool


def fit_ep(
    problem: EpProblem,
    bounds: tuple[float, float],
    start: Array | None = None,
    stepped: Callable[[], object] = lambda: None,
) -> EpFit:
    """Maximise the EP likelihood of a spatial probit.

    Parameters
    ----------
    problem : EpProblem
    bounds : (float, float)
        The feasible interval of rho, around 0.
    start : array, shape (k + 1,), optional
        Where to begin; rho is kept in the middle nine tenths of the interval. By
        default the probit without dependence.
    stepped : callable
        Called after every step.

    Returns
    -------
    EpFit

    Raises
    ------
    EstimationError
        If the search or the sites do not converge (with the record), if lags and
        covariates separate the outcome, or the information is singular.

    Notes
    -----
    Newton steps in (beta, atanh rho) with the second derivatives at fixed sites,
    which are all but free, and a BFGS update with the last step; sites are settled
    only as far as the distance to the maximum deserves. Within 0.003 standard
    errors of the maximum the exact score is differenced for the observed
    information, with which a last step or two reach 0.0001.

    What EP leaves out has known leading terms [1]_. Their gradient is differenced
    along the way, and one Newton step goes to the maximum of the corrected
    likelihood.

    References
    ----------
    .. [1] Opper, M., Paquet, U. & Winther, O. (2013). Perturbative corrections for
       approximate inference in Gaussian latent variable models. J. Mach. Learn.
       Res. 14, 2857-2898.

    Examples
    --------
    >>> from geopoverty.numerics.spatial.cells import Cells
    >>> W = np.roll(np.eye(64), 1, axis=1) / 2 + np.roll(np.eye(64), -1, axis=1) / 2
    >>> y = (np.arange(64) // 4 % 2).astype(float)  # runs of four
    >>> cells = Cells(np.arange(64), units=64, periods=1)
    >>> fit = fit_ep(EpProblem(np.ones((64, 1)), y, W, cells), (-1.0, 1.0))
    >>> round(float(fit.theta[-1]), 3)
    0.676
    """
    theta = start
    if start is None:
        plain = fit_binary(np.ascontiguousarray(problem.X), problem.y, Probit)
        if plain.separating.size:
            return _separated(problem, plain.separating)
        theta = np.append(plain.beta, 0.0)
    search = Search(problem, Chart(*bounds), stepped)
    search.begin(_inside(np.asarray(theta, dtype=np.float64), bounds))
    inside = search.run()
    return _found(search, at_boundary=not inside)


def profile(problem: EpProblem, rho: float, beta: Array) -> EpPoint:
    """Maximise the EP likelihood in beta alone.

    Parameters
    ----------
    problem : EpProblem
    rho : float
    beta : array, shape (k,)
        Where to begin.

    Returns
    -------
    EpPoint

    Raises
    ------
    EstimationError
        If sites or steps do not converge.

    Examples
    --------
    >>> from geopoverty.numerics.spatial.cells import Cells
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.arange(2), units=2, periods=1)
    >>> problem = EpProblem(np.ones((2, 1)), np.array([1.0, 0.0]), W, cells)
    >>> abs(profile(problem, 0.5, np.array([0.3])).theta).round(3)
    array([0. , 0.5])
    """
    scale = FINE / np.sqrt(len(problem.y))
    point = problem.at(np.append(beta, rho), None, scale)
    for _ in range(MAX_STEPS):
        information = -problem.curvature(point)[:-1, :-1]
        step, decrement = ascent(point.score[:-1], information)
        if decrement < DECREMENT:
            return point
        size = 1.0
        while size > 1e-4:
            theta = np.append(point.theta[:-1] + size * step, rho)
            found = problem.at(theta, point.sites, scale)
            if found.loglik > point.loglik - slack(point, decrement):
                break
            size /= 2
        point = found
    raise EstimationError(
        f"The likelihood of the spatial probit did not converge at rho = {rho:.6g}, "
        f"log-likelihood {point.loglik:.8g}. Rescale covariates of very different size."
    )


def _inside(theta: Array, bounds: tuple[float, float]) -> Array:
    low, high = bounds
    inset = 0.05 * (high - low)
    rho = float(np.clip(theta[-1], low + inset, high - inset))
    return np.append(theta[:-1], rho)


def _separated(problem: EpProblem, columns: Codes) -> EpFit:
    n, k = problem.X.shape
    row, theta = np.full(n, np.nan), np.full(k + 1, np.nan)
    information = np.full((k + 1, k + 1), np.nan)
    return EpFit(
        theta, 0.0, theta, information, row, row, (), theta, columns, at_boundary=False
    )


def _found(search: Search, *, at_boundary: bool) -> EpFit:
    point, information = search.point, search.information
    return EpFit(
        point.theta,
        point.loglik + point.correction,
        point.score if at_boundary else search.score,
        np.full_like(information, np.nan) if at_boundary else information,
        point.mean,
        point.variance,
        tuple(search.record),
        search.correction,
        np.zeros(0, dtype=np.intp),
        at_boundary,
    )

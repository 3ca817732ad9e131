"""Random effects of units whose neighbours act: by likelihood and by moments."""

from collections.abc import Callable

import numpy as np

from geopoverty.estimators.panel.hausman import Check, Hausman, summarised
from geopoverty.estimators.panel.problem import Fitted, Problem
from geopoverty.numerics.random_panel import Groups, added_means, swamy_arora, wald
from geopoverty.numerics.spatial.panel_moments import (
    ComponentsFit,
    fit_error_components,
)
from geopoverty.numerics.spatial.panel_random import (
    ErrorProfile,
    LagProfile,
    Layout,
    RandomSpatialFit,
    fit_random_spatial,
)
from geopoverty.numerics.types import Array

NEAR_POOLED = -0.05  # a second start, where effects of units hardly count


def fit_random_likelihood(problem: Problem) -> Fitted:
    """Fit random effects with a lag, an error or a Durbin model by likelihood.

    Returns
    -------
    Fitted
        ``facts``: ``sigma_u``, ``sigma_e``, ``theta``, ``log_likelihood``.
        ``tables["hausman"]``: the likelihood ratio of unit means of the covariates
        (Mundlak's terms; in a Durbin model of their lags, too).

    Raises
    ------
    EstimationError
        If the likelihood has its maximum at an end of the parameters' range.

    Notes
    -----
    The error model is Anselin's and Baltagi's: unit effects do not spill over, what
    rows have does. Standard errors come from the observed information; in a lag
    model those printed by Elhorst's formula and spreg 1.9 are some per cent off.

    References
    ----------
    Debarsy, N. (2012). The Mundlak approach in the spatial Durbin panel data model.
    Spatial Economic Analysis 7, 109-131.
    """
    starts = _starts(problem)
    kind = ErrorProfile if problem.model == "error" else LagProfile
    fit = fit_random_spatial(kind(_layout(problem, problem.X)), starts)

    def ratio(X: Array) -> float:
        wider = fit_random_spatial(kind(_layout(problem, X)), starts)
        return 2 * max(wider.loglik - fit.loglik, 0.0)

    tests = _mundlak(problem, "Mundlak, likelihood ratio", ratio)
    residual = _residual(problem, fit.theta)
    return Fitted(
        theta=fit.theta,
        vcov=fit.vcov,
        residual=residual,
        facts={**_facts(fit, len(problem.y)), "vcov": "observed information"},
        notes=(*_pooled(fit), *tests.notes),
        tables={"hausman": tests.table},
    )


def fit_components(problem: Problem) -> Fitted:
    """Fit error components that spill over by generalised moments.

    Returns
    -------
    Fitted
        ``facts``: ``sigma_u``, ``sigma_e``, ``theta``. ``tables["hausman"]``: a Wald
        test of unit means of the covariates.

    Raises
    ------
    EstimationError
        If the moments are met best outside of what variances and lambda can be.

    Notes
    -----
    Unit effects spill over as what rows have does: ``u = lambda W u + m + v``
    (Kapoor, Kelejian & Prucha 2007).
    """
    fit = fit_error_components(_layout(problem, problem.X))
    k = len(problem.design.names)

    def added(X: Array) -> float:
        wider = fit_error_components(_layout(problem, X))
        return wald(wider.theta[k:-1], wider.vcov[k:-1, k:-1])

    tests = _mundlak(problem, "Mundlak, Wald", added)
    return Fitted(
        theta=fit.theta,
        vcov=fit.vcov,
        residual=_residual(problem, fit.theta),
        facts={**_components(fit, problem.n_periods), "vcov": "moments"},
        notes=(*_moment_notes(fit), *tests.notes),
        tables={"hausman": tests.table},
    )


def _layout(problem: Problem, X: Array) -> Layout:
    """Lay rows out as units by periods, in the order of the weights."""
    assert problem.weights is not None
    return Layout(problem.weights.matrix, problem.wide(problem.y), problem.wide(X))


def _residual(problem: Problem, theta: Array) -> Array:
    """Return outcome less X b (and less rho W y in a lag model), row by row."""
    left = problem.y - problem.X @ theta[:-1]
    if problem.model == "error":
        return np.asarray(left)
    assert problem.weights is not None
    lagged = problem.long(problem.weights.matrix @ problem.wide(problem.y))
    return np.asarray(left - theta[-1] * lagged)


def _starts(problem: Problem) -> tuple[float, ...]:
    groups = Groups(problem.units)
    found = swamy_arora(problem.X, problem.y, groups)
    weight = found.row / (found.row + problem.n_periods * found.unit)
    return float(np.log(weight)), NEAR_POOLED


def _mundlak(
    problem: Problem, name: str, statistic: Callable[[Array], float]
) -> Hausman:
    means, of = added_means(problem.X, Groups(problem.units))
    if not of:
        return summarised([Check(name, float("nan"), 0)])
    return summarised([Check(name, statistic(np.hstack([problem.X, means])), len(of))])


def _facts(fit: RandomSpatialFit, rows: int) -> dict[str, object]:
    parameters = len(fit.theta) + 2  # both variances, too
    return {
        "method": "maximum likelihood",
        "sigma_u": float(np.sqrt(fit.unit)),
        "sigma_e": float(np.sqrt(fit.row)),
        "theta": fit.share,
        "log_likelihood": fit.loglik,
        "aic": 2 * parameters - 2 * fit.loglik,
        "bic": float(np.log(rows)) * parameters - 2 * fit.loglik,
    }


def _components(fit: ComponentsFit, periods: int) -> dict[str, object]:
    return {
        "method": "moments (Kapoor, Kelejian & Prucha)",
        "sigma_u": float(np.sqrt(max(fit.means - fit.row, 0.0) / periods)),
        "sigma_e": float(np.sqrt(fit.row)),
        "theta": fit.share,
    }


def _pooled(fit: RandomSpatialFit) -> tuple[str, ...]:
    if not fit.pooled:
        return ()
    return (
        "The likelihood has no variance of effects of units to find: it is 0 at the "
        "maximum, and this is the pooled model.",
    )


def _moment_notes(fit: ComponentsFit) -> list[str]:
    notes = ["The standard error of lambda holds for normal errors."]
    if fit.share == 0:
        notes.append(
            "Unit means vary no more than rows do: the variance of effects of units "
            "was set to 0."
        )
    return notes

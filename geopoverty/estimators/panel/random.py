"""Random effects of units: generalised least squares without dependence."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty.covariances import Covariance, SmallSample, covariance
from geopoverty.estimators.panel.components import fit_random_likelihood
from geopoverty.estimators.panel.hausman import compare_effects
from geopoverty.estimators.panel.problem import Fitted, Problem
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import Scores
from geopoverty.numerics.random_panel import (
    Components,
    Groups,
    LeastSquares,
    random_fit,
    swamy_arora,
)
from geopoverty.numerics.types import Array


def fit_random(problem: Problem) -> Fitted:
    """Fit with random effects of units, with or without dependence.

    Returns
    -------
    Fitted
        ``facts``: standard deviations ``sigma_u`` (units) and ``sigma_e`` (rows),
        ``theta``, the share of a unit's mean that is taken off (``theta_least`` and
        ``theta_most`` where units have different numbers of rows).
        ``tables["hausman"]``: tests against fixed effects. ``tables["unit_effects"]``:
        the best linear predictor of each unit's effect.

    Raises
    ------
    EstimationError
        If there are too few units, or rows within them, for the variances.
    """
    if problem.spatial is not None:
        return fit_random_likelihood(problem)
    X, y, groups = problem.X, problem.y, Groups(problem.units)
    components = swamy_arora(X, y, groups)
    fit = random_fit(X, y, groups, components)
    cov, df_t = _covariance(problem, fit)
    tests = compare_effects(X, y, groups, components, fit)
    residual = y - X @ fit.beta
    return Fitted(
        theta=fit.beta,
        vcov=cov.matrix,
        residual=residual,
        df_t=df_t,
        facts={
            "method": "GLS (Swamy-Arora)",
            "r_squared": _r_squared(y, residual),
            **_spread(components, groups),
            **cov.facts,
            "df_t": df_t,
        },
        notes=(*cov.notes, *_pooled(components), *tests.notes),
        tables={
            "hausman": tests.table,
            "unit_effects": _unit_effects(problem, groups, components, residual),
        },
    )


def _covariance(problem: Problem, fit: LeastSquares) -> tuple[Covariance, float]:
    n, k = fit.X.shape
    if problem.vcov == "iid":
        return Covariance(fit.vcov, {"vcov": "iid"}, ()), float(n - k)

    def scores() -> Scores:
        for rows in blocks(n):
            yield rows, fit.X[rows] * fit.residual[rows, None]

    small = SmallSample(k, k, fewest=True)
    unit = problem.keys.unit
    cov = covariance(problem.vcov, fit.bread, scores, problem.rows, unit, small)
    groups = cov.facts.get("n_clusters")
    return cov, float(n - k if groups is None else groups - 1)


def _r_squared(y: Array, residual: Array) -> float:
    total = y - y.mean()
    return 1 - float(residual @ residual) / float(total @ total)


def _spread(components: Components, groups: Groups) -> dict[str, Any]:
    theta = components.theta(groups.counts)
    facts: dict[str, Any] = {
        "sigma_u": float(np.sqrt(components.unit)),
        "sigma_e": float(np.sqrt(components.row)),
    }
    if np.ptp(theta) == 0:
        return {**facts, "theta": float(theta[0])}
    return {
        **facts,
        "theta_least": float(theta.min()),
        "theta_most": float(theta.max()),
    }


def _pooled(components: Components) -> tuple[str, ...]:
    if components.raw > 0:
        return ()
    return (
        f"The variance of effects of units was estimated at {components.raw:.3g} and "
        "set to 0: these are pooled least squares.",
    )


def _unit_effects(
    problem: Problem, groups: Groups, components: Components, residual: Array
) -> pd.DataFrame:
    first = np.unique(groups.codes, return_index=True)[1]
    counts = groups.counts
    shrunk = counts * components.unit / (components.row + counts * components.unit)
    return pd.DataFrame(
        {
            "unit_id": problem.rows[problem.keys.unit].to_numpy()[first],
            "rows": counts.astype(int),
            "effect": shrunk * groups.means(residual),
        }
    )

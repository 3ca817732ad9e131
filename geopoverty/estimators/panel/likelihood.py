"""Panels with dependence and fixed effects: maximum likelihood."""

import numpy as np
from scipy import stats

from geopoverty.estimators.panel.problem import Fitted, Problem, refuse_absorbed
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.spatial.panel_fit import (
    PanelData,
    PanelFit,
    fit_panel_error,
    fit_panel_lag,
)
from geopoverty.numerics.spatial.panel_profile import Sweep
from geopoverty.numerics.types import Array

Z95 = float(stats.norm.ppf(0.975))


def fit_likelihood(problem: Problem) -> Fitted:
    """Fit a lag, error or Durbin model by maximum likelihood.

    Raises
    ------
    InputError
        If effects and other covariates determine a covariate.
    EstimationError
        If the spatial coefficient runs to the boundary of what is feasible.
    """
    spatial, weights = problem.spatial, problem.weights
    assert spatial is not None
    assert weights is not None
    bounds = feasible_rho(weights.matrix)
    data = PanelData(
        problem.wide(problem.y),
        problem.wide(problem.X),
        weights.matrix,
        _sweep(problem),
        bounds,
    )
    _refuse_absorbed(problem, data)
    fit = fit_panel_error if spatial.model == "error" else fit_panel_lag
    found = fit(data, problem.returns)
    facts = {
        "sigma2": found.sigma2,
        **_likelihood_facts(found),
        **_pseudo_r_squared(problem, data, found),
        "n_independent": found.size,
        "feasible_low": bounds[0],
        "feasible_high": bounds[1],
        "vcov": "inverse information",
    }
    return Fitted(
        theta=np.append(found.beta, found.rho),
        vcov=found.vcov,
        residual=problem.long(found.residual),
        facts=facts,
        notes=_notes(problem, data, found),
    )


def _sweep(problem: Problem) -> Sweep:
    effects = problem.keys.effects
    assert problem.spatial is not None
    return Sweep(
        unit=effects in ("unit", "two-way"),
        period=effects in ("period", "two-way"),
        correct=problem.spatial.bias_correction,
    )


def _refuse_absorbed(problem: Problem, data: PanelData) -> None:
    swept = data.sweep(data.X).reshape(data.y.size, -1)
    # What is left of an absorbed column is rounding, which no scale makes visible.
    size = np.abs(problem.X).max(axis=0)
    swept = np.where(np.abs(swept).max(axis=0) > 1e-10 * size, swept, 0.0)
    lost = {problem.names[j] for j, _ in dependent_columns(swept)}
    refuse_absorbed(lost, problem.keys.effects)


def _likelihood_facts(found: PanelFit) -> dict[str, float]:
    ratio = 2 * (found.loglik - found.loglik_plain)
    parameters = len(found.beta) + 2  # rho and sigma2, too
    return {
        "log_likelihood": found.loglik,
        "aic": 2 * parameters - 2 * found.loglik,
        "bic": float(np.log(found.size)) * parameters - 2 * found.loglik,
        "log_likelihood_without_dependence": found.loglik_plain,
        "lr_dependence": ratio,
        "lr_dependence_p": float(stats.chi2.sf(ratio, 1)),
    }


def _pseudo_r_squared(
    problem: Problem, data: PanelData, found: PanelFit
) -> dict[str, float]:
    """Return squared correlations of the outcome and what the model says of it."""
    y = data.sweep(data.y)
    facts = {"pseudo_r_squared": _squared_correlation(y, y - found.residual)}
    if problem.model != "error":
        # What it says without looking at neighbours' outcomes.
        expected = data.sweep(data.X) @ found.beta
        expected = problem.returns.solver(found.rho).solve(expected)
        facts["pseudo_r_squared_reduced"] = _squared_correlation(y, expected)
    return facts


def _squared_correlation(a: Array, b: Array) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1] ** 2)


def _notes(problem: Problem, data: PanelData, found: PanelFit) -> tuple[str, ...]:
    notes = []
    low, high = data.bounds
    width = 2 * Z95 * float(np.sqrt(found.vcov[-1, -1]))
    name = problem.names[-1]
    if width > high - max(low, -high):
        notes.append(
            f"The 95 % interval of {name} is wider than all that is stable: these "
            "weights hardly identify it. Try a cutoff, a steeper decay, or the nearest "
            "k."
        )
    if problem.keys.absorbed and not data.sweep.correct:
        share = found.size / _independent(data)
        notes.append(
            f"Without the correction of Lee & Yu (2010) fixed effects count as known: "
            f"sigma2 is {100 * (1 - 1 / share):.0f} % too small and standard errors "
            "with it."
        )
    return tuple(notes)


def _independent(data: PanelData) -> int:
    units, periods = data.y.shape
    return Sweep(data.sweep.unit, data.sweep.period).size(units, periods)

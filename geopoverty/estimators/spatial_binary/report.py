"""From a fit to the one `Result`."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import cell_table
from geopoverty.effects.quality import quality
from geopoverty.effects.spatial import cell_weights, spatial_effects, unit_effects
from geopoverty.estimators.spatial_binary.problem import Case, Fitted, Problem
from geopoverty.numerics.spatial.index import SpatialIndex
from geopoverty.numerics.types import Mask
from geopoverty.results import Result

Described = tuple[
    pd.DataFrame, dict[str, Any], dict[str, pd.DataFrame], tuple[str, ...]
]  # units, facts, tables, notes


def result_of(
    name: str,
    problem: Case,
    fitted: Fitted,
    parts: dict[str, Any],
    described: Described,
) -> Result:
    """Wrap up: estimates, effects, units, facts, tables and notes.

    Parameters
    ----------
    name : str
        The estimator.
    problem : Problem
    fitted : Fitted
    parts : dict
        ``facts``, ``notes`` and ``provenance`` that the caller knows.
    described : tuple
        Of `describe`, or the like where rows are elsewhere.
    """
    design = problem.lagged.design
    estimates = np.where(_open(fitted), np.nan, fitted.theta)
    units, facts, tables, more = described
    return Result(
        estimator=name,
        estimates=pd.Series(estimates, index=problem.names),
        vcov=pd.DataFrame(fitted.vcov, index=problem.names, columns=problem.names),
        units=units,
        facts={**parts["facts"], **_likelihood_ratio(fitted), **facts, **fitted.facts},
        tables={**tables, "convergence": fitted.record},
        notes=(
            *design.notes,
            *fitted.notes,
            *more,
            *one_way(problem, units),
            *parts["notes"],
        ),
        provenance={**parts["provenance"], **_recipe(problem, fitted)},
    )


def _open(fitted: Fitted) -> Mask:
    """Return which parameters the data leave open."""
    last = np.arange(len(fitted.theta)) == len(fitted.theta) - 1
    return np.asarray(last & fitted.flat)


def _recipe(problem: Case, fitted: Fitted) -> dict[str, Any]:
    """Return what `predict` needs, unless there is nothing to predict from."""
    if fitted.infeasible:
        return {}
    return {
        "recipe": recipe_of(
            problem.lagged.design,
            problem.sample,
            link=problem.link.name,
            model=problem.model,
            scaled=fitted.scaled,
            columns=problem.names[:-1],
        )
    }


def describe(problem: Problem, fitted: Fitted) -> Described:
    """Return units, facts, tables and notes on a fit of rows in memory."""
    cells = cell_table(problem.lagged.design, problem.cells, problem.sample)
    find = _without_effects if fitted.infeasible else _effects
    return find(problem, fitted, cells)


def _effects(problem: Problem, fitted: Fitted, cells: pd.DataFrame) -> Described:
    """Set probabilities and effects beside the cells; say how well all fits."""
    index = SpatialIndex(
        problem.X,
        problem.W,
        problem.cells,
        lagged=problem.structure == "lag",
        scaled=fitted.scaled,
    )
    here = index.at(fitted.rho)
    effects = spatial_effects(problem.lagged)
    found = unit_effects(here, fitted.theta, problem.link, effects, fitted.vcov)
    probability = problem.link.probability(here.rows(fitted.theta[:-1]))
    fit = quality(
        problem.y,
        probability,
        problem.cells.w,
        loglik=fitted.loglik,
        k=len(fitted.theta) - fitted.flat,
        nested="Intercept" in problem.names,
    )
    tables = {
        "effects": found.average(cell_weights(problem.cells)),
        **fit.tables,
        "fitted": pd.DataFrame(
            {"outcome": problem.y, "probability": probability},
            index=problem.lagged.design.rows.index,
        ),
    }
    notes = (*effects.notes, *fit.notes)
    return found.beside(cells), dict(fit.facts), tables, notes


def _without_effects(problem: Problem, _: Fitted, cells: pd.DataFrame) -> Described:
    outcome = pd.DataFrame({"outcome": problem.y})
    fitted = outcome.set_axis(problem.lagged.design.rows.index)
    return cells, {}, {"fitted": fitted}, ()


def _likelihood_ratio(fitted: Fitted) -> dict[str, float]:
    """Return the test of dependence: the model against rho = 0."""
    if fitted.loglik is None or fitted.loglik_plain is None:
        return {}
    ratio = 2 * (fitted.loglik - fitted.loglik_plain)
    return {
        "log_likelihood_without_dependence": fitted.loglik_plain,
        "lr_dependence": ratio,
        "lr_dependence_p": float(stats.chi2.sf(ratio, 1)),
    }


def one_way(problem: Case, units: pd.DataFrame) -> tuple[str, ...]:
    """Note how many units have the same outcome in all their rows."""
    if problem.cells.alone:
        return ()
    alike = int(((units["outcome"] == 0) | (units["outcome"] == 1)).sum())
    if not alike:
        return ()
    return (
        f"The outcome is the same in all rows of {alike} of {len(units)} units: "
        "they count like all others.",
    )

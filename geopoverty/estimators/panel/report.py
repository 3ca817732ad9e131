"""From a fit to the one `Result`."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import Sample
from geopoverty.effects.spatial import spatial_effects
from geopoverty.effects.tables import (
    labelled_effects,
    linear_effects_table,
)
from geopoverty.effects.terms import effect_terms
from geopoverty.effects.units import effect_columns
from geopoverty.estimators.panel.problem import Fitted, Problem
from geopoverty.numerics.spatial.impacts import KINDS
from geopoverty.numerics.spatial.panel_impacts import LinearImpacts
from geopoverty.numerics.types import Array
from geopoverty.results import Result


def result_of(problem: Problem, fitted: Fitted, parts: dict[str, Any]) -> Result:
    """Wrap up: estimates, effects, units, facts, tables and notes.

    Parameters
    ----------
    problem : Problem
    fitted : Fitted
    parts : dict
        ``notes`` and ``provenance`` that the caller knows.
    """
    names = problem.names
    find = _spilling if problem.model in ("lag", "durbin") else _plain
    effects, columns, notes = find(problem, fitted)
    return Result(
        estimator="panel",
        estimates=pd.Series(fitted.theta, index=names),
        vcov=pd.DataFrame(fitted.vcov, index=names, columns=names),
        units=_units_table(problem, fitted, columns),
        facts={**_facts(problem), **fitted.facts},
        tables={"effects": effects, **fitted.tables},
        notes=(*problem.design.notes, *fitted.notes, *notes, *parts["notes"]),
        provenance={**parts["provenance"], "recipe": _recipe(problem)},
    )


def _recipe(problem: Problem) -> dict[str, Any]:
    """Return what `scenario` needs."""
    keys = problem.keys
    return recipe_of(
        problem.design,
        Sample(keys.unit, keys.period),
        link="identity",
        model=problem.model,
        columns=problem.design.names,
        intercept=keys.effects in ("none", "random"),
    )


Found = tuple[pd.DataFrame, dict[str, Array], list[str]]  # effects, columns, notes


def _plain(problem: Problem, fitted: Fitted) -> Found:
    """Return effects that stay where they are, or go as far as ``W(x)`` says."""
    k = len(problem.design.names)
    terms = effect_terms(problem.design)
    theta, vcov = fitted.theta[:k], fitted.vcov[:k, :k]
    return linear_effects_table(terms, theta, vcov, fitted.df_t), {}, terms.notes


def _spilling(problem: Problem, fitted: Fitted) -> Found:
    """Return effects that neighbours' outcomes carry on, on average and by unit."""
    assert problem.cells is not None
    asked = spatial_effects(problem.lagged)
    here = LinearImpacts(problem.returns, float(fitted.theta[-1]), problem.cells)
    values: list[float] = []
    errors: list[float] = []
    labels: list[tuple[str, str]] = []
    columns: dict[str, Array] = {}
    for term, impact in zip(asked.terms, asked.impacts, strict=True):
        found = here.of(impact, fitted.theta[:-1], fitted.vcov)
        values.extend(found.average)
        errors.extend(found.average_errors)
        labels.extend((term, kind) for kind in ("direct", "indirect", "total"))
        shape = (problem.cells.units, problem.cells.periods, len(KINDS))
        effect = np.broadcast_to(found.effects, shape)
        error = np.broadcast_to(found.errors, shape)
        for j, kind in enumerate(KINDS):
            name = f"{kind}({term})"
            shown = problem.long(effect[:, :, j]), problem.long(error[:, :, j])
            columns |= effect_columns(name, *shown)
    table = labelled_effects(values, errors, labels, fitted.df_t)
    return table, columns, asked.notes


def _units_table(
    problem: Problem, fitted: Fitted, columns: dict[str, Array]
) -> pd.DataFrame:
    rows = problem.rows
    table = {
        "unit_id": rows[problem.keys.unit].to_numpy(),
        "period": rows[problem.keys.period].to_numpy(),
        "outcome": problem.y,
        "fitted": problem.y - fitted.residual,
        "residual": fitted.residual,
    }
    return pd.DataFrame(table | columns)


def _facts(problem: Problem) -> dict[str, Any]:
    spatial = problem.spatial
    facts: dict[str, Any] = {
        "n_obs": len(problem.rows),
        "n_dropped": problem.design.dropped,
        "outcome": problem.design.formula.outcome,
        "effects": problem.keys.effects,
        "n_units": problem.n_units,
        "n_periods": problem.n_periods,
    }
    if spatial is not None:
        facts |= {"model": spatial.model, "method": spatial.method}
    return facts

"""Pooled logit: individuals have no effects, but their rows depend on one another."""

from typing import Any

import pandas as pd

from geopoverty._checks import refuse_separation
from geopoverty._progress import stages
from geopoverty.covariances import WildCluster, covariance
from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import Sample
from geopoverty.effects.quality import quality, spans_constant
from geopoverty.effects.tables import (
    BinaryModel,
    effects_table,
    fitted_table,
    odds_ratios,
)
from geopoverty.effects.terms import effect_terms
from geopoverty.effects.units import units_table
from geopoverty.effects.wild import NO_WILD, Wild, WildModel, wild_binary
from geopoverty.estimators.panel_logit.problem import Problem
from geopoverty.numerics.binary import fit_binary, score_blocks
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.links import Logit
from geopoverty.results import Result


def pooled_result(problem: Problem, provenance: dict[str, Any]) -> Result:
    """Fit a pooled logit and wrap up.

    Raises
    ------
    EstimationError
        If a covariate separates the outcome perfectly.
    """
    design, keys = problem.design, problem.keys
    with stages(f"Fitting {len(design.y):,} rows, step") as stepped:
        fit = fit_binary(design.X, design.y, Logit, None, stepped)
    refuse_separation(fit.separating, design.names, design.formula.outcome)
    cov = covariance(
        problem.vcov,
        inverse(fit.information),
        lambda: score_blocks(design.X, design.y, fit.beta, Logit),
        design.rows,
        keys.unit,
    )
    place = keys.unit if keys.unit in design.rows else keys.individual
    model = BinaryModel(design, Logit, None, place, keys.period, fit, cov.matrix)
    effects, fitted = effect_terms(design), fitted_table(model)
    wild = _wild(model, problem)
    good = quality(
        design.y,
        fitted["probability"].to_numpy(),
        loglik=fit.loglik,
        k=design.X.shape[1],
        nested="Intercept" in design.names or spans_constant(design.X),
    )
    notes = (*cov.notes, *wild.notes, *effects.notes, *good.notes)
    sample = Sample(keys.unit, keys.period)
    return Result(
        estimator="panel_logit",
        estimates=pd.Series(fit.beta, index=design.names),
        vcov=pd.DataFrame(cov.matrix, index=design.names, columns=design.names),
        units=units_table(model, effects),
        facts={**problem.facts, **good.facts, **cov.facts, **wild.facts},
        tables={
            **wild.tables,
            "effects": effects_table(model, effects),
            "odds_ratios": odds_ratios(design.names, fit.beta, cov.matrix),
            "fitted": fitted,
            **good.tables,
        },
        notes=(*problem.notes, *notes),
        provenance={**provenance, "recipe": recipe_of(design, sample, link="logit")},
    )


def _wild(model: BinaryModel, problem: Problem) -> Wild:
    design, vcov = model.design, problem.vcov
    if not isinstance(vcov, WildCluster):
        return NO_WILD
    fitted = WildModel(design.X, design.y, design.names, model.fit.beta, Logit)
    with stages("Wild cluster bootstrap, term", len(design.names)) as stepped:
        return wild_binary(fitted, vcov, design.rows, stepped)

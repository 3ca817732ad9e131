"""From both stages to the one `Result`."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, special, stats

from geopoverty._checks import first, warn
from geopoverty.covariances import Cluster, Covariance, Vcov
from geopoverty.effects.quality import quality, spans_constant
from geopoverty.effects.tables import labelled_effects, odds_ratios
from geopoverty.effects.terms import EffectTerms, effect_terms
from geopoverty.estimators.control_function.problem import Problem
from geopoverty.numerics.residual_inclusion import TwoStepFit
from geopoverty.numerics.structural_effects import (
    Structure,
    average_change,
    average_slope,
    structural_density,
)
from geopoverty.numerics.two_stage import (
    FirstStage,
    Groups,
    Instrumented,
    first_stages,
)
from geopoverty.numerics.types import Array
from geopoverty.results import Result, inference_table

WEAK = 10.0  # a first-stage F below it: neither estimates nor errors can be trusted
Z95 = float(stats.norm.ppf(0.975))


def result_of(
    problem: Problem,
    fit: TwoStepFit,
    cov: Covariance,
    vcov: Vcov,
    provenance: dict[str, Any],
) -> Result:
    """Wrap up: estimates, effects, first stages, notes."""
    design, names = problem.design, problem.names
    k = len(names)
    theta, block = fit.binary.beta, cov.matrix[:k, :k]
    effects = effect_terms(design)
    structure = _structure(problem, fit)
    probability = special.expit(fit.XV @ theta)
    found = quality(
        design.y,
        probability,
        problem.model.w,
        loglik=fit.binary.loglik,
        k=k,
        nested="Intercept" in design.names or spans_constant(design.X),
    )
    stages = first_stages(_first_stage_model(problem, vcov))
    exogenous = _exogeneity(theta, block, len(design.names))
    return Result(
        estimator="control_function",
        estimates=pd.Series(theta, index=names),
        vcov=pd.DataFrame(block, index=names, columns=names),
        units=_units_table(problem, probability, effects, structure),
        facts={
            **_facts(problem),
            **found.facts,
            **exogenous,
            "first_stage_f": min(s.conditional_f for s in stages),
            **cov.facts,
        },
        tables={
            "effects": _effects_table(structure, effects, cov.matrix),
            "first_stage": pd.DataFrame(
                [
                    {"term": n, **vars(s)}
                    for n, s in zip(problem.endogenous, stages, strict=True)
                ]
            ),
            "first_stage_coefficients": _first_table(problem, fit, cov.matrix[k:, k:]),
            "odds_ratios": odds_ratios(names, theta, block),
            **found.tables,
            "fitted": pd.DataFrame(
                {"outcome": design.y, "probability": probability},
                index=design.rows.index,
            ),
        },
        notes=(
            *design.notes,
            *problem.notes,
            *_notes(problem, stages),
            *cov.notes,
            *effects.notes,
            *found.notes,
        ),
        provenance=provenance,
    )


def _structure(problem: Problem, fit: TwoStepFit) -> Structure:
    k, w = len(problem.design.names), problem.model.weight
    return Structure(
        problem.model.X,
        fit.XV[:, k:],
        problem.model.Z,
        fit.binary.beta,
        problem.model.link,
        w / w.sum(),
    )


def _effects_table(
    structure: Structure, effects: EffectTerms, vcov: Array
) -> pd.DataFrame:
    """Return average effects with the errors of both stages, one row a term."""
    found = [
        (s.term, s.kind, average_slope(structure, s.slope)) for s in effects.slopes
    ]
    found += [
        (c.term, "direct", average_change(structure, (c.dummies, c.level)))
        for c in effects.changes
    ]
    values = [float(value) for _, _, (value, _) in found]
    errors = [np.sqrt(max(float(g @ vcov @ g), 0.0)) for _, _, (_, g) in found]
    return labelled_effects(values, errors, [(t, kind) for t, kind, _ in found])


def _first_stage_model(problem: Problem, vcov: Vcov) -> Instrumented:
    model, rows = problem.model, problem.design.rows
    root = np.sqrt(model.weight)
    codes, count = np.arange(len(rows)), len(rows)
    if isinstance(vcov, Cluster):
        found, levels = pd.factorize(rows[vcov.columns[0]])
        codes, count = np.asarray(found, dtype=np.intp), len(levels)
    own = len(problem.exogenous)
    return Instrumented(
        model.y * root,
        model.X * root[:, None],
        model.endogenous,
        model.Z[:, own:] * root[:, None],
        Groups(codes, count),
    )


def _exogeneity(theta: Array, vcov: Array, k: int) -> dict[str, float]:
    """Return the Wald test that no residual matters."""
    rho, block = theta[k:], vcov[k:, k:]
    statistic = float(rho @ linalg.pinvh(block) @ rho)
    return {
        "exogeneity_statistic": statistic,
        "exogeneity_df": len(rho),
        "exogeneity_p": float(stats.chi2.sf(statistic, len(rho))),
    }


def _first_table(problem: Problem, fit: TwoStepFit, vcov: Array) -> pd.DataFrame:
    """Return the first stages' coefficients, one row a regressor and stage."""
    names = [*problem.exogenous, *problem.outside]
    labels = [(e, n) for e in problem.endogenous for n in names]
    table = inference_table(
        pd.Series(fit.first.T.ravel(), index=[n for _, n in labels]),
        pd.Series(np.sqrt(np.maximum(np.diag(vcov), 0.0))),
    )
    table.insert(0, "endogenous", [e for e, _ in labels])
    return table


def _units_table(
    problem: Problem, probability: Array, effects: EffectTerms, structure: Structure
) -> pd.DataFrame:
    """Average outcome, probability and lagged terms' effects over units' rows."""
    rows, sample, w = problem.design.rows, problem.sample, problem.model.weight
    values = {"outcome": problem.design.y, "probability": probability}
    if effects.lagged:
        density, beta = structural_density(structure), structure.beta
        for shown in effects.lagged:
            slope = shown.slope.at(beta, slice(None))
            values[f"{shown.kind}({shown.term})"] = density * slope
    if sample.unit not in rows.columns:
        return pd.DataFrame({"row": rows.index, "rows": 1, **values})
    keys = [sample.unit] if sample.period is None else [sample.unit, sample.period]
    codes = rows.groupby(keys, sort=True).ngroup().to_numpy()
    firsts = rows[keys].iloc[np.unique(codes, return_index=True)[1]]
    names = {sample.unit: "unit_id", sample.period: "period"}
    table = firsts.rename(columns=names).reset_index(drop=True)
    table["rows"] = np.bincount(codes)
    total = np.bincount(codes, w)
    for name, value in values.items():
        table[name] = np.bincount(codes, w * value) / total
    return table


def _facts(problem: Problem) -> dict[str, Any]:
    design, sample = problem.design, problem.sample
    facts: dict[str, Any] = {
        "n_obs": len(design.y),
        "n_dropped": design.dropped,
        "outcome": design.formula.outcome,
        "method": "control function",
        "n_instruments": len(problem.outside),
        "n_endogenous": len(problem.endogenous),
    }
    if sample.unit in design.rows.columns:
        facts["n_units"] = int(design.rows[sample.unit].nunique())
    if sample.period is not None:
        facts["n_periods"] = int(design.rows[sample.period].nunique())
    return facts


def _notes(problem: Problem, stages: list[FirstStage]) -> tuple[str, ...]:
    said = first(problem.outside)
    notes = [
        f"It is assumed that {said} act on the outcome through "
        f"{first(problem.endogenous)} only and are independent of what is not "
        "observed, and that the latter is linear in the first stage's residuals.",
        "Coefficients are scaled by what residuals leave unobserved; compare effects, "
        "not coefficients, with those of a logit. Effects give everybody each "
        "residual in turn.",
    ]
    counts = [
        n
        for n, j in zip(problem.endogenous, problem.model.endogenous, strict=True)
        if np.unique(problem.model.X[:, j]).size <= 2
    ]
    if counts:
        notes.append(
            f"{first(counts)} takes two values: a linear first stage's residual hardly "
            "holds all that moves with it."
        )
    if any(np.isnan(s.f) for s in stages):
        notes.append(
            f"Clusters are too few to test {len(problem.outside)} instruments "
            "together: no first-stage F."
        )
    weak = [
        (n, s.conditional_f)
        for n, s in zip(problem.endogenous, stages, strict=True)
        if s.conditional_f < WEAK
    ]
    if weak:
        shown = ", ".join(f"{n} (F {f:.2f})" for n, f in weak)
        note = (
            f"Instruments are weak for {shown}: below {WEAK:g} estimates lean towards "
            "those of a plain logit and standard errors mislead."
        )
        warn(f"{note} Look for instruments that move it more.")
        notes.append(note)
    return tuple(notes)

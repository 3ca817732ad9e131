"""Conditional logit: what changes within individuals, whatever their effects."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first, refuse_separation
from geopoverty._progress import stages
from geopoverty.covariances import Cluster, Conley, Covariance
from geopoverty.effects.tables import Z95, labelled_effects
from geopoverty.effects.terms import effect_terms
from geopoverty.errors import InputError
from geopoverty.estimators.panel_logit.problem import (
    Problem,
    individual_covariance,
    refuse_within,
)
from geopoverty.numerics.conditional import ConditionalFit, fit_conditional
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.strata import Strata
from geopoverty.numerics.types import Array
from geopoverty.results import Result

FLAT = 1e-9  # variation within individuals, relative to a column's size: rounding


def conditional_result(problem: Problem, provenance: dict[str, Any]) -> Result:
    """Fit a conditional logit and wrap up.

    Raises
    ------
    InputError
        If effects of individuals absorb a covariate.
    EstimationError
        If a covariate separates the outcome within individuals.
    """
    design = problem.design
    groups = problem.groups.kept(problem.changing)
    _refuse_absorbed(problem, groups)
    with stages(f"Fitting {len(groups.order):,} rows, step") as stepped:
        fit = fit_conditional(design.X, design.y, groups, stepped)
    refuse_separation(fit.separating, design.names, design.formula.outcome)
    bread = inverse(fit.at.information)
    cov = individual_covariance(problem, bread, fit.at.scores, groups)
    elasticities, notes = _semi_elasticities(problem, fit.beta, cov.matrix)
    return Result(
        estimator="panel_logit",
        estimates=pd.Series(fit.beta, index=design.names),
        vcov=pd.DataFrame(cov.matrix, index=design.names, columns=design.names),
        units=_units(problem),
        facts={**problem.facts, **_facts(problem, fit, groups), **cov.facts},
        tables={
            "odds_ratios": odds_ratio_table(design.names, fit.beta, cov),
            "semi_elasticities": elasticities,
        },
        notes=(*problem.notes, *_unchanging(problem, groups), *cov.notes, *notes),
        provenance=provenance,
    )


def odds_ratio_table(names: list[str], beta: Array, cov: Covariance) -> pd.DataFrame:
    """Return exp(beta) with 95 % intervals, one row a term."""
    error = np.sqrt(np.diag(cov.matrix)[: len(beta)])
    with np.errstate(over="ignore"):
        return pd.DataFrame(
            {
                "term": names,
                "odds_ratio": np.exp(beta),
                "conf_low": np.exp(beta - Z95 * error),
                "conf_high": np.exp(beta + Z95 * error),
            }
        )


def _refuse_absorbed(problem: Problem, groups: Strata) -> None:
    """Refuse what does not vary, or varies together, within individuals."""
    design = problem.design
    size = np.abs(design.X).max(axis=0)
    everywhere = _spread(design.X, problem.groups) <= FLAT * size
    refuse_within(design.names, list(np.flatnonzero(everywhere)), "")
    here = _spread(design.X, groups) <= FLAT * size
    refuse_within(design.names, list(np.flatnonzero(here)), " whose outcome changes")
    found = dependent_columns(groups.centred(design.X))
    if found:
        parts = [
            f"'{design.names[j]}' by {', '.join(design.names[i] for i in basis)}"
            for j, basis in found
        ]
        raise InputError(
            "Within individuals whose outcome changes, covariates must not determine "
            f"one another; {len(found)} of {len(design.names)} break this "
            f"({first(parts)}). Leave one of them out."
        )


def _spread(X: Array, groups: Strata) -> Array:
    return np.asarray(np.abs(groups.centred(X)).max(axis=0))


def _semi_elasticities(
    problem: Problem, beta: Array, vcov: Array
) -> tuple[pd.DataFrame, list[str]]:
    """Average b (1 - P) over rows: the relative change of P, by one of x.

    Averages of P are those of the outcome, so that individuals' effects are not
    needed (Kitazawa 2012). The variance of that average adds to that of b; their
    covariance is 0, for scores have mean 0 given each individual's sum.
    """
    design = problem.design
    effects = effect_terms(design)
    rest = 1 - design.y
    codes, n = _clusters(problem), len(design.y)
    values, errors, labels = [], [], []
    for shown in effects.slopes:
        gradient, rows = np.zeros(len(beta)), np.zeros(n)
        for j, m in shown.slope.parts:
            share = rest if m is None else rest * m
            gradient[j] += share.mean()
            rows += beta[j] * share
        value = float(rows.mean())
        sums = np.bincount(codes, rows - value)
        variance = float(gradient @ vcov @ gradient) + float(sums @ sums) / n**2
        values.append(value)
        errors.append(float(np.sqrt(variance)))
        labels.append((shown.term, shown.kind))
    notes = [
        "Effects on the probability need each individual's own effect, which the "
        "conditional likelihood leaves out. tables['odds_ratios'] and "
        "tables['semi_elasticities'] (the average relative change of the probability "
        "for one unit of x) do without."
    ]
    if effects.changes:
        named = first(c.term for c in effects.changes)
        notes.append(f"Categories ({named}) have odds ratios only.")
    return labelled_effects(values, errors, labels), [*notes, *effects.notes]


def _clusters(problem: Problem) -> Any:
    rows, vcov = problem.design.rows, problem.vcov
    column = problem.keys.individual
    if isinstance(vcov, Conley):
        column = problem.keys.unit
    elif isinstance(vcov, Cluster):
        column = vcov.columns[0]
    return pd.factorize(rows[column])[0]


def _unchanging(problem: Problem, groups: Strata) -> list[str]:
    still = int((~problem.changing).sum())
    if not still:
        return []
    rows = len(problem.design.y) - len(groups.order)
    return [
        f"{still:,} of {len(problem.changing):,} individuals ({rows:,} rows) have the "
        "same outcome in all periods: they say nothing here and do not count."
    ]


def _facts(problem: Problem, fit: ConditionalFit, groups: Strata) -> dict[str, Any]:
    k, n = len(fit.beta), len(groups.order)
    loglik = fit.at.loglik
    ratio = max(2 * (loglik - fit.loglik_null), 0.0)
    return {
        "n_obs": n,
        "n_individuals": groups.groups,
        "n_obs_unchanging": len(problem.design.y) - n,
        "log_likelihood": loglik,
        "log_likelihood_null": fit.loglik_null,
        "pseudo_r_squared": 1 - loglik / fit.loglik_null,
        "likelihood_ratio": ratio,
        "likelihood_ratio_df": k,
        "likelihood_ratio_p": float(stats.chi2.sf(ratio, k)),
        "aic": -2 * loglik + 2 * k,
        "bic": -2 * loglik + k * float(np.log(n)),
    }


def _units(problem: Problem) -> pd.DataFrame:
    """Return a row a unit: rows, mean outcome, individuals and how many change."""
    rows, keys = problem.design.rows, problem.keys
    column = keys.unit if keys.unit in rows else keys.individual
    who = np.empty(len(rows), dtype=np.intp)
    who[problem.groups.order] = np.repeat(
        np.arange(problem.groups.groups), problem.groups.sizes
    )
    table = pd.DataFrame(
        {
            "unit_id": rows[column].to_numpy(),
            "outcome": problem.design.y,
            "who": who,
            "changing": np.where(problem.changing[who], who, np.nan),
        }
    ).groupby("unit_id")
    return pd.DataFrame(
        {
            "rows": table.size(),
            "outcome": table["outcome"].mean(),
            "individuals": table["who"].nunique(),
            "changing": table["changing"].nunique(),
        }
    ).reset_index()

"""Random-intercept logit, with or without the means of individuals."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, stats

from geopoverty._checks import first, refuse_separation, warn
from geopoverty._progress import stages
from geopoverty.covariances import Covariance
from geopoverty.design import Design
from geopoverty.effects.quality import quality
from geopoverty.effects.tables import Z95
from geopoverty.effects.terms import effect_terms
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.panel_logit.averaged import Averaged
from geopoverty.estimators.panel_logit.conditional import odds_ratio_table
from geopoverty.estimators.panel_logit.options import RandomIntercept
from geopoverty.estimators.panel_logit.problem import Problem, individual_covariance
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.random_logit import (
    RandomLogitFit,
    fit_random_logit,
    random_information,
)
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.types import Array
from geopoverty.results import Result

LOGISTIC = np.pi**2 / 3  # variance of a logistic error
START, MOST = 12, 100  # quadrature points
ROUGH = 0.01  # standard errors that doubled points may move an estimate
FLAT = 1e-9


def random_result(
    problem: Problem, random: RandomIntercept, provenance: dict[str, Any]
) -> Result:
    """Fit a random-intercept logit and wrap up.

    Raises
    ------
    EstimationError
        If a covariate separates the outcome, or the search does not converge.

    Warns
    -----
    GeoPovertyWarning
        If the quadrature is too coarse, or the intercepts do not spread.
    """
    design, left_out = _with_means(problem) if random.means else (problem.design, [])
    how = _fit(problem, design, random)
    fit, cov = how.found, _covariance(problem, how)
    averaged = Averaged(design, fit.theta, np.nan_to_num(cov.matrix))
    terms = effect_terms(problem.design)
    probability = averaged.probability()
    good = quality(
        design.y,
        probability,
        loglik=fit.at.loglik,
        k=len(fit.theta),
        nested="Intercept" in design.names,
    )
    names = [*design.names, "sigma_u"]
    fitted = pd.DataFrame(
        {"outcome": design.y, "probability": probability}, index=design.rows.index
    )
    mundlak = _mundlak(problem, design, fit, cov) if random.means else {}
    notes = (*problem.notes, *left_out, *_notes(how, random))
    return Result(
        estimator="panel_logit",
        estimates=pd.Series(fit.theta, index=names),
        vcov=pd.DataFrame(cov.matrix, index=names, columns=names),
        units=averaged.units(_places(problem), terms),
        facts={
            **problem.facts,
            **good.facts,
            **_facts(how),
            **cov.facts,
        },
        tables={
            "effects": averaged.effects(terms),
            "random": _spread_table(fit, cov),
            **mundlak,
            "odds_ratios": odds_ratio_table(design.names, fit.theta[:-1], cov),
            "intercepts": _intercepts(problem, fit),
            "fitted": fitted,
            **good.tables,
        },
        notes=(*notes, *cov.notes, *terms.notes, *good.notes),
        provenance=provenance,
    )


def _with_means(problem: Problem) -> tuple[Design, list[str]]:
    """Set each individual's means of what varies over time behind the covariates."""
    design, groups = problem.design, problem.groups
    size = np.abs(design.X).max(axis=0)
    moving = np.abs(groups.centred(design.X)).max(axis=0) > FLAT * size
    columns = np.flatnonzero(moving)
    if not columns.size:
        raise InputError(
            "No covariate varies within individuals, so their means are the covariates "
            "themselves. Use effects='random'."
        )
    who = np.empty(len(design.y), dtype=np.intp)
    who[groups.order] = np.repeat(np.arange(groups.groups), groups.sizes)
    means = groups.means(design.X[:, columns])[who]
    X = np.column_stack([design.X, means])
    # In a balanced panel the means of period dummies are a constant.
    lost = {j for j, _ in dependent_columns(X)}
    kept = [j for j in range(X.shape[1]) if j not in lost]
    names = [*design.names, *(f"mean({design.names[j]})" for j in columns)]
    notes = []
    if lost:
        notes.append(
            f"{first(names[j] for j in sorted(lost))} left out: the same for all, or "
            "determined by the other covariates."
        )
    extended = replace(
        design, X=np.ascontiguousarray(X[:, kept]), names=[names[j] for j in kept]
    )
    return extended, notes


@dataclass(frozen=True, eq=False)
class _Fit:
    """A fit, and what twice as many points would change."""

    found: RandomLogitFit
    points: int
    shift: float  # the farthest an estimate moves, in standard errors
    bread: Array


def _fit(problem: Problem, design: Design, random: RandomIntercept) -> _Fit:
    """Fit with the points asked for, or with as many as it takes."""
    data = design.X, design.y, problem.groups
    points = START if random.points is None else random.points
    with stages(f"Fitting {len(design.y):,} rows, step") as stepped:
        fit = fit_random_logit(*data, points, None, stepped)
        refuse_separation(fit.pooled.separating, design.names, design.formula.outcome)
        while not fit.flat:
            bread = _bread(random_information(*data, fit, points))
            finer = fit_random_logit(*data, 2 * points, fit.theta, stepped)
            moved = np.abs(finer.theta - fit.theta) / np.sqrt(np.diag(bread))
            shift = float(moved.max())
            if shift <= ROUGH or random.points is not None or points > MOST / 2:
                return _Fit(fit, points, shift, bread)
            fit, points = finer, 2 * points
    return _Fit(fit, points, 0.0, inverse(fit.pooled.information))


def _bread(information: Array) -> Array:
    try:
        linalg.cholesky(information)
    except linalg.LinAlgError as error:
        raise EstimationError(
            "The information matrix at the estimates is not positive definite, so "
            "there are no standard errors. Raise RandomIntercept(points=), or leave "
            "covariates out."
        ) from error
    return inverse(information)


def _covariance(problem: Problem, fit: _Fit) -> Covariance:
    """Return the covariance of (beta, sigma); NaN for a sigma at its edge, 0."""
    scores, groups = fit.found.at.scores, problem.groups
    if not fit.found.flat:
        return individual_covariance(problem, fit.bread, scores, groups)
    own = np.ascontiguousarray(scores[:, :-1])
    cov = individual_covariance(problem, fit.bread, own, groups)
    matrix = np.full((len(fit.found.theta),) * 2, np.nan)
    matrix[:-1, :-1] = cov.matrix
    return replace(cov, matrix=matrix)


def _facts(how: _Fit) -> dict[str, Any]:
    fit = how.found
    sigma = float(fit.theta[-1])
    ratio = max(2 * (fit.at.loglik - fit.pooled.loglik), 0.0)
    return {
        "sigma_u": sigma,
        "intraclass_correlation": sigma**2 / (sigma**2 + LOGISTIC),
        "log_likelihood_without_effects": fit.pooled.loglik,
        "lr_effects": ratio,
        # sigma = 0 is at the edge: half of the chi-squared lies at 0.
        "lr_effects_p": 0.5 * float(stats.chi2.sf(ratio, 1)) if ratio > 0 else 1.0,
        "quadrature_points": how.points,
        "quadrature_shift": how.shift,
    }


def _spread_table(fit: RandomLogitFit, cov: Covariance) -> pd.DataFrame:
    """Return sigma_u and the intraclass correlation, intervals on the log of sigma."""
    sigma = float(fit.theta[-1])
    error = float(np.sqrt(cov.matrix[-1, -1]))
    share = sigma**2 / (sigma**2 + LOGISTIC)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.exp(Z95 * np.float64(error) / sigma)
        ends = np.array([sigma / wide, sigma * wide])
    bent = 2 * sigma * LOGISTIC / (sigma**2 + LOGISTIC) ** 2
    return pd.DataFrame(
        {
            "parameter": ["sigma_u", "intraclass_correlation"],
            "estimate": [sigma, share],
            "std_error": [error, bent * error],
            "conf_low": [ends[0], ends[0] ** 2 / (ends[0] ** 2 + LOGISTIC)],
            "conf_high": [ends[1], ends[1] ** 2 / (ends[1] ** 2 + LOGISTIC)],
        }
    )


def _mundlak(
    problem: Problem, design: Design, fit: RandomLogitFit, cov: Covariance
) -> dict[str, pd.DataFrame]:
    """Return the Wald test that all means' coefficients are 0."""
    at = slice(len(problem.design.names), len(design.names))
    beta = fit.theta[at]
    if not beta.size:
        return {}
    statistic = float(beta @ linalg.solve(cov.matrix[at, at], beta, assume_a="sym"))
    test = {
        "statistic": statistic,
        "df": len(beta),
        "p_value": float(stats.chi2.sf(statistic, len(beta))),
    }
    return {"mundlak": pd.DataFrame([{"hypothesis": "all means are 0", **test}])}


def _intercepts(problem: Problem, fit: RandomLogitFit) -> pd.DataFrame:
    """Return each individual's expected intercept, given its outcomes."""
    return pd.DataFrame(
        {
            "individual": problem.labels,
            "rows": problem.groups.sizes,
            "outcome": problem.groups.means(problem.design.y),
            "intercept": fit.at.intercepts + 0.0,  # no minus zero
            "std_deviation": fit.at.deviations,
        }
    )


def _places(problem: Problem) -> list[str]:
    keys = problem.keys
    place = keys.unit if keys.unit in problem.design.rows else keys.individual
    return [place, keys.period]


def _notes(how: _Fit, random: RandomIntercept) -> tuple[str, ...]:
    notes = [
        "Estimates are log-odds at a given intercept; probabilities and effects are "
        "averaged over the intercepts' distribution, as a population shows them."
    ]
    if how.found.flat:
        note = "The data show no spread of intercepts: sigma_u is 0."
        warn(f"{note} The estimates are those of the pooled logit.")
        return (note, *notes)
    notes.append(
        "The test that sigma_u is 0 is lr_effects (its null is at the edge), not the "
        "one beside the estimate."
    )
    if not random.means:
        notes.append(
            "Intercepts are taken as unrelated to covariates; effects='mundlak' tests "
            "that, effects='unit' does without."
        )
    notes.append(
        f"Quadrature with {how.points} points; twice as many move no estimate by more "
        f"than {how.shift:.1g} standard errors."
    )
    if how.shift > ROUGH:
        note = f"{how.points} quadrature points are too few: estimates are rough."
        warn(f"{note} Use effects=RandomIntercept(points={2 * how.points}).")
        notes.append(note)
    return tuple(notes)

"""From stacked equations to the one `Result`: fit, tests, effects, notes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import warn
from geopoverty.covariances import few_clusters
from geopoverty.effects.tables import linear_effects_table
from geopoverty.effects.terms import effect_terms
from geopoverty.estimators.dynamic_panel.equations import Problem
from geopoverty.numerics.dynamic.gmm import (
    GmmFit,
    Step,
    fit_gmm,
    hansen_without,
)
from geopoverty.numerics.dynamic.serial import serial_correlation
from geopoverty.numerics.dynamic.stack import differenced, sargan
from geopoverty.numerics.types import Array
from geopoverty.results import Result, inference_table

PERSISTENT = 0.8  # sum of the lagged outcome's coefficients: past levels say little
PERFECT = 0.95  # p-value of Hansen's test: too good, a sign of too many instruments


@dataclass(frozen=True, eq=False)
class Fitted:
    """The step that counts.

    Attributes
    ----------
    fit : GmmFit
    step : Step
    vcov : array, shape (k, k)
    said : str
        How standard errors were computed.
    """

    fit: GmmFit
    step: Step
    vcov: Array
    said: str


def result_of(
    problem: Problem, notes: tuple[str, ...], provenance: dict[str, Any]
) -> Result:
    """Estimate, test and wrap up."""
    fitted = _fit(problem)
    tests = _tests(problem, fitted)
    effects, long_run, more = _effects(problem, fitted)
    names, design = problem.names, problem.given.design
    return Result(
        estimator="dynamic_panel",
        estimates=pd.Series(fitted.step.beta, index=names),
        vcov=pd.DataFrame(fitted.vcov, index=names, columns=names),
        units=_units_table(problem, fitted.step.residual),
        facts=_facts(problem, fitted, tests),
        tables={
            "tests": tests,
            "instruments": _instrument_table(problem),
            "effects": effects,
            **long_run,
        },
        notes=(
            *design.notes,
            *problem.notes,
            *_instrument_notes(problem, fitted, tests),
            *_model_notes(problem, fitted),
            *more,
            *notes,
        ),
        provenance=provenance,
    )


def _fit(problem: Problem) -> Fitted:
    how = problem.given.how
    fit = fit_gmm(problem.stacked.eq, problem.stacked.weight)
    if how.steps == 1:
        return Fitted(fit, fit.one, fit.robust_one, "robust, one step")
    if how.windmeijer:
        return Fitted(fit, fit.two, fit.corrected_two, "two-step, Windmeijer-corrected")
    return Fitted(fit, fit.two, fit.plain_two, "two-step, uncorrected")


def _tests(problem: Problem, fitted: Fitted) -> pd.DataFrame:
    """Return one row a test: statistic, df, p-value, or why there is none."""
    eq, fit, stacked = problem.stacked.eq, fitted.fit, problem.stacked
    df = eq.Z.shape[1] - eq.X.shape[1]
    diff = differenced(problem.panel)
    exact = "" if df else "no degrees of freedom: as many instruments as coefficients"
    rows = [
        _chi2("Hansen", fit.hansen, df, exact),
        _chi2("Sargan", sargan(stacked, fit.one, diff), df, exact),
    ]
    for order in (1, 2):
        periods = int(diff.there.any(axis=0).sum()) + 1
        z = serial_correlation(eq, fitted.step, fitted.vcov, diff, order)
        why = (
            f"needs residuals of {order + 2} periods in a row; there are {periods}"
            if z is None
            else ""
        )
        rows.append(
            {
                "test": f"AR({order}) in differences",
                "statistic": np.nan if z is None else z,
                "df": np.nan,
                "p_value": np.nan if z is None else 2 * stats.norm.sf(abs(z)),
                "why_not": why,
            }
        )
    if problem.given.system:
        rows.append(_level_instruments(problem, fit, df))
    return pd.DataFrame(rows)


def _chi2(name: str, statistic: float, df: int, why: str) -> dict[str, Any]:
    known = df > 0 and not why
    return {
        "test": name,
        "statistic": statistic if known else np.nan,
        "df": df,
        "p_value": float(stats.chi2.sf(statistic, df)) if known else np.nan,
        "why_not": why,
    }


def _level_instruments(problem: Problem, fit: GmmFit, df: int) -> dict[str, Any]:
    """Test the instruments that only the level equation has."""
    name, extra = "difference-in-Hansen, level instruments", problem.level_past
    without = hansen_without(problem.stacked.eq, fit, ~extra) if extra.any() else None
    if without is None or df - extra.sum() < 0:
        return _chi2(name, np.nan, 0, "without them the model is not identified")
    return _chi2(name, max(fit.hansen - without, 0.0), int(extra.sum()), "")


def _facts(problem: Problem, fitted: Fitted, tests: pd.DataFrame) -> dict[str, Any]:
    given, eq, panel = problem.given, problem.stacked.eq, problem.panel
    by = tests.set_index("test")
    facts: dict[str, Any] = {
        "n_obs": int((panel.there if given.system else panel.equations).sum()),
        "n_dropped": given.design.dropped,
        "outcome": given.design.formula.outcome,
        "method": f"{given.how.equations} GMM",
        "steps": given.how.steps,
        "n_units": len(problem.units),
        "n_periods": int(panel.there.any(axis=0).sum()),
        "n_instruments": eq.Z.shape[1],
        "n_parameters": eq.X.shape[1],
        "vcov": fitted.said,
    }
    if given.how.cluster is not None:
        facts["n_clusters"] = eq.count
    for fact, test in (("hansen", "Hansen"), ("sargan", "Sargan")):
        facts |= {
            fact: float(by.loc[test, "statistic"]),
            f"{fact}_df": int(by.loc[test, "df"]),
            f"{fact}_p": float(by.loc[test, "p_value"]),
        }
    for order in (1, 2):
        row = by.loc[f"AR({order}) in differences"]
        facts[f"ar{order}"] = float(row["statistic"])
        facts[f"ar{order}_p"] = float(row["p_value"])
    return facts


def _instrument_table(problem: Problem) -> pd.DataFrame:
    keys = ["variable", "equation", "kind"]
    found = problem.instruments.groupby(keys, sort=False).size()
    return found.rename("count").reset_index()


def _instrument_notes(
    problem: Problem, fitted: Fitted, tests: pd.DataFrame
) -> tuple[str, ...]:
    eq = problem.stacked.eq
    moments, units = eq.Z.shape[1], len(problem.units)
    notes = [f"{moments} instruments for {eq.X.shape[1]} coefficients; {units} units."]
    if moments > units:
        note = (
            f"There are more instruments ({moments}) than units ({units}): estimates "
            "lean towards those without instruments and Hansen's test loses its power."
        )
        warn(f"{note} Use Instruments(collapse=True) or fewer lags.")
        notes.append(note)
    if fitted.fit.singular:
        notes.append(
            "The covariance of the moments is singular; its inverse in the directions "
            "it has was used."
        )
    p = tests.set_index("test")["p_value"]["Hansen"]
    if p > PERFECT:
        notes.append(
            f"Hansen's p-value of {p:.3f} is no comfort: it comes near 1 when "
            "instruments are many (Roodman 2009)."
        )
    notes += [f"{r.test}: {r.why_not}." for r in tests.itertuples() if r.why_not]
    return tuple(notes)


def _model_notes(problem: Problem, fitted: Fitted) -> tuple[str, ...]:
    given, eq = problem.given, problem.stacked.eq
    notes = list(few_clusters(eq.count)) if eq.count < len(problem.units) else []
    if given.system:
        notes.append(
            "The level equation needs changes of the instruments to be uncorrelated "
            "with the units' effects (Blundell & Bond 1998): units must not start far "
            "from where they settle. Sargan's test is for units without effects."
        )
    lagged = sum(fitted.step.beta[j] for j in given.variables.lagged_outcome)
    if lagged > PERSISTENT and not given.system:
        notes.append(
            f"The outcome is persistent ({lagged:.2f}): earlier levels say little of "
            "differences, and the coefficient leans downwards. See method='system'."
        )
    if given.how.steps == 2 and not given.how.windmeijer:
        notes.append("Two-step standard errors without correction are too small.")
    return tuple(notes)


def _effects(
    problem: Problem, fitted: Fitted
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], tuple[str, ...]]:
    given = problem.given
    own = len(given.design.names)
    found = effect_terms(given.design)
    beta, vcov = fitted.step.beta[:own], fitted.vcov[:own, :own]
    table = linear_effects_table(found, beta, vcov)
    notes = tuple(n for n in found.notes if "enters through several terms" not in n)
    outcome = given.design.formula.outcome
    if any(f"W({outcome}" in n for n in given.design.formula.lags):
        note = (
            "Effects hold neighbours' outcomes fixed: what comes back through "
            f"W({outcome}) is not in them."
        )
        return table, {}, (*notes, note)
    if not given.variables.lagged_outcome:
        return table, {}, notes
    return table, {"long_run": _long_run(problem, beta, vcov)}, notes


def _long_run(problem: Problem, beta: Array, vcov: Array) -> pd.DataFrame:
    """Return what a lasting change of x by one does in the end, one row a variable."""
    given = problem.given
    lagged = list(given.variables.lagged_outcome)
    left = 1 - beta[lagged].sum()
    groups = _groups(problem, set(lagged))
    values, errors = [], []
    for columns in groups.values():
        total = beta[columns].sum()
        gradient = np.zeros(len(beta))
        gradient[columns] = 1 / left
        gradient[lagged] = total / left**2
        values.append(total / left)
        errors.append(np.sqrt(max(float(gradient @ vcov @ gradient), 0.0)))
    return inference_table(
        pd.Series(values, index=list(groups), dtype=np.float64),
        pd.Series(errors, dtype=np.float64),
    )


def _groups(problem: Problem, lagged: set[int]) -> dict[str, list[int]]:
    """Return the columns of each variable, its lags over periods included."""
    design = problem.given.design
    groups: dict[str, list[int]] = {}
    for j, name in enumerate(design.names):
        if j in lagged or name == "Intercept":
            continue
        own = name
        while own in design.formula.earlier:
            own = design.formula.earlier[own].expression.strip("` ")
        groups.setdefault(own, []).append(j)
    return groups


def _units_table(problem: Problem, residual: Array) -> pd.DataFrame:
    """Return a row an equation: levels in a system, else transformed rows."""
    panel, given = problem.panel, problem.given
    where = panel.there if given.system else panel.equations
    who, when = np.nonzero(where)
    kept = slice(-len(who), None)
    y, e = problem.stacked.eq.y[kept], residual[kept]
    labels = {p: given.axis.label(p) for p in np.unique(when)}
    return pd.DataFrame(
        {
            "unit_id": problem.units[who],
            "period": [labels[p] for p in when],
            "outcome": y,
            "fitted": y - e,
            "residual": e,
        }
    )

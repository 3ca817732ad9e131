"""Cox's proportional hazards: tests, residuals and predictions of a fit."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty.design.recipe import recipe_of
from geopoverty.estimators.exits.cox_model import CoxModel, fitted, frailty_facts
from geopoverty.estimators.exits.problem import Fitted, Problem
from geopoverty.numerics.hazards.baseline import exit_chances
from geopoverty.numerics.hazards.concordance import concordance
from geopoverty.numerics.hazards.proportional import (
    TRANSFORMS,
    proportional,
    scaled_schoenfeld,
    transformed,
)
from geopoverty.numerics.hazards.residuals import deviance_residuals
from geopoverty.numerics.types import Array, Codes

Z95 = float(stats.norm.ppf(0.975))
REJECTED = 0.05  # of the test of proportional hazards
MANY_EXITS = 50_000  # rows of the table of Schoenfeld residuals


def fit(problem: Problem) -> Fitted:
    """Fit a Cox model.

    Parameters
    ----------
    problem : Problem

    Raises
    ------
    EstimationError
        If some covariate separates exits from the rest perfectly.
    """
    model = fitted(problem)
    tests, notes = _ph_tests(model)
    shared, said = _shared(model)
    schoenfeld = _schoenfeld(model)
    return Fitted(
        names=problem.names,
        theta=model.fit.beta,
        vcov=model.cov.matrix,
        units=_units(model),
        facts={**_facts(model), **model.cov.facts},
        tables={
            "hazard_ratios": _hazard_ratios(model),
            "ph_test": tests,
            "baseline": _baseline_table(model),
            **schoenfeld,
            **shared,
        },
        notes=(*model.cov.notes, *notes, *said, *_reading(problem)),
        curves=lambda rows, times: _curves(model, rows, times),
        recipe=_recipe(model),
    )


def _recipe(model: CoxModel) -> dict[str, Any]:
    """Return what `scenario` needs, where all units share one baseline."""
    problem, base = model.problem, model.base
    spells = problem.spells
    if len(spells.strata) > 1 or spells.histories or model.frailty is not None:
        return {}
    stratum = np.zeros(1, dtype=np.intp)
    hazard, _ = base.hazards(base.centre[None, :], stratum, np.array([problem.by]))
    recipe = recipe_of(problem.design, problem.sample, link="hazard", intercept=False)
    return {
        **recipe,
        "cumulative_hazard": float(hazard[0, 0]),
        "centre": [float(c) for c in base.centre],
    }


def _reading(problem: Problem) -> list[str]:
    """Return how chances of having left are to be read."""
    notes, last = [], float(problem.spells.time.max())
    if problem.spells.histories:
        notes.append(
            "Chances of having left are those of a unit that had its last covariates "
            "from the origin on."
        )
    if problem.by > last:
        notes.append(
            f"Nobody is observed until {problem.by:g}: chances by then are those by "
            f"{last:g}."
        )
    return notes


def _hazard_ratios(model: CoxModel) -> pd.DataFrame:
    beta, error = model.fit.beta, model.error
    return pd.DataFrame(
        {
            "term": model.problem.names,
            "hazard_ratio": np.exp(beta),
            "conf_low": np.exp(beta - Z95 * error),
            "conf_high": np.exp(beta + Z95 * error),
            "p_value": 2 * stats.norm.sf(np.abs(beta / error)),
        }
    )


def _ph_tests(model: CoxModel) -> tuple[pd.DataFrame, list[str]]:
    """Test each term and all together, with each function of time."""
    problem, at = model.problem, model.fit.moments
    terms = [(_label(problem, t, c), c) for t, c in problem.design.terms if c]
    terms.append(("GLOBAL", list(range(len(problem.names)))))
    rows: list[tuple[Any, ...]] = []
    for how in TRANSFORMS:
        found = proportional(at, _time(model, how))
        for name, columns in terms:
            test = found.test(columns)
            rows.append((name, how, test.statistic, test.df, test.p_value))
    names = ["term", "transform", "statistic", "df", "p_value"]
    table = pd.DataFrame(rows, columns=names)
    return table, _ph_notes(table)


def _time(model: CoxModel, how: str) -> Array:
    """Return a function of time at the blocks of the fit, strata taken together."""
    spells, risk = model.problem.spells, model.fit.moments.data.risk
    entry = spells.entry if spells.late else None
    whole = risk if len(spells.strata) == 1 else None
    return transformed(how, spells.time, spells.exited, entry, risk.times, whole)


def _label(problem: Problem, term: Any, columns: list[int]) -> str:
    """Return a term as written, or its one column's name."""
    if len(columns) == 1:
        return problem.names[columns[0]]
    return ":".join(term.factors)


def _ph_notes(table: pd.DataFrame) -> list[str]:
    km = table[table["transform"] == "km"].set_index("term")["p_value"]
    if not km["GLOBAL"] < REJECTED:
        return []
    doubtful = km.drop("GLOBAL")
    named = first(doubtful.index[doubtful < REJECTED])
    terms = f" ({named})" if named else ""
    return [
        f"The test rejects proportional hazards{terms}, p {km['GLOBAL']:.3f}: hazard "
        "ratios are averages over time. Stratify, or let the effect change over time."
    ]


def _schoenfeld(model: CoxModel) -> dict[str, pd.DataFrame]:
    """Return what the plot of effects over time is drawn from."""
    problem, at = model.problem, model.fit.moments
    risk = at.data.risk
    m, names = len(risk.exits), problem.names
    if m * len(names) > MANY_EXITS:
        return {}
    g = _time(model, "km")
    scaled = scaled_schoenfeld(at, model.fit.beta)
    name, ids = _row_ids(problem)
    table = pd.DataFrame(
        {
            name: np.tile(ids[risk.exits], len(names)),
            "time": np.tile(risk.times[risk.block], len(names)),
            "transformed": np.tile(g[risk.block], len(names)),
            "term": np.repeat(np.array(names, dtype=object), m),
            "effect": scaled.T.ravel(),
        }
    )
    return {"schoenfeld": table}


def _row_ids(problem: Problem) -> tuple[str, Any]:
    name, ids = problem.ids
    return name, np.asarray(ids)[problem.spells.individual]


def _baseline_table(model: CoxModel) -> pd.DataFrame:
    base, spells = model.base, model.problem.spells
    H, error = base.cumulative, base.std_error
    p, low, high = exit_chances(H, error)
    table = pd.DataFrame(
        {
            "time": base.times,
            "cumulative_hazard": H,
            "std_error": error,
            "survival": 1 - p,
            "conf_low": 1 - high,
            "conf_high": 1 - low,
        }
    )
    if len(spells.strata) > 1:
        labels = np.array(spells.strata, dtype=object)
        table.insert(0, "stratum", labels[base.stratum])
    return table


def _curves(model: CoxModel, rows: Codes, times: Array) -> tuple[Array, Array, Array]:
    problem = model.problem
    found = model.base.hazards(
        model.X[rows], problem.spells.stratum[rows], np.asarray(times)
    )
    p, low, high = exit_chances(*found)
    return 1 - p, 1 - high, 1 - low


def _units(model: CoxModel) -> pd.DataFrame:
    problem, base = model.problem, model.base
    spells, last = problem.spells, problem.spells.last
    off = model.X[last] - base.centre
    score = off @ base.beta
    error = np.sqrt(np.einsum("ij,ij->i", off @ base.vcov, off))
    survival, low, high = _curves(model, last, np.array([problem.by]))
    martingale = spells.sum(model.fit.moments.martingale)
    left = spells.sum(spells.exited.astype(np.float64))
    return pd.DataFrame(
        {
            "relative_hazard": np.exp(score),
            "relative_hazard_low": np.exp(score - Z95 * error),
            "relative_hazard_high": np.exp(score + Z95 * error),
            "exit_probability": 1 - survival[:, 0],
            "exit_probability_low": 1 - high[:, 0],
            "exit_probability_high": 1 - low[:, 0],
            "martingale": martingale,
            "deviance": deviance_residuals(martingale, left),
        }
    )


def _facts(model: CoxModel) -> dict[str, Any]:
    problem, found = model.problem, model.fit
    spells, k = problem.spells, len(problem.names)
    null, top = found.log_likelihood_null, found.log_likelihood
    ratio = 2 * (top - null)
    wald = float(found.beta @ np.linalg.lstsq(model.cov.matrix, found.beta)[0])
    entry = spells.entry if spells.late else None
    stratum = spells.stratum if len(spells.strata) > 1 else None
    data = found.moments.data
    agree = concordance(
        found.moments.eta, spells.time, spells.exited, data.w, entry, stratum
    )
    influence = spells.sum(agree.influence)
    facts = {
        "ties": problem.hazard.ties,
        "log_likelihood": top,
        "log_likelihood_null": null,
        "wald": wald,
        "wald_p": float(stats.chi2.sf(wald, k)),
        "concordance": agree.estimate,
        "concordance_se": float(np.sqrt(influence @ influence)),
    }
    if model.frailty is not None:
        return {**facts, "aic": -2 * top + 2 * (k + 1), **frailty_facts(model.frailty)}
    facts["likelihood_ratio"] = ratio
    facts["likelihood_ratio_p"] = float(stats.chi2.sf(ratio, k))
    return {**facts, "aic": -2 * top + 2 * k}


def _shared(model: CoxModel) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Return the multipliers of groups, and what to say of them."""
    found = model.frailty
    if found is None or model.group is None:
        return {}, ()
    k, q = len(model.problem.names), len(model.groups)
    b, error = found.beta[k:], np.sqrt(np.diag(found.vcov)[k:])
    left = model.problem.spells.exited
    table = pd.DataFrame(
        {
            "group": list(model.groups),
            "exits": np.bincount(model.group, left, minlength=q).astype(int),
            "hazard_ratio": np.exp(b),
            "conf_low": np.exp(b - Z95 * error),
            "conf_high": np.exp(b + Z95 * error),
        }
    )
    note = (
        f"Hazard ratios are within groups of '{model.problem.hazard.frailty}'; chances "
        "and curves are those of a unit in its own group. Standard errors take the "
        "variance of the frailty for known."
    )
    none = "" if found.variance else " Groups differ no more than chance has it."
    return {"frailty": table}, (note + none,)

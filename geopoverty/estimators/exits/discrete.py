"""Discrete-time hazards: the chance of leaving in each period, given not before."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first, refuse_separation
from geopoverty._progress import stages
from geopoverty.covariances import Covariance
from geopoverty.design import Design
from geopoverty.effects.tables import BinaryModel, effects_table
from geopoverty.effects.terms import effect_terms
from geopoverty.estimators.exits.discrete_chances import (
    curves,
    last_hazard,
    unit_chances,
)
from geopoverty.estimators.exits.discrete_rows import Laid, Model, laid_out
from geopoverty.estimators.exits.problem import Fitted, Problem
from geopoverty.numerics.binary import BinaryFit, fit_binary, score_blocks
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.hazards.curves import binned
from geopoverty.numerics.hazards.discrete import expand
from geopoverty.numerics.links import Cloglog, Link, Logit

Z95 = float(stats.norm.ppf(0.975))
LINKS: dict[str, Link] = {"logit": Logit, "cloglog": Cloglog}


def fit(problem: Problem) -> Fitted:
    """Fit the chance of leaving in each period.

    Rows are repeated for each period in which they are at risk; the periods end at the
    distinct times of the rows. Each period has a baseline of its own, unless the
    formula uses the period or the time of the rows: then there is one constant, and
    the formula says how chances change with time, as in ``"log(stop) + x"``.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Fitted
        ``theta``: baselines, then covariates, on the scale of the link. ``tables``:
        ``effects`` (average direct, indirect and total effects on the chance of
        leaving in a period), ``hazard_ratios`` ("cloglog") or ``odds_ratios``
        ("logit"), ``periods`` (at risk, exits, chance by period), ``fitted``.

    Raises
    ------
    InputError
        If times are too many to be periods, intervals of exits span several, or
        strata are asked for.
    EstimationError
        If some covariate separates exits from the rest perfectly.

    References
    ----------
    Prentice, R. & Gloeckler, L. (1978). Regression analysis of grouped survival data.
    Biometrics 34, 57-67. Allison, P. D. (1982). Discrete-time methods for the analysis
    of event histories. Sociological Methodology 13, 61-98.
    """
    laid = laid_out(problem)
    link = LINKS[problem.hazard.model]
    with stages(f"Fitting {len(laid.rows.y):,} rows at risk, step") as stepped:
        found = fit_binary(laid.X, laid.rows.y, link, laid.w, stepped)
    refuse_separation(found.separating, laid.names, problem.exited)
    model = Model(laid, link, found, _covariance(laid, link, found))
    design = _design(laid)
    effects = effect_terms(design)
    shown = BinaryModel(
        design, link, laid.w, problem.sample.unit, None, found, model.cov.matrix
    )
    return Fitted(
        names=laid.names,
        theta=found.beta,
        vcov=model.cov.matrix,
        units=_units(model),
        facts={**_facts(model), **model.cov.facts},
        tables={
            "effects": effects_table(shown, effects),
            **_ratios(model),
            "periods": _periods(model),
            "fitted": _fitted(model),
        },
        notes=(*_notes(laid), *effects.notes, *model.cov.notes),
        curves=(lambda rows, at: curves(model, rows, at)) if laid.own else None,
    )


def _covariance(laid: Laid, link: Link, found: BinaryFit) -> Covariance:
    """Sum the scores over the periods of each row, and compute the covariance."""
    problem = laid.problem
    scores = np.zeros((problem.spells.n, laid.X.shape[1]))
    for part, block in score_blocks(laid.X, laid.rows.y, found.beta, link, laid.w):
        np.add.at(scores, laid.rows.row[part], block)
    return problem.covariance(inverse(found.information), scores)


def _design(laid: Laid) -> Design:
    """Return the design of the rows at risk, the baseline's columns in front."""
    design, row = laid.problem.design, laid.rows.row
    terms = [(t, [j + laid.base for j in js]) for t, js in design.terms if js]
    sums = design.row_sums
    return replace(
        design,
        y=laid.rows.y,
        X=laid.X,
        names=laid.names,
        terms=terms,
        rows=design.rows.iloc[row],
        row_sums=None if sums is None else sums[row],
    )


def _facts(model: Model) -> dict[str, Any]:
    laid, k = model.laid, model.laid.X.shape[1]
    base = np.ascontiguousarray(laid.X[:, : laid.base])
    null = fit_binary(base, laid.rows.y, model.link, laid.w).loglik
    ratio, df = max(2 * (model.fit.loglik - null), 0.0), k - laid.base
    return {
        "link": model.link.name,
        "n_unit_periods": len(laid.rows.y),
        "n_periods": int(laid.kept.sum()),
        "log_likelihood": model.fit.loglik,
        "log_likelihood_null": null,
        "likelihood_ratio": ratio,
        "likelihood_ratio_df": df,
        "likelihood_ratio_p": float(stats.chi2.sf(ratio, df)),
        "aic": -2 * model.fit.loglik + 2 * k,
        "bic": -2 * model.fit.loglik + k * float(np.log(len(laid.rows.y))),
    }


def _ratios(model: Model) -> dict[str, pd.DataFrame]:
    base = model.laid.base
    b, error = model.fit.beta[base:], np.sqrt(np.diag(model.cov.matrix))[base:]
    name = "odds_ratio" if model.link is Logit else "hazard_ratio"
    table = pd.DataFrame(
        {
            "term": model.laid.names[base:],
            name: np.exp(b),
            "conf_low": np.exp(b - Z95 * error),
            "conf_high": np.exp(b + Z95 * error),
            "p_value": 2 * stats.norm.sf(np.abs(b / error)),
        }
    )
    return {f"{name}s": table}


def _periods(model: Model) -> pd.DataFrame:
    """Return, by period, who is at risk, who leaves, and the mean chance."""
    laid = model.laid
    spells = laid.problem.spells
    whole = expand(spells.entry, spells.time, spells.exited, laid.ends)
    n = len(laid.ends)
    risk = np.bincount(whole.period, minlength=n)
    left = np.bincount(whole.period, whole.y, minlength=n)
    chance = model.link.probability(laid.X @ model.fit.beta)
    sums = np.bincount(laid.rows.period, chance, minlength=n)
    with np.errstate(invalid="ignore"):
        fitted = np.where(laid.kept, sums / risk, left / risk)
    return pd.DataFrame(
        {
            "end": laid.ends,
            "at_risk": risk,
            "exits": left.astype(np.int64),
            "share": left / np.maximum(risk, 1),
            "hazard": fitted,
        }
    )


def _fitted(model: Model) -> pd.DataFrame:
    laid = model.laid
    name, ids = laid.problem.ids
    whose = laid.problem.spells.individual[laid.rows.row]
    return pd.DataFrame(
        {
            name: np.asarray(ids)[whose],
            "end": laid.ends[laid.rows.period],
            "exited": laid.rows.y.astype(np.int64),
            "hazard": model.link.probability(laid.X @ model.fit.beta),
        }
    )


def _units(model: Model) -> pd.DataFrame:
    spells, laid = model.laid.problem.spells, model.laid
    eta, y = laid.X @ model.fit.beta, laid.rows.y
    whose, n = spells.individual[laid.rows.row], spells.individuals
    martingale = binned(whose, y - model.link.probability(eta), n)
    surprise = binned(whose, -2 * model.link.at(eta, y).loglik, n)
    return pd.DataFrame(
        {
            **last_hazard(model),
            **unit_chances(model),
            "martingale": martingale,
            "deviance": np.sign(martingale) * np.sqrt(surprise),
        }
    )


def _notes(laid: Laid) -> list[str]:
    notes = []
    idle = first([f"{e:g}" for e in laid.ends[~laid.kept]])
    if idle:
        notes.append(
            f"All or none of those at risk left in periods that end at {idle}: they "
            "tell nothing of who leaves sooner and are left out."
        )
    if not laid.own:
        notes.append(
            "The formula says how chances change with time; chances of having left by "
            "some time are those along each unit's own rows."
        )
    elif laid.problem.spells.histories:
        notes.append(
            "Chances of having left are those of a unit that had its last covariates "
            "from the origin on."
        )
    return notes

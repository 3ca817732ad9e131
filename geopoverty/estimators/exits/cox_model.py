"""The fit of a Cox model, with or without a frailty of groups."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty._progress import stages
from geopoverty.covariances import Covariance
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.exits.problem import Problem
from geopoverty.numerics.hazards.baseline import Baseline, baseline
from geopoverty.numerics.hazards.cox import CoxFit, fit_cox
from geopoverty.numerics.hazards.frailty import FrailtyFit, fit_frailty
from geopoverty.numerics.hazards.partial import CoxData, Moments
from geopoverty.numerics.hazards.residuals import score_residuals
from geopoverty.numerics.hazards.risk import risk_sets
from geopoverty.numerics.types import Array, Codes

MOST_GROUPS = 500  # of a frailty: each has a column


@dataclass(frozen=True, eq=False)
class CoxModel:
    """A fitted Cox model with what was asked about its errors.

    Attributes
    ----------
    problem : Problem
    fit : CoxFit
        Of the covariates; its moments are at log hazards that include the frailty.
    cov : Covariance
        Of the covariates.
    base : Baseline
    X : array, shape (n, m)
        What `base` predicts from: the covariates, and groups if there is a frailty.
    frailty : FrailtyFit or None
    group : array of int, shape (n,), or None
    groups : tuple
        What groups are called.
    """

    problem: Problem
    fit: CoxFit
    cov: Covariance
    base: Baseline
    X: Array
    frailty: FrailtyFit | None = None
    group: Codes | None = None
    groups: tuple[Any, ...] = ()

    @property
    def error(self) -> Array:
        """Standard errors, shape (k,)."""
        return np.asarray(np.sqrt(np.diag(self.cov.matrix)))


def fitted(problem: Problem) -> CoxModel:
    """Fit a Cox model.

    Raises
    ------
    InputError
        If strata absorb a covariate, or a frailty is asked for where it cannot be.
    EstimationError
        If some covariate separates exits from the rest perfectly.
    """
    spells, hazard = problem.spells, problem.hazard
    entry = spells.entry if spells.late else None
    stratum = spells.stratum if len(spells.strata) > 1 else None
    _require_varying(problem)
    risk = risk_sets(spells.time, spells.exited, entry, stratum)
    w = np.ones(spells.n) if spells.weights is None else spells.weights
    data = CoxData(problem.X, risk, w, hazard.ties == "efron")
    with stages(f"Fitting {spells.n:,} rows, step") as stepped:
        found = fit_cox(data, stepped)
    _refuse_separation(problem, found)
    if hazard.frailty is not None:
        return _with_frailty(problem, data, found)
    scores = np.zeros((spells.n, 0))
    if problem.vcov != "iid":
        scores = w[:, None] * score_residuals(found.moments)
    cov = problem.covariance(found.vcov, scores)
    return CoxModel(problem, found, cov, baseline(found, cov.matrix), problem.X)


def _with_frailty(problem: Problem, data: CoxData, plain: CoxFit) -> CoxModel:
    codes, groups = _groups(problem)
    start = (plain.beta, plain.log_likelihood)
    centred = replace(data, X=data.X - plain.centre)
    with stages("Fitting a frailty, variance") as stepped:
        found = fit_frailty(centred, codes, start, stepped)
    k, q = len(problem.names), len(groups)
    eta = found.moments.eta
    fit = replace(
        plain,
        beta=found.beta[:k],
        vcov=found.vcov[:k, :k],
        moments=Moments(centred, eta),
        log_likelihood=found.log_likelihood,
    )
    whole = replace(
        plain,
        beta=found.beta,
        vcov=found.vcov,
        moments=found.moments,
        centre=np.append(plain.centre, np.zeros(q)),
    )
    cov = Covariance(fit.vcov, {"vcov": "inverse penalised information"}, ())
    wide = np.hstack([problem.X, np.eye(q)[codes]])
    return CoxModel(
        problem, fit, cov, baseline(whole), wide, found, codes, tuple(groups)
    )


def _groups(problem: Problem) -> tuple[Codes, Any]:
    """Return the groups of a frailty, where it can be had."""
    spells, column = problem.spells, problem.hazard.frailty
    if problem.vcov != "iid" or spells.weights is not None:
        raise InputError(
            "A frailty models what rows of a group share; it goes with vcov='iid' and "
            "without sampling weights. Leave one of them out."
        )
    begins = np.full(spells.individuals, np.inf)
    np.minimum.at(begins, spells.individual, spells.entry)
    if begins.max() > 0:
        raise InputError(
            "A frailty needs every unit from the origin on: those who enter late are "
            "the ones that had not left. Leave out frailty=, or these units."
        )
    codes, groups = pd.factorize(problem.rows[column], sort=True)
    if not 2 <= len(groups) <= MOST_GROUPS:
        raise InputError(
            f"A frailty needs 2 to {MOST_GROUPS} groups; '{column}' has {len(groups)}. "
            "Name a coarser or finer column."
        )
    return np.asarray(codes, dtype=np.intp), groups


def frailty_facts(found: FrailtyFit) -> dict[str, float]:
    """Return the variance of a frailty and its likelihood-ratio test.

    Without frailty the variance is on the border of what it can be, so half of the
    statistic's law is at 0 (Self & Liang 1987).
    """
    ratio = 2 * max(found.log_likelihood - found.log_likelihood_none, 0.0)
    return {
        "frailty_variance": found.variance,
        "frailty_log_likelihood": found.log_likelihood,
        "frailty_likelihood_ratio": ratio,
        "frailty_p": float(stats.chi2.sf(ratio, 1) / 2) if ratio > 0 else 1.0,
    }


def _require_varying(problem: Problem) -> None:
    """Refuse covariates that strata absorb."""
    if not problem.hazard.columns:
        return
    by_stratum = pd.DataFrame(problem.X).groupby(problem.spells.stratum)
    spread = (by_stratum.max() - by_stratum.min()).max().to_numpy()
    fixed = [n for n, s in zip(problem.names, spread, strict=True) if s == 0]
    if fixed:
        raise InputError(
            f"{first(fixed)} does not vary within any stratum "
            f"({first(problem.hazard.columns)}), so the baseline hazards absorb it. "
            "Leave it out, or stratify by something else."
        )


def _refuse_separation(problem: Problem, found: CoxFit) -> None:
    columns = found.separating
    if not columns.size:
        return
    names = [problem.names[j] for j in columns]
    verb = "separates" if len(names) == 1 else "together separate"
    raise EstimationError(
        f"{first(names)} {verb} exits from the rest perfectly: the likelihood rises "
        "for ever and no finite hazard ratio fits. Leave out or merge categories of "
        "what separates them."
    )

"""Accelerated failure time models of exits: Weibull, log-normal, log-logistic.

The likelihood is our own: lifelines stops its search early (a coefficient of its
log-logistic fit of Rossi's data is 3 % off R's survreg), and gives no scores of rows,
which standard errors for clusters need.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty._progress import stages
from geopoverty.covariances import Covariance
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.exits.problem import Fitted, Problem
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.hazards.aft import AftFit, Times, fit_aft
from geopoverty.numerics.hazards.aft_laws import LAWS, Law
from geopoverty.numerics.hazards.aft_residuals import martingale
from geopoverty.numerics.hazards.concordance import concordance
from geopoverty.numerics.hazards.residuals import deviance_residuals
from geopoverty.numerics.types import Array, Codes

Z95 = float(stats.norm.ppf(0.975))
FAR, VAGUE = 15.0, 5.0  # log hazard ratio of one sd, and its standard error
CLOSE = 2.0  # difference in AIC below which data do not tell models apart
SCALE = "log(scale)"
SHOWN = {"weibull": "Weibull", "lognormal": "log-normal", "loglogistic": "log-logistic"}


@dataclass(frozen=True, eq=False)
class _Model:
    """The chosen law with its fit."""

    law: Law
    X: Array
    times: Times
    fit: AftFit
    cov: Covariance


def fit(problem: Problem) -> Fitted:
    """Fit the law asked for, or the best of three by AIC.

    Parameters
    ----------
    problem : Problem
        One row a unit; exits may be known up to an interval, rows may enter late.

    Returns
    -------
    Fitted
        ``theta``: coefficients of log time (above 0: a later exit), then
        ``log(scale)``. ``tables``: ``models`` (the three laws with log-likelihood,
        AIC, BIC), ``time_ratios``, for Weibull also ``hazard_ratios``.

    Raises
    ------
    InputError
        If units have several rows (covariates that change), or strata are asked for.
    EstimationError
        If a covariate separates exits from the rest.
    """
    _refuse(problem)
    spells = problem.spells
    X = np.column_stack([np.ones(spells.n), problem.X])
    times = Times(spells.entry, spells.lower, spells.upper, spells.weights)
    fits, failed = _all_laws(X, times)
    table = _models_table(fits, spells.n)
    asked = problem.hazard.model
    name = str(table["model"].iloc[0]) if asked == "aft" else asked
    if name not in fits:
        raise failed[name]
    table["chosen"] = table["model"] == name
    fitted = fits[name]
    _refuse_separation(problem, fitted)
    null = fit_aft(X[:, :1], times, LAWS[name])
    cov = problem.covariance(inverse(fitted.information), fitted.scores)
    model = _Model(LAWS[name], X, times, fitted, cov)
    return Fitted(
        names=["Intercept", *problem.names, SCALE],
        theta=fitted.theta,
        vcov=cov.matrix,
        units=_units(problem, model),
        facts={**_facts(model, null, name), **_agreement(problem, model), **cov.facts},
        tables={"models": table, **_ratios(problem, model, name)},
        notes=(*_notes(table, asked), *cov.notes),
        curves=lambda rows, at: _curves(model, rows, at),
    )


def _refuse(problem: Problem) -> None:
    if problem.spells.histories:
        raise InputError(
            "An accelerated failure time model needs one row a unit: covariates that "
            "change have no simple place in it. Use model='cox', or 'cloglog' on "
            "unit-periods."
        )
    if problem.hazard.columns:
        raise InputError(
            f"strata ({first(problem.hazard.columns)}) are for model='cox'. Put them "
            "in the formula as categories, or fit groups by by_group."
        )


def _all_laws(
    X: Array, times: Times
) -> tuple[dict[str, AftFit], dict[str, EstimationError]]:
    fits, failed = {}, {}
    with stages("Fitting three laws of time, step") as stepped:
        for name, law in LAWS.items():
            try:
                fits[name] = fit_aft(X, times, law, stepped)
            except EstimationError as error:
                failed[name] = error
    if not fits:
        raise next(iter(failed.values()))
    return fits, failed


def _models_table(fits: dict[str, AftFit], n: int) -> pd.DataFrame:
    """Return the laws that could be fitted, the best by AIC first."""
    loglik = np.array([f.loglik for f in fits.values()])
    k = np.array([len(f.theta) for f in fits.values()])
    table = pd.DataFrame(
        {
            "model": list(fits),
            "log_likelihood": loglik,
            "parameters": k,
            "aic": -2 * loglik + 2 * k,
            "bic": -2 * loglik + k * np.log(n),
            "scale": [float(np.exp(f.theta[-1])) for f in fits.values()],
        }
    )
    return table.sort_values("aic", kind="stable", ignore_index=True)


def _refuse_separation(problem: Problem, fitted: AftFit) -> None:
    """Refuse covariates along which the likelihood rises for ever."""
    scale = np.exp(fitted.theta[-1])
    sd = problem.X.std(axis=0)
    size = np.abs(fitted.theta[1:-1]) * sd / scale
    vague = _errors(fitted.information)[1:-1] * sd / scale
    kept = (size < FAR) & (vague < VAGUE)
    far = [n for n, ok in zip(problem.names, kept, strict=True) if not ok]
    if far:
        raise EstimationError(
            f"{first(far)} separates exits from the rest perfectly: no finite "
            "coefficient fits. Leave it out or merge its categories."
        )


def _facts(model: _Model, null: AftFit, name: str) -> dict[str, object]:
    fit, k = model.fit, len(model.fit.theta)
    ratio = max(2 * (fit.loglik - null.loglik), 0.0)
    return {
        "law": SHOWN[name],
        "scale": float(np.exp(fit.theta[-1])),
        "log_likelihood": fit.loglik,
        "log_likelihood_null": null.loglik,
        "likelihood_ratio": ratio,
        "likelihood_ratio_df": k - 2,
        "likelihood_ratio_p": float(stats.chi2.sf(ratio, k - 2)),
        "aic": -2 * fit.loglik + 2 * k,
        "bic": -2 * fit.loglik + k * float(np.log(len(model.X))),
    }


def _errors(information: Array) -> Array:
    """Return standard errors, very large where there is next to no information."""
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information / np.outer(size, size) + 1e-12 * np.eye(len(size))
    return np.asarray(np.sqrt(np.diag(inverse(scaled))) / size)


def _agreement(problem: Problem, model: _Model) -> dict[str, float]:
    spells = problem.spells
    found = concordance(
        -model.X @ model.fit.theta[:-1],
        spells.time,
        spells.exited,
        np.ones(spells.n) if spells.weights is None else spells.weights,
        spells.entry if spells.late else None,
    )
    return {"concordance": found.estimate, "concordance_se": found.std_error}


def _notes(table: pd.DataFrame, asked: str) -> list[str]:
    notes = []
    chosen = table.loc[table["chosen"]].iloc[0]
    best = table.iloc[0]
    if asked == "aft":
        near = table["model"][(table["aic"] - best["aic"]).between(1e-9, CLOSE)]
        close = f"; {first([SHOWN[m] for m in near])} is as good" if len(near) else ""
        notes.append(
            f"{SHOWN[best['model']]} has the least AIC of three laws of time{close}; "
            "standard errors do not know of the choice."
        )
    elif chosen["aic"] - best["aic"] > CLOSE:
        notes.append(
            f"{SHOWN[best['model']]} fits better than {SHOWN[asked]}: its AIC is lower "
            f"by {chosen['aic'] - best['aic']:.1f}."
        )
    return notes


def _ratios(problem: Problem, model: _Model, name: str) -> dict[str, pd.DataFrame]:
    beta, V = model.fit.theta[1:-1], model.cov.matrix
    error = np.sqrt(np.diag(V))[1:-1]
    tables = {"time_ratios": _exp_table(problem.names, "time_ratio", beta, error)}
    if name == "weibull":
        # The log hazard ratio is -b / scale.
        scale = float(np.exp(model.fit.theta[-1]))
        along = np.zeros((len(beta), len(V)))
        along[:, 1:-1] = -np.eye(len(beta)) / scale
        along[:, -1] = beta / scale
        error = np.sqrt(np.einsum("ij,jk,ik->i", along, V, along))
        table = _exp_table(problem.names, "hazard_ratio", -beta / scale, error)
        tables["hazard_ratios"] = table
    return tables


def _exp_table(names: list[str], what: str, value: Array, error: Array) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": names,
            what: np.exp(value),
            "conf_low": np.exp(value - Z95 * error),
            "conf_high": np.exp(value + Z95 * error),
        }
    )


def _curves(model: _Model, rows: Codes, at: Array) -> tuple[Array, Array, Array]:
    """Return survival of rows at times with 95 % limits, each (rows, times)."""
    x, scale = model.X[rows], float(np.exp(model.fit.theta[-1]))
    V = model.cov.matrix
    with np.errstate(divide="ignore"):
        log_time = np.log(np.asarray(at, dtype=np.float64))
    z = (log_time[None, :] - (x @ model.fit.theta[:-1])[:, None]) / scale
    finite = np.where(np.isfinite(z), z, 0.0)
    # z has the gradient (-x / scale, -z) in coefficients and log scale.
    own = np.einsum("ij,jk,ik->i", x, V[:-1, :-1], x)[:, None] / scale**2
    mixed = 2 * finite * (x @ V[:-1, -1])[:, None] / scale
    error = np.sqrt(np.maximum(own + mixed + finite**2 * V[-1, -1], 0))
    survival, low, high = (
        np.exp(model.law.at(z + side * Z95 * error).log_survival)
        for side in (0.0, 1.0, -1.0)
    )
    return survival, low, high


def _units(problem: Problem, model: _Model) -> pd.DataFrame:
    spells, theta = problem.spells, model.fit.theta
    last, x = spells.last, model.X
    survival, low, high = _curves(model, last, np.array([problem.by]))
    left = martingale(x, model.times, model.law, theta)
    sums = spells.sum(left)
    median = np.exp(
        x[last] @ theta[:-1]
        + np.exp(theta[-1]) * float(model.law.quantile(np.array([0.5]))[0])
    )
    return pd.DataFrame(
        {
            "exit_probability": 1 - survival[:, 0],
            "exit_probability_low": 1 - high[:, 0],
            "exit_probability_high": 1 - low[:, 0],
            "median_time": median,
            "martingale": sums,
            "deviance": deviance_residuals(sums, spells.exited[last].astype(float)),
        }
    )

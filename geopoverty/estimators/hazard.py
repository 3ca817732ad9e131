"""How fast units leave poverty, and what speeds it."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError
from scipy import stats

from geopoverty._checks import (
    binary_outcome,
    first,
    require,
    require_columns,
    require_option,
)
from geopoverty.design import Design, Roles, build_design
from geopoverty.errors import EstimationError
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import as_weights

Z95 = float(stats.norm.ppf(0.975))
COARSE = 20  # fewer distinct exit times than this: say that durations are coarse
FAR, VAGUE = 15.0, 5.0  # log hazard ratio of one sd, and its standard error


def exit_hazard(
    formula: str,
    data: pd.DataFrame,
    *,
    duration: str,
    exited: str,
    model: str = "cox",
    weights: Any = None,
    unit: str = "unit_id",
    unit_data: pd.DataFrame | None = None,
) -> Result:
    """Fit how fast units leave poverty: a Cox proportional-hazards model.

    Parameters
    ----------
    formula : str
        Covariates only: ``"density + W(density) + south"``.
    data : DataFrame, n rows
        One unit a row. Never modified.
    duration : str
        Column: time from the origin to the exit, or to the end of observation;
        above 0, in any unit of time.
    exited : str
        Column: 1 if the unit left poverty at `duration`, 0 if it had not yet.
    model : {"cox"}
        Cox's proportional hazards, ties by Efron's approximation.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    unit : str
        Column (or the index) that names a row's unit.
    unit_data : DataFrame, optional
        One row a unit, from which ``W(x)`` and columns that `data` lacks are
        taken. Use it when only some units are at risk but all are neighbours.

    Returns
    -------
    Result
        ``estimates`` are log hazard ratios. ``tables``: ``hazard_ratios`` with
        95 % intervals, ``baseline`` (cumulative hazard and survival at mean
        covariates by time). ``units``: duration, exited, hazard relative to the
        mean unit with interval, and the probability of having left by the last
        observed time.

    Raises
    ------
    InputError
        For durations not above 0, an exit that is not 0/1 or never (or always)
        happens, and whatever else breaks a rule of input.
    EstimationError
        If some covariate separates exits from the rest perfectly.

    Notes
    -----
    The likelihood is maximised by lifelines. Standard errors are from the
    observed information.

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal
    Statistical Society B 34, 187-220. Efron, B. (1977). The efficiency of Cox's
    likelihood function for censored data. JASA 72, 557-565.

    Examples
    --------
    >>> counties = pd.DataFrame({"years": [2, 3, 5, 7, 9, 9],
    ...     "left": [1, 1, 1, 1, 0, 0], "density": [5.0, 2.0, 4.0, 3.0, 2.5, 1.0]})
    >>> fit = exit_hazard("density", counties, duration="years", exited="left")
    >>> fit.estimates.round(2).to_dict()
    {'density': 1.05}
    """
    require_option(model, ("cox",), "model")
    spatial = None if weights is None else as_weights(weights)
    require_columns(data, (duration, exited), "exit_hazard")
    design = build_design(
        formula,
        data,
        roles=Roles(unit, None, (duration, exited)),
        outcome=False,
        weights=spatial,
        unit_data=unit_data,
        intercept=False,
    )
    _check_times(design, duration, exited)
    fitter = _fit(design, duration, exited)
    vcov = fitter.variance_matrix_.to_numpy()
    beta = fitter.params_.to_numpy()
    options = {
        "duration": duration,
        "exited": exited,
        "model": model,
        "weights": weights,
        "unit": unit,
    }
    times = design.rows[[duration, exited]].to_numpy(float)
    sources = sources_of(data, unit_data, spatial)
    notes = [*design.notes, *_coarse(design, duration, exited)]
    return Result(
        estimator="exit_hazard",
        estimates=pd.Series(beta, index=design.names),
        vcov=pd.DataFrame(vcov, index=design.names, columns=design.names),
        units=_units_table(design, fitter, beta, vcov, (unit, duration, exited)),
        facts=_facts(design, fitter, exited),
        tables={
            "hazard_ratios": _hazard_ratios(design, beta, vcov),
            "baseline": _baseline(fitter),
        },
        notes=(*notes, *(() if spatial is None else spatial.notes)),
        provenance=provenance(
            formula, options, (design.X, times), sources, ("lifelines",)
        ),
    )


def _check_times(design: Design, duration: str, exited: str) -> None:
    rows = design.rows
    time = rows[duration].to_numpy(float)
    require(
        np.isfinite(time) & (time > 0),
        f"Durations '{duration}' must be above 0",
        ids=rows.index,
        way_out="Drop units that had left before the origin.",
    )
    left = rows[exited].astype(float)
    if len(left) and left.min() == left.max() == 1:
        return
    binary_outcome(left, exited)


def _fit(design: Design, duration: str, exited: str) -> CoxPHFitter:
    names = [f"x{j}" for j in range(len(design.names))]
    table = pd.DataFrame(design.X, columns=names)
    table["duration"] = design.rows[duration].to_numpy(float)
    table["exited"] = design.rows[exited].to_numpy(float)
    fitter = CoxPHFitter()
    try:
        with warnings.catch_warnings():
            # lifelines warns of low variance; separation is decided below.
            warnings.simplefilter("ignore")
            fitter.fit(table, "duration", "exited", fit_options={"precision": 1e-10})
    except ConvergenceError as error:
        raise EstimationError(
            "The Cox likelihood did not converge: some covariate separates exits "
            f"from the rest ({first(design.names)}). Leave it out or merge its "
            "categories."
        ) from error
    # A likelihood that rises for ever carries no information where it is flat.
    sd = design.X.std(axis=0)
    size = np.abs(fitter.params_.to_numpy()) * sd
    vague = fitter.standard_errors_.to_numpy() * sd
    kept = (size < FAR) & (vague < VAGUE)
    far = [n for n, ok in zip(design.names, kept, strict=True) if not ok]
    if far:
        raise EstimationError(
            f"{first(far)} separates exits from the rest perfectly: no finite hazard "
            "ratio fits. Leave it out or merge its categories."
        )
    return fitter


def _hazard_ratios(design: Design, beta: Array, vcov: Array) -> pd.DataFrame:
    error = np.sqrt(np.diag(vcov))
    return pd.DataFrame(
        {
            "term": design.names,
            "hazard_ratio": np.exp(beta),
            "conf_low": np.exp(beta - Z95 * error),
            "conf_high": np.exp(beta + Z95 * error),
        }
    )


def _baseline(fitter: CoxPHFitter) -> pd.DataFrame:
    hazard = fitter.baseline_cumulative_hazard_.iloc[:, 0]
    return pd.DataFrame(
        {
            "time": hazard.index.to_numpy(),
            "cumulative_hazard": hazard.to_numpy(),
            "survival": np.exp(-hazard.to_numpy()),
        }
    )


def _units_table(
    design: Design,
    fitter: CoxPHFitter,
    beta: Array,
    vcov: Array,
    columns: tuple[str, str, str],
) -> pd.DataFrame:
    unit, duration, exited = columns
    rows = design.rows
    centred = design.X - design.X.mean(axis=0)
    score = centred @ beta
    error = np.sqrt(np.einsum("ij,ij->i", centred @ vcov, centred))
    last = float(fitter.baseline_cumulative_hazard_.iloc[-1, 0])
    ids = rows[unit].to_numpy() if unit in rows.columns else rows.index.to_numpy()
    return pd.DataFrame(
        {
            "unit_id" if unit in rows.columns else "row": ids,
            "duration": rows[duration].to_numpy(float),
            "exited": rows[exited].to_numpy(float),
            "relative_hazard": np.exp(score),
            "relative_hazard_low": np.exp(score - Z95 * error),
            "relative_hazard_high": np.exp(score + Z95 * error),
            "exit_probability": -np.expm1(-last * np.exp(score)),
        }
    )


def _facts(design: Design, fitter: CoxPHFitter, exited: str) -> dict[str, Any]:
    test = fitter.log_likelihood_ratio_test()
    loglik = float(fitter.log_likelihood_)
    return {
        "n_obs": len(design.rows),
        "n_dropped": design.dropped,
        "outcome": exited,
        "n_exits": int(design.rows[exited].sum()),
        "log_likelihood": loglik,
        "log_likelihood_null": loglik - float(test.test_statistic) / 2,
        "likelihood_ratio": float(test.test_statistic),
        "likelihood_ratio_p": float(test.p_value),
        "concordance": float(fitter.concordance_index_),
        "aic": -2 * loglik + 2 * len(design.names),
        "vcov": "inverse information",
    }


def _coarse(design: Design, duration: str, exited: str) -> list[str]:
    left = design.rows[exited].to_numpy(float) == 1
    times = int(design.rows[duration][left].nunique())
    if times >= min(COARSE, left.sum()):
        return []
    return [
        f"{left.sum():,} exits fall on only {times} different times: durations are "
        "coarse, and ties are handled by Efron's approximation."
    ]

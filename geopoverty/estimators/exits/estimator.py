"""The public function."""

from typing import Any

import pandas as pd

from geopoverty.design.sample import Sample
from geopoverty.estimators.exits import aft, cox, discrete
from geopoverty.estimators.exits.options import (
    DISCRETE,
    Hazard,
    Timeline,
    hazard_of,
    timeline_of,
)
from geopoverty.estimators.exits.problem import Given, problem_of
from geopoverty.estimators.exits.report import result_of
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import as_weights


def exit_hazard(
    formula: str,
    data: pd.DataFrame,
    *,
    duration: str | Timeline,
    exited: str | None = None,
    model: str | Hazard = "cox",
    weights: Any = None,
    unit: str | Sample = "unit_id",
    unit_data: pd.DataFrame | None = None,
) -> Result:
    """Fit how fast units leave poverty, and what speeds it.

    Parameters
    ----------
    formula : str
        Covariates only: ``"density + W(density) + south"``.
    data : DataFrame, n rows
        One unit a row, or several rows a unit whose covariates change over time, with
        ``Timeline(entry=...)``. Rows with a missing value are dropped and counted.
        Never modified.
    duration : str or Timeline
        Column: time from the origin to the exit, or to the end of observation; above
        0, in any unit of time. A `Timeline` has dates, late entry, intervals, and
        ends observation on a day.
    exited : str, optional
        Column: 1 if the unit left poverty at `duration`, 0 if it had not yet. When
        not given, every known duration (by the end of observation) is an exit.
    model : str or Hazard
        ``"cox"``: proportional hazards, ties by Efron's approximation [1]_ [2]_.
        ``"weibull"``, ``"lognormal"``, ``"loglogistic"``: accelerated failure times;
        ``"aft"``: the one of them with the lowest AIC. ``"logit"``, ``"cloglog"``:
        the chance of leaving in each period. A `Hazard` has strata, ties, the
        covariance, and when chances and curves are read.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``. With it, Moran's I of the martingale
        residuals is reported.
    unit : str or Sample
        Column (or the index) that names a row's unit. A `Sample` has periods, within
        which lags are taken, and sampling weights.
    unit_data : DataFrame, optional
        One row a unit (and period), from which ``W(x)`` and columns that `data` lacks
        are taken. Use it when only some units are at risk but all are neighbours.

    Returns
    -------
    Result
        ``estimates`` are log hazard ratios with "cox" (the rest: see their notes).
        ``tables`` of a Cox model: ``hazard_ratios`` with 95 % intervals; ``ph_test``
        (score test of proportional hazards by term and all together, GLOBAL, for
        three functions of time); ``baseline`` (cumulative hazard and survival at
        mean covariates by time, and stratum); ``schoenfeld`` (the effect at each
        exit, for the plot against time); ``curves`` (survival of each unit by time,
        with interval); ``frailty`` (the multiplier of each group). ``facts``:
        log-likelihoods, likelihood-ratio and Wald test, concordance with its standard
        error, AIC, Moran's I. ``units``: a row a unit with duration, exited, the
        hazard relative to the mean unit and the probability of having left by
        ``Hazard(by=...)``, each with a 95 % interval, martingale and deviance
        residuals.

    Raises
    ------
    InputError
        For durations not above the origin, dates that cannot be read, an end of
        observation before the origin, rows of a unit that overlap, leave gaps or
        follow its exit, an exit that is not 0/1 or happens less than twice, and
        whatever else breaks a rule of input.
    EstimationError
        If some covariate separates exits from the rest perfectly.

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 40 clusters.

    Notes
    -----
    With Efron's ties the d exits of one time, one after another, find the share
    0, 1/d, 2/d ... of their own hazards gone. Sums over those at risk are running
    sums over times of exit, so that the fit, the score residuals behind robust and
    clustered standard errors (Lin & Wei 1989) [3]_, the tests of proportional hazards
    [4]_ and the curves take time linear in rows. Baseline hazards count ties as the
    fit does. Intervals of chances and curves are those of the log cumulative hazard.

    A frailty (``Hazard(frailty="province")``) is a multiplier that the units of a group
    share, with a gamma law of mean 1 whose variance has the greatest marginal
    likelihood [5]_.

    The test of proportional hazards is the score test with the full information, as
    in R's survival from version 3; lifelines has the older approximation.

    References
    ----------
    .. [1] Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal
       Statistical Society B 34, 187-220.
    .. [2] Efron, B. (1977). The efficiency of Cox's likelihood function for censored
       data. JASA 72, 557-565.
    .. [3] Lin, D. Y. & Wei, L. J. (1989). The robust inference for the Cox
       proportional hazards model. JASA 84, 1074-1078.
    .. [4] Grambsch, P. M. & Therneau, T. M. (1994). Proportional hazards tests and
       diagnostics based on weighted residuals. Biometrika 81, 515-526.
    .. [5] Therneau, T. M., Grambsch, P. M. & Pankratz, V. S. (2003). Penalized
       survival models and frailty. Journal of Computational and Graphical Statistics
       12, 156-175.

    Examples
    --------
    >>> counties = pd.DataFrame({"years": [2, 3, 5, 7, 9, 9],
    ...     "left": [1, 1, 1, 1, 0, 0], "density": [5.0, 2.0, 4.0, 3.0, 2.5, 1.0]})
    >>> fit = exit_hazard("density", counties, duration="years", exited="left")
    >>> fit.estimates.round(2).to_dict()
    {'density': 1.05}
    """
    hazard, line = hazard_of(model), timeline_of(duration)
    held = None if weights is None else as_weights(weights)
    problem = problem_of(
        formula, data, line, hazard, Given(exited, held, unit, unit_data)
    )
    if hazard.model == "cox":
        fitted = cox.fit(problem)
    elif hazard.model in DISCRETE:
        fitted = discrete.fit(problem)
    else:
        fitted = aft.fit(problem)
    spells = problem.spells
    made = provenance(
        formula,
        {
            "duration": duration,
            "exited": exited,
            "model": model,
            "weights": weights,
            "unit": unit,
        },
        (problem.X, spells.entry, spells.lower, spells.upper, spells.exited),
        sources_of(data, unit_data, held),
        fitted.packages,
    )
    return result_of(problem, fitted, made)

"""`control_function`: logit with covariates that move with what is not observed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import binary_outcome, refuse_separation
from geopoverty.covariances import (
    Covariance,
    SmallSample,
    Vcov,
    columns_of,
    covariance,
)
from geopoverty.design import build_design
from geopoverty.design.sample import Sample, sample_of
from geopoverty.estimators.control_function.problem import (
    Problem,
    checked_vcov,
    default_vcov,
    problem_of,
    term_names,
)
from geopoverty.estimators.control_function.report import result_of
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import Scores
from geopoverty.numerics.residual_inclusion import TwoStepFit, fit_two_step
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import as_weights


def control_function(
    formula: str,
    data: pd.DataFrame,
    *,
    endogenous: tuple[str, ...],
    instruments: tuple[str, ...],
    weights: Any = None,
    unit: str | Sample = "unit_id",
    vcov: Vcov | None = None,
    unit_data: pd.DataFrame | None = None,
) -> Result:
    """Fit a logit in which some covariates move with what is not observed.

    Parameters
    ----------
    formula : str
        ``"poor ~ clusters + W(clusters) + age"``; the outcome is 0 or 1.
    data : DataFrame, n rows
        Rows with a missing value are dropped and counted. Never modified.
    endogenous : tuple of str
        Terms of the formula, such as ``("clusters", "W(clusters)")``.
    instruments : tuple of str
        Terms that are not in the formula, at least as many, such as
        ``("gdp_1994", "W(gdp_1994)")``.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    unit : str or Sample
        Column of unit ids; ``Sample(unit, period=..., sampling_weight=...)`` adds
        periods, within which lags are taken, and sampling weights.
    vcov : {"hc0", "hc1", "cluster"}, Cluster or Conley, optional
        Of both stages together. When not given: clusters on the unit if units have
        several rows, which share its instruments, else "hc1".
    unit_data : DataFrame, optional
        One row a unit (and period), from which ``W(x)`` and columns that `data`
        lacks are taken.

    Returns
    -------
    Result
        ``estimates`` in log-odds, then a term ``residual(x)`` for each endogenous x:
        its test is the test that x is exogenous. ``tables``: ``effects`` (average
        direct, indirect and total effects on the probability, residuals at their
        distribution), ``first_stage``, ``first_stage_coefficients``, ``odds_ratios``,
        ``fitted``, ``calibration``, ``confusion``. ``units``: a row a unit (and
        period) with outcome, probability and, for each lagged x, its effects.

    Raises
    ------
    InputError
        For terms that are not in the formula, instruments that are, that do not vary
        or determine one another, fewer instruments than endogenous terms, and
        whatever breaks a rule of `logit`.
    EstimationError
        If a covariate separates the outcome perfectly.

    Warns
    -----
    GeoPovertyWarning
        If instruments are weak, more than units, or clusters few.

    Notes
    -----
    Each endogenous covariate is regressed on all exogenous ones and the instruments;
    the residuals join the logit [1]_, [2]_. That is right if instruments move the
    outcome through the endogenous covariates only, are independent of what is not
    observed, and the part of it that moves with a covariate is linear in its
    residual: counts and 0/1 covariates strain this. Coefficients are scaled by what
    is left unobserved; effects are not. Standard errors are the sandwich of both
    stages' moments together. Effects give everybody each residual in turn, the
    average structural function of [3]_.

    References
    ----------
    .. [1] Rivers, D. & Vuong, Q. (1988). Limited information estimators and exogeneity
       tests for simultaneous probit models. Journal of Econometrics 39, 347-366.
    .. [2] Petrin, A. & Train, K. (2010). A control function approach to endogeneity in
       consumer choice models. Journal of Marketing Research 47, 3-13.
    .. [3] Wooldridge, J. M. (2015). Control function methods in applied econometrics.
       Journal of Human Resources 50, 420-445.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hidden, gdp = rng.normal(size=(2, 400))
    >>> jobs = gdp + hidden
    >>> poor = (rng.logistic(size=400) + hidden < jobs).astype(int)
    >>> towns = pd.DataFrame({"poor": poor, "jobs": jobs, "gdp": gdp})
    >>> fit = control_function("poor ~ jobs", towns, endogenous=("jobs",),
    ...                        instruments=("gdp",))
    >>> fit.estimates.index.tolist()
    ['Intercept', 'jobs', 'residual(jobs)']
    """
    spatial = None if weights is None else as_weights(weights)
    sample = sample_of(unit)
    names = term_names(endogenous, "endogenous"), term_names(instruments, "instruments")
    chosen = None if vcov is None else checked_vcov(vcov, sample.unit)
    needed = () if chosen is None else columns_of(chosen, sample.unit)
    roles = replace(sample.roles, others=(*needed, *sample.roles.others))
    whole = build_design(
        " + ".join([formula, *names[1]]),
        data,
        roles=roles,
        weights=spatial,
        unit_data=unit_data,
        collinear=True,
    )
    binary_outcome(pd.Series(whole.y, whole.rows.index), whole.formula.outcome)
    problem = problem_of(whole, formula, names, sample)
    fit = fit_two_step(problem.model)
    refuse_separation(fit.binary.separating, problem.names, whole.formula.outcome)
    used = chosen or default_vcov(whole, sample.unit)
    cov = _covariance(used, fit, problem)
    options: dict[str, Any] = {"endogenous": names[0], "instruments": names[1]}
    options |= {"unit": unit, "vcov": vcov, "weights": spatial}
    sources = sources_of(data, unit_data, spatial)
    trail = provenance(formula, options, [whole.y, whole.X], sources)
    result = result_of(problem, fit, cov, used, trail)
    return result if spatial is None else _noted(result, spatial.notes)


def _noted(result: Result, notes: tuple[str, ...]) -> Result:
    return replace(result, notes=(*result.notes, *notes))


def _covariance(vcov: Vcov, fit: TwoStepFit, problem: Problem) -> Covariance:
    """Return the sandwich of both stages, from what each row moves."""
    influence = fit.influence
    k = len(problem.names)

    def moves() -> Scores:
        for rows in blocks(len(influence)):
            yield rows, influence[rows]

    # The influence has the bread in it already.
    bread = np.eye(influence.shape[1])
    rows, unit = problem.design.rows, problem.sample.unit
    return covariance(vcov, bread, moves, rows, unit, SmallSample(k, k))

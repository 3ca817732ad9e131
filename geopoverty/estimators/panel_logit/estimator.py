"""The public function."""

from typing import Any

import pandas as pd

from geopoverty.covariances import Vcov
from geopoverty.estimators.panel_logit.conditional import conditional_result
from geopoverty.estimators.panel_logit.options import (
    Keys,
    RandomIntercept,
    kind_of,
)
from geopoverty.estimators.panel_logit.pooled import pooled_result
from geopoverty.estimators.panel_logit.problem import problem_of
from geopoverty.estimators.panel_logit.random import random_result
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result


def panel_logit(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str = "unit_id",
    period: str = "period",
    individual: str | None = None,
    effects: str | RandomIntercept = "none",
    weights: Any = None,
    vcov: Vcov | None = None,
) -> Result:
    """Fit a logit to a panel, with spillovers where the formula has ``W(x)``.

    Parameters
    ----------
    formula : str
        ``"poor ~ jobs + W(jobs) + size"``; the outcome is 0 or 1. Lags are taken
        within periods.
    data : DataFrame, n rows
        One individual and period a row, each pair once. Unbalanced panels are fine:
        individuals may miss periods, as long as what is missing is not so because of
        the outcome. Rows with a missing value are dropped and counted. Never
        modified.
    unit, period : str
        Columns (or the index) that name a row's unit, between which the weights are,
        and its period.
    individual : str, optional
        Column of those who are seen again and again and whose effect is meant, such
        as households in units; the units themselves when not given.
    effects : {"none", "unit", "random", "mundlak"} or RandomIntercept
        ``"none"``: pooled. ``"unit"``: an effect of every individual, whatever it
        depends on, by conditional likelihood [1]_: only individuals whose outcome
        changes count, and only covariates that change. ``"random"``: a normal
        intercept, unrelated to the covariates, by adaptive Gauss-Hermite quadrature
        [2]_ with 12 points, or more where it takes more. ``"mundlak"``: that with
        each individual's means of the covariates that change, so that intercepts may
        depend on them [3]_; these are the terms ``mean(x)``.
    weights : SpatialWeights, libpysal Graph or W, or Neighbors, optional
        Between units; needed by ``W(x)``. `Neighbors` adds a table of all units, for
        households that live in only some of them.
    vcov : {"iid", "cluster"}, Cluster or Conley, optional
        ``"cluster"`` is on the individual. When not given: clusters on the unit if
        the formula has lags, which individuals of a unit share, and individuals stay
        in one unit; else on the individual. Individuals must stay in one cluster.
        With effects="none", also "hc0", "hc1" and WildCluster.

    Returns
    -------
    Result
        ``estimates`` in log-odds, at given effects of individuals; with a random
        intercept, its standard deviation is the last, ``sigma_u``.
        ``tables["odds_ratios"]``. With "unit", ``tables["semi_elasticities"]``: the
        average relative change of the probability by one unit of x [4]_; no effects
        in points, for these need the individuals' own. Else ``tables["effects"]``:
        direct, indirect and total effects on the probability in points of 0 to 1,
        averaged over the intercepts, with delta-method SE. With intercepts,
        ``tables["random"]`` (sigma_u, intraclass correlation of the latent outcome),
        ``intercepts`` (expected, given the outcomes) and, with means, ``mundlak`` (the
        Wald test that they are 0). ``units``: a row a unit (and period).

    Raises
    ------
    InputError
        If pairs of individual and period repeat, there is one period, no outcome
        changes, effects absorb a covariate, or another rule of input is broken.
    EstimationError
        If a covariate separates the outcome perfectly, or the search fails.

    Warns
    -----
    GeoPovertyWarning
        If clusters are few, the quadrature is coarse, or intercepts do not spread.

    Notes
    -----
    With "unit" the log-likelihood of an individual with s ones is that of who among
    its periods has them: sum_t y_t x_t'b - log sum over all sets of s periods of
    exp(sum x_t'b), by a recursion over s. The likelihood-ratio test of sigma_u = 0
    has half of its mass at 0 (Self & Liang 1987). Doubling the points checks the
    quadrature: ``facts["quadrature_shift"]`` is how many standard errors an estimate
    moves by at most.

    References
    ----------
    .. [1] Chamberlain, G. (1980). Analysis of covariance with qualitative data.
       Review of Economic Studies 47, 225-238.
    .. [2] Liu, Q. & Pierce, D. A. (1994). A note on Gauss-Hermite quadrature.
       Biometrika 81, 624-629.
    .. [3] Mundlak, Y. (1978). On the pooling of time series and cross section data.
       Econometrica 46, 69-85.
    .. [4] Kitazawa, Y. (2012). Hyperbolic transformation and average elasticity in
       the framework of the fixed effects logit model. Theoretical Economics Letters
       2, 192-199.

    Examples
    --------
    >>> homes = pd.DataFrame({"unit_id": list("aabbccdd"), "period": [1, 2] * 4,
    ...     "land": [1, 0] * 4, "poor": [0, 1, 0, 1, 0, 1, 1, 0]})
    >>> fit = panel_logit("poor ~ land", homes, effects="unit", vcov="iid")
    >>> fit.estimates.round(3).to_dict()  # minus the log of 3 to 1
    {'land': -1.099}
    """
    kind = kind_of(effects)
    keys = Keys(unit if individual is None else individual, unit, period)
    options = {"weights": weights, "vcov": vcov, "effects": effects, **vars(keys)}
    problem = problem_of(formula, data, keys, kind, options)
    made = provenance(
        formula,
        options,
        (problem.design.y, problem.design.X),
        sources_of(*problem.sources),
    )
    if kind.random is not None:
        return random_result(problem, kind.random, made)
    if kind.name == "unit":
        return conditional_result(problem, made)
    return pooled_result(problem, made)

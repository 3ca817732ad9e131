"""`spatial_binary`: logit and probit whose outcomes depend on neighbours'."""

from typing import Any

from geopoverty._checks import first
from geopoverty.covariances import columns_of, resolved
from geopoverty.design.columns import refuse_collinear
from geopoverty.design.durbin import lagged_design
from geopoverty.design.sample import Sample, cells_of, sample_of, sampled_design
from geopoverty.errors import InputError
from geopoverty.estimators.spatial_binary.facts import facts_of, weights_notes
from geopoverty.estimators.spatial_binary.likelihood import fit_logit, fit_probit
from geopoverty.estimators.spatial_binary.moments import fit_linear, fit_moments
from geopoverty.estimators.spatial_binary.options import (
    GMM,
    ML,
    Method,
    RandomEffects,
    method_of,
    random_of,
    require_possible,
)
from geopoverty.estimators.spatial_binary.problem import Fitted, Problem
from geopoverty.estimators.spatial_binary.random import random_result
from geopoverty.estimators.spatial_binary.register import (
    require_sums,
    spatial_on_register,
)
from geopoverty.estimators.spatial_binary.report import describe, result_of
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.types import Array
from geopoverty.provenance import arrays_of, provenance, sources_of
from geopoverty.registers import Data, is_register, read_register
from geopoverty.results import Result
from geopoverty.weights import as_weights


def spatial_binary(
    formula: str,
    data: Data,
    *,
    weights: Any,
    model: str = "lag",
    link: str = "logit",
    method: str | Method = "ml",
    unit: str | Sample | None = None,
    random: str | RandomEffects | None = None,
) -> Result:
    """Fit a logit or probit in which units depend on their neighbours.

    Parameters
    ----------
    formula : str
        ``"poor ~ jobs + age"``; the outcome is 0 or 1. ``W(x)`` adds a lag of x.
    data : DataFrame, n rows, or a register
        Rows with a missing value are dropped and counted. Never modified. A path of
        Parquet files, a DuckDB relation, a Dask DataFrame or what `read_register`
        gives is read in passes, never whole: logit by "ml", or
        "linear-gmm", with `unit`.
    weights : SpatialWeights, libpysal Graph or W
        Between the units of `data`, dense or sparse; sparse weights are never made
        dense.
    model : {"lag", "error", "durbin"}
        Neighbours' outcomes act (``rho``); their unobserved parts do
        (``lambda``); or their outcomes and all their covariates (``W(x)``).
    link : {"logit", "probit"}
    method : {"ml", "gmm", "linear-gmm"}, ML, GMM or LinearGMM
        The objects carry settings: ``ML(vcov="cluster")``, ``GMM(steps=2,
        order=3)``. See the notes for what each is good for.
    unit : str or Sample, optional
        Column of unit ids for the household form: many rows a unit. When not
        given, every row is one unit, named by the column or index ``unit_id``.
        ``Sample(unit, period, sampling_weight)`` adds periods (neighbours act
        within a period) and sampling weights (logit by "ml" only).
    random : {"unit"} or RandomEffects, optional
        Instead of a lag or error, effects of units that are alike among neighbours
        (logit by "ml" only; `model` then only tells whether covariates have lags).

    Returns
    -------
    Result
        ``estimates``: coefficients of the latent outcome, then ``rho`` or
        ``lambda``. ``tables``: ``effects`` (average direct, indirect and total
        effects on the probability, 0 to 1, with SE), ``calibration``,
        ``confusion``, ``fitted`` (a row each), ``convergence``. ``units``: a row per
        unit (and period) with probability and, for each covariate, its effect in
        the unit itself (``own(x)``), what it gets from the others
        (``spill_in(x)``) and gives to them (``spill_out(x)``: the sum of changes
        over the other units), each with interval and p.

    Raises
    ------
    InputError
        For unknown columns, an outcome that is not 0/1 or does not vary, units that
        rows and weights do not share, several rows a unit without `unit`, weights
        without a link, or options that do not go together.
    EstimationError
        If a covariate separates the outcome, the search does not converge (with its
        record), rho runs to the boundary, or the information is singular.

    Warns
    -----
    GeoPovertyWarning
        If rho is not identified (it is then NaN), instruments are weak, clusters
        are few, or weights average over nearly everybody.

    Notes
    -----
    *Logit by "ml"*: log-odds are (I - rho W)^-1 X b and outcomes independent given
    them [1]_: an exact likelihood. *Probit by "ml"*: the latent outcome follows the
    spatial lag or error process; its n-dimensional normal probability is computed
    by expectation propagation (Minka 2001), in simulations the most accurate. *"gmm"*
    [2]_ matches generalised residuals with lags of covariates: consistent, less
    precise. *"linear-gmm"* [3]_ linearises at rho = 0 and is inconsistent away from
    it: for comparison with published work only.

    In the household form W acts through the means of units: with Z the rows' units,
    W_N = Z W Zbar', and everything is computed at the size of units. A change of x
    "in a unit" is one in all its rows.

    Effects of the probit, and of GMM, are scaled by each unit's s, the spread that
    dependence gives its error; packages that leave it out show effects too large.

    References
    ----------
    .. [1] Krisztin, T. & Piribauer, P. (2021). A Bayesian spatial autoregressive
       logit model with an empirical application to European regional FDI flows.
       Empirical Economics 61, 231-257.
    .. [2] Pinkse, J. & Slade, M. E. (1998). Contracting in space. Journal of
       Econometrics 85, 125-154.
    .. [3] Klier, T. & McMillen, D. P. (2008). Clustering of auto supplier plants in
       the United States. Journal of Business & Economic Statistics 26, 460-471.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import geopoverty as gp
    >>> rng = np.random.default_rng(1)
    >>> ids = [f"{i:03d}" for i in range(60)]
    >>> ring = np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)
    >>> w = gp.SpatialWeights(ids, ring / 2, standardize="row")
    >>> jobs = rng.normal(size=60)
    >>> poor = (0.5 * jobs + rng.logistic(size=60) < 0).astype(int)
    >>> towns = pd.DataFrame({"unit_id": ids, "jobs": jobs, "poor": poor})
    >>> fit = gp.spatial_binary("poor ~ jobs", towns, weights=w)
    >>> fit.estimates.index.tolist()
    ['Intercept', 'jobs', 'rho']
    """
    name, how = method_of(method)
    effects = random_of(random)
    require_possible(model, link, name, effects)
    sample = sample_of(unit)
    held = as_weights(weights)
    if is_register(data):
        require_sums(unit, link, name, effects)
        _require_known(sample, link, name, effects)
        assert not isinstance(how, GMM)  # it has just been refused
        return spatial_on_register(
            formula, read_register(data), held, sample, model, link, how
        )
    design = sampled_design(formula, data, held, sample, _clusters(how, sample))
    _refuse_names(design.names)
    cells = cells_of(design.rows, held, sample, alone=unit is None)
    _require_known(sample, link, name, effects)
    if effects is not None:
        _refuse_sandwich(how)
    lagged = lagged_design(design, held.matrix, cells, durbin=model == "durbin")
    refuse_collinear(lagged.design.X, lagged.design.names)
    problem = Problem(
        lagged,
        held.matrix,
        cells,
        sample,
        model,
        LINKS[link],
        feasible_rho(held.matrix),
    )
    options: dict[str, Any] = {"model": model, "link": link, "method": how}
    options |= {"unit": unit, "random": random, "weights": held}
    parts = {
        "facts": facts_of(problem, name),
        "notes": (*weights_notes(problem, held), *held.notes),
        "provenance": provenance(
            formula,
            options,
            [problem.y, problem.X, *arrays_of(held.matrix), *_given(cells.w)],
            sources_of(data, held),
        ),
    }
    if effects is not None:
        return random_result(problem, effects, parts)
    fitted = _fit(problem, how)
    return result_of(
        "spatial_binary", problem, fitted, parts, describe(problem, fitted)
    )


def _fit(problem: Problem, how: Method) -> Fitted:
    if isinstance(how, GMM):
        return fit_moments(problem, how)
    if isinstance(how, ML):
        fit = fit_logit if problem.link.name == "logit" else fit_probit
        return fit(problem, how)
    return fit_linear(problem, how)


def _given(w: Array | None) -> list[Array]:
    return [] if w is None else [w]


def _clusters(how: Method, sample: Sample) -> tuple[str, ...]:
    """Return the columns that the covariance needs."""
    if not isinstance(how, ML) or how.vcov is None:
        return ()
    return columns_of(resolved(how.vcov, sample.unit), sample.unit)


def _refuse_names(names: list[str]) -> None:
    taken = {"rho", "lambda", "sigma"} & set(names)
    if taken:
        raise InputError(
            "'rho', 'lambda' and 'sigma' name the model's coefficients; a "
            f"covariate may not be called so ({first(sorted(taken))}). Rename it."
        )


def _require_known(
    sample: Sample, link: str, method: str, random: RandomEffects | None
) -> None:
    if sample.sampling_weight is None or random is not None:
        return
    if link != "logit" or method != "ml":
        raise InputError(
            "Sampling weights need a likelihood that is a sum over rows: "
            "link='logit' with method='ml', or random='unit'. Leave sampling_weight "
            "out, and add to the covariates what the sample was drawn by."
        )


def _refuse_sandwich(how: Method) -> None:
    if isinstance(how, ML) and how.vcov not in (None, "iid"):
        raise InputError(
            "With random effects units depend on one another, so standard errors are "
            f"the inverse information; got vcov={how.vcov!r}. Use vcov='iid'."
        )

"""`panel`: linear panels with effects of units and periods, and with spillovers."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from geopoverty._checks import first
from geopoverty.covariances import Vcov, columns_of
from geopoverty.design.build import Design, Roles, build_design
from geopoverty.design.columns import refuse_collinear
from geopoverty.design.durbin import LaggedDesign, lagged_design
from geopoverty.design.sample import Sample, cells_of
from geopoverty.errors import InputError
from geopoverty.estimators.panel.components import fit_components
from geopoverty.estimators.panel.likelihood import fit_likelihood
from geopoverty.estimators.panel.options import (
    SpatialPanel,
    require_possible,
    spatial_of,
    vcov_of,
)
from geopoverty.estimators.panel.problem import Fitted, Keys, Problem, check_panel
from geopoverty.estimators.panel.random import fit_random
from geopoverty.estimators.panel.report import result_of
from geopoverty.estimators.panel.within import fit_within
from geopoverty.provenance import arrays_of, provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights, as_weights


def panel(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str = "unit_id",
    period: str = "period",
    effects: str = "two-way",
    weights: Any = None,
    model: str | SpatialPanel = "none",
    vcov: Vcov | None = None,
) -> Result:
    """Fit a linear panel, with spillovers through ``W(x)`` or between outcomes.

    Parameters
    ----------
    formula : str
        ``"log_income ~ density + W(density)"``; lags are taken within periods.
    data : DataFrame, n rows
        One unit and period a row, each pair once. With ``model="none"`` it may be
        unbalanced, but every unit of the weights needs x in every period for
        ``W(x)``; with a spatial model every unit of the weights needs a complete row
        in every period. Rows with a missing value are dropped and counted. Never
        modified.
    unit, period : str
        Columns (or the index) that name a row's unit and period.
    effects : {"unit", "period", "two-way", "none", "random"}
        Fixed effects; ``"none"`` is pooled, ``"random"`` are effects of units: by
        least squares after Swamy & Arora without dependence, by likelihood with it,
        or by moments (``SpatialPanel("error", method="gmm")``: Kapoor, Kelejian &
        Prucha 2007, whose unit effects spill over, too).
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units, the same in all periods; needed by ``W(x)`` and by `model`.
    model : {"none", "lag", "error", "durbin"} or SpatialPanel
        Neighbours' outcomes act (``rho``); their unobserved parts do (``lambda``);
        or their outcomes and all their covariates (``W(x)``). ``SpatialPanel("lag",
        bias_correction=False)`` carries settings.
    vcov : {"iid", "hc1", "cluster"}, Cluster, WildCluster or Conley, optional
        By default ``"cluster"``, on the unit. Small-sample factors are fixest's, which
        are Stata's: effects nested in the clusters do not count as parameters. A
        spatial model takes ``"iid"`` only, the inverse of the expected information.
        With few clusters `WildCluster` tests by bootstrap (``tables["wild"]``).

    Returns
    -------
    Result
        ``tables["effects"]``: direct, indirect and total effects in units of the
        outcome. ``units``: outcome, fitted value and residual of each row; with a lag,
        for each covariate its effect in the unit itself (``own(x)``), what the unit
        gets from the others (``spill_in(x)``) and gives to them (``spill_out(x)``:
        the sum of changes in the others), each with interval and p. ``facts`` of a
        spatial model: log-likelihood, AIC, BIC, the likelihood-ratio test of
        dependence, sigma2, pseudo R-squared, the feasible range of rho. Random
        effects bring ``tables["hausman"]``: whether fixed ones differ from them.

    Raises
    ------
    InputError
        For repeated unit-period pairs, fewer than two periods, covariates that
        the fixed effects absorb, units or periods that a spatial model lacks, and
        whatever else breaks a rule of input.
    EstimationError
        If the spatial coefficient runs to the boundary of what is feasible.

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 40 clusters.

    Notes
    -----
    Without dependence the fixed effects are swept out and the coefficients found by
    pyfixest. Tests use Student's t with G - 1 degrees of freedom under clusters [1]_.

    With it, effects are swept out and coefficients and variance concentrated out of
    the likelihood [2]_, whose log-determinant is that of a sparse factor at a few rho,
    interpolated. Sweeping takes n (or T) observations: by default the likelihood is
    that of the data net of effects, so that rho and sigma2 are consistent with few
    periods [3]_. With unit effects alone this changes sigma2 and standard errors
    (by T/(T-1)), not the coefficients; ``bias_correction=False`` gives spreg's. Where
    rows of W have different sums, period effects take their part of the determinant
    by its expectation, which for equal sums is the transformation of [3]_.

    A fitted value of a lag model uses neighbours' outcomes as observed.

    References
    ----------
    .. [1] Cameron, A. C. & Miller, D. L. (2015). A practitioner's guide to
       cluster-robust inference. Journal of Human Resources 50, 317-372.
    .. [2] Elhorst, J. P. (2003). Specification and estimation of spatial panel data
       models. International Regional Science Review 26, 244-268.
    .. [3] Lee, L.-F. & Yu, J. (2010). Estimation of spatial autoregressive panel data
       models with fixed effects. Journal of Econometrics 154, 165-185.

    Examples
    --------
    >>> table = pd.DataFrame({"unit_id": list("aabbcc"), "period": [1, 2] * 3,
    ...     "x": [0.0, 1.0, 0.0, 2.0, 1.0, 1.0], "y": [1.0, 3.0, 2.0, 7.0, 5.0, 4.0]})
    >>> panel("y ~ x", table, effects="unit", vcov="iid").estimates.round(3).to_dict()
    {'x': 2.4}
    """
    spatial = spatial_of(model)
    require_possible(effects, spatial)
    keys = Keys(unit, period, effects)
    chosen = vcov_of(vcov, spatial, unit, effects)
    held = _weights(weights, spatial)
    design = build_design(
        formula,
        data,
        roles=Roles(unit, period, (unit, *columns_of(chosen, unit))),
        # Weights without W(x) are no oversight where the model uses them.
        weights=held if spatial is None or "W(" in formula else None,
        intercept=effects in ("none", "random"),
    )
    check_panel(design, keys)
    if spatial is None or held is None:
        problem = Problem(LaggedDesign(design, {}), keys, None, chosen, held)
    else:
        problem = _spatial_problem(design, keys, spatial, held)
    fitted = _fit(problem)
    options = {**vars(keys), "model": model, "vcov": vcov, "weights": weights}
    arrays = [problem.y, problem.X]
    arrays += [] if problem.spatial is None or held is None else arrays_of(held.matrix)
    parts = {
        "notes": () if held is None else held.notes,
        "provenance": provenance(
            formula, options, arrays, sources_of(data, held), fitted.packages
        ),
    }
    return result_of(problem, fitted, parts)


def _spatial_problem(
    design: Design, keys: Keys, spatial: SpatialPanel, weights: SpatialWeights
) -> Problem:
    """Lay the rows out by unit and period, and add the lags of a Durbin model."""
    if spatial.coefficient in design.names:
        raise InputError(
            f"'{spatial.coefficient}' names the model's coefficient; a covariate may "
            "not be called so. Rename it."
        )
    cells = cells_of(design.rows, weights, Sample(keys.unit, keys.period))
    durbin = spatial.model == "durbin"
    lagged = lagged_design(design, weights.matrix, cells, durbin=durbin)
    refuse_collinear(lagged.design.X, lagged.design.names)
    return Problem(lagged, keys, spatial, "iid", weights, cells)


def _fit(problem: Problem) -> Fitted:
    if problem.spatial is not None and problem.spatial.method == "gmm":
        return fit_components(problem)
    if problem.keys.effects == "random":
        return fit_random(problem)
    return fit_within(problem) if problem.spatial is None else fit_likelihood(problem)


def _weights(weights: Any, spatial: SpatialPanel | None) -> SpatialWeights | None:
    if isinstance(weights, Mapping):
        raise InputError(
            "weights must be the same in every period: fixed effects could not be "
            f"swept out otherwise; got {len(weights)} ({first(weights)}). Use those of "
            "one period, or add lags of each period's weights as columns of data."
        )
    if weights is not None:
        return as_weights(weights)
    if spatial is not None:
        raise InputError(
            f"model='{spatial.model}' needs spatial weights. Pass weights=, such as "
            "travel_weights(times, cutoff=120)."
        )
    return None

"""Ordinary least squares, with spillovers through lagged covariates."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require_option
from geopoverty._progress import stages
from geopoverty.covariances import (
    NAMES,
    Cluster,
    Conley,
    Covariance,
    Vcov,
    WildCluster,
    columns_of,
    covariance,
    resolved,
)
from geopoverty.design import Design, Roles, build_design
from geopoverty.design.columns import refuse_collinear, refuse_ill
from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import Sample, sampling_weights
from geopoverty.effects.defaults import vcov_for
from geopoverty.effects.quality import spans_constant
from geopoverty.effects.tables import linear_effects_table
from geopoverty.effects.terms import effect_terms
from geopoverty.effects.wild import NO_WILD, Wild, wild_least_squares
from geopoverty.estimators.linear.checks import (
    LEVERAGED,
    constant_outcome,
    perfect,
    require_leverage,
    require_more_rows,
)
from geopoverty.estimators.linear.register import ols_on_register
from geopoverty.estimators.linear.report import (
    Model,
    Options,
    facts,
    fitted_table,
    freedom,
    units_table,
    variance_tests,
    vif_table,
)
from geopoverty.numerics.covariance import cluster_factor
from geopoverty.numerics.least_squares import (
    least_squares,
    leverages,
    robust_covariance,
    score_blocks,
)
from geopoverty.provenance import provenance, sources_of
from geopoverty.registers import Data, is_register, read_register
from geopoverty.results import Result
from geopoverty.weights import as_weights


def ols(
    formula: str,
    data: Data,
    *,
    weights: Any = None,
    unit: str = "unit_id",
    period: str | None = None,
    vcov: Vcov | None = None,
    sampling_weight: str | None = None,
    unit_data: pd.DataFrame | None = None,
) -> Result:
    """Fit least squares, with spillovers where the formula has ``W(x)``.

    Parameters
    ----------
    formula : str
        ``"log(income) ~ jobs + W(jobs) + age"``: ``W(x)`` is the lag of x over the
        units, computed once per unit and period and joined to rows by key.
    data : DataFrame, n rows; or a register
        One household or unit (and period) a row. Rows with a missing value are
        dropped and counted. Never modified. A path to Parquet files, a DuckDB
        relation, a Dask DataFrame or a `Register` is read in parts and never whole.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    unit, period : str
        Columns (or the index) that name a row's unit and period. With `period`,
        lags are taken within periods.
    vcov : {"iid", "hc0", "hc1", "hc2", "hc3", "cluster"}, Cluster, WildCluster or \
Conley, optional
        ``"cluster"`` is on the unit. When not given: "cluster" if the formula
        has lags and units have several rows, which share them; else "hc1".
        With few clusters, `WildCluster` adds ``tables["wild"]``.
    sampling_weight : str, optional
        Column of weights above 0; only their ratios matter.
    unit_data : DataFrame, optional
        One row a unit (and period). ``W(x)`` is computed from it where it has x,
        and columns that `data` lacks are joined from it.

    Returns
    -------
    Result
        ``estimates`` (k,) in units of the outcome. Tests are Student's t with n - k
        degrees of freedom; with clusters, their number less one. ``facts``: R
        squared, adjusted too, the F test that all slopes are 0 (with the covariance
        chosen), AIC and BIC (of normal errors; the variance counts as a parameter),
        condition number of the columns at unit length. ``tables``: ``effects``
        (average direct, indirect and total effects), ``vif`` (generalised variance
        inflation a term, and its root per degree of freedom, to be read like the
        root of an ordinary one), ``heteroskedasticity`` (Breusch-Pagan studentised
        and plain, and White), ``fitted`` (outcome, fitted, residual, leverage a
        row). ``units``: a row per unit (and period) with rows, mean outcome, fitted
        and residual, and for each lagged x its direct and indirect effect.

    Raises
    ------
    InputError
        For unknown or (nearly) collinear columns, no more rows than columns, an
        outcome that does not vary, values that are not finite, an unknown
        covariance, or units without weights.
    EstimationError
        If a row's leverage is 1 and HC2 or HC3 was asked for.

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 40 clusters, or the fit is perfect.

    Notes
    -----
    The tests of the variance give every row the same weight, with or without
    sampling weights: they ask about errors, not about the population.

    References
    ----------
    MacKinnon, J. G. & White, H. (1985). Some heteroskedasticity-consistent
    covariance matrix estimators with improved finite sample properties. Journal of
    Econometrics 29, 305-325. Fox, J. & Monette, G. (1992). Generalized collinearity
    diagnostics. Journal of the American Statistical Association 87, 178-183.

    Examples
    --------
    >>> homes = pd.DataFrame({"income": [1.0, 3, 4, 8], "age": [0.0, 1, 2, 3]})
    >>> ols("income ~ age", homes).estimates.round(3).to_dict()
    {'Intercept': 0.7, 'age': 2.2}
    """
    options = Options(weights, unit, period, vcov, sampling_weight)
    held = None if weights is None else as_weights(weights)
    chosen = _chosen(options)
    if is_register(data):
        return ols_on_register(
            formula, read_register(data), _sample(options), chosen, held, unit_data
        )
    design = build_design(
        formula,
        data,
        roles=_roles(options, chosen),
        weights=held,
        unit_data=unit_data,
        collinear=True,
    )
    _require_sample(design)
    chosen, notes = vcov_for(chosen, design, unit)
    model = _fit(design, options)
    cov = _covariance(model, chosen)
    wild = _wild(model, chosen)
    effects = effect_terms(design)
    df_t = freedom(model.core, cov)
    tests, test_notes = variance_tests(model)
    notes = [
        *design.notes,
        *notes,
        *model.notes,
        *cov.notes,
        *wild.notes,
        *effects.notes,
        *test_notes,
        *(() if held is None else held.notes),
    ]
    arrays = [design.y, design.X, *([] if model.w is None else [model.w])]
    names = design.names
    return Result(
        estimator="ols",
        estimates=pd.Series(model.fit.beta, index=names),
        vcov=pd.DataFrame(cov.matrix, index=names, columns=names),
        units=units_table(model, effects, cov.matrix),
        facts={**facts(model, cov, df_t), **wild.facts},
        tables={
            **wild.tables,
            "effects": linear_effects_table(effects, model.fit.beta, cov.matrix, df_t),
            "vif": vif_table(design, model.fit.bread),
            "heteroskedasticity": tests,
            "fitted": fitted_table(model),
        },
        notes=tuple(notes),
        provenance={
            **provenance(
                formula, vars(options), arrays, sources_of(data, unit_data, held)
            ),
            "recipe": recipe_of(design, _sample(options), link="identity"),
        },
    )


def _chosen(options: Options) -> Vcov | None:
    vcov, unit = options.vcov, options.unit
    if vcov is None:
        return None
    if isinstance(vcov, Cluster | WildCluster | Conley):
        return vcov
    require_option(vcov, (*NAMES[:3], *LEVERAGED, "cluster"), "vcov")
    return vcov if vcov in LEVERAGED else resolved(vcov, unit, wild=True)


def _sample(options: Options) -> Sample:
    return Sample(options.unit, options.period, options.sampling_weight)


def _roles(options: Options, vcov: Vcov | None) -> Roles:
    needed = () if vcov is None else columns_of(vcov, options.unit)
    roles = _sample(options).roles
    return replace(roles, others=(*needed, *roles.others))


def _require_sample(design: Design) -> None:
    require_more_rows(len(design.X), design.names)
    if design.y.min() == design.y.max():
        raise constant_outcome(design.formula.outcome, design.y[0], len(design.y))
    refuse_collinear(design.X, design.names)
    refuse_ill(design.X, design.names)


def _fit(design: Design, options: Options) -> Model:
    w = None
    if options.sampling_weight is not None:
        w = sampling_weights(design.rows[options.sampling_weight])
    fit = least_squares(design.y, design.X, w)
    constant = "Intercept" in design.names or spans_constant(design.X)
    notes = perfect(fit.rss, float(design.y @ design.y))
    h = leverages(design.X, fit.bread, w)
    return Model(design, options, w, fit, h, constant, notes)


def _covariance(model: Model, vcov: Vcov) -> Covariance:
    X, fit, w = model.design.X, model.fit, model.w
    if isinstance(vcov, str):
        if vcov in LEVERAGED:
            require_leverage(model.leverage, model.design.rows.index, vcov)
        matrix = robust_covariance(fit, X, vcov, w, model.leverage)
        label = "inverse information" if vcov == "iid" else vcov.upper()
        return Covariance(matrix, {"vcov": label}, ())
    return covariance(
        vcov,
        fit.bread,
        lambda: score_blocks(X, fit.residual, w),
        model.design.rows,
        model.options.unit,
    )


def _wild(model: Model, vcov: Vcov) -> Wild:
    if not isinstance(vcov, WildCluster):
        return NO_WILD
    design = model.design
    n, k = design.X.shape
    groups = int(design.rows[vcov.by].nunique())
    factor = cluster_factor(groups, n, k, vcov.correction)
    root = np.ones(n) if model.w is None else np.sqrt(model.w)
    with stages("Wild cluster bootstrap"):
        return wild_least_squares(
            root * design.y,
            root[:, None] * design.X,
            design.names,
            vcov,
            design.rows,
            factor,
        )

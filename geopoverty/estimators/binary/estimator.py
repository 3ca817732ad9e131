"""Logit and probit, with spillovers through lagged covariates."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from geopoverty._checks import binary_outcome, first, refuse_separation, warn
from geopoverty._progress import stages
from geopoverty.covariances import (
    Covariance,
    Vcov,
    WildCluster,
    columns_of,
    covariance,
    resolved,
)
from geopoverty.design import Design, Roles, build_design
from geopoverty.design.recipe import recipe_of
from geopoverty.design.sample import Sample, sampling_weights
from geopoverty.effects.defaults import vcov_for
from geopoverty.effects.quality import Quality, quality, spans_constant
from geopoverty.effects.tables import (
    BinaryModel,
    effects_table,
    fitted_table,
    odds_of,
)
from geopoverty.effects.terms import effect_terms
from geopoverty.effects.units import units_table
from geopoverty.effects.wild import NO_WILD, Wild, WildModel, wild_binary
from geopoverty.estimators.binary.register import binary_on_register
from geopoverty.numerics.binary import fit_binary, score_blocks
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.links import LINKS, Link
from geopoverty.provenance import provenance, sources_of
from geopoverty.registers import Data, is_register, read_register
from geopoverty.results import Result
from geopoverty.weights import as_weights


def logit(
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
    """Fit a logit, with spillovers where the formula has ``W(x)``.

    Parameters
    ----------
    formula : str
        ``"poor ~ jobs + W(jobs) + age"``: ``W(x)`` is the lag of x over the
        units, computed once per unit and period and joined to rows by key. The
        outcome is 0 or 1, or an expression that is, such as ``income < line``.
    data : DataFrame, n rows; or a register
        One household or unit (and period) a row. Rows with a missing value are
        dropped and counted. Never modified. A path to Parquet files, a DuckDB
        relation, a Dask DataFrame or a `Register` is read in parts and never whole.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    unit, period : str
        Columns (or the index) that name a row's unit and period. With `period`,
        lags are taken within periods.
    vcov : {"iid", "hc0", "hc1", "cluster"}, Cluster, WildCluster or Conley, optional
        ``"cluster"`` is on the unit. When not given: "cluster" if the formula
        has lags and units have several rows, which share them; else "hc1".
        With few clusters, `WildCluster` adds ``tables["wild"]``.
    sampling_weight : str, optional
        Column of weights above 0; only their ratios matter.
    unit_data : DataFrame, optional
        One row a unit (and period). ``W(x)`` is computed from it where it has x,
        and columns that `data` lacks are joined from it. Use it when households
        live in only some of the units.

    Returns
    -------
    Result
        ``estimates`` in log-odds. ``tables``: ``effects`` (average direct,
        indirect and total effects on the probability, in points of 0 to 1, with
        delta-method SE), ``odds_ratios``, ``fitted`` (a row each), ``calibration``
        (observed share of ones by tenth of the probability), ``confusion`` (right
        and wrong predictions at three thresholds). ``facts``: log-likelihood, its
        ratio test against a constant alone (rows independent, whatever `vcov`),
        McFadden's and Tjur's R squared, AIC, BIC, area under the ROC curve with
        DeLong's standard error, Brier score, calibration line. ``units``: a
        row per unit (and period) with rows, outcome, probability and its 95 %
        interval, and for each lagged x its own (direct) and spillover
        (indirect) effect with interval and p.

    Raises
    ------
    InputError
        For unknown or collinear columns, ids that are not text, an outcome that
        is not 0/1 or does not vary, values that are not finite, or units
        without weights.
    EstimationError
        If a covariate separates the outcome perfectly.

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 40 clusters, or the outcome is constant in a
        period.

    Notes
    -----
    Exact maximum likelihood. The indirect effect of x is what raising x by one
    in all other units does: ``theta f(x'b) sum_j w_ij``, averaged over rows. An
    effect of a category is the change from the base category.

    References
    ----------
    LeSage, J. & Pace, R. K. (2009). Introduction to Spatial Econometrics,
    section 2.7, for direct and indirect effects; Halleck Vega, S. & Elhorst,
    J. P. (2015). The SLX model. Journal of Regional Science 55, 339-363.

    Examples
    --------
    >>> homes = pd.DataFrame({"poor": [1, 1, 0, 1, 0, 0], "age": [2, 4, 3, 1, 5, 6]})
    >>> logit("poor ~ age", homes, vcov="iid").estimates.round(3).to_dict()
    {'Intercept': 4.249, 'age': -1.214}
    """
    options = _Options(weights, unit, period, vcov, sampling_weight)
    return _binary("logit", formula, data, options, unit_data)


def probit(
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
    """Fit a probit, with spillovers where the formula has ``W(x)``.

    Everything is as in `logit`, but for the normal link: ``estimates`` are in
    standard deviations of the latent outcome, and there are no odds ratios.
    Standard errors rest on the observed information, as in Stata and
    statsmodels (R's ``glm`` uses the expected one).

    Parameters
    ----------
    formula, data, weights, unit, period, vcov, sampling_weight, unit_data
        See `logit`.

    Returns
    -------
    Result

    Raises
    ------
    InputError, EstimationError
        See `logit`.

    Examples
    --------
    >>> homes = pd.DataFrame({"poor": [1, 1, 0, 1, 0, 0], "age": [2, 4, 3, 1, 5, 6]})
    >>> probit("poor ~ age", homes, vcov="iid").estimates.round(3).to_dict()
    {'Intercept': 2.659, 'age': -0.76}
    """
    options = _Options(weights, unit, period, vcov, sampling_weight)
    return _binary("probit", formula, data, options, unit_data)


@dataclass(frozen=True, eq=False)
class _Options:
    """What logit and probit share, as given."""

    weights: Any
    unit: str
    period: str | None
    vcov: Vcov | None
    sampling_weight: str | None


def _binary(
    name: str,
    formula: str,
    data: Data,
    options: _Options,
    unit_data: pd.DataFrame | None,
) -> Result:
    weights = None if options.weights is None else as_weights(options.weights)
    vcov = _chosen(options)
    if is_register(data):
        register = read_register(data)
        sample = _sample(options)
        return binary_on_register(
            name, formula, register, sample, vcov, weights, unit_data
        )
    design = build_design(
        formula,
        data,
        roles=_roles(options, vcov),
        weights=weights,
        unit_data=unit_data,
    )
    binary_outcome(pd.Series(design.y, design.rows.index), design.formula.outcome)
    vcov, notes = vcov_for(vcov, design, options.unit)
    notes += _flat_periods(design, options.period)
    model, cov = _fit(design, LINKS[name], options, vcov)
    effects, fitted = effect_terms(design), fitted_table(model)
    fit = _quality(model, fitted["probability"])
    wild = _wild(model, vcov)
    notes = [*design.notes, *notes, *cov.notes, *wild.notes, *effects.notes, *fit.notes]
    arrays = [design.y, design.X, *([] if model.w is None else [model.w])]
    return Result(
        estimator=name,
        estimates=pd.Series(model.fit.beta, index=design.names),
        vcov=pd.DataFrame(cov.matrix, index=design.names, columns=design.names),
        units=units_table(model, effects),
        facts={**_facts(model, fit), **cov.facts, **wild.facts},
        tables={
            **wild.tables,
            "effects": effects_table(model, effects),
            **odds_of(name, design.names, model.fit.beta, cov.matrix),
            "fitted": fitted,
            **fit.tables,
        },
        notes=(*notes, *(() if weights is None else weights.notes)),
        provenance={
            **provenance(
                formula, vars(options), arrays, sources_of(data, unit_data, weights)
            ),
            "recipe": recipe_of(design, _sample(options), link=name),
        },
    )


def _chosen(options: _Options) -> Vcov | None:
    if options.vcov is None:
        return None
    return resolved(options.vcov, options.unit, wild=True)


def _sample(options: _Options) -> Sample:
    return Sample(options.unit, options.period, options.sampling_weight)


def _roles(options: _Options, vcov: Vcov | None) -> Roles:
    needed = () if vcov is None else columns_of(vcov, options.unit)
    roles = _sample(options).roles
    return replace(roles, others=(*needed, *roles.others))


def _fit(
    design: Design, link: Link, options: _Options, vcov: Vcov
) -> tuple[BinaryModel, Covariance]:
    w = None
    if options.sampling_weight is not None:
        w = sampling_weights(design.rows[options.sampling_weight])
    with stages(f"Fitting {len(design.y):,} rows, step") as stepped:
        fit = fit_binary(design.X, design.y, link, w, stepped)
    refuse_separation(fit.separating, design.names, design.formula.outcome)
    cov = covariance(
        vcov,
        inverse(fit.information),
        lambda: score_blocks(design.X, design.y, fit.beta, link, w),
        design.rows,
        options.unit,
    )
    keys = (options.unit, options.period)
    return BinaryModel(design, link, w, *keys, fit, cov.matrix), cov


def _wild(model: BinaryModel, vcov: Vcov) -> Wild:
    if not isinstance(vcov, WildCluster):
        return NO_WILD
    design = model.design
    fitted = WildModel(
        design.X, design.y, design.names, model.fit.beta, model.link, model.w
    )
    with stages("Wild cluster bootstrap, term", len(design.names)) as stepped:
        return wild_binary(fitted, vcov, design.rows, stepped)


def _flat_periods(design: Design, period: str | None) -> list[str]:
    if period is None:
        return []
    rates = pd.Series(design.y).groupby(design.rows[period].to_numpy()).mean()
    flat = rates.index[(rates == 0) | (rates == 1)]
    if not len(flat):
        return []
    note = (
        f"The outcome does not vary in {len(flat)} of {len(rates)} periods "
        f"({first(flat)})."
    )
    warn(
        f"{note} They tell nothing of differences within a period: check the poverty "
        "line, or leave these periods out."
    )
    return [note]


def _quality(model: BinaryModel, probability: pd.Series) -> Quality:
    design = model.design
    return quality(
        design.y,
        probability.to_numpy(),
        model.w,
        loglik=model.fit.loglik,
        k=design.X.shape[1],
        nested="Intercept" in design.names or spans_constant(design.X),
    )


def _facts(model: BinaryModel, fit: Quality) -> dict[str, Any]:
    design = model.design
    facts = {
        "n_obs": len(design.y),
        "n_dropped": design.dropped,
        "outcome": design.formula.outcome,
        **fit.facts,
    }
    if model.unit in design.rows.columns:
        facts["n_units"] = int(design.rows[model.unit].nunique())
    if model.period is not None:
        facts["n_periods"] = int(design.rows[model.period].nunique())
    return facts

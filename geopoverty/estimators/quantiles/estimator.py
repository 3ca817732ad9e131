"""Regression quantiles: what moves the low and the high end of an outcome."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, warn
from geopoverty._progress import progress
from geopoverty.covariances import few_clusters
from geopoverty.design import Design, Roles, build_design
from geopoverty.design.columns import refuse_collinear
from geopoverty.design.sample import Sample, sampling_weights, shares_lags
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.quantiles.options import (
    QuantileBootstrap,
    QuantileVcov,
    quantiles_of,
    vcov_of,
)
from geopoverty.estimators.quantiles.report import (
    PERFECT,
    Fitted,
    Spread,
    effects_tables,
    equality_table,
    fit_notes,
    fit_table,
    is_perfect,
    path_table,
    units_table,
)
from geopoverty.numerics.quantile.density import local_densities, sparsity
from geopoverty.numerics.quantile.fit import frame_of, solve
from geopoverty.numerics.quantile.joint import bootstrap, sandwiches
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.resampling import Drawn, Resamples
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import as_weights

WORST = 0.2  # share of failed draws from which the others say too little


def quantile_regression(
    formula: str,
    data: pd.DataFrame,
    *,
    quantiles: float | Sequence[float] = (0.3, 0.5, 0.7, 0.9),
    vcov: QuantileVcov = "nid",
    weights: Any = None,
    unit: str = "unit_id",
    period: str | None = None,
    sampling_weight: str | None = None,
) -> Result:
    """Fit regression quantiles: exact minima of the tilted absolute loss [1]_.

    Parameters
    ----------
    formula : str
        ``"vulnerability ~ size + debt + W(jobs)"``: ``W(x)`` is the lag of x over
        the units.
    data : DataFrame, n rows
        Rows with a missing value are dropped and counted. Never modified.
    quantiles : float or sequence of float
        Inside (0, 1); fitted in ascending order.
    vcov : {"nid", "iid", "bootstrap"} or QuantileBootstrap
        ``"nid"``: rows independent, each with its own density (Hendricks & Koenker
        1992); ``"iid"``: one density for all; ``"bootstrap"``: 500 draws of rows. Use
        `QuantileBootstrap` for clusters, other numbers of draws, another seed. All
        give the joint covariance of all quantiles.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    unit, period : str
        Columns (or the index) that name a row's unit and period. With `period`,
        lags are taken within periods.
    sampling_weight : str, optional
        Column of weights above 0; only their ratios matter.

    Returns
    -------
    Result
        ``estimates`` of m quantiles and k columns, named ``"q0.5: income"``, in units
        of the outcome; ``vcov`` across quantiles. ``tables``: ``path`` (each
        coefficient at each quantile with its 95 % interval, and least squares with
        HC1 beside it: what to plot), ``equality`` (F tests that slopes do not differ
        between quantiles: all together, then term by term), ``effects`` (a row a
        quantile, term and kind), ``fit`` (a quantile's loss, Koenker and Machado's
        R1, rows on the plane, whether the solution is the only one). ``units``: a
        row for each row used, with the outcome and its fitted quantiles.

    Raises
    ------
    InputError
        For quantiles outside (0, 1), unknown or collinear columns, no more rows than
        columns, an outcome that does not vary, or an unknown covariance.
    EstimationError
        If densities cannot be had, or a fifth of the draws cannot be fitted.

    Warns
    -----
    GeoPovertyWarning
        If fewer than 40 clusters are drawn, or the fit is perfect.

    Notes
    -----
    Interior point with preprocessing [2]_, then a step to a vertex, so that
    coefficients are exact: planes through k rows. Where several planes are equally
    good (whole-number outcomes, categories of even size) the lowest on average is
    given, whatever the order of rows, and a note says so; R may give another. Tests
    are Student's t with n - k degrees of freedom, as in R's quantreg; with clusters,
    their number less one.

    References
    ----------
    .. [1] Koenker, R. & Bassett, G. (1978). Regression quantiles. Econometrica 46,
       33-50.
    .. [2] Portnoy, S. & Koenker, R. (1997). The Gaussian hare and the Laplacian
       tortoise. Statistical Science 12, 279-300.

    Examples
    --------
    >>> homes = pd.DataFrame({"income": np.arange(1.0, 62.0)})
    >>> homes["food"] = homes["income"] * (2 + homes["income"] % 7)
    >>> fit = quantile_regression("food ~ income", homes, quantiles=(0.25, 0.75))
    >>> fit.estimates.filter(like="income").round(6).to_dict()
    {'q0.25: income': 3.0, 'q0.75: income': 7.0}
    """
    taus, chosen = quantiles_of(quantiles), vcov_of(vcov)
    held = None if weights is None else as_weights(weights)
    sample = Sample(unit, period, sampling_weight)
    design = build_design(
        formula, data, roles=_roles(sample, chosen), weights=held, collinear=True
    )
    _require_sample(design)
    fitted = _fit(design, sample, taus)
    spread = _spread(fitted, chosen)
    names = fitted.terms
    path = path_table(fitted, spread)
    options = {
        "quantiles": str(taus),
        "vcov": vcov,
        "weights": weights,
        "unit": unit,
        "period": period,
        "sampling_weight": sampling_weight,
    }
    arrays = [design.y, design.X, *([] if fitted.w is None else [fitted.w])]
    effects, effect_notes = effects_tables(fitted, spread)
    notes = (
        *design.notes,
        *_shared_lags(fitted, chosen),
        *fit_notes(fitted),
        *spread.notes,
        *effect_notes,
        *(() if held is None else held.notes),
    )
    return Result(
        estimator="quantile_regression",
        estimates=pd.Series(fitted.beta.ravel(), index=names),
        vcov=pd.DataFrame(spread.vcov, index=names, columns=names),
        units=units_table(fitted),
        facts={
            "n_obs": len(design.y),
            "n_dropped": design.dropped,
            "outcome": design.formula.outcome,
            "n_quantiles": len(taus),
            "n_not_unique": sum(s.status != 0 for s in fitted.solved),
            **spread.facts,
            "df_t": spread.df,
        },
        tables={
            "path": path,
            **equality_table(fitted, spread),
            "effects": effects,
            "fit": fit_table(fitted),
        },
        notes=notes,
        provenance=provenance(formula, options, arrays, sources_of(data, held)),
    )


def _roles(sample: Sample, vcov: QuantileVcov) -> Roles:
    by = vcov.by if isinstance(vcov, QuantileBootstrap) else None
    others = (*([] if by is None else [by]), *sample.roles.others)
    return replace(sample.roles, others=others)


def _require_sample(design: Design) -> None:
    n, k = design.X.shape
    if n <= k:
        raise InputError(
            f"Quantile regression needs more rows than columns; there are {n} complete "
            f"rows and {k} columns ({first(design.names)}). Name fewer covariates, or "
            "add rows."
        )
    if design.y.min() == design.y.max():
        raise InputError(
            f"The outcome '{design.formula.outcome}' must vary; it is "
            f"{design.y[0]:g} in all {n} rows. Check how it was computed."
        )
    refuse_collinear(design.X, design.names)


def _fit(design: Design, sample: Sample, taus: tuple[float, ...]) -> Fitted:
    w = None
    if sample.sampling_weight is not None:
        w = sampling_weights(design.rows[sample.sampling_weight])
    frame = frame_of(design.X, design.y, w)
    if is_perfect(frame, design.y):
        warn(f"{PERFECT} Look for a covariate that was computed from the outcome.")
    solved = [solve(frame, tau) for tau in progress(taus, "Fitting quantiles")]
    beta = np.array([frame.given(s.b) for s in solved])
    return Fitted(design, sample, taus, w, frame, solved, beta)


def _spread(fitted: Fitted, vcov: QuantileVcov) -> Spread:
    if isinstance(vcov, QuantileBootstrap):
        return _drawn(fitted, vcov)
    find = _own_densities if vcov == "nid" else _one_density
    hessians, notes = find(fitted)
    # In the frame's columns, which are orthogonal, whatever those of the user are.
    Z = fitted.frame.X
    matrix = sandwiches(fitted.taus, hessians, Z.T @ Z)
    back = np.kron(np.eye(len(hessians)), fitted.frame.back)
    matrix = back @ matrix @ back.T
    df = float(len(Z) - Z.shape[1])
    return Spread((matrix + matrix.T) / 2, df, {"vcov": vcov}, notes)


def _own_densities(fitted: Fitted) -> tuple[list[Array], list[str]]:
    hessians, notes = [], []
    Xw, Z = fitted.weighted_X, fitted.frame.X
    for tau in progress(fitted.taus, "Densities"):
        density, crossed = local_densities(fitted.frame, tau)
        _require_density(Xw * density[:, None], tau, fitted.design.names)
        hessians.append(Z.T @ (Z * density[:, None]))
        if crossed:
            notes.append(
                f"At q{tau:g} the density is not above 0 in {crossed:,} of {len(Xw):,} "
                "rows, because planes cross there; they count as 0."
            )
    return hessians, notes


def _require_density(dense: Array, tau: float, names: Sequence[str]) -> None:
    """Raise `EstimationError` if some column has no rows of positive density."""
    found = dependent_columns(dense)
    if found:
        raise EstimationError(
            f"Standard errors need a density above 0 at q{tau:g} in rows that tell "
            f"the columns apart; {len(found)} of {len(names)} columns break this "
            f"({first(names[j] for j, _ in found)}): too few rows, or too many equal "
            "outcomes. Merge categories, or use vcov='bootstrap' or a less extreme "
            "quantile."
        )


def _one_density(fitted: Fitted) -> tuple[list[Array], list[str]]:
    Z = fitted.frame.X
    once = Z if fitted.w is None else Z / fitted.w[:, None]
    hessians = []
    for tau, found in zip(fitted.taus, fitted.solved, strict=True):
        left = fitted.frame.scale * (fitted.frame.y - Z @ found.b)
        residual = left if fitted.w is None else left / fitted.w
        value = sparsity(residual, tau, Z.shape[1])
        if not value > 0:
            raise EstimationError(
                f"The density of the outcome at q{tau:g} cannot be had: the residuals "
                "around it do not vary. Use vcov='bootstrap'."
            )
        hessians.append(Z.T @ once / value)
    return hessians, []


def _drawn(fitted: Fitted, how: QuantileBootstrap) -> Spread:
    n, k = fitted.design.X.shape
    codes, facts, df = None, {}, float(n - k)
    if how.by is not None:
        found, groups = pd.factorize(fitted.design.rows[how.by])
        codes = np.asarray(found, dtype=np.intp)
        if len(groups) < 2:
            raise InputError(
                f"Clusters need at least two groups; '{how.by}' has one. Draw other "
                "clusters, or rows (by=None)."
            )
        facts["n_clusters"], df = len(groups), float(len(groups) - 1)
    plan = Resamples(n, how.draws, how.seed, codes)

    def watch(steps: Iterator[Array], total: int) -> Iterator[Array]:
        return progress(steps, "Bootstrap", total)

    draws = bootstrap(
        fitted.frame, fitted.taus, fitted.solved, plan, watch, how.workers
    )
    label = "bootstrap" if how.by is None else f"bootstrap of {how.by}"
    told = {"vcov": label, "draws": how.draws, "draws_failed": draws.failed}
    few = () if how.by is None else few_clusters(facts["n_clusters"])
    notes = [*few, *_draw_notes(draws, fitted.terms)]
    return Spread(draws.covariance(), df, {**told, "seed": how.seed, **facts}, notes)


def _draw_notes(draws: Drawn, names: Sequence[str]) -> list[str]:
    """Say what the draws could not do, or raise `EstimationError` if too much."""
    total = len(draws.values)
    if draws.failed > WORST * total or len(draws.complete) < 2:
        raise EstimationError(
            f"{draws.failed} of {total} draws could not be fitted: a covariate varies "
            "in too few rows or clusters, and draws that have it say nothing of how "
            "its estimate varies. Merge categories, draw smaller clusters, or use "
            "vcov='iid'."
        )
    notes = []
    if draws.failed:
        notes.append(
            f"{draws.failed} of {total} draws could not be fitted, for lack of "
            "rows in which a covariate varies; standard errors rest on the others."
        )
    still = [n for n, v in zip(names, draws.complete.T, strict=True) if np.ptp(v) == 0]
    if still:
        notes.append(
            f"{len(still)} of {len(names)} coefficients are the same in all draws "
            f"({first(still)}): many outcomes are equal, and a standard error of 0 "
            "says nothing of the error."
        )
    return notes


def _shared_lags(fitted: Fitted, vcov: QuantileVcov) -> list[str]:
    unit = fitted.sample.unit
    drawn = isinstance(vcov, QuantileBootstrap) and vcov.by is not None
    if drawn or not shares_lags(fitted.design, unit):
        return []
    return [
        f"Rows of one {unit} share its lags, but these standard errors take rows for "
        f"independent; QuantileBootstrap(by={unit!r}) does not."
    ]

"""`did`: what a programme changed, against those it did not reach."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require
from geopoverty.covariances import Vcov, WildCluster, columns_of, resolved
from geopoverty.design.build import Design, Roles, build_design
from geopoverty.effects.wild import NO_WILD, Wild, wild_least_squares
from geopoverty.errors import InputError
from geopoverty.estimators.did.comparable import comparable
from geopoverty.estimators.did.event_study import NO_LEADS, event_study
from geopoverty.estimators.did.options import Adoption, adoption_of
from geopoverty.estimators.did.problem import Fit, Problem, least_squares
from geopoverty.estimators.did.report import (
    facts_of,
    few_treated,
    means_table,
    missing_waves_note,
    trends_table,
    units_table,
)
from geopoverty.estimators.did.rows import (
    keyed,
    periods_in,
    refuse_repeats,
)
from geopoverty.estimators.did.staggered import fit_staggered
from geopoverty.estimators.did.starts import ranked, starts_of
from geopoverty.numerics.covariance import cluster_factor
from geopoverty.numerics.did import absorbed, centred, period_columns, swept
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result

ATT = "att"


def did(
    formula: str,
    data: pd.DataFrame,
    *,
    treated: str | None = None,
    post: str | None = None,
    first_treated: str | Adoption | None = None,
    unit: str | None = "unit_id",
    period: str = "period",
    vcov: Vcov | None = None,
) -> Result:
    """Compare the change of treated units with that of others.

    With one start, least squares with effects of units and periods; with several,
    two stages [1]_ or effects of cohorts [2]_, because two-way effects then compare
    late starters with those already treated [3]_.

    Parameters
    ----------
    formula : str
        ``"y ~ x1 + x2"``, or ``"y ~ 1"`` without covariates.
    data : DataFrame
        One row a unit and period. Rows with a missing value are left out and
        counted. Never modified.
    treated : str, optional
        Column of who belongs to the programme (0 or 1, the same in every period).
    post : str, optional
        Column that is 1 from the start on; not needed with two periods.
    first_treated : str or Adoption, optional
        Instead of both: column of each unit's first treated period, missing for
        units never treated.
    unit : str or None
        Column of units; None for repeated cross-sections, where the effects are
        those of the groups.
    period : str
        Column of periods.
    vcov : str, Cluster, WildCluster or Conley, optional
        Clustered on the unit when not given, "hc1" without units.

    Returns
    -------
    Result
        ``estimates``: ``att``, the mean effect on the treated after the start, in
        units of the outcome, then covariates. Tables: ``means`` (two by two),
        ``trends`` (to look at), ``event_study`` (more than two periods: effects by
        periods since the start; the joint test that leads are 0 is in ``facts``);
        with several starts ``cohorts`` or ``bacon``; ``wild`` with `WildCluster`.

    Raises
    ------
    InputError
        If the treatment is not 0/1, or changes within a unit; everyone or nobody is
        treated; there is no period before the start; a unit stands twice in a
        period; or options do not fit together.

    Notes
    -----
    The effect is that of the programme if both groups would have moved alike without
    it, nobody changed course before the start, and nobody else was affected:
    neighbours of treated counties may well be. Unit effects absorb covariates that do
    not vary within units: they are left out, and a note says so. Errors of a unit
    depend on each other over time [4]_, hence clusters. A fitted vulnerability as
    outcome has errors that all rows share, which no standard error here knows of.

    References
    ----------
    .. [1] Gardner, J. (2022). Two-stage differences in differences. arXiv 2207.05943.
    .. [2] Sun, L. & Abraham, S. (2021). Estimating dynamic treatment effects in event
       studies with heterogeneous treatment effects. Journal of Econometrics 225,
       175-199.
    .. [3] Goodman-Bacon, A. (2021). Difference-in-differences with variation in
       treatment timing. Journal of Econometrics 225, 254-277.
    .. [4] Bertrand, M., Duflo, E. & Mullainathan, S. (2004). How much should we trust
       differences-in-differences estimates? Quarterly Journal of Economics 119,
       249-275.

    Examples
    --------
    >>> homes = pd.DataFrame({"unit_id": list("aabbccdd"), "period": [2014, 2016] * 4,
    ...     "joined": [1, 1, 1, 1, 0, 0, 0, 0],
    ...     "poor": [0.8, 0.4, 0.6, 0.2, 0.5, 0.4, 0.3, 0.4]})
    >>> fit = did("poor ~ 1", homes, treated="joined", vcov="iid")
    >>> fit.estimates.round(3).to_dict()
    {'att': -0.4}
    """
    adoption = adoption_of(first_treated)
    _require_fitting(treated, post, adoption)
    wild = adoption is None
    chosen = resolved(
        vcov or ("hc1" if unit is None else "cluster"), unit or "unit", wild=wild
    )
    if unit is None and vcov == "cluster":
        raise InputError("Without units, name the clusters: vcov=Cluster(column).")
    clusters = columns_of(chosen, unit or "unit_id")
    start = None if adoption is None else adoption.column
    table = keyed(data, unit, (period, treated, post, start, *clusters), "did")
    if start is not None:
        table = ranked(table, period, start)
    others = [c for c in (treated, post, start, *clusters) if c is not None]
    roles = Roles(unit, period, tuple(dict.fromkeys(others)))
    design = build_design(formula, table, roles=roles)
    if unit is not None:
        refuse_repeats(design.rows, unit, period)
    labels = periods_in(design.rows[period])
    # Periods may go with incomplete rows: starts count those that are left.
    left = periods_in(table[period]).get_indexer(labels)
    begun = starts_of(design, left, (treated, post, start), (unit, period))
    problem = _problem(design, labels, begun, (unit, period), chosen)
    options: dict[str, Any] = {"treated": treated, "post": post, "unit": unit}
    options |= {"first_treated": first_treated, "period": period, "vcov": chosen}
    origin = [problem.y, problem.treated, problem.X]
    made_from: Origin = (formula, options, origin, sources_of(data))
    if adoption is None:
        return _one_start(problem, period, made_from)
    return _staggered(problem, adoption, period, made_from)


def _require_fitting(
    treated: str | None, post: str | None, adoption: Adoption | None
) -> None:
    if (adoption is None) == (treated is None) or (adoption and post is not None):
        raise InputError(
            "did needs either treated= (a 0/1 column of who; with post= for when) or "
            "first_treated= (the first treated period of each unit), not both and not "
            "neither."
        )


def _problem(
    design: Design,
    labels: pd.Index,
    begun: Array,
    keys: tuple[str | None, str],
    vcov: Vcov,
) -> Problem:
    unit, period = keys
    by = begun if unit is None else design.rows[unit].to_numpy()
    groups = np.asarray(pd.factorize(by)[0], dtype=np.intp)
    periods = np.asarray(labels.get_indexer(design.rows[period]), dtype=np.intp)
    plain = [j for j, n in enumerate(design.names) if n != "Intercept"]
    X, names = design.X[:, plain], [design.names[j] for j in plain]
    if ATT in names:
        raise InputError(f"'{ATT}' is the name of the effect: rename this covariate.")
    notes: list[str] = list(design.notes)
    if names:
        _, net = swept(design.y, X, groups, periods)
        gone = absorbed(X, net)
        lost = [n for n, out in zip(names, gone, strict=True) if out]
        X = X[:, ~gone]
        names = [n for n in names if n not in lost]
        notes += _absorbed_note(lost, unit, len(labels))
    return Problem(
        design, X, names, groups, periods, labels, begun, unit, vcov, tuple(notes)
    )


def _absorbed_note(lost: list[str], unit: str | None, n_periods: int) -> list[str]:
    if not lost:
        return []
    waves = (
        " In a balanced panel of two waves"
        if n_periods == 2
        else " In a balanced panel"
    )
    return [
        f"{first(lost)} left out: effects of {'units' if unit else 'groups'} and "
        "periods absorb what stays the same within them, or changes alike for all."
        f"{waves} covariates that stay the same cannot move the difference in "
        "differences."
    ]


Origin = tuple[str, dict[str, Any], list[Any], Any]


def _one_start(problem: Problem, period: str, origin: Origin) -> Result:
    fit = least_squares(problem, problem.treated[:, None].astype(float), [ATT])
    wild = _wild(problem, fit)
    tables = {"means": means_table(problem), "trends": trends_table(problem)}
    facts, notes = dict(fit.facts), [*fit.notes, *few_treated(problem)]
    if problem.n_periods > 2:
        study = event_study(problem)
        tables["event_study"] = study.table
        facts |= study.facts
        notes += study.notes
    else:
        notes.append(NO_LEADS)
    formula, options, arrays, sources = origin
    return Result(
        estimator="did",
        estimates=pd.Series(fit.least.beta, index=fit.names),
        vcov=pd.DataFrame(fit.vcov, index=fit.names, columns=fit.names),
        units=units_table(problem, period, fit.least.residual),
        facts={
            **facts_of(problem, problem.design.dropped),
            "method": "two-way effects",
            **facts,
            **wild.facts,
            "df_t": fit.df_t,
        },
        tables={**tables, **wild.tables},
        notes=(*problem.notes, *missing_waves_note(problem), *notes, *wild.notes),
        provenance=provenance(formula, options, arrays, sources),
    )


def _wild(problem: Problem, fit: Fit) -> Wild:
    """Bootstrap clusters; effects of units are swept out, those of periods stay."""
    vcov, rows = problem.vcov, problem.rows
    if not isinstance(vcov, WildCluster):
        return NO_WILD
    groups = int(rows[vcov.by].nunique())
    factor = cluster_factor(groups, len(rows), fit.counted, vcov.correction)
    X = np.column_stack(
        [problem.treated.astype(float), problem.X, period_columns(problem.periods)]
    )
    y = problem.y
    if problem.unit is None:
        # Effects of groups cross clusters: they stay as columns.
        dummies = problem.groups[:, None] == np.arange(problem.n_groups)
        X = np.column_stack([X, dummies.astype(float)])
        return wild_least_squares(y, X, fit.names, vcov, rows, factor)
    several = rows.groupby(problem.unit)[vcov.by].transform("nunique") > 1
    require(
        ~several.to_numpy(),
        f"Each {problem.unit} must lie in one {vcov.by}",
        ids=rows[problem.unit].tolist(),
        way_out="Use a cluster that units stay in.",
    )
    y, X = centred(y[:, None], problem.groups)[:, 0], centred(X, problem.groups)
    return wild_least_squares(y, X, fit.names, vcov, rows, factor)


def _staggered(
    problem: Problem, adoption: Adoption, period: str, origin: Origin
) -> Result:
    problem, left, notes = comparable(problem)
    fit = fit_staggered(problem, adoption)
    formula, options, arrays, sources = origin
    return Result(
        estimator="did",
        estimates=pd.Series([fit.att], index=["att"]),
        vcov=pd.DataFrame([[fit.variance]], index=["att"], columns=["att"]),
        units=units_table(problem, period, None),
        facts={
            **facts_of(problem, problem.design.dropped + left),
            **fit.facts,
            **({} if fit.df_t is None else {"df_t": fit.df_t}),
        },
        tables={"trends": trends_table(problem), **fit.tables},
        notes=(*problem.notes, *notes, *missing_waves_note(problem), *fit.notes),
        provenance=provenance(formula, options, arrays, sources, fit.packages),
    )

"""`survival_curves`: who is still poor when, by group."""

import pandas as pd

from geopoverty.errors import InputError
from geopoverty.estimators.curves.drawn import drawn, horizon_of
from geopoverty.estimators.curves.options import CurveOptions
from geopoverty.estimators.curves.problem import Columns, Problem, problem_of
from geopoverty.estimators.curves.report import (
    compared,
    comparison_tables,
    curves_table,
    differences_table,
    facts,
    hazard_table,
    means_table,
    means_vcov,
    notes,
    quantiles_table,
    units_table,
)
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result


def survival_curves(
    data: pd.DataFrame,
    *,
    duration: str | tuple[str, str],
    exited: str | None = None,
    by: str | None = None,
    entry: str | None = None,
    sampling_weight: str | None = None,
    unit: str = "unit_id",
    options: CurveOptions | None = None,
) -> Result:
    """Estimate the share still poor by time, in each group, and compare groups.

    Kaplan-Meier curves with Greenwood's errors [1]_, Nelson-Aalen hazards, mean and
    median times, and a log-rank test. Where exits are known only up to intervals (a
    decade between censuses), Turnbull's curve [2]_.

    Parameters
    ----------
    data : DataFrame, n rows
        One unit a row. Rows with a missing value are dropped and counted. Never
        modified.
    duration : str or pair of str
        Column: time from the origin to the exit, or to the end of observation; above
        0. A pair of columns encloses the exit: last known not to have left, and known
        to have left (missing or infinite for those who have not).
    exited : str, optional
        Column: 1 if the unit left at `duration`, 0 if not yet. Not with a pair.
    by : str, optional
        Column of groups.
    entry : str, optional
        Column: from when a unit is at risk (late entry), from 0.
    sampling_weight : str, optional
        Column of weights above 0; only their ratios matter.
    unit : str
        Column (or the index) of unit ids, for ``units``; rows are numbered without.
    options : CurveOptions, optional
        Intervals, horizon of the mean, kind of test, strata.

    Returns
    -------
    Result
        ``estimates``: the mean time up to the horizon ("restricted mean"), by group.
        ``tables``: ``curves`` (``group, time, at_risk, events, censored, estimate,
        std_error, conf_low, conf_high``: the share that has not left just after each
        time; with intervals also ``time_low``, where the step begins, and expected
        numbers), ``cumulative_hazard``, ``quantiles`` and ``median`` (by when a
        quarter, half, three quarters have left; missing if not reached),
        ``restricted_mean``, and with several groups ``differences`` of mean times from
        the first group, ``log_rank`` (``test, statistic, df, p_value``) and ``groups``
        (observed and expected exits). ``units``: each row's group, time and exit.

    Raises
    ------
    InputError
        For durations not above 0, exits that are not 0/1 or never happen, entries
        after the exit, late entry together with intervals, a horizon beyond what a
        group shows, or unknown columns.

    Notes
    -----
    Without weights all numbers are those of R's survfit and survdiff; ties count as
    there. With weights the variance is that of the units' influences, and the test is
    the robust score test of a Cox model.

    References
    ----------
    .. [1] Kaplan, E. & Meier, P. (1958). Nonparametric estimation from incomplete
       observations. JASA 53, 457-481.
    .. [2] Turnbull, B. (1976). The empirical distribution function with arbitrarily
       grouped, censored and truncated data. JRSS B 38, 290-295.

    Examples
    --------
    >>> years, left = [2, 3, 5, 7, 9, 9], [1, 1, 1, 1, 0, 0]
    >>> counties = pd.DataFrame({"years": years, "left": left})
    >>> fit = survival_curves(counties, duration="years", exited="left")
    >>> fit.tables["curves"]["estimate"].round(3).to_list()
    [0.833, 0.667, 0.5, 0.333, 0.333]
    >>> fit.estimates.round(3).to_dict()
    {'restricted_mean': 5.833}
    """
    columns = Columns(
        duration, exited, by, entry, sampling_weight, unit, _options(options)
    )
    problem = problem_of(data, columns)
    groups = [drawn(problem, g) for g in range(len(problem.groups))]
    horizon = horizon_of(problem, groups)
    means = [d.mean(horizon) for d in groups]
    test = compared(problem)
    quantiles = quantiles_table(problem, groups)
    terms = _terms(problem)
    exact = not problem.between
    return Result(
        estimator="survival_curves",
        estimates=pd.Series([m.value for m in means], index=terms),
        vcov=means_vcov(terms, means),
        units=units_table(problem),
        facts=facts(problem, horizon, test),
        tables={
            "curves": curves_table(problem, groups),
            **({"cumulative_hazard": hazard_table(problem, groups)} if exact else {}),
            "median": _median(quantiles),
            "quantiles": quantiles,
            "restricted_mean": means_table(problem, means, horizon),
            **({"differences": differences_table(problem, means)} if by else {}),
            **comparison_tables(problem, test),
        },
        notes=tuple(notes(problem, horizon, groups)),
        provenance=provenance(
            "",
            {**vars(columns), "options": columns.options},
            (problem.low, problem.high, problem.entry, problem.group),
            sources_of(data),
        ),
    )


def _options(options: CurveOptions | None) -> CurveOptions:
    if options is None or isinstance(options, CurveOptions):
        return options or CurveOptions()
    raise InputError(f"options must be CurveOptions; got {type(options).__name__}.")


def _terms(problem: Problem) -> list[str]:
    if problem.columns.by is None:
        return ["restricted_mean"]
    return [f"restricted_mean: {g}" for g in problem.groups]


def _median(quantiles: pd.DataFrame) -> pd.DataFrame:
    half = quantiles[quantiles["share_left"] == 0.5]
    return half.drop(columns="share_left").reset_index(drop=True)

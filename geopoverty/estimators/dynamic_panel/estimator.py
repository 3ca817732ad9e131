"""`dynamic_panel`: panels whose outcome or regressors depend on their past."""

from dataclasses import replace
from typing import Any

import pandas as pd

from geopoverty._checks import first, require_columns
from geopoverty.design import Design, Roles, build_design
from geopoverty.design.build import columns_of_table
from geopoverty.design.panel import require_each_once
from geopoverty.design.periods import TimeAxis, time_axis
from geopoverty.errors import InputError
from geopoverty.estimators.dynamic_panel.equations import Given, problem_of
from geopoverty.estimators.dynamic_panel.options import (
    DynamicGMM,
    Household,
    Instruments,
    household_of,
    method_of,
)
from geopoverty.estimators.dynamic_panel.report import result_of
from geopoverty.estimators.dynamic_panel.two_waves import two_waves
from geopoverty.estimators.dynamic_panel.variables import variables_of
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights, as_weights


def dynamic_panel(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str | Household = "unit_id",
    period: str = "period",
    gmm: Instruments | None = None,
    method: str | DynamicGMM = "auto",
    weights: Any = None,
    unit_data: pd.DataFrame | None = None,
) -> Result:
    """Fit a panel with its own past or endogenous regressors by GMM.

    Parameters
    ----------
    formula : str
        ``"n ~ L(n) + w + L(w) + W(w)"``: ``L(x)`` is x one period earlier,
        ``L(x, 2)`` two, ``W(x)`` its lag over neighbours.
    data : DataFrame, n rows
        One unit and period a row, each pair once; units may lack periods, and gaps
        are gaps. Rows with a missing value are left out and counted, but their other
        values serve as instruments. Never modified.
    unit : str or Household
        Column (or the index) that names whose rows follow one another.
        ``Household("hh_id", unit="unit_id")`` follows households, which live in the
        units of the weights.
    period : str
        Column of periods: numbers whole steps apart, or an ordered categorical.
    gmm : Instruments, optional
        What is endogenous or predetermined, outside instruments, limits of lags. When
        not given, the lagged outcome is instrumented by all its lags and all else is
        exogenous.
    method : {"auto", "difference", "system"} or DynamicGMM
        Arellano & Bond's equations in differences [1]_, Blundell & Bond's with levels
        beside them [2]_; ``DynamicGMM(...)`` carries steps, transformation, period
        effects and clusters. "auto" is "difference". With two waves see the notes.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    unit_data : DataFrame, optional
        One row a unit (and period), from which ``W(x)``, ``L(x)`` and columns that
        `data` lacks are taken.

    Returns
    -------
    Result
        ``estimates``: coefficients, then period effects (levels relative to the first
        period used). ``tables``: ``tests`` (Hansen, Sargan, serial correlation,
        level instruments; what cannot be had says why), ``instruments`` (how many of
        which kind), ``effects`` (of a period, direct and through neighbours) and,
        with a lagged outcome, ``long_run``. ``units``: a row an equation, with
        outcome, fitted value and residual. ``facts``: counts of instruments,
        coefficients and degrees of freedom beside the tests.

    Raises
    ------
    InputError
        For repeated unit-period pairs, one period, names that are not in the formula,
        instruments that do not vary or determine one another, fewer instruments than
        coefficients, regressors that differencing removes, and a lagged outcome in
        two waves.
    EstimationError
        If instruments leave a coefficient open, or nothing can be differenced.

    Warns
    -----
    GeoPovertyWarning
        If instruments are more than units, weak (two waves), or clusters few.

    Notes
    -----
    One-step standard errors are robust to anything within units; two-step ones have
    Windmeijer's correction. Counts, tests of serial correlation and the difference
    transformation's lags follow Roodman [3]_. Sargan's test needs equal, independent
    errors and, in a system, units without effects.

    *Two waves.* There is one difference and no earlier level, so nothing internal is
    left as an instrument for an endogenous regressor, and no lagged outcome is
    identified. What remains is two-stage least squares on the outside instruments,
    and the result says so: levels (``method="auto"`` or ``"system"``), where an
    instrument must be uncorrelated with the units' effects, or differences. It comes
    with first-stage F and the Anderson-Rubin set, and no test of serial correlation.

    References
    ----------
    .. [1] Arellano, M. & Bond, S. (1991). Some tests of specification for panel data.
       Review of Economic Studies 58, 277-297.
    .. [2] Blundell, R. & Bond, S. (1998). Initial conditions and moment restrictions
       in dynamic panel data models. Journal of Econometrics 87, 115-143.
    .. [3] Roodman, D. (2009). How to do xtabond2. Stata Journal 9, 86-136.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> own, rows = rng.normal(size=60), []
    >>> for i in range(60):
    ...     n = own[i] / 0.5
    ...     for year in range(2000, 2006):
    ...         n = 0.5 * n + own[i] + rng.normal()
    ...         rows.append((f"{i:03d}", year, n))
    >>> firms = pd.DataFrame(rows, columns=["unit_id", "year", "n"])
    >>> fit = dynamic_panel("n ~ L(n)", firms, period="year",
    ...                     gmm=Instruments(collapse=True))
    >>> fit.facts["n_instruments"], fit.facts["hansen_df"]
    (8, 3)
    """
    how, who = method_of(method), household_of(unit)
    gmm = gmm or Instruments()
    spatial = None if weights is None else as_weights(weights)
    axis = _checked_panel(data, who, period, how)
    roles = _roles(who, period, how)
    options: dict[str, Any] = {"unit": unit, "period": period, "gmm": gmm}
    options |= {"method": how, "weights": spatial}
    said: dict[str, Any] = {
        "sources": sources_of(data, unit_data, spatial),
        "options": options,
        "notes": () if spatial is None else spatial.notes,
    }
    tables = (data, unit_data)
    if len(axis.positions) == 2:
        return two_waves(formula, tables, spatial, (gmm, how, who, roles), said)
    given = _given(formula, tables, spatial, (gmm, how, who, roles), axis)
    problem = problem_of(given)
    arrays = [problem.stacked.eq.y, problem.stacked.eq.X, problem.stacked.eq.Z]
    trail = provenance(formula, options, arrays, said["sources"])
    return result_of(problem, said["notes"], trail)


Settings = tuple[Instruments, DynamicGMM, Household, Roles]


def _given(
    formula: str,
    tables: tuple[pd.DataFrame, pd.DataFrame | None],
    weights: SpatialWeights | None,
    settings: Settings,
    axis: TimeAxis,
) -> Given:
    gmm, how, who, roles = settings
    data, unit_data = tables
    if how.equations == "auto":
        how = replace(how, equations="difference")
    design: Design = build_design(
        formula,
        data,
        roles=roles,
        weights=weights,
        unit_data=unit_data,
        intercept=how.equations == "system",
    )
    variables = variables_of(design, gmm)
    wanted = [*variables.endogenous, *variables.predetermined, *gmm.outside]
    history = columns_of_table(
        list(dict.fromkeys(wanted)),
        data,
        roles=replace(roles, others=()),
        weights=weights,
        unit_data=unit_data,
    )
    period = str(roles.period)
    return Given(design, history, variables, gmm, how, who, period, axis)


def _roles(who: Household, period: str, how: DynamicGMM) -> Roles:
    entity = None if who.household == who.unit else who.household
    cluster = () if how.cluster is None else (how.cluster,)
    return Roles(who.unit, period, cluster, entity)


def _checked_panel(
    data: pd.DataFrame, who: Household, period: str, how: DynamicGMM
) -> TimeAxis:
    """Check keys; return the periods of the table."""
    if not isinstance(data, pd.DataFrame):
        raise InputError(f"data must be a DataFrame; got {type(data).__name__}.")
    table = data
    if who.household not in data.columns and data.index.name == who.household:
        table = data.reset_index()
    needed = [who.household, period, *([how.cluster] if how.cluster else [])]
    require_columns(table, needed, "data")
    require_each_once(
        table,
        who.household,
        period,
        "Drop or merge the repeats; for households in units use "
        "unit=Household('hh_id', unit='unit_id').",
    )
    axis = time_axis(table[period], period)
    if len(axis.positions) < 2:
        raise InputError(
            f"A panel needs at least two periods; '{period}' has one "
            f"({first(axis.labels)}). Use ols or logit for one cross-section."
        )
    return axis

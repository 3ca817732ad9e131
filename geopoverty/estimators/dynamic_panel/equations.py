"""From design and options to the stacked equations that GMM solves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.design import Design
from geopoverty.design.columns import refuse_collinear
from geopoverty.design.periods import TimeAxis
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.dynamic_panel.options import (
    DynamicGMM,
    Household,
    Instruments,
)
from geopoverty.estimators.dynamic_panel.variables import Variables
from geopoverty.numerics.dynamic.grid import Grid, differences
from geopoverty.numerics.dynamic.instruments import (
    Past,
    past_differences,
    past_levels,
)
from geopoverty.numerics.dynamic.stack import (
    Column,
    Panel,
    Stacked,
    stack,
    sweep_of,
)
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.types import Array, Mask


@dataclass(frozen=True, eq=False)
class Given:
    """What the user gave, checked.

    Attributes
    ----------
    design : Design
        Complete rows.
    history : DataFrame
        All rows: each instrumented variable and outside instrument, and the keys.
    variables : Variables
    gmm : Instruments
    how : DynamicGMM
        With its equations decided.
    who : Household
    period : str
    axis : TimeAxis
    """

    design: Design
    history: pd.DataFrame
    variables: Variables
    gmm: Instruments
    how: DynamicGMM
    who: Household
    period: str
    axis: TimeAxis

    @property
    def system(self) -> bool:
        """Whether levels stand beside differences."""
        return self.how.equations == "system"


@dataclass(frozen=True, eq=False)
class Problem:
    """Stacked equations and what their columns are called.

    Attributes
    ----------
    given : Given
    panel : Panel
    stacked : Stacked
    names : list of str
        Coefficients.
    instruments : DataFrame, L rows
        ``variable, equation, kind`` ("past", "itself" or "outside") of each.
    units : Index
        Who stands at each position of the panel.
    notes : tuple of str
    """

    given: Given
    panel: Panel
    stacked: Stacked
    names: list[str]
    instruments: pd.DataFrame
    units: pd.Index
    notes: tuple[str, ...]

    @property
    def level_past(self) -> Mask:
        """Which instruments are differences for the level equation."""
        table = self.instruments
        both = (table["kind"] == "past") & (table["equation"] == "level")
        return np.asarray(both.to_numpy())


class _Columns:
    """Instruments gathered one by one, with what they are."""

    def __init__(self) -> None:
        self.columns: list[Column] = []
        self.rows: list[dict[str, str]] = []

    def add(self, column: Column, variable: str, equation: str, kind: str) -> None:
        self.columns.append(column)
        self.rows.append({"variable": variable, "equation": equation, "kind": kind})


def problem_of(given: Given) -> Problem:
    """Build the equations.

    Raises
    ------
    InputError
        If differencing removes a regressor, instruments do not vary or determine one
        another, or they are fewer than coefficients.
    EstimationError
        If instruments leave a coefficient open, or no unit has enough periods.
    """
    units, who = _places(given)
    rows = given.design.rows
    grid = Grid(who, given.axis.at(rows[given.period]), len(units), given.axis.length)
    dummies, names = _period_dummies(given)
    y = grid.spread(given.design.y)
    X = grid.spread(np.column_stack([given.design.X, *dummies]))
    there, lost = _with_outside(given, ~np.isnan(y), units)
    sweep = sweep_of(there, deviations=given.how.transform == "deviations")
    panel = Panel(y, X, there, _clusters(given, who, len(units)), sweep)
    if not panel.equations.any():
        raise EstimationError(
            "No unit has two complete periods in a row, so nothing can be differenced. "
            "Use fewer lags, or data with fewer gaps."
        )
    names = [*given.design.names, *names]
    panel, names, notes = _identified_regressors(panel, names, given)
    notes = (*lost, *notes)
    columns = _instruments(given, panel, names, units)
    stacked = stack(panel, columns.columns, system=given.system)
    table = pd.DataFrame(columns.rows).iloc[stacked.kept].reset_index(drop=True)
    stacked, table = _without_repeats(stacked, table, panel, columns, given)
    _require_identified(stacked, names)
    return Problem(given, panel, stacked, names, table, units, notes)


def _places(given: Given) -> tuple[pd.Index, Any]:
    who = given.design.rows[given.who.household]
    codes, units = pd.factorize(who, sort=True)
    return pd.Index(units), np.asarray(codes, dtype=np.intp)


def _clusters(given: Given, who: Any, units: int) -> Any:
    """Return the cluster of each unit."""
    column = given.how.cluster
    if column is None:
        return np.arange(units)
    codes = np.asarray(pd.factorize(given.design.rows[column])[0], dtype=np.intp)
    out = np.zeros(units, dtype=np.intp)
    out[who] = codes
    if (out[who] != codes).any():
        raise InputError(
            f"Each {given.who.household} must stay in one cluster; '{column}' changes "
            f"within {np.unique(who[out[who] != codes]).size} of {units}. Cluster on "
            "what does not change."
        )
    return out


def _period_dummies(given: Given) -> tuple[list[Array], list[str]]:
    """Return a column for every period but the first that has a complete row."""
    if not given.how.period_effects:
        return [], []
    at = given.axis.at(given.design.rows[given.period])
    later = np.unique(at)[1:]
    columns = [(at == p).astype(np.float64) for p in later]
    return columns, [f"{given.period}[T.{given.axis.label(p)}]" for p in later]


def _identified_regressors(
    panel: Panel, names: list[str], given: Given
) -> tuple[Panel, list[str], tuple[str, ...]]:
    """Drop period effects that gaps leave open; refuse regressors that vanish."""
    X = panel.swept(panel.X)[panel.equations]
    own = len(given.design.names)
    if not given.system:
        gone = [n for n, x in zip(names[:own], X.T, strict=False) if not _varies(x)]
        if gone:
            raise InputError(
                f"{first(gone)} does not change within any {given.who.household}, so "
                "differences remove it. Leave it out, or use method='system'."
            )
    else:
        X = np.concatenate([X, panel.X[panel.there]])
    dependent = {j for j, _ in dependent_columns(X)}
    lost = [names[j] for j in sorted(dependent) if j >= own]
    if dependent - {j for j in dependent if j >= own}:
        refuse_collinear(X, names)
    if not lost:
        return panel, names, ()
    kept = [j for j in range(len(names)) if j not in dependent]
    smaller = Panel(
        panel.y, panel.X[..., kept], panel.there, panel.clusters, panel.sweep
    )
    note = (
        f"The effect of {len(lost)} periods ({first(lost)}) is determined by other "
        "columns and was left out."
    )
    return smaller, [names[j] for j in kept], (note,)


def _varies(x: Array) -> bool:
    return bool(np.abs(x).max() > 1e-12)


def _spread(given: Given, name: str, units: pd.Index) -> Array:
    """Return a column of the history by unit and period."""
    known = units.get_indexer(given.history[given.who.household])
    when = given.axis.at(given.history[given.period])
    inside = (known >= 0) & (when >= 0)
    grid = Grid(known[inside], when[inside], len(units), given.axis.length)
    return grid.spread(given.history[name].to_numpy()[inside])


def _with_outside(
    given: Given, there: Mask, units: pd.Index
) -> tuple[Mask, tuple[str, ...]]:
    """Leave out rows without a value of an outside instrument."""
    found = there.copy()
    for name in given.gmm.outside:
        found &= ~np.isnan(_spread(given, name, units))
    lost = int(there.sum() - found.sum())
    if not lost:
        return found, ()
    note = f"{lost:,} rows without a value of {first(given.gmm.outside)} were left out."
    return found, (note,)


def _instruments(
    given: Given, panel: Panel, names: list[str], units: pd.Index
) -> _Columns:
    """Gather instruments: pasts, regressors themselves, then those from outside."""
    out = _Columns()
    for name, lead in _pasts(given):
        x = _spread(given, name, units)
        low, high = given.gmm.lags
        last = None if high is None else high - lead
        past = Past(low - lead, last, given.gmm.collapse)
        for column in past_levels(x, past):
            out.add(Column(swept=column), name, given.how.transform, "past")
        if given.system:
            for column in past_differences(x, past):
                out.add(Column(level=column), name, "level", "past")
    _add_regressors(out, given, panel, names)
    for name in given.gmm.outside:
        _add_outside(out, name, _spread(given, name, units), given, panel)
    return out


def _pasts(given: Given) -> list[tuple[str, int]]:
    """Return instrumented variables and how much nearer their lags start."""
    found = given.variables
    return [(n, 0) for n in found.endogenous] + [(n, 1) for n in found.predetermined]


def _add_regressors(
    out: _Columns, given: Given, panel: Panel, names: list[str]
) -> None:
    swept, own = panel.swept(panel.X), len(given.design.names)
    system, exogenous = given.system, set(given.variables.exogenous)
    both = f"{given.how.transform} and level" if system else given.how.transform
    for j, name in enumerate(names):
        if j in exogenous:
            level = panel.X[..., j] if system else None
            out.add(Column(swept[..., j], level), name, both, "itself")
        elif (j >= own or name == "Intercept") and system:
            out.add(Column(level=panel.X[..., j]), name, "level", "itself")
        elif j >= own:
            out.add(Column(swept[..., j]), name, given.how.transform, "itself")


def _add_outside(
    out: _Columns, name: str, x: Array, given: Given, panel: Panel
) -> None:
    if np.ptp(x[panel.there]) == 0:
        raise InputError(
            f"The instrument '{name}' does not vary: it is {x[panel.there][0]:g} in "
            "every row. Name one that does."
        )
    fixed = not np.nan_to_num(differences(x)).any()
    if given.system:
        swept = None if fixed else panel.swept(x)
        equation = "level" if fixed else f"{given.how.transform} and level"
        out.add(Column(swept, x), name, equation, "outside")
    else:
        column = x if fixed else panel.swept(x)
        out.add(Column(column), name, given.how.transform, "outside")


def _without_repeats(
    stacked: Stacked,
    table: pd.DataFrame,
    panel: Panel,
    columns: _Columns,
    given: Given,
) -> tuple[Stacked, pd.DataFrame]:
    """Drop instruments that others determine; refuse it of those from outside."""
    found = dependent_columns(stacked.eq.Z)
    if not found:
        return stacked, table
    for j, basis in found:
        if table["kind"][j] == "outside":
            others = first(dict.fromkeys(table["variable"][i] for i in basis))
            raise InputError(
                f"The instrument '{table['variable'][j]}' is a combination of others "
                f"({others}), so it adds nothing. Leave it out."
            )
    repeats = [j for j, _ in found]
    left = np.delete(stacked.kept, repeats)
    again = stack(panel, [columns.columns[j] for j in left], system=given.system)
    smaller = Stacked(again.eq, again.weight, left)
    return smaller, table.drop(index=repeats).reset_index(drop=True)


def _require_identified(stacked: Stacked, names: list[str]) -> None:
    eq = stacked.eq
    moments, k = eq.Z.shape[1], len(names)
    if moments < k:
        raise InputError(
            f"Not identified: {moments} instruments for {k} coefficients "
            f"({first(names, 12)}). Name outside instruments, allow more lags, or use "
            "fewer regressors."
        )
    size = np.sqrt(np.einsum("ij,ij->j", eq.Z, eq.Z))
    found = dependent_columns((eq.Z / size).T @ eq.X)
    if found:
        open_ones = [names[j] for j, _ in found]
        raise EstimationError(
            f"Not identified: the instruments leave {first(open_ones)} open. Name "
            "outside instruments, or leave these regressors out."
        )

"""From simulated states to the one `Result`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.numerics.scenario import Move
from geopoverty.numerics.types import Array
from geopoverty.results import Result
from geopoverty.scenario.change import Change, Changes
from geopoverty.scenario.outcome import Outcome

PARTS = ("change", "own", "spillover")
MOST = 10
WHAT_IT_SAYS = (
    "A scenario says what the model expects with all else equal; where its "
    "coefficients are associations, so is this."
)


@dataclass(frozen=True, eq=False)
class Found:
    """What was computed.

    Attributes
    ----------
    point : array, shape (3, groups)
        Means before, with a group's own change alone, and after.
    drawn : array, shape (3, groups, draws), or None
    groups : DataFrame
        ``unit_id`` (and ``period``) of each group, ``share`` of its rows, and whether
        a column ``changed`` in any of them.
    move : Move
    dropped : int
        Incomplete rows.
    conf_level : float
    """

    point: Array
    drawn: Array | None
    groups: pd.DataFrame
    move: Move
    dropped: int
    conf_level: float


def report(
    result: Result,
    outcome: Outcome,
    found: Found,
    changes: Changes,
    provenance: dict[str, Any],
) -> Result:
    """Wrap up: mean change and its parts, a row a unit, who gains most."""
    share = found.groups["share"].to_numpy()
    parts = _parts(found.point)
    draws = None if found.drawn is None else _parts(found.drawn)
    units = _units(outcome, found, parts, draws)
    return Result(
        estimator="scenario",
        estimates=pd.Series({name: float(share @ parts[name]) for name in PARTS}),
        vcov=_covariance(draws, share),
        units=units,
        facts={
            "n_obs": len(found.move.groups),
            "n_dropped": found.dropped,
            "outcome": outcome.said,
            "scenario": "; ".join(_said(c, how) for c, how in changes.items()),
            "n_units_changed": int(units.loc[units["changed"], "unit_id"].nunique()),
            "draws": 0 if found.drawn is None else found.drawn.shape[2],
        },
        tables={"most": _most(units)},
        notes=(WHAT_IT_SAYS, *outcome.notes, *_held(result, found), *result.notes),
        provenance=provenance,
    )


def _held(result: Result, found: Found) -> list[str]:
    """Name coefficients that draws could not move."""
    unknown = result.vcov.index[np.isnan(np.diag(result.vcov))]
    if found.drawn is None or not len(unknown):
        return []
    return [
        f"{first(list(unknown))} has no standard error in the fit and is held fixed in "
        "the draws: intervals are too short."
    ]


def _parts(states: Array) -> dict[str, Array]:
    before, alone, after = states
    return {
        "change": after - before,
        "own": alone - before,
        "spillover": after - alone,
    }


def _units(
    outcome: Outcome,
    found: Found,
    parts: dict[str, Array],
    draws: dict[str, Array] | None,
) -> pd.DataFrame:
    units = found.groups.drop(columns="share")
    if outcome.levels:
        units = units.assign(before=found.point[0], after=found.point[2])
    tail = (1 - found.conf_level) / 2
    for name in PARTS:
        units[name] = parts[name]
        if draws is not None:
            ends = np.quantile(draws[name], [tail, 1 - tail], axis=1)
            units[f"{name}_low"], units[f"{name}_high"] = ends
    return units


def _covariance(draws: dict[str, Array] | None, share: Array) -> pd.DataFrame:
    matrix = np.full((len(PARTS),) * 2, np.nan)
    if draws is not None:
        matrix = np.cov(np.array([share @ draws[name] for name in PARTS]))
    return pd.DataFrame(matrix, index=PARTS, columns=PARTS)


def _said(column: str, how: float | Change | pd.Series) -> str:
    if isinstance(how, pd.Series):
        return f"{column} + as listed in {len(how):,} units"
    return (how if isinstance(how, Change) else Change(add=how)).said(column)


def _most(units: pd.DataFrame) -> pd.DataFrame:
    """Return the units whose outcome rises and falls most, by the size of change."""
    order = units["change"].abs().sort_values(ascending=False, kind="stable").index
    return units.loc[order].head(MOST).reset_index(drop=True)

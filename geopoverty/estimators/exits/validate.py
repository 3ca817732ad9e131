"""What durations must keep, each rule with its message."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from geopoverty._checks import binary_outcome, require
from geopoverty.design.sample import sampling_weights
from geopoverty.errors import InputError
from geopoverty.estimators.exits.clock import Clock
from geopoverty.estimators.exits.options import Timeline
from geopoverty.estimators.exits.spells import Spells
from geopoverty.numerics.types import Array, Codes

SLACK = 1e-9  # of the later time: closer is the same moment


def spells_of(
    clock: Clock,
    kept: Codes,
    rows: pd.DataFrame,
    line: Timeline,
    names: tuple[str, str],
    *,
    strata: Sequence[str] = (),
    sampling_weight: str | None = None,
) -> Spells:
    """Check the times of the used rows and return them.

    Parameters
    ----------
    clock : Clock
        Of all rows of the table.
    kept : array of int, shape (n,)
        Positions of the used rows.
    rows : DataFrame, n rows
        The used rows, with the columns of strata, individuals and weights.
    line : Timeline
    names : (str, str)
        What the outcome is called, and the column of units.
    strata : sequence of str
        Columns.
    sampling_weight : str, optional

    Raises
    ------
    InputError
    """
    exited, unit = names
    entry, lower, upper, left = (
        a[kept] for a in (clock.entry, clock.lower, clock.upper, clock.exited)
    )
    _check_times(entry, lower, upper, rows.index, line)
    _check_exits(left, rows.index, exited)
    gone = left == 1
    stratum, labels = _strata(rows, strata)
    spells = Spells(
        entry=entry,
        lower=lower,
        upper=np.where(gone, upper, np.inf),
        exited=gone,
        stratum=stratum,
        strata=labels,
        individual=_individuals(rows, line, unit),
        weights=None
        if sampling_weight is None
        else sampling_weights(rows[sampling_weight]),
        per=clock.per,
        origin=clock.origin,
    )
    _check_histories(spells, rows.index)
    return spells


def _check_times(
    entry: Array, lower: Array, upper: Array, ids: pd.Index, line: Timeline
) -> None:
    if line.origin is not None:
        require(
            upper > 0,
            f"Exits '{line.duration}' must lie after the origin",
            ids=ids,
            way_out="Drop units that had left before the origin, or give an earlier "
            "origin.",
        )
    require(
        np.isfinite(upper) & (upper > 0),
        f"Durations '{line.duration}' must be above 0",
        ids=ids,
        way_out="Drop units that had left before the origin.",
    )
    if line.entry is not None:
        require(
            np.isfinite(entry) & (entry >= 0),
            f"Entries '{line.entry}' must not lie before the origin",
            ids=ids,
            way_out="Set them to the origin: there was no risk before it.",
        )
    require(
        (entry < upper) & (entry <= np.maximum(lower, entry)),
        f"Entries '{line.entry}' must lie before the end of the row",
        ids=ids,
        way_out="Drop these rows: they are never at risk.",
    )
    require(
        lower <= upper,
        f"'{line.after}' must not lie after '{line.duration}'",
        ids=ids,
        way_out="Give the last time before the exit and the first after it.",
    )
    require(
        lower >= entry if line.after is not None else np.ones(len(entry), dtype=bool),
        f"'{line.after}' must not lie before "
        + (f"'{line.entry}'" if line.entry else "the origin"),
        ids=ids,
        way_out="A unit is known not to have left when it enters.",
    )


def _check_exits(left: Array, ids: pd.Index, name: str) -> None:
    if (left == 1).all():
        return
    if (left == 0).all():
        raise InputError(
            f"The outcome '{name}' must vary; it is 0 in all {len(left)} rows: nobody "
            "left, so nothing can be learnt of when. Observe longer, or use another "
            "line."
        )
    binary_outcome(pd.Series(left, ids), name)
    if left.sum() < 2:
        raise InputError(
            f"The outcome '{name}' must be 1 at least twice; it is in 1 of "
            f"{len(left)} rows. One exit tells nothing of what speeds exits: observe "
            "longer, or use another line."
        )


def _strata(
    rows: pd.DataFrame, columns: Sequence[str]
) -> tuple[Codes, tuple[str, ...]]:
    if not columns:
        return np.zeros(len(rows), dtype=np.intp), ("",)
    grouped = rows.groupby(list(columns), sort=True, observed=True)
    codes = grouped.ngroup().to_numpy().astype(np.intp)
    firsts = rows.iloc[np.unique(codes, return_index=True)[1]]
    labels = [
        ", ".join(f"{c}={v}" for c, v in zip(columns, values, strict=True))
        for values in firsts[list(columns)].itertuples(index=False)
    ]
    return codes, tuple(labels)


def _individuals(rows: pd.DataFrame, line: Timeline, unit: str) -> Codes:
    """Return whose row each is: rows follow one another only where they enter late."""
    column = line.individual
    if column is None and line.entry is not None and unit in rows.columns:
        column = unit
    if column is None:
        return np.arange(len(rows))
    return np.asarray(pd.factorize(rows[column])[0], dtype=np.intp)


def _check_histories(spells: Spells, ids: pd.Index) -> None:
    """Refuse rows of an individual that overlap, leave gaps or follow its exit."""
    if not spells.histories:
        return
    order = np.lexsort((spells.time, spells.entry, spells.individual))
    same = np.diff(spells.individual[order]) == 0
    ends, begins = spells.time[order][:-1], spells.entry[order][1:]
    slack = SLACK * np.maximum(ends, begins)
    named = [ids[i] for i in order[1:]]
    way_out = "Let each row begin when the one before it ends."
    other = (
        " Where several households share a unit, name theirs in "
        "Timeline(individual=...)."
    )
    require(
        ~same | (begins >= ends - slack),
        "Rows of one individual must not overlap",
        ids=named,
        way_out=way_out + other,
    )
    require(
        ~same | ~spells.exited[order][:-1],
        "An individual must have no row after its exit",
        ids=named,
        way_out="Drop these rows: who has left is not at risk.",
    )
    require(
        ~same | (begins <= ends + slack),
        "Rows of one individual must leave no gap",
        ids=named,
        way_out=way_out + " If it was not seen in between, name the rows after the "
        "gap as another individual.",
    )

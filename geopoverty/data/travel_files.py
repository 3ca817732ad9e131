"""Travel times from CSV, Parquet, OMX or a table, long or wide."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from geopoverty._checks import require_option, unit_ids, warn
from geopoverty.data.travel.checks import mixed_units
from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel.metadata import Remembered
from geopoverty.data.travel.reading import Plan, Read, read_file, read_table
from geopoverty.data.travel.times import TravelTimes, left_out
from geopoverty.data.travel.within import Within
from geopoverty.errors import InputError
from geopoverty.provenance import STATUSES


def read_travel_times(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    units: Sequence[str] | pd.Index | None = None,
    status: str | None = None,
    cutoff: float | None = None,
    nearest: int | None = None,
    options: TravelFormat | None = None,
) -> TravelTimes:
    """Read travel times in minutes, long or wide.

    Parameters
    ----------
    source : path or DataFrame
        CSV, Parquet or OMX. Long: columns ``from_id, to_id, travel_time``. Wide: a
        first column of unit ids, then one column a unit, from row to column.
        Unreachable pairs are absent or empty. What `write_travel_times` wrote
        brings its status, notes and source along.
    units : sequence of str, optional
        Keep these units, in this order; each must be in the table. When not given,
        all units in the order they were written in, or of their ids.
    status : {"measured", "routed", "modelled", "simulated"}, optional
        Where the minutes come from; it follows them into every footer. When not
        given, what the file or table says, else "measured".
    cutoff : float, optional
        Minutes above 0: longer trips are left out while reading, which saves time
        and memory. What needs all pairs is refused later.
    nearest : int, optional
        Only each unit's so many nearest are kept; among equal times, the first in
        the order of units.
    options : TravelFormat, optional
        Other names of columns, seconds or hours, decimal commas, values that mean
        "no way", and what to take from an OMX file.

    Returns
    -------
    TravelTimes
        Dense when at least a quarter of all pairs is known, else sparse. With
        `cutoff` or `nearest`, ``within`` and a note say so.

    Raises
    ------
    InputError
        If the file cannot be read, ids are numbers or missing, a pair stands
        twice, a time off the diagonal is not above 0, a unit is missing, rows and
        columns of a wide table differ, or an OMX file holds several matrices or no
        index.
    MissingExtraError
        If openmatrix is not installed, for OMX.

    Warns
    -----
    GeoPovertyWarning
        If times look like hours or seconds, or like two units in one table.

    Notes
    -----
    A long file with a cutoff is read in batches and never held whole: 9 million
    pairs take less than 200 MB.

    Examples
    --------
    >>> table = pd.DataFrame({"from_id": ["a", "b"], "to_id": ["b", "a"],
    ...                       "travel_time": [30.0, 35.0]})
    >>> read_travel_times(table).matrix
    array([[nan, 30.],
           [35., nan]])
    """
    if status is not None:
        require_option(status, STATUSES, "status")
    wanted = None if units is None else _asked(units)
    plan = Plan(options or TravelFormat(), Within(cutoff, nearest), wanted)
    if isinstance(source, pd.DataFrame):
        read = read_table(source, "The table", plan, _said_by(source))
    else:
        read = read_file(Path(source), plan)
    times = _labelled(read, plan, status)
    mixed = "" if plan.within else mixed_units(times.units, times.matrix)
    if mixed:
        warn(f"{mixed}. Convert these minutes, if so.")
    return times


def _asked(units: Sequence[str] | pd.Index) -> pd.Index:
    if isinstance(units, str):
        raise InputError(f"units must be a list of ids; got the text '{units}'.")
    return unit_ids(pd.Index(units), "The wanted units", unique=True)


def _said_by(table: pd.DataFrame) -> Remembered:
    status = table.attrs.get("status")
    known = status if status in STATUSES else None
    return Remembered(known, attrs=dict(table.attrs))


def _labelled(read: Read, plan: Plan, status: str | None) -> TravelTimes:
    said = read.said
    within = _narrower(said.within, plan.within)
    if said.within.nearest is not None and len(read.units) < read.n:
        raise InputError(
            f"{said.within} in this file, so that some of fewer units would lack "
            "some of theirs. Take the units from the table it was made of."
        )
    notes = [*said.notes, *left_out(len(read.units), read.n)]
    if plan.within:
        notes.append(f"{plan.within}; longer trips do not count.")
    if status is not None and said.status not in (None, status):
        notes.append(f"The source calls these minutes {said.status}, not {status}.")
    return TravelTimes(
        read.units,
        read.matrix,
        status or said.status or "measured",
        tuple(notes),
        said.attrs,
        read.filled,
        within,
    )


def _narrower(one: Within, two: Within) -> Within:
    cutoffs = [w.cutoff for w in (one, two) if w.cutoff is not None]
    nearest = [w.nearest for w in (one, two) if w.nearest is not None]
    return replace(
        one, cutoff=min(cutoffs, default=None), nearest=min(nearest, default=None)
    )

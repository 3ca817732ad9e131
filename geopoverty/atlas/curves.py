"""Curves of who is still poor when, for the page that compares counties."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._checks import first, require, require_columns
from geopoverty.atlas.rows import UNIT, Floats, keyed_ids, rows_of_numbers
from geopoverty.errors import InputError
from geopoverty.results import Result

SHARES = ("estimate", "survival")
ENDS = ("conf_low", "conf_high")
PER_MILLE = 1000
# Times a curve is sent at: a curve a county costs more than one a group.
MOST_TIMES, MOST_GROUP_TIMES = 12, 60
MANY = 100  # curves


@dataclass(frozen=True)
class Told:
    """What is said of a set of curves.

    Attributes
    ----------
    title : str
        Stands above them.
    unit : str
        Unit of time, such as ``"years"``.
    description : str
        A plain sentence.
    """

    title: str
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, eq=False)
class Curves:
    """A curve for each county, its own or that of its group.

    Attributes
    ----------
    told : Told
        Title, unit of time, description.
    names : tuple of str, shape (c,)
        Groups; empty texts where each county has its own curve.
    of : array of int, shape (n,)
        Which curve is a county's; -1 for none.
    times : array, shape (t,)
        From when the clock starts, ascending.
    shares : array, shape (c, t)
        Still poor just after each time, 0 to 1; NaN beyond what was observed.
    low, high : array, shape (c, t), optional
        The interval.
    stepwise : bool
        Whether a curve falls at its times, or evenly between them.
    """

    told: Told
    names: tuple[str, ...]
    of: NDArray[np.intp]
    times: Floats
    shares: Floats
    low: Floats | None = None
    high: Floats | None = None
    stepwise: bool = True

    def data(self) -> dict[str, Any]:
        """Return the curves as the page reads them, shares in per mille."""
        return {
            **self.told.__dict__,
            "names": list(self.names),
            "of": self.of.tolist(),
            "times": self.times.tolist(),
            "stepwise": self.stepwise,
            "shares": rows_of_numbers(PER_MILLE * self.shares, 0),
            **{
                end: None if ends is None else rows_of_numbers(PER_MILLE * ends, 0)
                for end, ends in (("low", self.low), ("high", self.high))
            },
        }


def read_curves(
    source: Result | pd.DataFrame,
    *,
    told: Told,
    units: pd.Index,
    group_of: pd.Series | Mapping[str, str] | None = None,
) -> Curves:
    """Check curves and align them with the units of the map.

    Parameters
    ----------
    source : Result or DataFrame
        A result with a table ``curves``, or such a table: ``time``, the share that
        has not left (``estimate`` or ``survival``, 0 to 1), optional ``conf_low`` and
        ``conf_high``, and either ``unit_id`` (a curve a county) or ``group``.
    told : Told
        What to say of them.
    units : Index, shape (n,)
        The ids of the boundaries, in order.
    group_of : Series or mapping, optional
        The group of each unit id; by default as in the ``units`` of the result.

    Returns
    -------
    Curves

    Raises
    ------
    InputError
        If there is no such table, a column is missing, a share is not between 0 and
        1, a time stands twice, a unit is not in the boundaries, has several groups or
        one without a curve.

    Examples
    --------
    >>> table = pd.DataFrame({"unit_id": ["a", "a"], "time": [10, 20],
    ...                       "survival": [0.5, 0.2]})
    >>> found = read_curves(table, told=Told("Poor"), units=pd.Index(["a", "b"]))
    >>> found.times.tolist(), found.shares.tolist(), found.of.tolist()
    ([0.0, 10.0, 20.0], [[1.0, 0.5, 0.2]], [0, -1])
    """
    table = _table_of(source)
    share = next((c for c in SHARES if c in table.columns), SHARES[0])
    key = UNIT if UNIT in table.columns else "group"
    require_columns(table, [key, "time", share], f"The curves '{told.title}'")
    keys = keyed_ids(table, "The curves") if key == UNIT else table["group"]
    clean = table.assign(**{key: np.asarray(keys.astype(str))})
    _require_shares(clean, share, key, told.title)
    groups = (
        pd.Series(units, index=units)
        if key == UNIT
        else _groups(source, group_of, told.title)
    )
    names = list(dict.fromkeys(clean[key]))
    known = pd.Index(names) if key == UNIT else groups.index
    require(
        known.isin(units),
        f"Every unit of '{told.title}' must be in the boundaries",
        ids=known,
        noun="units",
        way_out="Drop these rows, or add the units to the boundaries.",
    )
    position = pd.Series(range(len(names)), index=names)
    _require_curve(groups, position, told.title, by_unit=key == UNIT)
    of = position.reindex(groups.reindex(units)).fillna(-1).to_numpy(dtype=np.intp)
    times = _times(clean, most=MOST_TIMES if len(names) > MANY else MOST_GROUP_TIMES)
    low, high = (
        _grid(clean, key, end, names, times)
        if set(ENDS) <= set(clean.columns)
        else None
        for end in ENDS
    )
    return Curves(
        told,
        tuple("" if key == UNIT else str(n) for n in names),
        of,
        times,
        _grid(clean, key, share, names, times),
        low,
        high,
        "time_low" not in clean.columns,
    )


def _table_of(source: Result | pd.DataFrame) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return source
    if not isinstance(source, Result):
        raise InputError(
            f"Curves come as a Result or a DataFrame; got {type(source).__name__}."
        )
    if "curves" not in source.tables:
        raise InputError(
            f"This result of {source.estimator} has no table 'curves'; it has: "
            f"{', '.join(source.tables) or 'none'}. Use survival_curves or exit_hazard."
        )
    return source.tables["curves"]


def _require_shares(table: pd.DataFrame, share: str, key: str, title: str) -> None:
    for column in (share, "time", *(e for e in ENDS if e in table.columns)):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(
                f"The column '{column}' of '{title}' must be numeric; it is "
                f"{table[column].dtype}. Convert it: pd.to_numeric(table[column])."
            )
    shares = [c for c in (share, *ENDS) if c in table.columns]
    values = table[shares].to_numpy(dtype=np.float64, na_value=np.nan)
    require(
        ~((values < 0) | (values > 1)).any(axis=1) & table["time"].notna().to_numpy(),
        f"Curves of '{title}' need a time, and shares between 0 and 1",
        ids=pd.Index(table[key]),
        way_out="Divide percentages by 100.",
    )
    require(
        ~table.duplicated([key, "time"]).to_numpy(),
        f"A curve of '{title}' has one row a time",
        ids=pd.Index(table[key]),
        way_out="Drop the repeated rows.",
    )


def _groups(
    source: Result | pd.DataFrame,
    group_of: pd.Series | Mapping[str, str] | None,
    title: str,
) -> pd.Series:
    """Return the group of each unit that has one."""
    if group_of is not None:
        pairs = pd.Series(group_of).rename("group").rename_axis(UNIT).reset_index()
    elif isinstance(source, Result) and UNIT in source.units:
        pairs = source.units[[UNIT]].assign(group=source.units.get("group", "all"))
    else:
        raise InputError(
            f"The curves of '{title}' are those of groups, and nothing says which "
            "county is in which. Say so: group_of=counties['region']."
        )
    pairs = pairs.dropna().astype(str).drop_duplicates()
    several = pairs.loc[pairs[UNIT].duplicated(), UNIT]
    if len(several):
        raise InputError(
            f"A county of '{title}' belongs to one group; {several.nunique()} belong "
            f"to several ({first(several.drop_duplicates())}). Give one group each: "
            "group_of=."
        )
    return pairs.set_index(UNIT)["group"]


def _require_curve(
    groups: pd.Series, position: pd.Series, title: str, *, by_unit: bool
) -> None:
    lacking = groups[~groups.isin(position.index)]
    if len(lacking) and not by_unit:
        names = lacking.drop_duplicates()
        raise InputError(
            f"Every group of '{title}' needs a curve; {len(names)} have none "
            f"({first(names)}). Curves are of: {first(position.index)}."
        )


def _times(table: pd.DataFrame, *, most: int) -> Floats:
    """Return when curves are sent: the start, and at most so many of their times."""
    starts = table["time_low"] if "time_low" in table.columns else table["time"]
    seen = np.unique(
        np.concatenate([table["time"].to_numpy(float), starts.to_numpy(float)])
    )
    seen = seen[np.isfinite(seen) & (seen > 0)]
    if len(seen) > most:
        seen = seen[np.unique(np.linspace(0, len(seen) - 1, most).round().astype(int))]
    times: Floats = np.concatenate([[0.0], seen])
    return times


def _grid(
    table: pd.DataFrame, key: str, column: str, names: list[str], times: Floats
) -> Floats:
    """Return the value just after each time, a row a curve; 1 before its first."""
    grid = np.ones((len(names), len(times)))
    for row, (_, one) in zip(grid, table.groupby(key, sort=False), strict=True):
        sorted_rows = one.sort_values("time")
        ends = sorted_rows["time"].to_numpy(float)
        values = np.append(1.0, sorted_rows[column].to_numpy(float))
        row[:] = values[np.searchsorted(ends, times, side="right")]
        row[times > ends[-1]] = np.nan
    return grid

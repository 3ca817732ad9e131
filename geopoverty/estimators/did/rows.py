"""What every table of a programme must keep: one row a unit and period, 0 or 1."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns
from geopoverty.errors import InputError
from geopoverty.numerics.types import Mask


def keyed(
    data: Any, unit: str | None, needed: Iterable[str | None], what: str
) -> pd.DataFrame:
    """Return a shallow copy of a table, its units in a column.

    Raises
    ------
    InputError
        If it is no table, is empty, or lacks a column.
    """
    if not isinstance(data, pd.DataFrame) or not len(data):
        raise InputError(f"{what} needs a DataFrame with rows as data.")
    table = data.copy(deep=False)
    if unit is not None and unit not in table.columns and table.index.name == unit:
        table[unit] = table.index
        # A name for both would be ambiguous in a grouping.
        table.index = table.index.rename(None)
    names = [unit, *needed]
    require_columns(table, [n for n in names if n is not None], what)
    return table


def periods_in(values: pd.Series) -> pd.Index:
    """Return the periods there are, ascending: numbers, text or dates.

    Examples
    --------
    >>> periods_in(pd.Series([2016, 2014, 2016])).tolist()
    [2014, 2016]
    """
    return pd.Index(values.dropna().unique()).sort_values()


def zero_one(values: pd.Series, role: str) -> Mask:
    """Return a column of zeros and ones as booleans.

    Raises
    ------
    InputError
        If a value is anything else.

    Examples
    --------
    >>> zero_one(pd.Series([0, 1.0, True], name="joined"), "treatment").tolist()
    [False, True, True]
    """
    numbers = pd.to_numeric(values.astype(object), errors="coerce").to_numpy(np.float64)
    require(
        (numbers == 0) | (numbers == 1),
        f"The {role} '{values.name}' must be 0 or 1",
        ids=values.index,
        way_out="Code it 1 for yes and 0 for no.",
    )
    return np.asarray(numbers == 1)


def refuse_repeats(rows: pd.DataFrame, unit: str, period: str) -> None:
    """Raise `InputError` naming units that stand twice in a period."""
    require(
        ~rows.duplicated([unit, period]).to_numpy(),
        f"Each {unit} and {period} must stand once",
        ids=list(zip(rows[unit], rows[period], strict=True)),
        way_out="Drop or merge the repeats; for repeated cross-sections use unit=None.",
    )


def refuse_switching(rows: pd.DataFrame, treated: str, unit: str) -> None:
    """Raise `InputError` naming units whose group changes between periods."""
    several = rows.groupby(unit)[treated].nunique().gt(1)
    require(
        ~several.to_numpy(),
        f"'{treated}' must say who belongs to the programme, the same in every period "
        f"of a {unit}",
        ids=several.index,
        noun="units",
        way_out="Give the group (1 for whoever is ever treated), or say when each "
        "unit joined with first_treated= of did.",
    )


def require_both(treated: Mask, name: str) -> None:
    """Raise `InputError` unless there are treated and controls."""
    if treated.all() or not treated.any():
        who = "Everyone is" if treated.all() else "Nobody is"
        raise InputError(
            f"A difference in differences needs treated and controls; '{name}' is "
            f"{int(treated[0])} in all {len(treated)} complete rows. {who} treated, so "
            "nothing tells the programme from the times: add rows of the other group."
        )


def after_of(
    rows: pd.DataFrame, period: str, post: str | None, what: str = "did"
) -> Mask:
    """Return which rows are after the start, shape (n,).

    Raises
    ------
    InputError
        If there is no period before or after, `post` differs within a period, goes
        back to 0, or is needed because there are more than two periods.
    """
    periods = periods_in(rows[period])
    if post is None:
        if len(periods) != 2:
            raise InputError(
                f"Without post=, {what} needs two periods, before and after; "
                f"'{period}' has {len(periods)} ({first(periods)}). "
                + (
                    "A wave is missing: add its rows."
                    if len(periods) < 2
                    else "Pass post=, a column that is 1 from the start on."
                )
            )
        return np.asarray(rows[period] == periods[1])
    after = zero_one(rows[post], "column post")
    by_period = pd.Series(after).groupby(rows[period].to_numpy())
    mixed = by_period.nunique().gt(1)
    if mixed.any():
        raise InputError(
            f"'{post}' must be the same for all in a period; it is both 0 and 1 in "
            f"{first(mixed.index[mixed])}. Where units start at different times, use "
            "first_treated= of did."
        )
    started = by_period.first().to_numpy(dtype=bool)
    if started.all() or not started.any():
        side = "before" if started.all() else "after"
        raise InputError(
            f"There is no period {side} the start: '{post}' is {int(started[0])} in "
            f"all {len(started)} periods ({first(periods)}). Add a wave {side} it."
        )
    if (np.diff(started.astype(int)) < 0).any():
        raise InputError(
            f"'{post}' must stay 1 once it is; it goes back to 0 in "
            f"{first(periods[1:][np.diff(started.astype(int)) < 0])}. Programmes that "
            "end need another method: leave these periods out."
        )
    return after

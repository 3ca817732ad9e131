"""When units leave poverty, from rates in a few censuses."""

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns, unit_ids
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array

MADE = (
    "at_risk_since",
    "after",
    "left_by",
    "years_low",
    "years_high",
    "years",
    "exited",
    "returned",
)


def exits_from_panel(
    panel: pd.DataFrame,
    *,
    rate: str,
    line: float,
    unit: str = "unit_id",
    period: str = "period",
    everyone: bool = False,
) -> pd.DataFrame:
    """Return when each unit that began at or above a line fell below it.

    Between two periods nothing is seen, so an exit is known only up to an interval:
    after the last period at or above the line, by the first one below it.

    Parameters
    ----------
    panel : DataFrame
        A row for each unit and period. Never modified.
    rate : str
        Column: poverty rate, or what else is at or above the line while a unit is poor.
    line : float
        In the unit of `rate`.
    unit, period : str
        Columns; periods are numbers, such as years.
    everyone : bool
        Whether to keep units below the line in the first period too; they are never
        at risk (``at_risk_since`` is missing), but neighbours of those that are.

    Returns
    -------
    DataFrame, one row a unit
        `unit`; ``at_risk_since`` (the first period); ``after`` and ``left_by`` (the
        periods that enclose the exit; ``left_by`` is missing if it has not been seen);
        the same since the first period: ``years_low``, ``years_high`` (missing) and
        ``years`` (``years_high``, or the end of the panel); ``exited`` (0 or 1);
        ``returned`` (1 if above the line again later); then all other columns as of
        the first period. For ``exit_hazard``: ``duration=Timeline("years",
        after="years_low"), exited="exited"``; for ``survival_curves``:
        ``duration=("years_low", "years_high")``.

    Raises
    ------
    InputError
        If a unit lacks a period or a rate, stands twice in a period, no unit begins
        at or above the line, or none ever leaves.

    Examples
    --------
    >>> panel = pd.DataFrame({"unit_id": ["a"] * 3 + ["b"] * 3,
    ...     "period": [1960, 1970, 1980] * 2, "poor": [30.0, 25, 10, 40, 35, 30]})
    >>> made = exits_from_panel(panel, rate="poor", line=20.0)
    >>> made[["unit_id", "after", "left_by", "years_low", "years", "exited"]]
      unit_id  after  left_by  years_low  years  exited
    0       a   1970   1980.0         10     20       1
    1       b   1980      NaN         20     20       0
    """
    require_columns(panel, [unit, period, rate], "exits_from_panel")
    rates, periods = _rates(panel, rate, unit, period)
    poor = rates >= line
    begun = poor[:, 0]
    if not begun.any():
        raise InputError(
            f"No unit begins at or above the line; the highest '{rate}' in "
            f"{periods[0]} is {rates[:, 0].max():g}. Use a lower line than {line:g}."
        )
    gone = ~poor
    ever = gone.any(axis=1) & begun
    if not ever.any():
        raise InputError(
            f"No unit falls below the line {line:g} by {periods[-1]}. Use a "
            "higher line."
        )
    at = np.where(ever, gone.argmax(axis=1), len(periods) - 1)
    last = np.where(ever, at - 1, at)
    later = np.arange(len(periods)) > at[:, None]
    table = _first_rows(panel, unit, period, periods[0])
    years = periods - periods[0]
    made = pd.DataFrame(
        {
            "at_risk_since": np.where(begun, float(periods[0]), np.nan),
            "after": periods[last],
            "left_by": np.where(ever, periods[at], np.nan),
            "years_low": years[last],
            "years_high": np.where(ever, years[at], np.nan),
            "years": years[at],
            "exited": ever.astype(np.int64),
            "returned": (ever & (poor & later).any(axis=1)).astype(np.int64),
        }
    )
    others = [c for c in table.columns if c not in (unit, period)]
    out = pd.concat([table[[unit]], made, table[others]], axis=1)
    out.attrs = dict(panel.attrs)
    return out if everyone else out[begun].reset_index(drop=True)


def _rates(
    panel: pd.DataFrame, rate: str, unit: str, period: str
) -> tuple[Array, Array]:
    """Return rates by unit and period, and the periods."""
    taken = [c for c in MADE if c in panel.columns]
    if taken:
        raise InputError(
            f"The panel must not have the columns that are made here; it has "
            f"{first(taken)}. Rename or drop them."
        )
    ids = unit_ids(panel[unit], "The panel", unique=False)
    if not pd.api.types.is_numeric_dtype(panel[period]):
        raise InputError(
            f"Periods must be numbers, such as years; '{period}' is "
            f"{panel[period].dtype}. Use panel['{period}'].dt.year for dates."
        )
    twice = panel.duplicated([unit, period]).to_numpy()
    require(
        ~twice,
        "A unit must stand once in each period",
        ids=ids,
        way_out="Drop or merge the repeated rows.",
    )
    wide = panel.set_index([unit, period])[rate].unstack()  # noqa: PD010 - no repeats
    require(
        wide.notna().all(axis=1).to_numpy(),
        f"Every unit needs '{rate}' in every period",
        ids=wide.index,
        noun="units",
        way_out="Fill the gaps, or drop these units.",
    )
    if wide.shape[1] < 2:
        raise InputError("An exit takes two periods; the panel has one. Add periods.")
    return wide.to_numpy(np.float64), wide.columns.to_numpy()


def _first_rows(
    panel: pd.DataFrame, unit: str, period: str, start: object
) -> pd.DataFrame:
    rows = panel[panel[period] == start]
    return rows.sort_values(unit, kind="stable").reset_index(drop=True)

"""What one indicator is: a value, an interval and a p-value a county and period."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._checks import first, require, require_columns, unit_ids
from geopoverty.atlas.classes import Classes, MapStyle, classify
from geopoverty.errors import InputError

UNIT = "unit_id"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Where an indicator stands in a table.

    Attributes
    ----------
    value : str
        The column to show.
    period : str, optional
        The column that tells periods apart.
    interval : tuple of two str, optional
        Lower and upper end.
    p_value : str, optional
        Between 0 and 1.
    """

    value: str
    period: str | None = None
    interval: tuple[str, str] | None = None
    p_value: str | None = None

    def __post_init__(self) -> None:
        pair = self.interval
        if pair is not None and (isinstance(pair, str) or len(pair) != 2):
            raise InputError(
                "interval must name two columns, the lower and the upper end; "
                f"got {pair!r}."
            )

    @property
    def named(self) -> list[str]:
        """Every column that is named."""
        names = [self.value, self.period, *(self.interval or ()), self.p_value]
        return [n for n in names if n is not None]


@dataclass(frozen=True)
class Wording:
    """What an indicator is called.

    Attributes
    ----------
    label : str
        Its name, for the selector and the legend.
    unit : str
        Such as ``"%"``; shown behind every value.
    description : str
        A sentence that says what it means.
    """

    label: str
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, eq=False)
class Indicator:
    """One indicator, aligned with the units of the boundaries.

    Attributes
    ----------
    wording : Wording
        Label, unit and description.
    style : MapStyle
        How to cut and colour it.
    periods : tuple of str, shape (t,)
        In order; one empty text when there are no periods.
    value : array, shape (t, n)
        NaN where there is no data.
    low, high, p_value : array, shape (t, n), optional
        The interval and the p-value.
    """

    wording: Wording
    style: MapStyle
    periods: tuple[str, ...]
    value: Floats
    low: Floats | None = None
    high: Floats | None = None
    p_value: Floats | None = None

    @property
    def classes(self) -> Classes:
        """The classes, the same in every period so that periods compare."""
        return classify(self.value, self.style)


def read_indicator(
    table: pd.DataFrame,
    columns: Columns,
    *,
    wording: Wording,
    style: MapStyle,
    units: pd.Index,
) -> Indicator:
    """Check one indicator of a table and align it with the units of the map.

    Parameters
    ----------
    table : DataFrame
        One row a unit and period; keyed by a column or index ``unit_id``.
    columns : Columns
        Which columns to read.
    wording : Wording
        What to call it.
    style : MapStyle
        How to show it.
    units : Index, shape (n,)
        The ids of the boundaries, in order.

    Returns
    -------
    Indicator
        Units without a row have no data.

    Raises
    ------
    InputError
        If a column is unknown, not numeric, all missing or infinite, an id is
        unknown to the boundaries or stands twice in a period, a lower end lies
        above its upper end, or a p-value is not between 0 and 1.

    Examples
    --------
    >>> table = pd.DataFrame({"unit_id": ["b"], "poor": [12.5]})
    >>> read_indicator(table, Columns("poor"), wording=Wording("Poor"),
    ...                style=MapStyle(), units=pd.Index(["a", "b"])).value
    array([[ nan, 12.5]])
    """
    if isinstance(table.index, pd.MultiIndex) and UNIT in table.index.names:
        table = table.reset_index()
    require_columns(table, columns.named, f"The indicator '{wording.label}'")
    ids = keyed_ids(table, f"The table of '{wording.label}'")
    _require_known(ids, units, wording.label)
    periods, period_of = _periods(table, columns.period, ids)
    _require_once(ids, period_of, periods, columns)
    place = (period_of, units.get_indexer(ids))
    shape = (len(periods), len(units))

    def spread(column: str) -> Floats:
        grid = np.full(shape, np.nan)
        grid[place] = _numbers(table, column, ids)
        return grid

    values = spread(columns.value)
    if np.isnan(values).all():
        raise InputError(
            f"The column '{columns.value}' must hold at least one value; all "
            f"{len(table)} are missing. Check how it was made."
        )
    low, high = map(spread, columns.interval) if columns.interval else (None, None)
    p_value = spread(columns.p_value) if columns.p_value else None
    found = Indicator(wording, style, periods, values, low, high, p_value)
    _require_inference(found, columns, units)
    return found


def keyed_ids(table: pd.DataFrame, what: str) -> pd.Index:
    """Return the unit id of each row: the column ``unit_id``, else the index.

    Raises
    ------
    InputError
        If there is neither, or the ids are missing or not text.
    """
    if UNIT in table.columns:
        return unit_ids(table[UNIT], what, unique=False)
    if UNIT in table.index.names:
        return unit_ids(table.index.get_level_values(UNIT), what, unique=False)
    if table.index.name is not None or isinstance(table.index, pd.RangeIndex):
        raise InputError(
            f"{what} must be keyed by a column or index '{UNIT}'; it has neither. "
            f"Rename yours: table.rename(columns={{'fips': '{UNIT}'}})."
        )
    return unit_ids(table.index, what, unique=False)


def indicator_data(indicator: Indicator) -> dict[str, Any]:
    """Return an indicator as the page reads it: column by column, classes ready.

    Examples
    --------
    >>> found = Indicator(Wording("Poor"), MapStyle(), ("",), np.array([[1.0, np.nan]]))
    >>> indicator_data(found)["codes"]
    ['0.']
    """
    classes, style = indicator.classes, indicator.style
    kept = classes.digits + 2
    return {
        "label": indicator.wording.label,
        "unit": indicator.wording.unit,
        "description": indicator.wording.description,
        "periods": list(indicator.periods),
        "breaks": list(classes.breaks),
        "break_digits": classes.break_digits,
        "colors": list(classes.colors),
        "range": [classes.low, classes.high],
        "digits": classes.digits,
        "whole": classes.whole and not classes.open_ended,
        "open_ended": classes.open_ended,
        "method": classes.method,
        "alpha": style.alpha,
        "codes": [_letters(classes.codes(row)) for row in indicator.value],
        "values": rows_of_numbers(indicator.value, kept),
        "low": rows_of_numbers(indicator.low, kept),
        "high": rows_of_numbers(indicator.high, kept),
        "p": rows_of_numbers(indicator.p_value, 4),
        "unsure": _unsure(indicator),
    }


def _require_known(ids: pd.Index, units: pd.Index, label: str) -> None:
    require(
        ids.isin(units),
        f"Every unit of '{label}' must be in the boundaries",
        ids=ids,
        way_out="Drop these rows, or add the units to the boundaries.",
    )


def _periods(
    table: pd.DataFrame, column: str | None, ids: pd.Index
) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the periods in order, and which one each row belongs to."""
    if column is None:
        return ("",), np.zeros(len(table), dtype=np.intp)
    require(
        table[column].notna().to_numpy(),
        f"Every row needs a period in '{column}'",
        ids=ids,
        way_out="Fill or drop these rows.",
    )
    period_of, found = pd.factorize(table[column], sort=True)
    return tuple(_period_name(p) for p in found), period_of


def _period_name(period: object) -> str:
    if isinstance(period, float | np.floating) and float(period).is_integer():
        return str(int(period))
    if isinstance(period, pd.Timestamp):
        return str(period.date())
    return str(period)


def _require_once(
    ids: pd.Index,
    period_of: NDArray[np.intp],
    periods: Sequence[str],
    columns: Columns,
) -> None:
    rows = pd.DataFrame({"unit": ids, "period": period_of})
    twice = rows[rows.duplicated()].drop_duplicates()
    if twice.empty:
        return
    if columns.period is None:
        names = first(twice["unit"])
        way_out = 'Name the column of the periods: period="period".'
    else:
        pairs = zip(twice["unit"], twice["period"], strict=True)
        names = first(f"{unit} in {periods[int(at)]}" for unit, at in pairs)
        way_out = "Drop or merge the repeated rows."
    raise InputError(
        f"A map shows one row a unit{' and period' if columns.period else ''}; "
        f"{len(twice)} stand more than once ({names}). {way_out}"
    )


def _numbers(table: pd.DataFrame, column: str, ids: pd.Index) -> Floats:
    values = table[column]
    if not pd.api.types.is_numeric_dtype(values):
        raise InputError(
            f"The column '{column}' must be numeric; it is {values.dtype}. Convert "
            "it: pd.to_numeric(table[column])."
        )
    numbers: Floats = values.to_numpy(dtype=np.float64, na_value=np.nan)
    require(
        ~np.isinf(numbers),
        f"The column '{column}' must be finite",
        ids=ids,
        way_out="Set infinite values to missing, or drop these rows.",
    )
    return numbers


def _require_inference(found: Indicator, columns: Columns, units: pd.Index) -> None:
    if found.low is not None and found.high is not None:
        require(
            ~np.any(found.low > found.high, axis=0),
            f"'{found.wording.label}': the lower end of an interval must not lie "
            "above the upper end",
            ids=units,
            noun="units",
            way_out="Name the columns in the order (low, high).",
        )
    if found.p_value is not None:
        require(
            ~np.any((found.p_value < 0) | (found.p_value > 1), axis=0),
            f"'{columns.p_value}' must hold p-values between 0 and 1",
            ids=units,
            noun="units",
            way_out="Name the column of p-values, not of statistics.",
        )


def _letters(codes: NDArray[np.int8]) -> str:
    """Write one character a unit: its class, or a dot for no data."""
    return "".join("." if c < 0 else str(c) for c in codes)


def _unsure(indicator: Indicator) -> list[str] | None:
    """Mark with 1 the units whose value is not significant, one text a period."""
    if indicator.p_value is None:
        return None
    unsure = (indicator.p_value >= indicator.style.alpha) & ~np.isnan(indicator.value)
    return ["".join("1" if u else "0" for u in row) for row in unsure]


def rows_of_numbers(
    values: Floats | None, digits: int
) -> list[list[float | int | None]] | None:
    """Return values for JSON: rounded, missing ones as null, -0 as 0.

    Examples
    --------
    >>> rows_of_numbers(np.array([[1.26, np.nan, -0.01]]), 1)
    [[1.3, None, 0]]
    """
    if values is None:
        return None
    return [[_short(v) for v in row] for row in np.round(values, digits).tolist()]


def _short(value: float) -> float | int | None:
    if value != value:
        return None
    return int(value) if value.is_integer() else value

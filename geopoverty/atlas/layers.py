"""What one indicator is: a value, an interval and a p-value a county and period."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.atlas.rows import Floats, letters, place_rows, rows_of_numbers
from geopoverty.classes import Classes, MapStyle, classify
from geopoverty.errors import InputError


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
        """Every column of numbers that is named."""
        names = [self.value, *(self.interval or ()), self.p_value]
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

    def data(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        return indicator_data(self)


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
    rows = place_rows(
        table, columns.named, period=columns.period, label=wording.label, units=units
    )
    values, spread = rows.values(columns.value), rows.numbers
    low, high = map(spread, columns.interval) if columns.interval else (None, None)
    p_value = spread(columns.p_value) if columns.p_value else None
    found = Indicator(wording, style, rows.periods, values, low, high, p_value)
    _require_inference(found, columns, units)
    return found


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
        "kind": "number",
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
        "codes": [letters(classes.codes(row)) for row in indicator.value],
        "values": rows_of_numbers(indicator.value, kept),
        "low": rows_of_numbers(indicator.low, kept),
        "high": rows_of_numbers(indicator.high, kept),
        "p": rows_of_numbers(indicator.p_value, 4),
        "unsure": _unsure(indicator),
    }


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


def _unsure(indicator: Indicator) -> list[str] | None:
    """Mark with 1 the units whose value is not significant, one text a period."""
    if indicator.p_value is None:
        return None
    unsure = (indicator.p_value >= indicator.style.alpha) & ~np.isnan(indicator.value)
    return ["".join("1" if u else "0" for u in row) for row in unsure]

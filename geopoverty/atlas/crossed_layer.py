"""An indicator of two numbers crossed: bivariate classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.atlas.layers import Wording
from geopoverty.atlas.rows import Floats, letters, place_rows, rows_of_numbers
from geopoverty.classes import Classes, Crossed, cross
from geopoverty.errors import InputError


@dataclass(frozen=True)
class Axis:
    """One of the two numbers.

    Attributes
    ----------
    column : str
        Where it stands in the table.
    label, unit : str
        What a planner calls it.
    """

    column: str
    label: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class CrossedIndicator:
    """Two numbers crossed, aligned with the units of the boundaries.

    Attributes
    ----------
    wording : Wording
        What both together are called; the unit is empty.
    axes : tuple of two Axis
        First x, across the legend, then y, upwards.
    classes : Crossed
        The same in every period.
    periods : tuple of str, shape (t,)
        In order; one empty text when there are no periods.
    values : tuple of two arrays, shape (t, n)
        NaN where there is no data.
    """

    wording: Wording
    axes: tuple[Axis, Axis]
    classes: Crossed
    periods: tuple[str, ...]
    values: tuple[Floats, Floats]

    def data(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        found = self.classes
        told = zip(
            self.axes, (found.x, found.y), found.levels, self.values, strict=True
        )
        return {
            "kind": "crossed",
            "label": self.wording.label,
            "unit": "",
            "description": self.wording.description,
            "periods": list(self.periods),
            "axes": [_axis(*each) for each in told],
            "colors": list(found.colors),
            "method": found.method,
            "codes": [
                letters(found.codes(x, y)) for x, y in zip(*self.values, strict=True)
            ],
        }


def read_crossed(
    table: pd.DataFrame,
    axes: tuple[Axis, Axis],
    *,
    wording: Wording,
    breaks: Sequence[Sequence[float] | None] | None,
    period: str | None,
    units: pd.Index,
) -> CrossedIndicator:
    """Check two columns, cut and cross them, and align them with the map.

    Parameters
    ----------
    table : DataFrame
        One row a unit and period; keyed by a column or index ``unit_id``.
    axes : tuple of two Axis
        What to read.
    wording : Wording
        What to call both together.
    breaks : pair, optional
        As `cross`.
    period : str, optional
        The column that tells periods apart; the classes are those of all periods.
    units : Index, shape (n,)
        The ids of the boundaries, in order.

    Returns
    -------
    CrossedIndicator
        Units without a row, or without either number, have no data.

    Raises
    ------
    InputError
        As `place_rows` and `cross`; if a column is not numeric, infinite or all
        missing, or no unit has both numbers.

    Examples
    --------
    >>> table = pd.DataFrame({"unit_id": list("abc"), "x": [1, 2, 3], "y": [9, 8, 7]})
    >>> found = read_crossed(table, (Axis("x", "X"), Axis("y", "Y")), breaks=None,
    ...     wording=Wording("Both"), period=None, units=pd.Index(list("abc")))
    >>> found.data()["codes"]
    ['642']
    """
    x, y = (axis.column for axis in axes)
    rows = place_rows(table, [x, y], period=period, label=wording.label, units=units)
    values = rows.values(x), rows.values(y)
    if not (~np.isnan(values[0]) & ~np.isnan(values[1])).any():
        raise InputError(
            f"A crossed map needs counties that have both '{x}' and '{y}'; of "
            f"{len(rows.table)} rows none has. Check how the columns were merged."
        )
    return CrossedIndicator(wording, axes, cross(*values, breaks), rows.periods, values)


def _axis(
    axis: Axis, classes: Classes, levels: tuple[str, ...], values: Floats
) -> dict[str, Any]:
    return {
        "label": axis.label,
        "unit": axis.unit,
        "digits": classes.digits,
        "breaks": list(classes.breaks),
        "break_digits": classes.break_digits,
        "range": [classes.low, classes.high],
        "whole": classes.whole and not classes.open_ended,
        "open_ended": classes.open_ended,
        "levels": list(levels),
        "values": rows_of_numbers(values, classes.digits + 2),
    }

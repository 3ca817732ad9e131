"""Columns of numbers and of periods, checked."""

import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.numerics.types import Array, Codes


def at_least_zero(column: pd.Series, noun: str = "rows") -> Array:
    """Return a column as floats.

    Raises
    ------
    InputError
        If a value is missing, not a finite number, or below 0.

    Examples
    --------
    >>> at_least_zero(pd.Series([1, 0]))
    array([1., 0.])
    """
    numbers = column
    if not pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column.astype(object), errors="coerce")
    values: Array = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    for held, rule, way_out in (
        (np.isfinite(values), "a finite number", "Fill or drop these rows."),
        (values >= 0, "0 or above", "Correct or drop these rows."),
    ):
        require(
            held,
            f"'{column.name}' must be {rule}",
            ids=column.index,
            noun=noun,
            way_out=way_out,
        )
    return values


def coded(column: pd.Series, what: str, noun: str = "rows") -> tuple[Codes, pd.Index]:
    """Return the position of each value among the different ones, and these, sorted.

    Raises
    ------
    InputError
        If a value is missing.

    Examples
    --------
    >>> coded(pd.Series([1990, 1980]), "period")[0]
    array([1, 0])
    """
    codes, found = pd.factorize(column)
    require(
        codes >= 0,
        f"All {noun} need a value in '{column.name}', their {what}",
        ids=column.index,
        noun=noun,
        way_out="Fill or drop these rows.",
    )
    index = pd.Index(found)
    # Mixed types do not sort; what they are is for others to refuse.
    try:
        order = index.argsort()
    except TypeError:
        return codes, index.astype(object)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return place[codes], index[order]

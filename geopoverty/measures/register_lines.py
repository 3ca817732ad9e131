"""Relative poverty lines from the incomes of a register."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.measures.register_asked import Asked, look
from geopoverty.measures.register_asked import asked_for as checked
from geopoverty.measures.register_cells import Places, places_of
from geopoverty.numerics.rows import Parts
from geopoverty.numerics.types import Array
from geopoverty.registers.columns import Column
from geopoverty.registers.quantiles import Values, quantiles
from geopoverty.registers.register import Register


def levels_on_register(
    income: Column, weight: Any, period: Any, *, share: float, of: str
) -> tuple[Array, pd.Index]:
    """Return a share of the mean or median income of each period, and the periods.

    Parameters
    ----------
    income : Column
    weight, period : Column or None
        Of the same register. Without periods there is one line.
    share : float
    of : {"mean", "median"}

    Raises
    ------
    InputError
        See `poverty_line`.
    """
    asked = checked(income, {}, weight, period, None)
    register: Register = income.register
    places = places_of(asked, look(register, asked).cells)
    found = _means if of == "mean" else _medians
    centre = found(register, asked, places)
    waves = pd.Index(places.keys.iloc[:, 0] if asked.by else [income.name])
    held = ~np.isnan(centre)  # waves without an income have no line
    require(
        centre[held] > 0,
        f"The {of} must be above 0 to set a line by it",
        ids=waves[held],
        noun="waves" if len(waves) > 1 else "samples",
        way_out="Check negative incomes, or give the line as a number.",
    )
    return np.asarray(share * centre[held]), waves[held]


def _means(register: Register, asked: Asked, places: Places) -> Array:
    groups = len(places.keys)

    def kernel(table: pd.DataFrame) -> Parts:
        rows, y, w = asked.kept(table)
        at = places.group[places.of(rows)]
        return np.bincount(at, w * y, groups), np.bincount(at, w, groups)

    sums, mass = register.total(kernel, asked.columns)
    return np.asarray(sums / np.where(mass > 0, mass, np.nan))


def _medians(register: Register, asked: Asked, places: Places) -> Array:
    groups = len(places.keys)

    def total(kernel: Any, combine: Any) -> Any:
        def of_table(table: pd.DataFrame) -> Any:
            rows, y, w = asked.kept(table)
            if not len(y):
                return ()
            return kernel(Values(y, w, places.group[places.of(rows)]))

        return register.total(of_table, asked.columns, combine)

    return quantiles(total, groups, 0.5)

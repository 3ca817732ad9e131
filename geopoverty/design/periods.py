"""Which period comes before which: the time axis of ``L(x)`` and of panels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes

_EQUAL = 1e-9  # of a step: closer than that to a whole number of steps


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """Periods as whole numbers of steps from the first one.

    Attributes
    ----------
    labels : Index
        The distinct periods there are, in order.
    positions : array of int
        Where each stands, the first at 0; a gap between periods is a gap here.
    """

    labels: pd.Index
    positions: Codes

    @property
    def length(self) -> int:
        """Number of positions, gaps included."""
        return int(self.positions[-1]) + 1

    def at(self, periods: pd.Series) -> Codes:
        """Return the position of each period; -1 where it is missing or unknown."""
        where = self.labels.get_indexer(pd.Index(_plain(periods)))
        return np.where(where < 0, -1, self.positions[where])

    def label(self, position: int) -> Any:
        """Return the period at a position, None in a gap."""
        found = np.flatnonzero(self.positions == position)
        return self.labels[found[0]] if found.size else None


def time_axis(periods: pd.Series, name: str) -> TimeAxis:
    """Find the order and spacing of periods.

    Parameters
    ----------
    periods : Series
        Numbers that are whole steps apart (the step is the least distance between
        two of them: 2004, 2008 and 2012 are neighbours, 2004 and 2012 are not),
        values of pandas' period type, or an ordered categorical, whose neighbouring
        categories are neighbours.
    name : str
        The column, for messages.

    Returns
    -------
    TimeAxis

    Raises
    ------
    InputError
        If the periods are text or dates without a step, or unevenly spaced.

    Examples
    --------
    >>> time_axis(pd.Series([2004, 2012, 2008, 2020]), "year").positions
    array([0, 1, 2, 4])
    """
    values = _plain(periods)
    there = values.notna().to_numpy()
    if isinstance(periods.dtype, pd.CategoricalDtype) and periods.dtype.ordered:
        steps = periods.cat.codes.to_numpy()[there]
    elif isinstance(periods.dtype, pd.PeriodDtype):
        steps = pd.PeriodIndex(values[there]).asi8
    else:
        return _evenly_spaced(values, name)
    order, at = np.unique(steps, return_index=True)
    return TimeAxis(pd.Index(values[there].iloc[at]), _from_first(order))


def _plain(periods: pd.Series) -> pd.Series:
    if isinstance(periods.dtype, pd.CategoricalDtype):
        return periods.astype(periods.cat.categories.dtype)
    return periods


def _from_first(steps: Any) -> Codes:
    return np.asarray(steps - steps[0], dtype=np.intp)


def _evenly_spaced(values: pd.Series, name: str) -> TimeAxis:
    number = pd.api.types.is_numeric_dtype(values.dtype)
    if not number or pd.api.types.is_bool_dtype(values.dtype):
        raise InputError(
            f"The period '{name}' must be a number or an ordered categorical, so that "
            f"one period earlier has a meaning; it is {values.dtype} "
            f"({first(values.dropna().unique())}). Use the year, or "
            "pd.Categorical(values, categories=[first, second, ...], ordered=True)."
        )
    distinct: Array = np.unique(values.dropna().to_numpy(np.float64))
    if len(distinct) == 1:
        return TimeAxis(_labels(values), np.zeros(1, dtype=np.intp))
    steps = (distinct - distinct[0]) / np.diff(distinct).min()
    whole = np.rint(steps)
    uneven = np.abs(steps - whole) > _EQUAL * np.maximum(whole, 1)
    if uneven.any():
        raise InputError(
            f"Periods must be whole steps apart, so that one period earlier has a "
            f"meaning; '{name}' holds {first(_labels(values), 12)}. Number the waves "
            "1, 2, 3, ..., or make the column an ordered categorical."
        )
    return TimeAxis(_labels(values), _from_first(whole))


def _labels(values: pd.Series) -> pd.Index:
    return pd.Index(values.dropna().unique()).sort_values()

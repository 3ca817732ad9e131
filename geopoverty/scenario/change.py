"""What is changed, where, and by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geopoverty._checks import first, nearest_name, unit_ids
from geopoverty.design.sample import Sample
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Mask


@dataclass(frozen=True)
class Change:
    """A change of one column; exactly one of `add`, `times` and `to`.

    Attributes
    ----------
    add, times, to : float, optional
        Added to the values, multiplied with them, or put in their place.
    units : sequence of str, optional
        The units it concerns; all when not given.
    periods : sequence, optional
        The periods it concerns; all when not given.

    Raises
    ------
    InputError
        If none or several are given, or the number is not finite.

    Examples
    --------
    >>> Change(add=3, units=["33001"]).said("clusters")
    'clusters + 3 in 1 unit'
    """

    add: float | None = None
    times: float | None = None
    to: float | None = None
    units: Sequence[str] | None = None
    periods: Sequence[object] | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.add, self.times, self.to) if v is not None]
        plain = [v for v in given if _is_number(v)]
        if len(given) != 1 or len(plain) != 1 or not np.isfinite(plain[0]):
            raise InputError(
                "A Change needs exactly one finite number: add=, times= or to=; got "
                f"add={self.add!r}, times={self.times!r}, to={self.to!r}."
            )
        for name in ("units", "periods"):
            if isinstance(getattr(self, name), str):
                raise InputError(f"{name} must be a list; got one text.")

    def said(self, column: str) -> str:
        """Return the change in words."""
        what = {
            f"{column} + {self.add:g}" if self.add is not None else "",
            f"{column} x {self.times:g}" if self.times is not None else "",
            f"{column} = {self.to:g}" if self.to is not None else "",
        }
        n = 0 if self.units is None else len(self.units)
        where = f" in {n:,} unit{'s' * (n != 1)}" if self.units is not None else ""
        when = f" in {first(self.periods)}" if self.periods is not None else ""
        return max(what, key=len) + where + when

    def of(self, values: pd.Series) -> pd.Series:
        """Return the values changed."""
        if self.add is not None:
            return values + self.add
        return values * self.times if self.times is not None else values * 0 + self.to


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


Changes = Mapping[str, float | Change | pd.Series]


def changed(data: pd.DataFrame, change: Changes, sample: Sample) -> pd.DataFrame:
    """Return the table after the change; the one given stays as it is.

    Parameters
    ----------
    data : DataFrame
    change : mapping of column to number, Change or Series
        A number is added everywhere; a Series, indexed by unit, is added there.
    sample : Sample

    Raises
    ------
    InputError
        If a column is missing or holds no numbers, or units or periods are unknown.
    """
    if not isinstance(change, Mapping) or not change:
        raise InputError(
            "change must name columns and what happens to them, such as "
            "change={'clusters': 3} or change={'clusters': Change(add=3, units=[...])}."
        )
    out = data.copy()
    ids = data.get(sample.unit, data.index)
    units = unit_ids(ids, "data", unique=False)
    for column, how in change.items():
        _require_numbers(data, column)
        values = data[column].astype(np.float64)
        if isinstance(how, pd.Series):
            out[column] = values + _by_unit(how, units, column)
            continue
        step = how if isinstance(how, Change) else Change(add=how)
        rows = _rows(step, units, data, sample)
        out[column] = values.where(~rows, step.of(values))
    return out


def _require_numbers(data: pd.DataFrame, column: str) -> None:
    if column not in data.columns:
        raise InputError(
            f"change names the column '{column}', which the table lacks."
            f"{nearest_name(column, [str(c) for c in data.columns])}"
        )
    if not pd.api.types.is_numeric_dtype(data[column]):
        raise InputError(
            f"change needs a column of numbers; '{column}' holds "
            f"{data[column].dtype}. Change the table yourself, and compare predict "
            "before and after."
        )


def _by_unit(added: pd.Series, units: pd.Index, column: str) -> Array:
    _require_known(added.index, units, f"change['{column}']")
    values = added.astype(np.float64)
    if not np.isfinite(values).all() or not values.index.is_unique:
        raise InputError(
            f"change['{column}'] must have one finite number a unit. Drop repeated "
            "units and missing numbers."
        )
    return np.asarray(values.reindex(units).fillna(0.0), dtype=np.float64)


def _rows(step: Change, units: pd.Index, data: pd.DataFrame, sample: Sample) -> Mask:
    rows = np.ones(len(data), dtype=bool)
    if step.units is not None:
        _require_known(pd.Index(step.units), units, "Change.units")
        rows &= units.isin(step.units)
    if step.periods is not None:
        if sample.period is None:
            raise InputError(
                "Change.periods was given, but the model has no periods. Leave it out."
            )
        when = data[sample.period]
        _require_known(pd.Index(step.periods), pd.Index(when), "Change.periods")
        rows &= when.isin(step.periods).to_numpy()
    return rows


def _require_known(asked: pd.Index, known: pd.Index, name: str) -> None:
    unknown = asked.difference(known.unique())
    if len(unknown):
        raise InputError(
            f"{name} must be in the table; {len(unknown)} of {len(asked)} are not "
            f"({first(list(unknown))}). Compare their ids with those of the table."
        )

"""Read a firm table: which columns, which checks, and the census it makes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import (
    first,
    require_columns,
    require_option,
    unit_ids,
    warn,
)
from geopoverty.clusters.census import Census, Sums
from geopoverty.clusters.codes import check_codes
from geopoverty.clusters.values import at_least_zero, coded
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes, Mask

MEASURES = ("employees", "output", "firms")


@dataclass(frozen=True)
class FirmColumns:
    """Which columns of a firm table say what.

    Attributes
    ----------
    unit : str
        Where a firm is: ids as text.
    industry : str
        Its industry code as text, such as ``"1713"`` or ``"C1713"``.
    employees : str
        Persons, 0 or more.
    output : str, optional
        Money, 0 or more; needed only to measure by output.
    period : str, optional
        Which census a row belongs to. Each period is measured by itself.

    Raises
    ------
    InputError
        If two of them are the same column.

    Examples
    --------
    >>> FirmColumns(industry="gbt4754", period="year").employees
    'employees'
    """

    unit: str = "unit_id"
    industry: str = "industry"
    employees: str = "employees"
    output: str | None = None
    period: str | None = None

    def __post_init__(self) -> None:
        given = self.named
        if len(set(given)) < len(given):
            raise InputError(
                f"FirmColumns must name different columns; got {first(given)}."
            )

    @property
    def named(self) -> list[str]:
        """The columns that are given."""
        return [c for c in vars(self).values() if c is not None]


@dataclass(frozen=True, eq=False)
class Expected:
    """Which units and codes there are, and what becomes of firms elsewhere."""

    units: Any = None
    known: Iterable[str] | None = None
    on_unknown: str = "raise"

    def __post_init__(self) -> None:
        require_option(self.on_unknown, ("raise", "drop"), "on_unknown")


def read_census(
    firms: pd.DataFrame,
    columns: FirmColumns,
    expected: Expected,
    levels: tuple[int, ...],
    measure: str = "employees",
) -> Census:
    """Check a firm table and sum it to cells.

    Parameters
    ----------
    firms : DataFrame, n rows
        One firm (or plant) a row; equal rows are different firms.
    columns : FirmColumns
    expected : Expected
    levels : tuple of int
        The levels asked for.
    measure : {"employees", "output", "firms"}

    Raises
    ------
    InputError
        If a column is missing, ids or codes are missing or numbers, codes are of
        mixed levels, employees or output are missing, negative or not finite, or
        firms lie in unknown units or industries.

    Warns
    -----
    GeoPovertyWarning
        If firms in unknown units or industries are left out.

    Examples
    --------
    >>> firms = pd.DataFrame({"unit_id": ["a", "a", "b"], "employees": [3, 4, 5],
    ...                       "industry": ["1310", "1310", "1713"]})
    >>> read_census(firms, FirmColumns(), Expected(), (3,)).sums.employees
    array([7., 5.])
    """
    _require_table(firms, columns, measure)
    unit, found = coded(firms[columns.unit], "unit id", "firms")
    if not all(isinstance(u, str) and u for u in found):
        unit_ids(firms[columns.unit], "The firm table", unique=False)  # says where
    code, codes = coded(firms[columns.industry], "industry code", "firms")
    check_codes(codes, columns.industry, levels)
    period: Codes = np.zeros(len(firms), dtype=np.intp)
    periods: pd.Index | None = None
    if columns.period is not None:
        period, periods = coded(firms[columns.period], "period", "firms")
    numbers = {
        k: at_least_zero(firms[name], "firms")
        for k, name in (("employees", columns.employees), ("output", columns.output))
        if name is not None
    }
    units = _units(found, expected)
    place = units.get_indexer(found)[unit]
    kept, notes = _kept((unit, found, place >= 0), (code, codes), columns, expected)
    if not kept.all():
        place, period = place[kept], period[kept]
        left, code = np.unique(code[kept], return_inverse=True)
        codes = codes[left]
        numbers = {name: column[kept] for name, column in numbers.items()}
    shape = (1 if periods is None else len(periods), len(units), len(codes))
    cell = np.ravel_multi_index((period, place, code), shape)
    there, group = np.unique(cell, return_inverse=True)
    at_period, at_unit, at_code = np.unravel_index(there, shape)
    sums = _sums(numbers, measure).grouped(group, len(there))
    origin = (dict(firms.attrs), tuple(notes))
    return Census(units, periods, codes, at_unit, at_period, at_code, sums, origin)


def _require_table(firms: pd.DataFrame, columns: FirmColumns, measure: str) -> None:
    require_option(measure, MEASURES, "measure")
    if not isinstance(firms, pd.DataFrame):
        raise InputError(
            f"firms must be a DataFrame; got {type(firms).__name__}. Give one row a "
            "firm."
        )
    if measure == "output" and columns.output is None:
        raise InputError(
            "To measure by output, name its column: FirmColumns(output='...')."
        )
    require_columns(firms, columns.named, "The firm table")
    if not len(firms):
        raise InputError("The firm table must hold at least one firm; it has none.")


def _units(found: pd.Index, expected: Expected) -> pd.Index:
    given = expected.units
    if given is None:
        return found
    index = given.index if isinstance(given, pd.DataFrame) else pd.Index(given)
    return unit_ids(index, "units=", unique=True)


def _kept(
    where: tuple[Codes, pd.Index, Mask],
    what: tuple[Codes, pd.Index],
    columns: FirmColumns,
    expected: Expected,
) -> tuple[Mask, list[str]]:
    """Return which firms lie in known units and industries, and notes on others."""
    unit, units, inside = where
    code, codes = what
    known = np.ones(len(codes), dtype=bool)
    if expected.known is not None:
        known = codes.isin([str(k) for k in expected.known])
    parts = [
        (f"a unit of units= ('{columns.unit}')", inside, unit, units),
        (f"an industry of known= ('{columns.industry}')", known[code], code, codes),
    ]
    notes = [
        _unknown(named, np.bincount(at[~held], minlength=len(ids)), ids, len(held))
        for named, held, at, ids in parts
        if not held.all()
    ]
    if notes and expected.on_unknown == "raise":
        raise InputError(
            f"{' '.join(notes)} Correct the firm table, add what is missing to the "
            "list, or leave these firms out with on_unknown='drop'."
        )
    kept: Mask = inside & known[code]
    if not kept.any():
        raise InputError(f"{' '.join(notes)} No firm is left: check both sides' ids.")
    notes = [f"{note} They were left out." for note in notes]
    for note in notes:
        warn(note)
    return kept, notes


def _unknown(named: str, counts: Codes, ids: pd.Index, n: int) -> str:
    """Say how many firms are elsewhere, and how many in each of the places."""
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    listed = first([f"{ids[i]}: {counts[i]:,}" for i in order])
    return (
        f"Every firm must be in {named}; {counts.sum():,} of {n:,} firms are not, "
        f"but in {len(order)} others ({listed})."
    )


def _sums(numbers: dict[str, Array], measure: str) -> Sums:
    employees, output = numbers["employees"], numbers.get("output")
    ones = np.ones_like(employees)
    value = {"firms": ones, **numbers}[measure]
    if not value.any():
        raise InputError(
            f"Some firm must have {measure} above 0; all {len(value)} have 0. Check "
            "the column, or measure by firms."
        )
    # Over the greatest, so that fourth powers of large sums of money stay finite.
    greatest = float(value.max())
    square = (value / greatest) ** 2
    return Sums(ones, employees, value, square, square**2, output, greatest)

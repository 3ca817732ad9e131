"""The first pass over a register: its categories, groups and missing values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.design.complete import complete_rows
from geopoverty.errors import InputError
from geopoverty.registers.register import Register

MOST_GROUPS = 2_000_000  # units or clusters: more would not fit in memory
MOST_LEVELS = 10_000  # of a category: more is an id taken for one
SAMPLE = 512  # rows of a batch that are kept to start a fit from


@dataclass(frozen=True, eq=False)
class Scan:
    """What must be known of a register before any batch is turned into numbers.

    Attributes
    ----------
    rows, complete : int
        All rows, and those with no missing value.
    missing : mapping of str to int
        Missing values of each column.
    distinct : mapping of str to Index
        The distinct values of categories and groups, in order; columns with more
        than two million are left out.
    sample : DataFrame
        Some complete rows, evenly spaced.
    """

    rows: int
    complete: int
    missing: Mapping[str, int]
    distinct: Mapping[str, pd.Index]
    sample: pd.DataFrame

    @property
    def dropped(self) -> int:
        """Rows with a missing value."""
        return self.rows - self.complete


def scan(register: Register, columns: Sequence[str], distinct: Sequence[str]) -> Scan:
    """Read through a register once.

    Parameters
    ----------
    register : Register
    columns : sequence of str
        What must not be missing.
    distinct : sequence of str
        Those whose distinct values are asked for, in complete rows.

    Raises
    ------
    InputError
        If a number is infinite, or no row is complete.
    """

    def kernel(table: pd.DataFrame) -> tuple[Any, ...]:
        kept = complete_rows(table)
        missing = np.zeros(len(columns), dtype=np.intp)
        if not kept.all():
            missing = table.isna().sum().to_numpy()
        held = np.flatnonzero(kept)
        counts = np.array([len(table), len(held), *missing])
        some = table.iloc[held[:: max(len(held) // SAMPLE, 1)]]
        return counts, [_distinct(table[c][kept]) for c in distinct], [_plain(some)]

    counts, values, sample = register.total(
        kernel, columns, _merged, "Reading the register once, part"
    )
    missing = dict(zip(columns, map(int, counts[2:]), strict=True))
    if not counts[1]:
        empty = [c for c in columns if missing[c] == counts[0]]
        raise InputError(
            "No row is complete: every one has a missing value"
            f"{f' ({first(empty)} is missing throughout)' if empty else ''}. Check "
            "how the register was made."
        )
    found = {
        c: _ordered(v) for c, v in zip(distinct, values, strict=True) if v is not None
    }
    rows = pd.concat(sample, ignore_index=True)
    return Scan(int(counts[0]), int(counts[1]), missing, found, rows)


def require_few_levels(found: Mapping[str, pd.Index], names: Sequence[str]) -> None:
    """Raise `InputError` if a category of the formula has too many values.

    Examples
    --------
    >>> require_few_levels({"sex": pd.Index(["f", "m"])}, ["sex"])
    """
    for name in names:
        levels = found.get(name)
        if levels is None or len(levels) > MOST_LEVELS:
            more = f"over {MOST_GROUPS:,}" if levels is None else f"{len(levels):,}"
            raise InputError(
                f"'{name}' has {more} categories; a formula takes at most "
                f"{MOST_LEVELS:,}. Is it an id? Make it a number, or merge categories."
            )


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, np.ndarray):
        return one + other
    if one and isinstance(one[0], pd.DataFrame):
        return [*one, *other]
    return [_united(a, b) for a, b in zip(one, other, strict=True)]


def _united(one: pd.Index | None, other: pd.Index | None) -> pd.Index | None:
    """Return all values, or None when there are too many to hold."""
    if one is None or other is None:
        return None
    both = one.union(other, sort=False)
    return None if len(both) > MOST_GROUPS else both


def _distinct(column: pd.Series) -> pd.Index:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = np.flatnonzero(
            np.bincount(column.cat.codes + 1, minlength=len(column.cat.categories) + 1)
        )
        return column.cat.categories[codes[codes > 0] - 1].astype(object)
    return pd.Index(column.unique())


def _ordered(values: pd.Index) -> pd.Index:
    try:
        return values.sort_values()
    except TypeError:  # of several kinds
        return values.astype(str).sort_values()


def _plain(sample: pd.DataFrame) -> pd.DataFrame:
    # Categories differ between batches, and a sample is small.
    texts = sample.select_dtypes("category").columns
    return sample.astype(dict.fromkeys(texts, object))

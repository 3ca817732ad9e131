"""The rules every input must keep, each with its message."""

import difflib
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.numerics.types import Array, Codes

FIRST = 5


def first(ids: Iterable[object], count: int = FIRST) -> str:
    """List the first few ids for a message.

    Examples
    --------
    >>> first(["a", "b", "c"], count=2)
    'a, b, ...'
    """
    listed = list(ids)
    shown = ", ".join(str(i) for i in listed[:count])
    return f"{shown}, ..." if len(listed) > count else shown


def require(
    kept: NDArray[np.bool_],
    rule: str,
    *,
    ids: Sequence[object] | pd.Index,
    way_out: str,
    noun: str = "rows",
) -> None:
    """Raise `InputError` with rule, count, first ids and the way out.

    Parameters
    ----------
    kept : array of bool, shape (n,)
        True where the rule holds.
    rule : str
        Such as ``"Consumption must be above 0"``.
    ids : sequence, shape (n,)
        What to call each row.
    way_out : str
        One sentence in the imperative.
    noun : str
        What the rows are.

    Raises
    ------
    InputError
        If any element of `kept` is False.

    Examples
    --------
    >>> require(np.array([True, False]), "Age must be above 0", ids=[7, 8],
    ...         way_out="Drop these rows.")
    Traceback (most recent call last):
    geopoverty.errors.InputError: Age must be above 0; 1 of 2 rows break this (8). \
Drop these rows.
    """
    broken = np.flatnonzero(~np.asarray(kept, dtype=bool))
    if not broken.size:
        return
    names = first(ids[i] for i in broken[: FIRST + 1])
    verb = "breaks" if broken.size == 1 and len(kept) == 1 else "break"
    raise InputError(
        f"{rule}; {broken.size} of {len(kept)} {noun} {verb} this ({names}). {way_out}"
    )


def warn(message: str) -> None:
    """Warn with `GeoPovertyWarning`, at the line outside this package that asked.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as seen:
    ...     warnings.simplefilter("always")
    ...     warn("Few clusters")
    >>> seen[0].category.__name__, str(seen[0].message)
    ('GeoPovertyWarning', 'Few clusters')
    """
    level, frame = 1, sys._getframe()
    # dataclasses.replace stands between two frames of ours.
    inside = ("geopoverty", "dataclasses")
    while frame.f_back is not None and _package(frame.f_globals) in inside:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, GeoPovertyWarning, stacklevel=level)


def _package(names: dict[str, Any]) -> str:
    return str(names.get("__name__", "")).partition(".")[0]


def nearest_name(name: str, known: Iterable[object]) -> str:
    """Suggest the known name most like `name`, as the end of a sentence.

    Examples
    --------
    >>> nearest_name("densty", ["density", "age"])
    " Did you mean 'density'?"
    >>> nearest_name("zzz", ["density"])
    ''
    """
    close = difflib.get_close_matches(name, [str(k) for k in known], n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


def require_columns(data: pd.DataFrame, names: Iterable[str], what: str) -> None:
    """Raise `InputError` naming the columns that `data` lacks, with suggestions."""
    columns = [str(c) for c in data.columns]
    missing = [n for n in dict.fromkeys(names) if n not in columns]
    if not missing:
        return
    hints = "".join(nearest_name(m, columns) for m in missing[:FIRST])
    raise InputError(
        f"{what} needs the column{'s' if len(missing) > 1 else ''} {first(missing)}, "
        f"which the table lacks.{hints} It has: {first(columns, 12)}."
    )


def require_option(value: Any, allowed: Sequence[Any], name: str) -> None:
    """Raise `InputError` unless `value` is one of `allowed`.

    Examples
    --------
    >>> require_option("clustre", ["hc1", "cluster"], "vcov")
    Traceback (most recent call last):
    geopoverty.errors.InputError: vcov must be one of 'hc1', 'cluster'; got \
'clustre'. Did you mean 'cluster'?
    """
    if value in allowed:
        return
    options = ", ".join(repr(a) for a in allowed)
    hint = nearest_name(str(value), allowed)
    raise InputError(f"{name} must be one of {options}; got {value!r}.{hint}")


def unit_ids(values: pd.Series | pd.Index, what: str, *, unique: bool) -> pd.Index:
    """Check ids: text, present and (if asked) unique; return them as an index.

    Parameters
    ----------
    values : Series or Index, shape (n,)
        The ids as they came.
    what : str
        Where they came from, such as ``"The boundaries"``.
    unique : bool
        Whether each id may stand only once.

    Raises
    ------
    InputError
        If ids are missing, numbers (leading zeros are lost) or repeated.

    Examples
    --------
    >>> unit_ids(pd.Series(["01001", "01003"]), "The table", unique=True).tolist()
    ['01001', '01003']
    """
    if isinstance(values, pd.MultiIndex):
        raise InputError(
            f"{what}: unit ids must be one level; these have {values.nlevels}. Move "
            "the others to columns: table.reset_index(level=...)."
        )
    index = pd.Index(values)
    # An empty cell of a CSV file arrives as an empty text.
    empty = index.isna() | np.asarray(index == "", dtype=bool)
    rows = [f"row {i}" for i in np.flatnonzero(empty)[: FIRST + 1]]
    if rows:
        raise InputError(
            f"{what}: every row needs a unit id; {int(empty.sum())} of "
            f"{len(index)} rows have none ({first(rows)}). Fill or drop these rows."
        )
    if not all(isinstance(i, str) for i in index):
        raise InputError(
            f"{what}: unit ids must be text; these are "
            f"{pd.api.types.infer_dtype(index, skipna=True)} "
            f"({first(index[: FIRST + 1])}), so leading zeros are lost. Read the "
            "column as text, or repair it: ids.astype(str).str.zfill(width)."
        )
    if unique:
        twice = index[index.duplicated()].unique()
        if len(twice):
            raise InputError(
                f"{what}: unit ids must be unique; {len(twice)} of {index.nunique()} "
                f"ids stand more than once ({first(twice)}). Drop or merge the "
                "repeated rows."
            )
    return index.astype(object)


def require_same_units(
    left: pd.Index, right: pd.Index, *, names: tuple[str, str], way_out: str
) -> None:
    """Raise `InputError` listing the units that only one of two sides has."""
    only_left, only_right = left.difference(right), right.difference(left)
    if not len(only_left) and not len(only_right):
        return
    parts = [
        f"{len(only)} only in {name} ({first(only)})"
        for only, name in zip((only_left, only_right), names, strict=True)
        if len(only)
    ]
    raise InputError(
        f"{names[0].capitalize()} and {names[1]} must hold the same units; "
        f"{'; '.join(parts)}. {way_out}"
    )


def binary_outcome(values: pd.Series, name: str) -> Array:
    """Return a 0/1 outcome as floats.

    Raises
    ------
    InputError
        If a value is neither 0 nor 1, or all are the same.

    Examples
    --------
    >>> binary_outcome(pd.Series([True, False]), "poor")
    array([1., 0.])
    """
    numbers = values
    if not pd.api.types.is_numeric_dtype(values):
        numbers = pd.to_numeric(values.astype(object), errors="coerce")
    y: Array = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    require(
        (y == 0) | (y == 1),
        f"The outcome '{name}' must be 0 or 1",
        ids=values.index,
        way_out="Code it 0/1, such as (income < poverty_line).",
    )
    if y.size and y.min() == y.max():
        raise InputError(
            f"The outcome '{name}' must vary; it is {y[0]:.0f} in all {y.size} rows. "
            "Nothing can be learnt from a constant outcome: check the poverty line."
        )
    return y


def finite_numbers(
    values: pd.Series, ids: Sequence[object] | pd.Index, way_out: str
) -> Array:
    """Return a column as floats, NaN where a value is missing.

    Parameters
    ----------
    values : Series, shape (n,)
    ids : sequence, shape (n,)
        What to call each row.
    way_out : str
        What to do about a column that holds no numbers.

    Raises
    ------
    InputError
        If it does not hold numbers, or one is infinite.

    Examples
    --------
    >>> finite_numbers(pd.Series([1, None]), ["a", "b"], "Convert it.")
    array([ 1., nan])
    """
    if not pd.api.types.is_numeric_dtype(values) or values.dtype.kind == "c":
        raise InputError(
            f"The column '{values.name}' must hold numbers; it holds {values.dtype}. "
            f"{way_out}"
        )
    numbers: Array = values.to_numpy(dtype=np.float64, na_value=np.nan)
    require(
        ~np.isinf(numbers),
        f"The column '{values.name}' must be finite",
        ids=ids,
        way_out="Set infinite values to missing, or drop these rows.",
    )
    return numbers


def refuse_separation(columns: Codes, names: Sequence[str], outcome: str) -> None:
    """Raise `EstimationError` naming columns that separate an outcome perfectly.

    Examples
    --------
    >>> refuse_separation(np.array([], dtype=int), ["Intercept", "age"], "poor")
    """
    if not columns.size:
        return
    found = [names[j] for j in columns]
    named = [n for n in found if n != "Intercept"] or found
    verb = "separates" if len(named) == 1 else "together separate"
    joint = ", ".join(f"'{n}'" for n in named[:FIRST])
    raise EstimationError(
        f"{joint} {verb} the outcome '{outcome}' perfectly: the likelihood rises for "
        "ever and no finite coefficient fits. Leave out or merge categories of what "
        "separates it, or pool periods."
    )


def outcomes_of(outcome: str | Sequence[str]) -> tuple[str, ...]:
    """Return outcomes as a tuple of different names.

    Examples
    --------
    >>> outcomes_of("income"), outcomes_of(["low", "high"])
    (('income',), ('low', 'high'))
    """
    names = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    if not names or len(set(names)) < len(names):
        raise InputError(
            f"outcome must name at least one column, each once; got {outcome!r}."
        )
    return names

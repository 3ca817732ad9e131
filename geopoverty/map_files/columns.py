"""Columns that every file format can hold."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from geopandas.array import GeometryDtype
from pandas.api import types

from geopoverty._checks import first, unit_ids
from geopoverty.errors import InputError

UNIT = "unit_id"
SAME = "Rename one of them."
LARGE = 8  # bytes


def writable(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table with its unit ids first and plain columns; geometry last.

    Categories become what they stand for, periods and intervals text.

    Parameters
    ----------
    table : GeoDataFrame, n rows
        Indexed by unit id, or with a column ``unit_id``.

    Returns
    -------
    GeoDataFrame, n rows
        Numbered from 0; ``unit_id``, the columns, the geometry.

    Raises
    ------
    InputError
        If ids are missing or not text, names of columns are not text or alike but
        for capitals, or a column holds values of several kinds or a second geometry.

    Examples
    --------
    >>> from shapely.geometry import Point
    >>> kinds = pd.Categorical(["town"])
    >>> town = gpd.GeoDataFrame({"kind": kinds}, index=["a"], geometry=[Point(0, 0)])
    >>> writable(town).columns.tolist(), writable(town)["kind"].dtype.kind in "OU"
    (['unit_id', 'kind', 'geometry'], True)
    """
    shape = table.geometry.name
    values = pd.DataFrame(table.drop(columns=shape))
    _require_names(values, shape)
    in_column = UNIT in values.columns and table.index.name != UNIT
    ids = unit_ids(values[UNIT] if in_column else table.index, "The map", unique=False)
    values = values.drop(columns=UNIT, errors="ignore")
    plain = {name: _plain(name, values[name]) for name in values.columns}
    out = pd.DataFrame({UNIT: ids.to_numpy(), **{k: v.array for k, v in plain.items()}})
    out[shape] = table.geometry.array
    return gpd.GeoDataFrame(out, geometry=shape)


def _require_names(values: pd.DataFrame, shape: str) -> None:
    names = list(values.columns)
    wrong = [n for n in names if not isinstance(n, str) or not n.strip()]
    if wrong:
        raise InputError(
            f"Names of columns must be text; {len(wrong)} of {len(names)} are not "
            f"({first(map(repr, wrong))}). Rename them: table.rename(columns=...)."
        )
    seen: dict[str, str] = {shape.lower(): shape, UNIT: UNIT}
    for name in names:
        other = seen.get(name.lower())
        if other is not None and (name, other) != (UNIT, UNIT):
            raise InputError(
                f"Names of columns must differ by more than capitals; '{other}' and "
                f"'{name}' do not, and some formats take them for one. {SAME}"
            )
        seen[name.lower()] = name
    if names.count(UNIT) > 1:
        raise InputError(f"The map must have one column '{UNIT}'. {SAME}")


def _plain(name: str, column: pd.Series) -> pd.Series:
    """Return a column of numbers, dates, truth values or text."""
    kind: Any = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _plain(name, pd.Series(column.astype(object).to_numpy()))
    if isinstance(
        kind, pd.PeriodDtype | pd.IntervalDtype
    ) or types.is_timedelta64_dtype(kind):
        return column.astype(str).where(column.notna(), None)
    if types.is_complex_dtype(kind):
        raise _refusal(name, "complex numbers")
    if isinstance(kind, GeometryDtype):
        raise _refusal(name, "a second geometry")
    if types.is_object_dtype(kind):
        return _one_kind(name, column)
    if isinstance(kind, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC")  # as the GeoPackage standard asks
    return _usual_size(column)


def _usual_size(column: pd.Series) -> pd.Series:
    """Return numbers in a size that every format has."""
    if column.dtype == np.float16:
        return column.astype(np.float32)
    if column.dtype.kind == "u" and column.dtype.itemsize == LARGE:
        fits = column.max() <= np.iinfo(np.int64).max
        return column.astype(np.int64 if fits else np.float64)
    return column


def _one_kind(name: str, column: pd.Series) -> pd.Series:
    found = types.infer_dtype(column, skipna=True)
    if found in ("string", "empty"):
        return column.where(column.notna(), None)
    if found == "date":
        return pd.to_datetime(column)
    if found == "decimal":
        return column.astype(float)
    better = column.convert_dtypes(convert_string=False)
    if types.is_object_dtype(better.dtype):
        raise _refusal(name, f"values of the kind '{found}'")
    return better


def _refusal(name: str, what: str) -> InputError:
    return InputError(
        f"A column on a map must hold numbers, dates, truth values or text; '{name}' "
        f"holds {what}. Drop it, or turn it into one of these."
    )

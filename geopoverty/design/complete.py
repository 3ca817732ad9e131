"""Which rows of a table have every value."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.numerics.types import Array, Mask


def complete_rows(table: pd.DataFrame, names: Iterable[str] | None = None) -> Mask:
    """Return which rows of a table have no missing value.

    Parameters
    ----------
    table : DataFrame, n rows
    names : iterable of str, optional
        The columns that count; all when not given.

    Raises
    ------
    InputError
        If a number is infinite.

    Examples
    --------
    >>> complete_rows(pd.DataFrame({"age": [1.0, None]})).tolist()
    [True, False]
    """
    kept = np.ones(len(table), dtype=bool)
    for name in table.columns if names is None else names:
        column = table[name]
        if pd.api.types.is_float_dtype(column):
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isfinite(values.sum()):  # one number tells of all
                continue
            _require_not_infinite(values, str(name), table.index)
            kept &= ~np.isnan(values)
        elif isinstance(column.dtype, pd.CategoricalDtype):
            kept &= np.asarray(column.cat.codes) >= 0
        elif not pd.api.types.is_integer_dtype(column.dtype) or column.hasnans:
            kept &= column.notna().to_numpy()
    return kept


def _require_not_infinite(values: Array, name: str, ids: pd.Index) -> None:
    broken = np.isinf(values)
    if broken.any():
        require(
            ~broken,
            f"'{name}' must be finite",
            ids=ids,
            way_out="Set these values to NaN to leave the rows out.",
        )

"""Evaluate checked expressions and right sides on a table."""

from typing import Any

import formulaic
import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.design.formula import terms_of
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array

_CONTEXT = {"sqrt": np.sqrt, "abs": np.abs}  # what formulaic lacks of our functions


def evaluate(expression: str, table: pd.DataFrame) -> pd.Series:
    """Return one checked expression as floats, indexed like `table`.

    Parameters
    ----------
    expression : str
        Already through `parse_formula`, so that it holds declared names only.
    table : DataFrame

    Raises
    ------
    InputError
        If it is not numeric.

    Examples
    --------
    >>> evaluate("income < 2", pd.DataFrame({"income": [1.0, 3.0]})).tolist()
    [1.0, 0.0]
    """
    name = expression.strip("` ")
    if name in table.columns:
        column = table[name]
        _require_numeric(column, name)
        return column.astype(np.float64)
    plain = table.reset_index(drop=True)
    matrix = _model_matrix(f"0 + I(({expression}) * 1.0)", plain)
    values = np.asarray(matrix, dtype=np.float64)[:, 0]
    return pd.Series(values, index=table.index, name=expression)


def right_side(
    formula: formulaic.Formula, table: pd.DataFrame
) -> tuple[Array, list[str], list[list[int]]]:
    """Return the design matrix of a checked right side.

    Parameters
    ----------
    formula : formulaic.Formula
    table : DataFrame, n rows
        Complete: no missing value in a column the formula uses.

    Returns
    -------
    array, shape (n, k), C order
    list of str
        Column names.
    list of list of int
        For each term of the formula, its columns.

    Raises
    ------
    InputError
        If a transformed value is not finite.
    """
    direct = _plain_columns(formula, table)
    if direct is not None:
        X, names = direct
        columns = [[j] for j in range(len(names))]
    else:
        matrix = _model_matrix(formula, table)
        names = [str(c) for c in matrix.columns]
        X = np.ascontiguousarray(matrix.to_numpy(dtype=np.float64))
        where = {n: j for j, n in enumerate(names)}
        columns = [
            [where[c] for c in part.columns] for part in matrix.model_spec.structure
        ]
    if not np.isfinite(X.sum()):
        _refuse_infinite(X, names, table.index)
    return X, names, columns


def _model_matrix(formula: Any, table: pd.DataFrame) -> pd.DataFrame:
    # What is not finite is found afterwards and named, so numpy need not warn.
    with np.errstate(all="ignore"):
        return formulaic.model_matrix(
            formula, table, context=_CONTEXT, na_action="ignore"
        )


def _plain_columns(
    formula: formulaic.Formula, table: pd.DataFrame
) -> tuple[Array, list[str]] | None:
    """Copy columns straight into a matrix when every term is one plain number.

    It gives what formulaic gives, at the speed of a copy: registers are long.
    """
    names = []
    for term in terms_of(formula):
        if len(term.factors) > 1:
            return None
        name = term.factors[0] if term.factors else "Intercept"
        if term.factors and name not in table.columns:
            return None
        if term.factors and not pd.api.types.is_numeric_dtype(table[name]):
            return None
        names.append(name)
    X = np.empty((len(table), len(names)))
    for j, (name, term) in enumerate(zip(names, terms_of(formula), strict=True)):
        X[:, j] = table[name].to_numpy(np.float64) if term.factors else 1.0
    return X, names


def _refuse_infinite(X: Array, names: list[str], ids: pd.Index) -> None:
    for j, name in enumerate(names):
        require(
            np.isfinite(X[:, j]),
            f"'{name}' must be finite",
            ids=ids,
            way_out="Drop these rows, or transform the column differently.",
        )


def _require_numeric(column: pd.Series, name: str) -> None:
    if not pd.api.types.is_numeric_dtype(column):
        raise InputError(
            f"'{name}' must be numeric; it holds {column.dtype}. Convert it, or code "
            "it 0/1."
        )

"""Columns of a design that cannot be told apart."""

from collections.abc import Sequence

import numpy as np

from geopoverty._checks import first
from geopoverty.errors import InputError
from geopoverty.numerics.least_squares import condition
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.types import Array

ILL = 1e6  # condition of the columns: sandwiches lose twice its digits


def refuse_collinear(X: Array, names: Sequence[str]) -> None:
    """Raise `InputError` naming columns that are combinations of others."""
    refuse_dependent(dependent_columns(X), names)


def refuse_dependent(
    found: Sequence[tuple[int, Sequence[int]]], names: Sequence[str]
) -> None:
    """Raise `InputError` if there are dependent columns, as `dependent_columns` says.

    Examples
    --------
    >>> refuse_dependent([], ["age"])
    """
    if not found:
        return
    parts = [
        f"'{names[j]}' is a combination of {', '.join(names[i] for i in basis)}"
        if basis
        else f"'{names[j]}' is 0 in every row"
        for j, basis in found
    ]
    raise InputError(
        "Covariates must not determine one another; "
        f"{len(found)} of {len(names)} columns break this ({'; '.join(parts[:5])}). "
        "Leave one of them out."
    )


def refuse_ill(X: Array, names: Sequence[str]) -> None:
    """Raise `InputError` where what varies drowns in the size of the columns."""
    if condition(X) > ILL:
        raise ill(X.std(axis=0), np.abs(X.mean(axis=0)), names)


def ill(spread: Array, mean: Array, names: Sequence[str]) -> InputError:
    """Return the error for columns too large for what varies in them.

    Parameters
    ----------
    spread, mean : array, shape (k,)
        Standard deviation and absolute mean of each column.
    names : sequence of str
    """
    far = [n for n, s, m in zip(names, spread, mean, strict=True) if 0 < s < m / 1e3]
    return InputError(
        "Columns must differ in digits that a computer keeps; the condition number of "
        f"{len(names)} columns is above {ILL:.0e} ({first(far or names)} vary least "
        "for their size). Subtract a round number near their mean, such as "
        "I(year - 2020), or leave one of two nearly equal columns out."
    )

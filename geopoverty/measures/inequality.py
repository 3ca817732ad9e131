"""The Gini coefficient with standard errors."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.errors import EstimationError, InputError
from geopoverty.measures.report import Measured, Term, income_notes, wrap_up
from geopoverty.measures.rows import Rows, Survey, gather
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.welfare import gini as gini_of
from geopoverty.registers.columns import Column
from geopoverty.results import Result


def gini(
    income: pd.Series,
    *,
    weight: pd.Series | None = None,
    by: pd.Series | pd.DataFrame | None = None,
    survey: Survey | None = None,
) -> Result:
    """Estimate the Gini coefficient of incomes.

    Parameters
    ----------
    income : Series, shape (n,)
        Indexed by household or person. Rows without an income are left out and
        counted. Zeros are fine; with negative incomes it may exceed 1, and the notes
        say so. Never modified.
    weight, by, survey
        See `headcount`.

    Returns
    -------
    Result
        ``estimates["gini"]``, 0 (all equal) to 1; ``units`` as of `headcount`.

    Raises
    ------
    InputError
        As `headcount`.
    EstimationError
        If mean income is not above 0.

    Notes
    -----
    Half the mean absolute difference between two people over the mean, as R's laeken
    (no factor n/(n - 1)): the same when every household is there twice. Variances are
    linearised (Osier 2009).

    References
    ----------
    Osier, G. (2009). Variance estimation for complex indicators of poverty and
    inequality using linearization techniques. Survey Research Methods 3, 167-195.

    Examples
    --------
    >>> gini(pd.Series([1.0, 3.0])).estimates.to_dict()
    {'gini': 0.25}
    """
    if isinstance(income, Column):
        raise InputError(
            "The Gini coefficient ranks all incomes, and a register is read in parts: "
            "it is not to be had there. Take a table in memory."
        )
    rows = gather(income, weight, by, survey)
    centre = float(rows.weight @ rows.income / rows.weight.sum())
    if not centre > 0:
        raise EstimationError(
            f"The Gini coefficient needs a mean above 0; that of '{rows.name}' is "
            f"{centre:g}. Check negative incomes."
        )
    rows.notes.extend([*income_notes(rows), *_poor_groups(rows)])
    options = {"weight": None if weight is None else weight.name}
    return wrap_up("gini", _terms(rows), rows, [], options)


def _terms(rows: Rows) -> Iterator[Term]:
    y, w = rows.income, rows.weight
    rising = np.argsort(y)
    whole = Measured(*gini_of(y, w, Groups(), rising))
    by_group = whole
    if rows.groups.codes is not None:
        by_group = Measured(*gini_of(y, w, rows.groups, rising))
    yield Term("gini", whole, by_group)


def _poor_groups(rows: Rows) -> list[str]:
    sums = rows.groups.sum(rows.weight * rows.income)
    without = np.flatnonzero(~(sums > 0))
    if not without.size:
        return []
    names = [rows.labels[i] for i in without]
    return [f"{len(names)} groups have no Gini: mean not above 0 ({first(names)})."]

"""How often each answer is given: counts and percentages."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.errors import InputError
from geopoverty.estimators.targeting.report import Term, estimate, ratio
from geopoverty.estimators.targeting.rows import (
    Rows,
    SurveyColumns,
    columns_of,
    gather,
)
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.types import Array

MISSING = "(missing)"
Labels = Mapping[Any, str]


def frequencies(
    data: pd.DataFrame,
    columns: str | Sequence[str],
    *,
    labels: Labels | None = None,
    survey: SurveyColumns | None = None,
) -> pd.DataFrame:
    """Count how often each answer is given, with per cent and intervals.

    Parameters
    ----------
    data : DataFrame, n rows
        One household a row. Never modified.
    columns : str or sequence of str
        Answers; each column gets its block of rows.
    labels : mapping, optional
        From answers to what they are called, such as ``{1: "yes", 2: "no"}``: sets the
        order, shows answers nobody gave, and refuses all others. Without it answers
        come in ascending order; a categorical column keeps its order.
    survey : SurveyColumns, optional
        Sampling weight, primary sampling units and strata.

    Returns
    -------
    DataFrame
        ``column``, ``value``, ``count`` (rows), ``population`` (sum of weights),
        ``percent`` (of all), ``valid_percent`` (of those who answered), ``cumulative``
        (valid per cent up to here), ``std_error, conf_low, conf_high`` (of the valid
        per cent). Missing answers stand in a row of their own, ``"(missing)"``.
        ``attrs``: title, status and notes.

    Raises
    ------
    InputError
        If a column is missing, nobody answered, an answer is not in `labels`, or
        weights are not above 0.

    Notes
    -----
    Intervals are Wilson's, with the effective number of rows under a survey design.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> homes = pd.DataFrame({"poor": [1, 1, 0, None]})
    >>> found = frequencies(homes, "poor", labels={1: "yes", 0: "no"})
    >>> found[["value", "count", "percent", "valid_percent"]].round(1).values.tolist()
    [['yes', 2, 50.0, 66.7], ['no', 1, 25.0, 33.3], ['(missing)', 1, 25.0, nan]]
    """
    names = columns_of(columns, "columns")
    if not names:
        raise InputError("frequencies needs at least one column.")
    rows = gather(data, names, survey=survey)
    out = pd.concat([_block(rows, name, labels) for name in names], ignore_index=True)
    missing = out.loc[out["value"].eq(MISSING), ["column", "count"]].to_numpy()
    notes = [f"{count} rows have no answer to '{name}'." for name, count in missing]
    out.attrs = rows.attrs("Frequencies", notes)
    return out


def _block(rows: Rows, name: str, labels: Labels | None) -> pd.DataFrame:
    column = rows.data[name]
    answered = column.notna().to_numpy(dtype=bool)
    if not answered.any():
        raise InputError(f"Nobody answered '{name}': all {len(column)} are missing.")
    levels = _levels(column, labels)
    terms = [_term(rows, column.eq(v).to_numpy(bool), answered, v) for v in levels]
    found = estimate(terms, rows, Groups())
    chosen = [column.eq(v).to_numpy(bool) for v in levels]
    named = [str(labels[v]) if labels is not None else v for v in levels]
    if not answered.all():
        chosen, named = [*chosen, ~answered], [*named, MISSING]
    weight = np.array([rows.weight[at].sum() for at in chosen])
    share = found["estimate"].to_numpy()
    table = pd.DataFrame(
        {
            "column": name,
            "value": pd.Series(named, dtype=object),
            "count": [int(at.sum()) for at in chosen],
            "population": weight,
            "percent": 100 * weight / rows.weight.sum(),
        }
    )
    valid = found.assign(valid_percent=share, cumulative=_running(share))
    for c in ("valid_percent", "cumulative", "std_error", "conf_low", "conf_high"):
        table[c] = 100 * valid[c]  # NaN for missing answers, the last row
    return table


def _term(rows: Rows, chosen: Array, answered: Array, value: Hashable) -> Term:
    top, below = chosen.astype(np.float64), answered.astype(np.float64)
    return Term(repr(value), lambda groups: ratio(top, below, rows.weight, groups))


def _running(share: Array) -> Array:
    total = np.cumsum(share)
    total[-1] = 1.0  # not 0.9999
    return np.asarray(total)


def _levels(column: pd.Series, labels: Labels | None) -> list[Any]:
    """Return answers in the order they are shown in."""
    if isinstance(column.dtype, pd.CategoricalDtype) and labels is None:
        return list(column.cat.categories)
    given = list(pd.unique(column.dropna()))
    if labels is None:
        return _sorted(given)
    unknown = [v for v in given if v not in labels]
    if unknown:
        raise InputError(
            f"'{column.name}' holds answers without a label: {first(unknown)}. Known "
            f"are {first(labels, 12)}. Correct them, or add to labels."
        )
    return list(labels)


def _sorted(values: list[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:  # numbers and texts in one column
        return sorted(values, key=lambda v: (isinstance(v, str), str(v)))

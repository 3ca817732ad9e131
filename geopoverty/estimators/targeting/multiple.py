"""Questions with several answers: per cent of answers and of households."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geopoverty._checks import require_option
from geopoverty.errors import InputError
from geopoverty.estimators.targeting.report import Term, estimate, ratio
from geopoverty.estimators.targeting.rows import (
    Rows,
    SurveyColumns,
    columns_of,
    gather,
)
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.types import Array, Mask

TOTAL = "(total)"


def multiple_response(
    data: pd.DataFrame,
    columns: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    cases: str = "chosen",
    survey: SurveyColumns | None = None,
) -> pd.DataFrame:
    """Count the answers to a question with several: of responses and of cases.

    Parameters
    ----------
    data : DataFrame, n rows
        One household a row. Never modified.
    columns : sequence of str
        A column of 0 and 1 an option, as `code_multiple` makes them.
    labels : mapping from column to str, optional
        What options are called.
    cases : {"chosen", "answered"}
        Whom per cent of cases are of: households that chose at least one option (as
        SPSS), or all that answered, "none of these" included.
    survey : SurveyColumns, optional
        Sampling weight, primary sampling units and strata.

    Returns
    -------
    DataFrame
        A row an option: ``option``, ``count`` (households that chose it),
        ``population`` (their weight), ``percent_of_responses`` (adds up to 100),
        ``percent_of_cases`` (adds up to more), and of the latter ``std_error``,
        ``conf_low``, ``conf_high`` (Wilson). The last row is the total. ``attrs``:
        title, status, notes, and ``n_cases``, ``n_left_out``.

    Raises
    ------
    InputError
        If a column is missing or not 0/1, nobody chose anything, or weights are not
        above 0.

    Notes
    -----
    An option without an answer, in a household that answered others, counts as not
    chosen. Without any answer the household is left out.

    Examples
    --------
    >>> homes = pd.DataFrame({"farm": [1, 1, 0], "wage": [1, 0, 0]})
    >>> found = multiple_response(homes, ["farm", "wage"])
    >>> kept = ["option", "count", "percent_of_responses", "percent_of_cases"]
    >>> found[kept].round(1).values.tolist()
    [['farm', 2, 66.7, 100.0], ['wage', 1, 33.3, 50.0], ['(total)', 3, 100.0, 150.0]]
    """
    require_option(cases, ("chosen", "answered"), "cases")
    names = columns_of(columns, "columns")
    if len(names) < 2:
        raise InputError("multiple_response needs two columns of 0 and 1 at least.")
    rows = gather(data, names, survey=survey)
    answers = np.column_stack([rows.yes_no(name) for name in names])
    chosen = np.nan_to_num(answers)
    if not chosen.any():
        raise InputError("Nobody chose an option: all columns are 0 or missing.")
    counted = np.asarray(chosen.any(axis=1))
    if cases == "answered":
        counted = np.asarray(~np.isnan(answers).all(axis=1))
    named = [str((labels or {}).get(name, name)) for name in names]
    out = _table(rows, chosen, counted, named)
    out.attrs = rows.attrs("Multiple responses", _notes(answers, counted, cases))
    out.attrs |= {"n_cases": int(counted.sum()), "n_left_out": int((~counted).sum())}
    return out


def _table(rows: Rows, chosen: Array, counted: Mask, named: list[str]) -> pd.DataFrame:
    base = counted.astype(np.float64)
    weighed = rows.weight @ chosen
    terms = [_term(rows, chosen[:, j], base, j) for j in range(chosen.shape[1])]
    found = estimate(terms, rows, Groups())
    table = pd.DataFrame(
        {
            "option": named,
            "count": chosen.sum(axis=0).astype(np.int64),
            "population": weighed,
            "percent_of_responses": 100 * weighed / weighed.sum(),
            "percent_of_cases": 100 * found["estimate"],
        }
    )
    for c in ("std_error", "conf_low", "conf_high"):
        table[c] = 100 * found[c]
    total = table[["count", "population", "percent_of_cases"]].sum()
    last = {"option": TOTAL, **total, "percent_of_responses": 100.0}
    out = pd.concat([table, pd.DataFrame([last])], ignore_index=True)
    return out.astype({"count": np.int64})


def _term(rows: Rows, top: Array, base: Array, j: int) -> Term:
    return Term(str(j), lambda groups: ratio(top, base, rows.weight, groups))


def _notes(answers: Array, counted: Mask, cases: str) -> list[str]:
    empty = np.asarray(np.isnan(answers).all(axis=1))
    some = np.asarray(np.isnan(answers).any(axis=1)) & ~empty
    notes = []
    if empty.any():
        notes.append(f"{int(empty.sum())} rows have no answer and are left out.")
    silent = int((~counted & ~empty).sum())
    if silent and cases == "chosen":
        notes.append(f"{silent} rows chose nothing and are no case.")
    if some.any():
        notes.append(
            f"{int(some.sum())} rows lack an answer to some options, which count as "
            "not chosen."
        )
    return notes

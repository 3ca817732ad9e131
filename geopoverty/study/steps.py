"""The steps from a table as it was read to the table of a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError

from geopoverty._checks import first, nearest_name, require, require_columns
from geopoverty.data.panel_exits import exits_from_panel
from geopoverty.design.evaluate import evaluate
from geopoverty.design.formula import names_in, parse_formula
from geopoverty.errors import InputError
from geopoverty.study.firms import FIRM_STEPS, firm_step
from geopoverty.study.schema import PERIOD, UNIT, Table
from geopoverty.study.typed import MISFIT, conform

MATRICES = frozenset(["C", "poly", "bs", "cr", "W", "L"])  # not one number a row

Catch = Callable[[str], Any]


def take_steps(
    table: pd.DataFrame,
    part: Table,
    others: Mapping[str, pd.DataFrame],
    catching: Catch,
    counties: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Return the table after the steps of its part of the study.

    Parameters
    ----------
    table : DataFrame
        As read. Never modified.
    part : Table
    others : mapping of str to DataFrame
        What may be joined, by name.
    catching : function
        From the key of a step to a context that collects its errors, so that a step
        after a bad one is still tried.
    counties : GeoDataFrame, optional
        The boundaries, for steps from firms to counties.

    Returns
    -------
    DataFrame
        With the ``attrs`` of `table`, or of the step from its firms.
    """
    table = _from_firms(table, part, counties, catching)
    attrs = dict(table.attrs)
    steps: list[tuple[str, Any, Callable[[pd.DataFrame, Any], pd.DataFrame]]] = [
        ("exits", part.exits, _exits),
        *(
            (f"join.{name}", columns, _join_of(name, others))
            for name, columns in part.join.items()
        ),
        *(
            (f"columns.{name}", text, _column_of(name))
            for name, text in part.columns.items()
        ),
        ("periods", part.periods, keep_periods),
        ("where", part.where, keep_where),
        ("complete", part.complete, _complete),
        ("average", part.average, _average_by(part.weight)),
        ("balanced", part.balanced, _balanced),
    ]
    for key, asked, step in steps:
        if asked not in (None, (), False):
            with catching(key):
                table = step(table, asked)
    table = table.reset_index(drop=True)
    table.attrs = {**table.attrs, **attrs}
    return table


def _from_firms(
    table: pd.DataFrame,
    part: Table,
    counties: gpd.GeoDataFrame | None,
    catching: Catch,
) -> pd.DataFrame:
    asked = [key for key in FIRM_STEPS if getattr(part, key) is not None]
    if len(asked) > 1:
        with catching(asked[1]):
            raise InputError(
                f"A table takes one step from firms; it has {' and '.join(asked)}. "
                "Make a table of each, and join them."
            )
    for key in asked[:1]:
        with catching(key):
            table = firm_step(key, getattr(part, key), table, counties)
    return table


def computed(expression: str, table: pd.DataFrame) -> pd.Series:
    """Return an expression of columns, missing where one of its columns is.

    Parameters
    ----------
    expression : str
        In the language of formulas: columns, numbers, ``+ - * / ** > >= < <= == !=
        & |`` and functions such as ``log(x)``. Names that are no plain words stand in
        backticks. A comparison is 1 or 0.
    table : DataFrame

    Returns
    -------
    Series
        A column as it is, or floats.

    Raises
    ------
    InputError
        If it cannot be parsed, names an unknown column, is not one number a row, or
        is infinite.

    Examples
    --------
    >>> table = pd.DataFrame({"rate": [25.0, 10.0, None]})
    >>> computed("rate >= 20", table).to_list()
    [1.0, 0.0, nan]
    """
    if expression in table.columns:
        return table[expression]
    _check(expression, table)
    names = names_in(expression) & {str(c) for c in table.columns}
    known = table[sorted(names)].notna().all(axis=1) if names else True
    try:
        values = evaluate(expression, table)
    except (FormulaicError, TypeError, ValueError) as error:
        raise InputError(
            f"'{expression}' cannot be computed ({_cause(error)}). Compare "
            "text with text and numbers with numbers, and join conditions with & and "
            "|, each in brackets: (x > 1) & (y < 2)."
        ) from error
    values = values.where(known)
    require(
        ~np.isinf(values.to_numpy()),
        f"'{expression}' must be finite",
        ids=table.get(UNIT, table.index),
        way_out="Leave such rows out, or keep the logarithm from 0: log(x + 1).",
    )
    return values


def keep_periods(table: pd.DataFrame, periods: Sequence[Any]) -> pd.DataFrame:
    """Return the rows of some periods.

    Raises
    ------
    InputError
        If there is no column of periods, or a period is not in it.

    Examples
    --------
    >>> keep_periods(pd.DataFrame({"period": [1980, 1990]}), (1990,))
       period
    1    1990
    """
    require_columns(table, [PERIOD], "periods")
    there = table[PERIOD].unique().tolist()
    absent = [p for p in periods if p not in there]
    if absent:
        raise InputError(
            f"The table has no period {first(absent)}. It has: {first(there, 12)}."
        )
    return table[table[PERIOD].isin(periods)]


def keep_where(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Return the rows for which a condition holds; where it is missing, it does not.

    Raises
    ------
    InputError
        As `computed`, or if no row is left.

    Examples
    --------
    >>> keep_where(pd.DataFrame({"rate": [25.0, 10.0, None]}), "rate > 20")
       rate
    0  25.0
    """
    holds = computed(condition, table)
    if not pd.api.types.is_numeric_dtype(holds):
        raise InputError(
            f"where must be a condition; '{condition}' is text. Compare it: "
            f"{condition} == 'this'."
        )
    kept = table[holds.fillna(0).ne(0)]
    if kept.empty:
        raise InputError(f"No row is left where {condition}. Check the condition.")
    return kept


def _check(expression: str, table: pd.DataFrame) -> None:
    if "~" in expression or not expression.strip():
        raise InputError(
            f"'{expression}' must be an expression of columns, such as 'log(income)'; "
            "'~' belongs into the formula of a model."
        )
    matrices = sorted(names_in(expression) & MATRICES - {str(c) for c in table})
    if matrices:
        raise InputError(
            f"'{expression}' uses {first(matrices)}, which stands in the formula of a "
            "model only."
        )
    try:
        parse_formula(f"{expression.strip()} ~ 1", table.columns, outcome=True)
    except InputError as error:
        said = str(error).replace(f"{expression.strip()} ~ 1", expression.strip())
        raise InputError(said.replace("The formula", "The expression")) from None


def _cause(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:120]


def _column_of(name: str) -> Callable[[pd.DataFrame, str], pd.DataFrame]:
    def step(table: pd.DataFrame, expression: str) -> pd.DataFrame:
        if name in (UNIT, PERIOD):
            raise InputError(f"'{name}' keys the table and cannot be computed.")
        return table.assign(**{name: computed(expression, table)})

    return step


def _join_of(
    name: str, others: Mapping[str, pd.DataFrame]
) -> Callable[[pd.DataFrame, Sequence[str]], pd.DataFrame]:
    def step(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        return _joined(table, others[name], name, columns)

    return step


def _joined(
    table: pd.DataFrame, other: pd.DataFrame, name: str, columns: Sequence[str]
) -> pd.DataFrame:
    if other.index.name == UNIT and UNIT not in other.columns:
        other = other.reset_index()
    require_columns(table, [UNIT], "join")
    require_columns(other, [UNIT, *columns], f"The table '{name}'")
    taken = [c for c in columns if c in table.columns]
    if taken:
        raise InputError(
            f"The table has {first(taken)} already. Leave it out of the join."
        )
    keys = [UNIT]
    if PERIOD in other and PERIOD in table and other[UNIT].duplicated().any():
        keys = [UNIT, PERIOD]
    twice = other.loc[other.duplicated(keys), UNIT].unique()
    if len(twice):
        raise InputError(
            f"'{name}' must have one row a {' and '.join(keys)} to be joined; "
            f"{len(twice)} units have more ({first(twice)}). Make a table of one "
            "period first."
        )
    return table.merge(
        pd.DataFrame(other[[*keys, *columns]]), on=keys, how="left", validate="m:1"
    )


def _exits(table: pd.DataFrame, asked: Mapping[str, Any]) -> pd.DataFrame:
    known = ("rate", "line", "everyone")
    for key in asked:
        if key not in known:
            raise InputError(
                f"exits has no key '{key}'.{nearest_name(key, known)} It has: "
                f"{', '.join(known)}."
            )
    rate, line = asked.get("rate"), conform(asked.get("line"), float)
    if not isinstance(rate, str) or line is MISFIT:
        raise InputError(
            "exits needs rate (a column) and line (a number): "
            "exits = {rate = 'family_poverty_rate', line = 20}."
        )
    return exits_from_panel(
        table,
        rate=rate,
        line=line,
        everyone=asked.get("everyone", False) is True,
    )


def _complete(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    require_columns(table, columns, "complete")
    kept = table[table[list(columns)].notna().all(axis=1)]
    if kept.empty:
        raise InputError(f"No row has all of {first(columns)}.")
    return kept


def _average_by(
    weight: str | None,
) -> Callable[[pd.DataFrame, Sequence[str]], pd.DataFrame]:
    def step(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        require_columns(
            table, [UNIT, *columns, *([weight] if weight else [])], "average"
        )
        keys = [UNIT, PERIOD] if PERIOD in table else [UNIT]
        weights = _weights(table, weight)
        means = {"rows": table.groupby(keys).size()}
        for column in columns:
            if not pd.api.types.is_numeric_dtype(table[column]):
                raise InputError(
                    f"Only numbers have a mean; '{column}' is {table[column].dtype}. "
                    "Make a number of it under columns first."
                )
            # Rows without a value count for nothing.
            counted = weights.where(table[column].notna(), 0.0)
            sums = pd.DataFrame({"s": table[column].fillna(0) * counted, "w": counted})
            by_key = sums.groupby([table[k] for k in keys]).sum()
            means[column] = by_key["s"] / by_key["w"].where(by_key["w"] > 0)
        return pd.DataFrame(means).reset_index()

    return step


def _weights(table: pd.DataFrame, weight: str | None) -> pd.Series:
    if weight is None:
        return pd.Series(1.0, index=table.index)
    values = pd.to_numeric(table[weight], errors="coerce").astype(float)
    require(
        (values >= 0).to_numpy() & np.isfinite(values.to_numpy()),
        f"The weight '{weight}' must be a number of at least 0",
        ids=table[UNIT],
        way_out="Fill or drop these rows: complete, where.",
    )
    return values


def _balanced(table: pd.DataFrame, _: bool) -> pd.DataFrame:
    require_columns(table, [UNIT, PERIOD], "balanced")
    count = table.groupby(UNIT)[PERIOD].transform("nunique")
    kept = table[count == table[PERIOD].nunique()]
    if kept.empty:
        raise InputError("No unit is there in every period.")
    return kept

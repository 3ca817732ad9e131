"""From formula and table to the arrays an estimator works on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns
from geopoverty.design.columns import refuse_collinear
from geopoverty.design.complete import complete_rows
from geopoverty.design.evaluate import evaluate, right_side
from geopoverty.design.formula import ParsedFormula, Term, parse_formula, terms_of
from geopoverty.design.lagged import Lagged, lag_columns
from geopoverty.design.lags import Source, Weights
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Mask


@dataclass(frozen=True)
class Roles:
    """Which columns play which part, besides those of the formula.

    Attributes
    ----------
    unit, period : str or None
        Columns (or the index) that name the unit and the period of a row.
    others : tuple of str
        Columns that must be there and not missing, such as clusters.
    entity : str or None
        Column of those whose earlier values ``L(x)`` takes, such as households
        within units; None is the unit.
    """

    unit: str | None = None
    period: str | None = None
    others: tuple[str, ...] = ()
    entity: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return tuple(k for k in (self.unit, self.period, self.entity) if k)


@dataclass(frozen=True, eq=False, repr=False)
class Design:
    """What an estimator works on.

    Attributes
    ----------
    formula : ParsedFormula
    y : array, shape (n,)
        The outcome; empty when the formula has none.
    X : array, shape (n, k), C order
    names : list of str
    terms : list of (Term, list of int)
        Each term with its columns.
    rows : DataFrame, n rows
        The rows used, lags included, indexed as the user's table.
    dropped : int
        Rows left out because a value is missing.
    row_sums : array, shape (n,), or None
        Each row's sum of spatial weights, when there are lags.
    notes : tuple of str
    """

    formula: ParsedFormula
    y: Array
    X: Array
    names: list[str]
    terms: list[tuple[Term, list[int]]]
    rows: pd.DataFrame
    dropped: int
    row_sums: Array | None
    notes: tuple[str, ...]


def build_design(
    formula: str,
    data: pd.DataFrame,
    *,
    roles: Roles,
    outcome: bool = True,
    weights: Weights | None = None,
    unit_data: pd.DataFrame | None = None,
    intercept: bool = True,
    collinear: bool = False,
) -> Design:
    """Turn formula and table into outcome, design matrix and names.

    Parameters
    ----------
    formula : str
    data : DataFrame
        One row an observation; never modified.
    roles : Roles
    outcome : bool
        Whether the formula has a left side.
    weights : SpatialWeights, optional
        Needed by ``W(x)``.
    unit_data : DataFrame, optional
        A table of units (and periods) from which ``W(x)``, ``L(x)`` and columns
        that `data` lacks are taken, joined by key.
    intercept : bool
        Whether a constant belongs to the model.
    collinear : bool
        Whether columns may determine one another, as in rows to predict.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        For unknown columns, missing keys, values that are not finite, columns
        that determine one another, or no complete row.
    """
    rows = _with_unit_column(_table(data, "data"), roles.unit)
    extra = None
    if unit_data is not None:
        extra = _with_unit_column(_table(unit_data, "unit_data"), roles.unit)
    known = {*map(str, rows.columns), *map(str, [] if extra is None else extra.columns)}
    parsed = parse_formula(formula, known, outcome=outcome)
    _check_roles(rows, roles, parsed, weights)
    rows, notes, lagged = _with_lags(rows, extra, roles, parsed, weights)
    kept = _complete(rows, parsed, roles)
    dropped = int((~kept).sum())
    if dropped:
        notes.append(_dropped_note(rows[~kept], parsed))
        rows = rows[kept]
    sums = None if lagged.row_sums is None else lagged.row_sums[kept]
    made = assembled(parsed, rows, sums, outcome=outcome, intercept=intercept)
    if not collinear:
        refuse_collinear(made.X, made.names)
    return replace(made, dropped=dropped, notes=tuple(notes))


def assembled(
    parsed: ParsedFormula,
    rows: pd.DataFrame,
    row_sums: Array | None,
    *,
    outcome: bool = True,
    intercept: bool = True,
) -> Design:
    """Evaluate a formula on rows that are complete, lags included.

    Parameters
    ----------
    parsed : ParsedFormula
    rows : DataFrame, n rows
    row_sums : array, shape (n,), or None
    outcome, intercept : bool
        See `build_design`.

    Raises
    ------
    InputError
        If a value is not finite, or there is no covariate.
    """
    y = np.zeros(0)
    if outcome:
        y = evaluate(parsed.outcome, rows).to_numpy()
        _require_finite(y, f"The outcome '{parsed.outcome}'", rows.index)
    X, names, columns = right_side(parsed.right, rows)
    terms = list(zip(terms_of(parsed.right), columns, strict=True))
    if not intercept:
        X, names, terms = _without_intercept(X, names, terms)
    if not names:
        raise InputError(f"'{parsed.text}' has no covariate. Name at least one.")
    return Design(parsed, y, X, names, terms, rows, 0, row_sums, ())


def columns_of_table(
    expressions: Sequence[str],
    data: pd.DataFrame,
    *,
    roles: Roles,
    weights: Weights | None = None,
    unit_data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Evaluate expressions in every row of a table, missing values kept.

    Parameters
    ----------
    expressions : sequence of str
        As in a formula: ``"log(jobs)"``, ``"W(jobs)"``, ``"L(jobs, 2)"``.
    data, roles, weights, unit_data
        As in `build_design`.

    Returns
    -------
    DataFrame, n rows
        A column an expression, then the columns of `roles`; in the order of `data`.

    Raises
    ------
    InputError
        If an expression is not numeric, is a category, or uses what is not there.
    """
    rows = _with_unit_column(_table(data, "data"), roles.unit)
    extra = None
    if unit_data is not None:
        extra = _with_unit_column(_table(unit_data, "unit_data"), roles.unit)
    known = {*map(str, rows.columns), *map(str, [] if extra is None else extra.columns)}
    out: dict[str, Array] = {}
    table = rows
    for text in expressions:
        parsed = parse_formula(f"0 + {text}", known, outcome=False)
        _check_roles(rows, roles, parsed, weights)
        used = weights if parsed.lags else None
        table, _, _ = _with_lags(rows, extra, roles, parsed, used)
        terms = [t.factors for t in terms_of(parsed.right)]
        if len(terms) != 1 or len(terms[0]) != 1:
            raise InputError(f"'{text}' must be one term. Name each by itself.")
        out[text] = evaluate(terms[0][0], table).to_numpy()
    keys = {k: table[k].to_numpy() for k in (*roles.keys, *roles.others)}
    return pd.DataFrame({**out, **keys}, index=rows.index)


def _with_lags(
    rows: pd.DataFrame,
    extra: pd.DataFrame | None,
    roles: Roles,
    parsed: ParsedFormula,
    weights: Weights | None,
) -> tuple[pd.DataFrame, list[str], Lagged]:
    """Join columns of units, add lags, and keep only the columns that count."""
    if extra is not None:
        rows = _joined(rows, extra, roles, parsed)
    used = {*parsed.columns, *parsed.lagged_columns, *roles.others, *roles.keys}
    rows = rows[[c for c in rows.columns if c in used]]
    notes = []
    if weights is not None and not parsed.lags:
        notes = ["Weights were given, but the formula has no W(x) to use them."]
    if not parsed.order:
        return rows, notes, Lagged({}, None, [])
    lagged = lag_columns(parsed, _sources(rows, extra, roles), rows, weights)
    rows = rows.copy(deep=False)  # new columns are added to it, none is changed
    for name, values in lagged.columns.items():
        rows[name] = values
    return rows, [*notes, *lagged.notes], lagged


def _dropped_note(rows: pd.DataFrame, parsed: ParsedFormula) -> str:
    """Say how many rows were left out, and how many of them L(x) cost."""
    late = [n for n in parsed.earlier if n in parsed.outer]
    early = int(rows[late].isna().any(axis=1).sum()) if late else 0
    without = f" ({early:,} of them without a value of {first(late)})" if early else ""
    return f"{len(rows):,} rows with a missing value were left out{without}."


def _table(data: Any, name: str) -> pd.DataFrame:
    if not isinstance(data, pd.DataFrame):
        raise InputError(f"{name} must be a DataFrame; got {type(data).__name__}.")
    if not len(data):
        raise InputError(f"{name} must have rows; it is empty.")
    if data.columns.has_duplicates:
        twice = data.columns[data.columns.duplicated()]
        raise InputError(
            f"{name} must name each column once; {first(twice)} stands more than once. "
            "Rename or drop it."
        )
    return data


def _with_unit_column(table: pd.DataFrame, unit: str | None) -> pd.DataFrame:
    if unit is not None and unit not in table.columns and table.index.name == unit:
        table = table.assign(**{unit: table.index})
    # pandas refuses a name that stands for both the index and a column.
    return table.rename_axis(None) if table.index.name in table.columns else table


def _check_roles(
    rows: pd.DataFrame, roles: Roles, parsed: ParsedFormula, weights: Weights | None
) -> None:
    if parsed.lags and weights is None:
        raise InputError(
            f"{next(iter(parsed.lags))} needs spatial weights. Pass weights=, such as "
            "travel_weights(times, cutoff=120)."
        )
    if parsed.earlier and roles.period is None:
        raise InputError(
            f"{next(iter(parsed.earlier))} needs periods, to know which value is "
            "earlier. Name their column in period=."
        )
    needed = list(roles.others)
    if parsed.order and roles.unit is not None:
        needed.append(roles.unit)
    needed += [k for k in (roles.period, roles.entity) if k is not None]
    require_columns(rows, needed, "data")


def _joined(
    rows: pd.DataFrame, extra: pd.DataFrame, roles: Roles, parsed: ParsedFormula
) -> pd.DataFrame:
    """Join by key the columns that only the table of units has."""
    keys = [k for k in (roles.unit, roles.period) if k is not None and k in extra]
    require_columns(extra, [roles.unit] if roles.unit else [], "unit_data")
    repeats = extra.duplicated(keys)
    require(
        ~repeats.to_numpy(),
        f"unit_data must have one row for each {' and '.join(keys)}",
        ids=extra[keys[0]].to_numpy(),
        way_out="Drop or merge the repeats, or name the period column in period=.",
    )
    wanted = [c for c in parsed.columns if c not in rows.columns]
    if not wanted:
        return rows
    right = extra[[*keys, *wanted]]
    joined = rows[keys].merge(right, on=keys, how="left", indicator=True)
    require(
        (joined["_merge"] == "both").to_numpy(),
        f"Every row's {' and '.join(keys)} must be in unit_data",
        ids=rows[keys[0]].to_numpy(),
        way_out="Add these units to unit_data, or drop their rows.",
    )
    return rows.assign(**{c: joined[c].to_numpy() for c in wanted})


def _sources(
    rows: pd.DataFrame, extra: pd.DataFrame | None, roles: Roles
) -> list[Source]:
    """Return the tables to lag from, the first that has a column first."""
    unit = roles.unit or "unit_id"
    own = Source(rows, unit, roles.period, "The rows", roles.entity)
    if extra is None:
        return [own]
    period = roles.period if roles.period in extra.columns else None
    return [Source(extra, unit, period, "unit_data"), own]


def _complete(rows: pd.DataFrame, parsed: ParsedFormula, roles: Roles) -> Mask:
    """Return which rows have every value the model needs; refuse infinities."""
    needed = {*parsed.columns, *parsed.outer, *roles.others, *roles.keys}
    table = rows[[c for c in rows.columns if c in needed]]
    kept = complete_rows(table)
    if not kept.any():
        empty = [c for c in table.columns if table[c].isna().all()]
        raise InputError(
            "No row is complete: every one has a missing value"
            f"{f' ({first(empty)} is missing throughout)' if empty else ''}. Check "
            "how the tables were joined."
        )
    return kept


def _require_finite(values: Array, what: str, ids: pd.Index) -> None:
    require(
        np.isfinite(values),
        f"{what} must be finite",
        ids=ids,
        way_out="Drop these rows, or transform the column differently.",
    )


def _without_intercept(
    X: Array, names: list[str], terms: list[tuple[Term, list[int]]]
) -> tuple[Array, list[str], list[tuple[Term, list[int]]]]:
    if "Intercept" not in names:
        return X, names, terms
    at = names.index("Intercept")
    kept = [j for j in range(len(names)) if j != at]
    moved = {old: new for new, old in enumerate(kept)}
    return (
        np.ascontiguousarray(X[:, kept]),
        [names[j] for j in kept],
        [(t, [moved[j] for j in js]) for t, js in terms if js != [at]],
    )

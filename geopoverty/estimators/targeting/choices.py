"""Answers that name several things: all that apply, or an order of importance."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, nearest_name, require
from geopoverty.errors import InputError
from geopoverty.estimators.targeting.coding import Code
from geopoverty.estimators.targeting.rows import table_attrs
from geopoverty.numerics.types import Array


def code_multiple(
    answers: pd.Series,
    *,
    separator: str = ";",
    options: Mapping[str, str] | Sequence[str] | None = None,
    none: str | None = None,
) -> pd.DataFrame:
    """Code answers that tick all that apply as one column of 0 and 1 an option.

    Parameters
    ----------
    answers : Series of str, shape (n,)
        Such as ``"farming;wages"``. Spaces around an option do not matter. Never
        modified.
    separator : str
        What stands between options.
    options : sequence of str, or mapping from code to column name, optional
        What may be ticked, in the order of the columns: then options nobody ticks are
        columns too, and others are refused. When not given: whatever is found.
    none : str, optional
        What says that nothing applies: such a row is 0 in all columns.

    Returns
    -------
    DataFrame, n rows
        1.0 or 0.0; NaN in all columns where there is no answer. ``attrs`` as the
        answers.

    Raises
    ------
    InputError
        If an option is unknown, or stands twice in one answer.

    Examples
    --------
    >>> code_multiple(pd.Series(["farm; wage", "wage", None])).to_dict("list")
    {'farm': [1.0, 0.0, nan], 'wage': [1.0, 1.0, nan]}
    """
    ticked = _split(answers, separator)
    found = dict.fromkeys(o for row in ticked for o in row or () if o != none)
    names = _option_names(options, list(found))
    unknown = [o for o in found if o not in names]
    if unknown:
        hint = nearest_name(unknown[0], names)
        raise InputError(
            f"'{answers.name}' may hold {first(names, 12)}; found also "
            f"{first(unknown)}.{hint} Correct the answers, or add to options."
        )
    place = {code: j for j, code in enumerate(names)}
    table = np.zeros((len(answers), len(names)))
    for i, row in enumerate(ticked):
        table[i] = np.nan if row is None else 0.0
        table[i, [place[o] for o in row or () if o != none]] = 1.0
    out = pd.DataFrame(table, index=answers.index, columns=list(names.values()))
    out.attrs = dict(answers.attrs)
    return out


def _option_names(
    options: Mapping[str, str] | Sequence[str] | None, found: list[str]
) -> dict[str, str]:
    """Return columns by code."""
    if isinstance(options, Mapping):
        return {str(k): str(v) for k, v in options.items()}
    return {o: o for o in (sorted(found) if options is None else options)}


def _split(answers: pd.Series, separator: str) -> list[list[str] | None]:
    """Return what each answer names, None where there is none."""
    if not isinstance(answers, pd.Series):
        raise InputError(f"answers must be a Series; got {type(answers).__name__}.")
    if not separator:
        raise InputError("separator must not be empty.")
    texts = answers.map(lambda v: v if isinstance(v, str) else "", na_action=None)
    require(
        (answers.isna() | answers.map(lambda v: isinstance(v, str))).to_numpy(bool),
        f"'{answers.name}' must be text, such as 'a{separator} b'",
        ids=answers.index,
        way_out="Convert it: answers.astype(str).",
    )
    rows = [[o.strip() for o in t.split(separator) if o.strip()] for t in texts]
    require(
        np.array([len(set(row)) == len(row) for row in rows], dtype=bool),
        f"'{answers.name}' must name each option once",
        ids=answers.index,
        way_out="Correct these answers.",
    )
    return [row or None for row in rows]


def code_ranked(
    answers: pd.Series | pd.DataFrame,
    *,
    separator: str = ">",
    options: Sequence[str] | None = None,
    missing: Code | Sequence[Code] = (),
) -> pd.DataFrame:
    """Code answers that order things by importance: 1 is the first.

    Parameters
    ----------
    answers : DataFrame or Series of str
        A column an option with its rank in each row (1 the first), or texts that list
        options in their order, such as ``"funds > labour"``. Not all need be ranked.
        Never modified.
    separator : str
        What stands between options in texts.
    options : sequence of str, optional
        What texts may name, in the order of the columns; whatever is found if not
        given.
    missing : number or sequence of these
        What stands for not ranked, such as -2.

    Returns
    -------
    DataFrame, n rows
        Ranks 1, 2, ..., NaN where not ranked; a column an option.

    Raises
    ------
    InputError
        If ranks are no whole numbers from 1, or a row repeats one or leaves one out.

    Examples
    --------
    >>> code_ranked(pd.Series(["funds > labour", "labour"])).to_dict("list")
    {'funds': [1.0, nan], 'labour': [2.0, 1.0]}
    >>> given = pd.DataFrame({"funds": [1, -2], "labour": [2, 1]})
    >>> code_ranked(given, missing=-2).to_dict("list")
    {'funds': [1.0, nan], 'labour': [2.0, 1.0]}
    """
    if isinstance(answers, pd.DataFrame):
        ranks = _rank_numbers(answers, missing)
    else:
        ranks = _rank_texts(answers, separator, options)
    values = ranks.to_numpy()
    count = np.sum(~np.isnan(values), axis=1)
    rows = [sorted(row[~np.isnan(row)]) for row in values]
    require(
        np.array(
            [row == list(range(1, n + 1)) for row, n in zip(rows, count, strict=True)]
        ),
        "Each row must rank 1, 2, ... once each",
        ids=ranks.index,
        way_out="Correct ranks that repeat or are left out; name what stands for not "
        "ranked (missing=).",
    )
    ranks.attrs = dict(answers.attrs)
    return ranks


def _rank_numbers(answers: pd.DataFrame, missing: Any) -> pd.DataFrame:
    numbers = answers.apply(pd.to_numeric, errors="coerce").astype(np.float64)
    absent = [missing] if np.isscalar(missing) else list(missing)
    unknown = numbers.isna() & answers.notna() & ~answers.isin(absent)
    numbers = numbers.mask(answers.isin(absent))
    whole = numbers.isna() | ((numbers >= 1) & (numbers == numbers.round()))
    require(
        (whole & ~unknown).all(axis=1).to_numpy(bool),
        "Ranks must be whole numbers from 1",
        ids=answers.index,
        way_out="Correct them, or name what stands for not ranked (missing=).",
    )
    return numbers


def _rank_texts(
    answers: pd.Series, separator: str, options: Sequence[str] | None
) -> pd.DataFrame:
    orders = _split(answers, separator)
    found = sorted({o for row in orders for o in row or ()})
    names = list(found if options is None else options)
    unknown = [o for o in found if o not in names]
    if unknown:
        raise InputError(
            f"'{answers.name}' may name {first(names, 12)}; found also "
            f"{first(unknown)}.{nearest_name(unknown[0], names)} Correct the answers, "
            "or add to options."
        )
    table: Array = np.full((len(answers), len(names)), np.nan)
    for i, row in enumerate(orders):
        for rank, option in enumerate(row or (), start=1):
            table[i, names.index(option)] = rank
    return pd.DataFrame(table, index=answers.index, columns=names)


def rank_table(ranks: pd.DataFrame) -> pd.DataFrame:
    """Count how often each option is ranked where.

    Parameters
    ----------
    ranks : DataFrame
        As `code_ranked` returns it. Rows that rank nothing are left out and counted.

    Returns
    -------
    DataFrame
        A row an option: ``option``, ``first`` (rows that rank it first),
        ``percent_first`` (of rows that rank anything), ``ranked`` (rows that rank it at
        all), ``mean_rank`` (where ranked), ``borda`` (0 to 1: the mean share of the
        other options that it is placed before; unranked ones share the last places).
        ``attrs``: title, status, notes.

    Raises
    ------
    InputError
        If there are fewer than two options, or no row ranks anything.

    References
    ----------
    Emerson, P. (2013). The original Borda count and partial voting. Social Choice and
    Welfare 40, 353-358.

    Examples
    --------
    >>> ranks = pd.DataFrame({"funds": [1.0, 1.0], "labour": [2.0, np.nan]})
    >>> rank_table(ranks)[["option", "first", "borda"]].values.tolist()
    [['funds', 2, 1.0], ['labour', 0, 0.0]]
    """
    values = ranks.to_numpy(np.float64)
    answered = ~np.isnan(values).all(axis=1)
    if values.shape[1] < 2 or not answered.any():
        raise InputError(
            "rank_table needs at least two options, and a row that ranks any; got "
            f"{values.shape[1]} options and {int(answered.sum())} such rows."
        )
    own, m = values[answered], values.shape[1]
    placed = ~np.isnan(own)
    count = placed.sum(axis=1, keepdims=True)
    place = np.where(placed, own, (count + 1 + m) / 2)
    on_top = (own == 1).sum(axis=0)
    times = placed.sum(axis=0)
    sums = np.where(placed, own, 0.0).sum(axis=0)
    table = pd.DataFrame(
        {
            "option": list(ranks.columns),
            "first": on_top,
            "percent_first": 100 * on_top / len(own),
            "ranked": times,
            "mean_rank": np.where(times > 0, sums / np.maximum(times, 1), np.nan),
            "borda": ((m - place) / (m - 1)).mean(axis=0),
        }
    )
    left_out = int((~answered).sum())
    notes = [f"{left_out} rows rank nothing and are left out."] if left_out else []
    table.attrs = table_attrs("Ranked answers", ranks, notes)
    return table

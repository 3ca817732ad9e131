"""Answers of a questionnaire as numbers: yes or no, and scales of agreement."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_option
from geopoverty.errors import InputError
from geopoverty.estimators.targeting.rows import table_attrs
from geopoverty.numerics.types import Array

Answers = TypeVar("Answers", pd.Series, pd.DataFrame)
Code: TypeAlias = Any  # an answer as it is written: a text or a number


def plain(value: Code) -> Code:
    r"""Return an answer as it is compared: texts without case, width, outer spaces.

    Examples
    --------
    >>> plain(" Yes "), plain("\uff11"), plain(1), plain(True)
    ('yes', '1', 1, '(true)')
    """
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).strip().casefold()
    if isinstance(value, bool | np.bool_):
        return "(true)" if value else "(false)"  # to Python, True is 1
    return value.item() if isinstance(value, np.generic) else value


def as_tuple(values: Code | Sequence[Code]) -> tuple[Code, ...]:
    """Return one or several answers as a tuple.

    Examples
    --------
    >>> as_tuple("yes"), as_tuple([1, 2])
    (('yes',), (1, 2))
    """
    single = isinstance(values, str) or not isinstance(values, Sequence | set)
    return (values,) if single else tuple(values)


@dataclass(frozen=True)
class YesNo:
    """How yes and no are written.

    Attributes
    ----------
    yes, no : text, number or tuple of these
        Texts are compared without regard to case, width and outer spaces.

    Examples
    --------
    >>> YesNo(1, 2).yes, YesNo(("ja", "j"), "nein").no
    ((1,), ('nein',))
    """

    yes: Code = ()
    no: Code = ()

    def __post_init__(self) -> None:
        for name in ("yes", "no"):
            object.__setattr__(self, name, as_tuple(getattr(self, name)))
        both = {plain(v) for v in self.yes} & {plain(v) for v in self.no}
        if both or not self.yes or not self.no:
            why = (
                f"both hold {first(sorted(map(str, both)))}" if both else "one is empty"
            )
            raise InputError(f"YesNo needs different answers for yes and no; {why}.")


# No language is guessed: the same letters mean yes in one and no in another.
SPELLINGS: Mapping[str, YesNo] = {
    "english": YesNo(("yes", "y", "true"), ("no", "n", "false")),
    "chinese": YesNo(
        ("是", "有", "参加", "愿意"), ("否", "不是", "没有", "无", "不参加", "不愿意")
    ),
    "spanish": YesNo(("sí", "si", "s"), ("no", "n")),
    "french": YesNo(("oui", "o"), ("non", "n")),
    "portuguese": YesNo(("sim", "s"), ("não", "nao", "n")),
    "vietnamese": YesNo(("có", "co"), ("không", "khong")),
    "numbers": YesNo((1, "1"), (0, "0")),
}


def code_yes_no(
    answers: Answers,
    *,
    spellings: str | YesNo = "english",
    missing: Code | Sequence[Code] = (),
) -> Answers:
    """Code answers of yes and no as 1 and 0.

    Parameters
    ----------
    answers : Series or DataFrame
        As written: texts or numbers. Never modified.
    spellings : str or YesNo
        A language ("english", "chinese", "spanish", "french", "portuguese",
        "vietnamese"), ``"numbers"`` (1 and 0), or one's own: ``YesNo(1, 2)``. True and
        False always count. No language is guessed.
    missing : text, number or sequence of these
        What stands for no answer, such as -2 or "refused". Empty cells and empty
        texts are missing anyway.

    Returns
    -------
    Series or DataFrame
        1.0, 0.0 or NaN, with the index, names and ``attrs`` of `answers`.

    Raises
    ------
    InputError
        If an answer is none of these; they are listed.

    Examples
    --------
    >>> code_yes_no(pd.Series(["Yes", " no", None])).tolist()
    [1.0, 0.0, nan]
    >>> code_yes_no(pd.Series(["是", "否"]), spellings="chinese").tolist()
    [1.0, 0.0]
    >>> code_yes_no(pd.Series([1, 2, -2]), spellings=YesNo(1, 2), missing=-2).tolist()
    [1.0, 0.0, nan]
    """
    if isinstance(spellings, str):
        require_option(spellings, tuple(SPELLINGS), "spellings")
    how: Any = SPELLINGS[spellings] if isinstance(spellings, str) else spellings
    if not isinstance(how, YesNo):
        raise InputError(
            f"spellings must be a language or YesNo(yes, no); got {spellings!r}."
        )
    known = {plain(v): 1.0 for v in (True, *how.yes)}
    known |= {plain(v): 0.0 for v in (False, *how.no)}
    listed = ", ".join(map(str, (*how.yes, *how.no)))
    way_out = (
        f"Known are: {listed}. Name the spellings (spellings=YesNo(yes, no)), or what "
        "stands for no answer (missing=)."
    )
    return _coded(answers, known, as_tuple(missing), ("yes or no", way_out))


def code_likert(
    answers: Answers,
    *,
    low: int = 1,
    high: int = 5,
    reverse: bool | Sequence[str] = False,
    labels: Mapping[Code, int] | None = None,
    missing: Code | Sequence[Code] = (),
) -> Answers:
    """Code answers on a scale, such as 1 (know nothing) to 5 (know well).

    Parameters
    ----------
    answers : Series or DataFrame
        Whole numbers, or texts where `labels` are given. Never modified.
    low, high : int
        The ends of the scale.
    reverse : bool or sequence of str
        Turn the scale around (low + high - answer), for items that ask the opposite:
        all, or the columns named.
    labels : mapping, optional
        From answers as written to scores, such as ``{"very little": 1, ...}``.
    missing : text, number or sequence of these
        What stands for no answer, such as 9 or -2.

    Returns
    -------
    Series or DataFrame
        Scores, NaN where missing, with index, names and ``attrs`` of `answers`.

    Raises
    ------
    InputError
        If a score is no whole number from `low` to `high`, or an answer is unknown.

    References
    ----------
    Likert, R. (1932). A technique for the measurement of attitudes. Archives of
    Psychology 140.

    Examples
    --------
    >>> code_likert(pd.Series([1, 5, 9]), missing=9).tolist()
    [1.0, 5.0, nan]
    >>> code_likert(pd.Series([1, 5, 2]), reverse=True).tolist()
    [5.0, 1.0, 4.0]
    """
    if not low < high:
        raise InputError(f"low must be below high; got {low} and {high}.")
    turned = _turned(answers, reverse)
    if labels is not None:
        known = {plain(k): float(v) for k, v in labels.items()}
        way_out = f"Known are: {', '.join(map(str, labels))}. Add it to labels."
        answers = _coded(answers, known, as_tuple(missing), ("on the scale", way_out))
    absent = {plain(v) for v in as_tuple(missing)} if labels is None else set()

    def score(column: pd.Series) -> pd.Series:
        found = _scores(column, absent, (low, high))
        return pd.Series(
            low + high - found if column.name in turned else found,
            index=column.index,
            name=column.name,
        )

    return _each(answers, score)


def _turned(
    answers: pd.Series | pd.DataFrame, reverse: bool | Sequence[str]
) -> set[Any]:
    names = {answers.name} if isinstance(answers, pd.Series) else set(answers.columns)
    if isinstance(reverse, bool):
        return names if reverse else set()
    chosen = {reverse} if isinstance(reverse, str) else set(reverse)
    unknown = sorted(map(str, chosen - names))
    if unknown:
        raise InputError(f"reverse names columns that are not there: {first(unknown)}.")
    return chosen


def _scores(column: pd.Series, absent: set[Code], ends: tuple[int, int]) -> Array:
    missing = _missing(column) | column.map(plain).isin(absent).to_numpy()
    numbers = pd.to_numeric(column.astype(object).where(~missing), errors="coerce")
    found = np.asarray(numbers.to_numpy(np.float64, na_value=np.nan))
    inside = (found >= ends[0]) & (found <= ends[1]) & (found == np.round(found))
    wrong = ~inside & ~missing
    values = first(
        dict.fromkeys(
            f"{v:g}" if isinstance(v, float) else str(v) for v in column[wrong]
        )
    )
    require(
        ~wrong,
        f"'{column.name}' must be a whole number from {ends[0]} to {ends[1]}, but "
        f"holds {values}",
        ids=column.index,
        way_out="Correct these rows, set low and high, or name what stands for no "
        "answer (missing=).",
    )
    return found


def _coded(
    answers: Answers,
    known: Mapping[Code, float],
    missing: tuple[Code, ...],
    words: tuple[str, str],
) -> Answers:
    absent = {plain(v) for v in missing}

    def code(column: pd.Series) -> pd.Series:
        compared = column.map(plain)
        empty = _missing(column) | compared.isin(absent).to_numpy()
        found = np.array([known.get(v, np.nan) for v in compared], dtype=np.float64)
        wrong = np.isnan(found) & ~empty
        counts = column[wrong].map(str).value_counts(sort=False)
        listed = first(f"'{v}' {n} times" for v, n in counts.items())
        require(
            ~wrong,
            f"'{column.name}' must be {words[0]}, but holds {listed}",
            ids=column.index,
            way_out=words[1],
        )
        return pd.Series(
            np.where(empty, np.nan, found), index=column.index, name=column.name
        )

    return _each(answers, code)


def _each(answers: Answers, code: Any) -> Answers:
    """Apply a function to a column or to all of them; keep where they are from."""
    if isinstance(answers, pd.Series):
        out = code(answers)
    elif isinstance(answers, pd.DataFrame):
        if not answers.columns.is_unique:
            raise InputError("answers must have columns, each with a name of its own.")
        columns = {c: code(answers[c]) for c in answers}
        out = pd.DataFrame(columns, index=answers.index)
    else:
        raise InputError(
            f"answers must be a Series or DataFrame; got {type(answers).__name__}."
        )
    out.attrs = dict(answers.attrs)
    return out


def _missing(column: pd.Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    empty = column.map(lambda v: isinstance(v, str) and not v.strip())
    return np.asarray(column.isna() | empty.astype(bool), dtype=bool)


def counts_from_percent(
    percent: pd.Series, *, total: int, decimals: int = 1, exclusive: bool = True
) -> pd.Series:
    """Return the counts behind printed percentages.

    Parameters
    ----------
    percent : Series, shape (m,)
        Per cent as printed, by category; 0 to 100.
    total : int
        The households that they are per cent of; above 0.
    decimals : int
        The digits after the point that are printed.
    exclusive : bool
        Whether each household is in one category, so that they add up to 100.

    Returns
    -------
    Series of int, shape (m,)
        With the index and ``attrs`` of `percent`.

    Raises
    ------
    InputError
        If percentages do not add up to 100 within rounding, one is not the share of
        a whole number, or the counts do not add up to the total.

    Examples
    --------
    >>> printed = pd.Series({"primary": 75.3, "junior": 19.2, "high": 5.5})
    >>> counts_from_percent(printed, total=73).to_dict()
    {'primary': 55, 'junior': 14, 'high': 4}
    """
    if total < 1:
        raise InputError(f"total must be at least 1; got {total}.")
    values = percent.to_numpy(np.float64)
    require(
        (values >= 0) & (values <= 100),
        "Percentages must be from 0 to 100",
        ids=percent.index,
        way_out="Correct them.",
    )
    half = 0.5 * 10.0**-decimals * (1 + 1e-9)
    if exclusive and abs(values.sum() - 100) > half * len(values):
        raise InputError(
            f"Percentages must add up to 100 within rounding; these {len(values)} add "
            f"up to {values.sum():.{decimals}f}. Correct them, or say exclusive=False "
            "where one may be in several categories."
        )
    counts = np.round(values * total / 100)
    off = np.abs(counts * 100 / total - values)
    require(
        off <= half,
        f"Percentages must be shares of whole numbers out of {total}",
        ids=percent.index,
        way_out="Check the total, or how many digits are printed.",
        noun="percentages",
    )
    if exclusive and counts.sum() != total:
        raise InputError(
            f"The counts add up to {counts.sum():.0f}, not to the total of {total}. "
            "Check the total."
        )
    out = pd.Series(counts.astype(np.int64), index=percent.index, name="count")
    out.attrs = table_attrs("Counts from percentages", percent)
    return out

"""Lags in a formula, ``W(x)`` and ``L(x)``: each becomes the name of a column."""

import re
from dataclasses import dataclass

from geopoverty.errors import InputError

_LAG = re.compile(r"(?<![\w.`])([WL])\s*\(")
_LATER = re.compile(r"(.*),\s*(\d+)\s*", re.DOTALL)


@dataclass(frozen=True)
class Earlier:
    """The value of an expression some periods earlier.

    Attributes
    ----------
    expression : str
    periods : int
        At least 1.
    """

    expression: str
    periods: int


def holds_lag(text: str) -> bool:
    """Tell whether a lag of either kind stands in a text.

    Examples
    --------
    >>> holds_lag("W (x)"), holds_lag("log(x)")
    (True, False)
    """
    return _LAG.search(text) is not None


def quote_lags(text: str, found: dict[str, str | Earlier]) -> str:
    """Quote each ``W(...)`` and ``L(...)`` as a column name; note what it lags.

    Parameters
    ----------
    text : str
        A right side.
    found : dict
        Filled: from the name of each lag to what it lags, inner lags first.

    Raises
    ------
    InputError
        If a bracket is open, a lag is empty, or its periods are not a number.

    Examples
    --------
    >>> found = {}
    >>> quote_lags("age + W(age) + L(log(age), 2)", found)
    'age + `W(age)` + `L(log(age), 2)`'
    >>> found["L(log(age), 2)"]
    Earlier(expression='log(age)', periods=2)
    """
    out, position = "", 0
    while match := _LAG.search(text, position):
        end = _closing(text, match.end())
        inner = text[match.end() : end]
        lag = _earlier(inner) if match.group(1) == "L" else Earlier(inner, 0)
        lagged = quote_lags(lag.expression, found).strip()
        if not lagged:
            example = "L(jobs) or L(jobs, 2)" if lag.periods else "W(jobs)"
            raise InputError(
                f"{match.group(1)}() must hold what it lags, such as {example}."
            )
        kept = Earlier(lagged, lag.periods)
        name = _lag_name(kept)
        found[name] = kept if lag.periods else lagged
        out += text[position : match.start()] + f"`{name}`"
        position = end + 1
    return out + text[position:]


def _lag_name(lag: Earlier) -> str:
    plain = lag.expression.replace("`", "")
    if lag.periods < 2:
        return f"{'L' if lag.periods else 'W'}({plain})"
    return f"L({plain}, {lag.periods})"


def _earlier(inner: str) -> Earlier:
    """Split ``x, 2`` into what is lagged and by how many periods."""
    match = _LATER.fullmatch(inner)
    if match and _balanced(match.group(1)):
        expression, periods = match.group(1), int(match.group(2))
    else:
        expression, periods = inner, 1
    if periods < 1 or _splits(expression):
        raise InputError(
            f"'L({inner})' must be L(x) or L(x, k), with k a whole number of periods "
            "from 1. Write L(jobs) for the period before, L(jobs, 2) for two before."
        )
    return Earlier(expression, periods)


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def _splits(text: str) -> bool:
    """Tell whether a comma stands outside all brackets."""
    parts = text.split(",")
    return any(_balanced(",".join(parts[:i])) for i in range(1, len(parts)))


def _closing(text: str, start: int) -> int:
    depth = 1
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    raise InputError(f"A bracket is not closed in '{text}'. Add the missing ')'.")

"""Stars: what they claim, and what t or p carries."""

import math
from collections.abc import Iterator

from geopoverty.audit.coefficients import t_size, t_text
from geopoverty.audit.conventions import Conventions
from geopoverty.audit.degrees import degrees
from geopoverty.audit.findings import (
    BLIND,
    CONSISTENT,
    INCONSISTENT,
    Finding,
    lacking,
    shown,
)
from geopoverty.audit.intervals import Interval, loose
from geopoverty.audit.sheet import Line

STARS_T = "stars from t"
STARS_P = "stars from the p-value"


def check_stars(line: Line, conventions: Conventions) -> Iterator[Finding]:
    """Check that t carries the stars, and that it would not carry one more.

    A coefficient without stars claims that it has none, if its table uses stars.
    |t| is held against the critical values of the normal distribution (the least
    demanding) and of t with the fewest degrees of freedom there can be (the most
    demanding). Not checkable without a t or standard error, where the standard error
    may be 0 as printed, or where one more star hangs on degrees of freedom not known.
    """
    if not _claims(line):
        return
    size, text = t_size(line), _text(line)
    if size is None:
        if "p_value" not in line.cells:
            yield lacking(line.place, STARS_T, text, ["std_error"])
        return
    df = degrees(line)
    level, further = conventions.level(line.mark), conventions.next_level(line.mark)
    needed = conventions.critical(level, df)
    beyond = conventions.critical(further, df)
    reached = further if size.low <= beyond.high else _reached(size, df, conventions)
    verdict, reason = _judge(size, needed, beyond, (level, reached))
    expected = f"|t| {shown(Interval(needed.low, beyond.high))}"
    reason = f"{t_text(line)}. {reason}"
    yield Finding(line.place, STARS_T, verdict, text, expected, reason)


def _reached(size: Interval, df: Interval | None, conventions: Conventions) -> float:
    """Return the least level that |t| reaches in any case."""
    levels = [level for _, level in conventions.stars]
    return min(x for x in levels if size.low > conventions.critical(x, df).high)


def _judge(
    size: Interval, needed: Interval, beyond: Interval, levels: tuple[float, float]
) -> tuple[str, str]:
    """Hold |t| against what the stars shown and one more star need."""
    level, further = levels
    if size.high < needed.low:
        least = shown(Interval(needed.low, math.inf))
        return INCONSISTENT, f"Stars for p < {level:g} need {least}."
    if size.low > beyond.high:
        return INCONSISTENT, (
            f"That is enough for p < {further:g}, which has more stars than are shown."
        )
    sure = size.low >= needed.high and math.isinf(beyond.low)
    if math.isinf(size.high) and not sure:
        return BLIND, "It has no upper limit, so any stars are possible."
    if math.isinf(beyond.high) and size.high > beyond.low:
        return BLIND, (
            "Whether it carries more stars hangs on the degrees of freedom: print n, "
            "df or clusters."
        )
    claim = f"p < {level:g}" if level < 1 else "no stars"
    return CONSISTENT, f"That fits {claim}."


def check_stars_of_p(line: Line, conventions: Conventions) -> Iterator[Finding]:
    """Check that the p-value is below the level of its stars, and above the next.

    A p-value printed as the level itself, such as 0.05, fits both.
    """
    target = line.range("p_value")
    if target is None or not _claims(line):
        return
    level, further = conventions.level(line.mark), conventions.next_level(line.mark)
    allowed = Interval(further, level)
    agrees = target.meets(loose(allowed))
    printed = line.cells["p_value"].text
    yield Finding(
        line.place,
        STARS_P,
        CONSISTENT if agrees else INCONSISTENT,
        _text(line),
        f"p {shown(allowed)}",
        f"The p-value is printed as {printed} ({shown(target)}); these stars say "
        f"p {shown(allowed)}.",
    )


def _claims(line: Line) -> bool:
    """Say whether the line has a number to which stars, or none, belong."""
    starred = bool(line.mark) or line.starred
    return starred and not {"estimate", "statistic"}.isdisjoint(line.cells)


def _text(line: Line) -> str:
    name = "estimate" if "estimate" in line.cells else "statistic"
    return f"{line.cells[name].text}{line.mark}"

"""A coefficient, its standard error and what is printed beside them."""

import math
from collections.abc import Iterator
from fractions import Fraction

from geopoverty.audit.conventions import Conventions
from geopoverty.audit.degrees import degrees
from geopoverty.audit.findings import (
    BLIND,
    CONSISTENT,
    INCONSISTENT,
    Finding,
    Identity,
    compare,
    lacking,
    shown,
)
from geopoverty.audit.intervals import Interval, corners, loose, quotient
from geopoverty.audit.printed import Printed
from geopoverty.audit.sheet import Line

P_VALUE = "p-value from t"
SIGN = "sign of t"


def _t_value(_: Line, __: Conventions, estimate: Interval, se: Interval) -> Interval:
    return quotient(estimate, se)


def _centre(_: Line, __: Conventions, low: Interval, high: Interval) -> Interval:
    return corners(lambda a, b: (a + b) / 2, low, high)


def _exponential(_: Line, __: Conventions, *ends: Interval) -> Interval | None:
    if float(ends[0].high) > 700:
        return None
    return loose(corners(lambda a: math.exp(a), ends[0]))


def _critical(line: Line, conventions: Conventions) -> Interval:
    printed = line.printed("conf_level")
    level = 95.0 if printed is None else float(printed.value)
    # 0.95 is 95 per cent.
    return conventions.critical(
        1 - (level if level <= 1 else level / 100), degrees(line)
    )


def _lower(
    line: Line, conventions: Conventions, estimate: Interval, se: Interval
) -> Interval:
    step = _step(se, _critical(line, conventions))
    return Interval(estimate.low - step.high, estimate.high - step.low)


def _upper(
    line: Line, conventions: Conventions, estimate: Interval, se: Interval
) -> Interval:
    step = _step(se, _critical(line, conventions))
    return Interval(estimate.low + step.low, estimate.high + step.high)


def _step(se: Interval, critical: Interval) -> Interval:
    """Return critical value times standard error; 0 times infinity is not known."""
    low = (
        Fraction(critical.low) * Fraction(se.low) if critical.low < math.inf else se.low
    )
    if math.isinf(critical.high):
        return Interval(low, math.inf)
    return Interval(low, Fraction(critical.high) * Fraction(se.high))


def _lower_ratio(
    line: Line, conventions: Conventions, estimate: Interval, se: Interval
) -> Interval | None:
    return _ratio_of(_lower(line, conventions, estimate, se))


def _upper_ratio(
    line: Line, conventions: Conventions, estimate: Interval, se: Interval
) -> Interval | None:
    return _ratio_of(_upper(line, conventions, estimate, se))


def _ratio_of(end: Interval) -> Interval | None:
    if float(end.low) > 700 or 700 < float(end.high) < math.inf:
        return None
    found = Interval(math.exp(end.low), math.exp(end.high))
    return Interval(
        loose(found).low, found.high if math.isinf(found.high) else loose(found).high
    )


_DF = "The degrees of freedom are not known: print n, df or clusters."
IDENTITIES = (
    Identity(
        "t = coefficient / standard error",
        "Is the t or z value the coefficient over its standard error?",
        "statistic",
        ("estimate", "std_error"),
        "Coefficient over standard error",
        _t_value,
        "The standard error may be 0 as printed, so t has no limit.",
        quiet=True,
    ),
    Identity(
        "hazard ratio = exp(coefficient)",
        "Is the hazard ratio that of the coefficient?",
        "hazard_ratio",
        ("estimate",),
        "exp(coefficient)",
        _exponential,
        "The coefficient is too great to say.",
    ),
    Identity(
        "odds ratio = exp(coefficient)",
        "Is the odds ratio that of the coefficient?",
        "odds_ratio",
        ("estimate",),
        "exp(coefficient)",
        _exponential,
        "The coefficient is too great to say.",
    ),
    Identity(
        "coefficient in the middle of its interval",
        "Is the coefficient half-way between the ends of its (Wald) interval?",
        "estimate",
        ("conf_low", "conf_high"),
        "The middle of the interval",
        _centre,
        "",
        quiet=True,
    ),
    Identity(
        "lower end of the interval",
        "Is it the coefficient less its standard error times the critical value?",
        "conf_low",
        ("estimate", "std_error"),
        "Coefficient less critical value times standard error",
        _lower,
        _DF,
        quiet=True,
    ),
    Identity(
        "upper end of the interval",
        "Is it the coefficient plus its standard error times the critical value?",
        "conf_high",
        ("estimate", "std_error"),
        "Coefficient plus critical value times standard error",
        _upper,
        _DF,
        quiet=True,
    ),
    Identity(
        "lower end of the interval of the ratio",
        "Is it exp of the lower end for the coefficient?",
        "ratio_low",
        ("estimate", "std_error"),
        "exp(coefficient less critical value times standard error)",
        _lower_ratio,
        _DF,
    ),
    Identity(
        "upper end of the interval of the ratio",
        "Is it exp of the upper end for the coefficient?",
        "ratio_high",
        ("estimate", "std_error"),
        "exp(coefficient plus critical value times standard error)",
        _upper_ratio,
        _DF,
    ),
)


def t_size(line: Line) -> Interval | None:
    """Return the range of |t|: as printed and as coefficient over standard error.

    Where the two contradict each other (which has its own check) the printed t counts.
    """
    printed, found = line.range("statistic"), None
    estimate, error = line.range("estimate"), line.range("std_error")
    if estimate is not None and error is not None:
        found = quotient(estimate, error).size
    if printed is None or found is None:
        return printed.size if printed is not None else found
    if not printed.size.meets(found):
        return printed.size
    return Interval(
        max(printed.size.low, found.low), min(printed.size.high, found.high)
    )


def t_text(line: Line) -> str:
    """Say where |t| comes from."""
    size, printed = t_size(line), line.cells.get("statistic")
    if size is None:
        return ""
    if printed is not None:
        return f"|t|, printed as {printed.text}, is {shown(size)}"
    names = (line.cells[n].text for n in ("estimate", "std_error"))
    return f"|t| = {' / '.join(names)} is {shown(size)}"


def check_p_value(line: Line, conventions: Conventions) -> Iterator[Finding]:
    """Check that the two-sided p-value is that of t.

    Not checkable without t, or where p is greater than the normal distribution gives
    and the degrees of freedom are not known.
    """
    target = line.cells.get("p_value")
    size = t_size(line)
    if target is None:
        return
    if size is None:
        if "estimate" in line.cells:
            yield lacking(line.place, P_VALUE, target.text, ["std_error"])
        return
    df = degrees(line)
    expected = conventions.p_value(size, df)
    what = f"{t_text(line)}; its two-sided p-value"
    found = compare(line.place, P_VALUE, target, expected, what)
    normal = Conventions(reference="normal").p_value(size, None)
    unsure = df is None and conventions.reference != "normal"
    if found.verdict == CONSISTENT and unsure and not normal.meets(target.range):
        found = Finding(line.place, P_VALUE, BLIND, target.text, found.expected, _DF)
    yield found


def check_sign(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check that t has the sign of its coefficient, where no standard error is printed.

    Not checkable where one of them may be 0 as printed.
    """
    estimate, target = line.cells.get("estimate"), line.cells.get("statistic")
    if estimate is None or target is None or "std_error" in line.cells:
        return
    signs = [_signs(estimate), _signs(target)]
    verdict = CONSISTENT if signs[0] & signs[1] else INCONSISTENT
    reason = "Coefficient and t have the same sign."
    if verdict == INCONSISTENT:
        reason = (
            f"The coefficient is printed as {estimate.text} and its t as "
            f"{target.text}: they must have the same sign."
        )
    elif len(signs[0]) + len(signs[1]) > 2:
        verdict, reason = BLIND, "One of them may be 0 as printed."
    yield Finding(line.place, SIGN, verdict, target.text, "", reason)


def _signs(printed: Printed) -> set[int]:
    found = printed.range
    below = {-1} if found.low < 0 else set()
    above = {1} if found.high > 0 else set()
    return below | above or {-1, 1}

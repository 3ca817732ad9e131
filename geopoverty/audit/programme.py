"""Effects of a programme: differences, means over methods, balance of a matching."""

import math
from collections.abc import Iterator
from fractions import Fraction

from geopoverty.audit.conventions import Conventions
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
from geopoverty.audit.fits import MATCHED
from geopoverty.audit.intervals import (
    Interval,
    Number,
    corners,
    loose,
    quotient,
    total,
)
from geopoverty.audit.sheet import Line, Sheet

UNMATCHED = "unmatched"
MEAN = "mean over methods"
REDUCTION = "reduction of bias"
BIAS_SIGN = "sign of bias"
BIAS_SHARES = "bias of a 0/1 variable"
BIAS_RATIO = "bias after and before matching"


def _difference(_: Line, __: Conventions, first: Interval, then: Interval) -> Interval:
    return corners(lambda a, b: b - a, first, then)


def _whole(
    _: Line, __: Conventions, treated: Interval, control: Interval, share: Interval
) -> Interval:
    return corners(lambda a, b, s: s * a + (1 - s) * b, treated, control, share)


IDENTITIES = (
    Identity(
        "difference in differences = after - before",
        "Is it the difference after less the difference before?",
        "did",
        ("before", "after"),
        "After less before",
        _difference,
        "",
    ),
    Identity(
        "effect = treated - control",
        "Is it the mean of the treated less that of the controls?",
        "effect",
        ("control", "treated"),
        "Treated less control",
        _difference,
        "",
    ),
    Identity(
        "mean of treated and control together",
        "Is the whole mean that of the groups, weighted by the share of the treated?",
        "mean",
        ("treated", "control", "share_treated"),
        "The mean of the groups weighted by their shares",
        _whole,
        "",
        quiet=True,
    ),
)


def check_bias_of_shares(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check the bias of a 0/1 variable before matching, which its two shares fix.

    100 (p1 - p0) / sqrt((v1 + v0) / 2) with v = p (1 - p), or n / (n - 1) times that.
    Asked in the model "unmatched" of variables with step 1 on a scale from 0 to 1. Not
    checkable where both shares may be 0 or 1 as printed.
    """
    target, means = (
        line.cells.get("bias"),
        (line.range("treated"), line.range("control")),
    )
    scale = [line.count(name) for name in ("step", "scale_low", "scale_high")]
    if target is None or line.model != UNMATCHED or scale != [1, 0, 1]:
        return
    if means[0] is None or means[1] is None:
        return
    shares = [m.clipped(0, 1) for m in means if m is not None]
    if all(s.low <= 0 or s.high >= 1 for s in shares):
        reason = "Both shares may be 0 or 1 as printed."
        yield Finding(line.place, BIAS_SHARES, BLIND, target.text, "", reason)
        return
    found = loose(corners(_standardised, *shares))
    groups = [n for n in (line.count("n_treated"), line.count("n_control")) if n]
    fewest = max(min(groups, default=2), 2)
    # With the divisor n - 1 the size is a little smaller.
    less = math.sqrt((fewest - 1) / fewest)
    expected = Interval(
        min(found.low, found.low * less), max(found.high, found.high * less)
    )
    what = "The standardised difference of the two shares"
    yield compare(line.place, BIAS_SHARES, target, expected, what)


def _standardised(treated: Number, control: Number) -> float:
    p, q = float(treated), float(control)
    return 100 * (p - q) / math.sqrt((p * (1 - p) + q * (1 - q)) / 2)


def check_means(sheet: Sheet, _: Conventions) -> Iterator[Finding]:
    """Check `mean_estimate` of a line against the estimates of its parts.

    Not checkable if a part prints no estimate, or there is no part.
    """
    seen = set()
    for whole, _place, parts in sheet.parts():
        if whole is None or "mean_estimate" not in whole.cells:
            continue
        seen.add(whole.place)
        yield _mean(whole, [p.range("estimate") for p in parts])
    for line in sheet.lines:
        if "mean_estimate" in line.cells and line.place not in seen:
            yield _mean(line, [])


def _mean(whole: Line, parts: list[Interval | None]) -> Finding:
    target = whole.cells["mean_estimate"]
    ranges = [p for p in parts if p is not None]
    if not parts or len(ranges) < len(parts):
        return Finding(
            whole.place,
            MEAN,
            BLIND,
            target.text,
            "",
            "This needs the estimate of every method; mark them by the column of.",
        )
    expected = corners(lambda s: s / Fraction(len(ranges)), total(ranges))
    what = f"The mean of the {len(ranges)} estimates"
    found = compare(whole.place, MEAN, target, expected, what)
    if found.verdict == INCONSISTENT and expected.size.meets(target.range.size):
        return _other_sign(found)
    return found


def _other_sign(found: Finding) -> Finding:
    reason = f"{found.reason} The size agrees; the sign is the other one."
    return Finding(
        found.place, found.check, found.verdict, found.printed, found.expected, reason
    )


def check_balance(sheet: Sheet, _: Conventions) -> Iterator[Finding]:
    """Check a balance table: models "unmatched" and "matched" of one term.

    The reduction of bias is 100 (1 - |bM| / |bU|). A bias has the sign of treated less
    control. Both biases are divided by the same standard deviation (that of the
    unmatched groups), so bM / bU is the ratio of the differences of the means; not
    checkable where that deviation is taken anew after matching.
    """
    for place, lines in sheet.terms():
        reduction = [x for x in lines.values() if "bias_reduction" in x.cells]
        before, after = lines.get(UNMATCHED), lines.get(MATCHED)
        for line in reduction:
            yield _reduction(line, before, after)
        for side in (before, after):
            if side is not None:
                yield from _bias_sign(side)
        if before is not None and after is not None and place[2]:
            yield from _bias_ratio(before, after)


def _reduction(line: Line, before: Line | None, after: Line | None) -> Finding:
    target = line.cells["bias_reduction"]
    first = None if before is None else before.range("bias")
    then = None if after is None else after.range("bias")
    if first is None or then is None:
        return lacking(line.place, REDUCTION, target.text, ["bias"])
    left = quotient(then.size, first.size)
    if not left.bounded:
        reason = "The bias before matching may be 0 as printed."
        return Finding(line.place, REDUCTION, BLIND, target.text, "", reason)
    expected = corners(lambda a: 100 * (1 - a), left)
    what = f"100 (1 - |{_bias(after)}| / |{_bias(before)}|)"
    return compare(line.place, REDUCTION, target, expected, what)


def _bias(line: Line | None) -> str:
    return "" if line is None else line.cells["bias"].text


def _gap(line: Line) -> Interval | None:
    treated, control = line.range("treated"), line.range("control")
    if treated is None or control is None:
        return None
    return corners(lambda a, b: a - b, treated, control)


def _bias_sign(line: Line) -> Iterator[Finding]:
    gap, bias = _gap(line), line.range("bias")
    if gap is None or bias is None:
        return
    opposite = (gap.low > 0 and bias.high < 0) or (gap.high < 0 and bias.low > 0)
    clear = (gap.low > 0 or gap.high < 0) and (bias.low > 0 or bias.high < 0)
    verdict = INCONSISTENT if opposite else CONSISTENT if clear else BLIND
    text = _bias(line)
    yield Finding(
        line.place,
        BIAS_SIGN,
        verdict,
        text,
        "below 0" if gap.high < 0 else "above 0" if gap.low > 0 else "",
        f"Treated less control is {shown(gap)}; the bias is printed as {text}.",
    )


def _bias_ratio(before: Line, after: Line) -> Iterator[Finding]:
    gaps = _gap(before), _gap(after)
    first, target = before.range("bias"), after.cells.get("bias")
    if gaps[0] is None or gaps[1] is None or first is None or target is None:
        return
    ratio = quotient(gaps[1].size, gaps[0].size)
    if not ratio.bounded:
        reason = "The means before matching may be equal as printed."
        yield Finding(after.place, BIAS_RATIO, BLIND, target.text, "", reason)
        return
    size = corners(lambda a, b: a * b, ratio, first.size)
    # The sign has its own check.
    expected = Interval(-size.high, size.high) if size.low <= 0 else size
    if size.low > 0 and target.range.high < 0:
        expected = Interval(-size.high, -size.low)
    what = "Bias before matching times the ratio of the differences of the means"
    yield compare(after.place, BIAS_RATIO, target, expected, what)

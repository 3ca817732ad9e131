"""Groups and their whole: per cents, counts and means that must agree."""

from collections.abc import Iterator
from fractions import Fraction

from geopoverty.audit.conventions import Conventions
from geopoverty.audit.findings import (
    BLIND,
    CONSISTENT,
    INCONSISTENT,
    Finding,
    compare,
    shown,
)
from geopoverty.audit.intervals import Interval, total, weighted_mean
from geopoverty.audit.printed import Printed
from geopoverty.audit.sheet import Line, Place, Sheet

ADDS = "{} adds up"
OF_WHOLE = "{} is that of the count"
GROUPS = "mean of the groups"
_FULL = {"percent": 100, "share": 1}
_WEIGHTS = ("n", "count", "share", "percent")


def check_sums(sheet: Sheet, _: Conventions) -> Iterator[Finding]:
    """Check that the parts of a whole (column ``of``) add up to it.

    Per cents add up to 100 and shares to 1, within the rounding of all parts; counts
    and n to what is printed of the whole. Not checkable if a part does not print it.
    """
    for whole, place, parts in sheet.parts():
        for name, full in _FULL.items():
            target = Interval(full, full)
            yield from _adds(place, name, parts, target, str(full))
        for name in ("count", "n"):
            printed = None if whole is None else whole.cells.get(name)
            found = None if whole is None else whole.range(name)
            if printed is not None and found is not None:
                yield from _adds(place, name, parts, found, printed.text)


def _adds(
    place: Place, name: str, parts: list[Line], whole: Interval, text: str
) -> Iterator[Finding]:
    ranges = [r for p in parts if name in p.cells and (r := p.range(name))]
    if not ranges or len(parts) < 2:
        return
    check = ADDS.format(name)
    if len(ranges) < len(parts):
        reason = f"{len(ranges)} of {len(parts)} parts print it."
        yield Finding(place, check, BLIND, text, "", reason)
        return
    added = total(ranges)
    agrees = added.meets(whole)
    reason = f"The {len(parts)} parts add up to {shown(added)}; the whole is {text}."
    verdict = CONSISTENT if agrees else INCONSISTENT
    yield Finding(place, check, verdict, text, shown(added), reason)


def check_shares(sheet: Sheet, _: Conventions) -> Iterator[Finding]:
    """Check each per cent and share against its count over that of the whole.

    The whole is printed, or the sum of the parts if all print their counts. Not
    checkable otherwise. `percent_of_cases` is held against `cases`.
    """
    for whole, _place, parts in sheet.parts():
        size = _size(whole, parts)
        for part in parts:
            for name, full in _FULL.items():
                if name in part.cells and (size or "count" in part.cells):
                    yield _share(part, name, full, size)
    for line in sheet.lines:
        if "percent_of_cases" in line.cells:
            yield _share(line, "percent_of_cases", 100, line.count("cases"))


def _size(whole: Line | None, parts: list[Line]) -> int | None:
    if whole is not None and whole.count("count") is not None:
        return whole.count("count")
    counts = [p.count("count") for p in parts]
    known = [c for c in counts if c is not None]
    return sum(known) if len(known) == len(counts) else None


def _share(line: Line, name: str, full: int, size: int | None) -> Finding:
    check, target = OF_WHOLE.format(name), line.cells[name]
    count = line.count("count")
    if count is None or not size:
        reason = "This needs its count, and the count of the whole."
        return Finding(line.place, check, BLIND, target.text, "", reason)
    exact = Fraction(full * count, size)
    expected = Interval(exact, exact)
    what = f"{count} of {size}" + (", in per cent," if full == 100 else "")
    found = compare(line.place, check, target, expected, what)
    if found.verdict == INCONSISTENT or target.stands_for(exact):
        return found
    reason = f"{found.reason} Half-way, it is not rounded so here."
    return Finding(line.place, check, INCONSISTENT, target.text, found.expected, reason)


def check_groups(sheet: Sheet, _: Conventions) -> Iterator[Finding]:
    """Check the mean of a whole against the means of its parts.

    Weights are n, counts, shares or per cents, where all parts print one of them;
    otherwise the mean must lie between the least and the greatest of the parts. Not
    checkable if a part prints no mean.
    """
    for whole, _place, parts in sheet.parts():
        target = None if whole is None else whole.cells.get("mean")
        if whole is None or target is None:
            continue
        means = [p.range("mean") for p in parts]
        known = [m for m in means if m is not None]
        yield _group_mean(whole, target, parts, known)


def _group_mean(
    whole: Line, target: Printed, parts: list[Line], means: list[Interval]
) -> Finding:
    if len(means) < len(parts):
        reason = f"{len(means)} of {len(parts)} parts print their mean."
        return Finding(whole.place, GROUPS, BLIND, target.text, "", reason)
    for name in _WEIGHTS:
        weights = [p.range(name) for p in parts if name in p.cells]
        known = [w for w in weights if w is not None]
        if len(known) == len(parts) and (found := weighted_mean(means, known)):
            what = f"The mean of the parts, weighted by {name},"
            return compare(whole.place, GROUPS, target, found, what)
    between = Interval(min(m.low for m in means), max(m.high for m in means))
    return compare(whole.place, GROUPS, target, between, "Any mean of the parts")

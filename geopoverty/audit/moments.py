"""Poverty measures: which is the greater, and how they rise with the line."""

import math
from collections.abc import Iterator
from itertools import pairwise

from geopoverty.audit.conventions import Conventions
from geopoverty.audit.findings import (
    BLIND,
    CONSISTENT,
    INCONSISTENT,
    Finding,
    compare,
)
from geopoverty.audit.intervals import Interval
from geopoverty.audit.sheet import Line, Place, Sheet

ORDER = "FGT0 >= FGT1 >= FGT2"
RISES = "{} rises with the poverty line"
SQUARES = "FGT1 squared <= FGT0 FGT2"


def check_order(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check that a poverty measure that weighs depth more is not the greater.

    Each is a mean of (gap / line)^a, and gaps are at most the line. Where all three are
    printed, the square of FGT1 is also at most FGT0 times FGT2 (Cauchy-Schwarz). Not
    checkable if fewer than two are printed.
    """
    names = [n for n in ("fgt0", "fgt1", "fgt2") if n in line.cells]
    if not names:
        return
    texts = " >= ".join(line.cells[n].text for n in names)
    if len(names) < 2:
        reason = "This needs two of fgt0, fgt1 and fgt2."
        yield Finding(line.place, ORDER, BLIND, texts, "", reason)
        return
    ranges = [line.cells[n].range for n in names]
    agrees = all(a.high >= b.low for a, b in pairwise(ranges))
    agrees = agrees and ranges[0].high >= ranges[-1].low
    reason = "They do not rise." if agrees else "They must not rise, and they do."
    verdict = CONSISTENT if agrees else INCONSISTENT
    yield Finding(line.place, ORDER, verdict, texts, "", reason)
    if len(names) == 3:
        yield _squares(line)


def _squares(line: Line) -> Finding:
    count, depth = (line.cells[n].range.clipped(0) for n in ("fgt0", "fgt2"))
    most = math.sqrt(float(count.high) * float(depth.high)) * (1 + 1e-9)
    what = "The root of FGT0 times FGT2"
    return compare(line.place, SQUARES, line.cells["fgt1"], Interval(0, most), what)


def check_lines(sheet: Sheet, _: Conventions) -> Iterator[Finding]:
    """Check that poverty and vulnerability do not fall as the poverty line rises.

    The lines of a model with `poverty_line` are held against each other, from the
    lowest up. Not checkable for one line only.
    """
    for place, lines in sheet.models():
        for name in ("vulnerability", "fgt0", "fgt1", "fgt2"):
            found = sorted(
                (
                    (p.value, x)
                    for x in lines
                    if name in x.cells and (p := x.cells.get("poverty_line"))
                ),
                key=lambda pair: pair[0],
            )
            if found:
                yield _rise(place, name, [x for _, x in found])


def _rise(place: Place, name: str, lines: list[Line]) -> Finding:
    check = RISES.format(name)
    texts = ", ".join(x.cells[name].text for x in lines)
    if len(lines) < 2:
        return Finding(
            place, check, BLIND, texts, "", "There is one poverty line only."
        )
    falls = _falls(lines, name)
    if not falls:
        reason = "It does not fall from the lowest line to the highest."
        return Finding(place, check, CONSISTENT, texts, "", reason)
    low, high = falls
    reason = f"It is lower at '{high.term}' than at '{low.term}', a lower line."
    return Finding(place, check, INCONSISTENT, texts, "", reason)


def _falls(lines: list[Line], name: str) -> tuple[Line, Line] | None:
    for i, high in enumerate(lines):
        for low in lines[:i]:
            lines_differ = (
                low.cells["poverty_line"].range.high
                < high.cells["poverty_line"].range.low
            )
            less = high.cells[name].range.high < low.cells[name].range.low
            if lines_differ and less:
                return low, high
    return None

"""What a check finds, and the one way to say it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from geopoverty._tables import number
from geopoverty.audit.conventions import Conventions
from geopoverty.audit.intervals import Interval, Number
from geopoverty.audit.printed import Printed
from geopoverty.audit.sheet import Line, Place
from geopoverty.audit.vocabulary import STATISTICS

CONSISTENT = "consistent"
INCONSISTENT = "inconsistent"
BLIND = "not checkable"


@dataclass(frozen=True)
class Finding:
    """One row of the report.

    Attributes
    ----------
    place : (table, model, term)
    check : str
    verdict : str
    printed, expected : str
        What stands in print, and what the other printed numbers allow.
    reason : str
    """

    place: Place
    check: str
    verdict: str
    printed: str
    expected: str
    reason: str


@dataclass(frozen=True)
class Identity:
    """A number that other numbers of the same line fix.

    Attributes
    ----------
    check : str
        Its name.
    question : str
    target : str
        The statistic that is checked.
    needs : tuple of str
        The statistics that fix it.
    formula : str
        In words.
    range : callable
        From the line, the conventions and the intervals of `needs` to the interval
        of the target; None if they fix nothing.
    blind : str
        What makes it not checkable.
    quiet : bool
        Whether to say nothing where something needed is not printed.
    """

    check: str
    question: str
    target: str
    needs: tuple[str, ...]
    formula: str
    range: Callable[..., Interval | None]
    blind: str
    quiet: bool = False

    def examine(self, line: Line, conventions: Conventions) -> Finding | None:
        """Check one line; None if it does not print the target."""
        target = line.cells.get(self.target)
        if target is None:
            return None
        given = [line.range(name) for name in self.needs]
        if self.quiet and None in given:
            return None
        missing = [n for n, r in zip(self.needs, given, strict=True) if r is None]
        if missing:
            return lacking(line.place, self.check, target.text, missing)
        expected = self.range(line, conventions, *given)
        if expected is None:
            return Finding(line.place, self.check, BLIND, target.text, "", self.blind)
        texts = [p.text for p in map(line.printed, self.needs) if p is not None]
        what = f"{self.formula}, from {' and '.join(texts)},"
        counted = STATISTICS[self.target].counted and target.whole
        found = compare(line.place, self.check, target, expected, what, counted=counted)
        if found.verdict == CONSISTENT and not expected.bounded:
            return Finding(
                line.place, self.check, BLIND, target.text, found.expected, self.blind
            )
        return found


def lacking(place: Place, check: str, text: str, missing: list[str]) -> Finding:
    """Return the finding that something needed is not printed."""
    names = " and ".join(f"{n} ({STATISTICS[n].meaning})" for n in missing)
    return Finding(place, check, BLIND, text, "", f"This needs {names}.")


def compare(
    place: Place,
    check: str,
    target: Printed,
    expected: Interval,
    what: str,
    *,
    counted: bool = False,
) -> Finding:
    """Hold a printed number against what it can be.

    Parameters
    ----------
    what : str
        What is expected, as the subject of a sentence.
    counted : bool
        Whether the printed number is not rounded.
    """
    found = target.exact if counted else target.range
    agrees = expected.meets(found)
    stands = f"stands for {shown(found)}" if not counted else "is printed"
    verb = "and" if agrees else "but"
    return Finding(
        place,
        check,
        CONSISTENT if agrees else INCONSISTENT,
        target.text,
        shown(expected),
        f"{what} is {shown(expected)}, {verb} {target.text} {stands}."
        f"{_padded(agrees, target, expected)}",
    )


def _padded(agrees: bool, target: Printed, expected: Interval) -> str:
    coarser = None if agrees else target.coarser()
    if coarser is None or not expected.meets(coarser.range):
        return ""
    return " It would agree if the zeros at its end were only filled in."


def shown(found: Interval) -> str:
    """Say an interval in words.

    Examples
    --------
    >>> shown(Interval(1.25231, 1.26486)), shown(Interval(2, math.inf))
    ('1.2523 to 1.2649', 'at least 2')
    >>> shown(Interval(4, 4))
    '4'
    """
    if math.isinf(found.low) and math.isinf(found.high):
        return "any number"
    if math.isinf(found.high):
        return f"at least {_text(found.low)}"
    if math.isinf(found.low):
        return f"at most {_text(found.high)}"
    low, high = _text(found.low), _text(found.high)
    return low if low == high else f"{low} to {high}"


def _text(value: Number) -> str:
    text = number(float(value), 5)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text

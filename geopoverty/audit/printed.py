"""A number as it stands in print, and every number it may stand for."""

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from geopoverty.audit.intervals import Interval

ROUNDINGS = ("nearest", "half-up", "half-even", "truncation", "any")
MISSING = frozenset({"", "-", "--", "n/a", "na", "nan", "none", "."})
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2014": "-", "\u00a0": " "})
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)\s?(?P<whole>\d{1,3}(?:,\d{3})+|\d*)(?:\.(?P<part>\d*))?"
    r"(?:[eE](?P<power>[+-]?\d{1,3}))?"
)
_LONGEST = 40
# Digits of a number that are taken at their word.
_DIGITS = 10


@dataclass(frozen=True)
class Printed:
    """A printed number.

    Attributes
    ----------
    text : str
        As printed, without stars.
    value : Fraction
        Exactly what the digits say.
    unit : Fraction
        What one more in the last printed digit would add: 0.01 for ``"0.23"``.
    rounding : str
        One of ``ROUNDINGS``.
    limit : str
        ``"<"`` or ``">"`` for a number printed as a limit, such as ``"<0.001"``.
    stars : str
    negative : bool
        Whether a minus sign is printed, also before a zero.
    """

    text: str
    value: Fraction
    unit: Fraction
    rounding: str = "nearest"
    limit: str = ""
    stars: str = ""
    negative: bool = False

    @cached_property
    def range(self) -> Interval:
        """The numbers that would be printed so, ends included."""
        if self.limit:
            low = -math.inf if self.limit == "<" else self.value
            return Interval(low, self.value if self.limit == "<" else math.inf)
        before, after = self._reach
        found = Interval(self.value - before, self.value + after)
        return found if self.value else self._about_zero(found)

    @property
    def exact(self) -> Interval:
        """The number itself, for what is counted and not rounded."""
        return self.range if self.limit else Interval(self.value, self.value)

    @property
    def whole(self) -> bool:
        """Whether it is printed as a whole number, to the last unit."""
        return self.value.denominator == 1 and self.unit <= 1 and not self.limit

    def stands_for(self, number: Fraction) -> bool:
        """Say whether exactly this number would be printed so.

        Unlike `range`, this knows where a number half-way between two goes.

        Examples
        --------
        >>> half = Fraction(1, 8)
        >>> [parse("0.13", rounding=r).stands_for(half) for r in ROUNDINGS]
        [True, True, False, False, True]
        """
        if not self.range.low <= number <= self.range.high:
            return False
        off = abs(number) - abs(self.value)
        if self.rounding == "half-up":
            return off != self.unit / 2
        if self.rounding == "half-even":
            return abs(off) != self.unit / 2 or int(self.value / self.unit) % 2 == 0
        return self.rounding != "truncation" or off != self.unit

    def coarser(self) -> "Printed | None":
        """Return the number without zeros at its end, None if there is none.

        Examples
        --------
        >>> parse("37.00").coarser().range.high
        Fraction(75, 2)
        """
        unit = self.unit
        while unit < 1 and (self.value / (unit * 10)).denominator == 1:
            unit *= 10
        return replace(self, unit=unit) if unit > self.unit else None

    @property
    def _reach(self) -> tuple[Fraction, Fraction]:
        """How far below and above the printed value it may lie."""
        half, zero = self.unit / 2, Fraction(0)
        if self.rounding not in ("truncation", "any"):
            return half, half
        inner = half if self.rounding == "any" else zero
        if not self.value:
            return self.unit, self.unit
        return (self.unit, inner) if self.value < 0 else (inner, self.unit)

    def _about_zero(self, found: Interval) -> Interval:
        return Interval(found.low, Fraction(0)) if self.negative else found


def parse(
    text: str, *, rounding: str = "nearest", decimals: int | None = None
) -> Printed | None:
    """Read a number as printed; None if the cell is empty.

    Thousands commas, a Unicode minus, a missing zero before the point, brackets, a per
    cent sign, stars at the end, ``1.2e3`` and ``<0.001`` are read.

    Parameters
    ----------
    text : str
    rounding : str
        How the number was rounded: one of ``ROUNDINGS``.
    decimals : int, optional
        The decimals that count, if fewer than those printed.

    Raises
    ------
    ValueError
        If the text is no number.

    Examples
    --------
    >>> found = parse("0.230**")
    >>> float(found.range.low), float(found.range.high), found.stars
    (0.2295, 0.2305, '**')
    >>> float(parse("1.2e3").range.low), float(parse("(1,200)").range.low)
    (1150.0, 1199.5)
    >>> parse("n/a") is None
    True
    """
    bare = text.translate(_MINUS).strip()
    if bare.lower() in MISSING:
        return None
    stars = re.search(r"[^\w\s.%)\]]*\Z", bare)
    mark = stars.group() if stars else ""
    bare = bare[: len(bare) - len(mark)].strip()
    if bare[:1] + bare[-1:] in ("()", "[]"):
        bare = bare[1:-1].strip()
    limit = bare[:1] if bare[:1] in ("<", ">") else ""
    found = _NUMBER.fullmatch(bare.lstrip("<>").rstrip("%").strip())
    digits = (found["whole"] or "") + (found["part"] or "") if found else ""
    if found is None or not digits or len(digits) > _LONGEST:
        raise ValueError(text)
    places = len(found["part"] or "")
    power = int(found["power"] or 0)
    value = Fraction(int(digits.replace(",", ""))) * Fraction(10) ** (power - places)
    unit = Fraction(10) ** (power - places)
    if decimals is not None:
        unit = max(unit, Fraction(10) ** -decimals)
    return Printed(
        bare,
        -value if found["sign"] == "-" else value,
        max(unit, _least_unit(value)),
        rounding,
        limit,
        mark,
        found["sign"] == "-",
    )


def _least_unit(value: Fraction) -> Fraction:
    """Return a unit for a number of a computer, whose last digits are not exact."""
    if not value:
        return Fraction(0)
    size = len(str(value.numerator)) - len(str(value.denominator))
    return Fraction(10) ** (size - _DIGITS)


def as_text(cell: object) -> str:
    """Return a cell of a table as it may have been printed.

    A float without a fraction may have been printed without decimals, so it is read
    as the coarser: ``2.0`` is "2".

    Examples
    --------
    >>> as_text(2.0), as_text(0.23), as_text(76), as_text(None), as_text("0.230")
    ('2', '0.23', '76', '', '0.230')
    """
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, float | np.floating):
        if math.isnan(cell):
            return ""
        return f"{cell:.0f}" if float(cell).is_integer() else repr(float(cell))
    missing = str(cell) in ("<NA>", "NaT")
    return "" if missing else str(cell)

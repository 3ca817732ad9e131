"""How a table is printed: its rounding, its stars, and what its t is held against."""

import math
from dataclasses import dataclass
from itertools import pairwise

from scipy import special

from geopoverty._checks import require_option
from geopoverty.audit.intervals import Interval, Number, loose
from geopoverty.audit.printed import ROUNDINGS
from geopoverty.errors import InputError

STARS = (("*", 0.1), ("**", 0.05), ("***", 0.01))
REFERENCES = ("either", "normal", "t")


@dataclass(frozen=True)
class Conventions:
    """What is assumed of a table.

    Attributes
    ----------
    rounding : str
        One of ``ROUNDINGS``; "any" is nearest or truncation.
    stars : tuple of (mark, level)
        Falling levels in (0, 1).
    reference : str
        What a t value is held against: the "normal" distribution, "t", or "either".

    Raises
    ------
    InputError
        If an option is unknown or levels do not fall.
    """

    rounding: str = "nearest"
    stars: tuple[tuple[str, float], ...] = STARS
    reference: str = "either"

    def __post_init__(self) -> None:
        require_option(self.rounding, ROUNDINGS, "rounding")
        require_option(self.reference, REFERENCES, "reference")
        levels = [1.0, *(level for _, level in self.stars), 0.0]
        marks = {mark for mark, _ in self.stars}
        if any(a <= b for a, b in pairwise(levels)) or len(marks) < len(self.stars):
            shown = ", ".join(f"{mark} = {level}" for mark, level in self.stars)
            raise InputError(
                f"Levels of stars must fall from 1 to 0, each with its own mark; got "
                f'{shown}. Write {{"*": 0.1, "**": 0.05, "***": 0.01}}.'
            )

    def level(self, mark: str) -> float:
        """Return the level of a mark; 1 without one.

        Examples
        --------
        >>> Conventions().level("**"), Conventions().level("")
        (0.05, 1.0)
        """
        return dict(self.stars).get(mark, 1.0)

    def next_level(self, mark: str) -> float:
        """Return the level of one more star; 0 after the last."""
        levels = [1.0, *(level for _, level in self.stars), 0.0]
        return levels[levels.index(self.level(mark)) + 1]

    def critical(self, level: float, df: Interval | None) -> Interval:
        """Return how great |t| must be, two-sided, for p to be `level`.

        Parameters
        ----------
        level : float
            In [0, 1].
        df : Interval or None
            Degrees of freedom; None if nothing is known of them.

        Examples
        --------
        >>> found = Conventions().critical(0.05, Interval(20, 20))
        >>> round(found.low, 3), round(found.high, 3)
        (1.96, 2.086)
        """
        if level <= 0:
            return Interval(math.inf, math.inf)
        if level >= 1:
            return Interval(0.0, 0.0)
        ends = [_t_quantile(level, d) for d in self._degrees(df)]
        return loose(Interval(min(ends), max(ends)))

    def p_value(self, size: Interval, df: Interval | None) -> Interval:
        """Return the two-sided p-values of |t| in `size`.

        Examples
        --------
        >>> found = Conventions().p_value(Interval(2, 2), Interval(10, 10))
        >>> round(found.low, 4), round(found.high, 4)
        (0.0455, 0.0734)
        """
        degrees = self._degrees(df)
        low = min(_t_tail(size.high, d) for d in degrees)
        high = max(_t_tail(size.low, d) for d in degrees)
        return loose(Interval(low, high)).clipped(0.0, 1.0)

    def _degrees(self, df: Interval | None) -> tuple[float, ...]:
        """Return the least and greatest degrees of freedom; 0 stands for none known."""
        if self.reference == "normal":
            return (math.inf,)
        least = 0.0 if df is None else float(df.low)
        most = math.inf if df is None or self.reference == "either" else float(df.high)
        return (least, most)


def _t_quantile(level: float, df: float) -> float:
    if df < 1:
        return math.inf
    if math.isinf(df):
        return float(-special.ndtri(level / 2))
    return float(-special.stdtrit(df, level / 2))


def _t_tail(size: Number, df: float) -> float:
    if df < 1:
        return 1.0
    if math.isinf(df) or math.isinf(size):
        return float(2 * special.ndtr(-float(size)))
    return float(2 * special.stdtr(df, -float(size)))

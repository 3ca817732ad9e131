"""Two numbers crossed: up to 3 x 3 classes, and colours that stay apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geopoverty.classes.breaks import OWN_BREAKS, Classes, Floats, MapStyle, classify
from geopoverty.errors import InputError

SIDE = 3
LEVELS = {1: ("the same",), 2: ("low", "high"), 3: ("low", "middle", "high")}
# A row a level of y, from low; a column a level of x. Blue grows with x, orange with
# y, both together turn dark. Between any two the distance in CIELAB is 20 or more,
# also as readers without red, green or blue cones see them.
COLORS = (
    ("#f0f0f0", "#88b4d2", "#1f78b4"),
    ("#e8b982", "#828174", "#1c4967"),
    ("#e08214", "#7d4e17", "#1a1a1a"),
)
TERCILES = "terciles (thirds of the counties)"
_STYLE = MapStyle(scheme="quantiles", classes=SIDE)
_SHOWN = {1: (0,), 2: (0, 2), 3: (0, 1, 2)}


@dataclass(frozen=True)
class Crossed:
    """The classes of two numbers together.

    Attributes
    ----------
    x, y : Classes
        Each alone: one to three classes.
    """

    x: Classes
    y: Classes

    @property
    def shape(self) -> tuple[int, int]:
        """How many classes y and x have."""
        return len(self.y.breaks) + 1, len(self.x.breaks) + 1

    @property
    def colors(self) -> tuple[str, ...]:
        """The colour of each class: x runs first, both from low to high."""
        up, across = self.shape
        return tuple(COLORS[j][i] for j in _SHOWN[up] for i in _SHOWN[across])

    @property
    def levels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What the classes of x, and those of y, are called."""
        up, across = self.shape
        return LEVELS[across], LEVELS[up]

    @property
    def method(self) -> str:
        """How each number is cut, in words."""
        own = [c.method == OWN_BREAKS for c in (self.x, self.y)]
        if all(own):
            return f"Both numbers are cut by {OWN_BREAKS}"
        if not any(own):
            return f"Each number is cut by {TERCILES}"
        ways = [OWN_BREAKS if o else TERCILES for o in own]
        return f"Across by {ways[0]}, upwards by {ways[1]}"

    def codes(self, x: Floats, y: Floats) -> NDArray[np.int8]:
        """Return the class of each pair, from 0; -1 where either is missing.

        Examples
        --------
        >>> low_high = np.array([1.0, 2.0, 3.0])
        >>> cross(low_high, low_high).codes(low_high, low_high[::-1]).tolist()
        [6, 4, 2]
        """
        i, j = self.x.codes(x), self.y.codes(y)
        code = j * self.shape[1] + i
        return np.where((i < 0) | (j < 0), -1, code).astype(np.int8)


def cross(
    x: Floats,
    y: Floats,
    breaks: Sequence[Sequence[float] | None] | None = None,
) -> Crossed:
    """Cut two numbers by terciles, or where it is said, and cross them.

    Parameters
    ----------
    x, y : array of float, same shape
        NaN is no data; each holds at least one value.
    breaks : pair of (sequence of float, or None), optional
        Own cut points of x and of y: one or two increasing numbers each, so that
        there are two or three classes; None keeps terciles.

    Returns
    -------
    Crossed
        Fewer classes where values tie: a number that is the same everywhere has one.

    Raises
    ------
    InputError
        If `breaks` is no pair, or an element does not hold one or two numbers that
        increase.

    Examples
    --------
    >>> found = cross(np.arange(9.0), np.zeros(9))
    >>> found.shape, found.levels
    ((1, 3), (('low', 'middle', 'high'), ('the same',)))
    >>> cross(np.arange(9.0), np.arange(9.0), breaks=((4,), None)).shape
    (3, 2)
    """
    chosen = (None, None) if breaks is None else tuple(breaks)
    if len(chosen) != 2:
        raise InputError(
            "breaks must be a pair, the cut points of x and those of y, such as "
            f"((10, 20), None); got {len(chosen)} elements."
        )
    both = [_cut(v, b) for v, b in zip((x, y), chosen, strict=True)]
    return Crossed(*both)


def _cut(values: Floats, breaks: Sequence[float] | None) -> Classes:
    if breaks is None:
        return classify(values, _STYLE)
    if isinstance(breaks, str) or not np.iterable(breaks):
        raise InputError(
            "breaks must be a pair of lists, such as ((10, 20), (3, 7)); got "
            f"{breaks!r} for one of them."
        )
    given = tuple(breaks)
    if not 1 <= len(given) < SIDE:
        raise InputError(
            f"Each number of a crossed map has two or three classes, so its breaks "
            f"are one or two numbers; got {len(given)}: {given}."
        )
    return classify(values, MapStyle(breaks=given))

"""Class breaks and colours: what a legend stands on."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from branca.utilities import color_brewer
from numpy.typing import NDArray

from geopoverty._checks import require_option
from geopoverty.errors import InputError

Floats = NDArray[np.float64]

SCHEMES = {
    "fisher_jenks": ("FisherJenks", "natural breaks (Fisher-Jenks)"),
    "natural_breaks": ("FisherJenks", "natural breaks (Fisher-Jenks)"),
    "quantiles": ("Quantiles", "quantiles"),
    "equal_interval": ("EqualInterval", "equal intervals"),
    "head_tail": ("HeadTailBreaks", "head-tail breaks"),
    "pretty": ("PrettyBreaks", "round breaks"),
    "std_mean": ("StdMean", "standard deviations from the mean"),
}
OWN_BREAKS = "breaks chosen by the author"
WITHOUT_K = ("head_tail", "std_mean")  # these find the number of classes themselves
# All of them stay apart for colour-blind readers (ColorBrewer, and viridis).
SEQUENTIAL = (
    "YlGnBu", "YlOrRd", "YlOrBr", "OrRd", "Blues", "Greens", "Oranges", "Purples",
    "Reds", "Greys", "BuPu", "PuBu", "GnBu", "RdPu", "viridis",
)  # fmt: skip
DIVERGING = ("RdBu", "PuOr", "BrBG", "PiYG", "PRGn", "RdYlBu")
REVERSED = "_r"
MOST = 9  # classes that a reader can still tell apart
MOST_DIGITS = 8
LARGE = 1000  # breaks from here on are rounded to about three figures
SAMPLE = 1000  # Fisher-Jenks takes quadratic time, and so many quantiles suffice


@dataclass(frozen=True)
class MapStyle:
    """How one indicator is cut into classes and coloured.

    Attributes
    ----------
    scheme : str
        ``"fisher_jenks"`` (also called ``"natural_breaks"``), ``"quantiles"``,
        ``"equal_interval"``, ``"head_tail"``, ``"pretty"`` or ``"std_mean"``,
        all by mapclassify.
    classes : int
        How many, 2 to 9. ``"head_tail"`` and ``"std_mean"`` find their own number.
    breaks : tuple of float, optional
        Own cut points, increasing, at most 8; used in place of `scheme`. A value
        equal to a cut point belongs to the class above it.
    palette : str, optional
        A colour-blind-safe palette of ColorBrewer, or ``"viridis"``; add ``"_r"``
        to reverse it. By default ``"YlGnBu"``, and ``"RdBu_r"`` when diverging.
    diverging : bool
        Classes symmetric about zero: for effects and differences.
    digits : int, optional
        Decimals shown, 0 to 8; by default as many as tell the classes apart.
    alpha : float
        Counties with a p-value of `alpha` or more are drawn "not significant".

    Raises
    ------
    InputError
        If an option is unknown or out of its range, `breaks` do not increase, or
        a diverging map is given breaks that are not symmetric about zero.

    Examples
    --------
    >>> MapStyle(breaks=(10, 20, 40)).breaks
    (10.0, 20.0, 40.0)
    >>> MapStyle(scheme="quantile")
    Traceback (most recent call last):
    geopoverty.errors.InputError: scheme must be one of 'fisher_jenks', \
'natural_breaks', 'quantiles', 'equal_interval', 'head_tail', 'pretty', 'std_mean'; \
got 'quantile'. Did you mean 'quantiles'?
    """

    scheme: str = "fisher_jenks"
    classes: int = 5
    breaks: tuple[float, ...] | None = None
    palette: str | None = None
    diverging: bool = False
    digits: int | None = None
    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_option(self.scheme, tuple(SCHEMES), "scheme")
        _require_whole(self.classes, 2, MOST, "classes")
        if self.digits is not None:
            _require_whole(self.digits, 0, MOST_DIGITS, "digits")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha must be between 0 and 1; got {self.alpha!r}.")
        if self.palette is not None:
            known = DIVERGING if self.diverging else SEQUENTIAL + DIVERGING
            base = str(self.palette).removesuffix(REVERSED)
            require_option(base, known, "palette")
        if self.breaks is not None:
            object.__setattr__(self, "breaks", _own_breaks(self))


@dataclass(frozen=True)
class Classes:
    """The classes of one indicator, the same for all its periods.

    Attributes
    ----------
    breaks : tuple of float, shape (k - 1,)
        Cut points; a value equal to one belongs to the class above it.
    colors : tuple of str, shape (k,)
        ``#rrggbb``, from the lowest class to the highest.
    low, high : float
        The range of all values.
    digits : int
        Decimals to show.
    whole : bool
        Whether all values are whole numbers.
    method : str
        How the breaks were found, in words.
    """

    breaks: tuple[float, ...]
    colors: tuple[str, ...]
    low: float
    high: float
    digits: int
    whole: bool
    method: str

    @property
    def break_digits(self) -> int:
        """Decimals that write the breaks in full, at most `digits`."""
        needed = max((_decimals_of(b) for b in self.breaks), default=self.digits)
        return min(needed, self.digits)

    @property
    def open_ended(self) -> bool:
        """Whether the breaks are rounder than the values, as 20 is than 20.4."""
        hundreds = max(map(abs, self.breaks), default=0) >= LARGE and all(
            b == round(b, -1) for b in self.breaks
        )
        return hundreds or self.break_digits < self.digits

    def codes(self, values: Floats) -> NDArray[np.int8]:
        """Return the class of each value, from 0; -1 where it is missing."""
        inside = np.searchsorted(self.breaks, values, side="right")
        return np.where(np.isnan(values), -1, inside).astype(np.int8)


def classify(values: Floats, style: MapStyle) -> Classes:
    """Cut values into classes.

    The breaks are rounded to the decimals that the legend shows (large ones to
    about three figures) and the classes follow the rounded breaks, so that the
    legend is exact.

    Parameters
    ----------
    values : array of float, any shape
        NaN is no data; at least one value must be finite.
    style : MapStyle
        Scheme, number of classes, palette.

    Returns
    -------
    Classes
        With at most ``style.classes`` classes where the scheme takes their
        number: fewer when there are fewer different values.

    Examples
    --------
    >>> found = classify(np.array([1.0, 2.0, 8.0, 9.0, np.nan]), MapStyle(classes=2))
    >>> found.breaks, found.codes(np.array([2.0, 8.0, np.nan])).tolist()
    ((3.0,), [0, 1, -1])
    """
    present = values[~np.isnan(values)]
    whole = bool((present == np.round(present)).all())
    low, high = float(present.min()), float(present.max())
    if style.breaks is not None:
        breaks, method = style.breaks, OWN_BREAKS
        digits = max(_digits(present, style, breaks), *map(_decimals_of, breaks))
    else:
        bins, method = _bins(present, style), _in_words(style)
        digits = _digits(present, style, bins)
        breaks = _rounded(present, bins, digits, style)
    colors = palette(style, len(breaks) + 1)
    return Classes(breaks, colors, low, high, digits, whole, method)


def palette(style: MapStyle, count: int) -> tuple[str, ...]:
    """Return `count` colours from low to high.

    Examples
    --------
    >>> palette(MapStyle(diverging=True), 3)
    ('#67a9cf', '#f7f7f7', '#ef8a62')
    """
    name = style.palette or ("RdBu" + REVERSED if style.diverging else "YlGnBu")
    colors = list(color_brewer(name.removesuffix(REVERSED), max(count, 3)))
    if count == 2:
        colors = [colors[0], colors[-1]]
    elif count == 1:
        colors = [colors[1]]
    if name.endswith(REVERSED):
        colors.reverse()
    return tuple(str(c) for c in colors)


def _require_whole(value: object, least: int, most: int, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name} must be a whole number; got {value!r}.")
    if not least <= value <= most:
        raise InputError(f"{name} must be from {least} to {most}; got {value}.")


def _own_breaks(style: MapStyle) -> tuple[float, ...]:
    try:
        breaks = np.asarray(style.breaks, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"breaks must be numbers; got {style.breaks!r}.") from error
    if breaks.ndim != 1 or not 1 <= breaks.size < MOST:
        raise InputError(f"breaks must be 1 to {MOST - 1} numbers; got {style.breaks}.")
    if not (np.isfinite(breaks).all() and (np.diff(breaks) > 0).all()):
        raise InputError(
            f"breaks must be finite and increase; got {style.breaks}. Sort them and "
            "name each only once."
        )
    if style.diverging and not np.allclose(breaks, -breaks[::-1]):
        raise InputError(
            "breaks of a diverging map must be symmetric about zero, such as "
            f"(-2, -1, 1, 2); got {style.breaks}."
        )
    return tuple(breaks.tolist())


def _bins(present: Floats, style: MapStyle) -> Floats:
    """Return inner upper bounds; those of the sizes |x| for a diverging map."""
    if not style.diverging:
        return _mapclassify(present, style.scheme, style.classes)
    # An odd number of classes has one in the middle; an even one is cut at zero.
    half = (style.classes + 1) // 2
    return _mapclassify(np.abs(present), style.scheme, half)[: (MOST - 1) // 2]


def _rounded(
    present: Floats, bins: Floats, digits: int, style: MapStyle
) -> tuple[float, ...]:
    """Turn upper bounds into the cut points that the legend shows."""
    if not style.diverging:
        return _tidy_cuts(present, bins, digits)
    cuts = [c for c in _tidy_cuts(np.abs(present), bins, digits) if c > 0]
    middle = () if style.classes % 2 else (0.0,)
    return (*(-c for c in reversed(cuts)), *middle, *cuts)


def _mapclassify(values: Floats, scheme: str, count: int) -> Floats:
    import mapclassify  # takes a second, and most work needs no map

    distinct = np.unique(values)
    if count == 1:
        return distinct[:0]
    if distinct.size <= count:  # each value is a class of its own
        return distinct[:-1]
    name = SCHEMES[scheme][0]
    if name == "FisherJenks":
        values = _thinned(np.sort(values))
    options = {} if scheme in WITHOUT_K else {"k": count}
    with warnings.catch_warnings():
        # It warns when numba is absent and when ties leave fewer classes than
        # asked for: neither makes the breaks wrong.
        warnings.simplefilter("ignore", UserWarning)
        found = getattr(mapclassify, name)(values, **options).bins
    bins = np.unique(np.asarray(found, dtype=np.float64))
    inner: Floats = bins[(bins >= distinct[0]) & (bins < distinct[-1])][: MOST - 1]
    return inner


def _thinned(ordered: Floats) -> Floats:
    if ordered.size <= SAMPLE:
        return ordered
    middles = (np.arange(SAMPLE) + 0.5) / SAMPLE
    thin: Floats = ordered[(middles * ordered.size).astype(np.intp)]
    thin[-1] = ordered[-1]  # the upper bound of the highest class
    return thin


def _tidy_cuts(values: Floats, bins: Floats, digits: int) -> tuple[float, ...]:
    """Round upper bounds to cut points that part the same values, where it can be."""
    ordered = np.unique(values)
    at = np.searchsorted(ordered, bins, side="right")
    gap = float(np.diff(bins, append=ordered[-1]).min()) if bins.size else 1.0
    cuts = {
        _cut(float(b), float(ordered[i - 1]), float(ordered[i]), min(digits, figures))
        for b, i in zip(bins, at, strict=True)
        for figures in [_figures(float(b), gap)]
    }
    return tuple(sorted(c for c in cuts if ordered[0] < c <= ordered[-1]))


def _figures(bound: float, gap: float) -> int:
    """Return the decimals (below 0: tens, hundreds) that round a large bound.

    Three figures stay, or as many as keep the classes apart.

    Examples
    --------
    >>> round(38372.0, _figures(38372.0, gap=51000.0))
    38400.0
    """
    if abs(bound) < LARGE:
        return MOST_DIGITS
    return max(2 - math.floor(math.log10(abs(bound))), 1 - math.floor(math.log10(gap)))


def _cut(bound: float, below: float, above: float, digits: int) -> float:
    """Return the shown number nearest `bound` that is above `below`, if there is one.

    Examples
    --------
    >>> _cut(1.0, below=1.0, above=5.0, digits=0)
    2.0
    >>> _cut(13.3704, below=13.3704, above=13.3711, digits=1)
    13.4
    """
    nearest = round(bound, digits)
    if below < nearest <= above:
        return nearest
    scale = 10.0**digits
    following = round((math.floor(below * scale) + 1) / scale, digits)
    return following if following <= above else nearest


def _digits(present: Floats, style: MapStyle, breaks: Sequence[float] | Floats) -> int:
    """Return the decimals that show the range and tell the classes apart."""
    if style.digits is not None:
        return style.digits
    if (present == np.round(present)).all():
        return 0
    spread = float(np.ptp(present)) or float(np.abs(present).max())
    by_range = 2 - math.floor(math.log10(spread))
    gap = float(np.diff(breaks).min()) if len(breaks) > 1 else spread
    by_gap = min(1 - math.floor(math.log10(gap)), by_range + 2)
    return min(max(by_range, by_gap, 0), MOST_DIGITS)


def _decimals_of(value: float) -> int:
    """Return the decimals that write `value` in full, at most 8."""
    tries = range(MOST_DIGITS)
    return next((d for d in tries if round(value, d) == value), MOST_DIGITS)


def _in_words(style: MapStyle) -> str:
    words = SCHEMES[style.scheme][1]
    return f"{words}, symmetric about zero" if style.diverging else words

"""How fast cars are on a way: what is posted, else what its class of road allows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from geopoverty._checks import FIRST, first, require
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array
from geopoverty.routing.limits import KMH_PER_KNOT, KMH_PER_MPH, implied_limits

# Kilometres per hour where nothing is posted. Classes that are not listed are not
# driven: tracks, service roads, footpaths.
CLASS_KMH: Mapping[str, float] = MappingProxyType(
    {
        "motorway": 100.0,
        "motorway_link": 50.0,
        "trunk": 80.0,
        "trunk_link": 45.0,
        "primary": 60.0,
        "primary_link": 40.0,
        "secondary": 50.0,
        "secondary_link": 35.0,
        "tertiary": 40.0,
        "tertiary_link": 30.0,
        "unclassified": 40.0,
        "residential": 30.0,
        "living_street": 20.0,
        "road": 30.0,
    }
)
FASTEST_KMH = 160.0  # more than this is no limit but a slip
FASTEST_FACTOR = 2.0
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?")
_ZONE = re.compile(r"(?:[a-z-]+:)?zone:?\s*(\d+)")
_UNITS = {"mph": KMH_PER_MPH, "knots": KMH_PER_KNOT}


@dataclass(frozen=True)
class SpeedProfile:
    """Speeds of cars in kilometres per hour.

    A posted limit counts before what a word such as ``RO:rural`` stands for, and that
    before the class of the road.

    Attributes
    ----------
    by_class : mapping
        From the value of ``highway`` to km/h above 0, where nothing is posted. Only
        the classes listed are driven; ``{**CLASS_KMH, "service": 15, "track": 10}``
        adds two.
    country : str, optional
        Two letters, such as ``"RO"``: whose limits ``urban`` and ``rural`` mean where
        a way does not say.
    implied : mapping
        More words, or other limits for known ones: ``{"RO:rural": 80}``.
    factor : float
        The share of these speeds that is driven, above 0 and at most 2: 1 is an empty
        road at the limit.

    Examples
    --------
    >>> SpeedProfile(country="CH").read(["80", "30 mph", "rural", "signals"]).round(1)
    array([80. , 48.3, 80. ,  nan])
    """

    by_class: Mapping[str, float] = field(default_factory=lambda: dict(CLASS_KMH))
    country: str | None = None
    implied: Mapping[str, float] = field(default_factory=dict)
    factor: float = 1.0

    def __post_init__(self) -> None:
        if not self.by_class:
            raise InputError(
                "by_class must list at least one class of road. Start from CLASS_KMH."
            )
        for name in ("by_class", "implied"):
            speeds: Mapping[str, float] = getattr(self, name)
            values = np.array(list(speeds.values()), dtype=float)
            require(
                (values > 0) & (values <= FASTEST_KMH),
                f"Speeds in {name} must be above 0 and at most {FASTEST_KMH:g} km/h",
                ids=list(speeds),
                noun="speeds",
                way_out="Correct them, or leave a class out to close it.",
            )
        if not 0 < self.factor <= FASTEST_FACTOR:
            raise InputError(
                f"factor must be above 0 and at most {FASTEST_FACTOR:g} (0.8 means "
                f"that cars drive at 80 % of the limit); got {self.factor}."
            )
        if self.country is not None and not re.fullmatch("[A-Z]{2}", self.country):
            raise InputError(
                f"country must be two capital letters such as 'RO'; got "
                f"{self.country!r}."
            )

    def read(self, maxspeed: object) -> Array:
        """Return the posted speeds in km/h, NaN where none can be read.

        Parameters
        ----------
        maxspeed : sequence of str or None, shape (m,)
            Values of the tag ``maxspeed`` as mappers write them. Of several, such as
            ``50;30``, the lowest counts.

        Returns
        -------
        array, shape (m,)
        """
        codes, words = pd.factorize(pd.Series(maxspeed, dtype=object))
        limits = {**implied_limits(), **self.implied}
        speeds = [_read_one(str(w), limits, self.country) for w in words]
        return np.asarray(np.append(speeds, np.nan)[codes])

    def of_class(self, highway: object) -> Array:
        """Return the speed of each class of road in km/h, NaN where it is closed."""
        classes = pd.Series(highway, dtype=object)
        return np.asarray(classes.map(dict(self.by_class)).to_numpy(float))

    def __str__(self) -> str:
        share = "" if self.factor == 1 else f", driven at {100 * self.factor:g} % of it"
        return f"posted speed or that of the class of road{share}"


def unread(maxspeed: pd.Series, speeds: Array) -> str:
    """Return the values that say a speed which cannot be read, for a note.

    Examples
    --------
    >>> unread(pd.Series(["fast", "50", "signals"]), np.array([np.nan, 50, np.nan]))
    'fast'
    """
    said = maxspeed.notna().to_numpy() & np.isnan(speeds)
    words = pd.Index(maxspeed[said].astype(str)).unique()
    return first([w for w in words if w not in _NO_NUMBER], FIRST)


_NO_NUMBER = ("signals", "variable", "unposted", "unknown", "default")


def _read_one(text: str, limits: Mapping[str, float], country: str | None) -> float:
    parts = [p.strip() for p in re.split(r"[;|,]", text) if p.strip()]
    speeds = [_read_word(p, limits, country) for p in parts]
    read = [s for s in speeds if 0 < s <= FASTEST_KMH]
    return min(read, default=np.nan)


def _read_word(word: str, limits: Mapping[str, float], country: str | None) -> float:
    number = _NUMBER.fullmatch(word.lower())
    if number:
        return float(number[1]) * _UNITS.get(number[2], 1.0)
    zone = _ZONE.fullmatch(word.lower())
    if zone:
        return float(zone[1])
    place, _, kind = word.rpartition(":")
    named = f"{(place or country or '').upper()[:2]}:{kind.lower()}"
    # The word itself may be general ("rural") where the country is known.
    exact = word if place else named
    known = [limits[k] for k in (exact, named, kind.lower()) if k in limits]
    return float(known[0]) if known else np.nan

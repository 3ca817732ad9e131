"""Fill missing travel times by a rule that is named, and mark what was filled."""

from dataclasses import dataclass, replace
from typing import Protocol

import geopandas as gpd
import numpy as np
from scipy import sparse

from geopoverty._checks import first, require
from geopoverty._progress import progress
from geopoverty.data.boundaries import centres, units_of
from geopoverty.data.travel.modelled import Circuity, check_speed
from geopoverty.data.travel.times import TravelTimes
from geopoverty.errors import InputError
from geopoverty.numerics.distances import great_circle_km
from geopoverty.numerics.pairs import shortest_ways, without_gaps
from geopoverty.numerics.types import Array, Codes

DENSE_SHARE = 0.25


class FillRule(Protocol):
    """A way to say how long a trip takes that nobody measured."""

    def fill(self, times: TravelTimes, known: Array, start: Codes, end: Codes) -> Array:
        """Return minutes of the pairs from `start` to `end`; NaN where unknown.

        Parameters
        ----------
        times : TravelTimes
        known : array, shape (n, n)
            Its minutes without those filled before; infinite where not known.
        start, end : array of int, shape (m,)
            The missing pairs.
        """

    def __str__(self) -> str:
        """Return the rule in words."""


@dataclass(frozen=True)
class Reverse:
    """The way back takes as long as the way there.

    Attributes
    ----------
    factor : float
        Above 0: how many times as long.

    Raises
    ------
    InputError
        If factor is not above 0.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.factor < np.inf:
            raise InputError(f"factor must be above 0; got {self.factor}.")

    def fill(self, times: TravelTimes, known: Array, start: Codes, end: Codes) -> Array:  # noqa: ARG002
        """Return the minutes of the opposite direction."""
        return np.where(np.isfinite(known[end, start]), known[end, start], np.nan) * (
            self.factor
        )

    def __str__(self) -> str:
        times = "" if self.factor == 1 else f" {self.factor:g} times"
        return (
            f"as long as{times} the way back"
            if not times
            else (f"{self.factor:g} times the way back")
        )


@dataclass(frozen=True)
class Detour:
    """The shortest way through other units, over pairs that are known.

    It is an upper bound where minutes obey the triangle inequality, and takes no
    time for stops.
    """

    def fill(self, times: TravelTimes, known: Array, start: Codes, end: Codes) -> Array:  # noqa: ARG002
        """Return the minutes of the shortest ways, by Dijkstra's method."""
        minutes = np.full(len(start), np.nan)
        wanted = np.zeros(len(known), dtype=bool)
        for origin in progress(np.unique(start), "Looking for detours"):
            rows = np.flatnonzero(start == origin)
            wanted[:] = False
            wanted[end[rows]] = True
            ways = shortest_ways(int(origin), known, wanted)[end[rows]]
            minutes[rows] = np.where(np.isfinite(ways), ways, np.nan)
        return minutes

    def __str__(self) -> str:
        return "the shortest way through other units"


@dataclass(frozen=True, eq=False)
class Modelled:
    """Great circle x circuity / speed, as `model_travel_times`.

    Attributes
    ----------
    places : GeoDataFrame
        Indexed by unit id; every unit of the times must be there. Points, or
        polygons whose centre of area stands in.
    speed_kmh : float
        Above 0.
    circuity : float or Circuity
        At least 1.

    Raises
    ------
    InputError
        If speed or circuity is out of range.
    """

    places: gpd.GeoDataFrame
    speed_kmh: float
    circuity: float | Circuity

    def __post_init__(self) -> None:
        check_speed(self.speed_kmh, self.circuity)

    def fill(self, times: TravelTimes, known: Array, start: Codes, end: Codes) -> Array:  # noqa: ARG002
        """Return the modelled minutes."""
        at = units_of(self.places).get_indexer(times.units)
        require(
            at >= 0,
            "Every unit of the travel times needs a place to model from",
            ids=times.units,
            noun="units",
            way_out="Add these places, or use times.subset(units).",
        )
        lon, lat = (c[at] for c in centres(self.places))
        ratio = check_speed(self.speed_kmh, self.circuity)
        km = great_circle_km(lon[start], lat[start], lon[end], lat[end])
        return np.asarray(km * 60 * ratio / self.speed_kmh)

    def __str__(self) -> str:
        ratio = check_speed(self.speed_kmh, self.circuity)
        return f"modelled as great circle x {ratio:.3g} at {self.speed_kmh:g} km/h"


def fill_missing(times: TravelTimes, rule: FillRule) -> TravelTimes:
    """Fill the missing pairs by a rule, each one marked.

    Nothing is ever filled unless asked for: a pair that is missing may be a pair
    without a way.

    Parameters
    ----------
    times : TravelTimes
        Not modified.
    rule : Reverse, Detour or Modelled
        What a missing pair is taken to be. It looks at measured pairs alone, not
        at those filled before.

    Returns
    -------
    TravelTimes
        With the same ``status``, which holds for the pairs that were known;
        ``filled`` marks the others, and a note counts them and names the rule.

    Raises
    ------
    InputError
        If `rule` is none, no place is known of a unit, two places coincide, or the
        times were cut while reading.

    Examples
    --------
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [np.nan, 0.0]], "routed")
    >>> whole = fill_missing(times, Reverse())
    >>> whole.matrix.round(1), whole.filled.toarray()
    (array([[ 0., 30.],
           [30.,  0.]]), array([[False, False],
           [ True, False]]))
    """
    if not (hasattr(rule, "fill") and not isinstance(rule, type)):
        raise InputError(
            "fill_missing needs a rule: Reverse(), Detour() or Modelled(places, "
            f"speed_kmh, circuity); got {rule!r}."
        )
    times.require_all_pairs("Filling")
    known = without_gaps(times.matrix)
    start, end = _missing(known)
    measured = known
    if times.filled is not None:
        measured = known.copy()
        measured[times.filled.nonzero()] = np.inf
    minutes = rule.fill(times, measured, start, end)
    found = np.isfinite(minutes)
    _refuse_zero(times, start[found], end[found], minutes[found])
    note = (
        f"{int(found.sum()):,} of {times.n * (times.n - 1):,} pairs were missing and "
        f"were filled: {rule}. {int((~found).sum()):,} are missing still."
    )
    return replace(
        times,
        matrix=_entered(times, known, start[found], end[found], minutes[found]),
        notes=(*times.notes, note),
        filled=_marks(times, start[found], end[found]),
    )


def _missing(known: Array) -> tuple[Codes, Codes]:
    gaps = ~np.isfinite(known)
    np.fill_diagonal(gaps, val=False)
    start, end = np.nonzero(gaps)
    return start, end


def _refuse_zero(times: TravelTimes, start: Codes, end: Codes, minutes: Array) -> None:
    zero = ~(minutes > 0)
    if zero.any():
        pairs = [
            f"{times.units[i]} to {times.units[j]}"
            for i, j in zip(start[zero][:6], end[zero][:6], strict=True)
        ]
        raise InputError(
            f"The rule gives 0 minutes to {int(zero.sum())} pairs ({first(pairs)}): "
            "their places coincide. Correct the places."
        )


def _entered(
    times: TravelTimes, known: Array, start: Codes, end: Codes, minutes: Array
) -> object:
    """Return the matrix with pairs entered, as dense as it then should be."""
    known = known.copy()
    known[start, end] = minutes
    held = np.isfinite(known)
    if times.is_sparse and held.sum() < DENSE_SHARE * known.size:
        row, column = np.nonzero(held)
        return sparse.csr_array((known[row, column], (row, column)), known.shape)
    known[~held] = np.nan
    own = times.matrix.diagonal()
    np.fill_diagonal(known, np.where(np.isfinite(own), own, np.nan))
    return known


def _marks(times: TravelTimes, start: Codes, end: Codes) -> object:
    rows, columns = [start], [end]
    if times.filled is not None:
        before = times.filled.nonzero()
        rows, columns = [*rows, before[0]], [*columns, before[1]]
    at = np.concatenate(rows), np.concatenate(columns)
    shape = (times.n, times.n)
    return sparse.csr_array((np.ones(len(at[0]), dtype=bool), at), shape=shape)

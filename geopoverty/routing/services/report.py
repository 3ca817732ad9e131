"""What came of a download: the table, and what must be read with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import FIRST, first, warn
from geopoverty.numerics.distances import great_circle_km
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.routing.services.blocks import Block, Places
from geopoverty.routing.services.cache import Stored
from geopoverty.routing.services.options import Service

SELF_MINUTES = 1.0  # from a place to itself: more than this is strange
LEAST_MINUTES = 0.5 / 60  # half a second stands for what a service rounds to 0
FASTEST_KMH = 250.0  # along a great circle, by anything on a road
SHORTEST_KM = 10.0  # nearer pairs say little about speeds


@dataclass(frozen=True, eq=False)
class ServiceTable:
    """Minutes from a routing service.

    Attributes
    ----------
    units : Index of str, shape (n,)
        The places, in the order given.
    minutes : array, shape (n, n)
        From row to column; above 0 off the diagonal, 0 on it, NaN without a
        route.
    notes : tuple of str
        What must be read with them.
    attrs : mapping
        Title, status, source, licence, attribution, service, url (host only),
        profile, retrieved (first and last day).
    places : DataFrame, shape (n, 3)
        Indexed by unit: ``moved_m`` (metres from the place to its point on the
        road, NaN if the service does not say), ``unreachable_from`` and
        ``unreachable_to`` (how many others have no route from or to here).
    """

    units: pd.Index
    minutes: Array
    notes: tuple[str, ...]
    attrs: Mapping[str, Any]
    places: pd.DataFrame


class Gathered:
    """Puts blocks into one table.

    Parameters
    ----------
    places : Places
        All places.
    service : Service
        Whom they come from.
    """

    def __init__(self, places: Places, service: Service) -> None:
        self._places, self._service = places, service
        n = len(places)
        self._minutes = np.full((n, n), np.nan)
        self._moved = np.full(n, np.nan)
        self._days: set[date] = set()
        self._located = True

    def add(self, block: Block, stored: Stored) -> None:
        """Put one block in its place."""
        answer = stored.answer
        self._minutes[np.ix_(block.rows, block.columns)] = answer.minutes
        for side, moved in (
            (block.rows, answer.moved_from),
            (block.columns, answer.moved_to),
        ):
            self._moved[side] = np.fmax(self._moved[side], moved)
        self._days.add(stored.day)
        # Where nothing has a route, nothing needs an order.
        self._located &= answer.located or bool(np.isnan(answer.minutes).all())

    def table(self) -> ServiceTable:
        """Return the whole table, warning of what is strange in it."""
        minutes = self._minutes
        own = np.diagonal(minutes).copy()
        np.fill_diagonal(minutes, 0.0)
        unreachable = np.isnan(minutes)
        frame = pd.DataFrame(
            {
                "moved_m": self._moved,
                "unreachable_from": unreachable.sum(axis=1),
                "unreachable_to": unreachable.sum(axis=0),
            },
            index=self._places.units,
        )
        strange = [
            *_far_from_roads(frame, self._service.requests.snap_m),
            *_cut_off(frame),
            *_not_at_home(own, self._places),
            *_too_fast(minutes, self._places),
            *_no_time(minutes, self._places),
        ]
        for text in strange:
            warn(text)
        notes = (self._origin(), *self._quiet(unreachable), *strange)
        return ServiceTable(self._places.units, minutes, notes, self._attrs(), frame)

    def _retrieved(self) -> str:
        days = sorted(self._days)
        ends = dict.fromkeys([days[0].isoformat(), days[-1].isoformat()])
        return " to ".join(ends)

    def _origin(self) -> str:
        service = self._service
        return (
            f"Travel times are those of {service.dialect.label} at {service.host}, "
            f"profile '{service.profile}', {service.dialect.traffic}; retrieved "
            f"{self._retrieved()}."
        )

    def _quiet(self, unreachable: Mask) -> Iterator[str]:
        """Yield notes that no warning is needed for."""
        n, gaps = len(self._places), int(unreachable.sum())
        if gaps:
            rows, columns = np.nonzero(unreachable)
            named = _pairs(rows, columns, self._places)
            yield f"{gaps:,} of {n * (n - 1):,} pairs have no route ({named})."
        if not self._located:
            yield (
                f"{self._service.dialect.label} does not say where it puts places on "
                "its roads, so the order of its rows was checked by the times only."
            )

    def _attrs(self) -> dict[str, Any]:
        service, dialect = self._service, self._service.dialect
        return {
            "title": f"Travel times from {dialect.label}",
            "status": "routed",
            "source": f"{dialect.label} at {service.host}, profile {service.profile}, "
            f"retrieved {self._retrieved()}",
            "licence": dialect.licence,
            "attribution": dialect.attribution,
            "service": service.name,
            "url": service.host,
            "profile": service.profile,
            "retrieved": self._retrieved(),
        }


def _far_from_roads(frame: pd.DataFrame, limit: float) -> Iterator[str]:
    far = frame["moved_m"][frame["moved_m"] > limit].sort_values(ascending=False)
    if len(far):
        some = far.iloc[: FIRST + 1].items()
        named = first(f"{unit} {metres / 1000:.1f} km" for unit, metres in some)
        yield (
            f"{len(far)} of {len(frame)} places are more than {limit:,.0f} m from the "
            f"road that the service put them on ({named}); the way there is not "
            "counted. Check these points."
        )


def _cut_off(frame: pd.DataFrame) -> Iterator[str]:
    others = len(frame) - 1
    alone = (frame["unreachable_from"] == others) | (frame["unreachable_to"] == others)
    if alone.any():
        yield (
            f"{int(alone.sum())} of {len(frame)} places have no route to, or from, "
            f"any other ({first(frame.index[alone])}). Check these points, or whether "
            "the service's map holds them."
        )


def _not_at_home(own: Array, places: Places) -> Iterator[str]:
    # NaN, for a place off the map, is not above.
    strange = np.flatnonzero(own > SELF_MINUTES)
    if strange.size:
        some = strange[: FIRST + 1]
        named = first(f"{places.units[i]} {own[i]:.1f}" for i in some)
        yield (
            f"{strange.size} of {len(places)} places are more than {SELF_MINUTES:g} "
            f"minute from themselves ({named} minutes); rows of the service may be in "
            "another order. Compare some pairs with its website."
        )


def _too_fast(minutes: Array, places: Places) -> Iterator[str]:
    rows, columns = [], []
    for i in range(len(places)):
        km = great_circle_km(places.lon[i], places.lat[i], places.lon, places.lat)
        fast = (km > SHORTEST_KM) & (km > FASTEST_KMH / 60 * minutes[i])
        found = np.flatnonzero(fast)
        rows.append(np.full(found.size, i))
        columns.append(found)
    origins, targets = np.concatenate(rows), np.concatenate(columns)
    if origins.size:
        yield (
            f"{origins.size:,} pairs are faster than {FASTEST_KMH:g} km/h along a "
            f"straight line ({_pairs(origins, targets, places)}): no road allows that. "
            "Check the service's units and the order of its rows."
        )


def _no_time(minutes: Array, places: Places) -> Iterator[str]:
    """Lift 0 minutes between different places to half a second."""
    none = minutes == 0
    np.fill_diagonal(none, val=False)
    if none.any():
        rows, columns = np.nonzero(none)
        minutes[none] = LEAST_MINUTES
        yield (
            f"{rows.size:,} pairs of places share a point of the road and are 0 "
            f"minutes apart ({_pairs(rows, columns, places)}); they stand as half a "
            "second, which weighs much under inverse decay. Merge them, or move their "
            "points."
        )


def _pairs(rows: Codes, columns: Codes, places: Places) -> str:
    some = zip(rows[: FIRST + 1], columns[: FIRST + 1], strict=True)
    return first(f"{places.units[i]} to {places.units[j]}" for i, j in some)

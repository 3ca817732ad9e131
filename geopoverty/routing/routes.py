"""Travel times between places over roads, here or by a routing service."""

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty._checks import FIRST, first, warn
from geopoverty.data.travel import TravelTimes, Within
from geopoverty.errors import InputError
from geopoverty.numerics.types import Matrix
from geopoverty.routing.means import Means, near_only
from geopoverty.routing.minutes import minutes_over_roads
from geopoverty.routing.points import PopulationPoints, Spots, spots_of
from geopoverty.routing.reading import read_roads
from geopoverty.routing.roads import Roads
from geopoverty.routing.snap import Snapping, notes_on, snap

# Minutes, notes and attributes.
_Found: TypeAlias = tuple[Matrix, tuple[str, ...], Mapping[str, Any]]


def route_travel_times(
    places: gpd.GeoDataFrame,
    *,
    network: str | os.PathLike[str] | pd.DataFrame | Roads | None = None,
    service: Any = None,
    points: str | PopulationPoints | None = None,
    snapping: Snapping | None = None,
    cutoff: float | None = None,
    workers: int | None = None,
) -> TravelTimes:
    """Find the minutes by car between all places, over roads.

    Over a `network` every quickest way is found on this machine, exactly, with no
    congestion. A `service` is asked for them instead.

    Parameters
    ----------
    places : GeoDataFrame, n rows
        Indexed by unit id; points, or polygons whose centre of area stands in.
    network : path, DataFrame or Roads, optional
        What `read_roads` reads, or what it returned: read it yourself to set speeds,
        ferries or names of columns, or to use it more than once.
    service : optional
        A routing service, such as ``OSRM(url=...)``; instead of `network`.
    points : str or PopulationPoints, optional
        Where in each unit trips begin and end: a column of `places` with points
        (administrative centres), or points with people.
    snapping : Snapping, optional
        How places are tied to the roads: tolerance, and speed on the way there.
    cutoff : float, optional
        Minutes, above 0: leave out longer trips. The times are then sparse, and much
        quicker to find.
    workers : int, optional
        Threads; as many as cores when not given. Results do not depend on it.

    Returns
    -------
    TravelTimes
        With status "routed", not symmetric where there are one-ways. Places without
        a way are NaN, or absent under a cutoff; the notes name them.

    Raises
    ------
    InputError
        If not one of `network` and `service` is given, no place is near a road, two
        places coincide, or places or roads cannot be used (see `read_roads`).

    Warns
    -----
    GeoPovertyWarning
        If places are not reached.

    See Also
    --------
    snap_places : which road each place is tied to.

    Notes
    -----
    A trip is the straight line to the nearest road node, the quickest way, and the
    straight line to the other place. Two places at one node are joined by the straight
    line between them. Nodes in the middle of a motorway or a ferry are not used, nor
    are scraps of road that do not lead to the network.

    References
    ----------
    .. [1] Dijkstra, E. W. (1959). A note on two problems in connexion with graphs.
       Numerische Mathematik 1, 269-271.

    Examples
    --------
    >>> from shapely.geometry import Point
    >>> towns = gpd.GeoDataFrame(
    ...     index=["x", "y"], geometry=[Point(0, 0), Point(0.1, 0)], crs=4326)
    >>> roads = pd.DataFrame({
    ...     "from_node": ["a", "b"], "to_node": ["b", "a"], "minutes": [10.0, 12.0],
    ...     "from_lon": [0.0, 0.1], "from_lat": [0.0, 0.0],
    ...     "to_lon": [0.1, 0.0], "to_lat": [0.0, 0.0]})
    >>> route_travel_times(towns, network=roads).matrix
    array([[ 0., 10.],
           [12.,  0.]])
    """
    if (network is None) == (service is None):
        raise InputError(
            "route_travel_times needs one of network= (a file of roads) and service= "
            f"(a routing service); got {'neither' if network is None else 'both'}."
        )
    if service is not None and snapping is not None:
        raise InputError(
            "snapping ties places to a network; a service does that by itself. Leave "
            "it out, or set it in the service."
        )
    if cutoff is not None and not 0 < cutoff < np.inf:
        raise InputError(f"cutoff must be minutes above 0; got {cutoff}.")
    spots = spots_of(places, points)
    if service is not None:
        found = _from_service(spots, service, cutoff)
    else:
        roads = network if isinstance(network, Roads) else read_roads(network)
        found = _over_roads(spots, roads, snapping or Snapping(), cutoff, workers)
    matrix, notes, attrs = found
    own = (spots.note,) if spots.note else ()
    limit = () if cutoff is None else (f"Trips over {cutoff:g} minutes are left out.",)
    title = {**attrs, "title": "Routed travel times", "status": "routed"}
    return TravelTimes(
        spots.units,
        matrix,
        "routed",
        (*notes, *own, *limit),
        title,
        within=Within(cutoff),
    )


def _over_roads(
    spots: Spots,
    roads: Roads,
    snapping: Snapping,
    cutoff: float | None,
    workers: int | None,
) -> _Found:
    snapped = snap(spots, roads, snapping)
    notes = (*roads.notes, *notes_on(snapped, roads, snapping))
    matrix = minutes_over_roads(
        roads,
        snapped,
        access_kmh=snapping.access_kmh,
        cutoff=cutoff,
        workers=workers,
    )
    _require_trips(matrix, spots, cutoff)
    return matrix, (*notes, *_without_way(matrix, spots, cutoff)), roads.attrs


def _from_service(spots: Spots, service: Any, cutoff: float | None) -> _Found:
    from geopoverty.routing.services import table_from_service

    found = table_from_service(spots.names(), spots.lon, spots.lat, service)
    matrix = found.minutes
    if not spots.single:
        every = np.arange(len(spots.unit), dtype=np.intp)
        means = Means(spots, every)
        means.add(every, matrix)
        matrix = means.minutes()
    if cutoff is not None:
        matrix = near_only(matrix, cutoff)
    return matrix, found.notes, found.attrs


def _require_trips(matrix: Matrix, spots: Spots, cutoff: float | None) -> None:
    n, names = len(spots.units), first(spots.units[: FIRST + 1])
    if cutoff is not None and not matrix.nnz:
        raise InputError(
            f"No trip between the {n} places ({names}) is within {cutoff:g} minutes. "
            "Raise the cutoff, or see snap_places."
        )
    if cutoff is None and np.isfinite(matrix).sum() == n:
        raise InputError(
            f"No two of the {n} places ({names}) are joined by roads. See snap_places, "
            "and read ferries with read_roads(..., ferries=True)."
        )


def _without_way(matrix: Matrix, spots: Spots, cutoff: float | None) -> tuple[str, ...]:
    """Say how many pairs have no way, where all pairs were asked for."""
    if cutoff is not None:
        return ()
    missing = np.isnan(matrix)
    if not missing.any():
        return ()
    n = len(spots.units)
    notes = [f"{int(missing.sum()):,} of {n * (n - 1):,} pairs have no way."]
    alone = (missing.sum(axis=0) >= n - 1) & (missing.sum(axis=1) >= n - 1)
    if alone.any():
        text = (
            f"{int(alone.sum())} of {n} units reach no other and are reached by none "
            f"({first(spots.units[alone])})."
        )
        warn(f"{text} See snap_places, and try ferries=True.")
        notes.append(text)
    return tuple(notes)

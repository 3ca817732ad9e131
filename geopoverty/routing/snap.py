"""The road nearest to each place, and which places have none near enough."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from geopoverty._checks import FIRST, first, warn
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.routing.points import PopulationPoints, Spots, spots_of
from geopoverty.routing.roads import Roads, extent_of, inside, shown

NEAR, FAR, CUT_OFF, BEYOND = "near", "far", "cut off", "beyond the tolerance"
KM_PER_DEGREE = 111.0
EQUATOR_KM, FLATNESS = 6378.137, 0.00669437999014  # WGS 84: radius, e squared


@dataclass(frozen=True)
class Snapping:
    """How a place is tied to the roads.

    Attributes
    ----------
    tolerance_km : float
        A place farther than this from every road is not reached; above 0.
    far_km : float
        A place farther than this is named in the notes, and one that has a road which
        leads nowhere is not tied to a network that lies farther beyond it than this.
        At most the tolerance.
    access_kmh : float
        Speed on the straight line between place and road; above 0. 20 km/h is a car
        on tracks, 5 km/h is walking.
    """

    tolerance_km: float = 5.0
    far_km: float = 1.0
    access_kmh: float = 20.0

    def __post_init__(self) -> None:
        if not 0 <= self.far_km <= self.tolerance_km < np.inf or not self.tolerance_km:
            raise InputError(
                "Snapping needs 0 <= far_km <= tolerance_km and a tolerance above 0; "
                f"got far_km={self.far_km}, tolerance_km={self.tolerance_km}."
            )
        if not 0 < self.access_kmh < np.inf:
            raise InputError(f"access_kmh must be above 0; got {self.access_kmh}.")


@dataclass(frozen=True, eq=False)
class Snapped:
    """Each point's road node.

    Attributes
    ----------
    spots : Spots
    node : array of int, shape (p,)
        Position among the nodes of the roads.
    km : array, shape (p,)
        Straight from the point to that node.
    state : array of str, shape (p,)
        "near", "far", "cut off" (only a scrap of road is near, which does not lead to
        the network) or "beyond the tolerance". Points of the last two are not reached.
    """

    spots: Spots
    node: Codes
    km: Array
    state: np.ndarray

    @property
    def reached(self) -> Mask:
        """Which points are tied to the network."""
        return np.asarray(np.isin(self.state, (NEAR, FAR)))


def snap_places(
    places: gpd.GeoDataFrame,
    roads: Roads,
    *,
    points: str | PopulationPoints | None = None,
    snapping: Snapping | None = None,
) -> pd.DataFrame:
    """Report which road each place is tied to, and how well.

    Parameters
    ----------
    places : GeoDataFrame, n rows
        Indexed by unit id; points, or polygons whose centre of area stands in.
    roads : Roads
        From `read_roads`.
    points : str or PopulationPoints, optional
        See `route_travel_times`.
    snapping : Snapping, optional

    Returns
    -------
    DataFrame, one row a point
        ``unit_id``; ``lon, lat`` of the point and ``road_lon, road_lat`` of its node,
        degrees; ``node``, as the source calls it; ``km`` between them;
        ``access_minutes``; ``weight``, its share of the unit; ``state``: "near",
        "far", "cut off" or "beyond the tolerance".

    Raises
    ------
    InputError
        If no place is near a road, as with roads of another region.

    Examples
    --------
    >>> from shapely.geometry import Point
    >>> from geopoverty.routing.reading import read_roads
    >>> roads = read_roads(pd.DataFrame({
    ...     "from_node": ["a", "b"], "to_node": ["b", "a"], "minutes": [10.0, 10.0],
    ...     "from_lon": [0.0, 0.1], "from_lat": [0.0, 0.0],
    ...     "to_lon": [0.1, 0.0], "to_lat": [0.0, 0.0]}))
    >>> town = gpd.GeoDataFrame(index=["x"], geometry=[Point(0.001, 0)], crs=4326)
    >>> report = snap_places(town, roads)
    >>> report.loc[0, ["unit_id", "node", "state"]].tolist()
    ['x', 'a', 'near']
    """
    asked = snapping or Snapping()
    spots = spots_of(places, points)
    found = snap(spots, roads, asked)
    return pd.DataFrame(
        {
            "unit_id": spots.units[spots.unit],
            "lon": spots.lon,
            "lat": spots.lat,
            "node": roads.nodes[found.node],
            "road_lon": roads.lon[found.node],
            "road_lat": roads.lat[found.node],
            "km": found.km,
            "access_minutes": 60 * found.km / asked.access_kmh,
            "weight": spots.weight,
            "state": found.state,
        }
    )


def snap(spots: Spots, roads: Roads, snapping: Snapping) -> Snapped:
    """Tie each point to its nearest node of a well joined part of the roads.

    Raises
    ------
    InputError
        If no point is within the tolerance.
    """
    able = np.flatnonzero(roads.entered & roads.joined)
    if not able.size:
        able = np.flatnonzero(roads.joined)
    node, km = _nearest(spots, roads, able)
    _, any_km = _nearest(spots, roads, np.flatnonzero(roads.entered))
    state = np.where(km > snapping.far_km, FAR, NEAR).astype(object)
    # Their own road leads nowhere, and the network is much farther: an island, perhaps.
    state[(any_km <= snapping.far_km) & (km > any_km + snapping.far_km)] = CUT_OFF
    state[km > snapping.tolerance_km] = BEYOND
    found = Snapped(spots, node, km, state)
    if not (km <= snapping.tolerance_km).any():
        _refuse_region(spots, roads, snapping)
    return found


def notes_on(found: Snapped, roads: Roads, snapping: Snapping) -> tuple[str, ...]:
    """Say which points are tied badly or not at all; warn of the latter."""
    notes = [
        f"Places are tied to the nearest road node, straight, at "
        f"{snapping.access_kmh:g} km/h: median {1000 * np.median(found.km):.0f} m.",
    ]
    names = found.spots.names()
    far = found.state == FAR
    if far.any():
        notes.append(
            f"{int(far.sum())} of {len(far)} points are over {snapping.far_km:g} km "
            f"from a road ({_with_km(names, found.km, far)})."
        )
    for state, reason in ((BEYOND, _beyond(found, roads, snapping)), (CUT_OFF, _CUT)):
        lost = found.state == state
        if lost.any():
            message = (
                f"{int(lost.sum())} of {len(lost)} points are not reached "
                f"({_with_km(names, found.km, lost)}): {reason}"
            )
            warn(message)
            notes.append(message)
    return tuple(notes)


_CUT = (
    "the roads near them do not lead to the network. They may lie on islands (try "
    "ferries=True) or at the edge of the extract; a larger far_km ties them straight."
)


def _beyond(found: Snapped, roads: Roads, snapping: Snapping) -> str:
    lost = found.state == BEYOND
    lon, lat = found.spots.lon[lost], found.spots.lat[lost]
    text = f"no road is within {snapping.tolerance_km:g} km. "
    swapped = int(_within(lat, lon, roads, snapping).sum())
    if swapped:
        return (
            f"{text}{swapped} of them would lie among the roads if longitude and "
            "latitude were swapped: check these."
        )
    return f"{text}The roads cover {shown(roads.extent)}."


def _nearest(spots: Spots, roads: Roads, able: Codes) -> tuple[Codes, Array]:
    tree = cKDTree(_in_space(roads.lon[able], roads.lat[able]))
    km, at = tree.query(_in_space(spots.lon, spots.lat))
    return able[at], np.asarray(km)


def _in_space(lon: Array, lat: Array) -> Array:
    """Return kilometres from the centre of the WGS 84 ellipsoid, shape (n, 3).

    Over a few kilometres the straight line between such points is as long as the way
    over the ground.
    """
    x, y = np.radians(lon), np.radians(lat)
    round_ = EQUATOR_KM / np.sqrt(1 - FLATNESS * np.sin(y) ** 2)
    return np.column_stack(
        [
            round_ * np.cos(y) * np.cos(x),
            round_ * np.cos(y) * np.sin(x),
            round_ * (1 - FLATNESS) * np.sin(y),
        ]
    )


def _refuse_region(spots: Spots, roads: Roads, snapping: Snapping) -> None:
    names = first(spots.units[: FIRST + 1])
    here = shown(extent_of(spots.lon, spots.lat))
    message = (
        f"No place is within {snapping.tolerance_km:g} km of a road: all "
        f"{len(spots.units)} places ({names}) lie at {here}, the roads at "
        f"{shown(roads.extent)}."
    )
    if _within(spots.lat, spots.lon, roads, snapping).any():
        raise InputError(
            f"{message} Longitude and latitude of the places look swapped: swapped, "
            "they lie among the roads. A point is (longitude, latitude)."
        )
    raise InputError(f"{message} Give the roads of the same region.")


def _within(lon: Array, lat: Array, roads: Roads, snapping: Snapping) -> Mask:
    west, south, east, north = roads.extent
    edge = snapping.tolerance_km / KM_PER_DEGREE
    around = (west - edge, south - edge, east + edge, north + edge)
    return inside(lon, lat, around)


def _with_km(names: pd.Index, km: Array, chosen: Mask) -> str:
    farthest = np.flatnonzero(chosen)
    farthest = farthest[np.argsort(-km[farthest], kind="stable")]
    return first(f"{names[i]} {km[i]:.1f} km" for i in farthest[: FIRST + 1])

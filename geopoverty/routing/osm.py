"""Roads from an OpenStreetMap extract (.osm.pbf), read with pyrosm."""

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.errors import InputError, MissingExtraError
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.routing.pbf import check_pbf
from geopoverty.routing.roads import Extent, Roads
from geopoverty.routing.speeds import SpeedProfile, unread
from geopoverty.routing.tags import (
    USED,
    crossing_minutes,
    directions,
    open_to_cars,
)

FERRY_KMH = 20.0  # where a crossing does not say how long it takes
LIMITED = ("motorway", "motorway_link")  # no trip begins or ends on these
# Tags that name a kind of limit, where none is posted as a number.
KINDS = ("maxspeed:type", "source:maxspeed", "zone:traffic")
CREDIT = {
    "title": "Roads of OpenStreetMap",
    "status": "routed",
    "source": "OpenStreetMap",
    "licence": "ODbL-1.0",
    "attribution": "(c) OpenStreetMap contributors, ODbL 1.0",
}


@dataclass(frozen=True, eq=False)
class Segments:
    """Pieces of ways between neighbouring nodes, as a file holds them.

    Attributes
    ----------
    tags : DataFrame, shape (s, ...)
        One tag a column, `None` or NaN where a way lacks it, and ``way``, its id.
    start, end : array of int, shape (s,)
        Positions among the nodes, in the direction in which the way is drawn.
    km : array, shape (s,)
    """

    tags: pd.DataFrame
    start: Codes
    end: Codes
    km: Array


@dataclass(frozen=True, eq=False)
class _Facts:
    """Which segments say a limit, and the limits that could not be read."""

    posted: Mask
    strange: str


def roads_of_pbf(
    path: Path, speeds: SpeedProfile, *, ferries: bool, within: Extent | None = None
) -> Roads:
    """Read the roads of an extract that cars may use.

    Parameters
    ----------
    path : Path
    speeds : SpeedProfile
    ferries : bool
        Whether cars take ferries.
    within : tuple of float, optional
        West, south, east and north in degrees: read no more than this.

    Raises
    ------
    MissingExtraError
        If pyrosm is not installed.
    InputError
        If the file is missing, is no PBF or is cut short, or holds no road for cars.
    """
    check_pbf(path)
    nodes, edges = _read(path, list(speeds.by_class), ferries, within)
    ids = pd.Index(nodes["id"].to_numpy())
    start, end = (np.asarray(ids.get_indexer(edges[c])) for c in "uv")
    # A cut extract may name nodes that lie outside of it.
    held = (start >= 0) & (end >= 0)
    segments = Segments(
        edges[held].rename(columns={"id": "way"}),
        start[held],
        end[held],
        edges["length"].to_numpy(float)[held] / 1000,
    )
    lon, lat = nodes["lon"].to_numpy(float), nodes["lat"].to_numpy(float)
    return roads_of_segments(ids, lon, lat, segments, speeds)


def roads_of_segments(
    nodes: pd.Index, lon: Array, lat: Array, segments: Segments, speeds: SpeedProfile
) -> Roads:
    """Turn pieces of ways with their tags into directed ways with minutes.

    Examples
    --------
    >>> tags = pd.DataFrame({"highway": ["primary"], "maxspeed": ["60"], "way": [1]})
    >>> one = Segments(tags, np.array([0]), np.array([1]), np.array([10.0]))
    >>> spots = pd.Index([7, 8]), np.array([0.0, 0.1]), np.zeros(2)
    >>> roads_of_segments(*spots, one, SpeedProfile()).minutes
    array([10., 10.])
    """
    ferry = _said(segments.tags, "route").eq("ferry").to_numpy(bool)
    along_kmh, against_kmh, facts = _speeds(segments.tags, speeds)
    usable = open_to_cars(segments.tags) & (ferry | ~np.isnan(along_kmh))
    along, against = directions(segments.tags)
    crossing = _ferry_minutes(segments, ferry)
    ways = [
        (segments.start, segments.end, usable & along, along_kmh),
        (segments.end, segments.start, usable & against, against_kmh),
    ]
    tables = [
        (
            one[held],
            other[held],
            np.where(ferry, crossing, 60 * segments.km / kmh)[held],
        )
        for one, other, held, kmh in ways
    ]
    start, end, minutes = (np.concatenate(parts) for parts in zip(*tables, strict=True))
    road = _said(segments.tags, "highway")
    calm = usable & ~ferry & ~road.isin(LIMITED).to_numpy(bool)
    entered = np.zeros(len(nodes), dtype=bool)
    entered[segments.start[calm]] = entered[segments.end[calm]] = True
    notes = _notes(speeds, facts, usable, ferry)
    return Roads(nodes, lon, lat, start, end, minutes, entered, notes, CREDIT)


def _read(
    path: Path, classes: list[str], ferries: bool, within: Extent | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    try:
        import pyrosm
        from pyrosm.exceptions import PBFException
    except ImportError as error:
        raise MissingExtraError(
            "Roads of OpenStreetMap are read with the package pyrosm, which is not "
            "installed. Install the extra: pip install 'geopoverty[routing]'."
        ) from error
    wanted = [f'["highway"="{name}"]' for name in classes]
    if ferries:
        wanted.append('["route"="ferry"]')
    try:
        with warnings.catch_warnings():
            # An empty answer is refused below, in our words.
            warnings.simplefilter("ignore")
            file = pyrosm.OSM(
                str(path),
                bounding_box=None if within is None else list(within),
                keep_metadata=False,
                progress=sys.stderr.isatty(),
            )
            nodes, edges = file.get_network(
                "driving", nodes=True, custom_filter=wanted, tags_to_keep=list(USED)
            )
    except (PBFException, ValueError, OSError) as error:
        raise InputError(
            f"'{path}' is damaged: it cannot be decoded. Download the extract again."
        ) from error
    finally:
        # It keeps what it has read in the folder of temporary files.
        pyrosm.OSM.clear_cache(str(path))
    if edges is None or nodes is None:
        raise InputError(
            f"'{path}' holds no road of the classes {first(classes)}. Check the "
            "extract: some hold only borders or buildings."
        )
    return pd.DataFrame(nodes), pd.DataFrame(edges)


def _speeds(tags: pd.DataFrame, speeds: SpeedProfile) -> tuple[Array, Array, _Facts]:
    posted = speeds.read(_said(tags, "maxspeed"))
    strange = unread(_said(tags, "maxspeed"), posted)
    kind = np.full(len(tags), np.nan)
    for name in KINDS:
        kind = np.where(np.isnan(kind), speeds.read(_said(tags, name)), kind)
    usual = speeds.of_class(_said(tags, "highway"))
    # A class that is closed stays closed, whatever is posted on it.
    closed = np.isnan(usual)
    known = np.where(np.isnan(posted), kind, posted)
    both = np.where(np.isnan(known), usual, known)
    either = []
    for name in ("maxspeed:forward", "maxspeed:backward"):
        own = speeds.read(_said(tags, name))
        kmh = np.where(np.isnan(own), both, own) * speeds.factor
        either.append(np.where(closed, np.nan, kmh))
    return either[0], either[1], _Facts(~np.isnan(known), strange)


def _ferry_minutes(segments: Segments, ferry: Mask) -> Array:
    """Share the minutes of each crossing among its pieces, by length."""
    km = pd.Series(np.where(ferry, segments.km, 0.0))
    whole = km.groupby(segments.tags["way"].to_numpy()).transform("sum").to_numpy()
    said = crossing_minutes(_said(segments.tags, "duration").where(ferry))
    share = np.divide(km, whole, out=np.zeros(len(km)), where=whole > 0)
    return np.asarray(np.where(np.isnan(said), 60 * km / FERRY_KMH, said * share))


def _notes(
    speeds: SpeedProfile, facts: _Facts, usable: Mask, ferry: Mask
) -> tuple[str, ...]:
    roads = usable & ~ferry
    posted = 100 * facts.posted[roads].mean() if roads.any() else 0.0
    notes = [
        f"Minutes of driving at the {speeds}: {posted:.0f} % of the pieces of road "
        "have a posted limit. No congestion; turns and signals cost nothing, turn "
        "restrictions are not read.",
    ]
    crossings = int((usable & ferry).sum())
    if crossings:
        notes.append(
            f"Ferries are taken ({crossings:,} pieces of crossings); waiting is not "
            "counted."
        )
    if facts.strange:
        notes.append(
            f"Limits that could not be read, so that the class of road counts: "
            f"{facts.strange}."
        )
    return (*notes, CREDIT["attribution"] + ".")


def _said(tags: pd.DataFrame, name: str) -> pd.Series:
    if name in tags:
        return tags[name].reset_index(drop=True)
    return pd.Series(None, index=range(len(tags)), dtype=object)

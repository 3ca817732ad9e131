"""States far from the rest, drawn apart: Alaska, Hawaii and the territories."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geopoverty.projections import (
    LONLAT,
    US_ALBERS,
    US_LONLAT,
    extent_of,
    is_national,
    name_of,
    points_of,
)

PAD = 25_000.0  # metres between a frame and what stands in it

Geometries = NDArray[np.object_]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Inset:
    """A part of a country that is moved and scaled into a frame.

    Attributes
    ----------
    name : str
        For the footer.
    where : tuple of boxes
        West, south, east, north in degrees: units whose inner point lies in one of
        these belong here.
    crs : CRS
        The projection of this part alone.
    frame : box
        Where it stands, in metres of the national projection.
    kept : box, optional
        Islands outside, in degrees, are not drawn if the unit has others inside.
    """

    name: str
    where: tuple[Box, ...]
    crs: CRS
    frame: Box
    kept: Box | None = None


@dataclass(frozen=True, eq=False)
class Placed:
    """A country with its insets in place.

    Attributes
    ----------
    shapes : array of polygons, shape (n,)
        In metres of the national projection, in the order of the boundaries.
    frames : tuple of boxes
        West, south, east, north of each frame, in the same metres.
    projection : str
        What was done, for the footer.
    """

    shapes: Geometries
    frames: tuple[Box, ...]
    projection: str


def _albers(low: float, high: float, lat: float, lon: float) -> CRS:
    return CRS.from_dict(
        {"proj": "aea", "lat_1": low, "lat_2": high, "lat_0": lat, "lon_0": lon}
    )


# The frames stand on free water and on Mexico, south of the contiguous states.
US_INSETS = (
    Inset(
        "Alaska",
        ((-180.0, 51.0, -129.9, 72.0), (172.0, 51.0, 180.0, 54.0)),
        CRS.from_epsg(3338),
        (-2.34e6, 0.14e6, -1.06e6, 0.92e6),
    ),
    Inset(
        "Hawaii",
        ((-179.0, 18.0, -154.0, 29.0),),
        _albers(8, 18, 13, -157),
        (-1.02e6, 0.14e6, -0.42e6, 0.54e6),
        kept=(-161.0, 18.0, -154.0, 23.0),
    ),
    Inset(
        "Guam and the Northern Mariana Islands",
        ((144.0, 13.0, 147.0, 21.0),),
        _albers(13, 20, 16, 145),
        (0.06e6, 0.14e6, 0.32e6, 0.56e6),
    ),
    Inset(
        "American Samoa",
        ((-172.0, -15.0, -168.0, -10.0),),
        _albers(-15, -11, -14, -170),
        (0.42e6, 0.14e6, 0.82e6, 0.38e6),
        kept=(-171.2, -14.7, -169.0, -13.9),
    ),
    Inset(
        "Puerto Rico and the Virgin Islands",
        ((-68.0, 17.0, -64.0, 19.0),),
        _albers(8, 18, 18, -66),
        (1.8e6, 0.14e6, 2.22e6, 0.36e6),
    ),
)


def place_insets(boundaries: gpd.GeoDataFrame) -> Placed | None:
    """Move the states that lie apart below the contiguous United States.

    Each inset is in an equal-area projection of its own, scaled down until it fits
    its frame and never scaled up: Alaska to about a third, the others hardly.

    Parameters
    ----------
    boundaries : GeoDataFrame, shape (n, p)
        Polygons, with a coordinate system.

    Returns
    -------
    Placed, optional
        None unless the contiguous states are there, something lies apart, and every
        unit belongs to either.

    Examples
    --------
    >>> corners = [(-122, 37), (-75, 40), (-152, 60)]
    >>> places = [shapely.box(x, y, x + 2, y + 2) for x, y in corners]
    >>> placed = place_insets(gpd.GeoDataFrame(geometry=places, crs=4326))
    >>> len(placed.frames), placed.projection
    (1, 'NAD83 / Conus Albers; drawn apart: Alaska (at the same scale)')
    """
    part = _parts(boundaries)
    main = part == len(US_INSETS)
    if (part < 0).any() or main.all() or not main.any():
        return None
    if not is_national(extent_of(boundaries[main])):
        return None
    shapes = np.empty(len(boundaries), dtype=object)
    shapes[main] = boundaries.geometry[main].to_crs(US_ALBERS).to_numpy()
    said, frames = [], []
    for k, inset in enumerate(US_INSETS):
        here = part == k
        if here.any():
            shapes[here], scale = _framed(boundaries[here], inset)
            frames.append(inset.frame)
            same = scale > 0.995
            at = "the same scale" if same else f"{scale:.2f} of the scale"
            said.append(f"{inset.name} (at {at})")
    apart = f"{name_of(US_ALBERS)}; drawn apart: {', '.join(said)}"
    return Placed(shapes, tuple(frames), apart)


def _parts(boundaries: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return which inset each unit is in: the last plus 1 is the mainland, -1 none."""
    lon, lat = points_of(boundaries)
    part = np.full(len(boundaries), -1)
    places = [*(i.where for i in US_INSETS), (US_LONLAT,)]
    for k, boxes in enumerate(places):
        for west, south, east, north in boxes:
            inside = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
            part[inside] = k
    return part


def _framed(units: gpd.GeoDataFrame, inset: Inset) -> tuple[Geometries, float]:
    """Project units and fit them into their frame; also return the scale."""
    geometry = units.geometry
    if inset.kept is not None:
        lonlat = geometry.to_crs(LONLAT).to_numpy()
        kept = [_cropped(shape, shapely.box(*inset.kept)) for shape in lonlat]
        geometry = gpd.GeoSeries(kept, index=units.index, crs=LONLAT)
    shapes = geometry.to_crs(inset.crs).to_numpy()
    west, south, east, north = shapely.total_bounds(shapes)
    left, low, right, high = inset.frame
    room = right - left - 2 * PAD, high - low - 2 * PAD
    scale = min(1.0, room[0] / (east - west), room[1] / (north - south))
    middle = np.array([west + east, south + north]) / 2
    target = np.array([left + right, low + high]) / 2
    moved = shapely.transform(shapes, lambda at: (at - middle) * scale + target)
    return moved, scale


def _cropped(shape: shapely.Geometry, box: shapely.Geometry) -> shapely.Geometry:
    """Leave out islands outside the box, if any lie inside."""
    islands = shapely.get_parts(shape)
    near = islands[shapely.intersects(islands, box)]
    return shapely.union_all(near) if 0 < len(near) < len(islands) else shape

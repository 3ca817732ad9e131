"""Which projection fits a place."""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.crs import GeographicCRS, ProjectedCRS
from pyproj.crs.coordinate_operation import AlbersEqualAreaConversion
from pyproj.exceptions import CRSError

from geopoverty.errors import InputError

LONLAT = CRS.from_epsg(4326)
US_ALBERS = CRS.from_epsg(5070)
US_LONLAT = (-125.0, 24.0, -66.0, 50.0)  # the 48 contiguous states
# The parallels and the meridian that maps of China are customarily drawn with.
CHINA_ALBERS = ProjectedCRS(
    name="Albers Equal Area for China (25 and 47 N, 105 E)",
    conversion=AlbersEqualAreaConversion(
        latitude_first_parallel=25,
        latitude_second_parallel=47,
        latitude_false_origin=0,
        longitude_false_origin=105,
    ),
    geodetic_crs=GeographicCRS(),
)
CHINA_LONLAT = (73.0, 3.0, 136.0, 54.0)
CHINA_MIDDLE = (30.0, 40.0)  # a map of China reaches south and north of these
NATIONAL = 25.0  # degrees of longitude: from here the national grid does not tilt
LOCAL = 5.0  # degrees: below this any centred projection is as good

Floats = NDArray[np.float64]
Extent = tuple[float, float, float, float]


def choose_projection(boundaries: gpd.GeoDataFrame, projection: Any) -> CRS | None:
    """Return the coordinate system to draw in; None is longitude and latitude.

    Raises
    ------
    InputError
        If pyproj does not know `projection`, or it is not in length units.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> places = [box(95, 20, 100, 25), box(105, 30, 110, 35)]
    >>> here = gpd.GeoDataFrame(geometry=places, crs=4326)
    >>> choose_projection(here, "auto").coordinate_operation.method_name
    'Albers Equal Area'
    """
    if projection is None:
        return None
    if not (isinstance(projection, str) and projection == "auto"):
        return _given(projection)
    place = extent_of(boundaries)
    if is_national(place):
        return US_ALBERS
    west, south, east, north = place
    if is_china(place):
        return CHINA_ALBERS
    lon, lat = (west + east) / 2, (south + north) / 2
    low, high = south + (north - south) / 6, north - (north - south) / 6
    # Equal parallels on both sides of the equator make no cone.
    if max(east - west, north - south) <= LOCAL or abs(low + high) < 1:
        return CRS.from_dict({"proj": "laea", "lat_0": lat, "lon_0": lon})
    return CRS.from_dict(
        {"proj": "aea", "lat_0": lat, "lon_0": lon, "lat_1": low, "lat_2": high}
    )


def _given(projection: Any) -> CRS:
    try:
        crs = CRS.from_user_input(projection)
    except CRSError as error:
        raise InputError(
            f"projection must be 'auto', None or a coordinate system; got "
            f"{projection!r}. Such as 'EPSG:5070'."
        ) from error
    if crs.is_geographic:
        raise InputError(
            f"projection must be in length units; '{crs.name}' is in degrees. Use "
            "projection=None for a map in longitude and latitude."
        )
    return crs


def is_national(place: Extent) -> bool:
    """Say whether an extent is that of the contiguous United States."""
    return _within(place, US_LONLAT) and place[2] - place[0] > NATIONAL


def is_china(place: Extent) -> bool:
    """Say whether an extent is that of China.

    Examples
    --------
    >>> is_china((75.0, 18.5, 134.0, 53.0)), is_china((97.0, 6.0, 126.0, 22.0))
    (True, False)
    """
    middle = place[1] < CHINA_MIDDLE[0] and place[3] > CHINA_MIDDLE[1]
    return _within(place, CHINA_LONLAT) and middle and place[2] - place[0] > NATIONAL


def _within(inner: Extent, outer: Extent) -> bool:
    (west, south, east, north), (left, low, right, high) = inner, outer
    return left <= west and low <= south and east <= right and north <= high


def points_of(boundaries: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Return longitude and latitude of a point inside each unit."""
    points = shapely.point_on_surface(boundaries.geometry.to_numpy())
    to_lonlat = Transformer.from_crs(boundaries.crs, LONLAT, always_xy=True)
    lon, lat = to_lonlat.transform(shapely.get_x(points), shapely.get_y(points))
    return np.asarray(lon), np.asarray(lat)


def extent_of(boundaries: gpd.GeoDataFrame) -> Extent:
    """Return west, south, east, north in degrees; east may pass 180."""
    lon, lat = points_of(boundaries)
    # The data begin where the widest empty stretch of the globe ends, so that a
    # country across the date line stays in one piece.
    around = np.sort(np.mod(lon, 360))
    gaps = np.diff(around, append=around[0] + 360)
    west = around[(int(gaps.argmax()) + 1) % len(around)]
    west = (west + 180) % 360 - 180
    east = west + 360 - gaps.max()
    return float(west), float(lat.min()), float(east), float(lat.max())


def name_of(crs: CRS | None) -> str:
    """Return what a reader calls a projection."""
    if crs is None:
        return "longitude and latitude (Web Mercator)"
    if crs.name != "unknown":
        return str(crs.name)
    operation = crs.coordinate_operation
    kind = operation.method_name if operation else "A projection"
    return f"{kind}, centred on the data"

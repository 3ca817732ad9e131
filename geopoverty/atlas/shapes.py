"""Boundaries as the page draws them: projected, simplified, every border once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from topojson.core.topology import Topology

from geopoverty._checks import first, require
from geopoverty.errors import InputError

LONLAT = CRS.from_epsg(4326)
US_ALBERS = CRS.from_epsg(5070)
US_LONLAT = (-125.0, 24.0, -66.0, 50.0)  # the 48 contiguous states
NATIONAL = 25.0  # degrees of longitude: from here the national grid does not tilt
LOCAL = 5.0  # degrees: below this any centred projection is as good
WIDTH = 1000.0  # of a projected map in page units
DETAIL = 10_000  # the finest bend kept, as a part of the map's width
POINTS = 120_000  # more than this is simplified further, for size and speed
GRID = 100_000  # positions along each axis
CHANGED = 0.01  # share of its area a county may lose or gain in a repair

Geometries = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Shapes:
    """Polygons that share their borders, in page units.

    Attributes
    ----------
    topology : mapping
        ``scale`` and ``translate`` (x, y), ``arcs`` (delta-encoded whole numbers)
        and ``units``: for each unit its polygons, each its rings, each the numbers
        of its arcs (``~i`` is arc ``i`` backwards), as in TopoJSON.
    projected : bool
        Whether positions are page units (else longitude and latitude).
    projection : str
        Its name, for the footer.
    note : str
        What a careful reader must know of the borders; empty when nothing.
    """

    topology: Mapping[str, Any]
    projected: bool
    projection: str
    note: str = ""


def draw_shapes(boundaries: gpd.GeoDataFrame, projection: Any = "auto") -> Shapes:
    """Project and simplify boundaries, keeping every shared border shared.

    Parameters
    ----------
    boundaries : GeoDataFrame, shape (n, p)
        Valid polygons, with a coordinate system.
    projection : "auto", None or anything pyproj reads
        ``"auto"`` is an equal-area projection fit for the place: the US national
        one, an Albers centred on the data, or for a small place a Lambert
        azimuthal. None keeps longitude and latitude, as Leaflet's own maps do.

    Returns
    -------
    Shapes
        With a `note` if counties overlap or leave gaps so that their borders
        cannot be simplified together: then they stay as they are.

    Raises
    ------
    InputError
        If a geometry is not a polygon, or `projection` is unknown or cannot show
        these boundaries.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> pair = [box(0, 0, 1, 1), box(1, 0, 2, 1)]
    >>> drawn = draw_shapes(gpd.GeoDataFrame(geometry=pair, crs=4326), None)
    >>> len(drawn.topology["units"]), len(drawn.topology["arcs"])
    (2, 3)
    """
    polygons = boundaries.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    require(
        polygons.to_numpy(),
        "Every unit on a map must be a polygon",
        ids=boundaries.index,
        noun="units",
        way_out="Give areas, not points or lines.",
    )
    crs = choose_projection(boundaries, projection)
    projected = boundaries.geometry.to_crs(crs or LONLAT)
    shapes = projected.to_numpy()
    require(
        np.isfinite(shapely.bounds(shapes)).all(axis=1),
        f"The projection must be able to show every unit ('{_name(crs)}')",
        ids=boundaries.index,
        noun="units",
        way_out='Name another, or leave it to projection="auto".',
    )
    simple, note = _simplified(shapes, boundaries.index)
    topology = _topology(simple, crs is not None)
    return Shapes(topology, crs is not None, _name(crs), note)


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
    west, south, east, north = _extent(boundaries)
    inside = (
        US_LONLAT[0] <= west
        and US_LONLAT[1] <= south
        and east <= US_LONLAT[2]
        and north <= US_LONLAT[3]
    )
    if inside and east - west > NATIONAL:
        return US_ALBERS
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


def _extent(boundaries: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """Return west, south, east, north in degrees; east may pass 180."""
    points = shapely.point_on_surface(boundaries.geometry.to_numpy())
    to_lonlat = Transformer.from_crs(boundaries.crs, LONLAT, always_xy=True)
    lon, lat = to_lonlat.transform(shapely.get_x(points), shapely.get_y(points))
    # The data begin where the widest empty stretch of the globe ends, so that a
    # country across the date line stays in one piece.
    around = np.sort(np.mod(lon, 360))
    gaps = np.diff(around, append=around[0] + 360)
    west = around[(int(gaps.argmax()) + 1) % len(around)]
    west = (west + 180) % 360 - 180
    east = west + 360 - gaps.max()
    return float(west), float(lat.min()), float(east), float(lat.max())


def _simplified(shapes: Geometries, ids: pd.Index) -> tuple[Geometries, str]:
    """Drop bends too small to see, the same on both sides of every border."""
    faulty = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    if faulty.any():
        mended = _mended(shapes)
        if mended is None:
            return shapes, (
                f"The borders are drawn unsimplified: {int(faulty.sum())} of "
                f"{len(shapes)} units overlap or do not meet their neighbours "
                f"({first(ids[faulty])}). Repair the boundaries for a smaller file."
            )
        shapes = mended
    west, south, east, north = shapely.total_bounds(shapes)
    width = max(east - west, north - south)
    detail = float(DETAIL)
    simple = shapely.coverage_simplify(shapes, width / detail)
    while shapely.get_num_coordinates(simple).sum() > POINTS and detail > WIDTH:
        detail /= 2
        simple = shapely.coverage_simplify(shapes, width / detail)
    return simple, ""


def _mended(shapes: Geometries) -> Geometries | None:
    """Make borders meet; None when that would change a county visibly."""
    clean = getattr(shapely, "coverage_clean", None)  # needs shapely 2.2, GEOS 3.14
    if clean is None:
        return None
    mended: Geometries = clean(shapes)
    change = np.abs(shapely.area(mended) / shapely.area(shapes) - 1)
    sound = shapely.coverage_is_valid(mended) and shapely.is_valid(mended).all()
    return mended if sound and (change <= CHANGED).all() else None


def _topology(shapes: Geometries, projected: bool) -> dict[str, Any]:
    found = Topology(gpd.GeoDataFrame(geometry=shapes), prequantize=GRID).to_dict()
    scale = np.array(found["transform"]["scale"])
    translate = np.array(found["transform"]["translate"])
    if projected:
        # Whole page units from the lower left corner, not millions of metres.
        scale = scale * WIDTH / (scale.max() * GRID)
        translate = np.zeros(2)
    return {
        "scale": scale.tolist(),
        "translate": translate.tolist(),
        "arcs": found["arcs"],
        "units": [
            [g["arcs"]] if g["type"] == "Polygon" else g["arcs"]
            for g in found["objects"]["data"]["geometries"]
        ],
    }


def _name(crs: CRS | None) -> str:
    if crs is None:
        return "longitude and latitude (Web Mercator)"
    if crs.name != "unknown":
        return str(crs.name)
    operation = crs.coordinate_operation
    kind = operation.method_name if operation else "A projection"
    return f"{kind}, centred on the data"

"""Boundaries as the page draws them: projected, simplified, every border once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from topojson.core.topology import Topology

from geopoverty._checks import first, require
from geopoverty.atlas.insets import Box, Placed, place_insets
from geopoverty.projections import LONLAT, choose_projection, name_of

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
        of its arcs (``~i`` is arc ``i`` backwards), as in TopoJSON. With insets,
        ``frames``: west, south, east, north of each.
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
        one, with Alaska, Hawaii and the territories as insets; the customary Albers
        of China; an Albers centred on the data; or for a small place a Lambert
        azimuthal. None keeps longitude and latitude, as Leaflet's own maps do.
        A projection that you name draws every unit where it lies, without insets.

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
    placed, projected = _placed(boundaries, projection)
    require(
        np.isfinite(shapely.bounds(placed.shapes)).all(axis=1),
        f"The projection must be able to show every unit ('{placed.projection}')",
        ids=boundaries.index,
        noun="units",
        way_out='Name another, or leave it to projection="auto".',
    )
    simple, note = _simplified(placed.shapes, boundaries.index)
    topology = _topology(simple, placed.frames, projected=projected)
    return Shapes(topology, projected, placed.projection, note)


def _placed(boundaries: gpd.GeoDataFrame, projection: Any) -> tuple[Placed, bool]:
    """Return where everything is drawn, and whether that is on a plane."""
    if isinstance(projection, str) and projection == "auto":
        with_insets = place_insets(boundaries)
        if with_insets:
            return with_insets, True
    crs = choose_projection(boundaries, projection)
    shapes = boundaries.geometry.to_crs(crs or LONLAT).to_numpy()
    return Placed(shapes, (), name_of(crs)), crs is not None


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


def _topology(
    shapes: Geometries, frames: tuple[Box, ...], *, projected: bool
) -> dict[str, Any]:
    found = Topology(gpd.GeoDataFrame(geometry=shapes), prequantize=GRID).to_dict()
    scale = np.array(found["transform"]["scale"])
    translate = np.array(found["transform"]["translate"])
    drawn: dict[str, Any] = {}
    if projected:
        # Whole page units from the lower left corner, not millions of metres.
        metres, corner = scale.max() * GRID / WIDTH, translate
        scale, translate = scale / metres, np.zeros(2)
        corners = np.reshape(frames, (-1, 2, 2))
        framed = ((corners - corner) / metres).round(1).reshape(-1, 4).tolist()
        drawn = {"frames": framed} if framed else {}
    return {
        "scale": scale.tolist(),
        "translate": translate.tolist(),
        "arcs": found["arcs"],
        "units": [
            [g["arcs"]] if g["type"] == "Polygon" else g["arcs"]
            for g in found["objects"]["data"]["geometries"]
        ],
        **drawn,
    }

"""Where in each unit trips begin and end: its centre, its seat, its people."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty._checks import (
    first,
    require,
    require_columns,
    require_option,
    unit_ids,
)
from geopoverty.data.boundaries import centres, require_crs, require_geometry, units_of
from geopoverty.errors import InputError
from geopoverty.numerics.distances import great_circle_km
from geopoverty.numerics.types import Array, Codes

POLE = 90.0  # no latitude is beyond it


@dataclass(frozen=True, eq=False)
class PopulationPoints:
    """Several points a unit, each with the people who live around it.

    Attributes
    ----------
    table : GeoDataFrame, one point a row
        Points of units that are not among the places are not used.
    unit : str
        The column that names each point's unit.
    weight : str
        The column of people: finite, at least 0, above 0 somewhere in each unit.
    summary : {"mean", "centre"}
        "mean": minutes between two units are the mean over all pairs of their points,
        weighted by both populations: the trip from somebody of one unit to somebody
        of the other. "centre": each unit is its point nearest to the centre of its
        population.
    """

    table: gpd.GeoDataFrame
    unit: str = "unit_id"
    weight: str = "population"
    summary: str = "mean"

    def __post_init__(self) -> None:
        require_option(self.summary, ("mean", "centre"), "summary")
        require_geometry(self.table, "The population points")
        require_columns(self.table, [self.unit, self.weight], "PopulationPoints")


@dataclass(frozen=True, eq=False)
class Spots:
    """Points that trips begin and end at, ordered by unit.

    Attributes
    ----------
    units : Index of str, shape (n,)
    unit : array of int, shape (p,)
        Ascending: the unit of each point, each unit at least once.
    lon, lat : array, shape (p,)
        Degrees.
    weight : array, shape (p,)
        Sums to 1 within each unit.
    note : str
        What a point stands for.
    """

    units: pd.Index
    unit: Codes
    lon: Array
    lat: Array
    weight: Array
    note: str

    @property
    def single(self) -> bool:
        """Whether each unit has one point."""
        return len(self.unit) == len(self.units)

    def names(self) -> pd.Index:
        """Return what to call each point: its unit, numbered where there are more."""
        owner = self.units[self.unit]
        if self.single:
            return owner
        nth = pd.Series(self.unit).groupby(self.unit).cumcount() + 1
        pairs = zip(owner, nth, strict=True)
        return pd.Index([f"{u} point {k}" for u, k in pairs], dtype=object)


def spots_of(places: gpd.GeoDataFrame, points: str | PopulationPoints | None) -> Spots:
    """Return where trips begin and end.

    Parameters
    ----------
    places : GeoDataFrame, n rows
        Indexed by unit id.
    points : str or PopulationPoints, optional
        A column of `places` that holds points, such as administrative centres, or
        points with people. Not given: points stay where they are, and the centre of
        area stands for a polygon.

    Raises
    ------
    InputError
        If ids repeat, a unit has no point, weights are not usable, longitude and
        latitude are swapped, or two units are at the same point.
    """
    units = units_of(places)
    if isinstance(points, PopulationPoints):
        spots = _population(units, points)
    elif points is None:
        require_geometry(places, "The places")
        kind = "" if (places.geom_type == "Point").all() else _AREA
        spots = _one_each(units, places, kind)
    else:
        spots = _one_each(units, _seats(places, points), f"Trips end at '{points}'.")
    if spots.single:
        _refuse_same(spots)
    return spots


_AREA = "Trips end at each unit's centre of area, which may lie far from its people."


def _one_each(units: pd.Index, table: gpd.GeoDataFrame, note: str) -> Spots:
    lon, lat = _degrees(table)
    n = len(units)
    return Spots(units, np.arange(n, dtype=np.intp), lon, lat, np.ones(n), note)


def _degrees(table: gpd.GeoDataFrame) -> tuple[Array, Array]:
    require_crs(table, "The places")
    if table.crs.is_geographic:
        west, south, east, north = table.total_bounds
        if max(abs(south), abs(north)) > POLE >= max(abs(west), abs(east)):
            raise InputError(
                f"Latitudes must lie between -90 and 90; they reach from {south:.2f} "
                f"to {north:.2f}, longitudes from {west:.2f} to {east:.2f}. Longitude "
                "and latitude look swapped: a point is (longitude, latitude)."
            )
    return centres(table)


def _seats(places: gpd.GeoDataFrame, column: str) -> gpd.GeoDataFrame:
    require_columns(places, [column], "points")
    if not isinstance(places[column], gpd.GeoSeries):
        raise InputError(
            f"points='{column}' must be a column of points; it holds "
            f"{places[column].dtype}. Make one: gpd.GeoSeries.from_xy(lon, lat, "
            "crs=4326)."
        )
    table = gpd.GeoDataFrame(geometry=places[column])
    held = table.geometry.isna() | (table.geom_type == "Point")
    require(
        held.to_numpy(),
        f"'{column}' must hold points",
        ids=table.index,
        noun="units",
        way_out="Give one point a unit.",
    )
    return table


def _population(units: pd.Index, points: PopulationPoints) -> Spots:
    owner = unit_ids(points.table[points.unit], "The population points", unique=False)
    code = np.asarray(units.get_indexer(owner), dtype=np.intp)
    order = np.argsort(code, kind="stable")
    order = order[code[order] >= 0]
    table, unit = points.table.iloc[order], code[order]
    require(
        np.isin(np.arange(len(units)), unit),
        "Every unit needs a population point",
        ids=units,
        noun="units",
        way_out="Add points, or leave these units out of the places.",
    )
    weight = _shares(table[points.weight], unit, units)
    lon, lat = _degrees(table)
    if points.summary == "centre":
        pick = _nearest_to_centre(unit, lon, lat, weight, len(units))
        note = "Trips end at each unit's point nearest to the centre of its population."
        every = np.arange(len(units), dtype=np.intp)
        return Spots(units, every, lon[pick], lat[pick], np.ones(len(units)), note)
    note = (
        f"Minutes are means over all pairs of {len(unit):,} population points, "
        "weighted by both populations."
    )
    return Spots(units, unit, lon, lat, weight, note)


def _shares(people: pd.Series, unit: Codes, units: pd.Index) -> Array:
    weight = pd.to_numeric(people, errors="coerce").to_numpy(float)
    require(
        np.isfinite(weight) & (weight >= 0),
        f"'{people.name}' must be a number of people, at least 0",
        ids=people.index,
        noun="points",
        way_out="Correct or drop these points.",
    )
    total = np.bincount(unit, weights=weight, minlength=len(units))
    require(
        total > 0,
        "Somebody must live in every unit",
        ids=units,
        noun="units",
        way_out=f"Check '{people.name}', or leave these units out.",
    )
    return np.asarray(weight / total[unit])


def _nearest_to_centre(
    unit: Codes, lon: Array, lat: Array, weight: Array, n: int
) -> Codes:
    x, y = np.radians(lon), np.radians(lat)
    points = np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])
    middle = np.zeros((n, 3))
    np.add.at(middle, unit, weight[:, None] * points)
    apart = np.linalg.norm(points - middle[unit], axis=1)
    order = np.lexsort((apart, unit))
    return np.asarray(order[np.searchsorted(unit[order], np.arange(n))])


def _refuse_same(spots: Spots) -> None:
    seen = pd.DataFrame({"lon": spots.lon, "lat": spots.lat}).duplicated(keep=False)
    if seen.any():
        raise InputError(
            f"No two units may be at the same point; {int(seen.sum())} of "
            f"{len(spots.units)} share one ({first(spots.units[seen])}). Merge them, "
            "or move one to where its people live."
        )


def straight_minutes(spots: Spots, one: Codes, other: Codes, kmh: float) -> Array:
    """Return the minutes along great circles between pairs of points."""
    lon, lat = spots.lon, spots.lat
    km = great_circle_km(lon[one], lat[one], lon[other], lat[other])
    return 60 * km / kmh

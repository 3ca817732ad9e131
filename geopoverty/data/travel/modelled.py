"""Travel times modelled from distance, and how much longer roads are."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty._checks import require, require_columns
from geopoverty._progress import progress
from geopoverty.data.boundaries import centres, units_of
from geopoverty.data.travel.times import TravelTimes
from geopoverty.errors import InputError
from geopoverty.numerics.distances import great_circle_km


@dataclass(frozen=True)
class Circuity:
    """How much longer roads are than great circles.

    Attributes
    ----------
    median, low, high : float
        The median ratio and its 5th and 95th percentiles; at least 1.
    n_pairs : int
        Pairs it was estimated from.
    source : str
        Where the road distances come from.
    """

    median: float
    low: float
    high: float
    n_pairs: int
    source: str = ""

    def __str__(self) -> str:
        return (
            f"circuity {self.median:.2f} (5 to 95 % of {self.n_pairs:,} pairs: "
            f"{self.low:.2f} to {self.high:.2f}{'; ' if self.source else ''}"
            f"{self.source})"
        )


def estimate_circuity(
    distances: pd.DataFrame,
    *,
    road: str = "road_km",
    straight: str = "great_circle_km",
    source: str = "",
) -> Circuity:
    """Estimate circuity, road over great-circle distance, with its spread.

    Parameters
    ----------
    distances : DataFrame, shape (pairs, p)
        One pair of places a row; both distances in one unit, above 0.
    road, straight : str
        The two columns.
    source : str
        Named wherever modelled times are shown.

    Returns
    -------
    Circuity

    Raises
    ------
    InputError
        If there is no pair, a column is missing, or a distance is not above 0.

    Notes
    -----
    The ratio of road to straight-line distance is also called the detour index
    (Cole & King 1968).

    Examples
    --------
    >>> pairs = pd.DataFrame({"road_km": [12.0, 26.0], "great_circle_km": [10.0, 20.0]})
    >>> estimate_circuity(pairs).median
    1.25
    """
    require_columns(distances, [road, straight], "estimate_circuity")
    ways = distances[[road, straight]].to_numpy(float)
    if not len(ways):
        raise InputError("estimate_circuity needs at least one pair; there is none.")
    require(
        (np.isfinite(ways) & (ways > 0)).all(axis=1),
        "Distances must be above 0",
        ids=distances.index,
        noun="pairs",
        way_out="Drop these pairs.",
    )
    low, median, high = np.quantile(ways[:, 0] / ways[:, 1], [0.05, 0.5, 0.95])
    return Circuity(float(median), float(low), float(high), len(ways), source)


def model_travel_times(
    places: gpd.GeoDataFrame, *, speed_kmh: float, circuity: float | Circuity
) -> TravelTimes:
    """Model travel times as great circle x circuity / speed.

    Parameters
    ----------
    places : GeoDataFrame, n rows
        Indexed by unit id; points, or polygons whose centre of area stands in.
    speed_kmh : float
        Above 0.
    circuity : float or Circuity
        At least 1. A `Circuity` brings its spread into the notes.

    Returns
    -------
    TravelTimes
        Dense and symmetric, with status "modelled".

    Raises
    ------
    InputError
        If speed or circuity is out of range, two places coincide, or the places
        are not usable (see `read_boundaries`).

    Examples
    --------
    >>> from shapely.geometry import Point
    >>> towns = gpd.GeoDataFrame(
    ...     index=["a", "b"], geometry=[Point(0, 0), Point(0, 1)], crs=4326)
    >>> times = model_travel_times(towns, speed_kmh=60, circuity=1.2)
    >>> times.matrix.round(1)
    array([[  0. , 133.4],
           [133.4,   0. ]])
    """
    ratio = check_speed(speed_kmh, circuity)
    units = units_of(places)
    lon, lat = centres(places)
    minutes = np.empty((len(units), len(units)))
    starts = range(0, len(units), 256)
    for start in progress(starts, "Modelling travel times"):
        rows = slice(start, start + 256)
        km = great_circle_km(lon[rows, None], lat[rows, None], lon, lat)
        np.multiply(km, 60 * ratio / speed_kmh, out=minutes[rows])
    stated = str(circuity) if isinstance(circuity, Circuity) else f"circuity {ratio:g}"
    note = (
        f"Travel times are modelled, not measured: great circle x {stated}, at "
        f"{speed_kmh:g} km/h."
    )
    attrs = {**places.attrs, "title": "Modelled travel times", "status": "modelled"}
    return TravelTimes(units, minutes, "modelled", (note,), attrs)


def check_speed(speed_kmh: float, circuity: float | Circuity) -> float:
    """Return how much longer roads are, having checked it and the speed.

    Examples
    --------
    >>> check_speed(60, 1.3)
    1.3
    """
    ratio = circuity.median if isinstance(circuity, Circuity) else float(circuity)
    if not speed_kmh > 0 or not np.isfinite(speed_kmh):
        raise InputError(f"speed_kmh must be above 0; got {speed_kmh}.")
    if not ratio >= 1:
        raise InputError(
            f"circuity must be at least 1 (roads are no shorter than a great "
            f"circle); got {ratio}."
        )
    return ratio

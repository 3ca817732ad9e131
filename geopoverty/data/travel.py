"""Travel times between units: the type, and times modelled from distance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from geopoverty._checks import (
    FIRST,
    first,
    require,
    require_columns,
    require_option,
    unit_ids,
    warn,
)
from geopoverty._progress import progress
from geopoverty.data.boundaries import centres, units_of
from geopoverty.errors import InputError
from geopoverty.numerics.distances import great_circle_km
from geopoverty.numerics.types import Array, Codes, Matrix
from geopoverty.provenance import STATUSES

NEAREST_IMPLAUSIBLE, MEDIAN_IMPLAUSIBLE = 1.0, 10_000.0  # minutes


@dataclass(frozen=True, eq=False, repr=False)
class TravelTimes:
    """Minutes from every unit to every other.

    Attributes
    ----------
    units : Index of str, shape (n,)
        Unique.
    matrix : array, shape (n, n), or CSR array
        Minutes from row to column, above 0 off the diagonal. Unreachable pairs
        are NaN in an array, absent from a CSR array. It need not be symmetric;
        the diagonal is not used.
    status : {"measured", "routed", "modelled", "simulated"}
        Where the minutes come from. It follows them into every footer.
    notes : tuple of str
        What must be read with them.
    attrs : mapping
        Title, source, licence, attribution.

    Examples
    --------
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [35.0, 0.0]], "measured")
    >>> times
    TravelTimes: 2 units, 2 pairs (100 %), median 32.5 minutes, measured
    """

    units: pd.Index
    matrix: Matrix
    status: str
    notes: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_option(self.status, STATUSES, "status")
        units = unit_ids(pd.Index(self.units), "The travel times", unique=True)
        matrix = self.matrix
        if sparse.issparse(matrix):
            matrix = sparse.csr_array(matrix, dtype=np.float64)
        else:
            matrix = np.asarray(matrix, dtype=np.float64)
        if matrix.shape != (len(units), len(units)):
            raise InputError(
                f"Travel times between {len(units)} units need a {len(units)} x "
                f"{len(units)} matrix; this one is {matrix.shape}."
            )
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "notes", tuple(self.notes))
        _check_minutes(self)

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def is_sparse(self) -> bool:
        """Whether only some pairs are held."""
        return bool(sparse.issparse(self.matrix))

    def minutes(self) -> Array:
        """Return the known minutes off the diagonal, shape (pairs,)."""
        if self.is_sparse:
            table = self.matrix.tocoo()
            return np.asarray(table.data[table.row != table.col])
        # A strided view skips the diagonal of a contiguous square matrix.
        flat = np.ascontiguousarray(self.matrix).ravel()[: self.n**2 - 1]
        values = flat.reshape(self.n - 1, self.n + 1)[:, 1:].ravel()
        return np.asarray(values[np.isfinite(values)])

    def subset(self, units: Sequence[str] | pd.Index) -> "TravelTimes":
        """Return the times between some of the units, in the order given.

        A note says that units were left out, for whoever uses the times.

        Raises
        ------
        InputError
            If a unit is not held.
        """
        rows = positions(self.units, units, "the travel times")
        picked = self.matrix[rows][:, rows]
        notes = (*self.notes, *left_out(len(rows), self.n))
        return replace(self, units=self.units[rows], matrix=picked, notes=notes)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a known pair: ``from_id, to_id, travel_time``."""
        if self.is_sparse:
            table = self.matrix.tocoo()
            row, column, value = table.row, table.col, table.data
        else:
            row, column = np.nonzero(np.isfinite(self.matrix))
            value = self.matrix[row, column]
        off = row != column
        frame = pd.DataFrame(
            {
                "from_id": self.units[row[off]],
                "to_id": self.units[column[off]],
                "travel_time": value[off],
            }
        )
        frame.attrs = {**self.attrs, "status": self.status}
        return frame

    def __repr__(self) -> str:
        minutes = self.minutes()
        possible = max(self.n * (self.n - 1), 1)
        median = f"{np.median(minutes):.1f}" if minutes.size else "no"
        return (
            f"TravelTimes: {self.n} units, {minutes.size:,} pairs "
            f"({100 * minutes.size / possible:.0f} %), median {median} minutes, "
            f"{self.status}"
        )


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
    ratio = circuity.median if isinstance(circuity, Circuity) else float(circuity)
    if not speed_kmh > 0 or not np.isfinite(speed_kmh):
        raise InputError(f"speed_kmh must be above 0; got {speed_kmh}.")
    if not ratio >= 1:
        raise InputError(
            f"circuity must be at least 1 (roads are no shorter than a great "
            f"circle); got {ratio}."
        )
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


def left_out(kept: int, n: int) -> tuple[str, ...]:
    """Return the note that a subset of units owes its reader.

    Examples
    --------
    >>> left_out(3, 3)
    ()
    """
    if kept == n:
        return ()
    return (
        f"Only {kept:,} of {n:,} units are held; neighbours outside them do not count.",
    )


def positions(units: pd.Index, wanted: Sequence[str] | pd.Index, where: str) -> Codes:
    """Return where each wanted unit stands, or raise `InputError` naming the rest."""
    if isinstance(wanted, str):
        raise InputError(f"units must be a list of ids; got the text '{wanted}'.")
    asked = unit_ids(pd.Index(wanted), "The wanted units", unique=True)
    found = np.asarray(units.get_indexer(asked), dtype=np.intp)
    require(
        found >= 0,
        f"Every wanted unit must be among {where}",
        ids=asked,
        noun="units",
        way_out="Check the ids, or leave these out.",
    )
    return found


def _check_minutes(times: TravelTimes) -> None:
    row, column, bad = _broken_pairs(times.matrix)
    if bad:
        ids = first(
            f"{times.units[i]} to {times.units[j]}"
            for i, j in zip(row[: FIRST + 1], column[: FIRST + 1], strict=True)
        )
        raise InputError(
            "Travel times must be finite minutes above 0 between different units; "
            f"{bad} pairs break this ({ids}). Leave unreachable pairs out or NaN."
        )
    minutes = times.minutes()
    if not minutes.size:
        raise InputError(
            "Travel times need at least one pair of different units; there is none. "
            "Check that from_id and to_id name the same kind of unit."
        )
    _warn_implausible(times, minutes)


def _broken_pairs(matrix: Matrix) -> tuple[NDArray[Any], NDArray[Any], int]:
    if sparse.issparse(matrix):
        table = matrix.tocoo()
        broken = ~((table.data > 0) & np.isfinite(table.data))
        broken &= table.row != table.col
        return table.row[broken], table.col[broken], int(broken.sum())
    broken = (matrix <= 0) | np.isinf(matrix)
    np.fill_diagonal(broken, val=False)
    row, column = np.nonzero(broken)
    return row, column, len(row)


def _warn_implausible(times: TravelTimes, minutes: Array) -> None:
    median = float(np.median(minutes))
    nearest = _median_nearest(times)
    if nearest < NEAREST_IMPLAUSIBLE or median > MEDIAN_IMPLAUSIBLE:
        unit = "hours" if nearest < NEAREST_IMPLAUSIBLE else "seconds"
        warn(
            f"Travel times must be in minutes; half of all pairs are within "
            f"{median:.3g} and half of the units have a neighbour within "
            f"{nearest:.3g}, which looks like {unit}. Convert them if they are."
        )


def _median_nearest(times: TravelTimes) -> float:
    if times.is_sparse:
        table = times.matrix.tocoo()
        off = table.row != table.col
        nearest = np.full(times.n, np.inf)
        np.minimum.at(nearest, table.row[off], table.data[off])
    else:
        copy = np.where(np.isnan(times.matrix), np.inf, times.matrix)
        np.fill_diagonal(copy, np.inf)
        nearest = copy.min(axis=1)
    reached = nearest[np.isfinite(nearest)]
    return float(np.median(reached))

"""The places of a table, and the blocks it is asked for in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geopoverty._checks import FIRST, first, require, unit_ids
from geopoverty.errors import InputError
from geopoverty.numerics.distances import great_circle_km
from geopoverty.numerics.types import Array, Codes

DIGITS = 6  # of degrees: a tenth of a metre
TINY = 1e-4  # degrees: routingpy writes smaller ones as 1e-05


@dataclass(frozen=True, eq=False)
class Places:
    """Checked places.

    Attributes
    ----------
    units : Index of str, shape (n,)
        Unique.
    lon, lat : array, shape (n,)
        Degrees, rounded to a tenth of a metre; no two places coincide.
    """

    units: pd.Index
    lon: Array
    lat: Array

    def __len__(self) -> int:
        return len(self.units)


@dataclass(frozen=True, eq=False)
class Block:
    """One request: from some places to some places.

    Attributes
    ----------
    places : Places
        All of them.
    rows, columns : array of int
        The positions asked from and to.
    """

    places: Places
    rows: Codes
    columns: Codes

    @property
    def shape(self) -> tuple[int, int]:
        """Places asked from and to."""
        return len(self.rows), len(self.columns)

    def pair(self, row: int, column: int) -> str:
        """Name one pair by its ids."""
        units = self.places.units
        return f"{units[self.rows[row]]} to {units[self.columns[column]]}"

    def pairs(self, cells: Codes) -> str:
        """Name the first pairs of some, given as positions in the flat block."""
        width = len(self.columns)
        some = cells[: FIRST + 1]
        return first(self.pair(int(c) // width, int(c) % width) for c in some)

    def km(self) -> Array:
        """Return great circles from rows to columns, in kilometres."""
        lon, lat = self.places.lon, self.places.lat
        return great_circle_km(
            lon[self.rows, None],
            lat[self.rows, None],
            lon[self.columns],
            lat[self.columns],
        )

    def __str__(self) -> str:
        units = self.places.units
        pairs = len(self.rows) * len(self.columns)
        origins = first(units[i] for i in self.rows)
        targets = first(units[i] for i in self.columns)
        if pairs == 1:
            return f"the pair {origins} to {targets}"
        return f"the {pairs:,} pairs from {origins} to {targets}"


def checked_places(
    units: Sequence[str] | pd.Index, lon: ArrayLike, lat: ArrayLike
) -> Places:
    """Check places and round them to what a service is told.

    Parameters
    ----------
    units : sequence of str, shape (n,)
        Ids, unique; at least 2.
    lon, lat : array_like, shape (n,)
        Degrees, -180 to 180 and -90 to 90.

    Raises
    ------
    InputError
        If ids are missing or repeated, coordinates are out of range or look
        swapped, or two places coincide.

    Examples
    --------
    >>> checked_places(["a", "b"], [9.5, 9.6], [47.1, 297.1])
    Traceback (most recent call last):
    geopoverty.errors.InputError: Places must lie within -180 to 180 degrees of \
longitude and -90 to 90 of latitude; 1 of 2 places break this (b). Give longitude \
and latitude in degrees (EPSG:4326): places.to_crs(4326).
    """
    ids = unit_ids(pd.Index(units), "The places", unique=True)
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if x.shape != (len(ids),) or y.shape != (len(ids),):
        raise InputError(
            f"{len(ids)} places need {len(ids)} longitudes and latitudes; got "
            f"{x.shape} and {y.shape}."
        )
    if len(ids) < 2:
        raise InputError(f"Travel times need at least 2 places; got {len(ids)}.")
    _within_range(ids, x, y)
    places = Places(ids, _rounded(x), _rounded(y))
    _apart(places)
    return places


def split(places: Places, block: int) -> list[Block]:
    """Cut the table into blocks of at most `block` by `block`, of like size.

    A single place is never asked its way to itself: services refuse that.

    Examples
    --------
    >>> three = checked_places(["a", "b", "c"], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    >>> [str(b) for b in split(three, 2)][1]
    'the 2 pairs from a, b to c'
    """
    parts = np.array_split(np.arange(len(places)), -(-len(places) // block))
    return [
        Block(places, rows, columns)
        for rows in parts
        for columns in parts
        if rows is not columns or len(rows) > 1
    ]


def _within_range(ids: pd.Index, lon: Array, lat: Array) -> None:
    inside = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    swapped = (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
    way_out = "Give longitude and latitude in degrees (EPSG:4326): places.to_crs(4326)."
    if not inside.all() and swapped.all():
        way_out = "Longitude and latitude look swapped: give longitude first."
    require(
        inside,
        "Places must lie within -180 to 180 degrees of longitude and -90 to 90 of "
        "latitude",
        ids=ids,
        noun="places",
        way_out=way_out,
    )


def _rounded(degrees: Array) -> Array:
    tiny = np.abs(degrees) < TINY
    rounded = np.where(tiny, np.round(degrees, 4), np.round(degrees, DIGITS))
    return np.asarray(rounded + 0.0)  # no minus zero


def _apart(places: Places) -> None:
    spots = pd.Series(list(zip(places.lon, places.lat, strict=True)))
    require(
        ~spots.duplicated(keep=False).to_numpy(),
        "No two places may be at the same point",
        ids=places.units,
        noun="places",
        way_out="Drop or merge these places, or give each a point of its own.",
    )

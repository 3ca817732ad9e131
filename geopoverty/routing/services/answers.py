"""Read a service's answer, and believe nothing of it.

Every cell is looked at; the order of rows and columns is checked against
where the service says it put the places.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from geopoverty._checks import FIRST, first
from geopoverty.numerics.distances import great_circle_km
from geopoverty.numerics.types import Array, Codes
from geopoverty.routing.services.blocks import Block

YEAR = 365 * 86_400.0  # seconds: what is longer stands for something else
ORDER_KM, ORDER_SHARE = (
    0.25,
    0.05,
)  # how much farther than the nearest is still in order
ELSEWHERE_KM = 50.0  # when all places of a block are moved this far, the map is another
APART_KM = 0.25  # nearer places may share a point of the road


class WrongAnswerError(Exception):
    """An answer that cannot be used; the text ends a sentence about the service."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A checked answer.

    Attributes
    ----------
    minutes : array, shape (rows, columns)
        At least 0; NaN without a route.
    moved_from, moved_to : array, shape (rows,) and (columns,)
        Metres from each place to where the service put it; NaN if not said.
    located : bool
        Whether the service says where it put the places.
    """

    minutes: Array
    moved_from: Array
    moved_to: Array
    located: bool


def read_answer(data: Any, form: str, block: Block) -> Answer:
    """Read and check an answer.

    Parameters
    ----------
    data : object
        What was sent, read as JSON.
    form : {"osrm", "valhalla", "graphhopper", "google"}
        The format.
    block : Block
        What was asked.

    Raises
    ------
    WrongAnswerError
        If the answer is partial, of another shape or order, or a cell is no time.

    Examples
    --------
    >>> from geopoverty.routing.services.blocks import checked_places, split
    >>> two = split(checked_places(["a", "b"], [9.0, 9.1], [47.0, 47.0]), 9)[0]
    >>> read_answer({"durations": [[0, 600], [None, 0]]}, "osrm", two).minutes
    array([[ 0., 10.],
           [nan,  0.]])
    """
    rows = _rectangle(_rows(data, form), block)
    cells = [_seconds(cell, form) for cell in chain.from_iterable(rows)]
    _all_times(cells, block)
    if form == "valhalla":
        _indices_agree(rows, block)
    seconds = np.array(cells, dtype=np.float64).reshape(block.shape)
    spots_from, spots_to = _spots(data, form, block)
    moved_from = _moved(spots_from, block, block.rows)
    moved_to = _moved(spots_to, block, block.columns)
    _right_region(spots_from, moved_from, moved_to, block)
    _not_at_once(seconds, block)
    located = spots_from is not None and spots_to is not None
    return Answer(seconds / 60, moved_from * 1000, moved_to * 1000, located)


def without_route(block: Block) -> Answer:
    """Return the answer in which no pair has a route."""
    rows, columns = block.shape
    minutes = np.full(block.shape, np.nan)
    same = block.rows[:, None] == block.columns
    minutes[same] = 0.0
    nowhere = np.full(rows, np.nan), np.full(columns, np.nan)
    return Answer(minutes, *nowhere, located=False)


def _rows(data: Any, form: str) -> Any:
    if form == "google":
        listed = data.get("rows")
        if not isinstance(listed, list):
            return listed
        return [r.get("elements") if isinstance(r, dict) else r for r in listed]
    table = data.get(
        {"valhalla": "sources_to_targets", "graphhopper": "times"}.get(
            form, "durations"
        )
    )
    # Valhalla's short form.
    return table.get("durations") if isinstance(table, dict) else table


def _rectangle(rows: Any, block: Block) -> list[list[Any]]:
    height, width = block.shape
    if not isinstance(rows, list):
        raise WrongAnswerError("sent an answer without a table of times")
    if len(rows) != height:
        raise WrongAnswerError(f"sent {len(rows)} rows where {height} were asked for")
    units = block.places.units
    short = [
        f"{units[block.rows[i]]} ({len(row) if isinstance(row, list) else 'no list'})"
        for i, row in enumerate(rows)
        if not isinstance(row, list) or len(row) != width
    ]
    if short:
        raise WrongAnswerError(
            f"sent {len(short)} of {height} rows with other than {width} times "
            f"({first(short)})"
        )
    return rows


def _seconds(cell: Any, form: str) -> Any:
    """Return a cell's number of seconds, None without a route, or what it is."""
    if form == "google" and isinstance(cell, dict):
        status = cell.get("status")
        if status == "ZERO_RESULTS":
            return None
        time = cell.get("duration")
        return (
            time.get("value", time)
            if status == "OK" and isinstance(time, dict)
            else (str(status))
        )
    if form == "valhalla" and isinstance(cell, dict):
        return cell.get("time", "no time")
    return cell


def _is_time(value: Any) -> bool:
    # type() and not isinstance: True is an int. NaN fails both comparisons.
    return value is None or (type(value) in (int, float) and 0 <= value <= YEAR)


def _all_times(cells: list[Any], block: Block) -> None:
    wrong = [k for k, value in enumerate(cells) if not _is_time(value)]
    if wrong:
        width = len(block.columns)
        named = first(
            f"{block.pair(k // width, k % width)}: {_shown(cells[k])}"
            for k in wrong[: FIRST + 1]
        )
        raise WrongAnswerError(
            f"sent something else than seconds or null for {len(wrong)} of "
            f"{len(cells)} pairs ({named})"
        )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 24 else f"{text[:20]}..."


def _indices_agree(rows: list[list[Any]], block: Block) -> None:
    """Check the indices that Valhalla writes into each cell."""
    wrong = [
        i * len(block.columns) + j
        for i, row in enumerate(rows)
        for j, cell in enumerate(row)
        if isinstance(cell, dict)
        and (cell.get("from_index", i) != i or cell.get("to_index", j) != j)
    ]
    if wrong:
        raise WrongAnswerError(
            f"sent {len(wrong)} pairs out of order ({block.pairs(np.array(wrong))})"
        )


def _spots(data: Any, form: str, block: Block) -> tuple[Array | None, Array | None]:
    """Return where the service put the places, each (k, 2) degrees, if it says so."""
    target = {"osrm": "destinations", "valhalla": "targets"}.get(form)
    if target is None:
        return None, None
    height, width = block.shape
    return _located(data, "sources", height), _located(data, target, width)


def _located(data: Any, name: str, count: int) -> Array | None:
    listed = data.get(name)
    if listed is None:
        return None
    # Older versions of Valhalla nest the list once more.
    if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], list):
        listed = listed[0]
    if not isinstance(listed, list) or len(listed) != count:
        size = len(listed) if isinstance(listed, list) else "no list of"
        raise WrongAnswerError(f"sent {size} {name} where {count} were asked for")
    return np.array([_spot(entry, name) for entry in listed], dtype=np.float64)


def _spot(entry: Any, name: str) -> tuple[float, float]:
    if entry is None:
        return np.nan, np.nan
    found = None
    if isinstance(entry, dict):
        found = entry.get("location", [entry.get("lon"), entry.get("lat")])
    numbers = isinstance(found, list) and len(found) == 2
    if not numbers or not all(_is_degrees(v) for v in found or ()):
        raise WrongAnswerError(f"sent {name} without their coordinates")
    lon, lat = found or (np.nan, np.nan)
    return float(lon), float(lat)


def _is_degrees(value: Any) -> bool:
    return type(value) in (int, float) and -180 <= value <= 180


def _moved(spots: Array | None, block: Block, asked: Codes) -> Array:
    """Return how far each place was moved, in kilometres, once in right order."""
    if spots is None:
        return np.full(len(asked), np.nan)
    lon, lat = block.places.lon[asked], block.places.lat[asked]
    to_each = great_circle_km(lon[:, None], lat[:, None], spots[:, 0], spots[:, 1])
    own = np.diagonal(to_each).copy()
    # Each place goes to the nearest road, so none can be nearer to where another
    # place went, but for rounding and roads that a service leaves out.
    other = np.where(np.isnan(to_each), np.inf, to_each)
    nearest = other.min(axis=1)
    wrong = np.flatnonzero(own > nearest * (1 + ORDER_SHARE) + ORDER_KM)
    if wrong.size:
        units = block.places.units
        named = first(
            f"{units[asked[k]]} was put where {units[asked[other[k].argmin()]]} is, "
            f"{own[k]:.1f} km off"
            for k in wrong[: FIRST + 1]
        )
        raise WrongAnswerError(f"sent its rows or columns in another order ({named})")
    return own


def _right_region(
    spots: Array | None, moved_from: Array, moved_to: Array, block: Block
) -> None:
    """Refuse an answer from the map of another region."""
    moved = np.concatenate([moved_from, moved_to])
    known = moved[~np.isnan(moved)]
    if spots is None or not known.size or known.min() < ELSEWHERE_KM:
        return
    lon, lat = block.places.lon[block.rows], block.places.lat[block.rows]
    swapped = great_circle_km(lat, lon, spots[:, 0], spots[:, 1])
    hint = "its map is of another region"
    if np.nanmedian(swapped) < np.nanmedian(moved) / 4:
        hint = "longitude and latitude of the places look swapped"
    raise WrongAnswerError(
        f"moved every place at least {known.min():,.0f} km to reach a road: {hint}"
    )


def _not_at_once(seconds: Array, block: Block) -> None:
    """Refuse rows that are at once elsewhere, and not at home.

    Two places may well go to one point of a road and be 0 seconds apart; then
    each is 0 seconds from itself, too.
    """
    if not np.array_equal(block.rows, block.columns):
        return
    away = np.diagonal(seconds)[:, None] > 0
    wrong = np.flatnonzero((seconds == 0) & away & (block.km() > APART_KM))
    if wrong.size:
        raise WrongAnswerError(
            f"sent 0 seconds for {wrong.size} pairs of places that are apart, and more "
            f"from a place to itself ({block.pairs(wrong)}); its rows are in another "
            "order"
        )

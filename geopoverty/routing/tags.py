"""What the tags of a way say: who may drive on it, and in which direction."""

import re

import numpy as np
import pandas as pd

from geopoverty.numerics.types import Array, Mask

# The most specific tag decides.
ACCESS = ("motorcar", "motor_vehicle", "vehicle", "access")
CLOSED = (
    "no",
    "private",
    "permit",
    "agricultural",
    "forestry",
    "military",
    "emergency",
)
ONE_WAY, AGAINST, BOTH = ("yes", "true", "1"), ("-1", "reverse"), ("no", "false", "0")
ROUND = ("roundabout", "circular")
USED = (
    "highway",
    "route",
    "maxspeed",
    "maxspeed:forward",
    "maxspeed:backward",
    "maxspeed:type",
    "source:maxspeed",
    "zone:traffic",
    "oneway",
    "junction",
    "area",
    "duration",
    *ACCESS,
)


def open_to_cars(tags: pd.DataFrame) -> Mask:
    """Return which ways cars may use.

    Parameters
    ----------
    tags : DataFrame, shape (m, ...)
        One way a row, one tag a column.

    Notes
    -----
    The most specific of ``motorcar``, ``motor_vehicle``, ``vehicle`` and ``access``
    decides; of several values, such as ``agricultural;forestry``, each must be closed.

    Examples
    --------
    >>> open_to_cars(pd.DataFrame({"access": ["no", "private", None, "destination"],
    ...                            "motorcar": ["yes", None, None, None]}))
    array([ True, False,  True,  True])
    """
    said = pd.Series(None, index=tags.index, dtype=object)
    for name in ACCESS:
        if name in tags:
            said = said.where(said.notna(), tags[name])
    closed = {w: _all_closed(str(w)) for w in said.dropna().unique()}
    shut = said.map(closed).eq(True).to_numpy(bool)
    area = tags["area"].eq("yes").to_numpy(bool) if "area" in tags else False
    return np.asarray(~(shut | area))


def _all_closed(value: str) -> bool:
    return all(part.strip() in CLOSED for part in value.split(";"))


def directions(tags: pd.DataFrame) -> tuple[Mask, Mask]:
    """Return which ways may be driven as they are drawn, and which against that.

    Roundabouts and motorways are one-way unless they say otherwise.

    Examples
    --------
    >>> ways = pd.DataFrame({"highway": ["motorway", "primary", "primary"],
    ...                      "oneway": [None, "-1", "no"]})
    >>> along, against = directions(ways)
    >>> along.tolist(), against.tolist()
    ([True, False, True], [False, True, True])
    """
    said = _column(tags, "oneway").astype(str).str.strip().str.lower()
    usual = _column(tags, "junction").isin(ROUND)
    usual |= _column(tags, "highway").eq("motorway")
    one_way = said.isin(ONE_WAY) | (usual & ~said.isin((*BOTH, *AGAINST)))
    back = said.isin(AGAINST)
    return (~back).to_numpy(bool), (~one_way).to_numpy(bool)


def crossing_minutes(duration: pd.Series) -> Array:
    """Return the minutes that the tag ``duration`` of a ferry says, NaN if none.

    Examples
    --------
    >>> crossing_minutes(pd.Series(["01:30", "45", "PT1H5M", "00:10:30", "soon"]))
    array([90. , 45. , 65. , 10.5,  nan])
    """
    return np.array([_minutes(str(d)) for d in duration], dtype=float)


_CLOCK = re.compile(r"(\d+):(\d\d)(?::(\d\d))?")
_ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


def _minutes(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text) or np.nan
    found = _CLOCK.fullmatch(text) or _ISO.fullmatch(text)
    if not found:
        return np.nan
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return (60 * hours + minutes + seconds / 60) or np.nan


def _column(tags: pd.DataFrame, name: str) -> pd.Series:
    if name in tags:
        return tags[name]
    return pd.Series(None, index=tags.index, dtype=object)

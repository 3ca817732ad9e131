"""What a written file remembers besides minutes: status, notes, source, units."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geopoverty._checks import warn
from geopoverty._files import atomic_path
from geopoverty.data.travel.times import TravelTimes
from geopoverty.data.travel.within import Within
from geopoverty.errors import InputError
from geopoverty.provenance import STATUSES

KEY = "geopoverty_travel_times"  # in the schema of Parquet, the root of OMX
BESIDE = "-metadata.json"  # what stands beside a CSV file


@dataclass(frozen=True)
class Remembered:
    """What a file says of its minutes; by default nothing.

    Attributes
    ----------
    status : str, optional
    notes : tuple of str
    attrs : mapping
    units : tuple of str
        In order; also those without a known pair.
    within : Within
    """

    status: str | None = None
    notes: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    units: tuple[str, ...] = ()
    within: Within = field(default_factory=Within)


def as_text(times: TravelTimes, more: Mapping[str, Any] | None = None) -> str:
    """Return what a file is to remember, as JSON.

    Examples
    --------
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [35.0, 0.0]], "measured")
    >>> from_text(as_text(times)).units
    ('a', 'b')
    """
    said = {
        "status": times.status,
        "notes": list(times.notes),
        "attrs": {str(k): _plain(v) for k, v in times.attrs.items()},
        "units": list(times.units),
        "within": {"cutoff": times.within.cutoff, "nearest": times.within.nearest},
    }
    return json.dumps({**said, **(more or {})}, ensure_ascii=False)


def from_text(text: str | bytes | None) -> Remembered:
    """Return what a file remembers; nothing if it was written by somebody else.

    Examples
    --------
    >>> from_text(None).status is None
    True
    """
    try:
        said = json.loads(text) if text else None
        if not isinstance(said, dict) or said.get("status") not in STATUSES:
            return Remembered()
        kept = said.get("within") or {}
        return Remembered(
            said["status"],
            tuple(str(note) for note in said.get("notes", ())),
            dict(said.get("attrs", {})),
            tuple(str(unit) for unit in said.get("units", ())),
            Within(kept.get("cutoff"), kept.get("nearest")),
        )
    except (ValueError, TypeError, AttributeError, InputError):
        return Remembered()


def write_beside(times: TravelTimes, written: Path, path: Path) -> None:
    """Write what a CSV file at `path` is to remember, beside it.

    Parameters
    ----------
    written : Path
        The file whose content is to be at `path`: the two are held together by
        its SHA-256.
    """
    with atomic_path(_beside(path)) as draft:
        text = as_text(times, {"sha256": _sha256(written)})
        draft.write_text(text + "\n", encoding="utf-8")


def read_beside(path: Path) -> Remembered:
    """Return what stands beside a CSV file, if it was written with it.

    Warns
    -----
    GeoPovertyWarning
        If the file was changed since.
    """
    beside = _beside(path)
    if not beside.is_file():
        return Remembered()
    text = beside.read_text(encoding="utf-8", errors="replace")
    found = from_text(text)
    if found.status is None:
        return found
    if json.loads(text).get("sha256") != _sha256(path):
        warn(
            f"'{path.name}' was changed after '{beside.name}' was written beside it, "
            "so that its status and notes are not used. Write the times anew with "
            "write_travel_times, or remove that file."
        )
        return Remembered()
    return found


def _beside(path: Path) -> Path:
    return path.with_name(path.name + BESIDE)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)

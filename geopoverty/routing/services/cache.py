"""Finished blocks on disk, so that no pair is asked for twice."""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from geopoverty._files import atomic_path
from geopoverty.errors import InputError
from geopoverty.routing.services.answers import Answer
from geopoverty.routing.services.blocks import Block
from geopoverty.routing.services.options import Service

VERSION = 1  # of what a file holds


@dataclass(frozen=True, eq=False)
class Stored:
    """An answer and the day it was given.

    Attributes
    ----------
    answer : Answer
        Checked.
    day : date
        In UTC.
    """

    answer: Answer
    day: date


def cache_folder(service: Service) -> Path | None:
    """Return the folder that blocks of a service are kept in, None for none.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    asked = service.requests.cache
    if asked is False or (asked is True and not service.dialect.storable):
        return None
    folder = _users_folder() if asked is True else Path(os.fspath(asked)).expanduser()
    folder = folder / service.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder for finished blocks cannot be made: '{folder}' "
            f"({error.strerror}). Name another: Requests(cache=...), or cache=False."
        ) from error
    return folder


def block_key(service: Service, block: Block) -> str:
    """Return a text that stands for what a block asks, and of whom.

    The key of the service is no part of it.
    """
    asked: dict[str, Any] = {
        "version": VERSION,
        "service": service.name,
        "url": service.url,
        "profile": service.profile,
        "options": {**service.dialect.fixed, **service.options},
    }
    for side, chosen in (("from", block.rows), ("to", block.columns)):
        places = block.places
        asked[side] = [
            places.units[chosen].tolist(),
            places.lon[chosen].tolist(),
            places.lat[chosen].tolist(),
        ]
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def block_path(folder: Path, key: str) -> Path:
    """Return where a block is kept."""
    return folder / f"{key}.npz"


def load_block(folder: Path, key: str, block: Block) -> Stored | None:
    """Return a saved block; None if there is none that can be used."""
    path = block_path(folder, key)
    if not path.is_file():
        return None
    try:
        # numpy leaves a file open that it cannot read, unless it is given one.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            answer = Answer(
                held["minutes"],
                held["moved_from"],
                held["moved_to"],
                bool(held["located"]),
            )
            stored = Stored(answer, date.fromisoformat(str(held["day"])))
            same = str(held["key"]) == key
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return stored if same and _fits(answer, block) else None


def save_block(folder: Path, key: str, stored: Stored) -> None:
    """Save a block, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    answer = stored.answer
    try:
        with atomic_path(block_path(folder, key)) as draft:
            np.savez_compressed(
                draft,
                minutes=answer.minutes,
                moved_from=answer.moved_from,
                moved_to=answer.moved_to,
                located=np.array(answer.located),
                day=np.array(stored.day.isoformat()),
                key=np.array(key),
            )
    except OSError as error:
        raise InputError(
            f"A finished block cannot be saved in '{folder}' ({error.strerror}). Make "
            "room, or name another folder: Requests(cache=...)."
        ) from error


def _fits(answer: Answer, block: Block) -> bool:
    rows, columns = block.shape
    arrays = (answer.minutes, answer.moved_from, answer.moved_to)
    shapes = [(rows, columns), (rows,), (columns,)]
    if [a.shape for a in arrays] != shapes or any(
        a.dtype != np.float64 for a in arrays
    ):
        return False
    # NaN, for no route, is not below 0.
    return not any((a < 0).any() or np.isinf(a).any() for a in arrays)


def _users_folder() -> Path:
    named = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    base = Path(named) if named else Path.home() / ".cache"
    return base / "geopoverty" / "travel-times"

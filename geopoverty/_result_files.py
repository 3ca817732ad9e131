"""A result as one file: a zip of JSON and Parquet, never pickle."""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geopoverty._files import atomic_path
from geopoverty.errors import InputError

FORMAT = 1
_FRAMES = ("estimates", "vcov", "units")
# What zip, JSON and Parquet say of bytes that are not theirs.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    LookupError,
    TypeError,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
)


def write(path: str | os.PathLike[str], parts: Mapping[str, Any]) -> None:
    """Write the parts of a Result to `path`, whole or not at all."""
    head = {
        "format": FORMAT,
        "estimator": parts["estimator"],
        "facts": _plain(parts["facts"]),
        "notes": list(parts["notes"]),
        "provenance": _plain(parts["provenance"]),
        "tables": list(parts["tables"]),
    }
    frames = [
        parts["estimates"].to_frame("estimate"),
        parts["vcov"],
        parts["units"],
        *parts["tables"].values(),
    ]
    names = (*_FRAMES, *parts["tables"])
    with atomic_path(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        archive.writestr("result.json", json.dumps(head, indent=1))
        for i, (name, frame) in enumerate(zip(names, frames, strict=True)):
            archive.writestr(f"{i}.parquet", _parquet(name, frame))


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the parts of a Result that `write` wrote."""
    file = Path(path)
    if not file.is_file():
        raise InputError(f"There is no file '{file}'. Check the path.")
    try:
        with zipfile.ZipFile(file) as archive:
            return _parts(file, archive)
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(
            f"'{file}' is not a saved result ({error}). Save it with Result.save."
        ) from error


def _parts(file: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    head = json.loads(archive.read("result.json"))
    if head["format"] != FORMAT:
        raise InputError(
            f"'{file}' has result format {head['format']}; this version reads "
            f"{FORMAT}. Update geopoverty."
        )
    estimates, vcov, units, *tables = (
        pd.read_parquet(io.BytesIO(archive.read(f"{i}.parquet")))
        for i in range(len(_FRAMES) + len(head["tables"]))
    )
    return {
        "estimator": head["estimator"],
        "estimates": estimates["estimate"],
        "vcov": vcov,
        "units": units,
        "facts": head["facts"],
        "tables": dict(zip(head["tables"], tables, strict=True)),
        "notes": tuple(head["notes"]),
        "provenance": head["provenance"],
    }


def _parquet(name: str, frame: pd.DataFrame) -> bytes:
    plain = frame.copy(deep=False)
    plain.attrs = _plain(frame.attrs)
    buffer = io.BytesIO()
    try:
        plain.to_parquet(buffer)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(
            f"The table '{name}' cannot be saved ({error}). Give every column one type."
        ) from error
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    """Return `value` in types JSON knows."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float | bool | None) else str(value)

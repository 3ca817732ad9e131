"""A result as one file: a zip of JSON and Parquet, never pickle."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._files import atomic_path
from geopoverty.errors import InputError

FORMAT = 1
_FRAMES = ("estimates", "vcov", "units")


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
    with atomic_path(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        archive.writestr("result.json", json.dumps(head, indent=1))
        for i, frame in enumerate(frames):
            buffer = io.BytesIO()
            frame.to_parquet(buffer)
            archive.writestr(f"{i}.parquet", buffer.getvalue())


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the parts of a Result that `write` wrote."""
    file = Path(path)
    if not file.is_file():
        raise InputError(f"There is no file '{file}'. Check the path.")
    try:
        with zipfile.ZipFile(file) as archive:
            head = json.loads(archive.read("result.json"))
            if head.get("format") != FORMAT:
                raise InputError(
                    f"'{file}' has result format {head.get('format')}; this version "
                    f"reads {FORMAT}. Update geopoverty."
                )
            frames = [
                pd.read_parquet(io.BytesIO(archive.read(f"{i}.parquet")))
                for i in range(len(_FRAMES) + len(head["tables"]))
            ]
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise InputError(
            f"'{file}' is not a saved result ({error}). Save it with Result.save."
        ) from error
    return {
        "estimator": head["estimator"],
        "estimates": frames[0]["estimate"],
        "vcov": frames[1],
        "units": frames[2],
        "facts": head["facts"],
        "tables": dict(zip(head["tables"], frames[3:], strict=True)),
        "notes": tuple(head["notes"]),
        "provenance": head["provenance"],
    }


def _plain(value: Any) -> Any:
    """Return `value` in types JSON knows."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float | bool | None) else str(value)

"""The manifest: what went in, what was asked, what came out."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty.data.travel import TravelTimes
from geopoverty.provenance import SOURCE_KEYS, arrays_of
from geopoverty.results import Result
from geopoverty.study.folder import MADE_BY, MANIFEST
from geopoverty.study.inputs import input_path
from geopoverty.study.made import Call, Prepared
from geopoverty.study.pages import Missing

PACKAGES = ("geopoverty", "geopandas", "numpy", "pandas", "scipy", "shapely")
FORMAT = 1


def input_files(made: Prepared) -> dict[str, list[Path]]:
    """Return the files a study reads, by the part that names them.

    A Shapefile brings its companions (``.dbf``, ``.prj``, ...).
    """
    study = made.study
    parts: dict[str, Any] = {
        "boundaries": study.boundaries,
        "travel_times": study.times,
        **{f"tables.{n}": t for n, t in study.tables.items()},
    }
    found = {}
    for name, part in parts.items():
        if part is not None and part.file is not None:
            path = input_path(part.file, made.folder)
            beside = [path]
            if path.suffix.lower() == ".shp":
                beside = sorted(path.parent.glob(f"{path.stem}.*"))
            found[name] = beside
    return found


def write_manifest(
    folder: Path,
    made: Prepared,
    fitted: Mapping[str, Result],
    missing: Missing,
    study_file: Path,
) -> None:
    """Write ``manifest.json``: inputs with sha256, options, seeds, notes, outputs.

    Parameters
    ----------
    folder : Path
        With all other outputs in it.
    made, fitted, missing
        What was done.
    study_file : Path
    """
    manifest = {
        "made_by": MADE_BY,
        "format": FORMAT,
        "title": made.study.head.title,
        "versions": {
            "python": platform.python_version(),
            **{p: version(p) for p in PACKAGES},
        },
        "study": {"file": study_file.name, "sha256": file_sha256(study_file)},
        "inputs": _inputs(made),
        "models": {n: _model(c, fitted.get(n)) for n, c in made.calls.items()},
        "missing": missing.reasons,
        "notes": made.notes,
        "outputs": {
            p.relative_to(folder).as_posix(): file_sha256(p)
            for p in sorted(folder.rglob("*"))
            if p.is_file()
        },
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False, default=str)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8", newline="\n")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def data_sha256(data: pd.DataFrame | TravelTimes) -> str:
    """Return the SHA-256 of what a table or travel times hold, names included.

    Examples
    --------
    >>> data_sha256(pd.DataFrame({"x": [1]})) == data_sha256(pd.DataFrame({"y": [1]}))
    False
    """
    digest = hashlib.sha256()
    if isinstance(data, TravelTimes):
        digest.update("\0".join(data.units).encode())
        marked = [] if data.filled is None else arrays_of(data.filled)
        for array in (*arrays_of(data.matrix), *marked):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
    plain = pd.DataFrame(data)
    if isinstance(data, gpd.GeoDataFrame):
        plain = plain.assign(**{data.geometry.name: data.geometry.to_wkb(hex=True)})
    digest.update("\0".join(map(str, plain.columns)).encode())
    digest.update(pd.util.hash_pandas_object(plain, index=True).to_numpy().tobytes())
    return digest.hexdigest()


def _inputs(made: Prepared) -> list[dict[str, Any]]:
    study = made.study
    parts: list[tuple[str, Any, Any]] = [
        ("boundaries", study.boundaries, made.counties),
        ("travel_times", study.times, made.times),
        *((f"tables.{n}", t, made.tables[n]) for n, t in study.tables.items()),
    ]
    files = input_files(made)
    listed = []
    for name, part, data in parts:
        if part is None or data is None:
            continue
        entry: dict[str, Any] = {"part": name}
        if name in files:
            entry["files"] = {p.name: file_sha256(p) for p in files[name]}
        elif part.dataset is not None:
            entry["dataset"] = part.dataset
        if getattr(part, "options", None):
            entry["options"] = dict(part.options)
        entry["rows"] = data.n if isinstance(data, TravelTimes) else len(data)
        entry["sha256_as_used"] = data_sha256(data)
        said = data.attrs
        entry |= {k: str(said[k]) for k in SOURCE_KEYS if said.get(k)}
        status = getattr(data, "status", None)
        listed.append(entry | ({"status": status} if isinstance(status, str) else {}))
    return listed


def _model(call: Call, result: Result | None) -> dict[str, Any]:
    model = call.model
    entry: dict[str, Any] = {
        "title": call.title,
        "estimator": model.estimator,
        "table": model.table,
        "rows": len(call.data),
    }
    told = ("formula", "column", "periods", "where", "weights", "unit_data", "groups")
    for key in (*told, "scan"):
        if getattr(model, key) is not None:
            entry[key] = getattr(model, key)
    entry["options"] = dict(model.options)
    entry["seeds"] = {k: v.seed for k, v in call.options.items() if hasattr(v, "seed")}
    if result is None:
        return entry | {"fitted": False}
    return entry | {
        "fitted": True,
        "data_hash": result.provenance.get("data_hash"),
        "facts": {k: _plain(v) for k, v in result.facts.items()},
        "notes": list(result.notes),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        # Eight digits, as in the tables; JSON has no word for what is not finite.
        return float(f"{value:.8g}") if np.isfinite(value) else str(value)
    return value

"""What a file says of itself: sources, licences, status, notes, versions."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty.provenance import notes_in, sources_in, weakest_status

GUARDED = "A text that a spreadsheet could run as a formula has an apostrophe in front."
ADDRESS = "urn:geopoverty:metadata"  # all of it, as JSON
KINDS = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "M": "datetime"}


def metadata_of(
    table: gpd.GeoDataFrame,
    title: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Say where a map comes from, in types JSON knows.

    Parameters
    ----------
    table : GeoDataFrame
        Its ``attrs`` are read, as `join` leaves them.
    title : str, optional
        In place of that of the ``attrs``.
    columns : mapping of str to str, optional
        What columns hold, in words.

    Returns
    -------
    dict
        ``title, status, sources, licences, notes, method, columns, rows,
        crs, versions``; empty ones are left out.

    Examples
    --------
    >>> towns = gpd.GeoDataFrame({"n": [1]}, geometry=gpd.points_from_xy([0], [0]))
    >>> towns.attrs = {"title": "Towns", "status": "measured", "licence": "CC0"}
    >>> found = metadata_of(towns, columns={"n": "Households"})
    >>> found["licences"], found["columns"]
    (['CC0'], {'n': 'Households'})
    """
    attrs = table.attrs
    sources = sources_in(attrs)
    method = attrs.get("method")
    made = dict(method) if isinstance(method, Mapping) else {}
    licences = dict.fromkeys(s["licence"] for s in sources if "licence" in s)
    stated = any(s.get("status") for s in sources)
    said = {
        "title": str(title or attrs.get("title") or "Map"),
        "status": weakest_status(sources) if stated else "",
        "sources": sources,
        "licences": list(licences),
        "notes": notes_in(attrs),
        "method": {k: v for k, v in made.items() if k != "versions"},
        "columns": dict(columns or {}),
        "rows": len(table),
        "crs": table.crs.to_string() if table.crs else "",
        "versions": {**made.get("versions", {}), "geopoverty": version("geopoverty")},
    }
    kept: dict[str, Any] = plain(
        {k: v for k, v in said.items() if v not in ("", [], {})}
    )
    return kept


def flat(said: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata as texts by key, for formats that hold no more.

    Examples
    --------
    >>> flat({"title": "Towns", "notes": ["Few."]})["notes"]
    'Few.'
    """
    lines = {
        key: "\n".join(said[key]) for key in ("licences", "notes") if said.get(key)
    }
    texts = {k: str(said[k]) for k in ("title", "status") if said.get(k)}
    sources = "\n".join(_in_words(s) for s in said.get("sources", []))
    return {
        **texts,
        **({"sources": sources} if sources else {}),
        **lines,
        "geopoverty": as_json(said),
    }


def csvw(said: Mapping[str, Any], table: pd.DataFrame, name: str) -> dict[str, Any]:
    """Describe a CSV file as CSV on the Web does [1]_.

    Parameters
    ----------
    said : mapping
        Of `metadata_of`.
    table : DataFrame
        What the file holds, unit ids first.
    name : str
        Of the file.

    References
    ----------
    .. [1] W3C (2015). Metadata vocabulary for tabular data.

    Examples
    --------
    >>> towns = pd.DataFrame({"unit_id": ["a"], "n": [1]})
    >>> found = csvw({"title": "Towns"}, towns, "towns.csv")
    >>> [c["datatype"] for c in found["tableSchema"]["columns"]]
    ['string', 'integer']
    """
    described = said.get("columns", {})
    columns = [
        {
            "name": f"column_{k}",
            "titles": str(column),
            "datatype": _kind(table[column]),
            **({"dc:description": described[column]} if column in described else {}),
        }
        for k, column in enumerate(table.columns, 1)
    ]
    terms = {
        "dc:title": said["title"],
        "dc:source": [_in_words(s) for s in said.get("sources", [])],
        "dc:rights": said.get("licences", []),
        "dc:provenance": _making(said),
        "rdfs:comment": [*said.get("notes", []), GUARDED],
        # Other terms must be addresses, and hold no terms of their own.
        ADDRESS: as_json(said),
    }
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": name,
        **{k: v for k, v in terms.items() if v},
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\r\n"], "header": True},
        "tableSchema": {"columns": columns},
    }


def as_json(said: Mapping[str, Any], indent: int | None = None) -> str:
    """Write metadata as JSON, letters as they are."""
    return json.dumps(said, ensure_ascii=False, indent=indent, allow_nan=False)


def plain(value: Any) -> Any:
    """Return `value` in types JSON knows; what is not finite as text.

    Examples
    --------
    >>> plain({"k": (np.int64(1), float("inf"))})
    {'k': [1, 'inf']}
    """
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _in_words(source: Mapping[str, str]) -> str:
    licence = f"licence: {source['licence']}" if "licence" in source else ""
    parts = [
        *(source.get(k, "") for k in ("title", "status", "source")),
        licence,
        source.get("attribution", ""),
    ]
    return "; ".join(p for p in parts if p)


def _making(said: Mapping[str, Any]) -> str:
    """Say in a line how the numbers were made, and with what."""
    method = said.get("method", {})
    made = [str(method[k]) for k in ("estimator", "formula") if method.get(k)]
    seed = [f"seed {method['seed']}"] if method.get("seed") is not None else []
    used = [f"{name} {number}" for name, number in said.get("versions", {}).items()]
    return "; ".join([*made, *seed, ", ".join(used)])


def _kind(column: pd.Series) -> str:
    return KINDS.get(column.dtype.kind, "string")

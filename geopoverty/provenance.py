"""Where a result comes from: formula, options, data and versions."""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGES = ("geopoverty", "numpy", "scipy", "pandas")
STATUSES = ("measured", "routed", "modelled", "simulated")  # firmest first
SOURCE_KEYS = ("title", "status", "source", "licence", "attribution")


def sources_of(*inputs: Any) -> list[dict[str, Any]]:
    """Return the ``attrs`` of tables, travel times and weights, None left out.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"x": [1]})
    >>> table.attrs["status"] = "simulated"
    >>> sources_of(table, None)
    [{'status': 'simulated'}]
    """
    return [{**i.attrs, **_own_status(i)} for i in inputs if i is not None]


def sources_in(attrs: Mapping[Any, Any]) -> list[dict[str, str]]:
    """Return the data sources that a table's ``attrs`` name.

    Parameters
    ----------
    attrs : mapping
        Either with ``"data"``: a list of mappings (or one) with title, status,
        source, licence and attribution; or such a mapping itself.

    Examples
    --------
    >>> sources_in({"title": "Census", "status": "measured", "rows": 3})
    [{'title': 'Census', 'status': 'measured'}]
    """
    listed = attrs.get("data", attrs)
    entries = listed if isinstance(listed, list | tuple) else [listed]
    kept = [
        {k: str(e[k]) for k in SOURCE_KEYS if e.get(k) not in (None, "")}
        for e in entries
        if isinstance(e, Mapping)
    ]
    return [s for i, s in enumerate(kept) if s and s not in kept[:i]]


def notes_in(attrs: Mapping[Any, Any]) -> list[str]:
    """Return the notes that a table's ``attrs`` hold.

    Examples
    --------
    >>> notes_in({"notes": "Few clusters."})
    ['Few clusters.']
    """
    notes = attrs.get("notes", ())
    lines = [notes] if isinstance(notes, str) else notes
    return [str(n) for n in lines] if isinstance(lines, list | tuple) else []


def _own_status(source: Any) -> dict[str, str]:
    status = getattr(source, "status", None)
    # A table may have a column of that name.
    return {"status": status} if isinstance(status, str) else {}


def weakest_status(sources: Iterable[Mapping[str, Any]]) -> str:
    """Return the least firm status among sources: what they make can be no firmer.

    Examples
    --------
    >>> weakest_status([{"status": "measured"}, {"status": "modelled"}])
    'modelled'
    """
    found = [
        STATUSES.index(s["status"]) for s in sources if s.get("status") in STATUSES
    ]
    return STATUSES[max(found, default=0)]


def provenance(
    formula: str,
    options: Mapping[str, Any],
    arrays: Iterable[NDArray[Any]],
    sources: Iterable[Mapping[str, Any]],
    packages: Iterable[str] = (),
) -> dict[str, Any]:
    """Gather what makes a result repeatable.

    Parameters
    ----------
    formula : str
    options : mapping
        As given; whatever is not plain is kept as text.
    arrays : iterable of array
        The numbers used, hashed.
    sources : iterable of mapping
        The `.attrs` of what went in; each that has a title or status is kept.
    packages : iterable of str
        Packages that did part of the work, besides numpy, scipy and pandas.

    Returns
    -------
    dict
        ``formula, options, data_hash, data, versions``; ``data`` lists title,
        status, source, licence and attribution of each source.

    Examples
    --------
    >>> out = provenance("y ~ x", {"vcov": "hc1"}, [np.ones(2)], [{"status": "routed"}])
    >>> out["data"], len(out["data_hash"])
    ([{'status': 'routed'}], 32)
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        values = _with_bytes(np.asarray(array))
        # Kind and shape keep arrays from running into each other.
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.data)
    kept = [{k: str(s[k]) for k in SOURCE_KEYS if s.get(k)} for s in sources]
    listed = [s for i, s in enumerate(kept) if s and s not in kept[:i]]
    versions = {p: _version(p) for p in (*PACKAGES, *packages)}
    return {
        "formula": formula,
        "options": {k: _plain(v) for k, v in options.items()},
        "data_hash": digest.hexdigest(),
        "data": listed,
        "versions": {"python": platform.python_version(), **versions},
    }


def arrays_of(matrix: Any) -> list[NDArray[Any]]:
    """Return the arrays that make up a dense or CSR matrix, to be hashed.

    Examples
    --------
    >>> len(arrays_of(np.eye(2)))
    1
    """
    if isinstance(matrix, np.ndarray):
        return [matrix]
    return [matrix.data, matrix.indices, matrix.indptr]


@cache
def _version(package: str) -> str:
    # Reading it takes as long as a small fit.
    return version(package)


def _with_bytes(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind in "OMm":  # objects hold addresses, dates give no buffer
        array = array.astype(str)
    return np.ascontiguousarray(array)


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | None):
        return value
    return repr(value).splitlines()[0][:200]

"""Where a table made of firms comes from: what its ``attrs`` say."""

from collections.abc import Iterable, Mapping
from typing import Any

from geopoverty.provenance import STATUSES, weakest_status


def derived_attrs(
    title: str, sources: Iterable[Mapping[Any, Any]], notes: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the ``attrs`` of a table made from others.

    The status is the least firm of the sources', left out where none says its own.

    Examples
    --------
    >>> derived_attrs("Clusters", [{"title": "Census", "status": "simulated"}])
    {'title': 'Clusters; from Census', 'status': 'simulated', 'notes': []}
    """
    given = [s for s in sources if s]
    origins = dict.fromkeys(str(s["title"]) for s in given if s.get("title"))
    out: dict[str, Any] = {"title": "; from ".join([title, *_joined(origins)])}
    if any(s.get("status") in STATUSES for s in given):
        out["status"] = weakest_status(given)
    for key in ("source", "licence", "attribution"):
        said = dict.fromkeys(str(s[key]) for s in given if s.get(key))
        out.update(zip((key,), _joined(said), strict=False))
    earlier = [str(n) for s in given for n in s.get("notes", ())]
    out["notes"] = list(dict.fromkeys([*earlier, *notes]))
    return out


def _joined(texts: Iterable[str]) -> list[str]:
    joined = "; ".join(texts)
    return [joined] if joined else []

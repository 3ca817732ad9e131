"""What the legend and the source line of a map say."""

from collections.abc import Mapping
from itertools import pairwise
from math import ceil, inf
from typing import Any

from geopoverty.classes import Classes
from geopoverty.plots.map_table import MapLook
from geopoverty.provenance import sources_in

MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int) -> str:
    """Write a number with a true minus and never "-0".

    Examples
    --------
    >>> number(-1234.5, 1).replace(MINUS, "minus "), number(-0.001, 1)
    ('minus 1,234.5', '0.0')
    """
    text = f"{value:,.{digits}f}"
    return text.replace("-", MINUS if any(c in "123456789" for c in text) else "")


def ranges(found: Classes) -> list[str]:
    """Return the range of each class in words, as the legend of the atlas does.

    Whole numbers end one below the next class, others end where it begins; the outer
    classes stay open where the breaks are rounder than the values.

    Examples
    --------
    >>> ranges(Classes((10.0, 20.0), ("", "", ""), 3.0, 40.0, 0, True, ""))
    ['3 to 9', '10 to 19', '20 to 40']
    """
    digits = found.break_digits
    low, high = (inf, -inf) if found.open_ended else (found.low, found.high)
    if not found.breaks:
        return [_span(found.low, found.high, digits)]
    ends = [float(ceil(b) - 1) if found.whole else b for b in found.breaks]
    first, last = found.breaks[0], found.breaks[-1]
    bottom = (
        _span(low, ends[0], digits) if low < first else f"under {number(first, digits)}"
    )
    top = (
        _span(last, high, digits) if high >= last else f"{number(last, digits)} or more"
    )
    inner = [
        _span(start, ends[k + 1], digits)
        for k, (start, _) in enumerate(pairwise(found.breaks))
    ]
    return [bottom, *inner, top]


def _span(start: float, end: float, digits: int) -> str:
    one, two = number(start, digits), number(end, digits)
    return one if one == two else f"{one} to {two}"


def counted(label: str, count: int) -> str:
    """Write a label and how many units it has.

    Examples
    --------
    >>> counted("10 to 20", 1234)
    '10 to 20 (1,234)'
    """
    return f"{label} ({count:,})"


def heading(look: MapLook, column: str) -> str:
    """Return what is shown, with its unit.

    Examples
    --------
    >>> heading(MapLook(unit="%"), "poor")
    'poor (%)'
    """
    label = look.label or column
    return f"{label} ({look.unit})" if look.unit else label


def source_line(attrs: Mapping[Any, Any], note: str = "") -> str:
    """Say where the data of a map come from, how they came about, whose they are.

    Parameters
    ----------
    attrs : mapping
        Of the table, as `join` leaves them.
    note : str
        What stands at the end.

    Examples
    --------
    >>> source_line({"title": "Census", "status": "measured", "licence": "CC0"})
    'Source: Census (measured; CC0).'
    """
    entries = []
    for source in sources_in(attrs):
        held = [source[k] for k in ("status", "licence") if k in source]
        name = source.get("title") or source.get("source") or "data"
        who = source.get("attribution", "")
        inside = "; ".join([*held, *([who] if who and who != name else [])])
        entries.append(f"{name} ({inside})" if inside else name)
    named = "Source" if len(entries) == 1 else "Sources"
    said = [f"{named}: {'; '.join(entries)}."] if entries else []
    return " ".join([*said, *([note] if note else [])])

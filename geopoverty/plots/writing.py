"""Words on plots: names as they are, no formulas read into them."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from geopoverty.plots.style import INK, SMALL, SOFT
from geopoverty.provenance import weakest_status
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 36  # characters of a line; longer names are broken
ALONG = {"x": 64, "y": 50}  # the same along an axis
APART = 0.055  # of the height of the axes, between names of lines
SAID = ("simulated", "modelled")  # what a figure must say of its data
SMALLEST = 0.001  # p-values below are not written out
EASTERN = 0x2E80  # from here on letters that the usual fonts lack
FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC",
    "SimHei", "WenQuanYi Zen Hei", "Arial Unicode MS",
)  # fmt: skip


def plain(text: str, **look: Any) -> dict[str, Any]:
    """Return the settings of a text that is printed as it is.

    Between two dollar signs matplotlib reads mathematics, and names of columns may
    hold some; fonts that have a script are added where the usual one lacks it.

    Examples
    --------
    >>> plain("cost_$", color="red")
    {'parse_math': False, 'usetex': False, 'color': 'red'}
    """
    look = {"parse_math": False, "usetex": False, **look}
    if any(ord(letter) >= EASTERN for letter in text):
        look["fontfamily"] = _families()
    return look


def _families() -> list[str]:
    """Return the user's fonts, then those with Chinese letters that are installed."""
    from matplotlib import rcParams
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return [*rcParams["font.family"], *(name for name in FONTS if name in there)]


def broken(name: object, longest: int = LONGEST) -> str:
    """Return a name, broken into lines if it is long.

    Examples
    --------
    >>> broken("land")
    'land'
    """
    text = str(name)
    if len(text) <= longest:
        return text
    return "\n".join(textwrap.wrap(text, longest)) or text


def write(ax: "Axes", x: float, y: float, text: str, **look: Any) -> None:
    """Write `text` at a point, in small ink."""
    ax.text(x, y, text, **{**plain(text), "fontsize": SMALL, "color": INK, **look})


def name_axes(ax: "Axes", x: str | None, y: str | None) -> None:
    """Name the axes, with units; long names are broken."""
    if x is not None:
        ax.set_xlabel(broken(x, ALONG["x"]), **plain(x))
    if y is not None:
        ax.set_ylabel(broken(y, ALONG["y"]), **plain(y))


def name_ticks(ax: "Axes", axis: str, at: Sequence[float], names: list[str]) -> None:
    """Put names at places of the "x" or the "y" axis."""
    put = ax.set_xticks if axis == "x" else ax.set_yticks
    put(at, [broken(n) for n in names], **plain("".join(names)))


def name_lines(ax: "Axes", ends: list[tuple[float, str, str]]) -> None:
    """Name lines at the right of the axes: height, name and colour of each.

    Call it when the limits are set: names too near each other are moved apart.
    """
    low, high = ax.get_ylim()
    beside = ax.get_yaxis_transform()
    places = apart([y for y, _, _ in ends], APART * (high - low))
    for at, (_, name, color) in zip(places, ends, strict=True):
        look = {"color": color, "va": "center", "transform": beside}
        write(ax, 1.01, at, broken(name), **look)


def apart(values: list[float], gap: float) -> list[float]:
    """Return values moved upwards until none is nearer to the next than `gap`.

    Examples
    --------
    >>> apart([5.0, 1.0, 5.5], 2.0)
    [5.0, 1.0, 7.0]
    """
    out = list(values)
    order = sorted(range(len(out)), key=lambda i: out[i])
    for below, above in pairwise(order):
        out[above] = max(out[above], out[below] + gap)
    return out


ABOVE: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "borderaxespad": 0.2,
    "handlelength": 1.2,
    "columnspacing": 1.2,
}


def legend(ax: "Axes", handles: list[Any], names: list[str], **where: Any) -> None:
    """Explain marks that cannot be named beside them."""
    drawn = ax.legend(handles, names, fontsize=SMALL, framealpha=0.9, **where)
    drawn.get_frame().set_linewidth(0)
    for text in drawn.get_texts():
        text.update(plain(text.get_text()))


def p_in_words(p: float) -> str:
    """Write a p-value.

    Examples
    --------
    >>> p_in_words(0.0312), p_in_words(1e-9)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < SMALLEST else f"p = {p:.3f}"


def say_status(ax: "Axes", result: Result) -> None:
    """Print above the axes that data are simulated or modelled, if they are."""
    words = status_words(result)
    if words:
        look = plain(words, fontsize=SMALL, color=SOFT, style="italic")
        ax.set_title(words, loc="right", **look)


def status_words(result: Result) -> str:
    """Return what a reader must know about the data; nothing if measured.

    Examples
    --------
    >>> import pandas as pd
    >>> none = pd.Series(dtype=float), pd.DataFrame(), pd.DataFrame()
    >>> data = {"data": [{"status": "simulated"}, {"status": "measured"}]}
    >>> status_words(Result("x", *none, {"n_obs": 1, "n_dropped": 0}, provenance=data))
    'Partly simulated data'
    """
    return status_in(result.provenance.get("data", ()))


def status_in(data: Iterable[Mapping[str, Any]]) -> str:
    """Return the same of data sources.

    Examples
    --------
    >>> status_in([{"status": "modelled"}]), status_in([{"status": "routed"}])
    ('Modelled data', '')
    """
    sources = [s for s in data if s.get("status")]
    worst = weakest_status(sources)
    if not sources or worst not in SAID:
        return ""
    whole = all(s["status"] == worst for s in sources)
    return f"{worst.capitalize()} data" if whole else f"Partly {worst} data"

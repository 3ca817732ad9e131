"""How plots look: few colours that everybody can tell apart, and no junk.

Dark blue and orange differ in lightness too, so that a grey print keeps them apart;
what matters also differs in shape or stroke.
"""

from itertools import cycle, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAIN = "#225ea8"  # treated, matched, the estimate
OTHER = "#e08214"  # controls, unmatched, what it is compared with
INK = "#333333"
SOFT = "#6b6b6b"  # words and lines in the background
FAINT = "#d9d9d9"
PALE = "#c6d4e8"  # the main colour as a band
SMALL = "small"
# More groups than these are told apart by strokes and markers.
GROUPS = (MAIN, OTHER, "#1b7837", "#762a83", "#67a9cf", "#8c510a", INK)
MARKERS = ("o", "D", "s", "^", "v", "P", "X")
STROKES = ("-", "--", "-.", ":")


def groups_style(count: int) -> list[tuple[str, str, str]]:
    """Return colour, marker and stroke of each of `count` groups.

    Examples
    --------
    >>> groups_style(2)
    [('#225ea8', 'o', '-'), ('#e08214', 'D', '--')]
    """
    found = zip(cycle(GROUPS), cycle(MARKERS), cycle(STROKES), strict=False)
    return list(islice(found, count))


def tidy(ax: "Axes", grid: str = "") -> None:
    """Take away what says nothing; `grid` is "x", "y" or nothing.

    Only these axes change, no setting of matplotlib.
    """
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_axisbelow(True)
    if grid == "x":
        ax.grid(visible=True, axis="x", color=FAINT, linewidth=0.6)
    elif grid == "y":
        ax.grid(visible=True, axis="y", color=FAINT, linewidth=0.6)


def room_below(ax: "Axes", share: float = 0.08) -> None:
    """Lower the limit of the y axis: words at the bottom hide no marks."""
    low, high = ax.get_ylim()
    ax.set_ylim(low - share * (high - low), high)


def whole_ticks(ax: "Axes") -> None:
    """Put ticks of the x axis at whole numbers: there is no half a period."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def band_colors(count: int) -> list[str]:
    """Return colours from low to high risk, ever darker (ColorBrewer's YlOrRd).

    Examples
    --------
    >>> band_colors(3)
    ['#fee187', '#fd8c3c', '#d41020']
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    spots = [0.2 + 0.6 * i / max(count - 1, 1) for i in range(count)]
    return [to_hex(colormaps["YlOrRd"](s)) for s in spots]

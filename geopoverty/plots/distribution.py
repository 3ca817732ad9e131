"""Distribution of risk: how vulnerability is spread over households."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geopoverty.errors import InputError
from geopoverty.numerics.types import Array
from geopoverty.plots.canvas import axes_for
from geopoverty.plots.reading import require_bins, table_of
from geopoverty.plots.risk import bands_of, cuts_of, of_line
from geopoverty.plots.style import INK, SOFT, band_colors, tidy
from geopoverty.plots.writing import name_axes, say_status, write
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MAKER = "vulnerability"
MIDDLE = 0.55  # words of lines beyond stand at their left


def risk_distribution(
    result: Result,
    line: str | None = None,
    *,
    ax: "Axes | None" = None,
    bins: int = 20,
) -> "Axes":
    """Draw how vulnerability is spread over households, with risk bands.

    Parameters
    ----------
    result : Result
        Of `vulnerability`.
    line : str, optional
        Label of the poverty line; the first when not given.
    ax : Axes, optional
        Where to draw; a new figure when not given.
    bins : int
        Bars from 0 to 1, at least 2.

    Returns
    -------
    Axes
        Bars are coloured by risk band, whose shares are printed above them (as in
        ``tables["bands"]``, with sampling weights if there are any; the bars count
        rows). Dashed lines are vulnerability lines.

    Raises
    ------
    InputError
        If the result has no vulnerability, `line` is unknown, or `bins` is below 2.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.vulnerability import vulnerability
    >>> homes = pd.DataFrame({"income": [1.0, 2, 2, 4, 3, 6], "age": range(6)})
    >>> fit = vulnerability("income ~ age", homes, poverty_line=2.5, variance="log")
    >>> risk_distribution(fit).get_ylabel()
    'Households (%)'
    """
    require_bins(bins)
    shares, bands, label = bands_of(result, line, "risk_distribution")
    lines, _ = of_line(table_of(result, "thresholds", "risk_distribution", MAKER), line)
    value = _values(result, label)
    cuts = cuts_of(bands)
    edges = np.linspace(0.0, 1.0, bins + 1)
    height = 100 * np.histogram(value, edges)[0] / len(value)
    ax = axes_for(ax)
    colors = band_colors(len(bands))
    band = np.searchsorted(cuts, (edges[:-1] + edges[1:]) / 2)
    ax.bar(
        edges[:-1], height, np.diff(edges), align="edge",
        color=[colors[b] for b in band], edgecolor="white", linewidth=0.6,
    )  # fmt: skip
    top = float(height.max())
    ax.set_ylim(0, top * 1.35)
    everybody = shares[shares["by"] == ""].iloc[0]
    for name, (left, right) in zip(bands, pairwise([0.0, *cuts, 1.0]), strict=True):
        text = f"{name}\n{100 * everybody[name]:.0f} %"
        write(ax, (left + right) / 2, top * 1.33, text, ha="center", va="top")
    ax.vlines(cuts, 1.2 * top, 1.35 * top, color=SOFT, linewidth=0.9)
    _thresholds(ax, lines, top)
    ax.set_xlim(0, 1)
    named = "" if label is None else f" at line {label}"
    name_axes(
        ax, f"Vulnerability{named} (chance of being poor, 0 to 1)", _counted(result)
    )
    tidy(ax)
    say_status(ax, result)
    return ax


def _counted(result: Result) -> str:
    """Name what bars count: with sampling weights they are the sample's rows."""
    options = dict(result.provenance.get("options", {}))
    weighted = options.get("sampling_weight") is not None
    return f"Households{' in the sample' if weighted else ''} (%)"


def _values(result: Result, label: str | None) -> Array:
    column = "vulnerability" if label is None else f"vulnerability({label})"
    found = table_of(result, "fitted", "risk_distribution", MAKER)[column]
    values: Array = found.dropna().to_numpy(np.float64)
    if not len(values):
        raise InputError(
            "No row has a vulnerability, so there is nothing to draw: all fitted "
            "variances are not above 0. Use variance='floor' or 'log'."
        )
    return values


def _thresholds(ax: "Axes", lines: pd.DataFrame, top: float) -> None:
    """Draw vulnerability lines, what they say one below the other."""
    known = lines.dropna(subset=["value"])  # without anybody poor, incidence is none
    for i, row in enumerate(known.sort_values("value").itertuples()):
        high = top * (1.14 - 0.08 * i)
        ax.vlines(row.value, 0, high, color=INK, linestyle="--", linewidth=1.1)
        name = f"{row.value:.2g}"
        if str(row.threshold) == "incidence":
            name = f"incidence ({row.value:.2f})"
        text = f" {name}: {100 * row.vulnerable:.0f} % at or above"
        right = row.value > MIDDLE
        write(
            ax, row.value, high, text.strip() + " " if right else text, va="top",
            ha="right" if right else "left",
        )  # fmt: skip

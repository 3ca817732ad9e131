"""Risk bands by subgroup: who is safe, and who is not."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geopoverty.errors import InputError
from geopoverty.plots.canvas import SIZE, axes_for
from geopoverty.plots.reading import chosen
from geopoverty.plots.risk import bands_of
from geopoverty.plots.style import INK, SMALL, band_colors, tidy
from geopoverty.plots.writing import ABOVE, legend, name_axes, name_ticks, say_status
from geopoverty.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.34  # inches a group
NARROW = 6  # per cent below which a share has no room for its number


def risk_bands(
    result: Result,
    line: str | None = None,
    *,
    by: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the share of each risk band, overall and by subgroup.

    Parameters
    ----------
    result : Result
        Of `vulnerability`, with ``profile=`` for subgroups.
    line : str, optional
        Label of the poverty line; the first when not given.
    by : str, optional
        One of the columns of the profile; all when not given.
    ax : Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    Axes
        One bar of 100 % a group, everybody on top; darker is a higher chance of being
        poor. In brackets the rows of each group.

    Raises
    ------
    InputError
        If the result has no bands, or `line` or `by` is unknown.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from geopoverty.estimators.vulnerability import vulnerability
    >>> homes = pd.DataFrame({"income": [1.0, 2, 2, 4, 3, 6], "age": [1, 2, 3, 4, 5, 6],
    ...     "village": list("aabbcc")})
    >>> fit = vulnerability("income ~ age", homes, poverty_line=2.5, variance="log",
    ...     profile="village")
    >>> [tick.get_text() for tick in risk_bands(fit).get_yticklabels()]
    ['Overall (6)', 'a (2)', 'b (2)', 'c (2)']
    """
    rows, bands, label = bands_of(result, line, "risk_bands")
    rows = _subgroups(rows, by)
    share = 100 * rows[bands].to_numpy(float)
    ax = axes_for(ax, (SIZE[0], 1.3 + ROW * len(rows)))
    at = np.arange(len(rows), dtype=float)
    left = np.zeros(len(rows))
    marks = []
    for j, color in enumerate(band_colors(len(bands))):
        part = np.nan_to_num(share[:, j])
        marks.append(
            ax.barh(at, part, 0.72, left, color=color, edgecolor="white", linewidth=0.8)
        )
        for y, wide, start in zip(at, part, left, strict=True):
            if wide >= NARROW:
                ax.text(
                    start + wide / 2, y, f"{wide:.0f}", ha="center", va="center",
                    fontsize=SMALL, color="white" if j and j == len(bands) - 1 else INK,
                )  # fmt: skip
        left = left + part
    names = [_named(row) for row in rows.itertuples()]
    name_ticks(ax, "y", at.tolist(), names)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    named = "" if label is None else f" at line {label}"
    name_axes(ax, f"Households{named} (%)", by)
    ax.tick_params(axis="y", length=0)
    tidy(ax)
    ax.spines["left"].set_visible(False)
    legend(
        ax, marks, bands, ncols=len(bands), title="Chance of being poor",
        title_fontsize=SMALL, alignment="left", **ABOVE,
    )  # fmt: skip
    say_status(ax, result)
    return ax


def _subgroups(rows: pd.DataFrame, by: str | None) -> pd.DataFrame:
    columns = [b for b in dict.fromkeys(rows["by"]) if b]
    if by is None:
        return rows
    if not columns:
        raise InputError(
            f"by='{by}' needs subgroups; this result has none. Name them when "
            "fitting: vulnerability(..., profile=...)."
        )
    return rows[rows["by"].isin(["", chosen(by, columns, "by")])]


def _named(row: object) -> str:
    return f"{row.group} ({row.rows:,})"  # type: ignore[attr-defined]

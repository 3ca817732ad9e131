"""What both plots of risk read: poverty lines, bands and their shares."""

import re

import pandas as pd

from geopoverty.plots.reading import chosen, table_of
from geopoverty.results import Result

BEFORE = ("line", "by", "group", "rows", "mean", "std_dev")  # what is no band
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def of_line(table: pd.DataFrame, line: str | None) -> tuple[pd.DataFrame, str | None]:
    """Return the rows of a poverty line and its label; None without labels.

    Examples
    --------
    >>> table = pd.DataFrame({"line": ["low", "high"], "mean": [0.1, 0.2]})
    >>> of_line(table, "high")[0]["mean"].tolist()
    [0.2]
    """
    if "line" not in table.columns:
        if line is not None:
            chosen(line, ["None, for there is one line without a label"], "line")
        return table, None
    label = chosen(line, dict.fromkeys(table["line"]), "line")
    return table[table["line"].astype(str) == label], label


def bands_of(
    result: Result, line: str | None, plot: str
) -> tuple[pd.DataFrame, list[str], str | None]:
    """Return the table of bands of one line, the bands' names and the line's label."""
    table = table_of(result, "bands", plot, "vulnerability")
    rows, label = of_line(table, line)
    return rows, [c for c in table.columns if c not in BEFORE], label


def cuts_of(bands: list[str]) -> list[float]:
    """Return where bands meet, from their names.

    Examples
    --------
    >>> cuts_of(["below 0.3", "0.3 to 0.6", "above 0.6"])
    [0.3, 0.6]
    """
    return [float(NUMBER.findall(name)[-1]) for name in bands[:-1]]

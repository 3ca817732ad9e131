"""Numbers and frames as text, HTML and LaTeX for people to read."""

import html
import math

import numpy as np
import pandas as pd

STARS = ((0.01, "***"), (0.05, "**"), (0.1, "*"))


def number(value: object, digits: int = 4) -> str:
    """Format one value with `digits` significant digits; a missing one is empty.

    Examples
    --------
    >>> number(1234.5678), number(0.000123456), number(float("nan")), number(-0.0)
    ('1,235', '0.0001235', '', '0')
    """
    if isinstance(value, bool | np.bool_) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if not isinstance(value, float | np.floating):
        return "" if value is pd.NA or value is pd.NaT else str(value)
    if math.isnan(value):
        return ""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    size = math.floor(math.log10(abs(float(value))))
    if size < -5:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(digits - 1 - size, 0)}f}"


def stars(p_value: float) -> str:
    """Return the usual stars: 1, 5 and 10 per cent.

    Examples
    --------
    >>> stars(0.03)
    '**'
    """
    return next((mark for level, mark in STARS if p_value < level), "")


def formatted(frame: pd.DataFrame, digits: int = 4) -> pd.DataFrame:
    """Return `frame` with every cell as text for a reader."""
    # As objects, nullable integers stay integers.
    return frame.astype(object).map(lambda v: number(v, digits)).astype(object)


def text_table(frame: pd.DataFrame, digits: int = 4) -> str:
    """Return `frame` as aligned plain text."""
    return str(formatted(frame, digits).to_string())


def html_text(text: str) -> str:
    """Escape `text` for HTML, and for a template engine that may read that HTML.

    Examples
    --------
    >>> html_text("<b>{{ 7*7 }}</b>")
    '&lt;b&gt;&#123;&#123; 7*7 &#125;&#125;&lt;/b&gt;'
    """
    return _without_braces(html.escape(text))


def _without_braces(text: str) -> str:
    return text.replace("{", "&#123;").replace("}", "&#125;")


def html_table(frame: pd.DataFrame, digits: int = 4) -> str:
    """Return `frame` as an HTML table; every text in it is whole and escaped."""
    table = formatted(frame, digits)
    with pd.option_context("display.max_colwidth", None):
        text = table.to_html(escape=True, border=0, classes="geopoverty")
    return _without_braces(str(text))


def html_list(items: tuple[str, ...]) -> str:
    """Return texts as an escaped HTML list, or nothing for none."""
    lines = "".join(f"<li>{html_text(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def latex_escape(text: str) -> str:
    r"""Escape the characters LaTeX reserves.

    Examples
    --------
    >>> print(latex_escape("W(x_1) & 5 %"))
    W(x\_1) \& 5 \%
    """
    return "".join(_LATEX.get(c, c) for c in text)


def latex_table(frame: pd.DataFrame, digits: int = 4, foot: str = "") -> str:
    """Return `frame` as a LaTeX tabular with booktabs rules, `foot` as last row."""
    table = formatted(frame, digits)
    head = ["", *(latex_escape(str(c)) for c in table.columns)]
    rows = [
        [latex_escape(str(label)), *(latex_escape(str(v)) for v in row)]
        for label, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    lines = [
        r"\begin{tabular}{l" + "r" * len(table.columns) + "}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        *_foot(foot, len(head)),
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _foot(text: str, width: int) -> list[str]:
    if not text:
        return []
    return [rf"\multicolumn{{{width}}}{{l}}{{{latex_escape(text)}}} \\"]

"""Write the tables of a study: CSV, LaTeX, HTML, and the page of all results."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from geopoverty._tables import (
    html_list,
    html_table,
    html_text,
    latex_table,
    number,
)
from geopoverty.results import Result
from geopoverty.study.made import Prepared
from geopoverty.study.pages import ABSENT, MISSING, Missing, comparison, sections_of

DIGITS = "%.8g"  # what a reader may need; sums in another order change later ones
LONGEST = 300  # rows that a person may still read as LaTeX or HTML
_NUMBER = re.compile(r"[-+]?[\d.,]+(e[-+]?\d+)?\**")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;"
    "padding:0 1rem;color:#1a1a1a;background:#fff}"
    ".wide{overflow-x:auto}p{max-width:44rem}"
    "h1,h2,h3,p,li{overflow-wrap:anywhere}"
    ":focus-visible{outline:3px solid #b3261e;outline-offset:2px}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ccc}"
    "th,thead th:first-child{text-align:left}thead th{text-align:right}"
    "tr>th:first-child{padding-left:0}"
    ".missing{border-left:4px solid #b00020;padding-left:1rem}"
)


def write_tables(
    folder: Path, made: Prepared, fitted: Mapping[str, Result], missing: Missing
) -> None:
    """Write ``tables/`` and ``results.html``.

    Parameters
    ----------
    folder : Path
        Empty.
    made : Prepared
    fitted : mapping of str to Result
    missing : Missing
        Stands on top of ``results.html``.
    """
    tables = folder / "tables"
    tables.mkdir()
    for name, result in fitted.items():
        for part, frame in parts_of(result):
            _write_table(tables, f"{name}.{part}", frame, made.calls[name].title)
        _write(tables / f"{name}.units.csv", csv_text(result.units))
    for i, frame in enumerate(_comparisons(made, fitted)):
        _write_table(tables, f"comparison_{i + 1}", frame, made.study.head.title)
    _write(folder / "results.html", _results_page(made, fitted, missing))


def parts_of(result: Result) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables of a result by name, the estimates first."""
    if len(result.estimates):
        yield "estimates", result.tidy()
    for name, frame in result.tables.items():
        yield re.sub(r"\W+", "_", name, flags=re.ASCII), frame


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV that a spreadsheet will not take for formulas.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    str
        UTF-8 text, lines ending in a line feed, numbers with eight digits.

    Examples
    --------
    >>> print(csv_text(pd.DataFrame({"name": ["=1+1", "Elm"], "x": [1 / 3, -2.0]})))
    name,x
    '=1+1,0.33333333
    Elm,-2
    <BLANKLINE>
    """
    keyed = not isinstance(frame.index, pd.RangeIndex) or frame.index.name is not None
    plain = frame.reset_index() if keyed and _can_reset(frame) else frame
    safe = plain.rename(columns=_harmless).copy()
    for at, kind in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(at, safe.iloc[:, at].astype(object).map(_harmless))
    return str(safe.to_csv(index=False, float_format=DIGITS, lineterminator="\n"))


def html_page(title: str, body: str) -> str:
    """Return a whole HTML page; `title` is escaped, `body` is not.

    Examples
    --------
    >>> "<title>a &lt; b</title>" in html_page("a < b", "")
    True
    """
    head = html_text(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{head}</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>{head}</h1>\n{body}\n</main></body></html>\n"
    )


def _write_table(folder: Path, name: str, frame: pd.DataFrame, title: str) -> None:
    _write(folder / f"{name}.csv", csv_text(frame))
    if len(frame) > LONGEST:
        return
    shown = _for_readers(frame)
    _write(folder / f"{name}.tex", latex_table(_latex_labels(shown)))
    _write(folder / f"{name}.html", html_page(title, _html(shown, name)))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _harmless(value: object) -> object:
    """Keep text from being run by a spreadsheet that opens the file."""
    if not isinstance(value, str) or not value.startswith(
        ("=", "+", "-", "@", "\t", "\r")
    ):
        return value
    return value if _NUMBER.fullmatch(value) else f"'{value}"


def _can_reset(frame: pd.DataFrame) -> bool:
    """Return whether the index may become columns: no name stands twice."""
    names = [n for n in frame.index.names if n is not None]
    return not set(names) & set(frame.columns)


def _for_readers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose first column is its labels, as readers expect."""
    if isinstance(frame.index, pd.RangeIndex) and len(frame.columns) > 1:
        return frame.set_index(frame.columns[0])
    return frame


def _latex_labels(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.index.nlevels == 1:
        return frame
    labels = [" ".join(map(str, label)) for label in frame.index]
    return frame.set_axis(pd.Index(labels), axis=0)


def _html(frame: pd.DataFrame, title: str) -> str:
    """Return a table that scrolls by itself when it is wide, with the keyboard too."""
    if frame.index.nlevels == 1 and frame.columns.nlevels == 1:
        # What the labels are stands above them, not in a row of its own.
        above = frame.index.name or frame.columns.name or "row"
        frame = frame.rename_axis(index=None, columns=above)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{html_text(title)}">'
        f"{html_table(frame)}</div>"
    )


def _comparisons(
    made: Prepared, fitted: Mapping[str, Result]
) -> Iterator[pd.DataFrame]:
    for section in sections_of(made):
        if section.models is not None:
            table = comparison(section, made, fitted)
            yield pd.DataFrame() if table is None else table


def _results_page(
    made: Prepared, fitted: Mapping[str, Result], missing: Missing
) -> str:
    parts = []
    if missing.reasons:
        parts += [
            f'<section class="missing"><h2>{MISSING}</h2><p>{ABSENT}</p>',
            html_list(missing.lines),
            "</section>",
        ]
    for section in sections_of(made):
        parts.append(f"<section><h2>{html_text(section.title)}</h2>")
        texts = [t for t in section.text.split("\n\n") if t.strip()]
        parts += [f"<p>{html_text(t)}</p>" for t in texts]
        if section.models is not None:
            table = comparison(section, made, fitted)
            parts.append("" if table is None else _html(table, section.title))
        for name in section.named:
            if name not in fitted:
                why = missing.model(name)
                parts.append(f'<p class="missing">{html_text(f"{name}: {why}")}</p>')
            elif section.models is None:
                parts.append(_result(fitted[name], section.title, section.tables))
        parts.append("</section>")
    return html_page(made.study.head.title, "\n".join(parts))


def _result(result: Result, title: str, asked: tuple[str, ...] | None) -> str:
    """Return estimates, the tables asked for, facts and notes as HTML."""
    shown = ("estimates", *(("effects",) if asked is None else asked))
    formula = html_text(f"{result.estimator}: {result.provenance.get('formula', '')}")
    facts = html_text(" · ".join(f"{k}: {number(v)}" for k, v in result.facts.items()))
    tables = [
        f"<h3>{html_text(name.replace('_', ' '))}</h3>"
        f"{_html(_for_readers(frame), f'{title}: {name}')}"
        for name, frame in parts_of(result)
        if name in shown and len(frame) <= LONGEST
    ]
    return f"<p>{formula}</p>{''.join(tables)}<p>{facts}</p>{html_list(result.notes)}"

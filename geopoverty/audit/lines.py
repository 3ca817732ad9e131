"""From a long or a wide table of printed numbers to its lines."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geopoverty._checks import first, nearest_name, require
from geopoverty.audit.conventions import Conventions
from geopoverty.audit.printed import Printed, as_text, parse
from geopoverty.audit.sheet import Line, Sheet
from geopoverty.audit.vocabulary import FACTS, KEYS, STATISTICS
from geopoverty.errors import InputError

_MARKED = ("estimate", "statistic", "p_value", "did", "effect")


@dataclass(frozen=True)
class _Cell:
    """One printed number and where it stands in the input."""

    row: str
    key: tuple[str, str, str, str]
    name: str
    text: str
    mark: str
    decimals: str


def sheet_of(table: pd.DataFrame, conventions: Conventions) -> Sheet:
    """Read a table, long or wide, into lines.

    Parameters
    ----------
    table : DataFrame
        Long if it has a column ``value``.
    conventions : Conventions

    Raises
    ------
    InputError
        If it is empty, a column or statistic is unknown, a number or a star cannot be
        read, or a statistic stands twice.
    """
    if table.empty:
        raise InputError(
            "The table must have rows; it has none. Give one row for each printed term."
        )
    cells = list(_long(table) if "value" in table.columns else _wide(table))
    numbers = _numbers(cells, conventions)
    lines: dict[tuple[str, str, str, str], dict[str, Printed]] = {}
    marks: dict[tuple[str, str, str, str], str] = {}
    for cell, number in zip(cells, numbers, strict=True):
        if number is None:
            continue
        lines.setdefault(cell.key, {})[cell.name] = number
        mark = (cell.mark or number.stars) if cell.name in _MARKED else ""
        marks[cell.key] = marks.get(cell.key) or mark
    if not lines:
        raise InputError(
            "The table must print a number; all its cells are empty. Fill in what is "
            "printed, as text."
        )
    return _with_facts(
        [Line(*key, cells, mark=marks[key]) for key, cells in lines.items()]
    )


def _wide(table: pd.DataFrame) -> Iterable[_Cell]:
    names = [c for c in table.columns if c in STATISTICS]
    _refuse_unknown(table, (*KEYS, *STATISTICS), "wide")
    if not names:
        raise InputError(
            "The table must have a column of printed numbers, such as 'estimate'; it "
            f"has only {first(table.columns)}. Add one column for each statistic."
        )
    for row, key, texts in _rows(table):
        for name in names:
            yield _Cell(row, key, name, texts[name], texts["stars"], texts["decimals"])


def _long(table: pd.DataFrame) -> Iterable[_Cell]:
    _refuse_unknown(table, (*KEYS, "statistic", "value"), "long")
    if "statistic" not in table.columns:
        raise InputError(
            "A long table (one with the column 'value') must have the column "
            "'statistic', which says what each value is. Add it."
        )
    rows = list(_rows(table))
    known = np.array([texts["statistic"] in STATISTICS for _, _, texts in rows])
    unknown = [t["statistic"] for _, _, t in rows if t["statistic"] not in STATISTICS]
    hint = nearest_name(unknown[0], STATISTICS) if unknown else ""
    require(
        known,
        "Every statistic must be known",
        ids=[f"{row}: '{texts['statistic']}'" for row, _, texts in rows],
        way_out=f"Rename or drop them.{hint}",
    )
    for row, key, texts in rows:
        mark = texts["stars"]
        name = texts["statistic"]
        yield _Cell(row, key, name, texts["value"], mark, texts["decimals"])


def _rows(
    table: pd.DataFrame,
) -> Iterable[tuple[str, tuple[str, str, str, str], dict[str, str]]]:
    columns = [str(c) for c in table.columns]
    blank = dict.fromkeys(KEYS, "")
    for label, row in zip(
        table.index, table.itertuples(index=False, name=None), strict=True
    ):
        texts = blank | {
            c: _plain(as_text(v)) for c, v in zip(columns, row, strict=True)
        }
        key = (texts["table"], texts["model"], texts["term"], texts["of"])
        named = label if isinstance(label, str) else f"row {label}"
        yield named, key, texts


def _plain(text: str) -> str:
    """Leave out what a terminal would obey instead of show."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _refuse_unknown(table: pd.DataFrame, known: tuple[str, ...], form: str) -> None:
    columns = [str(c) for c in table.columns]
    twice = [c for c, times in Counter(columns).items() if times > 1]
    if twice:
        raise InputError(
            f"Every column must stand once; {first(twice)} stands more often. Rename "
            "or drop the others."
        )
    unknown = [c for c in columns if c not in known]
    if not unknown:
        return
    hints = "".join(nearest_name(c, known) for c in unknown[:3])
    raise InputError(
        f"Every column of a {form} table must be known; {len(unknown)} of "
        f"{len(columns)} are not ({first(repr(c) for c in unknown)}).{hints} "
        "See geopoverty.audit for the names."
    )


def _numbers(cells: list[_Cell], conventions: Conventions) -> list[Printed | None]:
    found = [_number(cell, conventions) for cell in cells]
    require(
        np.array([n != "unread" for n in found], dtype=bool),
        "Every cell must be a printed number",
        ids=[f"{c.row}, {c.name}: '{c.text}'" for c in cells],
        way_out="Write it as printed, such as 0.230, -1.5** or <0.001, or leave it "
        "empty. Decimals follow a point.",
        noun="cells",
    )
    numbers = [n if isinstance(n, Printed) else None for n in found]
    known = {"", *(mark for mark, _ in conventions.stars)}
    marks = [
        {c.mark, n.stars if n else ""} for c, n in zip(cells, numbers, strict=True)
    ]
    require(
        np.array([m <= known for m in marks], dtype=bool),
        "Every mark beside a number must have a level",
        ids=[
            f"{c.row}: '{first(m - known)}'" for c, m in zip(cells, marks, strict=True)
        ],
        way_out='Give stars={"*": 0.1, ...} with every mark of the table.',
        noun="cells",
    )
    _refuse_twice(cells, numbers)
    return numbers


def _number(cell: _Cell, conventions: Conventions) -> Printed | str | None:
    try:
        decimals = int(cell.decimals) if cell.decimals else None
        return parse(cell.text, rounding=conventions.rounding, decimals=decimals)
    except ValueError:
        return "unread"


def _refuse_twice(cells: list[_Cell], numbers: list[Printed | None]) -> None:
    places = [
        (c.key, c.name) for c, n in zip(cells, numbers, strict=True) if n is not None
    ]
    times = Counter(places)
    require(
        np.array([times[p] == 1 for p in places], dtype=bool),
        "A statistic of a term must stand once in a model of a table",
        ids=[f"{name} of '{key[2]}' in '{key[1] or key[0]}'" for key, name in places],
        way_out="Tell the rows apart by the columns table, model or term.",
        noun="cells",
    )


def _with_facts(lines: list[Line]) -> Sheet:
    at = {line.place: line.cells for line in lines}
    starred = {line.table for line in lines if line.mark}
    terms = Counter((x.table, x.model) for x in lines if "estimate" in x.cells)
    full = []
    for line in lines:
        above = {
            **at.get((line.table, "", ""), {}),
            **(at.get((line.table, "", line.term), {}) if line.term else {}),
            **at.get((line.table, line.model, ""), {}),
        }
        full.append(
            replace(
                line,
                facts={k: v for k, v in above.items() if k in FACTS},
                starred=line.table in starred,
                terms=terms[line.table, line.model],
            )
        )
    return Sheet(tuple(full))

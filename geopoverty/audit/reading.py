"""Printed tables from CSV and TOML files, every number as the text it is."""

import csv
import os
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import nearest_name, require
from geopoverty.audit.vocabulary import FACTS
from geopoverty.errors import InputError

_READ = (".csv", ".toml")
_SEPARATORS = (",", ";", "\t")


def read_printed(source: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a printed table from a CSV or TOML file.

    Parameters
    ----------
    source : path
        CSV with a header (separated by commas, semicolons or tabs), or TOML.

    Returns
    -------
    DataFrame of str
        Indexed by where each row stands in the file.

    Raises
    ------
    InputError
        If there is no such file, it is of another kind, is empty, or cannot be read.
    """
    path = Path(source).expanduser()
    if path.suffix.lower() not in _READ:
        raise InputError(
            f"A printed table must be a CSV or TOML file; '{path.name}' is neither. "
            "Save it as .csv or .toml."
        )
    text = _text(path)
    rows = _csv(text, path) if path.suffix.lower() == ".csv" else _toml(text, path)
    if rows.empty:
        raise InputError(
            f"The file must hold printed numbers; '{path.name}' holds none. Write one "
            "row for each printed term below the names of the columns."
        )
    return rows


def _text(path: Path) -> str:
    if not os.path.isfile(path):
        near: list[str] = []
        with suppress(OSError):
            near = os.listdir(path.parent)
        raise InputError(
            f"The file to audit must exist; '{path}' does not."
            f"{nearest_name(path.name, near)} Check its name and folder."
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The file must be text in UTF-8; '{path.name}' is not (byte "
            f"{error.start}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise InputError(
            f"The file to audit must be readable; '{path}' is not ({error.strerror}). "
            "Change its permissions."
        ) from error


def _csv(text: str, path: Path) -> pd.DataFrame:
    lines = text.splitlines()
    head = lines[0] if lines else ""
    reader = csv.reader(lines, delimiter=max(_SEPARATORS, key=head.count))
    try:
        found = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InputError(
            f"'{path.name}' must be a CSV file; line {reader.line_num} cannot be read "
            f"({error}). Check its quotes."
        ) from error
    if not found:
        return pd.DataFrame()
    names = [name.strip() for name in found[0][1]]
    labels = [f"line {number}" for number, _ in found[1:]]
    rows = [row for _, row in found[1:]]
    require(
        np.array([len(row) == len(names) for row in rows], dtype=bool),
        f"Every row of '{path.name}' must have the {len(names)} cells of its header",
        ids=labels,
        way_out="Fill up short rows with separators; quote a cell that holds one.",
    )
    return pd.DataFrame(rows, columns=names, index=labels, dtype=object)


def _toml(text: str, path: Path) -> pd.DataFrame:
    try:
        held = tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"'{path.name}' must be a TOML file; it cannot be read: {error}. "
            "Correct this line."
        ) from error
    if "rows" in held:
        held = {str(held.pop("table", "")): held}
    rows: list[dict[str, str]] = []
    labels: list[str] = []
    for name, table in held.items():
        if not isinstance(table, dict):
            raise InputError(
                f"At the top of '{path.name}' stand tables; '{name}' is none. Put it "
                'below a header such as ["Table 1"].'
            )
        for label, row in _table(name, table):
            labels.append(label)
            rows.append({"table": name} | row)
    frame = pd.DataFrame(rows, index=labels, dtype=object)
    return frame.where(frame.notna(), "")


def _table(name: str, table: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    rows = table.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise InputError(
            f"The rows of '{name}' must be tables; they are not. Head each with "
            f'[["{name}".rows]].'
        )
    facts = {k: v for k, v in table.items() if k != "rows"}
    nested = [k for k, v in facts.items() if isinstance(v, dict | list)]
    if nested:
        raise InputError(
            f"Beside its rows '{name}' holds single facts, such as n; '{nested[0]}' is "
            f"none.{nearest_name(nested[0], ['rows', *FACTS])} Give rows as "
            f'[["{name}".rows]].'
        )
    listed = [(f"'{name}'", facts)] if facts else []
    listed += [(f"'{name}', row {i}", row) for i, row in enumerate(rows, 1)]
    return [(label, {k: str(v) for k, v in row.items()}) for label, row in listed]

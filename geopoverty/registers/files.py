"""Parquet files, described and cut into parts; their rows are not read here."""

import glob
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet

from geopoverty._checks import first
from geopoverty.errors import InputError
from geopoverty.provenance import SOURCE_KEYS, weakest_status
from geopoverty.registers.parts import FilePart

PIECE = 1_000_000  # rows of a part, so that threads and workers have enough to share


@dataclass(frozen=True)
class Opened:
    """What is known of files before their rows are read.

    Attributes
    ----------
    name : str
    kinds : mapping of str to str
        What each column holds.
    parts : tuple of FilePart
    attrs : mapping
    notes : tuple of str
    """

    name: str
    kinds: Mapping[str, str]
    parts: tuple[FilePart, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    """A file, what to call it, and what its folders say."""

    path: Path
    label: str
    said: Mapping[str, Any]


def open_files(source: Any) -> Opened:
    """Describe the Parquet files of a path, a pattern, or a list of paths.

    Raises
    ------
    InputError
        If there is none, one cannot be read, all are empty, or their columns differ.
    """
    name, files = _found(source)
    schemas, parts, empty = [], [], []
    for file in files:
        described = _described(file.path)
        schemas.append((file.label, described.schema_arrow))
        pieces = _pieces(file, described.metadata)
        if not pieces:
            empty.append(file.label)
        parts.extend(pieces)
    kinds = _alike(schemas)
    if not parts:
        raise InputError(f"{name} must have rows; all its parts are empty.")
    kinds |= {
        c: "text" if isinstance(v, str) else "number" for c, v in files[0].said.items()
    }
    notes: tuple[str, ...] = ()
    if empty:
        notes = (f"{len(empty)} of {len(files)} parts have no rows ({first(empty)}).",)
    attrs = {"title": Path(str(source)).name} if isinstance(source, str | Path) else {}
    told = _told([schema for _, schema in schemas])
    return Opened(name, kinds, tuple(parts), {**attrs, **told}, notes)


def _told(schemas: Sequence[pa.Schema]) -> dict[str, Any]:
    """Return what pandas wrote of the table, such as that it is simulated."""
    found = [
        json.loads((schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
        for schema in schemas
    ]
    told = {k: v for k, v in found[0].items() if k in SOURCE_KEYS}
    if any("status" in attrs for attrs in found):
        told["status"] = weakest_status(found)
    return told


def _found(source: Any) -> tuple[str, list[_File]]:
    if isinstance(source, str | os.PathLike):
        text = os.fspath(source)
        given = [Path(p) for p in sorted(glob.glob(text))] if "*" in text else []
        given = given or [Path(text)]
        name = f"'{text}'"
    elif isinstance(source, Sequence) and source:
        given, name = [Path(p) for p in source], f"{len(source)} files"
    else:
        raise InputError(
            "A register is a path, a list of paths, a DuckDB relation or a Dask "
            f"DataFrame; got {type(source).__name__}."
        )
    missing = [str(p) for p in given if not p.exists()]
    if missing:
        raise InputError(
            f"There is no file {first(missing)}. Check the path; a folder of Parquet "
            "files and a pattern such as 'homes/*.parquet' will do."
        )
    found = [_file(p, root) for root in given for p in _parquet(root)]
    if not found:
        raise InputError(f"{name} holds no file that ends in .parquet.")
    return name, _typed(found)


def _parquet(source: Path) -> list[Path]:
    """Return the Parquet files of a path: itself, or those in a folder, by name."""
    if not source.is_dir():
        return [source]
    return sorted(
        p
        for p in source.rglob("*")
        if p.suffix in (".parquet", ".pq") and not p.name.startswith(("_", "."))
    )


def _file(path: Path, root: Path) -> _File:
    """Return a file with what folders named ``column=value`` say of it."""
    inside = path.relative_to(root) if root.is_dir() else Path(path.name)
    said = [f.partition("=") for f in inside.parts[:-1] if "=" in f]
    return _File(path, str(inside), {name: unquote(value) for name, _, value in said})


def _typed(files: list[_File]) -> list[_File]:
    """Turn what folders say into whole numbers, where all of a column are."""
    told: dict[str, list[str]] = {}
    for file in files:
        for name, value in file.said.items():
            told.setdefault(name, []).append(value)
    whole = {n for n, values in told.items() if all(_is_whole(v) for v in values)}
    return [
        _File(
            f.path,
            f.label,
            {n: int(v) if n in whole else v for n, v in f.said.items()},
        )
        for f in files
    ]


def _is_whole(value: str) -> bool:
    # 01 is a code and no number.
    return value.isdecimal() and str(int(value)) == value


def _described(path: Path) -> pa.parquet.ParquetFile:
    try:
        return pa.parquet.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"'{path}' is no Parquet file that can be read "
            f"({str(error).splitlines()[0][:120]}). Write it again; other formats are "
            f"read by DuckDB: duckdb.read_csv('{path.name}')."
        ) from error


def _pieces(file: _File, metadata: Any) -> list[FilePart]:
    """Cut a file into parts of about a million rows, at its row groups."""
    pieces: list[FilePart] = []
    groups: list[int] = []
    start = rows = 0
    count = metadata.num_row_groups
    for group in range(count):
        groups.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= PIECE or group == count - 1:
            if rows:
                told = f"'{file.label}', rows {start:,} to {start + rows - 1:,}"
                path = str(file.path)
                pieces.append(FilePart(path, tuple(groups), told, start, file.said))
            start, rows, groups = start + rows, 0, []
    return pieces


def _alike(schemas: Sequence[tuple[str, pa.Schema]]) -> dict[str, str]:
    """Return what each column holds; refuse parts that differ in name or kind."""
    label, schema = schemas[0]
    known = {f.name: kind_of_arrow(f.type) for f in schema}
    for other, found in schemas[1:]:
        kinds = {f.name: kind_of_arrow(f.type) for f in found}
        told = [
            f"'{c}' is {kinds.get(c, 'absent')} in '{other}' and "
            f"{known.get(c, 'absent')} in '{label}'"
            for c in sorted(known.keys() | kinds.keys())
            if not _same(kinds.get(c), known.get(c))
        ]
        if told:
            raise InputError(
                "All parts must have the same columns of the same kind; "
                f"{first(told, 3)}. Write these parts alike."
            )
        known = {c: kinds[c] if k == "empty" else k for c, k in known.items()}
    return known


def _same(one: str | None, other: str | None) -> bool:
    return one == other or (None not in (one, other) and "empty" in (one, other))


def kind_of_arrow(kind: pa.DataType) -> str:
    """Return what a column of this type holds.

    Examples
    --------
    >>> kind_of_arrow(pa.int32()), kind_of_arrow(pa.string()), kind_of_arrow(pa.null())
    ('number', 'text', 'empty')
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    if any(is_number(kind) for is_number in numeric):
        return "number"
    if pa.types.is_boolean(kind):
        return "truth"
    if pa.types.is_null(kind):
        return "empty"
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return "text" if any(is_text(kind) for is_text in texts) else "other"

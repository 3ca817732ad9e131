"""From the text of a study file to a `Study`, with every problem on the way."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path as FilePath
from typing import Any, TypeVar, get_type_hints

from geopoverty._checks import nearest_name
from geopoverty.errors import InputError
from geopoverty.study.lines import Path, key_lines
from geopoverty.study.models import ESTIMATORS, option_names
from geopoverty.study.page_schema import (
    Curves,
    Map,
    MapFile,
    Moved,
    Peers,
    Section,
)
from geopoverty.study.problems import Report
from geopoverty.study.schema import (
    Boundaries,
    Head,
    Model,
    Study,
    Table,
    Times,
    Weights,
)
from geopoverty.study.typed import MISFIT, conform, in_words

T = TypeVar("T")
PARTS = (
    "study", "boundaries", "travel_times", "weights", "tables", "models", "pages",
    "files",
)  # fmt: skip
PAGES = ("maps", "results", "spillovers", "scenario", "curves", "peers")
MOST = 2_000_000  # bytes: a study is written by hand


def read_text(path: FilePath) -> str:
    """Return the text of a study file.

    Raises
    ------
    InputError
        If it is not there, too large, or not text in UTF-8.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST else None
    except OSError as error:
        raise InputError(
            f"The study file '{path}' cannot be read ({error.strerror}). Check the "
            "path, or write an example: geopoverty init."
        ) from error
    if data is None:
        raise InputError(
            f"A study file must not be larger than {MOST:,} bytes; '{path}' is. Name "
            "the .toml file, not the data."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The study file must be text in UTF-8; '{path}' is not (byte "
            f"{error.start}). Save it as UTF-8."
        ) from error


def parse_study(text: str) -> tuple[Study | None, Report]:
    r"""Read a study, gathering every problem of form: keys, types, what is missing.

    Parameters
    ----------
    text : str
        Of the file.

    Returns
    -------
    Study or None
        None if the text is not TOML. Parts with a problem are left out.
    Report

    Examples
    --------
    >>> study, report = parse_study("[study]\ntitel = 'Poor'\n")
    >>> report.problems[0].line, report.problems[0].message[:42]
    (2, "Unknown key 'titel'. Did you mean 'title'?")
    """
    report = Report({})
    try:
        values = tomllib.loads(text)
        report.lines = key_lines(text)
    except tomllib.TOMLDecodeError as error:
        report.say((), f"The study file is not TOML: {error}.")
        return None, report
    except RecursionError:
        report.say((), "The study file is not TOML: lists or tables nest too deeply.")
        return None, report
    return _study(values, report), report


def _study(values: dict[str, Any], report: Report) -> Study:
    _unknown(values, PARTS, (), report)
    pages = _mapping(values.get("pages", {}), ("pages",), report)
    _unknown(pages, PAGES, ("pages",), report)
    return Study(
        head=_part(Head, values.get("study", {}), ("study",), report) or Head(),
        boundaries=_optional(Boundaries, values, "boundaries", report),
        times=_optional(Times, values, "travel_times", report),
        weights=_named(Weights, values, "weights", report),
        tables=_named(Table, values, "tables", report),
        models=_models(values, report),
        maps=_listed(Map, pages, "maps", report),
        results=_listed(Section, pages, "results", report),
        spillovers=_listed(Moved, pages, "spillovers", report),
        scenarios=_listed(Moved, pages, "scenario", report),
        curves=_listed(Curves, pages, "curves", report),
        peers=_part(Peers, pages["peers"], ("pages", "peers"), report)
        if "peers" in pages
        else None,
        files=_named(MapFile, values, "files", report),
    )


def _part(kind: type[T], value: Any, path: Path, report: Report) -> T | None:
    """Read one table of the file into its class; None if a value has a problem.

    Unknown keys are said and left out, so that the rest is still checked.
    """
    table = _mapping(value, path, report)
    _unknown(table, [f.name for f in fields(kind)], path, report)  # type: ignore[arg-type]
    before = len(report.problems)
    read = _fields(kind, table, path, report)
    return kind(**read) if len(report.problems) == before else None


def _fields(
    kind: type[Any], table: Mapping[str, Any], path: Path, report: Report
) -> dict[str, Any]:
    hints = get_type_hints(kind)
    read = {}
    for field in fields(kind):
        if field.name in table:
            read[field.name] = _value(
                table[field.name], hints[field.name], (*path, field.name), report
            )
        elif field.default is MISSING and field.default_factory is MISSING:
            report.say(path, f"The key '{field.name}' is missing.")
    return read


def _value(value: Any, hint: Any, path: Path, report: Report) -> Any:
    fit = conform(value, hint)
    if fit is MISFIT:
        report.say(path, f"It must be {in_words(hint)}; got {value!r:.80}.")
    return fit


def _models(values: dict[str, Any], report: Report) -> dict[str, Model]:
    found = {}
    section = _mapping(values.get("models", {}), ("models",), report)
    for name, value in section.items():
        path: Path = ("models", name)
        table = _mapping(value, path, report)
        own = [f.name for f in fields(Model) if f.name != "options"]
        _name(name, path, report)
        options = _options(table, own, path, report)
        before = len(report.problems)
        read = _fields(Model, {k: table[k] for k in own if k in table}, path, report)
        if options is not None and len(report.problems) == before:
            found[name] = Model(**read, options=options)
    return found


def _options(
    table: Mapping[str, Any], own: list[str], path: Path, report: Report
) -> dict[str, Any] | None:
    """Return the keys that are options of the estimator; None if there is no such."""
    name = table.get("estimator")
    if not isinstance(name, str):
        return None
    if name not in ESTIMATORS:
        report.say(
            (*path, "estimator"),
            f"There is no estimator '{name}'.{nearest_name(name, ESTIMATORS)} There "
            f"are: {', '.join(ESTIMATORS)}.",
        )
        return None
    options = {k: v for k, v in table.items() if k not in own}
    known = option_names(name)
    _unknown(options, [*own, *known], path, report)
    return {k: v for k, v in options.items() if k in known}


def _optional(
    kind: type[T], values: dict[str, Any], name: str, report: Report
) -> T | None:
    return _part(kind, values[name], (name,), report) if name in values else None


def _named(
    kind: type[T], values: dict[str, Any], name: str, report: Report
) -> dict[str, T]:
    found = {}
    for key, value in _mapping(values.get(name, {}), (name,), report).items():
        _name(key, (name, key), report)
        part = _part(kind, value, (name, key), report)
        if part is not None:
            found[key] = part
    return found


def _listed(
    kind: type[T], values: Mapping[str, Any], name: str, report: Report
) -> dict[int, T]:
    listed = values.get(name, [])
    if not isinstance(listed, list):
        report.say(("pages", name), f"Write each with two brackets: [[pages.{name}]].")
        return {}
    parts = [_part(kind, v, ("pages", name, i), report) for i, v in enumerate(listed)]
    return {i: p for i, p in enumerate(parts) if p is not None}


def _name(name: str, path: Path, report: Report) -> None:
    """Names become file names, and letters without case folding stay apart."""
    plain = name.replace("_", "").replace("-", "")
    if not (plain.isascii() and plain.isalnum() and len(name) <= 60):
        report.say(
            path,
            "A name must hold letters a-z, digits, '_' and '-' only, at most 60: it "
            f"becomes a file name; got {name!r:.80}. Use title for what readers see.",
        )


def _mapping(value: Any, path: Path, report: Report) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    report.say(path, f"It must be a table with keys; got {value!r:.80}.")
    return {}


def _unknown(
    table: Mapping[str, Any],
    known: list[str] | tuple[str, ...],
    path: Path,
    report: Report,
) -> None:
    for key in table:
        if key not in known:
            report.say(
                (*path, key),
                f"Unknown key '{key:.80}'.{nearest_name(key, known)} Known here: "
                f"{', '.join(known)}.",
            )

"""Run a study: fit its models, draw its pages, write everything or nothing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geopoverty._checks import warn
from geopoverty._progress import stages
from geopoverty.errors import InputError
from geopoverty.study.fitting import fit
from geopoverty.study.folder import check_target, whole_folder
from geopoverty.study.made import Prepared
from geopoverty.study.manifest import input_files, write_manifest
from geopoverty.study.map_writing import write_maps
from geopoverty.study.pages import Missing, build_pages, model_part
from geopoverty.study.prepare import prepare
from geopoverty.study.problems import Problem, Report, problem_table
from geopoverty.study.writing import write_tables

ATLAS = "atlas.html"
# What a model may end in without taking the others with it; InputError is a ValueError,
# EstimationError an ArithmeticError.
FAILURES = (ArithmeticError, ImportError, MemoryError, ValueError)


@dataclass(frozen=True, eq=False)
class Done:
    """What a run has made.

    Attributes
    ----------
    folder : Path
        Where it is.
    missing : mapping of str to str
        What could not be made, and why.
    """

    folder: Path
    missing: Mapping[str, str]


def run_study(
    path: str | os.PathLike[str], *, out: str | os.PathLike[str] | None = None
) -> Path:
    r"""Run a study file: tables, results page, atlas and manifest in one folder.

    Parameters
    ----------
    path : path
        A TOML file; `write_example` writes one to start from.
    out : path, optional
        The folder to write; by default what the study says under ``[study] out``.

    Returns
    -------
    Path
        The folder: ``tables/`` (CSV, LaTeX, HTML), ``results.html``, ``atlas.html``
        (if the study asks for maps) and ``manifest.json``.

    Raises
    ------
    InputError
        If the study or an input has a problem (all of them are listed, before
        anything runs), or the folder cannot be written or holds other files. What
        stood there before is then unchanged.

    Warns
    -----
    GeoPovertyWarning
        If a model could not be fitted; the others were, and the pages say so.

    Notes
    -----
    The same study, inputs and versions give the same tables, byte for byte.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "towns.csv").write_text(
    ...     "income,distance\n5,1\n4,2\n4,3\n2,4\n1,5\n")
    >>> _ = (folder / "study.toml").write_text('''
    ... [tables.towns]
    ... file = "towns.csv"
    ... [models.far]
    ... estimator = "ols"
    ... table = "towns"
    ... formula = "income ~ distance"
    ... ''')
    >>> out = run_study(folder / "study.toml")
    >>> pd.read_csv(out / "tables" / "far.estimates.csv")["estimate"].round(2).to_list()
    [6.2, -1.0]
    """
    done = run(path, out=out)
    if done.missing:
        reasons = "; ".join(f"{k}: {v}" for k, v in done.missing.items())
        warn(f"Part of the study is missing from '{done.folder}'. {reasons}")
    return done.folder


def check_study(path: str | os.PathLike[str]) -> pd.DataFrame:
    r"""List everything that is wrong with a study file and its inputs.

    Reads the inputs and makes the tables, but fits and writes nothing.

    Parameters
    ----------
    path : path
        The TOML file.

    Returns
    -------
    DataFrame
        ``line`` (in the file), ``where`` (the key), ``problem`` (what is wrong and
        the way out), in the order of the file. Empty if all is well.

    Raises
    ------
    InputError
        If the study file itself cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "study.toml"
    >>> _ = path.write_text("[study]\ntitel = 'Poor'\n")
    >>> check_study(path)[["line", "where"]].to_dict("list")
    {'line': [2], 'where': ['study.titel']}
    """
    return problem_table(problems_of(Path(path)))


def problems_of(path: Path) -> list[Problem]:
    """Return every problem of a study file, in its order."""
    made, report = prepare(path)
    if made is not None:
        with report.catching(("study", "out")):
            _check_target(made, path, _target(made, None), report)
    return report.sorted


def run(
    path: str | os.PathLike[str], *, out: str | os.PathLike[str] | None = None
) -> Done:
    """Run a study and say what is missing; see `run_study`."""
    file = Path(path)
    made, report = prepare(file)
    if made is None or report.problems:
        raise InputError(_listed(file, report.sorted))
    target = _target(made, out)
    _check_target(made, file, target, report)
    missing = Missing()
    with stages("Running the study", len(made.calls) + 2) as advance:
        fitted = {}
        for name, call in made.calls.items():
            try:
                fitted[name] = fit(call)
            except FAILURES as error:
                missing.reasons[model_part(name)] = _reason(error)
            advance()
        atlas = build_pages(made, fitted, missing)
        advance()
        with whole_folder(target) as draft:
            write_maps(draft, made, fitted, missing)
            write_tables(draft, made, fitted, missing)
            if atlas is not None:
                atlas.save(draft / ATLAS)
            write_manifest(draft, made, fitted, missing, file)
        advance()
    return Done(target, missing.reasons)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "It needs more memory than there is."
    return str(error).strip() or type(error).__name__


def _target(made: Prepared, out: str | os.PathLike[str] | None) -> Path:
    if out is not None:
        return Path(out).expanduser().resolve()
    return (made.folder / Path(made.study.head.out).expanduser()).resolve()


def _check_target(made: Prepared, file: Path, target: Path, report: Report) -> None:
    """Check the output folder; missing inputs have been said already."""
    inputs = [file.resolve()]
    if not report.problems:
        listed = input_files(made).values()
        inputs += [p.resolve() for files in listed for p in files]
    check_target(target, inputs)


def _listed(file: Path, problems: list[Problem]) -> str:
    noun = "problem" if len(problems) == 1 else "problems"
    lines = "\n".join(f"  {p}" for p in problems)
    return f"The study '{file}' has {len(problems)} {noun}; nothing was run:\n{lines}"

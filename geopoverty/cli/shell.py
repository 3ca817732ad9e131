"""The commands, and what all of them do about errors and warnings."""

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Sequence

from geopoverty.cli.travel import add_travel_times
from geopoverty.errors import GeoPovertyError, GeoPovertyWarning, InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 for what the user can put right.

    It is 1 if numbers contradict each other (``audit --strict``), or if part of a
    study could not be made (``run``), and 130 if interrupted.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the shell when not given.

    Returns
    -------
    int
        The exit status.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.command is None:
        parser.print_help()
        return 0
    # pyfixest lets every package's remarks through; only warnings are for the shell.
    logging.getLogger("pyogrio").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.showwarning = _say_warning  # type: ignore[assignment]
        warnings.simplefilter("always", GeoPovertyWarning)
        try:
            status: int = asked.run(asked)
        except GeoPovertyError as error:
            sys.stderr.write(f"geopoverty: {error}\n")
            return 2
        except OSError as error:  # a disk that is full, a folder that went away
            said = error.strerror or error
            sys.stderr.write(
                f"geopoverty: {said}; what was written before is unchanged.\n"
            )
            return 2
        except KeyboardInterrupt:
            sys.stderr.write(
                "geopoverty: interrupted; what was written before is unchanged.\n"
            )
            return 130
    return status


def _parser() -> argparse.ArgumentParser:
    # Imported here, so that a mistyped command answers at once.
    from importlib.metadata import version

    parser = argparse.ArgumentParser(
        prog="geopoverty",
        description="Regional poverty: spillover models and offline atlases.",
    )
    parser.add_argument(
        "--version", action="version", version=f"geopoverty {version('geopoverty')}"
    )
    commands = parser.add_subparsers(dest="command", title="commands")
    demo = commands.add_parser(
        "demo",
        help="fit the models on the bundled US counties and write the atlas",
        description="Fit the models on the bundled US counties and write the atlas.",
    )
    demo.add_argument(
        "--out", default="atlas.html", help="the HTML file to write (%(default)s)"
    )
    demo.set_defaults(run=_demo)
    _add_audit(commands)
    add_travel_times(commands)
    _add_study(commands)
    return parser


def _add_study(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    says = {
        "init": "write a commented example of a study file",
        "check": "list every problem of a study file and its inputs; nothing is run",
        "run": "run a study file: tables, results page, atlas and manifest",
    }
    init, check, run = (
        commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}."
        )
        for name, text in says.items()
    )
    init.add_argument(
        "file", nargs="?", default="study.toml", help="the file to write (%(default)s)"
    )
    init.set_defaults(run=_init)
    for command in (check, run):
        command.add_argument("file", help="a study file, as geopoverty init writes one")
    check.set_defaults(run=_check)
    run.add_argument("--out", help="the folder to write, whatever the study says")
    run.set_defaults(run=_run)


def _init(asked: argparse.Namespace) -> int:
    from geopoverty.study import write_example

    target = write_example(asked.file)
    sys.stdout.write(f"Wrote {target}. Next: geopoverty run {target}\n")
    return 0


def _check(asked: argparse.Namespace) -> int:
    from pathlib import Path

    from geopoverty.study import problems_of

    problems = problems_of(Path(asked.file))
    for problem in problems:
        sys.stdout.write(f"{asked.file}: {problem}\n")
    if not problems:
        sys.stdout.write(f"{asked.file}: no problem found.\n")
    return 2 if problems else 0


def _run(asked: argparse.Namespace) -> int:
    start = time.perf_counter()
    from geopoverty.study import run

    done = run(asked.file, out=asked.out)
    took = time.perf_counter() - start
    sys.stdout.write(f"Wrote {done.folder} in {took:.0f} s.\n")
    for part, reason in done.missing.items():
        sys.stderr.write(f"geopoverty: missing: {part}. {reason}\n")
    return 1 if done.missing else 0


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audit = commands.add_parser(
        "audit",
        help="check whether the numbers of a printed table can stand together",
        description="Check whether the numbers of a printed table can stand together.",
    )
    audit.add_argument("file", help="a CSV or TOML file; see geopoverty.audit")
    audit.add_argument("--out", help="also write the report to this CSV file")
    audit.add_argument(
        "--strict", action="store_true", help="exit with 1 if numbers are inconsistent"
    )
    audit.add_argument(
        "--rounding",
        default="nearest",
        help="nearest, half-up, half-even, truncation or any (%(default)s)",
    )
    audit.add_argument(
        "--reference",
        default="either",
        help="what t is held against: normal, t or either (%(default)s)",
    )
    audit.add_argument(
        "--stars",
        default="*=0.1,**=0.05,***=0.01",
        help="marks and their levels (%(default)s)",
    )
    audit.set_defaults(run=_audit)


def _audit(asked: argparse.Namespace) -> int:
    from geopoverty._files import atomic_path, output_path
    from geopoverty.audit import audit, audit_text

    if asked.out is not None:
        output_path(asked.out)
    report = audit(
        asked.file,
        rounding=asked.rounding,
        reference=asked.reference,
        stars=_stars(asked.stars),
    )
    sys.stdout.write(f"{audit_text(report)}\n")
    if asked.out is not None:
        with atomic_path(asked.out) as draft:
            report.to_csv(draft, index=False, encoding="utf-8")
        sys.stdout.write(f"\nWrote {asked.out}.\n")
    broken = report["verdict"].eq("inconsistent").any()
    return 1 if asked.strict and broken else 0


def _stars(text: str) -> dict[str, float]:
    levels: dict[str, float] = {}
    for part in text.split(",") if text.strip() else ():
        mark, _, level = part.rpartition("=")
        try:
            levels[mark.strip()] = float(level)
        except ValueError as error:
            raise InputError(
                f"Stars must be given as marks and levels; got '{part}'. Write "
                "--stars '*=0.1,**=0.05,***=0.01'."
            ) from error
    return levels


def _demo(asked: argparse.Namespace) -> int:
    start = time.perf_counter()
    from geopoverty.demo import first_light

    target = first_light(asked.out)
    size = target.stat().st_size / 1e6
    took = time.perf_counter() - start
    sys.stdout.write(f"Wrote {target} ({size:.1f} MB) in {took:.0f} s.\n")
    return 0


def _say_warning(message: Warning | str, *_: object) -> None:
    sys.stderr.write(f"geopoverty: {message}\n")

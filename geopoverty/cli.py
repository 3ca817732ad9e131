"""geopoverty from the shell."""

import argparse
import sys
import time
import warnings
from collections.abc import Sequence

from geopoverty.errors import GeoPovertyError, GeoPovertyWarning


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 2 for what the user can put right.

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
    with warnings.catch_warnings():
        warnings.showwarning = _say_warning  # type: ignore[assignment]
        warnings.simplefilter("always", GeoPovertyWarning)
        try:
            return _demo(asked.out)
        except GeoPovertyError as error:
            sys.stderr.write(f"geopoverty: {error}\n")
            return 2


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
    return parser


def _demo(out: str) -> int:
    start = time.perf_counter()
    from geopoverty.demo import first_light

    target = first_light(out)
    size = target.stat().st_size / 1e6
    took = time.perf_counter() - start
    sys.stdout.write(f"Wrote {target} ({size:.1f} MB) in {took:.0f} s.\n")
    return 0


def _say_warning(message: Warning | str, *_: object) -> None:
    sys.stderr.write(f"geopoverty: {message}\n")

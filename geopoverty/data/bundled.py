"""Where the bundled files lie, and what is known of their origin.

Every table is read anew on each call, so what a caller does to it stays with
that caller. Its ``attrs`` say ``title``, ``status`` (measured, routed, modelled
or simulated), ``source``, ``licence`` and ``attribution``, as written in the
``SOURCES.toml`` beside the file.
"""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from geopoverty.errors import InputError


def data_folder(name: str) -> Path:
    """Return the folder of bundled data: in the wheel, or beside the package.

    Parameters
    ----------
    name : {"boundaries", "travel_matrices"}
        Which one.

    Raises
    ------
    InputError
        If it is neither in the installed package nor beside it.

    Examples
    --------
    >>> (data_folder("boundaries") / "SOURCES.toml").is_file()
    True
    """
    package = Path(str(resources.files("geopoverty")))
    for folder in (package / "_data" / name, package.parent / name):
        if (folder / "SOURCES.toml").is_file():
            return folder
    raise InputError(
        f"The bundled data '{name}' must be in the package or beside it; it is not "
        f"in '{package}' nor in '{package.parent}'. Install geopoverty from its "
        "wheel, or in editable mode from a complete clone."
    )


def bundled_table(folder: str, name: str) -> pd.DataFrame:
    """Return a bundled table, with its origin in ``attrs``."""
    table = pd.read_parquet(bundled_path(folder, name))
    table.attrs = bundled_attrs(folder, name)
    return table


def bundled_path(folder: str, name: str) -> Path:
    """Return where a bundled file lies, or say that it is missing."""
    path = data_folder(folder) / name
    if not path.is_file():
        raise InputError(
            f"The bundled file '{name}' must be in '{path.parent}'; it is not. "
            "Install geopoverty again, or complete the clone."
        )
    return path


def bundled_attrs(folder: str, name: str) -> dict[Any, Any]:
    """Return what ``SOURCES.toml`` says of a bundled file."""
    entry = _sources(data_folder(folder))[name]
    kept = {key: entry[key] for key in ("title", "status", "licence", "attribution")}
    return {**kept, "source": f"{entry['origin']}, version {entry['version']}"}


@cache
def _sources(folder: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads((folder / "SOURCES.toml").read_text(encoding="utf-8"))

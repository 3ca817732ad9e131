"""The study file that `geopoverty init` writes."""

import os
from importlib import resources
from pathlib import Path

from geopoverty._files import atomic_path, output_path
from geopoverty.errors import InputError

EXAMPLE = "example.toml"


def example_text() -> str:
    """Return a commented study of the bundled US counties.

    Examples
    --------
    >>> "[boundaries]" in example_text()
    True
    """
    file = resources.files("geopoverty.study").joinpath(EXAMPLE)
    return file.read_text(encoding="utf-8")


def write_example(path: str | os.PathLike[str] = "study.toml") -> Path:
    """Write a commented study file that works on the bundled data.

    Parameters
    ----------
    path : path
        A file that does not exist yet.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    InputError
        If the file exists, or its folder does not exist or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> write_example(Path(tempfile.mkdtemp()) / "study.toml").name
    'study.toml'
    """
    target = output_path(path)
    if os.path.lexists(target):
        raise InputError(
            f"'{target}' exists and is not overwritten. Name another file, or move it "
            "away."
        )
    with atomic_path(target) as draft:
        draft.write_text(example_text(), encoding="utf-8", newline="\n")
    return target

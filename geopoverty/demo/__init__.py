"""The main job on the bundled data: `models` estimates, `pages` draws."""

import os
from pathlib import Path

from geopoverty._files import output_path
from geopoverty._progress import stages
from geopoverty.demo.models import FirstLight, county_table, estimate, exit_table
from geopoverty.demo.pages import build_atlas

__all__ = [
    "FirstLight",
    "build_atlas",
    "county_table",
    "estimate",
    "exit_table",
    "first_light",
]


def first_light(path: str | os.PathLike[str]) -> Path:
    """Run the main job on the bundled data and write the atlas.

    Is a US county less likely to be poor (20 % of families or more) when it, and
    the counties it can reach, have a higher economic density (income per square
    kilometre)?

    Parameters
    ----------
    path : path
        The HTML file to write.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written; checked first.
    """
    target = output_path(path)
    with stages("Estimating and drawing", 3) as advance:
        found = estimate()
        advance()
        atlas = build_atlas(found)
        advance()
        atlas.save(target)
        advance()
    return target

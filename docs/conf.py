"""Sphinx settings: make docs."""

from importlib.metadata import version as installed

project = "geopoverty"
author = "The geopoverty developers"
copyright = "2026, the geopoverty developers"  # noqa: A001  (Sphinx's name)
version = release = installed("geopoverty")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
html_theme = "alabaster"
html_theme_options = {"description": "Regional poverty, spillovers, offline atlases"}

"""Sphinx settings: make docs."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "geopoverty"
author = "The geopoverty developers"
copyright = "2026, the geopoverty developers"  # noqa: A001  (Sphinx's name)
version = release = installed("geopoverty")

extensions = [
    "myst_parser",
    "numpydoc",
    "site_parts",
    "sphinx.ext.autodoc",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_ext"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
html_theme = "alabaster"
html_theme_options = {
    "description": "Regional poverty, spillovers, offline atlases",
    "page_width": "1080px",
    "sidebar_width": "260px",
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

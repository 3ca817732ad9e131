"""Scripts and styles of the page, set inline so that nothing is fetched."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from geopoverty.errors import GeoPovertyError, InputError, MissingExtraError

LEAFLET = "XStatic-Leaflet"
# Joined in this order; each file is one idea and adds one name to `geopoverty`.
SCRIPTS = (
    "dom.js",
    "numbers.js",
    "store.js",
    "kinds.js",
    "csv.js",
    "pages.js",
    "shapes.js",
    "patterns.js",
    "paint.js",
    "facts.js",
    "charts.js",
    "chosen.js",
    "tip.js",
    "counties.js",
    "countymap.js",
    "aim.js",
    "legend_rows.js",
    "legend_square.js",
    "legend.js",
    "mapkey.js",
    "maptable.js",
    "smallmaps.js",
    "board.js",
    "picture_text.js",
    "picture_map.js",
    "picture_key.js",
    "picture_sheet.js",
    "picture.js",
    "print.js",
    "controls.js",
    "picker.js",
    "search.js",
    "card.js",
    "compare_table.js",
    "compare_dots.js",
    "compare_years.js",
    "compare_curves.js",
    "peers.js",
    "compare.js",
    "ranking_rows.js",
    "ranking_table.js",
    "ranking_fields.js",
    "ranking.js",
    "twomaps.js",
    "solve.js",
    "amounts.js",
    "arcs.js",
    "spillovers.js",
    "scenario.js",
    "results.js",
    "footer.js",
    "main.js",
)
STYLES = (
    "atlas.css",
    "compare.css",
    "ranking.css",
    "legend.css",
    "scenario.css",
    "maps.css",
    "picture.css",
    "print.css",
)
MAP_SLOT = "<!--map-->"
_LOADED = re.compile(
    r"""<(?:script|link|img|iframe|source|object|embed|video|audio)\b[^>]*?
        (?:src|href|data)\s*=\s*["']?\s*(?:https?:)?//[^\s"'>]*
      | url\(\s*["']?(?!data:|\#)[^)]*\)
      | @import[^;]*
      | L\.(?:tileLayer(?:\.wms)?|imageOverlay|videoOverlay)\(
        \s*["'](?!data:)[^"']*["']""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Pieces:
    """What folium contributes to a page.

    Attributes
    ----------
    head : str
        Markup that layers added to the head; usually none.
    body : str
        The element of the map, and what layers added beside it.
    script : str
        The script that makes the map and its layers.
    """

    head: str
    body: str
    script: str


def document(pieces: Pieces, data: Mapping[str, Any]) -> str:
    """Return the whole page: one file that asks nothing of a network.

    Every text in `data` stands in one JSON block, which a browser does not run;
    the page's own script reads it and sets texts as text. A content security
    policy allows the scripts named here, by hash, and no other.

    Parameters
    ----------
    pieces : Pieces
        What folium rendered.
    data : mapping
        What the page shows; must be JSON.

    Raises
    ------
    InputError
        If a folium layer was added that would load something, or that ends a
        script early.

    Examples
    --------
    >>> page = document(Pieces("", "<div></div>", ""), {"title": "</script>"})
    >>> page.count("</script>"), "default-src 'none'" in html.unescape(page)
    (4, True)
    """
    scripts = [leaflet_script(), pieces.script.replace("\r\n", "\n"), own_script()]
    styles = [leaflet_style(), *map(_static, STYLES)]
    frame = _static("page.html").replace(MAP_SLOT, pieces.body)
    _require_offline(pieces.head + frame + "".join(styles) + pieces.script)
    if re.search(r"</script|<!--", pieces.script, re.IGNORECASE):
        raise InputError(
            "A folium layer on this map holds '</script' or '<!--', which would end "
            "its script early. Remove it from the layer's texts."
        )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            _policy(scripts, styles, strict=not pieces.head.strip()),
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>County atlas</title>",
            *(f"<style>{style}</style>" for style in styles),
            pieces.head,
            "</head>",
            "<body>",
            frame,
            island(data),
            *(f"<script>{script}</script>" for script in scripts),
            "</body>",
            "</html>",
            "",
        ]
    )


def island(data: Mapping[str, Any]) -> str:
    """Return data as a block that no browser and no template runs.

    Examples
    --------
    >>> "</script>" in island({"name": "</script>"}).removesuffix("</script>")
    False
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    # Half of a surrogate pair is no text and cannot be written as UTF-8.
    text = re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
    return f'<script type="application/json" id="gp-data">{text}</script>'


@cache
def leaflet_script() -> str:
    """Return Leaflet, with its marker images as data."""
    images = {
        "iconUrl": "marker-icon.png",
        "iconRetinaUrl": "marker-icon-2x.png",
        "shadowUrl": "marker-shadow.png",
    }
    inlined = {key: _data_url(_leaflet_file(name)) for key, name in images.items()}
    script = _leaflet_file("leaflet.js").read_text("utf-8").replace("\r\n", "\n")
    script = re.sub(r"//# sourceMappingURL=\S+", "", script)
    return (
        f"{script}\nL.Icon.Default.imagePath='';"
        f"L.Icon.Default.mergeOptions({json.dumps(inlined)});"
    )


@cache
def leaflet_style() -> str:
    """Return Leaflet's style sheet, with its images as data."""
    style = _leaflet_file("leaflet.css").read_text("utf-8").replace("\r\n", "\n")
    return re.sub(
        r"url\(images/([\w.-]+)\)",
        lambda found: f"url({_data_url(_leaflet_file(found[1]))})",
        style,
    )


@cache
def own_script() -> str:
    """Return the page's own script."""
    parts = "\n".join(_static(name) for name in SCRIPTS)
    return f'"use strict";\nwindow.geopoverty = {{}};\n{parts}'


def _policy(scripts: list[str], styles: list[str], *, strict: bool) -> str:
    allowed = " ".join(_hash(s) for s in scripts)
    # What a folium layer adds to the head cannot be known beforehand.
    styled = " ".join(_hash(s) for s in styles) if strict else "'unsafe-inline'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src {styled}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{html.escape(policy, quote=True)}">'
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _require_offline(page: str) -> None:
    found = _LOADED.search(page)
    if found:
        raise InputError(
            "A map must open without a network, but a layer on it would load "
            f"'{found[0][:80]}'. Leave that layer out."
        )


def _static(name: str) -> str:
    folder = resources.files("geopoverty.atlas") / "static"
    return (folder / name).read_text("utf-8").replace("\r\n", "\n")


def _leaflet_file(name: str) -> Path:
    try:
        files = metadata.files(LEAFLET) or []
    except PackageNotFoundError as error:
        raise MissingExtraError(
            f"Maps need the package {LEAFLET}. Install it: pip install {LEAFLET}."
        ) from error
    for file in files:
        path = Path(str(file.locate()))
        if file.name == name and path.is_file():
            return path
    raise GeoPovertyError(
        f"{LEAFLET} holds no file '{name}'. Reinstall it: pip install "
        f"--force-reinstall {LEAFLET}."
    )


def _data_url(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"

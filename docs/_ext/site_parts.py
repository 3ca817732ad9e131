"""What the site takes from elsewhere in the repository when it is built.

- ``{messages} RULE`` lists the messages of one rule (tools/list_messages.py).
- ``{picture} NOTEBOOK NUMBER`` shows a picture or map of a notebook, as its outputs
  hold it; one that no page shows is a warning: the gallery cannot fall behind.
- Every notebook becomes a page in ``notebooks/``; ``{notebook}`NAME` `` leads there.

Nothing is run and nothing is written among the sources.
"""

import base64
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import list_messages  # noqa: E402  (tools/ is no package)

FRAME = re.compile(r"<iframe\s")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notebook:
    """One notebook: its title, the body of its page, its pictures."""

    name: str
    title: str
    body: str
    pictures: tuple[str, ...]
    """PNG in base 64, or the HTML of a map, in order."""


@cache
def notebooks() -> dict[str, Notebook]:
    """Read all notebooks, by name."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> Notebook:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = MarkdownIt("commonmark").enable("table")
    title = path.stem
    parts: list[str] = []
    pictures: list[str] = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            first = re.match(r"# (.+)", source)
            if first and title == path.stem:
                title = first.group(1)
            parts.append(text.render(source))
            continue
        parts.append(highlight(source, PythonLexer(), HtmlFormatter()))
        parts += [_output(output, pictures) for output in cell["outputs"]]
    return Notebook(path.stem, title, "\n".join(parts), tuple(pictures))


def _output(output: dict[str, Any], pictures: list[str]) -> str:
    """Return the HTML of one output; pictures are collected and numbered."""
    held = {k: "".join(v) for k, v in output.get("data", {}).items()}
    name = f'id="picture-{len(pictures) + 1}"'
    if "image/png" in held:
        pictures.append(held["image/png"])
        return (
            f'<p {name}><img alt="" src="data:image/png;base64,'
            f'{held["image/png"].strip()}"></p>'
        )
    if "text/html" in held:
        shown = held["text/html"]
        if FRAME.search(shown):
            pictures.append(shown)
            return f"<div {name}>{shown}</div>"
        return f'<div class="cell-output">{shown}</div>'
    plain = held.get("text/plain", "".join(output.get("text", "")))
    return f"<pre>{escape(plain)}</pre>" if plain else ""


class Messages(SphinxDirective):
    """List the messages of one rule, sorted."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        rule = self.arguments[0]
        known = list_messages.by_rule()
        if rule not in known:
            raise self.error(f"No rule '{rule}'; there are {', '.join(known)}.")
        items = nodes.bullet_list(classes=["messages"])
        for message in known[rule]:
            line = nodes.paragraph()
            line += nodes.Text(message.text)
            names = ", ".join(n.removeprefix("geopoverty.") for n in message.modules)
            line += nodes.inline("", f"  ({names})", classes=["where"])
            items += nodes.list_item("", line)
        for source in (ROOT / "geopoverty").rglob("*.py"):
            self.env.note_dependency(str(source))
        return [items]


class Picture(SphinxDirective):
    """Show a picture of a notebook with a caption, linked to its page."""

    required_arguments: ClassVar[int] = 2
    has_content: ClassVar[bool] = True

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        name, number = self.arguments[0], int(self.arguments[1])
        found = notebooks().get(name)
        if found is None or not 1 <= number <= len(found.pictures):
            raise self.error(f"Notebook '{name}' has no picture {number}.")
        self.env.note_dependency(str(ROOT / "notebooks" / f"{name}.ipynb"))
        shown = _shown(self.env).setdefault(self.env.docname, set())
        shown.add((name, number))
        caption = nodes.container()
        caption += self.parse_content_to_nodes()
        alt = escape(caption.astext().split("\n")[0])
        page = f"notebooks/{name}.html#picture-{number}"
        file = _file(name, number, found)
        if file.endswith(".png"):
            drawn = (
                f'<a href="{page}"><img alt="{alt}" loading="lazy" src="{file}"></a>'
            )
        else:
            drawn = (
                f'<iframe title="{alt}" loading="lazy" width="100%" height="420" '
                f'src="{file}"></iframe><p><a href="{page}">In its notebook</a></p>'
            )
        return [
            nodes.raw(
                "", f'<figure class="picture">{drawn}<figcaption>', format="html"
            ),
            *caption.children,
            nodes.raw("", "</figcaption></figure>", format="html"),
        ]


class Link(SphinxRole):
    """Lead from a page at the top of the site to a notebook's page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, with the notebook's title."""
        found = notebooks().get(self.text)
        if found is None:
            message = self.inliner.reporter.error(
                f"There is no notebook '{self.text}'."
            )
            return [message], [message]
        up = "../" * self.env.docname.count("/")
        page = f"{up}notebooks/{found.name}.html"
        return [nodes.reference("", found.title, refuri=page)], []


def _file(name: str, number: int, found: Notebook) -> str:
    kind = "html" if FRAME.search(found.pictures[number - 1]) else "png"
    return f"_pictures/{name}-{number}.{kind}"


def _shown(env: Any) -> dict[str, set[tuple[str, int]]]:
    if not hasattr(env, "geopoverty_pictures"):
        env.geopoverty_pictures = {}
    kept: dict[str, set[tuple[str, int]]] = env.geopoverty_pictures
    return kept


def _forget(_app: Sphinx, env: Any, docname: str) -> None:
    _shown(env).pop(docname, None)


def _check(_app: Sphinx, env: Any) -> None:
    """Warn of pictures that no page shows."""
    shown = {pair for pairs in _shown(env).values() for pair in pairs}
    for name, found in notebooks().items():
        for number in range(1, len(found.pictures) + 1):
            if (name, number) not in shown:
                log.warning(
                    "Picture %d of notebooks/%s.ipynb is in no page: describe it in "
                    "docs/gallery.md (```{picture} %s %d).",
                    number,
                    name,
                    name,
                    number,
                )


def _pages(_app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    for name, found in notebooks().items():
        body = f'<div class="notebook">{found.body}</div>'
        yield f"notebooks/{name}", {"title": found.title, "body": body}, "page.html"


def _files(app: Sphinx, failed: Exception | None) -> None:
    if failed or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_pictures"
    folder.mkdir(exist_ok=True)
    for name, found in notebooks().items():
        for number, picture in enumerate(found.pictures, start=1):
            file = Path(app.outdir) / _file(name, number, found)
            if file.suffix == ".png":
                file.write_bytes(base64.b64decode(picture))
            else:
                head = (
                    "<!doctype html><meta charset='utf-8'><style>body{margin:0}</style>"
                )
                file.write_text(head + picture, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives and the pages."""
    app.add_directive("messages", Messages)
    app.add_directive("picture", Picture)
    app.add_role("notebook", Link())
    app.connect("env-purge-doc", _forget)
    app.connect("env-updated", _check)
    app.connect("html-collect-pages", _pages)
    app.connect("build-finished", _files)
    return {"parallel_read_safe": False, "parallel_write_safe": True}

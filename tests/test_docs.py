"""The site builds without a warning, its examples run, and its links lead somewhere."""

import doctest
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest

import geopoverty as gp

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "tools"))

import list_messages  # noqa: E402  (tools/ is no package)

PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)
EXAMPLES = [p for p in PAGES if ">>>" in p.read_text(encoding="utf-8")]
METHODS = [p for p in PAGES if p.parent.name == "methods" and p.stem != "index"]


def _name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_examples_run(path):
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    code = "\n".join(b for b in blocks if ">>>" in b)
    example = doctest.DocTestParser().get_doctest(code, {}, path.name, str(path), 0)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)


@pytest.mark.parametrize("path", METHODS, ids=_name)
def test_a_page_of_a_method_has_every_part(path):
    text = path.read_text(encoding="utf-8")
    parts = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts == [
        "What it answers",
        "Recipe",
        "Pitfalls",
        "What peers do differently",
        "How it was tested",
        "Sources",
    ]
    assert ">>>" in text


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_public_names_exist(path):
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\bgp\.([A-Za-z_]+)", text):
        assert hasattr(gp, name), name


def test_the_list_of_methods_names_public_functions_and_every_page():
    text = (DOCS / "methods" / "index.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    for row in rows:
        for name in re.findall(r"`(\w+)`", row):
            assert name in gp.__all__, name
    pages = {re.search(r"\((\w+)\.md\)", row).group(1) for row in rows}
    assert pages == {p.stem for p in METHODS}


def test_planners_read_no_formulas():
    text = (DOCS / "planners.md").read_text(encoding="utf-8")
    assert "```" not in text
    assert not re.search(r"W\(|p-value|coefficient|regress|logit|\u03c1|heterosk", text)


# The site


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.anchors = [], set()

    def handle_starttag(self, _tag, attrs):
        found = dict(attrs)
        self.anchors |= {found[k] for k in ("id", "name") if found.get(k)}
        self.targets += [found[k] for k in ("href", "src") if found.get(k)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going"]
    trees = ["-d", str(out / "trees")]
    built = subprocess.run(
        [*command, "--quiet", *trees, str(DOCS), str(out / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return out / "html"


@pytest.fixture(scope="module")
def links(site):
    found = {}
    for page in sorted(site.rglob("*.html")):
        # The maps of notebooks are tested with the atlas.
        if page.parent.name != "_pictures":
            found[page] = _Links()
            found[page].feed(page.read_text(encoding="utf-8"))
    return found


def test_every_link_leads_somewhere(site, links):
    broken = []
    for page, held in links.items():
        for target in held.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            known = links.get(path)
            anchor = unquote(parts.fragment)
            if not path.exists() or (known and anchor and anchor not in known.anchors):
                broken.append(f"{page.relative_to(site)}: {target}")
    assert not broken


def test_the_site_fetches_nothing(site):
    fetched = re.compile(r'(?:src|href)="(https?:)?//[^"]+\.(?:js|css|woff2?|png)"')
    for page in site.rglob("*.html"):
        assert not fetched.search(page.read_text(encoding="utf-8")), page.name


def test_every_message_stands_on_the_page(site):
    page = (site / "troubleshooting.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", page)
    plain = re.sub(r"[^a-z]", "", _unescape(text).lower())
    for message in list_messages.messages():
        assert re.sub(r"[^a-z]", "", message.text.lower()) in plain, message.text


def test_every_notebook_has_a_page(site):
    names = {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")}
    assert names == {p.stem for p in (site / "notebooks").glob("*.html")}


def _unescape(text: str) -> str:
    from html import unescape

    return unescape(text)


# The list of messages


SOURCE = """
from geopoverty._checks import require, warn
from geopoverty.errors import InputError

def ask(age, ids):
    if age < 0:
        raise InputError(f"Age must be above 0; got {age}. Drop it.")
    note = "Few clusters." if ids else f"There are {age} years. Beware."
    warn(note)
    notes = []
    notes.append(f"{age} homes were left out.")
    for said in notes:
        warn(f"{said} Count them.")
    _positive(age, "The wage")
    require(age > 0, "Land must be known", ids=ids, way_out="Fill it.", noun="homes")

def _positive(value, what):
    if value <= 0:
        raise InputError(f"{what}: {value}")
"""


def test_messages_are_read_from_source(tmp_path):
    (tmp_path / "part.py").write_text(SOURCE, encoding="utf-8")
    found = {(m.kind, m.text) for m in list_messages.messages(tmp_path)}
    assert found == {
        ("input error", "Age must be above 0; got …. Drop it."),
        ("warning", "Few clusters."),
        ("warning", "There are … years. Beware."),
        ("warning", "… homes were left out. Count them."),
        ("input error", "The wage: …"),
        ("input error", "Land must be known; … of … homes break this (…). Fill it."),
    }


def test_messages_that_the_package_says_are_in_the_list():
    texts = [m.text for m in list_messages.messages()]
    with pytest.raises(gp.InputError) as said:
        gp.logit("poor ~ age", pd.DataFrame())
    words = str(said.value).split(" ", 1)[1]
    assert any(words in text for text in texts)


def test_every_rule_has_messages_and_few_have_none():
    found = list_messages.by_rule()
    assert all(found[rule] for rule in list_messages.RULES)
    assert len(found["other"]) < 0.05 * sum(map(len, found.values()))

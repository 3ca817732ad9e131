"""The map as a picture: valid, complete, and the same as what the page shows."""

from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from atlas_pages import PHONE, SPACE, grid, sample_atlas, shown
from matplotlib import image

from geopoverty.atlas import Atlas, MapStyle

SVG = "{http://www.w3.org/2000/svg}"
# Markup, template text, letters no XML file may hold, and other scripts.
NASTY = (
    "</svg><script>window.__p=1</script>",
    "]]> <!-- & \" ' {{7*7}}",
    "a\x00b\x1f\ufffe",
    "凉山彝族自治州",
    "محافظة البحر الأحمر",
    "🏞️ Ω",
    "x" * 300,
    "<img src=x onerror=window.__p=1>",
    "${1+1}",
    "&lt;b&gt;",
    "\u2028\u2029",
    "Doña Ana",
)


def drawing(page):
    """The SVG file that the page saves, as a tree, and its name."""
    page.evaluate("document.querySelector('.gp-picture').open = true")
    with page.expect_download() as download:
        page.click("text=Drawing (SVG)")
    content = download.value.path().read_bytes()
    return ET.fromstring(content), download.value.suggested_filename


def words(tree):
    return [t.text for t in tree.iter(f"{SVG}text")]


def groups(tree):
    """The groups of a drawing by their title: the paths in each."""
    found = {}
    for group in tree.iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is not None:
            found.setdefault(title.text, group)
    return found


def counties_in(group):
    return [p.find(f"{SVG}title").text for p in group.findall(f"{SVG}path")]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """An atlas of effects, named classes and two numbers crossed."""
    counties = grid()
    ids = counties.index
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "unit_id": ids,
            "effect": np.linspace(-3, 3, 12),
            "p": np.tile([0.01, 0.5, np.nan], 4),
            "kind": ["High-High", "Low-Low", None] * 4,
            "x": rng.permutation(12).astype(float),
            "y": rng.permutation(12).astype(float),
        }
    )
    atlas = Atlas(counties, title="Kinds")
    atlas = atlas.add(
        table, "effect", label="Effect", p_value="p", style=MapStyle(diverging=True)
    ).add_classes(table, "kind", label="Clusters")
    atlas = atlas.add_bivariate(table, ("x", "y"), labels=("Poor", "Far"))
    return atlas.save(tmp_path_factory.mktemp("kinds") / "atlas.html")


def test_the_drawing_says_what_the_map_shows(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.evaluate("geopoverty.store.set({ county: 4 })")
    tree, name = drawing(page)
    assert name == "Poor-families-1990-map.svg"
    assert tree.tag == f"{SVG}svg"
    assert tree.find(f"{SVG}title").text == "Poor families, 1990"
    said = words(tree)
    assert said[:3] == [
        "Poor families", "1990 · Partly simulated data",
        f"Outlined: 木里藏族自治县, East, 9.5{SPACE}%",
    ]  # fmt: skip
    for text in ("per cent", "30 or more", "10 to 20", "under 10", "No data"):
        assert text in said
    foot = " ".join(said)
    assert "Sources: Grid of squares (simulated; CC0). The tests;" in foot
    assert "Travel times (modelled)" in foot
    assert "From the atlas “Sample atlas”, made with geopoverty" in foot
    # A group a class, a shape a county, each with its name and number.
    found = groups(tree)
    data = shown(sample_atlas())["indicators"][0]
    codes = data["codes"][1]
    for label, code in (("under 10", "0"), ("10 to 20", "1"), ("No data", ".")):
        assert len(counties_in(found[label])) == codes.count(code)
    assert found["under 10"].get("fill") == data["colors"][0]
    assert f"County 01, East: 5.5{SPACE}%" in counties_in(found["under 10"])
    assert counties_in(found["No data"]) == ["County 12, West: no data"]
    assert found["No data"].get("fill").startswith("url(#gp-hatch")
    assert len(found["Chosen: 木里藏族自治县, East"].findall(f"{SVG}path")) == 2
    seen.assert_calm()


def test_counts_and_colours_are_those_of_the_legend(visit, sample):
    page = visit(sample).page
    tree, _ = drawing(page)
    rows = page.locator("#gp-legend .gp-class").all_inner_texts()
    legend = groups(tree)["Legend"]
    drawn = [
        [t.text for t in row.findall(f"{SVG}text")] for row in legend.findall(f"{SVG}g")
    ]
    assert [r.split("\n") for r in rows] == [[r for r in row if r] for row in drawn]


def test_a_number_that_is_not_significant_is_dotted(visit, kinds):
    page = visit(kinds).page
    tree, name = drawing(page)
    assert name == "Effect-map.svg"
    dotted = {k: g for k, g in groups(tree).items() if ", not significant" in k}
    assert sum(len(counties_in(g)) for g in dotted.values()) == 4
    assert all(g.get("fill").startswith("url(#gp-dots-") for g in dotted.values())
    ids = {p.get("id") for p in tree.iter(f"{SVG}pattern")}
    used = {g.get("fill")[5:-1] for g in tree.iter(f"{SVG}g") if g.get("fill")
            if g.get("fill").startswith("url")}  # fmt: skip
    assert used <= ids
    assert "Not significant (p ≥ 0.05)" in words(tree)


def test_named_classes_and_crossed_numbers_are_drawn(visit, kinds):
    seen = visit(kinds)
    page = seen.page
    page.evaluate("geopoverty.controls.choose(1)")
    tree, name = drawing(page)
    assert name == "Clusters-map.svg"
    found = groups(tree)
    counts = {
        k: len(counties_in(found[k])) for k in ("High-High", "Low-Low", "No data")
    }
    assert counts == {"High-High": 4, "Low-Low": 4, "No data": 4}
    page.evaluate("geopoverty.controls.choose(2)")
    tree, _ = drawing(page)
    said = words(tree)
    assert {"Poor →", "Far ↑", "low", "middle", "high"} <= set(said)
    cells = [g for g in groups(tree)["Legend"].findall(f"{SVG}g")
             if g.find(f"{SVG}title") is not None]  # fmt: skip
    assert len(cells) == 9
    assert sum(int(c.find(f"{SVG}text").text) for c in cells) == 12
    seen.assert_calm()


def test_all_years_share_one_legend(visit, sample):
    page = visit(sample).page
    page.evaluate("geopoverty.board.open('years')")
    tree, name = drawing(page)
    assert name == "Poor-families-map.svg"
    assert words(tree)[1] == "1980 to 1990 · Partly simulated data"
    maps = groups(tree)
    assert {"Poor families, 1980", "Poor families, 1990"} <= set(maps)
    for title in ("Poor families, 1980", "Poor families, 1990"):
        uses = list(maps[title].iter(f"{SVG}use"))
        assert len(uses) == 12
        held = {p.get("id") for p in tree.find(f"{SVG}defs").findall(f"{SVG}path")}
        assert {u.get("href")[1:] for u in uses} <= held
    assert words(tree).count("10 to 20") == 1


def test_what_is_in_view_is_all_that_is_drawn(visit, sample):
    page = visit(sample).page
    page.evaluate(
        "geopoverty.countymap.map.setView("
        "geopoverty.countymap.map.containerPointToLatLng("
        "geopoverty.countymap.pointOf(0)),"
        "geopoverty.countymap.map.getZoom() + 3, { animate: false })"
    )
    whole, _ = drawing(page)
    page.select_option("#gp-picture-part", "view")
    part, _ = drawing(page)
    colored = ("under 10", "10 to 20")
    number = [
        sum(len(counties_in(g)) for k, g in groups(tree).items() if k in colored)
        for tree in (whole, part)
    ]
    assert number[0] == 11
    assert number[1] == 1
    assert "of the whole map" in " ".join(words(part))
    assert "of the whole map" not in " ".join(words(whole))


def test_the_picture_has_twice_the_pixels_and_the_colours(visit, sample):
    seen = visit(sample)
    page = seen.page
    tree, _ = drawing(page)
    with page.expect_download() as download:
        page.click("text=Picture (PNG)")
    assert download.value.suggested_filename == "Poor-families-1990-map.png"
    pixels = image.imread(download.value.path())
    height, width = pixels.shape[:2]
    assert (width, height) == (2 * int(tree.get("width")), 2 * int(tree.get("height")))
    colors = {
        tuple(np.round(255 * c).astype(int))
        for c in pixels[::7, ::7, :3].reshape(-1, 3)
    }
    for color in shown(sample_atlas())["indicators"][0]["colors"][:2]:
        assert tuple(int(color[k : k + 2], 16) for k in (1, 3, 5)) in colors
    assert page.inner_text(".gp-picture [role=status]") == (
        "Saved as Poor-families-1990-map.png."
    )
    seen.assert_calm()


def test_no_text_breaks_the_file_or_leaves_it(visit, tmp_path):
    counties = grid().assign(name=NASTY, state=NASTY[::-1])
    counties.attrs = {"data": [{"title": t, "licence": t, "status": t} for t in NASTY]}
    atlas = Atlas(counties, title=" ".join(NASTY), group="state")
    for text in NASTY[:6]:
        table = pd.DataFrame({text: np.arange(12.0), "unit_id": counties.index})
        atlas = atlas.add(table, text, label=text, unit=text)
    seen = visit(atlas.save(tmp_path / "nasty.html"))
    page = seen.page
    page.evaluate("geopoverty.store.set({ county: 6 })")
    for at in range(6):
        page.evaluate(f"geopoverty.controls.choose({at})")
        tree, name = drawing(page)
        assert not list(tree.iter(f"{SVG}script"))
        assert not [e for e in tree.iter() if any(k.startswith("on") for k in e.attrib)]
        titles = [p.text for p in tree.iter(f"{SVG}title")]
        assert any(NASTY[0] in t for t in titles)
        assert name.endswith("-map.svg")
        assert "/" not in name
    box = (float(v) for v in tree.get("viewBox").split())
    _, _, width, height = box
    for text in tree.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x")) <= width
        assert 0 <= float(text.get("y")) <= height
    seen.assert_calm()


def test_words_are_broken_where_they_must(visit, sample):
    page = visit(sample).page
    lines = page.evaluate(
        "() => geopoverty.pictureText.lines('one two ' + 'x'.repeat(90), 100, 12)"
    )
    assert lines[0] == "one two"
    assert "".join(lines[1:]) == "x" * 90
    widths = page.evaluate(
        "(lines) => lines.map((l) => geopoverty.pictureText.width(l, 12))", lines
    )
    assert max(widths) <= 101
    clean = page.evaluate("() => geopoverty.pictureText.clean('a\\u0000\\ud800b😀')")
    assert clean == "a\ufffd\ufffdb😀"


def test_it_is_reached_by_keyboard_and_fits_a_phone(visit, sample):
    page = visit(sample, **PHONE).page
    page.focus(".gp-picture summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "gp-picture-part"
    page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".png")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

"""On paper: the page that is open, whole, with its map, legend and sources."""

import re

import pandas as pd
import pytest
from atlas_pages import COLORS, sample_atlas

SHEET = re.compile(rb"/Type\s*/Page\b(?!s)")
PAGES = ("map", "compare", "ranking", "two", "results")
# Words and boxes of what paper shows.
SHOWN = """() => {
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const panels = [...document.querySelectorAll("main > *")].filter(seen);
  const wide = document.documentElement.clientWidth;
  const beyond = [...document.querySelectorAll("main *, footer *")].filter(seen)
    .filter((e) => !e.closest("svg, canvas"))
    .filter((e) => e.getBoundingClientRect().right > wide + 1)
    .map((e) => e.className || e.tagName);
  return { panels: panels.map((e) => e.id), text: document.body.innerText, beyond };
}"""


def sheets(page, **options):
    """How many sheets the open page takes."""
    return len(SHEET.findall(page.pdf(format="A4", **options)))


def on_paper(page, *, width=703, height=1032):
    """What paper of a width between its margins shows."""
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    found = page.evaluate(SHOWN)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    return found


@pytest.fixture
def chosen(visit, sample):
    seen = visit(sample, width=1280, height=800)
    seen.page.evaluate(
        "[0, 4, 6].forEach((c) => geopoverty.chosen.add(c));"
        "geopoverty.store.set({ county: 4 })"
    )
    return seen


@pytest.mark.parametrize("landscape", [False, True])
def test_each_page_takes_one_sheet(chosen, landscape):
    page = chosen.page
    for name in PAGES:
        page.click(f"#gp-tab-{name}")
        # Charts and tables may need more than a sheet that lies across.
        most = 2 if landscape and name in ("compare", "results") else 1
        assert sheets(page, landscape=landscape) <= most, name
    chosen.assert_calm()


def test_only_the_open_page_is_printed(chosen):
    page = chosen.page
    wanted = {
        "map": "Poor families",
        "compare": "Side by side",
        "ranking": "Doña Ana",
        "two": "Two maps",
        "results": "What was found",
    }
    for name, text in wanted.items():
        page.click(f"#gp-tab-{name}")
        found = on_paper(page)
        assert found["panels"] == [f"gp-page-{name}"]
        assert text in found["text"]
        assert found["text"].startswith("Sample atlas")
        assert "Grid of squares" in found["text"]  # the footer
        assert found["beyond"] == [], name
        for control in ("Find a county", "Save", "Clear filters", "Picture (PNG)"):
            assert control not in found["text"], (name, control)


@pytest.mark.parametrize("name", ["map", "ranking"])
def test_the_map_is_printed_with_its_legend_wherever_it_stands(chosen, name):
    page = chosen.page
    page.click("#gp-tab-ranking")
    page.click(f"#gp-tab-{name}")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    map_ = page.locator(f"#gp-page-{name} .gp-paper > svg")
    box = map_.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 150
    assert not page.locator("#gp-stage").is_visible()
    counties = (
        "(e) => [...e.querySelectorAll('g[fill]')].map((g) => g.getAttribute('fill'))"
    )
    fills = map_.evaluate(counties)
    legend = page.evaluate("geopoverty.legend.entries(geopoverty.store.view())")
    drawn = {row["color"] for row in legend if row["count"] and not row["pattern"]}
    assert drawn <= set(fills)
    assert any(fill.startswith("url(#gp-paper-hatch") for fill in fills)
    # The chosen county is outlined, as on the screen.
    outline = map_.locator("path[stroke-width='3']").bounding_box()
    assert 20 < outline["width"] < box["width"] / 3
    text = page.inner_text(f"#gp-page-{name}")
    for row in legend:
        assert row["label"] in text


@pytest.mark.parametrize("closer", [0, 0.4])
def test_the_outline_on_paper_lies_on_its_county(chosen, closer):
    page = chosen.page
    low, high, first, last, partly = page.evaluate(
        """(closer) => {
          const { map } = geopoverty.countymap;
          map.setZoom(map.getZoom() + closer, { animate: false });
          const whole = geopoverty.pictureMap.whole();
          const seen = geopoverty.pictureMap.inView();
          const { min, max } = seen.contains(whole) ? whole : seen;
          geopoverty.print.before();
          return [min.x, max.x, whole.min.x, whole.max.x, seen.contains(whole)];
        }""",
        closer,
    )
    assert partly == (closer == 0)
    page.emulate_media(media="print")
    # County 05 is the first of four in its row.
    outline = page.locator(".gp-paper path[stroke-width='3']").bounding_box()
    sheet = page.locator(".gp-paper svg").bounding_box()
    size = page.eval_on_selector(
        ".gp-paper svg", "(e) => [e.viewBox.baseVal.width, e.viewBox.baseVal.height]"
    )
    # The drawing keeps its shape and stands in the middle.
    scale = min(sheet["width"] / size[0], sheet["height"] / size[1])
    margin = (sheet["width"] - scale * size[0]) / 2
    pixels = scale * size[0] / (high - low)
    left = sheet["x"] + margin + (first - low) * pixels
    assert abs(outline["x"] - left) < 4
    assert abs(outline["width"] - (last - first) / 4 * pixels) < 8


def test_what_a_filter_leaves_out_is_pale_on_paper(chosen):
    page = chosen.page
    page.click("#gp-tab-ranking")
    page.fill("#gp-rank-from", "12")
    page.wait_for_function("geopoverty.store.state.kept !== null")
    page.evaluate("geopoverty.print.before()")
    fills = page.eval_on_selector_all(
        ".gp-paper g[fill]", "(all) => all.map((g) => g.getAttribute('fill'))"
    )
    assert "#fbfcfc" in fills


def test_the_screen_is_as_before_after_printing(chosen):
    page = chosen.page
    before = page.evaluate(COLORS, 2)
    page.pdf(format="A4")
    assert page.locator(".gp-paper").count() == 0
    assert not page.evaluate("document.body.classList.contains('gp-printing')")
    assert page.locator("#gp-stage").is_visible()
    assert page.evaluate(COLORS, 2) == before


def test_a_page_to_choose_from_says_so_on_paper(visit, sample):
    page = visit(sample).page
    page.click("#gp-tab-compare")
    assert sheets(page) == 1
    assert "Choose two to four counties" in on_paper(page)["text"]


def test_two_maps_keep_their_names_on_paper(chosen):
    page = chosen.page
    page.click("#gp-tab-two")
    text = on_paper(page)["text"]
    assert "Poor families, 1980" in text
    assert "Poor families, 1990" in text


def test_long_tables_repeat_their_heads(visit, tmp_path):
    rows = pd.DataFrame({"name": [f"row {k}" for k in range(140)], "n": range(140)})
    path = sample_atlas().add_table(rows, title="Long").save(tmp_path / "long.html")
    page = visit(path).page
    page.click("#gp-tab-results")
    assert sheets(page) >= 3
    page.emulate_media(media="print")
    heads = page.eval_on_selector_all(
        "thead", "(all) => all.map((e) => getComputedStyle(e).display)"
    )
    assert set(heads) == {"table-header-group"}
    frames = page.eval_on_selector_all(
        ".gp-page-results .gp-scroll",
        "(all) => all.map((e) => getComputedStyle(e).overflowX)",
    )
    assert set(frames) == {"visible"}

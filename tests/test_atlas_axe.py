"""Every page of the atlas for those who do not see it, or have no mouse."""

from pathlib import Path

import axe_playwright_python
import pytest
from atlas_pages import PHONE, settle
from atlas_whole import whole_atlas

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
# Rules that may be broken, and why. Nothing serious or critical may stand here.
ALLOWED: dict[str, str] = {}
SCREENS = {"desktop": {"width": 1280, "height": 800}, "phone": PHONE}
PAGES = {"map", "compare", "ranking", "two", "spillovers", "scenario", "results"}
# What the focus looks like, and whether it can be seen at all.
FOCUS = """() => {
  const e = document.activeElement;
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  const rings = [e, ...[...document.querySelectorAll(":focus-within")].reverse()]
    .map((x) => getComputedStyle(x)).filter((s) =>
      s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2);
  return {
    name: e.id || e.className || e.tagName, shown: box.width > 0 && box.height > 0
      && style.visibility === "visible", ringed: rings.length > 0,
    label: e.ariaLabel || e.textContent || e.labels?.[0]?.textContent || e.title,
    inside: box.right > 0 && box.left < window.innerWidth
      && box.bottom > 0 && box.top < window.innerHeight,
  };
}"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return whole_atlas().save(tmp_path_factory.mktemp("axe") / "atlas.html")


def tabs(page):
    return page.eval_on_selector_all(
        "[role=tab]", "(all) => all.map((e) => e.id.replace('gp-tab-', ''))"
    )


def broken(page, where, part="body"):
    """What axe finds: place, rule, impact, the element and what is wrong with it."""
    settle(page)
    found = page.evaluate(
        "(part) => axe.run(part, {resultTypes: ['violations']})", part
    )
    return [
        (where, v["id"], v["impact"], n["html"][:200], n["failureSummary"])
        for v in found["violations"]
        if v["id"] not in ALLOWED
        for n in v["nodes"]
    ]


def said(rows):
    return "\n\n".join(" | ".join(map(str, row)) for row in rows)


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_any_page(visit, whole, screen):
    seen = visit(whole, **SCREENS[screen])
    page = seen.page
    page.evaluate(AXE)
    assert set(tabs(page)) >= PAGES
    page.evaluate(
        "[3, 9, 11].forEach((c) => geopoverty.chosen.add(c));"
        "geopoverty.store.set({ county: 9 })"
    )
    rows = []
    for name in tabs(page):
        page.click(f"#gp-tab-{name}")
        rows += broken(page, name, "body" if name == "map" else f"#gp-page-{name}")
    page.click("#gp-tab-map")
    page.click("#gp-page-map summary")
    # A legend is the same on a phone.
    kinds = page.locator("#gp-indicator option").count() if screen == "desktop" else 1
    for at in range(1, kinds):
        page.select_option("#gp-indicator", index=at)
        rows += broken(page, f"indicator {at}", ".gp-panel")
    page.click("text=All indicators")
    rows += broken(page, "small maps", "#gp-page-map")
    page.fill("#gp-find", "county 1")
    rows += broken(page, "search", ".gp-controls")
    page.fill("#gp-find", "nowhere")
    rows += broken(page, "search for nothing", ".gp-controls")
    assert not rows, said(rows)
    seen.assert_calm()


def stops(page, most=100):
    """What Tab comes by, from the strip of tabs until the page is left."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            return found
        found.append(page.evaluate(FOCUS))
    raise AssertionError(f"The focus never leaves the page: {found[-3:]}")


@pytest.mark.parametrize("screen", SCREENS)
def test_the_focus_is_seen_wherever_tab_leads(visit, whole, screen):
    seen = visit(whole, **SCREENS[screen])
    page = seen.page
    page.evaluate("[3, 9].forEach((c) => geopoverty.chosen.add(c))")
    page.evaluate("geopoverty.store.set({ county: 9 })")
    for name in tabs(page):
        page.focus("[role=tab][aria-selected=true]")
        while page.evaluate("document.activeElement.id") != f"gp-tab-{name}":
            page.keyboard.press("ArrowRight")
        assert page.locator(f"#gp-page-{name}").is_visible()
        found = stops(page)
        assert len(found) >= 1, name
        for stop in found:
            assert stop["shown"], (name, stop)
            assert stop["ringed"], (name, stop)
            assert stop["inside"], (name, stop)
            assert stop["label"].strip(), (name, stop)
    seen.assert_calm()


def test_each_page_is_worked_without_a_mouse(visit, whole):
    seen = visit(whole)
    page, key = seen.page, seen.page.keyboard
    page.focus("#gp-tab-map")

    def onto(selector):
        for _ in range(100):
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
            key.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector}.")

    def turn_to(name):
        page.focus("[role=tab][aria-selected=true]")
        key.press("Home")
        while page.evaluate("document.activeElement.id") != f"gp-tab-{name}":
            key.press("ArrowRight")

    onto("#gp-indicator")
    key.press("ArrowDown")
    assert "Effect" in page.inner_text("#gp-legend h2")
    onto("#gp-find")
    key.type("county 10")
    key.press("Enter")
    assert page.inner_text("#gp-card h2") == "County 10, West"
    onto("#gp-card .gp-toggle")
    key.press("Space")
    turn_to("compare")
    onto("#gp-page-compare input[role=combobox]")
    key.type("county 02")
    key.press("Enter")
    assert page.evaluate("geopoverty.store.state.compare") == [9, 1]
    turn_to("ranking")
    onto("[data-key=name]")
    key.press("Enter")
    assert page.locator("th[aria-sort=ascending] [data-key=name]").count() == 1
    onto("tbody .gp-link")
    key.press("ArrowDown")
    key.press("Enter")
    assert page.locator("tr[aria-current]").inner_text().split("\t")[1] == "County 02"
    turn_to("spillovers")
    onto("#gp-spill-find")
    key.type("county 10")
    key.press("Enter")
    assert "reaches" in page.inner_text("#gp-status")
    turn_to("scenario")
    onto("#gp-page-scenario input[type=number], #gp-page-scenario [inputmode]")
    turn_to("results")
    onto("#gp-page-results .gp-scroll")
    seen.assert_calm()


def test_the_page_says_its_language(visit, whole):
    page = visit(whole).page
    assert page.get_attribute("html", "lang") == "en"
    # Names may be of any script: each finds its own direction.
    assert page.get_attribute("#gp-title", "dir") == "auto"


@pytest.mark.parametrize("screen", SCREENS)
def test_long_texts_of_a_table_wrap_and_its_numbers_do_not(visit, whole, screen):
    page = visit(whole, **SCREENS[screen]).page
    page.click("#gp-tab-results")
    cells = page.locator("section[aria-label], .gp-section").filter(has_text="In words")
    table = cells.last.locator("table")
    lines = """(e) => {
      const range = document.createRange();
      range.selectNodeContents(e);
      return new Set([...range.getClientRects()].map((r) => Math.round(r.y))).size;
    }"""
    long, number = (table.locator("tbody tr").first.locator("td, th").nth(k)
                    for k in (0, 1))  # fmt: skip
    assert "do not say" in long.inner_text()
    assert 3 < long.evaluate(lines) < 20
    assert number.evaluate(lines) == 1
    size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    assert 10 * size < long.bounding_box()["width"] < 30 * size
    frame = cells.last.locator(".gp-scroll")
    assert frame.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")

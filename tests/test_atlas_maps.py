"""Several maps at once: all years, all indicators, two maps that move together."""

from pathlib import Path

import axe_playwright_python
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from atlas_pages import MINUS, PHONE, SPACE, grid, settle
from shapely.geometry import box
from test_atlas_safety import nasty_atlas

from geopoverty.atlas import Atlas

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
SERIOUS = """() => axe.run(document, {resultTypes: ["violations"]}).then((found) =>
  found.violations.flatMap((v) => v.nodes.map((n) => [v.id, v.impact, n.html])))"""
# Reading from a copy, since a canvas that is read often becomes a slow one.
READ = """
const copyOf = (canvas, x, y, size) => {
  const copy = document.createElement("canvas").getContext("2d");
  copy.drawImage(canvas, x, y, size, size, 0, 0, size, size);
  return copy.getImageData(0, 0, size, size).data;
};
const colorsAt = (canvas, x, y) => {
  const pixels = copyOf(canvas, x - 4, y - 4, 8);
  const colors = new Set();
  for (let i = 0; i < pixels.length; i += 4) colors.add("#" + [0, 1, 2].map((k) =>
    pixels[i + k].toString(16).padStart(2, "0")).join(""));
  return [...colors];
};
const painted = (which) => [...document.querySelectorAll(`.gp-small-map ${which}`)]
  .map((canvas) => copyOf(canvas, 0, 0, 700).some((v) => v > 0));
"""
# Where a county lies on a small map, and the colours around that point.
SMALL = f"""([at, county]) => {{ {READ}
  const canvas = document.querySelectorAll(".gp-small-map canvas:first-child")[at];
  const width = canvas.parentElement.clientWidth;
  const {{ x, y }} = geopoverty.smallmaps.outlines(width).units[county].box.getCenter();
  const scale = canvas.width / width;
  return {{ x, y, colors: colorsAt(canvas, x * scale, y * scale) }};
}}"""
MARKED = f"""() => {{ {READ} return painted("canvas:last-child"); }}"""
PAINTED = f"""() => {{ {READ} return painted("canvas:first-child"); }}"""
# The same on the first or the second of the two maps.
LARGE = f"""([at, county]) => {{ {READ}
  const {{ drawn, frame }} = geopoverty.twomaps.sides[at];
  const {{ x, y }} = drawn.pointOf(county);
  const canvas = frame.querySelector("canvas");
  const [inner, outer] = [canvas, frame].map((e) => e.getBoundingClientRect());
  const scale = canvas.width / inner.width;
  return {{ x: x + outer.x, y: y + outer.y, colors: colorsAt(
    canvas, (x + outer.x - inner.x) * scale, (y + outer.y - inner.y) * scale) }};
}}"""
WHERE = """() => geopoverty.twomaps.sides.map(({ drawn }) => {
  const { x, y } = drawn.pointOf(5);
  return [x, y, drawn.map.getZoom()];
})"""
OUTLINES = """() => geopoverty.twomaps.sides.map(({ frame }) =>
  [...frame.querySelectorAll("path")]
    .filter((path) => path.getAttribute("d").length > 9).length)"""
NO_DATA = "#eceff1"


def expected(page, indicator, period, county):
    """The colour that a county has in a view."""
    view = page.evaluate(
        "([k, t, c]) => geopoverty.paint.of(geopoverty.store.view(t, k), c).color",
        [indicator, period, county],
    )
    return view.lower()


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


# All years


def test_all_years_stand_side_by_side_in_the_same_colours(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.click("#gp-board-years")
    page.wait_for_selector(".gp-small")
    settle(page)
    assert page.locator(".gp-small .gp-link").all_inner_texts() == ["1980", "1990"]
    assert not page.locator("#gp-stage").is_visible()
    assert page.locator("#gp-legend").count() == 1
    for at in (0, 1):
        for county in (0, 5, 11):
            found = page.evaluate(SMALL, [at, county])["colors"]
            assert expected(page, 0, at, county) in found, (at, county)
    hatched = page.evaluate(SMALL, [1, 11])["colors"]
    assert len(hatched) > 1
    assert page.evaluate(SMALL, [1, 10])["colors"] == [expected(page, 0, 1, 10)]
    page.click("#gp-board-years")
    assert page.locator("#gp-stage").is_visible()
    assert page.locator(".gp-small").count() == 0
    page.click("#gp-board-years")
    page.select_option("#gp-indicator", label="Change")  # of one year only
    assert page.locator("#gp-stage").is_visible()
    assert not page.locator("#gp-board-years").is_visible()
    assert page.locator("#gp-board-indicators").is_visible()
    seen.assert_calm()


def test_a_county_is_marked_in_every_map_and_elsewhere(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.click("#gp-board-years")
    settle(page)
    assert page.evaluate(MARKED) == [False, False]
    assert "Press a county" in page.inner_text(".gp-board-place")
    at = page.evaluate(SMALL, [0, 2])
    page.locator(".gp-small-map").first.hover(position={"x": at["x"], "y": at["y"]})
    assert page.evaluate(MARKED) == [True, True]
    assert page.inner_text(".gp-board-place") == "County 03, West"
    page.locator(".gp-small-map").first.click(position={"x": at["x"], "y": at["y"]})
    assert page.evaluate("geopoverty.store.state.county") == 2
    page.mouse.move(5, 5)
    assert page.evaluate(MARKED) == [True, True]
    values = page.locator(".gp-small-value").all_inner_texts()
    assert values == [f"22.0{SPACE}%", f"7.5{SPACE}%"]
    assert page.inner_text("#gp-card h2") == "County 03, West"
    page.fill("#gp-find", "木里")
    page.keyboard.press("Enter")
    assert page.inner_text(".gp-board-place").startswith("木里藏族自治县")
    page.click("#gp-card .gp-close")
    assert page.evaluate(MARKED) == [False, False]
    seen.assert_calm()


def test_all_years_by_keyboard_and_as_a_table(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.focus("#gp-board-years")
    page.keyboard.press("Enter")
    assert page.get_attribute("#gp-board-years", "aria-pressed") == "true"
    assert page.inner_text("#gp-status") == "2 small maps"
    page.fill("#gp-find", "03")
    page.keyboard.press("Enter")
    page.locator(".gp-board summary").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".gp-board tr")
    rows = page.locator(".gp-board tr").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    assert cells[0][:2] == ["Year", "County 03, West"]
    assert cells[0][2:] == [
        "Lowest", "Middle county", "Highest", "Counties without data",
    ]  # fmt: skip
    numbers = [f"{value}{SPACE}%" for value in (7.5, 5.5, 10.5, 15.5)]
    assert cells[2] == ["1990", *numbers, "1"]
    page.evaluate(AXE)
    assert page.evaluate(SERIOUS) == []
    page.locator(".gp-small .gp-link").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#gp-stage").is_visible()
    assert page.inner_text("#gp-period-name") == "1980"
    assert page.get_attribute("#gp-board-years", "aria-pressed") == "false"
    assert page.evaluate("document.activeElement.id") == "map_counties"
    seen.assert_calm()


def many_years():
    ids = grid().index
    table = pd.concat(
        pd.DataFrame({"unit_id": ids, "year": year, "poor": np.arange(12.0) + k})
        for k, year in enumerate(range(1960, 2020, 5))
    )
    return Atlas(grid()).add(table, "poor", label="Poor families", period="year")


def test_only_maps_in_sight_are_painted(visit, tmp_path):
    seen = visit(many_years().save(tmp_path / "years.html"), **PHONE)
    page = seen.page
    page.click("#gp-board-years")
    page.wait_for_timeout(150)
    before = page.evaluate(PAINTED)
    assert len(before) == 12
    assert before[0]
    assert not before[-1]
    page.locator(".gp-small").last.scroll_into_view_if_needed()
    page.wait_for_timeout(150)
    assert page.evaluate(PAINTED)[-1]
    assert page.locator("#gp-tab-two").is_visible()
    assert fits(page)
    seen.assert_calm()


# All indicators


def test_all_indicators_have_their_own_legends(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.click("#gp-board-indicators")
    settle(page)
    names = page.locator(".gp-small .gp-link").all_inner_texts()
    assert names == ["Poor families, 1990", "Effect of a cluster", "Change"]
    assert page.locator(".gp-small-key").count() == 3
    assert "Not significant" in page.locator(".gp-small-key").nth(1).inner_text()
    for at in range(3):
        found = page.evaluate(SMALL, [at, 3])["colors"]
        assert expected(page, at, 1 if at == 0 else 0, 3) in found
    page.locator(".gp-small .gp-link").nth(1).click()
    assert page.locator("#gp-stage").is_visible()
    assert page.evaluate("geopoverty.store.state.indicator") == 1
    seen.assert_calm()


# Two maps


@pytest.fixture
def two(visit, sample):
    seen = visit(sample)
    seen.page.click("#gp-tab-two")
    settle(seen.page)
    return seen


def test_two_maps_begin_with_two_years_and_show_what_is_chosen(two):
    page = two.page
    assert (
        page.input_value("#gp-two-first") == page.input_value("#gp-two-second") == "0"
    )
    years = [page.locator(f"#gp-two-{side}-period option:checked").inner_text()
             for side in ("first", "second")]  # fmt: skip
    assert years == ["1980", "1990"]
    for at in (0, 1):
        for county in (0, 5, 10):
            found = page.evaluate(LARGE, [at, county])["colors"]
            assert found == [expected(page, 0, at, county)]
    hatched = page.evaluate(LARGE, [1, 11])["colors"]
    assert NO_DATA in hatched
    assert len(hatched) > 1
    page.select_option("#gp-two-second", label="Effect of a cluster")
    settle(page)
    assert not page.locator("#gp-two-second-period").is_visible()
    assert "Not significant" in page.locator(".gp-two-key").last.inner_text()
    assert "30 or more" in page.locator(".gp-two-key").first.inner_text()
    assert expected(page, 1, 0, 0) in page.evaluate(LARGE, [1, 0])["colors"]
    assert page.evaluate(LARGE, [0, 0])["colors"] == [expected(page, 0, 0, 0)]
    # The large map stays as it was.
    assert page.evaluate("geopoverty.store.state.indicator") == 0
    page.select_option("#gp-two-second", label="Poor families")
    page.select_option("#gp-two-second-period", label="1980")
    settle(page)
    assert page.evaluate(LARGE, [1, 11])["colors"] == [expected(page, 0, 0, 11)]


def test_one_tooltip_has_both_values_and_both_maps_the_outline(two):
    page = two.page
    assert page.evaluate(OUTLINES) == [0, 0]
    at = page.evaluate(LARGE, [1, 2])
    page.mouse.move(at["x"], at["y"])
    page.wait_for_timeout(50)
    page.mouse.move(at["x"] + 1, at["y"])
    assert page.evaluate(OUTLINES) == [1, 1]
    tips = page.locator(".gp-two-frame .gp-tip")
    assert [tips.nth(k).is_visible() for k in (0, 1)] == [False, True]
    assert tips.nth(1).inner_text().split("\n") == [
        "County 03, West", "Poor families, 1980", f"22.0{SPACE}%",
        "Poor families, 1990", f"7.5{SPACE}%",
        f"Second minus first: {MINUS}14.5{SPACE}percentage points",
    ]  # fmt: skip
    page.mouse.click(at["x"], at["y"])
    assert page.evaluate("geopoverty.store.state.county") == 2
    said = page.inner_text(".gp-two-said")
    assert f"Poor families, 1980: 22.0{SPACE}%" in said
    assert f"{MINUS}14.5" in said
    page.mouse.move(5, 5)
    page.wait_for_timeout(50)
    assert not tips.nth(1).is_visible()
    assert page.evaluate(OUTLINES) == [1, 1]
    # A difference needs two numbers of one indicator.
    page.evaluate("geopoverty.store.set({ county: 11 })")  # no data in 1990
    assert "no data" in page.inner_text(".gp-two-said")
    assert "Second minus first" not in page.inner_text(".gp-two-said")
    page.evaluate("geopoverty.store.set({ county: 2 })")
    page.select_option("#gp-two-second", label="Change")
    assert "Second minus first" not in page.inner_text(".gp-two-said")
    two.assert_calm()


def test_the_maps_move_together(two):
    home = two.page.evaluate(WHERE)
    assert home[0] == home[1]
    for at in (0, 1):
        move_and_compare(two.page, at, home)
    two.assert_calm()


def move_and_compare(page, at, home):
    frame = page.locator(".gp-two-frame").nth(at).bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 20, steps=4)
    first, second = page.evaluate(WHERE)
    assert np.abs(np.subtract(first, second)).max() <= 1
    assert first[0] > home[0][0] + 10
    page.mouse.up()
    page.mouse.wheel(0, -240)
    page.wait_for_timeout(400)
    first, second = page.evaluate(WHERE)
    assert first[2] == second[2] > home[0][2]
    assert np.abs(np.subtract(first, second)).max() <= 1
    page.click(".gp-page-two .gp-home")
    assert page.evaluate(WHERE) == home


def test_two_maps_by_keyboard(two):
    page = two.page
    for query, county in (("木里", 4), ("dona", 6)):
        page.fill("#gp-two-find", query)
        page.keyboard.press("Enter")
        assert page.evaluate("geopoverty.store.state.county") == county
    page.wait_for_timeout(600)
    first, second = page.evaluate(WHERE)
    assert np.abs(np.subtract(first, second)).max() <= 1
    page.locator(".gp-two-map").last.focus()
    page.keyboard.press("+")
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    assert page.locator(".gp-two-frame .gp-cross").last.is_visible()
    assert "Doña Ana" in page.inner_text(".gp-two-said")
    assert page.evaluate("new Set(geopoverty.twomaps.sides.map((s) => "
                         "s.drawn.map.getZoom())).size") == 1  # fmt: skip
    page.click(".gp-page-two summary")
    page.wait_for_selector(".gp-page-two tr")
    rows = page.locator(".gp-page-two tr").all_inner_texts()
    assert rows[1].startswith("First map: Poor families, 1980")
    page.evaluate(AXE)
    assert page.evaluate(SERIOUS) == []


def test_two_maps_stand_one_above_the_other_on_a_phone(visit, sample):
    seen = visit(sample, **PHONE)
    page = seen.page
    page.tap("#gp-tab-two")  # a mouse would stay where it was
    settle(page)
    first, second = (
        page.locator(".gp-two-frame").nth(k).bounding_box() for k in (0, 1)
    )
    assert first["y"] + first["height"] < second["y"]
    assert first["width"] > 300
    assert first["height"] < 844 * 0.45
    assert fits(page)
    at = page.evaluate(LARGE, [0, 3])
    page.touchscreen.tap(at["x"], at["y"])
    page.wait_for_selector(".gp-two-frame .gp-tip:visible")
    tip = page.locator(".gp-two-frame .gp-tip").first.bounding_box()
    assert first["x"] <= tip["x"]
    assert tip["x"] + tip["width"] <= first["x"] + first["width"] + 1
    seen.assert_calm()


def test_one_map_alone_has_neither_tab_nor_small_maps(visit, tmp_path):
    table = grid()[["name"]].assign(v=1.0 * np.arange(12))
    page = visit(
        Atlas(grid()).add(table, "v", label="v").save(tmp_path / "a.html")
    ).page
    assert page.locator("#gp-tab-two").count() == 0
    assert not page.locator("#gp-board-years").is_visible()
    assert page.locator("#gp-board-indicators").count() == 0
    assert page.locator(".gp-board-toggles").bounding_box() is None


def test_small_maps_and_two_maps_fit_on_a_sheet_each(visit, tmp_path):
    seen = visit(many_years().save(tmp_path / "years.html"))
    page = seen.page
    page.click("#gp-board-years")
    settle(page)
    assert sheets(page) == 1
    page.click("#gp-tab-two")
    settle(page)
    assert sheets(page) == 1
    page.emulate_media(media="print")
    titles = page.locator(".gp-two-title")
    assert titles.all_inner_texts() == ["Poor families, 1960", "Poor families, 2015"]
    assert not page.locator("#gp-two-first").is_visible()
    frames = [page.locator(".gp-two-frame").nth(k).bounding_box() for k in (0, 1)]
    assert frames[0]["x"] + frames[0]["width"] <= frames[1]["x"]
    assert sum(frame["width"] for frame in frames) <= 1000  # a sheet across


def sheets(page):
    return page.pdf(format="A4").count(b"/Type /Page\n")


# Names of any kind


def test_no_name_is_run_or_breaks_the_page(visit, tmp_path):
    atlas = nasty_atlas()
    long = atlas.boundaries.copy()
    long["name"] = ["Verwaltungsgemeinschaft" * 6, *long["name"][1:]]
    told = Atlas(
        long, group="state", indicators=atlas.indicators, credits=atlas.credits
    )
    seen = visit(told.save(tmp_path / "nasty.html"), **PHONE)
    page = seen.page
    page.evaluate("geopoverty.store.set({ county: 0 })")
    for mode in ("years", "indicators"):
        page.click(f"#gp-board-{mode}")
        page.wait_for_timeout(100)
        page.locator(".gp-board details").evaluate("(e) => { e.open = true; }")
        page.wait_for_selector(".gp-board tr")
        assert fits(page), mode
    page.click("#gp-tab-two")
    for county in (0, 4, 9, 10):
        at = page.evaluate(LARGE, [0, county])
        page.mouse.click(at["x"], at["y"])
        name = page.evaluate("(c) => geopoverty.data.places.names[c]", county)
        assert name[:6] in page.inner_text(".gp-two-said")
        assert fits(page)
    seen.assert_calm()


# States that lie apart


def test_insets_are_drawn_framed_and_found(visit, tmp_path):
    places = [box(-123, 37, -121, 39), box(-75, 40, -73, 42), box(-98, 26, -96, 28),
              box(-160, 58, -142, 70), box(-156, 19, -155, 20)]  # fmt: skip
    ids = [f"{k:02d}" for k in range(5)]
    names = ["West", "East", "South", "Alaska", "Hawaii"]
    counties = gpd.GeoDataFrame(
        {"name": names}, index=pd.Index(ids, name="unit_id"), geometry=places, crs=4326
    )
    table = pd.DataFrame(
        {"unit_id": ids * 2, "v": np.arange(10.0), "year": [1] * 5 + [2] * 5}
    )
    atlas = Atlas(counties).add(table, "v", label="v", period="year")
    seen = visit(atlas.save(tmp_path / "us.html"))
    page = seen.page
    assert "drawn apart: Alaska" in page.inner_text("#gp-foot")
    west, south, alaska = (
        page.evaluate("(c) => geopoverty.countymap.pointOf(c)", c) for c in (0, 2, 3)
    )
    assert alaska["y"] > west["y"]
    assert alaska["x"] < south["x"]
    lowest = page.evaluate(
        "Math.max(...geopoverty.shapes.all().frames.flat().map((at) =>"
        " geopoverty.countymap.map.latLngToContainerPoint(at).y))"
    )
    stage = page.locator("#gp-stage").bounding_box()
    assert alaska["y"] < lowest < stage["height"]
    page.fill("#gp-find", "alaska")
    page.keyboard.press("Enter")
    page.wait_for_selector("#gp-tip:visible")
    page.click("#gp-board-years")
    settle(page)
    assert expected(page, 0, 0, 4) in page.evaluate(SMALL, [0, 4])["colors"]
    seen.assert_calm()

"""The page in a real browser that cannot reach a network."""

import numpy as np
import pytest
from atlas_pages import COLORS, MINUS, SPACE, grid, point, settle, tip_of

from geopoverty.atlas import Atlas, MapStyle


def legend(page):
    """The legend's rows: label and count."""
    rows = page.locator(".gp-class").all()
    return {
        r.locator(".gp-range").inner_text(): r.locator(".gp-count").inner_text()
        for r in rows
    }


# The map


def test_it_opens_without_a_network_and_paints_the_classes(visit, sample):
    seen = visit(sample)
    assert seen.page.title() == "Sample atlas"
    assert seen.page.locator("html").get_attribute("lang") == "en"
    colors = seen.page.evaluate("geopoverty.data.indicators[0].colors")
    codes = seen.page.evaluate("geopoverty.data.indicators[0].codes[1]")
    for county, code in enumerate(codes):
        found = seen.page.evaluate(COLORS, county)
        expected = "#eceff1" if code == "." else colors[int(code)]
        assert max(found, key=found.get) == expected
    seen.assert_calm()


def test_the_legend_counts_classes_and_missing_counties(visit, sample):
    page = visit(sample).page
    assert legend(page) == {
        "30 or more": "0",
        "20 to 30": "0",
        "10 to 20": "6",
        "under 10": "5",
        "No data": "1",
    }
    assert "Poor families 1990" in page.inner_text("#gp-legend h2")
    assert "per cent" in page.inner_text("#gp-legend")
    assert "Families below the line." in page.inner_text("#gp-legend")


def test_the_year_changes_values_but_not_the_classes(visit, sample):
    seen = visit(sample)
    page = seen.page
    before = list(legend(page))
    slider = page.locator("#gp-period")
    assert slider.get_attribute("aria-valuetext") == "1990"
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "1980"
    assert page.inner_text("#gp-period-name") == "1980"
    after = legend(page)
    assert list(after) == before
    assert (after["30 or more"], after["No data"]) == ("2", "0")
    settle(page)
    assert "#eceff1" not in page.evaluate(COLORS, 11)
    assert "1980: 12 counties with data, 0 without" in page.inner_text("#gp-status")
    seen.assert_calm()


def test_another_indicator_changes_legend_map_and_year(visit, sample):
    page = visit(sample).page
    page.select_option("#gp-indicator", label="Effect of a cluster")
    labels = list(legend(page))
    assert labels[-1] == "Not significant (p ≥ 0.05)"
    assert labels[-2] == "No data"
    assert any(label.startswith(MINUS) for label in labels)
    assert not page.locator("#gp-period-field").is_visible()
    page.select_option("#gp-indicator", label="Poor families")
    assert page.locator("#gp-period-field").is_visible()


def test_whole_numbers_have_legends_without_overlaps(visit, sample):
    page = visit(sample).page
    page.select_option("#gp-indicator", label="Change")
    assert legend(page) == {
        "7 to 10": "4",
        "3 to 6": "4",
        f"{MINUS}1 to 2": "4",
        "No data": "0",
    }


def test_patterns_mark_missing_and_insignificant_counties(visit, sample):
    page = visit(sample).page
    hatched = page.evaluate(COLORS, 11)
    assert max(hatched, key=hatched.get) == "#eceff1"
    assert len(hatched) > 1
    plain = page.evaluate(COLORS, 10)
    assert len(plain) == 1
    page.select_option("#gp-indicator", label="Effect of a cluster")
    settle(page)
    unsure = page.evaluate("geopoverty.data.indicators[1].unsure[0]")
    assert 0 < unsure.count("1") < 12
    for county, mark in enumerate(unsure):
        colors = page.evaluate(COLORS, county)
        assert (len(colors) > 1) == (mark == "1"), county
    assert page.inner_text(".gp-class-marked .gp-count") == str(unsure.count("1"))


def test_the_tooltip_says_value_interval_p_and_rank(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.select_option("#gp-indicator", label="Effect of a cluster")
    assert tip_of(page, 0) == [
        "County 01, East",
        "Effect of a cluster",
        f"{MINUS}0.0301{SPACE}points",
        f"interval {MINUS}0.0401 to {MINUS}0.0201",
        "p < 0.001",
        "12th highest of 12 counties",
    ]
    assert "p = 0.320, not significant" in tip_of(page, 5)
    page.mouse.move(5, 5)
    assert not page.locator("#gp-tip").is_visible()
    page.select_option("#gp-indicator", label="Poor families")
    assert tip_of(page, 11)[1:] == ["Poor families, 1990", "no data"]
    assert "highest of 11 counties" in tip_of(page, 10)
    seen.assert_calm()


def test_no_number_reads_minus_zero(visit, tmp_path):
    table = grid()[["name"]].assign(change=[-0.004, *np.linspace(-1, 1, 11)])
    style = MapStyle(digits=1)
    path = (
        Atlas(grid())
        .add(table, "change", label="x", style=style)
        .save(tmp_path / "a.html")
    )
    page = visit(path).page
    page.mouse.move(*point(page, 0))
    assert page.inner_text(".gp-tip-value") == "0.0"
    assert f"{MINUS}0.0" not in page.inner_text("body")


# Finding a county


@pytest.mark.parametrize(
    ("query", "county"),
    [("木里", 4), ("dona", 6), ("07", 6), ("county 10", 9), ("COUNTY 03, west", 2)],
)
def test_search_finds_names_and_ids(visit, sample, query, county):
    seen = visit(sample)
    page = seen.page
    before = page.evaluate("geopoverty.countymap.map.getZoom()")
    page.fill("#gp-find", query)
    page.keyboard.press("Enter")
    page.wait_for_selector("#gp-tip:visible")
    assert page.evaluate("geopoverty.store.state.county") == county
    assert page.evaluate("geopoverty.countymap.map.getZoom()") > before
    name = page.evaluate("(c) => geopoverty.data.places.names[c]", county)
    assert name in page.inner_text("#gp-tip")
    assert name in page.inner_text("#gp-card h2")
    stage = page.locator(".folium-map").bounding_box()
    x, y = point(page, county)
    assert abs(x - stage["x"] - stage["width"] / 2) < 60
    assert abs(y - stage["y"] - stage["height"] / 2) < 60
    seen.assert_calm()


def test_search_by_keyboard_follows_the_combofieldpattern(visit, sample):
    page = visit(sample).page
    field = page.locator("#gp-find")
    field.focus()
    page.keyboard.type("county 1")
    assert field.get_attribute("aria-expanded") == "true"
    options = page.locator("#gp-found [role=option]")
    assert options.all_inner_texts()[0].startswith("County 10")
    page.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == "gp-found-1"
    assert options.nth(1).get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert (
        field.get_attribute("aria-activedescendant")
        == f"gp-found-{options.count() - 1}"
    )
    page.keyboard.press("Escape")
    assert not page.locator("#gp-found").is_visible()
    assert page.evaluate("geopoverty.store.state.county") is None


def test_search_says_when_nothing_is_found(visit, sample):
    page = visit(sample).page
    page.fill("#gp-find", "nowhere")
    assert page.inner_text("#gp-found") == "No county of this name or id"
    page.keyboard.press("Enter")
    assert page.evaluate("geopoverty.store.state.county") is None


def test_a_click_chooses_a_county_and_its_card_has_every_year(visit, sample):
    page = visit(sample).page
    page.mouse.click(*point(page, 2))
    assert page.inner_text("#gp-card h2") == "County 03, West"
    assert page.inner_text("#gp-card .gp-value") == f"7.5{SPACE}%"
    cells = page.locator("#gp-card tr").all_inner_texts()
    assert [c.split() for c in cells] == [["1980", "22.0", "%"], ["1990", "7.5", "%"]]
    assert "County 03, West" in page.inner_text("#gp-status")
    page.click("#gp-card .gp-close")
    assert not page.locator("#gp-card").is_visible()


def test_the_map_works_by_keyboard(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.locator("#gp-find").focus()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('folium-map')"):
            break
    assert page.locator("#gp-cross").is_visible()
    middle = page.inner_text("#gp-tip strong")
    page.keyboard.press("Enter")
    assert page.inner_text("#gp-card h2") == middle
    for _ in range(3):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(300)
    moved = page.inner_text("#gp-tip strong")
    assert moved != middle
    assert moved in page.inner_text("#gp-status")
    page.keyboard.press("Tab")
    assert not page.locator("#gp-cross").is_visible()
    seen.assert_calm()


def test_everything_can_be_reached_by_tab_and_shows_its_focus(visit, sample):
    page = visit(sample).page
    wanted = {"gp-tab-map", "gp-indicator", "gp-period", "gp-find", "map_counties"}
    met = set()
    for _ in range(10):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => { const a = document.activeElement;"
            " return [a.id, getComputedStyle(a).outlineStyle]; }"
        )
        met.add(name)
        assert outline != "none", page.evaluate(
            "document.activeElement.outerHTML.slice(0, 90)"
        )
    assert wanted <= met


def test_the_whole_map_comes_back(visit, sample):
    page = visit(sample).page
    home = page.evaluate("geopoverty.countymap.map.getZoom()")
    page.click(".leaflet-control-zoom-in")
    page.wait_for_timeout(400)
    assert page.evaluate("geopoverty.countymap.map.getZoom()") > home
    page.click(".gp-home")
    assert page.evaluate("geopoverty.countymap.map.getZoom()") == home


# Results and footer


def test_the_results_page_has_texts_tables_and_notes(visit, sample):
    seen = visit(sample)
    page = seen.page
    page.click("#gp-tab-results")
    assert not page.locator("#gp-page-map").is_visible()
    results = page.locator("#gp-page-results")
    assert results.locator("h2").all_inner_texts() == [
        "What was found",
        "Two models",
        "A wide table",
    ]
    assert results.locator("article").first.locator("> p").all_inner_texts() == [
        "First.",
        "Second.",
    ]
    row = results.locator("tbody tr").nth(1).locator("td").all_inner_texts()
    assert row[:3] == ["W(density)", f"{MINUS}0.250", "0.100"]
    assert "Only 12 counties." in results.inner_text()
    page.keyboard.press("Home")
    assert page.locator("#gp-page-map").is_visible()
    assert page.evaluate("document.activeElement.id") == "gp-tab-map"
    seen.assert_calm()


def test_the_footer_says_where_everything_comes_from(visit, sample):
    page = visit(sample).page
    text = page.inner_text("#gp-foot")
    for said in (
        "Grid of squares", "simulated", "made for this test", "Licence: CC0",
        "The tests", "Travel times", "modelled", "logit: poor ~ W(density)",
        "Only 12 counties.", "Random seed of logit: 11", "Made with geopoverty",
        "Projection: Lambert", "Leaflet",
    ):  # fmt: skip
        assert said in text
    assert page.locator(".gp-badge-simulated").count() == 1

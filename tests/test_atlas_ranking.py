"""The ranking: sorted, filtered, linked with the map, and saved as a file."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from atlas_pages import COLORS, MINUS, PHONE, SPACE, contrasts, grid, point, settle
from test_atlas_safety import NASTY, nasty_atlas

from geopoverty.atlas import Atlas, MapStyle

LEFT_OUT = "#fbfcfc"
FORMULAS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "\u22121",
    'a "quoted", name', "two\nlines",
)  # fmt: skip


@pytest.fixture
def ranked(visit, sample):
    def opened(**screen):
        seen = visit(sample, **screen)
        seen.page.click("#gp-tab-ranking")
        return seen

    return opened


def column(page, name):
    return page.locator(f".gp-ranked tbody .gp-col-{name}").all_inner_texts()


def saved(page):
    """The file that the page saves: its name, its text and its rows."""
    with page.expect_download() as download:
        page.click("text=Save as CSV")
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        text = file.read()
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    return download.value.suggested_filename, text, rows


# Order and filters


def test_it_ranks_from_the_highest_and_sorts_by_any_column(ranked):
    seen = ranked()
    page = seen.page
    assert column(page, "rank") == [*map(str, range(1, 12)), "\u2013"]
    assert column(page, "value")[0] == f"15.5{SPACE}%"
    assert column(page, "value")[-1] == "no data"
    assert column(page, "county")[:2] == ["County 11", "County 10"]
    page.click(".gp-sort[data-key=value]")
    assert page.evaluate("document.activeElement.dataset.key") == "value"
    assert page.locator("th[aria-sort=ascending]").count() == 1
    assert column(page, "rank") == [*map(str, range(11, 0, -1)), "\u2013"]
    page.click(".gp-sort[data-key=group]")
    assert column(page, "group") == ["East"] * 6 + ["West"] * 6
    assert column(page, "county")[0] == "County 01"
    page.click(".gp-sort[data-key=name]")
    assert column(page, "county")[-2:] == ["Doña Ana", "木里藏族自治县"]
    page.select_option("#gp-rank-indicator", label="Effect of a cluster")
    page.click(".gp-sort[data-key=p]")
    assert column(page, "p")[0] == "p < 0.001"
    assert column(page, "interval")[0].startswith((MINUS, "0."))
    seen.assert_calm()


def test_filters_by_group_and_value_reach_the_map_while_it_is_open(ranked):
    seen = ranked()
    page = seen.page
    page.select_option("#gp-rank-group", label="West")
    page.fill("#gp-rank-from", "8.5")
    page.fill("#gp-rank-to", "15.5")
    settle(page)
    assert column(page, "county") == ["County 11", "County 08", "Doña Ana", "County 04"]
    assert page.inner_text("#gp-rank-count") == "1 to 4 of 4 that match, of 12 counties"
    settle(page)

    def colour(county):
        found = page.evaluate(COLORS, county)
        return max(found, key=found.get)

    assert colour(0) == LEFT_OUT
    assert colour(6) != LEFT_OUT
    page.click("#gp-tab-map")
    settle(page)
    assert colour(0) != LEFT_OUT
    page.click("#gp-tab-ranking")
    assert page.locator(".gp-ranked tbody tr").count() == 4
    page.fill("#gp-rank-from", "99")
    settle(page)
    assert "lies above" in page.inner_text("#gp-rank-count")
    page.click("text=Clear filters")
    assert page.input_value("#gp-rank-from") == ""
    assert page.locator(".gp-ranked tbody tr").count() == 12
    # Limits belong to an indicator; the group stays.
    page.select_option("#gp-rank-group", label="East")
    page.fill("#gp-rank-to", "9")
    page.select_option("#gp-rank-indicator", label="Change")
    assert page.input_value("#gp-rank-to") == ""
    assert page.locator(".gp-ranked tbody tr").count() == 6
    seen.assert_calm()


def test_a_period_and_an_indicator_are_those_of_the_map(ranked):
    page = ranked().page
    page.select_option("#gp-rank-period", label="1980")
    assert page.evaluate("geopoverty.store.state.period") == 0
    assert column(page, "value")[0] == f"31.0{SPACE}%"
    page.click("#gp-tab-map")
    assert page.inner_text("#gp-period-name") == "1980"
    page.select_option("#gp-indicator", label="Change")
    page.click("#gp-tab-ranking")
    chosen = page.locator("#gp-rank-indicator option:checked")
    assert chosen.inner_text() == "Change"
    assert not page.locator("#gp-rank-period").is_visible()
    assert column(page, "value")[0] == "10"


# Linked with the map


def test_a_row_chooses_a_county_on_the_map_and_the_map_a_row(ranked):
    seen = ranked()
    page = seen.page
    page.click(".gp-ranked tbody .gp-link >> nth=1")
    page.wait_for_selector("#gp-tip:visible")
    assert page.evaluate("geopoverty.store.state.county") == 9
    assert "County 10" in page.inner_text("#gp-tip")
    page.click(".gp-home")
    page.mouse.click(*point(page, 2))
    marked = page.locator(".gp-ranked tbody tr[aria-current]")
    assert marked.locator(".gp-link").all_inner_texts() == ["County 03"]
    assert "9th highest of 11" in page.inner_text(".gp-one")
    page.click("#gp-tab-map")
    assert page.inner_text("#gp-card h2") == "County 03, West"
    assert page.locator("#gp-page-map .folium-map").is_visible()
    seen.assert_calm()


def test_it_works_by_keyboard(ranked):
    page = ranked().page
    page.locator(".gp-ranked tbody .gp-link").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.evaluate("geopoverty.store.state.county") == 9
    page.focus("#gp-rank-find")
    page.keyboard.type("dona")
    page.keyboard.press("Enter")
    marked = page.locator(".gp-ranked tbody tr[aria-current] .gp-link")
    assert marked.inner_text() == "Doña Ana"
    page.locator(".gp-ranked .gp-toggle").first.focus()
    page.keyboard.press("Space")
    assert page.evaluate("geopoverty.store.state.compare") == [10]
    focused = (
        "[...document.activeElement.classList].join() + "
        "document.activeElement.getAttribute('aria-pressed')"
    )
    assert page.evaluate(focused) == "gp-toggletrue"


def test_long_rankings_turn_pages_and_go_to_a_county(visit, tmp_path):
    counties = grid(12, 10)
    table = counties[["name"]].assign(x=np.arange(120.0))
    atlas = Atlas(counties).add(table, "x", label="x", style=MapStyle(digits=0))
    page = visit(atlas.save(tmp_path / "long.html")).page
    page.click("#gp-tab-ranking")
    assert page.inner_text("#gp-rank-count") == "1 to 50 of 120 counties"
    page.click("text=Next")
    assert column(page, "rank")[0] == "51"
    page.evaluate("geopoverty.store.set({ county: 3 })")
    assert page.inner_text("#gp-rank-count") == "101 to 120 of 120 counties"
    assert page.locator("text=Next").is_disabled()
    assert page.locator("tr[aria-current]").count() == 1
    assert len(saved(page)[2]) == 121


# The file


def test_the_file_holds_what_is_shown(ranked):
    page = ranked().page
    page.select_option("#gp-rank-indicator", label="Effect of a cluster")
    page.select_option("#gp-rank-group", label="East")
    page.click(".gp-sort[data-key=value]")
    name, text, rows = saved(page)
    assert name == "ranking-Effect-of-a-cluster.csv"
    assert text.startswith("\ufeffrank,id,county,State,indicator")
    assert rows[0][-4:] == ["value", "low", "high", "p"]
    assert len(rows) == 7
    assert rows[1][:4] == ["12", "01", "County 01", "East"]
    assert [float(v) for v in rows[1][-4:]] == pytest.approx(
        [-0.0301, -0.0401, -0.0201, 0.0004]
    )


def test_no_cell_of_the_file_is_a_formula(visit, tmp_path):
    counties = grid()
    counties["name"] = FORMULAS
    counties["state"] = FORMULAS[::-1]
    counties.index = pd.Index(
        [f"{text}{k}" for k, text in enumerate(FORMULAS)], name="unit_id"
    )
    table = counties[["name"]].assign(x=np.arange(12.0) - 5)
    atlas = Atlas(counties, group="state").add(table, "x", label="=x", unit="@")
    seen = visit(atlas.save(tmp_path / "formulas.html"))
    seen.page.click("#gp-tab-ranking")
    name, _, rows = saved(seen.page)
    assert name == "ranking-x.csv"
    assert [float(row[-1]) for row in rows[1:]] == list(range(6, -6, -1))
    texts = {text for row in rows for text in row[1:-1]}
    assert len(texts) > 30
    for text in texts:
        assert text.strip()[:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20"), text
        assert text[:1] not in set("\t\r\n"), text
    names = {row[2].removeprefix("'") for row in rows[1:]}
    assert names == set(FORMULAS)
    page = seen.page
    page.evaluate("[0, 1].forEach((c) => geopoverty.chosen.add(c))")
    page.click("#gp-tab-compare")
    with page.expect_download() as download:
        page.click("text=Save this table (CSV)")
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        compared = list(csv.reader(file))
    assert compared[1][1] == "'=1+1"
    assert compared[2][-1] == "1"
    seen.assert_calm()


# Safety and screens


def test_no_text_is_run_in_the_ranking_or_the_comparison(visit, tmp_path):
    atlas = nasty_atlas()
    traits = pd.DataFrame(
        {"unit_id": atlas.units, **{t: np.arange(12.0) ** (k + 1)
         for k, t in enumerate(NASTY)}}
    )  # fmt: skip
    shares = pd.DataFrame({"group": NASTY, "time": 1.0, "estimate": 0.5})
    atlas = atlas.peers(
        traits, list(NASTY), better=dict.fromkeys(NASTY, "higher"), k=11
    ).add_curves(
        shares,
        title=NASTY[4],
        unit=NASTY[5],
        description=NASTY[6],
        group_of=dict(zip(atlas.units, NASTY, strict=True)),
    )
    seen = visit(atlas.save(tmp_path / "nasty.html"), **PHONE)
    page = seen.page
    page.evaluate("[0, 4, 5, 7].forEach((c) => geopoverty.chosen.add(c))")
    content = "(s) => [...document.querySelectorAll(s)].map((e) => e.textContent)"
    for tab in ("compare", "ranking"):
        page.click(f"#gp-tab-{tab}")
        texts = page.evaluate(content, f"#gp-page-{tab} *")
        for text in (NASTY[0], NASTY[4], NASTY[5], NASTY[7]):
            assert any(text in found for found in texts)
        assert page.evaluate(
            "document.documentElement.scrollWidth <= window.innerWidth"
        )
        assert page.locator("body img, body script:not([id]) ~ img").count() == 0
    assert set(NASTY) <= set(page.evaluate(content, ".gp-ranked tbody .gp-link"))
    assert page.evaluate("document.scripts.length") == 4
    seen.assert_calm()


@pytest.mark.parametrize("screen", [PHONE, {"width": 1280, "height": 800}])
def test_it_fits_the_screen_and_can_be_read(ranked, screen):
    seen = ranked(**screen)
    page = seen.page
    page.locator(".gp-ranked tbody .gp-link").nth(2).click()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    beside = page.locator("#gp-stage").is_visible()
    assert beside == (screen["width"] > 1000)
    assert page.locator(".gp-to-map").is_visible() == (not beside)
    assert [name for name, contrast in contrasts(page) if contrast < 4.5] == []
    if not beside:
        page.click(".gp-to-map")
        assert page.locator("#gp-stage").is_visible()
    seen.assert_calm()

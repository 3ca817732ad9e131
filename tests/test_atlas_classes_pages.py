"""Named classes and two numbers crossed, on every page that reads indicators."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from atlas_pages import COLORS, PHONE, SPACE, contrasts, grid, settle, tip_of
from test_atlas_safety import NASTY

from geopoverty.atlas import Atlas, MapStyle
from geopoverty.classes.categories import SEVEN
from geopoverty.classes.crossed import COLORS as SQUARE

LAND = ["farms", "steppe", "forest", "farms"] * 3
TRAITS = pd.DataFrame({"unit_id": grid().index, "rain": np.arange(12.0)})


def classes_atlas():
    counties = grid()
    ids = counties.index
    land = pd.concat(
        pd.DataFrame({"unit_id": ids, "year": year, "land": values})
        for year, values in ((1990, LAND), (2000, ["rock", *LAND[1:11], None]))
    )
    pairs = pd.DataFrame(
        {"unit_id": ids, "poor": np.arange(12.0) + 0.5, "jobs": np.arange(12)[::-1]}
    )
    pairs.loc[11, "poor"] = np.nan
    same = pd.DataFrame({"unit_id": ids, "rate": 3.0, "nearly": [3.0] * 11 + [np.nan]})
    return (
        Atlas(counties, title="Classes", group="state")
        .add_classes(land, "land", label="Land use", period="year",
                     description="What covers most of a county.")
        .add_bivariate(pairs, ("poor", "jobs"), labels=("Poor families", "Jobs"),
                       units=("%", "thousand"))
        .add(same, "rate", label="Same everywhere", unit="%")
        .add(same, "nearly", label="Own breaks", style=MapStyle(breaks=(1, 2)))
        .peers(TRAITS, ["rain"], better={"Same everywhere": "lower"})
    )  # fmt: skip


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    return classes_atlas().save(tmp_path_factory.mktemp("classes") / "atlas.html")


@pytest.fixture
def opened(visit, atlas):
    def open_page(tab=None, **screen):
        seen = visit(atlas, **screen)
        if tab:
            seen.page.click(f"#gp-tab-{tab}")
        return seen

    return open_page


def legend(page):
    """The rows of the legend: label and count."""
    rows = page.locator("#gp-legend .gp-class").all()
    return {
        r.locator(".gp-range").inner_text(): r.locator(".gp-count").inner_text()
        for r in rows
    }


def saved(page, button):
    with page.expect_download() as download:
        page.click(f"text={button}")
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(io.StringIO(file.read(), newline="")))


def column(page, name):
    return page.locator(f".gp-ranked tbody .gp-col-{name}").all_inner_texts()


def test_a_legend_of_classes_names_and_counts_them(opened):
    seen = opened()
    page = seen.page
    assert legend(page) == {
        "farms": "4", "forest": "3", "rock": "1", "steppe": "3", "No data": "1",
    }  # fmt: skip
    text = page.inner_text("#gp-legend")
    assert "Land use 2000" in text
    assert "What covers most of a county." in text
    assert "On the right: number of counties." in text
    entries = page.evaluate("geopoverty.legend.entries(geopoverty.store.view())")
    assert [e["color"] for e in entries[:4]] == list(SEVEN[:4])
    assert entries[-1] == {
        "label": "No data", "color": "#eceff1", "pattern": "hatch", "count": 1,
    }  # fmt: skip
    assert page.evaluate("geopoverty.legend.grid(geopoverty.store.view())") is None
    settle(page)
    assert page.evaluate(COLORS, 2)[SEVEN[1]] > 100  # county 03 is forest
    seen.assert_calm()


def test_a_class_is_said_by_its_name(opened):
    seen = opened()
    page = seen.page
    assert tip_of(page, 1) == ["County 02, East", "Land use, 2000", "steppe"]
    assert tip_of(page, 11)[-1] == "no data"
    page.evaluate("geopoverty.store.set({ county: 0 })")
    card = page.inner_text("#gp-card")
    assert "rock" in card
    assert "highest" not in card
    assert page.locator("#gp-card tr").all_inner_texts() == [
        "1990\tfarms", "2000\trock",
    ]  # fmt: skip
    assert page.inner_text("#gp-status") == "County 01, East: Land use, 2000 rock"


def test_two_numbers_have_a_square_for_a_legend(opened):
    seen = opened()
    page = seen.page
    page.select_option("#gp-indicator", label="Poor families and Jobs")
    square = page.locator(".gp-square")
    assert square.locator("tbody td").all_inner_texts() == [
        "4", "0", "0", "0", "3", "1", "0", "0", "3",
    ]  # fmt: skip
    text = square.inner_text()
    assert "Poor families, %" in text
    assert "Jobs, thousand" in text
    assert square.locator("tbody th").all_inner_texts()[0].split("\n")[0] == "high"
    assert square.locator("caption").inner_text().startswith("Number of counties by")
    title = square.locator("tbody td").first.get_attribute("title")
    assert title == "Poor families: low; Jobs: high (4 counties)"
    assert legend(page) == {"No data": "1"}
    grid_of = page.evaluate("geopoverty.legend.grid(geopoverty.store.view())")
    assert [e["color"] for e in grid_of["rows"][0]] == list(SQUARE[2])
    assert grid_of["x"]["levels"] == ["low", "middle", "high"]
    assert grid_of["y"]["unit"] == "thousand"
    settle(page)
    assert page.evaluate(COLORS, 0)[SQUARE[2][0]] > 100
    assert tip_of(page, 0) == [
        "County 01, East", "Poor families and Jobs", "Poor families: low; Jobs: high",
        f"Poor families 0.5{SPACE}%", f"Jobs 11{SPACE}thousand",
    ]  # fmt: skip
    assert tip_of(page, 11)[2:] == [
        "no data", "Poor families no data", f"Jobs 0{SPACE}thousand",
    ]  # fmt: skip
    assert min(ratio for _, ratio in contrasts(page)) >= 4.5
    seen.assert_calm()


def test_numbers_that_do_not_differ_are_said_to_be_the_same(opened):
    page = opened().page
    page.select_option("#gp-indicator", label="Same everywhere")
    assert legend(page) == {"3": "12", "No data": "0"}
    assert "Every county with data has the same value." in page.inner_text("#gp-legend")
    assert tip_of(page, 3)[-1] == "the same in every county with data"
    page.select_option("#gp-indicator", label="Own breaks")
    assert "Every county with data has the same value." in page.inner_text("#gp-legend")
    assert legend(page)["No data"] == "1"


def test_the_comparison_names_classes_and_draws_only_numbers(opened):
    seen = opened("compare")
    page = seen.page
    page.evaluate("[0, 1, 4].forEach((c) => geopoverty.chosen.add(c))")
    rows = page.locator(".gp-compared").first.locator("tbody tr")
    cells = rows.nth(0).locator("td").all_inner_texts()
    assert cells == ["rock", "steppe\nanother class", "farms\nanother class"]
    both = rows.nth(1).locator("td").nth(1).inner_text().split("\n")
    assert both == [
        "Poor families: low; Jobs: high", f"Poor families 1.5{SPACE}%",
        f"Jobs 10{SPACE}thousand", "the same",
    ]  # fmt: skip
    figures = page.locator(".gp-figures figcaption strong").all_inner_texts()
    assert figures == ["Same everywhere", "Own breaks"]
    found = saved(page, "Save this table (CSV)")
    head = found[0]
    lines = [dict(zip(head, line, strict=True)) for line in found[1:]]
    first = [line for line in lines if line["id"] == "01"]
    assert [(e["indicator"], e["value"], e["rank"]) for e in first] == [
        ("Land use", "rock", ""),
        ("Poor families and Jobs", "Poor families: low; Jobs: high", ""),
        ("Poor families", "0.5", "11"),
        ("Jobs", "11", "1"),
        ("Same everywhere", "3", "1"),
        ("Own breaks", "3", "1"),
    ]
    seen.assert_calm()


def test_the_ranking_lists_and_filters_by_class(opened):
    seen = opened("ranking")
    page = seen.page
    assert column(page, "class")[:4] == ["farms"] * 4
    assert column(page, "class")[-1] == "no data"
    assert column(page, "rank") == []
    assert page.locator("#gp-rank-from").is_hidden()
    page.select_option("#gp-rank-class", label="steppe")
    settle(page)
    assert column(page, "county") == ["County 02", "County 06", "County 10"]
    assert page.inner_text("#gp-rank-count").endswith("that match, of 12 counties")
    assert page.inner_text(".gp-ranked caption") == "Land use, 2000, steppe"
    settle(page)
    assert "#fbfcfc" in page.evaluate(COLORS, 0)
    found = saved(page, "Save as CSV")
    assert found[0] == ["id", "county", "State", "indicator", "period", "class"]
    assert found[1] == ["02", "County 02", "East", "Land use", "2000", "steppe"]
    page.click("text=Clear filters")
    page.click(".gp-sort[data-key=value]")
    assert column(page, "class")[0] == "steppe"
    seen.assert_calm()


def test_two_numbers_are_ranked_by_either(opened):
    seen = opened("ranking")
    page = seen.page
    page.select_option("#gp-rank-indicator", label="Poor families and Jobs")
    assert column(page, "class")[0] == "high, low"
    page.click(".gp-sort[data-key=x]")
    assert column(page, "county")[0] == "County 11"
    page.click(".gp-sort[data-key=y]")
    assert column(page, "county")[0] == "County 01"
    assert column(page, "number")[:2] == [f"0.5{SPACE}%", "11"]
    options = page.locator("#gp-rank-class option").all_inner_texts()
    assert len(options) == 10
    page.select_option("#gp-rank-class", label="Poor families: high; Jobs: low")
    settle(page)
    assert len(column(page, "county")) == 3
    found = saved(page, "Save as CSV")
    assert found[0][-3:] == ["class", "Poor families", "Jobs"]
    assert found[1][-3:] == ["Poor families: high; Jobs: low", "8.5", "3"]
    page.select_option("#gp-rank-indicator", label="Same everywhere")
    assert page.locator("#gp-rank-class").is_hidden()
    assert page.locator("#gp-rank-from").is_visible()
    assert len(column(page, "rank")) == 12
    seen.assert_calm()


def test_a_phone_shows_square_and_names_within_its_width(opened):
    seen = opened(**PHONE)
    page = seen.page
    page.select_option("#gp-indicator", label="Poor families and Jobs")
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(wide)
    box = page.locator(".gp-square").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.click("#gp-tab-ranking")
    assert page.evaluate(wide)


def test_names_of_classes_are_never_run(visit, tmp_path):
    names = [t for t in NASTY if t.strip()][:9]
    ids = grid().index
    values = [names[k % len(names)] for k in range(12)]
    frame = pd.DataFrame({"unit_id": ids, "c": values, "x": np.arange(12.0)})
    frame["y"] = frame["x"] ** 2
    atlas = Atlas(grid()).add_classes(frame, "c", label=NASTY[0], description=NASTY[1])
    atlas = atlas.add_bivariate(
        frame, ("x", "y"), labels=(NASTY[2], NASTY[3]), units=(NASTY[4], NASTY[5])
    )
    seen = visit(atlas.save(tmp_path / "nasty.html"))
    page = seen.page
    found = page.evaluate(
        "[...document.querySelectorAll('.gp-range')].map((e) => e.textContent)"
    )
    assert found == [*sorted(names), "No data"]
    page.select_option("#gp-indicator", index=1)
    square = page.evaluate("document.querySelector('.gp-square').textContent")
    assert f"{NASTY[2]}, {NASTY[4]}" in square
    tip_of(page, 3)
    for tab in ("compare", "ranking"):
        page.evaluate("geopoverty.chosen.add(3)")
        page.click(f"#gp-tab-{tab}")
    assert page.evaluate("document.scripts.length") == 4
    seen.assert_calm()

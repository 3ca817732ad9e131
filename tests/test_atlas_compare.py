"""Counties side by side: the page, its peers and its curves."""

import re

import numpy as np
import pandas as pd
import pytest
from atlas_pages import MINUS, PHONE, SPACE, contrasts, grid, point, sample_atlas, shown
from scipy.spatial.distance import cdist

from geopoverty.atlas import Atlas, MapStyle, choropleth
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.estimators.curves import survival_curves

TRAITS = pd.DataFrame(
    {
        "unit_id": grid().index,
        "road": [0.0, 3, 1, 2, 8, 5, 9, 4, 1, 0, 2, 6],
        "rain": [500.0, 520, 490, 800, 300, 510, 500, 505, 498, 900, 600, np.nan],
    }
)
BETTER = {"Poor families": "lower", "Effect of a cluster": "higher"}
CURVES = pd.DataFrame(
    {
        "group": ["East", "East", "West", "West"],
        "time": [10, 20, 10, 20],
        "estimate": [0.8, 0.5, 0.6, 0.25],
        "conf_low": [0.7, 0.4, 0.5, 0.125],
        "conf_high": [0.9, 0.6, 0.7, 0.375],
    }
)


def full_atlas():
    own = pd.DataFrame({"unit_id": ["01", "03"], "time": 5.0, "survival": [0.9, 0.4]})
    return (
        sample_atlas()
        .peers(TRAITS, {"road": "Roads", "rain": "Rain"}, better=BETTER, k=4)
        .add_curves(CURVES, title="By side", unit="years", group_of=grid()["state"])
        .add_curves(own, title="By county")
    )


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return full_atlas().save(tmp_path_factory.mktemp("compare") / "atlas.html")


@pytest.fixture
def compared(visit, full):
    """The page with some counties compared."""

    def opened(*counties, **screen):
        seen = visit(full, **screen)
        for county in counties:
            assert seen.page.evaluate("(c) => geopoverty.chosen.add(c)", county) == ""
        seen.page.click("#gp-tab-compare")
        return seen

    return opened


def cell(page, row, column):
    """The lines of a cell of the table of values."""
    found = page.locator(".gp-compared").first.locator("tbody tr").nth(row)
    return found.locator("td").nth(column).locator("> *").all_inner_texts()


# Choosing counties


def test_counties_are_chosen_by_click_search_and_keyboard(visit, full):
    seen = visit(full)
    page = seen.page
    page.mouse.click(*point(page, 2))
    page.click("#gp-card .gp-toggle")
    assert page.evaluate("document.activeElement.className") == "gp-toggle"
    assert page.get_attribute("#gp-card .gp-toggle", "aria-pressed") == "true"
    page.click("text=See the comparison (1)")
    assert page.evaluate("document.activeElement.id") == "gp-tab-compare"
    page.focus("#gp-compare-find")
    page.keyboard.type("dona")
    page.keyboard.press("Enter")
    page.keyboard.type("county 0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.evaluate("geopoverty.store.state.compare") == [2, 6, 1]
    chips = page.locator(".gp-chips li").all_inner_texts()
    assert [c.splitlines()[0] for c in chips] == [
        "County 03, West", "Doña Ana, West", "County 02, East",
    ]  # fmt: skip
    seen.assert_calm()


def test_a_fifth_county_is_refused_kindly(compared):
    page = compared(0, 1, 2, 3).page
    page.fill("#gp-compare-find", "06")
    page.keyboard.press("Enter")
    assert page.inner_text(".gp-message") == (
        "Four counties are the most that fit side by side. Take one out first."
    )
    assert page.evaluate("geopoverty.store.state.compare.length") == 4
    page.fill("#gp-compare-find", "01")
    page.keyboard.press("Enter")
    assert "already compared" in page.inner_text(".gp-message")


def test_a_county_keeps_its_mark_when_another_is_taken_out(compared):
    page = compared(0, 1, 2).page
    page.click("[aria-label='Take out County 01, East']")
    assert not page.locator(".gp-message").is_visible()
    assert page.evaluate("document.activeElement.id") == "gp-compare-find"
    marks = "[1, 2, 7].map((c) => geopoverty.chosen.markOf(c) ?? null)"
    assert page.evaluate(marks) == [1, 2, None]
    page.evaluate("geopoverty.chosen.add(7)")
    assert page.evaluate(marks) == [1, 2, 0]
    for county in (1, 2, 7):
        page.evaluate("(c) => geopoverty.chosen.remove(c)", county)
    assert page.locator("#gp-page-compare svg").count() == 0


def test_a_single_map_has_no_pages_and_an_atlas_may_choose(counties, rates):
    joined = counties.assign(poor=rates["poor"].to_numpy())
    assert choropleth(joined, "poor").data["pages"] == []
    some = Atlas(counties, pages=("ranking",)).add(rates, "poor", label="x")
    assert shown(some)["pages"] == ["ranking"]
    with pytest.raises(InputError, match="Did you mean 'compare'"):
        Atlas(counties, pages=("compar",))


# Values, differences and charts


def test_the_table_says_value_interval_rank_and_difference(compared):
    seen = compared(0, 6, 11)
    page = seen.page
    assert cell(page, 0, 0) == [f"5.5{SPACE}%", "11th highest of 11 counties"]
    assert cell(page, 0, 1) == [
        f"11.5{SPACE}%", "5th highest of 11 counties", "6.0 points higher",
    ]  # fmt: skip
    assert cell(page, 0, 2) == ["no data"]
    assert cell(page, 1, 2)[:2] == ["0.0250", "interval 0.0150 to 0.0350"]
    assert cell(page, 1, 2)[-1] == "0.0551 points higher"
    page.select_option("#gp-compare-base", label="Doña Ana, West")
    assert cell(page, 0, 0)[-1] == "6.0 points lower"
    page.select_option("#gp-compare-period", "1980")
    assert cell(page, 0, 2) == [
        f"31.0{SPACE}%", "highest of 12 counties", "5.0 points higher",
    ]  # fmt: skip
    heads = page.locator(".gp-compared").first.locator("tbody th").all_inner_texts()
    assert heads[0] == "Poor families, 1980"
    seen.assert_calm()


def test_differences_that_chance_may_have_made_are_said_so(compared):
    page = compared(5, 6, 8).page
    unclear = "the intervals overlap: this may be chance"
    assert cell(page, 1, 1)[-1] == unclear
    assert cell(page, 1, 2)[-1] == unclear
    page.evaluate("geopoverty.chosen.add(11)")
    assert unclear not in cell(page, 1, 3)


def test_dots_lie_where_their_values_are(compared):
    page = compared(0, 10).page
    figure = page.locator(".gp-figures").first.locator("figure").first
    low, high = (figure.locator(".gp-mark").nth(k).bounding_box() for k in (0, 1))
    axis = figure.locator(".gp-axis").bounding_box()
    middle = figure.locator(".gp-middle").bounding_box()
    for dot, end in ((low, axis["x"]), (high, axis["x"] + axis["width"])):
        assert dot["x"] + dot["width"] / 2 == pytest.approx(end, abs=1.5)
    center = axis["x"] + axis["width"] / 2
    assert middle["x"] + middle["width"] / 2 == pytest.approx(center, abs=1.5)
    label = figure.locator("svg").get_attribute("aria-label")
    assert label == (
        f"Poor families, 1990: County 01, East 5.5{SPACE}%; "
        f"County 11, West 15.5{SPACE}%"
    )
    second = page.locator(".gp-figures").first.locator("figure").nth(1)
    assert second.locator(".gp-whisker").count() == 2


def test_lines_and_curves_are_mirrored_by_tables(compared):
    page = compared(0, 2, 11).page
    tables = page.locator(".gp-figures details")
    assert tables.count() == 3
    for k in range(3):
        tables.nth(k).locator("summary").click()
    years = tables.nth(0).locator("tbody tr").all_inner_texts()
    assert [re.split(r"\t", row) for row in years] == [
        ["1980", f"20.0{SPACE}%", f"22.0{SPACE}%", f"31.0{SPACE}%", f"25.5{SPACE}%"],
        ["1990", f"5.5{SPACE}%", f"7.5{SPACE}%", "no data", f"10.5{SPACE}%"],
    ]
    sides = tables.nth(1).locator("tbody tr").all_inner_texts()
    assert sides[2].split("\t") == [
        "20", "50 % (40 % to 60 %)", "25 % (13 % to 38 %)", "25 % (13 % to 38 %)",
    ]  # fmt: skip
    assert tables.nth(2).locator("tbody tr").all_inner_texts()[1] == "5\t90 %\t40 %"
    assert "County 12, West: no curve" in page.inner_text("#gp-page-compare")


def test_columns_that_hold_nothing_or_one_value_do_not_break_it(visit, tmp_path):
    counties = grid()
    table = pd.DataFrame({"unit_id": counties.index, "same": 7.0, "period": "a"})
    once = table.assign(period="b", same=np.nan)
    atlas = Atlas(counties).add(
        pd.concat([table, once]), "same", label="Same", period="period"
    )
    seen = visit(atlas.save(tmp_path / "same.html"))
    page = seen.page
    page.evaluate("[0, 1].forEach((c) => geopoverty.chosen.add(c))")
    page.click("#gp-tab-compare")
    assert cell(page, 0, 1) == ["no data"]
    page.select_option("#gp-compare-period", "a")
    assert cell(page, 0, 1)[-1] == "the same"
    assert "NaN" not in page.inner_html("#gp-page-compare")
    page.click("#gp-tab-ranking")
    assert page.locator(".gp-ranked tbody tr").count() == 12
    seen.assert_calm()


def test_no_difference_reads_minus_zero(visit, tmp_path):
    table = grid()[["name"]].assign(x=[-0.004, 0.0, *np.linspace(-1, 1, 10)])
    atlas = Atlas(grid()).add(table, "x", label="x", style=MapStyle(digits=1))
    page = visit(atlas.save(tmp_path / "zero.html")).page
    page.evaluate("[0, 1, 11].forEach((c) => geopoverty.chosen.add(c))")
    page.click("#gp-tab-compare")
    assert cell(page, 0, 1)[-1] == "the same"
    assert f"{MINUS}0.0" not in page.inner_text("body")


# Peers


def test_peers_are_the_nearest_that_do_better(compared):
    seen = compared(3)
    page = seen.page
    alike = full_atlas().likeness
    apart = alike.distances(3)
    reference = cdist(
        alike.traits[:11] / alike.spread, alike.traits[[3]] / alike.spread
    )
    np.testing.assert_allclose(apart[:11], reference[:, 0] / np.sqrt(2), rtol=1e-12)
    assert np.isnan(apart[11])
    nearest = [c for c in np.argsort(apart[:11], kind="stable") if c != 3][:4]
    found = page.evaluate("geopoverty.peers.nearest(3, 4)")
    assert [c for _, c in found] == nearest
    np.testing.assert_allclose([d for d, _ in found], apart[nearest], atol=1e-4)
    # Fewer poor families (smaller ids), or a higher effect that is clearly so.
    names = page.locator(".gp-peers tbody th .gp-link").all_inner_texts()
    assert len(names) == len(nearest)
    page.select_option("#gp-peer-goal", label="Poor families (lower is better)")
    names = page.locator(".gp-peers tbody th .gp-link").all_inner_texts()
    assert names == [f"County {c + 1:02d}, {side(c)}" for c in nearest if c < 3]
    said = page.inner_text(".gp-answer")
    assert said.startswith(f"Of the 4 counties most like County 04, West, {len(names)}")
    assert said in page.inner_text("#gp-status")
    seen.assert_calm()


def side(county):
    return "East" if county % 4 < 2 else "West"


def test_peers_say_on_what_they_do_better_and_how_surely(compared):
    page = compared(6).page
    page.fill("#gp-peer-count", "11")
    rows = page.locator(".gp-peers tbody tr")
    found = {re.split("\n|\t|Compare", r)[0]: r for r in rows.all_inner_texts()}
    assert "better, but perhaps by chance" in found["County 08, West"]
    assert "\u2714 better" in found["County 01, East"]
    assert "County 12, West" not in found  # its rain is not known
    assert "10 counties" in page.inner_text(".gp-answer")
    page.uncheck("#gp-peer-trait-1")
    assert "11 counties" in page.inner_text(".gp-answer")
    page.uncheck("#gp-peer-trait-0")
    assert "Tick at least one" in page.inner_text(".gp-peers")


def test_a_county_without_a_covariate_has_no_peers(compared):
    page = compared(11).page
    assert "no similar counties here: Rain is not known" in page.inner_text(".gp-peers")


def test_a_peer_is_compared_or_shown_on_the_map_by_its_name(compared):
    page = compared(3).page
    button = page.locator(".gp-peers .gp-toggle").first
    county = int(button.get_attribute("data-county"))
    button.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("geopoverty.store.state.compare") == [3, county]
    assert page.evaluate("document.activeElement.dataset.county") == str(county)
    page.locator(".gp-peers tbody .gp-link").first.click()
    assert page.locator("#gp-page-map").is_visible()
    assert page.evaluate("geopoverty.store.state.county") == county


def test_a_covariate_that_never_differs_is_left_out_with_a_warning(counties, rates):
    atlas = Atlas(counties).add(rates, "poor", label="Poor")
    table = rates.assign(same=0.1, road=[1.0, 2, 3])
    with pytest.warns(GeoPovertyWarning, match=r"1 of 2 covariates .* \(same\)"):
        found = atlas.peers(table, ["same", "road"], better={"Poor": "lower"}, k=1)
    assert found.likeness.labels == ("road",)
    data = shown(found)
    assert data["peers"]["values"] == [[1, 2, 3]]
    assert data["peers"]["better"] == ["lower"]
    methods = data["footer"]["methods"]
    assert any("root mean squared difference" in method for method in methods)
    with pytest.raises(InputError, match=r"all 1 are the same everywhere \(same\)"):
        atlas.peers(table, ["same"], better={"Poor": "lower"}, k=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": []}, "needs at least one covariate"),
        ({"columns": ["rode"]}, r"column rode, .*Did you mean 'road'"),
        ({"columns": ["gone"]}, "must hold at least one value; all 3 are missing"),
        ({"better": {}}, "better must say which indicators"),
        ({"better": {"Pour": "lower"}}, r"'Pour'.* Did you mean 'Poor'.* before peers"),
        ({"better": {"Poor": "less"}}, "must be one of 'lower', 'higher'; got 'less'"),
        ({"k": 0}, "k must be a whole number from 1 to 2"),
        ({"k": 3}, "k must be a whole number from 1 to 2.*got 3"),
    ],
)
def test_bad_peers_say_the_rule(counties, rates, change, message):
    atlas = Atlas(counties).add(rates, "poor", label="Poor")
    table = rates.assign(road=[1.0, 2, 3], gone=np.nan)
    options = {"columns": ["road"], "better": {"Poor": "lower"}, "k": 1, **change}
    columns = options.pop("columns")
    with pytest.raises(InputError, match=message):
        atlas.peers(table, columns, **options)


def test_peers_come_of_a_table(counties, rates):
    atlas = Atlas(counties).add(rates, "poor", label="Poor")
    with pytest.raises(InputError, match="needs a DataFrame or a Result; got Series"):
        atlas.peers(rates["poor"], ["poor"], better={"Poor": "lower"}, k=1)
    twice = pd.concat([rates, rates])
    with pytest.raises(InputError, match=r"one row a unit; 3 stand more than once"):
        atlas.peers(twice, ["poor"], better={"Poor": "lower"}, k=1)


# Curves


def test_curves_of_a_result_reach_each_county(counties, rates):
    spells = pd.DataFrame(
        {"unit_id": ["01", "02"], "years": [10.0, 20.0], "left": [1, 1],
         "side": ["East", "West"]}
    )  # fmt: skip
    fit = survival_curves(spells, duration="years", exited="left", by="side")
    atlas = Atlas(counties).add(rates, "poor", label="x").add_curves(fit, title="c")
    (data,) = shown(atlas)["curves"]
    assert (data["names"], data["of"]) == (["East", "West"], [0, 1, -1])
    assert data["times"] == [0, 10, 20]
    assert data["shares"] == [[1000, 0, None], [1000, 1000, 0]]
    assert "survival_curves" in shown(atlas)["footer"]["methods"][0]


def test_curves_between_censuses_fall_evenly_and_long_ones_are_thinned(counties):
    spells = pd.DataFrame(
        {"unit_id": ["01", "02", "03"], "low": [0.0, 10, 10], "high": [10.0, 20, 20]}
    )
    fit = survival_curves(spells, duration=("low", "high"))
    (between,) = Atlas(counties).add_curves(fit, title="c").curves
    assert not between.stepwise
    assert between.times.tolist() == [0, 10, 20]
    np.testing.assert_allclose(between.shares, [[1, 2 / 3, 0]])
    times = np.arange(1.0, 501)
    long = pd.DataFrame({"group": "a", "time": times, "estimate": 1 - times / 500})
    atlas = Atlas(counties).add_curves(long, title="c", group_of=dict.fromkeys("", ""))
    (thin,) = atlas.curves
    assert len(thin.times) == 61
    np.testing.assert_allclose(thin.shares[0], 1 - thin.times / 500)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimate": 50.0}, "between 0 and 1; 4 of 4 .*Divide percentages by 100"),
        ({"estimate": "half"}, "'estimate' of 'c' must be numeric"),
        ({"time": 10}, "one row a time; 2 of 4"),
        ({"group": "North"}, r"one row a time"),
    ],
)
def test_bad_curves_say_the_rule(counties, change, message):
    with pytest.raises(InputError, match=message):
        Atlas(counties).add_curves(
            CURVES.assign(**change), title="c", group_of=counties["state"]
        )


def test_curves_need_counties_and_counties_a_group(counties, logit_result):
    atlas = Atlas(counties)
    with pytest.raises(InputError, match="nothing says which county is in which"):
        atlas.add_curves(CURVES, title="c")
    with pytest.raises(InputError, match="Every group of 'c' needs a curve; 1 have"):
        atlas.add_curves(CURVES.head(2), title="c", group_of=counties["state"])
    with pytest.raises(InputError, match=r"in the boundaries; 1 of 1 units .* \(99\)"):
        atlas.add_curves(CURVES, title="c", group_of={"99": "East"})
    twice = pd.Series(["East", "West"], index=["01", "01"])
    with pytest.raises(InputError, match=r"belongs to one group; 1 .* \(01\)"):
        atlas.add_curves(CURVES, title="c", group_of=twice)
    with pytest.raises(InputError, match=r"no table 'curves'.* effects, tests"):
        atlas.add_curves(logit_result, title="c")


# Screens


@pytest.mark.parametrize("screen", [PHONE, {"width": 1280, "height": 800}])
def test_it_fits_the_screen_and_can_be_read(compared, screen):
    seen = compared(0, 4, 6, 11, **screen)
    page = seen.page
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert [name for name, contrast in contrasts(page) if contrast < 4.5] == []
    seen.assert_calm()


def test_paper_has_the_comparison_without_what_one_can_press(visit, full):
    page = visit(full).page
    page.emulate_media(media="print")
    assert not page.locator("#gp-page-compare").is_visible()
    page.emulate_media(media="screen")
    page.evaluate("[0, 1].forEach((c) => geopoverty.chosen.add(c))")
    page.click("#gp-tab-compare")
    page.emulate_media(media="print")
    assert page.locator("#gp-page-compare .gp-chart").first.is_visible()
    assert not page.locator("#gp-compare-find").is_visible()
    assert not page.locator("#gp-page-map").is_visible()

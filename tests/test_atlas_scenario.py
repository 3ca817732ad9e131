"""Spillovers and scenarios on the page: what it computes is what Python computes."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from atlas_pages import PHONE, point
from scipy import sparse
from shapely.geometry import box
from spatial_cases import households, neighbours, weights_of
from test_atlas_safety import NASTY

import geopoverty as gp
from geopoverty.atlas import Atlas
from geopoverty.atlas import effect_model as effects
from geopoverty.atlas.packing import Links
from geopoverty.scenario import Change, scenario

CLOSE = 1e-6
NAMES = ("before", "after", "change", "own", "spillover")
SOLVE = """([at, steps]) => {
  const { solve, data } = geopoverty;
  return solve.scenario(solve.model(data.scenarios[at].model), new Map(steps));
}"""
LINKS = """([at, county, step]) => {
  const { solve, data } = geopoverty;
  const model = solve.model(data.spillovers[at].model);
  return [solve.reaches(model, county, step), solve.reached(model, county, step)];
}"""


def chart(units, names=None):
    """Squares for units, in another order than the weights have them."""
    units = sorted(units, reverse=True)
    return gpd.GeoDataFrame(
        {"name": names or [f"County {u}" for u in units]},
        index=pd.Index(units, name="unit_id"),
        geometry=[box(i % 6, i // 6, i % 6 + 1, i // 6 + 1) for i in range(len(units))],
        crs=4326,
    )


def panel_table(n=40):
    rng = np.random.default_rng(4)
    W = neighbours(n, 4, 4)
    W = np.where(W > 0, rng.uniform(0.2, 1, W.shape), 0)
    weights = weights_of(W / W.sum(axis=1, keepdims=True))
    jobs = rng.normal(size=(2, n))
    income = np.linalg.solve(
        np.eye(n) - 0.4 * weights.matrix.toarray(),
        (0.5 * jobs + rng.normal(scale=0.4, size=(2, n))).T,
    ).T
    table = pd.DataFrame(
        {
            "unit_id": np.tile(weights.units, 2),
            "period": np.repeat([2010, 2020], n),
            "jobs": jobs.ravel(),
            "age": rng.normal(size=2 * n),
            "income": 1000 * income.ravel(),
            "years": rng.exponential(size=2 * n) + 0.1,
            "left": rng.integers(0, 2, 2 * n),
            "poor": (income.ravel() + rng.normal(scale=0.5, size=2 * n) < 0) * 1,
        }
    )
    return table, weights


@pytest.fixture(scope="module")
def fits():
    """Name: result, rows, weights."""
    table, weights = panel_table()
    now = table[table["period"] == 2020].drop(columns="period")
    case = households(units=40, per_unit=6)
    lag = {"weights": case.weights, "unit": "unit_id"}
    w = np.random.default_rng(0).uniform(1, 3, len(case.data))
    heavy = case.data.assign(w=w)
    return {
        "slx": (
            gp.logit("poor ~ jobs + W(jobs)", table, weights=weights, period="period",
                     vcov="iid"), table, weights),
        "lag": (gp.spatial_binary("poor ~ jobs + age", case.data, **lag), case.data,
                case.weights),
        "durbin probit": (
            gp.spatial_binary("poor ~ jobs + age", case.data, model="durbin",
                              link="probit", **lag), case.data, case.weights),
        "error probit": (
            gp.spatial_binary("poor ~ jobs + age", case.data, model="error",
                              link="probit", **lag), case.data, case.weights),
        "exits": (
            gp.exit_hazard("jobs + W(jobs) + age", now, duration="years",
                           exited="left", weights=weights), now, weights),
        "panel": (gp.panel("income ~ jobs", table, weights=weights, model="lag"),
                  table, weights),
        "weighed": (gp.probit("poor ~ jobs + W(jobs)", heavy, weights=case.weights,
                              sampling_weight="w", vcov="hc1"), heavy, case.weights),
        "ols": (
            gp.ols("income ~ jobs + W(jobs)", now, weights=weights, vcov="iid"),
            now, weights,
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def atlas(fits):
    units = sorted(fits["lag"][2].units)
    assert units == sorted(fits["slx"][2].units)
    book = Atlas(chart(units))
    for name, (result, data, weights) in fits.items():
        given = {"weights": weights, "column": "jobs", "label": f"Jobs {name}"}
        book = book.add_scenario(result, data, unit="jobs", step=3, **given)
        if name != "error probit":
            book = book.add_spillovers(result, data, unit="jobs", step=2, **given)
    return book


@pytest.fixture(scope="module")
def saved(atlas, tmp_path_factory):
    return atlas.save(tmp_path_factory.mktemp("scenario") / "atlas.html")


def turn_to(page, name):
    """Open a page with the arrow keys."""
    page.focus("#gp-tab-map")
    for _ in range(10):
        if page.evaluate("document.activeElement.id") == f"gp-tab-{name}":
            return
        page.keyboard.press("ArrowRight")


def told(fits, name, change):
    """What Python says of the last period, by unit."""
    result, data, weights = fits[name]
    found = scenario(result, data, weights=weights, change={"jobs": change}, draws=0)
    units = found.units
    if "period" in units:
        units = units[units["period"] == units["period"].max()]
    return units.set_index("unit_id")


# ---- equal to Python -----------------------------------------------------------------


def test_the_page_computes_what_scenario_does(visit, saved, atlas, fits):
    page = visit(saved).page
    units = list(atlas.units)
    rng = np.random.default_rng(1)
    for at, name in enumerate(fits):
        for chosen in (units[3:4], units[5:9], units):
            steps = pd.Series(rng.normal(size=len(chosen)) * 3, index=chosen)
            pairs = [[units.index(u), float(s)] for u, s in steps.items()]
            rows = pd.DataFrame(page.evaluate(SOLVE, [at, pairs]))
            rows.index = atlas.units[rows["county"]]
            python = told(fits, name, steps).loc[rows.index]
            # Of a linear model the page tells the change, not the levels.
            levels = {"before", "after"} if name == "ols" else set()
            for column in set(NAMES) & set(python.columns) - levels:
                gap = (rows[column] - python[column]).abs().max()
                assert gap < CLOSE, (name, len(chosen), column, gap)


def test_arcs_are_scenarios_of_one_county(visit, saved, atlas, fits):
    page = visit(saved).page
    units = list(atlas.units)
    shown = [name for name in fits if name != "error probit"]
    here = units[4]
    for at, name in enumerate(shown):
        out, into = page.evaluate(LINKS, [at, 4, 2.0])
        python = told(fits, name, Change(add=2, units=[here]))["change"].drop(here)
        found = pd.Series({units[link["county"]]: link["effect"] for link in out})
        gap = (found.reindex(python.index).fillna(0) - python).abs()
        assert gap.max() < CLOSE, name
        sizes = [abs(link["effect"]) for link in out]
        assert sizes == sorted(sizes, reverse=True)
        # Each county that reaches this one does what a step there does here.
        for link in into[:3]:
            there = units[link["county"]]
            step = told(fits, name, Change(add=2, units=[there]))
            assert link["effect"] == pytest.approx(step.loc[here, "change"], abs=CLOSE)
        assert units[4] not in [units[link["county"]] for link in into]


def test_spill_in_and_out_are_sums_of_scenarios(atlas, fits):
    layers = {i.wording.label: i for i in atlas.indicators}
    here = atlas.units[4]
    for name, times in (("lag", 100), ("panel", 1), ("slx", 100)):
        every = told(fits, name, 2.0)
        given = told(fits, name, Change(add=2, units=[here]))["change"].drop(here).sum()
        into = layers[f"Received from others: Jobs {name}"].value[0]
        out = layers[f"Given to others: Jobs {name}"].value[0]
        expected = times * every.loc[atlas.units, "spillover"]
        np.testing.assert_allclose(into, expected, atol=1e-7)
        assert out[4] == pytest.approx(times * given, abs=1e-7)


# ---- on the page ---------------------------------------------------------------------


def test_a_scenario_by_keyboard(visit, saved, atlas, fits):
    seen = visit(saved)
    page = seen.page
    turn_to(page, "scenario")
    assert page.locator("#gp-page-scenario").is_visible()
    page.focus("#gp-scene-find")
    page.keyboard.type(atlas.units[4])
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("2")  # what was there is selected, or goes on
    page.fill("#gp-scene-step", "2")
    python = told(fits, "slx", Change(add=2, units=[atlas.units[4]]))
    cells = page.locator(".gp-effects tbody tr").first.locator("td").all_inner_texts()
    change = 100 * python.loc[atlas.units[4], "change"]
    assert cells[0][0] in "+\N{MINUS SIGN}"
    number = float(cells[0].replace("\N{MINUS SIGN}", "-"))
    assert number == pytest.approx(change, abs=0.06)
    said = page.inner_text(".gp-scene-said >> nth=0")
    assert f"Jobs slx up by 2 jobs in County {atlas.units[4]}" in said
    assert "95 % interval" in page.inner_text(".gp-scene-body")
    assert "associations" in page.inner_text("#gp-page-scenario .gp-notes")
    page.focus(".gp-out")
    page.keyboard.press("Enter")
    assert page.locator(".gp-effects").count() == 0
    page.fill("#gp-scene-step", "")
    seen.assert_calm()


def test_pressing_the_map_adds_a_county_and_paints_it(visit, saved):
    seen = visit(saved)
    page = seen.page
    page.click("#gp-tab-scenario")
    page.wait_for_timeout(200)
    page.mouse.click(*point(page, 8))
    page.wait_for_timeout(100)
    assert page.locator(".gp-chips li").count() == 1
    shade = "(c) => geopoverty.store.state.shade.color(c)"
    assert page.evaluate(shade, 8) != page.evaluate(shade, 29)
    page.click("#gp-tab-map")
    assert page.evaluate("geopoverty.store.state.shade") is None
    assert page.locator("#gp-page-map #gp-stage").count() == 1
    seen.assert_calm()


def test_spillovers_by_keyboard_and_back(visit, saved, atlas):
    seen = visit(saved)
    page = seen.page
    turn_to(page, "spillovers")
    page.focus("#gp-spill-find")
    page.keyboard.type(atlas.units[4])
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    arcs = page.locator(".leaflet-gp-marks-pane path, .leaflet-pane svg path")
    both = arcs.count()
    assert both > 8
    assert page.locator(".gp-effects").count() == 2
    page.locator("input[name=gp-spill-side]").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".gp-effects").count() == 1
    assert arcs.count() < both
    link = page.locator(".gp-effects .gp-link").first
    name = link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    assert page.inner_text(".gp-spill-name") == name
    page.locator("input[name=gp-spill-layer]").last.check()
    assert page.inner_text("#gp-legend h2").startswith("Given to others")
    page.click("#gp-tab-map")
    assert page.evaluate("geopoverty.store.state.indicator") == 0
    assert page.locator("#gp-page-map #gp-legend").count() == 1
    seen.assert_calm()


@pytest.mark.parametrize("tab", ["spillovers", "scenario"])
def test_paper_gets_the_map_and_the_table(visit, saved, tab):
    page = visit(saved).page
    page.click(f"#gp-tab-{tab}")
    page.evaluate("geopoverty.store.set({ county: 4 })")
    page.wait_for_timeout(100)
    page.evaluate("geopoverty.print.before()")
    page.emulate_media(media="print")
    drawn = page.locator(f"#gp-page-{tab} .gp-paper svg")
    assert drawn.bounding_box()["height"] > 150
    # Links are arcs on paper, too; a scenario paints, and has no arcs.
    arcs = drawn.locator("path[stroke='#9c2b00']").count()
    assert (arcs > 0) == (tab == "spillovers")
    assert page.locator(f"#gp-page-{tab} .gp-effects").first.is_visible()
    assert not page.locator(f"#gp-page-{tab} .gp-field").first.is_visible()


def test_names_with_markup_stay_text_and_fit_a_phone(visit, tmp_path):
    table, weights = panel_table(12)
    ids = sorted(weights.units, reverse=True)
    names = dict(zip(ids, NASTY, strict=True))
    fit = gp.panel("income ~ jobs", table, weights=weights, model="lag", vcov="iid")
    given = {"weights": weights, "column": "jobs", "label": NASTY[4]}
    given |= {"unit": NASTY[5], "outcome": NASTY[6], "outcome_unit": NASTY[0]}
    book = Atlas(chart(ids, [names[i] for i in ids]), title="x")
    book = book.add_scenario(fit, table, **given).add_spillovers(fit, table, **given)
    seen = visit(book.save(tmp_path / "nasty.html"), **PHONE)
    page = seen.page
    fits_in = "document.documentElement.scrollWidth <= window.innerWidth"
    for tab in ("spillovers", "scenario"):
        page.click(f"#gp-tab-{tab}")
        page.evaluate("() => geopoverty.store.set({ county: 5 })")
        page.evaluate("() => geopoverty.store.set({ county: 4 })")
        text = page.evaluate(f"document.getElementById('gp-page-{tab}').textContent")
        for expected in (NASTY[4], NASTY[5], NASTY[6], NASTY[0], names[ids[4]]):
            assert expected in text
        assert page.evaluate(fits_in)
    assert page.locator("main img:not(.leaflet-tile)").count() == 0
    seen.assert_calm()


# ---- size and what is refused --------------------------------------------------------


def test_what_two_pages_share_is_carried_once(atlas):
    data = atlas.county_map()
    page = data.get_root().render()
    from atlas_pages import data_in

    held = data_in(page)
    assert len(held["scenarios"]) == 8
    assert len(held["models"]) == 8
    assert len(held["links"]) == 2
    ring = replace(atlas.scenarios[1].model, alone=np.full(40, 2.0))
    assert ring.data(0)["alone"] == 2.0  # not the coefficient: some of it returns
    assert sum(link["even"] for link in held["links"]) == 1


def test_a_country_of_links_stays_small():
    rng = np.random.default_rng(0)
    n, k = 3085, 10
    columns = np.argsort(rng.random((n, 40)), axis=1)[:, :k]
    matrix = sparse.csr_array(
        (rng.random(n * k), columns.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n)
    )
    text = Links(matrix).data()
    assert sum(len(v) for v in text.values() if isinstance(v, str)) < 450_000


def refuse(atlas, fits, name, match, data=None, **given):
    result, rows, weights = fits[name]
    given = {"weights": weights, "column": "jobs", "label": "Jobs"} | given
    with pytest.raises(gp.InputError, match=match):
        atlas.add_scenario(result, rows if data is None else data, **given)


def test_what_a_page_cannot_do_is_refused(atlas, fits, monkeypatch):
    refuse(atlas, fits, "slx", "must be a finite number", step=float("nan"))
    refuse(atlas, fits, "slx", "must not be 0", step=0)
    refuse(atlas, fits, "slx", "needs the weights between", weights=None)
    refuse(atlas, fits, "slx", "which the table lacks", column="job")
    refuse(atlas, fits, "slx", "'age' enters not at all", column="age")
    result, table, weights = fits["slx"]
    squared = gp.logit("poor ~ jobs + I(jobs**2)", table, vcov="iid")
    with pytest.raises(gp.InputError, match=r"'jobs' enters as .*\*\*"):
        atlas.add_scenario(squared, table, column="jobs", label="Jobs")
    other = Atlas(chart(list(weights.units[1:])))
    given = {"weights": weights, "column": "jobs", "label": "Jobs"}
    with pytest.raises(gp.InputError, match="must be in the boundaries; 1 of 40 are"):
        other.add_scenario(result, table, **given)
    plain = gp.logit("poor ~ jobs", table, vcov="iid")
    with pytest.raises(gp.InputError, match="holds no spillovers of 'jobs'"):
        atlas.add_spillovers(plain, table, **given)
    monkeypatch.setattr(effects, "MOST_ROWS", 20)
    refuse(atlas, fits, "lag", "carries at most 20 rows; the last period has 240")
    monkeypatch.setattr(effects, "MOST_LINKS", 100)
    refuse(atlas, fits, "slx", "have 160. Build weights with cutoff= or k=")
    monkeypatch.setattr(effects, "MOST_TURNS", 2)
    monkeypatch.setattr(effects, "MOST_LINKS", 1000)
    refuse(atlas, fits, "panel", "too near the edge")

"""The made-up province: a clean map, a known truth, and marks that say so.

Recovery is tested over fixed seeds within four Monte Carlo standard errors; the
study of every estimator is benchmarks/mc_zhejiang.py.
"""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph
from scipy import special

from geopoverty.clusters import FirmColumns, count_clusters
from geopoverty.data import catalog
from geopoverty.data.boundaries import EQUAL_AREA
from geopoverty.data.simulated import zhejiang
from geopoverty.data.simulated.economy import (
    PERIODS,
    exposure,
    simulate_economy,
)
from geopoverty.data.simulated.households import (
    Dependence,
    sampled_counties,
    simulate_households,
)
from geopoverty.data.simulated.industries import EVERYWHERE, INDUSTRIES
from geopoverty.data.simulated.published import (
    CONTROLS,
    MODELS,
    PUBLISHED,
    TRUTH,
)
from geopoverty.data.simulated.tiling import province
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.estimators.binary import logit
from geopoverty.join import join
from geopoverty.weights import contiguity_weights, travel_weights

MC = 4.0  # standard errors of a mean over draws
RIGHT = " + ".join(CONTROLS)
TABLES = ("households", "counties", "county_panel", "firms", "industries")


@pytest.fixture(scope="module")
def study():
    return catalog.zhejiang_study()


@pytest.fixture(scope="module")
def homes(study):
    return study.households


@pytest.fixture(scope="module")
def economy():
    return zhejiang.economy_of("synthetic")


@pytest.fixture(scope="module")
def draws(economy):
    """Forty panels of households in one economy."""
    return [
        simulate_households(economy, np.random.default_rng(seed)) for seed in range(40)
    ]


# --- the map -----------------------------------------------------------------


def test_counties_tile_the_province_without_gap_or_overlap(study):
    counties = study.counties
    assert len(counties) == 70
    assert counties.is_valid.all()
    assert (counties.geom_type == "Polygon").all()
    assert shapely.coverage_is_valid(counties.geometry.to_numpy())
    whole = counties.union_all()
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    area = counties.to_crs(EQUAL_AREA).area.sum() / 1e6
    assert area == pytest.approx(counties["area_km2"].sum())
    assert 9e4 < area < 12e4  # as large as Zhejiang


def test_borders_can_be_read_off_shared_corners(study):
    weights = contiguity_weights(study.counties, rook=True)
    assert not len(weights.islands)
    fuzzy = Graph.build_contiguity(study.counties, rook=True)
    assert weights.matrix.nnz == fuzzy.n_edges
    corners = shapely.get_coordinates(study.counties.geometry.boundary)
    assert np.array_equal(corners, np.round(corners, 6))


def test_mountains_are_in_the_south_west_and_the_plain_by_the_sea(study):
    counties = study.counties
    centre = counties.geometry.representative_point()
    south_west = (centre.x < 119.3) & (centre.y < 28.6)
    north_east = (centre.x > 120.8) & (centre.y > 30)
    assert counties.loc[south_west, "ruggedness"].min() > 0.7
    assert counties.loc[north_east, "ruggedness"].max() < 0.4
    panel = study.county_panel.groupby("unit_id")["clusters"].mean()
    assert panel.corr(counties["ruggedness"]) < -0.3


def test_the_map_is_the_same_on_every_call():
    first, second = province(), province()
    assert first.geometry.geom_equals_exact(second.geometry, 0).all()
    assert first.index.tolist() == [f"Z{i:02d}" for i in range(1, 71)]


# --- travel times, clusters, firms --------------------------------------------


def test_trips_in_the_mountains_take_longer(study):
    times = study.travel_times
    np.testing.assert_allclose(times.matrix, times.matrix.T)
    from geopoverty.data.travel import model_travel_times

    flat = model_travel_times(study.counties, speed_kmh=60, circuity=1.3)
    with np.errstate(invalid="ignore"):
        longer = times.matrix / flat.matrix
    rugged = study.counties["ruggedness"].to_numpy()
    i, j = int(rugged.argmax()), int(rugged.argmin())
    assert longer[i, j] == pytest.approx(1 + 0.6 * (rugged[i] + rugged[j]) / 2)


def test_exposure_is_the_lag_with_raw_weights(study):
    weights = travel_weights(study.travel_times, standardize=None)
    for _, wave in study.county_panel.groupby("period"):
        wave = wave.set_index("unit_id").loc[weights.units]
        lag = weights.lag(wave["clusters"].to_numpy(float))
        np.testing.assert_allclose(lag, wave["clusters_elsewhere"], rtol=1e-12)


def test_own_county_does_not_count_elsewhere(study):
    alone = exposure(np.eye(len(study.counties))[0], study.travel_times)
    assert alone[0] == 0
    assert (alone[1:] > 0).all()


def test_a_logit_with_the_lag_equals_one_with_the_column(study, homes):
    weights = travel_weights(study.travel_times, standardize=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        lag = logit(
            f"poor ~ clusters + W(clusters) + {RIGHT}",
            homes,
            weights=weights,
            period="period",
            unit_data=study.county_panel,
            vcov="hc1",
        )
    column = logit(f"poor ~ clusters + clusters_elsewhere + {RIGHT}", homes)
    np.testing.assert_allclose(lag.estimates, column.estimates, rtol=1e-7)


@pytest.mark.parametrize("boundaries", ["synthetic", "china"])
def test_a_count_of_clusters_finds_those_that_were_made(boundaries):
    study = catalog.zhejiang_study(boundaries=boundaries)
    columns = FirmColumns(period="period")
    counted = count_clusters(
        study.firms, level=4, columns=columns, units=study.counties
    )
    keys = ["unit_id", "period"]
    held = study.county_panel.set_index(keys)["clusters"]
    found = counted.set_index(keys)["clusters"]
    pd.testing.assert_series_equal(found.loc[held.index], held)
    by_code = study.industries.set_index(keys)
    assert (by_code.sum(axis=1) == held).all()
    codes = count_clusters(study.firms, level=4, by="code", columns=columns)
    wide = codes.set_index([*keys, "code"])["clusters"].unstack()  # noqa: PD010
    assert (wide.loc[by_code.index, by_code.columns] == by_code).all(None)
    assert counted.attrs["status"] == "simulated"


def test_firms_are_a_census_that_can_be_read(study):
    firms = study.firms
    assert firms["firm_id"].is_unique
    assert firms["industry"].str.fullmatch(r"\d{4}").all()
    assert set(firms["industry"]) == {*INDUSTRIES, *EVERYWHERE}
    assert (firms["employees"] >= 1).all()
    assert (firms["output"] >= 0).all()
    assert set(firms["unit_id"]) == set(study.counties.index)
    assert set(firms["period"]) == set(PERIODS)


def test_most_clusters_stay_from_wave_to_wave(economy):
    both = economy.industry.all(axis=1).sum()
    assert both / economy.industry[:, 0].sum() > 0.7


def test_gdp_ten_years_earlier_says_something_of_clusters(study):
    panel = np.log(study.county_panel[["clusters", "gdp_decade_earlier"]])
    assert panel.corr().iloc[0, 1] > 0.7


# --- households ----------------------------------------------------------------


def test_households_are_a_panel_of_two_waves(homes):
    assert len(homes) == 975
    assert not homes.duplicated(["hh_id", "period"]).any()
    assert homes["hh_id"].nunique() == 500
    assert homes["village"].nunique() == homes["unit_id"].nunique() == 10
    assert len(homes[["village", "unit_id"]].drop_duplicates()) == 10
    assert len(homes[["hh_id", "village"]].drop_duplicates()) == 500
    assert set(homes["period"]) == {2004, 2008}
    assert homes["income"].isna().sum() == homes["log_income"].isna().sum() == 1
    assert homes.drop(columns=[c for c in homes if "income" in c]).notna().all(None)
    kept = homes.dropna()
    np.testing.assert_allclose(np.log(kept["income"]), kept["log_income"], atol=1e-4)


def test_people_are_plausible(homes):
    assert homes["age"].between(22, 90).all()
    assert homes["edu"].between(0, 16).all()
    assert set(homes["gender"]) == {0, 1}
    assert homes["pop"].between(1, 9).all()
    assert (homes[["land", "capital"]] > 0).all(None)
    gap = homes.groupby("hh_id")["age"].diff().dropna()
    assert (gap == 4).mean() > 0.85


@pytest.mark.parametrize("term", CONTROLS)
def test_spreads_follow_from_published_t_values(homes, term):
    model = PUBLISHED["Model 1"]
    at = model.terms.index(term)
    std_error = model.estimates[at] / model.t_values[at]
    implied = 2.2 / (std_error * model.n**0.5)
    # t values are printed to two digits, estimates to one.
    assert homes[term].std() == pytest.approx(implied, rel=0.35)


def test_poor_by_draw_mostly_have_a_low_income(homes):
    line = homes.attrs["poverty_lines"][2004]
    kept = homes.dropna()
    agree = kept["poor"] == (kept["income"] < line)
    assert agree.mean() > 0.85
    assert homes["poor"].mean() == pytest.approx(475 / 974, abs=0.06)
    assert homes["poor_2008_line"].mean() > homes["poor"].mean()


def test_ten_counties_spread_over_exposure_and_clusters(economy, homes):
    first = economy.panel[economy.panel["period"] == 2004]
    chosen = first.iloc[sampled_counties(economy)]
    assert set(chosen["unit_id"]) == set(homes["unit_id"])
    for column in ("clusters", "clusters_elsewhere"):
        assert chosen[column].std() > first[column].std()


def test_seeds_give_other_households_in_the_same_counties():
    one, again = (catalog.zhejiang_households(seed=7) for _ in range(2))
    other = catalog.zhejiang_households(seed=8)
    pd.testing.assert_frame_equal(one, again)
    assert (one["poor"] != other["poor"]).any()
    assert set(one["unit_id"]) == set(other["unit_id"])


# --- the truth -------------------------------------------------------------------


def test_published_tables_are_the_papers(study):
    table = study.published.set_index(["model", "term"])
    assert [m.n for m in MODELS] == [975, 975, 974, 974, 975, 974, 975, 475, 499]
    assert table.loc[("Model 3", "W(clusters)"), "t_value"] == 4.97
    assert table.loc[("Model 4", "economic_density"), "estimate"] == 1.95
    assert table.loc[("Model 9", "W(clusters)"), "estimate"] == -0.06
    codes = study.published_industries.groupby(["period", "level"]).size()
    assert codes.to_dict() == {(2004, 3): 6, (2004, 4): 7, (2008, 3): 2, (2008, 4): 2}


def test_signs_of_published_t_values_are_those_of_the_estimates():
    for model in MODELS:
        pairs = zip(model.estimates, model.t_values, strict=True)
        assert all(np.sign(a) == np.sign(b) for a, b in pairs)


def test_truth_is_with_the_data(homes):
    truth = homes.attrs["truth"]
    assert truth["poor"]["W(clusters)"] == -0.25
    assert truth["log_income"]["W(clusters)"] == 0.16
    assert set(truth) == set(TRUTH)
    truth["poor"]["W(clusters)"] = 0.0
    assert catalog.zhejiang_households().attrs["truth"]["poor"]["clusters"] == -0.01
    assert TRUTH["poor"]["W(clusters)"] == -0.25


def _mean_is_planted(found: pd.DataFrame, truth: dict[str, float]) -> None:
    error = found.std() / len(found) ** 0.5
    for term, column in found.items():
        assert abs(column.mean() - truth[term]) < MC * error[term], term


@pytest.mark.parametrize("outcome", ["poor", "poor_2008_line", "poor_density"])
def test_logits_recover_what_was_planted(draws, outcome):
    regional = "clusters + clusters_elsewhere"
    if outcome == "poor_density":
        regional = "economic_density"
    found = pd.DataFrame(
        [logit(f"{outcome} ~ {regional} + {RIGHT}", d).estimates for d in draws]
    ).rename(columns={"clusters_elsewhere": "W(clusters)"})
    # Maximum likelihood is biased by about k/n of each slope in small samples.
    truth = TRUTH[outcome]
    slack = pd.Series({t: 0.02 * abs(v) for t, v in truth.items()})
    error = found.std() / len(found) ** 0.5
    for term in found:
        assert abs(found[term].mean() - truth[term]) < MC * error[term] + slack[term]


def _least_squares(table: pd.DataFrame, outcome: str, columns: list[str]) -> pd.Series:
    table = table.dropna(subset=[outcome])
    X = np.column_stack([table[columns], np.ones(len(table))])
    beta = np.linalg.lstsq(X, table[outcome], rcond=None)[0]
    return pd.Series(beta, index=[*columns, "Intercept"])


@pytest.mark.parametrize(
    ("outcome", "regional"),
    [
        ("log_income", ["clusters", "clusters_elsewhere"]),
        ("log_income_density", ["economic_density"]),
        (
            "log_income_endogenous",
            ["clusters", "clusters_elsewhere", "unobserved_demand"],
        ),
    ],
)
def test_incomes_recover_what_was_planted(draws, outcome, regional):
    found = pd.DataFrame(
        [_least_squares(d, outcome, [*regional, *CONTROLS]) for d in draws]
    ).rename(columns={"clusters_elsewhere": "W(clusters)"})
    _mean_is_planted(found, {**TRUTH[outcome], "unobserved_demand": 0.3})


def test_demand_that_no_study_sees_biases_least_squares(study):
    """Redrawn economies: with the draw held fixed the bias has no mean."""
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        made = simulate_economy(study.counties, study.travel_times, rng)
        table = simulate_households(made, rng)
        columns = ["clusters", "clusters_elsewhere", *CONTROLS]
        found.append(_least_squares(table, "log_income_endogenous", columns))
    slopes = pd.DataFrame(found)["clusters"]
    error = slopes.std() / len(slopes) ** 0.5
    assert slopes.mean() - 0.004 > MC * error


@pytest.mark.parametrize("group", ["poor", "non-poor"])
def test_groups_have_their_own_slopes(draws, group):
    chosen = [d[d["poor"] == (group == "poor")] for d in draws]
    columns = ["clusters", "clusters_elsewhere", *CONTROLS]
    found = pd.DataFrame(
        [_least_squares(d, "log_income_by_group", columns) for d in chosen]
    ).rename(columns={"clusters_elsewhere": "W(clusters)"})
    _mean_is_planted(found, TRUTH[f"log_income_by_group[{group}]"])


def test_industries_have_the_planted_effects(draws, study):
    planted = ["1742", "2231", "3582"]
    found = [
        _least_squares(
            d.merge(study.industries, on=["unit_id", "period"]),
            "log_income_by_industry",
            [*planted, *CONTROLS],
        )
        for d in draws
    ]
    _mean_is_planted(pd.DataFrame(found), TRUTH["log_income_by_industry"])


def test_planted_industries_vary_among_the_ten_counties(homes, study):
    table = homes.merge(study.industries, on=["unit_id", "period"])
    planted = [*TRUTH["log_income_by_industry"], *TRUTH["poor_by_industry"]]
    for code in set(planted) & set(INDUSTRIES):
        held = table.groupby("unit_id")[code].max()
        assert 0 < held.sum() < 10, code


def test_a_shock_leaves_each_margin_as_planted_whatever_the_dependence():
    at = _many_places()
    shares = Dependence(village=0.3, village_wave=0.2, home=0.3)
    assert shares.own == pytest.approx(0.2)
    shocks = np.concatenate(
        [shares.shocks(np.random.default_rng(s), at)[0] for s in range(300)]
    )
    poor = special.logit(special.ndtr(shocks)) < -0.4
    # 300 draws of ten villages that go together: about 0.012.
    assert poor.mean() == pytest.approx(special.expit(-0.4), abs=0.03)
    assert shocks.std() == pytest.approx(1, abs=0.03)


def test_rows_go_together_as_much_as_asked():
    at = _many_places()
    shares = Dependence()
    draws = [shares.shocks(np.random.default_rng(s), at)[0] for s in range(400)]
    shocks = np.reshape(draws, (400, 10, 50, 2))
    same_wave = (shocks[:, :, 0, 0] * shocks[:, :, 1, 0]).mean()
    other_wave = (shocks[:, :, 0, 0] * shocks[:, :, 1, 1]).mean()
    same_home = (shocks[..., 0] * shocks[..., 1]).mean()
    assert same_wave == pytest.approx(0.08, abs=4 / 4000**0.5)
    assert other_wave == pytest.approx(0.04, abs=4 / 4000**0.5)
    assert same_home == pytest.approx(0.34, abs=0.03)


def _many_places():
    home = np.repeat(np.arange(500), 2)
    return SimpleNamespace(village=home // 50, home=home, wave=np.tile([0, 1], 500))


# --- marks ----------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_every_table_says_that_it_is_simulated(study, name):
    attrs = getattr(study, name).attrs
    assert attrs["status"] == "simulated"
    assert "imulated" in attrs["title"] or "made-up" in attrs["title"]
    assert {"title", "status", "source", "licence", "attribution"} <= set(attrs)
    assert any("Simulated" in note for note in attrs["notes"])


def test_travel_times_between_made_up_counties_are_simulated(study):
    assert study.travel_times.status == "simulated"
    assert any("made up" in note for note in study.travel_times.notes)


def test_results_and_maps_of_it_are_marked(study, homes):
    fit = logit(f"poor ~ {RIGHT}", homes)
    assert {s["status"] for s in fit.provenance["data"]} == {"simulated"}
    table = study.county_panel[study.county_panel["period"] == 2004]
    assert join(table, study.counties).attrs["status"] == "simulated"


def test_a_copy_is_the_callers_own():
    study = catalog.zhejiang_study()
    study.firms["employees"] = 0
    study.county_panel.attrs["status"] = "measured"
    fresh = catalog.zhejiang_study()
    assert (catalog.zhejiang_firms()["employees"] > 0).all()
    assert fresh.county_panel.attrs["status"] == "simulated"
    study.travel_times.matrix[:] = 1.0
    assert catalog.zhejiang_travel_times().matrix[0, 0] == 0
    counties = catalog.zhejiang_counties()
    counties["name"] = "spoilt"
    assert (catalog.zhejiang_counties()["name"] != "spoilt").all()


# --- real borders, and bad input ---------------------------------------------------


def test_real_borders_may_stand_in():
    real = catalog.zhejiang_study(boundaries="china")
    assert len(real.counties) == 64
    assert real.counties.is_valid.all()
    assert real.counties.attrs["status"] == "measured"
    assert catalog.zhejiang_travel_times(boundaries="china").status == "modelled"
    assert real.households.attrs["status"] == "simulated"
    assert real.firms.attrs["status"] == "simulated"
    assert set(real.households["unit_id"]) <= set(real.counties.index)
    assert real.counties.index.str.fullmatch(r"33\d{4}").all()
    assert len(real.households) == 975


@pytest.mark.parametrize("seed", [-1, 1.5, "two", True, None])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InputError, match=r"seed must be a whole number of at least 0"):
        catalog.zhejiang_households(seed=seed)


@pytest.mark.parametrize(
    "call",
    [
        catalog.zhejiang_households,
        catalog.zhejiang_counties,
        catalog.zhejiang_travel_times,
        catalog.zhejiang_firms,
        catalog.zhejiang_study,
    ],
)
def test_boundaries_are_one_of_two(call):
    with pytest.raises(InputError, match="boundaries must be one of 'synthetic'"):
        call(boundaries="moon")

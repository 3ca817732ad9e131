"""The bundled tables against published totals, their sources and each other."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph
from pyproj import Geod

from geopoverty.data import bundled, catalog
from geopoverty.data.boundaries import centres
from geopoverty.data.travel import estimate_circuity
from geopoverty.errors import InputError
from geopoverty.numerics.distances import great_circle_km

ROOT = Path(__file__).resolve().parent.parent
KM_PER_MILE = 1.609344
TABLES = (
    "us_counties", "us_county_panel", "us_county_income", "us_cities",
    "us_road_distances", "coquimbo_zones",
)  # fmt: skip
TIMES = {"us_travel_times": "modelled", "coquimbo_travel_times": "routed"}
ATTRS = {"title", "status", "source", "licence", "attribution"}
# Published resident population less Alaska, Hawaii and the three island counties
# (Dukes, Nantucket, San Juan) that the source leaves out.
CENSUS = {
    1960: 179_323_175 - 226_167 - 632_772 - (5_829 + 3_559 + 2_872),
    1970: 203_302_031 - 302_583 - 769_913 - (6_117 + 3_774 + 3_856),
    1980: 226_545_805 - 401_851 - 964_691 - (8_942 + 5_087 + 7_838),
    1990: 248_709_873 - 550_043 - 1_108_229 - (11_639 + 6_012 + 10_035),
}
# Purchasing power of the consumer dollar, 1982-84 = 1.
DOLLAR = {
    1980: 1.215, 1981: 1.098, 1982: 1.035, 1983: 1.003, 1984: 0.961, 1985: 0.928,
    1986: 0.913, 1987: 0.880, 1988: 0.846, 1989: 0.807, 1990: 0.766, 1991: 0.734,
    1992: 0.713, 1993: 0.692, 1994: 0.675, 1995: 0.656, 1996: 0.638,
}  # fmt: skip


@pytest.fixture(scope="module")
def counties():
    return catalog.us_counties()


@pytest.fixture(scope="module")
def panel():
    return catalog.us_county_panel()


@pytest.fixture(scope="module")
def income():
    return catalog.us_county_income()


@pytest.fixture(scope="module")
def roads():
    return catalog.us_road_distances()


# --- every table -------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_attrs_say_where_a_table_comes_from(name):
    attrs = getattr(catalog, name)().attrs
    assert set(attrs) == ATTRS
    assert all(isinstance(text, str) and text for text in attrs.values())
    assert attrs["status"] == "measured"


@pytest.mark.parametrize(("name", "status"), TIMES.items())
def test_attrs_say_where_travel_times_come_from(name, status):
    times = getattr(catalog, name)()
    assert set(times.attrs) == ATTRS
    assert times.status == times.attrs["status"] == status
    assert any(status in note for note in times.notes)


@pytest.mark.parametrize("name", TABLES)
def test_every_call_returns_a_fresh_copy(name):
    load = getattr(catalog, name)
    table = load()
    column = table.columns[0]
    before = table[column].copy()
    table[column] = None
    table.attrs["title"] = "spoilt"
    again = load()
    pd.testing.assert_series_equal(again[column], before)
    assert again.attrs["title"] != "spoilt"


def test_openstreetmap_is_named_with_the_routed_times():
    for attrs in (
        catalog.coquimbo_zones().attrs,
        catalog.coquimbo_travel_times().attrs,
    ):
        assert "OpenStreetMap contributors" in attrs["attribution"]
        assert "ODbL" in attrs["licence"]


@pytest.mark.parametrize("name", catalog.__all__)
def test_every_public_function_has_a_complete_docstring(name):
    doc = inspect.getdoc(getattr(catalog, name))
    # A table of constants can go wrong in no way.
    headings = ("Examples",) if name == "village_modes" else ("Raises", "Examples")
    for heading in headings:
        assert f"\n{heading}\n---" in doc


# --- counties ----------------------------------------------------------------


def test_counties_are_units_with_valid_geometry(counties):
    assert len(counties) == 3085
    assert counties.index.name == "unit_id"
    assert counties.index.is_unique
    assert counties.index.is_monotonic_increasing
    assert counties.index.str.fullmatch(r"\d{5}").all()
    assert (counties.index.str[:2] == counties["state_fips"]).all()
    assert counties.crs.to_string() == "EPSG:4326"
    assert counties.notna().all(axis=None)
    assert counties["state"].nunique() == 49


def test_counties_lie_in_the_contiguous_states(counties):
    west, south, east, north = counties.total_bounds
    assert -125 < west < -124
    assert 24 < south < 26
    assert -68 < east < -66
    assert 49 < north < 50


def test_contiguity_is_that_of_the_source(counties):
    assert shapely.coverage_is_valid(counties.geometry.to_numpy())
    queen = Graph.build_contiguity(counties, rook=False)
    assert queen.n_edges == 18_168  # as in the .gal file shipped with the source
    assert queen.cardinalities.min() == 1
    assert queen.cardinalities.max() == 14
    assert set(queen["27077"].index) == {"27007", "27135", "27071"}


def test_areas_agree_with_areas_on_the_ellipsoid(counties):
    ellipsoid = Geod(ellps="WGS84")
    on_it = [abs(ellipsoid.geometry_area_perimeter(g)[0]) for g in counties.geometry]
    # Straight edges bend a little in the projection: 0.11 % at the worst.
    np.testing.assert_allclose(counties["area_km2"], np.array(on_it) / 1e6, rtol=2e-3)
    assert counties["area_km2"].sum() == pytest.approx(7_778_412, rel=1e-6)


def test_regions_are_the_census_regions(counties):
    assert counties["region"].value_counts().to_dict() == {
        "South": 1412,
        "North": 1264,
        "West": 409,
    }
    assert len(counties[["state", "region"]].drop_duplicates()) == 49


def test_names_that_mislead_or_are_misspelt_are_corrected(counties):
    names = counties["name"]
    assert names["38061"] == "Mountrail"
    assert names["51610"] == "Falls Church"
    assert names["36005"] == "New York City"
    assert names["27077"] == "Lake of the Woods"


# --- panel -------------------------------------------------------------------


def test_panel_has_one_row_a_unit_and_census(panel, counties):
    assert len(panel) == 4 * 3085
    assert not panel.duplicated(["unit_id", "period"]).any()
    assert panel["period"].unique().tolist() == [1960, 1970, 1980, 1990]
    assert panel["unit_id"].unique().tolist() == counties.index.tolist()


def test_panel_columns_have_their_types(panel):
    types = panel.dtypes.astype(str)
    assert types.pop("unit_id") == "object"
    assert types.pop("period") == types.pop("population") == "int64"
    assert set(types) == {"float64"}


@pytest.mark.parametrize(("period", "total"), CENSUS.items())
def test_population_sums_to_the_published_total(panel, period, total):
    assert panel.loc[panel["period"] == period, "population"].sum() == total


@pytest.mark.parametrize(
    ("unit", "period", "column", "value"),
    [
        ("27077", 1960, "family_poverty_rate", 36.3),
        ("27077", 1990, "family_poverty_rate", 8.51419),
        ("01001", 1980, "family_poverty_rate", 13.501864),
        ("01001", 1980, "median_family_income", 18_433),
        ("01001", 1990, "population", 34_222),
        ("36005", 1990, "population", 7_322_564),
        ("53019", 1970, "unemployment_rate", 15.4),
        ("01001", 1990, "female_headed_share", 14.406603),
        ("01001", 1990, "gini", 0.371315),
    ],
)
def test_panel_spot_values(panel, unit, period, column, value):
    row = panel[(panel["unit_id"] == unit) & (panel["period"] == period)]
    assert row[column].item() == pytest.approx(value, abs=1e-6)


def test_panel_values_are_possible(panel):
    rates = [
        c for c in panel if c.endswith(("_rate", "_share")) and c != "homicide_rate"
    ]
    assert len(rates) == 5
    assert ((panel[rates] >= 0) & (panel[rates] <= 100)).all(axis=None)
    assert panel["gini"].between(0.1, 0.6).all()
    assert panel["median_age"].between(15, 60).all()
    assert panel["homicide_rate"].between(0, 100).all()
    assert panel["median_family_income"].between(1_000, 70_000).all()
    assert panel["population"].between(91, 8_863_164).all()
    assert panel.drop(columns="income_per_km2").notna().all(axis=None)


def test_incomes_are_whole_dollars_but_for_joined_units(panel):
    cents = panel["median_family_income"] % 1
    assert (cents == 0).mean() > 0.997


def test_no_sentinel_stands_for_a_missing_value(panel, income):
    codes = [-1, -9, -99, -999, -9999, 999, 9999, 99999]
    for table in (panel, income):
        floats = table.select_dtypes("float64")
        assert not np.isinf(floats).any(axis=None)
        # A real value may chance upon a code; a code would repeat.
        assert (
            max(int((floats[c] == code).sum()) for c in floats for code in codes) <= 2
        )


def test_principal_components_are_standardised_in_each_census(panel):
    parts = panel.groupby("period")[["resource_deprivation", "population_structure"]]
    np.testing.assert_allclose(parts.mean(), 0, atol=1e-9)
    np.testing.assert_allclose(parts.std(), 1, atol=1e-9)


def test_national_levels_are_those_the_docstring_states(panel):
    def mean(column):
        parts = panel.assign(mass=panel[column] * panel["population"])
        sums = parts.groupby("period")[["mass", "population"]].sum()
        return (sums["mass"] / sums["population"]).round(3)

    poverty, gini = mean("family_poverty_rate"), mean("gini")
    np.testing.assert_allclose(poverty, [21.641, 10.753, 9.644, 10.061], atol=1e-3)
    np.testing.assert_allclose(gini, [0.274, 0.347, 0.365, 0.367], atol=1e-3)
    headed = mean("female_headed_share")
    np.testing.assert_allclose(headed[[1960, 1970]], [12.257, 10.871], atol=1e-3)


def test_density_is_population_over_area(panel, counties):
    area = panel["unit_id"].map(counties["area_km2"])
    np.testing.assert_allclose(
        panel["population_density_km2"], panel["population"] / area, rtol=1e-12
    )


# --- income ------------------------------------------------------------------


def test_income_is_a_balanced_panel(income):
    assert len(income) == 37_349 == 2_197 * 17
    assert not income.duplicated(["unit_id", "period"]).any()
    assert (income.groupby("unit_id").size() == 17).all()
    assert income["unit_id"].str.fullmatch(r"\d{5}").all()
    assert sorted(income["period"].unique()) == list(range(1980, 1997))


def test_income_spot_values(income):
    row = income.set_index(["unit_id", "period"]).loc[("01001", 1980)]
    assert row["population"] == 32_216
    assert row["personal_income_per_head"] == 8780.80
    assert row["income_maintenance_per_head"] == 167.67
    assert row["unemployment_insurance_per_head"] == 29.16
    # The source says 54.05 persons per square mile.
    per_square_mile = row["population_density_km2"] * KM_PER_MILE**2
    assert per_square_mile == pytest.approx(54.05, abs=0.005)
    assert row["income_per_km2"] == pytest.approx(8780.80 * 54.05 / 2.589988, rel=1e-4)


def test_income_is_missing_only_where_the_source_has_none(income):
    money = income.filter(like="_per_").columns
    assert len(money) == 4
    missing = income[money].isna()
    assert (missing.any(axis=1) == missing.all(axis=1)).all()
    gaps = income.loc[missing.any(axis=1), ["unit_id", "period"]]
    assert gaps.to_numpy().tolist() == [["48301", y] for y in (1990, 1991, 1992)]
    assert income.drop(columns=money).notna().all(axis=None)


def test_income_values_are_possible(income):
    assert income["personal_income_per_head"].dropna().between(3_000, 42_000).all()
    assert income["income_maintenance_per_head"].dropna().between(5, 1_400).all()
    assert income["unemployment_insurance_per_head"].dropna().between(0, 700).all()
    assert income["population"].between(85, 10_000_000).all()
    assert income["population_density_km2"].between(0.01, 25_000).all()


@pytest.mark.parametrize("period", DOLLAR)
def test_real_income_is_whole_dollars_times_the_1982_84_dollar(income, period):
    year = income[income["period"] == period]
    for column in ("personal_income_per_head", "income_maintenance_per_head"):
        current = year[column].dropna() / DOLLAR[period]
        assert (current - current.round()).abs().max() < 0.05


def test_land_area_does_not_change_over_the_years(income):
    land = income["population"] / income["population_density_km2"]
    spread = land.groupby(income["unit_id"]).agg(["min", "max"])
    np.testing.assert_allclose(spread["min"], spread["max"], rtol=1e-12)


def test_land_area_agrees_with_the_polygons(income, counties):
    last = income[income["period"] == 1996].set_index("unit_id")
    land = last["population"] / last["population_density_km2"]
    ratio = (land / counties["area_km2"]).dropna()
    assert len(ratio) == 2_173
    assert ratio.median() == pytest.approx(0.988, abs=0.002)
    assert ratio.between(0.75, 1.25).mean() > 0.99  # the rest are lakes and cities


def test_24_counties_of_the_income_table_are_no_units(income, counties):
    outside = set(income["unit_id"]) - set(counties.index)
    assert len(outside) == 24
    assert {i for i in outside if i[:2] in {"02", "15"}} == {
        "02090", "02110", "02122", "02170", "02180", "02185", "02280",
        "15001", "15007", "15009",
    }  # fmt: skip
    doc = catalog.us_county_income.__doc__
    assert all(i in doc for i in outside if i[:2] in {"35", "36", "51", "55"})


def test_whole_states_are_missing_from_the_income_table(income, counties):
    covered = counties.index.isin(income["unit_id"])
    share = pd.Series(covered, counties.index).groupby(counties["state"]).mean()
    none = ["Arizona", "Florida", "Georgia", "Iowa", "Kentucky"]
    assert share.index[share == 0].tolist() == none


# --- the two tables together -------------------------------------------------


@pytest.mark.parametrize("period", [1980, 1990])
def test_populations_of_the_two_tables_agree(panel, income, period):
    both = panel[panel["period"] == period].merge(income, on=["unit_id", "period"])
    ratio = both["population_y"] / both["population_x"]
    assert len(ratio) == 2_173
    assert ratio.median() == pytest.approx(1, abs=0.005)
    # Measured: 23 of 1980 and 12 of 1990 are more than 5 % apart, in joined units
    # and cities whose limits moved.
    assert (ratio - 1).abs().gt(0.05).sum() <= 23


@pytest.mark.parametrize("period", [1980, 1990])
def test_incomes_of_the_two_tables_agree(panel, income, period):
    both = panel[panel["period"] == period].merge(income, on=["unit_id", "period"])
    logs = np.log(both[["median_family_income", "personal_income_per_head"]])
    assert logs.corr().iloc[0, 1] > 0.75
    transfers = both["income_maintenance_per_head"]
    assert both["family_poverty_rate"].corr(transfers) > 0.6


def test_economic_density_is_that_of_the_income_table(panel, income):
    ours = panel.set_index(["unit_id", "period"])["income_per_km2"]
    theirs = income.set_index(["unit_id", "period"])["income_per_km2"]
    both = pd.concat([ours, theirs], axis=1, keys=["ours", "theirs"]).dropna()
    differs = both.index[~np.isclose(both["ours"], both["theirs"], rtol=1e-9)]
    joined = {"36005", "51059", "51161", "51710", "55083"}
    assert set(differs.get_level_values(0)) == joined


def test_economic_density_of_new_york_is_that_of_its_five_boroughs(panel, income):
    parts = income[
        income["unit_id"].isin(["36005", "36047", "36061", "36081", "36085"])
        & (income["period"] == 1990)
    ]
    assert len(parts) == 5
    dollars = (parts["personal_income_per_head"] * parts["population"]).sum()
    land = (parts["population"] / parts["population_density_km2"]).sum()
    row = panel[(panel["unit_id"] == "36005") & (panel["period"] == 1990)]
    assert row["income_per_km2"].item() == pytest.approx(dollars / land, rel=1e-9)


def test_economic_density_is_given_for_two_censuses_where_populations_agree(panel):
    given = panel.groupby("period")["income_per_km2"].count().to_dict()
    assert given == {1960: 0, 1970: 0, 1980: 2_159, 1990: 2_164}
    assert (panel["income_per_km2"].dropna() > 0).all()
    gallatin = panel[panel["unit_id"] == "30031"]  # holds Park, which is not covered
    assert gallatin["income_per_km2"].isna().all()


# --- cities and roads --------------------------------------------------------


def test_cities_lie_in_their_counties(counties):
    cities = catalog.us_cities()
    assert len(cities) == cities["city"].nunique() == 128
    foreign = cities.loc[cities["unit_id"].isna(), "city"]
    assert sorted(foreign.str[-2:]) == ["BC", "MB", "ON", "SK"]
    at_home = cities.dropna().set_index("unit_id")
    points = gpd.GeoSeries.from_xy(at_home["lon"], at_home["lat"], crs=4326)
    shapes = counties.geometry.loc[at_home.index].to_crs(5070)
    away = shapes.distance(points.to_crs(5070), align=False)
    assert (away == 0).sum() == 121
    assert away.max() < 5_000


def test_roads_hold_every_pair_once(roads):
    cities = catalog.us_cities()
    assert len(roads) == 128 * 127 // 2
    assert (roads["from_city"] < roads["to_city"]).all()
    assert not roads.duplicated(["from_city", "to_city"]).any()
    assert set(roads["from_city"]) | set(roads["to_city"]) == set(cities["city"])
    ids = cities.set_index("city")["unit_id"]
    for end in ("from", "to"):
        expected = roads[f"{end}_city"].map(ids)
        assert roads[f"{end}_unit_id"].fillna("").equals(expected.fillna(""))


def test_road_distances_are_consistent(roads):
    assert roads["road_miles"].between(25, 3_496).all()
    np.testing.assert_allclose(roads["road_km"], roads["road_miles"] * KM_PER_MILE)
    assert (roads["road_km"] > roads["great_circle_km"]).all()
    place = catalog.us_cities().set_index("city")
    start, end = place.loc[roads["from_city"]], place.loc[roads["to_city"]]
    apart = great_circle_km(start["lon"], start["lat"], end["lon"], end["lat"])
    np.testing.assert_allclose(roads["great_circle_km"], apart)


def test_road_spot_value(roads):
    pair = roads[
        (roads["from_city"] == "Yankton, SD") & (roads["to_city"] == "Youngstown, OH")
    ]
    assert pair["road_miles"].item() == 966
    assert pair[["from_unit_id", "to_unit_id"]].iloc[0].tolist() == ["46135", "39099"]


def test_circuity_of_the_roads(roads):
    circuity = estimate_circuity(roads)
    assert circuity.n_pairs == 8_128
    assert circuity.median == pytest.approx(1.220, abs=0.001)
    assert circuity.low == pytest.approx(1.131, abs=0.001)
    assert circuity.high == pytest.approx(1.382, abs=0.001)


# --- travel times ------------------------------------------------------------


def test_modelled_times_are_great_circle_times_circuity_over_speed(counties, roads):
    times = catalog.us_travel_times(speed_kmh=60)
    assert times.units.tolist() == counties.index.tolist()
    assert "at 60 km/h" in times.notes[0]
    assert "1.13 to 1.38" in times.notes[0]
    assert "road distances" in times.attrs["source"]
    two = counties.loc[["01001", "27077"]]
    lon, lat = centres(two)
    km = great_circle_km(lon[0], lat[0], lon[1], lat[1])
    i, j = times.units.get_indexer(two.index)
    minutes = km * estimate_circuity(roads).median  # at one kilometre a minute
    assert times.matrix[i, j] == pytest.approx(minutes, rel=1e-9)
    assert times.matrix[j, i] == pytest.approx(minutes, rel=1e-9)


def test_modelled_times_refuse_an_impossible_speed():
    with pytest.raises(InputError, match="speed_kmh must be above 0"):
        catalog.us_travel_times(speed_kmh=0)


def test_zones_and_routed_times_are_in_one_order():
    zones, times = catalog.coquimbo_zones(), catalog.coquimbo_travel_times()
    assert zones.index.tolist() == [str(i) for i in range(1, 134)]
    assert times.units.tolist() == zones.index.tolist()
    assert zones.crs.to_string() == "EPSG:4326"
    assert zones["population"].sum() == pytest.approx(451_899, abs=100)
    assert zones["area_km2"].sum() == pytest.approx(388.2, abs=0.1)


def test_routed_times_obey_the_laws_of_shortest_ways():
    zones, times = catalog.coquimbo_zones(), catalog.coquimbo_travel_times()
    off = ~np.eye(133, dtype=bool)
    minutes = np.where(off, times.matrix, 0.0)  # the diagonal is not used
    assert np.isfinite(minutes).all()
    assert (minutes[off] > 0).all()
    # Every way over a third zone includes two more legs off the road.
    for via in range(133):
        assert (minutes <= minutes[:, [via]] + minutes[via] + 0.002).all()
    assert (np.abs(minutes - minutes.T)[off] > 0.01).mean() > 0.9  # one-way streets
    points = zones.to_crs(32719).centroid
    xy = np.column_stack([points.x, points.y])
    km = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1)) / 1000
    assert (minutes[off] >= km[off] / 100 * 60 - 0.5).all()  # nobody exceeds 100 km/h


# --- where the data lie ------------------------------------------------------


def test_data_folder_of_an_editable_install_is_beside_the_package():
    for name in ("boundaries", "travel_matrices"):
        assert catalog.data_folder(name) == ROOT / name


def test_data_are_found_in_an_installed_wheel(tmp_path):
    package = tmp_path / "geopoverty"
    shutil.copytree(
        ROOT / "geopoverty", package, ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("boundaries", "travel_matrices"):
        shutil.copytree(ROOT / name, package / "_data" / name)
    code = (
        "from geopoverty.data import catalog\n"
        "print(catalog.data_folder('boundaries'))\n"
        "print(len(catalog.us_county_panel()), len(catalog.us_cities()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    where, counts = done.stdout.splitlines()
    assert Path(where) == package / "_data" / "boundaries"
    assert counts == "12340 128"


def test_missing_data_are_a_clear_error(tmp_path, monkeypatch):
    package = tmp_path / "geopoverty"
    monkeypatch.setattr(bundled.resources, "files", lambda _: package)
    with pytest.raises(InputError, match=r"'boundaries' must be in the package.*wheel"):
        catalog.us_counties()


def test_a_missing_file_is_a_clear_error(tmp_path, monkeypatch):
    package = tmp_path / "geopoverty"
    folder = package / "_data" / "boundaries"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "boundaries" / "SOURCES.toml", folder)
    monkeypatch.setattr(bundled.resources, "files", lambda _: package)
    with pytest.raises(InputError, match=r"us_county_panel_1960_1990.*Install"):
        catalog.us_county_panel()

"""Clusters, quotients, indices and densities from firm tables."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import REFERENCE, answers
from shapely.geometry import box

from geopoverty.clusters import (
    ClusterRule,
    FirmColumns,
    cluster_sensitivity,
    count_clusters,
    economic_density,
    industry_indices,
    integration_indices,
    location_quotients,
    upgrading_index,
)
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.numerics.industry import ellison_glaeser

# R sums in another order: a few units in the last place, more after differences.
RTOL = 1e-10
TEXT = {"unit_id": str, "industry": str}
LEVELS = (2, 3, 4)
ANY = ClusterRule(min_quotient=1e-9, min_firms=1, min_employees=0)


@pytest.fixture(scope="module")
def census() -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / "clusters.csv", dtype=TEXT)
    table.attrs = {"title": "Made-up census", "status": "simulated", "licence": "CC0"}
    return table


def firms(units: str, codes: list[str], employees: Any = 10) -> pd.DataFrame:
    return pd.DataFrame(
        {"unit_id": list(units), "industry": codes, "employees": employees}
    )


# ------------------------------------------------------------------ known answers


@pytest.mark.parametrize("measure", ["employees", "output"])
@pytest.mark.parametrize("level", LEVELS)
def test_quotients_are_those_of_r(census, measure, level):
    known = answers("clusters")["quotients"][measure][str(level)]
    found = location_quotients(
        census, level=level, measure=measure, columns=FirmColumns(output="output")
    )
    wide = found.pivot_table(index="unit_id", columns="code", values="quotient")
    assert wide.index.tolist() == known["units"]
    assert wide.columns.tolist() == known["codes"]
    np.testing.assert_allclose(wide, known["quotient"], rtol=RTOL)


@pytest.mark.parametrize("measure", ["employees", "output"])
@pytest.mark.parametrize("level", LEVELS)
def test_indices_of_industries_are_those_of_r(census, measure, level):
    known = pd.DataFrame(answers("clusters")["industries"][measure][str(level)]).T
    found = industry_indices(
        census, level=level, measure=measure, columns=FirmColumns(output="output")
    ).set_index("code")
    assert found.index.tolist() == known.index.tolist()
    for name in known.columns:
        np.testing.assert_allclose(found[name], known[name], rtol=RTOL, err_msg=name)
    np.testing.assert_allclose(
        found["statistic"], known["ellison_glaeser"] / known["std_error"], rtol=RTOL
    )


@pytest.mark.parametrize("level", LEVELS)
def test_indices_of_units_are_those_of_r(census, level):
    known = pd.DataFrame(answers("clusters")["units"][str(level)]).T
    found = industry_indices(census, of="unit", level=level).set_index("unit_id")
    for name in known.columns:
        np.testing.assert_allclose(found[name], known[name], rtol=RTOL, err_msg=name)


@pytest.mark.parametrize("level", LEVELS)
def test_counts_are_those_of_r(census, level):
    known = answers("clusters")["clusters"][str(level)]
    rule = ClusterRule(min_firms=5, min_employees=50)
    found = count_clusters(census, level=level, rule=rule)
    assert found.set_index("unit_id")["clusters"].to_dict() == known
    assert found["clusters"].sum() > 0
    listed = count_clusters(census, level=level, rule=rule, by="code")
    assert listed.groupby("unit_id")["clusters"].sum().to_dict() == known


def test_law_of_g_under_chance_is_what_enumeration_gives():
    known = answers("clusters")["enumerated"]
    z, x = np.array(known["z"]), np.array(known["x"])
    plants = np.array([(z**2).sum()]), np.array([(z**4).sum()])
    places = np.array([(x**2).sum()]), np.array([(x**3).sum()])
    out = ellison_glaeser(np.array([known["mean"]]), plants, places)
    np.testing.assert_allclose(out.gamma, 0, atol=1e-12)  # unbiased
    scale = (1 - places[0]) * (1 - plants[0])
    expected = np.sqrt(known["variance"]) / scale
    np.testing.assert_allclose(out.std_error, expected, rtol=RTOL)


def test_gamma_finds_what_was_planted():
    """Clusters of plants that choose one place together with probability gamma."""
    rng = np.random.default_rng(11)
    planted, rows = {"1310": 0.0, "1713": 0.1, "3411": 0.4}, []
    base = rng.integers(0, 60, 40_000)  # other industries: what x is made of
    rows.append(pd.DataFrame({"place": base, "industry": "9999"}))
    for code, gamma in planted.items():
        for k in range(40):  # forty sub-codes of each, to average over
            own, lead = rng.integers(0, 60, 200), rng.integers(0, 60)
            place = np.where(rng.uniform(size=200) < np.sqrt(gamma), lead, own)
            name = f"{code[:2]}{k:02d}"
            rows.append(pd.DataFrame({"place": place, "industry": name}))
    table = pd.concat(rows, ignore_index=True)
    table["unit_id"] = table["place"].map("{:02d}".format)
    table["employees"] = rng.integers(5, 30, len(table))
    found = industry_indices(table, level=4)
    mean = found.groupby(found["code"].str[:2])["ellison_glaeser"].mean()
    # Forty draws each: within four Monte Carlo errors.
    error = found.groupby(found["code"].str[:2])["ellison_glaeser"].std() / np.sqrt(40)
    for code, gamma in planted.items():
        assert abs(mean[code[:2]] - gamma) < 4 * error[code[:2]] + 0.003, code
    null = found[found["code"].str.startswith("13")]["statistic"]
    assert 0.6 < null.std() < 1.4


# ------------------------------------------------------------------ what comes back


def test_units_without_firms_have_no_clusters():
    table = firms("aab", ["131", "131", "171"])
    found = count_clusters(table, rule=ANY, units=["c", "b", "a"])
    assert found["unit_id"].tolist() == ["c", "b", "a"]
    assert found["clusters"].tolist() == [0, 1, 1]
    assert found["firms"].tolist() == [0, 1, 2]
    frame = pd.DataFrame(index=pd.Index(["a", "b", "c"], name="unit_id"))
    assert count_clusters(table, rule=ANY, units=frame)["clusters"].sum() == 2
    listed = count_clusters(table, rule=ANY, units=["a", "b", "c"], by="code")
    assert len(listed) == 6
    assert listed.query("unit_id == 'c'")["clusters"].tolist() == [0, 0]
    with pytest.warns(GeoPovertyWarning, match="1 of 3 firms are not"):
        quotient = location_quotients(table, units=["a", "c"], on_unknown="drop")
    assert quotient.query("unit_id == 'c'")["quotient"].isna().all()


def test_several_levels_come_together(census):
    rule = ClusterRule(min_firms=5, min_employees=50)
    wide = count_clusters(census, level=(4, 2), rule=rule)
    assert [c for c in wide if c.startswith("clusters")] == ["clusters_2", "clusters_4"]
    long = count_clusters(census, level=(4, 2), rule=rule, by="code")
    assert list(long) == ["unit_id", "level", "code", "clusters"]
    for level in (2, 4):
        alone = count_clusters(census, level=level, rule=rule, by="code")
        part = long[long["level"] == level].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone, check_flags=False)
        assert wide[f"clusters_{level}"].sum() == alone["clusters"].sum()
    order = long.sort_values(["unit_id", "level", "code"], ignore_index=True)
    pd.testing.assert_frame_equal(long, order, check_flags=False)


def test_clusters_of_a_level_by_fewer_digits(census):
    rule = ClusterRule(min_firms=3, min_employees=0)
    fine = count_clusters(census, level=4, rule=rule, by="code")
    by_two = count_clusters(census, level=4, rule=rule, by=2)
    summed = fine.groupby(["unit_id", fine["code"].str[:2]])["clusters"].sum()
    assert by_two["clusters"].tolist() == summed.tolist()
    assert by_two["level"].unique().tolist() == [2]
    assert by_two["clusters"].max() > 1


def test_periods_are_measured_by_themselves(census):
    other = census.assign(employees=census["employees"].to_numpy()[::-1])
    both = pd.concat([other.assign(year=2008), census.assign(year=2004)])
    columns = FirmColumns(period="year")
    rule = ClusterRule(min_firms=5, min_employees=50)
    for function, options in (
        (count_clusters, {"rule": rule}),
        (count_clusters, {"rule": rule, "by": "code", "level": LEVELS}),
        (location_quotients, {"level": LEVELS}),
        (industry_indices, {"level": LEVELS}),
        (industry_indices, {"of": "unit", "level": LEVELS}),
    ):
        found = function(both, columns=columns, **options)
        assert found["period"].is_monotonic_increasing
        for year, part in ((2004, census), (2008, other)):
            alone = function(part, **options)
            here = found[found["period"] == year].drop(columns="period")
            pd.testing.assert_frame_equal(
                here.reset_index(drop=True), alone, check_flags=False
            )


def test_letters_stay_before_the_digits():
    table = firms("aab", ["C1310", "C1713", "B0610"])
    assert set(location_quotients(table, level=2)["code"]) == {"C13", "C17", "B06"}


def test_a_rule_is_all_of_its_thresholds():
    table = firms("a" * 4 + "b" * 8, ["131"] * 4 + ["171"] * 4 + ["341"] * 4)
    counted = {
        "all": ClusterRule(1.25, 4, 40, 0.5),
        "quotient": ClusterRule(1.6, 4, 40, 0.5),
        "firms": ClusterRule(1.25, 5, 40, 0.5),
        "employees": ClusterRule(1.25, 4, 41, 0.5),
        "share": ClusterRule(1.25, 4, 40, 0.51),
    }
    found = {k: count_clusters(table, rule=r)["clusters"] for k, r in counted.items()}
    assert {k: v.tolist() for k, v in found.items()} == {
        "all": [1, 2],
        "quotient": [1, 0],
        "firms": [0, 0],
        "employees": [0, 0],
        "share": [1, 0],
    }


def test_quotients_may_count_firms():
    table = firms("aab", ["131", "171", "171"], [98, 1, 1])
    found = location_quotients(table, measure="firms")
    assert found["quotient"].round(6).tolist() == [1.5, 0.75, 0, 1.5]
    by_firms = ClusterRule(1.2, 1, 0, measure="firms")
    assert count_clusters(table, rule=by_firms)["clusters"].tolist() == [1, 1]


def test_what_has_nothing_is_missing_not_zero():
    table = firms("aabc", ["131", "171", "171", "341"], [5, 5, 5, 0])
    found = location_quotients(table).set_index(["unit_id", "code"])
    assert np.isnan(found.loc[("c", "341"), "share"])
    assert np.isnan(found.loc[("a", "341"), "quotient"])
    industries = industry_indices(table).set_index("code")
    assert industries.loc["341", "firms"] == 1
    assert industries.loc["341", ["herfindahl", "ellison_glaeser"]].isna().all()
    assert np.isnan(industries.loc["131", "ellison_glaeser"])  # one plant
    units = industry_indices(table, of="unit", units=list("abcd")).set_index("unit_id")
    assert units.loc[["c", "d"], ["herfindahl", "theil", "krugman"]].isna().all(None)
    assert units["industries"].tolist() == [2, 1, 0, 0]


def test_large_money_does_not_overflow(census):
    columns = FirmColumns(output="output")
    small = industry_indices(census, measure="output", columns=columns)
    large = census.assign(output=census["output"] * 1e100)
    big = industry_indices(large, measure="output", columns=columns)
    names = ["ellison_glaeser", "std_error", "plant_herfindahl"]
    np.testing.assert_allclose(big[names], small[names], rtol=1e-9)


def test_origin_and_rule_travel_with_the_table(census):
    before = census.copy()
    found = count_clusters(census)
    assert found.attrs["status"] == "simulated"
    assert found.attrs["licence"] == "CC0"
    assert found.attrs["title"] == "Clusters; from Made-up census"
    assert found.attrs["rule"]["min_quotient"] == 1.25
    assert location_quotients(census).attrs["status"] == "simulated"
    assert industry_indices(census).attrs["status"] == "simulated"
    assert cluster_sensitivity(census).attrs["status"] == "simulated"
    assert "status" not in count_clusters(firms("ab", ["131", "171"])).attrs
    pd.testing.assert_frame_equal(census, before)


def test_sensitivity_counts_under_each_rule(census):
    rules = [ClusterRule(1.25, 5, 50), ClusterRule(2, 5, 50), ClusterRule(50, 5, 50)]
    found = cluster_sensitivity(census, rules=rules)
    for rule, row in zip(rules, found.itertuples(), strict=True):
        counts = count_clusters(census, rule=rule)["clusters"]
        assert row.clusters == counts.sum()
        assert row.units_with == (counts > 0).sum()
        assert row.max == counts.max()
    first, second = (count_clusters(census, rule=r)["clusters"] for r in rules[:2])
    expected = first.corr(second, method="spearman")
    assert found["rank_correlation"][0] == pytest.approx(1)
    assert found["rank_correlation"][1] == pytest.approx(expected)
    assert np.isnan(found["rank_correlation"][2])
    usual = cluster_sensitivity(census)
    assert len(usual) == 15
    assert usual.iloc[0]["min_quotient"] == 1.25
    mixed = [ClusterRule(), ClusterRule(measure="firms")]
    assert len(cluster_sensitivity(census, rules=mixed)) == 2


# ------------------------------------------------------------------ laws

FIRM = st.tuples(
    st.sampled_from("abcd"),
    st.sampled_from(["1310", "1320", "1713", "3411"]),
    st.integers(0, 50),
)
TABLES = st.lists(FIRM, min_size=3, max_size=40).filter(
    lambda rows: sum(r[2] for r in rows) > 0
)


def drawn(rows: list[tuple[str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["unit_id", "industry", "employees"])


@LAW
@given(TABLES, st.randoms(use_true_random=False))
def test_order_of_firms_does_not_matter(rows, random):
    mixed = list(rows)
    random.shuffle(mixed)
    for function in (count_clusters, location_quotients, industry_indices):
        pd.testing.assert_frame_equal(
            function(drawn(rows)), function(drawn(mixed)), rtol=1e-9, atol=1e-12
        )


@LAW
@given(TABLES)
def test_quotients_average_to_one(rows):
    """Weighted by the size of units, the quotients of an industry have mean 1."""
    table = drawn(rows)
    found = location_quotients(table)
    size = table.groupby("unit_id")["employees"].sum()
    weight = size[found["unit_id"]].to_numpy() / size.sum()
    mean = (found["quotient"].fillna(0) * weight).groupby(found["code"]).sum()
    has = found.groupby("code")["employees"].sum() > 0
    np.testing.assert_allclose(mean[has], 1)
    shares = found.groupby("unit_id")["share"].sum()
    np.testing.assert_allclose(shares[size[shares.index] > 0], 1)


@LAW
@given(TABLES)
def test_indices_stay_in_their_ranges(rows):
    for of in ("industry", "unit"):
        found = industry_indices(drawn(rows), of=of).dropna(subset="herfindahl")
        assert found["herfindahl"].between(0.25 - 1e-9, 1 + 1e-9).all()
        assert found["krugman"].between(0, 2).all()
        assert (found["theil"] >= 0).all()
    industry = industry_indices(drawn(rows)).dropna(subset="ellison_glaeser")
    assert (industry["ellison_glaeser"] <= 1 + 1e-9).all()


@LAW
@given(TABLES)
def test_coarser_industries_hold_all_firms(rows):
    table = drawn(rows)
    for level in LEVELS:
        found = industry_indices(table, level=level)
        assert found["firms"].sum() == len(table)
        assert found["employees"].sum() == table["employees"].sum()


@LAW
@given(TABLES, st.floats(0.2, 3), st.integers(1, 4))
def test_a_stricter_rule_never_counts_more(rows, quotient, least):
    loose = ClusterRule(quotient, least, 0)
    for strict in (ClusterRule(quotient * 1.5, least, 0), ClusterRule(quotient, 9, 0)):
        table = drawn(rows)
        more = count_clusters(table, rule=loose)["clusters"]
        assert (count_clusters(table, rule=strict)["clusters"] <= more).all()


# ------------------------------------------------------------------ density and others


def test_density_of_firms_and_of_units():
    table = pd.DataFrame({"unit_id": list("aabc"), "output": [3.0, 1.0, 5.0, 0.0]})
    areas = pd.Series({"c": 1.0, "b": 2.0, "a": 8.0})
    found = economic_density(table, areas)
    assert found["unit_id"].tolist() == ["c", "b", "a"]
    assert found["economic_density"].tolist() == [0, 2.5, 0.5]
    waves = pd.concat([table.assign(year=2008), table.assign(year=2004)])
    found = economic_density(waves, areas, period="year")
    assert found["period"].tolist() == [2004] * 3 + [2008] * 3
    assert found["economic_density"].tolist() == [0, 2.5, 0.5] * 2


def test_areas_are_measured_on_an_equal_area_projection():
    square = gpd.GeoDataFrame(
        index=pd.Index(["a", "b"], name="unit_id"),
        geometry=[box(0, 0, 1, 1), box(0, 60, 1, 61)],
        crs=4326,
    )
    square.attrs = {"status": "measured", "title": "Squares"}
    table = pd.DataFrame({"unit_id": ["a", "b"], "output": [1.0, 1.0]})
    table.attrs = {"status": "simulated"}
    found = economic_density(table, square)
    # pyproj.Geod on WGS 84, edges cut into thousandths of a degree (km2).
    np.testing.assert_allclose(found["area_km2"], [12308.464, 6123.141], rtol=1e-6)
    assert found.attrs["status"] == "simulated"
    assert "Squares" in found.attrs["title"]


def test_absent_units_are_asked_about():
    table = pd.DataFrame({"unit_id": ["a"], "output": [2.0]})
    areas = pd.Series({"a": 1.0, "b": 2.0})
    with pytest.raises(InputError, match=r"1 of 2 have none \(b\)\. Use absent='zero'"):
        economic_density(table, areas)
    zero = economic_density(table, areas, absent="zero")
    assert zero["economic_density"].tolist() == [2, 0]
    assert economic_density(table, areas, absent="drop")["unit_id"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("table", "areas", "message"),
    [
        ({"unit_id": ["z"]}, {"a": 1.0}, "needs an area; 1 of 1 rows breaks"),
        ({"output": [-1.0]}, {"a": 1.0}, "'output' must be 0 or above"),
        ({"output": [np.nan]}, {"a": 1.0}, "'output' must be a finite number"),
        ({}, {"a": 0.0}, "area of a unit must be above 0"),
        ({"unit_id": [1]}, {"a": 1.0}, "unit ids must be text"),
    ],
)
def test_bad_densities(table, areas, message):
    data = pd.DataFrame({"unit_id": ["a"], "output": [1.0], **table})
    with pytest.raises(InputError, match=message):
        economic_density(data, pd.Series(areas))


def test_areas_must_be_areas():
    data = pd.DataFrame({"unit_id": ["a"], "output": [1.0]})
    with pytest.raises(InputError, match="a Series of square kilometres or boundaries"):
        economic_density(data, {"a": 1.0})
    with pytest.raises(InputError, match="absent must be one of"):
        economic_density(data, pd.Series({"a": 1.0}), absent="keep")
    flat = gpd.GeoDataFrame(index=["a"], geometry=[box(0, 0, 1, 1)])
    with pytest.raises(InputError, match="must say their coordinate system"):
        economic_density(data, flat)
    with pytest.raises(InputError, match="their period; 1 of 1 rows"):
        economic_density(data.assign(year=[None]), pd.Series({"a": 1.0}), period="year")


def test_upgrading_runs_from_one_to_three():
    table = pd.DataFrame(
        {
            "unit_id": list("abc"),
            "primary": [1.0, 0, 2],
            "secondary": [0, 0, 2],
            "tertiary": [0, 4.0, 2],
        }
    )
    found = upgrading_index(table)
    assert found["upgrading_index"].tolist() == [1, 3, 2]
    scaled = table.assign(**{c: table[c] * 7 for c in table.columns[1:]})
    assert upgrading_index(scaled)["upgrading_index"].tolist() == [1, 3, 2]
    with pytest.raises(InputError, match="add up to more than 0; 1 of 3"):
        upgrading_index(
            table.assign(primary=[1, 0, 0], secondary=0, tertiary=[1, 1, 0])
        )
    with pytest.raises(InputError, match="must stand once"):
        upgrading_index(pd.concat([table, table]))
    twice = pd.concat([table.assign(year=2004), table.assign(year=2008)])
    assert len(upgrading_index(twice, period="year")) == 6
    with pytest.raises(InputError, match="sectors must name three columns"):
        upgrading_index(table, sectors=("primary", "secondary"))
    with pytest.raises(InputError, match="needs the column services"):
        upgrading_index(table, sectors=("primary", "secondary", "services"))


def test_integration_is_per_head():
    table = pd.DataFrame(
        {
            "unit_id": ["a", "b"],
            "machinery_power": [10.0, 0.0],
            "services_output": [4.0, 1.0],
            "population": [2, 4],
        }
    )
    found = integration_indices(table)
    assert found["integration_1_2"].tolist() == [5, 0]
    assert found["integration_1_3"].tolist() == [2, 0.25]
    with pytest.raises(InputError, match="'population' must be above 0; 1 of 2"):
        integration_indices(table.assign(population=[0, 1]))
    with pytest.raises(InputError, match="'services_output' must be 0 or above"):
        integration_indices(table.assign(services_output=[-1, 1]))


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([810, 1310], r"must be text; 'industry' holds integer.*dtype=\{'industry': "),
        ([810.0, 1310.0], r"leading zeros are lost .*\.zfill\(4\)"),
        (["1310", 171], "Industry codes must be text"),
        (["1310", None], "All firms need a value in 'industry'"),
        (["13", "17"], "At level 3 every industry code needs at least 3 digits; 2 of"),
        (["13", "131"], r"of one level; .*\(13 and 131\).*\.str\[:2\]"),
        (["C131", "C1310"], r"\(C131 and C1310\).*\.str\[:4\]"),
        (["C131", "171"], "must all have a letter or none; 1 of 2 codes have one"),
        (["C131", "D132"], "belong to one letter; in 'industry' 1 have several"),
        (["131.0", "171.0"], "after one capital letter at most; .*were numbers"),
        (["13 1", "171"], r"1 of 2 codes break this \('13 1'\)\. Take out dots"),
        (["c131", "c171"], "one capital letter at most"),
        (["", "171"], "one capital letter at most"),
        (["١٣١", "171"], "must be digits"),
    ],
)
def test_bad_codes(codes, message):
    with pytest.raises(InputError, match=message):
        count_clusters(firms("ab", codes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"employees": [-1, 2]}, r"'employees' must be 0 or above; 1 of 2 firms"),
        ({"employees": [np.nan, 2]}, "'employees' must be a finite number; 1 of 2"),
        ({"employees": [np.inf, 2]}, "'employees' must be a finite number; 1 of 2"),
        ({"employees": ["many", 2]}, "'employees' must be a finite number; 1 of 2"),
        ({"employees": [0, 0]}, "Some firm must have employees above 0; all 2"),
        ({"unit_id": [1, 2]}, "unit ids must be text"),
        ({"unit_id": ["a", None]}, "need a value in 'unit_id', their unit id; 1 of 2"),
        ({"unit_id": ["a", ""]}, "every row needs a unit id; 1 of 2"),
    ],
)
def test_bad_firms(change, message):
    table = firms("ab", ["131", "171"]).assign(**change)
    with pytest.raises(InputError, match=message):
        count_clusters(table)


def test_firms_in_unknown_counties_are_counted_and_listed():
    table = firms("aabzzy", ["131"] * 6)
    with pytest.raises(
        InputError, match=r"3 of 6 firms are not, but in 2 others \(z: 2, y: 1\)"
    ):
        count_clusters(table, units=["a", "b"])
    with pytest.warns(GeoPovertyWarning, match="3 of 6 firms are not.*left out"):
        found = count_clusters(table, rule=ANY, units=["a", "b"], on_unknown="drop")
    assert found["firms"].tolist() == [2, 1]
    assert "z: 2, y: 1" in found.attrs["notes"][0]
    with pytest.raises(InputError, match="No firm is left"):
        count_clusters(table, units=["q"], on_unknown="drop")


def test_unknown_codes_are_counted_and_listed():
    table = firms("aaab", ["131", "131", "999", "171"])
    with pytest.raises(InputError, match=r"1 of 4 firms are not, .*\(999: 1\)"):
        count_clusters(table, known=["131", "171"])
    with pytest.warns(GeoPovertyWarning, match="an industry of known="):
        found = location_quotients(table, known=["131", "171"], on_unknown="drop")
    assert set(found["code"]) == {"131", "171"}
    with pytest.raises(InputError, match="on_unknown must be one of 'raise', 'drop'"):
        count_clusters(table, on_unknown="ignore")


def test_equal_rows_are_different_firms():
    once, twice = firms("ab", ["131", "171"]), firms("aabb", ["131"] * 2 + ["171"] * 2)
    assert count_clusters(twice)["firms"].tolist() == [2, 2]
    plants = industry_indices(twice)["plant_herfindahl"].tolist()
    assert plants == [0.5, 0.5]
    assert industry_indices(once)["plant_herfindahl"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 5}, "level must be 2, 3 or 4"),
        ({"level": ()}, "level must be 2, 3 or 4"),
        ({"level": True}, "level must be 2, 3 or 4"),
        ({"by": "industry"}, "by must be one of 'unit', 'code'"),
        ({"by": 2, "level": (3, 4), "firms": ["1311", "1711"]}, "by=2 lists"),
        ({"by": 4}, "by=4 lists the clusters of one level"),
        ({"units": ["a", "a", "b"]}, "unit ids must be unique"),
        ({"columns": FirmColumns(industry="code")}, "needs the column code"),
        ({"rule": ClusterRule(measure="output")}, "name its column"),
    ],
)
def test_bad_options(options, message):
    table = firms("ab", options.pop("firms", ["131", "171"]))
    with pytest.raises(InputError, match=message):
        count_clusters(table, **options)


def test_other_bad_options():
    table = firms("ab", ["131", "171"])
    with pytest.raises(InputError, match="at least one firm"):
        count_clusters(table.iloc[:0])
    with pytest.raises(InputError, match="firms must be a DataFrame; got list"):
        count_clusters([])
    with pytest.raises(InputError, match="their period; 1 of 2 firms"):
        count_clusters(table.assign(year=[1, None]), columns=FirmColumns(period="year"))
    with pytest.raises(InputError, match="must name different columns"):
        FirmColumns(industry="unit_id")
    with pytest.raises(InputError, match="of must be one of 'industry', 'unit'"):
        industry_indices(table, of="county")
    with pytest.raises(InputError, match="measure must be one of"):
        location_quotients(table, measure="jobs")
    with pytest.raises(InputError, match="at least one ClusterRule"):
        cluster_sensitivity(table, rules=[])
    with pytest.raises(InputError, match="takes one level"):
        cluster_sensitivity(table, level=(2, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_quotient": 0}, "min_quotient must be above 0; got 0"),
        ({"min_firms": 0}, "min_firms must be 1 or more"),
        ({"min_employees": -1}, "min_employees must be 0 or more"),
        ({"min_share": 1}, "min_share must be from 0 to below 1"),
        ({"min_share": np.nan}, "min_share must be from 0 to below 1"),
        ({"measure": "jobs"}, "measure must be one of"),
    ],
)
def test_bad_rules(options, message):
    with pytest.raises(InputError, match=message):
        ClusterRule(**options)


@pytest.mark.parametrize("kind", ["category", "string", "string[pyarrow]"])
def test_other_kinds_of_text_columns(census, kind):
    typed = census.astype({"unit_id": kind, "industry": kind})
    for function in (count_clusters, industry_indices):
        pd.testing.assert_frame_equal(
            function(typed), function(census), check_flags=False
        )

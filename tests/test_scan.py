"""One model an industry, with p-values adjusted for their number."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW, result
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from known import answers

import geopoverty as gp
from geopoverty.clusters import ClusterRule, FirmColumns, count_clusters
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.scan import industry_scan
from geopoverty.numerics.multiplicity import benjamini_hochberg, holm
from geopoverty.results import Result

UNITS = [f"{i:03d}" for i in range(240)]


def counts_of(values: dict[str, np.ndarray], units=UNITS) -> pd.DataFrame:
    table = pd.DataFrame({"unit_id": list(units), **values})
    long = table.melt("unit_id", var_name="code", value_name="clusters")
    long["level"] = long["code"].str.len()
    long.attrs = {"title": "Made-up census", "status": "simulated"}
    return long


@pytest.fixture(scope="module")
def study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sixty industries without any effect, one with, and two that cannot be had."""
    rng = np.random.default_rng(2024)
    values = {f"{i:03d}": rng.binomial(1, 0.3, 240) for i in range(100, 160)}
    values["999"] = rng.binomial(1, 0.4, 240)
    values["170"] = np.r_[1, 1, np.zeros(238, dtype=int)]
    values["171"] = np.ones(240, dtype=int)
    rows = np.repeat(np.arange(240), 4)
    age = rng.normal(size=len(rows))
    index = 0.3 * age - 1.2 * values["999"][rows]
    homes = pd.DataFrame(
        {
            "unit_id": np.array(UNITS, dtype=object)[rows],
            "age": age,
            "poor": (rng.uniform(size=len(rows)) < 1 / (1 + np.exp(-index))).astype(
                int
            ),
        }
    )
    order = rng.permutation(len(homes))
    return homes.iloc[order].reset_index(drop=True), counts_of(values)


def model(part: pd.DataFrame) -> Result:
    return gp.logit("poor ~ clusters + age", part, vcov="cluster")


@pytest.fixture(scope="module")
def scan(study) -> Result:
    return industry_scan(model, *study, workers=2)


# ------------------------------------------------------------------ adjusted p-values


def test_adjusted_p_values_are_those_of_r():
    known = answers("clusters")["p_adjust"]
    p, holms, bh = (np.array(known[k], dtype=float) for k in ("p", "holm", "bh"))
    np.testing.assert_allclose(holm(p), holms, rtol=1e-14)
    np.testing.assert_allclose(benjamini_hochberg(p), bh, rtol=1e-14)


PVALUES = arrays.arrays(
    float,
    st.integers(1, 30),
    elements=st.one_of(st.floats(0, 1), st.just(np.nan), st.sampled_from([0.01, 0.5])),
)


@LAW
@given(PVALUES)
def test_adjustment_keeps_order_and_raises(p):
    for adjust in (holm, benjamini_hochberg):
        q = adjust(p)
        tested = ~np.isnan(p)
        assert (np.isnan(q) == ~tested).all()
        assert (q[tested] >= p[tested] - 1e-15).all()
        assert (q[tested] <= 1).all()
        order = np.argsort(p[tested])
        assert (np.diff(q[tested][order]) >= -1e-15).all()
    assert (holm(p)[tested] >= benjamini_hochberg(p)[tested] - 1e-12).all()
    if tested.sum() == 1:
        np.testing.assert_allclose(holm(p), p)


def test_false_discoveries_are_controlled():
    rng = np.random.default_rng(5)
    share, any_false = [], []
    for _ in range(500):
        z = rng.normal(size=60)
        z[:10] += 3.5
        p = 2 * (1 - _normal_cdf(np.abs(z)))
        found = benjamini_hochberg(p) < 0.1
        share.append(found[10:].sum() / max(found.sum(), 1))
        any_false.append((holm(p)[10:] < 0.1).any())
    # 50 of 60 are null: expected 0.083 with a Monte Carlo error of 0.004.
    assert 0.06 < np.mean(share) < 0.1
    assert np.mean(any_false) < 0.1 + 0.04


def _normal_cdf(z: np.ndarray) -> np.ndarray:
    from scipy import stats

    return stats.norm.cdf(z)


# ------------------------------------------------------------------ the scan


def test_the_planted_industry_is_found_and_no_other(scan):
    table = scan.tables["scan"].set_index("code")
    assert table.loc["999", "p_holm"] < 0.001
    assert table.loc["999", "estimate"] == pytest.approx(-1.2, abs=0.45)
    others = table.drop("999")
    assert (others["p_value"] < 0.05).sum() >= 1  # what the raw p-values pretend
    assert (others["p_bh"] < 0.05).sum() == 0
    families = scan.tables["families"].iloc[0]
    assert families[["n_codes", "n_tests"]].tolist() == [63, 61]
    assert families["bh_below_05"] == families["holm_below_05"] == 1


def test_every_code_is_in_the_table_with_its_reason(study, scan):
    table = scan.tables["scan"]
    codes = sorted(study[1]["code"].unique())
    assert table["code"].tolist() == codes
    lost = table.set_index("code").loc[["170", "171"]]
    assert lost["estimate"].isna().all()
    assert lost["n_units_with"].tolist() == [2, 240]
    assert lost.loc["170", "note"].startswith("Not fitted: 2 units have a cluster")
    assert "0 another count than the commonest" in lost.loc["171", "note"]
    assert (table.drop(lost.index, errors="ignore")["level"] == 3).all()
    assert any("2 of 63 codes have no fit (170, 171)" in n for n in scan.notes)
    assert scan.facts["n_fitted"] == 61


def test_each_row_is_the_fit_of_that_code(study, scan):
    homes, counts = study
    own = counts[counts["code"] == "999"].set_index("unit_id")["clusters"]
    with_count = homes.assign(clusters=homes["unit_id"].map(own))
    alone = model(with_count).tidy().set_index("term").loc["clusters"]
    row = scan.tables["scan"].set_index("code").loc["999"]
    for name in ("estimate", "std_error", "statistic", "p_value"):
        assert row[name] == alone[name]
    assert scan.estimates["999: clusters"] == alone["estimate"]
    assert np.sqrt(scan.vcov.loc["999: clusters", "999: clusters"]) == pytest.approx(
        alone["std_error"]
    )
    assert scan.vcov.isna().to_numpy().sum() == 61 * 60
    assert any("Covariances between industries" in n for n in scan.notes)


def test_number_of_workers_does_not_matter(study, scan):
    one = industry_scan(model, *study, workers=1)
    pd.testing.assert_frame_equal(one.tables["scan"], scan.tables["scan"])
    pd.testing.assert_series_equal(one.estimates, scan.estimates)
    assert one.notes == scan.notes
    assert one.provenance["data_hash"] == scan.provenance["data_hash"]


def test_order_of_rows_does_not_matter(study, scan):
    homes, counts = study
    part = counts[counts["code"] < "110"].sample(frac=1, random_state=1)
    other = industry_scan(model, homes, part, workers=1).tables["scan"]
    plain = ["code", "term", "estimate", "std_error", "p_value", "n_units_with"]
    whole = scan.tables["scan"].query("code < '110'")
    pd.testing.assert_frame_equal(other[plain], whole[plain])


def test_origin_notes_and_file(scan, tmp_path):
    assert scan.provenance["data"] == [
        {"title": "Made-up census", "status": "simulated"}
    ]
    assert scan.provenance["formula"] == "poor ~ clusters + age"
    scan.save(tmp_path / "scan.zip")
    back = Result.load(tmp_path / "scan.zip")
    pd.testing.assert_frame_equal(back.tables["scan"], scan.tables["scan"])
    assert np.isfinite(scan.tidy()["std_error"]).all()
    assert scan.units["clusters_3"].sum() > 0


def test_the_input_stays_as_it_is(study):
    homes, counts = study
    before, counted = homes.copy(), counts.copy()
    part = counts[counts["code"].isin(["100", "101"])]
    industry_scan(model, homes, part, workers=2)
    pd.testing.assert_frame_equal(homes, before)
    pd.testing.assert_frame_equal(counts, counted)


def test_lags_come_from_the_counts_of_all_counties():
    """Households live in some of the counties only."""
    rng = np.random.default_rng(3)
    units = UNITS[:80]
    times = gp.TravelTimes(units, rng.uniform(5, 200, (80, 80)), "simulated")
    weights = gp.travel_weights(times, k=5)
    counts = counts_of(
        {"131": rng.binomial(1, 0.4, 80), "171": rng.binomial(1, 0.4, 80)}, units
    )
    homes = pd.DataFrame({"unit_id": np.repeat(units[:60], 10)})
    homes["poor"] = rng.binomial(1, 0.4, 600)

    def spillover(part: pd.DataFrame, counties: pd.DataFrame) -> Result:
        return gp.logit(
            "poor ~ clusters + W(clusters)", part, weights=weights, unit_data=counties
        )

    found = industry_scan(spillover, homes, counts)
    table = found.tables["scan"]
    assert table["term"].tolist() == ["clusters", "W(clusters)"] * 2
    assert found.tables["families"]["n_tests"].tolist() == [2, 2]
    own = counts[counts["code"] == "131"].set_index("unit_id")["clusters"]
    lag = pd.Series(weights.lag(own.loc[weights.units].to_numpy()), weights.units)
    plain = homes.assign(
        clusters=homes["unit_id"].map(own), lag=homes["unit_id"].map(lag)
    )
    alone = gp.logit("poor ~ clusters + lag", plain, vcov="cluster")
    np.testing.assert_allclose(
        found.estimates[["131: clusters", "131: W(clusters)"]],
        alone.estimates[["clusters", "lag"]],
        rtol=1e-8,
    )
    # Within a code the covariance is known, and kept.
    assert np.isfinite(found.vcov.loc["131: clusters", "131: W(clusters)"])


def test_families_are_levels_and_terms(study):
    homes, counts = study
    fine = counts[counts["code"].isin(["100", "101", "999"])]
    coarse = fine.assign(code=fine["code"].str[:2], level=2)
    coarse = coarse.groupby(["unit_id", "level", "code"], as_index=False)[
        "clusters"
    ].sum()
    both = pd.concat([fine, coarse], ignore_index=True)
    found = industry_scan(model, homes, both, terms=["clusters", "age"])
    table = found.tables["scan"]
    assert table["level"].is_monotonic_increasing
    for (_, term), part in table.groupby(["level", "term"]):
        np.testing.assert_allclose(part["p_holm"], holm(part["p_value"].to_numpy()))
        assert term in ("clusters", "age")
    assert set(found.tables["families"]["n_tests"]) == {2, 3}


def test_from_firms_to_scan_over_periods():
    rng = np.random.default_rng(17)
    n = 6000
    firms = pd.DataFrame(
        {
            "unit_id": np.array(UNITS[:60], dtype=object)[rng.integers(0, 60, n)],
            "industry": np.array(["1310", "1713", "3411"], dtype=object)[
                rng.integers(0, 3, n)
            ],
            "employees": rng.integers(1, 40, n),
            "year": rng.choice([2004, 2008], n),
        }
    )
    counts = count_clusters(
        firms,
        by="code",
        rule=ClusterRule(1.1, 5, 50),
        columns=FirmColumns(period="year"),
        units=UNITS[:60],
    )
    homes = pd.DataFrame(
        {"unit_id": np.repeat(UNITS[:60], 8), "year": np.tile([2004, 2008], 240)}
    )
    homes["poor"] = rng.binomial(1, 0.5, 480)
    found = industry_scan(
        lambda t: gp.logit("poor ~ clusters", t), homes, counts, period="year"
    )
    assert found.tables["scan"]["code"].tolist() == ["131", "171", "341"]
    assert found.facts["n_fitted"] == 3
    assert "period" in found.units
    with pytest.raises(InputError, match="has periods, but period=None"):
        industry_scan(lambda t: gp.logit("poor ~ clusters", t), homes, counts)
    with pytest.raises(InputError, match="has no periods, but period='year'"):
        industry_scan(
            lambda t: gp.logit("poor ~ clusters", t),
            homes,
            counts[counts["period"] == 2004].drop(columns="period"),
            period="year",
        )
    with pytest.raises(InputError, match="unit_id and year of the data needs a count"):
        industry_scan(
            lambda t: gp.logit("poor ~ clusters", t),
            homes.assign(year=homes["year"] + 1),
            counts,
            period="year",
        )


def test_panels_and_their_t_tests_are_scanned_in_threads(study):
    """An estimator that sets filters of warnings itself, from two threads at once."""
    counts = study[1]
    rng = np.random.default_rng(9)
    rows = pd.DataFrame({"unit_id": np.repeat(UNITS, 3), "period": [1, 2, 3] * 240})
    rows["y"] = rng.normal(size=len(rows))
    rows["x"] = rng.normal(size=len(rows))
    part = counts[counts["code"] < "110"]

    def pooled(table: pd.DataFrame) -> Result:
        return gp.panel("y ~ clusters + x", table, effects="period")

    results = [industry_scan(pooled, rows, part, workers=w) for w in (1, 2)]
    pd.testing.assert_frame_equal(*(r.tables["scan"] for r in results))
    assert results[0].facts["df_t"] == 239
    tidy = results[1].tidy()
    np.testing.assert_allclose(
        tidy["p_value"], results[1].tables["scan"]["p_value"], rtol=1e-12
    )


def test_failing_fits_are_reported_not_raised(study):
    homes, counts = study
    three = counts[counts["code"].isin(["100", "101", "102"])]

    def fragile(part: pd.DataFrame) -> Result:
        if part["clusters"].sum() == sums["100"]:
            raise EstimationError("No such luck.")
        if part["clusters"].sum() == sums["101"]:
            raise np.linalg.LinAlgError("Singular matrix")
        return result(terms=("Intercept", "clusters"), notes=("Mind.",))

    joined = three.merge(homes[["unit_id"]], on="unit_id")
    sums = joined.groupby("code")["clusters"].sum()
    assert sums.nunique() == 3
    found = industry_scan(fragile, homes, three)
    assert found.tables["scan"]["note"].tolist() == [
        "Not fitted: No such luck.",
        "Not fitted: Singular matrix",
        "",
    ]
    assert "Mind." in found.notes
    assert list(found.estimates.index) == ["102: clusters"]

    def hopeless(_: pd.DataFrame) -> Result:
        raise EstimationError("No such luck.")

    with pytest.raises(EstimationError, match=r"of 3\. 100: Not fitted: No such luck"):
        industry_scan(hopeless, homes, three)


# ------------------------------------------------------------------ bad input


def test_bad_tables_of_clusters(study):
    homes, counts = study
    two = counts[counts["code"].isin(["100", "101"])]
    bad = {
        "needs the column code, which": two.drop(columns="code"),
        "codes must be text; .* holds 100": two.assign(code=two["code"].astype(int)),
        "0 or above; 1 of 480": two.assign(
            clusters=np.r_[-1.0, two["clusters"].to_numpy()[1:]]
        ),
        "0 or above; 2 of 480": two.assign(
            clusters=np.r_[[np.nan] * 2, two["clusters"].to_numpy()[2:]]
        ),
        "2 of 482 rows are repeats": pd.concat([two, two.iloc[:2]]),
        r"1 are missing \(100 in 000\)": two.iloc[1:],
        "Every unit_id of the data needs a count": two[two["unit_id"] != "007"],
        "unit ids must be text": two.assign(unit_id=two["unit_id"].astype(int)),
    }
    for message, table in bad.items():
        with pytest.raises(InputError, match=message):
            industry_scan(model, homes, table)


@pytest.mark.parametrize(
    ("fit", "options", "message"),
    [
        (model, {"workers": 0}, "min_units and workers must be 1 or more; got 5 and 0"),
        (model, {"min_units": 0}, "min_units and workers must be 1 or more"),
        (model, {"terms": ["jobs"]}, "terms must be terms of the model; jobs are not"),
        (model, {"terms": []}, "terms must be terms of the model"),
        (model, {"unit": "county"}, "industry_scan needs the column county"),
        (
            lambda t: gp.logit("poor ~ age", t),
            {},
            "The model must hold 'clusters'; its terms are Intercept, age",
        ),
        (
            lambda t: model(t).estimates,
            {},
            "fit must return a Result; it gave a Series",
        ),
    ],
)
def test_bad_options(study, fit, options, message):
    homes, counts = study
    with pytest.raises(InputError, match=message):
        industry_scan(fit, homes, counts[counts["code"] == "100"], **options)


def test_a_column_of_clusters_is_refused(study):
    homes, counts = study
    with pytest.raises(
        InputError, match="The column 'clusters' is what the scan fills"
    ):
        industry_scan(model, homes.assign(clusters=1), counts)


def test_a_table_indexed_by_unit_will_do(study):
    homes, counts = study
    part = counts[counts["code"] == "100"]
    by_index = industry_scan(model, homes.set_index("unit_id"), part)
    by_column = industry_scan(model, homes, part)
    assert by_index.estimates.to_dict() == by_column.estimates.to_dict()

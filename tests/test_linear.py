"""Least squares against R, laws that hold for any data, and bad input."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, household_weights, table, unit_distances
from scipy import stats

from geopoverty.covariances import Cluster, Conley, WildCluster
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.linear import ols
from geopoverty.estimators.panel import panel
from geopoverty.numerics import diagnostics
from geopoverty.numerics.least_squares import (
    least_squares,
    leverages,
    robust_covariance,
)

# R solves by QR, we by refined normal equations: the same to rounding. Sandwiches
# and determinants lose a few digits more.
ESTIMATE, COVARIANCE, STATISTIC = 1e-11, 1e-9, 1e-9

FITS = list(answers("linear")["fits"])


def fitted(name, vcov="iid"):
    known = answers("linear")["fits"][name]
    if name == "weighted":
        options = {"sampling_weight": "sampling_weight", "vcov": vcov}
        return known, ols(known["formula"], table("binary"), **options)
    data = table(name)
    unit = {"mtcars": "model", "rossi": "group"}[name]
    return known, ols(known["formula"], data, unit=unit, vcov=vcov)


@pytest.mark.parametrize("name", FITS)
def test_estimates_and_fit_equal_those_of_r(name):
    known, result = fitted(name)
    assert result.estimates.tolist() == pytest.approx(
        known["coefficients"], rel=ESTIMATE
    )
    facts = result.facts
    for fact in ("r_squared", "adjusted_r_squared", "sigma", "aic", "bic"):
        assert facts[fact] == pytest.approx(known[fact], rel=STATISTIC)
    assert facts["log_likelihood"] == pytest.approx(known["log_likelihood"])
    found = [facts["f_statistic"], facts["f_df"], facts["df_t"]]
    assert found == pytest.approx(known["f"], rel=STATISTIC)
    leverage = result.tables["fitted"]["leverage"].iloc[:5]
    assert leverage.tolist() == pytest.approx(known["leverage_first_5"], rel=STATISTIC)


@pytest.mark.parametrize("vcov", ["iid", "hc0", "hc1", "hc2", "hc3"])
@pytest.mark.parametrize("name", FITS)
def test_covariances_equal_those_of_r(name, vcov):
    known, result = fitted(name, vcov)
    theirs = np.asarray(known["vcov"][vcov])
    scale = np.diag(theirs).max()
    np.testing.assert_allclose(
        result.vcov, theirs, rtol=COVARIANCE, atol=COVARIANCE * scale
    )


def test_clustered_covariances_equal_those_of_r():
    with pytest.warns(GeoPovertyWarning, match="only 36 clusters"):
        known, result = fitted("rossi", "cluster")
    theirs = np.asarray(known["vcov"]["cluster"])
    np.testing.assert_allclose(result.vcov, theirs, rtol=COVARIANCE, atol=1e-12)
    assert result.facts["df_t"] == result.facts["n_clusters"] - 1
    known, result = fitted("weighted", "cluster")
    np.testing.assert_allclose(
        result.vcov, known["vcov"]["cluster"], rtol=COVARIANCE, atol=1e-12
    )


def test_the_robust_f_test_equals_that_of_r():
    known, result = fitted("rossi", "hc3")
    facts = result.facts
    found = [facts["f_statistic"], facts["f_df"], facts["f_p_value"]]
    assert found == pytest.approx(known["f_hc3"], rel=STATISTIC)


@pytest.mark.parametrize("name", ["mtcars", "rossi"])
def test_tests_of_equal_variances_equal_those_of_r(name):
    known, result = fitted(name)
    tests = result.tables["heteroskedasticity"].set_index("test")
    for test, key in (
        ("Breusch-Pagan (studentised)", "bp"),
        ("Breusch-Pagan (normal errors)", "bp_plain"),
        ("White", "white"),
    ):
        assert tests.loc[test].tolist() == pytest.approx(known[key], rel=1e-8)


def test_published_numbers_for_rossi():
    _, result = fitted("rossi")
    tests = result.tables["heteroskedasticity"].set_index("test")["statistic"]
    assert tests["Breusch-Pagan (studentised)"] == pytest.approx(16.891910, abs=5e-7)
    vif = [1.009962, 1.170203, 1.019548, 1.272061, 1.093460, 1.038162, 1.101418]
    assert result.tables["vif"]["vif"].tolist() == pytest.approx(vif, abs=5e-7)


@pytest.mark.parametrize("name", FITS)
def test_variance_inflation_equals_that_of_r(name):
    known, result = fitted(name)
    found = result.tables["vif"][["vif", "df", "root_per_df"]].to_numpy()
    np.testing.assert_allclose(found, known["vif"]["values"], rtol=STATISTIC)


@LAW
@given(st.integers(0, 10_000), st.floats(0.1, 100), st.floats(-50, 50))
def test_scaling_and_shifting_the_outcome(seed, scale, shift):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(30, 3)), columns=["y", "a", "b"])
    moved = data.assign(y=scale * data["y"] + shift)
    shuffled = moved.sample(frac=1, random_state=seed)
    one, two = (ols("y ~ a + b", d, vcov="hc3") for d in (data, shuffled))
    expected = scale * one.estimates + np.array([shift, 0, 0])
    np.testing.assert_allclose(two.estimates, expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(two.vcov, scale**2 * one.vcov, rtol=1e-7, atol=1e-10)
    assert two.facts["r_squared"] == pytest.approx(one.facts["r_squared"], rel=1e-8)


@LAW
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_leverages_sum_to_the_number_of_columns(seed, k):
    rng = np.random.default_rng(seed)
    X, w = rng.normal(size=(20, k)), rng.uniform(0.5, 2, size=20)
    fit = least_squares(rng.normal(size=20), X, w)
    h = leverages(X, fit.bread, w)
    assert h.sum() == pytest.approx(k)
    assert ((h >= 0) & (h <= 1)).all()
    np.testing.assert_allclose(X.T @ (w * fit.residual), 0, atol=1e-10)


def test_whole_weights_are_rows_repeated():
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(12, 2)), columns=["y", "x"])
    data["times"] = rng.integers(1, 4, size=12).astype(float)
    longer = data.loc[data.index.repeat(data["times"].astype(int))]
    one = ols("y ~ x", data, sampling_weight="times")
    two = ols("y ~ x", longer.reset_index(drop=True))
    np.testing.assert_allclose(one.estimates, two.estimates, rtol=1e-12)


def test_a_lag_is_clustered_and_has_an_indirect_effect():
    homes = table("binary")
    weights = household_weights("weight_knn")
    options = {"weights": weights, "period": "period"}
    result = ols("x1 ~ clusters + W(clusters) + x2", homes, **options)
    assert result.facts["vcov"] == "clustered by unit_id"
    assert any("share its lags" in note for note in result.notes)
    effects = result.tables["effects"].set_index(["term", "effect"])["estimate"]
    # Rows of the weights sum to 1, so the spillover is the lag's coefficient.
    assert effects["clusters", "indirect"] == pytest.approx(
        result.estimates["W(clusters)"]
    )
    total = result.estimates[["clusters", "W(clusters)"]].sum()
    assert effects["clusters", "total"] == pytest.approx(total)
    assert {"unit_id", "period", "rows", "indirect(clusters)_p"} <= set(result.units)
    assert result.units["rows"].sum() == result.facts["n_obs"]


def test_conley_and_two_way_clusters():
    homes = table("binary")
    near = Conley(unit_distances(), cutoff=1e-6)
    result = ols("x1 ~ x2", homes, vcov=near)
    clustered = ols("x1 ~ x2", homes, vcov=Cluster("unit_id", "groups"))
    with pytest.warns(GeoPovertyWarning, match="clusters"):
        both = ols("x1 ~ x2", homes, vcov=Cluster(("unit_id", "period")))
    groups = clustered.facts["n_clusters"]
    # A cutoff below the shortest trip gives clusters on the unit.
    np.testing.assert_allclose(result.vcov, clustered.vcov * (groups - 1) / groups)
    assert both.facts["n_clusters"] == homes["period"].nunique()


def test_the_wild_bootstrap_is_that_of_a_pooled_panel():
    homes = table("binary")
    vcov = WildCluster("unit_id", draws=199, conf_level=None)
    mine = ols("x1 ~ x2", homes, vcov=vcov)
    rows = homes.assign(row=[f"r{i}" for i in range(len(homes))], when=1)
    theirs = panel(
        "x1 ~ x2", rows, unit="row", period="when", effects="none", vcov=vcov
    )
    pd.testing.assert_frame_equal(mine.tables["wild"], theirs.tables["wild"])
    assert any("tables['wild']" in note for note in mine.notes)


def test_robust_intervals_cover_and_plain_ones_do_not():
    # 500 samples of 200 rows whose errors grow with x; Monte Carlo error is 1 %.
    rng = np.random.default_rng(8)
    half = stats.t.ppf(0.975, 198)
    inside = {"iid": 0, "hc3": 0}
    for _ in range(500):
        x = rng.uniform(-1, 1, size=200) ** 3
        X = np.column_stack([np.ones(200), x])
        fit = least_squares(1 + 2 * x + 3 * x * rng.normal(size=200), X)
        for vcov in inside:
            error = np.sqrt(robust_covariance(fit, X, vcov)[1, 1])
            inside[vcov] += abs(fit.beta[1] - 2) <= half * error
    assert 0.92 <= inside["hc3"] / 500 <= 0.98
    assert inside["iid"] / 500 < 0.80


def test_breusch_pagan_has_its_size():
    rng = np.random.default_rng(2)
    p = []
    for _ in range(500):
        X = np.column_stack([np.ones(100), rng.normal(size=(100, 2))])
        e = least_squares(rng.normal(size=100), X).residual
        p.append(diagnostics.breusch_pagan(e, X).p_value)
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.075


def homes(**columns):
    rng = np.random.default_rng(0)
    base = {c: rng.normal(size=12) for c in ("y", "a", "b")}
    return pd.DataFrame({**base, **columns})


def test_missing_rows_are_counted_and_input_is_kept():
    data = homes()
    data.loc[2, "a"] = np.nan
    before = data.copy()
    result = ols("y ~ a", data)
    assert (result.facts["n_obs"], result.facts["n_dropped"]) == (11, 1)
    pd.testing.assert_frame_equal(data, before)


def test_data_that_are_simulated_say_so():
    data = homes()
    data.attrs["status"] = "simulated"
    assert any("Simulated" in note for note in ols("y ~ a", data).notes)


def test_fewer_rows_than_columns():
    with pytest.raises(InputError, match=r"more rows than columns; there are 3 comp"):
        ols("y ~ a + b", homes().iloc[:3])


def test_collinear_columns_are_named():
    data = homes()
    data["c"] = data["a"] + 2
    with pytest.raises(InputError, match=r"'c' is a combination of Intercept, a"):
        ols("y ~ a + c", data)


def test_a_constant_outcome():
    with pytest.raises(InputError, match="'y' must vary; it is 3 in all 12 rows"):
        ols("y ~ a", homes(y=3.0))


def test_an_unknown_covariance():
    with pytest.raises(InputError, match=r"vcov must be one of .*Did you mean 'hc3'"):
        ols("y ~ a", homes(), vcov="hc33")


def test_a_row_of_its_own_has_no_hc3():
    data = homes(only=[1.0] + [0.0] * 11)
    with pytest.raises(EstimationError, match=r"below 1 for HC3; 1 of 12 rows .*\(0\)"):
        ols("y ~ a + only", data, vcov="hc3")
    assert ols("y ~ a + only", data, vcov="hc1").facts["n_obs"] == 12


def test_a_perfect_fit_warns():
    data = homes()
    data["y"] = 1 + 2 * data["a"]
    with pytest.warns(GeoPovertyWarning, match="fit the outcome perfectly"):
        result = ols("y ~ a", data)
    assert len(result.tables["heteroskedasticity"]) == 0


def test_columns_far_from_zero():
    data = homes()
    late = data.assign(a=2020 + data["a"])
    one, two = (ols("y ~ a + b", d, vcov="hc3") for d in (data, late))
    np.testing.assert_allclose(one.estimates[1:], two.estimates[1:], rtol=1e-9)
    np.testing.assert_allclose(one.vcov.iloc[1:, 1:], two.vcov.iloc[1:, 1:], rtol=1e-6)
    tests = [f.tables["heteroskedasticity"]["statistic"] for f in (one, two)]
    np.testing.assert_allclose(*tests, rtol=1e-6)
    # Seconds since 1970: nothing is left of what varies.
    with pytest.raises(InputError, match=r"above 1e\+06 \(a vary least"):
        ols("y ~ a + b", data.assign(a=1.6e9 + 8 * data["a"]))


def test_white_is_left_out_when_its_columns_are_too_many():
    result = ols("y ~ a + b", homes().iloc[:8])
    assert "White" not in set(result.tables["heteroskedasticity"]["test"])
    assert any("White's test was left out" in note for note in result.notes)


def test_weights_that_are_not_above_zero():
    with pytest.raises(InputError, match="must be above 0; 12 of 12 rows"):
        ols("y ~ a", homes(w=0.0), sampling_weight="w")


def test_a_saved_result_comes_back(tmp_path):
    result = ols("y ~ a", homes())
    result.save(tmp_path / "fit.zip")
    again = type(result).load(tmp_path / "fit.zip")
    pd.testing.assert_series_equal(again.estimates, result.estimates)

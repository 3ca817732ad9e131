"""Logit and probit against R, laws that hold for any data, and bad input."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from known import answers, household_weights, table, unit_distances

import geopoverty as gp

# Two Newton searches stop within 1e-10 standard errors of one optimum; the
# covariances of both then agree to rounding in sums over a few hundred rows.
ESTIMATE, COVARIANCE = 1e-9, 1e-8
# Standard errors of effects in R rest on numerical derivatives.
EFFECT_SE = 1e-7

FITS = list(answers("binary")["fits"])


def fitted(name, vcov):
    """Fit one of R's models here."""
    known = answers("binary")["fits"][name]
    estimator = gp.logit if known["link"] == "logit" else gp.probit
    if name.startswith("mtcars"):
        cars = table("mtcars")
        return known, estimator(known["formula"], cars, vcov=vcov, unit="model")
    homes = table("binary")
    if "2018" in name:
        homes = homes[homes["period"] == 2018]
    options = {}
    if "slx" in name:
        kind = "weight_inverse" if "inverse" in name else "weight_knn"
        options = {"weights": household_weights(kind), "period": "period"}
    if "weighted" in name:
        options["sampling_weight"] = "sampling_weight"
    return known, estimator(known["formula"], homes, vcov=vcov, **options)


def near(ours, theirs, tolerance):
    theirs = np.asarray(theirs)
    scale = np.abs(np.diag(theirs)).max() if theirs.ndim == 2 else 1.0
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("name", FITS)
def test_estimates_and_fit_equal_those_of_r(name):
    known, result = fitted(name, "iid")
    assert list(result.estimates.index) == known["terms"]
    near(result.estimates, [known["coefficients"][t] for t in known["terms"]], ESTIMATE)
    facts = known["facts"]
    weighted = "_weights_mean_1" if "weighted" in name else ""
    assert result.facts["log_likelihood"] == pytest.approx(
        facts[f"log_likelihood{weighted}"], rel=1e-11
    )
    assert result.facts["log_likelihood_null"] == pytest.approx(
        facts[f"log_likelihood_null{weighted}"], rel=1e-11
    )
    assert result.facts["pseudo_r_squared"] == pytest.approx(
        facts["mcfadden_r2"], rel=1e-9
    )
    near(
        result.tables["fitted"]["probability"].iloc[:5],
        known["fitted_first_5"],
        ESTIMATE,
    )
    if "aic" in facts:
        assert result.facts["aic"] == pytest.approx(facts["aic"], rel=1e-11)
        assert result.facts["bic"] == pytest.approx(facts["bic"], rel=1e-11)


@pytest.mark.parametrize("vcov", ["iid", "hc0", "hc1"])
@pytest.mark.parametrize("name", FITS)
def test_covariances_equal_those_of_r(name, vcov):
    known, result = fitted(name, vcov)
    kind = "iid_weights_mean_1" if vcov == "iid" and "weighted" in name else vcov
    near(result.vcov, known["vcov"]["observed"][kind], COVARIANCE)


@pytest.mark.filterwarnings("ignore:There are only 3 clusters")
@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(("correction", "theirs"), [("hc1", "hc1"), ("groups", "hc0")])
def test_clustered_covariances_equal_those_of_r(name, correction, theirs):
    by = "cyl" if name.startswith("mtcars") else "unit_id"
    known, result = fitted(name, gp.Cluster(by, correction))
    key = "cluster_cyl" if by == "cyl" else "cluster_unit"
    near(result.vcov, known["vcov"]["observed"][key][theirs], COVARIANCE)
    assert result.facts["n_clusters"] == known["vcov"]["observed"][key]["n_clusters"]


@pytest.mark.filterwarnings("ignore:There are only")
@pytest.mark.parametrize("second", ["period", "team"])
@pytest.mark.parametrize("name", ["households_logit", "households_probit"])
def test_two_way_clusters_equal_sandwich(name, second):
    known, result = fitted(name, gp.Cluster(("unit_id", second)))
    theirs = known["vcov"]["observed"][f"cluster_unit_{second}"]
    indefinite = theirs["hc1_least_eigenvalue"] < 0
    near(result.vcov, theirs["hc1_mended" if indefinite else "hc1"], COVARIANCE)
    assert indefinite == any("not positive semidefinite" in n for n in result.notes)


@pytest.mark.parametrize("kernel", ["bartlett", "uniform"])
@pytest.mark.parametrize(
    "name", ["households_logit", "households_weighted_probit", "slx_knn_logit"]
)
def test_conley_equals_a_double_loop_in_r(name, kernel):
    cutoff = answers("binary")["fits"][name]["vcov"]["observed"]["conley"]["cutoff"]
    known, result = fitted(name, gp.Conley(unit_distances(), cutoff, kernel))
    theirs = known["vcov"]["observed"]["conley"]
    mended = kernel == "uniform" and min(theirs["least_eigenvalues"]) < 0
    near(result.vcov, theirs["uniform_mended" if mended else kernel], COVARIANCE)


@pytest.mark.parametrize("vcov", ["iid", "hc1", gp.Cluster("unit_id")])
@pytest.mark.parametrize("name", [n for n in FITS if not n.startswith("mtcars")])
def test_average_effects_equal_those_of_r(name, vcov):
    known, result = fitted(name, vcov)
    ours = result.tables["effects"].set_index(["effect", "term"])
    kind = "cluster_unit_hc1" if isinstance(vcov, gp.Cluster) else vcov
    checked = 0
    for label, theirs in known["effects"].items():
        how, term = label.split(":", 1)
        row = {"slope": "direct", "change": "direct"}.get(how, how)
        is_level = "[T." in term
        if (how == "slope" and is_level) or (how == "change" and not is_level):
            continue  # a slope of a category, a jump of a number: not reported
        assert ours.loc[(row, term), "estimate"] == pytest.approx(
            theirs["estimate"], rel=1e-9
        )
        se = theirs.get(f"se_{kind}")
        if se is not None and not ("weighted" in name and vcov == "iid"):
            assert ours.loc[(row, term), "std_error"] == pytest.approx(
                se, rel=EFFECT_SE
            )
        checked += 1
    assert checked == len(ours)


def test_statsmodels_agrees_on_the_counties():
    panel = gp.datasets.us_county_panel()
    rows = panel[panel["period"] == 1990].assign(
        poor=lambda t: (t["family_poverty_rate"] >= 20).astype(float),
        state=lambda t: t["unit_id"].str[:2],
    )
    names = ["unemployment_rate", "median_age", "gini"]
    formula = "poor ~ " + " + ".join(names)
    X = sm.add_constant(rows[names].to_numpy())
    model = sm.Logit(rows["poor"].to_numpy(), X)
    plain = model.fit(disp=0, tol=1e-12, cov_type="HC1")
    result = gp.logit(formula, rows, vcov="hc1")
    near(result.estimates, plain.params, 1e-8)
    # statsmodels 0.15 calls it HC1 but leaves out n / (n - k) after a logit.
    n, k = X.shape
    near(result.vcov, plain.cov_params() * n / (n - k), 1e-7)
    groups = pd.factorize(rows["state"])[0]
    clustered = model.fit(
        disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": groups}
    )
    result = gp.logit(formula, rows, vcov=gp.Cluster("state"))
    near(result.vcov, clustered.cov_params(), 1e-7)


def simulated(n=400, seed=0):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    eta = 0.3 + 0.8 * x - 0.5 * z
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    units = np.array([f"{i:03d}" for i in range(40)])
    return pd.DataFrame({"y": y, "x": x, "z": z, "unit_id": rng.choice(units, n)})


def test_weights_of_two_are_rows_twice():
    data = simulated(150)
    data["w"] = np.where(np.arange(150) % 3 == 0, 2.0, 1.0)
    weighted = gp.logit("y ~ x + z", data, sampling_weight="w")
    twice = data.loc[data.index.repeat(data["w"].astype(int))].reset_index(drop=True)
    near(weighted.estimates, gp.logit("y ~ x + z", twice).estimates, 1e-10)


def test_many_rows_give_the_estimates_of_an_exact_search():
    rng = np.random.default_rng(5)
    n = 120_000
    data = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    eta = -1 + data.to_numpy() @ [0.5, -0.3, 0.0]
    data["y"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    result = gp.logit("y ~ a + b + c", data, vcov="iid")
    X = sm.add_constant(data[["a", "b", "c"]].to_numpy())
    theirs = sm.Logit(data["y"].to_numpy(), X).fit(disp=0, tol=1e-12)
    near(result.estimates, theirs.params, 1e-9)
    near(result.vcov, theirs.cov_params(), 1e-7)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(60)))
def test_the_order_of_rows_does_not_matter(order):
    data = simulated(60).assign(pair=np.arange(60) // 1.4)
    cluster = gp.Cluster("pair")
    there = gp.logit("y ~ x + z", data, vcov=cluster).tidy()
    back = gp.logit("y ~ x + z", data.iloc[order], vcov=cluster).tidy()
    pd.testing.assert_frame_equal(there, back, rtol=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_units_of_measurement_do_not_matter(scale, shift):
    data = simulated(120)
    plain = gp.logit("y ~ x + z", data)
    moved = gp.logit("y ~ x + z", data.assign(x=data["x"] * scale + shift))
    near(moved.estimates["x"] * scale, plain.estimates["x"], 1e-6)
    near(
        moved.tables["fitted"]["probability"],
        plain.tables["fitted"]["probability"],
        1e-7,
    )


def test_planted_coefficients_are_covered():
    hits = 0
    for seed in range(200):
        result = gp.logit("y ~ x + z", simulated(300, seed)).tidy().set_index("term")
        hits += result.loc["x", "conf_low"] < 0.8 < result.loc["x", "conf_high"]
    assert 0.90 <= hits / 200 <= 0.99  # 95 % within Monte Carlo error of 3 SD


def test_input_is_never_modified():
    data = simulated()
    before = data.copy(deep=True)
    gp.logit("y ~ x + z", data, vcov="cluster")
    pd.testing.assert_frame_equal(data, before)


def test_rows_with_missing_values_are_dropped_and_said():
    data = simulated()
    data.loc[[3, 7], "x"] = np.nan
    result = gp.logit("y ~ x", data)
    assert result.facts["n_dropped"] == 2
    assert result.facts["n_obs"] == 398
    assert any("2 rows with a missing value" in note for note in result.notes)


def test_lags_are_joined_by_key_within_periods():
    weights = gp.SpatialWeights(list("ab"), [[0, 1], [1, 0]], standardize="row")
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "unit_id": rng.choice(list("ab"), 200),
            "period": rng.choice([1, 2], 200),
            "y": rng.integers(0, 2, 200),
            "z": rng.normal(size=200),
        }
    )
    jobs = {("a", 1): 1.0, ("b", 1): 2.0, ("a", 2): 5.0, ("b", 2): 11.0}
    keys = list(zip(rows["unit_id"], rows["period"], strict=True))
    rows["jobs"] = [jobs[k] for k in keys]
    other = {"a": "b", "b": "a"}
    rows["by_hand"] = [jobs[other[u], t] for u, t in keys]
    lagged = gp.logit(
        "y ~ z + W(jobs)", rows, weights=weights, period="period", vcov="hc1"
    )
    plain = gp.logit("y ~ z + by_hand", rows)
    near(lagged.estimates, plain.estimates, 1e-10)


def test_units_not_among_the_households_still_count_as_neighbours():
    weights = household_weights("weight_knn")
    homes = table("binary")
    counties = homes.groupby("unit_id", as_index=False)["clusters"].first()
    some = homes[homes["unit_id"].isin(counties["unit_id"][:25])]
    result = gp.logit(
        "poor ~ x1 + clusters + W(clusters)",
        some.drop(columns="clusters"),
        weights=weights,
        unit_data=counties,
        vcov="hc1",
    )
    lag = weights.lag(counties.set_index("unit_id")["clusters"])
    by_hand = some.assign(
        clusters=some["unit_id"].map(counties.set_index("unit_id")["clusters"]),
        lag=some["unit_id"].map(lag),
    )
    plain = gp.logit("poor ~ x1 + clusters + lag", by_hand)
    near(result.estimates, plain.estimates, 1e-10)


def test_shared_lags_are_clustered_unless_asked_otherwise():
    weights = household_weights("weight_knn")
    homes = table("binary")
    clustered = gp.logit(
        "poor ~ clusters + W(clusters)", homes, weights=weights, period="period"
    )
    assert clustered.facts["vcov"] == "clustered by unit_id"
    assert any("clustered" in n and "hc1" in n for n in clustered.notes)
    assert gp.logit("poor ~ clusters", homes).facts["vcov"] == "HC1"


def test_notes_say_what_a_lag_can_show():
    weights = household_weights("weight_knn")
    result = gp.logit(
        "poor ~ W(clusters)", table("binary"), weights=weights, period="period"
    )
    note = next(n for n in result.notes if n.startswith("W(clusters)"))
    assert "sd(Wx)/sd(x)" in note
    assert "effective neighbours" in note
    assert "% of units have none" in note


def test_a_lag_that_stands_for_centrality_is_said():
    weights = household_weights("weight_inverse")
    homes = table("binary").assign(one=lambda t: 1 + 0.01 * t["clusters"])
    result = gp.logit("poor ~ W(one)", homes, weights=weights, period="period")
    assert any("how central a unit is" in note for note in result.notes)


def test_a_flat_lag_is_said():
    rng = np.random.default_rng(0)
    n = 150
    flat = np.full((n, n), 1 / (n - 1))
    np.fill_diagonal(flat, 0)
    ids = [f"{i:03d}" for i in range(n)]
    weights = gp.SpatialWeights(ids, flat, standardize="row")
    data = pd.DataFrame(
        {"unit_id": ids, "x": rng.normal(size=n), "y": rng.integers(0, 2, n)}
    )
    result = gp.logit("y ~ W(x)", data, weights=weights)
    assert any("hardly varies" in note for note in result.notes)


def test_units_table_holds_a_row_a_unit_and_period():
    weights = household_weights("weight_knn")
    homes = table("binary")
    result = gp.logit(
        "poor ~ x1 + clusters + W(clusters)", homes, weights=weights, period="period"
    )
    units = result.units
    assert len(units) == len(homes.groupby(["unit_id", "period"]))
    assert units["rows"].sum() == len(homes)
    fitted = homes.assign(p=result.tables["fitted"]["probability"])
    mean = fitted.groupby(["unit_id", "period"])["p"].mean()
    near(units.set_index(["unit_id", "period"])["probability"], mean, 1e-12)
    assert (units["probability_low"] < units["probability"]).all()
    assert (units["probability"] < units["probability_high"]).all()
    assert units["probability_low"].ge(0).all()
    assert units["probability_high"].le(1).all()
    effects = result.tables["effects"].set_index(["term", "effect"])["estimate"]
    for kind in ("direct", "indirect"):
        mean = np.average(units[f"{kind}(clusters)"], weights=units["rows"])
        assert mean == pytest.approx(effects["clusters", kind], rel=1e-10)


def test_units_table_weighs_households():
    homes = table("binary")
    result = gp.logit(
        "poor ~ x1 + clusters + W(clusters)",
        homes,
        weights=household_weights("weight_knn"),
        period="period",
        sampling_weight="sampling_weight",
    )
    keys = ["unit_id", "period"]
    w = homes["sampling_weight"]
    fitted = homes.assign(
        wp=w * result.tables["fitted"]["probability"], wy=w * homes["poor"]
    )
    sums = fitted.groupby(keys)[["wp", "wy", "sampling_weight"]].sum()
    units = result.units.set_index(keys)
    near(units["probability"], sums["wp"] / sums["sampling_weight"], 1e-12)
    near(units["outcome"], sums["wy"] / sums["sampling_weight"], 1e-12)


def test_a_lag_without_its_own_term_has_an_indirect_effect_only():
    result = gp.logit(
        "poor ~ x1 + W(clusters)",
        table("binary"),
        weights=household_weights("weight_knn"),
        period="period",
    )
    kinds = result.tables["effects"].set_index("term")["effect"]
    assert kinds["clusters"] == "indirect"
    assert result.tables["effects"]["p_value"].notna().all()


def test_effects_of_products_count_both_factors():
    data = simulated()
    result = gp.logit("y ~ x * z", data, vcov="iid")
    b, p = result.estimates, result.tables["fitted"]["probability"]
    by_hand = (p * (1 - p) * (b["x"] + b["x:z"] * data["z"])).mean()
    effects = result.tables["effects"].set_index("term")["estimate"]
    assert effects["x"] == pytest.approx(by_hand, rel=1e-10)


def test_terms_that_share_a_column_are_said():
    result = gp.logit("y ~ x + I(x**2)", simulated())
    assert any("x enters through several terms" in n for n in result.notes)


def test_odds_ratios_are_exponentials():
    result = gp.logit("y ~ x", simulated())
    near(result.tables["odds_ratios"]["odds_ratio"], np.exp(result.estimates), 1e-12)
    assert "odds_ratios" not in gp.probit("y ~ x", simulated()).tables


def test_libpysal_weights_are_taken():
    weights = household_weights("weight_knn")
    homes = table("binary")
    formula = "poor ~ x1 + W(clusters)"
    ours, graph, w = (
        gp.logit(formula, homes, weights=kind, period="period").estimates
        for kind in (weights, weights.to_graph(), weights.to_w())
    )
    near(graph, ours, 1e-10)
    near(w, ours, 1e-10)


# Bad input: rule, count, first ids, way out.


def test_separation_names_the_covariate():
    data = simulated()
    data["rich"] = ((data["y"] == 0) & (data["x"] > 0)).astype(int)
    with pytest.raises(gp.EstimationError, match="'rich' separates the outcome 'y'"):
        gp.logit("y ~ x + z + rich", data)
    with pytest.raises(gp.EstimationError, match="'rich' separates the outcome 'y'"):
        gp.probit("y ~ x + z + rich", data)


def test_complete_separation_names_the_covariate():
    data = simulated().assign(y=lambda t: (t["x"] > 0.2).astype(int))
    with pytest.raises(gp.EstimationError, match=r"'x'.* separates? the outcome 'y'"):
        gp.logit("y ~ x", data)


def test_near_separation_is_not_called_separation():
    cars = table("mtcars")
    assert gp.logit("am ~ wt + hp", cars, unit="model").estimates["wt"] < -8


@pytest.mark.parametrize("estimator", [gp.logit, gp.probit])
def test_far_outliers_are_not_called_separation(estimator):
    data = simulated()
    data.loc[0, ["x", "z"]] = [60.0, -60.0]
    data.loc[0, "y"] = 1
    assert np.isfinite(estimator("y ~ x + z", data).estimates).all()


def test_outcome_must_be_binary():
    data = simulated()
    data.loc[[4, 9], "y"] = 2
    message = (
        r"The outcome 'y' must be 0 or 1; 2 of 400 rows break this \(4, 9\)\. "
        r"Code it 0/1"
    )
    with pytest.raises(gp.InputError, match=message):
        gp.logit("y ~ x", data)


@pytest.mark.parametrize("value", [0, 1])
def test_outcome_must_vary(value):
    with pytest.raises(
        gp.InputError, match=rf"The outcome 'y' must vary; it is {value} in all 400"
    ):
        gp.logit("y ~ x", simulated().assign(y=value))


def test_collinear_columns_are_named():
    data = simulated().assign(both=lambda t: 2 * t["x"] - t["z"])
    message = r"'both' is a combination of x, z\)\. Leave one of them out"
    with pytest.raises(gp.InputError, match=message):
        gp.logit("y ~ x + z + both", data)
    with pytest.raises(gp.InputError, match=r"'zero' is 0 in every row"):
        gp.logit("y ~ x + zero", data.assign(zero=0.0))
    with pytest.raises(gp.InputError, match=r"'three' is a combination of Intercept"):
        gp.logit("y ~ x + three", data.assign(three=3.0))


def test_infinite_values_are_refused():
    data = simulated()
    data.loc[5, "x"] = np.inf
    with pytest.raises(
        gp.InputError, match=r"'x' must be finite; 1 of 400 rows break this \(5\)"
    ):
        gp.logit("y ~ x", data)


def test_all_missing_is_refused():
    with pytest.raises(gp.InputError, match=r"No row is complete.*x is missing"):
        gp.logit("y ~ x", simulated().assign(x=np.nan))


def test_periods_without_variation_are_said():
    data = simulated().assign(period=lambda t: np.arange(len(t)) % 2)
    data.loc[data["period"] == 1, "y"] = 0
    with pytest.warns(
        gp.GeoPovertyWarning, match=r"does not vary in 1 of 2 periods \(1\)"
    ):
        result = gp.logit("y ~ x", data, period="period")
    assert any("does not vary in 1 of 2 periods" in note for note in result.notes)


def test_few_clusters_are_said():
    data = simulated().assign(village=lambda t: np.arange(len(t)) % 10)
    with pytest.warns(gp.GeoPovertyWarning, match="only 10 clusters"):
        result = gp.logit("y ~ x", data, vcov=gp.Cluster("village"))
    assert any("only 10 clusters" in note for note in result.notes)


def test_one_cluster_is_refused():
    with pytest.raises(gp.InputError, match="at least two groups; 'country' has one"):
        gp.logit("y ~ x", simulated().assign(country="A"), vcov=gp.Cluster("country"))


def test_unknown_options_are_named():
    with pytest.raises(gp.InputError, match=r"vcov must be one of .*'cluster'"):
        gp.logit("y ~ x", simulated(), vcov="clustre")
    with pytest.raises(gp.InputError, match="kernel must be one of"):
        gp.Conley(unit_distances(), 10, "normal")
    with pytest.raises(gp.InputError, match="cutoff must be above 0"):
        gp.Conley(unit_distances(), 0)
    with pytest.raises(gp.InputError, match="one column or two"):
        gp.Cluster(("a", "b", "c"))
    with pytest.raises(gp.InputError, match="correction must be one of"):
        gp.Cluster("a", "stata")


def test_conley_refuses_times_that_were_cut_too_short():
    pairs = [("a", "b", 20.0), ("b", "a", 30.0), ("a", "c", 90.0)]
    table = pd.DataFrame(pairs, columns=["from_id", "to_id", "travel_time"])
    near = gp.read_travel_times(table, units=["a", "b", "c"], cutoff=40)
    assert gp.Conley(near, 20).cutoff == 20
    with pytest.raises(gp.InputError, match="within 40 minutes are held; Conley"):
        gp.Conley(near, 30)


def test_conley_needs_every_unit():
    homes = table("binary")
    homes.loc[0, "unit_id"] = "99999"
    with pytest.raises(gp.InputError, match=r"1 of 41 units have none \(99999\)"):
        gp.logit("poor ~ x1", homes, vcov=gp.Conley(unit_distances(), 10))


def test_sampling_weights_must_be_above_zero():
    data = simulated().assign(w=1.0)
    data.loc[8, "w"] = -1
    with pytest.raises(
        gp.InputError, match=r"'w' must be above 0; 1 of 400 rows break this \(8\)"
    ):
        gp.logit("y ~ x", data, sampling_weight="w")

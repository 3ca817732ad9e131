"""Panel logits: R and statsmodels, planted truth, derivatives, laws, bad input."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given, settings
from hypothesis import strategies as st
from known import answers, household_weights, table
from scipy import integrate, special, stats
from statsmodels.discrete.conditional_models import ConditionalLogit

from geopoverty._checks import GeoPovertyWarning
from geopoverty.covariances import Cluster, Conley
from geopoverty.data.travel import TravelTimes
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.panel_logit import (
    Neighbors,
    RandomIntercept,
    panel_logit,
)
from geopoverty.numerics.conditional import conditional_pass, fit_conditional
from geopoverty.numerics.random_links import MeanLogit, MeanLogitInSigma
from geopoverty.numerics.random_logit import fit_random_logit, random_pass
from geopoverty.numerics.strata import strata, varying

# Two Newton searches stop within 1e-5 standard errors of one maximum.
ESTIMATE, COVARIANCE = 1e-7, 1e-6
# R's search and Hessian of the random intercept rest on numerical derivatives.
RANDOM = 1e-6
HESSIAN = 1e-4
SHAPE = "union ~ exper + I(exper**2) + married + health"


def males(which="males"):
    rows = table("males")
    if which == "gaps":
        place = np.arange(1, len(rows) + 1) * 7919 % 100
        return rows[place >= 20]
    if which == "few":
        return rows[rows["unit_id"].astype(int) % 6 == 0]
    return rows


def simulated(T=4, n=200, sigma=1.0, seed=0, pull=0.0):
    """Return individuals in 20 units whose intercepts lean on x by `pull`."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n), T)
    x = rng.normal(size=n * T) + rng.normal(size=n)[who]
    z = rng.normal(size=n * T)
    mean = np.bincount(who, x) / T
    intercept = pull * mean + sigma * rng.normal(size=n)
    eta = 0.8 * x - 0.5 * z + intercept[who]
    return pd.DataFrame(
        {
            "hh_id": [f"h{i:04d}" for i in who],
            "unit_id": [f"u{i % 20:02d}" for i in who],
            "period": np.tile(np.arange(T), n),
            "x": x,
            "z": z,
            "fixed": rng.normal(size=n)[who],
            "poor": (rng.random(n * T) < special.expit(eta)).astype(int),
        }
    )


def near(ours, theirs, tolerance):
    theirs = np.asarray(theirs, dtype=float)
    scale = np.abs(theirs).max() if theirs.ndim == 2 else 1.0
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


def homes_fit(**options):
    return panel_logit(
        "poor ~ x1 + x2 + clusters + W(clusters) + I(period == 2021)",
        table("binary"),
        individual="hh_id",
        weights=household_weights("weight_knn"),
        **options,
    )


# ---- conditional logit: known answers -----------------------------------------------


@pytest.mark.parametrize("name", ["males", "gaps"])
def test_conditional_logit_equals_survival(name):
    known = answers("panel_logit")["conditional"][name]
    plain = panel_logit(SHAPE, males(name), effects="unit", vcov="iid")
    near(plain.estimates, known["beta"], ESTIMATE)
    near(plain.vcov, known["vcov"], COVARIANCE)
    assert plain.facts["log_likelihood"] == pytest.approx(known["loglik"], rel=1e-12)
    null = known["loglik_null"]
    assert plain.facts["log_likelihood_null"] == pytest.approx(null, rel=1e-12)
    assert plain.facts["n_obs"] == known["n"]
    assert plain.facts["n_individuals"] == known["groups"]
    clustered = panel_logit(SHAPE, males(name), effects="unit")
    near(clustered.vcov, known["clustered"], COVARIANCE)


@pytest.mark.filterwarnings("ignore:There are only 39 clusters")
def test_households_in_units_with_lags_equal_survival():
    known = answers("panel_logit")["conditional"]["households"]
    result = homes_fit(effects="unit")
    assert result.estimates.index[3] == "W(clusters)"
    near(result.estimates, known["beta"], ESTIMATE)
    near(result.vcov, known["clustered"], COVARIANCE)
    assert result.facts["vcov"] == "clustered by unit_id"
    assert any("Individuals of one unit_id share its lags" in n for n in result.notes)
    near(homes_fit(effects="unit", vcov="iid").vcov, known["vcov"], COVARIANCE)


def test_statsmodels_agrees():
    data = simulated(seed=3)
    ours = panel_logit(
        "poor ~ x + z", data, individual="hh_id", effects="unit", vcov="iid"
    )
    changes = data.groupby("hh_id")["poor"].transform("nunique") > 1
    data = data[changes]
    model = ConditionalLogit(data["poor"], data[["x", "z"]], groups=data["hh_id"])
    theirs = model.fit(disp=0, method="newton", tol=1e-12)
    near(ours.estimates, theirs.params, 1e-6)
    near(ours.vcov, theirs.cov_params(), 1e-5)
    assert ours.facts["log_likelihood"] == pytest.approx(theirs.llf, rel=1e-9)


def test_two_periods_are_a_logit_of_differences():
    data = simulated(T=2, seed=1)
    ours = panel_logit("poor ~ x + z", data, individual="hh_id", effects="unit")
    wide = data.pivot_table(index="hh_id", columns="period", values=["x", "z", "poor"])
    wide = wide[wide["poor"][0] != wide["poor"][1]]
    change = pd.DataFrame({c: wide[c][1] - wide[c][0] for c in ("x", "z")})
    change["rise"] = wide["poor"][1]
    plain = logit("rise ~ 0 + x + z", change, vcov="iid")
    near(ours.estimates, plain.estimates, 1e-8)
    assert ours.facts["n_individuals"] == len(wide)


# ---- conditional logit: by enumeration ---------------------------------------------


def enumerated(X, y, groups, beta):
    total = 0.0
    for g in range(groups.groups):
        rows = groups.order[groups.starts[g] : groups.starts[g + 1]]
        sets = combinations(rows, int(y[rows].sum()))
        every = [float((X[list(s)] @ beta).sum()) for s in sets]
        total += float(y[rows] @ X[rows] @ beta) - special.logsumexp(every)
    return total


def gradient(value, at, step=1e-5):
    eye = np.eye(len(at))
    return np.array(
        [(value(at + step * e) - value(at - step * e)) / (2 * step) for e in eye]
    )


@LAW
@given(st.integers(0, 10_000))
def test_the_recursion_equals_enumeration_with_its_derivatives(seed):
    rng = np.random.default_rng(seed)
    codes = np.sort(rng.integers(0, 6, 30))
    codes = np.unique(codes, return_inverse=True)[1]
    X, y = rng.normal(size=(30, 3)), (rng.random(30) < 0.5).astype(float)
    groups = strata(codes)
    groups = groups.kept(varying(groups, y))
    beta = rng.normal(size=3)
    here = conditional_pass(X, y, groups, beta)
    assert here.loglik == pytest.approx(enumerated(X, y, groups, beta), abs=1e-10)

    def score(b):
        return conditional_pass(X, y, groups, b).scores.sum(axis=0)

    slope = gradient(lambda b: enumerated(X, y, groups, b), beta)
    np.testing.assert_allclose(here.scores.sum(axis=0), slope, atol=1e-7)
    np.testing.assert_allclose(here.information, -gradient(score, beta), atol=1e-7)


def test_long_panels_do_not_overflow():
    rng = np.random.default_rng(0)
    X = 50 * rng.normal(size=(600, 1))
    y = (rng.random(600) < 0.5).astype(float)
    here = conditional_pass(X, y, strata(np.repeat([0, 1], 300)), np.array([3.0]))
    assert np.isfinite(here.loglik)
    assert here.information[0, 0] >= 0


# ---- planted truth ----------------------------------------------------------------


@pytest.mark.parametrize("T", [2, 3, 4, 5])
def test_conditional_logit_recovers_what_intercepts_hide(T):
    # Intercepts lean on x, so that pooling is far off: 0.8 and -0.5 are planted.
    data = simulated(T, n=2500, pull=1.0, seed=T)
    fit = panel_logit("poor ~ x + z", data, individual="hh_id", effects="unit")
    error = np.sqrt(np.diag(fit.vcov))
    assert (np.abs(fit.estimates - [0.8, -0.5]) < 3 * error).all()
    pooled = panel_logit("poor ~ x + z", data, individual="hh_id")
    assert pooled.estimates["x"] > 0.95


@pytest.mark.parametrize("T", [2, 5])
def test_random_intercepts_are_recovered(T):
    data = simulated(T, n=2500, sigma=1.3, seed=10 + T)
    fit = panel_logit("poor ~ x + z", data, individual="hh_id", effects="random")
    error = np.sqrt(np.diag(fit.vcov))
    truth = np.array([0.0, 0.8, -0.5, 1.3])
    assert (np.abs(fit.estimates - truth) < 3 * error).all()
    assert fit.facts["lr_effects_p"] < 1e-6


def test_means_of_individuals_mend_the_random_intercept():
    data = simulated(4, n=2500, pull=1.0, seed=5)
    options = {"individual": "hh_id", "vcov": "iid"}
    plain = panel_logit("poor ~ x + z", data, effects="random", **options)
    mended = panel_logit("poor ~ x + z", data, effects="mundlak", **options)
    assert plain.estimates["x"] > 0.95
    error = np.sqrt(np.diag(mended.vcov))
    assert (np.abs(mended.estimates - [0, 0.8, -0.5, 1, 0, 1]) < 3 * error).all()
    assert list(mended.estimates.index[3:]) == ["mean(x)", "mean(z)", "sigma_u"]
    test = mended.tables["mundlak"].iloc[0]
    assert test["df"] == 2
    assert test["p_value"] < 1e-6
    at = ["mean(x)", "mean(z)"]
    beta, V = mended.estimates[at].to_numpy(), mended.vcov.loc[at, at].to_numpy()
    assert test["statistic"] == pytest.approx(beta @ np.linalg.inv(V) @ beta)


def test_no_spread_is_found_about_as_often_as_it_should():
    # Under sigma = 0 half of the likelihood-ratio statistics are 0.
    found = []
    for seed in range(60):
        data = simulated(3, n=80, sigma=0.0, seed=seed)
        X = np.column_stack([np.ones(240), data[["x", "z"]]])
        fit = fit_random_logit(
            X, data["poor"].to_numpy(float), strata(np.repeat(np.arange(80), 3))
        )
        assert fit.at.loglik >= fit.pooled.loglik - 1e-9
        found.append(fit.flat)
    assert 0.3 < np.mean(found) < 0.75


# ---- random intercept: known answers and derivatives ---------------------------------


@pytest.mark.filterwarnings("ignore:12 quadrature points are too few")
@pytest.mark.parametrize(
    ("name", "formula", "which", "points"),
    [
        ("males_12", SHAPE, "males", 12),
        ("males_25", SHAPE, "males", 25),
        ("gaps_12", "union ~ married + health + school", "gaps", 12),
    ],
)
def test_random_intercepts_equal_lme4(name, formula, which, points):
    known = answers("panel_logit")["random"][name]
    how = RandomIntercept(points=points)
    fit = panel_logit(formula, males(which), effects=how, vcov="iid")
    near(fit.estimates, known["theta"], RANDOM)
    assert fit.facts["log_likelihood"] == pytest.approx(known["loglik"], abs=1e-8)
    pooled = fit.facts["log_likelihood_without_effects"]
    assert pooled == pytest.approx(known["loglik_pooled"], abs=1e-6)
    ratio = 2 * (known["loglik"] - known["loglik_pooled"])
    assert fit.facts["lr_effects"] == pytest.approx(ratio, rel=1e-7)
    near(fit.vcov, known["vcov"], HESSIAN)
    clustered = panel_logit(formula, males(which), effects=how)
    near(clustered.vcov, known["clustered"], HESSIAN)


@pytest.mark.filterwarnings("ignore:12 quadrature points are too few")
def test_means_of_individuals_equal_lme4():
    known = answers("panel_logit")["random"]["mundlak_12"]
    formula = "union ~ exper + married + health + school"
    how = RandomIntercept(points=12, means=True)
    fit = panel_logit(formula, males(), effects=how, vcov="iid")
    near(fit.estimates, known["theta"], RANDOM)
    assert "mean(school)" not in fit.estimates


@pytest.mark.filterwarnings("ignore:12 quadrature points are too few")
def test_average_effects_equal_numerical_integrals():
    known = answers("panel_logit")["random"]["few_12"]
    how = RandomIntercept(points=12)
    fit = panel_logit("union ~ married + school", males("few"), effects=how, vcov="iid")
    near(fit.estimates, known["theta"], RANDOM)
    ours = fit.tables["effects"].set_index("term")
    for term, theirs in known["effects"].items():
        estimate = theirs["estimate"]
        assert ours.loc[term, "estimate"] == pytest.approx(estimate, rel=1e-5)
        error = theirs["std_error"]
        assert ours.loc[term, "std_error"] == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize("points", [1, 5, 12, 30])
def test_scores_are_those_of_the_quadrature_however_coarse(points):
    data = simulated(4, n=40, seed=2)
    X = np.column_stack([np.ones(160), data[["x", "z"]]])
    y, groups = data["poor"].to_numpy(float), strata(np.repeat(np.arange(40), 4))
    theta = np.array([0.3, 0.5, -0.8, 1.7])

    def value(t):
        return random_pass(X, y, groups, t, points).loglik

    here = random_pass(X, y, groups, theta, points)
    slope = gradient(value, theta)
    np.testing.assert_allclose(here.scores.sum(axis=0), slope, atol=1e-6)
    if points == 30:

        def score(t):
            return random_pass(X, y, groups, t, points).scores.sum(axis=0)

        np.testing.assert_allclose(here.information, -gradient(score, theta), atol=1e-6)


def test_the_likelihood_equals_numerical_integration():
    data = simulated(4, n=10, seed=2)
    X, y = data[["x", "z"]].to_numpy(), data["poor"].to_numpy(float)
    theta = np.array([0.5, -0.8, 1.7])
    groups = strata(np.repeat(np.arange(10), 4))
    here = random_pass(X, y, groups, theta, 40)
    total, first = 0.0, []
    for g in range(10):
        rows = slice(4 * g, 4 * g + 4)

        def chance(u, rows=rows):
            eta = X[rows] @ theta[:2] + theta[2] * u
            return np.prod(special.expit((2 * y[rows] - 1) * eta)) * stats.norm.pdf(u)

        whole = integrate.quad(chance, -12, 12, epsabs=1e-14)[0]
        mean = integrate.quad(lambda u: u * chance(u), -12, 12, epsabs=1e-14)[0]
        total += np.log(whole)
        first.append(theta[2] * mean / whole)
    assert here.loglik == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(here.intercepts, first, atol=1e-8)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0, 8.0])
def test_averaged_links_equal_numerical_integrals(sigma):
    eta = np.array([-3.0, 0.4, 5.0])
    bent = MeanLogitInSigma(sigma)
    for name in ("probability", "density", "slope"):
        level = getattr(MeanLogit(sigma), name)(eta)
        ahead = getattr(MeanLogit(sigma + 1e-5), name)(eta)
        behind = getattr(MeanLogit(sigma - 1e-5), name)(eta)
        slope = (ahead - behind) / 2e-5
        np.testing.assert_allclose(getattr(bent, name)(eta), slope, atol=1e-8)
    whole = [
        integrate.quad(
            lambda z, e=e: stats.norm.pdf(z) * MeanLogit(0.0).slope(e + sigma * z),
            -10,
            10,
            points=[-e / sigma],
            limit=200,
        )[0]
        for e in eta
    ]
    np.testing.assert_allclose(level, whole, atol=1e-10)


def test_coarse_quadrature_is_said_and_mended():
    with pytest.warns(GeoPovertyWarning, match=r"RandomIntercept\(points=24\)"):
        fit = panel_logit(SHAPE, males(), effects=RandomIntercept(points=12))
    assert fit.facts["quadrature_shift"] > 0.01
    assert any("12 quadrature points are too few" in n for n in fit.notes)
    fine = panel_logit(SHAPE, males(), effects="random")
    assert fine.facts["quadrature_points"] == 24
    assert fine.facts["quadrature_shift"] < 0.01
    assert any(n.startswith("Quadrature with 24 points") for n in fine.notes)
    finest = panel_logit(SHAPE, males(), effects=RandomIntercept(points=80))
    apart = np.abs(fine.estimates - finest.estimates) / np.sqrt(np.diag(fine.vcov))
    assert apart.max() < 0.01


def test_sigma_at_its_edge_is_the_pooled_logit():
    with pytest.warns(GeoPovertyWarning, match="no spread of intercepts"):
        fit = homes_fit(effects="random")
    pooled = homes_fit(effects="none")
    assert fit.estimates["sigma_u"] == 0
    assert np.isnan(fit.vcov.loc["sigma_u", "sigma_u"])
    assert fit.facts["lr_effects_p"] == 1
    near(fit.estimates.iloc[:-1], pooled.estimates, 1e-9)
    ours, theirs = fit.tables["effects"], pooled.tables["effects"]
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-6)
    columns = list(pooled.units.columns)
    pd.testing.assert_frame_equal(fit.units[columns], pooled.units, rtol=1e-6)


def test_effects_of_random_intercepts_are_those_of_a_population():
    data = simulated(4, n=300, sigma=1.5)
    fit = panel_logit("poor ~ x + z", data, individual="hh_id", effects="random")
    beta, sigma = fit.estimates.iloc[:-1].to_numpy(), fit.estimates["sigma_u"]
    X = np.column_stack([np.ones(len(data)), data[["x", "z"]]])

    def effect(theta, j):
        z = np.linspace(-8, 8, 801)
        weight = stats.norm.pdf(z) / stats.norm.pdf(z).sum()
        p = special.expit((X @ theta[:-1])[:, None] + theta[-1] * z)
        return theta[j] * float(((p * (1 - p)) @ weight).mean())

    theta = np.append(beta, sigma)
    table_ = fit.tables["effects"].set_index("term")
    for j, term in ((1, "x"), (2, "z")):
        assert table_.loc[term, "estimate"] == pytest.approx(effect(theta, j))
        slope = gradient(lambda t, j=j: effect(t, j), theta)
        error = np.sqrt(slope @ fit.vcov.to_numpy() @ slope)
        assert table_.loc[term, "std_error"] == pytest.approx(error, rel=1e-5)
    share = fit.tables["random"].set_index("parameter").loc["intraclass_correlation"]
    assert share["estimate"] == pytest.approx(sigma**2 / (sigma**2 + np.pi**2 / 3))
    assert share["conf_low"] < share["estimate"] < share["conf_high"]
    assert len(fit.tables["intercepts"]) == 300


def test_period_means_of_a_balanced_panel_are_left_out():
    data = simulated()
    fit = panel_logit(
        "poor ~ x + C(period)", data, individual="hh_id", effects="mundlak"
    )
    assert "mean(x)" in fit.estimates
    assert not any(t.startswith("mean(C(period)") for t in fit.estimates.index)
    assert any("mean(C(period)[T.1])" in n and "left out" in n for n in fit.notes)


# ---- pooled ------------------------------------------------------------------------


def test_pooled_is_a_logit_with_clustered_errors():
    rows = males()
    ours = panel_logit(SHAPE, rows)
    plain = logit(SHAPE, rows, vcov="cluster")
    near(ours.estimates, plain.estimates, 1e-12)
    near(ours.vcov, plain.vcov, 1e-12)
    pd.testing.assert_frame_equal(ours.tables["effects"], plain.tables["effects"])
    assert ours.facts["log_likelihood"] == plain.facts["log_likelihood"]


def test_individuals_cluster_unless_units_share_lags():
    assert homes_fit().facts["vcov"] == "clustered by unit_id"
    plain = panel_logit("poor ~ x1", table("binary"), individual="hh_id")
    assert plain.facts["vcov"] == "clustered by hh_id"
    chosen = homes_fit(effects="unit", vcov="cluster")
    assert chosen.facts["vcov"] == "clustered by hh_id"


def test_conley_below_the_shortest_trip_is_clusters_on_units():
    data = simulated()
    units = pd.Index(sorted(data["unit_id"].unique()))
    far = TravelTimes(units, np.where(np.eye(20), 0.0, 60.0), "simulated")
    options = {"individual": "hh_id", "effects": "unit"}
    conley = panel_logit("poor ~ x", data, vcov=Conley(far, 30), **options)
    cluster = Cluster("unit_id", "groups")
    with pytest.warns(GeoPovertyWarning, match="only 20 clusters"):
        clustered = panel_logit("poor ~ x", data, vcov=cluster, **options)
    near(conley.vcov * 20 / 19, clustered.vcov, 1e-10)


# ---- what conditional likelihood cannot say, and what it can -------------------------


@pytest.mark.filterwarnings("ignore:There are only 39 clusters")
def test_conditional_logits_give_relative_effects_only():
    fit = homes_fit(effects="unit")
    assert set(fit.tables) == {"odds_ratios", "semi_elasticities"}
    assert any("leaves out" in n and "semi_elasticities" in n for n in fit.notes)
    assert any("215 of 400 individuals (393 rows)" in n for n in fit.notes)
    assert fit.facts["n_individuals_unchanging"] == 215
    assert fit.facts["n_obs"] + fit.facts["n_obs_unchanging"] == 763
    share = 1 - table("binary")["poor"].mean()
    found = fit.tables["semi_elasticities"].set_index(["term", "effect"])["estimate"]
    b = fit.estimates
    assert found["clusters", "direct"] == pytest.approx(b["clusters"] * share)
    assert found["clusters", "indirect"] == pytest.approx(b["W(clusters)"] * share)
    both = b["clusters"] + b["W(clusters)"]
    assert found["clusters", "total"] == pytest.approx(both * share)
    assert set(fit.units) == {"unit_id", "rows", "outcome", "individuals", "changing"}
    assert fit.units["changing"].sum() == fit.facts["n_individuals"]
    assert fit.units["individuals"].sum() == 400


def test_intervals_of_semi_elasticities_cover_the_truth():
    hits = 0
    for seed in range(100):
        data = simulated(3, n=150, seed=seed)
        fit = panel_logit("poor ~ x + z", data, individual="hh_id", effects="unit")
        row = fit.tables["semi_elasticities"].iloc[0]
        # By symmetry the mean probability is 1/2 in this population.
        hits += row["conf_low"] < 0.8 * 0.5 < row["conf_high"]
    assert 0.88 <= hits / 100 <= 1.0  # 95 % within 3 Monte Carlo errors


def test_neighbours_without_households_count_through_their_table():
    weights = household_weights("weight_knn")
    homes = table("binary")
    counties = homes.drop_duplicates(["unit_id", "period"])
    counties = counties[["unit_id", "period", "clusters"]]
    some = homes[homes["unit_id"].isin(weights.units[:25])]
    formula = "poor ~ x1 + clusters + W(clusters)"
    options = {"individual": "hh_id", "effects": "unit", "vcov": "iid"}
    result = panel_logit(
        formula,
        some.drop(columns="clusters"),
        weights=Neighbors(weights, counties),
        **options,
    )
    whole = counties.pivot_table(index="unit_id", columns="period", values="clusters")
    lag = {p: weights.lag(whole[p].reindex(weights.units)) for p in whole}
    lags = [lag[p][u] for u, p in zip(some["unit_id"], some["period"], strict=True)]
    by_hand = panel_logit(
        "poor ~ x1 + clusters + lag", some.assign(lag=lags), **options
    )
    near(result.estimates, by_hand.estimates, 1e-10)
    with pytest.raises(InputError, match=r"15 of 40 units have none"):
        panel_logit(formula, some, weights=weights, **options)


# ---- laws ----------------------------------------------------------------------------


FEWER = settings(LAW, max_examples=8)


@FEWER
@given(st.permutations(range(120)))
def test_the_order_of_rows_does_not_matter(order):
    data = simulated(3, n=40)
    for effects in ("unit", "random"):
        options = {"individual": "hh_id", "effects": effects, "vcov": "iid"}
        there = panel_logit("poor ~ x + z", data, **options).tidy()
        back = panel_logit("poor ~ x + z", data.iloc[order], **options).tidy()
        pd.testing.assert_frame_equal(there, back, rtol=1e-6)


@FEWER
@given(st.floats(1e-2, 1e2), st.floats(-50, 50))
def test_units_of_measurement_do_not_matter(scale, shift):
    data = simulated(3, n=60, seed=4)
    moved = data.assign(x=data["x"] * scale + shift)
    for effects in ("unit", "random", "mundlak"):
        options = {"individual": "hh_id", "effects": effects, "vcov": "iid"}
        plain = panel_logit("poor ~ x + z", data, **options)
        other = panel_logit("poor ~ x + z", moved, **options)
        near(other.estimates["x"] * scale, plain.estimates["x"], 1e-5)
        like = plain.facts["log_likelihood"]
        assert other.facts["log_likelihood"] == pytest.approx(like, abs=1e-6)


@FEWER
@given(st.integers(0, 1000))
def test_what_individuals_keep_does_not_move_conditional_estimates(seed):
    data = simulated(3, n=90)
    own = np.random.default_rng(seed).normal(size=90)
    moved = data.assign(x=data["x"] + 5 * np.repeat(own, 3))
    options = {"individual": "hh_id", "effects": "unit"}
    plain = panel_logit("poor ~ x + z", data, **options)
    other = panel_logit("poor ~ x + z", moved, **options)
    near(other.estimates, plain.estimates, 1e-8)
    near(other.vcov, plain.vcov, 1e-8)


def test_the_other_outcome_turns_the_signs():
    data = simulated(3, n=100)
    turned = data.assign(poor=1 - data["poor"])
    for effects in ("unit", "random"):
        options = {"individual": "hh_id", "effects": effects}
        plain = panel_logit("poor ~ x + z", data, **options).estimates
        other = panel_logit("poor ~ x + z", turned, **options).estimates
        near(other[["x", "z"]], -plain[["x", "z"]], 1e-8)


@pytest.mark.parametrize("effects", ["none", "unit", "random", "mundlak"])
def test_input_is_never_modified_and_results_can_be_kept(effects, tmp_path):
    data = simulated(3, n=90)
    data.attrs["status"] = "simulated"
    before = data.copy(deep=True)
    fit = panel_logit("poor ~ x + z", data, individual="hh_id", effects=effects)
    pd.testing.assert_frame_equal(data, before)
    assert fit.provenance["data"] == [{"status": "simulated"}]
    assert fit.facts["effects"] == effects
    fit.save(tmp_path / "fit.zip")
    kept = type(fit).load(tmp_path / "fit.zip")
    pd.testing.assert_series_equal(kept.estimates, fit.estimates)


@pytest.mark.parametrize("effects", ["unit", "random", "mundlak"])
def test_unbalanced_panels_are_fine(effects):
    data = simulated(5, n=200, seed=6)
    gaps = data[np.random.default_rng(0).random(1000) < 0.7]
    gaps.loc[gaps.index[:10], "x"] = np.nan
    fit = panel_logit("poor ~ x + z", gaps, individual="hh_id", effects=effects)
    assert fit.facts["n_dropped"] == 10
    full = panel_logit("poor ~ x + z", data, individual="hh_id", effects=effects)
    apart = abs(fit.estimates["x"] - full.estimates["x"])
    assert apart < 3 * np.sqrt(fit.vcov.loc["x", "x"])


# ---- bad input --------------------------------------------------------------------


@pytest.mark.parametrize("effects", ["none", "unit", "random", "mundlak"])
def test_repeated_rows_are_refused(effects):
    data = simulated(2, n=30)
    twice = pd.concat([data, data.iloc[:2]])
    with pytest.raises(
        InputError, match=r"Each hh_id and period must stand once; 2 of 62 rows"
    ):
        panel_logit("poor ~ x", twice, individual="hh_id", effects=effects)
    with pytest.raises(InputError, match="name the column of households in individual"):
        panel_logit("poor ~ x", data, effects=effects)


def test_one_period_is_refused():
    data = simulated(2, n=50)
    one = data[data["period"] == 0]
    with pytest.raises(InputError, match="at least two periods; 'period' has one"):
        panel_logit("poor ~ x", one, individual="hh_id", effects="unit")
    assert panel_logit("poor ~ x", one, individual="hh_id").facts["n_obs"] == 50


@pytest.mark.parametrize("effects", ["unit", "random"])
def test_outcomes_that_never_change_are_refused(effects):
    data = simulated(3, n=30)
    data["poor"] = (data["hh_id"] < "h0015").astype(int)
    with pytest.raises(InputError, match="change over time for some individual"):
        panel_logit("poor ~ x", data, individual="hh_id", effects=effects)


def test_what_individuals_keep_is_refused_by_name():
    data = simulated(3, n=60)
    options = {"individual": "hh_id", "effects": "unit"}
    with pytest.raises(InputError, match="fixed does not vary within any individual"):
        panel_logit("poor ~ x + fixed", data, **options)
    changes = data.groupby("hh_id")["poor"].transform("nunique") > 1
    some = data.assign(some=np.where(changes, 1.0, data["z"]))
    with pytest.raises(
        InputError, match="some does not vary within any individual whose outcome"
    ):
        panel_logit("poor ~ x + some", some, **options)


def test_what_individuals_and_covariates_determine_is_refused_by_name():
    data = simulated(3, n=60).assign(age=lambda t: t["fixed"] * 9 + t["period"])
    with pytest.raises(
        InputError, match=r"determine one another; 1 of 3 .*'period' by"
    ):
        panel_logit("poor ~ x + age + period", data, individual="hh_id", effects="unit")


def test_means_need_something_that_varies():
    data = simulated(3, n=60)
    with pytest.raises(InputError, match="No covariate varies within individuals"):
        panel_logit("poor ~ fixed", data, individual="hh_id", effects="mundlak")


@pytest.mark.parametrize("effects", ["none", "unit", "random"])
def test_perfect_separation_is_named(effects):
    data = simulated(3, n=60).assign(sign=lambda t: t["poor"] * 2.0 - 1)
    with pytest.raises(EstimationError, match="'sign' separates the outcome 'poor'"):
        panel_logit("poor ~ x + sign", data, individual="hh_id", effects=effects)


def test_separation_within_individuals_is_named():
    data = simulated(3, n=60)
    own = data.groupby("hh_id")["fixed"].transform("first")
    data["sign"] = data["poor"] + 5 * own
    with pytest.raises(EstimationError, match="'sign' separates the outcome 'poor'"):
        panel_logit("poor ~ x + sign", data, individual="hh_id", effects="unit")


def test_covariates_of_no_use_are_still_fitted():
    X = np.array([[1.0], [0.0]] * 3)
    y = np.array([1.0, 0, 0, 1, 1, 0])
    fit = fit_conditional(X, y, strata(np.repeat(np.arange(3), 2)))
    assert not fit.separating.size
    assert fit.beta[0] == pytest.approx(np.log(2))


def test_individuals_must_stay_in_their_cluster():
    data = simulated(3, n=60)
    data.loc[0, "unit_id"] = "u19"
    with pytest.raises(
        InputError, match=r"stay in one 'unit_id' .* 1 of 60 individuals .*\(h0000\)"
    ):
        panel_logit(
            "poor ~ x",
            data,
            individual="hh_id",
            effects="unit",
            vcov=Cluster("unit_id"),
        )


@pytest.mark.parametrize("vcov", ["hc0", "hc1"])
def test_rows_of_individuals_are_not_independent(vcov):
    data = simulated(3, n=60)
    options = {"individual": "hh_id", "vcov": vcov}
    with pytest.raises(InputError, match="are not independent; got vcov='hc"):
        panel_logit("poor ~ x", data, effects="random", **options)
    assert panel_logit("poor ~ x", data, **options).facts["vcov"] == vcov.upper()


@pytest.mark.parametrize("points", [4, 101])
def test_points_have_bounds(points):
    with pytest.raises(InputError, match=f"points must be from 5 to 100; got {points}"):
        RandomIntercept(points=points)


def test_options_and_columns_are_named():
    data = simulated(2, n=30)
    with pytest.raises(InputError, match=r"effects must be one of .*'mundlak'"):
        panel_logit("poor ~ x", data, effects="fixed")
    with pytest.raises(InputError, match="vcov must be one of"):
        panel_logit("poor ~ x", data, individual="hh_id", vcov="hc3")
    with pytest.raises(
        InputError, match=r"needs the column hhid, .* Did you mean 'hh_id'"
    ):
        panel_logit("poor ~ x", data, individual="hhid")
    with pytest.raises(InputError, match="needs the column wave"):
        panel_logit("poor ~ x", data, individual="hh_id", period="wave")
    with pytest.raises(InputError, match="must be 0 or 1; 1 of 60 rows"):
        panel_logit(
            "poor ~ x", data.assign(poor=[2, *data["poor"][1:]]), individual="hh_id"
        )

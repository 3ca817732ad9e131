"""Tests of spatial dependence against spreg, brute force and exact derivatives."""

import itertools

import libpysal
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, linalg, sparse, special, stats
from spreg.diagnostics_probit import sp_tests

import geopoverty as gp
from geopoverty.design.sample import Sample
from geopoverty.estimators.spatial_tests import spatial_binary_tests
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.dependence import (
    PlainFit,
    fitting_shift,
    lag_product,
    pair_variance,
    scores,
)
from geopoverty.weights.spatial import with_island_note

# Sums over the same numbers in another order.
SAME = 1e-12
# Brute force inverts and projects by another route.
BRUTE = 1e-10
# spreg, from statsmodels' own Newton search for the coefficients.
PEER = 1e-8
# Central differences of a likelihood computed to 1e-13 or so.
DIFFERENCE = 1e-6

ROBUST = ("robust LM-lag", "robust LM-error", "robust LM-SLX")
RESIDUAL = ("Kelejian-Prucha", "Pinkse", "Pinkse-Slade")


def neighbours(n, k=4, seed=0, standardize="row", alone=0):
    """Return weights of the k nearest of n points; the last `alone` have none."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(size=(n, 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    matrix = np.zeros((n, n))
    nearest = np.argsort(apart, axis=1)[:, :k]
    matrix[np.arange(n)[:, None], nearest] = rng.uniform(0.5, 2, size=(n, k))
    matrix[n - alone :] = 0
    if standardize == "row":
        sums = matrix.sum(axis=1, keepdims=True)
        matrix = matrix / np.where(sums > 0, sums, 1)
    ids = [f"u{i:03d}" for i in rng.permutation(n)]
    return gp.SpatialWeights(ids, matrix, standardize=standardize)


def homes_in(weights, rows, seed=1, periods=1):
    """Return a table with `rows` rows spread over all units (and periods)."""
    rng = np.random.default_rng(seed)
    units = np.repeat(weights.units, periods)
    when = np.tile(2015 + np.arange(periods), weights.n)
    more = rng.integers(len(units), size=rows - len(units))
    place = rng.permutation(np.concatenate([np.arange(len(units)), more]))
    table = pd.DataFrame({"unit_id": units[place], "year": when[place]})
    table["age"] = rng.normal(size=rows)
    table["jobs"] = rng.uniform(-1.7, 1.7, size=rows)
    latent = 0.3 + table["age"] - 0.7 * table["jobs"] + rng.logistic(size=rows)
    return table.assign(poor=(latent > 0).astype(int))


def in_order(homes, weights):
    return homes.set_index("unit_id").loc[weights.units].rename_axis("unit_id")


def column_of(result, column="statistic"):
    return result.tables["tests"].set_index("test")[column]


def near(ours, theirs, tolerance):
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


# --- Known answers -----------------------------------------------------------------


def bundled(name, columns):
    """Return a table of libpysal and its neighbours, files closed."""
    table = libpysal.io.open(libpysal.examples.get_path(f"{name}.dbf"))
    values = pd.DataFrame({c: table.by_col(c) for c in columns})
    table.close()
    borders = libpysal.io.open(libpysal.examples.get_path(f"{name}.gal"))
    w = borders.read()
    borders.close()
    w.transform = "r"
    return values, w.sparse.toarray()


def columbus():
    return *bundled("columbus", ("CRIME", "INC", "HOVAL")), "CRIME > 40 ~ INC + HOVAL"


def southern():
    values = bundled("sids2", ("SIDR74", "NWR74", "BIR74"))
    return *values, "SIDR74 > 2 ~ NWR74 + log(BIR74)"


def simulated():
    weights = neighbours(120, standardize=None, alone=3)
    homes = in_order(homes_in(weights, 120), weights)
    return homes.reset_index(drop=True), weights.matrix, "poor ~ age + jobs"


def prepared(case):
    """Return table and weights of a case with text ids, and its formula."""
    table, matrix, formula = case()
    ids = [f"{i:03d}" for i in range(len(table))]
    return table.assign(unit_id=ids), gp.SpatialWeights(ids, matrix), formula


def test_columbus_is_as_published():
    table, weights, formula = prepared(columbus)
    result = spatial_binary_tests(formula, table, weights=weights, link="probit")
    near(result.estimates, [3.353811, -0.199653, -0.029514], 5e-7)
    near(column_of(result)[list(RESIDUAL)], [1.721312, 3.131719, 2.558166], 5e-7)
    p = column_of(result, "p_value")[list(RESIDUAL)]
    near(p, [0.085194, 0.076783, 0.109726], 5e-7)


@pytest.mark.parametrize("case", [columbus, southern, simulated])
def test_residual_tests_equal_those_of_spreg(case):
    table, weights, formula = prepared(case)
    result = spatial_binary_tests(formula, table, weights=weights, link="probit")
    left, right = formula.split(" ~ ")
    y = table.eval(left).astype(float)
    X = pd.DataFrame({t: table.eval(t) for t in right.split(" + ")})
    fit = sm.Probit(y, sm.add_constant(X)).fit(disp=False, tol=1e-14)
    peer = [sparse.csr_array(weights.matrix), fit.fittedvalues.to_numpy()]
    peer += [fit.resid_response.to_numpy(), fit.resid_generalized.to_numpy()]
    pinkse, moran, slade = sp_tests(obj_list=[_W(peer[0]), *peer[1:]])
    ours = result.tables["tests"].set_index("test")
    theirs = dict(zip(RESIDUAL, (moran, pinkse, slade), strict=True))
    for name, (statistic, p) in theirs.items():
        assert ours.loc[name, "statistic"] == pytest.approx(statistic, rel=PEER)
        assert ours.loc[name, "p_value"] == pytest.approx(p, rel=PEER)


class _W:
    """What spreg's test needs of weights."""

    def __init__(self, matrix):
        self.sparse, self.n = matrix, matrix.shape[0]


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize("standardize", ["row", None])
def test_slx_is_the_score_test_of_statsmodels(link, standardize):
    weights = neighbours(150, standardize=standardize, alone=2)
    homes = homes_in(weights, 150)
    result = spatial_binary_tests(
        "poor ~ age + jobs", homes, weights=weights, link=link
    )
    ordered = in_order(homes, weights)
    X = ordered[["age", "jobs"]].to_numpy()
    law = sm.families.links.Logit() if link == "logit" else sm.families.links.Probit()
    fit = sm.GLM(
        ordered["poor"].to_numpy(),
        sm.add_constant(X),
        family=sm.families.Binomial(law),
    ).fit(tol=1e-14)
    statistic, p = fit.score_test(exog_extra=weights.matrix @ X, observed=False)[:2]
    row = result.tables["tests"].set_index("test").loc["LM-SLX"]
    assert row["statistic"] == pytest.approx(statistic, rel=PEER)
    assert row["p_value"] == pytest.approx(p, rel=PEER)
    assert row["df"] == 2


# --- Brute force -------------------------------------------------------------------


def by_force(y, X, WN, link):
    """Compute every statistic from an N x N matrix and the equations as written."""
    beta = fit_binary(X, y, LINKS[link]).beta
    a = X @ beta
    F = stats.norm.cdf(a) if link == "probit" else special.expit(a)
    f = stats.norm.pdf(a) if link == "probit" else F * (1 - F)
    u, v = f * (y - F) / (F * (1 - F)), f**2 / (F * (1 - F))
    c = 1.0
    if link == "logit":
        c = -np.sum(F * np.log(F) + (1 - F) * np.log(1 - F)) / v.sum()

    def variance(s):
        return np.sum((WN**2 + WN * WN.T) * np.outer(s, s))

    def net(G):
        return G - X @ linalg.solve((X.T * v) @ X, (X.T * v) @ G)

    g, lags = net(WN @ a), net(WN @ X[:, 1:])
    S = np.r_[lags.T @ u, g @ u + c * (u @ WN @ u), u @ WN @ u]
    V = np.zeros((len(S), len(S)))
    both = np.column_stack([lags, g])
    V[:-1, :-1] = (both.T * v) @ both
    T = variance(v)
    V[-2, -2] += c**2 * T
    V[-2, -1] = V[-1, -2] = c * T
    V[-1, -1] = T

    def rao(of, given=None):
        s, M = S[of], V[np.ix_(of, of)]
        if given is not None:
            ratio = V[of, given] / V[given, given]
            s, M = s - ratio * S[given], M - np.outer(ratio, V[given, of])
        return s @ linalg.solve(M, s)

    slx, lag, error = list(range(len(S) - 2)), len(S) - 2, len(S) - 1
    e, sd = y - F, np.sqrt(F * (1 - F))
    one = np.ones(len(y))
    return {
        "LM-lag": rao([lag]),
        "LM-error": rao([error]),
        "LM-SLX": rao(slx),
        "LM-lag-error": rao([lag, error]),
        "LM-Durbin": rao([*slx, lag]),
        "robust LM-lag": rao([lag], error),
        "robust LM-error": rao([error], lag),
        "robust LM-SLX": rao(slx, lag),
        "Kelejian-Prucha": e @ WN @ e / np.sqrt(variance(sd**2)),
        "Pinkse": (u @ WN @ u) ** 2 / (v.mean() ** 2 * variance(one)),
        "Pinkse-Slade": (e / sd @ WN @ (e / sd)) ** 2 / variance(one),
    }


def rows_by_rows(homes, weights, periods):
    """Return W_N: each row's mean over the rows of every other unit."""
    place = weights.units.get_indexer(homes["unit_id"])
    counts = homes.groupby(["unit_id", *periods])["age"].transform("size").to_numpy()
    WN = weights.matrix[np.ix_(place, place)] / counts[None, :]
    for column in periods:
        when = homes[column].to_numpy()
        WN = WN * (when[:, None] == when[None, :])
    return WN


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize("standardize", ["row", None])
@pytest.mark.parametrize("form", ["units", "households", "periods"])
def test_equal_to_brute_force(link, standardize, form):
    weights = neighbours(30, standardize=standardize, alone=1)
    periods = 2 if form == "periods" else 1
    homes = homes_in(weights, 30 if form == "units" else 170, periods=periods)
    unit = {
        "units": None,
        "households": "unit_id",
        "periods": Sample("unit_id", period="year"),
    }[form]
    result = spatial_binary_tests(
        "poor ~ age + jobs", homes, weights=weights, link=link, unit=unit
    )
    X = sm.add_constant(homes[["age", "jobs"]].to_numpy())
    WN = rows_by_rows(homes, weights, ["year"] if form == "periods" else [])
    known = by_force(homes["poor"].to_numpy(float), X, WN, link)
    ours = column_of(result)
    assert list(ours.index) == list(known)
    near(ours, list(known.values()), BRUTE)
    table = result.tables["tests"]
    chi2 = table[table["law"] == "chi2"]
    near(chi2["p_value"], stats.chi2.sf(chi2["statistic"], chi2["df"]), SAME)
    assert table["df"].tolist() == [1, 1, 2, 2, 3, 1, 1, 2, 1, 1, 1]
    moran = column_of(result)["Kelejian-Prucha"]
    assert column_of(result, "p_value")["Kelejian-Prucha"] == pytest.approx(
        2 * stats.norm.sf(abs(moran)), rel=SAME
    )


def test_pair_variance_is_that_over_all_outcomes():
    # Every outcome of six rows in three units, with its probability.
    weights = neighbours(3, k=2, standardize=None)
    cells = Cells(np.array([0, 2, 1, 0, 0, 1]), units=3, periods=1)
    p = np.array([0.1, 0.3, 0.5, 0.6, 0.8, 0.95])
    square = mean = 0.0
    for outcome in itertools.product((0, 1), repeat=6):
        y = np.array(outcome)
        chance = np.prod(np.where(y == 1, p, 1 - p))
        product = lag_product(weights.matrix, cells, y - p)
        mean += chance * product
        square += chance * product**2
    assert mean == pytest.approx(0, abs=SAME)
    variance = pair_variance(weights.matrix, cells, (p * (1 - p))[:, None])
    assert variance[0] == pytest.approx(square, rel=SAME)


def test_shift_of_fitting_is_that_of_the_residuals_covariance():
    weights = neighbours(20, k=8, standardize=None)
    homes = homes_in(weights, 70)
    X = sm.add_constant(homes[["age", "jobs"]].to_numpy())
    fit = fitted_plain(homes["poor"].to_numpy(float), X, "probit")
    WN, V = rows_by_rows(homes, weights, []), np.diag(fit.variance)
    left = V - V @ X @ linalg.inv(X.T @ V @ X) @ X.T @ V
    spread = np.sqrt(np.trace(WN @ V @ WN @ V + WN @ V @ WN.T @ V))
    place = weights.units.get_indexer(homes["unit_id"])
    shift = fitting_shift(fit, weights.matrix, Cells(place, 20, 1))
    assert shift == pytest.approx(np.trace(WN @ left) / spread, rel=BRUTE)


def test_weights_over_everybody_are_noted():
    near_all = neighbours(40, k=39)
    result = spatial_binary_tests(
        "poor ~ age", homes_in(near_all, 40), weights=near_all
    )
    assert any("weights average over many" in note for note in result.notes)


# --- The scores are derivatives of likelihoods ---------------------------------------


def pairs(count=6, seed=3):
    """Return a probit of pairs of units: its lag likelihood is bivariate normal."""
    rng = np.random.default_rng(seed)
    n = 2 * count
    W = np.zeros((n, n))
    W[np.arange(0, n, 2), np.arange(1, n, 2)] = rng.uniform(0.2, 1, count)
    W[np.arange(1, n, 2), np.arange(0, n, 2)] = rng.uniform(0.2, 1, count)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = (X @ [0.2, 0.8] + rng.normal(size=n) > 0).astype(float)
    return y, X, W


def pair_loglik(y, X, W, beta, rho, kind):
    n = len(y)
    B = linalg.inv(np.eye(n) - rho * W)
    mean = (B @ X if kind == "lag" else X) @ beta
    q = 2 * y - 1
    spread = B @ B.T
    total = 0.0
    for i in range(0, n, 2):
        block = slice(i, i + 2)
        signed = np.outer(q[block], q[block]) * spread[block, block]
        total += np.log(bivariate(q[block] * mean[block], signed))
    return total


def bivariate(upper, covariance):
    """P(z < upper), as one integral over the first coordinate."""
    s = np.sqrt(np.diag(covariance))
    r = covariance[0, 1] / s.prod()
    a, b = upper / s

    def inside(z):
        return stats.norm.pdf(z) * special.ndtr((b - r * z) / np.sqrt(1 - r * r))

    return integrate.quad(inside, -9, a, epsabs=1e-14, epsrel=1e-13)[0]


@pytest.mark.parametrize("kind", ["lag", "error"])
def test_scores_of_the_probit_are_derivatives_of_its_likelihood(kind):
    y, X, W = pairs()
    fit = fitted_plain(y, X, "probit")
    cells = Cells(np.arange(len(y)), units=len(y), periods=1)
    found = scores(fit, W, cells, np.array([1]))
    spread = np.sqrt(pair_variance(W, cells, fit.variance[:, None])[0])
    ours = found.lag @ found.z if kind == "lag" else spread * found.z[-1]
    step = 1e-4
    up, down = (pair_loglik(y, X, W, fit.beta, s, kind) for s in (step, -step))
    assert ours == pytest.approx((up - down) / (2 * step), rel=DIFFERENCE)


def fitted_plain(y, X, link):
    return PlainFit(X, y, fit_binary(X, y, LINKS[link]).beta, LINKS[link])


def test_robust_lag_is_the_score_test_of_a_log_odds_lag():
    weights = neighbours(80, standardize=None)
    homes = in_order(homes_in(weights, 80), weights)
    result = spatial_binary_tests("poor ~ age + jobs", homes, weights=weights)
    X = sm.add_constant(homes[["age", "jobs"]].to_numpy())
    y, W, beta = homes["poor"].to_numpy(), weights.matrix, result.estimates.to_numpy()

    def loglik(rho):
        eta = linalg.solve(np.eye(80) - rho * W, X @ beta)
        return np.sum(y * eta - np.logaddexp(0, eta))

    score = (loglik(1e-5) - loglik(-1e-5)) / 2e-5
    eta = X @ beta
    v = special.expit(eta) * special.expit(-eta)
    full = np.column_stack([X, W @ eta])
    variance = 1 / linalg.inv((full.T * v) @ full)[-1, -1]
    assert column_of(result)["robust LM-lag"] == pytest.approx(
        score**2 / variance, rel=DIFFERENCE
    )


def test_latent_scale_is_that_of_expected_logistic_errors():
    eta = np.array([-2.0, 0.0, 0.7, 3.0])
    X = np.column_stack([eta, np.ones(4)])
    fit = PlainFit(X, np.array([0.0, 1, 1, 0]), np.array([1.0, 0.0]), LINKS["logit"])

    def product(a):  # E[e u] = E[e 1(e > -a)], u being 1(e > -a) - F(a)
        density = stats.logistic.pdf
        return integrate.quad(lambda e: e * density(e), -a, 60, epsabs=1e-13)[0]

    expected = sum(product(a) for a in eta) / fit.variance.sum()
    assert fit.latent_scale == pytest.approx(expected, rel=PEER)
    assert PlainFit(X, fit.y, fit.beta, LINKS["probit"]).latent_scale == 1.0


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_residuals_far_in_the_tail_stay_finite(link):
    X, y = np.array([[30.0], [-30.0], [1.0]]), np.array([0.0, 1.0, 1.0])
    fit = PlainFit(X, y, np.ones(1), LINKS[link])
    assert np.isfinite(fit.residual).all()
    assert (fit.variance > 0).all()
    assert np.isfinite(np.sqrt(fit.chances[1] / fit.chances[0])).all()


# --- Laws --------------------------------------------------------------------------


@LAW
@given(st.integers(0, 10_000), st.sampled_from(["logit", "probit"]), st.booleans())
def test_order_of_rows_and_units_and_storage_do_not_matter(seed, link, row):
    weights = neighbours(40, seed=seed, standardize="row" if row else None)
    homes = homes_in(weights, 160, seed=seed)
    formula, keys = "poor ~ age + jobs", {"link": link, "unit": "unit_id"}
    first = spatial_binary_tests(formula, homes, weights=weights, **keys)
    rng = np.random.default_rng(seed)
    order = rng.permutation(weights.n)
    moved = gp.SpatialWeights(
        weights.units[order],
        sparse.csr_array(weights.matrix[np.ix_(order, order)]),
        standardize=weights.standardize,
    )
    again = spatial_binary_tests(
        formula, homes.sample(frac=1, random_state=seed), weights=moved, **keys
    )
    # The fit stops within 1e-10 standard errors; statistics follow it.
    near(column_of(again), column_of(first), 1e-9)
    units = again.units.set_index("unit_id").loc[first.units["unit_id"]]
    near(units, first.units.set_index("unit_id"), 1e-9)
    assert again.facts["morans_i"] == pytest.approx(first.facts["morans_i"], abs=1e-9)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_sparse_equals_dense(link):
    weights = neighbours(60, standardize=None, alone=2)
    thin = gp.SpatialWeights(weights.units, sparse.csr_array(weights.matrix))
    homes = homes_in(weights, 300, periods=2)
    keys = {"link": link, "unit": Sample("unit_id", "year")}
    dense, light = (
        spatial_binary_tests("poor ~ age + jobs", homes, weights=w, **keys)
        for w in (weights, thin)
    )
    near(column_of(light), column_of(dense), SAME)
    near(light.units["residual_lag"], dense.units["residual_lag"], SAME)
    assert light.facts["morans_i"] == pytest.approx(dense.facts["morans_i"], rel=SAME)


@LAW
@given(st.integers(0, 10_000), st.sampled_from(["logit", "probit"]))
def test_joint_tests_are_sums(seed, link):
    weights = neighbours(50, seed=seed)
    homes = homes_in(weights, 50, seed=seed)
    s = column_of(
        spatial_binary_tests("poor ~ age + jobs", homes, weights=weights, link=link)
    )
    near(s["LM-lag-error"], s["LM-error"] + s["robust LM-lag"], BRUTE)
    near(s["LM-lag-error"], s["LM-lag"] + s["robust LM-error"], BRUTE)
    near(s["LM-Durbin"], s["LM-lag"] + s["robust LM-SLX"], BRUTE)
    # Rows of W sum to 1: W X b is made of lags of covariates and the constant.
    near(s["LM-Durbin"], s["LM-SLX"] + s["LM-error"], BRUTE)
    if link == "logit":
        near(s["LM-error"], s["Kelejian-Prucha"] ** 2, BRUTE)


def test_scale_of_weights_and_covariates_does_not_matter():
    weights = neighbours(50, standardize=None)
    double = gp.SpatialWeights(weights.units, 2 * weights.matrix)
    homes = homes_in(weights, 120)
    keys = {"weights": weights, "unit": "unit_id"}
    s = column_of(spatial_binary_tests("poor ~ age + jobs", homes, **keys))
    moved = homes.assign(age=40 + 1000 * homes["age"])
    scaled = spatial_binary_tests("poor ~ age + jobs", moved, **keys)
    keys["weights"] = double
    near(column_of(scaled)["LM-error"], s["LM-error"], 1e-9)
    near(column_of(scaled)["LM-lag"], s["LM-lag"], 1e-9)
    again = column_of(spatial_binary_tests("poor ~ age + jobs", homes, **keys))
    near(again, s, BRUTE)


def test_strong_dependence_is_found():
    weights = neighbours(400, k=6)
    rng = np.random.default_rng(5)
    homes = in_order(homes_in(weights, 400), weights)
    B = linalg.inv(np.eye(400) - 0.6 * weights.matrix)
    mean = 0.3 + homes["age"].to_numpy() - 0.7 * homes["jobs"].to_numpy()
    e = rng.logistic(size=400)
    lag = homes.assign(poor=(B @ (mean + e) > 0).astype(int))
    error = homes.assign(poor=(mean + B @ e > 0).astype(int))
    slx = homes.assign(
        poor=(mean + 2 * weights.matrix @ homes["age"].to_numpy() + e > 0).astype(int)
    )
    p = {
        name: column_of(
            spatial_binary_tests("poor ~ age + jobs", table, weights=weights), "p_value"
        )
        for name, table in {"lag": lag, "error": error, "slx": slx}.items()
    }
    assert p["lag"][["LM-lag", "LM-lag-error", "LM-Durbin"]].max() < 1e-3
    assert p["lag"]["robust LM-lag"] < 0.05
    assert p["error"][["LM-error", "robust LM-error", *RESIDUAL]].max() < 1e-3
    assert p["slx"][["LM-SLX", "robust LM-SLX", "LM-Durbin"]].max() < 1e-3
    assert p["error"]["robust LM-lag"] > 0.01


# --- The result --------------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_estimates_are_those_of_the_plain_model(link):
    weights = neighbours(40)
    homes = homes_in(weights, 90)
    result = spatial_binary_tests(
        "poor ~ age + jobs", homes, weights=weights, link=link, unit="unit_id"
    )
    plain = getattr(gp, link)("poor ~ age + jobs", homes, vcov="iid")
    near(result.estimates, plain.estimates, SAME)
    near(result.vcov, plain.vcov, SAME)
    for fact in ("n_obs", "n_dropped", "n_units", "log_likelihood", "share_of_ones"):
        assert result.facts[fact] == plain.facts[fact]
    assert result.facts["link"] == link
    assert result.estimator == "spatial_binary_tests"


def test_units_show_where_residuals_cluster():
    weights = neighbours(30, alone=1)
    homes = homes_in(weights, 100)
    result = spatial_binary_tests(
        "poor ~ age + jobs", homes, weights=weights, unit="unit_id"
    )
    assert list(result.units) == [
        *("unit_id", "rows", "outcome", "probability", "residual", "residual_lag")
    ]
    plain = gp.logit("poor ~ age + jobs", homes)
    homes["probability"] = plain.tables["fitted"]["probability"]
    homes["residual"] = homes["poor"] - homes["probability"]
    known = homes.groupby("unit_id").agg(
        rows=("poor", "size"),
        outcome=("poor", "mean"),
        probability=("probability", "mean"),
        residual=("residual", "mean"),
    )
    units = result.units.set_index("unit_id")
    near(units[known.columns], known.loc[units.index], BRUTE)
    near(
        units["residual_lag"].loc[weights.units],
        weights.lag(known["residual"]),
        BRUTE,
    )
    r = known["residual"].loc[weights.units].to_numpy()
    r = r - r.mean()
    moran = 30 / weights.matrix.sum() * (r @ weights.matrix @ r) / (r @ r)
    assert result.facts["morans_i"] == pytest.approx(moran, rel=BRUTE)


def test_periods_have_their_own_units():
    weights = neighbours(20)
    homes = homes_in(weights, 90, periods=2)
    result = spatial_binary_tests(
        "poor ~ age + jobs", homes, weights=weights, unit=Sample("unit_id", "year")
    )
    assert result.units[["unit_id", "period"]].drop_duplicates().shape == (40, 2)
    assert result.facts["n_periods"] == 2
    for year, part in result.units.groupby("period"):
        own = homes[homes["year"] == year].groupby("unit_id")["poor"].mean()
        near(part["outcome"], own.loc[part["unit_id"]], SAME)
        near(
            part.set_index("unit_id")["residual_lag"].loc[weights.units],
            weights.lag(part.set_index("unit_id")["residual"]),
            SAME,
        )
    r = result.units.pivot_table(index="unit_id", columns="period", values="residual")
    off = (r - result.units["residual"].mean()).loc[weights.units].to_numpy()
    # Both periods have all the links of W, whose rows sum to 1.
    moran = np.sum(off * (weights.matrix @ off)) / np.sum(off**2)
    assert result.facts["morans_i"] == pytest.approx(moran, rel=BRUTE)


def test_a_model_of_spillovers_can_be_column_of():
    weights = neighbours(60)
    homes = homes_in(weights, 60)
    result = spatial_binary_tests("poor ~ age + jobs + W(age)", homes, weights=weights)
    assert "W(age)" in result.estimates.index
    # W(jobs) and W(W(age)) are new, W(age) is not.
    assert column_of(result, "df")["LM-SLX"] == 2
    assert any("leaves out 1 of 3 lags" in note for note in result.notes)
    assert column_of(result)[list(ROBUST)].notna().all()


def test_only_a_constant_leaves_some_tests_empty():
    weights = neighbours(40)
    homes = homes_in(weights, 40)
    result = spatial_binary_tests("poor ~ 1", homes, weights=weights)
    s, df = column_of(result), column_of(result, "df")
    empty = ["LM-SLX", "robust LM-lag", "robust LM-error", "robust LM-SLX"]
    assert s[empty].isna().all()
    assert (df[empty] == 0).all()
    near(s["LM-lag"], s["LM-error"], BRUTE)
    assert df["LM-lag-error"] == 1
    assert any(note.startswith("There is nothing to test for") for note in result.notes)


def with_island_note_of(weights):
    with pytest.warns(gp.GeoPovertyWarning, match="have no neighbour"):
        return with_island_note(weights)


def test_notes_say_what_a_reader_must_know():
    weights = neighbours(30, alone=2)
    homes = homes_in(weights, 90)
    result = spatial_binary_tests(
        "poor ~ age + jobs", homes, weights=weights, unit="unit_id"
    )
    notes = " ".join(result.notes)
    assert notes.count("2 of 30 units have no neighbour") == 1
    known = with_island_note_of(weights)
    again = spatial_binary_tests(
        "poor ~ age + jobs", homes, weights=known, unit="unit_id"
    )
    assert " ".join(again.notes).count("2 of 30 units have no neighbour") == 1
    assert "independent given the covariates" in notes
    assert "derived for the probit" in notes
    assert "no W(x)" not in notes
    many = neighbours(200)
    probit = spatial_binary_tests(
        "poor ~ age", homes_in(many, 200), weights=many, link="probit"
    )
    assert probit.notes == ()


def test_a_result_can_be_saved_and_printed(tmp_path):
    weights = neighbours(30)
    homes = homes_in(weights, 30).set_index("unit_id")
    result = spatial_binary_tests("poor ~ age", homes, weights=weights)
    result.save(tmp_path / "tests.zip")
    again = gp.Result.load(tmp_path / "tests.zip")
    pd.testing.assert_frame_equal(again.tables["tests"], result.tables["tests"])
    assert "morans_i" in result.summary()
    thin = gp.SpatialWeights(weights.units, sparse.csr_array(weights.matrix))
    light = spatial_binary_tests("poor ~ age", homes, weights=thin)
    assert light.provenance["data_hash"] != result.provenance["data_hash"]


def test_data_are_never_changed():
    weights = neighbours(30)
    homes = homes_in(weights, 60)
    before, matrix = homes.copy(), weights.matrix.copy()
    spatial_binary_tests("poor ~ age", homes, weights=weights, unit="unit_id")
    pd.testing.assert_frame_equal(homes, before)
    np.testing.assert_array_equal(weights.matrix, matrix)


def test_rows_with_missing_values_are_counted():
    weights = neighbours(30)
    homes = homes_in(weights, 80)
    homes.loc[homes["unit_id"].duplicated().idxmax(), "age"] = np.nan
    result = spatial_binary_tests("poor ~ age", homes, weights=weights, unit="unit_id")
    assert result.facts["n_dropped"] == 1
    assert result.facts["n_obs"] == 79


# --- Bad input ---------------------------------------------------------------------


def wrong(message, error=gp.InputError, formula="poor ~ age", change=None, **options):
    weights = options.pop("weights", neighbours(30))
    homes = homes_in(neighbours(30), options.pop("rows", 30))
    if change is not None:
        homes = change(homes)
    with pytest.raises(error, match=message):
        spatial_binary_tests(formula, homes, weights=weights, **options)


def test_several_rows_a_unit_need_unit():
    wrong(r"each unit must have one row.*Pass unit='unit_id'", rows=80)


def test_units_must_be_the_same():
    wrong(
        r"same units; 5 only in the rows.*weights\.subset\(units\)",
        weights=neighbours(30).subset(neighbours(30).units[:25]),
    )
    wrong(
        r"same units; 1 only in the weights \(.*weights\.subset\(units\)",
        change=lambda homes: homes.iloc[1:],
    )


def test_unit_ids_must_be_there_and_text():
    wrong("column unit_id", change=lambda homes: homes.drop(columns="unit_id"))
    wrong("column county", unit="county")
    wrong(
        "must be text",
        change=lambda homes: homes.assign(unit_id=np.arange(30)),
    )


def test_weights_need_links():
    units = neighbours(30).units
    wrong("no link", weights=gp.SpatialWeights(units, np.zeros((30, 30))))
    wrong("weights must be", weights=np.zeros((30, 30)))


def test_unknown_options_are_refused():
    wrong("link must be one of 'logit', 'probit'", link="cloglog")
    wrong("unit must be a column name", unit=3)
    wrong(
        "got sampling_weight='age'",
        unit=Sample("unit_id", sampling_weight="age"),
    )


def test_the_outcome_must_be_binary_and_vary():
    wrong("must be 0 or 1", formula="age ~ jobs")
    wrong("must vary", change=lambda homes: homes.assign(poor=0))


def test_separation_is_named():
    wrong(
        "'twice' separates the outcome 'poor' perfectly",
        gp.EstimationError,
        "poor ~ twice",
        lambda homes: homes.assign(twice=2.0 * homes["poor"] - 1),
    )

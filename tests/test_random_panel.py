"""Random effects against R's plm, spreg, dense likelihoods and planted truth."""

import contextlib
import io
import warnings

import libpysal
import numpy as np
import pandas as pd
import pytest
import spreg
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from scipy import linalg, sparse

from geopoverty.covariances import Cluster
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.panel import SpatialPanel, panel
from geopoverty.numerics.random_panel import (
    Components,
    Groups,
    added_means,
    random_fit,
    swamy_arora,
    within_fit,
)
from geopoverty.numerics.spatial.panel_moments import (
    _pair_covariance,
    fit_error_components,
)
from geopoverty.numerics.spatial.panel_random import (
    ErrorProfile,
    LagProfile,
    Layout,
    fit_random_spatial,
)
from geopoverty.weights import SpatialWeights

# The same formulas in another order; Produc's regressors correlate at 0.99.
SAME = 1e-9
# spreg stops its searches at 1e-7; its moments are solved by a generic search.
PEER, PEER_MOMENTS = 3e-7, 3e-6
# Central differences of dense likelihoods computed to 1e-12 or so, step 1e-3.
SLOPE, CURVATURE = 1e-3, 1e-5

KKP = SpatialPanel("error", method="gmm")
MODELS = ["lag", "error", "durbin", KKP]
CASES = ["grunfeld", "grunfeld_ragged", "produc"]
FEW = pytest.mark.filterwarnings("ignore:There are only")


def rows_of(data):
    if data == "produc":
        return table("produc"), "state"
    rows = table("grunfeld")
    if data == "grunfeld_ragged":
        rows = rows[(np.arange(len(rows)) + 1) % 7 != 0]
    return rows, "firm"


def fitted(data, **options):
    rows, unit = rows_of(data)
    formula = answers("random_panel")[data]["formula"]
    return panel(formula, rows, unit=unit, period="year", effects="random", **options)


# --- Known answers -----------------------------------------------------------------


@pytest.mark.parametrize("data", CASES)
def test_random_effects_equal_those_of_plm(data):
    known = answers("random_panel")[data]
    result = fitted(data, vcov="iid")
    theirs = [known["coefficients"][t] for t in result.estimates.index]
    np.testing.assert_allclose(result.estimates, theirs, rtol=SAME)
    np.testing.assert_allclose(result.vcov, known["vcov"], rtol=SAME)
    facts = result.facts
    assert facts["sigma_e"] ** 2 == pytest.approx(known["sigma2_row"], rel=SAME)
    assert facts["sigma_u"] ** 2 == pytest.approx(known["sigma2_unit"], rel=SAME)
    ends = ("theta", "theta") if "theta" in facts else ("theta_least", "theta_most")
    found = [facts[e] for e in ends]
    wanted = [known["theta_least"], known["theta_most"]]
    np.testing.assert_allclose(found, wanted, rtol=SAME)
    assert list(result.estimates.index) == known["terms"]


@FEW
@pytest.mark.parametrize("data", CASES)
def test_clusters_equal_those_of_plm(data):
    known = answers("random_panel")[data]
    n, groups, k = known["n_obs"], known["n_units"], len(known["terms"])
    result = fitted(data)
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    theirs = np.array(known["arellano"]) * factor
    np.testing.assert_allclose(result.vcov, theirs, rtol=SAME * 10)
    assert result.facts["df_t"] == groups - 1


@pytest.mark.parametrize("data", CASES)
def test_hausman_tests_equal_those_of_plm(data):
    known = answers("random_panel")[data]
    tests = fitted(data, vcov="iid").tables["hausman"].set_index("test")
    for name, key in (("Hausman", "hausman"), ("Mundlak", "mundlak")):
        for column in ("statistic", "df", "p_value"):
            assert tests.loc[name, column] == pytest.approx(
                known[key][column], rel=1e-7
            )
    n, groups = known["n_obs"], known["n_units"]
    df = known["mundlak_robust"]["df"]
    factor = groups / (groups - 1) * (n - 1) / (n - len(known["terms"]) - df)
    robust = tests.loc["Mundlak, clustered by unit", "statistic"]
    assert robust * factor == pytest.approx(
        known["mundlak_robust"]["statistic"], rel=1e-7
    )


def simulated(seed=0, units=40, periods=5, model="lag", rho=0.4, spread=1.0):
    """Return a table, weights and both as arrays, truth planted."""
    rng = np.random.default_rng(seed)
    side = np.roll(np.eye(units), 1, axis=1)
    far = np.roll(np.eye(units), 5, axis=1)
    W = 0.4 * side + 0.35 * side.T + 0.25 * far
    A = np.linalg.inv(np.eye(units) - rho * W)
    ids = rng.permutation([f"{i:03d}" for i in range(units)])
    X = np.ones((units, periods, 3))
    X[..., 1] = rng.normal(size=(units, periods))
    X[..., 2] = rng.normal(size=(units, 1)) + rng.normal(size=(units, periods))
    own = spread * rng.normal(size=(units, 1))
    e = rng.normal(size=(units, periods))
    b = np.array([1.0, 2.0, -1.0])
    if model == "lag":
        y = A @ (X @ b + own + e)
    else:
        y = X @ b + (own + A @ e if model == "error" else A @ (own + e))
    data = pd.DataFrame(
        {
            "unit_id": np.repeat(ids, periods),
            "period": np.tile(2000 + np.arange(periods), units),
            "y": y.ravel(),
            "x": X[..., 1].ravel(),
            "z": X[..., 2].ravel(),
        }
    )
    weights = SpatialWeights(ids, sparse.csr_array(W), standardize="row")
    return data, weights, Layout(sparse.csr_array(W), y, X)


def peer(kind, layout, **options):
    """Return what spreg finds, without what it prints and warns."""
    w = libpysal.weights.WSP(sparse.csr_matrix(layout.W)).to_W(silence_warnings=True)
    y = layout.y.T.reshape(-1, 1)
    X = layout.X.transpose(1, 0, 2).reshape(layout.n, -1)[:, 1:]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return kind(y, X, w, **options)


def test_random_lag_is_the_maximum_spreg_finds():
    _, _, layout = simulated()
    fit = fit_random_spatial(LagProfile(layout), (-1.0,))
    theirs = peer(spreg.ML_LagRE, layout)
    np.testing.assert_allclose(fit.theta, theirs.betas.ravel()[:-1], rtol=PEER)
    assert 1 - fit.share == pytest.approx(theirs.phi, rel=PEER)
    assert fit.loglik == pytest.approx(theirs.logll, rel=1e-10)


def test_partly_weighted_moments_are_those_of_spreg():
    _, _, layout = simulated(model="moments")
    fit = fit_error_components(layout, full=False)
    theirs = peer(spreg.GM_ErrorRE, layout)
    ours = [*fit.theta, fit.row, fit.means]
    np.testing.assert_allclose(ours, theirs.betas.ravel(), rtol=PEER_MOMENTS)
    np.testing.assert_allclose(fit.vcov[:3, :3], theirs.vm, rtol=PEER_MOMENTS)


# --- Dense likelihoods -------------------------------------------------------------


def dense_loglik(layout, model):
    """Return the log-likelihood of (b, rho, log unit, log row), by one dense matrix.

    spreg's ML_ErrorRE is no oracle: it takes the eigenvectors of W for orthogonal.
    """
    N, T = layout.y.shape
    W, y = layout.W.toarray(), layout.y.T.ravel()
    X = layout.X.transpose(1, 0, 2).reshape(N * T, -1)
    same = np.kron(np.ones((T, T)), np.eye(N))

    def loglik(p):
        b, rho, unit, row = p[:-3], p[-3], np.exp(p[-2]), np.exp(p[-1])
        B = np.eye(N) - rho * W
        lag = model == "lag"
        apart = np.eye(N) if lag else np.linalg.inv(B.T @ B)
        omega = unit * same + row * np.kron(np.eye(T), apart)
        rest = (np.kron(np.eye(T), B) @ y if lag else y) - X @ b
        root = linalg.cholesky(omega, lower=True)
        z = linalg.solve_triangular(root, rest, lower=True)
        jacobian = T * np.linalg.slogdet(B)[1] if lag else 0.0
        flat = np.log(np.diag(root)).sum() + N * T / 2 * np.log(2 * np.pi)
        return jacobian - flat - 0.5 * z @ z

    return loglik


def differences(value, p, h=1e-3):
    """Return gradient and Hessian by central differences."""
    k, step = len(p), np.eye(len(p)) * h
    slope = np.array([value(p + s) - value(p - s) for s in step]) / (2 * h)
    bend = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1):
            a, b = step[i], step[j]
            four = value(p + a + b) - value(p + a - b)
            four += value(p - a - b) - value(p - a + b)
            bend[i, j] = bend[j, i] = four / (4 * h * h)
    return slope, bend


@pytest.mark.parametrize(
    ("model", "kind"), [("lag", LagProfile), ("error", ErrorProfile)]
)
def test_likelihood_and_covariance_are_those_of_dense_matrices(model, kind):
    _, _, layout = simulated(1, units=25, periods=3, model=model)
    fit = fit_random_spatial(kind(layout), (-1.0, -0.05))
    point = np.append(fit.theta, np.log([fit.unit, fit.row]))
    loglik = dense_loglik(layout, model)
    assert fit.loglik == pytest.approx(loglik(point), rel=1e-12)
    slope, bend = differences(loglik, point)
    assert np.abs(slope).max() < SLOPE
    k = len(fit.theta)
    np.testing.assert_allclose(
        fit.vcov, np.linalg.inv(-bend)[:k, :k], rtol=CURVATURE, atol=1e-7
    )


@pytest.mark.parametrize("kind", [LagProfile, ErrorProfile])
def test_dense_and_sparse_weights_agree(kind):
    _, _, layout = simulated(2)
    dense = Layout(layout.W.toarray(), layout.y, layout.X)
    one, other = (fit_random_spatial(kind(a), (-1.0,)) for a in (layout, dense))
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-8)
    np.testing.assert_allclose(one.vcov, other.vcov, rtol=1e-6, atol=1e-9)


def test_moments_covary_as_normal_quadratic_forms():
    rng = np.random.default_rng(0)
    W = rng.uniform(size=(7, 7)) * (rng.random((7, 7)) < 0.5)
    np.fill_diagonal(W, 0)
    forms = [np.eye(7), W.T @ W, (W + W.T) / 2]
    theirs = [[2 * np.trace(a @ b) / 7 for b in forms] for a in forms]
    np.testing.assert_allclose(_pair_covariance(W), theirs, rtol=1e-12, atol=1e-14)
    found = _pair_covariance(sparse.csr_array(W))
    np.testing.assert_allclose(found, theirs, rtol=1e-12, atol=1e-14)


# --- Planted truth -----------------------------------------------------------------


@pytest.mark.parametrize("model", ["lag", "error", "moments"])
def test_truth_is_recovered_and_errors_are_as_stated(model):
    draws = []
    truth = np.array([1.0, 2.0, -1.0, 0.4])
    for seed in range(40):
        _, _, layout = simulated(100 + seed, model=model)
        if model == "moments":
            fit = fit_error_components(layout)
        else:
            kind = LagProfile if model == "lag" else ErrorProfile
            fit = fit_random_spatial(kind(layout), (-1.0,))
        draws.append((fit.theta - truth) / np.sqrt(np.diag(fit.vcov)))
    z = np.array(draws)
    # In 400 draws (seed 1000 on) intervals of 95 % held the truth in 93.5 to 96 %.
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(len(z))
    assert 0.7 < z.std(axis=0).min() < z.std(axis=0).max() < 1.35


def test_mundlak_terms_give_the_coefficients_of_fixed_effects():
    rows, unit = rows_of("grunfeld_ragged")
    X = np.column_stack([np.ones(len(rows)), rows["value"], rows["capital"]])
    y, groups = rows["inv"].to_numpy(float), Groups(pd.factorize(rows[unit])[0])
    means, of = added_means(X, groups)
    components = swamy_arora(X, y, groups)
    wide = random_fit(np.hstack([X, means]), y, groups, components)
    fixed, kept = within_fit(X, y, groups)
    assert of == kept == [1, 2]
    np.testing.assert_allclose(wide.beta[[1, 2]], fixed.beta, rtol=1e-9)


def test_without_spread_of_units_it_is_least_squares():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(60), rng.normal(size=60)])
    y, groups = rng.normal(size=60), Groups(np.repeat(np.arange(20), 3))
    fit = random_fit(X, y, groups, Components(0.0, 1.0, -0.1))
    np.testing.assert_allclose(fit.beta, np.linalg.lstsq(X, y)[0], rtol=1e-10)


# --- What a reader is told ---------------------------------------------------------


def joined(seed=3):
    """Return a panel whose effects of units go with x."""
    data, weights, _ = simulated(seed, spread=0.3)
    own = data.groupby("unit_id")["z"].transform("mean")
    return data.assign(y=data["y"] + 3 * own), weights


@pytest.mark.parametrize("model", ["none", *MODELS])
def test_effects_that_go_with_covariates_are_noted(model):
    data, weights = joined()
    options = {"model": model, "weights": None if model == "none" else weights}
    result = panel("y ~ x + z", data, effects="random", vcov="iid", **options)
    tests = result.tables["hausman"]
    assert list(tests.columns) == ["test", "statistic", "df", "p_value", "against"]
    # Hausman's own form falls below 0 just where it should reject.
    assert (tests["p_value"].dropna() < 1e-4).all()
    assert tests["p_value"].iloc[-1] < 1e-4
    assert any("Random effects are in doubt" in note for note in result.notes)


@pytest.mark.parametrize("model", ["none", *MODELS])
def test_effects_by_themselves_are_not(model):
    data, weights, _ = simulated(4)
    options = {"model": model, "weights": None if model == "none" else weights}
    result = panel("y ~ x + z", data, effects="random", vcov="iid", **options)
    assert (result.tables["hausman"]["p_value"] > 0.05).all()
    assert not any("in doubt" in note for note in result.notes)
    assert result.facts["sigma_u"] > 0.5
    assert 0 < result.facts["theta"] < 1


def test_periods_alike_for_all_and_constants_are_not_compared():
    data, _, _ = simulated(5)
    data = data.assign(south=(data["unit_id"] > "020").astype(int))
    result = panel("y ~ x + south + C(period)", data, effects="random", vcov="iid")
    assert (result.tables["hausman"]["df"] == 1).all()
    assert "south" in result.estimates.index


def test_nothing_to_compare_is_said():
    data, weights, _ = simulated(5)
    data = data.assign(south=(data["unit_id"] > "020").astype(int))
    for options in ({}, {"weights": weights, "model": "lag"}):
        result = panel("y ~ south", data, effects="random", vcov="iid", **options)
        assert result.tables["hausman"]["statistic"].isna().all()
        assert any("nothing tells random from fixed" in n for n in result.notes)


def test_units_effects_are_shrunken_means():
    result = fitted("grunfeld_ragged", vcov="iid")
    found = result.tables["unit_effects"].set_index("unit_id")
    means = result.units.groupby("unit_id")["residual"].mean()
    unit, row = result.facts["sigma_u"] ** 2, result.facts["sigma_e"] ** 2
    counts = result.units.groupby("unit_id").size()
    wanted = means * counts * unit / (counts * unit + row)
    np.testing.assert_allclose(found["effect"], wanted[found.index], rtol=1e-10)
    assert (found["rows"] == counts[found.index]).all()


def test_no_variance_between_units_is_said():
    # Units that are more alike than chance would have them.
    data, weights, _ = simulated(6, spread=0.0, rho=0.0)
    rest = data["y"] - 2 * data["x"] + data["z"]
    data["y"] -= 0.9 * rest.groupby(data["unit_id"]).transform("mean")
    for options in ({}, *({"weights": weights, "model": m} for m in MODELS)):
        result = panel("y ~ x + z", data, effects="random", vcov="iid", **options)
        assert result.facts["sigma_u"] == 0
        assert result.facts["theta"] == 0
        said = ("pooled", "variance of effects of units was set to 0")
        assert any(s in note for note in result.notes for s in said)
        assert np.isfinite(result.vcov.to_numpy()).all()


def test_hausman_without_a_proper_law_is_said():
    result = fitted("produc", vcov="iid")
    assert any("no proper law" in note for note in result.notes)
    assert not any("no proper law" in n for n in fitted("grunfeld", vcov="iid").notes)


@pytest.mark.parametrize("model", MODELS)
def test_fitted_and_residual_make_the_outcome(model):
    data, weights, _ = simulated(7)
    result = panel("y ~ x + z", data, effects="random", weights=weights, model=model)
    units = result.units
    np.testing.assert_allclose(units["fitted"] + units["residual"], data["y"])
    b = result.estimates
    rest = data["y"] - b["Intercept"] - b["x"] * data["x"] - b["z"] * data["z"]
    if model == "lag":
        # Rows are in the order of units, then periods, as the product is.
        wide = data.pivot_table("y", "unit_id", "period").loc[weights.units]
        rest -= b["rho"] * (weights.matrix @ wide.to_numpy()).ravel()
    if model != "durbin":
        np.testing.assert_allclose(units["residual"], rest, atol=1e-10)


def test_effects_of_a_lag_are_those_of_its_multiplier():
    data, weights, _ = simulated(8)
    result = panel("y ~ x + z", data, effects="random", weights=weights, model="lag")
    effects = result.tables["effects"].set_index(["term", "effect"])["estimate"]
    b = result.estimates
    G = np.linalg.inv(np.eye(weights.n) - b["rho"] * weights.matrix.toarray())
    assert effects["x", "direct"] == pytest.approx(b["x"] * np.diag(G).mean())
    assert effects["x", "total"] == pytest.approx(b["x"] / (1 - b["rho"]))


# --- Laws --------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["none", *MODELS])
def test_order_of_rows_and_units_does_not_matter(model):
    data, weights, _ = simulated(9)
    rng = np.random.default_rng(0)
    place = rng.permutation(weights.n)
    moved = SpatialWeights(
        weights.units[place], weights.matrix[place][:, place], standardize="row"
    )
    shuffled = data.sample(frac=1, random_state=1)
    options = {"effects": "random", "vcov": "iid", "model": model}
    spatial = model != "none"
    one = panel("y ~ x + z", data, weights=weights if spatial else None, **options)
    two = panel("y ~ x + z", shuffled, weights=moved if spatial else None, **options)
    np.testing.assert_allclose(one.estimates, two.estimates, rtol=1e-6)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-5, atol=1e-9)
    keys = ["unit_id", "period"]
    a, b = (r.units.set_index(keys)["residual"].sort_index() for r in (one, two))
    np.testing.assert_allclose(a, b, atol=1e-6)


@LAW
@given(st.floats(0.01, 100), st.floats(-50, 50), st.integers(0, 20))
def test_unit_of_the_outcome_scales_coefficients(scale, shift, seed):
    data, _, _ = simulated(seed, units=20, periods=3)
    moved = data.assign(y=scale * data["y"] + shift)
    options = {"effects": "random", "vcov": "iid"}
    one, two = (panel("y ~ x + z", d, **options) for d in (data, moved))
    wanted = scale * one.estimates + [shift, 0, 0]
    np.testing.assert_allclose(two.estimates, wanted, rtol=1e-7, atol=1e-8 * scale)
    np.testing.assert_allclose(two.vcov, scale**2 * one.vcov, rtol=1e-7)


@pytest.mark.parametrize("scale", [0.01, 3.7, 1e4])
@pytest.mark.parametrize("model", ["lag", "error"])
def test_unit_of_the_outcome_leaves_dependence(scale, model):
    _, _, layout = simulated(10, units=12, periods=3, model=model)
    moved = Layout(layout.W, scale * layout.y, layout.X)
    kind = LagProfile if model == "lag" else ErrorProfile
    one, two = (fit_random_spatial(kind(a), (-1.0,)) for a in (layout, moved))
    wanted = one.theta * [scale, scale, scale, 1]
    np.testing.assert_allclose(two.theta, wanted, rtol=1e-6)


# --- Bad input ---------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_unbalanced_panels_with_dependence_are_refused(model):
    data, weights, _ = simulated()
    with pytest.raises(InputError, match=r"needs a row in every period.*1 of 200"):
        panel("y ~ x", data[1:], effects="random", weights=weights, model=model)


def test_moments_serve_random_errors_only():
    data, weights, _ = simulated()
    with pytest.raises(InputError, match="method='gmm' estimates error components"):
        panel("y ~ x", data, effects="unit", weights=weights, model=KKP)


def test_few_units_are_refused():
    data, _, _ = simulated(units=12)
    few = data[data["unit_id"].isin(sorted(data["unit_id"].unique())[:3])]
    with pytest.raises(EstimationError, match="more units than coefficients: 3 units"):
        panel("y ~ x + z", few, effects="random", vcov="iid")


def test_no_rows_to_spare_are_refused():
    data, _, _ = simulated(units=12, periods=2)
    rows = data.drop_duplicates("unit_id").index
    lone = pd.concat([data.loc[rows], data.drop(rows)[:1]])
    with pytest.raises(EstimationError, match="rows to spare within units"):
        panel("y ~ x", lone, effects="random", vcov="iid")


def test_covariates_made_from_the_outcome_are_refused():
    data, _, _ = simulated()
    with pytest.raises(EstimationError, match="explain the outcome exactly"):
        panel("y ~ x", data.assign(x=2 * data["y"]), effects="random", vcov="iid")


def test_units_that_hardly_move_are_refused():
    data, weights, _ = simulated(rho=0.0)
    rng = np.random.default_rng(0)
    own = dict(zip(weights.units, rng.normal(size=weights.n), strict=True))
    data["y"] = data["unit_id"].map(own) + 1e-7 * data["y"]
    with pytest.raises(EstimationError, match="random effects are fixed effects then"):
        panel("y ~ x", data, effects="random", weights=weights, model="error")


def test_coefficients_at_the_end_of_their_range_are_refused():
    _, _, layout = simulated(rho=0.0)
    # What happens to all alike in a period, and effects="random" leaves in.
    alike = 1e5 * np.array([[0.0, 3.0, 1.0, 5.0, 2.0]]) + layout.y
    with pytest.raises(EstimationError, match="ran to the end of its range"):
        fit_random_spatial(LagProfile(Layout(layout.W, alike, layout.X)), (-1.0,))
    # A wave round the ring that rises and falls with the periods.
    place = np.sin(2 * np.pi * np.arange(40) / 40)[:, None]
    wave = 100 * place * np.array([[1.0, 5.0, 2.0, 4.0, 3.0]]) + layout.y
    with pytest.raises(EstimationError, match="best at the end of the range of lambda"):
        fit_error_components(Layout(layout.W, wave, layout.X))


@FEW
def test_clusters_on_another_column_are_allowed():
    result = fitted("grunfeld", vcov=Cluster("year"))
    assert result.facts["n_clusters"] == 20

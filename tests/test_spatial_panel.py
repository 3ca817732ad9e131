"""Spatial panels with fixed effects: spreg, dense algebra, laws, planted truth."""

import json

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import REFERENCE
from scipy import optimize, sparse

import geopoverty as gp
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.panel import SpatialPanel, panel
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.spatial.logdet import LogDeterminant, symmetric_scale
from geopoverty.numerics.spatial.panel_fit import (
    PanelData,
    fit_panel_error,
    fit_panel_lag,
)
from geopoverty.numerics.spatial.panel_likelihood import Likelihood, maximize
from geopoverty.numerics.spatial.panel_profile import ErrorProfile, LagProfile, Sweep
from geopoverty.numerics.spatial.returns import Returns

# spreg stops within 1e-7 of the best coefficient, and so do its variances.
SPREG, SPREG_SE = 1e-6, 1e-6
# Numbers from the interpolated log-determinant against dense algebra.
TRACE = 1e-6
FITS = {"lag": fit_panel_lag, "error": fit_panel_error}
EFFECTS = ("unit", "period", "two-way", "none")


# Against spreg


@pytest.fixture(scope="module")
def spreg():
    return json.loads((REFERENCE / "panel_spreg.json").read_text())


@pytest.fixture(scope="module")
def counties(spreg):
    shapes = gp.datasets.us_counties()
    table = gp.datasets.us_county_panel()
    return table[table["period"].isin(spreg["periods"])], {
        "queen": gp.contiguity_weights(shapes),
        "nearest_6": gp.knn_weights(shapes, k=6),
    }


@pytest.mark.parametrize("model", ["lag", "error", "durbin"])
@pytest.mark.parametrize("weights", ["queen", "nearest_6"])
def test_counties_equal_those_of_spreg(spreg, counties, model, weights):
    known = spreg["weights"][weights][model]
    table, held = counties
    result = panel(
        f"{spreg['outcome']} ~ {' + '.join(spreg['covariates'])}",
        table,
        effects="unit",
        weights=held[weights],
        model=SpatialPanel(model, bias_correction=False),
    )
    np.testing.assert_allclose(result.estimates, known["estimates"], atol=SPREG)
    errors = np.sqrt(np.diag(known["vcov"]))
    np.testing.assert_allclose(result.tidy()["std_error"], errors, rtol=SPREG_SE)
    assert result.facts["sigma2"] == pytest.approx(known["sigma2"], rel=SPREG)
    assert result.facts["log_likelihood"] == pytest.approx(known["log_likelihood"])


def test_known_answer_of_homicides(counties):
    table, held = counties
    result = panel(
        "homicide_rate ~ resource_deprivation + population_structure",
        table, effects="unit", weights=held["queen"], model="lag",
    )  # fmt: skip
    np.testing.assert_allclose(result.estimates, [0.8006, -2.6004, 0.1903], atol=5e-5)


# Against dense algebra


def weights_of(n, seed=0, *, even=True, links=5):
    rng = np.random.default_rng(seed)
    W = (rng.random((n, n)) < links / n) * rng.random((n, n))
    W[np.arange(n), (np.arange(n) + 1) % n] = 0.5
    np.fill_diagonal(W, 0.0)
    if even:
        return W / W.sum(axis=1, keepdims=True)
    W[3] = 0.0  # an island
    return W / np.abs(np.linalg.eigvals(W)).max()


def simulated(W, periods=4, k=2, *, model="lag", rho=0.4, seed=1):
    rng = np.random.default_rng(seed)
    n = len(W)
    X = rng.normal(size=(n, periods, k))
    own, wave = rng.normal(size=(n, 1)), rng.normal(size=(1, periods))
    e = rng.normal(size=(n, periods))
    mean = X @ np.resize([1.0, -1.0], k) + own + wave
    A = np.eye(n) - rho * W
    y = np.linalg.solve(A, mean + e) if model == "lag" else mean + np.linalg.solve(A, e)
    return y, X


def sweep_of(effects, correct=True):
    return Sweep(
        unit=effects in ("unit", "two-way"),
        period=effects in ("period", "two-way"),
        correct=correct,
    )


def contrasts(n, swept):
    """Return an orthonormal basis of what is left without the mean, or of all."""
    if not swept:
        return np.eye(n)
    values, vectors = np.linalg.eigh(np.eye(n) - 1 / n)
    return vectors[:, values > 0.5]


def transformed(y, X, W, sweep):
    """Return the data in contrasts of units and periods: those of Lee and Yu (2010)."""
    F = contrasts(len(y), sweep.period)
    H = contrasts(y.shape[1], sweep.unit)
    rows = np.einsum("ia,itk,tb->abk", F, X, H)
    return F.T @ y @ H, rows, F.T @ W @ F


def dense_likelihood(theta, y, X, W, model):
    """Return the log-likelihood of a cross-section that repeats, all parameters."""
    beta, rho, sigma2 = theta[:-2], theta[-2], theta[-1]
    A = np.eye(len(W)) - rho * W
    e = A @ y - X @ beta if model == "lag" else A @ (y - X @ beta)
    sign, log_determinant = np.linalg.slogdet(A)
    assert sign > 0
    return (
        y.shape[1] * log_determinant
        - 0.5 * y.size * np.log(2 * np.pi * sigma2)
        - 0.5 * np.sum(e * e) / sigma2
    )


def dense_information(theta, X, W, model):
    """Return the expected information of it (Anselin 1988, sections 6.2.3-4)."""
    beta, rho, sigma2 = theta[:-2], theta[-2], theta[-1]
    n, waves, k = X.shape
    A = np.eye(n) - rho * W
    G = W @ np.linalg.inv(A)
    if model == "error":
        X = np.einsum("ij,jtk->itk", A, X)
        pulled = np.zeros((n, waves))
    else:
        pulled = G @ (X @ beta)
    flat = X.reshape(-1, k)
    out = np.zeros((k + 2, k + 2))
    out[:k, :k] = flat.T @ flat / sigma2
    out[:k, k] = out[k, :k] = flat.T @ pulled.ravel() / sigma2
    squares = np.trace(G @ G) + np.trace(G.T @ G)
    out[k, k] = waves * squares + np.sum(pulled**2) / sigma2
    out[k, k + 1] = out[k + 1, k] = waves * np.trace(G) / sigma2
    out[k + 1, k + 1] = n * waves / (2 * sigma2**2)
    return out


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("model", ["lag", "error"])
def test_correction_is_the_likelihood_of_contrasts(model, effects):
    W = weights_of(40)
    y, X = simulated(W, model=model)
    sweep = sweep_of(effects)
    fit = FITS[model](PanelData(y, X, W, sweep, feasible_rho(W)), Returns(W))
    rows, columns, matrix = transformed(y, X, W, sweep)
    if effects in ("none", "period"):
        # Effects of units would be left in the information of a lag.
        assert fit.size == rows.size
    theta = np.array([*fit.beta, fit.rho, fit.sigma2])

    def value(v):
        return dense_likelihood(v, rows, columns, matrix, model)

    assert value(theta) == pytest.approx(fit.loglik, abs=1e-8)
    gradient = optimize.approx_fprime(theta, value, 1e-6)
    np.testing.assert_allclose(gradient, 0, atol=0.02)
    found = optimize.minimize(lambda v: -value(v), theta + 0.01, method="BFGS")
    np.testing.assert_allclose(found.x, theta, atol=2e-5)
    plain = np.linalg.lstsq(columns.reshape(rows.size, -1), rows.ravel(), rcond=None)
    at_zero = np.array([*plain[0], 0.0, plain[1][0] / rows.size])
    assert value(at_zero) == pytest.approx(fit.loglik_plain, abs=1e-8)


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("model", ["lag", "error"])
def test_standard_errors_are_those_of_the_expected_information(model, effects):
    W = weights_of(40)
    y, X = simulated(W, model=model)
    sweep = sweep_of(effects)
    fit = FITS[model](PanelData(y, X, W, sweep, feasible_rho(W)), Returns(W))
    rows, columns, matrix = transformed(y, X, W, sweep)
    if model == "lag" and not sweep.unit:
        # Effects that stay in the data are part of the mean that W carries.
        A = np.eye(len(matrix)) - fit.rho * matrix
        rest = A @ rows - columns @ fit.beta
        theta = np.array([*fit.beta, fit.rho, fit.sigma2])
        G = matrix @ np.linalg.inv(A)
        pulled = matrix @ rows - G @ rest
        information = dense_information(theta, columns, matrix, "error")
        flat = columns.reshape(rows.size, -1)
        k = flat.shape[1]
        information[:k, :k] = flat.T @ flat / fit.sigma2
        information[:k, k] = flat.T @ pulled.ravel() / fit.sigma2
        information[k, :k] = information[:k, k]
        information[k, k] += np.sum(pulled**2) / fit.sigma2
    else:
        theta = np.array([*fit.beta, fit.rho, fit.sigma2])
        information = dense_information(theta, columns, matrix, model)
    k = len(fit.beta) + 1
    np.testing.assert_allclose(
        fit.vcov, np.linalg.inv(information)[:k, :k], rtol=TRACE, atol=1e-10
    )


@pytest.mark.parametrize("correct", [True, False])
def test_unit_effects_change_the_variance_only(correct):
    W = weights_of(40)
    y, X = simulated(W, periods=3)
    data = [PanelData(y, X, W, sweep_of("unit", c), feasible_rho(W))
            for c in (correct, True)]  # fmt: skip
    one, corrected = (fit_panel_lag(d, Returns(W)) for d in data)
    np.testing.assert_allclose(one.beta, corrected.beta, rtol=1e-8)
    assert one.rho == pytest.approx(corrected.rho, rel=1e-8)
    factor = 1 if correct else 3 / 2
    assert corrected.sigma2 == pytest.approx(factor * one.sigma2)


def test_uneven_rows_solve_an_unbiased_equation():
    # E[(Wy)'J e] = sigma2 tr(JG): what rho solves when period effects are swept out.
    W = weights_of(40, even=False)
    y, X = simulated(W)
    fit = fit_panel_lag(
        PanelData(y, X, W, sweep_of("two-way"), feasible_rho(W)), Returns(W)
    )
    n, periods = y.shape
    J = np.eye(n) - 1 / n
    G = W @ np.linalg.inv(np.eye(n) - fit.rho * W)
    Q = sweep_of("two-way")
    expected = (periods - 1) * np.trace(J @ G)
    assert np.sum(Q(W @ y) * fit.residual) / fit.sigma2 == pytest.approx(
        expected, rel=1e-7
    )
    assert fit.sigma2 == pytest.approx(
        np.sum(fit.residual**2) / ((n - 1) * (periods - 1))
    )
    # Its expected derivative, in coefficients, rho and sigma2.
    flat, pulled = Q(X).reshape(y.size, -1), Q(W @ y - G @ fit.residual).ravel()
    joined = np.column_stack([flat, pulled])
    information = joined.T @ joined / fit.sigma2
    squares = np.trace(J @ G @ G) + np.trace(G.T @ J @ G)
    free = (n - 1) * (periods - 1)
    information[-1, -1] += (periods - 1) * squares - 2 * expected**2 / free
    np.testing.assert_allclose(fit.vcov, np.linalg.inv(information), rtol=TRACE)


def test_uneven_rows_of_an_error_model_are_restricted_likelihood():
    # Contrasts of each period's shocks that no period effect moves.
    W = weights_of(40, even=False)
    y, X = simulated(W, model="error")
    fit = fit_panel_error(
        PanelData(y, X, W, sweep_of("two-way"), feasible_rho(W)), Returns(W)
    )
    H, F = contrasts(4, swept=True), contrasts(40, swept=True)
    rows, columns = F.T @ y @ H, np.einsum("ia,itk,tb->abk", F, X, H)

    def value(rho, beta, sigma2):
        A = np.eye(40) - rho * W
        cover = F.T @ np.linalg.inv(A.T @ A) @ F * sigma2
        e = rows - columns @ beta
        return -0.5 * (
            3 * np.linalg.slogdet(2 * np.pi * cover)[1]
            + np.sum(e * np.linalg.solve(cover, e))
        )

    def concentrated(rho):
        A = np.eye(40) - rho * W
        root = np.linalg.inv(np.linalg.cholesky(F.T @ np.linalg.inv(A.T @ A) @ F))
        z, Z = root @ rows, np.einsum("ij,jtk->itk", root, columns)
        beta, rest, *_ = np.linalg.lstsq(Z.reshape(z.size, -1), z.ravel(), rcond=None)
        return value(rho, beta, rest[0] / z.size)

    best = optimize.minimize_scalar(
        lambda r: -concentrated(r), bounds=(-0.9, 0.95), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    assert fit.rho == pytest.approx(best.x, abs=1e-6)
    # The Jacobian of the contrasts themselves is a constant.
    shift = fit.loglik - concentrated(fit.rho)
    assert fit.loglik_plain - concentrated(0.0) == pytest.approx(shift, abs=1e-7)
    # The information of a variance: tr(V^-1 dV V^-1 dV) / 2, sigma2 allowed for.
    ahead, cover, behind = (
        F.T @ np.linalg.inv(A.T @ A) @ F
        for A in (np.eye(40) - (fit.rho + h) * W for h in (1e-6, 0.0, -1e-6))
    )
    change = np.linalg.solve(cover, (ahead - behind) / 2e-6)
    information = 3 * (np.trace(change @ change) - np.trace(change) ** 2 / 39) / 2
    assert fit.vcov[-1, -1] == pytest.approx(1 / information, rel=1e-5)


@pytest.mark.parametrize("model", ["lag", "error"])
def test_scores_are_derivatives(model):
    W = weights_of(40, even=False)
    y, X = simulated(W)
    profile = {"lag": LagProfile, "error": ErrorProfile}[model](
        y, X, W, sweep_of("two-way")
    )
    for rho in (-0.5, 0.1, 0.8):
        slope = profile.squares(rho)[1]
        ahead, behind = (profile.squares(rho + h)[0] for h in (1e-5, -1e-5))
        assert slope == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)
    likelihood = Likelihood(profile, LogDeterminant(W), sweep_of("two-way"), y.shape)
    score = likelihood.score(0.25, 0.35)
    level = [
        likelihood.value(r, np.linalg.slogdet(np.eye(40) - r * W)[1]
                         + likelihood.given(r))
        for r in (0.3 + 1e-5, 0.3 - 1e-5)
    ]  # fmt: skip
    assert score(0.3) == pytest.approx((level[0] - level[1]) / 2e-5, rel=1e-5)


def test_lags_of_outcomes_are_found_wherever_they_are():
    W = weights_of(60)
    for rho in (-0.9, -0.3, 0.0, 0.6, 0.95):
        y, X = simulated(W, rho=rho, seed=5)
        data = PanelData(y, X, sparse.csr_array(W), sweep_of("two-way"), (-1.2, 1.0))
        profile = LagProfile(y, X, W, data.sweep)
        best = fit_panel_lag(data, Returns(data.W))
        likelihood = Likelihood(profile, LogDeterminant(W), data.sweep, y.shape)
        here = [
            likelihood.value(r, np.linalg.slogdet(np.eye(60) - r * W)[1]
                             + likelihood.given(r))
            for r in np.linspace(-1.1, 0.99, 400)
        ]  # fmt: skip
        assert best.loglik >= max(here) - 1e-9


# The log-determinant and parts of the inverse


def dense_times(n, seed=0, *, symmetric=True):
    rng = np.random.default_rng(seed)
    places = rng.uniform(size=(n, 2))
    gaps = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    if not symmetric:
        gaps *= rng.uniform(0.9, 1.1, size=gaps.shape)
    np.fill_diagonal(gaps, np.inf)
    return (1 / gaps) / (1 / gaps).sum(axis=1, keepdims=True)


MATRICES = {
    "sparse": sparse.csr_array(weights_of(50)),
    "uneven": sparse.csr_array(weights_of(50, even=False)),
    "symmetric times": dense_times(50),
    "other times": dense_times(50, symmetric=False),
}


@pytest.mark.parametrize("name", MATRICES)
def test_log_determinants_and_their_derivatives(name):
    W = MATRICES[name]
    full = W.toarray() if sparse.issparse(W) else W
    found = LogDeterminant(W)
    curve = found.curve(0.35, 0.45, 12)
    ones = np.ones(50)
    for rho in (0.37, 0.42):
        A = np.eye(50) - rho * full
        G = full @ np.linalg.inv(A)
        assert found.at(rho) == pytest.approx(np.linalg.slogdet(A)[1], abs=1e-11)
        assert curve(rho) == pytest.approx(found.at(rho), abs=1e-11)
        assert curve.deriv()(rho) == pytest.approx(-np.trace(G), abs=1e-8)
        assert curve.deriv(2)(rho) == pytest.approx(-np.trace(G @ G), abs=1e-5)
        assert found.drift_at(rho) == pytest.approx(ones @ G @ ones / 50)


def test_eigenvalues_serve_where_times_are_symmetric():
    assert symmetric_scale(dense_times(30)) is not None
    assert symmetric_scale(dense_times(30, symmetric=False)) is None
    assert symmetric_scale(weights_of(30)) is None


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("rho", [-0.6, 0.0, 5e-4, 0.4])
def test_parts_of_the_inverse(name, rho):
    W = MATRICES[name]
    full = W.toarray() if sparse.issparse(W) else W
    returns = Returns(W)
    B = np.linalg.inv(np.eye(50) - rho * full)
    G = full @ B
    np.testing.assert_allclose(returns.own(rho), np.diag(B), rtol=1e-10)
    assert returns.squares(rho) == pytest.approx(np.sum(G**2), rel=1e-9)
    # Near 0 the series stops after its first term.
    close = {"atol": 2e-6} if abs(rho) < 1e-3 else {"atol": 1e-7}
    np.testing.assert_allclose(returns.own_slope(rho), np.diag(B @ G), **close)
    around, slope = returns.around(rho)
    np.testing.assert_allclose(around, np.diag(B @ full), **close)
    coarse = {"atol": 3e-3} if abs(rho) < 1e-3 else {"atol": 1e-6}
    np.testing.assert_allclose(slope, np.diag(B @ full @ B @ full), **coarse)


# The estimator


def long(y, X, ids):
    n, periods = y.shape
    columns = {f"x{j}": X[:, :, j].ravel() for j in range(X.shape[2])}
    keys = {
        "unit_id": np.repeat(ids, periods),
        "period": np.tile(2000 + np.arange(periods), n),
    }
    return pd.DataFrame({**keys, "y": y.ravel(), **columns})


def ids_of(n):
    return np.array([f"{(7 * i + 3) % 997:03d}" for i in range(n)])


@pytest.fixture(scope="module")
def case():
    W = weights_of(60)
    ids = ids_of(60)
    weights = gp.SpatialWeights(ids, sparse.csr_array(W), standardize="row")
    y, X = simulated(W)
    return long(y, X, ids), weights, W


@pytest.mark.parametrize("model", ["lag", "error", "durbin"])
@pytest.mark.parametrize("effects", EFFECTS)
def test_order_and_storage_do_not_matter(case, model, effects):
    data, weights, W = case
    first = panel("y ~ x0 + x1", data, weights=weights, model=model, effects=effects)
    turned = np.random.default_rng(3).permutation(60)
    other = gp.SpatialWeights(
        weights.units[turned], W[np.ix_(turned, turned)], standardize="row"
    )
    shuffled = data.sample(frac=1, random_state=1)
    second = panel("y ~ x0 + x1", shuffled, weights=other, model=model, effects=effects)
    np.testing.assert_allclose(first.estimates, second.estimates, rtol=1e-8)
    np.testing.assert_allclose(first.vcov, second.vcov, rtol=1e-6, atol=1e-12)
    keys = ["unit_id", "period"]
    one, two = (r.units.set_index(keys).sort_index() for r in (first, second))
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-8)


@LAW
@given(st.floats(0.01, 100.0), st.floats(-5.0, 5.0))
def test_scale_and_level_of_the_outcome(scale, level):
    W = weights_of(30)
    y, X = simulated(W)
    sweep, bounds = sweep_of("two-way"), (-1.1, 1.0)
    for fit in FITS.values():
        one = fit(PanelData(y, X, W, sweep, bounds), Returns(W))
        moved = scale * (y + level * np.arange(30)[:, None] + level * np.arange(4))
        two = fit(PanelData(moved, X, W, sweep, bounds), Returns(W))
        np.testing.assert_allclose(two.beta, scale * one.beta, rtol=1e-6)
        assert two.rho == pytest.approx(one.rho, abs=1e-7)
        assert two.sigma2 == pytest.approx(scale**2 * one.sigma2, rel=1e-6)


def test_durbin_is_a_lag_with_lags_by_hand(case):
    data, weights, _ = case
    durbin = panel("y ~ x0 + x1", data, weights=weights, model="durbin")
    by_hand = panel("y ~ x0 + x1 + W(x0) + W(x1)", data, weights=weights, model="lag")
    assert list(durbin.estimates.index) == ["x0", "x1", "W(x0)", "W(x1)", "rho"]
    np.testing.assert_allclose(durbin.estimates, by_hand.estimates, rtol=1e-9)
    np.testing.assert_allclose(
        durbin.tables["effects"]["std_error"],
        by_hand.tables["effects"]["std_error"], rtol=1e-9,
    )  # fmt: skip


def test_facts_of_the_likelihood(case):
    data, weights, _ = case
    result = panel("y ~ x0 + x1", data, weights=weights, model="lag")
    facts = result.facts
    ratio = 2 * (facts["log_likelihood"] - facts["log_likelihood_without_dependence"])
    assert facts["lr_dependence"] == pytest.approx(ratio)
    assert facts["aic"] == pytest.approx(2 * 4 - 2 * facts["log_likelihood"])
    assert facts["n_independent"] == 59 * 3
    plain = panel("y ~ x0 + x1", data, vcov="iid")
    rss = float(plain.units["residual"] @ plain.units["residual"])
    known = -59 * 3 / 2 * (1 + np.log(2 * np.pi * rss / (59 * 3)))
    assert facts["log_likelihood_without_dependence"] == pytest.approx(known)
    assert 0 < facts["pseudo_r_squared_reduced"] < facts["pseudo_r_squared"] < 1
    assert facts["feasible_high"] == pytest.approx(1.0)


def test_residuals_are_shocks_net_of_effects(case):
    data, weights, _ = case
    result = panel("y ~ x0 + x1", data, weights=weights, model="lag")
    units = result.units
    np.testing.assert_allclose(units["fitted"] + units["residual"], data["y"])
    wide = units.pivot_table("residual", "unit_id", "period").to_numpy()
    np.testing.assert_allclose(wide.sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(wide.sum(axis=1), 0, atol=1e-9)


# Effects


def dense_effects(W, theta, lagged):
    """Return own, spill-in, spill-out of each unit, and direct, indirect, total."""
    n = len(W)
    b, c, rho = theta
    S = np.linalg.solve(np.eye(n) - rho * W, b * np.eye(n) + (c * W if lagged else 0))
    own = np.diag(S)
    average = [own.mean(), S.sum() / n - own.mean(), S.sum() / n]
    return np.column_stack([own, S.sum(axis=1) - own, S.sum(axis=0) - own]), average


@pytest.mark.parametrize("model", ["lag", "durbin"])
@pytest.mark.parametrize("even", [True, False])
def test_effects_and_their_errors_equal_dense_algebra(model, even):
    W = weights_of(50, even=even)
    ids = ids_of(50)
    weights = gp.SpatialWeights(ids, sparse.csr_array(W))
    y, X = simulated(W)
    result = panel("y ~ x0 + x1", long(y, X, ids), weights=weights, model=model)
    lagged = model == "durbin"
    terms = ["x0", "W(x0)", "rho"] if lagged else ["x0", "rho"]
    point = np.array([result.estimates.get(t, 0.0) for t in ("x0", "W(x0)", "rho")])
    vcov = result.vcov.loc[terms, terms].to_numpy()
    spots = [0, 1, 2] if lagged else [0, 2]
    each, average = dense_effects(W, point, lagged)
    gradients, slopes = [], []
    for j in spots:
        h = 1e-6 * (np.arange(3) == j)
        ahead, behind = (dense_effects(W, point + s * h, lagged) for s in (1, -1))
        gradients.append((ahead[0] - behind[0]) / 2e-6)
        slopes.append((np.array(ahead[1]) - behind[1]) / 2e-6)
    table = result.tables["effects"].query("term == 'x0'")
    np.testing.assert_allclose(table["estimate"], average, rtol=1e-9)
    spread = np.sqrt(np.einsum("pv,pq,qv->v", slopes, vcov, slopes))
    np.testing.assert_allclose(table["std_error"], spread, rtol=1e-6)
    units = result.units.query("period == 2001")
    names = [f"{kind}(x0)" for kind in ("own", "spill_in", "spill_out")]
    np.testing.assert_allclose(units[names], each, rtol=1e-8, atol=1e-12)
    errors = np.sqrt(np.einsum("piv,pq,qiv->iv", gradients, vcov, gradients))
    half = (units["spill_in(x0)_high"] - units["spill_in(x0)_low"]) / 2 / 1.959963985
    np.testing.assert_allclose(half, errors[:, 1], rtol=1e-5, atol=1e-10)


def test_delta_method_and_simulation_agree():
    W = weights_of(150, links=1)
    weights = gp.SpatialWeights(ids_of(150), sparse.csr_array(W))
    y, X = simulated(W, periods=8)
    data = long(y, X, ids_of(150))
    result = panel("y ~ x0 + x1", data, weights=weights, model="durbin")
    terms = ["x0", "W(x0)", "rho"]
    rng = np.random.default_rng(8)
    draws = rng.multivariate_normal(
        result.estimates[terms], result.vcov.loc[terms, terms], size=4000
    )
    # tr(W^k) and 1'W^k 1, once: effects of a draw are then sums of powers of rho.
    powers = [np.eye(150)]
    for _ in range(60):
        powers.append(powers[-1] @ W)
    traces = np.array([np.trace(P) / 150 for P in powers])
    b, c, rho = draws.T
    scale = rho[:, None] ** np.arange(60)
    direct = b * (scale @ traces[:60]) + c * (scale @ traces[1:61])
    total = (b + c) / (1 - rho)
    table = result.tables["effects"].set_index(["term", "effect"])["std_error"]
    for kind, drawn in (("direct", direct), ("total", total)):
        # 4,000 draws tell a spread to 1.1 %; curvature adds a little.
        assert drawn.std() == pytest.approx(table["x0", kind], rel=0.05)


def test_effects_of_products_and_categories(case):
    data, weights, W = case
    rng = np.random.default_rng(2)
    data = data.assign(
        z=rng.normal(size=len(data)), kind=rng.choice(list("pq"), len(data))
    )
    result = panel("y ~ x0 + z + x0:z + kind", data, weights=weights, model="lag")
    B = np.linalg.inv(np.eye(60) - result.estimates["rho"] * W)
    z = data.pivot_table("z", "unit_id", "period").loc[weights.units].to_numpy()
    slope = result.estimates["x0"] + result.estimates["x0:z"] * z
    effects = result.tables["effects"].set_index(["term", "effect"])["estimate"]
    direct = (np.diag(B)[:, None] * slope).mean()
    assert effects["x0", "direct"] == pytest.approx(direct)
    assert effects["x0", "total"] == pytest.approx((B @ slope).mean())
    step = result.estimates["kind[T.q]"]
    assert effects["kind[T.q]", "total"] == pytest.approx(step * B.sum() / 60)
    one = result.units.query("period == 2002").set_index("unit_id")
    got = one.loc[weights.units, "spill_in(x0)"]
    known = (B - np.diag(np.diag(B))) @ slope[:, 2]
    np.testing.assert_allclose(got, known, atol=1e-10)


def test_what_is_given_is_received(case):
    data, weights, _ = case
    units = panel("y ~ x0", data, weights=weights, model="lag").units
    sums = units.groupby("period")[["spill_in(x0)", "spill_out(x0)"]].sum()
    np.testing.assert_allclose(sums["spill_in(x0)"], sums["spill_out(x0)"])


def test_error_models_have_effects_at_home_only(case):
    data, weights, _ = case
    result = panel("y ~ x0 + x1", data, weights=weights, model="error")
    assert result.estimates.index[-1] == "lambda"
    assert set(result.tables["effects"]["effect"]) == {"direct"}
    assert not any(c.startswith("spill") for c in result.units)


# Planted truth


@pytest.mark.parametrize("model", ["lag", "error"])
@pytest.mark.parametrize("even", [True, False])
def test_correction_removes_the_bias_of_few_periods(model, even):
    W = weights_of(50, seed=4, even=even, links=1)
    returns, bounds = Returns(W), feasible_rho(W)
    found = {True: [], False: []}
    for seed in range(80):
        y, X = simulated(W, periods=3, k=1, model=model, rho=0.4, seed=100 + seed)
        for correct in (True, False)[: 2 if seed < 15 else 1]:
            data = PanelData(y, X, W, sweep_of("two-way", correct), bounds)
            fit = FITS[model](data, returns)
            found[correct].append([fit.rho, fit.sigma2, np.sqrt(fit.vcov[-1, -1])])
    corrected, plain = (np.array(found[c]) for c in (True, False))
    error = corrected.std(axis=0) / np.sqrt(80)
    # A finite sample's own bias, of order 1 / (n T), is left: 0.03 allows for it.
    assert abs(corrected[:, 0].mean() - 0.4) < 3 * error[0] + 0.03
    assert abs(corrected[:, 1].mean() - 1) < 3 * error[1] + 0.02
    assert plain[:, 1].mean() < 0.75  # (T - 1) / T and less
    assert plain[:, 0].mean() < corrected[:15, 0].mean()
    spread, said = corrected[:, 0].std(), corrected[:, 2].mean()
    assert said == pytest.approx(spread, rel=0.25)


# Bad input


def test_missing_rows_are_listed(case):
    data, weights, _ = case
    ragged = data.drop(index=[5, 9])
    with pytest.raises(
        InputError,
        match=r"Every unit needs a row in every period.*2 of 240 are missing "
        r"\(\d+ in 2001, \d+ in 2001\).*weights.subset",
    ):
        panel("y ~ x0", ragged, weights=weights, model="lag")
    missing = data.assign(y=data["y"].where(data.index != 5))
    with pytest.raises(InputError, match="1 of 240 are missing"):
        panel("y ~ x0", missing, weights=weights, model="lag")


def test_repeats_are_refused(case):
    data, weights, _ = case
    twice = pd.concat([data, data.iloc[:1]])
    with pytest.raises(InputError, match="unit_id and period must stand once"):
        panel("y ~ x0", twice, weights=weights, model="lag")


def test_units_without_weights_are_refused(case):
    data, weights, _ = case
    with pytest.raises(InputError, match="must hold the same units"):
        panel("y ~ x0", data[data["unit_id"] != "003"], weights=weights, model="lag")


def test_models_need_weights(case):
    with pytest.raises(InputError, match="model='durbin' needs spatial weights"):
        panel("y ~ x0", case[0], model="durbin")


def test_weights_that_change_are_refused(case):
    data, weights, _ = case
    with pytest.raises(
        InputError, match=r"same in every period.*got 2 \(2000, 2001\).*columns of data"
    ):
        panel("y ~ x0", data, weights={2000: weights, 2001: weights}, model="lag")


def test_options_are_checked(case):
    data, weights, _ = case
    with pytest.raises(InputError, match=r"model must be one of .*'durbin'"):
        panel("y ~ x0", data, weights=weights, model="sar")
    with pytest.raises(InputError, match="method must be one of 'ml', 'gmm'"):
        SpatialPanel("lag", method="iv")
    with pytest.raises(InputError, match="bias_correction must be one of True, False"):
        SpatialPanel("lag", bias_correction="yes")
    with pytest.raises(InputError, match=r"got vcov='cluster'. Use vcov='iid'"):
        panel("y ~ x0", data, weights=weights, model="lag", vcov="cluster")
    with pytest.raises(InputError, match="method='gmm' estimates error components"):
        panel("y ~ x0", data, weights=weights, model=SpatialPanel("lag", method="gmm"))
    with pytest.raises(InputError, match="'rho' names the model's coefficient"):
        panel("y ~ rho", data.rename(columns={"x0": "rho"}), weights=weights,
              model="lag")  # fmt: skip


def test_what_effects_absorb_is_named(case):
    data, weights, _ = case
    both = data.assign(both=data["period"] + data["unit_id"].astype(int))
    with pytest.raises(InputError, match="both is determined by the two-way effects"):
        panel("y ~ x0 + both", both, weights=weights, model="lag")


def test_a_coefficient_at_the_boundary_is_no_estimate(case):
    data, weights, W = case
    rng = np.random.default_rng(0)
    y = np.linalg.solve(np.eye(60) - 0.9999999 * W, rng.normal(size=(60, 4)))
    explosive = data.assign(y=1e4 * y.ravel())
    with pytest.raises(EstimationError, match="runs to the boundary of what is"):
        panel("y ~ x0", explosive, weights=weights, model="lag", effects="none")


def test_a_search_without_a_peak_ends_at_the_boundary():
    W = weights_of(30)
    sweep = sweep_of("two-way")
    profile = LagProfile(*simulated(W), W, sweep)
    profile.squares = lambda rho: (np.exp(-9 * rho), -9 * np.exp(-9 * rho))
    likelihood = Likelihood(profile, LogDeterminant(W), sweep, (30, 4))
    with pytest.raises(EstimationError, match="boundary"):
        maximize(likelihood, (-1.1, 1.0))


def test_uncorrected_results_say_so(case):
    data, weights, _ = case
    model = SpatialPanel("lag", bias_correction=False)
    result = panel("y ~ x0", data, weights=weights, model=model)
    assert any("Lee & Yu (2010)" in note and "26 %" in note for note in result.notes)


def test_flat_weights_say_that_they_identify_little():
    W = dense_times(40) ** 0.5
    W /= W.sum(axis=1, keepdims=True)
    y, X = simulated(W, rho=0.0)
    weights = gp.SpatialWeights(ids_of(40), W)
    data = long(y, X, ids_of(40))
    result = panel("y ~ x0 + x1", data, weights=weights, model="lag", effects="period")
    assert any("hardly identify it" in note for note in result.notes)

"""GMM of spatial binary models: against dense algebra, differences, known answers."""

import numpy as np
import pytest
from known import table
from numpy.testing import assert_allclose
from scipy import sparse, special

from geopoverty.errors import EstimationError
from geopoverty.numerics.links import LINKS, Logit, Probit
from geopoverty.numerics.spatial import gmm_search
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.gmm import GmmOptions, fit_gmm
from geopoverty.numerics.spatial.instruments import instruments, variance_instruments
from geopoverty.numerics.spatial.linear_gmm import fit_linear_gmm
from geopoverty.numerics.spatial.moments import BinaryData, covariance, moments
from geopoverty.numerics.spatial.spread import Variances, spread, spread_slope
from geopoverty.numerics.spatial.spread_curve import SpreadCurve

EXACT = 1e-9  # the same numbers by another formula, after an inverse or two
DIFFERENCE = 1e-6  # central differences of step 1e-5 on values of order 1
PRINTED = 1e-5  # known answers printed with six decimals
SAME = 1e-6  # two searches of the same objective, in units of its parameters

# Linearised GMM with H = (X, WX, W2X) as in the R package spldv 0.1.4: intercept,
# INC, HOVAL, rho.
COLUMBUS = {
    "probit": [3.233637, -0.170005, -0.023361, 0.537501],
    "logit": [6.697781, -0.372106, -0.041858, 0.503115],
}
PLAIN_PROBIT = [3.681728, -0.208834, -0.023729]  # R's glm, which stops at 1e-8


def near(n, k=6, seed=0):
    """Return row-standardised weights of the k nearest of n random places."""
    rng = np.random.default_rng(seed)
    places = rng.random((n, 2))
    apart = ((places[:, None] - places) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    W = np.zeros((n, n))
    np.put_along_axis(W, np.argsort(apart, axis=1)[:, :k], 1 / k, axis=1)
    return W


def crowd(units=25, periods=2, seed=1, weighted=False):
    """Return cells of 1 to 4 rows, in mixed order."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(units * periods), rng.integers(1, 5, units * periods))
    rng.shuffle(codes)
    w = rng.uniform(0.5, 2, len(codes)) if weighted else None
    return Cells(codes, units, periods, w)


def on_rows(W, cells):
    """Return the weights between rows, Z W Zbar', by definition."""
    Z = np.zeros((len(cells.codes), cells.n))
    Z[np.arange(len(Z)), cells.codes] = 1
    means = (Z * cells.share[:, None]).T
    return Z @ np.kron(np.eye(cells.periods), W) @ means


def problem(rho=0.6, n=300, seed=0, link=Probit, model="lag"):
    """Return data with a planted truth: beta (0.2, 1), rho."""
    rng = np.random.default_rng(seed)
    W, X = near(n, seed=seed), np.column_stack([np.ones(n), rng.normal(size=n)])
    noise = rng.normal(size=n) if link is Probit else rng.logistic(size=n)
    shift = X @ [0.2, 1.0]
    A = np.eye(n) - rho * W
    latent = (
        np.linalg.solve(A, shift + noise)
        if model == "lag"
        else shift + np.linalg.solve(A, noise)
    )
    cells = Cells(np.arange(n), n, 1)
    y = (latent > 0).astype(float)
    return BinaryData(X, y, sparse.csr_array(W), cells, link, model)


def people(link=Logit, model="lag", seed=3, weighted=False):
    """Return rows in cells, two periods, whatever their outcomes."""
    rng = np.random.default_rng(seed)
    cells, W = crowd(seed=seed, weighted=weighted), near(25, 4, seed)
    n = len(cells.codes)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = (X[:, 1] + rng.logistic(size=n) > 0).astype(float)
    return BinaryData(X, y, sparse.csr_array(W), cells, link, model)


def columbus(link):
    """Return neighbourhoods with crime above 35, sharing borders (spdep's oldcol)."""
    places, borders = table("columbus_old"), table("columbus_W")
    W = np.zeros((49, 49))
    W[borders["i"] - 1, borders["j"] - 1] = borders["x"]
    X = np.column_stack([np.ones(49), places["INC"], places["HOVAL"]])
    y = (places["CRIME"] > 35).to_numpy(float)
    return BinaryData(X, y, W, Cells(np.arange(49), 49, 1), link)


def linear(data):
    return fit_linear_gmm(data.X, data.y, data.W, data.cells, data.link)


def differences(function, at, step=1e-5):
    columns = []
    for j in range(len(at)):
        move = np.zeros(len(at))
        move[j] = step
        columns.append((function(at + move) - function(at - move)) / (2 * step))
    return np.column_stack(columns)


def exact(data):
    def variances(rho):
        here, slope = spread_slope(data.W, rho, data.cells)
        return here.variance, slope

    return variances


def basis(data, order=2):
    make = instruments if data.model == "lag" else variance_instruments
    return np.linalg.qr(make(data.X, data.W, data.cells, order))[0]


class TestInstruments:
    def test_lags_are_those_of_the_weights_between_rows(self):
        data = people()
        W = on_rows(data.W.toarray(), data.cells)
        x = data.X[:, 1:]
        wanted = np.column_stack([data.X, W @ x, W @ W @ x])
        assert_allclose(instruments(data.X, data.W, data.cells), wanted, atol=EXACT)

    def test_a_constant_of_any_value_is_not_lagged(self):
        data = people()
        X = np.column_stack([2 * data.X[:, 0], data.X[:, 1]])
        assert instruments(X, data.W, data.cells, order=1).shape[1] == 3

    def test_a_lag_that_is_there_already_is_left_out(self):
        data = people()
        lagged = instruments(data.X, data.W, data.cells, order=1)
        again = instruments(lagged, data.W, data.cells, order=2)
        assert again.shape[1] == 9  # X, WX, W2X, W3X, each once

    @pytest.mark.parametrize("weighted", [False, True])
    def test_the_variance_is_expanded_in_rho(self, weighted):
        data = people(weighted=weighted)
        W = on_rows(data.W.toarray(), data.cells)
        c = np.diag(W @ W.T + 2 * W @ W)
        wanted = np.column_stack([data.X, c[:, None] * data.X])
        for weights in (data.W, data.W.toarray()):
            H = variance_instruments(data.X, weights, data.cells)
            assert_allclose(H, wanted, atol=EXACT)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dense", [False, True])
class TestSpread:
    def test_variance_is_the_diagonal_of_sigma(self, dense, weighted):
        W, cells = near(25, 4), crowd(weighted=weighted)
        B = np.linalg.inv(np.eye(len(cells.codes)) + 0.4 * on_rows(W, cells))
        found = spread(W if dense else sparse.csr_array(W), -0.4, cells)
        assert_allclose(found.variance, np.diag(B @ B.T), rtol=EXACT)
        units = np.linalg.inv(np.eye(25) + 0.4 * W)
        assert_allclose(found.own, np.tile(np.diag(units), 2), rtol=EXACT)

    def test_slope_is_the_derivative(self, dense, weighted):
        W, cells = near(25, 4), crowd(weighted=weighted)
        W = W if dense else sparse.csr_array(W)
        here, slope = spread_slope(W, 0.7, cells)
        assert_allclose(here.variance, spread(W, 0.7, cells).variance, rtol=EXACT)
        assert_allclose(here.own, spread(W, 0.7, cells).own, rtol=EXACT)
        numeric = differences(
            lambda rho: spread(W, rho[0], cells).variance, np.array([0.7])
        )
        assert_allclose(slope, numeric[:, 0], rtol=DIFFERENCE)

    @pytest.mark.parametrize("rho", [-0.97, -0.3, 0.0, 0.45, 0.97])
    def test_a_curve_around_rho_is_as_good_as_exact(self, dense, weighted, rho):
        W, cells = near(25, 4), crowd(weighted=weighted)
        W = W if dense else sparse.csr_array(W)
        here, slope = spread_slope(W, rho, cells)
        curve = SpreadCurve(Variances(W, cells), -1.0, 1.0, around=rho)
        variance, curved = curve.at(rho)
        assert_allclose(variance, here.variance, rtol=1e-9)
        assert_allclose(curved, slope, rtol=1e-7, atol=1e-8)

    def test_the_whole_curve_is_close(self, dense, weighted):
        W, cells = near(25, 4), crowd(weighted=weighted)
        curve = SpreadCurve(
            Variances(W if dense else sparse.csr_array(W), cells), -1.4, 1.0
        )
        for rho in np.linspace(-1.3, 0.95, 7):
            variance = spread(W, rho, cells).variance
            assert_allclose(curve.at(rho)[0], variance, rtol=1e-3)


def test_periods_of_unlike_size_and_of_like_size_are_both_right():
    W = near(12, 3)
    one = Cells(np.arange(12), 12, 1)
    four = Cells(np.arange(48), 12, 4)
    assert_allclose(
        spread(W, 0.5, four).variance, np.tile(spread(W, 0.5, one).variance, 4)
    )


def test_a_singular_point_is_refused():
    with pytest.raises(EstimationError, match="singular"):
        spread(np.array([[0, 1.0], [1, 0]]), 1.0, Cells(np.arange(2), 2, 1))


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("model", ["lag", "error"])
class TestMoments:
    theta = np.array([0.3, -0.8, 0.5, 0.55])

    def test_index_and_residual_by_definition(self, model, link):
        data = people(link, model)
        A = np.eye(len(data.y)) - 0.55 * on_rows(data.W.toarray(), data.cells)
        B = np.linalg.inv(A)
        mean = data.X @ self.theta[:-1]
        index = (B @ mean if model == "lag" else mean) / np.sqrt(np.diag(B @ B.T))
        Q = basis(data)
        wanted = Q.T @ link.at(index, data.y).residual
        assert_allclose(moments(data, self.theta, Q, exact(data)).value, wanted)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_derivatives_are_exact(self, model, link, weighted):
        data = people(link, model, weighted=weighted)
        Q = basis(data)
        found = moments(data, self.theta, Q, exact(data)).jacobian
        numeric = differences(
            lambda theta: moments(data, theta, Q, exact(data)).value, self.theta
        )
        assert_allclose(found, numeric, rtol=DIFFERENCE, atol=DIFFERENCE)

    def test_derivatives_with_complex_spectra(self, model, link):
        rng = np.random.default_rng(0)
        times = rng.uniform(1, 9, (25, 25)) * (1 - np.eye(25))  # asymmetric
        data = people(link, model)
        data = BinaryData(
            data.X, data.y, times / times.sum(axis=1)[:, None], data.cells, link, model
        )
        Q = np.linalg.qr(data.X)[0]
        found = moments(data, self.theta, Q, exact(data)).jacobian
        numeric = differences(
            lambda theta: moments(data, theta, Q, exact(data)).value, self.theta
        )
        assert_allclose(found, numeric, rtol=DIFFERENCE, atol=DIFFERENCE)

    def test_variance_without_dependence(self, model, link):
        data = people(link, model)
        Q = basis(data)
        here = moments(data, self.theta, Q, exact(data))
        S = covariance(data, 0.55, here, Q, dependent=False)
        assert_allclose(S, Q.T @ (here.weight[:, None] * Q))

    def test_variance_with_dependence_by_definition(self, model, link):
        data = people(link, model)
        Q = basis(data)
        here = moments(data, self.theta, Q, exact(data))
        A = np.eye(len(data.y)) - 0.55 * on_rows(data.W.toarray(), data.cells)
        B = np.linalg.inv(A)
        s = np.sqrt(np.diag(B @ B.T))
        tau = {"probit": 1.0, "logit": np.pi**2 / 3}[link.name]
        V = tau * np.outer(here.weight / s, here.weight / s) * (B @ B.T)
        np.fill_diagonal(V, here.weight)
        S = covariance(data, 0.55, here, Q)
        assert_allclose(S, Q.T @ V @ Q, atol=EXACT)


def test_weight_is_the_variance_of_the_residual():
    data = problem(n=60)
    theta = np.array([0.2, 1.0, 0.4])
    variance = exact(data)(0.4)[0]
    Q = basis(data)
    B = np.linalg.inv(np.eye(60) - 0.4 * data.W.toarray())
    p = special.ndtr(B @ data.X @ theta[:-1] / np.sqrt(variance))
    up = Probit.at(special.ndtri(p), np.ones(60)).residual
    down = Probit.at(special.ndtri(p), np.zeros(60)).residual
    weight = moments(data, theta, Q, exact(data)).weight
    assert_allclose(weight, p * up**2 + (1 - p) * down**2, rtol=1e-8)


class TestLinear:
    @pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
    def test_columbus(self, link):
        fit = linear(columbus(link))
        assert_allclose(fit.theta, COLUMBUS[link.name], atol=PRINTED)
        assert (fit.moments, fit.parameters, fit.outside) == (7, 4, False)

    def test_columbus_without_lag(self):
        assert_allclose(linear(columbus(Probit)).plain, PLAIN_PROBIT, rtol=2e-5)

    def test_two_stage_least_squares_by_definition(self):
        data = problem(n=120)
        fit = linear(data)
        index = data.X @ fit.plain
        point = Probit.at(index, data.y)
        g = point.weight[:, None]
        G = g * np.column_stack([data.X, data.W @ index])
        H = instruments(data.X, data.W, data.cells)
        fitted = H @ np.linalg.lstsq(H, G, rcond=None)[0]
        left = point.residual + point.weight * index
        bread = np.linalg.inv(fitted.T @ G)
        theta = bread @ fitted.T @ left
        scores = fitted * (left - G @ theta)[:, None]
        wanted = bread @ scores.T @ scores @ bread.T * 120 / 117
        assert_allclose(fit.theta, theta, rtol=1e-7)
        assert_allclose(fit.covariance, wanted, rtol=1e-7)

    def test_a_rho_beyond_one_is_flagged_not_clipped(self):
        data = problem(rho=0.9, n=400, seed=5)
        fit = linear(data)
        assert fit.outside
        assert fit.theta[-1] > 1

    def test_separation_names_the_columns(self):
        data = problem(n=60)
        y = (data.X[:, 1] > 0.1).astype(float)
        with pytest.raises(
            EstimationError, match=r"separates; 2 of 2 columns do \(0, 1\)"
        ):
            fit_linear_gmm(data.X, y, data.W, data.cells, Probit)


def criterion(data, theta, root):
    """Return |R Q'v|^2 and nothing that the package computes but Q."""
    B = np.linalg.inv(
        np.eye(len(data.y)) - theta[-1] * on_rows(data.W.toarray(), data.cells)
    )
    mean = data.X @ theta[:-1]
    index = (B @ mean if data.model == "lag" else mean) / np.sqrt((B * B).sum(axis=1))
    value = root @ basis(data).T @ data.link.at(index, data.y).residual
    return value @ value


def efficient_root(data, theta, *, dependent):
    Q = basis(data)
    here = moments(data, theta, Q, exact(data))
    S = covariance(data, theta[-1], here, Q, dependent=dependent)
    return np.linalg.inv(np.linalg.cholesky(S))


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_the_estimate_is_the_least_of_the_criterion(link):
    data = problem(n=200, link=link)
    fit = fit_gmm(data)
    root = np.eye(fit.moments)
    assert_allclose(fit.objective, criterion(data, fit.theta, root), rtol=SAME)
    slope = differences(lambda t: np.array([criterion(data, t, root)]), fit.theta)
    assert_allclose(slope, 0, atol=1e-7)
    rng = np.random.default_rng(0)
    for move in rng.normal(size=(20, 3)) * [0.3, 0.3, 0.1]:
        there = fit.theta + move
        assert criterion(data, np.append(there[:-1], min(there[-1], 0.98)), root) > (
            fit.objective
        )


@pytest.mark.parametrize("dependent", [False, True])
def test_two_steps_weigh_by_the_variance_at_the_first(dependent):
    data = problem(n=200)
    one = fit_gmm(data)
    two = fit_gmm(data, GmmOptions(steps=2, dependent=dependent))
    root = efficient_root(data, one.theta, dependent=dependent)
    assert_allclose(two.objective, criterion(data, two.theta, root), rtol=SAME)
    slope = differences(lambda t: np.array([criterion(data, t, root)]), two.theta)
    assert_allclose(slope, 0, atol=1e-6)
    assert (two.steps, two.df) == (2, 1)
    assert {entry["step"] for entry in two.record} == {1, 2}


@pytest.mark.parametrize("model", ["lag", "error"])
@pytest.mark.parametrize("dependent", [False, True])
def test_covariance_is_the_sandwich(model, dependent):
    data = problem(n=150, model=model)
    fit = fit_gmm(data, GmmOptions(dependent=dependent))
    Q = basis(data)
    here = moments(data, fit.theta, Q, exact(data))
    S = covariance(data, fit.theta[-1], here, Q, dependent=dependent)
    bread = np.linalg.inv(here.jacobian.T @ here.jacobian) @ here.jacobian.T
    assert_allclose(fit.covariance, bread @ S @ bread.T, rtol=1e-4)


@pytest.mark.parametrize("steps", [1, 2])
def test_the_planted_truth_is_found(steps):
    data = problem(rho=0.6, n=1000, seed=4)
    fit = fit_gmm(data, GmmOptions(steps=steps))
    error = np.sqrt(np.diag(fit.covariance))
    assert (np.abs(fit.theta - [0.2, 1.0, 0.6]) < 3 * error).all()
    assert error[-1] < 0.1
    assert not fit.weak
    assert not fit.at_boundary


def test_rows_may_come_in_any_order():
    data = people()
    order = np.random.default_rng(0).permutation(len(data.y))
    mixed = BinaryData(
        data.X[order],
        data.y[order],
        data.W,
        Cells(data.cells.codes[order], 25, 2),
        data.link,
    )
    one, other = fit_gmm(data), fit_gmm(mixed)
    assert_allclose(one.theta, other.theta, atol=SAME)
    assert_allclose(one.covariance, other.covariance, rtol=1e-4)
    assert_allclose(one.rise, other.rise, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-4, 37.0, 1e6])
def test_units_of_a_covariate_do_not_matter_to_the_linear_fit(scale):
    data = problem(n=80)
    X = data.X * [1, scale]
    fit = fit_linear_gmm(X, data.y, data.W, data.cells, Probit)
    assert_allclose(fit.theta * [1, scale, 1], linear(data).theta, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_units_of_a_covariate_do_not_matter(scale):
    data = problem(n=150)
    scaled = BinaryData(data.X * [1, scale], data.y, data.W, data.cells, Probit)
    one, other = fit_gmm(data), fit_gmm(scaled)
    assert_allclose(other.theta * [1, scale, 1], one.theta, atol=SAME)
    assert_allclose(other.covariance[-1, -1], one.covariance[-1, -1], rtol=1e-5)


@pytest.mark.parametrize("model", ["lag", "error"])
def test_periods_are_blocks_of_one_large_matrix(model):
    W, parts = near(40, 4, 2), (Probit, model)
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(120), rng.normal(size=120)])
    y = (X[:, 1] + rng.normal(size=120) > 0).astype(float)
    panel = BinaryData(X, y, sparse.csr_array(W), Cells(np.arange(120), 40, 3), *parts)
    blocks = sparse.csr_array(np.kron(np.eye(3), W))
    whole = BinaryData(X, y, blocks, Cells(np.arange(120), 120, 1), *parts)
    one, other = fit_gmm(panel), fit_gmm(whole)
    assert_allclose(one.theta, other.theta, atol=SAME)
    assert_allclose(one.covariance, other.covariance, rtol=1e-4)


def test_households_are_units_with_weights_between_rows():
    data = people()
    rows = len(data.y)
    W = sparse.csr_array(on_rows(data.W.toarray(), data.cells))
    flat = BinaryData(data.X, data.y, W, Cells(np.arange(rows), rows, 1), Logit)
    one, other = fit_gmm(data), fit_gmm(flat)
    assert_allclose(one.theta, other.theta, atol=SAME)
    assert_allclose(one.covariance, other.covariance, rtol=1e-4)


def test_dense_and_sparse_weights_agree():
    data = problem(n=120)
    dense = BinaryData(data.X, data.y, data.W.toarray(), data.cells, Probit)
    assert_allclose(fit_gmm(dense).theta, fit_gmm(data).theta, atol=SAME)


def test_a_start_is_tried_and_bounds_are_kept():
    data = problem(rho=0.6, n=200)
    free = fit_gmm(data, GmmOptions(start=np.array([0.0, 0.5, -0.2])))
    assert_allclose(free.theta, fit_gmm(data).theta, atol=SAME)
    held = fit_gmm(data, GmmOptions(bounds=(-0.3, 0.3)))
    assert held.at_boundary
    assert 0.29 < held.theta[-1] < 0.3


def test_one_wide_side_does_not_narrow_the_other():
    data = problem(rho=0.9, n=200)
    wide = fit_gmm(data, GmmOptions(bounds=(-40.0, 1.0)))
    assert_allclose(wide.theta, fit_gmm(data).theta, atol=SAME)


class TestRefused:
    def test_too_few_independent_instruments(self):
        data = problem(n=80)
        only = BinaryData(data.X[:, :1], data.y, data.W, data.cells, Probit)
        message = "each of 2 parameters; there are 1"
        with pytest.raises(EstimationError, match=message):
            fit_gmm(only)
        with pytest.raises(EstimationError, match=message):
            linear(only)

    def test_an_error_model_where_all_variances_are_equal(self):
        ring = (np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)) / 2
        data = problem(n=60)
        ring = BinaryData(data.X, data.y, ring, data.cells, Probit, "error")
        with pytest.raises(EstimationError, match="there are 2"):
            fit_gmm(ring)

    def test_dependent_instruments_are_dropped(self):
        data = problem(n=200)
        lag = data.W @ data.X[:, 1]
        durbin = BinaryData(
            np.column_stack([data.X, lag]), data.y, data.W, data.cells, Probit
        )
        fit = fit_gmm(durbin)
        assert (fit.moments, fit.parameters) == (5, 4)  # 1, x, Wx, W2x, W3x

    def test_a_separated_outcome(self):
        data = problem(n=80)
        y = (data.X[:, 1] > 0).astype(float)
        split = BinaryData(data.X, y, data.W, data.cells, Probit)
        with pytest.raises(EstimationError, match="separates"):
            fit_gmm(split)

    def test_no_convergence_shows_the_record(self, monkeypatch):
        monkeypatch.setattr(gmm_search, "EVALUATIONS", 1)
        with pytest.raises(EstimationError, match=r"'evaluations': .*not converged"):
            fit_gmm(problem(n=100))


class TestWeak:
    def test_a_covariate_that_does_not_matter_leaves_rho_open(self):
        data = problem(n=200)
        y = np.random.default_rng(1).permutation(data.y)
        fit = fit_gmm(BinaryData(data.X, y, data.W, data.cells, Probit))
        assert fit.weak

    def test_an_error_model_is_weak_and_says_so(self):
        fit = fit_gmm(problem(n=300, model="error"))
        assert fit.weak
        assert (fit.moments, fit.parameters) == (4, 3)

    def test_an_error_model_may_end_at_rho_zero_where_it_is_flat(self):
        data = problem(rho=0.0, n=100, seed=2, model="error")
        fit = fit_gmm(data)
        assert abs(fit.theta[-1]) < 1e-3
        assert fit.weak
        assert fit.covariance[-1, -1] > 1

    def test_rise_is_that_of_the_efficient_objective(self):
        data = problem(n=150)
        fit = fit_gmm(data, GmmOptions(steps=2))
        root = efficient_root(data, fit.theta, dependent=True)
        search = gmm_search.Search(data, basis(data), (-1.0, 1.0))
        least = search.least_at(root, fit.theta)
        for end, rise in zip((-0.99, 0.99), fit.rise, strict=True):
            moved = search.least_at(root, np.append(fit.theta[:-1], end))
            assert_allclose(rise, moved - least, rtol=1e-3)

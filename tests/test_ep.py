"""Selected inverses, and expectation propagation for spatial probits.

Tolerances: the selected inverse and sparse against dense are the same numbers by
another order of sums (1e-10, 1e-9). Gradients are exact, and central differences
of step 1e-5 know them to 1e-7. EP with its leading correction is an approximation:
within 0.002 of exact log-likelihoods of up to six rows.
"""

from functools import cache

import ghk
import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import table
from scipy import sparse, stats
from scipy.spatial import cKDTree

from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.links import Probit
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.ep import EpProblem
from geopoverty.numerics.spatial.ep_fit import fit_ep, profile
from geopoverty.numerics.spatial.ep_search import Evaluation, in_words
from geopoverty.numerics.spatial.selected_inverse import NormalMatrix, Pattern

MODELS = ("lag", "error")
# Maximum of the GHK likelihood (ghk.py: 2^16 scrambled Sobol points, seed 2, BFGS).
COLUMBUS_GHK = [2.98427, -0.15298, -0.02403, 0.54420]


def neighbours(n, k=4, seed=0):
    rng = np.random.default_rng(seed)
    places = rng.random((n, 2))
    near = cKDTree(places).query(places, k + 1)[1][:, 1:]
    rows = np.repeat(np.arange(n), k)
    return sparse.csr_array((np.full(n * k, 1 / k), (rows, near.ravel())), (n, n))


def one_each(n, periods=1):
    return Cells(np.arange(n * periods), units=n, periods=periods)


@cache
def simulated(n=150, rho=0.6, model="lag", seed=3):
    rng = np.random.default_rng(seed)
    W = neighbours(n, seed=seed)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    A = np.eye(n) - rho * W.toarray()
    index, e = X @ [0.2, 1.0], rng.normal(size=n)
    latent = (
        np.linalg.solve(A, index + e)
        if model == "lag"
        else index + np.linalg.solve(A, e)
    )
    return X, (latent > 0).astype(float), W


def households(units=12, periods=1, seed=5):
    rng = np.random.default_rng(seed)
    cells = units * periods
    codes = np.concatenate([np.arange(cells), rng.integers(0, cells, 2 * cells)])
    rng.shuffle(codes)
    X = np.column_stack([np.ones(len(codes)), rng.normal(size=len(codes))])
    y = (X @ [0.1, 0.8] + rng.normal(size=len(codes)) > 0).astype(float)
    return X, y, neighbours(units, 3, seed), Cells(codes, units, periods)


def between_rows(W, cells):
    """Return W_N = Z W Zbar' as it stands, of one period."""
    Z = np.eye(cells.n)[cells.codes]
    return Z @ W.toarray() @ (Z / Z.sum(axis=0)).T


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 40))
    density = draw(st.floats(0, 0.3))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    W = rng.uniform(-1, 1, (n, n)) * (rng.uniform(size=(n, n)) < density)
    np.fill_diagonal(W, 0)
    counts = rng.integers(1, 9, n).astype(float)
    return sparse.csr_array(W), draw(st.floats(-0.4, 0.4)), counts, rng.uniform(0, 3, n)


@LAW
@given(graphs())
def test_selected_inverse_is_the_inverse(graph):
    W, rho, counts, extra = graph
    n = W.shape[0]
    A = np.eye(n) - rho * W.toarray()
    M = A.T @ np.diag(counts) @ A + np.diag(extra)
    inverse = np.linalg.inv(M)
    x = np.random.default_rng(0).normal(size=(n, 3))
    for weights in (W, W.toarray()):
        normal = NormalMatrix(weights, counts)
        found = normal.at(rho, extra)
        entries = normal.pattern.matrix(found.entries())
        if sparse.issparse(entries):
            entries = entries.toarray()
            kept = entries != 0
            assert kept[M != 0].all()
        else:
            kept = np.ones((n, n), dtype=bool)
        scale = np.abs(inverse).max()
        assert np.abs((entries - inverse)[kept]).max() < 1e-10 * scale
        assert np.abs(found.diagonal() - np.diag(inverse)).max() < 1e-10 * scale
        assert np.abs(found.solve(x) - inverse @ x).max() < 1e-9 * scale
        assert np.abs(found.solve(x[:, 0]) - inverse @ x[:, 0]).max() < 1e-9 * scale
        assert found.log_determinant == pytest.approx(np.linalg.slogdet(M)[1], abs=1e-9)
        assert found.trace(normal.values(rho)) == pytest.approx(
            np.trace(inverse @ (M - np.diag(extra))), rel=1e-9, abs=1e-9
        )


def test_selected_inverse_of_a_large_graph():
    W = neighbours(900, 6)
    A = np.eye(900) - 0.7 * W.toarray()
    found = NormalMatrix(W).at(0.7)
    inverse = np.linalg.inv(A.T @ A)
    assert np.abs(found.diagonal() / np.diag(inverse) - 1).max() < 1e-10
    assert len(found._tree.nodes.parent) < 450  # columns were grouped


def test_normal_matrix_and_its_slope():
    W = neighbours(30)
    counts = np.arange(1.0, 31)
    for weights in (W, W.toarray()):
        normal = NormalMatrix(weights, counts)
        A = np.eye(30) - 0.3 * W.toarray()
        wanted = A.T @ np.diag(counts) @ A
        matrix = normal.matrix(0.3)
        matrix = matrix.toarray() if sparse.issparse(matrix) else matrix
        assert np.abs(matrix - wanted).max() < 1e-12
        slope = (normal.values(0.3 + 1e-6) - normal.values(0.3 - 1e-6)) / 2e-6
        assert np.abs(normal.slope(0.3) - slope).max() < 1e-7
        bend = (normal.slope(0.4) - normal.slope(0.2)) / 0.2
        assert np.abs(normal.bend() - bend).max() < 1e-9


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_singular_matrix_names_rho(form):
    W = form(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(EstimationError, match="singular, or nearly so, at rho = 1"):
        NormalMatrix(W).at(1.0)


@pytest.mark.parametrize("form", [np.asarray, sparse.csc_array])
def test_indefinite_matrix_is_refused(form):
    M = form(np.array([[1.0, 2.0], [2.0, 1.0]]))
    values = M.data if sparse.issparse(M) else M
    with pytest.raises(EstimationError, match="not positive definite"):
        Pattern(M).factor(values)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_likelihood_is_nearly_exact(model, n):
    rng = np.random.default_rng(n)
    W = np.where(np.eye(n) == 1, 0, rng.uniform(size=(n, n)))
    W /= W.sum(axis=1, keepdims=True)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = rng.permutation(np.arange(n) % 2).astype(float)
    theta = np.array([0.3, 0.7, 0.5])
    point = EpProblem(X, y, W, one_each(n), model).at(theta)
    mean, covariance = ghk.moments_of(theta, X, W, model)
    flip = 2 * y - 1
    exact = stats.multivariate_normal(
        -flip * mean, covariance * np.outer(flip, flip), abseps=1e-8
    ).logcdf(np.zeros(n), rng=np.random.default_rng(0))
    plain, better = point.loglik - exact, point.loglik + point.correction - exact
    assert abs(plain) < 0.02
    assert abs(better) < 0.002
    assert abs(better) < abs(plain)


def test_independent_rows_are_an_ordinary_probit():
    X, y, W = simulated()
    theta = np.array([0.3, 0.9, 0.0])
    for model in MODELS:
        point = EpProblem(X, y, W, one_each(len(y)), model).at(theta)
        plain = Probit.at(X @ theta[:-1], y)
        assert point.loglik == pytest.approx(plain.loglik.sum(), rel=1e-12)
        assert point.score[:-1] == pytest.approx(X.T @ plain.residual, rel=1e-9)
        assert abs(point.correction) < 1e-12


@pytest.mark.parametrize("model", MODELS)
def test_sites_give_each_row_its_moments(model):
    X, y, W = simulated(60)
    theta = np.array([0.2, 0.8, 0.5])
    point = EpProblem(X, y, W, one_each(60), model).at(theta)
    A = np.eye(60) - 0.5 * W.toarray()
    prior, _ = ghk.moments_of(theta, X, W.toarray(), model)
    C = np.linalg.inv(A.T @ A + np.diag(point.sites.t))
    mean = C @ (A.T @ A @ prior + point.sites.v)
    assert point.variance == pytest.approx(np.diag(C), rel=1e-10)
    assert point.mean == pytest.approx(mean, rel=1e-9, abs=1e-10)
    precision = 1 / point.variance - point.sites.t
    centre = (point.mean / point.variance - point.sites.v) / precision
    spread = 1 / np.sqrt(precision)
    cut = -centre / spread
    low, high = np.where(y > 0, cut, -np.inf), np.where(y > 0, np.inf, cut)
    cut_mean, cut_variance = stats.truncnorm.stats(low, high, centre, spread)
    assert point.mean == pytest.approx(cut_mean, abs=1e-8)
    assert point.variance == pytest.approx(cut_variance, rel=1e-7)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rho", [-0.5, 0.4, 0.9])
@pytest.mark.parametrize("dense", [False, True])
def test_gradient_against_differences(model, rho, dense):
    X, y, W = simulated()
    weights = W.toarray() if dense else W
    problem = EpProblem(X, y, weights, one_each(len(y)), model)
    assert_gradient(problem, np.array([0.2, 0.8, rho]))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("periods", [1, 2])
def test_gradient_of_households(model, periods):
    X, y, W, cells = households(periods=periods)
    assert_gradient(EpProblem(X, y, W, cells, model), np.array([0.1, 0.7, 0.45]))


def assert_gradient(problem, theta):
    _, score = problem.objective(theta)
    assert np.abs(score).max() > 0.1  # not at a maximum
    for j, h in enumerate(1e-5 * np.eye(len(theta))):
        up, down = problem.objective(theta + h)[0], problem.objective(theta - h)[0]
        size = max(abs(score[j]), 0.01 * np.abs(score).max())
        assert abs((up - down) / 2e-5 - score[j]) < 1e-6 * size


@pytest.mark.parametrize("model", MODELS)
def test_sparse_is_dense(model):
    X, y, W = simulated()
    theta = np.array([0.2, 0.8, 0.55])
    thin = EpProblem(X, y, W, one_each(len(y)), model).at(theta)
    full = EpProblem(X, y, W.toarray(), one_each(len(y)), model).at(theta)
    assert thin.loglik == pytest.approx(full.loglik, rel=1e-9)
    assert thin.correction == pytest.approx(full.correction, rel=1e-9)
    assert thin.score == pytest.approx(full.score, rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_households_are_a_large_matrix_in_short(model):
    X, y, W, cells = households()
    theta = np.array([0.1, 0.7, 0.6])
    short = EpProblem(X, y, W, cells, model).at(theta)
    whole = EpProblem(X, y, between_rows(W, cells), one_each(len(y)), model).at(theta)
    assert short.loglik == pytest.approx(whole.loglik, rel=1e-10)
    assert short.score == pytest.approx(whole.score, rel=1e-8)
    assert short.mean == pytest.approx(whole.mean, rel=1e-7, abs=1e-9)
    assert short.variance == pytest.approx(whole.variance, rel=1e-9)
    assert short.correction == pytest.approx(whole.correction, rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_periods_add_up(model):
    X, y, W, cells = households(periods=2)
    theta = np.array([0.1, 0.7, 0.6])
    both = EpProblem(X, y, W, cells, model).at(theta)
    parts = []
    for period in range(2):
        rows = cells.codes // cells.units == period
        alone = Cells(cells.codes[rows] % cells.units, cells.units, 1)
        parts.append(EpProblem(X[rows], y[rows], W, alone, model).at(theta))
        assert both.mean[rows] == pytest.approx(parts[-1].mean, abs=1e-8)
    assert both.loglik == pytest.approx(sum(p.loglik for p in parts), rel=1e-10)
    assert both.score == pytest.approx(sum(p.score for p in parts), rel=1e-8)
    assert both.correction == pytest.approx(sum(p.correction for p in parts), rel=1e-8)


def test_one_row_a_cell_in_any_order():
    X, y, W = simulated()
    turn = np.random.default_rng(1).permutation(len(y))
    theta = np.array([0.2, 0.8, 0.55])
    plain = EpProblem(X, y, W, one_each(len(y))).at(theta)
    cells = Cells(turn, len(y), 1)
    turned = EpProblem(X[turn], y[turn], W, cells).at(theta)
    assert turned.loglik == pytest.approx(plain.loglik, rel=1e-11)
    assert turned.score == pytest.approx(plain.score, rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_curvature_is_nearly_that_of_the_score(model):
    X, y, W, cells = households(units=40)
    problem = EpProblem(X, y, W, cells, model)
    point = problem.at(np.array([0.1, 0.7, 0.6]))
    found = problem.curvature(point)
    wanted = np.column_stack(
        [
            (problem.at(point.theta + h).score - problem.at(point.theta - h).score)
            / 2e-5
            for h in 1e-5 * np.eye(3)
        ]
    )
    assert np.abs(wanted - wanted.T).max() < 1e-5 * np.abs(wanted).max()
    ratio = np.linalg.eigvals(np.linalg.solve(wanted, found)).real
    assert ratio.min() > 0.7
    assert ratio.max() < 1.4


@pytest.mark.parametrize("model", MODELS)
def test_fit_is_the_maximum(model):
    X, y, W = simulated(model=model)
    problem = EpProblem(X, y, W, one_each(len(y)), model)
    fit = fit_ep(problem, (-1.0, 1.0))
    size = np.sqrt(np.diag(np.linalg.inv(fit.information)))
    best = total(problem, fit.theta)
    assert fit.loglik == pytest.approx(best, rel=1e-9)
    for h in np.diag(size / 5):
        assert best > total(problem, fit.theta + h)
        assert best > total(problem, fit.theta - h)
    # The step beyond EP is one Newton step: near, not at, the corrected maximum.
    assert np.abs(fit.score * size).max() < 0.01
    assert np.abs(fit.correction / size).max() < 0.5
    assert fit.record[-1].decrement < 1e-8
    assert not fit.at_boundary
    ep = fit.theta - fit.correction
    information = -np.column_stack(
        [
            (problem.objective(ep + h)[1] - problem.objective(ep - h)[1]) / 2e-4
            for h in 1e-4 * np.eye(3)
        ]
    )
    assert np.abs(problem.objective(ep)[1] * size).max() < 1e-4
    root = np.sqrt(np.diag(information))
    gap = (fit.information - information) / np.outer(root, root)
    assert np.abs(gap).max() < 2e-3


def total(problem, theta):
    point = problem.at(theta)
    return point.loglik + point.correction


def test_fit_does_not_depend_on_the_start():
    X, y, W = simulated()
    problem = EpProblem(X, y, W, one_each(len(y)))
    fits = [
        fit_ep(problem, (-1.0, 1.0), None if start is None else np.array(start))
        for start in (None, [5.0, -3.0, -0.9], [0.0, 0.0, 7.0])
    ]
    for fit in fits[1:]:
        assert fit.theta == pytest.approx(fits[0].theta, abs=1e-4)


def test_fit_of_households_and_of_one_row_each():
    X, y, W, cells = households(units=60)
    fit = fit_ep(EpProblem(X, y, W, cells), (-1.2, 1.0))
    whole = EpProblem(X, y, between_rows(W, cells), one_each(len(y)))
    other = fit_ep(whole, (-1.2, 1.0))
    assert fit.theta == pytest.approx(other.theta, rel=1e-4, abs=1e-4)
    assert fit.loglik == pytest.approx(other.loglik, rel=1e-8)


def test_larger_fit_finds_the_truth():
    X, y, W = simulated(2000, 0.6, seed=11)
    fit = fit_ep(EpProblem(X, y, W, one_each(len(y))), (-1.0, 1.0))
    size = np.sqrt(np.diag(np.linalg.inv(fit.information)))
    assert np.abs((fit.theta - [0.2, 1.0, 0.6]) / size).max() < 3
    assert size[-1] < 0.05


def columbus():
    units, links = table("columbus_old"), table("columbus_W")
    n = len(units)
    at = links["i"] - 1, links["j"] - 1
    W = sparse.csr_array((links["x"], at), (n, n))
    X = np.column_stack([np.ones(n), units["INC"], units["HOVAL"]])
    return X, units["CRIMED"].to_numpy(float), W


@pytest.mark.parametrize("dense", [False, True])
def test_columbus(dense):
    X, y, W = columbus()
    weights = W.toarray() if dense else W
    fit = fit_ep(EpProblem(X, y, weights, one_each(len(y))), (-1.0, 1.0))
    assert np.abs(fit.theta - COLUMBUS_GHK).max() < 0.005
    size = np.sqrt(np.diag(np.linalg.inv(fit.information)))
    assert size[-1] == pytest.approx(0.193, abs=0.0005)
    prototype = [3.0019, -0.15407, -0.02413, 0.5404]  # EP alone
    assert fit.theta - fit.correction == pytest.approx(prototype, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_columbus_likelihood_is_that_of_ghk(model):
    X, y, W = columbus()
    theta = np.array([3.0, -0.154, -0.0241, 0.55])
    point = EpProblem(X, y, W, one_each(len(y)), model).at(theta)
    u = [ghk.uniforms(len(y), 12, seed) for seed in range(8)]
    draws = [ghk.log_likelihood(theta, X, y, W.toarray(), v, model) for v in u]
    error = np.std(draws, ddof=1) / np.sqrt(8)
    assert error < 0.006
    gap = np.mean(draws) - point.loglik
    assert abs(gap - point.correction) < 4 * error + 0.001
    assert point.correction > 0.005


def test_profile_is_the_maximum_in_beta():
    X, y, W = simulated()
    problem = EpProblem(X, y, W, one_each(len(y)))
    point = profile(problem, 0.3, np.zeros(2))
    assert np.abs(point.score[:2]).max() < 1e-3
    assert point.theta[-1] == 0.3
    fit = fit_ep(problem, (-1.0, 1.0))
    assert point.loglik < fit.loglik


def test_separation_is_found():
    X, _, W = simulated()
    y = (X[:, 1] > 0).astype(float)
    fit = fit_ep(EpProblem(X, y, W, one_each(len(y))), (-1.0, 1.0))
    assert 1 in fit.separating


def test_boundary_is_said():
    n = 80
    y = (np.arange(n) < n // 2).astype(float)
    blocks = sparse.csr_array(np.kron(np.eye(2), np.ones((n // 2, n // 2))) / (n // 2))
    fit = fit_ep(EpProblem(np.ones((n, 1)), y, blocks, one_each(n)), (-9.0, 1.0))
    assert fit.at_boundary
    assert fit.theta[-1] > 0.99
    assert np.isnan(fit.information).all()


def test_no_convergence_holds_the_record(monkeypatch):
    X, y, W = simulated()
    monkeypatch.setattr("geopoverty.numerics.spatial.ep_search.MAX_STEPS", 2)
    with pytest.raises(EstimationError, match=r"step 2 at rho .*, largest score"):
        fit_ep(EpProblem(X, y, W, one_each(len(y))), (-1.0, 1.0))


def test_sites_that_do_not_settle(monkeypatch):
    X, y, W = simulated()
    monkeypatch.setattr("geopoverty.numerics.spatial.ep.MAX_SWEEPS", 3)
    with pytest.raises(EstimationError, match=r"settle in 3 sweeps at rho = 0\.5"):
        EpProblem(X, y, W, one_each(len(y))).at(np.array([0.2, 0.8, 0.5]))


def test_collinear_columns_are_singular():
    X, y, W = simulated()
    twice = np.column_stack([X, X[:, 1]])
    start = np.array([0.2, 0.5, 0.5, 0.5])
    with pytest.raises(EstimationError, match="tell apart coefficient 2, coefficient"):
        fit_ep(EpProblem(twice, y, W, one_each(len(y))), (-1.0, 1.0), start)


def test_bad_model_and_weights():
    X, y, W = simulated()
    with pytest.raises(InputError, match="lag or error, not 'durbin'"):
        EpProblem(X, y, W, one_each(len(y)), "durbin")
    weighted = Cells(np.arange(len(y)), len(y), 1, np.ones(len(y)))
    with pytest.raises(InputError, match="takes no weights"):
        EpProblem(X, y, W, weighted)


def test_record_in_words():
    assert in_words([]) == "before the first step"
    step = Evaluation(0.5, -10.0, 0.1, 1e-3, 6)
    assert in_words((step, step)).startswith("step 2 at rho 0.5, log-likelihood -10")


def test_steps_are_announced():
    X, y, W = simulated()
    steps = []
    fit = fit_ep(
        EpProblem(X, y, W, one_each(len(y))),
        (-1.0, 1.0),
        stepped=lambda: steps.append(1),
    )
    assert len(steps) == len(fit.record)

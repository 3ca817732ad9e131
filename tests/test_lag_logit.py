"""The log-odds lag: derivatives, exact likelihood, invariances, planted truth."""

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, sparse
from spatial_cases import by_rows, neighbours

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import Logit
from geopoverty.numerics.spatial import lag_logit
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.lag_logit import (
    LagProblem,
    Step,
    _point,
    carried_over,
    fit_lag_logit,
    in_words,
    lag_scores,
    profile,
)
from geopoverty.numerics.spatial.resolvent import Resolvent, lag_cells

EXACT = 1e-10  # the same algebra in another order
DERIVATIVE = 1e-6  # central differences of width 1e-5


def problem(seed=0, units=30, periods=1, weighted=False, dense=True) -> LagProblem:
    rng = np.random.default_rng(seed)
    n = units * periods
    codes = np.concatenate([np.arange(n), rng.integers(0, n, 6 * n)])
    W = neighbours(units, 4, seed)
    X = np.column_stack([np.ones(len(codes)), rng.normal(size=(len(codes), 2))])
    X[:, 1] = rng.normal(size=n)[codes]
    w = rng.uniform(0.5, 2.0, len(codes)) if weighted else None
    cells = Cells(codes, units, periods, w)
    shares = by_rows(W, codes, periods)
    if weighted:
        Z = np.eye(n)[codes]
        shares = Z @ np.kron(np.eye(periods), W) @ (Z * cells.share[:, None]).T
    mean = np.linalg.solve(np.eye(len(codes)) - 0.5 * shares, X @ [-0.2, 0.9, -0.6])
    y = (rng.logistic(size=len(codes)) < mean).astype(float)
    return LagProblem(X, y, W if dense else sparse.csr_array(W), cells, w)


def brute_loglik(given_problem: LagProblem, theta) -> float:
    """The likelihood with the N x N matrix written out."""
    cells, W = given_problem.cells, given_problem.W
    Z = np.eye(cells.n)[cells.codes]
    WN = Z @ np.kron(np.eye(cells.periods), W) @ (Z * cells.share[:, None]).T
    A = np.eye(len(Z)) - theta[-1] * WN
    eta = np.linalg.solve(A, given_problem.X @ theta[:-1])
    values = np.where(given_problem.y > 0, 0, -eta) - np.logaddexp(0, -eta)
    return float(values @ (np.ones(len(Z)) if given_problem.w is None else cells.w))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("periods", [1, 3])
@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.6])
def test_score_and_information_are_derivatives(rho, periods, weighted):
    case = problem(periods=periods, weighted=weighted)
    theta = np.array([0.1, 0.7, -0.4, rho])
    here = _point(case, theta)
    assert here.loglik == pytest.approx(brute_loglik(case, theta), rel=EXACT)
    steps = 1e-5 * np.eye(4)
    for j, step in enumerate(steps):
        ahead, behind = _point(case, theta + step), _point(case, theta - step)
        slope = (ahead.loglik - behind.loglik) / 2e-5
        assert here.score[j] == pytest.approx(slope, rel=DERIVATIVE, abs=1e-5)
        bend = -(ahead.score - behind.score) / 2e-5
        np.testing.assert_allclose(here.observed[j], bend, rtol=DERIVATIVE, atol=1e-4)
    total = sum(block.sum(axis=0) for _, block in lag_scores(case, theta))
    np.testing.assert_allclose(total, here.score, rtol=EXACT, atol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_fit_maximises_the_likelihood_written_out(weighted):
    case = problem(units=10, weighted=weighted)
    fit = fit_lag_logit(case, feasible_rho(case.W))
    assert fit.loglik == pytest.approx(brute_loglik(case, fit.theta), rel=EXACT)
    found = optimize.minimize(
        lambda t: -brute_loglik(case, t), np.append(np.zeros(3), 0.2), tol=1e-10
    )
    np.testing.assert_allclose(fit.theta, found.x, atol=2e-4)
    assert -found.fun <= fit.loglik + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_sparse_weights_give_what_dense_give(seed):
    dense, held = problem(seed), problem(seed, dense=False)
    bounds = feasible_rho(dense.W)
    assert feasible_rho(held.W) == pytest.approx(bounds, rel=1e-8)
    for rho in (0.9 * bounds[0], 0.3, 0.9 * bounds[1]):
        one, two = (_point(p, np.array([0.1, 0.5, -0.5, rho])) for p in (dense, held))
        assert one.loglik == pytest.approx(two.loglik, rel=1e-12)
        np.testing.assert_allclose(one.observed, two.observed, rtol=1e-9, atol=1e-9)


def test_without_dependence_it_is_the_plain_logit():
    case = problem()
    plain = fit_binary(case.X, case.y, Logit)
    assert profile(case, 0.0).loglik == pytest.approx(plain.loglik, rel=EXACT)
    np.testing.assert_allclose(profile(case, 0.0).beta, plain.beta, rtol=1e-8)


def test_periods_do_not_touch_one_another():
    whole = problem(periods=2)
    theta = np.array([0.1, 0.5, -0.5, 0.4])
    total = 0.0
    for t in (0, 1):
        rows = whole.cells.codes // 30 == t
        cells = Cells(whole.cells.codes[rows] - 30 * t, 30, 1)
        part = LagProblem(whole.X[rows], whole.y[rows], whole.W, cells)
        total += _point(part, theta).loglik
    assert _point(whole, theta).loglik == pytest.approx(total, rel=EXACT)


def test_weights_of_rows_count_like_copies():
    case = problem(units=20)
    copies = 1 + np.arange(len(case.y)) % 3
    again = np.repeat(np.arange(len(case.y)), copies)
    cells = Cells(case.cells.codes[again], 20, 1)
    copied = LagProblem(case.X[again], case.y[again], case.W, cells)
    w = copies.astype(float)
    weighed = LagProblem(case.X, case.y, case.W, Cells(case.cells.codes, 20, 1, w), w)
    bounds = feasible_rho(case.W)
    one, two = fit_lag_logit(copied, bounds), fit_lag_logit(weighed, bounds)
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-7)
    np.testing.assert_allclose(one.information, two.information, rtol=1e-6)


def test_planted_truth_is_recovered():
    rng = np.random.default_rng(4)
    units, n = 400, 20_000
    W = sparse.csr_array(neighbours(units, 6, 4))
    codes = np.concatenate([np.arange(units), rng.integers(0, units, n - units)])
    X = np.column_stack([np.ones(n), rng.normal(size=units)[codes], rng.normal(size=n)])
    truth = np.array([-0.4, 0.7, 0.5, 0.6])
    case = LagProblem(X, np.zeros(n), W, Cells(codes, units, 1))
    carried = carried_over(case, 0.6)
    eta = (X + carried[codes]) @ truth[:-1]
    y = (rng.logistic(size=n) < eta).astype(float)
    fit = fit_lag_logit(LagProblem(X, y, W, case.cells), feasible_rho(W))
    error = np.sqrt(np.diag(np.linalg.inv(fit.information)))
    assert error[-1] < 0.05  # else three of them would prove little
    assert (np.abs(fit.theta - truth) < 3 * error).all()


def test_an_outcome_all_at_one_end_runs_to_the_boundary():
    # Two blocks; the outcome is the sign of the neighbour's covariate alone.
    rng = np.random.default_rng(0)
    n = 200
    W = np.roll(np.eye(n), 1, axis=1)
    x = rng.normal(size=n)
    index = np.linalg.solve(np.eye(n) - 0.999 * W, x)
    y = (index + 0.3 * rng.logistic(size=n) > 0).astype(float)
    case = LagProblem(x[:, None], y, W, Cells(np.arange(n), n, 1))
    fit = fit_lag_logit(case, (-1.0, 0.9))
    assert fit.at_boundary
    assert fit.theta[-1] > 0.89


def test_the_record_tells_the_last_steps():
    steps = [Step(0.1 * i, -5.0, 0.1) for i in range(5)]
    text = in_words(steps)
    assert text.startswith("step 3 at rho 0.2, log-likelihood -5, squared step 0.1; ")
    assert text.count("step") == 6


@given(st.integers(0, 10_000))
@LAW
def test_the_resolvent_inverts(seed):
    rng = np.random.default_rng(seed)
    W = rng.random((12, 12)) * (rng.random((12, 12)) < 0.3)
    np.fill_diagonal(W, 0.0)
    W[0, 1] = W[1, 2] = W[2, 0] = 0.5
    low, high = feasible_rho(W)
    x = rng.normal(size=(12, 3))
    for rho in (0.9 * low, 0.5 * high, 0.95 * high):
        A = np.eye(12) - rho * W
        for held in (W, sparse.csr_array(W)):
            solver = Resolvent(held, rho)
            np.testing.assert_allclose(A @ solver.solve(x), x, atol=1e-9)
            np.testing.assert_allclose(
                A.T @ solver.solve(x[:, 0], transposed=True), x[:, 0], atol=1e-9
            )
            expected = np.linalg.slogdet(A)[1]
            assert solver.log_determinant == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 10_000))
@LAW
def test_nothing_is_singular_within_the_feasible_interval(seed):
    rng = np.random.default_rng(seed)
    W = rng.random((10, 10)) ** 4  # asymmetric: a complex spectrum
    np.fill_diagonal(W, 0.0)
    low, high = feasible_rho(W)
    assert low < 0 < high
    values = np.linalg.eigvals(W)
    real = values.real[np.abs(values.imag) < 1e-9]
    inverses = 1 / real[np.abs(real) > 1e-9]
    assert not ((inverses > low * (1 - 1e-9)) & (inverses < high * (1 - 1e-9))).any()
    assert np.isclose(inverses, high).any()  # the upper end is exact


def test_weights_without_a_round_trip_leave_rho_in_sane_bounds():
    W = np.array([[0.0, 0.5], [0.0, 0.0]])
    assert feasible_rho(W) == (-20.0, 20.0)


def test_a_singular_rho_is_refused():
    W = np.array([[0.0, 1.0], [1.0, 0.0]])
    for held in (W, sparse.csr_array(W)):
        with pytest.raises(EstimationError, match="singular at rho = 1"):
            Resolvent(held, 1.0)


def test_cells_fold_and_unfold():
    cells = Cells(np.array([3, 0, 1, 2, 0]), units=2, periods=2)
    values = np.arange(8.0).reshape(4, 2)
    wide = cells.by_unit(values)
    assert wide.tolist() == [[0, 1, 4, 5], [2, 3, 6, 7]]
    np.testing.assert_array_equal(cells.by_cell(wide, values), values)
    W = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert lag_cells(W, cells, values[:, 0]).tolist() == [2.0, 0.0, 6.0, 4.0]
    assert not cells.alone


def test_no_convergence_is_an_error_with_the_record(monkeypatch):
    monkeypatch.setattr(lag_logit, "MAX_STEPS", 2)
    case = problem()
    message = r"did not converge in 2 steps: step 1 at rho .*; step 2 at rho .*Rescale"
    with pytest.raises(EstimationError, match=message):
        fit_lag_logit(case, feasible_rho(case.W))


def test_some_rows_that_a_rare_column_separates_do_not_decide(monkeypatch):
    case = problem(units=60)
    monkeypatch.setattr(lag_logit, "SAMPLE", 80)
    chosen = np.sort(np.random.default_rng(0).choice(len(case.y), 80, replace=False))
    rare = np.zeros(len(case.y))
    rare[chosen[7]] = 1.0  # the only one among the rows that starts are compared on
    others = np.setdiff1d(np.arange(len(case.y)), chosen)
    rare[others[::5]] = 1.0
    X = np.column_stack([case.X, rare])
    made = LagProblem(X, case.y, case.W, case.cells)
    assert profile(made, 0.0, made.some).separating.size
    found = fit_lag_logit(made, feasible_rho(case.W))
    monkeypatch.setattr(lag_logit, "SAMPLE", 20_000)
    whole = LagProblem(X, case.y, case.W, case.cells)
    known = fit_lag_logit(whole, feasible_rho(case.W))
    assert not found.separating.size
    np.testing.assert_allclose(found.theta, known.theta, rtol=1e-9)

"""Gradients against finite differences, ranks, sums and sandwiches by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from scipy.optimize import approx_fprime, minimize

from geopoverty.numerics.binary import fit_binary, score_blocks, separating_columns
from geopoverty.numerics.blocks import ROWS, blocks
from geopoverty.numerics.covariance import (
    cluster_factor,
    group_sums,
    inverse,
    kernel_meat,
    outer_sum,
    sandwich,
)
from geopoverty.numerics.effects import (
    Slope,
    average_change,
    average_slopes,
    group_means,
    probability_blocks,
    slope_blocks,
)
from geopoverty.numerics.links import LINKS, Logit, Probit
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.rows import InMemory

# Central differences with step 1e-6 on values of order 1 keep about 9 digits.
DIFFERENCE = 1e-7


def problem(seed=0, n=200):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = (rng.random(n) < 1 / (1 + np.exp(-X @ [0.2, 0.7, -0.4]))).astype(float)
    return X, y, rng.uniform(0.5, 2, size=n)


def central(function, at, step=1e-6):
    at = np.asarray(at, float)
    rows = []
    for j in range(len(at)):
        up, down = at.copy(), at.copy()
        up[j] += step
        down[j] -= step
        rows.append((function(up) - function(down)) / (2 * step))
    return np.array(rows)


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
class TestLinks:
    eta = np.linspace(-6, 6, 49)

    def test_density_is_the_derivative_of_the_probability(self, link):
        step = 1e-6
        slope = link.probability(self.eta + step) - link.probability(self.eta - step)
        assert_allclose(link.density(self.eta), slope / (2 * step), atol=1e-9)

    def test_slope_is_the_derivative_of_the_density(self, link):
        step = 1e-6
        slope = link.density(self.eta + step) - link.density(self.eta - step)
        assert_allclose(link.slope(self.eta), slope / (2 * step), atol=1e-9)

    @pytest.mark.parametrize("y", [0.0, 1.0])
    def test_residual_and_weight_are_derivatives(self, link, y):
        ys, step = np.full_like(self.eta, y), 1e-5
        up, down = link.at(self.eta + step, ys), link.at(self.eta - step, ys)
        here = link.at(self.eta, ys)
        assert_allclose(
            here.residual, (up.loglik - down.loglik) / (2 * step), atol=1e-8
        )
        assert_allclose(
            -here.weight, (up.residual - down.residual) / (2 * step), atol=1e-8
        )

    def test_far_tails_stay_finite(self, link):
        far = np.array([-800.0, -40.0, 40.0, 800.0])
        for y in (np.zeros(4), np.ones(4)):
            here = link.at(far, y)
            for part in (here.residual, here.weight):
                assert np.isfinite(part).all()
            assert (here.weight >= 0).all()


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
class TestBinary:
    def loglik(self, X, y, w, link):
        return lambda b: float(w @ link.at(X @ b, y).loglik)

    def test_scores_sum_to_the_gradient(self, link):
        X, y, w = problem()
        b = np.array([0.1, -0.3, 0.6])
        total = sum(s.sum(axis=0) for _, s in score_blocks(X, y, b, link, w))
        assert_allclose(total, central(self.loglik(X, y, w, link), b), rtol=DIFFERENCE)

    def test_information_is_minus_the_hessian(self, link):
        X, y, w = problem()
        fit = fit_binary(X, y, link, w)

        def gradient(b):
            return sum(s.sum(axis=0) for _, s in score_blocks(X, y, b, link, w))

        assert_allclose(-central(gradient, fit.beta), fit.information, rtol=1e-6)

    def test_the_maximum_is_that_of_a_general_search(self, link):
        X, y, w = problem()
        fit = fit_binary(X, y, link, w)
        loglik = self.loglik(X, y, w, link)
        other = minimize(lambda b: -loglik(b), np.zeros(3), method="BFGS", tol=1e-9)
        assert_allclose(fit.beta, other.x, atol=1e-5)
        assert fit.loglik >= -other.fun - 1e-12
        assert not fit.separating.size

    def test_rows_over_one_block_change_nothing(self, link):
        X, y, _ = problem(n=300)
        many = ROWS // 300 + 2
        once, again = (
            fit_binary(X, y, link),
            fit_binary(np.tile(X, (many, 1)), np.tile(y, many), link),
        )
        assert_allclose(once.beta, again.beta, rtol=1e-9)
        assert_allclose(once.information * many, again.information, rtol=1e-9)

    def test_separation_is_certified_by_direction(self, link):
        X, y, _ = problem()
        X = np.column_stack([X, (y == 1) & (X[:, 1] > 0)]).astype(float)
        assert fit_binary(X, y, link).separating.tolist() == [3]

    def test_a_large_coefficient_is_no_separation(self, link):
        X, y, _ = problem()
        X[:, 1] /= 1e6
        fit = fit_binary(X, y, link)
        assert not fit.separating.size
        assert abs(fit.beta[1]) > 1e5


def test_a_direction_that_lowers_one_row_separates_nothing():
    X = np.array([[1.0], [1.0], [1.0]])
    y = np.array([1.0, 1.0, 0.0])
    assert not separating_columns(InMemory(X, y), np.array([9.0]), np.array([1.0])).size


class TestEffects:
    def setup_method(self):
        self.X, self.y, self.w = problem(3)
        self.b = np.array([0.3, 0.6, -0.5])
        self.m = np.random.default_rng(1).uniform(0, 2, len(self.y))

    @pytest.mark.parametrize("link", [Logit, Probit])
    def test_average_slopes_and_gradients(self, link):
        slopes = [Slope([(1, None)]), Slope([(1, None), (2, self.m)])]

        def by_hand(b):
            f = link.density(self.X @ b)
            mean = [f * b[1], f * (b[1] + b[2] * self.m)]
            return np.array([np.average(v, weights=self.w) for v in mean])

        value, gradient = average_slopes(self.X, self.b, link, slopes, self.w)
        assert_allclose(value, by_hand(self.b), rtol=1e-12)
        assert_allclose(gradient.T, central(by_hand, self.b), atol=1e-8)

    @pytest.mark.parametrize("link", [Logit, Probit])
    def test_average_change_and_gradient(self, link):
        X = np.column_stack([self.X, self.m < 0.7, self.m > 1.4]).astype(float)
        b = np.append(self.b, [0.8, -0.4])

        def by_hand(b):
            base = X[:, :3] @ b[:3]
            change = link.probability(base + b[4]) - link.probability(base)
            return np.average(change, weights=self.w)

        value, gradient = average_change(X, b, link, ([3, 4], 4), self.w)
        assert value == pytest.approx(by_hand(b), rel=1e-12)
        assert_allclose(gradient, approx_fprime(b, by_hand, 1e-7), atol=1e-7)

    def test_group_means_are_means_with_delta_errors(self):
        codes = np.arange(len(self.y)) % 7
        vcov = np.diag([0.1, 0.2, 0.05])
        slope = Slope([(1, None), (2, self.m)])
        mean, error = group_means(
            slope_blocks(self.X, self.b, Logit, slope), vcov, codes, 7
        )

        def by_hand(b):
            values = Logit.density(self.X @ b) * (b[1] + b[2] * self.m)
            return np.array([values[codes == g].mean() for g in range(7)])

        assert_allclose(mean, by_hand(self.b), rtol=1e-12)
        gradient = central(by_hand, self.b).T
        theirs = np.sqrt(np.einsum("ij,jk,ik->i", gradient, vcov, gradient))
        assert_allclose(error, theirs, rtol=1e-6)

    def test_group_means_of_probabilities(self):
        codes = np.zeros(len(self.y), dtype=int)
        mean, error = group_means(
            probability_blocks(self.X, self.b, Logit), np.zeros((3, 3)), codes, 1
        )
        assert_allclose(mean, Logit.probability(self.X @ self.b).mean())
        assert_allclose(error, 0)


class TestCovariance:
    def scores(self, n=50, k=3):
        values = np.random.default_rng(0).normal(size=(n, k))
        return values, [(rows, values[rows]) for rows in blocks(n, rows=17)]

    def test_sums_over_groups(self):
        values, parts = self.scores()
        codes = np.arange(50) % 6
        by_hand = np.array([values[codes == g].sum(axis=0) for g in range(6)])
        assert_allclose(group_sums(parts, codes, 6, 3), by_hand)
        assert_allclose(outer_sum(parts, 3), values.T @ values)

    def test_clusters_of_one_row_are_hc0(self):
        _, parts = self.scores()
        sums = group_sums(parts, np.arange(50), 50, 3)
        assert_allclose(sums.T @ sums, outer_sum(parts, 3))

    def test_kernel_of_ones_is_one_cluster(self):
        values, _ = self.scores()
        total = values.sum(axis=0)
        assert_allclose(
            kernel_meat(values, np.ones((50, 50))), np.outer(total, total), atol=1e-10
        )

    def test_factors(self):
        assert cluster_factor(40, 400, 4, "groups") == 40 / 39
        assert cluster_factor(40, 400, 4, "hc1") == 40 / 39 * 399 / 396

    def test_inverse_is_symmetric(self):
        root = np.random.default_rng(0).normal(size=(6, 6))
        matrix = root @ root.T
        out = inverse(matrix)
        assert (out == out.T).all()
        assert_allclose(out @ matrix, np.eye(6), atol=1e-8)

    def test_negative_variances_are_mended_and_said(self):
        matrix, mended = sandwich(np.eye(2), np.array([[1.0, 0.0], [0.0, -0.5]]))
        assert mended
        assert_allclose(matrix, [[1, 0], [0, 0]])


class TestRank:
    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(0, 10_000),
        st.lists(
            st.floats(-5, 5).filter(lambda v: abs(v) > 0.01), min_size=3, max_size=3
        ),
        st.floats(1e-6, 1e6),
    )
    def test_planted_combinations_are_found(self, seed, weights, scale):
        X = np.random.default_rng(seed).normal(size=(40, 4))
        X[:, 3] = scale * (X[:, :3] @ weights)
        assert dependent_columns(X) == [(3, [0, 1, 2])]

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 10_000), st.floats(1e-2, 1))
    def test_small_but_real_differences_are_kept(self, seed, size):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(40, 3))
        X[:, 2] = X[:, 0] + 1e-5 * size * rng.normal(size=40)
        assert dependent_columns(X) == []

    def test_powers_of_years_are_told_apart(self):
        year = np.arange(1960.0, 1991.0)
        X = np.column_stack([np.ones(31), year, year**2, year**3])
        assert dependent_columns(X) == []

    def test_zero_columns_and_several_at_once(self):
        x = np.random.default_rng(0).normal(size=(20, 2))
        X = np.column_stack([x, np.zeros(20), x[:, 0] - x[:, 1], 2 * x[:, 1]])
        assert dependent_columns(X) == [(2, []), (3, [0, 1]), (4, [1])]

    def test_more_columns_than_rows(self):
        X = np.random.default_rng(0).normal(size=(3, 4))
        assert dependent_columns(X) == [(3, [0, 1, 2])]

    def test_rows_over_one_block(self):
        x = np.random.default_rng(0).normal(size=ROWS + 50)
        X = np.column_stack([np.ones_like(x), x, 3 - x])
        assert dependent_columns(X) == [(2, [0, 1])]


def test_likelihood_of_counts_has_its_closed_form():
    # A constant alone: log-odds of the share of ones, variance 1 / (n p (1 - p)).
    y = np.r_[np.ones(30), np.zeros(70)]
    fit = fit_binary(np.ones((100, 1)), y, Logit)
    assert_allclose(fit.beta, np.log(0.3 / 0.7), rtol=1e-12)
    assert_allclose(fit.information, 100 * 0.3 * 0.7, rtol=1e-10)
    fit = fit_binary(np.ones((100, 1)), y, Probit)
    assert_allclose(fit.beta, stats.norm.ppf(0.3), rtol=1e-10)

"""Unit effects with a spatial precision: against R, its laws, and planted truth."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, pair_matrix, table
from scipy import sparse, special

from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import Logit
from geopoverty.numerics.spatial import random_search
from geopoverty.numerics.spatial.random_effects import (
    RandomFit,
    fit_random,
    scaled_weights,
)
from geopoverty.numerics.spatial.random_laplace import Grouped, Laplace
from geopoverty.numerics.spatial.random_precision import Precision
from geopoverty.numerics.spatial.random_probability import (
    mean_probability,
    random_probability,
)

ESTIMATE = 1e-6  # both maximise to about 1e-8
COVARIANCE = 1e-4  # R by Richardson extrapolation, here by one-sided differences
STRUCTURES = ("sar", "leroux")
STORED = {"dense": np.asarray, "sparse": sparse.csr_array}
RANGE = {"sar": (-1.0, 1.0), "leroux": (0.0, 1.0)}


def households() -> SimpleNamespace:
    rows = table("binary")
    units, W = pair_matrix("weight_knn")
    X = np.column_stack([np.ones(len(rows)), rows[["x1", "x2", "clusters"]]])
    return SimpleNamespace(
        X=X,
        y=rows["poor"].to_numpy(float),
        codes=units.get_indexer(rows["unit_id"]),
        weights={"sar": W, "leroux": ((W + W.T) > 0).astype(float)},
    )


def near(n: int, seed: int, structure: str) -> np.ndarray:
    """Return weights of the six nearest of random places."""
    place = np.random.default_rng(seed).random((n, 2))
    apart = ((place[:, None] - place[None]) ** 2).sum(-1)
    np.fill_diagonal(apart, np.inf)
    W = np.zeros((n, n))
    W[np.arange(n)[:, None], np.argsort(apart, 1)[:, : min(6, n - 1)]] = 1.0
    if structure == "leroux":
        return np.maximum(W, W.T)
    return W / W.sum(axis=1, keepdims=True)


def simulated(
    structure: str, n: int, per: int, rho: float, sigma: float, seed: int
) -> SimpleNamespace:
    rng = np.random.default_rng(seed)
    W = near(n, seed, structure)
    root = np.linalg.cholesky(Precision(W, structure).values(rho))
    theta = sigma * np.linalg.solve(root.T, rng.normal(size=n))
    codes = np.repeat(np.arange(n), per)
    X = np.column_stack(
        [np.ones(n * per), rng.normal(size=n * per), rng.normal(size=n)[codes]]
    )
    p = special.expit(X @ [-1.0, 0.5, 0.5] + theta[codes])
    y = (rng.random(n * per) < p).astype(float)
    return SimpleNamespace(X=X, y=y, codes=codes, W=W, theta=theta)


def fit(data: SimpleNamespace, structure: str, **options: Any) -> RandomFit:
    given = {"structure": structure, "bounds": RANGE[structure], **options}
    W = given.pop("W", getattr(data, "W", None))
    return fit_random(data.X, data.y, data.codes, W, **given)


def gap(found: Any, expected: Any) -> float:
    """Return how far covariances are apart, in products of standard errors."""
    se = np.sqrt(np.diag(np.array(expected)))
    return float((np.abs(found - np.array(expected)) / np.outer(se, se)).max())


# ---- known answers -------------------------------------------------------------


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_estimates_are_those_of_lme4_with_its_effects_turned(
    structure: str, stored: str
) -> None:
    data, known = households(), answers("random_effects")[structure]
    W = STORED[stored](data.weights[structure])
    data.y = np.array(known.get("outcome", data.y), dtype=float)
    found = fit(data, structure, W=W)
    assert found.beta == pytest.approx(list(known["beta"].values()), abs=ESTIMATE)
    assert found.sigma == pytest.approx(known["sigma"], abs=ESTIMATE)
    assert found.rho == pytest.approx(known["rho"], abs=ESTIMATE)
    assert found.loglik == pytest.approx(known["loglik"], abs=1e-8)
    assert found.effects == pytest.approx(known["effects"], abs=ESTIMATE)
    assert found.variances == pytest.approx(known["variances"], abs=ESTIMATE)
    assert gap(found.covariance, known["covariance"]) < COVARIANCE
    assert found.at_boundary == ()


def test_independent_effects_are_those_of_lme4() -> None:
    data, known = households(), answers("random_effects")["iid"]
    found = fit(data, "sar", W=data.weights["sar"], bounds=(0.0, 0.0))
    assert found.beta == pytest.approx(list(known["beta"].values()), abs=ESTIMATE)
    assert found.sigma == pytest.approx(known["sigma"], abs=ESTIMATE)
    assert found.loglik == pytest.approx(known["loglik"], abs=1e-8)
    assert found.effects == pytest.approx(known["effects"], abs=ESTIMATE)
    assert found.variances == pytest.approx(known["variances"], abs=ESTIMATE)
    assert gap(found.covariance[:-1, :-1], known["covariance"]) < COVARIANCE
    assert np.isnan(found.covariance[-1]).all()
    assert np.isnan(found.covariance[:, -1]).all()
    assert not found.rho_identified


def test_counts_are_weights_of_rows() -> None:
    known = answers("random_effects")["cbpp"]
    herd, period, ill, size = (
        np.array(known["data"][k]) for k in ("herd", "period", "incidence", "size")
    )
    X = (period[:, None] == [0, 2, 3, 4]).astype(float)
    X[:, 0] = 1.0
    w = np.concatenate([ill, size - ill]).astype(float)
    y = np.repeat([1.0, 0.0], len(herd))
    data = SimpleNamespace(X=np.vstack([X, X]), y=y, codes=np.tile(herd - 1, 2))
    found = fit(data, "leroux", W=np.zeros((15, 15)), bounds=(0.0, 0.0), w=w)
    assert found.beta == pytest.approx(list(known["beta"].values()), abs=ESTIMATE)
    assert found.sigma == pytest.approx(known["sigma"], abs=ESTIMATE)
    assert found.loglik == pytest.approx(known["loglik"], abs=1e-8)


def test_mean_probabilities_are_the_integrals() -> None:
    known = answers("random_effects")["mean_probability"]
    eta, sd = np.array(known["eta"]), np.array(known["sd"])
    for one_sd in np.unique(sd):  # spacing follows the widest: try each by itself
        at = sd == one_sd
        expected = np.array(known["mean"])[at]
        assert mean_probability(eta[at], sd[at]) == pytest.approx(expected, rel=1e-13)
    assert mean_probability(eta, sd) == pytest.approx(known["mean"], rel=1e-13)


# ---- the likelihood and its gradient ---------------------------------------------


def grouped(structure: str, stored: str, seed: int) -> Grouped:
    rng = np.random.default_rng(seed)
    W = near(20, seed, structure)
    codes = rng.integers(0, 18, 150)  # two units at least without rows
    X = np.column_stack([np.ones(150), rng.normal(size=150)])
    y, w = (rng.random(150) < 0.4).astype(float), rng.uniform(0.5, 2.0, 150)
    return Grouped(X, y, codes, w, Precision(STORED[stored](W), structure))


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("structure", STRUCTURES)
@given(
    seed=st.integers(0, 50), log_sigma=st.floats(-4.0, 1.0), rho=st.floats(0.05, 0.85)
)
@LAW
def test_gradient_is_that_of_finite_differences(
    structure: str, stored: str, seed: int, log_sigma: float, rho: float
) -> None:
    laplace = Laplace(grouped(structure, stored, seed))
    x = np.array([-0.4, 0.3, log_sigma, rho])

    def loglik(j: int, h: float) -> float:
        there = x.copy()
        there[j] += h
        return laplace.at(there).loglik

    h = 1e-3
    slopes = [
        (8 * (loglik(j, h) - loglik(j, -h)) - (loglik(j, 2 * h) - loglik(j, -2 * h)))
        / (12 * h)
        for j in range(4)
    ]
    assert laplace.at(x).gradient == pytest.approx(slopes, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("structure", STRUCTURES)
@given(seed=st.integers(0, 50), sigma=st.floats(0.01, 3.0), rho=st.floats(0.0, 0.95))
@LAW
def test_sparse_is_dense(structure: str, seed: int, sigma: float, rho: float) -> None:
    x = np.array([-0.4, 0.3, np.log(sigma), rho])
    dense, thin = (Laplace(grouped(structure, s, seed)).at(x) for s in STORED)
    assert dense.loglik == pytest.approx(thin.loglik, abs=1e-9)
    assert dense.gradient == pytest.approx(thin.gradient, abs=1e-8)
    assert dense.theta == pytest.approx(thin.theta, abs=1e-9)
    assert dense.variances == pytest.approx(thin.variances, abs=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_what_was_evaluated_before_does_not_matter(structure: str) -> None:
    x = np.array([-0.4, 0.3, 0.2, 0.5])
    fresh, used = (Laplace(grouped(structure, "sparse", 3)) for _ in range(2))
    used.at(np.array([3.0, -2.0, -9.0, 0.9]))
    used.at(np.array([-3.0, 2.0, 2.0, 0.0]))
    assert used.at(x).loglik == pytest.approx(fresh.at(x).loglik, abs=1e-9)
    assert used.at(x).gradient == pytest.approx(fresh.at(x).gradient, abs=1e-7)


def test_the_approximation_is_near_the_integral() -> None:
    """One unit: the integral over its effect is one-dimensional."""
    rng = np.random.default_rng(0)
    y, eta = (rng.random(60) < 0.3).astype(float), rng.normal(size=60)
    data = Grouped(
        eta[:, None], y, np.zeros(60, int), np.ones(60), Precision(np.eye(1), "sar")
    )
    found = Laplace(data).at(np.array([1.0, np.log(0.7), 0.0])).loglik
    z = np.linspace(-8, 8, 2001)
    rows = Logit.at(eta[:, None] + 0.7 * z, y[:, None]).loglik.sum(axis=0)
    density = np.exp(rows - 0.5 * z**2) / np.sqrt(2 * np.pi)
    assert found == pytest.approx(np.log(density.sum() * (z[1] - z[0])), abs=5e-3)


def test_without_spread_it_is_the_plain_logit() -> None:
    data = grouped("sar", "dense", 1)
    plain = fit_binary(data.X, data.y, Logit, data.w)
    point = Laplace(data).at(np.concatenate([plain.beta, [np.log(1e-6), 0.4]]))
    assert point.loglik == pytest.approx(plain.loglik, abs=1e-9)
    assert point.gradient == pytest.approx(0.0, abs=1e-8)
    assert point.theta == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_cheap_information_is_the_curvature_when_determinants_stand_still(
    structure: str,
) -> None:
    data = simulated(structure, 20, 400, 0.5, 0.8, 0)
    rows = Grouped(
        data.X, data.y, data.codes, np.ones(len(data.y)), Precision(data.W, structure)
    )
    laplace, x = Laplace(rows), np.array([-1.0, 0.5, 0.5, -0.2, 0.5])
    cheap = laplace.information(laplace.at(x))
    exact = np.empty((3, 3))
    for j in range(3):
        h = 1e-4 * np.eye(5)[j]
        change = laplace.at(x - h).gradient - laplace.at(x + h).gradient
        exact[j] = change[:3] / 2e-4
    assert cheap == pytest.approx(exact, rel=0.02, abs=0.02 * np.abs(exact).max())


# ---- laws of the fit -------------------------------------------------------------


@pytest.mark.parametrize("structure", STRUCTURES)
def test_order_of_rows_and_units_does_not_matter(structure: str) -> None:
    data = simulated(structure, 40, 10, 0.5, 1.0, 2)
    first = fit(data, structure)
    rng = np.random.default_rng(0)
    rows, units = rng.permutation(len(data.y)), rng.permutation(40)
    moved = SimpleNamespace(
        X=data.X[rows],
        y=data.y[rows],
        codes=np.argsort(units)[data.codes[rows]],
        W=data.W[np.ix_(units, units)],
    )
    second = fit(moved, structure)
    assert second.beta == pytest.approx(first.beta, abs=1e-7)
    assert second.rho == pytest.approx(first.rho, abs=1e-6)
    assert second.effects == pytest.approx(first.effects[units], abs=1e-6)
    assert second.prior_variances == pytest.approx(
        first.prior_variances[units], rel=1e-5
    )


def test_a_weight_of_two_is_a_row_twice() -> None:
    data = simulated("sar", 40, 10, 0.5, 1.0, 2)
    w = np.random.default_rng(1).integers(1, 4, len(data.y))
    weighted = fit(data, "sar", w=w.astype(float))
    rows = np.repeat(np.arange(len(w)), w)
    repeated = SimpleNamespace(
        X=data.X[rows], y=data.y[rows], codes=data.codes[rows], W=data.W
    )
    plain = fit(repeated, "sar")
    assert weighted.loglik == pytest.approx(plain.loglik, abs=1e-8)
    assert weighted.beta == pytest.approx(plain.beta, abs=1e-7)
    assert gap(weighted.covariance, plain.covariance) < COVARIANCE


def test_scaled_weights_sum_to_rows_whatever_their_unit_counts() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, 50)
    w = rng.uniform(0.1, 4.0, 50)
    scaled = scaled_weights(w, codes, 6)  # one unit without rows
    assert np.bincount(codes, scaled) == pytest.approx(np.bincount(codes))
    assert scaled_weights(w * (1.0 + codes), codes, 6) == pytest.approx(scaled)
    assert (scaled / w)[codes == 0].std() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_effects_solve_their_equation_in_units_with_and_without_rows(
    structure: str, stored: str
) -> None:
    data = simulated(structure, 60, 15, 0.6, 1.0, 4)
    kept = data.codes % 7 != 0
    data.X, data.y, data.codes = data.X[kept], data.y[kept], data.codes[kept]
    found = fit(data, structure, W=STORED[stored](data.W))
    p = special.expit(data.X @ found.beta + found.effects[data.codes])
    residuals = np.bincount(data.codes, data.y - p, minlength=60)
    P = Precision(data.W, structure).values(found.rho)
    assert P @ found.effects == pytest.approx(found.sigma**2 * residuals, abs=1e-7)
    spread = np.bincount(data.codes, p * (1 - p), minlength=60)
    inverse = np.linalg.inv(P / found.sigma**2 + np.diag(spread))
    assert found.variances == pytest.approx(np.diag(inverse), rel=1e-6)
    prior = found.sigma**2 * np.diag(np.linalg.inv(P))
    assert found.prior_variances == pytest.approx(prior, rel=1e-8)
    empty = np.arange(60) % 7 == 0
    assert np.abs(found.effects[empty]).min() > 0.0
    assert found.variances[empty].mean() > found.variances[~empty].mean()


def test_rows_of_one_outcome_in_a_unit_are_fine() -> None:
    data = simulated("leroux", 40, 10, 0.5, 1.0, 2)
    data.y[data.codes == 3], data.y[data.codes == 5] = 1.0, 0.0
    found = fit(data, "leroux")
    assert found.effects[3] > 0 > found.effects[5]
    assert np.isfinite(found.covariance).all()


def test_fixed_rho_gives_the_profile() -> None:
    data = simulated("sar", 80, 15, 0.5, 1.0, 5)
    free = fit(data, "sar")
    fixed = fit(data, "sar", bounds=(free.rho, free.rho))
    assert fixed.loglik == pytest.approx(free.loglik, abs=1e-8)
    assert fixed.beta == pytest.approx(free.beta, abs=1e-5)
    inverse = np.linalg.inv(np.linalg.inv(free.covariance)[:-1, :-1])
    assert gap(fixed.covariance[:-1, :-1], inverse) < COVARIANCE
    aside = fit(data, "sar", bounds=(0.0, 0.0))
    assert aside.loglik < free.loglik
    assert aside.pooled_loglik == free.pooled_loglik < aside.loglik


def test_every_evaluation_is_reported_and_every_step_recorded() -> None:
    data, calls = simulated("sar", 40, 10, 0.5, 1.0, 2), []
    found = fit(data, "sar", stepped=lambda: calls.append(1))
    assert len(calls) > len(found.record) > 3
    assert found.record[-1].decrement < 1e-8
    assert found.record[-1].loglik == pytest.approx(found.loglik, abs=1e-9)
    assert found.record[-1].sigma == pytest.approx(found.sigma)


# ---- planted truth ---------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("structure", STRUCTURES)
def test_planted_truth_is_found(structure: str, seed: int) -> None:
    data = simulated(structure, 300, 40, 0.6, 0.8, seed)
    found = fit(data, structure, W=sparse.csr_array(data.W))
    estimates = np.concatenate([found.beta, [np.log(found.sigma), found.rho]])
    truth = [-1.0, 0.5, 0.5, np.log(0.8), 0.6]
    z = (estimates - truth) / np.sqrt(np.diag(found.covariance))
    assert np.abs(z).max() < 3
    assert found.rho_identified
    assert found.loglik > found.pooled_loglik + 30
    apart = (found.effects - data.theta) / np.sqrt(found.variances)
    assert 0.85 < apart.std() < 1.15


def test_probabilities_are_calibrated_over_units() -> None:
    data = simulated("sar", 300, 40, 0.6, 0.8, 0)
    found = fit(data, "sar", W=sparse.csr_array(data.W))
    own = random_probability(found, data.X, data.codes)
    truth = special.expit(data.X @ [-1.0, 0.5, 0.5] + data.theta[data.codes])
    blind = random_probability(found, data.X, data.codes, conditional=False)
    assert np.abs(own - truth).mean() < 0.5 * np.abs(blind - truth).mean()
    assert own.mean() == pytest.approx(data.y.mean(), abs=0.005)
    assert blind.mean() == pytest.approx(data.y.mean(), abs=0.04)


def test_probabilities_are_the_means_of_draws() -> None:
    data = simulated("leroux", 30, 10, 0.5, 1.0, 1)
    found = fit(data, "leroux")
    z = np.random.default_rng(0).normal(size=(20_000, 1))
    eta = data.X[::10] @ found.beta
    for conditional, middle, variance in [
        (True, found.effects, found.variances),
        (False, 0.0, found.prior_variances),
    ]:
        draws = special.expit(eta + middle + np.sqrt(variance) * z).mean(axis=0)
        given = random_probability(
            found, data.X[::10], np.arange(30), conditional=conditional
        )
        assert given == pytest.approx(draws, abs=0.01)


# ---- boundaries ------------------------------------------------------------------


def even(n: int) -> SimpleNamespace:
    """Return units that are more alike than chance would make them."""
    codes = np.repeat(np.arange(n), 10)
    y = np.tile([1.0, 0, 0, 1, 0, 0, 1, 0, 1, 0], n)
    X = np.column_stack([np.ones(10 * n), np.random.default_rng(0).normal(size=10 * n)])
    return SimpleNamespace(X=X, y=y, codes=codes)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_effects_that_are_not_there_are_said_to_be_none(structure: str) -> None:
    data = even(20)
    found = fit(data, structure, W=near(20, 0, structure))
    plain = fit_binary(data.X, data.y, Logit)
    assert found.at_boundary == ("sigma",)
    assert found.sigma == 0.0
    assert np.isnan(found.rho)
    assert not found.rho_identified
    assert found.beta == pytest.approx(plain.beta)
    assert found.loglik == found.pooled_loglik == plain.loglik
    expected = np.linalg.inv(plain.information)
    assert found.covariance[:2, :2] == pytest.approx(expected)
    assert np.isnan(found.covariance[2:]).all()
    assert not np.any([found.effects, found.variances, found.prior_variances])
    given = random_probability(found, data.X, data.codes, conditional=False)
    assert given == pytest.approx(special.expit(data.X @ plain.beta))


def test_independent_leroux_effects_put_rho_at_its_end() -> None:
    data = simulated("leroux", 100, 20, 0.0, 0.8, 0)
    found = fit(data, "leroux")
    assert found.at_boundary == ("rho",)
    assert found.rho == pytest.approx(0.0, abs=1e-12)
    assert not found.rho_identified
    assert np.isnan(found.covariance[-1]).all()
    independent = fit(data, "leroux", bounds=(0.0, 0.0))
    assert found.loglik == pytest.approx(independent.loglik, abs=1e-8)
    expected = independent.covariance[:-1, :-1]
    assert gap(found.covariance[:-1, :-1], expected) < COVARIANCE


@pytest.mark.parametrize("bounds", [(-0.2, 0.3), (0.75, 0.9)])
def test_a_range_without_the_maximum_ends_at_the_nearer_end(
    bounds: tuple[float, float],
) -> None:
    data = simulated("sar", 300, 40, 0.6, 0.8, 0)
    free = fit(data, "sar", W=sparse.csr_array(data.W))
    found = fit(data, "sar", W=sparse.csr_array(data.W), bounds=bounds)
    nearer = min(bounds, key=lambda end: abs(end - free.rho))
    assert found.at_boundary == ("rho",)
    assert not found.rho_identified
    assert found.rho == pytest.approx(nearer, abs=1e-5)
    assert found.loglik < free.loglik


def test_a_slope_that_fades_on_the_way_to_an_end_is_followed_there() -> None:
    """The end at -1 is not singular: eigenvalues of these weights are above -1."""
    found = fit(simulated("sar", 100, 20, -0.5, 0.8, 16), "sar")
    assert found.at_boundary == ("rho",)
    assert found.rho == pytest.approx(-1.0, abs=1e-5)
    assert np.isfinite(found.covariance[:-1, :-1]).all()


@pytest.mark.parametrize("structure", STRUCTURES)
def test_few_units_do_not_say_where_rho_is(structure: str) -> None:
    for seed in range(6):
        found = fit(simulated(structure, 8, 30, 0.5, 0.8, seed), structure)
        assert not found.rho_identified


def test_faint_effects_are_looked_for_from_several_starts() -> None:
    """Here the first start ends at no effects at all, the second finds some."""
    for seed in range(12):
        data = simulated("sar", 100, 10, 0.5, 0.1, seed)
        found = fit(data, "sar", W=sparse.csr_array(data.W))
        for rho in (-0.9, -0.5, 0.0, 0.5, 0.8, 0.95):
            fixed = fit(data, "sar", W=data.W, bounds=(rho, rho))
            assert found.loglik > fixed.loglik - 1e-6


# ---- bad input -------------------------------------------------------------------


def test_structures_have_names() -> None:
    with pytest.raises(InputError, match="one of sar, leroux, not 'car'"):
        Precision(np.eye(2), "car")


@pytest.mark.parametrize("stored", STORED)
def test_leroux_effects_need_symmetric_weights_of_at_least_zero(stored: str) -> None:
    lopsided = STORED[stored](np.array([[0.0, 1.0], [0.5, 0.0]]))
    with pytest.raises(InputError, match="need symmetric weights"):
        Precision(lopsided, "leroux")
    below = STORED[stored](np.array([[0.0, -1.0], [-1.0, 0.0]]))
    with pytest.raises(InputError, match="must be at least 0"):
        Precision(below, "leroux")


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_rho_beyond_its_range_is_an_error(structure: str, stored: str) -> None:
    W = STORED[stored](np.array([[0.0, 1.0], [1.0, 0.0]]))
    precision = Precision(W, structure)
    with pytest.raises(EstimationError, match="not positive definite"):
        precision.pattern.factor(precision.values(1.0) - 1e-9)


def test_separation_is_an_error() -> None:
    data = even(20)
    data.X[:, 1] = data.y + 0.1 * data.X[:, 1] / np.abs(data.X[:, 1]).max()
    with pytest.raises(EstimationError, match="must not separate the outcome"):
        fit(data, "sar", W=near(20, 0, "sar"))


@pytest.mark.parametrize("stored", STORED)
def test_units_without_neighbours_do_not_tell_rho(stored: str) -> None:
    data = simulated("sar", 40, 10, 0.5, 1.0, 2)
    with pytest.raises(EstimationError, match=r"information is singular.*fix rho"):
        fit(data, "sar", W=STORED[stored](np.zeros((40, 40))))


@pytest.mark.parametrize("limits", [{"MAX_STEPS": 3}, {"NEWTON_STEPS": 1, "NEAR": 1e3}])
def test_no_convergence_is_an_error_with_the_record(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, float]
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(random_search, name, value)
    data = simulated("sar", 40, 10, 0.5, 1.0, 2)
    with pytest.raises(EstimationError, match=r"did not converge: .*step \d+ at sigma"):
        fit(data, "sar")


def test_stored_zeros_of_sparse_weights_do_not_matter() -> None:
    W = near(20, 0, "sar")
    W[-1, -2] = W[-2, -1] = 0.0
    stored = sparse.csr_array(W)
    full = sparse.coo_array(np.ones((20, 20)))
    with_zeros = sparse.csr_array((W[full.row, full.col], (full.row, full.col)))
    assert with_zeros.nnz == 400
    plain, zeros = (Precision(w, "sar") for w in (stored, with_zeros))
    assert len(zeros.values(0.4)) == len(plain.values(0.4))
    assert zeros.values(0.4) == pytest.approx(plain.values(0.4))

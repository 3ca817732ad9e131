"""Matching on a score: every sweep against looking at every pair."""

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.numerics.hidden_bias import rosenbaum_bounds
from geopoverty.numerics.pairing import (
    CompactKernel,
    NormalKernel,
    Windows,
    first_picks,
    nearest,
    pair,
    same,
    side,
    tie_range,
    within,
)

N = 2000
# Sums of up to 2,000 terms in another order: a few hundred roundings of 1e-16.
EXACT = 1e-12


def kernel(name, u):
    u = np.abs(u)
    if name == "normal":
        return np.exp(-u * u / 2)
    inner, outer = {"epanechnikov": (2, 1), "biweight": (2, 2), "tricube": (3, 3)}[name]
    return np.where(u <= 1, 1 - u**inner, 0.0) ** outer


def scores(law, n=N, seed=0):
    rng = np.random.default_rng(seed)
    if law == "rounded":  # many ties, and equal distances on both sides
        return rng.beta(2, 3, n).round(2)
    if law == "clumps":  # nothing between two far clusters
        return np.where(np.arange(n) % 2, 0.02, 0.98) + rng.normal(0, 0.005, n)
    return rng.beta(2, 3, n)


def arms(law, n=N, seed=0):
    score = scores(law, n, seed)
    treated = np.random.default_rng(seed + 1).random(n) < 0.4
    return side(score, np.flatnonzero(treated)), side(score, np.flatnonzero(~treated))


def distances(targets, sources):
    return targets.score[:, None] - sources.score[None]


def assert_operator(operator, matrix, seed=0):
    """Forward and adjoint are the matrix and its transpose, relative to their sums."""
    rng = np.random.default_rng(seed)
    n, m = matrix.shape
    w, v = rng.uniform(0.5, 2, (m, 1)), rng.uniform(0.5, 2, (n, 1))
    values = np.hstack([w, w * rng.normal(5, 2, (m, 1))])
    np.testing.assert_allclose(operator.forward(values), matrix @ values, rtol=EXACT)
    np.testing.assert_allclose(operator.adjoint(v), matrix.T @ v, rtol=EXACT)


@pytest.mark.parametrize("law", ["smooth", "rounded", "clumps"])
@pytest.mark.parametrize("width", [0.004, 0.06, 0.7])
@pytest.mark.parametrize("name", ["normal", "epanechnikov", "biweight", "tricube"])
def test_kernels_equal_every_pair(name, width, law):
    targets, sources = arms(law)
    matrix = kernel(name, distances(targets, sources) / width)
    if name == "normal":
        assert_operator(NormalKernel(targets, sources, width), matrix)
    else:
        operator = CompactKernel(targets, sources, name, width)
        # Sums that are all edge (1 - |u| of the order of rounding) mean nothing.
        matrix = np.where(matrix < 1e-25, 0.0, matrix)
        assert_operator(operator, matrix)


def test_normal_kernel_is_exact_far_from_everybody():
    # Nearest control 20 bandwidths away: weights of 1e-87 must still compare.
    score = np.concatenate([[0.0], np.linspace(1.2, 1.3, 200)])
    targets, sources = side(score, np.arange(1)), side(score, np.arange(1, 201))
    found = NormalKernel(targets, sources, 0.06).forward(np.ones((200, 1)))
    want = kernel("normal", distances(targets, sources) / 0.06).sum()
    np.testing.assert_allclose(found[0, 0], want, rtol=EXACT)


def test_normal_kernel_underflows_to_nobody():
    score = np.array([0.0, 1.0])
    operator = NormalKernel(
        side(score, np.arange(1)), side(score, np.arange(1, 2)), 0.01
    )
    found = pair(operator, np.ones((1, 1)), np.ones(1), np.ones(1))
    assert not found.matched.any()
    assert np.isnan(found.means).all()
    assert found.weight.tolist() == [0.0]


def test_many_targets_are_interpolated_to_the_last_digits():
    # 40,000 targets in a bandwidth or two: the polynomial, not the series.
    rng = np.random.default_rng(2)
    score = np.concatenate([rng.uniform(0, 0.2, 40_000), rng.uniform(0, 1, 500)])
    targets, sources = (
        side(score, np.arange(40_000)),
        side(score, 40_000 + np.arange(500)),
    )
    values = np.ones((500, 1))
    found = NormalKernel(targets, sources, 0.06).forward(values)[::97, 0]
    want = kernel("normal", distances(targets, sources)[::97] / 0.06).sum(axis=1)
    np.testing.assert_allclose(found, want, rtol=EXACT)


@pytest.mark.parametrize("law", ["smooth", "rounded", "clumps"])
def test_radius_equals_every_pair(law):
    targets, sources = arms(law)
    operator = within(targets, sources, 0.01)
    matrix = np.abs(distances(targets, sources)) <= 0.01 + same(targets, sources)
    assert_operator(operator, matrix.astype(float))


def brute_nearest(targets, sources, k, reach=np.inf):
    """Return the k nearest with all ties, and exactly k by the order of rows."""
    close = same(targets, sources)
    every = np.zeros((len(targets), len(sources)))
    exact = np.zeros_like(every)
    for i, d in enumerate(np.abs(distances(targets, sources))):
        last = min(np.sort(d)[min(k, len(d)) - 1], reach)
        here = d <= last + close
        every[i] = here
        group = np.where(d < d[here].max() - close, 0, 1) if here.any() else d
        order = np.lexsort((sources.rows, np.where(here, group, 2)))
        exact[i, order[: min(k, int(here.sum()))]] = 1
    return every, exact


@pytest.mark.parametrize("law", ["smooth", "rounded", "clumps"])
@pytest.mark.parametrize("k", [1, 4])
def test_nearest_equals_every_pair(k, law):
    targets, sources = arms(law)
    found = nearest(targets, sources, k)
    every, exact = brute_nearest(targets, sources, k)
    assert_operator(found.all, every)
    assert_operator(first_picks(found, sources, k), exact)
    assert (found.tied == (every.sum(axis=1) > k)).all()


def test_caliper_keeps_what_is_near():
    targets, sources = arms("rounded", 200)
    found = nearest(targets, sources, 4, caliper=0.011)
    every, exact = brute_nearest(targets, sources, 4, 0.011)
    assert_operator(found.all, every)
    assert_operator(first_picks(found, sources, 4), exact)


@LAW
@given(
    st.lists(st.integers(0, 12), min_size=3, max_size=30),
    st.integers(1, 5),
    st.integers(0, 2**20),
)
def test_counts_are_repeated_rows(levels, k, seed):
    rng = np.random.default_rng(seed)
    score = np.array(levels) / 12
    counts = rng.integers(1, 4, size=len(score) - 1)
    target = side(score, np.arange(1))
    sources = side(score, np.arange(1, len(score)))
    times = counts[sources.rows - 1]
    once = nearest(target, sources, k, counts=times)
    longer = np.concatenate([score[:1], np.repeat(score[1:], counts)])
    twins = side(longer, np.arange(1, len(longer)))
    often = nearest(target, twins, k)
    assert once.all.forward(times[:, None].astype(float)) == often.all.sizes()
    assert once.wanted == often.wanted
    picked = first_picks(once, sources, k, times).index[0]
    owner = np.repeat(np.arange(1, len(score)), counts)
    want = owner[twins.rows[first_picks(often, twins, k).index[0]] - 1]
    kept = picked >= 0
    assert sorted(sources.rows[picked[kept]]) == sorted(want[kept])


@LAW
@given(st.permutations(range(40)), st.sampled_from([1, 3]))
def test_order_of_rows_does_not_matter_when_ties_are_averaged(order, k):
    score = scores("rounded", 40, 3)
    treated = np.arange(40) < 15
    y = np.random.default_rng(4).normal(size=40)
    answers = []
    for p in (np.arange(40), np.array(order)):
        s, t, v = score[p], treated[p], y[p]
        targets, sources = side(s, np.flatnonzero(t)), side(s, np.flatnonzero(~t))
        found = nearest(targets, sources, k)
        means = pair(
            found.all, v[sources.rows][:, None], np.ones(15), np.ones(25)
        ).means
        answers.append(np.sort(v[targets.rows] - means[:, 0]).sum())
    assert answers[0] == pytest.approx(answers[1], abs=1e-12)


def test_weights_of_controls_say_the_same_as_means():
    targets, sources = arms("smooth")
    rng = np.random.default_rng(5)
    y, w = rng.normal(size=(len(sources), 2)), rng.uniform(1, 3, len(sources))
    v = rng.uniform(1, 3, len(targets))
    for operator in (
        NormalKernel(targets, sources, 0.06),
        CompactKernel(targets, sources, "tricube", 0.06),
        within(targets, sources, 0.005),
        nearest(targets, sources, 4).all,
    ):
        found = pair(operator, y, v, w)
        on = found.matched
        np.testing.assert_allclose(found.weight.sum(), v[on].sum(), rtol=1e-12)
        np.testing.assert_allclose(
            found.weight @ y, v[on] @ found.means[on], rtol=1e-9, atol=1e-9
        )


def test_controls_nobody_has_weigh_exactly_nothing():
    low, high = np.array([0, 0, 5]), np.array([2, 3, 6])
    weights = Windows(low, high, 8).adjoint(np.array([[0.1], [0.2], [0.7]]))[:, 0]
    assert (weights == 0).tolist() == [
        False,
        False,
        False,
        True,
        True,
        False,
        True,
        True,
    ]


def test_long_sums_keep_short_windows_exact():
    values = np.concatenate([np.full(1000, 1e12), [0.1, 0.2, 0.3], np.full(9, 1e12)])
    found = Windows(np.array([1000]), np.array([1003]), len(values)).forward(
        values[:, None]
    )
    assert found[0, 0] == pytest.approx(0.6, rel=1e-15)


def test_tie_range_is_that_of_all_choices():
    score = np.array([0.5, 0.4, 0.4, 0.6, 0.45])
    y = np.array([10.0, 1.0, 2.0, 4.0, 3.0])
    targets, sources = side(score, np.array([0])), side(score, np.arange(1, 5))
    found = nearest(targets, sources, 2)
    low, high = tie_range(found, y[sources.rows], y[[0]], np.ones(1))
    assert (low, high) == pytest.approx((10 - 3.5, 10 - 2.0))


def test_bounds_equal_all_pairwise_means():
    d = np.random.default_rng(6).normal(0.4, 1, 60).round(1)
    gammas = np.array([1.0, 1.3, 2.0, 5.0])
    found = rosenbaum_bounds(d, gammas)
    walsh = np.sort(np.add.outer(d, d)[np.triu_indices(60)] / 2)
    for gamma, low, high in zip(
        gammas, found.effect_low, found.effect_high, strict=True
    ):
        for share, got in ((1 / (1 + gamma), low), (gamma / (1 + gamma), high)):
            at = round(share * len(walsh), 6)
            ends = walsh[int(np.ceil(at)) - 1], walsh[int(np.floor(at))]
            assert got == pytest.approx(np.mean(ends), abs=1e-12)
    assert (np.diff(found.p_above_high) > 0).all()
    assert found.p_above_low[0] == found.p_above_high[0]


def test_an_empty_set_of_pairs_has_no_bound():
    assert np.isnan(rosenbaum_bounds(np.zeros(0), np.ones(1)).effect_low).all()

"""Kernels over pairs of places, against plain matrix algebra and scipy."""

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import floyd_warshall

from geopoverty.numerics.pairs import (
    grown,
    keep_nearest,
    shortest_through,
    shortest_ways,
    sift,
    without_gaps,
)

NO_MARKS = np.zeros((0, 0), dtype=np.uint8)


def minutes(n, seed, known=1.0):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 60, size=(n, n)).astype(float)
    matrix[rng.uniform(size=(n, n)) >= known] = np.inf
    np.fill_diagonal(matrix, np.inf)
    return matrix


def columns(*values):
    start, end, minutes = zip(*values, strict=True)
    return np.array(start, np.int32), np.array(end, np.int32), np.array(minutes, float)


def test_sift_keeps_known_pairs_within_reach_and_counts_what_is_wrong():
    seen = np.zeros((8, 1), np.uint8)
    rows = columns(
        (0, 1, 5.0), (1, 0, 50.0), (0, 0, 0.0), (2, 1, np.nan), (-1, 1, 3.0),
        (0, 1, 6.0), (0, 2, -1.0), (1, 2, np.inf), (2, 2, 1.0), (2, 2, 1.0),
    )  # fmt: skip
    kept, repeats, broken = sift(*rows, 10.0, seen)
    assert kept.tolist() == [0, 5, 6]
    assert (repeats, broken) == (2, 2)
    assert sift(*rows, 10.0, NO_MARKS)[1] == 0


def test_marks_grow_and_keep_what_is_set():
    seen = np.zeros((8, 1), np.uint8)
    sift(*columns((3, 7, 5.0)), np.inf, seen)
    wide = grown(seen, 100)
    assert wide.shape == (128, 16)
    assert sift(*columns((3, 7, 5.0), (3, 8, 5.0), (99, 99, 1.0)), np.inf, wide)[1] == 1
    assert grown(wide, 128) is wide


@LAW
@given(st.integers(0, 9999), st.integers(2, 9), st.integers(1, 5), st.integers(1, 4))
def test_keep_nearest_is_a_sort_whatever_the_order_and_batches(seed, n, k, batches):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 5, size=(n, n)).astype(float)  # many ties
    rank = rng.permutation(n).astype(np.int32)
    start, end = (c.astype(np.int32) for c in np.nonzero(~np.eye(n, dtype=bool)))
    order = rng.permutation(len(start))
    best, where = np.full((n, k), np.inf), np.full((n, k), -1, np.int32)
    for part in np.array_split(order, batches):
        i, j = start[part], end[part]
        keep_nearest(i, j, matrix[i, j], best, where, rank)
    for i in range(n):
        others = sorted((matrix[i, j], rank[j], j) for j in range(n) if j != i)[:k]
        assert where[i, : len(others)].tolist() == [j for _, _, j in others]
        assert best[i, : len(others)].tolist() == [m for m, _, _ in others]
        assert (where[i, len(others) :] == -1).all()


@LAW
@given(st.integers(0, 9999), st.integers(2, 9), st.sampled_from([1.0, 0.5]))
def test_shortest_through_one_place_is_the_min_plus_product(seed, n, known):
    matrix = minutes(n, seed, known)
    for i in range(n):
        best, via = shortest_through(matrix[i], matrix)
        expected = (matrix[i][:, None] + matrix).min(axis=0)
        np.testing.assert_array_equal(best, expected)
        reached = np.isfinite(best)
        assert (via[~reached] == -1).all()
        through = (
            matrix[i, via[reached]] + matrix[via[reached], np.flatnonzero(reached)]
        )
        np.testing.assert_array_equal(through, best[reached])


@LAW
@given(st.integers(0, 9999), st.integers(2, 9), st.sampled_from([1.0, 0.4, 0.2]))
def test_shortest_ways_are_those_of_floyd_and_warshall(seed, n, known):
    matrix = minutes(n, seed, known)
    expected = floyd_warshall(np.where(np.isfinite(matrix), matrix, 0))
    np.fill_diagonal(expected, 0)
    for i in range(n):
        np.testing.assert_allclose(
            shortest_ways(i, matrix, np.ones(n, bool)), expected[i], rtol=1e-12
        )


def test_shortest_ways_stop_when_all_wanted_are_reached():
    matrix = np.array([[np.inf, 1, 9], [1, np.inf, 1], [9, 1, np.inf]])
    wanted = np.array([False, True, False])
    assert shortest_ways(0, matrix, wanted)[1] == 1.0


@pytest.mark.parametrize("sparse", [False, True])
def test_without_gaps_has_no_way_to_oneself(sparse):
    from scipy.sparse import csr_array

    given = np.array([[7.0, 5.0], [np.nan, 0.0]])
    if sparse:
        given = csr_array(([7.0, 5.0], ([0, 0], [0, 1])), shape=(2, 2))
    np.testing.assert_array_equal(
        without_gaps(given), [[np.inf, 5.0], [np.inf, np.inf]]
    )

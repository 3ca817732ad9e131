"""Missing travel times, filled by a named rule and marked."""

import re

import numpy as np
import pytest
from builders import LAW, ids, minutes, squares, towns
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import floyd_warshall

from geopoverty.data.travel import Circuity, TravelTimes, model_travel_times
from geopoverty.data.travel_files import read_travel_times
from geopoverty.data.travel_fill import Detour, Modelled, Reverse, fill_missing
from geopoverty.errors import InputError
from geopoverty.weights import travel_weights


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def gappy(n, seed, known=0.5):
    return TravelTimes(ids(n), minutes(n, seed, known), "routed", ("Roads.",))


def dense(given):
    if not given.is_sparse:
        return given.matrix
    row, column, values = given.pairs()
    matrix = np.full((given.n, given.n), np.nan)
    matrix[row, column] = values
    return matrix


def off(n):
    return ~np.eye(n, dtype=bool)


@LAW
@given(st.integers(0, 9999), st.integers(2, 9), st.sampled_from([0.2, 0.6]))
def test_what_was_known_stays_and_what_is_new_is_marked(seed, n, known):
    given_times = gappy(n, seed, known)
    before = given_times.matrix.copy()
    for rule in (Reverse(), Detour(), Modelled(squares(n), 50, 1.3)):
        full = fill_missing(given_times, rule)
        np.testing.assert_array_equal(given_times.matrix, before)
        held = np.isfinite(before) & off(n)
        np.testing.assert_array_equal(dense(full)[held], before[held])
        marks = np.zeros((n, n), bool) if full.filled is None else full.filled.toarray()
        np.testing.assert_array_equal(marks, np.isfinite(dense(full)) & off(n) & ~held)
        assert full.status == "routed"
        assert full.notes[0] == "Roads."
        count = int(marks.sum())
        assert (
            f"{count} of {n * (n - 1)} pairs were missing and were filled: "
            in (full.notes[1])
        )


def test_the_way_back():
    times = TravelTimes(
        ["a", "b", "c"],
        [[0, 30, np.nan], [np.nan, 0, np.nan], [np.nan, 50, 0]],
        "routed",
    )
    full = fill_missing(times, Reverse(factor=1.2))
    np.testing.assert_allclose(
        full.matrix, [[0, 30, np.nan], [36, 0, 60], [np.nan, 50, 0]]
    )
    assert full.notes[-1] == (
        "2 of 6 pairs were missing and were filled: 1.2 times the way back. 2 are "
        "missing still."
    )
    assert "2 filled" in repr(full)


@LAW
@given(st.integers(0, 9999), st.integers(2, 9), st.sampled_from([0.2, 0.6]))
def test_detours_are_shortest_paths(seed, n, known):
    times = gappy(n, seed, known)
    gaps = np.isnan(times.matrix)
    graph = np.where(gaps, 0, times.matrix)
    expected = floyd_warshall(graph)
    full = dense(fill_missing(times, Detour()))
    missing = gaps & off(n)
    expected[np.isinf(expected)] = np.nan
    np.testing.assert_allclose(full[missing], expected[missing], rtol=1e-12)


def test_a_model_fills_what_it_would_say_of_all():
    places = squares(6)
    model = model_travel_times(places, speed_kmh=60, circuity=1.4).matrix
    times = TravelTimes(places.index, minutes(6, 2, known=0.5), "routed")
    rule = Modelled(places.iloc[::-1], 60, Circuity(1.4, 1.2, 1.9, 100))
    full = fill_missing(times, rule)
    marks = full.filled.toarray()
    np.testing.assert_allclose(full.matrix[marks], model[marks], rtol=1e-12)
    assert "modelled as great circle x 1.4 at 60 km/h" in full.notes[-1]


def test_rules_follow_each_other_and_look_at_measured_pairs_only():
    times = TravelTimes(
        ["a", "b", "c"],
        [[0, 30, np.nan], [np.nan, 0, np.nan], [40, np.nan, 0]],
        "routed",
    )
    first = fill_missing(times, Reverse())
    np.testing.assert_allclose(first.matrix[1, 0], 30)
    assert first.filled.nnz == 2
    second = fill_missing(first, Detour())
    # c to b is known by way of a; b to c would need ways back that were filled.
    assert second.matrix[2, 1] == 70
    assert np.isnan(second.matrix[1, 2])
    assert second.filled.nnz == 3
    assert len(second.notes) == 2


def test_sparse_times_stay_sparse_while_few_are_known():
    rows = [(f"{i:03d}", f"{i + 1:03d}", 5.0 + i) for i in range(40)]
    frame = TravelTimes(["a", "b"], [[0, 3.0], [3.0, 0]], "routed").to_frame()
    frame = frame.iloc[:0].reindex(range(40))
    frame[["from_id", "to_id", "travel_time"]] = rows
    times = read_travel_times(frame)
    back = fill_missing(times, Reverse())
    assert back.is_sparse
    assert back.matrix.nnz == 80
    full = fill_missing(times, Detour())
    assert not full.is_sparse
    assert full.matrix[0, 2] == 11.0


def test_marks_follow_subsets_tables_and_weights():
    times = gappy(8, seed=5)
    full = fill_missing(times, Modelled(squares(8), 50, 1.3))
    part = full.subset(ids(8)[::-1][:4])
    frame = part.to_frame()
    assert frame["filled"].sum() == part.filled.nnz
    assert read_travel_times(frame).filled.nnz == part.filled.nnz
    assert any("were filled: modelled" in n for n in travel_weights(full).notes)
    assert "filled" not in times.to_frame()


def test_nothing_is_missing():
    times = TravelTimes(["a", "b"], [[0, 30], [35, 0]], "routed")
    full = fill_missing(times, Reverse())
    assert full.filled is None
    assert "0 of 2 pairs were missing and were filled" in full.notes[0]


def test_bad_input_is_refused():
    times = gappy(5, seed=1)
    for rule in ("reverse", None, Reverse):
        with refused(
            "fill_missing needs a rule: Reverse(), Detour() or Modelled(place"
        ):
            fill_missing(times, rule)
    for factor in (0, -1, np.inf, np.nan):
        with refused("factor must be above 0"):
            Reverse(factor)
    with refused("speed_kmh must be above 0"):
        Modelled(squares(5), 0, 1.3)
    with refused("circuity must be at least 1"):
        Modelled(squares(5), 50, 0.9)
    with refused("needs a place to model from; 2 of 5 units break this"):
        fill_missing(times, Modelled(squares(3), 50, 1.3))
    same = towns((0, 0), (0, 0), (1, 1), names=["x", "y", "z"])
    matrix = np.full((3, 3), np.nan)
    matrix[0, 2] = 30.0
    with refused("The rule gives 0 minutes to 2 pairs (x to y, y to x): their places"):
        fill_missing(
            TravelTimes(["x", "y", "z"], matrix, "routed"), Modelled(same, 50, 1)
        )
    cut = read_travel_times(times.to_frame(), cutoff=60)
    with refused("Filling needs all pairs. Only pairs within 60 minutes are held."):
        fill_missing(cut, Reverse())
    with refused("The marks of filled pairs must be 5 x 5; these are (2, 2)"):
        TravelTimes(times.units, times.matrix, "routed", filled=np.eye(2, dtype=bool))

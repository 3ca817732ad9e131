"""Two sets of travel times side by side."""

import re

import numpy as np
import pytest
from builders import LAW, ids, minutes, times
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.data.travel import TravelTimes
from geopoverty.data.travel_compare import compare_travel_times
from geopoverty.data.travel_files import read_travel_times
from geopoverty.data.travel_fill import Reverse, fill_missing
from geopoverty.errors import InputError


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def small(matrix, status="routed", units="abc"):
    return TravelTimes(list(units), np.array(matrix, dtype=float), status)


B = [[0, 10, 100], [20, 0, 40], [200, np.nan, 0]]
A = [[0, 12, 100], [20, 0, np.nan], [100, 70, 0]]


def test_by_hand():
    fit = compare_travel_times(small(A, "modelled"), small(B), bands=(15, 150))
    # Known in both: 12/10, 100/100, 20/20, 100/200.
    assert fit.estimates["mean_difference"] == pytest.approx((2 - 100) / 4)
    assert fit.estimates["median_difference"] == 0
    assert fit.estimates["median_ratio"] == 1.0
    assert fit.estimates["mean_log_ratio"] == pytest.approx(np.log(1.2 * 0.5) / 4)
    assert fit.estimates["correlation"] == pytest.approx(
        np.corrcoef([12, 100, 20, 100], [10, 100, 20, 200])[0, 1]
    )
    facts = fit.facts
    assert (facts["n_obs"], facts["n_dropped"]) == (4, 2)
    assert (facts["pairs_only_in_a"], facts["pairs_only_in_b"]) == (1, 1)
    assert (facts["status_a"], facts["status_b"]) == ("modelled", "routed")
    assert facts["share_within_10_percent"] == 0.5
    bands = fit.tables["bands"].set_index("band")
    assert bands["n_pairs"].to_dict() == {"0 to 15": 1, "15 to 150": 2, "over 150": 1}
    assert bands["median_ratio"].tolist() == [1.2, 1.0, 0.5]
    worst = fit.tables["worst"]
    assert worst[["from_id", "to_id"]].to_numpy().tolist() == [["c", "a"], ["a", "b"]]
    assert worst["difference"].tolist() == [-100, 2]
    assert fit.tables["only_a"].to_numpy().tolist() == [["c", "b", 70]]
    assert fit.tables["only_b"].to_numpy().tolist() == [["b", "c", 40]]
    assert fit.units["n_pairs"].tolist() == [2, 1, 1]
    assert fit.units["median_ratio"].tolist() == pytest.approx([1.1, 1.0, 0.5])
    assert np.isnan(fit.vcov.to_numpy()).all()
    assert "mean_difference" in fit.summary()


def test_a_band_ends_with_its_last_minute():
    b = small([[0, 15, 30], [15, 0, 31], [30, 14, 0]])
    bands = compare_travel_times(b, b, bands=(15, 30)).tables["bands"]
    assert bands["n_pairs"].tolist() == [3, 2, 1]


@LAW
@given(st.integers(0, 9999), st.integers(2, 8), st.sampled_from([1.0, 0.7]))
def test_the_other_way_round_is_the_reciprocal(seed, n, known):
    a, b = times(n, seed, known), times(n, seed + 1, 1.0)
    one, two = compare_travel_times(a, b), compare_travel_times(b, a)
    for name, sign in [("mean_difference", -1), ("median_difference", -1)]:
        assert one.estimates[name] == pytest.approx(sign * two.estimates[name])
    assert one.estimates["mean_log_ratio"] == pytest.approx(
        -two.estimates["mean_log_ratio"]
    )
    if one.facts["n_obs"] > 2:
        assert one.estimates["correlation"] == pytest.approx(
            two.estimates["correlation"]
        )
    assert one.facts["pairs_only_in_a"] == two.facts["pairs_only_in_b"]
    assert one.tables["bands"]["n_pairs"].sum() == one.facts["n_obs"]


@LAW
@given(st.integers(0, 9999), st.integers(3, 8))
def test_units_are_matched_by_id_and_the_scale_shows(seed, n):
    b = times(n, seed)
    order = np.random.default_rng(seed).permutation(n)
    a = TravelTimes(b.units, b.matrix * 1.25, "modelled").subset(b.units[order])
    fit = compare_travel_times(a, b)
    assert fit.estimates["median_ratio"] == pytest.approx(1.25)
    assert fit.estimates["correlation"] == pytest.approx(1)
    assert fit.facts["n_obs"] == n * (n - 1)


def test_sparse_and_dense_are_compared_alike():
    few = read_travel_times(
        times(30, seed=1, known=0.1).to_frame(), units=list(ids(30))
    )
    assert few.is_sparse
    full = times(30, seed=2)
    matrix = np.full((30, 30), np.nan)
    row, column, values = few.pairs()
    matrix[row, column] = values
    dense = compare_travel_times(TravelTimes(few.units, matrix, "simulated"), full)
    sparse = compare_travel_times(few, full)
    assert sparse.estimates.equals(dense.estimates)
    assert sparse.tables["worst"].equals(dense.tables["worst"])


def test_the_same_has_no_worst_pair_and_no_correlation_without_spread():
    b = small([[0, 30], [30, 0]], units="ab")
    fit = compare_travel_times(b, b)
    assert fit.tables["worst"].empty
    assert np.isnan(fit.estimates["correlation"])


def test_units_in_one_only_and_filled_pairs_are_noted():
    holes = minutes(5, seed=1)
    holes[1, 2] = np.nan
    a = fill_missing(TravelTimes(ids(5), holes, "routed"), Reverse())
    b = times(7, seed=2).subset(ids(7)[2:])
    fit = compare_travel_times(a, b)
    assert fit.facts["units_only_in_a"] == 2
    assert any("2 units are only in a" in note for note in fit.notes)
    assert any("1 pairs of a were filled by a rule" in note for note in fit.notes)
    full = compare_travel_times(a, times(5, seed=2))
    assert full.facts["n_obs"] == 19
    both = TravelTimes(ids(5), minutes(5), "modelled")
    assert any("Both are modelled" in n for n in compare_travel_times(both, both).notes)


def test_status_reaches_the_provenance():
    fit = compare_travel_times(small(A, "modelled"), small(B))
    assert [s["status"] for s in fit.provenance["data"]] == ["modelled", "routed"]


def test_bad_input_is_refused():
    with refused(
        "must have a pair of units in common; they have none (a, b, c against"
    ):
        compare_travel_times(small(A), small(B, units="xyz"))
    for bands in ((), (0, 10), (20, 10), (10, 10)):
        with refused("bands must be rising minutes above 0"):
            compare_travel_times(small(A), small(B), bands=bands)
    for worst in (0, 1.5, True):
        with refused("worst must be a whole number from 1"):
            compare_travel_times(small(A), small(B), worst=worst)
    cut = read_travel_times(small(B).to_frame(), cutoff=60)
    for pair in ((cut, small(B)), (small(B), cut)):
        with refused("A comparison needs all pairs. Only pairs within 60 minutes are"):
            compare_travel_times(*pair)

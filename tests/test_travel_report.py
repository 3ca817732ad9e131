"""Asymmetry, gaps and shorter ways round."""

import re

import numpy as np
import pytest
from builders import LAW, ids, times
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.data.catalog import coquimbo_travel_times
from geopoverty.data.travel import TravelTimes
from geopoverty.data.travel_files import read_travel_times
from geopoverty.data.travel_report import travel_report
from geopoverty.errors import InputError


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def test_by_hand():
    matrix = [
        [0, 10, 90, np.nan],
        [12, 0, 20, np.nan],
        [30, 20, 0, np.nan],
        [8, np.nan, np.nan, 0],
    ]
    report = travel_report(TravelTimes(list("abcd"), matrix, "routed", ("Hm.",)))
    facts = report.facts
    assert (facts["n_obs"], facts["n_units"], facts["n_two_way"]) == (7, 4, 3)
    assert facts["share_known"] == pytest.approx(7 / 12)
    assert (facts["units_without_way_out"], facts["units_without_way_in"]) == (0, 1)
    assert facts["n_one_way"] == 1
    assert facts["share_asymmetric"] == pytest.approx(2 / 3)
    assert facts["median_asymmetry"] == pytest.approx(1.2)
    assert facts["max_asymmetry"] == pytest.approx(3)
    assert facts["share_with_shorter_detour"] == pytest.approx(1 / 7)
    assert facts["max_excess"] == facts["median_excess"] == pytest.approx(3)
    assert facts["n_origins"] == 4
    two = report.tables["asymmetry"]
    assert two[["from_id", "to_id"]].to_numpy().tolist() == [["a", "c"], ["b", "a"]]
    assert two["minutes_back"].tolist() == [30, 10]
    units = report.units.set_index("unit_id")
    assert units["n_reached"].to_dict() == {"a": 2, "b": 2, "c": 2, "d": 1}
    assert units["n_reached_from"]["d"] == 0
    assert units["nearest_minutes"]["d"] == 8
    assert units["worst_excess"]["a"] == pytest.approx(3)
    assert np.isnan(units["worst_excess"]["b"])
    assert report.notes == ("Hm.",)


@LAW
@given(st.integers(0, 9999), st.integers(2, 9), st.sampled_from([1.0, 0.5]))
def test_against_brute_force(seed, n, known):
    held = times(n, seed, known)
    full = np.where(np.isnan(held.matrix), np.inf, held.matrix)
    np.fill_diagonal(full, np.inf)
    best = (full[:, :, None] + full[None]).min(axis=1)
    direct = np.isfinite(full)
    with np.errstate(invalid="ignore"):
        beaten = direct & (full > 1.01 * best)
    report = travel_report(held, worst=n * n)
    assert report.facts["share_with_shorter_detour"] == pytest.approx(
        beaten[direct].mean()
    )
    table = report.tables["detours"]
    assert len(table) == beaten.sum()
    at = {u: i for i, u in enumerate(ids(n))}
    for row in table.itertuples():
        i, j, k = at[row.from_id], at[row.to_id], at[row.via_id]
        assert row.minutes == full[i, j]
        assert row.minutes_via == full[i, k] + full[k, j] == best[i, j]
    assert table["ratio"].is_monotonic_decreasing


def test_a_sample_of_origins_is_named_and_repeats():
    held = times(40, seed=1)
    one, two = (travel_report(held, origins=10, seed=7) for _ in range(2))
    assert one.facts == two.facts
    assert one.facts["n_origins"] == 10
    assert "looked for from 10 of 40 units, drawn with seed 7" in one.notes[0]
    assert one.units["worst_excess"].notna().sum() <= 10
    assert one.facts["max_excess"] <= travel_report(held).facts["max_excess"]
    assert travel_report(held, seed=8, origins=10).facts != one.facts


def test_many_units_are_sampled_without_being_asked(monkeypatch):
    monkeypatch.setattr("geopoverty.data.travel_report.STEPS", 20 * 30**2)
    assert travel_report(times(30, seed=1)).facts["n_origins"] == 20


def test_real_roads_obey_the_triangle_inequality():
    report = travel_report(coquimbo_travel_times())
    assert report.facts["share_with_shorter_detour"] == 0
    assert report.tables["detours"].empty
    assert np.isnan(report.facts["max_excess"])
    assert 0.05 < report.facts["share_asymmetric"] < 0.2


def test_suspicions_are_noted():
    matrix = np.full((14, 14), 30.0)
    matrix[0] = 1800.0
    report = travel_report(TravelTimes(ids(14), matrix, "routed"))
    assert "looks like minutes and seconds in one table" in report.notes[0]


def test_a_way_round_must_be_shorter_by_over_a_hundredth():
    for direct, beaten in [(100.9, 0.0), (101.1, 1 / 6)]:
        matrix = [[0, 50, direct], [50, 0, 50], [99, 50, 0]]
        report = travel_report(TravelTimes(list("abc"), matrix, "routed"))
        assert report.facts["share_with_shorter_detour"] == pytest.approx(beaten)
        assert len(report.tables["detours"]) == (beaten > 0)


def test_no_pair_both_ways():
    report = travel_report(TravelTimes(["a", "b"], [[0, 30], [np.nan, 0]], "routed"))
    assert report.facts["n_two_way"] == 0
    assert np.isnan(report.facts["max_asymmetry"])
    assert report.tables["asymmetry"].empty


def test_bad_input_is_refused():
    held = times(6, seed=1)
    for origins in (0, 7, True):
        with refused("origins must be from 1 to 6 units"):
            travel_report(held, origins=origins)
    with refused("worst must be a whole number from 1; got 0"):
        travel_report(held, worst=0)
    with refused("A report needs all pairs. Only pairs within 60 minutes are held."):
        travel_report(read_travel_times(held.to_frame(), cutoff=60))

"""Travel times cut while reading: the same as reading all and cutting then."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from builders import LAW, ids, minutes, tied_times, times
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.data.travel import TravelTimes, Within
from geopoverty.data.travel_files import read_travel_times
from geopoverty.data.travel_write import write_travel_times
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.weights import travel_weights

HEAD = "from_id,to_id,travel_time\n"


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def weighed(given, **asked):
    """Return weights; with a short reach some units are islands, which is fine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        return travel_weights(given, **asked)


# The last digit of a row's sum depends on whether the matrix is held sparse.
CLOSE = 1e-14


def same_weights(found, expected):
    assert list(found.units) == list(expected.units)
    np.testing.assert_allclose(dense(found), dense(expected), rtol=CLOSE)


def dense(weights):
    matrix = weights.matrix
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    whole = times(30, seed=4, known=0.7)
    paths = {}
    for name, shape in [
        ("long.csv", "long"),
        ("long.parquet", "long"),
        ("wide.csv", "wide"),
        ("wide.parquet", "wide"),
        ("matrix.omx", "long"),
    ]:
        write_travel_times(whole, folder / name, shape=shape)
        paths[name] = folder / name
    return whole, paths


KINDS = ("long.csv", "long.parquet", "wide.csv", "wide.parquet", "matrix.omx", "table")
REACH = [{"cutoff": 240.0}, {"nearest": 4}, {"cutoff": 200.0, "nearest": 4}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reach", REACH, ids=str)
def test_weights_from_a_cut_file_are_those_from_the_whole(files, kind, reach):
    whole, paths = files
    source = whole.to_frame() if kind == "table" else paths[kind]
    cut = read_travel_times(source, **reach)
    asked = {"cutoff": reach.get("cutoff"), "k": reach.get("nearest")}
    expected = weighed(whole.subset(cut.units), **asked)
    found = weighed(cut, **asked)
    same_weights(found, expected)
    assert cut.status == whole.status
    assert found.kind == expected.kind
    assert str(cut.within) in cut.notes[-1]
    assert found.notes[-1] == cut.notes[-1]


@LAW
@given(tied_times(), st.integers(1, 8), st.integers(1, 9), st.data())
def test_ties_are_settled_as_after_reading_all(whole, k, cutoff, data):
    k = min(k, whole.n - 1)
    frame = whole.to_frame()
    held = sorted({*frame["from_id"], *frame["to_id"]})
    k = min(k, len(held) - 1)
    mixed = frame.sample(frac=1, random_state=data.draw(st.integers(0, 999)))
    cut = read_travel_times(mixed, nearest=k, cutoff=float(cutoff) + 9)
    expected = weighed(whole.subset(held), k=k, cutoff=float(cutoff) + 9)
    same_weights(weighed(cut, k=k, cutoff=float(cutoff) + 9), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reach", REACH, ids=str)
def test_chosen_units_have_their_nearest_among_themselves(files, kind, reach):
    whole, paths = files
    chosen = list(whole.units[[20, 3, 7, 11, 29, 0, 15]])
    source = whole.to_frame() if kind == "table" else paths[kind]
    cut = read_travel_times(source, units=chosen, **reach)
    asked = {"cutoff": reach.get("cutoff"), "k": reach.get("nearest")}
    expected = weighed(whole.subset(chosen), **asked)
    assert list(cut.units) == chosen
    same_weights(weighed(cut, **asked), expected)
    assert any("Only 7 of 30 units are held" in note for note in cut.notes)
    with refused("among the travel times; 1 of 2 units break this (zz)"):
        read_travel_times(source, units=[chosen[0], "zz"], **reach)


def test_files_of_several_batches_are_cut_alike(tmp_path, monkeypatch):
    from geopoverty.data.travel import batches

    monkeypatch.setattr(batches, "ROWS", 17)
    monkeypatch.setattr(batches, "BYTES", 64)
    whole = times(12, seed=2)
    mixed = whole.to_frame().sample(frac=1, random_state=1)
    mixed.to_csv(tmp_path / "t.csv", index=False)
    mixed.to_parquet(tmp_path / "t.parquet", index=False, row_group_size=40)
    expected = weighed(whole, cutoff=60)
    for name in ("t.csv", "t.parquet"):
        cut = read_travel_times(tmp_path / name, cutoff=60)
        same_weights(weighed(cut, cutoff=60), expected)
        near = read_travel_times(tmp_path / name, nearest=3)
        same_weights(weighed(near, k=3), weighed(whole, k=3))
        np.testing.assert_array_equal(
            read_travel_times(tmp_path / name).to_frame()["travel_time"],
            whole.to_frame()["travel_time"],
        )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ties_of_a_stream_are_settled_by_id_and_not_by_who_came_first(
    tmp_path, monkeypatch, suffix, seed
):
    from geopoverty.data.travel import batches

    monkeypatch.setattr(batches, "ROWS", 11)
    monkeypatch.setattr(batches, "BYTES", 80)
    rng = np.random.default_rng(seed)
    matrix = rng.integers(5, 8, size=(9, 9)).astype(float)
    whole = TravelTimes(sorted(ids(9)), matrix, "simulated")
    frame = whole.to_frame().sample(frac=1, random_state=seed)
    path = tmp_path / f"t.{suffix}"
    write = frame.to_csv if suffix == "csv" else frame.to_parquet
    write(path, index=False)
    for k in (1, 3, 5):
        near = read_travel_times(path, nearest=k)
        same_weights(weighed(near, k=k), weighed(whole, k=k))


# --- what is wrong with a pair that is left out is still wrong -------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("reach", [{"cutoff": 50.0}, {"nearest": 1}], ids=str)
@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            ("a", "b", 500.0),
            "Each pair must stand once; 1 of 4 rows repeat one (a to b",
        ),
        (
            ("c", "a", np.inf),
            "above 0 between different units; 1 pairs break this (c t",
        ),
        (("c", "a", -5.0), "above 0 between different units; 1 pairs break this (c t"),
        ((None, "a", 70.0), "The column 'from_id': every row needs a unit id; 1 of "),
    ],
)
def test_what_is_left_out_is_checked(tmp_path, suffix, reach, row, text):
    rows = [("a", "b", 30.0), ("b", "a", 35.0), ("b", "c", 400.0), row]
    frame = pd.DataFrame(rows, columns=["from_id", "to_id", "travel_time"])
    path = tmp_path / f"t.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    for source in (path, frame):
        with refused(text):
            read_travel_times(source, **reach)


@pytest.mark.parametrize("bad", [-3.0, 0.0, np.inf])
@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_a_wide_table_is_checked_beyond_the_cutoff(tmp_path, bad, name):
    matrix = minutes(5, seed=1)
    matrix[3, 1] = bad
    frame = pd.DataFrame(matrix, columns=list(ids(5)))
    frame.insert(0, "unit", list(ids(5)))
    path = tmp_path / name
    frame.to_csv(path, index=False) if name == "t.csv" else frame.to_parquet(path)
    with refused(f"1 pairs break this ({ids(5)[3]} to {ids(5)[1]})"):
        read_travel_times(path, cutoff=12)


def test_a_cutoff_that_keeps_nothing_says_what_there_is():
    whole = times(6, seed=1)
    with refused("No pair is within cutoff=1 minutes; half of all pairs are within"):
        read_travel_times(whole.to_frame(), cutoff=1)


def test_seconds_are_noticed_though_most_pairs_are_left_out():
    rng = np.random.default_rng(0)
    matrix = rng.uniform(30_000, 90_000, size=(20, 20))
    matrix[:, 0] = matrix[0, :] = 100.0
    whole = pd.DataFrame(
        [
            (f"{i:02d}", f"{j:02d}", matrix[i, j])
            for i in range(20)
            for j in range(20)
            if i != j
        ],
        columns=["from_id", "to_id", "travel_time"],
    )
    with pytest.warns(GeoPovertyWarning, match="which looks like seconds"):
        read_travel_times(whole, cutoff=240)


# --- what a cut allows -----------------------------------------------------------


def test_weights_that_need_more_than_was_read_are_refused(files):
    _, paths = files
    cut = read_travel_times(paths["long.parquet"], cutoff=100)
    for asked in ({}, {"cutoff": 101}, {"k": 2}):
        with refused(
            "These weights need pairs that are not held. Only pairs within 100 "
            "minutes are held. Ask for no more (cutoff=100 or less)"
        ):
            weighed(cut, **asked)
    weighed(cut, cutoff=99, k=2)
    near = read_travel_times(paths["long.parquet"], nearest=3)
    for asked in ({"cutoff": 50}, {"k": 4}):
        with refused("Only pairs to each unit's 3 nearest are held. Ask for no more"):
            weighed(near, **asked)
    weighed(near, k=2, cutoff=500)


def test_a_subset_of_the_nearest_is_refused_and_of_a_cutoff_is_not(files):
    whole, paths = files
    near = read_travel_times(paths["long.csv"], nearest=3)
    with refused("are held, so that units of a subset would lack some of theirs. Name"):
        near.subset(near.units[:5])
    assert list(near.subset(near.units[::-1]).units) == list(near.units[::-1])
    cut = read_travel_times(paths["long.csv"], cutoff=100).subset(whole.units[:9])
    assert cut.within == Within(cutoff=100)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.omx"])
def test_a_cut_is_remembered_by_files_and_only_gets_narrower(files, tmp_path, name):
    _, paths = files
    cut = read_travel_times(paths["long.csv"], cutoff=100, nearest=5)
    write_travel_times(cut, tmp_path / name)
    assert read_travel_times(tmp_path / name).within == Within(100, 5)
    again = read_travel_times(tmp_path / name, cutoff=300, nearest=2)
    assert again.within == Within(100, 2)
    with refused("in this file, so that some of fewer units would lack some"):
        read_travel_times(tmp_path / name, units=list(cut.units[:4]))


def test_within_is_checked():
    for bad in (0, -1, np.inf, np.nan):
        with refused("cutoff must be minutes above 0"):
            Within(cutoff=bad)
    for bad in (0, 2.5, True):
        with refused("nearest must be a whole number from 1"):
            Within(nearest=bad)
    assert not Within()
    assert Within().holds(cutoff=None, nearest=None)
    with refused("cutoff must be minutes above 0; got -1"):
        read_travel_times(times(4).to_frame(), cutoff=-1)


def test_marks_of_filled_pairs_survive_a_cut():
    frame = times(8, seed=3).to_frame()
    frame["filled"] = np.arange(len(frame)) % 3 == 0
    for reach in ({"cutoff": 40.0}, {"nearest": 2}):
        cut = read_travel_times(frame, **reach)
        kept = cut.to_frame().merge(frame, on=["from_id", "to_id"])
        assert (kept["filled_x"] == kept["filled_y"]).all()
        assert kept["filled_x"].any()
        assert not kept["filled_x"].all()
    assert isinstance(cut, TravelTimes)


@pytest.mark.parametrize("known", [1.0, 0.1])
@pytest.mark.parametrize("suffix", ["csv", "parquet", None])
@pytest.mark.parametrize("reach", [{}, {"cutoff": 999.0}], ids=str)
def test_repeats_are_found_without_marks_of_all_pairs(
    tmp_path, monkeypatch, suffix, known, reach
):
    monkeypatch.setattr("geopoverty.data.travel.gather.MARKED", 4)
    monkeypatch.setattr("geopoverty.data.travel.tables.MARKED", 4)
    frame = times(20, seed=1, known=known).to_frame()
    frame = pd.concat([frame, frame.iloc[[3]]], ignore_index=True)
    source = frame
    if suffix is not None:
        source = tmp_path / f"t.{suffix}"
        write = frame.to_csv if suffix == "csv" else frame.to_parquet
        write(source, index=False)
    with refused(f"Each pair must stand once; 1 of {len(frame)} rows repeat one ("):
        read_travel_times(source, **reach)
    source = frame.iloc[:-1]
    assert len(read_travel_times(source, **reach).minutes()) == len(frame) - 1

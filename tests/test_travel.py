"""Travel times: what they may hold, what of them may be used, and models of them."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from builders import LAW, ids, minutes, squares, tied_times, times, towns
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from scipy import sparse

from geopoverty.data.catalog import us_road_distances
from geopoverty.data.travel import (
    Circuity,
    TravelTimes,
    estimate_circuity,
    model_travel_times,
)
from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import GeoPovertyWarning, InputError

# A sphere for the ellipsoid (see test_distances).
ELLIPSOID = 0.006


def held(dense):
    """Return the same times as a CSR array: NaN becomes absent."""
    row, column = np.nonzero(~np.isnan(dense))
    return sparse.csr_array((dense[row, column], (row, column)), shape=dense.shape)


HOLD = pytest.mark.parametrize("hold", [np.array, held], ids=["dense", "sparse"])


def two(value, back=30.0, hold=np.array):
    return TravelTimes(
        ["a", "b"], hold(np.array([[0.0, value], [back, 0.0]])), "routed"
    )


# --- what is refused -----------------------------------------------------------


@HOLD
@pytest.mark.parametrize("bad", [0.0, -5.0, np.inf, -np.inf])
def test_times_off_the_diagonal_are_finite_and_above_0(hold, bad):
    with pytest.raises(
        InputError,
        match=r"finite minutes above 0 between different units; 1 pairs break this "
        r"\(a to b\)\. Leave unreachable pairs out or NaN\.",
    ):
        two(bad, hold=hold)


@HOLD
@pytest.mark.parametrize("own", [0.0, -1.0, 3.0, np.inf])
def test_the_diagonal_does_not_matter(hold, own):
    matrix = np.array([[own, 20.0], [30.0, own]])
    given = TravelTimes(["a", "b"], hold(matrix), "measured")
    assert sorted(given.minutes()) == [20.0, 30.0]
    assert given.to_frame()["travel_time"].tolist() == [20.0, 30.0]


def test_broken_pairs_are_counted_and_the_first_listed():
    matrix = minutes(5)
    matrix[1, [0, 2, 3]] = [0, -1, np.inf]
    matrix[4, :4] = -2
    listed = "010 to 003, 010 to 017, 010 to 024, 031 to 003, 031 to 010, ..."
    with pytest.raises(InputError, match=re.escape(f"7 pairs break this ({listed})")):
        TravelTimes(ids(5), matrix, "routed")


@pytest.mark.parametrize(
    "matrix", [np.eye(2), np.full((2, 2), np.nan), sparse.eye_array(2)]
)
def test_one_pair_at_least_is_needed(matrix):
    matrix = matrix.copy()
    if isinstance(matrix, np.ndarray):
        np.fill_diagonal(matrix, 0)
        matrix[matrix == 0] = np.nan
    with pytest.raises(
        InputError, match="at least one pair of different units; there is"
    ):
        TravelTimes(["a", "b"], matrix, "routed")


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_of_units_is_no_pair(n):
    with pytest.raises(InputError, match="need at least one pair"):
        TravelTimes(ids(n), np.zeros((n, n)), "routed")


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (4,), (2, 2, 2)])
def test_the_matrix_has_the_shape_of_the_units(shape):
    with pytest.raises(
        InputError, match="between 2 units need a 2 x 2 matrix; this one"
    ):
        TravelTimes(["a", "b"], np.ones(shape), "routed")


def test_units_and_status_are_checked():
    with pytest.raises(InputError, match="leading zeros are lost"):
        TravelTimes([1, 2], minutes(2), "routed")
    with pytest.raises(InputError, match=r"stand more than once \(a\)"):
        TravelTimes(["a", "a"], minutes(2), "routed")
    with pytest.raises(
        InputError, match=r"status must be one of .* Did you mean 'routed'"
    ):
        TravelTimes(["a", "b"], minutes(2), "route")


# --- implausible units of time -------------------------------------------------


@HOLD
def test_hours_by_mistake_are_warned_of_once_where_they_came_in(hold):
    hours = minutes(6) / 60
    with pytest.warns(
        GeoPovertyWarning,
        match=r"must be in minutes; half of all pairs are within [\d.]+ and half of "
        r"the units have a neighbour within 0\.\d+, which looks like hours\. Conver",
    ) as seen:
        TravelTimes(ids(6), hold(hours), "measured")
    assert [w.filename for w in seen] == [__file__]


def test_seconds_by_mistake_are_warned_of():
    with pytest.warns(GeoPovertyWarning, match="looks like seconds"):
        TravelTimes(ids(6), minutes(6) + 12_000, "measured")


def test_a_file_is_warned_of_once():
    table = times(6).to_frame().assign(travel_time=lambda t: t["travel_time"] / 60)
    with pytest.warns(GeoPovertyWarning, match="looks like hours") as seen:
        read_travel_times(table)
    assert [w.filename for w in seen] == [__file__]


def test_plausible_times_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TravelTimes(ids(2), [[0, 1.0], [1.0, 0]], "measured")
        TravelTimes(ids(2), [[0, 10_000.0], [10_000.0, 0]], "measured")
    with pytest.warns(GeoPovertyWarning, match="seconds"):
        TravelTimes(ids(2), [[0, 10_000.5], [10_000.5, 0]], "measured")
    with pytest.warns(GeoPovertyWarning, match="hours"):
        TravelTimes(ids(2), [[0, 0.99], [0.99, 0]], "measured")


# --- what is held --------------------------------------------------------------


@HOLD
def test_minutes_are_the_known_ones_off_the_diagonal(hold):
    matrix = minutes(7, seed=3, known=0.5)
    given = TravelTimes(ids(7), hold(matrix), "simulated")
    off = ~np.eye(7, dtype=bool) & np.isfinite(matrix)
    assert given.n == 7
    assert sorted(given.minutes()) == sorted(matrix[off])
    frame = given.to_frame()
    assert list(frame.columns) == ["from_id", "to_id", "travel_time"]
    assert len(frame) == off.sum()
    at = ids(7).get_indexer(frame["from_id"]), ids(7).get_indexer(frame["to_id"])
    np.testing.assert_array_equal(matrix[at], frame["travel_time"])


def test_a_view_that_is_not_contiguous_gives_the_same():
    matrix = minutes(5)
    given = TravelTimes(ids(5), matrix.T, "simulated")
    copied = TravelTimes(ids(5), matrix.T.copy(), "simulated")
    np.testing.assert_array_equal(np.sort(given.minutes()), np.sort(copied.minutes()))


@HOLD
def test_repr_says_what_there_is(hold):
    matrix = np.array([[0, 10.0, np.nan], [20.0, 0, np.nan], [40.0, np.nan, 0]])
    given = TravelTimes(list("abc"), hold(matrix), "routed")
    said = "TravelTimes: 3 units, 3 pairs (50 %), median 20.0 minutes, routed"
    assert repr(given) == said


def test_repr_of_all_pairs():
    said = "TravelTimes: 5 units, 20 pairs (100 %), median 9.5 minutes, routed"
    assert repr(TravelTimes(ids(5), np.full((5, 5), 9.5), "routed")) == said


@HOLD
def test_a_subset_keeps_order_values_and_says_so(hold):
    matrix = minutes(8, known=0.8)
    given = TravelTimes(ids(8), hold(matrix), "routed", ("One.",), {"title": "T"})
    chosen = [5, 0, 7]
    part = given.subset(ids(8)[chosen])
    assert list(part.units) == list(ids(8)[chosen])
    expected = matrix[np.ix_(chosen, chosen)]
    found = part.matrix.toarray() if part.is_sparse else part.matrix
    np.testing.assert_array_equal(np.nan_to_num(found), np.nan_to_num(expected))
    assert part.notes == (
        "One.",
        "Only 3 of 8 units are held; neighbours outside them do not count.",
    )
    assert (part.status, part.attrs) == ("routed", {"title": "T"})
    assert given.subset(ids(8)[::-1]).notes == ("One.",)  # nobody was left out


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            ["003", "x", "y"],
            r"among the travel times; 2 of 3 units break this \(x, y\)",
        ),
        (["003", "003"], r"The wanted units: unit ids must be unique; 1 of 1 ids"),
        ([3, 10], "leading zeros are lost"),
        ("003", "units must be a list of ids; got the text '003'"),
        (["003"], "at least one pair"),
        ([], "at least one pair"),
    ],
)
def test_a_subset_refuses(wanted, message):
    with pytest.raises(InputError, match=message):
        times(4).subset(wanted)


@LAW
@given(tied_times())
def test_a_frame_reads_back_as_the_same_times(given):
    frame = given.to_frame()
    reached = pd.unique(frame[["from_id", "to_id"]].to_numpy().ravel())
    back = read_travel_times(frame, units=sorted(reached), status="simulated")
    pd.testing.assert_frame_equal(
        back.to_frame().sort_values(["from_id", "to_id"], ignore_index=True),
        frame.sort_values(["from_id", "to_id"], ignore_index=True),
    )


# --- circuity ------------------------------------------------------------------


def test_circuity_is_the_median_ratio_with_its_spread():
    straight = np.full(101, 0.1)
    road = 0.1 * (1 + np.arange(101) / 100)
    found = estimate_circuity(
        pd.DataFrame({"r": road, "s": straight}), road="r", straight="s", source="here"
    )
    assert (found.median, found.low, found.high) == pytest.approx((1.5, 1.05, 1.95))
    assert str(found) == "circuity 1.50 (5 to 95 % of 101 pairs: 1.05 to 1.95; here)"
    assert str(Circuity(1.2, 1.0, 1.4, 9)).endswith("1.00 to 1.40)")


def test_circuity_of_real_roads_does_not_depend_on_the_unit_of_length():
    roads = us_road_distances()
    km = estimate_circuity(roads)
    scaled = roads.assign(road_km=roads["road_km"] * 3, great_circle_km=roads[
        "great_circle_km"] * 3)  # fmt: skip
    assert estimate_circuity(scaled).median == pytest.approx(km.median)
    assert 1.1 < km.low < km.median < km.high < 1.5


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_circuity_refuses_lengths_that_are_none(bad):
    pairs = pd.DataFrame(
        {"road_km": [12, bad], "great_circle_km": [10, 10]}, list("ab")
    )
    with pytest.raises(
        InputError, match=r"above 0; 1 of 2 pairs break this \(b\). Drop"
    ):
        estimate_circuity(pairs)


def test_circuity_needs_columns_and_pairs():
    with pytest.raises(InputError, match="needs the column road_km, which"):
        estimate_circuity(pd.DataFrame({"great_circle_km": [1.0]}))
    with pytest.raises(InputError, match="needs at least one pair; there is none"):
        estimate_circuity(pd.DataFrame({"road_km": [], "great_circle_km": []}))


# --- modelled times ------------------------------------------------------------


@LAW
@given(st.integers(0, 10_000), st.floats(30, 130), st.floats(1, 2))
def test_modelled_times_are_road_over_speed(seed, speed, circuity):
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(100, 125, 4), rng.uniform(20, 45, 4)
    given = model_travel_times(
        towns(*zip(lon, lat, strict=True)), speed_kmh=speed, circuity=circuity
    )
    km = Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])[2] / 1000
    assert given.matrix[0, 1] == pytest.approx(
        60 * km * circuity / speed, rel=ELLIPSOID
    )
    np.testing.assert_allclose(given.matrix, given.matrix.T, rtol=1e-9)
    assert (np.diag(given.matrix) == 0).all()
    assert given.status == "modelled"


def test_modelled_times_say_how():
    places = squares(3)
    places.attrs = {"title": "Counties", "licence": "MIT"}
    circuity = Circuity(1.2, 1.1, 1.4, 8128, "roads of 1949")
    given = model_travel_times(places, speed_kmh=80, circuity=circuity)
    assert given.notes == (
        "Travel times are modelled, not measured: great circle x circuity 1.20 (5 to "
        "95 % of 8,128 pairs: 1.10 to 1.40; roads of 1949), at 80 km/h.",
    )
    assert given.attrs == {
        "title": "Modelled travel times", "status": "modelled", "licence": "MIT",
    }  # fmt: skip
    assert places.attrs["title"] == "Counties"
    plain = model_travel_times(places, speed_kmh=80, circuity=1.2)
    np.testing.assert_array_equal(plain.matrix, given.matrix)
    assert "circuity 1.2, at 80 km/h" in plain.notes[0]


def test_blocks_of_rows_cover_every_pair():
    rng = np.random.default_rng(0)
    n = 300  # more than one block
    places = towns(
        *zip(rng.uniform(0, 9, n), rng.uniform(0, 9, n), strict=True),
        names=[f"{i:03d}" for i in range(n)],
    )
    given = model_travel_times(places, speed_kmh=60, circuity=1)
    np.testing.assert_allclose(given.matrix, given.matrix.T, rtol=1e-9)
    assert len(given.minutes()) == n * (n - 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed_kmh": 0}, "speed_kmh must be above 0; got 0"),
        ({"speed_kmh": -60}, "speed_kmh must be above 0"),
        ({"speed_kmh": np.nan}, "speed_kmh must be above 0"),
        ({"speed_kmh": np.inf}, "speed_kmh must be above 0"),
        ({"circuity": 0.9}, r"circuity must be at least 1 \(roads are no shorter"),
        ({"circuity": np.nan}, "circuity must be at least 1"),
        ({"circuity": Circuity(0.5, 0.4, 0.6, 2)}, "circuity must be at least 1"),
    ],
)
def test_modelling_refuses(options, message):
    with pytest.raises(InputError, match=message):
        model_travel_times(squares(2), **{"speed_kmh": 60, "circuity": 1.2, **options})


def test_modelling_refuses_places_that_coincide():
    places = towns((5, 50), (6, 50), (5, 50))
    with pytest.raises(InputError, match=r"2 pairs break this \(a to c, c to a\)"):
        model_travel_times(places, speed_kmh=60, circuity=1.2)


def test_modelling_checks_its_places():
    with pytest.raises(InputError, match="coordinate system; none is set"):
        model_travel_times(
            squares(2).set_crs(None, allow_override=True), speed_kmh=60, circuity=1
        )
    with pytest.raises(InputError, match="leading zeros are lost"):
        model_travel_times(
            squares(2).set_axis([1, 2], axis=0), speed_kmh=60, circuity=1
        )


def test_nothing_is_drawn_where_there_is_no_terminal(capsys):
    model_travel_times(squares(3), speed_kmh=60, circuity=1)
    assert capsys.readouterr() == ("", "")

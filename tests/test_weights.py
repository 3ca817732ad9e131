"""Spatial weights: against R, laws for any times, what they refuse, and libpysal."""

import re
import warnings
from dataclasses import FrozenInstanceError

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
import spreg
from builders import LAW, ids, minutes, squares, tied_times, times, towns
from hypothesis import assume, given
from hypothesis import strategies as st
from known import answers, table
from scipy import sparse
from shapely.geometry import Polygon, box

from geopoverty.data import catalog
from geopoverty.data.travel import TravelTimes
from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.weights import (
    SpatialWeights,
    as_weights,
    contiguity_weights,
    knn_weights,
    travel_weights,
)

# Both sides divide and sum a dozen doubles.
EXACT = 1e-12
# Eigenvalues of matrices that are not symmetric, by two builds of LAPACK.
EIGENVALUE = 1e-10

CALLS = {
    "inverse": {},
    "power_2": {"decay": "power", "power": 2},
    "exponential_60": {"decay": "exponential", "scale": 60},
    "gaussian_60": {"decay": "gaussian", "scale": 60},
    "binary_cutoff_180": {"decay": "binary", "cutoff": 180},
    "inverse_cutoff_180": {"cutoff": 180},
    "inverse_nearest_3": {"k": 3},
    "binary_nearest_3": {"decay": "binary", "k": 3},
    "inverse_cutoff_100_nearest_3": {"cutoff": 100, "k": 3},
}
KINDS = {"none": None, "row": "row", "spectral": "spectral"}
# Every decay that can be had from any times.
DECAYS = {
    "inverse": {},
    "power": {"decay": "power", "power": 1.5},
    "exponential": {"decay": "exponential", "scale": 20},
    "gaussian": {"decay": "gaussian", "scale": 20},
    "binary within": {"decay": "binary", "cutoff": 40},
    "inverse within": {"cutoff": 30},
    "nearest": {"k": 1},
    "nearest within": {"cutoff": 45, "k": 1},
}
EVERY_DECAY = pytest.mark.parametrize("options", DECAYS.values(), ids=DECAYS)


def dense(weights):
    return weights.matrix.toarray() if weights.is_sparse else np.array(weights.matrix)


def as_sparse(given):
    """Return the same times as a CSR array."""
    row, column = np.nonzero(~np.isnan(given.matrix))
    matrix = sparse.csr_array(
        (given.matrix[row, column], (row, column)), shape=given.matrix.shape
    )
    return TravelTimes(given.units, matrix, given.status)


def quietly(build, *given, **options):
    """Build weights, whose islands are not what is tested; None if all are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        try:
            return build(*given, **options)
        except InputError as error:
            if "No unit has a neighbour" in str(error) or "round trip" in str(error):
                return None
            raise


def expecting(islands):
    return pytest.warns(GeoPovertyWarning) if islands else warnings.catch_warnings()


def compare_with_r(weights, known, values):
    facts = known["facts"]
    np.testing.assert_allclose(dense(weights), known["matrix"], rtol=EXACT, atol=1e-18)
    np.testing.assert_allclose(weights.row_sums, facts["row_sums"], rtol=EXACT)
    np.testing.assert_allclose(
        weights.effective_neighbors(), facts["effective_neighbors"], rtol=EXACT
    )
    np.testing.assert_allclose(weights.lag(values), facts["lag"], rtol=EXACT)
    said = weights.summary(values)
    assert said["units"] == weights.n
    assert said["links"] == facts["links"]
    assert said["islands"] == facts["islands"] == len(weights.islands)
    assert said["islands_share"] == facts["islands"] / weights.n
    assert said["links_share"] == facts["links"] / (weights.n * (weights.n - 1))
    assert said["effective_neighbors"] == pytest.approx(
        np.mean(facts["effective_neighbors"]), rel=EXACT
    )
    assert said["sd_ratio"] == pytest.approx(facts["sd_ratio"], rel=1e-10)
    scale = np.abs(known["matrix"]).sum(axis=1).max()
    for end in ("eigenvalue_min", "eigenvalue_max"):
        assert said[end] == pytest.approx(facts[end], abs=EIGENVALUE * scale)


# --- against R -----------------------------------------------------------------


@pytest.fixture(scope="module")
def reference():
    known = answers("weights")
    units = pd.Index(known["units"]["unit_id"])
    given = read_travel_times(table("weights_times"), units=units)
    assert not given.is_sparse
    return known, given, pd.Series(known["units"]["value"], index=units)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_travel_weights_equal_those_of_r(reference, name, kind, storage):
    known, given, values = reference
    expected = known["travel"][name][kind]
    given = given if storage == "dense" else as_sparse(given)
    with expecting(expected["facts"]["islands"]):
        weights = travel_weights(given, **CALLS[name], standardize=KINDS[kind])
    compare_with_r(weights, expected, values)
    assert weights.standardize == KINDS[kind]
    share = expected["facts"]["links"] / 144
    assert weights.is_sparse == (share <= 0.25)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 4])
def test_nearest_neighbours_equal_those_of_r(reference, k, kind):
    known, _, values = reference
    units = known["units"]
    places = towns(
        *zip(units["lon"], units["lat"], strict=True), names=units["unit_id"]
    )
    weights = knn_weights(places, k=k, standardize=KINDS[kind])
    compare_with_r(weights, known["nearest_on_sphere"][f"k{k}"][kind], values)
    assert weights.is_sparse
    assert weights.kind == f"{k} nearest neighbours"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ["queen", "rook"])
def test_borders_equal_those_of_r(reference, case, kind):
    known = reference[0]
    cells = known["cells"]
    x, y = np.array(cells["x"]), np.array(cells["y"])
    shapes = gpd.GeoDataFrame(
        index=cells["unit_id"], geometry=list(map(box, x, y, x + 1, y + 1)), crs=4326
    )
    with pytest.warns(GeoPovertyWarning, match="have no neighbour"):
        weights = contiguity_weights(
            shapes, rook=case == "rook", standardize=KINDS[kind]
        )
    values = pd.Series(x + y**2.0, index=cells["unit_id"])
    compare_with_r(weights, known[case][kind], values)
    assert weights.kind == f"{case} contiguity"


# --- laws for any times --------------------------------------------------------


@EVERY_DECAY
@LAW
@given(given_times=tied_times(), level=st.floats(-1e6, 1e6))
def test_the_lag_of_a_constant_is_the_constant(options, given_times, level):
    weights = quietly(travel_weights, given_times, **options)
    assume(weights is not None)
    lagged = weights.lag(np.full(weights.n, level))
    alone = weights.units.isin(weights.islands)
    np.testing.assert_allclose(lagged[~alone], level, rtol=EXACT)
    assert (lagged[alone] == 0).all()


@EVERY_DECAY
@LAW
@given(given_times=tied_times(), how=st.sampled_from([None, "row", "spectral"]))
def test_dense_and_sparse_times_give_the_same_weights(options, given_times, how):
    one = quietly(travel_weights, given_times, **options, standardize=how)
    two = quietly(travel_weights, as_sparse(given_times), **options, standardize=how)
    assert (one is None) == (two is None)
    assume(one is not None)
    np.testing.assert_allclose(dense(one), dense(two), rtol=1e-9)
    assert one.is_sparse == two.is_sparse
    assert one.notes == two.notes


@EVERY_DECAY
@LAW
@given(seed=st.integers(0, 10_000), n=st.integers(3, 9), known=st.floats(0.3, 1))
def test_permuting_units_permutes_weights(options, seed, n, known):
    given_times = times(n, seed, known)
    order = np.random.default_rng(seed).permutation(n)
    one = quietly(travel_weights, given_times, **options)
    two = quietly(
        travel_weights, given_times.subset(given_times.units[order]), **options
    )
    assume(one is not None)
    np.testing.assert_allclose(dense(two), dense(one)[np.ix_(order, order)], rtol=EXACT)
    values = pd.Series(np.arange(n) ** 2.0, index=given_times.units)
    pd.testing.assert_series_equal(
        two.lag(values)[one.units], one.lag(values), rtol=EXACT
    )


@pytest.mark.parametrize("name", ["inverse", "power", "exponential", "inverse within"])
@LAW
@given(seed=st.integers(0, 10_000), n=st.integers(3, 9), known=st.floats(0.3, 1))
def test_a_subset_of_weights_is_the_weights_of_a_subset(name, seed, n, known):
    given_times = times(n, seed, known)
    rng = np.random.default_rng(seed)
    # The pair that is always known stays.
    chosen = given_times.units[rng.permutation([0, n - 1, *range(1, max(n // 2, 2))])]
    for how in ("row", None):
        whole = quietly(travel_weights, given_times, **DECAYS[name], standardize=how)
        assume(whole is not None)
        one = quietly(whole.subset, chosen)
        part = given_times.subset(chosen)
        two = quietly(travel_weights, part, **DECAYS[name], standardize=how)
        assert (one is None) == (two is None)
        assume(one is not None)
        np.testing.assert_allclose(dense(one), dense(two), rtol=1e-11)


@LAW
@given(given_times=tied_times(), factor=st.floats(1, 1000))
def test_the_unit_of_time_does_not_change_inverse_weights(given_times, factor):
    scaled = TravelTimes(given_times.units, given_times.matrix * factor, "simulated")
    for options in ({}, {"decay": "power", "power": 3}, {"k": 1}):
        np.testing.assert_allclose(
            dense(quietly(travel_weights, given_times, **options)),
            dense(quietly(travel_weights, scaled, **options)),
            rtol=1e-11,
        )


@EVERY_DECAY
@LAW
@given(given_times=tied_times())
def test_spectral_weights_have_radius_1(options, given_times):
    weights = quietly(travel_weights, given_times, **options, standardize="spectral")
    assume(weights is not None)
    radius = np.abs(np.linalg.eigvals(dense(weights))).max()
    assert radius == pytest.approx(1, abs=1e-6)


@LAW
@given(given_times=tied_times(), k=st.integers(1, 8), cutoff=st.integers(1, 9))
def test_nearest_keeps_the_first_k_of_every_row(given_times, k, cutoff):
    assume(k < given_times.n)
    weights = quietly(travel_weights, given_times, k=k, cutoff=cutoff, standardize=None)
    expected = np.zeros((given_times.n, given_times.n))
    for i, row in enumerate(given_times.matrix):
        near = sorted(
            (t, j) for j, t in enumerate(row) if j != i and t <= cutoff
        )  # among equal times the first in the order of units
        for t, j in near[:k]:
            expected[i, j] = 1 / t
    if weights is None:
        assert not expected.any()
    else:
        np.testing.assert_allclose(dense(weights), expected, rtol=EXACT)


@LAW
@given(given_times=tied_times())
def test_a_lag_matches_by_unit_not_by_place(given_times):
    weights = quietly(travel_weights, given_times)
    values = pd.Series(np.arange(weights.n) ** 2.0, index=weights.units, name="x")
    mixed = values.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(weights.lag(values), weights.lag(mixed))
    np.testing.assert_array_equal(weights.lag(values), weights.lag(values.to_numpy()))
    frame = pd.DataFrame({"x": values, "y": -values}).sample(frac=1, random_state=1)
    lagged = weights.lag(frame)
    pd.testing.assert_series_equal(lagged["x"], weights.lag(values))
    pd.testing.assert_series_equal(lagged["y"], -lagged["x"], check_names=False)


def test_times_are_never_changed():
    given_times = times(9, known=0.8)
    before = given_times.matrix.copy()
    sparse_times = as_sparse(given_times)
    held = sparse_times.matrix.copy()
    for options in DECAYS.values():
        quietly(travel_weights, given_times, **options)
        quietly(travel_weights, sparse_times, **options)
    np.testing.assert_array_equal(given_times.matrix, before)
    np.testing.assert_array_equal(sparse_times.matrix.toarray(), held.toarray())


def test_what_times_say_of_themselves_follows_the_weights():
    given_times = TravelTimes(
        ids(4), minutes(4), "modelled", ("By a model.",), {"title": "T"}
    )
    weights = travel_weights(given_times, decay="exponential", scale=30, cutoff=60, k=2)
    assert weights.status == "modelled"
    assert weights.notes == ("By a model.",)
    assert weights.attrs == {"title": "T"}
    assert weights.kind == "exp(-minutes / 30) within 60 minutes to the 2 nearest"
    said = weights.summary()
    assert said["status"] == "modelled"
    assert said["standardize"] == "row"


# --- islands -------------------------------------------------------------------

FAR = np.array(
    [[0, 10.0, 900, 900], [10.0, 0, 900, 900], [900, 900, 0, 900], [900, 900, 950, 0]]
)


def far_times():
    return TravelTimes(list("abcd"), FAR, "measured", ("First.",))


ISLANDS = "2 of 4 units have no neighbour (c, d): their lag is 0."


def islands_of(build):
    with pytest.warns(GeoPovertyWarning) as seen:
        weights = build()
    assert [str(w.message) for w in seen] == [
        f"{ISLANDS} Use a longer cutoff, more neighbours, or leave these units out "
        "with weights.subset(units)."
    ]
    assert [w.filename for w in seen] == [__file__]
    return weights


@pytest.mark.parametrize("hold", [lambda t: t, as_sparse], ids=["dense", "sparse"])
@pytest.mark.parametrize("how", [None, "row", "spectral"])
def test_islands_of_travel_weights_are_warned_of_and_noted(hold, how):
    given_times = hold(far_times())
    weights = islands_of(
        lambda: travel_weights(given_times, cutoff=60, standardize=how)
    )
    assert weights.notes[-1] == ISLANDS
    assert list(weights.islands) == ["c", "d"]
    assert weights.lag(np.ones(4))[2:].tolist() == [0, 0]


def test_islands_of_borders_are_warned_of_and_noted():
    shapes = gpd.GeoDataFrame(
        index=list("abcd"),
        geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1), box(5, 5, 6, 6), box(8, 8, 9, 9)],
        crs=4326,
    )
    assert islands_of(lambda: contiguity_weights(shapes)).notes == (ISLANDS,)


@pytest.mark.parametrize("form", ["to_graph", "to_w"])
def test_islands_of_libpysal_are_warned_of_and_noted(form):
    matrix = np.zeros((4, 4))
    matrix[0, 1] = matrix[1, 0] = 1.0
    held = getattr(SpatialWeights(list("abcd"), matrix), form)()
    assert islands_of(lambda: as_weights(held)).notes == (ISLANDS,)


def test_a_subset_may_make_islands_or_leave_them_out():
    weights = travel_weights(far_times())
    whole = weights.subset(["c", "a", "b"])
    assert not len(whole.islands)
    near = islands_of(lambda: travel_weights(far_times(), cutoff=60))
    rest = near.subset(["a", "b"])
    assert rest.notes == (
        "First.",
        "Only 2 of 4 units are held; neighbours outside them do not count.",
    )  # the islands are gone, and the note of them too
    with pytest.warns(
        GeoPovertyWarning, match=r"1 of 3 units have no nei.*\(c\)"
    ) as seen:
        part = near.subset(["a", "c", "b"])
    assert seen[0].filename == __file__
    assert [note for note in part.notes if "no neighbour" in note] == [
        "1 of 3 units have no neighbour (c): their lag is 0."
    ]


@pytest.mark.parametrize("how", [None, "row", "spectral"])
def test_all_islands_are_refused(how):
    match = "No unit has a neighbour; all 4 are islands. Use a longer cutoff, or more"
    with pytest.raises(InputError, match=re.escape(match)):
        travel_weights(far_times(), cutoff=5, standardize=how)
    with pytest.raises(InputError, match=re.escape(match)):
        travel_weights(as_sparse(far_times()), cutoff=5, standardize=how)
    with pytest.raises(InputError, match="all 2 are islands"):
        contiguity_weights(squares(3).iloc[[0, 2]], standardize=how)
    with pytest.raises(InputError, match="all 2 are islands"):
        islands_of(lambda: travel_weights(far_times(), cutoff=60)).subset(["c", "d"])
    with pytest.raises(InputError, match="all 3 are islands"):
        as_weights(SpatialWeights(list("abc"), np.zeros((3, 3))).to_graph())


def test_every_unit_has_a_neighbour_and_nothing_is_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert travel_weights(far_times()).notes == ("First.",)
        assert knn_weights(squares(4), k=1).notes == ()
        assert contiguity_weights(squares(4)).notes == ()


# --- numbers at the edge -------------------------------------------------------


@pytest.mark.parametrize("hold", [lambda t: t, as_sparse], ids=["dense", "sparse"])
def test_weights_too_small_for_a_reciprocal_still_sum_to_1(hold):
    matrix = np.array([[0, 9, 722], [9, 0, 722], [722, 722.0, 0]])
    given_times = hold(TravelTimes(list("abc"), matrix, "measured"))
    weights = travel_weights(given_times, decay="exponential", scale=1)
    np.testing.assert_allclose(weights.row_sums, 1, rtol=1e-9)
    assert dense(weights)[2].tolist() == [0.5, 0.5, 0]


def test_weights_that_vanish_make_islands():
    with pytest.warns(GeoPovertyWarning, match=r"2 of 4 .*\(c, d\)"):
        weights = travel_weights(far_times(), decay="gaussian", scale=5)
    assert weights.summary()["links"] == 2
    graph = as_sparse(far_times())
    with pytest.warns(GeoPovertyWarning, match=r"2 of 4 .*\(c, d\)"):
        graph = travel_weights(graph, decay="gaussian", scale=5).to_graph()
    assert list(graph.isolates) == ["c", "d"]


@pytest.mark.parametrize("n", [2, 12])
def test_links_that_never_lead_back_have_no_spectral_standard(n):
    matrix = np.triu(minutes(n), 1)
    matrix[matrix == 0] = np.nan
    given_times = TravelTimes(ids(n), matrix, "simulated")
    for held in (given_times, as_sparse(given_times)):
        with pytest.raises(
            InputError, match=r"needs a round trip: .* standardize='row'"
        ):
            travel_weights(held, standardize="spectral")


# --- options that are refused --------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": "invers"}, "decay must be one of .*Did you mean 'inverse'"),
        ({"standardize": "rows"}, "standardize must be one of .*Did you mean 'row'"),
        (
            {"decay": "exponential"},
            "exponential decay needs scale= in minutes above 0;",
        ),
        ({"decay": "gaussian", "scale": 0}, "needs scale= in minutes above 0; got 0"),
        ({"decay": "gaussian", "scale": np.nan}, "above 0; got nan"),
        ({"decay": "power", "power": 0}, "power must be above 0; got 0"),
        ({"decay": "power", "power": np.inf}, "power must be above 0; got inf"),
        ({"power": 2}, "power=2 is for decay='power'; got 'inverse' decay"),
        (
            {"scale": 30},
            "scale=30 is for exponential and gaussian decay; got 'inverse'",
        ),
        ({"decay": "power", "scale": 30}, "scale=30 is for exponential and gaussian"),
        (
            {"decay": "binary"},
            r"binary weights need cutoff= \(minutes\) or k= \(nearest",
        ),
        ({"cutoff": 0}, "cutoff must be minutes above 0; got 0"),
        ({"cutoff": -1}, "cutoff must be minutes above 0"),
        ({"cutoff": np.nan}, "cutoff must be minutes above 0; got nan"),
        ({"cutoff": np.inf}, "cutoff must be minutes above 0; got inf"),
        ({"k": 0}, "k must be a whole number from 1 to 4; got 0"),
        ({"k": 5}, "k must be a whole number from 1 to 4; got 5"),
        ({"k": 1.0}, r"k must be a whole number from 1 to 4; got 1\.0"),
        ({"k": True}, "k must be a whole number from 1 to 4; got True"),
    ],
)
def test_travel_weights_refuse(options, message):
    with pytest.raises(InputError, match=message):
        travel_weights(times(5), **options)


def test_a_power_may_be_below_1():
    given_times = times(4)
    off = ~np.eye(4, dtype=bool)
    weights = travel_weights(given_times, decay="power", power=0.5, standardize=None)
    expected = given_times.matrix[off] ** -0.5
    np.testing.assert_allclose(weights.matrix[off], expected, rtol=EXACT)


def test_numpy_numbers_are_numbers():
    weights = travel_weights(times(5), k=np.int64(2), cutoff=np.float64(1e4))
    assert weights.summary()["links"] == 10


BOW_TIE = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


@pytest.mark.parametrize("build", [contiguity_weights, lambda b: knn_weights(b, k=1)])
def test_boundaries_are_checked(build):
    cases = {
        "coordinate system; none is set": squares(3).set_crs(None, allow_override=True),
        "leading zeros are lost": squares(3).set_axis([1, 2, 3], axis=0),
        "stand more than once": squares(3).set_axis(list("aab"), axis=0),
        "every row needs a unit id": squares(3).set_axis(["a", None, "b"], axis=0),
        "must be a GeoDataFrame": pd.DataFrame(index=list("abc")),
        "1 of 3 units break this (003)": squares(3).set_geometry(
            [BOW_TIE, *squares(3).geometry[1:]], crs=4326
        ),
        "Every unit needs a geometry; 1 of 3": squares(3).set_geometry(
            [None, *squares(3).geometry[1:]], crs=4326
        ),
    }
    for message, given_shapes in cases.items():
        with pytest.raises(InputError, match=re.escape(message)):
            build(given_shapes)


def test_borders_need_polygons():
    with pytest.raises(InputError, match=r"hold Point. Use knn_weights for points"):
        contiguity_weights(towns((0, 0), (1, 1)))


@pytest.mark.parametrize("k", [0, 3, 1.5, None])
def test_nearest_neighbours_are_1_to_n_less_1(k):
    with pytest.raises(
        InputError, match=f"k must be a whole number from 1 to 2; got {k}"
    ):
        knn_weights(squares(3), k=k)


# --- the type ------------------------------------------------------------------


@pytest.mark.parametrize("hold", [np.array, sparse.csr_array, sparse.coo_array])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "Weights must be finite and at least 0; some are not. Set the weight"),
        (np.nan, "Weights must be finite and at least 0"),
        (np.inf, "Weights must be finite and at least 0"),
    ],
)
def test_weights_are_finite_and_not_negative(hold, value, message):
    with pytest.raises(InputError, match=message):
        SpatialWeights(["a", "b"], hold([[0.0, value], [1.0, 0.0]]))


@pytest.mark.parametrize("hold", [np.array, sparse.csr_array])
def test_no_unit_is_its_own_neighbour(hold):
    with pytest.raises(
        InputError, match=r"1 of 2 diagonal weights are not 0 \(b\). Set"
    ):
        SpatialWeights(["a", "b"], hold([[0.0, 1.0], [1.0, 0.5]]))


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.zeros(4), np.zeros((3, 3)),
                                    sparse.csr_array((3, 3))])  # fmt: skip
def test_weights_have_the_shape_of_their_units(matrix):
    with pytest.raises(
        InputError, match="Weights of 2 units need a 2 x 2 matrix; this"
    ):
        SpatialWeights(["a", "b"], matrix)


@pytest.mark.parametrize(
    ("hold", "kind"),
    [
        (list, np.ndarray), (np.array, np.ndarray),
        (sparse.csr_array, sparse.csr_array),
        (sparse.coo_array, sparse.csr_array), (sparse.csc_matrix, sparse.csr_array),
    ],
)  # fmt: skip
def test_weights_in_any_form_are_held_in_one_of_two(hold, kind):
    weights = SpatialWeights(["a", "b"], hold([[0, 3], [2, 0]]))
    assert type(weights.matrix) is kind
    assert weights.matrix.dtype == np.float64
    assert weights.lag(np.array([1.0, 10.0])).tolist() == [30.0, 2.0]
    storage = "dense" if kind is np.ndarray else "sparse"
    assert weights.summary()["storage"] == storage
    assert f", {storage}, given" in repr(weights)


def test_ids_and_standards_are_checked():
    matrix = [[0.0, 1.0], [1.0, 0.0]]
    with pytest.raises(InputError, match="leading zeros are lost"):
        SpatialWeights([1, 2], matrix)
    with pytest.raises(InputError, match="stand more than once"):
        SpatialWeights(["a", "a"], matrix)
    with pytest.raises(InputError, match="standardize must be one of"):
        SpatialWeights(["a", "b"], matrix, standardize="R")
    with pytest.raises(FrozenInstanceError):
        SpatialWeights(["a", "b"], matrix).matrix = matrix


def test_weights_and_times_equal_themselves_and_may_be_keys():
    given_times = times(4)
    weights = travel_weights(given_times)
    assert len({weights, travel_weights(given_times), given_times, times(4)}) == 4
    assert weights != travel_weights(given_times)


def test_repr_says_what_there_is():
    said = repr(travel_weights(times(9), k=2))
    assert said == (
        "SpatialWeights: 9 units, 18 links, 0 islands, sparse, "
        "1 / minutes to the 2 nearest"
    )


@pytest.mark.parametrize("hold", [np.array, sparse.csr_array])
@pytest.mark.parametrize(
    ("back", "said"), [(2.0, "yes"), (1.0, "links only"), (0.0, "no")]
)
def test_symmetry(hold, back, said):
    weights = SpatialWeights(
        ["a", "b", "c"], hold([[0, 2, 1], [back, 0, 0], [1, 0, 0.0]])
    )
    assert weights.summary()["symmetric"] == said


@pytest.mark.parametrize("options", [{}, {"k": 2}])
def test_the_spread_of_a_lag_that_is_expected(options):
    weights = travel_weights(times(8), **options)
    n = weights.n
    centred = (np.eye(n) - 1 / n) @ dense(weights)
    expected = np.sqrt((centred**2).sum() / (n - 1))
    assert weights.sd_ratio() == pytest.approx(expected, rel=EXACT)
    rng = np.random.default_rng(0)
    drawn = weights.lag(rng.normal(size=(n, 20_000)))
    # Mean variance of 20,000 draws: within three standard errors.
    spread = np.sqrt(drawn.var(axis=0, ddof=1).mean())
    assert weights.sd_ratio() == pytest.approx(spread, rel=0.02)
    assert weights.summary()["sd_ratio"] == weights.sd_ratio()


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_spread_does_not_depend_on_the_unit_of_the_values(scale):
    weights = travel_weights(times(6))
    values = pd.Series(np.arange(6) ** 2.0, index=weights.units)
    one, two = weights.sd_ratio(values), weights.sd_ratio(values * scale)
    assert two == pytest.approx(one, rel=1e-9)


def test_the_spread_over_a_constant_is_unknown():
    weights = travel_weights(times(4))
    assert np.isnan(weights.sd_ratio(pd.Series(3.0, index=weights.units)))


# --- values to lag -------------------------------------------------------------


def series(values, index="abcd"):
    return pd.Series(values, index=list(index))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_to_lag_are_finite(bad):
    weights = travel_weights(far_times())
    match = re.escape(
        "finite for every unit; 1 of 4 units break this (b). Fill them, or"
    )
    for values in (
        series([1, bad, 3, 4]), pd.DataFrame({"x": 1.0, "y": series([1, bad, 3, 4])}),
        np.array([1, bad, 3, 4]), np.array([[1, 2], [bad, 2], [3, 4], [5, 6.0]]),
    ):  # fmt: skip
        with pytest.raises(InputError, match=match):
            weights.lag(values)


@pytest.mark.parametrize("kind", ["Float64", "Int64", "boolean", object])
def test_missing_values_of_any_type_are_missing(kind):
    weights = travel_weights(far_times())
    with pytest.raises(InputError, match=r"1 of 4 units break this \(d\)"):
        weights.lag(pd.Series([1, 0, 1, pd.NA], index=list("abcd"), dtype=kind))


def test_text_is_not_lagged():
    weights = travel_weights(far_times())
    for values in (series(list("wxyz")), pd.DataFrame({"x": series(list("wxyz"))})):
        with pytest.raises(InputError, match="Values to lag must be numbers"):
            weights.lag(values)


def test_units_of_values_and_weights_are_the_same():
    weights = travel_weights(far_times())
    message = (
        "The values and the weights must hold the same units; 1 only in the values "
        "(x); 2 only in the weights (c, d). Give every unit a value, or use weights"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        weights.lag(series([1.0, 2, 3], "abx"))
    with pytest.raises(InputError, match=r"stand more than once \(a\)"):
        weights.lag(series([1.0, 2, 3, 4], "aabc"))
    with pytest.raises(InputError, match="leading zeros are lost"):
        weights.lag(pd.Series([1.0, 2, 3, 4]))


@pytest.mark.parametrize("shape", [(3,), (5, 2), (), (2, 4)])
def test_arrays_have_one_value_a_unit(shape):
    with pytest.raises(
        InputError, match="one value for each of the 4 units; got an arra"
    ):
        travel_weights(far_times()).lag(np.ones(shape))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            ["a", "x"],
            r"among the weights; 1 of 2 units break this \(x\). Check the ids",
        ),
        (["a", "a"], "stand more than once"),
        ("ab", "units must be a list of ids; got the text 'ab'"),
        ([], "No unit has a neighbour"),
    ],
)
def test_a_subset_refuses(wanted, message):
    with pytest.raises(InputError, match=message):
        travel_weights(far_times()).subset(wanted)


# --- libpysal and spreg --------------------------------------------------------


@LAW
@given(given_times=tied_times(), options=st.sampled_from(list(DECAYS.values())))
def test_round_trips_keep_order_values_and_islands(given_times, options):
    weights = quietly(travel_weights, given_times, **options)
    assume(weights is not None)
    with warnings.catch_warnings():
        # libpysal says of islands and components what we have said already.
        warnings.simplefilter("error")
        forms = weights.to_graph(), weights.to_w()
    assert list(forms[0].isolates) == list(forms[1].islands) == list(weights.islands)
    for form in forms:
        back = quietly(as_weights, form)
        assert list(back.units) == list(weights.units)
        assert back.units.name is None
        np.testing.assert_array_equal(dense(back), dense(weights))
        assert list(back.islands) == list(weights.islands)
    assert as_weights(weights) is weights


def test_libpysal_lags_as_we_do():
    weights = travel_weights(times(9, known=0.9), cutoff=60)
    values = np.random.default_rng(0).normal(size=9)
    lagged = weights.lag(values)
    np.testing.assert_allclose(weights.to_graph().lag(values), lagged, rtol=EXACT)
    theirs = libpysal.weights.lag_spatial(weights.to_w(), values)
    np.testing.assert_allclose(theirs, lagged, rtol=EXACT)


def test_spreg_takes_the_weights():
    zones = catalog.coquimbo_zones()
    weights = travel_weights(catalog.coquimbo_travel_times(), k=6)
    assert list(weights.units) == list(zones.index)
    x = np.log(zones["population"].to_numpy(float) + 1)
    y = np.random.default_rng(0).normal(size=len(x)) + x
    fit = spreg.OLS(y[:, None], x[:, None], w=weights.to_w(), slx_lags=1)
    np.testing.assert_allclose(fit.x[:, 2], weights.lag(x), rtol=EXACT)


@pytest.mark.parametrize("transform", ["r", "o", "b"])
def test_transformations_of_libpysal_are_kept(transform):
    neighbors = {"b": ["a", "c"], "a": ["b"], "c": ["b"]}
    w = libpysal.weights.W(
        neighbors, {"b": [1, 3], "a": [1], "c": [3]}, id_order=list("bac")
    )
    w.transform = transform
    graph = libpysal.graph.Graph.from_W(w).transform(transform)
    for given_form in (w, graph):
        weights = as_weights(given_form)
        assert list(weights.units) == list("bac")
        assert weights.standardize == ("row" if transform == "r" else None)
        first = {"r": [0, 0.25, 0.75], "o": [0, 1, 3], "b": [0, 1, 1]}[transform]
        assert dense(weights)[0].tolist() == first
        assert weights.kind == f"from libpysal {type(given_form).__name__}"


def test_only_weights_are_weights():
    for given_form in (np.eye(2), None, "queen"):
        said = f"a libpysal Graph or a libpysal W; got {type(given_form).__name__}. "
        with pytest.raises(InputError, match=re.escape(said)):
            as_weights(given_form)
    w = libpysal.weights.W({1: [2], 2: [1]})
    with pytest.raises(InputError, match="leading zeros are lost"):
        as_weights(w)


# --- real units ----------------------------------------------------------------


@pytest.fixture(scope="module")
def us_times():
    return catalog.us_travel_times()


def test_all_pairs_of_us_counties(us_times):
    weights = travel_weights(us_times)
    assert not weights.is_sparse
    assert weights.status == "modelled"
    assert weights.notes == us_times.notes
    np.testing.assert_allclose(weights.lag(np.ones(weights.n)), 1, rtol=1e-11)
    # The expected spread of its lag is next to nothing: such a lag cannot be
    # told from the constant.
    assert weights.sd_ratio() < 0.1
    near = travel_weights(us_times, k=8)
    assert near.is_sparse
    assert near.matrix.nnz == 8 * near.n
    assert near.sd_ratio() > 0.25


def test_the_nearest_by_modelled_time_are_the_nearest_by_distance(us_times):
    counties = catalog.us_counties()
    by_time = travel_weights(us_times, decay="binary", k=5)
    by_distance = knn_weights(counties, k=5)
    assert (by_time.matrix != by_distance.matrix).nnz == 0


def test_borders_of_us_counties_do_not_depend_on_the_order_of_rows():
    counties = catalog.us_counties()
    weights = contiguity_weights(counties)
    mixed = contiguity_weights(counties.sample(frac=1, random_state=0))
    moved = mixed.subset(weights.units).matrix
    assert abs(moved - weights.matrix).max() < EXACT
    assert weights.summary()["symmetric"] == "links only"
    said = contiguity_weights(counties, rook=True, standardize=None).summary()
    assert said["symmetric"] == "yes"
    assert said["links"] < weights.summary()["links"]
    assert said["islands"] == 0


def test_routed_minutes_of_coquimbo():
    given_times = catalog.coquimbo_travel_times()
    weights = travel_weights(given_times, cutoff=30)
    assert weights.status == "routed"
    assert weights.attrs["licence"].startswith("ODbL")
    assert weights.summary()["symmetric"] == "no"
    matrix = np.where(given_times.matrix <= 30, given_times.matrix, np.inf)
    np.fill_diagonal(matrix, np.inf)
    expected = (1 / matrix) / (1 / matrix).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(dense(weights), expected, rtol=EXACT)

"""Local Moran and Getis-Ord: against spdep, esda, closed form and planted clusters."""

import itertools

import esda
import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from scipy import sparse

from geopoverty.design.sample import Sample
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.numerics import local_spatial
from geopoverty.patterns import getis_ord, local_moran
from geopoverty.patterns.names import GETIS_ORD, MORAN
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights, knn_weights

EXACT = {"rtol": 1e-10, "atol": 1e-12}  # formulas of the same doubles
STYLES = {"B": None, "W": "row", "raw": None}


def places():
    return table("patterns")


def links(style):
    """The weights of the reference: 0/1, rows that sum to 1, or neither."""
    units = pd.Index(places()["unit_id"])
    pairs = table("patterns_links")
    matrix = np.zeros((30, 30))
    at = units.get_indexer(pairs["from_id"]), units.get_indexer(pairs["to_id"])
    matrix[at] = 1.0 if style == "B" else pairs["weight"]
    if style == "W":
        sums = matrix.sum(axis=1, keepdims=True)
        matrix /= np.where(sums > 0, sums, 1)
    return SpatialWeights(units, matrix, standardize=STYLES[style])


def lattice(side=9, *, seed=3, cluster=8.0):
    """A board with a high corner, a low corner, and one low place among the high."""
    at = [(i, j) for i in range(side) for j in range(side)]
    ids = [f"{i}{j}" for i, j in at]
    value = np.random.default_rng(seed).normal(size=len(at))
    for k, (i, j) in enumerate(at):
        value[k] += cluster * ((i < 3 and j < 3) - (i > 5 and j > 5))
    value[ids.index("11")] = -4.0
    near = [[float(abs(a - c) + abs(b - d) == 1) for c, d in at] for a, b in at]
    matrix = np.array(near) / np.sum(near, axis=1, keepdims=True)
    frame = pd.DataFrame({"unit_id": ids, "value": value})
    return frame, SpatialWeights(ids, sparse.csr_array(matrix), standardize="row")


def classes(result):
    return result.units.set_index("unit_id")["class"]


@pytest.mark.parametrize("style", STYLES)
def test_local_moran_is_that_of_spdep(style):
    found = local_moran("value", places(), weights=links(style))
    known = answers("patterns")["value"][style]
    inside = slice(0, 29)  # place 30 has no neighbour
    np.testing.assert_allclose(
        found.units["statistic"][inside], known["ii"][inside], **EXACT
    )
    assert np.isnan(found.units["statistic"][29])
    assert found.facts["morans_i"] == pytest.approx(known["morans_i"], rel=1e-12)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("star", [False, True])
def test_getis_ord_is_that_of_spdep(style, star):
    found = getis_ord("value", places(), weights=links(style), star=star)
    known = answers("patterns")["value"][style]["g_star" if star else "g"]
    np.testing.assert_allclose(found.units["statistic"][:29], known[:29], **EXACT)


def test_a_column_of_yes_and_no_is_tested_like_numbers():
    found = local_moran("yes", places(), weights=links("B"))
    known = answers("patterns")["yes"]["B"]
    np.testing.assert_allclose(found.units["statistic"][:29], known["ii"][:29], **EXACT)
    spots = getis_ord("yes", places(), weights=links("B"), star=False)
    np.testing.assert_allclose(spots.units["statistic"][:29], known["g"][:29], **EXACT)
    assert any("0/1" in note for note in found.notes)
    flags = places().assign(yes=places()["yes"] == 1)
    again = local_moran("yes", flags, weights=links("B"))
    pd.testing.assert_frame_equal(again.units, found.units)


def test_pseudo_p_values_are_those_of_plain_r_within_chance():
    found = local_moran("value", places(), weights=links("W"), permutations=9999)
    known = np.array(answers("patterns")["p_two_sided"][:29])
    p = found.units["p_value"].to_numpy()[:29]
    error = np.sqrt(np.maximum(p * (2 - p), 0) / 9999) * np.sqrt(2)  # of two tails
    assert (np.abs(p - known) < 5 * error + 4 / 9999).all()


def test_pseudo_p_values_approach_those_of_all_permutations():
    x = np.array([1.0, 4.0, 2.0, 8.0, 3.0, 9.0])
    W = np.random.default_rng(5).uniform(size=(6, 6)) * (1 - np.eye(6))
    lag = W @ x
    chance = local_spatial.drawn_lags(x, W, draws=40_000, seed=2, conditional=True)
    whole = local_spatial.drawn_lags(x, W, draws=40_000, seed=2, conditional=False)
    every = np.array([x[list(p)] for p in itertools.permutations(range(6))])
    for i in range(6):
        kept = every[every[:, i] == x[i]] @ W[i]
        assert len(kept) == 120
        assert chance.above[i] / 40_000 == pytest.approx(
            np.mean(kept >= lag[i] - 1e-9), abs=0.013
        )
        assert whole.below[i] / 40_000 == pytest.approx(
            np.mean(every @ W[i] <= lag[i] + 1e-9), abs=0.013
        )
    z = x - x.mean()
    sums = np.einsum("pi,ij,pj->p", every - x.mean(), W, every - x.mean())
    assert whole.global_above / 40_000 == pytest.approx(
        np.mean(sums >= z @ W @ z - 1e-9), abs=0.013
    )


def test_sparse_and_dense_weights_draw_the_same():
    frame, weights = lattice()
    x = frame["value"].to_numpy()
    for conditional in (False, True):
        thin, full = (
            local_spatial.drawn_lags(x, W, draws=300, seed=4, conditional=conditional)
            for W in (weights.matrix, weights.matrix.toarray())
        )
        np.testing.assert_array_equal(thin.above, full.above)
        np.testing.assert_array_equal(thin.below, full.below)


def test_chance_finds_as_many_as_it_should():
    """Without a pattern two-sided p-values are uniform: 5 % lie at or below 0.05."""
    rng = np.random.default_rng(8)
    frame, weights = lattice()
    hits = []
    for _ in range(40):
        x = rng.exponential(size=len(frame))
        chance = local_spatial.drawn_lags(
            x, weights.matrix, draws=199, seed=int(rng.integers(1e6)), conditional=True
        )
        hits.append(np.mean(chance.p_values <= 0.05))
    assert np.mean(hits) == pytest.approx(0.05, abs=0.012)  # 3,240 tests


@pytest.mark.parametrize("kind", ["row", None])
def test_esda_agrees_where_its_conventions_are_ours(kind):
    frame, weights = lattice()
    if kind is None:
        weights = SpatialWeights(weights.units, (weights.matrix > 0).astype(float))
    x, graph = frame["value"].to_numpy(), weights.to_graph()
    peer = esda.Moran_Local(x, graph, transformation="O", permutations=0)
    found = local_moran("value", frame, weights=weights, alpha=0.9)
    n = len(x)
    np.testing.assert_allclose(found.units["statistic"] * (n - 1) / n, peer.Is, **EXACT)
    names = {1: "High-High", 2: "Low-High", 3: "Low-Low", 4: "High-Low"}
    told = found.units["class"] != "Not significant"
    assert told.sum() > 60
    quadrants = pd.Series(peer.q).map(names)
    assert (found.units["class"][told] == quadrants[told]).all()


def test_esdas_z_scores_are_ours_for_weights_of_0_and_1():
    frame, weights = lattice()
    held = SpatialWeights(weights.units, (weights.matrix > 0).astype(float))
    shifted = frame.assign(value=frame["value"] + 20)
    for star in (False, True):
        peer = esda.G_Local(
            shifted["value"], held.to_graph(), transform="B", permutations=0, star=star
        )
        found = getis_ord("value", shifted, weights=held, star=star)
        np.testing.assert_allclose(found.units["statistic"], peer.Zs, rtol=1e-8)


def test_g_is_the_formula_written_out():
    frame, weights = lattice(5)
    x, W = frame["value"].to_numpy(), weights.matrix.toarray()
    n = len(x)
    found = getis_ord("value", frame, weights=weights, star=False).units["statistic"]
    for i in range(n):
        others = np.delete(x, i)
        w = np.delete(W[i], i)
        spread = ((n - 1) * (w**2).sum() - w.sum() ** 2) / (n - 2)
        z = (w @ others - w.sum() * others.mean()) / (others.std() * spread**0.5)
        assert found[i] == pytest.approx(z, rel=1e-10)


def test_planted_clusters_are_found():
    frame, weights = lattice()
    found = local_moran("value", frame, weights=weights, seed=1)
    named = classes(found)
    assert set(named[["00", "01", "02", "20"]]) == {"High-High"}
    assert set(named[["77", "78", "87", "88"]]) == {"Low-Low"}
    assert named["11"] == "Low-High"
    middle = named[[f"{i}{j}" for i in range(3, 6) for j in range(3, 6)]]
    assert (middle == "Not significant").sum() >= 6
    assert found.facts["morans_i"] > 0.3
    assert found.facts["morans_i_p"] == 0.002
    spots = classes(getis_ord("value", frame, weights=weights, seed=1))
    assert spots["00"] == "Hot spot 99 %"
    assert spots["77"] == "Cold spot 99 %"


def test_g_star_minds_the_units_own_value_and_g_does_not():
    frame, weights = lattice(cluster=0.0)
    frame.loc[frame["unit_id"] == "44", "value"] = 40.0
    star = getis_ord("value", frame, weights=weights, star=True).units
    plain = getis_ord("value", frame, weights=weights, star=False).units
    here = frame["unit_id"] == "44"
    assert star["class"][here].item().startswith("Hot spot")
    assert plain["class"][here].item() == "Not significant"


def test_the_false_discovery_rate_is_controlled_within_a_period():
    frame, weights = lattice()
    plain = local_moran("value", frame, weights=weights, permutations=4999)
    found = local_moran("value", frame, weights=weights, permutations=4999, fdr=True)
    p = found.units["p_value"].to_numpy()
    order = np.argsort(p)
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    by_hand = np.minimum.accumulate(steps[::-1])[::-1]
    np.testing.assert_allclose(found.units["p_adjusted"].to_numpy()[order], by_hand)
    hits = [(r.units["class"] != "Not significant").sum() for r in (plain, found)]
    assert 0 < hits[1] < hits[0]
    significant = found.units["p_adjusted"] <= 0.05
    assert (significant == (found.units["class"] != "Not significant")).all()
    assert any("false discovery rate" in note for note in found.notes)
    assert any("by chance alone" in note for note in plain.notes)


def test_few_permutations_and_many_units_are_warned_of():
    frame, weights = lattice()
    found = getis_ord("value", frame, weights=weights, permutations=199, fdr=True)
    assert any("only where 81 or more units" in note for note in found.notes)


def test_periods_are_tested_each_alone():
    frame, weights = lattice()
    later = frame.assign(value=-frame["value"])
    both = pd.concat([frame.assign(year=1990), later.assign(year=2000)])
    found = local_moran("value", both, weights=weights, unit=Sample(period="year"))
    early = found.units[found.units["period"] == 1990].drop(columns="period")
    alone = local_moran("value", frame, weights=weights)
    pd.testing.assert_frame_equal(early, alone.units)
    late = found.units[found.units["period"] == 2000].set_index("unit_id")
    assert late["class"]["00"] == "Low-Low"
    counts = found.tables["classes"]
    assert counts.groupby("period")["units"].sum().tolist() == [81, 81]
    assert counts["class"].tolist()[:5] == [n for n in MORAN if n != "No neighbours"]
    assert found.tables["global"]["period"].tolist() == [1990, 2000]
    assert "morans_i" not in found.facts


def test_units_without_a_value_take_no_part():
    frame, weights = lattice()
    gaps = frame.assign(value=frame["value"].where(frame["unit_id"] != "01"))
    found = local_moran("value", gaps.drop(index=5), weights=weights)
    kept = [i for i in frame["unit_id"] if i not in ("01", "05")]
    assert found.units["unit_id"].tolist() == kept
    assert found.facts["n_dropped"] == 1
    assert any("1 rows have no 'value', and 2 units" in n for n in found.notes)
    same = local_moran(
        "value", frame[frame["unit_id"].isin(kept)], weights=weights.subset(kept)
    )
    pd.testing.assert_frame_equal(found.units, same.units)


def test_units_without_neighbours_have_a_class_of_their_own():
    found = local_moran("value", places(), weights=links("W"))
    last = found.units.iloc[29]
    assert last["class"] == "No neighbours"
    assert np.isnan(last[["lag", "statistic", "p_value"]].astype(float)).all()
    assert found.facts["n_without_neighbours"] == 1
    assert any("1 of 30 rows have no neighbour (30)" in note for note in found.notes)
    assert "No neighbours" in found.tables["classes"]["class"].tolist()
    spots = getis_ord("value", places(), weights=links("W"))
    assert spots.units["class"][29] == "No neighbours"
    assert spots.tables["classes"]["class"].tolist() == list(GETIS_ORD)
    assert spots.tables["classes"]["units"].sum() == 30


def test_losing_its_neighbours_to_missing_values_is_said():
    frame, weights = lattice(4)
    gaps = frame[~frame["unit_id"].isin(["01", "10"])]
    with pytest.warns(GeoPovertyWarning, match="1 of 14 units have no neighbour"):
        found = local_moran("value", gaps, weights=weights)
    assert classes(found)["00"] == "No neighbours"


def test_travel_times_of_all_pairs_are_weights_too():
    frame, _ = lattice(8, cluster=9.0)
    rng = np.random.default_rng(2)
    at = frame["unit_id"].map(lambda u: (float(u[0]), float(u[1])))
    apart = np.array([[np.hypot(a - c, b - d) for c, d in at] for a, b in at])
    minutes = 10 * apart * rng.uniform(1, 1.3, apart.shape)
    with np.errstate(divide="ignore"):
        raw = np.where(minutes > 0, minutes**-3.0, 0)
    dense = SpatialWeights(frame["unit_id"], raw / raw.sum(axis=1, keepdims=True),
                           standardize="row")  # fmt: skip
    assert not dense.is_sparse
    found = getis_ord("value", frame, weights=dense, star=False)
    spots = classes(found)
    assert spots["00"].startswith("Hot spot")
    graph = getis_ord("value", frame, weights=dense.to_graph(), star=False)
    np.testing.assert_allclose(graph.units["statistic"], found.units["statistic"])


def test_a_lag_that_can_be_no_other_has_no_score():
    """All others count the same, so whom they are makes no difference."""
    ids = list("abcde")
    same = (np.ones((5, 5)) - np.eye(5)) / 4
    frame = pd.DataFrame({"unit_id": ids, "value": [1.0, 2, 3, 4, 9]})
    found = getis_ord("value", frame, weights=SpatialWeights(ids, same), star=False)
    assert found.units["statistic"].isna().all()
    assert (found.units["p_value"] == 1).all()
    assert (found.units["class"] == "Not significant").all()


def test_a_single_one_among_zeros_is_no_error():
    frame, weights = lattice(5)
    one = frame.assign(value=(frame["unit_id"] == "22").astype(int))
    found = getis_ord("value", one, weights=weights, star=False)
    assert np.isnan(found.units.set_index("unit_id")["statistic"]["22"])
    local = local_moran("value", one, weights=weights)
    assert np.isfinite(local.units["statistic"]).all()


def test_a_value_at_the_mean_is_in_no_class():
    frame, weights = lattice(5)
    even = frame.assign(value=np.round(frame["value"]) * 25.0)
    even.loc[7, "value"] += -even["value"].sum()
    even.loc[0, "value"], even.loc[7, "value"] = 0.0, even["value"][[0, 7]].sum()
    assert even["value"].sum() == 0
    found = local_moran("value", even, weights=weights)
    assert found.units["p_value"][0] == 1
    assert found.units["class"][0] == "Not significant"


def test_what_comes_back_is_a_result_that_says_how_it_was_made():
    frame, weights = lattice()
    before = frame.copy()
    frame.attrs = {"title": "Board", "status": "simulated"}
    found = local_moran("value", frame, weights=weights, seed=7)
    pd.testing.assert_frame_equal(frame, before, check_flags=False)
    assert isinstance(found, Result)
    assert found.provenance["seed"] == 7
    assert found.provenance["formula"] == "value"
    assert found.facts["n_obs"] == 81
    assert {"permutations", "alpha", "standardize"} <= set(found.facts)
    assert any("Simulated data" in note for note in found.notes)
    assert any("999 permutations (seed 7)" in note for note in found.notes)
    assert any("rows sum to 1" in note for note in found.notes)
    raw = local_moran("value", places(), weights=links("raw"))
    assert any("rows do not sum to 1" in note for note in raw.notes)
    assert "local_moran" in found.summary()
    assert not np.array_equal(
        found.units["p_value"],
        local_moran("value", frame, weights=weights).units["p_value"],
    )


def test_ids_may_stand_in_the_index_and_be_called_otherwise():
    frame, weights = lattice(5)
    plain = local_moran("value", frame, weights=weights).units
    for keyed, unit in (
        (frame.set_index("unit_id"), "unit_id"),
        (frame.rename(columns={"unit_id": "county"}), "county"),
        (frame.set_index("unit_id").rename_axis(None), "unit_id"),
    ):
        pd.testing.assert_frame_equal(
            local_moran("value", keyed, weights=weights, unit=unit).units, plain
        )


def test_weights_by_nearest_neighbours_of_the_bundled_kind():
    import geopandas as gpd
    from shapely.geometry import Point

    frame, _ = lattice(5)
    at = [Point(100 + float(u[0]), 30 + float(u[1])) for u in frame["unit_id"]]
    towns = gpd.GeoDataFrame(index=frame["unit_id"], geometry=at, crs=4326)
    found = local_moran("value", frame, weights=knn_weights(towns, k=4))
    assert found.units["class"].isin(list(MORAN)).all()


@LAW
@given(
    order=st.permutations(range(25)),
    scale=st.floats(0.01, 1000),
    shift=st.floats(-1000, 1000),
)
def test_neither_the_order_of_rows_nor_the_unit_of_measure_matters(order, scale, shift):
    frame, weights = lattice(5)
    other = frame.assign(value=scale * frame["value"] + shift).iloc[list(order)]
    turned = weights.subset(list(weights.units[list(order)]))
    for function, options in (
        (local_moran, {}),
        (getis_ord, {"star": True}),
        (getis_ord, {"star": False}),
    ):
        first = function("value", frame, weights=weights, permutations=199, **options)
        again = function("value", other, weights=turned, permutations=199, **options)
        same = ["unit_id", "p_value", "class"]
        pd.testing.assert_frame_equal(first.units[same], again.units[same])
        np.testing.assert_allclose(
            first.units["statistic"], again.units["statistic"], rtol=1e-6, atol=1e-8
        )


@LAW
@given(values=st.lists(st.integers(0, 6), min_size=16, max_size=16))
def test_a_column_turned_over_swaps_high_and_low(values):
    frame, weights = lattice(4)
    if len(set(values)) == 1:
        return
    frame = frame.assign(value=[float(v) for v in values])
    turned = frame.assign(value=-frame["value"])
    spots = [
        getis_ord("value", f, weights=weights, permutations=199).units["class"]
        for f in (frame, turned)
    ]
    swap = {n: n.replace("Hot", "x").replace("Cold", "Hot").replace("x", "Cold")
            for n in GETIS_ORD}  # fmt: skip
    assert spots[0].map(swap).tolist() == spots[1].tolist()


def test_the_mean_of_local_is_global_when_rows_sum_to_1():
    frame, weights = lattice()
    found = local_moran("value", frame, weights=weights)
    mean = found.units["statistic"].mean()
    assert mean == pytest.approx(found.facts["morans_i"], rel=1e-12)
    known = found.tables["global"].iloc[0]
    assert known["expected"] == pytest.approx(-1 / 80)


def bad(frame, **changes):
    return frame.assign(**changes)


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("valu", {}, "column valu, which the table lacks. Did you mean 'value'"),
        ("value", {"value": np.nan}, "'value' must hold at least one value; all 25"),
        ("value", {"value": 3.0}, "'value' must differ between units; all 25 values"),
        ("value", {"value": "a"}, "'value' must hold numbers; it holds"),
        ("value", {"value": np.inf}, "'value' must be finite; 25 of 25 rows"),
        ("value", {"unit_id": "00"}, "one row a unit; 24 of 25 rows repeat one"),
        ("value", {"unit_id": [f"x{i}" for i in range(25)]},
         "Every unit must be in the weights; 25 of 25 rows break this (x0, x1"),
        ("value", {"unit_id": range(25)}, "unit ids must be text"),
        ("value", {"value": [1.0, 2.0, 3.0, *[np.nan] * 22]}, "at least 4 units"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("function", [local_moran, getis_ord])
def test_bad_columns_are_refused_by_name(function, column, change, message):
    frame, weights = lattice(5)
    with pytest.raises(InputError) as error:
        function(column, frame.assign(**change), weights=weights)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"permutations": 0}, "permutations must be a whole number, 1 or more"),
        ({"permutations": 9.5}, "permutations must be a whole number"),
        ({"seed": -1}, "seed must be a whole number, 0 or more"),
        ({"permutations": 20}, "at least permutations=39"),
        ({"alpha": 0}, "alpha must be between 0 and 1"),
        ({"unit": Sample(sampling_weight="value")}, "each of which counts once"),
        ({"unit": Sample(period="year")}, "column year, which the table lacks"),
        ({"unit": 5}, "unit must be a column name"),
        ({"weights": "near"}, "weights must be SpatialWeights"),
        ({"weights": SpatialWeights(["00", "01"], np.zeros((2, 2)))}, "in the weights"),
    ],
)
def test_bad_options_are_refused(options, message):
    frame, weights = lattice(5)
    with pytest.raises(InputError) as error:
        local_moran("value", frame, **{"weights": weights, **options})
    assert message in str(error.value)


def test_weights_without_links_and_missing_periods_are_refused():
    frame, weights = lattice(5)
    bare = SpatialWeights(weights.units, np.zeros((25, 25)))
    with pytest.raises(InputError, match="these weights have no link"):
        local_moran("value", frame, weights=bare)
    timed = frame.assign(year=[None, *[1990.0] * 24])
    with pytest.raises(InputError, match="Every row needs a period in 'year'"):
        local_moran("value", timed, weights=weights, unit=Sample(period="year"))
    flat = pd.concat([frame.assign(year=1990), frame.assign(year=2000, value=1.0)])
    with pytest.raises(InputError, match="all 25 values in 2000 are 1"):
        local_moran("value", flat, weights=weights, unit=Sample(period="year"))
    with pytest.raises(InputError, match="data must be a DataFrame; got Series"):
        local_moran("value", frame["value"], weights=weights)
    with pytest.raises(InputError, match="at least permutations=199"):
        getis_ord("value", frame, weights=weights, permutations=99)

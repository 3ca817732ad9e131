"""Places on roads: snapping, several points a unit, and the public function."""

import re
import sys
import types
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from builders import LAW, towns
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import Point, box

from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.numerics.distances import great_circle_km
from geopoverty.routing import (
    PopulationPoints,
    Roads,
    Snapping,
    read_roads,
    route_travel_times,
    snap_places,
)

STEP = 0.01  # degrees between nodes
# Streets of one minute make trips that look like hours.
pytestmark = pytest.mark.filterwarnings("ignore:Travel times must be in minutes")
SPHERE = 0.006  # the ellipsoid that places are tied on, against the sphere


def grid(side=6, minutes=1.0, west=20.0, south=45.0):
    """Return a square grid of streets as a table of edges with node coordinates."""
    x, y = (v.ravel() for v in np.meshgrid(np.arange(side), np.arange(side)))
    pairs = [
        (i, j)
        for i in range(side * side)
        for j in range(side * side)
        if abs(x[i] - x[j]) + abs(y[i] - y[j]) == 1
    ]
    one, other = np.array(pairs).T
    lon, lat = west + STEP * x, south + STEP * y
    table = {
        "from_node": one,
        "to_node": other,
        "minutes": minutes * (1 + (one * 7 + other) % 5),
        "from_lon": lon[one],
        "from_lat": lat[one],
        "to_lon": lon[other],
        "to_lat": lat[other],
    }
    return pd.DataFrame(table)


def villages(count=7, seed=0, side=6):
    """Return places within a grid, none at a node."""
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, STEP * (side - 1), size=(count, 2))
    names = [f"{(7 * i) % 97:02d}" for i in range(count)]
    return towns(*zip(20 + spots[:, 0], 45 + spots[:, 1], strict=True), names=names)


ROADS = read_roads(grid())
FEWER = settings(LAW, max_examples=15)


def by_scipy(places, roads, snapping):
    """Return the minutes by scipy's Dijkstra over the whole network."""
    report = snap_places(places, roads, snapping=snapping)
    graph = roads.graph
    table = csr_array((graph.minutes, graph.heads, graph.starts), shape=(graph.n,) * 2)
    node = roads.nodes.get_indexer(report["node"])
    access = report["access_minutes"].to_numpy()
    time = dijkstra(table, indices=node)[:, node] + access[:, None] + access
    same = node[:, None] == node
    lon, lat = report["lon"].to_numpy(), report["lat"].to_numpy()
    straight = great_circle_km(lon[:, None], lat[:, None], lon, lat)
    time[same] = 60 * straight[same] / snapping.access_kmh
    return time


@FEWER
@given(st.integers(2, 12), st.integers(0, 999), st.sampled_from([5.0, 20.0]))
def test_minutes_are_those_of_scipy_and_access(count, seed, kmh):
    places, roads = villages(count, seed), ROADS
    snapping = Snapping(access_kmh=kmh)
    times = route_travel_times(places, network=roads, snapping=snapping)
    np.testing.assert_allclose(
        times.matrix, by_scipy(places, roads, snapping), atol=1e-9
    )
    assert times.status == "routed"
    assert (np.diag(times.matrix) == 0).all()


@FEWER
@given(st.integers(3, 12), st.integers(0, 999), st.floats(2, 25))
def test_a_cutoff_keeps_the_short_trips_and_no_other(count, seed, cutoff):
    places, roads = villages(count, seed), ROADS
    whole = route_travel_times(places, network=roads)
    off = ~np.eye(count, dtype=bool)
    if not (whole.matrix[off] <= cutoff).any():
        with pytest.raises(InputError, match=f"No trip .* within {cutoff:g} minutes"):
            route_travel_times(places, network=roads, cutoff=cutoff)
        return
    part = route_travel_times(places, network=roads, cutoff=cutoff, workers=2)
    assert part.is_sparse
    held = part.matrix.toarray()
    near = off & (whole.matrix <= cutoff)
    np.testing.assert_allclose(held[near], whole.matrix[near])
    assert part.matrix.nnz == near.sum()
    assert f"Trips over {cutoff:g} minutes are left out." in part.notes


@FEWER
@given(st.integers(0, 999), st.randoms(use_true_random=False))
def test_the_order_of_places_does_not_matter(seed, random):
    places, roads = villages(9, seed), ROADS
    order = list(places.index)
    random.shuffle(order)
    one = route_travel_times(places, network=roads)
    other = route_travel_times(places.loc[order], network=roads, workers=1)
    np.testing.assert_array_equal(other.matrix, one.subset(order).matrix)


@pytest.mark.parametrize("few", [0, 1000])
def test_searches_and_hierarchies_agree(few, monkeypatch):
    monkeypatch.setattr("geopoverty.routing.minutes.FEW", few)
    places = villages(40, seed=8)
    times = route_travel_times(places, network=ROADS)
    np.testing.assert_allclose(
        times.matrix, by_scipy(places, ROADS, Snapping()), atol=1e-9
    )
    part = route_travel_times(places, network=ROADS, cutoff=8.0)
    off = ~np.eye(40, dtype=bool)
    near = off & (times.matrix <= 8)
    np.testing.assert_allclose(part.matrix.toarray()[near], times.matrix[near])
    assert part.matrix.nnz == near.sum()


def test_the_input_is_not_changed():
    places, table = villages(), grid()
    before, edges = places.copy(), table.copy()
    route_travel_times(places, network=table)
    assert places.equals(before)
    pd.testing.assert_frame_equal(table, edges)


def test_places_in_another_system_are_the_same_places():
    places, roads = villages(), read_roads(grid())
    one = route_travel_times(places, network=roads)
    other = route_travel_times(places.to_crs(32634), network=roads)
    np.testing.assert_allclose(other.matrix, one.matrix, atol=1e-5)


def test_places_at_one_node_are_joined_straight():
    places = towns((20.001, 45.0), (20.002, 45.0))
    times = route_travel_times(places, network=grid())
    apart = great_circle_km(20.001, 45.0, 20.002, 45.0)
    assert times.matrix[0, 1] == pytest.approx(60 * apart / 20)


def test_a_report_says_where_each_place_is_tied():
    places = towns(
        (20.0, 45.0), (20.001, 45.0), (20.0, 44.98), names=["on", "by", "off"]
    )
    report = snap_places(places, read_roads(grid())).set_index("unit_id")
    assert report["node"].tolist() == ["0", "0", "0"]
    assert report["state"].tolist() == ["near", "near", "far"]
    km = great_circle_km(report["lon"], report["lat"], 20.0, 45.0)
    np.testing.assert_allclose(report["km"], km, rtol=SPHERE, atol=1e-6)
    np.testing.assert_allclose(report["access_minutes"], 3 * report["km"])
    assert (report["weight"] == 1).all()


def test_notes_name_what_is_far_and_where_trips_end():
    places = gpd.GeoDataFrame(
        index=["x", "y"],
        geometry=[box(20, 45, 20.03, 45.03), box(20.03, 44.96, 20.05, 44.98)],
        crs=4326,
    )
    times = route_travel_times(places, network=grid())
    told = "\n".join(times.notes)
    assert "straight, at 20 km/h: median" in told
    assert re.search(r"1 of 2 points are over 1 km from a road \(y 3\.\d km\)", told)
    assert "Trips end at each unit's centre of area" in told


# --- places without a road ------------------------------------------------------


def test_places_beyond_the_tolerance_are_named_and_not_reached():
    places = towns((20.01, 45.0), (20.03, 45.0), (20.0, 45.2))
    message = r"1 of 3 points are not reached \(c 16\.7 km\): no road is within 5 km"
    with pytest.warns(GeoPovertyWarning) as seen:
        times = route_travel_times(places, network=grid())
    said = [str(w.message) for w in seen]
    assert any(re.search(message, s) for s in said)
    assert any("1 of 3 units reach no other" in s for s in said)
    assert np.isnan(times.matrix[[0, 2], [2, 0]]).all()
    assert times.matrix[0, 1] > 0
    assert any(re.search(message, n) for n in times.notes)
    report = snap_places(places, read_roads(grid()))
    assert report["state"].tolist() == ["near", "near", "beyond the tolerance"]
    wide = Snapping(tolerance_km=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = route_travel_times(places, network=grid(), snapping=wide)
    assert np.isfinite(near.matrix).all()


def test_some_places_with_swapped_coordinates_are_suspected():
    places = towns((20.01, 45.0), (20.03, 45.0), (45.02, 20.02))
    with pytest.warns(GeoPovertyWarning) as seen:
        route_travel_times(places, network=grid())
    hint = "1 of them would lie among the roads if longitude and latitude were swapped"
    assert any(hint in str(w.message) for w in seen)


def test_roads_of_another_region_are_refused_with_both_extents():
    places = towns((26.3, 47.6), (27.6, 47.2))
    message = (
        r"No place is within 5 km of a road: all 2 places \(a, b\) lie at longitude "
        r"26\.30 to 27\.60, latitude 47\.20 to 47\.60, the roads at longitude 20\.00 "
        r"to 20\.05, latitude 45\.00 to 45\.05\. Give the roads of the same region\."
    )
    with pytest.raises(InputError, match=message):
        route_travel_times(places, network=grid())
    with pytest.raises(InputError, match="No place is within 5 km"):
        snap_places(places, read_roads(grid()))


def test_swapped_coordinates_are_told():
    places = towns((45.01, 20.01), (45.03, 20.02))
    with pytest.raises(InputError, match="look swapped: swapped, they lie among the"):
        route_travel_times(places, network=grid())
    china = towns((31.2, 121.5), (39.9, 116.4))
    with pytest.raises(InputError, match=r"from 116\.40 to 121\.50.*look swapped"):
        route_travel_times(china, network=grid())


def with_scrap(table, east):
    """Add a piece of road to itself that leads nowhere."""
    scrap = {
        "from_node": [9001, 9002],
        "to_node": [9002, 9001],
        "minutes": 1.0,
        "from_lon": [east, east + 0.01],
        "to_lon": [east + 0.01, east],
        "from_lat": 45.0,
        "to_lat": 45.0,
    }
    return pd.concat([table, pd.DataFrame(scrap)], ignore_index=True)


def test_scraps_of_road_are_not_used():
    # 225 nodes, 2 in the scrap: under 1 %.
    table = with_scrap(grid(15), east=20.17)
    roads = read_roads(table)
    assert roads.joined.sum() == 225
    places = towns((20.01, 45.01), (20.1, 45.03), (20.17, 45.0))
    with pytest.warns(GeoPovertyWarning) as seen:
        route_travel_times(places, network=roads)
    cut = (
        r"1 of 3 points are not reached \(c 2\.\d km\): the roads near them do not lead"
    )
    assert any(re.search(cut, str(w.message)) for w in seen)
    assert snap_places(places, roads)["state"].tolist()[2] == "cut off"


def test_a_scrap_beside_a_road_does_not_matter():
    table = with_scrap(grid(15), east=20.0001)
    places = towns((20.0001, 45.0), (20.1, 45.03))
    report = snap_places(places, read_roads(table))
    assert report["node"].tolist()[0] == "0"
    assert report["state"].tolist() == ["near", "near"]


def test_a_large_island_keeps_its_own_roads():
    island = grid(4, west=20.5)
    island[["from_node", "to_node"]] += 1000
    both = read_roads(pd.concat([grid(), island], ignore_index=True))
    places = towns((20.0, 45.01), (20.03, 45.0), (20.5, 45.01), (20.52, 45.0))
    times = route_travel_times(places, network=both)
    reached = np.isfinite(times.matrix)
    assert reached.tolist() == np.kron(np.eye(2), np.ones((2, 2))).astype(bool).tolist()
    assert "8 of 12 pairs have no way." in times.notes


# --- what is refused ------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs one of network= .* got neither"),
        ({"network": "x.osm.pbf", "service": object()}, "got both"),
        ({"service": 1, "snapping": Snapping()}, "a service does that by itself"),
        ({"network": "x.osm.pbf", "cutoff": 0.0}, "cutoff must be minutes above 0"),
        ({"network": "x.osm.pbf", "cutoff": np.nan}, "cutoff must be minutes above 0"),
        ({"network": "x.osm.pbf"}, "There is no file 'x.osm.pbf'"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        route_travel_times(villages(), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance_km": 0.0, "far_km": 0.0}, "a tolerance above 0"),
        ({"tolerance_km": 1.0, "far_km": 2.0}, "far_km <= tolerance_km"),
        ({"tolerance_km": np.inf}, "far_km <= tolerance_km"),
        ({"access_kmh": 0.0}, "access_kmh must be above 0"),
    ],
)
def test_snapping_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        Snapping(**options)


def test_places_that_coincide_are_named():
    places = towns((20.0, 45.0), (20.02, 45.0), (20.0, 45.0))
    message = r"No two units may be at the same point; 2 of 3 share one \(a, c\)"
    with pytest.raises(InputError, match=message):
        route_travel_times(places, network=grid())


def test_ids_stand_once():
    places = towns((20.0, 45.0), (20.02, 45.0), names=["a", "a"])
    with pytest.raises(InputError, match="unit ids must be unique"):
        route_travel_times(places, network=grid())


def test_a_system_of_coordinates_is_needed():
    places = gpd.GeoDataFrame(index=["a", "b"], geometry=[Point(20, 45), Point(20, 46)])
    with pytest.raises(InputError, match="must say their coordinate system"):
        route_travel_times(places, network=grid())


# --- points of a unit -----------------------------------------------------------


def counties():
    return gpd.GeoDataFrame(
        index=["w", "e"],
        geometry=[box(19.9, 44.9, 20.025, 45.1), box(20.025, 44.9, 20.2, 45.1)],
        crs=4326,
    )


def test_administrative_centres_are_a_column():
    places = counties()
    places["seat"] = gpd.GeoSeries(
        [Point(20.0, 45.0), Point(20.05, 45.05)], index=places.index, crs=4326
    )
    times = route_travel_times(places, network=grid(), points="seat")
    plain = route_travel_times(
        towns((20.0, 45.0), (20.05, 45.05), names=["w", "e"]), network=grid()
    )
    np.testing.assert_array_equal(times.matrix, plain.matrix)
    assert "Trips end at 'seat'." in times.notes


def test_centres_that_are_none_are_refused():
    places = counties()
    places["seat"], places["town"] = gpd.GeoSeries(places.geometry), "x"
    with pytest.raises(InputError, match="'seat' must hold points; 2 of 2 units"):
        route_travel_times(places, network=grid(), points="seat")
    with pytest.raises(InputError, match="points='town' must be a column of points"):
        route_travel_times(places, network=grid(), points="town")
    with pytest.raises(InputError, match=r"points needs the column saet.*Did you mean"):
        route_travel_times(places, network=grid(), points="saet")
    places["seat"] = gpd.GeoSeries([Point(20, 45), None], index=places.index, crs=4326)
    with pytest.raises(InputError, match=r"Every unit needs a geometry; 1 of 2"):
        route_travel_times(places, network=grid(), points="seat")


def people(seed=3, each=25, **columns):
    """Return points of both counties, mixed, in no order."""
    rng = np.random.default_rng(seed)
    unit = rng.permutation(np.repeat(["w", "e", "elsewhere"], each))
    west = np.where(unit == "w", 20.0, 20.03)
    xy = rng.uniform(0, [0.02, 0.05], size=(3 * each, 2))
    given = {"unit_id": unit, "population": rng.integers(0, 900, 3 * each), **columns}
    return gpd.GeoDataFrame(
        given, geometry=gpd.points_from_xy(west + xy[:, 0], 45 + xy[:, 1]), crs=4326
    )


def test_minutes_between_people_are_weighted_means():
    points, roads = people(), read_roads(grid())
    times = route_travel_times(
        counties(), network=roads, points=PopulationPoints(points)
    )
    # By brute force: every point a place of its own.
    single = points.set_index(pd.Index([f"{i:03d}" for i in range(len(points))]))
    table = route_travel_times(single[["geometry"]], network=roads).matrix
    weight = points["population"].to_numpy()
    w, e = (np.flatnonzero(points["unit_id"] == u) for u in "we")
    for i, (one, other) in enumerate(((w, e), (e, w))):
        pairs = np.outer(weight[one], weight[other])
        mean = np.average(table[np.ix_(one, other)], weights=pairs)
        assert times.matrix[i, 1 - i] == pytest.approx(mean)
    assert any("means over all pairs of 50 population points" in n for n in times.notes)
    again = route_travel_times(
        counties(), network=roads, points=PopulationPoints(points), workers=1
    )
    np.testing.assert_array_equal(again.matrix, times.matrix)
    near = route_travel_times(
        counties(),
        network=roads,
        points=PopulationPoints(points),
        cutoff=float(np.max(times.matrix)),
    )
    assert near.matrix.nnz == 2


def test_a_unit_of_many_points_is_done_in_blocks():
    # 150 points a unit are five blocks of sources; the mean must not notice.
    points = people(each=150)
    given = {"network": ROADS, "points": PopulationPoints(points)}
    times = route_travel_times(counties(), **given)
    few = points[points["unit_id"] != "elsewhere"]
    single = few.set_index(pd.Index([f"{i:03d}" for i in range(len(few))]))
    table = route_travel_times(single[["geometry"]], network=ROADS).matrix
    weight = few["population"].to_numpy()
    w, e = (np.flatnonzero(few["unit_id"] == u) for u in "we")
    pairs = np.outer(weight[w], weight[e])
    mean = np.average(table[np.ix_(w, e)], weights=pairs)
    assert times.matrix[0, 1] == pytest.approx(mean)


def test_one_point_may_stand_for_all():
    points = people()
    times = route_travel_times(
        counties(), network=grid(), points=PopulationPoints(points, summary="centre")
    )
    report = snap_places(
        counties(),
        read_roads(grid()),
        points=PopulationPoints(points, summary="centre"),
    )
    for unit, row in report.set_index("unit_id").iterrows():
        own = points[points["unit_id"] == unit]
        x, y = own.geometry.x.to_numpy(), own.geometry.y.to_numpy()
        middle = [np.average(v, weights=own["population"]) for v in (x, y)]
        apart = great_circle_km(x, y, *middle)
        assert (row["lon"], row["lat"]) == (x[apart.argmin()], y[apart.argmin()])
    assert any("nearest to the centre of its population" in n for n in times.notes)


def test_people_without_a_road_count_until_they_are_half():
    points = people(each=4)
    points["population"] = 1
    # One of four points of "w" is off every road, then three.
    of_w = points.index[points["unit_id"] == "w"]
    points.loc[of_w[:1], "geometry"] = Point(25, 50)
    given = {"network": grid(), "points": PopulationPoints(points)}
    with pytest.warns(GeoPovertyWarning, match=r"1 of 8 points .*\(w point \d"):
        times = route_travel_times(counties(), **given)
    assert np.isfinite(times.matrix).all()
    points.loc[of_w[:3], "geometry"] = Point(25, 50)
    with (
        pytest.warns(GeoPovertyWarning, match="3 of 8 points"),
        pytest.raises(InputError, match=r"No two of the 2 places .*\(w, e\)"),
    ):
        route_travel_times(counties(), network=grid(), points=PopulationPoints(points))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"population": -1}, "'population' must be a number of people, at least 0; 50"),
        ({"population": np.nan}, "'population' must be a number of people"),
        ({"population": 0}, "Somebody must live in every unit; 2 of 2 units"),
        ({"unit_id": "w"}, r"Every unit needs a population point; 1 of 2 .*\(e\)"),
        ({"unit_id": 7}, "unit ids must be text"),
    ],
)
def test_people_that_cannot_be(change, message):
    points = PopulationPoints(people(**change))
    with pytest.raises(InputError, match=message):
        route_travel_times(counties(), network=grid(), points=points)


def test_population_points_need_their_columns():
    with pytest.raises(InputError, match="PopulationPoints needs the column people"):
        PopulationPoints(people(), weight="people")
    with pytest.raises(InputError, match="summary must be one of 'mean', 'centre'"):
        PopulationPoints(people(), summary="median")
    with pytest.raises(InputError, match="must be a GeoDataFrame"):
        PopulationPoints(pd.DataFrame(people()))


# --- services -------------------------------------------------------------------


@pytest.fixture
def service(monkeypatch):
    """Stand in for the room of services: it answers with straight lines."""

    def table_from_service(units, lon, lat, asked):
        km = great_circle_km(lon[:, None], lat[:, None], lon, lat)
        seen.append((list(units), asked))
        minutes = km + 0.5 * (km > 0)
        return types.SimpleNamespace(
            minutes=minutes, notes=("Asked.",), attrs={"source": "a service"}
        )

    seen = []
    room = types.ModuleType("geopoverty.routing.services")
    room.table_from_service = table_from_service
    monkeypatch.setitem(sys.modules, "geopoverty.routing.services", room)
    return seen


def test_a_service_is_asked_for_the_places(service):
    places = villages(4)
    times = route_travel_times(places, service="whom")
    assert service == [(places.index.tolist(), "whom")]
    assert times.status == "routed"
    assert times.notes[0] == "Asked."
    assert times.attrs["source"] == "a service"
    near = route_travel_times(places, service="whom", cutoff=3.0)
    off = ~np.eye(4, dtype=bool)
    assert near.matrix.nnz == (times.matrix[off] <= 3).sum()


def test_a_service_is_asked_for_every_point_of_people(service):
    points = people(each=3)
    times = route_travel_times(
        counties(), service="whom", points=PopulationPoints(points)
    )
    assert service[0][0][:2] == ["w point 1", "w point 2"]
    assert np.isfinite(times.matrix).all()
    assert times.n == 2


def test_a_network_shows_what_it_is():
    roads = read_roads(grid())
    assert repr(roads) == (
        "Roads: 36 nodes, 120 directed ways; 100.0 % of the nodes are well joined; "
        "longitude 20.00 to 20.05, latitude 45.00 to 45.05"
    )
    assert isinstance(roads, Roads)

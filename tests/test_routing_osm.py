"""Roads of OpenStreetMap: a small extract made here, the real one of Liechtenstein."""

import builtins
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from builders import towns
from pbf_files import write_pbf
from pyproj import Geod
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geopoverty.errors import GeoPovertyWarning, InputError, MissingExtraError
from geopoverty.routing import (
    EdgeColumns,
    SpeedProfile,
    read_roads,
    route_travel_times,
    snap_places,
)

# Not part of the repository: (c) OpenStreetMap contributors, ODbL 1.0.
LIECHTENSTEIN = (
    Path(__file__).parents[2]
    / "shared/data/public/travel_matrices/liechtenstein-latest.osm.pbf"
)
# pyrosm rounds lengths to millimetres, and measures on a sphere.
LENGTHS = 0.007

# A crossroads at 0 degrees, 0.01 degrees (1.11 km) from node to node; an island in the
# east (8, 9) with a ferry from 3.
NODES = {
    1: (0.00, 0.0),
    2: (0.01, 0.0),
    3: (0.02, 0.0),
    4: (0.01, 0.01),
    5: (0.01, -0.01),
    6: (0.02, 0.01),
    7: (0.03, 0.01),
    8: (0.10, 0.0),
    9: (0.11, 0.0),
}
WAYS = {
    10: ((1, 2, 3), {"highway": "primary", "maxspeed": "60"}),
    11: ((2, 4), {"highway": "residential", "oneway": "yes"}),
    12: (
        (5, 2),
        {"highway": "secondary", "maxspeed:backward": "25", "zone:traffic": "CH:rural"},
    ),
    13: ((4, 6), {"highway": "track"}),
    14: ((3, 6), {"highway": "residential", "access": "private"}),
    15: ((7, 6), {"highway": "residential", "maxspeed": "fast"}),
    16: ((3, 8), {"route": "ferry", "duration": "00:30"}),
    17: ((8, 9), {"highway": "residential"}),
    18: ((4, 1), {"highway": "tertiary", "oneway": "-1"}),
    19: ((4, 1), {"highway": "footway"}),
    20: ((1, 5), {"building": "yes"}),
}


@pytest.fixture
def extract(tmp_path):
    return write_pbf(tmp_path / "small.osm.pbf", NODES, WAYS)


def km(one, other):
    return Geod(ellps="WGS84").inv(*NODES[one], *NODES[other])[2] / 1000


def ways_of(roads):
    ends = zip(roads.nodes[roads.start], roads.nodes[roads.end], strict=True)
    return dict(zip(ends, roads.minutes, strict=True))


def test_each_way_has_its_speed_and_direction(extract):
    made = ways_of(read_roads(extract))
    kmh = {
        (1, 2): 60,
        (2, 1): 60,
        (2, 3): 60,
        (3, 2): 60,
        (2, 4): 30,  # one-way, by class
        (5, 2): 80,  # a kind of limit
        (2, 5): 25,
        (7, 6): 30,  # a limit that cannot be read
        (6, 7): 30,
        (8, 9): 30,
        (9, 8): 30,
        (1, 4): 40,  # one-way against its direction
    }
    assert set(made) == set(kmh)
    for pair, speed in kmh.items():
        assert made[pair] == pytest.approx(60 * km(*pair) / speed, rel=LENGTHS)


def test_notes_say_what_was_assumed(extract):
    roads = read_roads(extract, speeds=SpeedProfile(factor=0.8))
    first, strange, credit = roads.notes
    assert "driven at 80 % of it" in first
    assert (
        "37 % of the pieces of road have a posted limit" in first or "posted" in first
    )
    assert "turn restrictions are not read" in first
    assert strange.endswith("counts: fast.")
    assert credit == "(c) OpenStreetMap contributors, ODbL 1.0."
    assert roads.attrs["status"] == "routed"


def test_a_share_of_the_speed_makes_every_way_longer(extract):
    full, slow = (read_roads(extract, speeds=SpeedProfile(factor=f)) for f in (1, 0.8))
    np.testing.assert_allclose(slow.minutes, full.minutes / 0.8)


def test_ferries_are_an_option(extract):
    without, with_ = read_roads(extract), read_roads(extract, ferries=True)
    extra = set(ways_of(with_)) - set(ways_of(without))
    assert extra == {(3, 8), (8, 3)}
    assert ways_of(with_)[3, 8] == pytest.approx(30)
    assert any("Ferries are taken (1 pieces" in note for note in with_.notes)
    assert not any("Ferries" in note for note in without.notes)


def test_crossings_share_their_minutes_by_length_or_take_a_speed(tmp_path):
    ferry = {"route": "ferry", "duration": "1:00"}
    ways = {
        1: ((1, 2), {"highway": "primary"}),
        2: ((2, 3, 8), ferry),
        3: ((3, 6), {"route": "ferry"}),
        4: ((6, 7), {"route": "ferry", "motor_vehicle": "no"}),
    }
    path = write_pbf(tmp_path / "ferries.osm.pbf", NODES, ways)
    made = ways_of(read_roads(path, ferries=True))
    assert made[2, 3] + made[3, 8] == pytest.approx(60)
    assert made[2, 3] / made[3, 8] == pytest.approx(1 / 8, rel=1e-3)
    assert made[3, 6] == pytest.approx(60 * km(3, 6) / 20, rel=LENGTHS)
    assert (6, 7) not in made


def test_more_classes_can_be_driven(extract):
    profile = SpeedProfile(by_class={"primary": 50, "track": 10})
    made = ways_of(read_roads(extract, speeds=profile))
    assert set(made) == {(1, 2), (2, 1), (2, 3), (3, 2), (4, 6), (6, 4)}


def test_no_more_is_read_than_was_asked_for(extract):
    part = read_roads(extract, within=(-0.005, -0.005, 0.025, 0.005))
    assert (1, 2) in ways_of(part)
    assert (8, 9) not in ways_of(part)


def test_no_trip_begins_on_a_motorway(tmp_path):
    ways = {
        1: ((1, 2, 3), {"highway": "motorway", "oneway": "no"}),
        2: ((3, 6, 7), {"highway": "residential"}),
    }
    roads = read_roads(write_pbf(tmp_path / "motorway.osm.pbf", NODES, ways))
    assert roads.nodes[roads.entered].tolist() == [3, 6, 7]
    report = snap_places(towns((0.01, 0.001)), roads)
    assert report["node"].tolist() == [3]


def test_an_island_is_cut_off_until_ferries_go(extract):
    places = towns((0.0, 0.0), (0.02, 0.0001), (0.101, 0.0), names=["w", "c", "isle"])
    alone = r"1 of 3 units reach no other and are reached by none \(isle\).*ferries"
    with pytest.warns(GeoPovertyWarning, match=alone):
        times = route_travel_times(places, network=read_roads(extract))
    np.testing.assert_array_equal(
        np.isnan(times.matrix), [[False, False, True]] * 2 + [[True, True, False]]
    )
    assert "4 of 6 pairs have no way." in times.notes
    ferry = route_travel_times(places, network=read_roads(extract, ferries=True))
    # Road, crossing, and the straight line from the nearest node on land.
    straight = 60 * 1.113 * 0.1 / 20
    north = 60 * 0.0111 / 20
    assert ferry.matrix[1, 2] == pytest.approx(30 + straight + north, rel=0.01)
    assert not any("no way" in note for note in ferry.notes)


# --- files that are none --------------------------------------------------------


def broken(tmp_path, content):
    path = tmp_path / "broken.osm.pbf"
    path.write_bytes(content)
    return path


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"There is no file '.*none\.osm\.pbf'"):
        read_roads(tmp_path / "none.osm.pbf")


@pytest.mark.parametrize(
    "content", [b"", b"hello\n" * 99, b"\0\0\0\x04\x0a\xff\xff\xff"]
)
def test_what_is_no_pbf_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="is no OpenStreetMap PBF"):
        read_roads(broken(tmp_path, content))


def test_a_file_that_was_cut_short_says_where(extract, tmp_path):
    whole = extract.read_bytes()
    with pytest.raises(
        InputError, match=r"is cut short: it has [\d,]+ bytes, its last"
    ):
        read_roads(broken(tmp_path, whole[:-20]))
    with pytest.raises(InputError, match="is damaged: no block begins at byte"):
        read_roads(broken(tmp_path, whole + b"more"))


def test_a_damaged_block_is_refused(extract, tmp_path):
    content = bytearray(extract.read_bytes())
    content[-40:-20] = b"x" * 20
    with pytest.raises(InputError, match="is damaged: it cannot be decoded"):
        read_roads(broken(tmp_path, bytes(content)))


def test_an_extract_without_roads_says_so(tmp_path):
    path = write_pbf(tmp_path / "houses.osm.pbf", NODES, {20: WAYS[20]})
    with pytest.raises(InputError, match="holds no road of the classes motorway, "):
        read_roads(path)


def test_an_extract_of_roads_that_are_closed_says_so(tmp_path):
    path = write_pbf(tmp_path / "closed.osm.pbf", NODES, {14: WAYS[14]})
    with pytest.raises(InputError, match="has no way for cars"):
        read_roads(path)


def test_nothing_is_left_behind(extract, tmp_path, monkeypatch):
    left = tmp_path / "temporary"
    left.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(left))
    read_roads(extract)
    assert not [p for p in left.rglob("*") if p.is_file()]


def test_without_pyrosm_the_extra_is_named(extract, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyrosm"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'geopoverty\[routing\]'"):
        read_roads(extract)


@pytest.mark.parametrize(
    "options", [{"columns": EdgeColumns()}, {"nodes": "nodes.csv"}, {"crs": 4326}]
)
def test_options_of_tables_do_nothing_for_extracts(extract, options):
    name = next(iter(options))
    with pytest.raises(InputError, match=f"{name} applies to a table of edges only"):
        read_roads(extract, **options)


@pytest.mark.parametrize("box", [(1, 0, 0, 1), (0, 95, 1, 99), (0, 1, 1, np.nan)])
def test_a_box_is_west_south_east_and_north(extract, box):
    with pytest.raises(InputError, match="within must be west, south, east and north"):
        read_roads(extract, within=box)


# --- the real extract ------------------------------------------------------------

# Municipal seats, degrees, as OpenStreetMap has them (two decimals of a minute).
SEATS = {
    "Vaduz": (9.5215, 47.1393),
    "Schaan": (9.5096, 47.1650),
    "Balzers": (9.5025, 47.0667),
    "Triesen": (9.5281, 47.1068),
    "Triesenberg": (9.5423, 47.1186),
    "Eschen": (9.5222, 47.2110),
    "Mauren": (9.5447, 47.2188),
    "Ruggell": (9.5275, 47.2383),
    "Gamprin": (9.5094, 47.2203),
    "Schellenberg": (9.5460, 47.2310),
    "Planken": (9.5444, 47.1853),
}


def test_liechtenstein():
    if not LIECHTENSTEIN.is_file():
        return  # the extract is not part of the repository
    places = gpd.GeoDataFrame(
        index=list(SEATS),
        geometry=gpd.points_from_xy(*zip(*SEATS.values(), strict=True)),
    ).set_crs(4326)
    roads = read_roads(LIECHTENSTEIN, speeds=SpeedProfile(country="LI"))
    assert roads.joined.mean() > 0.95
    times = route_travel_times(places, network=roads)
    assert times.minutes().size == 110
    report = snap_places(places, roads).set_index("unit_id")
    assert set(report["state"]) == {"near"}
    # scipy's Dijkstra over the whole network, between the same nodes.
    graph = roads.graph
    table = csr_array((graph.minutes, graph.heads, graph.starts), shape=(graph.n,) * 2)
    node = roads.nodes.get_indexer(report["node"])
    access = report["access_minutes"].to_numpy()
    there = dijkstra(table, indices=node)[:, node] + access[:, None] + access
    np.fill_diagonal(there, 0)
    np.testing.assert_allclose(times.matrix, there, atol=1e-9)
    minutes = pd.DataFrame(times.matrix, times.units, times.units)
    # Balzers to Ruggell: 26 km from one end of the country to the other.
    assert 22 < minutes.loc["Balzers", "Ruggell"] < 40
    assert 3 < minutes.loc["Vaduz", "Schaan"] < 8
    abroad = gpd.GeoDataFrame(
        index=["Suceava", "Iasi"],
        geometry=gpd.points_from_xy([26.3, 27.6], [47.6, 47.2]),
        crs=4326,
    )
    with pytest.raises(InputError, match=r"No place is within 5 km .*the same region"):
        route_travel_times(abroad, network=roads)

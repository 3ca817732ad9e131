"""Roads from tables of edges: what is read, what is refused, what is warned of."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from known import REFERENCE
from shapely.geometry import LineString, MultiLineString

from geopoverty.data.chile import coquimbo_travel_times
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.routing import EdgeColumns, SpeedProfile, read_roads

MILE = 1.609344
# Three nodes in a row, 0.01 degrees (1,113 m on the equator) apart.
LON = {"a": 0.0, "b": 0.01, "c": 0.02}


def nodes(**columns):
    given = {"node": list(LON), "lon": list(LON.values()), "lat": [0.0] * 3}
    return pd.DataFrame({**given, **columns})


def edges(**columns):
    """Return a to b, b to a, b to c: 1,200 m at 60 km/h."""
    given = {
        "from_node": list("abb"),
        "to_node": list("bac"),
        "length": [1200.0] * 3,
        "speed": [60.0] * 3,
    }
    table = pd.DataFrame({**given, **columns})
    return table.dropna(axis=1, how="all")


def ways_of(roads):
    ends = zip(roads.nodes[roads.start], roads.nodes[roads.end], strict=True)
    return dict(zip(ends, roads.minutes.round(9), strict=True))


EXPECTED = {("a", "b"): 1.2, ("b", "a"): 1.2, ("b", "c"): 1.2}


def test_lengths_over_speeds_are_minutes():
    roads = read_roads(edges(), nodes=nodes())
    assert ways_of(roads) == EXPECTED
    assert roads.entered.all()
    assert roads.notes == (
        "Minutes of driving from a table of edges: 'length' (m) over 'speed' (km/h); "
        "each row is one direction.",
    )


def test_the_input_is_not_changed():
    table, points = edges(), nodes()
    read_roads(table, nodes=points)
    pd.testing.assert_frame_equal(table, edges())
    pd.testing.assert_frame_equal(points, nodes())


def test_columns_and_units_have_names():
    table = edges(length=[1.2 / MILE] * 3, speed=[60 / MILE] * 3).rename(
        columns={"from_node": "u", "to_node": "v", "length": "miles", "speed": "mph"}
    )
    columns = EdgeColumns(
        "u", "v", length="miles", speed="mph", length_unit="mi", speed_unit="mph"
    )
    assert ways_of(read_roads(table, nodes=nodes(), columns=columns)) == EXPECTED
    metres = edges(speed=[60 / 3.6] * 3)
    slow = EdgeColumns(speed_unit="m/s")
    assert ways_of(read_roads(metres, nodes=nodes(), columns=slow)) == EXPECTED


def test_speeds_may_be_text_with_their_own_unit():
    table = edges(speed=["60", f"{60 / MILE:.6f} mph", "60 km/h"])
    made = ways_of(read_roads(table, nodes=nodes()))
    assert made == pytest.approx(EXPECTED)


def test_minutes_count_before_lengths_over_speeds():
    roads = read_roads(edges(minutes=[1.0, 2.0, 3.0]), nodes=nodes())
    assert list(ways_of(roads).values()) == [1, 2, 3]
    assert "its column 'minutes'" in roads.notes[0]


def test_a_factor_slows_what_is_computed():
    roads = read_roads(edges(), nodes=nodes(), speeds=SpeedProfile(factor=0.8))
    np.testing.assert_allclose(roads.minutes, 1.5)
    assert "x 0.8" in roads.notes[0]


@pytest.mark.parametrize(
    "marks", [["no", "yes", "-1"], [0, 1, -1], [False, True, "-1"], [0.0, 1.0, -1.0]]
)
def test_oneway_says_which_directions_are_driven(marks):
    table = edges(from_node=list("abc"), to_node=list("bcb"), oneway=marks)
    made = ways_of(read_roads(table, nodes=nodes()))
    assert set(made) == {("a", "b"), ("b", "a"), ("b", "c")}


def test_lines_give_coordinates_in_any_system():
    lines = gpd.GeoDataFrame(
        edges(),
        geometry=[
            LineString([(0, 0), (0.005, 0.001), (0.01, 0)]),
            LineString([(0.01, 0), (0, 0)]),
            LineString([(0.01, 0), (0.02, 0)]),
        ],
        crs=4326,
    )
    for table in (lines, lines.to_crs(3857)):
        roads = read_roads(table)
        assert ways_of(roads) == EXPECTED
        np.testing.assert_allclose(roads.lon, [0, 0.01, 0.02], atol=1e-9)
        np.testing.assert_allclose(roads.lat, 0, atol=1e-9)


def test_nodes_may_be_points_in_any_system():
    points = gpd.GeoDataFrame(
        {"node": list(LON)},
        geometry=gpd.points_from_xy([0, 0.01, 0.02], [0] * 3),
        crs=4326,
    )
    for table in (points.to_crs(32631), points.set_index("node")):
        roads = read_roads(edges(), nodes=table)
        np.testing.assert_allclose(roads.lon, [0, 0.01, 0.02], atol=1e-9)


def test_files_of_every_kind_give_the_same(tmp_path):
    nodes().to_csv(tmp_path / "nodes.csv", index=False)
    edges().to_csv(tmp_path / "edges.csv", index=False)
    edges().to_parquet(tmp_path / "edges.parquet")
    lines = gpd.GeoDataFrame(
        edges(),
        geometry=[LineString([(LON[a], 0), (LON[b], 0)]) for a, b in EXPECTED],
        crs=4326,
    )
    lines.to_parquet(tmp_path / "lines.parquet")
    lines.to_file(tmp_path / "lines.gpkg")
    for name, given in {
        "edges.csv": tmp_path / "nodes.csv",
        "edges.parquet": tmp_path / "nodes.csv",
        "lines.parquet": None,
        "lines.gpkg": None,
    }.items():
        assert ways_of(read_roads(tmp_path / name, nodes=given)) == EXPECTED


def test_ids_are_the_same_as_numbers_and_as_text():
    table = edges(from_node=[1, 2, 2], to_node=[2.0, 1.0, 3.0])
    made = read_roads(table, nodes=nodes(node=["1", "2", "3"]))
    assert made.nodes.tolist() == ["1", "2", "3"]


def test_ids_in_files_keep_their_zeros(tmp_path):
    table = edges(from_node=["01", "02", "02"], to_node=["02", "01", "03"])
    table.to_csv(tmp_path / "edges.csv", index=False)
    made = read_roads(tmp_path / "edges.csv", nodes=nodes(node=["01", "02", "03"]))
    assert made.nodes.tolist() == ["01", "02", "03"]


# --- what is refused ------------------------------------------------------------


def refused(message, table=None, points=None, **options):
    with pytest.raises(InputError, match=message):
        read_roads(
            edges() if table is None else table,
            nodes=nodes() if points is None else points,
            **options,
        )


@pytest.mark.parametrize("column", ["length", "speed", "minutes"])
@pytest.mark.parametrize("bad", [0.0, -3.0, np.nan, np.inf])
def test_lengths_speeds_and_minutes_are_above_0(column, bad):
    table = edges(**{column: [1200.0, bad, 1200.0]})
    refused(
        rf"The {column} of an edge \('{column}'\) must be a number above 0; 1 of 3 "
        r"edges break this \(1\)\. Correct or drop these edges\.",
        table,
    )


def test_a_speed_that_cannot_be_read_is_refused():
    refused("The speed of an edge .* 1 of 3", edges(speed=["60", "fast", "50 km/h"]))


def test_unknown_nodes_are_named():
    refused(
        r"must begin and end at a known node; 2 of 3 edges break this \(z, z\)",
        edges(from_node=list("azz")),
    )
    refused(
        "'to_node' must name a node in every row; 1 of 3",
        edges(to_node=["b", None, "c"]),
    )


def test_repeated_nodes_are_named():
    refused(
        r"Each node must stand once; 1 rows repeat one \(a\)",
        points=nodes(node=["a", "a", "c"]),
    )


@pytest.mark.parametrize(("lon", "lat"), [(500_000.0, 0.0), (0.0, 95.0), (np.nan, 0.0)])
def test_metres_are_no_degrees(lon, lat):
    refused(
        r"must be degrees of longitude and latitude; 1 of 3 nodes break this \(a\)",
        points=nodes(lon=[lon, 0.01, 0.02], lat=[lat, 0.0, 0.0]),
    )


def test_missing_columns_are_named():
    refused(
        "A table of edges needs the column from_node", edges().drop(columns="from_node")
    )
    refused("needs the column speed", edges().drop(columns="speed"))
    refused(
        "A table of nodes needs the column node", points=nodes().drop(columns="node")
    )
    refused("A table of nodes needs the column lat", points=nodes().drop(columns="lat"))
    with pytest.raises(InputError, match="The roads need coordinates: give nodes="):
        read_roads(edges())


def test_a_system_that_is_not_known_is_refused():
    lines = gpd.GeoDataFrame(edges(), geometry=[LineString([(0, 0), (0.01, 0)])] * 3)
    with pytest.raises(InputError, match="The edges must say their coordinate system"):
        read_roads(lines)
    assert len(read_roads(lines, crs=4326).nodes) == 3


def test_lines_in_parts_are_refused():
    parts = MultiLineString([[(0, 0), (0.01, 0)], [(0.02, 0), (0.03, 0)]])
    table = gpd.GeoDataFrame(edges(), geometry=[parts] * 3, crs=4326)
    with pytest.raises(InputError, match="must be one line; 3 of 3 edges"):
        read_roads(table)


def test_strange_marks_of_one_ways_are_refused():
    refused(
        "'oneway' must be yes, no or -1; 1 of 3", edges(oneway=["yes", "no", "maybe"])
    )


def test_an_empty_table_has_no_roads():
    refused("The table of edges is empty", edges().iloc[:0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length_unit": "miles"}, "length_unit must be one of 'm', 'km', 'mi'"),
        ({"speed_unit": "kph"}, "speed_unit must be one of 'km/h'"),
        ({"minutes": None}, "needs names of columns"),
    ],
)
def test_columns_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        EdgeColumns(**options)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_roads(tmp_path / "none.parquet")
    (tmp_path / "roads.xlsx").write_text("x")
    with pytest.raises(
        InputError, match=r"The roads are read from .* ends in '\.xlsx'"
    ):
        read_roads(tmp_path / "roads.xlsx")
    for name in ("bad.parquet", "bad.gpkg"):
        (tmp_path / name).write_text("no table")
        with pytest.raises(InputError, match="cannot be read"):
            read_roads(tmp_path / name)


@pytest.mark.parametrize("options", [{"ferries": True}, {"within": (0, 0, 1, 1)}])
def test_options_of_extracts_do_nothing_for_tables(options):
    name = next(iter(options))
    refused(f"{name} applies to an OpenStreetMap extract only", **options)


# --- what is warned of ------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "unit", "hint"),
    [(1.2, "m", "km"), (1200.0, "km", "m"), (0.75, "km", "mi"), (0.75, "m", "mi")],
)
def test_lengths_in_another_unit_are_suspected(length, unit, hint):
    table = edges(length=[length] * 3)
    columns = EdgeColumns(length_unit=unit)
    message = f"length_unit='{unit}'.*length_unit='{hint}' would fit"
    with pytest.warns(GeoPovertyWarning, match=message):
        read_roads(table, nodes=nodes(), columns=columns)


@pytest.mark.parametrize(("minutes", "unit"), [(70.0, "seconds"), (0.02, "hours")])
def test_minutes_in_another_unit_are_suspected(minutes, unit):
    table = edges(minutes=[minutes] * 3).drop(columns=["length", "speed"])
    with pytest.warns(GeoPovertyWarning, match=f"their minutes look like {unit}"):
        read_roads(table, nodes=nodes())


@pytest.mark.parametrize(
    ("factor", "words"), [(MILE, "taken for mph"), (1 / MILE, "taken for km/h")]
)
def test_miles_and_kilometres_an_hour_are_told_apart(factor, words):
    table = edges(minutes=[1.2 * factor] * 3)
    with pytest.warns(GeoPovertyWarning, match=words):
        read_roads(table, nodes=nodes())


def test_speeds_faster_than_any_car_are_suspected():
    with pytest.warns(GeoPovertyWarning, match=r"median of 216 km/h .* Check the unit"):
        read_roads(edges(), nodes=nodes(), columns=EdgeColumns(speed_unit="m/s"))


# --- a real network -----------------------------------------------------------------


def test_coquimbo_is_as_it_was_routed_before():
    # Made by routing_coquimbo.py with this package; the bundled minutes by scipy.
    stored = json.loads((REFERENCE / "routing_coquimbo.json").read_text())
    assert stored["links"] == 34272
    before = coquimbo_travel_times().subset(stored["units"])
    rows = before.units.get_indexer(stored["rows"])
    now, then = np.array(stored["minutes"]), before.matrix[rows]
    off = np.arange(before.n) != rows[:, None]
    np.testing.assert_allclose(now[off], then[off], rtol=1e-3)
    # Zones at one node are joined straight, where that is quicker.
    assert stored["pairs_off_by_1_percent"] <= 6
    assert max(stored["ratio_quantiles"]) < 1.001

"""Boundaries from any source: checked, indexed by unit, and never converted."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from builders import squares, towns
from pyproj import Geod
from shapely.geometry import MultiPolygon, Point, Polygon, box

from geopoverty.data import boundaries as rooms
from geopoverty.data.boundaries import centres, read_boundaries
from geopoverty.data.catalog import us_counties
from geopoverty.errors import InputError

BOW_TIE = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


def table(n=3, **columns):
    return squares(n).reset_index().assign(**columns)


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


# --- what is read --------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["parquet", "geoparquet", "gpkg", "geojson", "shp"])
def test_a_file_of_any_format_gives_the_same_table(tmp_path, suffix):
    source = table(poverty=[0.25, 0.5, 0.125])
    path = tmp_path / f"counties.{suffix}"
    if "parquet" in suffix:
        source.to_parquet(path)
    else:
        source.to_file(path)
    for given in (path, str(path)):
        found = read_boundaries(given)
        assert found.index.name == "unit_id"
        assert list(found.index) == list(source["unit_id"])
        assert set(found.columns) == {"poverty", "geometry"}
        assert found["poverty"].tolist() == [0.25, 0.5, 0.125]
        assert found.crs == source.crs
        assert found.geometry.geom_equals(source.set_index("unit_id").geometry).all()


def test_units_may_be_a_column_or_the_index_of_any_name():
    source = table().rename(columns={"unit_id": "code"})
    source.attrs["title"] = "Counties"
    by_column = read_boundaries(source, unit_id="code")
    by_index = read_boundaries(source.set_index("code"), unit_id="code")
    assert list(by_column.index) == list(by_index.index) == list(source["code"])
    assert by_column.index.name == by_index.index.name == "unit_id"
    assert list(by_column.columns) == list(by_index.columns) == ["geometry"]
    assert by_column.attrs == {"title": "Counties"}
    assert list(source.columns) == ["code", "geometry"]  # the input stays as it was
    assert list(source.index) == [0, 1, 2]


def test_a_geometry_of_another_name_stays_the_geometry():
    found = read_boundaries(table().rename_geometry("shape"))
    assert found.geometry.name == "shape"


def test_reading_what_was_read_changes_nothing():
    once = read_boundaries(table())
    assert read_boundaries(once).equals(once)


# --- ids -----------------------------------------------------------------------


def test_missing_ids_are_refused():
    with refused("The boundaries: every row needs a unit id; 1 of 3 rows have none"):
        read_boundaries(table(unit_id=["01", None, "03"]))


def test_repeated_ids_are_refused():
    with refused("unit ids must be unique; 1 of 2 ids stand more than once (01). Drop"):
        read_boundaries(table(unit_id=["01", "01", "03"]))


def test_ids_read_as_integers_are_refused_with_the_repair(tmp_path):
    source = table(unit_id=[1001, 1003, 1005])
    source.to_file(tmp_path / "counties.geojson")
    for given in (source, tmp_path / "counties.geojson"):
        with refused("(1001, 1003, 1005), so leading zeros are lost") as caught:
            read_boundaries(given)
        assert "repair it: ids.astype(str).str.zfill(width)" in str(caught.value)


def test_a_missing_id_column_is_named_with_the_nearest():
    with refused(
        "unit_id needs the column unit_d, which the table lacks. Did you mean"
    ):
        read_boundaries(table(), unit_id="unit_d")


# --- geometry ------------------------------------------------------------------


@pytest.mark.parametrize("shape", [None, Polygon(), MultiPolygon()])
def test_missing_and_empty_geometry_is_refused(shape):
    source = table()
    source.loc[1, "geometry"] = shape
    with refused("Every unit needs a geometry; 1 of 3 units break this (010). Drop"):
        read_boundaries(source)


def test_invalid_geometry_is_refused_and_the_way_out_works():
    source = table(geometry=[BOW_TIE, BOW_TIE, box(0, 0, 1, 1)])
    with refused(
        "Every geometry must be valid; 2 of 3 units break this (003, 010). Rep"
    ):
        read_boundaries(source)
    source.geometry = source.geometry.make_valid()
    assert len(read_boundaries(source)) == 3


@pytest.mark.parametrize(
    "bad", [gpd.GeoDataFrame({"unit_id": ["a"]}), pd.DataFrame({"unit_id": ["a"]})]
)
def test_a_table_without_geometry_is_refused(bad):
    with refused("must be a GeoDataFrame with a geometry"):
        read_boundaries(bad)
    for check in (centres, rooms.check_geometry):
        with refused("must be a GeoDataFrame with a geometry"):
            check(bad)
    with refused("The map must be a GeoDataFrame with a geometry"):
        rooms.require_crs(bad, "The map")


# --- coordinate systems --------------------------------------------------------


def test_a_missing_crs_is_refused_unless_named():
    source = table().set_crs(None, allow_override=True)
    with refused(
        "The boundaries must say their coordinate system; none is set. Name it"
    ):
        read_boundaries(source)
    assert read_boundaries(source, crs="EPSG:4326").crs == "EPSG:4326"
    assert source.crs is None


def test_unequal_crs_are_refused_not_converted():
    with refused(
        "The boundaries are in EPSG:4326, but crs=3857 was asked for. Leave crs out, "
        "then convert: boundaries.to_crs(...)."
    ):
        read_boundaries(table(), crs=3857)
    assert read_boundaries(table(), crs=4326).crs == "EPSG:4326"


@pytest.mark.parametrize("crs", ["nonsense", -1, object()])
def test_a_crs_that_is_none_is_refused(crs):
    with refused("crs must name a coordinate system; "):
        read_boundaries(table(), crs=crs)


def test_two_tables_share_one_crs():
    rooms.same_crs(squares(1), squares(2))
    with refused("Both tables must be in one coordinate system; they are in EPSG:4326 "
                 "and EPSG:3857. Convert one"):  # fmt: skip
        rooms.same_crs(squares(1), squares(1).to_crs(3857))


# --- files that are none -------------------------------------------------------


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"There is no file '.*none.gpkg'. Check the"):
        read_boundaries(tmp_path / "none.gpkg")


@pytest.mark.parametrize("name", ["x.geojson", "x.gpkg", "x.parquet", "x.shp", "x"])
def test_an_unreadable_file_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00{ nope")
    with pytest.raises(
        InputError, match=r"cannot be read as boundaries \(.*Give GeoPar"
    ):
        read_boundaries(tmp_path / name)


def test_a_file_without_geometry_is_refused(tmp_path):
    pd.DataFrame({"unit_id": ["a"], "x": [1]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="cannot be read as boundaries"):
        read_boundaries(tmp_path / "x.parquet")
    (tmp_path / "x.csv").write_text("unit_id,x\na,1\n")
    with pytest.raises(InputError, match=r"holds no geometry. Name the file that does"):
        read_boundaries(tmp_path / "x.csv")


# --- centres -------------------------------------------------------------------


def test_points_are_their_own_centres():
    lon, lat = centres(towns((10.5, 47.25), (-179.9, -89)))
    assert lon.tolist() == [10.5, -179.9]
    assert lat.tolist() == [47.25, -89.0]


def test_centres_come_back_as_degrees_from_any_crs():
    given = towns((10.5, 47.25), (11, 48)).to_crs(25832)
    np.testing.assert_allclose(centres(given), [[10.5, 11], [47.25, 48]], atol=1e-9)
    shapes = squares(2).to_crs(3857)
    np.testing.assert_allclose(centres(shapes), centres(squares(2)), atol=1e-6)


def test_a_centre_halves_the_area():
    # The southern half of a strip of degrees is larger than the northern one.
    tall = gpd.GeoDataFrame(index=["a"], geometry=[box(0, 0, 1, 60)], crs=4326)
    lon, lat = centres(tall)
    assert lon[0] == pytest.approx(0.5)
    assert lat[0] < 27
    earth = Geod(ellps="WGS84")
    south, whole = (
        abs(earth.geometry_area_perimeter(box(0, 0, 1, top))[0]) for top in (lat[0], 60)
    )
    # Its edges are geodesics, not parallels: some 0.1 % here.
    assert south / whole == pytest.approx(0.5, rel=1e-3)


def test_centres_of_real_counties_lie_in_or_near_them():
    counties = us_counties().iloc[::40]
    lon, lat = centres(counties)
    planar = counties.to_crs(5070).geometry
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), counties.index, crs=4326)
    apart = points.to_crs(5070).distance(planar.centroid)
    assert (apart < 0.02 * np.sqrt(planar.area)).all()


@pytest.mark.parametrize(
    "shapes",
    [
        [Point(500_000, 4_000_000), Point(10, 10)],
        [box(500_000, 4_000_000, 510_000, 4_010_000), box(0, 0, 1, 1)],
        [Point(10, 91), Point(10, 90)],
    ],
)
def test_metres_called_degrees_are_refused(shapes):
    given = gpd.GeoDataFrame(index=["a", "b"], geometry=shapes, crs=4326)
    with refused(
        "Coordinates must lie within WGS 84; 1 of 2 places break this (a). Name"
    ):
        centres(given)


def test_degrees_called_metres_in_another_zone_are_still_on_earth():
    lon, lat = centres(gpd.GeoDataFrame(geometry=[Point(5e5, 5e6)], crs=32632))
    assert lon[0] == pytest.approx(9.0)
    # Northing over the scale of the central meridian is the arc from the equator.
    arc = Geod(ellps="WGS84").inv(9, 0, 9, lat[0])[2]
    assert arc == pytest.approx(5e6 / 0.9996, rel=1e-9)


def test_centres_need_a_crs_and_whole_geometry():
    with refused("The places must say their coordinate system; none is set."):
        centres(towns((0, 0)).set_crs(None, allow_override=True))
    with refused("Every geometry must be valid; 1 of 1 units breaks this (a)."):
        centres(gpd.GeoDataFrame(index=["a"], geometry=[BOW_TIE], crs=4326))

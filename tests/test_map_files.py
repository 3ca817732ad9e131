"""A map written for other programs comes back whole, with where it comes from."""

import datetime
import errno
import json
import re
from decimal import Decimal
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
from builders import LAW, result, squares
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.data.boundaries import read_boundaries
from geopoverty.errors import InputError
from geopoverty.join import join
from geopoverty.map_files import write_map
from geopoverty.map_files.write import guarded

ENDINGS = ("gpkg", "parquet", "csv")
SOURCES = [
    {"title": "Squares", "status": "measured", "licence": "CC0"},
    {"title": "Survey", "status": "simulated", "licence": "MIT", "source": "made up"},
]


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def borders(names="abc"):
    shapes = squares(len(names), list(names))
    shapes.attrs = SOURCES[0]
    return shapes


def mapped(**columns):
    """What join returns of a result."""
    units = pd.DataFrame({"unit_id": list("abc"), "poor": [0.25, np.nan, 0.1]})
    provenance = {
        "formula": "poor ~ roads",
        "options": {"vcov": "hc1", "k": np.int64(3)},
        "seed": 7,
        "data": SOURCES[1:],
        "versions": {"numpy": "2.0"},
    }
    fit = result(
        units=units.assign(**columns), notes=("Few clusters.",), provenance=provenance
    )
    return join(fit, borders())


def read_csv(path):
    return pd.read_csv(
        path, dtype={"unit_id": str}, encoding="utf-8-sig", float_precision="round_trip"
    )


# --- what is written comes back ------------------------------------------------


@pytest.mark.parametrize("ending", ["gpkg", "parquet", "geoparquet"])
def test_values_and_shapes_come_back(tmp_path, ending):
    table = mapped(
        n=[1, 2, 3],
        on=[True, False, True],
        kind=pd.Categorical(["x", None, "y"]),
        at=pd.to_datetime(["2020-01-01", "2020-01-02", None]),
        name=["木里藏族自治县", "Doña Ana", "=1+1"],
    )
    before = table.copy()
    path = write_map(table, tmp_path / f"map.{ending}")
    assert path == tmp_path / f"map.{ending}"
    found = read_boundaries(path)
    assert found.crs == table.crs
    assert found.index.tolist() == ["a", "b", "c"]
    assert found.geometry.geom_equals(table.geometry).all()
    assert found["n"].tolist() == [1, 2, 3]
    assert found["on"].tolist() == [True, False, True]
    assert found["name"].tolist() == table["name"].tolist()
    assert found["at"].tolist()[:2] == table["at"].tolist()[:2]
    assert found["at"].isna().tolist() == [False, False, True]
    np.testing.assert_array_equal(found["poor"], table["poor"])
    assert [k if isinstance(k, str) else None for k in found["kind"]] == [
        "x",
        None,
        "y",
    ]
    pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(before))
    assert table.attrs == before.attrs


def test_values_come_back_from_csv(tmp_path):
    write_map(mapped(on=[True, False, True]), tmp_path / "map.csv")
    found = read_csv(tmp_path / "map.csv")
    assert list(found.columns) == ["unit_id", "poor", "on"]
    assert found["unit_id"].tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(found["poor"], [0.25, np.nan, 0.1])
    assert found["on"].tolist() == [True, False, True]


@LAW
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5)
)
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("map")
    names = "abcde"[: len(values)]
    table = borders(names).assign(x=values)
    for ending, read in (("csv", read_csv), ("gpkg", gpd.read_file)):
        path = write_map(table, folder / f"map.{ending}")
        assert read(path)["x"].astype(float).tolist() == values


def test_periods_are_kept_in_order(tmp_path):
    table = pd.DataFrame(
        {"unit_id": list("aabbcc"), "period": [1980, 1990] * 3, "x": range(6)}
    )
    long = join(table, borders())
    for ending, read in (("gpkg", gpd.read_file), ("parquet", gpd.read_parquet)):
        found = read(write_map(long, tmp_path / f"map.{ending}"))
        assert found["unit_id"].tolist() == list("aabbcc")
        assert found["period"].tolist() == [1980, 1990] * 3


def test_ids_may_stand_in_a_column(tmp_path):
    table = borders().reset_index(names="unit_id")
    found = gpd.read_file(write_map(table, tmp_path / "map.gpkg"))
    assert found["unit_id"].tolist() == list("abc")


def test_columns_may_be_called_as_a_format_calls_its_own(tmp_path):
    table = borders().assign(fid=[9, 9, 9], geom=["x", "y", "z"])
    found = gpd.read_file(write_map(table, tmp_path / "map.gpkg"))
    assert found["fid"].tolist() == [9, 9, 9]
    assert found["geom"].tolist() == ["x", "y", "z"]


def test_kinds_that_no_format_has_become_text(tmp_path):
    table = borders().assign(
        when=pd.period_range("2020-01", periods=3, freq="M"),
        band=pd.cut([0.1, 0.6, np.nan], [0, 0.5, 1]),
        wait=pd.to_timedelta([1, 2, None], unit="D"),
        some=pd.Series([1, None, 3], index=list("abc"), dtype=object),
        none=[None, None, None],
    )
    for ending, read in (("gpkg", gpd.read_file), ("parquet", gpd.read_parquet)):
        found = read(write_map(table, tmp_path / f"map.{ending}"))
        assert found["when"].tolist() == ["2020-01", "2020-02", "2020-03"]
        assert found["band"].tolist()[:2] == ["(0.0, 0.5]", "(0.5, 1.0]"]
        assert found["wait"].tolist()[:2] == ["1 days", "2 days"]
        assert found["some"].tolist()[::2] == [1, 3]
        assert found[["band", "wait", "none"]].isna().to_numpy()[2].all()


def test_kinds_that_some_format_lacks_become_the_nearest(tmp_path):
    zone = pd.to_datetime(["2020-01-01", "2020-06-01", None]).tz_localize("Asia/Tokyo")
    table = borders().assign(
        maybe=pd.array([True, None, False], dtype="boolean"),
        half=np.array([1.5, 2, np.nan], dtype="float16"),
        large=np.array([1, 2, 3], dtype="uint64"),
        zone=zone,
        day=[datetime.date(2020, 1, 1), None, datetime.date(2021, 1, 1)],
        price=[Decimal("1.5"), None, Decimal(2)],
        wave=pd.Categorical([1, 2, None]),
        **{"a \"b\" 'c' ?": [1, 2, 3], "select": [4, 5, 6]},
    )
    reads = {"gpkg": gpd.read_file, "parquet": gpd.read_parquet, "csv": read_csv}
    for ending, read in reads.items():
        found = read(write_map(table, tmp_path / f"map.{ending}"))
        assert found["half"].tolist()[:2] == [1.5, 2.0]
        assert found["large"].tolist() == [1, 2, 3]
        assert found["price"].tolist()[::2] == [1.5, 2.0]
        assert found["wave"].tolist()[:2] == [1, 2]
        assert found["a \"b\" 'c' ?"].tolist() == [1, 2, 3]
        assert found["select"].tolist() == [4, 5, 6]
        assert found[["maybe", "price", "day"]].isna().to_numpy()[1].all()
        assert found[["half", "zone", "wave"]].isna().to_numpy()[2].all()
        first = pd.Timestamp(found["zone"].iloc[0])
        assert first == pd.Timestamp("2020-01-01", tz="Asia/Tokyo")
        assert pd.Timestamp(found["day"].iloc[0]) == pd.Timestamp("2020-01-01")


# --- where it comes from -------------------------------------------------------


def expect(said):
    assert said["title"] == "A survey"
    assert said["status"] == "simulated"
    assert said["sources"] == SOURCES
    assert said["licences"] == ["CC0", "MIT"]
    assert said["notes"][0] == "Few clusters."
    assert any("Simulated data" in note for note in said["notes"])
    assert said["method"]["formula"] == "poor ~ roads"
    assert said["method"]["seed"] == 7
    assert said["method"]["options"] == {"vcov": "hc1", "k": 3}
    assert said["columns"] == {"poor": "Chance of being poor"}
    assert said["versions"]["numpy"] == "2.0"
    assert said["versions"]["geopoverty"]
    assert said["rows"] == 3
    assert said["crs"] == "EPSG:4326"


def written(path):
    words = {"poor": "Chance of being poor"}
    return write_map(mapped(), path, title="A survey", columns=words)


def test_a_geopackage_says_where_it_comes_from(tmp_path):
    found = pyogrio.read_info(written(tmp_path / "map.gpkg"))
    texts = found["layer_metadata"]
    expect(json.loads(texts["geopoverty"]))
    assert texts["title"] == "A survey"
    assert texts["licences"] == "CC0\nMIT"
    assert "Survey; simulated; made up; licence: MIT" in texts["sources"]
    assert pyogrio.list_layers(tmp_path / "map.gpkg")[:, 0].tolist() == ["map"]


def test_geoparquet_says_where_it_comes_from(tmp_path):
    path = written(tmp_path / "map.parquet")
    expect(json.loads(pq.read_schema(path).metadata[b"geopoverty"]))
    assert b"geo" in pq.read_schema(path).metadata
    attrs = gpd.read_parquet(path).attrs
    assert attrs["status"] == "simulated"
    # As attrs they feed the next join.
    again = join(gpd.read_parquet(path), borders())
    assert again.attrs["data"] == SOURCES
    assert "Few clusters." in again.attrs["notes"]


def test_beside_a_csv_file_stands_its_description(tmp_path):
    written(tmp_path / "map.csv")
    found = json.loads((tmp_path / "map.csv-metadata.json").read_text("utf-8"))
    expect(json.loads(found["urn:geopoverty:metadata"]))
    made = found["dc:provenance"]
    assert made.startswith(
        f"{mapped().attrs['method']['estimator']}; poor ~ roads; seed 7"
    )
    assert "numpy 2.0" in made
    # Every other term is one of CSV on the Web, or has a prefix.
    known = {"@context", "url", "dialect", "tableSchema"}
    assert all(k in known or ":" in k for k in found)
    assert found["@context"][0] == "http://www.w3.org/ns/csvw"
    assert found["url"] == "map.csv"
    assert found["dc:title"] == "A survey"
    assert found["dc:rights"] == ["CC0", "MIT"]
    columns = found["tableSchema"]["columns"]
    assert [c["titles"] for c in columns] == ["unit_id", "poor"]
    assert [c["datatype"] for c in columns] == ["string", "number"]
    assert columns[1]["dc:description"] == "Chance of being poor"
    header = (tmp_path / "map.csv").read_text("utf-8-sig").splitlines()[0]
    assert header == "unit_id,poor"


def test_a_table_without_attributes_is_written(tmp_path):
    table = squares(2).assign(x=[1, 2])
    table.attrs = {}
    path = write_map(table, tmp_path / "map.parquet")
    said = json.loads(pq.read_schema(path).metadata[b"geopoverty"])
    assert set(said) == {"title", "rows", "crs", "versions"}


def test_the_same_map_gives_the_same_bytes(tmp_path):
    for ending in ("parquet", "csv"):
        one, two = (written(tmp_path / f"{k}.{ending}") for k in "xy")
        assert one.read_bytes() == two.read_bytes()


# --- no formulas ---------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\tx", "\rx", "\uff1d1", "\x00=1"]
)
def test_no_text_runs_in_a_spreadsheet(tmp_path, text):
    assert guarded(text) == f"'{text}"
    table = borders().assign(name=[text, "plain", "5-1"]).rename_axis("unit_id")
    write_map(table.rename(columns={"name": "=name"}), tmp_path / "map.csv")
    raw = (tmp_path / "map.csv").read_bytes().decode("utf-8-sig")
    found = pd.read_csv(tmp_path / "map.csv", encoding="utf-8-sig", dtype=str)
    assert list(found.columns) == ["unit_id", "'=name"]
    assert found["'=name"].tolist()[1:] == ["plain", "5-1"]
    assert f"'{text[0]}" in raw


def test_numbers_are_not_guarded(tmp_path):
    write_map(borders().assign(x=[-1.5, -2, 3]), tmp_path / "map.csv")
    assert read_csv(tmp_path / "map.csv")["x"].tolist() == [-1.5, -2, 3]


# --- whole or not at all -------------------------------------------------------


def held(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("after", [0, 1])
def test_a_full_disk_leaves_the_old_file_whole(tmp_path, monkeypatch, ending, after):
    path = tmp_path / f"map.{ending}"
    write_map(borders().assign(x=[1, 2, 3]), path)
    before, left = held(tmp_path), [after]
    whole = Path.write_bytes

    def full(self, data):
        left[0] -= 1
        if left[0] >= 0:
            return whole(self, data)
        whole(self, bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    again = borders().assign(x=[4, 5, 6])
    if after and ending != "csv":  # only CSV writes two files
        write_map(again, path)
        return
    with pytest.raises(OSError, match="No space left"):
        write_map(again, path)
    assert held(tmp_path) == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_old_file_is_replaced(tmp_path, ending):
    path = tmp_path / f"map.{ending}"
    path.write_text("old")
    write_map(borders().assign(x=[1, 2, 3]), path)
    read = {"csv": read_csv, "gpkg": gpd.read_file, "parquet": gpd.read_parquet}
    assert read[ending](path)["x"].tolist() == [1, 2, 3]
    extra = {"map.csv-metadata.json"} if ending == "csv" else set()
    assert set(held(tmp_path)) == {path.name} | extra


# --- bad input -----------------------------------------------------------------


def test_an_unknown_ending_is_refused_with_the_nearest(tmp_path):
    with refused("ends in .gpkg, .parquet, .geoparquet, .csv; got 'map.gpk'. Did you "
                 "mean '.gpkg'?"):  # fmt: skip
        write_map(borders(), tmp_path / "map.gpk")
    with refused("got 'map'."):
        write_map(borders(), tmp_path / "map")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with refused("The output folder must exist"):
        write_map(borders(), tmp_path / "nowhere" / "map.gpkg")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"x": [1]}), "The map must be a GeoDataFrame with a geometry"),
        (borders().iloc[:0], "A map to write must have rows; this table has none."),
        (
            borders().set_crs(None, allow_override=True),
            "The map must say their coordinate system",
        ),
        (
            borders().set_axis([1, 2, 3], axis=0),
            "The map: unit ids must be text; these are integer (1, 2, 3)",
        ),
        (
            borders().assign(x=[{"k": 1}, 2, "x"]),
            "numbers, dates, truth values or text; 'x' holds values of the kind 'mixed",
        ),
        (borders().assign(x=[1j, 2, 3]), "'x' holds complex numbers. Drop it"),
        (
            borders().assign(centre=lambda t: t.geometry.boundary),
            "'centre' holds a second geometry. Drop it",
        ),
        (
            borders().assign(poor=1, Poor=2),
            "differ by more than capitals; 'poor' and 'Poor' do not",
        ),
        (borders().assign(**{"": 1}), "must be text; 1 of 1 are not ('')"),
        (borders().assign(x=1).rename(columns={"x": 5}), "1 of 1 are not (5)"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, table, message):
    with refused(message):
        write_map(table, tmp_path / "map.gpkg")
    assert held(tmp_path) == {}


def test_a_described_column_must_be_there(tmp_path):
    with refused("columns needs the column por, which the table lacks. Did you mean"):
        write_map(mapped(), tmp_path / "map.gpkg", columns={"por": "Poor"})

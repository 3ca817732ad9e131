"""SOURCES.toml says of every bundled file what it is, and says it truly."""

import hashlib
import re
import shutil
import sys
import tomllib
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("boundaries", "travel_matrices")
FIELDS = {
    "title", "status", "origin", "version", "licence", "attribution", "crs",
    "vintage", "derivation", "rows", "sha256",
}  # fmt: skip
LISTED = [
    (folder, name, entry)
    for folder in FOLDERS
    for name, entry in tomllib.loads(
        (ROOT / folder / "SOURCES.toml").read_text(encoding="utf-8")
    ).items()
]
each_file = pytest.mark.parametrize(
    ("folder", "name", "entry"), LISTED, ids=[name for _, name, _ in LISTED]
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_listed_and_every_listed_file_is_there(folder):
    held = {p.name for p in (ROOT / folder).iterdir()} - {"SOURCES.toml"}
    assert held == {name for where, name, _ in LISTED if where == folder}


def test_the_seven_files_are_listed():
    assert len(LISTED) == 7


@each_file
def test_all_fields_are_present_and_filled(folder, name, entry):
    assert (ROOT / folder / name).is_file()
    assert set(entry) == FIELDS
    assert all(str(value).strip() for value in entry.values())
    assert entry["status"] in {"measured", "routed", "modelled", "simulated"}


@each_file
def test_sha256_is_right(folder, name, entry):
    data = (ROOT / folder / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]


@each_file
def test_crs_is_right(folder, name, entry):
    path = ROOT / folder / name
    if b"geo" in pq.read_schema(path).metadata:
        assert gpd.read_parquet(path).crs.to_string() == entry["crs"]
    else:
        assert entry["crs"].startswith("none") or "lon" in pq.read_schema(path).names


@each_file
def test_openstreetmap_is_attributed_wherever_it_is_used(folder, name, entry):
    assert folder in FOLDERS
    is_osm = name.startswith("coquimbo")
    assert ("OpenStreetMap contributors" in entry["attribution"]) == is_osm
    assert entry["licence"].startswith("ODbL") == is_osm


@each_file
def test_rows_are_right_and_columns_compressed_with_zstd(folder, name, entry):
    meta = pq.read_metadata(ROOT / folder / name)
    assert meta.num_row_groups == 1
    assert meta.num_rows == entry["rows"]
    group = meta.row_group(0)
    assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}


def test_both_folders_stay_small():
    sizes = [p.stat().st_size for folder in FOLDERS for p in (ROOT / folder).iterdir()]
    assert sum(sizes) < 4_000_000


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_python_no_address_and_no_machine_path(folder):
    assert not list((ROOT / folder).rglob("*.py"))
    text = (ROOT / folder / "SOURCES.toml").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"""(^|[\s"'])/\w""", text, flags=re.MULTILINE)


def test_both_folders_go_into_the_wheel():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {f: f"geopoverty/_data/{f}" for f in FOLDERS}


@pytest.fixture
def derive(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    import derive_data

    return derive_data


@pytest.mark.parametrize("folder", FOLDERS)
def test_refresh_repairs_rows_and_sha256_and_nothing_else(derive, folder, tmp_path):
    copy = Path(shutil.copytree(ROOT / folder, tmp_path / folder))
    before = (copy / "SOURCES.toml").read_text(encoding="utf-8")
    broken = before.replace("rows = ", "rows = 1").replace('sha256 = "', 'sha256 = "0')
    (copy / "SOURCES.toml").write_text(broken, encoding="utf-8")
    derive.refresh(copy)
    assert (copy / "SOURCES.toml").read_text(encoding="utf-8") == before


def test_the_distance_table_is_read_from_the_city_before_backwards(derive):
    text = "* a comment\nC, XX[4110,8065]7\nB, XX[4288,9739]5\n966\nA, XX[1,2]3\n11\n22"
    cities, miles = derive.read_miles(text)
    assert cities.to_dict("records")[0] == {"city": "C, XX", "lon": -80.65, "lat": 41.1}
    pairs = miles.set_index(["origin_city", "dest_city"])["miles"].to_dict()
    assert pairs == {
        ("B, XX", "C, XX"): 966,
        ("A, XX", "B, XX"): 11,
        ("A, XX", "C, XX"): 22,
    }


def test_tables_of_the_tests_say_where_they_come_from():
    folder = ROOT / "tests" / "reference"
    listed = tomllib.loads((folder / "SOURCES.toml").read_text(encoding="utf-8"))
    assert {p.name for p in folder.glob("*.csv")} <= set(listed)
    for entry in listed.values():
        assert entry["status"] in {"measured", "simulated"}
        assert {"title", "origin", "licence"} <= set(entry)

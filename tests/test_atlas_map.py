"""The map as folium makes it, and the one file that is written."""

import io
import re
from pathlib import Path

import folium
import pandas as pd
import pytest
from atlas_pages import data_in

from geopoverty.atlas import Atlas, CountyMap, choropleth
from geopoverty.atlas.assets import SCRIPTS, document, island, leaflet_script
from geopoverty.errors import (
    GeoPovertyError,
    InputError,
    MissingExtraError,
)

# What is written


def test_save_writes_one_file_and_returns_its_path(counties, rates, tmp_path):
    target = tmp_path / "atlas.html"
    written = (
        Atlas(counties, title="Ash & Elm").add(rates, "poor", label="x").save(target)
    )
    assert written == target
    assert [p.name for p in tmp_path.iterdir()] == ["atlas.html"]
    assert data_in(target.read_text("utf-8"))["title"] == "Ash & Elm"


def test_two_runs_write_the_same_bytes(counties, rates, tmp_path):
    atlas = Atlas(counties).add(rates, "poor", label="x")
    one, two = atlas.save(tmp_path / "1.html"), atlas.save(str(tmp_path / "2.html"))
    assert one.read_bytes() == two.read_bytes()


def test_a_folder_that_is_not_there_is_refused_before_any_work(
    counties, rates, tmp_path
):
    atlas = Atlas(counties).add(rates, "poor", label="x")
    with pytest.raises(InputError, match="output folder must exist"):
        atlas.save(tmp_path / "none" / "atlas.html")
    with pytest.raises(InputError, match="is a folder"):
        atlas.save(tmp_path)


def test_a_failed_save_leaves_the_old_file(counties, rates, tmp_path, monkeypatch):
    target = tmp_path / "atlas.html"
    target.write_text("old")
    atlas = Atlas(counties).add(rates, "poor", label="x")

    def full_disk(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space left"):
        atlas.save(target)
    monkeypatch.undo()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["atlas.html"]


# choropleth and CountyMap


def test_choropleth_is_a_folium_map_in_longitude_and_latitude(counties):
    shown_map = choropleth(counties.assign(poor=[1.0, 2.0, 3.0]), "poor")
    assert isinstance(shown_map, CountyMap)
    assert isinstance(shown_map, folium.Map)
    assert shown_map.crs == "EPSG3857"
    assert shown_map.data["title"] == "poor"
    assert shown_map.data["places"]["names"] == ["Ash", "Elm", "Oak"]


def test_choropleth_keeps_one_geometry_a_county(counties):
    wide = counties.reset_index().assign(poor=[1.0, 2.0, 3.0])
    table = pd.concat([wide.assign(period=y) for y in (1980, 1990)], ignore_index=True)
    data = choropleth(table, "poor", label="Poverty", period="period").data
    assert len(data["shapes"]["units"]) == 3
    assert data["indicators"][0]["periods"] == ["1980", "1990"]
    assert data["title"] == "Poverty"


def test_choropleth_refuses_what_has_no_geometry(counties, rates):
    with pytest.raises(InputError, match="needs a GeoDataFrame; got DataFrame"):
        choropleth(rates, "poor")
    with pytest.raises(InputError, match="Did you mean 'name'"):
        choropleth(counties, "nme")
    with pytest.raises(InputError, match="'name' must hold numbers"):
        choropleth(counties, "name")


def test_a_map_saves_to_a_path_or_an_open_file(counties, tmp_path):
    shown_map = choropleth(counties.assign(poor=[1.0, 2.0, 3.0]), "poor")
    shown_map.save(str(tmp_path / "a.html"))
    buffer = io.BytesIO()
    shown_map.save(buffer, close_file=False)
    assert (tmp_path / "a.html").read_bytes() == buffer.getvalue()
    shown_map.save(buffer)
    assert buffer.closed


def test_layers_that_need_a_network_are_refused(counties):
    table = counties.assign(poor=[1.0, 2.0, 3.0])
    layers = [
        folium.TileLayer("OpenStreetMap"),
        folium.WmsTileLayer("https://example.org/wms", layers="a"),
        folium.raster_layers.ImageOverlay(
            "https://example.org/a.png", [[0, 0], [1, 1]]
        ),
    ]
    for layer in layers:
        shown_map = choropleth(table, "poor")
        layer.add_to(shown_map)
        with pytest.raises(InputError, match="must open without a network"):
            shown_map.get_root().render()
    shown_map = choropleth(table, "poor")
    folium.CircleMarker([0, 0], popup="Ash").add_to(shown_map)
    with pytest.raises(InputError, match="popup needs jQuery"):
        shown_map._repr_html_()


def test_a_layer_that_ends_its_script_is_refused(counties):
    shown_map = choropleth(counties.assign(poor=[1.0, 2.0, 3.0]), "poor")
    folium.Element("var a = '</script>';").add_to(shown_map.get_root().script)
    with pytest.raises(InputError, match="would end its script early"):
        shown_map.get_root().render()


def test_the_page_names_no_other_place(counties, rates, tmp_path):
    page = Atlas(counties).add(rates, "poor", label="x").save(tmp_path / "a.html")
    text = page.read_text("utf-8")
    markup = re.sub(r"(?s)<script.*?</script>", "", text)
    links = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]*)""", markup)
    assert links
    assert all(link.startswith("#") for link in links)
    urls = re.findall(r"""url\(["']?([^)]*)\)""", markup)
    assert urls
    assert all(url.startswith(("data:image/png;base64,", "#")) for url in urls)
    assert "sourceMappingURL" not in text


def test_the_policy_names_every_script_and_no_more(counties, rates, tmp_path):
    page = Atlas(counties).add(rates, "poor", label="x").save(tmp_path / "a.html")
    text = page.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src &#x27;none&#x27;; script-src")
    assert "unsafe" not in policy
    assert policy.count("sha256-") == text.count("<script>") + text.count("<style>")
    assert text.index("Content-Security-Policy") < text.index("<script")


def test_half_a_surrogate_pair_does_not_stop_the_file():
    assert "\N{REPLACEMENT CHARACTER}" in island({"name": "a\ud800"})


def test_not_a_number_never_reaches_the_page():
    with pytest.raises(ValueError, match="JSON"):
        island({"value": float("nan")})


def test_every_script_of_the_package_is_used():
    folder = Path(document.__code__.co_filename).parent / "static"
    assert sorted(p.name for p in folder.glob("*.js")) == sorted(SCRIPTS)


def test_a_missing_leaflet_says_how_to_get_it(monkeypatch):
    leaflet_script.cache_clear()
    monkeypatch.setattr("geopoverty.atlas.assets.LEAFLET", "XStatic-Nothing")
    with pytest.raises(MissingExtraError, match="pip install XStatic-Nothing"):
        leaflet_script()
    monkeypatch.setattr("geopoverty.atlas.assets.LEAFLET", "folium")
    with pytest.raises(GeoPovertyError, match="holds no file 'marker-icon"):
        leaflet_script()

"""No text on the page is ever run, in the atlas, in folium or in a notebook."""

import html

import folium
import numpy as np
import pandas as pd
from atlas_pages import PHONE, grid, point, tip_of

from geopoverty.atlas import Atlas, choropleth
from geopoverty.results import Result

NASTY = (
    "{{7*7}}",
    "{% if %}",
    "{# x #}",
    "${1+1}`${1+1}`",
    "</script><script>window.__p=1</script>",
    "</title></style><img src=x onerror=window.__p=1>",
    "<svg onload=window.__p=1>",
    "\" onmouseover='window.__p=1' x=\"",
    "&lt;b&gt; &amp; \\u003c \\n",
    "凉山彝族自治州",
    "محافظة البحر الأحمر",
    "🏞️ \u2028 \u2029 Ω",
)


def nasty_atlas():
    counties = grid()
    ids = [f"{i:02d} {text}" for i, text in enumerate(NASTY)]
    counties.index = pd.Index(ids, name="unit_id")
    counties["name"] = NASTY
    counties["state"] = NASTY[::-1]
    sources = [
        dict.fromkeys(("title", "status", "source", "licence", "attribution"), text)
        for text in NASTY
    ]
    counties.attrs = {"data": sources}
    atlas = Atlas(counties, title=" ".join(NASTY), group="state")
    for text in NASTY:
        table = pd.DataFrame(
            {
                text: np.arange(24.0),
                "unit_id": ids * 2,
                "period": [f"a{text}"] * 12 + [text] * 12,
            }
        )
        atlas = atlas.add(
            table, text, label=text, unit=text, period="period", description=text
        )
    frame = pd.DataFrame({text: [text, 1.5] for text in NASTY}, index=NASTY[:2])
    result = Result(
        NASTY[4],
        pd.Series(1.0, index=NASTY),
        pd.DataFrame(np.eye(12), index=NASTY, columns=NASTY),
        pd.DataFrame(),
        {"n_obs": 1, "n_dropped": 0, **{text: text for text in NASTY}},
        tables=dict.fromkeys(NASTY, frame),
        notes=NASTY,
        provenance={"formula": " ".join(NASTY), "seed": NASTY[5]},
    )
    text = "\n\n".join(NASTY)
    atlas = atlas.add_result(result, title=NASTY[5], text=text, tables=NASTY)
    return atlas.add_table(frame, title=NASTY[0], text=text)


def test_no_text_is_run_wherever_it_stands(visit, tmp_path):
    seen = visit(nasty_atlas().save(tmp_path / "nasty.html"))
    page = seen.page
    content = "(s) => [...document.querySelectorAll(s)].map((e) => e.textContent)"
    assert page.evaluate("document.querySelector('h1').textContent") == " ".join(NASTY)
    assert page.evaluate(content, "#gp-indicator option") == list(NASTY)
    for k, text in enumerate(NASTY):
        page.select_option("#gp-indicator", index=k)
        assert page.evaluate(content, "#gp-legend h2 > span")[0] == text
        assert page.evaluate(content, ".gp-description") == [text]
        page.evaluate("(county) => geopoverty.store.set({ county })", k)
        assert page.evaluate(content, "#gp-card h2") == [f"{text}, {NASTY[-1 - k]}"]
        tip_of(page, k)
        assert page.evaluate(content, "#gp-tip strong") == [f"{text}, {NASTY[-1 - k]}"]
        page.fill("#gp-find", f"{k:02d} ")
        assert text in page.evaluate(content, "#gp-found li span")[0]
        page.keyboard.press("Escape")
    page.click("#gp-tab-results")
    results = "\n".join(page.evaluate(content, "#gp-page-results *"))
    footer = "\n".join(page.evaluate(content, "#gp-foot *"))
    for text in NASTY:
        assert text.strip() in results
        assert text in footer
    assert page.locator("body img, body svg:not(.leaflet-zoom-animated)").count() == 0
    assert page.evaluate("document.scripts.length") == 4
    seen.assert_calm()


def test_texts_do_not_break_the_phone_page(visit, tmp_path):
    page = visit(nasty_atlas().save(tmp_path / "nasty.html"), **PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("#gp-tab-results")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_policy_stops_foreign_scripts_and_requests(visit, tmp_path):
    choropleth(grid().assign(poor=np.arange(12.0)), "poor").save(tmp_path / "map.html")
    seen = visit(tmp_path / "map.html")
    seen.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.__p = 1";
          document.body.append(script);
          const image = document.createElement("img");
          image.src = "https://example.org/a.png";
          document.body.append(image);
        }"""
    )
    seen.page.wait_for_timeout(100)
    assert seen.page.evaluate("window.__p") is None
    assert len(seen.complaints) == 2
    assert all("Content Security Policy" in c for c in seen.complaints)


def test_folium_layers_lie_on_the_counties(visit, tmp_path):
    table = grid().assign(poor=np.arange(12.0))
    shown = choropleth(table, "poor", label="Poor", unit="%")
    folium.CircleMarker([-0.5, 0.5], radius=9, tooltip="clinic").add_to(shown)
    folium.Marker([-1.5, 1.5]).add_to(shown)
    folium.GeoJson(grid()[["geometry"]].iloc[:1].to_json(), name="first").add_to(shown)
    folium.LayerControl().add_to(shown)
    shown.save(tmp_path / "layers.html")
    seen = visit(tmp_path / "layers.html")
    page = seen.page
    assert page.locator(".leaflet-overlay-pane path").count() == 2
    assert (
        page.locator("img.leaflet-marker-icon").evaluate("(e) => e.naturalWidth") == 25
    )
    circle = page.locator(".leaflet-overlay-pane path").first.bounding_box()
    x, y = point(page, 0)
    assert abs(circle["x"] + circle["width"] / 2 - x) < 3
    assert abs(circle["y"] + circle["height"] / 2 - y) < 3
    assert not page.locator("#gp-tabs").is_visible()
    assert tip_of(page, 6)[0] == "Doña Ana"
    seen.assert_calm()


def test_it_shows_in_a_notebook(visit, tmp_path):
    table = grid().assign(poor=np.arange(12.0), name=list(NASTY))
    cell = choropleth(table, "poor", label=NASTY[4])._repr_html_()
    notebook = tmp_path / "notebook.html"
    notebook.write_text(
        "<!DOCTYPE html><meta charset=utf-8><script>geopoverty = {ready: true}</script>"
        + cell,
        "utf-8",
    )
    seen = visit(notebook)
    frame = seen.page.frames[1]
    frame.wait_for_function("window.geopoverty && window.geopoverty.ready")
    assert frame.inner_text(".gp-class >> nth=0")
    assert frame.evaluate("document.querySelector('h1').textContent") == NASTY[4]
    assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert html.unescape(cell).count("<!DOCTYPE html>") == 1
    seen.assert_calm()

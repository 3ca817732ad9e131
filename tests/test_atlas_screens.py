"""Phones, paper, stillness and contrast."""

import pytest
from atlas_pages import PHONE, contrasts, point


@pytest.mark.parametrize("screen", [{}, PHONE])
def test_wide_tables_scroll_by_themselves(visit, sample, screen):
    page = visit(sample, **screen).page
    page.click("#gp-tab-results")
    wide = page.locator(".gp-scroll").last
    assert wide.evaluate("(e) => e.scrollWidth > e.clientWidth + 100")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert wide.get_attribute("tabindex") == "0"


@pytest.mark.parametrize("screen", [PHONE, {"width": 1440, "height": 900}])
def test_nothing_overlaps_and_the_map_has_most_of_the_room(visit, sample, screen):
    page = visit(sample, **screen).page
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    names = (".gp-head", ".gp-field-indicator", ".gp-field-period", ".gp-field-find",
             ".gp-legend", ".gp-stage", ".gp-foot")  # fmt: skip
    boxes = {n: page.locator(n).bounding_box() for n in names}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert apart(boxes[a], boxes[b]), (a, b)
    stage = boxes[".gp-stage"]
    share = stage["width"] * stage["height"] / (screen["width"] * screen["height"])
    assert share > 0.45
    left, top = point(page, 0)
    right, bottom = point(page, 11)
    assert stage["x"] < left < right < stage["x"] + stage["width"]
    assert stage["y"] < top < bottom < stage["y"] + stage["height"]
    assert max(right - left, bottom - top) > 0.5 * min(stage["width"], stage["height"])


def apart(a, b):
    return (
        a["x"] + a["width"] <= b["x"] + 1
        or b["x"] + b["width"] <= a["x"] + 1
        or a["y"] + a["height"] <= b["y"] + 1
        or b["y"] + b["height"] <= a["y"] + 1
    )


def test_a_tap_shows_the_tooltip_inside_the_map(visit, sample):
    seen = visit(sample, **{**PHONE, "width": 280})
    page = seen.page
    for county in (0, 1, 2, 3, 11):
        page.wait_for_timeout(300)  # sooner would be a double tap
        page.touchscreen.tap(*point(page, county))
        page.wait_for_selector("#gp-tip:visible")
        tip, stage = (page.locator(n).bounding_box() for n in ("#gp-tip", "#gp-stage"))
        assert stage["x"] <= tip["x"]
        assert tip["x"] + tip["width"] <= stage["x"] + stage["width"]
        assert stage["y"] <= tip["y"]
        assert tip["y"] + tip["height"] <= stage["y"] + stage["height"]
        assert page.evaluate("geopoverty.store.state.county") == county
        assert not page.locator("#gp-cross").is_visible()
    seen.assert_calm()


def test_it_stands_still_for_those_who_ask(visit, sample):
    page = visit(sample, reduced_motion="reduce").page
    assert page.evaluate("geopoverty.countymap.map._zoomAnimated") is False


def test_paper_shows_map_and_legend_without_controls(visit, sample):
    page = visit(sample).page
    page.emulate_media(media="print")
    assert page.locator("#gp-stage").bounding_box()["width"] <= 680
    assert not page.locator(".gp-controls").is_visible()
    assert not page.locator(".gp-tabs").is_visible()
    for shown in (".gp-legend", "canvas", "#gp-foot"):
        assert page.locator(shown).first.is_visible()
    assert not page.locator("#gp-page-results").is_visible()


def test_texts_have_enough_contrast(visit, sample):
    page = visit(sample).page
    page.mouse.click(*point(page, 2))
    found = dict(contrasts(page))
    assert len(found) > 10
    assert [name for name, contrast in found.items() if contrast < 4.5] == []

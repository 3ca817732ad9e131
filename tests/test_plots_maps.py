"""Static maps: every unit is drawn once, in the colour that the legend explains."""

import io
import re

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
from builders import LAW, squares
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from shapely.geometry import Point, Polygon, box

from geopoverty.classes import Classes, MapStyle, categorise, classify, cross
from geopoverty.errors import InputError
from geopoverty.join import join
from geopoverty.plots import MapLook, map_classes, map_crossed, map_plot, map_series
from geopoverty.plots.map_words import ranges, source_line

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def towns(**columns):
    names = [f"{k:02d}" for k in range(1, 9)]
    shapes = squares(8, names)
    shapes.attrs = {"title": "Squares", "status": "measured", "licence": "CC0"}
    return shapes.assign(**columns)


VALUES = [1.0, 2.0, 3.0, 11.0, 12.0, 25.0, 26.0, np.nan]
STYLE = MapStyle(breaks=(10, 20))


def drawn(ax):
    """The collections of a map: label, colour, how many units, hatch."""
    found = [c for c in ax.collections if isinstance(c, PathCollection)]
    return {
        c.get_label(): (
            to_hex(c.get_facecolor()[0]) if len(c.get_facecolor()) else None,
            len(c.get_paths()), c.get_hatch(),
        )
        for c in found
    }  # fmt: skip


def said(ax):
    legend = ax.get_legend()
    return [t.get_text() for t in legend.get_texts()], legend.get_title().get_text()


def colors_of(legend):
    return [to_hex(p.get_facecolor()) for p in legend.get_patches()]


# --- a number ------------------------------------------------------------------


def test_each_unit_is_drawn_once_in_the_colour_of_its_class():
    table = towns(poor=VALUES)
    ax = map_plot(table, "poor", style=STYLE, look=MapLook(unit="%"))
    colors = classify(np.array(VALUES), STYLE).colors
    found = drawn(ax)
    assert found == {
        "1 to 9": (colors[0], 3, None),
        "10 to 19": (colors[1], 2, None),
        "20 to 26": (colors[2], 2, None),
        "No data": ("#eceff1", 1, None),
        "No data (hatch)": (None, 1, "//////"),
    }
    texts, title = said(ax)
    assert texts == ["20 to 26 (2)", "10 to 19 (2)", "1 to 9 (3)", "No data (1)"]
    assert title == "poor (%)"
    assert colors_of(ax.get_legend()) == [*colors[::-1], "#eceff1"]


def test_what_is_drawn_has_the_area_of_the_place():
    ring = box(0, 0, 3, 3) - box(1, 1, 2, 2)
    two = shapely.union_all([box(4, 0, 5, 1), box(6, 0, 7, 1)])
    table = gpd.GeoDataFrame(
        {"x": [1.0, 2.0]}, index=["a", "b"], geometry=[ring, two], crs=3857
    )
    ax = map_plot(table, "x", look=MapLook(projection=None))
    # The sum over rings, holes with the other sign, is the area.
    areas = []
    for collection in ax.collections:
        for path in collection.get_paths():
            rings = np.split(path.vertices, np.flatnonzero(path.codes == 1)[1:])
            areas.append(sum(signed_area(r) for r in rings))
    assert sorted(areas) == [2.0, 8.0]


def signed_area(ring):
    x, y = ring[:-1].T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def test_the_map_is_the_same_in_any_order_of_rows():
    table = towns(poor=VALUES)
    one = drawn(map_plot(table, "poor", style=STYLE))
    two = drawn(map_plot(table.iloc[::-1], "poor", style=STYLE))
    assert one == two


def test_units_that_are_not_significant_are_dotted():
    p = [0.01, 0.05, 0.2, np.nan, 0.0, 1.0, 0.04, 0.9]
    ax = map_plot(towns(effect=VALUES, p=p), "effect", style=STYLE, p_value="p")
    # Units 02, 03 and 06; 04 has no p-value, 08 no value.
    assert said(ax)[0][-2:] == ["No data (1)", "Not significant, p ≥ 0.05 (3)"]
    dots = [line for line in ax.lines if line.get_label() == "_dots"]
    assert len(dots) == 2
    at = shapely.points(np.column_stack(dots[0].get_data()))
    shapes = towns().to_crs(drawn_in(towns())).geometry
    held = [shape.contains(at).any() for shape in shapes]
    assert held == [False, True, True, False, False, True, False, False]


def drawn_in(table):
    from geopoverty.projections import choose_projection

    return choose_projection(table, "auto")


def test_a_tiny_unit_gets_a_dot_too():
    shapes = [box(0, 0, 10, 10), box(10, 0, 10.001, 0.001)]
    table = gpd.GeoDataFrame(
        {"x": [1.0, 2.0], "p": [0.0, 0.9]}, index=["a", "b"], geometry=shapes, crs=3857
    )
    ax = map_plot(table, "x", p_value="p", look=MapLook(projection=None))
    assert len(ax.lines[0].get_xdata()) == 1


def test_nothing_significant_left_out_draws_no_dots():
    ax = map_plot(towns(effect=VALUES, p=0.01), "effect", p_value="p")
    assert said(ax)[0][-1] == "Not significant, p ≥ 0.05 (0)"
    assert len(ax.lines) == 0


def test_a_constant_column_has_one_class():
    ax = map_plot(towns(x=3.0), "x")
    assert said(ax)[0] == ["3 (8)"]


def test_greys_are_grey_and_grow_darker():
    ax = map_plot(towns(x=VALUES), "x", style=STYLE, look=MapLook(grey=True))
    shades = colors_of(ax.get_legend())[:3]
    assert all(c[1:3] == c[3:5] == c[5:7] for c in shades)
    assert shades == sorted(shades)


def test_greys_tell_below_from_above_zero_by_a_hatch():
    values = np.linspace(-3, 3, 8)
    style = MapStyle(breaks=(-1, 1), diverging=True)
    ax = map_plot(towns(x=values), "x", style=style, look=MapLook(grey=True))
    top, middle, bottom = ax.get_legend().get_patches()
    assert to_hex(top.get_facecolor()) == to_hex(bottom.get_facecolor())
    assert (top.get_hatch(), middle.get_hatch()) == (None, None)
    assert bottom.get_hatch()
    assert to_hex(middle.get_facecolor()) > to_hex(top.get_facecolor())


def test_names_are_printed_as_they_are():
    odd = "cost_$ of a_b^2 in $"
    ax = map_plot(towns(**{odd: VALUES}), odd)
    assert said(ax)[1] == odd
    assert not ax.get_legend().get_title().get_parse_math()


def test_a_map_is_drawn_on_the_axes_given_and_saved_as_vectors():
    figure, axes = plt.subplots(1, 2, layout="constrained")
    ax = map_plot(towns(x=VALUES), "x", ax=axes[1])
    assert ax is axes[1]
    assert not axes[0].collections
    for kind, mark in (("svg", b"<svg"), ("pdf", b"%PDF"), ("png", b"PNG")):
        out = io.BytesIO()
        figure.savefig(out, format=kind)
        assert mark in out.getvalue()


def test_the_whole_map_is_in_view_and_its_shape_is_kept():
    ax = map_plot(towns(x=VALUES), "x")
    west, south, east, north = towns().to_crs(drawn_in(towns())).total_bounds
    low, high = ax.get_xlim()
    assert low < west < east < high
    low, high = ax.get_ylim()
    assert low < south < north < high
    assert ax.get_aspect() == 1


def test_a_country_is_drawn_in_equal_areas():
    shapes = [box(-120, 30, -100, 45), box(-100, 30, -80, 45)]
    table = gpd.GeoDataFrame(
        {"x": [1.0, 2.0]}, index=["a", "b"], geometry=shapes, crs=4326
    )
    ax = map_plot(table, "x")
    assert ax.get_xlim()[1] - ax.get_xlim()[0] > 1e6  # metres


# --- where it comes from -------------------------------------------------------


def test_sources_and_status_stand_on_the_map():
    table = pd.DataFrame({"unit_id": towns().index, "x": VALUES})
    table.attrs = {"title": "Survey", "status": "simulated", "licence": "MIT"}
    joined = join(table, towns())
    ax = map_plot(joined, "x")
    assert ax.get_title(loc="right") == "Partly simulated data"
    line = "Sources: Squares (measured; CC0); Survey (simulated; MIT)."
    assert ax.texts[0].get_text() == line
    without = map_plot(joined, "x", look=MapLook(source=False))
    assert not without.texts
    assert without.get_title(loc="right") == "Partly simulated data"


def test_a_table_that_says_nothing_has_no_source_line():
    table = towns(x=VALUES)
    table.attrs = {}
    ax = map_plot(table, "x")
    assert not ax.texts
    assert ax.get_title(loc="right") == ""


def test_who_must_be_named_is_named():
    attrs = {"title": "Roads", "attribution": "The road office", "source": "web"}
    assert source_line(attrs) == "Source: Roads (The road office)."
    assert source_line({}) == ""


# --- periods -------------------------------------------------------------------


def waves():
    rows = [towns(x=np.array(VALUES) + k, year=1980 + 10 * k) for k in range(3)]
    long = pd.concat(rows)
    long = long[~((long.index == "01") & (long["year"] == 1990))]
    long.attrs = {"title": "Squares", "status": "simulated"}
    return long


def test_small_maps_share_their_classes():
    axes = map_series(waves(), "x", period="year", style=STYLE)
    assert [ax.get_title() for ax in axes] == ["1980", "1990", "2000"]
    figure = axes[0].figure
    assert all(ax.figure is figure for ax in axes)
    counts = [
        {k: n for k, (_, n, _) in drawn(ax).items() if "hatch" not in k} for ax in axes
    ]
    assert counts[0] == {"1 to 9": 3, "10 to 19": 2, "20 to 28": 2, "No data": 1}
    # The unit without a row in 1990 has no data there.
    assert counts[1] == {"1 to 9": 2, "10 to 19": 2, "20 to 28": 2, "No data": 2}
    colors = {drawn(ax)["10 to 19"][0] for ax in axes}
    assert len(colors) == 1
    texts = [t.get_text() for t in figure.legends[0].get_texts()]
    assert texts == ["20 to 28 (6)", "10 to 19 (6)", "1 to 9 (8)", "No data (4)"]
    assert figure.get_supxlabel() == "Simulated data. Source: Squares (simulated)."


@pytest.mark.parametrize("count", [1, 4, 5, 16])
def test_as_many_maps_as_periods(count):
    long = pd.concat([towns(x=VALUES, year=k, p=0.5) for k in range(count)])
    axes = map_series(long, "x", period="year", p_value="p")
    assert len(axes) == len(axes[0].figure.axes) == count


# --- named classes -------------------------------------------------------------


def test_named_classes_stand_in_their_order():
    kinds = [
        "Low-Low",
        "High-High",
        "High-High",
        "Not significant",
        None,
        *["Low-Low"] * 3,
    ]
    ax = map_classes(towns(kind=kinds), "kind", look=MapLook(label="Clusters"))
    texts, title = said(ax)
    assert title == "Clusters"
    assert texts[:2] == ["High-High (2)", "Low-Low (4)"]
    assert texts[-2:] == ["Not significant (1)", "No data (1)"]
    expected = categorise(pd.Series(kinds, name="kind"))
    assert colors_of(ax.get_legend())[:-1] == list(expected.colors)
    color = dict(zip(expected.names, expected.colors, strict=True))["Low-Low"]
    assert drawn(ax)["Low-Low"] == (color, 4, None)


def test_named_classes_may_have_own_colours():
    own = {"b": "#112233", "a": "#445566"}
    ax = map_classes(towns(kind=list("abababab")), "kind", classes=own)
    assert said(ax)[0] == ["b (4)", "a (4)"]
    assert colors_of(ax.get_legend()) == list(own.values())


def test_named_classes_in_grey_differ_by_their_hatch():
    ax = map_classes(towns(kind=list("abcdeabc")), "kind", look=MapLook(grey=True))
    patches = ax.get_legend().get_patches()
    assert len({p.get_hatch() for p in patches}) == len(patches) == 5


# --- two numbers crossed -------------------------------------------------------


def test_crossed_classes_are_counted_in_their_square():
    x, y = np.arange(8.0), np.array([5.0, 1, 7, 3, np.nan, 2, 6, 4])
    ax = map_crossed(towns(x=x, y=y), ("x", "y"), labels=("Poor (%)", "Far (min)"))
    found = cross(x, y)
    codes = found.codes(x, y)
    key = ax.child_axes[0]
    assert (key.get_xlabel(), key.get_ylabel()) == ("Poor (%)", "Far (min)")
    assert [int(t.get_text()) for t in key.texts] == [
        int((codes == k).sum()) for k in range(9)
    ]
    assert [to_hex(p.get_facecolor()) for p in key.patches] == list(found.colors)
    assert [t.get_text() for t in key.get_xticklabels()] == ranges(found.x)
    for k in range(9):
        if (codes == k).any():
            count = int((codes == k).sum())
            assert drawn(ax)[str(k)] == (found.colors[k], count, None)
    assert said(ax)[0] == ["No data (1)"]


# --- words ---------------------------------------------------------------------


@LAW
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_ranges_cover_every_value(values):
    found = classify(np.array(values), MapStyle())
    texts = ranges(found)
    assert len(texts) == len(found.colors)
    assert all("-0" not in text and "-" not in text for text in texts)


def test_ranges_read_as_on_the_atlas():
    whole = Classes((10.0, 20.0), ("", "", ""), 3.0, 40.0, 0, True, "")
    assert ranges(whole) == ["3 to 9", "10 to 19", "20 to 40"]
    parts = Classes((0.5, 1.0), ("", "", ""), -1.25, 2.0, 2, False, "")
    assert ranges(parts) == ["under 0.5", "0.5 to 1.0", "1.0 or more"]
    large = Classes((1000.0,), ("", ""), 3.0, 1500.0, 0, True, "")
    assert ranges(large) == ["under 1,000", "1,000 or more"]
    one = Classes((), ("",), 3.0, 3.0, 0, True, "")
    assert ranges(one) == ["3"]


# --- bad input -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: map_plot(pd.DataFrame({"x": [1]}), "x"), "map_plot draws what join r"),
        (lambda: map_plot(towns(x=1), "y"), "map_plot needs the column y"),
        (lambda: map_plot(towns(x="a"), "x"), "must hold numbers; it holds"),
        (lambda: map_plot(towns(x=np.nan), "x"), "'x' must hold at least one value; a"),
        (lambda: map_plot(towns(x=np.inf), "x"), "'x' must be finite; 8 of 8 rows"),
        (lambda: map_plot(towns(x=1).iloc[:0], "x"), "needs at least one unit"),
        (
            lambda: map_plot(waves(), "x"),
            "map_plot draws one row a unit; 8 of 8 units have several (02, 03, 04, 05,",
        ),
        (
            lambda: map_plot(towns(x=1, p=2.0), "x", p_value="p"),
            "p-values in 'p' must be from 0 to 1; 8 of 8 rows",
        ),
        (
            lambda: map_plot(towns(x=1).set_crs(None, allow_override=True), "x"),
            "The map must say their coordinate system",
        ),
        (
            lambda: map_plot(towns(x=1).set_geometry([Point(0, 0)] * 8, crs=4326), "x"),
            "Every unit on a map must be a polygon; 8 of 8 units",
        ),
        (
            lambda: map_plot(towns(x=1).set_geometry([Polygon()] * 8, crs=4326), "x"),
            "Every unit needs a geometry; 8 of 8 units",
        ),
        (
            lambda: map_plot(towns(x=1), "x", look=MapLook(projection="EPSG:0")),
            "projection must be 'auto', None or a coordinate system",
        ),
        (
            lambda: map_series(towns(x=1, year=[1990, None] * 4), "x", period="year"),
            "Every row needs a period ('year'); 4 of 8 rows",
        ),
        (
            lambda: map_series(
                pd.concat([towns(x=1, year=1), towns(x=2, year=1)]), "x", period="year"
            ),
            "A unit may stand once in each period ('year'); 8 of 16 rows",
        ),
        (
            lambda: map_series(
                pd.concat([towns(x=1, year=k) for k in range(17)]), "x", period="year"
            ),
            "map_series draws at most 16 periods; 'year' has 17.",
        ),
        (
            lambda: map_classes(towns(x=list("abcdefgh")).assign(x=1), "x"),
            "The classes in 'x' must be text",
        ),
        (lambda: map_classes(towns(x=None), "x"), "'x' must hold at least one class"),
        (lambda: map_classes(waves().assign(k="a"), "k"), "map_classes draws one row"),
        (lambda: map_crossed(towns(x=1), "xy"), "columns must be two, one across and"),
        (
            lambda: map_crossed(towns(x=1, y=2), ("x", "y"), labels=("a",)),
            "labels must be two, one across and one upwards",
        ),
        (
            lambda: map_crossed(towns(x=1, y=2), ("x", "y"), look=MapLook(grey=True)),
            "cannot be told apart in grey",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with refused(message):
        call()
    assert not plt.get_fignums()

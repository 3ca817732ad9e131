"""Named classes and two numbers crossed: what the atlas makes of a table."""

import itertools

import numpy as np
import pandas as pd
import pytest
from atlas_pages import data_in, grid
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.atlas import Atlas, MapStyle
from geopoverty.classes import categorise, cross
from geopoverty.classes.categories import NINE, SEVEN
from geopoverty.classes.crossed import COLORS
from geopoverty.errors import InputError
from geopoverty.patterns import getis_ord, local_moran
from geopoverty.patterns.names import GETIS_ORD, MORAN
from geopoverty.weights import contiguity_weights

# Machado, Oliveira & Fernandes (2009): what is seen without one kind of cones.
SEEN = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                 [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
BARE = Atlas(grid(), name=None)


def lab(color, cones):
    """A colour in CIELAB (D65), as it is seen with these cones."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light = np.clip(np.array(cones) @ linear, 0, 1)
    t = XYZ @ light / [0.95047, 1, 1.08883]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("cones", SEEN)
@pytest.mark.parametrize(
    ("colors", "least"),
    [
        (SEVEN, 15),
        (NINE, 15),
        (tuple(itertools.chain(*COLORS)), 20),
        (tuple(MORAN.values()), 15),
        (tuple(GETIS_ORD.values()), 15),
    ],
    ids=["seven", "nine", "crossed", "moran", "getis"],
)
def test_colours_stay_apart_whatever_cones_a_reader_lacks(colors, least, cones):
    seen = [lab(c, SEEN[cones]) for c in colors]
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(apart) > least


# Named classes


def land(**changes):
    ids = grid().index
    values = ["farms", "steppe", "forest", "farms"] * 3
    frame = pd.DataFrame({"unit_id": ids, "land": values}).assign(**changes)
    return frame.astype({"land": object})


def made(frame, **options):
    return BARE.add_classes(frame, "land", label="Land use", **options)


def only(atlas):
    """What the page reads of the only indicator."""
    (indicator,) = atlas.indicators
    return indicator.data()


def test_classes_reach_the_page_in_order_with_colours_and_gaps():
    frame = land().iloc[::-1].drop(index=0)
    frame.loc[1, "land"] = None
    found = only(made(frame, description="What covers most."))
    assert found["kind"] == "class"
    assert found["names"] == ["farms", "forest", "steppe"]
    assert found["colors"] == list(SEVEN[:3])
    assert found["codes"] == ["..1002100210"]
    assert found["periods"] == [""]
    assert found["description"] == "What covers most."
    assert "values" not in found


def test_the_author_may_choose_order_and_colours():
    found = only(made(land(), classes=("steppe", "forest", "farms", "water")))
    assert found["names"] == ["steppe", "forest", "farms", "water"]
    assert found["codes"] == ["201220122012"]
    colors = {"forest": "#117733", "steppe": "#DDCC77", "farms": "#332288"}
    found = only(made(land(), classes=colors))
    assert found["names"] == ["forest", "steppe", "farms"]
    assert found["colors"] == ["#117733", "#ddcc77", "#332288"]
    ordered = pd.Categorical(land()["land"], ["steppe", "farms", "forest", "rock"])
    frame = pd.DataFrame({"unit_id": grid().index, "land": ordered})
    assert only(made(frame))["names"] == ["steppe", "farms", "forest", "rock"]


def test_classes_of_periods_are_those_of_all():
    later = land(year=2000, land=["rock"] * 12)
    both = pd.concat([land(year=1990), later])
    found = only(made(both, period="year"))
    assert found["periods"] == ["1990", "2000"]
    assert found["names"] == ["farms", "forest", "rock", "steppe"]
    assert found["codes"][1] == "2" * 12


def test_more_than_seven_classes_have_other_colours():
    names = [f"kind {k}" for k in range(9)]
    found = categorise(pd.Series(names, name="kind"))
    assert found.colors == NINE
    assert len(set(found.colors)) == 9


@pytest.fixture
def rates():
    values = [9.0, 9, 8, 8, 5, 4, 6, 5, 1, 2, 1, 1]
    return pd.DataFrame({"unit_id": grid().index, "rate": values})


def test_patterns_have_the_order_and_colours_of_their_field(rates):
    weights = contiguity_weights(grid())
    lisa = local_moran("rate", rates, weights=weights)
    spots = getis_ord("rate", rates, weights=weights)
    atlas = Atlas(grid(), name=None)
    atlas = atlas.add_classes(lisa, "class", label="Clusters")
    atlas = atlas.add_classes(spots, "class", label="Hot spots")
    page = atlas.county_map().get_root().render()
    first, second = data_in(page)["indicators"]
    assert first["names"] == [n for n in MORAN if n != "No neighbours"]
    assert dict(zip(first["names"], first["colors"], strict=True))["High-High"] == (
        "#d7191c"
    )
    assert second["names"] == [n for n in GETIS_ORD if n != "No neighbours"]
    counted = dict(zip(*lisa.tables["classes"].to_numpy().T, strict=True))
    codes = first["codes"][0]
    assert {n: codes.count(str(k)) for k, n in enumerate(first["names"])} == counted
    footer = data_in(page)["footer"]
    assert any("two-sided" in note for note in footer["notes"])
    assert footer["seeds"] == ["local_moran: 0", "getis_ord: 0"]
    lone = categorise(pd.Series(["No neighbours", "Low-Low"]))
    assert lone.names[-1] == "No neighbours"


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"land": None}, {}, "'land' must hold at least one class; all 12 are missing"),
        ({"land": 1}, {}, "classes in 'land' must be text; 12 of 12 rows break this"),
        ({"land": [" "] + ["a"] * 11}, {}, "needs a name; 1 of 12 rows break"),
        ({}, {"classes": ["farms", "forest"]},
         "must be named in classes; not named: steppe; 3 of 12 rows break this (02,"),
        ({}, {"classes": "farms"}, "classes must be a list of names in order"),
        ({}, {"classes": ["farms", "farms"]}, "name each class once"),
        ({}, {"classes": {"farms": "red"}}, "Colours must be written as '#rrggbb'"),
        ({"unit_id": "01"}, {}, "one row a unit; 1 stand more than once (01)"),
        ({"unit_id": "99"}, {}, "must be in the boundaries; 12 of 12 rows"),
        ({}, {"period": "year"}, "needs the column year, which the table lacks"),
    ],
)  # fmt: skip
def test_bad_classes_are_refused(change, options, message):
    with pytest.raises(InputError) as error:
        made(land(**change), **options)
    assert message in str(error.value)


def test_more_classes_than_can_be_told_apart_are_refused():
    many = land(land=[f"kind {k:02d}" for k in range(12)])
    with pytest.raises(InputError) as error:
        made(many)
    assert "'land' has 12 classes, and a map shows at most 9" in str(error.value)
    assert "Merge the rarest 4 (kind 08, kind 09, kind 10, kind 11)" in str(error.value)
    with pytest.raises(InputError, match="has 12 classes"):
        made(many, classes={f"kind {k:02d}": "#112233" for k in range(12)})


def test_peers_cannot_do_better_on_classes():
    traits = pd.DataFrame({"unit_id": grid().index, "rain": np.arange(12.0)})
    with pytest.raises(InputError, match="'Land use', which shows classes"):
        made(land()).peers(traits, ["rain"], better={"Land use": "lower"})


# Two numbers crossed


def both(**changes):
    ids = grid().index
    x, y = np.arange(12.0), np.arange(12.0)[::-1] ** 2
    return pd.DataFrame({"unit_id": ids, "x": x, "y": y}).assign(**changes)


def crossed(frame, **options):
    options = {"labels": ("Poor families", "Jobs"), "units": ("%", ""), **options}
    return BARE.add_bivariate(frame, ("x", "y"), **options)


def test_two_numbers_are_cut_into_thirds_and_crossed():
    found = only(crossed(both()))
    assert found["kind"] == "crossed"
    assert found["label"] == "Poor families and Jobs"
    assert found["codes"] == ["666644442222"]
    assert found["colors"] == list(itertools.chain(*COLORS))
    assert found["method"].startswith("Each number is cut by terciles")
    x, y = found["axes"]
    assert (x["label"], x["unit"], x["levels"]) == (
        "Poor families", "%", ["low", "middle", "high"],
    )  # fmt: skip
    assert x["breaks"] == [4, 8]
    assert x["values"] == [list(range(12))]
    assert len(y["breaks"]) == 2


def test_each_pair_of_levels_has_its_own_code():
    x, y = (g.ravel() for g in np.meshgrid(np.arange(3.0), np.arange(3.0)))
    found = cross(x, y)
    assert found.codes(x, y).tolist() == list(range(9))
    assert found.codes(np.array([np.nan]), np.array([1.0])).tolist() == [-1]


def test_own_breaks_cut_either_number():
    found = only(crossed(both(), breaks=((3, 6), None)))
    assert found["axes"][0]["breaks"] == [3, 6]
    assert "Across by breaks chosen by the author" in found["method"]
    two = only(crossed(both(), breaks=((3,), (50,))))
    assert [a["levels"] for a in two["axes"]] == [["low", "high"]] * 2
    assert two["colors"] == [COLORS[0][0], COLORS[0][2], COLORS[2][0], COLORS[2][2]]
    assert two["codes"] == ["222311111111"]
    assert two["method"] == "Both numbers are cut by breaks chosen by the author"


def test_a_number_that_is_the_same_everywhere_has_one_class():
    found = only(crossed(both(y=5)))
    assert found["axes"][1]["levels"] == ["the same"]
    assert len(found["colors"]) == 3
    assert set(found["codes"][0]) == set("012")


def test_a_county_that_lacks_either_number_has_no_data():
    frame = both()
    frame.loc[0, "x"] = np.nan
    frame.loc[1, "y"] = np.nan
    found = only(crossed(frame))
    assert found["codes"][0].startswith("..")
    assert found["axes"][0]["values"][0][:2] == [None, 1]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"x": np.nan}, {}, "'x' must hold at least one value; all 12 are missing"),
        ({"y": np.nan}, {}, "'y' must hold at least one value; all 12 are missing"),
        ({"y": "a"}, {}, "The column 'y' must hold numbers"),
        ({"y": np.inf}, {}, "The column 'y' must be finite; 12 of 12 rows"),
        ({"x": [1.0] + [np.nan] * 11, "y": [np.nan] + [1.0] * 11}, {},
         "have both 'x' and 'y'; of 12 rows none has"),
        ({}, {"breaks": (3, 4)}, "breaks must be a pair of lists"),
        ({}, {"breaks": ((1, 2, 3), None)}, "its breaks are one or two numbers; got 3"),
        ({}, {"breaks": ((1,),)}, "breaks must be a pair, the cut points"),
        ({}, {"breaks": ((4, 2), None)}, "breaks must be finite and increase"),
        ({}, {"labels": "ab"}, "labels of add_bivariate must be a pair"),
        ({}, {"units": ("a",)}, "units of add_bivariate must be a pair"),
    ],
)  # fmt: skip
def test_bad_pairs_are_refused(change, options, message):
    with pytest.raises(InputError) as error:
        crossed(both(**change), **options)
    assert message in str(error.value)


def test_columns_are_a_pair():
    with pytest.raises(InputError, match="columns of add_bivariate must be a pair"):
        Atlas(grid()).add_bivariate(both(), "x", labels=("a", "b"))
    with pytest.raises(InputError, match="needs a DataFrame or a Result; got Series"):
        Atlas(grid()).add_bivariate(both()["x"], ("x", "y"), labels=("a", "b"))


@LAW
@given(order=st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order):
    rows = list(order)
    assert only(made(land().iloc[rows]))["codes"] == ["021002100210"]
    turned = crossed(both().iloc[rows], breaks=((3, 6), (20, 70)))
    assert only(turned)["codes"] == ["666444522222"]


# Numbers that say nothing


def test_a_column_without_any_value_is_refused_by_name():
    frame = both(x=np.nan)
    with pytest.raises(InputError, match="'x' must hold at least one value; all 12"):
        Atlas(grid()).add(frame, "x", label="Poor families")


@pytest.mark.parametrize(
    "style",
    [MapStyle(), MapStyle(scheme="quantiles"), MapStyle(diverging=True),
     MapStyle(breaks=(1, 2))],
)  # fmt: skip
@pytest.mark.parametrize("value", [0.0, 3.0, -2.5])
def test_a_constant_column_never_fails(style, value):
    atlas = Atlas(grid()).add(both(x=value), "x", label="Same", style=style)
    found = only(atlas)
    assert found["range"] == [value, value]
    assert len(set(found["codes"][0])) == 1

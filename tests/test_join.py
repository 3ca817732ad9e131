"""A join by key: no row is lost, no value moves, and both sides are checked."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from builders import LAW, ids, result, squares
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from geopoverty.data import catalog
from geopoverty.errors import InputError
from geopoverty.join import join

BOW_TIE = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


def shapes(names="abc", **columns):
    return squares(len(names), list(names)).assign(**columns)


def values(names="abc", **columns):
    given_columns = columns or {"poverty": np.arange(len(names)) / 10}
    return pd.DataFrame({"unit_id": list(names), **given_columns})


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


# --- what comes out ------------------------------------------------------------


@LAW
@given(st.data())
def test_no_row_is_lost_and_values_stay_with_their_key(data):
    n = data.draw(st.integers(1, 8))
    units = list(ids(n))
    rows = data.draw(st.lists(st.sampled_from(units), max_size=12)) + units
    rows = data.draw(st.permutations(rows))
    table = pd.DataFrame({"unit_id": rows, "value": range(len(rows))})
    order = data.draw(st.permutations(units))
    borders = squares(n).loc[list(order)]
    out = join(table, borders)
    assert len(out) == len(table)
    assert sorted(zip(out.index, out["value"], strict=True)) == sorted(
        zip(rows, range(len(rows)), strict=True)
    )
    for unit, shape in zip(out.index, out.geometry, strict=True):
        assert shape.equals(borders.geometry[unit])
    # In the order of the boundaries; within a unit, in that of the table.
    place = {unit: i for i, unit in enumerate(order)}
    keys = [(place[unit], v) for unit, v in zip(out.index, out["value"], strict=True)]
    assert keys == sorted(keys)


@LAW
@given(st.permutations(range(6)), st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(rows, borders):
    table, base = values(ids(6)), squares(6)
    one = join(table, base)
    two = join(table.iloc[rows], base.iloc[borders]).loc[one.index]
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two))


def test_columns_types_and_attributes_stay():
    table = values(
        n=pd.array([1, None, 3], dtype="Int64"),
        poor=[True, False, True],
        kind=pd.Categorical(["x", "y", "x"]),
        name=["A", "B", "C"],
    )
    table.attrs = {"title": "Table", "status": "simulated"}
    borders = shapes(name=["no", "no", "no"], area=[1.0, 2.0, 3.0])
    borders.attrs = {"title": "Shapes", "licence": "MIT"}
    before = table.copy(), borders.copy()
    out = join(table, borders)
    assert list(out.columns) == ["n", "poor", "kind", "name", "geometry", "area"]
    assert out["name"].tolist() == ["A", "B", "C"]  # the table's, not the boundaries'
    assert out.index.name == "unit_id"
    assert isinstance(out, gpd.GeoDataFrame)
    assert out.crs == borders.crs
    for column in ("n", "poor", "kind"):
        assert out[column].dtype == table[column].dtype
    own = {"title": "Table", "status": "simulated"}
    assert out.attrs == {**own, "data": [borders.attrs, own]}
    pd.testing.assert_frame_equal(table, before[0])
    pd.testing.assert_frame_equal(pd.DataFrame(borders), pd.DataFrame(before[1]))


def test_units_may_be_the_index_or_another_column():
    by_column = join(values(), shapes())
    by_index = join(values().set_index("unit_id"), shapes())
    by_name = join(values().rename(columns={"unit_id": "code"}), shapes(), on="code")
    for out in (by_index, by_name):
        pd.testing.assert_frame_equal(pd.DataFrame(out), pd.DataFrame(by_column))


def test_a_result_gives_its_units_and_notes():
    fit = result(units=values("ba", p=[0.2, 0.1]), notes=("Few clusters.",))
    out = join(fit, shapes("ab"))
    assert out["p"].to_dict() == {"a": 0.1, "b": 0.2}
    assert out.attrs["notes"] == ["Few clusters."]


def test_periods_are_kept():
    table = values("abab", period=[1980, 1980, 1990, 1990], poverty=[1.0, 2, 3, 4])
    out = join(table, shapes("ab"))
    assert out.index.tolist() == list("aabb")
    assert out["period"].tolist() == [1980, 1990] * 2
    assert out["poverty"].tolist() == [1.0, 3.0, 2.0, 4.0]


def test_shapes_come_from_the_boundaries_whatever_the_table_brings():
    own = gpd.GeoDataFrame(
        values("ab"), geometry=[box(7, 7, 8, 8), box(8, 8, 9, 9)], crs=4326
    )
    text = values("ab", geometry=["POINT (0 0)", "x"], poverty=[0.1, 0.2])
    borders = shapes("ab")
    for table in (own, text):
        out = join(table, borders)
        assert out.crs == "EPSG:4326"
        assert out.geometry.geom_equals(borders.geometry).all()
    renamed = join(own, borders.rename_geometry("shape"))
    assert renamed.geometry.name == "shape"
    assert renamed.crs == "EPSG:4326"
    assert renamed.geometry.bounds.loc["a"].tolist() == [0, 0, 1, 1]


def test_real_counties_join_their_panel():
    panel, counties = catalog.us_county_panel(), catalog.us_counties()
    out = join(panel.sample(frac=1, random_state=0), counties)
    assert len(out) == len(panel) == 4 * len(counties)
    keyed = panel.set_index(["unit_id", "period"])["median_family_income"]
    found = out.set_index("period", append=True)["median_family_income"]
    pd.testing.assert_series_equal(found.sort_index(), keyed.sort_index())
    assert out.loc["27077", "name"].eq(counties.loc["27077", "name"]).all()


# --- units on one side only ----------------------------------------------------


def test_units_of_one_side_only_are_listed():
    with refused(
        "The table and the boundaries must hold the same units; 1 only in the table "
        "(x); 2 only in the boundaries (b, c). Ask for how='inner' to keep the common "
        "units, or how='boundaries' to keep every boundary."
    ):
        join(values("ax"), shapes())
    with refused("the same units; 1 only in the boundaries (c). Ask for how='inner'"):
        join(values("ab"), shapes())
    with refused("the same units; 1 only in the table (d). Ask for how='inner'"):
        join(values("abcd"), shapes())


def test_inner_keeps_what_both_have():
    out = join(values("xca"), shapes(), how="inner")
    assert out["poverty"].to_dict() == {"a": 0.2, "c": 0.1}
    assert out.index.tolist() == ["a", "c"]


def test_boundaries_keep_every_boundary():
    out = join(values("ca"), shapes(), how="boundaries")
    assert out.index.tolist() == ["a", "b", "c"]
    assert out["poverty"].tolist()[::2] == [0.1, 0.0]
    assert np.isnan(out.loc["b", "poverty"])
    assert out.geometry.notna().all()
    with refused("Every unit of the table must have a boundary; 1 of 2 have none (x). "
                 "Ask for how='inner' to leave them out."):  # fmt: skip
        join(values("ax"), shapes(), how="boundaries")


@pytest.mark.parametrize("how", ["inner", "boundaries", "exact"])
def test_sides_with_nothing_in_common_are_refused(how):
    with pytest.raises(InputError, match=r"x.*a, b, c|must have a boundary.*\(x, y\)"):
        join(values("xy"), shapes(), how=how)
    with refused(
        "No unit of the table has a boundary: the table holds x, y, the boundaries a, "
        "b, c. Check that both use the same ids."
    ):
        join(values("xy"), shapes(), how="inner")


def test_how_is_one_of_three():
    with refused(
        "how must be one of 'exact', 'inner', 'boundaries'; got 'iner'. Did you"
    ):
        join(values(), shapes(), how="iner")


# --- bad input on either side --------------------------------------------------


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            [1, 2, 3],
            "The table: unit ids must be text; these are integer (1, 2, 3), so l",
        ),
        (
            ["a", None, "c"],
            "The table: every row needs a unit id; 1 of 3 rows have none",
        ),
        (["a", "", "c"], "The table: every row needs a unit id; 1 of 3 rows have none"),
    ],
)
def test_ids_of_the_table_are_checked(column, message):
    with refused(message):
        join(values().assign(unit_id=column), shapes())


def test_a_missing_key_is_named_with_the_nearest():
    with refused(
        "join needs the column unit_id, which the table lacks. Did you mean 'uni"
    ):
        join(values().rename(columns={"unit_id": "unit_d"}), shapes())
    with refused("join needs the column code"):
        join(values(), shapes(), on="code")


def test_only_tables_are_joined():
    with refused("join takes a Result or a DataFrame; got dict."):
        join({"a": 1}, shapes())


@pytest.mark.parametrize(
    ("borders", "message"),
    [
        (shapes("aab"), "unit ids must be unique; 1 of 2 ids stand more than once (a)"),
        (shapes().set_axis([1, 2, 3], axis=0), "so leading zeros are lost"),
        (
            shapes().set_axis(["a", None, "c"], axis=0),
            "every row needs a unit id; 1 of 3",
        ),
        (shapes().set_crs(None, allow_override=True), "coordinate system; none is set"),
        (pd.DataFrame(index=list("abc")), "must be a GeoDataFrame with a geometry"),
        (
            shapes().set_geometry([None, *shapes().geometry[1:]], crs=4326),
            "Every unit needs a geometry; 1 of 3 units break this (a).",
        ),
        (
            shapes().set_geometry([Polygon(), *shapes().geometry[1:]], crs=4326),
            "Every unit needs a geometry; 1 of 3 units break this (a).",
        ),
        (
            shapes().set_geometry([BOW_TIE, *shapes().geometry[1:]], crs=4326),
            "Every geometry must be valid; 1 of 3 units break this (a).",
        ),
    ],
)
def test_boundaries_are_checked(borders, message):
    with refused(message):
        join(values(), borders)


def test_one_key_of_several_levels_is_no_key():
    table = values().assign(period=1980).set_index(["unit_id", "period"])
    with refused("join needs the column unit_id"):
        join(table, shapes())


def test_two_coordinate_systems_are_refused():
    other = shapes().assign(poverty=0.5)
    assert "poverty" in join(other, shapes()).columns
    with refused("Both tables must be in one coordinate system; they are in"):
        join(other.to_crs(3857), shapes())


def test_a_result_on_the_map_says_all_it_rests_on():
    sources = [
        {"title": "Census", "status": "measured"},
        {"title": "Minutes", "status": "modelled"},
    ]
    fit = result(units=values("ab"), provenance={"formula": "y ~ x", "data": sources})
    borders = shapes("ab")
    borders.attrs = {"title": "Borders", "status": "measured"}
    attrs = join(fit, borders).attrs
    assert attrs["status"] == "modelled"
    assert [s["title"] for s in attrs["data"]] == ["Borders", "Census", "Minutes"]


def test_a_result_on_the_map_says_how_it_was_made():
    made = {"formula": "y ~ x", "seed": 3, "versions": {"numpy": "2"}, "data_hash": "f"}
    fit = result(units=values("ab"), provenance=made)
    attrs = join(fit, shapes("ab")).attrs
    assert attrs["method"] == {"estimator": fit.estimator, **made}
    assert attrs["title"] == f"{fit.estimator}: y ~ x"
    bare = join(result(units=values("ab")), shapes("ab")).attrs
    assert bare["title"] == fit.estimator


def test_notes_and_sources_of_both_sides_stay():
    table, borders = values(), shapes()
    table.attrs = {"title": "Survey", "notes": ["One.", "Two."], "own": 1}
    borders.attrs = {
        "title": "Borders",
        "licence": "CC0",
        "notes": "Two.",
        "vintage": 2,
    }
    attrs = join(table, borders).attrs
    assert attrs["notes"] == ["Two.", "One."]
    assert attrs["data"] == [
        {"title": "Borders", "licence": "CC0"},
        {"title": "Survey"},
    ]
    # The licence of the borders is not the survey's.
    assert (attrs["title"], attrs.get("licence")) == ("Survey", None)
    assert (attrs["own"], attrs["vintage"]) == (1, 2)
    # Joined once more, nothing is said twice.
    again = join(join(table, borders), borders).attrs
    assert again["data"] == attrs["data"]
    assert again["notes"] == attrs["notes"]


def test_what_says_nothing_of_itself_gets_no_attributes():
    borders = shapes()
    borders.attrs = {}
    assert join(values(), borders).attrs == {}

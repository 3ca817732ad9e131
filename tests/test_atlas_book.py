"""The atlas: what is read, refused and gathered."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from atlas_pages import shown
from shapely.geometry import Polygon, box

from geopoverty.atlas import Atlas, MapStyle, choropleth
from geopoverty.atlas.credits import sources_of
from geopoverty.atlas.tables import table_of
from geopoverty.errors import (
    GeoPovertyWarning,
    InputError,
)
from geopoverty.join import join
from geopoverty.results import compare

IDS = ["01", "02", "03"]
MINUS = "\N{MINUS SIGN}"


# What is read


def test_values_stand_in_the_order_of_the_boundaries(counties, rates):
    atlas = Atlas(counties).add(rates[::-1], "poor", label="Poverty", unit="%")
    (indicator,) = shown(atlas)["indicators"]
    assert indicator["values"] == [[10, 20, 40]]
    assert (indicator["label"], indicator["unit"]) == ("Poverty", "%")
    assert indicator["periods"] == [""]


def test_counties_without_a_row_have_no_data(counties, rates):
    (indicator,) = shown(Atlas(counties).add(rates[:1], "poor", label="x"))[
        "indicators"
    ]
    assert indicator["values"] == [[10, None, None]]
    assert indicator["codes"] == ["0.."]


def test_periods_are_in_order_and_share_their_classes(counties, rates):
    late = rates.assign(period=1990.0)
    early = rates.iloc[:2].assign(period=1980.0, poor=[80.0, 90.0])
    table = pd.concat([late, early])
    atlas = Atlas(counties).add(
        table, "poor", label="x", period="period", style=MapStyle(breaks=(30, 60))
    )
    (indicator,) = shown(atlas)["indicators"]
    assert indicator["periods"] == ["1980", "1990"]
    assert indicator["values"] == [[80, 90, None], [10, 20, 40]]
    assert indicator["codes"] == ["22.", "001"]
    assert indicator["range"] == [10, 90]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["b", "a"], ["a", "b"]),
        (pd.to_datetime(["1990-01-01", "1980-01-01"]), ["1980-01-01", "1990-01-01"]),
        (pd.PeriodIndex(["1990Q1", "1980Q2"], freq="Q"), ["1980Q2", "1990Q1"]),
        ([10, 9], ["9", "10"]),
    ],
)
def test_periods_may_be_anything_that_has_an_order(counties, values, names):
    table = pd.DataFrame({"unit_id": ["01", "01"], "when": values, "poor": [1.0, 2.0]})
    atlas = Atlas(counties).add(table, "poor", label="x", period="when")
    assert shown(atlas)["indicators"][0]["periods"] == names


def test_units_and_periods_may_both_stand_in_the_index(counties, rates):
    table = pd.concat([rates.assign(period=y) for y in (1980, 1990)])
    indexed = table.set_index(["unit_id", "period"])
    atlas = Atlas(counties).add(indexed, "poor", label="x", period="period")
    (indicator,) = shown(atlas)["indicators"]
    assert indicator["periods"] == ["1980", "1990"]
    assert indicator["values"] == [[10, 20, 40], [10, 20, 40]]


def test_significance_is_decided_from_the_full_numbers(counties, effects):
    atlas = Atlas(counties).add(
        effects.assign(p=[0.04999999, 0.05, np.nan]),
        "effect", label="x", interval=("low", "high"), p_value="p",
    )  # fmt: skip
    (indicator,) = shown(atlas)["indicators"]
    assert indicator["unsure"] == ["010"]
    assert indicator["low"] == [[-0.2, -0.1, 0.1]]
    assert indicator["p"] == [[0.05, 0.05, None]]


def test_a_county_without_a_value_is_not_marked_insignificant(counties, effects):
    table = effects.assign(effect=[np.nan, 0.1, 0.2], p=0.5)
    (indicator,) = shown(Atlas(counties).add(table, "effect", label="x", p_value="p"))[
        "indicators"
    ]
    assert indicator["unsure"] == ["011"]


def test_a_result_brings_its_units_notes_and_sources(counties, logit_result):
    data = shown(Atlas(counties).add(logit_result, "chance", label="Chance"))
    assert data["indicators"][0]["values"] == [[0.1, 0.2, 0.3]]
    footer = data["footer"]
    assert footer["methods"] == ["logit: poor ~ density"]
    assert footer["notes"] == ["Only 3 clusters."]
    assert footer["seeds"] == ["logit: 7"]
    assert [s["status"] for s in footer["sources"]] == ["measured", "modelled"]


def test_the_footer_says_each_thing_once(counties, rates, logit_result):
    rates.attrs = dict(counties.attrs)
    atlas = (
        Atlas(counties)
        .add(rates, "poor", label="a")
        .add(logit_result, "chance", label="b")
        .add_result(logit_result, title="c")
    )
    footer = shown(atlas)["footer"]
    assert len(footer["sources"]) == 2
    assert len(footer["methods"]) == len(footer["notes"]) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", footer["date"])
    assert footer["version"]
    assert "Lambert" in footer["projection"]


@pytest.mark.parametrize(
    ("attrs", "titles"),
    [
        ({}, []),
        ({"unrelated": 3}, []),
        ({"title": "A"}, ["A"]),
        ({"data": {"title": "A", "extra": 1}}, ["A"]),
        ({"data": [{"title": "A"}, {"title": "B"}, {"title": "A"}]}, ["A", "B"]),
        ({"data": "a file"}, []),
    ],
)
def test_sources_are_read_from_attrs_of_either_shape(attrs, titles):
    assert [s.title for s in sources_of(attrs)] == titles


def test_notes_and_sources_of_a_joined_result_reach_the_footer(counties, logit_result):
    table = join(logit_result, counties)
    footer = choropleth(table, "chance").data["footer"]
    assert footer["notes"] == ("Only 3 clusters.",)
    assert [s["title"] for s in footer["sources"]] == ["Three counties", "Times"]


def test_names_fall_back_on_ids_and_groups_on_nothing(counties, rates):
    counties.loc["02", ["name", "state"]] = None
    places = shown(Atlas(counties, group="state").add(rates, "poor", label="x"))[
        "places"
    ]
    assert places["names"] == ["Ash", "02", "Oak"]
    assert places["groups"] == ["East", "", "West"]
    bare = shown(Atlas(counties, name=None).add(rates, "poor", label="x"))["places"]
    assert bare["names"] == IDS
    assert bare["groups"] is None


def test_input_is_never_modified_and_atlases_are_values(counties, rates):
    before, table = counties.copy(), rates.copy()
    start = Atlas(counties)
    longer = start.add(rates, "poor", label="x")
    shown(longer)
    assert (start.indicators, len(longer.indicators)) == ((), 1)
    pd.testing.assert_frame_equal(rates, table)
    assert counties.equals(before)


def test_minus_zero_is_zero(counties):
    table = pd.DataFrame({"unit_id": IDS, "change": [-0.0, -1e-12, 5.0]})
    (indicator,) = shown(Atlas(counties).add(table, "change", label="x"))["indicators"]
    text = json.dumps(indicator["values"])
    assert "-" not in text


# What stands on the results page


def test_a_section_has_tables_facts_and_notes(counties, rates, logit_result):
    atlas = Atlas(counties).add(rates, "poor", label="x")
    (section,) = shown(
        atlas.add_result(logit_result, title="Main", text="Plain.", tables=("tests",))
    )["sections"]
    titles = [t["title"] for t in section["tables"]]
    assert titles == ["Estimates", "Tests"]
    assert section["tables"][0]["head"][:3] == ["Term", "Estimate", "Standard error"]
    assert section["tables"][0]["rows"][1][:2] == ["density", f"{MINUS}0.500"]
    assert section["tables"][1]["rows"] == [["Wald", "1.50"]]
    assert ["Observations", "3"] in section["facts"]
    assert ["Log likelihood", f"{MINUS}12.50"] in section["facts"]
    assert section["notes"] == ["Only 3 clusters."]


def test_effects_are_shown_unless_others_are_asked_for(counties, rates, logit_result):
    atlas = (
        Atlas(counties)
        .add(rates, "poor", label="x")
        .add_result(logit_result, title="a")
    )
    titles = [t["title"] for t in shown(atlas)["sections"][0]["tables"]]
    assert titles == ["Estimates", "Effects"]


def test_an_unknown_table_is_named_with_a_suggestion(counties, logit_result):
    with pytest.raises(InputError, match=r"no table 'effect'\. Did you mean 'effects'"):
        Atlas(counties).add_result(logit_result, title="a", tables=["effect"])


def test_a_comparison_reads_like_a_journal_table(logit_result):
    table = table_of(compare(logit_result, logit_result), "")
    assert table.head == ("Term", "Row", "(1)", "(2)")
    assert table.numeric == (False, False, True, True)
    assert table.rows[2][:3] == ("density", "Estimate", f"{MINUS}0.5000***")
    assert table.rows[3][:3] == ("", "Standard error", "(0.1000)")


def test_cells_are_set_for_readers():
    frame = pd.DataFrame(
        {
            "period": [1960, 1990],
            "share": [0.12345, -0.0],
            "wide": [1234.5, 0.00012],
            "p_value": [0.0002, np.nan],
            "count": [3085, 12],
            "text": ["-a", None],
        }
    )
    table = table_of(frame, "x")
    assert table.rows[0] == ("1960", "0.123", "1,234", "< 0.001", "3,085", "-a")
    assert table.rows[1] == ("1990", "0.000", "0.0001200", "", "12", "")
    assert table.head[:2] == ("Period", "Share")


def test_long_tables_are_cut_and_say_so():
    table = table_of(pd.DataFrame({"n": range(1000)}), "x")
    assert (len(table.rows), table.cut) == (300, 700)


# What is refused


def test_unknown_columns_get_a_suggestion(counties, rates):
    atlas = Atlas(counties)
    with pytest.raises(InputError, match=r"column por, .*Did you mean 'poor'"):
        atlas.add(rates, "por", label="x")
    with pytest.raises(InputError, match="columns lo, hi"):
        atlas.add(rates, "poor", label="x", interval=("lo", "hi"))
    with pytest.raises(InputError, match="Did you mean 'name'"):
        Atlas(counties, name="nme")
    with pytest.raises(InputError, match="Did you mean 'state'"):
        Atlas(counties, group="stat")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poor": ["a", "b", "c"]}, "'poor' must hold numbers; it holds object"),
        ({"poor": [np.nan] * 3}, "must hold at least one value; all 3 are missing"),
        ({"poor": [1, np.inf, 2]}, r"must be finite; 1 of 3 rows break this \(02\)"),
        ({"unit_id": ["01", "x", "y"]}, r"in the boundaries; 2 of 3 .* \(x, y\)"),
        ({"unit_id": ["01", "02", "02"]}, r"1 stand more than once \(02\).*period="),
        ({"unit_id": ["01", "02", None]}, "every row needs a unit id; 1 of 3"),
        ({"unit_id": [1, 2, 3]}, "must be text; these are integer"),
    ],
)
def test_bad_tables_say_the_rule(counties, rates, change, message):
    with pytest.raises(InputError, match=message):
        Atlas(counties).add(rates.assign(**change), "poor", label="x")


def test_repeated_ids_in_a_period_are_listed(counties, rates):
    table = pd.concat([rates, rates.iloc[:1]]).assign(period=1990)
    with pytest.raises(InputError, match=r"1 stand more than once \(01 in 1990\)"):
        Atlas(counties).add(table, "poor", label="x", period="period")


def test_a_missing_period_is_refused(counties, rates):
    table = rates.assign(period=[1990, np.nan, 1990])
    with pytest.raises(InputError, match=r"needs a period .* 1 of 3 rows .* \(02\)"):
        Atlas(counties).add(table, "poor", label="x", period="period")


def test_ends_of_intervals_in_the_wrong_order_are_refused(counties, effects):
    with pytest.raises(InputError, match=r"must not lie above .* 3 of 3 units"):
        Atlas(counties).add(effects, "effect", label="x", interval=("high", "low"))
    for wrong in ("low", ("low",), ("low", "high", "p")):
        with pytest.raises(InputError, match="interval must name two columns"):
            Atlas(counties).add(effects, "effect", label="x", interval=wrong)


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_p_values_lie_between_0_and_1(counties, effects, p):
    with pytest.raises(InputError, match=r"p-values between 0 and 1; 1 of 3 .* \(01\)"):
        Atlas(counties).add(
            effects.assign(p=[p, 0.5, 0.5]), "effect", label="x", p_value="p"
        )


def test_a_table_needs_ids(counties, rates):
    with pytest.raises(InputError, match="keyed by a column or index 'unit_id'"):
        Atlas(counties).add(
            rates.rename(columns={"unit_id": "fips"}), "poor", label="x"
        )
    with pytest.raises(InputError, match="needs a DataFrame or a Result; got Series"):
        Atlas(counties).add(rates["poor"], "poor", label="x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.set_crs(None, allow_override=True), "must say their coordinate"),
        (lambda c: c.set_geometry([Polygon(), *c.geometry[1:]]), "needs a geometry"),
        (lambda c: c.set_geometry([None, *c.geometry[1:]]), "needs a geometry"),
        (
            lambda c: c.set_geometry(
                [Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), *c.geometry[1:]], crs=4326
            ),
            r"geometry must be valid; 1 of 3 units break this \(01\)",
        ),
        (lambda c: c.set_index(pd.Index(["01", "01", "03"])), "ids must be unique"),
        (lambda c: c.set_index(pd.Index([1, 2, 3])), "ids must be text"),
        (lambda c: c.reset_index(drop=True), "keyed by a column or index 'unit_id'"),
        (lambda c: pd.DataFrame(c), "must be a GeoDataFrame; got DataFrame"),
    ],
)
def test_bad_boundaries_say_the_rule(counties, change, message):
    with pytest.raises(InputError, match=message):
        Atlas(change(counties))


def test_an_atlas_needs_an_indicator(counties, logit_result, tmp_path):
    atlas = Atlas(counties).add_result(logit_result, title="x")
    with pytest.raises(InputError, match="at least one indicator"):
        atlas.save(tmp_path / "atlas.html")
    assert list(tmp_path.iterdir()) == []


def test_overlapping_counties_warn_and_the_footer_says_so(counties, rates):
    counties.loc["02", "geometry"] = box(0.5, 0, 2, 1)
    atlas = Atlas(counties).add(rates, "poor", label="x")
    with pytest.warns(GeoPovertyWarning, match="2 of 3 units overlap") as caught:
        drawn = atlas.county_map()
    assert caught[0].filename == __file__
    assert "drawn unsimplified" in drawn.data["footer"]["notes"][0]

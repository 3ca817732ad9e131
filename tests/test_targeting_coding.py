"""Questionnaires as numbers and tables: coding, frequencies, multiple responses."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given, settings
from hypothesis import strategies as st
from known import answers, table
from scipy import stats

from geopoverty.errors import InputError
from geopoverty.estimators.targeting import (
    SurveyColumns,
    YesNo,
    code_likert,
    code_multiple,
    code_ranked,
    code_yes_no,
    counts_from_percent,
    frequencies,
    multiple_response,
    rank_table,
)
from geopoverty.estimators.targeting.coding import SPELLINGS
from geopoverty.numerics.proportions import wilson

# Sums of a few hundred terms in another order.
TIGHT = 1e-11


def series(*values, name="answer"):
    return pd.Series(
        list(values), name=name, index=[f"h{i}" for i in range(len(values))]
    )


# Yes and no


@pytest.mark.parametrize(
    ("language", "yes", "no"),
    [
        ("english", [" YES ", "y", True], ["No", "n", False]),
        ("chinese", ["是", "有"], ["否", "没有"]),
        ("spanish", ["Sí", "si"], ["no"]),
        ("french", ["OUI"], ["non"]),
        ("portuguese", ["sim"], ["Não"]),
        ("vietnamese", ["có"], ["không"]),
        ("numbers", [1, 1.0, "1", "\uff11"], [0, "0"]),
    ],
)
def test_yes_no_in_each_language(language, yes, no):
    found = code_yes_no(series(*yes, *no, None, " "), spellings=language)
    assert found.tolist()[: len(yes) + len(no)] == [1.0] * len(yes) + [0.0] * len(no)
    assert found.isna().sum() == 2


def test_no_language_is_guessed():
    with pytest.raises(
        InputError, match=r"'answer' must be yes or no, but holds '是' 1"
    ):
        code_yes_no(series("是", "yes"))
    # 1 means no by default: a questionnaire may code it either way.
    with pytest.raises(
        InputError, match=r"holds '1' 2 times, '2' 1 times; 3 of 3 rows"
    ):
        code_yes_no(series(1, 1, 2))
    with pytest.raises(InputError, match="Did you mean 'chinese'"):
        code_yes_no(series("是"), spellings="chines")


def test_unknown_spellings_are_all_listed_with_what_is_known():
    with pytest.raises(InputError, match=r"'maybe' 2 times, 'ja' 1 times; 3 of 4") as e:
        code_yes_no(series("maybe", "maybe", "ja", "yes"))
    assert "Known are: yes, y, true, no, n, false" in str(e.value)
    assert "(h0, h1, h2)" in str(e.value)


def test_yes_no_keeps_frames_names_and_origin():
    frame = pd.DataFrame({"a": [1, 2, -2], "b": [2, 2, 1]}, index=list("xyz"))
    frame.attrs = {"title": "Village", "status": "simulated"}
    before = frame.copy()
    found = code_yes_no(frame, spellings=YesNo(1, 2), missing=-2)
    assert found["b"].tolist() == [0.0, 0.0, 1.0]
    assert found.loc["z", "a"] != found.loc["z", "a"]
    assert found.attrs == frame.attrs
    pd.testing.assert_frame_equal(frame, before)


def test_every_kind_of_column_is_coded():
    for kind in ("string", "category", object):
        column = pd.Series(["yes", None, "no"], dtype=kind)
        np.testing.assert_array_equal(code_yes_no(column), [1.0, np.nan, 0.0])
    whole = pd.Series([1, None, 2], dtype="Int64")
    np.testing.assert_array_equal(
        code_yes_no(whole, spellings=YesNo(1, 2)), [1.0, np.nan, 0.0]
    )
    np.testing.assert_array_equal(code_likert(whole), [1.0, np.nan, 2.0])
    truth = pd.Series([True, None, False], dtype="boolean")
    np.testing.assert_array_equal(code_yes_no(truth), [1.0, np.nan, 0.0])


def test_yes_no_needs_two_different_spellings():
    with pytest.raises(InputError, match="both hold yes"):
        YesNo("Yes", " yes")
    with pytest.raises(InputError, match="one is empty"):
        YesNo(1)
    with pytest.raises(InputError, match="must be a language or YesNo"):
        code_yes_no(series(1), spellings=3)
    with pytest.raises(InputError, match="Series or DataFrame; got list"):
        code_yes_no([1, 0])
    for spelled in SPELLINGS.values():
        assert spelled.yes
        assert spelled.no


# Likert


def test_likert_codes_and_reverses():
    frame = pd.DataFrame({"a": [1, 5, 9], "b": ["2", "4", ""]})
    found = code_likert(frame, missing=9, reverse=["b"])
    np.testing.assert_array_equal(found["a"], [1, 5, np.nan])
    np.testing.assert_array_equal(found["b"], [4, 2, np.nan])
    named = {"very little": 1, "much": 5}
    assert code_likert(series("Much", "very little"), labels=named).tolist() == [5, 1]


@pytest.mark.parametrize("wrong", [6, 0, 2.5, "often"])
def test_likert_out_of_range(wrong):
    message = rf"a whole number from 1 to 5, but holds {wrong}; 1 of 3 rows .*\(h1\)"
    with pytest.raises(InputError, match=message):
        code_likert(series(3, wrong, None))


def test_likert_bad_options():
    with pytest.raises(InputError, match="low must be below high"):
        code_likert(series(1), low=5, high=1)
    with pytest.raises(InputError, match="reverse names columns that are not there: z"):
        code_likert(pd.DataFrame({"a": [1]}), reverse=["z"])
    with pytest.raises(
        InputError, match="must be on the scale, but holds 'meh' 1 times"
    ):
        code_likert(series("meh"), labels={"much": 5})


@LAW
@given(st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_reversing_twice_changes_nothing(scores):
    once = code_likert(series(*scores), high=7, reverse=True)
    np.testing.assert_array_equal(code_likert(once, high=7, reverse=True), scores)


# Several answers


def test_multiple_answers_as_text():
    given = series("farm; wage", "wage", "", None, "none")
    found = code_multiple(given, none="none")
    assert found.columns.tolist() == ["farm", "wage"]
    np.testing.assert_array_equal(
        found, [[1, 1], [0, 1], [np.nan] * 2, [np.nan] * 2, [0, 0]]
    )
    coded = code_multiple(
        series("1,3", "2"), separator=",", options={"1": "a", "2": "b", "3": "c"}
    )
    assert coded.sum().to_dict() == {"a": 1, "b": 1, "c": 1}
    assert code_multiple(series("a"), options=["a", "z"])["z"].tolist() == [0.0]


def test_multiple_bad_input():
    with pytest.raises(InputError, match=r"may hold farm, wage; found also wages.*Did"):
        code_multiple(series("farm;wages"), options=["farm", "wage"])
    with pytest.raises(InputError, match=r"must name each option once; 1 of 2"):
        code_multiple(series("a;a", "b"))
    with pytest.raises(InputError, match="must be text"):
        code_multiple(series(1, 2))
    with pytest.raises(InputError, match="separator must not be empty"):
        code_multiple(series("a"), separator="")
    with pytest.raises(InputError, match="answers must be a Series"):
        code_multiple(["a"])


def test_ranked_answers():
    texts = code_ranked(series("b > a", "a", None), options=["a", "b", "c"])
    np.testing.assert_array_equal(
        texts, [[2, 1, np.nan], [1, np.nan, np.nan], [np.nan] * 3]
    )
    found = rank_table(texts)
    assert found["first"].tolist() == [1, 1, 0]
    # b and c share places 2 and 3 in the second row; c is last in the first.
    np.testing.assert_allclose(found["borda"], [0.75, 0.625, 0.125])
    np.testing.assert_allclose(found["mean_rank"], [1.5, 1.0, np.nan])
    assert "1 rows rank nothing" in found.attrs["notes"][0]


def test_ranked_bad_input():
    for row in ([1, 1], [2, -2], [1, 3]):
        with pytest.raises(InputError, match=r"Each row must rank 1, 2, \.\.\. once"):
            code_ranked(pd.DataFrame([row], columns=["a", "b"]), missing=-2)
    for wrong in (0, 1.5, "x"):
        with pytest.raises(InputError, match="Ranks must be whole numbers from 1"):
            code_ranked(pd.DataFrame({"a": [wrong], "b": [1]}))
    with pytest.raises(InputError, match="found also z"):
        code_ranked(series("a > z"), options=["a", "b"])
    with pytest.raises(InputError, match="at least two options, and a row"):
        rank_table(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(InputError, match="and 0 such rows"):
        rank_table(pd.DataFrame({"a": [np.nan], "b": [np.nan]}))


# Printed percentages


def test_counts_behind_printed_percentages():
    printed = series(5.5, 37.0, 57.5)
    assert counts_from_percent(printed, total=73).tolist() == [4, 27, 42]
    cases = series(75.3, 15.1, 1.4)
    found = counts_from_percent(cases, total=73, exclusive=False)
    assert found.tolist() == [55, 11, 1]


def test_percentages_that_do_not_add_up():
    with pytest.raises(
        InputError, match=r"add up to 100 within rounding; these 3 add up to 99\.0"
    ):
        counts_from_percent(series(4.5, 37.0, 57.5), total=73)
    with pytest.raises(InputError, match="shares of whole numbers out of 10; 2 of 2"):
        counts_from_percent(series(45.5, 54.5), total=10)
    with pytest.raises(InputError, match="must be from 0 to 100"):
        counts_from_percent(series(-5.0, 105.0), total=20)
    with pytest.raises(InputError, match="total must be at least 1"):
        counts_from_percent(series(100.0), total=0)
    with pytest.raises(InputError, match="counts add up to 202, not to the total"):
        counts_from_percent(series(34.0, 34.0, 33.0), total=200, decimals=0)


# Frequencies


def test_weighted_frequencies_equal_survey():
    homes = table("binary").assign(member=lambda h: h["x2"].eq(1).astype(int))
    drawn = SurveyColumns("sampling_weight", cluster="unit_id")
    found = frequencies(homes, "member", survey=drawn)
    known = answers("targeting")["frequency"]
    np.testing.assert_allclose(found["valid_percent"] / 100, known["share"], rtol=TIGHT)
    np.testing.assert_allclose(found["std_error"] / 100, known["se"], rtol=TIGHT)


def test_frequencies_have_wilson_intervals():
    known = answers("targeting")["shares"]["wilson"]
    for (count, n), ends in zip([(59, 73), (4, 73), (0, 14)], known, strict=True):
        frame = pd.DataFrame({"a": [1] * count + [0] * (n - count)})
        found = frequencies(frame, "a", labels={1: "yes", 0: "no"}).iloc[0]
        got = [found["conf_low"] / 100, found["conf_high"] / 100]
        np.testing.assert_allclose(got, ends, atol=1e-12)
        low, high = wilson(np.array([count / n]), np.array([n]), 1.959963984540054)
        np.testing.assert_allclose([low[0], high[0]], ends, atol=1e-12)


def test_weighted_intervals_are_wilsons_with_the_rows_that_count():
    frame = pd.DataFrame({"a": [1, 1, 0, 0, 0], "w": [1.0, 2, 3, 1, 1]})
    row = frequencies(frame, "a", survey=SurveyColumns("w")).iloc[1]
    share, error = row["valid_percent"] / 100, row["std_error"] / 100
    effective = share * (1 - share) / (error**2 * 4 / 5)
    low, high = wilson(
        np.array([share]), np.array([effective]), float(stats.t.ppf(0.975, 4))
    )
    ends = [row["conf_low"] / 100, row["conf_high"] / 100]
    np.testing.assert_allclose(ends, [low[0], high[0]], rtol=1e-12)


def test_frequencies_count_missing_and_keep_order():
    kinds = pd.Categorical(["low", "high", None], categories=["low", "mid", "high"])
    frame = pd.DataFrame({"kind": kinds, "b": [2, 10, 2]})
    frame.attrs = {"title": "T", "status": "simulated", "notes": ("Made up.",)}
    found = frequencies(frame, ["kind", "b"])
    assert found["value"].tolist() == ["low", "mid", "high", "(missing)", 2, 10]
    assert found["count"].tolist() == [1, 0, 1, 1, 2, 1]
    np.testing.assert_allclose(found["percent"][:4], [100 / 3, 0, 100 / 3, 100 / 3])
    np.testing.assert_allclose(found["cumulative"][:4], [50, 50, 100, np.nan])
    assert found.attrs["title"] == "Frequencies; from T"
    assert found.attrs["notes"] == ["Made up.", "1 rows have no answer to 'kind'."]


def test_frequencies_bad_input():
    frame = pd.DataFrame({"a": [1, 2, 3], "w": [1.0, -1.0, 1.0], "e": [np.nan] * 3})
    with pytest.raises(InputError, match="answers without a label: 3"):
        frequencies(frame, "a", labels={1: "yes", 2: "no"})
    with pytest.raises(
        InputError, match=r"weights 'w' must be above 0; 1 of 3 rows.*\(1\)"
    ):
        frequencies(frame, "a", survey=SurveyColumns("w"))
    with pytest.raises(InputError, match="Nobody answered 'e'"):
        frequencies(frame, "e")
    with pytest.raises(InputError, match="needs the column b"):
        frequencies(frame, "b")
    with pytest.raises(InputError, match="at least one column"):
        frequencies(frame, [])
    with pytest.raises(InputError, match="must be different column names"):
        frequencies(frame, ["a", "a"])
    with pytest.raises(InputError, match="survey must be SurveyColumns"):
        frequencies(frame, "a", survey="w")
    with pytest.raises(InputError, match="data must be a DataFrame"):
        frequencies(frame["a"], "a")


@settings(LAW, max_examples=12)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=2, max_size=25)
)
def test_weights_are_duplicates_and_order_is_nothing(rows):
    frame = pd.DataFrame(rows, columns=["a", "w"])
    weighted = frequencies(frame, "a", survey=SurveyColumns("w"))
    repeated = frequencies(frame.loc[frame.index.repeat(frame["w"])], "a")
    columns = ["value", "population", "percent", "valid_percent", "cumulative"]
    pd.testing.assert_frame_equal(weighted[columns], repeated[columns])
    turned = frequencies(frame[::-1], "a", survey=SurveyColumns("w"))
    pd.testing.assert_frame_equal(turned, weighted)
    assert weighted["valid_percent"].sum() == pytest.approx(100)
    within = weighted["valid_percent"].between(
        weighted["conf_low"] - 1e-9, weighted["conf_high"] + 1e-9
    )
    assert within.all()


# Multiple responses


def test_multiple_responses_of_cases_and_of_responses():
    frame = pd.DataFrame(
        {"a": [1, 1, 0, 0, np.nan], "b": [1, np.nan, 0, 1, np.nan]}, dtype=float
    )
    found = multiple_response(frame, ["a", "b"], labels={"a": "Farm"})
    assert found["option"].tolist() == ["Farm", "b", "(total)"]
    np.testing.assert_allclose(found["percent_of_responses"], [50, 50, 100])
    np.testing.assert_allclose(found["percent_of_cases"], [200 / 3, 200 / 3, 400 / 3])
    assert (found.attrs["n_cases"], found.attrs["n_left_out"]) == (3, 2)
    assert len(found.attrs["notes"]) == 3
    everybody = multiple_response(frame, ["a", "b"], cases="answered")
    np.testing.assert_allclose(everybody["percent_of_cases"], [50, 50, 100])


def test_multiple_response_bad_input():
    frame = pd.DataFrame({"a": [1, 2], "b": [0, 1], "z": [0, 0], "y": [0, 0]})
    with pytest.raises(InputError, match=r"'a' must be 0 or 1; 1 of 2 rows"):
        multiple_response(frame, ["a", "b"])
    with pytest.raises(InputError, match="Nobody chose an option"):
        multiple_response(frame, ["z", "y"])
    with pytest.raises(InputError, match="two columns of 0 and 1 at least"):
        multiple_response(frame, ["b"])
    with pytest.raises(InputError, match="cases must be one of"):
        multiple_response(frame, ["b", "z"], cases="all")

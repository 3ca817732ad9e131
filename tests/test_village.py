"""The made-up village: whatever the seed, what is printed of the real one."""

import numpy as np
import pandas as pd
import pytest

from geopoverty.data.simulated.village import (
    AGES,
    CAUSES,
    INCOMES,
    MEASURES,
    PARTIAL,
    SCHOOLING,
    published_margins,
    village_modes,
    village_survey,
)
from geopoverty.errors import InputError
from geopoverty.estimators.targeting import (
    YesNo,
    code_ranked,
    code_yes_no,
    empowerment_matrix,
    frequencies,
    multiple_response,
    partial_correlation,
    rank_table,
)

SEEDS = (0, 1, 7, 2021)


@pytest.fixture(scope="module", params=SEEDS)
def homes(request):
    return village_survey(seed=request.param)


def test_margins_are_those_printed(homes):
    assert len(homes) == 73
    assert homes["poor"].value_counts().to_dict() == {1: 59, 2: 14}
    ages = homes["age_group"].value_counts()
    assert {g: int(ages.get(g, 0)) for g, _ in AGES} == dict(AGES)
    assert homes["school"].value_counts().to_dict() == dict(SCHOOLING)
    assert {n: homes[f"income_{n}"].sum() for n in INCOMES} == INCOMES
    assert homes["channel"].isin([3, 4]).sum() == 56
    assert homes["household_size"].between(1, 4).all()
    assert (homes["away"] <= homes["household_size"]).all()


def test_age_groups_hold_the_ages(homes):
    between = {"25-40": (25, 40), "40-60": (41, 60), "over 60": (61, 120)}
    for group, (low, high) in between.items():
        assert homes.loc[homes["age_group"] == group, "age"].between(low, high).all()


def test_printed_percentages_follow(homes):
    coded = code_yes_no(homes[["poor"]], spellings=YesNo(1, 2))
    shares = frequencies(coded, "poor", labels={1: "yes", 0: "no"})
    assert shares["valid_percent"].round(1).tolist() == [80.8, 19.2]
    groups = frequencies(homes, "age_group", labels={g: g for g, _ in AGES})
    assert groups["valid_percent"].round(1).tolist() == [0.0, 5.5, 37.0, 57.5]
    columns = [f"income_{n}" for n in INCOMES]
    found = multiple_response(homes, columns).set_index("option")
    printed = [29.7, 5.9, 0.5, 13.0, 20.5, 30.3]
    assert found["percent_of_responses"].round(1).tolist() == [*printed, 100.0]
    assert found.loc["(total)", "count"] == 185


def test_first_causes_are_those_printed(homes):
    columns = [f"cause_{n}" for n in CAUSES]
    found = rank_table(code_ranked(homes[columns], missing=-2)).set_index("option")
    assert found["first"].tolist() == list(CAUSES.values())
    # The text prints 69.50 for 41 of 59, which is 69.49.
    printed = [1.69, 1.69, 0.0, 13.56, 13.56, 69.49]
    assert found["percent_first"].round(2).tolist() == printed


def test_partial_correlations_are_those_printed(homes):
    found = partial_correlation(
        homes,
        x="age",
        y=[f"knows_{m}" for m in MEASURES],
        given=["poor", "schooling"],
    )
    assert found.facts["df_t"] == 69
    table = found.tables["correlations"]
    printed = [-0.676, -0.644, -0.663, -0.551, -0.557, -0.541, -0.028, -0.499]
    assert table["estimate"].round(3).tolist() == printed
    finance = table.set_index("y").loc["knows_finance", "p_value"]
    assert round(float(finance), 3) == 0.818
    others = table.loc[table["y"] != "knows_finance", "p_value"]
    assert (others < 0.0005).all()
    assert [round(r, 3) for r in PARTIAL] == printed


def test_answers_are_answers(homes):
    knows = homes[[f"knows_{m}" for m in MEASURES]]
    assert knows.isin(range(1, 6)).all().all()
    for part in ("wants", "joins"):
        assert homes[[f"{part}_{m}" for m in MEASURES]].isin([0, 1]).all().all()
    poor = homes["poor"] == 1
    assert homes.loc[poor, "joins_breeding"].mean() > 0.8
    assert not homes.isna().any().any()
    ranks = homes.loc[~poor, [f"cause_{n}" for n in CAUSES]]
    assert (ranks == -2).all().all()


def test_it_says_that_it_is_simulated(homes):
    assert homes.attrs["status"] == "simulated"
    assert homes.attrs["published"] == published_margins()
    found = partial_correlation(homes, x="age", y="knows_goods")
    assert any("Simulated data" in note for note in found.notes)
    assert frequencies(homes, "poor").attrs["status"] == "simulated"


def test_seeds_differ_and_repeat():
    pd.testing.assert_frame_equal(village_survey(seed=3), village_survey(seed=3))
    assert not village_survey(seed=3).equals(village_survey(seed=4))
    with pytest.raises(InputError, match="seed must be a whole number"):
        village_survey(seed=-1)


def test_modes_rank_as_the_study_concludes():
    modes = village_modes()
    assert modes.attrs["status"] == "modelled"
    levels = ["resources", "skills", "values", "participation", "income", "stability"]
    assert np.isin(modes[levels], (0.0, 0.5, 1.0)).all()
    found = empowerment_matrix(modes, mode="mode", criteria=levels)
    top = found.tables["ranking"].set_index("mode")
    assert set(top.index[:2]) == {"employment", "cooperative"}
    assert top.loc["self-run", "beaten_by"] == "cooperative"

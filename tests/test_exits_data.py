"""Lists of exits, exits from a panel, the counties of the US and of China."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st

import geopoverty as gp
from geopoverty.data.exits import read_exits
from geopoverty.data.panel_exits import exits_from_panel
from geopoverty.data.us_exits import us_county_exits
from geopoverty.errors import InputError
from geopoverty.estimators.curves import CurveOptions, survival_curves
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard
from geopoverty.estimators.exits.periods import exit_periods

# Facts announced year by year; the sheet itself is not part of the repository.
SHEET = (
    Path(__file__).parents[2] / "shared/data/public/panels/cn_832_poor_county_exit.csv"
)
BY_YEAR = {2016: 28, 2017: 125, 2018: 283, 2019: 344, 2020: 52}


def written(tmp_path, text, name="exits.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_keeps_names_zeros_and_gaps(tmp_path):
    path = written(
        tmp_path,
        "adcode,name,exit_year,code,flag\n"
        "010101,望都县,2016,007,True\n010102,海兴县,,008,False\n",
    )
    made = read_exits(path, unit_id="adcode")
    assert made["unit_id"].tolist() == ["010101", "010102"]
    assert made["name"].tolist() == ["望都县", "海兴县"]
    assert made["code"].tolist() == ["007", "008"]
    assert made["flag"].tolist() == [True, False]
    assert made["exited"].tolist() == [1, 0]
    assert made["exit_year"].isna().tolist() == [False, True]
    assert made.attrs["status"] == "measured"
    assert "exits.csv" in made.attrs["title"]


def test_parquet_and_tables_give_the_same(tmp_path):
    table = pd.DataFrame(
        {"unit_id": ["a", "b"], "exit_year": [2017, 2018], "x": [1, 2]}
    )
    table.to_parquet(tmp_path / "exits.parquet")
    from_file = read_exits(tmp_path / "exits.parquet")
    pd.testing.assert_frame_equal(from_file, read_exits(table))
    indexed = read_exits(table.set_index("unit_id"))
    assert indexed["unit_id"].tolist() == ["a", "b"]
    table.attrs = {"status": "simulated", "title": "made up"}
    assert read_exits(table).attrs["status"] == "simulated"


def test_days_are_read_as_days():
    days = pd.DataFrame({"unit_id": ["a", "b"], "when": ["2018-09-25", None]})
    made = read_exits(days, left="when")
    assert made["exit_date"].iloc[0] == pd.Timestamp("2018-09-25")
    assert made["exit_year"].iloc[0] == 2018
    assert made["exited"].tolist() == [1, 0]
    stamped = days.assign(when=pd.to_datetime(days["when"]))
    pd.testing.assert_frame_equal(read_exits(stamped, left="when"), made)


def test_lost_zeros_come_back_when_asked(tmp_path):
    path = written(tmp_path, "unit_id,exit_year\n1001,2018\n10001,2019\n")
    made = read_exits(path, width=5)
    assert made["unit_id"].tolist() == ["01001", "10001"]
    assert "1 ids got their leading zeros back" in made.attrs["notes"][0]
    numbers = pd.DataFrame({"unit_id": [1001.0, 10001.0], "exit_year": [2018, 2019]})
    assert read_exits(numbers, width=5)["unit_id"].tolist() == ["01001", "10001"]
    with pytest.raises(InputError, match=r"one length; 1 of 2 .* Pass width=5"):
        read_exits(path)
    with pytest.raises(InputError, match="unit ids must be text"):
        read_exits(numbers)
    with pytest.raises(InputError, match="must be 4 digits; 1 of 2 rows"):
        read_exits(numbers, width=4)


def test_merged_counties_keep_the_row_asked_for():
    table = pd.DataFrame(
        {"unit_id": ["b", "a", "a"], "exit_year": [2018, 2019, 2017], "x": [1, 2, 3]}
    )
    with pytest.raises(InputError, match=r"1 of 2 units stand more than once \(a\)"):
        read_exits(table)
    last = read_exits(table, repeats="last")
    assert last[["unit_id", "x"]].to_numpy().tolist() == [["b", 1], ["a", 2]]
    first = read_exits(table, repeats="first")
    assert first["exit_year"].tolist() == [2018, 2017]
    assert "1 units stood more than once (a)" in first.attrs["notes"][0]


LISTED = pd.DataFrame({"unit_id": ["a", "b"], "exit_year": [2017, 2018]})


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"exit_year": [2015, 2018]}, {}, r"after the origin, 2015-12-31; 1 of 2"),
        ({"exit_year": [2017.5, 2018]}, {}, "must hold years such as 2018"),
        ({"exit_year": ["soon", "2018"]}, {}, "must hold years such as 2018"),
        ({"exit_year": [17, 2018]}, {}, "must hold years such as 2018"),
        ({"exit_year": ["2015-12-31", "2018-01-05"]}, {}, "after the origin"),
        ({"exit_year": ["25.9.2018", "2018-01-05"]}, {}, "written year-month-day"),
        ({"exit_year": ["2018", "2018-01-05"]}, {}, "years alone need a list of years"),
        ({"exit_year": [None, None]}, {}, "No unit has left; 'exit_year' is empty"),
        ({"unit_id": ["a", None]}, {}, "every row needs a unit id"),
        ({"unit_id": ["1", None]}, {"width": 3}, "every row needs a unit id"),
        ({"exited": [1, 0]}, {}, "must not have the columns that are made here"),
        ({}, {"left": "year"}, "lacks"),
        ({}, {"origin": "2015"}, "origin must be a day such as"),
        ({}, {"repeats": "both"}, "repeats must be one of"),
    ],
)
def test_bad_lists_are_refused(change, options, message):
    with pytest.raises(InputError, match=message):
        read_exits(LISTED.assign(**change), **options)


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_exits(tmp_path / "none.csv")
    odd = tmp_path / "odd.csv"
    odd.write_bytes("unit_id,exit_year\n望都县,2016\n".encode("gb18030"))
    with pytest.raises(InputError, match="must be in UTF-8"):
        read_exits(odd)
    broken = written(tmp_path, "no parquet", "broken.parquet")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_exits(broken)


def morans_i(values, weights):
    """The textbook ratio, all links of the weights counted."""
    gap = values - values.mean()
    total = weights.matrix.sum()
    return len(gap) / total * (gap @ weights.lag(gap)) / (gap @ gap)


def test_the_poor_counties_of_china_left_year_by_year():
    """832 counties on 831 polygons; weights: queen contiguity, row-standardised."""
    if not SHEET.is_file():  # it must not be part of the repository
        return
    with pytest.raises(InputError, match=r"more than once \(632803\)"):
        read_exits(SHEET, unit_id="adcode")
    exits = read_exits(SHEET, unit_id="adcode", repeats="last")
    raw = pd.read_csv(SHEET, dtype={"adcode": str})
    assert raw["exit_year"].value_counts().to_dict() == BY_YEAR
    assert len(exits) == 831
    assert exits["exited"].all()
    counties = gp.datasets.china_counties().loc[exits["unit_id"]]
    assert len(counties) == 831
    with pytest.warns(gp.GeoPovertyWarning, match="20 of 831 units have no neighbour"):
        weights = gp.contiguity_weights(counties)
    year = exits["exit_year"].to_numpy(float)
    assert morans_i(year, weights) == pytest.approx(0.3027, abs=2e-4)
    # By the end of a year, the share that had left: what the announcements give.
    line = Timeline("exit_year", origin="2015-12-31", precision="year", per="years")
    fit = exit_hazard("ethnic_autonomous", exits, duration=line, model="aft")
    assert fit.facts["n_exits"] == 831
    made = exit_periods(
        exits.drop(columns="exited"), left="exit_year", periods=range(2015, 2021)
    )
    spill = exit_hazard(
        "ethnic_autonomous + W(exited_by_then)",
        made[made["at_risk"] & (made["period"] < 2020)],
        duration=Timeline("stop", entry="start"),
        exited="exited",
        model=Hazard("cloglog", vcov="cluster"),
        weights=weights,
        unit=gp.Sample("unit_id", "period"),
        unit_data=made,
    )
    assert spill.tables["periods"]["exits"].tolist() == [28, 125, 283, 343]
    # Counties left sooner where more of their neighbours had left before.
    assert spill.tidy().set_index("term").loc["W(exited_by_then)", "statistic"] > 2


def test_us_counties_left_the_line_decade_by_decade():
    made = us_county_exits()
    assert len(made) == 2510
    assert made["left_by"].value_counts().to_dict() == {1970: 1533, 1980: 617, 1990: 76}
    assert made["exited"].sum() == 2226
    assert made["returned"].sum() > 0
    assert (made["family_poverty_rate"] >= 20).all()
    assert made.attrs["status"] == "measured"
    assert any("change of definition" in note for note in made.attrs["notes"])
    whole = us_county_exits(everyone=True)
    assert len(whole) == 3085
    assert whole["at_risk_since"].notna().sum() == 2510
    assert whole.loc[whole["at_risk_since"].isna(), "exited"].sum() == 0
    assert whole["region"].notna().all()
    curve = survival_curves(
        made,
        duration=("years_low", "years_high"),
        options=CurveOptions(interval="plain"),
    ).tables["curves"]
    np.testing.assert_allclose(curve["estimate"], np.array([977, 360, 284]) / 2510)
    fit = exit_hazard(
        "log(median_family_income)",
        made,
        duration=Timeline("years", after="years_low"),
        exited="exited",
        model="weibull",
    )
    assert fit.estimates["log(median_family_income)"] < 0  # richer counties left sooner


def small(rates):
    periods = [1960, 1970, 1980]
    return pd.DataFrame(
        {
            "unit_id": np.repeat([f"u{i}" for i in range(len(rates))], 3),
            "period": np.tile(periods, len(rates)),
            "rate": np.ravel(rates),
            "x": np.arange(3.0 * len(rates)),
        }
    )


def test_exits_of_a_panel_are_the_first_fall_below_the_line():
    panel = small([[30, 10, 25], [30, 25, 19.9], [20, 20, 20], [10, 30, 10]])
    before = panel.copy()
    made = exits_from_panel(
        panel.sample(frac=1, random_state=1), rate="rate", line=20, everyone=True
    ).set_index("unit_id")
    pd.testing.assert_frame_equal(panel, before)
    assert made["years_low"].tolist() == [0, 10, 20, 20]
    assert made["years"].tolist() == [10, 20, 20, 20]
    assert made["exited"].tolist() == [1, 1, 0, 0]
    assert made["returned"].tolist() == [1, 0, 0, 0]
    assert made["at_risk_since"].isna().tolist() == [False, False, False, True]
    assert made["x"].tolist() == [0, 3, 6, 9]  # of the first period


@LAW
@given(st.integers(0, 10_000))
def test_a_higher_line_keeps_units_poor_no_shorter(seed):
    rng = np.random.default_rng(seed)
    panel = small(np.vstack([rng.uniform(10, 40, (8, 3)), [40, 40, 5], [40, 5, 5]]))
    low = exits_from_panel(panel, rate="rate", line=12, everyone=True)
    high = exits_from_panel(panel, rate="rate", line=10, everyone=True)
    began = low["at_risk_since"].notna() & high["at_risk_since"].notna()
    assert (high["years"] >= low["years"])[began].all()
    assert (low["years_low"] <= low["years"]).all()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"line": 99}, "No unit begins at or above the line; the highest 'rate'"),
        ({}, {"line": 1}, "No unit falls below the line 1 by 1980"),
        (
            {"rate": [30, None, 10, 30, 30, 30]},
            {},
            "needs 'rate' in every period; 1 of 2",
        ),
        (
            {"period": [1960, 1960, 1970, 1960, 1970, 1980]},
            {},
            "stand once in each period",
        ),
        ({"period": ["a", "b", "c"] * 2}, {}, "Periods must be numbers"),
        ({"unit_id": [1, 1, 1, 2, 2, 2]}, {}, "unit ids must be text"),
        ({"years": 1}, {}, "must not have the columns that are made here"),
        ({}, {"rate": "raet"}, "Did you mean 'rate'"),
    ],
)
def test_bad_panels_are_refused(change, options, message):
    panel = small([[30, 25, 10], [30, 30, 30]]).assign(**change)
    with pytest.raises(InputError, match=message):
        exits_from_panel(panel, **{"rate": "rate", "line": 20.0, **options})


def test_one_period_is_no_panel():
    panel = small([[30, 25, 10]]).iloc[:1]
    with pytest.raises(InputError, match="takes two periods"):
        exits_from_panel(panel, rate="rate", line=20.0)

"""How durations come in: dates, years, intervals, entries; and what is refused."""

import datetime

import numpy as np
import pandas as pd
import pytest

from geopoverty.errors import InputError
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard
from geopoverty.estimators.exits.clock import clocked, moment

ORIGIN = pd.Timestamp("2015-11-29")
DAYS = np.array([100, 400, 500, 800, 900, 1200, 1300, 1400])


def counties(**columns):
    """Eight counties; the last two have not left by the end of 2019."""
    dates = pd.Series(ORIGIN + pd.to_timedelta(DAYS, unit="D"))
    data = pd.DataFrame(
        {
            "unit_id": [f"{i:02d}" for i in range(8)],
            "x": [3.0, 1, 4, 1, 5, 9, 2, 6],
            "exit_date": dates.where(dates < "2019-01-01"),
            "years": DAYS / 365.25,
            "left": [1, 1, 1, 1, 1, 0, 0, 0],
        }
    )
    return data.assign(**columns)


def fit(data, duration="years", exited="left", **options):
    return exit_hazard("x", data, duration=duration, exited=exited, **options)


def dated(data, exited=None, **options):
    options = {"origin": "2015-11-29", "censored_on": "2019-12-31", **options}
    return fit(data, Timeline("exit_date", **options), exited)


def test_dates_give_days_and_missing_dates_are_censored():
    result = dated(counties())
    end = (pd.Timestamp("2019-12-31") - ORIGIN).days
    expected = [100, 400, 500, 800, 900, end, end, end]
    np.testing.assert_array_equal(result.units["duration"], expected)
    assert result.facts["n_exits"] == 5
    assert result.facts["time"] == "days"


@pytest.mark.parametrize(
    "as_given",
    [
        lambda dates: dates.dt.strftime("%Y-%m-%d"),
        lambda dates: dates.map(
            lambda d: datetime.date(d.year, d.month, d.day), na_action="ignore"
        ),
        lambda dates: dates.dt.tz_localize("Asia/Shanghai"),
    ],
    ids=["text", "date objects", "with a time zone"],
)
def test_dates_may_be_text_or_objects(as_given):
    data = counties()
    same = data.assign(exit_date=as_given(data["exit_date"]))
    pd.testing.assert_frame_equal(dated(data).units, dated(same).units)


def test_units_of_time_are_days_months_or_years():
    days = dated(counties())
    for per, factor in (("months", 12 / 365.25), ("years", 1 / 365.25)):
        other = dated(counties(), per=per)
        np.testing.assert_allclose(
            other.units["duration"], days.units["duration"] * factor
        )
        np.testing.assert_allclose(other.estimates, days.estimates, rtol=1e-9)
        assert other.facts["time"] == per


def test_each_row_may_have_its_own_origin_and_end():
    data = counties(
        start=ORIGIN, end=pd.Timestamp("2019-12-31"), x=[3.0, 1, 4, 1, 5, 9, 2, 6]
    )
    same = dated(data, origin="start", censored_on="end")
    np.testing.assert_array_equal(
        same.units["duration"], dated(counties()).units["duration"]
    )
    data.loc[0, "start"] = pd.Timestamp("2015-12-29")
    assert dated(data, origin="start", censored_on="end").units["duration"][0] == 70


def test_exits_after_the_end_of_observation_count_as_not_yet():
    result = dated(counties(), censored_on="2018-01-01")
    assert result.facts["n_exits"] == 3
    assert any("2 exits after the end of observation" in n for n in result.notes)
    end = (pd.Timestamp("2018-01-01") - ORIGIN).days
    assert result.units["duration"].max() == end
    numbers = fit(counties(), Timeline("years", censored_on=end / 365.25))
    assert numbers.facts["n_exits"] == 3


def test_known_years_are_intervals():
    data = counties(year=counties()["exit_date"].dt.year)
    line = Timeline(
        "year", origin="2015-11-29", precision="year", censored_on="2019-12-31"
    )
    clock = clocked(data, line, None)
    first = pd.to_datetime(data["year"].dropna().astype(int).astype(str) + "-01-01")
    np.testing.assert_array_equal(clock.lower[:5], (first - ORIGIN).dt.days)
    np.testing.assert_array_equal(
        clock.upper[:5] - clock.lower[:5], [366, 365, 365] + [365] * 2
    )
    result = fit(data, line, None)
    assert any("known up to an interval only" in note for note in result.notes)
    by_dates = fit(
        data,
        Timeline(
            "exit_date", origin="2015-11-29", precision="year", censored_on="2019-12-31"
        ),
        None,
    )
    np.testing.assert_array_equal(result.units["duration"], by_dates.units["duration"])


def test_intervals_from_two_columns():
    data = counties(seen=np.maximum(DAYS / 365.25 - 0.2, 0))
    result = fit(data, Timeline("years", after="seen"))
    np.testing.assert_allclose(result.estimates, fit(data).estimates)
    assert any("5 exits are known up to an interval" in note for note in result.notes)


def test_an_interval_across_the_end_is_censored_at_its_start():
    data = counties(seen=np.maximum(DAYS / 365.25 - 0.2, 0))
    line = Timeline("years", after="seen", censored_on=900 / 365.25 - 0.1)
    clock = clocked(data, line, "left")
    assert clock.exited.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert clock.upper[4] == pytest.approx(900 / 365.25 - 0.2)


def test_chances_by_a_date():
    by_date = exit_hazard(
        "x", counties(), model=Hazard(by="2018-11-29"),
        duration=Timeline("exit_date", origin="2015-11-29", censored_on="2019-12-31"),
    )  # fmt: skip
    assert by_date.facts["by"] == (pd.Timestamp("2018-11-29") - ORIGIN).days
    number = exit_hazard(
        "x", counties(), model=Hazard(by=by_date.facts["by"]),
        duration=Timeline("exit_date", origin="2015-11-29", censored_on="2019-12-31"),
    )  # fmt: skip
    pd.testing.assert_frame_equal(by_date.units, number.units)


def test_rows_with_a_missing_time_are_dropped_and_counted():
    data = counties()
    data.loc[3, "years"] = np.nan
    assert fit(data).facts["n_dropped"] == 1


def test_everybody_may_leave():
    assert fit(counties(left=1)).facts["n_exits"] == 8


# What is refused


def test_durations_must_be_above_zero():
    for value in (0, -1.5, np.inf):
        with pytest.raises(
            InputError, match=r"'years' must be above 0; 1 of 8 rows break this \(2\)"
        ):
            fit(counties(years=np.where(np.arange(8) == 2, value, DAYS)))


def test_exits_must_lie_after_the_origin():
    with pytest.raises(
        InputError, match=r"'exit_date' must lie after the origin; 2 of 8 .*\(0, 1\)"
    ):
        dated(counties(), origin="2017-01-02")


def test_the_end_of_observation_must_lie_after_the_origin():
    with pytest.raises(
        InputError, match=r"censored_on=2015-01-01.* must lie after the"
    ):
        dated(counties(), censored_on="2015-01-01")
    with pytest.raises(InputError, match=r"censored_on=0.* must lie after the origin"):
        fit(counties(), Timeline("years", censored_on=0))


def test_dates_in_mixed_formats_are_refused():
    text = counties()["exit_date"].dt.strftime("%Y-%m-%d").astype(object)
    for wrong in ("03/04/2017", "2017-3-4", "4 March 2017", "20170304", "2017-02-30"):
        text[1] = wrong
        with pytest.raises(
            InputError,
            match=rf"written one way, as 2020-01-31 \(not '{wrong}'\); 1 of 8",
        ):
            dated(counties(exit_date=text))
    text[1] = 20170304
    with pytest.raises(InputError, match="written one way"):
        dated(counties(exit_date=text))


def test_dates_without_an_origin_are_refused():
    with pytest.raises(InputError, match=r"Timeline.'exit_date', origin="):
        fit(counties(), "exit_date")
    with pytest.raises(InputError, match="must be numbers; these are string"):
        fit(counties(years=["1"] * 8))


def test_origin_and_end_must_be_dates_or_columns():
    for name in ("origin", "censored_on"):
        with pytest.raises(InputError, match=f"{name}='begin' is neither"):
            dated(counties(), **{name: "begin"})
    with pytest.raises(InputError, match="neither a column nor a number"):
        fit(counties(), Timeline("years", censored_on="2019-12-31"))


def test_years_must_be_years():
    line = Timeline("years", origin="2015-11-29", precision="year")
    with pytest.raises(InputError, match="whole numbers such as 2018"):
        fit(counties(), line)


def test_nobody_or_only_one_leaves():
    with pytest.raises(InputError, match="The outcome 'left' must vary; it is 0"):
        fit(counties(left=0))
    with pytest.raises(InputError, match="must be 1 at least twice; it is in 1 of 8"):
        fit(counties(left=np.arange(8) == 3))


def test_exits_must_be_binary():
    for strange in (3, "yes", -1):
        left = pd.Series([1, 1, 1, 1, 1, 0, 0, strange], dtype=object)
        with pytest.raises(InputError, match="The outcome 'left' must be 0 or 1"):
            fit(counties(left=left))


def test_entries_must_lie_within_the_row():
    with pytest.raises(
        InputError, match=r"'entry' must not lie before the origin.*\(0"
    ):
        fit(counties(entry=-1.0), Timeline("years", entry="entry"))
    with pytest.raises(InputError, match=r"'entry' must lie before the end.*\(0\)"):
        fit(counties(entry=1.0), Timeline("years", entry="entry"))


def test_intervals_must_run_forward():
    with pytest.raises(InputError, match="'seen' must not lie after 'years'"):
        fit(counties(seen=9.0), Timeline("years", after="seen"))
    with pytest.raises(InputError, match="'seen' must not lie before the origin"):
        fit(counties(seen=-1.0), Timeline("years", after="seen"))


def histories(*rows):
    """Rows of one more county, (start, end, left), beside eight whole ones."""
    whole = counties(start=0.0)
    more = pd.DataFrame(
        {
            "unit_id": "99",
            "x": np.arange(len(rows), dtype=float),
            "start": [r[0] for r in rows],
            "years": [r[1] for r in rows],
            "left": [r[2] for r in rows],
        }
    )
    return pd.concat([whole.drop(columns="exit_date"), more], ignore_index=True)


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        (((0, 1, 0), (0.5, 2, 1)), "must not overlap; 1 of"),
        (((0, 1, 0), (0, 1, 0)), "must not overlap"),
        (((0, 1, 0), (1.5, 2, 1)), "must leave no gap; 1 of"),
        (((0, 1, 1), (1, 2, 0)), "no row after its exit; 1 of"),
    ],
)
def test_rows_of_a_county_must_follow_one_another(rows, rule):
    with pytest.raises(InputError, match=rf"{rule}.*\(9"):
        fit(histories(*rows), Timeline("years", entry="start"))


def test_rows_that_follow_one_another_are_one_county():
    data = histories((0, 1, 0), (1, 2, 0), (2, 3, 1))
    result = fit(data.sample(frac=1, random_state=0), Timeline("years", entry="start"))
    assert result.facts["n_individuals"] == 9
    assert result.units.set_index("unit_id").loc["99", "exited"] == 1
    assert result.units.set_index("unit_id").loc["99", "duration"] == 3


def test_households_of_one_county_may_overlap():
    data = histories((0, 1, 0), (0.5, 2, 1))
    data["home"] = [f"h{i}" for i in range(len(data))]
    result = fit(data, Timeline("years", entry="start", individual="home"))
    assert len(result.units) == 10
    assert result.units.columns[:2].tolist() == ["individual", "unit_id"]


def test_formula_has_no_outcome():
    with pytest.raises(InputError, match="must hold covariates only"):
        exit_hazard("left ~ x", counties(), duration="years", exited="left")
    with pytest.raises(InputError, match="has no covariate"):
        exit_hazard("1", counties(), duration="years", exited="left")


def test_unknown_columns_and_options_are_named():
    with pytest.raises(InputError, match=r"Did you mean 'years'\?"):
        fit(counties(), "year")
    with pytest.raises(InputError, match="model must be one of 'cox'"):
        fit(counties(), model="weibul")
    with pytest.raises(InputError, match="ties must be one of 'efron', 'breslow'"):
        Hazard(ties="exact")
    with pytest.raises(InputError, match="got 'hc1'"):
        fit(counties(), model=Hazard(vcov="hc1"))
    with pytest.raises(InputError, match="the column region, which the table lacks"):
        fit(counties(), model=Hazard(strata="region"))
    with pytest.raises(InputError, match="precision='year' needs origin="):
        Timeline("year", precision="year")
    with pytest.raises(InputError, match="leave out after="):
        Timeline("year", origin="2015-11-29", precision="year", after="seen")
    with pytest.raises(InputError, match="per must be one of 'days'"):
        Timeline("years", per="weeks")
    with pytest.raises(InputError, match="must be a column name or a Timeline"):
        fit(counties(), 3)
    with pytest.raises(InputError, match="times must be above 0"):
        Hazard(times=(0.0, 1.0))


def test_data_must_be_a_table_that_names_each_column_once():
    with pytest.raises(InputError, match="must be a DataFrame that names each column"):
        fit([1, 2])
    with pytest.raises(InputError, match="must be a DataFrame that names each column"):
        fit(pd.concat([counties(), counties()[["years"]]], axis=1))


def test_covariates_that_strata_absorb_are_named():
    data = counties(south=[0, 1, 0, 1, 0, 1, 0, 1])
    with pytest.raises(InputError, match=r"south does not vary within any stratum"):
        exit_hazard(
            "x + south", data, duration="years", exited="left",
            model=Hazard(strata="south"),
        )  # fmt: skip


def test_by_must_lie_after_the_origin():
    with pytest.raises(InputError, match="by must lie after the origin"):
        fit(counties(), model=Hazard(by=-1))
    with pytest.raises(InputError, match="needs one origin for all rows"):
        fit(counties(), model=Hazard(by="2018-01-01"))
    line = Timeline("exit_date", origin="2015-11-29", censored_on="2019-12-31")
    assert moment(ORIGIN + pd.Timedelta(days=3), clocked(counties(), line, None)) == 3

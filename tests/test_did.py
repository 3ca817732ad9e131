"""Differences in differences: known answers from R, laws, planted truth, bad input."""

import warnings

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table

from geopoverty.covariances import Cluster, WildCluster
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.estimators.did import Adoption, did
from geopoverty.numerics.did import centred, swept

# Least squares by normal equations net of effects, against lm's QR with dummies.
EXACT = 1e-8
# pyfixest's first stage sweeps effects by iteration, to 1e-8 of the outcome.
SWEPT = 1e-5
KEYS = {"unit": "firm", "period": "year"}


@pytest.fixture(scope="module")
def firms():
    found = table("grunfeld")
    found["treated"] = found["firm"].isin(list("1358")).astype(int)
    found["post"] = (found["year"] >= 1945).astype(int)
    starts = {"1": 1942, "3": 1945, "5": 1945, "8": 1949}
    found["first"] = found["firm"].map(starts)
    return found


def quiet(*args, **options):
    """Fit without the warning on few clusters that other tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        return did(*args, **options)


def homes(n=200, waves=2, seed=0, effect=2.0, trend=0.0):
    """Households of which half join before the last wave; effects of both planted."""
    rng = np.random.default_rng(seed)
    unit = np.repeat([f"h{i:04d}" for i in range(n)], waves)
    period = np.tile(np.arange(2010, 2010 + waves), n)
    joined = np.repeat(rng.permutation(n) < n / 2, waves).astype(int)
    x = rng.normal(size=n * waves)
    own = np.repeat(rng.normal(size=n), waves) + 2 * joined
    late = (period == 2010 + waves - 1).astype(int)
    y = own + 0.5 * (period - 2010) + x + effect * joined * late
    y += trend * joined * (period - 2010) + rng.normal(size=n * waves)
    return pd.DataFrame(
        {
            "unit_id": unit,
            "period": period,
            "joined": joined,
            "late": late,
            "x": x,
            "fixed": np.repeat(rng.normal(size=n), waves),
            "y": y,
        }
    )


# --- known answers -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "formula"), [("plain", "inv ~ 1"), ("covariates", "inv ~ value + capital")]
)
def test_two_way_effects_are_those_of_dummies(firms, name, formula):
    known = answers("did")["two_way"][name]
    fit = quiet(formula, firms, treated="treated", post="post", **KEYS)
    assert fit.estimates.to_dict() == pytest.approx(known["estimate"], rel=EXACT)
    errors = fit.tidy().set_index("term")["std_error"].to_dict()
    assert errors == pytest.approx(known["std_error"], rel=EXACT)
    iid = did(formula, firms, treated="treated", post="post", vcov="iid", **KEYS)
    errors = iid.tidy().set_index("term")["std_error"].to_dict()
    assert errors == pytest.approx(known["iid"], rel=EXACT)


def test_event_study_of_an_unbalanced_panel(firms):
    known = answers("did")["event_study"]
    gone = (firms["firm"] == "2") & (firms["year"] > 1950)
    seen = firms[(firms["year"] >= 1942) & ~gone]
    fit = quiet("inv ~ value", seen, treated="treated", post="post", **KEYS)
    found = fit.tables["event_study"].set_index("relative")
    assert found.loc[-1, "estimate"] == 0
    at = found.loc[known["relative"]]
    np.testing.assert_allclose(at["estimate"], known["estimate"], rtol=1e-7)
    np.testing.assert_allclose(at["std_error"], known["std_error"], rtol=1e-7)
    assert fit.facts["pretrend_f"] == pytest.approx(known["leads_f"], rel=1e-7)
    assert fit.facts["pretrend_p"] == pytest.approx(known["leads_p"], rel=1e-7)
    assert any("not there in all 13 periods" in n for n in fit.notes)


def test_two_stages_impute_what_would_have_been(firms):
    known = answers("did")["staggered"]
    fit = quiet("inv ~ value", firms, first_treated="first", **KEYS)
    assert fit.estimates["att"] == pytest.approx(known["att"], rel=SWEPT)
    assert fit.facts["twfe"] == pytest.approx(known["twfe"], rel=EXACT)
    found = fit.tables["event_study"].set_index("relative")["estimate"]
    np.testing.assert_allclose(found.loc[known["since"]], known["effect"], rtol=SWEPT)
    assert any("Goodman-Bacon" in n for n in fit.notes)


def test_saturated_effects_are_those_of_pyfixest(firms):
    fit = quiet("inv ~ 1", firms, first_treated=Adoption("first", "saturated"), **KEYS)
    peer = firms.assign(
        unit=firms["firm"].astype(int), first=firms["first"].fillna(0).astype(int)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = pf.event_study(
            peer, "inv", "unit", "year", "first", estimator="saturated", cluster="unit"
        ).aggregate()
    found = fit.tables["event_study"].set_index("relative")["estimate"]
    # pyfixest averages cohorts over those that are there at a time since the start.
    known = other["Estimate"].astype(float)
    both = [r for r in known.index if r in found.index]
    assert len(both) > 20
    np.testing.assert_allclose(found.loc[both], known.loc[both], rtol=SWEPT, atol=1e-6)


def test_leads_and_lags_are_those_of_pyfixest(firms):
    """Interactions of the group with years, clustered: the same table and errors."""
    fit = quiet("inv ~ value", firms, treated="treated", post="post", **KEYS)
    found = fit.tables["event_study"].query("relative != -1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pf.feols(
            "inv ~ i(year, treated, ref=1944) + value | firm + year",
            firms,
            vcov={"CRV1": "firm"},
            fixef_tol=1e-12,
        )
    known = peer.coef().filter(like="year")
    np.testing.assert_allclose(found["estimate"], known, rtol=1e-6, atol=1e-5)
    errors = peer.se().filter(like="year")
    np.testing.assert_allclose(found["std_error"], errors, rtol=1e-5)
    plain = quiet("inv ~ value", firms, treated="treated", post="post", **KEYS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pf.feols(
            "inv ~ att + value | firm + year",
            firms.assign(att=firms["treated"] * firms["post"]),
            vcov={"CRV1": "firm"},
            fixef_tol=1e-12,
        )
    assert plain.estimates["att"] == pytest.approx(peer.coef()["att"], rel=1e-7)
    assert np.sqrt(plain.vcov.iloc[0, 0]) == pytest.approx(peer.se()["att"], rel=1e-6)


# --- closed forms and laws -------------------------------------------------------


def test_two_balanced_waves_are_a_difference_of_means():
    data = homes()
    fit = did("y ~ 1", data, treated="joined")
    means = fit.tables["means"].set_index("group")
    by_hand = data.groupby(["joined", "late"])["y"].mean()
    expected = by_hand[1, 1] - by_hand[1, 0] - by_hand[0, 1] + by_hand[0, 0]
    assert fit.estimates["att"] == pytest.approx(expected, rel=1e-12)
    assert means.loc["difference", "change"] == pytest.approx(expected, rel=1e-12)
    assert means.loc["treated", "n_before"] == 100
    # The clustered error is that of a regression of changes on the group.
    wide = data.pivot_table(index="unit_id", columns="late", values="y")
    change = wide[1] - wide[0]
    group = data.groupby("unit_id")["joined"].first() == 1
    gaps = change - change.groupby(group).transform("mean")
    variance = sum((gaps[g] ** 2).sum() / g.sum() ** 2 for g in (group, ~group))
    factor = 200 / 199 * 399 / (400 - 3)
    error = fit.tidy()["std_error"].iloc[0]
    assert error == pytest.approx(np.sqrt(factor * variance), rel=1e-9)


def test_covariates_that_stay_the_same_cannot_move_it():
    data = homes()
    plain = did("y ~ x", data, treated="joined")
    more = did("y ~ x + fixed", data, treated="joined")
    assert list(more.estimates.index) == ["att", "x"]
    assert more.estimates["att"] == plain.estimates["att"]
    assert any(n.startswith("fixed left out") for n in more.notes)
    assert any("cannot move the difference" in n for n in more.notes)


def test_groups_instead_of_units_give_the_same_in_a_balanced_panel():
    data = homes()
    units = did("y ~ 1", data, treated="joined")
    groups = did("y ~ 1", data, treated="joined", unit=None)
    assert groups.estimates["att"] == pytest.approx(units.estimates["att"], rel=1e-10)
    assert "unit_id" not in groups.units
    assert groups.facts["vcov"] == "HC1"


@LAW
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([-3.0, 0.01, 1e4]))
def test_order_and_units_of_measurement_do_not_matter(seed, scale):
    data = homes(30, 3, seed)
    options = {"treated": "joined", "post": "late"}
    fit = quiet("y ~ x", data, **options)
    mixed = data.sample(frac=1, random_state=seed).assign(y=lambda d: scale * d["y"])
    other = quiet("y ~ x", mixed, **options)
    np.testing.assert_allclose(other.estimates, scale * fit.estimates, rtol=1e-8)
    np.testing.assert_allclose(other.vcov, scale**2 * fit.vcov, rtol=1e-7, atol=1e-20)


@LAW
@given(seed=st.integers(0, 10_000))
def test_sweeping_is_a_projection(seed):
    rng = np.random.default_rng(seed)
    groups, periods = rng.integers(0, 6, 40), rng.integers(0, 4, 40)
    _, groups = np.unique(groups, return_inverse=True)
    _, periods = np.unique(periods, return_inverse=True)
    y, X = swept(rng.normal(size=40), rng.normal(size=(40, 2)), groups, periods)
    again, _ = swept(y, X, groups, periods)
    np.testing.assert_allclose(again, y, atol=1e-10)
    for codes in (groups, periods):
        means = y[:, None] - centred(y[:, None], codes)
        np.testing.assert_allclose(means, 0, atol=1e-10)


def test_bacon_weights_sum_to_one_and_to_the_two_way_estimate(firms):
    fit = quiet("inv ~ 1", firms, first_treated="first", **KEYS)
    parts = fit.tables["bacon"]
    assert parts["weight"].sum() == pytest.approx(1, rel=1e-12)
    assert parts["weight"] @ parts["estimate"] == pytest.approx(
        fit.facts["twfe"], rel=1e-9
    )
    assert (parts["weight"] > 0).all()
    assert set(parts["comparison"]) == {
        "treated against never treated",
        "early against not yet treated",
        "late against already treated",
    }


def test_one_start_told_either_way_is_the_same(firms):
    one = firms.assign(start=np.where(firms["treated"] == 1, 1945, np.nan))
    plain = quiet("inv ~ 1", firms, treated="treated", post="post", **KEYS)
    two_stage = quiet("inv ~ 1", one, first_treated="start", **KEYS)
    att = plain.estimates["att"]
    assert two_stage.estimates["att"] == pytest.approx(att, rel=SWEPT)
    study = quiet("inv ~ 1", one, first_treated=Adoption("start", "saturated"), **KEYS)
    left, right = (f.tables["event_study"]["estimate"] for f in (plain, study))
    np.testing.assert_allclose(left, right, rtol=1e-9)
    assert study.tables["cohorts"]["estimate"].iloc[0] == pytest.approx(
        study.estimates["att"], rel=1e-12
    )


# --- planted truth ----------------------------------------------------------------


def test_planted_effects_are_recovered_and_covered():
    fits = [did("y ~ x", homes(120, 2, seed), treated="joined") for seed in range(100)]
    errors = np.array([f.estimates["att"] - 2.0 for f in fits])
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(len(errors))
    tidy = pd.concat([f.tidy().iloc[:1] for f in fits])
    covered = ((tidy["conf_low"] <= 2) & (tidy["conf_high"] >= 2)).mean()
    assert 0.90 <= covered <= 0.98


def growing(seed):
    """Effects that grow after the start: 1, 2, 3 ...; two cohorts and the never."""
    rng = np.random.default_rng(seed)
    unit, t = np.repeat(np.arange(60), 8), np.tile(np.arange(8), 60)
    start = np.where(unit < 20, 3.0, np.where(unit < 40, 5.0, np.nan))
    on = t >= np.nan_to_num(start, nan=99)
    y = 0.1 * unit + 0.2 * t + np.where(on, t - start + 1, 0.0)
    y = y + rng.normal(size=480)
    return pd.DataFrame(
        {"unit_id": unit.astype(str), "period": t, "start": start, "y": y}
    )


@pytest.mark.parametrize("estimator", ["did2s", "saturated"])
def test_growing_effects_of_two_cohorts_are_recovered(estimator):
    truth = np.mean([*range(1, 6), *range(1, 4)])
    how = Adoption("start", estimator)
    fits = [did("y ~ 1", growing(seed), first_treated=how) for seed in range(8)]
    errors = np.array([f.estimates["att"] for f in fits]) - truth
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(8)
    # Two-way effects miss it, and their weights say why.
    biased = np.array([f.facts["twfe"] for f in fits]) - truth
    assert biased.mean() < -10 * biased.std() / np.sqrt(8)


def test_diverging_trends_are_found_by_the_leads():
    apart = did("y ~ x", homes(200, 5, trend=1.0), treated="joined", post="late")
    alike = did("y ~ x", homes(200, 5), treated="joined", post="late")
    assert apart.facts["pretrend_p"] < 1e-6
    assert any("anticipated" in n for n in apart.notes)
    assert alike.facts["pretrend_p"] > 0.01
    trends = alike.tables["trends"]
    assert len(trends) == 10
    assert set(trends["group"]) == {"treated", "control"}


def test_few_clusters_are_bootstrapped():
    data = homes(60, 3)
    village = {u: f"v{i % 8}" for i, u in enumerate(data["unit_id"].unique())}
    data["village"] = data["unit_id"].map(village)
    options = {"treated": "joined", "post": "late"}
    with pytest.warns(GeoPovertyWarning, match="only 8 clusters"):
        plain = did("y ~ x", data, vcov=Cluster("village"), **options)
    wild = did("y ~ x", data, vcov=WildCluster("village", draws=999), **options)
    found = wild.tables["wild"].set_index("term")
    assert list(found.index) == ["att", "x"]
    # The same t statistic: only what it is compared with differs.
    assert found.loc["att", "statistic"] == pytest.approx(
        plain.tidy()["statistic"].iloc[0], rel=1e-8
    )
    assert found.loc["att", "p_value"] < 0.05
    groups = did("y ~ x", data, unit=None, vcov=WildCluster("village"), **options)
    assert groups.tables["wild"]["statistic"].iloc[0] == pytest.approx(
        groups.tidy()["statistic"].iloc[0], rel=1e-8
    )


def test_few_treated_clusters_are_warned_of():
    data = homes(60)
    data["joined"] = (data["unit_id"] < "h0003").astype(int)
    with pytest.warns(GeoPovertyWarning, match="Only 3 treated clusters"):
        fit = did("y ~ x", data, treated="joined")
    assert any("far too small, however many" in n for n in fit.notes)
    # The other way round as well; and errors that are not clustered say nothing.
    with pytest.warns(GeoPovertyWarning, match="Only 3 control clusters"):
        did("y ~ x", data.assign(joined=1 - data["joined"]), treated="joined")
    assert did("y ~ x", data, treated="joined", vcov="hc1").facts["n_treated"] == 3


@pytest.mark.parametrize(
    "kind", [str, lambda t: pd.Timestamp(f"{t}-06-01"), lambda t: pd.Period(t, "Y")]
)
def test_periods_may_be_text_or_dates(kind):
    data = homes(60, 4)
    options = {"treated": "joined", "post": "late"}
    fit = did("y ~ x", data, **options)
    other = did("y ~ x", data.assign(period=data["period"].map(kind)), **options)
    assert other.estimates.equals(fit.estimates)
    studies = [f.tables["event_study"] for f in (fit, other)]
    pd.testing.assert_frame_equal(*studies)


def test_starts_may_be_dates():
    data = growing(0)
    how = Adoption("start", "saturated")
    fit = did("y ~ 1", data, first_treated=how)
    day = pd.to_datetime(data["start"] + 2000, format="%Y")
    dated = data.assign(
        period=pd.to_datetime(data["period"] + 2000, format="%Y"), start=day
    )
    other = did("y ~ 1", dated, first_treated=how)
    assert other.estimates["att"] == fit.estimates["att"]


def test_the_unit_may_be_the_index():
    data = homes(40)
    fit = did("y ~ x", data, treated="joined")
    other = did("y ~ x", data.set_index("unit_id"), treated="joined")
    assert other.estimates.equals(fit.estimates)


# --- what is left out --------------------------------------------------------------


def test_periods_in_which_all_are_treated_are_left_out():
    data = growing(0)
    both = data[data["start"].notna()]
    fit = did("y ~ 1", both, first_treated="start")
    assert any("everyone is treated" in n for n in fit.notes)
    assert fit.facts["n_dropped"] == 40 * 3
    assert fit.estimates["att"] == pytest.approx(1.5, abs=0.8)


def test_starts_count_periods_that_complete_rows_have():
    data = growing(0)
    data["x"] = np.where(data["period"] == 1, np.nan, 1.0 * (data["y"] > 0))
    how = Adoption("start", "saturated")
    gone = did("y ~ x", data, first_treated=how)
    never = did("y ~ x", data[data["period"] != 1], first_treated=how)
    assert gone.estimates["att"] == never.estimates["att"]
    assert gone.facts["n_periods"] == 7


def test_missing_values_and_simulated_data_are_told():
    data = homes()
    data.loc[3, "x"] = np.nan
    data.attrs = {"status": "simulated", "title": "made up"}
    before = data.copy()
    fit = did("y ~ x", data, treated="joined")
    pd.testing.assert_frame_equal(data, before)
    assert fit.facts["n_dropped"] == 1
    assert any("in one only" in n for n in fit.notes)
    assert any("Simulated data" in n for n in fit.notes)


# --- bad input ----------------------------------------------------------------------


def test_treatment_must_be_0_or_1():
    data = homes(20)
    data.loc[4, "joined"] = 2
    with pytest.raises(
        InputError, match=r"'joined' must be 0 or 1; 1 of 40 rows .*\(4\)"
    ):
        did("y ~ 1", data, treated="joined")


def test_units_that_switch_are_named():
    data = homes(20)
    data.loc[[4, 6], "joined"] = 1 - data.loc[[4, 6], "joined"]
    with pytest.raises(InputError, match=r"2 of 20 units break this \(h0002, h0003\)"):
        did("y ~ 1", data, treated="joined")


@pytest.mark.parametrize(("value", "who"), [(1, "Everyone"), (0, "Nobody")])
def test_everyone_or_nobody_treated(value, who):
    with pytest.raises(InputError, match=f"{who} is treated"):
        did("y ~ 1", homes(20).assign(joined=value), treated="joined")


def test_repeats_are_named():
    data = homes(20)
    twice = pd.concat([data, data.iloc[[5]]], ignore_index=True)
    with pytest.raises(InputError, match=r"must stand once; 1 of 41 .*h0002.*2011"):
        did("y ~ 1", twice, treated="joined")


def test_waves_that_are_missing():
    data = homes(20)
    with pytest.raises(InputError, match=r"has 1 .*A wave is missing"):
        did("y ~ 1", data[data["late"] == 0], treated="joined")
    with pytest.raises(InputError, match=r"has 3 .*Pass post="):
        did("y ~ 1", homes(20, 3), treated="joined")
    apart = data[(data["late"] == 1) | (data["joined"] == 0)]
    with pytest.raises(InputError, match="No treated unit is seen both before and aft"):
        did("y ~ 1", apart, treated="joined")


def test_no_period_before_or_after():
    data = homes(20, 3)
    options = {"treated": "joined", "post": "late"}
    with pytest.raises(InputError, match="no period before the start"):
        did("y ~ 1", data.assign(late=1), **options)
    with pytest.raises(InputError, match="no period after the start"):
        did("y ~ 1", data.assign(late=0), **options)
    with pytest.raises(InputError, match="goes back to 0 in 2012"):
        did("y ~ 1", data.assign(late=(data["period"] == 2011).astype(int)), **options)
    with pytest.raises(InputError, match="same for all in a period"):
        did("y ~ 1", data.assign(late=data["joined"] * data["late"]), **options)


def test_options_that_do_not_fit():
    data = growing(0)
    with pytest.raises(InputError, match="either treated= "):
        did("y ~ 1", data)
    with pytest.raises(InputError, match="either treated= "):
        did("y ~ 1", data, treated="start", first_treated="start")
    with pytest.raises(InputError, match="needs the column strat"):
        did("y ~ 1", data, first_treated="strat")
    with pytest.raises(InputError, match="first_treated must be a column"):
        did("y ~ 1", data, first_treated=3)
    with pytest.raises(InputError, match="estimator must be one of"):
        Adoption("start", "twfe")
    with pytest.raises(InputError, match="no wild cluster bootstrap"):
        did("y ~ 1", data, first_treated="start", vcov=WildCluster("unit_id"))
    with pytest.raises(InputError, match="clusters of one column"):
        did("y ~ 1", data, first_treated="start", vcov="hc1")
    with pytest.raises(InputError, match="name the clusters"):
        did("y ~ 1", homes(20), treated="joined", unit=None, vcov="cluster")
    with pytest.raises(InputError, match="must hold periods"):
        did("y ~ 1", data.assign(start="soon"), first_treated="start")


def test_a_covariate_cannot_have_the_name_of_the_effect():
    with pytest.raises(InputError, match="'att' is the name of the effect"):
        did("y ~ att", homes(20).assign(att=1.0 * np.arange(40)), treated="joined")


def test_starts_that_cannot_be():
    data = growing(0)
    with pytest.raises(InputError, match="no period before the start where 'start'"):
        did("y ~ 1", data.assign(start=data["start"].fillna(0)), first_treated="start")
    with pytest.raises(InputError, match="Nobody starts"):
        did("y ~ 1", data.assign(start=np.nan), first_treated="start")
    with pytest.raises(InputError, match="Everyone is treated from the same"):
        did("y ~ 1", data.assign(start=4), first_treated="start")
    moving = data.copy()
    moving.loc[0, "start"] = 4
    with pytest.raises(InputError, match="same in every period of a unit_id; 1 of 60"):
        did("y ~ 1", moving, first_treated="start")

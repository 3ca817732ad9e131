"""The Cox model against R's survival, planted truth, and what travels with it."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from known import answers, table

from geopoverty.covariances import Cluster, Conley
from geopoverty.data.travel import TravelTimes
from geopoverty.design.sample import Sample
from geopoverty.errors import EstimationError, GeoPovertyWarning
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard, exit_periods
from geopoverty.estimators.linear import ols
from geopoverty.join import join
from geopoverty.results import compare
from geopoverty.weights import SpatialWeights

# Both sides stop at the maximum to rounding; what is left grows with the condition
# of the information.
TOLERANCE = 1e-8
TERMS = ("fin", "age", "race", "wexp", "mar", "paro", "prio")
SMALL = "fin + age + prio"
ALL = " + ".join(TERMS)
TRANSFORMS = ("km", "rank", "identity")


def rossi_table():
    rows = table("rossi")
    number = np.arange(1, len(rows) + 1)
    weight = 1 + (number * 3) % 5
    record = pd.cut(rows["prio"], [-1, 1, 4, 99], labels=["few", "some", "many"])
    return rows.assign(
        unit_id=rows["person_id"], weight=weight, record=record.astype(str)
    )


def rossi(formula=ALL, timeline="week", **options):
    options = {"exited": "arrest", **options}
    return exit_hazard(formula, rossi_table(), duration=timeline, **options)


def split_at(rows, cuts=(15, 30)):
    """Cut each person's weeks; `later` is prio times the number of cuts before."""
    edges = [0, *cuts, 99]
    parts = []
    for i, (start, end) in enumerate(pairwise(edges)):
        part = rows[rows["week"] > start]
        parts.append(
            part.assign(
                start=start,
                arrest=part["arrest"] * (part["week"] <= end),
                week=part["week"].clip(upper=end),
                later=part["prio"] * i,
            )
        )
    return pd.concat(parts, ignore_index=True)


def assert_same(result, known, vcov="vcov", factor=1.0, *, agreement=True):
    np.testing.assert_allclose(result.estimates, known["coefficients"], rtol=TOLERANCE)
    theirs = np.array(known[vcov])
    scale = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)))
    assert (np.abs(result.vcov * factor - theirs) / scale).max(axis=None) < TOLERANCE
    assert result.facts["log_likelihood"] == pytest.approx(
        known["log_likelihood"][1], rel=1e-10
    )
    assert result.facts["log_likelihood_null"] == pytest.approx(
        known["log_likelihood"][0], rel=1e-10
    )
    assert result.facts["concordance"] == pytest.approx(known["concordance"], rel=1e-9)
    if agreement:  # R sums the influence over whatever clusters there are
        assert result.facts["concordance_se"] == pytest.approx(
            known["concordance_se"], rel=1e-7
        )
    found = result.tables["ph_test"].set_index(["transform", "term"])
    for how in TRANSFORMS:
        for term, values in known["ph_test"][how].items():
            row = found.loc[(how, term)]
            assert row["statistic"] == pytest.approx(values["chisq"], rel=1e-6)
            assert row["df"] == values["df"]
            assert row["p_value"] == pytest.approx(values["p"], rel=1e-6)


def test_published_facts_of_the_rossi_data():
    """The digits of the project's notes, which others can look up."""
    result = rossi()
    known = {
        "fin": (-0.379422, 0.191379),
        "age": (-0.057438, 0.021999),
        "race": (0.313900, 0.307993),
        "wexp": (-0.149796, 0.212224),
        "mar": (-0.433704, 0.381868),
        "paro": (-0.084871, 0.195757),
        "prio": (0.091497, 0.028649),
    }
    tidy = result.tidy().set_index("term")[["estimate", "std_error"]]
    for term, values in known.items():
        assert tidy.loc[term].round(6).tolist() == list(values)
    facts = result.facts
    assert round(facts["log_likelihood_null"], 6) == -675.380632
    assert round(facts["log_likelihood"], 6) == -658.747659
    assert round(facts["likelihood_ratio"], 6) == 33.265946
    assert round(facts["concordance"], 6) == 0.640329
    tests = result.tables["ph_test"].query("transform == 'km'").set_index("term")
    found = tests["statistic"].round(6)
    assert found["age"] == 5.973982
    assert found["wexp"] == 4.224596
    assert found["race"] == 2.068265
    assert found["GLOBAL"] == 17.694415
    assert tests["df"]["GLOBAL"] == 7


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_ties_equal_r(ties):
    assert_same(rossi(model=Hazard(ties=ties)), answers("hazard")[ties])


def test_terms_of_several_columns_equal_r():
    """The test of proportional hazards takes the columns of a category together."""
    known = answers("hazard")["categories"]
    result = rossi("fin + age + C(record, contr.treatment('few'))")
    tests = result.tables["ph_test"].query("transform == 'km'")
    theirs = known["ph_test"]["km"]
    np.testing.assert_allclose(
        tests["statistic"], [v["chisq"] for v in theirs.values()], rtol=1e-7
    )
    assert tests["df"].tolist() == [1, 1, 2, 4]
    assert result.facts["log_likelihood"] == pytest.approx(known["log_likelihood"][1])


def test_sampling_weights_equal_r():
    known = answers("hazard")
    iid = rossi(SMALL, unit=Sample(sampling_weight="weight"), model=Hazard(vcov="iid"))
    assert_same(iid, known["weighted"], vcov="naive", agreement=False)
    robust = rossi(SMALL, unit=Sample(sampling_weight="weight"))
    assert_same(robust, known["weighted_robust"])
    assert any("robust to them" in note for note in robust.notes)


@pytest.mark.parametrize(("correction", "factor"), [("none", 1), ("groups", 35 / 36)])
def test_clusters_equal_r_but_for_the_factor_of_groups(correction, factor):
    known = answers("hazard")["clustered"]
    with pytest.warns(GeoPovertyWarning, match="only 36 clusters"):
        result = rossi(SMALL, model=Hazard(vcov=Cluster("group", correction)))
    assert_same(result, known, factor=factor, agreement=False)
    assert result.facts["n_clusters"] == 36


@pytest.mark.parametrize(
    ("ties", "name"), [("efron", "everything"), ("breslow", "everything_breslow")]
)
def test_strata_late_entry_and_weights_at_once_equal_r(ties, name):
    hazard = Hazard(ties=ties, strata="wexp", vcov="iid")
    result = rossi(
        SMALL,
        Timeline("week", entry="entry"),
        unit=Sample(sampling_weight="weight"),
        model=hazard,
    )
    known = answers("hazard")[name]
    assert_same(result, known, vcov="naive", agreement=False)
    assert result.facts["n_strata"] == 2


def test_strata_late_entry_weights_and_clusters_equal_r():
    hazard = Hazard(strata="wexp", vcov=Cluster("group", "groups"))
    with pytest.warns(GeoPovertyWarning, match="only 36 clusters"):
        result = rossi(
            SMALL,
            Timeline("week", entry="entry"),
            unit=Sample(sampling_weight="weight"),
            model=hazard,
        )
    assert_same(
        result, answers("hazard")["everything"], factor=35 / 36, agreement=False
    )


@pytest.mark.parametrize("vcov", ["iid", "hc0"])
def test_covariates_that_change_over_time_equal_r(vcov):
    """Robust errors sum the rows of a person, as R's cluster on the person."""
    rows = split_at(rossi_table())
    result = exit_hazard(
        f"{SMALL} + later",
        rows,
        duration=Timeline("week", entry="start"),
        exited="arrest",
        model=Hazard(vcov=vcov),
    )
    known = answers("hazard")["changing" if vcov == "iid" else "changing_robust"]
    assert_same(result, known, agreement=vcov == "hc0")
    assert len(result.units) == result.facts["n_individuals"] == 432
    assert result.units["exited"].sum() == 114
    np.testing.assert_allclose(
        result.units["martingale"].sum(), 0, atol=1e-9
    )  # at the maximum


def test_rows_cut_where_nothing_changes_say_the_same():
    whole = rossi(SMALL, model=Hazard(vcov="hc0"))
    cut = exit_hazard(
        SMALL,
        split_at(rossi_table()),
        duration=Timeline("week", entry="start"),
        exited="arrest",
        model=Hazard(vcov="hc0"),
    )
    np.testing.assert_allclose(whole.estimates, cut.estimates, rtol=1e-9)
    np.testing.assert_allclose(whole.vcov, cut.vcov, rtol=1e-7)
    both = whole.units.set_index("unit_id"), cut.units.set_index("unit_id")
    for column in ("martingale", "deviance", "exit_probability", "duration"):
        theirs = both[1][column].reindex(both[0].index)
        np.testing.assert_allclose(both[0][column], theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_residuals_equal_r(ties):
    known = answers("hazard")[ties]
    units = rossi(model=Hazard(ties=ties)).units
    np.testing.assert_allclose(
        units["martingale"][:40], known["martingale"], rtol=1e-7, atol=1e-10
    )
    np.testing.assert_allclose(units["deviance"][:40], known["deviance"], rtol=1e-7)


def test_schoenfeld_residuals_equal_r():
    known, found = answers("hazard")["efron"], rossi().tables["schoenfeld"]
    wide = found.pivot_table("effect", ["time", "unit_id"], "term")
    theirs = pd.DataFrame(known["scaled_schoenfeld"], columns=list(TERMS))
    theirs.insert(0, "time", known["scaled_time"])
    ours = wide[list(TERMS)].reset_index("time").groupby("time").sum()
    # Within one week R has its own order of persons.
    np.testing.assert_allclose(ours, theirs.groupby("time").sum(), rtol=1e-7)
    transformed = found.drop_duplicates("time").set_index("time")["transformed"]
    np.testing.assert_allclose(
        transformed.loc[known["scaled_time"]], known["scaled_transformed"], rtol=1e-12
    )


def test_hazard_ratios_are_exponentials():
    result = rossi()
    ratios = result.tables["hazard_ratios"].set_index("term")
    tidy = result.tidy().set_index("term")
    for ours, theirs in (
        ("hazard_ratio", "estimate"),
        ("conf_low", "conf_low"),
        ("conf_high", "conf_high"),
    ):
        np.testing.assert_allclose(ratios[ours], np.exp(tidy[theirs]), rtol=1e-12)
    np.testing.assert_allclose(ratios["p_value"], tidy["p_value"], rtol=1e-9)


def test_baseline_is_efrons_at_mean_covariates():
    known, result = answers("cox")["efron"], rossi()
    baseline = result.tables["baseline"].set_index("time")["cumulative_hazard"]
    theirs = known["cumulative_hazard_at_mean"]
    np.testing.assert_allclose(baseline.loc[known["times"]], theirs["efron"], rtol=1e-9)
    plain = rossi(model=Hazard(ties="breslow")).tables["baseline"].set_index("time")
    theirs = answers("cox")["breslow"]["cumulative_hazard_at_mean"]["breslow"]
    np.testing.assert_allclose(
        plain["cumulative_hazard"].loc[known["times"]], theirs, rtol=1e-9
    )


def test_chances_are_one_less_the_curve():
    result = rossi(model=Hazard(by=26, times=(10, 26, 52)))
    curves = result.tables["curves"].set_index(["unit_id", "time"])
    at = curves.xs(26.0, level="time").loc[result.units["unit_id"]]
    for ours, theirs in (
        ("exit_probability", "survival"),
        ("exit_probability_low", "conf_high"),
        ("exit_probability_high", "conf_low"),
    ):
        np.testing.assert_allclose(result.units[ours], 1 - at[theirs], rtol=1e-12)
    assert (curves["conf_low"] <= curves["survival"]).all()
    assert (curves["survival"] <= curves["conf_high"]).all()
    falling = curves["survival"].groupby("unit_id").diff().dropna()
    assert (falling <= 0).all()
    assert result.facts["by"] == 26


def test_units_hold_relative_hazards():
    result = rossi()
    rows, b = rossi_table(), result.estimates
    score = (rows[list(TERMS)] - rows[list(TERMS)].mean()).to_numpy() @ b.to_numpy()
    np.testing.assert_allclose(
        result.units["relative_hazard"], np.exp(score), rtol=1e-10
    )
    last = result.tables["baseline"]["cumulative_hazard"].iloc[-1]
    np.testing.assert_allclose(
        result.units["exit_probability"], 1 - np.exp(-last * np.exp(score)), rtol=1e-10
    )
    assert (result.units["relative_hazard_low"] < result.units["relative_hazard"]).all()


def simulated(n=500, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    wait = rng.exponential(np.exp(-0.7 * x))
    end = rng.uniform(0.2, 3, size=n)
    return pd.DataFrame(
        {
            "unit_id": [f"{i:04d}" for i in range(n)],
            "x": x,
            "years": np.minimum(wait, end),
            "left": (wait <= end).astype(int),
        }
    )


def fit(formula, data, **options):
    return exit_hazard(formula, data, duration="years", exited="left", **options)


def test_planted_hazard_ratios_are_covered():
    hits = 0
    for seed in range(40):
        row = fit("x", simulated(150, seed)).tidy().iloc[0]
        hits += row["conf_low"] < 0.7 < row["conf_high"]
    assert 0.84 <= hits / 40 <= 1  # 95 % within 3 Monte Carlo standard errors


def test_planted_chances_are_covered():
    """Chances by t are 1 - exp(-t exp(0.7 x)); seeds 0 to 14."""
    hits = []
    for seed in range(15):
        data = simulated(250, seed)
        units = fit("x", data, model=Hazard(by=1.0)).units
        truth = -np.expm1(-np.exp(0.7 * data["x"]))
        low, high = units["exit_probability_low"], units["exit_probability_high"]
        hits.append(((low < truth) & (truth < high)).mean())
    assert 0.88 < np.mean(hits) < 0.99


def test_estimates_equal_lifelines():
    from lifelines import CoxPHFitter

    data = simulated(300)
    peer = CoxPHFitter().fit(data[["x", "years", "left"]], "years", "left")
    ours = fit("x", data)
    # lifelines stops when a step adds less than 1e-7.
    np.testing.assert_allclose(ours.estimates["x"], peer.params_["x"], rtol=1e-5)
    assert ours.facts["log_likelihood"] == pytest.approx(peer.log_likelihood_)


def test_rejected_proportional_hazards_are_said():
    """A hazard ratio of e^2 before 0.5 and of e^-2 after it; seed 1."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, size=600).astype(float)
    early, late = rng.exponential(size=(2, 600))
    early, late = early / np.exp(2 * x - 1), late / np.exp(1 - 2 * x)
    years = np.where(early < 0.5, early, 0.5 + late)
    data = pd.DataFrame({"x": x, "years": years, "left": 1})
    result = fit("x", data)
    assert any("rejects proportional hazards (x)" in note for note in result.notes)


def test_lags_reach_units_that_are_not_at_risk():
    data = simulated(60)
    ring = np.roll(np.eye(60), 1, axis=1)
    weights = SpatialWeights(data["unit_id"], ring, standardize="row")
    at_risk = data.iloc[::2]
    result = fit("W(x)", at_risk, weights=weights, unit_data=data[["unit_id", "x"]])
    by_hand = at_risk.assign(lag=np.roll(data["x"], -1)[::2])
    plain = fit("lag", by_hand)
    np.testing.assert_allclose(result.estimates, plain.estimates, rtol=1e-8)


def test_spillover_of_exits_over_periods():
    """W(exited_by_then): who has left in reach before the period, unit by period."""
    n = 60
    data = simulated(n)
    gone = data["years"].where(data["left"] == 1)
    panel = exit_periods(
        data.assign(gone=np.ceil(gone * 4) / 4), left="gone",
        periods=[0, 0.25, 0.5, 0.75, 1, 1.5, 2],
    )  # fmt: skip
    ring = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    weights = SpatialWeights(data["unit_id"], ring, standardize="row")
    result = exit_hazard(
        "x + W(exited_by_then)",
        panel[panel["at_risk"]],
        duration=Timeline("stop", entry="start"),
        exited="exited",
        weights=weights,
        unit=Sample(period="period"),
        unit_data=panel[["unit_id", "period", "exited_by_then"]],
    )
    wide = panel.pivot_table("exited_by_then", "unit_id", "period")
    lagged = (weights.matrix @ wide.loc[weights.units].to_numpy()).ravel()
    keys = pd.MultiIndex.from_product([weights.units, wide.columns])
    at = pd.MultiIndex.from_frame(panel[["unit_id", "period"]])
    by_hand = panel.assign(lag=pd.Series(lagged, keys).loc[at].to_numpy())
    plain = exit_hazard(
        "x + lag",
        by_hand[by_hand["at_risk"]],
        duration=Timeline("stop", entry="start"),
        exited="exited",
        model=Hazard(vcov="iid"),
    )
    np.testing.assert_allclose(result.estimates, plain.estimates, rtol=1e-9)
    assert result.units["unit_id"].is_unique


def test_duration_by_least_squares_beside_it():
    """Both columns of one table, as the study of 76 counties prints them."""
    rows = rossi_table()
    straight = ols(f"week ~ {ALL}", rows, vcov="iid")
    tests = straight.tables["heteroskedasticity"].set_index("test")["statistic"]
    assert round(tests["Breusch-Pagan (studentised)"], 6) == 16.891910
    vif = straight.tables["vif"].set_index("term")["vif"]
    known = [1.009962, 1.170203, 1.019548, 1.272061, 1.093460, 1.038162, 1.101418]
    assert vif.loc[list(TERMS)].round(6).tolist() == known
    both = compare(straight, rossi(), names=("OLS", "Cox"))
    assert both.loc[("age", "estimate"), "Cox"].startswith("-0.05744")
    assert both.loc[("Intercept", "estimate"), "Cox"] == ""


def test_morans_i_of_residuals_finds_what_neighbours_share():
    """Blocks of ten on a line share a hazard the model does not know; seed 3."""
    rng = np.random.default_rng(3)
    n = 300
    data = simulated(n)
    shared = np.repeat(rng.normal(size=n // 10), 10)
    data["years"] = rng.exponential(np.exp(-1.5 * shared)) + 1e-3
    data["left"] = 1
    line = np.eye(n, k=1) + np.eye(n, k=-1)
    weights = SpatialWeights(data["unit_id"], line)
    found = fit("x", data, weights=weights).facts
    assert found["residual_morans_i"] > 0.2
    assert found["residual_morans_i_p"] < 0.001
    alone = fit("x", data.assign(years=rng.exponential(size=n)), weights=weights).facts
    assert alone["residual_morans_i_p"] > 0.05


def test_shared_lags_are_clustered_on_the_unit():
    data = simulated(120)
    data["unit_id"] = [f"{i % 60:04d}" for i in range(120)]
    ring = np.roll(np.eye(60), 1, axis=1)
    weights = SpatialWeights(sorted(data["unit_id"].unique()), ring)
    means = data.groupby("unit_id", as_index=False)["x"].mean()
    result = fit(
        "W(z) + x", data, weights=weights, unit_data=means.rename(columns={"x": "z"})
    )
    assert result.facts["vcov"] == "clustered by unit_id"
    assert any("share its lags" in note for note in result.notes)


def test_conley_with_no_reach_is_the_robust_covariance():
    data = simulated(60)
    far = np.full((60, 60), 100.0)
    np.fill_diagonal(far, 0.0)
    times = TravelTimes(pd.Index(data["unit_id"]), far, "simulated")
    alone = fit("x", data, model=Hazard(vcov=Conley(times, 10.0)))
    robust = fit("x", data, model=Hazard(vcov="hc0"))
    np.testing.assert_allclose(alone.vcov, robust.vcov, rtol=1e-10)


def test_units_join_to_places():
    from builders import squares

    data = simulated(40)
    places = squares(40, data["unit_id"].tolist())
    joined = join(fit("x", data), places)
    assert joined["exit_probability"].notna().all()


def test_coarse_durations_are_said():
    data = simulated().assign(years=lambda t: np.ceil(t["years"]))
    result = fit("x", data)
    assert any("durations are coarse" in note for note in result.notes)


def test_a_date_beyond_the_data_is_said():
    result = fit("x", simulated(), model=Hazard(by=9.0))
    assert any("observed until 9" in note for note in result.notes)


def test_too_many_curves_are_not_tabulated():
    data = pd.concat([simulated(2500, s) for s in range(3)], ignore_index=True)
    result = fit("x", data.drop(columns="unit_id"))
    assert "curves" not in result.tables
    assert any("curves at 40 times are not tabulated" in n for n in result.notes)
    assert len(fit("x", data, model=Hazard(times=(1.0,))).tables["curves"]) == 7500


def test_provenance_and_notes_travel():
    data = simulated(60)
    data.attrs = {"status": "simulated", "title": "Made up"}
    before = data.copy()
    result = fit("x", data)
    assert any("Simulated data" in note for note in result.notes)
    pd.testing.assert_frame_equal(data, before)


def test_results_save_and_load(tmp_path):
    result = rossi(SMALL)
    result.save(tmp_path / "exits.zip")
    again = type(result).load(tmp_path / "exits.zip")
    pd.testing.assert_frame_equal(again.units, result.units)
    pd.testing.assert_frame_equal(again.tables["curves"], result.tables["curves"])


# Separation


def test_separation_names_the_covariate():
    data = simulated().assign(chosen=lambda t: t["left"])
    with pytest.raises(EstimationError, match=r"chosen.* separates? exits"):
        fit("x + chosen", data)


def test_exits_all_in_one_group_are_refused():
    data = simulated().assign(south=lambda t: (t.index % 2).astype(float))
    data.loc[data["south"] == 0, "left"] = 0
    with pytest.raises(EstimationError, match="south separates exits from the rest"):
        fit("x + south", data)


def test_few_exits_are_said_and_no_numbers_overflow():
    data = simulated(40)
    data.loc[data["left"].cumsum() > 3, "left"] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fit("x", data.assign(x=data["x"] * 1e6))
    assert any("3 exits for 1 covariate," in note for note in result.notes)
    assert np.isfinite(result.estimates).all()

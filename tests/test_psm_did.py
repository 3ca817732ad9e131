"""Differences in differences between like units: known answers, truth, bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table

from geopoverty.covariances import Cluster
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators import did as room
from geopoverty.estimators.did import KernelWeights

# Scores agree to 1e-12; a few hundred dollars' difference of means of thousands.
EXACT = 1e-7
RIGHT = "age + educ + black + hispan + married + nodegree + re74"
FORMULA = f"treat ~ {RIGHT}"
WAYS = {
    "normal": KernelWeights(support="all"),
    "normal_common": KernelWeights(),
    "epanechnikov": KernelWeights("epanechnikov", support="all"),
}


def psm_did(*args, **options):
    """Fit without the warning on those left out that other tests are about."""
    with warnings.catch_warnings():
        for said in ("Only .* have comparable", "The .* weighted controls weigh"):
            warnings.filterwarnings("ignore", said, GeoPovertyWarning)
        return room.psm_did(*args, **options)


@pytest.fixture(scope="module")
def lalonde():
    wide = table("lalonde", index_col=0)
    wide["unit_id"] = wide.index.astype(str)
    waves = [
        wide.assign(period=1975, income=wide["re75"]),
        wide.assign(period=1978, income=wide["re78"]),
    ]
    return pd.concat(waves, ignore_index=True)


def waves(n=300, seed=0, effect=1.0):
    rng = np.random.default_rng(seed)
    land, kept = rng.normal(size=n), rng.normal(size=n)
    joined = (land + rng.normal(size=n) > 0).astype(int)
    parts = []
    for t in (0, 1):
        # The trend depends on land: only like units move alike.
        income = kept + land * t + t * effect * joined + rng.normal(size=n)
        parts.append(
            pd.DataFrame(
                {
                    "unit_id": [f"h{i:04d}" for i in range(n)],
                    "period": t,
                    "joined": joined,
                    "land": land,
                    "income": income,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("name", WAYS)
def test_matched_differences_are_those_of_r(lalonde, name):
    known = answers("did")["psm_did"]
    fit = psm_did(FORMULA, lalonde, outcome="income", matching=WAYS[name])
    found = fit.tables["differences"].set_index(["sample", "contrast"])
    for sample, expected in (("unmatched", "unmatched"), ("matched", name)):
        for column, part in (
            ("estimate", "estimate"),
            ("std_error", "plain"),
            ("std_error_clustered", "clustered"),
        ):
            values = found.loc[sample][column].to_dict()
            assert values == pytest.approx(known[expected][part], rel=EXACT)


def test_published_digits(lalonde):
    """The study's known answers; its score stopped a digit before convergence."""
    fit = psm_did(FORMULA, lalonde, outcome="income", matching=WAYS["normal"])
    line = fit.tables["wide"].iloc[0]
    # Converged: the digits above 1e-6 are those of the known answers.
    assert line["before"] == pytest.approx(200.297606, abs=1e-6)
    assert line["after"] == pytest.approx(1292.292133, abs=1e-6)
    assert line["did"] == pytest.approx(1091.994527, abs=1e-6)
    assert line["before"] == pytest.approx(200.297608, abs=5e-6)
    assert line["after"] == pytest.approx(1292.292137, abs=5e-6)
    assert line["did"] == pytest.approx(1091.994529, abs=5e-6)
    assert line["did_se"] == pytest.approx(614.576895, abs=1e-6)
    table = fit.tables["differences"].set_index(["sample", "contrast"])
    unmatched = table.loc["unmatched"]
    expected = {"before": -934.429129, "after": -635.026212, "did": 299.402917}
    assert unmatched["estimate"].to_dict() == pytest.approx(expected, abs=1e-6)
    assert unmatched.loc["did", "std_error"] == pytest.approx(717.334764, abs=1e-6)
    plain = psm_did(
        FORMULA, lalonde, outcome="income", matching=WAYS["normal"], vcov="iid"
    )
    assert np.sqrt(plain.vcov.iloc[0, 0]) == pytest.approx(614.576895, abs=1e-6)
    assert fit.facts["n_treated_matched"] == 185


def test_several_outcomes_at_once(lalonde):
    more = lalonde.assign(thousands=lalonde["income"] / 1000)
    fit = psm_did(FORMULA, more, outcome=["income", "thousands"])
    assert list(fit.estimates.index) == ["att(income)", "att(thousands)"]
    one = psm_did(FORMULA, lalonde, outcome="income")
    assert fit.estimates.iloc[0] == pytest.approx(one.estimates["att"], rel=1e-12)
    # The same outcome in other units: perfectly correlated errors.
    v = fit.vcov.to_numpy()
    assert v[0, 1] == pytest.approx(v[0, 0] / 1000, rel=1e-9)
    wide = fit.tables["wide"]
    assert wide["outcome"].tolist() == ["income", "thousands"]
    np.testing.assert_allclose(wide["did"], wide["after"] - wide["before"])


def test_the_layout_is_that_of_table_5(lalonde):
    """Before, after and DID across; below each both errors, in brackets."""
    fit = psm_did(FORMULA, lalonde, outcome="income", matching=WAYS["normal"])
    layout = fit.tables["layout"]
    assert list(layout) == ["outcome", "row", "before", "after", "did"]
    assert layout["row"].tolist() == ["estimate", "std_error", "std_error_clustered"]
    assert layout["did"].tolist()[:2] == ["1,092", "(614.6)"]
    wide = fit.tables["wide"].iloc[0]
    assert float(layout["did"][2].strip("()")) == pytest.approx(
        wide["did_se_clustered"], abs=0.05
    )


@LAW
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([-2.0, 1e-3, 1e4]))
def test_order_and_units_of_measurement_do_not_matter(seed, scale):
    data = waves(80, seed)
    fit = psm_did("joined ~ land", data, outcome="income")
    mixed = data.sample(frac=1, random_state=seed)
    mixed["income"] *= scale
    other = psm_did("joined ~ land", mixed, outcome="income")
    assert other.estimates["att"] == pytest.approx(scale * fit.estimates["att"])
    assert other.vcov.iloc[0, 0] == pytest.approx(scale**2 * fit.vcov.iloc[0, 0])
    weight = fit.units.set_index("unit_id")["weight"]
    again = other.units.set_index("unit_id")["weight"]
    np.testing.assert_allclose(again.loc[weight.index], weight, rtol=1e-8, atol=1e-12)


def test_weights_of_controls_sum_to_the_treated():
    fit = psm_did("joined ~ land", waves(), outcome="income")
    units = fit.units
    held = units.loc[~units["treated"], "weight"].sum()
    assert held == pytest.approx(fit.facts["n_treated_matched"], rel=1e-10)
    assert units.loc[units["treated"], "weight"].isin([0, 1]).all()


def test_planted_effects_are_recovered_where_plain_differences_are_not():
    narrow = KernelWeights(bandwidth=0.03)
    found = []
    for seed in range(20):
        fit = psm_did(
            "joined ~ land", waves(600, seed), outcome="income", matching=narrow
        )
        both = fit.tables["differences"].set_index(["sample", "contrast"])["estimate"]
        found.append([both["matched", "did"], both["unmatched", "did"]])
    errors = np.array(found) - 1.0
    mean, se = errors.mean(axis=0), errors.std(axis=0) / np.sqrt(20)
    # What is left within a bandwidth is a tenth of the plain bias.
    assert abs(mean[0]) < 0.1 * mean[1] + 4 * se[0]
    assert mean[1] > 10 * se[1]


def test_other_errors_and_kernels():
    data = waves()
    data["village"] = data["unit_id"].str[-2:]
    fits = {
        option: psm_did("joined ~ land", data, outcome="income", vcov=option)
        for option in ("iid", "hc1", "cluster", Cluster("village"))
    }
    assert len({round(f.vcov.iloc[0, 0], 12) for f in fits.values()}) == 4
    tables = [f.tables["differences"] for f in fits.values()]
    for other in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], other)
    for kernel in ("uniform", "tricube", "biweight"):
        how = KernelWeights(kernel, link="logit")
        fit = psm_did("joined ~ land", data, outcome="income", matching=how)
        assert fit.facts["method"] == f"{kernel} kernel 0.06"


def test_covariates_count_before_the_start_only():
    data = waves()
    late = data["period"] == 1
    other = data.assign(land=data["land"].where(~late))
    fit = psm_did("joined ~ land", data, outcome="income")
    same = psm_did("joined ~ land", other, outcome="income")
    assert same.estimates["att"] == fit.estimates["att"]


def test_units_without_both_waves_are_left_out_and_named():
    data = waves()
    short = data.drop(index=[0, 301])
    with pytest.warns(GeoPovertyWarning, match=r"2 of 300 units lack .*h0000, h0001"):
        fit = psm_did("joined ~ land", short, outcome="income")
    assert fit.facts["n_units"] == 298
    assert fit.facts["n_dropped"] == 2
    whole = data[~data["unit_id"].isin(["h0000", "h0001"])]
    other = psm_did("joined ~ land", whole, outcome="income")
    assert fit.estimates["att"] == pytest.approx(other.estimates["att"], rel=1e-12)


def test_simulated_data_are_told_and_input_stays():
    data = waves()
    data.attrs = {"status": "simulated", "title": "made up"}
    before = data.copy()
    fit = psm_did("joined ~ land", data, outcome="income")
    pd.testing.assert_frame_equal(data, before)
    assert any("Simulated data" in n for n in fit.notes)
    assert any("take the score and its weights as given" in n for n in fit.notes)


# --- bad input ----------------------------------------------------------------------


def test_bad_treatment():
    data = waves(50)
    wrong = data.copy()
    wrong.loc[7, "joined"] = 3
    with pytest.raises(InputError, match=r"'joined' must be 0 or 1; 1 of 100 .*\(7\)"):
        psm_did("joined ~ land", wrong, outcome="income")
    moving = data.copy()
    moving.loc[7, "joined"] = 1 - moving.loc[7, "joined"]
    with pytest.raises(InputError, match=r"1 of 50 units break this \(h0007\)"):
        psm_did("joined ~ land", moving, outcome="income")
    with pytest.raises(InputError, match="Everyone is treated"):
        psm_did("joined ~ land", data.assign(joined=1), outcome="income")


def test_bad_waves():
    data = waves(50)
    with pytest.raises(InputError, match="A wave is missing"):
        psm_did("joined ~ land", data[data["period"] == 0], outcome="income")
    twice = pd.concat([data, data.iloc[[3]]], ignore_index=True)
    with pytest.raises(InputError, match=r"must stand once; 1 of 101 .*h0003"):
        psm_did("joined ~ land", twice, outcome="income")
    apart = data.assign(
        unit_id=data["unit_id"].where(data["period"] == 0, data["unit_id"] + "b")
    )
    with pytest.raises(InputError, match="No unit_id has complete rows both before"):
        psm_did("joined ~ land", apart, outcome="income")
    with pytest.raises(InputError, match="no period before the start"):
        psm_did("joined ~ land", data.assign(on=1), outcome="income", post="on")


def test_bad_columns_and_options():
    data = waves(50)
    with pytest.raises(InputError, match="needs the column incom"):
        psm_did("joined ~ land", data, outcome="incom")
    with pytest.raises(InputError, match="each once"):
        psm_did("joined ~ land", data, outcome=["income", "income"])
    with pytest.raises(InputError, match="both treatment and outcome"):
        psm_did("joined ~ land", data, outcome="joined")
    with pytest.raises(InputError, match="must be numeric"):
        psm_did("joined ~ land", data.assign(income="much"), outcome="income")
    with pytest.raises(InputError, match="at least one covariate"):
        psm_did("joined ~ 1", data, outcome="income")
    with pytest.raises(InputError, match="bandwidth must be a number above 0"):
        KernelWeights(bandwidth=0)
    with pytest.raises(InputError, match="kernel must be one of"):
        KernelWeights("gauss")
    with pytest.raises(InputError, match="kernel must be one of"):
        psm_did("joined ~ land", data, outcome="income", matching="nearest")
    with pytest.raises(InputError, match="matching must be the name of a kernel"):
        psm_did("joined ~ land", data, outcome="income", matching=0.06)


def test_little_overlap_and_few_controls_are_warned_of():
    data = waves(100)
    apart = data.assign(sure=1.2 * data["joined"] + data["land"])
    with pytest.warns(GeoPovertyWarning) as seen:
        fit = room.psm_did("joined ~ sure", apart, outcome="income")
    told = [str(w.message) for w in seen]
    few = next(m for m in told if "have comparable controls" in m)
    assert few in fit.notes
    assert few.startswith(f"Only {fit.facts['n_treated_matched']} of ")
    kish = f"as much as {fit.facts['effective_controls']:,.1f} equal ones"
    assert any(kish in n for n in fit.notes)
    # Units are named, not rows of the table.
    off = next(n for n in fit.notes if "outside the range" in n)
    lost = fit.units.loc[~fit.units["on_support"], "unit_id"].iloc[0]
    assert f"({lost}, " in off


def test_everyone_compared_with_one_control():
    data = waves(60)
    alone = "h0001"
    data["joined"] = (data["unit_id"] != alone).astype(int)
    how = KernelWeights(support="all")
    with pytest.warns(GeoPovertyWarning, match=rf"compared with one control \({alone}"):
        fit = psm_did("joined ~ land", data, outcome="income", matching=how)
    assert fit.facts["effective_controls"] == pytest.approx(1, rel=1e-12)


def test_few_clusters_are_told_and_count_as_few():
    data = waves(120)
    data["village"] = data["unit_id"].str[-1]
    with pytest.warns(GeoPovertyWarning, match="only 10 clusters"):
        fit = psm_did("joined ~ land", data, outcome="income", vcov=Cluster("village"))
    assert fit.facts["df_t"] == 9
    assert any("only 10 clusters" in n for n in fit.notes)


def test_units_in_the_index_and_dates_as_periods():
    data = waves(120)
    fit = psm_did("joined ~ land", data, outcome="income")
    dates = pd.to_datetime(data["period"].map({0: "2014-06-01", 1: "2016-06-01"}))
    other = data.assign(period=dates).set_index("unit_id")
    again = psm_did("joined ~ land", other, outcome="income", matching="normal")
    assert again.estimates.equals(fit.estimates)
    assert again.units["unit_id"].tolist() == fit.units["unit_id"].tolist()


def test_no_overlap_and_separation():
    data = waves(50)
    clear = data.assign(sure=data["joined"] * 2 - 1 + 0.1 * data["land"])
    with pytest.raises(EstimationError, match="separates the outcome"):
        psm_did("joined ~ sure", clear, outcome="income")
    narrow = KernelWeights("uniform", bandwidth=1e-9)
    with pytest.raises(EstimationError, match="within reach"):
        psm_did("joined ~ land", data, outcome="income", matching=narrow)

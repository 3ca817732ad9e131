"""Stepwise searches against R, laws that hold for any data, and bad input."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, household_weights, table

from geopoverty.covariances import Cluster, WildCluster
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.linear import ols
from geopoverty.estimators.stepwise import Search, stepwise
from geopoverty.numerics.least_squares import least_squares
from geopoverty.numerics.subsets import LeastSquaresSubsets

# Sums of squares from one triangle, R's from a fit each: equal to rounding. Criteria
# of a logit differ by where its steps stop.
CRITERION, TEST = 1e-10, 1e-8

STEPS = answers("linear")["steps"]
NAMES = {"(Intercept)": "Intercept", "regioneast": "region[T.east]"}
NAMES["regionwest"] = "region[T.west]"


def changes(result):
    """Return the steps taken."""
    return result.tables["path"]["change"].iloc[1:].tolist()


def same_terms(result, known):
    found = [NAMES.get(name, name) for name in known["terms"]]
    return sorted(result.estimates.index) == sorted(n.replace(" ", "") for n in found)


@pytest.mark.parametrize("by", ["aic", "bic"])
@pytest.mark.parametrize("direction", ["backward", "forward", "both"])
def test_paths_by_criterion_equal_those_of_r(direction, by):
    known = STEPS[by][direction]
    search = Search(direction, by)
    result = stepwise(STEPS["formula"], table("rossi"), search=search)
    assert changes(result) == known["steps"][1:]
    assert same_terms(result, known)
    # R leaves out the constant of the likelihood and does not count the variance.
    n = STEPS["n"]
    constant = n * (np.log(2 * np.pi) + 1) + (2 if by == "aic" else np.log(n))
    values = np.asarray(known["aic"]) + constant
    np.testing.assert_allclose(result.tables["path"][by], values, rtol=CRITERION)


@pytest.mark.parametrize("direction", ["backward", "forward", "both"])
def test_paths_by_p_equal_those_of_r(direction):
    known = STEPS["p"][direction]
    leave = {"backward": 0.1, "forward": 0.9, "both": 0.2}[direction]
    search = Search(direction, "p", enter=min(0.15, leave), leave=leave)
    result = stepwise(STEPS["formula"], table("rossi"), search=search)
    assert changes(result) == known["steps"]
    assert same_terms(result, known)
    found = sorted(result.estimates)
    assert found == pytest.approx(sorted(known["coefficients"]), rel=1e-10)


def test_f_tests_of_the_first_step_equal_those_of_r():
    result = stepwise(STEPS["formula"], table("rossi"), search="backward")
    first = result.tables["candidates"].query("step == 1")
    found = first[["df", "statistic", "p_value"]].to_numpy()
    np.testing.assert_allclose(found, STEPS["f"], rtol=TEST)
    start = result.tables["path"].iloc[0]
    assert start["log_likelihood"] == pytest.approx(STEPS["log_likelihood"])


def test_parts_of_an_interaction_stay_with_it():
    formula, data = STEPS["crossed_formula"], table("rossi")
    back = stepwise(formula, data, search="backward")
    assert changes(back) == STEPS["crossed"]["steps"][1:]
    open_first = back.tables["candidates"].query("step == 1")["change"]
    assert open_first.tolist() == ["- fin:age", "- race:prio"]
    fore = stepwise(formula, data, search="forward")
    assert changes(fore) == STEPS["crossed_forward"]["steps"][1:]
    kept = stepwise(formula, data, search=Search("forward", keep=("fin:age",)))
    assert kept.facts["chosen"].startswith("week ~ fin + age")
    assert "fin:age" in kept.facts["chosen"]


def decoy():
    i = np.arange(1.0, 61)
    data = pd.DataFrame({"a": np.sin(i), "b": np.cos(1.7 * i), "c": np.sin(0.3 * i**2)})
    data["both"] = data["a"] + data["b"] + 0.2 * np.sin(2.3 * i**2)
    return data.assign(y=data["a"] + data["b"] + 0.3 * np.cos(1.1 * i**2))


@pytest.mark.parametrize("by", ["aic", "p"])
def test_a_term_that_came_may_go(by):
    search = Search("both", by, start="empty", enter=0.15, leave=0.2)
    result = stepwise("y ~ a + b + c + both", decoy(), search=search)
    known = [s for s in STEPS["decoy"][by]["steps"] if s]
    assert changes(result) == known
    assert {"+ both", "- both"} <= set(known)
    assert result.facts["chosen"] == "y ~ a + b"


def test_a_logit_has_the_path_and_tests_of_r():
    known, data = STEPS["logit"], table("binary")
    back = stepwise(known["formula"], data, model="logit", search="backward")
    assert [c.replace("C(period)", "wave") for c in changes(back)] == (
        known["aic"]["steps"][1:]
    )
    np.testing.assert_allclose(back.tables["path"]["aic"], known["aic"]["aic"])
    first = back.tables["candidates"].query("step == 1")
    found = first[["df", "statistic", "p_value"]].to_numpy()
    np.testing.assert_allclose(found, known["test"], rtol=1e-6)
    fore = stepwise(known["formula"], data, model="logit", search="forward")
    assert changes(fore) == known["forward"]["steps"][1:]
    by_p = Search("backward", "p", enter=0.05, leave=0.05)
    result = stepwise(known["formula"], data, model="logit", search=by_p)
    assert same_terms(result, known["p"])
    found = sorted(result.estimates)
    assert found == pytest.approx(sorted(known["p"]["coefficients"]), rel=1e-6)


def test_the_chosen_formula_gives_the_same_model():
    data = table("binary")
    weights = household_weights("weight_knn")
    formula = "x1 ~ C(region) + clusters + W(clusters) + x2 + x2:clusters"
    options = {"weights": weights, "period": "period", "vcov": "cluster"}
    found = stepwise(formula, data, search=Search(keep="W(clusters)"), **options)
    again = ols(found.facts["chosen"], data, **options)
    assert "W(clusters)" in found.facts["chosen"]
    pd.testing.assert_series_equal(found.estimates, again.estimates)
    pd.testing.assert_frame_equal(found.vcov, again.vcov)
    for fact in ("aic", "bic", "log_likelihood", "df_t", "vcov"):
        assert found.facts[fact] == pytest.approx(again.facts[fact])
    chosen = stepwise("poor ~ x1 + x2 + C(region)", data, model="probit")
    assert chosen.facts["model"] == "probit"
    back = stepwise("poor ~ x1 + x2 + C(region)", data, model="logit", vcov="iid")
    again = logit(back.facts["chosen"], data, vcov="iid")
    pd.testing.assert_series_equal(back.estimates, again.estimates, rtol=1e-6)
    pd.testing.assert_frame_equal(back.vcov, again.vcov, rtol=1e-6)


def test_names_with_spaces_and_functions_come_through():
    data = decoy().assign(**{"a b": lambda t: t["a"], "kind": ["u", "v", "w"] * 20})
    found = stepwise("y ~ `a b` + b + I(b**2) + C(kind)", data, search="backward")
    again = ols(found.facts["chosen"], data)
    assert found.estimates.to_numpy() == pytest.approx(again.estimates.to_numpy())


@LAW
@given(st.integers(0, 10_000), st.floats(0.01, 1000), st.floats(-100, 100))
def test_units_and_the_order_of_rows_change_no_path(seed, scale, shift):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(30, 4)), columns=[*"yabc"])
    data["y"] += data["a"]
    moved = data.assign(a=scale * data["a"] + shift, y=7 * data["y"] + shift)
    moved = moved.sample(frac=1, random_state=seed)
    for search in ("both", Search("forward", "p", enter=0.2, leave=0.3)):
        one, two = (stepwise("y ~ a + b + c", d, search=search) for d in (data, moved))
        assert changes(one) == changes(two)


@LAW
@given(st.integers(0, 10_000))
def test_a_subset_fits_as_its_own_regression(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(25, 5)) * [1, 1e4, 1e-3, 1, 1], rng.normal(size=25)
    columns = sorted(rng.choice(5, size=3, replace=False).tolist())
    whole = least_squares(y, np.ascontiguousarray(X[:, columns]))
    found = LeastSquaresSubsets(X, y).rss(columns)
    assert found == pytest.approx(whole.rss, rel=1e-10)


def test_no_single_step_from_the_chosen_model_is_better():
    result = stepwise(STEPS["formula"], table("rossi"))
    last = result.tables["candidates"].query("step == step.max()")
    assert not last["taken"].any()
    assert (last["aic"] > result.facts["aic"]).all()
    taken = result.tables["candidates"].query("taken")["aic"]
    assert taken.tolist() == result.tables["path"]["aic"].iloc[1:].tolist()


def test_noise_is_chosen_and_the_result_says_it_is_exploratory():
    # Twenty columns of noise: some pass at 0.15, and their p-values say too much.
    rng = np.random.default_rng(3)
    names = [f"x{j}" for j in range(20)]
    data = pd.DataFrame(rng.normal(size=(100, 20)), columns=names)
    data["y"] = rng.normal(size=100)
    search = Search("backward", "p", enter=0.1, leave=0.1)
    result = stepwise(f"y ~ {' + '.join(names)}", data, search=search, vcov="iid")
    assert result.facts["exploratory"] is True
    assert result.notes[0].startswith("Exploratory: terms were chosen")
    assert any("100 rows" in note and "21 columns" in note for note in result.notes)
    assert result.facts["n_chosen"] >= 1
    assert (result.tidy()["p_value"].iloc[1:] <= 0.1).all()
    # Backwards every candidate is a new model, and those taken are among them.
    assert result.facts["n_models"] == 1 + len(result.tables["candidates"])


def homes(n=40, **columns):
    rng = np.random.default_rng(0)
    base = {c: rng.normal(size=n) for c in ("y", "a", "b")}
    return pd.DataFrame({**base, **columns})


def test_no_term_may_be_chosen():
    result = stepwise("y ~ a", homes(), search=Search("forward", "p", enter=1e-9))
    assert result.facts["chosen"] == "y ~ 1"
    assert list(result.estimates.index) == ["Intercept"]
    assert any("No term was chosen" in note for note in result.notes)
    assert len(result.tables["path"]) == 1


def test_rows_are_the_same_in_all_models_and_input_is_kept(tmp_path):
    data = homes()
    data.loc[3, "b"] = np.nan
    data.attrs["status"] = "simulated"
    before = data.copy()
    result = stepwise("y ~ a + b", data)
    pd.testing.assert_frame_equal(data, before)
    assert (result.facts["n_obs"], result.facts["n_dropped"]) == (39, 1)
    assert len(result.units) == 39
    assert any("Simulated" in note for note in result.notes)
    result.save(tmp_path / "fit.zip")
    again = type(result).load(tmp_path / "fit.zip")
    pd.testing.assert_frame_equal(again.tables["path"], result.tables["path"])


def test_shared_lags_and_few_clusters_are_noted():
    weights = household_weights("weight_knn")
    data = table("binary")
    result = stepwise(
        "x1 ~ clusters + W(clusters)", data, weights=weights, period="period"
    )
    assert any("share its lags" in note for note in result.notes)
    with pytest.warns(GeoPovertyWarning, match="clusters"):
        stepwise("x1 ~ clusters + x2", data, vcov=Cluster("region"))


def test_a_name_that_keep_does_not_know():
    with pytest.raises(InputError, match=r"keep must name terms.*Did you mean 'age'"):
        stepwise("y ~ age", homes(age=np.arange(40)), search=Search(keep=("agee",)))


def test_no_term_and_terms_that_are_no_text():
    with pytest.raises(InputError, match="needs terms to choose from; 'y ~ 1' has"):
        stepwise("y ~ 1", homes())
    with pytest.raises(InputError, match="keep must name terms as the formula"):
        Search(keep=[3])


def test_an_interaction_without_its_parts():
    with pytest.raises(InputError, match=r"'a:b' lacks b\. Write a \* b"):
        stepwise("y ~ a + a:b", homes())


def test_a_formula_without_a_constant():
    with pytest.raises(InputError, match=r"with a constant; the formula has none"):
        stepwise("y ~ 0 + a + b", homes())


def test_fewer_rows_than_columns():
    with pytest.raises(InputError, match=r"more rows than columns; there are 3 comp"):
        stepwise("y ~ a + b", homes(3))


def test_collinear_columns_are_named():
    with pytest.raises(InputError, match=r"'c' is a combination of a"):
        stepwise("y ~ a + c", homes().eval("c = 2 * a"))


def test_columns_far_from_zero():
    with pytest.raises(InputError, match=r"Subtract a round number"):
        stepwise("y ~ a", homes().eval("a = 1.6e9 + 8 * a"))


def test_outcomes_that_tell_nothing():
    with pytest.raises(InputError, match="'y' must vary; it is 2 in all 40 rows"):
        stepwise("y ~ a", homes(y=2.0))
    with pytest.raises(InputError, match="must be 0 or 1"):
        stepwise("y ~ a", homes(), model="logit")
    with pytest.raises(EstimationError, match="fit the outcome 'y' perfectly"):
        stepwise("y ~ a + b", homes().eval("y = a + b"))
    with pytest.raises(EstimationError, match="separate"):
        stepwise("y ~ a", homes().eval("y = a > 0"), model="logit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "backwards"}, r"direction must be .*Did you mean 'backward'"),
        ({"by": "r2"}, "by must be one of"),
        ({"start": "middle"}, "start must be one of"),
        ({"enter": 0.2, "leave": 0.1}, r"enter not above leave; got 0.2 and 0.1"),
        ({"leave": 5}, r"inside \(0, 1\)"),
    ],
)
def test_searches_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        Search(**options)


def test_unknown_options():
    with pytest.raises(InputError, match="direction must be one of"):
        stepwise("y ~ a", homes(), search="up")
    with pytest.raises(InputError, match=r"model must be one of .*Did you mean 'ols'"):
        stepwise("y ~ a", homes(), model="olss")
    with pytest.raises(InputError, match="vcov must be one of"):
        stepwise("y ~ a", homes(), vcov="hc9")
    with pytest.raises(InputError, match="no wild cluster bootstrap"):
        stepwise("y ~ a", homes(), vcov=WildCluster("town"))

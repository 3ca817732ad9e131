"""Made-up households of programmes: published moments, planted effects, and marks.

Recovery is tested over fixed seeds within four Monte Carlo standard errors, plus what
matching cannot remove; the study of coverage is benchmarks/mc_programmes.py.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from geopoverty.data.simulated.liangshan import (
    PUBLISHED_BANDS,
    PUBLISHED_MOMENTS,
    liangshan_households,
)
from geopoverty.data.simulated.xu import ARMS, LINES, xu_households
from geopoverty.errors import InputError
from geopoverty.estimators.did import did, psm_did
from geopoverty.estimators.matching import match, match_all
from geopoverty.estimators.vulnerability import vulnerability

SEEDS = range(12)
MC = 4.0  # standard errors of a mean over draws
# Within a kernel of 0.06 likes are not quite alike: a tenth of the planted effect.
UNLIKE = 0.015
SCORE = "treated ~ " + " + ".join(ARMS)
CONSUMED = "income_per_head ~ male + family_size + debt + net_income"
LOADERS = (xu_households, liangshan_households)


@pytest.fixture(scope="module")
def xu():
    return [xu_households(seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def liangshan():
    return [liangshan_households(seed=seed) for seed in range(40)]


def near(estimates, truth, slack=0.0):
    """Whether the mean of estimates is the truth, up to Monte Carlo error."""
    errors = np.asarray(estimates, dtype=float) - truth
    bound = MC * errors.std(axis=0, ddof=1) / np.sqrt(len(errors)) + slack
    return bool(np.all(np.abs(errors.mean(axis=0)) < bound))


# --- both ------------------------------------------------------------------------


@pytest.mark.parametrize("loader", LOADERS)
def test_they_are_marked_and_reproducible(loader):
    data = loader()
    assert data.attrs["status"] == "simulated"
    assert "Nothing in it was measured" in " ".join(loader.__doc__.split())
    assert any("nothing in it was measured" in n for n in data.attrs["notes"])
    pd.testing.assert_frame_equal(data, loader())
    assert not data.equals(loader(seed=1))
    assert not data.isna().any().any()
    assert data.equals(loader(seed=np.int64(loader.__kwdefaults__["seed"])))


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("seed", [-1, 1.5, True, "2016", None])
def test_a_seed_is_a_whole_number(loader, seed):
    with pytest.raises(InputError, match="seed must be a whole number of at least 0"):
        loader(seed=seed)


def test_the_status_reaches_notes_and_provenance(xu):
    fits = (
        did("vul_2300 ~ 1", xu[0], treated="treated", unit="hh_id"),
        psm_did(SCORE, xu[0], outcome="vul_2300", unit="hh_id"),
        match(SCORE, xu[0][xu[0]["post"] == 0], outcome="vul_2300_psm"),
        vulnerability(CONSUMED, liangshan_households(), poverty_line=2870.0),
    )
    for fit in fits:
        assert any(n.startswith("Simulated data") for n in fit.notes), fit.estimator
        assert "simulated" in str(fit.provenance), fit.estimator


# --- Xu: what was published ---------------------------------------------------------


def test_xu_has_the_published_rows(xu):
    for homes in xu[:3]:
        assert len(homes) == 6124
        assert homes.groupby("hh_id").size().eq(2).all()
        assert sorted(homes["period"].unique()) == [2014, 2016]
        assert (homes["post"] == (homes["period"] == 2016)).all()
        # Published: 0.7405, which 3,062 homes in two waves cannot have.
        assert homes["treated"].mean() == pytest.approx(0.7405, abs=2e-4)
        for column in ("treated", "unit_id", "region"):
            assert homes.groupby("hh_id")[column].nunique().eq(1).all()
        assert homes.groupby("unit_id")["region"].nunique().eq(1).all()


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("end", ["", "_psm"])
def test_xu_has_the_published_vulnerability_exactly(xu, line, end):
    for homes in xu:
        column = homes[f"vul_{line}{end}"]
        assert column.mean() == pytest.approx(LINES[line].mean, abs=1e-8)
        assert column.std() == pytest.approx(LINES[line].sd, abs=1e-8)
        assert column.between(0, 1).all()


@pytest.mark.parametrize("name", ARMS)
def test_xu_has_the_published_covariates(xu, name):
    # Whole numbers within bounds: means a twentieth of a deviation off at most.
    treated, control, sd = ARMS[name]
    found = [h.groupby("treated")[name].mean().loc[[1, 0]] for h in xu]
    assert near(found, np.array([treated, control]), 0.05 * sd)
    # A share has the deviation that its mean allows.
    assert np.mean([h[name].std() for h in xu]) == pytest.approx(sd, rel=0.1)


def test_xu_scores_divide_the_arms_as_published(xu):
    fits = [psm_did(SCORE, h, outcome="vul_1.9", unit="hh_id") for h in xu[:4]]
    found = np.mean([f.facts["score_pseudo_r_squared"] for f in fits])
    assert found == pytest.approx(0.362, abs=0.03)  # Table 3, unmatched


def test_xu_truth_holds_for_every_treated_row(xu):
    """The programme takes away one share of vulnerability, the same from all."""
    homes = xu[0]
    for line, said in LINES.items():
        assert homes.attrs["truth"][f"vul_{line}"] == {
            "att": said.did,
            "before": said.before,
        }
        assert homes.attrs["truth"][f"vul_{line}_psm"] == {"att": said.att}


# --- Xu: what estimators find -------------------------------------------------------


@pytest.mark.parametrize("line", LINES)
def test_did_finds_the_planted_effect(xu, line):
    fits = [did(f"`vul_{line}` ~ 1", h, treated="treated", unit="hh_id") for h in xu]
    assert near([f.estimates["att"] for f in fits], LINES[line].did)
    tidy = pd.concat([f.tidy() for f in fits])
    assert (tidy["conf_high"] < 0).all()


def test_psm_did_finds_what_table_5_prints(xu):
    outcomes = [f"vul_{line}" for line in LINES]
    tables = [
        psm_did(SCORE, h, outcome=outcomes, unit="hh_id").tables["wide"] for h in xu
    ]
    found = [t[["before", "did"]].to_numpy() for t in tables]
    truth = np.array([[line.before, line.did] for line in LINES.values()])
    assert near(found, truth, UNLIKE)
    for t in tables:
        np.testing.assert_allclose(t["did"], t["after"] - t["before"], rtol=1e-10)
    assert tables[0]["outcome"].tolist() == outcomes


def test_matching_finds_the_effect_of_both_waves(xu):
    outcomes = [f"vul_{line}_psm" for line in LINES]
    fits = [match_all(SCORE, h, outcome=outcomes) for h in xu]
    found = [
        [f.estimates[f"{way}({y})"] for y in outcomes]
        for f in fits
        for way in ("1:1", "1:4", "radius 0.01", "normal kernel 0.06", "mean")
    ]
    by_way = np.reshape(found, (len(xu), 5, 3))
    truth = np.array([line.att for line in LINES.values()])
    assert near(by_way, truth, UNLIKE)


def test_each_world_is_wrong_for_the_other_method(xu):
    """Two worlds because the study's two answers contradict each other."""
    changes = [
        did("`vul_1.9_psm` ~ 1", h, treated="treated", unit="hh_id").estimates["att"]
        for h in xu
    ]
    assert near(changes, 0.0)
    matched = [
        match(SCORE, h, outcome="vul_1.9", method="kernel").estimates["att"] for h in xu
    ]
    # Matching takes the difference before for half of the effect, and more.
    assert np.mean(matched) < LINES["1.9"].did - 0.08


def test_vulnerability_finds_the_planted_income(xu):
    right = " + ".join(ARMS) + " + treated * post"
    errors, effects = [], []
    for homes in xu:
        truth = homes.attrs["truth"]["income_per_head"]
        lines = homes.attrs["poverty_lines"]
        fit = vulnerability(
            f"income_per_head ~ {right}", homes, poverty_line=lines, unit="hh_id"
        )
        known = pd.Series(truth["log_income"])
        spread = np.sqrt(np.diag(fit.vcov))
        errors.append(
            ((fit.estimates - known[fit.estimates.index]) / spread).to_numpy()
        )
        assert truth["att"]["1.9"] == pytest.approx(LINES["1.9"].did, abs=1e-6)
        assert truth["before"]["1.9"] == pytest.approx(LINES["1.9"].before, abs=1e-6)
        lines_found = fit.tables["lines"].set_index("line")["mean"]
        for name, line in LINES.items():
            assert lines_found[name] == pytest.approx(line.mean, abs=0.02)
        fitted = homes.assign(risk=fit.tables["fitted"]["vulnerability(1.9)"])
        chain = psm_did(SCORE, fitted, outcome="risk", unit="hh_id")
        effects.append(chain.estimates["att"])
    found = np.array(errors)
    assert near(found, 0.0)
    assert (np.abs(found) < 1.96).mean() > 0.9
    assert near(effects, LINES["1.9"].did, UNLIKE)


# --- Liangshan ------------------------------------------------------------------------


def test_liangshan_has_the_published_homes(liangshan):
    homes = liangshan[0]
    assert len(homes) == 676
    assert homes.index.is_unique
    assert homes["village"].nunique() == 15
    assert homes["unit_id"].nunique() == 3
    assert homes.groupby("village")["unit_id"].nunique().eq(1).all()
    assert homes.groupby("village")["hardened_road"].nunique().eq(1).all()
    assert homes["motivation"].between(0, 4.5).all()
    assert (homes["motivation"] % 0.5 == 0).all()
    assert (homes["subsistence"] <= homes["family_size"]).all()


@pytest.mark.parametrize("name", PUBLISHED_MOMENTS)
def test_liangshan_has_the_published_moments(liangshan, name):
    mean, sd = PUBLISHED_MOMENTS[name]
    assert np.mean([h[name].mean() for h in liangshan]) == pytest.approx(
        mean, abs=0.1 * sd
    )
    assert np.mean([h[name].std() for h in liangshan]) == pytest.approx(sd, rel=0.15)


def test_liangshan_risks_have_the_published_bands(liangshan):
    risks = pd.concat([h["true_risk"] for h in liangshan])
    assert risks.between(0, 1).all()
    assert risks.mean() == pytest.approx(0.16, abs=0.01)
    assert risks.std() == pytest.approx(0.30, abs=0.015)
    shares = [
        (risks < 0.3).mean(),
        risks.between(0.3, 0.6).mean(),
        (risks > 0.6).mean(),
    ]
    np.testing.assert_allclose(shares, list(PUBLISHED_BANDS.values()), atol=0.015)


def test_liangshan_risks_are_those_of_the_planted_equation(liangshan):
    homes = liangshan[0]
    truth = homes.attrs["truth"]

    def line(which):
        parts = truth[which]
        return parts["Intercept"] + sum(
            v * homes[k] for k, v in parts.items() if k != "Intercept"
        )

    spread = np.sqrt(line("variance"))
    index = (np.log(homes.attrs["poverty_line"]) - line("log_income")) / spread
    np.testing.assert_allclose(special.ndtr(index), homes["true_risk"], rtol=1e-9)
    shocks = [
        (np.log(h["income_per_head"]) <= np.log(h.attrs["poverty_line"])).mean()
        - h["true_risk"].mean()
        for h in liangshan
    ]
    assert near(shocks, 0.0)


def test_vulnerability_finds_the_planted_risk(liangshan):
    gaps, errors = [], []
    for homes in liangshan[:20]:
        fit = vulnerability(
            CONSUMED, homes, poverty_line=homes.attrs["poverty_line"], variance="floor"
        )
        known = pd.Series(homes.attrs["truth"]["log_income"])
        spread = np.sqrt(np.diag(fit.vcov))
        errors.append(
            ((fit.estimates - known[fit.estimates.index]) / spread).to_numpy()
        )
        risk = fit.tables["fitted"]["vulnerability"].to_numpy()
        gaps.append(risk.mean() - homes["true_risk"].mean())
        assert np.corrcoef(risk, homes["true_risk"])[0, 1] > 0.97
    assert near(gaps, 0.0, 0.005)
    assert near(np.array(errors), 0.0)

"""Studies that start from firms, and models in groups, by industry or of no formula."""

import json

import numpy as np
import pandas as pd
import pytest
from study_cases import (
    STUDY,
    changed,
    counties,
    line_of,
    rates,
    write_study,
    write_text,
)

from geopoverty.clusters import (
    ClusterRule,
    FirmColumns,
    count_clusters,
    economic_density,
    location_quotients,
)
from geopoverty.estimators.curves import survival_curves
from geopoverty.estimators.groups import by_group
from geopoverty.estimators.linear import ols
from geopoverty.estimators.scan import industry_scan
from geopoverty.estimators.targeting import SurveyColumns, concentration, targeting
from geopoverty.study import check_study, run_study

RULE = ClusterRule(min_quotient=1.5, min_firms=3, min_employees=30)
FIRMS = """
[tables.firms]
file = "firms.csv"
origin = {title = "Made-up firms", status = "simulated"}
outside = "keep"

[tables.counts]
table = "firms"
clusters = {industry = "code", period = "year", level = 2, min_quotient = 1.5, \
min_firms = 3, min_employees = 30}
outside = "drop"

[tables.quotients]
table = "firms"
quotients = {industry = "code", period = "year", level = 2, measure = "firms"}
where = "code == '17'"
outside = "drop"

[tables.density]
table = "firms"
density = {value = "sales", period = "year"}

[tables.codes]
table = "firms"
clusters = {by = "code", industry = "code", period = "year", level = 2, \
min_quotient = 1.5, min_firms = 3, min_employees = 30}
outside = "drop"

[tables.study]
table = "rates"
join = {counts = ["clusters"], quotients = ["quotient"], density = ["economic_density"]}
columns = {log_density = "log(economic_density + 1)", side = "jobs > 10"}
"""
PLAIN = STUDY.split("[tables.late]")[0]


def firms():
    """Return firms of three industries; some lie in a county beyond the map."""
    rng = np.random.default_rng(11)
    n = 1500
    return pd.DataFrame(
        {
            "unit_id": rng.choice([f"{i:02d}" for i in range(1, 27)], n),
            "year": rng.choice([2010, 2020], n),
            "code": rng.choice(["0117", "1713", "3411"], n, p=[0.3, 0.5, 0.2]),
            "employees": rng.integers(1, 60, n),
            "sales": rng.gamma(2.0, 5.0, n).round(2),
        }
    )


def written(folder, text):
    """Write the study of rates, with firms and what is asked of them."""
    path = write_study(folder, PLAIN + FIRMS + text)
    firms().to_csv(folder / "firms.csv", index=False)
    return path


MODELS = """
[models.plain]
estimator = "ols"
table = "study"
formula = "rate ~ clusters + log_density + quotient"

[models.sides]
estimator = "ols"
table = "study"
formula = "rate ~ clusters"
groups = {by = "period", min_rows = 5}

[models.industries]
estimator = "ols"
table = "rates"
formula = "rate ~ clusters + jobs"
period = "period"
scan = {table = "codes", min_units = 3}

[models.who]
estimator = "targeting"
table = "study"
received = "side"
poor = "poor"

[models.spread]
estimator = "concentration"
table = "study"
benefit = "jobs"
income = "income"
survey = {sampling_weight = "income", cluster = "unit_id"}

[models.curves]
estimator = "survival_curves"
table = "study"
where = "period == 2020"
duration = "jobs"
exited = "poor"
by = "province"
options = {test = "gehan"}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return run_study(written(tmp_path_factory.mktemp("firms"), MODELS))


def study_table():
    """Return the table of the study, made with the functions themselves."""
    base, columns = firms(), FirmColumns(industry="code", period="year")
    counts = count_clusters(base, level=2, rule=RULE, columns=columns)
    share = location_quotients(base, level=2, measure="firms", columns=columns)
    places = counties().set_index("code")
    inside = base[base["unit_id"].isin(places.index)]
    density = economic_density(
        inside, places, value="sales", period="year", absent="zero"
    )
    table = rates().rename(columns={"county": "unit_id"})
    table["province"] = table["unit_id"].map(places["province"])
    table["poor"] = (table["rate"] >= 20).astype(float)
    table["side"] = (table["jobs"] > 10).astype(float)
    keys = ["unit_id", "period"]
    for part in (
        counts[[*keys, "clusters"]],
        share[share["code"] == "17"][[*keys, "quotient"]],
        density[[*keys, "economic_density"]],
    ):
        table = table.merge(part, on=keys, how="left", validate="1:1")
    return table.assign(log_density=np.log(table["economic_density"] + 1))


def said(done, name):
    return pd.read_csv(done / "tables" / f"{name}.csv")


def same(frame, result):
    expected = result.tidy()
    assert frame["term"].to_list() == expected["term"].to_list()
    np.testing.assert_allclose(frame["estimate"], expected["estimate"], rtol=1e-7)
    np.testing.assert_allclose(frame["std_error"], expected["std_error"], rtol=1e-6)


def test_counties_get_what_the_functions_count(done):
    fit = ols("rate ~ clusters + log_density + quotient", study_table())
    same(said(done, "plain.estimates"), fit)


def test_a_model_in_groups_is_by_group(done):
    table = study_table()
    fit = by_group(
        lambda part: ols("rate ~ clusters", part), table, by="period", min_rows=5
    )
    same(said(done, "sides.estimates"), fit)
    assert (done / "tables" / "sides.equality.csv").exists()


def test_a_scan_fits_every_industry(done):
    columns = FirmColumns(industry="code", period="year")
    codes = count_clusters(firms(), level=2, by="code", rule=RULE, columns=columns)
    fit = industry_scan(
        lambda part: ols("rate ~ clusters + jobs", part, period="period"),
        study_table().drop(columns="clusters"), codes.query("unit_id != '26'"),
        period="period", min_units=3,
    )  # fmt: skip
    frame = said(done, "industries.scan")
    np.testing.assert_allclose(
        frame["estimate"], fit.tables["scan"]["estimate"], rtol=1e-7
    )
    assert frame["estimate"].notna().any()


def test_estimators_without_a_formula(done):
    table = study_table()
    same(said(done, "who.estimates"), targeting(table, received="side", poor="poor"))
    survey = SurveyColumns("income", cluster="unit_id")
    same(
        said(done, "spread.estimates"),
        concentration(table, benefit="jobs", income="income", survey=survey),
    )
    late = table[table["period"] == 2020]
    curves = survival_curves(late, duration="jobs", exited="poor", by="province")
    np.testing.assert_allclose(
        said(done, "curves.curves")["estimate"],
        curves.tables["curves"]["estimate"],
        rtol=1e-7,
    )


def test_the_rule_of_the_clusters_is_said(done):
    manifest = json.loads((done / "manifest.json").read_text())
    rule = "location quotient (by employees) of at least 1.5, 3 firms, 30 employees"
    assert any("Table 'counts'" in n and rule in n for n in manifest["notes"])
    assert manifest["models"]["sides"]["groups"] == {"by": "period", "min_rows": 5}
    assert "formula" not in manifest["models"]["who"]
    assert manifest["models"]["plain"]["facts"]["n_obs"] == 50


def test_counties_without_a_firm_have_no_cluster(tmp_path):
    text = """
[models.m]
estimator = "ols"
table = "study"
formula = "clusters ~ jobs"
"""
    path = written(tmp_path, text)
    few = firms().query("unit_id not in ('03', '26')")
    few.to_csv(tmp_path / "firms.csv", index=False)
    out = run_study(path)
    units = pd.read_csv(out / "tables" / "m.units.csv", dtype={"unit_id": str})
    assert units.set_index("unit_id").loc["03", "outcome"].sum() == 0
    assert len(units) == 25


def test_a_second_run_writes_the_same_tables(tmp_path, done):
    out = run_study(written(tmp_path, MODELS))
    for name in sorted(p.name for p in (done / "tables").iterdir()):
        there = (done / "tables" / name).read_bytes()
        assert (out / "tables" / name).read_bytes() == there, name


def test_lags_of_a_scan_are_taken_over_all_counties(tmp_path):
    text = """
[weights.near]
k = 3

[models.scan]
estimator = "logit"
table = "rates"
periods = [2020]
formula = "poor ~ clusters + W(clusters)"
weights = "near"
scan = {table = "late", min_units = 3}

[tables.late]
table = "codes"
periods = [2020]
"""
    text = text.replace("[weights.near]\nk = 3\n", "")  # the study has it
    out = run_study(written(tmp_path, text))
    terms = set(pd.read_csv(out / "tables" / "scan.scan.csv")["term"])
    assert terms == {"clusters", "W(clusters)"}


BASE = changed(("[models.poor]", FIRMS.lstrip() + "\n[models.poor]"))
CASES = [
    # what is changed and into what, the key that is named, the message
    ("level = 2, min_quotient", "levl = 2, min_quotient",
     "tables.counts.clusters", "clusters has no key 'levl'. Did you mean 'level'"),
    ("min_firms = 3", "min_firms = 3.5",
     "tables.counts.clusters", "'min_firms' of clusters must be a whole number"),
    ("min_quotient = 1.5", "min_quotient = 0",
     "tables.counts.clusters", "min_quotient must be above 0"),
    ('industry = "code"', 'industry = "codes"',
     "tables.counts.clusters", "Did you mean 'code'"),
    ("level = 2, min_quotient", "level = 7, min_quotient",
     "tables.counts.clusters", "level must be 2, 3 or 4"),
    ('measure = "firms"', 'measure = "sales"',
     "tables.quotients.quotients", "measure must be one of"),
    ('value = "sales"', 'value = "sale"',
     "tables.density.density", "Did you mean 'sales'"),
    ("\ndensity = {", '\nquotients = {industry = "code"}\ndensity = {',
     "tables.density.density", "one step from firms; it has quotients and density"),
    ("clusters = {industry", "cluster = {industry",
     "tables.counts.cluster", "Did you mean 'clusters'"),
    # models
    ('formula = "poor ~ jobs"\n', "",
     "models.poor", "The estimator 'logit' needs the key 'formula'"),
    ('estimator = "logit"', 'estimator = "targeting"\nreceived = "poor"\npoor = "poor"',
     "models.poor.formula", "The estimator 'targeting' has no 'formula'"),
    ('vcov = "hc0"', 'vcov = "hc0"\ngroups = {by = "provinz"}',
     "models.poor.groups", "Did you mean 'province'"),
    ('vcov = "hc0"', 'vcov = "hc0"\ngroups = {min_rows = 3}',
     "models.poor.groups", "groups needs the key 'by'"),
    ('vcov = "hc0"', 'vcov = "hc0"\ngroups = {by = "province", rows = 3}',
     "models.poor.groups", "Did you mean 'min_rows'"),
    ("vcov = {conley = 70}", 'vcov = "hc1"\ngroups = {by = "province"}',
     "models.income.groups", "in each group; 5 of 5 groups lack some .*unit_data"),
    ('vcov = "hc0"', 'vcov = "hc0"\nscan = {table = "code"}',
     "models.poor.scan", "Did you mean 'codes'"),
    ('vcov = "hc0"', 'vcov = "hc0"\nscan = {min_units = 3}',
     "models.poor.scan", "scan needs the key 'table'"),
    ('vcov = "hc0"',
     'vcov = "hc0"\ngroups = {by = "province"}\nscan = {table = "codes"}',
     "models.poor.scan", "Name groups or scan, not both"),
    ('vcov = "hc0"', 'vcov = "hc0"\nscan = {table = "late"}',
     "models.poor.scan", "needs the columns? .*code"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("cases")
    write_study(made)
    firms().to_csv(made / "firms.csv", index=False)
    assert check_study(write_text(made, BASE)).empty
    return made


@pytest.mark.parametrize(("old", "new", "where", "message"), CASES)
def test_a_problem_is_found_with_its_line(folder, old, new, where, message):
    assert old in BASE
    text = BASE.replace(old, new, 1)
    found = check_study(write_text(folder, text))
    at = found[found["where"] == where]
    assert at["problem"].str.contains(message).any(), found.to_dict("records")
    assert at["line"].iloc[0] == line_of(text, where)


def test_firms_elsewhere_are_refused_or_left_out(tmp_path):
    text = FIRMS.replace('outside = "keep"\n', "", 1)
    path = write_study(tmp_path, PLAIN + text + MODELS.split("[models.sides]")[0])
    firms().to_csv(tmp_path / "firms.csv", index=False)
    found = check_study(path)
    assert found["where"].to_list() == ["tables.firms"]
    assert (
        "1 of 26 units of the table 'firms' are not in the bound"
        in found["problem"].iloc[0]
    )


def test_groups_that_cannot_be_fitted_leave_the_others(tmp_path):
    text = """
[models.m]
estimator = "logit"
table = "split"
formula = "hot ~ jobs"
vcov = "iid"
groups = {by = "third", min_rows = 4}

[tables.split]
table = "rates"

[tables.split.columns]
third = "1 * (jobs > 9) + 1 * (jobs > 11)"
hot = "(rate >= 18) & (jobs > 9)"
"""
    out = run_study(write_study(tmp_path, PLAIN + text))
    model = json.loads((out / "manifest.json").read_text())["models"]["m"]
    assert any("third=0" in note for note in model["notes"])
    terms = pd.read_csv(out / "tables" / "m.estimates.csv")["term"]
    assert terms.str.startswith(("third=1", "third=2")).all()

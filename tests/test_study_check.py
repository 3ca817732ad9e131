"""Every problem of a study is found before anything runs, with its line."""

import re

import geopandas as gpd
import pandas as pd
import pytest
from study_cases import (
    STUDY,
    changed,
    counties,
    line_of,
    minutes,
    rates,
    write_study,
    write_text,
)

from geopoverty import cli
from geopoverty.errors import InputError
from geopoverty.study import check_study, run_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The inputs of the study; each test writes its own study file."""
    made = tmp_path_factory.mktemp("inputs")
    write_study(made)
    return made


def test_the_study_has_no_problem(folder):
    found = check_study(write_text(folder, STUDY))
    assert found.empty
    assert list(found.columns) == ["line", "where", "problem"]


# What is changed and into what, the key that is named, the message.
CASES = [
    # keys and types
    ("title = ", "titel = ",
     "study.titel", "Did you mean 'title'"),
    ("[study]", "[stduy]",
     "stduy", "Did you mean 'study'"),
    ("[weights.near]\nk", "[weights.near]\nkk",
     "weights.near.kk", "Unknown"),
    ('vcov = "hc0"', 'vcv = "hc0"',
     "models.poor.vcv", "Did you mean 'vcov'"),
    ("times = 100", 'times = "100"',
     "pages.maps[2].times", "be a number"),
    ("k = 3", "k = 3.5",
     "weights.near.k", "must be a whole number"),
    ("k = 3", "k = true",
     "weights.near.k", "must be a whole number"),
    ("[2020]", "2020",
     "tables.late.periods", "must be a list"),
    ('estimator = "ols"\n', "",
     "models.income", "'estimator' is mi"),
    ('label = "Poverty"\n', "",
     "pages.maps[1]", "'label' is missing"),
    ("[[pages.results]]", "[pages.result]",
     "pages.result", "Did you"),
    # inputs
    ("counties.gpkg", "countys.gpkg",
     "boundaries", "no file '.*countys.gpkg'. Did you mean 'counties.gpkg'"),
    ("times.csv", "tims.csv",
     "travel_times", "Did you mean 'times.c"),
    ('"rates.csv"', '"rates.txt"',
     "tables.rates", "There is no file"),
    ('"rates.csv"', '"counties.gpkg"',
     "tables.rates", "ends in '.gpk"),
    ('"rates.csv"\n', '"rates.csv"\ndataset = "us_counties"\n',
     "tables.rates", "Name one of dataset, file, table; dataset and file is given"),
    ('file = "rates.csv"\n', 'dataset = "us_county_panle"\n',
     "tables.rates",
     "no data set 'us_county_panle' here. Did you mean 'us_county_panel'"),
    ('file = "counties.gpkg"', 'dataset = "us_travel_times"',
     "boundaries", "There is no data set 'us_travel_times' here"),
    ('file = "rates.csv"\n', 'dataset = "xu_households"\noptions = {sed = 1}\n',
     "tables.rates", "no option 'sed'. Did you mean 'seed'"),
    ('file = "rates.csv"\n', 'dataset = "xu_households"\noptions = {seed = "1"}\n',
     "tables.rates", "'seed' must be a whole number; got '1'"),
    ('unit_id = "county"', 'unit_id = "conty"',
     "tables.rates", "Did you mean 'county'"),
    ('unit_id = "code"', 'unit_id = "cod"',
     "boundaries", "Did you me"),
    ('group = "province"', 'group = "provinz"',
     "boundaries", "Did you mean 'province'"),
    ('status = "simulated"\n\n', 'status = "guessed"\n\n',
     "travel_times", "status must be one of 'measured'"),
    ('"Made-up rates", status', '"Made-up rates", stats',
     "tables.rates", "origin has no key 'stats'. Did you mean 'status'"),
    ('file = "times.csv"\nstatus = "simulated"', "speed_kmh = 60",
     "travel_times", "need speed_kmh and circuity"),
    # tables
    ('poor = "rate >= 20"', 'poor = "rat >= 20"',
     "tables.rates.columns.poor",
     "uses rat, which the table lacks. Did you mean 'rate'"),
    ('"log(income)"', '"log(income"',
     "tables.rates.columns.log_income", "cannot be parsed"),
    ('"log(income)"', '"__import__(1)"',
     "tables.rates.columns.log_income", "not allowed"),
    ('"log(income)"', '"income.mean()"',
     "tables.rates.columns.log_income", "not allowed"),
    ('"log(income)"', '"log(0 * income)"',
     "tables.rates.columns.log_income",
     r"must be finite; 50 of 50 rows break this \(01, 01"),
    ('"log(income)"', '"province > 3"',
     "tables.rates.columns.log_income", "cannot be computed"),
    ('"log(income)"', '"W(income)"',
     "tables.rates.columns.log_income", "stands in the formula of a model only"),
    ('"log(income)"', '"income ~ 1"',
     "tables.rates.columns.log_income", "'~' belongs into the formula"),
    ('"log(income)"', '""',
     "tables.rates.columns.log_income", "must be an expression"),
    ("log_income = ", "unit_id = ",
     "tables.rates.columns.unit_id", "keys the table"),
    ("[2020]", "[2021]",
     "tables.late.periods", "no period 2021. It has: 2010"),
    ("[2020]", '[2020]\nwhere = "rate > 1000"',
     "tables.late.where", "No row is left where rate > 1000"),
    ("[2020]", '[2020]\nwhere = "province"',
     "tables.late.where", "is text"),
    ("[2020]", '[2020]\ncomplete = ["rte"]',
     "tables.late.complete", "Did you mean 'rate'"),
    ("[2020]", '[2020]\nexits = {rat = "rate"}',
     "tables.late.exits", "no key 'rat'. Did you mean 'rate'"),
    ("[2020]", '[2020]\nexits = {rate = "rate"}',
     "tables.late.exits", "needs rate .* and line"),
    ("[2020]", '[2020]\noutside = "ignore"',
     "tables.late", "outside must be one of"),
    ('join = {boundaries = ["province"]}', 'join = {boundaries = ["provinz"]}',
     "tables.rates.join.boundaries", "Did you mean 'province'"),
    ("join = {boundaries", "join = {bounds",
     "tables.rates.join.bounds", r"There is no \[tables.bounds\]"),
    ("[2020]", '[2020]\njoin = {rates = ["jobs"]}',
     "tables.late.join.rates", "has jobs already"),
    ('table = "rates"\nperiods', 'table = "rate"\nperiods',
     "tables.late.table", r"no \[tables.rate\]. Did you mean 'rates'"),
    ('table = "rates"\nperiods', 'table = "late"\nperiods',
     "tables.late.table", "in a circle: late -> late"),
    ("[2020]", '[2020]\nweight = "jobs"',
     "tables.late.weight", "It is for 'average'"),
    ("[2020]", "[2020]\noptions = {seed = 1}",
     "tables.late.options", "It is for 'dataset'"),
    # weights
    ("k = 3", "k = 30",
     "weights.near", "whole number from 1 to 24"),
    ("k = 3", 'kind = "walk"',
     "weights.near", "kind must be one of"),
    ("k = 3", 'kind = "contiguity"\nk = 3',
     "weights.near", "'contiguity' have no 'k'"),
    ("k = 3", 'kind = "knn"',
     "weights.near", "'knn' need k"),
    ("k = 3", 'decay = "exponential"',
     "weights.near", "needs scale="),
    ("k = 3", 'k = 3\nunits = "lat"',
     "weights.near.units", "Did you mean 'late'"),
    # models
    ('estimator = "logit"', 'estimator = "logti"',
     "models.poor.estimator", "no estimator 'logti'. Did you mean 'logit'"),
    ('"poor ~ jobs"', '"poor ~ job"',
     "models.poor.formula", "Did you mean 'jobs'"),
    ('"poor ~ jobs"', '"poor ~ jobs +"',
     "models.poor.formula", "cannot be parsed"),
    ('"poor ~ jobs"', '"poor jobs"',
     "models.poor.formula", "needs an outcome, '~'"),
    ('"poor ~ jobs"', '"poor ~ __import__(\'os\')"',
     "models.poor.formula", "not allowed in a formula"),
    ('"poor ~ jobs"', '"poor ~ W(jobs)"',
     "models.poor.formula", r"W\(jobs\) needs the key 'weights'. There are: near"),
    ('vcov = "hc0"', 'vcov = "hc9"',
     "models.poor.vcov", "must be 'iid', 'hc0', 'hc1', 'cluster' or {cluster = ...}"),
    ('vcov = "hc0"', "vcov = 3",
     "models.poor.vcov", "must be text or {cluster"),
    ('vcov = "hc0"', 'vcov = {cluste = "province"}',
     "models.poor.vcov", "must be text or {cluster"),
    ('vcov = "hc0"', 'vcov = {cluster = "provinz"}',
     "models.poor.vcov", "needs the column provinz.* Did you mean 'province'"),
    ('vcov = "hc0"', 'vcov = {cluster = "province", corection = "hc1"}',
     "models.poor.vcov",
     "'cluster' has no option 'corection'. Did you mean 'correction'"),
    ('vcov = "hc0"', 'vcov = {wild_cluster = "province", draws = "many"}',
     "models.poor.vcov", "'draws' of 'wild_cluster' must be a whole number"),
    ('vcov = "hc0"', 'vcov = {wild_cluster = "province", draws = 3}',
     "models.poor.vcov", "draws must be at least 99"),
    ('vcov = "hc0"', 'sampling_weight = "job"',
     "models.poor.sampling_weight", "Did you mean 'jobs'"),
    ('estimator = "ols"', 'estimator = "exit_hazard"',
     "models.income", "needs the key 'duration'"),
    ('\nweights = "near"', "\nunit = 'unit_id'",
     "models.income.formula", "needs the key 'weights'"),
    ('estimator = "logit"', 'estimator = "match"\noutcome = "rate"\nweights = "near"',
     "models.poor.weights", "'match' has no 'weights'"),
    ('weights = "near"', 'weights = "neer"',
     "models.income.weights", r"no \[weights.neer\]. Did you mean 'near'"),
    ('weights = "near"', 'weights = "near"\nunit_data = "ltae"',
     "models.income.unit_data", "Did you mean 'late'"),
    ('table = "late"', 'table = "lates"',
     "models.poor.table", "Did you mean 'late'"),
    ('table = "late"', 'table = "late"\nperiods = [1999]',
     "models.poor.periods", "no period 1999"),
    ('table = "late"', 'table = "late"\nwhere = "rat > 1"',
     "models.poor.where", "Did you mean 'rate'"),
    # pages
    ('column = "rate"', 'column = "rat"',
     "pages.maps[1]", "Did you mean 'rate'"),
    ('column = "rate"', 'column = "province"',
     "pages.maps[1]", "A map shows numbers"),
    ('column = "rate"', 'column = "rate"\nbreaks = [3, 1]',
     "pages.maps[1]", "increas"),
    ('column = "rate"', 'column = "rate"\nscheme = "jenks"',
     "pages.maps[1]", "scheme must be one of"),
    ('period = "period"\n', "",
     "pages.maps[1]", "one row a unit; 25 stand more than once"),
    ('column = "rate"', 'column = "rate"\nmodel = "poor"',
     "pages.maps[1]", "Name one of table, model, models; table and model is given"),
    ('table = "rates"\ncolumn', 'table = "rate"\ncolumn',
     "pages.maps[1].table", "Did you mean 'rates'"),
    ('model = "poor"\ntext', 'model = "por"\ntext',
     "pages.results[1].model", "Did you mean 'poor'"),
    ('models = ["poor", "income"]', 'models = ["poor", "incom"]',
     "pages.results[2].models", "Did you mean 'income'"),
    ('model = "poor"\ntext', "text",
     "pages.results[1]", "Name model or models"),
    ('title = "Made-up', 'out = "."\ntitle = "Made-up',
     "study.out", "must not hold the study"),
    ('title = "Made-up', 'out = "no/where"\ntitle = "Made-up',
     "study.out", "must exist"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "message"), CASES)
def test_a_problem_is_found_with_its_line(folder, old, new, where, message):
    text = changed((old, new))
    found = check_study(write_text(folder, text))
    at = found[found["where"] == where]
    assert at["problem"].str.contains(message).any(), found.to_dict("records")
    assert at["line"].iloc[0] == line_of(text, where)


@pytest.mark.parametrize("name", ["../poor", "a b", "", "ü", "a" * 61])
def test_a_name_must_be_fit_for_a_file(folder, name):
    text = changed(("[models.poor]", f'[models."{name}"]'))
    found = check_study(write_text(folder, text))
    at = found[found["where"] == f"models.{name}"]
    assert at["problem"].str.contains("It becomes|it becomes a file name").any()
    assert at["line"].to_list() == [text.splitlines().index(f'[models."{name}"]') + 1]


def test_all_problems_are_said_at_once_in_the_order_of_the_file(folder, capsys):
    text = changed(
        ("title = ", "titel = "),
        ("times.csv", "tims.csv"),
        ("rate >= 20", "rat >= 20"),
        ('estimator = "logit"', 'estimator = "logti"'),
        ("[[pages.results]]", "[[pages.result]]"),
    )
    path = write_text(folder, text)
    found = check_study(path)
    assert found["line"].is_monotonic_increasing
    assert {"study.titel", "travel_times", "tables.rates.columns.poor",
            "models.poor.estimator", "pages.result"} <= set(found["where"])  # fmt: skip
    with pytest.raises(InputError, match=r"problems; nothing was run:(\n  line .*){5}"):
        run_study(path)
    assert cli.main(["check", str(path)]) == 2
    said = capsys.readouterr().out
    assert len(re.findall(r"study\.toml: line \d+, ", said)) == len(found)
    assert cli.main(["run", str(path)]) == 2


def test_what_rests_on_a_problem_is_not_said_again(folder):
    found = check_study(write_text(folder, changed(('"rates.csv"', '"rate.csv"'))))
    assert found["where"].to_list() == ["tables.rates"]
    found = check_study(write_text(folder, changed(("k = 3", "k = 99"))))
    assert found["where"].to_list() == ["weights.near"]
    found = check_study(write_text(folder, changed(("[2020]", "[2021]"))))
    assert found["where"].to_list() == ["tables.late.periods"]


# --- units that do not match ----------------------------------------------------


def test_units_of_a_table_must_be_in_the_boundaries(tmp_path):
    path = write_study(tmp_path)
    rates().replace({"county": {"01": "99"}}).to_csv(
        tmp_path / "rates.csv", index=False
    )
    found = check_study(path)
    assert found["where"].to_list() == ["tables.rates"]
    said = "1 of 25 units of the table 'rates' are not in the boundaries (99)"
    assert said in found["problem"][0]
    dropped = changed(("origin = ", 'outside = "drop"\norigin = '))
    found = check_study(write_text(tmp_path, dropped))
    # The lag of a county without a row is not known.
    assert "1 of 25 have no row (01)" in found["problem"][0]
    text = dropped.replace("k = 3", 'k = 3\nunits = "late"')
    out = run_study(write_text(tmp_path, text))
    assert "their rows are left out" in (out / "manifest.json").read_text()


def test_models_of_dependence_need_every_unit_of_the_weights(tmp_path):
    text = changed(
        ('estimator = "ols"', 'estimator = "spatial_binary"'),
        ('"log_income ~ jobs + W(jobs)"', '"poor ~ jobs"\nunit = {sample = "unit_id"}'),
        ("vcov = {conley = 70}\n", 'where = "jobs > 8"\n'),
    )
    found = check_study(write_study(tmp_path, text))
    assert found["where"].to_list() == ["models.income.weights"]
    assert found["problem"].str.contains(r"every unit of the weights; \d+ of 25").all()


def test_units_of_boundaries_and_times_must_match(tmp_path):
    path = write_study(tmp_path)
    counties().iloc[:-1].to_file(tmp_path / "counties.gpkg")
    found = check_study(path)
    said = "The boundaries lack 1 of the 25 units that have travel times (25)"
    assert said in " ".join(found["problem"])
    table = minutes()
    table[(table["from_id"] != "25") & (table["to_id"] != "25")].to_csv(
        tmp_path / "times.csv", index=False
    )
    counties().to_file(tmp_path / "counties.gpkg")
    found = check_study(path)
    said = "needs travel times; 1 of 25 have none (25)"
    assert said in found["problem"][0]


def test_travel_times_beyond_the_boundaries_may_be_dropped(tmp_path):
    text = changed(
        ('status = "simulated"\n\n', 'status = "simulated"\noutside = "drop"\n\n'),
        ("origin = ", 'outside = "drop"\norigin = '),
    )
    path = write_study(tmp_path, text)
    counties().iloc[:-1].to_file(tmp_path / "counties.gpkg")
    assert check_study(path).empty


def test_ids_that_lost_their_zeros_are_refused(tmp_path):
    path = write_study(tmp_path)
    table = gpd.GeoDataFrame(counties().assign(code=range(1, 26)))
    table.to_file(tmp_path / "counties.gpkg")
    assert "so leading zeros are lost" in check_study(path)["problem"][0]


def test_weights_lack_units_of_the_table(tmp_path):
    few = '[tables.few]\ntable = "late"\nwhere = "jobs > 10"\n\n'
    text = changed(
        ("k = 3", 'k = 3\nunits = "few"'),
        ("[models.poor]", f"{few}[models.poor]"),
    )
    found = check_study(write_study(tmp_path, text))
    assert found["where"].to_list() == ["models.income.weights"]
    assert re.search(r"The weights 'near' lack \d+ of 25 units", found["problem"][0])


# --- files that are no study ----------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[study\n", r"not TOML: .*line 1"),
        (b"a = 1\na = 2\n", r"not TOML: .*line 2"),
        (b"x = " + b"[" * 3000, "nest too deeply"),
        (b"", r"no \[models.NAME\] and no"),
    ],
)
def test_what_is_not_a_study_is_said(tmp_path, content, message):
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    found = check_study(path)
    assert len(found) == 1
    assert re.search(message, found["problem"][0])


def test_a_study_that_cannot_be_read(tmp_path, capsys):
    with pytest.raises(
        InputError, match=r"cannot be read \(No such file.*geopoverty init"
    ):
        check_study(tmp_path / "none.toml")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory"):
        check_study(tmp_path)
    (tmp_path / "latin.toml").write_bytes("[study]\ntitle='é'".encode("latin-1"))
    with pytest.raises(InputError, match="must be text in UTF-8"):
        check_study(tmp_path / "latin.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * 2_000_001)
    with pytest.raises(InputError, match="must not be larger"):
        check_study(tmp_path / "big.toml")
    assert cli.main(["check", str(tmp_path / "none.toml")]) == 2
    assert "geopoverty init" in capsys.readouterr().err


def test_windows_line_ends_and_a_byte_order_mark_are_read(folder):
    path = folder / "windows.toml"
    text = changed(("times = 100", 'times = "100"'))
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert check_study(path)["line"].to_list() == [line_of(text, "pages.maps[2].times")]


@pytest.mark.parametrize("column", ["jobs", "rate"])
def test_a_column_all_missing_or_constant_is_said(tmp_path, column):
    path = write_study(tmp_path, changed(('column = "rate"', f'column = "{column}"')))
    pd.DataFrame(rates().assign(**{column: None})).to_csv(
        tmp_path / "rates.csv", index=False
    )
    found = check_study(path)
    assert found["problem"].str.contains("at least one value|all").any()

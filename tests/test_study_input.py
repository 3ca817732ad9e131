"""What a study is given may be anything: it is said, or shown, and never run."""

import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from atlas_pages import data_in
from study_cases import STUDY, changed, counties, rates, write_study, write_text
from test_atlas_axe import AXE
from test_atlas_safety import NASTY

from geopoverty.errors import GeoPovertyWarning
from geopoverty.study import check_study, run_study

# Every text of the file that a reader sees is one of these marks.
MARKED = """\
[study]
title = "@0"

[boundaries]
file = "counties.gpkg"
unit_id = "code"
name = "name"
group = "province"
origin = {title = "@1", licence = "@2", source = "@3", attribution = "@4"}

[travel_times]
file = "times.csv"
origin = {title = "@5"}

[weights.near]
k = 3

[tables.late]
file = "rates.csv"
unit_id = "county"
join = {boundaries = ["province"]}
periods = [2020]
columns = {poor = "rate >= 20"}
origin = {title = "@6", source = "@7"}

[models.income]
title = "@4"
estimator = "ols"
table = "late"
formula = "log(income) ~ jobs + W(jobs) + province"
weights = "near"

[models.years]
title = "@5"
estimator = "survival_curves"
table = "late"
duration = "jobs"
exited = "poor"
by = "province"

[[pages.maps]]
table = "late"
column = "rate"
label = "@0"
unit = "@1"
description = "@4"

[[pages.maps]]
kind = "classes"
table = "late"
column = "province"
label = "@4"
description = "@5"

[[pages.maps]]
kind = "crossed"
table = "late"
columns = ["rate", "jobs"]
labels = ["@4", "@5"]
units = ["@6", "@7"]
label = "@2"
description = "@3"

[[pages.spillovers]]
model = "income"
column = "jobs"
label = "@4"
unit = "@5"
outcome = "@6"
outcome_unit = "@7"

[[pages.scenario]]
model = "income"
column = "jobs"
label = "@5"
unit = "@4"

[[pages.curves]]
model = "years"
title = "@4"
unit = "@5"
description = "@6"
group = "province"

[pages.peers]
table = "late"
columns = {jobs = "@4"}
better = {"@0" = "lower"}
k = 3

[[pages.results]]
title = "@4"
text = "@5"
model = "income"

[[pages.results]]
title = "@1"
models = ["income"]

[files.out]
table = "late"
columns = {rate = "@4", province = "@5"}
title = "@4"
formats = ["gpkg", "csv"]
"""


def marked(texts):
    """Return the study with texts, written as JSON does, which TOML reads."""
    return re.sub(r'"@(\d)"', lambda m: json.dumps(texts[int(m[1])]), MARKED)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nasty")
    path = write_study(folder, marked(NASTY))
    table = counties()
    provinces = dict(zip([f"P{i}" for i in range(5)], NASTY[4:9], strict=True))
    table["province"] = table["province"].map(provinces)
    table["name"] = np.resize(NASTY, len(table))
    table.to_file(folder / "counties.gpkg")
    out = run_study(path)
    assert json.loads((out / "manifest.json").read_text("utf-8"))["missing"] == {}
    return out


def test_pages_hold_every_text_as_text(nasty):
    for page in [nasty / "results.html", *(nasty / "tables").glob("*.html")]:
        shown = page.read_text(encoding="utf-8")
        assert not re.search(r"<(script|img|svg|iframe)", shown), page
        assert "{{" not in shown
        assert "{%" not in shown
    shown = (nasty / "results.html").read_text(encoding="utf-8")
    assert "&lt;/script&gt;&lt;script&gt;" in shown


def test_the_atlas_holds_every_text_as_data(nasty):
    whole = (nasty / "atlas.html").read_text(encoding="utf-8")
    assert whole.count("<script") == 4
    held = data_in(whole)
    assert held["title"] == NASTY[0]
    texts = json.dumps(held, ensure_ascii=False)
    for field in (held["indicators"][0]["label"], held["curves"][0]["title"]):
        assert field in NASTY
    assert held["spillovers"][0]["outcome"] == NASTY[6]
    assert json.dumps(NASTY[4], ensure_ascii=False)[1:-1] in texts


def test_the_atlas_of_such_a_study_runs_nothing(visit, nasty):
    seen = visit(nasty / "atlas.html")
    page = seen.page
    page.evaluate("geopoverty.store.set({ county: 4 })")
    for tab in page.eval_on_selector_all("[role=tab]", "(a) => a.map((e) => e.id)"):
        page.click(f"#{tab}")
    assert page.locator("[onerror], [onload], img[src=x]").count() == 0
    seen.assert_calm()


def test_files_for_other_programs_keep_the_texts(nasty):
    found = gpd.read_file(nasty / "maps" / "out.gpkg")
    assert set(found["province"]) == set(NASTY[4:9])
    about = json.loads(
        (nasty / "maps" / "out.csv-metadata.json").read_text(encoding="utf-8")
    )
    assert NASTY[4] in json.dumps(about, ensure_ascii=False).replace('\\"', '"')


def test_manifest_and_latex_are_whole(nasty):
    manifest = json.loads((nasty / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["title"] == NASTY[0]
    assert manifest["models"]["income"]["title"] == NASTY[4]
    latex = (nasty / "tables" / "income.estimates.tex").read_text(encoding="utf-8")
    assert "<script>" not in latex or r"\_" in latex
    assert latex.count(r"\begin{tabular") == latex.count(r"\end{tabular") == 1


# --- columns that say nothing ----------------------------------------------------


def test_a_constant_column_is_drawn_and_what_needs_it_is_missing(tmp_path):
    path = write_study(tmp_path)
    rates().assign(jobs=3.0).to_csv(tmp_path / "rates.csv", index=False)
    assert check_study(path).empty
    with pytest.warns(GeoPovertyWarning, match="jobs"):
        out = run_study(path)
    missing = json.loads((out / "manifest.json").read_text())["missing"]
    assert set(missing) == {
        "Model 'poor'", "Model 'income'", "Map 'Chance of being poor'",
    }  # fmt: skip
    assert "jobs" in missing["Model 'income'"]
    text = changed(('column = "rate"', 'column = "jobs"')).split("[models.poor]")[0]
    text += (
        "[[pages.maps]]"
        + changed(('column = "rate"', 'column = "jobs"')).split("[[pages.maps]]")[1]
    )
    out = run_study(write_text(tmp_path, text))
    held = data_in((out / "atlas.html").read_text(encoding="utf-8"))
    assert set(held["indicators"][0]["codes"][0]) == {"0"}


def test_a_column_without_any_value_is_a_problem_of_its_map(tmp_path):
    path = write_study(tmp_path)
    rates().assign(rate=None).to_csv(tmp_path / "rates.csv", index=False)
    found = check_study(path)
    at = found[found["where"] == "pages.maps[1]"]["problem"].iloc[0]
    assert "'rate'" in at
    assert "at least one value" in at or "numbers" in at


def test_a_model_of_an_empty_column_leaves_the_others(tmp_path):
    head = "[tables.rates.columns]\n"
    text = changed(
        (head, f'{head}no = "none + 0"\n'),
        ('formula = "poor ~ jobs"', 'formula = "poor ~ no"'),
    )
    path = write_study(tmp_path, text)
    table = rates().assign(none=np.where(np.arange(50) == 0, 1.0, np.nan))
    table.to_csv(tmp_path / "rates.csv", index=False)
    with pytest.warns(GeoPovertyWarning, match="Model 'poor'"):
        out = run_study(path)
    assert (out / "tables" / "income.estimates.csv").exists()


# --- units that the map lacks ------------------------------------------------------


def test_a_result_with_units_beyond_the_map_is_listed_and_the_rest_is_made(tmp_path):
    text = changed(("origin = ", 'outside = "keep"\norigin = '))
    text = text.split("[models.income]")[0] + text[text.index("[[pages.maps]]") :]
    text = text.replace('models = ["poor", "income"]', 'models = ["poor"]')
    text = text.replace('table = "rates"\ncolumn', 'table = "inside"\ncolumn')
    text += '\n[tables.inside]\ntable = "rates"\noutside = "drop"\n'
    path = write_study(tmp_path, text)
    rates().replace({"county": {"01": "98", "02": "99"}}).to_csv(
        tmp_path / "rates.csv", index=False
    )
    assert check_study(path).empty
    with pytest.warns(GeoPovertyWarning, match=r"boundaries.*98, 99"):
        out = run_study(path)
    missing = json.loads((out / "manifest.json").read_text())["missing"]
    assert list(missing) == ["Map 'Chance of being poor'"]
    assert "98, 99" in missing["Map 'Chance of being poor'"]
    held = data_in((out / "atlas.html").read_text(encoding="utf-8"))
    assert [i["label"] for i in held["indicators"]] == ["Poverty"]


# --- keys and files ----------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["{{7*7}}", "</script>", "木里", "a\nb", "x" * 3000, "\u202eabc", "__class__"],
)
def test_an_unknown_key_of_any_letters_is_said_with_its_line(tmp_path, key):
    text = STUDY.replace("[study]\n", f"[study]\n{json.dumps(key)} = 1\n", 1)
    found = check_study(write_study(tmp_path, text))
    assert found["line"].to_list() == [2]
    assert "Unknown key" in found["problem"][0]
    assert len(found["problem"][0]) < 300


@pytest.mark.parametrize("name", ["../../etc/passwd", "{{7*7}}.csv", "nul\u0000.csv"])
def test_a_file_of_any_name_is_read_or_said(tmp_path, name):
    text = STUDY.replace('"rates.csv"', json.dumps(name), 1)
    found = check_study(write_study(tmp_path, text))
    assert found["where"].to_list() == ["tables.rates"]
    assert len(found["problem"][0]) < 500


def test_the_same_texts_give_the_same_tables(nasty, tmp_path):
    path = write_study(tmp_path, marked(NASTY))
    (tmp_path / "counties.gpkg").unlink()
    source = nasty.parent / "counties.gpkg"
    (tmp_path / "counties.gpkg").write_bytes(source.read_bytes())
    out = run_study(path)
    for file in sorted((nasty / "tables").iterdir()):
        assert (out / "tables" / file.name).read_bytes() == file.read_bytes(), file
    assert isinstance(pd.read_csv(out / "maps" / "out.csv"), pd.DataFrame)


def test_results_are_fit_for_screen_readers_and_the_keyboard(browser, nasty):
    allowed = {"empty-table-header"}  # a comparison has two columns of labels
    for screen in ({"width": 1280, "height": 800}, {"width": 390, "height": 844}):
        page = browser.new_page(viewport=screen)
        page.goto((nasty / "results.html").as_uri())
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        broken = {v["id"]: v["nodes"][0]["html"] for v in found["violations"]}
        assert set(broken) <= allowed, broken
        wide = "document.documentElement.scrollWidth <= window.innerWidth"
        assert page.evaluate(wide)
        page.close()

"""Each check by hand, and the published tables with what is known of them."""

import hashlib
import tomllib

import numpy as np
import pandas as pd
import pytest

from geopoverty.audit import audit, audit_checks, audit_text, published_tables
from geopoverty.audit.library import FOLDER
from geopoverty.estimators.linear import ols

PUBLISHED = published_tables()
REPORTS = {name: audit(table) for name, table in PUBLISHED.items()}


def verdict(check, rows, **options):
    """Return the verdicts of one check."""
    report = audit(pd.DataFrame(rows).fillna(""), **options)
    found = report.loc[report["check"] == check, "verdict"]
    return found.iloc[0] if len(found) == 1 else found.tolist()


def broken(name):
    report = REPORTS[name]
    bad = report[report["verdict"] == "inconsistent"]
    return bad[["model", "term", "check"]].to_numpy().tolist()


T = "t = coefficient / standard error"
STARS = "stars from t"
P = "p-value from t"
LR = "likelihood ratio = -2 R2 ll0"
GRIM = "mean of whole steps (GRIM)"
GRIMMER = "standard deviation of whole steps (GRIMMER)"
HANSEN_DF = "degrees of freedom of Hansen's test"
ADD = "percent adds up"
KNOWN = [
    # 0.225/0.135 = 1.67 to 0.235/0.125 = 1.88
    (T, [{"estimate": "0.23", "std_error": "0.13", "statistic": "1.88"}], True),
    (T, [{"estimate": "0.23", "std_error": "0.13", "statistic": "1.89"}], False),
    (T, [{"estimate": "0.23", "std_error": "0.00", "statistic": "90"}], None),
    (T, [{"estimate": "0.23", "std_error": "0.00", "statistic": "9"}], False),
    ("sign of t", [{"estimate": "-0.2", "statistic": "-1.1"}], True),
    ("sign of t", [{"estimate": "-0.2", "statistic": "1.1"}], False),
    ("sign of t", [{"estimate": "-0.0", "statistic": "1.1"}], False),
    ("sign of t", [{"estimate": "0.0", "statistic": "1.1"}], None),
    # Two-sided: 1.6449, 1.96, 2.5758
    (STARS, [{"statistic": "1.94**"}], False),
    (STARS, [{"statistic": "1.96**"}], True),
    (STARS, [{"statistic": "2.7**"}], None),
    (STARS, [{"statistic": "2.7**", "n": "900", "parameters": "4"}], False),
    (STARS, [{"statistic": "2.7**", "df": "10"}], True),
    (STARS, [{"statistic": "2.7**", "n": "900", "clusters": "9"}], True),
    (STARS, [{"estimate": "0.001**", "std_error": "0.000"}], None),
    (STARS, [{"estimate": "0.001**"}], None),
    (STARS, [{"estimate": "0.50***", "std_error": "0.00", "n": "90"}], True),
    ("stars from the p-value", [{"estimate": "1**", "p_value": "0.05"}], True),
    ("stars from the p-value", [{"estimate": "1**", "p_value": "0.06"}], False),
    ("stars from the p-value", [{"estimate": "1*", "p_value": "<0.01"}], False),
    (P, [{"statistic": "1.96", "p_value": "0.050"}], True),
    (P, [{"statistic": "1.96", "p_value": "0.040"}], False),
    (P, [{"statistic": "1.96", "p_value": "0.070"}], None),
    (P, [{"statistic": "1.96", "p_value": "0.070", "df": "20"}], False),
    (P, [{"estimate": "1.96", "std_error": "1.00", "p_value": "0.05"}], True),
    (P, [{"estimate": "1.96", "p_value": "0.05"}], None),
    ("lower end of the interval", [
        {"estimate": "1.00", "std_error": "0.10", "conf_low": "0.80", "df": "100"}],
     True),
    ("lower end of the interval", [
        {"estimate": "1.00", "std_error": "0.10", "conf_low": "0.84", "df": "100",
         "conf_level": "90"}], True),
    ("lower end of the interval", [
        {"estimate": "1.00", "std_error": "0.10", "conf_low": "0.84", "df": "100",
         "conf_level": "0.9"}], True),
    ("lower end of the interval", [
        {"estimate": "1.00", "std_error": "0.10", "conf_low": "0.80"}], None),
    ("lower end of the interval", [
        {"estimate": "1.00", "std_error": "0.10", "conf_low": "0.84"}], False),
    ("upper end of the interval", [
        {"estimate": "1.00", "std_error": "0.10", "conf_high": "1.25", "df": "100"}],
     False),
    ("coefficient in the middle of its interval", [
        {"estimate": "1.00", "conf_low": "0.80", "conf_high": "1.23"}], False),
    ("odds ratio = exp(coefficient)", [{"estimate": "0.69", "odds_ratio": "2"}], True),
    ("hazard ratio = exp(coefficient)", [{"hazard_ratio": "2.0"}], None),
    ("hazard ratio = exp(coefficient)", [{"estimate": "900", "hazard_ratio": "2"}],
     None),
    ("range of r_squared", [{"r_squared": "1.02"}], False),
    ("range of p_value", [{"p_value": "1.2"}], False),
    ("range of std_error", [{"std_error": "-0.1"}], False),
    # 1 - 0.5 x 20/18 = 0.4444
    ("adjusted R-squared", [
        {"r_squared": "0.50", "adj_r_squared": "0.44", "n": "21", "parameters": "3"}],
     True),
    ("adjusted R-squared", [{"adj_r_squared": "0.44"}], None),
    # 0.5/0.5 x 18/2 = 9
    ("F from R-squared", [
        {"r_squared": "0.50", "f_statistic": "9.6", "n": "21", "parameters": "3"}],
     False),
    ("F from R-squared", [
        {"r_squared": "0.50", "f_statistic": "9.6", "n": "21", "parameters": "3",
         "robust": "1"}], None),
    ("p-value of F", [{"f_p_value": "0.01", "n": "21", "parameters": "3"}], None),
    # 4 ln 2 x 0.038 x 4535 = 477.8
    (LR, [{"model": "matched", "pseudo_r_squared": "0.038", "lr_chi2": "474.45",
           "n_treated": "4535"}], True),
    (LR, [{"model": "matched", "pseudo_r_squared": "0.038", "lr_chi2": "500",
           "n_treated": "4535"}], False),
    # ll0 = -100 ln 2: LR = 200 ln 2 x 0.1 = 13.86
    (LR, [{"pseudo_r_squared": "0.100", "lr_chi2": "13.9", "n_treated": "50",
           "n_control": "50"}], True),
    (LR, [{"pseudo_r_squared": "0.100", "lr_chi2": "14.9", "n_treated": "50",
           "n_control": "50"}], False),
    (LR, [{"pseudo_r_squared": "0.100", "lr_chi2": "14.9"}], None),
    (HANSEN_DF, [{"hansen_df": "5", "instruments": "12", "parameters": "7"}], True),
    (HANSEN_DF, [{"hansen_df": "6", "instruments": "12", "parameters": "7"}], False),
    (HANSEN_DF, [{"hansen_df": "6"}], None),
    (HANSEN_DF, [{"hansen_df": "5.0", "instruments": "12", "parameters": "7"}], True),
    ("AR(2) needs four periods", [{"ar2_p_value": "0.31", "periods": "3"}], False),
    ("AR(2) needs four periods", [{"ar2": "1.1", "periods": "4"}], True),
    ("AR(2) needs four periods", [{"ar2": "1.1"}], None),
    # t = -0.028 sqrt(69 / (1 - 0.028^2)) = -0.2327, p 0.8167
    ("p-value of a correlation", [
        {"r": "-.028", "p_value": ".818", "n": "73", "controls": "2"}], True),
    ("p-value of a correlation", [
        {"r": "-.028", "p_value": ".825", "n": "73", "controls": "2"}], False),
    ("p-value of a correlation", [{"r": "-.028", "p_value": ".825"}], None),
    ("degrees of freedom of a correlation", [
        {"r": "0.1", "df": "70", "n": "73", "controls": "2"}], False),
    ("difference in differences = after - before", [
        {"before": "-0.191", "after": "-0.336", "did": "-0.145"}], True),
    ("difference in differences = after - before", [
        {"before": "-0.191", "after": "-0.336", "did": "-0.147"}], False),
    ("difference in differences = after - before", [{"did": "-0.147"}], None),
    ("effect = treated - control", [
        {"treated": "0.5", "control": "0.25", "effect": "0.3"}], True),
    ("effect = treated - control", [
        {"treated": "0.5", "control": "0.25", "effect": "0.4"}], False),
    # The ends are included: 0.1, 0.2 and 0.3 may be 0.15 + 0.25 over two.
    ("mean over methods", [
        {"term": "a", "of": "m", "estimate": "0.1"},
        {"term": "b", "of": "m", "estimate": "0.2"},
        {"term": "m", "mean_estimate": "0.20"}], True),
    ("mean over methods", [
        {"term": "a", "of": "m", "estimate": "0.10"},
        {"term": "m", "mean_estimate": "0.12"}], False),
    ("mean over methods", [{"term": "m", "mean_estimate": "0.12"}], None),
    ("FGT0 >= FGT1 >= FGT2", [{"fgt0": "0.4", "fgt1": "0.1", "fgt2": "0.05"}], True),
    ("FGT0 >= FGT1 >= FGT2", [{"fgt0": "0.4", "fgt2": "0.6"}], False),
    ("FGT0 >= FGT1 >= FGT2", [
        {"fgt0": "0.10", "fgt1": "0.1", "fgt2": "0.12"}], False),
    ("FGT0 >= FGT1 >= FGT2", [{"fgt0": "0.4"}], None),
    # 0.04 > 0.4 x 0.05
    ("FGT1 squared <= FGT0 FGT2", [
        {"fgt0": "0.40", "fgt1": "0.20", "fgt2": "0.05"}], False),
    ("vulnerability rises with the poverty line", [
        {"term": "b", "poverty_line": "3.1", "vulnerability": "0.52"},
        {"term": "a", "poverty_line": "1.9", "vulnerability": "0.37"}], True),
    ("vulnerability rises with the poverty line", [
        {"term": "a", "poverty_line": "1.9", "vulnerability": "0.37"},
        {"term": "b", "poverty_line": "3.1", "vulnerability": "0.35"}], False),
    ("fgt0 rises with the poverty line", [
        {"term": "a", "poverty_line": "1.9", "fgt0": "0.37"}], None),
    # Three thirds print as 33.3 each.
    (ADD, [{"term": t, "of": "all", "percent": "33.3"} for t in "abc"], True),
    (ADD, [{"term": t, "of": "all", "percent": "33.2"} for t in "abc"], False),
    (ADD, [{"term": "a", "of": "all", "percent": "33"},
           {"term": "b", "of": "all", "count": "2"}], None),
    ("count adds up", [
        {"term": "all", "count": "74"}, {"term": "a", "of": "all", "count": "59"},
        {"term": "b", "of": "all", "count": "14"}], False),
    ("n adds up", [
        {"term": "all", "n": "974"}, {"term": "a", "of": "all", "n": "475"},
        {"term": "b", "of": "all", "n": "499"}], True),
    ("percent_of_cases is that of the count", [
        {"count": "55", "cases": "73", "percent_of_cases": "75.3"}], True),
    ("percent_of_cases is that of the count", [
        {"count": "55", "percent_of_cases": "75.3"}], None),
    ("mean of the groups", [
        {"term": "all", "mean": "2.5"},
        {"term": "a", "of": "all", "mean": "2.0", "n": "10"},
        {"term": "b", "of": "all", "mean": "3.0", "n": "30"}], False),
    ("mean of the groups", [
        {"term": "all", "mean": "3.2"}, {"term": "a", "of": "all", "mean": "2.0"},
        {"term": "b", "of": "all", "mean": "3.0"}], False),
    ("mean of the groups", [
        {"term": "all", "mean": "3.2"}, {"term": "a", "of": "all", "mean": "2.0"},
        {"term": "b", "of": "all", "count": "3"}], None),
    # The example of Brown and Heathers: 28 answers cannot have the mean 5.19.
    (GRIM, [{"mean": "5.19", "n": "28", "step": "1"}], False),
    (GRIM, [{"mean": "5.18", "n": "28", "step": "1"}], True),
    (GRIM, [{"mean": "5.19", "n": "28", "step": "0.5"}], False),
    (GRIM, [{"mean": "5.20", "n": "28", "step": "0.2"}], None),
    (GRIM, [{"mean": "5.19", "n": "280", "step": "1"}], None),
    (GRIM, [{"mean": "5.19", "step": "1"}], None),
    (GRIM, [{"mean": "5.19", "n": "280", "step": "1", "scale_low": "1",
             "scale_high": "5"}], False),
    # 0/1: the mean fixes the deviation, 0.4303 or 0.4330 for 3 of 4 in 100.
    (GRIMMER, [{"mean": "0.75", "sd": "0.44", "n": "100", "step": "1",
                "scale_low": "0", "scale_high": "1"}], True),
    (GRIMMER, [{"mean": "0.75", "sd": "0.42", "n": "100", "step": "1",
                "scale_low": "0", "scale_high": "1"}], False),
    # Nine answers that sum to 4 have squares that sum to 4 or more, not 2.
    (GRIMMER, [{"mean": "0.44", "sd": "0.17", "n": "9", "step": "1"}], False),
    (GRIMMER, [{"mean": "0.44", "sd": "0.53", "n": "9", "step": "1"}], True),
    (GRIMMER, [{"mean": "5.19", "sd": "1.2", "n": "28", "step": "1"}], None),
    (GRIMMER, [{"mean": "5.18", "sd": "1.2", "n": "28", "step": "1"}], None),
    ("standard deviation within the scale", [
        {"mean": "0.16", "sd": "0.30", "scale_low": "0", "scale_high": "1"}], True),
    ("standard deviation within the scale", [
        {"mean": "0.16", "sd": "0.60", "scale_low": "0", "scale_high": "1"}], False),
]  # fmt: skip


@pytest.mark.parametrize(("check", "rows", "agrees"), KNOWN)
def test_by_hand(check, rows, agrees):
    words = {True: "consistent", False: "inconsistent", None: "not checkable"}
    assert verdict(check, rows) == words[agrees]


def test_a_grid_of_small_samples_against_all_answers():
    """For 5 answers on 1 to 3, list every sample; nothing else passes."""
    answers = np.stack(np.meshgrid(*[[1, 2, 3]] * 5), -1).reshape(-1, 5)
    possible = {
        (f"{m:.2f}", f"{s:.2f}")
        for d in (0, 1)
        for m, s in zip(answers.mean(1), answers.std(1, ddof=d), strict=True)
    }
    means, spreads = (f"{i / 5:.2f}" for i in range(5, 16)), {s for _, s in possible}
    rows = [
        {"term": f"{m} {s}", "mean": m, "sd": s, "n": 5, "step": 1, "scale_low": 1,
         "scale_high": 3}
        for m in means for s in sorted(spreads)
    ]  # fmt: skip
    report = audit(pd.DataFrame(rows))
    found = report[(report["check"] == GRIMMER) & (report["verdict"] == "consistent")]
    assert set(found["term"]) == {f"{m} {s}" for m, s in possible}


def test_where_a_half_goes_depends_on_the_rounding():
    rows = [{"mean": "0.13", "n": 8, "step": 1}]  # 1/8 = 0.125
    assert verdict(GRIM, rows, rounding="half-up") == "consistent"
    assert verdict(GRIM, rows, rounding="half-even") == "inconsistent"
    assert verdict(GRIM, rows, rounding="truncation") == "inconsistent"
    down = [{"mean": "0.12", "n": 8, "step": 1}]
    assert verdict(GRIM, down, rounding="half-up") == "inconsistent"
    assert verdict(GRIM, down, rounding="truncation") == "consistent"
    for rounding in ("nearest", "any"):
        assert verdict(GRIM, rows, rounding=rounding) == "consistent"
        assert verdict(GRIM, down, rounding=rounding) == "consistent"


def test_stars_go_by_the_printed_t_where_it_contradicts_the_standard_error():
    row = {
        "estimate": "0.200***",
        "std_error": "0.100",
        "statistic": "4.00",
        "df": "90",
    }
    assert verdict(T, [row]) == "inconsistent"
    assert verdict(STARS, [row]) == "consistent"


def test_a_share_half_way_is_rounded_as_told():
    rows = [{"count": "1", "cases": "8", "percent_of_cases": "13"}]  # 12.5
    check = "percent_of_cases is that of the count"
    assert verdict(check, rows) == "consistent"
    assert verdict(check, rows, rounding="half-up") == "consistent"
    assert verdict(check, rows, rounding="half-even") == "inconsistent"


def test_balance_table():
    rows = [
        {"model": "unmatched", "term": "x", "treated": "2.0", "control": "1.0",
         "bias": "50.0"},
        {"model": "matched", "term": "x", "treated": "2.0", "control": "1.8",
         "bias": "-10.0", "bias_reduction": "80"},
    ]  # fmt: skip
    assert verdict("reduction of bias", rows) == "consistent"
    assert verdict("sign of bias", rows) == ["consistent", "inconsistent"]
    assert verdict("bias after and before matching", rows) == "consistent"
    rows[1] |= {"bias": "30.0", "bias_reduction": "75"}
    assert verdict("reduction of bias", rows) == "inconsistent"
    assert verdict("bias after and before matching", rows) == "inconsistent"
    assert verdict("reduction of bias", rows[1:]) == "not checkable"
    rows[0]["bias"] = "0"
    assert verdict("reduction of bias", rows) == "not checkable"


def test_reasons_say_it_in_words():
    rows = [
        {"model": "a", "hansen_df": "6", "instruments": "12", "parameters": "7"},
        {"model": "b", "term": "x", "estimate": "0.23", "hazard_ratio": "1.02"},
    ]
    assert audit(pd.DataFrame(rows).fillna(""))["reason"].tolist() == [
        "Instruments less parameters, from 12 and 7, is 5, but 6 is printed.",
        "exp(coefficient), from 0.23, is 1.2523 to 1.2649, but 1.02 stands for 1.015 "
        "to 1.025.",
    ]


def test_facts_reach_the_terms_of_their_model_only():
    rows = [
        {"table": "1", "model": "a", "df": "5"},
        {"table": "1", "model": "a", "term": "x", "statistic": "2.2**"},
        {"table": "1", "model": "b", "term": "x", "statistic": "2.2**"},
    ]
    report = audit(pd.DataFrame(rows).fillna(""), reference="t")
    assert report["verdict"].tolist() == ["inconsistent", "consistent"]


def test_our_own_results_stand():
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(40, 3)), columns=["y", "a", "b"])
    tidy = ols("y ~ a + b", data, vcov="iid").tidy()
    report = audit(tidy, reference="either")
    assert set(report["verdict"]) <= {"consistent", "not checkable"}
    assert (report["check"] == T).sum() == 3
    tidy["df"] = 37
    assert set(audit(tidy)["verdict"]) == {"consistent"}


def test_input_is_not_modified_and_order_of_rows_does_not_matter():
    table = PUBLISHED["vulnerability_table3"]
    before = table.copy(deep=True)
    shuffled = table.sample(frac=1, random_state=1)
    keys = ["table", "model", "term", "check"]
    first = REPORTS["vulnerability_table3"].sort_values(keys, ignore_index=True)
    second = audit(shuffled).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(table, before)


def test_the_hazard_ratio_of_upgrading():
    assert broken("exit_table1") == [
        ["Cox", "industrial upgrading", "hazard ratio = exp(coefficient)"]
    ]


def test_stars_that_the_printed_t_cannot_carry():
    found = broken("vulnerability_table2")
    assert {check for _, _, check in found} == {STARS}
    assert [f"{m}{t}" for m, t, _ in found] == [
        "(2)P x T", "(4)P x T", "(6)P x T",
        "P x T, model (1)", "P x T, model (3)", "P x T, model (5)",
    ]  # fmt: skip


def test_the_balance_table_in_print():
    found = broken("vulnerability_table3")
    by_p = [term for _, term, check in found if check == P]
    assert by_p == ["health", "machines", "subsidy", "hard road", "non-farm workers"]
    assert ["unmatched", "subsidy", "bias of a 0/1 variable"] in found
    joint = REPORTS["vulnerability_table3"].query("check == @LR")
    assert joint["verdict"].tolist() == ["consistent", "consistent"]


@pytest.mark.parametrize(
    "name",
    ["clusters_table1", "clusters_table2", "clusters_table3", "clusters_table4",
     "vulnerability_table5", "return_table1", "return_table2", "return_table3",
     "return_table4", "return_table5", "targeting_table3", "targeting_table4"],
)  # fmt: skip
def test_tables_in_which_nothing_contradicts_itself(name):
    assert broken(name) == []
    assert (REPORTS[name]["verdict"] == "consistent").any()


def test_means_over_methods_agree_in_size():
    report = REPORTS["vulnerability_table4"].query("check == 'mean over methods'")
    assert len(report) == 9
    assert report["reason"].str.endswith("the sign is the other one.").all()


def test_percents_filled_up_with_zeros():
    report = REPORTS["targeting_table2"].query("verdict == 'inconsistent'")
    padded = report["reason"].str.contains("zeros at its end were only filled in")
    assert padded.sum() == 6
    assert report[~padded]["check"].tolist() == [
        "count adds up", "percent is that of the count"
    ]  # fmt: skip
    table = PUBLISHED["targeting_table2"].assign(decimals="")
    table.loc[table["percent"].str.endswith("0%"), "decimals"] = "1"
    left = audit(table).query("verdict == 'inconsistent'")
    assert left["term"].tolist() == ["all", "25-40"]


def test_every_published_table_says_where_it_is_from():
    sources = tomllib.loads((FOLDER / "SOURCES.toml").read_text(encoding="utf-8"))
    files = {p.name for p in FOLDER.iterdir()} - {"SOURCES.toml"}
    assert files == set(sources)
    for name, entry in sources.items():
        data = (FOLDER / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(PUBLISHED[name.removesuffix(".csv")]) == entry["rows"]
        assert all(str(value).strip() for value in entry.values())
        assert PUBLISHED[name.removesuffix(".csv")].attrs["title"] == entry["title"]


def test_every_check_is_explained():
    listed = audit_checks()
    assert listed["question"].str.len().gt(10).all()
    assert listed["not_checkable"].ne("").sum() > 25
    assert not listed["check"].duplicated().any()


def test_text_of_a_report_without_checks():
    report = audit(pd.DataFrame({"estimate": ["1.0"]}))
    assert report.empty
    assert audit_text(report) == (
        "0 checks: 0 consistent, 0 inconsistent, 0 not checkable."
    )

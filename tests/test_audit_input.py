"""What print looks like, files, the shell command, and what is refused."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from geopoverty import cli
from geopoverty.audit import audit, published_tables
from geopoverty.audit.intervals import Interval, corners, quotient, weighted_mean
from geopoverty.audit.printed import as_text, parse
from geopoverty.errors import InputError

COX = "term,estimate,std_error,hazard_ratio\nupgrading,0.23*,0.13,1.02\n"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.23", "0.225", "0.235"), ("0.230", "0.2295", "0.2305"),
        ("-.676", "-0.6765", "-0.6755"), ("1.2e3", "1150", "1250"),
        ("-7E-06**", "-0.0000075", "-0.0000065"), ("5,300.4", "5300.35", "5300.45"),
        ("\u22120.01 **", "-0.015", "-0.005"), ("(0.012)", "0.0115", "0.0125"),
        ("75.30%", "75.295", "75.305"), ("+3", "2.5", "3.5"), ("1.", "0.5", "1.5"),
        ("-0.00", "-0.005", "0"), ("0.000", "-0.0005", "0.0005"),
        ("10,234", "10233.5", "10234.5"), ("[-1.5]", "-1.55", "-1.45"),
    ],
)  # fmt: skip
def test_numbers_as_printed(text, low, high):
    found = parse(text).range
    assert (found.low, found.high) == (Fraction(low), Fraction(high))


@pytest.mark.parametrize("text", ["", "-", "n/a", "NaN", "  ", "\u2014"])
def test_empty_cells(text):
    assert parse(text) is None


@pytest.mark.parametrize(
    "text", ["0,23", "abc", "1.2.3", "0.23a", "1e9999", "5" * 50, "inf", "1 2", "e5"]
)
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


def test_limits_and_truncation():
    assert parse("<0.001").range.high == Fraction(1, 1000)
    assert parse(">3").range.low == 3
    cut = parse("-0.23", rounding="truncation").range
    assert (cut.low, cut.high) == (Fraction("-0.24"), Fraction("-0.23"))
    both = parse("0.23", rounding="any").range
    assert (both.low, both.high) == (Fraction("0.225"), Fraction("0.24"))
    zero = parse("0.0", rounding="truncation").range
    assert (zero.low, zero.high) == (Fraction("-0.1"), Fraction("0.1"))
    assert parse("37.00", decimals=1).range.high == Fraction("37.05")


def test_numbers_of_a_computer_are_trusted_to_ten_digits():
    assert parse(as_text(0.1 + 0.2)).range.high - Fraction("0.3") < 1e-9
    assert as_text(np.float64(3.0)) == "3"
    assert as_text(pd.NA) == as_text(np.nan) == ""


def test_intervals():
    assert quotient(Interval(-2, -1), Interval(0, 4)) == Interval(float("-inf"), -0.25)
    assert quotient(Interval(1, 2), Interval(0, 0)).bounded is False
    assert corners(lambda a: -a, Interval(1, 2)) == Interval(-2, -1)
    assert weighted_mean([Interval(1, 1)], [Interval(0, 0)]) is None
    assert Interval(-1, 5).clipped(0, 3) == Interval(0, 3)
    assert Interval(4, 5).clipped(0, 3) == Interval(3, 3)
    assert Interval(1, 2).within(Interval(0, 2))


def test_a_weighted_mean_takes_its_ends_at_corners():
    values = [Interval(0, 1), Interval(2, 5), Interval(4, 6)]
    weights = [Interval(1, 3), Interval(0, 2), Interval(1, 2)]
    by_hand = corners(
        lambda a, b, c, u, v, w: Fraction(a * u + b * v + c * w, u + v + w),
        *values,
        *weights,
    )
    assert weighted_mean(values, weights) == by_hand


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (pd.DataFrame(), {}, r"must have rows; it has none"),
        (pd.DataFrame({"estimate": [""]}), {}, r"all its cells are empty"),
        (pd.DataFrame({"term": ["a"]}), {}, r"must have a column of printed numbers"),
        (pd.DataFrame({"estimat": ["1"], "term": ["a"]}), {},
         r"Every column of a wide table must be known; 1 of 2 are not \('estimat'\). "
         r"Did you mean 'estimate'\?"),
        (pd.DataFrame({"value": ["1"], "colour": ["a"]}), {},
         r"of a long table .*colou"),
        (pd.DataFrame({"value": ["1"]}), {}, r"must have the column 'statistic'"),
        (pd.DataFrame({"value": ["1", "2"], "statistic": ["hazard_ration", "n"]}), {},
         r"Every statistic must be known; 1 of 2 rows break this \(row 0: "
         r"'hazard_ration'\). Rename or drop them. Did you mean 'hazard_ratio'\?"),
        (pd.DataFrame({"estimate": ["0,23", "1.0", "x"]}), {},
         r"Every cell must be a printed number; 2 of 3 cells break this \(row 0, "
         r"estimate: '0,23', row 2, estimate: 'x'\)"),
        (pd.DataFrame({"estimate": ["1.0+"]}), {}, r"mark beside a number must have a "
         r"level.*row 0: '\+'"),
        (pd.DataFrame({"estimate": ["1", "2"]}), {}, r"must stand once in a model"),
        (pd.DataFrame([["1", "2"]], columns=["n", "n"]), {}, r"column must stand once"),
        (pd.DataFrame({"estimate": ["1.00"], "decimals": ["one"]}), {},
         r"must be a printed number"),
        (pd.DataFrame({"n": ["1"]}), {"rounding": "half"}, r"rounding must be one of"),
        (pd.DataFrame({"n": ["1"]}), {"reference": "z"}, r"reference must be one of"),
        (pd.DataFrame({"n": ["1"]}), {"stars": {"*": 0.01, "**": 0.05}},
         r"Levels of stars must fall"),
        (pd.DataFrame({"n": ["1"]}), {"stars": {"*": 5}}, r"Levels of stars must fall"),
        ([1, 2], {}, r"must be a DataFrame or a path; got list"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(table, options, message):
    with pytest.raises(InputError, match=message):
        audit(table, **options)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", r"must hold printed numbers; 'a.csv' holds none"),
        ("a.csv", "term,estimate\n", r"holds none"),
        ("a.csv", "term,estimate\na,1\nb\n", r"2 cells of its header; 1 of 2 rows "
         r"break this \(line 3\)"),
        ("a.csv", "term,estimates\na,1\n", r"'estimates'.*Did you mean 'estimate'"),
        ("a.csv", "term,estimate\na,1\nb,one\n", r"line 3, estimate: 'one'"),
        ("a.txt", COX, r"must be a CSV or TOML file; 'a.txt' is neither"),
        ("a.toml", "", r"holds none"),
        ("a.toml", 'n = 3\n[t]\nx = = "1"\n', r"cannot be read: .*\(at line 3"),
        ("a.toml", "n = 3\n", r"At the top of 'a.toml' stand tables; 'n' is none"),
        ("a.toml", "[t]\nrow = [1]\n", r"'row' is none. Did you mean 'rows'\?"),
        ("a.toml", "[t]\nrows = 3\n", r"The rows of 't' must be tables"),
        ("a.toml", "[t]\nhansn_df = 3\n", r"Did you mean 'hansen_df'"),
        ("a.toml", "[t]\nn = true\n", r"'t', n: 'True'"),
    ],
)  # fmt: skip
def test_files_that_are_refused(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        audit(path)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "table1.csv").write_text(COX, encoding="utf-8")
    with pytest.raises(InputError, match=r"does not. Did you mean 'table1.csv'\?"):
        audit(tmp_path / "table2.csv")
    with pytest.raises(InputError, match=r"must exist"):
        audit(tmp_path / "nowhere" / "table2.csv")
    (tmp_path / "latin.csv").write_bytes(b"term,estimate\n\xe9,1\n")
    with pytest.raises(InputError, match=r"must be text in UTF-8"):
        audit(tmp_path / "latin.csv")


def test_csv_by_semicolons_and_toml_say_the_same(tmp_path):
    first = tmp_path / "a.csv"
    first.write_text("\ufeff" + COX.replace(",", ";"), encoding="utf-8")
    second = tmp_path / "a.toml"
    second.write_text(
        '[[rows]]\nterm = "upgrading"\nestimate = "0.23*"\nstd_error = 0.13\n'
        "hazard_ratio = 1.02\n",
        encoding="utf-8",
    )
    pd.testing.assert_frame_equal(audit(first), audit(second))
    assert audit(first)["verdict"].tolist() == ["inconsistent", "consistent"]


def test_toml_keeps_decimals_and_gives_facts_to_rows(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(
        '["Table 1"]\nn = 21\nparameters = 3\nr_squared = 0.500\n'
        'adj_r_squared = 0.4444\n\n[["Table 1".rows]]\nterm = "x"\n'
        'estimate = 2.10\nstd_error = 1.00\np_value = 0.05\nstars = "**"\n',
        encoding="utf-8",
    )
    report = audit(path, reference="t")
    assert report["table"].unique().tolist() == ["Table 1"]
    assert report["printed"].tolist()[0] == "0.4444"
    # 2.10 with 18 degrees of freedom just falls short of 5 per cent: 2.1009
    assert set(report["verdict"]) == {"consistent"}


def test_names_cannot_steer_the_terminal():
    report = audit(pd.DataFrame({"term": ["a\x1b[31m\n"], "r_squared": ["0.5"]}))
    assert report["term"].tolist() == ["a [31m"]


def test_the_shell_command(tmp_path, capsys):
    path, out = tmp_path / "cox.csv", tmp_path / "report.csv"
    path.write_text(COX, encoding="utf-8")
    assert cli.main(["audit", str(path)]) == 0
    said = capsys.readouterr()
    assert "2 checks: 1 consistent, 1 inconsistent, 0 not checkable." in said.out
    assert "1. upgrading: exp(coefficient), from 0.23, is 1.2523 to 1.2649" in said.out
    assert said.err == ""
    assert cli.main(["audit", str(path), "--strict", "--out", str(out)]) == 1
    assert f"Wrote {out}." in capsys.readouterr().out
    pd.testing.assert_frame_equal(
        pd.read_csv(out, dtype=str, keep_default_na=False), audit(path)
    )
    stars = ["--stars", "*=0.05", "--rounding", "any", "--reference", "normal"]
    assert cli.main(["audit", str(path), *stars]) == 0
    assert "2 inconsistent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stars", "*"], "Stars must be given as marks and levels; got '*'"),
        (["--rounding", "up"], "rounding must be one of"),
        (["--out", "nowhere/report.csv"], "The output folder must exist"),
    ],
)
def test_the_shell_command_refuses(tmp_path, capsys, options, message):
    path = tmp_path / "cox.csv"
    path.write_text(COX, encoding="utf-8")
    assert cli.main(["audit", str(path), *options]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


def test_an_unknown_column_is_one_clear_line(tmp_path, capsys):
    path = tmp_path / "cox.csv"
    path.write_text(COX.replace("std_error", "std_eror"), encoding="utf-8")
    assert cli.main(["audit", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Did you mean 'std_error'?" in said


def test_strict_passes_a_table_without_contradictions(tmp_path):
    path = tmp_path / "a.csv"
    published_tables()["clusters_table1"].to_csv(path, index=False)
    assert cli.main(["audit", str(path), "--strict"]) == 0

"""Numbers and tables for a reader: right, whole and escaped."""

import html
import math
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st

from geopoverty import _tables

NASTY = (
    "<script>alert(1)</script>", "</td><img src=x onerror=alert(1)>", "{{7*7}}",
    "{% import os %}", "&amp;", "\"'`", "<!--", "]]>", "${7*7}",
)  # fmt: skip
TAGS = {"table", "thead", "tbody", "tr", "th", "td", "ul", "li"}


class Reader(HTMLParser):
    """What a browser would make of a piece of HTML: its tags and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_comment(self, data):
        self.tags.add(f"comment {data}")

    def handle_decl(self, decl):
        self.tags.add(f"declaration {decl}")

    def handle_data(self, data):
        self.text += data


# --- numbers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5678, "1,235"), (-1234.5678, "-1,235"), (0.000123456, "0.0001235"),
        (1.23456e-7, "1.235e-07"), (12.0, "12.00"), (-0.0, "0"), (0.0, "0"),
        (1234567, "1,234,567"), (np.int64(-3), "-3"), (True, "True"),
        (np.bool_(False), "False"), (None, ""), (math.nan, ""), (pd.NA, ""),
        (pd.NaT, ""), (math.inf, "inf"), (-math.inf, "-inf"), ("0042", "0042"),
        (np.float32(0.5), "0.5000"),
    ],
)  # fmt: skip
def test_numbers_as_a_reader_expects_them(value, text):
    assert _tables.number(value) == text


@LAW
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 8))
def test_a_number_keeps_its_sign_and_its_digits(value, digits):
    shown = float(_tables.number(value, digits).replace(",", ""))
    assert shown == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))
    assert math.copysign(1, shown) == math.copysign(1, value) or value == 0


@LAW
@given(st.floats(-1e-3, 1e-3))
def test_no_minus_before_a_zero(value):
    assert not re.fullmatch(r"-0*\.?0*(e.*)?", _tables.number(value))


@pytest.mark.parametrize(
    ("p", "mark"),
    [(0.0099, "***"), (0.01, "**"), (0.05, "*"), (0.1, ""), (1.0, ""), (math.nan, "")],
)
def test_stars(p, mark):
    assert _tables.stars(p) == mark


def test_nullable_columns_keep_whole_numbers_and_gaps():
    frame = pd.DataFrame(
        {
            "n": pd.array([1200, None], dtype="Int64"),
            "x": pd.array([1.5, None], dtype="Float64"),
            "when": pd.to_datetime(["2020-01-01", None]),
        }
    )
    assert _tables.formatted(frame).to_numpy().tolist() == [
        ["1,200", "1.500", "2020-01-01 00:00:00"],
        ["", "", ""],
    ]


# --- HTML ----------------------------------------------------------------------


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("place", ["cell", "column", "row", "name"])
def test_every_text_of_an_html_table_is_escaped(text, place):
    frame = pd.DataFrame({"x": ["safe"]}, index=["row"])
    if place == "cell":
        frame.loc["row", "x"] = text
    elif place == "column":
        frame.columns = [text]
    elif place == "row":
        frame.index = [text]
    else:
        frame.index.name = text
    page = _tables.html_table(frame)
    seen = Reader(page)
    assert seen.tags <= TAGS
    assert seen.attributes <= {"class", "style"}
    assert text in seen.text
    assert not set(page) & set("{}")  # nothing that a template engine would run


@LAW
@given(st.text())
def test_no_text_makes_a_tag(text):
    page = _tables.html_list((text, "second"))
    assert Reader(page).tags == {"ul", "li"}
    assert not set(page) & set("{}")
    assert html.unescape(page) == f"<ul><li>{text}</li><li>second</li></ul>"


def test_no_items_make_no_list():
    assert _tables.html_list(()) == ""


def test_long_texts_and_tables_stay_whole():
    note = "long-" * 40
    frame = pd.DataFrame({"note": [note] * 80})
    assert _tables.html_table(frame).count(note) == 80
    assert _tables.text_table(frame).count(note) == 80


# --- LaTeX ---------------------------------------------------------------------


def read_latex(text):
    """Undo the escapes, refusing any reserved character that stands bare."""
    words = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^"}
    pieces = re.findall(r"\\(text\w+)\{\}|\\([&%$#_{}])|([^\\&%$#_{}~^])", text, re.S)
    whole = "".join(words.get(a, "") + b + c for a, b, c in pieces)
    matched = re.sub(r"\\text\w+\{\}|\\[&%$#_{}]|[^\\&%$#_{}~^]", "", text, flags=re.S)
    assert matched == ""
    return whole


@LAW
@given(st.text(alphabet=st.sampled_from("\\&%$#_{}~^ab1 ")))
def test_latex_reads_back_as_it_was(text):
    assert read_latex(_tables.latex_escape(text)) == text


def test_a_latex_table():
    frame = pd.DataFrame({"p_value": [0.05], "share %": ["{x}"]}, index=["W(a_b)"])
    assert _tables.latex_table(frame).splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r" & p\_value & share \% \\",
        r"\midrule",
        r"W(a\_b) & 0.05000 & \{x\} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_a_text_table_is_aligned():
    frame = pd.DataFrame({"x": [1.0, 1000.0]}, index=["a", "long"])
    lines = _tables.text_table(frame).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split() == ["long", "1,000"]

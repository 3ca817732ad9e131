"""Class breaks and colours."""

import re

import mapclassify
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geopoverty.classes import DIVERGING, SCHEMES, SEQUENTIAL, MapStyle, classify
from geopoverty.errors import InputError

SKEWED = np.random.default_rng(7).lognormal(sigma=1.0, size=500)
EFFECTS = np.random.default_rng(8).normal(scale=0.02, size=400)
some_values = arrays(
    np.float64,
    st.integers(1, 60),
    elements=st.floats(-1e6, 1e6, allow_nan=False).map(lambda v: round(v, 4)),
)


@pytest.mark.parametrize(
    ("scheme", "name", "options"),
    [
        ("fisher_jenks", "FisherJenks", {"k": 5}),
        ("natural_breaks", "FisherJenks", {"k": 5}),
        ("quantiles", "Quantiles", {"k": 5}),
        ("equal_interval", "EqualInterval", {"k": 5}),
        ("head_tail", "HeadTailBreaks", {}),
    ],
)
def test_breaks_are_those_of_mapclassify_as_shown(scheme, name, options):
    bins = getattr(mapclassify, name)(SKEWED, **options).bins[:-1]
    found = classify(SKEWED, MapStyle(scheme=scheme, digits=6))
    np.testing.assert_allclose(found.breaks, bins, atol=2e-6)
    expected = np.searchsorted(bins, SKEWED, side="left")
    assert (found.codes(SKEWED) == expected).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_colours_every_value(scheme):
    found = classify(SKEWED, MapStyle(scheme=scheme))
    codes = found.codes(SKEWED)
    assert codes.min() == 0
    assert codes.max() == len(found.colors) - 1
    assert all(re.fullmatch("#[0-9a-f]{6}", c) for c in found.colors)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "values", [[3.0, 3.0], [0.0], [1.0, 2.0], [0, 0, 0, 0, 0, 1, 5], [-2.5, 2.5]]
)
def test_few_values_give_few_classes(scheme, values):
    values = np.array(values, dtype=float)
    found = classify(values, MapStyle(scheme=scheme))
    assert len(found.colors) <= len(np.unique(values))
    assert found.codes(values).min() >= 0


def spread_within(values, breaks):
    classes = np.searchsorted(breaks, values)
    return sum(values[classes == c].var() * (classes == c).sum() for c in set(classes))


def test_many_values_are_cut_nearly_as_well_as_can_be():
    values = np.random.default_rng(1).gamma(2.0, size=4000)
    best = spread_within(values, mapclassify.FisherJenks(values, k=5).bins[:-1])
    found = classify(values, MapStyle(digits=6))
    assert best <= spread_within(values, found.breaks) < 1.01 * best
    assert found == classify(values, MapStyle(digits=6))


@given(some_values, st.integers(2, 9), st.booleans())
def test_classes_keep_the_order_of_the_values(values, classes, diverging):
    style = MapStyle(classes=classes, diverging=diverging)
    found = classify(values, style)
    order = np.argsort(values)
    assert (np.diff(found.codes(values)[order].astype(int)) >= 0).all()
    assert list(found.breaks) == sorted(set(found.breaks))
    assert len(found.colors) == len(found.breaks) + 1 <= classes


@given(some_values, st.integers(2, 9))
def test_diverging_breaks_are_symmetric_about_zero(values, classes):
    breaks = classify(values, MapStyle(classes=classes, diverging=True)).breaks
    assert breaks == tuple(-b + 0.0 for b in reversed(breaks))


def test_diverging_classes_are_even_or_have_a_middle():
    even = classify(EFFECTS, MapStyle(classes=6, diverging=True))
    odd = classify(EFFECTS, MapStyle(classes=5, diverging=True))
    assert 0.0 in even.breaks
    assert 0.0 not in odd.breaks
    assert (len(even.colors), len(odd.colors)) == (6, 5)
    assert odd.colors[2] == "#f7f7f7"


def test_missing_values_have_no_class_and_periods_share_breaks():
    values = np.array([[1.0, np.nan, 9.0], [2.0, 8.0, np.nan]])
    found = classify(values, MapStyle(classes=2))
    assert found.codes(values).tolist() == [[0, -1, 1], [0, 1, -1]]
    assert (found.low, found.high) == (1.0, 9.0)


def test_own_breaks_count_upwards_from_each_break():
    style = MapStyle(breaks=(10, 20))
    values = np.array([9.99, 10.0, 19.99, 20.0])
    found = classify(values, style)
    assert found.codes(values).tolist() == [0, 1, 1, 2]
    assert (found.break_digits, found.digits) == (0, 1)


def test_the_roundest_cut_parts_the_same_values():
    values = np.array([0.0, 0, 0, 0, 1, 1, 2, 7, 8, 9])
    found = classify(values, MapStyle(classes=3))
    assert found.breaks == (3.0,) or all(float(b).is_integer() for b in found.breaks)
    bins = mapclassify.FisherJenks(values, k=3).bins[:-1]
    assert (found.codes(values) == np.searchsorted(bins, values)).all()


def test_large_breaks_are_rounded_to_three_figures():
    values = np.random.default_rng(4).lognormal(11, 1.2, size=2000).round()
    found = classify(values, MapStyle(scheme="quantiles"))
    assert all(len(f"{b:.0f}".rstrip("0")) <= 3 for b in found.breaks)
    assert found.open_ended
    exact = mapclassify.Quantiles(values, k=5).bins[:-1]
    np.testing.assert_allclose(found.breaks, exact, rtol=0.01)


def test_large_breaks_close_together_stay_apart():
    found = classify(np.arange(10_001.0, 10_031.0), MapStyle(scheme="quantiles"))
    assert len(found.breaks) == 4
    assert not found.open_ended


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [(1.5, 80.8, 1), (0.011, 0.91, 3), (8000.5, 60000.2, 0), (1, 90, 0)],
)
def test_digits_follow_the_range(low, high, digits):
    values = np.linspace(low, high, 90)
    values = np.round(values) if float(low).is_integer() else values
    assert classify(values, MapStyle(scheme="equal_interval")).digits == digits


@pytest.mark.parametrize("name", [*SEQUENTIAL, *DIVERGING])
def test_every_palette_has_nine_different_colours_and_turns_round(name):
    nine = MapStyle(breaks=tuple(range(8)), palette=name)
    values = np.arange(-1.0, 9.0)
    colors = classify(values, nine).colors
    turned = classify(values, MapStyle(breaks=nine.breaks, palette=f"{name}_r")).colors
    assert len(set(colors)) == 9
    assert turned == colors[::-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "quantile"}, r"scheme must be one of .*Did you mean 'quantiles'"),
        ({"classes": 1}, "classes must be from 2 to 9; got 1"),
        ({"classes": 10}, "classes must be from 2 to 9; got 10"),
        ({"classes": 5.0}, "classes must be a whole number; got 5.0"),
        ({"classes": True}, "classes must be a whole number; got True"),
        ({"digits": -1}, "digits must be from 0 to 8; got -1"),
        ({"alpha": 5}, "alpha must be between 0 and 1; got 5"),
        ({"palette": "jet"}, "palette must be one of 'YlGnBu'"),
        ({"palette": "Blues", "diverging": True}, "palette must be one of 'RdBu'"),
        ({"breaks": (3, 2)}, r"breaks must be finite and increase; got \(3, 2\)"),
        ({"breaks": (1, 1)}, "breaks must be finite and increase"),
        ({"breaks": (1, np.inf)}, "breaks must be finite and increase"),
        ({"breaks": ()}, "breaks must be 1 to 8 numbers"),
        ({"breaks": tuple(range(9))}, "breaks must be 1 to 8 numbers"),
        ({"breaks": ("a",)}, "breaks must be numbers"),
        ({"breaks": (-1, 2), "diverging": True}, "must be symmetric about zero"),
    ],
)
def test_bad_styles_say_the_rule(options, message):
    with pytest.raises(InputError, match=message):
        MapStyle(**options)

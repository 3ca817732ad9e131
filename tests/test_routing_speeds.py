"""What tags say of speed, direction and access."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.errors import InputError
from geopoverty.routing.speeds import CLASS_KMH, SpeedProfile, unread
from geopoverty.routing.tags import crossing_minutes, directions, open_to_cars

MPH = 1.609344


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50),
        ("50 km/h", 50),
        ("50kph", 50),
        ("7.5", 7.5),
        ("30 mph", 30 * MPH),
        ("30mph", 30 * MPH),
        ("10 knots", 18.52),
        ("walk", 5),
        ("none", 120),
        ("RO:urban", 50),
        ("ro:URBAN", 50),
        ("RO:rural", 90),
        ("RU:urban", 60),
        ("DE:motorway", 120),
        ("GB:nsl_single", 60 * MPH),
        ("BE-VLG:rural", 70),
        ("BE-WAL:rural", 90),
        ("UK:motorway", 70 * MPH),
        ("XX:rural", 90),  # a country that is not listed
        ("DE:zone:30", 30),
        ("DE:zone30", 30),
        ("CH:zone:20", 20),
        ("50;30", 30),
        ("80 | 60", 60),
        ("50; signals", 50),
        ("signals", np.nan),
        ("variable", np.nan),
        ("", np.nan),
        ("0", np.nan),
        ("999", np.nan),
        ("-50", np.nan),
        ("fifty", np.nan),
        (None, np.nan),
        (np.nan, np.nan),
    ],
)
def test_maxspeed_as_mappers_write_it(text, kmh):
    np.testing.assert_allclose(SpeedProfile().read([text]), [kmh])


def test_a_country_says_what_urban_means_and_a_word_can_be_set_anew():
    assert SpeedProfile().read(["rural"]).tolist() == [90]
    assert SpeedProfile(country="CH").read(["rural"]).tolist() == [80]
    own = SpeedProfile(country="CH", implied={"CH:rural": 70, "RO:urban": 45})
    assert own.read(["rural", "CH:rural", "RO:urban"]).tolist() == [70, 70, 45]


@LAW
@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=9))
def test_any_text_gives_a_speed_or_none(words):
    speeds = SpeedProfile(country="RO").read(words)
    assert len(speeds) == len(words)
    assert (np.isnan(speeds) | ((speeds > 0) & (speeds <= 160))).all()


def test_values_that_cannot_be_read_are_named_and_known_words_are_not():
    said = pd.Series(["fast", None, "50", "signals", "fast", "slow"], dtype=object)
    assert unread(said, SpeedProfile().read(said)) == "fast, slow"


def test_only_listed_classes_are_driven():
    profile = SpeedProfile(by_class={**CLASS_KMH, "track": 12})
    np.testing.assert_array_equal(
        profile.of_class(["track", "service", None, "motorway"]),
        [12, np.nan, np.nan, 100],
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by_class": {}}, "at least one class"),
        (
            {"by_class": {"primary": 0.0, "trunk": 80.0}},
            r"Speeds in by_class must be above 0 and at most 160 km/h; 1 of 2 speeds "
            r"break this \(primary\)",
        ),
        ({"by_class": {"primary": np.nan}}, "Speeds in by_class"),
        ({"implied": {"RO:urban": -5.0}}, "Speeds in implied"),
        ({"factor": 0.0}, r"0\.8 means that cars drive at 80 %"),
        ({"factor": np.nan}, "factor must be above 0"),
        ({"factor": 80}, "factor must be above 0 and at most 2"),
        ({"country": "Romania"}, "two capital letters such as 'RO'; got 'Romania'"),
    ],
)
def test_profiles_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        SpeedProfile(**options)


def tags(**columns):
    return pd.DataFrame({k: pd.Series([v], dtype=object) for k, v in columns.items()})


@pytest.mark.parametrize(
    ("said", "along", "against"),
    [
        ({"highway": "primary"}, True, True),
        ({"highway": "primary", "oneway": "yes"}, True, False),
        ({"highway": "primary", "oneway": "1"}, True, False),
        ({"highway": "primary", "oneway": "true"}, True, False),
        ({"highway": "primary", "oneway": "-1"}, False, True),
        ({"highway": "primary", "oneway": "reverse"}, False, True),
        ({"highway": "primary", "oneway": "no"}, True, True),
        ({"highway": "primary", "oneway": "reversible"}, True, True),
        ({"highway": "motorway"}, True, False),
        ({"highway": "motorway", "oneway": "no"}, True, True),
        ({"highway": "motorway", "oneway": "-1"}, False, True),
        ({"highway": "motorway_link"}, True, True),
        ({"highway": "residential", "junction": "roundabout"}, True, False),
        ({"highway": "residential", "junction": "circular"}, True, False),
        (
            {"highway": "residential", "junction": "roundabout", "oneway": "-1"},
            False,
            True,
        ),
        ({"highway": "residential", "junction": "jughandle"}, True, True),
    ],
)
def test_directions(said, along, against):
    forward, back = directions(tags(**said))
    assert (forward[0], back[0]) == (along, against)


@pytest.mark.parametrize(
    ("said", "open_"),
    [
        ({"highway": "primary"}, True),
        ({"access": "no"}, False),
        ({"access": "private"}, False),
        ({"access": "permit"}, False),
        ({"access": "agricultural;forestry"}, False),
        ({"access": "private;destination"}, True),
        ({"access": "destination"}, True),
        ({"access": "permissive"}, True),
        ({"access": "no", "motor_vehicle": "yes"}, True),
        ({"access": "yes", "motor_vehicle": "no"}, False),
        ({"vehicle": "no", "motorcar": "designated"}, True),
        ({"motor_vehicle": "yes", "motorcar": "no"}, False),
        ({"area": "yes"}, False),
    ],
)
def test_access_by_the_most_specific_tag(said, open_):
    assert open_to_cars(tags(**said)).tolist() == [open_]


def test_crossings():
    said = pd.Series(["00:20", "1:00:30", "25", "PT45M", None, "soon", "0", "PT"])
    np.testing.assert_allclose(
        crossing_minutes(said),
        [20, 60.5, 25, 45, np.nan, np.nan, np.nan, np.nan],
    )

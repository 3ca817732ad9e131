"""Files that are written otherwise, or that are not what they seem."""

import re

import numpy as np
import pandas as pd
import pytest
from builders import times

from geopoverty.data.catalog import coquimbo_travel_times
from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import GeoPovertyWarning, InputError

HEAD = "from_id,to_id,travel_time\n"


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def csv(folder, text):
    path = folder / "times.csv"
    path.write_text(text)
    return path


# --- other ways to write the same ------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet", None])
@pytest.mark.parametrize("reach", [{}, {"cutoff": 90.0}], ids=str)
def test_other_names_of_columns_and_units(tmp_path, suffix, reach):
    whole = times(6, seed=2)
    frame = whole.to_frame().set_axis(["o", "d", "s"], axis=1)
    frame["s"] *= 60
    frame.loc[3, "s"] = 9999.0
    frame["more"] = "text"
    source = frame
    if suffix is not None:
        source = tmp_path / f"t.{suffix}"
        frame.to_csv(source, index=False) if suffix == "csv" else frame.to_parquet(
            source
        )
    options = TravelFormat(
        columns=("o", "d", "s"), unit="seconds", unreachable=(9999.0,)
    )
    found = read_travel_times(source, options=options, **reach).to_frame()
    expected = whole.to_frame().drop(index=3)
    if reach:
        expected = expected[expected["travel_time"] <= reach["cutoff"]]
    np.testing.assert_allclose(
        found["travel_time"], expected["travel_time"], rtol=1e-15
    )
    assert found["to_id"].tolist() == expected["to_id"].tolist()


@pytest.mark.parametrize("reach", [{}, {"cutoff": 90.0}], ids=str)
def test_semicolons_and_decimal_commas(tmp_path, reach):
    text = "from_id;to_id;travel_time\n01;2;30,5\n2;01;35,25\n"
    options = TravelFormat(separator=";", decimal=",")
    found = read_travel_times(csv(tmp_path, text), options=options, **reach)
    assert sorted(found.minutes()) == [30.5, 35.25]
    wide = csv(tmp_path, "u;01;2\n01;0;30,5\n2;35,25;0\n")
    assert sorted(read_travel_times(wide, options=options, **reach).minutes()) == [
        30.5,
        35.25,
    ]


def test_hours_become_minutes():
    frame = times(4, seed=1).to_frame()
    found = read_travel_times(frame, options=TravelFormat(unit="hours"))
    np.testing.assert_array_equal(
        found.to_frame()["travel_time"], frame["travel_time"] * 60
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"unit": "min"},
            "unit must be one of 'minutes', 'seconds', 'hours'; got 'min",
        ),
        ({"columns": ("a", "b", "a")}, "columns must name three different columns: or"),
        ({"columns": "abc"}, "columns must name three different columns"),
        (
            {"separator": ",", "decimal": ","},
            "one character, other than decimal; got ','",
        ),
        ({"separator": ";;"}, "separator must be one character"),
        ({"decimal": ";"}, "decimal must be one of '.', ','; got ';'"),
    ],
)
def test_options_check_themselves(options, text):
    with refused(text):
        TravelFormat(**options)


# --- files that say something else than it seems ---------------------------------


def test_decimal_commas_are_told_from_other_text(tmp_path):
    with refused("Expected 3 columns, got 4"):  # pyarrow's words, with or without a row
        read_travel_times(csv(tmp_path, HEAD + "a,b,30,5\nb,a,35,25\n"))
    with refused("decimal commas (30,5) need another separator, such as ';'."):
        read_travel_times(csv(tmp_path, HEAD + "a,b,30,5\nb,a,35,25\n"))
    quoted = csv(tmp_path, HEAD + 'a,b,"30,5"\nb,a,"35,25"\n')
    with refused("seem to have decimal commas: options=TravelFormat(decimal=',')"):
        read_travel_times(quoted)
    wide = csv(tmp_path, 'u,a,b\na,0,"30,5"\nb,"35,25",0\n')
    with refused("look like decimal commas (30,5): read the file with options=TravelF"):
        read_travel_times(wide)
    frame = pd.DataFrame(
        [("a", "b", "30,5"), ("b", "a", "35,25")],
        columns=["from_id", "to_id", "travel_time"],
    )
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (frame, tmp_path / "t.parquet"):
        with refused("2 of 2 rows break this (0, 1). They look like decimal commas"):
            read_travel_times(source)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_separator_is_recognised(tmp_path, mark):
    text = HEAD.replace(",", mark) + mark.join("ab3") + "\n"
    with refused(f"seem to be separated by {mark!r}. Say so: options=TravelFormat("):
        read_travel_times(csv(tmp_path, text))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_and_columns_of_a_wide_table_must_be_the_same_units(tmp_path, suffix):
    frame = pd.DataFrame(
        {"u": ["a", "b", "c"], "a": [0.0, 3, 4], "b": [3.0, 0, 5], "c": [3.0, 4, 0]}
    )
    path = tmp_path / f"t.{suffix}"
    for wide, text in [
        (
            frame.drop(columns="c"),
            "same units; 1 only in the rows (c). Give every unit",
        ),
        (frame.iloc[:2], "same units; 1 only in the columns of a wide table (c). Give"),
        (
            frame.rename(columns={"c": "x"}).assign(y=1.0),
            "same units; 1 only in the rows (c); 2 only in the columns of a wide table "
            "(x, y)",
        ),
    ]:
        wide.to_csv(path, index=False) if suffix == "csv" else wide.to_parquet(path)
        with refused(text):
            read_travel_times(path)


@pytest.mark.parametrize("reach", [{}, {"cutoff": 90.0}], ids=str)
def test_ids_read_as_numbers_are_refused(tmp_path, reach):
    frame = pd.DataFrame(
        {"from_id": [1001, 1003], "to_id": [1003, 1001], "travel_time": [30.0, 40.0]}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (frame, tmp_path / "t.parquet"):
        with refused("unit ids must be text; these are integer (1001, 1003), so lead"):
            read_travel_times(source, **reach)


@pytest.mark.parametrize("reach", [{}, {"cutoff": 90.0}, {"nearest": 1}], ids=str)
@pytest.mark.parametrize("content", [b"", b"\n\n", b"PK\x03\x04\x00\xff" * 50])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "omx"])
def test_empty_files_and_files_of_another_kind_are_refused(
    tmp_path, suffix, content, reach
):
    path = tmp_path / f"t.{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"t\.(csv|parquet|omx)'"):
        read_travel_times(path, **reach)


def test_a_parquet_file_named_csv_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    times(4).to_frame().to_parquet(path)
    with refused("cannot be read ("):
        read_travel_times(path)


@pytest.mark.parametrize("reach", [{"cutoff": 90.0}, {"nearest": 1}], ids=str)
def test_a_table_without_rows_has_no_pair(tmp_path, reach):
    with refused("need at least one pair of different units; there is none"):
        read_travel_times(csv(tmp_path, HEAD), **reach)


# --- two units of time in one table ----------------------------------------------


def mixed(change):
    """Return real minutes of which some were put into seconds."""
    given = coquimbo_travel_times()
    matrix = np.array(given.matrix)
    change(matrix)
    frame = pd.DataFrame(matrix, columns=given.units)
    frame.insert(0, "unit", given.units)
    return frame


def test_seconds_from_some_units_are_noticed():
    def rows(matrix):
        matrix[5:20] *= 60

    with pytest.warns(
        GeoPovertyWarning, match="take about 60 times as long one way as"
    ):
        read_travel_times(mixed(rows))


def test_seconds_in_one_direction_are_noticed_among_few_pairs():
    def some(matrix):
        matrix[::9, 40:] *= 60

    with pytest.warns(
        GeoPovertyWarning, match="minutes and seconds in one table. Conve"
    ):
        read_travel_times(mixed(some))


def test_units_that_are_far_from_everybody_are_noticed():
    def region(matrix):
        matrix[:12] *= 60
        matrix[12:, :12] *= 60

    with pytest.warns(
        GeoPovertyWarning,
        match="The typical trip from 12 of 133 units .* is about .* times longer than",
    ):
        read_travel_times(mixed(region))


@pytest.mark.parametrize("seed", range(4))
def test_honest_times_raise_no_suspicion(seed):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 900, size=(150, 2))
    places[:4] += 3000.0  # islands, far away
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    matrix = apart * rng.uniform(0.8, 2.0, size=apart.shape) + 3.0
    names = [f"{i:03d}" for i in range(150)]
    frame = pd.DataFrame(matrix, columns=names)
    frame.insert(0, "unit", names)
    read_travel_times(frame)
    read_travel_times(coquimbo_travel_times().to_frame())

"""``geopoverty travel-times``, as a user of the shell sees it."""

import re

import numpy as np
import pytest
from builders import minutes, towns

from geopoverty.cli import main
from geopoverty.data.travel import TravelTimes, model_travel_times
from geopoverty.data.travel_files import read_travel_times
from geopoverty.data.travel_write import write_travel_times

NAMES = ["north", "south", "east", "west"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with routed times (one pair missing), and places."""
    monkeypatch.chdir(tmp_path)
    matrix = minutes(4, seed=3) + 20
    np.fill_diagonal(matrix, 0)
    matrix[2, 1] = np.nan
    matrix[0, 2] = 400.0
    times = TravelTimes(NAMES, matrix, "routed", ("Roads of 2020.",))
    write_travel_times(times, "roads.csv")
    places = towns((0, 0), (0, -0.4), (0.4, 0), (-0.4, 0), names=NAMES)
    places.rename_axis("unit_id").to_file("towns.gpkg", engine="pyogrio", index=True)
    return tmp_path


def run(capsys, *words):
    status = main(["travel-times", *map(str, words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_file_is_reported_in_plain_words(folder, capsys):
    assert folder.is_dir()
    status, out, err = run(capsys, "roads.csv", "--worst", 1)
    assert (status, err) == (0, "")
    assert "roads.csv: 4 units, routed; 11 pairs known (92 %)." in out
    assert re.search(
        r"Half of the trips take up to [\d.]+ minutes, the longest 400", out
    )
    assert "Of 5 pairs known both ways," in out
    assert "1 pairs are known one way only." in out
    assert re.search(r"north to east: 400.0 minutes, by way of \w+ [\d.]+\n", out)
    assert "Note: Roads of 2020." in out
    assert "nan" not in out


def test_a_file_is_converted_and_keeps_what_it_says(folder, capsys):
    for name, more in [
        ("a.omx", ()),
        ("a.parquet", ("--shape", "wide")),
        ("b.csv", ()),
    ]:
        status, out, _ = run(capsys, "roads.csv", "--out", name, *more)
        assert status == 0
        assert f"Wrote {name}." in out
        found = read_travel_times(folder / name)
        assert (found.status, found.notes) == ("routed", ("Roads of 2020.",))
        np.testing.assert_array_equal(
            found.minutes(), read_travel_times("roads.csv").minutes()
        )


def test_times_are_compared_with_a_file_and_with_a_model(folder, capsys):
    given = read_travel_times(folder / "roads.csv")
    other = TravelTimes(given.units, given.matrix * 2, "measured")
    write_travel_times(other, "other.parquet")
    status, out, _ = run(capsys, "roads.csv", "--compare", "other.parquet")
    assert status == 0
    assert "Against other.parquet (measured), over 11 pairs known in both:" in out
    assert "a typical trip takes 0.50 times as long" in out
    status, out, _ = run(
        capsys, "roads.csv", "--compare", "model", "--model", "50,1.3",
        "--places", "towns.gpkg",
    )  # fmt: skip
    assert status == 0
    assert "Against the model (modelled), over 11 pairs" in out
    assert "Known here alone: 0 pairs; there alone: 1." in out


def test_missing_pairs_are_filled_only_if_asked(folder, capsys):
    status, out, _ = run(
        capsys, "roads.csv", "--fill", "reverse", "--out", "full.parquet"
    )
    assert status == 0
    assert "12 pairs known (100 %); 1 of them filled by a rule." in out
    assert "1 of 12 pairs were missing and were filled: as long as the way back" in out
    assert read_travel_times(folder / "full.parquet").filled.nnz == 1
    for rule, more in [
        ("detour", ()),
        ("model", ("--model", "50,1.3", "--places", "towns.gpkg")),
    ]:
        status, out, _ = run(capsys, "roads.csv", "--fill", rule, *more)
        assert status == 0
        assert "1 of them filled by a rule" in out


def test_times_are_modelled_between_places(folder, capsys):
    status, out, _ = run(
        capsys, "--places", "towns.gpkg", "--model", "60,1.2", "--out", "m.csv"
    )
    assert status == 0
    assert "towns.gpkg by straight lines: 4 units, modelled; 12 pairs" in out
    assert "No trip is beaten by a way through a third place." in out
    places = towns((0, 0), (0, -0.4), (0.4, 0), (-0.4, 0), names=NAMES)
    model = model_travel_times(places, speed_kmh=60, circuity=1.2)
    found = read_travel_times(folder / "m.csv", units=NAMES)
    np.testing.assert_allclose(found.minutes(), model.minutes(), rtol=1e-12)


def test_times_are_routed_over_a_network(folder, capsys, monkeypatch):
    asked = {}

    def route(places, *, network, cutoff):
        asked.update(places=list(places.index), network=network, cutoff=cutoff)
        return TravelTimes(places.index, minutes(4), "routed")

    monkeypatch.setattr("geopoverty.routing.route_travel_times", route, raising=False)
    status, out, _ = run(capsys, "--places", "towns.gpkg", "--network", "roads.osm.pbf")
    assert status == 0
    assert asked == {"places": NAMES, "network": "roads.osm.pbf", "cutoff": None}
    assert "towns.gpkg over roads.osm.pbf: 4 units, routed" in out
    assert folder.is_dir()


def test_a_cut_file_is_described_but_not_judged(folder, capsys):
    status, out, _ = run(capsys, "roads.csv", "--cutoff", 35, "--out", "near.csv")
    assert status == 0
    assert "Note: Only pairs within 35 minutes are held" in out
    assert read_travel_times(folder / "near.csv").within.cutoff == 35
    status, _, err = run(capsys, "near.csv", "--compare", "roads.csv")
    assert status == 2
    assert "A comparison needs all pairs" in err


def test_files_that_are_written_otherwise(folder, capsys):
    (folder / "o.csv").write_text("o;d;s\na;b;1830,0\nb;a;0\nb;c;1200\n")
    status, out, _ = run(
        capsys, "o.csv", "--columns", "o,d,s", "--unit", "seconds", "--unreachable",
        "0,9999", "--separator", ";", "--decimal", ",", "--status", "routed",
    )  # fmt: skip
    assert status == 0
    assert "o.csv: 3 units, routed; 2 pairs known (33 %)." in out
    assert "the longest 30.5 minutes" in out
    assert "No pair is known both ways." in out
    assert "units have no way out" in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "Name a file with travel times, or make them: --places FILE with --netw"),
        (("none.csv",), "There is no file 'none.csv'. Check the path."),
        (
            ("roads.csv", "--network", "x.pbf"),
            "read from a file or made over a network",
        ),
        (("--network", "x.pbf"), "--network needs the places: --places FILE."),
        (("--model", "60,1.3"), "--model needs the places: --places FILE."),
        (("--places", "towns.gpkg", "--model", "60"), "--model needs two numbers, as"),
        (("--places", "towns.gpkg", "--model", "x,1"), "--model must be numbers with"),
        (("roads.csv", "--compare", "model"), "A model needs --model SPEED,CIRCUITY"),
        (("roads.csv", "--compare", "none.csv"), "There is no file 'none.csv'"),
        (
            ("roads.csv", "--fill", "revers"),
            "--fill must be one of 'reverse', 'detour'",
        ),
        (("roads.csv", "--fill", "model"), "A model needs --model SPEED,CIRCUITY"),
        (
            ("roads.csv", "--unreachable", "no"),
            "--unreachable must be numbers with comm",
        ),
        (
            ("roads.csv", "--columns", "a,b"),
            "columns must name three different columns",
        ),
        (("roads.csv", "--out", "no/x.csv"), "The output folder must exist"),
        (("roads.csv", "--out", "x.xls"), "written to .csv, .parquet or .omx; 'x.xls'"),
        (("roads.csv", "--worst", "0"), "worst must be a whole number from 1"),
        (("roads.csv", "--cutoff", "-1"), "cutoff must be minutes above 0; got -1"),
        (
            ("--places", "none.gpkg", "--model", "60,1.3"),
            "There is no file 'none.gpkg'",
        ),
    ],
)
def test_what_the_user_can_put_right_is_one_line_and_status_2(
    folder, capsys, words, text
):
    assert folder.is_dir()
    status, out, err = run(capsys, *words)
    assert status == 2
    assert out == "" or "--compare" in words
    assert err.startswith("geopoverty: ")
    assert text in err
    assert "Traceback" not in err


def test_warnings_are_lines_of_their_own(folder, capsys):
    given = read_travel_times(folder / "roads.csv")
    TravelTimes(given.units, given.matrix, "routed").to_frame().assign(
        travel_time=lambda t: t["travel_time"] / 60
    ).to_csv(folder / "hours.csv", index=False)
    status, _, err = run(capsys, "hours.csv")
    assert status == 0
    assert err.startswith("geopoverty: Travel times must be in minutes;")
    assert "looks like hours" in err


def test_help_says_what_it_is_for(capsys):
    with pytest.raises(SystemExit) as done:
        main(["travel-times", "--help"])
    assert done.value.code == 0
    assert "Nothing is filled unless --fill asks for it." in capsys.readouterr().out

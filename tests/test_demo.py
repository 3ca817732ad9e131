"""The main job, from the bundled data to one file."""

import subprocess
import sys

import numpy as np
import pytest

import geopoverty as gp
from geopoverty import cli
from geopoverty.demo import build_atlas, estimate, exit_table


@pytest.fixture(scope="module")
def found():
    return estimate()


def test_density_lowers_poverty_and_raises_income(found):
    for result in found.logits.values():
        tidy = result.tidy().set_index("term")
        assert tidy.loc["log2_density", "conf_high"] < 0
        assert result.facts["n_obs"] == 2158
    income = found.income.tidy().set_index("term")
    assert income.loc["W(log2_density)", "conf_low"] > 0
    exits = found.exits.tidy().set_index("term")
    assert exits.loc["log2_population_density", "conf_low"] > 0


def test_counts_of_exits_are_those_of_the_panel(found):
    table = exit_table(found.table)
    counts = table.groupby(["years", "left"]).size().to_dict()
    assert counts == {(10, 1): 1533, (20, 1): 617, (30, 1): 76, (30, 0): 284}
    assert len(table) == 2510


def test_every_result_says_that_travel_times_are_modelled(found):
    for result in (*found.logits.values(), found.income, found.exits):
        assert any("modelled, not measured" in note for note in result.notes)
        statuses = {source["status"] for source in result.provenance["data"]}
        assert statuses == {"measured", "modelled"}


def test_no_county_is_without_a_neighbour(found):
    assert len(found.weights.islands) == 0
    for result in found.logits.values():
        assert result.units["indirect(log2_density)"].ne(0).all()
        assert np.isfinite(result.units.select_dtypes("number")).all().all()


def test_one_file_within_three_megabytes(found, tmp_path):
    path = build_atlas(found).save(tmp_path / "atlas.html")
    assert path.stat().st_size <= 3_000_000
    text = path.read_text(encoding="utf-8")
    for word in ("Lake of the Woods", "ODbL", "modelled"):
        assert (word in text) == (word != "ODbL")
    assert [p.name for p in tmp_path.iterdir()] == ["atlas.html"]


def test_the_shell_command_writes_the_atlas(tmp_path):
    out = tmp_path / "counties.html"
    done = subprocess.run(
        [sys.executable, "-m", "geopoverty", "demo", "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no bar is drawn when output is no terminal
    assert done.stdout.startswith(f"Wrote {out} (")
    assert out.stat().st_size <= 3_000_000


def test_a_missing_folder_is_said_before_any_work(tmp_path, capsys):
    out = tmp_path / "nowhere" / "atlas.html"
    assert cli.main(["demo", "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert "The output folder must exist" in said.err
    assert said.out == ""


def test_no_command_prints_help(capsys):
    assert cli.main([]) == 0
    assert "demo" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == f"geopoverty {gp.__version__}"


def test_public_names_exist():
    for name in gp.__all__:
        assert getattr(gp, name).__doc__, name

"""What the README shows, it does."""

import re
from pathlib import Path

import pytest

import geopoverty as gp

ROOT = Path(__file__).parents[1]


def test_the_ten_lines_run_and_are_ten(tmp_path, monkeypatch):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)[0]
    assert len(first.splitlines()) == 10
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(first, "README.md", "exec"), names)
    assert (tmp_path / "atlas.html").stat().st_size < 3_000_000
    effects = names["poor"].tables["effects"].set_index(["term", "effect"])
    assert effects.loc[("log2(income_per_km2)", "direct"), "conf_high"] < 0
    assert "W(log2(income_per_km2))" in names["income"].estimates


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md", "docs/data.md"])
def test_names_in_code_spans_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    called = set(re.findall(r"`([a-z_]+)\(\)`", text))
    for function in called:
        assert hasattr(gp.datasets, function) or hasattr(gp, function), function

"""Where numbers come from: the same for the same data, different for different."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import geopoverty
from geopoverty.provenance import provenance, sources_of


def digest(*arrays):
    return provenance("y ~ x", {}, arrays, [])["data_hash"]


@pytest.mark.parametrize(
    "change",
    [
        [[1.0, 2.0, 3.0 + 1e-15]],
        [[1.0, 3.0, 2.0]],
        [[1.0, 2.0], [3.0]],
        [[1.0], [2.0, 3.0]],
        [[1, 2, 3]],
        [[[1.0], [2.0], [3.0]]],
        [],
    ],
    ids=["value", "order", "split", "split2", "type", "shape", "none"],
)
def test_any_change_of_the_data_changes_the_hash(change):
    assert digest(*map(np.array, change)) != digest(np.array([1.0, 2.0, 3.0]))


def test_equal_data_has_one_hash_however_it_is_held():
    base = np.arange(12.0).reshape(3, 4)
    assert digest(base[:, ::2]) == digest(base[:, ::2].copy())
    assert digest(np.asfortranarray(base)) == digest(base)


def test_texts_and_dates_are_hashed_by_value():
    texts = np.array(["a b", "b c"], dtype=object)
    again = np.array([" ".join("ab"), " ".join("bc")], dtype=object)
    assert texts[0] is not again[0]
    assert digest(texts) == digest(again) != digest(texts[::-1])
    days = np.array(["2020-01-01", "NaT"], dtype="datetime64[D]")
    assert digest(days) == digest(days.copy()) != digest(days[::-1])
    assert digest(np.array([True, False])) != digest(np.array([False, True]))


def test_sources_are_kept_once_in_order_with_their_status():
    table = pd.DataFrame({"x": [1]})
    table.attrs = {"title": "Panel", "status": "measured", "licence": "MIT", "z": 1}
    times = SimpleNamespace(attrs={"title": "Minutes", "status": "?"}, status="routed")
    given = sources_of(table, None, times, table, pd.DataFrame())
    assert provenance("y", {}, [], given)["data"] == [
        {"title": "Panel", "status": "measured", "licence": "MIT"},
        {"title": "Minutes", "status": "routed"},
    ]


def test_options_become_plain_and_short():
    options = {"vcov": "hc1", "n": 3, "share": 0.5, "no": None, "yes": True,
               "seq": ("a", 1), "frame": pd.DataFrame({"x": range(5)}),
               "long": list(range(500))}  # fmt: skip
    kept = provenance("y", options, [], [])["options"]
    assert {k: kept[k] for k in ("vcov", "n", "share", "no", "yes")} == {
        "vcov": "hc1", "n": 3, "share": 0.5, "no": None, "yes": True,
    }  # fmt: skip
    assert kept["seq"] == "('a', 1)"
    assert all(len(str(v)) <= 200 and "\n" not in str(v) for v in kept.values())
    assert json.loads(json.dumps(kept)) == kept


def test_versions_name_the_packages_that_did_the_work():
    found = provenance("y", {}, [], [], packages=("lifelines",))
    assert list(found) == ["formula", "options", "data_hash", "data", "versions"]
    assert set(found["versions"]) == {
        "python", "geopoverty", "numpy", "scipy", "pandas", "lifelines",
    }  # fmt: skip
    assert found["versions"]["geopoverty"] == geopoverty.__version__


def test_a_column_called_status_is_no_status():
    table = pd.DataFrame({"status": ["poor", "rich"]})
    table.attrs["status"] = "simulated"
    assert sources_of(table) == [{"status": "simulated"}]

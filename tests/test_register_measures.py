"""Poverty indices on registers: the numbers of the table in memory."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import pytest
from register_cases import assert_same, homes, in_parts, shipped

from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.measures import (
    Relative,
    Survey,
    fgt,
    gini,
    headcount,
    poverty_line,
    sen,
    watts,
)
from geopoverty.measures.register_asked import asked_for, look
from geopoverty.registers import Register, quantiles, read_register
from geopoverty.registers.joined import codes_in


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    table = homes()
    table.loc[::83, "income"] = np.nan
    table.loc[table["unit_id"] == "u07", "income"] = np.nan
    table.loc[5, "income"] = 2.5
    table.loc[table["unit_id"] == "u08", "income"] = 0.5
    return table


@pytest.fixture(scope="module")
def register(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Register:
    return read_register(in_parts(table, tmp_path_factory.mktemp("homes")))


def options(source: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Return options with the columns of a table or register."""
    out = {k: v for k, v in asked.items() if k not in ("weight", "by", "survey")}
    line = out["poverty_line"]
    if isinstance(line, dict):
        out["poverty_line"] = {
            k: source[v] if isinstance(v, str) else v for k, v in line.items()
        }
    for name in ("weight", "by"):
        if name in asked:
            out[name] = source[asked[name]]
    if "survey" in asked:
        out["survey"] = Survey(**{k: source[v] for k, v in asked["survey"].items()})
    return out


DRAWN = {"strata": "stratum", "cluster": "village"}
CASES = {
    "rows": (headcount, {"poverty_line": 2.5}),
    "weights": (fgt, {"poverty_line": 2.5, "weight": "weight"}),
    "units": (fgt, {"poverty_line": 2.5, "by": "unit_id"}),
    "strata": (
        fgt,
        {
            "poverty_line": 2.5,
            "weight": "weight",
            "by": "year",
            "survey": {"strata": "stratum"},
        },
    ),
    "clusters": (
        fgt,
        {
            "poverty_line": {"low": 2.0, "own": "line"},
            "alpha": [0, 0.5, 1],
            "weight": "weight",
            "by": ["sex", "year"],
            "survey": {"cluster": "village"},
        },
    ),
    "strata and clusters": (
        fgt,
        {"poverty_line": 2.5, "weight": "weight", "by": "unit_id", "survey": DRAWN},
    ),
    "a group that is the cluster": (
        headcount,
        {"poverty_line": 2.5, "by": "village", "survey": {"cluster": "village"}},
    ),
    "a share of the mean": (
        fgt,
        {"poverty_line": Relative(0.5), "alpha": (1, 2), "by": "year", "survey": DRAWN},
    ),
    "a share of the mean, rows": (
        watts,
        {"poverty_line": Relative(0.6), "weight": "weight", "by": "unit_id"},
    ),
    "watts": (watts, {"poverty_line": 2.5, "weight": "weight", "survey": DRAWN}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_register_gives_what_the_table_gives(
    case: str, table: pd.DataFrame, register: Register
) -> None:
    index, asked = CASES[case]
    expected = index(table["income"], **options(table, asked))
    found = index(register["income"], **options(register, asked))
    assert_same(found, expected, absent=())
    assert set(expected.notes) <= set(found.notes)
    assert found.provenance["formula"] == expected.provenance["formula"]


@pytest.mark.parametrize("of", ["mean", "median"])
@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("period", [None, "year", "unit_id"])
def test_lines_are_the_same(
    of: str,
    weight: str | None,
    period: str | None,
    table: pd.DataFrame,
    register: Register,
) -> None:
    def found(source: Any) -> Any:
        named = {"weight": weight, "period": period}
        taken = {k: source[v] for k, v in named.items() if v is not None}
        return poverty_line(source["income"], share=0.6, of=of, **taken)

    one, other = found(register), found(table)
    if period is None:
        assert one == pytest.approx(other, rel=1e-12)
    else:
        pd.testing.assert_series_equal(one, other, rtol=1e-12)


def test_a_median_is_exact_however_incomes_lie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quantiles, "FEW", 5)
    rng = np.random.default_rng(1)
    for incomes in (
        rng.lognormal(0, 3, 4001),
        np.repeat([1.0, 2.0], 500),
        np.concatenate([np.ones(500), np.full(500, 1e9)]),
        np.ones(40),
        np.array([1.0, 1.0 + 1e-15, 7.0, 9.0]),
    ):
        table = pd.DataFrame({"income": incomes})
        found = poverty_line(read_register(table)["income"], of="median")
        assert found == poverty_line(table["income"], of="median")


def test_real_lines_are_held_across_waves(
    table: pd.DataFrame, register: Register
) -> None:
    real = {"deflator": {2010: 100, 2014: 120}, "base": 2010}
    one, other = (
        poverty_line(s["income"], period=s["year"], **real) for s in (register, table)
    )
    pd.testing.assert_series_equal(one, other, rtol=1e-12)


def test_dask_and_duckdb_give_the_same(table: pd.DataFrame) -> None:
    index, asked = CASES["strata and clusters"]
    expected = index(table["income"], **options(table, asked))
    for source in (
        read_register(dd.from_pandas(table, npartitions=3)),
        read_register(duckdb.from_df(table)),
    ):
        found = index(source["income"], **options(source, asked))
        assert_same(found, expected, absent=())


def test_workers_elsewhere_give_the_same(table: pd.DataFrame, tmp_path: Path) -> None:
    source = shipped(in_parts(table, tmp_path))
    index, asked = CASES["clusters"]
    expected = index(table["income"], **options(table, asked))
    assert_same(index(source["income"], **options(source, asked)), expected, absent=())
    line = poverty_line(source["income"], of="median", period=source["year"])
    pd.testing.assert_series_equal(
        line, poverty_line(table["income"], of="median", period=table["year"])
    )


def test_rows_without_labels_are_one_cell(register: Register) -> None:
    asked = asked_for(register["income"], {}, None, None, None)
    assert len(look(register, asked).cells) == 1


def test_a_stratum_of_one_is_told(table: pd.DataFrame) -> None:
    table = table.assign(stratum=table["stratum"].where(table.index != 9, "lone"))
    asked = {"poverty_line": 2.5, "survey": {"strata": "stratum"}}
    with pytest.warns(GeoPovertyWarning, match="single primary sampling unit"):
        expected = headcount(table["income"], **options(table, asked))
    homes_ = read_register(table)
    with pytest.warns(GeoPovertyWarning, match="single primary sampling unit"):
        found = headcount(homes_["income"], **options(homes_, asked))
    assert_same(found, expected, absent=())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"income": np.inf}, "'part-3.parquet'.*Income must be finite"),
        ({"weight": -1.0}, "Weights must be above 0"),
        ({"line": 0.0}, "poverty_line 'line' must be above 0"),
        ({"village": None}, "'village' must be known for every row"),
        ({"year": None}, "'year' must be known for every row"),
    ],
)
def test_bad_rows_are_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    table = homes().astype({"village": str, "year": str})
    for name, value in change.items():
        table.loc[1000, name] = value
    source = read_register(in_parts(table, tmp_path))
    asked = {"poverty_line": {"a": "line"}, "weight": "weight", "by": "year"}
    asked["survey"] = {"cluster": "village"}
    with pytest.raises(InputError, match=message):
        headcount(source["income"], **options(source, asked))


def test_what_is_not_to_be_had_is_named(
    table: pd.DataFrame, register: Register
) -> None:
    income = register["income"]
    with pytest.raises(InputError, match="ranks all incomes"):
        sen(income, poverty_line=2.5)
    with pytest.raises(InputError, match="ranks all incomes"):
        gini(income)
    for line, alpha in ((Relative(0.6, "median"), 1), (Relative(0.5), 0)):
        with pytest.raises(InputError, match="needs a density"):
            fgt(income, poverty_line=line, alpha=alpha)
    with pytest.raises(InputError, match="must be a column of the register"):
        fgt(income, poverty_line=2.5, weight=table["weight"])
    with pytest.raises(InputError, match="of one register, read once"):
        fgt(income, poverty_line=2.5, weight=read_register(table)["weight"])
    with pytest.raises(InputError, match="income must be numbers; 'sex' is text"):
        fgt(register["sex"], poverty_line=2.5)
    with pytest.raises(InputError, match="needs the column incme"):
        fgt(register["incme"], poverty_line=2.5)
    with pytest.raises(InputError, match="must be above 0 and finite; got -1"):
        fgt(income, poverty_line=-1)
    with pytest.raises(InputError, match="incomes above 0"):
        watts(
            read_register(table.assign(income=table["income"] - 1))["income"],
            poverty_line=2.5,
        )


def test_labels_are_found_by_many_threads_at_once() -> None:
    rows = pd.Series(np.arange(20_000))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            known = pd.Index(np.arange(20_000))  # its table of values is not yet made
            found = list(pool.map(lambda _, i=known: codes_in(rows, i), range(8)))
            assert all((codes == rows).all() for codes in found)

"""Matches on a given score in registers: what the table gives."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from registers_made import cut, households

from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.matching import (
    Bootstrap,
    GivenWeights,
    Kernel,
    Nearest,
    Radius,
    Score,
    match,
)
from geopoverty.estimators.matching.engine import match_rows
from geopoverty.estimators.matching.register import open_match
from geopoverty.estimators.matching.score import score_rows
from geopoverty.registers import read_register
from geopoverty.results import Result

RTOL = 1e-10  # sums in another order move the last digits
FORMULA = "joined ~ age + land + phone"
GIVEN = Score("logit", column="chance")


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    """Households with a programme and a score that has ties."""
    rng = np.random.default_rng(6)
    table = households(2_500, seed=9)
    index = -1.5 + 0.02 * table["age"] - 0.2 * table["land"].fillna(0) + table["phone"]
    table["chance"] = (1 / (1 + np.exp(-index))).round(3)
    table["joined"] = (rng.random(len(table)) < table["chance"]).astype(int)
    table["income"] += 0.5 * table["joined"]
    table.loc[::83, "chance"] = np.nan
    return table


@pytest.fixture(scope="module")
def folder(homes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Uneven parts, one of them empty."""
    return cut(homes, tmp_path_factory.mktemp("match"), [9, 9, 700, 2400])


def quiet(*args: Any, **options: Any) -> Result:
    """Match without the warnings that other tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        return match(*args, **options)


def alike(found: Result, known: Result) -> None:
    """Everything but the rows themselves is the same."""
    assert_allclose(found.estimates, known.estimates, rtol=RTOL)
    assert_allclose(found.vcov, known.vcov, rtol=RTOL, atol=1e-15)
    assert set(found.tables) == set(known.tables)
    for name, table in known.tables.items():
        pd.testing.assert_frame_equal(
            found.tables[name].drop(columns="note", errors="ignore"),
            table.drop(columns="note", errors="ignore"),
            rtol=1e-8,  # t and p of differences near 0
            atol=1e-10,
            check_dtype=False,
            check_categorical=False,
        )
    assert found.facts.keys() == known.facts.keys()
    for key, value in known.facts.items():
        same = value if isinstance(value, str) else pytest.approx(value, rel=1e-8)
        assert found.facts[key] == same
    assert found.units.empty


WAYS: list[tuple[str, dict[str, Any]]] = [
    (FORMULA, {}),
    (FORMULA, {"method": Nearest(4, caliper=0.01), "sampling_weight": "w"}),
    (f"{FORMULA} + roof", {"method": Radius(0.005), "score": "chance"}),
    (
        "joined ~ log(age) * phone + C(crop)",
        {"method": Kernel("epanechnikov", 0.05), "outcome": ["income", "poor"]},
    ),
    (FORMULA, {"method": "kernel", "vcov": GivenWeights("matched"), "by": "village"}),
    (
        FORMULA,
        {
            "vcov": Bootstrap(draws=20, seed=3, cluster="unit_id", workers=1),
            "by": "year",
        },
    ),
    (FORMULA, {"score": Score("probit", "chance", "all"), "sampling_weight": "w"}),
]


@pytest.mark.parametrize(("formula", "options"), WAYS)
def test_a_folder_gives_what_the_table_gives(
    homes: pd.DataFrame, folder: Path, formula: str, options: Any
) -> None:
    asked = {"outcome": "income", "score": GIVEN, **options}
    found, known = (quiet(formula, source, **asked) for source in (folder, homes))
    alike(found, known)
    assert any("no row for each row in units" in n for n in found.notes)


def test_every_source_gives_the_same(homes: pd.DataFrame, folder: Path) -> None:
    import dask.dataframe as dd
    import duckdb

    asked: dict[str, Any] = {"outcome": "income", "score": GIVEN}
    known = quiet(FORMULA, homes, **asked)
    for source in (
        duckdb.read_parquet(f"{folder}/*.parquet"),
        dd.from_pandas(homes, npartitions=3),
        read_register(folder, workers=1),
    ):
        alike(quiet(FORMULA, source, **asked), known)


def test_balance_where_nothing_can_be_said(homes: pd.DataFrame) -> None:
    """A covariate that separates the arms has no joint test, in both."""
    told = homes.assign(told=homes["joined"] * 2.0)
    asked: dict[str, Any] = {"outcome": "income", "score": GIVEN}
    found = quiet("joined ~ age + told", read_register(told), **asked)
    known = quiet("joined ~ age + told", told, **asked)
    alike(found, known)
    assert found.tables["balance_tests"]["p_value"].isna().all()


def test_a_covariate_that_only_unmatched_rows_have(homes: pd.DataFrame) -> None:
    asked: dict[str, Any] = {"outcome": "income", "score": GIVEN, "method": "nearest"}
    weight = quiet(FORMULA, homes, **asked).units["weight"]
    rare = homes.assign(rare=0)
    rare.loc[weight.index[weight == 0][::3], "rare"] = 1
    found = quiet(f"{FORMULA} + rare", read_register(rare), **asked)
    known = quiet(f"{FORMULA} + rare", rare, **asked)
    alike(found, known)
    assert found.tables["balance_tests"]["df"].tolist() == [4, 3]


def test_scores_that_change_while_they_are_read(
    homes: pd.DataFrame, tmp_path: Path
) -> None:
    path = cut(homes, tmp_path / "moving", [1000])
    others = ("chance", None, None)
    opened = open_match(FORMULA, read_register(path, memory=0), "income", others, None)
    scored = score_rows(opened.read(), GIVEN)
    matched = match_rows(scored, Nearest())
    homes.assign(chance=homes["chance"] / 2 + 1e-5).iloc[:1000].to_parquet(
        path / "part-00.parquet", row_group_size=500
    )
    with pytest.raises(InputError, match="'chance' holds scores that were not there"):
        opened.balance(scored, matched)


def test_the_result_can_be_saved(folder: Path, tmp_path: Path) -> None:
    found = quiet(FORMULA, folder, outcome="income", score=GIVEN)
    found.save(tmp_path / "fit.zip")
    assert Result.load(tmp_path / "fit.zip").estimates.equals(found.estimates)


BROKEN: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    (FORMULA, {"score": "probit"}, InputError, "is matched on a given score"),
    (FORMULA, {"method": Nearest(ties="first")}, InputError, "the order of rows"),
    (FORMULA, {"outcome": "roof"}, InputError, "'roof' must be numeric; it holds text"),
    (FORMULA, {"outcome": "joined"}, InputError, "cannot be both treatment and"),
    (FORMULA, {"outcome": "incom"}, InputError, "needs the column incom"),
    (FORMULA, {"score": Score(column="roof")}, InputError, "'roof' must be numeric"),
    ("joined ~ 1", {}, InputError, "a constant and at least one covariate"),
    ("crop ~ age", {}, InputError, "part-00.*'crop' must be 0 or 1"),
    ("I(age > 99) ~ land", {}, InputError, r"is 1 in 0 of \d+ rows"),
    ("joined ~ age + I(2 * age)", {}, InputError, "must not determine one another"),
    (FORMULA, {"score": Score(column="same")}, InputError, "is 0.5 in every row"),
    (FORMULA, {"score": Score(column="apart")}, EstimationError, "have no overlap"),
]


@pytest.mark.parametrize(("formula", "options", "kind", "message"), BROKEN)
def test_what_a_register_refuses(
    homes: pd.DataFrame,
    tmp_path: Path,
    formula: str,
    options: Any,
    kind: type[Exception],
    message: str,
) -> None:
    table = homes.assign(same=0.5, apart=homes["joined"] * 0.9)
    path = cut(table, tmp_path / "broken", [300])
    asked = {"outcome": "income", "score": GIVEN, **options}
    with pytest.raises(kind, match=message):
        quiet(formula, path, **asked)

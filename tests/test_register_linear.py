"""Least squares on registers: the numbers of the table in memory."""

from pathlib import Path

import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import pytest
from register_cases import assert_same, homes, in_parts, shipped

from geopoverty.covariances import Cluster, Conley, WildCluster
from geopoverty.data.travel import TravelTimes
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.linear import ols
from geopoverty.estimators.predict import predict
from geopoverty.registers import read_register
from geopoverty.weights import travel_weights

FORMULA = "log(income) ~ age + land * C(sex)"
WEIGHTED = {"sampling_weight": "weight"}
UNITS = pd.Index([f"u{i:02d}" for i in range(50)], name="unit_id")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return homes()


@pytest.fixture(scope="module")
def folder(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_parts(table, tmp_path_factory.mktemp("homes"))


def line() -> TravelTimes:
    gaps = np.abs(np.subtract.outer(np.arange(50.0), np.arange(50.0)))
    return TravelTimes(UNITS, gaps, "simulated")


CASES = {
    "plain": ("log(income) ~ age + land", {}),
    "constant": ("log(income) ~ 1", {"vcov": "hc1"}),
    "no constant": ("log(income) ~ 0 + age + land", {"vcov": "iid"}),
    "levels for a constant": ("income ~ 0 + C(school) + land", {}),
    "iid": (FORMULA, {"vcov": "iid", **WEIGHTED}),
    "hc0": (FORMULA, {"vcov": "hc0"}),
    "hc2": (FORMULA, {"vcov": "hc2", **WEIGHTED}),
    "hc3": (FORMULA, {"vcov": "hc3"}),
    "cluster": (FORMULA, {"vcov": "cluster", "period": "year", **WEIGHTED}),
    "two ways": (FORMULA, {"vcov": Cluster(("unit_id", "village"))}),
    "Conley": (FORMULA, {"vcov": Conley(line(), cutoff=3.0)}),
    "far from 0": ("income ~ I(land + 20) + I(0.001 * age)", {"vcov": "hc1"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_register_gives_what_the_table_gives(
    case: str, table: pd.DataFrame, folder: Path
) -> None:
    formula, options = CASES[case]
    expected = ols(formula, table, **options)
    found = ols(formula, folder, **options)
    assert_same(found, expected)
    assert set(expected.notes) <= set(found.notes)
    assert found.provenance["recipe"] == expected.provenance["recipe"]


def test_lags_are_joined_by_key(table: pd.DataFrame, folder: Path) -> None:
    units = pd.DataFrame({"unit_id": UNITS, "jobs": np.sin(np.arange(50.0))})
    weights = travel_weights(line(), cutoff=3.0)
    options = {"weights": weights, "unit_data": units}
    formula = "log(income) ~ land + jobs + W(jobs) + land:jobs"
    expected = ols(formula, table, **options)
    found = ols(formula, folder, **options)
    assert_same(found, expected)
    assert found.facts["vcov"] == "clustered by unit_id"


def test_dask_and_duckdb_give_the_same(table: pd.DataFrame, folder: Path) -> None:
    formula, options = CASES["hc2"]
    expected = ols(formula, table, **options)
    for source in (
        dd.from_pandas(table, npartitions=3),
        duckdb.read_parquet(f"{folder}/*.parquet"),
    ):
        assert_same(ols(formula, source, **options), expected)


def test_workers_elsewhere_give_the_same(table: pd.DataFrame, folder: Path) -> None:
    formula, options = CASES["cluster"]
    expected = ols(formula, table, **options)
    assert_same(ols(formula, shipped(folder), **options), expected)


def test_columns_nearly_alike_keep_their_digits(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    one, other = rng.normal(size=(2, 1500))
    table = pd.DataFrame({"one": one, "other": one + 2e-5 * other})
    table["y"] = table["one"] + table["other"] + rng.normal(size=1500)
    expected = ols("y ~ one + other", table)
    found = ols("y ~ one + other", in_parts(table, tmp_path))
    np.testing.assert_allclose(found.estimates, expected.estimates, rtol=1e-8)
    np.testing.assert_allclose(found.vcov, expected.vcov, rtol=1e-6)


def test_without_units_there_is_no_table_of_them(table: pd.DataFrame) -> None:
    found = ols("income ~ land", read_register(table.drop(columns="unit_id")))
    assert found.units.empty
    assert any("no column 'unit_id'" in note for note in found.notes)


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("income ~ land + I(2 * land)", {}, "combination"),
        ("I(0 * income + 3) ~ land", {}, "must vary; it is 3 in all 1500 rows"),
        ("income ~ I(land / 1e4 + 2000)", {}, "condition number"),
        ("income ~ land", {"vcov": WildCluster("village")}, "needs all rows at hand"),
        ("income ~ land", {"vcov": "hc9"}, "vcov must be one of"),
        ("income ~ W(land)", {}, "weights"),
        ("income ~ land", {"sampling_weight": "wieght"}, "Did you mean 'weight'"),
    ],
)
def test_bad_input_is_refused(
    formula: str, options: dict[str, object], message: str, folder: Path
) -> None:
    with pytest.raises(InputError, match=message):
        ols(formula, folder, **options)


def test_too_few_rows_are_refused(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="more rows than columns"):
        ols("income ~ land", read_register(table.head(2)))


def test_a_row_that_decides_alone_has_no_hc3(table: pd.DataFrame) -> None:
    table = table.assign(lone=(np.arange(len(table)) == 7).astype(float))
    with pytest.raises(EstimationError, match="Leverage must be below 1 for HC3"):
        ols("income ~ land + lone", read_register(table), vcov="hc3")


def test_a_perfect_fit_is_doubted(table: pd.DataFrame) -> None:
    table = table.assign(twice=2 * table["land"] + 1)
    with pytest.warns(GeoPovertyWarning, match="computed from the outcome"):
        found = ols("twice ~ land", read_register(table))
    assert found.tables["heteroskedasticity"].empty


@pytest.mark.parametrize("outcome", ["poor", "log(income)"])
def test_predictions_are_written_a_row_a_row(
    outcome: str, table: pd.DataFrame, folder: Path, tmp_path: Path
) -> None:
    table = table.assign(poor=(table["income"] < 2.5).astype(float))
    estimator = logit if outcome == "poor" else ols
    fit = estimator(f"{outcome} ~ age + C(sex) + school", table)
    done = predict(fit, folder, path=tmp_path / "out", keep=["year"])
    written = pd.read_parquet(done.path)
    assert written.pop("year").tolist() == table["year"].tolist()
    expected = predict(fit, table)
    pd.testing.assert_frame_equal(written, expected.reset_index(drop=True), rtol=1e-10)


def test_predictions_need_a_folder_and_no_lags(
    table: pd.DataFrame, folder: Path, tmp_path: Path
) -> None:
    fit = ols("income ~ land", table)
    with pytest.raises(InputError, match="pass path="):
        predict(fit, folder)
    with pytest.raises(InputError, match="path and keep are for registers"):
        predict(fit, table, path=tmp_path / "out")
    weights = travel_weights(line(), cutoff=3.0)
    units = pd.DataFrame({"unit_id": UNITS, "jobs": np.sin(np.arange(50.0))})
    lagged = ols("income ~ W(jobs)", table, weights=weights, unit_data=units)
    with pytest.raises(InputError, match="Lags and dependence need all units"):
        predict(lagged, folder, path=tmp_path / "out")

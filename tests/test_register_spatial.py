"""Spatial logits on registers: what the table gives, from sums over parts alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from registers_made import UNITS, cut, households, ring
from scipy import sparse

from geopoverty.covariances import Cluster
from geopoverty.design.sample import Sample
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.predict import predict
from geopoverty.estimators.spatial_binary import (
    ML,
    LinearGMM,
    gathered,
    gathered_effects,
    spatial_binary,
)
from geopoverty.numerics.spatial import lag_logit
from geopoverty.registers import read_register
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights

RTOL = 1e-10  # sums in another order move the last digits
STEPS = 1e-6  # of errors of effects: derivatives by differences lose half the digits
BINNED = {
    "auc", "auc_std_error", "brier_score", "tjur_r_squared",
    "calibration_intercept", "calibration_slope",
}  # fmt: skip
DERIVED = ("error", "low", "high", "_p", "p_value", "statistic")
PLAIN = "poor ~ jobs + age"

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*clusters:geopoverty.errors.GeoPovertyWarning"
)


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    """Households whose outcome depends on neighbours, with a gap here and there."""
    rng = np.random.default_rng(8)
    table = households(4_000, seed=5)
    code = table["unit_id"].str[1:].astype(int).to_numpy()
    table["age"] = table["age"] / 20
    table["jobs"] = rng.normal(size=len(UNITS))[code]
    index = 0.9 * table["jobs"] - 0.3 * table["age"] + 0.5 * table["phone"]
    means = np.bincount(code, index) / np.bincount(code)
    B = np.linalg.inv(np.eye(len(UNITS)) - 0.6 * ring().matrix)
    carried = (B @ means - means)[code]
    table["poor"] = (rng.logistic(size=len(table)) < index + carried).astype(int)
    table.loc[::97, "age"] = np.nan
    return table


@pytest.fixture(scope="module")
def folder(homes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Uneven parts, one of them empty."""
    return cut(homes, tmp_path_factory.mktemp("spatial"), [5, 5, 1300, 3900])


def alike(found: Result, known: Result) -> None:
    """All that sums can give is the same."""
    assert list(found.estimates.index) == list(known.estimates.index)
    assert_allclose(found.estimates, known.estimates, rtol=RTOL)
    scale = np.nanmax(np.abs(known.vcov.to_numpy()))
    assert_allclose(found.vcov, known.vcov, rtol=RTOL, atol=RTOL * scale)
    for one, other in (
        (found.tables["effects"], known.tables["effects"]),
        (found.units, known.units),
    ):
        assert list(one.columns) == list(other.columns)
        for name in other.columns:
            derived = name.endswith(
                ("error", "low", "high", "_p", "value", "statistic")
            )
            if pd.api.types.is_numeric_dtype(other[name]):
                slack = STEPS if derived else RTOL
                assert_allclose(one[name], other[name], rtol=slack, atol=1e-12)
            else:
                assert one[name].tolist() == other[name].tolist()
    for name, value in known.facts.items():
        if isinstance(value, str):
            assert found.facts[name] == value
        else:
            slack = 5e-5 if name in BINNED else 1e-9
            assert found.facts[name] == pytest.approx(value, rel=slack, abs=slack)


MODELS: list[tuple[str, dict[str, Any]]] = [
    (PLAIN, {}),
    (f"{PLAIN} + roof", {"model": "durbin"}),
    (f"{PLAIN} + jobs:age + phone", {"method": ML(vcov="iid")}),
    (f"{PLAIN} + W(jobs)", {"method": ML(vcov="hc1")}),
    (
        f"{PLAIN} + C(crop)",
        {"unit": Sample("unit_id", "year", "w"), "method": ML(vcov=Cluster("village"))},
    ),
    (f"{PLAIN} + roof", {"method": "linear-gmm"}),
    (
        f"{PLAIN} + phone",
        {
            "method": LinearGMM(order=3),
            "link": "probit",
            "model": "durbin",
            "unit": Sample("unit_id", "year"),
        },
    ),
    (
        "poor ~ jobs * age",
        {
            "unit": Sample("unit_id", sampling_weight="w"),
            "model": "durbin",
            "method": ML(vcov=Cluster(("village", "year"))),
        },
    ),
]


@pytest.mark.parametrize(("formula", "options"), MODELS)
def test_a_folder_gives_what_the_table_gives(
    homes: pd.DataFrame, folder: Path, formula: str, options: Any
) -> None:
    asked = {"weights": ring(), "unit": "unit_id", **options}
    found = spatial_binary(formula, folder, **asked)
    known = spatial_binary(formula, homes, **asked)
    alike(found, known)
    assert set(found.tables) == set(known.tables) - {"fitted"}
    assert {n for n in known.notes if "65,536" not in n} <= set(found.notes)


def test_every_source_gives_the_same(homes: pd.DataFrame, folder: Path) -> None:
    import dask.dataframe as dd
    import duckdb

    asked: dict[str, Any] = {"weights": sparse_ring(), "unit": "unit_id"}
    known = spatial_binary(f"{PLAIN} + phone", homes, **asked)
    for source in (
        duckdb.read_parquet(f"{folder}/*.parquet"),
        dd.from_pandas(homes, npartitions=3),
        read_register(homes),
        read_register(folder, workers=1),
    ):
        alike(spatial_binary(f"{PLAIN} + phone", source, **asked), known)


def test_workers_of_a_cluster_give_the_same(folder: Path) -> None:
    from distributed import Client, LocalCluster

    asked: dict[str, Any] = {"weights": sparse_ring(), "unit": "unit_id"}
    alone = spatial_binary("poor ~ jobs", folder, **asked)
    cluster = LocalCluster(
        n_workers=1, processes=False, dashboard_address=None, silence_logs=50
    )
    with cluster, Client(cluster) as client:
        register = read_register(folder, cluster=client)
        found = spatial_binary("poor ~ jobs", register, **asked)
    pd.testing.assert_series_equal(found.estimates, alone.estimates, check_exact=True)
    pd.testing.assert_frame_equal(found.units, alone.units, check_exact=True)


def sparse_ring() -> SpatialWeights:
    """Return the ring's weights, held sparse."""
    dense = ring()
    return SpatialWeights(dense.units, sparse.csr_array(dense.matrix))


def test_what_is_asked_of_rows_can_be_cut_into_passes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"weights": ring(), "unit": "unit_id"}
    once = spatial_binary("poor ~ jobs + phone", folder, **asked)
    monkeypatch.setattr(gathered_effects, "ROOM", 1)
    often = spatial_binary("poor ~ jobs + phone", folder, **asked)
    pd.testing.assert_frame_equal(once.units, often.units, check_exact=True)


def test_starts_on_few_rows_lead_to_the_same(
    homes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rare category is missing among the rows that starts are compared on."""
    rare = homes.assign(crop=(np.arange(len(homes)) % 150 == 3).astype(int))
    asked: dict[str, Any] = {"weights": ring(), "unit": "unit_id"}
    known = spatial_binary(f"{PLAIN} + crop", rare, **asked)
    monkeypatch.setattr(lag_logit, "SAMPLE", 60)
    monkeypatch.setattr(gathered, "SAMPLE", 60)
    for source in (rare, read_register(rare)):
        found = spatial_binary(f"{PLAIN} + crop", source, **asked)
        assert_allclose(found.estimates, known.estimates, rtol=1e-9)


def test_weights_that_identify_nothing() -> None:
    rng = np.random.default_rng(2)
    W = 1 / (1 + rng.random((30, 30)))
    np.fill_diagonal(W, 0.0)
    everybody = SpatialWeights(pd.Index(UNITS), W, standardize="row")
    quiet = pd.DataFrame({"unit_id": np.repeat(UNITS, 5), "x": rng.normal(size=150)})
    quiet["poor"] = (quiet["x"] + rng.logistic(size=150) > 0).astype(int)
    fits = []
    for source in (read_register(quiet), quiet):
        with pytest.warns(GeoPovertyWarning) as seen:
            fits.append(
                spatial_binary("poor ~ x", source, weights=everybody, unit="unit_id")
            )
        assert any("rho is not identified" in str(w.message) for w in seen)
    found, known = fits
    assert np.isnan(found.estimates["rho"])
    assert_allclose(found.estimates, known.estimates, rtol=RTOL)
    assert_allclose(found.vcov, known.vcov, rtol=1e-9)
    pd.testing.assert_frame_equal(found.units, known.units, rtol=STEPS)


def test_the_result_goes_on_as_any_other(
    homes: pd.DataFrame, folder: Path, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"weights": ring(), "unit": "unit_id", "model": "durbin"}
    found = spatial_binary(f"{PLAIN} + roof", folder, **asked)
    known = spatial_binary(f"{PLAIN} + roof", homes, **asked)
    found.save(tmp_path / "fit.zip")
    loaded = Result.load(tmp_path / "fit.zip")
    assert loaded.estimates.equals(found.estimates)
    new = homes.dropna().groupby("unit_id").head(3)
    pd.testing.assert_frame_equal(
        predict(found, new, weights=ring()),
        predict(known, new, weights=ring()),
        rtol=1e-5,
    )
    assert any("rows with a missing value were left out" in n for n in found.notes)
    assert any("1 of 5 parts have no rows" in n for n in found.notes)
    assert any("65,536 bins" in n for n in found.notes)


# ---- bad input ---------------------------------------------------------------

BROKEN: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    (PLAIN, {"unit": None}, InputError, "name the column of unit ids in unit="),
    (PLAIN, {"method": "gmm"}, InputError, "method='gmm' needs all rows at hand"),
    (PLAIN, {"link": "probit"}, InputError, "link='probit' with .* needs all"),
    (PLAIN, {"random": "unit"}, InputError, "random='unit' needs all rows at hand"),
    (PLAIN, {"model": "error"}, InputError, "log-odds have no error term"),
    (PLAIN, {"unit": "county"}, InputError, "needs the column county"),
    ("poor ~ agee", {}, InputError, "uses agee, which the table lacks"),
    ("crop ~ age", {}, InputError, r"part-00.*'crop' must be 0 or 1"),
    ("I(age > 200) ~ jobs", {}, InputError, "must vary; it is 0 in all"),
    ("poor ~ age + I(2 * age)", {}, InputError, "must not determine one another"),
    ("poor ~ jobs + W(jobs) + I(3 * W(jobs))", {}, InputError, "determine|lag"),
    ("poor ~ jobs + I(poor * 3)", {}, EstimationError, "separates the outcome 'poor'"),
    (PLAIN, {"method": ML(vcov="cluster"), "unit": "year"}, InputError, "must be text"),
]


@pytest.mark.parametrize(("formula", "options", "kind", "message"), BROKEN)
def test_what_a_register_refuses(
    folder: Path, formula: str, options: Any, kind: type[Exception], message: str
) -> None:
    asked = {"weights": ring(), "unit": "unit_id", **options}
    with pytest.raises(kind, match=message):
        spatial_binary(formula, folder, **asked)


def test_units_are_those_of_the_weights(homes: pd.DataFrame) -> None:
    asked: dict[str, Any] = {"weights": ring(), "unit": "unit_id"}
    fewer = homes[homes["unit_id"] != "u07"]
    with pytest.raises(InputError, match=r"1 only in the weights \(u07\)"):
        spatial_binary(PLAIN, read_register(fewer), **asked)
    strange = homes.replace({"unit_id": {"u03": "u99"}})
    with pytest.raises(InputError, match=r"1 only in the rows \(u99\)"):
        spatial_binary(PLAIN, read_register(strange), **asked)
    gap = homes[(homes["unit_id"] != "u07") | (homes["year"] == 2019)]
    with pytest.raises(InputError, match=r"every period.*\(u07 in 2020\)"):
        spatial_binary(
            PLAIN,
            read_register(gap),
            weights=ring(),
            unit=Sample("unit_id", "year"),
        )


def test_sampling_weights_must_be_above_zero(homes: pd.DataFrame) -> None:
    broken = homes.assign(w=homes["w"].where(homes.index != 7, 0.0))
    with pytest.raises(InputError, match=r"'w' must be above 0; 1 of \d+ rows"):
        spatial_binary(
            PLAIN,
            read_register(broken),
            weights=ring(),
            unit=Sample("unit_id", sampling_weight="w"),
        )

"""Registers read in parts: the same numbers as on a table, from every source."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from registers_made import UNITS, cut, households, ring, unit_table

import geopoverty as gp
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.registers import Register, is_register, read_register
from geopoverty.registers.scan import MOST_LEVELS
from geopoverty.results import Result

RTOL = 1e-10  # what issue and contract ask; sums in another order move the last digits
BINNED = {  # of probabilities in bins: close, and said so
    "auc", "auc_std_error", "brier_score", "tjur_r_squared",
    "calibration_intercept", "calibration_slope",
}  # fmt: skip
PLAIN = "poor ~ age + land"


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    return households()


@pytest.fixture(scope="module")
def folder(homes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Uneven parts, one of them empty."""
    return cut(homes, tmp_path_factory.mktemp("register"), [7, 7, 1200, 2900])


def alike(found: Result, known: Result) -> None:
    """All that sums can give is the same; what is binned is within its bins."""
    assert list(found.estimates.index) == list(known.estimates.index)
    assert_allclose(found.estimates, known.estimates, rtol=RTOL)
    scale = np.abs(known.vcov.to_numpy()).max()
    assert_allclose(found.vcov, known.vcov, rtol=RTOL, atol=RTOL * scale)
    for name in {"effects", "odds_ratios"} & set(known.tables):
        pd.testing.assert_frame_equal(
            found.tables[name], known.tables[name], rtol=RTOL, atol=1e-12
        )
    units = known.units.reset_index(drop=True)
    pd.testing.assert_frame_equal(
        found.units, units, rtol=RTOL, atol=1e-12, check_dtype=False
    )
    for name, value in known.facts.items():
        if isinstance(value, str):
            assert found.facts[name] == value
        else:
            slack = 5e-5 if name in BINNED else 1e-9
            assert found.facts[name] == pytest.approx(value, rel=slack, abs=slack)


# ---- the same numbers --------------------------------------------------------

TWO_WAYS = gp.Cluster(("village", "year"))
MODELS: list[tuple[str, dict[str, Any]]] = [
    (PLAIN, {}),
    (PLAIN, {"vcov": "iid"}),
    (PLAIN, {"vcov": "hc0", "sampling_weight": "w"}),
    ("poor ~ age * land + roof + phone", {"vcov": "cluster"}),
    ("poor ~ log(age) + C(crop) + roof:land", {"vcov": TWO_WAYS}),
    ("poor ~ 0 + roof + I(age**2 / 1e3)", {"period": "year"}),
    ("I(income < 2) ~ age + phone", {"unit": "village", "vcov": "cluster"}),
]


@pytest.mark.filterwarnings("ignore::geopoverty.errors.GeoPovertyWarning")
@pytest.mark.parametrize("estimator", [gp.logit, gp.probit])
@pytest.mark.parametrize(("formula", "options"), MODELS)
def test_a_folder_gives_what_the_table_gives(
    homes: pd.DataFrame, folder: Path, estimator: Any, formula: str, options: Any
) -> None:
    alike(estimator(formula, folder, **options), estimator(formula, homes, **options))


@pytest.mark.filterwarnings("ignore::geopoverty.errors.GeoPovertyWarning")
@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("poor ~ age + W(jobs)", {"unit_data": unit_table()}),
        ("poor ~ age + jobs + W(jobs) + zone", {"unit_data": unit_table()}),
        ("poor ~ age + W(age)", {}),
        ("poor ~ age + W(land) + W(jobs) + W(phone)", {"unit_data": unit_table()}),
        ("poor ~ age + W(age)", {"period": "year", "vcov": "hc1"}),
    ],
)
def test_lags_are_those_of_the_table(
    homes: pd.DataFrame, folder: Path, formula: str, options: Any
) -> None:
    options = {"weights": ring(), **options}
    found = gp.logit(formula, folder, **options)
    known = gp.logit(formula, homes, **options)
    alike(found, known)
    lags = [n for n in known.notes if n.startswith("W(")]
    assert lags
    assert set(lags) <= set(found.notes)


def test_conley_sums_by_unit(homes: pd.DataFrame, folder: Path) -> None:
    rng = np.random.default_rng(4)
    minutes = rng.uniform(10, 200, (len(UNITS), len(UNITS)))
    times = gp.TravelTimes(UNITS, (minutes + minutes.T) / 2, "simulated")
    vcov = gp.Conley(times, 60.0)
    alike(gp.logit(PLAIN, folder, vcov=vcov), gp.logit(PLAIN, homes, vcov=vcov))


def sources(homes: pd.DataFrame, folder: Path, tmp_path: Path) -> dict[str, Any]:
    import dask.dataframe as dd
    import duckdb

    hive = tmp_path / "hive"
    for year, rows in homes.groupby("year"):
        cut(rows.drop(columns="year"), hive / f"year={year}", [400])
    return {
        "path": folder,
        "pattern": f"{folder}/part-*.parquet",
        "list": sorted(folder.iterdir()),
        "folders that tell": hive,
        "DuckDB": duckdb.read_parquet(f"{folder}/*.parquet"),
        "Dask": dd.from_pandas(homes, npartitions=3),
        "table": read_register(homes),
        "one thread": read_register(folder, workers=1),
    }


def test_every_source_gives_the_same(
    homes: pd.DataFrame, folder: Path, tmp_path: Path
) -> None:
    formula = "poor ~ age + land + roof + C(year)"
    known = gp.logit(formula, homes)
    for name, source in sources(homes, folder, tmp_path).items():
        assert is_register(source) or isinstance(source, list), name
        found = gp.logit(formula, read_register(source))
        alike(found, known)


@LAW
@given(st.lists(st.integers(0, 400), max_size=4))
def test_any_cut_gives_the_same(tmp_path_factory: Any, ends: list[int]) -> None:
    table = households(400, seed=3)
    folder = cut(table, tmp_path_factory.mktemp("law"), sorted(ends))
    alike(gp.logit(f"{PLAIN} + roof", folder), gp.logit(f"{PLAIN} + roof", table))


def test_the_result_goes_on_as_any_other(
    homes: pd.DataFrame, folder: Path, tmp_path: Path
) -> None:
    found = gp.logit("poor ~ age + roof", folder)
    found.save(tmp_path / "fit.zip")
    loaded = Result.load(tmp_path / "fit.zip")
    assert loaded.estimates.equals(found.estimates)
    known = gp.predict(gp.logit("poor ~ age + roof", homes), homes.head(50))
    again = gp.predict(found, homes.head(50))
    pd.testing.assert_frame_equal(again, known, rtol=1e-9)
    assert any("65,536 bins" in n for n in found.notes)
    assert "fitted" not in found.tables
    assert found.provenance["data"] == [{"title": folder.name}]


def test_what_is_left_out_is_said(homes: pd.DataFrame, tmp_path: Path) -> None:
    path = cut(homes.drop(columns="unit_id"), tmp_path / "alone", [])
    found = gp.logit(PLAIN, read_register(path, status="simulated", title="Homes"))
    assert found.units.empty
    assert any(
        "no column 'unit_id': there is no table of units" in n for n in found.notes
    )
    assert found.facts["n_dropped"] == int(homes["land"].isna().sum())
    assert f"{found.facts['n_dropped']} rows with a missing value" in " ".join(
        found.notes
    )
    assert found.provenance["data"] == [{"title": "Homes", "status": "simulated"}]


def test_what_a_part_says_of_itself_goes_on(
    homes: pd.DataFrame, tmp_path: Path
) -> None:
    said = homes.copy()
    said.attrs = {"title": "Made homes", "status": "simulated", "seed": 1}
    path = written(tmp_path / "said", homes.head(1500), said.tail(1500))
    (source,) = gp.logit(PLAIN, path).provenance["data"]
    assert source == {"title": "said", "status": "simulated"}
    path = written(tmp_path / "first", said.head(1500), homes.tail(1500))
    found = gp.logit(PLAIN, path)
    assert found.provenance["data"] == [{"title": "Made homes", "status": "simulated"}]


def test_an_empty_part_is_noted(folder: Path) -> None:
    notes = gp.logit(PLAIN, folder).notes
    assert any(
        n.startswith("1 of 5 parts have no rows (part-01.parquet)") for n in notes
    )


def test_a_category_of_the_last_part(homes: pd.DataFrame, tmp_path: Path) -> None:
    last = homes.sort_values("roof", na_position="first", ignore_index=True)
    path = cut(last, tmp_path / "sorted", [1000, 2000, 2900])
    alike(gp.logit("poor ~ age + roof", path), gp.logit("poor ~ age + roof", last))


def test_text_kinds_and_nulls(homes: pd.DataFrame, tmp_path: Path) -> None:
    """A part whose column is all missing has no type, and no say in it."""
    head = homes.head(300).assign(roof=None)
    table = pd.concat([head, homes.iloc[300:]])
    path = tmp_path / "nulls"
    cut(homes.iloc[300:], path, [])
    head.to_parquet(path / "a.parquet")
    alike(gp.logit("poor ~ age + roof", path), gp.logit("poor ~ age + roof", table))


# ---- clusters ----------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:There are only 30 clusters")
def test_workers_give_the_same_to_the_last_digit_though_one_dies(
    homes: pd.DataFrame, tmp_path: Path
) -> None:
    from distributed import Client, LocalCluster

    folder = cut(homes, tmp_path / "parts", [500, 1000, 1500, 2000])
    alone = gp.logit(f"{PLAIN} + roof", folder, vcov="cluster")
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    )
    with cluster, Client(cluster) as client:
        register = read_register(folder, cluster=client)
        once = gp.logit(f"{PLAIN} + roof", register, vcov="cluster")
        victim = next(iter(client.scheduler_info()["workers"].values()))["id"]
        marker = tmp_path / "died"

        def kernel(table: pd.DataFrame) -> tuple[float]:
            from distributed import get_worker

            if get_worker().name == victim and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return (table["age"].sum() / 3.0,)

        (total,) = register.total(kernel, ["age"])
        assert marker.exists()
        (known,) = read_register(folder).total(
            lambda t: (t["age"].sum() / 3.0,), ["age"]
        )
    assert total == known
    pd.testing.assert_series_equal(once.estimates, alone.estimates, check_exact=True)
    pd.testing.assert_frame_equal(once.vcov, alone.vcov, check_exact=True)


def test_a_cluster_that_cannot_be_reached(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import distributed

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", type("Client", (), {"__init__": refuse}))
    with pytest.raises(
        InputError, match=r"The cluster 'tcp://nowhere:1' cannot be reached \(OSError\)"
    ):
        read_register(folder, cluster="tcp://nowhere:1")


# ---- bad input ---------------------------------------------------------------


def written(folder: Path, *parts: pd.DataFrame) -> Path:
    folder.mkdir()
    for i, part in enumerate(parts):
        part.to_parquet(folder / f"part-{i}.parquet")
    return folder


BROKEN: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("poor ~ agee", {}, InputError, "uses agee, which the table lacks.* mean 'age'"),
    (PLAIN, {"vcov": gp.Cluster("vilage")}, InputError, "needs the column vilage"),
    ("poor ~ center(age)", {}, InputError, "center depends on all rows"),
    ("poor ~ bs(age, df=4)", {}, InputError, "bs depends on all rows"),
    ("poor ~ age + C(age)", {}, InputError, "'age' stands both as a number and as C"),
    ("poor ~ L(age)", {"period": "year"}, InputError, "needs rows in the order of per"),
    ("poor ~ W(age)", {}, InputError, r"W\(age\) needs spatial weights"),
    ("poor ~ W(W(age))", {"weights": ring()}, InputError, "is a lag of a lag"),
    (
        "crop ~ age",
        {},
        InputError,
        r"part-00.*must be 0 or 1; \d+ of 7 rows break this",
    ),
    ("I(age > 200) ~ land", {}, InputError, "must vary; it is 0 in all"),
    (PLAIN, {"vcov": gp.WildCluster("village")}, InputError, "needs all rows at hand"),
    ("poor ~ age + I(2 * age)", {}, InputError, "must not determine one another"),
    ("poor ~ age + I(poor * 3)", {}, EstimationError, "separates the outcome 'poor'"),
    ("poor ~ jobs", {}, InputError, "uses jobs, which the table lacks"),
]


@pytest.mark.parametrize(("formula", "options", "kind", "message"), BROKEN)
def test_what_a_register_refuses(
    folder: Path, formula: str, options: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        gp.logit(formula, folder, **options)


def test_parts_with_different_columns(homes: pd.DataFrame, tmp_path: Path) -> None:
    other = homes.tail(50).assign(age=lambda t: t["age"].astype(str))
    with pytest.raises(
        InputError, match=r"'age' is text in 'part-1.parquet' and number in 'part-0"
    ):
        read_register(written(tmp_path / "kinds", homes.head(50), other))
    lacking = homes.tail(50).drop(columns="land")
    with pytest.raises(InputError, match=r"'land' is absent in 'part-1.parquet'"):
        read_register(written(tmp_path / "columns", homes.head(50), lacking))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file .*nowhere.parquet"):
        read_register(tmp_path / "nowhere.parquet")
    with pytest.raises(InputError, match=r"holds no file that ends in \.parquet"):
        read_register(tmp_path)
    text = tmp_path / "text.parquet"
    text.write_text("poor,age\n1,2\n")
    with pytest.raises(InputError, match="is no Parquet file that can be read"):
        read_register(text)
    with pytest.raises(InputError, match="A register is a path, a list of paths"):
        read_register(3)
    with pytest.raises(InputError, match="status must be one of"):
        read_register(tmp_path, status="guessed")


def test_nothing_but_empty_parts(homes: pd.DataFrame, tmp_path: Path) -> None:
    path = written(tmp_path / "empty", homes.head(0), homes.head(0))
    with pytest.raises(InputError, match="must have rows; all its parts are empty"):
        gp.logit(PLAIN, path)


def test_a_corrupted_part_is_named(homes: pd.DataFrame, tmp_path: Path) -> None:
    path = written(tmp_path / "bad", homes.head(2000), homes.tail(1000))
    victim = path / "part-1.parquet"
    data = bytearray(victim.read_bytes())
    data[200:4000] = bytes(3800)
    victim.write_bytes(data)
    with pytest.raises(
        InputError, match=r"^'part-1.parquet', rows 0 to 999 cannot be read"
    ):
        gp.logit(PLAIN, path)
    victim.write_bytes(bytes(data[:3000]))  # cut off: its description is gone
    with pytest.raises(InputError, match=r"part-1.parquet' is no Parquet file"):
        gp.logit(PLAIN, path)


def test_a_column_missing_throughout(homes: pd.DataFrame, tmp_path: Path) -> None:
    path = written(tmp_path / "none", homes.assign(land=np.nan))
    with pytest.raises(
        InputError, match=r"No row is complete.*land is missing through"
    ):
        gp.logit(PLAIN, path)


def test_infinite_values_are_placed(homes: pd.DataFrame, tmp_path: Path) -> None:
    broken = homes.copy()
    broken.loc[2100, "land"] = np.inf
    path = written(tmp_path / "infinite", broken.head(1000), broken.iloc[1000:])
    with pytest.raises(
        InputError,
        match=r"'part-1.parquet'.*'land' must be finite; 1 of \d+ rows .*1100",
    ):
        gp.logit(PLAIN, path)


def test_weights_must_be_above_zero(homes: pd.DataFrame, tmp_path: Path) -> None:
    broken = homes.copy()
    broken.loc[[3, 4], "w"] = [0.0, -1.0]
    path = written(tmp_path / "weights", broken)
    with pytest.raises(
        InputError, match=r"'w' must be above 0; 2 of \d+ rows.*\(3, 4\)"
    ):
        gp.logit(PLAIN, path, sampling_weight="w")


def test_an_id_is_no_category(tmp_path: Path) -> None:
    n = MOST_LEVELS + 1
    table = pd.DataFrame({"poor": [0, 1] * n, "hh": [f"{i:06d}" for i in range(2 * n)]})
    path = written(tmp_path / "ids", table)
    with pytest.raises(InputError, match=r"'hh' has 20,002 categories.* Is it an id"):
        gp.logit("poor ~ hh", path)


def test_units_must_be_known(homes: pd.DataFrame, tmp_path: Path) -> None:
    numbers = homes.assign(unit_id=homes["unit_id"].str[1:].astype(int))
    with pytest.raises(InputError, match="The register: unit ids must be text"):
        gp.logit(PLAIN, written(tmp_path / "numbers", numbers), vcov="cluster")
    strange = homes.assign(unit_id=homes["unit_id"].replace("u03", "u99"))
    path = written(tmp_path / "strange", strange)
    with pytest.raises(InputError, match=r"u99"):
        gp.logit("poor ~ W(jobs)", path, weights=ring(), unit_data=unit_table())
    twice = pd.concat([unit_table(), unit_table()])
    with pytest.raises(InputError, match=r"unit_data must have one row for each"):
        gp.logit("poor ~ jobs", path, unit_data=twice)


def test_a_register_that_changes_while_it_is_read(
    homes: pd.DataFrame, tmp_path: Path
) -> None:
    path = written(tmp_path / "moving", homes)
    register = read_register(path)
    from geopoverty.design.build import Roles
    from geopoverty.registers.opening import open_rows

    rows = open_rows("poor ~ age + roof", register, Roles())
    homes.assign(roof="slate").to_parquet(path / "part-0.parquet")
    with pytest.raises(InputError, match="slate, which was not there in the first"):
        rows.total(lambda b: (b.design.X.sum(),))


def test_groups_must_be_few_enough(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geopoverty.registers.scan.MOST_GROUPS", 11)
    with pytest.raises(InputError, match=r"'village' has over .* different values"):
        gp.logit(PLAIN, folder, vcov=gp.Cluster("village"))
    found = gp.logit(PLAIN, folder)
    assert found.units.empty
    assert any("'unit_id' has too many values" in n for n in found.notes)


def test_few_clusters_warn(folder: Path) -> None:
    with pytest.warns(GeoPovertyWarning, match="only 12 clusters"):
        gp.logit(PLAIN, folder, vcov=gp.Cluster("village"))


def test_a_register_says_what_it_is(folder: Path) -> None:
    register = read_register(folder)
    assert isinstance(register, Register)
    assert read_register(register) is register
    assert register.columns["phone"] == "truth"
    assert repr(register).startswith("Register of 11 columns in 4 parts: '")
    with pytest.raises(InputError, match=r"needs the column agee.* mean 'age'"):
        register.total(lambda t: (len(t),), ["agee"])

"""Registers of up to a hundred million households, read from Parquet in parts.

Ours runs in threads and on a Dask cluster of two workers; polars and DuckDB fit the
same with expressions. Nothing holds the rows in memory. What is planted must be found,
or the first case fails. A hundred million rows are generated part by part; they need
8 GB of disk and run only when named: ``--only "100,000,000"``.
"""

import os
import sys
from pathlib import Path

from harness import Bench, Run

COLUMNS, UNITS, PART = 8, 2_000, 1_000_000
SIZES = (100_000, 1_000_000, 10_000_000)
HUGE = 100_000_000
NAMES = [f"x{j}" for j in range(COLUMNS)]
FORMULA = " + ".join(NAMES)
LINE = 2.718281828  # its logarithm is 1
FAR = 5.0  # standard errors from what was planted


def planted():
    """Return the slopes of the logit, of log income, and of its variance."""
    import numpy as np

    slopes = np.linspace(-0.5, 0.5, COLUMNS)
    return slopes, slopes / 2, np.linspace(0.05, 0.15, COLUMNS)


def make_inputs(folder: Path) -> None:
    import pyarrow.parquet as pq

    only = os.environ.get("BENCH_ONLY", "")
    named = [n for n in (*SIZES, HUGE) if f" {n:,} rows" in f" {only} rows"]
    wanted = named or SIZES
    for n in wanted:
        (folder / str(n)).mkdir()
        for p in range(-(-n // PART)):
            path = folder / str(n) / f"part-{p:04d}.parquet"
            rows = min(PART, n - p * PART)
            pq.write_table(part(p, rows), path, row_group_size=250_000)


def part(p: int, rows: int):
    """Return one part of the register, the same whatever is made beside it."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng([29, p])
    X = rng.random((rows, COLUMNS))
    slopes, mean, variance = planted()
    poor = rng.random(rows) < 1 / (1 + np.exp(-(X @ slopes - 0.4)))
    shock = np.sqrt(0.2 + X @ variance) * rng.normal(size=rows)
    codes = rng.integers(0, UNITS, rows).astype(np.int32)
    names = pa.array([f"{i:05d}" for i in range(UNITS)])
    return pa.table(
        {
            "poor": poor.astype(np.int8),
            "income": np.exp(0.9 + X @ mean + shock),
            **{name: X[:, j] for j, name in enumerate(NAMES)},
            "unit_id": pa.DictionaryArray.from_arrays(pa.array(codes), names),
        }
    )


def near(estimates, errors, truth) -> None:
    """Refuse estimates that are far from what was planted."""
    import numpy as np

    away = float(np.abs((np.asarray(estimates) - truth) / np.asarray(errors)).max())
    if away > FAR:
        sys.exit(f"{away:.1f} standard errors from what was planted")


def fit_logit(source, n: int):
    import numpy as np

    import geopoverty as gp

    def run():
        fit = gp.logit(f"poor ~ {FORMULA}", source(), vcov="cluster")
        errors = np.sqrt(np.diag(fit.vcov))
        near(fit.estimates, errors, [-0.4, *planted()[0]])
        assert fit.facts["n_obs"] == n
        return list(fit.estimates)

    return run


def fit_vulnerability(source, n: int):
    import numpy as np

    import geopoverty as gp

    def run():
        fit = gp.vulnerability(
            f"income ~ {FORMULA}", source(), poverty_line=LINE, variance="floor"
        )
        near(fit.estimates, np.sqrt(np.diag(fit.vcov)), [0.9, *planted()[1]])
        assert fit.facts["n_obs"] == n
        return list(fit.estimates)

    return run


def on_cluster(fit, folder: Path, n: int) -> Run:
    from distributed import Client, LocalCluster

    import geopoverty as gp

    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=40
    )
    client = Client(cluster)
    run = fit(lambda: gp.read_register(folder / str(n), cluster=client), n)
    run.client = client  # kept as long as the case
    return run


bench = Bench(
    "Registers from Parquet, nine columns",
    make_inputs,
    ("geopoverty", "numpy", "pyarrow", "dask", "distributed", "polars", "duckdb"),
)
MAIN = SIZES[-1]


def _ours(kind: str, fit, n: int) -> None:
    group = f"{kind}, {n:,} rows"

    @bench.case(group, "geopoverty, threads", size=n, family=kind, named=n == HUGE)
    def threads(folder: Path) -> Run:
        return fit(lambda: folder / str(n), n)

    if n != MAIN:
        return

    @bench.case(group, "geopoverty, two Dask workers")
    def workers(folder: Path) -> Run:
        return on_cluster(fit, folder, n)


def polars_sums(folder: Path, n: int, expressions):
    import polars as pl

    frame = pl.scan_parquet(f"{folder}/{n}/*.parquet").with_columns(x_=pl.lit(1.0))
    found = frame.select(**expressions).collect(engine="streaming")
    return {name: found[name][0] for name in found.columns}


def _symmetric(found, k: int):
    import numpy as np

    out = np.empty((k, k))
    for i in range(k):
        for j in range(i + 1):
            out[i, j] = out[j, i] = found[f"a{i}_{j}"]
    return out, np.array([found[f"b{i}"] for i in range(k)])


ALL = ["x_", *NAMES]


def polars_logit(folder: Path, n: int) -> Run:
    import numpy as np
    import polars as pl

    def run():
        beta = np.zeros(len(ALL))
        for _ in range(25):
            eta = pl.sum_horizontal(
                *(float(b) * pl.col(c) for b, c in zip(beta, ALL, strict=True))
            )
            p = 1 / (1 + (-eta).exp())
            w, e = p * (1 - p), pl.col("poor") - p
            asked = {f"b{i}": (e * pl.col(c)).sum() for i, c in enumerate(ALL)}
            for i, c in enumerate(ALL):
                for j in range(i + 1):
                    asked[f"a{i}_{j}"] = (w * pl.col(c) * pl.col(ALL[j])).sum()
            information, score = _symmetric(polars_sums(folder, n, asked), len(ALL))
            step = np.linalg.solve(information, score)
            beta = beta + step
            if float(score @ step) < 1e-10:
                break
        return list(beta)

    return run


def duckdb_logit(folder: Path, n: int) -> Run:
    import duckdb
    import numpy as np

    columns = ["1.0", *NAMES]

    def run():
        beta = np.zeros(len(columns))
        for _ in range(25):
            eta = " + ".join(
                f"({b!r}) * {c}" for b, c in zip(beta.tolist(), columns, strict=True)
            )
            asked = [f"sum((poor - p) * {c}) b{i}" for i, c in enumerate(columns)]
            asked += [
                f"sum(p * (1 - p) * {c} * {columns[j]}) a{i}_{j}"
                for i, c in enumerate(columns)
                for j in range(i + 1)
            ]
            inner = f"select *, 1 / (1 + exp(-({eta}))) p from '{folder}/{n}/*.parquet'"
            found = duckdb.sql(f"select {', '.join(asked)} from ({inner})").df().iloc[0]
            information, score = _symmetric(found, len(columns))
            step = np.linalg.solve(information, score)
            beta = beta + step
            if float(score @ step) < 1e-10:
                break
        return list(beta)

    return run


def three_steps(sums) -> list[float]:
    """Fit mean and variance with a function that gives weighted sums of products.

    ``sums(weight, outcome)`` takes two texts that a peer understands.
    """
    import numpy as np

    def solved(how, what):
        gram, cross = _symmetric(sums(how, what), len(ALL))
        return np.linalg.solve(gram, cross)

    first = solved(None, ("log", None))
    squares = solved(None, ("square", first))
    floor = float(sums(None, ("square", first))["b0"]) / sums.rows * 0.1
    theta = solved((squares, floor, 2), ("square", first))
    return list(solved((theta, floor, 1), ("log", None)))


class PolarsSums:
    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.rows = folder, n

    def __call__(self, how, what):
        import polars as pl

        def linear(b):
            return pl.sum_horizontal(
                *(float(v) * pl.col(c) for v, c in zip(b, ALL, strict=True))
            )

        kind, beta = what
        y = pl.col("income").log()
        y = y if kind == "log" else (y - linear(beta)) ** 2
        w = pl.lit(1.0)
        if how is not None:
            theta, floor, power = how
            w = 1 / pl.max_horizontal(linear(theta), pl.lit(floor)) ** power
        asked = {f"b{i}": (w * y * pl.col(c)).sum() for i, c in enumerate(ALL)}
        for i, c in enumerate(ALL):
            for j in range(i + 1):
                asked[f"a{i}_{j}"] = (w * pl.col(c) * pl.col(ALL[j])).sum()
        return polars_sums(self.folder, self.rows, asked)


class DuckSums:
    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.rows = folder, n

    def __call__(self, how, what):
        import duckdb

        columns = ["1.0", *NAMES]

        def linear(b):
            return " + ".join(
                f"({float(v)!r}) * {c}" for v, c in zip(b, columns, strict=True)
            )

        kind, beta = what
        y = "ln(income)" if kind == "log" else f"pow(ln(income) - ({linear(beta)}), 2)"
        w = "1.0"
        if how is not None:
            theta, floor, power = how
            w = f"1 / pow(greatest({linear(theta)}, {floor!r}), {power})"
        asked = [f"sum(w * y * {c}) b{i}" for i, c in enumerate(columns)]
        asked += [
            f"sum(w * {c} * {columns[j]}) a{i}_{j}"
            for i, c in enumerate(columns)
            for j in range(i + 1)
        ]
        inner = f"select *, {y} y, {w} w from '{self.folder}/{self.rows}/*.parquet'"
        return duckdb.sql(f"select {', '.join(asked)} from ({inner})").df().iloc[0]


for _n in (*SIZES, HUGE):
    _ours("vulnerability", fit_vulnerability, _n)
    if _n == MAIN:

        @bench.case(f"vulnerability, {MAIN:,} rows", "polars, coefficients only")
        def polars_three(folder: Path) -> Run:
            return lambda: three_steps(PolarsSums(folder, MAIN))

        @bench.case(f"vulnerability, {MAIN:,} rows", "DuckDB, coefficients only")
        def duckdb_three(folder: Path) -> Run:
            return lambda: three_steps(DuckSums(folder, MAIN))


for _n in (*SIZES, HUGE):
    _ours("logit, clustered by unit", fit_logit, _n)
    if _n == MAIN:
        _group = f"logit, clustered by unit, {MAIN:,} rows"

        @bench.case(_group, "polars, coefficients only")
        def polars_irls(folder: Path) -> Run:
            return polars_logit(folder, MAIN)

        @bench.case(_group, "DuckDB, coefficients only")
        def duckdb_irls(folder: Path) -> Run:
            return duckdb_logit(folder, MAIN)


if __name__ == "__main__":
    bench.main()

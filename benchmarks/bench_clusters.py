"""Clusters from a million firms, and a scan of industries: geopoverty and pandas.

The peers are what a careful user of pandas writes: sums by groupby, shares joined by
key, no function applied group by group. Tables lie in memory, ids and codes as text.
"""

from pathlib import Path

from harness import Bench, Run

FIRMS, UNITS, LEVEL = 1_000_000, 3000, 3
PACKAGES = ("geopoverty", "pandas", "numpy", "scipy")


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(6)
    codes = np.array([f"{i:04d}" for i in range(610, 4700, 7)], dtype=object)
    units = np.array([f"{i:05d}" for i in range(UNITS)], dtype=object)
    code = rng.integers(0, len(codes), FIRMS)
    home = rng.integers(0, UNITS, len(codes))
    flocking = rng.uniform(size=FIRMS) < 0.1
    unit = np.where(flocking, home[code], rng.integers(0, UNITS, FIRMS))
    table = pd.DataFrame(
        {
            "unit_id": units[unit],
            "industry": codes[code],
            "employees": np.ceil(rng.lognormal(2.3, 1.1, FIRMS)),
        }
    )
    table.to_parquet(folder / "firms.parquet")


def _firms(folder: Path):
    import pandas as pd

    # Texts as most tables hold them: Python objects.
    return pd.read_parquet(folder / "firms.parquet").astype(
        {"unit_id": object, "industry": object}
    )


def _cells(firms, level: int):
    """Return firms, employees and both shares of each unit and industry, by pandas."""
    table = firms.assign(code=firms["industry"].str[:level])
    cells = table.groupby(["unit_id", "code"], as_index=False).agg(
        firms=("employees", "size"), employees=("employees", "sum")
    )
    unit = cells.groupby("unit_id")["employees"].transform("sum")
    code = cells.groupby("code")["employees"].transform("sum")
    cells["quotient"] = cells["employees"] / unit / (code / cells["employees"].sum())
    return table, cells.assign(unit=unit, total=code)


def _is_cluster(cells):
    return (
        (cells["quotient"] >= 1.25)
        & (cells["firms"] >= 10)
        & (cells["employees"] >= 100)
    )


def _told(counts) -> list[float]:
    return [float(counts.sum()), float(counts.max()), float((counts > 0).sum())]


bench = Bench("Clusters from a million firms", make_inputs, PACKAGES)
count_group = f"clusters of {UNITS:,} units at {LEVEL} digits, {FIRMS:,} firms"
three_group = f"clusters at 2, 3 and 4 digits, {FIRMS:,} firms"
code_group = f"clusters by unit and code at {LEVEL} digits, zeros included"
index_group = f"Ellison-Glaeser of each industry at {LEVEL} digits, {FIRMS:,} firms"
scan_group = "a logit of 20,000 households for each of 120 industries"


@bench.case(count_group, "geopoverty count_clusters")
def own_count(folder: Path) -> Run:
    from geopoverty.clusters import count_clusters

    firms = _firms(folder)
    return lambda: _told(count_clusters(firms, level=LEVEL)["clusters"])


@bench.case(count_group, "pandas groupby")
def pandas_count(folder: Path) -> Run:
    firms = _firms(folder)

    def run():
        _, cells = _cells(firms, LEVEL)
        return _told(_is_cluster(cells).groupby(cells["unit_id"]).sum())

    return run


@bench.case(three_group, "geopoverty count_clusters(level=(2, 3, 4))")
def own_three(folder: Path) -> Run:
    from geopoverty.clusters import count_clusters

    firms = _firms(folder)

    def run():
        found = count_clusters(firms, level=(2, 3, 4))
        return [float(found[f"clusters_{k}"].sum()) for k in (2, 3, 4)]

    return run


@bench.case(three_group, "pandas groupby, three times")
def pandas_three(folder: Path) -> Run:
    firms = _firms(folder)
    return lambda: [float(_is_cluster(_cells(firms, k)[1]).sum()) for k in (2, 3, 4)]


@bench.case(code_group, "geopoverty count_clusters(by='code')")
def own_code(folder: Path) -> Run:
    from geopoverty.clusters import count_clusters

    firms = _firms(folder)

    def run():
        found = count_clusters(firms, level=LEVEL, by="code")
        return [float(len(found)), float(found["clusters"].sum())]

    return run


@bench.case(code_group, "pandas groupby + reindex over the product")
def pandas_code(folder: Path) -> Run:
    import pandas as pd

    firms = _firms(folder)

    def run():
        _, cells = _cells(firms, LEVEL)
        every = pd.MultiIndex.from_product(
            [sorted(cells["unit_id"].unique()), sorted(cells["code"].unique())],
            names=["unit_id", "code"],
        )
        held = (
            _is_cluster(cells)
            .astype(int)
            .set_axis(pd.MultiIndex.from_frame(cells[["unit_id", "code"]]))
        )
        found = held.reindex(every, fill_value=0).reset_index(name="clusters")
        return [float(len(found)), float(found["clusters"].sum())]

    return run


@bench.case(index_group, "geopoverty industry_indices")
def own_index(folder: Path) -> Run:
    from geopoverty.clusters import industry_indices

    firms = _firms(folder)

    def run():
        gamma = industry_indices(firms, level=LEVEL)["ellison_glaeser"]
        return [float(gamma.mean()), float(gamma.max())]

    return run


@bench.case(index_group, "pandas groupby (gamma alone)")
def pandas_index(folder: Path) -> Run:
    firms = _firms(folder)

    def run():
        table, cells = _cells(firms, LEVEL)
        whole = cells["employees"].sum()
        x = cells.groupby("unit_id")["employees"].sum() / whole
        share = cells["employees"] / cells["total"]
        place = cells["unit"] / whole
        raw = ((share - place) ** 2 - place**2).groupby(cells["code"]).sum()
        raw += (x**2).sum()
        squares = (table["employees"] ** 2).groupby(table["code"]).sum()
        plants = squares / table.groupby("code")["employees"].sum() ** 2
        room = 1 - (x**2).sum()
        gamma = (raw - room * plants) / (room * (1 - plants))
        return [float(gamma.mean()), float(gamma.max())]

    return run


def _scan(workers: int) -> Run:
    import numpy as np
    import pandas as pd

    import geopoverty as gp
    from geopoverty.estimators.scan import industry_scan

    rng = np.random.default_rng(2)
    units = [f"{i:03d}" for i in range(400)]
    codes = [f"{i:03d}" for i in range(120)]
    counts = pd.DataFrame(
        {
            "unit_id": np.repeat(units, 120),
            "level": 3,
            "code": codes * 400,
            "clusters": rng.binomial(1, 0.3, 48_000),
        }
    )
    homes = pd.DataFrame({"unit_id": np.repeat(units, 50)})
    homes["age"] = rng.normal(size=len(homes))
    homes["poor"] = rng.binomial(1, 0.3, len(homes))

    def model(table):
        return gp.logit("poor ~ clusters + age", table, vcov="cluster")

    def run():
        found = industry_scan(model, homes, counts, workers=workers)
        scan = found.tables["scan"]
        return [float(scan["p_value"].sum()), float(scan["p_bh"].min())]

    return run


@bench.case(scan_group, "geopoverty industry_scan, 1 thread")
def scan_one(_folder: Path) -> Run:
    return _scan(1)


@bench.case(scan_group, "geopoverty industry_scan, 2 threads")
def scan_two(_folder: Path) -> Run:
    return _scan(2)


if __name__ == "__main__":
    bench.main()

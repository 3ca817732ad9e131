"""Spatial weights from travel times and borders: geopoverty, libpysal and others.

Every case ends with one spatial lag, so that nothing is left to be done later.
Inputs lie in memory in the form each package takes; only the cases "from Parquet" and
"from CSV" read a file.
"""

import importlib
from pathlib import Path

from harness import Bench, Run

PLACES, NEAREST, CUTOFF = 3000, 8, 240.0
PACKAGES = (
    "geopoverty", "libpysal", "numpy", "scipy", "pandas", "pyarrow", "polars", "duckdb",
)  # fmt: skip


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    import geopoverty as gp

    rng = np.random.default_rng(3)
    towns = rng.uniform(0, 1800, size=(PLACES, 2))  # km
    apart = np.linalg.norm(towns[:, None] - towns[None], axis=2)
    minutes = apart * rng.uniform(0.9, 1.5, size=apart.shape) + 4.0
    np.fill_diagonal(minutes, 0.0)
    np.save(folder / "places.npy", minutes)
    counties = gp.datasets.us_travel_times().matrix
    np.save(folder / "counties.npy", np.nan_to_num(counties))
    ids = pa.array(_ids(PLACES))
    off = ~np.eye(PLACES, dtype=bool)
    start, end = np.nonzero(off)
    # Plain text, as routing tools write it; Parquet packs it by itself.
    table = pa.table(
        {
            "from_id": ids.take(pa.array(start)),
            "to_id": ids.take(pa.array(end)),
            "travel_time": minutes[off],
        }
    )
    pa.parquet.write_table(table, folder / "pairs.parquet")
    pa.csv.write_csv(table, folder / "pairs.csv")


def _ids(n: int) -> list[str]:
    return [f"{i:05d}" for i in range(n)]


def _values(n: int):
    import numpy as np

    return np.sin(np.arange(n))


def _times(folder: Path, which: str):
    import numpy as np

    import geopoverty as gp

    minutes = np.load(folder / f"{which}.npy")
    return gp.TravelTimes(_ids(len(minutes)), minutes, status="simulated")


def _matrix(folder: Path, which: str):
    import numpy as np

    return np.load(folder / f"{which}.npy")


def _pairs(folder: Path, which: str):
    """Return the long table that a reader of the pairs would hold."""
    import numpy as np
    import pandas as pd

    minutes = np.load(folder / f"{which}.npy")
    off = ~np.eye(len(minutes), dtype=bool)
    ids = np.array(_ids(len(minutes)), dtype=object)
    start, end = np.nonzero(off)
    return pd.DataFrame(
        {"from_id": ids[start], "to_id": ids[end], "travel_time": minutes[off]}
    )


def _own(folder: Path, which: str, **options) -> Run:
    import geopoverty as gp

    times = _times(folder, which)
    values = _values(times.n)
    return lambda: gp.travel_weights(times, **options).lag(values)


def _graph_of_table(table, values):
    from libpysal.graph import Graph

    table = table.assign(weight=1.0 / table["travel_time"])
    graph = Graph.from_adjacency(
        table, focal_col="from_id", neighbor_col="to_id", weight_col="weight"
    )
    return graph.transform("r").lag(values)


bench = Bench("Weights and one lag", make_inputs, PACKAGES)


def add_all_pairs(which: str, label: str) -> None:
    group = f"all pairs, 1/minutes, rows sum to 1: {label}"

    @bench.case(group, "geopoverty travel_weights(TravelTimes)")
    def own(folder: Path) -> Run:
        return _own(folder, which)

    @bench.case(group, "libpysal Graph.from_adjacency(long table)")
    def graph(folder: Path) -> Run:
        import libpysal.graph  # noqa: F401

        table = _pairs(folder, which)
        values = _values(table["from_id"].nunique())
        return lambda: _graph_of_table(table, values)

    @bench.case(group, "libpysal Graph.from_sparse(matrix)")
    def from_sparse(folder: Path) -> Run:
        import numpy as np
        from libpysal.graph import Graph
        from scipy import sparse

        minutes = _matrix(folder, which)
        ids, values = _ids(len(minutes)), _values(len(minutes))

        def run():
            weight = np.divide(
                1.0, minutes, out=np.zeros_like(minutes), where=minutes > 0
            )
            graph = Graph.from_sparse(sparse.coo_array(weight), ids=ids)
            return graph.transform("r").lag(values)

        return run

    @bench.case(group, "libpysal W, full2W(matrix)")
    def full(folder: Path) -> Run:
        import numpy as np
        from libpysal.weights import full2W, lag_spatial

        minutes = _matrix(folder, which)
        ids, values = _ids(len(minutes)), _values(len(minutes))

        def run():
            weight = np.divide(
                1.0, minutes, out=np.zeros_like(minutes), where=minutes > 0
            )
            w = full2W(weight, ids=ids)
            w.transform = "r"
            return lag_spatial(w, values)

        return run


add_all_pairs("places", f"{PLACES:,} places")
add_all_pairs("counties", "3,085 US counties")
nearest_group = f"nearest {NEAREST}, 1/minutes: {PLACES:,} places"
cutoff_group = f"within {CUTOFF:.0f} minutes, 1/minutes: {PLACES:,} places"


@bench.case(nearest_group, "geopoverty travel_weights(k=8)")
def own_nearest(folder: Path) -> Run:
    return _own(folder, "places", k=NEAREST)


@bench.case(nearest_group, "pandas nearest + libpysal Graph.from_adjacency")
def graph_nearest(folder: Path) -> Run:
    import libpysal.graph  # noqa: F401

    table, values = _pairs(folder, "places"), _values(PLACES)

    def run():
        near = table.sort_values(["from_id", "travel_time"])
        near = near.groupby("from_id", sort=False).head(NEAREST)
        return _graph_of_table(near, values)

    return run


@bench.case(nearest_group, "numpy argpartition + libpysal Graph.from_arrays")
def arrays_nearest(folder: Path) -> Run:
    import numpy as np
    from libpysal.graph import Graph

    minutes, values = _matrix(folder, "places"), _values(PLACES)
    ids = np.array(_ids(PLACES), dtype=object)

    def run():
        away = minutes.copy()
        np.fill_diagonal(away, np.inf)
        near = np.sort(np.argpartition(away, NEAREST, axis=1)[:, :NEAREST], axis=1)
        weight = 1.0 / np.take_along_axis(away, near, axis=1)
        graph = Graph.from_arrays(
            np.repeat(ids, NEAREST), ids[near.ravel()], weight.ravel()
        )
        return graph.transform("r").lag(values)

    return run


@bench.case(cutoff_group, "geopoverty travel_weights(cutoff=240)")
def own_cutoff(folder: Path) -> Run:
    return _own(folder, "places", cutoff=CUTOFF)


@bench.case(cutoff_group, "pandas filter + libpysal Graph.from_adjacency")
def graph_cutoff(folder: Path) -> Run:
    import libpysal.graph  # noqa: F401

    table, values = _pairs(folder, "places"), _values(PLACES)
    return lambda: _graph_of_table(table[table["travel_time"] <= CUTOFF], values)


read_group = "reading 9 million pairs from Parquet, long"


def _some(matrix):
    return [float(matrix[i, j]) for i, j in ((0, 1), (7, 2000), (2999, 5))]


@bench.case(read_group, "geopoverty read_travel_times")
def own_read(folder: Path) -> Run:
    import geopoverty as gp

    path = folder / "pairs.parquet"
    return lambda: _some(gp.read_travel_times(path, status="simulated").matrix)


@bench.case(read_group, "pandas read_parquet + pivot")
def pandas_pivot(folder: Path) -> Run:
    import pandas as pd

    path = folder / "pairs.parquet"

    def run():
        # pivot_table would average over pairs: slower still.
        wide = pd.read_parquet(path).pivot(  # noqa: PD010
            index="from_id", columns="to_id", values="travel_time"
        )
        return _some(wide.to_numpy())

    return run


@bench.case(read_group, "pandas read_parquet alone", check=False)
def pandas_read(folder: Path) -> Run:
    import pandas as pd

    path = folder / "pairs.parquet"
    return lambda: [float(len(pd.read_parquet(path)))]


NAMES = {"parquet": "Parquet", "csv": "CSV"}


def _frame_within(path: Path, far: str):
    """Return the long table of a file, read and cut as `far` says, by polars."""
    import polars as pl

    ids = {"from_id": pl.String, "to_id": pl.String}
    if path.suffix == ".csv":
        scan = pl.scan_csv(path, schema_overrides=ids)
    else:
        scan = pl.scan_parquet(path)
    if far == "cutoff":
        scan = scan.filter(pl.col("travel_time") <= CUTOFF)
    else:
        near = pl.col("travel_time").rank("ordinal").over("from_id") <= NEAREST
        scan = scan.filter(near)
    return scan.collect()


def _relation_within(path: Path, far: str):
    """Return the same from duckdb, as pandas."""
    import duckdb

    if path.suffix == ".csv":
        types = "types={'from_id': 'VARCHAR', 'to_id': 'VARCHAR'}"
        source = f"read_csv('{path}', {types})"
    else:
        source = f"read_parquet('{path}')"
    kept = f"where travel_time <= {CUTOFF}"
    if far == "nearest":
        order = "partition by from_id order by travel_time"
        kept = f"qualify row_number() over ({order}) <= {NEAREST}"
    return duckdb.sql(f"select * from {source} {kept}").df()


def _lag_of_long(start, end, minutes, values):
    """Return the lag of a long table that is short enough, without libpysal."""
    import numpy as np
    from scipy import sparse

    ids = np.array(_ids(PLACES), dtype=object)
    at = np.searchsorted(ids, start), np.searchsorted(ids, end)
    raw = sparse.csr_array((1.0 / minutes, at), shape=(PLACES, PLACES))
    return (raw @ values) / raw.sum(axis=1)


def _own_from_file(path: Path, far: str, *, whole: bool) -> Run:
    import geopoverty as gp

    values = _values(PLACES)
    read = {"cutoff": CUTOFF} if far == "cutoff" else {"nearest": NEAREST}
    weigh = {"cutoff": CUTOFF} if far == "cutoff" else {"k": NEAREST}

    def run():
        times = gp.read_travel_times(path, **({} if whole else read))
        return gp.travel_weights(times, **weigh).lag(values)

    return run


def _short_from_file(path: Path, far: str, within, package: str) -> Run:
    importlib.import_module(package)
    values = _values(PLACES)

    def run():
        table = within(path, far)
        return _lag_of_long(*(table[c].to_numpy() for c in table.columns), values)

    return run


def _graph_of_file(path: Path, far: str) -> Run:
    import libpysal.graph  # noqa: F401
    import pandas as pd

    values = _values(PLACES)

    def run():
        if path.suffix == ".csv":
            table = pd.read_csv(path, dtype={"from_id": str, "to_id": str})
        else:
            table = pd.read_parquet(path)
        if far == "cutoff":
            return _graph_of_table(table[table["travel_time"] <= CUTOFF], values)
        table = table.sort_values(["from_id", "travel_time"])
        near = table.groupby("from_id", sort=False).head(NEAREST)
        return _graph_of_table(near, values)

    return run


def add_from_file(suffix: str, far: str) -> None:
    said = f"within {CUTOFF:.0f} minutes" if far == "cutoff" else f"nearest {NEAREST}"
    group = f"from {NAMES[suffix]} to weights, {said}: 9 million pairs"
    name = f"pairs.{suffix}"
    cases = {
        f"geopoverty read_travel_times({far}=) + travel_weights": (
            lambda path: _own_from_file(path, far, whole=False)
        ),
        "geopoverty, all read first": (
            lambda path: _own_from_file(path, far, whole=True)
        ),
        "polars + scipy": (
            lambda path: _short_from_file(path, far, _frame_within, "polars")
        ),
        "duckdb + scipy": (
            lambda path: _short_from_file(path, far, _relation_within, "duckdb")
        ),
        "pandas + libpysal Graph": lambda path: _graph_of_file(path, far),
    }
    for case, load in cases.items():
        bench.case(group, case)(lambda folder, load=load: load(folder / name))


for suffix in NAMES:
    for far in ("cutoff", "nearest"):
        add_from_file(suffix, far)

model_group = f"minutes modelled between {PLACES:,} places"


@bench.case(model_group, "geopoverty model_travel_times")
def own_model(_folder: Path) -> Run:
    import geopandas as gpd
    import numpy as np

    import geopoverty as gp

    rng = np.random.default_rng(3)
    points = gpd.points_from_xy(
        rng.uniform(100, 120, PLACES), rng.uniform(20, 40, PLACES)
    )
    towns = gpd.GeoDataFrame(index=_ids(PLACES), geometry=points, crs=4326)

    def run():
        times = gp.model_travel_times(towns, speed_kmh=60, circuity=1.3)
        return _some(times.matrix)

    return run


@bench.case(model_group, "scikit-learn haversine_distances")
def other_model(_folder: Path) -> Run:
    import numpy as np
    from sklearn.metrics.pairwise import haversine_distances

    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(100, 120, PLACES), rng.uniform(20, 40, PLACES)
    points = np.radians(np.column_stack([lat, lon]))
    return lambda: _some(haversine_distances(points) * 6371.0088 * 60 * 1.3 / 60)


border_group = "shared borders (queen), 3,085 US counties"


@bench.case(border_group, "geopoverty contiguity_weights")
def own_borders(_folder: Path) -> Run:
    import geopoverty as gp

    counties = gp.datasets.us_counties()
    values = _values(len(counties))
    return lambda: gp.contiguity_weights(counties).lag(values)


@bench.case(border_group, "libpysal Graph.build_contiguity")
def graph_borders(_folder: Path) -> Run:
    from libpysal.graph import Graph

    import geopoverty as gp

    counties = gp.datasets.us_counties()
    values = _values(len(counties))
    return lambda: (
        Graph.build_contiguity(counties, rook=False).transform("r").lag(values)
    )


if __name__ == "__main__":
    bench.main()

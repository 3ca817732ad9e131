"""Spatial weights from travel times and borders: geopoverty and libpysal.

Every case ends with one spatial lag, so that nothing is left to be done later.
Inputs lie in memory in the form each package takes; only the cases "from Parquet"
read a file.
"""

from pathlib import Path

from harness import Bench, Run

PLACES, NEAREST, CUTOFF = 3000, 8, 240.0
PACKAGES = ("geopoverty", "libpysal", "numpy", "scipy", "pandas", "pyarrow")


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pyarrow as pa
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


from_file_group = "from Parquet to weights within 240 minutes"


@bench.case(from_file_group, "geopoverty read_travel_times + travel_weights")
def own_from_file(folder: Path) -> Run:
    import geopoverty as gp

    path, values = folder / "pairs.parquet", _values(PLACES)

    def run():
        times = gp.read_travel_times(path, status="simulated")
        return gp.travel_weights(times, cutoff=CUTOFF).lag(values)

    return run


@bench.case(from_file_group, "pandas read + filter + libpysal Graph")
def graph_from_file(folder: Path) -> Run:
    import libpysal.graph  # noqa: F401
    import pandas as pd

    path, values = folder / "pairs.parquet", _values(PLACES)

    def run():
        table = pd.read_parquet(path)
        return _graph_of_table(table[table["travel_time"] <= CUTOFF], values)

    return run


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

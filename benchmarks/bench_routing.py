"""Travel times over a made-up road network of 10^6 pieces: geopoverty and peers.

Every case ends with a table of minutes from every place to every other. scipy and
pandana do a share of the sources, and the rest of their time is reckoned from that: the
note says so. pandana (AGPL-3.0) is no dependency of geopoverty; its case fails where it
is not installed.
"""

import time
from pathlib import Path

from harness import Bench, Run, peak_bytes, restart_peak
from routing_network import network

PIECES, PLACES, SHARE = 1_000_000, 3000, 20
SMALL_PIECES, SMALL_PLACES = 100_000, 500
PACKAGES = ("geopoverty", "numba", "numpy", "scipy", "pandana")
TABLES = {"large": (PIECES, PLACES), "small": (SMALL_PIECES, SMALL_PLACES)}


def make_inputs(folder: Path) -> None:
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    for name, (pieces, places) in TABLES.items():
        made = network(pieces)
        n = len(made["xy"])
        ones = np.ones(len(made["start"]))
        table = csr_array((ones, (made["start"], made["end"])), shape=(n, n))
        _, part = connected_components(table, connection="strong")
        largest = np.flatnonzero(part == np.bincount(part).argmax())
        rng = np.random.default_rng(1)
        made["places"] = rng.choice(largest, places, replace=False)
        np.savez(folder / f"{name}.npz", **made)


def _arrays(folder: Path, which: str):
    import numpy as np

    with np.load(folder / f"{which}.npz") as held:
        return {name: held[name] for name in held.files}


def _some(table) -> list[float]:
    """Return minutes of a few pairs that every case has."""
    return [float(table[i, j]) for i, j in ((0, 1), (3, 77), (7, 200), (19, 450))]


class Reckoned:
    """A run whose time is reckoned from a share of the sources."""

    def __init__(self, prepare, some_rows, places: int) -> None:
        self.prepare, self.some_rows, self.places = prepare, some_rows, places

    def seconds(self, runs: int) -> dict:
        before = restart_peak()
        start = time.perf_counter()
        ready = self.prepare()
        made = time.perf_counter() - start
        found = []
        for _ in range(min(runs, 3)):
            start = time.perf_counter()
            table = self.some_rows(ready)
            rows = time.perf_counter() - start
            found.append(made + rows * self.places / SHARE)
        return {
            "seconds": found,
            "peak_mb": (peak_bytes() - before) / 2**20,
            "numbers": _some(table),
            "note": f"reckoned from {SHARE} of {self.places:,} sources",
        }


bench = Bench("Routing all pairs of places", make_inputs, PACKAGES)


def add(which: str) -> None:
    pieces, places = TABLES[which]
    group = f"{places:,} x {places:,} places, {pieces:,} pieces of road"

    @bench.case(group, "geopoverty route_travel_times")
    def own(folder: Path) -> Run:
        import geopandas as gpd
        import numpy as np
        import pandas as pd

        from geopoverty.routing import Roads, route_travel_times

        held = _arrays(folder, which)
        lon, lat = (held["xy"] / 111.0).T
        n = len(lon)
        at = held["places"]
        towns = gpd.GeoDataFrame(
            index=[f"{i:04d}" for i in range(places)],
            geometry=gpd.points_from_xy(lon[at], lat[at]),
            crs=4326,
        )

        def run():
            roads = Roads(
                pd.RangeIndex(n),
                lon,
                lat,
                held["start"],
                held["end"],
                held["minutes"],
                np.ones(n, dtype=bool),
            )
            return _some(route_travel_times(towns, network=roads).matrix)

        return run

    @bench.case(group, "scipy csgraph.dijkstra")
    def scipys(folder: Path) -> Run:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import dijkstra

        held = _arrays(folder, which)
        n, at = len(held["xy"]), held["places"]

        def prepare():
            # Parallel ways are rare in the made-up network; their minutes add up here.
            ends = (held["start"], held["end"])
            return coo_array((held["minutes"], ends), shape=(n, n)).tocsr()

        return Reckoned(
            prepare, lambda table: dijkstra(table, indices=at[:SHARE])[:, at], places
        )

    @bench.case(group, "pandana shortest_path_lengths (contraction hierarchies)")
    def pandanas(folder: Path) -> Run:
        import numpy as np
        import pandana
        import pandas as pd

        held = _arrays(folder, which)
        at = held["places"]
        one, other = np.repeat(at[:SHARE], places), np.tile(at, SHARE)

        def prepare():
            x, y = held["xy"].T
            minutes = pd.DataFrame({"minutes": held["minutes"]})
            start, end = pd.Series(held["start"]), pd.Series(held["end"])
            return pandana.Network(
                pd.Series(x), pd.Series(y), start, end, minutes, twoway=False
            )

        def some_rows(ready):
            found = ready.shortest_path_lengths(one, other)
            return np.array(found).reshape(SHARE, places)

        return Reckoned(prepare, some_rows, places)


add("small")
add("large")

if __name__ == "__main__":
    bench.main()

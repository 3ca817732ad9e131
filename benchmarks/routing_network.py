"""A made-up road network with the shape of a real one, for the benchmark of routing.

Junctions lie at random, more of them around towns. Roads are short edges between
them, thinned until most junctions have three; seven in eight nodes are bends between
two neighbours, as in OpenStreetMap; one in seven local roads is one-way.
Quickest ways between large towns are trunk roads, those between smaller secondary.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

SIDE_KM = 600.0
BENDS = 3.2  # on a road between two junctions, on average
KEPT = 0.18  # of the roads that do not belong to the tree
ONE_WAY = 0.14
LOCAL, SECONDARY, TRUNK = 35.0, 60.0, 95.0  # km/h


def network(pieces: int, seed: int = 8) -> dict[str, np.ndarray]:
    """Return nodes and directed ways of a network of about `pieces` pieces."""
    rng = np.random.default_rng(seed)
    junctions = int(pieces / (1 + BENDS) / 1.36)
    xy = _junctions(junctions, rng)
    one, other = _thinned(xy, rng)
    km = np.linalg.norm(xy[one] - xy[other], axis=1) * rng.uniform(1.02, 1.4, len(one))
    kmh = _speeds(xy, one, other, km, rng)
    return _bent(xy, one, other, km, kmh, rng)


def _junctions(count: int, rng: np.random.Generator) -> np.ndarray:
    towns = rng.uniform(0, SIDE_KM, size=(count // 400, 2))
    size = rng.pareto(1.2, len(towns)) + 0.2
    owner = rng.choice(len(towns), size=count // 2, p=size / size.sum())
    spread = 0.5 * np.sqrt(size[owner])[:, None]
    urban = towns[owner] + spread * rng.normal(size=(count // 2, 2))
    rural = rng.uniform(0, SIDE_KM, size=(count - count // 2, 2))
    return np.clip(np.vstack([urban, rural]), 0, SIDE_KM)


def _thinned(xy: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    corners = Delaunay(xy).simplices
    pairs = np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    km = np.linalg.norm(xy[pairs[:, 0]] - xy[pairs[:, 1]], axis=1) + 1e-9
    shape = (len(xy), len(xy))
    tree = minimum_spanning_tree(coo_array((km, pairs.T), shape=shape).tocsr()).tocoo()
    held = np.sort(np.column_stack([tree.row, tree.col]), axis=1)
    extra = pairs[rng.uniform(size=len(pairs)) < KEPT]
    both = np.unique(np.vstack([held, extra]), axis=0)
    return both[:, 0], both[:, 1]


def _speeds(xy, one, other, km, rng) -> np.ndarray:
    kmh = np.full(len(one), LOCAL)
    n = len(xy)
    key = np.minimum(one, other).astype(np.int64) * n + np.maximum(one, other)
    order = np.argsort(key)
    for count, speed, reach in ((600, SECONDARY, 45.0), (60, TRUNK, 160.0)):
        time = coo_array((km / kmh, (one, other)), shape=(n, n)).tocsr()
        spots = rng.uniform(0, SIDE_KM, size=(count, 2))
        centres = np.unique(cKDTree(xy).query(spots)[1])
        _, before = dijkstra(
            time,
            directed=False,
            indices=centres,
            limit=3 * reach / LOCAL,
            return_predecessors=True,
        )
        apart = cKDTree(xy[centres]).query_ball_point(xy[centres], reach)
        for start, ends in enumerate(apart):
            for end in centres[ends]:
                node = end
                while before[start, node] >= 0:
                    last = before[start, node]
                    wanted = np.int64(min(node, last)) * n + max(node, last)
                    kmh[order[np.searchsorted(key, wanted, sorter=order)]] = speed
                    node = last
    return kmh


def _bent(xy, one, other, km, kmh, rng) -> dict[str, np.ndarray]:
    """Cut each road into pieces; a share of the local roads is one-way."""
    bends = rng.geometric(1 / (1 + BENDS), len(one)) - 1
    road = np.repeat(np.arange(len(one)), bends + 1)
    first = np.concatenate([[0], np.cumsum(bends + 1)[:-1]])
    nth = np.arange(len(road)) - first[road]
    bend = len(xy) + np.concatenate([[0], np.cumsum(bends)[:-1]])[road] + nth
    start = np.where(nth == 0, one[road], bend - 1)
    end = np.where(nth == bends[road], other[road], bend)
    minutes = (60 * km / kmh / (bends + 1))[road]
    share = ((nth + 1) / (bends[road] + 1))[:, None]
    inner = (xy[one[road]] * (1 - share) + xy[other[road]] * share)[nth < bends[road]]
    single = (rng.uniform(size=len(one)) < ONE_WAY) & (kmh == LOCAL)
    back = ~single[road]
    return {
        "xy": np.vstack([xy, inner]),
        "start": np.concatenate([start, end[back]]),
        "end": np.concatenate([end, start[back]]),
        "minutes": np.concatenate([minutes, minutes[back]]),
    }

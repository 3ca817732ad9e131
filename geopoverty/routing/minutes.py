"""Minutes between units over roads: blocks of ways, gathered as they are found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from scipy import sparse

from geopoverty._progress import progress
from geopoverty.numerics.routing.contract import contracted
from geopoverty.numerics.routing.digraph import Digraph
from geopoverty.numerics.routing.dijkstra import searches
from geopoverty.numerics.routing.hierarchy import hierarchy, is_flat, sweeps
from geopoverty.numerics.routing.tables import BLOCK, Fill, from_each_block
from geopoverty.numerics.types import Array, Codes, Matrix
from geopoverty.routing.means import Means, near_only, whole_units
from geopoverty.routing.points import Spots, straight_minutes
from geopoverty.routing.roads import Roads
from geopoverty.routing.snap import Snapped

T = TypeVar("T")
FEW = 16  # searches are done before a hierarchy is built


class _Run(Protocol):
    """Find minutes block by block, and give each to a function that keeps them."""

    def __call__(
        self,
        use: Callable[[slice, Array], T],
        *,
        bounds: Codes | None = None,
        limits: Array | None = None,
    ) -> list[T]: ...


def minutes_over_roads(
    roads: Roads,
    snapped: Snapped,
    *,
    access_kmh: float,
    cutoff: float | None,
    workers: int | None,
) -> Matrix:
    """Return the minutes between all units, shape (n, n).

    Parameters
    ----------
    roads : Roads
    snapped : Snapped
    access_kmh : float
        Between a point and its road.
    cutoff : float, optional
        Longer trips are left out, and what comes back is a CSR array.
    workers : int, optional

    Returns
    -------
    array or CSR array, shape (n, n)
        NaN, or absent, where there is no way; 0 to oneself in an array.
    """
    ends = _ends(snapped, access_kmh)
    different, which = np.unique(ends.node, return_inverse=True)
    fill, place = _ways(*contracted(roads.graph, different))

    def watch(steps: Iterator[list[T]], total: int) -> Iterator[list[T]]:
        return progress(steps, "Routing", total)

    def run(
        use: Callable[[slice, Array], T],
        *,
        bounds: Codes | None = None,
        limits: Array | None = None,
    ) -> list[T]:
        def whole(rows: slice, found: Array) -> T:
            return use(rows, ends.trips(rows, found[:, which]))

        return from_each_block(
            fill,
            place[which],
            place,
            whole,
            bounds=bounds,
            limits=limits,
            workers=workers,
            watch=watch,
        )

    if not snapped.spots.single:
        means = _mean_minutes(ends, run)
        return means if cutoff is None else near_only(means, cutoff)
    if cutoff is not None:
        return _near_minutes(ends, run, cutoff)
    return _all_minutes(ends, run)


def _ways(graph: Digraph, nodes: Codes) -> tuple[Fill, Codes]:
    """Return the quicker of two exact ways to fill a table, and where nodes are."""
    if len(nodes) < FEW or not is_flat(graph):
        return searches(graph), nodes
    made, where = hierarchy(graph, nodes)
    return sweeps(made), where


@dataclass(frozen=True, eq=False)
class _Ends:
    """The points that are tied to the network, and the minutes from each to its road.

    All arrays have one entry a point that is reached.
    """

    spots: Spots
    held: Codes
    node: Codes
    unit: Codes
    access: Array
    access_kmh: float

    def trips(self, rows: slice, ways: Array) -> Array:
        """Return minutes from door to door, shape of `ways`."""
        table: Array = ways + self.access[rows, None] + self.access
        one, other = np.nonzero(self.node[rows, None] == self.node)
        here = self.held[rows][one], self.held[other]
        table[one, other] = straight_minutes(self.spots, *here, self.access_kmh)
        return table


def _ends(snapped: Snapped, access_kmh: float) -> _Ends:
    held = np.flatnonzero(snapped.reached)
    access = 60 * snapped.km[held] / access_kmh
    unit = snapped.spots.unit[held]
    return _Ends(snapped.spots, held, snapped.node[held], unit, access, access_kmh)


def _all_minutes(ends: _Ends, run: _Run) -> Array:
    n = len(ends.spots.units)
    minutes = np.full((n, n), np.nan)

    def use(rows: slice, trips: Array) -> None:
        known = np.where(np.isfinite(trips), trips, np.nan)
        minutes[np.ix_(ends.unit[rows], ends.unit)] = known

    run(use)
    np.fill_diagonal(minutes, 0.0)
    return minutes


def _near_minutes(ends: _Ends, run: _Run, cutoff: float) -> sparse.csr_array:
    n = len(ends.spots.units)

    def use(rows: slice, trips: Array) -> tuple[Codes, Codes, Array]:
        one, other = np.nonzero(trips <= cutoff)
        return ends.unit[rows][one], ends.unit[other], trips[one, other]

    parts = run(use, limits=cutoff - ends.access)
    row, column, value = (np.concatenate(p) for p in zip(*parts, strict=True))
    apart = row != column
    pairs = (value[apart], (row[apart], column[apart]))
    return sparse.csr_array(pairs, shape=(n, n))


def _mean_minutes(ends: _Ends, run: _Run) -> Array:
    means = Means(ends.spots, ends.held)

    def use(rows: slice, trips: Array) -> None:
        means.add(ends.held[rows], trips)

    run(use, bounds=whole_units(ends.unit, BLOCK))
    return means.minutes()

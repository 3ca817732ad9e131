"""Tables of minutes, block by block and side by side."""

from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

import numpy as np

from geopoverty.numerics.routing.digraph import Ints
from geopoverty.numerics.threads import in_threads
from geopoverty.numerics.types import Array

T = TypeVar("T")
# From sources, targets and a limit a source to minutes, written into the last: inf
# where there is no way, or none within the limit.
Fill: TypeAlias = Callable[[Ints, Ints, Array, Array], None]
BLOCK = 32  # sources a task: enough to share the arrays of a search


def from_each_block(
    fill: Fill,
    sources: Ints,
    targets: Ints,
    use: Callable[[slice, Array], T],
    *,
    bounds: Ints | None = None,
    limits: Array | None = None,
    workers: int | None = None,
    watch: Callable[[Iterator[list[T]], int], Iterator[list[T]]] | None = None,
) -> list[T]:
    """Find the quickest minutes from blocks of sources to all targets.

    Parameters
    ----------
    fill : callable
        Such as `searches` of a network, or `sweeps` of its hierarchy.
    sources, targets : array of int, shapes (s,), (t,)
        Nodes; they may repeat.
    use : callable
        From the slice of a block of sources and their minutes, shape (up to 32, t), to
        what is kept of them. Blocks are done side by side.
    bounds : array of int, shape (tasks + 1,), optional
        Where runs of sources begin and end, from 0 to s, whose blocks are done one
        after the other; every block by itself when not given.
    limits : array, shape (s,), optional
        Longer ways from a source do not count.
    workers : int, optional
        Threads; as many as cores when not given.
    watch : callable, optional
        Such as a progress bar (see `in_threads`).

    Returns
    -------
    list
        What `use` returned, in the order of the blocks.

    Notes
    -----
    No more than one block a thread is held.
    """
    ends, begins = np.asarray(targets, np.int64), np.asarray(sources, np.int64)
    far = np.full(len(begins), np.inf) if limits is None else np.asarray(limits, float)
    edges = np.append(np.arange(0, len(begins), BLOCK), len(begins))
    if bounds is not None:
        edges = bounds

    def work(task: int) -> list[T]:
        kept, stop = [], int(edges[task + 1])
        for start in range(int(edges[task]), stop, BLOCK):
            rows = slice(start, min(start + BLOCK, stop))
            found = np.empty((rows.stop - rows.start, len(ends)))
            fill(begins[rows], ends, far[rows], found)
            kept.append(use(rows, found))
        return kept

    done = in_threads(work, len(edges) - 1, workers, watch)
    return [part for parts in done for part in parts]


def minutes_between(
    fill: Fill, sources: Ints, targets: Ints, *, workers: int | None = None
) -> Array:
    """Return the quickest minutes from each source to each target, inf without a way.

    See `searches` for an example.
    """
    found = np.empty((len(sources), len(targets)))

    def keep(rows: slice, block: Array) -> None:
        found[rows] = block

    from_each_block(fill, sources, targets, keep, workers=workers)
    return found

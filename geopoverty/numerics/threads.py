"""Work in threads: results in order, the same whatever their number."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")


def in_threads(
    work: Callable[[int], T],
    count: int,
    workers: int | None = None,
    watch: Callable[[Iterator[T], int], Iterator[T]] | None = None,
) -> list[T]:
    """Return ``work(0)``, ..., ``work(count - 1)``, done side by side.

    Parameters
    ----------
    work : callable
        It must not keep state.
    count : int
    workers : int, optional
        Threads, 1 or more; as many as there are cores when not given.
    watch : callable, optional
        From the running results and their number to the same, such as a progress
        bar.

    Notes
    -----
    Linear algebra keeps to one thread meanwhile: threads within threads wait for one
    another, and their number would show in the last digits.

    Examples
    --------
    >>> in_threads(lambda i: i * i, 4, workers=2)
    [0, 1, 4, 9]
    """
    threads = (os.cpu_count() or 1) if workers is None else workers
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        steps = pool.map(work, range(count))
        return list(steps if watch is None else watch(steps, count))

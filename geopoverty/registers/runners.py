"""Who sums over the parts of a register: threads here, or workers of a cluster."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd
from threadpoolctl import threadpool_limits

from geopoverty._progress import progress
from geopoverty.errors import EstimationError, GeoPovertyError, InputError
from geopoverty.numerics.rows import Combines, Parts, combined
from geopoverty.registers.parts import Part

TableKernel = Callable[[pd.DataFrame], Parts]
AHEAD = 4  # parts handed out for each worker, so that none waits and few are held


@dataclass(frozen=True, eq=False)
class Job:
    """What to sum over each part.

    Attributes
    ----------
    columns : tuple of str
    kernel : callable
        From a table of some rows to parts of a sum; an empty tuple for none.
    combine : callable
    """

    columns: tuple[str, ...]
    kernel: TableKernel
    combine: Combines

    def over(self, part: Part) -> Parts:
        """Return the sum over one part.

        Raises
        ------
        InputError, EstimationError
            Named after the part.
        """
        sums: Parts = ()
        try:
            for table in part.batches(self.columns):
                found = self.kernel(table)
                if found:
                    sums = combined(sums, found, self.combine)
        except GeoPovertyError as error:
            if str(error).startswith(part.name):
                raise
            kind = EstimationError if isinstance(error, EstimationError) else InputError
            raise kind(f"{part.name}: {error}") from error
        return sums


class Runner(Protocol):
    """Who does a job on every part."""

    def sums(self, parts: Sequence[Part], job: Job) -> Iterator[Parts]:
        """Yield the sum of each part, in their order."""


@dataclass(frozen=True)
class Threads:
    """Threads of this process, each on a part of its own.

    Attributes
    ----------
    workers : int, optional
        As many as there are cores when not given.
    """

    workers: int | None = None

    def sums(self, parts: Sequence[Part], job: Job) -> Iterator[Parts]:
        """Yield the sum of each part, in their order."""
        count = min(self.workers or os.cpu_count() or 1, len(parts))
        # Linear algebra keeps to one thread: threads in threads wait for one another.
        with threadpool_limits(1), ThreadPoolExecutor(count) as pool:
            yield from _ahead(
                parts, lambda p: pool.submit(job.over, p), count, lambda f: f.result()
            )


@dataclass(frozen=True, eq=False)
class Workers:
    """Workers of a Dask cluster.

    Attributes
    ----------
    client : distributed.Client
    """

    client: Any = field(repr=False)

    def sums(self, parts: Sequence[Part], job: Job) -> Iterator[Parts]:
        """Yield the sum of each part, in their order.

        A worker that dies has its parts done again by another; since sums are added in
        the order of the parts, the result is the same to the last digit.
        """
        threads = max(sum(self.client.nthreads().values()), 1)
        held = self.client.scatter(job, hash=False) if parts else None
        yield from _ahead(
            parts,
            lambda p: self.client.submit(_done, held, p, pure=False),
            threads,
            lambda f: f.result(),
        )


def _done(job: Job, part: Part) -> Parts:
    with threadpool_limits(1):
        return job.over(part)


def total(runner: Runner, parts: Sequence[Part], job: Job, label: str) -> Parts:
    """Return the sum over all parts, added in their order.

    Examples
    --------
    >>> from geopoverty.registers.parts import FramePart
    >>> halves = [FramePart(n, pd.DataFrame({"x": [n]})) for n in (1, 2)]
    >>> job = Job(("x",), lambda t: (t["x"].to_numpy().sum(),), lambda a, b: a + b)
    >>> int(total(Threads(1), halves, job, "Adding")[0])
    3
    """
    sums: Parts = ()
    for found in progress(runner.sums(parts, job), label, len(parts)):
        if found:
            sums = combined(sums, found, job.combine)
    return sums


def _ahead(
    parts: Iterable[Part],
    submit: Callable[[Part], Any],
    workers: int,
    result: Callable[[Any], Parts],
) -> Iterator[Parts]:
    """Keep some parts in work, and yield what they give in order."""
    waiting: list[Any] = []
    try:
        for part in parts:
            waiting.append(submit(part))
            if len(waiting) >= AHEAD * workers:
                yield result(waiting.pop(0))
        while waiting:
            yield result(waiting.pop(0))
    finally:
        for future in waiting:
            future.cancel()

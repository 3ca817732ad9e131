"""Dask: its tables as registers, and its clusters as those who sum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from geopoverty.errors import InputError, MissingExtraError
from geopoverty.numerics.rows import Parts
from geopoverty.registers.parts import FramePart
from geopoverty.registers.runners import AHEAD, Job, Workers

PATIENCE = "10s"  # how long to wait for a cluster to answer


@dataclass(frozen=True, eq=False)
class PartitionPart:
    """A partition of a Dask table, not yet computed.

    Attributes
    ----------
    name : str
    partition : dask.delayed.Delayed
    """

    name: str
    partition: Any = field(repr=False)

    def batches(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Compute the partition here and yield its rows."""
        table = self.partition.compute(scheduler="sync")
        yield from FramePart(self.name, table).batches(columns)


@dataclass(frozen=True, eq=False)
class Partitions:
    """Dask's own scheduler, on the partitions of its table.

    Attributes
    ----------
    client : distributed.Client or None
        None: Dask's scheduler of this process.
    """

    client: Any = field(repr=False)

    def sums(self, parts: Sequence[Any], job: Job) -> Iterator[Parts]:
        """Yield the sum of each partition, in their order."""
        dask: Any = import_module("dask")
        held = dask.delayed(job, pure=False, traverse=False)
        tasks = [dask.delayed(_summed)(p.partition, p.name, held) for p in parts]
        if self.client is not None:
            for future in self.client.compute(tasks):
                yield future.result()
            return
        for start in range(0, len(tasks), AHEAD):  # few are held at once
            yield from dask.compute(*tasks[start : start + AHEAD], scheduler="threads")


def _summed(table: pd.DataFrame, name: str, job: Job) -> Parts:
    with threadpool_limits(1):
        return job.over(FramePart(name, table))


def is_dask(source: object) -> bool:
    """Say whether something is a Dask table, without importing Dask.

    Examples
    --------
    >>> is_dask(pd.DataFrame())
    False
    """
    module = type(source).__module__.partition(".")[0]
    return module in ("dask", "dask_expr") and hasattr(source, "to_delayed")


def partitions_of(
    source: Any,
) -> tuple[list[PartitionPart], dict[str, Any], Partitions]:
    """Return the partitions of a Dask table, its columns' types, and who sums."""
    delayed = source.to_delayed()
    count = len(delayed)
    parts = [
        PartitionPart(f"Partition {i + 1} of {count}", d) for i, d in enumerate(delayed)
    ]
    kinds: Mapping[Any, Any] = source.dtypes.to_dict()
    return parts, {str(c): k for c, k in kinds.items()}, Partitions(current_client())


def current_client() -> Any:
    """Return the Dask client of this process, None if there is none."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        return None
    try:
        return distributed.get_client()
    except ValueError:
        return None


def workers_of(cluster: Any) -> Workers:
    """Return the workers of a Dask client, a cluster or an address.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    InputError
        If the cluster cannot be reached, or has no workers.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise MissingExtraError(
            "A cluster needs Dask: pip install 'geopoverty[cluster]'."
        ) from error
    client = cluster
    if not isinstance(cluster, distributed.Client):
        try:
            client = distributed.Client(cluster, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"The cluster '{cluster}' cannot be reached "
                f"({type(error).__name__}). Check its address and that its scheduler "
                "runs, or leave out cluster= to work on this machine."
            ) from error
    if not client.scheduler_info()["workers"]:
        raise InputError(
            "The cluster has no workers. Start some, such as 'dask worker ADDRESS'."
        )
    return Workers(client)

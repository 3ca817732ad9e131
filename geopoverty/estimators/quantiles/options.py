"""How standard errors of regression quantiles are computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geopoverty._checks import require_option
from geopoverty.covariances import Cluster, WildCluster
from geopoverty.errors import InputError

NAMES = ("nid", "iid", "bootstrap")


@dataclass(frozen=True)
class QuantileBootstrap:
    """Draw rows, or whole clusters, with their outcomes, and fit again.

    Attributes
    ----------
    draws : int
        At least 2.
    seed : int
        The same seed gives the same numbers, whatever the number of workers.
    by : str, optional
        Column of clusters; rows are drawn when not given.
    workers : int, optional
        Threads; as many as there are cores when not given.

    Examples
    --------
    >>> QuantileBootstrap(by="village").draws
    500
    """

    draws: int = 500
    seed: int = 0
    by: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("draws", 2), ("seed", 0), ("workers", 1)):
            value = getattr(self, name)
            if value is None and name == "workers":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(
                    f"{name} must be a whole number from {least}; got {value!r}."
                )


QuantileVcov = str | QuantileBootstrap


def vcov_of(vcov: Any) -> QuantileVcov:
    """Check the option; ``"bootstrap"`` becomes draws of rows.

    Raises
    ------
    InputError
        If it is unknown, or clusters are asked for in another way.

    Examples
    --------
    >>> vcov_of("bootstrap")
    QuantileBootstrap(draws=500, seed=0, by=None, workers=None)
    """
    if isinstance(vcov, QuantileBootstrap):
        return vcov
    if isinstance(vcov, Cluster | WildCluster) or vcov == "cluster":
        by = vcov if isinstance(vcov, str) else vcov.by
        column = "unit_id" if by == "cluster" else by
        raise InputError(
            "Quantile regression allows for clusters by drawing them: use "
            f"vcov=QuantileBootstrap(by={column!r})."
        )
    require_option(vcov, NAMES, "vcov")
    return QuantileBootstrap() if vcov == "bootstrap" else str(vcov)


def quantiles_of(quantiles: Any) -> tuple[float, ...]:
    """Return the quantiles in ascending order.

    Raises
    ------
    InputError
        If there is none, one is not inside (0, 1), or one stands twice.

    Examples
    --------
    >>> quantiles_of([0.9, 0.5]), quantiles_of(0.5)
    ((0.5, 0.9), (0.5,))
    """
    listed: Sequence[Any] = [quantiles] if np.ndim(quantiles) == 0 else list(quantiles)
    if not listed:
        raise InputError("quantiles must name at least one, such as (0.5,).")
    wrong = [q for q in listed if not _inside(q)]
    if wrong:
        raise InputError(
            "Quantiles must be inside (0, 1); "
            f"{len(wrong)} of {len(listed)} break this "
            f"({', '.join(str(q) for q in wrong[:5])}). Write 0.3 for 30 %."
        )
    found = tuple(sorted(float(q) for q in listed))
    if len(set(found)) < len(found):
        raise InputError(f"Each quantile may stand once; got {found}.")
    return found


def _inside(quantile: Any) -> bool:
    numbers = (int, float, np.integer, np.floating)
    return isinstance(quantile, numbers) and bool(0 < quantile < 1)

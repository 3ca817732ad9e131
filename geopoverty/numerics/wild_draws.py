"""Random weights of clusters for a wild bootstrap, and what draws say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geopoverty.numerics.types import Array

WEBB_BELOW = 12  # clusters; with fewer, two-point weights leave too few draws
CLOSE = 1e-9  # relative: statistics this close to one another are ties
VALUES = {
    "rademacher": (-1.0, 1.0),
    # Webb (2023): mean 0, variance 1, fourth moment 7/6.
    "webb": (-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5),
}


@dataclass(frozen=True, eq=False)
class Draws:
    """Weights of clusters in every draw.

    Attributes
    ----------
    codes : array of int8, shape (draws, clusters)
        Which of `values` each cluster has.
    values : array
    kind : {"rademacher", "webb"}
    exact : bool
        Whether these are all draws there are: half of them, for a draw and its
        negative have the same absolute statistic, and without the sample itself.
    """

    codes: NDArray[np.int8]
    values: Array
    kind: str
    exact: bool

    @property
    def count(self) -> int:
        """Number of draws, both signs counted where all are there."""
        return 2 * (len(self.codes) + 1) if self.exact else len(self.codes)

    def p_value(self, statistic: float, drawn: Array) -> float:
        """Return the share of draws at least as far from 0, the sample included."""
        above = int((np.abs(drawn) >= abs(statistic) * (1 - CLOSE)).sum())
        return (above + 1) / (len(drawn) + 1)

    def critical(self, drawn: Array, level: float) -> float:
        """Return the value up to which |statistic| is not rejected at `level`."""
        size = len(drawn)
        rank = int(np.floor(level * (size + 1) + CLOSE)) - 1
        if rank < 0:
            return float("inf")
        return float(np.partition(np.abs(drawn), size - 1 - rank)[size - 1 - rank])


def cluster_draws(
    groups: int, draws: int = 9999, kind: str | None = None, seed: int = 0
) -> Draws:
    """Draw weights of clusters.

    Parameters
    ----------
    groups : int
        Clusters, at least 2.
    draws : int
        All 2^groups two-point weights are taken when they are no more than this.
    kind : {"rademacher", "webb"}, optional
        Two points of equal chance, or six [1]_; six with fewer than 12 clusters when
        not given.
    seed : int

    Returns
    -------
    Draws
        The same for the same seed on any machine.

    References
    ----------
    .. [1] Webb, M. D. (2023). Reworking wild bootstrap-based inference for clustered
       errors. Canadian Journal of Economics 56, 839-858.

    Examples
    --------
    >>> all_of_them = cluster_draws(3, kind="rademacher")
    >>> all_of_them.count, all_of_them.exact
    (8, True)
    >>> cluster_draws(3, draws=99).kind
    'webb'
    """
    kind = kind or ("webb" if groups < WEBB_BELOW else "rademacher")
    values = np.array(VALUES[kind])
    if kind == "rademacher" and groups < 63 and 2**groups <= draws:
        # The last cluster keeps its sign: the other half are their negatives.
        bits = np.arange(1, 2 ** (groups - 1))[:, None] >> np.arange(groups)
        return Draws(((bits & 1) ^ 1).astype(np.int8), values, kind, exact=True)
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, len(values), size=(draws, groups), dtype=np.int8)
    return Draws(codes, values, kind, exact=False)

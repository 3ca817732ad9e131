"""How standard errors allow for dependence: the options and what they compute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from geopoverty._checks import first, require_option, warn
from geopoverty.errors import InputError
from geopoverty.numerics.covariance import (
    Scores,
    cluster_factor,
    group_sums,
    kernel_meat,
    outer_sum,
    sandwich,
)
from geopoverty.numerics.types import Array, Codes, Matrix

NAMES = ("iid", "hc0", "hc1", "cluster")
FEW = 40


class Distances(Protocol):
    """Distances or minutes between units, such as `TravelTimes`."""

    @property
    def units(self) -> pd.Index:
        """The units, in order of rows."""

    @property
    def matrix(self) -> Any:
        """Dense with NaN, or sparse, where units are out of reach."""


@dataclass(frozen=True)
class Cluster:
    """Errors may depend on one another within clusters.

    Attributes
    ----------
    by : str or pair of str
        One column, or two for two-way clusters (Cameron, Gelbach & Miller 2011).
    correction : {"hc1", "groups"}
        Small-sample factor: ``G/(G-1) (n-1)/(n-k)`` as statsmodels and R's
        sandwich, or ``G/(G-1)`` as Stata's logit and probit. Two-way clusters
        use each part's own G, but `panel` the smaller, as fixest and reghdfe.

    Examples
    --------
    >>> Cluster("unit_id").columns
    ('unit_id',)
    """

    by: str | tuple[str, ...]
    correction: str = "hc1"

    def __post_init__(self) -> None:
        require_option(self.correction, ("hc1", "groups"), "correction")
        if not 1 <= len(self.columns) <= 2 or len(set(self.columns)) < len(
            self.columns
        ):
            raise InputError(
                f"Cluster takes one column or two different ones; got {self.by!r}."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, one or two."""
        return (self.by,) if isinstance(self.by, str) else tuple(self.by)


@dataclass(frozen=True, eq=False)
class Conley:
    """Errors may depend on one another between units that are close.

    Scores are summed over all rows and periods of a unit, so a cutoff below the
    shortest trip gives clusters on the unit (without a small-sample factor).

    Attributes
    ----------
    distances : TravelTimes
        Minutes; for kilometres, ``model_travel_times(places, speed_kmh=60,
        circuity=1)``: at 60 km/h on a great circle a minute is a kilometre. The
        mean of both directions counts.
    cutoff : float
        Above 0, in the unit of `distances`: no dependence from there on.
    kernel : {"bartlett", "uniform"}
        Falling as ``1 - d/cutoff``, or 1 up to the cutoff.

    References
    ----------
    Conley, T. G. (1999). GMM estimation with cross sectional dependence.
    Journal of Econometrics 92, 1-45.
    """

    distances: Distances
    cutoff: float
    kernel: str = "bartlett"

    def __post_init__(self) -> None:
        require_option(self.kernel, ("bartlett", "uniform"), "kernel")
        if not 0 < self.cutoff < np.inf:
            raise InputError(f"cutoff must be above 0; got {self.cutoff}.")

    def weights(self, units: pd.Index) -> Matrix:
        """Return how much each pair of `units` counts together, (u, u)."""
        where = self.distances.units.get_indexer(units)
        if (where < 0).any():
            raise InputError(
                f"Conley needs the distance of every unit; {(where < 0).sum()} of "
                f"{len(units)} units have none ({first(units[where < 0])}). Add them, "
                "or drop their rows."
            )
        matrix = self.distances.matrix
        return (
            self._dense(matrix, where)
            if not sparse.issparse(matrix)
            else (self._sparse(matrix, where))
        )

    def _at(self, distance: Array) -> Array:
        near = distance <= self.cutoff
        if self.kernel == "uniform":
            return near.astype(np.float64)
        return np.where(near, 1 - distance / self.cutoff, 0.0)

    def _dense(self, matrix: Array, where: Codes) -> Array:
        picked = matrix[np.ix_(where, where)]
        kernel = self._at((picked + picked.T) / 2)
        np.fill_diagonal(kernel, 1.0)
        return kernel

    def _sparse(self, matrix: sparse.csr_array, where: Codes) -> Any:
        picked = sparse.csr_array(matrix[where][:, where])
        both = sparse.coo_array((picked + picked.T) / 2)
        # A pair known in one direction only is not known: it does not count.
        known = sparse.csr_array(picked.astype(bool).multiply(picked.T.astype(bool)))
        kept = (both.row != both.col) & np.asarray(known[both.row, both.col]).ravel()
        row, column = both.row[kept], both.col[kept]
        own = np.arange(len(where))
        return sparse.csr_array(
            (
                np.concatenate([self._at(both.data[kept]), np.ones(len(own))]),
                (np.concatenate([row, own]), np.concatenate([column, own])),
            ),
            shape=both.shape,
        )


Vcov = str | Cluster | Conley


@dataclass(frozen=True)
class SmallSample:
    """What small-sample factors count.

    Attributes
    ----------
    parameters : int
        For HC1.
    clustered : int
        For clusters: fixed effects nested in them do not count.
    fewest : bool
        Two-way clusters: the smaller G for all parts, as fixest and reghdfe;
        else each part its own, as sandwich.
    """

    parameters: int
    clustered: int
    fewest: bool = False


@dataclass(frozen=True)
class Covariance:
    """A covariance and what to say about it.

    Attributes
    ----------
    matrix : array, shape (k, k)
    facts : mapping
        ``vcov`` in words, ``n_clusters`` where there are any.
    notes : tuple of str
    """

    matrix: Array
    facts: Mapping[str, Any]
    notes: tuple[str, ...]


def resolved(vcov: Vcov, unit: str) -> Vcov:
    """Check the option; ``"cluster"`` becomes clusters on the unit.

    Raises
    ------
    InputError
        If it is unknown.

    Examples
    --------
    >>> resolved("cluster", "unit_id")
    Cluster(by='unit_id', correction='hc1')
    """
    if isinstance(vcov, Cluster | Conley):
        return vcov
    require_option(vcov, NAMES, "vcov")
    return Cluster(unit) if vcov == "cluster" else vcov


def columns_of(vcov: Vcov, unit: str) -> tuple[str, ...]:
    """Return the columns a resolved option needs.

    Examples
    --------
    >>> columns_of(Cluster(("unit_id", "period")), "unit_id")
    ('unit_id', 'period')
    """
    if isinstance(vcov, Cluster):
        return vcov.columns
    return (unit,) if isinstance(vcov, Conley) else ()


def covariance(
    vcov: Vcov,
    bread: Array,
    scores: Callable[[], Scores],
    rows: pd.DataFrame,
    unit: str,
    small: SmallSample | None = None,
) -> Covariance:
    """Compute a covariance from the inverse information and the scores.

    Parameters
    ----------
    vcov : str, Cluster or Conley
        Resolved.
    bread : array, shape (k, k)
        Inverse of the information.
    scores : callable
        Gives a fresh iterable of (slice, scores of these rows).
    rows : DataFrame, n rows
        With the columns that `vcov` needs.
    unit : str
        Column of unit ids, for Conley.
    small : SmallSample, optional
        The k coefficients count everywhere when not given.

    Returns
    -------
    Covariance

    Raises
    ------
    InputError
        If there are fewer than two clusters, or a distance is missing.

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 40 clusters.
    """
    k, n = len(bread), len(rows)
    small = small or SmallSample(k, k)
    if isinstance(vcov, Cluster):
        return _clustered(vcov, bread, scores, rows, small)
    if isinstance(vcov, Conley):
        codes, units = pd.factorize(rows[unit])
        sums = group_sums(scores(), codes, len(units), k)
        matrix, mended = sandwich(bread, kernel_meat(sums, vcov.weights(units)))
        label = f"Conley ({vcov.kernel}, cutoff {vcov.cutoff:g})"
        return Covariance(matrix, {"vcov": label}, _mended(mended))
    if vcov == "iid":
        return Covariance(bread, {"vcov": "inverse information"}, ())
    factor = n / (n - small.parameters) if vcov == "hc1" else 1.0
    matrix, _ = sandwich(bread, factor * outer_sum(scores(), k))
    return Covariance(matrix, {"vcov": vcov.upper()}, ())


def _clustered(
    vcov: Cluster,
    bread: Array,
    scores: Callable[[], Scores],
    rows: pd.DataFrame,
    small: SmallSample,
) -> Covariance:
    keys: list[Any] = [rows[c] for c in vcov.columns]
    if len(keys) == 2:
        keys.append(pd.MultiIndex.from_arrays([c.to_numpy() for c in keys]))
    coded = [pd.factorize(key) for key in keys]
    counts = [len(levels) for _, levels in coded]
    fewest = min(counts[: len(vcov.columns)])
    if fewest < 2:
        lone = vcov.columns[counts.index(1)]
        raise InputError(
            f"Clusters need at least two groups; '{lone}' has one. Cluster on another "
            "column, or use vcov='hc1'."
        )
    meat = np.zeros_like(bread)
    for sign, (codes, _), groups in zip((1, 1, -1), coded, counts, strict=False):
        counted = fewest if small.fewest else groups
        factor = cluster_factor(counted, len(rows), small.clustered, vcov.correction)
        sums = group_sums(scores(), codes, groups, len(bread))
        meat += sign * factor * (sums.T @ sums)
    matrix, mended = sandwich(bread, meat)
    facts = {"vcov": f"clustered by {' and '.join(vcov.columns)}", "n_clusters": fewest}
    return Covariance(matrix, facts, (*few_clusters(fewest), *_mended(mended)))


def few_clusters(groups: int) -> tuple[str, ...]:
    """Warn, and return the note, when clusters are too few to trust.

    Examples
    --------
    >>> few_clusters(40)
    ()
    """
    if groups >= FEW:
        return ()
    note = (
        f"There are only {groups} clusters: clustered standard errors tend to be too "
        f"small below {FEW}, and p-values with them."
    )
    warn(f"{note} Use larger samples of clusters, or read p-values with care.")
    return (note,)


def _mended(mended: bool) -> tuple[str, ...]:
    if not mended:
        return ()
    return (
        "The covariance was not positive semidefinite; its negative eigenvalues were "
        "set to 0 (Cameron, Gelbach & Miller 2011).",
    )

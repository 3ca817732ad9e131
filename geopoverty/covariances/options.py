"""How standard errors allow for dependence: the options."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from geopoverty._checks import first, require_option
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes, Matrix

NAMES = ("iid", "hc0", "hc1", "cluster")


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
    correction : {"hc1", "groups", "none"}
        Small-sample factor: ``G/(G-1) (n-1)/(n-k)`` as statsmodels and R's
        sandwich, ``G/(G-1)`` as Stata's logit, probit and stcox, or 1 as R's coxph.
        Two-way clusters use each part's own G, but `panel` the smaller, as fixest and
        reghdfe.

    Examples
    --------
    >>> Cluster("unit_id").columns
    ('unit_id',)
    """

    by: str | tuple[str, ...]
    correction: str = "hc1"

    def __post_init__(self) -> None:
        require_option(self.correction, ("hc1", "groups", "none"), "correction")
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


@dataclass(frozen=True)
class WildCluster:
    """Clusters too few for their standard errors: test by a wild bootstrap.

    The covariance is that of `Cluster`. p-values and intervals come from the
    restricted wild cluster bootstrap: of scores for a logit or probit (Kline &
    Santos 2012), of residuals for least squares (Cameron, Gelbach & Miller 2008).
    They stand in ``tables["wild"]`` and are those to read.

    Attributes
    ----------
    by : str
        One column.
    draws : int
        At least 99; 9,999 makes 5 % a whole number of draws.
    weights : {"rademacher", "webb"}, optional
        Two points or six (Webb 2023). When not given: six with fewer than 12
        clusters, else two. All 2^G two-point draws are taken, and nothing is left to
        chance, when they are no more than `draws`.
    seed : int
        The same seed gives the same numbers on any machine.
    conf_level : float, optional
        Of the intervals, by inversion of the test; None leaves them out, which is
        faster with many rows.
    correction : {"hc1", "groups"}
        See `Cluster`. It changes statistics, but no p-value.

    Examples
    --------
    >>> WildCluster("village").cluster
    Cluster(by='village', correction='hc1')
    """

    by: str
    draws: int = 9999
    weights: str | None = None
    seed: int = 0
    conf_level: float | None = 0.95
    correction: str = "hc1"

    def __post_init__(self) -> None:
        if not isinstance(self.by, str):
            raise InputError(f"WildCluster takes one column; got {self.by!r}.")
        require_option(self.weights, ("rademacher", "webb", None), "weights")
        require_option(self.correction, ("hc1", "groups"), "correction")
        if not self.draws >= 99:
            raise InputError(f"draws must be at least 99; got {self.draws}.")
        if self.conf_level is not None and not 0 < self.conf_level < 1:
            raise InputError(
                f"conf_level must be between 0 and 1, or None; got {self.conf_level}."
            )

    @property
    def cluster(self) -> Cluster:
        """The clusters whose covariance is reported."""
        return Cluster(self.by, self.correction)


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
        within = getattr(self.distances, "within", None)
        # The mean of both ways is within the cutoff only if each is within twice it.
        if within and not within.holds(cutoff=2 * self.cutoff, nearest=None):
            raise InputError(
                f"{within}; Conley with cutoff {self.cutoff:g} needs all within "
                f"{2 * self.cutoff:g}, for the mean of both ways counts. Read the "
                f"travel times with cutoff={2 * self.cutoff:g} or more."
            )

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


Vcov = str | Cluster | WildCluster | Conley


def resolved(vcov: Vcov, unit: str, *, wild: bool = False) -> Vcov:
    """Check the option; ``"cluster"`` becomes clusters on the unit.

    Parameters
    ----------
    vcov : str, Cluster, WildCluster or Conley
    unit : str
    wild : bool
        Whether the estimator has the wild bootstrap of `WildCluster`.

    Raises
    ------
    InputError
        If it is unknown, or not to be had here.

    Examples
    --------
    >>> resolved("cluster", "unit_id")
    Cluster(by='unit_id', correction='hc1')
    """
    if isinstance(vcov, WildCluster) and not wild:
        raise InputError(
            "This estimator has no wild cluster bootstrap. Use "
            f"vcov=Cluster({vcov.by!r}), and read p-values with care."
        )
    if isinstance(vcov, Cluster | WildCluster | Conley):
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
    if isinstance(vcov, WildCluster):
        return (vcov.by,)
    return (unit,) if isinstance(vcov, Conley) else ()

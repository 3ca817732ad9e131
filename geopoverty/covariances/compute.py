"""From the inverse information and the scores to a covariance, and what to say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from geopoverty._checks import warn
from geopoverty.covariances.options import Cluster, Conley, Vcov, WildCluster
from geopoverty.errors import InputError
from geopoverty.numerics.covariance import (
    Scores,
    cluster_factor,
    group_sums,
    kernel_meat,
    outer_sum,
    sandwich,
)
from geopoverty.numerics.types import Array

FEW = 40


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


class Spread(Protocol):
    """What a covariance asks of the scores, wherever their rows are."""

    @property
    def n(self) -> int:
        """Rows."""

    def outer(self) -> Array:
        """Return the sum of s s' over rows, shape (k, k)."""

    def grouped(self, columns: tuple[str, ...]) -> tuple[Array, pd.Index]:
        """Return sums of scores by the values of columns, (groups, k), and these."""


@dataclass(frozen=True, eq=False)
class ScoresOf:
    """Scores of the rows of a table.

    Attributes
    ----------
    scores : callable
        Gives a fresh iterable of (slice, scores of these rows).
    rows : DataFrame, n rows
    k : int
    """

    scores: Callable[[], Scores]
    rows: pd.DataFrame
    k: int

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.rows)

    def outer(self) -> Array:
        """Return the sum of s s' over rows, shape (k, k)."""
        return outer_sum(self.scores(), self.k)

    def grouped(self, columns: tuple[str, ...]) -> tuple[Array, pd.Index]:
        """Return sums of scores by the values of columns, (groups, k), and these."""
        key: Any = self.rows[columns[0]]
        if len(columns) > 1:
            key = pd.MultiIndex.from_arrays([self.rows[c].to_numpy() for c in columns])
        codes, levels = pd.factorize(key)
        return group_sums(self.scores(), codes, len(levels), self.k), pd.Index(levels)


def covariance(
    vcov: Vcov,
    bread: Array,
    scores: Callable[[], Scores],
    rows: pd.DataFrame,
    unit: str,
    small: SmallSample | None = None,
) -> Covariance:
    """Compute a covariance from the inverse information and the scores of a table.

    Parameters
    ----------
    vcov : str, Cluster, WildCluster or Conley
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
    return spread_covariance(
        vcov, bread, ScoresOf(scores, rows, len(bread)), unit, small
    )


def spread_covariance(
    vcov: Vcov,
    bread: Array,
    spread: Spread,
    unit: str,
    small: SmallSample | None = None,
) -> Covariance:
    """Compute a covariance from the inverse information and sums of scores.

    Parameters
    ----------
    vcov, bread, unit, small
        See `covariance`.
    spread : Spread
        Of rows wherever they are.
    """
    k, n = len(bread), spread.n
    small = small or SmallSample(k, k)
    if isinstance(vcov, WildCluster):
        # The bootstrap's own note says what to read: none on few clusters.
        return _clustered(vcov.cluster, bread, spread, small, said=True)
    if isinstance(vcov, Cluster):
        return _clustered(vcov, bread, spread, small)
    if isinstance(vcov, Conley):
        sums, units = spread.grouped((unit,))
        matrix, mended = sandwich(bread, kernel_meat(sums, vcov.weights(units)))
        label = f"Conley ({vcov.kernel}, cutoff {vcov.cutoff:g})"
        return Covariance(matrix, {"vcov": label}, _mended(mended))
    if vcov == "iid":
        return Covariance(bread, {"vcov": "inverse information"}, ())
    factor = n / (n - small.parameters) if vcov == "hc1" else 1.0
    matrix, _ = sandwich(bread, factor * spread.outer())
    return Covariance(matrix, {"vcov": vcov.upper()}, ())


def _clustered(
    vcov: Cluster,
    bread: Array,
    spread: Spread,
    small: SmallSample,
    *,
    said: bool = False,
) -> Covariance:
    ways = [(c,) for c in vcov.columns]
    summed = [spread.grouped(way)[0] for way in ways]
    fewest = min(len(sums) for sums in summed)
    if fewest < 2:
        lone = next(c for c, s in zip(vcov.columns, summed, strict=True) if len(s) < 2)
        raise InputError(
            f"Clusters need at least two groups; '{lone}' has one. Cluster on another "
            "column, or use vcov='hc1'."
        )
    if len(vcov.columns) == 2:
        summed.append(spread.grouped(vcov.columns)[0])
    meat = np.zeros_like(bread)
    for sign, sums in zip((1, 1, -1), summed, strict=False):
        counted = fewest if small.fewest else len(sums)
        factor = cluster_factor(counted, spread.n, small.clustered, vcov.correction)
        meat += sign * factor * (sums.T @ sums)
    matrix, mended = sandwich(bread, meat)
    facts = {"vcov": f"clustered by {' and '.join(vcov.columns)}", "n_clusters": fewest}
    few = () if said else few_clusters(fewest, vcov.columns)
    return Covariance(matrix, facts, (*few, *_mended(mended)))


def few_clusters(groups: int, columns: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Warn, and return the note, when clusters are too few to trust.

    Parameters
    ----------
    groups : int
    columns : tuple of str
        That make the clusters; with one, the note says how to bootstrap.

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
    way_out = "Use larger samples of clusters, or read p-values with care."
    if len(columns) == 1:
        note += (
            f" Where an estimator takes it, vcov=WildCluster({columns[0]!r}) gives "
            "p-values for few clusters."
        )
    warn(f"{note} {way_out}")
    return (note,)


def _mended(mended: bool) -> tuple[str, ...]:
    if not mended:
        return ()
    return (
        "The covariance was not positive semidefinite; its negative eigenvalues were "
        "set to 0 (Cameron, Gelbach & Miller 2011).",
    )

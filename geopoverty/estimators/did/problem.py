"""What every difference in differences starts from, and least squares on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.covariances import (
    Cluster,
    SmallSample,
    Vcov,
    WildCluster,
    covariance,
)
from geopoverty.design.build import Design
from geopoverty.design.columns import refuse_collinear
from geopoverty.numerics.did import TwoWay, swept, two_way
from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows of units in periods, some of them treated from some period on.

    Attributes
    ----------
    design : Design
    X : array, shape (n, k)
        Covariates that effects of units and periods do not absorb.
    names : list of str, length k
    groups : array of int, shape (n,)
        Of the effects: the unit, or without units when it was first treated.
    periods : array of int, shape (n,)
        In ascending order.
    labels : Index
        The periods.
    first : array, shape (n,)
        Number of the first treated period of the row's unit; infinite for never.
    unit : str or None
    vcov : str, Cluster, WildCluster or Conley
        Resolved.
    notes : tuple of str
    """

    design: Design
    X: Array
    names: list[str]
    groups: Codes
    periods: Codes
    labels: pd.Index
    first: Array
    unit: str | None
    vcov: Vcov
    notes: tuple[str, ...] = ()

    @property
    def y(self) -> Array:
        """Outcome, shape (n,)."""
        return self.design.y

    @property
    def rows(self) -> pd.DataFrame:
        """The rows used."""
        return self.design.rows

    @cached_property
    def treated(self) -> Mask:
        """Which rows are treated now, shape (n,)."""
        return np.asarray(self.periods >= self.first)

    @cached_property
    def ever(self) -> Mask:
        """Which rows belong to units that are treated at some time, shape (n,)."""
        return np.isfinite(self.first)

    @cached_property
    def n_groups(self) -> int:
        """Number of effects of groups."""
        return int(self.groups.max()) + 1

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.labels)

    @cached_property
    def starts(self) -> list[int]:
        """The different first treated periods, ascending."""
        return [int(s) for s in np.unique(self.first[self.ever])]

    @cached_property
    def balanced(self) -> bool:
        """Whether every unit has one row in every period."""
        return len(self.y) == self.n_groups * self.n_periods and self.unit is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make clusters, if any."""
        option = self.vcov
        option = option.cluster if isinstance(option, WildCluster) else option
        return option.columns if isinstance(option, Cluster) else ()


@dataclass(frozen=True, eq=False)
class Fit:
    """Least squares net of effects of groups and periods.

    Attributes
    ----------
    least : TwoWay
    names : list of str
    vcov : array, shape (k, k)
    df_t : float
    facts : mapping
    notes : tuple of str
    factor_counts : int
        Parameters that the clustered small-sample factor counts.
    """

    least: TwoWay
    names: list[str]
    vcov: Array
    df_t: float
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    counted: int


def least_squares(problem: Problem, columns: Array, names: list[str]) -> Fit:
    """Regress the outcome on columns, covariates and effects of groups and periods.

    Parameters
    ----------
    problem : Problem
    columns : array, shape (n, m)
        Such as the treatment.
    names : list of str, length m

    Raises
    ------
    InputError
        If columns determine one another.
    """
    every = [*names, *problem.names]
    X = np.column_stack([columns, problem.X])
    y, net = swept(problem.y, X, problem.groups, problem.periods)
    refuse_collinear(net, every)
    least = two_way(y, net)
    n, k = net.shape
    taken = problem.n_groups + problem.n_periods - 1
    counted = k + _not_nested(problem)
    if problem.vcov == "iid":
        sigma2 = float(least.residual @ least.residual) / (n - k - taken)
        matrix, facts = sigma2 * least.bread, {"vcov": "iid"}
        notes: tuple[str, ...] = ()
    else:
        scores = [(slice(0, n), least.X * least.residual[:, None])]
        cov = covariance(
            problem.vcov,
            least.bread,
            lambda: scores,
            problem.rows,
            problem.unit or "",
            SmallSample(k + taken, counted, fewest=True),
        )
        matrix, facts, notes = cov.matrix, dict(cov.facts), cov.notes
    groups = facts.get("n_clusters")
    df = float(n - k - taken if groups is None else int(str(groups)) - 1)
    return Fit(least, every, matrix, df, facts, notes, counted)


def _not_nested(problem: Problem) -> int:
    """Count the effects that are not nested in the clusters, as fixest does."""
    columns = problem.columns
    if not columns:
        return 0
    sizes = ((problem.groups, problem.n_groups), (problem.periods, problem.n_periods))
    free = [
        size
        for codes, size in sizes
        if all(_varies(problem.rows[c], codes) for c in columns)
    ]
    return sum(free) - len(free) + 1 if free else 1


def _varies(cluster: pd.Series, codes: Codes) -> bool:
    return bool(cluster.groupby(codes).nunique().max() > 1)

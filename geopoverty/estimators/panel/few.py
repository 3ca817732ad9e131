"""Panels in few clusters: the wild bootstrap net of fixed effects."""

import numpy as np

from geopoverty._checks import require
from geopoverty.covariances import WildCluster
from geopoverty.effects.wild import NO_WILD, Wild, wild_least_squares
from geopoverty.estimators.panel.problem import Problem
from geopoverty.numerics.covariance import cluster_factor
from geopoverty.numerics.strata import strata
from geopoverty.numerics.types import Array


def wild_within(problem: Problem, counted: int) -> Wild:
    """Test the coefficients of a panel by the restricted wild cluster bootstrap.

    Unit effects lie within clusters and are swept out, which leaves the draws of a
    cluster what they were; effects of periods cross clusters, so they stay as columns.

    Parameters
    ----------
    problem : Problem
    counted : int
        Parameters that the small-sample factor of the clustered covariance counts.

    Returns
    -------
    Wild
        Empty unless the covariance is a `WildCluster`.

    Raises
    ------
    InputError
        If a unit with an effect lies in several clusters.
    """
    vcov, rows, keys = problem.vcov, problem.rows, problem.keys
    if not isinstance(vcov, WildCluster):
        return NO_WILD
    groups = int(rows[vcov.by].nunique())
    factor = cluster_factor(groups, len(rows), counted, vcov.correction)
    y, X = problem.y, _with_periods(problem)
    if keys.unit in keys.absorbed:
        several = rows.groupby(keys.unit)[vcov.by].transform("nunique") > 1
        require(
            ~several.to_numpy(),
            f"With unit effects each {keys.unit} must lie in one {vcov.by}",
            ids=rows[keys.unit],
            way_out="Use a cluster that units stay in, or effects='period' or 'none'.",
        )
        by = strata(problem.units)
        y, X, rows = by.centred(y), by.centred(X), rows.iloc[by.order]
    return wild_least_squares(y, X, problem.design.names, vcov, rows, factor)


def _with_periods(problem: Problem) -> Array:
    if problem.keys.period not in problem.keys.absorbed:
        return problem.X
    # Without unit effects all periods are needed, for there is no constant.
    first = int(problem.keys.unit in problem.keys.absorbed)
    dummies = problem.periods[:, None] == np.arange(first, problem.n_periods)
    return np.column_stack([problem.X, dummies.astype(float)])

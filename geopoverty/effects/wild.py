"""Tests by the wild cluster bootstrap, as a table with what to say about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import warn
from geopoverty.covariances import FEW, WildCluster
from geopoverty.numerics.covariance import cluster_factor
from geopoverty.numerics.types import Array, Codes
from geopoverty.numerics.wild import WildTests, wild_linear, wild_tests
from geopoverty.numerics.wild_draws import Draws, cluster_draws
from geopoverty.numerics.wild_scores import Curve, WildProblem

FEWEST = 6  # clusters: with fewer, two-point weights give no p-value below 0.05


@dataclass(frozen=True, eq=False)
class Wild:
    """What the wild bootstrap says, ready for a Result.

    Attributes
    ----------
    tables : dict of str to DataFrame
        ``wild``: ``term, statistic, p_value, conf_low, conf_high, draws``.
    facts : dict
        ``wild_weights``, ``wild_draws``, ``wild_exact`` (all draws were taken).
    notes : tuple of str
    """

    tables: dict[str, pd.DataFrame]
    facts: dict[str, Any]
    notes: tuple[str, ...]


NO_WILD = Wild({}, {}, ())


@dataclass(frozen=True, eq=False)
class WildModel:
    """A fitted model whose coefficients are tested.

    Attributes
    ----------
    X : array, shape (n, k)
    y : array, shape (n,)
    names : sequence of str, length k
    beta : array, shape (k,)
    link : Logit or Probit
    w : array, shape (n,), optional
        Sampling weights.
    """

    X: Array
    y: Array
    names: Sequence[str]
    beta: Array
    link: type[Curve]
    w: Array | None = None


def wild_binary(
    model: WildModel,
    vcov: WildCluster,
    rows: pd.DataFrame,
    stepped: Callable[[], object] = lambda: None,
) -> Wild:
    """Test the coefficients of a logit or probit by a bootstrap of cluster scores.

    Parameters
    ----------
    model : WildModel
    vcov : WildCluster
    rows : DataFrame, n rows
        With the column of clusters.
    stepped : callable
        Called after every term.

    Returns
    -------
    Wild

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 6 clusters.
    """
    codes, groups, draws = _drawn(vcov, rows)
    n, k = model.X.shape
    problem = WildProblem(
        model.X,
        model.y,
        model.link,
        codes,
        groups,
        model.beta,
        cluster_factor(groups, n, k, vcov.correction),
        model.w,
    )
    found = wild_tests(problem, draws, None, vcov.conf_level, stepped)
    return _wild(found, draws, vcov, model.names, groups)


def wild_least_squares(
    y: Array,
    X: Array,
    names: Sequence[str],
    vcov: WildCluster,
    rows: pd.DataFrame,
    factor: float = 1.0,
) -> Wild:
    """Test the coefficients of least squares by the restricted wild cluster bootstrap.

    Parameters
    ----------
    y : array, shape (n,)
        Net of fixed effects that are nested in the clusters.
    X : array, shape (n, k)
        Net of the same effects, in the order of `names`; other effects, such as those
        of periods, as further columns behind them: they are held fixed, not tested.
    names : sequence of str
        The terms to test.
    vcov : WildCluster
    rows : DataFrame, n rows
        With the column of clusters.
    factor : float
        Small-sample factor of the clustered covariance.

    Returns
    -------
    Wild

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 6 clusters.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> homes = pd.DataFrame({"village": np.repeat(list("abcdefgh"), 5)})
    >>> x = rng.normal(size=(40, 1))
    >>> vcov = WildCluster("village", weights="rademacher")
    >>> found = wild_least_squares(x[:, 0] + rng.normal(size=40), x, ["x"], vcov, homes)
    >>> found.tables["wild"][["term", "p_value", "draws"]].values.tolist()
    [['x', 0.0703125, 256]]
    """
    codes, groups, draws = _drawn(vcov, rows)
    tested = range(len(names))
    found = wild_linear(y, X, codes, draws, tested, vcov.conf_level, factor)
    return _wild(found, draws, vcov, names, groups)


def _drawn(vcov: WildCluster, rows: pd.DataFrame) -> tuple[Codes, int, Draws]:
    codes, levels = pd.factorize(rows[vcov.by], sort=True)
    draws = cluster_draws(len(levels), vcov.draws, vcov.weights, vcov.seed)
    return np.asarray(codes, dtype=np.intp), len(levels), draws


def _wild(
    found: WildTests,
    draws: Draws,
    vcov: WildCluster,
    names: Sequence[str],
    groups: int,
) -> Wild:
    table = pd.DataFrame({"term": list(names), **vars(found), "draws": draws.count})
    facts = {
        "wild_weights": draws.kind,
        "wild_draws": draws.count,
        "wild_exact": draws.exact,
    }
    return Wild({"wild": table}, facts, _notes(draws, vcov, groups))


def _notes(draws: Draws, vcov: WildCluster, groups: int) -> tuple[str, ...]:
    count = f"{draws.count:,} draws of {draws.kind} weights"
    how = f"all {count}, so nothing is left to chance" if draws.exact else count
    few = f", for {groups} clusters are too few for the others" if groups < FEW else ""
    note = (
        "Read the p-values and intervals of tables['wild'], not those beside the "
        f"estimates{few}: wild cluster bootstrap over {vcov.by}, each coefficient "
        f"held at 0 in turn, {how}."
    )
    if groups >= FEWEST:
        return (note,)
    least = f" p cannot be below {2 / 2**groups:.3g}." if draws.exact else ""
    coarse = (
        f"Even the wild bootstrap says little with {groups} clusters.{least} Find a "
        "finer level at which errors are independent, or more clusters."
    )
    warn(coarse)
    return note, coarse

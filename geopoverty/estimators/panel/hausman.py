"""Tests of random effects: do effects of units go with the covariates."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty.numerics.covariance import cluster_factor, group_sums, sandwich
from geopoverty.numerics.random_panel import (
    Components,
    Groups,
    LeastSquares,
    added_means,
    is_definite,
    random_fit,
    wald,
    within_fit,
)
from geopoverty.numerics.types import Array

LEVEL = 0.05
TOGETHER = "effects of units go with the covariates"
CLASSIC = "Hausman"
PLAIN = "Mundlak"
ROBUST = "Mundlak, clustered by unit"


@dataclass(frozen=True)
class Check:
    """One test of random effects.

    Attributes
    ----------
    test : str
    statistic : float
        Chi-squared; NaN where the data hold no such test.
    df : int
    proper : bool
        Whether the covariance it rests on is positive definite.
    units : int or None
        Clusters: the p-value is of F with df and units - 1 then, which rejects too
        often less than chi-squared does when units are few.
    """

    test: str
    statistic: float
    df: int
    proper: bool = True
    units: int | None = None

    @property
    def p_value(self) -> float:
        """Chance of a statistic so large if random effects are right."""
        if not self.df:
            return float("nan")
        if self.units is None:
            return float(stats.chi2.sf(self.statistic, self.df))
        return float(stats.f.sf(self.statistic / self.df, self.df, self.units - 1))


@dataclass(frozen=True, eq=False)
class Hausman:
    """What the tests of random effects found, and what to say of them.

    Attributes
    ----------
    table : DataFrame
        ``test, statistic, df, p_value, against``.
    notes : tuple of str
    """

    table: pd.DataFrame
    notes: tuple[str, ...]


def compare_effects(
    X: Array, y: Array, groups: Groups, components: Components, random: LeastSquares
) -> Hausman:
    """Set random against fixed effects of a panel without dependence.

    Parameters
    ----------
    X : array, shape (n, k)
    y : array, shape (n,)
    groups : Groups
    components : Components
    random : LeastSquares
        The fit with random effects.

    Returns
    -------
    Hausman

    Notes
    -----
    Hausman's statistic is that of [1]_, of coefficients whose unit means can be told
    from the covariates, each covariance with its own error variance as in R's plm;
    their difference may fail to be positive definite, and the statistic then has no
    proper law, or none at all where it falls below 0. Mundlak's [2]_ asks whether
    unit means of the covariates, added to the model, explain the outcome: it tests
    the same, is never negative, and may be robust to what a unit's rows share [3]_.

    References
    ----------
    .. [1] Hausman, J. A. (1978). Specification tests in econometrics. Econometrica
       46, 1251-1271.
    .. [2] Mundlak, Y. (1978). On the pooling of time series and cross section data.
       Econometrica 46, 69-85.
    .. [3] Wooldridge, J. M. (2010). Econometric analysis of cross section and panel
       data, 2nd edition. MIT Press, section 10.7.3.
    """
    means, of = added_means(X, groups)
    added = random_fit(np.hstack([X, means]), y, groups, components)
    k = X.shape[1]
    gap = added.beta[k:]
    checks = [
        _classic(X, y, groups, random, of),
        Check(PLAIN, wald(gap, added.vcov[k:, k:]), len(of)),
        _robust(added, k, groups),
    ]
    return summarised(checks)


def summarised(checks: list[Check]) -> Hausman:
    """Make the table, and a note for what rejects or cannot be computed."""
    table = pd.DataFrame(
        {
            "test": [c.test for c in checks],
            "statistic": [c.statistic for c in checks],
            "df": [c.df for c in checks],
            "p_value": [c.p_value for c in checks],
            "against": TOGETHER,
        }
    )
    return Hausman(table, (*_absent(checks), *_rejecting(checks)))


def _absent(checks: list[Check]) -> list[str]:
    if not any(c.df for c in checks):
        return [
            "No covariate varies within units (other than over time for all alike), "
            "so nothing tells random from fixed effects."
        ]
    notes = []
    absent = [c.test for c in checks if np.isnan(c.statistic)]
    if any(not c.proper for c in checks):
        notes.append(
            "The covariance of random effects is not below that of fixed ones in all "
            "directions, so that Hausman's statistic has no proper law (and is left "
            "empty below 0). Read Mundlak's test."
        )
    if ROBUST in absent:
        notes.append("Mundlak's test by clusters needs more units than covariates.")
    return notes


def _rejecting(checks: list[Check]) -> list[str]:
    against = [c for c in checks if c.p_value < LEVEL]
    if not against:
        return []
    named = ", ".join(f"{c.test}: p = {c.p_value:.2g}" for c in against)
    return [
        f"Random effects are in doubt ({named}): effects of units go with the "
        "covariates, and coefficients take up what units differ in. Use "
        "effects='unit', or add unit means of the covariates."
    ]


def _classic(
    X: Array, y: Array, groups: Groups, random: LeastSquares, of: list[int]
) -> Check:
    fixed, kept = within_fit(X, y, groups)
    at = [kept.index(j) for j in of]
    free = len(y) - len(groups.counts) - len(kept)
    vcov = fixed.bread * (fixed.rss / free)
    gap = fixed.beta[at] - random.beta[of]
    between = vcov[np.ix_(at, at)] - random.vcov[np.ix_(of, of)]
    statistic = wald(gap, between, definite=False)
    return Check(CLASSIC, statistic, len(gap), is_definite(between))


def _robust(fit: LeastSquares, first: int, groups: Groups) -> Check:
    """Test the columns from `first` on with a covariance clustered by unit."""
    n, k = fit.X.shape
    units = len(groups.counts)
    scores = [(slice(0, n), fit.X * fit.residual[:, None])]
    sums = group_sums(scores, groups.codes, units, k)
    vcov, _ = sandwich(fit.bread, sums.T @ sums)
    vcov *= cluster_factor(units, n, k, "hc1")
    statistic = wald(fit.beta[first:], vcov[first:, first:])
    return Check(ROBUST, statistic, k - first, units=units)

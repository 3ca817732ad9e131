"""Probabilities and effects averaged over intercepts, with delta-method variances."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy import special

from geopoverty.design import Design
from geopoverty.effects.tables import Z95, labelled_effects
from geopoverty.effects.terms import EffectTerms
from geopoverty.effects.units import effect_columns
from geopoverty.numerics.covariance import Scores
from geopoverty.numerics.effects import (
    Slope,
    average_change,
    average_slopes,
    group_means,
    probability_blocks,
    slope_blocks,
)
from geopoverty.numerics.links import Link
from geopoverty.numerics.random_links import MeanLogit, MeanLogitInSigma
from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class Averaged:
    """A random-intercept logit, as a population shows it.

    Attributes
    ----------
    design : Design
        With the means of individuals as its last columns, where they enter.
    theta : array, shape (k + 1,)
        Coefficients, then sigma.
    vcov : array, shape (k + 1, k + 1)
        0 for a sigma that is 0.
    """

    design: Design
    theta: Array
    vcov: Array

    @property
    def _links(self) -> tuple[Link, Link]:
        """The averaged link, and its derivative in sigma."""
        sigma = float(self.theta[-1])
        # They have what numerics.effects asks of a link.
        return cast(Link, MeanLogit(sigma)), cast(Link, MeanLogitInSigma(sigma))

    def probability(self) -> Array:
        """Return each row's probability, shape (n,)."""
        eta = self.design.X @ self.theta[:-1]
        return np.asarray(self._links[0].probability(eta))

    def effects(self, terms: EffectTerms) -> pd.DataFrame:
        """Return average effects on the probability, a row each."""
        X, beta = self.design.X, self.theta[:-1]
        level, in_sigma = self._links
        values: list[float] = []
        gradients: list[Array] = []
        slopes = [s.slope for s in terms.slopes]
        if slopes:
            mean, gradient = average_slopes(X, beta, level, slopes)
            last, _ = average_slopes(X, beta, in_sigma, slopes)
            values.extend(mean)
            gradients.extend(np.column_stack([gradient, last]))
        for change in terms.changes:
            columns = (change.dummies, change.level)
            value, row = average_change(X, beta, level, columns)
            bend, _ = average_change(X, beta, in_sigma, columns)
            values.append(value)
            gradients.append(np.append(row, bend))
        errors = [np.sqrt(max(float(g @ self.vcov @ g), 0.0)) for g in gradients]
        labels = [(s.term, s.kind) for s in terms.slopes]
        return labelled_effects(
            values, errors, [*labels, *((c.term, "direct") for c in terms.changes)]
        )

    def units(self, keys: list[str], terms: EffectTerms) -> pd.DataFrame:
        """Average probabilities and effects over rows that share `keys`.

        Parameters
        ----------
        keys : list of str
            Column of units, then (if any) of periods.
        terms : EffectTerms
        """
        rows, y = self.design.rows, self.design.y
        codes = rows.groupby(keys, sort=True).ngroup().to_numpy()
        firsts = rows[keys].iloc[np.unique(codes, return_index=True)[1]]
        table = firsts.set_axis(["unit_id", "period"][: len(keys)], axis=1)
        table = table.reset_index(drop=True)
        groups = len(table)
        table["rows"] = np.bincount(codes, minlength=groups)
        table["outcome"] = np.bincount(codes, y) / table["rows"]
        mean, error = group_means(self._probabilities(), self.vcov, codes, groups)
        # An interval on the log-odds of the mean stays between 0 and 1.
        middle = special.logit(mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            half = Z95 * error / (mean * (1 - mean))
        found: dict[str, Any] = {
            "probability": mean,
            "probability_low": special.expit(middle - half),
            "probability_high": special.expit(middle + half),
        }
        for shown in terms.lagged:
            steep = self._slopes(shown.slope)
            mean, error = group_means(steep, self.vcov, codes, groups)
            found |= effect_columns(f"{shown.kind}({shown.term})", mean, error)
        return pd.concat([table, pd.DataFrame(found, index=table.index)], axis=1)

    def _probabilities(self) -> Scores:
        level, in_sigma = self._links
        X, beta = self.design.X, self.theta[:-1]
        parts = (
            probability_blocks(X, beta, level),
            probability_blocks(X, beta, in_sigma),
        )
        yield from _with_sigma(*parts)

    def _slopes(self, slope: Slope) -> Scores:
        level, in_sigma = self._links
        X, beta = self.design.X, self.theta[:-1]
        parts = (
            slope_blocks(X, beta, level, slope),
            slope_blocks(X, beta, in_sigma, slope),
        )
        yield from _with_sigma(*parts)


def _with_sigma(values: Scores, in_sigma: Scores) -> Scores:
    """Set the derivative in sigma behind the others."""
    for (rows, block), (_, bend) in zip(values, in_sigma, strict=True):
        yield rows, np.column_stack([block, bend[:, 0]])

"""Effects of a spatial model as tables: direct, indirect, total, and unit by unit."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from geopoverty.design.durbin import LaggedDesign
from geopoverty.effects.tables import Z95, labelled_effects
from geopoverty.effects.terms import effect_terms
from geopoverty.effects.units import effect_columns
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.impacts import (
    KINDS,
    Curve,
    Impact,
    Parts,
    impact_gradients,
)
from geopoverty.numerics.spatial.index import IndexAt
from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class SpatialEffects:
    """Which effects a formula has in a spatial model.

    Attributes
    ----------
    terms : list of str
    impacts : list of Impact
    notes : list of str
    """

    terms: list[str]
    impacts: list[Impact]
    notes: list[str]


def spatial_effects(lagged: LaggedDesign) -> SpatialEffects:
    """Read off a design which effects can be computed, and note which cannot."""
    design, lag_of = lagged.design, lagged.lag_of
    found = effect_terms(design)
    notes = list(found.notes)
    kinds: dict[str, dict[str, Parts]] = {}
    for slope in found.slopes:
        kinds.setdefault(slope.term, {})[slope.kind] = slope.slope.parts
    terms, impacts = [], []
    for term, parts in kinds.items():
        own, of_lag = parts.get("direct", ()), parts.get("indirect", ())
        if any(m is not design.row_sums for _, m in of_lag):
            notes.append(f"No effect of {term}: its lag also enters in products.")
            continue
        carried = [(lag_of[j], m) for j, m in own if j in lag_of]
        terms.append(term)
        impacts.append(Impact(own, carried if own else [(j, None) for j, _ in of_lag]))
    for change in found.changes:
        lags = [lag_of[j] for j in change.dummies if j in lag_of]
        here = [(lag_of[change.level], None)] if change.level in lag_of else []
        level = (change.dummies, lags)
        terms.append(change.term)
        impacts.append(Impact([(change.level, None)], here, level))
    return SpatialEffects(terms, impacts, notes)


@dataclass(frozen=True, eq=False)
class UnitEffects:
    """Probabilities and effects of cells, with derivatives for the delta method.

    Attributes
    ----------
    effects : SpatialEffects
    values : array, shape (cells, 1 + 3 m)
        Probability, then own, spill-in and spill-out of each term.
    gradients : array, shape (k + 1, cells, 1 + 3 m)
    vcov : array, shape (k + 1, k + 1)
        NaN where rho is not identified.
    lagged : bool
        Whether every covariate spills over, not only those with a lag.
    """

    effects: SpatialEffects
    values: Array
    gradients: Array
    vcov: Array
    lagged: bool

    @property
    def _known(self) -> Array:
        # What was held fixed has derivative 0; its NaN must not spread.
        return np.nan_to_num(self.vcov)

    def average(self, weight: Array) -> pd.DataFrame:
        """Return average direct, indirect and total effects, a row each.

        Parameters
        ----------
        weight : array, shape (cells,)
            Share of each cell in the average.
        """
        mean = weight @ self.values
        gradient = np.einsum("c,jcv->jv", weight, self.gradients)
        values: list[float] = []
        errors: list[float] = []
        labels: list[tuple[str, str]] = []
        for i, term in enumerate(self.effects.terms):
            own, spill = 1 + 3 * i, 2 + 3 * i
            kinds = {"direct": [own], "indirect": [spill], "total": [own, spill]}
            for kind, columns in kinds.items():
                if kind != "direct" and not self._spills(i):
                    continue
                g = gradient[:, columns].sum(axis=1)
                known = kind == "direct" or self._identified
                values.append(float(mean[columns].sum()) if known else np.nan)
                variance = float(g @ self._known @ g)
                errors.append(float(np.sqrt(max(variance, 0))) if known else np.nan)
                labels.append((term, kind))
        return labelled_effects(values, errors, labels)

    @property
    def _identified(self) -> bool:
        return bool(np.isfinite(self.vcov[-1, -1]))

    def _spills(self, term: int) -> bool:
        return self.lagged or bool(self.effects.impacts[term].lagged)

    def beside(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table of cells with probabilities and effects beside it."""
        error = self._errors()
        mean = self.values[:, 0]
        # An interval on the log-odds of the mean stays between 0 and 1.
        with np.errstate(divide="ignore", invalid="ignore"):
            half = Z95 * error[:, 0] / (mean * (1 - mean))
        middle = special.logit(mean)
        found: dict[str, Array] = {
            "probability": mean,
            "probability_low": special.expit(middle - half),
            "probability_high": special.expit(middle + half),
        }
        for i, term in enumerate(self.effects.terms):
            for j, kind in enumerate(KINDS, start=1 + 3 * i):
                values = self.values[:, j]
                spills = self._spills(i) and self._identified
                if np.isnan(values).all() or (kind != "own" and not spills):
                    continue
                found |= effect_columns(f"{kind}({term})", values, error[:, j])
        return pd.concat([table, pd.DataFrame(found, index=table.index)], axis=1)

    def _errors(self) -> Array:
        flat = np.moveaxis(self.gradients, 0, -1)
        variance = np.einsum("cvj,jl,cvl->cv", flat, self._known, flat)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def unit_effects(
    here: IndexAt,
    theta: Array,
    link: Curve,
    effects: SpatialEffects,
    vcov: Array,
) -> UnitEffects:
    """Compute the effects of each cell and their derivatives."""
    values, gradients = impact_gradients(here, theta, link, effects.impacts, vcov)
    return UnitEffects(effects, values, gradients, vcov, here.of.lagged)


def cell_weights(cells: Cells) -> Array:
    """Return each cell's share of the rows (or of their weights), shape (cells,)."""
    w = np.ones(len(cells.codes)) if cells.w is None else cells.w
    return np.asarray(np.bincount(cells.codes, w, minlength=cells.n) / w.sum())

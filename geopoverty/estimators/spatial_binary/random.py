"""A logit whose units have effects that are alike among neighbours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from geopoverty._checks import warn
from geopoverty._progress import stages
from geopoverty.design.sample import cell_table
from geopoverty.effects.quality import quality
from geopoverty.effects.spatial import cell_weights, spatial_effects, unit_effects
from geopoverty.estimators.spatial_binary.options import RandomEffects
from geopoverty.estimators.spatial_binary.problem import (
    Z95,
    Problem,
    refuse_separated,
)
from geopoverty.estimators.spatial_binary.report import one_way
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.spatial.index import SpatialIndex
from geopoverty.numerics.spatial.random_effects import (
    RandomFit,
    fit_random,
    scaled_weights,
)
from geopoverty.numerics.spatial.random_probability import mean_probability
from geopoverty.numerics.types import Array, Codes, Matrix
from geopoverty.results import Result

FEW_ROWS = 5  # below: simulations find sigma far too small
STEP = 1e-5  # in log-odds, for the slope of an averaged probability


@dataclass(frozen=True, eq=False)
class Averaged:
    """Probabilities averaged over what is not known of each row's unit.

    Attributes
    ----------
    offset, sd : array, shape (n,)
        The mode of its unit's effect, and the standard deviation around it.
    """

    offset: Array
    sd: Array

    def probability(self, eta: Array) -> Array:
        """Return P(y = 1) of each row."""
        return mean_probability(eta + self.offset, self.sd)

    def density(self, eta: Array) -> Array:
        """Return its derivative."""
        ahead, behind = self.probability(eta + STEP), self.probability(eta - STEP)
        return np.asarray((ahead - behind) / (2 * STEP))


def random_result(
    problem: Problem, random: RandomEffects, parts: dict[str, Any]
) -> Result:
    """Fit and wrap up a logit with spatial unit effects.

    Raises
    ------
    EstimationError

    Warns
    -----
    GeoPovertyWarning
        If the data show no effects of units, or not how they depend.
    """
    plain = fit_binary(problem.X, problem.y, problem.link, problem.cells.w)
    refuse_separated(problem, plain.separating)
    codes = problem.cells.codes % problem.cells.units
    with stages(f"Fitting {len(problem.y):,} rows, step") as stepped:
        fit = _fit(problem, random, codes, stepped)
    notes, open_rho = _notes(problem, fit)
    units, found, tables, more = _described(problem, fit, codes)
    names = [*problem.lagged.design.names, "sigma", "rho"]
    vcov = _vcov(fit, open_rho=open_rho)
    rho = np.nan if open_rho else fit.rho
    return Result(
        estimator="spatial_binary",
        estimates=pd.Series([*fit.beta, fit.sigma, rho], index=names),
        vcov=pd.DataFrame(vcov, index=names, columns=names),
        units=units,
        facts={**parts["facts"], "random": random.structure, **_facts(fit), **found},
        tables={**tables, "convergence": pd.DataFrame([vars(s) for s in fit.record])},
        notes=(
            *problem.lagged.design.notes,
            *notes,
            *more,
            *one_way(problem, units),
            *parts["notes"],
        ),
        provenance=parts["provenance"],
    )


def _fit(
    problem: Problem,
    random: RandomEffects,
    codes: Codes,
    stepped: Callable[[], object],
) -> RandomFit:
    sar = random.structure == "sar"
    w = problem.cells.w
    return fit_random(
        problem.X,
        problem.y,
        codes,
        problem.W if sar else _links(problem.W),
        structure=random.structure,
        bounds=problem.bounds if sar else (0.0, 1.0),
        w=None if w is None else scaled_weights(w, codes, problem.cells.units),
        stepped=stepped,
    )


def _links(W: Matrix) -> Matrix:
    """Return 1 where either unit counts for the other, else 0."""
    both = (W + W.T) > 0
    return both.astype(np.float64)


def _vcov(fit: RandomFit, *, open_rho: bool) -> Array:
    """Return the covariance of (beta, sigma, rho), from that of log sigma."""
    scale = np.ones(len(fit.covariance))
    scale[-2] = fit.sigma
    vcov = fit.covariance * np.outer(scale, scale)
    if open_rho:
        vcov[-1, :] = vcov[:, -1] = np.nan
    return vcov


def _notes(problem: Problem, fit: RandomFit) -> tuple[list[str], bool]:
    """Return notes, and whether the data leave rho open."""
    notes = [
        "Estimates are log-odds at given effects of units; probabilities and effects "
        "of covariates are averaged over what the outcomes leave open of each unit's "
        "effect. Their standard errors take unit effects and sigma as known.",
        *_few_rows(problem),
    ]
    if problem.cells.w is not None:
        notes.append(
            "Sampling weights count within units; standard errors are those of the "
            "weighted likelihood and know nothing of the sampling design."
        )
    if fit.sigma == 0:
        note = "The data show no effects of units: sigma is 0, and rho means nothing."
        warn(f"{note} The plain logit says the same.")
        return [note, *notes], True
    if fit.rho_identified:
        return notes, False
    note = "The data do not show how units' effects depend, so rho is left out."
    warn(f"{note} Use more units, more rows a unit, or weights of fewer neighbours.")
    return [note, *notes], True


def _few_rows(problem: Problem) -> list[str]:
    units = problem.cells.units
    rows = np.bincount(problem.cells.codes % units, minlength=units)
    middle = float(np.median(rows))
    if middle >= FEW_ROWS:
        return []
    note = (
        f"Half of the units have {middle:g} rows or fewer: Laplace's approximation "
        "then finds too little variance between units."
    )
    warn(f"{note} Read sigma and rho with care, or use link='probit', model='error'.")
    return [note]


def _facts(fit: RandomFit) -> dict[str, Any]:
    ratio = 2 * (fit.loglik - fit.pooled_loglik)
    return {
        "log_likelihood_without_effects": fit.pooled_loglik,
        "lr_effects": ratio,
        # sigma = 0 is at the edge, so this p is too large: on the safe side.
        "lr_effects_p": float(stats.chi2.sf(ratio, 2)),
        "vcov": "inverse information",
    }


def _described(
    problem: Problem, fit: RandomFit, codes: Codes
) -> tuple[pd.DataFrame, dict[str, Any], dict[str, pd.DataFrame], tuple[str, ...]]:
    """Return the table of units with all effects, facts, tables and notes."""
    sd = np.sqrt(fit.variances)
    curve = Averaged(fit.effects[codes], sd[codes])
    index = SpatialIndex(
        problem.X, problem.W, problem.cells, lagged=False, scaled=False
    )
    k = len(fit.beta)
    vcov = np.zeros((k + 1, k + 1))
    vcov[:k, :k] = fit.covariance[:k, :k]
    effects = spatial_effects(problem.lagged)
    found = unit_effects(index.at(0.0), np.append(fit.beta, 0.0), curve, effects, vcov)
    units = found.beside(
        cell_table(problem.lagged.design, problem.cells, problem.sample)
    )
    here = np.arange(problem.cells.n) % problem.cells.units
    units["effect"] = fit.effects[here]
    eta = problem.X @ fit.beta + curve.offset
    for end, sign in (("low", -1), ("high", 1)):
        units[f"effect_{end}"] = (fit.effects + sign * Z95 * sd)[here]
        # What a unit's own outcomes leave open of it outweighs the coefficients' SE.
        bound = special.expit(eta + sign * Z95 * curve.sd)
        units[f"probability_{end}"] = problem.cells.mean(bound)
    probability = curve.probability(problem.X @ fit.beta)
    good = quality(
        problem.y,
        probability,
        problem.cells.w,
        loglik=fit.loglik,
        k=k + 2,
        nested="Intercept" in problem.names,
    )
    fitted = pd.DataFrame({"outcome": problem.y, "probability": probability})
    tables = {
        "effects": found.average(cell_weights(problem.cells)),
        **good.tables,
        "fitted": fitted.set_axis(problem.lagged.design.rows.index),
    }
    return units, dict(good.facts), tables, (*effects.notes, *good.notes)

"""What a discrete-time hazard says of each unit: chances and curves."""

from collections.abc import Iterator

import numpy as np
from scipy import stats

from geopoverty.estimators.exits.discrete_rows import Model
from geopoverty.numerics.hazards.curves import binned
from geopoverty.numerics.hazards.discrete import around, staying, survival
from geopoverty.numerics.types import Array, Codes

Z95 = float(stats.norm.ppf(0.975))
BLOCK = 1000  # rows at a time: each has a gradient for every period
SURE = 40.0  # linear predictor of what always or never happens


def last_hazard(model: Model) -> dict[str, Array]:
    """Return each individual's chance of leaving in its last period, with limits.

    Missing for those whose last period tells nothing.
    """
    laid = model.laid
    spells = laid.problem.spells
    whose = spells.individual[laid.rows.row]
    order = np.lexsort((laid.rows.period, whose))
    last = order[np.append(np.flatnonzero(np.diff(whose[order])), len(order) - 1)]
    x = laid.X[last]
    eta = x @ model.fit.beta
    error = np.sqrt(np.einsum("ij,jk,ik->i", x, model.cov.matrix, x))
    found = {}
    for name, side in (("hazard", 0.0), ("hazard_low", -1.0), ("hazard_high", 1.0)):
        values = np.full(spells.individuals, np.nan)
        values[whose[last]] = model.link.probability(eta + side * Z95 * error)
        found[name] = values
    return found


def unit_chances(model: Model) -> dict[str, Array]:
    """Return each individual's chance of having left by ``problem.by``, with limits."""
    problem = model.laid.problem
    if model.laid.own:
        at = np.array([problem.by])
        found = [c[:, 0] for c in curves(model, problem.spells.last, at)]
    else:
        found = list(_along_rows(model))
    stays, low, high = found
    return {
        "exit_probability": 1 - stays,
        "exit_probability_low": 1 - high,
        "exit_probability_high": 1 - low,
    }


def curves(model: Model, rows: Codes, at: Array) -> tuple[Array, Array, Array]:
    """Return survival of rows at times, with limits, each (rows, times)."""
    laid = model.laid
    steps = np.searchsorted(laid.ends, np.asarray(at), side="right")
    out: tuple[list[Array], ...] = ([], [], [])
    for eta, gradients in _by_period(model, rows):
        found = survival(eta, gradients, model.cov.matrix, model.link)
        for held, values in zip(out, found, strict=True):
            full = np.column_stack([np.ones(len(values)), values])
            held.append(full[:, steps])
    whole, low, high = (np.vstack(part) for part in out)
    return whole, low, high


def _by_period(model: Model, rows: Codes) -> Iterator[tuple[Array, Array]]:
    """Yield blocks of rows with linear predictors and gradients in every period."""
    laid = model.laid
    p, k = len(laid.ends), laid.X.shape[1]
    b = laid.base
    level = np.zeros(p)
    level[laid.kept] = model.fit.beta[:b]
    # In a period left out, all leave or none do, whatever the covariates.
    spells = laid.problem.spells
    exits = np.isin(laid.ends, spells.time[spells.exited])
    sure = np.where(exits, SURE, -SURE)
    place = np.flatnonzero(laid.kept)
    for start in range(0, len(rows), BLOCK):
        x = laid.problem.X[rows[start : start + BLOCK]]
        eta = level + (x @ model.fit.beta[b:])[:, None]
        eta[:, ~laid.kept] = sure[~laid.kept]
        gradients = np.zeros((len(x), p, k))
        gradients[:, place, np.arange(b)] = 1.0
        gradients[:, place, b:] = x[:, None, :]
        yield eta, gradients


def _along_rows(model: Model) -> tuple[Array, Array, Array]:
    """Return survival until ``problem.by`` along each individual's own rows."""
    laid = model.laid
    spells = laid.problem.spells
    n, k = spells.individuals, laid.X.shape[1]
    early = laid.ends[laid.rows.period] <= laid.problem.by
    x, whose = laid.X[early], spells.individual[laid.rows.row[early]]
    eta = x @ model.fit.beta
    steps, slopes = staying(eta, model.link)
    along = np.zeros((n, k))
    np.add.at(along, whose, slopes[:, None] * x)
    error = np.sqrt(np.einsum("ij,jk,ik->i", along, model.cov.matrix, along))
    return around(binned(whose, steps, n), error)

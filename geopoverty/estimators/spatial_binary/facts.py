"""What is said of every spatial binary fit, wherever its rows are."""

from typing import Any

import numpy as np

from geopoverty._checks import warn
from geopoverty.estimators.spatial_binary.problem import Case
from geopoverty.weights import SpatialWeights

FLAT = 0.1  # sd(Wm)/sd(m) below: a lag over nearly everybody


def facts_of(problem: Case, method: str) -> dict[str, Any]:
    """Return what a reader asks first."""
    design, cells = problem.lagged.design, problem.cells
    low, high = problem.bounds
    facts: dict[str, Any] = {
        "n_obs": problem.n,
        "n_dropped": problem.dropped,
        "n_units": cells.units,
        "outcome": design.formula.outcome,
        "share_of_ones": problem.share_of_ones,
        "model": problem.model,
        "link": problem.link.name,
        "method": method,
        "feasible_low": low,
        "feasible_high": high,
    }
    return facts | ({"n_periods": cells.periods} if cells.periods > 1 else {})


def weights_notes(problem: Case, weights: SpatialWeights) -> tuple[str, ...]:
    """Say how flat the lags of covariates are; warn where they are too flat."""
    cells = problem.cells
    own = [j for j, n in enumerate(problem.names[:-1]) if not n.startswith("W(")]
    means = problem.means[: cells.units, own]
    lags = np.asarray(weights.matrix @ means)
    spread = means.std(axis=0)
    varying = spread > 1e-12 * np.maximum(np.abs(means).max(axis=0), 1e-300)
    if not varying.any():
        return ()
    ratio = float(np.mean(lags.std(axis=0)[varying] / spread[varying]))
    neighbours = float(weights.effective_neighbors().mean())
    alone = len(weights.islands)
    note = (
        f"A unit has {neighbours:.1f} effective neighbours on average; {alone} of "
        f"{weights.n} units have none (their lag is 0); covariates' lags vary "
        f"{ratio:.3f} times as much as the covariates: sd(Wx)/sd(x)."
    )
    if ratio >= FLAT:
        return (note,)
    warn(
        f"{note} So flat a lag hardly identifies dependence: try a cutoff, a steeper "
        "decay, or the nearest k."
    )
    return (note,)

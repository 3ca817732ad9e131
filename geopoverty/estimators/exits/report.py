"""From what a way of estimating found to the one `Result`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import unit_ids
from geopoverty.estimators.exits.problem import Fitted, Problem
from geopoverty.numerics.hazards.autocorrelation import moran_test
from geopoverty.numerics.types import Array
from geopoverty.results import Result

COARSE = 20  # fewer distinct exit times than this: say that durations are coarse
FEW = 5  # exits a covariate
MOST_CURVES = 200_000  # rows of the table of curves


def result_of(problem: Problem, fitted: Fitted, made: Mapping[str, Any]) -> Result:
    """Make the result of a fit.

    Parameters
    ----------
    problem : Problem
    fitted : Fitted
    made : mapping
        Provenance.
    """
    units = _units(problem, fitted)
    curves, said = _curves(problem, fitted)
    near, facts = _moran(problem, units)
    weights = problem.weights
    notes = [
        *problem.notes,
        *_times_notes(problem),
        *_few(problem),
        *fitted.notes,
        *said,
        *near,
        *(() if weights is None else weights.notes),
    ]
    return Result(
        estimator="exit_hazard",
        estimates=pd.Series(fitted.theta, index=fitted.names),
        vcov=pd.DataFrame(fitted.vcov, index=fitted.names, columns=fitted.names),
        units=units,
        facts={**_facts(problem), **fitted.facts, **facts},
        tables={**fitted.tables, **curves},
        notes=tuple(notes),
        provenance={**made, **({"recipe": fitted.recipe} if fitted.recipe else {})},
    )


def _facts(problem: Problem) -> dict[str, Any]:
    design, spells = problem.design, problem.spells
    facts: dict[str, Any] = {
        "n_obs": spells.n,
        "n_dropped": design.dropped,
        "outcome": problem.exited,
        "model": problem.hazard.model,
        "n_exits": int(spells.exited.sum()),
        "by": problem.by,
    }
    if spells.per:
        facts["time"] = spells.per
    if spells.histories:
        facts["n_individuals"] = spells.individuals
    if problem.sample.unit in problem.rows:
        facts["n_units"] = int(problem.rows[problem.sample.unit].nunique())
    if len(spells.strata) > 1:
        facts["n_strata"] = len(spells.strata)
    return facts


def _units(problem: Problem, fitted: Fitted) -> pd.DataFrame:
    spells, (name, ids) = problem.spells, problem.ids
    rows, last = problem.rows, spells.last
    columns: dict[str, Any] = {name: ids}
    for key, column in (
        ("unit_id", problem.sample.unit),
        ("period", problem.sample.period),
    ):
        if key not in columns and column is not None and column in rows:
            columns[key] = rows[column].to_numpy()[last]
    columns["duration"] = spells.time[last]
    columns["exited"] = spells.sum(spells.exited.astype(np.float64))
    if len(spells.strata) > 1:
        labels = np.array(spells.strata, dtype=object)
        columns["stratum"] = labels[spells.stratum[last]]
    found = {str(c): fitted.units[c].to_numpy() for c in fitted.units.columns}
    return pd.DataFrame({**columns, **found})


def _curves(
    problem: Problem, fitted: Fitted
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Return the survival curve of every individual, if they are not too many."""
    if fitted.curves is None:
        return {}, ()
    name, ids = problem.ids
    times, last = problem.times, problem.spells.last
    if len(last) * len(times) > MOST_CURVES and problem.hazard.times is None:
        note = (
            f"{len(last):,} curves at {len(times)} times are not tabulated; name fewer "
            "times in Hazard(times=...) to have them."
        )
        return {}, (note,)
    survival, low, high = fitted.curves(last, times)
    table = pd.DataFrame(
        {
            name: np.repeat(ids, len(times)),
            "time": np.tile(times, len(last)),
            "survival": survival.ravel(),
            "conf_low": low.ravel(),
            "conf_high": high.ravel(),
        }
    )
    return {"curves": table}, ()


def _moran(
    problem: Problem, units: pd.DataFrame
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return Moran's I of what the model leaves of each unit's exits."""
    weights = problem.weights
    if weights is None or "martingale" not in units or "unit_id" not in units:
        return (), {}
    left = units.groupby(unit_ids(units["unit_id"], "The rows", unique=False))
    means: pd.Series = left["martingale"].mean()
    at = weights.units.get_indexer(means.index)
    held = at >= 0
    if held.sum() < 3:
        return (), {}
    among = weights.matrix[at[held]][:, at[held]]
    found = moran_test(_values(means, held), among)
    if found is None:
        return (), {}
    note = (
        f"Moran's I of the martingale residuals is {found.statistic:.3f} (p "
        f"{found.p_value:.3f} under randomisation)."
    )
    return (note,), {
        "residual_morans_i": found.statistic,
        "residual_morans_i_p": found.p_value,
    }


def _values(means: pd.Series, held: Any) -> Array:
    return np.asarray(means.to_numpy(np.float64)[held])


def _times_notes(problem: Problem) -> list[str]:
    spells = problem.spells
    gone = spells.time[spells.exited]
    times, notes = len(np.unique(gone)), []
    point = problem.hazard.model == "cox"
    if times < min(COARSE, len(gone)):
        how = problem.hazard.ties.capitalize()
        ties = f", and ties are handled by {how}'s approximation" if point else ""
        notes.append(
            f"{len(gone):,} exits fall on only {times} different times: durations are "
            f"coarse{ties}."
        )
    if spells.interval.any() and point:
        notes.append(
            f"{int(spells.interval.sum()):,} exits are known up to an interval only; "
            "the Cox model takes each at the end of its interval. Parametric models "
            "(model='aft') use the intervals."
        )
    return notes


def _few(problem: Problem) -> list[str]:
    exits, k = int(problem.spells.exited.sum()), len(problem.names)
    if exits >= FEW * k:
        return []
    covariates = "covariate" if k == 1 else "covariates"
    return [
        f"There are {exits} exits for {k} {covariates}, fewer than {FEW} each: "
        "estimates and tests are unsure, and large ones too large on average."
    ]

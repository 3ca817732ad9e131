"""What local statistics return: a row a unit, counts by class, and what to mind."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.numerics.local_spatial import Chance
from geopoverty.numerics.multiplicity import benjamini_hochberg
from geopoverty.numerics.types import Array
from geopoverty.patterns.names import NO_NEIGHBOURS
from geopoverty.patterns.problem import Draws, Part, Problem
from geopoverty.provenance import arrays_of, provenance
from geopoverty.results import Result


def unit_table(
    part: Part, statistic: Array, p_values: Array, lag: Array
) -> pd.DataFrame:
    """Return a row a unit; those without a neighbour have neither test nor lag."""
    off = ~part.linked
    return pd.DataFrame(
        {
            "unit_id": part.weights.units.to_numpy(),
            "period": [part.period] * len(part.x),
            "value": part.x,
            "lag": np.where(off, np.nan, lag),
            "statistic": np.where(off, np.nan, statistic),
            "p_value": np.where(off, np.nan, p_values),
        }
    )


def adjusted(p_values: Array, draws: Draws) -> Array:
    """Return the p-values that classes go by: as they are, or adjusted."""
    return benjamini_hochberg(p_values) if draws.fdr else p_values


def class_counts(units: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return how many units each class has, those without a unit too."""
    by = ["period"] if "period" in units else []
    order = [n for n in names if n != NO_NEIGHBOURS or (units["class"] == n).any()]
    if not by:
        counts = units["class"].value_counts().reindex(order, fill_value=0)
        return counts.rename("units").rename_axis("class").reset_index()
    wide = pd.crosstab(units["period"], units["class"])
    wide = wide.reindex(columns=order, fill_value=0).reset_index()
    long = wide.melt(id_vars="period", var_name="class", value_name="units")
    return long.sort_values("period", kind="stable", ignore_index=True)


def patterns_result(
    name: str,
    problem: Problem,
    units: pd.DataFrame,
    draws: Draws,
    *,
    facts: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    notes: tuple[str, ...],
    options: Mapping[str, Any],
) -> Result:
    """Wrap up what a local statistic found."""
    held = problem.weights
    drawn = {"permutations": draws.permutations, "seed": draws.seed, "fdr": draws.fdr}
    said = provenance(
        problem.column,
        {"weights": held, **options, **drawn},
        [*(p.x for p in problem.parts), *arrays_of(held.matrix)],
        problem.sources,
    )
    islands = sum(int((~p.linked).sum()) for p in problem.parts)
    return Result(
        estimator=name,
        estimates=pd.Series(dtype=np.float64),
        vcov=pd.DataFrame(dtype=np.float64),
        units=units if problem.timed else units.drop(columns="period"),
        facts={
            "n_obs": problem.rows,
            "n_dropped": problem.dropped,
            "n_without_neighbours": islands,
            **facts,
            "permutations": draws.permutations,
            "seed": draws.seed,
            "false_discovery_rate": "controlled" if draws.fdr else "not controlled",
            "standardize": str(held.standardize),
        },
        tables=tables,
        notes=(*notes, *_notes(problem, draws, islands)),
        provenance={**said, "seed": draws.seed},
    )


def _notes(problem: Problem, draws: Draws, islands: int) -> tuple[str, ...]:
    found = [
        f"P-values are two-sided, from {draws.permutations:,} permutations (seed "
        f"{draws.seed}); none can be below {draws.least:.2g}.",
        *_multiplicity(problem, draws),
        *_weights(problem),
        "Units share neighbours: classes side by side are not separate findings.",
    ]
    if problem.dropped or len(problem.absent):
        found.append(
            f"{problem.dropped} rows have no '{problem.column}', and "
            f"{len(problem.absent)} units of the weights have none at all"
            f"{_named(problem.absent)}: they take no part, also not as neighbours."
        )
    if islands:
        alone = [i for p in problem.parts for i in p.weights.units[~p.linked]]
        found.append(
            f"{islands} of {problem.rows} rows have no neighbour ({first(alone)}): "
            f"they are in the class '{NO_NEIGHBOURS}'."
        )
    if problem.timed:
        found.append("Each period is tested alone, against its own mean.")
    return tuple(dict.fromkeys((*found, *problem.weights.notes)))


def _named(units: pd.Index) -> str:
    return f" ({first(units)})" if len(units) else ""


def _multiplicity(problem: Problem, draws: Draws) -> list[str]:
    most = max(int(p.linked.sum()) for p in problem.parts)
    if not draws.fdr:
        return [
            f"{most:,} units are tested at once without correction: about "
            f"{draws.loosest * most:,.0f} would be significant by chance alone. "
            "fdr=True controls the share of false ones."
        ]
    found = [
        "Classes go by p-values adjusted for the false discovery rate (Benjamini & "
        "Hochberg 1995)."
    ]
    if draws.least > draws.level / most:
        needed = int(np.ceil(draws.least * most / draws.level))
        found.append(
            f"With {draws.permutations:,} permutations adjusted p-values reach "
            f"{draws.level:g} only where {needed:,} or more units stand out; more "
            "permutations find fewer."
        )
    return found


def _weights(problem: Problem) -> list[str]:
    held = problem.weights
    if held.standardize == "row":
        return [f"Weights: {held.kind}, rows sum to 1 (a lag is a mean of neighbours)."]
    return [
        f"Weights: {held.kind}, rows do not sum to 1: a lag is a sum, and grows with "
        "how many and how strong a unit's neighbours are."
    ]


def chance_facts(chance: Chance, morans_i: float, n: int) -> dict[str, float]:
    """Return Moran's I of all units together, and its test."""
    return {
        "units": n,
        "morans_i": morans_i,
        "expected": -1 / (n - 1),
        "p_value": chance.global_p,
    }

"""Rows that can be compared: somebody, and everybody once, untreated."""

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.design.build import Design
from geopoverty.estimators.did.problem import Problem
from geopoverty.numerics.types import Mask


def comparable(problem: Problem) -> tuple[Problem, int, list[str]]:
    """Keep periods in which somebody is untreated, and units seen untreated."""
    free = np.bincount(problem.periods, ~problem.treated, problem.n_periods) > 0
    seen = np.bincount(problem.groups, ~problem.treated, problem.n_groups) > 0
    kept = free[problem.periods] & seen[problem.groups]
    notes = []
    if not free.all():
        notes.append(
            f"In {first(problem.labels[~free])} everyone is treated: nobody shows what "
            "would have been, so these periods are left out."
        )
    if not seen.all():
        ids = problem.rows[problem.unit or problem.rows.columns[0]]
        lost = pd.Index(ids[~seen[problem.groups]]).unique()
        notes.append(
            f"{len(lost):,} units have no row before their start and are left out "
            f"({first(lost)})."
        )
    if kept.all():
        return problem, 0, notes
    return _part(problem, kept), int((~kept).sum()), notes


def _part(problem: Problem, kept: Mask) -> Problem:
    d = problem.design
    design = Design(
        d.formula, d.y[kept], d.X[kept], d.names, d.terms, d.rows[kept], d.dropped,
        None, d.notes,
    )  # fmt: skip
    numbers, periods = np.unique(problem.periods[kept], return_inverse=True)
    begun = problem.first[kept]
    finite = np.isfinite(begun)
    moved = np.searchsorted(numbers, begun[finite])
    first_kept = np.full(len(begun), np.inf)
    # Whoever starts after the last period kept is a control throughout.
    first_kept[finite] = np.where(moved < len(numbers), moved, np.inf)
    return Problem(
        design,
        problem.X[kept],
        problem.names,
        np.asarray(pd.factorize(problem.groups[kept])[0], dtype=np.intp),
        np.asarray(periods, dtype=np.intp),
        problem.labels[numbers],
        first_kept,
        problem.unit,
        problem.vcov,
        problem.notes,
    )

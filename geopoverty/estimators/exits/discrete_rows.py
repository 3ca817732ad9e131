"""Rows at risk, laid out by period for a binary model."""

from dataclasses import dataclass

import numpy as np

from geopoverty._checks import first, require
from geopoverty.covariances import Covariance
from geopoverty.design.columns import refuse_collinear
from geopoverty.errors import InputError
from geopoverty.estimators.exits.problem import Problem
from geopoverty.numerics.binary import BinaryFit
from geopoverty.numerics.hazards.discrete import Expanded, expand
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array, Mask

MANY = 100  # periods beyond which times are no periods


@dataclass(frozen=True, eq=False)
class Laid:
    """Rows by period, laid out for a binary model.

    Attributes
    ----------
    problem : Problem
    ends : array, shape (p,)
        Ends of all periods.
    kept : array of bool, shape (p,)
        Those that tell something: some leave, and some stay.
    rows : Expanded
        In the periods kept.
    X : array, shape (m, b + k)
        Baseline, then covariates.
    names : list of str
    base : int
        Columns of the baseline.
    own : bool
        Whether each period has its own baseline; else the formula holds time.
    """

    problem: Problem
    ends: Array
    kept: Mask
    rows: Expanded
    X: Array
    names: list[str]
    base: int
    own: bool

    @property
    def w(self) -> Array | None:
        """Sampling weights of the rows."""
        w = self.problem.spells.weights
        return None if w is None else w[self.rows.row]


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted discrete-time hazard."""

    laid: Laid
    link: Link
    fit: BinaryFit
    cov: Covariance


def laid_out(problem: Problem) -> Laid:
    """Lay out rows by period, with the baseline's columns in front."""
    spells = problem.spells
    _refuse(problem)
    ends = np.unique(spells.time)
    if len(ends) > MANY:
        raise InputError(
            f"A discrete-time hazard needs at most {MANY} periods; the durations have "
            f"{len(ends)} different values. Round them to years, or use model='cox'."
        )
    whole = expand(spells.entry, spells.time, spells.exited, ends)
    _refuse_wide(problem, ends)
    own = not _times_named(problem)
    kept = np.ones(len(ends), dtype=bool)
    if own:
        risk = np.bincount(whole.period, minlength=len(ends))
        left = np.bincount(whole.period, whole.y, minlength=len(ends))
        kept = (left > 0) & (left < risk)
    if not kept.any():
        raise InputError(
            "In every period all units leave or none do: nothing can be learnt of who "
            "leaves sooner. Use shorter periods."
        )
    at = np.flatnonzero(kept[whole.period])
    rows = Expanded(whole.row[at], whole.period[at], whole.y[at])
    if own:
        base = (rows.period[:, None] == np.flatnonzero(kept)).astype(np.float64)
        names = [f"period {e:g}" for e in ends[kept]]
    else:
        base, names = np.ones((len(at), 1)), ["Intercept"]
    X = np.ascontiguousarray(np.column_stack([base, problem.X[rows.row]]))
    names = [*names, *problem.names]
    refuse_collinear(X, names)
    return Laid(problem, ends, kept, rows, X, names, base.shape[1], own)


def _refuse(problem: Problem) -> None:
    if problem.hazard.columns:
        raise InputError(
            f"strata ({first(problem.hazard.columns)}) are for model='cox'. Put them "
            "in the formula as categories."
        )
    if _times_named(problem) and not problem.spells.histories:
        raise InputError(
            "A formula can only use time where rows are units in periods: the duration "
            "of a unit is what is to be explained. Make such rows by exit_periods()."
        )


def _times_named(problem: Problem) -> bool:
    """Say whether the formula uses the time of its rows."""
    line = problem.timeline
    time = {line.duration, line.entry, problem.sample.period} - {None}
    return bool(time & set(problem.design.formula.columns))


def _refuse_wide(problem: Problem, ends: Array) -> None:
    """Refuse exits that may have happened in one of several periods."""
    spells = problem.spells
    starts = np.maximum(spells.lower, spells.entry)
    begin = np.searchsorted(ends, starts, side="right")
    stop = np.searchsorted(ends, spells.time, side="left")
    require(
        ~spells.interval | (begin >= stop),
        "In a discrete-time hazard each exit must fall in one period",
        ids=problem.rows.index,
        way_out="Use wider periods, or model='aft', which takes any intervals.",
    )

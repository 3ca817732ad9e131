"""Fit the model of each industry, in threads."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geopoverty._progress import progress
from geopoverty.errors import GeoPovertyError, InputError
from geopoverty.estimators.scan.counts import COUNT, Counts
from geopoverty.numerics.threads import in_threads
from geopoverty.numerics.types import Codes
from geopoverty.results import Result

FAILURES = (GeoPovertyError, ArithmeticError, np.linalg.LinAlgError)


@dataclass(frozen=True, eq=False)
class Found:
    """What came of one industry."""

    code: str
    n_units_with: int
    result: Result | None
    note: str


@dataclass(frozen=True, eq=False)
class Job:
    """What is done to each industry."""

    fit: Callable[..., Result]
    data: pd.DataFrame
    counts: Counts
    rows: Codes
    min_units: int
    two: bool

    def __call__(self, j: int) -> Found:
        """Fit the j-th industry, or say why not."""
        code = str(self.counts.industries["code"].iloc[j])
        column = self.counts.table[self.rows, j]
        units = self.counts.places["unit_id"].to_numpy()[self.rows]
        usual = np.bincount(np.unique(column, return_inverse=True)[1]).argmax()
        differs = column != np.unique(column)[usual]
        having, varying = (len(pd.unique(units[c])) for c in (column > 0, differs))
        if min(having, varying) < self.min_units:
            note = (
                f"Not fitted: {having} units have a cluster, {varying} another count "
                f"than the commonest; min_units is {self.min_units}."
            )
            return Found(code, having, None, note)
        table = self.data.copy(deep=False)
        table[COUNT] = column
        table.attrs = dict(self.data.attrs)
        try:
            result = self.fit(table, *([self.counts.of_units(j)] if self.two else []))
        except FAILURES as error:
            return Found(code, having, None, f"Not fitted: {error}")
        if not isinstance(result, Result):
            raise InputError(
                f"fit must return a Result; it gave a {type(result).__name__}. Pass a "
                "function of a table, such as lambda t: gp.logit('y ~ clusters', t)."
            )
        return Found(code, having, result, "")


def takes_two(fit: Callable[..., Result]) -> bool:
    """Return whether `fit` asks for the table of units, too."""
    try:
        given = inspect.signature(fit).parameters.values()
    except (TypeError, ValueError):  # some callables say nothing of themselves
        return False
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in given if p.kind in plain and p.default is p.empty]
    return len(needed) == 2


def fit_all(job: Job, workers: int | None) -> list[Found]:
    """Fit every industry, in as many threads as asked for.

    Raises
    ------
    InputError
        If there is no thread or no least number of units, or `fit` gives no Result.
    """
    if job.min_units < 1 or (workers is not None and workers < 1):
        raise InputError(
            f"min_units and workers must be 1 or more; got {job.min_units} and "
            f"{workers}."
        )
    total = len(job.counts.industries)
    # Filters of warnings belong to the process: threads that set and restore them
    # would leave them in each other's state. What matters is in the notes.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return in_threads(
            job,
            total,
            workers,
            lambda steps, count: progress(steps, "Fitting industries", count),
        )

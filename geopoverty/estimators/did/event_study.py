"""Effects by time since the start: leads that should be 0, lags that may not be."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.estimators.did.problem import Fit, Problem, least_squares
from geopoverty.numerics.did import joint_test
from geopoverty.numerics.types import Array, Codes
from geopoverty.results import inference_table

BASE = -1  # the last period before the start, where the effect is set to 0
SURE = 0.05


@dataclass(frozen=True, eq=False)
class EventStudy:
    """Effects by time since the start, and their means.

    Attributes
    ----------
    table : DataFrame
        ``relative, estimate, std_error, statistic, p_value, conf_low, conf_high, n``.
    cohorts : DataFrame
        Mean effect after the start, by when units started.
    att : float
        Mean effect over all treated rows.
    variance : float
    facts : dict
        ``pretrend_f, pretrend_df, pretrend_p`` where there are leads.
    notes : tuple of str
    """

    table: pd.DataFrame
    cohorts: pd.DataFrame
    att: float
    variance: float
    facts: dict[str, Any]
    notes: tuple[str, ...]


def event_study(problem: Problem) -> EventStudy:
    """Let each cohort have its own effect in each period (Sun & Abraham 2021).

    Effects of cohorts are averaged by their number of rows. With one start this is
    the usual event study.
    """
    since = np.where(problem.ever, problem.first, 0.0)
    relative: Array = problem.periods.astype(np.float64) - since
    cells = _cells(problem, relative)
    columns = np.column_stack(
        [(problem.first == c) & (relative == r) for c, r, _ in cells]
    ).astype(np.float64)
    names = [f"event({problem.labels[c]}, {r})" for c, r, _ in cells]
    fit = least_squares(problem, columns, names)
    m = len(cells)
    beta, vcov = fit.least.beta[:m], fit.vcov[:m, :m]
    when = np.array([r for _, r, _ in cells])
    cohort = np.array([c for c, _, _ in cells])
    size = np.array([n for _, _, n in cells], dtype=np.float64)
    times = np.unique(when)
    L = np.stack([_shares(size, when == r) for r in times])
    table = _table(times, L @ beta, L @ vcov @ L.T, fit)
    table["n"] = [
        int(size[when == r].sum()) if r != BASE else 0 for r in table.relative
    ]
    late = _shares(size, when >= 0)
    starts = np.unique(cohort[when >= 0])
    M = np.stack([_shares(size, (when >= 0) & (cohort == c)) for c in starts])
    cohorts = _tested(M @ beta, M @ vcov @ M.T, fit)
    cohorts.insert(0, "first_treated", problem.labels[starts].to_numpy())
    facts, notes = _leads(times, L @ beta, L @ vcov @ L.T, fit)
    return EventStudy(
        table, cohorts, float(late @ beta), float(late @ vcov @ late), facts, notes
    )


def _cells(problem: Problem, relative: Array) -> list[tuple[int, int, int]]:
    """List cohorts, times since their start and rows, but for the base."""
    found = pd.Series(
        list(zip(problem.first[problem.ever], relative[problem.ever], strict=True))
    ).value_counts()
    listed = [(int(c), int(r), int(n)) for (c, r), n in found.items()]
    return sorted(cell for cell in listed if cell[1] != BASE)


def _shares(size: Array, which: Any) -> Array:
    held = np.where(which, size, 0.0)
    return np.asarray(held / held.sum())


def _tested(values: Array, vcov: Array, fit: Fit) -> pd.DataFrame:
    errors = pd.Series(np.sqrt(np.diag(vcov)))
    return inference_table(pd.Series(values), errors, df=fit.df_t).drop(columns="term")


def _table(times: Codes, values: Array, vcov: Array, fit: Fit) -> pd.DataFrame:
    tested = _tested(values, vcov, fit)
    tested.insert(0, "relative", times)
    zero = dict.fromkeys(tested.columns, np.nan)
    zero |= {"relative": BASE, "estimate": 0.0, "conf_low": 0.0, "conf_high": 0.0}
    zero["std_error"] = 0.0
    both = pd.concat([tested, pd.DataFrame([zero])])
    both["relative"] = both["relative"].astype(int)
    return both.sort_values("relative").reset_index(drop=True)


def _leads(
    times: Codes, values: Array, vcov: Array, fit: Fit
) -> tuple[dict[str, Any], tuple[str, ...]]:
    lead = np.flatnonzero(times < BASE)
    return lead_test(values[lead], vcov[np.ix_(lead, lead)], fit.df_t)


def lead_test(
    leads: Array, vcov: Array, df: float
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Test that all leads are 0, and say what it means.

    Examples
    --------
    >>> lead_test(np.zeros(0), np.zeros((0, 0)), 10.0)[0]
    {}
    """
    if not len(leads):
        return {}, (NO_LEADS,)
    if len(leads) > df:
        return {}, (
            f"{len(leads)} leads are too many for a joint test with so few "
            "clusters; look at them one by one.",
        )
    statistic, p = joint_test(leads, vcov, df)
    facts = {"pretrend_f": statistic, "pretrend_df": len(leads), "pretrend_p": p}
    if p < SURE:
        return facts, (
            f"Before the start treated and controls did not move alike (F = "
            f"{statistic:.3g}, p = {p:.3g}): trends differed, or the programme was "
            "anticipated. The effect is then not that of the programme alone.",
        )
    return facts, (
        f"The joint test finds no difference in trends before the start (p = {p:.3g}); "
        "with few rows it can miss one, and it says nothing about later years.",
    )


NO_LEADS = (
    "There is one period before the start, so that treated and controls would have "
    "moved alike, and did not anticipate the programme, is assumed and cannot be "
    "checked here."
)

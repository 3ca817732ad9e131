"""Tables that show what the estimate rests on: means, trends, rows."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import warn
from geopoverty.estimators.did.problem import Problem
from geopoverty.numerics.types import Array, Mask

FEW_OF_GROUP = 5  # clusters of treated or controls below which errors mislead


def means_table(problem: Problem) -> pd.DataFrame:
    """Return the two-by-two table: before and after, treated and controls.

    Returns
    -------
    DataFrame
        ``group, before, after, change, n_before, n_after``; the last change is the
        difference in differences of plain means.
    """
    start = problem.starts[0]
    late = problem.periods >= start
    lines = []
    for name, who in (("treated", problem.ever), ("control", ~problem.ever)):
        before, after = who & ~late, who & late
        values = problem.y[before].mean(), problem.y[after].mean()
        counts = int(before.sum()), int(after.sum())
        lines.append([name, *values, values[1] - values[0], *counts])
    columns = ["group", "before", "after", "change", "n_before", "n_after"]
    table = pd.DataFrame(lines, columns=columns)
    gap = (
        table.loc[0, ["before", "after", "change"]]
        - table.loc[1, ["before", "after", "change"]]
    )
    table.loc[2] = ["difference", *gap, pd.NA, pd.NA]
    return table.astype({"n_before": "Int64", "n_after": "Int64"})


def trends_table(problem: Problem) -> pd.DataFrame:
    """Return the mean outcome of each group in each period, to look at trends.

    Returns
    -------
    DataFrame
        ``period, group, mean, std_error, n, started``; the group is "treated" and
        "control", or when its units started.
    """
    staggered = len(problem.starts) > 1
    names: dict[float, str] = dict.fromkeys(problem.starts, "treated")
    if staggered:
        names = {s: f"from {problem.labels[s]}" for s in problem.starts}
    lines = []
    for start in (*problem.starts, np.inf):
        who = problem.first == start
        for t in range(problem.n_periods):
            y = problem.y[who & (problem.periods == t)]
            if len(y):
                error = y.std(ddof=1) / np.sqrt(len(y)) if len(y) > 1 else np.nan
                group = names.get(start, "control")
                lines.append(
                    [problem.labels[t], group, y.mean(), error, len(y), t >= start]
                )
    columns = ["period", "group", "mean", "std_error", "n", "started"]
    return pd.DataFrame(lines, columns=columns)


def units_table(problem: Problem, period: str, residual: Array | None) -> pd.DataFrame:
    """Return a row a used row: who, when, treated, outcome, and what is left of it."""
    table: dict[str, Any] = {}
    if problem.unit is not None:
        table["unit_id"] = problem.rows[problem.unit].to_numpy()
    table["period"] = problem.rows[period].to_numpy()
    table["treated"] = problem.treated
    table["outcome"] = problem.y
    if residual is not None:
        table["fitted"] = problem.y - residual
        table["residual"] = residual
    return pd.DataFrame(table)


def facts_of(problem: Problem, dropped: int) -> dict[str, Any]:
    """Return what a reader asks first."""
    facts: dict[str, Any] = {
        "n_obs": len(problem.y),
        "n_dropped": dropped,
        "outcome": problem.design.formula.outcome,
        "n_periods": problem.n_periods,
        "n_treated_rows": int(problem.treated.sum()),
    }
    if problem.unit is None:
        return facts
    units = pd.Series(problem.ever).groupby(problem.groups).first()
    return facts | {"n_units": len(units), "n_treated": int(units.sum())}


def few_treated(problem: Problem) -> tuple[str, ...]:
    """Warn, and return the note, when clustered errors rest on few of one group.

    Residuals of a group of one are all but 0, however many clusters the other has
    (MacKinnon & Webb 2017).
    """
    columns = problem.columns
    if len(columns) != 1:
        return ()
    clusters = problem.rows[columns[0]]
    counts = {
        name: int(clusters[who].nunique())
        for name, who in (("treated", problem.ever), ("control", ~problem.ever))
    }
    name = min(counts, key=lambda n: counts[n])
    if counts[name] >= FEW_OF_GROUP:
        return ()
    note = (
        f"Only {counts[name]} {name} clusters (of '{columns[0]}'): clustered standard "
        "errors are then far too small, however many clusters there are in all."
    )
    warn(f"{note} Read p-values as too small, and show the trends instead.")
    return (note,)


def missing_waves_note(problem: Problem) -> tuple[str, ...]:
    """Say how many units are not there in all periods."""
    if problem.unit is None or problem.balanced:
        return ()
    seen = np.bincount(problem.groups)
    short: Mask = seen < problem.n_periods
    once = int((seen == 1).sum())
    alone = f", {once:,} of them in one only, which tell nothing" if once else ""
    return (
        f"{int(short.sum()):,} of {len(seen):,} units are not there in all "
        f"{problem.n_periods} periods{alone}. If who leaves depends on the programme, "
        "the effect is biased.",
    )

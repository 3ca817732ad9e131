"""Survival curves as tables."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty.estimators.curves.drawn import Drawn, Mean
from geopoverty.estimators.curves.problem import Problem, ids_of
from geopoverty.numerics.hazards.curves import bands, quantile
from geopoverty.numerics.hazards.log_rank import LogRank, log_rank
from geopoverty.numerics.types import Array
from geopoverty.results import inference_table

QUANTILES = (0.25, 0.5, 0.75)
FEW = 10  # exits of a group below which normal intervals are rough
NAMES = {
    "log-rank": "log-rank",
    "gehan": "Gehan-Breslow-Wilcoxon",
    "tarone-ware": "Tarone-Ware",
    "peto": "Peto-Peto (survdiff, rho = 1)",
}


def z_of(problem: Problem) -> float:
    """Return the quantile of the normal for the intervals."""
    return float(stats.norm.ppf(0.5 + problem.columns.options.conf_level / 2))


def curves_table(problem: Problem, groups: list[Drawn]) -> pd.DataFrame:
    """Return survival just after each time, by group."""
    z, kind = z_of(problem), problem.columns.options.interval
    parts = []
    for name, one in zip(problem.groups, groups, strict=True):
        low, high = bands(one.curve, kind, z)
        counts, survival = one.curve.counts, one.curve.survival
        between = {"time_low": one.starts} if one.masses is not None else {}
        parts.append(
            pd.DataFrame(
                {
                    "group": name,
                    **between,
                    "time": counts.time,
                    "at_risk": counts.at_risk,
                    "events": counts.events,
                    "censored": counts.censored,
                    "estimate": survival,
                    "std_error": survival * one.curve.log_error,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def hazard_table(problem: Problem, groups: list[Drawn]) -> pd.DataFrame:
    """Return Nelson-Aalen's cumulative hazard, intervals on its logarithm."""
    z, parts = z_of(problem), []
    for name, one in zip(problem.groups, groups, strict=True):
        hazard, error = one.curve.hazard, one.curve.hazard_error
        with np.errstate(divide="ignore", invalid="ignore"):
            wide = np.exp(z * error / hazard)
        parts.append(
            pd.DataFrame(
                {
                    "group": name,
                    "time": one.curve.counts.time,
                    "estimate": hazard,
                    "std_error": error,
                    "conf_low": hazard / wide,
                    "conf_high": hazard * wide,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def quantiles_table(problem: Problem, groups: list[Drawn]) -> pd.DataFrame:
    """Return by when a quarter, half and three quarters have left, by group."""
    z, kind = z_of(problem), problem.columns.options.interval
    rows: list[dict[str, object]] = []
    for name, one in zip(problem.groups, groups, strict=True):
        time = one.curve.counts.time
        low, high = bands(one.curve, kind, z)
        rows.extend(
            {
                "group": name,
                "share_left": share,
                "estimate": quantile(time, one.curve.survival, 1 - share),
                # The curve's lower limit gets there first.
                "conf_low": quantile(time, low, 1 - share),
                "conf_high": quantile(time, high, 1 - share),
            }
            for share in QUANTILES
        )
    return pd.DataFrame(rows)


def means_table(problem: Problem, means: list[Mean], horizon: float) -> pd.DataFrame:
    """Return the mean time up to the horizon, by group."""
    table = _inference(
        [str(g) for g in problem.groups],
        [m.value for m in means],
        [m.error for m in means],
        problem.columns.options.conf_level,
    ).drop(columns=["statistic", "p_value"])
    table = table.rename(columns={"term": "group"})
    table["group"] = problem.groups
    table.insert(1, "horizon", horizon)
    if problem.between:
        table["least"] = [m.least for m in means]
        table["most"] = [m.most for m in means]
    return table


def differences_table(problem: Problem, means: list[Mean]) -> pd.DataFrame:
    """Return how mean times differ from the first group's."""
    base = means[0]
    table = _inference(
        [str(g) for g in problem.groups[1:]],
        [m.value - base.value for m in means[1:]],
        [float(np.hypot(m.error, base.error)) for m in means[1:]],
        problem.columns.options.conf_level,
    ).rename(columns={"term": "group"})
    table["group"] = problem.groups[1:]
    table.insert(1, "against", [problem.groups[0]] * len(table))
    return table


def _inference(
    names: list[str], values: list[float], errors: list[float], level: float
) -> pd.DataFrame:
    index = pd.Index(names, dtype=object)
    return inference_table(
        pd.Series(values, index=index, dtype=float),
        pd.Series(errors, index=index, dtype=float),
        conf_level=level,
    )


def compared(problem: Problem) -> LogRank | None:
    """Test that groups leave at the same rate, where there is something to compare."""
    if len(problem.groups) < 2 or problem.between:
        return None
    kind = problem.columns.options.test
    return log_rank(problem.spells(), problem.group, problem.stratum, kind=kind)


def comparison_tables(
    problem: Problem, test: LogRank | None
) -> dict[str, pd.DataFrame]:
    """Return the test, and what each group adds to it."""
    if test is None:
        return {}
    verdict = {
        "test": NAMES[problem.columns.options.test],
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.p_value,
    }
    sizes = np.bincount(problem.group, minlength=len(problem.groups))
    left = np.bincount(problem.group, problem.exited, minlength=len(problem.groups))
    groups = pd.DataFrame(
        {
            "group": problem.groups,
            "n_obs": sizes,
            "n_exits": left.astype(int),
            "observed": test.observed,
            "expected": test.expected,
        }
    )
    return {"log_rank": pd.DataFrame([verdict]), "groups": groups}


def units_table(problem: Problem) -> pd.DataFrame:
    """Return one row an input row: id, group, last time, exit."""
    name, ids = ids_of(problem)
    table = pd.DataFrame({name: ids})
    if problem.columns.by is not None:
        table["group"] = [problem.groups[g] for g in problem.group]
    if problem.between:
        table["duration_low"] = problem.low
    table["duration"] = problem.last
    table["exited"] = problem.exited.astype(int)
    return table


def facts(problem: Problem, horizon: float, test: LogRank | None) -> dict[str, Any]:
    """Return numbers about the whole."""
    found = {
        "n_obs": len(problem.rows),
        "n_dropped": problem.dropped,
        "outcome": problem.columns.exited or problem.columns.times[1],
        "n_exits": int(problem.exited.sum()),
        "n_groups": len(problem.groups),
        "horizon": horizon,
    }
    if test is not None:
        found["log_rank"] = test.statistic
        found["log_rank_df"] = test.df
        found["log_rank_p"] = test.p_value
    return found


def notes(problem: Problem, horizon: float, groups: list[Drawn]) -> list[str]:
    """Say what must be read with the curves."""
    found = []
    if problem.dropped:
        found.append(
            f"{problem.dropped:,} rows with a missing value or group were left out."
        )
    if problem.columns.options.horizon is None and len(problem.groups) > 1:
        found.append(
            f"Mean times are those up to {horizon:g}, the last time at which every "
            "group is observed."
        )
    left = np.bincount(problem.group, problem.exited, minlength=len(problem.groups))
    few = [
        f"{g}: {int(n)}" for g, n in zip(problem.groups, left, strict=True) if n < FEW
    ]
    if few:
        found.append(f"Few exits ({first(few)}): intervals and tests are rough.")
    if problem.w is not None:
        found.append(
            "Standard errors with sampling weights are those of units drawn "
            "independently (infinitesimal jackknife)."
        )
    return found + (_between_notes(problem, groups) if problem.between else [])


def _between_notes(problem: Problem, groups: list[Drawn]) -> list[str]:
    steps = max(len(d.curve.counts.time) for d in groups)
    found = [
        "Exits are known only up to intervals: the curve (Turnbull's) is known at "
        "their ends, and its standard errors hold for intervals set beforehand, such "
        "as years or censuses; mean times spread exits evenly over their intervals, "
        "least and most put them at the starts and the ends."
    ]
    if len(problem.groups) > 1:
        found.append(
            "There is no log-rank test where exits are known only up to intervals: "
            "compare groups by exit_hazard with the group as a covariate."
        )
    if steps > np.sqrt(len(problem.rows)):
        found.append(
            f"The intervals make up to {steps} steps for {len(problem.rows)} rows: "
            "standard errors of the curve are too small."
        )
    return found


def means_vcov(names: list[str], means: list[Mean]) -> pd.DataFrame:
    """Return the covariance of mean times; groups are independent."""
    variance: Array = np.diag([m.error**2 for m in means])
    return pd.DataFrame(variance, index=names, columns=names)

"""Units that start at different times: two stages by pyfixest, and two-way's bias."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyfixest as pf

from geopoverty.covariances import Cluster, few_clusters
from geopoverty.errors import InputError
from geopoverty.estimators.did.event_study import EventStudy, event_study, lead_test
from geopoverty.estimators.did.options import Adoption
from geopoverty.estimators.did.problem import Problem, least_squares
from geopoverty.numerics.did import bacon, swept
from geopoverty.numerics.types import Array
from geopoverty.results import inference_table


@dataclass(frozen=True, eq=False)
class Staggered:
    """What staggered adoption gives.

    Attributes
    ----------
    att, variance : float
    df_t : float or None
    tables : dict of str to DataFrame
    facts : dict
    notes : tuple of str
    packages : tuple of str
    """

    att: float
    variance: float
    df_t: float | None
    tables: dict[str, pd.DataFrame]
    facts: dict[str, Any]
    notes: tuple[str, ...]
    packages: tuple[str, ...] = ()


def fit_staggered(problem: Problem, adoption: Adoption) -> Staggered:
    """Estimate the effect on the treated when units start at different times."""
    told = _two_way(problem)
    if adoption.estimator == "saturated":
        fit = _saturated(problem, event_study(problem))
    else:
        fit = _two_stages(problem)
    tables = {**fit.tables, **_bacon(problem)}
    notes = (*fit.notes, _bias_note(told, fit.att))
    facts = {"method": adoption.estimator, **fit.facts, **told}
    return Staggered(
        fit.att, fit.variance, fit.df_t, tables, facts, notes, fit.packages
    )


def _two_way(problem: Problem) -> dict[str, Any]:
    """Return the two-way estimate and how much of its weight is negative.

    The weight of a treated row is its treatment net of effects and covariates, over
    the sum (de Chaisemartin & D'Haultfoeuille 2020, theorem 1).
    """
    on = problem.treated.astype(np.float64)
    fit = least_squares(problem, on[:, None], ["att"])
    others = np.column_stack([on, problem.X])
    _, net = swept(problem.y, others, problem.groups, problem.periods)
    slope = np.linalg.lstsq(net[:, 1:], net[:, 0], rcond=None)[0]
    rest = net[:, 0] - net[:, 1:] @ slope
    weight = rest[problem.treated] / rest[problem.treated].sum()
    att = float(fit.least.beta[0])
    negative = float(np.abs(weight[weight < 0]).sum())
    share = float((weight < 0).mean())
    return {
        "twfe": att,
        "twfe_negative_weight": negative,
        "twfe_negative_share": share,
    }


def _bias_note(told: dict[str, Any], att: float) -> str:
    return (
        f"Two-way effects would say {told['twfe']:.4g} where the reported effect is "
        f"{att:.4g}. They compare late starters with those already treated, whose "
        "effect may still grow (Goodman-Bacon 2021): "
        f"{told['twfe_negative_share']:.0%} of treated rows have a negative weight in "
        f"them, {told['twfe_negative_weight']:.2f} in sum."
    )


def _saturated(problem: Problem, study: EventStudy) -> Staggered:
    vcov = least_squares(problem, problem.treated[:, None].astype(float), ["att"])
    return Staggered(
        study.att,
        study.variance,
        vcov.df_t,
        {"event_study": study.table, "cohorts": study.cohorts},
        {**study.facts, **vcov.facts},
        (*study.notes, *vcov.notes),
    )


def _two_stages(problem: Problem) -> Staggered:
    """Fit untreated rows first, then what is left (Gardner 2022), by pyfixest."""
    option = problem.vcov
    if not isinstance(option, Cluster) or len(option.columns) != 1:
        raise InputError(
            "did2s takes clusters of one column: vcov='cluster' or Cluster(column). "
            "Use Adoption(..., estimator='saturated') for other errors."
        )
    relative = np.where(problem.ever, problem.periods - problem.first, np.nan)
    times = np.unique(relative[problem.ever]).astype(int)
    # Safe names: what the user calls a column never reaches another parser.
    table = pd.DataFrame(
        problem.X, columns=[f"x{j}" for j in range(len(problem.names))]
    )
    table["y"] = problem.y
    table["unit"], table["period"] = problem.groups, problem.periods
    table["on"] = problem.treated.astype(int)
    table["cluster"] = pd.factorize(problem.rows[option.columns[0]])[0]
    for j, r in enumerate(times):
        table[f"e{j}"] = (relative == r).astype(float)
    groups = int(table["cluster"].nunique())
    att, variance = _did2s(table, len(problem.names), ["on"])
    events = [f"e{j}" for j in range(len(times))]
    values, vcov = _did2s(table, len(problem.names), events)
    study = inference_table(
        pd.Series(values), pd.Series(np.sqrt(np.diag(vcov))), df=groups - 1
    ).drop(columns="term")
    study.insert(0, "relative", times)
    study["n"] = [int((relative == r).sum()) for r in times]
    lead = np.flatnonzero(times < 0)
    facts, notes = lead_test(values[lead], vcov[np.ix_(lead, lead)], groups - 1)
    facts |= {"vcov": f"clustered by {option.columns[0]}", "n_clusters": groups}
    return Staggered(
        float(att[0]),
        float(variance[0, 0]),
        float(groups - 1),
        {"event_study": study},
        facts,
        (*notes, *few_clusters(groups)),
        ("pyfixest",),
    )


def _did2s(table: pd.DataFrame, k: int, names: list[str]) -> tuple[Array, Array]:
    first = " + ".join(f"x{j}" for j in range(k)) or "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pf.did2s(
            table,
            yname="y",
            first_stage=f"~ {first} | unit + period",
            second_stage=f"~ 0 + {' + '.join(names)}",
            treatment="on",
            cluster="cluster",
        )
    found = model.coef()
    at = [list(found.index).index(n) for n in names]
    vcov = np.asarray(model._vcov)[np.ix_(at, at)]
    return found.to_numpy()[at], vcov


def _bacon(problem: Problem) -> dict[str, pd.DataFrame]:
    """Return the two-by-two comparisons that two-way effects average."""
    if not problem.balanced or problem.names:
        return {}
    cohorts = np.unique(problem.first)
    code = np.searchsorted(cohorts, problem.first)
    cells = pd.Series(problem.y).groupby([code, problem.periods]).mean()
    units = pd.Series(problem.groups).groupby(code).nunique().to_numpy(float)
    found = bacon(cells.to_numpy().reshape(len(cohorts), -1), cohorts, units)
    rows = [
        {
            "treated": problem.labels[int(k)],
            "control": "never" if np.isinf(c) else problem.labels[int(c)],
            "comparison": kind,
            "estimate": estimate,
            "weight": weight,
        }
        for k, c, kind, estimate, weight in found
    ]
    return {"bacon": pd.DataFrame(rows)}

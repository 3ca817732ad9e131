"""What two-stage least squares can tell: strength of instruments, and tests."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first, warn
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.dynamic.gmm import Equations, fit_gmm
from geopoverty.numerics.two_stage import (
    Instrumented,
    Intervals,
    TwoStageFit,
    anderson_rubin_set,
    first_stages,
    reduced_form,
)

WEAK, DECENT = 10.0, 23.1  # first-stage F: Staiger & Stock; Montiel Olea & Pflueger
RULES = {
    "AR(1) in differences": "needs three periods of residuals; there are two",
    "AR(2) in differences": "needs four periods of residuals; there are two",
}


@dataclass(frozen=True, eq=False)
class Strength:
    """What instruments can tell, in facts, tables and notes."""

    facts: dict[str, Any]
    table: pd.DataFrame
    sets: pd.DataFrame
    notes: tuple[str, ...]


def strength_of(model: Instrumented, fit: TwoStageFit, names: list[str]) -> Strength:
    """Return first stages and the Anderson-Rubin set or test.

    Parameters
    ----------
    model : Instrumented
    fit : TwoStageFit
    names : list of str
        Of the endogenous regressors.

    Warns
    -----
    GeoPovertyWarning
        If a first-stage F is below 10.
    """
    stages = first_stages(model)
    found_f = [{"term": n, **vars(s)} for n, s in zip(names, stages, strict=True)]
    table = pd.DataFrame(found_f)
    f, p = reduced_form(model)
    facts: dict[str, Any] = {"first_stage_f": min(s.conditional_f for s in stages)}
    least = facts["first_stage_f"]
    if len(names) == 1:
        least = facts["effective_f"] = stages[0].effective_f
    facts |= {"anderson_rubin_f": f, "anderson_rubin_p": p}
    notes = _weakness(least, names)
    sets = pd.DataFrame({"term": [], "conf_low": [], "conf_high": []})
    if np.isnan(f):
        notes.append(
            f"{model.groups.count} clusters are too few to test "
            f"{model.outside.shape[1]} instruments together: no first-stage F, no "
            "Anderson-Rubin test."
        )
        return Strength(facts, table, sets, tuple(notes))
    if len(names) > 1:
        notes.append(
            "The Anderson-Rubin test is joint: that none of "
            f"{first(names)} has an effect (F {f:.3g}, p {p:.3g})."
        )
        return Strength(facts, table, sets, tuple(notes))
    found = anderson_rubin_set(model, fit)
    sets = pd.DataFrame(
        [{"term": names[0], "conf_low": a, "conf_high": b} for a, b in found],
        columns=["term", "conf_low", "conf_high"],
    )
    facts["anderson_rubin_set"], said = _shape(found)
    notes.append(f"Anderson-Rubin 95 % set of {names[0]}, right however weak: {said}.")
    return Strength(facts, table, sets, tuple(notes))


def _shape(found: Intervals) -> tuple[str, str]:
    """Return what kind of set it is, and the set in words."""
    words = " and ".join(f"({a:.4g}, {b:.4g})" for a, b in found)
    if not found:
        return "empty", "empty, so the instruments contradict one another"
    ends = np.isinf([found[0][0], found[-1][1]])
    if not ends.any():
        return ("bounded" if len(found) == 1 else "disjoint"), words
    if len(found) == 1 and ends.all():
        return "unbounded", "the whole line, so the data say nothing of it"
    kind = "disjoint" if len(found) > 1 else "unbounded"
    return kind, f"{words}, unbounded, so the data hardly identify it"


def _weakness(f: float, names: list[str]) -> list[str]:
    what = f"the first stage of {first(names)}" if len(names) == 1 else "a first stage"
    if not f < DECENT:
        return []
    note = (
        f"Instruments are weak: F of {what} is {f:.2f}"
        f"{'' if f < WEAK else f', below {DECENT}'}. Estimate and standard error may "
        "mislead; read the Anderson-Rubin set and test instead."
    )
    if f < WEAK:
        warn(note)
    return [note]


def tests_of(model: Instrumented) -> pd.DataFrame:
    """Return Hansen's test where it has degrees of freedom; say why others are not."""
    Z, k = model.Z, model.X.shape[1]
    df = Z.shape[1] - k
    why = "no degrees of freedom: as many moments as coefficients" if not df else ""
    if df and model.groups.count <= Z.shape[1]:
        why = f"{model.groups.count} clusters are too few to weigh {Z.shape[1]} moments"
    statistic, p = np.nan, np.nan
    if not why:
        eq = Equations(model.y, model.X, Z, model.groups.codes, model.groups.count)
        statistic = fit_gmm(eq, inverse(Z.T @ Z)).hansen
        p = float(stats.chi2.sf(statistic, df))
    hansen = {"statistic": statistic, "df": df, "p_value": p, "why_not": why}
    none = {"statistic": np.nan, "df": np.nan, "p_value": np.nan}
    refused = [{"test": t, **none, "why_not": w} for t, w in RULES.items()]
    return pd.DataFrame([{"test": "Hansen", **hansen}, *refused])

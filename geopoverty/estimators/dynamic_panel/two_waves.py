"""Two waves: what can be had is 2SLS on outside instruments, and it says so."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, warn
from geopoverty.covariances import few_clusters
from geopoverty.design import Design, Roles, build_design
from geopoverty.design.columns import refuse_collinear
from geopoverty.effects.tables import linear_effects_table
from geopoverty.effects.terms import effect_terms
from geopoverty.errors import InputError
from geopoverty.estimators.dynamic_panel.options import (
    DynamicGMM,
    Household,
    Instruments,
)
from geopoverty.estimators.dynamic_panel.strength import strength_of, tests_of
from geopoverty.estimators.dynamic_panel.variables import plain, variables_of
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.two_stage import (
    Groups,
    Instrumented,
    fit_two_stage,
)
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.provenance import provenance
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights


@dataclass(frozen=True, eq=False)
class Waves:
    """The equation that two waves leave.

    Attributes
    ----------
    design : Design
        Regressors only.
    model : Instrumented
    names : list of str
        Regressors, then the period effect.
    outside : list of str
        Outside instruments, one a column.
    rows : DataFrame
        Unit and period of each equation.
    equation : {"levels", "differences"}
    cluster : str
    """

    design: Design
    model: Instrumented
    names: list[str]
    outside: list[str]
    rows: pd.DataFrame
    equation: str
    cluster: str

    @property
    def endogenous(self) -> list[str]:
        """Names of the instrumented regressors."""
        return [self.names[j] for j in self.model.endogenous]


def two_waves(
    formula: str,
    tables: tuple[pd.DataFrame, pd.DataFrame | None],
    weights: SpatialWeights | None,
    settings: tuple[Instruments, DynamicGMM, Household, Roles],
    said: dict[str, Any],
) -> Result:
    """Estimate by two-stage least squares, in levels or in differences.

    Raises
    ------
    InputError
        For a lagged outcome, endogenous regressors without outside instruments, and
        instruments that do not vary or determine one another.

    Warns
    -----
    GeoPovertyWarning
        If instruments are weak or more than units, or clusters few.
    """
    gmm, how, who, roles = settings
    whole = _design(formula, tables, weights, settings)
    waves = _waves(whole, gmm, how, who, str(roles.period))
    fit = fit_two_stage(waves.model)
    strength = strength_of(waves.model, fit, waves.endogenous)
    tests = tests_of(waves.model)
    facts = _facts(waves, whole, tests)
    effects = effect_terms(waves.design)
    own = len(waves.design.names)
    df_t = float(waves.model.groups.count - 1)
    arrays = [waves.model.y, waves.model.X, waves.model.outside]
    return Result(
        estimator="two-wave 2SLS",
        estimates=pd.Series(fit.beta, index=waves.names),
        vcov=pd.DataFrame(fit.vcov, index=waves.names, columns=waves.names),
        units=waves.rows.assign(
            outcome=waves.model.y,
            fitted=waves.model.y - fit.residual,
            residual=fit.residual,
        ),
        facts={**facts, **strength.facts, "df_t": df_t},
        tables={
            "first_stage": strength.table,
            "anderson_rubin": strength.sets,
            "tests": tests,
            "effects": linear_effects_table(
                effects, fit.beta[:own], fit.vcov[:own, :own], df_t
            ),
        },
        notes=(
            *whole.notes,
            *_notes(waves),
            *strength.notes,
            *few_clusters(waves.model.groups.count),
            *effects.notes,
            *said["notes"],
        ),
        provenance=provenance(formula, said["options"], arrays, said["sources"]),
    )


def _design(
    formula: str,
    tables: tuple[pd.DataFrame, pd.DataFrame | None],
    weights: SpatialWeights | None,
    settings: tuple[Instruments, DynamicGMM, Household, Roles],
) -> Design:
    """Build regressors and outside instruments together, on the same rows."""
    gmm, how, _, roles = settings
    text = " + ".join([formula, *gmm.outside])
    design = build_design(
        text,
        tables[0],
        roles=roles,
        weights=weights,
        unit_data=tables[1],
        intercept=how.equations != "difference",
        collinear=True,
    )
    if design.formula.earlier:
        name = next(iter(design.formula.earlier))
        inside = design.formula.earlier[name].expression
        outcome = plain(inside) == plain(design.formula.outcome)
        what = "a lagged outcome needs three" if outcome else "it leaves one"
        raise InputError(
            f"{name} with two waves: {what}. Leave it out"
            f"{'' if outcome else ', or join the earlier value as a column'}; what two "
            "waves identify is a model without its own past."
        )
    return design


def _waves(
    whole: Design, gmm: Instruments, how: DynamicGMM, who: Household, period: str
) -> Waves:
    """Take regressors and instruments apart, and difference them if asked."""
    extra = _columns_of(whole, gmm.outside)
    kept = [j for j in range(len(whole.names)) if j not in set(extra)]
    design = _part(whole, kept)
    parts = variables_of(design, gmm)
    differenced = how.equations == "difference"
    if parts.predetermined and not differenced:
        raise InputError(
            f"With two waves a predetermined variable ({first(parts.predetermined)}) "
            "has an instrument only in differences, its value in the first wave. Use "
            "method='difference', or name it endogenous with an outside instrument."
        )
    instrumented = sorted(j for js in parts.columns.values() for j in js)
    Z, names = whole.X[:, extra], [whole.names[j] for j in extra]
    for name in parts.predetermined:
        columns = parts.columns[name]
        Z = np.column_stack([Z, design.X[:, columns]])
        names += [f"{design.names[j]} in the first wave" for j in columns]
    _require_enough(design, instrumented, names)
    lead = len(names) - len(extra)
    build = _differenced if differenced else _levels
    y, X, Z, rows, labels, index = build(design, Z, lead, who.household, period, how)
    names_X = [*design.names, *labels]
    _refuse_fixed(X, Z, names_X, names, who.household)
    order = np.array(instrumented, dtype=np.intp)
    cluster = how.cluster or who.unit
    groups = _groups(design.rows.iloc[index], cluster)
    model = Instrumented(y, X, order, Z, groups)
    _refuse_repeats(model, names_X, names)
    equation = "differences" if differenced else "levels"
    return Waves(design, model, names_X, names, rows, equation, cluster)


def _columns_of(whole: Design, outside: tuple[str, ...]) -> list[int]:
    wanted = {plain(n) for n in outside}
    found = [(plain(t.factors[0]), js) for t, js in whole.terms if len(t.factors) == 1]
    inside = whole.formula.text.partition("~")[2]
    columns = [j for name, js in found if name in wanted for j in js]
    for name in outside:
        if inside.replace(" ", "").count(plain(name)) and _stands_twice(inside, name):
            raise InputError(
                f"{name} is a regressor itself, so it cannot stand in for another from "
                "outside. Leave it out of outside=, or out of the formula."
            )
    return columns


def _stands_twice(right: str, name: str) -> bool:
    """Tell whether a term stands twice on a right side: the formula's and ours."""
    return [plain(t) for t in right.split("+")].count(plain(name)) > 1


def _part(whole: Design, kept: list[int]) -> Design:
    moved = {old: new for new, old in enumerate(kept)}
    return replace(
        whole,
        X=np.ascontiguousarray(whole.X[:, kept]),
        names=[whole.names[j] for j in kept],
        terms=[
            (t, [moved[j] for j in js])
            for t, js in whole.terms
            if all(j in moved for j in js)
        ],
    )


def _require_enough(design: Design, instrumented: list[int], names: list[str]) -> None:
    if not instrumented:
        raise InputError(
            "Nothing is endogenous, so there is nothing to instrument. Use panel(...) "
            "for fixed effects, or name what is endogenous in gmm=Instruments(...)."
        )
    if len(names) < len(instrumented):
        found = [design.names[j] for j in instrumented]
        has = f"{len(names)} ({first(names)})" if names else "none"
        raise InputError(
            f"Not identified: {first(found)} needs {len(found)} instruments and has "
            f"{has}. With two waves no earlier value is left to be one: name outside "
            "instruments in gmm=Instruments(outside=(...))."
        )


Built = tuple[Array, Array, Array, pd.DataFrame, list[str], Codes]


def _levels(
    design: Design, Z: Array, lead: int, who: str, period: str, how: DynamicGMM
) -> Built:
    del lead
    rows, X, labels = design.rows, design.X, []
    if how.period_effects:
        later = rows[period] == sorted(rows[period].unique())[-1]
        X = np.column_stack([X, later.to_numpy(np.float64)])
        labels = [f"{period}[T.{rows[period][later].iloc[0]}]"]
    keys = _keys(rows, who, period)
    return design.y, X, Z, keys, labels, np.arange(len(rows))


def _differenced(
    design: Design, Z: Array, lead: int, who: str, period: str, how: DynamicGMM
) -> Built:
    """Return second wave less first, for those that have both."""
    rows = design.rows
    codes, _ = pd.factorize(rows[who])
    order = np.lexsort((pd.factorize(rows[period], sort=True)[0], codes))
    pairs = np.flatnonzero(codes[order][1:] == codes[order][:-1])
    early, late = order[pairs], order[pairs + 1]
    if not len(pairs):
        raise InputError(
            f"No {who} has a complete row in both waves, so nothing can be "
            "differenced. Check the keys."
        )
    change = Z[late] - Z[early]
    fixed: Mask = np.asarray(~change.any(axis=0), dtype=bool)
    # What does not change, and what is the first wave's value, stands in levels.
    fixed[Z.shape[1] - lead :] = True
    Z = np.where(fixed, Z[early], change)
    X, labels = design.X[late] - design.X[early], []
    if how.period_effects:
        X = np.column_stack([X, np.ones(len(pairs))])
        labels = [f"{period}[T.{rows[period].iloc[late[0]]}]"]
    keys = _keys(rows.iloc[late], who, period)
    return design.y[late] - design.y[early], X, Z, keys, labels, late


def _keys(rows: pd.DataFrame, who: str, period: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"unit_id": rows[who].to_numpy(), "period": rows[period].to_numpy()}
    )


def _groups(rows: pd.DataFrame, cluster: str) -> Groups:
    codes, found = pd.factorize(rows[cluster])
    if len(found) < 2:
        raise InputError(
            f"Clusters need at least two groups; '{cluster}' has one. Cluster on "
            "another column."
        )
    return Groups(np.asarray(codes, dtype=np.intp), len(found))


def _refuse_fixed(
    X: Array, Z: Array, regressors: list[str], instruments: list[str], who: str
) -> None:
    gone = [n for n, x in zip(regressors, X.T, strict=True) if not x.any()]
    if gone:
        raise InputError(
            f"{first(gone)} does not change within any {who}, so differences remove "
            "it. Leave it out, or use method='auto' for levels."
        )
    fixed = [n for n, z in zip(instruments, Z.T, strict=True) if np.ptp(z) == 0]
    if fixed:
        raise InputError(
            f"An instrument must vary; {first(fixed)} is the same in every row. Name "
            "one that does."
        )


def _refuse_repeats(
    model: Instrumented, regressors: list[str], instruments: list[str]
) -> None:
    refuse_collinear(model.X, regressors)
    names = [n for j, n in enumerate(regressors) if j not in set(model.endogenous)]
    names += instruments
    found = dependent_columns(model.Z)
    if found:
        parts = [
            f"'{names[j]}' is a combination of {first(names[i] for i in basis)}"
            for j, basis in found
        ]
        raise InputError(
            "Instruments must not determine one another, nor be determined by the "
            f"exogenous regressors: {'; '.join(parts[:5])}. Leave one of them out."
        )


def _facts(waves: Waves, whole: Design, tests: pd.DataFrame) -> dict[str, Any]:
    model = waves.model
    moments, k = model.Z.shape[1], model.X.shape[1]
    facts = {
        "n_obs": len(model.y),
        "n_dropped": whole.dropped,
        "outcome": whole.formula.outcome,
        "method": "2sls",
        "equation": waves.equation,
        "n_units": int(waves.rows["unit_id"].nunique()),
        "n_periods": 2,
        "n_moments": moments,
        "n_parameters": k,
        "df": moments - k,
        "n_clusters": model.groups.count,
        "vcov": f"clustered by {waves.cluster}",
    }
    hansen = tests.iloc[0]
    if not hansen["why_not"]:
        facts |= {
            "hansen": float(hansen["statistic"]),
            "hansen_p": float(hansen["p_value"]),
        }
    return facts


def _notes(waves: Waves) -> tuple[str, ...]:
    model = waves.model
    moments, k = model.Z.shape[1], model.X.shape[1]
    notes = [
        f"Two waves identify no dynamics: this is two-stage least squares in "
        f"{waves.equation}, {moments} moments for {k} coefficients, {moments - k} "
        "degrees of freedom; whatever it is called elsewhere, it is no system GMM.",
        "Hansen's test has no degrees of freedom: the instruments cannot be tested."
        if moments == k
        else "",
        "No test of serial correlation: AR(1) needs three periods of residuals, AR(2) "
        "four.",
    ]
    if waves.equation == "levels":
        notes.append(
            f"In levels {first(waves.outside)} must be uncorrelated with the units' "
            "effects, E[instrument x effect] = 0, and so must exogenous regressors: "
            "two waves cannot test it."
        )
    units = waves.rows["unit_id"].nunique()
    if moments > units:
        note = f"There are more instruments ({moments}) than units ({units})."
        warn(f"{note} Use fewer.")
        notes.append(note)
    return tuple(n for n in notes if n)

"""Linear panels with unit, period and two-way effects, and lagged covariates."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyfixest as pf

from geopoverty._checks import first, require, require_option
from geopoverty.covariances import (
    Cluster,
    Covariance,
    SmallSample,
    Vcov,
    columns_of,
    covariance,
    resolved,
)
from geopoverty.design import Design, Roles, build_design
from geopoverty.effects.tables import linear_effects_table
from geopoverty.effects.terms import effect_terms
from geopoverty.errors import InputError
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import Scores, inverse
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import as_weights

EFFECTS = {
    "unit": ("unit",),
    "period": ("period",),
    "two-way": ("unit", "period"),
    "none": (),
}


def panel(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str = "unit_id",
    period: str = "period",
    effects: str = "two-way",
    weights: Any = None,
    vcov: Vcov = "cluster",
    unit_data: pd.DataFrame | None = None,
) -> Result:
    """Fit a linear panel by least squares, with spillovers through ``W(x)``.

    Parameters
    ----------
    formula : str
        ``"log_income ~ density + W(density)"``; lags are taken within periods.
    data : DataFrame, n rows
        One unit and period a row, each pair once; it may be unbalanced, but
        every unit of the weights needs x in every period. Never modified.
    unit, period : str
        Columns (or the index) that name a row's unit and period.
    effects : {"unit", "period", "two-way", "none"}
        Fixed effects; ``"none"`` is pooled least squares.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    vcov : {"iid", "hc1", "cluster"}, Cluster or Conley
        ``"cluster"`` is on the unit. Small-sample factors are fixest's, which
        are Stata's: effects nested in the clusters do not count as parameters.
    unit_data : DataFrame, optional
        One row a unit (and period), from which ``W(x)`` and columns that `data`
        lacks are taken.

    Returns
    -------
    Result
        ``tables["effects"]``: direct, indirect and total effects in units of the
        outcome. ``units``: outcome, fitted value and residual of each row.

    Raises
    ------
    InputError
        For repeated unit-period pairs, fewer than two periods, covariates that
        the fixed effects absorb, and whatever else breaks a rule of input.

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 40 clusters.

    Notes
    -----
    The fixed effects are swept out and the coefficients found by pyfixest.
    Tests use Student's t with G - 1 degrees of freedom under clusters.

    References
    ----------
    Cameron, A. C. & Miller, D. L. (2015). A practitioner's guide to
    cluster-robust inference. Journal of Human Resources 50, 317-372.

    Examples
    --------
    >>> table = pd.DataFrame({"unit_id": list("aabbcc"), "period": [1, 2] * 3,
    ...     "x": [0.0, 1.0, 0.0, 2.0, 1.0, 1.0], "y": [1.0, 3.0, 2.0, 7.0, 5.0, 4.0]})
    >>> panel("y ~ x", table, effects="unit", vcov="iid").estimates.round(3).to_dict()
    {'x': 2.4}
    """
    require_option(effects, tuple(EFFECTS), "effects")
    keys = _Keys(unit, period, effects)
    chosen = resolved(vcov, unit)
    if chosen == "hc0":
        raise InputError(
            "panel takes vcov 'iid', 'hc1', 'cluster', Cluster or Conley; got 'hc0'."
        )
    spatial = None if weights is None else as_weights(weights)
    design = build_design(
        formula,
        data,
        roles=Roles(unit, period, (unit, *columns_of(chosen, unit))),
        weights=spatial,
        unit_data=unit_data,
        intercept=effects == "none",
    )
    _check_panel(design, keys)
    fit = _fit(design, keys)
    cov, df_t = _covariance(chosen, design, fit, keys)
    terms = effect_terms(design)
    notes = [*design.notes, *cov.notes, *terms.notes]
    options = {**vars(keys), "vcov": vcov, "weights": weights}
    sources = sources_of(data, unit_data, spatial)
    arrays = (design.y, design.X)
    return Result(
        estimator="panel",
        estimates=pd.Series(fit.beta, index=design.names),
        vcov=pd.DataFrame(cov.matrix, index=design.names, columns=design.names),
        units=_units_table(design, keys, fit),
        facts={**_facts(design, keys, fit), **cov.facts, "df_t": df_t},
        tables={"effects": linear_effects_table(terms, fit.beta, cov.matrix, df_t)},
        notes=(*notes, *(() if spatial is None else spatial.notes)),
        provenance=provenance(formula, options, arrays, sources, ("pyfixest",)),
    )


@dataclass(frozen=True)
class _Keys:
    """What names a row, and which of it has fixed effects."""

    unit: str
    period: str
    effects: str

    @property
    def absorbed(self) -> list[str]:
        """The columns that have fixed effects."""
        named = {"unit": self.unit, "period": self.period}
        return [named[part] for part in EFFECTS[self.effects]]


@dataclass(frozen=True, eq=False)
class _Fit:
    """What pyfixest found: coefficients, and X and residuals net of the effects."""

    beta: Array
    X: Array
    residual: Array
    r_squared: float
    r_squared_within: float

    @property
    def bread(self) -> Array:
        return inverse(self.X.T @ self.X)

    def scores(self) -> Scores:
        for rows in blocks(len(self.X)):
            yield rows, self.X[rows] * self.residual[rows, None]


def _check_panel(design: Design, keys: _Keys) -> None:
    rows, unit, period = design.rows, keys.unit, keys.period
    require(
        ~rows.duplicated([unit, period]).to_numpy(),
        f"Each {unit} and {period} must stand once",
        ids=list(zip(rows[unit], rows[period], strict=True)),
        way_out="Drop or merge the repeats.",
    )
    if np.ptp(design.y) == 0:
        raise InputError(
            f"The outcome '{design.formula.outcome}' must vary; it is {design.y[0]:g} "
            "in every row. Check the column."
        )
    if keys.absorbed and rows[period].nunique() < 2:
        raise InputError(
            f"A panel needs at least two periods; '{period}' has "
            f"{rows[period].nunique()}. Use effects='none' for one cross-section."
        )
    for kind, column in zip(EFFECTS[keys.effects], keys.absorbed, strict=True):
        _refuse_constant_within(design, column, kind)


def _refuse_constant_within(design: Design, key: str, kind: str) -> None:
    codes = design.rows.groupby(key).ngroup().to_numpy()
    frame = pd.DataFrame(design.X).groupby(codes)
    spread = (frame.max() - frame.min()).max().to_numpy()
    fixed = [n for n, s in zip(design.names, spread, strict=True) if s == 0]
    if fixed:
        other = "period" if kind == "unit" else "unit"
        raise InputError(
            f"{first(fixed)} does not vary within any {kind}, so {kind} effects "
            f"absorb it. Leave it out, or use effects='{other}' or 'none'."
        )


def _fit(design: Design, keys: _Keys) -> _Fit:
    plain = [n for n in design.names if n != "Intercept"]
    # Safe names: what the user calls a column never reaches another parser.
    stand_in = {n: f"x{j}" for j, n in enumerate(plain)}
    table = pd.DataFrame({"y": design.y})
    for name in plain:
        table[stand_in[name]] = design.X[:, design.names.index(name)]
    table["unit"] = pd.factorize(design.rows[keys.unit])[0]
    table["period"] = pd.factorize(design.rows[keys.period])[0]
    right = " + ".join(stand_in.values()) or "1"
    absorbed = f" | {' + '.join(EFFECTS[keys.effects])}" if keys.absorbed else ""
    with warnings.catch_warnings():
        # Dropped columns are reported below, by name, as an error.
        warnings.simplefilter("ignore")
        model = pf.feols(
            f"y ~ {right}{absorbed}",
            table,
            vcov="iid",
            fixef_rm="none",
            fixef_tol=1e-10,
            drop_intercept="Intercept" not in design.names,
        )
    found = model.coef()
    back = {v: k for k, v in stand_in.items()} | {"Intercept": "Intercept"}
    order = [back[c] for c in found.index]
    _refuse_absorbed(set(design.names) - set(order), keys.effects)
    at = [order.index(n) for n in design.names]
    swept = np.asarray(model._Y).ravel()
    residual = np.asarray(model.resid()).ravel()
    total = design.y - design.y.mean()
    return _Fit(
        beta=found.to_numpy()[at],
        X=np.asarray(model._X)[:, at],
        residual=residual,
        r_squared=1 - float(residual @ residual) / float(total @ total),
        r_squared_within=1 - float(residual @ residual) / float(swept @ swept),
    )


def _covariance(
    vcov: Vcov, design: Design, fit: _Fit, keys: _Keys
) -> tuple[Covariance, float]:
    """Return the covariance and the degrees of freedom of t tests.

    pyfixest 0.60 takes the small-sample factor of two-way effects from a set, so
    that it depends on the hash seed: the rule is applied here instead.
    """
    n, k = design.X.shape
    sizes = [int(design.rows[c].nunique()) for c in keys.absorbed]
    absorbed = _columns(sizes)
    if vcov == "iid":
        sigma2 = float(fit.residual @ fit.residual) / (n - k - absorbed)
        said = Covariance(sigma2 * fit.bread, {"vcov": "iid"}, ())
        return said, float(n - k - absorbed)
    counted = k + _not_nested(vcov, design, keys)
    small = SmallSample(k + absorbed, counted, fewest=True)
    cov = covariance(vcov, fit.bread, fit.scores, design.rows, keys.unit, small)
    groups = cov.facts.get("n_clusters")
    return cov, float(n - k - absorbed if groups is None else groups - 1)


def _columns(sizes: list[int]) -> int:
    """Return how many columns effects of these sizes take: they share a constant."""
    return sum(sizes) - max(len(sizes) - 1, 0)


def _not_nested(vcov: Vcov, design: Design, keys: _Keys) -> int:
    """Count the columns of the effects that are not nested in the clusters."""
    if not keys.absorbed or not isinstance(vcov, Cluster):
        return 0
    free = [
        int(design.rows[d].nunique())
        for d in keys.absorbed
        if all(_varies(design.rows, c, d) for c in vcov.columns)
    ]
    return _columns(free) if free else 1


def _varies(rows: pd.DataFrame, column: str, within: str) -> bool:
    return bool(rows.groupby(within)[column].nunique().max() > 1)


def _refuse_absorbed(lost: set[str], effects: str) -> None:
    if lost:
        raise InputError(
            f"{first(sorted(lost))} is determined by the {effects} effects and the "
            "other covariates. Leave it out, or use fewer effects."
        )


def _units_table(design: Design, keys: _Keys, fit: _Fit) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit_id": design.rows[keys.unit].to_numpy(),
            "period": design.rows[keys.period].to_numpy(),
            "outcome": design.y,
            "fitted": design.y - fit.residual,
            "residual": fit.residual,
        }
    )


def _facts(design: Design, keys: _Keys, fit: _Fit) -> dict[str, Any]:
    rows = design.rows
    facts = {
        "n_obs": len(rows),
        "n_dropped": design.dropped,
        "outcome": design.formula.outcome,
        "effects": keys.effects,
        "n_units": int(rows[keys.unit].nunique()),
        "n_periods": int(rows[keys.period].nunique()),
        "r_squared": fit.r_squared,
    }
    if keys.absorbed:
        facts["r_squared_within"] = fit.r_squared_within
    return facts

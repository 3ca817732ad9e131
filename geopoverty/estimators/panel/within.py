"""Panels without dependence: effects swept out by pyfixest, least squares."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyfixest as pf

from geopoverty.covariances import (
    Cluster,
    Covariance,
    SmallSample,
    WildCluster,
    covariance,
)
from geopoverty.estimators.panel.few import wild_within
from geopoverty.estimators.panel.options import EFFECTS
from geopoverty.estimators.panel.problem import Fitted, Problem, refuse_absorbed
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import Scores, inverse
from geopoverty.numerics.types import Array


def fit_within(problem: Problem) -> Fitted:
    """Fit by least squares net of fixed effects.

    Raises
    ------
    InputError
        If the effects and other covariates determine a covariate.
    """
    fit = _fit(problem)
    counted = problem.X.shape[1] + _not_nested(problem)
    cov, df_t = _covariance(problem, fit, counted)
    wild = wild_within(problem, counted)
    facts = {"r_squared": fit.r_squared}
    if problem.keys.absorbed:
        facts["r_squared_within"] = fit.r_squared_within
    return Fitted(
        theta=fit.beta,
        vcov=cov.matrix,
        residual=fit.residual,
        df_t=df_t,
        facts={**facts, **cov.facts, **wild.facts, "df_t": df_t},
        notes=(*cov.notes, *wild.notes),
        tables=wild.tables,
        packages=("pyfixest",),
    )


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


def _fit(problem: Problem) -> _Fit:
    design, keys = problem.design, problem.keys
    plain = [n for n in design.names if n != "Intercept"]
    # Safe names: what the user calls a column never reaches another parser.
    stand_in = {n: f"x{j}" for j, n in enumerate(plain)}
    table = pd.DataFrame({"y": design.y})
    for name in plain:
        table[stand_in[name]] = design.X[:, design.names.index(name)]
    table["unit"] = problem.units
    table["period"] = problem.periods
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
    refuse_absorbed(set(design.names) - set(order), keys.effects)
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


def _covariance(problem: Problem, fit: _Fit, counted: int) -> tuple[Covariance, float]:
    """Return the covariance and the degrees of freedom of t tests.

    pyfixest 0.60 takes the small-sample factor of two-way effects from a set, so
    that it depends on the hash seed: the rule is applied here instead.
    """
    rows, vcov = problem.rows, problem.vcov
    n, k = problem.X.shape
    sizes = [int(rows[c].nunique()) for c in problem.keys.absorbed]
    absorbed = _columns(sizes)
    if vcov == "iid":
        sigma2 = float(fit.residual @ fit.residual) / (n - k - absorbed)
        said = Covariance(sigma2 * fit.bread, {"vcov": "iid"}, ())
        return said, float(n - k - absorbed)
    small = SmallSample(k + absorbed, counted, fewest=True)
    cov = covariance(vcov, fit.bread, fit.scores, rows, problem.keys.unit, small)
    groups = cov.facts.get("n_clusters")
    return cov, float(n - k - absorbed if groups is None else groups - 1)


def _columns(sizes: list[int]) -> int:
    """Return how many columns effects of these sizes take: they share a constant."""
    return sum(sizes) - max(len(sizes) - 1, 0)


def _not_nested(problem: Problem) -> int:
    """Count the columns of the effects that are not nested in the clusters."""
    absorbed, vcov = problem.keys.absorbed, problem.vcov
    vcov = vcov.cluster if isinstance(vcov, WildCluster) else vcov
    if not absorbed or not isinstance(vcov, Cluster):
        return 0
    free = [
        int(problem.rows[d].nunique())
        for d in absorbed
        if all(_varies(problem.rows, c, d) for c in vcov.columns)
    ]
    return _columns(free) if free else 1


def _varies(rows: pd.DataFrame, column: str, within: str) -> bool:
    return bool(rows.groupby(within)[column].nunique().max() > 1)

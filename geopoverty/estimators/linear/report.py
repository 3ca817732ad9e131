"""What a fit by least squares says, as facts and tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, stats

from geopoverty.covariances import Covariance, Vcov
from geopoverty.design import Design
from geopoverty.effects.terms import EffectTerms
from geopoverty.effects.units import effect_columns
from geopoverty.numerics import diagnostics
from geopoverty.numerics.least_squares import LeastSquares, likelihood_of
from geopoverty.numerics.types import Array

WHITE_MOST = 1500  # columns of White's regression: with more it is not run


@dataclass(frozen=True, eq=False)
class Options:
    """What the caller chose, as given."""

    weights: Any
    unit: str
    period: str | None
    vcov: Vcov | None
    sampling_weight: str | None


@dataclass(frozen=True, eq=False)
class Core:
    """A fit as facts and tests need it, wherever its rows are.

    Attributes
    ----------
    names : list of str
    beta : array, shape (k,)
    bread : array, shape (k, k)
        Inverse of X'wX.
    n : int
        Rows.
    rss, total : float
        Weighted squares of residuals, and of the outcome less its mean (as it is,
        without a constant).
    log_weights : float
        Sum of the logarithms of the weights.
    constant : bool
        Whether the columns span one.
    """

    names: list[str]
    beta: Array
    bread: Array
    n: int
    rss: float
    total: float
    log_weights: float
    constant: bool

    @property
    def df(self) -> int:
        """Rows less coefficients."""
        return self.n - len(self.beta)


@dataclass(frozen=True, eq=False)
class Model:
    """A fit, with what it was fitted to."""

    design: Design
    options: Options
    w: Array | None
    fit: LeastSquares
    leverage: Array
    constant: bool
    notes: tuple[str, ...]

    @property
    def core(self) -> Core:
        """What facts and tests need."""
        design, fit, w = self.design, self.fit, self.w
        n = len(design.y)
        weight = np.ones(n) if w is None else w
        centre = float(np.average(design.y, weights=weight)) if self.constant else 0.0
        total = float(weight @ (design.y - centre) ** 2)
        return Core(
            design.names,
            fit.beta,
            fit.bread,
            n,
            fit.rss,
            total,
            0.0 if w is None else float(np.log(w).sum()),
            self.constant,
        )


def freedom(core: Core, cov: Covariance) -> float:
    """Return the degrees of freedom of tests: rows or clusters less what is lost."""
    groups = cov.facts.get("n_clusters")
    return float(core.df if groups is None else groups - 1)


def core_facts(core: Core, cov: Covariance, df_t: float) -> dict[str, Any]:
    """Return fit, F test and information criteria."""
    n, k = core.n, len(core.beta)
    r2 = 1 - core.rss / core.total
    own = int(core.constant)
    loglik = np.inf
    if core.rss > 0:
        loglik = likelihood_of(core.rss, n, core.log_weights)
    return {
        "r_squared": r2,
        "adjusted_r_squared": 1 - (1 - r2) * (n - own) / core.df,
        "sigma": float(np.sqrt(core.rss / core.df)),
        **_f_test(core, cov.matrix, df_t),
        "log_likelihood": loglik,
        "aic": 2 * (k + 1) - 2 * loglik,
        "bic": np.log(n) * (k + 1) - 2 * loglik,
        "condition_number": _condition(core.bread),
        **cov.facts,
        "df_t": df_t,
    }


def facts(model: Model, cov: Covariance, df_t: float) -> dict[str, Any]:
    """Return fit, F test, information criteria and counts."""
    design = model.design
    facts = {
        "n_obs": len(design.y),
        "n_dropped": design.dropped,
        "outcome": design.formula.outcome,
        **core_facts(model.core, cov, df_t),
    }
    for name, column in (("n_units", "unit"), ("n_periods", "period")):
        key = getattr(model.options, column)
        if key is not None and key in design.rows.columns:
            facts[name] = int(design.rows[key].nunique())
    return facts


def _condition(bread: Array) -> float:
    size = np.sqrt(np.diag(bread))
    values = linalg.eigvalsh(bread / np.outer(size, size))
    return float(np.sqrt(values[-1] / values[0]))


def _f_test(core: Core, vcov: Array, df_t: float) -> dict[str, float]:
    names = core.names
    slopes = [j for j, n in enumerate(names) if n != "Intercept"]
    found = {"f_statistic": np.nan, "f_df": float(len(slopes)), "f_p_value": np.nan}
    part, beta = vcov[np.ix_(slopes, slopes)], core.beta[slopes]
    # On few clusters the covariance cannot tell so many slopes apart.
    if slopes and np.linalg.matrix_rank(part, hermitian=True) == len(slopes):
        f = float(beta @ linalg.solve(part, beta, assume_a="pos")) / len(slopes)
        found["f_statistic"] = f
        found["f_p_value"] = float(stats.f.sf(f, len(slopes), df_t))
    return found


def vif_table(design: Design, bread: Array) -> pd.DataFrame:
    """Return the variance inflation of each term."""
    slopes = [j for j, n in enumerate(design.names) if n != "Intercept"]
    rows = []
    for term, columns in design.terms:
        group = [j for j in columns if j in slopes]
        if not group:
            continue
        others = [j for j in slopes if j not in group]
        value = diagnostics.inflation(bread, group, others)
        per_df = value ** (1 / (2 * len(group)))
        rows.append((":".join(term.factors), value, len(group), per_df))
    return pd.DataFrame(rows, columns=["term", "vif", "df", "root_per_df"])


def variance_tests(model: Model) -> tuple[pd.DataFrame, list[str]]:
    """Test for equal variances; with what to say where that cannot be done."""
    X, e = model.design.X, model.fit.residual
    if not model.constant or model.notes or X.shape[1] == 1:
        return no_tests()
    tests = {
        "Breusch-Pagan (studentised)": diagnostics.breusch_pagan(e, X),
        "Breusch-Pagan (normal errors)": diagnostics.breusch_pagan(
            e, X, studentised=False
        ),
    }
    notes = []
    wide = diagnostics.white_columns(X.shape[1])
    if wide < min(len(X), WHITE_MOST):
        tests["White"] = diagnostics.white(e, X)
    else:
        notes.append(
            f"White's test was left out: its regression has up to {wide:,} columns "
            f"for {len(X):,} rows."
        )
    return tests_table(tests), notes


def tests_table(tests: Mapping[str, diagnostics.ChiSquare]) -> pd.DataFrame:
    """Return one row a test."""
    rows = [(name, t.statistic, t.df, t.p_value) for name, t in tests.items()]
    return pd.DataFrame(rows, columns=["test", "statistic", "df", "p_value"])


def no_tests() -> tuple[pd.DataFrame, list[str]]:
    """Return an empty table of tests, and why it is."""
    why = "they need a constant, covariates and errors"
    return tests_table({}), [f"No tests of equal variances were made: {why}."]


def fitted_table(model: Model) -> pd.DataFrame:
    """Return outcome, fitted value, residual and leverage, one row a row."""
    y, e = model.design.y, model.fit.residual
    table = {"outcome": y, "fitted": y - e, "residual": e, "leverage": model.leverage}
    return pd.DataFrame(table, index=model.design.rows.index)


def units_table(model: Model, effects: EffectTerms, vcov: Array) -> pd.DataFrame:
    """Return means and effects of each unit (in each period)."""
    design, options = model.design, model.options
    rows, fitted = design.rows, fitted_table(model).drop(columns="leverage")
    if options.unit not in rows.columns:
        return fitted.reset_index(drop=True).assign(row=rows.index)
    keys = [k for k in (options.unit, options.period) if k is not None]
    codes = rows.groupby(keys, sort=True).ngroup().to_numpy()
    at = np.unique(codes, return_index=True)[1]
    table = rows[keys].iloc[at].rename(columns={options.unit: "unit_id"})
    if options.period is not None:
        table = table.rename(columns={options.period: "period"})
    table = table.reset_index(drop=True)
    table["rows"] = np.bincount(codes)
    w = np.ones(len(codes)) if model.w is None else model.w
    total = np.bincount(codes, w)
    for name, column in fitted.items():
        table[str(name)] = np.bincount(codes, w * column.to_numpy()) / total
    for shown in effects.lagged:
        gradient = np.zeros((len(table), len(design.names)))
        for j, multiplier in shown.slope.parts:
            value = np.ones(len(codes)) if multiplier is None else multiplier
            gradient[:, j] += np.bincount(codes, w * value) / total
        error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, vcov, gradient).clip(0))
        name = f"{shown.kind}({shown.term})"
        for label, values in effect_columns(
            name, gradient @ model.fit.beta, error
        ).items():
            table[label] = values
    return table

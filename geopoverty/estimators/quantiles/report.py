"""What regression quantiles say, as tables and notes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty.design import Design
from geopoverty.design.sample import Sample
from geopoverty.effects.quality import spans_constant
from geopoverty.effects.tables import linear_effects_table
from geopoverty.effects.terms import effect_terms
from geopoverty.numerics.least_squares import least_squares, robust_covariance
from geopoverty.numerics.quantile.fit import Frame, Solved, frame_of, solve
from geopoverty.numerics.quantile.joint import Wald, equal_slopes
from geopoverty.numerics.types import Array

FEW = 15  # rows beyond a quantile for each column: with fewer, normality is far off
ON_PLANE = 1e-9  # of the mean residual
ROUNDING = 1e-10  # of the outcome's spread left by the fit
PERFECT = (
    "The covariates fit the outcome perfectly, up to rounding: standard errors and "
    "tests say nothing."
)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fits to all quantiles.

    Attributes
    ----------
    design : Design
    sample : Sample
    taus : tuple of float, length m
        Ascending.
    w : array, shape (n,), or None
    frame : Frame
    solved : list of Solved, length m
    beta : array, shape (m, k)
    """

    design: Design
    sample: Sample
    taus: tuple[float, ...]
    w: Array | None
    frame: Frame
    solved: list[Solved]
    beta: Array

    @property
    def terms(self) -> list[str]:
        """The names of all estimates, quantile by quantile."""
        return [f"q{t:g}: {name}" for t in self.taus for name in self.design.names]

    @property
    def weighted_X(self) -> Array:  # noqa: N802 - X is what the equations call it
        """The columns, each row times its weight."""
        X = self.design.X
        return X if self.w is None else X * self.w[:, None]

    @property
    def planes(self) -> Array:
        """Fitted quantiles of each row, shape (n, m)."""
        return np.asarray(self.design.X @ self.beta.T)


@dataclass(frozen=True, eq=False)
class Spread:
    """The joint covariance of all estimates, and what to say about it.

    Attributes
    ----------
    vcov : array, shape (m k, m k)
    df : float
        Degrees of freedom of t tests.
    facts : dict
    notes : list of str
    """

    vcov: Array
    df: float
    facts: dict[str, Any]
    notes: list[str]


def path_table(fitted: Fitted, spread: Spread) -> pd.DataFrame:
    """Return each coefficient at each quantile, least squares beside it."""
    k, X = len(fitted.design.names), fitted.design.X
    wide = stats.t.ppf(0.975, spread.df)
    error = np.sqrt(np.diag(spread.vcov))
    b = fitted.beta.ravel()
    mean = least_squares(fitted.design.y, X, fitted.w)
    half = np.sqrt(np.diag(robust_covariance(mean, X, "hc1", fitted.w)))
    half = half * stats.t.ppf(0.975, mean.df)
    times = len(fitted.taus)
    return pd.DataFrame(
        {
            "quantile": np.repeat(fitted.taus, k),
            "term": fitted.design.names * times,
            "estimate": b,
            "std_error": error,
            "conf_low": b - wide * error,
            "conf_high": b + wide * error,
            "ols_estimate": np.tile(mean.beta, times),
            "ols_low": np.tile(mean.beta - half, times),
            "ols_high": np.tile(mean.beta + half, times),
        }
    )


def equality_table(fitted: Fitted, spread: Spread) -> dict[str, pd.DataFrame]:
    """Return tests that slopes do not differ; none for one quantile."""
    names = fitted.design.names
    slopes = [j for j, name in enumerate(names) if name != "Intercept"]
    if len(fitted.taus) < 2 or not slopes:
        return {}

    def test(columns: list[int]) -> Wald:
        return equal_slopes(fitted.beta, spread.vcov, columns, len(fitted.design.y))

    found = {"all slopes": test(slopes)}
    found |= {names[j]: test([j]) for j in slopes}
    rows = [{"term": name, **vars(wald)} for name, wald in found.items()]
    return {"equality": pd.DataFrame(rows)}


def effects_tables(fitted: Fitted, spread: Spread) -> tuple[pd.DataFrame, list[str]]:
    """Return direct, indirect and total effects at each quantile, and notes."""
    effects = effect_terms(fitted.design)
    k = len(fitted.design.names)
    tables = []
    for i, tau in enumerate(fitted.taus):
        part = slice(i * k, (i + 1) * k)
        table = linear_effects_table(
            effects, fitted.beta[i], spread.vcov[part, part], spread.df
        )
        table.insert(0, "quantile", tau)
        tables.append(table)
    return pd.concat(tables, ignore_index=True), effects.notes


def fit_table(fitted: Fitted) -> pd.DataFrame:
    """Return loss, R1 and uniqueness of each quantile."""
    y = fitted.design.y
    weight = np.ones(len(y)) if fitted.w is None else fitted.w
    ones = frame_of(np.ones((len(y), 1)), y, fitted.w)
    constant = "Intercept" in fitted.design.names or spans_constant(fitted.design.X)
    rows = []
    for tau, value, found in zip(
        fitted.taus, fitted.planes.T, fitted.solved, strict=True
    ):
        loss = _loss(y - value, tau, weight)
        level = float(ones.given(solve(ones, tau).b)[0])
        rest = np.abs(y - value)
        rows.append(
            {
                "quantile": tau,
                "loss": loss,
                "r1": 1 - loss / _loss(y - level, tau, weight) if constant else np.nan,
                "rows_on_plane": int((rest <= ON_PLANE * rest.mean()).sum()),
                "unique": found.status == 0,
            }
        )
    return pd.DataFrame(rows)


def _loss(residual: Array, tau: float, w: Array) -> float:
    return float(w @ (residual * (tau - (residual < 0))))


def units_table(fitted: Fitted) -> pd.DataFrame:
    """Return outcome and fitted quantiles, one row a row."""
    rows, sample = fitted.design.rows, fitted.sample
    table: dict[str, Any] = {"row": rows.index.to_numpy()}
    for name, column in (("unit_id", sample.unit), ("period", sample.period)):
        if column is not None and column in rows.columns:
            table[name] = rows[column].to_numpy()
    table["outcome"] = fitted.design.y
    for tau, value in zip(fitted.taus, fitted.planes.T, strict=True):
        table[f"q{tau:g}"] = value
    return pd.DataFrame(table)


def is_perfect(frame: Frame, y: Array) -> bool:
    """Return whether least squares leaves nothing but rounding."""
    return bool(frame.scale <= ROUNDING * np.abs(y - y.mean()).mean())


def fit_notes(fitted: Fitted) -> list[str]:
    """Say where solutions are not the only ones, quantiles extreme, planes crossed."""
    n, k = fitted.design.X.shape
    pairs = list(zip(fitted.taus, fitted.solved, strict=True))
    notes = [PERFECT] if is_perfect(fitted.frame, fitted.design.y) else []
    several = [f"q{t:g}" for t, s in pairs if s.status == 1]
    if several:
        notes.append(
            f"At {first(several)} the solution may not be the only one: of planes that "
            "fit as well, the lowest on average is given; other programs may report "
            "others."
        )
    unproved = [f"q{t:g}" for t, s in pairs if s.status == 2]
    if unproved:
        notes.append(
            f"At {first(unproved)} the solution is near the optimum, but no vertex was "
            "proved to be one; the last digits may differ elsewhere."
        )
    far = [f"q{t:g}" for t in fitted.taus if n * min(t, 1 - t) < FEW * k]
    if far:
        notes.append(
            f"Fewer than {FEW} rows for each of {k} columns lie beyond {first(far)}: "
            "standard errors are rough there, by any method."
        )
    values = fitted.planes
    slack = 1e-9 * fitted.frame.scale
    crossed = int((np.diff(values, axis=1) < -slack).any(axis=1).sum())
    if crossed:
        notes.append(
            f"Fitted quantiles cross in {crossed:,} of {n:,} rows: a higher quantile "
            "lies below a lower one there."
        )
    return notes

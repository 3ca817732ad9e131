"""Whether treated and controls look alike, before and after matching."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty.errors import GeoPovertyError
from geopoverty.estimators.matching.rows import Rows
from geopoverty.estimators.matching.score import Model, fit_model
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.types import Array, Mask

SAMPLES = ("unmatched", "matched")
EMPTY = {
    "pseudo_r_squared": np.nan,
    "lr_chi2": np.nan,
    "df": np.nan,
    "p_value": np.nan,
    "rubin_b": np.nan,
    "rubin_r": np.nan,
}


@dataclass(frozen=True, eq=False)
class Balance:
    """Tables of balance.

    Attributes
    ----------
    covariates : DataFrame
        A row a covariate and sample.
    joint : DataFrame
        A row a sample.
    love : DataFrame
        A row a covariate, for a love plot.
    """

    covariates: pd.DataFrame
    joint: pd.DataFrame
    love: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Arms:
    """Weighted moments of controls (0) and treated (1).

    Attributes
    ----------
    total : array, shape (2,)
        Sums of weights.
    mean, squares : array, shape (2, k)
        Means, and sums of squares around them.
    """

    total: Array
    mean: Array
    squares: Array

    @property
    def variance(self) -> Array:
        """Importance weights: as if a weight were that many rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.squares / (self.total - 1)[:, None])

    def test(self) -> tuple[Array, Array]:
        """Return t and p of equal means, one variance in both arms."""
        df = self.total.sum() - 2
        with np.errstate(divide="ignore", invalid="ignore"):
            pooled = self.squares.sum(axis=0) / df
            error = np.sqrt(pooled * (1 / self.total).sum())
            t = (self.mean[1] - self.mean[0]) / error
        return t, 2 * stats.t.sf(np.abs(t), df)


def balance(rows: Rows, weight: Array, link: str) -> Balance:
    """Compare covariates of treated and controls, unmatched and matched.

    Parameters
    ----------
    rows : Rows
    weight : array, shape (n,)
        After matching; 0 for rows that are not used.
    link : {"probit", "logit"}

    Returns
    -------
    Balance
        As pstest: bias in per cent of the square root of the mean variance of the
        unmatched arms [1]_; t from a regression with importance weights; joint tests
        from the model fitted anew with them; Rubin's B (below 25) and R (0.5 to 2) of
        its index [2]_.

    References
    ----------
    .. [1] Rosenbaum, P. R. & Rubin, D. B. (1985). Constructing a control group using
       multivariate matched sampling methods that incorporate the propensity score.
       American Statistician 39, 33-38.
    .. [2] Rubin, D. B. (2001). Using propensity scores to help design observational
       studies. Health Services & Outcomes Research Methodology 2, 169-188.
    """
    weights = (rows.weight, weight)
    arms = [_arms(rows.X[:, 1:], rows.treated, w) for w in weights]
    joint = [_joint(rows, w, link) for w in weights]
    return balance_of(rows.names[1:], arms, joint)


def balance_of(
    names: list[str], arms: Sequence[Arms], joint: Sequence[dict[str, Any]]
) -> Balance:
    """Return the tables of balance.

    Parameters
    ----------
    names : list of str
        Covariates.
    arms : sequence of Arms
        Unmatched, then matched.
    joint : sequence of dict
        Joint tests, unmatched, then matched.
    """
    spread = np.sqrt((arms[0].variance[0] + arms[0].variance[1]) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = [100 * (a.mean[1] - a.mean[0]) / spread for a in arms]
        reduction = 100 * (1 - np.abs(bias[1]) / np.abs(bias[0]))
    parts = []
    for k, (label, arm) in enumerate(zip(SAMPLES, arms, strict=True)):
        statistic, p_value = arm.test()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = arm.variance[1] / arm.variance[0]
        parts.append(
            pd.DataFrame(
                {
                    "term": names,
                    "sample": label,
                    "mean_treated": arm.mean[1],
                    "mean_control": arm.mean[0],
                    "bias": bias[k],
                    "reduction": reduction if k else np.nan,
                    "statistic": statistic,
                    "p_value": p_value,
                    "variance_ratio": ratio,
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    order = np.arange(2 * len(names)).reshape(2, -1).T.ravel()
    joint = pd.DataFrame(
        [
            {"sample": s, **tests, **_biases(b)}
            for s, tests, b in zip(SAMPLES, joint, bias, strict=True)
        ]
    )
    return Balance(table.iloc[order].reset_index(drop=True), joint, _love(names, bias))


def _love(names: list[str], bias: list[Array]) -> pd.DataFrame:
    table = pd.DataFrame(
        {"term": names, **{s: np.abs(b) for s, b in zip(SAMPLES, bias, strict=True)}}
    )
    table = table.sort_values("unmatched", kind="stable", ascending=False)
    return table.reset_index(drop=True)


def _biases(bias: Array) -> dict[str, float]:
    known = np.abs(bias[np.isfinite(bias)])
    if not len(known):
        return {"mean_bias": np.nan, "median_bias": np.nan, "greatest_bias": np.nan}
    return {
        "mean_bias": float(known.mean()),
        "median_bias": float(np.median(known)),
        "greatest_bias": float(known.max()),
    }


def _arms(X: Array, treated: Mask, w: Array) -> Arms:
    total, mean, squares = [], [], []
    for arm in (~treated, treated):
        here, v = X[arm], w[arm]
        total.append(v.sum())
        mean.append(v @ here / v.sum())
        squares.append(v @ (here - mean[-1]) ** 2)
    return Arms(np.array(total), np.array(mean), np.array(squares))


def _joint(rows: Rows, weight: Array, link: str) -> dict[str, Any]:
    """Return how well covariates still explain treatment; NaN where they cannot."""
    used = weight > 0
    X, treated = np.ascontiguousarray(rows.X[used]), rows.treated[used]
    part = replace(rows, X=X, treated=treated)
    determined = {j for j, _ in dependent_columns(part.X)}
    columns = [j for j in range(len(rows.names)) if j not in determined]
    try:
        model = fit_model(part, link, weight[used], columns)
    except GeoPovertyError:  # separated, or nothing left to explain
        return dict(EMPTY)
    index = part.X[:, columns] @ model.beta
    return joint_of(model, _arms(index[:, None], part.treated, weight[used]))


def joint_of(model: Model, arms: Arms) -> dict[str, Any]:
    """Return the joint tests of a model of treatment and moments of its index."""
    variance, mean = arms.variance[:, 0], arms.mean[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        b = 100 * abs(mean[1] - mean[0]) / np.sqrt(variance.mean())
        r = variance[1] / variance[0]
    return {
        "pseudo_r_squared": model.pseudo_r_squared,
        "lr_chi2": model.lr,
        "df": model.df,
        "p_value": float(stats.chi2.sf(model.lr, model.df)),
        "rubin_b": float(b),
        "rubin_r": float(r),
    }

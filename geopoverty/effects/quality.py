"""How well a binary model fits: information criteria, ranking, calibration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from geopoverty.numerics.ranking import (
    Ranking,
    auc,
    brier,
    calibration_line,
    calibration_sums,
    confusion,
    rank_rows,
    tjur,
    youden_threshold,
)
from geopoverty.numerics.types import Array

Z95 = float(stats.norm.ppf(0.975))
_WEIGHTED = (
    "The likelihood-ratio test, AIC and BIC use the log-likelihood with sampling "
    "weights scaled to sum to the rows; they know nothing of the sampling design."
)


@dataclass(frozen=True, eq=False)
class Quality:
    """How well a binary model fits, ready for a Result.

    Attributes
    ----------
    facts : mapping of str to number
    tables : mapping of str to DataFrame
        ``calibration`` and ``confusion``.
    notes : tuple of str
    """

    facts: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]


def quality(
    y: Array,
    p: Array,
    w: Array | None = None,
    *,
    loglik: float | None = None,
    k: int = 0,
    nested: bool = True,
) -> Quality:
    """Return the facts, tables and notes on fit that every binary estimator gives.

    Parameters
    ----------
    y : array, shape (n,)
        0 or 1, both present.
    p : array, shape (n,)
        Fitted probabilities, from 0 to 1.
    w : array, shape (n,), optional
        Weights above 0, as in `loglik`. Everything is weighted then.
    loglik : float, optional
        Of the model; without one (GMM) what rests on it is left out.
    k : int
        Parameters of the model, intercept and spatial coefficient included.
    nested : bool
        Whether the model becomes the constant-only one for some parameters.
        Else there is no likelihood-ratio test.

    Returns
    -------
    Quality
        See `quality_facts`, `calibration_table` and `confusion_table`.

    Examples
    --------
    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1])
    >>> fit = quality(y, p, loglik=-2.0, k=2)
    >>> fit.facts["auc"], round(fit.facts["likelihood_ratio"], 4), list(fit.tables)
    (0.75, 1.5452, ['calibration', 'confusion'])
    """
    return quality_of(rank_rows(y, p, w), loglik=loglik, k=k, nested=nested)


def quality_of(
    ranking: Ranking, *, loglik: float | None, k: int, nested: bool = True
) -> Quality:
    """Return facts, tables and notes on fit from ranked probabilities.

    Parameters
    ----------
    ranking : Ranking
    loglik, k, nested
        See `quality`.
    """
    return Quality(
        quality_facts(ranking, loglik, k, nested),
        {
            "calibration": calibration_table(ranking),
            "confusion": confusion_table(ranking),
        },
        (_WEIGHTED,) if ranking.weighted and loglik is not None else (),
    )


def quality_facts(
    ranking: Ranking, loglik: float | None, k: int, nested: bool = True
) -> dict[str, Any]:
    """Return likelihood-based and ranking measures by name.

    Parameters
    ----------
    ranking, loglik, k, nested
        See `quality`; the ranking is that of outcomes and probabilities.

    Returns
    -------
    dict of str to number
        ``share_of_ones``; with a `loglik` what `likelihood_facts` says; then
        ``auc`` with ``auc_std_error`` (DeLong's; rows independent), the
        ``brier_score``, ``tjur_r_squared``, ``calibration_intercept`` and
        ``calibration_slope`` (of the outcome's log-odds on the predicted ones:
        0 and 1 are good, and what a logit has on its own rows).

    Examples
    --------
    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1])
    >>> facts = quality_facts(rank_rows(y, p), None, 2)
    >>> facts["auc"], round(facts["brier_score"], 3), round(facts["tjur_r_squared"], 3)
    (0.75, 0.185, 0.3)
    """
    area, error = auc(ranking)
    intercept, slope = calibration_line(ranking)
    ones, zeros = float(ranking.ones.sum()), float(ranking.zeros.sum())
    return {
        "share_of_ones": ones / (ones + zeros),
        **({} if loglik is None else likelihood_facts(ranking, loglik, k, nested)),
        "auc": area,
        "auc_std_error": error,
        "brier_score": brier(ranking),
        "tjur_r_squared": tjur(ranking),
        # To the digits to which a fit has converged.
        "calibration_intercept": round(intercept, 8) + 0.0,
        "calibration_slope": round(slope, 8),
    }


def likelihood_facts(
    ranking: Ranking, loglik: float, k: int, nested: bool = True
) -> dict[str, Any]:
    """Return what follows from the log-likelihood, set against a constant alone.

    Parameters
    ----------
    ranking, loglik, k, nested
        See `quality`.

    Returns
    -------
    dict of str to number
        ``log_likelihood``, ``log_likelihood_null`` (a constant only),
        ``pseudo_r_squared`` [1]_ and ``pseudo_r_squared_adjusted`` (k off the
        log-likelihood), ``likelihood_ratio`` with ``_df`` and ``_p`` (if nested
        and k > 1), ``aic`` and ``bic`` (n counts rows).

    References
    ----------
    .. [1] McFadden, D. (1974). Conditional logit analysis of qualitative choice
       behavior. In Zarembka (ed.), Frontiers in Econometrics, 105-142.

    Examples
    --------
    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1])
    >>> facts = likelihood_facts(rank_rows(y, p), -2.0, 2)
    >>> facts["likelihood_ratio_df"], round(facts["likelihood_ratio_p"], 4)
    (1, 0.2138)
    """
    ones, zeros = float(ranking.ones.sum()), float(ranking.zeros.sum())
    total, n = ones + zeros, ranking.n_ones + ranking.n_zeros
    null = float(
        special.xlogy(ones, ones / total) + special.xlogy(zeros, zeros / total)
    )
    facts = {
        "log_likelihood": loglik,
        "log_likelihood_null": null,
        "pseudo_r_squared": 1 - loglik / null,
        "pseudo_r_squared_adjusted": 1 - (loglik - k) / null,
    }
    if nested and k > 1:
        ratio = max(2 * (loglik - null), 0.0)
        facts["likelihood_ratio"] = ratio
        facts["likelihood_ratio_df"] = k - 1
        facts["likelihood_ratio_p"] = float(stats.chi2.sf(ratio, k - 1))
    facts["aic"] = -2 * loglik + 2 * k
    facts["bic"] = -2 * loglik + k * float(np.log(n))
    return facts


def calibration_table(ranking: Ranking, groups: int = 10) -> pd.DataFrame:
    """Set the share of ones beside the mean probability in groups of the latter.

    Parameters
    ----------
    ranking : Ranking
    groups : int
        At least 1; of equal weight, but equal probabilities stay together.

    Returns
    -------
    DataFrame
        ``group`` (1 has the lowest probabilities), ``rows``, ``predicted`` (mean
        probability), ``observed`` (share of ones), ``conf_low`` and ``conf_high``:
        Wilson's 95 % interval [1]_ of the share, rows independent, for the
        effective number of rows if weighted.

    References
    ----------
    .. [1] Wilson, E. B. (1927). Probable inference, the law of succession, and
       statistical inference. JASA 22, 209-212.

    Examples
    --------
    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1])
    >>> calibration_table(rank_rows(y, p), groups=2).round(3)
       group  rows  predicted  observed  conf_low  conf_high
    0      1     2       0.25       0.5     0.095      0.905
    1      2     2       0.75       0.5     0.095      0.905
    """
    sums = calibration_sums(ranking, groups)
    share, n = sums.observed, sums.effective
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = (Z95 / (1 + Z95**2 / n)) * np.sqrt(
        share * (1 - share) / n + (Z95 / (2 * n)) ** 2
    )
    return pd.DataFrame(
        {
            "group": np.arange(1, len(n) + 1),
            "rows": sums.rows,
            "predicted": sums.predicted,
            "observed": share,
            # Rounding must not lift a bound off the share it belongs to.
            "conf_low": np.minimum(middle - half, share).clip(0, 1),
            "conf_high": np.maximum(middle + half, share).clip(0, 1),
        }
    )


def confusion_table(ranking: Ranking, threshold: float = 0.5) -> pd.DataFrame:
    """Count right and wrong predictions, one row a threshold.

    Parameters
    ----------
    ranking : Ranking
    threshold : float
        From 0 to 1. Rows whose probability is at least this are predicted to
        be 1. Two further rows use the share of ones, and the threshold with the
        greatest sensitivity + specificity (Youden), which was chosen on the
        same rows and so looks better than it would on others.

    Returns
    -------
    DataFrame
        ``rule``, ``threshold``, ``true_positive``, ``false_positive``,
        ``true_negative``, ``false_negative`` (rows, or sums of weights), and as
        shares ``accuracy`` (right), ``sensitivity`` (of ones found),
        ``specificity`` (of zeros found) and ``precision`` (of predicted ones
        right; NaN if none is predicted).

    Examples
    --------
    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1])
    >>> table = confusion_table(rank_rows(y, p)).set_index("rule")
    >>> table[["threshold", "true_positive", "sensitivity", "precision"]].round(3)
                   threshold  true_positive  sensitivity  precision
    rule
    fixed                0.5              1          0.5      0.500
    share of ones        0.5              1          0.5      0.500
    Youden               0.4              2          1.0      0.667
    """
    ones, zeros = ranking.ones.sum(), ranking.zeros.sum()
    thresholds = {
        "fixed": threshold,
        "share of ones": float(ones / (ones + zeros)),
        "Youden": youden_threshold(ranking),
    }
    counts = np.array([confusion(ranking, at) for at in thresholds.values()])
    hit, false, rejected, _ = counts.T
    if not ranking.weighted:
        counts = counts.astype(np.int64)
    names = ("true_positive", "false_positive", "true_negative", "false_negative")
    with np.errstate(invalid="ignore"):
        precision = hit / (hit + false)
    return pd.DataFrame(
        {
            "rule": list(thresholds),
            "threshold": list(thresholds.values()),
            **dict(zip(names, counts.T, strict=True)),
            "accuracy": (hit + rejected) / (ones + zeros),
            "sensitivity": hit / ones,
            "specificity": rejected / zeros,
            "precision": precision,
        }
    )


def spans_constant(X: Array) -> bool:
    """Say whether some combination of columns is 1 in every row.

    Parameters
    ----------
    X : array, shape (n, k)
        Full column rank.

    Examples
    --------
    >>> spans_constant(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    True
    >>> spans_constant(np.array([[1.0], [2.0]]))
    False
    """
    return holds_constant(X.T @ X, X.sum(axis=0), len(X))


def holds_constant(gram: Array, sums: Array, n: int) -> bool:
    """Say whether some combination of columns is 1 in each of n rows.

    Parameters
    ----------
    gram : array, shape (k, k)
        X'X.
    sums : array, shape (k,)
        Of each column.
    n : int

    Examples
    --------
    >>> holds_constant(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 2.0]), 3)
    True
    """
    scale = np.sqrt(np.diag(gram))
    best = np.linalg.solve(gram / np.outer(scale, scale), sums / scale)
    return bool(n - best @ (sums / scale) < 1e-8 * n)

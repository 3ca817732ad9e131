"""Differences in differences on arrays: two-way effects, and weighted contrasts."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.types import Array, Codes, Mask

ABSORBED = 1e-9  # of a column's length: less is left only by rounding
# Before, after and their difference, from (constant, post, treated, product).
CONTRASTS = np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]])


def centred(values: Array, groups: Codes) -> Array:
    """Return values less the mean of their group, rows as they were.

    Parameters
    ----------
    values : array, shape (n, k)
    groups : array of int, shape (n,)
        From 0 on.

    Examples
    --------
    >>> centred(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1])).ravel().tolist()
    [-1.0, 1.0, 0.0]
    """
    sizes = np.bincount(groups)
    sums = np.stack([np.bincount(groups, weights=c) for c in values.T], axis=1)
    return np.asarray(values - (sums / np.maximum(sizes, 1)[:, None])[groups])


def period_columns(periods: Codes) -> Array:
    """Return a column of zeros and ones for each period but the first.

    Examples
    --------
    >>> period_columns(np.array([0, 1, 2])).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    later = np.arange(1, int(periods.max()) + 1)
    return np.asarray(periods[:, None] == later, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TwoWay:
    """Least squares net of effects of groups and periods.

    Attributes
    ----------
    beta : array, shape (k,)
    bread : array, shape (k, k)
        Inverse of X'X net of the effects.
    X : array, shape (n, k)
        Net of the effects.
    residual : array, shape (n,)
    """

    beta: Array
    bread: Array
    X: Array
    residual: Array


def swept(y: Array, X: Array, groups: Codes, periods: Codes) -> tuple[Array, Array]:
    """Return outcome and covariates net of effects of groups and periods, exactly.

    Examples
    --------
    >>> y, unit, wave = np.array([1.0, 2, 1, 4]), np.array([0, 0, 1, 1]), np.arange(4)
    >>> swept(y, y[:, None], unit, wave % 2)[0].tolist()
    [0.5, -0.5, -0.5, 0.5]
    """
    both = centred(np.column_stack([y, X]), groups)
    dummies = centred(period_columns(periods), groups)
    slopes, *_ = linalg.lstsq(dummies, both)
    net = both - dummies @ slopes
    return np.asarray(net[:, 0]), np.asarray(net[:, 1:])


def absorbed(X: Array, net: Array) -> Mask:
    """Say which columns of X the effects leave nothing of, shape (k,).

    Examples
    --------
    >>> absorbed(np.ones((3, 1)), np.full((3, 1), 1e-16)).tolist()
    [True]
    """
    length = np.sqrt((X**2).sum(axis=0))
    left = np.sqrt((net**2).sum(axis=0))
    return np.asarray(left <= ABSORBED * np.maximum(length, np.finfo(float).tiny))


def two_way(y: Array, X: Array) -> TwoWay:
    """Fit by least squares what `swept` left.

    Parameters
    ----------
    y : array, shape (n,)
    X : array, shape (n, k)
        Of full rank.

    Examples
    --------
    >>> two_way(np.array([2.0, -2.0]), np.array([[1.0], [-1.0]])).beta.tolist()
    [2.0]
    """
    scale = np.sqrt((X**2).sum(axis=0))
    Z = X / scale
    bread = inverse(Z.T @ Z)
    beta = bread @ (Z.T @ y)
    residual = y - Z @ beta
    return TwoWay(beta / scale, bread / np.outer(scale, scale), X, residual)


def joint_test(beta: Array, vcov: Array, df: float) -> tuple[float, float]:
    """Test that coefficients are all 0; return the F statistic and its p-value.

    Examples
    --------
    >>> joint_test(np.zeros(2), np.eye(2), 10.0)
    (0.0, 1.0)
    """
    found = linalg.lstsq(vcov, beta)[0]
    statistic = float(beta @ found) / len(beta)
    return statistic, float(stats.f.sf(statistic, len(beta), df))


@dataclass(frozen=True, eq=False)
class Differences:
    """Treated less controls before, after, and after less before.

    Attributes
    ----------
    estimates : array, shape (3, q)
        Rows as in `CONTRASTS`, a column an outcome.
    plain : array, shape (3 q, 3 q)
        Covariance with errors independent and of one variance, outcome by outcome.
    influence : array, shape (n, 3 q)
        What each row adds to the estimates.
    """

    estimates: Array
    plain: Array
    influence: Array


def weighted_differences(Y: Array, treated: Mask, post: Mask, w: Array) -> Differences:
    """Fit weighted least squares of outcomes on post, treated and their product.

    Parameters
    ----------
    Y : array, shape (n, q)
    treated, post : array of bool, shape (n,)
    w : array, shape (n,)
        Above 0.

    Returns
    -------
    Differences

    Examples
    --------
    >>> on, late = np.array([0, 0, 1, 1]) > 0, np.array([0, 1, 0, 1]) > 0
    >>> y = np.array([[1.0], [2.0], [2.0], [6.0]])
    >>> rows = [np.tile(a, r) for a, r in ((on, 2), (late, 2))]
    >>> found = weighted_differences(np.tile(y, (2, 1)), *rows, np.ones(8))
    >>> found.estimates[:, 0].round(12).tolist()
    [1.0, 4.0, 3.0]
    """
    n, q = Y.shape
    X = np.column_stack([np.ones(n), post, treated, post & treated]).astype(float)
    bread = inverse(X.T @ (w[:, None] * X))
    theta = bread @ (X.T @ (w[:, None] * Y))
    E = Y - X @ theta
    sigma = (E.T @ (w[:, None] * E)) / (n - X.shape[1])
    plain = np.kron(sigma, CONTRASTS @ bread @ CONTRASTS.T)
    reach = w[:, None] * (X @ bread @ CONTRASTS.T)
    influence = (E[:, :, None] * reach[:, None, :]).reshape(n, 3 * q)
    return Differences(CONTRASTS @ theta, plain, influence)


def bacon(
    means: Array, starts: Array, sizes: Array
) -> list[tuple[float, float, str, float, float]]:
    """Split the two-way estimate of a balanced panel into two-by-two comparisons.

    Parameters
    ----------
    means : array, shape (cohorts, periods)
        Mean outcome of each cohort.
    starts : array, shape (cohorts,)
        Number of the first treated period, ascending; infinite for never.
    sizes : array, shape (cohorts,)
        Units.

    Returns
    -------
    list of tuple
        Start of treated and of controls, kind of comparison, estimate, weight. The
        weights sum to 1; the weighted estimates to the two-way estimate
        (Goodman-Bacon 2021, theorem 1).

    Examples
    --------
    >>> cells = np.array([[0.0, 1.0, 5.0], [0.0, 0.0, 1.0]])
    >>> bacon(cells, np.array([1.0, np.inf]), np.array([1.0, 1.0]))
    [(1.0, inf, 'treated against never treated', 2.5, 1.0)]
    """
    when = np.arange(means.shape[1])
    share = sizes / sizes.sum()
    on = np.array([(when >= s).mean() for s in starts])
    found = []
    for i in range(len(starts)):
        for j in range(i + 1, len(starts)):
            both = share[i] + share[j]
            odds = share[i] * share[j] / both**2
            early, late = when >= starts[i], when >= starts[j]
            if np.isinf(starts[j]):
                kind = "treated against never treated"
                weight = both**2 * odds * on[i] * (1 - on[i])
                gain = _gain(means[i], means[j], early, ~early)
                found.append((starts[i], starts[j], kind, gain, weight))
                continue
            weight = both**2 * odds * (on[i] - on[j]) * (1 - on[i])
            gain = _gain(means[i], means[j], early & ~late, ~early)
            kind = "early against not yet treated"
            found.append((starts[i], starts[j], kind, gain, weight))
            weight = both**2 * odds * on[j] * (on[i] - on[j])
            gain = _gain(means[j], means[i], late, early & ~late)
            kind = "late against already treated"
            found.append((starts[j], starts[i], kind, gain, weight))
    total = sum(f[-1] for f in found)
    return [
        (float(a), float(b), kind, float(gain), float(weight / total))
        for a, b, kind, gain, weight in found
    ]


def _gain(treated: Array, control: Array, post: Mask, pre: Mask) -> float:
    change = treated[post].mean() - treated[pre].mean()
    return float(change - (control[post].mean() - control[pre].mean()))

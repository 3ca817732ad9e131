"""Effects on a probability, average and by group, with delta-method variances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geopoverty.numerics.binary import linear_predictor
from geopoverty.numerics.covariance import Scores, group_sums
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array


@dataclass(frozen=True)
class Slope:
    """A derivative of the linear predictor: sum over parts of beta_j m_ij.

    Attributes
    ----------
    parts : sequence of (int, array of shape (n,) or None)
        Column j and what multiplies its coefficient in row i; None means 1.
    """

    parts: Sequence[tuple[int, Array | None]]

    def on(self, rows: slice) -> "Slope":
        """Return the derivative in some of the rows."""
        return Slope([(j, None if m is None else m[rows]) for j, m in self.parts])

    def at(self, beta: Array, rows: slice) -> Array | float:
        """Return the derivative in each row of a block."""
        return sum(
            (beta[j] * (1.0 if m is None else m[rows]) for j, m in self.parts), 0.0
        )


def average_slopes(
    X: Array, beta: Array, link: Link, slopes: Sequence[Slope], w: Array | None = None
) -> tuple[Array, Array]:
    """Average f(x'b) times each slope over rows, with gradients.

    Parameters
    ----------
    X : array, shape (n, k)
    beta : array, shape (k,)
    link : Link
    slopes : sequence of Slope, length s
    w : array, shape (n,), optional
        Weights of the average.

    Returns
    -------
    array, shape (s,)
        Average effects, as changes of the probability.
    array, shape (s, k)
        Their derivatives in beta: the delta method's gradient.

    Examples
    --------
    >>> from geopoverty.numerics.links import Logit
    >>> X, two = np.ones((3, 1)), np.array([2.0])
    >>> effect, _ = average_slopes(X, two, Logit, [Slope([(0, None)])])
    >>> effect.round(3)  # 2 x f(2)
    array([0.21])
    """
    effect, gradient = slope_sums(X, beta, link, slopes, w)
    total = float(len(X)) if w is None else float(w.sum())
    return effect / total, gradient / total


def slope_sums(
    X: Array, beta: Array, link: Link, slopes: Sequence[Slope], w: Array | None = None
) -> tuple[Array, Array]:
    """Sum f(x'b) times each slope over rows, with gradients, as `average_slopes`."""
    # An effect is linear in sums of f m and f' m x, one pair for each multiplier m.
    multipliers = {id(m): m for slope in slopes for _, m in slope.parts}
    level = dict.fromkeys(multipliers, 0.0)
    bend = {key: np.zeros(X.shape[1]) for key in multipliers}
    for rows, eta in linear_predictor(X, beta):
        f, df = link.density(eta), link.slope(eta)
        if w is not None:
            f, df = f * w[rows], df * w[rows]
        for key, m in multipliers.items():
            level[key] += float(f.sum() if m is None else f @ m[rows])
            bend[key] += (df if m is None else df * m[rows]) @ X[rows]
    effect, gradient = np.zeros(len(slopes)), np.zeros((len(slopes), X.shape[1]))
    for i, slope in enumerate(slopes):
        for j, m in slope.parts:
            effect[i] += beta[j] * level[id(m)]
            gradient[i] += beta[j] * bend[id(m)]
            gradient[i, j] += level[id(m)]
    return effect, gradient


def average_change(
    X: Array,
    beta: Array,
    link: Link,
    columns: tuple[Sequence[int], int],
    w: Array | None = None,
) -> tuple[float, Array]:
    """Average the change of the probability from a factor's base to one level.

    Parameters
    ----------
    X : array, shape (n, k)
    beta : array, shape (k,)
    link : Link
    columns : (sequence of int, int)
        All the factor's 0/1 columns, and the one of the level.
    w : array, shape (n,), optional

    Returns
    -------
    float
        Average of F(level) - F(base).
    array, shape (k,)
        Its gradient in beta.
    """
    effect, gradient = change_sums(X, beta, link, columns, w)
    total = float(len(X)) if w is None else float(w.sum())
    return effect / total, gradient / total


def change_sums(
    X: Array,
    beta: Array,
    link: Link,
    columns: tuple[Sequence[int], int],
    w: Array | None = None,
) -> tuple[float, Array]:
    """Sum the change of the probability and its gradient, as `average_change`."""
    dummies, level = list(columns[0]), columns[1]
    effect, gradient = 0.0, np.zeros(X.shape[1])
    for rows, eta in linear_predictor(X, beta):
        x = X[rows].copy()
        base = eta - x[:, dummies] @ beta[dummies]
        x[:, dummies] = 0.0
        there = base + beta[level]
        change = link.probability(there) - link.probability(base)
        rise, low = link.density(there), link.density(base)
        if w is not None:
            change, rise, low = change * w[rows], rise * w[rows], low * w[rows]
        effect += float(change.sum())
        gradient += (rise - low) @ x
        gradient[level] += rise.sum()
    return effect, gradient


def slope_blocks(X: Array, beta: Array, link: Link, slope: Slope) -> Scores:
    """Yield each block's effects (first column) and their gradients, (m, 1 + k)."""
    for rows, eta in linear_predictor(X, beta):
        f, bend = link.density(eta), link.slope(eta)
        steep = np.broadcast_to(slope.at(beta, rows), f.shape)
        gradient = X[rows] * (bend * steep)[:, None]
        for j, m in slope.parts:
            gradient[:, j] += f if m is None else f * m[rows]
        yield rows, np.column_stack([f * steep, gradient])


def probability_blocks(X: Array, beta: Array, link: Link) -> Scores:
    """Yield each block's probabilities (first column) and gradients, (m, 1 + k)."""
    for rows, eta in linear_predictor(X, beta):
        gradient = X[rows] * link.density(eta)[:, None]
        yield rows, np.column_stack([link.probability(eta), gradient])


def group_means(
    values: Scores,
    vcov: Array,
    codes: NDArray[np.integer],
    groups: int,
    w: Array | None = None,
) -> tuple[Array, Array]:
    """Average values over groups of rows, with delta-method standard errors.

    Parameters
    ----------
    values : iterable of (slice, array (m, 1 + k))
        Values in the first column, gradients in the others.
    vcov : array, shape (k, k)
    codes : array of int, shape (n,)
        Group of each row, from 0 to groups - 1; every group has a row.
    groups : int
    w : array, shape (n,), optional
        Weights of the averages.

    Returns
    -------
    tuple of array, each of shape (groups,)
        Means and standard errors.
    """
    weighed = values if w is None else ((r, b * w[r, None]) for r, b in values)
    sums = group_sums(weighed, codes, groups, 1 + len(vcov))
    means = sums / np.bincount(codes, w, minlength=groups)[:, None]
    gradient = means[:, 1:]
    variance = np.einsum("ij,ij->i", gradient @ vcov, gradient)
    # Rounding can take a variance that is 0 just below it.
    return means[:, 0], np.sqrt(np.maximum(variance, 0.0))

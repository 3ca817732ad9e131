"""The chance to fall below a line, its derivatives, and the errors of what it rests on.

Income is lognormal given the covariates: P(y < z) = Phi((ln z - x'b) / s).
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import Scores, inverse
from geopoverty.numerics.fgls import FGLS, log_squares, residual
from geopoverty.numerics.lognormal import Lognormal, inverse_variance
from geopoverty.numerics.rows import Block, Feed, InMemory, Kernel, Parts
from geopoverty.numerics.types import Array

ROOT_2PI = float(np.sqrt(2 * np.pi))


def chances(X: Array, log_line: Array | float, fit: Lognormal) -> Array:
    """Return each row's chance to be below the line, 0 to 1.

    Parameters
    ----------
    X : array, shape (n, k)
    log_line : float or array, shape (n,)
    fit : Lognormal

    Returns
    -------
    array, shape (n,)
        NaN where the fit has no variance.
    """
    out = np.empty(len(X))
    lines = np.broadcast_to(log_line, (len(X),))
    for rows in blocks(len(X)):
        out[rows] = special.ndtr(_index(X[rows], lines[rows], fit)[0])
    return out


def _index(X: Array, log_line: Array | float, fit: Lognormal) -> tuple[Array, Array]:
    """Return how many s the line lies above the mean, and s^2."""
    variance = fit.variance(X)
    return (log_line - X @ fit.beta) / np.sqrt(variance), variance


def chance_blocks(X: Array, log_line: Array | float, fit: Lognormal) -> Scores:
    """Yield each block's chances (first column) and their gradients, (m, 1 + q).

    Gradients are in `Lognormal.parameters`. Rows without a variance are zeros
    throughout: give them weight 0.
    """
    lines = np.broadcast_to(log_line, (len(X),))
    k = len(fit.beta)
    for rows in blocks(len(X)):
        value, by_mean, by_theta = chance_parts(X[rows], lines[rows], fit)
        block = np.empty((len(value), 1 + len(fit.parameters)))
        block[:, 0] = value
        np.multiply(X[rows], by_mean[:, None], out=block[:, 1 : 1 + k])
        np.multiply(X[rows], by_theta[:, None], out=block[:, 1 + k : 1 + 2 * k])
        if fit.rule.name == "log":
            block[:, -1] = by_theta
        yield rows, block


def chance_parts(
    X: Array, log_line: Array | float, fit: Lognormal
) -> tuple[Array, Array, Array]:
    """Return chances and their derivatives in mean and X theta, each of shape (m,).

    Rows without a variance are zeros. The derivative in the logarithm of the scale of
    "log" is that in X theta.
    """
    t, variance = _index(X, log_line, fit)
    density = np.exp(-0.5 * t * t) / ROOT_2PI
    by_mean = -density / np.sqrt(variance)
    by_theta = -0.5 * t * density
    if fit.rule.name != "log":
        floored = fit.fitted(X) < variance
        by_theta = np.where(floored, 0.0, by_theta / variance)
    value = special.ndtr(t)
    return np.nan_to_num(value), np.nan_to_num(by_mean), np.nan_to_num(by_theta)


def influence_blocks(rows: InMemory, fit: FGLS) -> Scores:
    """Yield what each row moves the parameters by, (m, q), block by block."""
    moves = influence(fit)
    for at, block in rows.blocks():
        yield at, moves(block)


def influence(fit: FGLS) -> Callable[[Block], Array]:
    """Return what gives how each row of a block moves the parameters, (m, q).

    Their sum of squares is the covariance of `FGLS.parameters` that is robust to a
    wrong variance, skewed shocks and, summed by cluster, dependence. Mean and variance
    equations are stacked. That weights and residuals were estimated does not matter to
    first order: the variance of the shock given the covariates is right, and its third
    moment 0 (else the second equation's part is approximate).
    """
    bread = inverse(fit.information)
    square_bread = inverse(fit.square_information)

    def moves(block: Block) -> Array:
        X = block.X
        _, weight = inverse_variance(fit.fitted(X), fit.rule, fit.floor)
        by_mean = (X * (weight * residual(block, fit.beta))[:, None]) @ bread
        by_theta = (X * _square_scores(block, fit)[:, None]) @ square_bread
        parts = np.column_stack([by_mean, by_theta, *_scale_influence(block, fit)])
        if fit.rule.name == "log":
            parts[:, -1] += by_theta @ fit.scale_slopes
        return parts if block.w is None else parts * block.w[:, None]

    return moves


def _square_scores(block: Block, fit: FGLS) -> Array:
    """Return residuals of the variance equation times their weights, shape (m,)."""
    X = block.X
    if fit.rule.name == "log":
        return np.asarray(log_squares(block, fit.first) - X @ fit.theta)
    _, weight = inverse_variance(X @ fit.first.square_slopes, fit.rule, fit.floor)
    squares = residual(block, fit.first.ols) ** 2
    return np.asarray((squares - X @ fit.theta) * weight**2)


def _scale_influence(block: Block, fit: FGLS) -> Iterator[Array]:
    """Yield the direct part of a row in the logarithm of the scale, for "log"."""
    if fit.rule.name != "log":
        return
    squares = residual(block, fit.first.ols) ** 2
    ratio = squares / fit.fitted(block.X)
    yield (ratio - 1) / fit.first.weight


def model_covariance(feed: Feed, fit: FGLS) -> Array:
    """Return the covariance if mean and variance are right, shape (q, q).

    The mean's is the inverse of X'X over the variance: shocks over s have variance 1,
    so that the regression's own standard errors are divided by its standard error.
    The variance equation's has the spread of its own residuals; the two are
    independent when shocks are symmetric. With weights, both are sandwiches.
    """
    return model_covariance_of(feed.total(model_kernel(fit)), fit)


def model_kernel(fit: FGLS) -> Kernel:
    """Return what is summed over blocks for `model_covariance_of`."""
    if fit.rule.name != "log":
        return lambda block: _model_parts(block, fit)
    moves, k = influence(fit), len(fit.beta)

    def parts(block: Block) -> Parts:
        moved = moves(block)[:, k:]  # the variance's part is robust
        return (*_mean_meat(block, fit), moved.T @ moved)

    return parts


def model_covariance_of(sums: Parts, fit: FGLS) -> Array:
    """Return `model_covariance` from the sums of `model_kernel`."""
    k = len(fit.beta)
    out = np.zeros((len(fit.parameters),) * 2)
    bread = inverse(fit.information)
    out[:k, :k] = bread @ sums[0] @ bread
    if fit.rule.name == "log":
        out[k:, k:] = sums[1]
    else:
        _, square, spread, rows = sums
        square_bread = inverse(fit.square_information)
        factor = float(spread) / max(float(rows) - k, 1.0)
        out[k:, k:] = factor * (square_bread @ square @ square_bread)
    return (out + out.T) / 2


def _model_parts(block: Block, fit: FGLS) -> Parts:
    X, w = block.X, block.w
    once = np.ones(len(X)) if w is None else w
    _, weight = inverse_variance(fit.fitted(X), fit.rule, fit.floor)
    kept, first = inverse_variance(X @ fit.first.square_slopes, fit.rule, fit.floor)
    squares = residual(block, fit.first.ols) ** 2
    spread = once @ ((squares - X @ fit.theta) * first) ** 2
    return (
        X.T @ (X * (once**2 * weight)[:, None]),
        X.T @ (X * (once * first)[:, None] ** 2),
        np.asarray(spread),
        np.asarray(float(kept @ once)),
    )


def _mean_meat(block: Block, fit: FGLS) -> Parts:
    X, w = block.X, block.w
    _, weight = inverse_variance(fit.fitted(X), fit.rule, fit.floor)
    once = 1.0 if w is None else w**2
    return (X.T @ (X * (once * weight)[:, None]),)

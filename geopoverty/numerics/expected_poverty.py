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
from geopoverty.numerics.rows import Block, Feed, InMemory, Parts
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


def _index(X: Array, log_line: Array, fit: Lognormal) -> tuple[Array, Array]:
    """Return how many s the line lies above the mean, and s^2."""
    variance = fit.variance(X)
    return (log_line - X @ fit.beta) / np.sqrt(variance), variance


def chance_blocks(X: Array, log_line: Array | float, fit: Lognormal) -> Scores:
    """Yield each block's chances (first column) and their gradients, (m, 1 + q).

    Gradients are in `Lognormal.parameters`. Rows without a variance are zeros
    throughout: give them weight 0.
    """
    lines = np.broadcast_to(log_line, (len(X),))
    for rows in blocks(len(X)):
        t, variance = _index(X[rows], lines[rows], fit)
        density = np.exp(-0.5 * t * t) / ROOT_2PI
        by_mean = -density / np.sqrt(variance)
        if fit.rule.name == "log":
            by_log = -0.5 * t * density
            last = [by_log[:, None]]
            by_theta = by_log
        else:
            floored = fit.fitted(X[rows]) < variance
            by_theta = np.where(floored, 0.0, -0.5 * t * density / variance)
            last = []
        block = np.column_stack(
            [
                special.ndtr(t),
                X[rows] * by_mean[:, None],
                X[rows] * by_theta[:, None],
                *last,
            ]
        )
        yield rows, np.nan_to_num(block)


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
    k = len(fit.beta)
    out = np.zeros((len(fit.parameters),) * 2)
    if fit.rule.name == "log":
        return _log_covariance(feed, fit)
    mean, square, spread, rows = feed.total(lambda b: _model_parts(b, fit))
    bread, square_bread = inverse(fit.information), inverse(fit.square_information)
    out[:k, :k] = bread @ mean @ bread
    factor = float(spread) / max(float(rows) - k, 1.0)
    out[k:, k:] = factor * (square_bread @ square @ square_bread)
    return (out + out.T) / 2


def _model_parts(block: Block, fit: FGLS) -> Parts:
    X, _, w = block
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


def _log_covariance(feed: Feed, fit: FGLS) -> Array:
    """Return the covariance with a log-linear variance: its second part is robust."""
    k = len(fit.beta)
    out = np.zeros((2 * k + 1,) * 2)
    mean = feed.total(lambda b: _mean_meat(b, fit))[0]
    bread = inverse(fit.information)
    out[:k, :k] = bread @ mean @ bread
    moves = influence(fit)

    def outer(block: Block) -> Parts:
        moved = moves(block)[:, k:]
        return (moved.T @ moved,)

    out[k:, k:] += feed.total(outer)[0]
    return (out + out.T) / 2


def _mean_meat(block: Block, fit: FGLS) -> Parts:
    X, _, w = block
    _, weight = inverse_variance(fit.fitted(X), fit.rule, fit.floor)
    once = 1.0 if w is None else w**2
    return (X.T @ (X * (once * weight)[:, None]),)

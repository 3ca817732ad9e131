"""Maximum likelihood of a logit or probit, by Newton steps over blocks of rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.links import Link
from geopoverty.numerics.rows import Block, Feed, InMemory, Parts, numbers
from geopoverty.numerics.types import Array, Codes

WARM_START_FROM = 100_000  # rows; below it a subsample saves nothing
DECREMENT = 1e-10  # squared step in standard errors; the next is its square
MAX_STEPS = 50
FAR = 5.0  # without a linear predictor out here there is no separation


@dataclass(frozen=True)
class BinaryFit:
    """A fitted binary model.

    Attributes
    ----------
    beta : array, shape (k,)
    information : array, shape (k, k)
        Observed information at `beta`.
    loglik : float
    steps : int
        Newton steps on all rows.
    separating : array of int
        Columns along which the outcome is perfectly separated; empty if none.
    """

    beta: Array
    information: Array
    loglik: float
    steps: int
    separating: Codes


def fit_binary(
    X: Array,
    y: Array,
    link: Link,
    w: Array | None = None,
    stepped: Callable[[], object] = lambda: None,
) -> BinaryFit:
    """Maximise the likelihood of a binary model.

    Parameters
    ----------
    X : array, shape (n, k), C order
        Full column rank.
    y : array, shape (n,)
        0 or 1, both present.
    link : Link
    w : array, shape (n,), optional
        Weight of each row's log-likelihood, at least 0.
    stepped : callable
        Called after every step, to show that work goes on.

    Returns
    -------
    BinaryFit
        When ``separating`` is not empty there is no finite maximum, and the
        rest is where the search stopped.

    Raises
    ------
    EstimationError
        If the steps do not converge.

    Notes
    -----
    Newton's method with step halving on the concave log-likelihood. More than
    100,000 rows start from the fit of a fixed random subsample, so that three or
    four exact passes over all rows are enough.

    Examples
    --------
    >>> from geopoverty.numerics.links import Logit
    >>> X, y = np.ones((4, 1)), np.array([1.0, 0.0, 0.0, 0.0])
    >>> fit_binary(X, y, Logit).beta.round(6)  # log(1/3)
    array([-1.098612])
    """
    rows, start = InMemory(X, y, w), None
    if len(y) > WARM_START_FROM:
        some = sampled(len(y))
        weight = None if w is None else w[some]
        start = rough_fit(InMemory(X[some], y[some], weight), X.shape[1], link)
    return fit_rows(rows, X.shape[1], link, start, stepped)


def fit_rows(
    rows: Feed,
    k: int,
    link: Link,
    start: Array | None = None,
    stepped: Callable[[], object] = lambda: None,
) -> BinaryFit:
    """Maximise the likelihood of a binary model on rows wherever they are.

    Parameters
    ----------
    rows : Feed
        Of full column rank, with outcomes 0 and 1, both present.
    k : int
        Columns.
    link : Link
    start : array, shape (k,), optional
        Where to start, such as `rough_fit` of some rows; zeros when not given.
    stepped : callable
        Called after every step.

    Returns
    -------
    BinaryFit
        See `fit_binary`.

    Raises
    ------
    EstimationError
        If the steps do not converge.
    """
    beta = np.zeros(k) if start is None else start
    here = _pass(rows, beta, link, np.zeros(k))
    for step in range(1, MAX_STEPS + 1):
        direction = _solve(here.information, here.score)
        decrement = float(here.score @ direction)
        beta, here = _halved(rows, link, beta, direction, here.loglik)
        stepped()
        done = decrement < DECREMENT
        if done or step == MAX_STEPS:
            columns = _separating(rows, here, direction)
            if done or columns.size:
                return BinaryFit(beta, here.information, here.loglik, step, columns)
    raise EstimationError(
        f"The likelihood did not converge in {MAX_STEPS} steps. Rescale covariates "
        "of very different size."
    )


def sampled(n: int) -> Codes:
    """Return a fixed random subsample of rows, enough to start from, ascending."""
    rng = np.random.default_rng(0)
    rows = rng.choice(n, size=max(20_000, n // 50), replace=False)
    rows.sort()
    return np.asarray(rows, dtype=np.intp)


def rough_fit(rows: Feed, k: int, link: Link) -> Array:
    """Return coefficients to start from: a few steps on some of the rows."""
    cold = np.zeros(k)
    try:
        for _ in range(6):
            here = _pass(rows, cold, link, cold)
            cold = cold + _solve(here.information, here.score)
    except EstimationError:  # these rows lack a rare category: start at zero
        return np.zeros(k)
    return cold if np.isfinite(cold).all() else np.zeros(k)


def linear_predictor(X: Array, beta: Array) -> Iterator[tuple[slice, Array]]:
    """Yield each block of rows with its linear predictor."""
    for rows in blocks(len(X)):
        yield rows, X[rows] @ beta


def score_blocks(
    X: Array, y: Array, beta: Array, link: Link, w: Array | None = None
) -> Iterator[tuple[slice, Array]]:
    """Yield each block's derivatives of the log-likelihood, shape (m, k)."""
    for rows, eta in linear_predictor(X, beta):
        residual = link.at(eta, y[rows]).residual
        if w is not None:
            residual = residual * w[rows]
        yield rows, X[rows] * residual[:, None]


def separating_columns(rows: Feed, beta: Array, direction: Array) -> Codes:
    """Name the columns that separate the outcome perfectly.

    Under (quasi-)complete separation Newton steps settle into a direction d
    with (2y - 1) x'd >= 0 for every row and above 0 for some: moving along it
    raises the likelihood for ever [1]_. That inequality is checked row by row,
    so a mere large coefficient is never taken for separation.

    Parameters
    ----------
    rows : Feed
    beta : array, shape (k,)
        Where the search stands.
    direction : array, shape (k,)
        The last Newton step.

    Returns
    -------
    array of int
        Columns that make up the direction; empty when nothing is separated.

    References
    ----------
    .. [1] Albert, A. & Anderson, J. A. (1984). On the existence of maximum
       likelihood estimates in logistic regression models. Biometrika 71, 1-10.
    """

    def moves(block: Block) -> Parts:
        return _moves(block, block.X @ beta, direction)

    far, gain, loss = rows.total(moves, np.maximum)
    nothing = np.zeros(0)
    here = _Here(0.0, nothing, nothing, float(far), float(gain), float(loss))
    return _separating(rows, here, direction)


@dataclass(frozen=True)
class _Here:
    """The log-likelihood at some coefficients, and what the last step moved.

    Attributes
    ----------
    loglik : float
    score, information : array
    far : float
        The largest linear predictor, in size.
    gain, loss : float
        The most that the direction of the step favours a row's outcome, and the most
        that it goes against one.
    """

    loglik: float
    score: Array
    information: Array
    far: float
    gain: float
    loss: float


def _pass(rows: Feed, beta: Array, link: Link, direction: Array) -> _Here:
    """Return what the rows say at `beta`, in one pass."""

    def kernel(block: Block) -> Parts:
        eta = block.X @ beta
        at = link.at(eta, block.y)
        residual, weight = block.weighed(at.residual), block.weighed(at.weight)
        information = (block.X * weight[:, None]).T @ block.X
        loglik = np.asarray(block.weighed(at.loglik).sum())
        moves = _moves(block, eta, direction)
        return loglik, residual @ block.X, information, *moves

    most = (np.maximum,) * 3
    loglik, score, information, *moves = rows.total(kernel, (np.add,) * 3 + most)
    return _Here(float(loglik), score, information, *map(float, moves))


def _moves(block: Block, eta: Array, direction: Array) -> Parts:
    gain = (2 * block.y - 1) * (block.X @ direction)
    return np.abs(eta).max(), gain.max(), -gain.min()


def _halved(
    rows: Feed, link: Link, beta: Array, direction: Array, loglik: float
) -> tuple[Array, _Here]:
    size = 1.0
    while True:
        trial = beta + size * direction
        here = _pass(rows, trial, link, direction)
        if here.loglik >= loglik - 1e-9 * (abs(loglik) + 1) or size < 1e-6:
            return trial, here
        size /= 2


def _separating(rows: Feed, here: _Here, direction: Array) -> Codes:
    # Rows that are not separated move by less and less; the others by about 1.
    if here.far <= FAR or here.gain <= 1e-3 or here.loss >= 1e-3 * here.gain:
        return np.zeros(0, dtype=np.intp)
    squares, count = rows.total(_squares)
    size = np.abs(direction) * np.sqrt(squares / count)
    return np.flatnonzero(size > 1e-3 * size.max())


def _squares(block: Block) -> Parts:
    return np.einsum("ij,ij->j", block.X, block.X), *numbers(len(block.y))


def _solve(information: Array, score: Array) -> Array:
    try:
        return np.asarray(linalg.solve(information, score, assume_a="pos"))
    except linalg.LinAlgError as error:
        raise EstimationError(
            "The information matrix is singular: some covariate does not vary among "
            "the rows that still carry information. Check for perfect separation."
        ) from error

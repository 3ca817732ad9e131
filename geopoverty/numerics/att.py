"""Standard errors of a mean effect on the treated, found by matching."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.pairing.nearest import nearest
from geopoverty.numerics.pairing.sides import Side
from geopoverty.numerics.pairing.windows import Windows
from geopoverty.numerics.types import Array, Mask


def effects(outcome: Array, means: Array, weight: Array) -> Array:
    """Return the mean difference between treated and their controls, shape (q,).

    Parameters
    ----------
    outcome, means : array, shape (treated, q)
        Of matched treated, and the means of their controls.
    weight : array, shape (treated,)

    Examples
    --------
    >>> effects(np.array([[3.0], [5.0]]), np.array([[1.0], [1.0]]), np.ones(2)).tolist()
    [3.0]
    """
    return np.asarray(weight @ (outcome - means) / weight.sum())


@dataclass(frozen=True, eq=False)
class Linear:
    """An effect as a weighted sum of outcomes.

    Attributes
    ----------
    treated : array, shape (treated, m)
        What each treated counts in each of m effects; each column sums to 1.
    control : array, shape (controls, m)
        What each control counts, with a plus sign; each column sums to 1.
    """

    treated: Array
    control: Array


def given_weights_vcov(
    linear: Linear,
    outcome: tuple[Array, Array],
    weight: tuple[Array, Array],
    used: tuple[Mask, Mask],
) -> Array:
    """Return the covariance of effects, taking the weights as given.

    Parameters
    ----------
    linear : Linear
        Of m ways to match.
    outcome : tuple of array, shape (treated, q), (controls, q)
    weight : tuple of array, shape (treated,), (controls,)
        Sampling weights, for the variances of outcomes.
    used : tuple of array of bool, shape (treated,), (controls,)
        Rows that the variances are taken over.

    Returns
    -------
    array, shape (m q, m q)
        Ways to match in the outer, outcomes in the inner order.

    Notes
    -----
    The formula of psmatch2: s1^2 sum a^2 + s0^2 sum b^2 with one variance of the
    outcome among treated and one among controls. For equal weights it is
    s1^2/N1 + s0^2 sum(w^2)/N1^2. Between ways to match it has the covariance, for
    all are sums of the same outcomes. It knows nothing of the score's estimation.

    Examples
    --------
    >>> linear = Linear(np.full((2, 1), 0.5), np.full((2, 1), 0.5))
    >>> y = np.array([[0.0], [2.0]])
    >>> ones, here = np.ones(2), np.ones(2, dtype=bool)
    >>> given_weights_vcov(linear, (y, y), (ones, ones), (here, here))
    array([[2.]])
    """
    parts = [
        np.kron(a.T @ a, _variance(y[rows], w[rows]))
        for a, y, w, rows in zip(
            (linear.treated, linear.control), outcome, weight, used, strict=True
        )
    ]
    return np.asarray(parts[0] + parts[1])


def _variance(y: Array, w: Array) -> Array:
    """Return the weighted covariance of columns, n - 1 in the denominator."""
    if len(y) < 2:
        return np.full((y.shape[1], y.shape[1]), np.nan)
    centred = y - w @ y / w.sum()
    scale = len(y) / (len(y) - 1) / w.sum()
    return np.asarray(scale * (centred.T * w) @ centred)


def neighbours_of_own(own: Side, count: int) -> Windows:
    """Return each row's `count` nearest rows of its own side, itself among them."""
    return nearest(own, own, count + 1).all


def weighted_own_variance(outcome: Array, windows: Windows, weight: Array) -> Array:
    """Return the weighted sum of rows' conditional variances, shape (q, q).

    Parameters
    ----------
    outcome : array, shape (m, q)
        Of one side, sorted by score.
    windows : Windows
        From `neighbours_of_own`: the J nearest rows and the row itself. Their
        variance stands for the row's (Abadie & Imbens 2016, section 4).
    weight : array, shape (m,)

    Examples
    --------
    >>> two = Windows(np.array([0, 0]), np.array([2, 2]), 2)
    >>> weighted_own_variance(np.array([[1.0], [3.0]]), two, np.ones(2))
    array([[4.]])
    """
    size = windows.sizes().astype(np.float64)
    scaled = np.where(size > 1, weight / np.maximum(size - 1, 1), 0.0)
    y = outcome - outcome.mean(axis=0)  # else large means would cancel
    means = windows.forward(y) / size[:, None]
    spread = windows.adjoint(scaled[:, None])
    return np.asarray((y * spread).T @ y - (means.T * (scaled * size)) @ means)


def abadie_imbens_vcov(
    gains: Array, weight: Array, outcome: Array, own: Windows, extra: Array
) -> Array:
    """Return the covariance of nearest-neighbour effects, at a known score.

    Parameters
    ----------
    gains : array, shape (treated, q)
        Outcome less mean of controls, of matched treated.
    weight : array, shape (treated,)
    outcome : array, shape (controls, q)
        Sorted by score.
    own : Windows
        From `neighbours_of_own` of the controls.
    extra : array, shape (controls,)
        The squared sum of each control's shares, less the sum of their squares.

    Returns
    -------
    array, shape (q, q)

    References
    ----------
    Abadie, A. & Imbens, G. W. (2006). Large sample properties of matching
    estimators for average treatment effects. Econometrica 74, 235-267: theorem 7.

    Examples
    --------
    >>> gains, ones = np.array([[1.0], [3.0]]), np.ones(2)
    >>> own = Windows(np.array([0, 0]), np.array([2, 2]), 2)
    >>> abadie_imbens_vcov(gains, ones, gains, own, np.zeros(2))
    array([[0.5]])
    """
    total = weight.sum()
    centred = (gains - weight @ gains / total) * weight[:, None]
    middle = weighted_own_variance(outcome, own, np.maximum(extra, 0.0))
    return np.asarray((centred.T @ centred + middle) / total**2)


@dataclass(frozen=True, eq=False)
class EstimatedScore:
    """A fitted score, and the rows it was fitted on.

    Attributes
    ----------
    X : array, shape (n, k)
    treated : array of bool, shape (n,)
    probability, density : array, shape (n,)
        The score and its derivative in the index.
    everyone, arms : Side, tuple of Side
        All rows, and (controls, treated), sorted by score.
    """

    X: Array
    treated: Mask
    probability: Array
    density: Array
    everyone: Side
    arms: tuple[Side, Side]


def estimated_score_change(
    score: EstimatedScore, outcome: Array, att: Array, neighbours: int = 2
) -> Array:
    """Return what the estimation of the score adds to the variance of the effects.

    Parameters
    ----------
    score : EstimatedScore
    outcome : array, shape (n, q)
    att : array, shape (q,)
    neighbours : int
        Rows of an arm around each row that local means and covariances are taken
        over, at least 2.

    Returns
    -------
    array, shape (q, q)
        To be added to the covariance at a known score; it may be negative.

    Notes
    -----
    -c' I^-1 c + g' I^-1 g, with I the information on the coefficients, c the
    covariance of the effect with their score, and g the derivative of the effect in
    them [1]_, theorem 2. As there, c rests on local covariances of covariates and
    outcome. For g, which needs the mean outcome given all covariates, residuals are
    weighted by inverse probabilities around the mean given the score: that needs no
    second match on many covariates.

    References
    ----------
    .. [1] Abadie, A. & Imbens, G. W. (2016). Matching on the estimated propensity
       score. Econometrica 84, 781-807.
    """
    local = [_Local(score, arm, neighbours) for arm in (0, 1)]
    p, f = score.probability, score.density
    n1 = float(score.treated.sum())
    means = [side.means(outcome) for side in local]
    difference = means[1] - means[0] - att
    odds = p / (1 - p)
    k, q = score.X.shape[1], outcome.shape[1]
    c, g = np.empty((k, q)), np.empty((k, q))
    full = difference + _own_part(score, outcome, means, local)
    for j in range(k):
        x = np.ascontiguousarray(score.X[:, j])
        near = local[1].covariances(x, outcome, means[1])
        far = local[0].covariances(x, outcome, means[0])
        c[j] = f @ (x[:, None] * difference + near + odds[:, None] * far) / n1
        g[j] = (f * x) @ full / n1
    weight = f**2 / (p * (1 - p))
    information = (score.X.T * weight) @ score.X
    both = np.linalg.solve(information, np.hstack([c, g]))
    return np.asarray(g.T @ both[:, q:] - c.T @ both[:, :q])


def _own_part(
    score: EstimatedScore, outcome: Array, means: list[Array], local: list["_Local"]
) -> Array:
    """Return each row's residual from its own arm, over its chance to be there."""
    own = np.where(score.treated[:, None], means[1], means[0])
    size = np.where(score.treated, local[1].size, local[0].size)
    # The row is in its own mean; without it the residual is this much larger.
    residual = (outcome - own) * (size / np.maximum(size - 1, 1))[:, None]
    p = score.probability
    chance = np.where(score.treated, p, -(1 - p))
    return np.asarray(residual / chance[:, None])


class _Local:
    """Means and covariances among the rows of one arm nearest to each row."""

    def __init__(self, score: EstimatedScore, arm: int, neighbours: int) -> None:
        self.to, self.of = score.everyone, score.arms[arm]
        self.windows = nearest(self.to, self.of, neighbours).all
        size = np.empty(len(self.to))
        size[self.to.rows] = self.windows.sizes()
        self.size = size

    def sums(self, values: Array) -> Array:
        out = np.empty((len(self.to), values.shape[1]))
        out[self.to.rows] = self.windows.forward(values[self.of.rows])
        return out

    def means(self, values: Array) -> Array:
        return np.asarray(self.sums(values) / self.size[:, None])

    def covariances(self, x: Array, outcome: Array, means: Array) -> Array:
        """Return local covariances of a covariate with outcomes, shape (n, q)."""
        x = x - x.mean()  # else large means would cancel
        middle = outcome.mean(axis=0)
        products = self.means(x[:, None] * (outcome - middle))
        at = self.means(x[:, None]) * (means - middle)
        grown = (self.size / np.maximum(self.size - 1, 1))[:, None]
        return np.asarray((products - at) * grown)

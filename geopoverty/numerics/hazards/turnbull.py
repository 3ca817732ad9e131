"""The survival curve when exits are only known to lie in intervals (Turnbull)."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from geopoverty.errors import EstimationError
from geopoverty.numerics.types import Array, Codes, Mask

MAX_STEPS = 500
GAP = 1e-10  # of the directional derivative, per unit of weight
EM_STEPS, THIN = 30, 1e-3  # to begin with; of the greatest mass
STILL = 1e-9  # a step that changes no mass
EMPTY = 1e-9  # of the mass: an interval that holds nobody


@dataclass(frozen=True, eq=False)
class Masses:
    """Where exits lie, as far as intervals can tell.

    Attributes
    ----------
    low, high : array, shape (m,)
        Ascending; mass lies in (low, high], or at the point where both are equal.
        `high` may be infinite.
    mass : array, shape (m,)
        Sums to 1.
    vcov : array, shape (m, m)
        From the observed information of the masses above 0, others 0.
    loglik : float
    """

    low: Array
    high: Array
    mass: Array
    vcov: Array
    loglik: float


def turnbull(low: Array, high: Array, w: Array | None = None) -> Masses:
    """Estimate the masses by maximum likelihood.

    Parameters
    ----------
    low, high : array, shape (n,)
        A unit leaves in (low, high]; known exactly when both are equal; `high` is
        infinite for those not seen to leave.
    w : array, shape (n,), optional
        Weights above 0.

    Returns
    -------
    Masses

    Raises
    ------
    EstimationError
        If the search does not converge.

    Notes
    -----
    The candidates are Turnbull's innermost intervals; the concave likelihood is
    climbed by the constrained Newton method, which ends when no candidate's
    directional derivative exceeds the sample's weight.

    References
    ----------
    Turnbull, B. (1976). The empirical distribution function with arbitrarily
    grouped, censored and truncated data. JRSS B 38, 290-295. Wang, Y. (2007). On
    fast computation of the non-parametric maximum likelihood estimate of a mixing
    distribution. JRSS B 69, 185-198.

    Examples
    --------
    >>> found = turnbull(np.array([0.0, 0.0, 10.0]), np.array([10.0, 10.0, np.inf]))
    >>> found.mass.round(4)
    array([0.6667, 0.3333])
    """
    w = np.ones(len(low)) if w is None else w
    pairs, at = np.unique(np.column_stack([low, high]), axis=0, return_inverse=True)
    at = at.ravel()
    weight = np.asarray(np.bincount(at, w), dtype=np.float64)
    left, right = _innermost(pairs[:, 0], pairs[:, 1])
    inside = _covers(pairs, left, right)
    mass = _climb(inside, weight)
    loglik = float(weight @ np.log(inside @ mass))
    return Masses(left, right, mass, _covariance(inside, mass, at, w), loglik)


def _innermost(low: Array, high: Array) -> tuple[Array, Array]:
    """Return the intervals that start at some low and end at the next high."""
    # At one value: an exact time starts (kind 0) and ends (1) before an interval
    # closed there ends (1) and one open there starts (2).
    exact = low == high
    value = np.concatenate([low, high])
    kind = np.concatenate([np.where(exact, 0, 2), np.ones(len(high))])
    order = np.lexsort((kind, value))
    value, starts = value[order], kind[order] != 1
    at = np.flatnonzero(starts[:-1] & ~starts[1:])
    return value[at], value[at + 1]


def _covers(pairs: Array, left: Array, right: Array) -> Array:
    """Say which unit's interval holds which candidate, (n, m) of 0 and 1."""
    low, high = pairs[:, :1], pairs[:, 1:]
    point, exact = left == right, low == high
    after = np.where(exact | ~point, left >= low, left > low)
    return np.asarray((after & (right <= high)), dtype=np.float64)


def _climb(inside: Array, weight: Array) -> Array:
    """Maximise the likelihood by constrained Newton steps."""
    total, root = weight.sum(), np.sqrt(weight)
    mass = _begun(inside, weight)
    for _ in range(MAX_STEPS):
        ratio = inside / (inside @ mass)[:, None]
        slope = weight @ ratio
        gap = slope.max() / total - 1
        if gap <= GAP:
            return _held(mass)
        # Where mass is, and where more would help most.
        active = np.flatnonzero((mass > 0) | _peaks(slope, float(total)))
        target = np.zeros_like(mass)
        target[active] = _newton(ratio[:, active] * root[:, None], 2 * root)
        if gap <= 1e3 * GAP and np.abs(target - mass).max() < STILL:
            return _held(target)  # rounding in the sum to 1 is all that is left
        mass = _line(inside, weight, mass, target, slope)
    raise EstimationError(
        f"The survival curve did not converge in {MAX_STEPS} steps. Round the bounds "
        "of the intervals, so that fewer of them differ."
    )


def _held(mass: Array) -> Array:
    held = np.where(mass > EMPTY, mass, 0.0)
    return np.asarray(held / held.sum())


def _begun(inside: Array, weight: Array) -> Array:
    """Start with EM steps, and drop what they have nearly emptied."""
    m, total = inside.shape[1], weight.sum()
    mass = np.full(m, 1 / m)
    for _ in range(EM_STEPS):
        mass = mass * (weight @ (inside / (inside @ mass)[:, None])) / total
    thin = np.where(mass > mass.max() * THIN, mass, 0.0)
    if (inside @ thin).min() <= 0:
        return mass
    return np.asarray(thin / thin.sum())


def _peaks(slope: Array, total: float) -> Mask:
    """Say where the slope is above the sample's weight and at a local maximum."""
    edge = np.concatenate([[-np.inf], slope, [-np.inf]])
    best = (slope >= edge[:-2]) & (slope >= edge[2:])
    return np.asarray(best & (slope > total))


def _newton(matrix: Array, goal: Array) -> Array:
    """Minimise |matrix p - goal| over p >= 0 that sum to 1."""
    # A heavy row for the sum, by Lawson and Hanson; then scaled to 1 exactly.
    heavy = 1e4 * max(float(np.abs(matrix).max()), 1.0) * np.sqrt(len(goal))
    rows = np.vstack([matrix, np.full(matrix.shape[1], heavy)])
    aim = np.append(goal, heavy)
    if len(rows) > rows.shape[1]:  # the triangle holds all that counts
        turned, rows = np.linalg.qr(rows)
        aim = turned.T @ aim
    found, _ = optimize.nnls(rows, aim)
    return np.asarray(found / found.sum())


def _line(
    inside: Array, weight: Array, mass: Array, target: Array, slope: Array
) -> Array:
    now = weight @ np.log(inside @ mass)
    gain = float(slope @ (target - mass))
    size = 1.0
    while size > 1e-12:
        trial = mass + size * (target - mass)
        chance = inside @ trial
        if chance.min() > 0 and weight @ np.log(chance) >= now + 1e-4 * size * gain:
            return np.asarray(trial)
        size /= 2
    # An EM step never falls.
    return np.asarray(mass * slope / weight.sum())


def _covariance(inside: Array, mass: Array, at: Codes, w: Array) -> Array:
    """Return the sandwich covariance of the masses above 0 (they sum to 1)."""
    m = len(mass)
    kept = np.flatnonzero(mass > 0)
    out = np.zeros((m, m))
    if len(kept) < 2:
        return out
    ratio = inside[:, kept] / (inside @ mass)[:, None]
    # The last mass is 1 less the others.
    scores = ratio[:, :-1] - ratio[:, -1:]
    once, squared = np.bincount(at, w), np.bincount(at, w**2)
    bread = linalg.pinvh((scores * once[:, None]).T @ scores)
    free = bread @ ((scores * squared[:, None]).T @ scores) @ bread
    ends = np.vstack([np.eye(len(kept) - 1), -np.ones(len(kept) - 1)])
    out[np.ix_(kept, kept)] = ends @ free @ ends.T
    return out


def survival_after(masses: Masses) -> tuple[Array, Array]:
    """Return survival after each interval, and its standard error.

    Examples
    --------
    >>> found = turnbull(np.array([0.0, 0.0, 10.0]), np.array([10.0, 10.0, np.inf]))
    >>> s, error = survival_after(found)
    >>> s.round(4), error.round(4)
    (array([0.3333, 0.    ]), array([0.2722, 0.    ]))
    """
    m = len(masses.mass)
    sums = np.tril(np.ones((m, m)))
    variance = np.einsum("ij,jk,ik->i", sums, masses.vcov, sums)
    survival = np.clip(1 - np.cumsum(masses.mass), 0, 1)
    return survival, np.sqrt(np.maximum(variance, 0))

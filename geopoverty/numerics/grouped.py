"""Weighted sums, ranks, quantiles and densities by group."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from geopoverty.numerics.types import Array, Codes

MEDIAN_TOLERANCE = 1e-12  # of the total weight: closer is on the border
MANY = 100_000  # rows: above it a quantile sorts only what is near
SHORT = np.iinfo(np.uint16).max  # numpy sorts short integers in linear time


@dataclass(frozen=True, eq=False)
class Groups:
    """Which group each row is in.

    Attributes
    ----------
    codes : array of int, shape (n,), or None
        From 0 to count - 1; None when all rows are one group.
    count : int

    Examples
    --------
    >>> Groups(np.array([0, 1, 0]), 2).sum(np.array([1.0, 2.0, 4.0]))
    array([5., 2.])
    """

    codes: Codes | None = None
    count: int = 1

    def sum(self, values: Array) -> Array:
        """Return the sum of rows in each group, shape (count,)."""
        if self.codes is None:
            return np.array([values.sum()])
        sums = np.bincount(self.codes, weights=values, minlength=self.count)
        return np.asarray(sums, dtype=np.float64)

    def at(self, values: Array) -> Array:
        """Return the value of each row's group; one value for all if one group."""
        return values[:1] if self.codes is None else values[self.codes]

    def of(self, rows: Codes) -> "Groups":
        """Return the groups of some of the rows."""
        return Groups(None if self.codes is None else self.codes[rows], self.count)


def distances(x: Array, w: Array, groups: Groups, rising: Codes | None = None) -> Array:
    """Return the weighted sum of |x_i - x_j| over the rows j of i's group.

    `rising` are the rows by rising x, where they are known.

    Examples
    --------
    >>> distances(np.array([1.0, 3.0, 3.0]), np.ones(3), Groups())
    array([4., 2., 2.])
    """
    order, starts = sorted_rows(x, groups, rising)
    xs, ws = x[order], w[order]
    # Equal values may come in any order: what they add cancels.
    below = running(ws, starts)
    ws *= xs
    mass = running(ws, starts)
    sizes, last = np.diff(starts), np.maximum(starts[1:] - 1, 0)
    if not len(x):
        return np.zeros(0)
    if groups.codes is None:
        total, whole = below[-1], mass[-1]
    else:
        total, whole = np.repeat(below[last], sizes), np.repeat(mass[last], sizes)
    below *= 2
    below -= total
    xs *= below
    xs += whole
    mass *= 2
    xs -= mass
    out = below
    out[order] = xs
    return out


def sorted_rows(
    x: Array, groups: Groups, rising: Codes | None = None
) -> tuple[Codes, Codes]:
    """Return the rows by group and rising x, and where each group starts.

    Examples
    --------
    >>> order, starts = sorted_rows(np.array([3.0, 1.0, 2.0]), Groups())
    >>> order.tolist(), starts.tolist()
    ([1, 2, 0], [0, 3])
    """
    order = np.argsort(x) if rising is None else rising
    if groups.codes is None:
        return order, np.array([0, len(x)])
    codes = groups.codes[order]
    short = codes.astype(np.uint16) if groups.count <= SHORT else codes
    sizes = np.bincount(codes, minlength=groups.count)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return order[np.argsort(short, kind="stable")], starts


def running(values: Array, starts: Codes) -> Array:
    """Return running sums that begin anew in each group.

    Examples
    --------
    >>> running(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 3]))
    array([1., 3., 4.])
    """
    out = np.empty(len(values))
    for a, b in pairwise(starts.tolist()):
        np.cumsum(values[a:b], out=out[a:b])
    return out


def quantile(x: Array, w: Array, groups: Groups, p: float) -> Array:
    """Return the weighted quantile of each group that has rows, NaN for others.

    The least x whose running weight exceeds a share `p` of the total; when the
    running weight of the x before is that share exactly, the mean of both.

    Examples
    --------
    >>> quantile(np.array([1.0, 2.0, 5.0, 7.0]), np.ones(4), Groups(), 0.5)
    array([3.5])
    """
    if groups.codes is None and len(x) > MANY:
        found = _narrowed(x, w, p)
        if found is not None:
            return np.array([found])
    order, starts = sorted_rows(x, groups)
    xs, below = x[order], running(w[order], starts)
    out = np.full(groups.count, np.nan)
    for g, (a, b) in enumerate(pairwise(starts.tolist())):
        if b > a:
            out[g] = _crossing(xs[a:b], below[a:b], p * below[b - 1])
    return out


def _crossing(xs: Array, below: Array, target: float) -> float:
    """Return the x, rising, where the running weight passes a target."""
    border = MEDIAN_TOLERANCE * target
    i = int(np.searchsorted(below, target + border, side="right"))
    i = min(i, len(xs) - 1)
    on_border = i > 0 and below[i - 1] >= target - border
    return float((xs[i - 1] + xs[i]) / 2 if on_border else xs[i])


def _narrowed(x: Array, w: Array, p: float) -> float | None:
    """Sort only the rows that a sample says are near; None if it was wrong."""
    some = slice(None, None, len(x) // (MANY // 2))
    order = np.argsort(x[some])
    share = np.cumsum(w[some][order])
    ends = np.searchsorted(share, share[-1] * np.clip([p - 0.01, p + 0.01], 0, 1))
    low, high = x[some][order][np.minimum(ends, len(order) - 1)]
    under, target = float(w[x < low].sum()), p * float(w.sum())
    near = np.flatnonzero((x >= low) & (x <= high))
    near = near[np.argsort(x[near])]
    below = under + np.cumsum(w[near])
    margin = MEDIAN_TOLERANCE * target
    if under >= target - margin or below[-1] <= target + margin:
        return None
    return _crossing(x[near], below, target)


def density(
    x: Array, w: Array, groups: Groups, at: Array, bandwidth: Array | None = None
) -> Array:
    """Return each group's density of x at a point: a Gaussian kernel estimate.

    Parameters
    ----------
    x, w : array, shape (n,)
    groups : Groups
    at : array, shape (count,)
        The point of each group.
    bandwidth : array, shape (count,), optional
        Silverman's rule of thumb (1986, equation 3.31) when not given: 0.9 times
        the lesser of the standard deviation and the quartile range over 1.34,
        times n^-1/5, where n is the effective number of rows.

    Returns
    -------
    array, shape (count,)
        NaN where x does not vary.

    Examples
    --------
    >>> density(np.array([-1.0, 1.0]), np.ones(2), Groups(), np.zeros(1), np.ones(1))
    array([0.24197072])
    """
    total = groups.sum(w)
    width = _silverman(x, w, groups, total) if bandwidth is None else bandwidth
    width = np.where(width > 0, width, np.nan)
    u = (x - groups.at(at)) / groups.at(width)
    kernel = np.exp(-(u**2) / 2)
    return np.asarray(groups.sum(w * kernel) / (total * width * np.sqrt(2 * np.pi)))


def _silverman(x: Array, w: Array, groups: Groups, total: Array) -> Array:
    centre = groups.sum(w * x) / total
    deviation = np.sqrt(groups.sum(w * (x - groups.at(centre)) ** 2) / total)
    quartiles = [quantile(x, w, groups, p) for p in (0.25, 0.75)]
    middle = (quartiles[1] - quartiles[0]) / 1.34
    spread = np.where(middle > 0, np.minimum(deviation, middle), deviation)
    effective = total**2 / groups.sum(w**2)
    return np.asarray(0.9 * spread * effective**-0.2)

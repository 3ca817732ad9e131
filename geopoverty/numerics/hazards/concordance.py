"""Concordance of predicted hazards and times, with its standard error."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from geopoverty.numerics.types import Array, Codes, Mask

DIGITS = 11  # of the spread of predictions: closer ones are tied


@dataclass(frozen=True, eq=False)
class Concordance:
    """How often the row of higher hazard exits first.

    Attributes
    ----------
    estimate : float
        Harrell's C: concordant pairs and half of those tied in prediction, among
        pairs of which it is known who exits first. NaN without such pairs.
    std_error : float
        By the infinitesimal jackknife.
    concordant, discordant, tied : float
        Weighted pairs.
    influence : array, shape (n,)
        Of each row, on the estimate; their squares sum to the variance.
    """

    estimate: float
    std_error: float
    concordant: float
    discordant: float
    tied: float
    influence: Array


def concordance(
    prediction: Array,
    time: Array,
    exited: Mask,
    w: Array,
    entry: Array | None = None,
    stratum: Codes | None = None,
) -> Concordance:
    """Compare every pair that can be ordered, in time n log n.

    Parameters
    ----------
    prediction : array, shape (n,)
        Higher for those expected to exit sooner.
    time, exited : arrays, shape (n,)
    w : array, shape (n,)
    entry : array, shape (n,), optional
        A pair counts if both are at risk when the first exits.
    stratum : array of int, shape (n,), optional
        Pairs are within strata.

    Returns
    -------
    Concordance

    References
    ----------
    Harrell, F. E., Lee, K. L. & Mark, D. B. (1996). Multivariable prognostic models.
    Statistics in Medicine 15, 361-387. Therneau, T. & Atkinson, E. (2023).
    Concordance. Vignette of the R package survival.

    Examples
    --------
    >>> found = concordance(np.array([3.0, 1, 2]), np.array([1.0, 2, 3]),
    ...     np.array([True, True, False]), np.ones(3))
    >>> round(found.estimate, 4), found.concordant, found.discordant
    (0.6667, 2.0, 1.0)
    """
    n = len(time)
    spread = float(np.ptp(prediction)) or 1.0
    values = np.round((prediction - prediction.min()) / spread, DIGITS)
    rank = np.unique(values, return_inverse=True)[1]
    layer = np.zeros(n, dtype=np.intp) if stratum is None else stratum
    start = np.full(n, -np.inf) if entry is None else entry
    # At one time exits come first, so that the censored outlive them.
    ending = np.lexsort((~exited, time, layer))
    entering = np.lexsort((start, layer))
    less, tied, more = _partners(
        rank, time, exited, w, start, layer, ending, entering, entry is not None
    )
    pairs = less + tied + more
    total = float(w @ pairs) / 2
    if total == 0:
        return Concordance(np.nan, np.nan, 0.0, 0.0, 0.0, np.zeros(n))
    agree, even = float(w @ less) / 2, float(w @ tied) / 2
    estimate = (agree + even / 2) / total
    # Each pair is seen from both sides, so a row's influence is not halved.
    influence = w * (less + tied / 2 - estimate * pairs) / total
    error = float(np.sqrt(influence @ influence))
    disagree = total - agree - even
    return Concordance(estimate, error, agree, disagree, even, influence)


@njit(cache=True)
def _add(tree: Array, at: int, value: float) -> None:
    """Add to one place of a tree of running sums (Fenwick 1994)."""
    i = at + 1
    while i < len(tree):
        tree[i] += value
        i += i & -i


@njit(cache=True)
def _below(tree: Array, at: int) -> float:
    """Return the sum of the places before `at`."""
    total, i = 0.0, at
    while i > 0:
        total += tree[i]
        i -= i & -i
    return total


@njit(cache=True)
def _split(tree: Array, at: int) -> tuple[float, float, float]:
    """Return the sums below, at and above a place."""
    under, upto = _below(tree, at), _below(tree, at + 1)
    return under, upto - under, _below(tree, len(tree) - 1) - upto


@njit(cache=True)
def _partners(  # noqa: PLR0913 - compiled code takes arrays, not objects
    rank: Codes,
    time: Array,
    exited: Mask,
    w: Array,
    start: Array,
    layer: Codes,
    ending: Codes,
    entering: Codes,
    late: bool,
) -> tuple[Array, Array, Array]:
    """Return the weight of each row's concordant, tied and discordant partners."""
    out = np.zeros((3, len(time)))
    width = rank.max() + 2
    begin = 0
    while begin < len(time):
        end = begin
        while end < len(time) and layer[ending[end]] == layer[ending[begin]]:
            end += 1
        rows, come = ending[begin:end], entering[begin:end]
        _outlived(out, rank, time, exited, w, start, rows, come, width, late)
        _outliving(out, rank, time, exited, w, start, rows, come, width, late)
        begin = end
    return out[0], out[1], out[2]


@njit(cache=True)
def _outlived(  # noqa: PLR0913
    out: Array,
    rank: Codes,
    time: Array,
    exited: Mask,
    w: Array,
    start: Array,
    rows: Codes,
    come: Codes,
    width: int,
    late: bool,
) -> None:
    """Add, for each exit, those at risk who stay: from the last time backwards."""
    tree = np.zeros(width)
    i, c = len(rows) - 1, len(rows) - 1
    while i >= 0:
        now = time[rows[i]]
        while i >= 0 and time[rows[i]] == now and not exited[rows[i]]:
            _add(tree, rank[rows[i]], w[rows[i]])
            i -= 1
        while late and c >= 0 and start[come[c]] >= now:
            _add(tree, rank[come[c]], -w[come[c]])
            c -= 1
        first = i
        while i >= 0 and time[rows[i]] == now:
            under, same, over = _split(tree, rank[rows[i]])
            out[0, rows[i]] += under
            out[1, rows[i]] += same
            out[2, rows[i]] += over
            i -= 1
        for j in range(i + 1, first + 1):
            _add(tree, rank[rows[j]], w[rows[j]])


@njit(cache=True)
def _outliving(  # noqa: PLR0913
    out: Array,
    rank: Codes,
    time: Array,
    exited: Mask,
    w: Array,
    start: Array,
    rows: Codes,
    come: Codes,
    width: int,
    late: bool,
) -> None:
    """Add, for each row, the exits it sees and outlives: from the first time on."""
    tree = np.zeros(width)
    i, c = 0, 0
    while i < len(rows):
        now = time[rows[i]]
        # What had happened when a row entered is not its own.
        while late and c < len(come) and start[come[c]] < now:
            _note(out, tree, rank[come[c]], come[c], -1.0)
            c += 1
        first = i
        while i < len(rows) and time[rows[i]] == now and exited[rows[i]]:
            _note(out, tree, rank[rows[i]], rows[i], 1.0)
            i += 1
        for j in range(first, i):
            _add(tree, rank[rows[j]], w[rows[j]])
        while i < len(rows) and time[rows[i]] == now:
            _note(out, tree, rank[rows[i]], rows[i], 1.0)
            i += 1


@njit(cache=True)
def _note(out: Array, tree: Array, at: int, row: int, sign: float) -> None:
    under, same, over = _split(tree, at)
    out[0, row] += sign * over  # who left sooner had the higher hazard
    out[1, row] += sign * same
    out[2, row] += sign * under

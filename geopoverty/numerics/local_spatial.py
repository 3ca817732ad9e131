"""Local statistics of spatial association, and what chance would make of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geopoverty.numerics.types import Array, Matrix

CELLS = 4_000_000  # units times draws held at once
MOST_DRAWS = 128  # at a time
ROUNDING = 1e-10  # lags this close, on the scale of the lag, are taken as tied


@dataclass(frozen=True, eq=False)
class Chance:
    """Where statistics stand among those of values drawn anew.

    Attributes
    ----------
    above, below : array of int, shape (n,)
        Draws that reach the lag at least, and at most.
    global_above, global_below : int
        The same of the sum over all units of value times lag.
    draws : int
    """

    above: NDArray[np.intp]
    below: NDArray[np.intp]
    global_above: int
    global_below: int
    draws: int

    @property
    def p_values(self) -> Array:
        """Two-sided pseudo p-values, shape (n,): twice the smaller tail, at most 1."""
        return np.asarray(_two_sided(self.above, self.below, self.draws))

    @property
    def high(self) -> NDArray[np.bool_]:
        """Whether the lag is above the middle of the draws, shape (n,)."""
        return np.asarray(self.above < self.below)

    @property
    def global_p(self) -> float:
        """Two-sided pseudo p-value of the global statistic."""
        return float(_two_sided(self.global_above, self.global_below, self.draws))


def local_moran(x: Array, W: Matrix) -> Array:
    """Return local Moran's I: z_i (W z)_i / m2, with m2 = sum z^2 / n.

    Parameters
    ----------
    x : array, shape (n,)
        Not constant.
    W : array or CSR array, shape (n, n)
        With a diagonal of 0.

    Returns
    -------
    array, shape (n,)
        With rows that sum to 1 their mean is Moran's I.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association - LISA.
    Geographical Analysis 27, 93-115, equations 12 and 13.

    Examples
    --------
    >>> path = np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])
    >>> local_moran(np.array([1.0, 2.0, 6.0]), path).round(3).tolist()
    [0.429, -0.107, -0.643]
    """
    z = x - x.mean()
    return np.asarray(z * (W @ z) / np.mean(z**2))


def morans_i(x: Array, W: Matrix) -> float:
    """Return Moran's I: n / sum(W) times z'Wz / z'z.

    Examples
    --------
    >>> ring = np.roll(np.eye(6), 1, axis=1)
    >>> round(morans_i(np.array([1.0, 2, 3, 3, 2, 1]), ring), 4)
    0.5
    """
    z = x - x.mean()
    return float(len(x) / W.sum() * (z @ (W @ z)) / (z @ z))


def getis_ord(x: Array, W: Matrix, *, star: bool) -> Array:
    """Return Getis-Ord z-scores of the sum of neighbours' values.

    Parameters
    ----------
    x : array, shape (n,)
        Not constant, also without any one unit.
    W : array or CSR array, shape (n, n)
        Any weights at least 0; the diagonal is 0 for G, and a unit's own weight for
        G*.
    star : bool
        Whether a unit's own value takes part (G*).

    Returns
    -------
    array, shape (n,)
        NaN for a unit without weights, and for one whose weights are the same for
        every other unit, for its sum could be no other.

    Notes
    -----
    G is set against the mean and variance of the other units, G* against those of
    all. Variances are of weights squared, so that any weights will do, not only 0/1.

    References
    ----------
    Ord, J. K. & Getis, A. (1995). Local spatial autocorrelation statistics:
    distributional issues and an application. Geographical Analysis 27, 286-306,
    equation 14.

    Examples
    --------
    >>> path = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    >>> getis_ord(np.array([1.0, 2.0, 4.0, 9.0]), path, star=False).round(3).tolist()
    [-1.019, -1.313, 0.843, 1.336]
    """
    z = x - x.mean()  # nothing changes, and nothing is lost to large values
    n = len(z) if star else len(z) - 1
    own = np.zeros(len(z)) if star else z
    mean = (z.sum() - own) / n
    variance = (np.sum(z**2) - own**2) / n - mean**2
    total, squares = row_sums(W), row_sums(W * W)
    spread = variance * np.maximum(n * squares - total**2, 0.0) / (n - 1)
    told = spread > 1e-14 * np.mean(z**2) * np.maximum(squares, total**2 / n)
    score = np.full(len(z), np.nan)
    np.divide(W @ z - total * mean, np.sqrt(spread), out=score, where=told)
    return score


def with_own_weight(W: Matrix, *, row: bool) -> Matrix:
    """Return weights with each unit its own neighbour, as G* asks for.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
    row : bool
        Whether rows are to sum to 1 again.

    Returns
    -------
    array or CSR array
        A unit counts for itself as much as its strongest neighbour: 1 where weights
        are 0/1. A unit without a neighbour stays without weights.

    Examples
    --------
    >>> with_own_weight(np.array([[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]]), row=True)
    array([[0.33333333, 0.33333333, 0.33333333],
           [0.5       , 0.5       , 0.        ],
           [0.        , 0.        , 0.        ]])
    """
    if sparse.issparse(W):
        own = np.asarray(W.max(axis=1).todense()).ravel()
        held = sparse.csr_array(W + sparse.diags_array(own))
    else:
        own = np.asarray(W).max(axis=1)
        held = W + np.diag(own)
    if not row:
        return held
    sums = row_sums(held)
    scale = np.divide(1.0, sums, out=np.zeros(len(sums)), where=sums > 0)
    if sparse.issparse(held):
        return sparse.csr_array(sparse.diags_array(scale) @ held)
    return np.asarray(held * scale[:, None])


def row_sums(W: Matrix) -> Array:
    """Return the sum of each row, shape (n,)."""
    return np.asarray(W.sum(axis=1)).ravel()


def drawn_lags(
    x: Array, W: Matrix, *, draws: int, seed: int, conditional: bool
) -> Chance:
    """Set each unit's lag against those of values drawn anew among the units.

    Parameters
    ----------
    x : array, shape (n,)
    W : array or CSR array, shape (n, n)
        The diagonal must be 0 where draws are conditional.
    draws : int
        Permutations, at least 1.
    seed : int
    conditional : bool
        Whether a unit keeps its own value while the others are permuted; else all
        values are.

    Returns
    -------
    Chance
        Of each lag; its global part always permutes all values.

    Notes
    -----
    A permutation of all values is made one of the others by a swap: the place that
    holds x_i and place i change values. Each permutation of the others comes from n
    of all, so they stay equally likely. The lag changes by one product, and so all
    units share the n x draws lags, at the cost of links and not of pairs.

    Examples
    --------
    >>> ring = np.roll(np.eye(6), 1, axis=1)
    >>> found = drawn_lags(np.array([1.0, 2, 3, 3, 2, 1]), ring, draws=99, seed=1,
    ...                    conditional=True)
    >>> found.draws, found.p_values.shape
    (99, (6,))
    """
    z = x - x.mean()
    lag = np.asarray(W @ z)
    slack = ROUNDING * row_sums(W) * np.abs(z).max()
    whole, whole_slack = float(z @ lag), ROUNDING * float(np.abs(z) @ np.abs(lag))
    above, below = np.zeros(len(z), dtype=np.intp), np.zeros(len(z), dtype=np.intp)
    global_above = global_below = 0
    for places in _permutations(len(z), draws, seed):
        drawn = z[places]
        lags = np.asarray(W @ drawn)
        sums = np.einsum("ij,ij->j", drawn, lags)
        global_above += int(np.sum(sums >= whole - whole_slack))
        global_below += int(np.sum(sums <= whole + whole_slack))
        if conditional:
            lags += _own_kept(W, places) * (drawn - z[:, None])
        above += np.sum(lags >= (lag - slack)[:, None], axis=1)
        below += np.sum(lags <= (lag + slack)[:, None], axis=1)
    return Chance(above, below, global_above, global_below, draws)


def _permutations(n: int, draws: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield permutations of n places as columns, a part of the draws at a time."""
    rng = np.random.default_rng(seed)
    at_once = max(1, min(MOST_DRAWS, CELLS // n))
    for start in range(0, draws, at_once):
        columns = min(at_once, draws - start)
        rows = np.tile(np.arange(n), (columns, 1))
        yield np.ascontiguousarray(rng.permuted(rows, axis=1).T)


def _own_kept(W: Matrix, places: NDArray[np.intp]) -> Array:
    """Return the weight that each unit gives to where its own value went."""
    units = np.arange(len(places))[:, None]
    went = np.empty_like(places)
    np.put_along_axis(went, places, np.broadcast_to(units, places.shape), axis=0)
    if not sparse.issparse(W):
        return np.asarray(W[units, went])
    rows = np.broadcast_to(units, places.shape).ravel()
    found = np.asarray(W[rows, went.ravel()])
    return found.reshape(places.shape)


def _two_sided(
    above: NDArray[np.intp] | int, below: NDArray[np.intp] | int, draws: int
) -> Array:
    tail = (np.minimum(above, below) + 1.0) / (draws + 1.0)
    return np.minimum(2 * tail, 1.0)

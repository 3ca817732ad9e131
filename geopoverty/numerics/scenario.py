"""What a change of covariates does where: in the unit itself, and through others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from geopoverty.errors import EstimationError
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.spatial.index import IndexAt, SpatialIndex
from geopoverty.numerics.types import Array, Codes

Curve = Callable[[Array], Array]  # from indices of rows to what is reported
STATES = 3  # before; each cell changed alone; all changed
CLOSE = 1e-7  # of the largest index: how well interpolation in rho must do
NODES = (5, 9, 17, 33)
ROOM = 2**21  # numbers that a block of rows and draws may hold


@dataclass(frozen=True, eq=False)
class Move:
    """Two settings of the same rows.

    Attributes
    ----------
    before, after : SpatialIndex
        With the same cells and weights.
    lag_of : mapping of int to int
        From a column to the column of its lag.
    lags : sequence of int
        Columns that are lags: others, not the cell itself, move them.
    groups : array of int, shape (n,)
        Where each row's outcome is averaged.
    w : array, shape (n,)
        Weights of rows in these means.
    rows : array of int, shape (n,)
        Where each row stands in the table it is from.
    """

    before: SpatialIndex
    after: SpatialIndex
    lag_of: Mapping[int, int]
    lags: tuple[int, ...]
    groups: Codes
    w: Array
    rows: Codes

    @property
    def spatial(self) -> bool:
        """Whether units depend on each other."""
        return bool(self.before.W.shape[0])

    def own(self, rows: slice = slice(None)) -> Array:
        """Return what rows' own covariates change by, shape (m, k)."""
        moved = self.after.X[rows] - self.before.X[rows]
        moved[:, list(self.lags)] = 0.0
        return np.asarray(moved)

    def at(self, rho: float) -> "MoveAt":
        """Return what the settings need of rho."""
        here = self.before.at(rho)
        cells = self.before.cells
        own = cells.mean(self.own())
        alone = (here.own - 1)[:, None] * own
        for column, lag in self.lag_of.items():
            alone[:, lag] += here.around * own[:, column]
        return MoveAt(here, alone, _carried(here, cells.mean(self.after.X)))


@dataclass(frozen=True, eq=False)
class MoveAt:
    """The settings at one rho.

    Attributes
    ----------
    here : IndexAt
        Before.
    alone : array, shape (cells, k)
        What returns to a cell of its own change.
    carried : array, shape (cells, k)
        (B - I) Xbar after.
    """

    here: IndexAt
    alone: Array
    carried: Array

    def indices(self, move: Move, rows: slice, betas: Array) -> Array:
        """Return the indices of rows in each state, shape (states, m, draws)."""
        codes = move.before.cells.codes[rows]
        first = move.before.X[rows] + self.here.carried[codes]
        alone = first + move.own(rows) + self.alone[codes]
        last = move.after.X[rows] + self.carried[codes]
        stacked = np.stack([first, alone, last]) @ betas
        return np.asarray(stacked / self.here.scale[rows][:, None])


def _carried(here: IndexAt, means: Array) -> Array:
    return here.through(means) - means


def simulate(
    move: Move,
    theta: Array,
    curve: Curve,
    draws: Array | None = None,
) -> Array:
    """Return each group's mean outcome in each state, for each draw.

    Parameters
    ----------
    move : Move
    theta : array, shape (k,) or (k + 1,)
        Coefficients and, with dependence, rho.
    curve : callable
        From indices to outcomes.
    draws : array, shape (d, len(theta)), optional
        Parameters drawn from their law; `theta` itself when not given.

    Returns
    -------
    array, shape (3, groups, d)
        Before; if only the group's own rows had changed; after.

    Notes
    -----
    Between draws the index is interpolated in rho from Chebyshev nodes, as many as it
    takes: every node costs one factor of I - rho W, every draw none.

    Examples
    --------
    >>> from geopoverty.numerics.spatial.cells import Cells
    >>> alone = Cells(np.arange(2), 2, 1)
    >>> def setting(x):
    ...     return SpatialIndex(x, np.zeros((0, 0)), alone, lagged=False, scaled=False)
    >>> move = Move(setting(np.ones((2, 1))), setting(np.array([[1.0], [3.0]])), {}, (),
    ...     np.arange(2), np.ones(2), np.arange(2))
    >>> simulate(move, np.array([0.5]), lambda index: index)[:, :, 0].tolist()
    [[0.5, 0.5], [0.5, 1.5], [0.5, 1.5]]
    """
    given = theta[None, :] if draws is None else draws
    betas = np.ascontiguousarray(given[:, : move.before.X.shape[1]].T)
    if move.spatial and draws is not None:
        return _averages(move, _interpolation(move, theta, draws), betas, curve)
    rho = float(theta[-1]) if move.spatial else 0.0
    return _averages(move, [(move.at(rho), np.ones(len(given)))], betas, curve)


def _averages(
    move: Move, nodes: list[tuple[MoveAt, Array]], betas: Array, curve: Curve
) -> Array:
    """Return means by group; each node counts by its weight in each draw."""
    shares = _shares(move)
    out = np.zeros((STATES, shares.shape[0], betas.shape[1]))
    size = max(1, ROOM // (STATES * betas.shape[1]))
    for rows in blocks(len(move.before.X), size):
        index = sum(at.indices(move, rows, betas) * share for at, share in nodes)
        value = curve(np.asarray(index))
        part = shares[:, rows]
        for state in range(STATES):
            out[state] += part @ value[state]
    return out


def _shares(move: Move) -> Any:
    """Return each row's share in the mean of its group, (groups, n), sparse."""
    share = move.w / np.bincount(move.groups, move.w)[move.groups]
    return sparse.csc_array((share, move.groups, np.arange(len(share) + 1)))


def _interpolation(
    move: Move, theta: Array, draws: Array
) -> list[tuple[MoveAt, Array]]:
    """Return nodes in rho, and the weight of each in every draw."""
    low, high = float(draws[:, -1].min()), float(draws[:, -1].max())
    if high - low < 1e-12:
        return [(move.at(float(theta[-1])), np.ones(len(draws)))]
    beta = theta[:-1, None]
    some = slice(0, 2000)
    rho = (low + 3 * high) / 4  # nearer the edge, where the index bends most
    exact = move.at(rho).indices(move, some, beta)
    for count in NODES:
        at = (
            low
            + (high - low) * (1 - np.cos(np.pi * np.arange(count) / (count - 1))) / 2
        )
        states = [move.at(float(r)) for r in at]
        weights = _barycentric(at, np.array([rho]))
        found = sum(
            s.indices(move, some, beta) * w
            for s, w in zip(states, weights, strict=True)
        )
        if np.abs(found - exact).max() <= CLOSE * max(1.0, np.abs(exact).max()):
            return list(zip(states, _barycentric(at, draws[:, -1]), strict=True))
    raise EstimationError(
        "The effects of a change cannot be followed over the interval of rho "
        f"({low:.3f} to {high:.3f}), which reaches the edge of what is feasible. Use "
        "draws=0, for the change without intervals."
    )


def _barycentric(nodes: Array, at: Array) -> Array:
    """Return weights of interpolation from Chebyshev nodes, (nodes, len(at))."""
    sign = (-1.0) ** np.arange(len(nodes))
    sign[[0, -1]] /= 2
    gap = at[None, :] - nodes[:, None]
    hit = np.abs(gap) < 1e-14
    weight = sign[:, None] / np.where(hit, 1.0, gap)
    weight = np.where(hit.any(axis=0), hit.astype(float), weight)
    return np.asarray(weight / weight.sum(axis=0))

"""Exact weighted quantiles of a register: histograms that close in, then few rows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.numerics.grouped import MEDIAN_TOLERANCE, Groups, quantile
from geopoverty.numerics.rows import Parts
from geopoverty.numerics.types import Array, Codes

BINS = 4096
FEW = 500_000  # rows that are sorted
ROUNDS = 4

Total = Callable[[Callable[["Values"], Parts], Any], Parts]


@dataclass(frozen=True, eq=False)
class Values:
    """Some rows: values, weights and the group of each.

    Attributes
    ----------
    x, w : array, shape (m,)
    group : array of int, shape (m,)
    """

    x: Array
    w: Array
    group: Codes


def quantiles(total: Total, groups: int, p: float) -> Array:
    """Return the weighted quantile of each group, as `numerics.grouped.quantile`.

    Parameters
    ----------
    total : callable
        From a kernel over `Values`, and how its parts combine, to their sums over all
        rows; every group has a row.
    groups : int
    p : float
        Between 0 and 1.

    Examples
    --------
    >>> x = np.array([5.0, 1.0, 2.0, 7.0])
    >>> rows = Values(x, np.ones(4), np.zeros(4, dtype=int))
    >>> quantiles(lambda kernel, combine: kernel(rows), 1, 0.5)
    array([3.5])
    """
    mass, low, high = total(lambda v: _ranges(v, groups), (np.add, _least, _most))
    target = p * mass
    margin = MEDIAN_TOLERANCE * target
    for _ in range(ROUNDS):
        inside, under = total(partial(_counts, low=low, high=high), np.add)
        if inside[:, :, 0].sum() <= FEW:
            break
        width = np.where(high > low, (high - low) / BINS, 1.0)
        below = under[:, None] + np.cumsum(inside[:, :, 1], axis=1)
        first = (below < (target - margin)[:, None]).sum(axis=1)
        last = (below <= (target + margin)[:, None]).sum(axis=1)
        # A bin more on both sides: an edge may be rounded.
        start = low
        low = np.maximum(low, start + (first - 1) * width)
        high = np.minimum(high, start + (last + 2) * width)
    (near,) = total(lambda v: (_near(v, low, high),), _joined)
    under = total(lambda v: (_under(v, low),), np.add)[0]
    return _found(near, (mass, under), groups, p)


def _ranges(v: Values, groups: int) -> Parts:
    low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low, v.group, v.x)
    np.maximum.at(high, v.group, v.x)
    return np.bincount(v.group, v.w, groups), low, high


def _least(one: Array, other: Array) -> Array:
    return np.minimum(one, other)


def _most(one: Array, other: Array) -> Array:
    return np.maximum(one, other)


def _counts(v: Values, low: Array, high: Array) -> Parts:
    """Return rows and weight in each bin of each group's range, and weight below."""
    groups = len(low)
    within = (v.x >= low[v.group]) & (v.x <= high[v.group])
    x, w, g = v.x[within], v.w[within], v.group[within]
    width = np.where(high > low, (high - low) / BINS, 1.0)
    at = np.minimum(((x - low[g]) / width[g]).astype(np.intp), BINS - 1)
    code = g * BINS + at
    counts = [np.bincount(code, how, groups * BINS) for how in (None, w)]
    return np.stack(counts, axis=-1).reshape(groups, BINS, 2), _under(v, low)


def _under(v: Values, low: Array) -> Array:
    found: Any = np.bincount(v.group, v.w * (v.x < low[v.group]), len(low))
    return np.asarray(found, dtype=np.float64)


def _near(v: Values, low: Array, high: Array) -> pd.DataFrame:
    within = (v.x >= low[v.group]) & (v.x <= high[v.group])
    table = pd.DataFrame({"g": v.group[within], "x": v.x[within], "w": v.w[within]})
    return table.groupby(["g", "x"], as_index=False, sort=False)["w"].sum()


def _joined(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    both = pd.concat([one, other])
    return both.groupby(["g", "x"], as_index=False, sort=False)["w"].sum()


def _found(
    near: pd.DataFrame, masses: tuple[Array, Array], groups: int, p: float
) -> Array:
    """Return quantiles from the rows near them and the weight below and above these."""
    mass, under = masses
    held = np.bincount(near["g"], near["w"], groups)
    over = np.maximum(mass - under - held, 0.0)
    # What lies below and above stands for one value each, beyond all others.
    every = np.arange(groups)
    x = np.concatenate([near["x"], np.full(groups, -np.inf), np.full(groups, np.inf)])
    w = np.concatenate([near["w"], under, over])
    g = np.concatenate([near["g"], every, every])
    kept = w > 0
    return quantile(x[kept], w[kept], Groups(g[kept].astype(np.intp), groups), p)

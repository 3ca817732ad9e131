"""Rows put together by individual, so that compiled loops run over neighbours."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class Strata:
    """Which rows belong to which individual.

    Attributes
    ----------
    order : array of int, shape (m,)
        Rows, those of one individual next to one another.
    starts : array of int, shape (groups + 1,)
        Where each individual begins in `order`, and the end.
    """

    order: Codes
    starts: Codes

    @property
    def groups(self) -> int:
        """Number of individuals."""
        return len(self.starts) - 1

    @property
    def sizes(self) -> Codes:
        """Rows of each individual, shape (groups,)."""
        return np.diff(self.starts)

    @property
    def firsts(self) -> Codes:
        """One row of each individual, shape (groups,)."""
        return self.order[self.starts[:-1]]

    def sums(self, values: Array) -> Array:
        """Return each individual's sum over its rows, of (n,) or (n, k)."""
        return np.asarray(np.add.reduceat(values[self.order], self.starts[:-1]))

    def means(self, values: Array) -> Array:
        """Return each individual's mean over its rows, of (n,) or (n, k)."""
        sizes = self.sizes.reshape(-1, *(1,) * (values.ndim - 1))
        return np.asarray(self.sums(values) / sizes)

    def centred(self, values: Array) -> Array:
        """Return rows in `order` less their individual's mean."""
        spread = np.repeat(self.means(values), self.sizes, axis=0)
        return np.ascontiguousarray(values[self.order] - spread)

    def kept(self, which: Mask) -> "Strata":
        """Return the individuals that `which`, shape (groups,), names."""
        sizes = self.sizes
        order = self.order[np.repeat(which, sizes)]
        starts = np.concatenate([[0], np.cumsum(sizes[which])])
        return Strata(order, np.asarray(starts, dtype=np.intp))


def strata(codes: Codes) -> Strata:
    """Put rows together by their code.

    Parameters
    ----------
    codes : array of int, shape (n,)
        From 0 to groups - 1; every group has a row.

    Returns
    -------
    Strata

    Examples
    --------
    >>> found = strata(np.array([1, 0, 1]))
    >>> found.order.tolist(), found.starts.tolist()
    ([1, 0, 2], [0, 1, 3])
    """
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Strata(np.asarray(order, np.intp), np.asarray(starts, dtype=np.intp))


def varying(groups: Strata, y: Array) -> Mask:
    """Return which individuals have both outcomes, shape (groups,).

    Examples
    --------
    >>> varying(strata(np.array([0, 0, 1, 1])), np.array([0.0, 1.0, 1.0, 1.0]))
    array([ True, False])
    """
    ones = groups.sums(y)
    return np.asarray((ones > 0) & (ones < groups.sizes))

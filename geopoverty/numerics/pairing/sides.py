"""One side of a match: rows sorted by score, equal scores known as groups."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.types import Array, Codes, Mask

CLOSE = 1e-12  # of the range of scores: distances this close are equal


@dataclass(frozen=True, eq=False)
class Side:
    """Rows of one side in ascending order of their score.

    Attributes
    ----------
    rows : array of int, shape (m,)
        Where each stands in the table; equal scores keep the order of the table.
    score : array, shape (m,)
        Ascending.
    starts : array of int, shape (groups + 1,)
        Where each group of equal scores begins, and the end.
    """

    rows: Codes
    score: Array
    starts: Codes

    def __len__(self) -> int:
        return len(self.rows)

    def kept(self, which: Mask) -> "Side":
        """Return the rows that `which`, shape (m,), names, still sorted.

        Examples
        --------
        >>> found = side(np.array([0.2, 0.1, 0.3]), np.arange(3))
        >>> found.kept(found.score > 0.1).rows.tolist()
        [0, 2]
        """
        return _grouped(self.rows[which], self.score[which])


def side(score: Array, rows: Codes) -> Side:
    """Sort some rows by score.

    Parameters
    ----------
    score : array, shape (n,)
        Of all rows; finite.
    rows : array of int, shape (m,)
        Which rows make up this side.

    Returns
    -------
    Side

    Examples
    --------
    >>> found = side(np.array([0.4, 0.1, 0.4]), np.array([0, 1, 2]))
    >>> found.rows.tolist(), found.starts.tolist()
    ([1, 0, 2], [0, 1, 3])
    """
    chosen = np.asarray(rows, dtype=np.intp)
    values = score[chosen]
    # Without ties any order is the stable one, and numpy's fastest finds it.
    order = np.argsort(values)
    found = values[order]
    if (found[1:] == found[:-1]).any():
        order = np.argsort(values, kind="stable")
    return _grouped(chosen[order], found)


def same(*sides: Side) -> float:
    """Return the difference up to which two distances count as equal.

    Rounding makes 0.3 - 0.2 and 0.2 - 0.1 differ in the last digit.

    Examples
    --------
    >>> same(side(np.array([0.0, 0.5]), np.arange(2)))
    5e-13
    """
    ends = [s.score[[0, -1]] for s in sides if len(s)]
    if not ends:
        return 0.0
    return float(CLOSE * (np.max(ends) - np.min(ends)))


def _grouped(rows: Codes, score: Array) -> Side:
    m = len(score)
    new = np.flatnonzero(score[1:] != score[:-1]) + 1 if m else np.zeros(0, np.intp)
    starts = np.concatenate([[0], new, [m]]) if m else np.zeros(1, np.intp)
    return Side(rows, np.ascontiguousarray(score), np.asarray(starts, dtype=np.intp))

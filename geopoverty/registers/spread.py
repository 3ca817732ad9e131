"""Sums of scores over a register, as a covariance asks for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geopoverty.covariances import Cluster, Conley, Vcov
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array
from geopoverty.registers.rows import Ask, Batch, RegisterRows

Ways = tuple[tuple[str, ...], ...]  # by which columns scores are summed; () for none


@dataclass(frozen=True, eq=False)
class SummedScores:
    """Scores that have been summed, for `spread_covariance`.

    Attributes
    ----------
    rows : RegisterRows
    sums : mapping of tuple of str to array
        By the columns they are summed by; () for the sum of s s'.
    """

    rows: RegisterRows
    sums: Mapping[tuple[str, ...], Array]

    @property
    def n(self) -> int:
        """Rows."""
        return self.rows.n

    def outer(self) -> Array:
        """Return the sum of s s' over rows, shape (k, k)."""
        return self.sums[()]

    def grouped(self, columns: tuple[str, ...]) -> tuple[Array, pd.Index]:
        """Return sums of scores by the values of columns, (groups, k), and these."""
        return self.sums[columns], self.rows.groups_of(columns)


def ways_of(vcov: Vcov, unit: str) -> Ways:
    """Return by which columns a covariance sums scores.

    Raises
    ------
    InputError
        If it needs all rows at hand.

    Examples
    --------
    >>> ways_of(Cluster(("state", "year")), "unit_id")
    (('state',), ('year',), ('state', 'year'))
    >>> ways_of("hc1", "unit_id"), ways_of("iid", "unit_id")
    (((),), ())
    """
    if isinstance(vcov, Cluster):
        ways: Ways = tuple((c,) for c in vcov.columns)
        return (*ways, vcov.columns) if len(ways) == 2 else ways
    if isinstance(vcov, Conley):
        return ((unit,),)
    if vcov in ("hc0", "hc1"):
        return ((),)
    if vcov == "iid":
        return ()
    raise InputError(
        f"{type(vcov).__name__ if not isinstance(vcov, str) else repr(vcov)} needs all "
        "rows at hand, and a register is read in parts. Use 'hc1', 'cluster' or "
        "Cluster(...), or a table in memory."
    )


def score_asks(
    rows: RegisterRows, ways: Ways, scores: Callable[[Batch], Array]
) -> dict[str, Ask]:
    """Ask for sums of scores, by the columns of each way.

    Parameters
    ----------
    rows : RegisterRows
        Paired where a way has two columns.
    ways : tuple of tuple of str
        See `ways_of`.
    scores : callable
        From a batch to its scores, shape (m, k).
    """

    def outer(batch: Batch) -> tuple[Array]:
        s = scores(batch)
        return (s.T @ s,)

    return {
        _name(way): rows.by_group(way, scores)
        if way
        else Ask(outer, finish=lambda sums: sums[0])
        for way in ways
    }


def summed_scores(
    rows: RegisterRows, ways: Ways, found: Mapping[str, Any]
) -> SummedScores:
    """Return the answers to `score_asks` as a covariance takes them."""
    return SummedScores(rows, {way: found[_name(way)] for way in ways})


def _name(way: tuple[str, ...]) -> str:
    return f"scores by {way}"

"""What travel times must be, and what makes them look like something else."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from geopoverty._checks import FIRST, first, warn
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Matrix

NEAREST_IMPLAUSIBLE, MEDIAN_IMPLAUSIBLE = 1.0, 10_000.0  # minutes
LOOKED_AT = 400  # units: more show nothing new of mixed units
SIXTY = (30.0, 120.0)  # ratios that a unit of time taken for another leaves behind
ENOUGH_PAIRS, ENOUGH_UNITS, ENOUGH_SHARE = 6, 10, 0.02
GAP = 12.0  # between one unit's typical trip and the next one's


def check_minutes(units: pd.Index, matrix: Matrix, minutes: Array) -> None:
    """Raise `InputError` unless minutes are above 0 and there is at least one.

    Parameters
    ----------
    units : Index, shape (n,)
    matrix : array, shape (n, n), or CSR array
    minutes : array
        Those known off the diagonal.

    Warns
    -----
    GeoPovertyWarning
        If they look like hours or seconds.
    """
    row, column, bad = _broken_pairs(matrix)
    if bad:
        some = slice(FIRST + 1)
        raise broken_error(units[row[some]], units[column[some]], bad)
    if not minutes.size:
        raise InputError(
            "Travel times need at least one pair of different units; there is none. "
            "Check that from_id and to_id name the same kind of unit."
        )
    warn_implausible(_median_nearest(matrix), float(np.median(minutes)))


def broken_error(start: Any, end: Any, count: int) -> InputError:
    """Return the error for pairs that are not above 0 and finite.

    Examples
    --------
    >>> print(broken_error(["a"], ["b"], 1))
    Travel times must be finite minutes above 0 between different units; 1 pairs \
break this (a to b). Leave unreachable pairs out or NaN.
    """
    some = slice(FIRST + 1)
    pairs = zip(start[some], end[some], strict=True)
    return InputError(
        "Travel times must be finite minutes above 0 between different units; "
        f"{count} pairs break this ({first(f'{i} to {j}' for i, j in pairs)}). Leave "
        "unreachable pairs out or NaN."
    )


def warn_implausible(nearest: float, median: float) -> None:
    """Warn if minutes look like hours or seconds.

    Parameters
    ----------
    nearest : float
        Half of the units have a neighbour within this.
    median : float
        Half of all pairs are within this.

    Examples
    --------
    >>> warn_implausible(nearest=12.0, median=300.0)
    """
    if nearest < NEAREST_IMPLAUSIBLE or median > MEDIAN_IMPLAUSIBLE:
        unit = "hours" if nearest < NEAREST_IMPLAUSIBLE else "seconds"
        warn(
            f"Travel times must be in minutes; half of all pairs are within "
            f"{median:.3g} and half of the units have a neighbour within "
            f"{nearest:.3g}, which looks like {unit}. Convert them if they are."
        )


def check_worst(worst: int) -> None:
    """Raise `InputError` unless a number of pairs to list is 1 or more.

    Examples
    --------
    >>> check_worst(3)
    """
    if isinstance(worst, bool) or not isinstance(worst, int) or worst < 1:
        raise InputError(f"worst must be a whole number from 1; got {worst!r}.")


def mixed_units(units: pd.Index, matrix: Matrix) -> str:
    """Return a sentence if some minutes look like seconds or hours, else nothing.

    Two traces are looked for: trips that take about 60 times as long one way as
    the other with hardly any in between, and units whose typical trip is far from
    everybody else's. Of many units some hundred are looked at.

    Examples
    --------
    >>> minutes = np.full((12, 12), 30.0)
    >>> minutes[0, :] *= 60
    >>> print(mixed_units(pd.Index(list("abcdefghijkl")), minutes))
    11 of 66 pairs take about 60 times as long one way as the other (a to b, a to c, \
a to d, a to e, a to f, ...), which looks like minutes and seconds in one table
    """
    step = max(1, -(-len(units) // LOOKED_AT))
    picked = np.arange(0, len(units), step)
    part = matrix[picked][:, picked]
    part = part.toarray() if sparse.issparse(part) else np.array(part)
    part[part == 0] = np.nan
    np.fill_diagonal(part, np.nan)
    ids = units[picked]
    return _sixty_times(ids, part) or _far_apart(ids, part)


def _sixty_times(ids: pd.Index, part: Array) -> str:
    upper = np.triu_indices(len(part), 1)
    there, back = part[upper], part.T[upper]
    ratio = there / back
    ratio = np.fmax(ratio, 1 / ratio)
    both = int(np.isfinite(ratio).sum())
    sixty = (ratio >= SIXTY[0]) & (ratio <= SIXTY[1])
    count = int(sixty.sum())
    between = int(((ratio > 4) & (ratio < SIXTY[0])).sum())
    if count < max(ENOUGH_PAIRS, ENOUGH_SHARE * both) or between > count / 4:
        return ""
    where = np.flatnonzero(sixty)[: FIRST + 1]
    pairs = [(upper[0][i], upper[1][i]) for i in where]
    longer = [(i, j) if part[i, j] > part[j, i] else (j, i) for i, j in pairs]
    named = first(f"{ids[i]} to {ids[j]}" for i, j in longer)
    return (
        f"{count} of {both} pairs take about 60 times as long one way as the other "
        f"({named}), which looks like minutes and seconds in one table"
    )


def _far_apart(ids: pd.Index, part: Array) -> str:
    known = np.isfinite(part).sum(axis=1) > 0
    ids, typical = ids[known], np.nanmedian(part[known], axis=1)
    order = np.argsort(typical, kind="stable")
    ranked = typical[order]
    if len(ranked) < ENOUGH_UNITS:
        return ""
    step = ranked[1:] / ranked[:-1]
    at = int(step.argmax())
    low, high = ranked[: at + 1], ranked[at + 1 :]
    apart = np.median(high) / np.median(low)
    few = min(len(low), len(high)) < max(2, ENOUGH_SHARE * len(ranked))
    if few or step[at] < GAP or not SIXTY[0] <= apart <= SIXTY[1]:
        return ""
    fewer = order[at + 1 :] if len(high) <= len(low) else order[: at + 1]
    side = "longer" if len(high) <= len(low) else "shorter"
    named = first(ids[np.sort(fewer)[: FIRST + 1]])
    return (
        f"The typical trip from {len(fewer)} of {len(ranked)} units ({named}) is about "
        f"{apart:.0f} times {side} than from the others, which looks like two units of "
        "time in one table"
    )


def _broken_pairs(matrix: Matrix) -> tuple[NDArray[Any], NDArray[Any], int]:
    if sparse.issparse(matrix):
        table = matrix.tocoo()
        broken = ~((table.data > 0) & np.isfinite(table.data))
        broken &= table.row != table.col
        return table.row[broken], table.col[broken], int(broken.sum())
    broken = (matrix <= 0) | np.isinf(matrix)
    np.fill_diagonal(broken, val=False)
    row, column = np.nonzero(broken)
    return row, column, len(row)


def _median_nearest(matrix: Matrix) -> float:
    if sparse.issparse(matrix):
        table = matrix.tocoo()
        off = table.row != table.col
        nearest = np.full(matrix.shape[0], np.inf)
        np.minimum.at(nearest, table.row[off], table.data[off])
    else:
        copy = np.where(np.isnan(matrix), np.inf, matrix)
        np.fill_diagonal(copy, np.inf)
        nearest = copy.min(axis=1)
    reached = nearest[np.isfinite(nearest)]
    return float(np.median(reached))

"""Instruments from a variable's own past, one column a period and lag or collapsed."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.dynamic.grid import differences
from geopoverty.numerics.types import Array


@dataclass(frozen=True)
class Past:
    """Which lags of a variable are instruments.

    Attributes
    ----------
    first, last : int
        Lags for the transformed equation; `last` None is all there are. The level
        equation takes the difference lagged by `first` - 1.
    collapse : bool
        One column a lag, in place of one a lag and period.
    """

    first: int
    last: int | None
    collapse: bool


def past_levels(x: Array, past: Past) -> list[Array]:
    """Return earlier levels as instruments of the transformed equation.

    Parameters
    ----------
    x : array, shape (units, length)
        NaN where the variable is missing: its instrument is then 0.
    past : Past

    Returns
    -------
    list of array, each of shape (units, length)

    References
    ----------
    Holtz-Eakin, D., Newey, W. & Rosen, H. S. (1988). Estimating vector
    autoregressions with panel data. Econometrica 56, 1371-1395.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 3.0]])
    >>> past_levels(x, Past(1, None, collapse=True))
    [array([[0., 1., 2.]]), array([[0., 0., 1.]])]
    """
    known = np.nan_to_num(x, nan=0.0)
    length = x.shape[1]
    last = length - 1 if past.last is None else min(past.last, length - 1)
    lagged = [_shifted(known, lag) for lag in range(past.first, last + 1)]
    if past.collapse:
        return lagged
    return [
        _only(one, t)
        for t in range(length)
        for lag, one in enumerate(lagged, start=past.first)
        if lag <= t
    ]


def past_differences(x: Array, past: Past) -> list[Array]:
    """Return the latest valid difference as instruments of the level equation.

    Earlier differences add nothing to these and to `past_levels` (Roodman 2009).

    Parameters
    ----------
    x : array, shape (units, length)
    past : Past

    Returns
    -------
    list of array, each of shape (units, length)

    References
    ----------
    Blundell, R. & Bond, S. (1998). Initial conditions and moment restrictions in
    dynamic panel data models. Journal of Econometrics 87, 115-143.
    """
    known = np.nan_to_num(differences(x), nan=0.0)
    lagged = _shifted(known, past.first - 1)
    if past.collapse:
        return [lagged]
    return [_only(lagged, t) for t in range(x.shape[1])]


def _shifted(x: Array, lag: int) -> Array:
    if lag == 0:
        return x
    out = np.zeros_like(x)
    out[:, lag:] = x[:, :-lag]
    return out


def _only(x: Array, t: int) -> Array:
    out = np.zeros_like(x)
    out[:, t] = x[:, t]
    return out

"""How something is spread over people ranked from poorest to richest."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows in the order of their rank variable.

    Attributes
    ----------
    group : array of int, shape (n,)
        Which distinct value of the rank variable each row has, lowest first.
    rank : array, shape (n,)
        Share of the weight below a row, plus half of that of its equals; in (0, 1).
    share : array, shape (distinct values,)
        Of the weight.
    """

    group: Codes
    rank: Array
    share: Array


def ranked_rows(by: Array, w: Array) -> Ranked:
    """Rank rows by a variable; equals share the middle of their ranks.

    Parameters
    ----------
    by, w : array, shape (n,)
        Weights are above 0.

    Examples
    --------
    >>> ranked_rows(np.array([5.0, 1.0, 5.0, 9.0]), np.ones(4)).rank
    array([0.5  , 0.125, 0.5  , 0.875])
    """
    distinct, group = np.unique(by, return_inverse=True)
    group = np.asarray(group, dtype=np.intp).reshape(-1)
    share = np.bincount(group, weights=w, minlength=len(distinct)) / w.sum()
    rank = (np.cumsum(share) - share / 2)[group]
    return Ranked(group, np.asarray(rank), np.asarray(share))


def concentration_index(h: Array, w: Array, ranked: Ranked) -> tuple[float, Array]:
    """Return the concentration index and the influence of each row on it.

    Parameters
    ----------
    h, w : array, shape (n,)
        What is spread, and weights above 0; the weighted mean of h is above 0.
    ranked : Ranked

    Returns
    -------
    value : float
        2 cov(h, rank) / mean(h): below 0 when the poorer have more; in (-1, 1) when
        no h is below 0.
    influence : array, shape (n,)
        Weight times the derivative by it; sums to 0. Unweighted and without ties the
        sum of squares is the variance of Kakwani, Wagstaff & van Doorslaer.

    References
    ----------
    Kakwani, N., Wagstaff, A. & van Doorslaer, E. (1997). Socioeconomic inequalities
    in health: measurement, computation, and statistical inference. Journal of
    Econometrics 77, 87-103, equations 2 and 12 to 14.

    Examples
    --------
    >>> ranked = ranked_rows(np.array([1.0, 2.0]), np.ones(2))
    >>> concentration_index(np.array([1.0, 3.0]), np.ones(2), ranked)[0]
    0.25
    """
    share = w / w.sum()
    centre = float(share @ h)
    value = 2 * float(share @ (h * (ranked.rank - 0.5))) / centre
    # Share of all h that rows poorer than each have, with half of its equals'.
    mass = np.bincount(ranked.group, weights=share * h, minlength=len(ranked.share))
    below = ((np.cumsum(mass) - mass / 2) / centre)[ranked.group]
    own = h / centre * (2 * ranked.rank - 1 - value) + 2 - 2 * below
    return value, np.asarray(share * (own - 1 - value))


def bounded(
    index: tuple[float, Array], h: Array, w: Array, ends: tuple[float, float], kind: str
) -> tuple[float, Array]:
    """Return an index corrected for what lies between two bounds.

    Parameters
    ----------
    index : pair of float and array
        As `concentration_index` returns them.
    h, w : array, shape (n,)
    ends : pair of float
        The least and greatest value that h can have: (0, 1) for yes or no.
    kind : {"wagstaff", "erreygers"}

    Returns
    -------
    value : float
    influence : array, shape (n,)

    References
    ----------
    Wagstaff, A. (2005). The bounds of the concentration index when the variable of
    interest is binary. Health Economics 14, 429-432. Erreygers, G. (2009).
    Correcting the concentration index. Journal of Health Economics 28, 504-515.

    Examples
    --------
    >>> h, w = np.array([1.0, 0.0]), np.ones(2)
    >>> plain = concentration_index(h, w, ranked_rows(np.array([1.0, 2.0]), w))
    >>> bounded(plain, h, w, (0.0, 1.0), "wagstaff")[0]
    -1.0
    """
    value, influence = index
    low, high = ends
    share = w / w.sum()
    centre = float(share @ h)
    if kind == "erreygers":
        factor, slope = 4 * centre / (high - low), 4 / (high - low)
    else:
        inside = (high - centre) * (centre - low)
        factor = (high - low) * centre / inside
        slope = (high - low) * (
            1 / inside - centre * (high + low - 2 * centre) / inside**2
        )
    moved = share * (h - centre)
    return value * factor, np.asarray(factor * influence + value * slope * moved)


def concentration_curve(h: Array, w: Array, ranked: Ranked) -> tuple[Array, Array]:
    """Return cumulative shares of people and of h, from the poorest up.

    Parameters
    ----------
    h, w : array, shape (n,)
    ranked : Ranked

    Returns
    -------
    people, mass : array, shape (distinct values + 1,)
        From (0, 0) to (1, 1). Equals enter together: their order means nothing.

    Examples
    --------
    >>> ranked = ranked_rows(np.array([1.0, 2.0]), np.ones(2))
    >>> concentration_curve(np.array([1.0, 3.0]), np.ones(2), ranked)
    (array([0. , 0.5, 1. ]), array([0.  , 0.25, 1.  ]))
    """
    mass = np.bincount(ranked.group, weights=w * h, minlength=len(ranked.share))
    people = np.concatenate([[0.0], np.cumsum(ranked.share)])
    share = np.concatenate([[0.0], np.cumsum(mass) / mass.sum()])
    people[-1] = share[-1] = 1.0
    return people, share

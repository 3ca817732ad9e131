"""How industries and places concentrate: shares against a benchmark, from sparse cells.

A cell is one pair of place and industry (in a period) that holds something. A group
is what shares are taken of: an industry over places, or a place over industries.
"""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.types import Array, Codes


def group_totals(group: Codes, count: int, values: Array | None = None) -> Array:
    """Return the sum of `values` (or how many there are) in each group, (count,).

    Examples
    --------
    >>> group_totals(np.array([0, 2, 2]), 3, np.array([1.0, 2.0, 3.0]))
    array([1., 0., 5.])
    """
    return np.bincount(group, values, minlength=count).astype(np.float64)


def ratio(above: Array, below: Array) -> Array:
    """Return above / below, NaN where `below` is 0.

    Examples
    --------
    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    array([0.5, nan])
    """
    below = np.broadcast_to(np.asarray(below, dtype=np.float64), np.shape(above))
    out = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=out, where=below != 0)
    return out


@dataclass(frozen=True)
class Profile:
    """How each group's shares s differ from a benchmark's shares x.

    Attributes
    ----------
    herfindahl : array, shape (g,)
        Sum of s^2: from 1 / parts to 1.
    krugman : array, shape (g,)
        Sum of |s - x|: from 0 to 2.
    theil : array, shape (g,)
        Sum of s ln(s / x): 0 or above.
    raw : array, shape (g,)
        Sum of (s - x)^2, Ellison and Glaeser's G.
    """

    herfindahl: Array
    krugman: Array
    theil: Array
    raw: Array


def profiles(group: Codes, share: Array, benchmark: Array, squares: Array) -> Profile:
    """Compare the shares of each group with a benchmark.

    Parameters
    ----------
    group : array of int, shape (m,)
        Of each cell, in [0, g).
    share, benchmark : array, shape (m,)
        s and x of each cell; s may be NaN in a group that holds nothing. Parts
        without a cell have s = 0.
    squares : array, shape (g,)
        Sum of x^2 over all parts, cells or not.

    Returns
    -------
    Profile
        NaN for groups without a cell.

    Examples
    --------
    >>> out = profiles(np.array([0]), np.array([1.0]), np.array([0.5]), np.array([0.5]))
    >>> out.krugman.item(), out.theil.round(4).item(), out.raw.item()
    (1.0, 0.6931, 0.5)
    """
    g = len(squares)
    empty = np.bincount(group, minlength=g) == 0
    gap = share - benchmark
    logs = np.zeros_like(share)
    np.log(ratio(share, benchmark), out=logs, where=share > 0)

    def total(values: Array) -> Array:
        sums = group_totals(group, g, values)
        sums[empty] = np.nan
        return sums

    return Profile(
        total(share**2),
        # What has no cell adds x to the first sum and x^2 to the last.
        np.maximum(total(np.abs(gap) - benchmark) + 1, 0.0),
        np.maximum(total(share * logs), 0.0),
        np.maximum(total(gap**2 - benchmark**2) + squares, 0.0),
    )


@dataclass(frozen=True)
class Agglomeration:
    """Ellison and Glaeser's index of industries, and its law under chance alone.

    Attributes
    ----------
    gamma : array, shape (g,)
        0 where plants lie as if thrown at the map, 1 where all are in one place.
        NaN where one plant is the whole industry.
    std_error : array, shape (g,)
        Of gamma, if its true value is 0.
    """

    gamma: Array
    std_error: Array


def ellison_glaeser(
    raw: Array, plants: tuple[Array, Array], places: tuple[Array, Array]
) -> Agglomeration:
    """Compute the index of agglomeration and its standard error under chance.

    Parameters
    ----------
    raw : array, shape (g,)
        G, the sum over places of (s - x)^2.
    plants : pair of array, shape (g,)
        Sums of z^2 (the plant Herfindahl H) and z^4 over an industry's plants, z a
        plant's share of its industry.
    places : pair of array, shape (g,)
        Sums of x^2 and x^3 over places, x a place's share of everything.

    Returns
    -------
    Agglomeration

    Notes
    -----
    Ellison & Glaeser (1997), equation 5 for gamma; the variance of G with gamma = 0
    is ``2 (H^2 [S2 - 2 S3 + S2^2] - Z4 [S2 - 4 S3 + 3 S2^2])``, S2 and S3 the sums
    over places and Z4 that over plants.

    Examples
    --------
    >>> half, eighth, quarter = np.array([[0.5], [0.125], [0.25]])
    >>> out = ellison_glaeser(half, (half, eighth), (half, quarter))
    >>> out.gamma.item(), out.std_error.round(4).item()
    (1.0, 1.0)
    """
    H, Z4 = plants
    S2, S3 = places
    room = 1 - S2
    scale = room * (1 - H)
    variance = 2 * (H**2 * (S2 - 2 * S3 + S2**2) - Z4 * (S2 - 4 * S3 + 3 * S2**2))
    # Rounding must not make one plant, or one place, look like two.
    scale = np.where(scale > 1e-12, scale, 0.0)
    return Agglomeration(
        ratio(raw - room * H, scale), ratio(np.sqrt(np.maximum(variance, 0.0)), scale)
    )

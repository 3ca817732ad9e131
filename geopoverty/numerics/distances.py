"""Distances on the sphere."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from geopoverty.numerics.types import Array, Codes

EARTH_RADIUS_KM = 6371.0088  # mean radius of the WGS 84 ellipsoid
_DIGITS = 12  # of chords on the unit sphere: points this close (6 micrometres) tie


def great_circle_km(
    lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike
) -> Array:
    """Return great-circle distances by the haversine formula.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array_like
        Degrees; shapes that broadcast together.

    Returns
    -------
    array
        Kilometres, at least 0, in the broadcast shape.

    Examples
    --------
    >>> round(float(great_circle_km(0, 0, 0, 90)), 1)
    10007.6
    """
    a, b, c, d = (np.radians(np.asarray(v, float)) for v in (lon1, lat1, lon2, lat2))
    h = np.sin((d - b) / 2) ** 2 + np.cos(b) * np.cos(d) * np.sin((c - a) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(h, 1.0))))


def nearest_on_sphere(lon: Array, lat: Array, k: int) -> Codes:
    """Return the `k` nearest other points of every point.

    Chords through the sphere order pairs as great circles do, so a k-d tree on
    three-dimensional coordinates is exact.

    Parameters
    ----------
    lon, lat : array, shape (n,)
        Degrees.
    k : int
        From 1 to n - 1.

    Returns
    -------
    array of int, shape (n, k)
        Nearest first; points at equal distance in the order they were given.

    Examples
    --------
    >>> nearest_on_sphere(np.array([0.0, 1.0, 5.0]), np.zeros(3), k=1).ravel()
    array([1, 0, 1])
    """
    x, y = np.radians(lon), np.radians(lat)
    points = np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])
    n = len(points)
    tree = cKDTree(points)
    distance, index = tree.query(points, k=min(k + 2, n))
    distance = np.round(distance, _DIGITS)
    farthest = distance[:, -1].copy()
    # A point that shares its place with others may be missing from its own list.
    distance[index == np.arange(n)[:, None]] = np.inf
    order = np.lexsort((index, distance), axis=1)[:, :k]
    nearest = np.take_along_axis(index, order, axis=1)
    limit = np.take_along_axis(distance, order[:, -1:], axis=1).ravel()
    # Where the list ends among equals, the first of them may not be on it.
    for own in np.flatnonzero((limit == farthest) & (k + 2 < n)):
        reach = limit[own] + 10.0**-_DIGITS
        near = np.sort(tree.query_ball_point(points[own], reach))
        near = near[near != own]
        apart = np.linalg.norm(points[near] - points[own], axis=1)
        order = np.argsort(np.round(apart, _DIGITS), kind="stable")
        nearest[own] = near[order[:k]]
    return np.asarray(nearest, dtype=np.intp)

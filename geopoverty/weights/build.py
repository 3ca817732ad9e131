"""Spatial weights from travel times, shared borders or nearest neighbours."""

import warnings
from collections.abc import Callable
from dataclasses import replace

import geopandas as gpd
import numpy as np
from libpysal.graph import Graph
from scipy import sparse

from geopoverty._checks import first, require_option
from geopoverty.data.boundaries import centres, check_geometry, require_crs, units_of
from geopoverty.data.travel import TravelTimes
from geopoverty.errors import InputError
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.distances import nearest_on_sphere
from geopoverty.numerics.types import Array, Matrix
from geopoverty.weights.spatial import (
    SpatialWeights,
    standardized,
    with_island_note,
)

DENSE_SHARE = 0.25  # with more links than this a dense matrix is smaller and faster
Decay = Callable[[Array], Array]


def travel_weights(
    times: TravelTimes,
    *,
    decay: str = "inverse",
    power: float = 1.0,
    scale: float | None = None,
    cutoff: float | None = None,
    k: int | None = None,
    standardize: str | None = "row",
) -> SpatialWeights:
    """Turn travel times into spatial weights.

    Parameters
    ----------
    times : TravelTimes
        Minutes, n units.
    decay : {"inverse", "power", "exponential", "gaussian", "binary"}
        ``1/t``; ``t**-power``; ``exp(-t/scale)``; ``exp(-(t/scale)**2 / 2)``; or
        1 for every pair within `cutoff` or `k`.
    power : float
        Above 0; other than 1 only with ``decay="power"``.
    scale : float, optional
        Minutes above 0; needed by exponential and gaussian decay, and only there.
    cutoff : float, optional
        Minutes above 0: longer trips get weight 0.
    k : int, optional
        Only each unit's k nearest count; among equal times, the first in the
        order of units.
    standardize : {"row", "spectral", None}
        Rows that sum to 1, spectral radius 1, or the decay as it is.

    Returns
    -------
    SpatialWeights
        Dense when more than a quarter of the pairs have a weight, else sparse.
        A unit's weight for itself is 0.

    Raises
    ------
    InputError
        If an option is unknown, out of range or not for this decay, no unit has a
        neighbour, or the times were cut while reading and more is asked for.

    Warns
    -----
    GeoPovertyWarning
        If some units have no neighbour.

    Notes
    -----
    A row-standardised ``1/t`` over all pairs averages over everybody, so that
    its lag hardly varies: see ``SpatialWeights.summary()["sd_ratio"]``. A cutoff
    or the nearest k keeps what can be identified.

    Examples
    --------
    >>> minutes = [[0.0, 10.0, 30.0], [10.0, 0.0, 20.0], [30.0, 20.0, 0.0]]
    >>> times = TravelTimes(["a", "b", "c"], minutes, "measured")
    >>> travel_weights(times).matrix.round(2)
    array([[0.  , 0.75, 0.25],
           [0.67, 0.  , 0.33],
           [0.4 , 0.6 , 0.  ]])
    """
    weigh = _decay(decay, power, scale)
    _check_reach(times, decay, cutoff, k)
    _check_within(times, cutoff, k)
    reach = np.inf if cutoff is None else float(cutoff)
    if times.is_sparse:
        raw = _from_sparse(times, weigh, reach, k)
    else:
        raw = _from_dense(times, weigh, reach, k)
    kind = _kind(decay, power, scale, cutoff, k)
    return _finish(times, raw, kind, standardize)


def contiguity_weights(
    boundaries: gpd.GeoDataFrame, *, rook: bool = False, standardize: str | None = "row"
) -> SpatialWeights:
    """Link units that share a border.

    Parameters
    ----------
    boundaries : GeoDataFrame of polygons, n rows
        Indexed by unit id. Shared borders must share their vertices, as those
        of one published coverage do.
    rook : bool
        Whether a shared corner is not enough.
    standardize : {"row", "spectral", None}
        As in `travel_weights`.

    Returns
    -------
    SpatialWeights
        Sparse.

    Raises
    ------
    InputError
        If the boundaries are not usable, or no two units touch.

    Warns
    -----
    GeoPovertyWarning
        If some units touch no other.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> squares = gpd.GeoDataFrame(index=["a", "b"], crs=4326,
    ...     geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)])
    >>> contiguity_weights(squares).matrix.toarray()
    array([[0., 1.],
           [1., 0.]])
    """
    units = units_of(boundaries)
    require_crs(boundaries, "The boundaries")
    check_geometry(boundaries)
    if not boundaries.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        raise InputError(
            "Contiguity needs polygons; these boundaries hold "
            f"{first(boundaries.geom_type.unique())}. Use knn_weights for points."
        )
    with warnings.catch_warnings():
        # libpysal warns of islands in its own words; _finish says it in ours.
        warnings.simplefilter("ignore")
        graph = Graph.build_contiguity(
            boundaries.geometry.reset_index(drop=True), rook=rook
        )
    raw = sparse.csr_array(graph.sparse)
    raw.eliminate_zeros()
    kind = f"{'rook' if rook else 'queen'} contiguity"
    weights = SpatialWeights(units, raw, kind, None, attrs=dict(boundaries.attrs))
    return _standardize(weights, standardize)


def knn_weights(
    boundaries: gpd.GeoDataFrame, *, k: int, standardize: str | None = "row"
) -> SpatialWeights:
    """Link every unit to its k nearest by great circle between centres.

    Parameters
    ----------
    boundaries : GeoDataFrame, n rows
        Points, or polygons whose centre of area stands in; indexed by unit id.
    k : int
        From 1 to n - 1. Among equal distances, the first in the order of rows.
    standardize : {"row", "spectral", None}
        As in `travel_weights`.

    Returns
    -------
    SpatialWeights
        Sparse.

    Raises
    ------
    InputError
        If the boundaries are not usable, or k is out of range.

    Examples
    --------
    >>> from shapely.geometry import Point
    >>> towns = gpd.GeoDataFrame(index=list("abc"), crs=4326,
    ...     geometry=[Point(0, 0), Point(1, 0), Point(5, 0)])
    >>> knn_weights(towns, k=1).matrix.toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """
    units = units_of(boundaries)
    n = len(units)
    _check_k(k, n)
    nearest = nearest_on_sphere(*centres(boundaries), k)
    raw = sparse.csr_array(
        (np.ones(n * k), nearest.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n)
    )
    raw.sort_indices()
    kind = f"{k} nearest neighbours"
    weights = SpatialWeights(units, raw, kind, None, attrs=dict(boundaries.attrs))
    return _standardize(weights, standardize)


def _decay(decay: str, power: float, scale: float | None) -> Decay:
    require_option(
        decay, ("inverse", "power", "exponential", "gaussian", "binary"), "decay"
    )
    if power != 1 and decay != "power":
        raise InputError(f"power={power} is for decay='power'; got '{decay}' decay.")
    if scale is not None and decay not in ("exponential", "gaussian"):
        raise InputError(
            f"scale={scale} is for exponential and gaussian decay; got '{decay}' decay."
        )
    if decay in ("exponential", "gaussian"):
        if scale is None or not 0 < scale < np.inf:
            raise InputError(
                f"{decay} decay needs scale= in minutes above 0; got {scale}. Try the "
                "minutes within which most contacts happen."
            )
        tau = float(scale)
        if decay == "exponential":
            return lambda t: np.exp(-t / tau)
        return lambda t: np.exp(-0.5 * (t / tau) ** 2)
    if decay == "power":
        if not 0 < power < np.inf:
            raise InputError(f"power must be above 0; got {power}.")
        return lambda t: t**-power
    return np.ones_like if decay == "binary" else np.reciprocal


def _check_reach(
    times: TravelTimes, decay: str, cutoff: float | None, k: int | None
) -> None:
    if decay == "binary" and cutoff is None and k is None:
        raise InputError(
            "binary weights need cutoff= (minutes) or k= (nearest); without them "
            "every unit is every other's neighbour."
        )
    if cutoff is not None and not 0 < cutoff < np.inf:
        raise InputError(f"cutoff must be minutes above 0; got {cutoff}.")
    if k is not None:
        _check_k(k, times.n)


def _check_within(times: TravelTimes, cutoff: float | None, k: int | None) -> None:
    if times.within.holds(cutoff=cutoff, nearest=k):
        return
    held = times.within
    asked = [f"cutoff={held.cutoff:g}"] if held.cutoff is not None else []
    asked += [f"k={held.nearest}"] if held.nearest is not None else []
    raise InputError(
        f"These weights need pairs that are not held. {held}. Ask for no more "
        f"({', '.join(asked)} or less), or read the times with a wider reach."
    )


def _check_k(k: int, n: int) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k < n:
        raise InputError(f"k must be a whole number from 1 to {n - 1}; got {k!r}.")


def _kind(
    decay: str, power: float, scale: float | None, cutoff: float | None, k: int | None
) -> str:
    names = {
        "inverse": "1 / minutes",
        "power": f"minutes^-{power:g}",
        "exponential": f"exp(-minutes / {scale})",
        "gaussian": f"exp(-(minutes / {scale})^2 / 2)",
        "binary": "1",
    }
    within = f" within {cutoff:g} minutes" if cutoff is not None else ""
    nearest = f" to the {k} nearest" if k is not None else ""
    return names[decay] + within + nearest


def _from_dense(
    times: TravelTimes, weigh: Decay, reach: float, k: int | None
) -> Matrix:
    raw = np.array(times.matrix)
    np.fill_diagonal(raw, np.nan)
    if reach < np.inf:
        raw[raw > reach] = np.nan
    if k is not None:
        _keep_nearest(raw, k)
    known = np.isfinite(raw)
    share = np.count_nonzero(known) / max(raw.size, 1)
    if share <= DENSE_SHARE:
        row, column = np.nonzero(known)
        return sparse.csr_array(
            (weigh(raw[row, column]), (row, column)), shape=raw.shape
        )
    raw = weigh(raw)
    raw[~known] = 0.0
    return raw


def _keep_nearest(raw: Array, k: int) -> None:
    """Set all but each row's k shortest times to NaN, in place."""
    for rows in blocks(len(raw), rows=256):
        times = raw[rows]
        # The k-th shortest splits a row; NaN sorts last, and is never kept.
        limit = np.partition(times, k - 1, axis=1)[:, k - 1, None]
        kept = times < limit
        # Ties at the limit are settled by the order of units.
        tied = times == limit
        room = k - kept.sum(axis=1, keepdims=True)
        kept |= tied & (np.cumsum(tied, axis=1) <= room)
        # With fewer than k known times there is no limit: all of them stay.
        kept |= np.isnan(limit) & ~np.isnan(times)
        times[~kept] = np.nan


def _from_sparse(
    times: TravelTimes, weigh: Decay, reach: float, k: int | None
) -> Matrix:
    held = times.matrix.tocoo()
    kept = (held.row != held.col) & (held.data <= reach)
    row, column, minutes = held.row[kept], held.col[kept], held.data[kept]
    if k is not None:
        order = np.lexsort((column, minutes, row))
        row, column, minutes = row[order], column[order], minutes[order]
        start = np.searchsorted(row, row)
        near = np.arange(len(row)) - start < k
        row, column, minutes = row[near], column[near], minutes[near]
    raw = sparse.csr_array((weigh(minutes), (row, column)), shape=held.shape)
    return raw.toarray() if raw.nnz > DENSE_SHARE * times.n**2 else raw


def _finish(
    times: TravelTimes,
    raw: Matrix,
    kind: str,
    standardize: str | None,
) -> SpatialWeights:
    weights = SpatialWeights(
        times.units, raw, kind, None, times.status, times.notes, dict(times.attrs)
    )
    return _standardize(weights, standardize)


def _standardize(raw: SpatialWeights, how: str | None) -> SpatialWeights:
    out = replace(raw, matrix=standardized(raw.matrix, how), standardize=how)
    return out if len(out.islands) == 0 else with_island_note(out)

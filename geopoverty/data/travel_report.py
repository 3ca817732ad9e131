"""What travel times say about themselves: gaps, asymmetry, shorter ways round."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty._progress import progress
from geopoverty.data.travel.checks import check_worst, mixed_units
from geopoverty.data.travel.times import TravelTimes
from geopoverty.errors import InputError
from geopoverty.numerics.pairs import shortest_through, without_gaps
from geopoverty.numerics.threads import in_threads
from geopoverty.numerics.types import Array, Codes
from geopoverty.provenance import arrays_of, provenance, sources_of
from geopoverty.results import Result

STEPS = 2e9  # ways through a third place that are looked at without being asked
TOLERANCE = 0.01  # a way round must be this much shorter to count
ASYMMETRIC = 0.1  # one way this much longer than the other
WORST = 10


def travel_report(
    times: TravelTimes, *, origins: int | None = None, seed: int = 0, worst: int = WORST
) -> Result:
    """Report what is missing, what differs by direction and what a detour beats.

    Parameters
    ----------
    times : TravelTimes
        n units.
    origins : int, optional
        From how many units, drawn at random, shorter ways round are looked for: n
        is exact. When not given, all up to some 1,250 units, else as many as
        take a second or two (222 of 3,000).
    seed : int
        Of that draw.
    worst : int
        How many pairs each table lists.

    Returns
    -------
    Result
        ``facts``: ``n_obs`` (known pairs), ``share_known``, ``units_without_way_out``,
        ``units_without_way_in``; of pairs known both ways (``n_two_way``):
        ``share_asymmetric`` (one way over 10 % longer), ``median_asymmetry`` and
        ``max_asymmetry`` (longer over shorter way); of pairs from ``n_origins``
        units: ``share_with_shorter_detour`` (by over 1 %), ``median_excess`` and
        ``max_excess`` (direct over detour, of those). ``tables["asymmetry"]``:
        ``from_id, to_id, minutes, minutes_back, ratio``; ``tables["detours"]``:
        ``from_id, to_id, via_id, minutes, minutes_via, ratio``; ``units``: what of
        this each unit has.

    Raises
    ------
    InputError
        If `origins` is not from 1 to n, `worst` is less than 1, or the times were cut
        while reading.

    Notes
    -----
    No trip should take longer than the way through any third place (the triangle
    inequality), but for time spent there. Where many do, minutes come from
    different sources, hours of the day, or units.

    Examples
    --------
    >>> minutes = [[0.0, 10.0, 90.0], [12.0, 0.0, 20.0], [30.0, 20.0, 0.0]]
    >>> report = travel_report(TravelTimes(["a", "b", "c"], minutes, "routed"))
    >>> report.tables["detours"].iloc[0].to_dict()
    {'from_id': 'a', 'to_id': 'c', 'via_id': 'b', 'minutes': 90.0, \
'minutes_via': 30.0, 'ratio': 3.0}
    """
    check_worst(worst)
    times.require_all_pairs("A report")
    sources = _origins(times.n, origins, seed)
    known = without_gaps(times.matrix)
    two_way, asymmetry = _asymmetry(times.units, known, worst)
    round_about, detours, excess = _detours(times.units, known, sources, worst)
    exact = len(sources) == times.n
    return Result(
        estimator="travel_report",
        estimates=pd.Series(dtype=float),
        vcov=pd.DataFrame(dtype=float),
        units=_by_unit(times.units, known, sources, excess),
        facts={**_coverage(known, times), **two_way, **round_about},
        tables={"asymmetry": asymmetry, "detours": detours},
        notes=_notes(times, len(sources), exact, seed),
        provenance=provenance(
            "",
            {"origins": len(sources), "seed": None if exact else seed},
            arrays_of(times.matrix),
            sources_of(times),
        ),
    )


def _origins(n: int, asked: int | None, seed: int) -> Codes:
    count = min(n, max(1, int(STEPS / n**2))) if asked is None else asked
    if isinstance(count, bool) or not 1 <= count <= n:
        raise InputError(f"origins must be from 1 to {n} units; got {asked}.")
    if count == n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, size=count, replace=False))


def _coverage(known: Array, times: TravelTimes) -> dict[str, Any]:
    held = np.isfinite(known)
    pairs = int(held.sum())
    return {
        "n_obs": pairs,
        "n_dropped": 0,
        "n_units": times.n,
        "status": times.status,
        "share_known": pairs / max(times.n * (times.n - 1), 1),
        "n_filled": 0 if times.filled is None else int(times.filled.nnz),
        "median_minutes": float(np.median(known[held])),
        "max_minutes": float(known[held].max()),
        "units_without_way_out": int((~held.any(axis=1)).sum()),
        "units_without_way_in": int((~held.any(axis=0)).sum()),
    }


def _asymmetry(
    units: pd.Index, known: Array, worst: int
) -> tuple[dict[str, Any], pd.DataFrame]:
    row, column = np.nonzero(np.triu(np.isfinite(known), 1) & np.isfinite(known.T))
    there, back = known[row, column], known[column, row]
    ratio = np.maximum(there, back) / np.minimum(there, back)
    facts = {
        "n_two_way": len(ratio),
        "n_one_way": int(np.isfinite(known).sum()) - 2 * len(ratio),
        "share_asymmetric": _share(ratio > 1 + ASYMMETRIC),
        "median_asymmetry": _over(np.median, ratio),
        "max_asymmetry": _over(np.max, ratio),
    }
    order = _largest(ratio, worst)
    order = order[ratio[order] > 1]
    swap = there[order] < back[order]
    start = np.where(swap, column[order], row[order])
    end = np.where(swap, row[order], column[order])
    table = pd.DataFrame(
        {
            "from_id": units[start],
            "to_id": units[end],
            "minutes": known[start, end],
            "minutes_back": known[end, start],
            "ratio": ratio[order],
        }
    )
    return facts, table


def _detours(
    units: pd.Index, known: Array, sources: Codes, worst: int
) -> tuple[dict[str, Any], pd.DataFrame, Array]:
    """Return the facts, the worst pairs, and each unit's worst excess (NaN: none)."""

    def work(position: int) -> tuple[Array, Codes]:
        origin = int(sources[position])
        best, via = shortest_through(known[origin], known)
        best[origin] = np.inf
        return best, via

    found = in_threads(
        work,
        len(sources),
        watch=lambda steps, n: progress(steps, "Looking for shorter ways", n),
    )
    best = np.array([ways for ways, _ in found])
    direct = known[sources]
    with np.errstate(invalid="ignore"):
        excess = np.where(np.isfinite(direct) & np.isfinite(best), direct / best, 0.0)
    shorter = excess > 1 + TOLERANCE
    facts = {
        "n_origins": len(sources),
        "share_with_shorter_detour": _share(shorter[np.isfinite(direct)]),
        "median_excess": _over(np.median, excess[shorter]),
        "max_excess": _over(np.max, excess[shorter]),
    }
    flat = _largest(excess.ravel(), worst)
    row, column = np.unravel_index(flat, excess.shape)
    row, column = row[shorter[row, column]], column[shorter[row, column]]
    through = np.array([found[i][1][j] for i, j in zip(row, column, strict=True)], int)
    table = pd.DataFrame(
        {
            "from_id": units[sources[row]],
            "to_id": units[column],
            "via_id": units[through],
            "minutes": direct[row, column],
            "minutes_via": best[row, column],
            "ratio": excess[row, column],
        }
    )
    return facts, table, np.where(shorter.any(axis=1), excess.max(axis=1), np.nan)


def _largest(values: Array, count: int) -> Codes:
    """Return where the largest values are, the largest first."""
    if count < len(values):
        limit = np.partition(values, len(values) - count)[len(values) - count]
        among = np.flatnonzero(values >= limit)
    else:
        among = np.arange(len(values))
    return np.asarray(among[np.argsort(-values[among], kind="stable")][:count])


def _share(which: Any) -> float:
    return float(np.mean(which)) if len(which) else float("nan")


def _over(what: Any, values: Array) -> float:
    return float(what(values)) if len(values) else float("nan")


def _by_unit(
    units: pd.Index, known: Array, sources: Codes, excess: Array
) -> pd.DataFrame:
    held = np.isfinite(known)
    away = np.full(len(units), np.nan)
    away[sources] = excess
    nearest = known.min(axis=1)
    return pd.DataFrame(
        {
            "unit_id": list(units),
            "n_reached": held.sum(axis=1),
            "n_reached_from": held.sum(axis=0),
            "nearest_minutes": np.where(np.isfinite(nearest), nearest, np.nan),
            "worst_excess": away,
        }
    )


def _notes(times: TravelTimes, count: int, exact: bool, seed: int) -> tuple[str, ...]:
    notes = list(times.notes)
    if not exact:
        notes.append(
            f"Shorter ways round were looked for from {count:,} of {times.n:,} units, "
            f"drawn with seed {seed}: their share is an estimate, their worst a lower "
            "bound."
        )
    if mixed := mixed_units(times.units, times.matrix):
        notes.append(f"{mixed}.")
    return tuple(notes)

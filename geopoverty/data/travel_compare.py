"""One set of travel times against another: such as modelled against routed."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.data.travel.checks import check_worst
from geopoverty.data.travel.times import TravelTimes
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Matrix
from geopoverty.provenance import arrays_of, provenance, sources_of
from geopoverty.results import Result

BANDS = (15.0, 30.0, 60.0, 120.0, 240.0)


def compare_travel_times(
    a: TravelTimes,
    b: TravelTimes,
    *,
    bands: Sequence[float] = BANDS,
    worst: int = 10,
) -> Result:
    """Compare travel times with others between the same units.

    Parameters
    ----------
    a : TravelTimes
        What is judged, such as modelled times.
    b : TravelTimes
        What it is held against, such as routed times. Pairs are matched by unit.
    bands : sequence of float
        Minutes of `b`, rising, above 0: where one band of distance ends and the
        next begins.
    worst : int
        How many of the pairs that differ most, as a ratio, are listed.

    Returns
    -------
    Result
        ``estimates``: over pairs known in both, ``mean_difference`` and
        ``median_difference`` (a - b, minutes), ``median_ratio``,
        ``mean_log_ratio`` and ``correlation`` (NaN when either does not vary).
        ``tables["bands"]``: ``band, n_pairs, median_ratio, ratio_p05, ratio_p95,
        median_difference`` by minutes of `b`; ``tables["worst"]``: ``from_id, to_id,
        minutes_a, minutes_b, difference, ratio``; ``tables["only_a"]`` and
        ``["only_b"]``: the first pairs known in one alone; ``units``: ``n_pairs``
        and ``median_ratio`` of the trips from each unit.

    Raises
    ------
    InputError
        If no pair is known in both, bands do not rise, `worst` is less than 1, or
        either was cut while reading.

    Notes
    -----
    All numbers describe these pairs; there is no sampling error to them, so that
    the covariance is missing. Minutes filled by a rule are left out.

    Examples
    --------
    >>> routed = TravelTimes(["a", "b"], [[0.0, 30.0], [40.0, 0.0]], "routed")
    >>> guess = TravelTimes(["a", "b"], [[0.0, 33.0], [44.0, 0.0]], "modelled")
    >>> fit = compare_travel_times(guess, routed)
    >>> round(float(fit.estimates["median_ratio"]), 3)
    1.1
    """
    check_worst(worst)
    edges = _edges(bands)
    for times in (a, b):
        times.require_all_pairs("A comparison")
    both = a.units[a.units.isin(b.units)]
    one, two = _aligned(a, both), _aligned(b, both)
    known = np.isfinite(one) & np.isfinite(two)
    if not known.any():
        raise InputError(
            "The two must have a pair of units in common; they have none "
            f"({first(a.units, 3)} against {first(b.units, 3)}). Check that ids are "
            "written alike."
        )
    row, column = np.nonzero(known)
    x, y = one[row, column], two[row, column]
    only_a, only_b = np.isfinite(one) & ~known, np.isfinite(two) & ~known
    estimates = _agreement(x, y)
    return Result(
        estimator="compare_travel_times",
        estimates=estimates,
        vcov=pd.DataFrame(np.nan, estimates.index, estimates.index),
        units=_by_unit(both, row, x / y),
        facts={
            "n_obs": len(x),
            "n_dropped": int(only_a.sum() + only_b.sum()),
            "n_units": len(both),
            "pairs_only_in_a": int(only_a.sum()),
            "pairs_only_in_b": int(only_b.sum()),
            "units_only_in_a": a.n - len(both),
            "units_only_in_b": b.n - len(both),
            "status_a": a.status,
            "status_b": b.status,
            "share_within_10_percent": float(
                np.mean(np.abs(np.log(x / y)) < np.log(1.1))
            ),
        },
        tables={
            "bands": _by_band(x, y, edges),
            "worst": _worst(both, row, column, x, y, worst),
            "only_a": _pairs(both, only_a, one, worst),
            "only_b": _pairs(both, only_b, two, worst),
        },
        notes=_notes(a, b, both),
        provenance=_provenance(a, b, edges),
    )


def _edges(bands: Sequence[float]) -> list[float]:
    edges = [float(v) for v in bands]
    if not edges or any(not lo < hi for lo, hi in pairwise([0.0, *edges])):
        raise InputError(f"bands must be rising minutes above 0; got {list(bands)}.")
    return [0.0, *edges, np.inf]


def _aligned(times: TravelTimes, units: pd.Index) -> Array:
    """Return minutes between some units, NaN to oneself and where filled."""
    at = times.units.get_indexer(units)
    part: Matrix = times.matrix[at][:, at]
    if times.is_sparse:
        held = part.tocoo()
        part = np.full(held.shape, np.nan)
        part[held.row, held.col] = held.data
    else:
        part = np.array(part)
    if times.filled is not None:
        part[times.filled[at][:, at].nonzero()] = np.nan
    np.fill_diagonal(part, np.nan)
    return np.asarray(part)


def _agreement(x: Array, y: Array) -> pd.Series:
    vary = len(x) > 1 and x.std() > 0 and y.std() > 0
    return pd.Series(
        {
            "mean_difference": float(np.mean(x - y)),
            "median_difference": float(np.median(x - y)),
            "median_ratio": float(np.median(x / y)),
            "mean_log_ratio": float(np.mean(np.log(x / y))),
            "correlation": float(np.corrcoef(x, y)[0, 1]) if vary else np.nan,
        }
    )


def _by_band(x: Array, y: Array, edges: list[float]) -> pd.DataFrame:
    rows = []
    for low, high in pairwise(edges):
        inside = (y > low) & (y <= high)
        ratio = (x / y)[inside]
        said = f"{low:g} to {high:g}" if np.isfinite(high) else f"over {low:g}"
        spread = np.quantile(ratio, [0.5, 0.05, 0.95]) if len(ratio) else [np.nan] * 3
        middle = float(np.median((x - y)[inside])) if len(ratio) else np.nan
        rows.append((said, len(ratio), *map(float, spread), middle))
    names = ["band", "n_pairs", "median_ratio", "ratio_p05", "ratio_p95"]
    return pd.DataFrame(rows, columns=[*names, "median_difference"])


def _worst(
    units: pd.Index, row: Any, column: Any, x: Array, y: Array, count: int
) -> pd.DataFrame:
    apart = np.abs(np.log(x / y))
    order = np.argsort(-apart, kind="stable")[:count]
    order = order[apart[order] > 0]
    return pd.DataFrame(
        {
            "from_id": units[row[order]],
            "to_id": units[column[order]],
            "minutes_a": x[order],
            "minutes_b": y[order],
            "difference": x[order] - y[order],
            "ratio": x[order] / y[order],
        }
    )


def _pairs(units: pd.Index, which: Any, minutes: Array, count: int) -> pd.DataFrame:
    row, column = (c[:count] for c in np.nonzero(which))
    ends = {"from_id": units[row], "to_id": units[column]}
    return pd.DataFrame({**ends, "travel_time": minutes[row, column]})


def _by_unit(units: pd.Index, row: Any, ratio: Array) -> pd.DataFrame:
    grouped = pd.Series(ratio).groupby(row)
    table = pd.DataFrame({"n_pairs": grouped.size(), "median_ratio": grouped.median()})
    table = table.reindex(range(len(units)))
    table["n_pairs"] = table["n_pairs"].fillna(0).astype(int)
    table.insert(0, "unit_id", list(units))
    return table


def _notes(a: TravelTimes, b: TravelTimes, both: pd.Index) -> tuple[str, ...]:
    notes = []
    for name, times in (("a", a), ("b", b)):
        alone = times.units[~times.units.isin(both)]
        if len(alone):
            notes.append(f"{len(alone):,} units are only in {name}: {first(alone)}.")
        if times.filled is not None:
            notes.append(
                f"{times.filled.nnz:,} pairs of {name} were filled by a rule and are "
                "left out."
            )
    if a.status == b.status == "modelled":
        notes.append("Both are modelled: neither shows what roads are like.")
    return tuple(notes)


def _provenance(a: TravelTimes, b: TravelTimes, edges: list[float]) -> dict[str, Any]:
    arrays = [*arrays_of(a.matrix), *arrays_of(b.matrix)]
    options = {"bands": str(edges[1:-1])}
    return provenance("", options, arrays, sources_of(a, b))

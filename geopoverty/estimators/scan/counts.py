"""Counts of clusters as a table of places and industries, joined to rows by key."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns, unit_ids
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes

COUNT = "clusters"


@dataclass(frozen=True, eq=False)
class Counts:
    """Clusters of every place (unit, or unit in a period) in every industry.

    Attributes
    ----------
    places : DataFrame, p rows
        ``unit_id`` and ``period``, if any.
    industries : DataFrame, c rows
        ``level`` and ``code``, sorted.
    table : array, shape (p, c)
    attrs : dict
    """

    places: pd.DataFrame
    industries: pd.DataFrame
    table: Array
    attrs: dict[Any, Any]

    def of_units(self, j: int) -> pd.DataFrame:
        """Return the counts of one industry in all places."""
        table = self.places.assign(**{COUNT: self.table[:, j]})
        table.attrs = dict(self.attrs)
        return table


def read_counts(clusters: pd.DataFrame, period: str | None) -> Counts:
    """Check a table of clusters by code and spread it out.

    Raises
    ------
    InputError
        If columns are missing, codes are no text, counts are missing, negative or
        repeated, or periods are there and not asked for (or the other way round).
    """
    require_columns(
        clusters,
        ["unit_id", "level", "code", COUNT],
        "The table of clusters (count_clusters(..., by='code'))",
    )
    if (period is not None) != ("period" in clusters.columns):
        said = "has" if period is None else "has no"
        raise InputError(
            f"The table of clusters {said} periods, but period={period!r}. Name the "
            "column of periods of the data, or count clusters of one period."
        )
    keys = ["unit_id"] + (["period"] if period is not None else [])
    ids = unit_ids(clusters["unit_id"], "The table of clusters", unique=False)
    wrong = [c for c in pd.unique(clusters["code"]) if not isinstance(c, str)]
    if wrong:
        raise InputError(
            f"Industry codes must be text; the table of clusters holds {first(wrong)}. "
            "Take what count_clusters returns, or read the column as text."
        )
    value = clusters[COUNT].to_numpy(np.float64, na_value=np.nan)
    require(
        np.isfinite(value) & (value >= 0),
        "Counts of clusters must be 0 or above",
        ids=ids,
        way_out="Take what count_clusters returns.",
    )
    place, places = _coded(clusters[keys])
    industry, industries = _coded(clusters[["level", "code"]])
    table = np.full((len(places), len(industries)), np.nan)
    table[place, industry] = value
    if len(clusters) != np.count_nonzero(np.isfinite(table)):
        raise InputError(
            "Each unit (in a period) must have one count of a code; "
            f"{len(clusters) - np.count_nonzero(np.isfinite(table))} of "
            f"{len(clusters)} rows are repeats. Drop them, or sum them first."
        )
    _refuse_gaps(table, places, industries)
    return Counts(places, industries, table, dict(clusters.attrs))


def _coded(table: pd.DataFrame) -> tuple[Codes, pd.DataFrame]:
    """Return the position of each row among the different rows, and these, sorted."""
    groups = table.groupby(list(table.columns), sort=True, observed=True, dropna=False)
    codes = groups.ngroup().to_numpy()
    at = np.unique(codes, return_index=True)[1]
    return codes, table.iloc[at].reset_index(drop=True)


def _refuse_gaps(table: Array, places: pd.DataFrame, industries: pd.DataFrame) -> None:
    place, industry = np.nonzero(np.isnan(table))
    if not len(place):
        return
    named = [
        f"{industries['code'][j]} in {' in '.join(map(str, places.iloc[i]))}"
        for i, j in zip(place[:6], industry[:6], strict=True)
    ]
    raise InputError(
        f"Every unit needs a count of every code, 0 where it has none; {len(place)} "
        f"are missing ({first(named)}). Take what count_clusters(..., by='code') "
        "returns, with all its zeros."
    )


def rows_of(data: pd.DataFrame, counts: Counts, unit: str, period: str | None) -> Codes:
    """Return the place of each row of the data."""
    at = data.reset_index() if data.index.name == unit else data
    keys = [unit, *([] if period is None else [period])]
    require_columns(at, keys, "industry_scan")
    ids = unit_ids(at[unit], "The data", unique=False)
    known, asked = pd.Index(counts.places["unit_id"]), ids
    if period is not None:
        known = pd.MultiIndex.from_frame(counts.places)
        asked = pd.MultiIndex.from_arrays([ids, at[period]])
    place: Codes = known.get_indexer(asked)
    require(
        place >= 0,
        f"Every {' and '.join(keys)} of the data needs a count of clusters",
        ids=asked.to_list(),
        way_out="Count them with count_clusters(..., units=[...]): units without a "
        "firm get 0.",
    )
    return place

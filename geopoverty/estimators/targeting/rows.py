"""Which rows of a survey are used, for how many they stand, how they were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first, require, require_columns, unit_ids
from geopoverty.design.drawn import Drawn, drawn, labelled
from geopoverty.errors import InputError
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.survey import FirstStage
from geopoverty.numerics.types import Array, Mask
from geopoverty.provenance import STATUSES, sources_of, weakest_status

FEW = 30  # rows of a group, or degrees of freedom
RESERVED = (
    *("term", "estimate", "std_error", "conf_low", "conf_high", "rows", "population"),
)


@dataclass(frozen=True)
class SurveyColumns:
    """Which columns say for how many a row stands and how it was drawn.

    Attributes
    ----------
    sampling_weight : str, optional
        Weights above 0. Shares and indices hang on their ratios only.
    cluster : str, optional
        The primary sampling unit (village, enumeration area). Without it each row is
        one. The same label in two strata means two units.
    strata : str, optional
        The stratum that the primary unit was drawn in.

    Examples
    --------
    >>> SurveyColumns("weight", cluster="village").named
    ('weight', 'village')
    """

    sampling_weight: str | None = None
    cluster: str | None = None
    strata: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are given."""
        columns = (self.sampling_weight, self.cluster, self.strata)
        return tuple(c for c in columns if c is not None)


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a survey, checked.

    Attributes
    ----------
    data : DataFrame, n rows
    weight : array, shape (n,)
    groups : Groups
    keys : DataFrame, shape (groups, keys)
        What names each group; no column when there is one group.
    stage : FirstStage
    facts : dict
    notes : list of str
    sources : list
        Where the data is from.
    """

    data: pd.DataFrame
    weight: Array
    groups: Groups
    keys: pd.DataFrame
    stage: FirstStage
    facts: dict[str, Any]
    notes: list[str]
    sources: list[Any]

    @property
    def ids(self) -> pd.Index:
        """What to call each row in a message."""
        return self.data.index

    @property
    def labels(self) -> list[str]:
        """The groups in words."""
        columns = [self.keys[c].astype(str) for c in self.keys]
        return [", ".join(parts) for parts in zip(*columns, strict=True)]

    @property
    def alone(self) -> bool:
        """Whether every row was drawn by itself, from the whole."""
        return self.stage.unit is None and self.stage.stratum is None

    @property
    def design(self) -> str:
        """What standard errors allow for, in words."""
        parts = ["strata"] if len(self.stage.sizes) > 1 else []
        parts += ["clusters"] if self.stage.unit is not None else []
        return f"linearised, {' and '.join(parts) or 'independent rows'}"

    def quantile(self, conf_level: float = 0.95) -> float:
        """Return what standard errors are multiplied with in a score interval."""
        weighted = bool(np.ptp(self.weight) > 0)
        law = stats.norm if self.alone and not weighted else stats.t(self.stage.df)
        return float(law.ppf(0.5 + conf_level / 2))

    def attrs(self, title: str, notes: Sequence[str] = ()) -> dict[str, Any]:
        """Return the ``attrs`` of a table made from these rows."""
        return table_attrs(title, self.data, [*self.notes, *notes])

    def numbers(self, column: str, rule: str = "must be numbers") -> Array:
        """Return a column as floats, NaN where missing."""
        return numbers_of(self.data[column], rule)

    def yes_no(self, column: str) -> Array:
        """Return a column of 0 and 1 as floats, NaN where missing."""
        return yes_no_of(self.data[column])


def table_attrs(title: str, data: Any, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return the ``attrs`` of a table made from another: what is known of its origin.

    Examples
    --------
    >>> homes = pd.DataFrame({"a": [1]})
    >>> homes.attrs = {"title": "Homes", "status": "simulated"}
    >>> table_attrs("Shares", homes)
    {'title': 'Shares; from Homes', 'status': 'simulated', 'notes': []}
    """
    source = sources_of(data)[0]
    named = [title, str(source["title"])] if source.get("title") else [title]
    out: dict[str, Any] = {"title": "; from ".join(named)}
    if source.get("status") in STATUSES:
        out["status"] = weakest_status([source])
    kept = ("source", "licence", "attribution")
    out.update({k: str(source[k]) for k in kept if source.get(k)})
    earlier = [str(n) for n in source.get("notes", ())]
    out["notes"] = list(dict.fromkeys([*earlier, *notes]))
    return out


def numbers_of(values: pd.Series, rule: str = "must be numbers") -> Array:
    """Return values as floats, NaN where missing.

    Raises
    ------
    InputError
        If one is neither a finite number nor missing.

    Examples
    --------
    >>> numbers_of(pd.Series([1, None]))
    array([ 1., nan])
    """
    found = pd.to_numeric(values.astype(object), errors="coerce")
    out = np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan))
    missing = values.isna().to_numpy()
    require(
        np.isfinite(out) | missing,
        f"'{values.name}' {rule}",
        ids=values.index,
        way_out="Code answers first, such as by code_likert or code_yes_no.",
    )
    return out


def yes_no_of(values: pd.Series) -> Array:
    """Return values that are 0, 1 or missing as floats.

    Raises
    ------
    InputError
        If one is anything else.

    Examples
    --------
    >>> yes_no_of(pd.Series([True, None, False]))
    array([ 1., nan,  0.])
    """
    found = pd.to_numeric(values.astype(object), errors="coerce")
    out = np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan))
    require(
        (out == 0) | (out == 1) | values.isna().to_numpy(),
        f"'{values.name}' must be 0 or 1",
        ids=values.index,
        way_out="Code it first: code_yes_no(answers, spellings=YesNo(1, 2)).",
    )
    return out


def columns_of(given: "str | Sequence[str] | None", what: str) -> list[str]:
    """Return column names as a list.

    Raises
    ------
    InputError
        If one is no text, or stands twice.

    Examples
    --------
    >>> columns_of("a", "y"), columns_of(None, "given")
    (['a'], [])
    """
    names = [given] if isinstance(given, str) else list(given or [])
    if not all(isinstance(n, str) for n in names) or len(set(names)) < len(names):
        raise InputError(f"{what} must be different column names; got {given!r}.")
    return names


def gather(
    data: pd.DataFrame,
    needed: Sequence[str],
    by: "str | Sequence[str] | None" = None,
    survey: SurveyColumns | None = None,
    complete: Sequence[str] = (),
) -> Rows:
    """Check a survey, and keep the rows that are `complete` in some columns.

    Raises
    ------
    InputError
        If columns are missing, no row is left, weights are not above 0, or a group,
        stratum or cluster is unknown.
    """
    how = SurveyColumns() if survey is None else survey
    if not isinstance(how, SurveyColumns):
        raise InputError(
            f"survey must be SurveyColumns(...); got {type(survey).__name__}."
        )
    if not isinstance(data, pd.DataFrame):
        raise InputError(f"data must be a DataFrame; got {type(data).__name__}.")
    grouping = columns_of(by, "by")
    taken = [c for c in grouping if c in RESERVED]
    if taken:
        raise InputError(f"by must not be called {first(taken)}. Rename the column.")
    asked = list(dict.fromkeys([*needed, *grouping, *how.named]))
    table = _with_index(data, asked)
    require_columns(table, asked, "The survey")
    twice = [c for c in asked if (table.columns == c).sum() > 1]
    if twice:
        raise InputError(
            f"Columns must have names of their own; {first(twice)} stands twice. "
            "Rename one of them."
        )
    kept = table[list(complete)].notna().all(axis=1).to_numpy(dtype=bool)
    if not kept.any():
        raise InputError(
            f"No row of {len(table)} is complete in {first(complete) or 'any column'}. "
            "Check the columns."
        )
    weight = _weights(table, how.sampling_weight)
    stage = _drawn(table, how, kept)
    groups, keys = _groups(table[kept], grouping)
    facts = {
        "n_obs": int(kept.sum()),
        "n_dropped": int((~kept).sum()),
        "population": float(weight[kept].sum()),
        **stage.facts,
    }
    notes = list(stage.notes)
    if facts["n_dropped"]:
        asked_for = " or ".join(dict.fromkeys(complete))
        notes.append(
            f"{facts['n_dropped']} rows are left out: no value of {asked_for}."
        )
    chosen = table.loc[kept, asked]
    chosen.attrs = dict(data.attrs)
    return Rows(chosen, weight[kept], groups, keys, stage.stage, facts, notes, [data])


def _with_index(data: pd.DataFrame, asked: Sequence[str]) -> pd.DataFrame:
    """Return the table with its index as a column, where that is asked for."""
    if data.index.name in asked and data.index.name not in data.columns:
        return data.assign(**{str(data.index.name): data.index})
    return data


def _weights(table: pd.DataFrame, column: str | None) -> Array:
    if column is None:
        return np.ones(len(table))
    values = numbers_of(table[column])
    require(
        np.isfinite(values) & (values > 0),
        f"Sampling weights '{column}' must be above 0",
        ids=table.index,
        way_out="Drop rows that stand for nobody.",
    )
    return values


def _drawn(table: pd.DataFrame, how: SurveyColumns, kept: Mask) -> Drawn:
    strata, cluster = (
        None if column is None else (table[column], f"'{column}'")
        for column in (how.strata, how.cluster)
    )
    return drawn(table.index, kept, strata, cluster)


def _groups(table: pd.DataFrame, by: list[str]) -> tuple[Groups, pd.DataFrame]:
    if not by:
        return Groups(), pd.DataFrame(index=[0])
    for column in by:
        labelled(table[column], table.index, f"'{column}'")
        if column == "unit_id":
            unit_ids(table[column], "by", unique=False)
    grouped = table.groupby(by, sort=True, observed=True)
    codes = grouped.ngroup().to_numpy()
    keys = table[by].iloc[np.unique(codes, return_index=True)[1]]
    return Groups(np.asarray(codes, np.intp), len(keys)), keys.reset_index(drop=True)

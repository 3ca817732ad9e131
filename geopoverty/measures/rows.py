"""Incomes, weights, groups and sampling design, matched by row id."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import FIRST, first, require, unit_ids
from geopoverty.design.drawn import Drawn, drawn, labelled
from geopoverty.errors import InputError
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.survey import FirstStage
from geopoverty.numerics.types import Array, Codes, Mask

SMALL = 30  # rows: a group with fewer is named in the notes
RESERVED = (
    *("term", "estimate", "std_error", "conf_low", "conf_high", "rows", "population"),
    *("population_share", "contribution", "contribution_share", "relative_risk"),
    "contribution_std_error",
)


@dataclass(frozen=True, eq=False)
class Survey:
    """How the rows were drawn: primary units with replacement, within strata.

    Attributes
    ----------
    strata : Series, shape (n,), optional
        The stratum of each row, indexed as the incomes.
    cluster : Series, shape (n,), optional
        The primary sampling unit (village, enumeration area, household) of each row.
        The same label in two strata means two units. Without it each row is one.

    Notes
    -----
    As R's ``survey::svydesign(ids=, strata=, nest=TRUE)`` without a finite
    population correction, and Stata's ``svyset``.

    Examples
    --------
    >>> Survey(cluster=pd.Series(["a", "a", "b"])).strata is None
    True
    """

    strata: pd.Series | None = None
    cluster: pd.Series | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """What an index is computed from: the rows with an income.

    Attributes
    ----------
    name : str
        Of the incomes.
    index : Index, shape (all rows,)
        As the incomes came.
    kept : array of bool, shape (all rows,)
        Where there is an income.
    income, weight : array, shape (n,)
    groups : Groups
    keys : DataFrame, shape (groups, keys)
        What names each group; no column when there is one group.
    stage : FirstStage
    facts : dict
    notes : list of str
    sources : list
        Where the data is from.
    """

    name: str
    index: pd.Index
    kept: Mask
    income: Array
    weight: Array
    groups: Groups
    keys: pd.DataFrame
    stage: FirstStage
    facts: dict[str, Any]
    notes: list[str]
    sources: list[Any]

    @property
    def ids(self) -> pd.Index:
        """The ids of the rows with an income."""
        return self.index if self.kept.all() else self.index[self.kept]

    @property
    def labels(self) -> list[str]:
        """The groups in words."""
        return group_labels(self.keys)

    def take(self, values: pd.Series, what: str) -> pd.Series:
        """Return other values of the same rows, those with an income."""
        found = aligned(values, self.index, what)
        return found if self.kept.all() else found[self.kept]


def group_labels(keys: pd.DataFrame) -> list[str]:
    """Return groups in words.

    Examples
    --------
    >>> group_labels(pd.DataFrame({"region": ["n", "s"], "year": [1, 2]}))
    ['n, 1', 's, 2']
    """
    columns = [keys[c].astype(str) for c in keys]
    return [", ".join(parts) for parts in zip(*columns, strict=True)]


def gather(
    income: pd.Series,
    weight: pd.Series | None = None,
    by: pd.Series | pd.DataFrame | None = None,
    survey: Survey | None = None,
) -> Rows:
    """Check and match what the user gave.

    Raises
    ------
    InputError
        If indices differ, incomes are not finite numbers, weights are not above 0,
        or a group, stratum or cluster is missing.
    """
    if survey is not None and not isinstance(survey, Survey):
        raise InputError(
            f"survey must be Survey(strata=, cluster=); got {type(survey).__name__}."
        )
    everything = incomes_of(income)
    kept = ~np.isnan(everything)
    if not kept.any():
        raise InputError("There is no income: all rows are missing. Check the column.")
    index = income.index
    weights = _weights(weight, index, kept)
    groups, keys, notes = _groups(by, index, kept)
    stage = _drawn(survey or Survey(), index, kept)
    used = everything if kept.all() else everything[kept]
    facts = {
        "n_obs": int(kept.sum()),
        "n_dropped": int((~kept).sum()),
        "population": float(weights.sum()),
        **stage.facts,
    }
    return Rows(
        name=str(income.name) if income.name is not None else "income",
        index=index,
        kept=kept,
        income=used,
        weight=weights,
        groups=groups,
        keys=keys,
        stage=stage.stage,
        facts=facts,
        notes=[*_dropped(facts["n_dropped"]), *notes, *stage.notes],
        sources=[income, weight, by],
    )


def waves_of(period: pd.Series) -> pd.Series:
    """Return periods under that name.

    Raises
    ------
    InputError
        If they are not a Series.

    Examples
    --------
    >>> waves_of(pd.Series([2004, 2008], name="year")).name
    'period'
    """
    if not isinstance(period, pd.Series):
        raise InputError(
            f"period must be a Series with the index of income; got "
            f"{type(period).__name__}."
        )
    return period.rename("period")


def incomes_of(income: pd.Series) -> Array:
    """Return incomes as floats, NaN where missing.

    Raises
    ------
    InputError
        If they are not a Series of finite numbers.

    Examples
    --------
    >>> incomes_of(pd.Series([1, 2]))
    array([1., 2.])
    """
    if not isinstance(income, pd.Series):
        raise InputError(
            f"income must be a Series, indexed by household or person; got "
            f"{type(income).__name__}. Take one column: table['income']."
        )
    numeric = pd.api.types.is_numeric_dtype(income)
    if not numeric or pd.api.types.is_bool_dtype(income):
        raise InputError(
            f"income must be numbers; '{income.name}' is {income.dtype}. Convert it: "
            "pd.to_numeric(income)."
        )
    values = np.asarray(income.to_numpy(dtype=np.float64, na_value=np.nan))
    require(
        ~np.isinf(values),
        "Income must be finite",
        ids=income.index,
        way_out="Drop these rows, or set their income to missing.",
    )
    return values


def aligned(values: pd.Series, index: pd.Index, what: str) -> pd.Series:
    """Return values in the order of an index, matched by id.

    Raises
    ------
    InputError
        If they are not a Series, ids repeat, or the ids differ.

    Examples
    --------
    >>> aligned(pd.Series([1, 2], index=["b", "a"]), pd.Index(["a", "b"]), "x").tolist()
    [2, 1]
    """
    if not isinstance(values, pd.Series):
        raise InputError(
            f"{what} must be a Series with the index of income, so that rows are "
            f"matched by id; got {type(values).__name__}."
        )
    if values.index is index:  # columns of one table share one index
        return values
    for side, ids in (("income", index), (what, values.index)):
        if not ids.is_unique:
            twice = ids[ids.duplicated()].unique()
            raise InputError(
                f"Rows cannot be matched by id: {len(twice)} ids stand more than once "
                f"in {side} ({first(twice[: FIRST + 1])}). Index the table by "
                "household and period, or take all columns from one table."
            )
    if values.index.equals(index):
        return values
    where = values.index.get_indexer(index)
    lacking, extra = index[where < 0], values.index.difference(index)
    if len(lacking) or len(extra):
        parts = [
            f"{len(ids)} ids only in {side} ({first(ids[: FIRST + 1])})"
            for ids, side in ((lacking, "income"), (extra, what))
            if len(ids)
        ]
        raise InputError(
            f"income and {what} must have the same index; {'; '.join(parts)}. "
            f"Reindex one of them, such as {what}.reindex(income.index)."
        )
    return values.iloc[where]


def _weights(weight: pd.Series | None, index: pd.Index, kept: Mask) -> Array:
    if weight is None:
        return np.ones(int(kept.sum()))
    found = aligned(weight, index, "weight")
    if not pd.api.types.is_numeric_dtype(found):
        raise InputError(f"weight must be numbers; '{found.name}' is {found.dtype}.")
    values = np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan))
    values = values if kept.all() else values[kept]
    require(
        np.isfinite(values) & (values > 0),
        "Weights must be above 0 and finite",
        ids=index if kept.all() else index[kept],
        way_out="Drop rows that stand for nobody.",
    )
    return values


def _groups(
    by: pd.Series | pd.DataFrame | None, index: pd.Index, kept: Mask
) -> tuple[Groups, pd.DataFrame, list[str]]:
    if by is None:
        return Groups(), pd.DataFrame(index=[0]), []
    columns = _columns_of(by)
    taken = [name for name in columns if name in RESERVED]
    if taken:
        raise InputError(
            f"by must not be called {first(taken)}: a column of the result is. Rename "
            "it: by.rename('region')."
        )
    coded = [_coded(name, values, index) for name, values in columns.items()]
    codes = np.zeros(len(index), dtype=np.intp)
    for own, levels in coded:
        codes = codes * len(levels) + own
    codes, found = pd.factorize(codes, sort=True)
    table = pd.DataFrame(index=range(len(found)))
    for name, (_, levels) in zip(reversed(columns), reversed(coded), strict=True):
        found, place = np.divmod(found, len(levels))
        table.insert(0, name, levels.take(place))
    sizes = np.bincount(codes[kept], minlength=len(table))
    if sizes.all():
        return Groups(np.asarray(codes[kept], np.intp), len(table)), table, []
    # A group without a single income has no place in the result.
    empty = table[sizes == 0].astype(str).agg(", ".join, axis=1)
    place = np.cumsum(sizes > 0) - 1
    note = f"{len(empty)} groups have no income and are left out ({first(empty)})."
    table = table[sizes > 0].reset_index(drop=True)
    return Groups(place[codes[kept]], len(table)), table, [note]


def _columns_of(by: pd.Series | pd.DataFrame) -> dict[str, pd.Series]:
    if isinstance(by, pd.DataFrame):
        if not by.shape[1] or not by.columns.is_unique:
            raise InputError("by must have columns, each with a name of its own.")
        return {str(c): by[c] for c in by}
    name = getattr(by, "name", None)
    return {"group" if name is None else str(name): by}


def _coded(name: str, values: pd.Series, index: pd.Index) -> tuple[Codes, pd.Index]:
    what = f"by '{name}'"
    found = aligned(values, index, what)
    codes, levels = labelled(found, index, what)
    if name == "unit_id":
        unit_ids(levels, "by", unique=False)
    return codes, levels


def _drawn(survey: Survey, index: pd.Index, kept: Mask) -> Drawn:
    given = {"strata": survey.strata, "cluster": survey.cluster}
    named = {
        what: None if values is None else (aligned(values, index, what), what)
        for what, values in given.items()
    }
    return drawn(index, kept, **named, needed=survey != Survey())


def _dropped(count: int) -> list[str]:
    return [f"{count} rows without an income are left out."] if count else []

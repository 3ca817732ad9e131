"""Steps from firms to counties: cluster counts, quotients, density."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

import geopandas as gpd
import pandas as pd

from geopoverty._checks import require_columns, unit_ids
from geopoverty.clusters import (
    ClusterRule,
    FirmColumns,
    count_clusters,
    economic_density,
    location_quotients,
)
from geopoverty.errors import InputError
from geopoverty.study.schema import PERIOD, UNIT, Table
from geopoverty.study.typed import read_keys

FIRM_STEPS = ("clusters", "quotients", "density")
_COLUMNS = {f.name: str | None for f in fields(FirmColumns) if f.name != "unit"}
_RULE: dict[str, Any] = get_type_hints(ClusterRule)
_LEVEL = int | tuple[int, ...]
_KNOWN = tuple[str, ...] | None
# What each step may be told, and as what.
KEYS: Mapping[str, Mapping[str, Any]] = {
    "clusters": {
        "level": _LEVEL, "by": str | int, "known": _KNOWN, **_RULE, **_COLUMNS,
    },
    "quotients": {"level": _LEVEL, "measure": str, "known": _KNOWN, **_COLUMNS},
    "density": {"value": str, "period": str | None, "absent": str},
}  # fmt: skip


def firm_step(
    key: str,
    asked: Mapping[str, Any],
    table: pd.DataFrame,
    counties: gpd.GeoDataFrame | None,
) -> pd.DataFrame:
    """Make a table of counties from one of firms.

    Parameters
    ----------
    key : {"clusters", "quotients", "density"}
    asked : mapping
        As written in the study: options of `count_clusters` (and the fields of
        `ClusterRule` and `FirmColumns`), `location_quotients` or `economic_density`.
    table : DataFrame
        One firm a row, with the column ``unit_id``. Never modified.
    counties : GeoDataFrame or None
        Every one of them gets a row; all firms count in what is measured, those of
        other units too.

    Returns
    -------
    DataFrame
        As of these functions; ``attrs["notes"]`` says by which rule.

    Raises
    ------
    InputError
        For an unknown option or one of another kind, and as these functions.

    Examples
    --------
    >>> firms = pd.DataFrame({"unit_id": ["a"] * 3 + ["b"] * 3, "employees": 9,
    ...                       "industry": ["17"] * 3 + ["34"] * 3})
    >>> rule = {"level": 2, "min_firms": 3, "min_employees": 20, "min_quotient": 2}
    >>> firm_step("clusters", rule, firms, None)["clusters"].to_list()
    [1, 1]
    """
    require_columns(table, [UNIT], key)
    told = read_keys(key, asked, KEYS[key])
    if PERIOD in table and "period" not in told:
        told["period"] = PERIOD
    if key == "density":
        return _density(told, table, counties)
    units = _units(table, counties)
    columns = FirmColumns(**_part(told, _COLUMNS))
    options = {k: v for k, v in told.items() if k in ("level", "by", "known")}
    if key == "quotients":
        options |= _part(told, ("measure",))
        return location_quotients(table, columns=columns, units=units, **options)
    rule = ClusterRule(**_part(told, _RULE))
    out = count_clusters(table, rule=rule, columns=columns, units=units, **options)
    digits = options.get("level", 3)
    out.attrs["notes"] = [*out.attrs.get("notes", ()), _rule_said(rule, digits)]
    return out


def industry_columns(name: str, tables: Mapping[str, Table]) -> tuple[str, ...]:
    """Return the columns of a table that hold industry codes, which are text.

    Parameters
    ----------
    name : str
        Of the table.
    tables : mapping of str to Table
        All of the study: steps of those that start from it count, too.

    Examples
    --------
    >>> counts = Table(table="firms", clusters={"industry": "code"})
    >>> industry_columns("firms", {"firms": Table(file="f.csv"), "counts": counts})
    ('code',)
    """
    part, found = tables[name], []
    for step in (part.clusters, part.quotients):
        found += [] if step is None else [step.get("industry", "industry")]
    rest = {k: t for k, t in tables.items() if k != name}
    for other, below in rest.items():
        if below.table == name:
            found += industry_columns(other, rest)
    return tuple(dict.fromkeys(n for n in found if isinstance(n, str)))


def _part(told: Mapping[str, Any], names: Any) -> dict[str, Any]:
    return {k: v for k, v in told.items() if k in names}


def _units(table: pd.DataFrame, counties: gpd.GeoDataFrame | None) -> pd.Index:
    found = unit_ids(table[UNIT], "The firm table", unique=False).unique()
    if counties is None:
        return found.sort_values()
    return counties.index.append(found.difference(counties.index))


def _density(
    told: dict[str, Any], table: pd.DataFrame, counties: gpd.GeoDataFrame | None
) -> pd.DataFrame:
    if counties is None:
        raise InputError("density needs [boundaries]: it divides by their areas.")
    # What lies elsewhere has no area here.
    inside = table[table[UNIT].isin(counties.index)]
    if inside.empty:
        raise InputError(
            "No row lies in the boundaries. Check that both use the same ids."
        )
    inside.attrs = dict(table.attrs)
    return economic_density(inside, counties, **{"absent": "zero", **told})


def _rule_said(rule: ClusterRule, level: Any) -> str:
    digits = level if isinstance(level, int) else " or ".join(map(str, level))
    share = f", {rule.min_share:.0%} of the county" if rule.min_share else ""
    return (
        f"A cluster is an industry ({digits} digits) in a county with a location "
        f"quotient (by {rule.measure}) of at least {rule.min_quotient:g}, "
        f"{rule.min_firms:,} firms, {rule.min_employees:,g} employees{share}."
    )

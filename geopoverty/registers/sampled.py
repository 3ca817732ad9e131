"""Opening a register for a regression whose rows stand in units and periods."""

from dataclasses import replace

import pandas as pd

from geopoverty.covariances import Vcov, columns_of
from geopoverty.design.lags import Weights
from geopoverty.design.sample import Sample
from geopoverty.effects.defaults import by_units
from geopoverty.registers.opening import open_rows
from geopoverty.registers.register import Register
from geopoverty.registers.rows import RegisterRows


def open_sampled(
    formula: str,
    register: Register,
    sample: Sample,
    vcov: Vcov | None,
    weights: Weights | None,
    unit_data: pd.DataFrame | None,
) -> tuple[RegisterRows, Vcov, list[str]]:
    """Open a register, and choose the covariance where none is asked for.

    Returns
    -------
    RegisterRows
    Vcov
    list of str
        Notes.
    """
    notes: list[str] = []
    chosen: Vcov = "hc1" if vcov is None else vcov
    if vcov is None and "W(" in formula.replace(" ", ""):
        chosen, notes = by_units(sample.unit)
    clusters = columns_of(chosen, sample.unit)
    there = sample.unit in register.columns
    roles = replace(sample.roles, unit=sample.unit if there or clusters else None)
    needed = dict.fromkeys((*clusters, *roles.others))
    rows = open_rows(
        formula,
        register,
        replace(roles, others=tuple(needed)),
        weights=weights,
        unit_data=unit_data,
        groups=[*roles.keys, *clusters],
        weighing=sample.sampling_weight,
    )
    return rows, chosen, notes


def unit_keys(rows: RegisterRows, sample: Sample) -> tuple[str, ...]:
    """Return the columns that name a row of the table of units, if there can be one."""
    if sample.unit not in rows.plan.groups:
        return ()
    keys = (sample.unit, sample.period)
    return tuple(k for k in keys if k is not None and k in rows.plan.groups)


def units_of(rows: RegisterRows, keys: tuple[str, ...], sample: Sample) -> pd.DataFrame:
    """Return the units (and periods), a row each, in the order of sums."""
    names = {sample.unit: "unit_id", sample.period: "period"}
    return rows.table_of_groups(keys).rename(columns=names)


def no_units(rows: RegisterRows, unit: str) -> str:
    """Return the note that says why there is no table of units."""
    told = f"The register has no column '{unit}'"
    if unit in rows.register.columns:
        told = f"'{unit}' has too many values to hold a row for each"
    return f"{told}: there is no table of units."


def counted_units(rows: RegisterRows, sample: Sample) -> dict[str, int]:
    """Return how many units and periods there are."""
    keys = ((sample.unit, "n_units"), (sample.period, "n_periods"))
    groups = rows.plan.groups
    return {name: len(groups[k]) for k, name in keys if k is not None and k in groups}

"""Opening a register for a formula: one pass that fixes what batches share."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from geopoverty._checks import unit_ids
from geopoverty.design.build import Roles
from geopoverty.design.lags import Weights
from geopoverty.registers.lags import joined_units
from geopoverty.registers.plan import Plan, categories_of
from geopoverty.registers.register import Register
from geopoverty.registers.rows import RegisterRows, positive_weights
from geopoverty.registers.scan import require_few_levels, scan


def open_rows(
    formula: str,
    register: Register,
    roles: Roles,
    *,
    outcome: bool = True,
    weights: Weights | None = None,
    unit_data: pd.DataFrame | None = None,
    groups: Iterable[str] = (),
    weighing: str | None = None,
) -> RegisterRows:
    """Read through a register once and fix what every batch must share.

    Parameters
    ----------
    formula : str
    register : Register
    roles : Roles
        Its columns must not be missing in a row.
    outcome : bool
        Whether the formula has a left side.
    weights : SpatialWeights, optional
        For ``W(x)``.
    unit_data : DataFrame, optional
        Values of units, joined by key.
    groups : iterable of str
        Columns whose values group rows: the unit, clusters.
    weighing : str, optional
        Column of sampling weights; among ``roles.others``.

    Raises
    ------
    InputError
        If a column is unknown, a number infinite, no row complete, a text has too many
        categories to be one, or ids of units are not text.
    """
    known = frozenset({*register.columns, *_columns_of(unit_data)})
    plan = Plan(formula, known, roles, outcome)
    joined, notes = joined_units(plan.parsed, register, roles, weights, unit_data)
    truths = tuple(c for c, kind in register.columns.items() if kind == "truth")
    plan = replace(plan, joined=joined, truths=truths)
    register.must_have(plan.needed)
    levels = [
        c for c in categories_of(plan.parsed, register.columns) if c in plan.needed
    ]
    grouping = list(dict.fromkeys(groups))
    found = scan(register, plan.needed, list(dict.fromkeys([*levels, *grouping])))
    require_few_levels(found.distinct, levels)
    if roles.unit in grouping and roles.unit in found.distinct:
        unit_ids(found.distinct[str(roles.unit)], "The register", unique=False)
    plan = replace(
        plan,
        levels={c: found.distinct[c] for c in levels},
        groups={c: found.distinct[c] for c in grouping if c in found.distinct},
    )
    sample = plan.design(found.sample)
    assert sample is not None  # it holds complete rows only
    if found.dropped:
        notes = [
            *notes,
            f"{found.dropped:,} rows with a missing value were left out.",
        ]
    rows = RegisterRows(
        register, plan, found, sample, None, 1.0, (*register.notes, *notes)
    )
    if weighing is None:
        return rows
    mass = rows.total(lambda b: (positive_weights(b.design.rows[weighing]).sum(),))[0]
    return replace(rows, weighing=weighing, scale=found.complete / float(mass))


def _columns_of(unit_data: pd.DataFrame | None) -> list[str]:
    return [] if unit_data is None else [str(c) for c in unit_data.columns]

"""From a table of waves to units with a base row, and all rows of outcomes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, warn
from geopoverty.design.build import Design, Roles, build_design
from geopoverty.errors import InputError
from geopoverty.estimators.did.rows import (
    after_of,
    keyed,
    refuse_repeats,
    refuse_switching,
    require_both,
    zero_one,
)
from geopoverty.numerics.types import Array, Mask


@dataclass(frozen=True, eq=False)
class Panel:
    """Units with their base row, and all rows of outcomes.

    Attributes
    ----------
    design : Design
        Of the base period, a row a unit.
    base : array of bool, shape (units,)
        Who is treated.
    rows : DataFrame, n rows
        Complete rows of complete units.
    at : array of int, shape (n,)
        Row of the unit in `design`.
    unit : str
        Column of units.
    Y : array, shape (n, q)
    treated, post : array of bool, shape (n,)
    dropped : int
    notes : tuple of str
    """

    design: Design
    base: Mask
    rows: pd.DataFrame
    at: Array
    unit: str
    Y: Array
    treated: Mask
    post: Mask
    dropped: int
    notes: tuple[str, ...]


def read_panel(
    formula: str,
    data: pd.DataFrame,
    names: tuple[str, ...],
    keys: tuple[str, str, str | None],
    clusters: tuple[str, ...],
) -> Panel:
    """Read waves, and find each unit's row before the start.

    Raises
    ------
    InputError
        If waves, treatment or outcomes cannot be used.
    """
    unit, period, post = keys
    needed = (period, post, *names, *clusters)
    table = keyed(data, unit, needed, "psm_did")
    known = [c for c in dict.fromkeys((unit, *needed)) if c is not None]
    treated = formula.partition("~")[0].strip()
    if treated in names:
        raise InputError(f"'{treated}' cannot be both treatment and outcome.")
    if treated in table.columns:
        said = table[table[treated].notna() & table[unit].notna()]
        zero_one(said[treated], "treatment")
        refuse_switching(said, treated, unit)
    complete = table[known].notna().all(axis=1).to_numpy()
    rows = table[complete]
    refuse_repeats(rows, unit, period)
    after = after_of(rows, period, post, "psm_did")
    base = rows[~after]
    base = base[base[period] == base[period].max()]
    design = build_design(formula, base, roles=Roles(unit, period, clusters))
    if design.names[0] != "Intercept" or len(design.names) < 2:
        raise InputError(
            f"'{formula}' must have a constant and at least one covariate: they "
            "explain who is treated."
        )
    return _joined(design, rows, after, names, (unit, treated), int((~complete).sum()))


def _joined(
    design: Design,
    rows: pd.DataFrame,
    after: Mask,
    names: tuple[str, ...],
    keys: tuple[str, str],
    dropped: int,
) -> Panel:
    """Keep units with rows before and after, and set them beside their base row."""
    unit, treated = keys
    ids = pd.Index(design.rows[unit])
    later = pd.Index(rows[unit][after].unique())
    kept = ids.isin(later)
    notes = list(design.notes)
    everyone = pd.Index(rows[unit].unique()).sort_values()
    lost = everyone[~everyone.isin(ids[kept])]
    if not kept.any():
        raise InputError(
            f"No {unit} has complete rows both before and after the start: a wave is "
            "missing. Check that ids are the same in all waves; did(unit=None) takes "
            "repeated cross-sections."
        )
    if len(lost):
        notes.append(
            f"{len(lost):,} of {len(everyone):,} units lack a complete row before or "
            f"after the start and are left out ({first(lost)})."
        )
        warn(notes[-1])
    at = ids[kept].get_indexer(rows[unit])
    seen = at >= 0
    design = _part(design, kept, tuple(notes))
    base = (
        zero_one(design.rows[treated], "treatment")
        if treated in design.rows
        else (design.y == 1)
    )
    require_both(base, treated)
    Y = np.column_stack([_numbers(rows[n]) for n in names])[seen]
    at = at[seen]
    out = dropped + int((~seen).sum())
    return Panel(
        design,
        base,
        rows[seen],
        at,
        unit,
        Y,
        base[at],
        after[seen],
        out,
        tuple(notes),
    )


def _part(design: Design, kept: Mask, notes: tuple[str, ...]) -> Design:
    return Design(
        design.formula,
        design.y[kept],
        np.ascontiguousarray(design.X[kept]),
        design.names,
        design.terms,
        design.rows[kept],
        design.dropped,
        None,
        notes,
    )


def _numbers(values: pd.Series) -> Array:
    if not pd.api.types.is_numeric_dtype(values):
        raise InputError(
            f"The outcome '{values.name}' must be numeric; it holds {values.dtype}."
        )
    out = values.to_numpy(np.float64)
    require(
        np.isfinite(out),
        f"The outcome '{values.name}' must be finite",
        ids=values.index,
        way_out="Drop these rows.",
    )
    return np.asarray(out)

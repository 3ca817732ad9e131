"""How to build a design again for other rows: kept with a result, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require
from geopoverty.design.build import Design, Roles, build_design
from geopoverty.design.formula import names_in
from geopoverty.design.lags import Weights
from geopoverty.design.quoting import holds_lag
from geopoverty.design.sample import Sample
from geopoverty.errors import InputError
from geopoverty.numerics.types import Codes

# What these return depends on all rows they see, so new rows would change them.
STATEFUL = {"center", "scale", "standardize", "poly", "bs", "cr"}


@dataclass(frozen=True)
class Recipe:
    """What new rows must go through to meet the coefficients of a fit.

    Attributes
    ----------
    right : str
        The right side of the formula.
    unit, period, sampling_weight : str or None
    levels : dict of str to list
        The categories of each column that has any.
    names : list of str
        The columns of the design, in the order of the coefficients.
    intercept : bool
        Whether a constant belongs to the model.
    """

    right: str
    unit: str
    period: str | None
    sampling_weight: str | None
    levels: Mapping[str, list[Any]]
    names: list[str]
    intercept: bool = True


def recipe_of(
    design: Design,
    sample: Sample,
    *,
    link: str,
    model: str = "none",
    scaled: bool = False,
    columns: list[str] | None = None,
    intercept: bool = True,
) -> dict[str, Any]:
    """Return what `predict` and `scenario` need, as plain values, ready for JSON.

    Parameters
    ----------
    design : Design
    sample : Sample
    link, model : str
    scaled : bool
        Whether the index is divided by the spread of dependent errors.
    columns : list of str, optional
        The coefficients' columns, where they are more than the design's.
    intercept : bool
        Whether a constant belongs to the model.
    """
    formula = design.formula
    after = formula.text.find("~", formula.text.find(formula.outcome))
    return {
        "design": {
            "right": formula.text[after + 1 :].strip(),
            "unit": sample.unit,
            "period": sample.period,
            "sampling_weight": sample.sampling_weight,
            "levels": {
                c: _levels(design.rows[c])
                for c in sorted(formula.columns)
                if _is_category(design, c)
            },
            "names": list(design.names),
            "intercept": intercept,
        },
        "columns": list(columns or design.names),
        "link": link,
        "model": model,
        "scaled": scaled,
    }


def rebuilt(
    recipe: Mapping[str, Any], data: pd.DataFrame, weights: Weights | None
) -> tuple[Design, Codes]:
    """Build the design of a recipe for other rows.

    Parameters
    ----------
    recipe : mapping
        The design's part of `recipe_of`.
    data : DataFrame, n rows
        With the columns of the right side; the outcome is not needed.
    weights : SpatialWeights or None
        Needed by ``W(x)``.

    Returns
    -------
    Design
        Columns in the order of the recipe.
    array of int
        Which rows of `data` are complete, by position.

    Raises
    ------
    InputError
        If the formula has a function that depends on all rows, a category was not
        in the fit, or columns are missing.
    """
    kept = Recipe(**recipe)
    used = names_in_right(kept.right)
    stateful = sorted(used & STATEFUL)
    if stateful:
        raise InputError(
            f"{first(stateful)} depends on all rows it sees, so new rows cannot be "
            "set against the fit. Compute that column in the table before fitting."
        )
    by_index = kept.unit not in data.columns and data.index.name == kept.unit
    # Positions in place of the index: rows must be found again, whatever it was.
    table = data.reset_index() if by_index else data.reset_index(drop=True)
    table = table.assign(**{c: _categories(table, c, kept) for c in kept.levels})
    design = build_design(
        kept.right,
        table,
        roles=_roles(sample_in(recipe, data), weights, kept.right),
        outcome=False,
        weights=weights if "W(" in kept.right else None,
        intercept=kept.intercept,
        collinear=True,
    )
    plain = [n for n in kept.names if n in design.names]
    lacking = [n for n in kept.names if n not in design.names and n[:2] != "W("]
    surplus = [n for n in design.names if n not in kept.names]
    if lacking or surplus:
        raise InputError(
            "The table does not give the columns of the fit: "
            f"{first([*lacking, *surplus])}. Make its columns of the same kind."
        )
    order = [design.names.index(n) for n in plain]
    moved = replace(
        design, X=np.ascontiguousarray(design.X[:, order]), names=plain, terms=[]
    )
    return moved, np.asarray(design.rows.index, dtype=np.intp)


def names_in_right(right: str) -> set[str]:
    """Return every name on a right side, functions included.

    Examples
    --------
    >>> sorted(names_in_right("age + center(jobs)"))
    ['age', 'center', 'jobs']
    """
    return names_in(right.replace(":", "+"))


def sample_in(recipe: Mapping[str, Any], data: pd.DataFrame) -> Sample:
    """Return how rows of `data` stand in units; sampling weights where they are."""
    weighing = recipe["sampling_weight"]
    return Sample(
        recipe["unit"], recipe["period"], weighing if weighing in data else None
    )


def _roles(sample: Sample, weights: Weights | None, right: str) -> Roles:
    if weights is None and not holds_lag(right):
        return Roles()
    roles = sample.roles
    return replace(roles, others=(*roles.others, sample.unit))


def _levels(column: pd.Series) -> list[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.categories)
    return list(pd.unique(column.sort_values()))


def _is_category(design: Design, column: str) -> bool:
    if column not in design.rows:
        return False
    if not pd.api.types.is_numeric_dtype(design.rows[column]):
        return True
    factors = {f for t, _ in design.terms for f in t.factors if column in names_in(f)}
    return bool(factors) and all(f.startswith("C(") for f in factors)


def _categories(table: pd.DataFrame, column: str, kept: Recipe) -> pd.Categorical:
    if column not in table.columns:
        raise InputError(f"The table needs the column '{column}', as in the fit.")
    values, levels = table[column], kept.levels[column]
    ids = table.index if kept.unit not in table else table[kept.unit].to_numpy()
    require(
        (values.isna() | values.isin(levels)).to_numpy(),
        f"'{column}' must be one of the categories of the fit ({first(levels)})",
        ids=ids,
        way_out="Drop these rows, or fit again with rows of these categories.",
    )
    return pd.Categorical(values, categories=levels)

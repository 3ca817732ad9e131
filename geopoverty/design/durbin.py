"""Lags of all covariates: what makes a lag model a Durbin model."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geopoverty.design.build import Design
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class LaggedDesign:
    """A design and which of its columns are lags of which.

    Attributes
    ----------
    design : Design
    lag_of : dict of int to int
        From a column to the column of its lag.
    """

    design: Design
    lag_of: dict[int, int]


def lagged_design(
    design: Design, W: Any, cells: Cells, *, durbin: bool
) -> LaggedDesign:
    """Find the lags that a design has, and with `durbin` add all that it lacks.

    Parameters
    ----------
    design : Design
    W : array or CSR array, shape (units, units)
    cells : Cells
    durbin : bool

    Returns
    -------
    LaggedDesign
        A column x has its lag ``W(x)`` at the right end, the constant and lags
        themselves left out. Means over a cell's rows are lagged.
    """
    new = lags_lacking(design) if durbin else []
    if not new:
        return with_lags(design, [], None)
    lags = lag_cells(W, cells, cells.mean(design.X[:, new]))
    return with_lags(design, new, lags[cells.codes])


def lags_lacking(design: Design) -> list[int]:
    """Return the columns whose lag a Durbin model adds."""
    return [j for j in _own(design) if f"W({design.names[j]})" not in design.names]


def with_lags(design: Design, new: list[int], lags: Array | None) -> LaggedDesign:
    """Add the lags of some columns at the right end.

    Parameters
    ----------
    design : Design
    new : list of int
    lags : array, shape (n, len(new)), or None
        None for none.
    """
    own = _own(design)
    if lags is not None:
        X = np.ascontiguousarray(np.column_stack([design.X, lags]))
        names = [*design.names, *(f"W({design.names[j]})" for j in new)]
        design = replace(design, X=X, names=names)
    known = {n: j for j, n in enumerate(design.names)}
    lag_of = {
        j: known[f"W({design.names[j]})"]
        for j in own
        if f"W({design.names[j]})" in known
    }
    return LaggedDesign(design, lag_of)


def _own(design: Design) -> list[int]:
    """Return the columns that are neither the constant nor lags."""
    return [
        j
        for j, n in enumerate(design.names)
        if n != "Intercept" and not any(lag in n for lag in design.formula.lags)
    ]

"""Lags of all covariates: what makes a lag model a Durbin model."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geopoverty.design.build import Design
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.resolvent import lag_cells


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
    names = design.names
    known = {n: j for j, n in enumerate(names)}
    own = [
        j
        for j, n in enumerate(names)
        if n != "Intercept" and not any(lag in n for lag in design.formula.lags)
    ]
    new = [j for j in own if f"W({names[j]})" not in known] if durbin else []
    if new:
        lags = lag_cells(W, cells, cells.mean(design.X[:, new]))[cells.codes]
        X = np.ascontiguousarray(np.column_stack([design.X, lags]))
        names = [*names, *(f"W({names[j]})" for j in new)]
        design = replace(design, X=X, names=names)
        known = {n: j for j, n in enumerate(names)}
    lag_of = {j: known[f"W({names[j]})"] for j in own if f"W({names[j]})" in known}
    return LaggedDesign(design, lag_of)

"""Stacked equations of a panel: transformed rows, and levels beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.dynamic.gmm import Equations, Step, part_inverse
from geopoverty.numerics.dynamic.grid import (
    deviations_matrix,
    differences_matrix,
    transformed,
)
from geopoverty.numerics.dynamic.serial import Differenced
from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class Panel:
    """A panel by unit and period.

    Attributes
    ----------
    y : array, shape (units, length)
    X : array, shape (units, length, k)
        Anything where not `there`.
    there : array of bool, shape (units, length)
        Where there is a complete row.
    clusters : array of int, shape (units,)
        From 0.
    sweep : array, shape (units, length, length)
        What takes the unit effects out: `sweep_of`.
    """

    y: Array
    X: Array
    there: Mask
    clusters: Codes
    sweep: Array

    def swept(self, x: Array) -> Array:
        """Return the transformed values of x, shape (units, length, ...)."""
        wide = x if x.ndim == 3 else x[..., None]
        out = transformed(self.sweep, wide, self.there)[0]
        return out if x.ndim == 3 else out[..., 0]

    @property
    def equations(self) -> Mask:
        """Where there is a transformed equation, shape (units, length)."""
        return np.asarray(self.sweep.any(axis=2))


def sweep_of(there: Mask, *, deviations: bool) -> Array:
    """Return each unit's transformation, shape (units, length, length)."""
    return deviations_matrix(there) if deviations else differences_matrix(there)


@dataclass(frozen=True, eq=False)
class Column:
    """One instrument; None stands for zeros.

    Attributes
    ----------
    swept, level : array, shape (units, length), or None
        For the transformed and for the level equation.
    """

    swept: Array | None = None
    level: Array | None = None


@dataclass(frozen=True, eq=False)
class Stacked:
    """Equations ready for GMM.

    Attributes
    ----------
    eq : Equations
        Transformed rows first, units in order, then (in a system) levels.
    weight : array, shape (L, L)
        Of the first step.
    kept : array of int
        The instruments that are not 0 throughout, by position.
    """

    eq: Equations
    weight: Array
    kept: Codes


def stack(panel: Panel, columns: Sequence[Column], *, system: bool) -> Stacked:
    """Stack the equations of a panel.

    Parameters
    ----------
    panel : Panel
    columns : sequence of Column, length L
    system : bool
        Whether levels stand beside the transformed rows.

    Returns
    -------
    Stacked

    Notes
    -----
    The first step weighs the moments as if errors were independent with equal
    variance and units had no effects: ``H = (M', I)'(M', I)`` with the transformation
    M (Roodman 2009, equation 26), so that ``Z'HZ`` is the cross-product of
    ``M'Z_swept + Z_level``.
    """
    swept, there = panel.equations, panel.there
    zero = np.zeros(there.shape)
    upper = [np.where(swept, zero if c.swept is None else c.swept, 0) for c in columns]
    lower = [np.where(there, zero if c.level is None else c.level, 0) for c in columns]
    kept = np.flatnonzero(
        [
            bool(u.any() or (system and v.any()))
            for u, v in zip(upper, lower, strict=True)
        ]
    )
    Zs = np.stack([upper[j] for j in kept], axis=-1)
    Zl = np.stack([lower[j] for j in kept], axis=-1)
    del upper, lower
    both = np.swapaxes(panel.sweep, 1, 2) @ Zs
    if system:
        both += Zl
    flat = both.reshape(-1, len(kept))
    weight, _ = part_inverse(flat.T @ flat)
    group = np.repeat(panel.clusters[:, None], there.shape[1], axis=1)
    below = there if system else np.zeros_like(there)
    eq = Equations(
        np.concatenate([panel.swept(panel.y)[swept], panel.y[below]]),
        np.concatenate([panel.swept(panel.X)[swept], panel.X[below]]),
        np.concatenate([Zs[swept], Zl[below]]),
        np.concatenate([group[swept], group[below]]),
        int(panel.clusters.max()) + 1,
    )
    return Stacked(eq, weight, kept)


def differenced(panel: Panel) -> Differenced:
    """Return the panel in first differences, for tests of serial correlation."""
    matrix = differences_matrix(panel.there)
    y, there = transformed(matrix, panel.y[..., None], panel.there)
    X, _ = transformed(matrix, panel.X, panel.there)
    return Differenced(y[..., 0], X, there, panel.clusters)


def sargan(stacked: Stacked, one: Step, diff: Differenced) -> float:
    """Return Sargan's statistic of the first step.

    Parameters
    ----------
    stacked : Stacked
    one : Step
        The first.
    diff : Differenced

    Notes
    -----
    The variance of the errors is half the mean squared residual of the differences.
    (xtabond2 divides by the number of levels in a system: its statistic is larger by
    levels over differences.)
    """
    moments = stacked.eq.Z.T @ one.residual
    change = (diff.y - diff.X @ one.beta)[diff.there]
    variance = float(change @ change) / 2 / len(change)
    return float(moments @ stacked.weight @ moments) / variance

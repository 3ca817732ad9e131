"""Arellano and Bond's test of serial correlation in differenced residuals."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.dynamic.gmm import Equations, Step
from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class Differenced:
    """The model in first differences, whatever the estimation used.

    Attributes
    ----------
    y : array, shape (units, length)
    X : array, shape (units, length, k)
    there : array of bool, shape (units, length)
        Where there is a difference; y and X are 0 elsewhere.
    clusters : array of int, shape (units,)
    """

    y: Array
    X: Array
    there: Mask
    clusters: Codes


def serial_correlation(
    eq: Equations, step: Step, vcov: Array, diff: Differenced, order: int
) -> float | None:
    """Return the test statistic, standard normal without serial correlation.

    Parameters
    ----------
    eq : Equations
        As estimated.
    step : Step
    vcov : array, shape (k, k)
        Of the coefficients, robust or corrected.
    diff : Differenced
    order : int
        1 or more.

    Returns
    -------
    float or None
        None if no unit has differences that far apart.

    References
    ----------
    Arellano & Bond (1991), equation 8, in the form of Roodman, D. (2009). How to do
    xtabond2. Stata Journal 9, 86-136, section 3.5.
    """
    residual = np.where(diff.there, diff.y - diff.X @ step.beta, 0.0)
    lagged = np.zeros_like(residual)
    lagged[:, order:] = residual[:, :-order] if order < residual.shape[1] else 0.0
    if not (lagged * residual).any():
        return None
    own = np.einsum("ut,ut->u", lagged, residual)
    per_cluster = np.bincount(diff.clusters, own, minlength=eq.count)
    slope = np.einsum("ut,utk->k", lagged, diff.X)
    cross = step.projection @ (eq.sums(step.residual).T @ per_cluster)
    variance = per_cluster @ per_cluster - 2 * slope @ cross + slope @ vcov @ slope
    if not variance > 0:
        return None
    return float(own.sum() / np.sqrt(variance))

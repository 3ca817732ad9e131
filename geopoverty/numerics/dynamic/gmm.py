"""Linear GMM in one and two steps, with robust and corrected standard errors."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.numerics.covariance import group_sums
from geopoverty.numerics.types import Array, Codes, Mask

SINGULAR = 1e-10  # of the greatest eigenvalue: below it a direction counts as none


@dataclass(frozen=True, eq=False)
class Equations:
    """Stacked equations y = X b + e with instruments Z.

    Attributes
    ----------
    y : array, shape (n,)
    X : array, shape (n, k)
    Z : array, shape (n, L)
    groups : array of int, shape (n,)
        Clusters: units, or what holds several. Errors of different clusters are
        independent.
    count : int
        Number of clusters.
    """

    y: Array
    X: Array
    Z: Array
    groups: Codes
    count: int

    def sums(self, values: Array) -> Array:
        """Return Z'v of each cluster, shape (count, L)."""
        scores = [(slice(0, len(values)), self.Z * values[:, None])]
        return group_sums(scores, self.groups, self.count, self.Z.shape[1])


@dataclass(frozen=True, eq=False)
class Step:
    """One step of GMM.

    Attributes
    ----------
    beta : array, shape (k,)
    weight : array, shape (L, L)
        Of the moments.
    projection : array, shape (k, L)
        ``(X'Z A Z'X)^-1 X'Z A``: from moments to coefficients.
    residual : array, shape (n,)
    """

    beta: Array
    weight: Array
    projection: Array
    residual: Array


@dataclass(frozen=True, eq=False)
class GmmFit:
    """Both steps of GMM.

    Attributes
    ----------
    one, two : Step
    robust_one : array, shape (k, k)
        Covariance of the first step, robust to anything within clusters.
    plain_two : array, shape (k, k)
        Of the second step, as if its weights were known: too small.
    corrected_two : array, shape (k, k)
        Windmeijer's (2005).
    spread : array, shape (L, L)
        Covariance of the moments at the first step, times the clusters.
    hansen : float
        Of the second step.
    singular : bool
        Whether `spread` had to be inverted in part only.
    """

    one: Step
    two: Step
    robust_one: Array
    plain_two: Array
    corrected_two: Array
    spread: Array
    hansen: float
    singular: bool


def fit_gmm(eq: Equations, weight: Array) -> GmmFit:
    """Estimate in two steps.

    Parameters
    ----------
    eq : Equations
        ``Z'X`` of full column rank.
    weight : array, shape (L, L)
        The first step's weight of moments, ``(sum Z_i' H Z_i)^-1``.

    Returns
    -------
    GmmFit

    References
    ----------
    Arellano, M. & Bond, S. (1991). Some tests of specification for panel data.
    Review of Economic Studies 58, 277-297, section 2. Windmeijer, F. (2005). A
    finite sample correction for the variance of linear efficient two-step GMM
    estimators. Journal of Econometrics 126, 25-51, equation 3.3.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> y = 2 * x + np.array([1.0, 1.0, -1.0, 0.0])
    >>> eq = Equations(y, x[:, None], x[:, None], np.arange(4), 4)
    >>> fit_gmm(eq, np.eye(1)).one.beta
    array([2.])
    """
    ZX, Zy = eq.Z.T @ eq.X, eq.Z.T @ eq.y
    one = _step(eq, ZX, Zy, weight)
    sums = eq.sums(one.residual)
    spread = sums.T @ sums
    inverse, singular = part_inverse(spread)
    two = _step(eq, ZX, Zy, inverse)
    robust_one = one.projection @ spread @ one.projection.T
    plain_two = linalg.inv(ZX.T @ inverse @ ZX)
    D = _sensitivity(eq, two, sums)
    corrected = plain_two + D @ plain_two + plain_two @ D.T + D @ robust_one @ D.T
    return GmmFit(
        one,
        two,
        _even(robust_one),
        _even(plain_two),
        _even(corrected),
        spread,
        hansen_of(eq, two),
        singular,
    )


def hansen_of(eq: Equations, step: Step) -> float:
    """Return Hansen's J: the weighted squared moments at a step's residuals."""
    moments = eq.Z.T @ step.residual
    return float(moments @ step.weight @ moments)


def hansen_without(eq: Equations, fit: GmmFit, kept: Mask) -> float | None:
    """Return Hansen's J with some instruments only, weighted as in the whole.

    Parameters
    ----------
    eq : Equations
    fit : GmmFit
    kept : array of bool, shape (L,)

    Returns
    -------
    float or None
        None if what is left does not identify the coefficients.

    Notes
    -----
    The weight is the inverse of the whole's covariance of these moments, so that the
    difference from the whole's J cannot be negative but for a singular covariance
    (Hayashi 2000, section 3.6).
    """
    part = Equations(eq.y, eq.X, eq.Z[:, kept], eq.groups, eq.count)
    ZX = part.Z.T @ eq.X
    if np.linalg.matrix_rank(_unit_columns(ZX)) < eq.X.shape[1]:
        return None
    inverse, _ = part_inverse(fit.spread[np.ix_(kept, kept)])
    return hansen_of(part, _step(part, ZX, part.Z.T @ eq.y, inverse))


def part_inverse(matrix: Array) -> tuple[Array, bool]:
    """Invert a covariance, in its range only where it is singular.

    Returns
    -------
    array, shape (L, L)
    bool
        Whether it is singular.

    Examples
    --------
    >>> part_inverse(np.diag([4.0, 0.0]))
    (array([[0.25, 0.  ],
           [0.  , 0.  ]]), True)
    """
    size = np.sqrt(np.diag(matrix))
    scale = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
    values, vectors = linalg.eigh(matrix * np.outer(scale, scale))
    kept = values > SINGULAR * values[-1]
    half = vectors[:, kept] / np.sqrt(values[kept])
    half = half * scale[:, None]
    return half @ half.T, not kept.all()


def _step(eq: Equations, ZX: Array, Zy: Array, weight: Array) -> Step:
    half = ZX.T @ weight
    projection = linalg.solve(half @ ZX, half)
    beta = projection @ Zy
    return Step(beta, weight, projection, eq.y - eq.X @ beta)


def _sensitivity(eq: Equations, two: Step, sums: Array) -> Array:
    """Return how two-step coefficients move with the first step's, shape (k, k)."""
    tilt = two.weight @ (eq.Z.T @ two.residual)
    along = sums @ tilt
    columns = []
    for x in eq.X.T:
        own = eq.sums(x)
        columns.append(two.projection @ (own.T @ along + sums.T @ (own @ tilt)))
    return np.column_stack(columns)


def _even(matrix: Array) -> Array:
    return np.asarray((matrix + matrix.T) / 2)


def _unit_columns(matrix: Array) -> Array:
    length = np.sqrt((matrix**2).sum(axis=0))
    return matrix / np.where(length > 0, length, 1.0)

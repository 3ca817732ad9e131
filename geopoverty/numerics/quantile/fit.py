"""Regression quantiles of many rows: only the rows near the plane are solved for."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.least_squares import triangle
from geopoverty.numerics.quantile.interior import interior_point
from geopoverty.numerics.quantile.vertex import to_vertex
from geopoverty.numerics.types import Array, Mask

GAP = 1e-9  # of the sum of absolute residuals
SMALL = 3000  # rows: below this all are solved for at once
KEPT = 0.8  # rows kept near the plane, as a share of the subsample's


@dataclass(frozen=True, eq=False)
class Frame:
    """Rows on scales that a computer likes.

    Attributes
    ----------
    X : array, shape (n, k), C order
        Orthogonal columns: X'X is n times the identity.
    y : array, shape (n,)
        Residuals from least squares, of mean size 1.
    band : array, shape (n,)
        Length of the rows of X: how far a row's fitted value may be off.
    back : array, shape (k, k)
    centre : array, shape (k,)
    scale : float
        ``centre + scale back b`` are coefficients on the scale of the user.
    weighted : bool
        Whether rows were multiplied by weights: then the rows below the plane need
        not be a share tau of all.
    """

    X: Array
    y: Array
    band: Array
    back: Array
    centre: Array
    scale: float
    weighted: bool = False

    def given(self, b: Array) -> Array:
        """Return coefficients on the scale of the user."""
        return np.asarray(self.centre + self.scale * (self.back @ b))


@dataclass(frozen=True, eq=False)
class Solved:
    """One quantile.

    Attributes
    ----------
    b : array, shape (k,)
        On the scale of the frame.
    status : int
        0: the only optimum; 1: perhaps one of several; 2: not proved.
    """

    b: Array
    status: int


def frame_of(X: Array, y: Array, w: Array | None = None) -> Frame:
    """Orthogonalise the columns and centre the outcome.

    Parameters
    ----------
    X : array, shape (n, k)
        Of full column rank.
    y : array, shape (n,)
    w : array, shape (n,), optional
        Weights above 0, multiplied into the rows: w rho(r) is rho(w r).

    Examples
    --------
    >>> frame = frame_of(np.ones((4, 1)), np.array([0.0, 1.0, 2.0, 5.0]))
    >>> frame.given(np.zeros(1)), frame.scale
    (array([2.]), 1.5)
    """
    n, k = X.shape
    if w is not None:
        X, y = X * w[:, None], y * w
    size = np.sqrt(np.einsum("ij,ij->j", X, X))
    root = linalg.solve_triangular(triangle(X, size), np.eye(k))
    back = root * np.sqrt(n) / size[:, None]
    Z = np.ascontiguousarray(X @ back)
    first = Z.T @ y / n
    e = y - Z @ first
    again = Z.T @ e / n
    e = e - Z @ again
    scale = float(np.abs(e).mean()) or 1.0
    band = np.sqrt(np.einsum("ij,ij->i", Z, Z))
    centre = back @ (first + again)
    return Frame(Z, e / scale, band, back, centre, scale, w is not None)


def solve(frame: Frame, tau: float) -> Solved:
    """Return one regression quantile.

    Parameters
    ----------
    frame : Frame
    tau : float
        Between 0 and 1.

    Notes
    -----
    A subsample says where the plane is; rows clearly above or below it are summed
    to one row each, which pulls as they do; the rest is solved, and the sums are
    right if every row in them is where it was said to be. Else the rows that are not
    are put back, or the subsample grows.

    References
    ----------
    Portnoy, S. & Koenker, R. (1997). Statistical Science 12, 279-300, section 5.

    Examples
    --------
    >>> frame = frame_of(np.ones((5, 1)), np.array([3.0, 1.0, 4.0, 1.0, 5.0]))
    >>> frame.given(solve(frame, 0.5).b).round(9)
    array([3.])
    """
    n, k = frame.X.shape
    size = int(((k + 1) * n) ** (2 / 3))
    rng = np.random.default_rng(0)
    while n > SMALL and size < 0.5 * n:
        rows = np.sort(rng.integers(0, n, size))
        try:
            b = solve_rows(frame.X[rows], frame.y[rows], tau, exact=False, gap=1e-5).b
        except EstimationError:  # the subsample lacks a category
            break
        found = near(frame, tau, outer_rows(frame, tau, b, KEPT * size), KEPT * size)
        if found is not None:
            return found
        size *= 2
    return solve_rows(frame.X, frame.y, tau)


def solve_rows(
    X: Array, y: Array, tau: float, *, exact: bool = True, gap: float = GAP
) -> Solved:
    """Solve for all rows at once.

    Raises
    ------
    EstimationError
        If the columns are dependent in these rows.
    """
    total = float(np.abs(y).sum())
    try:
        b, _ = interior_point(X, y, tau, gap * total)
        if not exact:
            return Solved(b, 2)
        return Solved(*to_vertex(X, y, tau, b))
    except np.linalg.LinAlgError as error:
        raise EstimationError(
            "The columns determine one another in the rows that were drawn."
        ) from error


Outer = tuple[Mask, Mask]


def outer_rows(frame: Frame, tau: float, b: Array, kept: float) -> Outer:
    """Return which rows are clearly below and above the plane, all but `kept`."""
    n = len(frame.y)
    far = (frame.y - frame.X @ b) / frame.band
    middle = float((far < 0).sum()) if frame.weighted else tau * n
    at = np.clip([middle - kept / 2, middle + kept / 2], 0, n - 1).astype(int)
    low, high = np.partition(far, at)[at]
    return far < low, far > high


def near(
    frame: Frame, tau: float, outer: Outer, kept: float, w: Array | None = None
) -> Solved | None:
    """Solve with the outer rows summed; None if too many of them were misplaced.

    Parameters
    ----------
    frame : Frame
    tau : float
    outer : two arrays of bool, shape (n,)
    kept : float
        Rows that were to be kept.
    w : array, shape (n,), optional
        Weights, 0 or more.

    Raises
    ------
    EstimationError
        If the columns are dependent in these rows.
    """
    below, above = outer
    while True:
        X, y = _summed(frame, below, above, w)
        found = solve_rows(X, y, tau)
        r = frame.y - frame.X @ found.b
        back_up, back_down = below & (r > 0), above & (r < 0)
        if w is not None:
            back_up, back_down = back_up & (w > 0), back_down & (w > 0)
        wrong = int(back_up.sum() + back_down.sum())
        if not wrong:
            return found
        if wrong > 0.1 * kept:
            return None
        below, above = below & ~back_up, above & ~back_down


def _summed(
    frame: Frame, below: Mask, above: Mask, w: Array | None
) -> tuple[Array, Array]:
    middle = ~(below | above)
    if w is not None:
        middle &= w > 0
    X, y = frame.X[middle], frame.y[middle]
    if w is not None:
        X, y = X * w[middle, None], y * w[middle]
    # A sum over marked rows is a product with their marks: no copy of the rows.
    marks = [m.astype(np.float64) for m in (below, above)]
    if w is not None:
        marks = [m * w for m in marks]
    kept = [m for m in marks if m.any()]
    X = np.vstack([X, *[m @ frame.X for m in kept]])
    return X, np.concatenate([y, [float(m @ frame.y) for m in kept]])

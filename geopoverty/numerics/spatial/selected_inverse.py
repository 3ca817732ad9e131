"""Factors of symmetric matrices, and those entries of the inverse that are wanted.

Sparse matrices of one pattern share one elimination; dense ones offer the same.
"""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, sparse

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial import fronts
from geopoverty.numerics.spatial.elimination import Elimination, eliminate
from geopoverty.numerics.types import Array, Matrix

ROUNDING = 1e-14  # a pivot that is this little of its diagonal entry is nothing


class SelectedInverse(ABC):
    """What is asked of a factored positive definite matrix M of size n.

    Attributes
    ----------
    log_determinant : float

    Examples
    --------
    >>> M = sparse.csc_array(np.array([[2.0, 1.0], [1.0, 1.0]]))
    >>> found = Pattern(M).factor(M.data)
    >>> found.diagonal(), found.entries()
    (array([1., 2.]), array([ 1., -1., -1.,  2.]))
    """

    log_determinant: float

    @abstractmethod
    def solve(self, x: Array) -> Array:
        """Return M^-1 x, for x of shape (n,) or (n, m)."""

    @abstractmethod
    def diagonal(self) -> Array:
        """Return the diagonal of M^-1, shape (n,)."""

    @abstractmethod
    def entries(self) -> Array:
        """Return M^-1 where M has entries, in the order of the values of M.

        Shape (nnz,) for a sparse M; the whole inverse, (n, n), for a dense one.
        """

    def trace(self, values: Array) -> float:
        """Return the trace of M^-1 V, for the values of a symmetric V like M."""
        return float(np.vdot(self.entries(), values))


class Pattern:
    """Symmetric matrices of size n with entries in the same places.

    Attributes
    ----------
    n : int

    Parameters
    ----------
    like : CSC array or array, shape (n, n)
        A matrix of the pattern: symmetric, the whole diagonal stored, indices
        sorted. Its values do not matter. A dense array stands for dense matrices.

    Examples
    --------
    >>> pattern = Pattern(sparse.eye_array(2, format="csc"))
    >>> pattern.factor(np.array([4.0, 9.0])).solve(np.ones(2)).round(6)
    array([0.25    , 0.111111])
    """

    def __init__(self, like: Matrix) -> None:
        self.n = int(like.shape[0])
        self._tree: Elimination | None = None
        self._like: Any = None
        if sparse.issparse(like):
            self._like = like
            columns = np.repeat(np.arange(self.n), np.diff(like.indptr))
            self._diagonal: Any = np.flatnonzero(like.indices == columns)
        else:
            self._diagonal = np.diag_indices(self.n)

    @property
    def sparse(self) -> bool:
        """Whether the values are those of a sparse matrix."""
        return self._like is not None

    @property
    def tree(self) -> Elimination:
        """Order and fill of the factor, found when first asked for."""
        if self._tree is None:
            self._tree = eliminate(self._like)
        return self._tree

    def matrix(self, values: Array) -> Matrix:
        """Return values as a matrix: an array, or a CSC array."""
        if self._like is None:
            return values
        parts = (values, self._like.indices, self._like.indptr)
        return sparse.csc_array(parts, shape=(self.n, self.n))

    def lay(self, matrix: Matrix) -> Array:
        """Return the values of a matrix whose entries lie within the pattern."""
        if self._like is None:
            return np.asarray(matrix, dtype=np.float64)
        entries = sparse.coo_array(matrix)
        columns = np.repeat(np.arange(self.n), np.diff(self._like.indptr))
        here = columns * self.n + self._like.indices  # ascending
        wanted = entries.col.astype(np.int64) * self.n + entries.row
        weights = entries.data.astype(np.float64)
        at = np.searchsorted(here, wanted)
        return np.bincount(at, weights, len(here)).astype(np.float64)

    def factor(self, values: Array, diagonal: Array | None = None) -> SelectedInverse:
        """Factor a matrix of the pattern.

        Parameters
        ----------
        values : array, shape (nnz,), or (n, n) for dense
            Entries in the order of `like`. Never changed.
        diagonal : array, shape (n,), optional
            What to add to the diagonal.

        Returns
        -------
        SelectedInverse

        Raises
        ------
        EstimationError
            If the matrix is not positive definite.
        """
        values = values.copy()
        if diagonal is not None:
            values[self._diagonal] += diagonal
        least = ROUNDING * values[self._diagonal]
        if self._like is None:
            return _Dense(values, least)
        return _Sparse(self.tree, values, least)


class NormalMatrix:
    """The matrix A'NA, A = I - rho W, at any rho.

    N = diag(counts), the rows of each unit. C = (A'NA)^-1 holds the variances
    of latent errors: 1 - 1/n_g + C_gg for a row of unit g, and just C_gg where
    each unit has one row.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        Sparse is never made dense.
    counts : array, shape (n,), optional
        Above 0; by default 1.
    pattern : Pattern, optional
        That of another `NormalMatrix` of the same W, so that the elimination is
        found once.

    Attributes
    ----------
    pattern : Pattern
        Of A'A; the same at every rho.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> NormalMatrix(W).at(0.5).diagonal().round(6)  # (1 + .25) / (1 - .25)^2
    array([2.222222, 2.222222])
    """

    def __init__(
        self, W: Matrix, counts: Array | None = None, pattern: Pattern | None = None
    ) -> None:
        n = W.shape[0]
        counts = np.ones(n) if counts is None else counts
        weighted = W * counts[:, None] if not sparse.issparse(W) else _rows(W, counts)
        self.pattern = _normal_pattern(W) if pattern is None else pattern
        lay = self.pattern.lay
        self._constant = lay(_diagonal(W, counts))
        self._linear = -lay(weighted + weighted.T)
        self._square = lay(W.T @ weighted)

    def values(self, rho: float) -> Array:
        """Return the entries of A'NA, laid out as `Pattern` says."""
        return np.asarray(self._constant + rho * (self._linear + rho * self._square))

    def slope(self, rho: float) -> Array:
        """Return the derivative of the entries in rho."""
        return np.asarray(self._linear + 2 * rho * self._square)

    def bend(self) -> Array:
        """Return the second derivative of the entries in rho."""
        return 2 * self._square

    @property
    def linked(self) -> Array | float:
        """1 where A'A has entries, 0 elsewhere, laid out like the values."""
        if self.pattern.sparse:
            return 1.0
        links = (self._linear != 0) | (self._square != 0)
        links |= np.eye(len(links), dtype=bool)
        return np.asarray(links, dtype=np.float64)

    def matrix(self, rho: float) -> Matrix:
        """Return A'NA itself: an array, or a CSC array."""
        return self.pattern.matrix(self.values(rho))

    def at(self, rho: float, diagonal: Array | None = None) -> SelectedInverse:
        """Factor A'NA, plus something on the diagonal.

        Parameters
        ----------
        rho : float
        diagonal : array, shape (n,), optional
            At least 0.

        Returns
        -------
        SelectedInverse

        Raises
        ------
        EstimationError
            If I - rho W is singular.
        """
        try:
            return self.pattern.factor(self.values(rho), diagonal)
        except EstimationError as error:
            raise EstimationError(
                f"I - rho W is singular, or nearly so, at rho = {rho:.6g}. Keep rho "
                "between the inverses of the least and greatest eigenvalue of the "
                "weights."
            ) from error


class _Sparse(SelectedInverse):
    def __init__(self, tree: Elimination, values: Array, least: Array) -> None:
        panels = fronts.factor(tree, values)
        if panels is None or (fronts.pivots(tree, panels) < least).any():
            raise _not_definite()
        self._tree, self._panels = tree, panels
        self.log_determinant = float(np.log(fronts.pivots(tree, panels)).sum())

    @cached_property
    def _inverse(self) -> tuple[Array, Array]:
        return fronts.inverse(self._tree, self._panels)

    def solve(self, x: Array) -> Array:
        return fronts.solve(self._tree, self._panels, x)

    def diagonal(self) -> Array:
        return self._inverse[0]

    def entries(self) -> Array:
        return self._inverse[1][self._tree.where]


class _Dense(SelectedInverse):
    def __init__(self, M: Array, least: Array) -> None:
        # M is symmetric: its transpose is in the order LAPACK wants, without a copy.
        lower, failed = linalg.lapack.dpotrf(M.T, lower=1, clean=1, overwrite_a=1)
        if failed or (np.diag(lower) ** 2 < least).any():
            raise _not_definite()
        self.log_determinant = 2 * float(np.log(np.diag(lower)).sum())
        # Half the way to the inverse of M; the factor itself makes room for it.
        self._root: Array = linalg.lapack.dtrtri(lower, lower=1, overwrite_c=1)[0]

    def solve(self, x: Array) -> Array:
        return np.asarray(self._root.T @ (self._root @ x))

    def diagonal(self) -> Array:
        return np.asarray(np.einsum("ij,ij->j", self._root, self._root))

    @cached_property
    def _inverse(self) -> Array:
        half, _ = linalg.lapack.dlauum(self._root, lower=1)
        whole = np.add(half.T, half, order="C")  # zeros stand above half's diagonal
        whole[np.diag_indices(len(whole))] /= 2
        return np.asarray(whole)

    def entries(self) -> Array:
        return self._inverse


def _rows(W: Any, counts: Array) -> Any:
    return sparse.diags_array(counts) @ W


def _diagonal(W: Matrix, counts: Array) -> Matrix:
    return sparse.diags_array(counts) if sparse.issparse(W) else np.diag(counts)


def _normal_pattern(W: Matrix) -> Pattern:
    if not sparse.issparse(W):
        return Pattern(np.empty(W.shape))
    # Entries of 1 cannot cancel: the pattern is that of every rho.
    links = sparse.csc_array(W != 0).astype(np.float64)
    A = links + sparse.eye_array(W.shape[0], format="csc")
    pattern = sparse.csc_array(A + A.T + links.T @ links)
    pattern.sort_indices()
    return Pattern(pattern)


def _not_definite() -> EstimationError:
    return EstimationError("The matrix is not positive definite.")

"""Models that use some of the columns: how well each fits, and tests between them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy import linalg, stats

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.least_squares import log_likelihood, qr_triangle
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array

Columns = Sequence[int]


class Subsets(Protocol):
    """What a search over models asks."""

    def loglik(self, columns: Columns) -> float:
        """Return the greatest log-likelihood with these columns."""

    def test(self, small: Columns, large: Columns) -> tuple[float, float]:
        """Return statistic and p-value of what `large` has beyond `small`."""


class LeastSquaresSubsets:
    """Least squares on some of the columns, from one pass over the rows.

    Parameters
    ----------
    X : array, shape (n, k)
        Of full column rank, n > k.
    y : array, shape (n,)

    Notes
    -----
    The triangle of a QR decomposition of [X y] holds what any subset needs, with the
    digits that X'X would lose. Tests are the F tests of nested models.

    Examples
    --------
    >>> X = np.column_stack([np.ones(4), [0.0, 1, 2, 3]])
    >>> models = LeastSquaresSubsets(X, np.array([1.0, 3, 2, 4]))
    >>> round(models.rss([0]), 9), round(models.rss([0, 1]), 9)
    (5.0, 1.8)
    """

    def __init__(self, X: Array, y: Array) -> None:
        both = np.column_stack([X, y])
        size = np.sqrt(np.einsum("ij,ij->j", both, both))
        size[-1] = 1.0
        self._triangle, self._n = qr_triangle(both, size), len(y)

    def rss(self, columns: Columns) -> float:
        """Return the sum of squared residuals."""
        part = self._triangle[:, [*columns, self._triangle.shape[1] - 1]]
        corner = linalg.qr(part, mode="r")[0]
        last = part.shape[1] - 1
        return float(corner[last, last] ** 2)

    def loglik(self, columns: Columns) -> float:
        """Return the log-likelihood with normal errors."""
        return log_likelihood(self.rss(columns), self._n)

    def test(self, small: Columns, large: Columns) -> tuple[float, float]:
        """Return F and p of the columns that only `large` has."""
        df, rest = len(large) - len(small), self._n - len(large)
        full = self.rss(large)
        f = max((self.rss(small) - full) / df / (full / rest), 0.0)
        return f, float(stats.f.sf(f, df, rest))


class BinarySubsets:
    """A logit or probit with some of the columns.

    Parameters
    ----------
    X : array, shape (n, k)
        Of full column rank.
    y : array, shape (n,)
        0 or 1, both present.
    link : Link

    Notes
    -----
    Tests are likelihood ratios.

    Examples
    --------
    >>> from geopoverty.numerics.links import Logit
    >>> models = BinarySubsets(np.ones((4, 1)), np.array([1.0, 0, 0, 0]), Logit)
    >>> round(models.loglik([0]), 4)
    -2.2493
    """

    def __init__(self, X: Array, y: Array, link: Link) -> None:
        self._X, self._y, self._link = X, y, link
        self._known: dict[tuple[int, ...], float] = {}

    def loglik(self, columns: Columns) -> float:
        """Return the log-likelihood.

        Raises
        ------
        EstimationError
            If these columns separate the outcome.
        """
        key = tuple(columns)
        if key not in self._known:
            part = np.ascontiguousarray(self._X[:, list(columns)])
            fit = fit_binary(part, self._y, self._link)
            if fit.separating.size:
                raise EstimationError("The columns separate the outcome perfectly.")
            self._known[key] = fit.loglik
        return self._known[key]

    def test(self, small: Columns, large: Columns) -> tuple[float, float]:
        """Return chi-squared and p of the columns that only `large` has."""
        ratio = max(2 * (self.loglik(large) - self.loglik(small)), 0.0)
        return ratio, float(stats.chi2.sf(ratio, len(large) - len(small)))

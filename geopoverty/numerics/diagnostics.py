"""What least squares assumes: collinearity and equal variances, tested."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.types import Array

TOLERANCE = 1e-9  # of a column's squared length left by the columns before it


@dataclass(frozen=True)
class ChiSquare:
    """A test whose statistic is chi-squared.

    Attributes
    ----------
    statistic : float
    df : int
    p_value : float
    """

    statistic: float
    df: int
    p_value: float


def inflation(bread: Array, group: Sequence[int], others: Sequence[int]) -> float:
    """Return the generalised variance inflation factor of some columns.

    For one column it is 1/(1 - R2) of that column on the others.

    Parameters
    ----------
    bread : array, shape (k, k)
        Inverse of X'X, or any multiple.
    group, others : sequence of int
        Columns; the constant in neither.

    References
    ----------
    Fox, J. & Monette, G. (1992). Generalized collinearity diagnostics. Journal of
    the American Statistical Association 87, 178-183.

    Examples
    --------
    >>> x = np.array([[1, -1.0], [1, 0], [1, 1]])
    >>> inflation(np.linalg.inv(x.T @ x), [1], [])
    1.0
    """
    if not others:
        return 1.0
    size = np.sqrt(np.diag(bread))
    r = bread / np.outer(size, size)
    both = [*group, *others]
    logs = [np.linalg.slogdet(r[np.ix_(c, c)])[1] for c in (group, others, both)]
    return float(np.exp(logs[0] + logs[1] - logs[2]))


def breusch_pagan(residual: Array, X: Array, *, studentised: bool = True) -> ChiSquare:
    """Test whether the variance of the errors moves with the covariates.

    Parameters
    ----------
    residual : array, shape (n,)
    X : array, shape (n, k)
        With a constant, or a combination of columns that is one.
    studentised : bool
        n R2 of e^2 on X (Koenker 1981), which does not need normal errors; else half
        the explained sum of squares of e^2/s^2 (Breusch & Pagan 1979).

    References
    ----------
    Breusch, T. S. & Pagan, A. R. (1979). A simple test for heteroscedasticity and
    random coefficient variation. Econometrica 47, 1287-1294. Koenker, R. (1981).
    A note on studentizing a test for heteroscedasticity. Journal of Econometrics
    17, 107-112.

    Examples
    --------
    >>> X = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    >>> round(breusch_pagan(np.array([1.0, -1, 2, -2]), X).statistic, 9)
    4.0
    """
    standard = _standardised(X)

    def columns() -> Iterator[tuple[slice, Array]]:
        for rows in blocks(len(X)):
            yield rows, standard(rows)

    return _explained(residual, columns(), X.shape[1] + 1, studentised)


def white_columns(k: int) -> int:
    """Return how many columns White's auxiliary regression has at most.

    Examples
    --------
    >>> white_columns(3)
    9
    """
    return k + k * (k + 1) // 2


def white(residual: Array, X: Array) -> ChiSquare:
    """Test for any heteroskedasticity that biases the usual standard errors.

    n R2 of e^2 on all columns, their squares and products; those that others
    determine count once.

    Parameters
    ----------
    residual : array, shape (n,)
    X : array, shape (n, k)

    References
    ----------
    White, H. (1980). A heteroskedasticity-consistent covariance matrix estimator
    and a direct test for heteroskedasticity. Econometrica 48, 817-838.

    Examples
    --------
    >>> X = np.column_stack([np.ones(5), [0.0, 0, 1, 1, 2]])
    >>> white(np.array([1.0, -1, 2, -2, 0]), X).df
    2
    """
    k = X.shape[1]
    standard = _standardised(X)
    left, right = np.triu_indices(standard(slice(0, 1)).shape[1] - 1)

    def columns() -> Iterator[tuple[slice, Array]]:
        for rows in blocks(len(X)):
            z = standard(rows)
            yield rows, np.hstack([z, z[:, 1 + left] * z[:, 1 + right]])

    return _explained(residual, columns(), white_columns(k) + 1, True)


def _standardised(X: Array) -> Callable[[slice], Array]:
    """Return what gives rows of a constant and of the columns that vary, centred.

    They span what X spans, with numbers in which no digits are lost to the means.
    """
    centre, spread = X.mean(axis=0), X.std(axis=0)
    varying = spread > 1e-12 * np.maximum(np.abs(centre), 1e-300)

    def of(rows: slice) -> Array:
        z = (X[rows][:, varying] - centre[varying]) / spread[varying]
        return np.hstack([np.ones((len(z), 1)), z])

    return of


def _explained(
    residual: Array,
    columns: Iterator[tuple[slice, Array]],
    width: int,
    studentised: bool,
) -> ChiSquare:
    """Regress scaled squared residuals on columns that come in blocks."""
    n = len(residual)
    square = residual**2
    u = square / square.mean() - 1.0
    gram = np.zeros((width, width))
    moment = np.zeros(width)
    used = 0
    for rows, z in columns:
        used = z.shape[1]
        gram[:used, :used] += z.T @ z
        moment[:used] += z.T @ u[rows]
    gram, moment = gram[:used, :used], moment[:used]
    return explained_by(gram, moment, (n, float(u @ u)), studentised=studentised)


def explained_by(
    gram: Array, moment: Array, outcome: tuple[int, float], *, studentised: bool
) -> ChiSquare:
    """Return the test of scaled squared residuals u on columns z, from their sums.

    Parameters
    ----------
    gram : array, shape (k, k)
        z'z; the first column is the constant.
    moment : array, shape (k,)
        z'u.
    outcome : (int, float)
        Rows, and u'u.
    studentised : bool
        See `breusch_pagan`.

    Examples
    --------
    >>> explained_by(np.eye(2), np.array([0.0, 1.0]), (10, 2.0), studentised=True).df
    1
    """
    n, total = outcome
    kept = _independent(gram)
    g = gram[np.ix_(kept, kept)]
    size = np.sqrt(np.diag(g))
    weight = linalg.solve(g / np.outer(size, size), moment[kept] / size, assume_a="pos")
    explained = float(weight @ (moment[kept] / size))
    if studentised:
        statistic = n * explained / total if total > 0 else 0.0
    else:
        statistic = explained / 2
    df = len(kept) - 1
    return ChiSquare(statistic, df, float(stats.chi2.sf(statistic, df)))


def _independent(gram: Array) -> list[int]:
    """Return columns that those before them do not determine."""
    size = np.sqrt(np.maximum(np.diag(gram), 0.0))
    safe = np.where(size > 0, size, 1.0)
    left = gram / np.outer(safe, safe)
    kept = []
    for j in range(len(left)):
        if left[j, j] <= TOLERANCE:
            continue
        kept.append(j)
        left = left - np.outer(left[:, j], left[j]) / left[j, j]
    return kept

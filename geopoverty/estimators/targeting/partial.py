"""Correlations with other variables held fixed: `partial_correlation`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first, require_option
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.targeting.rows import (
    Rows,
    SurveyColumns,
    columns_of,
    gather,
)
from geopoverty.numerics.multiplicity import benjamini_hochberg, holm
from geopoverty.numerics.partial import (
    as_ranks,
    correlation_of_correlations,
    correlations,
    fisher_interval,
    leftover,
)
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result


def partial_correlation(
    data: pd.DataFrame,
    *,
    x: str | Sequence[str],
    y: str | Sequence[str],
    given: str | Sequence[str] = (),
    method: str = "pearson",
    survey: SurveyColumns | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Correlate variables while others are held fixed.

    Parameters
    ----------
    data : DataFrame, n rows
        One household a row. Rows with a missing value in any of the columns are
        dropped and counted. Never modified.
    x, y : str or sequence of str
        Columns of numbers: every x with every y.
    given : str or sequence of str
        Columns of numbers that are held fixed; without any the correlations are plain.
    method : {"pearson", "spearman"}
        Of values, or of ranks (of all columns, those held fixed too).
    survey : SurveyColumns, optional
        Sampling weight, primary sampling units and strata: standard errors are then
        linearised, with degrees of freedom of the design.
    conf_level : float
        Of the intervals in the table, between 0 and 1.

    Returns
    -------
    Result
        ``estimates``: a correlation a pair, -1 to 1, named after y (or ``"x with y"``
        when there are several x). ``tables``: ``correlations`` (``x, y, estimate,
        std_error, statistic, df, p_value, conf_low, conf_high`` by Fisher's z,
        ``p_holm``, ``p_bh`` (Benjamini-Hochberg), and ``zero_order``: without holding
        anything fixed), ``missing`` (rows without a value, by column). ``units``: the
        same table, a row a pair.

    Raises
    ------
    InputError
        If columns are missing, not numbers, named twice, or linear combinations of
        others that are held fixed.
    EstimationError
        If there are fewer rows than held-fixed columns + 3, or no pair has a
        correlation because nothing varies.

    Notes
    -----
    Without a survey design t = r sqrt(df / (1 - r^2)) with df = n - 2 - k, k columns
    held fixed; artanh(r) has standard error 1/sqrt(n - 3 - k), for ranks times sqrt(1 +
    r^2/2) (Bonett & Wright). Pairs that share columns go together: their covariances
    are those of normal columns (Olkin & Siotani 1976). A pair in which a column is
    constant, or told by the held-fixed ones, is NaN and noted.

    References
    ----------
    Fisher, R. A. (1924). The distribution of the partial correlation coefficient.
    Metron 3, 329-332. Bonett, D. G. & Wright, T. A. (2000). Sample size requirements
    for estimating Pearson, Kendall and Spearman correlations. Psychometrika 65, 23-28.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> age, poor = rng.normal(60, 9, 73), rng.integers(0, 2, 73)
    >>> homes = pd.DataFrame({"age": age, "poor": poor, "knows": 5 - age / 20})
    >>> found = partial_correlation(homes, x="age", y="knows", given="poor")
    >>> found.estimates.round(4).to_dict(), found.facts["df_t"]
    ({'knows': -1.0}, 70)
    """
    require_option(method, ("pearson", "spearman"), "method")
    if not 0 < conf_level < 1:
        raise InputError(f"conf_level must be between 0 and 1; got {conf_level}.")
    named = _Named(
        *(columns_of(c, n) for c, n in ((x, "x"), (y, "y"), (given, "given")))
    )
    rows = gather(data, named.all, survey=survey, complete=named.all)
    values = np.column_stack([rows.numbers(c) for c in named.all])
    _check_size(len(values), named)
    fit = _fit(values, rows, named, method, designed=survey is not None)
    table = _table(fit, rows, named, (method, conf_level))
    counts = data.reindex(columns=named.all).isna().sum()
    missing = pd.DataFrame({"column": named.all, "missing": counts.to_numpy()})
    options = {"method": method, "survey": survey, "conf_level": conf_level}
    formula = f"{' + '.join(named.x)} with {' + '.join(named.y)}"
    formula += f" given {' + '.join(named.given)}" if named.given else ""
    facts = {
        **rows.facts,
        "df_t": fit.df,
        "n_given": len(named.given),
        "method": method,
        "vcov": rows.design if fit.influence is not None else "normal columns",
    }
    return Result(
        estimator="partial_correlation",
        estimates=pd.Series(fit.r, index=fit.names),
        vcov=pd.DataFrame(_covariance(fit, rows), index=fit.names, columns=fit.names),
        units=table,
        facts=facts,
        tables={"correlations": table, "missing": missing},
        notes=(*rows.notes, *_notes(fit, named)),
        provenance=provenance(
            formula, options, [values, rows.weight], sources_of(*rows.sources)
        )
        | {"estimator": "partial_correlation"},
    )


@dataclass(frozen=True)
class _Named:
    """The columns by their part."""

    x: list[str]
    y: list[str]
    given: list[str]

    def __post_init__(self) -> None:
        if not self.x or not self.y:
            raise InputError("partial_correlation needs at least one x and one y.")
        everything = [*self.x, *self.y, *self.given]
        twice = sorted({c for c in everything if everything.count(c) > 1})
        if twice:
            raise InputError(
                f"x, y and given must be different columns; {first(twice)} stands in "
                "two. Name each once."
            )

    @property
    def all(self) -> list[str]:
        """Every column: x, y, given."""
        return [*self.x, *self.y, *self.given]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Places of x and y among the columns that are correlated."""
        m = len(self.x)
        return [(i, m + j) for i in range(m) for j in range(len(self.y))]


@dataclass(frozen=True, eq=False)
class _Fit:
    """Partial correlations of pairs."""

    names: list[str]
    pairs: list[tuple[int, int]]
    r: Array
    plain: Array
    between: Array  # correlations of all columns, once others are held fixed
    df: int
    n: int
    influence: Array | None  # of each row on each pair, under a survey design


def _check_size(n: int, named: _Named) -> None:
    k = len(named.given)
    if n < k + 3:
        raise EstimationError(
            f"A partial correlation with {k} columns held fixed needs at least {k + 3} "
            f"complete rows; there are {n}. Hold fewer fixed, or fill missing answers."
        )


def _fit(
    values: Array, rows: Rows, named: _Named, method: str, *, designed: bool
) -> _Fit:
    columns = as_ranks(values, rows.weight) if method == "spearman" else values
    m = len(named.x) + len(named.y)
    _refuse_collinear(columns[:, m:], named.given)
    rest = leftover(columns[:, :m], columns[:, m:], rows.weight)
    alone = leftover(columns[:, :m], columns[:, :0], rows.weight)
    pairs = named.pairs
    left, right = (rest[:, list(side)] for side in zip(*pairs, strict=True))
    r = correlations(left, right, rows.weight)
    if np.isnan(r).all():
        raise EstimationError(
            f"No correlation is defined: in all {len(values)} rows "
            f"{first(_constant(rest, named))} is the same, or told by the columns held "
            "fixed. Leave it out."
        )
    one, other = (alone[:, list(side)] for side in zip(*pairs, strict=True))
    share = (rows.weight / rows.weight.sum())[:, None]
    moves = share * (left * right - r * (left**2 + right**2) / 2)
    several = len(named.x) > 1
    return _Fit(
        names=[
            f"{named.all[i]} with {named.all[j]}" if several else named.all[j]
            for i, j in pairs
        ],
        pairs=pairs,
        r=r,
        plain=correlations(one, other, rows.weight),
        between=np.clip((share * rest).T @ rest, -1, 1),
        df=rows.stage.df if designed else len(values) - 2 - len(named.given),
        n=len(values),
        influence=moves if designed else None,
    )


def _refuse_collinear(given: Array, names: list[str]) -> None:
    around = np.column_stack([np.ones(len(given)), given])
    dependent = dependent_columns(around)
    if dependent:
        found = [names[j - 1] for j, _ in dependent]
        raise InputError(
            f"Columns held fixed must not tell one another: {first(found)} is constant "
            "or a combination of the others. Leave it out."
        )


def _constant(rest: Array, named: _Named) -> list[str]:
    still = np.asarray(np.isnan(rest).any(axis=0))
    return [name for name, no in zip(named.all, still, strict=False) if no]


def _covariance(fit: _Fit, rows: Rows) -> Array:
    if fit.influence is not None:
        totals = [rows.stage.totals(np.nan_to_num(i)) for i in fit.influence.T]
        vcov = rows.stage.covariance(totals)
    else:
        se = np.sqrt(np.maximum(1 - fit.r**2, 0) / fit.df)
        together = correlation_of_correlations(fit.between, fit.pairs)
        vcov = np.where(np.isnan(together), np.nan, together * np.outer(se, se))
    # A perfect correlation leaves nothing to test.
    still = ~(1 - np.abs(fit.r) > 1e-12)
    vcov[still, :] = vcov[:, still] = np.nan
    return np.asarray(vcov)


def _table(
    fit: _Fit, rows: Rows, named: _Named, how: tuple[str, float]
) -> pd.DataFrame:
    method, conf_level = how
    r, se = fit.r, np.sqrt(np.diag(_covariance(fit, rows)))
    statistic = r / se
    p = 2 * stats.t.sf(np.abs(statistic), fit.df)
    spread: Array | float
    if fit.influence is None:
        room = max(fit.n - 3 - len(named.given), 0)
        scale = 1 + r**2 / 2 if method == "spearman" else np.ones(len(r))
        spread = np.sqrt(scale / room) if room else np.full(len(r), np.inf)
    else:
        # The delta method; Student's t instead of the normal.
        quantile = stats.t.ppf(0.5 + conf_level / 2, fit.df)
        spread = se / (1 - r**2) * quantile / stats.norm.ppf(0.5 + conf_level / 2)
    low, high = fisher_interval(r, spread, conf_level)
    return pd.DataFrame(
        {
            "x": [named.all[i] for i, _ in fit.pairs],
            "y": [named.all[j] for _, j in fit.pairs],
            "estimate": r,
            "std_error": se,
            "statistic": statistic,
            "df": fit.df,
            "p_value": p,
            "conf_low": low,
            "conf_high": high,
            "p_holm": holm(p),
            "p_bh": benjamini_hochberg(p),
            "zero_order": fit.plain,
        }
    )


def _notes(fit: _Fit, named: _Named) -> list[str]:
    notes = []
    lost = [name for name, r in zip(fit.names, fit.r, strict=True) if np.isnan(r)]
    if lost:
        notes.append(
            f"No correlation for {first(lost)}: all answers are the same, or told by "
            "the columns held fixed."
        )
    if fit.influence is not None:
        notes.append("Intervals are of artanh(r), by linearised standard errors.")
    if len(fit.pairs) > 1:
        notes.append(
            f"{len(fit.pairs)} correlations are tested at once: read p_holm or p_bh in "
            "tables['correlations'] beside the plain p-values."
        )
    if len(named.given) and fit.n < 10 * (len(named.given) + 2):
        notes.append(f"{fit.n} rows are few for {len(named.given)} held-fixed columns.")
    return notes

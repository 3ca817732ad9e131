"""Poverty taken apart by group or region: who the poor are."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, stats

from geopoverty.errors import EstimationError, InputError
from geopoverty.measures.lines import Line, Lines, lines_of
from geopoverty.measures.report import (
    design_in_words,
    group_variances,
    line_notes,
    lines_table,
    measured,
    provenance_of,
    settled,
)
from geopoverty.measures.rows import Rows, Survey, gather
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.survey import GroupTotals
from geopoverty.numerics.types import Array
from geopoverty.numerics.welfare import FGT
from geopoverty.results import Result, inference_table

MOST = 5000  # groups: their covariance is a matrix of this size squared


def decompose_poverty(
    income: pd.Series,
    *,
    poverty_line: Lines,
    by: pd.Series | pd.DataFrame,
    alpha: float = 0,
    weight: pd.Series | None = None,
    survey: Survey | None = None,
) -> Result:
    """Split poverty over groups or regions that together are everybody.

    Parameters
    ----------
    income, weight, survey
        See `headcount`.
    poverty_line : float, Series or Relative
        One line; see `headcount`.
    by : Series or DataFrame
        The group of each row: at least two groups.
    alpha : float
        Of the Foster-Greer-Thorbecke index; 0 or above.

    Returns
    -------
    Result
        ``estimates``: the index within each group, with the covariance between
        groups. ``units``: a row per group with the columns of `by`, the index within
        (estimate, std_error, interval), rows, population, population_share, the
        group's contribution (its share of people times its index: these sum to
        the index of all), contribution_share with contribution_std_error, and
        relative_risk (index over that of all). ``tables["total"]``: the index of
        all; ``tables["tests"]``: whether all groups are equally poor (Wald's F).

    Raises
    ------
    InputError
        As `headcount`, or if there are fewer than 2 groups or more than 5,000.
    EstimationError
        If nobody is poor.

    References
    ----------
    Foster, J., Greer, J. & Thorbecke, E. (1984). A class of decomposable poverty
    measures. Econometrica 52, 761-766, equation 9.

    Examples
    --------
    >>> homes = pd.DataFrame({"income": [1.0, 2.0, 3.0, 8.0, 1.0, 9.0],
    ...                       "region": list("nnsses")})
    >>> found = decompose_poverty(homes["income"], poverty_line=2.5, by=homes["region"])
    >>> found.units.set_index("region")["contribution_share"].round(3).to_dict()
    {'e': 0.333, 'n': 0.667, 's': 0.0}
    """
    if not 0 <= alpha < np.inf:
        raise InputError(f"alpha must be 0 or above; got {alpha}.")
    rows = gather(income, weight, by, survey)
    if not 2 <= rows.groups.count <= MOST:
        raise InputError(
            f"A decomposition needs 2 to {MOST:,} groups; by has {rows.groups.count:,}."
        )
    lines = lines_of(poverty_line, rows)
    if len(lines) > 1:
        raise InputError("decompose_poverty takes one line: call it for each.")
    split = _Split(rows, lines[0], FGT(float(alpha)))
    labels = rows.labels
    vcov = settled(split.vcov, split.within.value)
    return Result(
        estimator="decompose_poverty",
        estimates=pd.Series(split.within.value, index=labels),
        vcov=pd.DataFrame(vcov, index=labels, columns=labels),
        units=split.table(),
        facts={
            **rows.facts,
            "n_groups": rows.groups.count,
            f"fgt({alpha:g})": float(split.whole.value[0]),
            "vcov": design_in_words(rows),
        },
        tables={
            "total": split.total(),
            "tests": _equal(split, vcov),
            "lines": lines_table(lines, rows),
        },
        notes=(*rows.notes, *line_notes(lines, rows)),
        provenance=provenance_of("decompose_poverty", rows, lines, {"alpha": alpha}),
    )


class _Split:
    """An index within groups and for all, with what variances need."""

    def __init__(self, rows: Rows, line: Line, index: FGT) -> None:
        self.rows, self.line, self.index = rows, line, index
        self.whole = measured(index, line, rows, Groups())
        self.within = measured(index, line, rows, rows.groups)
        self.totals = GroupTotals(rows.stage, self.within.influence, rows.groups)
        if not self.whole.value[0] > 0:
            raise EstimationError(
                "Nobody is poor at this line, so there is no poverty to split. Check "
                "the currency and period of line and incomes."
            )

    @property
    def vcov(self) -> Array:
        """The covariance of the index within groups."""
        vcov = self.totals.covariance()
        slope, through = self.within.slope, self.line.log_influence
        if slope is not None and through is not None:
            shared = np.outer(slope, self.totals.with_sum(through))
            vcov += shared + shared.T + np.outer(slope, slope) * self._line_variance
        return vcov

    @property
    def _line_variance(self) -> float:
        assert self.line.log_influence is not None
        total = self.rows.stage.totals(self.line.log_influence)
        return float(self.rows.stage.covariance([total])[0, 0])

    def table(self) -> pd.DataFrame:
        rows, value = self.rows, self.within.value
        population = rows.groups.sum(rows.weight)
        share = population / population.sum()
        whole = float(self.whole.value[0])
        variance = group_variances(self.within, self.line, self.totals)
        inference = inference_table(
            pd.Series(value), pd.Series(np.sqrt(variance)), df=rows.facts["df_t"]
        )
        columns: dict[str, Any] = {
            c: inference[c] for c in ("estimate", "std_error", "conf_low", "conf_high")
        }
        columns["rows"] = rows.groups.sum(np.ones(len(rows.weight))).astype(np.int64)
        columns["population"] = population
        columns["population_share"] = share
        columns["contribution"] = share * value
        columns["contribution_share"] = share * value / whole
        columns["contribution_std_error"] = self._contribution_errors(share)
        columns["relative_risk"] = value / whole
        return rows.keys.assign(**columns)

    def _contribution_errors(self, share: Array) -> Array:
        """Linearise A_g / A, where A_g sums the gaps of group g and A of all."""
        rows, whole = self.rows, self.whole.value[0]
        part = share * self.within.value / whole
        # The sum of gaps of a row is its influence on the mean plus the mean's part.
        own = (
            rows.weight
            * rows.groups.at(self.within.value)
            / rows.groups.at(rows.groups.sum(rows.weight))
        )
        gaps = (self.within.influence + own) * rows.groups.at(share) / whole
        stage = rows.stage
        each = GroupTotals(stage, gaps, rows.groups)
        variance = (
            each.variances
            - 2 * part * each.with_sum(gaps)
            + part**2 * stage.covariance([stage.totals(gaps)])[0, 0]
        )
        slope, through = self.within.slope, self.line.log_influence
        if slope is not None and through is not None:
            moved = (share * slope - part * (share @ slope)) / whole
            shared = (
                each.with_sum(through)
                - part
                * stage.covariance([stage.totals(gaps), stage.totals(through)])[0, 1]
            )
            variance += 2 * moved * shared + moved**2 * self._line_variance
        return np.asarray(np.sqrt(np.maximum(variance, 0)))

    def total(self) -> pd.DataFrame:
        influence = self.whole.influence
        if self.whole.slope is not None and self.line.log_influence is not None:
            influence = influence + self.whole.slope * self.line.log_influence
        stage = self.rows.stage
        variance = stage.covariance([stage.totals(influence)])[0, 0]
        name = f"fgt({self.index.alpha:g})"
        return inference_table(
            pd.Series({name: float(self.whole.value[0])}),
            pd.Series({name: np.sqrt(variance)}),
            df=self.rows.facts["df_t"],
        )


def _equal(split: _Split, vcov: Array) -> pd.DataFrame:
    """Test that the index is the same in all groups that have a standard error."""
    known = np.isfinite(np.diag(vcov))
    value, v = split.within.value[known], vcov[np.ix_(known, known)]
    df = len(value) - 1
    # Korn & Graubard's correction for few primary sampling units.
    left = split.rows.facts["df_t"] - df + 1
    row: dict[str, Any] = {"test": "all groups equal", "statistic": np.nan}
    row |= {"df": df, "df_residual": left, "p_value": np.nan}
    if df >= 1 and left >= 1:
        differ = np.eye(df + 1)[1:] - np.eye(df + 1)[0]
        gap = differ @ value
        middle = differ @ v @ differ.T
        if np.linalg.matrix_rank(middle) == df:
            wald = float(gap @ linalg.solve(middle, gap, assume_a="sym"))
            row["statistic"] = wald / df * left / split.rows.facts["df_t"]
            row["p_value"] = float(stats.f.sf(row["statistic"], df, left))
    return pd.DataFrame([row])

"""Count industrial clusters by unit, with rules that say what a cluster is."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require_option
from geopoverty.clusters.census import Cells, Census
from geopoverty.clusters.codes import Level, cut, levels_of
from geopoverty.clusters.firms import MEASURES, Expected, FirmColumns, read_census
from geopoverty.errors import InputError
from geopoverty.numerics.industry import group_totals, ratio
from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True)
class ClusterRule:
    """When the firms of one industry in one unit are a cluster: all must hold.

    No definition is agreed on, so counts should be shown under several rules
    (`cluster_sensitivity`).

    Attributes
    ----------
    min_quotient : float
        Least location quotient, above 0. Cut-offs in use run from 1.25 to 3 [1]_;
        the European Cluster Observatory takes 2 [2]_. The default is the lowest of
        them: a fine grid of counties and codes makes quotients noisy, and the other
        thresholds keep chance out.
    min_firms : int
        Least number of firms, 1 or more. One plant makes a large quotient but no
        cluster [3]_; that there is a floor is agreed on, its height is not: 10 is
        ours.
    min_employees : float
        Least number of persons, 0 or more. 100 is ours: ten firms of ten, low
        enough for clusters of small workshops.
    min_share : float
        Least share of the industry in what the unit measures, from 0 to below 1; 0
        asks nothing.
    measure : {"employees", "output", "firms"}
        What quotient and share are taken of.

    Raises
    ------
    InputError
        If a threshold is out of range.

    References
    ----------
    .. [1] O'Donoghue, D. & Gleave, B. (2004). A note on methods for measuring
       industrial agglomeration. Regional Studies 38, 419-427.
    .. [2] Sölvell, Ö., Ketels, C. & Lindqvist, G. (2008). Industrial specialization
       and regional clusters in the ten new EU member states. Competitiveness
       Review 18, 104-130.
    .. [3] Ellison, G. & Glaeser, E. L. (1997). Geographic concentration in U.S.
       manufacturing industries: a dartboard approach. Journal of Political Economy
       105, 889-927.

    Examples
    --------
    >>> ClusterRule(min_quotient=2, min_firms=5).min_employees
    100
    """

    min_quotient: float = 1.25
    min_firms: int = 10
    min_employees: float = 100
    min_share: float = 0.0
    measure: str = "employees"

    def __post_init__(self) -> None:
        require_option(self.measure, MEASURES, "measure")
        ranges = {
            "min_quotient": (0 < self.min_quotient < np.inf, "above 0"),
            "min_firms": (1 <= self.min_firms < np.inf, "1 or more"),
            "min_employees": (0 <= self.min_employees < np.inf, "0 or more"),
            "min_share": (0 <= self.min_share < 1, "from 0 to below 1"),
        }
        for name, (held, said) in ranges.items():
            if not held:
                raise InputError(f"{name} must be {said}; got {getattr(self, name)}.")

    def holds(self, cells: Cells) -> Mask:
        """Return which cells are clusters, (m,)."""
        share, _, benchmark, _ = cells.shares()
        with np.errstate(invalid="ignore"):  # a unit without the measure has none
            passed = ratio(share, benchmark) >= self.min_quotient
            passed &= share >= self.min_share
        passed &= cells.sums.firms >= self.min_firms
        return np.asarray(passed & (cells.sums.employees >= self.min_employees))


def count_clusters(
    firms: pd.DataFrame,
    *,
    level: Level = 3,
    by: str | int = "unit",
    rule: ClusterRule | None = None,
    columns: FirmColumns | None = None,
    units: Any = None,
    known: Iterable[str] | None = None,
    on_unknown: str = "raise",
) -> pd.DataFrame:
    """Count the industrial clusters of each unit, in all or by industry code.

    An industry in a unit is a cluster if its location quotient, its number of firms,
    its employment and its share of the unit reach the thresholds of `rule`.

    Parameters
    ----------
    firms : DataFrame, n rows
        One firm a row with the columns of `columns`; equal rows are different firms.
        Codes are text: digits, after at most one capital letter that all have
        (``"1713"`` or ``"C1713"``), all at one level of one classification. Never
        modified.
    level : {2, 3, 4} or a sequence of them
        How many digits make an industry.
    by : {"unit", "code"} or int
        ``"unit"``: the number of clusters in all. ``"code"``: a row for each code of
        each level, as `industry_scan` takes it; an industry in a unit is one cluster
        or none. A number of digits: how many clusters of `level` (one) lie in each
        industry of so many digits.
    rule : ClusterRule, optional
        The thresholds; its defaults when not given.
    columns : FirmColumns, optional
        Names of columns.
    units : sequence of str or table indexed by unit, optional
        All units there are: those without a firm get 0. When not given, the units of
        the firms.
    known : iterable of str, optional
        All codes there are, at the level of the firms' codes.
    on_unknown : {"raise", "drop"}
        What becomes of firms outside `units` or `known`.

    Returns
    -------
    DataFrame
        ``unit_id``, ``period`` (if asked for), then for ``by="unit"`` the number of
        ``clusters`` (``clusters_3``, ``clusters_4`` for several levels), ``firms``
        and ``employees`` of the unit; else ``level``, ``code``, ``clusters``, with
        every unit and every code that has a firm in any period, 0 included. Sorted
        by period, unit (as in `units`), level and code. ``attrs``: title, status,
        notes and the rule.

    Raises
    ------
    InputError
        If codes are numbers, too short, mixed or unknown; ids are missing or not
        text; employees are missing or negative; firms lie in unknown units.

    Warns
    -----
    GeoPovertyWarning
        If firms are dropped.

    Notes
    -----
    Quotients are relative to all firms of the table in the period: give the whole
    census, not the counties of the households alone.

    References
    ----------
    See `ClusterRule`.

    Examples
    --------
    >>> firms = pd.DataFrame({
    ...     "unit_id": ["a"] * 12 + ["b"] * 12, "employees": 10,
    ...     "industry": ["1713"] * 12 + ["1713", *["3411"] * 11]})
    >>> count_clusters(firms, units=["a", "b", "c"])["clusters"].to_list()
    [1, 1, 0]
    >>> count_clusters(firms, by="code").query("clusters > 0")["code"].to_list()
    ['171', '341']
    """
    rule = ClusterRule() if rule is None else rule
    levels = levels_of(level)
    listed = _listed(by, levels)
    census = read_census(
        firms,
        columns or FirmColumns(),
        Expected(units, known, on_unknown),
        levels,
        rule.measure,
    )
    cells = {one: census.at(one) for one in levels}
    if by == "unit":
        out = _by_unit(census, cells, rule)
    else:
        parts = [_by_code(census, cells[k], rule, d) for k, d in listed.items()]
        out = census.stacked(parts)
    out.attrs = {**census.attrs("Clusters"), "rule": asdict(rule)}
    return out


def cluster_sensitivity(
    firms: pd.DataFrame,
    *,
    rules: Sequence[ClusterRule] | None = None,
    level: int = 3,
    columns: FirmColumns | None = None,
    units: Any = None,
    known: Iterable[str] | None = None,
    on_unknown: str = "raise",
) -> pd.DataFrame:
    """Count clusters under several rules: what the thresholds decide.

    Parameters
    ----------
    firms, level, columns, units, known, on_unknown
        As in `count_clusters`; one level.
    rules : sequence of ClusterRule, optional
        The first is the one others are set against. When not given: the default,
        then quotients of 1, 1.25, 1.5, 2 and 3 with 5, 10 and 20 firms and ten
        times as many employees.

    Returns
    -------
    DataFrame, one row a rule
        Its thresholds; ``clusters`` in all; ``units_with`` at least one; the
        ``mean`` and greatest (``max``) count of a unit (and period); and
        ``rank_correlation`` (Spearman) with the counts of the first rule, in
        [-1, 1], missing where counts do not vary.

    Raises
    ------
    InputError
        As `count_clusters`, or if there is no rule.

    Warns
    -----
    GeoPovertyWarning
        If firms are dropped.

    Examples
    --------
    >>> firms = pd.DataFrame({
    ...     "unit_id": ["a"] * 12 + ["b"] * 12, "employees": 10,
    ...     "industry": ["1713"] * 12 + ["1713", *["3411"] * 11]})
    >>> rules = [ClusterRule(), ClusterRule(min_firms=12)]
    >>> cluster_sensitivity(firms, rules=rules)["clusters"].to_list()
    [2, 1]
    """
    chosen = _usual_rules() if rules is None else list(rules)
    if not chosen:
        raise InputError("cluster_sensitivity needs at least one ClusterRule.")
    levels = levels_of(level)
    if len(levels) > 1:
        raise InputError(f"cluster_sensitivity takes one level; got {level!r}.")
    columns, expected = columns or FirmColumns(), Expected(units, known, on_unknown)
    found: dict[str, tuple[Census, Cells]] = {}
    counts = []
    for rule in chosen:
        if rule.measure not in found:
            census = read_census(firms, columns, expected, levels, rule.measure)
            found[rule.measure] = census, census.at(levels[0])
        cells = found[rule.measure][1]
        counts.append(_counts(cells, rule))
    out = pd.DataFrame(
        [
            {**asdict(rule), **_compared(count, counts[0])}
            for rule, count in zip(chosen, counts, strict=True)
        ]
    )
    out.attrs = found[chosen[0].measure][0].attrs("Clusters under several rules")
    return out


def _usual_rules() -> list[ClusterRule]:
    grid = [
        ClusterRule(quotient, firms, 10 * firms)
        for quotient in (1.0, 1.25, 1.5, 2.0, 3.0)
        for firms in (5, 10, 20)
    ]
    return [ClusterRule(), *(rule for rule in grid if rule != ClusterRule())]


def _compared(counts: Array, base: Array) -> dict[str, float]:
    ranks = [pd.Series(c).rank().to_numpy() for c in (counts, base)]
    varies = all(np.ptp(r) > 0 for r in ranks)
    return {
        "clusters": int(counts.sum()),
        "units_with": int(np.count_nonzero(counts)),
        "mean": float(counts.mean()),
        "max": int(counts.max()),
        "rank_correlation": float(np.corrcoef(*ranks)[0, 1]) if varies else np.nan,
    }


def _listed(by: str | int, levels: tuple[int, ...]) -> dict[int, int]:
    """Return for each level how many digits its clusters are listed by."""
    if not isinstance(by, int) or isinstance(by, bool):
        require_option(by, ("unit", "code"), "by")
        return {one: one for one in levels}
    if len(levels) > 1 or not 1 <= by <= levels[0]:
        raise InputError(
            f"by={by} lists the clusters of one level by their first digits: from 1 "
            f"to level; level is {', '.join(map(str, levels))}. Ask for one level, or "
            "for by='code'."
        )
    return {levels[0]: by}


def _counts(cells: Cells, rule: ClusterRule) -> Array:
    p, u, _ = cells.shape
    return group_totals(cells.place, p * u, rule.holds(cells).astype(np.float64))


def _by_unit(
    census: Census, cells: dict[int, Cells], rule: ClusterRule
) -> pd.DataFrame:
    table = census.places()
    for level, here in cells.items():
        name = "clusters" if len(cells) == 1 else f"clusters_{level}"
        table[name] = _counts(here, rule).astype(np.int64)
    one = next(iter(cells.values()))
    size = one.shape[0] * one.shape[1]
    table["firms"] = group_totals(one.place, size, one.sums.firms).astype(np.int64)
    table["employees"] = group_totals(one.place, size, one.sums.employees)
    return pd.DataFrame(table)


def _by_code(
    census: Census, cells: Cells, rule: ClusterRule, digits: int
) -> pd.DataFrame:
    p, u, _ = cells.shape
    into, codes = pd.factorize(cut(cells.codes, digits), sort=True)
    position: Codes = cells.place * len(codes) + into[cells.code]
    held = rule.holds(cells).astype(np.float64)
    table = census.places(len(codes))
    table["level"] = digits
    table["code"] = np.tile(np.asarray(codes, dtype=object), p * u)
    table["clusters"] = group_totals(position, p * u * len(codes), held).astype(int)
    return pd.DataFrame(table)

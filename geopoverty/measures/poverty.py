"""Headcount, Foster-Greer-Thorbecke, Watts and Sen indices with standard errors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from geopoverty._checks import require, require_option
from geopoverty.errors import InputError
from geopoverty.measures.lines import Lines, lines_of
from geopoverty.measures.register import Options, poverty_on_register
from geopoverty.measures.report import poverty_terms, wrap_up
from geopoverty.measures.rows import Rows, Survey, gather
from geopoverty.numerics.welfare import FGT, Index, MeanIndex, Sen, Shorrocks, Watts
from geopoverty.registers.columns import Column
from geopoverty.results import Result

Incomes: TypeAlias = pd.Series | Column


def headcount(
    income: Incomes,
    *,
    poverty_line: Lines,
    weight: pd.Series | Column | None = None,
    by: pd.Series | pd.DataFrame | Column | None = None,
    survey: Survey | None = None,
) -> Result:
    """Estimate the share of people below a poverty line.

    Parameters
    ----------
    income : Series, shape (n,)
        Income or consumption per head, indexed by household or person. Rows without
        one are left out and counted. Never modified. A column of a register,
        ``read_register(...)["income"]``, is read in parts and never whole; then all
        else that is a Series here is a column of that register, too.
    poverty_line : float, Series, Relative, or mapping from label to these
        In the currency of `income`, above 0. A Series gives each row its line (one a
        wave: ``period.map(lines)``). ``Relative(0.6, "median")`` is computed from all
        rows, and standard errors then hold its sampling error. A mapping measures at
        several lines: terms become ``"headcount [label]"``.
    weight : Series, shape (n,), optional
        Sampling weights above 0. Where rows are households and people count:
        sampling weight times household size.
    by : Series or DataFrame, optional
        Groups: a region, a period, ``unit_id``, or several columns of these.
    survey : Survey, optional
        Strata and primary sampling units. Without it rows are independent draws.

    Returns
    -------
    Result
        ``estimates``: the headcount of all, 0 to 1. ``units``: a row per group (and
        term) with the columns of `by`, estimate, std_error, 95 % interval (Student's
        t, on the group's own primary units less strata), rows and population (sum of
        weights); ready for `join` when grouped by ``unit_id``. ``tables["lines"]``:
        each line with its standard error.

    Raises
    ------
    InputError
        If indices differ, a line or weight is not above 0, or ids are not text.

    Warns
    -----
    GeoPovertyWarning
        If strata have a single primary sampling unit.

    Notes
    -----
    Whoever stands on the line is not poor. Variances are of linearised values
    (Deville 1999) under sampling of primary units with replacement within strata;
    a group is a domain of the whole sample, as in ``survey::svyby``. The density
    that a relative line needs is a Gaussian kernel estimate (Silverman's bandwidth).

    References
    ----------
    Foster, J., Greer, J. & Thorbecke, E. (1984). A class of decomposable poverty
    measures. Econometrica 52, 761-766. Deville, J.-C. (1999). Variance estimation
    for complex statistics and estimators. Survey Methodology 25, 193-203. Berger,
    Y. & Skinner, C. (2003). Variance estimation for a low income proportion. Applied
    Statistics 52, 457-468.

    Examples
    --------
    >>> homes = pd.DataFrame({"income": [1.0, 2.0, 3.0, 8.0], "unit_id": list("aabb")})
    >>> found = headcount(homes["income"], poverty_line=2.5, by=homes["unit_id"])
    >>> found.estimates.to_dict()
    {'headcount': 0.5}
    >>> found.units[["unit_id", "estimate", "rows"]].to_dict("list")
    {'unit_id': ['a', 'b'], 'estimate': [1.0, 0.0], 'rows': [2, 2]}
    """
    asked = _Asked(poverty_line, weight, by, survey)
    return _poverty("headcount", {"headcount": FGT(0)}, income, asked)


def fgt(
    income: Incomes,
    *,
    poverty_line: Lines,
    alpha: float | Iterable[float] = (0, 1, 2),
    weight: pd.Series | Column | None = None,
    by: pd.Series | pd.DataFrame | Column | None = None,
    survey: Survey | None = None,
) -> Result:
    """Estimate Foster-Greer-Thorbecke indices: headcount, gap, severity.

    Parameters
    ----------
    income, poverty_line, weight, by, survey
        See `headcount`.
    alpha : float or iterable of float
        0 or above: 0 is the headcount, 1 the mean gap as a share of the line
        (non-poor 0), 2 the mean squared gap, which gives more weight to the poorest.

    Returns
    -------
    Result
        As `headcount`, a term ``"fgt(alpha)"`` each. For one row per unit on a map,
        ask for one alpha or keep one ``term`` of ``units``.

    Raises
    ------
    InputError
        As `headcount`, or if alpha is below 0.

    References
    ----------
    Foster, J., Greer, J. & Thorbecke, E. (1984). A class of decomposable poverty
    measures. Econometrica 52, 761-766, equation 5. Kakwani, N. (1993). Statistical
    inference in the measurement of poverty. Review of Economics and Statistics 75,
    632-639.

    Examples
    --------
    >>> fgt(pd.Series([1.0, 2.0, 3.0, 8.0]), poverty_line=4.0).estimates.to_dict()
    {'fgt(0)': 0.75, 'fgt(1)': 0.375, 'fgt(2)': 0.21875}
    """
    powers = [alpha] if isinstance(alpha, int | float | np.number) else list(alpha)
    if not powers or not all(0 <= a < np.inf for a in powers):
        raise InputError(f"alpha must be 0 or above; got {alpha!r}.")
    indices = {f"fgt({a:g})": FGT(float(a)) for a in powers}
    asked = _Asked(poverty_line, weight, by, survey)
    return _poverty("fgt", indices, income, asked)


def watts(
    income: Incomes,
    *,
    poverty_line: Lines,
    weight: pd.Series | Column | None = None,
    by: pd.Series | pd.DataFrame | Column | None = None,
    survey: Survey | None = None,
) -> Result:
    """Estimate the Watts index: the mean of log(line / income), non-poor 0.

    Divided by the growth rate of the incomes of the poor it is the mean time to
    leave poverty.

    Parameters
    ----------
    income, poverty_line, weight, by, survey
        See `headcount`. Every income must be above 0.

    Returns
    -------
    Result
        As `headcount`, with the term ``"watts"``, 0 or above.

    Raises
    ------
    InputError
        As `headcount`, or if an income is 0 or below: its logarithm does not exist.

    References
    ----------
    Watts, H. W. (1968). An economic definition of poverty. IRP Discussion Paper 5,
    University of Wisconsin. Zheng, B. (1993). An axiomatic characterization of the
    Watts poverty index. Economics Letters 42, 81-86.

    Examples
    --------
    >>> found = watts(pd.Series([1.0, 2.0, 3.0, 8.0]), poverty_line=4.0)
    >>> found.estimates.round(4).to_dict()
    {'watts': 0.5918}
    """
    asked = _Asked(poverty_line, weight, by, survey)
    if isinstance(income, Column):
        return poverty_on_register("watts", {"watts": Watts()}, income, asked)
    rows = asked.rows(income)
    require(
        rows.income > 0,
        "The Watts index needs incomes above 0",
        ids=rows.ids,
        way_out="Drop these rows, set a floor, or take the poverty gap: fgt(alpha=1).",
    )
    return _measured("watts", {"watts": Watts()}, rows, asked)


def sen(
    income: pd.Series,
    *,
    poverty_line: Lines,
    kind: str = "sen",
    weight: pd.Series | None = None,
    by: pd.Series | pd.DataFrame | None = None,
    survey: Survey | None = None,
) -> Result:
    """Estimate the Sen index, or that of Sen, Shorrocks and Thon.

    Parameters
    ----------
    income, poverty_line, weight, by, survey
        See `headcount`.
    kind : {"sen", "sst"}
        ``"sen"``: H (I + (1 - I) G) with the headcount H, the mean gap I of the poor
        as a share of the line, and the Gini coefficient G among the poor.
        ``"sst"``: the gap index times 1 + the Gini coefficient of everybody's gaps,
        which never falls when a poor person gives to a richer one, even if that one
        leaves poverty by it.

    Returns
    -------
    Result
        As `headcount`, with the term ``"sen"`` or ``"sst"``, 0 to 1.

    Raises
    ------
    InputError
        As `headcount`, or if `kind` is unknown.

    Notes
    -----
    Sen's own formula has a factor q/(q + 1) at G, with q poor, so that doubling
    every household changes it. It is left out here, as it has no meaning under
    sampling weights; it nears 1 as q grows. Influences are those of the
    pairwise forms: S = gap index + sum over pairs of the poor of ``|y - y'|`` /
    (2 z N q), and the mean over all pairs of the greater gap.

    References
    ----------
    Sen, A. (1976). Poverty: an ordinal approach to measurement. Econometrica 44,
    219-231, theorem 1. Shorrocks, A. F. (1995). Revisiting the Sen poverty index.
    Econometrica 63, 1225-1230.

    Examples
    --------
    >>> homes = pd.Series([1.0, 2.0, 3.0, 8.0])
    >>> sen(homes, poverty_line=4.0).estimates.round(4).to_dict()
    {'sen': 0.4583}
    >>> sen(homes, poverty_line=4.0, kind="sst").estimates.to_dict()
    {'sst': 0.53125}
    """
    require_option(kind, ("sen", "sst"), "kind")
    index: Index = Sen() if kind == "sen" else Shorrocks()
    if isinstance(income, Column):
        raise InputError(
            "The Sen index ranks all incomes, and a register is read in parts: it is "
            "not to be had there. Take fgt(), or a table in memory."
        )
    asked = _Asked(poverty_line, weight, by, survey)
    return _measured("sen", {kind: index}, asked.rows(income), asked)


@dataclass(frozen=True, eq=False)
class _Asked(Options):
    """What every poverty index takes, as given."""

    def rows(self, income: pd.Series) -> Rows:
        return gather(income, self.weight, self.by, self.survey)


def _poverty(
    name: str, indices: Mapping[str, MeanIndex], income: Incomes, asked: _Asked
) -> Result:
    if isinstance(income, Column):
        return poverty_on_register(name, indices, income, asked)
    return _measured(name, indices, asked.rows(income), asked)


def _measured(
    name: str, indices: Mapping[str, Index], rows: Rows, asked: _Asked
) -> Result:
    lines = lines_of(asked.poverty_line, rows)
    options = {
        "weight": None if asked.weight is None else asked.weight.name,
        "index": ", ".join(indices),
    }
    return wrap_up(name, poverty_terms(indices, lines, rows), rows, lines, options)

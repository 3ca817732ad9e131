"""Industrial upgrading, and integration of farming with what it feeds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from geopoverty._checks import require, require_columns, unit_ids
from geopoverty.clusters.origin import derived_attrs
from geopoverty.clusters.values import at_least_zero, coded
from geopoverty.errors import InputError


def upgrading_index(
    data: pd.DataFrame,
    *,
    sectors: Sequence[str] = ("primary", "secondary", "tertiary"),
    unit: str = "unit_id",
    period: str | None = None,
) -> pd.DataFrame:
    """Compute the industrial upgrading index, ``1 s_1 + 2 s_2 + 3 s_3``.

    Parameters
    ----------
    data : DataFrame, n rows
        One unit (and period) a row. Never modified.
    sectors : sequence of three str
        Columns of the output of the primary, secondary and tertiary sector, in one
        money or in shares; 0 or above.
    unit, period : str
        Columns of unit ids and, if any, periods.

    Returns
    -------
    DataFrame, n rows, in the order of `data`
        ``unit_id``, ``period`` (if asked for), ``upgrading_index`` from 1 (all
        primary) to 3 (all tertiary). ``attrs``: title, status and notes.

    Raises
    ------
    InputError
        If a column is missing, ids are missing, not text or (in a period) repeated,
        an output is missing or negative, or a unit has none.

    References
    ----------
    Xu, M. & Jiang, Y. (2015). Can China's industrial structure upgrading narrow the
    gap between urban and rural consumption? Journal of Quantitative and Technical
    Economics 32 (3), for the weights 1, 2, 3.

    Examples
    --------
    >>> gdp = pd.DataFrame({"unit_id": ["a", "b"], "primary": [50.0, 10.0],
    ...                     "secondary": [30.0, 40.0], "tertiary": [20.0, 50.0]})
    >>> upgrading_index(gdp)["upgrading_index"].to_list()
    [1.7, 2.4]
    """
    if isinstance(sectors, str) or len(sectors) != 3 or len(set(sectors)) != 3:
        raise InputError(
            "sectors must name three columns: primary, secondary and tertiary; got "
            f"{sectors!r}."
        )
    out = _keyed(data, [*sectors], unit, period)
    parts = np.column_stack([at_least_zero(data[s]) for s in sectors])
    whole = parts.sum(axis=1)
    require(
        whole > 0,
        "The three sectors of a unit must add up to more than 0",
        ids=out["unit_id"].to_list(),
        way_out="Correct or drop these rows.",
    )
    out["upgrading_index"] = parts @ np.array([1.0, 2.0, 3.0]) / whole
    out.attrs = derived_attrs("Industrial upgrading index", [data.attrs])
    return out


def integration_indices(
    data: pd.DataFrame,
    *,
    machinery_power: str = "machinery_power",
    services_output: str = "services_output",
    population: str = "population",
    unit: str = "unit_id",
    period: str | None = None,
) -> pd.DataFrame:
    """Compute how far farming is integrated with industry and with services.

    Parameters
    ----------
    data : DataFrame, n rows
        One unit (and period) a row. Never modified.
    machinery_power : str
        Column of the power of agricultural machinery (kW), 0 or above.
    services_output : str
        Column of the output of services to agriculture, forestry, animal husbandry
        and fishery (money), 0 or above.
    population : str
        Column of persons, above 0: rural or all, as the study has it.
    unit, period : str
        Columns of unit ids and, if any, periods.

    Returns
    -------
    DataFrame, n rows, in the order of `data`
        ``unit_id``, ``period`` (if asked for), ``integration_1_2`` (power per head)
        and ``integration_1_3`` (output per head). ``attrs``: title, status, notes.

    Raises
    ------
    InputError
        If a column is missing, ids are missing, not text or (in a period) repeated,
        a value is missing or negative, or a population is not above 0.

    Notes
    -----
    Both are proxies of the study of 76 poor counties (`exit_hazard` takes them).

    Examples
    --------
    >>> county = pd.DataFrame({"unit_id": ["a"], "machinery_power": [500.0],
    ...                        "services_output": [200.0], "population": [1000]})
    >>> integration_indices(county)["integration_1_2"].to_list()
    [0.5]
    """
    out = _keyed(data, [machinery_power, services_output, population], unit, period)
    heads = at_least_zero(data[population])
    require(
        heads > 0,
        f"'{population}' must be above 0",
        ids=out["unit_id"].to_list(),
        way_out="Correct or drop these rows.",
    )
    out["integration_1_2"] = at_least_zero(data[machinery_power]) / heads
    out["integration_1_3"] = at_least_zero(data[services_output]) / heads
    out.attrs = derived_attrs("Integration of farming", [data.attrs])
    return out


def _keyed(
    data: pd.DataFrame, columns: list[str], unit: str, period: str | None
) -> pd.DataFrame:
    keys = [unit, *([] if period is None else [period])]
    require_columns(data, [*keys, *columns], "The table")
    ids = unit_ids(data[unit], "The table", unique=False)
    out = pd.DataFrame({"unit_id": ids.to_numpy()})
    if period is not None:
        out["period"] = data[period].to_numpy()
        coded(data[period], "period")
    require(
        ~out.duplicated().to_numpy(),
        "Each unit must stand once (in a period)",
        ids=ids,
        way_out="Drop or sum the repeats, or name the column of periods.",
    )
    return out

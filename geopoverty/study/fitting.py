"""Fit a model of the study: once, in each group, or for each industry."""

from collections.abc import Mapping
from typing import Any, get_type_hints

import pandas as pd

from geopoverty.estimators.groups import by_group
from geopoverty.estimators.scan import industry_scan
from geopoverty.results import Result
from geopoverty.study.made import Call
from geopoverty.study.models import ESTIMATORS, main_key
from geopoverty.study.schema import PERIOD, UNIT

COUNT = "clusters"  # what a scan fills in


def _hints_of(call: Any, names: tuple[str, ...]) -> dict[str, Any]:
    hints = get_type_hints(call)
    return {n: hints[n] for n in names}


GROUP_KEYS = _hints_of(by_group, ("by", "min_rows", "on_error"))
SCAN_KEYS = {"table": str, **_hints_of(industry_scan, ("terms", "min_units"))}


def fit(call: Call) -> Result:
    """Return what the estimator of a model says of its rows.

    Parameters
    ----------
    call : Call
        Checked.

    Raises
    ------
    GeoPovertyError
        As the estimator.
    """
    if call.groups is not None:
        # A group that cannot be fitted leaves the others, as a model does.
        options = {"on_error": "note", **call.groups}
        return by_group(lambda rows: _once(call, rows), call.data, **options)
    if call.scan is not None and call.counts is not None:
        return _scanned(call, call.counts, call.scan)
    return _once(call, call.data)


def _once(
    call: Call, rows: pd.DataFrame, options: Mapping[str, Any] | None = None
) -> Result:
    key = main_key(call.model.estimator)
    given = [] if key is None else [getattr(call.model, key)]
    told = call.options if options is None else options
    return ESTIMATORS[call.model.estimator].call(*given, rows, **told)


def _scanned(call: Call, counts: pd.DataFrame, scan: Mapping[str, Any]) -> Result:
    both = PERIOD in counts and PERIOD in call.data
    told = {k: v for k, v in scan.items() if k != "table"}
    told["period"] = PERIOD if both else None
    unit = call.options.get("unit", UNIT)
    told["unit"] = getattr(unit, "unit", unit)
    if f"W({COUNT}" not in (call.model.formula or ""):
        return industry_scan(lambda r: _once(call, r), call.data, counts, **told)

    def with_units(rows: pd.DataFrame, units: pd.DataFrame) -> Result:
        held = call.options.get("unit_data")
        if held is not None:
            keys = [k for k in (UNIT, PERIOD) if k in units and k in held]
            units = held.merge(units, on=keys, how="left", validate="m:1")
        return _once(call, rows, {**call.options, "unit_data": units})

    return industry_scan(with_units, call.data, counts, **told)

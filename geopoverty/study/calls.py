"""From a model of the study to a call of its estimator, checked but not made."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from geopoverty._checks import first, require_columns
from geopoverty.design.formula import parse_formula
from geopoverty.design.sample import Sample
from geopoverty.errors import InputError
from geopoverty.study.fitting import COUNT, GROUP_KEYS, SCAN_KEYS
from geopoverty.study.lines import Path
from geopoverty.study.made import Call, Prepared
from geopoverty.study.models import (
    ESTIMATORS,
    columns_of,
    default_columns,
    main_key,
    needs,
    option_names,
    read_option,
    takes,
)
from geopoverty.study.problems import Report
from geopoverty.study.schema import UNIT, Model
from geopoverty.study.steps import keep_periods, keep_where
from geopoverty.study.typed import read_keys
from geopoverty.weights import SpatialWeights

DEPENDENT = ("spatial_binary", "spatial_binary_tests", "panel_tests")
BY_PERIOD = ("panel", "panel_logit", "panel_tests", "dynamic_panel", "did", "psm_did")


def call_of(name: str, made: Prepared, report: Report) -> Call | None:
    """Check a model as far as can be without fitting it.

    Parameters
    ----------
    name : str
        Of the model.
    made : Prepared
        With its tables and weights.
    report : Report
        Gets every problem.

    Returns
    -------
    Call or None
        None if there is a problem, here or in what the model rests on.
    """
    return _Model(name, made.study.models[name], made, report).call()


@dataclass(frozen=True, eq=False)
class _Model:
    name: str
    model: Model
    made: Prepared
    report: Report

    @property
    def path(self) -> Path:
        return ("models", self.name)

    def call(self) -> Call | None:
        before = len(self.report.problems)
        options = self._options()
        weights = self._weights()
        extra = self._unit_data()
        several = self._several()
        self._check_main()
        data = self._data()
        if data is not None:
            self._check_columns(data, extra, options)
            self._check_formula(data, extra)
            self._check_units(data, extra, weights, options)
        if data is None or len(self.report.problems) > before:
            return None
        for key, value in (("weights", weights), ("unit_data", extra)):
            if value is not None:
                options[key] = value
            elif getattr(self.model, key) is not None:
                return None  # it has a problem of its own
        if self.model.scan is not None and several.get("counts") is None:
            return None
        return Call(self.name, self.model, data, options, **several)

    def _several(self) -> dict[str, Any]:
        """Return the keys of a fit in each group or for each industry."""
        model = self.model
        found: dict[str, Any] = {}
        if model.groups is not None and model.scan is not None:
            self.report.say((*self.path, "scan"), "Name groups or scan, not both.")
        for key, known, needed in (
            ("groups", GROUP_KEYS, "by"), ("scan", SCAN_KEYS, "table"),
        ):  # fmt: skip
            asked = getattr(model, key)
            if asked is None:
                continue
            with self.report.catching((*self.path, key)):
                found[key] = read_keys(key, asked, known)
                if needed not in asked:
                    raise InputError(f"{key} needs the key '{needed}'.")
        if "scan" in found and "table" in found["scan"]:
            self.report.unknown((*self.path, "scan"), "tables", found["scan"]["table"])
            found["counts"] = self._counts(found["scan"]["table"])
        return found

    def _counts(self, name: str) -> pd.DataFrame | None:
        """Return the counts of clusters by code that a scan goes through."""
        counts = self.made.tables.get(name)
        if counts is not None:
            with self.report.catching((*self.path, "scan")):
                columns = [UNIT, "level", "code", COUNT]
                require_columns(counts, columns, "The table of a scan")
        return counts

    def _check_main(self) -> None:
        """Check that what the estimator takes is named, and nothing else."""
        estimator = self.model.estimator
        for key in ("formula", "column"):
            given = getattr(self.model, key) is not None
            if given and not takes(estimator, key):
                self.report.say(
                    (*self.path, key),
                    f"The estimator '{estimator}' has no '{key}'. Leave it out.",
                )
            if not given and key == main_key(estimator):
                self.report.say(
                    self.path, f"The estimator '{estimator}' needs the key '{key}'."
                )

    def _options(self) -> dict[str, Any]:
        estimator = self.model.estimator
        values = {}
        for key, value in self.model.options.items():
            with self.report.catching((*self.path, key)):
                values[key] = read_option(estimator, key, value, self.made.times)
        for key in option_names(estimator):
            if needs(estimator, key) and key not in self.model.options:
                self.report.say(
                    self.path, f"The estimator '{estimator}' needs the key '{key}'."
                )
        return values

    def _weights(self) -> SpatialWeights | None:
        named, estimator = self.model.weights, self.model.estimator
        if named is None:
            if needs(estimator, "weights"):
                self.report.say(
                    self.path,
                    f"The estimator '{estimator}' needs the key 'weights'.",
                )
            return None
        if not self._takes("weights"):
            return None
        self.report.unknown((*self.path, "weights"), "weights", named)
        return self.made.weights.get(named)

    def _unit_data(self) -> pd.DataFrame | None:
        named = self.model.unit_data
        if named is None or not self._takes("unit_data"):
            return None
        self.report.unknown((*self.path, "unit_data"), "tables", named)
        return self.made.tables.get(named)

    def _takes(self, key: str) -> bool:
        if takes(self.model.estimator, key):
            return True
        self.report.say(
            (*self.path, key),
            f"The estimator '{self.model.estimator}' has no '{key}'.",
        )
        return False

    def _data(self) -> pd.DataFrame | None:
        self.report.unknown((*self.path, "table"), "tables", self.model.table)
        table = self.made.tables.get(self.model.table)
        if table is None:
            return None
        attrs = table.attrs
        for key, keep in (("periods", keep_periods), ("where", keep_where)):
            asked = getattr(self.model, key)
            if asked is not None:
                before = len(self.report.problems)
                with self.report.catching((*self.path, key)):
                    table = keep(table, asked)
                if len(self.report.problems) > before:
                    return None
        table = table.reset_index(drop=True)
        table.attrs = dict(attrs)
        return table

    def _check_columns(
        self, data: pd.DataFrame, extra: pd.DataFrame | None, options: dict[str, Any]
    ) -> None:
        known = [*data.columns, *(extra.columns if extra is not None else [])]
        for key, value in options.items():
            self._require(columns_of(key, value), known, key)
        if self.model.estimator == "vulnerability":
            line = options.get("poverty_line")
            if isinstance(line, str):
                self._require((line,), known, "poverty_line")
        if self.model.weights is not None or self.model.estimator in BY_PERIOD:
            defaults = default_columns(self.model.estimator, self.model.options)
            self._require(defaults, known, "table")
        if self.model.column is not None:
            self._require((self.model.column,), [*data.columns], "column")
        by = (self.model.groups or {}).get("by")
        if isinstance(by, str):
            self._require((by,), [*data.columns], "groups")

    def _require(self, columns: tuple[str, ...], known: list[str], key: str) -> None:
        with self.report.catching((*self.path, key)):
            require_columns(pd.DataFrame(columns=known), columns, f"'{key}'")

    def _check_formula(self, data: pd.DataFrame, extra: pd.DataFrame | None) -> None:
        if self.model.formula is None:
            return
        known = [*data.columns, *(extra.columns if extra is not None else [])]
        if self.model.scan is not None:
            known.append(COUNT)
        with self.report.catching((*self.path, "formula")):
            parsed = parse_formula(
                self.model.formula,
                known,
                outcome=ESTIMATORS[self.model.estimator].outcome,
            )
            if parsed.lags and self.model.weights is None:
                names = [str(k) for k in self.made.study.weights]
                raise InputError(
                    f"{first(parsed.lags)} needs the key 'weights'. There are: "
                    f"{first(names, 12) or 'none; write [weights.near]'}."
                )

    def _check_units(
        self,
        data: pd.DataFrame,
        extra: pd.DataFrame | None,
        weights: SpatialWeights | None,
        options: dict[str, Any],
    ) -> None:
        given = options.get("unit", UNIT)
        unit = given.unit if isinstance(given, Sample) else given
        if weights is None or unit not in data:
            return
        held = pd.Index(data[unit].unique())
        beyond = held.difference(weights.units)
        if len(beyond):
            self.report.say(
                (*self.path, "weights"),
                f"The weights '{self.model.weights}' lack {len(beyond)} of "
                f"{len(held)} units of the table '{self.model.table}' "
                f"({first(beyond)}). Leave these units out of the table.",
            )
        if self.model.scan is not None and extra is None:
            return  # a scan lags the counts, which every unit has
        source = extra if extra is not None and unit in extra else data
        without = weights.units.difference(pd.Index(source[unit].unique()))
        if len(without) and self._lags_all(options):
            self.report.say(
                (*self.path, "weights"),
                "A lag over neighbours needs every unit of the weights; "
                f"{len(without)} of {weights.n} have no row ({first(without)}). Add "
                f"units = '{self.model.table}' to [weights.{self.model.weights}], or "
                "name a table with all units as unit_data.",
            )
        if extra is None and self._lags_all(options):
            self._check_groups(data, unit, weights)

    def _check_groups(
        self, data: pd.DataFrame, unit: str, weights: SpatialWeights
    ) -> None:
        by = (self.model.groups or {}).get("by")
        if by not in data:
            return
        held = data.groupby(by)[unit].nunique()
        few = held.index[held < weights.n]
        if len(few):
            self.report.say(
                (*self.path, "groups"),
                "A lag over neighbours needs every unit of the weights in each group; "
                f"{len(few)} of {len(held)} groups lack some ({first(few)}). Name a "
                "table with all units as unit_data.",
            )

    def _lags_all(self, options: dict[str, Any]) -> bool:
        """Return whether the model lags something over all units of the weights."""
        if "W(" in (self.model.formula or "") or self.model.estimator in DEPENDENT:
            return True
        model = options.get("model", "none")
        return self.model.estimator == "panel" and model != "none"

"""The estimators a study may name, and their options, checked by signature."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, get_type_hints

from geopoverty._checks import nearest_name
from geopoverty.covariances import Cluster, Conley, WildCluster
from geopoverty.design.sample import Sample
from geopoverty.errors import InputError
from geopoverty.estimators.binary import logit, probit
from geopoverty.estimators.control_function import control_function
from geopoverty.estimators.curves import CurveOptions, survival_curves
from geopoverty.estimators.did import Adoption, did, psm_did
from geopoverty.estimators.dynamic_panel import DynamicGMM, Household, dynamic_panel
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard
from geopoverty.estimators.linear import ols
from geopoverty.estimators.matching import Bootstrap, Score, match, match_all
from geopoverty.estimators.panel import panel
from geopoverty.estimators.panel_logit import panel_logit
from geopoverty.estimators.panel_tests import panel_tests
from geopoverty.estimators.quantiles import QuantileBootstrap, quantile_regression
from geopoverty.estimators.spatial_binary import spatial_binary
from geopoverty.estimators.spatial_tests import spatial_binary_tests
from geopoverty.estimators.stepwise import stepwise
from geopoverty.estimators.targeting import (
    SurveyColumns,
    concentration,
    partial_correlation,
    targeting,
)
from geopoverty.estimators.vulnerability import (
    ClusterBootstrap,
    Profile,
    vulnerability,
)
from geopoverty.patterns import getis_ord, local_moran
from geopoverty.results import Result
from geopoverty.study.typed import (
    MISFIT,
    conform,
    in_words,
    object_name,
    option_classes,
)

ROBUST = ("iid", "hc0", "hc1", "cluster")
GIVEN = (
    "formula",
    "column",
    "data",
    "weights",
    "unit_data",
)  # by keys of the model itself
# Options whose text names columns of the table.
COLUMNS = frozenset(
    [
        "unit", "period", "sampling_weight", "duration", "exited", "treated", "post",
        "first_treated", "outcome", "by", "individual", "endogenous", "instruments",
        "profile", "received", "poor", "amounts", "benefit", "income", "x", "y",
        "given", "entry",
    ]
)  # fmt: skip
OBJECT_COLUMNS: Mapping[type, tuple[str, ...]] = {
    Cluster: ("by",),
    WildCluster: ("by",),
    Sample: ("unit", "period", "sampling_weight"),
    Timeline: ("duration", "entry", "after", "individual"),
    Hazard: ("strata", "frailty"),
    Household: ("household", "unit"),
    Adoption: ("column",),
    Bootstrap: ("cluster",),
    ClusterBootstrap: ("by",),
    DynamicGMM: ("cluster",),
    QuantileBootstrap: ("by",),
    Score: ("column",),
    Profile: ("by",),
    CurveOptions: ("strata",),
    SurveyColumns: ("sampling_weight", "cluster", "strata"),
}


@dataclass(frozen=True)
class Estimator:
    """An estimator that a study may name.

    Attributes
    ----------
    call : function
        ``(formula, data, *, options) -> Result``; or from a column in place of the
        formula, or from data alone.
    outcome : bool
        Whether its formula has a left side.
    choices : mapping of str to tuple
        Options and the texts they take, where the signature only says text.
    """

    call: Callable[..., Result]
    outcome: bool = True
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_EFFECTS = ("unit", "period", "two-way", "random", "none")
_SPATIAL = ("lag", "error", "durbin")
_LINKS = ("logit", "probit")
ESTIMATORS: Mapping[str, Estimator] = {
    "logit": Estimator(logit, choices={"vcov": ROBUST}),
    "probit": Estimator(probit, choices={"vcov": ROBUST}),
    "ols": Estimator(ols, choices={"vcov": (*ROBUST, "hc2", "hc3")}),
    "quantile_regression": Estimator(
        quantile_regression, choices={"vcov": ("nid", "iid", "bootstrap")}
    ),
    "stepwise": Estimator(stepwise, choices={"model": ("ols", "logit", "probit")}),
    "control_function": Estimator(control_function),
    "panel": Estimator(
        panel, choices={"effects": _EFFECTS, "model": ("none", *_SPATIAL)}
    ),
    "panel_logit": Estimator(
        panel_logit, choices={"effects": ("none", "unit", "random", "mundlak")}
    ),
    "panel_tests": Estimator(panel_tests, choices={"effects": _EFFECTS}),
    "dynamic_panel": Estimator(
        dynamic_panel, choices={"method": ("auto", "difference", "system")}
    ),
    "spatial_binary": Estimator(
        spatial_binary,
        choices={
            "model": _SPATIAL,
            "link": _LINKS,
            "method": ("ml", "gmm", "linear-gmm"),
        },
    ),
    "spatial_binary_tests": Estimator(spatial_binary_tests, choices={"link": _LINKS}),
    "exit_hazard": Estimator(
        exit_hazard,
        outcome=False,
        choices={
            "model": (
                "cox", "weibull", "lognormal", "loglogistic", "aft", "logit", "cloglog",
            )
        },
    ),
    "vulnerability": Estimator(
        vulnerability, choices={"variance": ("drop", "floor", "log")}
    ),
    "match": Estimator(
        match, choices={"method": ("nearest", "radius", "kernel"), "score": _LINKS}
    ),
    "match_all": Estimator(match_all, choices={"score": _LINKS}),
    "did": Estimator(did),
    "psm_did": Estimator(psm_did),
    "local_moran": Estimator(local_moran),
    "getis_ord": Estimator(getis_ord),
    "survival_curves": Estimator(survival_curves),
    "targeting": Estimator(targeting),
    "concentration": Estimator(concentration),
    "partial_correlation": Estimator(
        partial_correlation, choices={"method": ("pearson", "spearman")}
    ),
}  # fmt: skip


@cache
def option_names(estimator: str) -> tuple[str, ...]:
    """Return the options of an estimator that a study may set by their names.

    Examples
    --------
    >>> option_names("panel")
    ('unit', 'period', 'effects', 'model', 'vcov')
    """
    return tuple(n for n in _parameters(estimator) if n not in GIVEN)


@cache
def main_key(estimator: str) -> str | None:
    """Return the key that says what an estimator does to its table, if any.

    Examples
    --------
    >>> main_key("logit"), main_key("targeting")
    ('formula', None)
    """
    return next((k for k in ("formula", "column") if takes(estimator, k)), None)


@cache
def takes(estimator: str, name: str) -> bool:
    """Return whether an estimator has this option.

    Examples
    --------
    >>> takes("logit", "weights"), takes("match", "weights")
    (True, False)
    """
    return name in _parameters(estimator)


def needs(estimator: str, name: str) -> bool:
    """Return whether an estimator cannot do without this option.

    Examples
    --------
    >>> needs("spatial_binary", "weights"), needs("logit", "weights")
    (True, False)
    """
    found = _parameters(estimator).get(name)
    return found is not None and found.default is inspect.Parameter.empty


def read_option(estimator: str, name: str, value: Any, times: Any) -> Any:
    """Return an option as the estimator takes it.

    Parameters
    ----------
    estimator, name : str
        Known to `ESTIMATORS` and `option_names`.
    value
        As `tomllib` gives it. A table is an option object: its first key names the
        class, with the value of that class's first field. Where an option takes one
        class only, the keys may be its fields.
    times : TravelTimes or None
        What `Conley` measures by.

    Raises
    ------
    InputError
        If the value does not fit, or the object refuses it.

    Examples
    --------
    >>> read_option("logit", "vcov", {"cluster": "state"}, None)
    Cluster(by='state', correction='hc1')
    >>> read_option("match", "method", {"nearest": 4, "caliper": 0.1}, None)
    Nearest(neighbors=4, caliper=0.1, ties='all')
    """
    hint = _hints(estimator)[name]
    classes = option_classes(hint)
    if (kind := _kind_of(value, classes)) is not None:
        return _object(kind, value, times)
    fit = conform(value, hint)
    if fit is MISFIT:
        raise InputError(f"It must be {in_words(hint)}; got {value!r:.80}.")
    choices = ESTIMATORS[estimator].choices.get(name)
    if choices is not None and isinstance(fit, str) and fit not in choices:
        raise InputError(
            f"It must be {_listed(choices)}{_objects(classes)}; got '{fit}'."
            f"{nearest_name(fit, choices)}"
        )
    return fit


def columns_of(name: str, value: Any) -> tuple[str, ...]:
    """Return the columns that an option names.

    Examples
    --------
    >>> columns_of("vcov", Cluster(("state", "period")))
    ('state', 'period')
    >>> columns_of("model", "lag")
    ()
    """
    if type(value) in OBJECT_COLUMNS:
        held = [getattr(value, f) for f in OBJECT_COLUMNS[type(value)]]
    else:
        held = [value] if name in COLUMNS else []
    texts: list[str] = []
    for item in held:
        many = (item,) if isinstance(item, str) else item
        texts += [t for t in many or () if isinstance(t, str)]
    return tuple(texts)


def default_columns(estimator: str, given: Iterable[str]) -> tuple[str, ...]:
    """Return the columns an estimator reads by default, when not told otherwise.

    Examples
    --------
    >>> default_columns("panel", ["unit"])
    ('period',)
    """
    found = _parameters(estimator)
    return tuple(
        found[n].default
        for n in ("unit", "period")
        if n in found and n not in given and isinstance(found[n].default, str)
    )


def _kind_of(value: Any, classes: Mapping[str, type]) -> type | None:
    """Return the option object that a table is: named by its first key, or the one."""
    if not isinstance(value, dict) or not value:
        return None
    if (first := next(iter(value))) in classes:
        return classes[first]
    only = next(iter(classes.values())) if len(classes) == 1 else None
    known = [] if only is None else [f.name for f in fields(only)]
    return only if first in known else None


def _object(kind: type, table: Mapping[str, Any], times: Any) -> Any:
    hints = get_type_hints(kind)
    # Distances are not written in a study file: they are its travel times.
    own = [f for f in fields(kind) if f.name != "distances"]
    name, known = object_name(kind), [f.name for f in own]
    values = dict(table)
    if name in values:
        values = {known[0]: values.pop(name), **values}
    others = known[1:] if name in table else known
    for key in table:
        if key not in (name, *others):
            raise InputError(
                f"'{name}' has no option '{key}'.{nearest_name(key, others)} It "
                f"has: {', '.join(others) or 'none'}."
            )
    read = {k: _field(name, k, v, hints[k], times) for k, v in values.items()}
    for f in own:
        if f.default is MISSING and f.default_factory is MISSING and f.name not in read:
            raise InputError(f"'{name}' needs the option '{f.name}'.")
    if kind is Conley:
        if times is None:
            raise InputError("'conley' needs [travel_times]: it measures by them.")
        read["distances"] = times
    return kind(**read)


def _field(owner: str, name: str, value: Any, hint: Any, times: Any) -> Any:
    if (kind := _kind_of(value, option_classes(hint))) is not None:
        return _object(kind, value, times)
    fit = conform(value, hint)
    if fit is MISFIT:
        raise InputError(
            f"'{name}' of '{owner}' must be {in_words(hint)}; got {value!r:.80}."
        )
    return fit


def _objects(classes: Mapping[str, type]) -> str:
    texts = [f"{{{object_name(k)} = ...}}" for k in classes.values()]
    return f" or {' or '.join(texts)}" if texts else ""


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(f"'{c}'" for c in choices)


@cache
def _parameters(estimator: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(ESTIMATORS[estimator].call).parameters


@cache
def _hints(estimator: str) -> Mapping[str, Any]:
    return get_type_hints(ESTIMATORS[estimator].call)

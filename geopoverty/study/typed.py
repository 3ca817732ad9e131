"""Fit values of a TOML file to the types that a function or a class declares."""

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any, Union, get_args, get_origin

from geopoverty._checks import nearest_name
from geopoverty.errors import InputError

MISFIT = object()

_WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    date: "a date",
}


def conform(value: Any, hint: Any) -> Any:
    """Return `value` as the type `hint` wants it, or `MISFIT`.

    Parameters
    ----------
    value
        From `tomllib`: text, number, truth value, date, list or table.
    hint
        A type as `typing.get_type_hints` gives it. Dataclasses never fit here:
        see `option_class`.

    Examples
    --------
    >>> conform([1, 2], tuple[float, ...])
    (1.0, 2.0)
    >>> conform(True, int) is MISFIT
    True
    >>> conform("a", str | None)
    'a'
    """
    if hint is Any:
        return value
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _first_fit(value, get_args(hint))
    if origin in (tuple, list, Sequence):
        return _list(value, origin, get_args(hint))
    if origin in (dict, Mapping):
        return _table(value, get_args(hint)[1])
    return _scalar(value, hint)


def read_keys(
    owner: str, asked: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the keys of a small table of the file, each as its type wants it.

    Parameters
    ----------
    owner : str
        What has these keys.
    asked : mapping
        As written.
    known : mapping of str to type

    Raises
    ------
    InputError
        For an unknown key, or a value of another kind.

    Examples
    --------
    >>> read_keys("exits", {"line": 20}, {"rate": str, "line": float})
    {'line': 20.0}
    """
    told = {}
    for name, value in asked.items():
        if name not in known:
            raise InputError(
                f"{owner} has no key '{name}'.{nearest_name(name, known)} It has: "
                f"{', '.join(known)}."
            )
        told[name] = conform(value, known[name])
        if told[name] is MISFIT:
            raise InputError(
                f"'{name}' of {owner} must be {in_words(known[name])}; got "
                f"{value!r:.80}."
            )
    return told


def in_words(hint: Any) -> str:
    """Say what a type takes, for a message.

    Examples
    --------
    >>> in_words(str | tuple[str, ...] | None)
    'text or a list of text'
    """
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        kinds = [in_words(h) for h in get_args(hint) if h is not types.NoneType]
        return " or ".join(dict.fromkeys(kinds))
    if origin in (tuple, list, Sequence):
        return f"a list of {in_words(get_args(hint)[0]).removeprefix('a ')}"
    if origin in (dict, Mapping):
        return "a table"
    if is_dataclass(hint) and isinstance(hint, type):
        return f"{{{object_name(hint)} = ...}}"
    return _WORDS.get(hint, "a value")


def object_name(kind: type) -> str:
    """Return what an option object is called in a study file.

    Examples
    --------
    >>> class WildCluster: pass
    >>> class LinearGMM: pass
    >>> object_name(WildCluster), object_name(LinearGMM)
    ('wild_cluster', 'linear_gmm')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


def option_classes(hint: Any) -> dict[str, type]:
    """Return the option objects that a type allows, by their names in a file.

    Examples
    --------
    >>> from geopoverty.covariances import Cluster
    >>> option_classes(str | Cluster | None) == {"cluster": Cluster}
    True
    """
    if get_origin(hint) in (Union, types.UnionType):
        return {n: k for h in get_args(hint) for n, k in option_classes(h).items()}
    if is_dataclass(hint) and isinstance(hint, type) and fields(hint):
        return {object_name(hint): hint}
    return {}


def _scalar(value: Any, hint: Any) -> Any:
    if isinstance(value, bool):
        return value if hint is bool else MISFIT
    if hint is float and isinstance(value, int | float):
        return float(value)
    if hint in (str, int, date) and isinstance(value, hint):
        return value
    return MISFIT


def _first_fit(value: Any, hints: tuple[Any, ...]) -> Any:
    fits = (conform(value, h) for h in hints)
    return next((f for f in fits if f is not MISFIT), MISFIT)


def _list(value: Any, origin: Any, hints: tuple[Any, ...]) -> Any:
    if not isinstance(value, list):
        return MISFIT
    if origin is tuple and hints[-1] is not Ellipsis:
        if len(hints) != len(value):
            return MISFIT
        items = [conform(v, h) for v, h in zip(value, hints, strict=True)]
    else:
        items = [conform(v, hints[0]) for v in value]
    return MISFIT if any(i is MISFIT for i in items) else tuple(items)


def _table(value: Any, hint: Any) -> Any:
    if not isinstance(value, dict):
        return MISFIT
    items = {k: conform(v, hint) for k, v in value.items()}
    return MISFIT if any(i is MISFIT for i in items.values()) else items

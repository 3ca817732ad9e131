"""What a model's index says: a probability, or the outcome itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from geopoverty.errors import InputError
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.types import Array
from geopoverty.results import Result


@dataclass(frozen=True, eq=False)
class Outcome:
    """How to read an index.

    Attributes
    ----------
    curve : callable
        From indices to outcomes.
    probability : bool
        Whether outcomes are probabilities.
    said : str
        What is reported, in words.
    notes : tuple of str
    levels : bool
        Whether outcomes before and after can be told, and not only the change.
    """

    curve: Callable[[Array], Array]
    probability: bool
    said: str
    notes: tuple[str, ...] = ()
    levels: bool = True


def outcome_of(result: Result, recipe: Mapping[str, Any]) -> Outcome:
    """Return how to read the index of a result.

    Raises
    ------
    InputError
        If there is no way.
    """
    link, name = recipe["link"], result.facts.get("outcome", "the outcome")
    if link in LINKS:
        return Outcome(LINKS[link].probability, True, f"probability of {name}")
    if link == "identity":
        # The effects of a panel's units stay as they are, and are not told.
        return Outcome(_same, False, str(name), levels=result.estimator == "ols")
    if link == "hazard":
        return _exit_chance(result, recipe)
    raise InputError(
        "scenario takes a result of logit, probit, ols, spatial_binary, panel or "
        f"exit_hazard (Cox); this one is of {result.estimator}."
    )


def _same(index: Array) -> Array:
    return index


def _exit_chance(result: Result, recipe: Mapping[str, Any]) -> Outcome:
    hazard = float(recipe["cumulative_hazard"])

    def curve(index: Array) -> Array:
        return np.asarray(-np.expm1(-hazard * np.exp(index)))

    note = "The baseline hazard is held as estimated: intervals leave out its error."
    said = f"probability of having left by {result.facts['by']:g}"
    return Outcome(curve, True, said, (note,))

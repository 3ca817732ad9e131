"""How a panel logit treats what individuals keep over time."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from geopoverty._checks import require_option
from geopoverty.errors import InputError

FEWEST_POINTS, MOST_POINTS = 5, 100
SHORT = ("none", "unit", "random", "mundlak")


@dataclass(frozen=True)
class RandomIntercept:
    """A normal intercept of every individual, integrated out by quadrature.

    Attributes
    ----------
    points : int, optional
        Of adaptive Gauss-Hermite quadrature, 5 to 100. When not given: 12, doubled
        until that moves no estimate by more than 0.01 standard errors.
    means : bool
        Whether each individual's means of the covariates enter, too: the
        intercepts may then depend on them (Mundlak 1978).

    Examples
    --------
    >>> RandomIntercept(points=25).means
    False
    """

    points: int | None = None
    means: bool = False

    def __post_init__(self) -> None:
        points = 12 if self.points is None else self.points
        if not FEWEST_POINTS <= points <= MOST_POINTS:
            raise InputError(
                f"points must be from {FEWEST_POINTS} to {MOST_POINTS}; got "
                f"{self.points}."
            )


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Weights between units with a table of these units.

    For households that live in only some of the units: ``W(x)`` needs x of all.

    Attributes
    ----------
    weights : SpatialWeights, libpysal Graph or W
    unit_data : DataFrame
        One row a unit (and period). ``W(x)`` is computed from it where it has x,
        and columns that the households lack are joined from it.

    Examples
    --------
    >>> counties = pd.DataFrame({"unit_id": ["01", "02"], "jobs": [1, 2]})
    >>> Neighbors([[0, 1], [1, 0]], counties).unit_data.shape
    (2, 2)
    """

    weights: Any
    unit_data: pd.DataFrame


@dataclass(frozen=True)
class Keys:
    """Which columns say who, where and when a row is.

    Attributes
    ----------
    individual : str
        Whose rows share an effect: households, or the units themselves.
    unit : str
        What the weights are between.
    period : str
    """

    individual: str
    unit: str
    period: str


@dataclass(frozen=True)
class Kind:
    """A resolved `effects`.

    Attributes
    ----------
    name : {"none", "unit", "random", "mundlak"}
    random : RandomIntercept or None
    """

    name: str
    random: RandomIntercept | None


def kind_of(effects: "str | RandomIntercept") -> Kind:
    """Resolve the short forms of `effects`.

    Raises
    ------
    InputError
        If it is none of them.

    Examples
    --------
    >>> kind_of("mundlak").random
    RandomIntercept(points=None, means=True)
    """
    if isinstance(effects, RandomIntercept):
        return Kind("mundlak" if effects.means else "random", effects)
    require_option(effects, SHORT, "effects")
    if effects in ("none", "unit"):
        return Kind(effects, None)
    return Kind(effects, RandomIntercept(means=effects == "mundlak"))

"""How a dynamic panel is estimated: the options, each checked by itself."""

from dataclasses import dataclass

from geopoverty._checks import first, require_option
from geopoverty.errors import InputError

EQUATIONS = ("auto", "difference", "system")


@dataclass(frozen=True)
class Instruments:
    """What may be correlated with the error, and what stands in for it.

    Attributes
    ----------
    endogenous : tuple of str
        Variables that move with the error of their own period, as written in the
        formula; ``L(x)`` belongs to x. Instruments are their values two and more
        periods earlier. A lagged outcome is always among them.
    predetermined : tuple of str
        Variables that move with earlier errors only: one period earlier counts.
    exogenous : tuple of str, optional
        Variables that move with no error at all: they are their own instruments.
        When not given: all others. When given, every variable must be in one list.
    outside : tuple of str
        Instruments that are not in the formula, such as ``("gdp_1990",)``; ``W(x)``
        and ``L(x)`` may be used. In a difference equation those that do not vary
        over time stand in levels, all others in differences.
    lags : (int, int or None)
        First and last lag of endogenous variables, from 2; predetermined ones have
        them one period nearer: (1, 3) for (2, 4). None is all there are.
    collapse : bool
        One instrument a lag, in place of one a lag and period (Roodman 2009): far
        fewer, at little loss.

    Examples
    --------
    >>> Instruments(predetermined=("wage",), lags=(2, 4), collapse=True).lags
    (2, 4)
    """

    endogenous: tuple[str, ...] = ()
    predetermined: tuple[str, ...] = ()
    exogenous: tuple[str, ...] | None = None
    outside: tuple[str, ...] = ()
    lags: tuple[int, int | None] = (2, None)
    collapse: bool = False

    def __post_init__(self) -> None:
        for name in ("endogenous", "predetermined", "exogenous", "outside"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise InputError(f"{name} must be a tuple of names: ('{given}',).")
            if given is not None:
                object.__setattr__(self, name, tuple(given))
        named = [*self.endogenous, *self.predetermined, *(self.exogenous or ())]
        named += self.outside
        twice = sorted({n for n in named if named.count(n) > 1})
        if twice:
            raise InputError(
                f"A variable plays one part only; {first(twice)} is named more than "
                "once among endogenous, predetermined, exogenous and outside."
            )
        self._check_lags()

    def _check_lags(self) -> None:
        low, high = self.lags
        if not (isinstance(low, int) and low >= 2):
            raise InputError(
                f"The first lag must be 2 or more: one period earlier is correlated "
                f"with the differenced error; got lags={self.lags}."
            )
        if high is not None and (not isinstance(high, int) or high < low):
            raise InputError(
                f"The last lag must be None or at least the first; got "
                f"lags={self.lags}."
            )


@dataclass(frozen=True)
class DynamicGMM:
    """How the moments are used.

    Attributes
    ----------
    equations : {"auto", "difference", "system"}
        Equations in differences (Arellano & Bond 1991), with levels beside them
        (Blundell & Bond 1998), or "difference" unless there are two waves.
    transform : {"difference", "deviations"}
        What sweeps out unit effects: first differences, or forward orthogonal
        deviations, which lose fewer rows to gaps.
    steps : {1, 2}
        Weight the moments as for equal independent errors, or by their own
        covariance.
    windmeijer : bool
        Correct two-step standard errors, which are else far too small.
    period_effects : bool
        One constant a period.
    cluster : str, optional
        Column of groups of units whose errors depend on one another; the unit when
        not given.

    Examples
    --------
    >>> DynamicGMM("system", steps=1).windmeijer
    True
    """

    equations: str = "auto"
    transform: str = "difference"
    steps: int = 2
    windmeijer: bool = True
    period_effects: bool = True
    cluster: str | None = None

    def __post_init__(self) -> None:
        require_option(self.equations, EQUATIONS, "equations")
        require_option(self.transform, ("difference", "deviations"), "transform")
        require_option(self.steps, (1, 2), "steps")


@dataclass(frozen=True)
class Household:
    """The panel follows households, which live in the units of the weights.

    Attributes
    ----------
    household : str
        Column that names whose rows follow one another: unit effects, ``L(x)``.
    unit : str
        Column of the units between which ``W(x)`` is taken, and on which standard
        errors are clustered in two waves.

    Examples
    --------
    >>> Household("hh_id").unit
    'unit_id'
    """

    household: str
    unit: str = "unit_id"


def method_of(method: "str | DynamicGMM") -> DynamicGMM:
    """Return the settings of a method.

    Examples
    --------
    >>> method_of("system").equations
    'system'
    """
    if isinstance(method, DynamicGMM):
        return method
    require_option(method, EQUATIONS, "method")
    return DynamicGMM(method)


def household_of(unit: "str | Household") -> Household:
    """Return whose rows follow one another, and where they live.

    Examples
    --------
    >>> household_of("firm")
    Household(household='firm', unit='firm')
    """
    if isinstance(unit, Household):
        return unit
    if isinstance(unit, str):
        return Household(unit, unit)
    raise InputError(
        f"unit must be a column name or a Household; got {type(unit).__name__}."
    )

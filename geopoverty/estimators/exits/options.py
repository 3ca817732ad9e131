"""How exits are timed and how their hazard is estimated: the options."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np

from geopoverty._checks import require_option
from geopoverty.covariances import Vcov
from geopoverty.errors import InputError

PARAMETRIC = ("weibull", "lognormal", "loglogistic", "aft")
DISCRETE = ("logit", "cloglog")
MODELS = ("cox", *PARAMETRIC, *DISCRETE)
TIES = ("efron", "breslow")
PER_DAY = {"days": 1.0, "months": 12 / 365.25, "years": 1 / 365.25}
PRECISIONS = ("exact", "year")

Moment: TypeAlias = float | str | date  # a Timestamp is a date


@dataclass(frozen=True)
class Timeline:
    """What the column of durations counts, and from when to when units are seen.

    Attributes
    ----------
    duration : str
        Column: time from the origin to the exit, or to the end of observation. With
        `origin`, dates; with ``precision="year"``, calendar years as whole numbers.
    origin : date or str, optional
        The day from which time runs, or the column that holds each row's. When not
        given, durations are numbers already.
    censored_on : number, date or str, optional
        The last moment of observation, or the column that holds each row's: exits
        after it count as not yet, and rows without an exit are seen until then.
    entry : str, optional
        Column: from when a row is at risk (late entry; the start of a row whose
        covariates hold for a while). A row counts in (entry, duration].
    after : str, optional
        Column: the last time a unit was known not to have left. Its exit lies in
        (after, duration].
    precision : {"exact", "year"}
        Whether of an exit only the calendar year is known; it lies somewhere in it.
    per : {"days", "months", "years"}
        What dates are counted in.
    individual : str, optional
        Column of those whose rows follow one another; the units when not given.

    Examples
    --------
    >>> Timeline("exit_date", origin="2015-11-29", censored_on="2020-01-31").per
    'days'
    """

    duration: str
    origin: str | date | None = None
    censored_on: Moment | None = None
    entry: str | None = None
    after: str | None = None
    precision: str = "exact"
    per: str = "days"
    individual: str | None = None

    def __post_init__(self) -> None:
        require_option(self.precision, PRECISIONS, "precision")
        require_option(self.per, tuple(PER_DAY), "per")
        if self.precision == "year" and self.origin is None:
            raise InputError(
                "precision='year' needs origin=, the day from which time runs."
            )
        if self.precision == "year" and self.after is not None:
            raise InputError(
                "precision='year' says when exits lie; leave out after=, or give both "
                "ends as dates."
            )


@dataclass(frozen=True)
class Hazard:
    """A model of exits with its options.

    Attributes
    ----------
    model : str
        See `exit_hazard`.
    ties : {"efron", "breslow"}
        Cox: how exits at the same time are treated.
    strata : str or tuple of str
        Cox: columns whose combinations have a baseline of their own.
    frailty : str, optional
        Cox: column of groups, such as provinces, that share a hazard which covariates
        do not explain: a multiplier with a gamma law of mean 1.
    vcov : {"iid", "hc0", "cluster"}, Cluster or Conley, optional
        ``"hc0"``: Lin & Wei's sandwich, the rows of an individual summed. When not
        given: "iid", but "hc0" with sampling weights, and clusters on the unit where
        units with several rows share lags.
    by : number or date, optional
        When exit probabilities are read; the last exit when not given.
    times : tuple of numbers, optional
        Where survival curves are read; up to 40 of the times of exit when not given.

    Examples
    --------
    >>> Hazard("cox", strata="region").columns
    ('region',)
    """

    model: str = "cox"
    ties: str = "efron"
    strata: str | tuple[str, ...] = ()
    vcov: Vcov | None = None
    by: Moment | None = None
    times: tuple[float, ...] | None = None
    frailty: str | None = None

    def __post_init__(self) -> None:
        require_option(self.model, MODELS, "model")
        require_option(self.ties, TIES, "ties")
        if self.frailty is not None and self.model != "cox":
            raise InputError(
                f"frailty= goes with model='cox'; got {self.model!r}. Leave it out."
            )
        if self.times is not None and not np.all(np.asarray(self.times, float) > 0):
            raise InputError(f"times must be above 0; got {self.times}.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the strata."""
        return (self.strata,) if isinstance(self.strata, str) else tuple(self.strata)


def timeline_of(duration: "str | Timeline") -> Timeline:
    """Return a `Timeline` from its short form.

    Examples
    --------
    >>> timeline_of("years").duration
    'years'
    """
    if isinstance(duration, str | Timeline):
        return Timeline(duration) if isinstance(duration, str) else duration
    raise InputError(
        f"duration must be a column name or a Timeline; got {type(duration).__name__}."
    )


def hazard_of(model: Any) -> Hazard:
    """Return a `Hazard` from its short form.

    Examples
    --------
    >>> hazard_of("cox").ties
    'efron'
    """
    return model if isinstance(model, Hazard) else Hazard(model)

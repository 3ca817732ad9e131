"""How a match is made and its error found: the options, each checked by itself."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from geopoverty._checks import require_option
from geopoverty.errors import InputError

KERNELS = ("normal", "epanechnikov", "uniform", "tricube", "biweight")
LINKS = ("probit", "logit")


def _require_above_0(value: Any, name: str) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not (good and isfinite(value) and value > 0):
        raise InputError(f"{name} must be a number above 0; got {value!r}.")


def _require_whole(value: Any, name: str, least: int) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (whole and value >= least):
        raise InputError(
            f"{name} must be a whole number, at least {least}; got {value!r}."
        )


@dataclass(frozen=True)
class Nearest:
    """Match each treated row with its nearest controls, used again and again.

    Attributes
    ----------
    neighbors : int
        At least 1.
    caliper : float, optional
        Greatest distance of a match, in units of the score.
    ties : {"all", "first"}
        Average over controls as near as the last one taken (as R's Matching), or
        take those that come first in the table (as psmatch2), which makes the answer
        depend on the order of rows.
    """

    neighbors: int = 1
    caliper: float | None = None
    ties: str = "all"

    def __post_init__(self) -> None:
        _require_whole(self.neighbors, "neighbors", 1)
        require_option(self.ties, ("all", "first"), "ties")
        if self.caliper is not None:
            _require_above_0(self.caliper, "caliper")

    @property
    def label(self) -> str:
        """Short name, such as ``1:4``."""
        near = "" if self.caliper is None else f", caliper {self.caliper:g}"
        return f"1:{self.neighbors}{near}"


@dataclass(frozen=True)
class Radius:
    """Match each treated row with all controls within a distance, all alike.

    Attributes
    ----------
    radius : float
        Above 0, in units of the score.
    """

    radius: float = 0.01

    def __post_init__(self) -> None:
        _require_above_0(self.radius, "radius")

    @property
    def label(self) -> str:
        """Short name, such as ``radius 0.01``."""
        return f"radius {self.radius:g}"


@dataclass(frozen=True)
class Kernel:
    """Match each treated row with a mean of controls, the near ones counting more.

    Attributes
    ----------
    kernel : {"normal", "epanechnikov", "uniform", "tricube", "biweight"}
        The normal takes all controls, the others those within a bandwidth.
    bandwidth : float
        Above 0, in units of the score.
    """

    kernel: str = "normal"
    bandwidth: float = 0.06

    def __post_init__(self) -> None:
        require_option(self.kernel, KERNELS, "kernel")
        _require_above_0(self.bandwidth, "bandwidth")

    @property
    def label(self) -> str:
        """Short name, such as ``normal kernel 0.06``."""
        return f"{self.kernel} kernel {self.bandwidth:g}"


Method = Nearest | Radius | Kernel
METHODS: dict[str, Method] = {
    "nearest": Nearest(),
    "radius": Radius(),
    "kernel": Kernel(),
}
# Table 4 of the vulnerability study.
FOUR: tuple[Method, ...] = (Nearest(1), Nearest(4), Radius(), Kernel())


def method_of(method: "str | Method") -> Method:
    """Return the settings of a way to match.

    Examples
    --------
    >>> method_of("radius")
    Radius(radius=0.01)
    """
    if isinstance(method, Nearest | Radius | Kernel):
        return method
    require_option(method, tuple(METHODS), "method")
    return METHODS[method]


@dataclass(frozen=True)
class Score:
    """What rows are matched on.

    Attributes
    ----------
    link : {"probit", "logit"}
        Of the model of treatment. The score is its probability.
    column : str, optional
        A column with a score from elsewhere; the model then serves the tests of
        balance only.
    support : {"common", "all"}
        Leave out treated rows whose score lies outside the range of the controls',
        or keep them.
    """

    link: str = "probit"
    column: str | None = None
    support: str = "common"

    def __post_init__(self) -> None:
        require_option(self.link, LINKS, "link")
        require_option(self.support, ("common", "all"), "support")

    @property
    def label(self) -> str:
        """The column, or the link."""
        return self.link if self.column is None else self.column


def score_of(score: "str | Score", columns: list[str]) -> Score:
    """Return the settings of a score from their short forms.

    Examples
    --------
    >>> score_of("logit", []).link, score_of("chance", ["chance"]).column
    ('logit', 'chance')
    """
    if isinstance(score, Score):
        return score
    if score in LINKS:
        return Score(score)
    if score in columns:
        return Score(column=score)
    raise InputError(
        f"score must be 'probit', 'logit', a column with a score, or a Score; got "
        f"{score!r}, which is no column either."
    )


@dataclass(frozen=True)
class AbadieImbens:
    """Standard errors for nearest neighbours.

    Attributes
    ----------
    neighbors : int
        Nearest rows of its own arm that a row's conditional variance is taken from.
    estimated_score : bool
        Correct for the estimation of the score (2016), where the score was estimated
        here and there are no sampling weights.
    """

    neighbors: int = 2
    estimated_score: bool = True

    def __post_init__(self) -> None:
        _require_whole(self.neighbors, "neighbors", 1)


@dataclass(frozen=True)
class GivenWeights:
    """Standard errors that take the weights of controls as given: psmatch2's.

    Attributes
    ----------
    variance : {"controls", "matched"}
        The outcome's variance is taken over all controls, or over those with a
        weight, as psmatch2 did up to version 4.0.13.
    """

    variance: str = "controls"

    def __post_init__(self) -> None:
        require_option(self.variance, ("controls", "matched"), "variance")


@dataclass(frozen=True)
class Bootstrap:
    """Standard errors from resampled rows.

    Attributes
    ----------
    draws : int
        At least 2.
    seed : int
        The same seed gives the same draws, whatever the number of workers.
    workers : int, optional
        Threads; as many as there are cores when not given.
    refit : bool
        Whether each draw fits the score anew, with its common support. Without,
        the score is taken as known.
    cluster : str, optional
        Column: whole clusters are drawn, such as villages.
    """

    draws: int = 500
    seed: int = 0
    workers: int | None = None
    refit: bool = False
    cluster: str | None = None

    def __post_init__(self) -> None:
        _require_whole(self.draws, "draws", 2)
        _require_whole(self.seed, "seed", 0)
        if self.workers is not None:
            _require_whole(self.workers, "workers", 1)


Errors = AbadieImbens | GivenWeights | Bootstrap
ERRORS: dict[str, Errors] = {
    "abadie-imbens": AbadieImbens(),
    "psmatch2": GivenWeights(),
    "psmatch2-matched": GivenWeights("matched"),
    "bootstrap": Bootstrap(),
}


def errors_of(vcov: "str | Errors | None", method: Method | None) -> Errors:
    """Return how standard errors are found; `method` is None for several ways.

    Examples
    --------
    >>> errors_of(None, Nearest()), errors_of(None, Radius())
    (AbadieImbens(neighbors=2, estimated_score=True), GivenWeights(variance='controls'))
    """
    if vcov is None:
        return AbadieImbens() if isinstance(method, Nearest) else GivenWeights()
    if not isinstance(vcov, AbadieImbens | GivenWeights | Bootstrap):
        require_option(vcov, tuple(ERRORS), "vcov")
        vcov = ERRORS[vcov]
    if isinstance(vcov, AbadieImbens) and not isinstance(method, Nearest):
        raise InputError(
            "Abadie & Imbens' standard errors are for one match with nearest "
            "neighbours. Use vcov='psmatch2' or vcov='bootstrap'."
        )
    return vcov

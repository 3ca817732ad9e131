"""How differences in differences are made: the options, each checked by itself."""

from dataclasses import dataclass
from math import isfinite

from geopoverty._checks import require_option
from geopoverty.errors import InputError

KERNELS = ("normal", "epanechnikov", "uniform", "tricube", "biweight")
ROBUST = ("did2s", "saturated")


@dataclass(frozen=True)
class KernelWeights:
    """How controls are weighted by their score in `psm_did`.

    Attributes
    ----------
    kernel : {"normal", "epanechnikov", "uniform", "tricube", "biweight"}
        The normal takes all controls, the others those within a bandwidth.
    bandwidth : float
        Above 0, on the scale of the probability.
    link : {"probit", "logit"}
        Of the model of treatment.
    support : {"common", "all"}
        Leave out treated units whose score lies outside the range of the controls',
        or keep them.

    Examples
    --------
    >>> KernelWeights().label
    'normal kernel 0.06'
    """

    kernel: str = "normal"
    bandwidth: float = 0.06
    link: str = "probit"
    support: str = "common"

    def __post_init__(self) -> None:
        require_option(self.kernel, KERNELS, "kernel")
        require_option(self.link, ("probit", "logit"), "link")
        require_option(self.support, ("common", "all"), "support")
        number = isinstance(self.bandwidth, int | float)
        if not (number and isfinite(self.bandwidth) and self.bandwidth > 0):
            raise InputError(
                f"bandwidth must be a number above 0; got {self.bandwidth!r}."
            )

    @property
    def label(self) -> str:
        """Short name."""
        return f"{self.kernel} kernel {self.bandwidth:g}"


@dataclass(frozen=True)
class Adoption:
    """When each unit was first treated, and how effects of adopters are found.

    Attributes
    ----------
    column : str
        The first treated period of each unit; missing for units never treated.
    estimator : {"did2s", "saturated"}
        Two stages (Gardner 2022), or effects of each cohort and period averaged
        over cohorts (Sun & Abraham 2021).

    Examples
    --------
    >>> Adoption("joined").estimator
    'did2s'
    """

    column: str
    estimator: str = "did2s"

    def __post_init__(self) -> None:
        require_option(self.estimator, ROBUST, "estimator")


def weights_of(matching: "str | KernelWeights | None") -> KernelWeights:
    """Return how controls are weighted from its short form.

    Examples
    --------
    >>> weights_of("tricube").label, weights_of(None).label
    ('tricube kernel 0.06', 'normal kernel 0.06')
    """
    if isinstance(matching, KernelWeights):
        return matching
    if matching is None:
        return KernelWeights()
    if not isinstance(matching, str):
        raise InputError(
            "matching must be the name of a kernel or KernelWeights; got "
            f"{type(matching).__name__}."
        )
    return KernelWeights(matching)


def adoption_of(first_treated: "str | Adoption | None") -> Adoption | None:
    """Return the settings of staggered adoption from their short form.

    Examples
    --------
    >>> adoption_of("joined"), adoption_of(None)
    (Adoption(column='joined', estimator='did2s'), None)
    """
    if first_treated is None or isinstance(first_treated, Adoption):
        return first_treated
    if not isinstance(first_treated, str):
        raise InputError(
            "first_treated must be a column name or an Adoption; got "
            f"{type(first_treated).__name__}."
        )
    return Adoption(first_treated)

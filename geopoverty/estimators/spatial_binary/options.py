"""How a spatial binary model is estimated: the options, each checked by itself."""

from dataclasses import dataclass

from geopoverty._checks import require_option
from geopoverty.covariances import Vcov
from geopoverty.errors import InputError

MODELS = ("lag", "error", "durbin")
LINKS = ("logit", "probit")


def _require_order(order: int) -> None:
    if not (isinstance(order, int) and 1 <= order <= 5):
        raise InputError(f"order must be a whole number from 1 to 5; got {order!r}.")


@dataclass(frozen=True, eq=False)
class ML:
    """Maximum likelihood.

    Attributes
    ----------
    vcov : {"iid", "hc0", "hc1", "cluster"}, Cluster or Conley, optional
        Of a logit. ``"iid"`` is the inverse of the observed information; the
        others sandwich it. When not given: "iid" if every unit has one row, else
        clusters on the unit. A probit's rows depend on one another within the
        likelihood, so it takes "iid" only.
    """

    vcov: Vcov | None = None


@dataclass(frozen=True)
class GMM:
    """Generalised method of moments (Pinkse & Slade 1998).

    Attributes
    ----------
    steps : {1, 2}
        Weight the moments by the instruments alone, or by their own covariance.
    order : int
        Instruments are the covariates and their lags up to W^order; at least 1.
    """

    steps: int = 1
    order: int = 2

    def __post_init__(self) -> None:
        require_option(self.steps, (1, 2), "steps")
        _require_order(self.order)


@dataclass(frozen=True)
class LinearGMM:
    """Linearised GMM around rho = 0 (Klier & McMillen 2008).

    Attributes
    ----------
    order : int
        Instruments are the covariates and their lags up to W^order; at least 1.
    """

    order: int = 2

    def __post_init__(self) -> None:
        _require_order(self.order)


@dataclass(frozen=True)
class RandomEffects:
    """Effects of units that are alike among neighbours, beside the covariates.

    Attributes
    ----------
    structure : {"sar", "leroux"}
        How neighbours' effects depend: effects = rho W effects + shocks, or the
        precision of Leroux, Lei & Breslow (2000), on links in both directions.
    """

    structure: str = "sar"

    def __post_init__(self) -> None:
        require_option(self.structure, ("sar", "leroux"), "structure")


Method = ML | GMM | LinearGMM
METHODS: dict[str, Method] = {"ml": ML(), "gmm": GMM(), "linear-gmm": LinearGMM()}


def method_of(method: str | Method) -> tuple[str, Method]:
    """Return a method's name and settings.

    Examples
    --------
    >>> method_of("gmm")
    ('gmm', GMM(steps=1, order=2))
    """
    if isinstance(method, ML | GMM | LinearGMM):
        names = {type(v): k for k, v in METHODS.items()}
        return names[type(method)], method
    require_option(method, tuple(METHODS), "method")
    return method, METHODS[method]


def random_of(random: "str | RandomEffects | None") -> RandomEffects | None:
    """Return the settings of random effects.

    Examples
    --------
    >>> random_of("unit")
    RandomEffects(structure='sar')
    """
    if random is None or isinstance(random, RandomEffects):
        return random
    require_option(random, ("unit",), "random")
    return RandomEffects()


def require_possible(model: str, link: str, name: str, random: object) -> None:
    """Refuse combinations that have no meaning, and name those that have.

    Raises
    ------
    InputError
    """
    require_option(model, MODELS, "model")
    require_option(link, LINKS, "link")
    if random is not None and (link != "logit" or name != "ml"):
        raise InputError(
            "Random effects are fitted with link='logit' and method='ml'; got "
            f"link={link!r}, method={name!r}."
        )
    if random is None and model == "error" and link == "logit" and name == "ml":
        raise InputError(
            "A logit's log-odds have no error term to depend on neighbours'. For an "
            "error model use link='probit', method='gmm', or random='unit'."
        )
    if model == "error" and name == "linear-gmm":
        raise InputError(
            "The linearised estimator is for a lag: around rho = 0 an error model "
            "leaves nothing to linearise. Use method='ml' with link='probit'."
        )

"""How a panel is estimated: the options, each checked by itself."""

from dataclasses import dataclass

from geopoverty._checks import require_option
from geopoverty.covariances import Vcov, resolved
from geopoverty.errors import InputError

# What is swept out; random effects are not, they weigh.
EFFECTS: dict[str, tuple[str, ...]] = {
    "unit": ("unit",),
    "period": ("period",),
    "two-way": ("unit", "period"),
    "none": (),
    "random": (),
}
MODELS = ("none", "lag", "error", "durbin")
METHODS = ("ml", "gmm")


@dataclass(frozen=True)
class SpatialPanel:
    """How outcomes of a panel depend on neighbours', and how that is estimated.

    Attributes
    ----------
    model : {"lag", "error", "durbin"}
        Neighbours' outcomes act (``rho``); their unobserved parts do
        (``lambda``); or their outcomes and all their covariates (``W(x)``).
    method : {"ml", "gmm"}
        Maximum likelihood, or moments (random effects of an error model).
    bias_correction : bool
        Whether the likelihood is that of the data net of fixed effects (Lee & Yu
        2010), or the one that counts the effects as if they were known.

    Examples
    --------
    >>> SpatialPanel("lag", bias_correction=False).coefficient
    'rho'
    """

    model: str
    method: str = "ml"
    bias_correction: bool = True

    def __post_init__(self) -> None:
        require_option(self.model, MODELS[1:], "model")
        require_option(self.method, METHODS, "method")
        require_option(self.bias_correction, (True, False), "bias_correction")

    @property
    def coefficient(self) -> str:
        """What the spatial coefficient is called."""
        return "lambda" if self.model == "error" else "rho"


def spatial_of(model: "str | SpatialPanel") -> SpatialPanel | None:
    """Return the settings of spatial dependence, None without any.

    Examples
    --------
    >>> spatial_of("error")
    SpatialPanel(model='error', method='ml', bias_correction=True)
    """
    if isinstance(model, SpatialPanel):
        return model
    require_option(model, MODELS, "model")
    return None if model == "none" else SpatialPanel(model)


def vcov_of(
    vcov: Vcov | None, spatial: SpatialPanel | None, unit: str, effects: str
) -> Vcov:
    """Return the covariance asked for, or what the model has by default.

    Raises
    ------
    InputError
        If it is unknown or the model does not have it.
    """
    if spatial is not None:
        if vcov in (None, "iid"):
            return "iid"
        raise InputError(
            f"Standard errors of model='{spatial.model}' come from the information of "
            f"the likelihood or the moments; got vcov={vcov!r}. Use vcov='iid', or "
            "model='none' with W(x) terms for clusters."
        )
    chosen = resolved(
        "cluster" if vcov is None else vcov, unit, wild=effects != "random"
    )
    if chosen == "hc0":
        raise InputError(
            "panel takes vcov 'iid', 'hc1', 'cluster', Cluster, WildCluster or "
            "Conley; got 'hc0'."
        )
    return chosen


def require_possible(effects: str, spatial: SpatialPanel | None) -> None:
    """Refuse combinations that have no meaning here, and name those that have.

    Raises
    ------
    InputError
    """
    require_option(effects, tuple(EFFECTS), "effects")
    if spatial is None or spatial.method != "gmm":
        return
    if effects != "random" or spatial.model != "error":
        raise InputError(
            "method='gmm' estimates error components: effects='random' with "
            f"model='error'; got effects={effects!r}, model={spatial.model!r}. Use "
            "method='ml'."
        )

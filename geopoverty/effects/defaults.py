"""The covariance when none is asked for."""

from geopoverty.covariances import Vcov, resolved
from geopoverty.design.build import Design
from geopoverty.design.sample import shares_lags


def vcov_for(chosen: Vcov | None, design: Design, unit: str) -> tuple[Vcov, list[str]]:
    """Return the covariance asked for, or one that fits the rows, and what to note."""
    if chosen is not None:
        return chosen, []
    if shares_lags(design, unit):
        note = (
            f"Rows of one {unit} share its lags, so standard errors are clustered on "
            f"it; vcov='hc1' would take them for independent."
        )
        return resolved("cluster", unit), [note]
    return "hc1", []

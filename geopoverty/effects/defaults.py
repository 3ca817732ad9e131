"""The covariance when none is asked for."""

from geopoverty.covariances import Vcov, resolved
from geopoverty.design.build import Design
from geopoverty.design.sample import shares_lags


def vcov_for(chosen: Vcov | None, design: Design, unit: str) -> tuple[Vcov, list[str]]:
    """Return the covariance asked for, or one that fits the rows, and what to note."""
    if chosen is not None:
        return chosen, []
    return by_units(unit) if shares_lags(design, unit) else ("hc1", [])


def by_units(unit: str) -> tuple[Vcov, list[str]]:
    """Return the covariance of rows that share the lags of their unit, and why.

    Examples
    --------
    >>> by_units("county")[0]
    Cluster(by='county', correction='hc1')
    """
    note = (
        f"Rows of one {unit} share its lags, so standard errors are clustered on "
        f"it; vcov='hc1' would take them for independent."
    )
    return resolved("cluster", unit), [note]

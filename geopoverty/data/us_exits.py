"""US counties that left a poverty line between 1960 and 1990."""

import pandas as pd

from geopoverty.data.panel_exits import exits_from_panel
from geopoverty.data.united_states import us_counties, us_county_panel

NOTES = (
    "Rates are seen in the censuses of 1960, 1970, 1980 and 1990: an exit is known "
    "only up to the decade.",
    "The rate of 1960 counts families with less than 3,000 dollars, the later ones "
    "those below the official line, which is stricter: part of the exits by 1970 is a "
    "change of definition.",
)


def us_county_exits(*, line: float = 20.0, everyone: bool = False) -> pd.DataFrame:
    """Return when counties that were poor in 1960 fell below a poverty line.

    Parameters
    ----------
    line : float
        Families below the poverty line, in %, at or above which a county is poor;
        between 0 and 100.
    everyone : bool
        Whether to keep the counties that were not poor in 1960, which are never at
        risk but neighbours of those that are.

    Returns
    -------
    DataFrame
        See `exits_from_panel`, with ``name``, ``state`` and ``region``; covariates are
        those of 1960. With 20 %: 2,510 counties, of which 1,533 left by 1970, 617 by
        1980, 76 by 1990 and 284 not by then.

    Raises
    ------
    InputError
        If no county begins at or above the line, none leaves, or the data folder is
        missing.

    Notes
    -----
    A county that falls below the line has left, even if it rises above it again later
    (``returned``).

    Examples
    --------
    >>> made = us_county_exits()
    >>> made["left_by"].value_counts(dropna=False).sort_index().to_list()
    [1533, 617, 76, 284]
    """
    panel, counties = us_county_panel(), us_counties()
    made = exits_from_panel(
        panel, rate="family_poverty_rate", line=line, everyone=everyone
    )
    named = counties[["name", "state", "region"]].reindex(made["unit_id"])
    out = pd.concat(
        [made[["unit_id"]], named.reset_index(drop=True), made.drop(columns="unit_id")],
        axis=1,
    )
    out.attrs = {**panel.attrs, "notes": (*panel.attrs.get("notes", ()), *NOTES)}
    return out

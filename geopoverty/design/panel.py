"""What rows of a panel must keep, whoever fits it."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.design.build import Design
from geopoverty.errors import InputError


def require_each_once(
    rows: pd.DataFrame,
    individual: str,
    period: Any,
    way_out: str = "Drop or merge the repeats.",
) -> None:
    """Refuse rows that repeat an individual and period.

    Parameters
    ----------
    rows : DataFrame, n rows
    individual, period : str
        Columns.
    way_out : str

    Raises
    ------
    InputError

    Examples
    --------
    >>> rows = pd.DataFrame({"unit_id": ["a", "a"], "period": [1, 2]})
    >>> require_each_once(rows, "unit_id", "period")
    """
    require(
        ~rows.duplicated([individual, period]).to_numpy(),
        f"Each {individual} and {period} must stand once",
        ids=list(zip(rows[individual], rows[period], strict=True)),
        way_out=way_out,
    )


def require_varying_outcome(design: Design) -> None:
    """Refuse an outcome that is the same in every row.

    Raises
    ------
    InputError
    """
    if np.ptp(design.y) == 0:
        raise InputError(
            f"The outcome '{design.formula.outcome}' must vary; it is {design.y[0]:g} "
            "in every row. Check the column."
        )

"""How a file of travel times says what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geopoverty._checks import require_option
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array

LONG = ("from_id", "to_id", "travel_time")
MINUTES_IN = {"minutes": 1.0, "seconds": 1 / 60, "hours": 60.0}


@dataclass(frozen=True)
class TravelFormat:
    """How to read a file of travel times that is not as `read_travel_times` expects.

    Attributes
    ----------
    columns : tuple of three str
        What a long table calls origin, destination and time.
    unit : {"minutes", "seconds", "hours"}
        What the times are in; they are turned into minutes.
    unreachable : tuple of float
        Values, in the file's unit, that stand for "no way": such as 0 or 9999.
        They do not count between a unit and itself.
    separator, decimal : str
        Between the columns and within the numbers of a CSV file.
    matrix : str, optional
        Which matrix of an OMX file; needed when it holds several.
    index : str, optional
        Which index (lookup) of an OMX file holds the ids; needed when there are
        several.
    ids : sequence of str, optional
        The ids of rows and columns of an OMX file that has no index, in order.
    width : int, optional
        Ids of an OMX index that are whole numbers are filled with zeros to this
        many digits: 1001 becomes "01001" with 5.

    Raises
    ------
    InputError
        If an option is not one of these.

    Examples
    --------
    >>> TravelFormat(separator=";", decimal=",").unit
    'minutes'
    >>> TravelFormat(unit="miles")
    Traceback (most recent call last):
    geopoverty.errors.InputError: unit must be one of 'minutes', 'seconds', 'hours'; \
got 'miles'. Did you mean 'minutes'?
    """

    columns: tuple[str, str, str] = LONG
    unit: str = "minutes"
    unreachable: tuple[float, ...] = ()
    separator: str = ","
    decimal: str = "."
    matrix: str | None = None
    index: str | None = None
    ids: Sequence[str] | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        require_option(self.unit, tuple(MINUTES_IN), "unit")
        if isinstance(self.columns, str) or len(set(self.columns)) != len(LONG):
            raise InputError(
                "columns must name three different columns: origin, destination and "
                f"time; got {self.columns!r}."
            )
        if len(self.separator) != 1 or self.separator == self.decimal:
            raise InputError(
                "separator must be one character, other than decimal; got "
                f"{self.separator!r} and {self.decimal!r}."
            )
        require_option(self.decimal, (".", ","), "decimal")

    def minutes(self, values: Array) -> Array:
        """Return what the file says as minutes, NaN for no way.

        Parameters
        ----------
        values : array
            As in the file. Not modified.
        """
        if self.unreachable:
            none = np.isin(values, np.array(self.unreachable, dtype=np.float64))
            values = np.where(none, np.nan, values)
        return values if self.unit == "minutes" else values * MINUTES_IN[self.unit]

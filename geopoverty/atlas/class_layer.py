"""An indicator of named classes: one class a county and period."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty.atlas.layers import Wording
from geopoverty.atlas.rows import letters, place_rows
from geopoverty.classes import Categories, categorise
from geopoverty.classes.categories import ChosenClasses


@dataclass(frozen=True, eq=False)
class ClassIndicator:
    """One indicator of named classes, aligned with the units of the boundaries.

    Attributes
    ----------
    wording : Wording
        Label and description; the unit is empty.
    categories : Categories
        The classes in order, and their colours.
    periods : tuple of str, shape (t,)
        In order; one empty text when there are no periods.
    codes : array of int, shape (t, n)
        The class of each unit, from 0; -1 where there is no data.
    """

    wording: Wording
    categories: Categories
    periods: tuple[str, ...]
    codes: NDArray[np.int8]

    def data(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        return {
            "kind": "class",
            "label": self.wording.label,
            "unit": "",
            "description": self.wording.description,
            "periods": list(self.periods),
            "names": list(self.categories.names),
            "colors": list(self.categories.colors),
            "codes": [letters(row) for row in self.codes],
        }


def read_classes(
    table: pd.DataFrame,
    column: str,
    *,
    wording: Wording,
    classes: ChosenClasses,
    period: str | None,
    units: pd.Index,
) -> ClassIndicator:
    """Check a column of named classes and align it with the units of the map.

    Parameters
    ----------
    table : DataFrame
        One row a unit and period; keyed by a column or index ``unit_id``.
    column : str
        The classes, as text.
    wording : Wording
        What to call it.
    classes : sequence of str, or mapping of str to str, optional
        As `categorise`.
    period : str, optional
        The column that tells periods apart; the classes are those of all periods.
    units : Index, shape (n,)
        The ids of the boundaries, in order.

    Returns
    -------
    ClassIndicator
        Units without a row, or with a missing class, have no data.

    Raises
    ------
    InputError
        As `place_rows` and `categorise`.

    Examples
    --------
    >>> table = pd.DataFrame({"unit_id": ["b"], "land": ["forest"]})
    >>> read_classes(table, "land", wording=Wording("Land"), classes=None,
    ...     period=None, units=pd.Index(["a", "b"])).data()["codes"]
    ['.0']
    """
    rows = place_rows(table, [column], period=period, label=wording.label, units=units)
    values = rows.table[column].set_axis(rows.ids)
    found = categorise(values, classes)
    return ClassIndicator(wording, found, rows.periods, rows.codes(found.codes(values)))

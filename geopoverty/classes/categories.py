"""Named classes on a map: their order, and colours that stay apart."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._checks import first, require
from geopoverty.errors import InputError
from geopoverty.patterns.names import COLORS as PATTERN_COLORS

MOST = 9  # classes that a reader can still tell apart
# Okabe and Ito (2008), without black: seven that colour-blind readers tell apart.
SEVEN = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442",
)  # fmt: skip
# Tol (2021), "muted": nine that they tell apart, less bright.
NINE = (
    "#332288", "#ddcc77", "#44aa99", "#cc6677", "#88ccee", "#882255", "#117733",
    "#aa4499", "#999933",
)  # fmt: skip
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
ChosenClasses = Sequence[str] | Mapping[str, str] | None


@dataclass(frozen=True)
class Categories:
    """Named classes in order, each with its colour.

    Attributes
    ----------
    names : tuple of str, shape (k,)
        In the order of the legend, from the top.
    colors : tuple of str, shape (k,)
        ``#rrggbb``.
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]

    def codes(self, values: pd.Series) -> NDArray[np.int8]:
        """Return the class of each value, from 0; -1 where it is missing.

        Examples
        --------
        >>> Categories(("low", "high"), ("#ffffff", "#000000")).codes(
        ...     pd.Series(["high", None])).tolist()
        [1, -1]
        """
        found = pd.Index(self.names, dtype=object).get_indexer(values.astype(object))
        return np.asarray(found, dtype=np.int8)


def categorise(values: pd.Series, classes: ChosenClasses = None) -> Categories:
    """Find the named classes of a column, their order and their colours.

    Parameters
    ----------
    values : Series of text or categorical
        Missing is no data; its name and index are used in messages.
    classes : sequence of str, or mapping of str to str, optional
        The classes in order; a mapping says the colour of each (``"#rrggbb"``). By
        default the order of a categorical, or of the alphabet. Classes that
        `local_moran` and `getis_ord` give have the order and colours of their field.

    Returns
    -------
    Categories
        With the classes that were chosen, also where no value has one.

    Raises
    ------
    InputError
        If the column is not text, all missing, holds a blank name, a class that is
        not among `classes`, or more than nine; if a colour is not ``#rrggbb``.

    Notes
    -----
    Up to seven classes are coloured by Okabe and Ito (2008), more by the muted scheme
    of Tol (2021); both are made to stay apart for colour-blind readers.

    Examples
    --------
    >>> found = categorise(pd.Series(["steppe", "forest", None], name="land"))
    >>> found.names, found.colors
    (('forest', 'steppe'), ('#0072b2', '#e69f00'))
    >>> categorise(pd.Series(["High-High", "Not significant"], name="class")).colors[:2]
    ('#d7191c', '#2c7bb6')
    """
    present = _texts(values)
    found = list(dict.fromkeys(present))
    if classes is None:
        names, colors = _usual(values, found)
    else:
        names, colors = _chosen(classes)
        _require_among(values, names)
    _require_few(values, present, names)
    if not colors:
        colors = (SEVEN if len(names) <= len(SEVEN) else NINE)[: len(names)]
    return Categories(tuple(names), tuple(colors))


def _texts(values: pd.Series) -> pd.Series:
    """Return what is not missing; all of it must be named."""
    name = values.name
    present = values[values.notna()].astype(object)
    if present.empty:
        raise InputError(
            f"The column '{name}' must hold at least one class; all {len(values)} are "
            "missing. Check how it was made."
        )
    text = present.map(lambda v: isinstance(v, str)).to_numpy(dtype=np.bool_)
    require(
        text,
        f"The classes in '{name}' must be text",
        ids=present.index,
        way_out=f"Name them: table['{name}'].map({{0: 'no', 1: 'yes'}}), or add "
        "numbers with add.",
    )
    require(
        present.str.strip().ne("").to_numpy(),
        f"Every class in '{name}' needs a name",
        ids=present.index,
        way_out="Set blank texts to missing, or name the class.",
    )
    return present


def _usual(values: pd.Series, found: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the order and colours of classes that nobody chose."""
    for known in PATTERN_COLORS:
        if set(found) <= set(known):
            # "No neighbours" is shown only where a county has none.
            kept = [n for n in known if n in found or n != "No neighbours"]
            return kept, tuple(known[n] for n in kept)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [str(c) for c in values.cat.categories], ()
    return sorted(found), ()


def _chosen(classes: Any) -> tuple[list[str], tuple[str, ...]]:
    if isinstance(classes, str) or not isinstance(classes, Sequence | Mapping):
        raise InputError(
            "classes must be a list of names in order, or a mapping of names to "
            f"colours such as {{'forest': '#117733'}}; got {classes!r}."
        )
    names = list(classes)
    wrong = [n for n in names if not isinstance(n, str) or not n.strip()]
    if wrong or not names or len(set(names)) < len(names):
        raise InputError(
            "classes must name each class once, as text that is not blank; got "
            f"{names!r}."
        )
    if not isinstance(classes, Mapping):
        return names, ()
    colors = tuple(str(c) for c in classes.values())
    unread = [c for c in colors if not _COLOR.match(c)]
    if unread:
        raise InputError(
            f"Colours must be written as '#rrggbb'; {len(unread)} are not "
            f"({first(unread)})."
        )
    return names, tuple(c.lower() for c in colors)


def _require_among(values: pd.Series, names: list[str]) -> None:
    strange = values.notna() & ~values.isin(names)
    which = first(dict.fromkeys(values[strange].astype(str)))
    require(
        ~strange.to_numpy(dtype=np.bool_),
        f"Every class in '{values.name}' must be named in classes; not named: {which}",
        ids=values.index,
        way_out="Add these names to classes, or set them to missing.",
    )


def _require_few(values: pd.Series, present: pd.Series, names: list[str]) -> None:
    if len(names) <= MOST:
        return
    counts = present.value_counts().reindex(names, fill_value=0)
    rare = counts.sort_values(ascending=False, kind="stable").index[MOST - 1 :]
    raise InputError(
        f"The column '{values.name}' has {len(names)} classes, and a map shows at most "
        f"{MOST} that a reader can tell apart. Merge the rarest {len(rare)} "
        f"({first(rare)}) into one, such as 'Other'."
    )

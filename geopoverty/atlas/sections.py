"""The results page: one section a result, in plain language first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geopoverty._checks import nearest_name
from geopoverty._tables import number
from geopoverty.atlas.tables import Table, minus, plain_name, table_of
from geopoverty.errors import InputError
from geopoverty.results import Result


@dataclass(frozen=True)
class Section:
    """One part of the results page.

    Attributes
    ----------
    title : str
        Its heading.
    text : str
        Plain language; an empty line parts paragraphs.
    tables : tuple of Table
        Set one below the other.
    notes : tuple of str
        What must be read with the numbers.
    facts : tuple of (str, str)
        Such as ``("n_obs", "6,170")``.
    """

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    def data(self) -> dict[str, Any]:
        """Return the section as the page reads it."""
        return {**self.__dict__, "tables": [t.data() for t in self.tables]}


def section_of(
    result: Result, *, title: str, text: str, tables: Sequence[str] | None
) -> Section:
    """Turn a result into a section: estimates, named tables, facts, notes.

    Raises
    ------
    InputError
        If the result has no table of a name asked for.
    """
    names = [n for n in ("effects",) if n in result.tables]
    if tables is not None:
        names = [tables] if isinstance(tables, str) else list(tables)
    for name in names:
        if name not in result.tables:
            raise InputError(
                f"The result has no table '{name}'."
                f"{nearest_name(name, result.tables)} It has: "
                f"{', '.join(result.tables) or 'none'}."
            )
    shown = [table_of(result.tables[n], plain_name(n)) for n in names]
    if len(result.estimates):
        shown.insert(0, table_of(result.tidy(), "Estimates"))
    facts = tuple((plain_name(k), minus(number(v))) for k, v in result.facts.items())
    return Section(str(title), str(text), tuple(shown), result.notes, facts)

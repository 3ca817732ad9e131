"""The footer: what was done, from which data, and what to be careful about."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import pandas as pd

from geopoverty.provenance import sources_in
from geopoverty.results import Result


@dataclass(frozen=True)
class Source:
    """Where data come from, and how they came about.

    Attributes
    ----------
    title, status, source, licence, attribution : str
        `status` is measured, routed, modelled or simulated.
    """

    title: str = ""
    status: str = ""
    source: str = ""
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Credits:
    """What the footer says of everything shown.

    Attributes
    ----------
    methods : tuple of str
        One line a result.
    notes : tuple of str
        Of every result.
    sources : tuple of Source
        Of every table and result.
    seeds : tuple of str
        Of every result that used one.
    """

    methods: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    seeds: tuple[str, ...] = ()

    def plus(self, other: "Credits") -> "Credits":
        """Return both together, each line once."""
        return Credits(
            *(
                tuple(dict.fromkeys([*getattr(self, part), *getattr(other, part)]))
                for part in ("methods", "notes", "sources", "seeds")
            )
        )

    def data(self, projection: str) -> dict[str, Any]:
        """Return the footer as the page reads it."""
        return {
            "methods": self.methods,
            "notes": self.notes,
            "sources": [s.__dict__ for s in self.sources],
            "seeds": self.seeds,
            "projection": projection,
            "version": version(),
            "date": datetime.date.today().isoformat(),
        }


def credits_of(result: Result) -> Credits:
    """Return what the footer must say of one result."""
    said = result.provenance
    formula = str(said.get("formula", ""))
    method = f"{result.estimator}: {formula}" if formula else result.estimator
    seed = said.get("seed")
    return Credits(
        methods=(method,),
        notes=result.notes,
        sources=sources_of(said),
        seeds=() if seed is None else (f"{result.estimator}: {seed}",),
    )


def credits_of_table(attrs: Mapping[Any, Any]) -> Credits:
    """Return what the footer must say of a table: its sources and its notes.

    Parameters
    ----------
    attrs : mapping
        As `sources_of`; ``"notes"`` may list texts, as `join` leaves them.

    Examples
    --------
    >>> credits_of_table({"notes": ["Only 3 clusters."]}).notes
    ('Only 3 clusters.',)
    """
    notes = attrs.get("notes", ())
    lines = [notes] if isinstance(notes, str) else notes
    kept = tuple(str(n) for n in lines) if isinstance(lines, list | tuple) else ()
    return Credits(notes=kept, sources=sources_of(attrs))


def credits_of_either(source: pd.DataFrame | Result) -> Credits:
    """Return what the footer must say of a table or a result, and of its units."""
    if not isinstance(source, Result):
        return credits_of_table(source.attrs)
    return credits_of_table(source.units.attrs).plus(credits_of(source))


def sources_of(attrs: Mapping[Any, Any]) -> tuple[Source, ...]:
    """Read data sources from a table's ``attrs`` or a result's provenance.

    Parameters
    ----------
    attrs : mapping
        Either with ``"data"``: a list of mappings (or one) with title, status,
        source, licence and attribution; or such a mapping itself.

    Examples
    --------
    >>> sources_of({"title": "Census", "status": "measured"})[0].status
    'measured'
    """
    return tuple(Source(**entry) for entry in sources_in(attrs))


def version() -> str:
    """Return the version of geopoverty that is installed.

    Examples
    --------
    >>> bool(version())
    True
    """
    try:
        return metadata.version("geopoverty")
    except metadata.PackageNotFoundError:
        return "from source"

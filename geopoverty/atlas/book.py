"""The atlas: indicators on a map, a results page, and what a reader must know."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geopoverty._checks import require_columns, unit_ids
from geopoverty._files import atomic_path, output_path
from geopoverty.atlas.classes import MapStyle
from geopoverty.atlas.county_map import CountyMap
from geopoverty.atlas.credits import Credits, credits_of, credits_of_table
from geopoverty.atlas.layers import (
    Columns,
    Indicator,
    Wording,
    indicator_data,
    keyed_ids,
    read_indicator,
)
from geopoverty.atlas.sections import Section, section_of
from geopoverty.atlas.shapes import Shapes, choose_projection, draw_shapes
from geopoverty.atlas.tables import table_of
from geopoverty.data.boundaries import check_geometry, require_crs
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.results import Result

DEFAULT_STYLE = MapStyle()


@dataclass(frozen=True, eq=False)
class Atlas:
    """County maps and results for planners, in one HTML file without a network.

    Each method returns a new atlas, so that one can be the start of several.

    Attributes
    ----------
    boundaries : GeoDataFrame, shape (n, p)
        Indexed by ``unit_id``, as from `read_boundaries`.
    title : str
        Stands on top of the page.
    name : str, optional
        The column with the names to show; None shows the ids.
    group : str, optional
        A column such as the state: shown behind the name, its borders drawn
        stronger.
    projection : "auto", None or anything pyproj reads
        ``"auto"`` is an equal-area projection fit for the place; None keeps
        longitude and latitude.
    indicators, sections, credits
        What the methods gathered.

    Raises
    ------
    InputError
        If ids are missing, repeated or numbers, a geometry is missing, empty or
        invalid, there is no coordinate system, or a column is unknown.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> counties = gpd.GeoDataFrame({"name": ["Ash", "Elm"]},
    ...     index=pd.Index(["01", "02"], name="unit_id"),
    ...     geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
    >>> rates = pd.DataFrame({"unit_id": ["01", "02"], "poor": [12.5, 31.0]})
    >>> atlas = Atlas(counties).add(rates, "poor", label="Poverty rate", unit="%")
    >>> [i.wording.label for i in atlas.indicators]
    ['Poverty rate']
    """

    boundaries: gpd.GeoDataFrame = field(repr=False)
    title: str = field(default="County atlas", kw_only=True)
    name: str | None = field(default="name", kw_only=True)
    group: str | None = field(default=None, kw_only=True)
    projection: Any = field(default="auto", kw_only=True)
    indicators: tuple[Indicator, ...] = field(default=(), kw_only=True, repr=False)
    sections: tuple[Section, ...] = field(default=(), kw_only=True, repr=False)
    credits: Credits = field(default=Credits(), kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.boundaries, gpd.GeoDataFrame):
            raise InputError(
                "The boundaries must be a GeoDataFrame; got "
                f"{type(self.boundaries).__name__}. Read them: read_boundaries(path)."
            )
        if self.indicators or self.sections:
            return  # checked when the atlas was begun
        columns = [c for c in (self.name, self.group) if c is not None]
        require_columns(self.boundaries, columns, "The atlas")
        unit_ids(self.units, "The boundaries", unique=True)
        require_crs(self.boundaries, "The boundaries")
        check_geometry(self.boundaries)
        choose_projection(self.boundaries, self.projection)
        found = credits_of_table(self.boundaries.attrs)
        object.__setattr__(self, "credits", found.plus(self.credits))

    @property
    def units(self) -> pd.Index:
        """The ids of the counties, in order."""
        return keyed_ids(self.boundaries, "The boundaries")

    def add(  # noqa: PLR0913  (each says one thing about the indicator)
        self,
        table: pd.DataFrame | Result,
        column: str,
        *,
        label: str,
        unit: str = "",
        period: str | None = None,
        interval: tuple[str, str] | None = None,
        p_value: str | None = None,
        style: MapStyle = DEFAULT_STYLE,
        description: str = "",
    ) -> "Atlas":
        """Add an indicator to the map.

        Parameters
        ----------
        table : DataFrame or Result
            One row a county and period, keyed by a column or index ``unit_id``;
            of a Result its ``units``. Counties without a row show as "no data".
        column : str
            The numbers to show.
        label : str
            What a planner calls it.
        unit : str
            Such as ``"%"``.
        period : str, optional
            The column of the periods; the page gets a selector, and the classes
            are the same in all periods.
        interval : tuple of two str, optional
            Columns of the lower and the upper end.
        p_value : str, optional
            Column of p-values; counties at or above ``style.alpha`` are dotted.
        style : MapStyle
            Classes and colours.
        description : str
            One plain sentence on what the number means.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            As `read_indicator`: unknown columns or ids, repeated ids, columns that
            are not numeric, all missing or infinite, ends in the wrong order,
            p-values outside 0 to 1.
        """
        rows = table.units if isinstance(table, Result) else table
        if not isinstance(rows, pd.DataFrame):
            raise InputError(
                f"An indicator needs a DataFrame or a Result; got "
                f"{type(rows).__name__}. For a Series: series.to_frame('{column}')."
            )
        indicator = read_indicator(
            rows,
            Columns(column, period, interval, p_value),
            wording=Wording(str(label), str(unit), str(description)),
            style=style,
            units=self.units,
        )
        said = credits_of_table(rows.attrs)
        if isinstance(table, Result):
            said = said.plus(credits_of(table))
        return replace(
            self,
            indicators=(*self.indicators, indicator),
            credits=self.credits.plus(said),
        )

    def add_result(
        self,
        result: Result,
        *,
        title: str,
        text: str = "",
        tables: Sequence[str] | None = None,
    ) -> "Atlas":
        """Add a section to the results page: estimates, tables and notes.

        Parameters
        ----------
        result : Result
            What an estimator returned.
        title : str
            The heading.
        text : str
            What it means, in plain language; an empty line parts paragraphs.
        tables : sequence of str, optional
            Which of ``result.tables`` to show; by default ``"effects"``, where
            there is one.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            If the result has no table of a name asked for.
        """
        section = section_of(result, title=title, text=text, tables=tables)
        return replace(
            self,
            sections=(*self.sections, section),
            credits=self.credits.plus(credits_of(result)),
        )

    def add_table(self, frame: pd.DataFrame, *, title: str, text: str = "") -> "Atlas":
        """Add a table to the results page, such as `compare` returns.

        Parameters
        ----------
        frame : DataFrame
            At most 300 rows are shown.
        title : str
            The heading.
        text : str
            What it means, in plain language.

        Returns
        -------
        Atlas
        """
        section = Section(str(title), str(text), (table_of(frame, ""),))
        said = credits_of_table(frame.attrs)
        return replace(
            self,
            sections=(*self.sections, section),
            credits=self.credits.plus(said),
        )

    def county_map(self) -> CountyMap:
        """Return the atlas as a folium map: to show in a notebook or to add layers.

        Raises
        ------
        InputError
            If no indicator was added, or a geometry is not a polygon.

        Warns
        -----
        GeoPovertyWarning
            If counties overlap, so that their borders cannot be simplified.
        """
        return self._drawn()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the atlas to one HTML file, whole or not at all.

        Parameters
        ----------
        path : path
            In a folder that exists.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        InputError
            If no indicator was added, or the folder does not exist or cannot be
            written.

        Warns
        -----
        GeoPovertyWarning
            If counties overlap, so that their borders cannot be simplified.
        """
        target = output_path(path)
        page = self._drawn().get_root().render()
        with atomic_path(target) as draft:
            draft.write_text(page, encoding="utf-8", newline="\n")
        return target

    def _drawn(self) -> CountyMap:
        if not self.indicators:
            raise InputError(
                "An atlas needs at least one indicator before it is saved. Add one: "
                "atlas.add(table, column, label=...)."
            )
        shapes = draw_shapes(self.boundaries, self.projection)
        if shapes.note:
            warnings.warn(shapes.note, GeoPovertyWarning, stacklevel=3)
        return CountyMap(self._data(shapes))

    def _data(self, shapes: Shapes) -> dict[str, Any]:
        """Gather what the page shows, as plain JSON."""
        said = self.credits.plus(Credits(notes=(shapes.note,) if shapes.note else ()))
        return {
            "title": str(self.title),
            "places": {
                "ids": list(self.units),
                "names": self._texts(self.name, instead=self.units),
                "groups": self._texts(self.group, instead=None),
            },
            "shapes": {**shapes.topology, "projected": shapes.projected},
            "indicators": [indicator_data(i) for i in self.indicators],
            "sections": [s.data() for s in self.sections],
            "footer": said.data(shapes.projection),
        }

    def _texts(
        self, column: str | None, *, instead: pd.Index | None
    ) -> list[str] | None:
        """Return a text a county; where there is none, its id (or nothing)."""
        if column is None:
            return None if instead is None else list(instead)
        texts = self.boundaries[column]
        blank = [""] * len(texts) if instead is None else list(instead)
        return [
            other if pd.isna(text) else str(text)
            for text, other in zip(texts, blank, strict=True)
        ]

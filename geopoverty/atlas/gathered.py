"""What an atlas gathers: indicators, results, and what compares counties."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import geopandas as gpd
import pandas as pd

from geopoverty._checks import require_columns, require_option, unit_ids
from geopoverty.atlas.classes import MapStyle
from geopoverty.atlas.credits import Credits, credits_of_either, credits_of_table
from geopoverty.atlas.curves import Curves, Told, read_curves
from geopoverty.atlas.layers import (
    Columns,
    Indicator,
    Wording,
    keyed_ids,
    read_indicator,
)
from geopoverty.atlas.peers import Likeness, read_likeness
from geopoverty.atlas.scenario_page import Scenario
from geopoverty.atlas.sections import Section, section_of
from geopoverty.atlas.shapes import choose_projection
from geopoverty.atlas.spillover_page import Spillovers
from geopoverty.atlas.tables import table_of
from geopoverty.data.boundaries import check_geometry, require_crs
from geopoverty.errors import InputError
from geopoverty.results import Result

DEFAULT_STYLE = MapStyle()
PAGES = ("compare", "ranking")


@dataclass(frozen=True, eq=False)
class Gathered:
    """What the methods of an `Atlas` gather; its attributes are told there."""

    boundaries: gpd.GeoDataFrame = field(repr=False)
    title: str = field(default="County atlas", kw_only=True)
    name: str | None = field(default="name", kw_only=True)
    group: str | None = field(default=None, kw_only=True)
    projection: Any = field(default="auto", kw_only=True)
    pages: Sequence[str] = field(default=PAGES, kw_only=True)
    indicators: tuple[Indicator, ...] = field(default=(), kw_only=True, repr=False)
    sections: tuple[Section, ...] = field(default=(), kw_only=True, repr=False)
    curves: tuple[Curves, ...] = field(default=(), kw_only=True, repr=False)
    likeness: Likeness | None = field(default=None, kw_only=True, repr=False)
    scenarios: tuple[Scenario, ...] = field(default=(), kw_only=True, repr=False)
    spillovers: tuple[Spillovers, ...] = field(default=(), kw_only=True, repr=False)
    credits: Credits = field(default=Credits(), kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.boundaries, gpd.GeoDataFrame):
            raise InputError(
                "The boundaries must be a GeoDataFrame; got "
                f"{type(self.boundaries).__name__}. Read them: read_boundaries(path)."
            )
        if self.indicators or self.sections or self.curves:
            return  # checked when the atlas was begun
        for page in self.pages:
            require_option(page, PAGES, "pages")
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
    ) -> Self:
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
        return replace(
            self,
            indicators=(*self.indicators, indicator),
            credits=self.credits.plus(credits_of_either(table)),
        )

    def add_result(
        self,
        result: Result,
        *,
        title: str,
        text: str = "",
        tables: Sequence[str] | None = None,
    ) -> Self:
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
            credits=self.credits.plus(credits_of_either(result)),
        )

    def add_table(self, frame: pd.DataFrame, *, title: str, text: str = "") -> Self:
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
        return replace(
            self,
            sections=(*self.sections, section),
            credits=self.credits.plus(credits_of_either(frame)),
        )

    def peers(
        self,
        table: pd.DataFrame | Result,
        columns: Sequence[str] | Mapping[str, str],
        *,
        better: Mapping[str, str],
        k: int = 10,
    ) -> Self:
        """Say which counties are alike, so that the page finds a county's peers.

        Of the `k` counties most like a chosen one, the page lists those that do
        better, and on what. The distance is the root mean squared difference in
        standard deviations: every covariate counts the same whatever its unit. Two
        that say the same count twice; take logarithms of sizes and densities before.

        Parameters
        ----------
        table : DataFrame or Result
            One row a county, keyed by a column or index ``unit_id``. A county that
            lacks a covariate has no peers and is nobody's peer.
        columns : sequence of str, or mapping of str to str
            The covariates: what a county cannot choose, such as where it lies and how
            it began. A mapping says what each is called on the page.
        better : mapping of str to str
            Label of an indicator of this atlas to ``"lower"`` or ``"higher"``.
        k : int
            How many are looked at first; the reader can change it. 1 to n - 1.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            As `add` for each covariate; if none differs between counties, or `better`
            or `k` is out of what is possible.

        Warns
        -----
        GeoPovertyWarning
            If a covariate is the same everywhere; it is left out.
        """
        found = read_likeness(
            table,
            columns,
            better=better,
            k=k,
            units=self.units,
            indicators=[i.wording.label for i in self.indicators],
        )
        said = credits_of_either(table).plus(Credits(methods=(found.method,)))
        return replace(self, likeness=found, credits=self.credits.plus(said))

    def add_curves(
        self,
        curves: Result | pd.DataFrame,
        *,
        title: str,
        unit: str = "",
        description: str = "",
        group_of: pd.Series | Mapping[str, str] | None = None,
    ) -> Self:
        """Add curves of who is still poor when, for the page that compares counties.

        Parameters
        ----------
        curves : Result or DataFrame
            Of `survival_curves` (a county has the curve of its group) or
            `exit_hazard` (each has its own), or such a table: ``unit_id`` or
            ``group``, ``time``, ``estimate`` (0 to 1), ``conf_low``, ``conf_high``.
        title : str
            The heading.
        unit : str
            Unit of time, such as ``"years"``.
        description : str
            One plain sentence on what the curves mean.
        group_of : Series or mapping, optional
            The group of each unit id; by default as in the ``units`` of the result.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            If there are no curves, a share is not between 0 and 1, or a unit is not
            in the boundaries, has several groups or one without a curve.
        """
        told = Told(str(title), str(unit), str(description))
        found = read_curves(curves, told=told, units=self.units, group_of=group_of)
        return replace(
            self,
            curves=(*self.curves, found),
            credits=self.credits.plus(credits_of_either(curves)),
        )

"""What an atlas gathers, and the indicators of its map."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import geopandas as gpd
import pandas as pd

from geopoverty._checks import require_columns, require_option, unit_ids
from geopoverty.atlas.class_layer import ClassIndicator, read_classes
from geopoverty.atlas.credits import Credits, credits_of_either, credits_of_table
from geopoverty.atlas.crossed_layer import Axis, CrossedIndicator, read_crossed
from geopoverty.atlas.curves import Curves
from geopoverty.atlas.layers import Columns, Indicator, Wording, read_indicator
from geopoverty.atlas.peers import Likeness
from geopoverty.atlas.rows import keyed_ids
from geopoverty.atlas.scenario_page import Scenario
from geopoverty.atlas.sections import Section
from geopoverty.atlas.spillover_page import Spillovers
from geopoverty.classes import MapStyle
from geopoverty.classes.categories import ChosenClasses
from geopoverty.data.boundaries import check_geometry, require_crs
from geopoverty.errors import InputError
from geopoverty.projections import choose_projection
from geopoverty.results import Result

DEFAULT_STYLE = MapStyle()
AnyIndicator = Indicator | ClassIndicator | CrossedIndicator
PAGES = ("compare", "ranking", "two maps")


@dataclass(frozen=True, eq=False)
class Gathered:
    """What the methods of an `Atlas` gather; its attributes are told there."""

    boundaries: gpd.GeoDataFrame = field(repr=False)
    title: str = field(default="County atlas", kw_only=True)
    name: str | None = field(default="name", kw_only=True)
    group: str | None = field(default=None, kw_only=True)
    projection: Any = field(default="auto", kw_only=True)
    pages: Sequence[str] = field(default=PAGES, kw_only=True)
    indicators: tuple[AnyIndicator, ...] = field(default=(), kw_only=True, repr=False)
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
        indicator = read_indicator(
            _rows(table, column),
            Columns(column, period, interval, p_value),
            wording=Wording(str(label), str(unit), str(description)),
            style=style,
            units=self.units,
        )
        return self._with(indicator, table)

    def add_classes(
        self,
        table: pd.DataFrame | Result,
        column: str,
        *,
        label: str,
        classes: ChosenClasses = None,
        period: str | None = None,
        description: str = "",
    ) -> Self:
        """Add an indicator of named classes to the map.

        Parameters
        ----------
        table : DataFrame or Result
            One row a county and period, keyed by a column or index ``unit_id``;
            of a Result its ``units``. Counties without a row show as "no data".
        column : str
            The classes, as text or categorical; missing is no data. What
            `local_moran` and `getis_ord` return has them in ``"class"``.
        label : str
            What a planner calls it.
        classes : sequence of str, or mapping of str to str, optional
            The classes in order, at most nine; a mapping says the colour of each,
            as ``"#rrggbb"``. By default the order of a categorical or of the
            alphabet, in colours made for colour-blind readers; the classes of
            `local_moran` and `getis_ord` have the order and colours of their field.
        period : str, optional
            The column of the periods; the page gets a selector.
        description : str
            One plain sentence on what the classes mean.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            If a column or id is unknown, an id is repeated, the column is not text
            or all missing, or it holds more classes than a reader can tell apart.

        Examples
        --------
        >>> from shapely.geometry import box
        >>> import geopoverty as gp
        >>> counties = gpd.GeoDataFrame(index=pd.Index(["01", "02"], name="unit_id"),
        ...     geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
        >>> land = pd.DataFrame({"unit_id": ["01", "02"], "land": ["steppe", "farms"]})
        >>> atlas = gp.Atlas(counties, name=None).add_classes(
        ...     land, "land", label="Main land use")
        >>> atlas.indicators[0].categories.names
        ('farms', 'steppe')
        """
        indicator = read_classes(
            _rows(table, column),
            column,
            wording=Wording(str(label), description=str(description)),
            classes=classes,
            period=period,
            units=self.units,
        )
        return self._with(indicator, table)

    def add_bivariate(
        self,
        table: pd.DataFrame | Result,
        columns: tuple[str, str],
        *,
        labels: tuple[str, str],
        units: tuple[str, str] = ("", ""),
        label: str = "",
        period: str | None = None,
        breaks: Sequence[Sequence[float] | None] | None = None,
        description: str = "",
    ) -> Self:
        """Add two numbers crossed: where both are high, both low, or only one.

        Parameters
        ----------
        table : DataFrame or Result
            One row a county and period, keyed by a column or index ``unit_id``;
            of a Result its ``units``.
        columns : tuple of two str
            The numbers: the first runs across the legend, the second upwards. A
            county that lacks either has no data.
        labels, units : tuple of two str
            What a planner calls each, and its unit.
        label : str
            What both together are called; by default ``"first and second"``.
        period : str, optional
            The column of the periods; the classes are the same in all.
        breaks : pair of (sequence of float, or None), optional
            Own cut points of each, one or two; None keeps terciles, which part the
            counties into thirds.
        description : str
            One plain sentence on what the crossing means.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            As `add` for each column; if `columns`, `labels` or `units` is no pair, no
            county has both numbers, or `breaks` are not one or two increasing numbers.

        Examples
        --------
        >>> from shapely.geometry import box
        >>> import geopoverty as gp
        >>> ids = pd.Index(list("abc"), name="unit_id")
        >>> counties = gpd.GeoDataFrame(index=ids, crs=4326,
        ...     geometry=[box(i, 0, i + 1, 1) for i in range(3)])
        >>> both = pd.DataFrame({"unit_id": ids, "poor": [9, 5, 2], "jobs": [1, 2, 3]})
        >>> atlas = gp.Atlas(counties, name=None).add_bivariate(
        ...     both, ("poor", "jobs"), labels=("Poor families", "Jobs"))
        >>> atlas.indicators[0].wording.label, atlas.indicators[0].classes.shape
        ('Poor families and Jobs', (3, 3))
        """
        for name, pair in (("columns", columns), ("labels", labels), ("units", units)):
            _require_pair(name, pair)
        axes = [
            Axis(c, str(said), str(unit))
            for c, said, unit in zip(columns, labels, units, strict=True)
        ]
        said = str(label) or f"{axes[0].label} and {axes[1].label}"
        indicator = read_crossed(
            _rows(table, columns[0]),
            (axes[0], axes[1]),
            wording=Wording(said, description=str(description)),
            breaks=breaks,
            period=period,
            units=self.units,
        )
        return self._with(indicator, table)

    def _with(self, indicator: AnyIndicator, table: pd.DataFrame | Result) -> Self:
        return replace(
            self,
            indicators=(*self.indicators, indicator),
            credits=self.credits.plus(credits_of_either(table)),
        )


def _rows(table: pd.DataFrame | Result, column: str) -> pd.DataFrame:
    rows = table.units if isinstance(table, Result) else table
    if not isinstance(rows, pd.DataFrame):
        raise InputError(
            f"An indicator needs a DataFrame or a Result; got "
            f"{type(rows).__name__}. For a Series: series.to_frame('{column}')."
        )
    return rows


def _require_pair(name: str, pair: object) -> None:
    if isinstance(pair, list | tuple) and len(pair) == 2:
        return
    raise InputError(
        f"{name} of add_bivariate must be a pair, the first across the legend and the "
        f"second upwards; got {pair!r}."
    )

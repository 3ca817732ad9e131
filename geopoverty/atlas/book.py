"""The atlas: indicators on a map, a results page, and what a reader must know."""

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from geopoverty._files import atomic_path, output_path
from geopoverty.atlas.beside import Beside
from geopoverty.atlas.county_map import CountyMap
from geopoverty.atlas.credits import Credits, credits_of_either
from geopoverty.atlas.effect_model import read_model
from geopoverty.atlas.places import places_data
from geopoverty.atlas.scenario_page import Step, pages_data, scenario_of
from geopoverty.atlas.shapes import Shapes, draw_shapes
from geopoverty.atlas.spillover_page import Spillovers, add_layers
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.results import Result


@dataclass(frozen=True, eq=False)
class Atlas(Beside):
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
        ``"auto"`` is an equal-area projection fit for the place, for the United
        States with Alaska, Hawaii and the territories as insets; None keeps
        longitude and latitude. A projection that you name has no insets.
    pages : sequence of str
        Which pages stand beside the map: ``"compare"`` (up to four counties side by
        side), ``"ranking"`` (a table linked with the map) and ``"two maps"`` (two
        indicators or years that move together).
    indicators, sections, curves, likeness, scenarios, spillovers, credits
        What the methods gathered.

    Raises
    ------
    InputError
        If ids are missing, repeated or numbers, a geometry is missing, empty or
        invalid, there is no coordinate system, or a column is unknown.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> counties = gpd.GeoDataFrame({"name": ["Ash", "Elm"]},
    ...     index=pd.Index(["01", "02"], name="unit_id"),
    ...     geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
    >>> rates = pd.DataFrame({"unit_id": ["01", "02"], "poor": [12.5, 31.0]})
    >>> atlas = Atlas(counties).add(rates, "poor", label="Poverty rate", unit="%")
    >>> [i.wording.label for i in atlas.indicators]
    ['Poverty rate']
    """

    def add_scenario(  # noqa: PLR0913  (a model, and what a step in it is called)
        self,
        result: Result,
        data: pd.DataFrame,
        *,
        weights: Any = None,
        column: str,
        label: str,
        step: float = 1,
        unit: str = "",
        outcome: str = "",
        outcome_unit: str = "",
    ) -> Self:
        """Add a model to the page that asks what a step in some counties changes.

        The page computes what `scenario` does, to six decimals and better, for the
        counties a reader chooses and a step of any size.

        Parameters
        ----------
        result : Result
            Of `logit`, `probit`, `ols`, `spatial_binary`, `panel` or `exit_hazard`
            (Cox).
        data : DataFrame
            The rows of the fit; with periods, the last is shown. At most 60,000.
        weights : SpatialWeights, libpysal Graph or W, optional
            As for the fit, with at most 60,000 links; their units must be on the map.
        column : str
            The covariate that changes. It must enter the model by its own name or
            its lag, ``W(...)``, not in a product or a transformation.
        label, unit : str
            What a planner calls it, and its unit, such as ``"clusters"``.
        step : float
            By how much it changes at first; the reader can write another number.
        outcome, outcome_unit : str
            What a planner calls the outcome, by default the model's own words, and
            its unit where it is no probability.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            If the result does not fit, the column enters otherwise, units are not in
            the boundaries, or there are too many links or rows for a page.

        Examples
        --------
        >>> import geopandas as gpd
        >>> from shapely.geometry import box
        >>> import geopoverty as gp
        >>> ids = pd.Index(list("abcdef"), name="unit_id")
        >>> squares = [box(i, 0, i + 1, 1) for i in range(6)]
        >>> counties = gpd.GeoDataFrame(index=ids, geometry=squares, crs=4326)
        >>> table = pd.DataFrame({"unit_id": ids, "poor": [1, 1, 0, 1, 0, 0],
        ...     "jobs": [2.0, 4, 3, 1, 5, 6]})
        >>> fit = gp.logit("poor ~ jobs", table, vcov="iid")
        >>> atlas = Atlas(counties, name=None)
        >>> atlas = atlas.add_scenario(fit, table, column="jobs", label="Jobs")
        >>> len(atlas.scenarios)
        1
        """
        said = Step(column, str(label), step, str(unit), str(outcome), outcome_unit)
        model = read_model(
            result, data, weights=weights, column=column, units=self.units
        )
        return replace(
            self,
            scenarios=(*self.scenarios, scenario_of(result, model, said)),
            credits=self.credits.plus(credits_of_either(result)),
        )

    def add_spillovers(  # noqa: PLR0913  (as add_scenario)
        self,
        result: Result,
        data: pd.DataFrame,
        *,
        weights: Any,
        column: str,
        label: str,
        step: float = 1,
        unit: str = "",
        outcome: str = "",
        outcome_unit: str = "",
    ) -> Self:
        """Add a model to the page that shows whom a county reaches, and who reaches it.

        The map gets two indicators: what a step in all other counties would change in
        a county (spill-in), and what a step in it would change in all others together
        (spill-out).

        Parameters
        ----------
        result, data, weights, column, label, step, unit, outcome, outcome_unit
            As in `add_scenario`; the reader cannot change the step.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            As `add_scenario`, and if the model holds no spillovers of the column.

        Examples
        --------
        >>> import geopandas as gpd
        >>> from shapely.geometry import box
        >>> import geopoverty as gp
        >>> ids = pd.Index(list("abcdef"), name="unit_id")
        >>> squares = [box(i, 0, i + 1, 1) for i in range(6)]
        >>> counties = gpd.GeoDataFrame(index=ids, geometry=squares, crs=4326)
        >>> table = pd.DataFrame({"unit_id": ids, "poor": [1, 1, 0, 1, 0, 0],
        ...     "jobs": [2.0, 4, 3, 1, 5, 6]})
        >>> weights = gp.contiguity_weights(counties)
        >>> fit = gp.logit("poor ~ W(jobs)", table, weights=weights, vcov="iid")
        >>> atlas = Atlas(counties, name=None).add_spillovers(
        ...     fit, table, weights=weights, column="jobs", label="Jobs")
        >>> [i.wording.label for i in atlas.indicators]
        ['Received from others: Jobs', 'Given to others: Jobs']
        """
        said = Step(column, str(label), step, str(unit), str(outcome), outcome_unit)
        model = read_model(
            result, data, weights=weights, column=column, units=self.units
        )
        at = len(self.indicators)
        return replace(
            add_layers(self, model, said),
            spillovers=(*self.spillovers, Spillovers(model, said, (at, at + 1))),
            credits=self.credits.plus(credits_of_either(result)),
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
        labels = [i.wording.label for i in self.indicators]
        return {
            "title": str(self.title),
            "places": places_data(self.boundaries, self.units, self.name, self.group),
            "shapes": {**shapes.topology, "projected": shapes.projected},
            "indicators": [i.data() for i in self.indicators],
            "sections": [s.data() for s in self.sections],
            "pages": list(self.pages) if len(self.boundaries) > 1 else [],
            "curves": [c.data() for c in self.curves],
            "peers": self.likeness and self.likeness.data(labels),
            **pages_data(self.scenarios, self.spillovers),
            "footer": said.data(shapes.projection),
        }

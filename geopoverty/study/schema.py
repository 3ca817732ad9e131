"""What a study file may say: one class a table of the file, one field a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Period = int | str


@dataclass(frozen=True)
class Head:
    """``[study]``.

    Attributes
    ----------
    title : str
        Of the atlas and the results page.
    out : str
        Folder of the results, beside the study file unless absolute.
    """

    title: str = "County study"
    out: str = "results"


@dataclass(frozen=True)
class Boundaries:
    """``[boundaries]``: `dataset` or `file`.

    Attributes
    ----------
    dataset : str, optional
        A bundled data set, with `options`.
    file : str, optional
        GeoParquet, GeoPackage, GeoJSON or Shapefile.
    unit_id, crs
        As in `read_boundaries`.
    name, group : str, optional
        Columns with the names to show, and with the state or province.
    origin : mapping of str to str
        title, status, source, licence and attribution of a file.
    """

    dataset: str | None = None
    file: str | None = None
    unit_id: str = "unit_id"
    crs: str | None = None
    name: str | None = None
    group: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Times:
    """``[travel_times]``: `dataset`, `file`, or `speed_kmh` and `circuity`.

    Attributes
    ----------
    status : str
        Of a file: measured, routed, modelled or simulated.
    speed_kmh, circuity : float, optional
        To model the times from distances between the centres of the boundaries.
    outside : {"refuse", "drop"}
        What to do with units that the boundaries lack.
    """

    dataset: str | None = None
    file: str | None = None
    status: str = "measured"
    speed_kmh: float | None = None
    circuity: float | None = None
    outside: str = "refuse"
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Weights:
    """``[weights.NAME]``.

    Attributes
    ----------
    kind : {"travel", "contiguity", "knn"}
        From the travel times, from shared borders, from distances.
    units : str, optional
        A table: weights between its units only.
    decay, power, scale, cutoff, k, standardize, rook
        As in `travel_weights`, `contiguity_weights` and `knn_weights`;
        ``standardize = "none"`` leaves the rows as they are.
    """

    kind: str = "travel"
    units: str | None = None
    decay: str | None = None
    power: float | None = None
    scale: float | None = None
    cutoff: float | None = None
    k: int | None = None
    standardize: str | None = None
    rook: bool | None = None


@dataclass(frozen=True)
class Table:
    """``[tables.NAME]``: `dataset`, `file` or another `table`, then steps.

    The steps are taken in the order of the fields below `origin`.

    Attributes
    ----------
    unit_id : str
        The column of unit ids, called ``unit_id`` from then on.
    text : tuple of str
        Columns of a CSV file to be read as text.
    exits : mapping, optional
        `rate` and `line` (and `everyone`): see `exits_from_panel`.
    join : mapping of str to list of str
        From another table, or ``boundaries``, its columns to add by unit (and
        period).
    columns : mapping of str to str
        New columns and their expressions.
    periods : tuple, optional
        Keep these only.
    where : str, optional
        Keep the rows for which this holds.
    complete : tuple of str
        Keep the rows in which none of these columns is missing.
    average : tuple of str
        One row a unit (and period) with the means of these columns, and ``rows``.
    weight : str, optional
        The column that weighs the rows of `average`.
    balanced : bool
        Keep the units that are there in every period.
    outside : {"refuse", "drop", "keep"}
        What to do with units that the boundaries lack.
    """

    dataset: str | None = None
    file: str | None = None
    table: str | None = None
    unit_id: str = "unit_id"
    text: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    exits: Mapping[str, Any] | None = None
    join: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    periods: tuple[Period, ...] | None = None
    where: str | None = None
    complete: tuple[str, ...] = ()
    average: tuple[str, ...] = ()
    weight: str | None = None
    balanced: bool = False
    outside: str = "refuse"


@dataclass(frozen=True)
class Model:
    """``[models.NAME]``; every other key is an option of the estimator.

    Attributes
    ----------
    estimator : str
        One of `ESTIMATORS`.
    formula, table : str
        What to fit to what.
    title : str
        Head of its column and section; the name when not given.
    periods, where
        Use these rows of the table only.
    weights : str, optional
        One of ``[weights.NAME]``.
    unit_data : str, optional
        A table with one row a unit, for lags.
    options : mapping
        As written.
    """

    estimator: str
    formula: str
    table: str
    title: str = ""
    periods: tuple[Period, ...] | None = None
    where: str | None = None
    weights: str | None = None
    unit_data: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Map:
    """``[[pages.maps]]``: a layer of the atlas.

    Attributes
    ----------
    table, model : str, optional
        Where the column comes from; of a model, its units.
    models : mapping of str to str, optional
        From period to model, when each was fitted to one period.
    column : str
        A column or an expression.
    times : float
        Multiplies column and interval, such as 100 for per cent.
    label, unit, description : str
        In plain words.
    period, interval, p_value
        Columns, as in `Atlas.add`.
    periods : tuple, optional
        Show these only.
    scheme, classes, breaks, palette, diverging, digits, alpha
        As in `MapStyle`.
    """

    column: str
    label: str
    table: str | None = None
    model: str | None = None
    models: Mapping[str, str] | None = None
    times: float = 1.0
    unit: str = ""
    description: str = ""
    period: str | None = None
    periods: tuple[Period, ...] | None = None
    interval: tuple[str, str] | None = None
    p_value: str | None = None
    scheme: str | None = None
    classes: int | None = None
    breaks: tuple[float, ...] | None = None
    palette: str | None = None
    diverging: bool | None = None
    digits: int | None = None
    alpha: float | None = None

    @property
    def named(self) -> dict[str, str]:
        """From period ("" for none) to model."""
        return dict(self.models or ({"": self.model} if self.model else {}))


@dataclass(frozen=True)
class Section:
    """``[[pages.results]]``: a section of the results page.

    Attributes
    ----------
    title : str
        The heading.
    text : str
        What it means, in plain words.
    model : str, optional
        Shows its estimates, notes and `tables`.
    models : tuple of str, optional
        Sets several side by side.
    tables : tuple of str, optional
        Which tables of the result to show; ``effects`` when not given.
    """

    title: str
    text: str = ""
    model: str | None = None
    models: tuple[str, ...] | None = None
    tables: tuple[str, ...] | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The models."""
        return self.models or ((self.model,) if self.model else ())


@dataclass(frozen=True)
class Study:
    """A whole study file.

    Attributes
    ----------
    head, boundaries, times, weights, tables, models
        What its parts say.
    maps, results : mapping of int
        By their position in the file, from 0.
    """

    head: Head
    boundaries: Boundaries | None
    times: Times | None
    weights: Mapping[str, Weights]
    tables: Mapping[str, Table]
    models: Mapping[str, Model]
    maps: Mapping[int, Map]
    results: Mapping[int, Section]

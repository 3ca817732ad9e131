"""What a study file may say: one class a table of the file, one field a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geopoverty.study.page_schema import (
    Curves,
    Map,
    MapFile,
    Moved,
    Peers,
    Period,
    Section,
)

UNIT, PERIOD = "unit_id", "period"


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
    status : str, optional
        Of a file: measured, routed, modelled or simulated.
    speed_kmh, circuity : float, optional
        To model the times from distances between the centres of the boundaries.
    outside : {"refuse", "drop"}
        What to do with units that the boundaries lack.
    """

    dataset: str | None = None
    file: str | None = None
    status: str | None = None
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
    clusters, quotients, density : mapping, optional
        From firms to counties: see `firm_step`. One of them.
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
    clusters: Mapping[str, Any] | None = None
    quotients: Mapping[str, Any] | None = None
    density: Mapping[str, Any] | None = None
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
    table : str
        What it is fitted to.
    formula : str, optional
        Needed by estimators that take one.
    column : str, optional
        Needed by estimators that look at one column.
    title : str
        Head of its column and section; the name when not given.
    periods, where
        Use these rows of the table only.
    weights : str, optional
        One of ``[weights.NAME]``.
    unit_data : str, optional
        A table with one row a unit, for lags.
    groups : mapping, optional
        Fit it in each group: `by`, `min_rows` and `on_error` of `by_group`.
    scan : mapping, optional
        Fit it for each industry: `table` (counts by code), `terms` and `min_units` of
        `industry_scan`.
    options : mapping
        As written.
    """

    estimator: str
    table: str
    formula: str | None = None
    column: str | None = None
    title: str = ""
    periods: tuple[Period, ...] | None = None
    where: str | None = None
    weights: str | None = None
    unit_data: str | None = None
    groups: Mapping[str, Any] | None = None
    scan: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """A whole study file.

    Attributes
    ----------
    head, boundaries, times, weights, tables, models
        What its parts say.
    maps, results, spillovers, scenarios, curves : mapping of int
        By their position in the file, from 0.
    peers : Peers or None
    files : mapping of str to MapFile
    """

    head: Head
    boundaries: Boundaries | None
    times: Times | None
    weights: Mapping[str, Weights]
    tables: Mapping[str, Table]
    models: Mapping[str, Model]
    maps: Mapping[int, Map]
    results: Mapping[int, Section]
    spillovers: Mapping[int, Moved] = field(default_factory=dict)
    scenarios: Mapping[int, Moved] = field(default_factory=dict)
    curves: Mapping[int, Curves] = field(default_factory=dict)
    peers: Peers | None = None
    files: Mapping[str, MapFile] = field(default_factory=dict)

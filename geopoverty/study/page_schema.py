"""What a study file may say of its pages: one class a table, one field a key."""

from collections.abc import Mapping
from dataclasses import dataclass

Period = int | str


@dataclass(frozen=True)
class Map:
    """``[[pages.maps]]``: a layer of the atlas.

    Attributes
    ----------
    label, unit, description : str
        In plain words.
    kind : {"numbers", "classes", "crossed"}
        A number, named classes, or two numbers crossed.
    table, model : str, optional
        Where the column comes from; of a model, its units.
    models : mapping of str to str, optional
        From period to model, when each was fitted to one period.
    column : str
        A column or an expression.
    times : float
        Multiplies column and interval, such as 100 for per cent.
    period, interval, p_value
        Columns, as in `Atlas.add`.
    periods : tuple, optional
        Show these only.
    scheme, classes, breaks, palette, diverging, digits, alpha
        As in `MapStyle`.
    names : tuple of str or mapping of str to str, optional
        Of named classes: their order, or their colours.
    columns, labels, units, cuts
        Of two numbers crossed: as `columns`, `labels`, `units` and `breaks` of
        `Atlas.add_bivariate`.
    """

    label: str
    kind: str = "numbers"
    column: str = ""
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
    names: tuple[str, ...] | Mapping[str, str] | None = None
    columns: tuple[str, str] | None = None
    labels: tuple[str, str] | None = None
    units: tuple[str, str] | None = None
    cuts: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def named(self) -> dict[str, str]:
        """From period ("" for none) to model."""
        return dict(self.models or ({"": self.model} if self.model else {}))


@dataclass(frozen=True)
class Moved:
    """``[[pages.spillovers]]`` and ``[[pages.scenario]]``: a column that is moved.

    Attributes
    ----------
    model : str
        What says what follows.
    column, label, step, unit, outcome, outcome_unit
        As in `Atlas.add_scenario`.
    """

    model: str
    column: str
    label: str
    step: float = 1.0
    unit: str = ""
    outcome: str = ""
    outcome_unit: str = ""


@dataclass(frozen=True)
class Curves:
    """``[[pages.curves]]``: who is still poor when, on the page that compares.

    Attributes
    ----------
    model : str
        Of `survival_curves` or `exit_hazard`.
    title, unit, description : str
        As in `Atlas.add_curves`.
    group : str, optional
        A column of the boundaries: which curve each county has.
    """

    model: str
    title: str
    unit: str = ""
    description: str = ""
    group: str | None = None


@dataclass(frozen=True)
class Peers:
    """``[pages.peers]``: which counties are alike.

    Attributes
    ----------
    table, model : str, optional
        Where the covariates come from; one row a county.
    columns : tuple of str or mapping of str to str
        The covariates, or what each is called.
    better : mapping of str to str
        From the label of a map to "lower" or "higher".
    k : int
        How many are looked at first.
    periods : tuple, optional
        Use these rows only.
    """

    columns: tuple[str, ...] | Mapping[str, str]
    better: Mapping[str, str]
    table: str | None = None
    model: str | None = None
    k: int = 10
    periods: tuple[Period, ...] | None = None


@dataclass(frozen=True)
class MapFile:
    """``[files.NAME]``: a map for other programs.

    Attributes
    ----------
    table, model : str, optional
        Where the columns come from; of a model, its units.
    columns : tuple of str or mapping of str to str, optional
        Which to write, or what each holds, in words; all when not given.
    formats : tuple of str
        "gpkg", "parquet", "csv": see `write_map`.
    title : str
        In place of that of the data.
    periods : tuple, optional
        Use these rows only.
    """

    table: str | None = None
    model: str | None = None
    columns: tuple[str, ...] | Mapping[str, str] | None = None
    formats: tuple[str, ...] = ("gpkg",)
    title: str = ""
    periods: tuple[Period, ...] | None = None


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

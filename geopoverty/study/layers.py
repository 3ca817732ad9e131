"""The layers of the map: from a table or a model to an indicator of the atlas."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd

from geopoverty._checks import first, require_columns, require_option
from geopoverty.atlas import Atlas, MapStyle
from geopoverty.errors import InputError
from geopoverty.results import Result
from geopoverty.study.lines import Path
from geopoverty.study.made import Prepared
from geopoverty.study.page_schema import Map
from geopoverty.study.problems import Report
from geopoverty.study.schema import PERIOD, UNIT, Study
from geopoverty.study.steps import computed, keep_periods

STYLE = ("scheme", "classes", "breaks", "palette", "diverging", "digits", "alpha")
KINDS = ("numbers", "classes", "crossed")
# Keys that mean something for one kind of map only.
KIND_OF = {
    "names": "classes",
    "columns": "crossed",
    "labels": "crossed",
    "units": "crossed",
    "cuts": "crossed",
    **dict.fromkeys((*STYLE, "interval", "p_value"), "numbers"),
}


def check_layers(made: Prepared, report: Report) -> None:
    """Check the pages; layers of a table are tried out, those of models cannot be.

    Parameters
    ----------
    made : Prepared
    report : Report
        Gets every problem.
    """
    study = made.study
    if study.maps and study.boundaries is None:
        report.say(("pages", "maps"), "Maps need [boundaries].")
    atlas = None
    if study.maps and made.counties is not None:
        with report.catching(("boundaries",)):
            atlas = new_atlas(study, made.counties)
    for i, layer in study.maps.items():
        _check_layer(layer, ("pages", "maps", i), made, atlas, report)
    for i, section in study.results.items():
        path: Path = ("pages", "results", i)
        if (section.model is None) == (section.models is None):
            report.say(path, "Name model or models.")
        for name in section.named:
            key = "model" if section.model else "models"
            report.unknown((*path, key), "models", name)


def new_atlas(study: Study, counties: gpd.GeoDataFrame) -> Atlas:
    """Return the atlas of a study before anything is added.

    Raises
    ------
    InputError
        As `Atlas`.
    """
    part = study.boundaries
    name = part.name if part is not None else None
    group = part.group if part is not None else None
    return Atlas(counties, title=study.head.title, name=name, group=group)


def add_layer(atlas: Atlas, layer: Map, source: pd.DataFrame | Result) -> Atlas:
    """Return the atlas with a layer.

    Parameters
    ----------
    atlas : Atlas
    layer : Map
    source : DataFrame or Result
        As from `source_of_models`.

    Raises
    ------
    InputError
        As `Atlas.add` and `computed`.
    """
    require_option(layer.kind, KINDS, "kind")
    _check_keys(layer)
    frame = source.units if isinstance(source, Result) else source
    rows = _rows(_keyed(frame), layer)
    if isinstance(source, Result):
        source = replace(source, units=rows)
    else:
        rows.attrs = dict(frame.attrs)
        source = rows
    said: dict[str, Any] = {
        "label": layer.label,
        "description": layer.description,
        "period": PERIOD if layer.models else layer.period,
    }
    if layer.kind == "classes":
        return atlas.add_classes(source, layer.column, classes=layer.names, **said)
    if layer.kind == "crossed" and layer.columns is not None:
        pair = layer.columns
        return atlas.add_bivariate(
            source,
            pair,
            labels=layer.labels or pair,
            units=layer.units or ("", ""),
            breaks=layer.cuts and [c or None for c in layer.cuts],
            **said,
        )
    return atlas.add(
        source,
        layer.column,
        unit=layer.unit,
        interval=layer.interval,
        p_value=layer.p_value,
        style=style_of(layer),
        **said,
    )


def source_of_models(named: Mapping[str, str], fitted: Mapping[str, Result]) -> Result:
    """Return one result to map: that of one model, or of one model a period.

    Parameters
    ----------
    named : mapping of str to str
        From period ("" for none) to model.
    fitted : mapping of str to Result
        With all of them.

    Returns
    -------
    Result
        With the units, notes and sources of all.
    """
    results = [fitted[n] for n in named.values()]
    if len(results) == 1 and "" in named:
        return results[0]
    units = pd.concat(
        [
            _keyed(r.units).assign(**{PERIOD: period})
            for period, r in zip(named, results, strict=True)
        ],
        ignore_index=True,
    )
    data: list[Any] = []
    for r in results:
        data += [d for d in r.provenance.get("data", ()) if d not in data]
    notes = dict.fromkeys(n for r in results for n in r.notes)
    provenance = {**results[0].provenance, "data": data}
    return replace(results[0], units=units, notes=tuple(notes), provenance=provenance)


def style_of(layer: Map) -> MapStyle:
    """Return the classes and colours of a layer.

    Raises
    ------
    InputError
        As `MapStyle`.

    Examples
    --------
    >>> style_of(Map("Poverty", column="poor", digits=1)).digits
    1
    """
    given = {k: v for k in STYLE if (v := getattr(layer, k)) is not None}
    return MapStyle(**given)


def _check_layer(
    layer: Map, path: Path, made: Prepared, atlas: Atlas | None, report: Report
) -> None:
    given = [k for k in ("table", "model", "models") if getattr(layer, k)]
    if len(given) != 1:
        report.say(
            path,
            f"Name one of table, model, models; {' and '.join(given) or 'none'} is "
            "given.",
        )
        return
    with report.catching(path):
        require_option(layer.kind, KINDS, "kind")
        _check_keys(layer)
        style_of(layer)
    for name in layer.named.values():
        report.unknown((*path, given[0]), "models", name)
    if layer.table is None:
        return
    report.unknown((*path, "table"), "tables", layer.table)
    if atlas is not None and layer.table in made.tables:
        with report.catching(path):
            add_layer(atlas, layer, made.tables[layer.table])


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    if UNIT in frame.columns:
        return frame
    if UNIT in frame.index.names:
        return frame.reset_index()
    raise InputError(f"A map needs the column '{UNIT}'; the table has none.")


def _check_keys(layer: Map) -> None:
    """Check that a map has the keys of its kind."""
    needed = "columns" if layer.kind == "crossed" else "column"
    if not getattr(layer, needed):
        raise InputError(f"A map of kind '{layer.kind}' needs the key '{needed}'.")
    surplus = [
        k for k, kind in KIND_OF.items()
        if getattr(layer, k) is not None and kind != layer.kind
    ]  # fmt: skip
    if surplus:
        raise InputError(
            f"A map of kind '{layer.kind}' has no {first(surplus)}. Leave it out, or "
            f"write kind = '{KIND_OF[surplus[0]]}'."
        )


def _rows(frame: pd.DataFrame, layer: Map) -> pd.DataFrame:
    """Return the columns of a layer; numbers are multiplied."""
    rows = frame if layer.periods is None else keep_periods(frame, layer.periods)
    plain = [c for c in (layer.period, layer.p_value) if c is not None]
    if layer.models:
        plain.append(PERIOD)
    columns = {UNIT: rows[UNIT], **{c: computed(c, rows) for c in plain}}
    if layer.kind == "classes":
        require_columns(rows, [layer.column], "A map of classes")
        return pd.DataFrame({**columns, layer.column: rows[layer.column]})
    for column in (layer.column, *(layer.interval or ()), *(layer.columns or ())):
        if not column:
            continue
        values = computed(column, rows)
        if not pd.api.types.is_numeric_dtype(values):
            raise InputError(
                f"A map shows numbers; '{column}' is {values.dtype}. Make a number of "
                "it under [tables.NAME.columns], or write kind = 'classes'."
            )
        columns[column] = values if layer.times == 1 else layer.times * values
    return pd.DataFrame(columns)

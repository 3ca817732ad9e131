"""Maps of a study for other programs: GeoPackage, GeoParquet, CSV."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as FilePath

import geopandas as gpd
import pandas as pd

from geopoverty._checks import require_columns, require_option
from geopoverty.errors import InputError
from geopoverty.join import join
from geopoverty.map_files import write_map
from geopoverty.results import Result
from geopoverty.study.lines import Path
from geopoverty.study.made import Prepared
from geopoverty.study.page_schema import MapFile
from geopoverty.study.pages import Missing, model_part
from geopoverty.study.problems import Report
from geopoverty.study.schema import PERIOD, UNIT
from geopoverty.study.steps import keep_periods

FOLDER = "maps"
FORMATS = ("gpkg", "parquet", "csv")


def check_files(made: Prepared, report: Report) -> None:
    """Check the files to be written; columns of a table too, those of models cannot.

    Parameters
    ----------
    made : Prepared
    report : Report
        Gets every problem.
    """
    for name, part in made.study.files.items():
        path: Path = ("files", name)
        if made.study.boundaries is None:
            report.say(path, "A map needs [boundaries].")
        _check_formats(part, path, report)
        if (part.table is None) == (part.model is None):
            report.say(path, "Name table or model.")
        elif part.model is not None:
            report.unknown((*path, "model"), "models", part.model)
        elif part.table is not None:
            report.unknown((*path, "table"), "tables", part.table)
            if part.table in made.tables:
                with report.catching(path):
                    _chosen(made.tables[part.table], part)


def _check_formats(part: MapFile, path: Path, report: Report) -> None:
    for kind in part.formats:
        with report.catching((*path, "formats")):
            require_option(kind, FORMATS, "formats")
    if not part.formats:
        report.say((*path, "formats"), f"Name one of {', '.join(FORMATS)}.")


def write_maps(
    folder: FilePath, made: Prepared, fitted: Mapping[str, Result], missing: Missing
) -> None:
    """Write ``maps/NAME.gpkg`` and its like, every county with what is known of it.

    Parameters
    ----------
    folder : Path
    made, fitted
        What was done.
    missing : Missing
        Gets what cannot be written.

    Raises
    ------
    InputError
        If the file system refuses, as when the disk is full.
    """
    for name, part in made.study.files.items():
        said = f"File '{name}'"
        if part.model is not None and part.model not in fitted:
            absent = model_part(part.model).replace("Model", "model")
            missing.reasons[said] = f"It shows {absent}, which is missing."
            continue
        try:
            table = _joined(part, made, fitted)
            _write(folder / FOLDER, name, part, table)
        except InputError as error:
            if isinstance(error.__cause__, OSError):
                raise
            missing.reasons[said] = str(error)


def _joined(
    part: MapFile, made: Prepared, fitted: Mapping[str, Result]
) -> gpd.GeoDataFrame:
    if made.counties is None:
        raise InputError("A map needs [boundaries].")
    if part.model is not None:
        result = fitted[part.model]
        rows = _chosen(result.units, part)
        return join(replace(result, units=rows), made.counties, how="boundaries")
    table = made.tables[str(part.table)]
    rows = _chosen(table, part)
    rows.attrs = dict(table.attrs)
    return join(rows, made.counties, how="boundaries")


def _chosen(table: pd.DataFrame, part: MapFile) -> pd.DataFrame:
    """Return the rows and columns to write, keyed by the unit."""
    if UNIT not in table.columns and UNIT in table.index.names:
        table = table.reset_index()
    rows = table if part.periods is None else keep_periods(table, part.periods)
    require_columns(rows, [UNIT, *(part.columns or ())], "The file")
    if part.columns is None:
        return rows.copy()
    keys = [k for k in (UNIT, PERIOD) if k in rows and k not in part.columns]
    return rows[[*keys, *part.columns]].copy()


def _write(folder: FilePath, name: str, part: MapFile, table: gpd.GeoDataFrame) -> None:
    folder.mkdir(exist_ok=True)
    words = dict(part.columns) if isinstance(part.columns, Mapping) else None
    for kind in dict.fromkeys(part.formats):
        write_map(
            table, folder / f"{name}.{kind}", title=part.title or None, columns=words
        )

"""Read what a study file names: bundled data sets, files, modelled times."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from geopoverty._checks import nearest_name, require_columns, require_option, unit_ids
from geopoverty.data import catalog
from geopoverty.data.boundaries import read_boundaries
from geopoverty.data.travel import TravelTimes, model_travel_times
from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import InputError
from geopoverty.provenance import SOURCE_KEYS, STATUSES
from geopoverty.study.problems import Report
from geopoverty.study.schema import Boundaries, Table, Times
from geopoverty.study.typed import MISFIT, conform, in_words

Datasets = Mapping[str, Callable[..., Any]]
BOUNDARIES: Datasets = {
    "china_counties": catalog.china_counties,
    "coquimbo_zones": catalog.coquimbo_zones,
    "us_counties": catalog.us_counties,
    "zhejiang_counties": catalog.zhejiang_counties,
}
TIMES: Datasets = {
    "coquimbo_travel_times": catalog.coquimbo_travel_times,
    "us_travel_times": catalog.us_travel_times,
    "zhejiang_travel_times": catalog.zhejiang_travel_times,
}
TABLES: Datasets = {
    "lalonde_training": catalog.lalonde_training,
    "liangshan_households": catalog.liangshan_households,
    "us_county_exits": catalog.us_county_exits,
    "us_county_income": catalog.us_county_income,
    "us_county_panel": catalog.us_county_panel,
    "vietnam_households": catalog.vietnam_households,
    "village_survey": catalog.village_survey,
    "xu_households": catalog.xu_households,
    "zhejiang_firms": catalog.zhejiang_firms,
    "zhejiang_households": catalog.zhejiang_households,
}

SOURCES = ("dataset", "file", "table", "speed_kmh")
# Keys that mean something for one source only.
ONLY_FOR = {
    "options": "dataset",
    "origin": "file",
    "text": "file",
    "crs": "file",
    "status": "file",
    "circuity": "speed_kmh",
    "weight": "average",
}


def load_boundaries(part: Boundaries, folder: Path) -> gpd.GeoDataFrame:
    """Return the boundaries a study names.

    Parameters
    ----------
    part : Boundaries
    folder : Path
        What files are beside: the study's folder.

    Raises
    ------
    InputError
        If neither or both of dataset and file are named, or it cannot be read.
    """
    require_one_source(part)
    if part.dataset is not None:
        counties = _dataset(BOUNDARIES, part.dataset, part.options)
    else:
        path = input_path(str(part.file), folder)
        counties = read_boundaries(path, unit_id=part.unit_id, crs=part.crs)
        counties.attrs = _origin(part.origin)
    columns = [c for c in (part.name, part.group) if c is not None]
    require_columns(counties, columns, "name or group")
    return counties


def load_times(
    part: Times, folder: Path, counties: gpd.GeoDataFrame | None
) -> TravelTimes:
    """Return the travel times a study names.

    Raises
    ------
    InputError
        If not exactly one of dataset, file and speed_kmh is given, circuity is
        missing, or they cannot be read.
    """
    require_one_source(part)
    if part.status is not None:
        require_option(part.status, STATUSES, "status")
    times: TravelTimes
    if part.dataset is not None:
        times = _dataset(TIMES, part.dataset, part.options)
    elif part.file is not None:
        path = input_path(part.file, folder)
        read = read_travel_times(path, status=part.status)
        times = replace(read, attrs={**read.attrs, **_origin(part.origin)})
    else:
        if part.speed_kmh is None or part.circuity is None:
            raise InputError(
                "Modelled travel times need speed_kmh and circuity (1 or more)."
            )
        if counties is None:
            raise InputError("Travel times are modelled between the [boundaries].")
        times = model_travel_times(
            counties, speed_kmh=part.speed_kmh, circuity=part.circuity
        )
    return times


def load_table(part: Table, folder: Path, codes: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return a table from a bundled data set or a file, ids as text.

    Parameters
    ----------
    part : Table
    folder : Path
        Of the study file.
    codes : tuple of str
        Columns to be read as text besides those that the part names.

    Raises
    ------
    InputError
        If it cannot be read, or lacks its unit column.
    """
    if part.dataset is not None:
        table = _dataset(TABLES, part.dataset, part.options)
    else:
        table = _read_table(part, input_path(str(part.file), folder), codes)
        table.attrs = _origin(part.origin)
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    if part.unit_id != "unit_id":
        require_columns(table, [part.unit_id], "unit_id")
        if "unit_id" in table.columns:
            raise InputError(
                f"'{part.unit_id}' is to be called unit_id, but there is a column of "
                "that name already. Rename one of them in the file."
            )
        table = table.rename(columns={part.unit_id: "unit_id"})
    if "unit_id" in table.columns:
        unit_ids(table["unit_id"], "The table", unique=False)
    return table.reset_index(drop=True)


def input_path(name: str, folder: Path) -> Path:
    """Return the path of an input, relative names being beside the study file.

    Raises
    ------
    InputError
        If there is no such file; the most similar name is suggested.

    Examples
    --------
    >>> input_path("countys.csv", Path("nowhere"))
    Traceback (most recent call last):
    geopoverty.errors.InputError: There is no file 'nowhere/countys.csv'. Check the \
path: it counts from the folder of the study file.
    """
    path = folder / Path(name).expanduser()
    if os.path.isfile(path):
        return path
    beside = os.listdir(path.parent) if os.path.isdir(path.parent) else []
    raise InputError(
        f"There is no file '{path}'.{nearest_name(path.name, beside)} Check the path: "
        "it counts from the folder of the study file."
    )


def require_one_source(part: Boundaries | Times | Table) -> None:
    """Check that a part names one source.

    Raises
    ------
    InputError
        If none or several are named.

    Examples
    --------
    >>> require_one_source(Table(dataset="us_county_panel"))
    """
    keys = [k for k in SOURCES if hasattr(part, k)]
    given = [k for k in keys if getattr(part, k) is not None]
    if len(given) != 1:
        raise InputError(
            f"Name one of {', '.join(keys)}; {' and '.join(given) or 'none'} is given."
        )


def say_ignored(
    part: Boundaries | Times | Table, path: tuple[str, ...], report: Report
) -> None:
    """Say which keys would be ignored, because they are for another source.

    Examples
    --------
    >>> report = Report({})
    >>> table = Table(dataset="us_county_panel", origin={"title": "Own"})
    >>> say_ignored(table, ("tables", "panel"), report)
    >>> print(report.problems[0])
    tables.panel.origin: It is for 'file'. Leave it out.
    """
    plain = type(part)()
    for key, source in ONLY_FOR.items():
        given = getattr(part, key, None) != getattr(plain, key, None)
        if given and not getattr(part, source, None):
            report.say((*path, key), f"It is for '{source}'. Leave it out.")


def _dataset(known: Datasets, name: str, options: Mapping[str, Any]) -> Any:
    if name not in known:
        raise InputError(
            f"There is no data set '{name}' here.{nearest_name(name, known)} There "
            f"are: {', '.join(known)}."
        )
    call = known[name]
    hints = get_type_hints(call)
    names = list(inspect.signature(call).parameters)
    values = {}
    for key, value in options.items():
        if key not in names:
            raise InputError(
                f"'{name}' has no option '{key}'.{nearest_name(key, names)} It has: "
                f"{', '.join(names) or 'none'}."
            )
        values[key] = conform(value, hints[key])
        if values[key] is MISFIT:
            raise InputError(
                f"'{key}' must be {in_words(hints[key])}; got {value!r:.80}."
            )
    return call(**values)


def _read_table(part: Table, path: Path, codes: tuple[str, ...]) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix != ".csv":
            raise InputError(
                f"Tables are read from .csv or .parquet; '{path}' ends in "
                f"'{path.suffix}'. Save it as one of them."
            )
        ids = dict.fromkeys((part.unit_id, *part.text, *codes), str)
        table = pd.read_csv(path, dtype=ids, encoding="utf-8-sig", low_memory=False)
    except (pa.ArrowException, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(
            f"'{path}' cannot be read as a table ({error}). Save it as CSV in UTF-8, "
            "or as Parquet."
        ) from error
    except (pd.errors.EmptyDataError, OSError) as error:
        raise InputError(f"'{path}' cannot be read as a table ({error}).") from error
    require_columns(table, part.text, "text")
    return table


def _origin(origin: Mapping[str, str]) -> dict[Any, Any]:
    for key in origin:
        if key not in SOURCE_KEYS:
            raise InputError(
                f"origin has no key '{key}'.{nearest_name(key, SOURCE_KEYS)} It may "
                f"say: {', '.join(SOURCE_KEYS)}."
            )
    if "status" in origin:
        require_option(origin["status"], STATUSES, "status")
    return dict(origin)

"""Write a map to a file that other programs read."""

import io
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq

from geopoverty._checks import nearest_name, require_columns
from geopoverty._files import atomic_path, output_path
from geopoverty.data.boundaries import require_crs, require_geometry
from geopoverty.errors import InputError
from geopoverty.map_files.columns import writable
from geopoverty.map_files.metadata import as_json, csvw, flat, metadata_of, plain

KEY = "geopoverty"
# What a spreadsheet may take for the start of a formula, also in full width.
FORMULA = re.compile("^[\\s\x00]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")
BESIDE = "-metadata.json"  # where programs look for the description of a CSV file


def write_map(
    table: gpd.GeoDataFrame,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Path:
    """Write a map as GeoPackage, GeoParquet or CSV, with where it comes from.

    The metadata are title, status, sources and their licences, notes, method
    (estimator, formula, options), versions. A GeoPackage holds them as metadata of
    its layer, GeoParquet under the key ``geopoverty`` (and as
    ``attrs``), and beside a CSV file stands ``<name>.csv-metadata.json`` [1]_.

    Parameters
    ----------
    table : GeoDataFrame, n rows
        What `join` returns: indexed by unit id, ``attrs`` with sources and notes.
        Several rows a unit (periods) are kept.
    path : path
        Ends in ``.gpkg``, ``.parquet``, ``.geoparquet`` or ``.csv``. A CSV file has
        no geometry; texts in it that a spreadsheet could take for a formula get an
        apostrophe in front.
    title : str, optional
        In place of that of the ``attrs``.
    columns : mapping of str to str, optional
        What columns hold, in words and with units.

    Returns
    -------
    Path
        Of the file. It is written whole or not at all: when a disk is full, what
        stood there before stays.

    Raises
    ------
    InputError
        If the ending is unknown, the folder cannot be written, there is no row, no
        geometry or no coordinate system, ids are missing or not text, or a column
        cannot be written.

    References
    ----------
    .. [1] W3C (2015). Metadata vocabulary for tabular data.

    Examples
    --------
    >>> import tempfile
    >>> from shapely.geometry import Point
    >>> town = gpd.GeoDataFrame({"poor": [0.2]}, index=["a"], geometry=[Point(0, 0)],
    ...                         crs=4326)
    >>> town.attrs = {"title": "Towns", "status": "simulated"}
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_map(town, folder / "towns.gpkg").name
    'towns.gpkg'
    >>> gpd.read_file(folder / "towns.gpkg")["poor"].tolist()
    [0.2]
    """
    write = _writer(path)
    target = output_path(path)
    require_geometry(table, "The map")
    require_crs(table, "The map")
    if table.empty:
        raise InputError("A map to write must have rows; this table has none.")
    if columns is not None:
        require_columns(table, columns, "columns")
    said = metadata_of(table, title, columns)
    write(writable(table), target, said)
    return target


def _gpkg(table: gpd.GeoDataFrame, target: Path, said: dict[str, Any]) -> None:
    # In memory first: SQLite may lose a full disk's error, and writes a journal.
    buffer = io.BytesIO()
    # Metadata of the whole file would make GDAL write a second one on reading.
    texts = flat(said)
    described = " \u00b7 ".join(texts[k] for k in ("title", "status") if k in texts)
    table.to_file(
        buffer,
        driver="GPKG",
        engine="pyogrio",
        layer=target.stem,
        layer_metadata=texts,
        layer_options={
            "DESCRIPTION": described,
            "FID": _free("fid", table),
            "GEOMETRY_NAME": table.geometry.name,
        },
    )
    _put(target, buffer.getbuffer())


def _parquet(table: gpd.GeoDataFrame, target: Path, said: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    kept_as = {"sources": "data"}  # where `join` and the atlas look for them
    names = ("title", "status", "sources", "notes", "method")
    table.attrs = {kept_as.get(k, k): said[k] for k in names if k in said}
    table.to_parquet(buffer, index=False)
    found = pq.read_table(buffer)
    kept = {**(found.schema.metadata or {}), KEY.encode(): as_json(said).encode()}
    out = io.BytesIO()
    pq.write_table(found.replace_schema_metadata(kept), out)
    _put(target, out.getbuffer())


def _csv(table: gpd.GeoDataFrame, target: Path, said: dict[str, Any]) -> None:
    values = pd.DataFrame(table.drop(columns=table.geometry.name))
    about = as_json(plain(csvw(said, values, target.name)), indent=2)
    shown = values.apply(_cells).rename(columns=guarded)
    text = shown.to_csv(index=False, lineterminator="\r\n")
    beside = target.with_name(f"{target.name}{BESIDE}")
    with atomic_path(target) as draft, atomic_path(beside) as other:
        # The mark in front tells spreadsheets that the text is UTF-8.
        draft.write_bytes(text.encode("utf-8-sig"))
        other.write_bytes(f"{about}\n".encode())


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Examples
    --------
    >>> guarded("=1+1"), guarded("Ash")
    ("'=1+1", 'Ash')
    """
    return f"'{text}" if FORMULA.match(text) else text


def _cells(column: pd.Series) -> pd.Series:
    if column.dtype.kind == "b" or isinstance(column.dtype, pd.BooleanDtype):
        return column.map({True: "true", False: "false"}).where(column.notna(), None)
    if column.dtype.kind == "M":
        return column.map(lambda at: at.isoformat(), na_action="ignore")
    if column.dtype.kind in "iuf":
        return column
    return column.map(lambda text: guarded(str(text)), na_action="ignore")


def _put(target: Path, content: memoryview) -> None:
    with atomic_path(target) as draft:
        draft.write_bytes(content)


def _free(name: str, table: pd.DataFrame) -> str:
    taken = {str(c).lower() for c in table.columns}
    while name in taken:
        name = f"{name}_"
    return name


Writer = Callable[[gpd.GeoDataFrame, Path, dict[str, Any]], None]
WRITERS: dict[str, Writer] = {
    ".gpkg": _gpkg,
    ".parquet": _parquet,
    ".geoparquet": _parquet,
    ".csv": _csv,
}


def _writer(path: str | os.PathLike[str]) -> Writer:
    ending = Path(path).suffix
    if ending.lower() not in WRITERS:
        raise InputError(
            f"A map is written to a file that ends in {', '.join(WRITERS)}; got "
            f"'{Path(path).name}'.{nearest_name(ending.lower(), WRITERS)}"
        )
    return WRITERS[ending.lower()]

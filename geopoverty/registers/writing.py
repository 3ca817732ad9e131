"""Writing columns for the rows of a register, as Parquet parts of their own."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from geopoverty.design.recipe import names_in_right
from geopoverty.errors import GeoPovertyError, InputError
from geopoverty.numerics.rows import Parts
from geopoverty.registers.parts import FilePart, Part
from geopoverty.registers.register import Register
from geopoverty.registers.runners import Job, total

Work = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Written:
    """What was written, a row for each row of a register, in its order.

    Attributes
    ----------
    path : Path
        The folder; `read_register` opens it.
    parts : int
        Files in it, one for each part of the register that has rows.
    rows : int
    known : mapping of str to int
        Rows with a value, by column.
    means : mapping of str to float
        Mean of these, without weights; NaN where there is none.
    """

    path: Path
    parts: int
    rows: int
    known: Mapping[str, int] = field(repr=False)
    means: Mapping[str, float]


def write_parts(
    register: Register,
    folder: str | os.PathLike[str],
    work: Work,
    columns: Sequence[str],
    keep: Sequence[str] = (),
) -> Written:
    """Write what `work` gives for each batch of rows, a file for each part.

    All is written beside the folder and takes its name at the end, so that an
    interrupted run leaves no half of it.

    Parameters
    ----------
    register : Register
    folder : path
        It must not be there yet, or be empty. Workers of a cluster must see it.
    work : callable
        From a table of some rows, index 0 to m - 1, to numbers for each of them, the
        same columns every time. It must not keep state.
    columns : sequence of str
        What it reads.
    keep : sequence of str
        Columns of the register that are written along, first.

    Raises
    ------
    InputError
        If the folder holds something, a column is unknown or a part cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from geopoverty.registers.register import read_register
    >>> homes = read_register(pd.DataFrame({"unit_id": ["a", "b"], "x": [1.0, 3.0]}))
    >>> with tempfile.TemporaryDirectory() as here:
    ...     done = write_parts(
    ...         homes, f"{here}/out", lambda t: t[["x"]] * 2, ["x"], ["unit_id"]
    ...     )
    ...     pd.read_parquet(done.path).to_dict("list")
    {'unit_id': ['a', 'b'], 'x': [2.0, 6.0]}
    """
    target = Path(folder)
    wanted = tuple(dict.fromkeys((*columns, *keep)))
    register.must_have(wanted)
    _require_free(target)
    parts = _apart(register.parts)
    places = {p.name: f"part-{i:05d}.parquet" for i, p in enumerate(parts)}
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    draft.mkdir(parents=True)
    job = Writing(wanted, _nothing, np.add, work, tuple(keep), str(draft), places)
    try:
        found = total(register.runner, parts, job, "Writing, part")
        if not found:
            raise InputError(f"{register.name} has no rows: nothing was written.")
        if target.exists():
            target.rmdir()
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _written(target, found)


def where_complete(
    rows: pd.DataFrame, right: str, names: Sequence[str], score: Work
) -> pd.DataFrame:
    """Return what is computed of the rows that have all covariates, NaN for others.

    Parameters
    ----------
    rows : DataFrame, m rows, index 0 to m - 1
    right : str
        The right side of a formula.
    names : sequence of str
        The columns of the scores.
    score : callable
        From rows to scores of those that are complete, indexed by position.

    Examples
    --------
    >>> rows = pd.DataFrame({"age": [np.nan, 3.0]})
    >>> where_complete(rows, "age", ["x"], lambda r: r.dropna() * 2)["age"].tolist()
    [nan, 6.0]
    """
    needed = rows.columns.intersection(list(names_in_right(right)))
    every = np.arange(len(rows))
    if not rows[needed].notna().all(axis=1).any():
        return pd.DataFrame(np.nan, index=every, columns=list(names))
    return score(rows).reindex(every)


@dataclass(frozen=True, eq=False)
class Writing(Job):
    """What to write for each part, and where.

    Attributes
    ----------
    work : callable
    keep : tuple of str
    folder : str
    places : mapping of str to str
        The file of each part, by its name.
    """

    work: Work
    keep: tuple[str, ...]
    folder: str
    places: Mapping[str, str]

    def over(self, part: Part) -> Parts:
        """Write one part, and return its rows and the sums of its columns."""
        place = Path(self.folder) / self.places[part.name]
        # A part may be done twice, when a worker dies: the last one whole stands.
        draft = place.with_name(f".{place.name}.{uuid4().hex}")
        sums: Parts = ()
        writer: pa.parquet.ParquetWriter | None = None
        whole = _whole_numbers(part, self.keep)
        try:
            for batch in part.batches(self.columns):
                table = batch.reset_index(drop=True)
                found = self.work(table)
                rows = _arrow(table[list(self.keep)], found, whole)
                if writer is None:
                    writer = pa.parquet.ParquetWriter(draft, rows.schema)
                writer.write_table(rows.cast(writer.schema))
                sums = _added(sums, _sums(found))
        except GeoPovertyError as error:
            if str(error).startswith(part.name):
                raise
            raise type(error)(f"{part.name}: {error}") from error
        finally:
            if writer is not None:
                writer.close()
        if writer is not None:
            draft.replace(place)
        return sums


def _nothing(table: pd.DataFrame) -> Parts:
    del table
    return ()


def _sums(found: pd.DataFrame) -> Parts:
    values = found.to_numpy(np.float64)
    known = np.isfinite(values)
    counts = np.array([1.0, len(found)])
    names = pd.Series(0.0, index=found.columns)
    return (
        counts,
        names + known.sum(axis=0),
        names + np.where(known, values, 0.0).sum(0),
    )


def _added(one: Parts, other: Parts) -> Parts:
    if not one:
        return other
    counts = np.array([1.0, one[0][1] + other[0][1]])
    return counts, one[1] + other[1], one[2] + other[2]


def _written(target: Path, found: Parts) -> Written:
    counts, known, sums = found
    means = sums / known.where(known > 0)
    return Written(
        target,
        int(counts[0]),
        int(counts[1]),
        {str(c): int(v) for c, v in known.items()},
        {str(c): float(v) for c, v in means.items()},
    )


def _require_free(target: Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(
            f"'{target}' is there already, and nothing is written over. Name another "
            "folder, or delete this one."
        )


def _apart(parts: Iterable[Part]) -> list[Part]:
    """Return parts whose names differ."""
    out: list[Any] = []
    seen: dict[str, int] = {}
    for part in parts:
        times = seen[part.name] = seen.get(part.name, 0) + 1
        renamed: Any = part
        if times > 1:
            renamed = replace(renamed, name=f"{part.name} ({times})")
        out.append(renamed)
    return out


def _whole_numbers(part: Part, columns: Iterable[str]) -> dict[str, pa.DataType]:
    """Return the types of columns of whole numbers, which gaps make fractions."""
    if not isinstance(part, FilePart):
        return {}
    schema = pa.parquet.read_schema(part.path)
    held = [schema.field(c) for c in columns if c in schema.names]
    return {f.name: f.type for f in held if pa.types.is_integer(f.type)}


def _arrow(
    kept: pd.DataFrame, found: pd.DataFrame, whole: Mapping[str, pa.DataType]
) -> pa.Table:
    arrays = []
    for name, column in kept.items():
        values = pa.Array.from_pandas(column, type=whole.get(str(name)))
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        arrays.append(values)
    arrays += [pa.array(found[c].to_numpy(np.float64)) for c in found]
    return pa.Table.from_arrays(arrays, names=[*kept.columns, *found.columns])

"""A register: a table that is read in parts and never whole."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from geopoverty._checks import first, nearest_name, require_option
from geopoverty.errors import InputError
from geopoverty.numerics.rows import Combines, Parts
from geopoverty.provenance import STATUSES
from geopoverty.registers.columns import Column
from geopoverty.registers.dask_frames import is_dask, partitions_of, workers_of
from geopoverty.registers.files import kind_of_arrow, open_files
from geopoverty.registers.parts import FramePart, Part, StreamPart
from geopoverty.registers.runners import Job, Runner, TableKernel, Threads, total

# A DataFrame, or what `read_register` takes: no type names a Dask or DuckDB table
# without importing these.
Data = Any
MEMORY = 2**30  # bytes: ten million rows of a dozen columns


@dataclass(frozen=True, eq=False, repr=False)
class Register:
    """A table that is read in parts and never whole; made by `read_register`.

    Attributes
    ----------
    name : str
    columns : mapping of str to str
        What each column holds: ``"number"``, ``"text"``, ``"truth"`` or ``"other"``.
    parts : tuple of Part
    runner : Runner
        Who sums over the parts.
    attrs : mapping
        Title, status, source, licence.
    notes : tuple of str
    memory : int
        Bytes of designs that are kept between passes, so that files are read twice
        only; a larger register is read anew in each.

    Examples
    --------
    >>> homes = pd.DataFrame({"poor": [1, 0], "sex": ["f", "m"]})
    >>> read_register(homes)
    Register of 2 columns in 1 part: a table
    """

    name: str
    columns: Mapping[str, str]
    parts: tuple[Part, ...]
    runner: Runner
    attrs: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    memory: int = MEMORY

    def total(
        self,
        kernel: TableKernel,
        columns: Iterable[str],
        combine: Combines = np.add,
        label: str = "Reading the register, part",
    ) -> Parts:
        """Return what a kernel gives for batches of rows, combined over all of them.

        Parameters
        ----------
        kernel : callable
            From a table of some rows to parts of a sum. It must not keep state, for it
            runs in threads or on other machines.
        columns : iterable of str
            What to read.
        combine : callable
        label : str
            What the progress bar says.

        Raises
        ------
        InputError
            If a column is unknown or a part cannot be read; it names the part.
        """
        wanted = tuple(dict.fromkeys(columns))
        self.must_have(wanted)
        return total(self.runner, self.parts, Job(wanted, kernel, combine), label)

    def must_have(self, names: Iterable[str], what: str = "The register") -> None:
        """Raise `InputError` naming the columns that are not there."""
        missing = [n for n in names if n not in self.columns]
        if missing:
            hints = "".join(nearest_name(m, self.columns) for m in missing[:5])
            raise InputError(
                f"{what} needs the column{'s' if len(missing) > 1 else ''} "
                f"{first(missing)}, which {self.name} lacks.{hints} It has: "
                f"{first(self.columns, 12)}."
            )

    def __getitem__(self, name: str | list[str]) -> Column:
        """Return a column, or several: what `fgt` and its kin take for a Series.

        Examples
        --------
        >>> table = pd.DataFrame({"income": [1.0, 2.0], "sex": ["f", "m"]})
        >>> homes = read_register(table)
        >>> homes["income"].kind, homes[["income", "sex"]].names
        ('number', ('income', 'sex'))
        """
        names = (name,) if isinstance(name, str) else tuple(name)
        self.must_have(names, "This")
        return Column(self, names)

    def __repr__(self) -> str:
        parts = f"{len(self.parts)} part{'s' if len(self.parts) > 1 else ''}"
        return f"Register of {len(self.columns)} columns in {parts}: {self.name}"


def read_register(
    source: Any,
    *,
    cluster: Any = None,
    workers: int | None = None,
    status: str | None = None,
    title: str | None = None,
    memory: int = MEMORY,
) -> Register:
    """Open a register too large for memory.

    Nothing is read yet but the description of each part.

    Parameters
    ----------
    source : path, list of paths, DuckDB relation, Dask DataFrame or DataFrame
        A Parquet file; a folder of them, also in folders like ``year=2020``; a pattern
        such as ``"homes/*.parquet"``; or whatever DuckDB reads:
        ``duckdb.read_csv("homes.csv")``, ``duckdb.sql("select ...")``.
    cluster : distributed.Client, cluster or address, optional
        Sum on the workers of a Dask cluster, which must see the files. A Dask
        DataFrame uses the client there is.
    workers : int, optional
        Threads; as many as there are cores when not given.
    status, title : str, optional
        Whether the rows are ``"measured"`` or ``"simulated"``, and what to call them
        in footers.
    memory : int
        Bytes to keep between passes: if the rows' numbers fit, files are read twice
        and then no more. 0 keeps nothing. Workers of a cluster keep nothing.

    Returns
    -------
    Register
        Takes the place of a DataFrame in `logit`, `probit`, `ols`, `vulnerability`,
        `fgt` and its kin, `spatial_binary` and `match`. These also take a path.

    Raises
    ------
    InputError
        If there is no such file, it is no Parquet, parts have different columns, or
        the cluster cannot be reached.
    MissingExtraError
        If a cluster is named and Dask is not installed (extra ``cluster``).

    Examples
    --------
    >>> import tempfile
    >>> homes = pd.DataFrame({"poor": [1, 0, 0, 1], "age": [50, 20, 40, 30]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     homes.to_parquet(f"{folder}/homes.parquet")
    ...     sorted(read_register(folder).columns)
    ['age', 'poor']
    """
    if isinstance(source, Register):
        return source
    if status is not None:
        require_option(status, STATUSES, "status")
    said = {k: v for k, v in (("title", title), ("status", status)) if v is not None}
    runner: Runner = Threads(workers) if cluster is None else workers_of(cluster)
    return replace(_opened(source, runner, said), memory=memory)


def _opened(source: Any, runner: Runner, said: Mapping[str, Any]) -> Register:
    if isinstance(source, pd.DataFrame):
        kinds = {str(c): _kind_of(source[c].dtype) for c in source.columns}
        parts = (FramePart("The table", source),)
        return Register("a table", kinds, parts, Threads(1), {**source.attrs, **said})
    if is_dask(source):
        delayed, dtypes, own = partitions_of(source)
        kinds = {c: _kind_of(d) for c, d in dtypes.items()}
        return Register("a Dask DataFrame", kinds, tuple(delayed), own, said)
    if _is_relation(source):
        part = StreamPart("The DuckDB relation", source)
        schema = source.limit(0).to_arrow_table().schema
        kinds = {f.name: kind_of_arrow(f.type) for f in schema}
        return Register("a DuckDB relation", kinds, (part,), Threads(1), said)
    opened = open_files(source)
    return Register(
        opened.name,
        opened.kinds,
        opened.parts,
        runner,
        {**opened.attrs, **said},
        opened.notes,
    )


def is_register(data: object) -> TypeGuard[Any]:
    """Say whether something is to be read in parts: all but a DataFrame.

    Examples
    --------
    >>> is_register("homes.parquet"), is_register(pd.DataFrame())
    (True, False)
    """
    paths = isinstance(data, str | os.PathLike)
    return paths or isinstance(data, Register) or is_dask(data) or _is_relation(data)


def _kind_of(dtype: Any) -> str:
    if pd.api.types.is_bool_dtype(dtype):
        return "truth"
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    texts = pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)
    return "text" if texts or isinstance(dtype, pd.CategoricalDtype) else "other"


def _is_relation(source: object) -> bool:
    return type(source).__name__ == "DuckDBPyRelation"

"""A register in uneven parts, and what it means that two results are the same."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Lock

import cloudpickle
import numpy as np
import pandas as pd

from geopoverty.numerics.rows import Parts
from geopoverty.registers import Register, read_register
from geopoverty.registers.parts import Part
from geopoverty.registers.runners import Job
from geopoverty.results import Result

CUTS = (0, 700, 700, 740, 1450, 1500)  # the second part is empty
TOLERANCE = 1e-10  # of sums in another order


def homes() -> pd.DataFrame:
    """Return 1,500 households with gaps; sex is "x" in the last part only."""
    rng = np.random.default_rng(8)
    n = CUTS[-1]
    table = pd.DataFrame(
        {
            "age": rng.normal(45, 12, n),
            "land": rng.normal(size=n),
            "sex": rng.choice(["f", "m"], n),
            "school": rng.choice(["none", "primary", "upper"], n),
            "size": rng.integers(1, 6, n),
            "unit_id": [f"u{i:02d}" for i in rng.integers(0, 50, n)],
            "village": rng.integers(0, 45, n),
            "stratum": rng.choice(["hill", "plain"], n),
            "weight": rng.uniform(0.5, 3.0, n),
            "line": rng.uniform(1.8, 3.0, n),
            "year": rng.choice([2010, 2014], n),
        }
    )
    shock = rng.normal(size=n) * np.sqrt(0.3 + 0.1 * np.abs(table["land"]))
    mean = 1 + 0.4 * table["land"] - 0.005 * table["age"]
    table["income"] = np.exp(mean + shock)
    table.loc[::97, "age"] = np.nan
    table.loc[3::50, "school"] = None
    table.loc[CUTS[-2] :, "sex"] = "x"
    return table


def in_parts(table: pd.DataFrame, folder: Path) -> Path:
    """Write a table as Parquet parts of very different sizes."""
    for i, (start, stop) in enumerate(pairwise(CUTS)):
        table.iloc[start:stop].to_parquet(folder / f"part-{i}.parquet")
    return folder


class Shipped:
    """Who sums as workers of a cluster do: every job is sent, and nothing held here."""

    def __init__(self) -> None:
        self.lock = Lock()  # like a connection, it cannot be sent

    def sums(self, parts: Sequence[Part], job: Job) -> Iterator[Parts]:
        """Yield the sum of each part, in their order."""
        for part in parts:
            yield cloudpickle.loads(cloudpickle.dumps((job, part)))[0].over(part)


def shipped(folder: Path) -> Register:
    """Return a register whose parts are summed elsewhere."""
    return replace(read_register(folder), runner=Shipped())


def assert_same(
    found: Result, expected: Result, absent: Iterable[str] = ("fitted",)
) -> None:
    """Check that all numbers agree, and that only named tables are absent."""
    near = {"rtol": TOLERANCE, "atol": 1e-12}
    pd.testing.assert_series_equal(found.estimates, expected.estimates, **near)
    pd.testing.assert_frame_equal(found.vcov, expected.vcov, **near)
    _same_table(found.units, expected.units)
    pd.testing.assert_series_equal(
        pd.Series(dict(found.facts)), pd.Series(dict(expected.facts)), **near
    )
    assert set(expected.tables) - set(found.tables) == set(absent)
    assert not set(found.tables) - set(expected.tables)
    for name, table in found.tables.items():
        _same_table(table, expected.tables[name])


def _same_table(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True),
        expected.reset_index(drop=True),
        rtol=TOLERANCE,
        atol=1e-12,
        check_dtype=False,
        check_column_type=False,
    )

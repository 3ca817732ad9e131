"""Registers for tests: one table, cut into the parts of every kind there is."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from geopoverty.weights import SpatialWeights

UNITS = [f"u{i:02d}" for i in range(30)]


def households(n: int = 3_000, seed: int = 1) -> pd.DataFrame:
    """Return simulated households with every kind of column."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "land": rng.gamma(2.0, 1.5, n),
            "roof": rng.choice(["tin", "tile", "thatch"], n, p=[0.5, 0.4, 0.1]),
            "crop": rng.integers(1, 4, n),
            "phone": rng.random(n) < 0.5,
            "unit_id": rng.choice(UNITS, n),
            "village": rng.choice([f"v{i}" for i in range(12)], n),
            "year": rng.choice([2019, 2020], n),
            "w": rng.uniform(0.5, 2.0, n),
        }
    )
    index = -0.6 + 0.02 * table["age"] - 0.4 * table["land"] + 0.8 * table["phone"]
    index += table["roof"].map({"tin": 0.0, "tile": -0.3, "thatch": 0.9})
    table["poor"] = (rng.random(n) < 1 / (1 + np.exp(-index))).astype(np.int8)
    table["income"] = np.exp(1 - 0.5 * index + 0.6 * rng.normal(size=n))
    table.loc[::101, "land"] = np.nan
    table.loc[5::211, "roof"] = None
    return table


def unit_table(seed: int = 2) -> pd.DataFrame:
    """Return one row a unit, with a number and a category."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "unit_id": UNITS,
            "jobs": rng.normal(3.0, 1.0, len(UNITS)),
            "zone": rng.choice(["coast", "hills"], len(UNITS)),
        }
    )


def ring() -> SpatialWeights:
    """Return weights of a ring of units: one behind, two ahead."""
    n = len(UNITS)
    matrix = np.zeros((n, n))
    for i in range(n):
        matrix[i, [(i + 1) % n, (i - 1) % n, (i + 2) % n]] = [0.5, 0.25, 0.25]
    return SpatialWeights(pd.Index(UNITS), matrix, standardize="row")


def cut(table: pd.DataFrame, folder: Path, ends: Sequence[int]) -> Path:
    """Write a table in parts that end at these rows; the last is what is left."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = [0, *ends]
    for i, (a, b) in enumerate(zip(starts, [*ends, len(table)], strict=True)):
        table.iloc[a:b].to_parquet(folder / f"part-{i:02d}.parquet", row_group_size=500)
    return folder

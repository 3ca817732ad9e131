"""A small study of nine made-up counties, written to a folder."""

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import box

NAMES = [f"{i:02d}" for i in range(1, 26)]
STUDY = """\
[study]
title = "Made-up counties"

[boundaries]
file = "counties.gpkg"
unit_id = "code"
name = "name"
group = "province"

[travel_times]
file = "times.csv"
status = "simulated"

[weights.near]
k = 3

[tables.rates]
file = "rates.csv"
unit_id = "county"
join = {boundaries = ["province"]}
origin = {title = "Made-up rates", status = "simulated"}

[tables.rates.columns]
poor = "rate >= 20"
log_income = "log(income)"

[tables.late]
table = "rates"
periods = [2020]

[models.poor]
title = "Is it poor?"
estimator = "logit"
table = "late"
formula = "poor ~ jobs"
vcov = "hc0"

[models.income]
estimator = "ols"
table = "late"
formula = "log_income ~ jobs + W(jobs)"
weights = "near"
vcov = {conley = 70}

[[pages.maps]]
table = "rates"
column = "rate"
label = "Poverty"
unit = "%"
period = "period"

[[pages.maps]]
model = "poor"
column = "probability"
times = 100
label = "Chance of being poor"
unit = "%"

[[pages.results]]
title = "Poverty and jobs"
model = "poor"
text = "More jobs, less poverty."

[[pages.results]]
title = "Side by side"
models = ["poor", "income"]
"""


def counties() -> gpd.GeoDataFrame:
    """Return 25 squares in five provinces."""
    return gpd.GeoDataFrame(
        {
            "code": NAMES,
            "name": [f"County {n}" for n in NAMES],
            "province": [f"P{i // 5}" for i in range(25)],
        },
        geometry=[box(i % 5, i // 5, i % 5 + 1, i // 5 + 1) for i in range(25)],
        crs=4326,
    )


def rates() -> pd.DataFrame:
    """Return two periods of rates, incomes and jobs."""
    rng = np.random.default_rng(7)
    rows = [(n, p) for n in NAMES for p in (2010, 2020)]
    jobs = rng.normal(10, 3, len(rows))
    return pd.DataFrame(
        {
            "county": [n for n, _ in rows],
            "period": [p for _, p in rows],
            "rate": np.round(20 - (jobs - 10) + rng.normal(0, 4, len(rows)), 1),
            "income": np.exp(8 + 0.05 * jobs + rng.normal(0, 0.1, len(rows))),
            "jobs": jobs,
        }
    )


def minutes() -> pd.DataFrame:
    """Return minutes between all counties."""
    at = {n: (i % 5, i // 5) for i, n in enumerate(NAMES)}
    pairs = [(a, b) for a in NAMES for b in NAMES if a != b]
    return pd.DataFrame(
        {
            "from_id": [a for a, _ in pairs],
            "to_id": [b for _, b in pairs],
            "travel_time": [
                30 * float(np.hypot(at[a][0] - at[b][0], at[a][1] - at[b][1]))
                for a, b in pairs
            ],
        }
    )


def write_study(folder: Path, text: str = STUDY) -> Path:
    """Write the study and its three inputs; return the study file."""
    counties().to_file(folder / "counties.gpkg")
    rates().to_csv(folder / "rates.csv", index=False)
    minutes().to_csv(folder / "times.csv", index=False)
    return write_text(folder, text)


def write_text(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(*pairs: tuple[str, str]) -> str:
    """Return the study with texts replaced, each of which must be there."""
    text = STUDY
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, where: str) -> int:
    """Return the line of a key such as ``"pages.maps[2].label"``, found by its looks.

    It is the line that begins with the key, below the longest header there is.
    """
    lines = text.splitlines()
    parts = where.split(".")
    for length in range(len(parts), 0, -1):
        rest = parts[length:]
        name, count = re.fullmatch(
            r"(.*?)(?:\[(\d+)\])?", ".".join(parts[:length])
        ).groups()
        headers = (f"[{name}]", f"[[{name}]]")
        at = [i for i, line in enumerate(lines) if line in headers]
        if at:
            start = at[int(count or 1) - 1]
            below = range(start, len(lines))
            if not rest:
                return start + 1
            return next(i for i in below if lines[i].startswith(rest[0])) + 1
    raise ValueError(where)

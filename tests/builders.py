"""Small units, borders, times and results that several tests build on."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from geopoverty.data.travel import TravelTimes
from geopoverty.results import Result

# The same examples on every machine: a red run can be had again.
LAW = settings(max_examples=30, deadline=None, derandomize=True)


def ids(n: int) -> pd.Index:
    """Return n ids with leading zeros, not in the order of the alphabet."""
    return pd.Index([f"{(7 * i + 3) % 97:03d}" for i in range(n)], dtype=object)


def towns(*places: tuple[float, float], names: Sequence[str] = ()) -> gpd.GeoDataFrame:
    """Return points, by default called a, b, c, ..."""
    index = list(names or "abcdefghijklmnopqrstuvwxyz"[: len(places)])
    return gpd.GeoDataFrame(index=index, geometry=[Point(p) for p in places], crs=4326)


def squares(n: int, names: Sequence[str] = ()) -> gpd.GeoDataFrame:
    """Return n squares side by side, indexed by unit id."""
    shapes = [box(i, 0, i + 1, 1) for i in range(n)]
    index = pd.Index(list(names or ids(n)), name="unit_id")
    return gpd.GeoDataFrame(index=index, geometry=shapes, crs=4326)


def minutes(n: int, seed: int = 0, known: float = 1.0) -> np.ndarray:
    """Return minutes without ties, NaN where a pair is not known, 0 to oneself."""
    rng = np.random.default_rng(seed)
    matrix = rng.permutation(np.arange(1.0, n * n + 1)).reshape(n, n) + 2
    matrix[rng.uniform(size=(n, n)) >= known] = np.nan
    matrix[0, n - 1] = 9.5  # one pair at least
    np.fill_diagonal(matrix, 0)
    return matrix


def times(n: int, seed: int = 0, known: float = 1.0) -> TravelTimes:
    return TravelTimes(ids(n), minutes(n, seed, known), "simulated")


@st.composite
def tied_times(draw: st.DrawFn) -> TravelTimes:
    """Draw times with gaps and many ties: whole minutes from 1 to 9."""
    n = draw(st.integers(2, 9))
    values = st.one_of(st.just(np.nan), st.integers(1, 9).map(float))
    cells = draw(st.lists(values, min_size=n * n, max_size=n * n))
    matrix = np.array(cells).reshape(n, n)
    matrix[0, n - 1] = 5.0
    return TravelTimes(ids(n), matrix, "simulated")


def result(
    estimates: Sequence[float] = (2.0, -0.5),
    std_errors: Sequence[float] = (1.0, 0.1),
    terms: Sequence[str] = ("Intercept", "W(density)"),
    **parts: object,
) -> Result:
    """Return a Result as an estimator would."""
    facts = {"n_obs": 10, "n_dropped": 0}
    given = {
        "estimator": "logit",
        "estimates": pd.Series(list(estimates), index=list(terms)),
        "vcov": pd.DataFrame(
            np.diag(np.square(std_errors)), index=list(terms), columns=list(terms)
        ),
        "units": pd.DataFrame({"unit_id": ["01", "02"], "p": [0.25, 0.75]}),
        "facts": facts,
    }
    return Result(**{**given, **parts})

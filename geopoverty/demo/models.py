"""The models of the main job: poverty, density and reach in US counties."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty.data import catalog
from geopoverty.design.sample import Sample
from geopoverty.estimators.binary import logit
from geopoverty.estimators.exits import exit_hazard
from geopoverty.estimators.panel import panel
from geopoverty.patterns import local_moran
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights, travel_weights

POOR = 20.0  # per cent of families below the poverty line
NEIGHBORS = 10
WAVES = (1980, 1990)


@dataclass(frozen=True, eq=False)
class FirstLight:
    """What the main job found.

    Attributes
    ----------
    counties : GeoDataFrame
        Indexed by unit id.
    table : DataFrame
        One row a county and census, 1960 to 1990.
    weights : SpatialWeights
        Between all counties.
    recent : DataFrame
        The rows of the logits and the panel: density known in both waves.
    near : SpatialWeights
        Between the counties of `recent`.
    logits : dict of int to Result
        By year: is a county poor?
    gathered : Result
        Where counties of like poverty lie side by side, in each census.
    income : Result
        Fixed-effects panel of log income.
    exits : Result
        Cox model of leaving the 20 % line.
    """

    counties: gpd.GeoDataFrame
    table: pd.DataFrame
    weights: SpatialWeights
    recent: pd.DataFrame
    near: SpatialWeights
    logits: dict[int, Result]
    gathered: Result
    income: Result
    exits: Result


def estimate() -> FirstLight:
    """Fit the three models on the bundled US counties.

    Returns
    -------
    FirstLight
    """
    counties = catalog.us_counties()
    table = county_table(counties)
    times = catalog.us_travel_times()
    weights = travel_weights(times, k=NEIGHBORS)
    recent = _with_density_in_both_waves(table)
    near = travel_weights(times.subset(recent["unit_id"].unique()), k=NEIGHBORS)
    logits = {
        year: logit(
            "poor ~ log2_density + W(log2_density) + unemployment_rate + median_age "
            "+ region",
            recent[recent["period"] == year],
            weights=near,
        )
        for year in WAVES
    }
    income = panel(
        "log_income ~ log2_density + W(log2_density) + unemployment_rate + median_age",
        recent,
        weights=near,
    )
    start = table[table["period"] == 1960]
    exits = exit_hazard(
        "log2_population_density + W(log2_population_density) + unemployment_rate "
        "+ median_age + region",
        exit_table(table),
        duration="years",
        exited="left",
        weights=weights,
        unit_data=start,
    )
    gathered = local_moran(
        "family_poverty_rate",
        table,
        weights=weights,
        unit=Sample("unit_id", "period"),
        fdr=True,
    )
    return FirstLight(
        counties, table, weights, recent, near, logits, gathered, income, exits
    )


def county_table(counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the county panel with the variables of the models.

    Parameters
    ----------
    counties : GeoDataFrame
        With ``region``, indexed by unit id.

    Returns
    -------
    DataFrame
        One row a unit and period. ``poor`` (0/1), ``log2_density`` (doublings
        of income per square kilometre; missing but for 1980 and 1990),
        ``log2_population_density``, ``log_income``, ``region``.
    """
    table = catalog.us_county_panel()
    return table.assign(
        poor=(table["family_poverty_rate"] >= POOR).astype(int),
        log2_density=np.log2(table["income_per_km2"]),
        log2_population_density=np.log2(table["population_density_km2"]),
        log_income=np.log(table["median_family_income"]),
        region=table["unit_id"].map(counties["region"]),
    )


def exit_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the counties that were poor in 1960, and when they left poverty.

    Parameters
    ----------
    table : DataFrame
        As from `county_table`.

    Returns
    -------
    DataFrame
        The rows of 1960 with ``years`` (10, 20 or 30: the first census below
        20 %, or 30 if there is none) and ``left`` (1 if there is one).
    """
    rates = table.pivot_table("family_poverty_rate", "unit_id", "period")
    later = rates[[1970, 1980, 1990]] < POOR
    left = later.any(axis=1)
    years = (later.to_numpy().argmax(axis=1) + 1) * 10
    history = pd.DataFrame(
        {"years": np.where(left, years, 30.0), "left": left.astype(int)},
        index=rates.index,
    )
    start = table[(table["period"] == 1960) & (table["poor"] == 1)]
    return start.assign(
        years=start["unit_id"].map(history["years"]),
        left=start["unit_id"].map(history["left"]),
    )


def _with_density_in_both_waves(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["period"].isin(WAVES) & table["log2_density"].notna()]
    waves = rows.groupby("unit_id")["period"].transform("size")
    return rows[waves == len(WAVES)]

"""The main job on the bundled data: poverty, density and reach in US counties."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty._files import output_path
from geopoverty._progress import stages
from geopoverty.atlas import Atlas, MapStyle
from geopoverty.data import catalog
from geopoverty.estimators.binary import logit
from geopoverty.estimators.exits import exit_hazard
from geopoverty.estimators.panel import panel
from geopoverty.results import Result, compare
from geopoverty.weights import SpatialWeights, travel_weights

POOR = 20.0  # per cent of families below the poverty line
NEIGHBORS = 10
WAVES = (1980, 1990)
MEASURE_1960 = (
    "The 1960 rate is the share of families with less than 3,000 dollars a year; from "
    "1970 it is the share below the official poverty line. Leaving poverty between "
    "1960 and 1970 mixes the two."
)


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
    income: Result
    exits: Result


def first_light(path: str | os.PathLike[str]) -> Path:
    """Run the main job on the bundled data and write the atlas.

    Is a US county less likely to be poor (20 % of families or more) when it, and
    the counties it can reach, have a higher economic density (income per square
    kilometre)?

    Parameters
    ----------
    path : path
        The HTML file to write.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written; checked first.
    """
    target = output_path(path)
    with stages("Estimating and drawing", 3) as advance:
        found = estimate()
        advance()
        atlas = build_atlas(found)
        advance()
        atlas.save(target)
        advance()
    return target


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
    return FirstLight(counties, table, weights, recent, near, logits, income, exits)


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


def build_atlas(found: FirstLight) -> Atlas:
    """Draw what the main job found.

    Parameters
    ----------
    found : FirstLight

    Returns
    -------
    Atlas
        Four censuses of poverty, economic density, the models' layers, and a
        page of results.
    """
    atlas = Atlas(
        found.counties, title="Poverty and reach: US counties 1960-1990", group="state"
    )
    layers = _model_layers(_data_layers(atlas, found), found)
    return _results(_reach(_comparison(layers, found), found), found)


def _with_density_in_both_waves(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["period"].isin(WAVES) & table["log2_density"].notna()]
    waves = rows.groupby("unit_id")["period"].transform("size")
    return rows[waves == len(WAVES)]


def _data_layers(atlas: Atlas, found: FirstLight) -> Atlas:
    density = found.table[found.table["period"].isin(WAVES)]
    return (
        atlas.add(
            found.table,
            "family_poverty_rate",
            label="Families in poverty",
            unit="%",
            period="period",
            style=MapStyle(breaks=(5, 10, 15, 20, 30, 40), palette="YlOrRd", digits=1),
            description=f"Share of families below the poverty line. {MEASURE_1960}",
        )
        .add(
            found.table,
            "median_family_income",
            label="Median family income",
            unit="dollars",
            period="period",
            style=MapStyle(scheme="quantiles", classes=6, digits=0),
            description="Dollars of the year before the census, not corrected for "
            "prices.",
        )
        .add(
            density,
            "income_per_km2",
            label="Economic density",
            unit="1982-84 dollars per km²",
            period="period",
            style=MapStyle(scheme="quantiles", classes=6, digits=0),
            description="Personal income earned per square kilometre. No figures for "
            "Arizona, Florida, Georgia, Iowa, Kentucky and parts of other states.",
        )
    )


def _comparison(atlas: Atlas, found: FirstLight) -> Atlas:
    """Say which counties are alike, and show how they left poverty."""
    start = found.table[found.table["period"] == 1960]
    alike = {
        "log2_population_density": "Population density in 1960 (doublings)",
        "median_age": "Median age in 1960",
        "unemployment_rate": "Unemployment in 1960 (%)",
    }
    better = {"Families in poverty": "lower", "Median family income": "higher"}
    return atlas.peers(start, alike, better=better).add_curves(
        found.exits,
        title="Still poor",
        unit="years after 1960",
        description="For counties that were poor in 1960: the model's chance that no "
        "census since found them below 20 %.",
    )


def _reach(atlas: Atlas, found: FirstLight) -> Atlas:
    """Show whom a county reaches, and ask what more density would change."""
    said: dict[str, Any] = {
        "weights": found.near,
        "column": "log2_density",
        "label": "Economic density (doublings)",
        "outcome": "Chance of being poor in 1990",
    }
    model, rows = found.logits[WAVES[-1]], found.recent
    rows = rows[rows["period"] == WAVES[-1]]
    return atlas.add_spillovers(model, rows, **said).add_scenario(model, rows, **said)


def _model_layers(atlas: Atlas, found: FirstLight) -> Atlas:
    units = pd.concat([r.units.assign(period=year) for year, r in found.logits.items()])
    percent = units.assign(
        **{
            c: 100 * units[c]
            for c in units.columns
            if c.startswith(("probability", "direct", "indirect"))
            and not c.endswith("_p")
        }
    )
    effects = MapStyle(diverging=True, classes=6, digits=1)
    atlas = atlas.add(
        percent,
        "probability",
        label="Chance of being poor",
        unit="%",
        period="period",
        interval=("probability_low", "probability_high"),
        style=MapStyle(breaks=(2, 5, 10, 20, 40), palette="YlOrRd", digits=1),
        description="The model's chance that at least 20 % of a county's families are "
        "poor, given its economic density, that of the counties it can reach, "
        "unemployment, age and region.",
    )
    for kind, whose in (
        ("direct", "its own economic density"),
        ("indirect", "the economic density of the counties it can reach"),
    ):
        name = f"{kind}(log2_density)"
        atlas = atlas.add(
            percent,
            name,
            label="Effect of own density" if kind == "direct" else "Spillover effect",
            unit="percentage points",
            period="period",
            interval=(f"{name}_low", f"{name}_high"),
            p_value=f"{name}_p",
            style=effects,
            description="How the chance of being poor differs where "
            f"{whose} is doubled. Dotted: the data cannot tell it from no effect.",
        )
    return _outcome_layers(atlas, found)


def _outcome_layers(atlas: Atlas, found: FirstLight) -> Atlas:
    residual = found.income.units.query("period == 1990")
    residual = residual.assign(percent=100 * np.expm1(residual["residual"]))
    leaving = found.exits.units.assign(
        percent=100 * found.exits.units["exit_probability"]
    )
    return (
        atlas.add(
            residual,
            "percent",
            label="Income beyond the model, 1990",
            unit="%",
            style=MapStyle(diverging=True, classes=6, digits=1),
            description="How far family income in 1990 was above or below what the "
            "panel model expects from the county's own past and its surroundings.",
        )
        .add(
            leaving,
            "percent",
            label="Chance of leaving poverty by 1990",
            unit="%",
            style=MapStyle(breaks=(70, 80, 90, 95, 99), palette="YlGnBu", digits=0),
            description="For counties that were poor in 1960: the model's chance that "
            "they were below 20 % in a census by 1990.",
        )
        .add(
            found.exits.units,
            "relative_hazard",
            label="Speed of leaving poverty",
            unit="times the average county's",
            interval=("relative_hazard_low", "relative_hazard_high"),
            style=MapStyle(breaks=(0.5, 0.8, 1.25, 2), palette="PuOr", digits=2),
            description="Above 1, a county that was poor in 1960 is expected to leave "
            "poverty sooner than the average one; below 1, later.",
        )
    )


def _results(atlas: Atlas, found: FirstLight) -> Atlas:
    headed = {f"Poor in {year}": r for year, r in found.logits.items()}
    for title, result in headed.items():
        atlas = atlas.add_result(
            result,
            title=title,
            text=_logit_text(result),
            tables=("effects",),
        )
    return (
        atlas.add_result(
            found.income,
            title="Income, 1980 and 1990",
            text="Log median family income, with county and year held fixed. "
            "Coefficients of density are per doubling. Economic density is itself made "
            "of income, so its own coefficient is an association by construction.",
            tables=("effects",),
        )
        .add_result(
            found.exits,
            title="Leaving poverty, 1960 to 1990",
            text=f"{MEASURE_1960} Exits are known by decade only. A hazard ratio above "
            "1 means leaving sooner. Economic density is not known for 1960, so the "
            "model uses population density.",
            tables=("hazard_ratios",),
        )
        .add_table(
            compare(
                *headed.values(), found.income, found.exits,
                names=(*headed, "Log income", "Leaving poverty"),
            ),
            title="All models side by side",
            text="Standard errors in brackets; *, **, *** mark p below 0.1, 0.05 and "
            "0.01.",
        )
    )  # fmt: skip


def _logit_text(result: Result) -> str:
    effects = result.tables["effects"].set_index(["term", "effect"])
    own = effects.loc[("log2_density", "direct")]
    reach = effects.loc[("log2_density", "indirect")]
    return (
        f"A county with twice the economic density is {_points(own)} to be poor. Where "
        f"the {NEIGHBORS} counties it reaches soonest are twice as dense, it is "
        f"{_points(reach)}. These are associations, not proof of cause."
    )


def _points(effect: pd.Series) -> str:
    size = 100 * effect["estimate"]
    if abs(size) < 0.05:
        return "neither more nor less likely"
    way = "less" if size < 0 else "more"
    sure = "" if effect["p_value"] < 0.05 else ", which chance could produce as well"
    return f"{abs(size):.1f} percentage points {way} likely{sure}"

"""The atlas of the main job: its maps, pages and what they say."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty.atlas import Atlas, MapStyle
from geopoverty.demo.models import NEIGHBORS, WAVES, FirstLight
from geopoverty.results import Result, compare

MEASURE_1960 = (
    "The 1960 rate is the share of families with less than 3,000 dollars a year; from "
    "1970 it is the share below the official poverty line. Leaving poverty between "
    "1960 and 1970 mixes the two."
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
        .add_classes(
            found.gathered,
            "class",
            label="Where poverty gathers",
            period="period",
            description=f"High-High: a poor county among poor ones, by the {NEIGHBORS} "
            "counties it reaches soonest, beyond what chance would place together.",
        )
        .add_bivariate(
            found.table[found.table["period"] == WAVES[-1]],
            ("family_poverty_rate", "unemployment_rate"),
            labels=("Families in poverty", "Out of work"),
            units=("%", "%"),
            label="Poverty and unemployment, 1990",
            description="Thirds of all counties by each. Darkest: high in both.",
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

"""Households of ten villages in two waves, with published coefficients planted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from geopoverty.data.simulated.economy import PERIODS, Economy
from geopoverty.data.simulated.industries import INDUSTRIES
from geopoverty.data.simulated.published import CONTROLS, TRUTH
from geopoverty.numerics.types import Array, Codes

VILLAGES, HOMES = 10, 50
LOST = 25  # households with one interview only
SIGMA, SIGMA_GROUP = 1.0, 0.75  # of log income, all and within poor or non-poor
HOME_SD = 1.0  # of a household's own log-odds in "poor_given_home"
DEMAND_INCOME, DEMAND_POOR = 0.3, -0.5  # effects of the demand no study sees
NEW_HEAD = 0.1  # share of households whose head changes between waves


@dataclass(frozen=True)
class Dependence:
    """How alike the luck of households is: shares of the variance of a shock.

    Attributes
    ----------
    village : float
        What all households of a village share in both waves.
    village_wave : float
        What they share in one wave.
    home : float
        What a household keeps.

    Examples
    --------
    >>> Dependence().own
    0.62
    """

    village: float = 0.04
    village_wave: float = 0.04
    home: float = 0.30

    @property
    def own(self) -> float:
        """What is left to a household in a wave."""
        return round(1 - self.village - self.village_wave - self.home, 12)

    def shocks(self, rng: np.random.Generator, at: "Places") -> tuple[Array, Array]:
        """Return standard normal shocks, (m,), and the part a household keeps."""
        village = rng.normal(size=VILLAGES)[at.village]
        wave = rng.normal(size=(VILLAGES, len(PERIODS)))[at.village, at.wave]
        home = rng.normal(size=VILLAGES * HOMES)[at.home]
        own = rng.normal(size=len(at.home))
        shares = np.sqrt([self.village, self.village_wave, self.home, self.own])
        return np.asarray(shares @ [village, wave, home, own]), home


@dataclass(frozen=True, eq=False)
class Places:
    """Which village, household and wave each row is, and where in the economy.

    Attributes
    ----------
    village, home, wave : array of int, shape (m,)
    county : array of int, shape (m,)
        Row of the county among all counties.
    """

    village: Codes
    home: Codes
    wave: Codes
    county: Codes


def simulate_households(
    economy: Economy,
    rng: np.random.Generator,
    dependence: Dependence = Dependence(),
) -> pd.DataFrame:
    """Simulate the panel of households; columns as in `zhejiang_households`.

    Parameters
    ----------
    economy : Economy
        With both waves.
    rng : Generator
    dependence : Dependence
        How alike the luck of households is.

    Examples
    --------
    >>> from geopoverty.data.simulated.zhejiang import economy_of
    >>> rng = np.random.default_rng(1)
    >>> simulate_households(economy_of("synthetic"), rng).shape[0]
    975
    """
    at = _places(economy)
    table = _keys(economy, at)
    for name, values in _people(rng, at).items():
        table[name] = values
    regional = economy.panel.drop(columns=["gdp"])
    table = table.merge(regional, on=["unit_id", "period"], validate="many_to_one")
    for name, outcome in _outcomes(table, economy, at, rng, dependence).items():
        table[name] = outcome
    lost = len(PERIODS) * rng.permutation(VILLAGES * HOMES)[:LOST]  # of one wave
    lost += rng.integers(len(PERIODS), size=LOST)
    table = table.drop(index=lost).reset_index(drop=True)
    silent = int(rng.integers(len(table)))
    table.loc[silent, [c for c in table if "income" in c]] = np.nan
    return table


def sampled_counties(economy: Economy) -> Codes:
    """Return the rows of the ten counties that have a village.

    Counties are ranked by exposure in the first wave and cut into ten groups; in
    each, in turn, the county with most or with fewest clusters is taken, so that
    both regressors spread.

    Examples
    --------
    >>> from geopoverty.data.simulated.zhejiang import economy_of
    >>> len(set(sampled_counties(economy_of("synthetic")).tolist()))
    10
    """
    first = economy.panel[economy.panel["period"] == PERIODS[0]]
    clusters = first["clusters"].to_numpy()
    order = np.argsort(first["clusters_elsewhere"].to_numpy())
    groups = np.array_split(order, VILLAGES)
    taken = [
        rows[np.argmax(clusters[rows] if i % 2 else -clusters[rows])]
        for i, rows in enumerate(groups)
    ]
    return np.array(taken, dtype=np.intp)


def _places(economy: Economy) -> Places:
    home = np.repeat(np.arange(VILLAGES * HOMES), len(PERIODS))
    wave = np.tile(np.arange(len(PERIODS)), VILLAGES * HOMES)
    village = home // HOMES
    return Places(village, home, wave, sampled_counties(economy)[village])


def _keys(economy: Economy, at: Places) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "hh_id": [f"H{i:03d}" for i in at.home + 1],
            "village": [f"V{i:02d}" for i in at.village + 1],
            "unit_id": economy.counties.index.to_numpy()[at.county],
            "period": np.asarray(PERIODS)[at.wave],
        }
    )


def _people(rng: np.random.Generator, at: Places) -> dict[str, Array]:
    """Draw covariates; their spreads follow from the published t values."""
    homes = VILLAGES * HOMES
    late = at.wave == 1
    changed = late & (rng.random(homes) < NEW_HEAD)[at.home]
    first = np.clip(rng.normal(50, 9, (homes, 2)), 24, 78).round()
    later = np.clip(first[:, 1] - 15, 22, None)
    age = np.where(changed, later[at.home], first[at.home, 0] + 4 * late)
    head = changed.astype(int)
    since = np.where(changed, later[at.home], first[at.home, 0])
    schooling = 8.6 - 0.045 * since + rng.normal(0, 2.5, (homes, 2))[at.home, head]
    man = (rng.random((homes, 2)) < 0.95)[at.home, head]
    people = rng.normal(3.7, 1.0, homes)[at.home] + rng.normal(0, 0.5, len(late)) * late
    land = rng.gamma(2.2, 1.0, homes)[at.home] * rng.lognormal(0, 0.15, len(late))
    capital = rng.gamma(1.3, 0.085, homes)[at.home] * rng.lognormal(0, 0.25, len(late))
    return {
        "age": age,
        "edu": np.clip(np.round(schooling), 0, 16),
        "gender": man.astype(int),
        "pop": np.clip(np.round(people), 1, 9).astype(int),
        "land": np.round(land, 2),
        "capital": np.round(capital, 4),
    }


def _outcomes(
    table: pd.DataFrame,
    economy: Economy,
    at: Places,
    rng: np.random.Generator,
    dependence: Dependence,
) -> dict[str, Array]:
    """Draw each outcome from its own planted equation.

    One shock moves them all, so that a household that is poor by draw has a low
    drawn income; its logistic form leaves every logit exactly as planted.
    """
    shock, home = dependence.shocks(rng, at)
    luck = special.logit(special.ndtr(shock))
    unseen = table["unobserved_demand"].to_numpy()
    index = {name: _index(table, TRUTH[name]) for name in TRUTH if "_by_" not in name}
    by_industry = _industry_index(table, economy, at)
    income = index["log_income"] + SIGMA * shock
    poor = luck < index["poor"]
    at_home = index["poor_given_home"] + HOME_SD * home
    demand_income = index["log_income_endogenous"] + DEMAND_INCOME * unseen
    demand_poor = index["poor_endogenous"] + DEMAND_POOR * unseen
    return {
        "income": np.round(np.exp(income), 2),
        "log_income": income,
        "poor": poor.astype(int),
        "poor_2008_line": (luck < index["poor_2008_line"]).astype(int),
        "poor_given_home": (rng.logistic(size=len(luck)) < at_home).astype(int),
        "log_income_density": index["log_income_density"] + SIGMA * shock,
        "poor_density": (luck < index["poor_density"]).astype(int),
        "log_income_endogenous": demand_income + SIGMA * shock,
        "poor_endogenous": (luck < demand_poor).astype(int),
        "log_income_by_group": _by_group(table, poor)
        + SIGMA_GROUP * dependence.shocks(rng, at)[0],
        "log_income_by_industry": by_industry["log_income_by_industry"] + SIGMA * shock,
        "poor_by_industry": (luck < by_industry["poor_by_industry"]).astype(int),
    }


def _index(table: pd.DataFrame, truth: Mapping[str, float]) -> Array:
    """Return the planted index of each row, shape (m,)."""
    columns = {"W(clusters)": "clusters_elsewhere"}
    parts = [
        value * table[columns.get(term, term)].to_numpy()
        for term, value in truth.items()
        if term != "Intercept"
    ]
    return np.asarray(truth["Intercept"] + np.sum(parts, axis=0))


def _by_group(table: pd.DataFrame, poor: Array) -> Array:
    low = _index(table, TRUTH["log_income_by_group[poor]"])
    high = _index(table, TRUTH["log_income_by_group[non-poor]"])
    return np.where(poor, low, high)


def _industry_index(
    table: pd.DataFrame, economy: Economy, at: Places
) -> dict[str, Array]:
    here = economy.industry[at.county, at.wave]
    codes = list(INDUSTRIES)
    found = {}
    for name in ("log_income_by_industry", "poor_by_industry"):
        truth = TRUTH[name]
        people = {t: v for t, v in truth.items() if t in (*CONTROLS, "Intercept")}
        planted = np.array([truth.get(code, 0.0) for code in codes])
        found[name] = _index(table, people) + here @ planted
    return found

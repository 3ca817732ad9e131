"""Simulated households of Liangshan: the risk of falling back into poverty."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import special

from geopoverty.data.simulated.xu import seed_of
from geopoverty.numerics.types import Array

HOMES, VILLAGES = 676, 15
COUNTIES = ("Xide", "Muli", "Yanyuan")
# 1.90 dollars x 365 days x 3.63 yuan (parity of 2011) x 1.14 (prices to 2017).
POVERTY_LINE = 2870.0
# ln income per head = X b + e, e normal with variance X r; yuan, persons.
TRUTH: Mapping[str, Mapping[str, float]] = {
    "log_income": {
        "Intercept": 8.452,
        "male": 0.1,
        "family_size": -0.2,
        "debt": -2e-6,
        "net_income": 3e-5,
    },
    "variance": {"Intercept": 0.015, "family_size": 0.002, "debt": 1e-7},
}
# Published in Tables 1 to 3; mean and standard deviation.
PUBLISHED_MOMENTS = {
    "male": (0.9216, 0.269),
    "family_size": (4.429, 1.5317),
    "debt": (26224.85, 38696.16),
    "net_income": (35274.0, 21453.86),
    "subsistence": (1.4231, 2.1001),
    "industry_policy": (0.8003, 0.4001),
    "hardened_road": (0.9186, 0.2736),
    "county_gdp": (19675.66, 5300.368),
    "motivation": (1.8528, 1.1354),
    "disabled": (0.1331, 0.34),
    "hospitalised": (0.2249, 0.4178),
    "chronic": (0.0488, 0.2354),
    "wage_share": (0.3941, 0.3276),
}
PUBLISHED_BANDS = {"below 0.30": 0.81, "0.30-0.60": 0.06, "above 0.60": 0.13}
NATIONALITIES = ("Han", "Yi", "other")
NATIONALITY_SHARES = (0.0415, 0.8268, 0.1317)  # mean 1.0902, sd 0.4064 as 0, 1, 2
SCHOOLING_SHARES = (0.918, 0.0565, 0.0180, 0.0055, 0.0020)  # mean 1.117, sd 0.43
GDP = (13_676.0, 18_776.0, 26_576.0)  # yuan a head: published mean and deviation
IN_DEBT = 0.6


def liangshan_households(*, seed: int = 2020) -> pd.DataFrame:
    """Return simulated households that left poverty, with their planted risk.

    676 households in 15 villages of 3 counties, made after the published tables of
    a survey in Liangshan. **Nothing in it was measured.**

    Parameters
    ----------
    seed : int
        At least 0.

    Returns
    -------
    DataFrame, 676 rows
        Indexed by ``hh_id``: ``unit_id`` (the county), ``village``; ``male``,
        ``family_size`` (persons), ``debt`` and ``net_income`` (yuan),
        ``income_per_head`` (yuan a year), ``true_risk`` (the chance that a new draw
        of income is at most the line); ``subsistence`` (persons), ``industry_policy,
        hardened_road`` (of the village), ``county_gdp`` (yuan a head),
        ``motivation`` (0 to 4.5), ``nationality``, ``schooling`` (1 to 5),
        ``disabled, hospitalised, chronic, wage_share``.

        ``attrs``: status "simulated", ``poverty_line`` (2,870 yuan), ``truth``:
        coefficients of log income and of its variance; ``published_moments``,
        ``published_bands``.

    Raises
    ------
    InputError
        If `seed` is not a whole number of at least 0.

    Notes
    -----
    Income per head is drawn from the equation of vulnerability itself, so that
    ``vulnerability`` of ``income_per_head ~ male + family_size + debt + net_income``
    estimates what was planted. Its coefficients are ours, set so that the true risks
    have the published bands (0.81, 0.06, 0.13), mean 0.16 and deviation 0.30. Other
    columns have the published moments and do not act on the risk.

    Examples
    --------
    >>> homes = liangshan_households()
    >>> len(homes), homes["village"].nunique(), homes.attrs["status"]
    (676, 15, 'simulated')
    """
    rng = np.random.default_rng(seed_of(seed))
    homes = _households(rng)
    mean = _index(homes, TRUTH["log_income"])
    sd = np.sqrt(_index(homes, TRUTH["variance"]))
    homes["income_per_head"] = np.exp(mean + sd * rng.normal(size=HOMES))
    homes["true_risk"] = special.ndtr((np.log(POVERTY_LINE) - mean) / sd)
    homes.attrs = {
        "title": f"Simulated households of Liangshan (seed {seed})",
        "status": "simulated",
        "source": "simulated by geopoverty after the published tables of a study of "
        "the risk of returning to poverty in Liangshan",
        "licence": "CC0 1.0",
        "attribution": "geopoverty (simulated)",
        "notes": ("Simulated data: nothing in it was measured.",),
        "poverty_line": POVERTY_LINE,
        "truth": {k: dict(v) for k, v in TRUTH.items()},
        "published_moments": {k: list(v) for k, v in PUBLISHED_MOMENTS.items()},
        "published_bands": dict(PUBLISHED_BANDS),
    }
    return homes


def _index(homes: pd.DataFrame, truth: Mapping[str, float]) -> Array:
    parts = [v * homes[k].to_numpy() for k, v in truth.items() if k != "Intercept"]
    return np.asarray(truth["Intercept"] + np.sum(parts, axis=0))


def _households(rng: np.random.Generator) -> pd.DataFrame:
    moments = PUBLISHED_MOMENTS
    village = np.sort(np.arange(HOMES) % VILLAGES)
    county = village // (VILLAGES // len(COUNTIES))
    # One village in twelve has no hardened road; the same for all its homes.
    paved = np.ones(VILLAGES, dtype=int)
    paved[rng.choice(VILLAGES, 1)] = 0

    def yes(name: str) -> Array:
        return (rng.random(HOMES) < moments[name][0]).astype(int)

    def gamma(name: str, share: float = 1.0) -> Array:
        mean, sd = moments[name]
        mean, variance = mean / share, (sd**2 + mean**2) / share - (mean / share) ** 2
        drawn = rng.gamma(mean**2 / variance, variance / mean, HOMES)
        return np.where(rng.random(HOMES) < share, drawn, 0.0)

    size = np.clip(np.round(rng.normal(4.41, 1.51, HOMES)), 1, 10).astype(int)
    on_list = rng.random(HOMES) < 0.36
    keen = rng.beta(4.77, 4.63, HOMES)
    motivation = rng.binomial(4, 0.8 * keen) + 0.5 * (rng.random(HOMES) < 0.9 * keen)
    a, b = _beta(*moments["wage_share"])
    return pd.DataFrame(
        {
            "unit_id": np.array(COUNTIES, dtype=object)[county],
            "village": [f"village {v + 1:02d}" for v in village],
            "male": yes("male"),
            "family_size": size,
            "debt": np.round(gamma("debt", IN_DEBT), -2),
            "net_income": np.round(gamma("net_income")),
            # Either nobody, or all but one or all of the family.
            "subsistence": on_list * np.maximum(size - rng.integers(0, 2, HOMES), 1),
            "industry_policy": yes("industry_policy"),
            "hardened_road": paved[village],
            "county_gdp": np.array(GDP)[county],
            "motivation": motivation,
            "nationality": rng.choice(NATIONALITIES, HOMES, p=NATIONALITY_SHARES),
            "schooling": rng.choice(np.arange(1, 6), HOMES, p=SCHOOLING_SHARES),
            "disabled": yes("disabled"),
            "hospitalised": yes("hospitalised"),
            "chronic": yes("chronic"),
            "wage_share": np.round(rng.beta(a, b, HOMES), 4),
        },
        index=pd.Index([f"h{i:03d}" for i in range(1, HOMES + 1)], name="hh_id"),
    )


def _beta(mean: float, sd: float) -> tuple[float, float]:
    """Return the parameters of a beta with this mean and deviation."""
    size = mean * (1 - mean) / sd**2 - 1
    return mean * size, (1 - mean) * size

"""What the study of Zhejiang's clusters published, and what is planted of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

POVERTY_LINES = {2004: 10_234.0, 2008: 12_042.48}  # yuan a head and year
CONTROLS = ("age", "edu", "gender", "pop", "land", "capital")
REGIONAL = ("clusters", "W(clusters)", *CONTROLS, "Intercept")
DENSITY = ("economic_density", *CONTROLS, "Intercept")


@dataclass(frozen=True)
class Model:
    """One published column: estimates and t values of Models 1 to 9.

    Attributes
    ----------
    name : str
    outcome : str
        The study's, in its words.
    method : str
        The study's, in its words.
    n : int
        Observations.
    terms : tuple of str
        As in a formula.
    estimates, t_values : tuple of float
        One a term.
    """

    name: str
    outcome: str
    method: str
    n: int
    terms: tuple[str, ...]
    estimates: tuple[float, ...]
    t_values: tuple[float, ...]

    @property
    def truth(self) -> dict[str, float]:
        """Estimate by term."""
        return dict(zip(self.terms, self.estimates, strict=True))


POOR, INCOME = "probability of poverty", "ln net income per head"
MODELS = (
    Model(
        "Model 1", f"{POOR} (line of 2004)", "logit", 975, REGIONAL,
        (-0.01, -0.25, 0.02, -0.04, 0.06, 0.25, 0.11, -3.7, -0.72),
        (-2.00, -3.96, 2.41, -1.44, 0.18, 3.62, 2.35, -5.38, -0.92),
    ),
    Model(
        "Model 2", f"{POOR} (line of 2008)", "logit", 975, REGIONAL,
        (-0.01, -0.24, 0.02, -0.05, 0.11, 0.24, 0.09, -3.5, -0.23),
        (-2.61, -4.61, 2.18, -1.66, 0.35, 3.76, 2.13, -6.01, -0.31),
    ),
    Model(
        "Model 3", INCOME, "fixed effects", 974, REGIONAL,
        (0.01, 0.16, -0.005, 0.05, -0.12, -0.12, -0.04, 2.9, 9.17),
        (2.32, 4.97, -0.96, 3.19, -0.64, -3.33, -1.39, 8.97, 21.22),
    ),
    Model(
        "Model 4", INCOME, "fixed effects", 974, DENSITY,
        (1.95, -0.003, 0.05, -0.12, -0.11, -0.03, 3.01, 9.42),
        (5.95, -0.62, 3.17, -0.61, -3.00, -1.28, 9.31, 21.98),
    ),
    Model(
        "Model 5", f"{POOR} (line of 2004)", "logit", 975, DENSITY,
        (-1.18, 0.02, -0.04, 0.02, 0.22, 0.12, -3.43, -1.31),
        (-3.10, 1.87, -1.41, 0.07, 3.39, 2.69, -5.24, -1.82),
    ),
    Model(
        "Model 6", INCOME, "system GMM", 974, REGIONAL,
        (0.004, 0.07, -0.01, 0.03, -0.23, -0.12, -0.05, 2.71, 9.98),
        (2.88, 3.26, -1.78, 2.81, -1.66, -4.46, -2.59, 11.77, 31.92),
    ),
    Model(
        "Model 7", f"{POOR} (line of 2004)", "system GMM", 975, REGIONAL,
        (-0.001, -0.04, 0.004, -0.01, 0.02, 0.04, 0.02, -5.52, 0.27),
        (-1.88, -3.46, 2.47, -1.90, 0.34, 2.94, 2.19, -4.91, 1.75),
    ),
    Model(
        "Model 8", f"{INCOME}, the poor", "system GMM", 475, REGIONAL,
        (0.004, 0.22, -0.01, 0.03, -0.004, -0.15, -0.03, 2.91, 8.75),
        (1.86, 7.09, -1.21, 2.03, -0.02, -4.15, -1.28, 8.88, 19.25),
    ),
    Model(
        "Model 9", f"{INCOME}, the non-poor", "system GMM", 499, REGIONAL,
        (0.004, -0.06, -0.001, 0.04, -0.33, -0.10, -0.02, 1.95, 10.74),
        (2.31, -2.39, -0.26, 2.50, -1.93, -2.98, -1.03, 6.98, 29.28),
    ),
)  # fmt: skip
PUBLISHED = {model.name: model for model in MODELS}

# Tables 5 and 6: code and dependent variable as printed; the codes are ours.
INDUSTRY_EFFECTS = (
    (
        2004,
        3,
        INCOME,
        "174",
        "Spinning, weaving and finishing of textiles",
        0.66,
        "***",
    ),
    (2004, 3, INCOME, "358", "Parts for general-purpose machinery", 0.16, "***"),
    (2004, 3, POOR, "171", "Dyeing and finishing of cotton and fibres", -3.96, "***"),
    (2004, 3, POOR, "346", "Metal surface and heat treatment", -3.30, "***"),
    (2004, 3, POOR, "358", "Parts for general-purpose machinery", -2.76, "***"),
    (2004, 3, POOR, "174", "Spinning, weaving and finishing of textiles", -1.15, "**"),
    (2004, 4, INCOME, "1742", "Spinning and weaving of silk textiles", 0.66, "***"),
    (2004, 4, INCOME, "2231", "Paper and cardboard containers", 0.31, "***"),
    (2004, 4, INCOME, "3582", "Fasteners and springs", 0.33, "*"),
    (2004, 4, POOR, "1762", "Wool knitwear", -4.51, "***"),
    (2004, 4, POOR, "3460", "Metal surface and heat treatment", -1.51, "***"),
    (2004, 4, POOR, "1810", "Textile garments", -1.15, "**"),
    (2004, 4, POOR, "2613", "Inorganic salts", -0.97, "*"),
    (2008, 3, INCOME, "222", "Paper industries", -1.16, "*"),
    (2008, 3, POOR, "633", "Wholesale of textiles, clothing and others", 0.19, "***"),
    (2008, 4, INCOME, "3641", "Papermaking machinery", -1.16, "*"),
    (2008, 4, POOR, "7419", "Corporate production management services", 0.26, "*"),
)
# Planted, in both waves, for clusters of a 4-digit industry; all others: nothing.
INDUSTRY_INCOME = {"1742": 0.66, "2231": 0.31, "3582": 0.33}
INDUSTRY_POOR = {"1762": -4.51, "1810": -1.15, "2613": -0.97, "3460": -1.51}


def _controls(model: str, intercept: float) -> dict[str, float]:
    known = PUBLISHED[model].truth
    return {**{name: known[name] for name in CONTROLS}, "Intercept": intercept}


# What each outcome column was drawn from.
TRUTH: Mapping[str, Mapping[str, float]] = {
    "poor": PUBLISHED["Model 1"].truth,
    "poor_2008_line": PUBLISHED["Model 2"].truth,
    "poor_given_home": PUBLISHED["Model 1"].truth,
    "log_income": PUBLISHED["Model 3"].truth,
    "log_income_density": PUBLISHED["Model 4"].truth,
    "poor_density": PUBLISHED["Model 5"].truth,
    "log_income_endogenous": PUBLISHED["Model 6"].truth,
    "poor_endogenous": PUBLISHED["Model 1"].truth,
    "log_income_by_group[poor]": PUBLISHED["Model 8"].truth,
    "log_income_by_group[non-poor]": PUBLISHED["Model 9"].truth,
    "log_income_by_industry": {**INDUSTRY_INCOME, **_controls("Model 3", 9.5)},
    "poor_by_industry": {**INDUSTRY_POOR, **_controls("Model 1", -0.7)},
}


def published_models() -> pd.DataFrame:
    """Return the published estimates of Models 1 to 9.

    Returns
    -------
    DataFrame
        A row a model and term: ``model, outcome, method, n, term, estimate,
        t_value``.

    Examples
    --------
    >>> table = published_models().set_index(["model", "term"])
    >>> float(table.loc[("Model 1", "W(clusters)"), "estimate"])
    -0.25
    """
    return pd.DataFrame(
        [
            {
                "model": m.name,
                "outcome": m.outcome,
                "method": m.method,
                "n": m.n,
                "term": term,
                "estimate": value,
                "t_value": t,
            }
            for m in MODELS
            for term, value, t in zip(m.terms, m.estimates, m.t_values, strict=True)
        ]
    )


def published_industries() -> pd.DataFrame:
    """Return what Tables 5 and 6 print: the industries found significant.

    Returns
    -------
    DataFrame, 17 rows
        ``period, level`` (digits), ``outcome, industry`` (our code for the
        printed name), ``name, estimate, stars``.

    Examples
    --------
    >>> published_industries()["estimate"].iloc[0].item()
    0.66
    """
    columns = ["period", "level", "outcome", "industry", "name", "estimate", "stars"]
    return pd.DataFrame(INDUSTRY_EFFECTS, columns=columns)

"""How well each estimator finds what was planted in the simulated Zhejiang panel.

Every draw is a new economy (clusters, demand) on the same map and 500 new
households of ten villages in two waves; all estimators see the same tables. The
planted truth is that of `datasets.zhejiang_households`. A second table counts how
often a true null about a county is rejected: what ten villages do to t values.
"""

import argparse
import importlib.metadata
import platform
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geopoverty.covariances import Cluster, WildCluster
from geopoverty.data.simulated.economy import counties_of, simulate_economy, times_of
from geopoverty.data.simulated.households import Dependence, simulate_households
from geopoverty.data.simulated.published import TRUTH
from geopoverty.errors import GeoPovertyError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.control_function import control_function
from geopoverty.estimators.dynamic_panel import Household, Instruments, dynamic_panel
from geopoverty.estimators.panel import panel
from geopoverty.estimators.panel_logit import panel_logit

PEOPLE = "age + edu + gender + pop + land + capital"
RIGHT = f"clusters + clusters_elsewhere + {PEOPLE}"
CHANGING = "clusters + clusters_elsewhere + pop + land + capital"
TERMS = ("clusters", "clusters_elsewhere", "capital")
VILLAGE = Cluster("village")
WILD = WildCluster("village", draws=999)
WILD_P = WildCluster("village", draws=999, conf_level=None)


@dataclass(frozen=True)
class Case:
    """An estimator, what it is applied to, and the truth it should find."""

    group: str
    name: str
    outcome: str
    fit: object
    truth: str = ""

    @property
    def planted(self):
        known = TRUTH[self.truth or self.outcome]
        return {t: known["W(clusters)" if "_else" in t else t] for t in TERMS}


def pooled(outcome, vcov):
    return lambda table: logit(f"{outcome} ~ {RIGHT}", table, vcov=vcov)


def at_home(effects, right=RIGHT):
    def fit(table):
        formula = f"poor_given_home ~ {right}"
        return panel_logit(formula, table, effects=effects, individual="hh_id")

    return fit


def income(outcome, effects, vcov, right=RIGHT):
    def fit(table):
        unit = "hh_id"
        formula = f"{outcome} ~ {right}"
        return panel(formula, table, unit=unit, effects=effects, vcov=vcov)

    return fit


def two_stage(table):
    return dynamic_panel(
        f"log_income_endogenous ~ {RIGHT}",
        table,
        unit=Household("hh_id"),
        gmm=Instruments(("clusters",), outside=("gdp_decade_earlier",)),
    )


def two_step(table):
    return control_function(
        f"poor_endogenous ~ {RIGHT}",
        table,
        endogenous=("clusters",),
        instruments=("gdp_decade_earlier",),
    )


def cases():
    """The estimators, by the question they answer."""
    one = "Poverty on average: logit of poor"
    two = "Poverty given the household: logits of poor_given_home"
    three = "Income: linear panels of log_income"
    four = "Clusters that answer to unseen demand"
    return (
        Case(one, "logit, HC1", "poor", pooled("poor", "hc1")),
        Case(one, "logit, clustered by village", "poor", pooled("poor", VILLAGE)),
        Case(one, "logit, wild cluster bootstrap", "poor", pooled("poor", WILD)),
        Case(two, "pooled logit, clustered", "poor_given_home",
             pooled("poor_given_home", VILLAGE)),
        Case(two, "random intercepts", "poor_given_home", at_home("random")),
        Case(two, "random intercepts and means", "poor_given_home",
             at_home("mundlak", CHANGING)),
        Case(two, "conditional", "poor_given_home", at_home("unit", CHANGING)),
        Case(three, "pooled, HC1", "log_income", income("log_income", "none", "hc1")),
        Case(three, "pooled, clustered by village", "log_income",
             income("log_income", "none", VILLAGE)),
        Case(three, "household effects, HC1", "log_income",
             income("log_income", "unit", "hc1")),
        Case(three, "household effects, clustered", "log_income",
             income("log_income", "unit", VILLAGE)),
        Case(four, "least squares, clustered", "log_income_endogenous",
             income("log_income_endogenous", "none", VILLAGE)),
        Case(four, "logit, clustered", "poor_endogenous",
             pooled("poor_endogenous", VILLAGE)),
        Case(four, "2SLS on GDP ten years earlier", "log_income_endogenous", two_stage),
        Case(four, "logit, control function", "poor_endogenous", two_step),
    )  # fmt: skip


def numbers(result):
    """Estimate, SE and interval of the three terms; wild ones where there are."""
    table = result.tidy().set_index("term")
    if "wild" in result.tables:
        wild = result.tables["wild"].set_index("term")
        table[["conf_low", "conf_high"]] = wild[["conf_low", "conf_high"]]
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    return table.loc[list(TERMS), columns].to_numpy(float)


def recovery(options, counties, times):
    chosen = [c for c in cases() if options.only in f"{c.group} {c.name}"]
    found = {case: [] for case in chosen}
    spent = dict.fromkeys(chosen, 0.0)
    for draw in range(options.draws):
        rng = np.random.default_rng((options.seed, draw))
        table = simulate_households(simulate_economy(counties, times, rng), rng)
        for case in chosen:
            start = time.perf_counter()
            try:
                row = numbers(case.fit(table))
            except (GeoPovertyError, KeyError):
                row = np.full((len(TERMS), 4), np.nan)
            spent[case] += time.perf_counter() - start
            found[case].append(row)
    head = ("bias", "RMSE", "SE/SD", "cover%")
    group = None
    for case, rows in found.items():
        if case.group != group:
            group = case.group
            print(f"\n{group}")
            print(" " * 32 + "".join(f"{t:^32}" for t in TERMS))
            print(" " * 32 + "".join(f"{h:>8}" for h in head * 3) + "  no fit   ms")
        report(case, np.array(rows), 1000 * spent[case] / options.draws)


def report(case, rows, milliseconds):
    kept = rows[np.isfinite(rows).all(axis=(1, 2))]
    cells = []
    for i, truth in enumerate(case.planted.values()):
        estimate, error, low, high = kept[:, i].T
        spread = estimate.std(ddof=1)
        covered = 100 * ((low < truth) & (truth < high)).mean()
        rmse = np.sqrt(((estimate - truth) ** 2).mean())
        numbers = (estimate.mean() - truth, rmse, error.mean() / spread, covered)
        cells.append("{:8.4f}{:8.4f}{:8.2f}{:8.0f}".format(*numbers))
    line = "".join(cells)
    lost = len(rows) - len(kept)
    print(f"  {case.name:<30}{line}{lost:8d}{milliseconds:5.0f}", flush=True)


def rejections(options, counties, times):
    """Reject a true null of 5 %: a number drawn for each county means nothing."""
    print("\nA true null about counties, at 5 %: rejected in % of draws")
    names = ("logit HC1", "logit cluster", "logit wild", "OLS HC1", "OLS cluster")
    head = "".join(f"{n:>15}" for n in names)
    print(f"  {'variance shared in a village':<34}{head}")
    settings = {
        "0 %": Dependence(0.0, 0.0, 0.30),
        "8 % (the data set)": Dependence(),
        "16 %": Dependence(0.08, 0.08, 0.30),
    }
    for name, dependence in settings.items():
        rows = []
        for draw in range(options.draws):
            rng = np.random.default_rng((options.seed, 7, draw))
            economy = simulate_economy(counties, times, rng)
            table = placebo(simulate_households(economy, rng, dependence), rng)
            rows.append(p_values(table))
        share = 100 * (np.array(rows) < 0.05).mean(axis=0)
        print(f"  {name:<34}" + "".join(f"{s:15.1f}" for s in share), flush=True)


def placebo(table, rng):
    """Add what every county has in a wave, and what means nothing."""
    cells = table[["unit_id", "period"]].drop_duplicates()
    lasting = pd.Series(rng.normal(size=10), index=cells["unit_id"].unique())
    drawn = rng.normal(size=len(cells)) + lasting.loc[cells["unit_id"]].to_numpy()
    cells = cells.assign(placebo=drawn)
    return table.merge(cells, on=["unit_id", "period"])


def p_values(table):
    poor = f"poor ~ placebo + {RIGHT}"
    found = [
        logit(poor, table, vcov=vcov).tidy().set_index("term")["p_value"]["placebo"]
        for vcov in ("hc1", VILLAGE)
    ]
    wild = logit(poor, table, vcov=WILD_P).tables["wild"].set_index("term")
    found.append(wild["p_value"]["placebo"])
    for vcov in ("hc1", VILLAGE):
        fit = income("log_income", "none", vcov, f"placebo + {RIGHT}")(table)
        found.append(fit.tidy().set_index("term")["p_value"]["placebo"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    options = parser.parse_args()
    packages = ("geopoverty", "numpy", "scipy", "pandas")
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    print(f"{options.draws} draws; Python {platform.python_version()}, {versions}")
    counties = counties_of("synthetic")
    times = times_of(counties)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recovery(options, counties, times)
        if not options.only:
            rejections(options, counties, times)


if __name__ == "__main__":
    main()

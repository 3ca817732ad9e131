"""How well programmes' effects are found in the simulated households of a programme.

Every draw is a new table of `datasets.xu_households`: 3,062 households in two waves,
with the effects published for the line of 1.90 dollars planted in three worlds. In the
first the programme acts in the second wave (did, psm_did); in the second it acts in
both and covariates alone decide who is treated (match); in the third incomes are drawn
and vulnerability is estimated first. The last rows resample households through both
steps, because a fitted vulnerability has errors that all rows share.
"""

import argparse
import importlib.metadata
import platform
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty.data.simulated.xu import ARMS, xu_households
from geopoverty.errors import GeoPovertyError
from geopoverty.estimators.did import did, psm_did
from geopoverty.estimators.matching import Bootstrap, Nearest, match, match_all
from geopoverty.estimators.vulnerability import vulnerability

PEOPLE = " + ".join(ARMS)
SCORE = f"treated ~ {PEOPLE}"
INCOME = f"income_per_head ~ {PEOPLE} + treated * post"
LINE = "1.9"
WAY = "normal kernel 0.06"


@dataclass(frozen=True)
class Found:
    """One estimate, its standard error and what it should be."""

    group: str
    name: str
    estimate: float
    std_error: float
    truth: float


def changes(homes):
    group = "The programme acts in the second wave"
    outcome = f"vul_{LINE}"
    truth = homes.attrs["truth"][outcome]
    for vcov, name in (("cluster", "clustered"), ("iid", "plain")):
        fit = did(f"`{outcome}` ~ 1", homes, treated="treated", unit="hh_id", vcov=vcov)
        error = float(np.sqrt(fit.vcov.iloc[0, 0]))
        yield Found(group, f"did, {name}", fit.estimates["att"], error, truth["att"])
    wide = psm_did(SCORE, homes, outcome=outcome, unit="hh_id").tables["wide"].iloc[0]
    for end, name in (("_se_clustered", "clustered"), ("_se", "plain")):
        for part, planted in (("did", truth["att"]), ("before", truth["before"])):
            label = f"psm_did {part}, {name}"
            yield Found(group, label, wide[part], wide[f"{part}{end}"], planted)


def matches(homes, options, draw):
    group = "It acts in both waves; covariates alone decide who is treated"
    outcome = f"vul_{LINE}_psm"
    truth = homes.attrs["truth"][outcome]["att"]
    first = homes[homes["post"] == 0]
    for k in (1, 4):
        fit = match(SCORE, first, outcome=outcome, method=Nearest(neighbors=k))
        error = float(np.sqrt(fit.vcov.iloc[0, 0]))
        label = f"match 1:{k}, one wave, Abadie-Imbens"
        yield Found(group, label, fit.estimates["att"], error, truth)
    households = Bootstrap(draws=40, seed=draw, refit=True, cluster="hh_id")
    cases = [
        (first, "one wave", "psmatch2", "psmatch2"),
        (homes, "both waves", "psmatch2", "psmatch2"),
    ]
    if draw < options.resampled:
        cases.append((homes, "both waves", households, "resampled"))
    for rows, waves, vcov, name in cases:
        fit = match_all(SCORE, rows, outcome=outcome, vcov=vcov)
        errors = np.sqrt(np.diag(fit.vcov))
        ways = zip(fit.estimates.items(), errors, strict=True)
        for (term, estimate), error in ways:
            if term in ("radius 0.01", WAY, "mean"):
                label = f"match {term}, {waves}, {name}"
                yield Found(group, label, estimate, float(error), truth)


def risks(homes):
    line = homes.attrs["poverty_lines"][LINE]
    fit = vulnerability(INCOME, homes, poverty_line=line, unit="hh_id")
    fitted = homes.assign(risk=fit.tables["fitted"]["vulnerability"].to_numpy())
    return fit, fitted


def change_of_risk(homes):
    fitted = risks(homes)[1]
    return did("risk ~ 1", fitted, treated="treated", unit="hh_id").estimates["att"]


def chains(homes, options, draw):
    group = "Vulnerability is estimated from incomes, then compared"
    truth = homes.attrs["truth"]["income_per_head"]
    fit, fitted = risks(homes)
    term = "treated:post"
    error = float(np.sqrt(fit.vcov.loc[term, term]))
    known = truth["log_income"][term]
    yield Found(group, "vulnerability, income term", fit.estimates[term], error, known)
    effect = truth["att"][LINE]
    wide = psm_did(SCORE, fitted, outcome="risk", unit="hh_id").tables["wide"].iloc[0]
    for end, name in (("_se_clustered", "clustered"), ("_se", "plain")):
        label = f"then psm_did, {name}"
        yield Found(group, label, wide["did"], wide[f"did{end}"], effect)
    plain = did("risk ~ 1", fitted, treated="treated", unit="hh_id")
    error = float(np.sqrt(plain.vcov.iloc[0, 0]))
    estimate = plain.estimates["att"]
    yield Found(group, "then did, clustered", estimate, error, effect)
    if draw < options.resampled:
        error = resampled(homes, options.samples, (options.seed, draw))
        yield Found(group, "then did, households resampled", estimate, error, effect)


def resampled(homes, samples, seed):
    """The deviation of the whole chain over samples of households."""
    rng = np.random.default_rng(seed)
    ordered = homes.sort_values(["hh_id", "period"]).reset_index(drop=True)
    n = len(ordered) // 2
    found = []
    for _ in range(samples):
        chosen = rng.integers(0, n, n)
        rows = np.stack([2 * chosen, 2 * chosen + 1], axis=1).ravel()
        sample = ordered.iloc[rows].reset_index(drop=True)
        sample["hh_id"] = np.repeat([f"s{i:05d}" for i in range(n)], 2)
        found.append(change_of_risk(sample))
    return float(np.std(found, ddof=1))


def report(rows):
    head = ("draws", "truth", "bias", "MC err", "SD", "SE/SD", "cover%")
    for group, part in rows.groupby("group", sort=False):
        print(f"\n{group}")
        print(" " * 48 + "".join(f"{h:>8}" for h in head))
        for name, found in part.groupby("name", sort=False):
            gap = found["estimate"] - found["truth"]
            sd = gap.std()
            covered = (gap.abs() < stats.norm.ppf(0.975) * found["std_error"]).mean()
            ratio = found["std_error"].mean() / sd
            n, error = len(found), sd / np.sqrt(len(found))
            print(
                f"  {name:<46}{n:8d}{found['truth'].mean():8.3f}{gap.mean():8.4f}"
                f"{error:8.4f}{sd:8.4f}{ratio:8.2f}{100 * covered:8.1f}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--seed", type=int, default=2016)
    parser.add_argument("--resampled", type=int, default=20, help="draws resampled")
    parser.add_argument("--samples", type=int, default=15, help="samples of each")
    options = parser.parse_args()
    packages = ("geopoverty", "numpy", "scipy", "pandas")
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    print(f"{options.draws} draws; Python {platform.python_version()}, {versions}")
    start, found, failed = time.perf_counter(), [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for draw in range(options.draws):
            homes = xu_households(seed=options.seed + draw)
            try:
                found += changes(homes)
                found += matches(homes, options, draw)
                found += chains(homes, options, draw)
            except GeoPovertyError:
                failed += 1
    report(pd.DataFrame(found))
    print(f"\n{failed} draws without a fit; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()

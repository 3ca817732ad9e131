"""True numbers, and tables of them as print would show them."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy import stats

MODES = {
    "half-up": ROUND_HALF_UP,
    "half-even": ROUND_HALF_EVEN,
    "truncation": ROUND_DOWN,
}
LEVELS = {"*": 0.1, "**": 0.05, "***": 0.01}
EXACT = {
    "n", "parameters", "df", "clusters", "lr_df", "n_treated", "n_control", "periods",
    "instruments", "hansen_df", "step", "scale_low", "scale_high", "count", "cases",
    "controls", "poverty_line", "conf_level",
}  # fmt: skip
TEXT = {"table", "model", "term", "of", "stars"}


def show(value, digits, mode="half-even"):
    """Print a number, exactly if it is a fraction, with so many decimals."""
    if isinstance(value, Fraction):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
    else:
        exact = Decimal(float(value))
    return str(exact.quantize(Decimal(1).scaleb(-digits), rounding=MODES[mode]))


def printed(rows, rng, mode="half-even", digits=None):
    """Print true rows, each number with decimals of its own (0 to 5) or `digits`."""
    shown = []
    for row in rows:
        cells = {}
        for name, value in row.items():
            if name in TEXT:
                cells[name] = value
            elif name in EXACT:
                cells[name] = str(value)
            else:
                places = rng.integers(0, 6) if digits is None else digits
                cells[name] = show(value, int(places), mode)
        shown.append(cells)
    return pd.DataFrame(shown).fillna("").astype(object)


def mark(p):
    return next((m for m, level in reversed(LEVELS.items()) if p < level), "")


def regression(rng, normal=False):
    """Return a regression whose t, p, intervals, ratios, stars and F are true."""
    n, k = int(rng.integers(12, 400)), int(rng.integers(2, 9))
    law = stats.norm if normal else stats.t(n - k)
    r2 = rng.uniform(0.01, 0.99)
    f = r2 / (1 - r2) * (n - k) / (k - 1)
    rows = [
        {
            "table": "regression", "n": n, "parameters": k, "r_squared": r2,
            "adj_r_squared": 1 - (1 - r2) * (n - 1) / (n - k), "f_statistic": f,
            "f_p_value": stats.f.sf(f, k - 1, n - k),
        }
    ]  # fmt: skip
    for j in range(k):
        estimate, se = rng.normal() * 10 ** rng.uniform(-2, 1), rng.uniform(0.05, 1)
        t = estimate / se
        p = 2 * law.sf(abs(t))
        step = law.isf(0.025) * se
        rows.append(
            {
                "table": "regression", "term": f"x{j}", "estimate": estimate,
                "std_error": se, "statistic": t, "p_value": p,
                "conf_low": estimate - step, "conf_high": estimate + step,
                "hazard_ratio": np.exp(estimate), "odds_ratio": np.exp(estimate),
                "ratio_low": np.exp(estimate - step),
                "ratio_high": np.exp(estimate + step), "stars": mark(p),
            }
        )  # fmt: skip
    return rows


def fit_tests(rng):
    """Return a probit before and after matching, and a GMM estimate."""
    ones, zeros = (int(x) for x in rng.integers(5, 500, 2))
    n, r2, df = ones + zeros, rng.uniform(0, 0.9), int(rng.integers(1, 12))
    null = -ones * np.log(ones / n) - zeros * np.log(zeros / n)
    matched = rng.uniform(0, 0.3)
    kept = int(rng.integers(1, ones + 1))
    q, k = int(rng.integers(6, 20)), int(rng.integers(1, 6))
    chi2, z = rng.chisquare(q - k), rng.normal()
    lr = 2 * r2 * null
    return [
        {"table": "probit", "model": "unmatched", "n_treated": ones,
         "n_control": zeros, "pseudo_r_squared": r2, "lr_chi2": lr, "lr_df": df,
         "lr_p_value": stats.chi2.sf(lr, df)},
        {"table": "probit", "model": "matched", "n_treated": ones,
         "pseudo_r_squared": matched, "lr_chi2": 4 * np.log(2) * matched * kept},
        {"table": "gmm", "model": "gmm", "instruments": q, "parameters": k,
         "hansen": chi2, "hansen_df": q - k,
         "hansen_p_value": stats.chi2.sf(chi2, q - k),
         "ar2": z, "ar2_p_value": 2 * stats.norm.sf(abs(z)),
         "periods": int(rng.integers(4, 9))},
    ]  # fmt: skip


def programme(rng):
    """Return differences, a mean over methods and a balance table."""
    before, after, share = rng.normal(), rng.normal(), rng.uniform()
    treated, control = rng.normal(size=2) * 10
    rows = [
        {"table": "did", "term": "a", "before": before, "after": after,
         "did": after - before},
        {"table": "effect", "term": "a", "treated": treated, "control": control,
         "effect": treated - control, "share_treated": share,
         "mean": share * treated + (1 - share) * control},
    ]  # fmt: skip
    effects = rng.normal(size=4)
    rows += [
        {"table": "att", "term": f"m{i}", "of": "mean", "estimate": e}
        for i, e in enumerate(effects)
    ]
    rows.append({"table": "att", "term": "mean", "mean_estimate": effects.mean()})
    for i in range(3):
        gaps, sd = rng.normal(size=2), rng.uniform(0.5, 3)
        bias = 100 * gaps / sd
        means = rng.normal(size=2) * 5
        for name, j in (("unmatched", 0), ("matched", 1)):
            rows.append(
                {"table": "balance", "model": name, "term": f"x{i}",
                 "treated": means[j] + gaps[j], "control": means[j], "bias": bias[j]}
            )  # fmt: skip
        rows[-1]["bias_reduction"] = 100 * (1 - abs(bias[1]) / abs(bias[0]))
    n = rng.integers(20, 200, 2)
    some = [np.arange(m) < rng.integers(1, m) for m in n]
    p = [s.mean() for s in some]
    spread = [s.var(ddof=int(rng.integers(0, 2))) for s in some]
    rows.append(
        {"table": "balance 0/1", "model": "unmatched", "term": "yes", "step": 1,
         "scale_low": 0, "scale_high": 1, "n_treated": int(n[0]),
         "n_control": int(n[1]), "treated": p[0], "control": p[1],
         "bias": 100 * (p[0] - p[1]) / np.sqrt(np.mean(spread))}
    )  # fmt: skip
    return rows


def distribution(rng):
    """Return groups of answers in whole steps, their counts, means and spreads."""
    sizes = rng.integers(1, 40, int(rng.integers(2, 6)))
    low, most = int(rng.integers(0, 2)), int(rng.integers(1, 5))
    groups = [low + rng.integers(0, most + 1, size) for size in sizes]
    everyone = np.concatenate(groups)
    scale = {"step": 1, "scale_low": low, "scale_high": low + most}
    ddof = int(rng.integers(0, 2)) if sizes.min() > 1 else 0

    def moments(answers):
        mean = Fraction(int(answers.sum()), len(answers))
        return {"n": len(answers), "mean": mean, "sd": answers.std(ddof=ddof)}

    rows = [
        {"table": "groups", "term": "all", "count": len(everyone), **scale,
         **moments(everyone)}
    ]  # fmt: skip
    for i, answers in enumerate(groups):
        share = Fraction(len(answers), len(everyone))
        rows.append(
            {"table": "groups", "term": f"g{i}", "of": "all", "count": len(answers),
             "percent": 100 * share, "share": share, **scale, **moments(answers)}
        )  # fmt: skip
    # The same groups, known by their shares alone.
    for row in rows[: len(sizes) + 1]:
        known = {k: v for k, v in row.items() if k in ("term", "of", "mean", "share")}
        rows.append({"table": "shares", **known})
    cases = int(rng.integers(len(everyone), 3 * len(everyone)))
    rows.append(
        {"table": "answers", "term": "a", "count": len(everyone), "cases": cases,
         "percent_of_cases": Fraction(100 * len(everyone), cases)}
    )  # fmt: skip
    return rows


def poverty(rng):
    """Return poverty by line, and correlations with their p-values."""
    income = rng.lognormal(0, 0.8, int(rng.integers(5, 80)))
    rows = []
    for i, line in enumerate((0.5, 1.0, 2.0)):
        gap = np.clip(1 - income / line, 0, None)
        poor = gap > 0
        rows.append(
            {"table": "poverty", "term": f"line {i}", "poverty_line": line,
             "fgt0": poor.mean(), "fgt1": gap.mean(), "fgt2": (gap**2).mean(),
             "vulnerability": stats.norm.cdf(np.log(line) - np.log(income)).mean()}
        )  # fmt: skip
    n, k, r = int(rng.integers(6, 200)), int(rng.integers(0, 3)), rng.uniform(-1, 1)
    df = n - 2 - k
    t = r * np.sqrt(df / (1 - r * r))
    rows.append(
        {"table": "r", "term": "x", "n": n, "controls": k, "df": df, "r": r,
         "p_value": 2 * stats.t(df).sf(abs(t))}
    )  # fmt: skip
    return rows


SHEETS = (regression, fit_tests, programme, distribution, poverty)

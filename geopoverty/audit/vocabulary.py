"""The statistics an audit knows: their names, what they are, where they can lie."""

import math
from dataclasses import dataclass

from geopoverty.audit.intervals import Interval

_ANY = Interval(-math.inf, math.inf)
_POSITIVE = Interval(0, math.inf)
_SHARE = Interval(0, 1)


@dataclass(frozen=True)
class Statistic:
    """One name of a statistic.

    Attributes
    ----------
    meaning : str
    domain : Interval
        Where it can lie.
    fact : bool
        Whether a row without it takes it from its model or its table.
    counted : bool
        Whether it is counted or set, so that a whole number is not rounded.
    """

    meaning: str
    domain: Interval = _ANY
    fact: bool = False
    counted: bool = False


def _fact(meaning: str, domain: Interval = _POSITIVE) -> Statistic:
    return Statistic(meaning, domain, fact=True, counted=True)


STATISTICS: dict[str, Statistic] = {
    # Of a coefficient
    "estimate": Statistic("coefficient or effect"),
    "std_error": Statistic("its standard error", _POSITIVE),
    "statistic": Statistic("its t or z value"),
    "p_value": Statistic("its two-sided p-value", _SHARE),
    "conf_low": Statistic("lower end of its confidence interval"),
    "conf_high": Statistic("upper end of its confidence interval"),
    "conf_level": _fact("level of that interval, in per cent", Interval(0, 100)),
    "hazard_ratio": Statistic("exp of a Cox coefficient", _POSITIVE),
    "odds_ratio": Statistic("exp of a logit coefficient", _POSITIVE),
    "ratio_low": Statistic("lower end of the interval of that ratio", _POSITIVE),
    "ratio_high": Statistic("upper end of the interval of that ratio", _POSITIVE),
    # Of a model
    "n": _fact("observations", Interval(1, math.inf)),
    "parameters": _fact("coefficients estimated, the constant included"),
    "df": _fact("residual degrees of freedom", Interval(1, math.inf)),
    "clusters": _fact("clusters of the standard errors", Interval(1, math.inf)),
    "robust": _fact("1 if tests are robust to unequal variances", _SHARE),
    "r_squared": Statistic("R-squared", _SHARE),
    "adj_r_squared": Statistic("adjusted R-squared", Interval(-math.inf, 1)),
    "f_statistic": Statistic("F of all slopes together", _POSITIVE),
    "f_p_value": Statistic("its p-value", _SHARE),
    "pseudo_r_squared": Statistic("1 - ll / ll0 of a probit or logit", _SHARE),
    "lr_chi2": Statistic("likelihood ratio chi-square against a constant", _POSITIVE),
    "lr_df": _fact("its degrees of freedom", Interval(1, math.inf)),
    "lr_p_value": Statistic("its p-value", _SHARE),
    "n_treated": _fact("treated (or ones) among n"),
    "n_control": _fact("controls (or zeros) among n"),
    "periods": _fact("periods of a panel", Interval(1, math.inf)),
    "instruments": _fact("moment conditions of a GMM estimate"),
    "hansen": Statistic("Hansen or Sargan chi-square", _POSITIVE),
    "hansen_df": Statistic("its degrees of freedom", _POSITIVE, counted=True),
    "hansen_p_value": Statistic("its p-value", _SHARE),
    "ar2": Statistic("Arellano-Bond test of order 2, its z"),
    "ar2_p_value": Statistic("its p-value", _SHARE),
    # Of a programme
    "before": Statistic("difference (or mean) before"),
    "after": Statistic("difference (or mean) after"),
    "did": Statistic("difference in differences"),
    "treated": Statistic("mean of the treated"),
    "control": Statistic("mean of the controls"),
    "effect": Statistic("difference of treated and control"),
    "share_treated": Statistic("share of the treated", _SHARE, fact=True),
    "mean_estimate": Statistic("mean of the estimates of its parts"),
    "bias": Statistic("standardised difference of means, in per cent"),
    "bias_reduction": Statistic("reduction of |bias| by matching, in per cent"),
    # Of a distribution
    "mean": Statistic("mean"),
    "sd": Statistic("standard deviation", _POSITIVE),
    "step": _fact("smallest step between two answers: 1 for whole numbers"),
    "scale_low": _fact("lowest possible answer", _ANY),
    "scale_high": _fact("highest possible answer", _ANY),
    "count": Statistic("number of cases", _POSITIVE, counted=True),
    "percent": Statistic("per cent of the cases of its whole", Interval(0, 100)),
    "share": Statistic("share of the cases of its whole", _SHARE),
    "cases": _fact("persons asked, where each may answer more than once"),
    "percent_of_cases": Statistic("per cent of persons", Interval(0, 100)),
    "poverty_line": _fact("poverty line; all of a table in one unit"),
    "fgt0": Statistic("headcount ratio, or in per cent", Interval(0, 100)),
    "fgt1": Statistic("poverty gap, or in per cent", Interval(0, 100)),
    "fgt2": Statistic("squared poverty gap, or in per cent", Interval(0, 100)),
    "vulnerability": Statistic("mean chance of being poor", Interval(0, 100)),
    "r": Statistic("correlation, or partial correlation", Interval(-1, 1)),
    "controls": _fact("variables held fixed in a partial correlation"),
}
# What says which number a row is.
KEYS = ("table", "model", "term", "of", "stars", "decimals")
FACTS = frozenset(name for name, known in STATISTICS.items() if known.fact)

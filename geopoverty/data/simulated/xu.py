"""Simulated households of a programme: vulnerability before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special

from geopoverty.data.simulated.xu_income import POVERTY_LINES, plant_income
from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.types import Array, Mask

PERIODS = (2014, 2016)
HOMES = 3062  # in each wave: 6,124 rows
TREATED = 2267  # 74.04 %; the published 74.05 % of rows is no share of 3,062 homes
COUNTIES = 100
LEVELS = np.array([0, 3, 6, 9, 12, 13, 16])  # of schooling, as the study codes it


@dataclass(frozen=True)
class Line:
    """What is published of vulnerability at one poverty line, and planted.

    Attributes
    ----------
    mean, sd : float
        Table 1.
    before : float
        Treated less controls that are like them, before the programme (Table 5).
    did : float
        Effect of the programme in the second wave (Table 5).
    att : float
        Mean of the four matching estimates (Table 4).
    """

    mean: float
    sd: float
    before: float
    did: float
    att: float


LINES = {
    "1.9": Line(0.3744, 0.3572, -0.191, -0.145, -0.1413),
    "2300": Line(0.4024, 0.3591, -0.169, -0.138, -0.1323),
    "3.1": Line(0.5238, 0.3471, -0.161, -0.125, -0.1341),
}
# Table 3, unmatched means (treated, controls), and Table 1, standard deviation.
ARMS = {
    "age": (52.465, 50.212, 10.1715),
    "health": (3.5711, 3.8024, 1.0227),
    "job": (0.9010, 0.7646, 0.3411),
    "famsize": (4.6977, 4.6048, 1.8175),
    "machine": (0.5288, 0.1441, 1.1157),
    "subsidy": (0.7056, 0.0724, 0.4983),
    "distance": (19.803, 17.011, 18.3314),
    "hroad": (62.428, 67.713, 24.7591),
    "lamp": (0.3279, 0.4254, 0.4780),
    "edu": (4.5802, 4.8836, 2.5805),
    "ability": (0.7052, 0.6451, 0.4627),
    "twork": (1.2267, 1.3367, 1.0227),
}
# Table 2, model 2: what moves vulnerability, on its own scale.
SLOPES = {
    "age": -0.0170,
    "health": -0.1667,
    "job": -0.2867,
    "famsize": 0.0078,
    "machine": -0.0056,
    "subsidy": 0.0087,
    "distance": 0.0002,
    "hroad": -0.0034,
    "lamp": 0.0041,
    "edu": -0.0269,
    "ability": -0.0882,
    "twork": -0.0169,
}
SHARES = (0.60, 0.25, 0.15)  # of the latent variance: covariates, household, wave


def xu_households(*, seed: int = 2016) -> pd.DataFrame:
    """Return simulated households of a programme with published effects planted.

    3,062 households interviewed in 2014 and 2016, made after the published tables of
    a study of industrial poverty alleviation. **Nothing in it was measured.**

    Parameters
    ----------
    seed : int
        At least 0.

    Returns
    -------
    DataFrame, 6,124 rows
        Sorted by ``hh_id`` and ``period``; ``unit_id`` (a made-up county),
        ``region`` ("east" or "centre-west"), ``treated`` (74 %, the same in both
        waves), ``post`` (1 in 2016); covariates as the study abbreviates them:
        ``age, health`` (1 to 5), ``job, famsize, machine, subsidy, distance`` (km),
        ``hroad`` (%), ``lamp, edu, ability, twork``.

        Outcomes, in [0, 1], for the lines of 1.90 dollars, 2,300 yuan and 3.10
        dollars:

        =========================================== ===============================
        ``vul_1.9, vul_2300, vul_3.1``              the programme acts in 2016;
                                                    treated were already less
                                                    vulnerable: DID and PSM-DID find
                                                    the effect, matching does not
        ``vul_1.9_psm, vul_2300_psm, vul_3.1_psm``  it acts in both waves; who is
                                                    treated depends on covariates
                                                    only: matching finds the effect,
                                                    DID finds nothing
        =========================================== ===============================

        ``income_per_head`` (yuan a year) is drawn from the equation of vulnerability,
        with the programme acting in 2016: ``vulnerability``, then PSM-DID, finds it.

        ``attrs``: status "simulated", ``truth`` (by outcome: ``att``, and ``before``
        of the first three; of income also its coefficients), ``published`` (mean and
        sd by outcome), ``poverty_lines`` (yuan).

    Raises
    ------
    InputError
        If `seed` is not a whole number of at least 0.

    Notes
    -----
    *Why two sets of outcomes.* The study's matching estimates (-0.14) and its PSM-DID
    (treated differ by -0.19 before and by -0.34 after) contradict each other as one
    world, and its DID without covariates (-0.02) both. Each is planted by itself.

    *How.* Vulnerability without the programme is the normal distribution function of
    a latent index: covariates with the published slopes, what a household keeps, and
    what a wave brings. The programme takes away the same share of it from all
    treated, so that it stays in [0, 1]. Location, spread, the difference before and
    that share are solved for, so that mean, standard deviation and effects are
    exactly those published, in every seed. Nothing else changes between waves: both
    groups would have moved alike.

    Examples
    --------
    >>> homes = xu_households()
    >>> len(homes), homes.attrs["truth"]["vul_1.9"]["att"], homes.attrs["status"]
    (6124, -0.145, 'simulated')
    >>> [round(float(f), 4) for f in homes["vul_1.9"].agg(["mean", "std"])]
    [0.3744, 0.3572]
    """
    rng = np.random.default_rng(seed_of(seed))
    treated = rng.permutation(HOMES) < TREATED
    base = _covariates(rng, treated)
    table = _waves(base, treated, rng)
    on = table["treated"].to_numpy() == 1
    late = table["post"].to_numpy() == 1
    latent = _latent(base, rng)
    for name, line in LINES.items():
        table[f"vul_{name}"] = _planted(latent, on, late, line)
        table[f"vul_{name}_psm"] = _planted(latent, on, None, line)
    one = LINES["1.9"]
    goals = (one.mean, one.sd, one.before, one.did)
    table["income_per_head"], income = plant_income(table, SLOPES, goals, rng)
    table.attrs = {
        "title": f"Simulated households of a poverty programme (seed {seed})",
        "status": "simulated",
        "source": "simulated by geopoverty after the published tables of a study of "
        "industrial poverty alleviation and vulnerability (2014 and 2016)",
        "licence": "CC0 1.0",
        "attribution": "geopoverty (simulated)",
        "notes": ("Simulated data: nothing in it was measured.",),
        "truth": _truth() | {"income_per_head": income},
        "poverty_lines": dict(POVERTY_LINES),
        "published": {
            f"vul_{name}{end}": {"mean": line.mean, "sd": line.sd}
            for name, line in LINES.items()
            for end in ("", "_psm")
        },
    }
    return table


def seed_of(seed: int) -> int:
    """Check a seed.

    Examples
    --------
    >>> seed_of(3)
    3
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0; got {seed!r}.")
    return int(seed)


def _truth() -> dict[str, dict[str, Any]]:
    panel: dict[str, dict[str, Any]] = {
        f"vul_{n}": {"att": p.did, "before": p.before} for n, p in LINES.items()
    }
    return panel | {f"vul_{n}_psm": {"att": p.att} for n, p in LINES.items()}


def _covariates(rng: np.random.Generator, treated: Mask) -> pd.DataFrame:
    """Draw covariates of the first wave: published means of both arms."""
    n = len(treated)

    def mean(name: str) -> Array:
        return np.where(treated, ARMS[name][0], ARMS[name][1])

    def yes(name: str) -> Array:
        return (rng.random(n) < mean(name)).astype(int)

    def whole(name: str, sd: float, low: int, high: int) -> Array:
        return np.clip(np.round(rng.normal(mean(name), sd)), low, high).astype(int)

    m = mean("machine")
    # Most have no machine, some have many: a Poisson of a gamma.
    shape = 0.4289**2 / (1.1157**2 - 0.4289)
    share = mean("hroad") / 100
    size = 0.638 * 0.362 / 0.2476**2 - 1
    taught = rng.normal(mean("edu"), 2.43)
    nearest = np.abs(taught[:, None] - LEVELS).argmin(axis=1)
    return pd.DataFrame(
        {
            # Two years pass between the waves: the published mean is in between.
            "age": whole("age", 10.1, 18, 90) - 1,
            "health": whole("health", 1.02, 1, 5),
            "job": yes("job"),
            "famsize": whole("famsize", 1.8, 1, 14),
            "machine": rng.poisson(rng.gamma(shape, m / shape)),
            "subsidy": yes("subsidy"),
            "distance": np.round(rng.gamma(1.083, mean("distance") / 1.083), 1),
            "hroad": np.round(100 * rng.beta(share * size, (1 - share) * size), 1),
            "lamp": yes("lamp"),
            "edu": LEVELS[nearest],
            "ability": yes("ability"),
            "twork": rng.binomial(8, mean("twork") / 8),
        }
    )


def _waves(base: pd.DataFrame, treated: Mask, rng: np.random.Generator) -> pd.DataFrame:
    """Lay the households out in two waves; families and jobs change a little."""
    n = len(base)
    county = rng.integers(0, COUNTIES, n)
    keys = pd.DataFrame(
        {
            "hh_id": [f"h{i:04d}" for i in range(1, n + 1)],
            "unit_id": [f"c{c:03d}" for c in county],
            "region": np.where(county < COUNTIES // 3, "east", "centre-west"),
            "treated": treated.astype(int),
        }
    )
    later = base.assign(age=base["age"] + 2)
    for name in ("famsize", "twork"):
        # One in ten gains and one in ten loses a person, where there is one to lose.
        step = rng.choice([-1, 0, 1], n, p=[0.1, 0.8, 0.1])
        least = 1 if name == "famsize" else 0
        later[name] = np.maximum(base[name] + step, least)
    waves = [
        pd.concat([keys.assign(period=p, post=k), part], axis=1)
        for k, (p, part) in enumerate(zip(PERIODS, (base, later), strict=True))
    ]
    both = pd.concat(waves).sort_values(["hh_id", "period"], kind="stable")
    return both.reset_index(drop=True)


def _latent(base: pd.DataFrame, rng: np.random.Generator) -> Array:
    """Return the latent index of each row, two a household, of variance 1."""
    index = sum(v * base[k].to_numpy(np.float64) for k, v in SLOPES.items())
    seen = np.asarray((index - np.mean(index)) / np.std(index))
    kept = rng.normal(size=len(base))
    wave = rng.normal(size=2 * len(base))
    a, b, c = np.sqrt(SHARES)
    return np.asarray(np.repeat(a * seen + b * kept, 2) + c * wave)


def _planted(latent: Array, on: Mask, late: Mask | None, line: Line) -> Array:
    """Return vulnerability with the published moments and effects, exactly.

    Parameters
    ----------
    latent : array, shape (n,)
    on : array of bool, shape (n,)
        Treated.
    late : array of bool, shape (n,), or None
        Rows in which the programme acts; None for all, without a difference before.
    line : Line
    """
    acts = on if late is None else on & late
    effect = line.att if late is None else line.did

    def outcome(p: Array) -> tuple[Array, float]:
        gap = 0.0 if late is None else p[2]
        without = special.ndtr(p[0] + p[1] * (latent - gap * on))
        share = -effect / without[acts].mean()
        like = special.ndtr(p[0] + p[1] * latent)
        early = on if late is None else on & ~late
        return without * (1 - share * acts), float((without - like)[early].mean())

    def missed(p: Array) -> list[float]:
        y, before = outcome(p)
        found = [y.mean() - line.mean, y.std(ddof=1) - line.sd]
        return found if late is None else [*found, before - line.before]

    start = [0.0, 1.5] if late is None else [0.3, 1.5, 0.5]
    solved = optimize.root(missed, start)
    if not solved.success:
        raise EstimationError("The published moments cannot be met with these draws.")
    return np.asarray(outcome(solved.x)[0])


PUBLISHED_DID: Mapping[str, tuple[float, float]] = {
    # Table 2: without and with covariates.
    "1.9": (-0.0223, -0.1697),
    "2300": (-0.0229, -0.1801),
    "3.1": (-0.0348, -0.1917),
}

"""A simulated village: 73 households that answer a questionnaire on its measures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg

from geopoverty.data.simulated.xu import seed_of
from geopoverty.numerics.types import Array

HOMES, POOR, SENT_OUT = 73, 59, 76
MEASURES = (
    "dividends",
    "cooperative",
    "breeding",
    "employment",
    "infrastructure",
    "technology",
    "finance",
    "goods",
)
# Published: how the head's age goes with knowing of each measure, once being poor and
# years of schooling are held fixed. -.028 has p = .818 only from -.0279 to -.0277.
PARTIAL = (-0.676, -0.644, -0.663, -0.551, -0.557, -0.541, -0.0278, -0.499)
HALF_DIGIT, HALF_P = 4e-4, 5e-5  # nearer than rounding to three digits asks for
# Published: Table 2 (counts; 59 households name a cause) and Table 4.
AGES = (("under 25", 0), ("25-40", 4), ("40-60", 27), ("over 60", 42))
AGE_RANGES = {"25-40": (26, 40), "40-60": (41, 60), "over 60": (61, 86)}
SCHOOLING = (("primary school", 55), ("junior school", 14), ("high school", 4))
CAUSES = {
    "illness": 1,
    "disability": 1,
    "study": 0,
    "technology": 8,
    "labour": 8,
    "funds": 41,
}
INCOMES = {
    "planting": 55,
    "breeding": 11,
    "business": 1,
    "wages": 24,
    "state_support": 38,
    "industry_funds": 56,
}
INFORMED = 56  # of 73 (76.7 %) hear of measures from cadres or at the assembly
# Ours: the rest is not published, but for "exceeds 80 %" of the poor in breeding.
CHANNELS = {
    "television or radio": 16,
    "phone or computer": 1,
    "cadres": 38,
    "assembly": 18,
}
KNOWING = (0.44, 0.4, 0.5, 0.36, 0.5, 0.36, 0.72, 0.75)  # mean score, 0 to 1
TAKING_PART = {  # poor, not poor
    "dividends": (59, 10),
    "cooperative": (21, 4),
    "breeding": (49, 3),
    "employment": (17, 3),
    "infrastructure": (34, 9),
    "technology": (18, 4),
    "finance": (55, 4),
    "goods": (57, 3),
}
WANTING = (0.85, 0.62, 0.55, 0.5, 0.6, 0.5, 0.8, 0.9)


def village_survey(*, seed: int = 2021) -> pd.DataFrame:
    """Return 73 simulated questionnaires of a village with eight measures.

    Made after the published tables of a study of who is reached by industrial poverty
    alleviation in a village of Shanxi. **Nothing in it was measured.**

    Parameters
    ----------
    seed : int
        At least 0.

    Returns
    -------
    DataFrame, 73 rows
        Indexed by ``hh_id``: ``poor`` (1 yes, 2 no, as on the questionnaire),
        ``age, age_group, schooling`` (years) and ``school`` of the head;
        ``household_size``, ``away`` (members working elsewhere); ``channel`` (how it
        hears of measures, 1 to 4); ``cause_illness``, ... (rank of a cause of poverty,
        -2 when not named; of the poor); ``knows_dividends``, ... (1 to 5),
        ``wants_dividends``, ... and ``joins_dividends``, ... (0 or 1) of eight
        measures; ``income_planting``, ... (0 or 1: sources of income); ``income`` (yuan
        a head and year), ``industry_income`` (yuan a year, from local measures).

        ``attrs``: status "simulated"; ``published``: the printed numbers.

    Raises
    ------
    InputError
        If `seed` is not a whole number of at least 0.

    Notes
    -----
    Whatever the seed, exactly as published: 59 poor of 73, ages, schooling, first
    causes of poverty, sources of income (185 answers), 56 who hear of measures from
    cadres or at the assembly, the eight partial correlations of the head's age with
    knowing of each measure (to three digits). More than 80 % of the poor join
    breeding. All the rest is ours: the study does not print it.

    Examples
    --------
    >>> homes = village_survey()
    >>> len(homes), (homes["poor"] == 1).sum().item(), homes.attrs["status"]
    (73, 59, 'simulated')
    """
    rng = np.random.default_rng(seed_of(seed))
    poor = np.zeros(HOMES, dtype=int)
    poor[rng.permutation(HOMES)[:POOR]] = 1
    heads = _heads(rng)
    schooling, school = _schooling(heads["age"].to_numpy(), rng)
    parts = [
        heads.assign(schooling=schooling, school=school),
        _family(rng),
        _causes(poor, rng),
        _knowledge(heads["age"].to_numpy(), poor, schooling, rng),
    ]
    table = pd.concat(parts, axis=1)
    table.insert(0, "poor", np.where(poor == 1, 1, 2))
    table = pd.concat([table, _joining(table, poor, rng), _money(poor, rng)], axis=1)
    table.index = pd.Index([f"p{i:02d}" for i in range(1, HOMES + 1)], name="hh_id")
    table.attrs = _attrs(seed)
    return table


def _heads(rng: np.random.Generator) -> pd.DataFrame:
    """Return ages in their published groups, in random order."""
    groups = rng.permutation(np.repeat([g for g, _ in AGES], [n for _, n in AGES]))
    age = np.array(
        [
            rng.integers(low, high + 1)
            for low, high in (AGE_RANGES[str(g)] for g in groups)
        ]
    )
    return pd.DataFrame({"age": age, "age_group": groups.astype(object)})


def _schooling(age: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return years and level: the younger went to school for longer."""
    counts = [n for _, n in SCHOOLING]
    level = np.empty(HOMES, dtype=int)
    oldest_first = np.argsort(-(age + rng.normal(0, 12, HOMES)))
    level[oldest_first] = np.repeat(np.arange(len(counts)), counts)
    years = np.choose(
        level,
        [
            rng.integers(1, 7, HOMES),
            rng.integers(7, 10, HOMES),
            rng.integers(10, 13, HOMES),
        ],
    )
    names = np.array([name for name, _ in SCHOOLING], dtype=object)
    return years, names[level]


def _family(rng: np.random.Generator) -> pd.DataFrame:
    """Return sizes from 1 to 4, of whom a third work elsewhere; the channel."""
    size = rng.choice([1, 2, 3, 4], HOMES, p=[0.2, 0.42, 0.22, 0.16])
    channel = np.repeat(np.arange(1, 5), list(CHANNELS.values()))
    return pd.DataFrame(
        {
            "household_size": size,
            "away": rng.binomial(size, 1 / 3),
            "channel": rng.permutation(channel),
        }
    )


def _causes(poor: Array, rng: np.random.Generator) -> pd.DataFrame:
    """Return ranks of causes; the first ones of the poor as published."""
    names = list(CAUSES)
    ranks = np.full((HOMES, len(names)), -2)
    firsts = rng.permutation(np.repeat(np.arange(len(names)), list(CAUSES.values())))
    for row, top in zip(np.flatnonzero(poor), firsts, strict=True):
        others = rng.permutation([j for j in range(len(names)) if j != top])
        for rank, j in enumerate([top, *others[: rng.integers(0, 4)]], start=1):
            ranks[row, j] = rank
    return pd.DataFrame(ranks, columns=[f"cause_{n}" for n in names])


def _knowledge(
    age: Array, poor: Array, schooling: Array, rng: np.random.Generator
) -> pd.DataFrame:
    """Return what is known of each measure, 1 to 5, with the published correlations."""
    held = np.column_stack([np.ones(HOMES), poor, schooling])
    aim = _Aim.at(age.astype(np.float64), held)
    scores = {}
    for measure, target, level in zip(MEASURES, PARTIAL, KNOWING, strict=True):
        latent = target * aim.left * np.sqrt(HOMES)
        latent = latent + np.sqrt(1 - target**2) * rng.normal(size=HOMES)
        cuts = np.quantile(latent, _shares(level))
        start = 1 + np.searchsorted(cuts, latent).astype(np.float64)
        near = HALF_P if abs(target) < 0.1 else HALF_DIGIT
        scores[f"knows_{measure}"] = aim.reach(start, target, near, rng).astype(int)
    return pd.DataFrame(scores)


def _shares(level: float) -> Array:
    """Return where five scores part when their mean is `level` of the way up."""
    at = np.arange(5)
    binomial = np.array([1, 4, 6, 4, 1]) * level**at * (1 - level) ** (4 - at)
    return np.asarray(np.cumsum(0.6 * binomial + 0.08)[:-1])


@dataclass(frozen=True, eq=False)
class _Aim:
    """What is left of age, and how to give scores a partial correlation with it."""

    left: Array  # length 1
    maker: Array  # what it leaves of a column, held columns taken out

    @classmethod
    def at(cls, age: Array, held: Array) -> "_Aim":
        basis = linalg.qr(held, mode="economic")[0]
        maker = np.eye(len(age)) - basis @ basis.T
        rest = maker @ age
        return cls(rest / np.linalg.norm(rest), maker)

    def reach(
        self, scores: Array, target: float, near: float, rng: np.random.Generator
    ) -> Array:
        """Exchange answers between households until the correlation is there.

        Their frequencies stay. Of all exchanges the one that comes nearest is made;
        where none comes nearer, any, so that the search does not get stuck.
        """
        scores = scores.copy()
        apart = np.diag(self.maker)[:, None] + np.diag(self.maker) - 2 * self.maker
        rest = self.maker @ scores
        off = abs(self.left @ rest / np.linalg.norm(rest) - target)
        while off > near:
            step = scores[None, :] - scores[:, None]  # what row i gains from j
            top = self.left @ rest + step * (self.left[:, None] - self.left)
            square = rest @ rest + step * (2 * (rest[:, None] - rest) + step * apart)
            tried = np.abs(top / np.sqrt(square) - target)
            i, j = np.divmod(int(tried.argmin()), HOMES)
            if not tried[i, j] < off:
                i, j = rng.integers(0, HOMES, 2)
            scores[[i, j]] = scores[[j, i]]
            rest = self.maker @ scores
            off = abs(self.left @ rest / np.linalg.norm(rest) - target)
        return scores


def _joining(
    table: pd.DataFrame, poor: Array, rng: np.random.Generator
) -> pd.DataFrame:
    """Return who wants a measure and who takes part; the known want it more."""
    wants, joins = {}, {}
    for measure, share in zip(MEASURES, WANTING, strict=True):
        known = (table[f"knows_{measure}"].to_numpy() - 1) / 4
        want = (rng.random(HOMES) < np.clip(share + 0.4 * (known - 0.5), 0, 1)).astype(
            int
        )
        join = np.zeros(HOMES, dtype=int)
        for group, count in zip((1, 0), TAKING_PART[measure], strict=True):
            rows = np.flatnonzero(poor == group)
            keen = want[rows] + 0.6 * known[rows] + rng.gumbel(0, 0.5, len(rows))
            join[rows[np.argsort(-keen)[:count]]] = 1
        wants[f"wants_{measure}"], joins[f"joins_{measure}"] = want, join
    return pd.DataFrame({**wants, **joins})


def _money(poor: Array, rng: np.random.Generator) -> pd.DataFrame:
    """Return sources of income as published, and incomes of our own."""
    table = {}
    for name, count in INCOMES.items():
        # Support and funds go to the poor first.
        lean = 3.0 if name in ("state_support", "industry_funds") else 0.0
        keen = lean * poor + rng.gumbel(0, 1, HOMES)
        chosen = np.zeros(HOMES, dtype=int)
        chosen[np.argsort(-keen)[:count]] = 1
        table[f"income_{name}"] = chosen
    log_income = rng.normal(np.where(poor == 1, 8.95, 9.4), 0.35)
    funds = table["income_industry_funds"] * rng.gamma(4, 450, HOMES)
    return pd.DataFrame(
        {
            **table,
            "income": np.round(np.exp(log_income), -1),
            "industry_income": np.round(funds, -1),
        }
    )


def _attrs(seed: int) -> dict[str, object]:
    return {
        "title": f"Simulated questionnaires of a village (seed {seed})",
        "status": "simulated",
        "source": "simulated by geopoverty after the published tables of a study of "
        "industrial poverty alleviation in a village of Shanxi",
        "licence": "CC0 1.0",
        "attribution": "geopoverty (simulated)",
        "notes": ("Simulated data: nothing in it was measured.",),
        "channels": dict(enumerate(CHANNELS, start=1)),
        "measures": list(MEASURES),
        "published": published_margins(),
    }


def published_margins() -> dict[str, Mapping[str, float]]:
    """Return the numbers that the study prints and every seed has.

    Examples
    --------
    >>> published_margins()["income_sources"]["planting"]
    55
    """
    printed = {m: round(r, 3) for m, r in zip(MEASURES, PARTIAL, strict=True)}
    return {
        "questionnaires": {"sent_out": SENT_OUT, "valid": HOMES},
        "poor": {"yes": POOR, "no": HOMES - POOR},
        "age_group": dict(AGES),
        "school": dict(SCHOOLING),
        "first_cause": dict(CAUSES),
        "income_sources": dict(INCOMES),
        "informed_by_cadres_or_assembly": {"count": INFORMED},
        "partial_correlation": printed,
    }


def village_modes() -> pd.DataFrame:
    """Return what a study says of four ways to deliver industrial poverty alleviation.

    Its words on each way, coded: 0 for none or low, 0.5 for some, indirect or moderate,
    1 for full or high.

    Returns
    -------
    DataFrame, 4 rows
        ``mode``; ``resources`` (and opportunities), ``skills`` (and knowledge),
        ``values``: the three levels of empowerment; ``participation``, ``income`` (how
        much it adds) and ``stability`` of that income. ``attrs``: status "modelled",
        source, notes.

    Notes
    -----
    The study words its findings and scores nothing: the codes are ours. It gives the
    cooperative's income as "relatively stable" without a size, coded 0.5 for both.

    Examples
    --------
    >>> village_modes().set_index("mode").loc["shares", "skills"].item()
    0.0
    """
    words = {  # resources, skills, values, participation, income, stability
        "shares": (1.0, 0.0, 0.0, 0.0, 1.0, 1.0),
        "cooperative": (1.0, 1.0, 0.5, 1.0, 0.5, 0.5),
        "self-run": (1.0, 1.0, 0.5, 1.0, 0.0, 0.0),
        "employment": (1.0, 1.0, 1.0, 0.5, 0.5, 1.0),
    }
    levels = ["resources", "skills", "values", "participation", "income", "stability"]
    table = pd.DataFrame.from_dict(words, orient="index", columns=levels)
    table = table.rename_axis("mode").reset_index()
    table.attrs = {
        "title": "Four ways of industrial poverty alleviation, coded from words",
        "status": "modelled",
        "source": "coded by geopoverty from the text of a study of industrial poverty "
        "alleviation in a village of Shanxi",
        "licence": "CC0 1.0",
        "attribution": "geopoverty",
        "notes": ("The study scores nothing: the codes are a reading of its words.",),
    }
    return table

"""Incomes of simulated households, from the equation of vulnerability itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special

from geopoverty.errors import EstimationError
from geopoverty.numerics.types import Array, Mask

# Yuan a head and year, in the ratios that the published mean vulnerabilities imply.
POVERTY_LINES: Mapping[str, float] = {"1.9": 2700.0, "2300": 2970.0, "3.1": 4405.0}
VARIANCE: Mapping[str, float] = {"Intercept": 0.30, "famsize": 0.02}
YEARS_BETWEEN = 2


def plant_income(
    table: pd.DataFrame,
    slopes: Mapping[str, float],
    published: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> tuple[Array, dict[str, Any]]:
    """Draw incomes whose true vulnerability has published moments and effects.

    ln income = a - k slopes'x + d treated + g treated post + h post + e, e normal with
    a variance linear in the size of the family. k, a, d and g are solved for.

    Parameters
    ----------
    table : DataFrame, n rows
        Covariates, ``treated`` and ``post``.
    slopes : mapping
        What moves vulnerability, by covariate.
    published : tuple of float
        Of the first line: mean and standard deviation of vulnerability, treated less
        like controls before, and the effect of the programme.
    rng : Generator

    Returns
    -------
    income : array, shape (n,)
        Yuan a head.
    truth : dict
        ``log_income`` and ``variance``: coefficients by term; ``att`` and ``before``:
        by line, on the scale of vulnerability.

    Raises
    ------
    EstimationError
        If the moments cannot be met with these covariates.
    """
    on, late = (table[c].to_numpy() == 1 for c in ("treated", "post"))
    index = -np.sum([v * table[c].to_numpy() for c, v in slopes.items()], axis=0)
    # All age between waves; the wave takes it back, so that nobody drifts.
    index = index + slopes["age"] * YEARS_BETWEEN * late
    middle, spread = float(index.mean()), float(index.std())
    seen = (index - middle) / spread
    size = table["famsize"].to_numpy()
    sd = np.sqrt(VARIANCE["Intercept"] + VARIANCE["famsize"] * size)
    world = _World(seen, sd, on, late)
    first = np.log(POVERTY_LINES["1.9"])
    found = optimize.root(
        lambda p: np.subtract(world.moments(p, first), published),
        [8.3, 1.1, 0.4, 0.5],
    )
    if not found.success:
        raise EstimationError("The published moments cannot be met with these draws.")
    a, k, d, g = (float(v) for v in found.x)
    income = np.exp(world.mean(found.x, on, late) + sd * rng.normal(size=len(sd)))
    step = k / spread
    truth: dict[str, Any] = {
        "log_income": {
            "Intercept": a - step * middle,
            **{c: -step * v for c, v in slopes.items()},
            "treated": d,
            "post": step * slopes["age"] * YEARS_BETWEEN,
            "treated:post": g,
        },
        "variance": dict(VARIANCE),
    }
    by_line = {n: world.moments(found.x, np.log(z)) for n, z in POVERTY_LINES.items()}
    truth["before"] = {n: m[2] for n, m in by_line.items()}
    truth["att"] = {n: m[3] for n, m in by_line.items()}
    return np.asarray(income), truth


class _World:
    """What households expect, with and without the programme."""

    def __init__(self, seen: Array, sd: Array, on: Mask, late: Mask) -> None:
        self.seen, self.sd, self.on, self.late = seen, sd, on, late

    def mean(self, p: Any, on: Mask, acts: Mask) -> Array:
        """Return expected log income of those treated, where the programme acts."""
        return np.asarray(p[0] + p[1] * self.seen + on * (p[2] + p[3] * acts))

    def moments(self, p: Any, line: float) -> tuple[float, float, float, float]:
        """Return mean, deviation, difference before, and effect."""

        def chance(on: Mask, acts: Mask) -> Array:
            return np.asarray(special.ndtr((line - self.mean(p, on, acts)) / self.sd))

        never, nobody = np.zeros_like(self.late), np.zeros_like(self.on)
        risk, without = chance(self.on, self.late), chance(self.on, never)
        early, after = self.on & ~self.late, self.on & self.late
        before = (without - chance(nobody, never))[early].mean()
        effect = (risk - without)[after].mean()
        return float(risk.mean()), float(risk.std(ddof=1)), float(before), float(effect)

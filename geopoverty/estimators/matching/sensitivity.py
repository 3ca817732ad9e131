"""How strong a hidden bias would have to be to undo the finding."""

import numpy as np
import pandas as pd

from geopoverty.estimators.matching.engine import Matched
from geopoverty.numerics.hidden_bias import rosenbaum_bounds

GAMMAS = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5, 3.0)


def sensitivity_table(matched: Matched, outcomes: tuple[str, ...]) -> pd.DataFrame:
    """Return Rosenbaum's bounds for each outcome over odds of hidden bias.

    The differences are those of treated rows from the mean of their controls, so
    that with several controls a row the test is an approximation.
    """
    gammas = np.array(GAMMAS)
    parts = []
    for j, outcome in enumerate(outcomes):
        found = rosenbaum_bounds(matched.gains[:, j], gammas)
        table = pd.DataFrame({"outcome": outcome, "gamma": gammas, **vars(found)})
        parts.append(table)
    return pd.concat(parts, ignore_index=True)

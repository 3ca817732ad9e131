"""An atlas with every kind of page and indicator, for tests that look at all of it."""

import numpy as np
import pandas as pd
from atlas_pages import grid
from scipy import sparse

from geopoverty.atlas import Atlas, MapStyle
from geopoverty.estimators.binary import logit
from geopoverty.estimators.curves import survival_curves
from geopoverty.weights import SpatialWeights

COLUMNS, ROWS = 6, 4


def whole_atlas() -> Atlas:
    """Return an atlas of two dozen counties that leaves no page out."""
    counties = grid(COLUMNS, ROWS)
    ids, now = counties.index, numbers(counties)
    weights = borders(ids)
    fit = logit("poor ~ jobs + W(jobs)", now, weights=weights, vcov="iid")
    both = pd.concat([now.assign(period=p, rate=now["rate"] + p - 2020)
                      for p in (2010, 2020)])  # fmt: skip
    effect = pd.DataFrame({"effect": now["jobs"] / 10, "unit_id": ids})
    effect = effect.assign(
        low=effect["effect"] - 0.1, high=effect["effect"] + 0.1,
        p=np.where(effect["effect"].abs() > 0.1, 0.01, 0.4),
    )  # fmt: skip
    said = {"weights": weights, "column": "jobs", "label": "Jobs", "unit": "thousand"}
    wide = pd.DataFrame(np.arange(60.0).reshape(2, 30)).add_prefix("a long heading ")
    return (
        Atlas(counties, title="Every page", group="state")
        .add(
            both, "rate", label="Poor families", unit="%", period="period",
            style=MapStyle(classes=4), description="Families below the line.",
        )
        .add(
            effect, "effect", label="Effect", unit="points", interval=("low", "high"),
            p_value="p", style=MapStyle(diverging=True),
        )
        .add_classes(
            now.assign(land=np.resize(["farms", "steppe", "forest"], len(now))), "land",
            label="Land use", description="What covers most of it.",
        )
        .add_bivariate(
            now, ("rate", "jobs"), labels=("Poor", "Jobs"), units=("%", "thousand")
        )
        .add_result(fit, title="What was found", text="First.\n\nSecond.")
        .add_table(wide, title="A wide table")
        .add_table(_findings(), title="In words")
        .peers(now, {"road": "Roads"}, better={"Poor families": "lower"}, k=4)
        .add_curves(_curves(now), title="Still poor", unit="years",
                    group_of=counties["state"])
        .add_spillovers(fit, now, outcome="Chance of being poor", **said)
        .add_scenario(fit, now, outcome="Chance of being poor", **said)
    )  # fmt: skip


def _findings():
    long = "Where many work, few are poor; what comes first the data do not say. " * 3
    return pd.DataFrame({"what": [long, "Short"], "share": [0.25, 12345.5]})


def numbers(counties):
    """Return a table of these counties."""
    rng = np.random.default_rng(3)
    jobs, n = rng.normal(size=len(counties)), len(counties)
    return pd.DataFrame(
        {
            "unit_id": counties.index,
            "state": counties["state"].to_numpy(),
            "jobs": jobs,
            "road": rng.uniform(size=n),
            "rate": np.where(np.arange(n) == 11, np.nan, 20 - 3 * jobs),
            "poor": (jobs + rng.normal(size=n) < 0) * 1.0,
            "years": rng.integers(1, 9, n),
            "left": rng.integers(0, 2, n),
        }
    )


def borders(ids):
    """Return weights between counties that share a side."""
    at = np.array([(i % COLUMNS, i // COLUMNS) for i in range(len(ids))])
    near = np.abs(at[:, None] - at[None]).sum(axis=2) == 1
    shares = near / near.sum(axis=1, keepdims=True)
    return SpatialWeights(ids, sparse.csr_array(shares), standardize="row")


def _curves(table):
    return survival_curves(table, duration="years", exited="left", by="state")

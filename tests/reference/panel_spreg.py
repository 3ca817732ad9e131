"""Spatial panels of the bundled counties by spreg. Run: python panel_spreg.py."""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import spreg

import geopoverty as gp

OUTCOME = "homicide_rate"
COVARIATES = ["resource_deprivation", "population_structure"]
PERIODS = [1970, 1980, 1990]  # of the example in spreg's documentation
NOTES = [
    "Fixed effects of units. Covariances are spreg's own: its information counts the "
    "fixed effects as known (no Lee-Yu correction).",
    "Its search stops within 1e-7 of the best coefficient.",
]


def wide(table, name, units):
    shaped = table.pivot_table(name, "unit_id", "period").loc[units, PERIODS]
    return shaped.to_numpy()


def answers(model, weights):
    table = gp.datasets.us_county_panel()
    units = list(weights.units)
    w = weights.to_w()
    w.transform = "r"
    assert list(w.id_order) == units
    y = wide(table, OUTCOME, units)
    X = np.hstack([wide(table, name, units) for name in COVARIATES])
    fit = spreg.ML_ErrorFE if model == "error" else spreg.ML_LagFE
    lags = {"slx_lags": 1} if model == "durbin" else {}
    found = fit(y, X, w, **lags)
    return {
        "estimates": found.betas.ravel().tolist(),
        "vcov": found.vm.tolist(),
        "sigma2": float(np.squeeze(found.sig2)),
        "log_likelihood": float(np.squeeze(found.logll)),
    }


def main():
    warnings.simplefilter("ignore")
    counties = gp.datasets.us_counties()
    weights = {
        "queen": gp.contiguity_weights(counties),
        "nearest_6": gp.knn_weights(counties, k=6),
    }
    packages = ("spreg", "libpysal", "numpy", "scipy")
    content = {
        "made_with": {p: version(p) for p in packages},
        "notes": NOTES,
        "outcome": OUTCOME,
        "covariates": COVARIATES,
        "periods": PERIODS,
        "weights": {
            name: {m: answers(m, w) for m in ("lag", "error", "durbin")}
            for name, w in weights.items()
        },
    }
    path = Path(__file__).with_name("panel_spreg.json")
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()

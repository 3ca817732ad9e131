"""Tests of what spatial dependence a plain logit or probit leaves."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import refuse_separation, require_option
from geopoverty._progress import stages
from geopoverty.design import Design
from geopoverty.design.sample import (
    Sample,
    cell_table,
    cells_of,
    sample_of,
    sampled_design,
)
from geopoverty.effects.dependence import verdict_notes, verdict_table
from geopoverty.errors import InputError
from geopoverty.numerics.binary import BinaryFit, fit_binary
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.dependence import (
    PlainFit,
    dependence_tests,
    fitting_shift,
    morans_i,
)
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.types import Matrix
from geopoverty.provenance import arrays_of, provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import as_weights
from geopoverty.weights.spatial import notes_with_islands

SHIFTED = 0.25  # standard deviations that fitting moves u'Wu by: above it, say so


def spatial_binary_tests(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: Any,
    link: str = "logit",
    unit: str | Sample | None = None,
) -> Result:
    """Test a plain logit or probit for spatial dependence.

    Parameters
    ----------
    formula : str
        ``"poor ~ jobs + age"``: the model without dependence. The outcome is 0 or
        1. With ``W(x)`` it is the model of spillovers that is tested.
    data : DataFrame, n rows
        Rows with a missing value are dropped and counted. Never modified.
    weights : SpatialWeights, libpysal Graph or W
        Between the units of `data`. Units without a neighbour have a lag of 0.
    link : {"logit", "probit"}
    unit : str or Sample, optional
        Column of unit ids for the household form: many rows a unit, neighbours
        acting through the means of units. When not given, every row is one unit,
        named by the column or index ``unit_id``. ``Sample(unit, period)`` has
        neighbours act within a period.

    Returns
    -------
    Result
        ``tables["tests"]``: a row per test with ``test, statistic, df, p_value,
        law`` ("chi2" or "normal") and ``against``, the alternative in words.
        ``estimates`` and ``vcov`` (inverse of the observed information) are those
        of the model without dependence. ``units``: a row per unit (and period) with
        rows, outcome, probability, mean generalised residual (``residual``) and
        its spatial lag (``residual_lag``). ``facts["morans_i"]`` is Moran's I of
        ``residual``: a description, for its null law is not the usual one.

    Raises
    ------
    InputError
        For unknown or collinear columns, an outcome that is not 0/1 or does not
        vary, units that rows and weights do not share, several rows a unit without
        `unit`, weights without a link, or sampling weights.
    EstimationError
        If a covariate separates the outcome perfectly.

    Notes
    -----
    All are score tests: only the model without dependence is fitted. With u the
    generalised residual f (y - F) / (F (1 - F)), v its variance, Vg the variance of
    (W X b)'u net of the covariates and T = sum (w_ij^2 + w_ij w_ji) v_i v_j:

    * LM-error is (u'Wu)^2 / T. It is also the score test of log-odds whose
      unobserved parts have a covariance proportional to W + W'.
    * LM-lag is ((W X b)'u + c u'Wu)^2 / (Vg + c^2 T). For a probit c = 1: a latent
      error is expected to be u. For a logit it is about 3 u, and c is the ratio on
      average.
    * LM-SLX adds the lags of all covariates that lags do not repeat, the constant
      left out; LM-Durbin adds them and the lag.
    * A robust test is right whether or not there is a little of the other kind
      [1]_. Robust LM-lag is ((W X b)'u)^2 / Vg, which is also the score test of
      a log-odds lag logit.

    Where both LM-lag and LM-error reject, the robust forms tell which is the one.
    If every row of W sums to 1, LM-Durbin is LM-SLX plus LM-error.

    Laws hold for many units with few neighbours each. Dense weights make the tests
    of lag and error reject less often than they say; a note tells when.

    Kelejian-Prucha [2]_, Pinkse [3]_ and Pinkse-Slade [4]_ are as in spreg's
    Probit. For a logit they are the same formulas with the logit's residuals:
    Kelejian-Prucha squared is then LM-error.

    In the household form W_N = Z W Zbar' takes the place of W (Z the rows' units,
    Zbar' the means over a unit's rows), at the cost of units and not of rows.

    References
    ----------
    .. [1] Bera, A. K. & Yoon, M. J. (1993). Specification testing with locally
       misspecified alternatives. Econometric Theory 9, 649-658; Anselin, L., Bera,
       A. K., Florax, R. & Yoon, M. J. (1996). Simple diagnostic tests for spatial
       dependence. Regional Science and Urban Economics 26, 77-104.
    .. [2] Kelejian, H. H. & Prucha, I. R. (2001). On the asymptotic distribution of
       the Moran I test statistic. Journal of Econometrics 104, 219-257.
    .. [3] Pinkse, J. (2004). Moran-flavored tests with nuisance parameters:
       examples. In Advances in Spatial Econometrics, 67-77. Springer.
    .. [4] Pinkse, J. & Slade, M. E. (1998). Contracting in space. Journal of
       Econometrics 85, 125-154.

    Examples
    --------
    >>> from geopoverty.weights import SpatialWeights
    >>> ids = [f"{i:03d}" for i in range(12)]
    >>> ring = np.roll(np.eye(12), 1, axis=1) + np.roll(np.eye(12), -1, axis=1)
    >>> towns = pd.DataFrame(
    ...     {
    ...         "unit_id": ids,
    ...         "jobs": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
    ...         "poor": [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1],
    ...     }
    ... )
    >>> w = SpatialWeights(ids, ring / 2, standardize="row")
    >>> found = spatial_binary_tests("poor ~ jobs", towns, weights=w)
    >>> p = found.tables["tests"].set_index("test")["p_value"]
    >>> round(float(p["LM-error"]), 4)
    0.0505
    """
    require_option(link, tuple(LINKS), "link")
    sample, held = sample_of(unit), as_weights(weights)
    _refuse_sampling_weights(sample)
    design = sampled_design(formula, data, held, sample)
    cells = cells_of(design.rows, held, sample, alone=unit is None)
    with stages(f"Testing {len(design.y):,} rows, step") as stepped:
        fit = fit_binary(design.X, design.y, LINKS[link], stepped=stepped)
        refuse_separation(fit.separating, design.names, design.formula.outcome)
        plain = PlainFit(design.X, design.y, fit.beta, LINKS[link])
        lagged = np.flatnonzero(np.array(design.names) != "Intercept")
        verdicts = dependence_tests(plain, held.matrix, cells, lagged)
        shift = fitting_shift(plain, held.matrix, cells)
    units = _units(design, plain, (held.matrix, cells), sample)
    vcov = inverse(fit.information)
    return Result(
        estimator="spatial_binary_tests",
        estimates=pd.Series(fit.beta, index=design.names),
        vcov=pd.DataFrame(vcov, index=design.names, columns=design.names),
        units=units,
        facts={
            **_facts(design, cells, fit),
            "link": link,
            "morans_i": morans_i(held.matrix, cells, units["residual"].to_numpy()),
            "vcov": "inverse information",
        },
        tables={"tests": verdict_table(verdicts)},
        notes=(
            *design.notes,
            *_law_notes(cells, link, shift),
            *verdict_notes(verdicts, len(lagged), "the covariates"),
            *notes_with_islands(held),
        ),
        provenance=provenance(
            formula,
            {"link": link, "unit": unit, "weights": held},
            [design.y, design.X, *arrays_of(held.matrix)],
            sources_of(data, held),
        ),
    )


def _refuse_sampling_weights(sample: Sample) -> None:
    if sample.sampling_weight is not None:
        raise InputError(
            "spatial_binary_tests knows the law of its statistics for unweighted "
            f"rows only; got sampling_weight='{sample.sampling_weight}'. Leave it "
            "out, and add to the covariates what the sample was drawn by."
        )


def _units(
    design: Design, plain: PlainFit, space: tuple[Matrix, Cells], sample: Sample
) -> pd.DataFrame:
    W, cells = space
    residual = cells.mean(plain.residual)
    return cell_table(design, cells, sample).assign(
        probability=cells.mean(plain.link.probability(plain.eta)),
        residual=residual,
        residual_lag=lag_cells(W, cells, residual),
    )


def _facts(design: Design, cells: Cells, fit: BinaryFit) -> dict[str, Any]:
    facts = {
        "n_obs": len(design.y),
        "n_dropped": design.dropped,
        "n_units": cells.units,
        "outcome": design.formula.outcome,
        "share_of_ones": float(design.y.mean()),
        "log_likelihood": fit.loglik,
    }
    return facts | ({"n_periods": cells.periods} if cells.periods > 1 else {})


def _law_notes(cells: Cells, link: str, shift: float) -> list[str]:
    """Say where the stated laws are not the whole truth."""
    notes = []
    if not cells.alone:
        notes.append(
            "The tests take the rows of a unit for independent given the covariates. "
            "What a unit's rows share unobserved makes them reject too often."
        )
    if abs(shift) > SHIFTED:
        notes.append(
            f"Fitting alone moves u'Wu by {shift:.2f} of its standard deviations: the "
            "units are few, or the weights average over many. Tests of lag and error "
            "then reject too seldom; fewer neighbours give more power."
        )
    if link == "logit":
        notes.append(
            "Kelejian-Prucha, Pinkse and Pinkse-Slade were derived for the probit; "
            "these are the same formulas with the residuals of the logit."
        )
    return notes

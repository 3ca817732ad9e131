"""GMM of spatial logits and probits, and its linearised form."""

import pandas as pd
from scipy import stats

from geopoverty._checks import warn
from geopoverty._progress import stages
from geopoverty.estimators.spatial_binary.options import GMM, LinearGMM
from geopoverty.estimators.spatial_binary.problem import (
    Case,
    Fitted,
    Problem,
    refuse_boundary,
    refuse_separated,
    without_dependence,
)
from geopoverty.numerics.binary import BinaryFit
from geopoverty.numerics.spatial.gmm import GmmFit, GmmOptions, fit_gmm
from geopoverty.numerics.spatial.linear_gmm import fit_linear_rows
from geopoverty.numerics.spatial.moments import BinaryData

CHANCE_95 = 3.84  # of chi-squared with 1 df: a rise of the objective by chance


def fit_moments(problem: Problem, method: GMM) -> Fitted:
    """Fit by GMM with exact derivatives.

    Raises
    ------
    EstimationError
    """
    plain = _separated(problem)
    data = BinaryData(
        problem.X,
        problem.y,
        problem.W,
        problem.cells,
        problem.link,
        problem.structure,
    )
    with stages(f"Fitting {len(problem.y):,} rows by GMM"):
        fit = fit_gmm(data, GmmOptions(method.steps, method.order, problem.bounds))
    record = pd.DataFrame(fit.record)
    if max(fit.rise) < CHANCE_95:
        return without_dependence(problem, plain, "iid", record)
    if fit.at_boundary:
        where = f"least objective {fit.objective:.6g}"
        refuse_boundary(problem, float(fit.theta[-1]), where)
    facts = {
        "steps": fit.steps,
        "objective": fit.objective,
        "n_moments": fit.moments,
        "n_parameters": fit.parameters,
        "rise_to_low": fit.rise[0],
        "rise_to_high": fit.rise[1],
        "weak_instruments": fit.weak,
        "vcov": "GMM",
    }
    if fit.steps == 2 and fit.df:
        facts |= {
            "hansen_j": fit.objective,
            "hansen_df": fit.df,
            "hansen_p": float(stats.chi2.sf(fit.objective, fit.df)),
        }
    return Fitted(
        fit.theta,
        fit.covariance,
        scaled=True,
        facts=facts,
        notes=(_steps_note(fit), *_weak(problem, fit)),
        record=record,
    )


def fit_linear(problem: Case, method: LinearGMM) -> Fitted:
    """Fit by GMM linearised at rho = 0.

    Raises
    ------
    EstimationError

    Warns
    -----
    GeoPovertyWarning
        If rho is outside what is feasible.
    """
    plain = _separated(problem)
    with stages(f"Fitting {problem.n:,} rows by linearised GMM"):
        fit = fit_linear_rows(problem.lag_data(), plain.beta, method.order)
    notes = [
        "Linearised GMM is inconsistent away from rho = 0 (a true 0.6 gave 0.93 at "
        "50,000 units): use it for comparison with published work, not for conclusions."
    ]
    low, high = problem.bounds
    rho = float(fit.theta[-1])
    outside = fit.outside or not low < rho < high
    if outside:
        note = (
            f"rho is {rho:.4g}, outside what is feasible ({low:.4g}, {high:.4g}): no "
            "process has it, so there are no probabilities and no effects."
        )
        warn(f"{note} Use method='ml'.")
        notes.append(note)
    return Fitted(
        fit.theta,
        fit.covariance,
        scaled=True,
        facts={
            "n_moments": fit.moments,
            "n_parameters": fit.parameters,
            "vcov": "HC1",
        },
        notes=tuple(notes),
        record=pd.DataFrame({"step": ["linearised at 0"], "rho": [rho]}),
        infeasible=outside,
    )


def _separated(problem: Case) -> BinaryFit:
    """Return the fit without dependence, once nothing separates the outcome."""
    plain = problem.plain()
    refuse_separated(problem, plain.separating)
    return plain


def _steps_note(fit: GmmFit) -> str:
    word = "one step" if fit.steps == 1 else "two steps"
    return (
        f"GMM in {word}, {fit.moments} moments for {fit.parameters} parameters. It "
        "uses the units one by one, not which outcomes go together, so it is less "
        "precise than maximum likelihood."
    )


def _weak(problem: Problem, fit: GmmFit) -> tuple[str, ...]:
    if not fit.weak:
        return ()
    name = problem.spatial_name
    note = (
        f"Instruments are weak: {name} far from its estimate fits the moments nearly "
        f"as well (towards the ends the objective rises by {fit.rise[0]:.2g} and "
        f"{fit.rise[1]:.2g}, {CHANCE_95:.2f} being chance): its standard error is too "
        "small."
    )
    warn(f"{note} Use method='ml', or covariates whose lags say more.")
    return (note,)

"""Maximum likelihood of spatial logits and probits."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import linalg

from geopoverty._progress import stages
from geopoverty.covariances import Vcov, resolved
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.spatial_binary.options import ML
from geopoverty.estimators.spatial_binary.problem import (
    CHANCE,
    Case,
    Fitted,
    Problem,
    ends,
    refuse_boundary,
    refuse_separated,
    wide,
    without_dependence,
)
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.spatial.ep import EpProblem
from geopoverty.numerics.spatial.ep_fit import EpFit, fit_ep, profile
from geopoverty.numerics.spatial.ep_search import in_words as ep_in_words
from geopoverty.numerics.spatial.lag_logit import (
    LagFit,
    fit_lag_logit,
    in_words,
)
from geopoverty.numerics.spatial.lag_logit import profile as lag_profile
from geopoverty.numerics.types import Array

Level = Callable[[float], float]  # the likelihood at a rho, maximised in the rest


def fit_logit(problem: Case, method: ML) -> Fitted:
    """Fit the log-odds lag (or Durbin) logit.

    Raises
    ------
    InputError, EstimationError
    """
    vcov = _vcov_of(problem, method)
    given = problem.lag_data()
    with stages(f"Fitting {problem.n:,} rows, step") as stepped:
        fit = fit_lag_logit(given, problem.bounds, stepped)
    refuse_separated(problem, fit.separating)
    record = pd.DataFrame([vars(s) for s in fit.record])
    plain = problem.plain()
    gain = fit.loglik - plain.loglik
    if _flat(problem, fit, gain, lambda rho: lag_profile(given, rho).loglik):
        return without_dependence(problem, plain, vcov, record)
    if fit.at_boundary:
        refuse_boundary(problem, float(fit.theta[-1]), in_words(fit.record))
    bread = positive_inverse(fit.information, problem)
    found = problem.covariance(vcov, bread, fit.theta)
    return Fitted(
        fit.theta,
        found.matrix,
        scaled=False,
        facts=found.facts,
        notes=found.notes,
        record=record,
        loglik=fit.loglik,
        loglik_plain=plain.loglik,
    )


def fit_probit(problem: Problem, method: ML) -> Fitted:
    """Fit the spatial lag, error or Durbin probit by expectation propagation.

    Raises
    ------
    InputError, EstimationError
    """
    if method.vcov not in (None, "iid"):
        raise InputError(
            "A spatial probit's rows depend on one another within its likelihood, so "
            f"sandwich errors have no sum to start from; got vcov={method.vcov!r}. Use "
            "vcov='iid', the inverse of the observed information."
        )
    plain = problem.plain()
    refuse_separated(problem, plain.separating)
    given = EpProblem(problem.X, problem.y, problem.W, problem.cells, problem.structure)

    def level(rho: float) -> float:
        point = profile(given, rho, plain.beta)
        return float(point.loglik + point.correction)

    with stages(f"Fitting {len(problem.y):,} rows, step") as stepped:
        fit = fit_ep(given, problem.bounds, np.append(plain.beta, 0.0), stepped)
    record = pd.DataFrame([vars(e) for e in fit.record])
    gain = fit.loglik - plain.loglik
    if _flat(problem, fit, gain, level):
        return without_dependence(problem, plain, "iid", record)
    if fit.at_boundary:
        refuse_boundary(problem, float(fit.theta[-1]), ep_in_words(fit.record))
    return Fitted(
        fit.theta,
        positive_inverse(fit.information, problem),
        scaled=True,
        facts={"vcov": "inverse information"},
        notes=(
            "The likelihood is computed by expectation propagation with a second-order "
            "correction: not exact, but close (docs/benchmarks.md says how close).",
        ),
        record=record,
        loglik=fit.loglik,
        loglik_plain=plain.loglik,
    )


def positive_inverse(information: Array, problem: Case) -> Array:
    """Return the inverse information.

    Raises
    ------
    EstimationError
        If it is singular, naming the direction.
    """
    size = np.sqrt(np.abs(np.diag(information)))
    scaled = information / np.maximum(np.outer(size, size), 1e-300)
    values, vectors = linalg.eigh(scaled)
    if values[0] > 1e-12 * values[-1]:
        return inverse(information)
    loudest = np.argsort(-np.abs(vectors[:, 0]))[:3]
    names = [problem.names[j] for j in loudest if abs(vectors[j, 0]) > 0.1]
    raise EstimationError(
        "The information at the estimate is singular: the data cannot tell apart "
        f"{', '.join(names)}. Leave one of them out, or use weights of fewer "
        "neighbours."
    )


def _vcov_of(problem: Case, method: ML) -> Vcov:
    unit = problem.sample.unit
    if method.vcov is None:
        return "iid" if problem.cells.alone else resolved("cluster", unit)
    return resolved(method.vcov, unit)


def _flat(problem: Case, fit: LagFit | EpFit, gain: float, level: Level) -> bool:
    """Tell whether the data leave rho open.

    They do when a 95 % interval is twice as wide as what is stable, and rho = 0 fits
    as well; or when strong dependence of either sign does.
    """
    if fit.at_boundary:
        open_rho = True
    else:
        variance = _last_variance(fit.information)
        if gain < CHANCE and wide(problem, variance, 2.0):
            return True
        open_rho = wide(problem, variance, 0.75)
    try:
        return open_rho and all(
            fit.loglik - level(end) < CHANCE for end in ends(problem)
        )
    except EstimationError:  # so far off that nothing fits
        return False


def _last_variance(information: Array) -> float:
    try:
        return float(linalg.inv(information)[-1, -1])
    except linalg.LinAlgError:
        return np.inf

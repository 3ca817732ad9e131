"""Counties of the United States: shapes, censuses, incomes and roads."""

import geopandas as gpd
import pandas as pd

from geopoverty.data.boundaries import read_boundaries
from geopoverty.data.bundled import bundled_attrs, bundled_path, bundled_table
from geopoverty.data.travel import TravelTimes, estimate_circuity, model_travel_times


def us_counties() -> gpd.GeoDataFrame:
    """Return the 3,085 counties that the US panel describes.

    Returns
    -------
    GeoDataFrame, 3,085 rows
        Indexed by ``unit_id`` (five digits, text), longitude and latitude
        (EPSG:4326), with ``name``, ``state``, ``state_fips``, ``region``
        ("South", "West", or "North" for the Northeast and the Midwest) and
        ``area_km2``, water included. Shared borders are exactly equal, so
        contiguity can be read off them; every county has a neighbour.

    Raises
    ------
    InputError
        If the data folder is missing.

    Notes
    -----
    The contiguous states and the District of Columbia, without three counties
    of islands (25007 Dukes, 25019 Nantucket, 53055 San Juan). Counties split or
    joined between 1960 and 1990 stand as one unit under the lowest code of its
    parts: 36005 is all five boroughs of New York City; 51710 is Norfolk,
    Chesapeake, Portsmouth and Virginia Beach; 04012 is La Paz and Yuma; 35006
    is Cibola and Valencia; 55083 is Oconto, Menominee and Shawano; 30031
    Gallatin holds Park; and several counties of Virginia hold cities that left
    them (51059 Fairfax, 51161 Roanoke, ...).

    Lines are generalised, and those of some cities of Virginia, Denver and
    Davis (Utah) enclose half or twice the land that the census counts there.

    Examples
    --------
    >>> us_counties().loc["36005", ["name", "state"]].to_list()
    ['New York City', 'New York']
    """
    file = ("boundaries", "us_counties_1960_1990.parquet")
    counties = read_boundaries(bundled_path(*file))
    counties.attrs = bundled_attrs(*file)
    return counties


def us_county_panel() -> pd.DataFrame:
    """Return poverty, income and population of US counties in four censuses.

    Returns
    -------
    DataFrame, 12,340 rows
        One row a unit and census, sorted by ``unit_id`` and ``period`` (1960,
        1970, 1980, 1990). Nothing is missing but ``income_per_km2``.

        - ``family_poverty_rate``: families below the poverty line in the year
          before the census, in %.
        - ``median_family_income``: dollars of the year before the census.
        - ``unemployment_rate``: % of the civilian labour force.
        - ``gini``: Gini index of family income in the year before, in [0, 1].
        - ``population``: persons.
        - ``median_age``: years.
        - ``divorce_rate``: divorced males, % of males over 14.
        - ``black_share``: Black residents, % of the population.
        - ``female_headed_share``: families headed by a woman, in %.
        - ``resource_deprivation``, ``population_structure``: principal
          components, with mean 0 and standard deviation 1 in each census.
        - ``homicide_rate``: per 100,000 persons a year, mean of three years
          around the census.
        - ``population_density_km2``: persons per square kilometre, ``population``
          over ``area_km2`` of `us_counties`.
        - ``income_per_km2``: economic density, the personal income of the census
          year in dollars of 1982-84 per square kilometre of land (see
          `us_county_income`). Only for 1980 and 1990, and only for units that
          `us_county_income` covers with a population within 10 % of the census:
          2,159 and 2,164.

    Raises
    ------
    InputError
        If the data folder is missing.

    Notes
    -----
    Not all columns compare over the censuses. The poverty rate of 1960 is that
    of families with less than 3,000 dollars (population-weighted mean 21.6 %),
    not that of the official line, which the later ones use (10.8, 9.6, 10.1 %).
    The Gini index of 1960 is lower (weighted mean 0.27, then 0.35 to 0.37), and
    the share of families headed by a woman in 1960 higher (12.3, then 10.9 %)
    than a common definition would give. A zero is what the source says of a
    small county (Loving, Texas had 91 residents in 1980), not a missing value.

    References
    ----------
    .. [1] Messner, S., Anselin, L., Hawkins, D., Deane, G., Tolnay, S. & Baller,
       R. (2000). An Atlas of the Spatial Patterning of County-Level Homicide,
       1960-1990. National Consortium on Violence Research.
    .. [2] Baller, R., Anselin, L., Messner, S., Deane, G. & Hawkins, D. (2001).
       Structural covariates of US county homicide rates. Criminology 39, 561-590.

    Examples
    --------
    >>> panel = us_county_panel().set_index(["unit_id", "period"])
    >>> float(panel.loc[("27077", 1960), "family_poverty_rate"])
    36.3
    """
    return bundled_table("boundaries", "us_county_panel_1960_1990.parquet")


def us_county_income() -> pd.DataFrame:
    """Return income and density of 2,197 US counties in each year 1980-1996.

    Returns
    -------
    DataFrame, 37,349 rows
        One row a county and year, sorted by ``unit_id`` and ``period``.

        - ``population``: persons.
        - ``personal_income_per_head``: dollars of 1982-84.
        - ``income_maintenance_per_head``: public assistance, dollars of 1982-84.
        - ``unemployment_insurance_per_head``: dollars of 1982-84.
        - ``population_density_km2``: persons per square kilometre of land.
        - ``income_per_km2``: economic density, income per head x density, in
          dollars of 1982-84 per square kilometre of land.

        The four money columns are missing in Loving, Texas (48301) in 1990-92.

    Raises
    ------
    InputError
        If the data folder is missing.

    Notes
    -----
    The source does not name the base of its real dollars. Divided by the
    purchasing power of the consumer dollar (1982-84 = 1, three decimals: 1.215
    in 1980, 0.766 in 1990, 0.638 in 1996), every income is a whole number of
    current dollars to within five cents; so that is the base.

    No county of Arizona, Florida, Georgia, Iowa or Kentucky is covered, and few
    of Missouri, Vermont and the Dakotas: a spatial lag over these counties has
    holes. 24 counties are not units of `us_counties`: seven of Alaska, three of
    Hawaii, three of islands, and eleven that are part of a unit there (New York
    City 36047, 36061, 36081, 36085; 51550, 51740, 51810; 35061, 51600, 51775,
    55115). Few single values are implausible and left as they are, such as
    income maintenance in Davie, North Carolina (37059) in 1986.

    Examples
    --------
    >>> income = us_county_income().set_index(["unit_id", "period"])
    >>> float(income.loc[("01001", 1980), "personal_income_per_head"])
    8780.8
    """
    return bundled_table("boundaries", "us_county_income_1980_1996.parquet")


def us_cities() -> pd.DataFrame:
    """Return 128 cities with their coordinates and counties.

    Returns
    -------
    DataFrame, 128 rows
        ``city``; ``lon`` and ``lat`` in degrees, to two decimals; ``unit_id`` of
        the unit of `us_counties` that holds it, missing for four in Canada.

    Raises
    ------
    InputError
        If the data folder is missing.

    Examples
    --------
    >>> us_cities().set_index("city").loc["Reno, NV", "unit_id"]
    '32031'
    """
    return bundled_table("travel_matrices", "us_cities.parquet")


def us_road_distances() -> pd.DataFrame:
    """Return road and great-circle distances between 128 cities in 1949.

    Returns
    -------
    DataFrame, 8,128 rows
        One row a pair: ``from_city``, ``to_city``, ``from_unit_id`` and
        ``to_unit_id`` (missing in Canada), ``road_miles``, ``road_km`` and
        ``great_circle_km``.

    Raises
    ------
    InputError
        If the data folder is missing.

    Notes
    -----
    Roads of 1949, before the interstate highways. Where water lies between, the
    road is much longer than the great circle: 2.6 times from Richmond, Virginia
    to Salisbury, Maryland, on the two shores of Chesapeake Bay.

    References
    ----------
    .. [1] Knuth, D. (1993). The Stanford GraphBase. ACM Press, section 1.1.

    Examples
    --------
    >>> len(us_road_distances())
    8128
    """
    return bundled_table("travel_matrices", "us_road_miles_1949.parquet")


def us_travel_times(*, speed_kmh: float = 80.0) -> TravelTimes:
    """Model driving minutes between all US counties.

    Great circles between the counties' centres x the median circuity of the
    road distances of 1949, at one speed.

    Parameters
    ----------
    speed_kmh : float
        Above 0.

    Returns
    -------
    TravelTimes, n = 3,085
        Dense and symmetric, "modelled"; the spread of the circuity is in its
        notes.

    Raises
    ------
    InputError
        If the speed is not above 0, or the data folder is missing.

    Examples
    --------
    >>> us_travel_times(speed_kmh=80)
    TravelTimes: 3085 units, 9,514,140 pairs (100 %), median 1119.4 minutes, modelled
    """
    roads = us_road_distances()
    circuity = estimate_circuity(roads, source="roads between 128 US cities, 1949")
    counties = us_counties()
    for key in ("source", "licence", "attribution"):
        counties.attrs[key] += f"; road distances: {roads.attrs[key]}"
    return model_travel_times(counties, speed_kmh=speed_kmh, circuity=circuity)

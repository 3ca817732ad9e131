"""Industries, and a firm census whose clusters are known."""

import numpy as np
import pandas as pd

from geopoverty.numerics.types import Array, Codes

# Four digits after GB/T 4754-2002, abridged.
INDUSTRIES = {
    "1361": "Processing of fish and other aquatic products",
    "1493": "Manufacture of salted and pickled vegetables",
    "1521": "Manufacture of rice wine",
    "1540": "Processing of tea",
    "1711": "Spinning and weaving of cotton and chemical fibres",
    "1712": "Dyeing and finishing of cotton and chemical fibres",
    "1742": "Spinning and weaving of silk textiles",
    "1762": "Manufacture of wool knitwear",
    "1810": "Manufacture of textile garments",
    "1820": "Manufacture of textile shoes",
    "1921": "Manufacture of leather shoes",
    "1932": "Fur dressing and products",
    "2022": "Manufacture of fibreboard",
    "2110": "Manufacture of wooden furniture",
    "2221": "Manufacture of paper and paperboard",
    "2231": "Manufacture of paper and cardboard containers",
    "2319": "Printing of packaging",
    "2411": "Manufacture of stationery",
    "2440": "Manufacture of toys",
    "2613": "Manufacture of inorganic salts",
    "2641": "Manufacture of paints",
    "2710": "Manufacture of chemical raw medicines",
    "2822": "Manufacture of polyester fibres",
    "2930": "Manufacture of rubber parts",
    "3081": "Manufacture of plastic shoes",
    "3121": "Manufacture of cement products",
    "3351": "Rolling of common non-ferrous metals",
    "3424": "Manufacture of knives and scissors",
    "3451": "Manufacture of building and furniture fittings",
    "3460": "Metal surface treatment and heat treatment",
    "3482": "Manufacture of metal tableware",
    "3543": "Manufacture of valves and taps",
    "3551": "Manufacture of bearings",
    "3582": "Manufacture of fasteners and springs",
    "3625": "Manufacture of moulds",
    "3641": "Manufacture of papermaking machinery",
    "3725": "Manufacture of vehicle parts",
    "3911": "Manufacture of generators and motors",
    "3923": "Manufacture of low-voltage switchgear",
    "3972": "Manufacture of lamps",
    "4111": "Manufacture of industrial instruments",
    "4218": "Manufacture of jewellery",
}
# What every county has in proportion to its workers: no cluster anywhere.
EVERYWHERE = {
    "4710": "House building",
    "5220": "Road freight",
    "6339": "Wholesale of daily necessities",
    "6511": "Department stores",
    "6710": "Restaurants",
    "7419": "Corporate management services",
}
PLACED = 1.3  # how strongly an industry keeps to a part of the province
SHARE = 0.011  # of a county's workers, in one cluster
FIRMS_LEAST, FIRMS_MORE = 10, 10  # in a cluster: at least, and on average beyond
FIRMS_STRAY, FIRMS_EVERYWHERE = 0.35, 9
STRAY = 12  # employees of a firm without others of its kind
OUTPUT = 0.09  # million yuan an employee


def specialities(
    clusters: Array, place: Array, rng: np.random.Generator
) -> np.ndarray[tuple[int, int, int], np.dtype[np.bool_]]:
    """Return which county has a cluster of which industry in which wave.

    Parameters
    ----------
    clusters : array of int, shape (n, waves)
        How many clusters each county has, at most the number of industries.
    place : array, shape (n, 2)
        Where the counties are, mean 0 and standard deviation 1.
    rng : Generator

    Returns
    -------
    array of bool, shape (n, waves, industries)
        In the order of `INDUSTRIES`; most clusters stay from wave to wave.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> found = specialities(np.array([[2, 3]]), np.zeros((1, 2)), rng)
    >>> found.sum(axis=2).tolist()
    [[2, 3]]
    """
    n, waves, codes = *clusters.shape, len(INDUSTRIES)
    towards = rng.normal(size=(2, codes))
    lasting = PLACED * place @ towards / 2**0.5 + rng.gumbel(size=(n, codes))
    score = lasting[:, None, :] + 0.4 * rng.normal(size=(n, waves, codes))
    rank = np.argsort(np.argsort(-score, axis=2), axis=2)
    return np.asarray(rank < clusters[:, :, None])


def firm_census(
    present: np.ndarray[tuple[int, int, int], np.dtype[np.bool_]],
    workers: Array,
    units: pd.Index,
    periods: tuple[int, ...],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return firms that make up these clusters, and others that make up none.

    Parameters
    ----------
    present : array of bool, shape (n, waves, industries)
        See `specialities`.
    workers : array, shape (n, waves)
        All who work in each county, above 0.
    units : Index of str, shape (n,)
    periods : tuple of int, shape (waves,)
    rng : Generator

    Returns
    -------
    DataFrame
        A row a firm: ``firm_id``, ``unit_id``, ``period``, ``industry`` (four
        digits, text), ``industry_name``, ``employees``, ``output`` (million yuan).

    Examples
    --------
    >>> some = np.zeros((1, 1, len(INDUSTRIES)), dtype=bool)
    >>> some[0, 0, 6] = True
    >>> rng = np.random.default_rng(0)
    >>> firms = firm_census(some, np.full((1, 1), 2e4), pd.Index(["a"]), (2004,), rng)
    >>> int((firms["industry"] == "1742").sum()) > 5
    True
    """
    n, waves, _ = present.shape
    total = workers[:, :, None]
    in_clusters = SHARE * total * rng.uniform(0.85, 1.15, present.shape)
    clustered = np.where(present, in_clusters, 0.0)
    counts = np.where(present, FIRMS_LEAST + rng.poisson(FIRMS_MORE, present.shape), 0)
    strays = np.where(present, 0, rng.poisson(FIRMS_STRAY, present.shape))
    left = (
        total
        - clustered.sum(axis=2, keepdims=True)
        - STRAY * strays.sum(axis=2, keepdims=True)
    )
    everywhere = np.repeat(left / len(EVERYWHERE), len(EVERYWHERE), axis=2)
    many = np.full((n, waves, len(EVERYWHERE)), FIRMS_EVERYWHERE)
    number = np.concatenate([counts + strays, many], axis=2)
    people = np.concatenate([clustered + STRAY * strays, everywhere], axis=2)
    return _firms(number, people, units, periods, rng)


def _firms(
    number: Codes,
    people: Array,
    units: pd.Index,
    periods: tuple[int, ...],
    rng: np.random.Generator,
) -> pd.DataFrame:
    named = pd.Series({**INDUSTRIES, **EVERYWHERE})
    unit, wave, code = np.nonzero(number)
    cell = np.repeat(np.arange(len(unit)), number[unit, wave, code])
    draw = rng.lognormal(0, 0.5, len(cell))
    part = draw / np.bincount(cell, draw)[cell]
    employees = np.maximum(np.round(part * people[unit, wave, code][cell]), 1)
    output = OUTPUT * employees * rng.lognormal(0, 0.4, len(cell))
    return pd.DataFrame(
        {
            "firm_id": [f"F{i:06d}" for i in range(len(cell))],
            "unit_id": units.to_numpy()[unit[cell]],
            "period": np.asarray(periods)[wave[cell]],
            "industry": named.index.to_numpy()[code[cell]],
            "industry_name": named.to_numpy()[code[cell]],
            "employees": employees.astype(int),
            "output": np.round(output, 3),
        }
    )

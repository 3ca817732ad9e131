"""Speed limits that a word stands for: ``RO:urban``, ``CH:rural``, ``none``."""

# Kilometres per hour on an open road where no limit is posted at all ("none").
UNLIMITED_KMH = 120.0
WALK_KMH = 5.0
KMH_PER_MPH, KMH_PER_KNOT = 1.609344, 1.852

# What a word means where the country is not listed below.
ANYWHERE = {
    "urban": 50.0,
    "rural": 90.0,
    "trunk": 100.0,
    "motorway": 120.0,
    "living_street": 20.0,
    "walk": WALK_KMH,
    "none": UNLIMITED_KMH,
    "bicycle_road": 30.0,
    "school": 30.0,
}

# Limits of cars by law, where they differ from those above: urban, rural, trunk,
# motorway (see the page "Default speed limits" of the OpenStreetMap wiki).
_COUNTRIES: dict[str, tuple[float, float, float, float]] = {
    "AT": (50, 100, 100, 130),
    "BE": (50, 70, 120, 120),
    "BG": (50, 90, 120, 140),
    "BY": (60, 90, 90, 110),
    "CH": (50, 80, 100, 120),
    "CL": (50, 100, 100, 120),
    "CN": (50, 70, 100, 120),
    "CZ": (50, 90, 110, 130),
    "DE": (50, 100, 100, UNLIMITED_KMH),
    "DK": (50, 80, 80, 130),
    "ES": (50, 90, 90, 120),
    "FR": (50, 80, 110, 130),
    "GR": (50, 90, 110, 130),
    "HR": (50, 90, 110, 130),
    "HU": (50, 90, 110, 130),
    "IT": (50, 90, 110, 130),
    "LI": (50, 80, 100, 120),
    "MD": (50, 90, 90, 110),
    "NL": (50, 80, 100, 100),
    "NO": (50, 80, 80, 110),
    "PH": (40, 80, 80, 100),
    "PL": (50, 90, 100, 140),
    "PT": (50, 90, 100, 120),
    "RO": (50, 90, 100, 130),
    "RS": (50, 80, 100, 130),
    "RU": (60, 90, 90, 110),
    "SE": (50, 70, 90, 110),
    "SI": (50, 90, 110, 130),
    "SK": (50, 90, 130, 130),
    "UA": (50, 90, 110, 130),
    "ZA": (60, 100, 120, 120),
}
_REGIONS = {"BE-WAL:rural": 90.0, "BE-BRU:urban": 30.0}
_ZONES = ("urban", "rural", "trunk", "motorway")
_MILES = {  # in miles per hour
    "GB:urban": 30,
    "GB:restricted": 30,
    "GB:rural": 60,
    "GB:nsl_restricted": 30,
    "GB:nsl_single": 60,
    "GB:nsl_dual": 70,
    "GB:trunk": 70,
    "GB:motorway": 70,
    "US:urban": 25,
    "US:rural": 55,
    "US:trunk": 65,
    "US:motorway": 65,
}


def implied_limits() -> dict[str, float]:
    """Return the limits that words stand for, in kilometres per hour.

    Returns
    -------
    dict
        From ``"urban"`` (any country) and ``"RO:urban"`` to km/h.

    Examples
    --------
    >>> limits = implied_limits()
    >>> limits["urban"], limits["RU:urban"], round(limits["GB:nsl_single"], 1)
    (50.0, 60.0, 96.6)
    """
    listed = {
        f"{country}:{zone}": float(kmh)
        for country, speeds in _COUNTRIES.items()
        for zone, kmh in zip(_ZONES, speeds, strict=True)
    }
    miles = {word: mph * KMH_PER_MPH for word, mph in _MILES.items()}
    british = {w.replace("GB:", "UK:"): kmh for w, kmh in miles.items() if "GB:" in w}
    return {**ANYWHERE, **listed, **_REGIONS, **miles, **british}

"""Great circles against geometry and the ellipsoid, nearest points against a search."""

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geopoverty.numerics.distances import (
    EARTH_RADIUS_KM,
    great_circle_km,
    nearest_on_sphere,
)

# A sphere for the ellipsoid is off by 0.56 % at most (along a meridian at a pole
# or the equator, where the ellipsoid curves most unlike the mean radius).
ELLIPSOID = 0.006
# Haversine loses half of the digits near the antipode: metres in 20,000 km.
SLACK_KM = 1e-3
LON, LAT = st.floats(-180, 180), st.floats(-90, 90)


@pytest.mark.parametrize(
    ("places", "share"),
    [
        ((0, 0, 0, 90), 0.25),
        ((0, 0, 180, 0), 0.5),
        ((10, 90, -50, -90), 0.5),
        ((179, 0, -179, 0), 2 / 360),
        ((-90, 89, 90, 89), 2 / 360),
        ((5, 60, 5, 60), 0.0),
    ],
)
def test_parts_of_the_whole_circle(places, share):
    whole = 2 * np.pi * EARTH_RADIUS_KM
    assert great_circle_km(*places) == pytest.approx(share * whole, rel=1e-12)


@LAW
@given(LON, LAT, LON, LAT)
def test_distance_is_symmetric_and_near_that_on_the_ellipsoid(a, b, c, d):
    there = float(great_circle_km(a, b, c, d))
    assert there == pytest.approx(float(great_circle_km(c, d, a, b)), abs=SLACK_KM)
    assert 0 <= there <= np.pi * EARTH_RADIUS_KM
    metres = Geod(ellps="WGS84").inv(a, b, c, d)[2]
    assert there == pytest.approx(metres / 1000, rel=ELLIPSOID, abs=SLACK_KM)


@LAW
@given(LON, LAT, LON, LAT, LON, LAT)
def test_a_detour_is_never_shorter(a, b, c, d, e, f):
    detour = great_circle_km(a, b, e, f) + great_circle_km(e, f, c, d)
    assert great_circle_km(a, b, c, d) <= detour + SLACK_KM


def test_arrays_broadcast():
    lon, lat = np.array([0.0, 10.0, 20.0]), np.array([0.0, 5.0, -5.0])
    table = great_circle_km(lon[:, None], lat[:, None], lon, lat)
    assert table.shape == (3, 3)
    assert (np.diag(table) == 0).all()
    assert table[0, 2] == great_circle_km(0, 0, 20, -5)


def by_search(lon, lat, k):
    """Sort all chords, ties (6 micrometres) by the order of points."""
    x, y = np.radians(lon), np.radians(lat)
    points = np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])
    chord = np.round(np.linalg.norm(points[:, None] - points, axis=2), 12)
    np.fill_diagonal(chord, np.inf)
    return np.argsort(chord, axis=1, kind="stable")[:, :k]


@LAW
@given(st.data())
def test_nearest_are_those_of_a_search_with_ties_and_shared_places(data):
    # Whole multiples of 90 degrees make many points meet or tie.
    n = data.draw(st.integers(2, 14))
    corner = st.tuples(
        st.sampled_from([-90, 0, 90, 180]), st.sampled_from([-30, 0, 30])
    )
    lon, lat = np.array(data.draw(st.lists(corner, min_size=n, max_size=n)), float).T
    k = data.draw(st.integers(1, n - 1))
    np.testing.assert_array_equal(
        nearest_on_sphere(lon, lat, k), by_search(lon, lat, k)
    )


@pytest.mark.parametrize("n", [2, 40, 400])
def test_nearest_of_scattered_points(n):
    rng = np.random.default_rng(n)
    lon, lat = rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    for k in {1, n - 1, min(7, n - 1)}:
        found = nearest_on_sphere(lon, lat, k)
        np.testing.assert_array_equal(found, by_search(lon, lat, k))
        km = great_circle_km(lon[:, None], lat[:, None], lon[found], lat[found])
        assert (np.diff(km, axis=1) >= 0).all()


def test_many_points_in_one_place_give_the_first():
    lon, lat = np.full(50, 12.0), np.full(50, 41.0)
    assert nearest_on_sphere(lon, lat, 2)[[0, 1, 2, 30]].tolist() == [
        [1, 2], [0, 2], [0, 1], [0, 1],
    ]  # fmt: skip


def test_nearest_across_the_date_line_and_the_pole():
    lon, lat = np.array([179.5, -179.5, 170.0]), np.zeros(3)
    assert nearest_on_sphere(lon, lat, 1).ravel().tolist() == [1, 0, 0]
    lon, lat = np.array([0.0, 180.0, 0.0]), np.array([89.5, 89.5, 88.0])
    assert nearest_on_sphere(lon, lat, 1).ravel().tolist() == [1, 0, 0]

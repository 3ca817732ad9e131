"""Projection, shared borders, simplification."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from geopoverty.atlas.insets import US_INSETS, place_insets
from geopoverty.atlas.shapes import Shapes, draw_shapes
from geopoverty.data.catalog import china_counties, us_counties
from geopoverty.errors import InputError
from geopoverty.projections import CHINA_ALBERS, choose_projection

AREA = 2e-3  # the grid of 100,000 positions moves corners by less than this


def frame(shapes, crs=4326):
    ids = [f"{i:02d}" for i in range(len(shapes))]
    return gpd.GeoDataFrame(
        index=pd.Index(ids, name="unit_id"), geometry=shapes, crs=crs
    )


def wavy_pair():
    """Two counties that share a border with many small bends.

    Their rings begin at different corners, so that simplifying one polygon at a
    time keeps different bends on either side.
    """
    y = np.linspace(0, 1, 4000)
    bends = np.random.default_rng(2).uniform(-1.5e-4, 1.5e-4, 4000)
    border = np.column_stack([1 + bends, y])
    left = Polygon([*border[1444:], (0, 1), (0, 0), *border[:1444]])
    right = Polygon([*border, (2, 1), (2, 0)])
    return frame([left, right])


def decoded(drawn: Shapes):
    """The polygons as the page puts them together again."""
    scale, translate = drawn.topology["scale"], drawn.topology["translate"]
    arcs = [np.cumsum(a, axis=0) * scale + translate for a in drawn.topology["arcs"]]

    def ring(numbers):
        parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
        return np.vstack([parts[0], *(p[1:] for p in parts[1:])])

    return [
        shapely.union_all(
            [
                Polygon(ring(rings[0]), [ring(r) for r in rings[1:]])
                for rings in polygons
            ]
        )
        for polygons in drawn.topology["units"]
    ]


def test_what_the_page_decodes_is_what_went_in():
    hole = Polygon(box(0, 0, 10, 10).exterior, [box(3, 3, 6, 6).exterior])
    islands = MultiPolygon([box(10, 0, 20, 10), box(30, 30, 31, 31)])
    shapes = [hole, box(3, 3, 6, 6), islands, box(20, 0, 30, 10)]
    drawn = draw_shapes(frame(shapes), None)
    assert not drawn.projected
    for before, after in zip(shapes, decoded(drawn), strict=True):
        assert before.symmetric_difference(after).area < AREA * before.area


def test_simplified_neighbours_still_meet():
    counties = wavy_pair()
    drawn = draw_shapes(counties, None)
    left, right = decoded(drawn)
    points = sum(len(a) for a in drawn.topology["arcs"])
    assert points < shapely.get_num_coordinates(counties.geometry.to_numpy()).sum() / 3
    assert shapely.coverage_is_valid([left, right])
    assert left.intersection(right).length > 0.99
    assert left.union(right).area == pytest.approx(2, abs=AREA)


def test_a_border_is_stored_once():
    drawn = draw_shapes(frame([box(0, 0, 1, 1), box(1, 0, 2, 1)]), None)
    used = [n if n >= 0 else ~n for unit in drawn.topology["units"] for n in unit[0][0]]
    assert sorted(used) != sorted(set(used))


def test_projected_maps_are_a_thousand_units_wide_and_the_right_way_up():
    drawn = draw_shapes(frame([box(100, 20, 105, 25), box(105, 25, 120, 32)]))
    south, north = decoded(drawn)
    bounds = shapely.total_bounds([south, north])
    assert drawn.projected
    assert max(bounds) == pytest.approx(1000, rel=1e-3)
    assert south.centroid.y < north.centroid.y
    assert south.centroid.x < north.centroid.x


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([box(-123, 45, -120, 47), box(-70, 30, -68, 33)], "NAD83 / Conus Albers"),
        ([box(-122, 37, -121, 38), box(-118, 34, -117, 35)], "Lambert Azimuthal"),
        ([box(5, 38, 9, 42), box(45, 25, 47, 30)], "Albers Equal Area, centred"),
        ([box(74, 42, 76, 44), box(120, 18, 134, 22)], "Albers Equal Area for China"),
        ([box(97, 6, 98, 7), box(125, 18, 126, 20)], "Albers Equal Area, centred"),
        ([box(-5, -10, -4, -9), box(20, 9, 21, 10)], "Lambert Azimuthal"),
        ([box(13, 47, 14, 48)], "Lambert Azimuthal"),
    ],
)
def test_the_projection_fits_the_place(boxes, expected):
    assert draw_shapes(frame(boxes)).projection.startswith(expected)


def test_a_country_across_the_date_line_stays_in_one_piece():
    islands = frame(
        [box(172, 52, 174, 53), box(-179, 51, -178, 52), box(-160, 55, -158, 57)]
    )
    west, middle, east = decoded(draw_shapes(islands))
    assert west.centroid.x < middle.centroid.x < east.centroid.x
    assert east.centroid.x - west.centroid.x < 1000


def test_china_is_drawn_as_it_is_customary():
    whole = frame([box(74, 42, 76, 44), box(120, 18, 134, 22)])
    crs = choose_projection(whole, "auto")
    assert crs == CHINA_ALBERS
    parameters = {p.name: p.value for p in crs.coordinate_operation.params}
    assert parameters["Latitude of 1st standard parallel"] == 25
    assert parameters["Latitude of 2nd standard parallel"] == 47
    assert parameters["Longitude of false origin"] == 105
    west, east = decoded(draw_shapes(whole))
    assert west.centroid.x < east.centroid.x
    assert west.centroid.y > east.centroid.y
    assert choose_projection(china_counties(), "auto") == CHINA_ALBERS


# Alaska, Hawaii and the territories

CORNERS = [box(-123, 37, -121, 39), box(-75, 40, -73, 42), box(-98, 26, -96, 28)]
ALASKA = [box(-166, 54, -164, 56), box(-150, 60, -142, 70), box(-133, 54, -130, 57)]
ALEUTIANS = MultiPolygon([box(172, 52, 174, 53), box(-178, 51, -176, 52)])
HAWAII = [box(-156, 19, -155, 20), box(-160, 21.5, -159, 22.5)]
PUERTO_RICO = [box(-67, 18, -66, 18.5)]
FAR = [box(145, 13.2, 145.2, 13.6), box(-170.8, -14.4, -170.5, -14.2)]


def states(*parts):
    return frame([shape for part in parts for shape in part])


def test_states_that_lie_apart_stand_in_frames_below():
    counties = states(CORNERS, ALASKA, [ALEUTIANS], HAWAII, PUERTO_RICO)
    drawn = draw_shapes(counties)
    assert drawn.projection.startswith(
        "NAD83 / Conus Albers; drawn apart: Alaska (at 0"
    )
    assert "Hawaii (at" in drawn.projection
    assert "Puerto Rico and the Virgin Islands (at the same scale)" in drawn.projection
    frames = [box(*f) for f in drawn.topology["frames"]]
    shapes = decoded(drawn)
    main, apart = shapely.union_all(shapes[:3]), shapes[3:]
    for place, holds in zip(frames, (apart[:4], apart[4:6], apart[6:]), strict=True):
        assert place.contains(shapely.union_all(holds))
        assert not place.intersects(main)
    for i, one in enumerate(frames):
        assert not any(one.intersects(other) for other in frames[i + 1 :])
    west, middle, east = (s.centroid for s in apart[:3])
    assert west.x < middle.x < east.x
    assert middle.y > west.y
    assert apart[3].centroid.x < middle.x  # the Aleutians, over the date line


def test_the_mainland_is_drawn_as_without_insets():
    alone = draw_shapes(states(CORNERS), "EPSG:5070")
    beside = draw_shapes(states(CORNERS, ALASKA))
    before, after = decoded(alone), decoded(beside)[:3]
    scale = np.sqrt(before[0].area / after[0].area)
    for old, new in zip(before, after, strict=True):
        assert old.area == pytest.approx(new.area * scale**2, rel=1e-3)
    wide = before[1].centroid.x - before[0].centroid.x
    assert wide == pytest.approx(
        (after[1].centroid.x - after[0].centroid.x) * scale, rel=1e-3
    )


def test_areas_compare_within_an_inset():
    counties = states(CORNERS, [box(-150, 60, -148, 61), box(-150, 68, -148, 69)])
    placed = place_insets(counties)
    true = counties.to_crs("EPSG:6933").area.to_numpy()[3:]
    drawn = shapely.area(placed.shapes)[3:]
    assert drawn[1] / drawn[0] == pytest.approx(true[1] / true[0], rel=0.01)


def test_what_is_small_is_never_made_larger():
    placed = place_insets(states(CORNERS, PUERTO_RICO))
    true = states(PUERTO_RICO).to_crs("EPSG:6933").area.to_numpy()
    assert shapely.area(placed.shapes)[3] == pytest.approx(true[0], rel=0.01)


def test_the_frames_stand_clear_of_the_contiguous_states():
    mainland = us_counties().geometry.to_crs("EPSG:5070").to_numpy()
    frames = [box(*inset.frame) for inset in US_INSETS]
    for one in frames:
        assert shapely.distance(mainland, one).min() > 20_000
        others = [other for other in frames if other is not one]
        assert shapely.distance(others, one).min() > 20_000


def test_every_territory_has_its_frame():
    placed = place_insets(states(CORNERS, ALASKA, HAWAII, PUERTO_RICO, FAR))
    assert len(placed.frames) == len(US_INSETS)
    for frame_of, shape in zip(placed.frames[2:4], placed.shapes[-2:], strict=True):
        assert box(*frame_of).contains(shape)


def test_far_islands_of_a_county_do_not_shrink_hawaii():
    far = MultiPolygon([box(-158.5, 21, -157.5, 22), box(-178.5, 28, -178, 28.5)])
    with_far = place_insets(states(CORNERS, HAWAII, [far]))
    without = place_insets(states(CORNERS, HAWAII, [far.geoms[0]]))
    assert with_far.projection == without.projection
    assert shapely.area(with_far.shapes[-1]) == pytest.approx(
        shapely.area(without.shapes[-1])
    )


@pytest.mark.parametrize(
    "places",
    [
        CORNERS,  # nothing lies apart
        ALASKA,  # no mainland
        [CORNERS[0], *ALASKA],  # not the whole mainland
        [*CORNERS, *ALASKA, box(-80, 52, -78, 54)],  # Canada has no place below
    ],
)
def test_no_insets_where_they_do_not_belong(places):
    assert place_insets(frame(places)) is None
    assert "frames" not in draw_shapes(frame(places)).topology


@pytest.mark.parametrize("projection", ["EPSG:5070", None])
def test_a_named_projection_has_no_insets(projection):
    drawn = draw_shapes(states(CORNERS, HAWAII), projection)
    assert "frames" not in drawn.topology
    assert "apart" not in drawn.projection


def test_insets_do_not_mind_the_system_of_the_boundaries_nor_their_order():
    counties = states(CORNERS, ALASKA, HAWAII)
    turned = counties.iloc[::-1].to_crs("EPSG:3338").to_crs("EPSG:4269")
    before, after = place_insets(counties), place_insets(turned)
    assert before.projection == after.projection
    np.testing.assert_allclose(
        shapely.area(before.shapes), shapely.area(after.shapes[::-1]), rtol=1e-6
    )


def test_equal_areas_stay_equal():
    counties = frame([box(90, 20, 92, 22), box(90, 46, 92, 48), box(110, 30, 112, 32)])
    true = counties.to_crs("EPSG:6933").area.to_numpy()
    drawn = np.array([p.area for p in decoded(draw_shapes(counties))])
    # Straight edges between corners bend a little from one projection to another.
    np.testing.assert_allclose(drawn / drawn.sum(), true / true.sum(), rtol=0.01)


def test_a_given_projection_is_used():
    drawn = draw_shapes(frame([box(8, 50, 9, 51)]), "EPSG:3035")
    assert drawn.projection == "ETRS89-extended / LAEA Europe"
    assert choose_projection(frame([box(8, 50, 9, 51)]), CRS(3035)) == CRS(3035)


def test_boundaries_in_metres_find_their_place():
    metres = frame([box(100, 20, 101, 21), box(115, 35, 116, 36)]).to_crs(3857)
    assert draw_shapes(metres).projection == "Albers Equal Area, centred on the data"


@pytest.mark.parametrize(
    ("projection", "message"),
    [
        ("EPSG:4326", "projection must be in length units; 'WGS 84' is in degrees"),
        ("albers", "projection must be 'auto', None or a coordinate system"),
    ],
)
def test_bad_projections_say_the_rule(projection, message):
    with pytest.raises(InputError, match=message):
        draw_shapes(frame([box(0, 0, 1, 1)]), projection)


def test_a_projection_that_cannot_show_a_place_says_which():
    world = frame([box(0, 0, 1, 1), box(178, 40, 179, 41)])
    with pytest.raises(InputError, match=r"1 of 2 units break this \(01\)"):
        draw_shapes(world, "+proj=ortho +lat_0=0 +lon_0=0")


@pytest.mark.parametrize("shape", [Point(0, 0), LineString([(0, 0), (1, 1)])])
def test_only_areas_can_be_coloured(shape):
    with pytest.raises(InputError, match=r"must be a polygon; 1 of 2 units .* \(01\)"):
        draw_shapes(frame([box(0, 0, 1, 1), shape]))


def test_overlapping_counties_are_drawn_as_they_are_with_a_note():
    drawn = draw_shapes(
        frame([box(0, 0, 1, 1), box(0.5, 0, 2, 1), box(5, 5, 6, 6)]), None
    )
    assert "2 of 3 units overlap or do not meet" in drawn.note
    assert "(00, 01)" in drawn.note
    first, second, _ = decoded(drawn)
    assert first.intersection(second).area == pytest.approx(0.5, abs=AREA)


def almost_meeting():
    return frame([box(0, 0, 1, 1), box(1 + 1e-9, 0, 2, 1)])


def test_tiny_faults_are_mended():
    drawn = draw_shapes(almost_meeting(), None)
    assert drawn.note == ""
    assert shapely.coverage_is_valid(decoded(drawn))


def test_without_a_means_to_mend_the_note_says_so(monkeypatch):
    monkeypatch.delattr(shapely, "coverage_clean", raising=False)
    overlap = frame([box(0, 0, 1, 1), box(0.999, 0, 2, 1)])
    assert "drawn unsimplified" in draw_shapes(overlap, None).note


def test_many_points_are_simplified_further(monkeypatch):
    monkeypatch.setattr("geopoverty.atlas.shapes.POINTS", 60)
    drawn = draw_shapes(wavy_pair(), None)
    assert sum(len(a) for a in drawn.topology["arcs"]) <= 60

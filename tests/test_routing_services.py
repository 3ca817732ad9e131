"""Tables of travel times from routing services, asked of a server on this machine.

The server (`table_server.py`) computes its minutes from great circles, so every
table has a known answer; it misbehaves when a test tells it to. No test waits:
the clock is a fake one, but for the timeout of 0.2 s that a silent server gets.
"""

import ast
import json
import logging
import re
import traceback
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_server import (
    GRID,
    broken_off,
    cut_off,
    hung_up,
    rewrite,
    seconds,
    silent,
    spoil,
    status,
    swap_rows,
    swap_times,
    table_server,
)

from geopoverty.data.travel import TravelTimes
from geopoverty.errors import GeoPovertyWarning, InputError, MissingExtraError
from geopoverty.routing import services
from geopoverty.routing.routes import route_travel_times
from geopoverty.routing.services import (
    OSRM,
    Clock,
    Google,
    OpenRouteService,
    Requests,
    Service,
    Valhalla,
    line,
    pace,
    table_from_service,
)
from geopoverty.routing.services.blocks import checked_places, split
from geopoverty.routing.services.cache import block_key, load_block

# On the grid of the server's roads, more than 5 km apart.
UNITS = ["a", "b", "c", "d", "e"]
LON = [9.50, 9.53, 9.41, 9.62, 9.58]
LAT = [47.10, 47.20, 47.05, 47.11, 47.30]
KEY = "s3cret/+key=42"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FakeClock:
    def __init__(self):
        self.slept, self.time = [], 0.0

    def sleep(self, wait):
        self.slept.append(wait)
        self.time += wait

    @property
    def clock(self):
        return Clock(now=lambda: self.time, sleep=self.sleep, utc=lambda: NOW)


@pytest.fixture
def server(monkeypatch):
    # Whatever proxy this machine has is not asked for this machine.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with table_server() as running:
        yield running


@pytest.fixture
def fake():
    return FakeClock()


@pytest.fixture
def ask(server, fake, tmp_path):
    """Ask OSRM (or `kind`) for the five places in nine blocks."""

    def asked(kind=OSRM, units=UNITS, lon=LON, lat=LAT, **settings):
        given = {"block": 2, "cache": tmp_path / "blocks", "timeout": 5.0, **settings}
        service = kind(url=server.url, requests=Requests(**given))
        return table_from_service(units, lon, lat, service, clock=fake.clock)

    return asked


def truth(lon=LON, lat=LAT):
    places = list(zip(lon, lat, strict=True))
    return np.array([[seconds(a, b) / 60 for b in places] for a in places])


# --- the table -------------------------------------------------------------------

KINDS = {
    "osrm": OSRM,
    "valhalla": Valhalla,
    "openrouteservice": OpenRouteService,
    **{
        name: lambda name=name, **given: Service(name, **given)
        for name in ("google", "graphhopper", "mapbox")
    },
}


@pytest.mark.parametrize("name", KINDS)
def test_every_service_gives_the_minutes_of_its_roads(ask, server, name):
    table = ask(KINDS[name], cache=False)
    assert table.units.tolist() == UNITS
    np.testing.assert_allclose(table.minutes, truth(), rtol=1e-12)
    # Nine blocks, less the one of a single place to itself.
    assert len(server.requests) == 8
    assert table.attrs["status"] == "routed"
    assert table.attrs["service"] == name
    assert table.attrs["url"] == server.url
    assert table.attrs["retrieved"] == "2026-03-01"
    assert "2026-03-01" in table.notes[0]
    assert "traffic" in table.notes[0]


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5, 100])
def test_blocks_do_not_change_the_table(ask, block):
    np.testing.assert_array_equal(ask(block=block).minutes, truth())


def test_the_table_makes_travel_times(ask):
    table = ask()
    times = TravelTimes(table.units, table.minutes, "routed", table.notes, table.attrs)
    assert times.status == "routed"
    assert len(times.minutes()) == 20


def test_places_become_routed_travel_times(server, tmp_path):
    points = gpd.GeoSeries.from_xy(LON, LAT, index=UNITS, crs=4326)
    places = gpd.GeoDataFrame(geometry=points)
    service = OSRM(server.url, requests=Requests(cache=tmp_path))
    times = route_travel_times(places, service=service)
    assert times.status == "routed"
    assert times.units.tolist() == UNITS
    np.testing.assert_array_equal(times.matrix, truth())
    assert "OSRM" in times.notes[0]
    assert times.attrs["attribution"] == "© OpenStreetMap contributors"


def test_by_default_a_block_is_what_the_service_allows(server, fake):
    lon, lat = np.linspace(9, 9.6, 30), np.linspace(47, 48, 30)
    ids = [str(i) for i in range(30)]
    ask_of = {"osrm": 1, "valhalla": 1, "google": 9, "mapbox": 9, "graphhopper": 36}
    for name, requests in ask_of.items():
        before = len(server.requests)
        service = Service(name, url=server.url, requests=Requests(cache=False))
        table_from_service(ids, lon, lat, service, clock=fake.clock)
        assert len(server.requests) - before == requests


@given(n=st.integers(2, 40), block=st.integers(1, 45))
@settings(max_examples=60, deadline=None)
def test_blocks_cover_every_pair_once(n, block):
    places = checked_places([str(i) for i in range(n)], np.arange(n), np.zeros(n))
    seen = np.zeros((n, n), dtype=int)
    for part in split(places, block):
        assert max(part.shape) <= block
        assert part.shape != (1, 1) or part.rows[0] != part.columns[0]
        seen[np.ix_(part.rows, part.columns)] += 1
    np.testing.assert_array_equal(seen + np.diag(np.diagonal(seen) == 0), 1)


def test_options_and_profile_reach_the_service(server, fake):
    plain = Requests(cache=False)
    table_from_service(
        UNITS,
        LON,
        LAT,
        OSRM(server.url, profile="foot", options={"exclude": "ferry"}, requests=plain),
        clock=fake.clock,
    )
    assert "/table/v1/foot/" in server.requests[-1]["path"]
    assert server.requests[-1]["query"]["exclude"] == ["ferry"]
    ferries = Valhalla(server.url, options={"use_ferry": 0}, requests=plain)
    table_from_service(UNITS, LON, LAT, ferries, clock=fake.clock)
    assert server.requests[-1]["body"]["costing_options"] == {"auto": {"use_ferry": 0}}


def test_a_block_on_the_diagonal_names_each_place_once(ask, server):
    ask(block=3)
    counts = [r["path"].count(",") for r in server.requests]
    assert counts == [3, 5, 5, 2]


def test_places_by_the_meridian_are_written_as_numbers(ask, server):
    ask(units=["a", "b"], lon=[0.00002, 0.5], lat=[-0.00009, 51.0])
    assert "e-" not in server.requests[-1]["path"]


def test_a_pair_without_a_route_is_missing(ask, server):
    server.island = {(9.62, 47.11)}
    with pytest.warns(GeoPovertyWarning, match=r"1 of 5 places have no route .*\(d\)"):
        table = ask()
    assert np.isnan(table.minutes[3]).sum() == 4
    assert np.isnan(table.minutes[:, 3]).sum() == 4
    assert table.minutes[3, 3] == 0
    assert any("8 of 20 pairs have no route (a to d, b to d" in n for n in table.notes)
    assert table.places["unreachable_from"].tolist() == [1, 1, 1, 4, 1]


def test_valhalla_without_any_route_in_a_block_is_no_failure(ask, server):
    # Valhalla answers so in place of a table of nulls.
    server.faults[7] = status(400, b'{"error_code": 442, "error": "No path"}')
    table = ask(Valhalla)
    assert np.isnan(table.minutes).sum() == 2
    assert np.isnan(table.minutes[4, 2:4]).all()
    # Other blocks said where these places went.
    assert (table.places["moved_m"] < 1).all()


def test_google_without_a_route_is_missing(ask, server):
    server.island = {(9.62, 47.11)}
    with pytest.warns(GeoPovertyWarning, match="no route"):
        table = ask(KINDS["google"], cache=False)
    assert np.isnan(table.minutes).sum() == 8


# --- what a reader must know ------------------------------------------------------


def test_places_far_from_roads_are_named(ask):
    lon = [9.5, 9.5 + GRID / 2.2, 9.6, 9.7, 9.8]
    with pytest.warns(GeoPovertyWarning, match=r"1 of 5 .* 300 m .*\(b 0\.3 km\)"):
        table = ask(lon=lon, snap_m=300)
    assert any("way there is not counted" in n for n in table.notes)
    moved = table.places["moved_m"]
    assert moved["a"] == 0
    assert moved["b"] == pytest.approx(345, abs=5)


def test_a_place_that_is_not_at_home_is_named(ask, server):
    def late(table):
        table.cells[0][0] = 90.0

    server.faults[0] = spoil(late)
    with pytest.warns(GeoPovertyWarning, match=r"from themselves \(a 1\.5 minutes\)"):
        table = ask()
    assert table.minutes[0, 0] == 0
    assert any("from themselves" in note for note in table.notes)


def test_what_no_road_allows_is_named(ask, server):
    def hurry(table):
        table.cells[0][1] = 60.0

    server.faults[0] = spoil(hurry)
    with pytest.warns(GeoPovertyWarning, match=r"1 pairs are faster .*\(a to b\)"):
        ask()


def test_places_at_one_point_of_the_road_are_half_a_second_apart(ask):
    lon = [9.5, 9.501, 9.41, 9.62, 9.58]
    lat = [47.10, 47.10, 47.05, 47.11, 47.30]
    with pytest.warns(GeoPovertyWarning, match=r"2 pairs .*\(a to b, b to a\)"):
        table = ask(lon=lon, lat=lat)
    assert table.minutes[0, 1] == table.minutes[1, 0] == 0.5 / 60


def test_a_service_that_hides_its_roads_says_less(ask, server):
    def hide(answer):
        del answer["sources"], answer["destinations"]

    server.faults["all"] = rewrite(hide)
    table = ask()
    np.testing.assert_array_equal(table.minutes, truth())
    assert any("does not say where it puts places" in n for n in table.notes)
    assert table.places["moved_m"].isna().all()


# --- failures that pass -----------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [status(429), status(500), status(503), cut_off, broken_off, hung_up],
    ids=["429", "500", "503", "cut off", "broken off", "hung up"],
)
@pytest.mark.parametrize("kind", [OSRM, Valhalla])
def test_a_failure_that_passes_is_waited_out(ask, server, fake, fault, kind):
    server.faults = {2: fault, 3: fault}
    np.testing.assert_allclose(ask(kind).minutes, truth(), rtol=1e-12)
    assert fake.slept == [1.0, 2.0]
    assert len(server.requests) == 8 + 2


def test_a_silent_server_is_asked_again(ask, server, fake):
    server.faults[0] = silent
    np.testing.assert_array_equal(ask(timeout=0.2).minutes, truth())
    # On a busy machine other requests may be late as well.
    assert fake.slept[0] == 1.0
    assert len(server.requests) > 8


def test_the_service_says_how_long_to_wait(ask, server, fake):
    server.faults = {
        0: status(429, Retry_After="7"),
        1: status(503, Retry_After="Sun, 01 Mar 2026 12:00:30 GMT"),
        2: status(429, Retry_After="soon"),
    }
    ask()
    assert fake.slept == [7.0, 30.0, 4.0]


def test_a_service_that_asks_for_too_much_patience_is_left(ask, server, fake):
    server.faults[1] = status(429, b'{"error": "Daily quota"}', Retry_After="86400")
    with pytest.raises(
        InputError, match=r"status 429 \('Daily quota'\) .* 1 of 8 bloc"
    ):
        ask()
    assert fake.slept == []


def test_waits_double_and_end(ask, server, fake):
    server.faults["all"] = status(500)
    with pytest.raises(InputError, match=r"status 500 for .*, 9 times over"):
        ask(retries=8)
    assert fake.slept == [1, 2, 4, 8, 16, 32, 60, 60]


def test_requests_keep_the_rate(ask, fake):
    ask(per_minute=20)
    assert fake.slept == [3.0] * 7


def test_a_public_service_is_asked_at_its_own_rate(server, fake, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    service = OpenRouteService(
        url=server.url, key_variable="SOME_KEY", requests=Requests(block=3, cache=False)
    )
    table_from_service(UNITS, LON, LAT, service, clock=fake.clock)
    assert fake.slept == [1.5] * 3  # 40 a minute


def test_pace_does_not_wait_for_what_has_passed():
    times = iter([0.0, 10.0, 10.5])
    slept = []
    steady = pace.Pace(Clock(now=lambda: next(times), sleep=slept.append), 60)
    for _ in range(3):
        steady.wait()
    assert slept == [0.5]


# --- failures that do not ----------------------------------------------------------

PLAIN = {
    "no list of rows": (lambda a: a.update(durations=3), "without a table"),
    "nothing": (lambda a: a.pop("durations") and None, "without a table of times"),
    "a list": (lambda _: [1], "sent a list in place of a table"),
    "refusal": (
        lambda _: {"code": "TooBig", "message": "Too many\ncoordinates"},
        r"refused \('Too many coordinates'\)",
    ),
    "too few rows": (
        lambda a: a["durations"].pop() and None,
        "1 rows where 2 were asked for",
    ),
    "too many rows": (lambda a: a["durations"].append([0, 0]), "3 rows where 2"),
    "a short row": (
        lambda a: a["durations"][1].pop() and None,
        r"1 of 2 rows with other than 2 times \(b \(1\)\)",
    ),
    "a row that is none": (
        lambda a: a["durations"].__setitem__(0, None),
        r"1 of 2 rows .* \(a \(no list\)\)",
    ),
    "no NaN": (
        lambda a: a["durations"][0].__setitem__(1, float("nan")),
        r"1 of 4 pairs \(a to d: nan\)",
    ),
    "infinity": (
        lambda a: a["durations"][0].__setitem__(1, float("inf")),
        r"\(a to d: inf\)",
    ),
    "below 0": (
        lambda a: a["durations"][1].__setitem__(0, -3),
        r"than seconds or null for 1 of 4 pairs \(b to c: -3\)",
    ),
    "text": (
        lambda a: a["durations"][1].__setitem__(0, "12"),
        r"\(b to c: '12'\)",
    ),
    "true": (lambda a: a["durations"][1].__setitem__(0, True), r"\(b to c: True\)"),
    "a code for none": (
        lambda a: a["durations"][0].__setitem__(0, 2147483647),
        r"\(a to c: 2147483647\)",
    ),
    "too few places": (
        lambda a: a["sources"].pop() and None,
        "1 sources where 2 were asked",
    ),
    "places that are none": (
        lambda a: a["destinations"].__setitem__(0, {"location": ["x", 2]}),
        "destinations without their coordinates",
    ),
    "places that are text": (lambda a: a.update(sources="a, b"), "no list of sources"),
}


@pytest.mark.parametrize(("change", "message"), PLAIN.values(), ids=PLAIN)
def test_a_wrong_answer_names_the_pairs(ask, server, fake, change, message):
    server.faults[1] = rewrite(change)
    with pytest.raises(InputError, match=message) as caught:
        ask()
    text = str(caught.value)
    assert f"OSRM at {server.url}" in text
    assert "for the 4 pairs from a, b to c, d" in text
    assert "1 of 8 blocks are saved in" in text
    assert "the same call goes on from there" in text
    # What is wrong once is wrong again: it was not asked for twice.
    assert fake.slept == []


@pytest.mark.parametrize("kind", [OSRM, Valhalla, OpenRouteService])
@pytest.mark.parametrize("number", [0, 1])
def test_swapped_rows_are_seen_by_where_the_places_are(ask, server, kind, number):
    server.faults[number] = spoil(swap_rows)
    with pytest.raises(
        InputError, match=r"another order \(a was put where b is, 11\.\d km off"
    ):
        ask(kind)


@pytest.mark.parametrize("name", ["osrm", "valhalla", "graphhopper", "google"])
def test_swapped_times_are_seen_on_the_diagonal(ask, server, name):
    server.faults[0] = spoil(swap_times)
    with pytest.raises(
        InputError, match=r"0 seconds for 2 .*\(a to b, b to a\); its rows"
    ):
        ask(KINDS[name], cache=False)


def test_swapped_times_off_the_diagonal_are_seen_by_indices(ask, server):
    def change(answer):
        answer["sources_to_targets"].reverse()

    server.faults[1] = rewrite(change)
    with pytest.raises(InputError, match=r"4 pairs out of order \(a to c, a to d, b"):
        ask(Valhalla)


def test_a_valhalla_cell_without_a_time_is_named(ask, server):
    def change(answer):
        del answer["sources_to_targets"][0][1]["time"]

    server.faults[1] = rewrite(change)
    with pytest.raises(InputError, match=r"\(a to d: 'no time'\)"):
        ask(Valhalla)


def test_older_and_shorter_answers_of_valhalla_are_read(ask, server):
    def older(answer):
        for side in ("sources", "targets"):
            answer[side] = [answer[side]]

    def shorter(answer):
        rows = answer["sources_to_targets"]
        times = [[cell["time"] for cell in row] for row in rows]
        return {"sources_to_targets": {"durations": times}}

    for change in (older, shorter):
        server.faults["all"] = rewrite(change)
        np.testing.assert_array_equal(ask(Valhalla, cache=False).minutes, truth())


GOOGLE = {
    "denied": (
        lambda _: {"status": "REQUEST_DENIED", "error_message": "Key not valid"},
        r"refused \('Key not valid'\)",
    ),
    "not found": (
        lambda a: a["rows"][0]["elements"].__setitem__(1, {"status": "NOT_FOUND"}),
        r"\(a to d: 'NOT_FOUND'\)",
    ),
    "no value": (
        lambda a: a["rows"][0]["elements"][1].update(duration={"text": "5 min"}),
        r"a to d: \{'text'",
    ),
    "no rows": (lambda a: a.pop("rows") and None, "without a table"),
    "rows that are none": (lambda a: a.update(rows=[7, 7]), "2 of 2 rows"),
}


@pytest.mark.parametrize(("change", "message"), GOOGLE.values(), ids=GOOGLE)
def test_a_wrong_answer_of_google_is_refused(ask, server, change, message):
    server.faults[1] = rewrite(change)
    with pytest.raises(InputError, match=message):
        ask(KINDS["google"], cache=False)


def test_google_over_its_rate_is_waited_out(ask, server, fake):
    over = rewrite(lambda _: {"status": "OVER_QUERY_LIMIT"})
    server.faults = {0: over, 1: over}
    ask(KINDS["google"], cache=False, per_minute=1e9)
    assert [w for w in fake.slept if w > 1e-3] == [1.0, 2.0]


def test_another_region_is_seen(ask, server):
    def elsewhere(table):
        for spots in (table.spots_from, table.spots_to):
            for spot in spots:
                spot[0] += 20.0

    server.faults["all"] = spoil(elsewhere)
    with pytest.raises(InputError, match=r"at least 1,\d{3} km .* of another region"):
        ask()


def test_swapped_coordinates_are_seen_by_where_the_roads_are(ask, server):
    def around_liechtenstein(table):
        for spots in (table.spots_from, table.spots_to):
            for spot in spots:
                spot[:] = [9.6, 47.2]

    server.faults["all"] = spoil(around_liechtenstein)
    with pytest.raises(InputError, match=r"longitude and latitude .* look swapped"):
        ask(lon=LAT, lat=LON)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            status(400, b'{"code": "NoSegment", "message": "No seg"}'),
            r"400 \('No seg'\)",
        ),
        (status(403, b"<html>no</html>"), "status 403 for the 4 pairs"),
        (status(404, b'{"error": {"code": 1, "message": "Not here"}}'), "'Not here'"),
        (
            status(301, Location="https://other.example/x?key=1"),
            "to https://other.example;",
        ),
        (status(302, Location="/x"), "sends elsewhere .another path"),
    ],
)
def test_a_refusal_is_not_tried_again(ask, server, fault, message):
    server.faults["all"] = fault
    with pytest.raises(InputError, match=message):
        ask()
    assert len(server.requests) == 1


def test_a_silent_server_is_left_in_the_end(ask, server):
    server.faults["all"] = silent
    with pytest.raises(
        InputError,
        match=r"not answer within 0\.2 s for the 4 pairs from a, b .*, 2 times over",
    ):
        ask(timeout=0.2, retries=1)


def test_nobody_there_is_said_at_once(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    service = OSRM("http://127.0.0.1:9", requests=Requests(cache=tmp_path))
    with pytest.raises(InputError, match=r"could not be reached .*0 of 1 blocks"):
        table_from_service(UNITS, LON, LAT, service, clock=fake.clock)
    assert fake.slept == []


# --- what is kept ------------------------------------------------------------------


def test_a_second_call_asks_for_nothing(ask, server):
    first = ask()
    count = len(server.requests)
    second = ask()
    assert len(server.requests) == count == 8
    np.testing.assert_array_equal(first.minutes, second.minutes)
    pd.testing.assert_frame_equal(first.places, second.places)
    assert first.notes == second.notes


def test_a_download_goes_on_after_a_failure(ask, server):
    server.faults[5] = status(400)
    with pytest.raises(InputError, match="5 of 8 blocks are saved"):
        ask()
    np.testing.assert_array_equal(ask().minutes, truth())
    assert len(server.requests) == 8 + 1


def test_a_download_goes_on_after_the_user_stopped_it(ask, server, fake):
    def stop(_):
        raise KeyboardInterrupt

    server.faults[3] = status(503)
    patient, fake.sleep = fake.sleep, stop
    with pytest.raises(KeyboardInterrupt) as caught:
        ask()
    assert "3 of 8 blocks are saved in" in caught.value.__notes__[0]
    fake.sleep = patient
    np.testing.assert_array_equal(ask().minutes, truth())
    assert len(server.requests) == 8 + 1


def test_only_so_many_requests_are_made(ask, server):
    for saved in (3, 6):
        with pytest.raises(InputError, match=f"as at_most allows.*{saved} of 8 blocks"):
            ask(at_most=3)
        assert len(server.requests) == saved
    np.testing.assert_array_equal(ask(at_most=3).minutes, truth())
    assert len(server.requests) == 8


def test_what_would_be_lost_is_not_begun(ask, server):
    with pytest.raises(InputError, match=r"8 requests \(24 pairs\) .*\(at_most=8\)"):
        ask(at_most=3, cache=False)
    assert server.requests == []


def test_google_is_not_asked_for_much_without_leave(server, fake):
    n = 101
    google = Service("google", url=server.url)
    with pytest.raises(InputError, match=r"121 requests \(10,201 pairs\) .*may bill"):
        table_from_service(
            [str(i) for i in range(n)],
            np.linspace(0, 1, n),
            np.zeros(n),
            google,
            clock=fake.clock,
        )
    assert server.requests == []


def test_google_is_kept_only_where_told_and_with_a_warning(ask, tmp_path):
    with pytest.warns(GeoPovertyWarning, match="terms of Google restrict keeping"):
        ask(KINDS["google"])
    assert len(list(tmp_path.rglob("*.npz"))) == 8


def test_the_users_folder_keeps_blocks(server, fake, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    table_from_service(UNITS, LON, LAT, OSRM(server.url), clock=fake.clock)
    table_from_service(
        UNITS, LON, LAT, Service("mapbox", url=server.url), clock=fake.clock
    )
    kept = sorted(p.parent.name for p in tmp_path.rglob("*.npz"))
    assert kept == ["osrm"]
    assert (tmp_path / "geopoverty" / "travel-times" / "osrm").is_dir()


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda path: path.write_bytes(path.read_bytes()[:40]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("not a block"),
        lambda path: np.savez(path, minutes=np.zeros((2, 2))),
        lambda path: path.write_bytes(other_block(path).read_bytes()),
        lambda path: rewritten(path, minutes=np.full((2, 2), -1.0)),
        lambda path: rewritten(path, minutes=np.zeros((3, 2))),
        lambda path: rewritten(path, minutes=np.array([[None, 1], [2, 3]])),
        lambda path: rewritten(path, day=np.array("yesterday")),
    ],
)
def test_a_spoiled_block_is_asked_for_again(ask, server, tmp_path, spoiled):
    ask()
    spoiled(min(tmp_path.rglob("*.npz")))
    np.testing.assert_array_equal(ask().minutes, truth())
    assert len(server.requests) == 8 + 1
    ask()
    assert len(server.requests) == 8 + 1


def other_block(path):
    return max(path.parent.glob("*.npz"))


def rewritten(path, **changed):
    with np.load(path) as held:
        np.savez(path, **{**held, **changed})


def test_blocks_of_other_questions_are_not_taken(server, fake, tmp_path):
    requests = Requests(cache=tmp_path)
    asked = [
        (UNITS, LON, LAT, OSRM(server.url, requests=requests)),
        (UNITS, LON, LAT, OSRM(server.url, profile="foot", requests=requests)),
        (UNITS, LON, LAT, OSRM(f"{server.url}/x", requests=requests)),
        (
            UNITS,
            LON,
            LAT,
            OSRM(server.url, options={"exclude": "ferry"}, requests=requests),
        ),
        (list("vwxyz"), LON, LAT, OSRM(server.url, requests=requests)),
        (UNITS, [9.51, *LON[1:]], LAT, OSRM(server.url, requests=requests)),
        (UNITS, LON, LAT, Valhalla(server.url, requests=requests)),
    ]
    for question in asked:
        table_from_service(*question, clock=fake.clock)
    assert len(server.requests) == len(asked)
    for question in asked:
        table_from_service(*question, clock=fake.clock)
    assert len(server.requests) == len(asked)


def test_a_block_has_one_name_whatever_the_key(server):
    block = split(checked_places(UNITS, LON, LAT), 5)[0]
    with_key = OpenRouteService(url=server.url, key_variable="A").service()
    without = OpenRouteService(url=server.url).service()
    assert block_key(with_key, block) == block_key(without, block)


def test_a_table_of_two_days_says_so(ask, server, fake, tmp_path):
    server.faults[5] = status(400)
    with pytest.raises(InputError):
        ask()
    later = datetime(2026, 3, 4, tzinfo=UTC)
    service = OSRM(server.url, requests=Requests(block=2, cache=tmp_path / "blocks"))
    clock = Clock(now=lambda: 0.0, sleep=fake.sleep, utc=lambda: later)
    table = table_from_service(UNITS, LON, LAT, service, clock=clock)
    assert table.attrs["retrieved"] == "2026-03-01 to 2026-03-04"


def test_a_folder_that_cannot_be_made_is_said_first(server, tmp_path):
    (tmp_path / "file").write_text("")
    service = OSRM(server.url, requests=Requests(cache=tmp_path / "file"))
    with pytest.raises(InputError, match="folder for finished blocks cannot be made"):
        table_from_service(UNITS, LON, LAT, service)
    assert server.requests == []


def test_a_full_disk_is_said(ask, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(InputError, match=r"cannot be saved .*No space left"):
        ask()


def test_a_block_is_saved_before_the_next_is_asked_for(ask, server, tmp_path):
    counts = []

    def count(handler, table, form):
        counts.append(len(list(tmp_path.rglob("*.npz"))))
        handler.send_json(getattr(table, form)())

    server.faults["all"] = count
    ask()
    assert counts == list(range(8))
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]


def test_nothing_is_loaded_for_a_missing_block(tmp_path):
    block = split(checked_places(UNITS, LON, LAT), 5)[0]
    assert load_block(tmp_path, "0" * 64, block) is None


# --- keys --------------------------------------------------------------------------

WITH_KEYS = ["openrouteservice", "google", "graphhopper", "mapbox"]


def keyed(name, server, **settings):
    return Service(
        name,
        url=server.url,
        key_variable="SOME_KEY",
        requests=Requests(block=3, retries=0, timeout=5.0, **settings),
    )


def written_everywhere(caught, logged, warned, folder):
    """Return all that a run wrote or said."""
    texts = [logged, *(str(w.message) for w in warned)]
    while caught is not None:
        texts += [str(caught), repr(caught), *getattr(caught, "__notes__", [])]
        texts += traceback.format_exception(caught)
        caught = caught.__cause__ or caught.__context__
    for path in folder.rglob("*.npz"):
        with np.load(path) as held:
            texts += [path.name, *(str(held[name]) for name in held)]
    return "\n".join(texts)


def hidden(text):
    return not any(form in text for form in (KEY, quote(KEY, safe=""), quote(KEY)))


@pytest.mark.parametrize("name", WITH_KEYS)
def test_the_service_gets_the_key(server, fake, monkeypatch, name):
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")
    table_from_service(
        UNITS, LON, LAT, keyed(name, server, cache=False), clock=fake.clock
    )
    got = server.requests[-1]
    sent = [got["headers"].get("Authorization"), *chain(*got["query"].values())]
    assert KEY in sent


@pytest.mark.parametrize("name", WITH_KEYS)
@pytest.mark.parametrize(
    "fault",
    [
        None,
        status(403, json.dumps({"message": f"The key {KEY} is wrong"}).encode()),
        status(403, json.dumps({"error": f"?key={quote(KEY, safe='')}"}).encode()),
        status(302, Location=f"http://else.example/?key={quote(KEY, safe='')}"),
        hung_up,
        cut_off,
        rewrite(lambda _: {"status": "REQUEST_DENIED", "error_message": KEY}),
        rewrite(lambda _: {"code": "No", "message": KEY, "rows": [KEY], "times": KEY}),
    ],
)
@pytest.mark.filterwarnings("ignore:The terms of")
def test_the_key_is_written_nowhere(
    server, fake, monkeypatch, caplog, recwarn, tmp_path, name, fault
):
    monkeypatch.setenv("SOME_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server.faults["all"] = fault
    service = keyed(name, server, cache=tmp_path)
    caught, table = None, ""
    try:
        table = table_from_service(UNITS, LON, LAT, service, clock=fake.clock)
    except InputError as error:
        caught = error
    assert (caught is None) == (fault is None)
    said = written_everywhere(caught, caplog.text, recwarn, tmp_path)
    assert "127.0.0.1" in said  # something was logged
    assert hidden(said)
    assert hidden(repr(service))
    assert hidden(repr(table))
    assert not logging.getLogger("urllib3.connectionpool").filters


def test_a_key_that_cannot_be_reached_is_not_shown(fake, monkeypatch, caplog, tmp_path):
    monkeypatch.setenv("SOME_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    caplog.set_level(logging.DEBUG)
    service = Service(
        "google",
        url="http://127.0.0.1:9",
        key_variable="SOME_KEY",
        requests=Requests(cache=False),
    )
    with pytest.raises(InputError, match="could not be reached") as caught:
        table_from_service(UNITS, LON, LAT, service, clock=fake.clock)
    assert hidden(written_everywhere(caught.value, caplog.text, [], tmp_path))


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_names_its_variable(monkeypatch, value):
    monkeypatch.delenv("ORS_API_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("ORS_API_KEY", value)
    with pytest.raises(
        InputError, match="a key in the environment variable ORS_API_KEY"
    ):
        table_from_service(UNITS, LON, LAT, OpenRouteService())


@pytest.mark.parametrize("value", ["two words", "schlüssel", "line\nbreak"])
def test_what_is_no_key_is_not_repeated(monkeypatch, value):
    monkeypatch.setenv("GOOGLE_MAPS_API_KEY", value)
    with pytest.raises(InputError, match="must hold a key") as caught:
        table_from_service(UNITS, LON, LAT, Google())
    assert value not in str(caught.value)


def test_a_key_never_travels_unencrypted(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    service = OpenRouteService(url="http://roads.example/ors", key_variable="SOME_KEY")
    with pytest.raises(InputError, match="must not travel unencrypted"):
        table_from_service(UNITS, LON, LAT, service)


def test_own_servers_need_no_key_and_get_none_of_the_users(server, fake, monkeypatch):
    monkeypatch.setenv("ORS_API_KEY", KEY)
    own = OpenRouteService(url=server.url, requests=Requests(cache=False))
    table_from_service(UNITS, LON, LAT, own, clock=fake.clock)
    assert "Authorization" not in server.requests[-1]["headers"]


def test_passwords_of_netrc_stay_at_home(ask, server, tmp_path, monkeypatch):
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("NETRC", str(file))
    ask()
    assert "Authorization" not in server.requests[-1]["headers"]


# --- what is refused before anyone is asked -----------------------------------------


@pytest.mark.parametrize(
    ("lon", "lat", "message"),
    [
        ([9.5, 190.0], [47.0, 47.1], r"within -180 to 180 .*\(b\). Give longitude"),
        ([9.5, np.nan], [47.0, 47.1], r"1 of 2 places break this \(b\)"),
        ([47.1, 47.2], [100.5, 100.6], "look swapped: give longitude first"),
        ([9.5, 9.5], [47.1, 47.1], r"at the same point; 2 of 2 places .*\(a, b\)"),
        ([9.5, 9.5 + 1e-8], [47.1, 47.1], "at the same point"),
        ([9.5], [47.1], "2 places need 2 longitudes"),
    ],
)
def test_places_are_checked(lon, lat, message):
    with pytest.raises(InputError, match=message):
        table_from_service(["a", "b"], lon, lat, OSRM("http://localhost"))


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (["a", "a"], "unit ids must be unique"),
        ([1, 2], "must be text"),
        (["a", None], "needs a unit id"),
    ],
)
def test_ids_are_checked(units, message):
    with pytest.raises(InputError, match=message):
        table_from_service(units, [1.0, 2.0], [1.0, 2.0], OSRM("http://localhost"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:5000", "must start with http:// or https://"),
        ("ftp://localhost", "must start with"),
        ("", "must start with"),
        ("http://", "must start with"),
        ("http://a b", "must start with"),
        ("http://localhost:port", "must start with"),
        ("http://localhost:99999", "must start with"),
        ("http://[::1", "must start with"),
        ("http://localhost:5000/table/v1/driving", "must end before '/table/v1'"),
        ("http://me:word@localhost", "no user, password"),
        ("http://localhost?api_key=word", "no user, password"),
        ("http://localhost#word", "no user, password"),
    ],
)
def test_addresses_are_checked(url, message):
    with pytest.raises(InputError, match=message) as caught:
        OSRM(url)
    assert "word" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Service("osmr"), "Did you mean 'osrm'"),
        (lambda: Service("here"), "closed to new users"),
        (lambda: Service("opentripplanner"), "has no tables"),
        (lambda: Service("osrm"), "needs the address of a server"),
        (lambda: Service("valhalla"), "No public server is asked"),
        (lambda: OSRM("http://h", profile="car/../x"), "profile must be a word"),
        (lambda: OSRM("http://h", profile=3), "profile must be a word"),
        (lambda: OSRM("http://h", requests={}), r"requests must be a Requests\(...\)"),
        (lambda: OSRM("http://h", options=[1]), "options must be a mapping"),
        (lambda: OSRM("http://h", options={"x": {1, 2}}), "cannot be written as JSON"),
        (lambda: OSRM("http://h", options={"x": np.nan}), "cannot be written as JSON"),
        (
            lambda: OSRM("http://h", options={"api_key": "word"}),
            "hold no keys; 'api_key'",
        ),
        (
            lambda: OSRM("http://h", options={"a": {"Token": 1}}),
            "hold no keys; 'Token'",
        ),
        (
            lambda: OSRM("http://h", options={"sources": [1]}),
            "it is set for every block",
        ),
        (
            lambda: OSRM("http://h", options={"fallback_speed": 9}),
            "fills pairs without",
        ),
        (lambda: Google(options={"departure_time": 1}), "would not compare"),
        (lambda: Google(key_variable="AIza-word"), "not the key itself"),
        (lambda: OpenRouteService(key_variable="5b3ce3word"), "not the key itself"),
        (lambda: Requests(block=0), "block must be a whole number, at least 1"),
        (lambda: Requests(block=2.5), "block must be a whole number"),
        (lambda: Requests(retries=True), "retries must be a whole number"),
        (lambda: Requests(retries=None), "retries must be a whole number"),
        (lambda: Requests(at_most=0), "at_most must be a whole number"),
        (lambda: Requests(per_minute=0), "per_minute must be a number above 0"),
        (lambda: Requests(timeout=None), "timeout must be a number above 0"),
        (lambda: Requests(timeout=float("inf")), "timeout must be a number above 0"),
        (lambda: Requests(snap_m=float("nan")), "snap_m must be a number above 0"),
        (lambda: Requests(cache=None), "cache must be a folder, True or False"),
        (lambda: Requests(cache=""), "cache must be a folder"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "word" not in str(caught.value).replace("a word", "").replace("password", "")


def test_a_service_is_one_of_the_objects():
    with pytest.raises(InputError, match=r"must be OSRM\(...\).*; got str"):
        table_from_service(UNITS, LON, LAT, "osrm")


@pytest.mark.parametrize(
    ("service", "message"),
    [
        (
            Service("google", options={"avoide": "x"}),
            "takes no option avoide. It has: ",
        ),
        (Service("google", options={"avoid": 7}), "cannot be written into a request"),
    ],
)
def test_options_that_a_service_does_not_know_are_named(monkeypatch, service, message):
    monkeypatch.setenv("GOOGLE_MAPS_API_KEY", KEY)
    with pytest.raises(InputError, match=message) as caught:
        table_from_service(UNITS, LON, LAT, service)
    assert hidden("".join(traceback.format_exception(caught.value)))


def test_what_is_given_is_not_changed(ask):
    lon, lat, options = np.array(LON), np.array(LAT), {"exclude": "ferry"}
    ask(lon=lon, lat=lat)
    service = OSRM("http://h", options=options).service()
    options["exclude"] = "toll"
    assert service.options == {"exclude": "ferry"}
    np.testing.assert_array_equal(lon, LON)
    with pytest.raises(TypeError):
        service.options["exclude"] = "toll"


# --- imports -----------------------------------------------------------------------


def test_the_extra_is_named_when_routingpy_is_missing(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(line.importlib, "import_module", missing)
    own = OSRM("http://localhost", requests=Requests(cache=False))
    with pytest.raises(
        MissingExtraError, match=r'pip install "geopoverty\[services\]"'
    ):
        table_from_service(UNITS, LON, LAT, own)


def test_routingpy_and_requests_are_imported_when_needed_and_not_before():
    package = Path(services.__file__).parent
    for path in [*package.glob("*.py"), *package.parent.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in getattr(node, "names", [])]
            named = {
                n.partition(".")[0] for n in [*names, getattr(node, "module", "") or ""]
            }
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not named & {"routingpy", "requests", "urllib3"}, path.name


def test_the_user_agent_says_who_asks(ask, server):
    ask()
    assert re.fullmatch(
        r"geopoverty/[\d.]+", server.requests[0]["headers"]["User-Agent"]
    )

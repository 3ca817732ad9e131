"""OMX files: what other programs write, and what is missing or wrong in them."""

import re
import sys
import warnings

import numpy as np
import openmatrix
import pytest
import tables

from geopoverty.data.travel.formats import TravelFormat
from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import InputError, MissingExtraError

MINUTES = np.array([[0.0, 30.0, 40.0], [35.0, 0.0, 20.0], [45.0, 25.0, 0.0]])


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def omx(folder, matrices=None, lookups=None, name="m.omx"):
    """Write a file as other programs do, past our own writer."""
    path = folder / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tables.NaturalNameWarning)
        with openmatrix.open_file(str(path), "w") as file:
            for key, values in (matrices or {"car": MINUTES}).items():
                file.create_carray("/data", key, obj=np.asarray(values))
            for key, values in (lookups or {}).items():
                file.create_array("/lookup", key, obj=np.asarray(values))
    return path


def test_numbers_of_zones_become_text(tmp_path):
    path = omx(tmp_path, lookups={"taz": [101, 7, 2003]})
    found = read_travel_times(path)
    assert list(found.units) == ["101", "7", "2003"]
    np.testing.assert_array_equal(found.matrix, MINUTES)
    assert found.status == "measured"
    wide = read_travel_times(path, options=TravelFormat(width=5), status="routed")
    assert list(wide.units) == ["00101", "00007", "02003"]
    assert wide.status == "routed"


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint16])
def test_any_numbers_are_minutes(tmp_path, kind):
    path = omx(tmp_path, {"car": MINUTES.astype(kind)}, {"taz": [1, 2, 3]})
    assert read_travel_times(path).matrix.dtype == np.float64


def test_text_and_whole_floats_are_ids(tmp_path):
    path = omx(tmp_path, lookups={"taz": ["杭州".encode(), b"b", b"c"]})
    assert list(read_travel_times(path).units) == ["杭州", "b", "c"]
    path = omx(tmp_path, lookups={"taz": [1.0, 2.0, 3.0]}, name="f.omx")
    assert list(read_travel_times(path).units) == ["1", "2", "3"]
    path = omx(tmp_path, lookups={"taz": [1.5, 2.0, 3.0]}, name="g.omx")
    with refused("must hold whole numbers or text; it holds float64. Give the ids"):
        read_travel_times(path)


def test_one_of_several_matrices_is_named(tmp_path):
    both = {"car": MINUTES, "bus": MINUTES * 2}
    path = omx(tmp_path, both, {"taz": [1, 2, 3]})
    with refused("holds several matrices: bus, car. Name the one with travel times"):
        read_travel_times(path)
    found = read_travel_times(path, options=TravelFormat(matrix="bus"))
    np.testing.assert_array_equal(found.matrix, MINUTES * 2)
    with refused("holds no 'cra': bus, car. Did you mean 'car'? Name the one"):
        read_travel_times(path, options=TravelFormat(matrix="cra"))


def test_an_index_is_needed_and_named(tmp_path):
    path = omx(tmp_path)
    with refused(
        "has no index (lookup), so its rows cannot be told apart. Give the ids"
    ):
        read_travel_times(path)
    given = read_travel_times(path, options=TravelFormat(ids=["a", "b", "c"]))
    assert list(given.units) == ["a", "b", "c"]
    with refused("there are 2 for 3 rows. Name another index"):
        read_travel_times(path, options=TravelFormat(ids=["a", "b"]))
    path = omx(tmp_path, lookups={"taz": [1, 2, 3], "county": [1, 1, 2]}, name="2.omx")
    with refused("has several indices: county, taz. Name one"):
        read_travel_times(path)
    found = read_travel_times(path, options=TravelFormat(index="taz"))
    assert list(found.units) == ["1", "2", "3"]
    with refused("has no index 'tax': county, taz. Did you mean 'taz'?"):
        read_travel_times(path, options=TravelFormat(index="tax"))
    with refused("unit ids must be unique; 1 of 2 ids stand more than once (1)"):
        read_travel_times(path, options=TravelFormat(index="county"))


def test_a_matrix_is_square_and_of_numbers(tmp_path):
    path = omx(tmp_path, {"car": MINUTES[:2]}, {"taz": [1, 2, 3]})
    with refused("must be square and of numbers; it is 2 x 3, float64. Keep the zones"):
        read_travel_times(path)
    path = omx(tmp_path, {"car": np.full((2, 2), b"x")}, {"taz": [1, 2]}, "t.omx")
    with refused("must be square and of numbers; it is 2 x 2"):
        read_travel_times(path)


def test_zeros_are_unreachable_only_if_told_so(tmp_path):
    holes = MINUTES.copy()
    holes[0, 2] = 0.0
    path = omx(tmp_path, {"car": holes}, {"taz": [1, 2, 3]})
    with refused("holds 0 minutes between different units (1 to 3). Where 0 means"):
        read_travel_times(path)
    for reach in ({}, {"cutoff": 500.0}):
        found = read_travel_times(
            path, options=TravelFormat(unreachable=(0, 9999)), **reach
        )
        assert len(found.minutes()) == 5
    with refused("holds 0 minutes between different units (1 to 3)"):
        read_travel_times(path, cutoff=500)


@pytest.mark.parametrize("bad", [-4.0, np.inf])
@pytest.mark.parametrize("reach", [{}, {"cutoff": 500.0}], ids=str)
def test_minutes_are_above_0_and_finite(tmp_path, bad, reach):
    wrong = MINUTES.copy()
    wrong[2, 1] = bad
    path = omx(tmp_path, {"car": wrong}, {"taz": [1, 2, 3]})
    with refused("1 pairs break this (3 to 2)"):
        read_travel_times(path, **reach)


def test_other_units_of_time(tmp_path):
    path = omx(tmp_path, {"car": MINUTES * 60}, {"taz": [1, 2, 3]})
    found = read_travel_times(path, options=TravelFormat(unit="seconds"))
    np.testing.assert_allclose(found.matrix, MINUTES, rtol=1e-15)


@pytest.mark.parametrize(
    "content", [b"", b"from_id,to_id\n", b"PK\x03\x04" + b"0" * 900]
)
def test_a_file_that_is_no_hdf5_is_refused(tmp_path, content):
    path = tmp_path / "m.omx"
    path.write_bytes(content)
    with refused(
        "cannot be read (it is no HDF5 file, or a damaged one). OMX files are"
    ):
        read_travel_times(path)


def test_an_hdf5_file_that_is_no_omx_is_refused(tmp_path):
    path = tmp_path / "m.omx"
    with tables.open_file(str(path), "w") as file:
        file.create_array("/", "x", obj=np.ones(3))
    with refused("holds no matrix. Name the one with travel times"):
        read_travel_times(path)


def test_the_extra_is_named_when_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openmatrix", None)
    path = tmp_path / "m.omx"
    path.write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r'pip install "geopoverty\[omx\]"'):
        read_travel_times(path)

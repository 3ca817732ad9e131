"""Travel times written and read back: minutes, units, status, notes, marks."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from builders import LAW, ids, minutes, times
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geopoverty.data.travel import TravelTimes
from geopoverty.data.travel_files import read_travel_times
from geopoverty.data.travel_fill import Reverse, fill_missing
from geopoverty.data.travel_write import write_travel_times
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.provenance import STATUSES

FILES = [
    ("t.csv", "long"),
    ("t.csv", "wide"),
    ("t.parquet", "long"),
    ("t.parquet", "wide"),
    ("t.omx", "long"),
]
EVERY = pytest.mark.parametrize(("name", "shape"), FILES, ids=" ".join)


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


def dense(given):
    matrix = given.matrix
    if given.is_sparse:
        row, column, values = given.pairs()
        matrix = np.full((given.n, given.n), np.nan)
        matrix[row, column] = values
    matrix = matrix.copy()
    np.fill_diagonal(matrix, np.nan)
    return matrix


NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"),
    min_size=1,
    max_size=6,
)


@st.composite
def any_times(draw):
    units = draw(st.lists(NAMES, min_size=2, max_size=6, unique=True))
    n = len(units)
    value = st.one_of(st.just(np.nan), st.floats(1e-3, 1e6, allow_subnormal=False))
    cells = draw(st.lists(value, min_size=n * n, max_size=n * n))
    matrix = np.array(cells).reshape(n, n)
    matrix[0, 1] = 40.0
    marks = np.array(draw(st.lists(st.booleans(), min_size=n * n, max_size=n * n)))
    marks = marks.reshape(n, n) & np.isfinite(matrix) & ~np.eye(n, dtype=bool)
    return TravelTimes(
        units,
        matrix,
        draw(st.sampled_from(STATUSES)),
        tuple(draw(st.lists(st.text(max_size=9), max_size=2))),
        draw(st.dictionaries(NAMES, st.one_of(NAMES, st.integers(0, 9)), max_size=2)),
        marks if draw(st.booleans()) else None,
    )


@pytest.mark.filterwarnings("ignore::geopoverty.errors.GeoPovertyWarning")
@EVERY
@settings(
    LAW, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(written=any_times())
def test_what_is_written_is_read_back(tmp_path, name, shape, written):
    path = tmp_path / name
    if shape == "wide":
        written = TravelTimes(
            written.units, written.matrix, written.status, written.notes, written.attrs
        )
    write_travel_times(written, path, shape=shape)
    found = read_travel_times(path)
    assert list(found.units) == list(written.units)
    np.testing.assert_array_equal(dense(found), dense(written))
    assert (found.status, found.notes) == (written.status, written.notes)
    assert dict(found.attrs) == dict(written.attrs)
    assert (found.filled is None) == (written.filled is None)
    if written.filled is not None:
        np.testing.assert_array_equal(found.filled.toarray(), written.filled.toarray())


@EVERY
def test_units_that_nobody_reaches_stay_in_their_order(tmp_path, name, shape):
    matrix = np.full((40, 40), np.nan)
    matrix[3, 1], matrix[1, 3] = 20.0, 25.0
    units = [f"u{i}" for i in range(40)][::-1]
    held = TravelTimes(units, matrix, "routed", ("Roads of 2020.",))
    write_travel_times(held, tmp_path / name, shape=shape)
    found = read_travel_times(tmp_path / name)
    assert list(found.units) == units
    assert len(found.minutes()) == 2
    assert found.notes == ("Roads of 2020.",)


@EVERY
def test_sparse_times_are_written_too(tmp_path, name, shape):
    few = read_travel_times(
        pd.DataFrame(
            [(f"{i:03d}", f"{i + 1:03d}", 5.0 + i) for i in range(30)],
            columns=["from_id", "to_id", "travel_time"],
        )
    )
    assert few.is_sparse
    write_travel_times(few, tmp_path / name, shape=shape)
    found = read_travel_times(tmp_path / name)
    np.testing.assert_array_equal(dense(found), dense(few))


def test_wide_tables_cannot_mark_what_was_filled(tmp_path):
    matrix = minutes(4, seed=1)
    matrix[1, 2] = np.nan
    whole = fill_missing(TravelTimes(ids(4), matrix, "routed"), Reverse())
    with refused(
        "1 of these minutes were filled by a rule, and a wide table has no pl"
    ):
        write_travel_times(whole, tmp_path / "t.csv", shape="wide")
    assert not list(tmp_path.iterdir())
    write_travel_times(whole, tmp_path / "t.omx", shape="wide")
    assert read_travel_times(tmp_path / "t.omx").filled.nnz == 1


def test_other_programs_can_read_what_is_written(tmp_path):
    held = times(5, seed=1)
    write_travel_times(held, tmp_path / "t.csv")
    plain = pd.read_csv(tmp_path / "t.csv", dtype={"from_id": str, "to_id": str})
    pd.testing.assert_frame_equal(plain, held.to_frame(), check_dtype=False)
    write_travel_times(held, tmp_path / "t.parquet")
    plain = pd.read_parquet(tmp_path / "t.parquet").astype({"from_id": str})
    assert plain["from_id"].tolist() == held.to_frame()["from_id"].tolist()
    import openmatrix

    numbered = TravelTimes([str(i) for i in range(5)], held.matrix, "routed")
    write_travel_times(numbered, tmp_path / "t.omx")
    with openmatrix.open_file(str(tmp_path / "t.omx")) as file:
        assert file.version() == b"0.2"
        assert file.shape() == (5, 5)
        assert file.list_matrices() == ["travel_time"]
        assert file.mapping("unit_id") == {i: i for i in range(5)}
        np.testing.assert_array_equal(file["travel_time"][:], held.matrix)


def test_leading_zeros_stay_in_omx(tmp_path):
    held = TravelTimes(["01", "002"], [[0.0, 30.0], [35.0, 0.0]], "routed")
    write_travel_times(held, tmp_path / "t.omx")
    assert list(read_travel_times(tmp_path / "t.omx").units) == ["01", "002"]


def test_a_csv_that_was_changed_loses_its_notes(tmp_path):
    path = tmp_path / "t.csv"
    held = TravelTimes(["a", "b"], [[0.0, 30.0], [35.0, 0.0]], "modelled", ("Hm.",))
    write_travel_times(held, path)
    beside = tmp_path / "t.csv-metadata.json"
    assert json.loads(beside.read_text())["status"] == "modelled"
    path.write_text(path.read_text().replace("35", "36"))
    with pytest.warns(
        GeoPovertyWarning, match="was changed after 't.csv-metadata.json"
    ):
        found = read_travel_times(path)
    assert (found.status, found.notes) == ("measured", ())
    beside.write_text('{"status": 1}')
    assert read_travel_times(path).status == "measured"
    beside.unlink()
    assert read_travel_times(path).status == "measured"


def test_another_status_than_the_file_says_is_noted(tmp_path):
    held = TravelTimes(["a", "b"], [[0.0, 30.0], [35.0, 0.0]], "modelled")
    write_travel_times(held, tmp_path / "t.parquet")
    found = read_travel_times(tmp_path / "t.parquet", status="measured")
    assert found.status == "measured"
    assert found.notes == ("The source calls these minutes modelled, not measured.",)
    assert read_travel_times(held.to_frame()).status == "modelled"
    with refused("status must be one of"):
        read_travel_times(tmp_path / "t.parquet", status="guessed")


@pytest.mark.parametrize(
    "said", [b"", b"{", b"[1]", b'{"status": "routed", "within": 3}']
)
def test_what_somebody_else_wrote_into_a_file_is_nothing(tmp_path, said):
    table = pyarrow.parquet.read_table
    path = tmp_path / "t.parquet"
    write_travel_times(times(4), path)
    broken = table(path).replace_schema_metadata({"geopoverty_travel_times": said})
    pyarrow.parquet.write_table(broken, path)
    assert read_travel_times(path).status == "measured"


def test_units_added_by_another_program_come_last(tmp_path):
    path = tmp_path / "t.parquet"
    held = TravelTimes(["b", "a"], [[0.0, 30.0], [35.0, 0.0]], "routed")
    write_travel_times(held, path)
    table = pyarrow.parquet.read_table(path)
    more = pd.concat(
        [
            table.to_pandas().astype({"from_id": str, "to_id": str}),
            pd.DataFrame([("0", "a", 9.0)], columns=table.column_names),
        ]
    )
    more = pyarrow.Table.from_pandas(more, preserve_index=False)
    pyarrow.parquet.write_table(
        more.replace_schema_metadata(table.schema.metadata), path
    )
    assert list(read_travel_times(path).units) == ["b", "a", "0"]


def test_bad_paths_are_refused_before_anything_is_written(tmp_path):
    held = times(4)
    with refused(
        "written to .csv, .parquet or .omx; 't.xlsx' ends in '.xlsx'. Name an"
    ):
        write_travel_times(held, tmp_path / "t.xlsx")
    with refused("The output folder must exist"):
        write_travel_times(held, tmp_path / "none" / "t.csv")
    with refused("shape must be one of 'long', 'wide'"):
        write_travel_times(held, tmp_path / "t.csv", shape="tall")
    assert not list(tmp_path.iterdir())


@EVERY
def test_a_failure_leaves_what_was_there(tmp_path, name, shape, monkeypatch):
    path = tmp_path / name
    write_travel_times(times(4), path, shape=shape)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("geopoverty.data.travel_write.write_omx", fail)
    monkeypatch.setattr("geopoverty.data.travel_write.pa.csv.write_csv", fail)
    monkeypatch.setattr("geopoverty.data.travel_write.pa.parquet.write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        write_travel_times(times(5), path, shape=shape)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before

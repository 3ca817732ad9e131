"""Travel times from files: long or wide, CSV or Parquet, one and the same."""

import re

import numpy as np
import pandas as pd
import pytest
from builders import LAW, ids, minutes, times
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table

from geopoverty.data.catalog import coquimbo_travel_times
from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import InputError

HEAD = "from_id,to_id,travel_time\n"


def long_table(rows=(("a", "b", 30.0), ("b", "a", 35.0))):
    return pd.DataFrame(rows, columns=["from_id", "to_id", "travel_time"])


def wide_table(matrix, names):
    frame = pd.DataFrame(matrix, columns=list(names))
    frame.insert(0, "unit", list(names))
    return frame


def written(frame, path):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


def csv(folder, text):
    path = folder / "times.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def dense(given):
    matrix = given.matrix
    if given.is_sparse:
        held = matrix.tocoo()
        matrix = np.full(held.shape, np.nan)
        matrix[held.row, held.col] = held.data
    matrix = matrix.copy()
    np.fill_diagonal(matrix, np.nan)
    return matrix


def refused(text):
    return pytest.raises(InputError, match=re.escape(text))


# --- one table in four shapes --------------------------------------------------


@pytest.mark.parametrize("suffix", [None, "csv", "parquet"])
@pytest.mark.parametrize("shape", ["long", "wide"])
@pytest.mark.parametrize("known", [1.0, 0.5])
def test_every_shape_and_format_gives_the_same_times(tmp_path, suffix, shape, known):
    matrix, names = minutes(9, seed=1, known=known), ids(9)
    whole = times(9, seed=1, known=known)
    frame = whole.to_frame() if shape == "long" else wide_table(matrix, names)
    source = frame if suffix is None else written(frame, tmp_path / f"t.{suffix}")
    before = frame.copy()
    found = read_travel_times(source, units=names, status="routed")
    assert list(found.units) == list(names)
    assert found.status == "routed"
    np.testing.assert_array_equal(dense(found), dense(whole))
    pd.testing.assert_frame_equal(frame, before)


def test_reference_times(tmp_path):
    # The very file that R wrote: ids with leading zeros, pairs that are absent.
    found = read_travel_times(written(table("weights_times"), tmp_path / "t.csv"))
    raw = np.array(answers("weights")["travel"]["inverse"]["none"]["matrix"])
    assert list(found.units) == answers("weights")["units"]["unit_id"]
    with np.errstate(divide="ignore"):
        theirs = np.where(raw > 0, 1 / raw, np.nan)
    np.testing.assert_allclose(dense(found), theirs, rtol=1e-13)


@LAW
@given(st.integers(0, 10_000), st.integers(2, 8), st.sampled_from([1.0, 0.6, 0.1]))
def test_the_order_of_rows_does_not_matter(seed, n, known):
    frame = times(n, seed, known).to_frame()
    mixed = frame.sample(frac=1, random_state=seed % 2**31)
    one, two = read_travel_times(frame), read_travel_times(mixed)
    assert list(one.units) == list(two.units) == sorted(one.units)
    np.testing.assert_array_equal(dense(one), dense(two))
    assert one.is_sparse == two.is_sparse


@LAW
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_the_order_of_columns_of_a_wide_table_does_not_matter(seed, n):
    wide = wide_table(minutes(n, seed), ids(n))
    order = np.random.default_rng(seed).permutation(n)
    mixed = wide.iloc[:, [0, *(1 + order)]]
    np.testing.assert_array_equal(
        read_travel_times(wide).matrix, read_travel_times(mixed).matrix
    )


def test_few_pairs_are_held_sparse_and_many_dense():
    few = [(f"{i:03d}", f"{i + 1:03d}", 5.0 + i) for i in range(40)]
    found = read_travel_times(long_table(few))
    assert found.is_sparse
    assert found.matrix.nnz == 40
    assert not read_travel_times(times(9).to_frame()).is_sparse
    quarter = long_table([("a", "b", 30.0)])  # one of four, oneself counted
    assert not read_travel_times(quarter).is_sparse
    assert read_travel_times(long_table([("a", "b", 3.0), ("b", "c", 4.0)])).is_sparse


def test_units_choose_and_order():
    frame = times(6).to_frame()
    chosen = [ids(6)[4], ids(6)[1]]
    found = read_travel_times(frame, units=chosen)
    assert list(found.units) == chosen
    assert "Only 2 of 6 units are held" in found.notes[0]
    with refused("among the travel times; 1 of 2 units break this (zz). Check the ids"):
        read_travel_times(frame, units=[chosen[0], "zz"])


def test_attributes_of_a_table_follow():
    frame = long_table()
    frame.attrs = {"title": "Minutes", "licence": "ODbL"}
    assert read_travel_times(frame).attrs == frame.attrs


def test_more_columns_and_types_are_welcome():
    frame = long_table().assign(
        note="x", from_id=lambda t: t["from_id"].astype("category")
    )
    for kind in ("Float64", "Int64", "float32", object, "string"):
        found = read_travel_times(frame.astype({"travel_time": kind}))
        np.testing.assert_array_equal(
            dense(found), dense(read_travel_times(long_table()))
        )


def test_unreachable_pairs_are_absent_or_empty(tmp_path):
    absent = read_travel_times(csv(tmp_path, HEAD + "a,b,30\nb,a,35\nc,a,9\n"))
    empty = csv(tmp_path, HEAD + "a,b,30\nb,a,35\nc,a,9\na,c,\nc,b,\nb,c,NaN\n")
    np.testing.assert_array_equal(dense(absent), dense(read_travel_times(empty)))
    wide = csv(tmp_path, "unit,a,b,c\na,0,30,\nb,35,0,\nc,9,,0\n")
    np.testing.assert_array_equal(dense(absent), dense(read_travel_times(wide)))


def test_nobody_can_go_to_a_unit_with_an_empty_column(tmp_path):
    path = csv(tmp_path, "unit,a,b,c\na,0,30,\nb,35,0,\nc,9,8,\n")
    assert np.isnan(read_travel_times(path).matrix[:, 2]).all()


def test_a_byte_order_mark_and_other_alphabets_are_read(tmp_path):
    text = "\ufeff" + HEAD + "杭州,宁波,90\n宁波,杭州,95\n"
    assert list(read_travel_times(csv(tmp_path, text)).units) == ["宁波", "杭州"]


def test_real_routed_times_read_back(tmp_path):
    given = coquimbo_travel_times()
    path = written(given.to_frame(), tmp_path / "coquimbo.csv")
    found = read_travel_times(path, units=given.units, status=given.status)
    assert list(found.units) == list(given.units)
    np.testing.assert_array_equal(dense(found), dense(given))


# --- bad ids -------------------------------------------------------------------


@pytest.mark.parametrize("column", ["from_id", "to_id"])
def test_ids_read_as_integers_are_refused_with_the_repair(tmp_path, column):
    frame = long_table().assign(**{column: [1001, 1003]})
    for source in (frame, written(frame, tmp_path / "t.parquet")):
        with refused(
            f"The column '{column}': unit ids must be text; these are integer (1001, "
            "1003), so leading zeros are lost. Read the column as text, or repair it: "
            "ids.astype(str).str.zfill(width)."
        ):
            read_travel_times(source)


def test_a_csv_keeps_leading_zeros(tmp_path):
    found = read_travel_times(csv(tmp_path, HEAD + "01,002,30\n002,01,35\n"))
    assert list(found.units) == ["002", "01"]
    wide = read_travel_times(csv(tmp_path, "u,01,002\n01,0,30\n002,35,0\n"))
    assert list(wide.units) == ["01", "002"]


@pytest.mark.parametrize("column", ["from_id", "to_id"])
def test_missing_ids_are_refused(tmp_path, column):
    frame = long_table([("a", "b", 30.0), ("b", "a", 35.0), ("a", "c", 2.0)])
    frame.loc[1, column] = None
    for suffix in (None, "parquet", "csv"):
        source = frame if suffix is None else written(frame, tmp_path / f"t.{suffix}")
        with refused(f"The column '{column}': every row needs a unit id; 1 of "):
            read_travel_times(source)


def test_repeated_ids_of_a_wide_table_are_refused():
    wide = wide_table(minutes(3), list("abc"))
    wide.loc[2, "unit"] = "a"
    with refused("The first column: unit ids must be unique; 1 of 2 ids"):
        read_travel_times(wide)
    wide = wide_table(minutes(3), list("abc")).set_axis([*"uaba"], axis=1)
    with refused("The header: unit ids must be unique; 1 of 2 ids"):
        read_travel_times(wide)


def test_a_wide_table_has_a_column_for_every_row():
    wide = wide_table(minutes(3), list("abc")).rename(columns={"c": "d"})
    with refused(
        "a column of the same id; 1 of 3 units break this (c). Correct the hea"
    ):
        read_travel_times(wide)


# --- bad minutes ---------------------------------------------------------------


@pytest.mark.parametrize("suffix", [None, "csv", "parquet"])
@pytest.mark.parametrize("bad", [0.0, -3.0, np.inf])
def test_times_are_above_0_and_finite(tmp_path, suffix, bad):
    frame = long_table([("a", "b", 30.0), ("b", "a", bad), ("a", "a", 0.0)])
    source = frame if suffix is None else written(frame, tmp_path / f"t.{suffix}")
    with refused(
        "finite minutes above 0 between different units; 1 pairs break this (b"
    ):
        read_travel_times(source)


def test_zero_to_oneself_is_fine():
    rows = [("a", "a", 0.0), ("a", "b", 30.0), ("b", "a", 35.0), ("b", "b", 0.0)]
    assert sorted(read_travel_times(long_table(rows)).minutes()) == [30.0, 35.0]


@pytest.mark.parametrize("known", [2, 200], ids=["dense", "sparse"])
def test_repeated_pairs_are_refused(known):
    rows = [(f"{i:03d}", f"{i + 1:03d}", 5.0) for i in range(known)]
    rows += [("001", "002", 7.0), ("000", "001", 5.0), ("000", "001", 6.0)]
    with refused(
        f"Each pair must stand once; 3 of {known + 3} rows repeat one ("
    ) as caught:
        read_travel_times(long_table(rows))
    assert "000 to 001" in str(caught.value)
    assert "Drop the repeats, or take the mean over them." in str(caught.value)


def test_repeated_pairs_are_told_from_their_neighbours():
    frame = times(6).to_frame()
    again = frame.iloc[[3, 17, 29, 4, 9, 11]]
    listed = ", ".join(
        f"{a} to {b}"
        for a, b in sorted(zip(again["from_id"], again["to_id"], strict=True))[:5]
    )
    with refused(f"once; 6 of 36 rows repeat one ({listed}, ...). Drop"):
        read_travel_times(pd.concat([frame, again]))


def test_a_pair_to_oneself_may_not_repeat_either():
    rows = [("a", "b", 5.0), ("b", "a", 5.0), ("a", "a", 0.0), ("a", "a", 0.0)]
    with refused("1 of 4 rows repeat one (a to a)"):
        read_travel_times(long_table(rows))


@pytest.mark.parametrize("suffix", [None, "parquet"])
def test_minutes_are_numbers(tmp_path, suffix):
    frame = long_table([("a", "b", "30"), ("b", "a", "half an hour"), ("a", "c", None)])
    source = frame if suffix is None else written(frame, tmp_path / f"t.{suffix}")
    with refused(
        "'travel_time' must be numbers (minutes); 1 of 3 rows break this (1)."
    ):
        read_travel_times(source)


def test_minutes_of_a_csv_are_numbers(tmp_path):
    with pytest.raises(
        InputError, match=r"cannot be read \(.*#2.*'soon'.*Check that it"
    ):
        read_travel_times(csv(tmp_path, HEAD + "a,b,30\nb,a,soon\n"))
    with refused("'b' must be numbers (minutes); 1 of 2 rows break this (0)."):
        read_travel_times(csv(tmp_path, "unit,a,b\na,0,soon\nb,35,0\n"))


# --- bad files -----------------------------------------------------------------


def test_wrong_columns_are_named():
    frame = long_table().set_axis(["from", "to", "minutes"], axis=1).iloc[:1]
    with refused(
        "The table must be long (columns from_id, to_id, travel_time) or wide (ids, "
        "then one column a unit, 1 of them); it has 3 columns: from, to, minutes. R"
    ):
        read_travel_times(frame)


def test_wrong_columns_of_a_file_are_named(tmp_path):
    with pytest.raises(
        InputError, match=r"'.*times.csv' must be long .*it has 3 columns"
    ):
        read_travel_times(csv(tmp_path, "from,to,minutes\n" + "a,b,3\n" * 5))


@pytest.mark.parametrize("text", [HEAD, HEAD + "a,a,0\n", HEAD + "a,b,\n"])
def test_a_table_without_a_pair_is_refused(tmp_path, text):
    with refused(
        "Travel times need at least one pair of different units; there is none"
    ):
        read_travel_times(csv(tmp_path, text))
    with refused("need at least one pair"):
        read_travel_times(long_table([]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEAD.encode() + b"a,b\n",
        "起点,终点,分钟\na,b,3\n".encode("gbk"),
        (HEAD + "杭州,b,3\nb,杭州,4\n").encode("gbk"),
    ],
    ids=["empty", "torn", "alphabet of the header", "alphabet of the ids"],
)
def test_an_unreadable_csv_is_refused(tmp_path, content):
    with pytest.raises(
        InputError, match=r"'.*times.csv' cannot be read \(.*Check that"
    ):
        read_travel_times(csv(tmp_path, content))


def test_an_unreadable_parquet_is_refused(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nope PAR1")
    with pytest.raises(InputError, match=r"'.*t.parquet' cannot be read \("):
        read_travel_times(tmp_path / "t.parquet")


def test_other_formats_and_missing_files_are_refused(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with refused("Travel times are read from .csv, .parquet or .omx; ") as caught:
        read_travel_times(tmp_path / "t.xlsx")
    assert "ends in '.xlsx'. Convert it, or pass a DataFrame." in str(caught.value)
    with pytest.raises(
        InputError, match=r"There is no file '.*none.csv'. Check the path"
    ):
        read_travel_times(tmp_path / "none.csv")
    with pytest.raises(InputError, match="There is no file"):
        read_travel_times(tmp_path)

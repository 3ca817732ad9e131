"""A file is written whole or not at all, and a bad place is refused at once."""

import errno
import os
import stat
import tempfile
from pathlib import Path

import pytest

from geopoverty._files import atomic_path, output_path
from geopoverty.errors import InputError


def held(folder):
    return {p.name: p.read_text() for p in folder.iterdir() if p.is_file()}


def write(target, text="new"):
    with atomic_path(target) as draft:
        draft.write_text(text)


# --- where ---------------------------------------------------------------------


@pytest.mark.parametrize("ask", [output_path, write])
def test_the_folder_must_exist(tmp_path, ask):
    with pytest.raises(InputError, match=r"must exist; '.*nowhere' does not. Create"):
        ask(tmp_path / "nowhere" / "atlas.html")
    assert held(tmp_path) == {}


def test_below_a_file_is_no_folder(tmp_path):
    # Fails for root as well, whom permissions do not bind.
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        InputError, match=r"output folder must exist; '.*file' does not"
    ):
        write(tmp_path / "file" / "atlas.html")
    assert held(tmp_path) == {"file": "x"}


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(
        InputError, match=r"must be a file; '.*' is a folder. Add a fil"
    ):
        output_path(tmp_path)


def test_a_folder_below_one_that_cannot_be_read_is_not_there(tmp_path, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(InputError, match="output folder must exist"):
        output_path(tmp_path / "atlas.html")


def denying(folder, refused):
    return lambda path, mode: not (path == folder and mode & refused)


@pytest.mark.parametrize("refused", [os.W_OK, os.X_OK])
def test_the_folder_must_be_writable(tmp_path, monkeypatch, refused):
    monkeypatch.setattr(os, "access", denying(tmp_path, refused))
    with pytest.raises(InputError, match=r"must be writable; '.*' is not. Change its"):
        output_path(tmp_path / "atlas.html")


def test_the_folder_need_not_be_readable(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", denying(tmp_path, os.R_OK))
    assert output_path(tmp_path / "atlas.html") == tmp_path / "atlas.html"


def test_a_file_system_may_refuse_after_all(tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(InputError, match=r"writable; '.*' is not \(Read-only file sys"):
        write(tmp_path / "atlas.html")


def test_a_name_may_be_too_long(tmp_path):
    with pytest.raises(InputError, match=r"writable; .* \(File name too long\)"):
        write(tmp_path / ("x" * 300))
    assert held(tmp_path) == {}


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write("~/atlas.html")
    assert held(tmp_path) == {"atlas.html": "new"}


# --- whole or not at all -------------------------------------------------------


@pytest.mark.parametrize("kind", [str, Path])
def test_a_whole_file_takes_the_place(tmp_path, kind):
    target = tmp_path / "atlas.html"
    target.write_text("old")
    with atomic_path(kind(target)) as draft:
        assert draft.parent == tmp_path  # one file system, so that moving is atomic
        assert draft.suffix == ".html"
        assert draft.name.startswith(".")
        draft.write_text("new")
        assert target.read_text() == "old"
    assert held(tmp_path) == {"atlas.html": "new"}


def test_no_file_stays_open(tmp_path, monkeypatch):
    handles, make = [], tempfile.mkstemp

    def noted(**options):
        handle, name = make(**options)
        handles.append(handle)
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", noted)
    write(tmp_path / "atlas.html")
    assert len(handles) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handles[0])


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [{}, {"atlas.html": "old"}])
def test_nothing_half_written_when_the_block_raises(tmp_path, failure, before):
    for name, text in before.items():
        (tmp_path / name).write_text(text)

    def write_half():
        with atomic_path(tmp_path / "atlas.html") as draft:
            draft.write_text("half")
            raise failure

    with pytest.raises(failure):
        write_half()
    assert held(tmp_path) == before


def test_nothing_half_written_when_moving_fails(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    target = tmp_path / "atlas.html"
    target.write_text("old")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        write(target)
    assert held(tmp_path) == {"atlas.html": "old"}


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_mode_follows_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        write(tmp_path / "atlas.html")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    mode = stat.S_IMODE((tmp_path / "atlas.html").stat().st_mode)
    assert mode == 0o666 & ~mask

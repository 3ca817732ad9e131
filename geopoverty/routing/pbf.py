"""Whether a file is an OpenStreetMap extract, and whole, before anything reads it."""

from pathlib import Path
from typing import BinaryIO

from geopoverty.errors import InputError

FIRST_KIND, OTHER_KIND = b"OSMHeader", b"OSMData"
LONGEST_HEADER = 64 * 1024  # what the format allows
WAY_OUT = "Download an extract in the format .osm.pbf again."
_KIND, _DATA_SIZE = 0x0A, 0x18  # fields of the header of a block
_TEXT = 2  # a field whose length comes first


def check_pbf(path: Path) -> None:
    """Raise `InputError` unless a file is a whole OpenStreetMap PBF.

    A PBF is a row of blocks, each after a header that says its kind and size. So a file
    that was cut short, or is something else, is found without decoding it.
    """
    if not path.is_file():
        raise InputError(f"There is no file '{path}'. Check the path.")
    size = path.stat().st_size
    with path.open("rb") as file:
        end = _end_of_block(file, FIRST_KIND)
        if end == 0:
            raise InputError(f"'{path}' is no OpenStreetMap PBF. {WAY_OUT}")
        while end < size:
            begin = end
            file.seek(begin)
            end = _end_of_block(file, OTHER_KIND)
            if end == 0:
                raise InputError(
                    f"'{path}' is damaged: no block begins at byte {begin:,} of "
                    f"{size:,}. {WAY_OUT}"
                )
    if end > size:
        raise InputError(
            f"'{path}' is cut short: it has {size:,} bytes, its last block ends at "
            f"byte {end:,}. {WAY_OUT}"
        )


def _end_of_block(file: BinaryIO, kind: bytes) -> int:
    """Return where the block ends that begins here, 0 if none of this kind does."""
    length = int.from_bytes(file.read(4), "big")
    if not 0 < length <= LONGEST_HEADER:
        return 0
    header = file.read(length)
    try:
        found, size = _fields(header)
    except IndexError:
        return 0
    return file.tell() + size if found == kind else 0


def _fields(header: bytes) -> tuple[bytes, int]:
    """Return kind and size of a block; fields of no interest are skipped."""
    at, kind, size = 0, b"", 0
    while at < len(header):
        key, at = _number(header, at)
        value, at = _number(header, at)
        if key & 7 == _TEXT:
            if key == _KIND:
                kind = header[at : at + value]
            at += value
        elif key == _DATA_SIZE:
            size = value
    return kind, size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; return it and where it ends."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at

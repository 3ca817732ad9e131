"""Write a small OpenStreetMap extract (.osm.pbf), byte by byte.

Only what a road network needs: nodes with degrees, ways with tags. See the page "PBF
Format" of the OpenStreetMap wiki.
"""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

NANO = 1e-7  # degrees: the usual granularity


def write_pbf(
    path: Path,
    nodes: Mapping[int, tuple[float, float]],
    ways: Mapping[int, tuple[Sequence[int], Mapping[str, str]]],
) -> Path:
    """Write nodes (id to longitude and latitude) and ways (id to nodes and tags)."""
    words = [""]
    for _, tags in ways.values():
        words += [w for pair in tags.items() for w in pair if w not in words]
    table = b"".join(_field(1, w.encode()) for w in dict.fromkeys(words))
    known = {w: i for i, w in enumerate(dict.fromkeys(words))}
    lines = b"".join(_field(3, _way(w, *ways[w], known)) for w in sorted(ways))
    block = _field(1, table) + _field(2, _field(2, _dense(nodes))) + _field(2, lines)
    header = _field(4, b"OsmSchema-V0.6") + _field(4, b"DenseNodes")
    path.write_bytes(_blob(b"OSMHeader", header) + _blob(b"OSMData", block))
    return path


def _blob(kind: bytes, content: bytes) -> bytes:
    blob = _number_field(2, len(content)) + _field(3, zlib.compress(content))
    header = _field(1, kind) + _number_field(3, len(blob))
    return len(header).to_bytes(4, "big") + header + blob


def _dense(nodes: Mapping[int, tuple[float, float]]) -> bytes:
    ids = sorted(nodes)
    lon = [round(nodes[i][0] / NANO) for i in ids]
    lat = [round(nodes[i][1] / NANO) for i in ids]
    return (
        _field(1, _steps(ids))
        + _field(8, _steps(lat))
        + _field(9, _steps(lon))
        # No tags: one end mark a node.
        + _field(10, b"\0" * len(ids))
    )


def _way(
    way: int, refs: Sequence[int], tags: Mapping[str, str], known: Mapping[str, int]
) -> bytes:
    return (
        _number_field(1, way)
        + _field(2, b"".join(_number(known[k]) for k in tags))
        + _field(3, b"".join(_number(known[v]) for v in tags.values()))
        + _field(8, _steps(refs))
    )


def _steps(values: Sequence[int]) -> bytes:
    """Pack differences, the sign in the last bit."""
    before = [0, *values[:-1]]
    steps = [v - b for v, b in zip(values, before, strict=True)]
    return b"".join(_number(2 * s if s >= 0 else -2 * s - 1) for s in steps)


def _field(number: int, content: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number_field(number: int, value: int) -> bytes:
    return _number(number << 3) + _number(value)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])

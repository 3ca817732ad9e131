"""A server on this machine that speaks table formats and misbehaves when told to.

Its roads: every place is moved to the nearest point of a grid of a hundredth of a
degree; travelling takes 72 seconds per kilometre of great circle (50 km/h), and a
tenth more towards the east.
"""

import json
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import asin, cos, radians, sin, sqrt
from urllib.parse import parse_qs, unquote, urlsplit

GRID = 0.01
SECONDS_PER_KM = 72.0


def kilometres(a, b):
    (x, y), (u, v) = ([radians(d) for d in p] for p in (a, b))
    h = sin((v - y) / 2) ** 2 + cos(y) * cos(v) * sin((u - x) / 2) ** 2
    return 2 * 6371.0088 * asin(sqrt(h))


def on_road(place):
    return [round(round(d / GRID) * GRID, 6) for d in place]


def seconds(a, b):
    a, b = on_road(a), on_road(b)
    return round(SECONDS_PER_KM * kilometres(a, b) * (1.1 if b[0] > a[0] else 1.0), 1)


class Table:
    """An answer that faults may spoil before it is written out."""

    def __init__(self, origins, targets, island=frozenset()):
        self.origins, self.targets = origins, targets
        self.spots_from = [on_road(p) for p in origins]
        self.spots_to = [on_road(p) for p in targets]
        self.cells = [
            [None if (a in island) != (b in island) else seconds(a, b) for b in targets]
            for a in origins
        ]

    def osrm(self):
        return {
            "code": "Ok",
            "durations": self.cells,
            "sources": [{"location": p, "name": ""} for p in self.spots_from],
            "destinations": [{"location": p, "name": ""} for p in self.spots_to],
        }

    def valhalla(self):
        table = [
            [{"from_index": i, "to_index": j, "time": t} for j, t in enumerate(row)]
            for i, row in enumerate(self.cells)
        ]
        return {
            "sources_to_targets": table,
            "sources": [{"lon": x, "lat": y} for x, y in self.spots_from],
            "targets": [{"lon": x, "lat": y} for x, y in self.spots_to],
            "units": "kilometers",
        }

    def google(self):
        def cell(time):
            if time is None:
                return {"status": "ZERO_RESULTS"}
            return {"status": "OK", "duration": {"value": time, "text": "some time"}}

        rows = [{"elements": [cell(t) for t in row]} for row in self.cells]
        return {"status": "OK", "rows": rows}

    def graphhopper(self):
        return {"times": self.cells}


class Server:
    """What tests see of it.

    Attributes
    ----------
    url : str
    requests : list of dict
        What was asked: method, path, query, headers, body.
    faults : dict
        By the number of the request, from 0 (or "all"): how it goes wrong.
    island : set of (lon, lat)
        Places that no road joins to the others.
    """

    def __init__(self):
        self.requests, self.faults, self.island = [], {}, set()
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.url = ""

    def next_fault(self, request):
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
        return self.faults.get(number, self.faults.get("all"))


@contextmanager
def table_server():
    """Run a server until the block ends."""
    server = Server()
    handler = type("Handler", (_Handler,), {"told": server})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        http.shutdown()
        http.server_close()
        thread.join()


# --- faults: each may change the table, or send something else --------------------


def status(code, body=b"{}", **headers):
    """Answer with a status of HTTP."""
    return lambda handler, _table, _form: handler.send(code, body, headers)


def spoil(change):
    """Let `change` alter the table before it is written."""

    def fault(handler, table, form):
        change(table)
        handler.send_json(getattr(table, form)())

    return fault


def rewrite(change):
    """Let `change` alter the answer as it is written, or return another."""

    def fault(handler, table, form):
        answer = getattr(table, form)()
        other = change(answer)
        handler.send_json(answer if other is None else other)

    return fault


def cut_off(handler, table, form):
    """Send the first half of the answer, as if it were whole."""
    text = json.dumps(getattr(table, form)()).encode()
    handler.send(200, text[: len(text) // 2], {})


def broken_off(handler, table, form):
    """Announce more than is sent."""
    text = json.dumps(getattr(table, form)()).encode()
    handler.send(200, text[: len(text) // 2], {"Content-Length": str(len(text))})
    handler.close_connection = True


def hung_up(handler, _table, _form):
    """Say nothing."""
    handler.close_connection = True


def silent(handler, _table, _form):
    """Let the client wait."""
    handler.told.closing.wait(2.0)
    handler.close_connection = True


def swap_rows(table):
    """Send rows in another order, and say so by where the places are."""
    table.cells.reverse()
    table.spots_from.reverse()


def swap_times(table):
    """Send times in another order, and say nothing of it."""
    table.cells.reverse()


# --- what is asked ---------------------------------------------------------------


def _points(text, between, within=","):
    return [tuple(float(d) for d in p.split(within)) for p in text.split(between)]


def _osrm(path, query, _body):
    places = _points(unquote(path).split("/")[-1], ";")
    chosen = [
        [int(i) for i in query[name][0].split(";")]
        for name in ("sources", "destinations")
    ]
    return [[places[i] for i in some] for some in chosen], "osrm"


def _openrouteservice(_path, _query, body):
    places = [tuple(p) for p in body["locations"]]
    chosen = [body["sources"], body["destinations"]]
    return [[places[i] for i in some] for some in chosen], "osrm"


def _valhalla(_path, _query, body):
    sides = [body["sources"], body["targets"]]
    return [[(p["lon"], p["lat"]) for p in side] for side in sides], "valhalla"


def _google(_path, query, _body):
    sides = [_points(query[n][0], "|") for n in ("origins", "destinations")]
    return [[(x, y) for y, x in side] for side in sides], "google"


def _graphhopper(_path, query, _body):
    sides = [
        [_points(p, ";")[0] for p in query[name]] for name in ("from_point", "to_point")
    ]
    return [[(x, y) for y, x in side] for side in sides], "graphhopper"


KINDS = {
    r"/table/v1/|/directions-matrix/": _osrm,
    r"/v2/matrix/": _openrouteservice,
    r"/sources_to_targets": _valhalla,
    r"/distancematrix/json": _google,
    r"/matrix$": _graphhopper,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave at once; else each answer takes 40 ms.
    disable_nagle_algorithm = True
    told: Server

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer("GET", None)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self._answer("POST", json.loads(self.rfile.read(length)))

    def _answer(self, method, body):
        parts = urlsplit(self.path)
        request = {
            "method": method,
            "path": parts.path,
            "query": parse_qs(parts.query),
            "headers": dict(self.headers),
            "body": body,
            "time": time.monotonic(),
        }
        fault = self.told.next_fault(request)
        read = next(f for pattern, f in KINDS.items() if re.search(pattern, parts.path))
        (origins, targets), form = read(parts.path, request["query"], body)
        table = Table(origins, targets, self.told.island)
        if fault is None:
            self.send_json(getattr(table, form)())
        else:
            fault(self, table, form)

    def send_json(self, answer):
        self.send(200, json.dumps(answer).encode(), {})

    def send(self, code, content, headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

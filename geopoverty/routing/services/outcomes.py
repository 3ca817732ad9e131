"""What came of one request: an answer, or a failure that may or may not pass."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from geopoverty.routing.services.pace import retry_after

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # may be over in a while
NO_ROUTE = 442  # Valhalla: no pair of the block has a route
LONGEST = 160  # letters of what a service says in a message
SAYINGS = ("message", "error_message", "error", "status_message", "code", "status")
GOOGLE_PASSING = ("OVER_QUERY_LIMIT", "UNKNOWN_ERROR")


@dataclass(frozen=True)
class Outcome:
    """What came of one request.

    Attributes
    ----------
    data : object
        The answer, read as JSON, if there is one.
    failure : str
        What the service did instead of answering, as the end of a sentence.
    again : bool
        Whether the failure may pass.
    wait : float
        Seconds that the service asks to wait.
    absent : bool
        Whether nobody was there to be asked.
    nothing : bool
        Whether no pair of the block has a route.
    """

    data: Any = None
    failure: str = ""
    again: bool = False
    wait: float = 0.0
    absent: bool = False
    nothing: bool = False


def outcome_of(
    status: int, headers: Mapping[str, str], content: bytes, *, form: str, now: datetime
) -> Outcome:
    """Judge an answer by its status and its text.

    Parameters
    ----------
    status : int
        Of HTTP.
    headers : mapping
        Of HTTP.
    content : bytes
        What was sent.
    form : str
        The format that the service speaks.
    now : datetime
        When it came.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> outcome_of(429, {"Retry-After": "2"}, b"", form="osrm", now=now).wait
    2.0
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    if status == 200:
        return _judged(data, form)
    if form == "valhalla" and _number(data, "error_code") == NO_ROUTE:
        return Outcome(nothing=True)
    if 300 <= status < 400:
        return Outcome(failure=f"sends elsewhere ({_elsewhere(headers)})")
    return Outcome(
        failure=f"answered with status {status}{_said(data)}",
        again=status in PASSING,
        wait=retry_after(headers.get("Retry-After"), now),
    )


def _judged(data: Any, form: str) -> Outcome:
    """Judge what came with status 200: some services fail politely."""
    if data is None:
        return Outcome(
            failure="sent an answer that is cut off or is no JSON", again=True
        )
    if not isinstance(data, dict):
        return Outcome(failure=f"sent a {type(data).__name__} in place of a table")
    if form == "osrm" and data.get("code", "Ok") != "Ok":
        return Outcome(failure=f"refused{_said(data)}")
    if form == "google" and data.get("status", "OK") != "OK":
        again = data["status"] in GOOGLE_PASSING
        return Outcome(failure=f"refused{_said(data)}", again=again)
    return Outcome(data=data)


def _said(data: Any) -> str:
    if not isinstance(data, dict):
        return ""
    for name in SAYINGS:
        value = data.get(name)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value.strip():
            plain = "".join(c if c.isprintable() else " " for c in value.strip())
            return f" ('{plain[:LONGEST]}')"
    return ""


def _number(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _elsewhere(headers: Mapping[str, str]) -> str:
    # Only the host: the rest of an address may hold a key.
    try:
        parts = urlsplit(headers.get("Location", ""))
    except ValueError:
        return "nowhere"
    if not parts.hostname:
        return "another path"
    return f"to {parts.scheme}://{parts.hostname}; give that address if you trust it"

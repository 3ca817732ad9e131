"""Addresses and options that hold no secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from geopoverty.errors import InputError
from geopoverty.routing.services.known import Dialect

# Upper case only, so that a key given by mistake is seen to be none.
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
SECRET = re.compile(r"key|token|secret|passw|auth|app_?id|app_?code", re.IGNORECASE)
OURS = frozenset(
    (
        *("locations", "sources", "destinations", "profile", "annotations", "metrics"),
        *("out_array", "units", "id", "dry_run", "radiuses", "bearings", "hints"),
        "fail_fast",
    )
)
TAILS = ("/table/v1", "/sources_to_targets", "/v2/matrix", "/distancematrix")


def checked_url(url: str) -> str:
    """Return an address without its last slash, or raise `InputError`.

    What might be a secret in it is not repeated in the message.

    Examples
    --------
    >>> checked_url("http://localhost:5000/")
    'http://localhost:5000'
    >>> checked_url("https://me:word@roads.example?key=1")
    Traceback (most recent call last):
    geopoverty.errors.InputError: A service's address must hold no user, password, \
query or fragment; that of roads.example does. Keep keys in an environment variable \
and name it: key_variable="...".
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if "@" in url or "?" in url or "#" in url:
        raise InputError(
            "A service's address must hold no user, password, query or fragment; that "
            f"of {host or 'this service'} does. Keep keys in an environment variable "
            'and name it: key_variable="...".'
        )
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not host or not plain:
        raise InputError(
            "A service's address must start with http:// or https://, such as "
            f"'http://localhost:5000'; got {url[:60]!r}."
        )
    for tail in TAILS:
        if tail in parts.path:
            raise InputError(
                f"A service's address must end before '{tail}', which is added; got "
                f"'{url[:60]}'."
            )
    return url.rstrip("/")


def checked_options(options: Mapping[str, Any], dialect: Dialect) -> Mapping[str, Any]:
    """Return the options as a mapping that cannot be changed.

    Raises
    ------
    InputError
        If an option is a secret, is set by this package, or is not JSON.
    """
    if not isinstance(options, Mapping):
        raise InputError(f"options must be a mapping; got {type(options).__name__}.")
    for name in _names(options):
        if SECRET.search(name):
            raise InputError(
                f"options must hold no keys; '{name}' looks like one. Put it into an "
                'environment variable and name that: key_variable="...".'
            )
    for name in options:
        if name in OURS or name in dialect.refused:
            why = dialect.refused.get(name, "it is set for every block")
            raise InputError(f"The option '{name}' may not be given: {why}.")
    try:
        text = json.dumps(dict(options), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise InputError(
            f"options must hold numbers, texts, lists and mappings only; these of "
            f"{dialect.label} cannot be written as JSON."
        ) from None
    return MappingProxyType(json.loads(text))


def _names(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        yield str(name)
        if isinstance(value, Mapping):
            yield from _names(value)


def checked_variable(name: str) -> str:
    """Return the name of an environment variable, or raise `InputError`.

    What was given may be a key: it is not repeated.

    Examples
    --------
    >>> checked_variable("ab12-34")
    Traceback (most recent call last):
    geopoverty.errors.InputError: key_variable must be the name of an environment \
variable (capitals, digits, _), not the key itself.
    """
    if not isinstance(name, str) or not VARIABLE.fullmatch(name):
        raise InputError(
            "key_variable must be the name of an environment variable (capitals, "
            "digits, _), not the key itself."
        )
    return name

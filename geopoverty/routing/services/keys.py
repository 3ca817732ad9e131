"""Keys come from the environment and are written nowhere."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus, urlsplit

from geopoverty.errors import InputError
from geopoverty.routing.services.options import Service

HIDDEN = "***"
LOGGERS = ("urllib3", "urllib3.connectionpool", "urllib3.util.retry", "requests")
NEARBY = ("localhost", "127.0.0.1", "::1")


class Key:
    """A key that shows itself to nobody but who asks for its value.

    Parameters
    ----------
    value : str
        The key; empty if the service needs none.

    Examples
    --------
    >>> key = Key("abc")
    >>> key, key.hide("GET /?key=abc")
    (Key(***), 'GET /?key=***')
    """

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str | None:
        """Return the key, None if there is none."""
        return self._value or None

    def hide(self, text: str) -> str:
        """Return a text without the key, however it is written in it."""
        if self._value:
            # Longest first: a part that is hidden early would leave the rest.
            forms = {self._value, quote(self._value, safe=""), quote_plus(self._value)}
            for form in sorted(forms, key=len, reverse=True):
                text = text.replace(form, HIDDEN)
        return text

    def __repr__(self) -> str:
        return f"Key({HIDDEN if self._value else 'none'})"


def key_of(service: Service) -> Key:
    """Return the key of a service, from the environment variable that it names.

    Raises
    ------
    InputError
        If the variable is not set, holds what no key is, or the key would
        travel unencrypted to another machine.
    """
    name = service.key_variable
    if name is None:
        return Key("")
    value = os.environ.get(name, "").strip()
    if not value:
        raise InputError(
            f"{service.dialect.label} needs a key in the environment variable {name}, "
            f"which is not set. Set it before calling: export {name}=... in a shell."
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InputError(
            f"The environment variable {name} must hold a key: letters, digits and "
            "signs without blanks. What it holds is no key; set it anew."
        )
    parts = urlsplit(str(service.url))
    if parts.scheme != "https" and parts.hostname not in NEARBY:
        raise InputError(
            f"A key must not travel unencrypted; {service.host} is no https:// "
            "address. Use https://, or a service without a key."
        )
    return Key(value)


class _Mask(logging.Filter):
    """Hides a key in whatever is logged."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        hidden = self.key.hide(text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        return True


@contextmanager
def masked_logs(key: Key) -> Iterator[None]:
    """Hide a key in what the packages that speak HTTP log."""
    mask = _Mask(key)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(mask)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(mask)

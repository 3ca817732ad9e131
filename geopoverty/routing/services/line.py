"""The line to a service: routingpy writes each request, one request is sent.

routingpy and requests are imported here and nowhere else, and none of their
objects leave this module. routingpy's own way of sending is not used: it waits
by chance, tries again without end or notice, and shows keys in its errors.
"""

import importlib
import inspect
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

from geopoverty.errors import InputError, MissingExtraError
from geopoverty.routing.services.blocks import Block
from geopoverty.routing.services.keys import Key, masked_logs
from geopoverty.routing.services.options import Service
from geopoverty.routing.services.outcomes import Outcome, outcome_of
from geopoverty.routing.services.pace import Clock

ABSENT = ("NewConnectionError", "NameResolutionError")


class _Recorder:
    """Stands where routingpy has its client, and keeps what it would send."""

    def __init__(self, base_url: str, *_: Any, headers: Any = None, **__: Any) -> None:
        self.base_url = base_url
        self.headers = {k: v for k, v in (headers or {}).items() if v is not None}
        self.asked: tuple[str, Any, Any] = ("", None, None)

    def _request(
        self, url: str, get_params: Any = None, post_params: Any = None, **_: Any
    ) -> None:
        self.asked = (url, get_params, post_params)


class Line:
    """One service, ready to be asked; closed when the ``with`` block ends.

    Parameters
    ----------
    service : Service
        Whom to ask.
    key : Key
        Its key, sent to it and to nobody else.
    clock : Clock
        What time it is.

    Raises
    ------
    MissingExtraError
        If routingpy is not installed.
    InputError
        If an option is unknown to the service.
    """

    def __init__(self, service: Service, key: Key, clock: Clock) -> None:
        self._requests = _optional("requests")
        self._service, self._key, self._clock = service, key, clock
        self._router = _router(service, key)
        self._given = {**service.dialect.fixed, **service.options}
        _known_options(self._router, self._given, service)
        self._session = self._requests.Session()
        # Passwords of the user's .netrc have no business here.
        self._session.auth = lambda request: request
        self._session.headers["User-Agent"] = f"geopoverty/{version('geopoverty')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def ask(self, block: Block) -> Outcome:
        """Ask for one block, once.

        Failures come back as an `Outcome` and are not raised, so that no error
        carries the address with its key along.
        """
        path, params, body = self._written(block)
        with masked_logs(self._key):
            return self._sent(path, params, body)

    def _written(self, block: Block) -> tuple[str, Any, Any]:
        origins, targets = list(block.rows), list(block.columns)
        # A block on the diagonal names each place once.
        listed = origins if origins == targets else origins + targets
        offset = len(listed) - len(targets)
        places = block.places
        try:
            self._router.matrix(
                locations=[
                    [float(places.lon[i]), float(places.lat[i])] for i in listed
                ],
                profile=self._service.profile,
                sources=list(range(len(origins))),
                destinations=list(range(offset, offset + len(targets))),
                **self._given,
            )
        except (TypeError, ValueError, LookupError, AttributeError):
            fault = True
        else:
            fault = False
        if fault:
            raise InputError(
                f"These options of {self._service.dialect.label} cannot be written "
                f"into a request: {', '.join(self._service.options)}. See its "
                "documentation."
            )
        path, params, body = self._router.client.asked
        return path, _plain(params), body

    def _sent(self, path: str, params: Any, body: Any) -> Outcome:
        errors = self._requests.exceptions
        recorder, service = self._router.client, self._service
        limit = service.requests.timeout
        try:
            response = self._session.request(
                "GET" if body is None else "POST",
                f"{service.url}{path}",
                params=params,
                json=body,
                headers=recorder.headers,
                timeout=limit,
                allow_redirects=False,
            )
        except errors.Timeout:
            return Outcome(failure=f"did not answer within {limit:g} s", again=True)
        except errors.SSLError:
            return Outcome(failure="has a certificate that cannot be trusted")
        except errors.ConnectionError as error:
            return _unconnected(error)
        except (errors.ChunkedEncodingError, errors.ContentDecodingError):
            return Outcome(failure="broke off its answer", again=True)
        except (errors.RequestException, UnicodeError):
            return Outcome(failure="could not be asked: the request is malformed")
        return outcome_of(
            response.status_code,
            response.headers,
            response.content,
            form=service.dialect.form,
            now=self._clock.utc(),
        )


def _unconnected(error: Exception) -> Outcome:
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    if type(reason).__name__ in ABSENT:
        return Outcome(
            failure="could not be reached (no such host, or it refuses connections)",
            again=True,
            absent=True,
        )
    return Outcome(failure="broke off the connection", again=True)


def _router(service: Service, key: Key) -> Any:
    kind = getattr(_optional("routingpy.routers"), service.dialect.router)
    accepted = inspect.signature(kind).parameters
    given: dict[str, Any] = {"client": _Recorder}
    if "api_key" in accepted:
        given["api_key"] = key.reveal()
    if "base_url" in accepted:
        given["base_url"] = service.url
    return kind(**given)


def _known_options(router: Any, given: dict[str, Any], service: Service) -> None:
    accepted = inspect.signature(router.matrix).parameters
    if any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        return
    unknown = [name for name in given if name not in accepted]
    if unknown:
        raise InputError(
            f"{service.dialect.label} takes no option {', '.join(unknown)}. It has: "
            f"{', '.join(n for n in accepted if n not in ('locations', 'dry_run'))}."
        )


def _plain(params: Any) -> list[tuple[str, Any]]:
    listed = params.items() if isinstance(params, dict) else params or ()
    # Python writes True, services read true.
    return sorted(
        (
            (str(name), str(value).lower() if isinstance(value, bool) else value)
            for name, value in listed
            if value is not None
        ),
        key=lambda pair: pair[0],
    )


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Routing services need the package routingpy, which is not installed. "
            'Install the extra: pip install "geopoverty[services]".'
        ) from error

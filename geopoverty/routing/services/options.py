"""Which service to ask, and for what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from geopoverty.errors import InputError
from geopoverty.routing.services.addresses import (
    checked_options,
    checked_url,
    checked_variable,
)
from geopoverty.routing.services.known import Dialect, dialect_named
from geopoverty.routing.services.settings import Requests

PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Service:
    """A routing service that routingpy can ask for tables.

    Attributes
    ----------
    name : str
        ``"osrm"``, ``"valhalla"``, ``"openrouteservice"``, ``"graphhopper"``,
        ``"mapbox"`` or ``"google"``.
    url : str, optional
        Where it is, without user, key or query; by default the provider's.
    profile : str, optional
        The way of travelling, as the service calls it; by default by car.
    options : mapping
        Further parameters of the service, JSON values only.
    key_variable : str, optional
        The environment variable that holds the key. By default the usual one at
        the provider's address (``ORS_API_KEY``, ``GOOGLE_MAPS_API_KEY``, ...),
        and none at an address of one's own. The key itself is never given.
    requests : Requests
        Blocks, rates, retries, cache.

    Raises
    ------
    InputError
        If the service is not known, the address is none or holds a key, or an
        option may not be given.

    Examples
    --------
    >>> Service("graphhopper").key_variable
    'GRAPHHOPPER_API_KEY'
    """

    name: str
    url: str | None = None
    profile: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    key_variable: str | None = None
    requests: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        name, dialect = dialect_named(self.name)
        profile = dialect.profile if self.profile is None else self.profile
        if not isinstance(profile, str) or not PROFILE.fullmatch(profile):
            raise InputError(
                "profile must be a word of letters, digits, - and _, such as "
                f"'{dialect.profile}'; got {profile!r}."
            )
        if not isinstance(self.requests, Requests):
            raise InputError(
                f"requests must be a Requests(...); got {type(self.requests).__name__}."
            )
        if self.url is None and dialect.url is None:
            raise InputError(
                f"{dialect.label} needs the address of a server, such as "
                f"{dialect.router}(url='http://localhost:5000'). No public server is "
                "asked unless you name it."
            )
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "profile", profile)
        object.__setattr__(self, "options", checked_options(self.options, dialect))
        object.__setattr__(self, "key_variable", _variable(self, dialect))
        address = dialect.url if self.url is None else self.url
        object.__setattr__(self, "url", checked_url(str(address)))

    @property
    def dialect(self) -> Dialect:
        """What is known of this kind of service."""
        return dialect_named(self.name)[1]

    @property
    def host(self) -> str:
        """Protocol, host and port of the address, without its path."""
        parts = urlsplit(str(self.url))
        return f"{parts.scheme}://{parts.netloc}"

    def service(self) -> "Service":
        """Return the service itself."""
        return self


@dataclass(frozen=True)
class OSRM:
    """A server that speaks the table format of OSRM.

    Attributes
    ----------
    url : str
        Such as ``"http://localhost:5000"``. No public server is asked by default.
    profile : str
        The profile that the server was built with. It knows no other, and does
        not refuse another name.
    options : mapping
        Further parameters, such as ``{"exclude": "ferry"}``.
    requests : Requests
        Blocks, rates, retries, cache.

    Examples
    --------
    >>> OSRM("http://localhost:5000").service().host
    'http://localhost:5000'
    >>> OSRM("localhost:5000")
    Traceback (most recent call last):
    geopoverty.errors.InputError: A service's address must start with http:// or \
https://, such as 'http://localhost:5000'; got 'localhost:5000'.
    """

    url: str
    profile: str = "driving"
    options: Mapping[str, Any] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self.service()

    def service(self) -> Service:
        """Return it in the general form."""
        return _general("osrm", self)


@dataclass(frozen=True)
class Valhalla:
    """A server that speaks the ``sources_to_targets`` format of Valhalla.

    Attributes
    ----------
    url : str
        Such as ``"http://localhost:8002"``. No public server is asked by default.
    profile : str
        The costing: ``"auto"``, ``"bus"``, ``"bicycle"``, ``"pedestrian"``, ...
    options : mapping
        Options of the costing, such as ``{"use_ferry": 0}``.
    requests : Requests
        Blocks, rates, retries, cache.

    Examples
    --------
    >>> Valhalla("http://localhost:8002", profile="pedestrian").service().profile
    'pedestrian'
    """

    url: str
    profile: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self.service()

    def service(self) -> Service:
        """Return it in the general form."""
        general = _general("valhalla", self)
        costing = {"options": dict(general.options)} if general.options else {}
        return replace(general, options=costing)


@dataclass(frozen=True)
class OpenRouteService:
    """The service of openrouteservice.org, or a server of one's own.

    Attributes
    ----------
    profile : str
        ``"driving-car"``, ``"driving-hgv"``, ``"foot-walking"``, ...
    url : str, optional
        An address of one's own, such as ``"http://localhost:8080/ors"``.
    key_variable : str, optional
        The environment variable that holds the key; ``ORS_API_KEY`` at the
        public address, none at one's own.
    options : mapping
        Further parameters.
    requests : Requests
        Blocks, rates, retries, cache.

    Examples
    --------
    >>> OpenRouteService().service().key_variable
    'ORS_API_KEY'
    """

    profile: str = "driving-car"
    url: str | None = None
    key_variable: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self.service()

    def service(self) -> Service:
        """Return it in the general form."""
        return _general("openrouteservice", self)


@dataclass(frozen=True)
class Google:
    """The Distance Matrix of the Google Maps Platform: billed by the pair.

    Its terms restrict keeping answers, so nothing is cached unless
    ``requests=Requests(cache="folder")`` says so, and a call may make 100
    requests of 100 pairs unless ``at_most`` says otherwise.

    Attributes
    ----------
    profile : str
        ``"driving"``, ``"walking"``, ``"bicycling"`` or ``"transit"``.
    key_variable : str
        The environment variable that holds the key.
    options : mapping
        Further parameters, such as ``{"avoid": ["ferries"]}``.
    requests : Requests
        Blocks, rates, retries, cache.

    Examples
    --------
    >>> Google().service().key_variable
    'GOOGLE_MAPS_API_KEY'
    """

    profile: str = "driving"
    key_variable: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self.service()

    def service(self) -> Service:
        """Return it in the general form."""
        return _general("google", self)


AnyService = OSRM | Valhalla | OpenRouteService | Google | Service


def as_service(service: AnyService) -> Service:
    """Return any of the option objects as a `Service`.

    Raises
    ------
    InputError
        If it is none of them.

    Examples
    --------
    >>> as_service("osrm")
    Traceback (most recent call last):
    geopoverty.errors.InputError: service must be OSRM(...), Valhalla(...), \
OpenRouteService(...), Google(...) or Service(...); got str.
    """
    if isinstance(service, AnyService):
        return service.service()
    raise InputError(
        "service must be OSRM(...), Valhalla(...), OpenRouteService(...), Google(...) "
        f"or Service(...); got {type(service).__name__}."
    )


def _general(name: str, service: Any) -> Service:
    return Service(
        name,
        url=getattr(service, "url", None),
        profile=service.profile,
        options=service.options,
        key_variable=getattr(service, "key_variable", None),
        requests=service.requests,
    )


def _variable(service: Service, dialect: Dialect) -> str | None:
    named = service.key_variable
    if named is None:
        return dialect.key_variable if service.url in (None, dialect.url) else None
    return checked_variable(named)

"""In which blocks a service is asked, how fast and how patiently."""

import math
import os
from dataclasses import dataclass

from geopoverty.errors import InputError


@dataclass(frozen=True)
class Requests:
    """How a service is asked: in which blocks, how fast, how patiently.

    Attributes
    ----------
    block : int, optional
        Places on each side of one request, at least 1. By default what the
        service allows (OSRM 100, Valhalla 50, openrouteservice 50, Google 10).
    per_minute : float, optional
        Requests in a minute, above 0. By default what the service allows.
    retries : int
        How often a block is asked for again after a failure that may pass; the
        waits are 1, 2, 4, ... seconds, at most 60, or what the service says.
    timeout : float
        Seconds without a sign of the service until a request counts as failed.
    cache : path or bool
        The folder that every finished block is saved in at once. True is the
        folder of this package in the user's cache folder, except for services
        whose terms do not let answers be kept; False keeps nothing.
    at_most : int, optional
        Requests that one call may make. By default no limit, but 100 where the
        requests are billed (Google, Mapbox).
    snap_m : float
        Metres; places that the service moves farther onto its roads are named.

    Raises
    ------
    InputError
        If a value is out of range.

    Examples
    --------
    >>> Requests(block=50, per_minute=40).retries
    5
    >>> Requests(retries=-1)
    Traceback (most recent call last):
    geopoverty.errors.InputError: retries must be a whole number, at least 0; got -1.
    """

    block: int | None = None
    per_minute: float | None = None
    retries: int = 5
    timeout: float = 60.0
    cache: str | os.PathLike[str] | bool = True
    at_most: int | None = None
    snap_m: float = 1000.0

    def __post_init__(self) -> None:
        if self.block is not None:
            _whole("block", self.block, least=1)
        if self.at_most is not None:
            _whole("at_most", self.at_most, least=1)
        _whole("retries", self.retries, least=0)
        if self.per_minute is not None:
            _above_zero("per_minute", self.per_minute)
        _above_zero("timeout", self.timeout)
        _above_zero("snap_m", self.snap_m)
        if not isinstance(self.cache, bool | str | os.PathLike) or self.cache == "":
            raise InputError(
                f"cache must be a folder, True or False; got {self.cache!r}."
            )


def _whole(name: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(
            f"{name} must be a whole number, at least {least}; got {value!r}."
        )


def _above_zero(name: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:  # type: ignore[operator]
        raise InputError(f"{name} must be a number above 0; got {value!r}.")

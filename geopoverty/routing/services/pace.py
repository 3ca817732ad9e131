"""When to ask again: rates, waits, and what a service says of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds, doubled from failure to failure
PATIENCE = 900.0  # seconds: a service that asks to wait longer is asked another day


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """Time and sleep, so that tests need not wait.

    Attributes
    ----------
    now : callable
        Seconds from some start, never falling.
    sleep : callable
        Waits so many seconds.
    utc : callable
        The date and time.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    utc: Callable[[], datetime] = _utc


class Pace:
    """Lets requests start no faster than a rate.

    Parameters
    ----------
    clock : Clock
        What time it is.
    per_minute : float, optional
        Requests in a minute; None for no limit.

    Examples
    --------
    >>> slept = []
    >>> pace = Pace(Clock(now=lambda: 0.0, sleep=slept.append), per_minute=30)
    >>> pace.wait(), pace.wait(), slept
    (None, None, [2.0])
    """

    def __init__(self, clock: Clock, per_minute: float | None) -> None:
        self._clock = clock
        self._step = 60.0 / per_minute if per_minute else 0.0
        self._next: float | None = None

    def wait(self) -> None:
        """Wait until the next request may start."""
        now = self._clock.now()
        if self._next is not None and self._next > now:
            self._clock.sleep(self._next - now)
            now = self._next
        self._next = now + self._step


def backoff(failures: int, asked: float) -> float:
    """Return the seconds to wait after so many failures of one block.

    Parameters
    ----------
    failures : int
        At least 1.
    asked : float
        What the service asks for; 0 if it does not say.

    Examples
    --------
    >>> [backoff(k, 0.0) for k in (1, 2, 3, 10)], backoff(1, 7.0)
    ([1.0, 2.0, 4.0, 60.0], 7.0)
    """
    return max(min(FIRST_WAIT * 2.0 ** (failures - 1), LONGEST_WAIT), asked)


def retry_after(text: str | None, now: datetime) -> float:
    """Return the seconds that a ``Retry-After`` header asks for, 0 if none.

    Examples
    --------
    >>> retry_after("3", datetime(2026, 1, 1, tzinfo=UTC))
    3.0
    >>> retry_after("Thu, 01 Jan 2026 00:01:00 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    60.0
    """
    if text is None:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max((when - now).total_seconds(), 0.0)

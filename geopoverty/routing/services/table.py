"""A whole table of travel times from a service, block by block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from numpy.typing import ArrayLike

from geopoverty._checks import warn
from geopoverty._progress import progress
from geopoverty.errors import InputError
from geopoverty.routing.services.answers import (
    Answer,
    WrongAnswerError,
    read_answer,
    without_route,
)
from geopoverty.routing.services.blocks import Block, checked_places, split
from geopoverty.routing.services.cache import (
    Stored,
    block_key,
    block_path,
    cache_folder,
    load_block,
    save_block,
)
from geopoverty.routing.services.keys import Key, key_of
from geopoverty.routing.services.line import Line
from geopoverty.routing.services.options import AnyService, Service, as_service
from geopoverty.routing.services.outcomes import Outcome
from geopoverty.routing.services.pace import PATIENCE, Clock, Pace, backoff
from geopoverty.routing.services.report import Gathered, ServiceTable

REAL = Clock()


def table_from_service(
    units: Sequence[str] | pd.Index,
    lon: ArrayLike,
    lat: ArrayLike,
    service: AnyService,
    *,
    clock: Clock = REAL,
) -> ServiceTable:
    """Ask a routing service for the minutes between all places.

    The table is asked for in blocks. Every finished block is saved at once, and
    a call that was interrupted asks only for what is missing.

    Parameters
    ----------
    units : sequence of str, shape (n,)
        Ids of the places, unique; at least 2.
    lon, lat : array_like, shape (n,)
        Degrees (EPSG:4326).
    service : OSRM, Valhalla, OpenRouteService, Google or Service
        Whom to ask, and how.
    clock : Clock
        What time it is, and how to wait.

    Returns
    -------
    ServiceTable
        Minutes from row to column, NaN without a route; notes; attributes.

    Raises
    ------
    InputError
        If places, service or key are not usable, or the service fails or sends
        an answer that cannot be believed; the message names the pairs, how many
        blocks are saved, and how to go on.
    MissingExtraError
        If routingpy is not installed.

    Examples
    --------
    >>> table_from_service(["a"], [9.5], [47.1], Service("ors"))
    Traceback (most recent call last):
    geopoverty.errors.InputError: Travel times need at least 2 places; got 1.
    """
    asked = as_service(service)
    places = checked_places(units, lon, lat)
    blocks = split(places, asked.requests.block or asked.dialect.block)
    job = _Job(asked, key_of(asked), blocks, cache_folder(asked), clock)
    job.warn_of_terms()
    gathered = Gathered(places, asked)
    job.enough_requests()
    with Line(asked, job.key, clock) as line, job.going_on():
        for block in progress(blocks, f"Asking {asked.host}"):
            gathered.add(block, job.saved(block) or job.fetch(line, block))
    return gathered.table()


@dataclass
class _Job:
    """One download: what it needs, and how far it is."""

    service: Service
    key: Key
    blocks: list[Block]
    folder: Path | None
    clock: Clock
    made: int = 0
    answered: bool = False
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        rate = self.service.requests.per_minute or self.service.dialect.per_minute
        self.pace = Pace(self.clock, rate)

    @property
    def limit(self) -> int | None:
        return self.service.requests.at_most or self.service.dialect.at_most

    def warn_of_terms(self) -> None:
        if self.folder is not None and not self.service.dialect.storable:
            warn(
                f"The terms of {self.service.dialect.label} restrict keeping its "
                f"answers, and they are being kept in '{self.folder}'. Read the terms, "
                "or set Requests(cache=False)."
            )

    def saved(self, block: Block) -> Stored | None:
        """Return what an earlier call left of a block."""
        if self.folder is None:
            return None
        return load_block(self.folder, block_key(self.service, block), block)

    def enough_requests(self) -> None:
        """Refuse a job that would stop half done with nothing kept."""
        needed = len(self.blocks)
        if self.limit is None or needed <= self.limit or self.folder is not None:
            return
        pairs = sum(len(b.rows) * len(b.columns) for b in self.blocks)
        raise InputError(
            f"{needed:,} requests ({pairs:,} pairs) are needed, and at_most allows "
            f"{self.limit:,}; {self.service.dialect.label} may bill each pair. Allow "
            f"them with Requests(at_most={needed}), or ask for fewer places."
        )

    def fetch(self, line: Line, block: Block) -> Stored:
        """Ask for a block until it is there, and save it."""
        answer = self._patiently(line, block)
        stored = Stored(answer, self.clock.utc().date())
        if self.folder is not None:
            save_block(self.folder, block_key(self.service, block), stored)
        return stored

    def _patiently(self, line: Line, block: Block) -> Answer:
        tries = 0
        while True:
            outcome = self._once(line, block)
            tries += 1
            if not outcome.failure:
                return self._believed(outcome, block)
            wait = self._wait_after(outcome, tries)
            if wait is None:
                raise self.stopped(outcome.failure, block, tries)
            self.clock.sleep(wait)

    def _once(self, line: Line, block: Block) -> Outcome:
        if self.limit is not None and self.made >= self.limit:
            return Outcome(
                failure=f"was asked {self.made:,} times, as often as at_most allows, "
                "and not"
            )
        self.pace.wait()
        self.made += 1
        return line.ask(block)

    def _wait_after(self, outcome: Outcome, tries: int) -> float | None:
        """Return how long to wait before the next try; None to give up."""
        if not outcome.again or tries > self.service.requests.retries:
            return None
        # Nobody was ever there: waiting only hides a wrong address.
        if outcome.absent and not self.answered:
            return None
        return backoff(tries, outcome.wait) if outcome.wait <= PATIENCE else None

    def _believed(self, outcome: Outcome, block: Block) -> Answer:
        self.answered = True
        if outcome.nothing:
            return without_route(block)
        wrong = ""
        try:
            return read_answer(outcome.data, self.service.dialect.form, block)
        except WrongAnswerError as error:
            wrong = str(error)
        raise self.stopped(wrong, block, 1)

    def stopped(self, failure: str, block: Block, tries: int) -> InputError:
        """Return the error that says what failed, where, and how to go on."""
        often = f", {tries} times over" if tries > 1 else ""
        text = (
            f"{self.service.dialect.label} at {self.service.host} {failure} for "
            f"{block}{often}. {self.way_on()}"
        )
        return InputError(self.key.hide(text))

    def way_on(self) -> str:
        if self.folder is None:
            return (
                "No block is kept on disk, so a second call starts anew: "
                "Requests(cache=...) keeps them."
            )
        keys = (block_key(self.service, block) for block in self.blocks)
        kept = sum(block_path(self.folder, key).is_file() for key in keys)
        return (
            f"{kept:,} of {len(self.blocks):,} blocks are saved in "
            f"'{self.folder}'; the same call goes on from there."
        )

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Say how to go on when the user stops the download."""
        try:
            yield
        except KeyboardInterrupt as stop:
            stop.add_note(self.way_on())
            raise

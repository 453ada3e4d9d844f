"""The sweep: publishes what a crash, or a broker that was away, left in the outbox. Runs in every replica."""

import asyncio
from typing import NamedTuple

from write_service import metrics
from write_service.logs import logger
from write_service.service_layer.outbox import EventMessages, Outbox

log = logger(__name__)


class Page(NamedTuple):
    """How many rows were found, and how many of them the broker confirmed."""

    found: int
    confirmed: int


class Sweep:
    """Passes over the outbox, a page at a time, oldest first."""

    def __init__(self, messages: EventMessages, outbox: Outbox, *, grace: float, page: int) -> None:
        self._messages = messages
        self._outbox = outbox
        self._grace = grace
        self._page_size = page
        self._turn = asyncio.Lock()

    async def once(self) -> int:
        """Publish one page of rows older than the grace period; the number of rows that the broker confirmed."""
        async with self._turn:
            page = await self.page(self._grace, by="sweep")
        metrics.SWEEPS.inc()
        if page:
            log.info("swept", found=page.found, confirmed=page.confirmed)
        return page.confirmed if page else 0

    async def page(self, older_than: float, by: str) -> Page | None:
        """Publish a page of the oldest rows of at least that age in seconds; None when there are none."""
        # The row locks are held while the page is published, at most for two confirm timeouts: a claim column would
        # need a clock, a clean-up and two more writes a row; a lock goes with the process that held it.
        async with self._outbox.claim(older_than, self._page_size) as claim:
            confirmed = await self._messages.publish(claim.rows, by=by)
            await claim.delete(confirmed)
        return Page(len(claim.rows), len(confirmed)) if claim.rows else None

    async def end(self) -> None:
        """Returns when the pass that is under way is over; after it there is none."""
        await self._turn.acquire()  # and keep it

    async def run(self, every: float) -> None:
        """Sweep at once and then again and again; a full page is followed by the next without a pause."""
        while True:
            try:
                pause = 0.0 if await self.once() == self._page_size else every
            except Exception as failure:  # noqa: BLE001 - whatever it was, the rows are there for the next pass
                log.warning("sweep_failed", reason=f"{type(failure).__name__}: {failure}")
                pause = every
            await asyncio.sleep(pause)

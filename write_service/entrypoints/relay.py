"""The sweep: publishes what a crash, or a broker that was away, left in the outbox. Runs in every replica."""

import asyncio

from write_service import metrics
from write_service.logs import logger
from write_service.service_layer.outbox import EventMessages, Outbox

log = logger(__name__)


class Sweep:
    """Passes over the outbox, a page at a time, oldest first."""

    def __init__(self, messages: EventMessages, outbox: Outbox, *, grace: float, page: int) -> None:
        self._messages = messages
        self._outbox = outbox
        self._grace = grace
        self._page = page

    async def once(self) -> int:
        """Publish one page of rows older than the grace period; the number of rows that the broker confirmed."""
        # The row locks are held while the page is published, at most for two confirm timeouts: a claim column would
        # need a clock, a clean-up and two more writes a row; a lock goes with the process that held it.
        async with self._outbox.claim(self._grace, self._page) as claim:
            confirmed = await self._messages.publish(claim.rows, by="sweep")
            await claim.delete(confirmed)
        metrics.SWEEPS.inc()
        if claim.rows:
            log.info("swept", found=len(claim.rows), confirmed=len(confirmed))
        return len(confirmed)

    async def run(self, every: float) -> None:
        """Sweep at once and then again and again; a full page is followed by the next without a pause."""
        while True:
            try:
                pause = 0.0 if await self.once() == self._page else every
            except Exception as failure:  # noqa: BLE001 - whatever it was, the rows are there for the next pass
                log.warning("sweep_failed", reason=f"{type(failure).__name__}: {failure}")
                pause = every
            await asyncio.sleep(pause)

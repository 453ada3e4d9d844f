"""The last pass over the outbox at a stop: whatever was left there until now is published before the process ends."""

import asyncio
import contextlib
import time

from write_service.entrypoints.relay import Sweep
from write_service.logs import logger
from write_service.service_layer.outbox import EventMessages, Outbox

MOMENT = 0.3  # seconds in which other replicas forget what they have just published
RETRY_SECONDS = 0.5
LOOK_SECONDS = 1.0

NO_TIME = "there was not enough time"
UNCONFIRMED = "the broker does not confirm them"
RETURNED = "no queue takes them"

log = logger(__name__)


class LastPass:
    """For rows that the relay dropped or could not publish, or of which it never heard (a commit without an answer).

    What to look for is asked of the table, not of this process: it is there that a forgotten row shows.
    """

    def __init__(self, sweep: Sweep, messages: EventMessages, outbox: Outbox) -> None:
        self._sweep = sweep
        self._messages = messages
        self._outbox = outbox
        self._published = 0
        self._trouble = NO_TIME

    async def run(self, within: float) -> None:
        """Returns when nothing is left of what was committed until now, when no queue takes it, or after the time.

        Logs what it published, and what it had to leave and why. Raises nothing; the sweeps end with it.
        """
        is_done = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._sweep.end()
                is_done = await self._nothing_is_left()
        if self._published:
            log.info("published_at_the_end", events=self._published)
        if not is_done and (left := await self._left()) != 0:
            log.warning("events_left", events=left, reason=self._trouble)

    async def _nothing_is_left(self) -> bool:
        began = time.monotonic()
        while True:
            try:
                if not (await self._outbox.depth()).rows or await self._all_are_published(began):
                    return True
            except Exception as failure:  # noqa: BLE001 - whatever it was, perhaps not for long
                self._trouble = f"{type(failure).__name__}: {failure}"[:500]
            if self._trouble == RETURNED:
                return False  # waiting does not help
            await asyncio.sleep(RETRY_SECONDS)

    async def _all_are_published(self, began: float) -> bool:
        await asyncio.sleep(max(0, began + MOMENT - time.monotonic()))
        # Those of later commits are of other replicas, which look after them.
        while page := await self._sweep.page(time.monotonic() - began, by="stop"):
            self._published += page.confirmed
            if not page.confirmed:
                self._trouble = UNCONFIRMED if self._messages.stalled_for else RETURNED
                return False
            self._trouble = NO_TIME
        return True

    async def _left(self) -> int | None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(LOOK_SECONDS):
                return (await self._outbox.depth()).rows
        return None  # nobody knows

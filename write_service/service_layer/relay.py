"""Publishing right after the commit, beside the next transactions, and forgetting what the broker confirmed."""

import asyncio
from collections.abc import Sequence

from write_service.logs import logger
from write_service.service_layer.outbox import EventMessages, Outbox, Unpublished

# Rounds of the event loop after a commit in which its replies reach their connection: the commit's task, the message's,
# the reply's, the connection's own. Who sent a lone command waits for them; making an event message takes 0.4 ms.
_REPLIES_FIRST = 4

# Few confirmed rows wait so many seconds for others to be forgotten with. Measured at 40 lone commands a second, with
# 0.1 instead of none: an eighth of this service's processor time and of Postgres'. Less than the MOMENT of a last pass,
# or another replica that stops would publish them a second time.
FORGOTTEN_AFTER = 0.2
FEW = 10

log = logger(__name__)


class Relay:
    """Takes what a commit left in the outbox to the bus. What it drops or fails to send, a sweep sends later."""

    def __init__(
        self,
        messages: EventMessages,
        outbox: Outbox,
        at_most: int = 20_000,
        forgotten_after: float = FORGOTTEN_AFTER,
    ) -> None:
        self._messages = messages
        self._outbox = outbox
        self._at_most = at_most
        self._forgotten_after = forgotten_after
        self._under_way: set[asyncio.Task[None]] = set()
        self._events = 0
        self._confirmed: list[str] = []
        self._forgetting: asyncio.Task[None] | None = None

    def offer(self, rows: Sequence[Unpublished]) -> None:
        """Publish these committed rows in the background. Returns at once, raises nothing, holds no transaction."""
        # While the broker confirms nothing (a memory alarm), rows rest in the outbox instead of in this process.
        if not rows or self._messages.stalled_for or self._events + len(rows) > self._at_most:
            return
        self._events += len(rows)
        task = asyncio.create_task(self._publish(rows), name="publish")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drained(self) -> None:
        """Returns when nothing is under way any more."""
        while self._under_way or self._forgetting:
            await asyncio.wait([*self._under_way, *([self._forgetting] if self._forgetting else [])])

    async def _publish(self, rows: Sequence[Unpublished]) -> None:
        try:
            for _ in range(_REPLIES_FIRST):
                await asyncio.sleep(0)
            confirmed = await self._messages.publish(rows, by="commit")
        finally:
            self._events -= len(rows)
        # Not `+= await`: that reads the list before the wait, and a deletion puts another in its place meanwhile.
        self._confirmed += confirmed
        if self._confirmed and self._forgetting is None:
            self._forgetting = asyncio.create_task(self._forget(), name="forget published")

    async def _forget(self) -> None:
        # One deletion at a time takes everything that was confirmed meanwhile: few statements under load.
        while self._confirmed:
            if len(self._confirmed) <= FEW:
                await asyncio.sleep(self._forgotten_after)
            event_ids, self._confirmed = self._confirmed, []
            try:
                await self._outbox.delete(event_ids)
            except Exception as failure:  # noqa: BLE001 - rows that stay are published again, which readers tolerate
                log.warning("published_rows_stay", events=len(event_ids), reason=f"{type(failure).__name__}: {failure}")
        self._forgetting = None

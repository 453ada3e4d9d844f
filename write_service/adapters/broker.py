"""Publishing the events of commits: by type, in event messages, confirmed, with a bounded number under way."""

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import Iterator, Sequence

from contracts.batching import array, cut
from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from contracts.reading import BATCH
from contracts.topology import EVENTS
from write_service import metrics
from write_service.logs import logger
from write_service.service_layer.outbox import Unpublished

AT_ONCE = 1.0  # a publish that fails within a second met a lost connection: worth one more try, which waits for it
NOBODY = "write_service.nobody"  # no queue has this name

log = logger(__name__)


class BrokerEventMessages:
    """Sends outbox rows as event messages; knows whether the broker has stopped confirming."""

    def __init__(self, publisher: ConfirmedPublisher, window: int) -> None:
        self._publisher = publisher
        self._window = asyncio.Semaphore(window)
        self._stalled_since: float | None = None

    @property
    def stalled_for(self) -> float:
        """Seconds since the first of the publishes that failed without one that succeeded after it; 0 is well."""
        return 0.0 if self._stalled_since is None else time.monotonic() - self._stalled_since

    async def publish(self, rows: Sequence[Unpublished], by: str) -> list[str]:
        """The ids of the rows that the broker confirmed; the others keep their rows, are counted and logged.

        Without rows it is asked whether it confirms again, where it had stopped.
        """
        if not rows and self._stalled_since is not None:
            await self._ask()
        sent = await asyncio.gather(*(self._send(kind, run, by) for kind, run in _messages(rows)))
        return list(itertools.chain.from_iterable(sent))

    async def _ask(self) -> None:
        # Another replica may have swept up everything: without this we would go on waiting for a success of our own.
        with contextlib.suppress(Unconfirmed):
            try:
                await self._publisher.publish("", NOBODY, b"", message_id=str(uuid.uuid4()))
            except Returned:
                self._stalled_since = None  # nobody takes it, and the broker says so

    async def _send(self, kind: str, run: list[Unpublished], by: str) -> list[str]:
        async with self._window:
            try:
                await self._confirmed(kind, run)
            except Returned as returned:
                metrics.RETURNED.inc(len(run))
                log.warning("events_returned", type=kind, events=len(run), reason=str(returned))
                return []
            except Unconfirmed as lost:
                self._stalled_since = self._stalled_since or time.monotonic()
                metrics.UNCONFIRMED.inc(len(run))
                log.warning("events_unconfirmed", type=kind, events=len(run), reason=str(lost))
                return []
        self._stalled_since = None
        metrics.PUBLISHED.labels(by).inc(len(run))
        return [row.event_id for row in run]

    async def _confirmed(self, kind: str, run: list[Unpublished]) -> None:
        traces = {row.traceparent for row in run}
        headers = {"traceparent": traces.pop()} if len(traces) == 1 and None not in traces else None
        properties = {"message_id": str(uuid.uuid4()), "type": kind, "content_type": BATCH, "headers": headers}
        body = array([row.body for row in run])
        began = time.monotonic()
        try:
            await self._publisher.publish(EVENTS, kind, body, **properties)
        except Unconfirmed:
            if time.monotonic() - began > AT_ONCE:
                raise
            await self._publisher.publish(EVENTS, kind, body, **properties)


def _messages(rows: Sequence[Unpublished]) -> Iterator[tuple[str, list[Unpublished]]]:
    by_type: dict[str, list[Unpublished]] = {}
    for row in rows:
        by_type.setdefault(row.type, []).append(row)
    for kind, all_of_type in by_type.items():
        remaining = iter(all_of_type)
        for bodies in cut(row.body for row in all_of_type):
            yield kind, list(itertools.islice(remaining, len(bodies)))

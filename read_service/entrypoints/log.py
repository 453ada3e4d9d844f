"""The write service's log of events, read page by page through a queue of this reader's own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from pydantic_core import from_json

from contracts.operations import EventsReplay, HeadsChanged, Position
from read_service.entrypoints.asking import NotAnswered, WriteService

Event = dict[str, Any]

PAGE = 2_000  # events in memory at once
_SECONDS = 10.0
PREFIX = "read_service.verify."


class EventLog:
    """The log as it is at this moment."""

    def __init__(self, write_service: WriteService, queue: str) -> None:
        self._write_service = write_service
        self._queue = queue
        self._arrived: asyncio.Queue[list[Event]] = asyncio.Queue()

    async def all(self, after: Position | None = None) -> AsyncIterator[list[Event]]:
        """Every event, in the order of (company, version), in pages. Raises NotAnswered."""
        async for page in self._pages(after, None):
            yield page

    async def of(self, company_ids: Sequence[str], after: int = 0) -> AsyncIterator[list[Event]]:
        """The events of these companies (of the first one only those after a version). Raises NotAnswered."""
        companies = sorted(set(company_ids))
        start = Position(company_id=companies[0], version=after) if after else None
        async for page in self._pages(start, companies):
            yield page

    async def heads(self, after: str | None, limit: int) -> list[Position]:
        """Companies behind one, in the order of their ids. Raises NotAnswered."""
        return (await self._write_service.heads(HeadsChanged(after=after, limit=limit))).heads

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Takes a message that was sent to the queue."""
        self._arrived.put_nowait(from_json(message.body))

    async def _pages(self, after: Position | None, companies: list[str] | None) -> AsyncIterator[list[Event]]:
        while True:
            request = EventsReplay(queue=self._queue, after=after, limit=PAGE, companies=companies)
            sent = await self._write_service.replay(request)
            page = await self._gathered(after, sent.sent)
            if page:
                yield page
            if sent.next is None:
                return
            after = sent.next

    async def _gathered(self, after: Position | None, count: int) -> list[Event]:
        # By place: a request whose line broke was perhaps carried out twice.
        found: dict[tuple[str, int], Event] = {}
        start = ("", 0) if after is None else (after.company_id, after.version)
        try:
            async with asyncio.timeout(_SECONDS):
                while len(found) < count:
                    events = ((_place(event), event) for event in await self._arrived.get())
                    found.update((place, event) for place, event in events if place > start)
        except TimeoutError:
            raise NotAnswered(f"{len(found)} events of {count} that were sent have arrived") from None
        return [found[place] for place in sorted(found)]


@asynccontextmanager
async def event_log(amqp_url: str) -> AsyncIterator[EventLog]:
    """The log, to be read within the block. Raises NotAnswered where there is no broker."""
    queue_name = f"{PREFIX}{uuid.uuid4()}"
    try:
        connection = await aio_pika.connect(
            amqp_url, timeout=_SECONDS, client_properties={"connection_name": "read_service log"}
        )
    except (AMQPError, OSError, TimeoutError) as failure:
        raise NotAnswered(f"no connection to the broker: {failure}") from failure
    async with connection, WriteService(amqp_url, name="read_service asking") as write_service:
        channel = await connection.channel()
        # Exclusive: it goes away with this connection, whatever becomes of this process.
        queue = await channel.declare_queue(queue_name, exclusive=True, auto_delete=True)
        log = EventLog(write_service, queue_name)
        await queue.consume(log.take, no_ack=True)
        yield log


def _place(event: Event) -> tuple[str, int]:
    return event["subject"], event["version"]

"""What the read service asks for: events that are missing, pages of the log, versions of companies."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from contracts.operations import EventsMissing, EventsReplay, EventsSent, Heads, HeadsChanged, PageSent, Position
from write_service.service_layer.publishing import wire_time
from write_service.service_layer.records import EventRecord

CHUNK = 300  # events in memory at once, in one short read of the log: three full messages, 3 ms of the loop's time
LAST = 2**31 - 1  # no version is higher

Request = EventsMissing | EventsReplay | HeadsChanged
Answer = EventsSent | PageSent | Heads
Send = Callable[[str, Sequence[EventRecord]], Awaitable[None]]
"""Publishes events to a queue in their order; returns when the broker has them all, raises when it has not."""


class HeadsPage(NamedTuple):
    """Companies with their versions, and the last company that was looked at where there are more."""

    heads: list[Position]
    last: str | None


class EventLog(Protocol):
    """The log of events. Each call is a short transaction of its own."""

    async def head(self, company_id: str) -> int:
        """The company's version; 0 without an event of it."""

    async def of_company(self, company_id: str, after: int, up_to: int, limit: int) -> list[EventRecord]:
        """Its events of the versions after < version <= up_to, at most so many, in their order."""

    async def page(self, after: Position | None, limit: int) -> list[EventRecord]:
        """The events of all companies behind a position in the order (company_id, version), at most so many."""

    async def complete_until(self) -> datetime:
        """A time (the database's) before which no event can appear any more that calls made from now on do not see."""

    async def heads(self, since: datetime | None, after: str | None, limit: int) -> HeadsPage:
        """Companies behind `after`, in the order of their ids, that changed at that time or later."""


class Operations:
    """Answers requests. Doing one again is harmless: readers know each event by its company and version."""

    def __init__(self, log: EventLog, send: Send) -> None:
        self._log = log
        self._send = send

    async def answer(self, request: Request) -> Answer:
        """The answer, after the events that it counts are with the broker. Raises what the log or sending raises."""
        match request:
            case EventsMissing():
                return await self._missing(request)
            case EventsReplay():
                return await self._replay(request)
            case HeadsChanged():
                return await self._heads(request)

    async def _missing(self, request: EventsMissing) -> EventsSent:
        head = await self._log.head(request.company_id)
        up_to = head if request.up_to_version is None else min(head, request.up_to_version)
        sent = 0
        async for records in self._of_company(request.company_id, request.after_version, up_to, LAST):
            await self._send(request.queue, records)
            sent += len(records)
        return EventsSent(sent=sent, head=head)

    async def _replay(self, request: EventsReplay) -> PageSent:
        chunks = self._of_all(request) if request.companies is None else self._of_some(request, request.companies)
        sent, last = 0, request.after
        async for records in chunks:
            await self._send(request.queue, records)
            sent += len(records)
            last = Position(company_id=records[-1].company_id, version=records[-1].version)
        return PageSent(sent=sent, next=last if sent == request.limit else None)

    async def _heads(self, request: HeadsChanged) -> Heads:
        since = None if request.since is None else datetime.fromisoformat(request.since)
        as_of = await self._log.complete_until()  # first: what the page does not see yet must be after it
        page = await self._log.heads(since, request.after, request.limit)
        return Heads(heads=page.heads, next=page.last, as_of=wire_time(as_of))

    async def _of_all(self, request: EventsReplay) -> AsyncIterator[list[EventRecord]]:
        left, after = request.limit, request.after
        while left and (records := await self._log.page(after, min(CHUNK, left))):
            yield records
            left -= len(records)
            after = Position(company_id=records[-1].company_id, version=records[-1].version)

    async def _of_some(self, request: EventsReplay, companies: Sequence[str]) -> AsyncIterator[list[EventRecord]]:
        # Company by company: a condition on many of them would have Postgres sort all their events for every page.
        left, gathered = request.limit, list[EventRecord]()
        start = request.after or Position(company_id=min(companies), version=0)
        for company_id in sorted(company_id for company_id in set(companies) if company_id >= start.company_id):
            after = start.version if company_id == start.company_id else 0
            async for records in self._of_company(company_id, after, LAST, left):
                gathered += records
                left -= len(records)
                if len(gathered) >= CHUNK:
                    yield gathered
                    gathered = []
            if not left:
                break
        if gathered:
            yield gathered

    async def _of_company(
        self, company_id: str, after: int, up_to: int, limit: int
    ) -> AsyncIterator[list[EventRecord]]:
        while after < up_to and limit:
            wanted = min(CHUNK, limit)
            records = await self._log.of_company(company_id, after, up_to, wanted)
            if records:
                yield records
            if len(records) < wanted:
                return
            after, limit = records[-1].version, limit - len(records)

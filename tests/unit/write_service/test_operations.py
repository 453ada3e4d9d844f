"""What the read service asks for, on a log in memory: which events are sent, and what is answered."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from contracts.operations import EventsMissing, EventsReplay, EventsSent, Heads, HeadsChanged, PageSent, Position
from tests.unit.write_service.orders import an_id
from write_service.service_layer.operations import CHUNK, HeadsPage, Operations
from write_service.service_layer.records import EventRecord

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
QUEUE = "read_service.repairs.g1"
ANNA, BERT, CARLA = an_id(1), an_id(2), an_id(3)


class LogInMemory:
    """So many events of each company."""

    def __init__(self, **versions: int) -> None:
        self.events = [
            EventRecord(an_id(), company, version, "company.activated.v1", "{}", an_id(), b"", NOW)
            for company, head in sorted(versions.items())
            for version in range(1, head + 1)
        ]

    async def head(self, company_id: str) -> int:
        return max((event.version for event in self.events if event.company_id == company_id), default=0)

    async def of_company(self, company_id: str, after: int, up_to: int, limit: int) -> list[EventRecord]:
        assert limit <= CHUNK
        found = [event for event in self.events if event.company_id == company_id and after < event.version <= up_to]
        return found[:limit]

    async def page(self, after: Position | None, limit: int) -> list[EventRecord]:
        assert limit <= CHUNK
        start = (after.company_id, after.version) if after else ("", 0)
        return [event for event in self.events if (event.company_id, event.version) > start][:limit]

    async def complete_until(self) -> datetime:
        return NOW

    async def heads(self, since: datetime | None, after: str | None, limit: int) -> HeadsPage:
        assert (after, limit) == (None, 5_000)
        return HeadsPage([Position(company_id=ANNA, version=3)], ANNA if since is None else None)


class Sent:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.chunks: list[tuple[str, list[tuple[str, int]]]] = []

    async def __call__(self, queue: str, records: Sequence[EventRecord]) -> None:
        self.chunks.append((queue, [(record.company_id, record.version) for record in records]))

    @property
    def positions(self) -> list[tuple[str, int]]:
        return [position for _, chunk in self.chunks for position in chunk]


def versions(company: str, first: int, last: int) -> list[tuple[str, int]]:
    return [(company, version) for version in range(first, last + 1)]


@pytest.mark.parametrize(
    ("after", "up_to", "first", "last"),
    [(0, None, 1, 9), (3, 5, 4, 5), (3, 100, 4, 9), (9, None, 1, 0), (20, 30, 1, 0), (5, 5, 1, 0), (8, None, 9, 9)],
)
async def test_missing_versions_are_sent_up_to_the_head(after: int, up_to: int | None, first: int, last: int) -> None:
    sent = Sent()
    request = EventsMissing(company_id=BERT, after_version=after, up_to_version=up_to, queue=QUEUE)
    answer = await Operations(LogInMemory(**{ANNA: 2, BERT: 9}), sent).answer(request)
    assert sent.positions == versions(BERT, first, last)
    assert answer == EventsSent(sent=len(sent.positions), head=9)


async def test_a_company_that_the_log_does_not_know_has_no_events() -> None:
    sent = Sent()
    request = EventsMissing(company_id=CARLA, after_version=0, queue=QUEUE)
    assert await Operations(LogInMemory(**{ANNA: 2}), sent).answer(request) == EventsSent(sent=0, head=0)
    assert sent.chunks == []


async def test_no_more_than_a_chunk_is_in_memory_at_once() -> None:
    sent = Sent()
    request = EventsMissing(company_id=ANNA, after_version=0, queue=QUEUE)
    await Operations(LogInMemory(**{ANNA: 2 * CHUNK + 1}), sent).answer(request)
    assert [(queue, len(chunk)) for queue, chunk in sent.chunks] == [(QUEUE, CHUNK), (QUEUE, CHUNK), (QUEUE, 1)]
    assert sent.positions == versions(ANNA, 1, 2 * CHUNK + 1)


async def pages(log: LogInMemory, limit: int, companies: list[str] | None = None) -> tuple[Sent, list[int]]:
    """Everything that pages of this size send, and how much each of them sent."""
    sent, sizes = Sent(), list[int]()
    after: Position | None = None
    while True:
        request = EventsReplay(queue=QUEUE, after=after, limit=limit, companies=companies)
        answer = await Operations(log, sent).answer(request)
        assert isinstance(answer, PageSent)
        sizes.append(answer.sent)
        if answer.next is None:
            return sent, sizes
        after = answer.next


@pytest.mark.parametrize("limit", [1, 4, 5, 6, 10, 11, 12, CHUNK, CHUNK + 1, 10_000])
async def test_pages_send_the_whole_log_once_in_order(limit: int) -> None:
    log = LogInMemory(**{ANNA: 2, BERT: CHUNK, CARLA: 9})
    sent, sizes = await pages(log, limit)
    assert sent.positions == [*versions(ANNA, 1, 2), *versions(BERT, 1, CHUNK), *versions(CARLA, 1, 9)]
    assert all(size == limit for size in sizes[:-1])


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 9, 13, CHUNK, CHUNK + 5, 10_000])
async def test_pages_of_some_companies_send_theirs_alone(limit: int) -> None:
    log = LogInMemory(**{ANNA: 4, BERT: 7, CARLA: CHUNK + 9})
    sent, sizes = await pages(log, limit, [CARLA, ANNA, an_id(99), ANNA])
    assert sent.positions == [*versions(ANNA, 1, 4), *versions(CARLA, 1, CHUNK + 9)]
    assert all(size == limit for size in sizes[:-1])


async def test_an_empty_log_has_one_empty_page() -> None:
    assert await Operations(LogInMemory(), Sent()).answer(EventsReplay(queue=QUEUE)) == PageSent(sent=0, next=None)


async def test_heads_come_with_the_time_until_which_they_are_complete() -> None:
    operations = Operations(LogInMemory(), Sent())
    heads = [Position(company_id=ANNA, version=3)]
    as_of = "2026-11-24T10:00:00.000000Z"
    assert await operations.answer(HeadsChanged()) == Heads(heads=heads, next=ANNA, as_of=as_of)
    answer = await operations.answer(HeadsChanged(since="2026-11-24T10:00:00.123456789Z"))
    assert answer == Heads(heads=heads, next=None, as_of=as_of)

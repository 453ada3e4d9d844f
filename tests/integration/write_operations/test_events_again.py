"""Events that are asked for arrive as they were first published, in their order, in messages within the limits."""

import uuid
from typing import Any

import aio_pika
import asyncpg
from pydantic_core import from_json

from contracts.commands import Command
from contracts.events import EVENTS
from contracts.operations import EventsMissing, EventsReplay, Position
from contracts.values import MAX_BATCH, MAX_MESSAGE_BYTES
from tests.integration.write_operations.asking import QUEUE, Asking, events_of
from tests.integration.write_service.pipelines import Pipeline
from tests.integration.write_service.test_cost import everything
from tests.unit.write_service.orders import an_id, register, rename


async def history(replica: Pipeline, company: str, length: int, **attributes: Any) -> None:
    """A company with so many events."""
    orders: list[Command] = [register(company, f"{company} 1", **attributes)]
    orders += [rename(company, f"{company} {number}", **attributes) for number in range(2, length + 1)]
    for start in range(0, length, 500):
        await replica.handle(*orders[start : start + 500])


async def test_events_are_the_same_to_the_byte(consumer: None, replica: Pipeline, asker: Asking) -> None:
    orders = everything(1) + everything(2)
    await replica.handle(*orders)
    first = {row.event_id: row.body for row in replica.published if not row.type.startswith("command.")}
    answer = await asker.ask(EventsReplay(queue=QUEUE))
    (message,) = await asker.taken()
    again = from_json(message.body)
    assert answer == {"status": "ok", "sent": len(first), "next": None}
    assert {kind for kind in EVENTS if not kind.startswith("command.")} - {event["type"] for event in again} == {
        "company.seat_limit_changed.v1",
        "user.role_changed.v1",
    }
    assert message.body == b"[" + b",".join(first[event["id"]] for event in again) + b"]"


async def test_a_message_says_what_it_is(consumer: None, replica: Pipeline, asker: Asking) -> None:
    company = an_id()
    await history(replica, company, 101)
    await asker.ask(EventsMissing(company_id=company, after_version=0, queue=QUEUE))
    messages = await asker.taken()
    assert {(message.type, message.content_type) for message in messages} == {
        ("replay.v1", "application/cloudevents-batch+json")
    }
    assert {message.delivery_mode for message in messages} == {aio_pika.DeliveryMode.PERSISTENT}
    assert len({uuid.UUID(message.message_id) for message in messages}) == 2
    assert [len(from_json(message.body)) for message in messages] == [100, 1]


async def test_a_long_history_arrives_whole_and_in_order(consumer: None, replica: Pipeline, asker: Asking) -> None:
    company = an_id()
    await history(replica, company, 3_000)
    answer = await asker.ask(EventsMissing(company_id=company, after_version=10, up_to_version=2_990, queue=QUEUE))
    messages = await asker.taken()
    assert answer == {"status": "ok", "sent": 2_980, "head": 3_000}
    assert [event["version"] for event in events_of(messages)] == list(range(11, 2_991))
    assert max(len(from_json(message.body)) for message in messages) == MAX_BATCH


async def test_messages_are_cut_by_bytes_too(consumer: None, replica: Pipeline, asker: Asking) -> None:
    company = an_id()
    attributes: dict[str, Any] = {"actor": "a" * 255, "correlationid": "c" * 255, "tracestate": "t" * 512}
    orders: list[Command] = [register(company, "💶" * 200, **attributes)]
    orders += [rename(company, f"{number} " + "💶" * 190, **attributes) for number in range(199)]
    await replica.handle(*orders)
    await asker.ask(EventsMissing(company_id=company, after_version=0, queue=QUEUE))
    messages = await asker.taken()
    assert [event["version"] for event in events_of(messages)] == list(range(1, 201))
    assert all(len(message.body) <= MAX_MESSAGE_BYTES for message in messages)
    assert len(from_json(messages[0].body)) < MAX_BATCH
    assert len(messages[0].body) > MAX_MESSAGE_BYTES * 0.95


async def test_an_unknown_company_has_no_events(consumer: None, asker: Asking) -> None:
    answer = await asker.ask(EventsMissing(company_id=an_id(), after_version=0, queue=QUEUE))
    assert answer == {"status": "ok", "sent": 0, "head": 0}
    assert await asker.waiting(QUEUE) == 0


async def test_pages_go_through_the_log_of_all_companies(consumer: None, replica: Pipeline, asker: Asking) -> None:
    companies = sorted(an_id() for _ in range(7))
    for company in companies:
        await history(replica, company, 5)
    after: Position | None = None
    sizes = []
    while True:
        answer = await asker.ask(EventsReplay(queue=QUEUE, after=after, limit=8))
        sizes.append(answer["sent"])
        if answer["next"] is None:
            break
        after = Position(**answer["next"])
    found = [(event["subject"], event["version"]) for event in events_of(await asker.taken())]
    assert found == [(company, version) for company in companies for version in range(1, 6)]
    assert sizes == [8, 8, 8, 8, 3]


async def test_pages_of_some_companies_hold_no_others(consumer: None, replica: Pipeline, asker: Asking) -> None:
    companies = sorted(an_id() for _ in range(4))
    for company in companies:
        await history(replica, company, 3)
    wanted = [companies[3], companies[1]]
    first = await asker.ask(EventsReplay(queue=QUEUE, limit=4, companies=wanted))
    assert first["next"] == {"company_id": companies[3], "version": 1}
    last = await asker.ask(EventsReplay(queue=QUEUE, limit=4, companies=wanted, after=Position(**first["next"])))
    assert (first["sent"], last["sent"], last["next"]) == (4, 2, None)
    found = [(event["subject"], event["version"]) for event in events_of(await asker.taken())]
    assert found == [(company, version) for company in (companies[1], companies[3]) for version in (1, 2, 3)]


async def test_a_person_erased_from_the_log_stays_erased(
    consumer: None, replica: Pipeline, asker: Asking, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await replica.handle(*everything(1))
    await owner.execute("""UPDATE events SET data = data || '{"email": null, "full_name": null}'
                           WHERE type = 'user.added.v1'""")
    await asker.ask(EventsReplay(queue=QUEUE))
    added = [event for event in events_of(await asker.taken()) if event["type"] == "user.added.v1"]
    assert [(event["data"]["email"], event["data"]["full_name"]) for event in added] == [(None, None)] * 2
    for event in added:
        EVENTS["user.added.v1"].model_validate(event)

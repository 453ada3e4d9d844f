"""Requests that cannot be carried out, and requests that come again."""

import asyncio
from typing import cast

import aio_pika
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.operations import EVENTS_MISSING, EVENTS_REPLAY, HEADS_CHANGED, EventsMissing, EventsReplay, HeadsChanged
from contracts.topology import OPERATIONS, WRITE_COMMANDS, WRITE_OPERATIONS, declare, replays
from tests.integration.write_operations.asking import QUEUE, Asking, InMemoryParking, asking, consuming, events_of
from tests.integration.write_service.pipelines import Pipeline
from tests.support.eventually import eventually
from tests.support.fresh import PostgresDatabase
from tests.support.not_text import NotText
from tests.support.proxy import proxy_to
from tests.unit.write_service.orders import an_id, register, rename
from write_service.adapters.database import database
from write_service.adapters.event_log import PostgresEventLog
from write_service.entrypoints.consuming import consuming_broker, is_consuming, stop_consuming
from write_service.entrypoints.operations import PREFETCH, OperationsConsumer
from write_service.entrypoints.operations import register as consume
from write_service.service_layer.records import EventRecord


async def a_company(replica: Pipeline, length: int = 5) -> str:
    company = an_id()
    await replica.handle(register(company, company), *(rename(company, f"{company} {n}") for n in range(length - 1)))
    return company


@pytest.mark.parametrize(
    "request_",
    [
        ("events.wanted.v1", b"{}", "unknown_operation"),
        (EVENTS_REPLAY, b"no JSON", "json_invalid"),
        (EVENTS_REPLAY, b'{"queue": "write_service.commands"}', "string_pattern_mismatch"),
        (EVENTS_REPLAY, b'{"queue": "somebody.else"}', "string_pattern_mismatch"),
        (EVENTS_MISSING, b"\xff\x00", "json_invalid"),
    ],
)
async def test_what_cannot_be_read_is_refused_and_parked(
    consumer: None, asker: Asking, parked: InMemoryParking, request_: tuple[str, bytes, str]
) -> None:
    operation, body, kind = request_
    answer = await asker.answer(await asker.send(operation, body))
    assert (answer["status"], answer["errors"][0]["type"]) == ("invalid", kind)
    (kept,) = parked.messages
    assert (kept.kind, kept.exchange, kept.routing_key, kept.body) == ("unreadable", "operations", operation, body)
    assert await asker.waiting(WRITE_COMMANDS.name) == 0


async def test_a_queue_that_is_not_there_is_an_error(consumer: None, replica: Pipeline, asker: Asking) -> None:
    await a_company(replica)
    answer = await asker.ask(EventsReplay(queue=replays(5).name))
    assert answer["status"] == "error"
    assert replays(5).name in answer["errors"][0]["msg"]


async def test_an_answer_goes_to_reply_queues_only(consumer: None, asker: Asking) -> None:
    for reply_to in (QUEUE, WRITE_COMMANDS.name, None):
        await asker.send("heads.changed.v1", b"{}", reply_to=reply_to)
    assert (await asker.ask(HeadsChanged()))["status"] == "ok"
    await eventually(asker.waiting, until=lambda waiting: waiting == 0)
    assert [await asker.waiting(queue) for queue in (QUEUE, WRITE_COMMANDS.name)] == [0, 0]


async def test_an_asker_who_has_gone_keeps_nobody_from_being_answered(
    vhost: str, consumer: None, replica: Pipeline, asker: Asking
) -> None:
    company = await a_company(replica)
    async with asking(vhost) as gone:
        body = b'{"company_id": "%s", "after_version": 0, "queue": "%s"}' % (company.encode(), QUEUE.encode())
        await gone.send(EVENTS_MISSING, body, reply_to="reply.gone")
    answer = await asker.ask(EventsMissing(company_id=company, after_version=0, queue=QUEUE))
    assert answer == {"status": "ok", "sent": 5, "head": 5}
    await eventually(lambda: asker.waiting(QUEUE), until=lambda waiting: waiting == 2)


async def test_a_correlation_id_that_cannot_be_sent_back_holds_up_nobody(consumer: None, asker: Asking) -> None:
    exchange = await asker.channel.get_exchange(OPERATIONS, ensure=False)
    for _ in range(2 * PREFETCH):
        message = aio_pika.Message(b"{}", reply_to="amq.rabbitmq.reply-to", correlation_id=NotText("?"))
        await exchange.publish(message, HEADS_CHANGED)
    assert (await asker.ask(HeadsChanged()))["status"] == "ok"
    await eventually(asker.waiting, until=lambda waiting: waiting == 0)


class Failing:
    """A consumer with a fault that nobody has thought of."""

    taken = 0

    async def take(self, _: object) -> None:
        self.taken += 1
        raise KeyError


async def test_a_request_that_breaks_its_consumer_holds_up_no_other_one(vhost: str, asker: Asking) -> None:
    failing, broker = Failing(), consuming_broker(vhost)
    consume(broker, cast("OperationsConsumer", failing))
    await broker.start()
    for _ in range(2 * PREFETCH):
        await asker.send(HEADS_CHANGED, b"{}")
    await eventually(lambda: failing.taken, until=lambda taken: taken == 2 * PREFETCH)
    await stop_consuming(broker)
    await broker.stop()
    assert await asker.waiting() == 0


async def test_a_consumer_that_was_cancelled_says_so_and_comes_back(
    vhost: str, engine: AsyncEngine, asker: Asking, parked: InMemoryParking
) -> None:
    async with consuming(vhost, PostgresEventLog(engine), parked) as broker:
        assert await is_consuming(broker) == "ok"
        await asker.channel.queue_delete(WRITE_OPERATIONS.name)
        said = await eventually(lambda: is_consuming(broker), until=lambda word: word != "ok")
        assert said == "write_service.operations is not consumed: the broker has cancelled the consumer"
        await declare(asker.channel, WRITE_OPERATIONS)
        assert (await asker.ask(HeadsChanged()))["status"] == "ok"
        assert await is_consuming(broker) == "ok"


class Hanging(PostgresEventLog):
    """A log that gives its first chunk and no more."""

    asked = 0

    async def of_company(self, company_id: str, after: int, up_to: int, limit: int) -> list[EventRecord]:
        self.asked += 1
        if after:
            await asyncio.Event().wait()
        return await super().of_company(company_id, after, up_to, limit)


async def test_a_request_whose_replica_dies_is_carried_out_by_another(
    vhost: str, asker: Asking, replica: Pipeline, postgres_database: PostgresDatabase, parked: InMemoryParking
) -> None:
    company = await a_company(replica, 400)
    body = EventsMissing(company_id=company, after_version=0, queue=QUEUE).model_dump_json(exclude_none=True)
    async with database(postgres_database.url, timeout=10, connections=2) as engine:
        hanging = Hanging(engine)
        async with consuming(vhost, hanging, parked, dies=True):
            asked = await asker.send(EVENTS_MISSING, body.encode())
            await eventually(lambda: hanging.asked, until=lambda asked: asked == 2)
            assert await asker.waiting(QUEUE) == 3
        async with consuming(vhost, PostgresEventLog(engine), parked):
            answer = await asker.answer(asked)
    assert answer == {"status": "ok", "sent": 400, "head": 400}
    versions = [event["version"] for event in events_of(await asker.taken())]
    assert versions == [*range(1, 301), *range(1, 401)]
    assert await asker.waiting() == 0


async def test_without_a_database_the_answer_is_an_error_and_later_it_is_not(
    vhost: str, asker: Asking, replica: Pipeline, postgres_database: PostgresDatabase, parked: InMemoryParking
) -> None:
    company = await a_company(replica)
    port = int(postgres_database.url.rpartition(":")[2].partition("/")[0])
    async with proxy_to(port) as proxy:
        url = postgres_database.url.replace(f":{port}/", f":{proxy.port}/")
        async with (
            database(url, timeout=1, connections=2) as engine,
            consuming(vhost, PostgresEventLog(engine), parked, answer_within=1.5),
        ):
            request = EventsMissing(company_id=company, after_version=0, queue=QUEUE)
            assert (await asker.ask(request))["status"] == "ok"
            proxy.refuse()
            proxy.cut()
            refused = await asker.ask(request, within=4)
            proxy.refuse(refusing=False)
            proxy.freeze()
            frozen = await asker.ask(request, within=4)
            proxy.thaw()
            assert (await asker.ask(request))["status"] == "ok"
    assert (refused["status"], frozen["status"]) == ("error", "error")
    assert parked.messages == []


async def test_many_requests_at_once_are_all_answered(consumer: None, replica: Pipeline, asker: Asking) -> None:
    companies = [await a_company(replica, 2) for _ in range(30)]
    requests = [EventsMissing(company_id=company, after_version=0, queue=QUEUE) for company in companies]
    answers = await asyncio.gather(*(asker.ask(request) for request in requests))
    assert answers == [{"status": "ok", "sent": 2, "head": 2}] * 30
    assert len(events_of(await asker.taken())) == 60

"""A database that is away, slow, or asked to change something."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from pymongo.errors import OperationFailure

from contracts import tokens
from contracts.queries import QUERIES
from contracts.topology import READ_QUERIES, declare
from deploy.local import mongo, rabbitmq
from deploy.local.stack import Stack
from read_service.adapters.generations import FIRST, point_to_first
from read_service.adapters.mongo import StoreAway, connected
from read_service.views.current import Current
from read_service.views.documents import Documents
from read_service.views.refusals import NotNow
from tests.integration.read_views import given
from tests.integration.read_views.reader import Reader, reading
from tests.integration.read_views.samples import documents_of, sample
from tests.integration.read_views.watching import SENT, of_views
from tests.support import fresh
from tests.support.eventually import eventually
from tests.support.fresh import MongoDatabase
from tests.support.proxy import Proxy, proxy_to

COMPANY = given.new_id()
OF_A_NODE_THAT_IS_GONE = "amq.rabbitmq.reply-to.g1h3B3JlcGx5QDEAAAABAAAAAQAAAAE=.a2tra2tra2tra2tra2trAA=="


@pytest_asyncio.fixture
async def behind_proxy(servers: Stack) -> AsyncIterator[tuple[Reader, Proxy]]:
    """A service whose views reach MongoDB through a proxy."""
    async with (
        fresh.vhost(servers) as url,
        fresh.mongo_database(servers) as database,
        proxy_to(servers.port(mongo.NAME)) as proxy,
    ):
        # Directly: the replica set's own answer would name the server's real port.
        address = database.views_url.replace(f":{servers.port(mongo.NAME)}/", f":{proxy.port}/")
        direct = f"{address}&directConnection=true"
        async with reading(url, replace(database, views_url=direct), query_time_limit_ms=500) as reader:
            await reader.given(companies=[given.company(_id=COMPANY)], positions=[given.position(COMPANY, 1)])
            yield reader, proxy


async def both(reader: Reader) -> tuple[int, str]:
    """How one query is answered over HTTP and over the bus."""
    response, reply = await asyncio.gather(
        reader.get(f"/companies/{COMPANY}"), reader.bus.ask("company.get.v1", company_id=COMPANY)
    )
    return response.status_code, reply["status"]


async def test_without_its_database_it_says_so_and_answers_again_when_it_is_back(
    behind_proxy: tuple[Reader, Proxy],
) -> None:
    reader, proxy = behind_proxy
    assert await both(reader) == (200, "ok")

    proxy.refuse()
    proxy.cut()
    away = await both(reader)
    not_ready = await reader.get("/health/ready")
    proxy.refuse(refusing=False)

    assert away == (503, "error")
    assert (not_ready.status_code, not_ready.json()["checks"]["documents"] != "ok") == (503, True)
    assert (await reader.get("/health/live")).status_code == 200
    await eventually(lambda: both(reader), until=lambda seen: seen == (200, "ok"))
    await eventually(lambda: reader.get("/health/ready"), until=lambda seen: seen.status_code == 200)


async def test_a_database_that_does_not_answer_keeps_many_callers_waiting_for_a_bounded_time(
    behind_proxy: tuple[Reader, Proxy],
) -> None:
    reader, proxy = behind_proxy
    proxy.freeze()
    began = time.monotonic()

    answers = await asyncio.gather(*(both(reader) for _ in range(60)))

    assert set(answers) == {(503, "error")}
    assert time.monotonic() - began < 12
    proxy.cut()
    proxy.thaw()
    await eventually(lambda: both(reader), until=lambda seen: seen == (200, "ok"), within=20)


async def test_a_waiting_query_outlives_an_outage(behind_proxy: tuple[Reader, Proxy]) -> None:
    reader, proxy = behind_proxy
    token = tokens.encode(COMPANY, 2)
    asked = asyncio.create_task(reader.bus.ask("company.get.v1", company_id=COMPANY, after=token, wait_ms=10_000))
    await eventually(lambda: reader.get("/metrics"), until=lambda seen: "registrar_read_waiters 1.0" in seen.text)

    proxy.cut()
    await reader.put("companies", given.company(_id=COMPANY, version=2))
    await reader.put("positions", given.position(COMPANY, 2))

    assert (await asked)["result"]["version"] == 2


# aio-pika, cut off while it connects again, leaves the transport of that attempt to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_queries_over_the_bus_are_answered_again_after_the_broker_was_lost(servers: Stack) -> None:
    port = servers.port(rabbitmq.NAME)
    async with fresh.vhost(servers) as url, fresh.mongo_database(servers) as database, proxy_to(port) as proxy:
        through = url.replace(f":{port}/", f":{proxy.port}/")
        async with reading(url, database, amqp_url=through) as reader:
            proxy.refuse()
            proxy.cut()
            await eventually(lambda: reader.get("/health/ready"), until=lambda seen: seen.status_code == 503)
            assert (await reader.get("/statistics")).status_code == 200
            asked = asyncio.create_task(reader.bus.ask("statistics.get.v1"))

            proxy.refuse(refusing=False)

            assert (await asked)["status"] == "ok"
            await eventually(lambda: reader.get("/health/ready"), until=lambda seen: seen.status_code == 200)


async def test_queries_are_answered_again_after_their_queue_was_deleted(servers: Stack) -> None:
    async with (
        fresh.vhost(servers) as url,
        fresh.mongo_database(servers) as database,
        reading(url, database) as reader,
    ):
        await reader.bus.channel.queue_delete(READ_QUERIES.name)
        cancelled = await eventually(lambda: reader.get("/health/ready"), until=lambda seen: seen.status_code == 503)
        await declare(reader.bus.channel, READ_QUERIES)

        assert (await reader.bus.ask("statistics.get.v1"))["status"] == "ok"
        assert "cancelled" in cancelled.json()["checks"]["queries"]
        assert (await reader.get("/health/ready")).status_code == 200


async def test_an_address_of_a_node_that_is_gone_costs_a_reply_and_not_the_queries(reader: Reader) -> None:
    """RabbitMQ 3.10 closes the whole connection that publishes there."""
    await reader.bus.publish("statistics.get.v1", b"{}", reply_to=OF_A_NODE_THAT_IS_GONE)
    assert await eventually(lambda: _asked(reader)) == "ok"
    assert (await reader.get("/health/ready")).json()["checks"]["queries"] == "ok"


async def _asked(reader: Reader) -> str | None:
    try:
        async with asyncio.timeout(1):
            return str((await reader.bus.ask("statistics.get.v1"))["status"])
    except TimeoutError:
        return None


async def test_readers_follow_the_pointer_to_another_generation(mongo_database: MongoDatabase) -> None:
    async with (
        connected(mongo_database.views_url, name="test") as views,
        connected(mongo_database.url, name="test") as projector,
    ):
        current = Current(views, time_limit_ms=1000)
        assert await current.look() is None
        with pytest.raises(NotNow):
            current.documents()
        await point_to_first(projector)
        following = asyncio.create_task(current.follow())
        await eventually(lambda: _generation(current), until=lambda seen: seen == FIRST)

        await projector["generations"].update_one({"_id": "active"}, {"$set": {"generation": 7}})

        await eventually(lambda: _generation(current), until=lambda seen: seen == 7, within=1)
        following.cancel()


def _generation(current: Current) -> int | None:
    try:
        return current.documents().generation
    except NotNow:
        return None


async def test_a_read_that_takes_too_long_is_ended_by_the_database(reader: Reader) -> None:
    await reader.given(companies=[given.company() for _ in range(3)])
    async with connected(reader.settings.mongo_views_url, name="test") as views:
        documents = Documents(views, FIRST, time_limit_ms=100)
        with pytest.raises(StoreAway, match="time limit"):
            await documents.many("companies", {"$where": "sleep(1000) || true"})
        with pytest.raises(StoreAway, match="time limit"):
            await documents.one("companies", {"$where": "sleep(1000) || true"})


async def test_every_read_of_every_query_carries_the_time_limit(reader: Reader) -> None:
    for name in QUERIES:
        await reader.given(**documents_of(name))
        asked = {key: value for key, value in sample(f"{name}.request").items() if key not in ("after", "cursor")}
        with SENT.reads(reader.database.name) as seen:
            assert (await reader.bus.ask(name, **asked))["status"] == "ok"
        limits = {command.get("maxTimeMS") for command in of_views(seen)}
        assert limits == {reader.settings.query_time_limit_ms}, name


async def test_the_views_connection_cannot_change_anything(reader: Reader) -> None:
    """The server itself refuses: inserts, updates, deletes, drops, and pipelines that write."""
    await reader.given(companies=[given.company(_id=COMPANY)])
    async with connected(reader.settings.mongo_views_url, name="test") as views:
        companies = views["companies.g1"]
        attempts: list[Callable[[], Awaitable[Any]]] = [
            lambda: companies.insert_one({"_id": 1}),
            lambda: companies.update_one({"_id": COMPANY}, {"$set": {"name": "other"}}),
            lambda: companies.delete_many({}),
            companies.drop,
            lambda: companies.aggregate([{"$out": "stolen"}]).to_list(None),
            lambda: companies.aggregate([{"$merge": "companies.g1"}]).to_list(None),
            lambda: companies.create_index("name"),
            lambda: views["generations"].update_one({"_id": "active"}, {"$set": {"generation": 9}}),
        ]
        for attempt in attempts:
            with pytest.raises(OperationFailure) as refusal:
                await attempt()
            assert refusal.value.code == 13
        assert (await companies.find_one({"_id": COMPANY}) or {})["name"] == "Acme"

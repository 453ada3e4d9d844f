"""What the read service promises holds while servers and replicas are killed, frozen and restarted.

REGISTRAR_TEST_LONG makes each of them longer.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from contracts.topology import repairs
from deploy.local import mongo, rabbitmq, servers
from deploy.local.stack import Stack
from tests.faults.reading import Reading, exact, feeding
from tests.faults.system import checks
from tests.faults.three_mongods import three_mongods
from tests.support import fresh
from tests.support.eventually import eventually
from tests.support.processes import Process
from tests.support.running import LIVE, documents, messages

LONG = bool(os.environ.get("REGISTRAR_TEST_LONG"))
TIMES = 5 if LONG else 1
EVENTS = 20_000 if LONG else 1_000

pytestmark = pytest.mark.timeout(600 if LONG else 120)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A broker and a MongoDB of the module's own."""
    made = Stack(tmp_path_factory.mktemp("faults").resolve(), test=True)
    try:
        for name in (mongo.NAME, rabbitmq.NAME):
            servers.start(made, name)
        asyncio.run(_hurried(made))
        yield made
    finally:
        servers.down(made)
        servers.wipe(made)


async def _hurried(stack: Stack) -> None:
    # The locks of a replica that was killed in a transaction: a test has less time than production.
    async with AsyncMongoClient[dict[str, Any]](mongo.url(stack, mongo.ROOT, "admin")) as client:
        await client.admin.command({"setParameter": 1, "transactionLifetimeLimitSeconds": 2})


@pytest_asyncio.fixture
async def reading(stack: Stack) -> AsyncIterator[Reading]:
    """Empty documents and an empty broker, which are well again after the test."""
    async with fresh.vhost(stack) as amqp_url, fresh.mongo_database(stack) as database:
        made = Reading(
            stack,
            {
                "REGISTRAR_AMQP_URL": amqp_url,
                "REGISTRAR_MONGO_URL": database.url,
                "REGISTRAR_MONGO_VIEWS_URL": database.views_url,
            },
        )
        try:
            yield made
        finally:
            await made.mend(mongo.NAME, rabbitmq.NAME)


async def says(replica: Process, check: str, within: float = 15) -> None:
    """Wait until the replica says that it is not ready, and why; it lives all the same."""

    async def what_is_wrong() -> dict[str, str]:
        return await checks(replica)

    await eventually(what_is_wrong, until=lambda wrong: check in wrong, within=within, every=0.1)
    assert await asyncio.to_thread(replica.health, "/health/live") == 200


async def test_mongod_killed_and_restarted_under_load(reading: Reading) -> None:
    async with documents(reading.environment) as database, reading.replicas(2) as replicas:
        async with feeding(reading.amqp_url, EVENTS) as feed:
            for _ in range(TIMES):
                await feed.more(60)
                await reading.stop(mongo.NAME, signal.SIGKILL)
                await says(replicas[0], "engine")
                await reading.start(mongo.NAME)
                await feed.more(60)
        await exact(database, reading, feed, replicas)


async def test_broker_killed_and_restarted_under_load(reading: Reading) -> None:
    async with documents(reading.environment) as database, reading.replicas(2) as replicas:
        async with feeding(reading.amqp_url, EVENTS) as feed:
            for how in (signal.SIGKILL, signal.SIGTERM) if LONG else (signal.SIGKILL,):
                await feed.more(60)
                await reading.stop(rabbitmq.NAME, how)
                await says(replicas[0], "events")
                await reading.start(rabbitmq.NAME)
                await feed.more(60)
        await exact(database, reading, feed, replicas)


async def test_replicas_killed_at_any_moment_under_load(reading: Reading) -> None:
    chance = random.Random()
    async with documents(reading.environment) as database, reading.replicas(2) as replicas:
        async with feeding(reading.amqp_url, 2 * EVENTS) as feed:
            for number in range(4 * TIMES):
                victim = replicas[number % 2]
                await feed.more(chance.randrange(10, 60))
                await victim.kill()
                await victim.start()
        await exact(database, reading, feed, replicas)


async def test_a_frozen_replica_keeps_nobody_waiting_and_goes_on(reading: Reading) -> None:
    async with documents(reading.environment) as database, reading.replicas(2) as replicas:
        async with feeding(reading.amqp_url, EVENTS) as feed:
            for _ in range(TIMES):
                await feed.more(60)
                replicas[0].send(signal.SIGSTOP)
                # In the middle of a transaction, perhaps, which the database ends before long.
                await feed.more(120)
                replicas[0].send(signal.SIGCONT)
                await feed.more(20)
        await exact(database, reading, feed, replicas)


async def test_a_replica_that_is_told_to_stop_under_load_gives_nothing_back(reading: Reading) -> None:
    async with documents(reading.environment) as database, reading.replicas(1) as (replica,):
        async with feeding(reading.amqp_url, EVENTS) as feed:
            await feed.more(60)
            reading.send(mongo.NAME, signal.SIGSTOP)  # what it has taken stays in its hands
            await eventually(lambda: messages(reading.amqp_url), until=lambda waiting: waiting >= 25)
            stopping = asyncio.create_task(replica.stop())
            # What is on its way to a consumer that is being cancelled, RabbitMQ gives back by itself; so wait until it
            # is cancelled. The broker goes on counting it while it has messages: the one that is stopped next tells.
            await eventually(lambda: consumers(reading.amqp_url), until=lambda number: number == 0, within=15)
            reading.send(mongo.NAME, signal.SIGCONT)
            assert await stopping == 0, replica.last_words()
            left = await delivered_before(reading.amqp_url)
            assert len(left) >= 25
            assert set(left) == {False}
            await replica.start()
        await exact(database, reading, feed, [replica])


async def consumers(amqp_url: str) -> int:
    """How many take in what was sent again."""
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(repairs(1).name, passive=True)
        return declared.declaration_result.consumer_count or 0


async def delivered_before(amqp_url: str) -> list[bool]:
    """Of each message that rests in the queue, whether the broker counts a delivery of it. They stay there."""
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(LIVE, ensure=False)
        found = []
        while (message := await queue.get(fail=False)) is not None:
            found.append(bool(message.redelivered or message.headers.get("x-delivery-count")))
        return found


async def test_the_primary_of_three_steps_down_and_is_killed(reading: Reading, tmp_path: Path) -> None:
    async with three_mongods(tmp_path / "three") as mongods:
        urls = dict.fromkeys(("REGISTRAR_MONGO_URL", "REGISTRAR_MONGO_VIEWS_URL"), mongods.url)
        there = Reading(reading.stack, {**reading.environment, **urls})
        async with documents(there.environment) as database, there.replicas(2) as replicas:
            async with feeding(there.amqp_url, EVENTS) as feed:
                for _ in range(TIMES):
                    await feed.more(60)
                    await mongods.step_down()
                    await feed.more(60)
                    await mongods.kill_primary()
                    await feed.more(60)
            await exact(database, there, feed, replicas)

"""The read service as real processes on servers that a test may kill, and a history that keeps coming meanwhile."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aio_pika
from aio_pika.exceptions import AMQPError
from motor.motor_asyncio import AsyncIOMotorDatabase

from deploy.local import processes, servers
from deploy.local.stack import Stack
from tests.support.deliveries import Message, deliveries, message_of
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.histories import Folded, histories
from tests.support.processes import Process
from tests.support.running import LIVE, documents, messages, running

MOST_WAITING = 30  # messages in the queue: so few that the load lasts as long as the test does


@dataclass(frozen=True, slots=True)
class Reading:
    """A broker, a database of documents, and the settings of a read service that uses them."""

    stack: Stack
    environment: dict[str, str]

    @property
    def amqp_url(self) -> str:
        """The bus."""
        return self.environment["REGISTRAR_AMQP_URL"]

    @contextlib.asynccontextmanager
    async def replicas(self, number: int) -> AsyncIterator[list[Process]]:
        """So many replicas, ready, on documents that are set up."""
        async with (
            documents(self.environment),
            running("read-service", number, environment={**self.environment, "REGISTRAR_EVENT_PREFETCH": "20"}) as made,
        ):
            yield made

    async def stop(self, server: str, number: signal.Signals) -> None:
        """End a server by a signal."""
        await asyncio.to_thread(processes.end, self.stack.processes[server], number)

    def send(self, server: str, number: signal.Signals) -> None:
        """Send a server a signal: SIGSTOP, SIGCONT."""
        processes.send(self.stack.processes[server], number)

    async def start(self, server: str) -> None:
        """Start a server again, on the same port and with the same data."""
        await asyncio.to_thread(servers.start, self.stack, server)

    async def mend(self, *names: str) -> None:
        """Start whatever a failed test has left dead."""
        for server in names:
            if not self.stack.running(server):
                await self.start(server)


class Feed:
    """Publishes a history, shuffled and repeated, with confirms, and through whatever happens to the broker."""

    def __init__(self, amqp_url: str, events: int, seed: int) -> None:
        log = histories(seed, 40, events)
        self.expected = Folded.of(log)
        self.sent = 0
        self._url = amqp_url
        self._messages = deliveries(log, random.Random(seed), most_times=2, largest=6)
        self._hurry = False

    async def more(self, number: int) -> None:
        """Wait until so many more messages are confirmed."""
        goal = self.sent + number
        assert goal < len(self._messages), "the history is too short for this test"
        await eventually(lambda: self.sent, until=lambda sent: sent >= goal, within=60)

    def hurry(self) -> None:
        """From now on publish without waiting for readers."""
        self._hurry = True

    async def publish(self) -> None:
        """Publish all of it; what was not confirmed is published again."""
        while self.sent < len(self._messages):
            with contextlib.suppress(AMQPError, OSError, TimeoutError, RuntimeError):
                await self._connected(self._messages[self.sent :])
            await asyncio.sleep(0.05)

    async def _connected(self, rest: Sequence[Message]) -> None:
        async with await aio_pika.connect(self._url, timeout=5) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange("events", ensure=False)
            for events in rest:
                await self._room(channel)
                await exchange.publish(message_of(events), events[0]["type"], timeout=5)
                self.sent += 1

    async def _room(self, channel: Any) -> None:
        while not self._hurry:
            waiting = await channel.declare_queue(LIVE, passive=True, timeout=5)
            if waiting.declaration_result.message_count < MOST_WAITING:
                return
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def feeding(amqp_url: str, events: int, seed: int = 1) -> AsyncIterator[Feed]:
    """A history keeps coming while the block runs; after it all of it is confirmed."""
    feed = Feed(amqp_url, events, seed)
    publishing = asyncio.create_task(feed.publish())
    try:
        yield feed
        feed.hurry()
        await asyncio.wait_for(publishing, 60)
    finally:
        publishing.cancel()


async def exact(
    database: AsyncIOMotorDatabase[dict[str, Any]], reading: Reading, feed: Feed, replicas: Sequence[Process]
) -> None:
    """All is well again, without a restart: the documents are exact, nothing is parked, and nothing is left over."""

    for replica in replicas:
        await replica.ready(within=60)

    async def all_there() -> bool:
        return await positions(database) == feed.expected.positions and await messages(reading.amqp_url) == 0

    await eventually(all_there, within=60, every=0.1)
    assert [replica.ended for replica in replicas] == [None] * len(replicas)
    assert [await replica.stop() for replica in replicas] == [0] * len(replicas)
    assert await messages(reading.amqp_url) == 0
    await assert_exact(database, feed.expected)
    assert await database["parked.g1"].count_documents({}) == 0

"""Services as processes on an environment of the test's own: set up, so many of each, ready."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aio_pika
from motor.motor_asyncio import AsyncIOMotorDatabase

from contracts.topology import live_events
from read_service.adapters.mongo import connected
from read_service.bootstrap import set_up
from read_service.settings import SetupSettings
from tests.support.processes import Process, ready

LIVE = live_events(1).name


@contextlib.asynccontextmanager
async def running(program: str, number: int, *, environment: Mapping[str, str]) -> AsyncIterator[list[Process]]:
    """So many processes of a program, ready."""
    async with contextlib.AsyncExitStack() as stack:
        starting = (stack.enter_async_context(ready(program, environment=environment)) for _ in range(number))
        yield list(await asyncio.gather(*starting))


@contextlib.asynccontextmanager
async def documents(environment: Mapping[str, str]) -> AsyncIterator[AsyncIOMotorDatabase[dict[str, Any]]]:
    """The documents' database, set up as `read-service setup` does it."""
    amqp_url, mongo_url = environment["REGISTRAR_AMQP_URL"], environment["REGISTRAR_MONGO_URL"]
    await set_up(SetupSettings(amqp_url=amqp_url, mongo_url=mongo_url))
    async with connected(mongo_url, name="test") as database:
        yield database


async def messages(amqp_url: str, queue: str = LIVE) -> int:
    """How many messages of a queue are with nobody."""
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

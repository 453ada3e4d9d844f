"""Asking over the bus as any AMQP client does: one channel, direct reply-to, a future for each correlation id."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from contracts.topology import QUERIES

DIRECT = "amq.rabbitmq.reply-to"


class Bus:
    """Sends queries and gives their replies."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel
        self._waiting: dict[str | None, asyncio.Future[Any]] = {}

    async def ask(self, name: str, **parameters: Any) -> Any:
        """The reply to a query with these parameters."""
        return await self.send(name, json.dumps(parameters).encode())

    async def send(self, name: str, body: bytes) -> Any:
        """The reply to whatever bytes."""
        identity = str(uuid.uuid4())
        self._waiting[identity] = answered = asyncio.get_running_loop().create_future()
        await self.publish(name, body, reply_to=DIRECT, correlation_id=identity)
        return await asyncio.wait_for(answered, 15)

    async def publish(self, name: str, body: bytes, **properties: Any) -> None:
        """Publish without waiting for anything."""
        exchange = await self.channel.get_exchange(QUERIES, ensure=False)
        await exchange.publish(aio_pika.Message(body, content_type="application/json", **properties), name)

    async def heard(self, message: AbstractIncomingMessage) -> None:
        """A reply came."""
        self._waiting.pop(message.correlation_id).set_result(json.loads(message.body))


@contextlib.asynccontextmanager
async def bus(url: str) -> AsyncIterator[Bus]:
    """A connection for asking, closed after the block."""
    async with await aio_pika.connect(url) as connection:
        made = Bus(await connection.channel(publisher_confirms=False))
        replies = await made.channel.get_queue(DIRECT, ensure=False)
        await replies.consume(made.heard, no_ack=True)
        yield made

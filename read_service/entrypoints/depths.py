"""How many messages wait in a queue."""

import asyncio

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError

_SECONDS = 5
_CLOSE_SECONDS = 2


class Depths:
    """Asks the broker, over a connection of its own that is made anew after a failure."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._one = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None  # kept: one that is cancelled while it opens may never close

    async def of(self, queue: str) -> int:
        """The messages ready to be delivered. Raises AMQPError, OSError or TimeoutError."""
        try:
            async with self._one, asyncio.timeout(_SECONDS):
                channel = self._channel or await self._open()
                declared = await channel.declare_queue(queue, passive=True)
        except (AMQPError, OSError, RuntimeError):
            await self.close()
            raise
        return declared.declaration_result.message_count or 0

    async def _open(self) -> AbstractChannel:
        self._connection = await aio_pika.connect(
            self._url, timeout=_SECONDS, client_properties={"connection_name": "read_service depths"}
        )
        self._channel = await self._connection.channel(publisher_confirms=False)
        return self._channel

    async def close(self) -> None:
        """Close the connection. Safe to repeat."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await connection.close()
        except (AMQPError, OSError, RuntimeError, TimeoutError):
            pass

"""How many messages wait in a queue."""

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError

_SECONDS = 5


class Depths:
    """Asks the broker, over a connection of its own that is made anew after a failure."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._connection: AbstractConnection | None = None

    async def of(self, queue: str) -> int:
        """The messages ready to be delivered. Raises AMQPError or OSError."""
        try:
            if self._connection is None:
                self._connection = await aio_pika.connect(
                    self._url, timeout=_SECONDS, client_properties={"connection_name": "read_service depths"}
                )
            async with self._connection.channel() as channel:
                declared = await channel.declare_queue(queue, passive=True, timeout=_SECONDS)
        except (AMQPError, OSError, RuntimeError):
            await self.close()
            raise
        return declared.declaration_result.message_count or 0

    async def close(self) -> None:
        """Close the connection. Safe to repeat."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

"""Replies to queries: sent once, unconfirmed, on a connection that only publishes."""

import asyncio
import contextlib

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.exceptions import AMQPError

from read_service.entrypoints.health import OK

_TIMEOUT_SECONDS = 10
_MENDED_WITHIN = 1.5  # a caller's address may cost the connection, and must not cost the HTTP side its place


class Replies:
    """Sends replies. A caller who is gone, or a broker that is away, loses one: the caller asks again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractRobustConnection | None = None
        self._channel: AbstractChannel | None = None

    async def connect(self) -> None:
        """Connect. Raises ConnectionError or AMQPError when there is no broker; later losses mend themselves."""
        self._connection = await aio_pika.connect_robust(
            self._url,
            timeout=_TIMEOUT_SECONDS,
            reconnect_interval=0.5,
            client_properties={"connection_name": "read_service replies"},
        )
        self._channel = await self._connection.channel(publisher_confirms=False)

    async def close(self) -> None:
        """Close the connection. Safe to repeat."""
        if self._connection is not None:
            await self._connection.close()

    async def is_connected(self) -> str:
        """A health check: whether replies can be sent, now or after the moment that connecting again takes."""
        if self._connection is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MENDED_WITHIN):
                    await self._connection.connected.wait()
                    return OK
        return "the connection of the replies is down"

    async def send(self, to: str, correlation_id: str | None, body: bytes) -> bool:
        """Send a reply; False when it could not be sent."""
        if self._channel is None:
            return False
        message = aio_pika.Message(
            body,
            content_type="application/json",
            correlation_id=correlation_id,
            delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT,
        )
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._channel.default_exchange.publish(message, to, mandatory=False)
        except (AMQPError, OSError, TimeoutError, RuntimeError, TypeError, ValueError):
            return False
        return True

"""A connection that publishes and hears the replies to it: one channel, because direct reply-to wants them on one."""

# ruff: noqa: ASYNC109 - one time for connection, channel and consumer together

import asyncio
from collections.abc import Callable
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.connection import make_url
from aio_pika.exceptions import (
    AMQPError,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    DeliveryError,
    PublishError,
)
from aiormq.exceptions import ChannelAccessRefused

from contracts.failures import Refused, Unroutable

REPLY_TO = "amq.rabbitmq.reply-to"

# A dead route shows within 30 s (three missed beats), instead of the three minutes of the broker's default.
_HEARTBEAT_SECONDS = 10
_CLOSE_SECONDS = 3


class Lost(Exception):
    """The line broke. Whether the broker has what was being published is not known."""


class Line:
    """One connection with one channel. Once lost it stays lost: make another one."""

    def __init__(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        self._connection = connection
        self._channel = channel
        self._unconfirmed: dict[str, asyncio.Future[None]] = {}
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, url: str, *, name: str, hear: Callable[[str, bytes], None], timeout: float) -> "Line":
        """Connect; `hear` gets correlation id and body of each reply. Raises AMQPError, OSError or TimeoutError."""
        wishes: dict[str, Any] = {} if "heartbeat=" in url else {"heartbeat": _HEARTBEAT_SECONDS}
        connection = aio_pika.Connection(make_url(url, **wishes), client_properties={"connection_name": name})
        try:
            async with asyncio.timeout(timeout):
                await connection.connect()
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                line = cls(connection, channel)
                channel.close_callbacks.add(line._on_close)
                connection.close_callbacks.add(line._on_close)
                await line._listen(hear)
        except BaseException:
            await _close(connection)  # also one that came to nothing, or the library closes it in some other thread
            raise
        return line

    async def _listen(self, hear: Callable[[str, bytes], None]) -> None:
        async def on_reply(message: AbstractIncomingMessage) -> None:
            hear(message.correlation_id or "", message.body)

        queue = await self._channel.get_queue(REPLY_TO, ensure=False)
        await queue.consume(on_reply, no_ack=True)

    def _on_close(self, _sender: object, _reason: BaseException | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    async def publish(self, exchange: str, key: str, message: aio_pika.Message) -> None:
        """Returns when the broker has the message. Raises Unroutable, Refused, or Lost when nothing is known."""
        assert message.message_id is not None
        confirmed = await self._turn(message.message_id)
        try:
            to = await self._channel.get_exchange(exchange, ensure=False)
            await to.publish(message, key, mandatory=True)
        except PublishError:
            raise Unroutable(
                f"No queue takes '{key}' from the exchange '{exchange}'. Has the service been set up? "
                "(write-service setup, read-service setup)"
            ) from None
        except ChannelNotFoundEntity:
            raise Unroutable(
                f"The broker has no exchange '{exchange}'. Has the service been set up? (write-service setup)"
            ) from None
        except ChannelAccessRefused as refusal:
            raise Refused(f"The broker does not let this user publish '{key}': {refusal}") from None
        except DeliveryError:
            raise Lost("the broker refuses the message; its queue may be full") from None
        except (AMQPError, ChannelInvalidStateError, OSError, RuntimeError) as failure:
            raise Lost(str(failure)) from failure
        finally:
            confirmed.set_result(None)
            self._unconfirmed.pop(message.message_id, None)

    async def _turn(self, message_id: str) -> asyncio.Future[None]:
        # Two messages of one id on their way at once: the library would take the return of one for an ack.
        while before := self._unconfirmed.get(message_id):
            await asyncio.wait([before])
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unconfirmed[message_id] = mine
        return mine

    async def close(self) -> None:
        """Close the connection. Safe to repeat."""
        await _close(self._connection)


async def _close(connection: AbstractConnection) -> None:
    # A broker under a memory alarm does not answer, not even to a farewell.
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await connection.close()
    except (AMQPError, OSError, TimeoutError, RuntimeError):
        pass


def persistent(body: bytes, **properties: Any) -> aio_pika.Message:
    """A message that the broker keeps on disk."""
    return aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, **properties)


def transient(body: bytes, **properties: Any) -> aio_pika.Message:
    """A message that is asked again when it is lost."""
    return aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT, **properties)

"""Publishing so that it counts: mandatory, confirmed by the broker, not returned, within a time."""

import asyncio
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractRobustConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError, PublishError

from contracts.reply_queues import DIRECT

_HEARTBEAT_SECONDS = 15  # a lost route is noticed within twice this time


class Returned(Exception):
    """No queue takes messages with this routing key: the broker gave it back."""


class Unconfirmed(Exception):
    """The broker did not confirm in time, refused, or went away: whether it has the message is not known."""


class Unsendable(Exception):
    """AMQP has no form for this message, such as a name of more than 255 bytes: sending it again does not help."""


def heartbeat(url: str) -> dict[str, Any]:
    """The heartbeat that a service's connection asks for, unless its address names another one."""
    return {} if "heartbeat=" in url else {"heartbeat": _HEARTBEAT_SECONDS}


class ConfirmedPublisher:
    """A connection of its own for publishing: an alarm of the broker, which stops publishers, must not stop acks."""

    def __init__(self, url: str, *, name: str, confirm_timeout: float = 10.0) -> None:
        self._url = url
        self._name = name
        self._timeout = confirm_timeout
        self._connection: AbstractRobustConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchanges: dict[str, AbstractExchange] = {}

    async def connect(self) -> None:
        """Connect. Raises ConnectionError or AMQPError when there is no broker; later losses mend themselves."""
        self._connection = await aio_pika.connect_robust(
            self._url,
            timeout=self._timeout,
            reconnect_interval=0.5,
            client_properties={"connection_name": self._name},
            **heartbeat(self._url),
        )
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)

    async def close(self) -> None:
        """Close the connection. Safe to repeat."""
        if self._connection is not None:
            await self._connection.close()

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._connection is not None and self._connection.connected.is_set()

    async def publish(self, exchange: str, routing_key: str, body: bytes, **properties: Any) -> None:
        """Publish one persistent message; returns when the broker has it.

        `properties` are those of aio_pika.Message (message_id, which is unique among those in flight, type,
        content_type, correlation_id, reply_to, headers); an empty `exchange` is the default one.
        Raises Unsendable, Returned or Unconfirmed; only after Unconfirmed the same message is published again, with
        the same id.
        """
        try:
            message = aio_pika.Message(body, **{"delivery_mode": aio_pika.DeliveryMode.PERSISTENT, **properties})
            # aio-pika's own timeout covers the confirm alone; while it reconnects the wait is before that.
            async with asyncio.timeout(self._timeout):
                to = await self._exchange(exchange)
                # RabbitMQ says of replies that nobody takes them, also when they have arrived.
                await to.publish(message, routing_key, mandatory=not routing_key.startswith(DIRECT))
        except PublishError as returned:
            raise Returned(f"no queue takes {routing_key} from the exchange '{exchange}'") from returned
        except (DeliveryError, AMQPError, ChannelInvalidStateError, OSError, TimeoutError, RuntimeError) as lost:
            raise Unconfirmed(f"{type(lost).__name__}: {lost}") from lost
        except (TypeError, ValueError) as unsendable:
            raise Unsendable(f"{type(unsendable).__name__}: {unsendable}") from unsendable

    async def _exchange(self, name: str) -> AbstractExchange:
        if self._channel is None:
            raise RuntimeError("connect() comes first")
        if not name:
            return self._channel.default_exchange
        if name not in self._exchanges:
            self._exchanges[name] = await self._channel.get_exchange(name, ensure=False)
        return self._exchanges[name]

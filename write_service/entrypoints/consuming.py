"""The connection that consumes: how it is made, and how it is stopped without giving a message back."""

import asyncio
import contextlib
from typing import cast

from aio_pika.exceptions import AMQPError
from aiormq import Channel
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber.usecase import RabbitSubscriber
from faststream.rabbit.utils import RabbitClientProperties

from contracts.delivery import read_whatever_comes
from write_service.entrypoints.health import OK

CONNECT_SECONDS = 10
RECONNECT_SECONDS = 0.5


def consuming_broker(amqp_url: str) -> RabbitBroker:
    """A broker without subscribers, not connected yet. Nothing is published through it."""
    read_whatever_comes()
    return RabbitBroker(
        amqp_url,
        client_properties=cast("RabbitClientProperties", {"connection_name": "write_service consuming"}),
        timeout=CONNECT_SECONDS,
        reconnect_interval=RECONNECT_SECONDS,
        graceful_timeout=1.0,  # stop_consuming has waited by then; None would mean not to wait at all
        logger=None,  # two lines a message otherwise; batches and failures are logged by us
        apply_types=False,  # injected parameters cost a thread hop a message
    )


async def stop_consuming(broker: RabbitBroker) -> None:
    """Cancel the consumers, then wait until every message that was delivered is dealt with.

    FastStream's own stop waits first and cancels after, so that the broker goes on delivering messages nobody handles:
    they go back to the queue when the channel closes, and RabbitMQ 3.x counts that as a failed delivery of each.
    """
    for subscriber in _subscribers(broker):
        queue, tag = subscriber._queue_obj, subscriber._consumer_tag  # noqa: SLF001 - it offers no other way
        if queue is not None and tag is not None:
            with contextlib.suppress(AMQPError, OSError, TimeoutError, RuntimeError):
                await queue.cancel(tag, timeout=CONNECT_SECONDS)
            subscriber._consumer_tag = None  # noqa: SLF001 - cancelled already
    await asyncio.sleep(0)  # deliveries that came before the broker's answer are tasks that have yet to start
    while any(in_flight(broker).values()):  # noqa: ASYNC110 - FastStream counts, and tells nobody
        await asyncio.sleep(0.01)


def in_flight(broker: RabbitBroker) -> dict[str, int]:
    """By queue, how many messages were delivered and are not dealt with."""
    return {subscriber.queue.name: getattr(subscriber.lock, "qsize", 0) for subscriber in _subscribers(broker)}


async def is_consuming(broker: RabbitBroker) -> str:
    """A health check: whether the connection stands and every subscriber has its consumer on it."""
    connection = broker._connection  # noqa: SLF001 - broker.ping() opens no channel and asks the same
    if connection is None or not connection.connected.is_set():
        return "the consuming connection is down"
    for subscriber in _subscribers(broker):
        queue = subscriber._queue_obj  # noqa: SLF001
        if queue is None or queue.channel.is_closed:
            return f"{subscriber.queue.name} is not consumed"
        channel = cast("Channel", await queue.channel.get_underlay_channel())
        if subscriber._consumer_tag not in channel.consumers:  # noqa: SLF001 - aio-pika tries until there is a queue
            return f"{subscriber.queue.name} is not consumed: the broker has cancelled the consumer"
    return OK


def _subscribers(broker: RabbitBroker) -> list[RabbitSubscriber]:
    return cast("list[RabbitSubscriber]", list(broker.subscribers))

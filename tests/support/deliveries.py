"""A history as the bus may deliver it on a bad day: shuffled, repeated, in messages of one type."""

import asyncio
import json
import random
import uuid
from collections.abc import Sequence

import aio_pika

from tests.support.histories import Event

Message = list[Event]
_AT_ONCE = 100


def deliveries(log: Sequence[Event], chance: random.Random, *, most_times: int = 3, largest: int = 40) -> list[Message]:
    """Every event one to three times, in any order, in messages of one type each."""
    repeated = [event for event in log for _ in range(chance.randint(1, most_times))]
    chance.shuffle(repeated)
    filling: dict[str, Message] = {}
    messages: list[Message] = []
    for event in repeated:
        message = filling.setdefault(event["type"], [])
        message.append(event)
        if len(message) >= chance.randint(1, largest):
            messages.append(filling.pop(event["type"]))
    return [*messages, *filling.values()]


def message_of(events: Message) -> aio_pika.Message:
    """An event message as it travels; its routing key is the type of its events."""
    return aio_pika.Message(
        json.dumps(events).encode(),
        content_type="application/cloudevents-batch+json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=str(uuid.uuid4()),
        type=events[0]["type"],
    )


async def publish(amqp_url: str, messages: Sequence[Message]) -> None:
    """Publish them on the exchange of events as the write service does, confirmed."""
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange("events", ensure=False)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def send(events: Message) -> None:
            async with gate:
                await exchange.publish(message_of(events), events[0]["type"])

        await asyncio.gather(*map(send, messages))

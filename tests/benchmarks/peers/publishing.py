"""The ceiling of publishing: so many confirmed messages, by FastStream and by plain aio-pika; prints the seconds."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

import aio_pika
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

from tests.benchmarks.load import messages, publish

WINDOW = 100


async def raw(url: str, count: int) -> float:
    """Plain aio-pika, a window of 100."""
    prepared = messages(_job(count))
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange("commands", ensure=False)
        began = time.monotonic()
        await publish(exchange, prepared, WINDOW)
        return time.monotonic() - began


async def faststream(url: str, count: int) -> float:
    """FastStream's publish, a window of 100."""
    remaining = iter(messages(_job(count)))
    async with RabbitBroker(url, logger=None, apply_types=False) as broker:
        send: Callable[..., Awaitable[object]] = broker.publish
        commands = RabbitExchange("commands", type=ExchangeType.TOPIC, declare=False)

        async def some() -> None:
            for message in remaining:
                await send(
                    message.body,
                    exchange=commands,
                    routing_key=message.key,
                    content_type=message.content_type,
                    persist=True,
                    mandatory=True,
                )

        began = time.monotonic()
        await asyncio.gather(*(some() for _ in range(WINDOW)))
        return time.monotonic() - began


def _job(count: int) -> dict[str, object]:
    return {"commands": {"kind": "registrations", "seed": 1, "companies": count}, "batch": 1}


WAYS = {"faststream": faststream, "raw": raw}

if __name__ == "__main__":
    print(asyncio.run(WAYS[sys.argv[1]](os.environ["PEER_AMQP_URL"], int(sys.argv[2]))))

"""The ceiling of publishing: so many confirmed messages, by FastStream and by plain aio-pika.

One JSON line in: {"way", "count"}; one line out when all is built; one line in to begin; one line out with the moments
(of the machine's monotonic clock) of the first publish and the last confirm.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable

import aio_pika
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

from tests.benchmarks.load import messages, publish
from tests.benchmarks.workload import Message

WINDOW = 100

Go = Callable[[], Awaitable[float]]
"""Says that all is ready, waits for the word, and returns the moment."""


async def raw(url: str, prepared: list[Message], go: Go) -> float:
    """Plain aio-pika, a window of 100."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange("commands", ensure=False)
        began = await go()
        await publish(exchange, prepared, WINDOW)
        return began


async def faststream(url: str, prepared: list[Message], go: Go) -> float:
    """FastStream's publish, a window of 100."""
    remaining = iter(prepared)
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

        began = await go()
        await asyncio.gather(*(some() for _ in range(WINDOW)))
        return began


WAYS = {"faststream": faststream, "raw": raw}


async def main() -> None:
    """Do one job."""
    job = json.loads(sys.stdin.readline())
    commands = {"kind": "registrations", "seed": 1, "companies": job["count"]}
    prepared = messages({"commands": commands, "batch": 1})

    async def go() -> float:
        print(json.dumps({"commands": len(prepared)}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        return time.monotonic()

    began = await WAYS[job["way"]](os.environ["PEER_AMQP_URL"], prepared, go)
    print(json.dumps({"began": began, "confirmed": time.monotonic()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

"""The load generator, a process of its own: builds its messages, says so, waits for a word, publishes, says when.

One JSON line in: {"url", "exchange", "window", "commands": {"kind", …}, "batch"}; one line out when all is built; one
line in to begin; one line out with the moments (of the machine's monotonic clock) of the first publish and the last
confirm.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import aio_pika

from tests.benchmarks import workload
from tests.benchmarks.workload import Message


def messages(job: dict[str, Any]) -> list[Message]:
    """What a job asks to be sent, in order."""
    asked = dict(job["commands"])
    kinds: dict[str, Any] = {
        "lives": workload.lives,
        "registrations": workload.registrations,
        "changes": workload.changes,
    }
    commands = kinds[asked.pop("kind")](**asked)
    return list(workload.batches(commands, job["batch"]) if job["batch"] > 1 else workload.singles(commands))


async def publish(exchange: aio_pika.abc.AbstractExchange, prepared: list[Message], window: int) -> None:
    """Publish all, confirmed, with so many waiting for their confirm at once."""
    remaining = iter(enumerate(prepared))
    await asyncio.gather(*(_publish_some(exchange, remaining) for _ in range(window)))


async def _publish_some(exchange: aio_pika.abc.AbstractExchange, remaining: Iterator[tuple[int, Message]]) -> None:
    for number, message in remaining:
        await exchange.publish(
            aio_pika.Message(
                message.body,
                content_type=message.content_type,
                type=message.key,
                message_id=str(number),
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            ),
            message.key,
        )


async def main() -> None:
    """Do one job."""
    job = json.loads(sys.stdin.readline())
    prepared = messages(job)
    async with await aio_pika.connect(job["url"]) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(job["exchange"], ensure=False)
        print(json.dumps({"commands": sum(message.commands for message in prepared)}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.monotonic()
        await publish(exchange, prepared, job["window"])
        print(json.dumps({"began": began, "confirmed": time.monotonic()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

"""Starting a peer's processes beside the servers, and waiting until each consumes."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aio_pika

from deploy.local.stack import Stack
from deploy.local.starting import answering

ROOT = Path(__file__).parents[3]


async def started(
    stack: Stack, name: str, module: str, *arguments: str, environment: Mapping[str, str], amqp: str, queue: str
) -> int:
    """The id of a process that runs this module and consumes this queue. Raises Trouble with the end of its log."""
    spawned(stack, name, module, *arguments, environment=environment)

    async def consumes() -> None:
        async with await aio_pika.connect(amqp, timeout=5) as connection:
            found = await (await connection.channel()).declare_queue(queue, passive=True)
            if not found.declaration_result.consumer_count:
                raise LookupError(f"nobody consumes {queue}")

    await answering(stack, name, consumes)
    return stack.processes[name].pid


def spawned(stack: Stack, name: str, module: str, *arguments: str, environment: Mapping[str, str]) -> None:
    """Start a process that runs this module."""
    stack.spawn(name, [sys.executable, "-m", module, *arguments], {**environment, "PYTHONPATH": str(ROOT)})


# RabbitMQ 4 drops what it has handed out twenty times, and the naive readers give early events back.
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "quorum": {"x-queue-type": "quorum", "x-delivery-limit": 10_000},
    "classic": {"x-queue-type": "classic"},
}


async def declare(amqp: str, exchanges: Mapping[str, str], kind: str = "quorum") -> None:
    """Durable topic exchanges, each with a queue of this kind that takes everything; safe to repeat."""
    async with await aio_pika.connect(amqp) as connection:
        channel = await connection.channel()
        for exchange, queue in exchanges.items():
            await channel.declare_exchange(exchange, "topic", durable=True)
            declared = await channel.declare_queue(queue, durable=True, arguments=_ARGUMENTS[kind])
            await declared.bind(exchange, "#")

"""How one measurement runs: commands are sent or wait in the queue, and the clock runs until all of them arrived."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aio_pika

from tests.benchmarks import load
from tests.benchmarks.meter import Usage, metered
from tests.benchmarks.sending import WINDOW, prepared
from tests.benchmarks.stores import Wrong

Line = Callable[[int], Awaitable[int]]
"""The finish: how many of so many have arrived. Cheap to ask, and never ahead of the truth."""

_LOOK = 0.02  # seconds between two looks at the line
_SETTLED = 3.0  # seconds after which a count no longer changes by what is being committed
_STUCK = 30.0  # seconds without progress after which a subject has failed


@dataclass(frozen=True, slots=True)
class Race:
    """A measurement: how many, in how many seconds, and what the processes used meanwhile."""

    count: int
    seconds: float
    usage: Usage

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds


async def sent(amqp: str, commands: dict[str, Any], line: Line, pids: Mapping[str, int], *, batch: int = 1) -> Race:
    """From the first publish, with everything running, until all commands have crossed the line."""
    async with prepared(amqp, commands, batch=batch) as generator:
        async with metered({**pids, "load generator": generator.process.pid}) as usage:
            generator.begin()
            finished = await crossed(line, generator.commands)
        began, _ = await generator.sent()
        return Race(generator.commands, finished - began, usage)


async def fill(amqp: str, commands: dict[str, Any], *, batch: int = 1) -> int:
    """Put commands into the queue, where time does not count; how many."""
    messages = load.messages({"commands": commands, "batch": batch})
    async with await aio_pika.connect(amqp) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await load.publish(await channel.get_exchange("commands", ensure=False), messages, WINDOW)
    return sum(message.commands for message in messages)


async def drained(count: int, wake: Callable[[], None], line: Line, pids: Mapping[str, int]) -> Race:
    """From the moment the subject wakes, with everything waiting in the queue, until all has crossed the line."""
    async with metered(pids) as usage:
        began = time.monotonic()
        wake()
        finished = await crossed(line, count)
    return Race(count, finished - began, usage)


async def crossed(line: Line, goal: int) -> float:
    """The moment at which all have crossed the line. Raises Wrong when they stop coming or are too many."""
    best, moved = -1, time.monotonic()
    while True:
        there, now = await line(goal), time.monotonic()
        if there == goal:
            return now
        if there != best:
            best, moved = there, now
        elif there > goal and now - moved > _SETTLED:
            raise Wrong(f"{there} arrived of {goal} that were sent")
        elif now - moved > _STUCK:
            raise Wrong(f"{there} of {goal} arrived, and no more for {_STUCK:.0f} s")
        await asyncio.sleep(_LOOK)

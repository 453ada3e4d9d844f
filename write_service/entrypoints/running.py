"""The life of the service: start what consumes, watch what runs beside it, stop without giving a message back."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from faststream.rabbit import RabbitBroker

from contracts.intake import Intake
from contracts.publisher import ConfirmedPublisher
from write_service.entrypoints.consuming import stop_consuming
from write_service.entrypoints.health import Check
from write_service.entrypoints.patience import patiently
from write_service.logs import logger

log = logger(__name__)

Step = Callable[[], Awaitable[None]]
Within = Callable[[float], Awaitable[None]]
"""A step that is over after so many seconds."""

LAST_SHARE = 0.9  # of the time for a stop: what is left to do then is to say so


@dataclass
class Service:
    """All parts that start and stop."""

    publishers: Sequence[ConfirmedPublisher]
    intakes: Sequence[Intake]
    broker: RabbitBroker  # for operations
    draining: Sequence[Step]
    last: Within
    running: Mapping[str, Step]
    settle: Step
    checks: Mapping[str, Check]
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        """Messages taken and not yet acknowledged."""
        return sum(intake.in_flight for intake in self.intakes)

    async def start(self, within: float) -> None:
        """Connect and consume; waits so long for a broker that is just starting. Raises Unreachable."""
        # Nothing is consumed before its results can be committed and published.
        for publisher in self.publishers:
            await patiently("RabbitMQ", publisher.connect, within)
        self._tasks = [asyncio.create_task(_run(step), name=name) for name, step in self.running.items()]
        await patiently("RabbitMQ", self.broker.start, within)
        for intake in self.intakes:
            await patiently("RabbitMQ", intake.start, within)
        log.info("started")

    async def failed(self) -> str:
        """Returns when something that runs beside has ended, which it never should: its name and why."""
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = next(task for task in self._tasks if task.done())
        return f"{ended.get_name()} has ended: {ended.exception()!r}"

    async def stop(self, within: float) -> None:
        """Take nothing new, finish what was delivered, publish its events, send its replies.

        Waits for messages as long as they take, and until shortly before that time for events that cannot be published.
        """
        end = time.monotonic() + LAST_SHARE * within
        log.info("stopping", in_flight=self.in_flight)
        await asyncio.gather(*(intake.pause() for intake in self.intakes), stop_consuming(self.broker))
        await asyncio.gather(*(intake.drained() for intake in self.intakes))
        # Closed first: a consumer whose cancelling has failed would bring more.
        await asyncio.gather(*(intake.close() for intake in self.intakes), *(drained() for drained in self.draining))
        await self.last(max(0, end - time.monotonic()))
        log.info("stopped")

    async def give_up(self) -> None:
        """Break off what runs beside: its journal says then that this process did not die of it."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        # An attempt that was broken off while it was written down, or taken back, is still there.
        with contextlib.suppress(Exception):
            await self.settle()

    async def close(self) -> None:
        """End all tasks and connections, whatever they are at."""
        for intake in self.intakes:
            await intake.close()
        await self.broker.stop()
        await self.give_up()
        for publisher in self.publishers:
            await publisher.close()


async def _run(step: Step) -> None:
    await step()

"""Sending many commands: some messages at once, those about one company one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from contracts.commands import Command
from contracts.packing import Pack, pack
from contracts.replies import Reply

Progress = Callable[[int, list[Reply]], None]
"""Told of replies as they come in: those to the commands from this index on."""


@dataclass(slots=True)
class _Flight:
    """A message on its way."""

    companies: set[str]
    task: asyncio.Task[list[Reply]]


@dataclass(slots=True)
class Sending:
    """Sends packs of commands with `send`, at most `window` of them at once."""

    send: Callable[[Pack], Awaitable[list[Reply]]]
    window: int
    progress: Progress | None
    _flights: list[_Flight] = field(default_factory=list)

    async def all(self, commands: Iterable[Command]) -> list[Reply]:
        """The replies in the order of the commands. The first failure cancels the rest and is raised."""
        slots = asyncio.Semaphore(self.window)
        tasks: list[asyncio.Task[list[Reply]]] = []
        first = 0
        try:
            async with asyncio.TaskGroup() as group:
                for packed in pack(commands):
                    await slots.acquire()
                    task = group.create_task(self._one(packed, first, self._before(packed), slots))
                    self._flights.append(_Flight(packed.companies, task))
                    tasks.append(task)
                    first += len(packed.ids)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [reply for task in tasks for reply in task.result()]

    def _before(self, packed: Pack) -> list[asyncio.Task[list[Reply]]]:
        """The messages on their way that name a company of this one."""
        self._flights = [flight for flight in self._flights if not flight.task.done()]
        return [flight.task for flight in self._flights if flight.companies & packed.companies]

    async def _one(
        self, packed: Pack, first: int, before: list[asyncio.Task[list[Reply]]], slots: asyncio.Semaphore
    ) -> list[Reply]:
        try:
            if before:
                await asyncio.wait(before)
            replies = await self.send(packed)
        finally:
            slots.release()
        if self.progress is not None:
            self.progress(first, replies)
        return replies

"""Commands that may have ended a process: they run alone, under a journal that outlives the process.

A process that dies gives all its messages back at once, and their delivery counts accuse every one of them. So a
message that comes again runs while nothing else does, after its commands were written into the journal. Whoever finds
a command there that nobody runs knows that the process died of it, or of one of those in the same message: after that
each runs by itself. One that has ended a process too often is parked unrun.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from contracts.commands import Command
from contracts.replies import Parked, Reply
from write_service.logs import logger
from write_service.service_layer.gate import Gate

Run = Callable[[Sequence[Command]], Awaitable[list[Reply]]]

RETRY_SECONDS = 1.0

log = logger(__name__)


class Journal(Protocol):
    """What is known of commands that run alone."""

    async def deaths(self, command_ids: Sequence[str]) -> Mapping[str, int]:
        """How often each run of these did not end, without those that never did so; waits for runs under way."""

    def run(self, command_ids: Sequence[str]) -> AbstractAsyncContextManager[None]:
        """Writes durably that they run, and forgets it when the block ends."""

    async def forget(self, command_id: str) -> None:
        """The command was parked: should a person send it again, it starts anew."""


class Suspects:
    """Runs commands; those of a message that is delivered again, under suspicion."""

    def __init__(self, run: Run, journal: Journal, deaths_allowed: int) -> None:
        self._run = run
        self._journal = journal
        self._allowed = deaths_allowed
        self._gate = Gate()
        self._lone: set[asyncio.Task[list[Reply]]] = set()

    async def handle(self, commands: Sequence[Command], *, redelivered: bool) -> list[Reply]:
        """The replies to the commands, in their order."""
        if not redelivered:
            async with self._gate.together():
                return await self._run(commands)
        async with self._gate.alone():
            # Losing the connection cancels whoever waits here, while the commit may still succeed: the run goes on.
            task = asyncio.create_task(self._alone(commands), name="suspect")
            try:
                return await asyncio.shield(task)
            finally:
                await asyncio.wait([task])

    async def _alone(self, commands: Sequence[Command]) -> list[Reply]:
        while True:
            try:
                return await self._journalled(commands)
            except Exception as failure:  # noqa: BLE001 - the journal is in Postgres: nothing runs while that is away
                log.warning("suspects_wait", commands=len(commands), reason=f"{type(failure).__name__}: {failure}")
                await asyncio.sleep(RETRY_SECONDS)

    async def _journalled(self, commands: Sequence[Command]) -> list[Reply]:
        deaths = await self._journal.deaths([command.id for command in commands])
        if not deaths:
            async with self._journal.run([command.id for command in commands]):
                return await self._run(commands)
        return [await self._by_itself(command, deaths.get(command.id, 0)) for command in commands]

    async def _by_itself(self, command: Command, deaths: int) -> Reply:
        if deaths >= self._allowed:
            reason = f"the process ended {deaths} times while this command ran alone"
            await self._journal.forget(command.id)
            return Parked(command.id, reason)
        async with self._journal.run([command.id]):
            return (await self._run([command]))[0]

"""Commands that may have ended a process: they run alone, under a journal that outlives the process.

A process that dies gives all its messages back at once, and their delivery counts accuse every one of them. So messages
that come again run while nothing else does, after their commands were written into the journal: together at first,
since nearly always it was the connection that was lost. Whoever finds a command there that nobody runs knows that the
process died of it, or of one beside it: from then on it runs by itself. One that ends a process once more is parked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from contracts.commands import Command
from contracts.replies import Parked, Reply
from write_service.logs import logger
from write_service.service_layer.gate import Gate

Run = Callable[[Sequence[Command]], Awaitable[list[Reply]]]
Message = Sequence[Command]
Answer = TypeVar("Answer")

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
    """Runs commands; those of messages that are delivered again, under suspicion."""

    def __init__(self, run: Run, journal: Journal, deaths_allowed: int) -> None:
        self._run = run
        self._journal = journal
        self._allowed = deaths_allowed
        self._gate = Gate()
        self._waiting: list[tuple[Message, asyncio.Future[list[Reply]]]] = []
        self._turn: asyncio.Task[None] | None = None

    async def handle(self, commands: Message, *, redelivered: bool) -> list[Reply]:
        """The replies to the commands, in their order."""
        if not redelivered:
            async with self._gate.together():
                return await self._run(commands)
        replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, replies))
        if self._turn is None:
            self._turn = asyncio.create_task(self._take_turn(), name="suspects")
        return await replies

    async def _take_turn(self) -> None:
        taken: list[tuple[Message, asyncio.Future[list[Reply]]]] = []
        try:
            async with self._gate.alone():
                while self._waiting:
                    taken, self._waiting = self._waiting, []
                    told = await self._alone([commands for commands, _ in taken])
                    for (_, waiting), replies in zip(taken, told, strict=True):
                        if not waiting.done():
                            waiting.set_result(replies)
        finally:
            self._turn = None
            for _, waiting in (*taken, *self._waiting):  # nobody is left unless the service stops
                waiting.cancel()

    async def _alone(self, messages: Sequence[Message]) -> list[list[Reply]]:
        deaths = await _persistently(
            lambda: self._journal.deaths([each.id for message in messages for each in message])
        )
        innocent = [message for message in messages if not any(command.id in deaths for command in message)]
        if innocent:
            log.info("suspects", messages=len(innocent), commands=sum(map(len, innocent)))
        replies = iter(await self._journalled(innocent) if innocent else [])
        return [
            [await self._by_itself(command, deaths.get(command.id, 0)) for command in message]
            if any(command.id in deaths for command in message)
            else next(replies)
            for message in messages
        ]

    async def _by_itself(self, command: Command, deaths: int) -> Reply:
        if deaths < self._allowed:
            log.warning("suspect", command_id=command.id, command_type=command.type, deaths=deaths)
            return (await self._journalled([[command]]))[0][0]
        await _persistently(lambda: self._journal.forget(command.id))
        return Parked(command.id, f"the process ended {deaths} times while this command ran")

    async def _journalled(self, messages: Sequence[Message]) -> list[list[Reply]]:
        command_ids = [command.id for message in messages for command in message]
        replies: list[list[Reply]] = []

        async def run() -> list[list[Reply]]:
            async with self._journal.run(command_ids):
                if not replies:  # else only the end could not be written down
                    replies.extend(await asyncio.gather(*map(self._run, messages)))
            return replies

        return await _persistently(run)


async def _persistently(step: Callable[[], Awaitable[Answer]]) -> Answer:
    while True:
        try:
            return await step()
        except Exception as failure:  # noqa: BLE001 - the journal is in Postgres: nothing runs while that is away
            log.warning("suspects_wait", reason=f"{type(failure).__name__}: {failure}")
            await asyncio.sleep(RETRY_SECONDS)

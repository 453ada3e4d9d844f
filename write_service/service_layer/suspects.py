"""Commands that may have ended a process: they run alone, under a journal that outlives the process.

A process that dies gives all its messages back at once, and their delivery counts accuse every one of them. So messages
that come again run while nothing else does, each attempt written into the journal: some together at first, since nearly
always it was the connection that was lost. Whoever finds a command there that nobody attempts knows that the process
died of it, or of one beside it: from then on it runs by itself. One that ends a process once more is parked.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from contracts.commands import Command
from contracts.replies import Parked, Reply
from write_service import metrics
from write_service.logs import logger
from write_service.service_layer.gate import Gate
from write_service.service_layer.journal import Journal, Watch

Run = Callable[[Sequence[Command]], Awaitable[list[Reply]]]
Known = Callable[[Command], Awaitable[Reply | None]]
"""The reply of a command that has its outcome already."""

Message = Sequence[Command]
Answer = TypeVar("Answer")

MOST_TOGETHER = 100  # commands: a death accuses so many, and each of them takes 20 ms by itself
RETRY_SECONDS = 1.0

log = logger(__name__)


class Suspects:
    """Runs commands; those of messages that are delivered again, under suspicion."""

    def __init__(self, run: Run, journal: Journal, watch: Watch, known: Known, deaths_allowed: int) -> None:
        self._run = run
        self._journal = journal
        self._watch = watch
        self._known = known
        self._allowed = deaths_allowed
        self._gate = Gate()
        self._waiting: deque[tuple[Message, asyncio.Future[list[Reply]]]] = deque()
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
        with metrics.SUSPECTS.track_inprogress():
            return await replies

    async def _take_turn(self) -> None:
        taken: list[tuple[Message, asyncio.Future[list[Reply]]]] = []
        try:
            # Closed until all are through: those who came later must not overtake commands of the same company.
            async with self._gate.alone():
                while self._waiting:
                    taken = self._slice()
                    told = await self._alone([commands for commands, _ in taken])
                    for (_, waiting), replies in zip(taken, told, strict=True):
                        if not waiting.done():
                            waiting.set_result(replies)
        finally:
            self._turn = None
            for _, waiting in (*taken, *self._waiting):  # nobody is left unless the service stops
                waiting.cancel()

    def _slice(self) -> list[tuple[Message, asyncio.Future[list[Reply]]]]:
        taken = [self._waiting.popleft()]
        size = len(taken[0][0])
        while self._waiting and size + len(self._waiting[0][0]) <= MOST_TOGETHER:
            taken.append(self._waiting.popleft())
            size += len(taken[-1][0])
        return taken

    async def _alone(self, messages: Sequence[Message]) -> list[list[Reply]]:
        deaths = await _persistently(
            lambda: self._journal.deaths([each.id for message in messages for each in message])
        )
        innocent = [message for message in messages if not any(command.id in deaths for command in message)]
        if innocent:
            log.info("suspects", messages=len(innocent), commands=sum(map(len, innocent)))
        replies = iter(await self._watched(innocent) if innocent else [])
        return [
            await self._one_by_one(message, deaths)
            if any(command.id in deaths for command in message)
            else next(replies)
            for message in messages
        ]

    async def _one_by_one(self, message: Message, deaths: Mapping[str, int]) -> list[Reply]:
        return [await self._by_itself(command, deaths.get(command.id, 0)) for command in message]

    async def _by_itself(self, command: Command, deaths: int) -> Reply:
        if deaths < self._allowed:
            log.warning("suspect", command_id=command.id, command_type=command.type, deaths=deaths)
            return (await self._watched([[command]]))[0][0]
        # The process may have died right after the commit: what has its outcome is not parked as well.
        known = await _persistently(lambda: self._known(command))
        await _persistently(lambda: self._journal.forget(command.id))
        return known or Parked(command.id, f"the process ended {deaths} times while this command ran")

    async def _watched(self, messages: Sequence[Message]) -> list[list[Reply]]:
        with self._watch.on():
            replies = await asyncio.gather(*map(self._run, messages))
        await _persistently(self._journal.settle)
        return replies


async def _persistently(step: Callable[[], Awaitable[Answer]]) -> Answer:
    while True:
        try:
            return await step()
        except Exception as failure:  # noqa: BLE001 - the journal is in Postgres: nothing runs while that is away
            log.warning("suspects_wait", reason=f"{type(failure).__name__}: {failure}")
            await asyncio.sleep(RETRY_SECONDS)

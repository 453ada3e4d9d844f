"""Group commit: while a transaction is on its way to disk, arriving commands gather for the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from contracts.commands import Command
from contracts.linger import Linger
from contracts.replies import Reply

Settle = Callable[[Sequence[Command]], Awaitable[list[Reply]]]
"""Takes commands through a transaction; their replies in order, however long that takes."""

# Rounds of the event loop between two transactions under load: what has arrived meanwhile is read first, and makes the
# next one larger. Measured, single commands from a full queue: batches of 50 at 4,200/s with two, of 65 at 4,850/s with
# eight. A command that comes while nothing is under way finds nobody to wait for.
_ROUNDS = 8

# And so long, unless so many have arrived already: a transaction costs Postgres as much processor time as 60 commands.
LINGER_SECONDS, ENOUGH = 0.015, 100

_Waiting = tuple[Sequence[Command], asyncio.Future[list[Reply]]]


def lingering(max_batch: int, prefetch: int) -> Linger:
    """For a service that takes so many messages at once: more single commands than can come are not waited for."""
    return Linger(LINGER_SECONDS, min(ENOUGH, max_batch, prefetch * 3 // 5))  # the others were committed just now


class GroupCommit:
    """Runs one transaction after the other, each with all that has arrived; a first command goes at once."""

    def __init__(self, settle: Settle, max_batch: int, linger: Linger) -> None:
        self._settle = settle
        self._max_batch = max_batch
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._linger = linger
        self._stopped = False

    async def handle(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to the commands of one message, in order, after the commit.

        Whoever is cancelled here gets no reply; the commands are handled all the same. Raises CancelledError too when
        the service stops before the commit.
        """
        if self._stopped:
            raise asyncio.CancelledError
        replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, replies))
        self._linger.arrived(len(commands))
        self._arrived.set()
        return await replies

    async def run(self) -> None:
        """Commit until cancelled. What is not committed by then stays with the broker."""
        taken: list[_Waiting] = []
        try:
            while True:
                await self._arrived.wait()
                taken = self._take()
                replies = iter(await self._settle([command for commands, _ in taken for command in commands]))
                for commands, waiting in taken:
                    of_message = [next(replies) for _ in commands]
                    if not waiting.done():
                        waiting.set_result(of_message)
                for _ in range(_ROUNDS):
                    await asyncio.sleep(0)
                await self._linger.after(sum(len(commands) for commands, _ in taken))
        finally:
            self._stopped = True
            for _, waiting in (*taken, *self._waiting):
                waiting.cancel()

    def _take(self) -> list[_Waiting]:
        # Whole messages: the commands of one are handled in their order, and in one transaction.
        taken = [self._waiting.popleft()]
        size = len(taken[0][0])
        while self._waiting and size + len(self._waiting[0][0]) <= self._max_batch:
            taken.append(self._waiting.popleft())
            size += len(taken[-1][0])
        self._linger.taken(size)
        if not self._waiting:
            self._arrived.clear()
        return taken

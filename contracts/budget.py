"""A bound on the bytes that are worked on at once: whoever does not fit waits, first come, first served."""

import asyncio
from collections import deque


class Budget:
    """So many bytes. One who wants more than all of them is let in alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        """Returns when so many bytes are the caller's, to be given back."""
        if not self._waiting and self._fits(size):
            self._taken += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(size)
            raise

    def give(self, size: int) -> None:
        """Give back what was taken: those who wait are let in, as many as fit."""
        self._taken -= size
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            wanted, turn = self._waiting.popleft()
            if not turn.done():
                self._taken += wanted
                turn.set_result(None)

    def _fits(self, size: int) -> bool:
        return not self._taken or self._taken + size <= self._most

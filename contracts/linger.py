"""Under load a batch waits a moment for more: what a transaction costs apart from its contents is shared by more."""

import asyncio
import contextlib

BUSY = 20  # in the batch before: smaller ones do not fill the time of their transactions


class Linger:
    """How long the next batch is waited for: at most so many seconds, and not when `enough` wait already.

    Only after a large batch at whose end others wait already, and fewer than `enough`: those are kept waiting. `enough`
    is at most what one message can hold (MAX_BATCH), so that a sender of whole batches waits for nobody.
    """

    def __init__(self, seconds: float, enough: int) -> None:
        self._seconds = seconds
        self._enough = enough
        self._waiting = 0
        self._are_enough = asyncio.Event()

    def arrived(self, number: int) -> None:
        """So many more wait."""
        self._waiting += number
        if self._waiting >= self._enough:
            self._are_enough.set()

    def taken(self, number: int) -> None:
        """So many less do."""
        self._waiting -= number
        if self._waiting < self._enough:
            self._are_enough.clear()

    async def after(self, number: int) -> None:
        """Returns when the next batch may be taken, the last one being of so many."""
        if number >= BUSY and self._waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._are_enough.wait()

"""Stopping: asked once, the service finishes what is under way, within a time; asked twice, it ends at once."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import structlog

_UNGRACEFUL = 1

log = structlog.get_logger()


class Died(Exception):
    """Something that runs as long as the service does has ended by itself."""


class Stop:
    """Whether the service was asked to stop, and the tasks without which it cannot go on."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._asked = asyncio.Event()
        self._died: str | None = None
        self._ending = False
        self._bound: threading.Timer | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    def on_signals(self) -> None:
        """SIGTERM and SIGINT ask."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.ask)

    def ask(self) -> None:
        """Ask to stop. The second time ends the process."""
        if self._asked.is_set():
            log.warning("stopped_at_once", reason="asked twice")
            os._exit(_UNGRACEFUL)
        log.info("stopping", within=self._within)
        self._asked.set()
        # A thread: whatever the loop may be stuck in, the bound holds.
        self._bound = threading.Timer(self._within, _give_up, [self._within])
        self._bound.daemon = True
        self._bound.start()

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Stop the service when this task ends while nobody has asked."""
        task.add_done_callback(self._ended)

    def background(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run this as long as the service runs; it must not end by itself."""
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        self.watch(task)

    async def end_background(self) -> None:
        """Cancel what runs in the background, and wait for its end. From here on the end of any task is expected."""
        self._ending = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def asked(self) -> None:
        """Returns when the service is asked to stop."""
        await self._asked.wait()

    async def unless(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this, unless asked to stop before it is done."""
        doing, asked = asyncio.create_task(work), asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            doing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await doing

    def finished(self) -> None:
        """All is closed: the bound is lifted. Raises Died where that was the reason to stop."""
        if self._bound is not None:
            self._bound.cancel()
        if self._died is not None:
            raise Died(self._died)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if self._ending or self._asked.is_set() or task.cancelled():
            return
        failure = task.exception()
        self._died = f"{task.get_name()} has ended" + (f": {type(failure).__name__}: {failure}" if failure else "")
        log.error("died", task=task.get_name(), exc_info=failure)
        self.ask()


def _give_up(within: float) -> None:
    log.error("stopped_at_once", reason=f"not done within {within:g} s")
    os._exit(_UNGRACEFUL)

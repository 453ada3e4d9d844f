"""`write-service serve`: run until told to stop, then stop within a bound."""

import asyncio
import contextlib
import os
import signal

from write_service.entrypoints.running import Service
from write_service.logs import logger

log = logger(__name__)

STOPPED, FAILED = 0, 1
GIVE_UP_SECONDS = 1.0


async def until_told(service: Service, *, start_within: float, stop_within: float) -> int:
    """Start the service and run it until SIGTERM or SIGINT; the exit code of the process.

    A second signal, or a stop that takes longer than its bound, ends the process at once. What was not finished by then
    was not acknowledged: the broker delivers it again.
    """
    signals = _Signals()
    told = asyncio.create_task(signals.first.wait())
    starting = asyncio.create_task(service.start(start_within))
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        return STOPPED
    await starting
    failing = asyncio.create_task(service.failed())
    await asyncio.wait({failing, told}, return_when=asyncio.FIRST_COMPLETED)
    if failing.done():
        log.error("failed", reason=failing.result())
        return FAILED
    failing.cancel()
    stopping, hurried = asyncio.create_task(service.stop(stop_within)), asyncio.create_task(signals.second.wait())
    await asyncio.wait({stopping, hurried}, timeout=stop_within, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        how = "ended_by_a_second_signal" if hurried.done() else "not_stopped_in_time"
        log.warning(how, seconds=stop_within, in_flight=service.in_flight)
        await _end_at_once(service)
    await stopping
    return STOPPED


async def _end_at_once(service: Service) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GIVE_UP_SECONDS):
            await service.give_up()
    os._exit(FAILED)


class _Signals:
    """The first asks for a stop, the second for the end, whatever the process is at."""

    def __init__(self) -> None:
        self.first, self.second = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._came)

    def _came(self) -> None:
        if self.first.is_set():
            self.second.set()
            asyncio.get_running_loop().call_later(2 * GIVE_UP_SECONDS, os._exit, FAILED)
        self.first.set()

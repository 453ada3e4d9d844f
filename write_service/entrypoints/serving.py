"""`write-service serve`: run until told to stop, then stop within a bound."""

import asyncio
import os
import signal

from write_service.entrypoints.running import Service
from write_service.logs import logger

log = logger(__name__)

STOPPED, FAILED = 0, 1


async def until_told(service: Service, *, start_within: float, stop_within: float) -> int:
    """Start the service and run it until SIGTERM or SIGINT; the exit code of the process.

    A second signal, or a stop that takes longer than its bound, ends the process at once. What was not finished by then
    was not acknowledged: the broker delivers it again.
    """
    told = asyncio.create_task(_told().wait())
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
    try:
        async with asyncio.timeout(stop_within):
            await service.stop()
    except TimeoutError:
        log.warning("not_stopped_in_time", seconds=stop_within)
        _end_at_once()
    return STOPPED


def _told() -> asyncio.Event:
    told = asyncio.Event()

    def tell() -> None:
        if told.is_set():
            log.warning("ended_by_a_second_signal")
            _end_at_once()
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, tell)
    return told


def _end_at_once() -> None:
    os._exit(FAILED)

"""Waiting for a process that has just been started: until it answers, it dies, or the time is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from deploy.local import processes
from deploy.local.stack import Stack, Trouble, taken


def keep_port(stack: Stack, name: str) -> int:
    """The port of a process that is about to start. Raises Trouble when another program sits on it."""
    port = stack.port(name)
    if taken(port):
        raise Trouble(f"port {port}, which {name} keeps between starts, is in use by another program")
    return port


async def answering(stack: Stack, name: str, probe: Callable[[], Awaitable[object]], within: float = 60) -> None:
    """Return when the probe raises nothing any more. Raises Trouble with the end of the log when it never will."""
    end = time.monotonic() + within
    while True:
        try:
            await asyncio.wait_for(probe(), timeout=5)
        except Exception as failure:  # noqa: BLE001 - a server that starts may answer anything
            said = f"{type(failure).__name__}: {failure}"
        else:
            return
        if not stack.running(name):
            raise Trouble(stack.died(name))
        if time.monotonic() > end:
            log = stack.log(name)
            raise Trouble(f"{name} is not ready after {within:.0f} s ({said}); {log}:\n{processes.tail(log)}")
        await asyncio.sleep(0.05)
